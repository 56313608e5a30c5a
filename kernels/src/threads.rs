//! The one place that decides how many threads kernels use: rayon's and OpenBLAS's. The default is one.
//!
//! Elementwise kernels split their elements over the threads from [`PARALLEL_FROM`] elements on; the embedded matrix product
//! splits its rows from [`PARALLEL_GEMM_FROM`] multiply-adds on, and OpenBLAS by its own rule. Splitting never changes the
//! bits of an elementwise result.
//!
//! Measured on a two-core Zen 4 machine busy with other work, best of 400: handing a kernel to the pool and waiting for it
//! takes 9 to 17 µs more than calling it. Alone, an addition takes 26 µs for 2¹⁷ elements (5 for 2¹⁵) and a matrix product 36
//! µs for 96³ multiply-adds (11 for 64³). The thresholds are where half of a kernel's own time reaches that cost; what two
//! idle cores gain above them has not been measured.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The number of elements from which elementwise kernels use several threads.
pub const PARALLEL_FROM: usize = 1 << 17;

/// The number of multiply-adds from which matrix products use several threads.
pub const PARALLEL_GEMM_FROM: usize = 1 << 20;

static THREADS: AtomicUsize = AtomicUsize::new(1);
static POOL: Mutex<Option<Arc<ThreadPool>>> = Mutex::new(None);

/// The number of threads kernels use.
#[inline]
pub fn threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

/// Sets the number of threads of the whole process, BLAS's included; 0 counts as 1.
///
/// # Panics
/// If the operating system refuses the threads.
pub fn set_threads(n: usize) {
    let n = n.max(1);
    let pool = (n > 1).then(|| {
        Arc::new(
            ThreadPoolBuilder::new()
                .num_threads(n)
                .build()
                .expect("threads to be granted"),
        )
    });
    *POOL.lock().expect("no panic while holding the pool") = pool;
    THREADS.store(n, Ordering::Relaxed);
    crate::gemm::set_backend_threads(n);
}

/// The pool, if work of this size is worth it.
#[inline]
pub(crate) fn pool(size: usize, from: usize) -> Option<Arc<ThreadPool>> {
    if size < from || threads() == 1 {
        None
    } else {
        POOL.lock()
            .expect("no panic while holding the pool")
            .clone()
    }
}

/// Calls `fill` with the parts of `out` and where they start, one after the other or on several threads.
#[inline]
pub(crate) fn parts<T: Send>(out: &mut [T], fill: impl Fn(usize, &mut [T]) + Sync) {
    match pool(out.len(), PARALLEL_FROM) {
        None => fill(0, out),
        Some(pool) => {
            let size = out.len().div_ceil(threads()).next_multiple_of(64);
            pool.install(|| {
                out.par_chunks_mut(size)
                    .enumerate()
                    .for_each(|(i, part)| fill(i * size, part))
            });
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::array::Array;
    use crate::ops::Unary;

    #[test]
    fn threads_do_not_change_bits() {
        let x = Array::collect(&[200_003], (0..200_003).map(|i| f64::from(i) * 5e-5 - 5.0));
        let alone = crate::unary(Unary::Exp, &x);
        set_threads(2);
        assert_eq!(threads(), 2);
        let together = crate::unary(Unary::Exp, &x);
        set_threads(1);
        assert_eq!(alone, together);
    }
}
