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
//! - [`tables`]: which stacks are pushed and popped together.
//! - [`run`]: running it.

mod build;
mod run;
mod tables;

use std::fmt::{self, Write};

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
    /// Of floats: by its index among those, and once it is known which are pushed and popped together, that of the table of
    /// which it is the only one.
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
    /// Rows of floats that are pushed and popped: the table, and where the items begin.
    rows: Vec<(u16, u32)>,
    /// Where the items are or go, by row.
    items: Vec<Place>,
    /// Places that are written before the loop begins.
    constants: Vec<(Place, u64)>,
    places: usize,
    /// Stacks of floats, as many together as are pushed and popped at the same time.
    tables: Vec<TableSlot>,
    others: usize,
    /// Scalars that are only read, and the registers where they are.
    reads: Vec<(Reg, Place)>,
    /// Stacks that are only read.
    shared: Vec<(Reg, StackId)>,
    /// The state apart from stacks of floats, and the registers where it is before and afterwards.
    states: Vec<(Reg, Slot)>,
}

impl Scalars {
    /// Appends the program as text, without positions.
    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        let Self { code, spans: _, steps, args, rows, items, constants, places, tables, others, reads, shared, states } =
            self;
        writeln!(out, "{code:?}\n{steps:?} {args:?} {rows:?} {items:?} {constants:?}")?;
        writeln!(out, "{places} {tables:?} {others} {reads:?} {shared:?} {states:?}")
    }
}

/// A table of stacks of floats that are pushed and popped together.
#[derive(Debug)]
struct TableSlot {
    width: usize,
    /// The registers of the stacks, if they are state: where they are before and afterwards.
    regs: Vec<Reg>,
}

/// Where state is kept.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Scalar(Elem, Place),
    Stack(u16),
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
    /// Floats put on stacks: so many rows.
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
