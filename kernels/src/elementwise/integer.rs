//! Functions of integers. Overflow wraps in arrays, as in NumPy, and is an error of scalars, whose
//! Python counterparts have no bound; what has no integer value is an error.

use std::mem::MaybeUninit;

use super::{Lanes, work, zip};
use crate::array::{Arg, Array};
use crate::buffer::as_uninit;
use crate::counts::Work;
use crate::error::KernelError;
use crate::mode::{enter, enter_of, zeros_if_null};
use crate::ops::{IntBinary, IntUnary, Kind};
use crate::shape::broadcast_or_panic;

impl IntUnary {
    /// The value on a scalar.
    #[inline]
    pub fn eval(self, x: i64) -> i64 {
        match self {
            Self::Neg => x.wrapping_neg(),
            Self::Abs => x.wrapping_abs(),
            Self::Sign => x.signum(),
        }
    }
}

impl IntBinary {
    /// The value on scalars.
    ///
    /// # Errors
    /// [`KernelError::DivisionByZero`], [`KernelError::NegativePower`] and [`KernelError::Overflow`].
    #[inline]
    pub fn eval(self, x: i64, y: i64) -> Result<i64, KernelError> {
        self.check(y)?;
        let value = match self {
            Self::Add => x.checked_add(y),
            Self::Sub => x.checked_sub(y),
            Self::Mul => x.checked_mul(y),
            Self::FloorDiv => x.checked_div(y).map(|_| self.value(x, y)),
            Self::Mod | Self::Maximum | Self::Minimum => Some(self.value(x, y)),
            Self::Pow => checked_power(x, y),
        };
        value.ok_or_else(|| KernelError::Overflow { op: self.name().trim_start_matches("int_"), x, y })
    }

    /// Whether `y` is in the domain.
    fn check(self, y: i64) -> Result<(), KernelError> {
        match self {
            Self::FloorDiv | Self::Mod if y == 0 => Err(KernelError::DivisionByZero),
            Self::Pow if y < 0 => Err(KernelError::NegativePower { exponent: y }),
            _ => Ok(()),
        }
    }

    /// The value where `y` is in the domain.
    #[inline]
    fn value(self, x: i64, y: i64) -> i64 {
        match self {
            Self::Add => x.wrapping_add(y),
            Self::Sub => x.wrapping_sub(y),
            Self::Mul => x.wrapping_mul(y),
            Self::FloorDiv => x.wrapping_div(y) - i64::from(rounds_up(x, y)),
            Self::Mod => x.wrapping_rem(y) + if rounds_up(x, y) { y } else { 0 },
            Self::Maximum => x.max(y),
            Self::Minimum => x.min(y),
            Self::Pow => power(x, y),
        }
    }

    /// Whether every operand pair has a value.
    fn is_total(self) -> bool {
        !matches!(self, Self::FloorDiv | Self::Mod | Self::Pow)
    }
}

/// Whether the truncated quotient is above the floored one.
fn rounds_up(x: i64, y: i64) -> bool {
    x.wrapping_rem(y) != 0 && (x < 0) != (y < 0)
}

/// x to the y ≥ 0 by squaring.
fn power(mut x: i64, mut y: i64) -> i64 {
    let mut result = 1i64;
    while y > 0 {
        if y & 1 == 1 {
            result = result.wrapping_mul(x);
        }
        x = x.wrapping_mul(x);
        y >>= 1;
    }
    result
}

/// x to the y ≥ 0, if it fits. From y = 64 on only −1, 0 and 1 have powers that do.
fn checked_power(x: i64, y: i64) -> Option<i64> {
    match u32::try_from(y) {
        Ok(y) => x.checked_pow(y),
        Err(_) if (-1..=1).contains(&x) => Some(power(x, y)),
        Err(_) => None,
    }
}

/// `op` of every element.
pub fn int_unary(op: IntUnary, x: &Array<i64>) -> Array<i64> {
    let work = || Work { flops: x.len(), read: x.bytes(), written: x.bytes() };
    if !enter_of::<i64>(Kind::IntUnary(op), work) {
        return Array::zeros_of(x.shape(), x.len());
    }
    Array::collect(x.shape(), x.as_slice().iter().map(|&x| op.eval(x)))
}

/// `op(a, b)` of every pair of elements, broadcasting.
///
/// # Errors
/// [`KernelError::DivisionByZero`] and [`KernelError::NegativePower`] if any pair of the result has no value.
///
/// # Panics
/// If the shapes do not broadcast.
pub fn int_binary(op: IntBinary, a: Arg<'_, i64>, b: Arg<'_, i64>) -> Result<Array<i64>, KernelError> {
    let checked = if a.shape().contains(&0) { Ok(()) } else { check_all(op, b) };
    let apply = || zip(Kind::IntBinary(op), a, b, |dst: &mut [MaybeUninit<i64>], a, b| fill(op, dst, a, b));
    let zeros = || {
        let out = Array::zeros(&broadcast_or_panic(a.shape(), b.shape()));
        enter(Kind::IntBinary(op), || work::<i64, i64>(out.len(), a, b));
        out
    };
    checked.map_or_else(|error| zeros_if_null(Err(error), zeros), |()| Ok(apply()))
}

/// `dst[i] = op(a[i], b[i])` on one thread, uncounted: a block of a fused kernel.
///
/// # Errors
/// As [`int_binary`]; `dst` is then unchanged.
///
/// # Panics
/// If lengths differ.
pub fn int_binary_slices_into(
    op: IntBinary,
    a: Lanes<'_, i64>,
    b: Lanes<'_, i64>,
    dst: &mut [i64],
) -> Result<(), KernelError> {
    a.check(dst.len());
    b.check(dst.len());
    match b {
        Lanes::Slice(b) => b.iter().try_for_each(|&y| op.check(y))?,
        Lanes::Splat(y) => op.check(y)?,
    }
    fill(op, as_uninit(dst), a, b);
    Ok(())
}

/// Whether every element of `b` is in the domain.
fn check_all(op: IntBinary, b: Arg<'_, i64>) -> Result<(), KernelError> {
    if op.is_total() {
        return Ok(());
    }
    match b {
        Arg::Scalar(y) => op.check(y),
        Arg::Array(b) => b.as_slice().iter().try_for_each(|&y| op.check(y)),
    }
}

fn fill(op: IntBinary, dst: &mut [MaybeUninit<i64>], a: Lanes<'_, i64>, b: Lanes<'_, i64>) {
    macro_rules! each {
        ($($variant:ident)*) => {
            match op { $(IntBinary::$variant => zip_with(dst, a, b, |x, y| IntBinary::$variant.value(x, y)),)* }
        };
    }
    each!(Add Sub Mul FloorDiv Mod Maximum Minimum Pow);
}

fn zip_with(dst: &mut [MaybeUninit<i64>], a: Lanes<'_, i64>, b: Lanes<'_, i64>, f: impl Fn(i64, i64) -> i64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_division_and_remainder_follow_the_divisor() {
        for (x, y, quotient, remainder) in
            [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -4, -1), (-7, -2, 3, -1), (6, -3, -2, 0)]
        {
            assert_eq!(IntBinary::FloorDiv.eval(x, y), Ok(quotient), "{x} // {y}");
            assert_eq!(IntBinary::Mod.eval(x, y), Ok(remainder), "{x} % {y}");
        }
        let overflow = KernelError::Overflow { op: "floor_div", x: i64::MIN, y: -1 };
        assert_eq!(IntBinary::FloorDiv.eval(i64::MIN, -1), Err(overflow));
        assert_eq!(IntBinary::Mod.eval(i64::MIN, -1), Ok(0));
    }

    #[test]
    fn what_has_no_value_is_an_error() {
        let a = Array::from_vec(&[2], vec![4, 6]);
        let b = Array::from_vec(&[2], vec![2, 0]);
        assert_eq!(int_binary(IntBinary::FloorDiv, (&a).into(), (&b).into()), Err(KernelError::DivisionByZero));
        assert_eq!(
            int_binary(IntBinary::Pow, (&a).into(), Arg::Scalar(-1)),
            Err(KernelError::NegativePower { exponent: -1 })
        );
        assert_eq!(int_binary(IntBinary::Pow, (&a).into(), Arg::Scalar(3)).unwrap().as_slice(), [64, 216]);
        let none = Array::zeros(&[0]);
        assert!(int_binary(IntBinary::Mod, (&none).into(), Arg::Scalar(0)).is_ok());
    }
}
