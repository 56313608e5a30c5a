//! `hypergrad`: a validation loss differentiated through training that differentiates itself.
//!
//! Training descends f(w) = L(w; X, y) + ½Σ λw² with L = mean(log(1 + e^−yz)), z = Xw, from w₀ = 0
//! by wₖ₊₁ = wₖ − η∇f(wₖ); the loss is L(w; Xᵥ, yᵥ) at the end. The hyperparameters are log η and
//! log λ, one λ for each feature. Extents are the number of training and of validation examples, of
//! features and of steps.
//!
//! ∇L = −Xᵀ(y σ(−yz))/n. From dw = ∇L(w; Xᵥ, yᵥ) backwards over the steps, dη −= dw·∇f(wₖ),
//! dλ −= η dw ⊙ wₖ and dw −= η(Xᵀ(p(1 − p) ⊙ X dw)/n + λ ⊙ dw) with p = σ(−yz); then
//! d log η = η dη and d log λ = λ ⊙ dλ.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::gemm::matmul;
use adjudicate_kernels::{
    Array, Binary, Gemm, Unary, binary, binary_assign, binary_assign_right, gemm, unary, unary_assign,
};

use super::buffers::{array, dot, integer, scaled, sum};
use super::hessian::examples;
use super::losses::softplus;
use super::{Handwritten, Size, Suite};
use crate::random::Random;

pub(super) const HYPERGRAD: Suite = Suite {
    name: "hypergrad",
    about: "gradient of a validation loss through gradient descent, with respect to rate and penalties",
    file: "hypergrad.py",
    source: include_str!("hypergrad.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "100x5x10", entry: "loss", extents: &[100, 100, 5, 10] },
        Size { name: "300x10x30", entry: "loss", extents: &[300, 200, 10, 30] },
        Size { name: "400x30x100", entry: "loss", extents: &[400, 169, 30, 100] },
    ],
    inputs,
    handwritten,
};

fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[count, validation, features, steps] = size.extents else { panic!("examples twice, features and steps") };
    let mut hyper = vec![0.5_f64.ln()];
    hyper.extend((0..features).map(|_| 0.01_f64.ln() + random.uniform(1.0)));
    let mut arguments = vec![Datum::Array(Array::from_vec(&[features + 1], hyper))];
    for range in [0..count, count..count + validation] {
        let (x, y) = examples(range.clone(), features);
        let signs = y.as_slice().iter().map(|class| 2.0 * class - 1.0).collect();
        arguments.push(Datum::Array(x));
        arguments.push(Datum::Array(Array::from_vec(&[range.len()], signs)));
    }
    arguments.push(Datum::I64(steps as i64));
    arguments
}

fn handwritten(ask: Ask, _: &Size) -> Option<Handwritten> {
    match ask {
        Ask::Value => Some(Box::new(|args| {
            let trained = Training::run(args);
            let (x, y) = (array(&args[3]), array(&args[4]));
            let losses = softplus(&margins(x, y, &trained.last));
            vec![Value::f64(sum(&losses, 0).item() / y.len() as f64)]
        })),
        Ask::Gradient => Some(Box::new(|args| vec![Value::array(Training::run(args).gradient(args))])),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// One step of training.
struct Step {
    /// wₖ.
    w: Array<f64>,
    /// ∇f(wₖ).
    slope: Array<f64>,
    /// p = σ(−yz).
    p: Array<f64>,
}

struct Training {
    rate: f64,
    penalty: Array<f64>,
    steps: Vec<Step>,
    /// w at the end.
    last: Array<f64>,
}

impl Training {
    fn run(args: &[Value]) -> Self {
        let (hyper, x, y) = (array(&args[0]).as_slice(), array(&args[1]), array(&args[2]));
        let rate = hyper[0].exp();
        let mut penalty = Array::from_slice(&[hyper.len() - 1], &hyper[1..]);
        unary_assign(Unary::Exp, &mut penalty);
        let mut w = Array::zeros(penalty.shape());
        let mut steps = Vec::new();
        for _ in 0..integer(&args[5]) {
            let (p, mut slope) = slope_of_loss(x, y, &w);
            binary_assign(Binary::Add, &mut slope, (&binary(Binary::Mul, (&penalty).into(), (&w).into())).into());
            let moved = binary(Binary::Sub, (&w).into(), (&times(&slope, rate)).into());
            steps.push(Step { w: std::mem::replace(&mut w, moved), slope, p });
        }
        Self { rate, penalty, steps, last: w }
    }

    fn gradient(&self, args: &[Value]) -> Array<f64> {
        let Self { rate, penalty, .. } = self;
        let x = array(&args[1]);
        let (_, mut dw) = slope_of_loss(array(&args[3]), array(&args[4]), &self.last);
        let mut rate_slope = 0.0;
        let mut penalty_slope = Array::zeros(penalty.shape());
        for Step { w, slope, p } in self.steps.iter().rev() {
            rate_slope -= rate * dot(&dw, slope);
            let mut moved = times(&dw, -rate);
            binary_assign(Binary::Add, &mut penalty_slope, (&binary(Binary::Mul, (&moved).into(), w.into())).into());
            // dw + H(−η dw), H the Hessian of f.
            let mut curved = matmul(x, &moved, false, false);
            let mut variance = p.clone();
            binary_assign_right(Binary::Sub, 1.0.into(), &mut variance);
            binary_assign(Binary::Mul, &mut variance, p.into());
            binary_assign(Binary::Mul, &mut curved, (&variance).into());
            gemm(Gemm { beta: 1.0, ..scaled(1.0 / p.len() as f64, true) }, x, &curved, &mut dw);
            binary_assign(Binary::Mul, &mut moved, penalty.into());
            binary_assign(Binary::Add, &mut dw, (&moved).into());
        }
        binary_assign(Binary::Mul, &mut penalty_slope, penalty.into());
        let slopes = std::iter::once(rate_slope).chain(penalty_slope.as_slice().iter().copied());
        Array::from_vec(&[penalty.len() + 1], slopes.collect())
    }
}

fn times(x: &Array<f64>, factor: f64) -> Array<f64> {
    binary(Binary::Mul, x.into(), factor.into())
}

/// −yz.
fn margins(x: &Array<f64>, y: &Array<f64>, w: &Array<f64>) -> Array<f64> {
    let mut margins = matmul(x, w, false, false);
    binary_assign(Binary::Mul, &mut margins, y.into());
    unary_assign(Unary::Neg, &mut margins);
    margins
}

/// p = σ(−yz), and ∇L = −Xᵀ(y p)/n.
fn slope_of_loss(x: &Array<f64>, y: &Array<f64>, w: &Array<f64>) -> (Array<f64>, Array<f64>) {
    let p = unary(Unary::Sigmoid, &margins(x, y, w));
    let signed = binary(Binary::Mul, (&p).into(), y.into());
    let mut slope = Array::zeros(w.shape());
    gemm(scaled(-1.0 / y.len() as f64, true), x, &signed, &mut slope);
    (p, slope)
}
