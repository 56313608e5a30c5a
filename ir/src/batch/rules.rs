//! What the batching rule of a primitive is, and what rules are written with.

use std::cell::RefCell;

use crate::builder::{Builder, Expr};
use crate::graph::NodeId;
use crate::prims::{Attrs, Prim};
use crate::types::Type;

use super::Mask;

/// How a primitive is applied to many lanes at once.
pub enum BatchRule {
    /// Of tensors: the result, with the leading axis, from the primitive and its operands, at least
    /// one of which has the axis. Written in primitives, like derivative rules.
    Tensors(for<'b> fn(&Prim, &Lanes<'b>) -> Expr<'b>),
    /// Of records: the same primitive on operands that have the axis where they must. From the
    /// primitive, the types and masks of the operands and the type of the result.
    Records(fn(&Prim, &[&Type], &[Mask], &Type) -> Aligned),
}

/// How a primitive of records is applied to many lanes.
#[derive(Clone, Debug)]
pub struct Aligned {
    /// With these attributes,
    pub attrs: Attrs,
    /// to operands that have the axis here;
    pub operands: Vec<Mask>,
    /// then the result has it here.
    pub result: Mask,
}

impl Aligned {
    /// With the attributes as they are.
    pub fn new(prim: &Prim, operands: Vec<Mask>, result: Mask) -> Self {
        Self { attrs: prim.attrs.clone(), operands, result }
    }
}

/// The operands of a primitive in many lanes.
#[derive(Debug)]
pub struct Lanes<'b> {
    args: Vec<Expr<'b>>,
    mask: Vec<bool>,
    /// How many lanes there are.
    pub count: usize,
}

impl<'b> Lanes<'b> {
    /// Operands in a graph under construction, and which have the axis.
    pub fn new(builder: &'b RefCell<Builder>, args: &[NodeId], mask: &[bool], count: usize) -> Self {
        Self { args: args.iter().map(|&a| Expr::new(builder, a)).collect(), mask: mask.to_vec(), count }
    }

    /// How many operands there are.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether there are no operands.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// Whether an operand has the axis.
    pub fn has(&self, i: usize) -> bool {
        self.mask[i]
    }

    /// An operand as it is.
    pub fn operand(&self, i: usize) -> Expr<'b> {
        self.args[i]
    }

    /// The extents of an operand in one lane.
    pub fn shape(&self, i: usize) -> Vec<usize> {
        self.args[i].shape()[usize::from(self.mask[i])..].to_vec()
    }

    /// An operand with the axis, repeated for each lane if it has none.
    pub fn lifted(&self, i: usize) -> Expr<'b> {
        if self.mask[i] { self.args[i] } else { self.args[i].repeated(self.count) }
    }

    /// An operand with axes of length 1 put in after that of the lanes, so that it has a rank in each
    /// lane. One without the axis stays as it is: it broadcasts.
    pub fn aligned(&self, i: usize, rank: usize) -> Expr<'b> {
        let shape = self.shape(i);
        if !self.mask[i] || shape.len() >= rank {
            return self.args[i];
        }
        let full: Vec<usize> =
            [self.count].into_iter().chain(std::iter::repeat_n(1, rank - shape.len())).chain(shape).collect();
        self.args[i].reshape(&full)
    }
}
