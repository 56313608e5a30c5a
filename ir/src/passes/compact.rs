//! Leaves out what the entry does not reach: graphs, and nodes that no return node needs.

use crate::graph::{GraphId, Module};

use super::rewrite::sweep;

/// Leaves out unreachable graphs and dead nodes; graphs are numbered in order of discovery.
pub fn compact(module: &mut Module) {
    // Dead nodes first: they may be what reaches a graph.
    module.graphs.iter_mut().for_each(sweep);
    let order = module.reachable();
    renumber(module, &order);
}

/// Leaves out unreachable graphs; what remains, in the order in which it stood.
pub(super) fn leave_out_unreachable(module: &mut Module) -> Vec<GraphId> {
    let mut order = module.reachable();
    order.sort_unstable();
    renumber(module, &order);
    order
}

/// Keeps these graphs, in this order.
fn renumber(module: &mut Module, order: &[GraphId]) {
    if order.len() == module.graphs.len() && order.is_sorted() {
        return;
    }
    let mut places = vec![None; module.graphs.len()];
    order.iter().enumerate().for_each(|(i, g)| places[g.0 as usize] = Some(GraphId(i as u32)));
    let place = |g: GraphId| places[g.0 as usize].expect("a graph that is reached");
    let mut old: Vec<Option<_>> = std::mem::take(&mut module.graphs).into_iter().map(Some).collect();
    for g in order {
        let mut graph = old[g.0 as usize].take().expect("each graph once");
        for node in graph.nodes.iter_mut().filter(|n| !n.op.graphs().is_empty()) {
            node.op = node.op.map_graphs(place);
        }
        module.graphs.push(graph);
    }
    module.entry = place(module.entry);
}
