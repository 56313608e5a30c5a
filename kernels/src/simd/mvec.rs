//! The vector functions of glibc's libmvec where it exists, the standard library's functions elsewhere.
//!
//! libmvec is looked up when first needed rather than linked, so that a binary also starts where it is missing or older
//! (most functions arrived with glibc 2.35); accuracy is within 4 ulp of libm (glibc manual, "Errors in Math Functions").
//! A scalar is computed in one lane of the same function that computes arrays, and a tail shorter than a vector repeats its
//! first element in the idle lanes; lanes do not influence each other, which tests check, so an element's bits never
//! depend on its place.

use std::mem::MaybeUninit;

use crate::buffer::as_uninit;
use crate::elementwise::Lanes;

macro_rules! functions {
    ($(#[$meta:meta])* $name:ident: $signature:ty { $($variant:ident $symbol:literal $scalar:expr;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($variant,)* }

        impl $name {
            #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
            const SYMBOLS: &'static [&'static str] = &[$($symbol),*];

            /// The function on scalars, used where there is no libmvec.
            pub(crate) fn scalar(self) -> $signature {
                match self { $(Self::$variant => $scalar,)* }
            }
        }
    };
}

functions! {
    /// Functions of one argument.
    Function: fn(f64) -> f64 {
        Expm1 "expm1" f64::exp_m1;
        Log1p "log1p" f64::ln_1p;
        Sin "sin" f64::sin;
        Cos "cos" f64::cos;
        Tan "tan" f64::tan;
        Arcsin "asin" f64::asin;
        Arccos "acos" f64::acos;
        Arctan "atan" f64::atan;
        Sinh "sinh" f64::sinh;
        Cosh "cosh" f64::cosh;
    }
}

functions! {
    /// Functions of two arguments.
    Function2: fn(f64, f64) -> f64 {
        Pow "pow" |x, y| if y == 2.0 { x * x } else { x.powf(y) };
        Arctan2 "atan2" f64::atan2;
    }
}

/// `dst[i] = f(src[i])`; both have one length.
pub(crate) fn map_into(f: Function, dst: &mut [MaybeUninit<f64>], src: &[f64]) {
    assert_eq!(dst.len(), src.len());
    if !glibc::map(f, dst.as_mut_ptr().cast(), src.as_ptr(), dst.len()) {
        let f = f.scalar();
        dst.iter_mut().zip(src).for_each(|(d, &x)| {
            d.write(f(x));
        });
    }
}

/// `dst[i] = f(dst[i])`.
pub(crate) fn map_assign(f: Function, dst: &mut [f64]) {
    let to = dst.as_mut_ptr();
    if !glibc::map(f, to, to, dst.len()) {
        let f = f.scalar();
        dst.iter_mut().for_each(|d| *d = f(*d));
    }
}

/// `dst[i] = f(a[i], b[i])`; slices have `dst`'s length.
pub(crate) fn zip_into(
    f: Function2,
    dst: &mut [MaybeUninit<f64>],
    a: Lanes<'_, f64>,
    b: Lanes<'_, f64>,
) {
    a.check(dst.len());
    b.check(dst.len());
    if !glibc::zip(
        f,
        dst.as_mut_ptr().cast(),
        a.as_ptr(),
        b.as_ptr(),
        dst.len(),
    ) {
        let f = f.scalar();
        dst.iter_mut().enumerate().for_each(|(i, d)| {
            d.write(f(a.at(i), b.at(i)));
        });
    }
}

/// `dst[i] = f(dst[i], b[i])`, or `f(b[i], dst[i])` if `reversed`; a slice has `dst`'s length.
pub(crate) fn zip_assign(f: Function2, dst: &mut [f64], b: Lanes<'_, f64>, reversed: bool) {
    const BLOCK: usize = 256;
    b.check(dst.len());
    let mut copy = [0.0; BLOCK];
    for (k, block) in dst.chunks_mut(BLOCK).enumerate() {
        let old = &mut copy[..block.len()];
        old.copy_from_slice(block);
        let rest = b.part(k * BLOCK, block.len());
        let (x, y) = if reversed {
            (rest, Lanes::Slice(old))
        } else {
            (Lanes::Slice(old), rest)
        };
        zip_into(f, as_uninit(block), x, y);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")))]
mod glibc {
    use super::{Function, Function2};

    pub(super) fn map(_: Function, _: *mut f64, _: *const f64, _: usize) -> bool {
        false
    }

    pub(super) fn zip(
        _: Function2,
        _: *mut f64,
        _: (*const f64, usize),
        _: (*const f64, usize),
        _: usize,
    ) -> bool {
        false
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
mod glibc;
