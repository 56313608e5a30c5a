//! Inlining: a direct call is replaced by the body of the graph it calls.
//!
//! A graph is inlined when it is called once or small; a recursive one only when it is called once, by
//! another graph, and has no branches or loops. A graph called in
//! several places that contains branches or loops stays a call unless it is tiny: twenty `if`s in
//! sequence must not become 2²⁰ copies.

use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{Graph, GraphId, Module, NodeId, Op};

use super::rewrite::{copy_nodes, rebuild, sweep};
use super::{Pass, Run};

pub(super) const INLINE: Pass =
    Pass { name: "inline", about: "replaces calls by the bodies of the graphs called", run: Run::Module(run) };

/// A straight-line graph of at most this many nodes is inlined wherever it is called.
const SMALL: usize = 40;
/// A larger one is, if the copies have no more nodes than this together.
const COPIES: usize = 4000;
/// The limit for a graph with calls, branches or loops of its own.
const SMALL_WITH_CONTROL: usize = 12;
/// No graph grows beyond this by inlining.
const MAX_NODES: usize = 200_000;

fn run(module: &mut Module) -> Vec<GraphId> {
    let order = bottom_up(module);
    let recursive = recursive(module);
    let mut uses = uses(module, &order);
    let mut changed = Vec::new();
    for id in order {
        let callees = |op: &Op| match *op {
            Op::Call(callee) if !recursive[&callee] => Some(callee),
            // Merged with its only caller, which then is recursive in its place.
            Op::Call(callee) if uses[callee.0 as usize] == 1 && is_straight(module.graph(callee)) => {
                Some(callee).filter(|&callee| callee != id && callee != module.entry)
            }
            _ => None,
        };
        let graph = module.graph(id);
        let mut grown = graph.nodes.len();
        let mut wanted = |callee: GraphId| {
            let wanted = is_wanted(module.graph(callee), uses[callee.0 as usize], grown);
            grown += if wanted { module.graph(callee).nodes.len() } else { 0 };
            wanted
        };
        let chosen: FxHashMap<NodeId, GraphId> = graph
            .iter()
            .filter_map(|(n, node)| Some((n, callees(&node.op)?)))
            .filter(|(_, callee)| wanted(*callee))
            .collect();
        if chosen.is_empty() {
            continue;
        }
        let mut inlined = rebuild(graph, |b, node, op, args| match chosen.get(&node) {
            Some(callee) => splice(b, module.graph(*callee), args),
            None => b.emit(op.clone(), args, graph.ty(node).clone()),
        });
        sweep(&mut inlined);
        move_uses(&mut uses, graph, -1);
        for callee in chosen.values() {
            if uses[callee.0 as usize] == 0 {
                move_uses(&mut uses, module.graph(*callee), -1);
            }
        }
        move_uses(&mut uses, &inlined, 1);
        module.graphs[id.0 as usize] = inlined;
        changed.push(id);
    }
    changed
}

fn is_wanted(body: &Graph, uses: i64, grown: usize) -> bool {
    let size = body.nodes.len();
    let control = body.nodes.iter().any(|n| matches!(n.op, Op::If(..) | Op::Loop { .. } | Op::Call(_)));
    let copies = size * usize::try_from(uses - 1).unwrap_or(0);
    let fits = if control { size <= SMALL_WITH_CONTROL } else { size <= SMALL || copies <= COPIES };
    (uses == 1 || fits) && grown + size <= MAX_NODES
}

/// Whether a graph has no branches and loops: one of them might hold the caller, and then a recursion without a call.
fn is_straight(graph: &Graph) -> bool {
    !graph.nodes.iter().any(|n| matches!(n.op, Op::If(..) | Op::Loop { .. }))
}

/// The body of a graph in place of a call; the node that stands for its result.
pub(super) fn splice(b: &mut Builder, graph: &Graph, args: &[NodeId]) -> NodeId {
    let copied = copy_nodes(b, graph, args, |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone()));
    copied.get(graph.ret)
}

/// How many operations of these graphs refer to each graph.
fn uses(module: &Module, graphs: &[GraphId]) -> Vec<i64> {
    let mut uses = vec![0; module.graphs.len()];
    graphs.iter().for_each(|&g| move_uses(&mut uses, module.graph(g), 1));
    uses
}

fn move_uses(uses: &mut [i64], graph: &Graph, by: i64) {
    graph.nodes.iter().flat_map(|n| n.op.graphs()).for_each(|g| uses[g.0 as usize] += by);
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

/// Whether each reachable graph can reach itself: its strongly connected component (Tarjan 1972)
/// has another graph, or it refers to itself.
pub fn recursive(module: &Module) -> FxHashMap<GraphId, bool> {
    let mut components = Components {
        index: vec![None; module.graphs.len()],
        low: vec![0; module.graphs.len()],
        open: Vec::new(),
        is_open: vec![false; module.graphs.len()],
        recursive: FxHashMap::default(),
    };
    components.visit(module, module.entry);
    components.recursive
}

struct Components {
    /// When each graph was first met.
    index: Vec<Option<usize>>,
    /// The earliest graph that is still open and that this one reaches.
    low: Vec<usize>,
    open: Vec<GraphId>,
    is_open: Vec<bool>,
    recursive: FxHashMap<GraphId, bool>,
}

impl Components {
    fn visit(&mut self, module: &Module, start: GraphId) {
        let callees =
            |g: GraphId| -> Vec<GraphId> { module.graph(g).nodes.iter().flat_map(|n| n.op.graphs()).collect() };
        let mut met = 0;
        let mut frames = vec![(start, callees(start), 0)];
        self.meet(start, &mut met);
        while let Some((g, next, at)) = frames.last_mut() {
            let g = *g;
            if let Some(&callee) = next.get(*at) {
                *at += 1;
                match self.index[callee.0 as usize] {
                    None => {
                        self.meet(callee, &mut met);
                        frames.push((callee, callees(callee), 0));
                    }
                    Some(index) if self.is_open[callee.0 as usize] => {
                        self.low[g.0 as usize] = self.low[g.0 as usize].min(index);
                    }
                    Some(_) => {}
                }
                continue;
            }
            let itself = next.contains(&g);
            frames.pop();
            if let Some((parent, ..)) = frames.last() {
                let parent = parent.0 as usize;
                self.low[parent] = self.low[parent].min(self.low[g.0 as usize]);
            }
            if Some(self.low[g.0 as usize]) == self.index[g.0 as usize] {
                self.close(g, itself);
            }
        }
    }

    fn meet(&mut self, g: GraphId, met: &mut usize) {
        self.index[g.0 as usize] = Some(*met);
        self.low[g.0 as usize] = *met;
        *met += 1;
        self.open.push(g);
        self.is_open[g.0 as usize] = true;
    }

    /// Everything opened since `root` is one component.
    fn close(&mut self, root: GraphId, itself: bool) {
        let from = self.open.iter().rposition(|&g| g == root).expect("it is open");
        let members = self.open.split_off(from);
        for &g in &members {
            self.is_open[g.0 as usize] = false;
            self.recursive.insert(g, itself || members.len() > 1);
        }
    }
}
