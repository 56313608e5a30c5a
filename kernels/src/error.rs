//! The errors that depend on data. A violated shape precondition is a broken invariant of the caller and panics; only what
//! no shape rule can foresee (an index read from an array, a divisor that is zero) is reported here.

use thiserror::Error;

/// A kernel met data it cannot compute with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KernelError {
    /// An index lies outside `-size..size`.
    #[error("index {index} is out of range for axis {axis} of size {size}")]
    IndexOutOfRange {
        /// The offending index, as given.
        index: i64,
        /// The axis that was indexed.
        axis: usize,
        /// The length of that axis.
        size: usize,
    },
    /// An integer division or remainder by zero.
    #[error("integer division by zero")]
    DivisionByZero,
    /// An integer of a scalar computation that does not fit 64 bits.
    #[error("{op} of {x} and {y} does not fit a 64-bit integer; use floats")]
    Overflow {
        /// The name of the operation.
        op: &'static str,
        /// The left operand.
        x: i64,
        /// The right operand.
        y: i64,
    },
    /// An integer raised to a negative integer.
    #[error("integer power with the negative exponent {exponent}; use a float base")]
    NegativePower {
        /// The offending exponent.
        exponent: i64,
    },
    /// A maximum or minimum over no elements, which has no value.
    #[error("{op} over an axis of size zero has no value")]
    EmptyReduction {
        /// The name of the reduction.
        op: &'static str,
    },
}
