//! Reductions over axes, and running sums.
//!
//! A reduced array is seen as outer × n × inner, n being the reduced axis (neighbouring ones merged). Sums are pairwise:
//! blocks of `BLOCK` elements are summed in `LANES` interleaved accumulators and combined as a balanced tree, so the
//! rounding error grows with log n (Higham, "Accuracy and Stability of Numerical Algorithms", §4.2); rows of a leading axis are
//! summed in blocks of `ROWS` likewise. The order never depends on the instruction set or the threads.

use crate::array::{Array, Element};
use crate::counts::Work;
use crate::elementwise::{Number, max, min};
use crate::error::KernelError;
use crate::mode::{enter, enter_of};
use crate::ops::{Kind, Other, Reduce, ReduceBool};
use crate::shape::count;
use crate::simd::vectorized;

pub(crate) const BLOCK: usize = 1024;
const LANES: usize = 32;
pub(crate) const ROWS: usize = 64;

/// A run of neighbouring axes of an array, all reduced or all kept.
struct Group {
    reduced: bool,
    len: usize,
}

/// The axes of `shape` as groups, without those of length 1, and the shape that remains.
fn groups(shape: &[usize], axes: &[usize]) -> (Vec<Group>, Vec<usize>) {
    assert!(axes.iter().all(|&axis| axis < shape.len()), "axes {axes:?} of shape {shape:?}");
    let mut groups: Vec<Group> = Vec::with_capacity(shape.len());
    let mut kept = Vec::with_capacity(shape.len());
    for (axis, &len) in shape.iter().enumerate() {
        let reduced = axes.contains(&axis);
        if !reduced {
            kept.push(len);
        }
        match groups.last_mut() {
            _ if len == 1 => {}
            Some(group) if group.reduced == reduced => group.len *= len,
            _ => groups.push(Group { reduced, len }),
        }
    }
    (groups, kept)
}

/// Folds the reduced groups away, last first. `fold(from, n, inner, to)` reduces outer × n × inner to outer × inner.
fn fold_axes<T: Element>(x: &Array<T>, axes: &[usize], mut fold: impl FnMut(&[T], usize, usize, &mut [T])) -> Array<T> {
    let (mut groups, shape) = groups(x.shape(), axes);
    let mut scratch: Option<Vec<T>> = None;
    let mut out = Array::zeros(&shape);
    while let Some(at) = groups.iter().rposition(|group| group.reduced) {
        let n = groups.remove(at).len;
        let inner = groups[at..].iter().map(|group| group.len).product();
        let len = groups.iter().map(|group| group.len).product();
        let from = scratch.as_deref().unwrap_or(x.as_slice());
        if groups.iter().any(|group| group.reduced) {
            let mut to = vec![T::default(); len];
            fold(from, n, inner, &mut to);
            scratch = Some(to);
        } else {
            fold(from, n, inner, out.make_mut());
            return out;
        }
    }
    x.reshape(&shape)
}

fn work<T: Element>(x: &Array<T>, axes: &[usize]) -> Work {
    let kept: usize =
        x.shape().iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &len)| len).product();
    Work { flops: x.len(), read: x.bytes(), written: kept * size_of::<T>() }
}

/// `x` reduced over `axes`, which are removed from its shape; over no axes, `x` itself.
///
/// # Errors
/// [`KernelError::EmptyReduction`] for a maximum or minimum over no elements, unless the result has none either.
///
/// # Panics
/// If there is no such axis.
pub fn reduce(op: Reduce, x: &Array<f64>, axes: &[usize]) -> Result<Array<f64>, KernelError> {
    if !enter(Kind::Reduce(op), || work(x, axes)) {
        return Ok(Array::zeros(&groups(x.shape(), axes).1));
    }
    if axes.len() == x.ndim() && axes.is_sorted_by(|a, b| a < b) && op == Reduce::Sum {
        return Ok(Array::scalar(sum_all(x.as_slice())));
    }
    if matches!(op, Reduce::Max | Reduce::Min) && x.is_empty() {
        let kept = groups(x.shape(), axes).1;
        return if kept.contains(&0) {
            Ok(Array::zeros(&kept))
        } else {
            Err(KernelError::EmptyReduction { op: op.name() })
        };
    }
    Ok(fold_axes(x, axes, |from, n, inner, to| fold_rows(op, from, n, inner, to)))
}

/// Integers summed over `axes`; overflow wraps.
///
/// # Panics
/// If there is no such axis.
pub fn int_sum(x: &Array<i64>, axes: &[usize]) -> Array<i64> {
    int_reduce(Reduce::Sum, x, axes)
}

/// Integers reduced over `axes`; overflow wraps. The maximum of none is the least integer, the minimum the greatest.
///
/// # Panics
/// If there is no such axis.
pub fn int_reduce(op: Reduce, x: &Array<i64>, axes: &[usize]) -> Array<i64> {
    if !enter_of::<i64>(Kind::Other(Other::IntSum), || work(x, axes)) {
        return Array::zeros(&groups(x.shape(), axes).1);
    }
    fold_axes(x, axes, |from, n, inner, to| match op {
        Reduce::Sum => fold_simply(from, n, inner, to, 0, i64::wrapping_add),
        Reduce::Prod => fold_simply(from, n, inner, to, 1, i64::wrapping_mul),
        Reduce::Max => fold_simply(from, n, inner, to, i64::MIN, i64::max),
        Reduce::Min => fold_simply(from, n, inner, to, i64::MAX, i64::min),
    })
}

/// Booleans reduced over `axes`.
///
/// # Panics
/// If there is no such axis.
pub fn reduce_bool(op: ReduceBool, x: &Array<bool>, axes: &[usize]) -> Array<bool> {
    if !enter_of::<bool>(Kind::ReduceBool(op), || work(x, axes)) {
        return Array::zeros(&groups(x.shape(), axes).1);
    }
    fold_axes(x, axes, |from, n, inner, to| match op {
        ReduceBool::All => fold_simply(from, n, inner, to, true, |a, b| a & b),
        ReduceBool::Any => fold_simply(from, n, inner, to, false, |a, b| a | b),
    })
}

/// Reduces outer × n × inner to outer × inner, row after row.
#[inline(always)]
fn fold_simply<T: Element>(from: &[T], n: usize, inner: usize, to: &mut [T], start: T, f: impl Fn(T, T) -> T) {
    to.fill(start);
    if n * inner == 0 {
        return;
    }
    for (block, to) in from.chunks_exact(n * inner).zip(to.chunks_exact_mut(inner)) {
        for row in block.chunks_exact(inner) {
            to.iter_mut().zip(row).for_each(|(to, &x)| *to = f(*to, x));
        }
    }
}

/// As [`fold_simply`], but a contiguous run goes through several accumulators.
fn fold_rows(op: Reduce, from: &[f64], n: usize, inner: usize, to: &mut [f64]) {
    match op {
        Reduce::Sum => sum_fold(from, n, inner, to),
        _ if inner == 1 && n > 0 => runs_into(op, from, n, to),
        Reduce::Prod => fold_simply(from, n, inner, to, 1.0, |a, b| a * b),
        Reduce::Max => fold_simply(from, n, inner, to, f64::NEG_INFINITY, max),
        Reduce::Min => fold_simply(from, n, inner, to, f64::INFINITY, min),
    }
}

vectorized! {
    /// Every run of `n` elements reduced to one. Uncounted: a block of a fused kernel.
    pub(crate) fn runs_into(op: Reduce, from: &[f64], n: usize, to: &mut [f64]) {
        match op {
            Reduce::Sum => sum_runs(from, n, to),
            Reduce::Prod => fold_runs(from, n, to, 1.0, |a, b| a * b),
            Reduce::Max => fold_runs(from, n, to, f64::NEG_INFINITY, max),
            Reduce::Min => fold_runs(from, n, to, f64::INFINITY, min),
        }
    }
}

#[inline(always)]
fn fold_runs(from: &[f64], n: usize, to: &mut [f64], start: f64, f: impl Fn(f64, f64) -> f64 + Copy) {
    for (run, to) in from.chunks_exact(n).zip(to) {
        *to = if n < 16 { run.iter().fold(start, |a, &b| f(a, b)) } else { fold_run(run, start, f) };
    }
}

#[inline(always)]
fn fold_run(run: &[f64], start: f64, f: impl Fn(f64, f64) -> f64 + Copy) -> f64 {
    let mut lanes = [start; 8];
    let (blocks, rest) = run.as_chunks::<8>();
    for block in blocks {
        for i in 0..8 {
            lanes[i] = f(lanes[i], block[i]);
        }
    }
    lanes.iter().chain(rest).fold(start, |a, &b| f(a, b))
}

/// The sum of every run of `n` elements, the same bits as of [`sum_all`].
#[inline(always)]
fn sum_runs(from: &[f64], n: usize, to: &mut [f64]) {
    match n {
        0 => to.fill(0.0),
        8 | 16 | LANES.. => sum_whole_runs(from, n, to),
        1..8 => sum_short_runs::<8>(from, n, to),
        9..16 => sum_short_runs::<16>(from, n, to),
        _ => sum_short_runs::<LANES>(from, n, to),
    }
}

/// As [`sum_runs`] for runs that fill the lanes.
#[inline(always)]
fn sum_whole_runs(from: &[f64], n: usize, to: &mut [f64]) {
    for (run, to) in from.chunks_exact(n).zip(to) {
        *to = match n {
            8 => sum_lanes::<8>(run),
            16 => sum_lanes::<16>(run),
            LANES..=BLOCK => sum_lanes::<LANES>(run),
            _ => sum_chunks(run),
        };
    }
}

/// As [`sum_runs`] for runs of less than `WIDTH` elements. So many are read at a time and those of the next run left out,
/// which takes a quarter of the time of reading a number of them that is known at run time only.
#[inline(always)]
fn sum_short_runs<const WIDTH: usize>(from: &[f64], n: usize, to: &mut [f64]) {
    let (mut runs, mut sums) = (from, to.iter_mut());
    while let Some(block) = runs.first_chunk::<WIDTH>() {
        let Some(to) = sums.next() else { return };
        // Keeps the compiler from gathering the elements of several runs to sum these at once, which is slow.
        let n = std::hint::black_box(n);
        *to = sum_lanes::<WIDTH>(&std::array::from_fn::<f64, WIDTH, _>(|i| if i < n { block[i] } else { 0.0 }));
        runs = &runs[n..];
    }
    runs.chunks_exact(n).zip(sums).for_each(|(run, to)| *to = sum_lanes::<WIDTH>(run));
}

/// The sum of one block in `WIDTH` accumulators. Lanes that no element reaches stay zero, and adding them changes nothing (a
/// lane is never -0), so a block that fits into fewer lanes than [`LANES`] has the same sum with fewer.
#[inline(always)]
fn sum_lanes<const WIDTH: usize>(block: &[f64]) -> f64 {
    let mut lanes = [0.0; WIDTH];
    let (whole, rest) = block.as_chunks::<WIDTH>();
    for part in whole {
        for i in 0..WIDTH {
            lanes[i] += part[i];
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x;
    }
    let mut width = WIDTH / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

vectorized! {
    /// The pairwise sum of all elements; 0 for none. Uncounted: a block of a fused kernel.
    pub fn sum_all(x: &[f64]) -> f64 {
        sum_chunks(x)
    }
}

#[inline(always)]
fn sum_chunks(x: &[f64]) -> f64 {
    let mut partial = [0.0; usize::BITS as usize];
    let mut depth = 0;
    for (i, block) in x.chunks(BLOCK).enumerate() {
        let mut sum = sum_lanes::<LANES>(block);
        for _ in 0..i.trailing_ones() {
            depth -= 1;
            sum += partial[depth];
        }
        partial[depth] = sum;
        depth += 1;
    }
    partial[..depth].iter().rev().copied().reduce(|a, b| a + b).unwrap_or(0.0)
}

fn sum_fold(from: &[f64], n: usize, inner: usize, to: &mut [f64]) {
    if n * inner == 0 {
        to.fill(0.0);
    } else if inner == 1 {
        runs_into(Reduce::Sum, from, n, to);
    } else {
        let mut scratch = vec![0.0; if n > ROWS { inner * n.ilog2() as usize } else { 0 }];
        for (block, to) in from.chunks_exact(n * inner).zip(to.chunks_exact_mut(inner)) {
            sum_rows(block, inner, to, &mut scratch);
        }
    }
}

/// The sum of the rows of `block` into `to`, halves first; `scratch` holds one row for each halving.
fn sum_rows(block: &[f64], inner: usize, to: &mut [f64], scratch: &mut [f64]) {
    let n = block.len() / inner;
    if n <= ROWS {
        to.fill(0.0);
        return add_quads(block, inner, to);
    }
    let (first, second) = block.split_at((n / 2).next_multiple_of(ROWS) * inner);
    let (row, scratch) = scratch.split_at_mut(inner);
    sum_rows(first, inner, to, scratch);
    sum_rows(second, inner, row, scratch);
    to.iter_mut().zip(row).for_each(|(to, x)| *to += *x);
}

vectorized! {
    /// Adds rows four at a time, and what is left one by one.
    pub(crate) fn add_quads(block: &[f64], inner: usize, to: &mut [f64]) {
        let mut fours = block.chunks_exact(4 * inner);
        for four in &mut fours {
            let (ab, cd) = four.split_at(2 * inner);
            let ((a, b), (c, d)) = (ab.split_at(inner), cd.split_at(inner));
            for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *to += (a + b) + (c + d);
            }
        }
        for row in fours.remainder().chunks_exact(inner) {
            for (to, x) in to.iter_mut().zip(row) {
                *to += x;
            }
        }
    }
}

/// The index along `axis` of the first largest element, or of the first NaN if there is one.
///
/// # Errors
/// [`KernelError::EmptyReduction`] if the axis has no elements but the result has some.
///
/// # Panics
/// If there is no such axis.
pub fn argmax(x: &Array<f64>, axis: usize) -> Result<Array<i64>, KernelError> {
    arg(Other::ArgMax, x, axis, |a, b| a > b)
}

/// The index along `axis` of the first smallest element, or of the first NaN if there is one.
///
/// # Errors
/// As [`argmax`].
///
/// # Panics
/// If there is no such axis.
pub fn argmin(x: &Array<f64>, axis: usize) -> Result<Array<i64>, KernelError> {
    arg(Other::ArgMin, x, axis, |a, b| a < b)
}

fn arg(kind: Other, x: &Array<f64>, axis: usize, beats: fn(f64, f64) -> bool) -> Result<Array<i64>, KernelError> {
    assert!(axis < x.ndim(), "axis {axis} of shape {:?}", x.shape());
    let (n, inner) = (x.shape()[axis], count(&x.shape()[axis + 1..]));
    let shape = [&x.shape()[..axis], &x.shape()[axis + 1..]].concat();
    if !enter(Kind::Other(kind), || work(x, &[axis])) {
        return Ok(Array::zeros(&shape));
    }
    if n == 0 && count(&shape) > 0 {
        return Err(KernelError::EmptyReduction { op: kind.name() });
    }
    let best = |o: usize, j: usize| {
        let at = |i: usize| x.as_slice()[(o * n + i) * inner + j];
        (1..n).fold(
            0,
            |best, i| {
                if !at(best).is_nan() && (beats(at(i), at(best)) || at(i).is_nan()) { i } else { best }
            },
        )
    };
    let outer = count(&x.shape()[..axis]);
    Ok(Array::collect(&shape, (0..outer).flat_map(|o| (0..inner).map(move |j| (o, j))).map(|(o, j)| best(o, j) as i64)))
}

/// Running sums along `axis`, in order.
///
/// # Panics
/// If there is no such axis.
pub fn cumsum<T: Number + std::ops::Add<Output = T>>(x: &Array<T>, axis: usize) -> Array<T> {
    assert!(axis < x.ndim(), "axis {axis} of shape {:?}", x.shape());
    let compute =
        enter_of::<T>(Kind::Other(Other::Cumsum), || Work { flops: x.len(), read: x.bytes(), written: x.bytes() });
    if !compute {
        return Array::zeros(x.shape());
    }
    let (n, inner) = (x.shape()[axis], count(&x.shape()[axis + 1..]));
    let mut out = Array::from_slice(x.shape(), x.as_slice());
    if n * inner > 0 {
        for block in out.make_mut().chunks_exact_mut(n * inner) {
            for i in inner..n * inner {
                block[i] = block[i] + block[i - inner];
            }
        }
    }
    out
}
