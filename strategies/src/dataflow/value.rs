//! What is known of a value while the graph is built.

use std::rc::Rc;

use adjudicate_ir::graph::{Const, GraphId, NodeId};
use adjudicate_ir::prims::{Args, Prim};
use adjudicate_ir::types::{Elem, Type};
use adjudicate_ir::value::Value;

/// A value while the graph is built. Structure and functions exist only here: the graph has
/// tensors, and tuples as results of control flow.
#[derive(Clone, Debug)]
pub(super) enum Val {
    /// Computed by a node when the graph runs.
    Node(NodeId),
    /// Known now.
    Known(Rc<Const>),
    /// A tuple of which the items are at hand.
    Items(Rc<[Val]>),
    /// A function that is known, with its captures.
    Func(GraphId, Rc<[Val]>),
}

impl Val {
    /// A value that is known.
    pub(super) fn known(constant: Const) -> Val {
        Val::Known(Rc::new(constant))
    }

    /// The constant, if it is known.
    pub(super) fn as_known(&self) -> Option<&Rc<Const>> {
        match self {
            Val::Known(constant) => Some(constant),
            Val::Node(_) | Val::Items(_) | Val::Func(..) => None,
        }
    }

    /// The truth, if it is known.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self.as_known().map(|c| &**c) {
            Some(Const::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }
}

/// Arrays of integers and booleans of more elements than this are left to the graph.
const MAX_FOLDED: usize = 4096;

/// The value of a primitive on known operands, computed by the primitive itself. Of floats only
/// scalars are folded; what fails now is left to fail when the graph runs.
pub(super) fn fold(prim: &Prim, args: &[Val], ty: &Type) -> Option<Const> {
    let (elem, shape) = ty.as_tensor()?;
    let small = if elem == Elem::F64 { shape.is_empty() } else { ty.size() <= MAX_FOLDED };
    if args.is_empty() || !small {
        return None;
    }
    let known = |arg: &Val| arg.as_known().map(|c| Value::of_const(c));
    let mut values: Vec<Value> = args.iter().map(known).collect::<Option<_>>()?;
    match (prim.def.eval)(&prim.attrs, &mut Args::new(&mut values), ty).ok()? {
        Value::F64(x, _) => Some(Const::F64(x)),
        Value::I64(n) => Some(Const::I64(n)),
        Value::Bool(b) => Some(Const::Bool(b)),
        Value::Ints(a) => Some(Const::Ints(a)),
        Value::Bools(a) => Some(Const::Bools(a)),
        Value::Array(..) | Value::Tuple(_) | Value::Closure(..) | Value::Stack(_) | Value::Env(_) => None,
    }
}
