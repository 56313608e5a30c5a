//! `rnn_batch`: a tanh recurrence over a batch of sunspot series, by recursion over time.
//!
//! Hₜ₊₁ = tanh(XₜWx + HₜWh + b), eₜ = Hₜ₊₁wo + bo − yₜ, and the loss is the mean of e². Extents are
//! the length of the series, how many there are, how many years a step sees, and the width of the
//! state. Backwards through time, dH = 2eₜ/(length·batch) ⊗ wo + dZ Whᵀ from the step after,
//! dZ = dH ⊙ (1 − H²), dWh += HₜᵀdZ, and for all steps together dWx = XᵀdZ, db = Σ dZ,
//! dwo = Σ 2eₜ/(length·batch) Hₜ₊₁ and dbo likewise.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::gemm::{matmul, outer_add};
use adjudicate_kernels::{Array, Binary, Gemm, Unary, binary_assign, binary_assign_right, gemm, unary_assign};

use super::buffers::{Buffer, array, dot, scalar, scaled, sum};
use super::{Handwritten, Size, Suite};
use crate::data::{SUNSPOTS, standardise};
use crate::random::Random;

pub(super) const RNN_BATCH: Suite = Suite {
    name: "rnn_batch",
    about: "tanh recurrence over a batch of windows on sunspot numbers, by recursion over time",
    file: "rnn_batch.py",
    source: include_str!("rnn_batch.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "20x8x(7-16)", entry: "loss", extents: &[20, 8, 7, 16] },
        Size { name: "50x16x(14-32)", entry: "loss", extents: &[50, 16, 14, 32] },
        Size { name: "100x32x(28-64)", entry: "loss", extents: &[100, 32, 28, 64] },
    ],
    inputs,
    handwritten,
};

/// Series i starts five years after series i − 1; a step sees a window of years and is to predict
/// the year after it.
fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    const APART: usize = 5;
    let &[length, batch, window, hidden] = size.extents else { panic!("length, batch, window and width") };
    let spots = standardise(&SUNSPOTS.iter().map(|row| row[1]).collect::<Vec<_>>());
    let (inward, across) = (1.0 / (window as f64).sqrt(), 1.0 / (hidden as f64).sqrt());
    let params = Datum::Tuple(vec![
        Datum::Array(random.array(&[window, hidden], inward)),
        Datum::Array(random.array(&[hidden, hidden], across)),
        Datum::Array(random.array(&[hidden], 0.1)),
        Datum::Array(random.array(&[hidden], across)),
        Datum::F64(random.uniform(0.1)),
    ]);
    let starts = || (0..length).flat_map(|t| (0..batch).map(move |i| APART * i + t));
    let xs = starts().flat_map(|start| &spots[start..start + window]).copied().collect();
    let ys = starts().map(|start| spots[start + window]).collect();
    vec![
        params,
        Datum::Array(Array::from_vec(&[length, batch, window], xs)),
        Datum::Array(Array::from_vec(&[length, batch], ys)),
    ]
}

fn handwritten(ask: Ask, size: &Size) -> Option<Handwritten> {
    let &[length, batch, _, hidden] = size.extents else { panic!("length, batch, window and width") };
    let mut net = Net::new(length, batch, hidden);
    match ask {
        Ask::Value => Some(Box::new(move |args| vec![Value::f64(net.value(args))])),
        Ask::Gradient => Some(Box::new(move |args| net.gradient(args))),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// The buffers of one network.
struct Net {
    length: usize,
    batch: usize,
    hidden: usize,
    /// H₀, which stays zero, to Hₙ.
    states: Vec<Buffer>,
    /// eₜ.
    errors: Vec<Buffer>,
    /// dZ of all steps.
    cotangents: Buffer,
    /// dZ of the step after, and of this one.
    later: Buffer,
    here: Buffer,
    recurrent: Buffer,
}

impl Net {
    fn new(length: usize, batch: usize, hidden: usize) -> Self {
        let many = |n: usize, shape: &[usize]| (0..n).map(|_| Buffer::new(shape)).collect();
        Self {
            length,
            batch,
            hidden,
            states: many(length + 1, &[batch, hidden]),
            errors: many(length, &[batch]),
            cotangents: Buffer::new(&[length * batch, hidden]),
            later: Buffer::new(&[batch, hidden]),
            here: Buffer::new(&[batch, hidden]),
            recurrent: Buffer::new(&[hidden, hidden]),
        }
    }

    /// Every row of the inputs.
    fn rows(&self, xs: &Value) -> Array<f64> {
        let xs = array(xs);
        xs.reshape(&[self.length * self.batch, xs.shape()[2]])
    }

    /// Fills the states and the errors.
    fn forward(&mut self, args: &[Value]) {
        let [wx, wh, b, wo, bo, xs, ys] = args else { panic!("five parameters and two series") };
        let mut inputs = matmul(&self.rows(xs), array(wx), false, false);
        binary_assign(Binary::Add, &mut inputs, array(b).into());
        let inputs = inputs.as_slice().chunks_exact(self.batch * self.hidden);
        let wanted = array(ys).as_slice().chunks_exact(self.batch);
        for (t, (input, y)) in inputs.zip(wanted).enumerate() {
            let (before, after) = self.states.split_at_mut(t + 1);
            let h = after[0].free();
            h.make_mut().copy_from_slice(input);
            gemm(Gemm { beta: 1.0, ..Gemm::PLAIN }, before[t].get(), array(wh), h);
            unary_assign(Unary::Tanh, h);
            let error = self.errors[t].free();
            for (error, y) in error.make_mut().iter_mut().zip(y) {
                *error = scalar(bo) - y;
            }
            gemm(Gemm { beta: 1.0, ..Gemm::PLAIN }, h, array(wo), error);
        }
    }

    fn value(&mut self, args: &[Value]) -> f64 {
        self.forward(args);
        let squares = self.errors.iter().map(|e| dot(e.get(), e.get()));
        squares.sum::<f64>() / (self.length * self.batch) as f64
    }

    fn gradient(&mut self, args: &[Value]) -> Vec<Value> {
        self.forward(args);
        let (wh, wo) = (array(&args[1]), array(&args[3]));
        let scale = 2.0 / (self.length * self.batch) as f64;
        let (mut dwo, mut dbo) = (Array::zeros(&[self.hidden]), 0.0);
        self.recurrent.free().make_mut().fill(0.0);
        let step = self.batch * self.hidden;
        for t in (0..self.length).rev() {
            let (h, e, dz) = (&mut self.states[t + 1], self.errors[t].get(), self.here.free());
            gemm(Gemm { alpha: scale, beta: 1.0, ..Gemm::PLAIN }, e, h.get(), &mut dwo);
            dbo += scale * sum(e, 0).item();
            if t + 1 < self.length {
                gemm(Gemm { tb: true, ..Gemm::PLAIN }, self.later.get(), wh, dz);
                outer_add(scale, e, wo, 1.0, dz);
            } else {
                outer_add(scale, e, wo, 0.0, dz);
            }
            // The state has done its work: its buffer takes 1 − H².
            let slope = h.get_mut();
            unary_assign(Unary::Square, slope);
            binary_assign_right(Binary::Sub, 1.0.into(), slope);
            binary_assign(Binary::Mul, dz, (&*slope).into());
            gemm(Gemm { beta: 1.0, ..scaled(1.0, true) }, self.states[t].get(), dz, self.recurrent.get_mut());
            let all = if t + 1 == self.length { self.cotangents.free() } else { self.cotangents.get_mut() };
            all.make_mut()[t * step..][..step].copy_from_slice(dz.as_slice());
            std::mem::swap(&mut self.later, &mut self.here);
        }
        let dz = self.cotangents.get();
        let dwx = matmul(&self.rows(&args[5]), dz, true, false);
        vec![Value::array(dwx), self.recurrent.value(), Value::array(sum(dz, 0)), Value::array(dwo), Value::f64(dbo)]
    }
}
