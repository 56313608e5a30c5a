//! Forward mode by transformation: known tangents through everything that calls, and what is left in the
//! program of how a backward pass would be pulled back.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::text;
use adjudicate_strategies::find;

/// x¹⁰
const TREE_RECURSION: &str = "
def below(x, n):
    if n == 0:
        return x
    return below(x, n - 1) * below(x, n - 1) * x ** n

def f(x):
    return below(x, 3) / x ** 9
";

/// x³ + 3 x² + x
const FUNCTION_VALUES: &str = "
def scaled(by):
    return lambda x: by * x * x

def f(x):
    total = 0.0
    for i in range(3):
        g = scaled(x) if i == 0 else (scaled(3.0) if i == 1 else lambda y: y)
        total = total + g(x)
    return total
";

/// x⁷ at 2, by a number of trips that the data decide
const LOOP: &str = "
def f(x):
    y = x
    while y < 100.0:
        y = y * x
    return y
";

/// x² if it is less than 9, else x
const BRANCH: &str = "
def f(x):
    y = x * x
    if y < 9.0:
        return y
    return x
";

/// f at 2: first and second derivative.
const KNOWN: &[(&str, f64, f64)] = &[
    (TREE_RECURSION, 10.0 * 512.0, 90.0 * 256.0),
    (FUNCTION_VALUES, 12.0 + 12.0 + 1.0, 12.0 + 6.0),
    (LOOP, 7.0 * 64.0, 42.0 * 32.0),
    (BRANCH, 4.0, 2.0),
];

#[test]
fn tangents_are_known() {
    let args = [Datum::F64(2.0), Datum::F64(0.5)];
    for (python, first, second) in KNOWN {
        for strategy in ["closure", "closure:unoptimised", "tape", "dataflow"] {
            for (ask, wanted) in [(Ask::Jvp, 0.5 * first), (Ask::Hvp, 0.5 * second)] {
                let found = crate::common::run(find(strategy).expect("a strategy"), python, ask, 1, &args);
                match found {
                    Ok(found) => assert!(
                        found.len() == 1 && (found[0] - wanted).abs() <= 1e-10 * wanted.abs(),
                        "{strategy} {}: {found:?}, not {wanted}: {python}",
                        ask.name()
                    ),
                    Err(why) => assert!(strategy == "dataflow" && why.starts_with("refused"), "{strategy}: {why}"),
                }
            }
        }
    }
}

/// A tangent of a backward pass needs neither cotangents of function values nor a second backward pass.
#[test]
fn no_record_is_pulled_back() {
    for (python, ..) in KNOWN {
        let program = Program::parse("model.py", python).unwrap_or_else(|why| panic!("{why}"));
        let args = [Datum::F64(2.0), Datum::F64(0.5)];
        let request = Request::new("f", Ask::Hvp, &[0], 1, &args);
        let (mut expanded, mut last) = (0, String::new());
        let watch = &mut |stage: &str, module: &adjudicate_ir::graph::Module| {
            expanded += usize::from(stage.starts_with("expand"));
            last = text::print(module);
        };
        let closure = find("closure").expect("a strategy");
        assert!(closure.prepare_watched(&program, &request, watch).is_ok(), "{python}");
        assert_eq!(expanded, 2, "the gradient, and its tangent: {python}");
        assert!(!last.contains("env"), "{last}");
    }
}

/// A function of which the tangent is asked for inside the program, and its tangent in turn.
#[test]
fn tangents_of_tangents() {
    let python = "
def f(x):
    def g(y):
        total = y
        for i in range(3):
            total = total * y
        return total
    def first(y):
        return jvp(g, (y,), (1.0,))[1]
    return jvp(first, (x,), (1.0,))[1]
";
    for strategy in ["closure", "closure:unoptimised", "tape", "dataflow"] {
        let strategy = find(strategy).expect("a strategy");
        let second = |ask, order| crate::common::run(strategy, python, ask, order, &[Datum::F64(2.0)]);
        assert_eq!(second(Ask::Value, 1), Ok(vec![48.0]), "{}", strategy.name());
        assert_eq!(second(Ask::Gradient, 1), Ok(vec![48.0]), "{}", strategy.name());
        assert_eq!(second(Ask::Gradient, 2), Ok(vec![24.0]), "{}", strategy.name());
    }
}

/// The type of what a recursion returns is not known yet where its product is asked for.
#[test]
fn products_at_the_result_of_the_recursion_itself() {
    let python = "
def f(x):
    def a(n):
        if n == 0:
            return x
        return hvp(lambda q: q * q * q)(a(n - 1), x)
    def b(n):
        if n == 0:
            return x
        p = b(n - 1)
        return hvp(lambda q: q * q * q)(p, p)
    return a(2) + b(1)
";
    // a(n) = 6 a(n - 1) x and b(n) = 6 b(n - 1)²
    for strategy in ["closure", "tape", "dataflow"] {
        let strategy = find(strategy).expect("a strategy");
        let found = crate::common::run(strategy, python, Ask::Value, 1, &[Datum::F64(0.5)]);
        assert_eq!(found, Ok(vec![4.5 + 1.5]), "{}", strategy.name());
    }
}
