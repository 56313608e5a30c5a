//! Python models through the strategies: tape and finite differences agree.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_kernels::Array;
use adjudicate_strategies::find;

#[track_caller]
fn run(strategy: &str, source: &str, ask: Ask, order: usize, args: &[Datum]) -> Vec<f64> {
    crate::common::run(find(strategy).expect("a strategy"), source, ask, order, args)
        .unwrap_or_else(|why| panic!("{why}"))
}

#[track_caller]
fn check(source: &str, asks: &[(Ask, usize)], args: &[Datum]) {
    for &(ask, order) in asks {
        let found = run("tape", source, ask, order, args);
        let wanted = run("finite", source, ask, order, args);
        let near = |a: &f64, b: &f64| (a - b).abs() <= 1e-5 * a.abs().max(b.abs()).max(1.0);
        let agree = found.len() == wanted.len() && found.iter().zip(&wanted).all(|(a, b)| near(a, b));
        assert!(agree, "{} {order}: {found:?}\nis not\n{wanted:?}", ask.name());
    }
}

const SCALAR: &[(Ask, usize)] =
    &[(Ask::Value, 1), (Ask::Gradient, 1), (Ask::Gradient, 2), (Ask::ValueAndGradient, 1), (Ask::Jacobian, 1)];

const VECTOR: &[(Ask, usize)] = &[(Ask::Value, 1), (Ask::Gradient, 1), (Ask::Gradient, 2), (Ask::Hessian, 1)];

fn vector(items: &[f64]) -> Datum {
    Datum::Array(Array::from_slice(&[items.len()], items))
}

#[test]
fn recursion_over_a_scalar() {
    let source = "
def f(x, n):
    if n == 0:
        return x
    return x * f(x + 0.5, n - 1)
";
    check(source, SCALAR, &[Datum::F64(0.3), Datum::I64(4)]);
}

#[test]
fn a_loop_that_depends_on_data() {
    let source = "
import numpy as np

def f(x):
    y = x
    while y < 10.0:
        y = y * y + np.sin(x)
    return y
";
    check(source, SCALAR, &[Datum::F64(1.7)]);
}

#[test]
fn functions_as_values() {
    let source = "
import numpy as np

def compose(f, g):
    return lambda x: f(g(x))

def f(x):
    h = compose(np.exp, lambda y: y * x)
    return compose(h, np.sin)(x)
";
    check(source, SCALAR, &[Datum::F64(0.7)]);
}

#[test]
fn a_gradient_inside() {
    let source = "
import numpy as np
from adjudicate import grad

def f(x):
    return x * grad(lambda y: x * y * y)(x)
";
    check(source, SCALAR, &[Datum::F64(0.7)]);
}

#[test]
fn arrays() {
    let source = "
import numpy as np

def f(w, x):
    h = np.tanh(x @ w)
    return np.sum(h * h) + np.max(w) * np.exp(w[1])
";
    let x = Datum::Array(Array::from_vec(&[2, 3], vec![0.1, -0.2, 0.3, 0.5, 0.7, -1.1]));
    check(source, VECTOR, &[vector(&[0.5, -0.25, 0.75]), x]);
}
