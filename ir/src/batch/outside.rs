//! Functions from outside.
//!
//! A function value that a graph is given was made by code that knows nothing of lanes. Where it is
//! called with what differs from lane to lane, or what it returns is, the graph cannot be batched: a
//! loop runs it as it is, lane by lane.
//!
//! ```text
//! i = 0; y = zeros
//! while i < count: y = y with g(x[i], v) at i; i = i + 1
//! ```

use std::cell::RefCell;

use crate::builder::{Builder, Expr};
use crate::graph::{Const, Graph, GraphId, Module, NodeId, Op};
use crate::prims;
use crate::types::{Elem, Type};
use adjudicate_kernels::Array;

use super::Mask;
use super::solve::Functions;

/// Whether a graph is given function values that would have to know of lanes.
pub(super) fn reaches_in(functions: &Functions, graph: &Graph, count: usize) -> bool {
    graph.param_types().iter().any(|ty| functions.batched(ty, &Mask::None, count) != *ty)
}

/// The graph run lane by lane; of its parameters those in `masks` have the axis, of its result what
/// is in `result`.
pub(super) fn lane_by_lane(
    module: &mut Module,
    graph: GraphId,
    masks: &[Mask],
    result: &Mask,
    count: usize,
) -> GraphId {
    let one = module.graph(graph);
    let functions = Functions::default();
    let params: Vec<Type> =
        one.param_types().iter().zip(masks).map(|(ty, mask)| functions.batched(ty, mask, count)).collect();
    let plan = Plan { graph, name: one.name.to_string(), masks, params, one: one.result_type().clone(), count };
    let mut leaves = Vec::new();
    tensors(&plan.one, result, &mut Vec::new(), &mut leaves);
    let state: Vec<Type> = std::iter::once(Type::i64())
        .chain(leaves.iter().map(|l| functions.batched(&l.ty, &Mask::All, count)))
        .collect();
    let cond = module.add(plan.cond(&state));
    let body = module.add(plan.body(&state, &leaves));
    let whole = plan.whole(&state, (cond, body), result);
    module.add(whole)
}

/// A tensor of the result that has the axis: where it is, and its type in one lane.
struct Leaf {
    path: Vec<usize>,
    ty: Type,
}

fn tensors(ty: &Type, mask: &Mask, path: &mut Vec<usize>, out: &mut Vec<Leaf>) {
    match ty {
        Type::Tuple(items) => {
            for (i, ty) in items.iter().enumerate() {
                path.push(i);
                tensors(ty, &mask.item(i), path, out);
                path.pop();
            }
        }
        Type::Tensor(..) if mask.any() => out.push(Leaf { path: path.clone(), ty: ty.clone() }),
        _ => assert!(!mask.any(), "only tensors come out of lanes"),
    }
}

struct Plan<'a> {
    /// What is run in each lane.
    graph: GraphId,
    name: String,
    masks: &'a [Mask],
    /// Types of the parameters, with the axis where they have it.
    params: Vec<Type>,
    /// The type of the result of one lane.
    one: Type,
    count: usize,
}

impl Plan<'_> {
    fn start(&self, state: &[Type]) -> (RefCell<Builder>, Vec<NodeId>) {
        let mut b = Builder::new(&self.name, Default::default());
        let params = state.iter().chain(&self.params).map(|ty| b.param(ty.clone())).collect();
        (RefCell::new(b), params)
    }

    fn cond(&self, state: &[Type]) -> Graph {
        let (b, params) = self.start(state);
        let lane = Expr::new(&b, params[0]);
        let left = lane.apply(&prims::LT, &[], &[lane.constant(Const::I64(self.count as i64))]).id;
        b.into_inner().finish(left)
    }

    fn body(&self, state: &[Type], leaves: &[Leaf]) -> Graph {
        let (b, params) = self.start(state);
        let lane = Expr::new(&b, params[0]);
        let called = self.call(&b, &params[state.len()..], |x| x.apply(&prims::INDEX, &[], &[lane]));
        let mut next = vec![lane.apply(&prims::ADD, &[], &[lane.constant(Const::I64(1))]).id];
        for (leaf, &all) in leaves.iter().zip(&params[1..]) {
            let y = leaf.path.iter().fold(Expr::new(&b, called), |x, &i| x.get(i));
            next.push(self.placed(Expr::new(&b, all), lane, y).id);
        }
        let mut b = b.into_inner();
        let ret = b.tuple(&next);
        b.finish(ret)
    }

    /// The call of the graph for one lane.
    fn call<'b>(&self, b: &'b RefCell<Builder>, params: &[NodeId], one: impl Fn(Expr<'b>) -> Expr<'b>) -> NodeId {
        let operand = |(&x, mask): (&NodeId, &Mask)| if mask.any() { one(Expr::new(b, x)).id } else { x };
        let args: Vec<NodeId> = params.iter().zip(self.masks).map(operand).collect();
        b.borrow_mut().emit(Op::Call(self.graph), &args, self.one.clone())
    }

    /// A tensor of all lanes with that of one put in its place, which was zero.
    fn placed<'b>(&self, all: Expr<'b>, lane: Expr<'b>, y: Expr<'b>) -> Expr<'b> {
        let (elem, shape) = all.ty().as_tensor().map(|(elem, shape)| (elem, shape.to_vec())).expect("a tensor");
        if elem == Elem::F64 {
            return all.apply(&prims::INDEX_ADD, &[], &[lane, y]);
        }
        let ranks: Vec<usize> = std::iter::once(self.count).chain(shape[1..].iter().map(|_| 1)).collect();
        let lanes = Array::from_vec(&ranks, (0..self.count as i64).collect());
        let here = lane.constant(Const::Ints(lanes)).apply(&prims::EQ, &[], &[lane]);
        here.select(y.repeated(self.count), all)
    }

    /// The loop; what of the result is the same in all lanes is found once, with zeros for a lane.
    fn whole(&self, state: &[Type], (cond, body): (GraphId, GraphId), result: &Mask) -> Graph {
        let (b, params) = self.start(&[]);
        let (first, zeros) = {
            let mut b = b.borrow_mut();
            let zeros: Vec<NodeId> = state[1..].iter().map(|ty| b.zero(ty.clone())).collect();
            (b.constant(Const::I64(0)), zeros)
        };
        let operands = [vec![first], zeros, params.clone()].concat();
        let made = b.borrow_mut().emit(Op::Loop { cond, body }, &operands, Type::tuple(state));
        let shared = (*result != Mask::full(&self.one)).then(|| self.call(&b, &params, |x| x.zero(one_lane(&x.ty()))));
        let mut next = 1;
        let ret = assemble(&b, shared, made, &mut next, &self.one, result);
        b.into_inner().finish(ret)
    }
}

/// The type of a tensor in one lane.
fn one_lane(ty: &Type) -> Type {
    let (elem, shape) = ty.as_tensor().expect("a tensor");
    Type::tensor(elem, &shape[1..])
}

/// The result, from what is shared and the state of the loop.
fn assemble(
    b: &RefCell<Builder>,
    shared: Option<NodeId>,
    made: NodeId,
    next: &mut usize,
    ty: &Type,
    mask: &Mask,
) -> NodeId {
    match ty {
        Type::Tuple(items) => {
            let mut all = Vec::new();
            for (i, ty) in items.iter().enumerate() {
                let item = shared.map(|s| b.borrow_mut().get(s, i));
                all.push(assemble(b, item, made, next, ty, &mask.item(i)));
            }
            b.borrow_mut().tuple(&all)
        }
        _ if mask.any() => {
            *next += 1;
            b.borrow_mut().get(made, *next - 1)
        }
        _ => shared.expect("something is shared"),
    }
}
