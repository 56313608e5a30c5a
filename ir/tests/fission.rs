//! Loops taken apart: how many are left, and values before and after.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::{GraphId, Module, Op};
use adjudicate_ir::interp;
use adjudicate_ir::passes::{self, close};
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::Array;
use expect_test::{Expect, expect};

fn optimised(python: &str, args: &[Datum]) -> Module {
    let program = Program::parse("model.py", python).unwrap_or_else(|e| panic!("{e}"));
    let request = Request::new("f", Ask::Value, &[0], 1, args);
    let mut module = program.specialise(&request).unwrap_or_else(|e| panic!("{e}")).module;
    close(&mut module);
    passes::optimise(&mut module, passes::OPTIMISE, &mut |_, _| {}).expect("it is small");
    module
}

fn distributed(module: &Module) -> Module {
    let mut module = module.clone();
    passes::run_once(&mut module, passes::DISTRIBUTE, &mut |_, _| {});
    passes::optimise(&mut module, passes::OPTIMISE, &mut |_, _| {}).expect("it is small");
    verify(&module).unwrap_or_else(|why| panic!("{why}\n{}", print(&module)));
    module
}

fn loops(module: &Module) -> usize {
    let of = |g: GraphId| module.graph(g).nodes.iter().filter(|n| matches!(n.op, Op::Loop { .. })).count();
    module.reachable().into_iter().map(of).sum()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::F64(x, _) => vec![*x],
        Value::I64(n) => vec![*n as f64],
        Value::Array(a, _) => a.as_slice().to_vec(),
        Value::Tuple(fields) => fields.as_slice().iter().flat_map(numbers).collect(),
        other => panic!("no numbers: {other:?}"),
    }
}

/// `f` has so many loops afterwards, and its values.
#[track_caller]
fn check(python: &str, args: &[Datum], left: usize) {
    let before = optimised(python, args);
    let after = distributed(&before);
    assert_eq!(loops(&after), left, "{}", print(&after));
    let leaves: Vec<Value> = args.iter().flat_map(Datum::leaves).collect();
    let value = |module: &Module| numbers(&interp::eval(module, leaves.clone()).expect("a value"));
    let (wanted, found) = (value(&before), value(&after));
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
    assert!(wanted.len() == found.len() && found.iter().zip(&wanted).all(near), "{found:?}, not {wanted:?}");
}

fn vector(n: usize) -> Datum {
    Datum::Array(Array::from_vec(&[n], (0..n).map(|i| (i as f64 * 0.7).sin()).collect()))
}

fn matrix(rows: usize, columns: usize) -> Datum {
    Datum::Array(Array::from_vec(&[rows, columns], (0..rows * columns).map(|i| (i as f64 * 0.3).cos()).collect()))
}

#[test]
fn a_sum_over_elements_is_no_loop() {
    let python = "import numpy as np\ndef f(x):\n    s = 0.0\n    for i in range(6):\n        s = s + np.sin(x[i]) * x[i]\n    return s\n";
    check(python, &[vector(6)], 0);
    let module = distributed(&optimised(python, &[vector(6)]));
    check_text(
        &module,
        expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64[6]) -> (f64) {
              %1 = const 0.0 : f64
              %2 = sin %0 : f64[6]
              %3 = mul %2 %0 : f64[6]
              %4 = sum[0] %3 : f64
              %5 = add %1 %4 : f64
              %6 = tuple (%5) : (f64)
              return %6
            }
        "#]],
    );
}

fn check_text(module: &Module, wanted: Expect) {
    wanted.assert_eq(&print(module));
}

#[test]
fn what_a_recurrence_reads_and_what_is_added_up_leave_the_loop() {
    let python = "import numpy as np\ndef f(w, v, xs):\n    h = np.zeros(3)\n    s = 0.0\n    for t in range(5):\n        h = np.tanh(xs[t] @ v + h @ w)\n        s = s + np.sum(h * h) * t\n    return s\n";
    check(python, &[matrix(3, 3), matrix(2, 3), matrix(5, 2)], 1);
}

#[test]
fn counters_run_down_and_in_steps() {
    let python = "import numpy as np\ndef f(x):\n    s = 0.0\n    p = 1.0\n    n = 9\n    k = 0\n    while n > 0:\n        p = p * np.cos(x[k])\n        s = s + p * np.exp(x[n]) * n + k\n        n = n - 2\n        k = k + 1\n    return s * n + k + p\n";
    check(python, &[vector(10)], 1);
}

#[test]
fn products_of_every_trip_are_one_product() {
    let python = "import numpy as np\ndef f(a, b):\n    s = np.zeros((2, 4))\n    for t in range(3):\n        s = s + a[t][:, None] @ b[t][None, :]\n    return np.sum(s * s)\n";
    check(python, &[matrix(3, 2), matrix(3, 4)], 0);
}

#[test]
fn a_call_a_loop_or_a_branch_in_the_body_stays_in_it() {
    let python = "import numpy as np\ndef g(x, n):\n    return x if n <= 0 else np.sin(g(x, n - 2) * x) + g(x, n - 1)\ndef f(x):\n    s = 0.0\n    for i in range(4):\n        y = g(x[i], i)\n        while y < 3.0:\n            y = y + 1.0\n        s = s + (np.exp(y) * np.sin(y) if y > 3.5 else -y)\n    return s\n";
    check(python, &[vector(4)], 2);
}

#[test]
fn what_trips_cannot_be_counted_for_stays() {
    let python = "def f(x):\n    s = 0.0\n    n = 0\n    while s < 3.0:\n        s = s + x * x\n        n = n + 1\n    return s + n\n";
    check(python, &[Datum::F64(0.9)], 1);
}

#[test]
fn values_too_large_to_keep_stay_in_the_loop() {
    let python = "import numpy as np\ndef f(x):\n    s = np.zeros(1000)\n    for t in range(1000):\n        s = s + np.sin(x * t)\n    return np.sum(s)\n";
    check(python, &[vector(1000)], 1);
}

/// The elements of an array of integers wrap; a single integer that does not fit is an error.
#[test]
fn integers_that_may_not_fit_stay_single() {
    let python = "def f(x):\n    s = 0.0\n    for i in range(4):\n        s = s + x[i] * (i * 4000000000000000000)\n    return s\n";
    assert_eq!(loops(&distributed(&optimised(python, &[vector(4)]))), 1);
    let python =
        "def f(x):\n    s = 0.0\n    for i in range(4):\n        s = s + x[2 * i + 1] * (i % 3)\n    return s\n";
    check(python, &[vector(9)], 0);
}

#[test]
fn numbers_made_of_numbers_are_looked_at_once() {
    let doublings = "        k = k + k\n".repeat(50);
    let python = format!(
        "import numpy as np\ndef f(x):\n    h = 0.0\n    for i in range(3):\n        k = i\n{doublings}        h = np.sin(h + x[i] * k * 1e-16)\n    return h\n"
    );
    check(&python, &[vector(3)], 1);
}

#[test]
fn terms_that_come_before_are_added_to_each_other_first() {
    let sum = "def f(x, y):\n    s = 0.5\n    for i in range(5):\n        s = s + x[i] + y[i]\n    return s\n";
    check(sum, &[vector(5), vector(5)], 0);
    let python = "import numpy as np\ndef f(xs, wx, w, b):\n    h = np.zeros(3)\n    for t in range(4):\n        h = np.tanh(xs[t] * wx + h @ w + b)\n    return np.sum(h)\n";
    let args = [vector(4), vector(3), matrix(3, 3), vector(3)];
    check(python, &args, 1);
    let module = distributed(&optimised(python, &args));
    let nodes = module.reachable().into_iter().flat_map(|g| module.graph(g).nodes.iter());
    let bodies: Vec<GraphId> =
        nodes.filter_map(|n| if let Op::Loop { body, .. } = n.op { Some(body) } else { None }).collect();
    let [body] = bodies[..] else { panic!("one loop") };
    let adds = module.graph(body).iter().filter(|(id, _)| module.graph(body).is_prim(*id, "add")).count();
    assert_eq!(adds, 2, "the product, and the counter: {}", print(&module));
}

/// Of integers any order but that of the program may overflow where the program does not; a sum that only its size keeps
/// in the core has no term of the core.
#[test]
fn sums_in_the_core_without_a_term_of_the_core_stay_as_they_are() {
    let numbers = "import numpy as np\ndef f(x, n):\n    h = 0.0\n    for i in range(3):\n        h = np.sin(x * ((n + 1) % 3) + i)\n    return h\n";
    check(numbers, &[Datum::F64(0.3), Datum::I64(4)], 1);
    let state = "import numpy as np\ndef f(x, n, m):\n    k = 0 * n\n    s = 0.0\n    for i in range(3):\n        k = (k % 2 - 5) + m + n\n        s = s + np.sin(x * i)\n    return s + k % 7\n";
    check(state, &[Datum::F64(0.3), Datum::I64(i64::MAX - 1), Datum::I64(3)], 1);
    let large = "import numpy as np\ndef f(x, y):\n    h = np.zeros(200)\n    for t in range(1000):\n        h = np.sin(h * 0.5 + np.cos(y + t))\n    return np.sum(h)\n";
    check(large, &[vector(200), vector(200)], 1);
}

/// Indices repeat within a trip and from trip to trip.
#[test]
fn parts_added_at_indices_are_added_for_all_trips_at_once() {
    let text = "module closed entry @0

graph @0 main(%0: f64[5, 2], %1: f64[4, 3, 2]) -> f64[5, 2] {
  %2 = const 0 : i64
  %3 = const i64[4, 3] (0, 1, 1, 4, 0, 1, 2, 2, 2, 4, 3, 0) : i64[4, 3]
  %4 = loop @1 @2 (%0, %2, %3, %1) : (f64[5, 2], i64)
  %5 = get 0 %4 : f64[5, 2]
  return %5
}

graph @1 cond(%0: f64[5, 2], %1: i64, %2: i64[4, 3], %3: f64[4, 3, 2]) -> bool {
  %4 = const 4 : i64
  %5 = lt %1 %4 : bool
  return %5
}

graph @2 body(%0: f64[5, 2], %1: i64, %2: i64[4, 3], %3: f64[4, 3, 2]) -> (f64[5, 2], i64) {
  %4 = index %2 %1 : i64[3]
  %5 = index %3 %1 : f64[3, 2]
  %6 = sin %5 : f64[3, 2]
  %7 = scatter_add[0] %0 %4 %6 : f64[5, 2]
  %8 = const 1 : i64
  %9 = add %1 %8 : i64
  %10 = tuple (%7, %9) : (f64[5, 2], i64)
  return %10
}
";
    let before = parse(text).unwrap_or_else(|why| panic!("{why}"));
    let after = distributed(&before);
    assert_eq!(loops(&after), 0, "{}", print(&after));
    let filled = |shape: &[usize]| {
        let n = shape.iter().product();
        Value::array(Array::from_vec(shape, (0..n).map(|i| (i as f64 * 0.7).cos()).collect()))
    };
    let args = [filled(&[5, 2]), filled(&[4, 3, 2])];
    let value = |module: &Module| numbers(&interp::eval(module, args.to_vec()).expect("a value"));
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-14;
    assert!(value(&before).iter().zip(&value(&after)).all(near), "{:?} {:?}", value(&before), value(&after));
}
