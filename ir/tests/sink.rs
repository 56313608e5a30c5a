//! The pass `sink`: text in, text out.

use adjudicate_ir::passes::{self, DIFFERENTIATE};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

/// Runs the pass on a module of these graphs.
fn check(graphs: &str, wanted: &Expect) {
    let mut module = parse(&format!("module closed entry @0\n\n{graphs}")).unwrap_or_else(|why| panic!("{why}"));
    passes::run_once(&mut module, DIFFERENTIATE, &mut |_, _| {});
    verify(&module).unwrap_or_else(|why| panic!("{why:?}"));
    wanted.assert_eq(&print(&module));
}

/// The pass leaves the module of these graphs as it is.
fn check_stays(graphs: &str) {
    let text = format!("module closed entry @0\n\n{graphs}");
    let mut module = parse(&text).unwrap_or_else(|why| panic!("{why}"));
    passes::run_once(&mut module, DIFFERENTIATE, &mut |_, _| {});
    assert_eq!(print(&module), text);
}

#[test]
fn what_one_side_alone_reads_goes_there_with_what_it_needs() {
    check(
        "graph @0 main(%0: f64, %1: bool) -> f64 {
  %2 = const 2.0 : f64
  %3 = mul %0 %2 : f64
  %4 = sqrt %3 : f64
  %5 = log %3 : f64
  %6 = add %0 %2 : f64
  %7 = if %1 @1 @2 (%0, %4, %5, %6, %2) : f64
  return %7
}

graph @1 then(%0: f64, %1: f64, %2: f64, %3: f64, %4: f64) -> f64 {
  %5 = mul %1 %2 : f64
  %6 = mul %5 %4 : f64
  return %6
}

graph @2 other(%0: f64, %1: f64, %2: f64, %3: f64, %4: f64) -> f64 {
  %5 = mul %0 %3 : f64
  %6 = mul %5 %4 : f64
  return %6
}
",
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64, %1: bool) -> f64 {
              %2 = if %1 @1 @2 (%0) : f64
              return %2
            }

            graph @1 then(%0: f64) -> f64 {
              %1 = const 2.0 : f64
              %2 = mul %0 %1 : f64
              %3 = sqrt %2 : f64
              %4 = log %2 : f64
              %5 = mul %3 %4 : f64
              %6 = mul %5 %1 : f64
              return %6
            }

            graph @2 other(%0: f64) -> f64 {
              %1 = const 2.0 : f64
              %2 = add %0 %1 : f64
              %3 = mul %0 %2 : f64
              %4 = mul %3 %1 : f64
              return %4
            }
        "#]],
    );
}

#[test]
fn what_is_read_elsewhere_stays() {
    check_stays(
        "graph @0 main(%0: f64, %1: bool) -> f64 {
  %2 = sqrt %0 : f64
  %3 = log %0 : f64
  %4 = exp %0 : f64
  %5 = if %1 @1 @2 (%2, %3) : f64
  %6 = if %1 @3 @4 (%4) : f64
  %7 = if %1 @5 @6 (%4) : f64
  %8 = mul %3 %5 : f64
  %9 = mul %8 %6 : f64
  %10 = mul %9 %7 : f64
  return %10
}

graph @1 then(%0: f64, %1: f64) -> f64 {
  %2 = mul %0 %1 : f64
  return %2
}

graph @2 other(%0: f64, %1: f64) -> f64 {
  return %0
}

graph @3 then(%0: f64) -> f64 {
  return %0
}

graph @4 other(%0: f64) -> f64 {
  %1 = const 1.0 : f64
  return %1
}

graph @5 then(%0: f64) -> f64 {
  return %0
}

graph @6 other(%0: f64) -> f64 {
  %1 = const 1.0 : f64
  return %1
}
",
    );
}

/// The inner `if`, which the outer one alone reads, goes before what it alone reads.
#[test]
fn values_go_as_deep_as_they_can() {
    check(
        "graph @0 main(%0: f64, %1: bool, %2: bool) -> f64 {
  %3 = sqrt %0 : f64
  %4 = if %1 @1 @2 (%0, %3) : f64
  %5 = if %2 @3 @4 (%0, %4) : f64
  return %5
}

graph @1 inner_then(%0: f64, %1: f64) -> f64 {
  return %1
}

graph @2 inner_other(%0: f64, %1: f64) -> f64 {
  return %0
}

graph @3 then(%0: f64, %1: f64) -> f64 {
  %2 = exp %1 : f64
  return %2
}

graph @4 other(%0: f64, %1: f64) -> f64 {
  return %0
}
",
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64, %1: bool, %2: bool) -> f64 {
              %3 = if %2 @1 @4 (%0, %1) : f64
              return %3
            }

            graph @1 then(%0: f64, %1: bool) -> f64 {
              %2 = if %1 @2 @3 (%0) : f64
              %3 = exp %2 : f64
              return %3
            }

            graph @2 inner_then(%0: f64) -> f64 {
              %1 = sqrt %0 : f64
              return %1
            }

            graph @3 inner_other(%0: f64) -> f64 {
              return %0
            }

            graph @4 other(%0: f64, %1: bool) -> f64 {
              return %0
            }
        "#]],
    );
}

#[test]
fn values_do_not_go_into_loops_and_go_down_within_them() {
    check(
        "graph @0 main(%0: f64, %1: bool) -> f64 {
  %2 = log %0 : f64
  %3 = loop @1 @2 (%0, %2, %1) : (f64)
  %4 = get 0 %3 : f64
  return %4
}

graph @1 cond(%0: f64, %1: f64, %2: bool) -> bool {
  return %2
}

graph @2 body(%0: f64, %1: f64, %2: bool) -> (f64) {
  %3 = sqrt %0 : f64
  %4 = if %2 @3 @4 (%0, %1, %3) : f64
  %5 = tuple (%4) : (f64)
  return %5
}

graph @3 then(%0: f64, %1: f64, %2: f64) -> f64 {
  %3 = mul %1 %2 : f64
  return %3
}

graph @4 other(%0: f64, %1: f64, %2: f64) -> f64 {
  return %0
}
",
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64, %1: bool) -> f64 {
              %2 = log %0 : f64
              %3 = loop @1 @2 (%0, %2, %1) : (f64)
              %4 = get 0 %3 : f64
              return %4
            }

            graph @1 cond(%0: f64, %1: f64, %2: bool) -> bool {
              return %2
            }

            graph @2 body(%0: f64, %1: f64, %2: bool) -> (f64) {
              %3 = if %2 @3 @4 (%0, %1) : f64
              %4 = tuple (%3) : (f64)
              return %4
            }

            graph @3 then(%0: f64, %1: f64) -> f64 {
              %2 = sqrt %0 : f64
              %3 = mul %1 %2 : f64
              return %3
            }

            graph @4 other(%0: f64, %1: f64) -> f64 {
              return %0
            }
        "#]],
    );
}

#[test]
fn a_branch_of_several_ifs_stays_as_it_is() {
    check_stays(
        "graph @0 main(%0: f64, %1: bool) -> f64 {
  %2 = sqrt %0 : f64
  %3 = log %0 : f64
  %4 = if %1 @1 @2 (%0, %2) : f64
  %5 = if %1 @1 @2 (%0, %3) : f64
  %6 = mul %4 %5 : f64
  return %6
}

graph @1 then(%0: f64, %1: f64) -> f64 {
  return %1
}

graph @2 other(%0: f64, %1: f64) -> f64 {
  return %0
}
",
    );
}

#[test]
fn an_item_is_where_its_tuple_is() {
    check(
        "graph @0 main(%0: f64, %1: bool) -> f64 {
  %2 = call @3 (%0) : (f64, f64)
  %3 = get 0 %2 : f64
  %4 = get 1 %2 : f64
  %5 = call @3 (%3) : (f64, f64)
  %6 = get 0 %5 : f64
  %7 = if %1 @1 @2 (%3, %4, %6) : f64
  return %7
}

graph @1 then(%0: f64, %1: f64, %2: f64) -> f64 {
  %3 = mul %0 %1 : f64
  %4 = mul %3 %2 : f64
  return %4
}

graph @2 other(%0: f64, %1: f64, %2: f64) -> f64 {
  return %0
}

graph @3 both(%0: f64) -> (f64, f64) {
  %1 = sqrt %0 : f64
  %2 = log %0 : f64
  %3 = tuple (%1, %2) : (f64, f64)
  return %3
}
",
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64, %1: bool) -> f64 {
              %2 = call @1 (%0) : (f64, f64)
              %3 = get 0 %2 : f64
              %4 = get 1 %2 : f64
              %5 = if %1 @2 @3 (%3, %4) : f64
              return %5
            }

            graph @1 both(%0: f64) -> (f64, f64) {
              %1 = sqrt %0 : f64
              %2 = log %0 : f64
              %3 = tuple (%1, %2) : (f64, f64)
              return %3
            }

            graph @2 then(%0: f64, %1: f64) -> f64 {
              %2 = call @1 (%0) : (f64, f64)
              %3 = get 0 %2 : f64
              %4 = mul %0 %1 : f64
              %5 = mul %4 %3 : f64
              return %5
            }

            graph @3 other(%0: f64, %1: f64) -> f64 {
              return %0
            }
        "#]],
    );
}

/// An item that neither side reads does not keep the `if` that makes it, whose branches would have two.
#[test]
fn what_no_side_reads_is_left_out() {
    check(
        "graph @0 main(%0: f64, %1: bool) -> f64 {
  %2 = if %1 @1 @2 (%0) : (f64, f64)
  %3 = get 0 %2 : f64
  %4 = get 1 %2 : f64
  %5 = if %1 @3 @4 (%0, %3, %4) : f64
  return %5
}

graph @1 inner_then(%0: f64) -> (f64, f64) {
  %1 = sqrt %0 : f64
  %2 = tuple (%1, %0) : (f64, f64)
  return %2
}

graph @2 inner_other(%0: f64) -> (f64, f64) {
  %1 = tuple (%0, %0) : (f64, f64)
  return %1
}

graph @3 then(%0: f64, %1: f64, %2: f64) -> f64 {
  return %1
}

graph @4 other(%0: f64, %1: f64, %2: f64) -> f64 {
  return %0
}
",
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64, %1: bool) -> f64 {
              %2 = if %1 @1 @4 (%0, %1) : f64
              return %2
            }

            graph @1 then(%0: f64, %1: bool) -> f64 {
              %2 = if %1 @2 @3 (%0) : (f64, f64)
              %3 = get 0 %2 : f64
              return %3
            }

            graph @2 inner_then(%0: f64) -> (f64, f64) {
              %1 = sqrt %0 : f64
              %2 = tuple (%1, %0) : (f64, f64)
              return %2
            }

            graph @3 inner_other(%0: f64) -> (f64, f64) {
              %1 = tuple (%0, %0) : (f64, f64)
              return %1
            }

            graph @4 other(%0: f64, %1: bool) -> f64 {
              return %0
            }
        "#]],
    );
}

/// A condition passes no sensitivity on, nor does what only conditions read.
#[test]
fn what_conditions_read_too_is_made_again_unless_it_is_gentle() {
    check(
        "graph @0 main(%0: f64) -> f64 {
  %1 = mul %0 %0 : f64
  %2 = sqrt %1 : f64
  %3 = const 2.0 : f64
  %4 = mul %2 %3 : f64
  %5 = sin %4 : f64
  %6 = cos %1 : f64
  %7 = lt %5 %6 : bool
  %8 = if %7 @1 @2 (%1, %4, %6) : f64
  return %8
}

graph @1 then(%0: f64, %1: f64, %2: f64) -> f64 {
  %3 = mul %1 %2 : f64
  return %3
}

graph @2 other(%0: f64, %1: f64, %2: f64) -> f64 {
  return %0
}
",
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64) -> f64 {
              %1 = mul %0 %0 : f64
              %2 = sqrt %1 : f64
              %3 = const 2.0 : f64
              %4 = mul %2 %3 : f64
              %5 = sin %4 : f64
              %6 = cos %1 : f64
              %7 = lt %5 %6 : bool
              %8 = if %7 @1 @2 (%1, %6) : f64
              return %8
            }

            graph @1 then(%0: f64, %1: f64) -> f64 {
              %2 = sqrt %0 : f64
              %3 = const 2.0 : f64
              %4 = mul %2 %3 : f64
              %5 = mul %4 %1 : f64
              return %5
            }

            graph @2 other(%0: f64, %1: f64) -> f64 {
              return %0
            }
        "#]],
    );
}

/// One side is given what the other makes again.
#[test]
fn what_moves_to_one_side_may_read_what_is_made_again_on_the_other() {
    check(
        "graph @0 main(%0: f64, %1: bool) -> f64 {
  %2 = sqrt %0 : f64
  %3 = lt %0 %2 : bool
  %4 = if %1 @1 @2 (%0, %2, %3) : f64
  return %4
}

graph @1 then(%0: f64, %1: f64, %2: bool) -> f64 {
  return %1
}

graph @2 other(%0: f64, %1: f64, %2: bool) -> f64 {
  %3 = to_f64 %2 : f64
  %4 = mul %0 %3 : f64
  return %4
}
",
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64, %1: bool) -> f64 {
              %2 = sqrt %0 : f64
              %3 = if %1 @1 @2 (%0, %2) : f64
              return %3
            }

            graph @1 then(%0: f64, %1: f64) -> f64 {
              %2 = sqrt %0 : f64
              return %2
            }

            graph @2 other(%0: f64, %1: f64) -> f64 {
              %2 = lt %0 %1 : bool
              %3 = to_f64 %2 : f64
              %4 = mul %0 %3 : f64
              return %4
            }
        "#]],
    );
}
