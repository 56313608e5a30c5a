//! `hessian`: logistic regression on tumours, where second derivatives are the point.
//!
//! z = Xw, f(w) = mean(log(1 + eᶻ) − y z) + λ/2 |w|² with λ = 0.01. With p = σ(z),
//! ∇f = Xᵀ(p − y)/n + λw, H = Xᵀ diag(p(1 − p)) X/n + λI, Hv = Xᵀ(p(1 − p) ⊙ Xv)/n + λv.
//! The extents are the number of examples and of features; X has a column of ones besides. Where the
//! tumours have not so many examples or features they are random, and the size is named by the columns
//! of X.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::gemm::matmul;
use adjudicate_kernels::{Array, Binary, Unary, binary, binary_assign, binary_assign_right, gemm, unary_assign};

use super::buffers::{array, dot, scaled, sum};
use super::losses::softplus;
use super::{Handwritten, Size, Suite};
use crate::data::{BREAST_CANCER, standardise};
use crate::random::Random;

/// λ, the weight of the ridge penalty.
const RIDGE: f64 = 0.01;

pub(super) const HESSIAN: Suite = Suite {
    name: "hessian",
    about: "logistic regression on breast cancer measurements: gradient, Hessian and Hessian-vector product",
    file: "hessian.py",
    source: include_str!("hessian.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hessian, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "569x10", entry: "loss", extents: &[569, 10] },
        Size { name: "569x20", entry: "loss", extents: &[569, 20] },
        Size { name: "569x30", entry: "loss", extents: &[569, 30] },
        Size { name: "500x64", entry: "loss", extents: &[500, 63] },
        Size { name: "1000x256", entry: "loss", extents: &[1000, 255] },
    ],
    inputs,
    handwritten,
};

fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[count, features] = size.extents else { panic!("numbers of examples and features") };
    let measured = count <= BREAST_CANCER.len() && features < BREAST_CANCER[0].len();
    let w = random.array(&[features + 1], 0.5);
    let (x, y) = if measured { examples(0..count, features) } else { generated(count, features, &mut random) };
    vec![Datum::Array(w), Datum::Array(with_ones(&x)), Datum::Array(y)]
}

/// Some of the tumours: the first `features` measurements, standardised over all tumours, and the
/// class of each.
pub(super) fn examples(rows: std::ops::Range<usize>, features: usize) -> (Array<f64>, Array<f64>) {
    let column = |j: usize| BREAST_CANCER.iter().map(move |row| row[j]);
    let columns: Vec<Vec<f64>> = (0..features).map(|j| standardise(&column(j).collect::<Vec<_>>())).collect();
    let x = rows.clone().flat_map(|i| columns.iter().map(move |c| c[i])).collect();
    let y = column(BREAST_CANCER[0].len() - 1).skip(rows.start).take(rows.len()).collect();
    (Array::from_vec(&[rows.len(), features], x), Array::from_vec(&[rows.len()], y))
}

/// Random features of mean 0 and deviation 1, and classes that a random plane tells apart.
fn generated(count: usize, features: usize, random: &mut Random) -> (Array<f64>, Array<f64>) {
    let x = random.array(&[count, features], 3.0_f64.sqrt());
    let plane = random.array(&[features], 1.0);
    let side = matmul(&x, &plane, false, false);
    let y = side.as_slice().iter().map(|z| f64::from(u8::from(*z > 0.0))).collect();
    (x, Array::from_vec(&[count], y))
}

/// The rows with a one behind each.
fn with_ones(x: &Array<f64>) -> Array<f64> {
    let &[rows, columns] = x.shape() else { panic!("a matrix") };
    let items = x.as_slice().chunks_exact(columns).flat_map(|row| row.iter().copied().chain([1.0]));
    Array::from_vec(&[rows, columns + 1], items.collect())
}

fn handwritten(ask: Ask, _: &Size) -> Option<Handwritten> {
    match ask {
        Ask::Value => Some(Box::new(value)),
        Ask::Gradient => Some(Box::new(gradient)),
        Ask::Hessian => Some(Box::new(hessian)),
        Ask::Hvp => Some(Box::new(product)),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Jacobian => None,
    }
}

fn value(args: &[Value]) -> Vec<Value> {
    let (w, x, y) = (array(&args[0]), array(&args[1]), array(&args[2]));
    let z = matmul(x, w, false, false);
    let total = sum(&softplus(&z), 0).item() - dot(y, &z);
    vec![Value::f64(total / y.len() as f64 + 0.5 * RIDGE * dot(w, w))]
}

fn gradient(args: &[Value]) -> Vec<Value> {
    let (w, x, y) = (array(&args[0]), array(&args[1]), array(&args[2]));
    let mut residual = probabilities(x, w);
    binary_assign(Binary::Sub, &mut residual, y.into());
    vec![pulled_back(&residual, x, w)]
}

fn hessian(args: &[Value]) -> Vec<Value> {
    let (w, x) = (array(&args[0]), array(&args[1]));
    let weights = variances(x, w);
    let weighted = binary(Binary::Mul, x.into(), (&weights.reshape(&[weights.len(), 1])).into());
    let d = w.len();
    let mut h = Array::zeros(&[d, d]);
    gemm(scaled(1.0 / weights.len() as f64, true), x, &weighted, &mut h);
    h.make_mut().iter_mut().step_by(d + 1).for_each(|diagonal| *diagonal += RIDGE);
    vec![Value::array(h)]
}

fn product(args: &[Value]) -> Vec<Value> {
    let (w, x, v) = (array(&args[0]), array(&args[1]), array(&args[3]));
    let mut weighted = variances(x, w);
    binary_assign(Binary::Mul, &mut weighted, (&matmul(x, v, false, false)).into());
    vec![pulled_back(&weighted, x, v)]
}

/// p = σ(Xw).
fn probabilities(x: &Array<f64>, w: &Array<f64>) -> Array<f64> {
    let mut z = matmul(x, w, false, false);
    unary_assign(Unary::Sigmoid, &mut z);
    z
}

/// p(1 − p).
fn variances(x: &Array<f64>, w: &Array<f64>) -> Array<f64> {
    let p = probabilities(x, w);
    let mut q = p.clone();
    binary_assign_right(Binary::Sub, 1.0.into(), &mut q);
    binary_assign(Binary::Mul, &mut q, (&p).into());
    q
}

/// Xᵀr/n + λv.
fn pulled_back(r: &Array<f64>, x: &Array<f64>, v: &Array<f64>) -> Value {
    let mut out = binary(Binary::Mul, v.into(), RIDGE.into());
    gemm(adjudicate_kernels::Gemm { beta: 1.0, ..scaled(1.0 / r.len() as f64, true) }, x, r, &mut out);
    Value::array(out)
}
