//! The tree of branches on whose paths a graph calls itself.

use crate::graph::{Args, Graph, GraphId, Module, NodeId, Op};
use crate::passes::inline::splice;
use crate::passes::rewrite::{live, rebuild};

/// A graph of the tree.
#[derive(Debug)]
pub(super) struct Level {
    /// The graph without dead nodes, calls that lead back to the root inlined.
    pub(super) graph: Graph,
    /// The node that holds the self-call; of an exit, the return node.
    pub(super) spine: NodeId,
    pub(super) kind: Kind,
    /// For each parameter the parameter of the root that it is, if it is one.
    pub(super) origin: Vec<Option<usize>>,
    /// Nodes that depend on the spine.
    pub(super) after: Vec<bool>,
}

/// What the spine of a level is.
#[derive(Debug)]
pub(super) enum Kind {
    /// No self-call: the recursion ends.
    Exit,
    /// The self-call.
    Again,
    /// A branch.
    Branch(Box<[Level; 2]>),
}

/// The tree of a graph that calls itself once on some paths and not at all on others.
pub(super) fn of(module: &Module, target: GraphId) -> Option<Level> {
    let leads = leads_to(module, target);
    let calls = |g: GraphId| module.graph(g).nodes.iter().any(|n| n.op.graphs().iter().any(|g| leads[g.0 as usize]));
    if !calls(target) {
        return None;
    }
    let params = module.graph(target).params.len();
    let mut walk = Walk { module, target, leads, path: Vec::new() };
    let root = walk.level(target, (0..params).map(Some).collect())?;
    (root.has_exit() && root.calls_again()).then_some(root)
}

/// The graphs from which `target` can be reached, itself included.
fn leads_to(module: &Module, target: GraphId) -> Vec<bool> {
    let mut callers: Vec<Vec<GraphId>> = vec![Vec::new(); module.graphs.len()];
    for (id, graph) in module.iter() {
        for callee in graph.nodes.iter().flat_map(|n| n.op.graphs()) {
            callers[callee.0 as usize].push(id);
        }
    }
    let mut leads = vec![false; module.graphs.len()];
    let mut work = vec![target];
    while let Some(id) = work.pop() {
        if !std::mem::replace(&mut leads[id.0 as usize], true) {
            work.extend(&callers[id.0 as usize]);
        }
    }
    leads
}

struct Walk<'m> {
    module: &'m Module,
    target: GraphId,
    leads: Vec<bool>,
    /// The graphs that the level at hand is inside of.
    path: Vec<GraphId>,
}

impl Walk<'_> {
    fn level(&mut self, id: GraphId, origin: Vec<Option<usize>>) -> Option<Level> {
        let depth = self.path.len();
        let graph = self.flat(id)?;
        let spine = self.spine(&graph)?;
        let (spine, kind) = match spine {
            None => (graph.ret, Kind::Exit),
            Some(spine) => match graph.node(spine).op {
                Op::Call(_) => (spine, Kind::Again),
                Op::If(then, other) => {
                    let operands = &graph.node(spine).args[1..];
                    let origins: Vec<_> = operands.iter().map(|&a| source(&graph, &origin, a)).collect();
                    let branches = [self.level(then, origins.clone())?, self.level(other, origins)?];
                    (spine, Kind::Branch(Box::new(branches)))
                }
                _ => return None,
            },
        };
        self.path.truncate(depth);
        let after = dependants(&graph, spine);
        Some(Level { graph, spine, kind, origin, after })
    }

    /// The live nodes of a graph, with the body of what it calls in place of a call that leads back
    /// to the target but is not of it. `None` if it leads back twice, or by way of itself.
    fn flat(&mut self, id: GraphId) -> Option<Graph> {
        if self.path.contains(&id) {
            return None;
        }
        self.path.push(id);
        let graph = self.module.graph(id);
        let graph = rebuild(graph, |b, n, op, args| b.emit(op.clone(), args, graph.ty(n).clone()));
        let Some(spine) = self.spine(&graph)? else { return Some(graph) };
        match graph.node(spine).op {
            Op::Call(callee) if callee != self.target => {
                let body = self.flat(callee)?;
                let inlined = rebuild(&graph, |b, n, op, args| {
                    if n == spine { splice(b, &body, args) } else { b.emit(op.clone(), args, graph.ty(n).clone()) }
                });
                Some(rebuild(&inlined, |b, n, op, args| b.emit(op.clone(), args, inlined.ty(n).clone())))
            }
            _ => Some(graph),
        }
    }

    /// The live node that leads back to the target, if there is one; `None` if there are several.
    #[expect(clippy::option_option, reason = "several, one or none")]
    fn spine(&self, graph: &Graph) -> Option<Option<NodeId>> {
        let live = live(graph);
        let leads = |(id, node): &(NodeId, &crate::graph::Node)| {
            live[id.0 as usize] && node.op.graphs().iter().any(|g| self.leads[g.0 as usize])
        };
        let mut found = graph.iter().filter(leads).map(|(id, _)| id);
        let spine = found.next();
        found.next().is_none().then_some(spine)
    }
}

/// The parameter of the root that a node is.
fn source(graph: &Graph, origin: &[Option<usize>], id: NodeId) -> Option<usize> {
    match graph.node(id).op {
        Op::Param(i) => origin[i as usize],
        _ => None,
    }
}

/// Nodes that depend on a node, itself excluded.
fn dependants(graph: &Graph, on: NodeId) -> Vec<bool> {
    let mut after = vec![false; graph.nodes.len()];
    for (id, node) in graph.iter() {
        after[id.0 as usize] = node.args.iter().any(|&a| a == on || after[a.0 as usize]);
    }
    after
}

impl Level {
    /// The two levels below a branch.
    pub(super) fn branches(&self) -> Option<&[Level; 2]> {
        match &self.kind {
            Kind::Exit | Kind::Again => None,
            Kind::Branch(branches) => Some(branches),
        }
    }

    /// Whether the recursion may end here.
    pub(super) fn has_exit(&self) -> bool {
        match &self.kind {
            Kind::Exit => true,
            Kind::Again => false,
            Kind::Branch(branches) => branches.iter().any(Level::has_exit),
        }
    }

    /// Whether it may go on.
    pub(super) fn calls_again(&self) -> bool {
        match &self.kind {
            Kind::Exit => false,
            Kind::Again => true,
            Kind::Branch(branches) => branches.iter().any(Level::calls_again),
        }
    }

    /// Whether every self-call is a tail call.
    pub(super) fn is_plain(&self) -> bool {
        self.spine == self.graph.ret
            && self.branches().is_none_or(|branches| branches.iter().all(|b| !b.calls_again() || b.is_plain()))
    }

    /// How many ways to come back from a self-call are to be told apart.
    pub(super) fn paths(&self) -> usize {
        match &self.kind {
            Kind::Exit => 0,
            Kind::Again => 1,
            Kind::Branch(branches) if branches.iter().all(|b| !b.calls_again() || b.is_plain()) => 1,
            Kind::Branch(branches) => branches.iter().map(Level::paths).sum(),
        }
    }

    /// Which parameters of the root every self-call below this level passes on as they are.
    pub(super) fn invariants(&self) -> Vec<bool> {
        let mut invariant = vec![true; self.origin.len()];
        self.pass_on(&mut invariant);
        invariant
    }

    fn pass_on(&self, invariant: &mut [bool]) {
        if matches!(self.kind, Kind::Again) {
            for (i, &arg) in self.graph.node(self.spine).args.iter().enumerate() {
                invariant[i] &= source(&self.graph, &self.origin, arg) == Some(i);
            }
        }
        self.branches().into_iter().flatten().for_each(|branch| branch.pass_on(invariant));
    }

    /// The parameter of the root that a node is, if it is an invariant one.
    pub(super) fn invariant(&self, invariant: &[bool], id: NodeId) -> Option<usize> {
        source(&self.graph, &self.origin, id).filter(|&i| invariant[i])
    }

    /// Nodes before the spine that nodes after it read. Constants are not kept but repeated,
    /// and of a tuple its items are.
    pub(super) fn kept(&self, invariant: &[bool]) -> Vec<NodeId> {
        let mut kept = Vec::new();
        for (id, node) in self.graph.iter().filter(|(id, _)| self.after[id.0 as usize]) {
            debug_assert!(id > self.spine, "a node after the spine");
            self.keep(&node.args, invariant, &mut kept);
        }
        kept
    }

    fn keep(&self, read: &Args, invariant: &[bool], kept: &mut Vec<NodeId>) {
        for &id in read {
            if id == self.spine || self.after[id.0 as usize] || kept.contains(&id) {
                continue;
            }
            match &self.graph.node(id).op {
                Op::Const(_) | Op::Zero => {}
                Op::Tuple => self.keep(&self.graph.node(id).args.clone(), invariant, kept),
                _ if self.invariant(invariant, id).is_some() => {}
                _ => kept.push(id),
            }
        }
    }
}
