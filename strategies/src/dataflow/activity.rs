//! Which nodes a gradient flows through: those that depend on what it is taken with respect to,
//! and on which a result that has a cotangent depends.
//!
//! *Varied* is solved for forwards, *useful* backwards; a node is active if it is both. Tuples are
//! told apart item by item, and the state of loops is solved for to a fixed point, so that a
//! counter or a record of inactive numbers carries no cotangents.

use adjudicate_ir::graph::{Graph, GraphId, Module, Node, NodeId, Op};
use adjudicate_ir::types::Type;
use rustc_hash::FxHashMap;

/// A truth for each parameter, or for each item of a result (one, if it is no tuple).
pub(super) type Mask = Vec<bool>;

/// One of the two directions, for the nodes of one graph.
#[derive(Debug, Default)]
struct Flow {
    nodes: Vec<bool>,
    /// Of tuples: by item.
    items: FxHashMap<NodeId, Mask>,
    /// Of branches and loops: by operand. The state of loops is that of every trip.
    operands: FxHashMap<NodeId, Mask>,
}

/// Activity of the nodes of one graph.
#[derive(Debug)]
pub(super) struct Activity {
    varied: Flow,
    useful: Flow,
}

impl Activity {
    /// Solves for a graph with cotangents asked for of these parameters and given for these items
    /// of the result.
    pub(super) fn of(module: &Module, graph: &Graph, wrt: &[bool], given: &[bool]) -> Activity {
        Activity { varied: varied(module, graph, wrt), useful: useful(module, graph, given) }
    }

    /// Whether a gradient flows through a node.
    pub(super) fn is_active(&self, id: NodeId) -> bool {
        self.varied.nodes[id.0 as usize] && self.useful.nodes[id.0 as usize]
    }

    /// Which items of the value of a node are active.
    pub(super) fn items(&self, id: NodeId, ty: &Type) -> Mask {
        and(&self.varied.mask(id, ty), &self.useful.mask(id, ty))
    }

    /// Which operands of a branch, its condition aside, are active.
    pub(super) fn branch_operands(&self, id: NodeId, node: &Node) -> Mask {
        let varied: Mask = node.args[1..].iter().map(|&a| self.varied.nodes[a.0 as usize]).collect();
        and(&varied, &self.useful.operands[&id])
    }

    /// Which operands of a loop are active during some trip.
    pub(super) fn loop_operands(&self, id: NodeId) -> Mask {
        and(&self.varied.operands[&id], &self.useful.operands[&id])
    }
}

fn and(a: &[bool], b: &[bool]) -> Mask {
    a.iter().zip(b).map(|(a, b)| *a && *b).collect()
}

fn or(a: &[bool], b: &[bool]) -> Mask {
    a.iter().zip(b).map(|(a, b)| *a || *b).collect()
}

impl Flow {
    fn new(graph: &Graph) -> Flow {
        Flow { nodes: vec![false; graph.nodes.len()], ..Flow::default() }
    }

    /// By item; a node that is marked as one is so in all items that carry sensitivity.
    fn mask(&self, id: NodeId, ty: &Type) -> Mask {
        let whole = self.nodes[id.0 as usize];
        match (self.items.get(&id), ty.as_tuple()) {
            (Some(items), _) => items.clone(),
            (None, Some(types)) => types.iter().map(|ty| whole && ty.is_differentiable()).collect(),
            (None, None) => vec![whole],
        }
    }

    fn mark(&mut self, id: NodeId, ty: &Type) {
        if ty.is_differentiable() {
            self.nodes[id.0 as usize] = true;
            if ty.as_tuple().is_some() {
                self.items.remove(&id);
            }
        }
    }

    /// Adds to the items of a node that are marked.
    fn mark_items(&mut self, id: NodeId, ty: &Type, mask: &[bool]) {
        if !mask.contains(&true) {
            return;
        }
        let Some(types) = ty.as_tuple() else { return self.mark(id, ty) };
        let before = self.mask(id, ty);
        let now = types.iter().zip(or(&before, mask)).map(|(ty, m)| m && ty.is_differentiable());
        let now: Mask = now.collect();
        self.nodes[id.0 as usize] = now.contains(&true);
        self.items.insert(id, now);
    }
}

fn one_of(count: usize, index: u32) -> Mask {
    (0..count).map(|i| i == index as usize).collect()
}

/// Of each branch or loop graph: what of its result depends on these parameters.
fn varied_result(module: &Module, id: GraphId, params: &[bool]) -> Mask {
    let graph = module.graph(id);
    varied(module, graph, params).mask(graph.ret, graph.result_type())
}

fn varied(module: &Module, graph: &Graph, params: &[bool]) -> Flow {
    let mut flow = Flow::new(graph);
    for (id, node) in graph.iter() {
        if let Op::Param(i) = node.op {
            if params[i as usize] {
                flow.mark(id, &node.ty);
            }
            continue;
        }
        if !node.args.iter().any(|&a| flow.nodes[a.0 as usize]) {
            continue;
        }
        let operands = |flow: &Flow| -> Mask { node.args.iter().map(|&a| flow.nodes[a.0 as usize]).collect() };
        match &node.op {
            Op::Prim(prim) if prim.def.vjp.is_some() => flow.mark(id, &node.ty),
            Op::Tuple => {
                let items = operands(&flow);
                flow.mark_items(id, &node.ty, &items);
            }
            Op::Get(i) => {
                let tuple = node.args[0];
                if flow.mask(tuple, graph.ty(tuple))[*i as usize] {
                    flow.mark(id, &node.ty);
                }
            }
            Op::If(then, other) => {
                let params = operands(&flow)[1..].to_vec();
                let result = or(&varied_result(module, *then, &params), &varied_result(module, *other, &params));
                flow.mark_items(id, &node.ty, &result);
            }
            Op::Loop { body, .. } => {
                let operands = varied_loop(module, *body, operands(&flow));
                let states = node.ty.as_tuple().map_or(0, <[Type]>::len);
                flow.mark_items(id, &node.ty, &operands[..states]);
                flow.operands.insert(id, operands);
            }
            // Everything else is no longer there, or has no operands.
            _ => {}
        }
    }
    flow
}

fn varied_loop(module: &Module, body: GraphId, mut operands: Mask) -> Mask {
    loop {
        let result = varied_result(module, body, &operands);
        let joined = join_state(&operands, &result);
        if joined == operands {
            return operands;
        }
        operands = joined;
    }
}

fn join_state(operands: &[bool], state: &[bool]) -> Mask {
    operands.iter().enumerate().map(|(i, &m)| m || state.get(i).is_some_and(|&s| s)).collect()
}

/// Of a branch or loop graph: on which parameters these items of the result depend.
fn useful_params(module: &Module, id: GraphId, result: &[bool]) -> Mask {
    let graph = module.graph(id);
    let flow = useful(module, graph, result);
    graph.params.iter().map(|p| flow.nodes[p.0 as usize]).collect()
}

fn useful(module: &Module, graph: &Graph, result: &[bool]) -> Flow {
    let mut flow = Flow::new(graph);
    flow.mark_items(graph.ret, graph.result_type(), result);
    for (id, node) in graph.iter().rev() {
        if !flow.nodes[id.0 as usize] {
            continue;
        }
        let mask = flow.mask(id, &node.ty);
        let operands: Mask = match &node.op {
            Op::Prim(prim) if prim.def.vjp.is_some() => vec![true; node.args.len()],
            Op::Tuple => mask,
            Op::Get(i) => {
                let ty = graph.ty(node.args[0]);
                let items = one_of(ty.as_tuple().map_or(0, <[Type]>::len), *i);
                flow.mark_items(node.args[0], ty, &items);
                continue;
            }
            Op::If(then, other) => {
                let params = or(&useful_params(module, *then, &mask), &useful_params(module, *other, &mask));
                flow.operands.insert(id, params.clone());
                std::iter::once(false).chain(params).collect()
            }
            Op::Loop { body, .. } => {
                let operands = useful_loop(module, *body, mask, node.args.len());
                flow.operands.insert(id, operands.clone());
                operands
            }
            _ => continue,
        };
        for (&arg, _) in node.args.iter().zip(operands).filter(|(_, m)| *m) {
            flow.mark(arg, graph.ty(arg));
        }
    }
    flow
}

fn useful_loop(module: &Module, body: GraphId, mut state: Mask, operands: usize) -> Mask {
    loop {
        let params = useful_params(module, body, &state);
        let joined = join_state(&state, &params[..state.len()]);
        if joined == state {
            state.extend(&params[state.len()..operands]);
            return state;
        }
        state = joined;
    }
}
