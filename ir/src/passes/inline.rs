//! Inlining: a direct call is replaced by the body of the graph it calls.
//!
//! A graph is inlined when it is not recursive and is either called once or small. A branch whose
//! condition is a constant is replaced by the branch taken. A graph called in several places that
//! contains branches or loops stays a call unless it is tiny: twenty `if`s in sequence must not
//! become 2²⁰ copies.

use std::collections::HashMap;

use crate::builder::Builder;
use crate::graph::{Graph, GraphId, Module, NodeId, Op};
use crate::types::Type;

use super::Pass;
use super::rewrite::{copy_nodes, rebuild};

pub(super) const INLINE: Pass =
    Pass { name: "inline", about: "replaces calls by the bodies of the graphs called", run };

/// A straight-line graph of at most this many nodes is inlined wherever it is called.
const SMALL: usize = 400;
/// The same for a graph with branches or loops of its own.
const SMALL_WITH_CONTROL: usize = 12;
/// No graph grows beyond this by inlining.
const MAX_NODES: usize = 200_000;

fn run(module: &mut Module) -> bool {
    let order = bottom_up(module);
    let recursive = recursive(module);
    let mut uses = uses(module);
    let mut changed = false;
    for &id in &order {
        let graph = module.graph(id);
        let size = graph.nodes.len();
        let wanted = |callee: GraphId, grown: usize| {
            let body = module.graph(callee);
            let control = body.nodes.iter().any(|n| matches!(n.op, Op::If(..) | Op::Loop { .. } | Op::Call(_)));
            let limit = if control { SMALL_WITH_CONTROL } else { SMALL };
            !recursive[&callee]
                && (uses[&callee] == 1 || body.nodes.len() <= limit)
                && grown + body.nodes.len() <= MAX_NODES
        };
        if !graph.nodes.iter().any(|n| matches!(n.op, Op::Call(g) if wanted(g, size))) {
            continue;
        }
        let mut grown = size;
        let inlined = rebuild(graph, |b, node, op, args| match *op {
            Op::Call(callee) if wanted(callee, grown) => {
                grown += module.graph(callee).nodes.len();
                splice(b, module.graph(callee), args)
            }
            _ => b.emit(op.clone(), args, graph.ty(node).clone()),
        });
        module.graphs[id.0 as usize] = inlined;
        uses = self::uses(module);
        changed = true;
    }
    changed
}

/// The body of a graph in place of a call; the node that stands for its result.
pub(super) fn splice(b: &mut Builder, graph: &Graph, args: &[NodeId]) -> NodeId {
    let copied = copy_nodes(b, graph, args, |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone()));
    copied.get(graph.ret)
}

/// How many operations refer to each graph that the entry reaches.
fn uses(module: &Module) -> HashMap<GraphId, usize> {
    let mut uses = HashMap::new();
    for g in module.reachable() {
        uses.entry(g).or_insert(0);
        for node in &module.graph(g).nodes {
            for callee in node.op.graphs() {
                *uses.entry(callee).or_insert(0) += 1;
            }
        }
    }
    uses
}

/// Reachable graphs, callees before callers as far as there are no cycles.
fn bottom_up(module: &Module) -> Vec<GraphId> {
    let mut done = vec![false; module.graphs.len()];
    let mut order = Vec::new();
    let mut stack = vec![(module.entry, false)];
    while let Some((g, expanded)) = stack.pop() {
        if expanded {
            order.push(g);
        } else if !std::mem::replace(&mut done[g.0 as usize], true) {
            stack.push((g, true));
            let callees = module.graph(g).nodes.iter().flat_map(|n| n.op.graphs());
            stack.extend(callees.filter(|c| !done[c.0 as usize]).map(|c| (c, false)));
        }
    }
    order
}

/// Whether each reachable graph can reach itself.
pub fn recursive(module: &Module) -> HashMap<GraphId, bool> {
    let reachable = module.reachable();
    let callees: HashMap<GraphId, Vec<GraphId>> = reachable
        .iter()
        .map(|&g| {
            let mut all: Vec<GraphId> = module.graph(g).nodes.iter().flat_map(|n| n.op.graphs()).collect();
            all.sort();
            all.dedup();
            (g, all)
        })
        .collect();
    let reaches_itself = |start: GraphId| {
        let mut seen = vec![false; module.graphs.len()];
        let mut work = callees[&start].clone();
        while let Some(g) = work.pop() {
            if g == start {
                return true;
            }
            if !std::mem::replace(&mut seen[g.0 as usize], true) {
                work.extend(&callees[&g]);
            }
        }
        false
    };
    reachable.iter().map(|&g| (g, reaches_itself(g))).collect()
}

/// A call of a branch that is known to be taken.
pub(super) fn take_branch(module: &Module, b: &mut Builder, branch: GraphId, args: &[NodeId], ty: &Type) -> NodeId {
    debug_assert_eq!(module.graph(branch).result_type(), ty, "a branch has the type of its `if`");
    splice(b, module.graph(branch), args)
}
