//! The transform: from a graph to its forward and backward graphs.
//!
//! For `g : (x…) → y` and a mask of *active* parameters, [`Adjoints::of`] makes
//!
//! ```text
//! ▶g : (x…) → (y, r…)            the value and what the backward pass reads
//! ◀g : (r…, dy) → (dx…)          cotangents of the active parameters
//! ```
//!
//! Residuals `r` are nodes of ▶g that a derivative rule reads; one that is a parameter of g is not
//! returned, since the caller has it. A recursive graph is called through its closed form
//!
//! ```text
//! ▷g : (x…) → (y, ◁)             ◁ a function value: code ◀g, captures r…
//! ```
//!
//! so the chain of backpropagators of a recursion is a chain of records, and no residual has an
//! infinite type. Function values are transformed to function values that return such pairs; the
//! cotangent of one is an `env`. After van Merriënboer et al. (2018), §3, on closed graphs; the
//! residual form instead of a closure where the code is known is an optimisation done at birth.
//!
//! Notation: F is the graph ▶g under construction, B is ◀g; `d` is the cotangent of a node. What
//! no sensitivity reaches has no `d`, and nothing is emitted for it.

use std::cell::RefCell;
use std::collections::HashMap;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, Module, NodeId, Op};
use adjudicate_ir::prims;
use adjudicate_ir::span::Span;
use adjudicate_ir::types::Type;

use super::activity::{self, Activity};
use crate::cotangent::Cotangent;

/// Which parameters of a graph are active.
pub(super) type Mask = Vec<bool>;

/// Where ◀g finds a residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Residual {
    /// It is this parameter of g.
    Param(usize),
    /// It is this item of the result of ▶g.
    Item(usize),
}

/// The two graphs of a graph.
#[derive(Clone, Debug)]
pub(super) struct Adjoint {
    /// ▶g.
    pub(super) forward: GraphId,
    /// ◀g.
    pub(super) backward: GraphId,
    /// The leading parameters of ◀g.
    pub(super) residuals: Vec<Residual>,
    /// Types of the residuals that ▶g returns.
    pub(super) returned: Vec<Type>,
    /// Types of the cotangents that ◀g returns.
    pub(super) cotangents: Vec<Type>,
}

/// Adjoints made so far.
pub(super) struct Adjoints<'m> {
    /// The graphs that are transformed, and those that are made.
    pub(super) module: &'m mut Module,
    recursive: HashMap<GraphId, bool>,
    open: HashMap<(GraphId, Mask), Adjoint>,
    closed: HashMap<(GraphId, Mask), GraphId>,
    adapters: HashMap<GraphId, GraphId>,
}

/// The type of ▶ of a value: function values return pairs.
pub(super) fn primed(ty: &Type) -> Type {
    match ty {
        Type::Fn(f) => {
            let mut cotangents = vec![Type::Env];
            cotangents.extend(f.params.iter().map(Type::cotangent));
            let back = Type::function(vec![f.result.cotangent()], Type::tuple(cotangents));
            let params = f.params.iter().map(primed).collect();
            Type::function(params, Type::tuple([primed(&f.result), back]))
        }
        Type::Tuple(items) => Type::Tuple(items.iter().map(primed).collect()),
        Type::Stack(item) => Type::stack(primed(item)),
        Type::Tensor(..) | Type::Env | Type::Unknown => ty.clone(),
    }
}

/// The graph of a call: code that is known and the part of the operands that it gets.
#[derive(Clone, Debug)]
enum Pull {
    /// Residuals of a known graph at nodes of F, and its adjoint.
    Open(Adjoint, Vec<NodeId>),
    /// A backpropagator at a node of F.
    Closed(NodeId),
    /// The residuals of both branches.
    Branch(Box<[(Adjoint, Vec<NodeId>); 2]>, NodeId),
    /// The residual stacks, the number of trips, the body's adjoint and the loop's operands in F.
    Loop { stacks: Vec<NodeId>, trips: NodeId, body: Adjoint, inputs: Vec<NodeId>, mask: Mask },
}

/// One graph being transformed.
struct Transform<'a> {
    graph: &'a Graph,
    activity: Activity,
    f: Builder,
    fmap: Vec<NodeId>,
    pulls: HashMap<NodeId, Pull>,
    b: RefCell<Builder>,
    imports: Vec<(NodeId, NodeId)>,
    d: Vec<Cotangent>,
}

impl<'m> Adjoints<'m> {
    /// Nothing made yet.
    pub(super) fn new(module: &'m mut Module) -> Self {
        let recursive = adjudicate_ir::passes::recursive(module);
        Self { module, recursive, open: HashMap::new(), closed: HashMap::new(), adapters: HashMap::new() }
    }

    /// The adjoint of a graph for these active parameters.
    pub(super) fn of(&mut self, g: GraphId, mask: &Mask) -> Adjoint {
        let key = (g, mask.clone());
        if let Some(done) = self.open.get(&key) {
            return done.clone();
        }
        let adjoint = self.transform(g, mask);
        self.open.insert(key, adjoint.clone());
        adjoint
    }

    /// ▷g: value and backpropagator.
    fn closed(&mut self, g: GraphId, mask: &Mask) -> GraphId {
        let key = (g, mask.clone());
        if let Some(&done) = self.closed.get(&key) {
            return done;
        }
        let graph = self.module.graph(g);
        let (name, span) = (format!("{}'", graph.name), graph.span);
        let params: Vec<Type> = graph.param_types().iter().map(primed).collect();
        let (pair, back) = self.pair_type(g, mask);
        let id = self.module.add(placeholder(&name, span));
        self.closed.insert(key, id);
        let adjoint = self.of(g, mask);
        let mut b = Builder::new(&name, span);
        let args: Vec<NodeId> = params.into_iter().map(|ty| b.param(ty)).collect();
        let called = call_forward(self.module, &mut b, &adjoint, &args);
        let value = b.get(called, 0);
        let residuals = residual_nodes(&mut b, &adjoint, &args, called);
        let back = b.emit(Op::Closure(adjoint.backward), &residuals, back);
        let ret = b.emit(Op::Tuple, &[value, back], pair);
        self.module.graphs[id.0 as usize] = b.finish(ret);
        id
    }

    /// The types of what ▷g returns and of its backpropagator.
    fn pair_type(&self, g: GraphId, mask: &Mask) -> (Type, Type) {
        let graph = self.module.graph(g);
        let cotangents: Vec<Type> = active_types(graph, mask);
        let back = Type::function(vec![graph.result_type().cotangent()], Type::tuple(cotangents));
        (Type::tuple([primed(graph.result_type()), back.clone()]), back)
    }

    /// The code of ▶ of a function value made of `g`: from captures and arguments to the value and a
    /// backpropagator that returns an env for the captures, then a cotangent for each argument.
    pub(super) fn adapter(&mut self, g: GraphId, captures: usize) -> GraphId {
        if let Some(&done) = self.adapters.get(&g) {
            return done;
        }
        let graph = self.module.graph(g);
        let (name, span) = (format!("{}'", graph.name), graph.span);
        let types = graph.param_types();
        let result = graph.result_type().clone();
        let mask: Mask = types.iter().map(Type::is_differentiable).collect();
        let id = self.module.add(placeholder(&name, span));
        self.adapters.insert(g, id);
        let (_, inner) = self.pair_type(g, &mask);
        let closed = self.closed(g, &mask);
        let (back, back_type) = self.adapter_back(&name, span, (&types, captures), &mask, inner.clone(), &result);
        let mut b = Builder::new(&name, span);
        let args: Vec<NodeId> = types.iter().map(|ty| b.param(primed(ty))).collect();
        let pair = b.emit(Op::Call(closed), &args, Type::tuple([primed(&result), inner]));
        let (value, pulled) = (b.get(pair, 0), b.get(pair, 1));
        let back = b.emit(Op::Closure(back), &[pulled], back_type);
        let ret = b.tuple(&[value, back]);
        self.module.graphs[id.0 as usize] = b.finish(ret);
        id
    }

    fn adapter_back(
        &mut self,
        name: &str,
        span: Span,
        (types, captures): (&[Type], usize),
        mask: &Mask,
        inner: Type,
        result: &Type,
    ) -> (GraphId, Type) {
        let active: Vec<Type> = types.iter().zip(mask).filter(|(_, m)| **m).map(|(t, _)| t.cotangent()).collect();
        let mut b = Builder::new(name, span);
        let pulled = b.param(inner);
        let d = b.param(result.cotangent());
        let all = b.emit(Op::Apply(Default::default()), &[pulled, d], Type::tuple(active));
        let mut at = 0;
        let mut items = Vec::new();
        for (ty, active) in types.iter().zip(mask) {
            items.push(if *active { b.get(all, at) } else { b.zero(ty.cotangent()) });
            at += usize::from(*active);
        }
        let env = b.prim(&prims::ENV_MAKE, &[], &items[..captures]);
        let ret: Vec<NodeId> = std::iter::once(env).chain(items[captures..].iter().copied()).collect();
        let ret = b.tuple(&ret);
        let ty = Type::function(vec![result.cotangent()], b.ty(ret).clone());
        (self.module.add(b.finish(ret)), ty)
    }

    fn transform(&mut self, g: GraphId, mask: &Mask) -> Adjoint {
        let graph = self.module.graph(g).clone();
        let activity = activity::of(self.module, &graph, mask);
        let name = &graph.name;
        let mut t = Transform {
            graph: &graph,
            activity,
            f: Builder::new(&format!("{name}'"), graph.span),
            fmap: Vec::new(),
            pulls: HashMap::new(),
            b: RefCell::new(Builder::new(&format!("d{name}"), graph.span)),
            imports: Vec::new(),
            d: vec![Cotangent::Zero; graph.nodes.len()],
        };
        self.forward(&mut t);
        self.backward(&mut t);
        self.assemble(t, mask)
    }

    fn forward(&mut self, t: &mut Transform<'_>) {
        let params: Vec<NodeId> = t.graph.params.iter().map(|&p| t.f.param(primed(t.graph.ty(p)))).collect();
        for (id, node) in t.graph.iter() {
            t.f.span = node.span;
            let made = match &node.op {
                Op::Param(i) => params[*i as usize],
                op => {
                    let args: Vec<NodeId> = node.args.iter().map(|a| t.fmap[a.0 as usize]).collect();
                    self.forward_node(t, id, op, &args)
                }
            };
            t.fmap.push(made);
        }
    }

    fn forward_node(&mut self, t: &mut Transform<'_>, id: NodeId, op: &Op, args: &[NodeId]) -> NodeId {
        let ty = t.graph.ty(id);
        let operands = &t.graph.node(id).args;
        match op {
            Op::Prim(p) => match t.f.try_prim(p.def, &p.attrs, args) {
                Ok(made) => made,
                Err(_) => t.f.emit(op.clone(), args, primed(ty)),
            },
            Op::Tuple => t.f.tuple(args),
            Op::Get(i) => t.f.get(args[0], *i as usize),
            Op::Closure(g) => {
                let code = self.adapter(*g, args.len());
                t.f.emit(Op::Closure(code), args, primed(ty))
            }
            Op::Apply(_) => {
                let Type::Fn(f) = t.f.ty(args[0]).clone() else { panic!("a function value is called") };
                let pair = t.f.emit(op.clone(), args, f.result.clone());
                let back = t.f.get(pair, 1);
                t.pulls.insert(id, Pull::Closed(back));
                t.f.get(pair, 0)
            }
            Op::Call(g) if t.is_transformed(id) => {
                let mask: Mask = operands.iter().map(|&a| t.activity.is_active(a)).collect();
                if self.recursive[g] {
                    let (pair, _) = self.pair_type(*g, &mask);
                    let closed = self.closed(*g, &mask);
                    let pair = t.f.emit(Op::Call(closed), args, pair);
                    let back = t.f.get(pair, 1);
                    t.pulls.insert(id, Pull::Closed(back));
                    return t.f.get(pair, 0);
                }
                let adjoint = self.of(*g, &mask);
                let called = call_forward(self.module, &mut t.f, &adjoint, args);
                let residuals = residual_nodes(&mut t.f, &adjoint, args, called);
                t.pulls.insert(id, Pull::Open(adjoint, residuals));
                t.f.get(called, 0)
            }
            Op::If(then, other) if t.is_transformed(id) => {
                let mask: Mask = operands[1..].iter().map(|&a| t.activity.is_active(a)).collect();
                self.forward_if(t, id, (*then, *other), args, &mask)
            }
            Op::Loop { cond, body } if t.is_transformed(id) => self.forward_loop(t, id, (*cond, *body), args),
            Op::Vjp(_) => panic!("derivatives are expanded innermost first"),
            Op::Fused(_) => panic!("derivatives are expanded before nodes are fused"),
            _ => t.f.emit(op.clone(), args, primed(ty)),
        }
    }

    /// Both branches return the value, then the residuals of both; those of the other are zero.
    fn forward_if(
        &mut self,
        t: &mut Transform<'_>,
        id: NodeId,
        (then, other): (GraphId, GraphId),
        args: &[NodeId],
        mask: &Mask,
    ) -> NodeId {
        let adjoints = [self.of(then, mask), self.of(other, mask)];
        let value = primed(t.graph.ty(id));
        let returned: Vec<Type> = adjoints.iter().flat_map(|a| a.returned.clone()).collect();
        let first = adjoints[0].returned.len();
        let branch = |cx: &mut Self, which: usize| {
            let adjoint = &adjoints[which];
            let mut b = Builder::new(&cx.module.graph(adjoint.forward).name.clone(), t.graph.node(id).span);
            let params: Vec<NodeId> = args[1..].iter().map(|&a| b.param(t.f.ty(a).clone())).collect();
            let called = call_forward(cx.module, &mut b, adjoint, &params);
            let mut items = vec![b.get(called, 0)];
            for (k, ty) in returned.iter().enumerate() {
                let own = if which == 0 { k < first } else { k >= first };
                let at = if which == 0 { k + 1 } else { k + 1 - first.min(k) };
                items.push(if own { b.get(called, at) } else { b.zero(ty.clone()) });
            }
            let ret = b.tuple(&items);
            cx.module.add(b.finish(ret))
        };
        let (then, other) = (branch(self, 0), branch(self, 1));
        let mut types = vec![value];
        types.extend(returned);
        let made = t.f.emit(Op::If(then, other), args, Type::tuple(types));
        let mut from = 1;
        let pulls = adjoints.map(|adjoint| {
            let items: Vec<NodeId> = (0..adjoint.returned.len()).map(|k| t.f.get(made, from + k)).collect();
            from += items.len();
            let residuals = adjoint.residuals.iter().map(|r| match *r {
                Residual::Param(i) => args[i + 1],
                Residual::Item(k) => items[k],
            });
            let residuals = residuals.collect();
            (adjoint, residuals)
        });
        t.pulls.insert(id, Pull::Branch(Box::new(pulls), args[0]));
        t.f.get(made, 0)
    }

    /// The loop with a stack for each thing that its trips leave, and a count of trips.
    fn forward_loop(
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
        let stacks = self.stacks(&adjoint, states, args, &t.f);
        let types: Vec<Type> = args.iter().map(|&a| t.f.ty(a).clone()).collect();
        let cond = self.loop_cond(cond, &types, states, &stacks, node.span);
        let body = self.loop_body(&adjoint, &types, states, &stacks, node.span);
        let none = t.f.constant(adjudicate_ir::graph::Const::I64(0));
        let mut operands = args[..states].to_vec();
        operands.extend(stacks.iter().map(|ty| t.f.zero(ty.clone())));
        operands.push(none);
        operands.extend(&args[states..]);
        let mut result = types[..states].to_vec();
        result.extend(stacks.iter().cloned());
        result.push(Type::i64());
        let made = t.f.emit(Op::Loop { cond, body }, &operands, Type::tuple(result));
        let trips = t.f.get(made, states + stacks.len());
        let stacks = (0..stacks.len()).map(|k| t.f.get(made, states + k)).collect();
        let pull = Pull::Loop { stacks, trips, body: adjoint, inputs: args.to_vec(), mask };
        t.pulls.insert(id, pull);
        let state: Vec<NodeId> = (0..states).map(|i| t.f.get(made, i)).collect();
        t.f.tuple(&state)
    }

    /// Types of the stacks of the residuals that change from trip to trip: all but invariants.
    fn stacks(&self, adjoint: &Adjoint, states: usize, args: &[NodeId], f: &Builder) -> Vec<Type> {
        let changing = adjoint.residuals.iter().filter_map(|r| match *r {
            Residual::Param(i) if i < states => Some(f.ty(args[i]).clone()),
            Residual::Param(_) => None,
            Residual::Item(k) => Some(adjoint.returned[k].clone()),
        });
        changing.map(Type::stack).collect()
    }

    fn loop_cond(&mut self, cond: GraphId, types: &[Type], states: usize, stacks: &[Type], span: Span) -> GraphId {
        let plain = self.module.graph(cond).param_types() == types;
        let adjoint = (!plain).then(|| self.of(cond, &vec![false; types.len()]));
        let mut b = Builder::new("again", span);
        let params = loop_params(&mut b, types, states, stacks);
        let trips = states + stacks.len();
        let own: Vec<NodeId> = params[..states].iter().chain(&params[trips + 1..]).copied().collect();
        let again = match adjoint {
            None => b.emit(Op::Call(cond), &own, Type::bool()),
            Some(adjoint) => {
                let called = call_forward(self.module, &mut b, &adjoint, &own);
                b.get(called, 0)
            }
        };
        self.module.add(b.finish(again))
    }

    fn loop_body(&mut self, adjoint: &Adjoint, types: &[Type], states: usize, stacks: &[Type], span: Span) -> GraphId {
        let mut b = Builder::new("trip'", span);
        let params = loop_params(&mut b, types, states, stacks);
        let trips = states + stacks.len();
        let own: Vec<NodeId> = params[..states].iter().chain(&params[trips + 1..]).copied().collect();
        let called = call_forward(self.module, &mut b, adjoint, &own);
        let next = b.get(called, 0);
        let mut items: Vec<NodeId> = (0..states).map(|i| b.get(next, i)).collect();
        let mut record = Vec::new();
        for residual in &adjoint.residuals {
            match *residual {
                Residual::Param(i) if i < states => record.push(own[i]),
                Residual::Param(_) => {}
                Residual::Item(k) => record.push(b.get(called, k + 1)),
            }
        }
        for (residual, &stack) in record.into_iter().zip(&params[states..]) {
            items.push(b.prim(&prims::PUSH, &[], &[stack, residual]));
        }
        let one = b.constant(adjudicate_ir::graph::Const::I64(1));
        items.push(b.prim(&prims::ADD, &[], &[params[trips], one]));
        let ret = b.tuple(&items);
        self.module.add(b.finish(ret))
    }

    fn backward(&mut self, t: &mut Transform<'_>) {
        let seed = {
            let mut b = t.b.borrow_mut();
            b.param(t.graph.result_type().cotangent())
        };
        if t.activity.is_active(t.graph.ret) {
            t.d[t.graph.ret.0 as usize] = Cotangent::Whole(seed);
        }
        for (id, node) in t.graph.iter().rev() {
            let d = std::mem::replace(&mut t.d[id.0 as usize], Cotangent::Zero);
            if matches!(node.op, Op::Param(_)) {
                t.d[id.0 as usize] = d;
                continue;
            }
            if d.is_zero() || !t.activity.is_active(id) {
                continue;
            }
            t.b.borrow_mut().span = node.span;
            self.backward_node(t, id, d);
        }
    }

    fn backward_node(&mut self, t: &mut Transform<'_>, id: NodeId, d: Cotangent) {
        let node = t.graph.node(id);
        match &node.op {
            Op::Prim(p) => {
                let dy = t.whole(&d, &node.ty);
                let args: Vec<NodeId> = node.args.iter().map(|&a| t.import_node(a)).collect();
                let out = t.import_node(id);
                let pulled = p.def.pull(&t.b, &p.attrs, &args, out, dy);
                for (&a, da) in node.args.iter().zip(pulled) {
                    if let Some(da) = da {
                        t.contribute(a, Cotangent::Whole(da));
                    }
                }
            }
            Op::Tuple => {
                for (i, &a) in node.args.iter().enumerate() {
                    let item = d.item(&mut t.b.borrow_mut(), i);
                    t.contribute(a, item);
                }
            }
            Op::Get(i) => {
                let count = t.graph.ty(node.args[0]).as_tuple().map_or(0, <[Type]>::len);
                t.contribute(node.args[0], Cotangent::inject(count, *i as usize, d));
            }
            Op::Closure(_) => {
                let env = t.whole(&d, &Type::Env);
                for (i, &a) in node.args.iter().enumerate() {
                    let ty = t.graph.ty(a).cotangent();
                    if t.activity.is_active(a) {
                        let op =
                            Op::Prim(prims::Prim { def: &prims::ENV_GET, attrs: [i as i64].into_iter().collect() });
                        let da = t.b.borrow_mut().emit(op, &[env], ty);
                        t.contribute(a, Cotangent::Whole(da));
                    }
                }
            }
            Op::Apply(_) => {
                let dy = t.whole(&d, &node.ty);
                let Some(Pull::Closed(back)) = t.pulls.get(&id).cloned() else { panic!("a call has a pullback") };
                let back = t.import(back);
                let all = t.apply(back, dy);
                for (i, &a) in node.args.iter().enumerate() {
                    let da = t.b.borrow_mut().get(all, i);
                    t.contribute(a, Cotangent::Whole(da));
                }
            }
            Op::Call(_) => {
                let operands = node.args.to_vec();
                let dy = t.whole(&d, &node.ty);
                let all = match t.pulls.get(&id).cloned() {
                    Some(Pull::Closed(back)) => {
                        let back = t.import(back);
                        t.apply(back, dy)
                    }
                    Some(Pull::Open(adjoint, residuals)) => self.call_backward(t, &adjoint, &residuals, dy),
                    other => panic!("a call has a pullback, not {other:?}"),
                };
                t.distribute(&operands, all);
            }
            Op::If(..) => {
                let operands = node.args[1..].to_vec();
                let dy = t.whole(&d, &node.ty);
                let Some(Pull::Branch(pulls, cond)) = t.pulls.get(&id).cloned() else {
                    panic!("a branch has a pullback")
                };
                let all = self.backward_if(t, &pulls, cond, dy);
                t.distribute(&operands, all);
            }
            Op::Loop { .. } => self.backward_loop(t, id, &d),
            Op::Param(_) | Op::Const(_) | Op::Zero => {}
            Op::Vjp(_) | Op::Fused(_) | Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => {
                panic!("{:?} does not occur here", node.op)
            }
        }
    }

    fn call_backward(&self, t: &mut Transform<'_>, adjoint: &Adjoint, residuals: &[NodeId], dy: NodeId) -> NodeId {
        let mut args: Vec<NodeId> = residuals.iter().map(|&r| t.import(r)).collect();
        args.push(dy);
        let ty = Type::tuple(adjoint.cotangents.clone());
        t.b.borrow_mut().emit(Op::Call(adjoint.backward), &args, ty)
    }

    /// The backward graph of the branch that was taken.
    fn backward_if(
        &mut self,
        t: &mut Transform<'_>,
        pulls: &[(Adjoint, Vec<NodeId>); 2],
        cond: NodeId,
        dy: NodeId,
    ) -> NodeId {
        let mut operands = vec![t.import(cond)];
        for (_, residuals) in pulls {
            operands.extend(residuals.iter().map(|&r| t.import(r)).collect::<Vec<_>>());
        }
        operands.push(dy);
        let types: Vec<Type> = operands[1..].iter().map(|&a| t.b.borrow().ty(a).clone()).collect();
        let first = pulls[0].1.len();
        let result = Type::tuple(pulls[0].0.cotangents.clone());
        let span = t.b.borrow().span;
        let branch = |cx: &mut Self, which: usize| {
            let adjoint = &pulls[which].0;
            let mut b = Builder::new(&cx.module.graph(adjoint.backward).name.clone(), span);
            let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
            let own = if which == 0 { &params[..first] } else { &params[first..params.len() - 1] };
            let args: Vec<NodeId> = own.iter().chain(params.last()).copied().collect();
            let ret = b.emit(Op::Call(adjoint.backward), &args, result.clone());
            cx.module.add(b.finish(ret))
        };
        let (then, other) = (branch(self, 0), branch(self, 1));
        t.b.borrow_mut().emit(Op::If(then, other), &operands, result)
    }

    /// The loop that takes the residuals off their stacks, last trip first.
    fn backward_loop(&mut self, t: &mut Transform<'_>, id: NodeId, d: &Cotangent) {
        let node = t.graph.node(id);
        let state_types = node.ty.as_tuple().expect("the state is a tuple").to_vec();
        let states = state_types.len();
        let Some(Pull::Loop { stacks, trips, body, inputs, mask }) = t.pulls.get(&id).cloned() else {
            panic!("a loop has a pullback")
        };
        let active: Vec<usize> = (0..mask.len()).filter(|&i| mask[i]).collect();
        let invariants: Vec<NodeId> = body
            .residuals
            .iter()
            .filter_map(|r| match *r {
                Residual::Param(i) if i >= states => Some(inputs[i]),
                _ => None,
            })
            .collect();
        let mut operands = Vec::new();
        for &i in &active {
            let ty = body.cotangents[operands.len()].clone();
            let start = if i < states { d.item(&mut t.b.borrow_mut(), i) } else { Cotangent::Zero };
            operands.push(start.materialise(&mut t.b.borrow_mut(), &ty));
        }
        operands.extend(stacks.iter().map(|&stack| t.import(stack)).collect::<Vec<_>>());
        operands.push(t.import(trips));
        operands.extend(invariants.iter().map(|&v| t.import(v)).collect::<Vec<_>>());
        let types: Vec<Type> = operands.iter().map(|&a| t.b.borrow().ty(a).clone()).collect();
        let (cond, step) = self.reverse_graphs(&body, &types, (&active, stacks.len()), &state_types, node.span);
        let result = Type::tuple(types[..active.len() + stacks.len() + 1].to_vec());
        let made = t.b.borrow_mut().emit(Op::Loop { cond, body: step }, &operands, result);
        for (k, &i) in active.iter().enumerate() {
            let di = t.b.borrow_mut().get(made, k);
            t.contribute(node.args[i], Cotangent::Whole(di));
        }
    }

    /// Condition and body of a reverse loop over (cotangents of active operands, stacks, trips).
    fn reverse_graphs(
        &mut self,
        body: &Adjoint,
        types: &[Type],
        (active, stacks): (&[usize], usize),
        state_types: &[Type],
        span: Span,
    ) -> (GraphId, GraphId) {
        use adjudicate_ir::graph::Const::I64;
        let count = active.len();
        let trips = count + stacks;
        let mut b = Builder::new("left", span);
        let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
        let zero = b.constant(I64(0));
        let left = b.prim(&prims::GT, &[], &[params[trips], zero]);
        let cond = self.module.add(b.finish(left));

        let mut b = Builder::new("dtrip", span);
        let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
        let popped: Vec<NodeId> =
            params[count..trips].iter().map(|&stack| b.prim(&prims::POP, &[], &[stack])).collect();
        let mut from_stacks = popped.iter();
        let mut from_invariants = trips + 1;
        let mut args = Vec::new();
        for residual in &body.residuals {
            match *residual {
                Residual::Param(i) if i >= state_types.len() => {
                    args.push(params[from_invariants]);
                    from_invariants += 1;
                }
                Residual::Param(_) | Residual::Item(_) => {
                    args.push(b.get(*from_stacks.next().expect("a stack"), 1));
                }
            }
        }
        let mut dy = Vec::new();
        for (i, ty) in state_types.iter().enumerate() {
            dy.push(match active.iter().position(|&a| a == i) {
                Some(k) => params[k],
                None => b.zero(ty.cotangent()),
            });
        }
        args.push(b.tuple(&dy));
        let all = b.emit(Op::Call(body.backward), &args, Type::tuple(body.cotangents.clone()));
        let mut next = Vec::new();
        for (k, &i) in active.iter().enumerate() {
            let item = b.get(all, k);
            next.push(if i < state_types.len() { item } else { b.accumulate(params[k], item) });
        }
        let one = b.constant(I64(1));
        next.extend(popped.iter().map(|&p| b.get(p, 0)).collect::<Vec<_>>());
        next.push(b.prim(&prims::SUB, &[], &[params[trips], one]));
        let ret = b.tuple(&next);
        (cond, self.module.add(b.finish(ret)))
    }

    /// Ends both graphs: ◀ takes the imports it really uses, ▶ returns them.
    fn assemble(&mut self, mut t: Transform<'_>, mask: &Mask) -> Adjoint {
        let mut items = Vec::new();
        for (i, &p) in t.graph.params.iter().enumerate() {
            if mask[i] {
                let ty = t.graph.ty(p).cotangent();
                let d = std::mem::replace(&mut t.d[p.0 as usize], Cotangent::Zero);
                items.push(d.materialise(&mut t.b.borrow_mut(), &ty));
            }
        }
        let cotangents = active_types(t.graph, mask);
        let mut builder = t.b.into_inner();
        let ret = builder.tuple(&items);
        let mut back = builder.finish(ret);
        let used = adjudicate_ir::passes::live(&back);
        let seed = back.params[0];
        let mut params = Vec::new();
        let mut residuals = Vec::new();
        let mut returned = Vec::new();
        let value = t.fmap[t.graph.ret.0 as usize];
        let mut out = vec![value];
        for (source, import) in t.imports {
            if !used[import.0 as usize] {
                back.nodes[import.0 as usize].op = Op::Zero;
                continue;
            }
            params.push(import);
            residuals.push(match t.f.graph().node(source).op {
                Op::Param(i) => Residual::Param(i as usize),
                _ => {
                    out.push(source);
                    returned.push(t.f.ty(source).clone());
                    Residual::Item(returned.len() - 1)
                }
            });
        }
        params.push(seed);
        for (i, p) in params.iter().enumerate() {
            back.nodes[p.0 as usize].op = Op::Param(i as u32);
        }
        back.params = params;
        let ret = t.f.tuple(&out);
        let forward = self.module.add(t.f.finish(ret));
        let backward = self.module.add(back);
        Adjoint { forward, backward, residuals, returned, cotangents }
    }
}

impl Transform<'_> {
    /// A node of F inside B: a constant again, another shape of a residual, everything else as a residual.
    fn import(&mut self, source: NodeId) -> NodeId {
        if let Some((_, import)) = self.imports.iter().find(|(s, _)| *s == source) {
            return *import;
        }
        let node = self.f.graph().node(source);
        let mut b = self.b.borrow_mut();
        if matches!(node.op, Op::Const(_) | Op::Zero) {
            return b.emit(node.op.clone(), &[], node.ty.clone());
        }
        if let Some(base) = self.reshaped(source) {
            let (op, ty) = (node.op.clone(), node.ty.clone());
            drop(b);
            let base = self.import(base);
            return self.b.borrow_mut().emit(op, &[base], ty);
        }
        // The index is given when the graph is assembled.
        let import = b.emit(Op::Param(0), &[], node.ty.clone());
        self.imports.push((source, import));
        import
    }

    /// The node of F that this one is another shape of, which costs less than to keep both.
    fn reshaped(&self, source: NodeId) -> Option<NodeId> {
        let operand = |id: NodeId| match &self.f.graph().node(id).op {
            Op::Prim(prim) if std::ptr::eq(prim.def, &prims::RESHAPE) => Some(self.f.graph().node(id).args[0]),
            _ => None,
        };
        std::iter::successors(operand(source), |&id| operand(id)).last()
    }

    /// Whether a call, branch or loop must be of transformed graphs: sensitivity flows through it,
    /// or function values do.
    fn is_transformed(&self, id: NodeId) -> bool {
        let takes_function = |&a: &NodeId| activity::holds_function(self.graph.ty(a));
        self.activity.is_active(id) || self.graph.node(id).args.iter().any(takes_function)
    }

    fn import_node(&mut self, id: NodeId) -> NodeId {
        self.import(self.fmap[id.0 as usize])
    }

    fn whole(&self, d: &Cotangent, ty: &Type) -> NodeId {
        d.materialise(&mut self.b.borrow_mut(), &ty.cotangent())
    }

    fn apply(&self, function: NodeId, dy: NodeId) -> NodeId {
        let mut b = self.b.borrow_mut();
        let Type::Fn(ty) = b.ty(function).clone() else { panic!("a backpropagator is a function") };
        b.emit(Op::Apply(Default::default()), &[function, dy], ty.result.clone())
    }

    fn contribute(&mut self, to: NodeId, d: Cotangent) {
        if !self.activity.is_active(to) || d.is_zero() {
            return;
        }
        let old = std::mem::replace(&mut self.d[to.0 as usize], Cotangent::Zero);
        self.d[to.0 as usize] = old.plus(d, &mut self.b.borrow_mut());
    }

    /// Contributions to the active ones of some operands, from the tuple of their cotangents.
    fn distribute(&mut self, operands: &[NodeId], all: NodeId) {
        let active: Vec<NodeId> = operands.iter().copied().filter(|&a| self.activity.is_active(a)).collect();
        for (k, a) in active.into_iter().enumerate() {
            let da = self.b.borrow_mut().get(all, k);
            self.contribute(a, Cotangent::Whole(da));
        }
    }
}

/// The call of ▶g: the value, then the residuals.
pub(super) fn call_forward(module: &Module, b: &mut Builder, adjoint: &Adjoint, args: &[NodeId]) -> NodeId {
    let ty = module.graph(adjoint.forward).result_type().clone();
    b.emit(Op::Call(adjoint.forward), args, ty)
}

/// What ◀g takes before `dy`, from the arguments of ▶g and its result.
pub(super) fn residual_nodes(b: &mut Builder, adjoint: &Adjoint, args: &[NodeId], called: NodeId) -> Vec<NodeId> {
    let place = |r: &Residual| match *r {
        Residual::Param(i) => args[i],
        Residual::Item(k) => b.get(called, k + 1),
    };
    adjoint.residuals.iter().map(place).collect()
}

/// Parameters for state, stacks, trips and invariants.
fn loop_params(b: &mut Builder, types: &[Type], states: usize, stacks: &[Type]) -> Vec<NodeId> {
    let trips = Type::i64();
    let all = types[..states].iter().chain(stacks).chain([&trips]).chain(&types[states..]);
    all.map(|ty| b.param(ty.clone())).collect()
}

fn active_types(graph: &Graph, mask: &Mask) -> Vec<Type> {
    let types = graph.param_types();
    types.iter().zip(mask).filter(|(_, m)| **m).map(|(ty, _)| ty.cotangent()).collect()
}

/// A graph whose id is needed before its body is known.
fn placeholder(name: &str, span: Span) -> Graph {
    let mut b = Builder::new(name, span);
    let unit = b.tuple(&[]);
    b.finish(unit)
}
