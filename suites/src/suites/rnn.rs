//! `rnn`: a tanh recurrence over yearly sunspot numbers, written by recursion over time.
//!
//! hₜ₊₁ = tanh(xₜ wx + hₜ Wh + b), eₜ = hₜ₊₁·wo + bo − yₜ, and the loss is the mean of eₜ². Extents
//! are the length of the series and the width of the state. Backwards through time,
//! dh = 2eₜ/n wo + dz Whᵀ from the step after, dz = dh ⊙ (1 − h²), dWh += hₜ ⊗ dz, dwx += xₜ dz,
//! db += dz, dwo += 2eₜ/n hₜ₊₁, dbo += 2eₜ/n.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::gemm::matmul;
use adjudicate_kernels::layout::stack;
use adjudicate_kernels::{Array, Binary, Gemm, Unary, binary_assign, binary_assign_right, gemm, unary, unary_assign};

use super::buffers::{Buffer, array, dot, scalar, scaled, sum};
use super::{Handwritten, Size, Suite};
use crate::data::{SUNSPOTS, standardise};
use crate::random::Random;

pub(super) const RNN: Suite = Suite {
    name: "rnn",
    about: "tanh recurrence by recursion over time, predicting the next year's sunspots",
    file: "rnn.py",
    source: include_str!("rnn.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "50x8", entry: "loss", extents: &[50, 8] },
        Size { name: "100x32", entry: "loss", extents: &[100, 32] },
        Size { name: "300x64", entry: "loss", extents: &[300, 64] },
    ],
    inputs,
    handwritten,
};

fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[length, hidden] = size.extents else { panic!("a length and a width") };
    let spots: Vec<f64> = SUNSPOTS.iter().map(|row| row[1]).collect();
    let spots = standardise(&spots);
    let bound = 1.0 / (hidden as f64).sqrt();
    let params = Datum::Tuple(vec![
        Datum::Array(random.array(&[hidden], bound)),
        Datum::Array(random.array(&[hidden, hidden], bound)),
        Datum::Array(random.array(&[hidden], bound)),
        Datum::Array(random.array(&[hidden], bound)),
        Datum::F64(random.uniform(bound)),
    ]);
    let series = |from: usize| Datum::Array(Array::from_slice(&[length], &spots[from..from + length]));
    vec![params, series(0), series(1)]
}

fn handwritten(ask: Ask, size: &Size) -> Option<Handwritten> {
    let &[length, hidden] = size.extents else { panic!("a length and a width") };
    let mut net = Net::new(length, hidden);
    match ask {
        Ask::Value => Some(Box::new(move |args| vec![Value::f64(net.value(args))])),
        Ask::Gradient => Some(Box::new(move |args| net.gradient(args))),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// The buffers of one network. What every step does alike is done for all steps at once, as one
/// matrix product; only the recurrence goes step by step.
struct Net {
    length: usize,
    hidden: usize,
    /// h₀, which stays zero, to hₙ.
    states: Vec<Buffer>,
    /// dz of each step.
    cotangents: Vec<Buffer>,
}

impl Net {
    fn new(length: usize, hidden: usize) -> Self {
        let rows = |n: usize| (0..n).map(|_| Buffer::new(&[hidden])).collect();
        Self { length, hidden, states: rows(length + 1), cotangents: rows(length) }
    }

    /// Fills the states and returns the errors eₜ.
    fn forward(&mut self, args: &[Value]) -> (Array<f64>, Array<f64>) {
        let [wx, wh, b, wo, bo, xs, ys] = args else { panic!("five parameters and two series") };
        let (column, row) = (array(xs).reshape(&[self.length, 1]), array(wx).reshape(&[1, self.hidden]));
        let mut inputs = matmul(&column, &row, false, false);
        binary_assign(Binary::Add, &mut inputs, array(b).into());
        for (t, input) in inputs.as_slice().chunks_exact(self.hidden).enumerate() {
            let (before, after) = self.states.split_at_mut(t + 1);
            let h = after[0].free();
            h.make_mut().copy_from_slice(input);
            gemm(Gemm { beta: 1.0, ..Gemm::PLAIN }, before[t].get(), array(wh), h);
            unary_assign(Unary::Tanh, h);
        }
        let states = together(&self.states[1..]);
        let mut errors = matmul(&states, array(wo), false, false);
        binary_assign(Binary::Add, &mut errors, scalar(bo).into());
        binary_assign(Binary::Sub, &mut errors, array(ys).into());
        (errors, states)
    }

    fn value(&mut self, args: &[Value]) -> f64 {
        let (errors, _) = self.forward(args);
        dot(&errors, &errors) / self.length as f64
    }

    fn gradient(&mut self, args: &[Value]) -> Vec<Value> {
        let (mut errors, states) = self.forward(args);
        let (wh, wo, xs) = (array(&args[1]), array(&args[3]), array(&args[5]));
        binary_assign(Binary::Mul, &mut errors, (2.0 / self.length as f64).into());
        let direct = matmul(&errors.reshape(&[self.length, 1]), &wo.reshape(&[1, self.hidden]), false, false);
        let mut slopes = unary(Unary::Square, &states);
        binary_assign_right(Binary::Sub, 1.0.into(), &mut slopes);
        self.backward(&direct, &slopes, wh);
        let dz = together(&self.cotangents);
        let before = together(&self.states[..self.length]);
        vec![
            Value::array(matmul(xs, &dz, false, false)),
            Value::array(matmul(&before, &dz, true, false)),
            Value::array(sum(&dz, 0)),
            Value::array(matmul(&errors, &states, false, false)),
            Value::f64(sum(&errors, 0).item()),
        ]
    }

    /// Fills dz of each step, last first.
    fn backward(&mut self, direct: &Array<f64>, slopes: &Array<f64>, wh: &Array<f64>) {
        let rows = |x: &Array<f64>, t: usize| x.as_slice()[t * self.hidden..][..self.hidden].to_vec();
        for t in (0..self.length).rev() {
            let (here, later) = self.cotangents.split_at_mut(t + 1);
            let dz = here[t].free();
            dz.make_mut().copy_from_slice(&rows(direct, t));
            if let Some(later) = later.first() {
                gemm(Gemm { beta: 1.0, tb: true, ..scaled(1.0, false) }, later.get(), wh, dz);
            }
            let slope = Array::from_vec(&[self.hidden], rows(slopes, t));
            binary_assign(Binary::Mul, dz, (&slope).into());
        }
    }
}

/// Rows as one matrix.
fn together(rows: &[Buffer]) -> Array<f64> {
    let rows: Vec<&Array<f64>> = rows.iter().map(Buffer::get).collect();
    stack(&rows, 0)
}
