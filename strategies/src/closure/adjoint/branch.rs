//! Branches.
//!
//! ```text
//! ▶ : (c, x…) → (y, r…, s…)            r… of the first branch, s… of the second
//! ◀ : (c, r…, s…, dy) → (dx…)
//! ```
//!
//! Both branches of ▶ return the residuals of both; those of the branch that is not taken are zero,
//! and the branches of ◀ do not read them.

use std::ops::Range;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{GraphId, NodeId, Op};
use adjudicate_ir::span::Span;
use adjudicate_ir::types::Type;

use super::transform::{Pull, Transform};
use super::{Adjoint, Adjoints, Mask, Residual, call_forward, primed};
use crate::differential::Differential;

/// What the backward pass needs of a branch.
pub(super) struct BranchPull {
    /// The condition in F.
    cond: NodeId,
    /// Of both branches: the adjoint, and what its ◀ takes before `dy`, at nodes of F.
    sides: [(Adjoint, Vec<NodeId>); 2],
}

/// The slots of each branch in a list of what is of the first, then what is of the second.
fn slots(counts: [usize; 2]) -> [Range<usize>; 2] {
    let [first, second] = counts;
    [0..first, first..first + second]
}

impl Adjoints<'_> {
    /// The branch in F.
    pub(super) fn forward_if(
        &mut self,
        t: &mut Transform<'_>,
        id: NodeId,
        branches: [GraphId; 2],
        args: &[NodeId],
    ) -> NodeId {
        let node = t.graph.node(id);
        let mask: Mask = node.args[1..].iter().map(|&a| t.activity.is_active(a)).collect();
        let adjoints = branches.map(|g| self.of(g, &mask));
        let slots = slots([0, 1].map(|side| adjoints[side].returned.len()));
        let returned: Vec<Type> = adjoints.iter().flat_map(|a| a.returned.clone()).collect();
        let params: Vec<Type> = args[1..].iter().map(|&a| t.f.ty(a).clone()).collect();
        let [then, other] =
            [0, 1].map(|side| self.forward_branch(&adjoints[side], &params, &returned, &slots[side], node.span));
        let types = [vec![primed(&node.ty)], returned].concat();
        let made = t.f.emit(Op::If(then, other), args, Type::tuple(types));
        let mut slots = slots.into_iter();
        let sides = adjoints.map(|adjoint| {
            let items: Vec<NodeId> = slots.next().into_iter().flatten().map(|slot| t.f.get(made, 1 + slot)).collect();
            let place = |r: &Residual| match *r {
                Residual::Param(i) => args[1 + i],
                Residual::Item(k) => items[k],
            };
            let residuals = adjoint.residuals.iter().map(place).collect();
            (adjoint, residuals)
        });
        t.pulls.insert(id, Pull::Branch(BranchPull { cond: args[0], sides }));
        t.f.get(made, 0)
    }

    /// One branch of ▶: its value, and what is returned of both with zero outside its own slots.
    fn forward_branch(
        &mut self,
        adjoint: &Adjoint,
        params: &[Type],
        returned: &[Type],
        own: &Range<usize>,
        span: Span,
    ) -> GraphId {
        let mut b = Builder::new(&self.module.graph(adjoint.forward).name, span);
        let params: Vec<NodeId> = params.iter().map(|ty| b.param(ty.clone())).collect();
        let called = call_forward(self.module, &mut b, adjoint, &params);
        let mut items = vec![b.get(called, 0)];
        for (slot, ty) in returned.iter().enumerate() {
            items.push(if own.contains(&slot) { b.get(called, 1 + slot - own.start) } else { b.zero(ty.clone()) });
        }
        let ret = b.tuple(&items);
        self.module.add(b.finish(ret))
    }

    /// The backward graph of the branch that was taken.
    pub(super) fn backward_if(&mut self, t: &mut Transform<'_>, id: NodeId, d: &Differential) {
        let node = t.graph.node(id);
        let dy = t.whole(d, &node.ty);
        let Some(Pull::Branch(BranchPull { cond, sides })) = t.pulls.remove(&id) else {
            panic!("a branch has the pullback of a branch")
        };
        let mut operands = vec![t.import(cond)];
        operands.extend(sides.iter().flat_map(|(_, residuals)| residuals).map(|&r| t.import(r)));
        operands.push(dy);
        let params: Vec<Type> = operands[1..].iter().map(|&a| t.b.borrow().ty(a).clone()).collect();
        let slots = slots([0, 1].map(|side| sides[side].1.len()));
        let [then, other] = [0, 1].map(|side| self.backward_branch(&sides[side].0, &params, &slots[side], node.span));
        let result = Type::tuple(sides[0].0.cotangents.clone());
        let all = t.b.borrow_mut().emit(Op::If(then, other), &operands, result);
        t.distribute(&node.args[1..], all);
    }

    /// One branch of ◀: it takes the residuals of both and `dy`, and reads its own.
    fn backward_branch(&mut self, adjoint: &Adjoint, params: &[Type], own: &Range<usize>, span: Span) -> GraphId {
        let mut b = Builder::new(&self.module.graph(adjoint.backward).name, span);
        let params: Vec<NodeId> = params.iter().map(|ty| b.param(ty.clone())).collect();
        let args: Vec<NodeId> = params[own.clone()].iter().chain(params.last()).copied().collect();
        let ret = b.emit(Op::Call(adjoint.backward), &args, Type::tuple(adjoint.cotangents.clone()));
        self.module.add(b.finish(ret))
    }
}
