//! Looking libmvec up and calling it. Its symbols are named `_ZGV<isa>N<lanes>v[v]_<name>` (the x86-64 vector function ABI,
//! `d` for AVX2 and `e` for AVX-512); arguments and result are whole vectors in registers.
#![expect(unsafe_code, reason = "foreign functions over vector registers")]

use std::arch::x86_64::*;
use std::ffi::CString;
use std::sync::OnceLock;

use super::{Function, Function2};
use crate::simd::{Isa, isa};

// These vectors are passed in registers as the platform's C ABI defines for callers compiled with the features.
#[expect(improper_ctypes_definitions, reason = "see above")]
mod signatures {
    use super::*;

    pub(super) type Map512 = unsafe extern "C" fn(__m512d) -> __m512d;
    pub(super) type Map256 = unsafe extern "C" fn(__m256d) -> __m256d;
    pub(super) type Zip512 = unsafe extern "C" fn(__m512d, __m512d) -> __m512d;
    pub(super) type Zip256 = unsafe extern "C" fn(__m256d, __m256d) -> __m256d;
}
use signatures::{Map256, Map512, Zip256, Zip512};

/// The addresses of the functions for one instruction set.
struct Library {
    unary: Vec<usize>,
    binary: Vec<usize>,
}

/// Every function's address, or nothing unless all are there.
fn load(prefix: &str, suffix: [&str; 2]) -> Option<Library> {
    // SAFETY: opening a system library that has no initialisers of its own.
    let handle = unsafe { libc::dlopen(c"libmvec.so.1".as_ptr(), libc::RTLD_NOW) };
    if handle.is_null() {
        return None;
    }
    let address = |name: String| {
        let name = CString::new(name).expect("no zero byte in a symbol");
        // SAFETY: the handle is open.
        let at = unsafe { libc::dlsym(handle, name.as_ptr()) } as usize;
        (at != 0).then_some(at)
    };
    let all = |symbols: &[&str], arguments: &str| -> Option<Vec<usize>> {
        symbols.iter().map(|symbol| address(format!("{prefix}{arguments}_{symbol}"))).collect()
    };
    Some(Library { unary: all(Function::SYMBOLS, suffix[0])?, binary: all(Function2::SYMBOLS, suffix[1])? })
}

#[inline]
fn library(isa: Isa) -> Option<&'static Library> {
    static AVX2: OnceLock<Option<Library>> = OnceLock::new();
    static AVX512: OnceLock<Option<Library>> = OnceLock::new();
    match isa {
        Isa::Portable => None,
        Isa::Avx2 => AVX2.get_or_init(|| load("_ZGVdN4", ["v", "vv"])).as_ref(),
        Isa::Avx512 => AVX512.get_or_init(|| load("_ZGVeN8", ["v", "vv"])).as_ref(),
    }
}

/// `to[i] = f(from[i])` for `n` elements, where `to` and `from` are equal or do not overlap; false if there is no libmvec.
pub(super) fn map(f: Function, to: *mut f64, from: *const f64, n: usize) -> bool {
    let isa = isa();
    let Some(library) = library(isa) else {
        return false;
    };
    let address = library.unary[f as usize];
    // SAFETY: `isa` and the address belong together, and the symbol has this signature; callers pass `n` elements.
    unsafe {
        if isa == Isa::Avx512 {
            map512(std::mem::transmute::<usize, Map512>(address), to, from, n);
        } else {
            map256(std::mem::transmute::<usize, Map256>(address), to, from, n);
        }
    }
    true
}

/// As [`map`] with two operands, each a pointer and its step: 1 along a slice, 0 for one value.
pub(super) fn zip(f: Function2, to: *mut f64, a: (*const f64, usize), b: (*const f64, usize), n: usize) -> bool {
    let isa = isa();
    let Some(library) = library(isa) else {
        return false;
    };
    let address = library.binary[f as usize];
    // SAFETY: as in `map`.
    unsafe {
        if isa == Isa::Avx512 {
            zip512(std::mem::transmute::<usize, Zip512>(address), f == Function2::Pow, to, a, b, n);
        } else {
            zip256(std::mem::transmute::<usize, Zip256>(address), f == Function2::Pow, to, a, b, n);
        }
    }
    true
}

#[target_feature(enable = "avx512f")]
unsafe fn map512(f: Map512, to: *mut f64, from: *const f64, n: usize) {
    let whole = n & !7;
    let mut i = 0;
    // SAFETY: indices stay below `n`; masked lanes are neither read nor written.
    unsafe {
        while i < whole {
            _mm512_storeu_pd(to.add(i), f(_mm512_loadu_pd(from.add(i))));
            i += 8;
        }
        if i < n {
            let mask = (1u8 << (n - i)) - 1;
            let x = _mm512_mask_loadu_pd(_mm512_set1_pd(*from.add(i)), mask, from.add(i));
            _mm512_mask_storeu_pd(to.add(i), mask, f(x));
        }
    }
}

#[target_feature(enable = "avx2")]
unsafe fn map256(f: Map256, to: *mut f64, from: *const f64, n: usize) {
    let whole = n & !3;
    let mut i = 0;
    // SAFETY: indices stay below `n`; the tail goes through a whole vector on the stack.
    unsafe {
        while i < whole {
            _mm256_storeu_pd(to.add(i), f(_mm256_loadu_pd(from.add(i))));
            i += 4;
        }
        if i < n {
            let mut tail = [*from.add(i); 4];
            from.add(i).copy_to_nonoverlapping(tail.as_mut_ptr(), n - i);
            _mm256_storeu_pd(tail.as_mut_ptr(), f(_mm256_loadu_pd(tail.as_ptr())));
            tail.as_ptr().copy_to_nonoverlapping(to.add(i), n - i);
        }
    }
}

/// Loads 8 lanes, of which `mask` exist; the others repeat the first.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load512((from, step): (*const f64, usize), i: usize, mask: u8) -> __m512d {
    // SAFETY: the first lane always exists; a step of 0 reads only the first element.
    unsafe {
        let first = _mm512_set1_pd(*from.add(i * step));
        if step == 0 { first } else { _mm512_mask_loadu_pd(first, mask, from.add(i)) }
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn zip512(f: Zip512, square: bool, to: *mut f64, a: (*const f64, usize), b: (*const f64, usize), n: usize) {
    let two = _mm512_set1_pd(2.0);
    let mut i = 0;
    // SAFETY: as in `map512`.
    unsafe {
        while i < n {
            let mask = if n - i >= 8 { 0xff } else { (1u8 << (n - i)) - 1 };
            let (x, y) = (load512(a, i, mask), load512(b, i, mask));
            let mut z = f(x, y);
            if square {
                z = _mm512_mask_mul_pd(z, _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(y, two), x, x);
            }
            _mm512_mask_storeu_pd(to.add(i), mask, z);
            i += 8;
        }
    }
}

/// Loads 4 lanes, of which `count` exist; the others repeat the first.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load256((from, step): (*const f64, usize), i: usize, count: usize) -> __m256d {
    // SAFETY: as in `load512`.
    unsafe {
        let mut lanes = [*from.add(i * step); 4];
        if step != 0 {
            from.add(i).copy_to_nonoverlapping(lanes.as_mut_ptr(), count);
        }
        _mm256_loadu_pd(lanes.as_ptr())
    }
}

#[target_feature(enable = "avx2")]
unsafe fn zip256(f: Zip256, square: bool, to: *mut f64, a: (*const f64, usize), b: (*const f64, usize), n: usize) {
    let two = _mm256_set1_pd(2.0);
    let mut i = 0;
    // SAFETY: as in `map256`.
    unsafe {
        while i < n {
            let count = (n - i).min(4);
            let (x, y) = (load256(a, i, count), load256(b, i, count));
            let mut z = f(x, y);
            if square {
                z = _mm256_blendv_pd(z, _mm256_mul_pd(x, x), _mm256_cmp_pd::<_CMP_EQ_OQ>(y, two));
            }
            let mut lanes = [0.0; 4];
            _mm256_storeu_pd(lanes.as_mut_ptr(), z);
            lanes.as_ptr().copy_to_nonoverlapping(to.add(i), count);
            i += 4;
        }
    }
}
