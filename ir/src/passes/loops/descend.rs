//! Condition, step and exit of a recursion: the first loop and what follows it.

use rustc_hash::FxHashMap;

use super::tree::{Kind, Level};
use super::{Conversion, Layout, added, counted};
use crate::builder::Builder;
use crate::graph::{Const, Graph, GraphId, Node, NodeId, Op};
use crate::passes::rewrite::copy_nodes;
use crate::prims;
use crate::types::Type;

/// What a step leads to.
struct Step {
    /// The arguments of the self-call.
    next: Vec<NodeId>,
    /// Its path, if there are several.
    leaf: Option<NodeId>,
    /// Kept nodes of the level and those below.
    kept: Vec<NodeId>,
}

/// Nodes of a graph already computed elsewhere.
type Given = FxHashMap<NodeId, NodeId>;

/// Nodes of the root that the condition needs, and that others read too, if computing them twice is
/// not trivial.
pub(super) fn carried(root: &Level) -> Vec<NodeId> {
    let Kind::Branch(_) = root.kind else { return Vec::new() };
    let graph = &root.graph;
    let needed = needed(graph, &graph.node(root.spine).args[..condition_operands(root)]);
    let computed =
        |id: NodeId| needed[id.0 as usize] && !matches!(graph.node(id).op, Op::Param(_) | Op::Const(_) | Op::Zero);
    if graph.iter().all(|(id, _)| !computed(id) || is_trivial(graph, id)) {
        return Vec::new();
    }
    // Of a decided branch nothing but the condition reads its first operand.
    let from = |id: NodeId| usize::from(id == root.spine && condition_operands(root) == 1);
    let outside = |(id, _): &(NodeId, &Node)| !needed[id.0 as usize];
    let read_by = |(id, node): (NodeId, &Node)| node.args[from(id)..].to_vec();
    let mut read: Vec<NodeId> = graph.iter().filter(outside).flat_map(read_by).collect();
    read.retain(|&id| computed(id));
    read.sort();
    read.dedup();
    read
}

/// How many operands of the root's branch the condition needs: only the first, unless a branch
/// within decides too.
fn condition_operands(root: &Level) -> usize {
    let decided = |level: &Level| level.has_exit() != level.calls_again();
    let branches = root.branches().expect("a branch");
    if branches.iter().all(decided) { 1 } else { root.graph.node(root.spine).args.len() }
}

fn needed(graph: &Graph, roots: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    roots.iter().for_each(|r| needed[r.0 as usize] = true);
    for (id, node) in graph.iter().rev() {
        if needed[id.0 as usize] {
            node.args.iter().for_each(|a| needed[a.0 as usize] = true);
        }
    }
    needed
}

/// Whether a node costs no more than carrying its value: arithmetic on counters, comparisons.
fn is_trivial(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let scalar = |ty: &Type| matches!(ty, Type::Tensor(_, shape) if shape.is_empty());
    match node.op {
        Op::Prim(_) => !node.ty.is_float() && scalar(&node.ty) && node.args.iter().all(|&a| scalar(graph.ty(a))),
        Op::Get(_) | Op::Tuple => true,
        _ => false,
    }
}

impl Conversion<'_> {
    /// The condition of the first loop.
    pub(super) fn condition(&mut self, layout: &Layout) -> GraphId {
        let mut b = Builder::new("again", self.root.graph.span);
        let params = layout.declare(&self.invariant, &self.carried, &mut b);
        let again = match params.again {
            Some(again) => again,
            None => self.with_root(|cx, root| cx.goes_on(&mut b, root, &params.root).0),
        };
        added(self.module, b, again)
    }

    /// The body of the first loop.
    pub(super) fn body(&mut self, layout: &Layout) -> GraphId {
        let mut b = Builder::new(&self.root.graph.name.clone(), self.root.graph.span);
        let params = layout.declare(&self.invariant, &self.carried, &mut b);
        let step = self.with_root(|cx, root| cx.step(&mut b, root, &params.root, &params.given, 0));
        let mut items: Vec<NodeId> = self.varying_of(&step.next).collect();
        if layout.rotated {
            let probed = self.probe(&mut b, &step.next);
            items.extend(probed);
        }
        if let Some(trips) = params.trips {
            items.push(counted(&mut b, &prims::ADD, trips));
            let pushed = step.leaf.iter().chain(&step.kept);
            items.extend(params.stacks.iter().zip(pushed).map(|(&stack, &x)| b.prim(&prims::PUSH, &[], &[stack, x])));
        }
        let ret = b.tuple(&items);
        added(self.module, b, ret)
    }

    /// Whether to go on from these arguments, and the carried nodes.
    pub(super) fn probe(&mut self, b: &mut Builder, args: &[NodeId]) -> Vec<NodeId> {
        self.with_root(|cx, root| {
            let (again, copies) = cx.goes_on(b, root, args);
            let carried = cx.carried.iter().map(|c| copies[c.0 as usize].expect("the condition needs it"));
            std::iter::once(again).chain(carried).collect()
        })
    }

    /// What the recursion ends in, from the parameters of the root and the carried nodes.
    pub(super) fn exit_graph(&mut self, layout: &Layout) -> GraphId {
        let mut b = Builder::new(&self.root.graph.name.clone(), self.root.graph.span);
        let root: Vec<NodeId> = self.root.graph.param_types().into_iter().map(|ty| b.param(ty)).collect();
        let given = layout.carried.iter().map(|ty| b.param(ty.clone()));
        let given = self.carried.iter().copied().zip(given.collect::<Vec<_>>()).collect();
        let ret = self.with_root(|cx, level| cx.exit(&mut b, level, &root, &given));
        added(self.module, b, ret)
    }

    /// Lends out the root.
    pub(super) fn with_root<T>(&mut self, f: impl FnOnce(&mut Self, &Level) -> T) -> T {
        let graph = Builder::new("lent", self.root.graph.span).finish(NodeId(0));
        let lent = Level { graph, spine: NodeId(0), kind: Kind::Exit, origin: Vec::new(), after: Vec::new() };
        let root = std::mem::replace(&mut self.root, lent);
        let result = f(self, &root);
        self.root = root;
        result
    }

    /// Whether a level calls again, and the copies of its nodes.
    fn goes_on(&mut self, b: &mut Builder, level: &Level, args: &[NodeId]) -> (NodeId, Vec<Option<NodeId>>) {
        let Some(branches) = level.branches() else {
            return (b.constant(Const::Bool(level.calls_again())), Vec::new());
        };
        let spine = &level.graph.node(level.spine).args;
        let decided = |l: &Level| (l.has_exit() != l.calls_again()).then(|| l.calls_again());
        let decided = [decided(&branches[0]), decided(&branches[1])];
        let operands = if decided.contains(&None) { &spine[..] } else { &spine[..1] };
        let copies = copied(b, &level.graph, args, operands, &Given::default());
        let operands: Vec<NodeId> = operands.iter().map(|o| copies[o.0 as usize].expect("copied")).collect();
        let again = match decided {
            [Some(true), Some(false)] => operands[0],
            [Some(false), Some(true)] => b.prim(&prims::LOGICAL_NOT, &[], &[operands[0]]),
            _ => {
                let types: Vec<Type> = operands[1..].iter().map(|&o| b.ty(o).clone()).collect();
                let graphs: Vec<GraphId> = branches
                    .iter()
                    .map(|branch| {
                        let mut b = Builder::new("again", branch.graph.span);
                        let args: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
                        let (again, _) = self.goes_on(&mut b, branch, &args);
                        added(self.module, b, again)
                    })
                    .collect();
                b.emit(Op::If(graphs[0], graphs[1]), &operands, Type::bool())
            }
        };
        (again, copies)
    }

    /// The step of a level whose first path has this number.
    fn step(&mut self, b: &mut Builder, level: &Level, args: &[NodeId], given: &Given, path: usize) -> Step {
        let kept = level.kept(&self.invariant);
        let operands = &level.graph.node(level.spine).args;
        let wanted: Vec<NodeId> = operands.iter().chain(&kept).copied().collect();
        let copies = copied(b, &level.graph, args, &wanted, given);
        let at = |id: &NodeId| copies[id.0 as usize].expect("copied");
        let operands: Vec<NodeId> = operands.iter().map(at).collect();
        let mut kept: Vec<NodeId> = kept.iter().map(at).collect();
        let below = match &level.kind {
            Kind::Exit => panic!("an exit takes no step"),
            Kind::Again => {
                let leaf = b.constant(Const::I64(path as i64));
                Step { next: operands, leaf: Some(leaf), kept: Vec::new() }
            }
            Kind::Branch(branches) => match [branches[0].calls_again(), branches[1].calls_again()] {
                [true, true] => self.either(b, branches, &operands, path),
                [then, _] => {
                    let only = &branches[usize::from(!then)];
                    self.step(b, only, &operands[1..], &Given::default(), path)
                }
            },
        };
        kept.extend(below.kept);
        let several = self.paths > 1;
        Step { next: below.next, leaf: below.leaf.filter(|_| several), kept }
    }

    /// The step of whichever branch is taken; what only the other keeps is zero.
    fn either(&mut self, b: &mut Builder, branches: &[Level; 2], operands: &[NodeId], path: usize) -> Step {
        let kept = [self.kept_types(&branches[0]), self.kept_types(&branches[1])];
        let types: Vec<Type> = operands[1..].iter().map(|&o| b.ty(o).clone()).collect();
        let alike = branches.iter().all(Level::is_plain);
        let second = if alike { path } else { path + branches[0].paths() };
        let mut result = Type::unit();
        let mut graph = |cx: &mut Self, which: usize| {
            let branch = &branches[which];
            let mut b = Builder::new(&branch.graph.name, branch.graph.span);
            let args: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
            let step = cx.step(&mut b, branch, &args, &Given::default(), [path, second][which]);
            let mut items: Vec<NodeId> = step.next;
            items.extend(step.leaf);
            let other: Vec<NodeId> = kept[1 - which].iter().map(|ty| b.zero(ty.clone())).collect();
            let (first, last) = if which == 0 { (step.kept, other) } else { (other, step.kept) };
            items.extend(first.into_iter().chain(last));
            let ret = b.tuple(&items);
            result = b.ty(ret).clone();
            added(cx.module, b, ret)
        };
        let (then, other) = (graph(self, 0), graph(self, 1));
        let made = b.emit(Op::If(then, other), operands, result.clone());
        let count = result.as_tuple().map_or(0, <[Type]>::len);
        let mut items = (0..count).map(|i| b.get(made, i)).collect::<Vec<_>>().into_iter();
        let next = items.by_ref().take(self.invariant.len()).collect();
        let leaf = if self.paths > 1 { items.next() } else { None };
        Step { next, leaf, kept: items.collect() }
    }

    /// What a level returns if it does not call again.
    fn exit(&mut self, b: &mut Builder, level: &Level, args: &[NodeId], given: &Given) -> NodeId {
        let graph = &level.graph;
        let made = copy_nodes(b, graph, args, |b, id, op, args| match (&level.kind, given.get(&id)) {
            (_, Some(&given)) => given,
            (Kind::Branch(branches), None) if id == level.spine => {
                match [branches[0].has_exit(), branches[1].has_exit()] {
                    [true, true] => self.exits(b, branches, args, graph.ty(id)),
                    [then, _] => self.exit(b, &branches[usize::from(!then)], &args[1..], &Given::default()),
                }
            }
            _ => b.emit(op.clone(), args, graph.ty(id).clone()),
        });
        made.get(graph.ret)
    }

    fn exits(&mut self, b: &mut Builder, branches: &[Level; 2], operands: &[NodeId], ty: &Type) -> NodeId {
        let types: Vec<Type> = operands[1..].iter().map(|&o| b.ty(o).clone()).collect();
        let graphs: Vec<GraphId> = branches
            .iter()
            .map(|branch| {
                let mut b = Builder::new(&branch.graph.name, branch.graph.span);
                let args: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
                let ret = self.exit(&mut b, branch, &args, &Given::default());
                added(self.module, b, ret)
            })
            .collect();
        b.emit(Op::If(graphs[0], graphs[1]), operands, ty.clone())
    }
}

/// Copies of the nodes that these need; some are given.
fn copied(b: &mut Builder, graph: &Graph, args: &[NodeId], wanted: &[NodeId], given: &Given) -> Vec<Option<NodeId>> {
    let needed = needed(graph, wanted);
    let mut copies: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    for (id, node) in graph.iter() {
        copies[id.0 as usize] = match (&node.op, given.get(&id)) {
            (Op::Param(i), _) => Some(args[*i as usize]),
            (_, Some(&given)) => Some(given),
            _ if !needed[id.0 as usize] => None,
            (op, None) => {
                let args: Vec<NodeId> =
                    node.args.iter().map(|a| copies[a.0 as usize].expect("operands first")).collect();
                b.span = node.span;
                Some(b.emit(op.clone(), &args, node.ty.clone()))
            }
        };
    }
    copies
}
