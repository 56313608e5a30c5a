//! Fused kernels: several elementwise steps, and sums that end them, in one walk over blocks of elements.
//!
//! A [`Program`] computes over a space of rows × columns. Its values lie in that space as [`Layout`] says; its steps are
//! the operations of [`crate::ops`], and a row may be reduced in between. A [`Builder`] makes programs; making one decides
//! everything that does not depend on data: which values are stretched, the block size, the registers, and whose
//! buffer a result may take over. [`Program::run`] then walks the blocks: each step runs the plain kernel's own loop on
//! one block, which lies in cache, and results are written where they stay. A program over single elements has its own
//! way to run, without blocks.
//!
//! What must hold: results are the same bits as of the plain kernels one after the other, sums included (they keep the
//! pairwise order of [`crate::reduce`]). Every step counts as a call of the plain kernel's kind; bytes are those really
//! read and written. Programs cannot fail: operations with errors that depend on data are not among the steps.
//!
//! - [`program`]: steps, values, the builder.
//! - [`plan`]: blocks, stretched operands, registers.
//! - [`ways`], [`dots`], [`scalar`], [`few`]: steps on single elements, and on some at a time.
//! - [`run`]: the walk. [`steps`]: one step on one block. [`sums`]: sums across blocks.

mod dots;
mod few;
mod plan;
mod program;
mod run;
mod scalar;
mod steps;
mod sums;
#[cfg(test)]
mod tests;
mod ways;

pub use program::{Builder, Code, Elem, Layout, Program, Scalar, Val};
pub use run::{Operand, Operands, Outcome, Scratch};
pub use scalar::{Places, Singles, Steps};

/// Lanes of a block: as many as are summed at once. With half of them what starts a step was a tenth of the time of a cheap
/// one.
const BLOCK: usize = sums::CHUNK;

/// The longest row that can be reduced within a block.
pub const MAX_ROW: usize = 4096;
