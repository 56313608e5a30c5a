//! Elementwise kernels: each has a function on arrays, one that writes in place, and one on slices for a caller that works
//! block by block. Operands broadcast by NumPy's rule.
//!
//! [`zip`] and [`zip_assign`] do for every two-operand kernel what is the same: the result's shape, the count, the runs of a
//! broadcast, the threads. An operation then is a function of [`Lanes`], an operand along one run.

use std::mem::MaybeUninit;

use crate::array::{Arg, Array, Element};
use crate::counts::Work;
use crate::mode::enter_of;
use crate::ops::Kind;
use crate::shape::{Plan, broadcast_or_panic, same};
use crate::threads;

mod binary;
mod boolean;
mod cast;
mod integer;
mod power;
#[cfg(test)]
mod tests;
mod unary;

pub use binary::{
    binary, binary_assign, binary_assign_right, binary_slices_assign, binary_slices_assign_right, binary_slices_into,
};
pub(crate) use binary::{max, min};
pub use boolean::{Number, compare, compare_slices_into, logic, logic_slices_into, not, select, select_slices_into};
pub use cast::{bool_to_f64, bool_to_i64, f64_to_i64, to_f64};
pub use integer::{int_binary, int_binary_slices_into, int_unary};
pub use power::{MAX_POWER, power, power_array, power_assign};
pub(crate) use power::{power_slice_assign, power_slices_into};
pub use unary::{unary, unary_assign, unary_into, unary_slice_assign};

/// An operand along a run of elements.
#[derive(Clone, Copy, Debug)]
pub enum Lanes<'a, T> {
    /// One element for each of the run.
    Slice(&'a [T]),
    /// One value for all.
    Splat(T),
}

impl<'a, T: Element> Lanes<'a, T> {
    pub(crate) fn check(&self, len: usize) {
        if let Self::Slice(slice) = self {
            assert_eq!(slice.len(), len, "operand and result differ in length");
        }
    }

    /// The first value and the step to the next.
    pub(crate) fn as_ptr(&self) -> (*const T, usize) {
        match self {
            Self::Slice(slice) => (slice.as_ptr(), 1),
            Self::Splat(value) => (value, 0),
        }
    }

    pub(crate) fn at(&self, i: usize) -> T {
        match self {
            Self::Slice(slice) => slice[i],
            Self::Splat(value) => *value,
        }
    }

    pub(crate) fn part(&self, start: usize, len: usize) -> Self {
        match self {
            Self::Slice(slice) => Self::Slice(&slice[start..start + len]),
            Self::Splat(value) => Self::Splat(*value),
        }
    }

    /// The run of an operand that starts at `start` in `arg` and advances or does not.
    fn run(arg: Arg<'a, T>, start: usize, len: usize, advances: bool) -> Self {
        match arg {
            Arg::Scalar(value) => Self::Splat(value),
            Arg::Array(array) if advances => Self::Slice(&array.as_slice()[start..start + len]),
            Arg::Array(array) => Self::Splat(array.as_slice()[start]),
        }
    }

    /// An operand that needs no broadcasting to `len` elements.
    fn whole(arg: Arg<'a, T>) -> Self {
        match arg {
            Arg::Scalar(value) => Self::Splat(value),
            Arg::Array(array) => Self::Slice(array.as_slice()),
        }
    }
}

/// `dst[i] = f(src[i])`.
#[inline(always)]
pub(crate) fn map_slices_into<T: Element, U: Element>(src: Lanes<'_, T>, dst: &mut [U], f: impl Fn(T) -> U) {
    src.check(dst.len());
    match src {
        Lanes::Slice(src) => dst.iter_mut().zip(src).for_each(|(d, &x)| *d = f(x)),
        Lanes::Splat(x) => dst.fill(f(x)),
    }
}

/// The lengths of axes and the number of elements of a result if no operand has to be repeated, scalars aside.
#[inline]
fn common<'a, T: Element, S: Element>(a: Arg<'a, T>, b: Arg<'a, S>) -> Option<(&'a [usize], usize)> {
    match (a, b) {
        (Arg::Array(x), Arg::Array(y)) if same(x.shape(), y.shape()) => Some((x.shape(), x.len())),
        (Arg::Array(x), Arg::Scalar(_)) => Some((x.shape(), x.len())),
        (Arg::Scalar(_), Arg::Array(y)) => Some((y.shape(), y.len())),
        (Arg::Scalar(_), Arg::Scalar(_)) => Some((&[], 1)),
        (Arg::Array(_), Arg::Array(_)) => None,
    }
}

/// `out = run(a, b)` elementwise, broadcasting; `run` fills a run of the result.
#[inline]
fn zip<T: Element, U: Element>(
    kind: Kind,
    a: Arg<'_, T>,
    b: Arg<'_, T>,
    run: impl Fn(&mut [MaybeUninit<U>], Lanes<'_, T>, Lanes<'_, T>) + Sync,
) -> Array<U> {
    match common(a, b) {
        Some(common) => zip_equal(kind, common, a, b, run),
        None => match (a, b) {
            (Arg::Array(x), Arg::Array(row)) if repeats(row, x) => {
                zip_rows(kind, x, row, |out, x, row| run(out, x, row))
            }
            (Arg::Array(row), Arg::Array(x)) if repeats(row, x) => {
                zip_rows(kind, x, row, |out, x, row| run(out, row, x))
            }
            _ => zip_broadcast(kind, a, b, run),
        },
    }
}

fn work<T: Element, U: Element>(len: usize, a: Arg<'_, T>, b: Arg<'_, T>) -> Work {
    Work { flops: len, read: (a.len() + b.len()) * size_of::<T>(), written: len * size_of::<U>() }
}

#[expect(unsafe_code, reason = "results are written once, not zeroed first")]
#[inline]
fn zip_equal<T: Element, U: Element>(
    kind: Kind,
    (shape, len): (&[usize], usize),
    a: Arg<'_, T>,
    b: Arg<'_, T>,
    run: impl Fn(&mut [MaybeUninit<U>], Lanes<'_, T>, Lanes<'_, T>) + Sync,
) -> Array<U> {
    if !enter_of::<T>(kind, || work::<T, U>(len, a, b)) {
        return Array::zeros_of(shape, len);
    }
    let (x, y) = (Lanes::whole(a), Lanes::whole(b));
    // SAFETY: `run` fills what it is given.
    unsafe {
        Array::build_of(shape, len, |out| {
            threads::parts(out, |start, part| {
                let len = part.len();
                run(part, x.part(start, len), y.part(start, len));
            });
        })
    }
}

/// Whether `row` is repeated over the leading axes of `x`, and over nothing else.
fn repeats<T: Element>(row: &Array<T>, x: &Array<T>) -> bool {
    x.shape().ends_with(row.shape()) && !row.is_empty()
}

/// Short rows are laid out several times in a tile of this many elements, so that runs are not short.
const TILE: usize = 64;

/// `row`, or as many copies of it as fit into `tile` if that is several.
fn tiled<'t, T: Element>(row: &'t [T], tile: &'t mut [T; TILE]) -> &'t [T] {
    if row.len() > TILE / 2 {
        return row;
    }
    let len = TILE / row.len() * row.len();
    tile[..len].chunks_exact_mut(row.len()).for_each(|copy| copy.copy_from_slice(row));
    &tile[..len]
}

/// `out = run(x, row)` elementwise, with `row` repeated over the leading axes of `x`.
#[expect(unsafe_code, reason = "results are written once, not zeroed first")]
#[inline(never)]
fn zip_rows<T: Element, U: Element>(
    kind: Kind,
    x: &Array<T>,
    row: &Array<T>,
    run: impl Fn(&mut [MaybeUninit<U>], Lanes<'_, T>, Lanes<'_, T>),
) -> Array<U> {
    if !enter_of::<T>(kind, || work::<T, U>(x.len(), Arg::Array(x), Arg::Array(row))) {
        return Array::zeros_of(x.shape(), x.len());
    }
    let mut tile = [T::default(); TILE];
    let row = tiled(row.as_slice(), &mut tile);
    let fill = |out: &mut [MaybeUninit<U>]| {
        let parts = out.chunks_mut(row.len()).zip(x.as_slice().chunks(row.len()));
        parts.for_each(|(out, x)| run(out, Lanes::Slice(x), Lanes::Slice(&row[..x.len()])));
    };
    // SAFETY: the parts tile the result, and `run` fills each.
    unsafe { Array::build_of(x.shape(), x.len(), fill) }
}

#[expect(unsafe_code, reason = "results are written once, not zeroed first")]
#[inline(never)]
fn zip_broadcast<T: Element, U: Element>(
    kind: Kind,
    a: Arg<'_, T>,
    b: Arg<'_, T>,
    run: impl Fn(&mut [MaybeUninit<U>], Lanes<'_, T>, Lanes<'_, T>) + Sync,
) -> Array<U> {
    let shape = broadcast_or_panic(a.shape(), b.shape());
    if !enter_of::<T>(kind, || work::<T, U>(shape.iter().product(), a, b)) {
        return Array::zeros(&shape);
    }
    let plan = Plan::new(&shape, [a.shape(), b.shape()]);
    // SAFETY: the runs of the plan tile the result, and `run` fills each.
    unsafe {
        Array::build(&shape, |out| {
            let mut runs = out.chunks_exact_mut(plan.run.max(1));
            plan.for_each(|[i, j]| {
                let part = runs.next().expect("as many runs as the plan visits");
                let len = part.len();
                let [x_moves, y_moves] = plan.advances;
                run(part, Lanes::run(a, i, len, x_moves), Lanes::run(b, j, len, y_moves));
            });
        })
    }
}

/// `dst = run(dst, rhs)` in place, `rhs` broadcast to `dst`.
#[inline]
fn zip_assign<T: Element>(
    kind: Kind,
    dst: &mut Array<T>,
    rhs: Arg<'_, T>,
    run: impl Fn(&mut [T], Lanes<'_, T>) + Sync,
) {
    let compute = enter_of::<T>(kind, || work::<T, T>(dst.len(), Arg::Array(dst), rhs));
    if common(Arg::Array(dst), rhs).is_none() {
        return assign_broadcast(dst, rhs, compute, run);
    }
    let to = dst.make_mut();
    if compute {
        let rhs = Lanes::whole(rhs);
        threads::parts(to, |start, part| {
            let len = part.len();
            run(part, rhs.part(start, len));
        });
    }
}

#[inline(never)]
fn assign_broadcast<T: Element>(
    dst: &mut Array<T>,
    rhs: Arg<'_, T>,
    compute: bool,
    run: impl Fn(&mut [T], Lanes<'_, T>),
) {
    let repeated = match rhs {
        Arg::Array(row) if repeats(row, dst) => Some(row),
        Arg::Array(_) | Arg::Scalar(_) => None,
    };
    let plan = repeated.is_none().then(|| Plan::new(dst.shape(), [broadcastable_to(rhs.shape(), dst.shape())]));
    let to = dst.make_mut();
    if !compute {
        return;
    }
    if let Some(row) = repeated {
        let mut tile = [T::default(); TILE];
        let row = tiled(row.as_slice(), &mut tile);
        to.chunks_mut(row.len()).for_each(|part| run(part, Lanes::Slice(&row[..part.len()])));
    } else if let Some(plan) = plan {
        let mut runs = to.chunks_exact_mut(plan.run.max(1));
        plan.for_each(|[i]| {
            let part = runs.next().expect("as many runs as the plan visits");
            let len = part.len();
            run(part, Lanes::run(rhs, i, len, plan.advances[0]));
        });
    }
}

/// `shape`, which must broadcast to `target`.
fn broadcastable_to<'a>(shape: &'a [usize], target: &[usize]) -> &'a [usize] {
    let common = broadcast_or_panic(shape, target);
    assert_eq!(&common[..], target, "an operand of shape {shape:?} does not broadcast to {target:?} in place");
    shape
}
