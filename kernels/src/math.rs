//! Elementary functions as straight-line code that a compiler turns into vector instructions: exp, log, tanh and the
//! logistic sigmoid, which libmvec computes slower or not at all.
//!
//! Every operation is an IEEE one (a fused multiply-add where written), so scalar and vector results are the same bits.
//! On the arguments tested, exp and log differ from the standard library by at most 1 ulp, the sigmoid by 2, and tanh from
//! the exact value by 2.1. Where the hardware has no fused multiply-add ([`PORTABLE_FMA`](crate::simd::PORTABLE_FMA)) the
//! callers use the standard library instead.
//!
//! Notation: `k` the integer power of two taken out of the argument, `r` what remains.

use std::f64::consts::LOG2_E;

/// Adding 1.5·2⁵² rounds a small float to an integer, which then stands in its low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// log 2 in two parts; the first has 20 trailing zero bits, so that its product with an exponent is exact.
const LN2_HI: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LO: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// Chebyshev interpolation of (eʳ − 1 − r) / r² on |r| ≤ log(2)/2; the relative error of 1 + r + r²·q is 1.6e-17.
const EXP: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666669,
    0.04166666666662413,
    0.008333333333330062,
    0.0013888888917213717,
    0.00019841269863053618,
    2.4801521295954376e-05,
    2.7557268459997064e-06,
    2.7620088445409746e-07,
    2.510038549551032e-08,
];

/// `x = k·log 2 + r` with |r| ≤ log(2)/2, and `eʳ − 1`. For |x| < 2⁵¹·log 2. The polynomial is evaluated by Estrin's scheme:
/// a few elements cost its depth, not its length.
#[inline(always)]
fn reduced_expm1(x: f64) -> (u64, f64) {
    let shifted = x.mul_add(LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(-LN2_LO, k.mul_add(-LN2_HI, x));
    let z = r * r;
    let pair = |i: usize| r.mul_add(EXP[i + 1], EXP[i]);
    let (low, high) = (z.mul_add(pair(2), pair(0)), z.mul_add(pair(6), pair(4)));
    let w = z * z;
    let q = w.mul_add(w.mul_add(pair(8), high), low);
    (shifted.to_bits().wrapping_sub(ROUND.to_bits()), z.mul_add(q, r))
}

/// 2ᵏ for −1022 ≤ k ≤ 1023.
#[inline(always)]
fn power_of_two(k: u64) -> f64 {
    f64::from_bits(k.wrapping_add(1023) << 52)
}

/// eˣ. The scaling is done in two steps, so that results near both ends of the range round once.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (k, m) = reduced_expm1(x);
    let half = ((k as i64) >> 1) as u64;
    (m + 1.0) * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

/// tanh |x| = e / (e + 2) with e = e²ˣ − 1; beyond 20 it rounds to 1. The denominator is made from the rounded e, so that
/// where e is large the two errors cancel.
#[inline(always)]
pub(crate) fn tanh(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 20.0 { 20.0 } else { a };
    let (k, m) = reduced_expm1(a + a);
    let scale = power_of_two(k);
    let e = m.mul_add(scale, scale - 1.0);
    (e / (e + 2.0)).copysign(x)
}

/// 1 / (1 + e⁻ˣ) for x ≥ 0 and eˣ / (1 + eˣ) below, so that the exponential never overflows.
#[inline(always)]
pub(crate) fn sigmoid(x: f64) -> f64 {
    let e = exp(-x.abs());
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// The bits of √½: mantissas are taken from [√½, √2).
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
/// 2⁵², whose low bits hold an integer.
const TWO52: f64 = 4_503_599_627_370_496.0;

/// fdlibm's coefficients of (log(1+f) − 2s) / s in s², where s = f / (2 + f) (Sun, `e_log.c`, 1993).
const LOG: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

/// Whether x is positive, finite and normal.
#[inline(always)]
pub(crate) fn is_ordinary(x: f64) -> bool {
    const LEAST: u64 = f64::MIN_POSITIVE.to_bits();
    x.to_bits().wrapping_sub(LEAST) < f64::INFINITY.to_bits() - LEAST
}

/// log x = k·log 2 + log(1 + f) for an ordinary x, after fdlibm; `bias` is 2⁵² plus what to subtract from the exponent
/// field. log(1 + f) = f − s·(f − R(s²)) with |f| < 0.42.
#[inline(always)]
fn log_scaled(x: f64, bias: f64) -> f64 {
    let shifted = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let k = f64::from_bits((shifted >> 52) | TWO52.to_bits()) - bias;
    let m = f64::from_bits((shifted & MANTISSA) + SQRT_HALF);
    let f = m - 1.0;
    let s = f / (m + 1.0);
    let z = s * s;
    let w = z * z;
    let odd = w.mul_add(w.mul_add(w.mul_add(LOG[6], LOG[4]), LOG[2]), LOG[0]);
    let even = w.mul_add(w.mul_add(LOG[5], LOG[3]), LOG[1]);
    let r = z * z.mul_add(even, odd);
    let lost = s.mul_add(f - r, k * -LN2_LO);
    k.mul_add(LN2_HI, f - lost)
}

/// log x of an ordinary x, the same bits as [`log`].
#[inline(always)]
pub(crate) fn log_ordinary(x: f64) -> f64 {
    log_scaled(x, TWO52 + 1023.0)
}

/// log x of any x.
#[inline(always)]
pub(crate) fn log(x: f64) -> f64 {
    let tiny = x < f64::MIN_POSITIVE;
    let scaled = if tiny { x * (TWO52 * 4.0) } else { x };
    let y = log_scaled(scaled, if tiny { TWO52 + 1023.0 + 54.0 } else { TWO52 + 1023.0 });
    let y = if x < f64::INFINITY { y } else { x };
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x < 0.0 { f64::NAN } else { y }
}
