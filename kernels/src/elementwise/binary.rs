//! Functions of two floats.

use std::mem::MaybeUninit;

use super::{Lanes, zip, zip_assign};
use crate::array::{Arg, Array};
use crate::buffer::as_uninit;
use crate::ops::{Binary, Kind};
use crate::simd::mvec::{self, Function2};
use crate::simd::vectorized;

/// `op(a, b)` of every pair of elements; operands broadcast, and of two scalars the result has rank 0.
///
/// # Panics
/// If the shapes do not broadcast.
#[inline]
pub fn binary(op: Binary, a: Arg<'_, f64>, b: Arg<'_, f64>) -> Array<f64> {
    zip(Kind::Binary(op), a, b, |dst, a, b| fill(op, dst, a, b))
}

/// `dst = op(dst, rhs)`, in place if no other array shares the elements of `dst`.
///
/// # Panics
/// If `rhs` does not broadcast to `dst`'s shape.
#[inline]
pub fn binary_assign(op: Binary, dst: &mut Array<f64>, rhs: Arg<'_, f64>) {
    zip_assign(Kind::Binary(op), dst, rhs, |dst, rhs| binary_slices_assign(op, dst, rhs));
}

/// `dst = op(lhs, dst)`: as [`binary_assign`] with the operands exchanged.
#[inline]
pub fn binary_assign_right(op: Binary, lhs: Arg<'_, f64>, dst: &mut Array<f64>) {
    zip_assign(Kind::Binary(op), dst, lhs, |dst, lhs| binary_slices_assign_right(op, lhs, dst));
}

/// `dst[i] = op(a[i], b[i])` on one thread, uncounted: a block of a fused kernel.
///
/// # Panics
/// If lengths differ.
pub fn binary_slices_into(op: Binary, a: Lanes<'_, f64>, b: Lanes<'_, f64>, dst: &mut [f64]) {
    fill(op, as_uninit(dst), a, b);
}

impl Binary {
    /// The value on scalars, the same bits as in an array.
    pub fn eval(self, x: f64, y: f64) -> f64 {
        match self {
            Self::Add => x + y,
            Self::Sub => x - y,
            Self::Mul => x * y,
            Self::Div => x / y,
            Self::Maximum => max(x, y),
            Self::Minimum => min(x, y),
            Self::Mod => modulo(x, y),
            Self::FloorDiv => floor_div(x, y),
            Self::Pow | Self::Arctan2 => {
                let mut z = [x];
                binary_slices_assign(self, &mut z, Lanes::Splat(y));
                z[0]
            }
        }
    }
}

#[inline(always)]
pub(crate) fn max(x: f64, y: f64) -> f64 {
    if x >= y || x.is_nan() { x } else { y }
}

#[inline(always)]
pub(crate) fn min(x: f64, y: f64) -> f64 {
    if x <= y || x.is_nan() { x } else { y }
}

/// x − y·⌊x / y⌋ with the sign of y, as CPython and NumPy compute it: from the exact remainder of the truncated quotient.
#[inline(always)]
fn modulo(x: f64, y: f64) -> f64 {
    let r = x % y;
    if y == 0.0 {
        r
    } else if r == 0.0 {
        0f64.copysign(y)
    } else if (y < 0.0) != (r < 0.0) {
        r + y
    } else {
        r
    }
}

/// ⌊x / y⌋, from the same remainder as [`modulo`].
#[inline(always)]
fn floor_div(x: f64, y: f64) -> f64 {
    if y == 0.0 {
        return x / y;
    }
    let r = x % y;
    let quotient = (x - r) / y;
    let quotient = if r != 0.0 && (y < 0.0) != (r < 0.0) { quotient - 1.0 } else { quotient };
    if quotient == 0.0 {
        return 0f64.copysign(x / y);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

/// The lanes of a vector register; arrays are read in such blocks, so that small ones fill a register too.
const WIDTH: usize = 8;

/// `dst[i] = f(a[i], b[i])`, where `a` and `b` are read before `dst` is written, block by block.
#[inline(always)]
fn zip_with(dst: &mut [MaybeUninit<f64>], a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) {
    let (whole, rest) = dst.as_chunks_mut::<WIDTH>();
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<WIDTH>(), b.as_chunks::<WIDTH>());
    for ((d, &a), &b) in whole.iter_mut().zip(a).zip(b) {
        *d = std::array::from_fn(|i| MaybeUninit::new(f(a[i], b[i])));
    }
    for ((d, &x), &y) in rest.iter_mut().zip(a_rest).zip(b_rest) {
        d.write(f(x, y));
    }
}

/// `dst[i] = f(a[i])`. Not in blocks, of which LLVM makes gathers with AVX-512.
#[inline(always)]
fn map_with(dst: &mut [MaybeUninit<f64>], a: &[f64], f: impl Fn(f64) -> f64) {
    dst.iter_mut().zip(a).for_each(|(d, &x)| {
        d.write(f(x));
    });
}

/// As [`zip_with`], element by element: for functions whose blocks LLVM would make gathers of.
#[inline(always)]
fn zip_each(dst: &mut [MaybeUninit<f64>], a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) {
    dst.iter_mut().zip(a).zip(b).for_each(|((d, &x), &y)| {
        d.write(f(x, y));
    });
}

/// As [`zip_assign_with`], element by element.
#[inline(always)]
fn zip_assign_each(dst: &mut [f64], b: &[f64], f: impl Fn(f64, f64) -> f64) {
    dst.iter_mut().zip(b).for_each(|(d, &y)| *d = f(*d, y));
}

/// `dst[i] = f(dst[i], b[i])`.
#[inline(always)]
fn zip_assign_with(dst: &mut [f64], b: &[f64], f: impl Fn(f64, f64) -> f64) {
    let (whole, rest) = dst.as_chunks_mut::<WIDTH>();
    let (b, b_rest) = b.as_chunks::<WIDTH>();
    for (d, &b) in whole.iter_mut().zip(b) {
        let a = *d;
        *d = std::array::from_fn(|i| f(a[i], b[i]));
    }
    for (d, &y) in rest.iter_mut().zip(b_rest) {
        *d = f(*d, y);
    }
}

/// Declares an operation's loops: to another slice, and in place with the result on either side.
macro_rules! zip_loops {
    ($name:ident, $x:ident, $y:ident => $value:expr) => {
        zip_loops!($name, $x, $y => $value, zip_with, zip_assign_with);
    };
    ($name:ident, $x:ident, $y:ident => $value:expr, $zip:ident, $assign:ident) => {
        mod $name {
            use super::*;

            vectorized! {
                pub(super) fn into(dst: &mut [MaybeUninit<f64>], a: Lanes<'_, f64>, b: Lanes<'_, f64>) {
                    match (a, b) {
                        (Lanes::Slice(a), Lanes::Slice(b)) => $zip(dst, a, b, |$x, $y| $value),
                        (Lanes::Slice(a), Lanes::Splat($y)) => map_with(dst, a, |$x| $value),
                        (Lanes::Splat($x), Lanes::Slice(b)) => map_with(dst, b, |$y| $value),
                        (Lanes::Splat($x), Lanes::Splat($y)) => dst.fill(MaybeUninit::new($value)),
                    }
                }
            }

            vectorized! {
                pub(super) fn assign(dst: &mut [f64], b: Lanes<'_, f64>) {
                    match b {
                        Lanes::Slice(b) => $assign(dst, b, |$x, $y| $value),
                        Lanes::Splat($y) => dst.iter_mut().for_each(|d| {
                            let $x = *d;
                            *d = $value;
                        }),
                    }
                }
            }

            vectorized! {
                pub(super) fn assign_right(a: Lanes<'_, f64>, dst: &mut [f64]) {
                    match a {
                        Lanes::Slice(a) => $assign(dst, a, |$y, $x| $value),
                        Lanes::Splat($x) => dst.iter_mut().for_each(|d| {
                            let $y = *d;
                            *d = $value;
                        }),
                    }
                }
            }
        }
    };
}

zip_loops!(add, x, y => x + y);
zip_loops!(sub, x, y => x - y);
zip_loops!(mul, x, y => x * y);
zip_loops!(div, x, y => x / y);
zip_loops!(maximum, x, y => max(x, y), zip_each, zip_assign_each);
zip_loops!(minimum, x, y => min(x, y), zip_each, zip_assign_each);
zip_loops!(floor_mod, x, y => modulo(x, y));
zip_loops!(quotient, x, y => floor_div(x, y));

#[inline]
fn fill(op: Binary, dst: &mut [MaybeUninit<f64>], a: Lanes<'_, f64>, b: Lanes<'_, f64>) {
    a.check(dst.len());
    b.check(dst.len());
    match op {
        Binary::Add => add::into(dst, a, b),
        Binary::Sub => sub::into(dst, a, b),
        Binary::Mul => mul::into(dst, a, b),
        Binary::Div => div::into(dst, a, b),
        Binary::Maximum => maximum::into(dst, a, b),
        Binary::Minimum => minimum::into(dst, a, b),
        Binary::Mod => floor_mod::into(dst, a, b),
        Binary::FloorDiv => quotient::into(dst, a, b),
        Binary::Pow if matches!(b, Lanes::Splat(2.0)) => mul::into(dst, a, a),
        Binary::Pow => mvec::zip_into(Function2::Pow, dst, a, b),
        Binary::Arctan2 => mvec::zip_into(Function2::Arctan2, dst, a, b),
    }
}

/// `dst[i] = op(dst[i], b[i])` on one thread, uncounted.
///
/// # Panics
/// If lengths differ.
#[inline]
pub fn binary_slices_assign(op: Binary, dst: &mut [f64], b: Lanes<'_, f64>) {
    b.check(dst.len());
    match op {
        Binary::Add => add::assign(dst, b),
        Binary::Sub => sub::assign(dst, b),
        Binary::Mul => mul::assign(dst, b),
        Binary::Div => div::assign(dst, b),
        Binary::Maximum => maximum::assign(dst, b),
        Binary::Minimum => minimum::assign(dst, b),
        Binary::Mod => floor_mod::assign(dst, b),
        Binary::FloorDiv => quotient::assign(dst, b),
        Binary::Pow => mvec::zip_assign(Function2::Pow, dst, b, false),
        Binary::Arctan2 => mvec::zip_assign(Function2::Arctan2, dst, b, false),
    }
}

/// `dst[i] = op(a[i], dst[i])` on one thread, uncounted.
///
/// # Panics
/// If lengths differ.
#[inline]
pub fn binary_slices_assign_right(op: Binary, a: Lanes<'_, f64>, dst: &mut [f64]) {
    a.check(dst.len());
    match op {
        Binary::Add => add::assign_right(a, dst),
        Binary::Sub => sub::assign_right(a, dst),
        Binary::Mul => mul::assign_right(a, dst),
        Binary::Div => div::assign_right(a, dst),
        Binary::Maximum => maximum::assign_right(a, dst),
        Binary::Minimum => minimum::assign_right(a, dst),
        Binary::Mod => floor_mod::assign_right(a, dst),
        Binary::FloorDiv => quotient::assign_right(a, dst),
        Binary::Pow => mvec::zip_assign(Function2::Pow, dst, a, true),
        Binary::Arctan2 => mvec::zip_assign(Function2::Arctan2, dst, a, true),
    }
}
