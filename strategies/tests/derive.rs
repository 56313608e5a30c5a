//! The tape against finite differences, on typed modules with derivatives in them.

use adjudicate_ir::graph::Module;
use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::Array;
use adjudicate_strategies::finite::Differenced;
use adjudicate_strategies::tape::Taped;

#[track_caller]
fn module(graphs: &str) -> Module {
    let module = parse(&format!("module closed entry @0\n{graphs}")).unwrap_or_else(|why| panic!("{why}"));
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
    module
}

#[track_caller]
fn taped(graphs: &str, args: &[Value]) -> Vec<f64> {
    let mut taped = Taped::new(&module(graphs));
    let first = flat(&taped.run(args).unwrap_or_else(|e| panic!("{e}")));
    let second = flat(&taped.run(args).unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(bits(&first), bits(&second), "two runs differ");
    first
}

fn bits(items: &[f64]) -> Vec<u64> {
    items.iter().map(|x| x.to_bits()).collect()
}

/// The tape agrees with differences to `1e-6`.
#[track_caller]
fn check(graphs: &str, args: &[Value]) -> Vec<f64> {
    let found = taped(graphs, args);
    let wanted = flat(&Differenced::new(&module(graphs)).run(args).unwrap());
    close(&found, &wanted, 2e-6);
    found
}

#[track_caller]
fn close(found: &[f64], wanted: &[f64], tolerance: f64) {
    let near = |a: &f64, b: &f64| (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0);
    let agree = found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| near(a, b));
    assert!(agree, "{found:?}\nis not\n{wanted:?}");
}

/// The floats among the leaves.
fn flat(values: &[Value]) -> Vec<f64> {
    let mut out = Vec::new();
    for value in values {
        match value {
            Value::F64(x, mark) => {
                assert!(!mark.is_some(), "a mark has escaped");
                out.push(*x);
            }
            Value::Array(a, mark) => {
                assert!(!mark.is_some(), "a mark has escaped");
                out.extend_from_slice(a.as_slice());
            }
            Value::Tuple(items) => out.extend(flat(items.as_slice())),
            _ => {}
        }
    }
    out
}

fn vector(items: &[f64]) -> Value {
    Value::array(Array::from_slice(&[items.len()], items))
}

/// Graphs `@0` … `@(order - 1)`: each the derivative of the next by its first parameter, a float
/// scalar; `@order` is the function itself. `params` and `args` say what follows `%0`.
fn tower(order: usize, params: &[&str]) -> String {
    let mut out = String::new();
    let list: String = params.iter().enumerate().map(|(i, ty)| format!(", %{}: {ty}", i + 1)).collect();
    let args: String = (0..=params.len()).map(|i| format!("%{i}, ")).collect();
    let n = params.len() + 1;
    for k in 0..order {
        out += &format!(
            "\ngraph @{k} d{k}(%0: f64{list}) -> f64 {{\n  %{n} = const 1.0 : f64\n  %{} = vjp @{} wrt [0] ({args}%{n}) : (f64, f64)\n  %{} = get 1 %{} : f64\n  return %{}\n}}\n",
            n + 1,
            k + 1,
            n + 2,
            n + 1,
            n + 2,
        );
    }
    out
}

/// Renumbers the graphs of a text that starts at `@0`.
fn shifted(graphs: &str, by: usize) -> String {
    let mut parts = graphs.split('@');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let id: usize = part[..digits].parse().unwrap();
        out += &format!("@{}{}", id + by, &part[digits..]);
    }
    out
}

/// The first three derivatives of `@0` by its first parameter.
#[track_caller]
fn orders(graphs: &str, params: &[&str], args: &[Value]) -> Vec<f64> {
    let text = |order| tower(order, params) + &shifted(graphs, order);
    let mut found: Vec<f64> = (1..=2).flat_map(|order| check(&text(order), args)).collect();
    let third = taped(&text(3), args);
    close(&third, &flat(&Differenced::new(&module(&text(3))).run(args).unwrap()), 1e-3);
    found.extend(third);
    found
}

const CUBE: &str = "
graph @0 f(%0: f64) -> f64 {
  %1 = mul %0 %0 : f64
  %2 = mul %1 %0 : f64
  return %2
}
";

#[test]
fn the_cube() {
    assert_eq!(orders(CUBE, &[], &[Value::f64(3.0)]), [27.0, 18.0, 6.0]);
}

/// `x * sin(x)` computed with functions, tuples and a branch.
#[test]
fn structures_need_nothing_special() {
    let graphs = "
graph @0 f(%0: f64, %1: i64) -> f64 {
  %2 = closure @1 (%0) : fn(f64) -> f64
  %3 = tuple (%2, %0) : (fn(f64) -> f64, f64)
  %4 = call @2 (%3) : (f64, f64)
  %5 = get 0 %4 : f64
  %6 = const 0 : i64
  %7 = gt %1 %6 : bool
  %8 = if %7 @3 @4 (%5, %0, %1) : f64
  return %8
}

graph @1 times(%0: f64, %1: f64) -> f64 {
  %2 = mul %0 %1 : f64
  return %2
}

graph @2 apply(%0: (fn(f64) -> f64, f64)) -> (f64, f64) {
  %1 = get 0 %0 : fn(f64) -> f64
  %2 = get 1 %0 : f64
  %3 = sin %2 : f64
  %4 = apply %1 (%3) : f64
  %5 = tuple (%4, %2) : (f64, f64)
  return %5
}

graph @3 taken(%0: f64, %1: f64, %2: i64) -> f64 {
  return %0
}

graph @4 other(%0: f64, %1: f64, %2: i64) -> f64 {
  %3 = const 0.0 : f64
  %4 = div %1 %3 : f64
  %5 = log %4 : f64
  return %5
}
";
    let x = 0.7_f64;
    let found = orders(graphs, &["i64"], &[Value::f64(x), Value::I64(1)]);
    let wanted = [x.sin() + x * x.cos(), 2.0 * x.cos() - x * x.sin(), -3.0 * x.sin() - x * x.cos()];
    close(&found, &wanted, 1e-14);
}

/// `x * d/dy (x * y)`: 2x, whatever y is.
#[test]
fn one_derivative_does_not_take_the_sensitivity_of_another() {
    let graphs = "
graph @0 f(%0: f64) -> f64 {
  %1 = const 1.0 : f64
  %2 = vjp @1 wrt [1] (%0, %1, %1) : (f64, f64)
  %3 = get 1 %2 : f64
  %4 = mul %0 %3 : f64
  return %4
}

graph @1 product(%0: f64, %1: f64) -> f64 {
  %2 = mul %0 %1 : f64
  return %2
}
";
    assert_eq!(orders(graphs, &[], &[Value::f64(5.0)]), [10.0, 2.0, 0.0]);
}

/// Three deep, each closed over all before, the same value perturbed at every level:
/// `d/dx [x · d/dy (y · x · d/dz (x·y·z²) at z = x) at y = x]`.
#[test]
fn confusion_three_deep() {
    let graphs = "
graph @0 f(%0: f64) -> f64 {
  %1 = const 1.0 : f64
  %2 = vjp @1 wrt [1] (%0, %0, %1) : (f64, f64)
  %3 = get 1 %2 : f64
  %4 = mul %0 %3 : f64
  return %4
}

graph @1 middle(%0: f64, %1: f64) -> f64 {
  %2 = const 1.0 : f64
  %3 = vjp @2 wrt [2] (%0, %1, %0, %2) : (f64, f64)
  %4 = get 1 %3 : f64
  %5 = mul %1 %0 : f64
  %6 = mul %5 %4 : f64
  return %6
}

graph @2 inner(%0: f64, %1: f64, %2: f64) -> f64 {
  %3 = mul %0 %1 : f64
  %4 = mul %2 %2 : f64
  %5 = mul %3 %4 : f64
  return %5
}
";
    // d/dz = 2xyz = 2x²y; y·x·2x²y = 2x³y²; d/dy = 4x³y = 4x⁴; times x = 4x⁵.
    assert_eq!(orders(graphs, &[], &[Value::f64(2.0)]), [320.0, 640.0, 960.0]);
}

/// A loop whose trips depend on data, and one of none; the state passes through.
const POWER: &str = "
graph @0 f(%0: f64, %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = const 1.0 : f64
  %4 = loop @1 @2 (%2, %3, %0, %1) : (i64, f64)
  %5 = get 1 %4 : f64
  %6 = mul %5 %0 : f64
  return %6
}

graph @1 less(%0: i64, %1: f64, %2: f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 step(%0: i64, %1: f64, %2: f64, %3: i64) -> (i64, f64) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = mul %1 %2 : f64
  %7 = tuple (%5, %6) : (i64, f64)
  return %7
}
";

#[test]
fn loops() {
    assert_eq!(orders(POWER, &["i64"], &[Value::f64(1.5), Value::I64(0)]), [1.0, 0.0, 0.0]);
    let x = 1.5_f64;
    let wanted = [5.0 * x.powi(4), 20.0 * x.powi(3), 60.0 * x.powi(2)];
    close(&orders(POWER, &["i64"], &[Value::f64(x), Value::I64(4)]), &wanted, 1e-14);
}

/// `x ** (n + 1)` by recursion that is not a tail call.
const RECURSIVE: &str = "
graph @0 f(%0: f64, %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = gt %1 %2 : bool
  %4 = if %3 @1 @2 (%0, %1) : f64
  return %4
}

graph @1 more(%0: f64, %1: i64) -> f64 {
  %2 = const 1 : i64
  %3 = sub %1 %2 : i64
  %4 = call @0 (%0, %3) : f64
  %5 = mul %4 %0 : f64
  return %5
}

graph @2 end(%0: f64, %1: i64) -> f64 {
  return %0
}
";

#[test]
fn recursion() {
    assert_eq!(orders(RECURSIVE, &["i64"], &[Value::f64(3.0), Value::I64(0)]), [1.0, 0.0, 0.0]);
    assert_eq!(orders(RECURSIVE, &["i64"], &[Value::f64(3.0), Value::I64(3)]), [108.0, 108.0, 72.0]);
}

#[test]
fn deep_recursion_and_its_tape() {
    for (n, order) in [(100_000, 1), (100_000, 2), (1_000_000, 1)] {
        let text = tower(order, &["i64"]) + &shifted(RECURSIVE, order);
        let found = taped(&text, &[Value::f64(1.0), Value::I64(n)]);
        let n = n as f64;
        assert_eq!(found, [if order == 1 { n + 1.0 } else { n * (n + 1.0) }]);
        let text = tower(order, &["i64"]) + &shifted(POWER, order);
        assert_eq!(taped(&text, &[Value::f64(1.0), Value::I64(n as i64)]), found);
    }
}

/// A chain of closures, each calling the one it captures: `x` added n times to `0.5 x`.
#[test]
fn a_long_chain_of_function_values() {
    let graphs = "
graph @0 f(%0: f64, %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = closure @3 () : fn(f64) -> f64
  %4 = loop @1 @2 (%2, %3, %0, %1) : (i64, fn(f64) -> f64)
  %5 = get 1 %4 : fn(f64) -> f64
  %6 = const 0.5 : f64
  %7 = apply %5 (%6) : f64
  %8 = mul %7 %0 : f64
  return %8
}

graph @1 less(%0: i64, %1: fn(f64) -> f64, %2: f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 compose(%0: i64, %1: fn(f64) -> f64, %2: f64, %3: i64) -> (i64, fn(f64) -> f64) {
  %4 = closure @4 (%1, %2) : fn(f64) -> f64
  %5 = const 1 : i64
  %6 = add %0 %5 : i64
  %7 = tuple (%6, %4) : (i64, fn(f64) -> f64)
  return %7
}

graph @3 identity(%0: f64) -> f64 {
  return %0
}

graph @4 plus(%0: fn(f64) -> f64, %1: f64, %2: f64) -> f64 {
  %3 = apply %0 (%2) : f64
  %4 = add %3 %1 : f64
  return %4
}
";
    assert_eq!(orders(graphs, &["i64"], &[Value::f64(2.0), Value::I64(3)]), [12.5, 6.0, 0.0]);
    let text = tower(1, &["i64"]) + &shifted(graphs, 1);
    assert_eq!(taped(&text, &[Value::f64(1.0), Value::I64(1_000_000)]), [2_000_000.5]);
}

/// A hidden layer, broadcasting, a reduction; gradient and Hessian–vector product.
const LAYER: &str = "
graph @0 loss(%0: f64[3, 2], %1: f64[2], %2: f64[4, 3]) -> f64 {
  %3 = matmul[0, 0] %2 %0 : f64[4, 2]
  %4 = add %3 %1 : f64[4, 2]
  %5 = tanh %4 : f64[4, 2]
  %6 = matmul[0, 1] %5 %0 : f64[4, 3]
  %7 = mul %6 %2 : f64[4, 3]
  %8 = sum[0, 1] %7 : f64
  return %8
}
";

fn layer_args() -> Vec<Value> {
    let items = |n: usize, by: f64| (0..n).map(|i| (i as f64 * by).sin()).collect::<Vec<_>>();
    vec![
        Value::array(Array::from_vec(&[3, 2], items(6, 1.3))),
        vector(&items(2, 0.9)),
        Value::array(Array::from_vec(&[4, 3], items(12, 2.1))),
    ]
}

#[test]
fn arrays() {
    let gradient = "
graph @0 gradient(%0: f64[3, 2], %1: f64[2], %2: f64[4, 3]) -> (f64, f64[3, 2], f64[2], f64[4, 3]) {
  %3 = const 1.0 : f64
  %4 = vjp @1 wrt [0, 1, 2] (%0, %1, %2, %3) : (f64, f64[3, 2], f64[2], f64[4, 3])
  return %4
}
";
    check(&(gradient.to_owned() + &shifted(LAYER, 1)), &layer_args());
}

#[test]
fn hessian_vector_product() {
    let hvp = "
graph @0 hvp(%0: f64[3, 2], %1: f64[2], %2: f64[4, 3]) -> (f64[3, 2], f64[2], f64[3, 2], f64[2]) {
  %3 = const 0.5 : f64
  %4 = mul %0 %3 : f64[3, 2]
  %5 = sin %1 : f64[2]
  %6 = vjp @1 wrt [0, 1] (%0, %1, %2, %4, %5) : (f64[3, 2], f64[2], f64[3, 2], f64[2])
  return %6
}

graph @1 gradient(%0: f64[3, 2], %1: f64[2], %2: f64[4, 3]) -> (f64[3, 2], f64[2]) {
  %3 = const 1.0 : f64
  %4 = vjp @2 wrt [0, 1] (%0, %1, %2, %3) : (f64, f64[3, 2], f64[2])
  %5 = get 1 %4 : f64[3, 2]
  %6 = get 2 %4 : f64[2]
  %7 = tuple (%5, %6) : (f64[3, 2], f64[2])
  return %7
}
";
    check(&(hvp.to_owned() + &shifted(LAYER, 2)), &layer_args());
}

/// `x[i]` for every i: the cotangent of x is one array, updated in place.
const INDEXED: &str = "
graph @0 gradient(%0: f64[2000], %1: i64) -> (f64, f64[2000]) {
  %2 = const 1.0 : f64
  %3 = vjp @1 wrt [0] (%0, %1, %2) : (f64, f64[2000])
  return %3
}

graph @1 f(%0: f64[2000], %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = const 0.0 : f64
  %4 = loop @2 @3 (%2, %3, %0, %1) : (i64, f64)
  %5 = get 1 %4 : f64
  return %5
}

graph @2 less(%0: i64, %1: f64, %2: f64[2000], %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @3 step(%0: i64, %1: f64, %2: f64[2000], %3: i64) -> (i64, f64) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = index %2 %0 : f64
  %7 = mul %6 %6 : f64
  %8 = add %1 %7 : f64
  %9 = tuple (%5, %8) : (i64, f64)
  return %9
}
";

#[test]
fn indexing_in_a_loop() {
    let x: Vec<f64> = (0..2000).map(|i| i as f64).collect();
    let args = [vector(&x), Value::I64(2000)];
    let found = taped(INDEXED, &args);
    assert!(found[1..].iter().zip(&x).all(|(dx, x)| *dx == 2.0 * x));
    let (_, counts) = adjudicate_kernels::counts::measure(|| taped(INDEXED, &args));
    assert!(counts.allocations < 20, "{} arrays for 2000 accesses", counts.allocations);
}

#[test]
fn unused_arguments_and_empty_arrays_have_zeros() {
    let graphs = "
graph @0 f(%0: f64[0], %1: f64[2], %2: f64) -> (f64, i64, f64[0], f64[2], f64) {
  %3 = const 2.0 : f64
  %4 = vjp @1 wrt [0, 1, 2] (%0, %1, %2, %3) : (f64, i64, f64[0], f64[2], f64)
  return %4
}

graph @1 g(%0: f64[0], %1: f64[2], %2: f64) -> (f64, i64) {
  %3 = mul %0 %2 : f64[0]
  %4 = sum[0] %3 : f64
  %5 = const 7 : i64
  %6 = tuple (%4, %5) : (f64, i64)
  return %6
}
";
    let args = [vector(&[]), vector(&[1.0, 2.0]), Value::f64(3.0)];
    assert_eq!(check(graphs, &args), [0.0, 0.0, 0.0, 0.0]);
}

/// Results that are the arguments themselves, the same one twice, and one that does not depend on them.
#[test]
fn results_that_are_arguments() {
    let graphs = "
graph @0 f(%0: f64, %1: f64) -> (f64, f64, f64, f64, f64) {
  %2 = const 3.0 : f64
  %3 = vjp @1 wrt [0, 1] (%0, %1, %0, %1, %2) : (f64, f64, f64, f64, f64)
  return %3
}

graph @1 g(%0: f64, %1: f64) -> (f64, f64, f64) {
  %2 = const 4.0 : f64
  %3 = tuple (%0, %0, %2) : (f64, f64, f64)
  return %3
}
";
    assert_eq!(check(graphs, &[Value::f64(1.0), Value::f64(2.0)]), [1.0, 1.0, 4.0, 3.0, 0.0]);
    let order2 = tower(1, &["f64"])
        + "
graph @1 h(%0: f64, %1: f64) -> f64 {
  %2 = call @2 (%0, %1) : (f64, f64, f64, f64, f64)
  %3 = get 3 %2 : f64
  %4 = get 4 %2 : f64
  %5 = mul %3 %3 : f64
  %6 = mul %5 %1 : f64
  %7 = add %6 %4 : f64
  return %7
}
" + &shifted(graphs, 2);
    check(&order2, &[Value::f64(1.0), Value::f64(2.0)]);
}

/// A derivative taken in every iteration of a loop, itself differentiated.
#[test]
fn derivatives_inside_a_loop() {
    let graphs = "
graph @0 f(%0: f64, %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %0, %0, %1) : (i64, f64)
  %4 = get 1 %3 : f64
  return %4
}

graph @1 less(%0: i64, %1: f64, %2: f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 descend(%0: i64, %1: f64, %2: f64, %3: i64) -> (i64, f64) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = const 0.1 : f64
  %7 = vjp @3 wrt [0] (%1, %2, %6) : (f64, f64)
  %8 = get 1 %7 : f64
  %9 = sub %1 %8 : f64
  %10 = tuple (%5, %9) : (i64, f64)
  return %10
}

graph @3 loss(%0: f64, %1: f64) -> f64 {
  %2 = sin %0 : f64
  %3 = mul %2 %1 : f64
  %4 = exp %3 : f64
  return %4
}
";
    orders(graphs, &["i64"], &[Value::f64(0.4), Value::I64(5)]);
}

/// A function whose derivative recursion never ends.
#[test]
fn derivatives_nested_too_deep() {
    let graphs = "
graph @0 f(%0: f64) -> f64 {
  %1 = const 1.0 : f64
  %2 = vjp @0 wrt [0] (%0, %1) : (f64, f64) ; 0:3-9
  %3 = get 1 %2 : f64
  return %3
}
";
    let mut taped = Taped::new(&module(graphs));
    let error = taped.run(&[Value::f64(1.0)]).unwrap_err();
    assert_eq!(error.message, "derivatives are nested more than 200 deep while running");
    assert_eq!(error.span.start, 3);
}

#[test]
fn nothing_is_recorded_outside_a_derivative() {
    let mut prepared = Taped::new(&module(CUBE));
    prepared.run(&[Value::f64(3.0)]).unwrap();
    let facts = prepared.facts();
    assert_eq!((facts.tape_entries, facts.tape_bytes, facts.residual_bytes), (Some(0), Some(0), Some(0)));
    let text = tower(1, &[]) + &shifted(CUBE, 1);
    let mut prepared = Taped::new(&module(&text));
    prepared.run(&[Value::f64(3.0)]).unwrap();
    // One argument and two products: entries of 16 bytes, links of 4, kept numbers of 8.
    let facts = prepared.facts();
    assert_eq!((facts.tape_entries, facts.tape_bytes), (Some(3), Some(3 * 16 + (1 + 2 + 2) * 4 + 4 * 8)));
}
