//! The pushforward of a primitive: the pullback of its pullback.
//!
//! The rule of `y = p (x…)` gives `x̄ᵢ` as nodes that are linear in `ȳ`. What pulls tangents `ẋᵢ` back through
//! these nodes is linear in them and is the tangent of `y`; the cotangent itself stands nowhere in it.
//! So `ȳ` is a node to start from that nothing reads in the end. While the rule builds on it, it must not be taken
//! for a zero, with which the builder does not add: it is a [`SEED`].
//! Stacks and records are linear in what they hold, so a tangent is what the same operation makes of
//! tangents.

use adjudicate_ir::graph::{Graph, Node, NodeId, Op};
use adjudicate_ir::prims::{self, Prim};

use super::{Transform, carries, tangent};
use crate::differential::Differential;

/// A cotangent that is not known and not needed: no parameter of the graph. It becomes zero with the graph's end.
const SEED: Op = Op::Param(u32::MAX);

/// Makes the seeds of a graph what they may be: dead zeros.
pub(super) fn end_seeds(graph: &mut Graph) {
    graph.nodes.iter_mut().filter(|node| node.op == SEED).for_each(|node| node.op = Op::Zero);
}

impl Transform<'_> {
    /// The tangent of a primitive's value.
    pub(super) fn pushforward(&self, node: &Node, prim: &Prim, value: NodeId) -> Differential {
        if prims::RECORDS.iter().any(|def| std::ptr::eq(*def, prim.def)) {
            let operand = |&a: &NodeId| if carries(self.graph.ty(a)) { self.whole(a) } else { self.value(a) };
            let operands: Vec<NodeId> = node.args.iter().map(operand).collect();
            return Differential::Whole(self.b.borrow_mut().reapply(prim, &operands, tangent(&node.ty)));
        }
        let dy = self.b.borrow_mut().emit(SEED, &[], node.ty.clone());
        let pulled = prim.def.pull(&self.b, &prim.attrs, &self.values(&node.args), value, dy);
        let mut back = Pullback::new(self, dy);
        for (&a, da) in node.args.iter().zip(pulled) {
            if let Some(da) = da.filter(|_| self.has_tangent(a)) {
                back.contribute(da, Differential::Whole(self.whole(a)));
            }
        }
        back.sweep()
    }
}

/// Nodes that are linear in `dy`, being pulled back.
struct Pullback<'t> {
    t: &'t Transform<'t>,
    dy: NodeId,
    /// From `dy` on: whether a node depends on it, and what has come to it.
    depends: Vec<bool>,
    found: Vec<Differential>,
}

impl<'t> Pullback<'t> {
    fn new(t: &'t Transform<'t>, dy: NodeId) -> Self {
        let b = t.b.borrow();
        let mut depends = vec![true];
        for node in &b.graph().nodes[dy.0 as usize + 1..] {
            let on = |a: &NodeId| *a >= dy && depends[(a.0 - dy.0) as usize];
            depends.push(node.args.iter().any(on));
        }
        let found = vec![Differential::Zero; depends.len()];
        Self { t, dy, depends, found }
    }

    fn place(&self, id: NodeId) -> Option<usize> {
        let at = id.0.checked_sub(self.dy.0)? as usize;
        self.depends.get(at).is_some_and(|&depends| depends).then_some(at)
    }

    fn contribute(&mut self, to: NodeId, d: Differential) {
        if let Some(at) = self.place(to) {
            let old = std::mem::replace(&mut self.found[at], Differential::Zero);
            self.found[at] = old.plus(d, &mut self.t.b.borrow_mut());
        }
    }

    /// From the last node back to `dy`.
    fn sweep(mut self) -> Differential {
        for at in (1..self.found.len()).rev() {
            let d = std::mem::replace(&mut self.found[at], Differential::Zero);
            if d.is_zero() {
                continue;
            }
            let id = NodeId(self.dy.0 + at as u32);
            let node = self.t.b.borrow().graph().node(id).clone();
            match &node.op {
                Op::Prim(prim) => {
                    let whole = d.materialise(&mut self.t.b.borrow_mut(), &node.ty);
                    let pulled = prim.def.pull(&self.t.b, &prim.attrs, &node.args, id, whole);
                    for (&a, da) in node.args.iter().zip(pulled) {
                        self.contribute(a, da.map_or(Differential::Zero, Differential::Whole));
                    }
                }
                Op::Tuple => {
                    for (i, &a) in node.args.iter().enumerate() {
                        let item = d.item(&mut self.t.b.borrow_mut(), i);
                        self.contribute(a, item);
                    }
                }
                Op::Get(i) => {
                    let count = self.t.b.borrow().ty(node.args[0]).as_tuple().map_or(0, <[_]>::len);
                    self.contribute(node.args[0], Differential::inject(count, *i as usize, d));
                }
                other => panic!("{other:?} in the rule of a primitive"),
            }
        }
        self.found.swap_remove(0)
    }
}
