//! Loops: tangents stand in the state beside what they are tangents of.
//!
//! ```text
//! loop (x…, v…) → (x…)      becomes      loop (x…, ẋ…, v…, v̇…) → (x…, ẋ…)
//! ```
//!
//! `x` is the state and `v` are the invariants; of both, those have a tangent that are active in some trip.

use std::ops::Range;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, Node, NodeId, Op};
use adjudicate_ir::types::Type;

use super::{Mask, Tangents, Transform, carries, dual, tangent, tangent_places, with_tangents};
use crate::differential::Differential;

/// A loop and which of its operands have a tangent.
struct Repeat<'n> {
    node: &'n Node,
    types: Vec<Type>,
    states: usize,
    mask: Mask,
}

impl Transform<'_> {
    /// The loop with tangents.
    pub(super) fn repeat(
        &self,
        made: &mut Tangents<'_>,
        id: NodeId,
        node: &Node,
        (cond, body): (GraphId, GraphId),
    ) -> (NodeId, Differential) {
        let types: Vec<Type> = node.args.iter().map(|&a| self.graph.ty(a).clone()).collect();
        let states = node.ty.items().len();
        let mask = self.activity.loop_mask(id).iter().zip(&types).map(|(&m, ty)| m && carries(ty)).collect();
        let repeat = Repeat { node, types, states, mask };
        let mut operands = Vec::new();
        for part in repeat.parts() {
            operands.extend(self.values(&node.args[part.clone()]));
            operands.extend(repeat.with_tangent(part).map(|i| self.whole(node.args[i])));
        }
        let cond = repeat.cond(made, cond);
        let cond = made.module.add(cond);
        let body = repeat.body(made, body);
        let body = made.module.add(body);
        let changing: Vec<usize> = repeat.with_tangent(0..states).collect();
        let types = &repeat.types;
        let result = types[..states].iter().map(dual).chain(changing.iter().map(|&i| tangent(&types[i])));
        let looped = self.emit(Op::Loop { cond, body }, &operands, Type::tuple(result.collect::<Vec<_>>()));
        let mut b = self.b.borrow_mut();
        let items: Vec<NodeId> = (0..states).map(|i| b.get(looped, i)).collect();
        let mut tangents = vec![Differential::Zero; states];
        for (k, &i) in changing.iter().enumerate() {
            tangents[i] = Differential::Whole(b.get(looped, states + k));
        }
        (b.tuple(&items), Differential::Items(tangents))
    }
}

impl Repeat<'_> {
    /// State and invariants.
    fn parts(&self) -> [Range<usize>; 2] {
        [0..self.states, self.states..self.types.len()]
    }

    /// Those operands of a part that have a tangent.
    fn with_tangent(&self, part: Range<usize>) -> impl Iterator<Item = usize> {
        part.filter(|&i| self.mask[i])
    }

    /// The parameters of condition and body: values, and the tangents.
    fn params(&self, b: &mut Builder) -> (Vec<NodeId>, Vec<NodeId>) {
        let (mut values, mut tangents) = (Vec::new(), Vec::new());
        for part in self.parts() {
            values.extend(self.types[part.clone()].iter().map(|ty| b.param(dual(ty))));
            tangents.extend(self.with_tangent(part).map(|i| b.param(tangent(&self.types[i]))));
        }
        (values, tangents)
    }

    /// The condition, transformed if it takes function values.
    fn cond(&self, made: &mut Tangents<'_>, cond: GraphId) -> Graph {
        let mut b = Builder::new("again", self.node.span);
        let (values, _) = self.params(&mut b);
        let ret = if self.types.iter().all(|ty| dual(ty) == *ty) {
            b.emit(Op::Call(cond), &values, Type::bool())
        } else {
            let called = made.of(cond, &vec![false; self.types.len()]);
            let all = b.emit(Op::Call(called), &values, with_tangents(&Type::bool()));
            b.get(all, 0)
        };
        b.finish(ret)
    }

    fn body(&self, made: &mut Tangents<'_>, body: GraphId) -> Graph {
        let mut b = Builder::new("trip.", self.node.span);
        let (values, tangents) = self.params(&mut b);
        let called = made.of(body, &self.mask);
        let all = b.emit(Op::Call(called), &[values, tangents].concat(), with_tangents(&self.node.ty));
        let places = tangent_places(&self.node.ty);
        let changing = self.with_tangent(0..self.states).map(|i| places[i].expect("it carries a tangent"));
        let items: Vec<NodeId> = (0..self.states).chain(changing).map(|i| b.get(all, i)).collect();
        let ret = b.tuple(&items);
        b.finish(ret)
    }
}
