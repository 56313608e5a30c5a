//! `hof`: a residual network made by folding a list of functions into one.
//!
//! h₀ = tanh(xW₀ + b₀), hᵢ = hᵢ₋₁ + tᵢ with tᵢ = tanh(hᵢ₋₁Wᵢ + bᵢ), z = h·wo, and the loss is the
//! mean of log(1 + eᶻ) − yz. Extents are the number of examples, of features, the width, and how
//! many layers follow the first. Backwards, dz = (σ(z) − y)/n, dwo = hᵀdz, dh = dz ⊗ wo; through a
//! layer da = dh ⊙ (1 − t²), dW = hᵀda, db = Σ da, and dh grows by da Wᵀ.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::gemm::{matmul, outer};
use adjudicate_kernels::{
    Array, Binary, Gemm, Unary, binary, binary_assign, binary_assign_right, gemm, unary, unary_assign,
};

use super::buffers::{array, dot, scaled, sum};
use super::hessian::examples;
use super::losses::softplus;
use super::mlp::layer;
use super::{Handwritten, Size, Suite};
use crate::random::Random;

pub(super) const HOF: Suite = Suite {
    name: "hof",
    about: "residual network as a list of functions composed by a fold, on breast cancer measurements",
    file: "hof.py",
    source: include_str!("hof.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "32x(10-8)x2", entry: "loss", extents: &[32, 10, 8, 2] },
        Size { name: "128x(30-32)x4", entry: "loss", extents: &[128, 30, 32, 4] },
        Size { name: "569x(30-64)x8", entry: "loss", extents: &[569, 30, 64, 8] },
    ],
    inputs,
    handwritten,
};

fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[count, features, width, depth] = size.extents else { panic!("examples, features, width and depth") };
    let widths = std::iter::once(features).chain(std::iter::repeat_n(width, depth));
    let layers = widths.map(|n| layer(n, width, &mut random)).collect();
    let out = Datum::Array(random.array(&[width], 1.0 / (width as f64).sqrt()));
    let (x, y) = examples(0..count, features);
    vec![Datum::Tuple(vec![Datum::Tuple(layers), out]), Datum::Array(x), Datum::Array(y)]
}

fn handwritten(ask: Ask, _: &Size) -> Option<Handwritten> {
    match ask {
        Ask::Value => Some(Box::new(|args| {
            let (_, states, y) = Net::new(args);
            let z = matmul(states.h(), states.wo, false, false);
            vec![Value::f64((sum(&softplus(&z), 0).item() - dot(y, &z)) / y.len() as f64)]
        })),
        Ask::Gradient => Some(Box::new(|args| {
            let (x, net, y) = Net::new(args);
            net.gradient(x, y)
        })),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// What a forward pass leaves behind.
struct Net<'a> {
    /// Weights and bias of each layer.
    layers: &'a [Value],
    wo: &'a Array<f64>,
    /// tᵢ of each layer; t₀ = h₀.
    changes: Vec<Array<f64>>,
    /// hᵢ after each layer.
    states: Vec<Array<f64>>,
}

impl<'a> Net<'a> {
    /// The examples, the pass over them, and their classes.
    fn new(args: &'a [Value]) -> (&'a Array<f64>, Self, &'a Array<f64>) {
        let [layers @ .., wo, x, y] = args else { panic!("layers, last weights, examples and classes") };
        let (x, y, wo) = (array(x), array(y), array(wo));
        let (mut changes, mut states) = (Vec::new(), Vec::<Array<f64>>::new());
        for layer in layers.chunks_exact(2) {
            let mut t = matmul(states.last().unwrap_or(x), array(&layer[0]), false, false);
            binary_assign(Binary::Add, &mut t, array(&layer[1]).into());
            unary_assign(Unary::Tanh, &mut t);
            let h = states.last().map_or_else(|| t.clone(), |h| binary(Binary::Add, h.into(), (&t).into()));
            changes.push(t);
            states.push(h);
        }
        (x, Self { layers, wo, changes, states }, y)
    }

    /// The last state.
    fn h(&self) -> &Array<f64> {
        self.states.last().expect("a layer")
    }

    fn gradient(mut self, x: &Array<f64>, y: &Array<f64>) -> Vec<Value> {
        let mut dz = matmul(self.h(), self.wo, false, false);
        unary_assign(Unary::Sigmoid, &mut dz);
        binary_assign(Binary::Sub, &mut dz, y.into());
        binary_assign(Binary::Mul, &mut dz, (1.0 / y.len() as f64).into());
        let dwo = matmul(&dz, self.h(), false, false);
        let mut dh = outer(&dz, self.wo);
        let mut slopes = Vec::new();
        while let Some(t) = self.changes.pop() {
            self.states.pop();
            let mut da = unary(Unary::Square, &t);
            binary_assign_right(Binary::Sub, 1.0.into(), &mut da);
            binary_assign(Binary::Mul, &mut da, (&dh).into());
            slopes.push(Value::array(sum(&da, 0)));
            let Some(before) = self.states.last() else {
                slopes.push(Value::array(matmul(x, &da, true, false)));
                break;
            };
            slopes.push(Value::array(matmul(before, &da, true, false)));
            let w = array(&self.layers[2 * self.changes.len()]);
            gemm(Gemm { beta: 1.0, tb: true, ..scaled(1.0, false) }, &da, w, &mut dh);
        }
        slopes.into_iter().rev().chain([Value::array(dwo)]).collect()
    }
}
