//! What comes after the self-calls: the second loop.

use super::tree::{Kind, Level};
use super::{Conversion, Layout, Params, added, counted};
use crate::builder::Builder;
use crate::graph::{Const, GraphId, NodeId, Op};
use crate::prims;
use crate::types::Type;

/// What the way back reads: nodes of the graph at hand.
#[derive(Clone)]
struct Back {
    /// The path that was taken, if there are several.
    leaf: Option<NodeId>,
    /// Kept nodes of a level and those below.
    kept: Vec<NodeId>,
    /// For each parameter of the root its node, if it is invariant.
    invariants: Vec<Option<NodeId>>,
    /// The result of the self-call.
    y: NodeId,
}

impl Conversion<'_> {
    /// The second loop, over the items of `y`, the trips left and the stacks; the result.
    pub(super) fn unwinding(
        &mut self,
        layout: &Layout,
        b: &mut Builder,
        y: NodeId,
        trips: NodeId,
        last: &Params,
    ) -> NodeId {
        let result = self.root.graph.result_type().clone();
        let mut state = taken_apart(b, y);
        let count = state.len();
        state.push(trips);
        state.extend(&last.stacks);
        let types: Vec<Type> = state.iter().map(|&s| b.ty(s).clone()).collect();
        let operands: Vec<NodeId> = state.into_iter().chain(self.invariants_of(&last.root)).collect();
        let all: Vec<Type> = operands.iter().map(|&o| b.ty(o).clone()).collect();
        let cond = self.left(&all, count);
        let body = self.back_graph(layout, &all, count, &result);
        let done = b.emit(Op::Loop { cond, body }, &operands, Type::tuple(types));
        let items: Vec<NodeId> = (0..count).map(|i| b.get(done, i)).collect();
        together(b, &items, &result)
    }

    /// Whether trips are left.
    fn left(&mut self, types: &[Type], trips: usize) -> GraphId {
        let mut b = Builder::new("left", self.root.graph.span);
        let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
        let none = b.constant(Const::I64(0));
        let left = b.prim(&prims::GT, &[], &[params[trips], none]);
        added(self.module, b, left)
    }

    fn back_graph(&mut self, layout: &Layout, types: &[Type], count: usize, result: &Type) -> GraphId {
        let mut b = Builder::new(&self.root.graph.name.clone(), self.root.graph.span);
        let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
        let (items, rest) = params.split_at(count);
        let (stacks, invariants) = rest[1..].split_at(layout.kept.len());
        let popped: Vec<NodeId> = stacks.iter().map(|&stack| b.prim(&prims::POP, &[], &[stack])).collect();
        let mut kept: Vec<NodeId> = popped.iter().map(|&p| b.get(p, 1)).collect();
        let leaf = (self.paths > 1).then(|| kept.remove(0));
        let mut invariants = invariants.iter().copied();
        let invariants = self.invariant.iter().map(|&i| if i { invariants.next() } else { None }).collect();
        let y = together(&mut b, items, result);
        let back = Back { leaf, kept, invariants, y };
        let y = self.with_root(|cx, root| cx.back(&mut b, root, back, 0));
        let mut next = taken_apart(&mut b, y);
        next.push(counted(&mut b, &prims::SUB, rest[0]));
        next.extend(popped.iter().map(|&p| b.get(p, 0)).collect::<Vec<_>>());
        let ret = b.tuple(&next);
        added(self.module, b, ret)
    }

    /// What a level whose first path has this number returns, having called again.
    fn back(&mut self, b: &mut Builder, level: &Level, mut back: Back, path: usize) -> NodeId {
        let own = level.kept(&self.invariant);
        let below = back.kept.split_off(own.len());
        let mut copies: Vec<Option<NodeId>> = vec![None; level.graph.nodes.len()];
        for (&id, &node) in own.iter().zip(&back.kept) {
            copies[id.0 as usize] = Some(node);
        }
        for &p in &level.graph.params {
            let invariant = level.invariant(&self.invariant, p).and_then(|i| back.invariants[i]);
            copies[p.0 as usize] = copies[p.0 as usize].or(invariant);
        }
        let inner = Back { kept: below, ..back };
        copies[level.spine.0 as usize] = Some(self.back_below(b, level, inner, path));
        for (id, node) in level.graph.iter().filter(|(id, _)| level.after[id.0 as usize]) {
            let args: Vec<NodeId> = node.args.iter().map(|&a| repeated(b, level, &mut copies, a)).collect();
            b.span = node.span;
            copies[id.0 as usize] = Some(b.emit(node.op.clone(), &args, node.ty.clone()));
        }
        copies[level.graph.ret.0 as usize].expect("it depends on the spine")
    }

    /// The value of the spine of a level.
    fn back_below(&mut self, b: &mut Builder, level: &Level, back: Back, path: usize) -> NodeId {
        let Kind::Branch(branches) = &level.kind else { return back.y };
        let nothing = |branch: &Level| !branch.calls_again() || branch.is_plain();
        if branches.iter().all(nothing) {
            return back.y;
        }
        match [branches[0].calls_again(), branches[1].calls_again()] {
            [true, true] => self.back_either(b, branches, &back, path),
            [then, _] => self.back(b, &branches[usize::from(!then)], back, path),
        }
    }

    /// The value of whichever branch was taken.
    fn back_either(&mut self, b: &mut Builder, branches: &[Level; 2], back: &Back, path: usize) -> NodeId {
        let leaf = back.leaf.expect("there are several paths");
        let second = path + branches[0].paths();
        let bound = b.constant(Const::I64(second as i64));
        let first = b.prim(&prims::LT, &[], &[leaf, bound]);
        let mut operands = vec![first, leaf, back.y];
        operands.extend(back.invariants.iter().flatten());
        operands.extend(&back.kept);
        let types: Vec<Type> = operands[1..].iter().map(|&o| b.ty(o).clone()).collect();
        let split = self.kept_types(&branches[0]).len();
        let graphs: Vec<GraphId> = (0..2)
            .map(|which| {
                let branch = &branches[which];
                let mut b = Builder::new(&branch.graph.name, branch.graph.span);
                let mut params = types.iter().map(|ty| b.param(ty.clone())).collect::<Vec<_>>().into_iter();
                let leaf = params.next();
                let y = params.next().expect("the result");
                let invariants = back.invariants.iter().map(|i| i.and_then(|_| params.next())).collect();
                let kept: Vec<NodeId> = params.collect();
                let kept = if which == 0 { kept[..split].to_vec() } else { kept[split..].to_vec() };
                let ret = self.back(&mut b, branch, Back { leaf, kept, invariants, y }, [path, second][which]);
                added(self.module, b, ret)
            })
            .collect();
        let ty = b.ty(back.y).clone();
        b.emit(Op::If(graphs[0], graphs[1]), &operands, ty)
    }
}

/// A node before the spine, where it is not kept: a constant, or a tuple of what is there.
fn repeated(b: &mut Builder, level: &Level, copies: &mut [Option<NodeId>], id: NodeId) -> NodeId {
    if let Some(copy) = copies[id.0 as usize] {
        return copy;
    }
    let node = level.graph.node(id);
    let args: Vec<NodeId> = node.args.iter().map(|&a| repeated(b, level, copies, a)).collect();
    let copy = b.emit(node.op.clone(), &args, node.ty.clone());
    copies[id.0 as usize] = Some(copy);
    copy
}

/// The items of a tuple, or the value itself.
fn taken_apart(b: &mut Builder, y: NodeId) -> Vec<NodeId> {
    match b.ty(y).as_tuple().map(<[Type]>::len) {
        Some(count) => (0..count).map(|i| b.get(y, i)).collect(),
        None => vec![y],
    }
}

/// The value of a type from its items.
fn together(b: &mut Builder, items: &[NodeId], ty: &Type) -> NodeId {
    match ty.as_tuple() {
        Some(_) => b.emit(Op::Tuple, items, ty.clone()),
        None => items[0],
    }
}
