//! Kernels that move elements: axes permuted, repeated, cut and joined, and constant arrays.
//!
//! Strided access is `ndarray`'s; cases whose elements lie in contiguous runs are copied run by run.

use ndarray::{ArrayViewD, ArrayViewMutD, IxDyn, Slice};

use crate::array::{Array, Element};
use crate::counts::Work;
use crate::mode::enter_of;
use crate::ops::{Kind, Other};
use crate::shape::{Plan, broadcast, count};

/// The part of an axis that a slice takes: `start`, `start + step`, … up to but not including `stop`. Bounds are resolved:
/// 0 ≤ `start` < size, and a `stop` of −1 with a negative step means down to the first element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SliceSpec {
    /// The first index taken.
    pub start: isize,
    /// Where to stop.
    pub stop: isize,
    /// The distance between indices; not 0.
    pub step: isize,
}

impl SliceSpec {
    /// A whole axis of `size` elements.
    pub fn full(size: usize) -> Self {
        Self { start: 0, stop: size as isize, step: 1 }
    }

    /// The number of indices taken.
    pub fn len(&self) -> usize {
        let span = if self.step > 0 { self.stop - self.start } else { self.start - self.stop };
        if span <= 0 { 0 } else { (span as usize).div_ceil(self.step.unsigned_abs()) }
    }

    /// Whether no index is taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same indices as `ndarray` wants them: ascending bounds, walked from the end if the step is negative.
    fn for_ndarray(&self) -> Slice {
        let len = self.len() as isize;
        if len == 0 {
            return Slice::new(0, Some(0), 1);
        }
        let last = self.start + (len - 1) * self.step;
        Slice::new(self.start.min(last), Some(self.start.max(last) + 1), self.step)
    }
}

fn moves<T: Element>(kind: Other, len: usize) -> bool {
    let bytes = len * size_of::<T>();
    enter_of::<T>(Kind::Other(kind), || Work { flops: 0, read: bytes, written: bytes })
}

/// A copy of a strided view.
fn copy<T: Element>(view: &ArrayViewD<'_, T>) -> Array<T> {
    let mut out = Array::zeros(view.shape());
    view_mut(&mut out).assign(view);
    out
}

fn view_mut<T: Element>(array: &mut Array<T>) -> ArrayViewMutD<'_, T> {
    let dims = IxDyn(array.shape());
    ArrayViewMutD::from_shape(dims, array.make_mut()).expect("row-major and contiguous")
}

/// Axes permuted: axis `i` of the result is axis `perm[i]` of `x`.
///
/// # Panics
/// If `perm` is not a permutation of the axes.
pub fn transpose<T: Element>(x: &Array<T>, perm: &[usize]) -> Array<T> {
    assert_eq!(perm.len(), x.ndim(), "a permutation of {} axes for shape {:?}", perm.len(), x.shape());
    let shape: Vec<usize> = perm.iter().map(|&axis| x.shape()[axis]).collect();
    if !moves::<T>(Other::Transpose, x.len()) {
        return Array::zeros(&shape);
    }
    if perm.is_sorted() {
        return x.clone();
    }
    match (perm, x.shape()) {
        ([1, 0], &[rows, columns]) => transpose_matrix(x.as_slice(), rows, columns),
        _ => copy(&x.view().permuted_axes(IxDyn(perm))),
    }
}

/// The transpose of a row-major matrix, tile by tile so that both sides stay in cache.
fn transpose_matrix<T: Element>(from: &[T], rows: usize, columns: usize) -> Array<T> {
    const TILE: usize = 16;
    let mut out = Array::zeros(&[columns, rows]);
    let to = out.make_mut();
    for i0 in (0..rows).step_by(TILE) {
        for j0 in (0..columns).step_by(TILE) {
            for j in j0..(j0 + TILE).min(columns) {
                let line = &mut to[j * rows..][..rows];
                for i in i0..(i0 + TILE).min(rows) {
                    line[i] = from[i * columns + j];
                }
            }
        }
    }
    out
}

/// `x` repeated to `shape` by NumPy's broadcasting rule; `x` itself if it has that shape.
///
/// # Panics
/// If `x` does not broadcast to `shape`.
pub fn broadcast_to<T: Element>(x: &Array<T>, shape: &[usize]) -> Array<T> {
    let fits = broadcast(x.shape(), shape).is_some_and(|common| common[..] == *shape);
    assert!(fits, "shape {:?} does not broadcast to {shape:?}", x.shape());
    let work = || Work { flops: 0, read: x.bytes(), written: count(shape) * size_of::<T>() };
    let compute = enter_of::<T>(Kind::Other(Other::Broadcast), work);
    if x.shape() == shape {
        return x.clone();
    }
    if let ([value], true) = (x.as_slice(), compute) {
        return Array::full(shape, *value);
    }
    let mut out = Array::zeros(shape);
    if compute {
        let plan = Plan::new(shape, [x.shape()]);
        let mut runs = out.make_mut().chunks_exact_mut(plan.run.max(1));
        plan.for_each(|[at]| {
            let run = runs.next().expect("as many runs as the plan visits");
            if plan.advances[0] {
                run.copy_from_slice(&x.as_slice()[at..at + run.len()]);
            } else {
                run.fill(x.as_slice()[at]);
            }
        });
    }
    out
}

/// The specs of every axis, those not given being whole.
fn complete(shape: &[usize], specs: &[SliceSpec]) -> Vec<SliceSpec> {
    assert!(specs.len() <= shape.len(), "{} slices for shape {shape:?}", specs.len());
    let given = specs.iter().copied();
    let specs: Vec<_> = given.chain(shape[specs.len()..].iter().map(|&size| SliceSpec::full(size))).collect();
    for (spec, &size) in specs.iter().zip(shape) {
        let last = spec.start + (spec.len() as isize - 1) * spec.step;
        let inside = |i: isize| (0..size as isize).contains(&i);
        assert!(spec.is_empty() || inside(spec.start) && inside(last), "{spec:?} leaves an axis of size {size}");
    }
    specs
}

/// The elements a slice takes if they are contiguous: only the leading axis is cut, with step 1.
fn leading_run(shape: &[usize], specs: &[SliceSpec]) -> Option<std::ops::Range<usize>> {
    let (first, rest) = specs.split_first()?;
    let whole = rest.iter().zip(&shape[1..]).all(|(spec, &size)| *spec == SliceSpec::full(size));
    if !whole || first.step != 1 || first.is_empty() {
        return None;
    }
    let row = count(&shape[1..]);
    Some(first.start as usize * row..(first.start as usize + first.len()) * row)
}

/// The part of `x` that `specs` take, one per leading axis; axes without a spec are whole.
///
/// # Panics
/// If a spec leaves its axis.
pub fn slice<T: Element>(x: &Array<T>, specs: &[SliceSpec]) -> Array<T> {
    let specs = complete(x.shape(), specs);
    let shape: Vec<usize> = specs.iter().map(SliceSpec::len).collect();
    if !moves::<T>(Other::Slice, count(&shape)) {
        return Array::zeros(&shape);
    }
    if let Some(run) = leading_run(x.shape(), &specs) {
        return Array::from_slice(&shape, &x.as_slice()[run]);
    }
    copy(&x.view().slice_each_axis(|axis| specs[axis.axis.index()].for_ndarray()))
}

/// Zeros of `full_shape` with the part that `specs` take set to `x`: the adjoint of [`slice()`].
///
/// # Panics
/// If a spec leaves its axis or `x` does not have the shape of that part.
pub fn unslice<T: Element>(x: &Array<T>, full_shape: &[usize], specs: &[SliceSpec]) -> Array<T> {
    let specs = complete(full_shape, specs);
    let part: Vec<usize> = specs.iter().map(SliceSpec::len).collect();
    assert_eq!(part, x.shape(), "the slice of {full_shape:?} has another shape");
    let bytes = count(full_shape) * size_of::<T>();
    let compute = enter_of::<T>(Kind::Other(Other::Unslice), || Work { flops: 0, read: x.bytes(), written: bytes });
    let mut out = Array::zeros(full_shape);
    if compute {
        if let Some(run) = leading_run(full_shape, &specs) {
            out.make_mut()[run].copy_from_slice(x.as_slice());
        } else {
            view_mut(&mut out).slice_each_axis_mut(|axis| specs[axis.axis.index()].for_ndarray()).assign(&x.view());
        }
    }
    out
}

/// Arrays joined along an existing axis.
///
/// # Panics
/// If there are none, or shapes differ elsewhere than along `axis`.
pub fn concatenate<T: Element>(parts: &[&Array<T>], axis: usize) -> Array<T> {
    let mut shape = parts.first().expect("nothing to concatenate").shape().to_vec();
    assert!(axis < shape.len(), "axis {axis} of shape {shape:?}");
    shape[axis] = parts.iter().map(|part| part.shape()[axis]).sum();
    for part in parts {
        let agrees = part.ndim() == shape.len() && (0..shape.len()).all(|i| i == axis || part.shape()[i] == shape[i]);
        assert!(agrees, "shape {:?} cannot be joined to {shape:?} along axis {axis}", part.shape());
    }
    join(parts, &shape, axis)
}

/// An array of this shape, whose elements along an axis are those of one part after the other.
fn join<T: Element>(parts: &[&Array<T>], shape: &[usize], axis: usize) -> Array<T> {
    let compute = moves::<T>(Other::Concatenate, count(shape));
    let mut out = Array::zeros(shape);
    if compute {
        let outer = count(&shape[..axis]);
        let mut to = out.make_mut();
        for i in 0..outer {
            for part in parts {
                let n = part.len() / outer;
                let (run, rest) = to.split_at_mut(n);
                run.copy_from_slice(&part.as_slice()[i * n..(i + 1) * n]);
                to = rest;
            }
        }
    }
    out
}

/// Arrays of one shape joined along a new axis.
///
/// # Panics
/// If there are none, or their shapes differ.
pub fn stack<T: Element>(parts: &[&Array<T>], axis: usize) -> Array<T> {
    let first = parts.first().expect("nothing to stack").shape();
    assert!(parts.iter().all(|part| part.shape() == first), "stacked arrays differ in shape");
    assert!(axis <= first.len(), "axis {axis} of a result of rank {}", first.len() + 1);
    let mut shape = first.to_vec();
    shape.insert(axis, parts.len());
    join(parts, &shape, axis)
}

/// `value` in every element: [`Array::full`] as a counted kernel.
pub fn fill<T: Element>(shape: &[usize], value: T) -> Array<T> {
    let written = count(shape) * size_of::<T>();
    if !enter_of::<T>(Kind::Other(Other::Fill), || Work { flops: 0, read: 0, written }) {
        return Array::zeros(shape);
    }
    Array::full(shape, value)
}
