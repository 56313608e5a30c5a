//! Primitives of constants are computed.
//!
//! By the same function that computes them at run time, so the bits are the same. One that would
//! fail at run time is left to fail there, where it is known whether it runs at all.

use crate::builder::Builder;
use crate::graph::{Const, Graph, NodeId, Op};
use crate::prims::{Args, Prim};
use crate::types::Type;
use crate::value::Value;

use super::rewrite::replace_nodes;
use super::{Pass, Run};

pub(super) const FOLD: Pass =
    Pass { name: "fold", about: "computes primitives of constants beforehand", run: Run::Graph(fold) };

/// Constants of more elements are not computed beforehand.
const MAX_ELEMENTS: usize = 4096;

pub(super) fn fold(graph: &Graph) -> Option<Graph> {
    replace_nodes(graph, |b, op, args, ty| match op {
        Op::Prim(prim) => compute(b, prim, args, ty),
        _ => None,
    })
}

fn compute(b: &mut Builder, prim: &Prim, args: &[NodeId], ty: &Type) -> Option<NodeId> {
    let constant = |&a: &NodeId| match &b.graph().node(a).op {
        Op::Const(c) => Some(Value::of_const(c)),
        _ => None,
    };
    if ty.as_tensor().is_none() || ty.size() > MAX_ELEMENTS || args.is_empty() {
        return None;
    }
    let mut values: Vec<Value> = args.iter().map(constant).collect::<Option<_>>()?;
    let value = (prim.def.eval)(&prim.attrs, &mut Args::new(&mut values), ty).ok()?;
    let folded = match value {
        Value::F64(x, _) => Const::F64(x),
        Value::I64(n) => Const::I64(n),
        Value::Bool(t) => Const::Bool(t),
        Value::Array(a, _) => Const::Array(a),
        Value::Ints(a) => Const::Ints(a),
        Value::Bools(a) => Const::Bools(a),
        Value::Tuple(_) | Value::Closure(..) | Value::Stack(_) | Value::Env(_) => return None,
    };
    Some(b.constant(folded))
}
