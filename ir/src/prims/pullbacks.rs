//! The rules of arithmetic, for whatever a cotangent is.
//!
//! They negate the cotangent, multiply it by operands and divide it by them, and ask no more of either. So one text serves
//! the primitives, where cotangents and operands are nodes of a graph, and statements that are compiled, where an operand is
//! a number and a cotangent may be known to be 1. Where operands broadcast, cotangents are summed to their shapes afterwards.

use std::ops::{Div, Mul, Neg};

/// A cotangent of what was computed from operands `X`.
pub trait Cotangent<X>: Copy + Neg<Output = Self> + Mul<X, Output = Self> + Div<X, Output = Self> {}

impl<X, D: Copy + Neg<Output = D> + Mul<X, Output = D> + Div<X, Output = D>> Cotangent<X> for D {}

/// `y = a + b`.
#[inline(always)]
pub fn sum<D: Copy>(dy: D) -> [D; 2] {
    [dy, dy]
}

/// `y = a - b`.
#[inline(always)]
pub fn difference<D: Copy + Neg<Output = D>>(dy: D) -> [D; 2] {
    [dy, -dy]
}

/// `y = a b`.
#[inline(always)]
pub fn product<X, D: Cotangent<X>>(a: X, b: X, dy: D) -> [D; 2] {
    [dy * b, dy * a]
}

/// `y = a / b`.
#[inline(always)]
pub fn quotient<X, D: Cotangent<X>>(b: X, y: X, dy: D) -> [D; 2] {
    let da = dy / b;
    [da, -(da * y)]
}

/// `y = -x`.
#[inline(always)]
pub fn negation<D: Neg<Output = D>>(dy: D) -> D {
    -dy
}
