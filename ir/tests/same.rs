//! The text of an executable: equal where the same is run.

use adjudicate_ir::exec::Executable;
use adjudicate_ir::text::parse;
use adjudicate_ir::verify::verify;

const PROGRAM: &str = "
graph @0 f(%0: f64[3]) -> f64 {
  %1 = const 2.0 : f64
  %2 = const 0.5 : f64
  %3 = exp %0 : f64[3]
  %4 = mul %3 %1 : f64[3]
  %5 = sum[0] %4 : f64
  %6 = call @1 (%5, %2) : f64
  return %6
}

graph @1 g(%0: f64, %1: f64) -> f64 {
  %2 = sub %0 %1 : f64
  return %2
}
";

#[track_caller]
fn text(entry: &str, graphs: &str) -> String {
    let module = parse(&format!("module closed entry {entry}\n{graphs}")).unwrap_or_else(|why| panic!("{why}"));
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
    Executable::planned(&module).0.text()
}

/// Whether the program with a piece of its text replaced is the same.
#[track_caller]
fn is_same(old: &str, new: &str) -> bool {
    assert!(PROGRAM.contains(old), "{old}");
    text("@0", &PROGRAM.replacen(old, new, 1)) == text("@0", PROGRAM)
}

#[test]
fn names_and_positions_do_not_matter() {
    assert!(is_same(" f(", " loss("));
    assert!(is_same(" g(", " \"\"("));
    assert!(is_same("exp %0 : f64[3]", "exp %0 : f64[3] ; 0:17-21"));
    assert!(is_same("sub %0 %1 : f64", "sub %0 %1 : f64 ; 1:3-4"));
}

#[test]
fn what_is_run_matters() {
    assert!(!is_same("exp", "sin"));
    assert!(!is_same("2.0", "3.0"));
    assert!(!is_same("0.5", "-0.5"));
    assert!(!is_same("sub %0 %1", "sub %1 %0"));
    assert!(!is_same("(%5, %2)", "(%5, %1)"));
    assert!(!is_same("f(%0: f64[3])", "f(%0: f64[3], %7: f64)"));
}

#[test]
fn where_constants_stand_does_not_matter() {
    let moved = "
graph @0 f(%0: f64[3]) -> f64 {
  %1 = exp %0 : f64[3]
  %2 = const 0.5 : f64
  %3 = const 2.0 : f64
  %4 = mul %1 %3 : f64[3]
  %5 = sum[0] %4 : f64
  %6 = call @1 (%5, %2) : f64
  return %6
}

graph @1 g(%0: f64, %1: f64) -> f64 {
  %2 = sub %0 %1 : f64
  return %2
}
";
    assert_eq!(text("@0", moved), text("@0", PROGRAM));
}

#[test]
fn how_graphs_are_numbered_does_not_matter() {
    let numbered = PROGRAM.replace("@1", "@3").replace("@0", "@2");
    let other = "
graph @0 unused(%0: f64) -> f64 {
  return %0
}

graph @1 unused(%0: f64) -> f64 {
  return %0
}
";
    assert_eq!(text("@2", &format!("{other}{numbered}")), text("@0", PROGRAM));
}

#[test]
fn every_element_of_a_constant_matters() {
    let program = |middle: f64| {
        let elements: Vec<String> = (0..1200).map(|i| format!("{:?}", if i == 600 { middle } else { 1.0 })).collect();
        let constant = format!("  %1 = const f64[1200] ({}) : f64[1200]\n", elements.join(", "));
        format!(
            "\ngraph @0 f(%0: f64[1200]) -> f64[1200] {{\n{constant}  %2 = mul %0 %1 : f64[1200]\n  return %2\n}}\n"
        )
    };
    assert!(text("@0", &program(1.0)) == text("@0", &program(1.0)));
    assert!(text("@0", &program(1.0)) != text("@0", &program(7.0)));
}
