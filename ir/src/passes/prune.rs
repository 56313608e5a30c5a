//! Parameters that a graph does not use, and operands that go with them.
//!
//! Of graphs used by one `if`, `loop` or several direct calls. A parameter counts as used if a live
//! node other than a call of the graph to itself, in the parameter's own place, has it as operand.
//! The entry keeps its parameters, and so do graphs that become function values, the state of loops
//! and graphs to be differentiated.

use std::collections::{HashMap, HashSet};

use crate::graph::{Args, Graph, GraphId, Module, NodeId, Op};

use super::Pass;
use super::compact::compact;
use super::rewrite::{live, rebuild};

pub(super) const PRUNE: Pass = Pass { name: "prune", about: "leaves out parameters that a graph does not use", run };

fn run(module: &mut Module) -> bool {
    // Graphs that nothing reaches any more may still call those that are.
    *module = compact(module);
    let reachable = module.reachable();
    let fixed = fixed(module, &reachable);
    let mut drop: HashMap<GraphId, Vec<bool>> = HashMap::new();
    for &id in &reachable {
        if !fixed.contains(&id) {
            drop.insert(id, unused(module.graph(id), id));
        }
    }
    agree(module, &reachable, &mut drop);
    drop.retain(|_, unused| unused.contains(&true));
    if drop.is_empty() {
        return false;
    }
    for &id in &reachable {
        let graph = without_operands(module.graph(id), &drop);
        module.graphs[id.0 as usize] = match drop.get(&id) {
            Some(unused) => without_params(&graph, unused),
            None => graph,
        };
    }
    true
}

/// Graphs whose parameters must stay.
fn fixed(module: &Module, reachable: &[GraphId]) -> HashSet<GraphId> {
    let mut fixed = HashSet::from([module.entry]);
    for &id in reachable {
        for node in &module.graph(id).nodes {
            match &node.op {
                Op::Closure(g) | Op::Fused(g) => {
                    fixed.insert(*g);
                }
                Op::Vjp(spec) => {
                    fixed.insert(spec.graph);
                }
                _ => {}
            }
        }
    }
    fixed
}

fn unused(graph: &Graph, own: GraphId) -> Vec<bool> {
    let live = live(graph);
    let mut unused = vec![true; graph.params.len()];
    let index: HashMap<NodeId, usize> = graph.params.iter().enumerate().map(|(i, &p)| (p, i)).collect();
    for (id, node) in graph.iter().filter(|(id, _)| live[id.0 as usize]) {
        for (at, arg) in node.args.iter().enumerate() {
            if let Some(&i) = index.get(arg)
                && !(node.op == Op::Call(own) && at == i)
            {
                unused[i] = false;
            }
        }
        if id == graph.ret
            && let Some(&i) = index.get(&id)
        {
            unused[i] = false;
        }
    }
    unused
}

/// The two graphs of an `if` or a `loop` take the same operands; a loop keeps its state.
fn agree(module: &Module, reachable: &[GraphId], drop: &mut HashMap<GraphId, Vec<bool>>) {
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for &id in reachable {
            for node in &module.graph(id).nodes {
                let (a, b, state) = match node.op {
                    Op::If(a, b) => (a, b, 0),
                    Op::Loop { cond, body } => (cond, body, node.ty.as_tuple().map_or(0, <[_]>::len)),
                    _ => continue,
                };
                let count = module.graph(a).params.len();
                let of = |g: GraphId, drop: &HashMap<GraphId, Vec<bool>>| {
                    drop.get(&g).cloned().unwrap_or_else(|| vec![false; count])
                };
                let (x, y) = (of(a, drop), of(b, drop));
                let both: Vec<bool> = (0..count).map(|i| i >= state && x[i] && y[i]).collect();
                for (g, old) in [(a, x), (b, y)] {
                    if old != both {
                        drop.insert(g, both.clone());
                        changed = true;
                    }
                }
            }
        }
    }
}

fn without_operands(graph: &Graph, drop: &HashMap<GraphId, Vec<bool>>) -> Graph {
    rebuild(graph, |b, id, op, args| {
        let (first, unused) = match op {
            Op::Call(g) => (0, drop.get(g)),
            Op::If(g, _) => (1, drop.get(g)),
            Op::Loop { body, .. } => (0, drop.get(body)),
            _ => (0, None),
        };
        let kept = |i: usize| i < first || unused.is_none_or(|u| !u[i - first]);
        let args: Args = args.iter().enumerate().filter(|(i, _)| kept(*i)).map(|(_, a)| *a).collect();
        b.emit(op.clone(), &args, graph.ty(id).clone())
    })
}

fn without_params(graph: &Graph, unused: &[bool]) -> Graph {
    let mut graph = graph.clone();
    let dropped: Vec<NodeId> = graph.params.iter().zip(unused).filter(|(_, u)| **u).map(|(p, _)| *p).collect();
    graph.params.retain(|p| !dropped.contains(p));
    for (i, &p) in graph.params.iter().enumerate() {
        graph.nodes[p.0 as usize].op = Op::Param(i as u32);
    }
    // What is left of a dropped parameter is a dead node; it must not look like one.
    for p in dropped {
        graph.nodes[p.0 as usize].op = Op::Zero;
    }
    graph
}
