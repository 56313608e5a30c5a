//! The traps of differentiation, one row each: a program that falls into one where a strategy is careless,
//! beside a straight one that means the same.
//!
//! Every row is run by every strategy, with the optimiser and without: value, gradient and second
//! derivative. Whoever cannot express it must say so; of the tape and of `closure` that is not taken
//! for an answer. Each is run twice, and must leave its arguments as they were.
//!
//! Numbers of rows group them: 1–10 are errors that would be silent, 11–19 arguments at the edge,
//! 20–25 programs of a form that needs care. Rewrite laws, rejections of the front end, random programs and
//! the golden derivatives have tests of their own (`ir/tests/laws.rs`, `ir/tests/frontend/errors.rs`,
//! `random`, `golden.rs`); so have depth, trips and time (`scale.rs`).

use crate::common::run;
use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_kernels::Array;
use adjudicate_strategies::{STRATEGIES, find};

/// A trap.
struct Trap {
    number: u32,
    name: &'static str,
    program: &'static str,
    /// The same function without the trap.
    plain: &'static str,
    args: fn() -> Vec<Datum>,
}

const HEAD: &str =
    "import numpy as np\nfrom adjudicate import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp\n";

/// The asks, and how close the answers are.
const ASKS: &[(Ask, usize, f64)] = &[(Ask::Value, 1, 1e-14), (Ask::Gradient, 1, 1e-12), (Ask::Gradient, 2, 1e-11)];

/// Strategies whose answers count: with all passes and with none.
const JUDGED: &[&str] = &["tape", "dataflow", "dataflow:unoptimised", "closure", "closure:unoptimised"];

fn check(trap: &Trap, judged: &[&str]) -> Result<(), String> {
    let args = (trap.args)();
    let before = format!("{args:?}");
    for &(ask, order, tolerance) in ASKS {
        let tape = find("tape").expect("a strategy");
        let wanted = run(tape, &format!("{HEAD}{}", trap.plain), ask, order, &args)?;
        for name in judged {
            let what = format!("{}. {}: {name} {} {order}", trap.number, trap.name, ask.name());
            let strategy = find(name).expect("a strategy");
            match run(strategy, &format!("{HEAD}{}", trap.program), ask, order, &args) {
                Ok(found) if close(&found, &wanted, tolerance) => {}
                Err(why) if why.starts_with("refused:") && name.starts_with("dataflow") => {}
                other => return Err(format!("{what}: {other:?}, not {wanted:?}")),
            }
        }
    }
    if before == format!("{args:?}") { Ok(()) } else { Err(format!("{}: the arguments have changed", trap.name)) }
}

/// Equal, NaN and the sign of zero included where nothing is rounded.
fn close(found: &[f64], wanted: &[f64], tolerance: f64) -> bool {
    let near = |a: f64, b: f64| a == b || (a - b).abs() <= tolerance * b.abs().max(1.0) || a.is_nan() && b.is_nan();
    found.len() == wanted.len() && found.iter().zip(wanted).all(|(&a, &b)| near(a, b))
}

fn float(x: f64) -> Datum {
    Datum::F64(x)
}

fn vector(xs: &[f64]) -> Datum {
    Datum::Array(Array::from_slice(&[xs.len()], xs))
}

fn matrix(shape: [usize; 2], xs: &[f64]) -> Datum {
    Datum::Array(Array::from_slice(&shape, xs))
}

const fn row(
    number: u32,
    name: &'static str,
    program: &'static str,
    plain: &'static str,
    args: fn() -> Vec<Datum>,
) -> Trap {
    Trap { number, name, program, plain, args }
}

fn x() -> Vec<Datum> {
    vec![float(0.7)]
}

fn zero() -> Vec<Datum> {
    vec![float(0.0)]
}

fn zeros() -> Vec<Datum> {
    vec![vector(&[0.0, 0.0])]
}

fn v() -> Vec<Datum> {
    vec![vector(&[0.7, -1.2, 0.4])]
}

#[rustfmt::skip]
const TRAPS: &[Trap] = &[
    row(1, "the variable of an inner gradient is not that of the outer",
        "def f(x):\n    return x * grad(lambda y: x * y)(1.0)\n",
        "def f(x):\n    return x * x\n", x),
    row(1, "the inner gradient of a loop closed over the outer variable",
        "def f(x):\n    def g(y):\n        s = 0.0\n        for i in range(3):\n            s = s * y + x * y\n        return s\n    return x * grad(g)(2.0)\n",
        "def f(x):\n    return 17.0 * x * x\n", x),
    row(1, "a Hessian–vector product of a closure",
        "def f(x):\n    return hvp(lambda y: x * y ** 3)(x, 1.0)\n",
        "def f(x):\n    return 6.0 * x * x\n", x),
    row(1, "three levels, each closed over the ones outside",
        "def f(x):\n    return grad(lambda y: grad(lambda z: x * y * z * z)(y) * y)(x)\n",
        "def f(x):\n    return 6.0 * x ** 3\n", x),
    row(1, "a Jacobian–vector product inside a gradient",
        "def f(x):\n    return grad(lambda y: jvp(lambda z: z * z * y * x, (y,), (x,))[1])(x)\n",
        "def f(x):\n    return 4.0 * x ** 3\n", x),
    row(2, "one argument twice",
        "def g(a, b):\n    return a * a * b\ndef f(x):\n    return g(x, x)\n",
        "def f(x):\n    return x ** 3\n", x),
    row(2, "one argument four times",
        "def g(a, b, c, d):\n    return a * b + c * d * a\ndef f(x):\n    return g(x, x, x, x)\n",
        "def f(x):\n    return x * x + x ** 3\n", x),
    row(2, "a shared subexpression",
        "def f(x):\n    y = np.sin(x)\n    return y * y + y\n",
        "def f(x):\n    return np.sin(x) ** 2 + np.sin(x)\n", x),
    row(2, "two calls of one backpropagator with different arguments",
        "def f(x):\n    h = lambda y: y * y * y\n    return grad(h)(x) * grad(h)(2.0 * x)\n",
        "def f(x):\n    return 36.0 * x ** 4\n", x),
    row(2, "two equal calls of one gradient",
        "def f(x):\n    h = lambda y: y * y * x\n    return grad(h)(x) * grad(h)(x)\n",
        "def f(x):\n    return 4.0 * x ** 4\n", x),
    row(2, "one function at two places, one of them differentiated, after a branch that folding decides",
        "def f(x, v):\n    def g(w):\n        if np.ones(3) @ np.ones(3) < np.sum(np.ones(3)):\n            return x\n        for a in np.ones(3):\n            w = np.tanh(w)\n            if -0.9 < a < 0.6:\n                break\n        return w @ (np.ones(3) + w) + x * x\n    return np.sum(grad(g)(v)) + g(np.ones(3) * 0.2)\n",
        "def f(x, v):\n    h = lambda w: np.tanh(np.tanh(np.tanh(w)))\n    g = lambda w: np.sum(h(w) * (1.0 + h(w)))\n    return np.sum(grad(g)(v)) + g(np.ones(3) * 0.2) + x * x\n",
        || vec![float(0.7), vector(&[0.6, -0.4, 0.1])]),
    row(3, "a closure returned",
        "def make(x):\n    return lambda y: x * y\ndef f(x):\n    return make(x)(x)\n",
        "def f(x):\n    return x * x\n", x),
    row(3, "a closure called twice",
        "def f(x):\n    g = lambda y: x * y\n    return g(x) + g(x * x)\n",
        "def f(x):\n    return x * x + x ** 3\n", x),
    row(3, "a closure never called",
        "def f(x):\n    g = lambda y: np.log(-y) * x\n    return x * x\n",
        "def f(x):\n    return x * x\n", x),
    row(3, "a variable captured through two levels",
        "def f(x):\n    def outer(a):\n        def inner(b):\n            return b * x\n        return inner(a)\n    return outer(x)\n",
        "def f(x):\n    return x * x\n", x),
    row(3, "a derivative taken by a higher-order function",
        "def slope(g, y):\n    return grad(g)(y)\ndef f(x):\n    return slope(lambda y: y * y * x, x)\n",
        "def f(x):\n    return 2.0 * x * x\n", x),
    row(3, "the derivative by what is captured, of a function that is passed on",
        "def twice(g, y):\n    return g(g(y))\ndef f(x):\n    return twice(lambda y: y * x, 3.0)\n",
        "def f(x):\n    return 3.0 * x * x\n", x),
    row(4, "functions in a tuple",
        "def f(x):\n    y = x\n    for g in (np.sin, lambda z: z * x):\n        y = g(y)\n    return y\n",
        "def f(x):\n    return np.sin(x) * x\n", x),
    row(4, "a function chosen by `if`",
        "def f(x):\n    g = (lambda y: y * x) if x > 0.5 else (lambda y: y + x)\n    return g(x)\n",
        "def f(x):\n    return x * x\n", x),
    row(4, "functions accumulated in a loop of unknown trips",
        "def f(x):\n    g = lambda y: y\n    z = x\n    while z < 2.0:\n        g = (lambda h, z: lambda y: h(y) * z)(g, z)\n        z = z * 2.0\n    return g(x)\n",
        "def f(x):\n    return x * x * (2.0 * x)\n", x),
    row(4, "continuations",
        "def go(x, k):\n    return k(x) if x > 3.0 else go(x * 3.0, lambda v: k(v * x))\ndef f(x):\n    return go(x, lambda v: v)\n",
        "def f(x):\n    return x * (3.0 * x) * (9.0 * x)\n", x),
    row(5, "recursion that is not a tail call",
        "def p(x, n):\n    return 1.0 if n == 0 else x * p(x, n - 1)\ndef f(x, n):\n    return p(x, n)\n",
        "def f(x, n):\n    return x ** 4\n", || vec![float(0.7), Datum::I64(4)]),
    row(5, "recursion of depth zero",
        "def p(x, n):\n    return x if n == 0 else x * p(x, n - 1)\ndef f(x, n):\n    return p(x, n)\n",
        "def f(x, n):\n    return x\n", || vec![float(0.7), Datum::I64(0)]),
    row(5, "mutual recursion",
        "def even(x, n):\n    return 1.0 if n == 0 else x * odd(x, n - 1)\ndef odd(x, n):\n    return x if n == 0 else x + even(x, n - 1)\ndef f(x, n):\n    return even(x, n)\n",
        "def f(x, n):\n    return x * (x + x * (x + 1.0))\n", || vec![float(0.7), Datum::I64(4)]),
    row(5, "a recursive closure that captures what is differentiated",
        "def f(x, n):\n    def go(y, k):\n        return y if k == 0 else np.sin(go(y * x, k - 1) * x)\n    return go(1.0, n)\n",
        "def f(x, n):\n    return np.sin(np.sin(x * x * x) * x)\n", || vec![float(0.7), Datum::I64(2)]),
    row(5, "recursion that calls itself twice",
        "def t(x, n):\n    return x if n < 2 else t(x, n - 1) * x + t(x * x, n - 2)\ndef f(x, n):\n    return t(x, n)\n",
        "def f(x, n):\n    return (x * x + x * x) * x + x * x\n", || vec![float(0.7), Datum::I64(3)]),
    row(6, "the branch not taken is NaN",
        "def f(x):\n    return np.sqrt(x - 1.0) if x > 1.0 else x * x\n",
        "def f(x):\n    return x * x\n", x),
    row(6, "the branch not taken reads out of bounds",
        "def f(x, v, n):\n    return v[n] * x if n < 2 else x * x\n",
        "def f(x, v, n):\n    return x * x\n", || vec![float(0.7), vector(&[1.0, 2.0]), Datum::I64(9)]),
    row(6, "the branch not taken divides by zero",
        "def f(x):\n    z = x - 0.7\n    return 1.0 / z if z > 0.0 else x * x\n",
        "def f(x):\n    return x * x\n", x),
    row(6, "a root that only the branch not taken reads",
        "def f(x):\n    s = np.sqrt(x)\n    if x > 0.0:\n        y = s * 2.0\n    else:\n        y = x\n    return y\n",
        "def f(x):\n    return x\n", zero),
    row(6, "a chain of values, by array, that only the branch not taken reads",
        "def f(v):\n    r = np.sqrt(np.sum(v * v))\n    u = np.log(r) * v / r\n    return np.sum(u * v) if v @ v > 0.0 else v @ v + np.sum(v)\n",
        "def f(v):\n    return v @ v + np.sum(v)\n", zeros),
    row(6, "values that each side of nested branches reads alone",
        "def f(x):\n    s, r, t = np.sqrt(x), np.log(x), 1.0 / x\n    if x >= 0.0:\n        return s * r if x > 0.0 else x * x * x + x\n    return t * t\n",
        "def f(x):\n    return x * x * x + x\n", zero),
    row(6, "values that branches in the trips of a loop read, made in the trip",
        "def f(x):\n    y = x\n    for i in range(3):\n        z = y - x\n        s = np.sqrt(z)\n        y = y + s * x if z > 0.0 else y * y + x * x + z\n    return y\n",
        "def f(x):\n    y = x * x + x * x\n    y = y * y + x * x + y - x\n    return y * y + x * x + y - x\n", zero),
    row(6, "a loop and a branch that only the branch not taken reads",
        "def f(x, n):\n    s = x\n    for i in range(n):\n        s = np.sqrt(s) + x\n    t = s * s if x < 0.5 else np.sqrt(s - s)\n    return t if x > 0.0 else x * x + 3.0 * x\n",
        "def f(x, n):\n    return x * x + 3.0 * x\n", || vec![float(0.0), Datum::I64(3)]),
    row(6, "a cube root that the condition reads too",
        "def f(x):\n    r = np.cbrt(x)\n    return r * x if r > 0.0 else x * x + 3.0 * x\n",
        "def f(x):\n    return x * x + 3.0 * x\n", zero),
    row(6, "what overflows, guarded by itself",
        "def f(x):\n    e = np.exp(x * 1e4)\n    p = x ** 200\n    y = np.log1p(e) if e < 1e10 else 1e4 * x\n    return y * (x if x > 0.0 else p)\n",
        "def f(x):\n    return 1e4 * x * x\n", x),
    row(6, "a remainder by zero that the condition reads too",
        "def f(x):\n    q = 2.0 % x\n    return q if q < 1.0 else 2.0 * x + x * x\n",
        "def f(x):\n    return 2.0 * x + x * x\n", zero),
    row(6, "a root that the condition reads too",
        "def f(v):\n    r = np.sqrt(v @ v)\n    return np.sum(v) / r if r > 0.0 else v @ v + np.sum(v)\n",
        "def f(v):\n    return v @ v + np.sum(v)\n", zeros),
    row(6, "the gradient of a root, in the branch not taken",
        "def f(x):\n    d = grad(lambda y: np.sqrt(y) * y)(x) * np.log(x)\n    return d * x if x > 0.0 else x * x\n",
        "def f(x):\n    return x * x\n", zero),
    row(7, "zero trips",
        "def f(x, n):\n    y = x * x\n    for i in range(n):\n        y = y * np.sin(x)\n    return y * x\n",
        "def f(x, n):\n    return x ** 3\n", || vec![float(0.7), Datum::I64(0)]),
    row(7, "trips that depend on data",
        "def f(x):\n    y = x\n    while y < 3.0:\n        y = y * y + 1.0\n    return y\n",
        "def f(x):\n    a = x * x + 1.0\n    return a * a + 1.0\n", x),
    row(7, "nested loops, the inner one bounded by the outer",
        "def f(x, n):\n    s = 0.0\n    for i in range(n):\n        y = x\n        for j in range(i):\n            y = np.sin(y) * x\n        s = s + y * y\n    return s\n",
        "def f(x, n):\n    a = np.sin(x) * x\n    b = np.sin(a) * x\n    return x * x + a * a + b * b\n", || vec![float(0.7), Datum::I64(3)]),
    row(7, "the residuals of each trip, not of the last",
        "def f(x):\n    y = x\n    for i in range(3):\n        y = np.sin(y) * (i + 1)\n    return y\n",
        "def f(x):\n    return np.sin(np.sin(np.sin(x)) * 2) * 3\n", x),
    row(7, "an early end of a loop",
        "def f(x):\n    y = x\n    for i in range(9):\n        if y > 2.0:\n            break\n        y = y * 2.0 * x + 0.5\n    return y * x\n",
        "def f(x):\n    y = x\n    for i in range(3):\n        y = y * 2.0 * x + 0.5\n    return y * x\n", || vec![float(0.6)]),
    row(8, "a buffer that the backward pass reads is not reused",
        "def f(v):\n    a = np.exp(v)\n    b = a * a\n    c = b + a\n    return np.sum(c * c * a)\n",
        "def f(v):\n    e = lambda k: np.exp(k * v)\n    return np.sum((e(2.0) + e(1.0)) ** 2 * e(1.0))\n", v),
    row(8, "the gradient is the argument itself",
        "def f(v):\n    return np.sum(v * v) * 0.5\n",
        "def f(v):\n    return 0.5 * (v @ v)\n", v),
    row(8, "one array passed twice",
        "def g(a, b):\n    return np.sum(a * np.sin(b))\ndef f(v):\n    return g(v, v)\n",
        "def f(v):\n    return np.sin(v) @ v\n", v),
    row(8, "views of one array",
        "def f(v):\n    a = v[::-1]\n    b = v[1:]\n    return np.sum(a * v) + np.sum(b * a[:2])\n",
        "def f(v):\n    return v[0] * v[2] * 2.0 + v[1] * v[1] + v[1] * v[2] + v[2] * v[1]\n", v),
    row(8, "two gradients from one array",
        "def f(v):\n    g = grad(lambda a, b: np.sum(a * b), (0, 1))\n    a, b = g(v, v)\n    return np.sum(a * b * v)\n",
        "def f(v):\n    return np.sum(v ** 3)\n", v),
    row(9, "an argument that is not used",
        "def f(v):\n    return 3.0\n",
        "def f(v):\n    return 3.0 + np.sum(v * 0.0)\n", v),
    row(9, "an inner gradient by what is not used",
        "def f(v):\n    return np.sum(grad(lambda a: 2.0)(v) * v) + np.sum(v * v)\n",
        "def f(v):\n    return np.sum(v * v)\n", v),
    row(9, "one branch does not use the variable",
        "def f(x):\n    y = 2.0 if x < 1.0 else x * x\n    return y * x\n",
        "def f(x):\n    return 2.0 * x\n", x),
    row(9, "zero at the first order, something at the second",
        "def f(x):\n    z = x - 0.7\n    return grad(lambda y: y * y)(z) * z\n",
        "def f(x):\n    return 2.0 * (x - 0.7) ** 2\n", x),
    row(10, "dead code that would fail",
        "def f(x, v, n):\n    dead = v[n] * x\n    return x * x\n",
        "def f(x, v, n):\n    return x * x\n", || vec![float(0.7), vector(&[1.0, 2.0]), Datum::I64(9)]),
    row(10, "dead code that is NaN",
        "def f(x):\n    dead = np.log(-x * x)\n    return x * x, dead\nf = (lambda g: lambda x: g(x)[0])(f)\n",
        "def f(x):\n    return x * x\n", x),
    row(11, "broadcasting against an axis of length 1",
        "def f(m):\n    return np.sum(m * m[:, :1] * m[:1, :])\n",
        "def f(m):\n    s = 0.0\n    for i in range(2):\n        for j in range(3):\n            s = s + m[i, j] * m[i, 0] * m[0, j]\n    return s\n",
        || vec![matrix([2, 3], &[0.7, -1.2, 0.4, 0.9, 0.3, -0.5])]),
    row(11, "broadcasting against a scalar and a missing axis",
        "def f(v):\n    return np.sum((v[0] + v * np.ones((2, 3))) * np.reshape(v[:2], (2, 1)))\n",
        "def f(v):\n    s = 0.0\n    for i in range(2):\n        for j in range(3):\n            s = s + (v[0] + v[j]) * v[i]\n    return s\n", v),
    row(11, "arrays of size 0",
        "def f(v):\n    return np.sum(v[3:] * v[3:]) + np.sum(v[:0] + np.ones((2, 0))) + v[0] ** 2\n",
        "def f(v):\n    return v[0] * v[0]\n", v),
    row(12, "reductions and products of nothing",
        "def f(x):\n    return np.sum(np.zeros(0) * x) + np.prod(np.zeros(0) * x) * x * x + np.sum((x * np.zeros((2, 0))) @ np.zeros((0, 3)) + x)\n",
        "def f(x):\n    return x * x + 6.0 * x\n", x),
    row(13, "the elementwise maximum at a tie, shared by halves",
        "def f(x):\n    return np.maximum(x, 0.7 + (x - x)) * x\n",
        "def f(x):\n    return 0.7 * x + 0.5 * (x - 0.7) * x\n", x),
    row(13, "a reduction at a tie, shared equally",
        "def f(v):\n    return np.max(v) * 3.0\n",
        "def f(v):\n    return np.sum(v)\n", || vec![vector(&[0.4, 0.4, 0.4])]),
    row(13, "the absolute value at 0",
        "def f(x):\n    return np.abs(x)\n",
        "def f(x):\n    return 0.0 * x\n", || vec![float(0.0)]),
    row(14, "powers at 0",
        "def f(x):\n    return x ** 2 + x ** 3 + x ** 1 + x ** 0\n",
        "def f(x):\n    return x * x + x * x * x + x + 1.0\n", || vec![float(0.0)]),
    row(14, "integer powers of negative numbers",
        "def f(x, p):\n    return x ** 3 + x ** -2 + x ** p\n",
        "def f(x, p):\n    return x * x * x + 1.0 / (x * x) + x * x\n", || vec![float(-1.3), float(2.0)]),
    row(15, "a choice whose other side is NaN, with the operand made safe",
        "def f(v):\n    safe = np.where(v > 0.0, v, 1.0)\n    return np.sum(np.where(v > 0.0, np.sqrt(safe), v * v))\n",
        "def f(v):\n    return np.sqrt(v[0]) + v[1] * v[1] + np.sqrt(v[2])\n", v),
    row(15, "the logarithm of a sum of exponentials at extremes",
        "def f(v):\n    return np.logaddexp(v[0] * 1000.0, v[1] * 1000.0) + np.logaddexp(0.0, -1000.0 * v[2])\n",
        "def f(v):\n    return v[0] * 1000.0 + 0.0 * v[2]\n", v),
    row(16, "integers and booleans beside floats",
        "def f(x, n, b):\n    k = n // 2 + (1 if b else 0)\n    return x * k + float(n) * x * x + (x > 0.0) * x\n",
        "def f(x, n, b):\n    return 4.0 * x + 7.0 * x * x\n", || vec![float(0.7), Datum::I64(7), Datum::Bool(false)]),
    row(17, "an index twice",
        "def f(v):\n    return np.sum(v[np.array([0, 2, 0, 0])] ** 2)\n",
        "def f(v):\n    return 3.0 * v[0] * v[0] + v[2] * v[2]\n", v),
    row(17, "negative indices",
        "def f(v):\n    return v[-1] * v[np.array([-3, 1])] @ v[np.array([-2, -2])]\n",
        "def f(v):\n    return v[2] * (v[0] * v[1] + v[1] * v[1])\n", v),
    row(17, "reading by index in a loop",
        "def f(v):\n    s = 0.0\n    for i in range(len(v)):\n        s = s * v[i] + v[i] * v[0]\n    return s\n",
        "def f(v):\n    return (v[0] * v[0] * v[1] + v[1] * v[0]) * v[2] + v[2] * v[0]\n", v),
    row(18, "a product with one zero",
        "def f(v):\n    return np.prod(v)\n",
        "def f(v):\n    return v[0] * v[1] * v[2]\n", || vec![vector(&[0.7, 0.0, 0.4])]),
    row(18, "a product with two zeros",
        "def f(v):\n    return np.prod(v)\n",
        "def f(v):\n    return v[0] * v[1] * v[2]\n", || vec![vector(&[0.0, 0.0, 0.4])]),
    row(18, "means over several axes, kept",
        "def f(m):\n    return np.sum((m - np.mean(m, axis=(0, 1), keepdims=True)) ** 2 + np.mean(m, axis=1, keepdims=True) * m)\n",
        "def f(m):\n    a = np.sum(m) / 6.0\n    s = 0.0\n    for i in range(2):\n        for j in range(3):\n            s = s + (m[i, j] - a) ** 2 + (m[i, 0] + m[i, 1] + m[i, 2]) / 3.0 * m[i, j]\n    return s\n",
        || vec![matrix([2, 3], &[0.7, -1.2, 0.4, 0.9, 0.3, -0.5])]),
    row(19, "infinity and NaN survive folding",
        "def f(x):\n    return x * (1e308 * 10.0) * 0.0 + x * 0.0\n",
        "def f(x):\n    return x * np.nan\n", x),
    row(23, "mutual recursion in which one function captures",
        "def f(x, n):\n    def even(y, k):\n        return y if k == 0 else odd(y * x, k - 1)\n    def odd(y, k):\n        return y if k == 0 else np.sin(even(y, k - 1))\n    return even(x, n)\n",
        "def f(x, n):\n    return np.sin(np.sin(x * x * x))\n", || vec![float(0.7), Datum::I64(4)]),
    row(23, "shadowing",
        "def f(x):\n    def g(x):\n        x = x * x\n        return (lambda x: x * 3.0)(x)\n    return g(x) * x\n",
        "def f(x):\n    return 3.0 * x ** 3\n", x),
    row(23, "a function defined after the one that calls it",
        "def f(x):\n    return later(x) * x\ndef later(y):\n    return np.sin(y)\n",
        "def f(x):\n    return np.sin(x) * x\n", x),
    row(25, "a backpropagator called twice",
        "def f(x):\n    y, pull = vjp(lambda y: y * y * x, x)\n    return pull(1.0)[0] + pull(x)[0] + y\n",
        "def f(x):\n    return 2.0 * x * x + 3.0 * x ** 3\n", x),
    row(25, "a backpropagator never called",
        "def f(x):\n    y, pull = vjp(lambda y: y * y * x, x)\n    return y\n",
        "def f(x):\n    return x ** 3\n", x),
];

/// Traps that `closure` without the optimiser falls into: it neither expands calls nor sees that no sensitivity comes back.
#[rustfmt::skip]
const OPTIMISED: &[Trap] = &[
    row(6, "a norm that the condition reads too",
        "def f(v):\n    r = np.linalg.norm(v)\n    return np.sum(v) / r if r > 0.0 else v @ v + np.sum(v)\n",
        "def f(v):\n    return v @ v + np.sum(v)\n", zeros),
    row(6, "a root that a condition on the side taken reads",
        "def f(x):\n    r = np.sqrt(x)\n    low = r < 1.0\n    if x > 0.0:\n        return r * x\n    return x * x + x if low else 2.0 * x\n",
        "def f(x):\n    return x * x + x\n", zero),
];

#[test]
fn nothing_falls_into_a_trap() {
    let all = TRAPS.iter().map(|trap| check(trap, JUDGED));
    let optimised = OPTIMISED.iter().map(|trap| check(trap, &["tape", "dataflow", "dataflow:unoptimised", "closure"]));
    let wrong: Vec<String> = all.chain(optimised).filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_group_has_a_row() {
    for number in (1..=19).chain([23, 25]) {
        assert!(TRAPS.iter().any(|trap| trap.number == number), "no row of group {number}");
    }
}

/// Group 15: of a choice both sides are computed: a cotangent of 0 times an infinite slope is NaN, as in NumPy's own
/// arithmetic. All strategies say the same.
#[test]
fn the_slope_of_a_side_that_is_nan() {
    let python = format!("{HEAD}def f(x):\n    return np.where(x > 0.0, np.sqrt(x), 2.0 * x)\n");
    for strategy in STRATEGIES.iter().filter(|s| !s.is_oracle()) {
        let found = run(*strategy, &python, Ask::Gradient, 1, &[float(-1.0)]).expect("numbers");
        assert!(found.len() == 1 && found[0].is_nan(), "{}: {found:?}", strategy.name());
    }
}

/// Group 17: an index out of range is an error at its place, whoever runs it.
/// An error that depends on data is found though only the side that is not taken reads what has it.
#[test]
fn errors_on_the_side_not_taken() {
    let failing = ["10 // n", "w[n + 7]", "(n + 4611686018427387904) * 2"];
    for (what, strategy) in
        failing.iter().flat_map(|what| JUDGED.iter().map(move |name| (what, find(name).expect("known"))))
    {
        let python =
            format!("{HEAD}def f(x, n, w):\n    a = {what}\n    return a * x * x if x > 0.0 else 2.0 * x * x\n");
        for ask in [Ask::Value, Ask::Gradient] {
            let args = [float(-1.0), Datum::I64(0), vector(&[1.0, 2.0])];
            let found = run(strategy, &python, ask, 1, &args);
            assert!(found.is_err(), "{} {what}: {found:?}", strategy.name());
        }
    }
}

#[test]
fn an_index_out_of_range() {
    let python = format!("{HEAD}def f(v, n):\n    return v[n] * v[0]\n");
    // Arrays are not for the tape of scalars.
    for strategy in STRATEGIES.iter().filter(|s| !s.name().starts_with("tape:scalar")) {
        for ask in [Ask::Value, Ask::Gradient] {
            let args = [vector(&[1.0, 2.0]), Datum::I64(2)];
            let error = run(*strategy, &python, ask, 1, &args).expect_err("an error");
            assert!(error.contains("out of range") && error.contains("model.py:4"), "{}: {error}", strategy.name());
        }
    }
}

/// Group 19: signs of zeros and NaN are those of run time, to the bit.
#[test]
fn folding_keeps_the_bits() {
    for (body, wanted) in [
        ("x * 0.0", -0.0),
        ("x * 0.0 + 0.0", 0.0),
        ("0.0 - x * 0.0", 0.0),
        ("-(x * 0.0) - 0.0", 0.0),
        ("x * -1e-320 * 1e-10", 0.0),
        ("(1e308 * 10.0) - (1e308 * 10.0) * (x * 0.0 + 1.0)", f64::NAN),
    ] {
        let python = format!("{HEAD}def f(x):\n    return {body}\n");
        for strategy in STRATEGIES.iter() {
            let found = run(*strategy, &python, Ask::Value, 1, &[float(-2.0)]).expect("a number");
            let same = found[0].to_bits() == wanted.to_bits() || found[0].is_nan() && wanted.is_nan();
            assert!(same, "{} {body}: {found:?}, not {wanted:?}", strategy.name());
        }
    }
}
