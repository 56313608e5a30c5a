//! Functions known only at run time: programs that make them, beside plain ones that do the same.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_strategies::find;

const STRATEGIES: [&str; 3] = ["closure", "closure:unoptimised", "tape"];

fn run(strategy: &str, python: &str, ask: Ask, order: usize, args: &[Datum]) -> Result<Vec<f64>, String> {
    crate::common::run(find(strategy).expect("a strategy"), python, ask, order, args)
}

/// A program and a plain one agree in value, in derivatives up to the third, and in tangents.
#[track_caller]
fn check(python: &str, plain: &str, args: &[Datum]) {
    let along = [args, &args[..1]].concat();
    for (ask, order) in
        [(Ask::Value, 1), (Ask::Gradient, 1), (Ask::Gradient, 2), (Ask::Gradient, 3), (Ask::Jvp, 1), (Ask::Hvp, 1)]
    {
        let args = if matches!(ask, Ask::Jvp | Ask::Hvp) { &along } else { args };
        let wanted = run("tape", plain, ask, order, args).unwrap_or_else(|e| panic!("{e}"));
        for strategy in STRATEGIES {
            let found = run(strategy, python, ask, order, args).unwrap_or_else(|e| panic!("{strategy} {order}: {e}"));
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
            let same = found.len() == wanted.len() && found.iter().zip(&wanted).all(near);
            assert!(same, "{strategy} {} {order}: {found:?}, not {wanted:?}", ask.name());
        }
    }
}

/// Every strategy says this of a program, `message` being all parts of what it says.
#[track_caller]
fn check_wrong(python: &str, args: &[Datum], message: &[&str]) {
    for strategy in ["closure", "tape", "dataflow"] {
        check_message(strategy, python, args, message);
    }
}

#[track_caller]
fn check_message(strategy: &str, python: &str, args: &[Datum], message: &[&str]) {
    let said = run(strategy, python, Ask::Gradient, 1, args).expect_err("an error");
    for part in message {
        assert!(said.contains(part), "{strategy} does not say `{part}` but:\n{said}");
    }
}

fn scalar(x: f64, n: i64) -> [Datum; 2] {
    [Datum::F64(x), Datum::I64(n)]
}

const POWER: &str = "def f(x, n):\n    return 1.0 if n == 0 else x * f(x, n - 1)\n";

/// A static graph has continuations whose number is known, and no others.
#[test]
fn continuations_to_a_known_depth_are_unrolled() {
    let python = "
def go(x, n, k):
    return k(1.0) if n == 0 else go(x, n - 1, lambda v: k(v * x))

def f(x, n):
    return go(x, 5, lambda v: v * v) + go(x, 0, lambda v: v)
";
    for order in [1, 2, 3] {
        let found = run("dataflow", python, Ask::Gradient, order, &scalar(0.9, 3)).unwrap_or_else(|e| panic!("{e}"));
        let wanted = run("closure", python, Ask::Gradient, order, &scalar(0.9, 3)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(found.len(), wanted.len());
        assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs()), "{found:?}, not {wanted:?}");
    }
}

#[test]
fn continuations() {
    let passed = "
def go(x, n, k):
    return k(x) if n == 0 else go(x, n - 1, lambda v: k(v * x))

def f(x, n):
    return go(x, n, lambda v: v / x)
";
    check(passed, POWER, &scalar(0.9, 5));
    check(passed, POWER, &scalar(0.9, 0));
    let two = "
def fib(n, k):
    return k(1.0) if n < 2 else fib(n - 1, lambda a: fib(n - 2, lambda b: k(a + b)))

def f(x, n):
    return fib(n, lambda v: v * x * x * x)
";
    let plain = "
def fib(n):
    return 1.0 if n < 2 else fib(n - 1) + fib(n - 2)

def f(x, n):
    return fib(n) * x * x * x
";
    check(two, plain, &scalar(0.7, 6));
    let arrays = "
import numpy as np

def go(x, n, k):
    return k(x, 0.5) if n == 0 else go(np.sin(x), n - 1, lambda v, s: k(v * x, s + np.sum(v)))

def f(x, n):
    return go(x, n, lambda v, s: s * np.sum(v))
";
    let unrolled = "
import numpy as np

def f(x, n):
    a = np.sin(x)
    b = np.sin(a)
    s = 0.5 + np.sum(b)
    v = b * a
    return (s + np.sum(v)) * np.sum(v * x)
";
    let x = Datum::Array(adjudicate_kernels::Array::from_vec(&[2], vec![0.4, 1.1]));
    check(arrays, unrolled, &[x, Datum::I64(2)]);
}

/// The function that a call returns is captured by the one that is returned.
#[test]
fn functions_composed_in_a_recursion() {
    let python = "
import numpy as np

def make(n, x):
    if n == 0:
        return lambda y: y * x
    h = make(n - 1, x)
    return lambda y: np.sin(h(y)) * x

def f(x, n):
    return make(n, x)(x)
";
    let plain = "
import numpy as np

def f(x, n):
    y = x * x
    for i in range(n):
        y = np.sin(y) * x
    return y
";
    check(python, plain, &scalar(0.9, 3));
    check(python, plain, &scalar(0.9, 100));
}

/// A loop that may have no trip is how this recursion ends. From the last line of it, f is 2.75 x² for n = 3.
#[test]
fn a_recursion_that_a_loop_of_no_trips_ends() {
    let python = "
def a(x, n):
    t = x
    while n > 0:
        t += a(x * 0.5, n - 2)
        n -= 1
    return t

def f(x, n):
    return a(x * x, n)
";
    check(python, "def f(x, n):\n    return 2.75 * x * x\n", &scalar(0.9, 3));
    check(python, "def f(x, n):\n    return x * x\n", &scalar(0.9, 0));
}

#[test]
fn functions_composed_in_a_loop() {
    let python = "
import numpy as np

def f(x):
    g = lambda v: v
    y = x
    while y < 3.0:
        g = (lambda h, y: lambda v: h(np.sin(v) * y))(g, y)
        y = y * 1.5
    return g(x)
";
    let plain = "
import numpy as np

def f(x):
    v = x
    for i in range(3):
        v = np.sin(v) * x * 1.5 ** (2 - i)
    return v
";
    check(python, plain, &[Datum::F64(0.9)]);
    check(python, "def f(x):\n    return x\n", &[Datum::F64(3.5)]);
}

#[test]
fn functions_returned_from_a_recursion() {
    let python = "
def power(n):
    return (lambda x: 1.0) if n == 0 else (lambda p: lambda x: x * p(x))(power(n - 1))

def f(x, n):
    return power(n)(x)
";
    check(python, POWER, &scalar(1.3, 4));
    let composed = "
import numpy as np

def compose(g, h):
    return lambda x: g(h(x))

def tower(n):
    return (lambda x: x) if n == 0 else compose(np.sin if n % 2 == 0 else np.exp, tower(n - 1))

def f(x, n):
    return tower(n)(x)
";
    check(composed, "import numpy as np\ndef f(x, n):\n    return np.exp(np.sin(np.exp(x)))\n", &scalar(0.3, 3));
}

#[test]
fn church_numerals() {
    let python = "
def zero(g):
    return lambda x: x

def succ(n):
    return lambda g: lambda x: g(n(g)(x))

def add(m, n):
    return lambda g: lambda x: m(g)(n(g)(x))

def church(n):
    return zero if n == 0 else succ(church(n - 1))

def f(x, n):
    c = church(n)
    return add(c, succ(c))(lambda y: y * x)(1.0)
";
    check(python, "def f(x, n):\n    return x ** 7\n", &scalar(0.9, 3));
}

#[test]
fn derivatives_of_functions_known_only_at_run_time() {
    let returned = "
from adjudicate import grad

def power(n):
    return (lambda x: 1.0) if n == 0 else (lambda p: lambda x: x * p(x))(power(n - 1))

def f(x, n):
    return grad(power(n))(x)
";
    check(returned, "def f(x, n):\n    return 5.0 * x ** 4\n", &scalar(1.3, 5));
    let captured = "
from adjudicate import grad

def go(x, n, k):
    return k if n == 0 else go(x, n - 1, lambda v: k(v * x))

def f(x, n):
    g = go(x, n, lambda v: v * v)
    return x * grad(g)(2.0) + grad(lambda y: g(y * x))(x)
";
    // g(v) = v² x⁶
    check(captured, "def f(x, n):\n    return 4.0 * x ** 7 + 2.0 * x ** 9\n", &scalar(0.9, 3));
    let chosen = "
from adjudicate import grad, value_and_grad

def chain(n):
    return (lambda x: x * x) if n == 0 else (lambda p: lambda x: x * p(x))(chain(n - 1))

def f(x, n):
    g = chain(n) if x > 0.0 else chain(n + 1)
    v, d = value_and_grad(g)(x)
    return v * d + grad(grad(g))(x)
";
    check(chosen, "def f(x, n):\n    return 4.0 * x ** 7 + 12.0 * x * x\n", &scalar(1.1, 2));
    check(chosen, "def f(x, n):\n    return 5.0 * x ** 9 + 20.0 * x * x * x\n", &scalar(-1.1, 2));
}

#[test]
fn depth() {
    let python = "
def go(x, n, k):
    return k(x) if n == 0 else go(x, n - 1, lambda v: k(v * x))

def power(n):
    return (lambda x: 1.0) if n == 0 else (lambda p: lambda x: x * p(x))(power(n - 1))

def f(x, n):
    return go(x, n, lambda v: v) + power(n)(x)
";
    for strategy in STRATEGIES {
        for order in [1, 2] {
            let args = scalar(1.0, 100_000);
            let found =
                run(strategy, python, Ask::Gradient, order, &args).unwrap_or_else(|e| panic!("{strategy}: {e}"));
            let n = 100_000.0;
            let wanted = if order == 1 { 2.0 * n + 1.0 } else { (n + 1.0) * n + n * (n - 1.0) };
            assert!((found[0] - wanted).abs() <= 1e-9 * wanted, "{strategy} {order}: {}, not {wanted}", found[0]);
        }
    }
}

#[test]
fn what_has_no_type() {
    let infinite = "
def ints(a):
    return lambda: (a, ints(a * 2.0))

def double(s):
    return lambda: (s()[0] * 2.0, double(s()[1]))

def wrap(s, n):
    return s if n == 0 else wrap(double(s), n - 1)

def f(x, n):
    return wrap(ints(x), n)()[0]
";
    check_wrong(infinite, &scalar(1.0, 3), &["no finite type", "model.py:9:"]);
    let twice = "
import numpy as np

def go(x, n, k):
    return k(np.array([x, x])) if n == 0 else go(x, n - 1, lambda v: k(np.sum(v)))

def f(x, n):
    return go(x, n, lambda v: np.sum(v))
";
    check_wrong(twice, &scalar(1.0, 3), &["known only at run time", "one type", "model.py:"]);
}

#[test]
fn what_a_strategy_cannot_express() {
    let continuations = "
def go(x, n, k):
    return k(x) if n == 0 else go(x, n - 1, lambda v: k(v * x))

def f(x, n):
    return go(x, n, lambda v: v)
";
    check_message("dataflow", continuations, &scalar(0.9, 3), &["refused", "function", "`go`", "model.py:3:"]);
    let tower = "
from adjudicate import grad

def tower(g, n):
    return g if n == 0 else tower(grad(g), n - 1)

def f(x, n):
    return tower(lambda v: v * v * v, n)(x)
";
    check_message("closure", tower, &scalar(0.9, 2), &["refused", "order", "model.py:"]);
}

#[test]
fn recursion_without_end() {
    let tuples = "
def g(t, n):
    return t if n == 0 else g((t, t), n - 1)

def f(x, n):
    return g(x, n)[0]
";
    check_wrong(tuples, &scalar(1.0, 3), &["`g`", "model.py:3:"]);
    let arrays = "
import numpy as np

def g(t):
    return g(np.concatenate([t, t])) + np.sum(t)

def f(x, n):
    return g(np.array([x, x]))
";
    check_wrong(arrays, &scalar(1.0, 3), &["model.py:5:"]);
    let derivatives = "
from adjudicate import grad

def g(x, n):
    return x * x if n == 0 else grad(lambda y: g(y, n - 1))(x)

def f(x, n):
    return g(x, n)
";
    check_message("closure", derivatives, &scalar(1.0, 3), &["refused", "order", "model.py:5:"]);
}
