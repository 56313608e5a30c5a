//! The system's OpenBLAS through its C interface.
#![expect(unsafe_code, reason = "foreign functions over raw pointers")]

use std::ffi::{CStr, c_char, c_int};
use std::sync::Once;

use blas_src as _;
use cblas_sys::{CBLAS_LAYOUT, CBLAS_TRANSPOSE, cblas_dgemm};

use super::{Matrix, Product};

unsafe extern "C" {
    fn openblas_set_num_threads(n: c_int);
    fn openblas_get_config() -> *const c_char;
}

/// Sets OpenBLAS's own threads.
pub(super) fn set_threads(n: usize) {
    // SAFETY: any positive number is allowed.
    unsafe { openblas_set_num_threads(n as c_int) };
}

/// OpenBLAS starts with a thread for every core; before its first product it is told how many are wanted.
fn settle_threads() {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| set_threads(crate::threads::threads()));
}

/// What OpenBLAS says of itself: version, options and the chosen core.
pub(super) fn version() -> String {
    // SAFETY: a static string.
    unsafe { CStr::from_ptr(openblas_get_config()) }
        .to_string_lossy()
        .trim()
        .to_owned()
}

/// How a matrix is stored, and the distance between its stored rows.
fn stored(x: &Matrix<'_>, rows: usize, columns: usize) -> (CBLAS_TRANSPOSE, c_int) {
    if x.column == 1 && x.row == columns {
        (CBLAS_TRANSPOSE::CblasNoTrans, columns as c_int)
    } else {
        (CBLAS_TRANSPOSE::CblasTrans, rows as c_int)
    }
}

/// c := α·a·b + β·c.
pub(super) fn gemm(p: &Product<'_>, c: &mut [f64]) {
    assert!(p.a.data.len() >= p.m * p.k && p.b.data.len() >= p.k * p.n && c.len() == p.m * p.n);
    settle_threads();
    let (ta, lda) = stored(&p.a, p.m, p.k);
    let (tb, ldb) = stored(&p.b, p.k, p.n);
    // SAFETY: the slices hold the matrices, as just checked, and c overlaps neither operand.
    unsafe {
        cblas_dgemm(
            CBLAS_LAYOUT::CblasRowMajor,
            ta,
            tb,
            p.m as c_int,
            p.n as c_int,
            p.k as c_int,
            p.alpha,
            p.a.data.as_ptr(),
            lda,
            p.b.data.as_ptr(),
            ldb,
            p.beta,
            c.as_mut_ptr(),
            p.n as c_int,
        );
    }
}
