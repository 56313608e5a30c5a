//! Kernels that read indices from data: rows gathered, rows added, one row of the leading axis.
//!
//! An index −n ≤ i < 0 counts from the end, as in NumPy; anything outside −n..n is [`KernelError::IndexOutOfRange`], found before
//! anything is written.

use crate::array::{Arg, Array, Element};
use crate::counts::Work;
use crate::error::KernelError;
use crate::mode::{enter, enter_of, zeros_if_null};
use crate::ops::{Kind, Other};
use crate::shape::count;
use crate::simd::vectorized;

#[inline]
fn resolve(index: i64, axis: usize, size: usize) -> Result<usize, KernelError> {
    let at = if index < 0 { index.saturating_add(size as i64) } else { index };
    usize::try_from(at).ok().filter(|&at| at < size).ok_or(KernelError::IndexOutOfRange { index, axis, size })
}

fn resolve_all(indices: &Array<i64>, axis: usize, size: usize) -> Result<Vec<usize>, KernelError> {
    indices.as_slice().iter().map(|&index| resolve(index, axis, size)).collect()
}

fn gathered_shape(shape: &[usize], axis: usize, indices: &[usize]) -> Vec<usize> {
    assert!(axis < shape.len(), "axis {axis} of shape {shape:?}");
    [&shape[..axis], indices, &shape[axis + 1..]].concat()
}

/// NumPy's `take`: along `axis`, the elements that `indices` name. The result has `x`'s shape with that axis replaced by
/// the shape of `indices`.
///
/// # Errors
/// [`KernelError::IndexOutOfRange`].
///
/// # Panics
/// If there is no such axis.
pub fn gather<T: Element>(x: &Array<T>, axis: usize, indices: &Array<i64>) -> Result<Array<T>, KernelError> {
    let shape = gathered_shape(x.shape(), axis, indices.shape());
    let bytes = count(&shape) * size_of::<T>();
    let work = || Work { flops: 0, read: bytes + indices.bytes(), written: bytes };
    if !enter_of::<T>(Kind::Other(Other::Gather), work) {
        return Ok(Array::zeros(&shape));
    }
    let size = x.shape()[axis];
    let rows = match resolve_all(indices, axis, size) {
        Ok(rows) => rows,
        Err(error) => return zeros_if_null(Err(error), || Array::zeros(&shape)),
    };
    let mut out = Array::zeros(&shape);
    let inner = count(&x.shape()[axis + 1..]);
    if inner > 0 {
        let (from, mut to) = (x.as_slice(), out.make_mut().chunks_exact_mut(inner));
        for block in 0..count(&x.shape()[..axis]) {
            for &row in &rows {
                let run = to.next().expect("as many runs as indices");
                run.copy_from_slice(&from[(block * size + row) * inner..][..inner]);
            }
        }
    }
    Ok(out)
}

/// Adds to `dst` along `axis`, at each index, the corresponding elements of `src`: the adjoint of [`gather`]. An index
/// that occurs again adds again. `src` has the shape that `gather(dst, axis, indices)` would have. In place if no other
/// array shares the elements of `dst`.
///
/// # Errors
/// [`KernelError::IndexOutOfRange`]; `dst` is then unchanged.
///
/// # Panics
/// If there is no such axis or `src` has another shape.
pub fn scatter_add(
    dst: &mut Array<f64>,
    axis: usize,
    indices: &Array<i64>,
    src: &Array<f64>,
) -> Result<(), KernelError> {
    assert_eq!(
        gathered_shape(dst.shape(), axis, indices.shape()),
        src.shape(),
        "source of a scatter into {:?}",
        dst.shape()
    );
    let work = || Work { flops: src.len(), read: 2 * src.bytes() + indices.bytes(), written: src.bytes() };
    if !enter(Kind::Other(Other::ScatterAdd), work) {
        dst.make_mut();
        return Ok(());
    }
    let size = dst.shape()[axis];
    let rows = resolve_all(indices, axis, size)?;
    let inner = count(&dst.shape()[axis + 1..]);
    if !src.is_empty() {
        let to = dst.make_mut().chunks_exact_mut(size * inner);
        let from = src.as_slice().chunks_exact(rows.len() * inner);
        to.zip(from).for_each(|(to, from)| add_rows(to, &rows, from, inner));
    }
    Ok(())
}

vectorized! {
    /// Adds rows of so many elements, one after another, to rows of a block.
    fn add_rows(to: &mut [f64], rows: &[usize], from: &[f64], inner: usize) {
        for (&row, from) in rows.iter().zip(from.chunks_exact(inner)) {
            to[row * inner..][..inner].iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
}

/// The leading axis' length and the number of elements of one of its rows.
fn rows<T: Element>(x: &Array<T>) -> (usize, usize) {
    let (&size, rest) = x.shape().split_first().expect("an array of rank 0 cannot be indexed");
    (size, count(rest))
}

/// `x[i]`: the sub-array at index `i` of the leading axis, of rank one less.
///
/// # Errors
/// [`KernelError::IndexOutOfRange`].
///
/// # Panics
/// If `x` has rank 0.
pub fn index<T: Element>(x: &Array<T>, i: i64) -> Result<Array<T>, KernelError> {
    let (size, row) = rows(x);
    let bytes = row * size_of::<T>();
    let inner = &x.shape()[1..];
    if !enter_of::<T>(Kind::Other(Other::Index), || Work { flops: 0, read: bytes, written: bytes }) {
        return Ok(Array::zeros(inner));
    }
    let found = resolve(i, 0, size).map(|at| Array::from_slice(inner, &x.as_slice()[at * row..][..row]));
    zeros_if_null(found, || Array::zeros(inner))
}

/// Where the elements of `x[i]`, of which there are `len`, begin among those of `x`, for a fused kernel that reads them there.
/// It counts as a call of [`index`]; what is read is counted with the fused kernel. Under [`Mode::Null`](crate::Mode::Null) an index out of range is
/// the first.
///
/// # Errors
/// [`KernelError::IndexOutOfRange`].
///
/// # Panics
/// If `x` has rank 0.
#[inline]
pub fn row<T: Element>(x: &Array<T>, i: i64, len: usize) -> Result<usize, KernelError> {
    debug_assert_eq!(len, rows(x).1);
    let size = x.shape()[0];
    let compute = enter(Kind::Other(Other::Index), || Work { flops: 0, read: 0, written: 0 });
    match resolve(i, 0, size) {
        Err(_) if size > 0 && !compute => Ok(0),
        at => Ok(at? * len),
    }
}

/// `x[i]` of a rank-1 array as a scalar.
///
/// # Errors
/// [`KernelError::IndexOutOfRange`].
///
/// # Panics
/// If `x` is not of rank 1.
pub fn index_scalar<T: Element>(x: &Array<T>, i: i64) -> Result<T, KernelError> {
    assert_eq!(x.ndim(), 1, "shape {:?} is not of rank 1", x.shape());
    let bytes = size_of::<T>();
    if !enter_of::<T>(Kind::Other(Other::Index), || Work { flops: 0, read: bytes, written: bytes }) {
        return Ok(T::default());
    }
    zeros_if_null(resolve(i, 0, x.len()).map(|at| x.as_slice()[at]), T::default)
}

/// `dst[i] += v` along the leading axis, in time proportional to `v` if no other array shares the elements of `dst`. A
/// scalar `v` is added to every element of the row.
///
/// # Errors
/// [`KernelError::IndexOutOfRange`]; `dst` is then unchanged.
///
/// # Panics
/// If `dst` has rank 0 or `v` is an array of another shape than `dst[i]`.
pub fn index_add(dst: &mut Array<f64>, i: i64, v: Arg<'_, f64>) -> Result<(), KernelError> {
    let (size, row) = rows(dst);
    if let Arg::Array(v) = v {
        assert_eq!(v.shape(), &dst.shape()[1..], "what is added to a row of {:?}", dst.shape());
    }
    let bytes = row * size_of::<f64>();
    if !enter(Kind::Other(Other::IndexAdd), || Work { flops: row, read: bytes + v.len() * 8, written: bytes }) {
        dst.make_mut();
        return Ok(());
    }
    let at = resolve(i, 0, size)?;
    let to = &mut dst.make_mut()[at * row..][..row];
    match v {
        Arg::Scalar(v) => to.iter_mut().for_each(|to| *to += v),
        Arg::Array(v) => add_rows(to, &[0], v.as_slice(), row.max(1)),
    }
    Ok(())
}
