//! Elements that are only added to zeros and then to something are added to it in place.
//!
//! ```text
//! c + index_add (index_add zero i v) j w  =  index_add (index_add c i v) j w
//! c + scatter i v                         =  scatter_add c i v
//! ```
//!
//! What flows back to an array that a loop reads by index is of these forms, with the sum so far as `c`.
//! Added in place, a trip costs its elements and not the length of the array, and a loop over an
//! array is linear in all. Where `i` and `j` are the same element the terms of its sum come in
//! another order, as they do where one `scatter` has an index twice. A -0.0 in `c` stays one where nothing is added to it; with the
//! zeros it was 0.0.

use smallvec::SmallVec;

use crate::builder::Builder;
use crate::graph::{Graph, NodeId, Op};
use crate::prims::SCATTER_ADD;

use super::rewrite::{readers, rebuild, sweep};
use super::{Pass, Run};

pub(super) const ACCUMULATE: Pass = Pass {
    name: "accumulate",
    about: "adds elements in place to what their sum with zeros is added to",
    run: Run::Graph(accumulate),
};

fn accumulate(graph: &Graph) -> Option<Graph> {
    let readers = readers(graph);
    let addition = |id: NodeId| {
        let node = graph.node(id);
        let is_add = matches!(&node.op, Op::Prim(p) if p.def.name == "add");
        let fits = is_add && node.args.iter().all(|&a| *graph.ty(a) == node.ty);
        [0, 1].into_iter().find(|&at| fits && is_chain(graph, node.args[at], &|id| readers[id.0 as usize] == 1))
    };
    if !graph.iter().any(|(id, _)| addition(id).is_some()) {
        return None;
    }
    let mut new = rebuild(graph, |b, id, op, args| match addition(id) {
        Some(at) => append(b, args[at], args[1 - at]),
        None => b.emit(op.clone(), args, graph.ty(id).clone()),
    });
    sweep(&mut new);
    Some(new)
}

/// Whether a node is one element or several added to zeros, and nobody reads what comes in between.
fn is_chain(graph: &Graph, id: NodeId, alone: &dyn Fn(NodeId) -> bool) -> bool {
    let mut at = id;
    while adds_elements(&graph.node(at).op) && alone(at) {
        at = graph.node(at).args[0];
    }
    at != id && graph.node(at).op == Op::Zero || graph.is_prim(at, "scatter") && alone(at)
}

/// Whether an operation adds elements to its first operand.
pub(super) fn adds_elements(op: &Op) -> bool {
    matches!(op, Op::Prim(p) if matches!(p.def.name, "index_add" | "scatter_add"))
}

/// The elements of a chain added to something else, in their order.
fn append(b: &mut Builder, chain: NodeId, onto: NodeId) -> NodeId {
    let mut links: SmallVec<[NodeId; 4]> = SmallVec::new();
    let mut at = chain;
    while adds_elements(&b.graph().node(at).op) {
        links.push(at);
        at = b.graph().node(at).args[0];
    }
    let first = b.graph().node(at).clone();
    let onto = match &first.op {
        Op::Prim(p) => b.prim(&SCATTER_ADD, &p.attrs[..1], &[onto, first.args[0], first.args[1]]),
        _ => onto,
    };
    links.into_iter().rev().fold(onto, |sum, link| {
        let node = b.graph().node(link).clone();
        b.emit(node.op, &[sum, node.args[1], node.args[2]], node.ty)
    })
}
