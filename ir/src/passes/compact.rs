//! Leaves out what the entry does not reach: graphs, and nodes that no return node needs.

use std::collections::HashMap;

use crate::graph::{GraphId, Module};

use super::Pass;
use super::rewrite;

pub(super) const COMPACT: Pass = Pass {
    name: "compact",
    about: "leaves out graphs and nodes that nothing reaches",
    run: |module| {
        let compacted = compact(module);
        let changed = *module != compacted;
        *module = compacted;
        changed
    },
};

/// The module without unreachable graphs and dead nodes, graphs numbered in order of discovery.
pub fn compact(module: &Module) -> Module {
    // Dead nodes first: they may be what reaches a graph.
    let mut lean = module.clone();
    rewrite::rebuild_all(&mut lean, |_, graph| {
        rewrite::rebuild(graph, |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone()))
    });
    let order = lean.reachable();
    let renamed: HashMap<GraphId, GraphId> = order.iter().enumerate().map(|(i, &g)| (g, GraphId(i as u32))).collect();
    let graphs = order.iter().map(|&g| {
        let mut graph = lean.graph(g).clone();
        for node in &mut graph.nodes {
            node.op = node.op.map_graphs(|g| renamed[&g]);
        }
        graph
    });
    Module { stage: lean.stage, graphs: graphs.collect(), entry: renamed[&lean.entry] }
}
