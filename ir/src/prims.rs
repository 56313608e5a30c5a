//! The primitives: for each its value, its shape rule, its batching rule and its derivative rule, in one place.
//!
//! A primitive is a [`PrimDef`] row in one of the family files below; [`PRIMS`] lists them all,
//! and help, text form, tests and strategies go by that list. Elementwise primitives broadcast as
//! NumPy does and take any mixture of scalars and arrays of one element type; casts are explicit.
//!
//! Notation in rules: `x`, `y = f(x)`, `dy` the cotangent of `y`. A rule returns for each operand
//! its cotangent `dx`, or `None` where none flows (integers, booleans, piecewise constants). Rules
//! are written in primitives, so that they can be executed, staged, emitted and differentiated
//! again; there is no other place for a derivative.

mod args;
mod compare;
mod elementwise;
mod index;
mod layout;
mod linalg;
pub mod pullbacks;
mod record;
mod reduce;
mod rows;
mod support;

use std::cell::RefCell;
use std::fmt;
use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use crate::batch::BatchRule;
use crate::builder::{Builder, Expr};
use crate::graph::NodeId;
use crate::types::Type;
use crate::value::Value;

pub use args::Args;
pub use compare::*;
pub use elementwise::*;
pub use index::*;
pub use layout::*;
pub use linalg::*;
pub use record::*;
pub use reduce::*;
pub use rows::*;

/// Static integers of an application: axes, a permutation, a shape. Each primitive documents its.
pub type Attrs = SmallVec<[i64; 4]>;

/// A primitive with its attributes.
#[derive(Clone)]
pub struct Prim {
    /// Which primitive.
    pub def: &'static PrimDef,
    /// Its static integers.
    pub attrs: Attrs,
}

/// A derivative rule, given the operands, the result and its cotangent.
pub type Rule = for<'b> fn(&Attrs, &[Expr<'b>], Expr<'b>, Expr<'b>) -> Vec<Option<Expr<'b>>>;

/// One primitive: a row.
pub struct PrimDef {
    /// The name in text.
    pub name: &'static str,
    /// One line: what it computes, the meaning of its attributes.
    pub about: &'static str,
    /// The type of the result, or why the operands do not fit.
    pub ty: fn(&Attrs, &[&Type]) -> Result<Type, String>,
    /// The value. Operands may be taken and their buffers reused when they are not shared. An error
    /// is one that depends on data: an index out of range, say.
    pub eval: fn(&Attrs, &mut Args<'_>, &Type) -> Result<Value, String>,
    /// How it is applied to many lanes at once.
    pub batch: BatchRule,
    /// The derivative rule; `None` if no sensitivity passes (the result is not float, or is
    /// piecewise constant).
    pub vjp: Option<Rule>,
}

impl PrimDef {
    /// The rule applied inside a graph under construction: the cotangents of the operands.
    pub fn pull(
        &self,
        builder: &RefCell<Builder>,
        attrs: &Attrs,
        args: &[NodeId],
        out: NodeId,
        dout: NodeId,
    ) -> Vec<Option<NodeId>> {
        let flows = builder.borrow().ty(out).is_differentiable();
        let Some(rule) = self.vjp.filter(|_| flows) else {
            return vec![None; args.len()];
        };
        let args: SmallVec<[Expr<'_>; 4]> = args.iter().map(|&a| Expr::new(builder, a)).collect();
        let pulled = rule(attrs, &args, Expr::new(builder, out), Expr::new(builder, dout));
        pulled.into_iter().map(|d| d.map(|d| d.id)).collect()
    }
}

impl PrimDef {
    /// Whether the order of two operands does not matter, to the last bit.
    pub fn is_commutative(&self) -> bool {
        matches!(self.name, "add" | "mul" | "eq" | "ne" | "logical_and" | "logical_or" | "logical_xor")
    }
}

impl fmt::Debug for PrimDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Prim {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.def, other.def) && self.attrs == other.attrs
    }
}

impl Eq for Prim {}

impl Hash for Prim {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.def.name.hash(state);
        self.attrs.hash(state);
    }
}

impl fmt::Debug for Prim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Prim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.def.name)?;
        if self.attrs.is_empty() {
            return Ok(());
        }
        let attrs: Vec<String> = self.attrs.iter().map(i64::to_string).collect();
        write!(f, "[{}]", attrs.join(","))
    }
}

/// The primitive of a name.
pub fn by_name(name: &str) -> Option<&'static PrimDef> {
    PRIMS.iter().copied().find(|p| p.name == name)
}

/// Every primitive. The order is that of the documentation: family by family, simple ones first.
#[rustfmt::skip]
pub const PRIMS: &[&PrimDef] = &[
    // arithmetic
    &ADD, &SUB, &MUL, &DIV, &FLOORDIV, &MOD, &POW, &POWI, &MAXIMUM, &MINIMUM, &NEG, &ABS, &SIGN,
    // elementary functions
    &EXP, &EXPM1, &LOG, &LOG1P, &SQRT, &CBRT, &SIN, &COS, &TAN, &ARCSIN, &ARCCOS, &ARCTAN, &ARCTAN2,
    &SINH, &COSH, &TANH, &SIGMOID, &FLOOR, &CEIL,
    // comparison, logic, choice, casts
    &LT, &LE, &GT, &GE, &EQ, &NE, &LOGICAL_AND, &LOGICAL_OR, &LOGICAL_XOR, &LOGICAL_NOT,
    &SELECT, &DETACH, &TO_F64, &TO_I64, &TO_BOOL, &ISNAN, &ISINF, &ISFINITE,
    // reductions
    &SUM, &PROD, &MAX, &MIN, &ALL, &ANY, &ARGMAX, &ARGMIN, &CUMSUM,
    // layout
    &RESHAPE, &TRANSPOSE, &BROADCAST_TO, &SLICE, &UNSLICE, &CONCAT, &UNITS,
    // indexing
    &GATHER, &SCATTER, &INDEX, &INDEX_ADD, &SCATTER_ADD, &RAVEL_INDEX,
    // linear algebra
    &MATMUL, &GEMM_ADD,
    // records
    &PUSH, &POP, &PUSH_ROWS, &POP_ROWS, &STACK_ADD, &ENV_MAKE, &ENV_GET, &ENV_PUT, &ENV_ADD, &REPLICATE, &TOTAL,
];
