//! Products with a vector or of vectors: loops that the compiler vectorises. Their order of operations is the same on every instruction
//! set.

use super::{Matrix, Product};
use crate::simd::vectorized;

/// Lanes in which a row of a matrix times a vector is summed, and rows whose lanes are summed before they are added.
const LANE: usize = 8;
const BLOCK: usize = 16;

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
    } else if p.beta == 0.0 {
        y.fill(0.0);
        columns(a.data, x, p.alpha, y);
    } else {
        add_columns(a.data, x, p, y);
    }
}

/// As many sums lie on the stack.
const SUMS: usize = 64;

/// `y := α·a·x + β·y` by columns: the sums first, so that they are the same bits as of a product that is then added.
fn add_columns(a: &[f64], x: &[f64], p: &Product<'_>, y: &mut [f64]) {
    let (mut few, mut many) = ([0.0; SUMS], Vec::new());
    let sums = match few.get_mut(..y.len()) {
        Some(sums) => sums,
        None => {
            many.resize(y.len(), 0.0);
            &mut many[..]
        }
    };
    columns(a, x, p.alpha, sums);
    y.iter_mut().zip(sums).for_each(|(y, &mut sum)| *y = combine(sum, p.beta, *y));
}

/// The inner product, the same bits as of a matrix of one row with a vector.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut product = [0.0];
    if !b.is_empty() {
        rows(a, b, 1.0, 0.0, &mut product);
    }
    product[0]
}

/// `y[i] = α·(row i of a)·x + β·y[i]`; rows are contiguous. A row is summed in lanes, and neighbouring lanes are then added
/// in pairs: for several rows at once, which the compiler makes full vectors of and would not row by row. It takes a
/// quarter of the time at 128×128, two thirds at 32×32.
fn rows(a: &[f64], x: &[f64], alpha: f64, beta: f64, y: &mut [f64]) {
    let mut lanes = [[0.0; LANE]; BLOCK];
    for (a, y) in a.chunks(BLOCK * x.len()).zip(y.chunks_mut(BLOCK)) {
        sum_in_lanes(a, x, &mut lanes[..y.len()]);
        add_lanes(&lanes[..y.len()], alpha, beta, y);
    }
}

vectorized! {
    /// The products of each row of `a` with `x`, summed in lanes.
    fn sum_in_lanes(a: &[f64], x: &[f64], lanes: &mut [[f64; LANE]]) {
        let k = x.len();
        let (chunks, rest) = x.as_chunks::<LANE>();
        let (fours, ones) = lanes.as_chunks_mut::<4>();
        let (above, below) = a.split_at(4 * k * fours.len());
        for (a, lanes) in above.chunks_exact(4 * k).zip(fours) {
            let ((a01, a23), [l0, l1, l2, l3]) = (a.split_at(2 * k), lanes);
            let ((a0, a1), (a2, a3)) = (a01.split_at(k), a23.split_at(k));
            let rows = [a0, a1, a2, a3].map(|row| row.as_chunks::<LANE>());
            let [a0, a1, a2, a3] = rows.map(|(row, _)| &row[..chunks.len()]);
            let [mut s0, mut s1, mut s2, mut s3] = [[0.0; LANE]; 4];
            for (j, x) in chunks.iter().enumerate() {
                add_products(&mut s0, &a0[j], x);
                add_products(&mut s1, &a1[j], x);
                add_products(&mut s2, &a2[j], x);
                add_products(&mut s3, &a3[j], x);
            }
            (*l0, *l1, *l2, *l3) = (s0, s1, s2, s3);
            for (sums, (_, a)) in [l0, l1, l2, l3].into_iter().zip(rows) {
                add_rest(sums, a, rest);
            }
        }
        for (row, lanes) in below.chunks_exact(k).zip(ones) {
            let (row, row_rest) = row.as_chunks::<LANE>();
            let mut sums = [0.0; LANE];
            chunks.iter().zip(row).for_each(|(x, a)| add_products(&mut sums, a, x));
            *lanes = sums;
            add_rest(lanes, row_rest, rest);
        }
    }
}

#[inline(always)]
fn add_products(sums: &mut [f64; LANE], a: &[f64; LANE], x: &[f64; LANE]) {
    for i in 0..LANE {
        sums[i] += a[i] * x[i];
    }
}

#[inline(always)]
fn add_rest(sums: &mut [f64; LANE], a: &[f64], x: &[f64]) {
    sums.iter_mut().zip(a).zip(x).for_each(|((sum, a), x)| *sum += a * x);
}

vectorized! {
    /// The sums of lanes in pairs, scaled, and added to what is scaled by `beta`.
    fn add_lanes(lanes: &[[f64; LANE]], alpha: f64, beta: f64, y: &mut [f64]) {
        if let (Some(lanes), Some(y)) = (lanes.first_chunk::<BLOCK>(), y.first_chunk_mut::<BLOCK>()) {
            return add_block(lanes, alpha, beta, y);
        }
        let (mut fours, mut twos) = ([0.0; 4 * BLOCK], [0.0; 2 * BLOCK]);
        let (fours, twos) = (&mut fours[..4 * y.len()], &mut twos[..2 * y.len()]);
        add_pairs(lanes.as_flattened(), fours);
        add_pairs(fours, twos);
        for (y, [a, b]) in y.iter_mut().zip(twos.as_chunks::<2>().0) {
            *y = combine(alpha * (a + b), beta, *y);
        }
    }
}

/// The same for a whole block, of which the compiler knows the size.
#[inline(always)]
fn add_block(lanes: &[[f64; LANE]; BLOCK], alpha: f64, beta: f64, y: &mut [f64; BLOCK]) {
    let (mut fours, mut twos, mut sums) = ([0.0; 4 * BLOCK], [0.0; 2 * BLOCK], [0.0; BLOCK]);
    add_pairs(lanes.as_flattened(), &mut fours);
    add_pairs(&fours, &mut twos);
    add_pairs(&twos, &mut sums);
    for (y, sum) in y.iter_mut().zip(sums) {
        *y = combine(alpha * sum, beta, *y);
    }
}

#[inline(always)]
fn add_pairs(from: &[f64], to: &mut [f64]) {
    from.as_chunks::<2>().0.iter().zip(to).for_each(|([a, b], to)| *to = a + b);
}

vectorized! {
    /// `y += α·Σⱼ x[j]·(column j of a)`; columns are contiguous. Four at a time, so that `y` is read and written less.
    fn columns(a: &[f64], x: &[f64], alpha: f64, y: &mut [f64]) {
        let m = y.len();
        let (fours, rest) = x.as_chunks::<4>();
        for (block, x) in a.chunks_exact(4 * m).zip(fours) {
            let [x0, x1, x2, x3] = x.map(|x| alpha * x);
            let (ab, cd) = block.split_at(2 * m);
            let ((a0, a1), (a2, a3)) = (ab.split_at(m), cd.split_at(m));
            // Cut to the length of `y`: no index is checked then, and the loop is unrolled.
            let (a0, a1, a2, a3) = (&a0[..m], &a1[..m], &a2[..m], &a3[..m]);
            for i in 0..m {
                y[i] += (x0 * a0[i] + x1 * a1[i]) + (x2 * a2[i] + x3 * a3[i]);
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
            } else if beta == 1.0 {
                for (c, b) in row.iter_mut().zip(b) {
                    *c += a * b;
                }
            } else {
                for (c, b) in row.iter_mut().zip(b) {
                    *c = a * b + beta * *c;
                }
            }
        }
    }
}
