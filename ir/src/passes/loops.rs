//! Recursion becomes loops.
//!
//! A graph that calls itself at most once on every path, directly or through branches, is
//!
//! ```text
//! f(s…) = if c(s…): h(r(s…), f(step(s…)…)) else: exit(s…)
//! ```
//!
//! in general with a tree of branches for `if`, and with an `h` for each path. It becomes
//!
//! ```text
//! while c(s…): stack.push(r(s…)); trips += 1; s… = step(s…)
//! y = exit(s…)
//! while trips > 0: y = h(stack.pop(), y); trips -= 1
//! ```
//!
//! so what happens, and in which order, is what happened before: results are the same bit for bit.
//! Without work left to do after the call (a tail call) there is no second loop. Reverse mode turns a
//! tail call into a call that is not one and a chain of calls into a chain of function values, so
//! this must come first.
//!
//! Notation: a [`Level`] is a graph of the tree; its *spine* is the node that holds the self-call, by
//! calling or by branching; nodes that depend on the spine come *after* it, all others *before*.
//! What comes before and is read after is *kept*: each kept node has a stack of its own, so that
//! a stack holds tensors of one type, and one that carries no sensitivity is known not to.
//!
//! 1. [`tree`]: whether a graph has this shape. Calls that lead back to it are inlined, so mutual
//!    recursion along one cycle has it too; with two self-calls on a path (a tree) it does not.
//! 2. [`descend`]: condition, step and exit. Arguments that every self-call passes on as they are
//!    become invariants of the loops. Work that the condition needs and that is not trivial is
//!    not done again by the step: the loop carries it (it is *rotated*).
//! 3. [`unwind`]: what comes after, applied from the innermost call outwards.

mod descend;
mod tree;
mod unwind;

use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{Const, Graph, GraphId, Module, NodeId, Op};
use crate::prims;
use crate::types::Type;

use super::{Pass, Run};
use tree::Level;

pub(super) const LOOPS: Pass =
    Pass { name: "loops", about: "turns recursion that calls itself once into loops", run: Run::Module(run) };

fn run(module: &mut Module) -> Vec<GraphId> {
    let mut changed = Vec::new();
    for id in module.reachable() {
        if let Some(root) = tree::of(module, id) {
            let graph = Conversion::new(module, root).run();
            module.graphs[id.0 as usize] = graph;
            changed.push(id);
        }
    }
    changed
}

/// A recursion on its way to loops.
struct Conversion<'m> {
    module: &'m mut Module,
    root: Level,
    /// Which parameters of the root every self-call passes on.
    invariant: Vec<bool>,
    /// Nodes of the root that the first loop carries.
    carried: Vec<NodeId>,
    /// Ways back from the self-calls.
    paths: usize,
}

/// The state of the first loop, in order: the parameters that vary; if the loop is rotated, whether
/// to go on and the carried nodes; if there is a second loop, the number of trips and the stacks.
/// The invariants follow.
struct Layout {
    varying: Vec<Type>,
    invariants: Vec<Type>,
    carried: Vec<Type>,
    rotated: bool,
    /// Items of the stacks; that of the leaf, if there are several, comes first.
    kept: Vec<Type>,
    unwinds: bool,
}

/// The parameters of a graph of the first loop by what they are.
struct Params {
    /// The parameters of the root.
    root: Vec<NodeId>,
    again: Option<NodeId>,
    /// Carried nodes of the root and where they are.
    given: FxHashMap<NodeId, NodeId>,
    trips: Option<NodeId>,
    stacks: Vec<NodeId>,
}

impl<'m> Conversion<'m> {
    fn new(module: &'m mut Module, root: Level) -> Self {
        let invariant = root.invariants();
        let carried = descend::carried(&root);
        let paths = root.paths();
        Self { module, root, invariant, carried, paths }
    }

    fn layout(&self) -> Layout {
        let root = &self.root;
        let types = root.graph.param_types();
        let of = |kept: bool| types.iter().zip(&self.invariant).filter(move |(_, i)| **i == kept).map(|(ty, _)| ty);
        let leaf = (self.paths > 1).then(Type::i64);
        Layout {
            varying: of(false).cloned().collect(),
            invariants: of(true).cloned().collect(),
            carried: self.carried.iter().map(|&c| root.graph.ty(c).clone()).collect(),
            rotated: !self.carried.is_empty(),
            kept: leaf.into_iter().chain(self.kept_types(root)).collect(),
            unwinds: !root.is_plain(),
        }
    }

    /// The loops in place of the recursion.
    fn run(mut self) -> Graph {
        let layout = self.layout();
        let (cond, body) = (self.condition(&layout), self.body(&layout));
        let mut b = Builder::new(&self.root.graph.name, self.root.graph.span);
        b.span = self.root.graph.node(self.root.spine).span;
        let params: Vec<NodeId> = self.root.graph.param_types().into_iter().map(|ty| b.param(ty)).collect();
        let mut operands = self.initial(&layout, &mut b, &params);
        let state = Type::Tuple(operands.iter().map(|&o| b.ty(o).clone()).collect());
        operands.extend(self.invariants_of(&params));
        let done = b.emit(Op::Loop { cond, body }, &operands, state.clone());
        let count = state.as_tuple().map_or(0, <[Type]>::len);
        let finals: Vec<NodeId> = (0..count).map(|i| b.get(done, i)).chain(self.invariants_of(&params)).collect();
        let last = layout.split(&self.invariant, &self.carried, &finals);
        let exit = self.exit_graph(&layout);
        let exit_args: Vec<NodeId> =
            last.root.iter().chain(self.carried.iter().map(|c| &last.given[c])).copied().collect();
        let result = self.root.graph.result_type().clone();
        let y = b.emit(Op::Call(exit), &exit_args, result);
        let ret = match last.trips {
            None => y,
            Some(trips) => self.unwinding(&layout, &mut b, y, trips, &last),
        };
        b.finish(ret)
    }

    /// The state of the first loop to begin with.
    fn initial(&mut self, layout: &Layout, b: &mut Builder, params: &[NodeId]) -> Vec<NodeId> {
        let mut operands: Vec<NodeId> = self.varying_of(params).collect();
        if layout.rotated {
            operands.extend(self.probe(b, params));
        }
        if layout.unwinds {
            operands.push(b.constant(Const::I64(0)));
            operands.extend(layout.kept.iter().map(|ty| b.zero(Type::stack(ty.clone()))).collect::<Vec<_>>());
        }
        operands
    }

    fn varying_of<'p>(&'p self, params: &'p [NodeId]) -> impl Iterator<Item = NodeId> + 'p {
        params.iter().zip(&self.invariant).filter(|(_, invariant)| !**invariant).map(|(&p, _)| p)
    }

    fn invariants_of<'p>(&'p self, params: &'p [NodeId]) -> impl Iterator<Item = NodeId> + 'p {
        params.iter().zip(&self.invariant).filter(|(_, invariant)| **invariant).map(|(&p, _)| p)
    }

    /// Types of the nodes that a level and those below it keep, its own first.
    fn kept_types(&self, level: &Level) -> Vec<Type> {
        let own = level.kept(&self.invariant).into_iter().map(|k| level.graph.ty(k).clone());
        let below = level.branches().into_iter().flatten().flat_map(|branch| self.kept_types(branch));
        own.chain(below).collect()
    }
}

impl Layout {
    /// Types of the state and the invariants.
    fn types(&self) -> Vec<Type> {
        let mut types = self.varying.clone();
        if self.rotated {
            types.push(Type::bool());
            types.extend(self.carried.iter().cloned());
        }
        if self.unwinds {
            types.push(Type::i64());
            types.extend(self.kept.iter().map(|ty| Type::stack(ty.clone())));
        }
        types.extend(self.invariants.iter().cloned());
        types
    }

    /// Nodes of these types by what they are.
    fn split(&self, invariant: &[bool], carried: &[NodeId], nodes: &[NodeId]) -> Params {
        let (varying, mut rest) = nodes.split_at(self.varying.len());
        let mut take = |count: usize| {
            let (taken, left) = rest.split_at(count);
            rest = left;
            taken
        };
        let again = take(usize::from(self.rotated)).first().copied();
        let given = carried.iter().copied().zip(take(self.carried.len()).iter().copied()).collect();
        let trips = take(usize::from(self.unwinds)).first().copied();
        let stacks = if self.unwinds { take(self.kept.len()).to_vec() } else { Vec::new() };
        let (mut varying, mut invariants) = (varying.iter(), rest.iter());
        let root = invariant.iter().map(|&i| *if i { invariants.next() } else { varying.next() }.expect("a parameter"));
        Params { root: root.collect(), again, given, trips, stacks }
    }

    /// Parameters of these types.
    fn declare(&self, invariant: &[bool], carried: &[NodeId], b: &mut Builder) -> Params {
        let nodes: Vec<NodeId> = self.types().into_iter().map(|ty| b.param(ty)).collect();
        self.split(invariant, carried, &nodes)
    }
}

/// One more or one less.
fn counted(b: &mut Builder, def: &'static prims::PrimDef, count: NodeId) -> NodeId {
    let one = b.constant(Const::I64(1));
    b.prim(def, &[], &[count, one])
}

/// A graph that the module gets.
fn added(module: &mut Module, b: Builder, ret: NodeId) -> GraphId {
    module.add(b.finish(ret))
}
