//! Tail recursion becomes loops.
//!
//! A graph whose every self-call is the value that it returns, directly or through branches, is
//!
//! ```text
//! f(s…) = if c(s…): f(step(s…)…) else: exit(s…)
//! ```
//!
//! in general with a tree of branches for `if`. It becomes a loop over `s` whose condition runs
//! the tree's conditions, followed by the exit. Reverse mode turns a tail call into a call that is
//! not one, so this must come first.

use std::collections::HashMap;

use crate::builder::Builder;
use crate::graph::{Const, Graph, GraphId, Module, NodeId, Op};
use crate::types::Type;

use super::Pass;
use super::rewrite::{copy_nodes, rebuild};

pub(super) const LOOPS: Pass = Pass { name: "loops", about: "turns tail recursion into loops", run };

fn run(module: &mut Module) -> bool {
    let mut changed = false;
    for id in module.reachable() {
        if let Some(shape) = tail_recursive(module, id) {
            to_loop(module, id, &shape);
            changed = true;
        }
    }
    changed
}

/// A branch that is a leaf of the tree of tail positions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaf {
    /// Calls the graph again.
    Again,
    /// Returns without calling it.
    Exit,
    /// A tree of branches with leaves of both kinds.
    Mixed,
}

/// For each graph of the tree, what it ends in.
type Tree = HashMap<GraphId, Leaf>;

fn tail_recursive(module: &Module, id: GraphId) -> Option<Tree> {
    let mut tree = Tree::new();
    let root = classify(module, id, id, &mut tree)?;
    (root == Leaf::Mixed).then_some(tree)
}

/// What a graph of the tree ends in; `None` if it calls `target` other than in tail position.
fn classify(module: &Module, target: GraphId, at: GraphId, tree: &mut Tree) -> Option<Leaf> {
    let graph = module.graph(at);
    let tail = graph.node(graph.ret);
    let inner = graph.iter().filter(|(n, _)| *n != graph.ret);
    if inner.flat_map(|(_, n)| n.op.graphs()).any(|g| reaches(module, g, target)) {
        return None;
    }
    let leaf = match tail.op {
        Op::Call(g) if g == target => Leaf::Again,
        Op::If(then, other) => {
            let then = classify(module, target, then, tree)?;
            let other = classify(module, target, other, tree)?;
            if then == other && then != Leaf::Mixed { then } else { Leaf::Mixed }
        }
        ref op if op.graphs().iter().any(|&g| reaches(module, g, target)) => return None,
        _ => Leaf::Exit,
    };
    tree.insert(at, leaf);
    Some(leaf)
}

fn reaches(module: &Module, from: GraphId, target: GraphId) -> bool {
    let mut seen = vec![false; module.graphs.len()];
    let mut work = vec![from];
    while let Some(g) = work.pop() {
        if g == target {
            return true;
        }
        if !std::mem::replace(&mut seen[g.0 as usize], true) {
            work.extend(module.graph(g).nodes.iter().flat_map(|n| n.op.graphs()));
        }
    }
    false
}

fn to_loop(module: &mut Module, id: GraphId, tree: &Tree) {
    let graph = module.graph(id).clone();
    let state = graph.param_types();
    let tuple = Type::tuple(state.clone());
    let cond = part(module, id, id, tree, &Part::Cond);
    let body = part(module, id, id, tree, &Part::Step(tuple.clone()));
    let exit = part(module, id, id, tree, &Part::Exit(graph.result_type().clone()));
    let mut b = Builder::new(&graph.name, graph.span);
    b.span = graph.node(graph.ret).span;
    let params: Vec<NodeId> = state.iter().map(|ty| b.param(ty.clone())).collect();
    let last = b.emit(Op::Loop { cond, body }, &params, tuple);
    let last: Vec<NodeId> = (0..state.len()).map(|i| b.get(last, i)).collect();
    let result = b.emit(Op::Call(exit), &last, graph.result_type().clone());
    module.graphs[id.0 as usize] = b.finish(result);
}

/// Which reading of the tree a copy gives.
enum Part {
    /// Whether the graph calls itself.
    Cond,
    /// The arguments with which it does; of this type.
    Step(Type),
    /// What it returns otherwise; of this type.
    Exit(Type),
}

impl Part {
    fn ty(&self) -> Type {
        match self {
            Part::Cond => Type::bool(),
            Part::Step(ty) | Part::Exit(ty) => ty.clone(),
        }
    }

    /// Whether a leaf cannot be met when this part runs.
    fn excludes(&self, leaf: Leaf) -> bool {
        matches!((self, leaf), (Part::Step(_), Leaf::Exit) | (Part::Exit(_), Leaf::Again))
    }
}

/// A copy of a graph of the tree that computes one part.
fn part(module: &mut Module, target: GraphId, at: GraphId, tree: &Tree, part_of: &Part) -> GraphId {
    let graph: Graph = module.graph(at).clone();
    if tree[&at] == Leaf::Exit && matches!(part_of, Part::Cond) {
        return module.add(never(&graph));
    }
    let built = rebuild(&graph, |b, id, op, args| {
        if id != graph.ret {
            return b.emit(op.clone(), args, graph.ty(id).clone());
        }
        match (tree[&at], op, part_of) {
            (Leaf::Again, _, Part::Cond) => b.constant(Const::Bool(true)),
            (Leaf::Again, Op::Call(g), _) if *g == target => b.tuple(args),
            (_, Op::If(then, other), _) => branches(module, b, target, (*then, *other), args, tree, part_of),
            _ => b.emit(op.clone(), args, graph.ty(id).clone()),
        }
    });
    module.add(built)
}

/// The condition of a leaf that returns.
fn never(graph: &Graph) -> Graph {
    let mut b = Builder::new(&graph.name, graph.span);
    for ty in graph.param_types() {
        b.param(ty);
    }
    let no = b.constant(Const::Bool(false));
    b.finish(no)
}

/// The branches of one node of the tree; one that cannot be met is left out.
fn branches(
    module: &mut Module,
    b: &mut Builder,
    target: GraphId,
    (then, other): (GraphId, GraphId),
    args: &[NodeId],
    tree: &Tree,
    part_of: &Part,
) -> NodeId {
    let only = match (part_of.excludes(tree[&then]), part_of.excludes(tree[&other])) {
        (true, _) => Some(other),
        (_, true) => Some(then),
        _ => None,
    };
    if let Some(only) = only {
        let id = part(module, target, only, tree, part_of);
        let graph = module.graph(id).clone();
        let copied =
            copy_nodes(b, &graph, &args[1..], |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone()));
        return copied.get(graph.ret);
    }
    let then = part(module, target, then, tree, part_of);
    let other = part(module, target, other, tree, part_of);
    b.emit(Op::If(then, other), args, part_of.ty())
}
