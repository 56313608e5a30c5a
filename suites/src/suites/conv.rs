//! `conv`: a small convolutional classifier of 8×8 images of digits.
//!
//! A convolution takes the 3×3 pixels around each inner pixel as a row of P and computes
//! tanh(PK + b); after two of them, each 2×2 pixels are pooled to their mean and a dense layer
//! follows, with the loss of `mlp`. Extents are the batch and the channels after each convolution.
//! Backwards, dK = PᵀdZ and db = Σ dZ; dP = dZ Kᵀ is added back to the pixels that it was taken from;
//! pooling passes a quarter of its cotangent to each of the four. (The largest of the four would have
//! kinks everywhere, against which no difference of values can check a derivative.)

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::gemm::matmul;
use adjudicate_kernels::{Array, Binary, Unary, binary_assign, binary_assign_right, unary_assign};

use super::buffers::{array, dot, sum};
use super::losses::{centre_rows, log_normaliser, softmax};
use super::mlp::{CLASSES, examples};
use super::{Handwritten, Size, Suite};
use crate::random::Random;

/// Pixels on a side of an image.
const SIDE: usize = 8;

pub(super) const CONV: Suite = Suite {
    name: "conv",
    about: "convolutional classifier of 8x8 images of digits, by slicing",
    file: "conv.py",
    source: include_str!("conv.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "16x(4-8)", entry: "loss", extents: &[16, 4, 8] },
        Size { name: "32x(8-16)", entry: "loss", extents: &[32, 8, 16] },
        Size { name: "128x(16-32)", entry: "loss", extents: &[128, 16, 32] },
    ],
    inputs,
    handwritten,
};

fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[batch, first, second] = size.extents else { panic!("a batch and two numbers of channels") };
    let mut layer = |n: usize, m: usize| {
        let bound = (6.0 / (n + m) as f64).sqrt();
        [Datum::Array(random.array(&[n, m], bound)), Datum::Array(random.array(&[m], 0.1))]
    };
    let params = [layer(9, first), layer(9 * first, second), layer(4 * second, CLASSES)].concat();
    let (x, y) = examples(batch, SIDE, &mut random);
    vec![Datum::Tuple(params), Datum::Array(x.reshape(&[batch, SIDE, SIDE])), Datum::Array(y)]
}

fn handwritten(ask: Ask, _: &Size) -> Option<Handwritten> {
    match ask {
        Ask::Value => Some(Box::new(|args| {
            let z = Net::forward(args).z;
            let y = array(&args[7]);
            vec![Value::f64((log_normaliser(&z) - dot(y, &z)) / y.shape()[0] as f64)]
        })),
        Ask::Gradient => Some(Box::new(|args| Net::forward(args).backward(args))),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// What the forward pass leaves behind.
struct Net {
    first: Convolved,
    second: Convolved,
    pooled: Array<f64>,
    /// Scores, less the largest of each row.
    z: Array<f64>,
}

impl Net {
    fn forward(args: &[Value]) -> Self {
        let [k1, b1, k2, b2, wo, bo, images, _] = args else { panic!("six parameters, images and classes") };
        let images = array(images);
        let batch = images.shape()[0];
        let first = Convolved::new(&images.reshape(&[batch, SIDE, SIDE, 1]), array(k1), array(b1));
        let second = Convolved::new(&first.out, array(k2), array(b2));
        let pooled = pool(&second.out);
        let mut z = matmul(&pooled, array(wo), false, false);
        binary_assign(Binary::Add, &mut z, array(bo).into());
        centre_rows(&mut z);
        Self { first, second, pooled, z }
    }

    fn backward(self, args: &[Value]) -> Vec<Value> {
        let [k2, wo, y] = [&args[2], &args[4], &args[7]].map(array);
        let mut dz = softmax(&self.z);
        binary_assign(Binary::Sub, &mut dz, y.into());
        binary_assign(Binary::Mul, &mut dz, (1.0 / y.shape()[0] as f64).into());
        let (dwo, dbo) = (matmul(&self.pooled, &dz, true, false), sum(&dz, 0));
        let spread = unpool(&matmul(&dz, wo, false, true), self.second.out.shape());
        let (dz2, dk2, db2) = self.second.backward(spread);
        let below = scattered(&matmul(&dz2, k2, false, true), self.first.out.shape());
        let (_, dk1, db1) = self.first.backward(below);
        [dk1, db1, dk2, db2, dwo, dbo].map(Value::array).to_vec()
    }
}

/// A convolution done: its patches, one row for each pixel of the result, and its result.
struct Convolved {
    patches: Array<f64>,
    out: Array<f64>,
}

impl Convolved {
    fn new(x: &Array<f64>, kernels: &Array<f64>, bias: &Array<f64>) -> Self {
        let patches = gathered(x);
        let mut out = matmul(&patches, kernels, false, false);
        binary_assign(Binary::Add, &mut out, bias.into());
        unary_assign(Unary::Tanh, &mut out);
        let &[batch, rows, columns, _] = x.shape() else { panic!("images with channels") };
        let out = out.reshape(&[batch, rows - 2, columns - 2, bias.len()]);
        Self { patches, out }
    }

    /// dZ, and from it dK and db.
    fn backward(self, mut dh: Array<f64>) -> (Array<f64>, Array<f64>, Array<f64>) {
        let mut slope = self.out;
        unary_assign(Unary::Square, &mut slope);
        binary_assign_right(Binary::Sub, 1.0.into(), &mut slope);
        binary_assign(Binary::Mul, &mut dh, (&slope).into());
        let rows = self.patches.shape()[0];
        let dz = dh.reshape(&[rows, dh.len() / rows]);
        let (dk, db) = (matmul(&self.patches, &dz, true, false), sum(&dz, 0));
        (dz, dk, db)
    }
}

/// Calls with the places of a patch and of an image where the same run of numbers lies, and its
/// length: a row of three pixels.
fn each_run(shape: &[usize], mut f: impl FnMut(usize, usize, usize)) {
    let &[batch, rows, columns, channels] = shape else { panic!("images with channels") };
    let run = 3 * channels;
    let mut patch = 0;
    for image in 0..batch {
        for i in 0..rows - 2 {
            for j in 0..columns - 2 {
                for di in 0..3 {
                    f(patch, ((image * rows + i + di) * columns + j) * channels, run);
                    patch += run;
                }
            }
        }
    }
}

/// The patches of images, one a row.
fn gathered(x: &Array<f64>) -> Array<f64> {
    let &[batch, rows, columns, channels] = x.shape() else { panic!("images with channels") };
    let mut patches = Array::zeros(&[batch * (rows - 2) * (columns - 2), 9 * channels]);
    let (to, from) = (patches.make_mut(), x.as_slice());
    each_run(x.shape(), |patch, pixel, run| to[patch..patch + run].copy_from_slice(&from[pixel..pixel + run]));
    patches
}

/// The sum over patches of each pixel: the adjoint of [`gathered`].
fn scattered(patches: &Array<f64>, shape: &[usize]) -> Array<f64> {
    let mut x = Array::zeros(shape);
    let (to, from) = (x.make_mut(), patches.as_slice());
    each_run(shape, |patch, pixel, run| {
        let (to, from) = (&mut to[pixel..pixel + run], &from[patch..patch + run]);
        to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
    });
    x
}

/// Calls with the place of a pooled number and the places of the four it is the mean of.
fn each_square(shape: &[usize], mut f: impl FnMut(usize, [usize; 4])) {
    let &[batch, rows, columns, channels] = shape else { panic!("images with channels") };
    let mut pooled = 0;
    for image in 0..batch {
        for i in (0..rows).step_by(2) {
            for j in (0..columns).step_by(2) {
                let corner = ((image * rows + i) * columns + j) * channels;
                for c in corner..corner + channels {
                    f(pooled, [c, c + channels, c + columns * channels, c + (columns + 1) * channels]);
                    pooled += 1;
                }
            }
        }
    }
}

/// The mean of each 2×2 pixels, one row for each image.
fn pool(x: &Array<f64>) -> Array<f64> {
    let batch = x.shape()[0];
    let mut pooled = Array::zeros(&[batch, x.len() / batch / 4]);
    let (to, from) = (pooled.make_mut(), x.as_slice());
    each_square(x.shape(), |at, [a, b, c, d]| to[at] = 0.25 * ((from[a] + from[b]) + (from[c] + from[d])));
    pooled
}

/// The cotangent of what was pooled.
fn unpool(dpooled: &Array<f64>, shape: &[usize]) -> Array<f64> {
    let mut dx = Array::zeros(shape);
    let (to, from) = (dx.make_mut(), dpooled.as_slice());
    each_square(shape, |at, places| places.iter().for_each(|&place| to[place] = 0.25 * from[at]));
    dx
}
