//! Which nodes have the axis of the lanes.
//!
//! A graph is solved for each combination of masks that its parameters get. Results of graphs and
//! what function values take and return start from nothing and only grow; rounds over everything
//! that is reached end when nothing has grown.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, GraphId, Module, Node, NodeId, Op, VjpSpec};
use crate::passes::live;
use crate::prims::Prim;
use crate::types::{FnType, Type};

use super::{Aligned, BatchRule, Mask};

/// A graph and what of its parameters has the axis.
pub(super) type Key = (GraphId, Vec<Mask>);

/// What function values of each type take and return with the axis; types that are not there,
/// nothing.
#[derive(Debug, Default)]
pub(super) struct Functions(FxHashMap<Arc<FnType>, (Vec<Mask>, Mask)>);

/// Masks found so far.
#[derive(Debug, Default)]
pub(super) struct Solver {
    pub(super) functions: Functions,
    results: FxHashMap<Key, Mask>,
    /// Reached in this round.
    seen: FxHashSet<Key>,
    changed: bool,
}

/// Solves for a graph; the mask of its result.
pub(super) fn solve(module: &Module, graph: GraphId, masks: &[Mask]) -> (Solver, Mask) {
    let mut solver = Solver::default();
    let found = solver.result(module, graph, masks);
    (solver, found)
}

/// Stack that a call may need, and how much is added at a time.
const RED_ZONE: usize = 128 << 10;
const STACK: usize = 4 << 20;

impl Functions {
    /// Whether no function value has anything to do with the axis.
    pub(super) fn is_empty(&self) -> bool {
        self.0.values().all(|(params, result)| !result.any() && !params.iter().any(Mask::any))
    }

    /// What a function value takes and returns with the axis.
    pub(super) fn get(&self, ty: &FnType) -> (Vec<Mask>, Mask) {
        self.0.get(ty).cloned().unwrap_or_else(|| (vec![Mask::None; ty.params.len()], Mask::None))
    }

    /// The type of a value in so many lanes.
    pub(super) fn batched(&self, ty: &Type, mask: &Mask, count: usize) -> Type {
        let item = |i: usize, ty: &Type| self.batched(ty, &mask.item(i), count);
        match ty {
            Type::Tensor(elem, shape) if mask.any() => Type::tensor(*elem, &[&[count], &shape[..]].concat()),
            Type::Tuple(items) => Type::Tuple(items.iter().enumerate().map(|(i, ty)| item(i, ty)).collect()),
            Type::Stack(ty) => Type::stack(item(0, ty)),
            Type::Fn(function) => {
                let (params, result) = self.get(function);
                let params = function.params.iter().zip(&params).map(|(ty, m)| self.batched(ty, m, count));
                Type::function(params.collect(), self.batched(&function.result, &result, count))
            }
            Type::Tensor(..) | Type::Env | Type::Unknown => ty.clone(),
        }
    }
}

impl Solver {
    /// What of the result of a graph has the axis.
    pub(super) fn result(&mut self, module: &Module, graph: GraphId, masks: &[Mask]) -> Mask {
        let key = (graph, masks.to_vec());
        while !self.results.contains_key(&key) || self.changed {
            self.changed = false;
            self.seen.clear();
            self.call(module, graph, masks);
        }
        self.results[&key].clone()
    }

    /// As far as it is known in this round.
    fn call(&mut self, module: &Module, id: GraphId, masks: &[Mask]) -> Mask {
        let key = (id, masks.to_vec());
        if !self.seen.insert(key.clone()) {
            return self.results.get(&key).cloned().unwrap_or(Mask::None);
        }
        let graph = module.graph(id);
        let found =
            stacker::maybe_grow(RED_ZONE, STACK, || self.nodes(module, graph, masks)[graph.ret.0 as usize].clone());
        let before = self.results.get(&key);
        let joined = before.map_or(found.clone(), |before| before.join(&found));
        self.changed |= before != Some(&joined);
        self.results.insert(key, joined.clone());
        joined
    }

    /// The masks of the live nodes of a graph.
    pub(super) fn nodes(&mut self, module: &Module, graph: &Graph, params: &[Mask]) -> Vec<Mask> {
        let live = live(graph);
        let mut masks = vec![Mask::None; graph.nodes.len()];
        for (id, node) in graph.iter().filter(|(id, _)| live[id.0 as usize]) {
            masks[id.0 as usize] = match node.op {
                Op::Param(i) => params[i as usize].clone(),
                _ => self.node(module, graph, node, &masks),
            };
        }
        masks
    }

    fn node(&mut self, module: &Module, graph: &Graph, node: &Node, masks: &[Mask]) -> Mask {
        let operands: Vec<Mask> = node.args.iter().map(|a| masks[a.0 as usize].clone()).collect();
        match &node.op {
            Op::Prim(prim) => match prim.def.batch {
                BatchRule::Tensors(_) if operands.iter().any(Mask::any) => Mask::All,
                BatchRule::Tensors(_) => Mask::None,
                BatchRule::Records(_) => aligned(prim, graph, node, &operands).result,
            },
            Op::Tuple => Mask::items(operands),
            Op::Get(i) => operands[0].item(*i as usize),
            Op::Call(callee) => self.call(module, *callee, &operands),
            Op::Closure(code) => {
                let Type::Fn(ty) = &node.ty else { panic!("a function value has a function type") };
                let masks = [operands, self.functions.get(ty).0].concat();
                let result = self.call(module, *code, &masks);
                self.raise(ty, &[], &result);
                Mask::None
            }
            Op::Apply(_) => {
                let Type::Fn(ty) = graph.ty(node.args[0]) else { panic!("a function value is called") };
                self.raise(ty, &operands[1..], &Mask::None);
                self.functions.get(ty).1
            }
            Op::If(then, other) => {
                let both = [*then, *other].map(|branch| self.call(module, branch, &operands[1..]));
                if operands[0].any() { Mask::full(&node.ty) } else { both[0].join(&both[1]) }
            }
            Op::Loop { cond, body } => {
                let states = node.ty.as_tuple().map_or(0, <[Type]>::len);
                let (operands, _) = self.trips(module, (*cond, *body), operands, &node.ty);
                Mask::items(operands[..states].to_vec())
            }
            Op::Vjp(spec) => self.vjp(module, spec, &operands),
            Op::Param(_) | Op::Const(_) | Op::Zero => Mask::None,
            Op::Fused(_) => panic!("operations are fused when everything is batched"),
            Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => panic!("a node of a source graph"),
        }
    }

    /// What of the operands of a loop has the axis in any trip, and whether lanes end by themselves.
    pub(super) fn trips(
        &mut self,
        module: &Module,
        (cond, body): (GraphId, GraphId),
        mut operands: Vec<Mask>,
        state: &Type,
    ) -> (Vec<Mask>, bool) {
        let states = state.as_tuple().map_or(0, <[Type]>::len);
        loop {
            let apart = self.call(module, cond, &operands).any();
            let next = self.call(module, body, &operands);
            let next = if apart { Mask::full(state) } else { next };
            let join = |(i, mask): (usize, &Mask)| if i < states { mask.join(&next.item(i)) } else { mask.clone() };
            let joined: Vec<Mask> = operands.iter().enumerate().map(join).collect();
            if joined == operands {
                return (operands, apart);
            }
            operands = joined;
        }
    }

    /// With batched arguments everything has the axis; with batched seeds the cotangents.
    fn vjp(&mut self, module: &Module, spec: &VjpSpec, operands: &[Mask]) -> Mask {
        let graph = module.graph(spec.graph);
        let (args, seeds) = operands.split_at(graph.params.len());
        self.call(module, spec.graph, &vjp_params(spec, args));
        let items = graph.result_type().items();
        let value = args.iter().any(Mask::any);
        let cotangents = value || seeds.iter().any(Mask::any);
        let value = items.iter().map(|ty| if value { Mask::full(ty) } else { Mask::None });
        let cotangents = spec.wrt.iter().map(|_| if cotangents { Mask::All } else { Mask::None });
        Mask::items(value.chain(cotangents).collect())
    }

    fn raise(&mut self, ty: &Arc<FnType>, params: &[Mask], result: &Mask) {
        let old = self.functions.get(ty);
        let mut new = old.clone();
        new.0.iter_mut().zip(params).for_each(|(mask, by)| *mask = mask.join(by));
        new.1 = new.1.join(result);
        if new != old {
            self.changed = true;
            self.functions.0.insert(ty.clone(), new);
        }
    }
}

/// The parameters of a graph that is differentiated: if any has the axis, those by which it is
/// differentiated have.
pub(super) fn vjp_params(spec: &VjpSpec, args: &[Mask]) -> Vec<Mask> {
    let mut masks = args.to_vec();
    if args.iter().any(Mask::any) {
        spec.wrt.iter().for_each(|&i| masks[i as usize] = Mask::All);
    }
    masks
}

/// How a primitive of records is applied.
pub(super) fn aligned(prim: &Prim, graph: &Graph, node: &Node, operands: &[Mask]) -> Aligned {
    let BatchRule::Records(rule) = prim.def.batch else { panic!("{prim} is not one of records") };
    let types: Vec<&Type> = node.args.iter().map(|&a: &NodeId| graph.ty(a)).collect();
    rule(prim, &types, operands, &node.ty)
}
