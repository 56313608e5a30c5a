//! What programs mean: modules in, values out.

use adjudicate_ir::graph::Module;
use adjudicate_ir::interp::{EvalError, eval, eval_within};
use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

/// The entry of the module, applied to the arguments, has this value or ends with this error.
#[track_caller]
fn check(graphs: &str, args: Vec<Value>, expected: Expect) {
    let module = module(graphs);
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
    let shown = match eval(&module, args) {
        Ok(value) => show(&value),
        Err(EvalError { span, message }) => format!("error at {}-{}: {message}", span.start, span.end),
    };
    expected.assert_eq(&shown);
}

#[track_caller]
fn module(graphs: &str) -> Module {
    parse(&format!("module closed entry @0\n{graphs}")).unwrap_or_else(|why| panic!("{why}"))
}

fn show(value: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(show).collect::<Vec<_>>().join(", ");
    match value {
        Value::F64(x, _) => format!("{x:?}"),
        Value::I64(x) => x.to_string(),
        Value::Bool(x) => x.to_string(),
        Value::Array(a, _) => format!("{:?} {:?}", a.shape(), a.as_slice()),
        Value::Ints(a) => format!("{:?} {:?}", a.shape(), a.as_slice()),
        Value::Bools(a) => format!("{:?} {:?}", a.shape(), a.as_slice()),
        Value::Tuple(items) => format!("({})", list(items.as_slice())),
        Value::Closure(code, captures) => format!("{code}({})", list(captures.as_slice())),
        Value::Stack(stack) => format!("stack({})", list(&stack.to_vec())),
        Value::Env(fields) => format!("env({})", fields.as_ref().map_or("0".to_owned(), |f| list(f.as_slice()))),
    }
}

#[test]
fn primitives_constants_and_tuples() {
    check(
        "
graph @0 f(%0: f64) -> (f64[2], f64, i64) {
  %1 = const f64[2] (1.0, 2.0) : f64[2]
  %2 = mul %1 %0 : f64[2]
  %3 = sum[0] %2 : f64
  %4 = const 7 : i64
  %5 = tuple (%2, %3, %4) : (f64[2], f64, i64)
  return %5
}
",
        vec![Value::f64(3.0)],
        expect!["([2] [3.0, 6.0], 9.0, 7)"],
    );
}

#[test]
fn an_operand_used_twice() {
    check(
        "
graph @0 f(%0: f64) -> f64 {
  %1 = mul %0 %0 : f64
  %2 = tuple (%1, %0, %1) : (f64, f64, f64)
  %3 = get 2 %2 : f64
  %4 = add %3 %0 : f64
  return %4
}
",
        vec![Value::f64(3.0)],
        expect!["12.0"],
    );
}

#[test]
fn zeros_of_every_type() {
    check(
        "
graph @0 f() -> (f64, i64[2], bool, stack f64, env, (), fn() -> f64) {
  %0 = zero : (f64, i64[2], bool, stack f64, env, (), fn() -> f64)
  return %0
}
",
        vec![],
        expect!["(0.0, [2] [0, 0], false, stack(), env(0), (), @4294967295())"],
    );
}

#[test]
fn what_is_not_reached_is_not_evaluated() {
    check(
        "
graph @0 f(%0: f64[2], %1: i64) -> i64 {
  %2 = index %0 %1 : f64
  %3 = add %2 %2 : f64
  return %1
}
",
        vec![zeros(2), Value::I64(5)],
        expect!["5"],
    );
}

const BRANCHES: &str = "
graph @0 f(%0: f64[2], %1: i64) -> f64 {
  %2 = const 2 : i64
  %3 = lt %1 %2 : bool
  %4 = if %3 @1 @2 (%0, %1) : f64
  return %4
}

graph @1 inside(%0: f64[2], %1: i64) -> f64 {
  %2 = index %0 %1 : f64 ; 0:40-44
  return %2
}

graph @2 outside(%0: f64[2], %1: i64) -> f64 {
  %2 = const -1.0 : f64
  return %2
}
";

#[test]
fn only_the_branch_taken_is_evaluated() {
    check(BRANCHES, vec![zeros(2), Value::I64(5)], expect!["-1.0"]);
    check(BRANCHES, vec![zeros(2), Value::I64(1)], expect!["0.0"]);
}

#[test]
fn errors_have_the_span_of_their_node() {
    check(
        BRANCHES,
        vec![zeros(2), Value::I64(-3)],
        expect!["error at 40-44: index -3 is out of range for axis 0 of size 2"],
    );
}

fn zeros(n: usize) -> Value {
    Value::array(adjudicate_kernels::Array::zeros(&[n]))
}

/// A million calls deep, and not in tail position.
#[test]
fn deep_recursion() {
    check(
        "
graph @0 count(%0: i64) -> i64 {
  %1 = const 0 : i64
  %2 = eq %0 %1 : bool
  %3 = if %2 @1 @2 (%0) : i64
  return %3
}

graph @1 end(%0: i64) -> i64 {
  return %0
}

graph @2 more(%0: i64) -> i64 {
  %1 = const 1 : i64
  %2 = sub %0 %1 : i64
  %3 = call @0 (%2) : i64
  %4 = add %3 %1 : i64
  return %4
}
",
        vec![Value::I64(1_000_000)],
        expect!["1000000"],
    );
}

#[test]
fn endless_recursion_ends() {
    let module = module("\ngraph @0 f(%0: f64) -> f64 {\n  %1 = call @0 (%0) : f64\n  return %1\n}\n");
    let error = eval_within(&module, vec![Value::f64(1.0)], 1000).unwrap_err();
    expect!["the calls are more than 1000 deep"].assert_eq(&error.to_string());
}

/// Each of a million functions captures the one before: they are called to the bottom, and dropped.
#[test]
fn a_long_chain_of_closures() {
    check(
        "
graph @0 f(%0: i64) -> (f64, i64) {
  %1 = const 0 : i64
  %2 = closure @3 () : fn(f64) -> f64
  %3 = loop @1 @2 (%1, %2, %0) : (i64, fn(f64) -> f64)
  %4 = get 1 %3 : fn(f64) -> f64
  %5 = const 0.5 : f64
  %6 = apply %4 (%5) : f64
  %7 = get 0 %3 : i64
  %8 = tuple (%6, %7) : (f64, i64)
  return %8
}

graph @1 less(%0: i64, %1: fn(f64) -> f64, %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 compose(%0: i64, %1: fn(f64) -> f64, %2: i64) -> (i64, fn(f64) -> f64) {
  %3 = closure @4 (%1) : fn(f64) -> f64
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = tuple (%5, %3) : (i64, fn(f64) -> f64)
  return %6
}

graph @3 identity(%0: f64) -> f64 {
  return %0
}

graph @4 increment(%0: fn(f64) -> f64, %1: f64) -> f64 {
  %2 = apply %0 (%1) : f64
  %3 = const 1.0 : f64
  %4 = add %2 %3 : f64
  return %4
}
",
        vec![Value::I64(1_000_000)],
        expect!["(1000000.5, 1000000)"],
    );
}

#[test]
fn loops() {
    check(crate::common::programs::STACKED, vec![Value::I64(0)], expect!["(0, stack(), 0)"]);
    check(crate::common::programs::STACKED, vec![Value::I64(3)], expect!["(0, stack(), 3)"]);
    check(crate::common::programs::STACKED, vec![Value::I64(1_000_000)], expect!["(0, stack(), 499999500000)"]);
}

#[test]
fn function_values_carry_their_captures() {
    check(
        "
graph @0 f(%0: f64) -> (f64, f64, fn(f64) -> f64) {
  %1 = const 10.0 : f64
  %2 = closure @1 (%1) : fn(f64) -> f64
  %3 = call @2 (%2, %0) : f64
  %4 = call @2 (%2, %3) : f64
  %5 = tuple (%3, %4, %2) : (f64, f64, fn(f64) -> f64)
  return %5
}

graph @1 times(%0: f64, %1: f64) -> f64 {
  %2 = mul %0 %1 : f64
  return %2
}

graph @2 twice(%0: fn(f64) -> f64, %1: f64) -> f64 {
  %2 = apply %0 (%1) : f64
  %3 = apply %0 (%2) : f64
  return %3
}
",
        vec![Value::f64(2.0)],
        expect!["(200.0, 20000.0, @1(10.0))"],
    );
}

#[test]
fn parameters_may_stand_anywhere() {
    check(
        "
graph @0 f(%3: i64, %1: i64) -> i64 {
  %0 = const 100 : i64
  %2 = sub %0 %1 : i64
  %4 = call @1 (%2, %3) : i64
  return %4
}

graph @1 first(%1: i64, %0: i64) -> i64 {
  return %1
}
",
        vec![Value::I64(7), Value::I64(1)],
        expect!["99"],
    );
}

#[test]
fn derivatives_have_no_meaning_here() {
    check(
        "
graph @0 f(%0: f64) -> (f64, f64) {
  %1 = vjp @1 wrt [0] (%0, %0) : (f64, f64) ; 0:3-9
  return %1
}

graph @1 g(%0: f64) -> f64 {
  return %0
}
",
        vec![Value::f64(2.0)],
        expect!["error at 3-9: what the derivative of @1 is, a strategy says"],
    );
}

#[test]
fn the_zero_of_a_function_type_has_no_code() {
    check(
        "
graph @0 f() -> f64 {
  %0 = zero : fn() -> f64
  %1 = apply %0 () : f64 ; 0:5-6
  return %1
}
",
        vec![],
        expect!["error at 5-6: the zero of a function type was called"],
    );
}

#[test]
fn arguments_have_the_types_of_the_parameters() {
    let pair = "\ngraph @0 f(%0: (f64, i64[2])) -> f64 { ; 0:1-2\n  %1 = get 0 %0 : f64\n  return %1\n}\n";
    let ints = Value::ints(adjudicate_kernels::Array::zeros(&[2]));
    check(pair, vec![Value::tuple(vec![Value::f64(1.5), ints.clone()])], expect!["1.5"]);
    for args in [vec![], vec![Value::f64(1.5)], vec![Value::tuple(vec![ints, Value::f64(1.5)])]] {
        check(pair, args, expect!["error at 1-2: the arguments do not have the types of the parameters"]);
    }
}

#[test]
fn source_modules_are_not_evaluated() {
    let module = parse("module source entry @0\n\ngraph @0 f() { ; 0:1-2\n  %0 = const 1\n  return %0\n}").unwrap();
    expect!["a source module has no types to evaluate it by"]
        .assert_eq(&eval(&module, vec![]).unwrap_err().to_string());
}
