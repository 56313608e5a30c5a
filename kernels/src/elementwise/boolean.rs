//! Comparisons, connectives, and the choice between two operands.

use std::mem::MaybeUninit;

use super::{Lanes, zip};
use crate::array::{Arg, Array, Element};
use crate::buffer::as_uninit;
use crate::counts::Work;
use crate::mode::enter_of;
use crate::ops::{Compare, Kind, Logic, Other};
use crate::shape::{Plan, broadcast_or_panic};
use crate::simd::vectorized;

/// An element type that is ordered.
pub trait Number: Element + PartialOrd {}
impl Number for f64 {}
impl Number for i64 {}

impl Compare {
    /// The value on scalars.
    #[inline]
    pub fn eval<T: Number>(self, x: T, y: T) -> bool {
        match self {
            Self::Lt => x < y,
            Self::Le => x <= y,
            Self::Gt => x > y,
            Self::Ge => x >= y,
            Self::Eq => x == y,
            Self::Ne => x != y,
        }
    }
}

impl Logic {
    /// The value on scalars.
    #[inline]
    pub fn eval(self, x: bool, y: bool) -> bool {
        match self {
            Self::And => x & y,
            Self::Or => x | y,
            Self::Xor => x ^ y,
        }
    }
}

#[inline(always)]
fn zip_with<T: Element>(dst: &mut [MaybeUninit<bool>], a: Lanes<'_, T>, b: Lanes<'_, T>, f: impl Fn(T, T) -> bool) {
    match (a, b) {
        (Lanes::Slice(a), Lanes::Slice(b)) => dst.iter_mut().zip(a).zip(b).for_each(|((d, &x), &y)| {
            d.write(f(x, y));
        }),
        (Lanes::Slice(a), Lanes::Splat(y)) => dst.iter_mut().zip(a).for_each(|(d, &x)| {
            d.write(f(x, y));
        }),
        (Lanes::Splat(x), Lanes::Slice(b)) => dst.iter_mut().zip(b).for_each(|(d, &y)| {
            d.write(f(x, y));
        }),
        (Lanes::Splat(x), Lanes::Splat(y)) => dst.fill(MaybeUninit::new(f(x, y))),
    }
}

vectorized! {
    fn fill_compare<T: Number>(op: Compare, dst: &mut [MaybeUninit<bool>], a: Lanes<'_, T>, b: Lanes<'_, T>) {
        match op {
            Compare::Lt => zip_with(dst, a, b, |x, y| x < y),
            Compare::Le => zip_with(dst, a, b, |x, y| x <= y),
            Compare::Gt => zip_with(dst, a, b, |x, y| x > y),
            Compare::Ge => zip_with(dst, a, b, |x, y| x >= y),
            Compare::Eq => zip_with(dst, a, b, |x, y| x == y),
            Compare::Ne => zip_with(dst, a, b, |x, y| x != y),
        }
    }
}

vectorized! {
    fn fill_logic(op: Logic, dst: &mut [MaybeUninit<bool>], a: Lanes<'_, bool>, b: Lanes<'_, bool>) {
        match op {
            Logic::And => zip_with(dst, a, b, |x, y| x & y),
            Logic::Or => zip_with(dst, a, b, |x, y| x | y),
            Logic::Xor => zip_with(dst, a, b, |x, y| x ^ y),
        }
    }
}

/// `op(a, b)` of every pair of numbers, broadcasting.
///
/// # Panics
/// If the shapes do not broadcast.
pub fn compare<T: Number>(op: Compare, a: Arg<'_, T>, b: Arg<'_, T>) -> Array<bool> {
    zip(Kind::Compare(op), a, b, |dst, a, b| fill_compare(op, dst, a, b))
}

/// `op(a, b)` of every pair of booleans, broadcasting.
///
/// # Panics
/// If the shapes do not broadcast.
pub fn logic(op: Logic, a: Arg<'_, bool>, b: Arg<'_, bool>) -> Array<bool> {
    zip(Kind::Logic(op), a, b, |dst, a, b| fill_logic(op, dst, a, b))
}

/// `dst[i] = op(a[i], b[i])` on one thread, uncounted: a block of a fused kernel.
///
/// # Panics
/// If lengths differ.
pub fn compare_slices_into<T: Number>(op: Compare, a: Lanes<'_, T>, b: Lanes<'_, T>, dst: &mut [bool]) {
    a.check(dst.len());
    b.check(dst.len());
    fill_compare(op, as_uninit(dst), a, b);
}

/// As [`compare_slices_into`] for connectives.
///
/// # Panics
/// If lengths differ.
pub fn logic_slices_into(op: Logic, a: Lanes<'_, bool>, b: Lanes<'_, bool>, dst: &mut [bool]) {
    a.check(dst.len());
    b.check(dst.len());
    fill_logic(op, as_uninit(dst), a, b);
}

/// `dst[i] = a[i]` where `mask[i]`, else `b[i]`, on one thread, uncounted: a block of a fused kernel.
///
/// # Panics
/// If lengths differ.
pub fn select_slices_into<T: Element>(mask: Lanes<'_, bool>, a: Lanes<'_, T>, b: Lanes<'_, T>, dst: &mut [T]) {
    mask.check(dst.len());
    a.check(dst.len());
    b.check(dst.len());
    select_run(as_uninit(dst), mask, a, b);
}

/// The negation of every boolean.
pub fn not(x: &Array<bool>) -> Array<bool> {
    if !enter_of::<bool>(Kind::Other(Other::Not), || Work { flops: x.len(), read: x.bytes(), written: x.bytes() }) {
        return Array::zeros_of(x.shape(), x.len());
    }
    Array::collect(x.shape(), x.as_slice().iter().map(|&x| !x))
}

vectorized! {
    fn fill_select<T: Element>(dst: &mut [MaybeUninit<T>], mask: &[bool], a: Lanes<'_, T>, b: Lanes<'_, T>) {
        match (a, b) {
            (Lanes::Slice(a), Lanes::Slice(b)) => {
                for (((d, &m), &x), &y) in dst.iter_mut().zip(mask).zip(a).zip(b) {
                    d.write(if m { x } else { y });
                }
            }
            (Lanes::Slice(a), Lanes::Splat(y)) => {
                for ((d, &m), &x) in dst.iter_mut().zip(mask).zip(a) {
                    d.write(if m { x } else { y });
                }
            }
            (Lanes::Splat(x), Lanes::Slice(b)) => {
                for ((d, &m), &y) in dst.iter_mut().zip(mask).zip(b) {
                    d.write(if m { x } else { y });
                }
            }
            (Lanes::Splat(x), Lanes::Splat(y)) => {
                for (d, &m) in dst.iter_mut().zip(mask) {
                    d.write(if m { x } else { y });
                }
            }
        }
    }
}

fn select_run<T: Element>(dst: &mut [MaybeUninit<T>], mask: Lanes<'_, bool>, a: Lanes<'_, T>, b: Lanes<'_, T>) {
    match mask {
        Lanes::Slice(mask) => fill_select(dst, mask, a, b),
        Lanes::Splat(m) => match if m { a } else { b } {
            Lanes::Slice(from) => dst.iter_mut().zip(from).for_each(|(d, &x)| {
                d.write(x);
            }),
            Lanes::Splat(x) => dst.fill(MaybeUninit::new(x)),
        },
    }
}

/// `a` where `mask` is true and `b` elsewhere (NumPy's `where`), all three broadcasting. Of three scalars the result has
/// rank 0.
///
/// # Panics
/// If the shapes do not broadcast.
#[expect(unsafe_code, reason = "results are written once, not zeroed first")]
pub fn select<T: Element>(mask: Arg<'_, bool>, a: Arg<'_, T>, b: Arg<'_, T>) -> Array<T> {
    let shape = broadcast_or_panic(mask.shape(), &broadcast_or_panic(a.shape(), b.shape()));
    let len: usize = shape.iter().product();
    let read = mask.len() + (a.len() + b.len()) * size_of::<T>();
    if !enter_of::<T>(Kind::Other(Other::Select), || Work { flops: len, read, written: len * size_of::<T>() }) {
        return Array::zeros(&shape);
    }
    let plan = Plan::new(&shape, [mask.shape(), a.shape(), b.shape()]);
    let [m_moves, a_moves, b_moves] = plan.advances;
    // SAFETY: the runs of the plan tile the result, and each is filled.
    unsafe {
        Array::build(&shape, |out| {
            let mut runs = out.chunks_exact_mut(plan.run.max(1));
            plan.for_each(|[i, j, k]| {
                let part = runs.next().expect("as many runs as the plan visits");
                let n = part.len();
                select_run(
                    part,
                    Lanes::run(mask, i, n, m_moves),
                    Lanes::run(a, j, n, a_moves),
                    Lanes::run(b, k, n, b_moves),
                );
            });
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_treat_nan_as_unordered() {
        let a = Array::from_vec(&[3], vec![1.0, f64::NAN, 2.0]);
        for &op in Compare::ALL {
            let all = compare(op, (&a).into(), Arg::Scalar(2.0));
            assert_eq!(all.as_slice(), a.as_slice().iter().map(|&x| op.eval(x, 2.0)).collect::<Vec<_>>(), "{op:?}");
            assert_eq!(all.as_slice()[1], op == Compare::Ne);
        }
    }

    #[test]
    fn select_broadcasts_all_three() {
        let mask = Array::from_vec(&[2, 1], vec![true, false]);
        let a = Array::from_vec(&[3], vec![1, 2, 3]);
        let out = select((&mask).into(), (&a).into(), Arg::Scalar(0));
        assert_eq!(out, Array::from_vec(&[2, 3], vec![1, 2, 3, 0, 0, 0]));
        let mask = Array::from_vec(&[3], vec![true, false, true]);
        assert_eq!(select((&mask).into(), Arg::Scalar(9), (&a).into()).as_slice(), [9, 2, 9]);
        assert_eq!(select(Arg::Scalar(true), Arg::Scalar(1.0), Arg::Scalar(2.0)).item(), 1.0);
        assert!(select((&Array::zeros(&[0])).into(), Arg::Scalar(1.0), Arg::Scalar(2.0)).is_empty());
    }

    #[test]
    fn logic_and_not() {
        let a = Array::from_vec(&[4], vec![false, false, true, true]);
        let b = Array::from_vec(&[4], vec![false, true, false, true]);
        for &op in Logic::ALL {
            let expected: Vec<_> = (0..4).map(|i| op.eval(a.as_slice()[i], b.as_slice()[i])).collect();
            assert_eq!(logic(op, (&a).into(), (&b).into()).as_slice(), expected);
        }
        assert_eq!(not(&a).as_slice(), [true, true, false, false]);
    }
}
