//! What is kept from the forward for the backward pass: known numbers, and no more than the tape keeps.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_kernels::Array;
use adjudicate_strategies::find;

fn array(shape: &[usize]) -> Datum {
    let size: usize = shape.iter().product();
    Datum::Array(Array::from_vec(shape, (0..size).map(|i| 0.1 + 0.3 * (i as f64 * 1.7).sin()).collect()))
}

/// Bytes kept for the gradient of `f` by its first argument; `None` if it is refused or has no boundary.
fn kept(strategy: &str, python: &str, order: usize, args: &[Datum]) -> Option<u64> {
    let program = Program::parse("model.py", &format!("import numpy as np\n{python}")).expect("a program");
    let request = Request::new("f", Ask::Gradient, &[0], order, args);
    let mut prepared = find(strategy).expect("a strategy").prepare(&program, &request).ok()?;
    let leaves: Vec<_> = args.iter().flat_map(Datum::leaves).collect();
    prepared.run(&leaves).expect("a result");
    prepared.residual_bytes(&leaves).expect("a result")
}

/// Of `tape`, `dataflow` and `closure`, in bytes.
#[track_caller]
fn check(python: &str, args: &[Datum], wanted: [Option<u64>; 3]) {
    let found = ["tape", "dataflow", "closure"].map(|strategy| kept(strategy, python, 1, args));
    assert_eq!(found, wanted, "{python}");
    let [Some(tape), others @ ..] = found else { panic!("the tape keeps something") };
    assert!(others.into_iter().flatten().all(|bytes| bytes <= tape), "more than the tape: {found:?}");
}

/// 8 bytes for each element: the matrix that is multiplied, and the result of `tanh`.
#[test]
fn a_layer() {
    let python = "def f(w, x):\n    return np.sum(np.tanh(x @ w))\n";
    check(python, &[array(&[5, 3]), array(&[4, 5])], [Some(160 + 96); 3]);
}

#[test]
fn nothing_that_is_not_read() {
    check("def f(x):\n    return np.sum(x + 1.0)\n", &[array(&[7])], [Some(0); 3]);
}

#[test]
fn each_trip_of_a_loop() {
    // The first state is the invariant.
    let python = "def f(w, n):\n    h = w\n    for i in range(n):\n        h = np.tanh(h * w)\n    return np.sum(h)\n";
    check(python, &[array(&[6]), Datum::I64(10)], [Some(11 * 48); 3]);
}

#[test]
fn each_call_of_a_recursion() {
    let python = "def go(w, h, n):\n    return np.sum(h) if n == 0 else go(w, np.tanh(h * w), n - 1) * np.sum(h)\ndef f(w, n):\n    return go(w, w, n)\n";
    check(python, &[array(&[6]), Datum::I64(10)], [Some(11 * 48); 3]);
}

#[test]
fn the_branch_that_is_taken() {
    let python = "def f(w):\n    return np.sum(np.sin(w)) if w[0] > 0.0 else np.sum(np.exp(w) * np.tanh(w))\n";
    check(python, &[array(&[6])], [Some(48); 3]);
}
