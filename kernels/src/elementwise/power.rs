//! Small integer powers by multiplication.
//!
//! xⁿ is multiplied together as x², x⁴, … and the factors that n has in binary, smallest first; a negative power is one over
//! the positive one. Each multiplication rounds once, so the error grows by half an ulp with each. Counted as `pow`.

use std::mem::MaybeUninit;

use crate::array::Array;
use crate::buffer::as_uninit;
use crate::counts::Work;
use crate::mode::enter;
use crate::ops::{Binary, Kind};
use crate::simd::vectorized;
use crate::threads;

/// The largest power, and the largest inverse one, that is computed by multiplication.
pub const MAX_POWER: i32 = 8;

/// x to the power n.
///
/// # Panics
/// If n lies outside ±[`MAX_POWER`].
#[inline(always)]
pub fn power(x: f64, n: i32) -> f64 {
    let y = match n.unsigned_abs() {
        0 => 1.0,
        1 => x,
        2 => x * x,
        3 => x * (x * x),
        4 => (x * x) * (x * x),
        5 => x * ((x * x) * (x * x)),
        6 => (x * x) * ((x * x) * (x * x)),
        7 => (x * (x * x)) * ((x * x) * (x * x)),
        8 => ((x * x) * (x * x)) * ((x * x) * (x * x)),
        _ => panic!("the power {n} is not computed by multiplication"),
    };
    if n < 0 { 1.0 / y } else { y }
}

macro_rules! each_power {
    ($n:ident, $with:ident($($arg:expr),*)) => {
        match $n {
            2 => $with($($arg,)* |x| power(x, 2)),
            3 => $with($($arg,)* |x| power(x, 3)),
            4 => $with($($arg,)* |x| power(x, 4)),
            -2 => $with($($arg,)* |x| power(x, -2)),
            _ => $with($($arg,)* |x| power(x, $n)),
        }
    };
}

#[inline(always)]
fn map(src: &[f64], dst: &mut [MaybeUninit<f64>], f: impl Fn(f64) -> f64) {
    dst.iter_mut().zip(src).for_each(|(d, &x)| {
        d.write(f(x));
    });
}

#[inline(always)]
fn assign(dst: &mut [f64], f: impl Fn(f64) -> f64) {
    dst.iter_mut().for_each(|d| *d = f(*d));
}

vectorized! {
    fn into(n: i32, src: &[f64], dst: &mut [MaybeUninit<f64>]) {
        each_power!(n, map(src, dst));
    }
}

vectorized! {
    /// `dst[i] = dst[i]ⁿ` on one thread, uncounted.
    pub(crate) fn power_slice_assign(n: i32, dst: &mut [f64]) {
        each_power!(n, assign(dst));
    }
}

/// `dst[i] = src[i]ⁿ` on one thread, uncounted: a block of a fused kernel.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn power_slices_into(n: i32, src: &[f64], dst: &mut [f64]) {
    assert_eq!(dst.len(), src.len(), "operand and result differ in length");
    into(n, src, as_uninit(dst));
}

fn work(x: &Array<f64>) -> Work {
    Work { flops: x.len(), read: x.bytes(), written: x.bytes() }
}

/// Every element to the power n.
///
/// # Panics
/// If n lies outside ±[`MAX_POWER`].
#[expect(unsafe_code, reason = "results are written once, not zeroed first")]
pub fn power_array(n: i32, x: &Array<f64>) -> Array<f64> {
    if !enter(Kind::Binary(Binary::Pow), || work(x)) {
        return Array::zeros_of(x.shape(), x.len());
    }
    let src = x.as_slice();
    // SAFETY: `into` writes every element of the part it is given.
    unsafe {
        Array::build_of(x.shape(), x.len(), |out| {
            threads::parts(out, |start, part| into(n, &src[start..start + part.len()], part));
        })
    }
}

/// Every element to the power n, in place if no other array shares the elements.
pub fn power_assign(n: i32, x: &mut Array<f64>) {
    let compute = enter(Kind::Binary(Binary::Pow), || work(x));
    let dst = x.make_mut();
    if compute {
        threads::parts(dst, |_, part| power_slice_assign(n, part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::tests::on_every_isa;

    #[test]
    fn scalars_and_arrays_agree_and_are_close_to_pow() {
        let items = [0.0, -0.0, 1.0, -1.5, 0.1, 1e-103, 1e200, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 3.7];
        let x = Array::from_slice(&[items.len()], &items);
        on_every_isa(|isa| {
            for n in -MAX_POWER..=MAX_POWER {
                let mut there = x.clone();
                power_assign(n, &mut there);
                for ((y, z), &x) in power_array(n, &x).as_slice().iter().zip(there.as_slice()).zip(&items) {
                    let (alone, exact) = (power(x, n), x.powi(n));
                    assert_eq!((y.to_bits(), z.to_bits()), (alone.to_bits(), alone.to_bits()), "{isa:?} {x}^{n}");
                    let close = (y - exact).abs() <= 1e-15 * exact.abs().max(f64::MIN_POSITIVE);
                    assert!(close || *y == exact || exact.is_nan() && y.is_nan(), "{x}^{n}: {y} {exact}");
                }
            }
        });
    }
}
