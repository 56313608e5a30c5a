//! `matrixmultiply`: kernels for AVX2 and AVX-512 chosen at run time, any strides.
#![expect(unsafe_code, reason = "matrixmultiply takes raw pointers")]

use rayon::prelude::*;

use super::{Matrix, Product};
use crate::threads::{PARALLEL_GEMM_FROM, pool, threads};

/// The version in use; a test compares it with `Cargo.lock`.
pub(super) const VERSION: &str = "0.3.11";

/// c := α·a·b + β·c, rows of c spread over the threads.
pub(super) fn gemm(p: &Product<'_>, c: &mut [f64]) {
    match pool(p.m * p.n * p.k, PARALLEL_GEMM_FROM) {
        None => part(p, c),
        Some(pool) => {
            let rows = p.m.div_ceil(threads()).next_multiple_of(8);
            pool.install(|| {
                c.par_chunks_mut(rows * p.n).enumerate().for_each(|(i, c)| {
                    let a = Matrix { data: &p.a.data[i * rows * p.a.row..], ..p.a };
                    part(&Product { m: c.len() / p.n, a, ..*p }, c);
                });
            });
        }
    }
}

fn part(p: &Product<'_>, c: &mut [f64]) {
    let (a, b) = (&p.a, &p.b);
    let last = |x: &Matrix<'_>, rows: usize, columns: usize| (rows - 1) * x.row + (columns - 1) * x.column;
    assert!(last(a, p.m, p.k) < a.data.len() && last(b, p.k, p.n) < b.data.len() && c.len() == p.m * p.n);
    // SAFETY: every element the strides reach lies in its slice, as just checked, and c overlaps neither operand.
    unsafe {
        matrixmultiply::dgemm(
            p.m,
            p.k,
            p.n,
            p.alpha,
            a.data.as_ptr(),
            a.row as isize,
            a.column as isize,
            b.data.as_ptr(),
            b.row as isize,
            b.column as isize,
            p.beta,
            c.as_mut_ptr(),
            p.n as isize,
            1,
        );
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_recorded_version_is_the_locked_one() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"matrixmultiply\"\nversion = \"{}\"", super::VERSION)));
    }
}
