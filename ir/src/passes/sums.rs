//! What is added to a sum so far is added as soon as it is there.
//!
//! ```text
//! z = f(x); a = matmul z w; s = add r z      becomes      z = f(x); s = add r z; a = matmul z w
//! ```
//!
//! An adjoint adds contributions to what parameters have so far when it is done with a value. Fusion computes the sum with
//! the value if no other reader comes between. The sum so far must have no other reader, so that the sum is
//! written over it and no more memory is held than before.

use crate::graph::{Graph, Node, NodeId};
use crate::types::Elem;

use super::rewrite::readers;
use super::{Pass, Run};

pub(super) const SUMS: Pass =
    Pass { name: "sums", about: "adds to a sum so far as soon as what is added is there", run: Run::Graph(sums) };

fn sums(graph: &Graph) -> Option<Graph> {
    let readers = readers(graph);
    // By node: the last of those that stay which it comes after, itself if it stays; and the sums that come right after it.
    let mut after: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
    let mut next: Vec<Vec<NodeId>> = vec![Vec::new(); graph.nodes.len()];
    for (id, node) in graph.iter() {
        let last = node.args.iter().map(|arg| after[arg.0 as usize]).max();
        match last.filter(|last| last.0 + 1 < id.0 && adds_to_sum(graph, &readers, id, node)) {
            Some(last) => {
                next[last.0 as usize].push(id);
                after.push(last);
            }
            None => after.push(id),
        }
    }
    if next.iter().all(Vec::is_empty) {
        return None;
    }
    let stay = graph.iter().map(|(id, _)| id).filter(|&id| after[id.0 as usize] == id);
    let order: Vec<NodeId> = stay.flat_map(|id| [vec![id], next[id.0 as usize].clone()].concat()).collect();
    Some(in_order(graph, &order))
}

/// Whether a node adds a value that others read as well to one that it alone reads.
fn adds_to_sum(graph: &Graph, readers: &[u32], id: NodeId, node: &Node) -> bool {
    let read = |&arg: &NodeId| readers[arg.0 as usize];
    graph.is_prim(id, "add")
        && node.ty.as_tensor().is_some_and(|(elem, shape)| elem == Elem::F64 && !shape.is_empty())
        && node.args.iter().all(|&arg| *graph.ty(arg) == node.ty)
        && node.args.iter().map(read).min() == Some(1)
        && node.args.iter().map(read).max() > Some(1)
}

/// The graph with its nodes in another order.
fn in_order(graph: &Graph, order: &[NodeId]) -> Graph {
    let mut places = vec![NodeId(0); order.len()];
    order.iter().enumerate().for_each(|(i, id)| places[id.0 as usize] = NodeId(i as u32));
    let place = |id: &NodeId| places[id.0 as usize];
    let moved = |id: &NodeId| {
        let node = graph.node(*id);
        Node { args: node.args.iter().map(place).collect(), ..node.clone() }
    };
    Graph {
        nodes: order.iter().map(moved).collect(),
        params: graph.params.iter().map(place).collect(),
        ret: place(&graph.ret),
        ..graph.clone()
    }
}
