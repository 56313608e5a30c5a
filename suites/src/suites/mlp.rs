//! `mlp`: a softmax classifier on images of digits, where matrix products dominate.
//!
//! Layer i computes hᵢ₊₁ = tanh(hᵢWᵢ + bᵢ), the last one z = hW + b without tanh; the loss is the
//! mean over the batch of −Σ y·log softmax(z). Extents are the batch and then the widths; images have
//! as many pixels as the first layer has inputs, linearly between those of the data where more.
//! Backwards, dz = (softmax(z) − y)/batch, dW = hᵀdz, db = Σ dz over the batch, dh = dz Wᵀ and
//! through tanh dz = dh ⊙ (1 − h²).

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::{Array, Binary, Gemm, Unary, binary_assign, binary_assign_right, gemm, unary_assign};

use super::buffers::{Buffer, array, dot, scaled, sum};
use super::losses::{centre_rows, log_normaliser, softmax};
use super::{Handwritten, Size, Suite};
use crate::data::DIGITS;
use crate::random::Random;

/// How many digits there are.
pub(super) const CLASSES: usize = 10;

pub(super) const MLP: Suite = Suite {
    name: "mlp",
    about: "softmax classifier with tanh hidden layers on 8x8 images of digits",
    file: "mlp.py",
    source: include_str!("mlp.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "32x(64-32-10)", entry: "loss", extents: &[32, 64, 32, 10] },
        Size { name: "128x(64-128-10)", entry: "loss", extents: &[128, 64, 128, 10] },
        Size { name: "128x(64-256-256-10)", entry: "loss", extents: &[128, 64, 256, 256, 10] },
        Size { name: "512x(64-256-256-10)", entry: "loss", extents: &[512, 64, 256, 256, 10] },
        Size { name: "512x(784-1024-1024-10)", entry: "loss", extents: &[512, 784, 1024, 1024, 10] },
    ],
    inputs,
    handwritten,
};

fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let (&batch, widths) = size.extents.split_first().expect("a batch and widths");
    let layers = widths.windows(2).map(|w| layer(w[0], w[1], &mut random)).collect();
    let (x, y) = examples(batch, widths[0].isqrt(), &mut random);
    vec![Datum::Tuple(layers), Datum::Array(x), Datum::Array(y)]
}

/// Weights uniform within Glorot and Bengio's bound √(6/(n + m)), and small biases.
pub(super) fn layer(n: usize, m: usize, random: &mut Random) -> Datum {
    let bound = (6.0 / (n + m) as f64).sqrt();
    Datum::Tuple(vec![Datum::Array(random.array(&[n, m], bound)), Datum::Array(random.array(&[m], 0.1))])
}

/// Different random images scaled to 0..1 and to so many pixels on a side, and their classes as
/// rows with a single one.
pub(super) fn examples(batch: usize, side: usize, random: &mut Random) -> (Array<f64>, Array<f64>) {
    let mut order: Vec<usize> = (0..DIGITS.len()).collect();
    random.shuffle(&mut order);
    let mut pixels = Vec::new();
    let mut classes = vec![0.0; batch * CLASSES];
    for (i, &row) in order[..batch].iter().enumerate() {
        let (class, image) = DIGITS[row].split_last().expect("pixels and a class");
        pixels.extend(resized(image, side).iter().map(|p| p / 16.0));
        classes[i * CLASSES + *class as usize] = 1.0;
    }
    (Array::from_vec(&[batch, side * side], pixels), Array::from_vec(&[batch, CLASSES], classes))
}

/// A square image with so many pixels on a side, linearly between those given. Corners stay.
fn resized(image: &[f64], side: usize) -> Vec<f64> {
    let given = image.len().isqrt();
    if given == side {
        return image.to_vec();
    }
    let place = |i: usize| {
        let at = (i * (given - 1)) as f64 / (side - 1) as f64;
        let before = (at as usize).min(given - 2);
        (before, at - before as f64)
    };
    let mut pixels = Vec::with_capacity(side * side);
    for (row, down) in (0..side).map(place) {
        for (column, right) in (0..side).map(place) {
            let between = |row: usize| {
                let here = row * given + column;
                image[here] * (1.0 - right) + image[here + 1] * right
            };
            pixels.push(between(row) * (1.0 - down) + between(row + 1) * down);
        }
    }
    pixels
}

fn handwritten(ask: Ask, size: &Size) -> Option<Handwritten> {
    let mut net = Net::new(size.extents);
    match ask {
        Ask::Value => Some(Box::new(move |args| vec![Value::f64(net.value(args))])),
        Ask::Gradient => Some(Box::new(move |args| net.gradient(args))),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// The buffers of one network: activations of every layer, their cotangents, and the gradient.
struct Net {
    batch: usize,
    activations: Vec<Buffer>,
    cotangents: Vec<Buffer>,
    gradient: Vec<Buffer>,
}

impl Net {
    fn new(extents: &[usize]) -> Self {
        let (&batch, widths) = extents.split_first().expect("a batch and widths");
        let outputs = || widths[1..].iter().map(|&m| Buffer::new(&[batch, m])).collect();
        let weights = widths.windows(2).map(Buffer::new);
        Self { batch, activations: outputs(), cotangents: outputs(), gradient: weights.collect() }
    }

    /// Layers, images and classes of the arguments.
    fn split<'a>(&self, args: &'a [Value]) -> (&'a [Value], &'a Array<f64>, &'a Array<f64>) {
        let (layers, rest) = args.split_at(2 * self.activations.len());
        (layers, array(&rest[0]), array(&rest[1]))
    }

    /// Fills the activations; the last are z less the largest of each row.
    fn forward(&mut self, layers: &[Value], x: &Array<f64>) {
        let last = self.activations.len() - 1;
        for (i, layer) in layers.chunks_exact(2).enumerate() {
            let (before, after) = self.activations.split_at_mut(i);
            let input = before.last().map_or(x, Buffer::get);
            let z = after[0].free();
            gemm(Gemm::PLAIN, input, array(&layer[0]), z);
            binary_assign(Binary::Add, z, array(&layer[1]).into());
            if i < last {
                unary_assign(Unary::Tanh, z);
            }
        }
        centre_rows(self.activations[last].get_mut());
    }

    fn value(&mut self, args: &[Value]) -> f64 {
        let (layers, x, y) = self.split(args);
        self.forward(layers, x);
        let z = self.activations.last().expect("a layer").get();
        (log_normaliser(z) - dot(y, z)) / self.batch as f64
    }

    fn gradient(&mut self, args: &[Value]) -> Vec<Value> {
        let (layers, x, y) = self.split(args);
        self.forward(layers, x);
        self.start_backward(y);
        let mut biases = Vec::new();
        for i in (0..self.activations.len()).rev() {
            let (below, here) = self.cotangents.split_at_mut(i);
            let dz = here[0].get();
            let input = if i == 0 { x } else { self.activations[i - 1].get() };
            gemm(scaled(1.0, true), input, dz, self.gradient[i].free());
            biases.push(sum(dz, 0));
            if let Some(below) = below.last_mut() {
                let dh = below.free();
                gemm(Gemm { tb: true, ..Gemm::PLAIN }, dz, array(&layers[2 * i]), dh);
                // The activation has done its work: its buffer takes 1 − h².
                let slope = self.activations[i - 1].get_mut();
                unary_assign(Unary::Square, slope);
                binary_assign_right(Binary::Sub, 1.0.into(), slope);
                binary_assign(Binary::Mul, dh, (&*slope).into());
            }
        }
        let biases = biases.into_iter().rev().map(Value::array);
        self.gradient.iter().map(Buffer::value).zip(biases).flat_map(|(w, b)| [w, b]).collect()
    }

    /// dz = (softmax(z) − y)/batch.
    fn start_backward(&mut self, y: &Array<f64>) {
        let last = self.activations.len() - 1;
        let mut p = softmax(self.activations[last].get());
        binary_assign(Binary::Sub, &mut p, y.into());
        binary_assign(Binary::Mul, &mut p, (1.0 / self.batch as f64).into());
        *self.cotangents[last].get_mut() = p;
    }
}
