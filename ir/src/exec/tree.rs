//! The tree form of a lowered graph: structured control flow over virtual registers.
//!
//! Virtual registers are [`Reg`]s without limit. All but the results of an `If` and the state of a
//! `Loop` are written in one place. Positions grow in the order in which steps are made, which
//! is the order of the code.

use smallvec::SmallVec;

use super::code::{Operand, Reg};
use crate::graph::GraphId;
use crate::span::Span;
use crate::types::Type;

/// Operands of a step.
pub(super) type Operands = SmallVec<[Operand; 4]>;

/// Registers that a step writes or empties.
pub(super) type Regs = SmallVec<[Reg; 2]>;

/// What a simple step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A primitive, by its index in the executable.
    Prim(u32),
    /// A block program, by its index in the executable.
    Fused(u32),
    Tuple,
    Get(u32),
    Unpack,
    /// By the type of the item in the executable.
    Push(u32),
    /// By its type in the executable.
    Pop(u32),
    Closure(GraphId),
    /// Does not return here if `tail`.
    Call {
        graph: GraphId,
        tail: bool,
    },
    Apply {
        tail: bool,
    },
    /// By its index in the executable.
    Vjp(u32),
    Move,
    Return,
}

/// Steps one after the other.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) at: u32,
    /// Registers that are emptied first, because only another path uses them.
    pub(super) drops: Vec<Reg>,
    pub(super) steps: Vec<Step>,
}

/// One step.
#[derive(Debug)]
pub(super) enum Step {
    Do {
        action: Action,
        at: u32,
        args: Operands,
        dsts: Regs,
        /// Results that nobody uses; emptied at once.
        drops: Regs,
        span: Span,
    },
    /// Steps that do not need each other, at once: all operands are read before any result is written.
    Together { at: u32, parts: Vec<Part> },
    If {
        cond: Operand,
        at: u32,
        then: Block,
        other: Block,
        /// Where its results are; none if both branches return.
        dsts: Regs,
        ty: Type,
    },
    Loop {
        test: Block,
        cond: Operand,
        body: Block,
        /// The exit; registers emptied there are in its `drops`.
        exit: Block,
        /// Registers from here on were made inside.
        fresh: Reg,
        states: Regs,
        /// Of the state.
        ty: Type,
    },
}

/// One of several steps at once: a primitive or a block program.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) action: Action,
    pub(super) args: Operands,
    pub(super) dsts: Regs,
    pub(super) drops: Regs,
    pub(super) span: Span,
}

/// A graph as a tree.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) params: u32,
    pub(super) tuple: bool,
    /// Number of virtual registers; the parameters come first.
    pub(super) regs: u32,
    pub(super) body: Block,
}
