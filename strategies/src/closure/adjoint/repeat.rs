//! Loops.
//!
//! ```text
//! ▶ : (x…, v…) → (x…, stacks, n)            runs the loop, pushes the residuals of each trip
//! ◀ : (dx…, dv…, stacks, n, v…)             runs n trips, last first, pops them
//! ```
//!
//! `x` is the state, `v` are the invariants, `n` is the number of trips. A residual that is an
//! invariant is not pushed: ◀ takes it once. Cotangents of state are replaced by each trip, those of
//! invariants are added to.

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Const, Graph, GraphId, NodeId, Op};
use adjudicate_ir::prims;
use adjudicate_ir::span::Span;
use adjudicate_ir::types::Type;

use super::transform::{Pull, Transform};
use super::{Adjoint, Adjoints, Residual, call_forward};
use crate::differential::Differential;

/// What the backward pass needs of a loop.
pub(super) struct LoopPull {
    /// The stacks of residuals in F.
    stacks: Vec<NodeId>,
    /// The number of trips in F.
    trips: NodeId,
    body: Adjoint,
    /// Residuals of the body that are invariants, at nodes of F.
    invariants: Vec<NodeId>,
    /// Which operands are active, in order.
    active: Vec<usize>,
}

/// What the condition and the body of ▶ take.
struct Frame {
    state: Vec<Type>,
    stacks: Vec<Type>,
    invariants: Vec<Type>,
    span: Span,
}

/// Parameters of a graph that takes a frame.
struct Params {
    /// Those of the loop itself: state and invariants.
    own: Vec<NodeId>,
    stacks: Vec<NodeId>,
    trips: NodeId,
}

impl Frame {
    fn params(&self, b: &mut Builder) -> Params {
        let mut params = |types: &[Type]| -> Vec<NodeId> { types.iter().map(|ty| b.param(ty.clone())).collect() };
        let state = params(&self.state);
        let stacks = params(&self.stacks);
        let trips = params(&[Type::i64()])[0];
        let own = [state, params(&self.invariants)].concat();
        Params { own, stacks, trips }
    }
}

/// What the condition and the body of ◀ take: cotangents of the active operands, stacks, the number
/// of trips left, invariants.
struct Reverse<'a> {
    body: &'a Adjoint,
    types: Vec<Type>,
    /// Types of the state of the loop.
    state: &'a [Type],
    active: &'a [usize],
    stacks: usize,
    span: Span,
}

impl Adjoints<'_> {
    /// The loop with a stack for each thing that its trips leave, and a count of trips.
    pub(super) fn forward_loop(
        &mut self,
        t: &mut Transform<'_>,
        id: NodeId,
        (cond, body): (GraphId, GraphId),
        args: &[NodeId],
    ) -> NodeId {
        let node = t.graph.node(id);
        let states = node.ty.as_tuple().expect("the state is a tuple").len();
        let mask = t.activity.loop_mask(id).clone();
        let adjoint = self.of(body, &mask);
        let mut state: Vec<Type> = args.iter().map(|&a| t.f.ty(a).clone()).collect();
        let invariants = state.split_off(states);
        let stacks = stacks(&adjoint, &state);
        let frame = Frame { state, stacks, invariants, span: node.span };
        let cond = self.forward_cond(cond, &frame);
        let body = self.forward_trip(&adjoint, &frame);
        let none = t.f.constant(Const::I64(0));
        let mut operands = args[..states].to_vec();
        operands.extend(frame.stacks.iter().map(|ty| t.f.zero(ty.clone())));
        operands.push(none);
        operands.extend(&args[states..]);
        let count = frame.stacks.len();
        let result = [frame.state, frame.stacks, vec![Type::i64()]].concat();
        let made = t.f.emit(Op::Loop { cond, body }, &operands, Type::tuple(result));
        let state: Vec<NodeId> = (0..states).map(|i| t.f.get(made, i)).collect();
        let stacks = (0..count).map(|k| t.f.get(made, states + k)).collect();
        let trips = t.f.get(made, states + count);
        let invariants = adjoint.residuals.iter().filter_map(|r| invariant(r, states)).map(|i| args[i]).collect();
        let active = (0..mask.len()).filter(|&i| mask[i]).collect();
        t.pulls.insert(id, Pull::Loop(LoopPull { stacks, trips, body: adjoint, invariants, active }));
        t.f.tuple(&state)
    }

    /// The condition of ▶: that of the loop, transformed if it takes function values.
    fn forward_cond(&mut self, cond: GraphId, frame: &Frame) -> GraphId {
        let types = [frame.state.as_slice(), &frame.invariants].concat();
        let plain = self.module.graph(cond).param_types() == types;
        let adjoint = (!plain).then(|| self.of(cond, &vec![false; types.len()]));
        let mut b = Builder::new("again", frame.span);
        let Params { own, .. } = frame.params(&mut b);
        let again = match adjoint {
            None => b.emit(Op::Call(cond), &own, Type::bool()),
            Some(adjoint) => {
                let called = call_forward(self.module, &mut b, &adjoint, &own);
                b.get(called, 0)
            }
        };
        self.module.add(b.finish(again))
    }

    /// The body of ▶.
    fn forward_trip(&mut self, adjoint: &Adjoint, frame: &Frame) -> GraphId {
        let states = frame.state.len();
        let mut b = Builder::new("trip'", frame.span);
        let Params { own, stacks, trips } = frame.params(&mut b);
        let called = call_forward(self.module, &mut b, adjoint, &own);
        let next = b.get(called, 0);
        let mut items: Vec<NodeId> = (0..states).map(|i| b.get(next, i)).collect();
        let changing = adjoint.residuals.iter().filter(|r| invariant(r, states).is_none());
        let record: Vec<NodeId> = changing
            .map(|r| match *r {
                Residual::Param(i) => own[i],
                Residual::Item(k) => b.get(called, k + 1),
            })
            .collect();
        for (residual, stack) in record.into_iter().zip(stacks) {
            items.push(b.prim(&prims::PUSH, &[], &[stack, residual]));
        }
        let one = b.constant(Const::I64(1));
        items.push(b.prim(&prims::ADD, &[], &[trips, one]));
        let ret = b.tuple(&items);
        self.module.add(b.finish(ret))
    }

    /// The loop that takes the residuals off their stacks, last trip first.
    pub(super) fn backward_loop(&mut self, t: &mut Transform<'_>, id: NodeId, d: &Differential) {
        let node = t.graph.node(id);
        let state = node.ty.as_tuple().expect("the state is a tuple");
        let Some(Pull::Loop(LoopPull { stacks, trips, body, invariants, active })) = t.pulls.remove(&id) else {
            panic!("a loop has the pullback of a loop")
        };
        let mut operands = Vec::new();
        for (&i, ty) in active.iter().zip(&body.cotangents) {
            let b = &mut t.b.borrow_mut();
            let start = if i < state.len() { d.item(b, i) } else { Differential::Zero };
            operands.push(start.materialise(b, ty));
        }
        operands.extend(stacks.iter().chain([&trips]).chain(&invariants).map(|&r| t.import(r)));
        let types: Vec<Type> = operands.iter().map(|&a| t.b.borrow().ty(a).clone()).collect();
        let result = Type::tuple(types[..active.len() + stacks.len() + 1].to_vec());
        let reverse = Reverse { body: &body, types, state, active: &active, stacks: stacks.len(), span: node.span };
        let cond = self.module.add(reverse.cond());
        let step = self.module.add(reverse.trip());
        let made = t.b.borrow_mut().emit(Op::Loop { cond, body: step }, &operands, result);
        for (k, &i) in active.iter().enumerate() {
            let di = t.b.borrow_mut().get(made, k);
            t.contribute(node.args[i], Differential::Whole(di));
        }
    }
}

impl Reverse<'_> {
    /// Where the number of trips stands: after cotangents and stacks.
    fn trips(&self) -> usize {
        self.active.len() + self.stacks
    }

    fn params(&self, b: &mut Builder) -> Vec<NodeId> {
        self.types.iter().map(|ty| b.param(ty.clone())).collect()
    }

    /// The condition of ◀: trips are left.
    fn cond(&self) -> Graph {
        let mut b = Builder::new("left", self.span);
        let params = self.params(&mut b);
        let zero = b.constant(Const::I64(0));
        let left = b.prim(&prims::GT, &[], &[params[self.trips()], zero]);
        b.finish(left)
    }

    /// The body of ◀.
    fn trip(&self) -> Graph {
        let mut b = Builder::new("dtrip", self.span);
        let params = self.params(&mut b);
        let (cotangents, rest) = params.split_at(self.active.len());
        let (stacks, rest) = rest.split_at(self.stacks);
        let (&trips, invariants) = rest.split_first().expect("the number of trips");
        let popped: Vec<NodeId> = stacks.iter().map(|&stack| b.prim(&prims::POP, &[], &[stack])).collect();
        let mut args = self.residuals(&mut b, &popped, invariants);
        args.push(self.seed(&mut b, cotangents));
        let all = b.emit(Op::Call(self.body.backward), &args, Type::tuple(self.body.cotangents.clone()));
        let mut next = Vec::new();
        for (k, &i) in self.active.iter().enumerate() {
            let item = b.get(all, k);
            next.push(if i < self.state.len() { item } else { b.accumulate(cotangents[k], item) });
        }
        let one = b.constant(Const::I64(1));
        next.extend(popped.iter().map(|&p| b.get(p, 0)));
        next.push(b.prim(&prims::SUB, &[], &[trips, one]));
        let ret = b.tuple(&next);
        b.finish(ret)
    }

    /// What ◀ of the body takes before `dy`.
    fn residuals(&self, b: &mut Builder, popped: &[NodeId], invariants: &[NodeId]) -> Vec<NodeId> {
        let (mut popped, mut invariants) = (popped.iter(), invariants.iter());
        let place = |r: &Residual| match invariant(r, self.state.len()) {
            Some(_) => *invariants.next().expect("a parameter for each invariant"),
            None => b.get(*popped.next().expect("a stack for each other residual"), 1),
        };
        self.body.residuals.iter().map(place).collect()
    }

    /// The cotangent of what the body returns: zero for state that is not active.
    fn seed(&self, b: &mut Builder, cotangents: &[NodeId]) -> NodeId {
        let item = |(i, ty): (usize, &Type)| match self.active.iter().position(|&a| a == i) {
            Some(k) => cotangents[k],
            None => b.zero(ty.cotangent()),
        };
        let items: Vec<NodeId> = self.state.iter().enumerate().map(item).collect();
        b.tuple(&items)
    }
}

/// The operand of the loop that a residual of its body is, if that does not change from trip to trip.
fn invariant(residual: &Residual, states: usize) -> Option<usize> {
    match *residual {
        Residual::Param(i) if i >= states => Some(i),
        Residual::Param(_) | Residual::Item(_) => None,
    }
}

/// Types of the stacks of the residuals that change from trip to trip.
fn stacks(adjoint: &Adjoint, state: &[Type]) -> Vec<Type> {
    let changing = adjoint.residuals.iter().filter(|r| invariant(r, state.len()).is_none());
    let ty = |r: &Residual| match *r {
        Residual::Param(i) => state[i].clone(),
        Residual::Item(k) => adjoint.returned[k].clone(),
    };
    changing.map(|r| Type::stack(ty(r))).collect()
}
