//! Common subexpressions are computed once.
//!
//! Equal operations on equal operands have equal values: the language is pure. The operands of
//! commutative primitives are compared in either order; IEEE sums and products commute exactly.

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::graph::{Args, Graph, NodeId, Op};
use crate::types::Type;

use super::rewrite::replace_nodes;
use super::{Pass, Run};

pub(super) const CSE: Pass = Pass { name: "cse", about: "computes common subexpressions once", run: Run::Graph(cse) };

fn cse(graph: &Graph) -> Option<Graph> {
    let mut known: FxHashMap<Expression, NodeId> =
        FxHashMap::with_capacity_and_hasher(graph.nodes.len(), FxBuildHasher);
    replace_nodes(graph, |b, op, args, ty| {
        let key = expression(op, args, ty);
        if let Some(&same) = known.get(&key) {
            return Some(same);
        }
        // The node is emitted next, by the walk.
        known.insert(key, NodeId(b.graph().nodes.len() as u32));
        None
    })
}

/// An operation on operands, equal for whatever has the same value.
pub(super) type Expression = (Op, Args, Type);

/// The expression of a node.
pub(super) fn expression(op: &Op, args: &[NodeId], ty: &Type) -> Expression {
    let mut args = Args::from_slice(args);
    if let Op::Prim(p) = op
        && p.def.is_commutative()
    {
        args.sort_unstable();
    }
    (op.clone(), args, ty.clone())
}
