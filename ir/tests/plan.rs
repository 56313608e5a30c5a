//! The memory plan: known numbers, and what it leaves open.

use adjudicate_ir::exec::Executable;
use adjudicate_ir::text::parse;
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

#[track_caller]
fn check(graphs: &str, wanted: Expect) {
    let module = parse(&format!("module closed entry @0\n{graphs}")).unwrap_or_else(|why| panic!("{why}"));
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
    let (_, plan) = Executable::planned(&module);
    wanted.assert_eq(&plan.to_string());
}

/// `f` with these nodes and this result; both operands are arrays of 80 bytes.
fn function(nodes: &str, ret: &str, ty: &str) -> String {
    format!("\ngraph @0 f(%0: f64[10], %1: f64[10]) -> {ty} {{{nodes}\n  return {ret}\n}}\n")
}

#[test]
fn a_result_is_there_before_its_operands_end() {
    let nodes = "
  %2 = add %0 %1 : f64[10]
  %3 = exp %2 : f64[10]
  %4 = sin %3 : f64[10]";
    check(&function(nodes, "%4", "f64[10]"), expect!["160 bytes in 2 blocks"]);
}

#[test]
fn what_is_read_later_stays() {
    let nodes = "
  %2 = add %0 %1 : f64[10]
  %3 = exp %2 : f64[10]
  %4 = sin %3 : f64[10]
  %5 = mul %4 %2 : f64[10]";
    check(&function(nodes, "%5", "f64[10]"), expect!["240 bytes in 3 blocks"]);
}

#[test]
fn arguments_are_not_planned_and_views_of_them_take_nothing() {
    let nodes = "
  %2 = reshape[2,5] %0 : f64[2, 5]";
    check(&function(nodes, "%2", "f64[2, 5]"), expect!["0 bytes in 0 blocks"]);
}

#[test]
fn a_number_made_of_an_array_may_be_an_array_for_a_moment() {
    check(&function("\n  %2 = sum[0] %0 : f64", "%2", "f64"), expect!["8 bytes in 1 block"]);
}

#[test]
fn a_product_is_added_in_place_where_nobody_else_holds_the_sum() {
    let graphs = |last: &str| {
        format!(
            "
graph @0 f(%0: f64[10, 10], %1: f64[10, 10]) -> (f64[10, 10], f64[10, 10]) {{
  %2 = matmul[0,0] %0 %1 : f64[10, 10]
  %3 = gemm_add[0,0] %0 %1 %2 : f64[10, 10]
  %4 = tuple (%3, {last}) : (f64[10, 10], f64[10, 10])
  return %4
}}
"
        )
    };
    check(&graphs("%0"), expect!["800 bytes in 1 block"]);
    check(&graphs("%2"), expect!["1600 bytes in 2 blocks"]);
}

/// Beside the operand one branch needs two arrays, the other none.
const BRANCHES: &str = "
graph @0 f(%0: bool, %1: f64[10]) -> f64[10] {
  %2 = exp %1 : f64[10]
  %3 = if %0 @1 @2 (%2) : f64[10]
  %4 = sin %3 : f64[10]
  return %4
}

graph @1 then(%0: f64[10]) -> f64[10] {
  %1 = cos %0 : f64[10]
  %2 = mul %1 %0 : f64[10]
  return %2
}

graph @2 other(%0: f64[10]) -> f64[10] {
  return %0
}
";

#[test]
fn the_branch_that_needs_more_counts() {
    check(BRANCHES, expect!["240 bytes in 3 blocks"]);
}

/// A trip needs an array beside its state.
const LOOP: &str = "
graph @0 f(%0: i64, %1: f64[10]) -> f64[10] {
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %1, %0) : (i64, f64[10])
  %4 = get 1 %3 : f64[10]
  return %4
}

graph @1 less(%0: i64, %1: f64[10], %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 step(%0: i64, %1: f64[10], %2: i64) -> (i64, f64[10]) {
  %3 = const 1 : i64
  %4 = add %0 %3 : i64
  %5 = sin %1 : f64[10]
  %6 = tuple (%4, %5) : (i64, f64[10])
  return %6
}
";

#[test]
fn one_trip_stands_for_all() {
    check(LOOP, expect!["160 bytes in 2 blocks"]);
}

#[test]
fn what_grows_with_trips_is_left_open() {
    let graphs = "
graph @0 f(%0: i64, %1: f64[10]) -> stack f64[10] {
  %2 = const 0 : i64
  %3 = zero : stack f64[10]
  %4 = loop @1 @2 (%2, %3, %1, %0) : (i64, stack f64[10])
  %5 = get 1 %4 : stack f64[10]
  return %5
}

graph @1 less(%0: i64, %1: stack f64[10], %2: f64[10], %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 step(%0: i64, %1: stack f64[10], %2: f64[10], %3: i64) -> (i64, stack f64[10]) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = sin %2 : f64[10]
  %7 = push %1 %6 : stack f64[10]
  %8 = tuple (%5, %7) : (i64, stack f64[10])
  return %8
}
";
    check(graphs, expect!["80 bytes in 1 block, not counting arrays on stacks"]);
}

/// Each call holds an array over the next, and there may be any number of them.
const RECURSION: &str = "
graph @0 f(%0: i64, %1: f64[10]) -> f64[10] {
  %2 = const 0 : i64
  %3 = gt %0 %2 : bool
  %4 = if %3 @1 @2 (%0, %1) : f64[10]
  return %4
}

graph @1 more(%0: i64, %1: f64[10]) -> f64[10] {
  %2 = const 1 : i64
  %3 = sub %0 %2 : i64
  %4 = sin %1 : f64[10]
  %5 = call @0 (%3, %4) : f64[10]
  %6 = mul %5 %4 : f64[10]
  return %6
}

graph @2 end(%0: i64, %1: f64[10]) -> f64[10] {
  return %1
}
";

#[test]
fn recursion_is_left_open() {
    check(RECURSION, expect!["240 bytes in 3 blocks, not counting recursion"]);
}
