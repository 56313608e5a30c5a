//! What one side of an `if` alone reads is computed on that side.
//!
//! ```text
//! s = sqrt x;  if c: 2 s else: x        becomes        if c: 2 sqrt x else: x
//! ```
//!
//! A side that is not taken gives what it does not read a cotangent of 0, and 0 times an infinite derivative is NaN. What
//! is computed on the side has no cotangent when the other is taken. So this comes before derivatives, once before each:
//! what it moves, `branches` does not move back.
//!
//! A node has its *home* where all that read it have theirs: on a side of an `if`, or here, in the graph it is in. Graphs come
//! after those that use them, so that nodes go down with the `if`s that read them, as deep as they can.
//! Constants are made on each side that reads them, and an item is where its tuple is. Nothing goes into loops, where it
//! would be done in every trip, nor into branches that belong to several `if`s. What may have an error that depends on data
//! stays, so that the error is found whichever side is taken.
//!
//! What is read here only by what passes no sensitivity on, as the condition `s > 0` does, is made again on the side that
//! has all the rest, if it is cheap and not [`is_gentle`], or depends on what is: so that guards work. That costs what is made
//! again, so of arrays no more than [`MAX_ARRAYS`] are in one graph.

use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::builder::Builder;
use crate::fusion;
use crate::graph::{Args, Graph, GraphId, Module, Node, NodeId, Op};
use crate::types::{Elem, Type};

use super::known::is_leaf;
use super::rewrite::{copy_nodes, live, sweep};
use super::sites::{Sites, operands};
use super::{Pass, Run};

pub(super) const SINK: Pass =
    Pass { name: "sink", about: "computes on a side of an `if` what that side alone reads", run: Run::Module(run) };

fn run(module: &mut Module) -> Vec<GraphId> {
    let known = Branches { own: branches_of_one(module), failing: failing(module) };
    let mut seen: FxHashSet<GraphId> = FxHashSet::default();
    let mut work = vec![module.entry];
    let mut changed = Vec::new();
    while let Some(id) = work.pop() {
        if seen.insert(id) {
            changed.extend(sink(module, id, &known));
            work.extend(module.graph(id).nodes.iter().flat_map(|node| node.op.graphs()));
        }
    }
    changed
}

/// What is known of the graphs of a module.
struct Branches {
    /// The branches that belong to a single `if`.
    own: FxHashSet<GraphId>,
    /// Graphs in which there may be an error that depends on data.
    failing: FxHashSet<GraphId>,
}

impl Branches {
    /// Whether there may be such an error in a node, or in what it calls.
    fn may_fail(&self, graph: &Graph, node: &Node) -> bool {
        fails(graph, node) || node.op.graphs().iter().any(|id| self.failing.contains(id))
    }
}

/// Graphs in which a node may have an error that depends on data, and those that use them.
fn failing(module: &Module) -> FxHashSet<GraphId> {
    let mut users: FxHashMap<GraphId, Vec<GraphId>> = FxHashMap::default();
    let mut work = Vec::new();
    for (id, graph) in (0..).map(GraphId).zip(&module.graphs) {
        graph.nodes.iter().flat_map(|node| node.op.graphs()).for_each(|used| users.entry(used).or_default().push(id));
        work.extend(graph.nodes.iter().any(|node| fails(graph, node)).then_some(id));
    }
    let mut found = FxHashSet::default();
    while let Some(id) = work.pop() {
        if found.insert(id) {
            work.extend(users.get(&id).into_iter().flatten());
        }
    }
    found
}

/// Whether a node may have an error that depends on data: calls of who knows what, and primitives on integers that do not
/// fuse. To count on or down by a constant is taken for safe.
fn fails(graph: &Graph, node: &Node) -> bool {
    let is_int = |ty: &Type| ty.as_tensor().is_some_and(|(elem, _)| elem == Elem::I64);
    let is_constant = |a: &NodeId| matches!(graph.node(*a).op, Op::Const(_));
    match &node.op {
        Op::Prim(prim) if matches!(prim.def.name, "add" | "sub") && node.args.iter().any(is_constant) => false,
        Op::Prim(_) => (is_int(&node.ty) || node.args.iter().any(|&a| is_int(graph.ty(a)))) && !is_cheap(graph, node),
        Op::Apply(_) => true,
        _ => false,
    }
}

/// The branches that belong to a single `if`.
fn branches_of_one(module: &Module) -> FxHashSet<GraphId> {
    let sites = Sites::of(module);
    let branches = sites.classes.iter().filter(|class| {
        let free = class.free == module.graph(class.graphs[0]).params.len() && !class.fixed_result;
        free && class.body.is_none() && class.sites.len() == 1 && class.graphs.len() == 2
    });
    branches.flat_map(|class| class.graphs.iter().copied()).collect()
}

/// Where a node is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    /// Nobody reads it.
    Nowhere,
    /// On this side of this `if`: 0 where the condition holds, 1 where it does not.
    Side(NodeId, usize),
    /// Where it is.
    Here,
}

impl Home {
    fn join(self, other: Home) -> Home {
        match (self, other) {
            (Home::Nowhere, home) | (home, Home::Nowhere) => home,
            (a, b) if a == b => a,
            _ => Home::Here,
        }
    }
}

/// Where the nodes of a graph are to be computed.
fn homes(module: &Module, graph: &Graph, known: &Branches) -> Vec<Home> {
    let stays = |id: NodeId| known.may_fail(graph, graph.node(id));
    let of = |id, home| if home != Home::Nowhere && stays(id) { Home::Here } else { home };
    let mut homes = read(module, graph, &known.own, Home::Here, of);
    for (id, node) in graph.iter() {
        let home = homes[id.0 as usize];
        let stays = match node.op {
            Op::Param(_) => true,
            _ if home != Home::Nowhere && stays(id) => true,
            Op::Get(_) => home != Home::Nowhere && home != homes[node.args[0].0 as usize],
            _ => false,
        };
        if stays {
            homes[id.0 as usize] = Home::Here;
        }
    }
    homes
}

/// The sides where nodes are made again that are also computed here.
fn copies(module: &Module, graph: &Graph, known: &Branches, homes: &[Home]) -> Vec<Home> {
    let flows = read(module, graph, &known.own, Home::Nowhere, |id, flow| {
        let node = graph.node(id);
        match flow {
            _ if !passes_sensitivity(node) => Home::Nowhere,
            Home::Side(..) if homes[id.0 as usize] == Home::Here && !is_cheap(graph, node) => Home::Here,
            _ => flow,
        }
    });
    let mut copies = vec![Home::Nowhere; graph.nodes.len()];
    for (id, node) in graph.iter() {
        let (Home::Here, flow @ Home::Side(..)) = (homes[id.0 as usize], flows[id.0 as usize]) else { continue };
        let is_copy = |a: &NodeId| copies[a.0 as usize] == flow;
        if is_cheap(graph, node) && (!is_gentle(&node.op) || node.args.iter().any(is_copy)) {
            copies[id.0 as usize] = flow;
        }
    }
    let is_array = |id: NodeId| !graph.ty(id).shape().is_empty();
    let arrays = graph.iter().filter(|(id, _)| copies[id.0 as usize] != Home::Nowhere && is_array(*id)).count();
    if arrays > MAX_ARRAYS {
        (0..copies.len()).filter(|&i| is_array(NodeId(i as u32))).for_each(|i| copies[i] = Home::Nowhere);
    }
    copies
}

/// Whether a node passes sensitivity from its readers to its operands.
fn passes_sensitivity(node: &Node) -> bool {
    node.ty.is_differentiable() && !matches!(&node.op, Op::Prim(prim) if prim.def.vjp.is_none())
}

/// Whether a node is a step that fuses with others.
fn is_cheap(graph: &Graph, node: &Node) -> bool {
    let operands: Vec<&Type> = node.args.iter().map(|&a| graph.ty(a)).collect();
    matches!(&node.op, Op::Prim(prim) if fusion::form(prim, &operands, &node.ty).is_some())
}

/// Arrays that are made again on sides at most.
const MAX_ARRAYS: usize = 8;

/// Whether the derivative of an operation is a number wherever its operands are.
fn is_gentle(op: &Op) -> bool {
    let Op::Prim(prim) = op else { return false };
    const GENTLE: &[&str] = &[
        "add",
        "sub",
        "mul",
        "neg",
        "abs",
        "sign",
        "maximum",
        "minimum",
        "select",
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "arctan",
        "floor",
        "ceil",
        "to_f64",
        "to_bool",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "isnan",
        "isinf",
        "isfinite",
        "logical_and",
        "logical_or",
        "logical_xor",
        "logical_not",
        "reshape",
        "broadcast_to",
        "sum",
    ];
    GENTLE.contains(&prim.def.name) || prim.def.name == "powi" && prim.attrs[0] == 2
}

/// Where the nodes of a graph are read: `counts` says for a node, read there, where its operands are, and `condition`
/// where that of an `if` is.
fn read(
    module: &Module,
    graph: &Graph,
    own: &FxHashSet<GraphId>,
    condition: Home,
    counts: impl Fn(NodeId, Home) -> Home,
) -> Vec<Home> {
    let mut homes = vec![Home::Nowhere; graph.nodes.len()];
    homes[graph.ret.0 as usize] = Home::Here;
    for (id, node) in graph.iter().rev() {
        let home = counts(id, homes[id.0 as usize]);
        let readers = match node.op {
            Op::If(then, other) if home == Home::Here && own.contains(&then) => {
                let operands = readers(module, id, [then, other]);
                std::iter::once(condition).chain(operands).collect()
            }
            _ => vec![home; node.args.len()],
        };
        for (a, reader) in node.args.iter().zip(readers) {
            homes[a.0 as usize] = homes[a.0 as usize].join(reader);
        }
    }
    homes
}

/// Where each operand of an `if` after the condition is read.
fn readers(module: &Module, site: NodeId, branches: [GraphId; 2]) -> Vec<Home> {
    let live = branches.map(|branch| live(module.graph(branch)));
    let params = branches.map(|branch| &module.graph(branch).params);
    let on = |side: usize, i: usize| match live[side][params[side][i].0 as usize] {
        true => Home::Side(site, side),
        false => Home::Nowhere,
    };
    (0..params[0].len()).map(|i| on(0, i).join(on(1, i))).collect()
}

/// What moves to the sides of an `if`.
struct Move {
    branches: [GraphId; 2],
    /// The nodes that move to each side or are made again there, in order.
    sides: [Vec<NodeId>; 2],
    /// What the branches were given.
    before: Vec<NodeId>,
    /// What they are given then.
    after: IndexSet<NodeId>,
}

/// What moves, by the `if` that it moves into.
fn moves(graph: &Graph, homes: &[Home], copies: &[Home]) -> IndexMap<NodeId, Move> {
    let mut sides: IndexMap<NodeId, [Vec<NodeId>; 2]> = IndexMap::new();
    for (id, _) in graph.iter().filter(|(_, node)| !is_leaf(&node.op)) {
        for home in [homes, copies] {
            if let Home::Side(site, side) = home[id.0 as usize] {
                sides.entry(site).or_default()[side].push(id);
            }
        }
    }
    let stays = |a: NodeId| homes[a.0 as usize] == Home::Here && !is_leaf(&graph.node(a).op);
    let made = |(site, sides): (NodeId, [Vec<NodeId>; 2])| {
        let node = graph.node(site);
        let Op::If(then, other) = node.op else { unreachable!("homes are sides of `if`s") };
        let is_copy = |a: NodeId, side: usize| copies[a.0 as usize] == Home::Side(site, side);
        let mut after: IndexSet<NodeId> = operands(node).iter().copied().collect();
        after.retain(|&a| stays(a) && !is_copy(a, 0) && !is_copy(a, 1));
        for (side, moved) in sides.iter().enumerate() {
            let read = moved.iter().flat_map(|&id| &graph.node(id).args).copied();
            after.extend(read.filter(|&a| stays(a) && !is_copy(a, side)));
        }
        (site, Move { branches: [then, other], sides, before: operands(node).to_vec(), after })
    };
    sides.into_iter().map(made).collect()
}

/// Moves nodes of a graph into the branches that it uses; the graphs that changed.
fn sink(module: &mut Module, id: GraphId, known: &Branches) -> Vec<GraphId> {
    let graph = module.graph(id);
    let homes = homes(module, graph, known);
    let moves = moves(graph, &homes, &copies(module, graph, known, &homes));
    if moves.is_empty() {
        return Vec::new();
    }
    let mut new = vec![(id, without_moved(graph, &moves))];
    for moved in moves.values() {
        for (branch, side) in moved.branches.into_iter().zip(&moved.sides) {
            new.push((branch, moved.in_branch(graph, module.graph(branch), side)));
        }
    }
    let changed = new.iter().map(|(id, _)| *id).collect();
    new.into_iter().for_each(|(id, graph)| module.graphs[id.0 as usize] = graph);
    changed
}

/// The graph that uses the branches, which are given what they need then.
fn without_moved(graph: &Graph, moves: &IndexMap<NodeId, Move>) -> Graph {
    let mut new = graph.clone();
    for (site, moved) in moves {
        let args = &mut new.nodes[site.0 as usize].args;
        args.truncate(1);
        args.extend(moved.after.iter().copied());
    }
    sweep(&mut new);
    new
}

impl Move {
    /// A branch that computes what moves to its side.
    fn in_branch(&self, user: &Graph, branch: &Graph, side: &[NodeId]) -> Graph {
        let mut b = Builder::new(&branch.name, branch.span);
        let params = self.after.iter().map(|&id| (id, b.param(user.ty(id).clone())));
        let mut places: FxHashMap<NodeId, NodeId> = params.collect();
        for &id in side {
            let Node { op, args, ty, span } = user.node(id);
            let args: Args = args.iter().map(|&a| place(&mut b, user, &mut places, a)).collect();
            b.span = *span;
            places.insert(id, b.emit(op.clone(), &args, ty.clone()));
        }
        let before: Vec<NodeId> = self.before.iter().map(|&id| place(&mut b, user, &mut places, id)).collect();
        let each = |b: &mut Builder, id, op: &Op, args: &[NodeId]| b.emit(op.clone(), args, branch.ty(id).clone());
        let copied = copy_nodes(&mut b, branch, &before, each);
        let mut new = b.finish(copied.get(branch.ret));
        sweep(&mut new);
        new
    }
}

/// A node of the user in a branch. What is neither given nor moved there is a constant, or not read.
fn place(b: &mut Builder, user: &Graph, places: &mut FxHashMap<NodeId, NodeId>, id: NodeId) -> NodeId {
    let Node { op, ty, span, .. } = user.node(id);
    *places.entry(id).or_insert_with(|| {
        b.span = *span;
        b.emit(if is_leaf(op) { op.clone() } else { Op::Zero }, &[], ty.clone())
    })
}
