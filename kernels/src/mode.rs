//! The one place every public kernel passes through: it records the call if this thread counts, and says whether to do the
//! arithmetic.
//!
//! Under [`Mode::Null`] a kernel on floats allocates and returns a result of the right shape filled with zeros (`false`), and writes
//! nothing in place; what is then left to measure is the cost of whoever calls the kernels. Kernels on integers and truth
//! values alone compute, as those say where a program goes. Shapes are checked as always; errors that depend on data do not occur, since zeros may be the
//! reason: the result is zeros then. Scalar evaluation (`eval`) is not affected.

use std::cell::Cell;

use crate::array::Element;
use crate::counts::{self, Work};
use crate::error::KernelError;
use crate::ops::Kind;

/// Whether kernels compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    Real,
    /// Those on floats only allocate and return zeros.
    Null,
}

pub(crate) const COUNTING: u8 = 1;
const NULL: u8 = 2;

thread_local! {
    static FLAGS: Cell<u8> = const { Cell::new(0) };
}

#[inline]
pub(crate) fn flag(flag: u8) -> bool {
    FLAGS.get() & flag != 0
}

pub(crate) fn set_flag(flag: u8, on: bool) {
    FLAGS.set(if on { FLAGS.get() | flag } else { FLAGS.get() & !flag });
}

/// The mode of this thread and whether it counts, for another that works for it.
pub(crate) fn flags() -> u8 {
    FLAGS.get()
}

/// Runs `work` under the flags of another thread.
pub(crate) fn under<R>(flags: u8, work: impl FnOnce() -> R) -> R {
    let own = FLAGS.replace(flags);
    let result = work();
    FLAGS.set(own);
    result
}

/// Sets this thread's mode.
pub fn set_mode(mode: Mode) {
    set_flag(NULL, mode == Mode::Null);
}

/// This thread's mode; [`Mode::Real`] unless set.
pub fn mode() -> Mode {
    if flag(NULL) { Mode::Null } else { Mode::Real }
}

/// Records a kernel call; false means that the caller returns zeros of the result's shape instead of computing.
#[inline]
pub(crate) fn enter(kind: Kind, work: impl FnOnce() -> Work) -> bool {
    let flags = FLAGS.get();
    if flags & COUNTING != 0 {
        counts::record(kind, work());
    }
    flags & NULL == 0
}

/// As [`enter`], of a kernel that computes with elements of this type.
#[inline]
pub(crate) fn enter_of<T: Element>(kind: Kind, work: impl FnOnce() -> Work) -> bool {
    enter(kind, work) || !T::IS_FLOAT
}

/// Records a run of a fused kernel, as [`enter`].
#[inline]
pub(crate) fn enter_fused(work: impl FnOnce() -> Work) -> bool {
    let flags = FLAGS.get();
    if flags & COUNTING != 0 {
        counts::record_fused(work());
    }
    flags & NULL == 0
}

/// What a kernel makes of data that it cannot compute with: zeros under [`Mode::Null`].
#[inline]
pub(crate) fn zeros_if_null<T>(result: Result<T, KernelError>, zeros: impl FnOnce() -> T) -> Result<T, KernelError> {
    result.or_else(|error| if flag(NULL) { Ok(zeros()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;
    use crate::ops::Unary;

    #[test]
    fn null_mode_returns_zeros_of_the_right_shape() {
        let a = Array::full(&[2, 3], 1.0);
        set_mode(Mode::Null);
        let b = crate::unary(Unary::Exp, &a);
        set_mode(Mode::Real);
        assert_eq!(b, Array::zeros(&[2, 3]));
        assert_eq!(mode(), Mode::Real);
    }

    #[test]
    fn integers_say_where_a_program_goes_in_null_mode_too() {
        let (ints, floats) = (Array::from_slice(&[3], &[4i64, 5, 6]), Array::from_slice(&[3], &[4.0, 5.0, 6.0]));
        set_mode(Mode::Null);
        let at = crate::index::index_scalar(&ints, 1);
        let beyond = crate::index::index_scalar(&ints, 7);
        let less = crate::compare(crate::Compare::Lt, (&ints).into(), 5i64.into());
        let of_floats = crate::compare(crate::Compare::Lt, (&floats).into(), 5.0.into());
        let divided = crate::int_binary(crate::IntBinary::FloorDiv, (&ints).into(), 0i64.into());
        set_mode(Mode::Real);
        assert_eq!((at, beyond), (Ok(5), Ok(0)));
        assert_eq!((less.as_slice(), of_floats.as_slice()), (&[true, false, false][..], &[false; 3][..]));
        assert_eq!(divided, Ok(Array::zeros(&[3])));
    }
}
