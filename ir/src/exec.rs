//! The executor: closed graphs as flat register programs, and the machine that runs them.
//!
//! [`Executable::new`] lowers every graph that the entry reaches; [`Machine`] runs the result. The
//! two are separate: a back end that emits native code would stand beside the machine and read the
//! same [`code`].
//!
//! Phases of lowering, one file each:
//!
//! 1. [`scan`]: which nodes are live, which graphs are lowered inline and which are called.
//! 2. [`lower`], [`control`]: each called graph becomes a tree of [`tree::Step`]s over virtual registers. `If` and
//!    `Loop` graphs that nobody else uses are lowered in place, with their results in registers;
//!    the items of a tuple stay in registers of their own until somebody needs the tuple as one.
//!    For several threads, [`schedule`] then puts steps together that do not need each other.
//! 3. [`liveness`]: a backward walk marks the last use of every register. The machine *moves* a
//!    value out of a register at its last use, so a primitive meets arrays that nobody else
//!    holds and may reuse their buffers. A register whose value is not used on one path is
//!    emptied where the paths part.
//! 4. [`registers`]: virtual registers become registers of a frame, reused as soon as they are free.
//! 5. [`emit`]: the tree becomes linear code with jumps. For domains that compute and do nothing else, a loop over scalars
//!    becomes one instruction, and a program of its own ([`scalars`]).
//!
//! From the trees [`plan`] tells, for who asks, which arrays a run holds at once, so that their memory can be there before. [`text`]
//! writes what is run, for who asks whether two programs are the same.
//!
//! What must hold: when a function returns, none of its registers owns memory (each was moved out
//! or dropped), so frames need no clean-up; a callee's frame begins right above the registers that
//! its caller still needs, passes or waits for, so that operands go straight into the frame and results straight
//! out of it; calls never use the host stack; a call whose result is returned at once reuses the frame. A function whose result type is a tuple returns the items, not the tuple.
//!
//! What applying a primitive *means* is decided by a [`Domain`]: [`Plain`] computes.

mod code;
mod control;
mod domain;
mod emit;
mod fused;
mod liveness;
mod lower;
mod machine;
mod places;
mod plan;
mod registers;
mod run;
mod scalars;
mod scan;
mod schedule;
pub mod slots;
mod stacks;
mod text;
mod together;
mod tree;

pub(crate) use code::Operand;
pub use code::{Executable, PrimInstr, SiteId, VjpInstr};
pub use domain::{Domain, ExecError, Plain};
pub use fused::block_program;
pub use machine::{MAX_FRAMES, Machine};
pub use plan::{MemoryPlan, Open};
pub use run::{MAX_NESTING, Run};
pub use schedule::Worth;
