//! Products of matrices and vectors.

use crate::prims;
use crate::specialise::origin::Origin;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["matmul", "np.matmul", "np.linalg.matmul"], "x1, x2, /", |cx, call| cx.matmul(call.arg(0), call.arg(1))),
    row(&["np.dot"], "a, b", dot),
    row(&["np.einsum"], "subscripts, /, *operands", super::einsum::einsum),
    row(&["np.tensordot"], "a, b, axes=", super::einsum::tensordot),
];

/// `np.dot`: the sum over the last axis of one and the last but one of the other.
fn dot(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let (a, b) = (cx.as_array(call.arg(0))?, cx.as_array(call.arg(1))?);
    let (left, right) = (cx.tensor_of(&a)?.1.len(), cx.tensor_of(&b)?.1.len());
    match (left, right) {
        (0, _) | (_, 0) => cx.builtin("np.multiply", &[a, b]),
        (_, 1 | 2) if left <= 2 => cx.matmul(&a, &b),
        _ => {
            let last = |n: usize, from: usize| Val::tuple(vec![Val::Int((n - from) as i64)]);
            let axes = Val::tuple(vec![last(left, 1), last(right, if right == 1 { 1 } else { 2 })]);
            cx.builtin("np.tensordot", &[a, b, axes])
        }
    }
}

impl Cx<'_> {
    /// `np.matmul`.
    fn matmul(&mut self, a: &Val, b: &Val) -> Res<Val> {
        let (a, b) = (self.as_array(a)?, self.as_array(b)?);
        let ((ea, sa), (eb, sb)) = (self.tensor_of(&a)?, self.tensor_of(&b)?);
        if sa.is_empty() || sb.is_empty() {
            return self.error_help("`@` takes arrays, not numbers", "write `*`");
        }
        let (left, right) = (sa[sa.len() - 1], sb[sb.len().saturating_sub(2)]);
        if left != right {
            return self.error(format!("`@` of shapes {sa:?} and {sb:?}: {left} and {right} must be equal"));
        }
        if ea != Elem::F64 && eb != Elem::F64 {
            return self.whole_product(&a, &b, (&sa, &sb));
        }
        let (a, b) = (self.floats_of(&a)?, self.floats_of(&b)?);
        let wide = |s: &[usize], column: bool| match (s.len(), column) {
            (1, false) => vec![1, s[0]],
            (1, true) => vec![s[0], 1],
            _ => s.to_vec(),
        };
        let (ma, mb) = (wide(&sa, false), wide(&sb, true));
        let mut shape = self.broadcast_batch(&ma, &mb)?;
        let batch = shape.clone();
        shape.extend((sa.len() > 1).then(|| ma[ma.len() - 2]));
        shape.extend((sb.len() > 1).then(|| mb[mb.len() - 1]));
        let (mut a, mut b) = (self.reshaped(&a, &ma)?, self.reshaped(&b, &mb)?);
        if mb.len() == 2 && ma.len() > 2 {
            let rows: usize = ma[..ma.len() - 1].iter().product();
            a = self.reshaped(&a, &[rows, left])?;
        } else {
            a = self.batched(&a, &batch)?;
            b = self.batched(&b, &batch)?;
        }
        let args = [self.node(&a)?, self.node(&b)?];
        let node = self.prim(&prims::MATMUL, &[0, 0], &args)?;
        let product = self.leaf(node, Origin::Data);
        self.reshaped(&product, &shape)
    }

    /// A product of integers, which stays one: every pair multiplied, then summed.
    fn whole_product(&mut self, a: &Val, b: &Val, (sa, sb): (&[usize], &[usize])) -> Res<Val> {
        let mut left = sa.to_vec();
        if sb.len() > 1 {
            left.push(1);
        }
        let mut right = sb.to_vec();
        if sa.len() > 1 && sb.len() > 1 {
            right.insert(sb.len() - 2, 1);
        }
        let (a, b) = (self.integers(a)?, self.integers(b)?);
        let (a, b) = (self.reshaped(&a, &left)?, self.reshaped(&b, &right)?);
        let pairs = self.builtin("mul", &[a, b])?;
        let axis = if sb.len() > 1 { -2 } else { -1 };
        self.builtin("np.sum", &[pairs, Val::Int(axis)])
    }

    fn integers(&mut self, x: &Val) -> Res<Val> {
        match self.tensor_of(x)?.0 {
            Elem::Bool => self.error_help("a product of booleans is not supported", "convert with `astype(int)`"),
            Elem::F64 | Elem::I64 => Ok(x.clone()),
        }
    }

    fn broadcast_batch(&mut self, a: &[usize], b: &[usize]) -> Res<Vec<usize>> {
        let (a, b) = (&a[..a.len() - 2], &b[..b.len() - 2]);
        let rank = a.len().max(b.len());
        let extent = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
        let mut batch = Vec::new();
        for i in 0..rank {
            match (extent(a, i), extent(b, i)) {
                (m, n) if m == n || n == 1 => batch.push(m),
                (1, n) => batch.push(n),
                (m, n) => return self.error(format!("leading axes of lengths {m} and {n} do not broadcast")),
            }
        }
        Ok(batch)
    }

    fn batched(&mut self, x: &Val, batch: &[usize]) -> Res<Val> {
        let (_, shape) = self.tensor_of(x)?;
        let full: Vec<usize> = batch.iter().chain(&shape[shape.len() - 2..]).copied().collect();
        let node = self.node(x)?;
        self.broadcast(node, &full)
    }
}
