//! The one place every public kernel passes through: it records the call if this thread counts, and says whether to do the
//! arithmetic.
//!
//! Under [`Mode::Null`] a kernel allocates and returns a result of the right shape filled with zeros (`false`), and writes
//! nothing in place; what is then left to measure is the cost of whoever calls the kernels. Shapes are checked as always;
//! data is not looked at, so errors that depend on data do not occur. Scalar evaluation (`eval`) is not affected.

use std::cell::Cell;

use crate::counts::{self, Work};
use crate::ops::Kind;

/// Whether kernels compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    Real,
    /// They only allocate and return zeros.
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

/// Records a run of a fused kernel, as [`enter`].
#[inline]
pub(crate) fn enter_fused(work: impl FnOnce() -> Work) -> bool {
    let flags = FLAGS.get();
    if flags & COUNTING != 0 {
        counts::record_fused(work());
    }
    flags & NULL == 0
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
}
