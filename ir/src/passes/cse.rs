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
    let mut known: FxHashMap<(Op, Args, Type), NodeId> =
        FxHashMap::with_capacity_and_hasher(graph.nodes.len(), FxBuildHasher);
    replace_nodes(graph, |b, op, args, ty| {
        let mut key = (op.clone(), Args::from_slice(args), ty.clone());
        if let Op::Prim(p) = op
            && p.def.is_commutative()
        {
            key.1.sort_unstable();
        }
        if let Some(&same) = known.get(&key) {
            return Some(same);
        }
        // The node is emitted next, by the walk.
        known.insert(key, NodeId(b.graph().nodes.len() as u32));
        None
    })
}
