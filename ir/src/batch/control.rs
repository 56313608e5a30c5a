//! Branches and loops on a condition that differs from lane to lane.
//!
//! ```text
//! if c: T(x) else: E(x)      t = if any(c): T(x at lanes with c) else: zeros
//!                            e = if any(not c): E(x at lanes without c) else: zeros
//!                            select(c, t, e)
//! while c(s): s = b(s)       a = c(s)
//!                            while any(a): s = select(a, b(s at lanes with a), s); a = a and c(s)
//! ```
//!
//! A graph is run at the lanes that take it: in the place of the others it is given copies of the
//! first of those. So it meets no operands that it would not meet lane by lane, raises no error
//! that they would not, and ends a recursion when no lane goes on. What it computes for the copies is
//! discarded, and no cotangent comes from there.

use crate::builder::Expr;
use crate::graph::{GraphId, Node, NodeId, Op};
use crate::prims;
use crate::types::Type;

use super::Mask;
use super::emit::{Emitter, Res, Walk};

impl Emitter<'_> {
    /// An `if` whose condition has lanes.
    pub(super) fn branch_apart(&mut self, w: &Walk<'_>, node: &Node, (then, other): (GraphId, GraphId)) -> Res<NodeId> {
        if self.count == 0 {
            let ty = self.ty(&node.ty, &Mask::full(&node.ty));
            return Ok(w.b.borrow_mut().zero(ty));
        }
        let cond = w.at(node.args[0]);
        let rest = w.expr(cond).apply(&prims::LOGICAL_NOT, &[], &[]).id;
        let yes = self.side(w, node, then, cond)?;
        let no = self.side(w, node, other, rest)?;
        Self::choose(w, cond, yes, no, &node.ty)
    }

    /// One branch, at the lanes that take it.
    fn side(&mut self, w: &Walk<'_>, node: &Node, branch: GraphId, taken: NodeId) -> Res<NodeId> {
        let masks = w.masks_of(&node.args[1..]);
        let full = Mask::full(&node.ty);
        let ty = self.ty(&node.ty, &full);
        let args = w.nodes(&node.args[1..]);
        let only_passes = {
            let graph = self.module.graph(branch);
            let passes = |op: &Op| matches!(op, Op::Param(_) | Op::Const(_) | Op::Zero | Op::Tuple | Op::Get(_));
            graph.nodes.iter().all(|node| passes(&node.op))
        };
        let called = self.instance(branch, masks.clone(), full)?;
        if only_passes {
            return Ok(w.emit(Op::Call(called), &args, ty));
        }
        let operands: Vec<NodeId> = std::iter::once(taken).chain(args).collect();
        let inner = self.inner(w, &operands);
        let params = inner.params();
        let types: Vec<&Type> = node.args[1..].iter().map(|&a| w.graph.ty(a)).collect();
        let at = self.at_lanes(&inner, params[0], &params[1..], &types, &masks)?;
        let ret = inner.emit(Op::Call(called), &at, ty.clone());
        let run = self.module.add(inner.b.into_inner().finish(ret));
        let inner = self.inner(w, &operands);
        let ret = inner.b.borrow_mut().zero(ty.clone());
        let skip = self.module.add(inner.b.into_inner().finish(ret));
        let any = w.expr(taken).apply(&prims::ANY, &[0], &[]).id;
        let operands: Vec<NodeId> = std::iter::once(any).chain(operands).collect();
        Ok(w.emit(Op::If(run, skip), &operands, ty))
    }

    /// A `loop` whose condition has lanes, from operands brought to their masks.
    pub(super) fn loop_apart(
        &mut self,
        w: &Walk<'_>,
        node: &Node,
        (cond, body): (GraphId, GraphId),
        args: &[NodeId],
        masks: &[Mask],
    ) -> Res<NodeId> {
        let states = node.ty.as_tuple().map_or(0, <[Type]>::len);
        let full = Mask::full(&node.ty);
        let state = self.ty(&node.ty, &full);
        if self.count == 0 {
            return Ok(w.b.borrow_mut().tuple(&args[..states]));
        }
        let cond = self.instance(cond, masks.to_vec(), Mask::All)?;
        let body = self.instance(body, masks.to_vec(), full)?;
        let lanes = self.ty(&Type::bool(), &Mask::All);
        let again = w.emit(Op::Call(cond), args, lanes.clone());
        // Which lanes go on comes after the state.
        let operands: Vec<NodeId> = args[..states].iter().chain([&again]).chain(&args[states..]).copied().collect();

        let inner = self.inner(w, &operands);
        let any = inner.expr(inner.params()[states]).apply(&prims::ANY, &[0], &[]).id;
        let test = self.module.add(inner.b.into_inner().finish(any));

        let inner = self.inner(w, &operands);
        let params = inner.params();
        let active = params[states];
        let own: Vec<NodeId> = params[..states].iter().chain(&params[states + 1..]).copied().collect();
        let types: Vec<&Type> = node.args.iter().map(|&a| w.graph.ty(a)).collect();
        let at = self.at_lanes(&inner, active, &own, &types, masks)?;
        let next = inner.emit(Op::Call(body), &at, state.clone());
        let mut merged = Vec::new();
        for i in 0..states {
            let item = inner.b.borrow_mut().get(next, i);
            merged.push(Self::choose(&inner, active, item, own[i], types[i])?);
        }
        let after: Vec<NodeId> = merged.iter().chain(&own[states..]).copied().collect();
        let test_again = inner.emit(Op::Call(cond), &after, lanes.clone());
        merged.push(inner.expr(active).and(inner.expr(test_again)).id);
        let ret = inner.b.borrow_mut().tuple(&merged);
        let step = self.module.add(inner.b.into_inner().finish(ret));

        let mut types = state.as_tuple().expect("the state is a tuple").to_vec();
        types.push(lanes);
        let made = w.emit(Op::Loop { cond: test, body: step }, &operands, Type::tuple(types));
        let items: Vec<NodeId> = (0..states).map(|i| w.b.borrow_mut().get(made, i)).collect();
        Ok(w.b.borrow_mut().tuple(&items))
    }

    /// A graph under construction with parameters for these nodes of `w`.
    fn inner<'g>(&self, w: &Walk<'g>, operands: &[NodeId]) -> Walk<'g> {
        let types: Vec<Type> = operands.iter().map(|&o| w.b.borrow().ty(o).clone()).collect();
        w.inner(&types)
    }

    /// Operands in which the lanes that are not `taken` are copies of the first that is.
    fn at_lanes(
        &self,
        w: &Walk<'_>,
        taken: NodeId,
        operands: &[NodeId],
        types: &[&Type],
        masks: &[Mask],
    ) -> Res<Vec<NodeId>> {
        let first = w.expr(taken).to_f64().apply(&prims::ARGMAX, &[0], &[]);
        let each = operands.iter().zip(types).zip(masks);
        each.map(|((&operand, ty), mask)| Self::copied(w, w.expr(taken), first, w.expr(operand), ty, mask)).collect()
    }

    fn copied(w: &Walk<'_>, taken: Expr<'_>, first: Expr<'_>, x: Expr<'_>, ty: &Type, mask: &Mask) -> Res<NodeId> {
        match ty {
            _ if !mask.any() => Ok(x.id),
            Type::Tensor(..) => {
                let copy = w.expr(x.id).apply(&prims::INDEX, &[], &[w.expr(first.id)]).apply(&prims::DETACH, &[], &[]);
                Ok(along(w.expr(taken.id), x.shape().len()).select(w.expr(x.id), copy).id)
            }
            Type::Tuple(items) => {
                let mut all = Vec::new();
                for (i, ty) in items.iter().enumerate() {
                    all.push(Self::copied(w, taken, first, x.get(i), ty, &mask.item(i))?);
                }
                Ok(w.b.borrow_mut().tuple(&all))
            }
            Type::Stack(_) | Type::Env | Type::Fn(_) | Type::Unknown => Err(Self::refused(w, ty)),
        }
    }

    /// Lane by lane one of two values, both of which have the axis throughout.
    fn choose(w: &Walk<'_>, cond: NodeId, yes: NodeId, no: NodeId, ty: &Type) -> Res<NodeId> {
        match ty {
            Type::Tensor(..) => {
                let (yes, no) = (w.expr(yes), w.expr(no));
                Ok(along(w.expr(cond), yes.shape().len()).select(yes, no).id)
            }
            Type::Tuple(items) => {
                let mut all = Vec::new();
                for (i, ty) in items.iter().enumerate() {
                    let (yes, no) = (w.expr(yes).get(i).id, w.expr(no).get(i).id);
                    all.push(Self::choose(w, cond, yes, no, ty)?);
                }
                Ok(w.b.borrow_mut().tuple(&all))
            }
            Type::Stack(_) | Type::Env | Type::Fn(_) | Type::Unknown => Err(Self::refused(w, ty)),
        }
    }
}

/// A truth for each lane, in a rank that broadcasts with tensors of all lanes.
fn along(lanes: Expr<'_>, rank: usize) -> Expr<'_> {
    let count = lanes.shape()[0];
    let shape: Vec<usize> = std::iter::once(count).chain(std::iter::repeat_n(1, rank - 1)).collect();
    lanes.reshape(&shape)
}
