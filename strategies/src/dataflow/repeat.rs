//! The gradient of a loop, in the form of TensorFlow 2's `while_v2`.
//!
//! ```text
//! forward:  while cond(s…, v…):  (s…, r…) = body(s…, v…);  stack.push(r)…;  trips += 1
//! reverse:  while trips > 0:     r… = stack.pop()…;  (ds…, δ…) = dbody(r…, ds…);  dv += δ…;  trips -= 1
//! ```
//!
//! One stack per residual that changes from trip to trip. Invariants `v` that the reverse reads are
//! operands of the reverse loop, and so is what the body computes from invariants alone: it is
//! computed once more, before the reverse loop, unless it could fail or is structured.
//! With zero trips the cotangents of the state pass through.

use std::cell::RefCell;
use std::rc::Rc;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Const, Graph, GraphId, NodeId, Op};
use adjudicate_ir::prims;
use adjudicate_ir::types::Type;

use super::activity::Mask;
use super::gradient::Gradients;
use super::joint::{Joint, Residual, splice};
use crate::differential::Differential;

/// Where the reverse loop finds a residual of the body.
#[derive(Clone, Copy)]
enum Source {
    /// On this stack.
    Stack(usize),
    /// It is the same for all trips: this operand among the invariants of the reverse loop.
    Invariant(usize),
}

/// What the reverse of a loop needs.
pub(super) struct Trips {
    /// Operands of the loop.
    args: Vec<NodeId>,
    states: usize,
    active: Mask,
    joint: Rc<Joint>,
    sources: Vec<Source>,
    stacks: Vec<NodeId>,
    trips: NodeId,
}

impl Gradients<'_> {
    /// The loop with stacks and a count of trips as further state: its value, and its reverse.
    pub(super) fn forward_trips(
        &mut self,
        b: &RefCell<Builder>,
        (cond, body): (GraphId, GraphId),
        args: &[NodeId],
        active: &Mask,
    ) -> (NodeId, Trips) {
        let result = self.module.graph(body).result_type().clone();
        let states = result.as_tuple().expect("the state of a loop is a tuple").len();
        let joint = self.joint(body, active, &active[..states].to_vec());
        let sources = sources(&joint, states);
        let stacks = stack_types(&joint, &sources);
        let frame = Frame { params: joint.forward.param_types(), states, stacks: &stacks };
        let cond = self.again(cond, &frame);
        let body = self.trip(&joint, &sources, &frame);
        let mut b = b.borrow_mut();
        let mut operands = args[..states].to_vec();
        operands.extend(stacks.iter().map(|ty| b.zero(ty.clone())));
        operands.push(b.constant(Const::I64(0)));
        operands.extend(&args[states..]);
        let ty = self.module.graph(body).result_type().clone();
        let made = b.emit(Op::Loop { cond, body }, &operands, ty);
        let state: Vec<NodeId> = (0..states).map(|i| b.get(made, i)).collect();
        let value = b.tuple(&state);
        let stacks: Vec<NodeId> = (0..stacks.len()).map(|k| b.get(made, states + k)).collect();
        let trips = b.get(made, states + stacks.len());
        let (args, active) = (args.to_vec(), active.clone());
        (value, Trips { args, states, active, joint, sources, stacks, trips })
    }

    /// The condition of the forward loop.
    fn again(&mut self, cond: GraphId, frame: &Frame<'_>) -> GraphId {
        let cond = self.module.graph(cond);
        let mut b = Builder::new(&cond.name, cond.span);
        let params = frame.declare(&mut b);
        let ret = splice(&mut b, cond, &params.own);
        self.module.add(b.finish(ret))
    }

    /// The body of the forward loop.
    fn trip(&mut self, joint: &Joint, sources: &[Source], frame: &Frame<'_>) -> GraphId {
        let mut b = Builder::new(&joint.forward.name, joint.forward.span);
        let params = frame.declare(&mut b);
        let result = splice(&mut b, &joint.forward, &params.own);
        let mut next: Vec<NodeId> = (0..frame.states).map(|i| b.get(result, i)).collect();
        for (&residual, source) in joint.residuals.iter().zip(sources) {
            let Source::Stack(k) = *source else { continue };
            let value = match residual {
                Residual::Param(i) => params.own[i],
                Residual::Item(i) => b.get(result, i),
            };
            next.push(b.prim(&prims::PUSH, &[], &[params.stacks[k], value]));
        }
        let one = b.constant(Const::I64(1));
        next.push(b.prim(&prims::ADD, &[], &[params.trips, one]));
        let ret = b.tuple(&next);
        self.module.add(b.finish(ret))
    }

    /// The reverse loop: cotangents of the operands.
    pub(super) fn reverse_trips(&mut self, b: &RefCell<Builder>, trips: &Trips, d: &Differential) -> Vec<Differential> {
        let carried: Vec<usize> = (0..trips.active.len()).filter(|&i| trips.active[i]).collect();
        let mut b = b.borrow_mut();
        let mut operands = Vec::new();
        for &i in &carried {
            let ty = b.ty(trips.args[i]).cotangent();
            let start = if i < trips.states { d.item(&mut b, i) } else { Differential::Zero };
            operands.push(start.materialise(&mut b, &ty));
        }
        operands.extend(&trips.stacks);
        operands.push(trips.trips);
        operands.extend(trips.invariants(&mut b));
        let types: Vec<Type> = operands.iter().map(|&a| b.ty(a).clone()).collect();
        let (cond, body) = self.reverse_graphs(trips, &carried, &types);
        let ty = self.module.graph(body).result_type().clone();
        let made = b.emit(Op::Loop { cond, body }, &operands, ty);
        let mut pulled = vec![Differential::Zero; trips.args.len()];
        for (k, &i) in carried.iter().enumerate() {
            pulled[i] = Differential::Whole(b.get(made, k));
        }
        pulled
    }

    /// Condition and body of the reverse loop over (cotangents, stacks, trips, invariants).
    fn reverse_graphs(&mut self, trips: &Trips, carried: &[usize], types: &[Type]) -> (GraphId, GraphId) {
        let backward = &trips.joint.backward;
        let count = carried.len() + trips.stacks.len();
        let mut b = Builder::new("left", backward.span);
        let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
        let none = b.constant(Const::I64(0));
        let left = b.prim(&prims::GT, &[], &[params[count], none]);
        let cond = self.module.add(b.finish(left));

        let mut b = Builder::new(&backward.name, backward.span);
        let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
        let (cotangents, rest) = params.split_at(carried.len());
        let (stacks, rest) = rest.split_at(trips.stacks.len());
        let popped: Vec<NodeId> = stacks.iter().map(|&stack| b.prim(&prims::POP, &[], &[stack])).collect();
        let mut args = Vec::new();
        for source in &trips.sources {
            args.push(match *source {
                Source::Stack(k) => b.get(popped[k], 1),
                Source::Invariant(k) => rest[k + 1],
            });
        }
        let is_state = |i: usize| i < trips.states;
        args.extend(carried.iter().zip(cotangents).filter(|(i, _)| is_state(**i)).map(|(_, &d)| d));
        let pulled = splice(&mut b, backward, &args);
        let mut next = Vec::new();
        for (k, &i) in carried.iter().enumerate() {
            let item = b.get(pulled, k);
            next.push(if is_state(i) { item } else { b.accumulate(cotangents[k], item) });
        }
        for pop in popped {
            next.push(b.get(pop, 0));
        }
        let one = b.constant(Const::I64(1));
        next.push(b.prim(&prims::SUB, &[], &[rest[0], one]));
        let ret = b.tuple(&next);
        (cond, self.module.add(b.finish(ret)))
    }
}

/// The parameters of the two graphs of a forward loop: state, stacks, trips, invariants.
struct Frame<'a> {
    params: Vec<Type>,
    states: usize,
    stacks: &'a [Type],
}

struct Params {
    /// Those that the loop had before.
    own: Vec<NodeId>,
    stacks: Vec<NodeId>,
    trips: NodeId,
}

impl Frame<'_> {
    fn declare(&self, b: &mut Builder) -> Params {
        let mut own: Vec<NodeId> = self.params[..self.states].iter().map(|ty| b.param(ty.clone())).collect();
        let stacks = self.stacks.iter().map(|ty| b.param(ty.clone())).collect();
        let trips = b.param(Type::i64());
        own.extend(self.params[self.states..].iter().map(|ty| b.param(ty.clone())));
        Params { own, stacks, trips }
    }
}

impl Trips {
    /// The invariants of the reverse loop, in the graph that the loop is in.
    fn invariants(&self, b: &mut Builder) -> Vec<NodeId> {
        let residuals = self.joint.residuals.iter().zip(&self.sources);
        let wanted = residuals.filter(|(_, source)| matches!(source, Source::Invariant(_)));
        let wanted: Vec<NodeId> = wanted.map(|(&residual, _)| self.joint.node(residual)).collect();
        let forward = &self.joint.forward;
        let mut graph = Graph { nodes: forward.nodes.clone(), ..forward.clone() };
        let tuple = graph.nodes[graph.ret.0 as usize].clone();
        let ty = Type::Tuple(wanted.iter().map(|&w| forward.ty(w).clone()).collect());
        graph.nodes[forward.ret.0 as usize] =
            adjudicate_ir::graph::Node { args: wanted.iter().copied().collect(), ty, ..tuple };
        let made = splice(b, &graph, &self.args);
        (0..wanted.len()).map(|k| b.get(made, k)).collect()
    }
}

/// Where each residual of a body comes from in the reverse loop.
fn sources(joint: &Joint, states: usize) -> Vec<Source> {
    let invariant = invariant_nodes(&joint.forward, states);
    let (mut stacks, mut invariants) = (0, 0);
    let source = |&residual: &Residual| {
        let same = invariant[joint.node(residual).0 as usize];
        let count = if same { &mut invariants } else { &mut stacks };
        *count += 1;
        if same { Source::Invariant(*count - 1) } else { Source::Stack(*count - 1) }
    };
    joint.residuals.iter().map(source).collect()
}

fn stack_types(joint: &Joint, sources: &[Source]) -> Vec<Type> {
    let stacked = joint.residuals.iter().zip(sources).filter(|(_, source)| matches!(source, Source::Stack(_)));
    stacked.map(|(&residual, _)| Type::stack(joint.ty(residual).clone())).collect()
}

/// Primitives that fail for some operands: they are not moved to where they might not have run.
const PARTIAL: &[&str] =
    &["index", "index_add", "gather", "scatter", "scatter_add", "ravel_index", "floordiv", "mod", "pow", "push", "pop"];

/// Nodes of a body that are computed from invariants alone, by primitives that never fail.
fn invariant_nodes(body: &Graph, states: usize) -> Vec<bool> {
    let mut invariant = vec![false; body.nodes.len()];
    for (id, node) in body.iter() {
        invariant[id.0 as usize] = match &node.op {
            Op::Param(i) => *i as usize >= states,
            Op::Const(_) | Op::Zero => true,
            Op::Prim(prim) => !PARTIAL.contains(&prim.def.name) && node.args.iter().all(|a| invariant[a.0 as usize]),
            _ => false,
        };
    }
    invariant
}
