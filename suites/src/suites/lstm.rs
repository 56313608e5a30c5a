//! `lstm`: a character model of a story in English, by a loop over time.
//!
//! Z = Wx[cₜ] + HWh + b holds, side by side, what the gates i, f, o (through σ) and the candidate g
//! (through tanh) see; C' = f ⊙ C + i ⊙ g, H' = o ⊙ tanh C', and the loss is the mean of −log
//! softmax(H'Wo + bo) at the characters that follow. Extents are the length, the number of stretches
//! of text, and the width. Backwards with dH from the loss and the step after,
//! dC += dH ⊙ o ⊙ (1 − tanh² C'), do = dH ⊙ tanh C', di = dC ⊙ g, df = dC ⊙ C, dg = dC ⊙ i, each
//! times its slope makes dZ; dWx[cₜ] += dZ, dWh += HᵀdZ, db += Σ dZ, dH = dZ Whᵀ, dC = dC ⊙ f.
//!
//! The baseline does the last layer for all steps at once, and the gates of a step in one pass.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::gemm::matmul;
use adjudicate_kernels::index::{gather, scatter_add};
use adjudicate_kernels::layout::concatenate;
use adjudicate_kernels::{Array, Binary, Gemm, Unary, binary_assign, gemm, unary, unary_slice_assign};

use super::buffers::{array, ints, scaled, sum};
use super::losses::{centre_rows, log_normaliser, softmax};
use super::{Handwritten, Size, Suite};
use crate::data::story;
use crate::random::Random;

pub(super) const LSTM: Suite = Suite {
    name: "lstm",
    about: "long short-term memory that predicts the characters of a story",
    file: "lstm.py",
    source: include_str!("lstm.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "8x4x16", entry: "loss", extents: &[8, 4, 16] },
        Size { name: "32x8x32", entry: "loss", extents: &[32, 8, 32] },
        Size { name: "64x16x64", entry: "loss", extents: &[64, 16, 64] },
    ],
    inputs,
    handwritten,
};

/// Stretches of text that start evenly apart.
fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[length, batch, hidden] = size.extents else { panic!("a length, a batch and a width") };
    let (text, characters) = story();
    let bound = 1.0 / (hidden as f64).sqrt();
    let params = Datum::Tuple(vec![
        Datum::Array(random.array(&[characters, 4 * hidden], 0.5)),
        Datum::Array(random.array(&[hidden, 4 * hidden], bound)),
        Datum::Array(random.array(&[4 * hidden], 0.1)),
        Datum::Array(random.array(&[hidden, characters], bound)),
        Datum::Array(random.array(&[characters], 0.1)),
    ]);
    let apart = (text.len() - length - 1) / batch;
    let stretches = (0..=length).flat_map(|t| (0..batch).map(move |i| i * apart + t));
    let stretches = stretches.map(|at| text[at]).collect();
    vec![params, Datum::Ints(Array::from_vec(&[length + 1, batch], stretches))]
}

fn handwritten(ask: Ask, _: &Size) -> Option<Handwritten> {
    match ask {
        Ask::Value => Some(Box::new(|args| {
            let pass = Pass::forward(args);
            let chosen: f64 = pass.following().map(|at| pass.logits.as_slice()[at]).sum();
            vec![Value::f64((log_normaliser(&pass.logits) - chosen) / pass.logits.shape()[0] as f64)]
        })),
        Ask::Gradient => Some(Box::new(|args| Pass::forward(args).backward(args))),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// What one step leaves behind: gates and candidate side by side, C' and tanh C'.
struct Step {
    inputs: Array<i64>,
    gates: Array<f64>,
    cell: Array<f64>,
    squashed: Array<f64>,
}

struct Pass<'a> {
    text: &'a Array<i64>,
    steps: Vec<Step>,
    /// H' of each step.
    states: Vec<Array<f64>>,
    /// H' of all steps, one row for each step and stretch.
    together: Array<f64>,
    /// What the last layer gives, less the largest of each row.
    logits: Array<f64>,
}

impl<'a> Pass<'a> {
    fn forward(args: &'a [Value]) -> Self {
        let [wx, wh, b, wo, bo, text] = args else { panic!("five parameters and a text") };
        let text = ints(text);
        let (batch, hidden) = (text.shape()[1], array(wh).shape()[0]);
        let mut h = Array::zeros(&[batch, hidden]);
        let mut cell = h.clone();
        let (mut steps, mut states) = (Vec::new(), Vec::new());
        for row in text.as_slice()[..text.len() - batch].chunks_exact(batch) {
            let inputs = Array::from_slice(&[batch], row);
            let mut gates = gather(array(wx), 0, &inputs).expect("characters of the alphabet");
            gemm(Gemm { beta: 1.0, ..Gemm::PLAIN }, &h, array(wh), &mut gates);
            binary_assign(Binary::Add, &mut gates, array(b).into());
            for row in gates.make_mut().chunks_exact_mut(4 * hidden) {
                let (gates, candidate) = row.split_at_mut(3 * hidden);
                unary_slice_assign(Unary::Sigmoid, gates);
                unary_slice_assign(Unary::Tanh, candidate);
            }
            cell = advanced(&gates, &cell);
            let squashed = unary(Unary::Tanh, &cell);
            h = shown(&gates, &squashed);
            states.push(h.clone());
            steps.push(Step { inputs, gates, cell: cell.clone(), squashed });
        }
        let together = concatenate(&states.iter().collect::<Vec<_>>(), 0);
        let mut logits = matmul(&together, array(wo), false, false);
        binary_assign(Binary::Add, &mut logits, array(bo).into());
        centre_rows(&mut logits);
        Self { text, steps, states, together, logits }
    }

    /// Where among the logits the characters are that follow.
    fn following(&self) -> impl Iterator<Item = usize> {
        let characters = self.logits.shape()[1];
        let following = &self.text.as_slice()[self.text.shape()[1]..];
        following.iter().enumerate().map(move |(row, &c)| row * characters + c as usize)
    }

    fn backward(&self, args: &[Value]) -> Vec<Value> {
        let [wx, wh, wo] = [&args[0], &args[1], &args[3]].map(array);
        let mut dlogits = softmax(&self.logits);
        let items = dlogits.make_mut();
        self.following().for_each(|at| items[at] -= 1.0);
        binary_assign(Binary::Mul, &mut dlogits, (1.0 / self.logits.shape()[0] as f64).into());
        let direct = matmul(&dlogits, wo, false, true);

        let shape = self.states[0].shape();
        let zero = Array::zeros(shape);
        let (mut dh, mut dcell) = (Array::zeros(shape), Array::zeros(shape));
        let (mut dwx, mut dwh) = (Array::zeros(wx.shape()), Array::zeros(wh.shape()));
        let mut db = Array::zeros(&[wh.shape()[1]]);
        for (t, step) in self.steps.iter().enumerate().rev() {
            let seeds = &direct.as_slice()[t * zero.len()..][..zero.len()];
            dh.make_mut().iter_mut().zip(seeds).for_each(|(dh, seed)| *dh += seed);
            let before = if t == 0 { [&zero, &zero] } else { [&self.states[t - 1], &self.steps[t - 1].cell] };
            let dz = step.backward(&dh, &mut dcell, before[1]);
            scatter_add(&mut dwx, 0, &step.inputs, &dz).expect("characters of the alphabet");
            gemm(Gemm { beta: 1.0, ..scaled(1.0, true) }, before[0], &dz, &mut dwh);
            binary_assign(Binary::Add, &mut db, (&sum(&dz, 0)).into());
            gemm(Gemm { tb: true, ..Gemm::PLAIN }, &dz, wh, &mut dh);
        }
        let dwo = matmul(&self.together, &dlogits, true, false);
        [dwx, dwh, db, dwo, sum(&dlogits, 0)].map(Value::array).to_vec()
    }
}

impl Step {
    /// dZ from dH; dC becomes that of the step before, whose cell is given.
    fn backward(&self, dh: &Array<f64>, dcell: &mut Array<f64>, before: &Array<f64>) -> Array<f64> {
        let hidden = before.shape()[1];
        let mut dz = Array::zeros(self.gates.shape());
        let rows = dz.make_mut().chunks_exact_mut(4 * hidden).zip(dcell.make_mut().chunks_exact_mut(hidden));
        for (row, (dz, dcell)) in rows.enumerate() {
            let gates = &self.gates.as_slice()[row * 4 * hidden..][..4 * hidden];
            let [dh, before, squashed] = [dh, before, &self.squashed].map(|x| &x.as_slice()[row * hidden..][..hidden]);
            for j in 0..hidden {
                let [i, f, o, g] = [0, 1, 2, 3].map(|gate| gates[gate * hidden + j]);
                let dc = dcell[j] + dh[j] * o * (1.0 - squashed[j] * squashed[j]);
                dz[j] = dc * g * i * (1.0 - i);
                dz[hidden + j] = dc * before[j] * f * (1.0 - f);
                dz[2 * hidden + j] = dh[j] * squashed[j] * o * (1.0 - o);
                dz[3 * hidden + j] = dc * i * (1.0 - g * g);
                dcell[j] = dc * f;
            }
        }
        dz
    }
}

/// C' = f ⊙ C + i ⊙ g.
fn advanced(gates: &Array<f64>, cell: &Array<f64>) -> Array<f64> {
    let hidden = cell.shape()[1];
    let mut next = cell.clone();
    for (next, gates) in next.make_mut().chunks_exact_mut(hidden).zip(gates.as_slice().chunks_exact(4 * hidden)) {
        for (j, c) in next.iter_mut().enumerate() {
            *c = gates[hidden + j] * *c + gates[j] * gates[3 * hidden + j];
        }
    }
    next
}

/// H' = o ⊙ tanh C'.
fn shown(gates: &Array<f64>, squashed: &Array<f64>) -> Array<f64> {
    let hidden = squashed.shape()[1];
    let mut h = squashed.clone();
    for (h, gates) in h.make_mut().chunks_exact_mut(hidden).zip(gates.as_slice().chunks_exact(4 * hidden)) {
        h.iter_mut().zip(&gates[2 * hidden..]).for_each(|(h, o)| *h *= o);
    }
    h
}
