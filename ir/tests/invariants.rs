//! Numbers that are the same in every trip: what the pass makes of a module, and that it means the same.

use adjudicate_ir::interp;
use adjudicate_ir::passes::{self, Pass};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

/// The module after the pass, which means the same for some numbers of trips.
fn check(graphs: &str, expected: &Expect) {
    let module = parse(&format!("module closed entry @0\n\n{graphs}")).expect("a module");
    verify(&module).expect("a well-formed module");
    let pass: Vec<Pass> = passes::all().filter(|pass| pass.name == "invariants").copied().collect();
    let mut after = module.clone();
    passes::run_once(&mut after, &pass, &mut |_, _| {});
    verify(&after).unwrap_or_else(|why| panic!("{why}\n{}", print(&after)));
    for trips in [0, 1, 4] {
        let value = |module| interp::eval(module, vec![Value::f64(0.7), Value::I64(trips)]).expect("a value");
        assert_eq!(format!("{:?}", value(&after)), format!("{:?}", value(&module)));
    }
    expected.assert_eq(print(&after).split_once("\n\n").expect("a head and graphs").1);
}

#[test]
fn steps_of_numbers_go_before_the_loop_and_integers_stay() {
    check(
        "graph @0 f(%0: f64, %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %0, %0, %1) : (i64, f64)
  %4 = get 1 %3 : f64
  return %4
}

graph @1 more(%0: i64, %1: f64, %2: f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 trip(%0: i64, %1: f64, %2: f64, %3: i64) -> (i64, f64) {
  %4 = const 6.0 : f64
  %5 = div %2 %4 : f64
  %6 = exp %5 : f64
  %7 = add %6 %5 : f64
  %8 = mul %1 %7 : f64
  %9 = const 1 : i64
  %10 = mul %3 %9 : i64
  %11 = sub %10 %3 : i64
  %12 = add %11 %9 : i64
  %13 = add %0 %12 : i64
  %14 = add %8 %6 : f64
  %15 = tuple (%13, %14) : (i64, f64)
  return %15
}
",
        &expect![[r#"
            graph @0 f(%0: f64, %1: i64) -> f64 {
              %2 = const 0 : i64
              %3 = const 6.0 : f64
              %4 = div %0 %3 : f64
              %5 = exp %4 : f64
              %6 = add %5 %4 : f64
              %7 = loop @1 @2 (%2, %0, %0, %1, %5, %6) : (i64, f64)
              %8 = get 1 %7 : f64
              return %8
            }

            graph @1 more(%0: i64, %1: f64, %2: f64, %3: i64, %5: f64, %6: f64) -> bool {
              %4 = lt %0 %3 : bool
              return %4
            }

            graph @2 trip(%0: i64, %1: f64, %2: f64, %3: i64, %4: f64, %5: f64) -> (i64, f64) {
              %6 = mul %1 %5 : f64
              %7 = const 1 : i64
              %8 = mul %3 %7 : i64
              %9 = sub %8 %3 : i64
              %10 = add %9 %7 : i64
              %11 = add %0 %10 : i64
              %12 = add %6 %4 : f64
              %13 = tuple (%11, %12) : (i64, f64)
              return %13
            }
        "#]],
    );
}

#[test]
fn what_is_the_same_in_an_inner_loop_goes_before_both() {
    check(
        "graph @0 f(%0: f64, %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %0, %0, %1) : (i64, f64)
  %4 = get 1 %3 : f64
  return %4
}

graph @1 more(%0: i64, %1: f64, %2: f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 trip(%0: i64, %1: f64, %2: f64, %3: i64) -> (i64, f64) {
  %4 = const 0 : i64
  %5 = loop @3 @4 (%4, %1, %1, %2, %3) : (i64, f64)
  %6 = get 1 %5 : f64
  %7 = const 1 : i64
  %8 = add %0 %7 : i64
  %9 = tuple (%8, %6) : (i64, f64)
  return %9
}

graph @3 fewer(%0: i64, %1: f64, %2: f64, %3: f64, %4: i64) -> bool {
  %5 = lt %0 %4 : bool
  return %5
}

graph @4 inner(%0: i64, %1: f64, %2: f64, %3: f64, %4: i64) -> (i64, f64) {
  %5 = sin %2 : f64
  %6 = cos %3 : f64
  %7 = mul %5 %6 : f64
  %8 = sub %1 %7 : f64
  %9 = const 1 : i64
  %10 = add %0 %9 : i64
  %11 = tuple (%10, %8) : (i64, f64)
  return %11
}
",
        &expect![[r#"
            graph @0 f(%0: f64, %1: i64) -> f64 {
              %2 = const 0 : i64
              %3 = cos %0 : f64
              %4 = loop @1 @2 (%2, %0, %0, %1, %3) : (i64, f64)
              %5 = get 1 %4 : f64
              return %5
            }

            graph @1 more(%0: i64, %1: f64, %2: f64, %3: i64, %5: f64) -> bool {
              %4 = lt %0 %3 : bool
              return %4
            }

            graph @2 trip(%0: i64, %1: f64, %2: f64, %3: i64, %4: f64) -> (i64, f64) {
              %5 = const 0 : i64
              %6 = loop @3 @4 (%5, %1, %1, %2, %3, %4) : (i64, f64)
              %7 = get 1 %6 : f64
              %8 = const 1 : i64
              %9 = add %0 %8 : i64
              %10 = tuple (%9, %7) : (i64, f64)
              return %10
            }

            graph @3 fewer(%0: i64, %1: f64, %2: f64, %3: f64, %4: i64, %6: f64) -> bool {
              %5 = lt %0 %4 : bool
              return %5
            }

            graph @4 inner(%0: i64, %1: f64, %2: f64, %3: f64, %4: i64, %5: f64) -> (i64, f64) {
              %6 = sin %2 : f64
              %7 = mul %6 %5 : f64
              %8 = sub %1 %7 : f64
              %9 = const 1 : i64
              %10 = add %0 %9 : i64
              %11 = tuple (%10, %8) : (i64, f64)
              return %11
            }
        "#]],
    );
}
