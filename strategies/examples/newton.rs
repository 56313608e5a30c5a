//! Plain Rust code, differentiated by the tape: `cargo run -p adjudicate-strategies --example newton`.
//!
//! Rosenbrock's function is minimised by Newton's method. The gradient comes from one sweep of the tape;
//! the Hessian is never formed: the linear system is solved by conjugate gradients, each step of which needs a
//! Hessian-vector product, the gradient of the inner product of the gradient with the vector.
#![expect(clippy::print_stdout, reason = "an example that shows its result")]

use adjudicate_kernels::Array;
use adjudicate_strategies::tape::{Tape, Var};

/// `Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²`, in operators alone.
fn rosenbrock(x: &[Var]) -> Var {
    let term = |pair: &[Var]| {
        let valley = &pair[1] - pair[0].powi(2);
        100.0 * valley.powi(2) + (1.0 - &pair[0]).powi(2)
    };
    x.windows(2).map(term).reduce(|sum, term| sum + term).expect("two coordinates at least")
}

/// A sum of squares over an array, as whole-array operations.
fn distance(x: &Var, target: &Var) -> Var {
    (x - target).powi(2).sum()
}

/// The gradient at `x`, and a function from a vector to the Hessian's product with it.
fn derivatives<'t>(tape: &'t Tape, x: &[f64]) -> (Vec<f64>, impl Fn(&[f64]) -> Vec<f64> + 't) {
    let x: Vec<Var> = x.iter().map(|&x| tape.var(x)).collect();
    let wrt = |x: &[Var]| tape.gradient(&rosenbrock(x), &x.iter().collect::<Vec<_>>());
    let gradient = wrt(&x);
    let numbers = gradient.iter().map(Var::item).collect();
    let product = move |v: &[f64]| {
        let inner = gradient.iter().zip(v).map(|(g, &v)| g * v).reduce(|sum, term| sum + term);
        let product = tape.gradient(&inner.expect("a coordinate"), &x.iter().collect::<Vec<_>>());
        product.iter().map(Var::item).collect()
    };
    (numbers, product)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves `H s = -g` approximately; stops where the curvature is not positive.
fn step(gradient: &[f64], product: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut s = vec![0.0; gradient.len()];
    let mut r: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut p = r.clone();
    for _ in 0..2 * gradient.len() {
        let hp = product(&p);
        let (rr, curvature) = (dot(&r, &r), dot(&p, &hp));
        if rr < 1e-24 || curvature <= 0.0 {
            break;
        }
        let alpha = rr / curvature;
        s.iter_mut().zip(&p).for_each(|(s, p)| *s += alpha * p);
        r.iter_mut().zip(&hp).for_each(|(r, hp)| *r -= alpha * hp);
        let beta = dot(&r, &r) / rr;
        p = r.iter().zip(&p).map(|(r, p)| r + beta * p).collect();
    }
    if dot(&s, &s) == 0.0 { gradient.iter().map(|g| -1e-3 * g).collect() } else { s }
}

fn main() {
    let tape = Tape::new();
    let mut x = vec![0.5, 0.6, 0.4, 0.7];
    for iteration in 0..50 {
        tape.clear();
        let (gradient, product) = derivatives(&tape, &x);
        let norm = dot(&gradient, &gradient).sqrt();
        println!("{iteration:>3}  |gradient| = {norm:.3e}  {} operations on the tape", tape.len());
        if norm < 1e-10 {
            break;
        }
        let s = step(&gradient, product);
        x.iter_mut().zip(&s).for_each(|(x, s)| *x += s);
    }
    assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-8), "the minimum is at ones, not {x:?}");

    tape.clear();
    let (a, target) = (tape.var(Array::full(&[3], 2.0)), tape.constant(Array::full(&[3], 0.5)));
    let da = tape.gradient(&distance(&a, &target), &[&a]).remove(0);
    println!("the gradient of a sum of squares: {da:?}");
}

#[test]
fn it_finds_the_minimum() {
    main();
}
