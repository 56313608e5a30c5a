//! `tree`: a recursive network over a random binary tree, by recursion that is not over a shape.
//!
//! A leaf with inputs u has the state h = tanh(u We + be), a node over l and r has
//! h = tanh(hₗ Wl + hᵣ Wr + b), and the loss is (h·wo − target)² at the root. Extents are the number
//! of leaves, of their inputs, and the width of the states. Backwards from dh = 2(h·wo − target) wo
//! at the root, dz = dh ⊙ (1 − h²), dWl += hₗ ⊗ dz, dWr += hᵣ ⊗ dz, db += dz, dhₗ = dz Wlᵀ and
//! dhᵣ = dz Wrᵀ; at a leaf dWe += u ⊗ dz and dbe += dz.
//!
//! The baseline takes all nodes of one height together, as the rows of matrices.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::gemm::matmul;
use adjudicate_kernels::index::{gather, scatter_add};
use adjudicate_kernels::{
    Array, Binary, Gemm, Unary, binary, binary_assign, binary_assign_right, gemm, unary, unary_assign,
};

use super::buffers::{array, dot, ints, scalar, scaled, sum};
use super::{Handwritten, Size, Suite};
use crate::random::Random;

pub(super) const TREE: Suite = Suite {
    name: "tree",
    about: "recursive network over random binary trees that are coded in arrays",
    file: "tree.py",
    source: include_str!("tree.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "8x4x8", entry: "loss", extents: &[8, 4, 8] },
        Size { name: "64x8x16", entry: "loss", extents: &[64, 8, 16] },
        Size { name: "256x16x32", entry: "loss", extents: &[256, 16, 32] },
    ],
    inputs,
    handwritten,
};

fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[leaves, inputs, hidden] = size.extents else { panic!("leaves, inputs and a width") };
    let (inward, across) = (1.0 / (inputs as f64).sqrt(), 1.0 / (hidden as f64).sqrt());
    let params = Datum::Tuple(vec![
        Datum::Array(random.array(&[inputs, hidden], inward)),
        Datum::Array(random.array(&[hidden], 0.1)),
        Datum::Array(random.array(&[hidden, hidden], across)),
        Datum::Array(random.array(&[hidden, hidden], across)),
        Datum::Array(random.array(&[hidden], 0.1)),
        Datum::Array(random.array(&[hidden], across)),
    ]);
    let rows = random.array(&[leaves, inputs], 1.0);
    let mut children = Vec::new();
    grow(&mut children, leaves, 0..leaves, &mut random);
    let (left, right): (Vec<i64>, Vec<i64>) = children.into_iter().unzip();
    let ints = |items: Vec<i64>| Datum::Ints(Array::from_vec(&[items.len()], items));
    vec![params, Datum::Array(rows), ints(left), ints(right), Datum::F64(0.5)]
}

/// Grows a tree over a range of leaves that splits anywhere with equal probability. Returns its
/// root; a node comes after its children, which are pushed as a pair.
fn grow(children: &mut Vec<(i64, i64)>, leaves: usize, range: std::ops::Range<usize>, random: &mut Random) -> i64 {
    if range.len() == 1 {
        return range.start as i64;
    }
    let middle = range.start + 1 + random.below(range.len() - 1);
    let left = grow(children, leaves, range.start..middle, random);
    let right = grow(children, leaves, middle..range.end, random);
    children.push((left, right));
    (leaves + children.len() - 1) as i64
}

fn handwritten(ask: Ask, _: &Size) -> Option<Handwritten> {
    match ask {
        Ask::Value => Some(Box::new(|args| vec![Value::f64(Pass::forward(args).error(args).powi(2))])),
        Ask::Gradient => Some(Box::new(|args| Pass::forward(args).backward(args))),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// The inner nodes of one height, with their children and the states of those.
struct Level {
    nodes: Array<i64>,
    children: [Array<i64>; 2],
    below: [Array<f64>; 2],
}

/// Every state, one row for each node, and the levels from the leaves upwards.
struct Pass {
    states: Array<f64>,
    levels: Vec<Level>,
}

impl Pass {
    fn forward(args: &[Value]) -> Self {
        let [we, be, wl, wr, b, _, leaves, left, right, _] = args else { panic!("six parameters, a tree, a target") };
        let mut embedded = matmul(array(leaves), array(we), false, false);
        binary_assign(Binary::Add, &mut embedded, array(be).into());
        unary_assign(Unary::Tanh, &mut embedded);
        let (n, hidden) = (embedded.shape()[0], embedded.shape()[1]);
        let mut states = Array::zeros(&[2 * n - 1, hidden]);
        states.make_mut()[..n * hidden].copy_from_slice(embedded.as_slice());

        let (left, right) = (ints(left), ints(right));
        let mut levels = Vec::new();
        for places in by_height(n, left.as_slice(), right.as_slice()) {
            let nodes = Array::from_vec(&[places.len()], places.iter().map(|k| k + n as i64).collect());
            let places = Array::from_vec(&[places.len()], places);
            let children = [left, right].map(|side| rows(side, &places));
            let below = [rows(&states, &children[0]), rows(&states, &children[1])];
            let mut h = matmul(&below[0], array(wl), false, false);
            gemm(Gemm { beta: 1.0, ..Gemm::PLAIN }, &below[1], array(wr), &mut h);
            binary_assign(Binary::Add, &mut h, array(b).into());
            unary_assign(Unary::Tanh, &mut h);
            let to = states.make_mut();
            for (&node, row) in nodes.as_slice().iter().zip(h.as_slice().chunks_exact(hidden)) {
                to[node as usize * hidden..][..hidden].copy_from_slice(row);
            }
            levels.push(Level { nodes, children, below });
        }
        Self { states, levels }
    }

    /// The state of the root, which is the last node.
    fn root(&self) -> Array<f64> {
        let hidden = self.states.shape()[1];
        Array::from_slice(&[hidden], &self.states.as_slice()[self.states.len() - hidden..])
    }

    /// h·wo − target.
    fn error(&self, args: &[Value]) -> f64 {
        dot(&self.root(), array(&args[5])) - scalar(&args[9])
    }

    fn backward(&self, args: &[Value]) -> Vec<Value> {
        let twice = 2.0 * self.error(args);
        let (weights, wo) = ([array(&args[2]), array(&args[3])], array(&args[5]));
        let hidden = wo.len();
        let mut d = Array::zeros(self.states.shape());
        let seed = binary(Binary::Mul, wo.into(), twice.into());
        let root = d.len() - hidden;
        d.make_mut()[root..].copy_from_slice(seed.as_slice());

        let mut dw = [Array::zeros(&[hidden, hidden]), Array::zeros(&[hidden, hidden])];
        let mut db = Array::zeros(&[hidden]);
        for Level { nodes, children, below } in self.levels.iter().rev() {
            let dz = through_tanh(rows(&d, nodes), &rows(&self.states, nodes));
            binary_assign(Binary::Add, &mut db, (&sum(&dz, 0)).into());
            for side in 0..2 {
                gemm(Gemm { beta: 1.0, ..scaled(1.0, true) }, &below[side], &dz, &mut dw[side]);
                let dh = matmul(&dz, weights[side], false, true);
                scatter_add(&mut d, 0, &children[side], &dh).expect("children are nodes");
            }
        }
        let leaves = array(&args[6]);
        let n = leaves.shape()[0];
        let first = |x: &Array<f64>| Array::from_slice(&[n, hidden], &x.as_slice()[..n * hidden]);
        let dz = through_tanh(first(&d), &first(&self.states));
        let [dwl, dwr] = dw;
        let dwo = binary(Binary::Mul, (&self.root()).into(), twice.into());
        [matmul(leaves, &dz, true, false), sum(&dz, 0), dwl, dwr, db, dwo].map(Value::array).to_vec()
    }
}

/// dh ⊙ (1 − h²).
fn through_tanh(mut dh: Array<f64>, h: &Array<f64>) -> Array<f64> {
    let mut slope = unary(Unary::Square, h);
    binary_assign_right(Binary::Sub, 1.0.into(), &mut slope);
    binary_assign(Binary::Mul, &mut dh, (&slope).into());
    dh
}

fn rows<T: adjudicate_kernels::Element>(x: &Array<T>, indices: &Array<i64>) -> Array<T> {
    gather(x, 0, indices).expect("nodes of the tree")
}

/// The inner nodes, counted from the first of them, by height above the leaves.
fn by_height(leaves: usize, left: &[i64], right: &[i64]) -> Vec<Vec<i64>> {
    let mut heights = vec![0; leaves];
    let mut levels: Vec<Vec<i64>> = Vec::new();
    for (k, (&l, &r)) in left.iter().zip(right).enumerate() {
        let height: usize = heights[l as usize].max(heights[r as usize]);
        if height == levels.len() {
            levels.push(Vec::new());
        }
        levels[height].push(k as i64);
        heights.push(height + 1);
    }
    levels
}
