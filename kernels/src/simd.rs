//! Choosing vector instructions at run time.
//!
//! The crate is compiled for the baseline of its target; [`vectorized!`] compiles a function body once more per wider
//! instruction set and picks by what the machine has. The body stays portable Rust, so results are the same bits on every
//! instruction set: the compiler reorders no floating-point operation and fuses none by itself.

use std::sync::atomic::{AtomicU8, Ordering};

pub(crate) mod mvec;

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Isa {
    /// The target's baseline.
    Portable = 1,
    /// AVX2 with fused multiply-add.
    Avx2 = 2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512 = 3,
}

static ISA: AtomicU8 = AtomicU8::new(0);

/// The widest instruction set this machine runs.
#[inline]
pub(crate) fn isa() -> Isa {
    #[cfg(test)]
    if let Some(limit) = tests::LIMIT.get() {
        return limit.min(detect());
    }
    match ISA.load(Ordering::Relaxed) {
        0 => detect(),
        1 => Isa::Portable,
        2 => Isa::Avx2,
        _ => Isa::Avx512,
    }
}

#[cold]
fn detect() -> Isa {
    #[cfg(target_arch = "x86_64")]
    let isa = {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (avx2, avx512) {
            (true, true) => Isa::Avx512,
            (true, false) => Isa::Avx2,
            (false, _) => Isa::Portable,
        }
    };
    #[cfg(not(target_arch = "x86_64"))]
    let isa = Isa::Portable;
    ISA.store(isa as u8, Ordering::Relaxed);
    isa
}

/// Whether the machine fuses multiply-add in every version that is compiled, the portable one included.
pub(crate) const PORTABLE_FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// Declares a function whose body is compiled for each [`Isa`] and chosen by [`isa`] at each call.
macro_rules! vectorized {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$($g:ident: $bound:path),+>)?
     ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "each version runs only where `isa` found its features"))]
        $vis fn $name $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn portable $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2 $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? { portable($($arg),*) }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512 $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? { portable($($arg),*) }

            match $crate::simd::isa() {
                // SAFETY: the machine has AVX2 and FMA.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Isa::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: the machine has these AVX-512 parts.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Isa::Avx512 => unsafe { avx512($($arg),*) },
                _ => portable($($arg),*),
            }
        }
    };
}
pub(crate) use vectorized;

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// The widest instruction set this thread's tests may use.
        pub(super) static LIMIT: Cell<Option<Isa>> = const { Cell::new(None) };
    }

    /// Runs `f` once for every instruction set the machine has.
    pub(crate) fn on_every_isa(f: impl Fn(Isa)) {
        for limit in [Isa::Portable, Isa::Avx2, Isa::Avx512] {
            LIMIT.set(Some(limit));
            f(limit);
        }
        LIMIT.set(None);
    }
}
