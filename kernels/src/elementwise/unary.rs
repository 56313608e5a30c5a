//! Functions of one float.

use std::mem::MaybeUninit;

use crate::array::Array;
use crate::buffer::as_uninit;
use crate::counts::Work;
use crate::math;
use crate::mode::enter;
use crate::ops::{Kind, Unary};
use crate::simd::mvec::{self, Function};
use crate::simd::{Isa, PORTABLE_FMA, isa, vectorized};
use crate::threads;

/// `op` of every element of `x`; the result has `x`'s shape.
pub fn unary(op: Unary, x: &Array<f64>) -> Array<f64> {
    if !enter(Kind::Unary(op), || work(x)) {
        return Array::zeros_of(x.shape(), x.len());
    }
    let src = x.as_slice();
    #[expect(unsafe_code, reason = "results are written once, not zeroed first")]
    // SAFETY: `fill` writes every element of the part it is given.
    unsafe {
        Array::build_of(x.shape(), x.len(), |out| {
            threads::parts(out, |start, part| fill(op, part, &src[start..start + part.len()]))
        })
    }
}

/// `x = op(x)`, in place if no other array shares the elements.
pub fn unary_assign(op: Unary, x: &mut Array<f64>) {
    let compute = enter(Kind::Unary(op), || work(x));
    let dst = x.make_mut();
    if compute {
        threads::parts(dst, |_, part| unary_slice_assign(op, part));
    }
}

fn work(x: &Array<f64>) -> Work {
    Work { flops: x.len(), read: x.bytes(), written: x.bytes() }
}

/// `dst[i] = op(src[i])` on one thread, uncounted: a block of a fused kernel.
///
/// # Panics
/// If the lengths differ.
pub fn unary_into(op: Unary, src: &[f64], dst: &mut [f64]) {
    fill(op, as_uninit(dst), src);
}

impl Unary {
    /// The value on a scalar, the same bits as in an array.
    pub fn eval(self, x: f64) -> f64 {
        match self {
            // One instruction each, exactly rounded: the same bits in whichever way they are computed.
            Self::Neg => neg::of(x),
            Self::Sqrt => sqrt::of(x),
            Self::Abs => abs::of(x),
            Self::Sign => sign::of(x),
            Self::Square => square::of(x),
            Self::Reciprocal => reciprocal::of(x),
            _ => {
                let mut y = [x];
                unary_slice_assign(self, &mut y);
                y[0]
            }
        }
    }
}

/// Declares a function's loop to another slice and its loop in place; with `of`, on a scalar too.
macro_rules! map {
    (of $name:ident, $x:ident => $value:expr) => {
        map!($name, $x => $value, {
            #[inline(always)]
            pub(super) fn of($x: f64) -> f64 {
                $value
            }
        });
    };
    ($name:ident, $x:ident => $value:expr $(, { $($of:tt)* })?) => {
        mod $name {
            use super::*;

            $($($of)*)?

            vectorized! {
                pub(super) fn into(dst: &mut [MaybeUninit<f64>], src: &[f64]) {
                    for (d, &$x) in dst.iter_mut().zip(src) {
                        d.write($value);
                    }
                }
            }

            vectorized! {
                pub(super) fn assign(dst: &mut [f64]) {
                    for d in dst {
                        let $x = *d;
                        *d = $value;
                    }
                }
            }
        }
    };
}

map!(of neg, x => -x);
map!(of sqrt, x => x.sqrt());
map!(of abs, x => x.abs());
map!(of sign, x => if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else if x == 0.0 { 0.0 } else { x });
map!(floor, x => x.floor());
map!(ceil, x => x.ceil());
map!(of square, x => x * x);
map!(of reciprocal, x => 1.0 / x);
map!(exp, x => math::exp(x));
map!(tanh, x => math::tanh(x));
map!(sigmoid, x => math::sigmoid(x));

/// The logarithm by blocks, of which most hold nothing that needs special care.
mod log {
    use super::*;

    const BLOCK: usize = 128;

    #[inline(always)]
    fn all_ordinary(block: &[f64]) -> bool {
        block.iter().fold(true, |all, &x| all & math::is_ordinary(x))
    }

    vectorized! {
        pub(super) fn into(dst: &mut [MaybeUninit<f64>], src: &[f64]) {
            for (dst, src) in dst.chunks_mut(BLOCK).zip(src.chunks(BLOCK)) {
                if all_ordinary(src) {
                    for (d, &x) in dst.iter_mut().zip(src) {
                        d.write(math::log_ordinary(x));
                    }
                } else {
                    for (d, &x) in dst.iter_mut().zip(src) {
                        d.write(math::log(x));
                    }
                }
            }
        }
    }

    vectorized! {
        pub(super) fn assign(dst: &mut [f64]) {
            for block in dst.chunks_mut(BLOCK) {
                if all_ordinary(block) {
                    block.iter_mut().for_each(|x| *x = math::log_ordinary(*x));
                } else {
                    block.iter_mut().for_each(|x| *x = math::log(*x));
                }
            }
        }
    }
}

/// Where an operation's implementation is.
enum Code {
    /// Loops of this crate: to another slice, and in place.
    Loops(fn(&mut [MaybeUninit<f64>], &[f64]), fn(&mut [f64])),
    /// A function of libmvec.
    Vector(Function),
    /// The standard library, where [`math`] would be slow or has no such function.
    Standard(fn(f64) -> f64),
}

/// `loops`, or `standard` on a machine without fused multiply-add.
fn fused(loops: Code, standard: fn(f64) -> f64) -> Code {
    if PORTABLE_FMA || isa() != Isa::Portable { loops } else { Code::Standard(standard) }
}

fn standard_sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

fn code(op: Unary) -> Code {
    match op {
        Unary::Neg => Code::Loops(neg::into, neg::assign),
        Unary::Exp => fused(Code::Loops(exp::into, exp::assign), f64::exp),
        Unary::Expm1 => Code::Vector(Function::Expm1),
        Unary::Log => fused(Code::Loops(log::into, log::assign), f64::ln),
        Unary::Log1p => Code::Vector(Function::Log1p),
        Unary::Sqrt => Code::Loops(sqrt::into, sqrt::assign),
        Unary::Cbrt => Code::Standard(f64::cbrt),
        Unary::Sin => Code::Vector(Function::Sin),
        Unary::Cos => Code::Vector(Function::Cos),
        Unary::Tan => Code::Vector(Function::Tan),
        Unary::Arcsin => Code::Vector(Function::Arcsin),
        Unary::Arccos => Code::Vector(Function::Arccos),
        Unary::Arctan => Code::Vector(Function::Arctan),
        Unary::Sinh => Code::Vector(Function::Sinh),
        Unary::Cosh => Code::Vector(Function::Cosh),
        Unary::Tanh => fused(Code::Loops(tanh::into, tanh::assign), f64::tanh),
        Unary::Abs => Code::Loops(abs::into, abs::assign),
        Unary::Sign => Code::Loops(sign::into, sign::assign),
        Unary::Floor => Code::Loops(floor::into, floor::assign),
        Unary::Ceil => Code::Loops(ceil::into, ceil::assign),
        Unary::Square => Code::Loops(square::into, square::assign),
        Unary::Reciprocal => Code::Loops(reciprocal::into, reciprocal::assign),
        Unary::Sigmoid => fused(Code::Loops(sigmoid::into, sigmoid::assign), standard_sigmoid),
    }
}

#[inline]
fn fill(op: Unary, dst: &mut [MaybeUninit<f64>], src: &[f64]) {
    assert_eq!(dst.len(), src.len(), "operand and result differ in length");
    match code(op) {
        Code::Loops(into, _) => into(dst, src),
        Code::Vector(f) => mvec::map_into(f, dst, src),
        Code::Standard(f) => dst.iter_mut().zip(src).for_each(|(d, &x)| {
            d.write(f(x));
        }),
    }
}

/// `dst[i] = op(dst[i])` on one thread, uncounted.
#[inline]
pub fn unary_slice_assign(op: Unary, dst: &mut [f64]) {
    match code(op) {
        Code::Loops(_, assign) => assign(dst),
        Code::Vector(f) => mvec::map_assign(f, dst),
        Code::Standard(f) => dst.iter_mut().for_each(|d| *d = f(*d)),
    }
}
