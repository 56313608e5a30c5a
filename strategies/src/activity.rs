//! Which nodes depend on the active parameters in a way that sensitivity can flow.
//!
//! A node is active if its type carries sensitivity and an operand is active through an operation
//! that has a derivative. Function values are always active: their code may be anything. Of loops
//! the state is solved for to a fixed point, so that a counter or a record of inactive numbers
//! does not make the backward loop carry cotangents nobody asked for.

use adjudicate_ir::graph::{Graph, Module, NodeId, Op};
use adjudicate_ir::types::Type;
use rustc_hash::FxHashMap;

/// Activity of the nodes of one graph.
#[derive(Debug)]
pub(crate) struct Activity {
    active: Vec<bool>,
    /// Of nodes that are tuples: which items are active, where that is known better.
    items: FxHashMap<NodeId, Vec<bool>>,
    loops: FxHashMap<NodeId, Vec<bool>>,
}

impl Activity {
    /// Whether sensitivity flows through a node.
    pub(crate) fn is_active(&self, id: NodeId) -> bool {
        self.active[id.0 as usize]
    }

    /// Which operands of a loop are active while it runs.
    pub(crate) fn loop_mask(&self, id: NodeId) -> &Vec<bool> {
        &self.loops[&id]
    }

    /// Which items of the return node are active.
    fn result_items(&self, graph: &Graph) -> Vec<bool> {
        let ret = graph.ret;
        let types = graph.ty(ret).as_tuple().unwrap_or(&[]);
        match self.items.get(&ret) {
            Some(items) => items.clone(),
            None => types.iter().map(|ty| self.is_active(ret) && ty.is_differentiable()).collect(),
        }
    }
}

/// Solves for a graph with these active parameters.
pub(crate) fn of(module: &Module, graph: &Graph, mask: &[bool]) -> Activity {
    let mut a =
        Activity { active: vec![false; graph.nodes.len()], items: FxHashMap::default(), loops: FxHashMap::default() };
    for (id, node) in graph.iter() {
        let any = node.args.iter().any(|&x| a.is_active(x));
        let active = match &node.op {
            Op::Param(i) => mask[*i as usize],
            Op::Const(_) | Op::Zero => false,
            Op::Prim(p) => any && p.def.vjp.is_some(),
            Op::Tuple => {
                a.items.insert(id, node.args.iter().map(|&x| a.is_active(x)).collect());
                any
            }
            Op::Get(i) => match a.items.get(&node.args[0]) {
                Some(items) => items[*i as usize],
                None => any,
            },
            Op::Closure(_) => true,
            Op::Apply(_) | Op::Call(_) | Op::Vjp(_) => any,
            Op::If(..) => node.args[1..].iter().any(|&x| a.is_active(x)),
            Op::Loop { body, .. } => {
                let start: Vec<bool> = node.args.iter().map(|&x| a.is_active(x)).collect();
                let mask = loop_fixpoint(module, module.graph(*body), start, &node.ty);
                let states = node.ty.as_tuple().map_or(0, <[Type]>::len);
                a.items.insert(id, mask[..states].to_vec());
                a.loops.insert(id, mask.clone());
                mask[..states].contains(&true)
            }
            Op::Fused(_) | Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => false,
        };
        a.active[id.0 as usize] = (active && node.ty.is_differentiable()) || holds_function(&node.ty);
    }
    a
}

/// Whether a value of this type holds a function value, which the transform changes.
pub(crate) fn holds_function(ty: &Type) -> bool {
    match ty {
        Type::Fn(_) => true,
        Type::Tuple(items) => items.iter().any(holds_function),
        Type::Stack(item) => holds_function(item),
        Type::Tensor(..) | Type::Env | Type::Unknown => false,
    }
}

fn loop_fixpoint(module: &Module, body: &Graph, start: Vec<bool>, state: &Type) -> Vec<bool> {
    let states = state.as_tuple().map_or(0, <[Type]>::len);
    let mut mask = start;
    loop {
        let next = of(module, body, &mask).result_items(body);
        let joined: Vec<bool> = mask.iter().enumerate().map(|(i, &m)| m || (i < states && next[i])).collect();
        if joined == mask {
            return mask;
        }
        mask = joined;
    }
}
