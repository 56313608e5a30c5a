//! The pass `shifts`: text in, text out.

use adjudicate_ir::graph::Module;
use adjudicate_ir::passes::{self, OPTIMISE};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

/// The entry of a program in which a loop of four trips pushes its state before and after each; rows of both are taken
/// off, in this order.
fn check(elements: usize, attributes: &str, wanted: &Expect) {
    let (row, rows) = (format!("f64[{elements}]"), format!("f64[4, {elements}]"));
    let state = format!("{row}, stack {row}, stack {row}, i64");
    let params = format!("%0: {row}, %1: stack {row}, %2: stack {row}, %3: i64");
    let text = format!(
        "module closed entry @0

graph @0 main(%0: {row}) -> ({rows}, {rows}) {{
  %1 = zero : stack {row}
  %2 = const 0 : i64
  %3 = loop @1 @2 (%0, %1, %1, %2) : ({state})
  %4 = get 1 %3 : stack {row}
  %5 = pop_rows[{attributes}] %4 : (stack {row}, {rows})
  %6 = get 1 %5 : {rows}
  %7 = get 2 %3 : stack {row}
  %8 = pop_rows[{attributes}] %7 : (stack {row}, {rows})
  %9 = get 1 %8 : {rows}
  %10 = tuple (%6, %9) : ({rows}, {rows})
  return %10
}}

graph @1 cond({params}) -> bool {{
  %4 = const 4 : i64
  %5 = lt %3 %4 : bool
  return %5
}}

graph @2 body({params}) -> ({state}) {{
  %4 = tanh %0 : {row}
  %5 = push %1 %0 : stack {row}
  %6 = push %2 %4 : stack {row}
  %7 = const 1 : i64
  %8 = add %3 %7 : i64
  %9 = tuple (%4, %5, %6, %8) : ({state})
  return %9
}}
"
    );
    let mut module = parse(&text).unwrap_or_else(|why| panic!("{why}"));
    let passes: Vec<_> = OPTIMISE.iter().copied().filter(|p| ["shifts", "cse", "demand"].contains(&p.name)).collect();
    passes::optimise(&mut module, &passes, &mut |_, _| {}).expect("within the limit");
    verify(&module).unwrap_or_else(|why| panic!("{why:?}"));
    let text = print(&module);
    let entry = text.split("\n\n").nth(1).expect("the entry");
    wanted.assert_eq(entry);
}

#[test]
fn rows_before_each_trip_are_those_after_the_trip_before() {
    check(
        2,
        "4,0,0",
        &expect![[r#"
            graph @0 main(%0: f64[2]) -> (f64[4, 2], f64[4, 2]) {
              %1 = zero : stack f64[2]
              %2 = const 0 : i64
              %3 = loop @1 @2 (%0, %1, %2) : (f64[2], stack f64[2], i64)
              %4 = zero : f64[2]
              %5 = get 1 %3 : stack f64[2]
              %6 = zero : i64
              %7 = tuple (%4, %1, %5, %6) : (f64[2], stack f64[2], stack f64[2], i64)
              %8 = get 2 %7 : stack f64[2]
              %9 = pop_rows[4,0,0] %8 : (stack f64[2], f64[4, 2])
              %10 = get 1 %9 : f64[4, 2]
              %11 = slice[0,3,1,0,2,1] %10 : f64[3, 2]
              %12 = reshape[1,2] %0 : f64[1, 2]
              %13 = concat[0] %12 %11 : f64[4, 2]
              %14 = tuple (%13, %10) : (f64[4, 2], f64[4, 2])
              return %14
            }"#]],
    );
}

#[test]
fn the_last_row_may_be_the_first() {
    check(
        2,
        "4,1,0",
        &expect![[r#"
            graph @0 main(%0: f64[2]) -> (f64[4, 2], f64[4, 2]) {
              %1 = zero : stack f64[2]
              %2 = const 0 : i64
              %3 = loop @1 @2 (%0, %1, %2) : (f64[2], stack f64[2], i64)
              %4 = zero : f64[2]
              %5 = get 1 %3 : stack f64[2]
              %6 = zero : i64
              %7 = tuple (%4, %1, %5, %6) : (f64[2], stack f64[2], stack f64[2], i64)
              %8 = get 2 %7 : stack f64[2]
              %9 = pop_rows[4,1,0] %8 : (stack f64[2], f64[4, 2])
              %10 = get 1 %9 : f64[4, 2]
              %11 = slice[1,4,1,0,2,1] %10 : f64[3, 2]
              %12 = reshape[1,2] %0 : f64[1, 2]
              %13 = concat[0] %11 %12 : f64[4, 2]
              %14 = tuple (%13, %10) : (f64[4, 2], f64[4, 2])
              return %14
            }"#]],
    );
}

#[test]
fn long_rows_are_pushed_twice() {
    check(
        1000,
        "4,0,0",
        &expect![[r#"
        graph @0 main(%0: f64[1000]) -> (f64[4, 1000], f64[4, 1000]) {
          %1 = zero : stack f64[1000]
          %2 = const 0 : i64
          %3 = loop @1 @2 (%0, %1, %1, %2) : (f64[1000], stack f64[1000], stack f64[1000], i64)
          %4 = get 1 %3 : stack f64[1000]
          %5 = pop_rows[4,0,0] %4 : (stack f64[1000], f64[4, 1000])
          %6 = get 1 %5 : f64[4, 1000]
          %7 = get 2 %3 : stack f64[1000]
          %8 = pop_rows[4,0,0] %7 : (stack f64[1000], f64[4, 1000])
          %9 = get 1 %8 : f64[4, 1000]
          %10 = tuple (%6, %9) : (f64[4, 1000], f64[4, 1000])
          return %10
        }"#]],
    );
}

/// Neither stack can be taken from the other: the other would be taken from it again.
#[test]
fn states_that_change_places_are_both_pushed() {
    let text = "module closed entry @0

graph @0 main(%0: f64[2], %1: f64[2]) -> (f64[4, 2], f64[4, 2]) {
  %2 = zero : stack f64[2]
  %3 = const 0 : i64
  %4 = loop @1 @2 (%0, %1, %2, %2, %3) : (f64[2], f64[2], stack f64[2], stack f64[2], i64)
  %5 = get 2 %4 : stack f64[2]
  %6 = pop_rows[4,0,0] %5 : (stack f64[2], f64[4, 2])
  %7 = get 1 %6 : f64[4, 2]
  %8 = get 3 %4 : stack f64[2]
  %9 = pop_rows[4,0,0] %8 : (stack f64[2], f64[4, 2])
  %10 = get 1 %9 : f64[4, 2]
  %11 = tuple (%7, %10) : (f64[4, 2], f64[4, 2])
  return %11
}

graph @1 cond(%0: f64[2], %1: f64[2], %2: stack f64[2], %3: stack f64[2], %4: i64) -> bool {
  %5 = const 4 : i64
  %6 = lt %4 %5 : bool
  return %6
}

graph @2 body(%0: f64[2], %1: f64[2], %2: stack f64[2], %3: stack f64[2], %4: i64) -> (f64[2], f64[2], stack f64[2], stack f64[2], i64) {
  %5 = push %2 %0 : stack f64[2]
  %6 = push %3 %1 : stack f64[2]
  %7 = const 1 : i64
  %8 = add %4 %7 : i64
  %9 = tuple (%1, %0, %5, %6, %8) : (f64[2], f64[2], stack f64[2], stack f64[2], i64)
  return %9
}
";
    let mut module = parse(text).unwrap_or_else(|why| panic!("{why}"));
    let before = module.node_count();
    let mut rounds = 0;
    let watch = &mut |pass: &str, _: &Module| rounds += usize::from(pass == "shifts");
    passes::optimise(&mut module, OPTIMISE, watch).expect("within the limit");
    assert!(rounds <= 3 && module.node_count() <= before, "{rounds} rounds\n{}", print(&module));
}
