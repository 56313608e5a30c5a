//! Loops over scalars as programs of their own.
//!
//! A loop in which nothing but scalars, stacks and elements of arrays from outside are read and written needs no registers of
//! 24 bytes with a tag. Its scalars are 64 bits at a place each, its stacks lie apart, and its code is flat: runs of
//! arithmetic, which the block programs of fused graphs become, and few other instructions. What the loop
//! reads from outside is copied in when it begins, and its state out when it ends.
//!
//! Only for domains that compute and do nothing else: they are not told which primitives are applied.
//!
//! - [`build`]: from a [`super::tree::Step::Loop`].
//! - [`run`]: running it.

mod build;
mod run;

use adjudicate_kernels::fused::Steps;
use adjudicate_kernels::{Compare, IntBinary};

use super::code::{Operand, Reg};
use crate::span::Span;
use crate::types::Elem;

pub(super) use build::{Around, build};
pub(super) use run::Storage;

/// Where a scalar is.
type Place = u16;

/// Which stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StackId {
    /// Of floats, by its index among those.
    Floats(u16),
    /// Of anything else.
    Other(u16),
}

/// A loop over scalars.
#[derive(Debug, Default)]
pub(super) struct Scalars {
    code: Vec<Instr>,
    /// By instruction.
    spans: Vec<Span>,
    steps: Steps,
    /// Operands of primitives.
    args: Vec<Place>,
    /// Floats that are pushed and popped: the stack, and where the item is or goes.
    items: Vec<(u16, Place)>,
    /// Places that are written before the loop begins.
    constants: Vec<(Place, u64)>,
    places: usize,
    floats: usize,
    others: usize,
    /// Scalars that are only read, and the registers where they are.
    reads: Vec<(Reg, Place)>,
    /// Stacks that are only read.
    shared: Vec<(Reg, StackId)>,
    /// The state, and the registers where it is before and afterwards.
    states: Vec<(Reg, Slot)>,
}

/// Where state is kept.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Scalar(Elem, Place),
    Stack(StackId),
}

/// An instruction.
#[derive(Clone, Copy, Debug)]
enum Instr {
    /// Steps of arithmetic.
    Steps {
        from: u32,
        to: u32,
    },
    /// As of the machine: errors that depend on data.
    Int {
        op: IntBinary,
        args: [Place; 2],
        dst: Place,
    },
    Compare {
        op: Compare,
        args: [Place; 2],
        dst: Place,
    },
    /// An element of an array from outside; `read` if nothing else counts it as read.
    Load {
        array: Operand,
        at: Place,
        dst: Place,
        read: bool,
    },
    /// Any other primitive on scalars, by its index in the executable; `args` is a start in the table of operands.
    Prim {
        prim: u32,
        args: u32,
        dst: Place,
    },
    Copy {
        from: Place,
        to: Place,
    },
    /// Floats put on stacks, each on its own: so many of the table of items.
    Push {
        from: u32,
        to: u32,
    },
    /// Floats taken off stacks.
    Pop {
        from: u32,
        to: u32,
    },
    /// Another scalar.
    PushOther {
        elem: Elem,
        stack: u16,
        item: Place,
    },
    PopOther {
        stack: u16,
        top: Place,
    },
    /// A stack on a stack; `last` if it is not read afterwards.
    PushStack {
        stack: u16,
        item: StackId,
        last: bool,
    },
    PopStack {
        stack: u16,
        top: StackId,
    },
    CopyStack {
        from: StackId,
        to: StackId,
        last: bool,
    },
    Jump {
        to: u32,
    },
    Unless {
        cond: Place,
        to: u32,
    },
    UnlessCompare {
        op: Compare,
        args: [Place; 2],
        to: u32,
    },
}
