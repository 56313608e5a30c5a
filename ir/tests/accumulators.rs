//! The pass `accumulators`: text in, text out, and the same values.

use adjudicate_ir::interp;
use adjudicate_ir::passes::{self, DISTRIBUTE};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::Array;
use expect_test::{Expect, expect};

/// Runs the pass; checks text and, for `args`, that the entry still returns `result`.
#[track_caller]
fn check(text: &str, args: &[Value], result: &[f64], wanted: &Expect) {
    let before = parse(text).unwrap_or_else(|why| panic!("{why}"));
    let mut after = before.clone();
    let pass: Vec<_> = DISTRIBUTE.iter().copied().filter(|p| p.name == "accumulators").collect();
    passes::run_once(&mut after, &pass, &mut |_, _| {});
    verify(&after).unwrap_or_else(|why| panic!("{why:?}"));
    for module in [&before, &after] {
        let value = interp::eval(module, args.to_vec()).unwrap_or_else(|why| panic!("{why:?}"));
        let Value::Array(array, _) = value else { panic!("an array, not {value:?}") };
        assert_eq!(array.as_slice(), result);
    }
    wanted.assert_eq(&print(&after));
}

fn array(items: &[f64]) -> Value {
    Value::array(Array::from_vec(&[items.len()], items.to_vec()))
}

/// Both branches take what is added to; the second call is a tail call.
#[test]
fn a_tree_recursion_adds_to_one_array() {
    check(
        "module closed entry @0

graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
  %2 = call @1 (%0, %1) : f64[2]
  return %2
}

graph @1 f(%0: f64[2], %1: i64) -> f64[2] {
  %2 = const 0 : i64
  %3 = gt %1 %2 : bool
  %4 = if %3 @2 @3 (%0, %1) : f64[2]
  return %4
}

graph @2 then(%0: f64[2], %1: i64) -> f64[2] {
  %2 = const 1 : i64
  %3 = sub %1 %2 : i64
  %4 = call @1 (%0, %3) : f64[2]
  %5 = add %0 %4 : f64[2]
  %6 = call @1 (%0, %3) : f64[2]
  %7 = add %5 %6 : f64[2]
  return %7
}

graph @3 else(%0: f64[2], %1: i64) -> f64[2] {
  %2 = zero : f64[2]
  return %2
}
",
        &[array(&[1.0, 2.0]), Value::I64(3)],
        &[7.0, 14.0],
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
              %2 = zero : f64[2]
              %3 = call @1 (%0, %1, %2) : f64[2]
              return %3
            }

            graph @1 f(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              %3 = const 0 : i64
              %4 = gt %1 %3 : bool
              %5 = if %4 @2 @3 (%0, %1, %2) : f64[2]
              return %5
            }

            graph @2 then(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              %3 = const 1 : i64
              %4 = sub %1 %3 : i64
              %5 = add %2 %0 : f64[2]
              %6 = call @1 (%0, %4, %5) : f64[2]
              %7 = call @1 (%0, %4, %6) : f64[2]
              return %7
            }

            graph @3 else(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              return %2
            }
        "#]],
    );
}

/// All function values of the type change, and those who call them.
#[test]
fn function_values_take_accumulators_too() {
    check(
        "module closed entry @0

graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
  %2 = closure @2 (%0) : fn(i64) -> f64[2]
  %3 = closure @1 (%0, %2) : fn(i64) -> f64[2]
  %4 = apply %3 (%1) : f64[2]
  %5 = mul %0 %4 : f64[2]
  return %5
}

graph @1 outer(%0: f64[2], %1: fn(i64) -> f64[2], %2: i64) -> f64[2] {
  %3 = apply %1 (%2) : f64[2]
  %4 = add %3 %0 : f64[2]
  %5 = apply %1 (%2) : f64[2]
  %6 = add %4 %5 : f64[2]
  return %6
}

graph @2 inner(%0: f64[2], %1: i64) -> f64[2] {
  %2 = zero : f64[2]
  %3 = index %0 %1 : f64
  %4 = index_add %2 %1 %3 : f64[2]
  return %4
}
",
        &[array(&[3.0, 5.0]), Value::I64(1)],
        &[9.0, 75.0],
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
              %2 = closure @1 (%0) : fn(i64, f64[2]) -> f64[2]
              %3 = closure @2 (%0, %2) : fn(i64, f64[2]) -> f64[2]
              %4 = zero : f64[2]
              %5 = apply %3 (%1, %4) : f64[2]
              %6 = mul %0 %5 : f64[2]
              return %6
            }

            graph @1 inner(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              %3 = index %0 %1 : f64
              %4 = index_add %2 %1 %3 : f64[2]
              return %4
            }

            graph @2 outer(%0: f64[2], %1: fn(i64, f64[2]) -> f64[2], %2: i64, %3: f64[2]) -> f64[2] {
              %4 = add %3 %0 : f64[2]
              %5 = apply %1 (%2, %4) : f64[2]
              %6 = apply %1 (%2, %5) : f64[2]
              return %6
            }
        "#]],
    );
}

/// The accumulator goes through a loop whose state adds to what it begins with.
#[test]
fn a_loop_begins_with_the_accumulator() {
    check(
        "module closed entry @0

graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
  %2 = call @1 (%0, %1) : f64[2]
  return %2
}

graph @1 f(%0: f64[2], %1: i64) -> f64[2] {
  %2 = zero : f64[2]
  %3 = const 0 : i64
  %4 = loop @2 @3 (%2, %3, %0, %1) : (f64[2], i64)
  %5 = get 0 %4 : f64[2]
  %6 = add %0 %5 : f64[2]
  return %6
}

graph @2 again(%0: f64[2], %1: i64, %2: f64[2], %3: i64) -> bool {
  %4 = lt %1 %3 : bool
  return %4
}

graph @3 trip(%0: f64[2], %1: i64, %2: f64[2], %3: i64) -> (f64[2], i64) {
  %4 = call @1 (%2, %1) : f64[2]
  %5 = add %0 %4 : f64[2]
  %6 = const 1 : i64
  %7 = add %1 %6 : i64
  %8 = tuple (%5, %7) : (f64[2], i64)
  return %8
}
",
        &[array(&[1.0, 2.0]), Value::I64(3)],
        &[8.0, 16.0],
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
              %2 = zero : f64[2]
              %3 = call @1 (%0, %1, %2) : f64[2]
              return %3
            }

            graph @1 f(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              %3 = const 0 : i64
              %4 = add %2 %0 : f64[2]
              %5 = loop @2 @3 (%4, %3, %0, %1) : (f64[2], i64)
              %6 = get 0 %5 : f64[2]
              return %6
            }

            graph @2 again(%0: f64[2], %1: i64, %2: f64[2], %3: i64) -> bool {
              %4 = lt %1 %3 : bool
              return %4
            }

            graph @3 trip(%0: f64[2], %1: i64, %2: f64[2], %3: i64) -> (f64[2], i64) {
              %4 = call @1 (%2, %1, %0) : f64[2]
              %5 = const 1 : i64
              %6 = add %1 %5 : i64
              %7 = tuple (%4, %6) : (f64[2], i64)
              return %7
            }
        "#]],
    );
}

/// An item of a tuple that somebody reads whole is not added to.
#[test]
fn a_tuple_that_is_read_whole_stays_what_it_is() {
    check(
        "module closed entry @0

graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
  %2 = call @1 (%0, %1) : (f64[2], f64[2])
  %3 = get 0 %2 : f64[2]
  %4 = get 1 %2 : f64[2]
  %5 = add %3 %4 : f64[2]
  return %5
}

graph @1 f(%0: f64[2], %1: i64) -> (f64[2], f64[2]) {
  %2 = const 0 : i64
  %3 = gt %1 %2 : bool
  %4 = if %3 @2 @3 (%0, %1) : (f64[2], f64[2])
  return %4
}

graph @2 then(%0: f64[2], %1: i64) -> (f64[2], f64[2]) {
  %2 = const 1 : i64
  %3 = sub %1 %2 : i64
  %4 = closure @4 () : fn((f64[2], f64[2])) -> f64[2]
  %5 = call @1 (%0, %3) : (f64[2], f64[2])
  %6 = get 0 %5 : f64[2]
  %7 = add %0 %6 : f64[2]
  %8 = apply %4 (%5) : f64[2]
  %9 = call @1 (%0, %3) : (f64[2], f64[2])
  %10 = get 0 %9 : f64[2]
  %11 = add %7 %10 : f64[2]
  %12 = get 1 %9 : f64[2]
  %13 = add %8 %12 : f64[2]
  %14 = tuple (%11, %13) : (f64[2], f64[2])
  return %14
}

graph @3 else(%0: f64[2], %1: i64) -> (f64[2], f64[2]) {
  %2 = tuple (%0, %0) : (f64[2], f64[2])
  return %2
}

graph @4 first(%0: (f64[2], f64[2])) -> f64[2] {
  %1 = get 0 %0 : f64[2]
  return %1
}
",
        &[array(&[1.0, 2.0]), Value::I64(2)],
        &[12.0, 24.0],
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
              %2 = zero : f64[2]
              %3 = call @1 (%0, %1, %2) : (f64[2], f64[2])
              %4 = get 1 %3 : f64[2]
              %5 = get 0 %3 : f64[2]
              %6 = add %4 %5 : f64[2]
              return %6
            }

            graph @1 f(%0: f64[2], %1: i64, %2: f64[2]) -> (f64[2], f64[2]) {
              %3 = const 0 : i64
              %4 = gt %1 %3 : bool
              %5 = if %4 @2 @4 (%0, %1, %2) : (f64[2], f64[2])
              %6 = get 1 %5 : f64[2]
              %7 = get 0 %5 : f64[2]
              %8 = tuple (%7, %6) : (f64[2], f64[2])
              return %8
            }

            graph @2 then(%0: f64[2], %1: i64, %2: f64[2]) -> (f64[2], f64[2]) {
              %3 = const 1 : i64
              %4 = sub %1 %3 : i64
              %5 = closure @3 () : fn((f64[2], f64[2]), f64[2]) -> f64[2]
              %6 = zero : f64[2]
              %7 = call @1 (%0, %4, %6) : (f64[2], f64[2])
              %8 = get 0 %7 : f64[2]
              %9 = add %0 %8 : f64[2]
              %10 = apply %5 (%7, %2) : f64[2]
              %11 = call @1 (%0, %4, %10) : (f64[2], f64[2])
              %12 = get 1 %11 : f64[2]
              %13 = get 0 %11 : f64[2]
              %14 = add %9 %13 : f64[2]
              %15 = tuple (%14, %12) : (f64[2], f64[2])
              return %15
            }

            graph @3 first(%0: (f64[2], f64[2]), %1: f64[2]) -> f64[2] {
              %2 = get 0 %0 : f64[2]
              %3 = add %1 %2 : f64[2]
              return %3
            }

            graph @4 else(%0: f64[2], %1: i64, %2: f64[2]) -> (f64[2], f64[2]) {
              %3 = add %2 %0 : f64[2]
              %4 = tuple (%0, %3) : (f64[2], f64[2])
              return %4
            }
        "#]],
    );
}

/// What is multiplied is no term of a sum.
#[test]
fn a_recursion_that_is_not_added_up_stays() {
    let text = "module closed entry @0

graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
  %2 = call @1 (%0, %1) : f64[2]
  return %2
}

graph @1 f(%0: f64[2], %1: i64) -> f64[2] {
  %2 = const 0 : i64
  %3 = gt %1 %2 : bool
  %4 = if %3 @2 @3 (%0, %1) : f64[2]
  return %4
}

graph @2 then(%0: f64[2], %1: i64) -> f64[2] {
  %2 = const 1 : i64
  %3 = sub %1 %2 : i64
  %4 = call @1 (%0, %3) : f64[2]
  %5 = mul %0 %4 : f64[2]
  return %5
}

graph @3 else(%0: f64[2], %1: i64) -> f64[2] {
  return %0
}
";
    let mut module = parse(text).unwrap_or_else(|why| panic!("{why}"));
    passes::run_once(&mut module, DISTRIBUTE, &mut |_, _| {});
    assert_eq!(print(&module), text);
}

/// Each item that is added up has an accumulator of its own; what only one branch adds to, the other returns.
#[test]
fn two_items_have_two_accumulators() {
    check(
        "module closed entry @0

graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
  %2 = call @1 (%0, %1) : (f64[2], f64[2])
  %3 = get 0 %2 : f64[2]
  %4 = get 1 %2 : f64[2]
  %5 = mul %3 %4 : f64[2]
  return %5
}

graph @1 f(%0: f64[2], %1: i64) -> (f64[2], f64[2]) {
  %2 = const 0 : i64
  %3 = gt %1 %2 : bool
  %4 = if %3 @2 @3 (%0, %1) : (f64[2], f64[2])
  return %4
}

graph @2 then(%0: f64[2], %1: i64) -> (f64[2], f64[2]) {
  %2 = const 1 : i64
  %3 = sub %1 %2 : i64
  %4 = call @1 (%0, %3) : (f64[2], f64[2])
  %5 = call @1 (%0, %3) : (f64[2], f64[2])
  %6 = get 0 %4 : f64[2]
  %7 = get 0 %5 : f64[2]
  %8 = add %6 %7 : f64[2]
  %9 = add %8 %0 : f64[2]
  %10 = get 1 %4 : f64[2]
  %11 = get 1 %5 : f64[2]
  %12 = add %10 %11 : f64[2]
  %13 = tuple (%9, %12) : (f64[2], f64[2])
  return %13
}

graph @3 else(%0: f64[2], %1: i64) -> (f64[2], f64[2]) {
  %2 = zero : f64[2]
  %3 = tuple (%2, %0) : (f64[2], f64[2])
  return %3
}
",
        &[array(&[1.0, 2.0]), Value::I64(2)],
        &[12.0, 48.0],
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
              %2 = zero : f64[2]
              %3 = zero : f64[2]
              %4 = call @1 (%0, %1, %2, %3) : (f64[2], f64[2])
              %5 = get 0 %4 : f64[2]
              %6 = get 1 %4 : f64[2]
              %7 = mul %5 %6 : f64[2]
              return %7
            }

            graph @1 f(%0: f64[2], %1: i64, %2: f64[2], %3: f64[2]) -> (f64[2], f64[2]) {
              %4 = const 0 : i64
              %5 = gt %1 %4 : bool
              %6 = if %5 @2 @3 (%0, %1, %2, %3) : (f64[2], f64[2])
              %7 = get 0 %6 : f64[2]
              %8 = get 1 %6 : f64[2]
              %9 = tuple (%7, %8) : (f64[2], f64[2])
              return %9
            }

            graph @2 then(%0: f64[2], %1: i64, %2: f64[2], %3: f64[2]) -> (f64[2], f64[2]) {
              %4 = const 1 : i64
              %5 = sub %1 %4 : i64
              %6 = add %2 %0 : f64[2]
              %7 = call @1 (%0, %5, %6, %3) : (f64[2], f64[2])
              %8 = get 0 %7 : f64[2]
              %9 = get 1 %7 : f64[2]
              %10 = call @1 (%0, %5, %8, %9) : (f64[2], f64[2])
              %11 = get 0 %10 : f64[2]
              %12 = get 1 %10 : f64[2]
              %13 = tuple (%11, %12) : (f64[2], f64[2])
              return %13
            }

            graph @3 else(%0: f64[2], %1: i64, %2: f64[2], %3: f64[2]) -> (f64[2], f64[2]) {
              %4 = add %3 %0 : f64[2]
              %5 = tuple (%2, %4) : (f64[2], f64[2])
              return %5
            }
        "#]],
    );
}

/// A function that returns what a recursion adds up passes an accumulator on; if nobody adds that to anything, none does.
#[test]
fn an_accumulator_is_passed_on() {
    check(
        "module closed entry @0

graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
  %2 = call @1 (%0, %1) : f64[2]
  return %2
}

graph @1 f(%0: f64[2], %1: i64) -> f64[2] {
  %2 = const 0 : i64
  %3 = gt %1 %2 : bool
  %4 = if %3 @2 @3 (%0, %1) : f64[2]
  return %4
}

graph @2 then(%0: f64[2], %1: i64) -> f64[2] {
  %2 = call @4 (%0, %1) : f64[2]
  %3 = add %2 %0 : f64[2]
  return %3
}

graph @3 else(%0: f64[2], %1: i64) -> f64[2] {
  %2 = zero : f64[2]
  return %2
}

graph @4 less(%0: f64[2], %1: i64) -> f64[2] {
  %2 = const 1 : i64
  %3 = sub %1 %2 : i64
  %4 = call @1 (%0, %3) : f64[2]
  return %4
}
",
        &[array(&[1.0, 2.0]), Value::I64(3)],
        &[3.0, 6.0],
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64[2], %1: i64) -> f64[2] {
              %2 = zero : f64[2]
              %3 = call @1 (%0, %1, %2) : f64[2]
              return %3
            }

            graph @1 f(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              %3 = const 0 : i64
              %4 = gt %1 %3 : bool
              %5 = if %4 @2 @4 (%0, %1, %2) : f64[2]
              return %5
            }

            graph @2 then(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              %3 = add %2 %0 : f64[2]
              %4 = call @3 (%0, %1, %3) : f64[2]
              return %4
            }

            graph @3 less(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              %3 = const 1 : i64
              %4 = sub %1 %3 : i64
              %5 = call @1 (%0, %4, %2) : f64[2]
              return %5
            }

            graph @4 else(%0: f64[2], %1: i64, %2: f64[2]) -> f64[2] {
              return %2
            }
        "#]],
    );
}
