//! Matrix products: c := α·op(a)·op(b) + β·c, where op transposes the last two axes or does nothing.
//!
//! Operands are read as stored; a transpose is a pair of strides. Shapes are `np.matmul`'s: an operand of rank 1 is a row on the left and a
//! column on the right, and the axis this adds is not in the result; leading axes are batches and broadcast. Transposed, an operand of
//! rank 1 is a column on the left and a row on the right, whose length is an axis of the result: two of them make the outer product.
//!
//! Vectors, few rows and small products go to loops of our own (`thin`), everything else to a [`Backend`]: the embedded
//! `matrixmultiply`, or with feature `openblas` the system's OpenBLAS; with both compiled in, [`set_backend`] chooses.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::array::Array;
use crate::counts::Work;
use crate::mode::enter;
use crate::ops::{Kind, Other};
use crate::shape::{Axes, Plan, broadcast_or_panic, count, same};

mod embedded;
#[cfg(feature = "openblas")]
mod openblas;
mod thin;

/// The scalars and transposes of a product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gemm {
    /// The factor of the product.
    pub alpha: f64,
    /// The factor of what `c` held; with 0 it is overwritten unread, NaN included.
    pub beta: f64,
    /// Whether the left operand's last two axes are exchanged; of rank 1, whether it is a column.
    pub ta: bool,
    /// Whether the right operand's last two axes are exchanged; of rank 1, whether it is a row.
    pub tb: bool,
}

impl Gemm {
    /// c := a·b.
    pub const PLAIN: Self = Self { alpha: 1.0, beta: 0.0, ta: false, tb: false };
}

/// A library of matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Backend {
    /// `matrixmultiply`, compiled in.
    Embedded,
    /// The system's OpenBLAS.
    OpenBlas,
}

impl Backend {
    /// The backends compiled in, the default first.
    pub const AVAILABLE: &'static [Self] =
        if cfg!(feature = "openblas") { &[Self::OpenBlas, Self::Embedded] } else { &[Self::Embedded] };

    /// The name used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::OpenBlas => "openblas",
        }
    }
}

static BACKEND: AtomicU8 = AtomicU8::new(Backend::AVAILABLE[0] as u8);

/// Chooses the backend of the whole process.
///
/// # Panics
/// If it is not compiled in.
pub fn set_backend(backend: Backend) {
    assert!(Backend::AVAILABLE.contains(&backend), "the {} backend is not compiled in", backend.name());
    BACKEND.store(backend as u8, Ordering::Relaxed);
}

/// The backend in use.
#[inline]
pub fn backend() -> Backend {
    if BACKEND.load(Ordering::Relaxed) == Backend::Embedded as u8 { Backend::Embedded } else { Backend::OpenBlas }
}

/// The name of the backend in use.
pub fn backend_name() -> &'static str {
    backend().name()
}

/// The library behind the backend in use and its version, as far as it tells.
pub fn backend_version() -> String {
    match backend() {
        Backend::Embedded => format!("matrixmultiply {}", embedded::VERSION),
        #[cfg(feature = "openblas")]
        Backend::OpenBlas => openblas::version(),
        #[cfg(not(feature = "openblas"))]
        Backend::OpenBlas => unreachable!("not compiled in"),
    }
}

pub(crate) fn set_backend_threads(_n: usize) {
    #[cfg(feature = "openblas")]
    openblas::set_threads(_n);
}

/// One matrix as stored: element (i, j) is `data[i·row + j·column]`.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    data: &'a [f64],
    row: usize,
    column: usize,
}

impl<'a> Matrix<'a> {
    /// A rows × columns matrix, stored row-major or, transposed, column-major.
    fn new(data: &'a [f64], rows: usize, columns: usize, transposed: bool) -> Self {
        let (row, column) = if transposed { (1, rows) } else { (columns, 1) };
        Self { data, row, column }
    }

    fn transposed(self) -> Self {
        Self { data: self.data, row: self.column, column: self.row }
    }
}

/// A product of single matrices: c is m × n row-major, the inner length k.
#[derive(Clone, Copy)]
struct Product<'a> {
    m: usize,
    n: usize,
    k: usize,
    alpha: f64,
    beta: f64,
    a: Matrix<'a>,
    b: Matrix<'a>,
}

/// c := β·c without reading c if β is 0.
fn scale(c: &mut [f64], beta: f64) {
    if beta == 0.0 {
        c.fill(0.0);
    } else if beta != 1.0 {
        c.iter_mut().for_each(|c| *c *= beta);
    }
}

fn compute(p: &Product<'_>, c: &mut [f64]) {
    if p.k == 0 || p.m == 0 || p.n == 0 {
        scale(c, p.beta);
    } else if !thin::take(p, c) {
        match backend() {
            Backend::Embedded => embedded::gemm(p, c),
            #[cfg(feature = "openblas")]
            Backend::OpenBlas => openblas::gemm(p, c),
            #[cfg(not(feature = "openblas"))]
            Backend::OpenBlas => unreachable!("not compiled in"),
        }
    }
}

/// The sizes of a product, and the axes of its result: those of its batch, then rows and columns as far as it has them.
struct Sizes {
    m: usize,
    n: usize,
    k: usize,
    /// Axes of the batch, if there are any.
    batch: Option<Box<Axes>>,
    /// Lengths of the result's rows and columns, of which so many come first that it has.
    lengths: ([usize; 2], usize),
    kind: Other,
}

impl Sizes {
    fn batch(&self) -> &[usize] {
        self.batch.as_deref().map_or(&[], |axes| axes)
    }

    /// Rows and columns of the result, as far as it has them.
    fn matrix(&self) -> &[usize] {
        &self.lengths.0[..self.lengths.1]
    }

    fn is_shape_of_result(&self, shape: &[usize]) -> bool {
        shape.split_at_checked(self.batch().len()).is_some_and(|(a, b)| same(a, self.batch()) && same(b, self.matrix()))
    }
}

/// The rows and columns of an operand's matrices after the transpose; rank 1 is one row before it, or one column if `right`.
fn matrix_shape(shape: &[usize], transposed: bool, right: bool) -> (usize, usize) {
    match *shape {
        [] => panic!("a matrix product with an operand of rank 0"),
        [n] if right != transposed => (n, 1),
        [n] => (1, n),
        [.., rows, columns] if transposed => (columns, rows),
        [.., rows, columns] => (rows, columns),
    }
}

fn batch_axes(shape: &[usize]) -> &[usize] {
    &shape[..shape.len().saturating_sub(2)]
}

fn sizes(a: &[usize], b: &[usize], ta: bool, tb: bool) -> Sizes {
    let (m, k) = matrix_shape(a, ta, false);
    let (inner, n) = matrix_shape(b, tb, true);
    assert_eq!(k, inner, "matrix product of shapes {a:?} and {b:?} (transposed: {ta}, {tb})");
    let kind = match (a.len(), b.len()) {
        (1, 1) if ta && tb => Other::Outer,
        (1, 1) if !ta && !tb => Other::Dot,
        (1, _) | (_, 1) => Other::Gemv,
        _ => Other::Gemm,
    };
    let batch = match (batch_axes(a), batch_axes(b)) {
        ([], []) => None,
        (x, y) => Some(Box::new(broadcast_or_panic(x, y))),
    };
    let lengths = match (a.len() > 1 || ta, b.len() > 1 || tb) {
        (true, true) => ([m, n], 2),
        (true, false) => ([m, 1], 1),
        (false, true) => ([n, 1], 1),
        (false, false) => ([1, 1], 0),
    };
    Sizes { m, n, k, batch, lengths, kind }
}

/// c := α·op(a)·op(b) + β·c, in place if no other array shares the elements of `c`.
///
/// # Panics
/// If the shapes do not fit.
pub fn gemm(spec: Gemm, a: &Array<f64>, b: &Array<f64>, c: &mut Array<f64>) {
    let sizes = sizes(a.shape(), b.shape(), spec.ta, spec.tb);
    assert!(
        sizes.is_shape_of_result(c.shape()),
        "the result of a product of {:?} and {:?} is not {:?}",
        a.shape(),
        b.shape(),
        c.shape()
    );
    run(spec, &sizes, a, b, c);
}

/// op(a)·op(b) as `np.matmul`, transposing the last two axes of either operand first if asked.
///
/// # Panics
/// If the shapes do not fit.
#[expect(unsafe_code, reason = "results are written once, not zeroed first")]
pub fn matmul(a: &Array<f64>, b: &Array<f64>, ta: bool, tb: bool) -> Array<f64> {
    let sizes = sizes(a.shape(), b.shape(), ta, tb);
    // SAFETY: a product with β = 0 writes every element unread; where there is none, zeros are written.
    let mut c = unsafe {
        match sizes.batch() {
            [] => Array::unwritten(sizes.matrix()),
            batch => Array::unwritten(&[batch, sizes.matrix()].concat()),
        }
    };
    if !run(Gemm { ta, tb, ..Gemm::PLAIN }, &sizes, a, b, &mut c) {
        c.make_mut().fill(0.0);
    }
    c
}

/// Says whether it computed.
fn run(spec: Gemm, sizes: &Sizes, a: &Array<f64>, b: &Array<f64>, c: &mut Array<f64>) -> bool {
    let work = || {
        let flops = 2 * count(sizes.batch()) * sizes.m * sizes.n * sizes.k;
        let accumulated = if spec.beta == 0.0 { 0 } else { c.bytes() };
        Work { flops, read: a.bytes() + b.bytes() + accumulated, written: c.bytes() }
    };
    let really = enter(Kind::Other(sizes.kind), work);
    let out = c.make_mut();
    if !really || out.is_empty() {
        return really;
    }
    let Sizes { m, n, k, .. } = *sizes;
    let one = |a, b, c: &mut [f64]| {
        let (a, b) = (Matrix::new(a, m, k, spec.ta), Matrix::new(b, k, n, spec.tb));
        compute(&Product { m, n, k, alpha: spec.alpha, beta: spec.beta, a, b }, c);
    };
    if sizes.batch.is_none() {
        one(a.as_slice(), b.as_slice(), out);
        return true;
    }
    let plan = Plan::new(sizes.batch(), [batch_axes(a.shape()), batch_axes(b.shape())]);
    let mut products = out.chunks_exact_mut(m * n);
    plan.for_each(|[i, j]| {
        for step in 0..plan.run {
            let [i, j] = [(i, 0), (j, 1)].map(|(at, which)| at + if plan.advances[which] { step } else { 0 });
            let c = products.next().expect("as many products as the plan visits");
            one(&a.as_slice()[i * m * k..][..m * k], &b.as_slice()[j * k * n..][..k * n], c);
        }
    });
    true
}

/// The inner product of two vectors.
///
/// # Panics
/// If they are not of rank 1 and one length.
pub fn dot(a: &Array<f64>, b: &Array<f64>) -> f64 {
    assert!(a.ndim() == 1 && a.shape() == b.shape(), "the inner product of {:?} and {:?}", a.shape(), b.shape());
    let work = || Work { flops: 2 * a.len(), read: a.bytes() + b.bytes(), written: 8 };
    if enter(Kind::Other(Other::Dot), work) { thin::dot(a.as_slice(), b.as_slice()) } else { 0.0 }
}

/// The outer product of two vectors: element (i, j) is `a[i]·b[j]`.
///
/// # Panics
/// If they are not of rank 1.
pub fn outer(a: &Array<f64>, b: &Array<f64>) -> Array<f64> {
    assert!(a.ndim() == 1 && b.ndim() == 1, "the outer product of {:?} and {:?}", a.shape(), b.shape());
    let mut c = Array::zeros(&[a.len(), b.len()]);
    outer_add(1.0, a, b, 0.0, &mut c);
    c
}

/// c := α·a·bᵀ + β·c for vectors a and b, in place if no other array shares the elements of `c`.
///
/// # Panics
/// If the shapes do not fit.
pub fn outer_add(alpha: f64, a: &Array<f64>, b: &Array<f64>, beta: f64, c: &mut Array<f64>) {
    assert!(
        a.ndim() == 1 && b.ndim() == 1 && c.shape() == [a.len(), b.len()],
        "an outer product of {:?} and {:?} into {:?}",
        a.shape(),
        b.shape(),
        c.shape()
    );
    let read = a.bytes() + b.bytes() + if beta == 0.0 { 0 } else { c.bytes() };
    let really = enter(Kind::Other(Other::Outer), || Work { flops: 2 * c.len(), read, written: c.bytes() });
    let out = c.make_mut();
    if really && !out.is_empty() {
        thin::outer(alpha, a.as_slice(), b.as_slice(), beta, out);
    }
}
