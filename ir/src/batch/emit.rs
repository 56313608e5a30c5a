//! Making batched graphs, one for each graph, masks of its parameters and mask of its result.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use crate::builder::{Builder, Expr};
use crate::graph::{Graph, GraphId, Module, Node, NodeId, Op, VjpSpec};
use crate::passes::live;
use crate::prims::{self, Prim};
use crate::span::Diagnostic;
use crate::types::Type;

use super::solve::{Key, Solver, aligned, vjp_params};
use super::{BatchRule, Lanes, Mask};

pub(super) type Res<T> = Result<T, Box<Diagnostic>>;

pub(super) struct Emitter<'m> {
    pub(super) module: &'m mut Module,
    pub(super) solver: Solver,
    /// How many lanes there are.
    pub(super) count: usize,
    made: FxHashMap<(Key, Mask), GraphId>,
}

/// A graph being batched.
pub(super) struct Walk<'g> {
    pub(super) graph: &'g Graph,
    pub(super) b: RefCell<Builder>,
    masks: Vec<Mask>,
    /// For each live node its batched form.
    map: Vec<Option<NodeId>>,
}

impl<'g> Walk<'g> {
    /// A part of the graph that is to be a graph of its own, with parameters of these types.
    pub(super) fn inner(&self, types: &[Type]) -> Walk<'g> {
        let outer = self.b.borrow();
        let mut b = Builder::new(&self.graph.name, outer.span);
        for ty in types {
            b.param(ty.clone());
        }
        Walk { graph: self.graph, b: RefCell::new(b), masks: Vec::new(), map: Vec::new() }
    }

    pub(super) fn params(&self) -> Vec<NodeId> {
        self.b.borrow().graph().params.clone()
    }

    pub(super) fn at(&self, id: NodeId) -> NodeId {
        self.map[id.0 as usize].expect("operands stand before their users")
    }

    pub(super) fn mask(&self, id: NodeId) -> &Mask {
        &self.masks[id.0 as usize]
    }

    pub(super) fn masks_of(&self, ids: &[NodeId]) -> Vec<Mask> {
        ids.iter().map(|&id| self.mask(id).clone()).collect()
    }

    pub(super) fn nodes(&self, ids: &[NodeId]) -> Vec<NodeId> {
        ids.iter().map(|&id| self.at(id)).collect()
    }

    pub(super) fn expr(&self, id: NodeId) -> Expr<'_> {
        Expr::new(&self.b, id)
    }

    pub(super) fn emit(&self, op: Op, args: &[NodeId], ty: Type) -> NodeId {
        self.b.borrow_mut().emit(op, args, ty)
    }
}

/// Makes the batched form of a graph, for masks of its parameters and of its result.
pub(super) fn emit(
    module: &mut Module,
    solver: Solver,
    (graph, masks, wanted): (GraphId, Vec<Mask>, Mask),
    count: usize,
) -> Res<GraphId> {
    let mut emitter = Emitter { module, solver, count, made: FxHashMap::default() };
    let graph = emitter.instance(graph, masks, wanted)?;
    Ok(graph)
}

/// Stack that one graph within another may need, and how much is added at a time.
const RED_ZONE: usize = 128 << 10;
const STACK: usize = 4 << 20;

impl Emitter<'_> {
    pub(super) fn ty(&self, ty: &Type, mask: &Mask) -> Type {
        self.solver.functions.batched(ty, mask, self.count)
    }

    /// The batched form of a graph.
    pub(super) fn instance(&mut self, id: GraphId, masks: Vec<Mask>, wanted: Mask) -> Res<GraphId> {
        if self.solver.functions.is_empty() && !wanted.any() && !masks.iter().any(Mask::any) {
            return Ok(id);
        }
        let key = ((id, masks), wanted);
        if let Some(&made) = self.made.get(&key) {
            return Ok(made);
        }
        let graph = self.module.graph(id).clone();
        let made = self.module.add(Graph { nodes: graph.nodes[..0].to_vec(), params: Vec::new(), ..graph.clone() });
        self.made.insert(key.clone(), made);
        let ((_, masks), wanted) = key;
        let body = stacker::maybe_grow(RED_ZONE, STACK, || self.body(&graph, &masks, &wanted))?;
        self.module.graphs[made.0 as usize] = body;
        Ok(made)
    }

    fn body(&mut self, graph: &Graph, params: &[Mask], wanted: &Mask) -> Res<Graph> {
        let masks = self.solver.nodes(self.module, graph, params);
        let b = RefCell::new(Builder::new(&graph.name, graph.span));
        let mut w = Walk { graph, b, masks, map: vec![None; graph.nodes.len()] };
        for (&p, mask) in graph.params.iter().zip(params) {
            let ty = self.ty(graph.ty(p), mask);
            w.map[p.0 as usize] = Some(w.b.borrow_mut().param(ty));
        }
        let live = live(graph);
        for (id, node) in graph.iter().filter(|(id, _)| live[id.0 as usize]) {
            if w.map[id.0 as usize].is_none() {
                w.b.borrow_mut().span = node.span;
                w.map[id.0 as usize] = Some(self.node(&w, id, node)?);
            }
        }
        let ret = self.bring(&w, w.at(graph.ret), graph.result_type(), w.mask(graph.ret), wanted)?;
        Ok(w.b.into_inner().finish(ret))
    }

    fn node(&mut self, w: &Walk<'_>, id: NodeId, node: &Node) -> Res<NodeId> {
        let args = w.nodes(&node.args);
        let masks = w.masks_of(&node.args);
        let mask = w.mask(id);
        let ty = self.ty(&node.ty, mask);
        Ok(match &node.op {
            Op::Prim(prim) => self.prim(w, node, prim, &args, &masks)?,
            Op::Tuple => w.b.borrow_mut().tuple(&args),
            Op::Get(i) => w.b.borrow_mut().get(args[0], *i as usize),
            Op::Call(callee) => {
                let callee = self.instance(*callee, masks, mask.clone())?;
                w.emit(Op::Call(callee), &args, ty)
            }
            Op::Closure(code) => {
                let Type::Fn(function) = &node.ty else { panic!("a function value has a function type") };
                let (params, result) = self.solver.functions.get(function);
                let code = self.instance(*code, [masks, params].concat(), result)?;
                w.emit(Op::Closure(code), &args, ty)
            }
            Op::Apply(_) => {
                let Type::Fn(function) = w.graph.ty(node.args[0]) else { panic!("a function value is called") };
                let (params, _) = self.solver.functions.get(function);
                let mut brought = vec![args[0]];
                brought.extend(self.bring_all(w, &node.args[1..], &params)?);
                w.emit(node.op.clone(), &brought, ty)
            }
            Op::If(then, other) if masks[0].any() => self.branch_apart(w, node, (*then, *other))?,
            Op::If(then, other) => {
                let then = self.instance(*then, masks[1..].to_vec(), mask.clone())?;
                let other = self.instance(*other, masks[1..].to_vec(), mask.clone())?;
                w.emit(Op::If(then, other), &args, ty)
            }
            Op::Loop { cond, body } => self.repeat(w, node, (*cond, *body))?,
            Op::Vjp(spec) => self.vjp(w, node, spec, mask)?,
            Op::Const(_) | Op::Zero => w.emit(node.op.clone(), &[], ty),
            Op::Param(_) => panic!("parameters come first"),
            Op::Fused(_) => panic!("operations are fused when everything is batched"),
            Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => panic!("a node of a source graph"),
        })
    }

    fn prim(&mut self, w: &Walk<'_>, node: &Node, prim: &Prim, args: &[NodeId], masks: &[Mask]) -> Res<NodeId> {
        if !masks.iter().any(Mask::any) {
            return Ok(w.emit(node.op.clone(), args, self.ty(&node.ty, &Mask::None)));
        }
        if let BatchRule::Tensors(rule) = prim.def.batch {
            let mask: Vec<bool> = masks.iter().map(Mask::any).collect();
            return Ok(rule(prim, &Lanes::new(&w.b, args, &mask, self.count)).id);
        }
        let aligned = aligned(prim, w.graph, node, masks);
        let args = self.bring_all(w, &node.args, &aligned.operands)?;
        let ty = self.ty(&node.ty, &aligned.result);
        Ok(w.emit(Op::Prim(Prim { def: prim.def, attrs: aligned.attrs }), &args, ty))
    }

    fn repeat(&mut self, w: &Walk<'_>, node: &Node, (cond, body): (GraphId, GraphId)) -> Res<NodeId> {
        let (masks, apart) = self.solver.trips(self.module, (cond, body), w.masks_of(&node.args), &node.ty);
        let args = self.bring_all(w, &node.args, &masks)?;
        if apart {
            return self.loop_apart(w, node, (cond, body), &args, &masks);
        }
        let states = node.ty.as_tuple().map_or(0, <[Type]>::len);
        let state = Mask::items(masks[..states].to_vec());
        let cond = self.instance(cond, masks.clone(), Mask::None)?;
        let body = self.instance(body, masks, state.clone())?;
        let ty = self.ty(&node.ty, &state);
        Ok(w.emit(Op::Loop { cond, body }, &args, ty))
    }

    fn vjp(&mut self, w: &Walk<'_>, node: &Node, spec: &VjpSpec, mask: &Mask) -> Res<NodeId> {
        let graph = self.module.graph(spec.graph);
        let (result, params) = (graph.result_type().clone(), graph.params.len());
        let (args, seeds) = node.args.split_at(params);
        let masks = w.masks_of(args);
        let ty = self.ty(&node.ty, mask);
        if !mask.any() {
            let graph = self.instance(spec.graph, masks, Mask::None)?;
            return Ok(w.emit(Op::Vjp(VjpSpec { graph, ..spec.clone() }), &w.nodes(&node.args), ty));
        }
        let values = result.as_tuple().map_or(1, <[Type]>::len);
        let lifted = self.bring_all(w, seeds, &vec![Mask::All; seeds.len()])?;
        if masks.iter().any(Mask::any) {
            let masks = vjp_params(spec, &masks);
            let mut operands = self.bring_all(w, args, &masks)?;
            let graph = self.instance(spec.graph, masks, Mask::full(&result))?;
            let spec = VjpSpec { graph, ..spec.clone() };
            // Several seeds come before the lanes.
            let exchanged = |id: NodeId| if spec.seeds.is_some() { w.expr(id).moved(1, 0).id } else { id };
            operands.extend(lifted.into_iter().map(exchanged));
            return Ok(self.derivative(w, spec.clone(), &operands, (&ty, values), |d, _| exchanged(d)));
        }
        let graph = self.instance(spec.graph, masks, Mask::None)?;
        let rows = self.count * spec.seeds.unwrap_or(1);
        let rowed = |id: NodeId, axes: usize| {
            let shape = w.expr(id).shape();
            w.expr(id).reshape(&[&[rows], &shape[axes..]].concat()).id
        };
        let axes = 1 + usize::from(spec.seeds.is_some());
        let mut operands = w.nodes(args);
        operands.extend(lifted.into_iter().map(|seed| rowed(seed, axes)));
        let spec = VjpSpec { graph, wrt: spec.wrt.clone(), seeds: Some(rows) };
        Ok(self.derivative(w, spec, &operands, (&ty, values), |d, ty| w.expr(d).reshape(ty.shape()).id))
    }

    /// A derivative whose cotangents are then brought to the types of the items of `ty`, which begin with so many
    /// values.
    fn derivative(
        &self,
        w: &Walk<'_>,
        spec: VjpSpec,
        operands: &[NodeId],
        (ty, values): (&Type, usize),
        bring: impl Fn(NodeId, &Type) -> NodeId,
    ) -> NodeId {
        let wanted = ty.as_tuple().expect("values and cotangents");
        let mut types = wanted[..values].to_vec();
        let params = operands.iter().map(|&o| w.b.borrow().ty(o).clone()).collect::<Vec<_>>();
        types.extend(spec.wrt.iter().map(|&i| spec.cotangent(&params[i as usize])));
        let made = w.emit(Op::Vjp(spec), operands, Type::tuple(types));
        let item = |(i, ty): (usize, &Type)| {
            let item = w.b.borrow_mut().get(made, i);
            if i < values { item } else { bring(item, ty) }
        };
        let items: Vec<NodeId> = wanted.iter().enumerate().map(item).collect();
        w.b.borrow_mut().tuple(&items)
    }

    /// Nodes of the graph with the axis where `to` says.
    pub(super) fn bring_all(&mut self, w: &Walk<'_>, ids: &[NodeId], to: &[Mask]) -> Res<Vec<NodeId>> {
        ids.iter().zip(to).map(|(&id, to)| self.bring(w, w.at(id), w.graph.ty(id), w.mask(id), to)).collect()
    }

    /// A value with the axis where `to` says, repeated where it has none yet.
    fn bring(&mut self, w: &Walk<'_>, id: NodeId, ty: &Type, from: &Mask, to: &Mask) -> Res<NodeId> {
        if from == to {
            return Ok(id);
        }
        let wanted = self.ty(ty, to);
        if w.b.borrow().graph().node(id).op == Op::Zero {
            return Ok(w.b.borrow_mut().zero(wanted));
        }
        match ty {
            Type::Tensor(..) => Ok(w.expr(id).repeated(self.count).id),
            Type::Tuple(items) => {
                let mut brought = Vec::new();
                for (i, ty) in items.iter().enumerate() {
                    let item = w.b.borrow_mut().get(id, i);
                    brought.push(self.bring(w, item, ty, &from.item(i), &to.item(i))?);
                }
                Ok(w.b.borrow_mut().tuple(&brought))
            }
            Type::Stack(_) | Type::Env if !from.any() && *to == Mask::full(ty) => {
                Ok(w.expr(id).apply(&prims::REPLICATE, &[self.count as i64, 0], &[]).id)
            }
            Type::Stack(_) | Type::Env | Type::Fn(_) | Type::Unknown => Err(Self::refused(w, ty)),
        }
    }

    pub(super) fn refused(w: &Walk<'_>, ty: &Type) -> Box<Diagnostic> {
        let message = format!("a value of type {ty} cannot differ from lane to lane here");
        let help = "let functions be chosen before the lanes are, or take the lanes one by one in a loop";
        Box::new(Diagnostic::new(w.b.borrow().span, message).help(help))
    }
}
