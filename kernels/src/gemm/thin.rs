//! Products with a vector or of vectors: loops that the compiler vectorises. Their order of operations is the same on every instruction
//! set.

use super::{Matrix, Product, scale};
use crate::simd::vectorized;

/// Accumulators of a long inner product, and the number of terms from which one is long.
const LANES: usize = 32;
const FEW: usize = 64;

/// Columns of a small product computed at once.
const WIDTH: usize = 8;

/// Products of up to this many multiply-adds and whole tiles are [`small`]. Measured on one Zen 4 core against
/// `matrixmultiply`, alternating in one process: 8×8×8 takes 0.6 of its time, while 12×12×12 would take longer.
const SMALL: usize = 512;

/// Up to this many rows are [`few_rows`]: the backends pack all of b first, which more rows would pay for. Measured likewise,
/// 2×64×64 and 2×256×256 take 0.3 to 0.4 of the time, 4×256×256 0.55, and 4×128×10 0.75 to 0.95.
const FEW_ROWS: usize = 4;

/// Computes the product if one of this module's loops suits it better than a backend.
pub(super) fn take(p: &Product<'_>, c: &mut [f64]) -> bool {
    if p.k == 1 {
        // A column or a row is contiguous whether it is transposed or not.
        outer(p.alpha, &p.a.data[..p.m], &p.b.data[..p.n], p.beta, c);
    } else if p.n == 1 {
        matrix_vector(p.m, p.k, p.a, p.b, p, c);
    } else if p.m == 1 {
        matrix_vector(p.n, p.k, p.b.transposed(), p.a.transposed(), p, c);
    } else if p.m <= FEW_ROWS && p.a.column == 1 {
        few_rows(p, c);
    } else if p.m * p.n * p.k <= SMALL && p.n.is_multiple_of(WIDTH) && p.b.column == 1 {
        small(p, c);
    } else {
        return false;
    }
    true
}

/// c := α·a·b + β·c row by row.
fn few_rows(p: &Product<'_>, c: &mut [f64]) {
    for (i, c) in c.chunks_exact_mut(p.n).enumerate() {
        let row = Matrix { data: &p.a.data[i * p.a.row..][..p.k], row: 1, column: 1 };
        matrix_vector(p.n, p.k, p.b.transposed(), row, p, c);
    }
}

vectorized! {
    /// c := α·a·b + β·c for a small product, by tiles held in registers.
    fn small(p: &Product<'_>, c: &mut [f64]) {
        let mut i = 0;
        while i + 4 <= p.m {
            tiles::<4>(p, i, c);
            i += 4;
        }
        while i < p.m {
            tiles::<1>(p, i, c);
            i += 1;
        }
    }
}

/// `R` rows of c from the `i`th on, [`WIDTH`] columns at a time.
#[inline(always)]
fn tiles<const R: usize>(p: &Product<'_>, i: usize, c: &mut [f64]) {
    let Product { n, k, .. } = *p;
    for j in (0..n).step_by(WIDTH) {
        let mut sums = [[0.0; WIDTH]; R];
        for l in 0..k {
            let b: [f64; WIDTH] = *p.b.data[l * n + j..].first_chunk().expect("a row of b has these columns");
            let a: [f64; R] = std::array::from_fn(|r| p.a.data[(i + r) * p.a.row + l * p.a.column]);
            sums = std::array::from_fn(|r| std::array::from_fn(|x| sums[r][x] + a[r] * b[x]));
        }
        for (r, sums) in sums.iter().enumerate() {
            let c = &mut c[(i + r) * n + j..][..WIDTH];
            c.iter_mut().zip(sums).for_each(|(c, sum)| *c = combine(p.alpha * sum, p.beta, *c));
        }
    }
}

/// `product + beta·c`, not looking at `c` if `beta` is 0.
#[inline(always)]
fn combine(product: f64, beta: f64, c: f64) -> f64 {
    if beta == 0.0 { product } else { product + beta * c }
}

/// y := α·a·x + β·y for an m × k matrix `a` and the k elements of `x`.
fn matrix_vector(m: usize, k: usize, a: Matrix<'_>, x: Matrix<'_>, p: &Product<'_>, y: &mut [f64]) {
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
        inner(a, b)
    }
}

#[inline(always)]
fn inner(a: &[f64], b: &[f64]) -> f64 {
    if a.len() < FEW { dot_lanes::<8>(a, b) } else { dot_lanes::<LANES>(a, b) }
}

#[inline(always)]
fn dot_lanes<const LANES: usize>(a: &[f64], b: &[f64]) -> f64 {
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
            let product = alpha * inner(row, x);
            *y = combine(product, beta, *y);
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
