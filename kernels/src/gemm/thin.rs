//! Products with a vector: loops that the compiler vectorises. Their order of operations is the same on every instruction
//! set.

use super::{Matrix, Product, scale};
use crate::simd::vectorized;

const LANES: usize = 32;

/// y := α·a·x + β·y for an m × k matrix `a` and the k elements of `x`.
pub(super) fn matrix_vector(
    m: usize,
    k: usize,
    a: Matrix<'_>,
    x: Matrix<'_>,
    p: &Product<'_>,
    y: &mut [f64],
) {
    debug_assert_eq!(y.len(), m);
    let x = &x.data[..k];
    if a.column == 1 {
        rows(a.data, x, p.alpha, p.beta, y);
    } else {
        scale(y, p.beta);
        columns(a.data, x, p.alpha, y);
    }
}

vectorized! {
    /// The inner product.
    pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
        dot_lanes(a, b)
    }
}

#[inline(always)]
fn dot_lanes(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += a * b;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

vectorized! {
    /// `y[i] = α·(row i of a)·x + β·y[i]`; rows are contiguous.
    fn rows(a: &[f64], x: &[f64], alpha: f64, beta: f64, y: &mut [f64]) {
        for (row, y) in a.chunks_exact(x.len()).zip(y) {
            let product = alpha * dot_lanes(row, x);
            *y = if beta == 0.0 { product } else { product + beta * *y };
        }
    }
}

vectorized! {
    /// `y += α·Σⱼ x[j]·(column j of a)`; columns are contiguous. Four at a time, so that `y` is read and written less.
    fn columns(a: &[f64], x: &[f64], alpha: f64, y: &mut [f64]) {
        let m = y.len();
        let (fours, rest) = x.as_chunks::<4>();
        for (block, &[x0, x1, x2, x3]) in a.chunks(4 * m).zip(fours) {
            let (x0, x1, x2, x3) = (alpha * x0, alpha * x1, alpha * x2, alpha * x3);
            let ((ab, cd), half) = (block.split_at(2 * m), m);
            let ((a0, a1), (a2, a3)) = (ab.split_at(half), cd.split_at(half));
            for ((((y, a0), a1), a2), a3) in y.iter_mut().zip(a0).zip(a1).zip(a2).zip(a3) {
                *y += (x0 * a0 + x1 * a1) + (x2 * a2 + x3 * a3);
            }
        }
        for (column, x) in a[fours.len() * 4 * m..].chunks_exact(m).zip(rest) {
            let x = alpha * x;
            for (y, a) in y.iter_mut().zip(column) {
                *y += x * a;
            }
        }
    }
}

vectorized! {
    /// c := α·a·bᵀ + β·c.
    pub(super) fn outer(alpha: f64, a: &[f64], b: &[f64], beta: f64, c: &mut [f64]) {
        for (row, a) in c.chunks_exact_mut(b.len()).zip(a) {
            let a = alpha * a;
            if beta == 0.0 {
                for (c, b) in row.iter_mut().zip(b) {
                    *c = a * b;
                }
            } else {
                for (c, b) in row.iter_mut().zip(b) {
                    *c = a * b + beta * *c;
                }
            }
        }
    }
}
