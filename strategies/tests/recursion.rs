//! One function written as a loop, as a recursion and unrolled: every strategy that runs it finds the
//! same derivatives, of orders 1 to 3.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_kernels::Array;
use adjudicate_strategies::{STRATEGIES, Strategy, find};

/// Runs `f` under a strategy that must be able to.
#[track_caller]
fn run(strategy: &dyn Strategy, python: &str, ask: Ask, order: usize, args: &[Datum]) -> Vec<f64> {
    crate::common::run(strategy, python, ask, order, args).unwrap_or_else(|e| panic!("{}: {e}", strategy.name()))
}

/// All forms agree with the last, which is unrolled for these arguments, under the tape.
#[track_caller]
fn check(forms: &[&str], args: &[Datum], orders: usize) {
    let (unrolled, _) = forms.split_last().expect("a form");
    let tape = find("tape").expect("a strategy");
    let scalar = args.iter().all(|arg| !matches!(arg, Datum::Array(_)));
    let judged =
        |s: &&&dyn Strategy| !s.name().starts_with("finite") && (scalar || !s.name().starts_with("tape:scalar"));
    for strategy in STRATEGIES.iter().filter(judged) {
        for order in 0..=orders {
            let (ask, order) = if order == 0 { (Ask::Value, 1) } else { (Ask::Gradient, order) };
            let wanted = run(tape, unrolled, ask, order, args);
            for python in forms {
                let found = run(*strategy, python, ask, order, args);
                let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-11 * b.abs().max(1.0);
                let same = found.len() == wanted.len() && found.iter().zip(&wanted).all(near);
                assert!(same, "{} order {order}: {found:?}, not {wanted:?}\n{python}", strategy.name());
            }
        }
    }
}

fn f(x: f64) -> Datum {
    Datum::F64(x)
}

fn i(n: i64) -> Datum {
    Datum::I64(n)
}

fn vector(xs: &[f64]) -> Datum {
    Datum::Array(Array::from_slice(&[xs.len()], xs))
}

#[test]
fn a_sum_over_states() {
    let recursion = "import math\ndef go(x, h, n):\n    if n == 0:\n        return 0.0\n    h = math.sin(h * x)\n    return h * h + go(x, h, n - 1)\ndef f(x, n):\n    return go(x, 1.0, n)\n";
    let looped = "import math\ndef f(x, n):\n    h = 1.0\n    s = 0.0\n    while n > 0:\n        h = math.sin(h * x)\n        s = s + h * h\n        n = n - 1\n    return s\n";
    let three = "import math\ndef f(x, n):\n    a = math.sin(x)\n    b = math.sin(a * x)\n    c = math.sin(b * x)\n    return a * a + b * b + c * c\n";
    check(&[recursion, looped, three], &[f(0.8), i(3)], 3);
    check(&[recursion, looped, "def f(x, n):\n    return 0.0 * x\n"], &[f(0.8), i(0)], 3);
}

/// What comes after the call reads the result of the call and what was before it.
#[test]
fn nested_after_the_call() {
    let recursion = "import math\ndef go(x, t, n):\n    if t == n:\n        return x\n    y = x * t\n    z = go(x * 0.9, t + 1, n)\n    return math.sin(z * y) + x\ndef f(x, n):\n    return go(x, 0, n)\n";
    let unrolled = "import math\ndef f(x, n):\n    a = x * 0.9\n    b = a * 0.9\n    z = b * 0.9\n    z = math.sin(z * (b * 2)) + b\n    z = math.sin(z * (a * 1)) + a\n    return math.sin(z * (x * 0)) + x\n";
    check(&[recursion, unrolled], &[f(1.3), i(3)], 3);
    check(&[recursion, "def f(x, n):\n    return x\n"], &[f(1.3), i(0)], 3);
}

#[test]
fn trips_that_depend_on_data() {
    let recursion =
        "def go(x, y):\n    return y if y > 20.0 else x * go(x, y * x + 1.0)\ndef f(x):\n    return go(x, x)\n";
    let unrolled = "def f(x):\n    a = x * x + 1.0\n    b = a * x + 1.0\n    return x * (x * b)\n";
    check(&[recursion, unrolled], &[f(2.9)], 3);
    check(&[recursion, "def f(x):\n    return x\n"], &[f(21.0)], 3);
}

/// Each path has its own way back; the path not taken would be NaN.
#[test]
fn paths() {
    let recursion = "import numpy as np\ndef go(x, n):\n    if n == 0:\n        return x\n    if n % 2 == 0:\n        return np.sqrt(x - 1.0) * go(x, n - 1)\n    return go(x + 0.5, n - 1) + x * x\ndef f(x):\n    return go(x, 3)\n";
    let unrolled = "import numpy as np\ndef f(x):\n    a = x + 0.5\n    b = a + 0.5\n    return np.sqrt(a - 1.0) * (b + a * a) + x * x\n";
    check(&[recursion, unrolled], &[f(1.7)], 3);
    let guarded = "import numpy as np\ndef go(x, n):\n    if n == 0:\n        return x\n    if x < 1.0:\n        return x * go(x * 2.0, n - 1)\n    return np.sqrt(x - 1.0) + go(x + 1.0, n - 1)\ndef f(x):\n    return go(x, 3)\n";
    let straight = "import numpy as np\ndef f(x):\n    a = x * 2.0\n    b = a * 2.0\n    return x * (a * (np.sqrt(b - 1.0) + (b + 1.0)))\n";
    check(&[guarded, straight], &[f(0.3)], 3);
}

/// Work before the test, which the loop carries from trip to trip.
#[test]
fn work_before_the_test() {
    let recursion = "import math\ndef go(x, n):\n    y = math.sin(x) * x\n    if y > 1.0 or n == 0:\n        return y\n    return go(x * 1.5 + y, n - 1) * y\ndef f(x):\n    return go(x, 9)\n";
    let unrolled = "import math\ndef f(x):\n    y = math.sin(x) * x\n    a = x * 1.5 + y\n    z = math.sin(a) * a\n    b = a * 1.5 + z\n    return math.sin(b) * b * z * y\n";
    check(&[recursion, unrolled], &[f(0.4)], 3);
}

#[test]
fn arrays_and_several_results() {
    let recursion = "import numpy as np\ndef go(w, h, xs, t):\n    if t == len(xs):\n        return h, 0.0\n    h = np.tanh(w * h + xs[t])\n    last, s = go(w, h, xs, t + 1)\n    return last * h, s + np.sum(h) * xs[t]\ndef f(w, xs):\n    a, s = go(w, np.ones(2), xs, 0)\n    return np.sum(a) * s\n";
    let unrolled = "import numpy as np\ndef f(w, xs):\n    a = np.tanh(w + xs[0])\n    b = np.tanh(w * a + xs[1])\n    last = b * b * a\n    s = 0.0 + np.sum(b) * xs[1]\n    s = s + np.sum(a) * xs[0]\n    return np.sum(last) * s\n";
    check(&[recursion, unrolled], &[vector(&[0.4, -0.3]), vector(&[0.7, 1.1])], 2);
}

#[test]
fn mutual_recursion() {
    let recursion = "def even(x, n):\n    return 1.0 if n == 0 else x * odd(x, n - 1)\ndef odd(x, n):\n    return x if n == 0 else x + even(x * x, n - 1)\ndef f(x):\n    return even(x, 4)\n";
    let unrolled = "def f(x):\n    y = x * x\n    z = y * y\n    return x * (x + y * (y + 1.0))\n";
    check(&[recursion, unrolled], &[f(0.9)], 3);
}

/// `x * x`, through a recursion whose every level is `x`.
#[test]
fn great_depth() {
    let n = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let linear = "def go(x, n):\n    if n == 0:\n        return x\n    return x * 1e-6 + go(x, n - 1) * 0.999999\ndef f(x, n):\n    return go(x, n) * x\n";
    for strategy in STRATEGIES.iter().filter(|s| !s.name().starts_with("finite")) {
        for (ask, order, wanted) in [(Ask::Value, 1, 2.25), (Ask::Gradient, 1, 3.0), (Ask::Gradient, 2, 2.0)] {
            let found = run(*strategy, linear, ask, order, &[f(1.5), i(n)]);
            assert!((found[0] - wanted).abs() < 1e-6, "{} {ask:?} {order}: {found:?}", strategy.name());
        }
    }
}
