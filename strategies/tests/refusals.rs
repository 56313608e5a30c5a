//! What a refusal says: the construct, the function that the user wrote it in, the line, and what would make it expressible.

use crate::common::run;
use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_strategies::find;

/// Why a strategy refuses what is asked of `f`, where the refusal has a line of the model with this text in it.
fn refusal(strategy: &str, python: &str, ask: Ask, args: &[Datum], line: &str) -> String {
    let python = format!("import numpy as np\nfrom adjudicate import grad\n\n\n{python}");
    let said = run(find(strategy).expect("a strategy"), &python, ask, 1, args).expect_err("a refusal");
    assert!(said.starts_with("refused: error: ") && said.contains(line), "{strategy}:\n{said}");
    assert!(said.contains("--> model.py:") && said.contains("= help: "), "{strategy}:\n{said}");
    said
}

#[track_caller]
fn check(said: &str, parts: &[&str], not: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "it does not say `{part}` but:\n{said}");
    }
    for part in not {
        assert!(!said.contains(part), "it says `{part}`:\n{said}");
    }
}

const X: [Datum; 1] = [Datum::F64(1.1)];

/// A recursion that calls itself twice, of 22 levels.
const TWICE: &str = "
def go(n, y):
    if n == 0:
        return y
    return go(n - 1, np.sin(y)) + go(n - 1, np.cos(y))

def f(x):
    return go(22, x)
";

/// The advice is about what is too large: levels of a recursion, or trips of a loop.
#[test]
fn a_recursion_that_is_too_large_when_inlined() {
    for strategy in ["dataflow", "dataflow:unrolled"] {
        let said = refusal(strategy, TWICE, Ask::Gradient, &X, "return go(n - 1");
        check(&said, &["the recursion of `go` inlined", "fewer levels", "`closure` or `tape`"], &["loops be kept"]);
    }
}

#[test]
fn a_loop_that_is_too_large_when_unrolled() {
    let python = "
def long(y):
    for i in range(3000000):
        y = np.sin(y)
    return y

def f(x):
    return x * long(x)
";
    let said = refusal("dataflow:unrolled", python, Ask::Gradient, &X, "for i in range(3000000)");
    check(&said, &["this loop of `long` unrolled", "loops be kept, as the strategy `dataflow` does"], &["recursion"]);
}

/// A recursion that takes a derivative in each level.
const TOWER: &str = "
def d(n, x):
    if n == 0:
        return x ** 9
    return grad(lambda y: d(n - 1, y))(x)

def f(x, n):
    return d(n, x)
";

#[test]
fn derivatives_to_an_order_on_data() {
    let args = [Datum::F64(1.1), Datum::I64(3)];
    let said = refusal("closure", TOWER, Ask::Value, &args, "return grad(lambda");
    check(&said, &["derivative in `d`", "before the program runs", "use the strategy `tape`"], &[]);
}

/// What depends on data is met as the program runs, and says the same of itself.
#[test]
fn a_limit_that_is_met_at_run_time() {
    let of = |strategy: &str, order: i64| {
        let python = format!("from adjudicate import grad\n{TOWER}");
        run(find(strategy).expect("it"), &python, Ask::Value, 1, &[Datum::F64(1.1), Datum::I64(order)])
    };
    assert!(of("tape:scalar", 7).is_ok() && of("tape", 8).is_ok());
    let said = of("tape:scalar", 8).expect_err("an eighth tape");
    check(
        &said,
        &["model.py:6:", "in `d`, derivatives are nested more than 7 deep", "; ", "use the strategy `tape`"],
        &[],
    );
    let said = of("tape", 250).expect_err("too deep");
    check(&said, &["model.py:6:", "in `d`, derivatives are nested more than 200 deep", "; let the recursion"], &[]);
}

/// Functions that derivatives are made of go by the names that the user gave; an array is the value of its expression.
#[test]
fn arrays_on_a_tape_of_scalars() {
    let pair = "def f(x):\n    return np.array([x, x * x])\n";
    let said = refusal("tape:scalar", pair, Ask::Jacobian, &X, "def f(x)");
    check(&said, &["`f` computes with an array of floats, f64[2]"], &["restricted"]);
    let inside = "def f(x):\n    a = np.array([x, x * x])\n    return np.sum(a * a)\n";
    let said = refusal("tape:scalar", inside, Ask::Gradient, &X, "a = np.array([x, x * x])");
    check(&said, &["`f` computes with an array of floats, f64[2]"], &["f64[1]"]);
    let called = "def g(y):\n    return np.ones(3) * y\n\n\ndef f(x):\n    return np.sum(g(x)[:2])\n";
    let said = refusal("tape:scalar", called, Ask::Gradient, &X, "model.py:");
    check(&said, &["computes with an array of floats, f64[3]"], &[]);
}

/// The advice is about what is done with the function values.
#[test]
fn function_values_in_a_static_graph() {
    let args = [Datum::F64(0.9), Datum::I64(3)];
    let continuations = "
def go(x, n, k):
    if n == 0:
        return k(1.0)
    return go(x, n - 1, lambda v: k(v * x))

def f(x, n):
    return go(x, n, lambda v: v * x)
";
    let said = refusal("dataflow", continuations, Ask::Gradient, &args, "if n == 0");
    check(&said, &["`go` hands on functions", "let the number of steps be known"], &["choose"]);
    let built = "
def f(x, n):
    g = lambda y: y
    y = x
    while y < 10.0:
        g = lambda z, h=g: h(z * x)
        y = y / x
    return g(1.0)
";
    let said = refusal("dataflow", built, Ask::Gradient, &args, "while y < 10.0");
    check(&said, &["`f` hands on functions", "or hand on numbers instead of functions"], &["choose"]);
    let made = "
def make(x, n, k):
    return k if n == 0 else make(x, n - 1, lambda v: k(v * x))
";
    let chosen = format!(
        "{made}
def f(x, n):
    g = make(x, 3, lambda v: v)
    h = make(x, 2, lambda v: v + 1.0)
    k = g if x > 0.5 else h
    return k(x)
"
    );
    let said = refusal("dataflow", &chosen, Ask::Gradient, &args, "k = g if x > 0.5 else h");
    check(&said, &["`f` chooses between functions", "choose between the results of functions"], &[]);
    let used = format!(
        "{made}
def f(x, n):
    g = make(x, 3, lambda v: v)
    return g(x) if x > 0.5 else x
"
    );
    let said = refusal("dataflow", &used, Ask::Gradient, &args, "return g(x) if x > 0.5 else x");
    check(&said, &["`f` passes on function values", "pass on its result"], &["choose"]);
}

/// A function is no result; that is the program's fault and not a strategy's.
#[test]
fn a_function_as_the_result() {
    let python = "def f(x):\n    return lambda y: y * x\n";
    let said = run(find("tape").expect("it"), python, Ask::Value, 1, &X).expect_err("no number");
    check(
        &said,
        &["function cannot be the result of `f`", "model.py:1:", "call a function and return what it gives"],
        &[],
    );
}
