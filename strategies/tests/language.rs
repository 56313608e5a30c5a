//! The language, strategy by strategy: small programs with known answers.

use crate::common::run;
use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_kernels::Array;
use adjudicate_strategies::STRATEGIES;

fn vector(xs: &[f64]) -> Datum {
    Datum::Array(Array::from_vec(&[xs.len()], xs.to_vec()))
}

/// Value, gradient and second derivative of `f` at a float.
fn check(python: &str, x: f64, value: f64, first: f64, second: f64) {
    check_at(python, &[Datum::F64(x)], value, &[first], &[second]);
}

fn check_at(python: &str, args: &[Datum], value: f64, first: &[f64], second: &[f64]) {
    for strategy in STRATEGIES.iter() {
        if strategy.name().starts_with("finite") {
            continue;
        }
        let close = |got: Result<Vec<f64>, String>, want: &[f64], what: &str| {
            let got = match got {
                Err(e) if e.contains("an array of floats") && strategy.name().starts_with("tape:scalar") => {
                    return;
                }
                got => got.unwrap_or_else(|e| panic!("{} {what}: {e}\n{python}", strategy.name())),
            };
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
            let same = got.len() == want.len() && got.iter().zip(want).all(near);
            assert!(same, "{} {what}: {got:?}, not {want:?}\n{python}", strategy.name());
        };
        close(run(*strategy, python, Ask::Value, 1, args), &[value], "value");
        close(run(*strategy, python, Ask::Gradient, 1, args), first, "gradient");
        close(run(*strategy, python, Ask::Gradient, 2, args), second, "second derivative");
    }
}

#[test]
fn straight_line() {
    check("def f(x):\n    return x ** 3\n", 2.0, 8.0, 12.0, 12.0);
    check("def f(x):\n    return x * x + 2 * x - 1\n", 3.0, 14.0, 8.0, 2.0);
    check(
        "import numpy as np\ndef f(x):\n    return np.sin(x) * x\n",
        0.5,
        0.5 * 0.5f64.sin(),
        0.5f64.sin() + 0.5 * 0.5f64.cos(),
        2.0 * 0.5f64.cos() - 0.5 * 0.5f64.sin(),
    );
}

#[test]
fn gradient_inside_is_not_confused() {
    let python = "from adjudicate import grad\ndef f(x):\n    return x * grad(lambda y: x * y)(1.0)\n";
    check(python, 3.0, 9.0, 6.0, 2.0);
}

#[test]
fn branches() {
    let python = "def f(x):\n    if x > 1.0:\n        y = x * x\n    else:\n        y = x\n    return y * x\n";
    check(python, 2.0, 8.0, 12.0, 12.0);
    check(python, 0.5, 0.25, 1.0, 2.0);
    let guarded = "import numpy as np\ndef f(x):\n    return np.sqrt(x) if x > 0 else x * x\n";
    check(guarded, -2.0, 4.0, -4.0, 2.0);
}

#[test]
fn loops() {
    let python = "def f(x):\n    y = 1.0\n    for i in range(5):\n        y = y * x\n    return y\n";
    check(python, 2.0, 32.0, 80.0, 160.0);
    let data = "def f(x):\n    y = x\n    while y < 100.0:\n        y = y * x\n    return y\n";
    check(data, 3.0, 243.0, 405.0, 540.0);
    let early = "def f(x):\n    y = x\n    for i in range(10):\n        if y > 20.0:\n            return y * 2\n        y = y * x\n    return y\n";
    check(early, 3.0, 54.0, 54.0, 36.0);
    check("def f(x):\n    y = x * x\n    for i in range(0):\n        y = y * x\n    return y\n", 3.0, 9.0, 6.0, 2.0);
}

#[test]
fn recursion() {
    let python = "def power(x, n):\n    if n == 0:\n        return 1.0\n    return x * power(x, n - 1)\ndef f(x):\n    return power(x, 4)\n";
    check(python, 2.0, 16.0, 32.0, 48.0);
    let tail = "def go(x, acc, n):\n    if n == 0:\n        return acc\n    return go(x, acc * x, n - 1)\ndef f(x):\n    return go(x, 1.0, 4)\n";
    check(tail, 2.0, 16.0, 32.0, 48.0);
    let mutual = "def even(x, n):\n    return 1.0 if n == 0 else x * odd(x, n - 1)\ndef odd(x, n):\n    return x if n == 0 else x * even(x, n - 1)\ndef f(x):\n    return even(x, 3)\n";
    check(mutual, 2.0, 16.0, 32.0, 48.0);
}

#[test]
fn functions_as_values() {
    let python = "def twice(g):\n    return lambda x: g(g(x))\ndef f(x):\n    return twice(lambda y: y * y)(x)\n";
    check(python, 2.0, 16.0, 32.0, 48.0);
    let chosen = "def f(x):\n    g = (lambda y: y * x) if x > 1.0 else (lambda y: y + x)\n    return g(x * x)\n";
    check(chosen, 2.0, 8.0, 12.0, 12.0);
    check(chosen, 0.5, 0.75, 2.0, 2.0);
    let listed = "def f(x):\n    for g in [lambda y: y * y, lambda y: y * 3]:\n        x = g(x)\n    return x\n";
    check(listed, 2.0, 12.0, 12.0, 6.0);
}

#[test]
fn arrays() {
    let python = "import numpy as np\ndef f(x):\n    return np.sum(x * x * x)\n";
    check_at(python, &[vector(&[1.0, 2.0])], 9.0, &[3.0, 12.0], &[6.0, 0.0, 0.0, 12.0]);
    let indexed = "import numpy as np\ndef f(x):\n    s = 0.0\n    for i in range(len(x)):\n        s = s + x[i] ** 2 * x[0]\n    return s\n";
    check_at(indexed, &[vector(&[1.0, 2.0])], 5.0, &[7.0, 4.0], &[6.0, 4.0, 4.0, 2.0]);
    let matrix = "import numpy as np\ndef f(x):\n    a = np.reshape(x, (2, 1)) @ np.reshape(x, (1, 2))\n    return np.sum(a * a)\n";
    check_at(matrix, &[vector(&[1.0, 2.0])], 25.0, &[20.0, 40.0], &[28.0, 16.0, 16.0, 52.0]);
}

#[test]
fn recursion_of_unknown_depth_over_arrays() {
    let python = "import numpy as np\ndef roll(w, h, xs, t):\n    if t == len(xs):\n        return 0.0\n    h = w * h + xs[t]\n    return np.sum(h) + roll(w, h, xs, t + 1)\ndef f(w, xs):\n    return roll(w, np.zeros(1), xs, 0)\n";
    // h = x0, then w x0 + x1, then w (w x0 + x1) + x2.
    let args = [vector(&[2.0]), vector(&[1.0, 3.0, 5.0])];
    check_at(python, &args, 1.0 + 5.0 + 15.0, &[1.0 + 4.0 + 3.0], &[2.0]);
    let counted = "def f(x, n):\n    if n == 0:\n        return 1.0\n    return x * f(x, n - 1)\n";
    check_at(counted, &[Datum::F64(2.0), Datum::I64(5)], 32.0, &[80.0], &[160.0]);
}

#[test]
fn results_of_a_recursion_are_put_together() {
    let python = "\
import numpy as np
def encode(w, i):
    if i > 2:
        return w * i
    return np.tanh(np.concatenate([encode(w, 2 * i + 1), encode(w, 2 * i + 2)])[::2] * w)
def f(w):
    return np.sum(encode(w, 1))
";
    // Below node 1 are the leaves 3 and 4, of which the first is kept: tanh(3 w²).
    let w = 0.1_f64;
    let y = (3.0 * w * w).tanh();
    let slope = 1.0 - y * y;
    let second = 6.0 * slope - 72.0 * w * w * y * slope;
    check_at(python, &[vector(&[w])], y, &[6.0 * w * slope], &[second]);
}

#[test]
fn an_integer_that_does_not_fit_is_an_error() {
    let product = "def f(x):\n    s = 0.0\n    k = 1\n    for i in range(1, 25):\n        k = k * i\n        s = s + x / k\n    return s\n";
    let counter =
        "def f(x):\n    s = 0.0\n    for i in range(5):\n        s = s + x * (i * 4000000000000000000)\n    return s\n";
    let power = "def f(x):\n    s = 0.0\n    for i in range(5):\n        s = s + x * 10 ** (i * 6)\n    return s\n";
    let cut = "def f(x):\n    return x * int(x * 1e20)\n";
    let cut_in_a_loop = "def f(x):\n    s = 0.0\n    for i in range(5):\n        s = s + x * int(x * 10.0 ** (4 * i + 4))\n    return s\n";
    let missing = "def f(x):\n    return x * round(x / 0.0 - x / 0.0)\n";
    let least = "def f(x):\n    n = -9223372036854775807 - int(x + 0.9)\n    return x * -n\n";
    let size = "def f(x):\n    n = -9223372036854775807 - int(x + 0.9)\n    return x * abs(n)\n";
    for python in [product, counter, power, cut, cut_in_a_loop, missing, least, size] {
        for strategy in STRATEGIES.iter().filter(|s| !s.name().starts_with("finite")) {
            for ask in [Ask::Value, Ask::Gradient] {
                let found = run(*strategy, python, ask, 1, &[Datum::F64(0.7)]);
                let said = matches!(&found, Err(why) if why.contains("does not fit a 64-bit integer"));
                assert!(said, "{} {}: {found:?}\n{python}", strategy.name(), ask.name());
            }
        }
    }
}

/// A loop in a loop that is unrolled begins each trip with what is known there.
#[test]
fn every_trip_of_an_unrolled_loop_has_its_own_types() {
    let kinds = "def f(x):\n    out = ()\n    for step in (0.5, 1):\n        n = 0\n        while n < 3:\n            n = n + step\n        out = out + (n,)\n    y = np.array([x, 2.0 * x, 3.0 * x])\n    return out[0] * y[out[1] - 1]\n";
    let shapes = "def f(x):\n    s = 0.0\n    for v in (np.ones(2), np.ones(3)):\n        k = 1\n        i = 0\n        while i < 2.0 * x:\n            if v.shape[0] == 2:\n                k = k + 1\n            i = i + 1\n        s = s + np.sum(v) * x + (np.sum(np.ones(k)) if v.shape[0] == 3 else 0.0)\n    return s\n";
    check(&format!("import numpy as np\n{kinds}"), 0.5, 4.5, 9.0, 0.0);
    check(&format!("import numpy as np\n{shapes}"), 0.5, 3.5, 5.0, 0.0);
}

/// What the README says of numbers, where Python does something else.
#[test]
fn numbers_that_differ_from_those_of_python() {
    check("def f(x):\n    return x if 2**53 + 1 == 2.0**53 else 0.0\n", 3.0, 3.0, 1.0, 0.0);
    check("def f(x):\n    return x * round(2.675, 2)\n", 2.0, 5.36, 2.68, 0.0);
    check("def f(x):\n    return 0.0 ** x\n", 0.0, 1.0, 0.0, 0.0);
    check("def f(x):\n    return (-2.0) ** x\n", 2.0, 4.0, 0.0, 0.0);
}

/// The derivatives of `f` at `x` from the first on, to 1e-12 of each, under every strategy.
fn check_accuracy(python: &str, x: f64, wanted: &[f64]) {
    for strategy in STRATEGIES.iter().filter(|strategy| !strategy.is_oracle()) {
        for (order, want) in (1..).zip(wanted) {
            let found =
                run(*strategy, python, Ask::Gradient, order, &[Datum::F64(x)]).unwrap_or_else(|e| panic!("{e}"));
            let near = found[0] == *want || (found[0] - want).abs() <= 1e-12 * want.abs();
            assert!(near, "{} at {x:e}, order {order}: {found:?}, not {want:e}", strategy.name());
        }
    }
}

#[test]
fn the_cube_root_has_derivatives_at_every_magnitude() {
    let python = "import numpy as np\n\n\ndef f(x):\n    return np.cbrt(x)\n";
    let inf = f64::INFINITY;
    for (x, first) in [
        (0.0, inf),
        (-0.0, inf),
        (inf, 0.0),
        (1e200, 1.5471962778709262e-134),
        (1e-200, 7.181448966772946e132),
        (1e300, 3.3333333333333335e-201),
        (5e-324, 1.1490942214795806e215),
    ] {
        check_accuracy(python, x, &[first]);
    }
    check_accuracy(python, -8.0, &[1.0 / 12.0, 1.0 / 144.0, 5.0 / 3456.0]);
}

/// The `order`-th derivative of `sin(pi x) / (pi x)`, from the sine's Taylor series.
fn sinc(x: f64, order: i32) -> f64 {
    let pi2 = std::f64::consts::PI.powi(2);
    let mut coefficient = 1.0;
    let mut sum = 0.0;
    for k in 0..20 {
        let factors = (0..order).map(|i| f64::from(2 * k - i)).product::<f64>();
        if 2 * k >= order {
            sum += coefficient * factors * x.powi(2 * k - order);
        }
        coefficient *= -pi2 / f64::from((2 * k + 2) * (2 * k + 3));
    }
    sum
}

#[test]
fn sinc_is_smooth_at_zero() {
    let python = "import numpy as np\n\n\ndef f(x):\n    return np.sinc(x)\n";
    for x in [0.0, 1e-160, -1e-8, 1e-7, 1e-3, 0.1, -0.2387, 0.2388, 0.4] {
        check_accuracy(python, x, &[1, 2, 3].map(|order| sinc(x, order)));
    }
}
