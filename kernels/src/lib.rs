//! Arrays and the closed set of counted array operations.
//!
//! Everything that is differentiated bottoms out here, and nothing here knows a derivative. In reading order:
//!
//! - [`Array`] is row-major, contiguous, shared and copied on write; [`Arg`] is an operand that may be a plain scalar.
//! - [`ops`] lists the element operations and reductions; elementwise kernels, [`layout`], [`index`], [`reduce`] and
//!   [`mod@gemm`] compute with them.
//! - [`counts`] counts exactly what was done; [`Mode::Null`] does everything but the arithmetic; [`threads`] is the one
//!   place that decides how many threads work, and [`together()`] lets them do several things at once.
//! - [`Record`] holds values of another kind, in blocks of the pool that arrays are made of.
//!
//! What must hold: every public kernel passes `mode::enter` once; scalar and array results agree bit for bit; shapes are
//! the caller's promise (a broken one panics), data-dependent failures are a [`KernelError`]; arrays of size zero work
//! everywhere.

pub mod ops;

mod array;
mod buffer;
pub mod counts;
mod elementwise;
mod error;
pub mod fused;
pub mod gemm;
pub mod index;
pub mod layout;
mod math;
mod mode;
mod pool;
mod record;
pub mod reduce;
mod refs;
mod shape;
mod simd;
pub mod threads;
mod together;

pub use array::{Arg, Array, Element, Elements, Extents};
pub use buffer::Block;
pub use counts::Counts;
pub use elementwise::{
    Lanes, MAX_POWER, Number, binary, binary_assign, binary_assign_right, binary_slices_assign,
    binary_slices_assign_right, binary_slices_into, bool_to_f64, bool_to_i64, compare, compare_slices_into, f64_to_i64,
    int_binary, int_binary_slices_into, int_unary, logic, logic_slices_into, not, power, power_array, power_assign,
    select, select_slices_into, to_f64, unary, unary_assign, unary_into, unary_slice_assign,
};
pub use error::KernelError;
pub use gemm::{Gemm, gemm};
pub use mode::{Mode, mode, set_mode};
pub use ops::{Binary, Compare, IntBinary, IntUnary, Kind, Logic, Other, Reduce, ReduceBool, Unary};
pub use pool::fresh_blocks;
pub use record::Record;
pub use shape::broadcast_shape;
pub use together::together;
