//! The pass `ranges`: text in, text out.

use adjudicate_ir::passes::{self, OPTIMISE};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

fn check(body: &str, wanted: &Expect) {
    let text = format!(
        "module closed entry @0\n\ngraph @0 f(%0: f64[2, 1], %1: f64[2, 2], %2: f64[2, 1]) -> f64[2, 4] {{\n{body}}}\n"
    );
    let mut module = parse(&text).unwrap_or_else(|why| panic!("{why}"));
    let pass: Vec<_> = OPTIMISE.iter().copied().filter(|p| p.name == "ranges").collect();
    passes::optimise(&mut module, &pass, &mut |_, _| {}).expect("within the limit");
    verify(&module).unwrap_or_else(|why| panic!("{why:?}"));
    wanted.assert_eq(&print(&module));
}

#[test]
fn slices_that_lie_end_to_end_are_joined() {
    check(
        "  %3 = unslice[2,2,4,0,2,1,3,4,1] %2 : f64[2, 4]\n  %4 = unslice[2,2,4,0,2,1,1,3,1] %1 : f64[2, 4]\n  %5 = add %3 %4 : f64[2, 4]\n  %6 = unslice[2,2,4,0,2,1,0,1,1] %0 : f64[2, 4]\n  %7 = add %5 %6 : f64[2, 4]\n  return %7\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[2, 1], %1: f64[2, 2], %2: f64[2, 1]) -> f64[2, 4] {
              %3 = const 0.0 : f64
              %4 = add %0 %3 : f64[2, 1]
              %5 = add %1 %3 : f64[2, 2]
              %6 = add %2 %3 : f64[2, 1]
              %7 = concat[1] %4 %5 %6 : f64[2, 4]
              return %7
            }
        "#]],
    );
}

#[test]
fn slices_that_leave_something_out_or_overlap_are_added() {
    check(
        "  %3 = unslice[2,2,4,0,2,1,0,2,1] %1 : f64[2, 4]\n  %4 = unslice[2,2,4,0,2,1,1,3,1] %1 : f64[2, 4]\n  %5 = add %3 %4 : f64[2, 4]\n  return %5\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[2, 1], %1: f64[2, 2], %2: f64[2, 1]) -> f64[2, 4] {
              %3 = unslice[2,2,4,0,2,1,0,2,1] %1 : f64[2, 4]
              %4 = unslice[2,2,4,0,2,1,1,3,1] %1 : f64[2, 4]
              %5 = add %3 %4 : f64[2, 4]
              return %5
            }
        "#]],
    );
    check(
        "  %3 = unslice[2,2,4,0,2,1,0,2,1] %1 : f64[2, 4]\n  %4 = unslice[2,2,4,0,2,1,3,1,-1] %1 : f64[2, 4]\n  %5 = add %3 %4 : f64[2, 4]\n  return %5\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[2, 1], %1: f64[2, 2], %2: f64[2, 1]) -> f64[2, 4] {
              %3 = unslice[2,2,4,0,2,1,0,2,1] %1 : f64[2, 4]
              %4 = unslice[2,2,4,0,2,1,3,1,-1] %1 : f64[2, 4]
              %5 = add %3 %4 : f64[2, 4]
              return %5
            }
        "#]],
    );
}

/// A sum that is added to itself sixty times has 2⁶¹ terms.
#[test]
fn sums_of_sums_are_not_looked_through_without_end() {
    let mut body = "  %3 = unslice[2,2,4,0,2,1,0,2,1] %1 : f64[2, 4]\n  %4 = unslice[2,2,4,0,2,1,1,3,1] %1 : f64[2, 4]\n  %5 = add %3 %4 : f64[2, 4]\n".to_owned();
    for sum in 5..65 {
        body += &format!("  %{} = add %{sum} %{sum} : f64[2, 4]\n", sum + 1);
    }
    let text = format!(
        "module closed entry @0\n\ngraph @0 f(%0: f64[2, 1], %1: f64[2, 2], %2: f64[2, 1]) -> f64[2, 4] {{\n{body}  return %65\n}}\n"
    );
    let mut module = parse(&text).unwrap_or_else(|why| panic!("{why}"));
    passes::optimise(&mut module, OPTIMISE, &mut |_, _| {}).expect("within the limit");
    assert!(print(&module).matches("add").count() >= 61, "{}", print(&module));
}

/// One element each: as many parts as the axis is long.
#[test]
fn single_elements_are_joined() {
    let text = "module closed entry @0\n\ngraph @0 f(%0: f64[1], %1: f64[1], %2: f64[1]) -> f64[3] {\n  %3 = unslice[1,3,0,1,1] %0 : f64[3]\n  %4 = unslice[1,3,1,2,1] %1 : f64[3]\n  %5 = unslice[1,3,2,3,1] %2 : f64[3]\n  %6 = add %3 %4 : f64[3]\n  %7 = add %6 %5 : f64[3]\n  return %7\n}\n";
    let mut module = parse(text).unwrap_or_else(|why| panic!("{why}"));
    passes::optimise(&mut module, OPTIMISE, &mut |_, _| {}).expect("within the limit");
    assert!(print(&module).contains("concat[0] %4 %5 %6"), "{}", print(&module));
}
