//! The dataflow strategy on text modules: values against the interpreter, derivatives against
//! central differences of the order below, with the optimiser and without.

use adjudicate_ir::builder::{Builder, Expr};
use adjudicate_ir::exec::{Executable, Machine, Plain};
use adjudicate_ir::graph::{Const, GraphId, Module, NodeId, Op, VjpSpec};
use adjudicate_ir::interp;
use adjudicate_ir::span::{SourceMap, Span};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::Array;
use adjudicate_strategies::Refusal;
use adjudicate_strategies::dataflow::{DATAFLOW, Dataflow, Loops, UNOPTIMISED, build};
use std::cell::RefCell;

#[track_caller]
fn module(graphs: &str) -> Module {
    let module = parse(&format!("module closed entry @0\n{graphs}")).unwrap_or_else(|why| panic!("{why}"));
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
    module
}

fn float_params(module: &Module, id: GraphId) -> Vec<u32> {
    let types = module.graph(id).param_types();
    (0..types.len() as u32).filter(|&i| types[i as usize].is_float()).collect()
}

/// Adds `h(x…)`: the derivative of a scalar graph along the ones of all its float parameters.
fn along_ones(module: &mut Module, id: GraphId) -> GraphId {
    let wrt = float_params(module, id);
    let b = RefCell::new(Builder::new("along", Span::default()));
    let (node, _) = vjp(module, &b, id, &wrt);
    let mut total: Option<Expr<'_>> = None;
    for k in 0..wrt.len() {
        let id = b.borrow_mut().get(node, k + 1);
        let d = Expr::new(&b, id);
        let axes: Vec<i64> = (0..d.shape().len() as i64).collect();
        let d = if axes.is_empty() { d } else { d.sum(&axes) };
        total = Some(total.map_or(d, |sum| sum + d));
    }
    let ret = total.expect("a float parameter").id;
    module.add(b.into_inner().finish(ret))
}

/// Makes the entry the value of a scalar graph and its gradient by all float parameters.
fn with_gradient(module: &mut Module, id: GraphId) {
    let wrt = float_params(module, id);
    let b = RefCell::new(Builder::new("entry", Span::default()));
    let (node, count) = vjp(module, &b, id, &wrt);
    let mut b = b.into_inner();
    let items: Vec<NodeId> = (0..count).map(|i| b.get(node, i)).collect();
    let ret = b.tuple(&items);
    module.entry = module.add(b.finish(ret));
}

fn vjp(module: &Module, b: &RefCell<Builder>, id: GraphId, wrt: &[u32]) -> (NodeId, usize) {
    let mut b = b.borrow_mut();
    let graph = module.graph(id);
    let types = graph.param_types();
    let mut operands: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
    operands.push(b.constant(Const::F64(1.0)));
    let mut result = vec![graph.result_type().clone()];
    result.extend(wrt.iter().map(|&i| types[i as usize].clone()));
    let count = result.len();
    let spec = VjpSpec { graph: id, wrt: wrt.into(), seeds: None };
    (b.emit(Op::Vjp(spec), &operands, Type::tuple(result)), count)
}

fn transformed(strategy: &Dataflow, program: &Module) -> Module {
    let mut sizes = Vec::new();
    let mut watch = |stage: &str, module: &Module| sizes.push((stage.to_owned(), module.node_count()));
    let made = strategy.transform(program, &SourceMap::default(), &mut watch).unwrap_or_else(|r| panic!("{r:?}"));
    verify(&made).unwrap_or_else(|why| panic!("{why}\n{}", print(&made)));
    made
}

fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Tuple(fields) => fields.into_vec(),
        other => vec![other],
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::F64(x, _) => vec![*x],
        Value::Array(a, _) => a.as_slice().to_vec(),
        Value::I64(n) => vec![*n as f64],
        other => panic!("{other:?} has no numbers"),
    }
}

/// Runs a module with the executor, and compares with the interpreter.
fn run(module: &Module, args: &[Value]) -> Vec<Value> {
    let mut machine = Machine::new();
    let executable = Executable::new(module);
    let expected = items(interp::eval(module, args.to_vec()).unwrap_or_else(|e| panic!("{e:?}")));
    let found = executable.run(&mut machine, &mut Plain, args.iter().cloned()).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    found
}

/// An argument with number `at` of its numbers moved.
fn moved(arg: &Value, at: usize, by: f64) -> Value {
    match arg {
        Value::F64(x, _) => Value::f64(x + by),
        Value::Array(a, _) => {
            let mut items = a.as_slice().to_vec();
            items[at] += by;
            Value::array(Array::from_vec(a.shape(), items))
        }
        other => panic!("{other:?} cannot be moved"),
    }
}

/// The entry `f(x…) -> f64` of a module: its value, and its derivatives up to an order.
#[track_caller]
fn check(graphs: &str, args: &[Value], orders: usize) -> Vec<Vec<f64>> {
    let mut program = module(graphs);
    let value = items(interp::eval(&program, args.to_vec()).unwrap_or_else(|e| panic!("{e:?}")));
    let mut found = vec![value.iter().flat_map(numbers).collect::<Vec<f64>>()];
    for strategy in [&DATAFLOW, &UNOPTIMISED] {
        let made = transformed(strategy, &program);
        assert_eq!(format!("{value:?}"), format!("{:?}", run(&made, args)));
    }
    for order in 1..=orders {
        let below = program.entry;
        let lower = transformed(&DATAFLOW, &program);
        with_gradient(&mut program, below);
        let mut all = Vec::new();
        for strategy in [&DATAFLOW, &UNOPTIMISED] {
            let made = transformed(strategy, &program);
            let results = run(&made, args);
            let gradient: Vec<f64> = results[1..].iter().flat_map(numbers).collect();
            close(&gradient, &differences(&lower, args), order);
            all.push(gradient);
        }
        close(&all[0], &all[1], order);
        found.push(all.remove(0));
        program.entry = along_ones(&mut program, below);
    }
    found
}

#[track_caller]
fn close(found: &[f64], expected: &[f64], order: usize) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-6 * (1.0 + b.abs()), "order {order}: {found:?} is not {expected:?}");
    }
}

fn differences(lower: &Module, args: &[Value]) -> Vec<f64> {
    let h = 1e-4;
    let mut all = Vec::new();
    for (i, arg) in args.iter().enumerate() {
        let count = if matches!(arg, Value::F64(..) | Value::Array(..)) { numbers(arg).len() } else { 0 };
        for at in 0..count {
            let at_offset = |by: f64| {
                let mut args = args.to_vec();
                args[i] = moved(arg, at, by);
                numbers(&run(lower, &args)[0])[0]
            };
            let central = |h: f64| (at_offset(h) - at_offset(-h)) / (2.0 * h);
            all.push((4.0 * central(h) - central(2.0 * h)) / 3.0);
        }
    }
    all
}

fn f(x: f64) -> Value {
    Value::f64(x)
}

fn vector(items: &[f64]) -> Value {
    Value::array(Array::from_slice(&[items.len()], items))
}

const CUBE: &str = "
graph @0 f(%0: f64) -> f64 {
  %1 = powi[3] %0 : f64
  return %1
}
";

#[test]
fn a_cube_has_three_derivatives() {
    let found = check(CUBE, &[f(2.0)], 3);
    assert_eq!(found, [[8.0], [12.0], [12.0], [6.0]]);
}

#[test]
fn an_unused_argument_has_a_zero_gradient_of_its_shape() {
    let text = "
graph @0 f(%0: f64, %1: f64[3]) -> f64 {
  %2 = mul %0 %0 : f64
  return %2
}
";
    let found = check(text, &[f(3.0), vector(&[1.0, 2.0, 3.0])], 2);
    assert_eq!(found[1], [6.0, 0.0, 0.0, 0.0]);
    assert_eq!(found[2], [2.0, 0.0, 0.0, 0.0]);
}

#[test]
fn arrays_broadcast() {
    let text = "
graph @0 f(%0: f64, %1: f64[3]) -> f64 {
  %2 = mul %0 %1 : f64[3]
  %3 = sin %2 : f64[3]
  %4 = mul %3 %3 : f64[3]
  %5 = sum[0] %4 : f64
  return %5
}
";
    check(text, &[f(0.7), vector(&[1.0, -2.0, 0.5])], 3);
}

const BRANCH: &str = "
graph @0 f(%0: f64, %1: f64) -> f64 {
  %2 = const 0.0 : f64
  %3 = gt %0 %2 : bool
  %4 = if %3 @1 @2 (%0, %1) : f64
  %5 = mul %4 %0 : f64
  return %5
}

graph @1 positive(%0: f64, %1: f64) -> f64 {
  %2 = log %0 : f64
  %3 = sin %1 : f64
  %4 = mul %2 %3 : f64
  %5 = mul %4 %4 : f64
  return %5
}

graph @2 negative(%0: f64, %1: f64) -> f64 {
  %2 = mul %0 %0 : f64
  %3 = mul %2 %1 : f64
  return %3
}
";

#[test]
fn the_branch_not_taken_is_not_run() {
    // The logarithm of a negative number would be NaN.
    check(BRANCH, &[f(-1.5), f(0.3)], 3);
    check(BRANCH, &[f(1.5), f(0.3)], 3);
}

/// `while x < bound: x = x*x + y` with a counter that nobody asks for.
const LOOP: &str = "
graph @0 f(%0: f64, %1: f64, %2: f64) -> f64 {
  %3 = const 0 : i64
  %4 = loop @1 @2 (%0, %3, %1, %2) : (f64, i64)
  %5 = get 0 %4 : f64
  %6 = mul %5 %2 : f64
  return %6
}

graph @1 again(%0: f64, %1: i64, %2: f64, %3: f64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 trip(%0: f64, %1: i64, %2: f64, %3: f64) -> (f64, i64) {
  %4 = mul %0 %0 : f64
  %5 = sin %4 : f64
  %6 = exp %2 : f64
  %7 = add %0 %6 : f64
  %8 = add %7 %5 : f64
  %9 = const 1 : i64
  %10 = add %1 %9 : i64
  %11 = tuple (%8, %10) : (f64, i64)
  return %11
}
";

#[test]
fn trips_depend_on_data() {
    check(LOOP, &[f(0.5), f(0.1), f(0.3)], 3);
    check(LOOP, &[f(0.5), f(0.1), f(1.2)], 3);
    check(LOOP, &[f(0.5), f(0.1), f(6.2)], 2);
}

/// The sum over rows of a nested loop, with an `if` in it and reads by index.
const NESTED: &str = "
graph @0 f(%0: f64[3], %1: f64, %2: i64) -> f64 {
  %3 = const 0 : i64
  %4 = const 1.0 : f64
  %5 = loop @1 @2 (%3, %4, %0, %1, %2) : (i64, f64)
  %6 = get 1 %5 : f64
  return %6
}

graph @1 again(%0: i64, %1: f64, %2: f64[3], %3: f64, %4: i64) -> bool {
  %5 = lt %0 %4 : bool
  return %5
}

graph @2 outer(%0: i64, %1: f64, %2: f64[3], %3: f64, %4: i64) -> (i64, f64) {
  %5 = const 0 : i64
  %6 = loop @3 @4 (%5, %1, %2, %3, %0) : (i64, f64)
  %7 = get 1 %6 : f64
  %8 = sin %7 : f64
  %9 = const 1 : i64
  %10 = add %0 %9 : i64
  %11 = tuple (%10, %8) : (i64, f64)
  return %11
}

graph @3 again(%0: i64, %1: f64, %2: f64[3], %3: f64, %4: i64) -> bool {
  %5 = lt %0 %4 : bool
  return %5
}

graph @4 inner(%0: i64, %1: f64, %2: f64[3], %3: f64, %4: i64) -> (i64, f64) {
  %5 = index %2 %0 : f64
  %6 = mul %1 %5 : f64
  %7 = const 0.5 : f64
  %8 = gt %6 %7 : bool
  %9 = if %8 @5 @6 (%6, %3) : f64
  %10 = const 1 : i64
  %11 = add %0 %10 : i64
  %12 = tuple (%11, %9) : (i64, f64)
  return %12
}

graph @5 large(%0: f64, %1: f64) -> f64 {
  %2 = sqrt %0 : f64
  %3 = mul %2 %1 : f64
  return %3
}

graph @6 small(%0: f64, %1: f64) -> f64 {
  %2 = exp %0 : f64
  %3 = mul %2 %0 : f64
  return %3
}
";

#[test]
fn loops_and_branches_nest() {
    for trips in 0..4 {
        check(NESTED, &[vector(&[0.9, 0.4, -0.8]), f(0.7), Value::I64(trips)], 2);
    }
    check(NESTED, &[vector(&[0.9, 0.4, -0.8]), f(0.7), Value::I64(2)], 3);
}

/// `rec(x, t, n) = x if t >= n else sin(rec(x, t + 1, n)) * x`, from t = 0 to n; with `twice`, times
/// `rec(x, t + 1, n)` instead of x, which no loop computes.
fn recursion(n: &str, twice: bool) -> String {
    let (other, factor) = match twice {
        true => ("  %7 = call @1 (%0, %4, %2) : f64\n", "%7"),
        false => ("  %7 = neg %0 : f64\n", "%0"),
    };
    format!(
        "
graph @0 f(%0: f64, %1: i64) -> f64 {{
  %2 = const 0 : i64
  %3 = {n} : i64
  %4 = call @1 (%0, %2, %3) : f64
  return %4
}}

graph @1 rec(%0: f64, %1: i64, %2: i64) -> f64 {{
  %3 = ge %1 %2 : bool
  %4 = if %3 @2 @3 (%0, %1, %2) : f64
  return %4
}}

graph @2 end(%0: f64, %1: i64, %2: i64) -> f64 {{
  return %0
}}

graph @3 more(%0: f64, %1: i64, %2: i64) -> f64 {{
  %3 = const 1 : i64
  %4 = add %1 %3 : i64
  %5 = call @1 (%0, %4, %2) : f64 ; 0:40-44
  %6 = sin %5 : f64
{other}  %8 = mul %6 {factor} : f64
  return %8
}}
"
    )
}

#[test]
fn recursion_of_known_depth_is_unrolled() {
    let text = recursion("const 3", true);
    check(&text, &[f(1.1), Value::I64(0)], 3);
    let built = build(&module(&text), &SourceMap::default(), Loops::Kept).expect("it is known");
    assert_eq!(print(&built).matches("sin").count(), 7);
    assert_eq!(built.graphs.len(), 1);
}

/// Trips that are known stand one after the other in the variant that unrolls; those on data stay a loop, also inside.
#[test]
fn static_loops_are_unrolled_in_the_variant_that_does() {
    let nodes = |text: &str, loops| print(&build(&module(text), &SourceMap::default(), loops).expect("it is known"));
    let known = recursion("const 3", false);
    let (kept, unrolled) = (nodes(&known, Loops::Kept), nodes(&known, Loops::Unrolled));
    assert!(kept.contains(" loop ") && kept.matches("sin").count() == 1, "{kept}");
    assert!(!unrolled.contains(" loop ") && unrolled.matches("sin").count() == 3, "{unrolled}");
    let unknown = recursion("add %1 %1", false);
    assert!(nodes(&unknown, Loops::Unrolled).contains(" loop "));
}

/// A recursion that calls itself once is a loop before this strategy sees it, of known depth or not.
#[test]
fn recursion_that_calls_itself_once_is_a_loop() {
    for n in ["const 3", "add %1 %1"] {
        let text = recursion(n, false);
        check(&text, &[f(1.1), Value::I64(2)], 3);
        check(&text, &[f(1.1), Value::I64(0)], 2);
        let built = build(&module(&text), &SourceMap::default(), Loops::Kept).expect("a loop");
        assert_eq!(print(&built).matches("sin").count(), 1);
    }
}

#[test]
fn recursion_goes_to_great_depth() {
    for (depth, orders) in [(1000, 2), (100_000, 1)] {
        let mut program = module(&recursion(&format!("const {depth}"), false));
        for _ in 1..orders {
            program.entry = along_ones(&mut program, GraphId(0));
        }
        let below = program.entry;
        with_gradient(&mut program, below);
        let made = transformed(&DATAFLOW, &program);
        let result = run(&made, &[f(1.3), Value::I64(0)]);
        assert!(numbers(&result[1])[0].is_finite());
    }
}

fn refused(graphs: &str) -> Refusal {
    build(&module(graphs), &SourceMap::default(), Loops::Kept).expect_err("it cannot be expressed")
}

#[test]
fn recursion_of_unknown_depth_is_refused() {
    let refusal = refused(&recursion("add %1 %1", true));
    assert!(refusal.diagnostic.message.starts_with("the recursion of `rec`"), "{refusal:?}");
    assert_eq!((refusal.diagnostic.span.start, refusal.diagnostic.span.end), (40, 44));
    assert!(refusal.diagnostic.help.expect("advice").contains("take it from a shape; or write a loop"));
}

#[test]
fn recursion_that_does_not_end_is_refused() {
    let refusal = refused(&recursion("const 9000000", true));
    assert!(refusal.diagnostic.message.contains("more than"), "{refusal:?}");
}
