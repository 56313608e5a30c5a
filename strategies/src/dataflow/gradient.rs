//! Gradients as more nodes: a walk in reverse over the nodes of a flat function.
//!
//! A derivative in a graph is replaced by the nodes of the function that is differentiated and, after
//! them, by those of the walk, which read the forward nodes directly. Branches and loops on the way
//! return what their reverse reads ([`super::cond`], [`super::repeat`]). Derivatives are expanded
//! innermost first.
//!
//! `d` is the cotangent of a node: the sum of what its users contributed. What no sensitivity
//! reaches has none, and nothing is emitted for it.

use std::cell::RefCell;
use std::rc::Rc;

use adjudicate_ir::batch::{Mask as Axis, batch};
use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Args, Graph, GraphId, Module, Node, NodeId, Op, VjpSpec};
use adjudicate_ir::passes::{live, rebuild};
use adjudicate_ir::types::Type;
use rustc_hash::FxHashMap;

use super::activity::{Activity, Mask};
use super::build::Res;
use super::cond::Branches;
use super::joint::{Joint, items, splice};
use super::repeat::Trips;
use crate::derivatives::with_derivatives;
use crate::differential::Differential;
use crate::kept::{Parted, outermost};
use crate::tangent;

/// Replaces every derivative that has none inside; says whether there was any.
pub(super) fn expand_innermost(module: &mut Module) -> Res<bool> {
    inline_calls(module);
    if tangent::expand(module) {
        return Ok(true);
    }
    let with = with_derivatives(module);
    let innermost = |op: &Op| matches!(op, Op::Vjp(spec) if !with.contains(&spec.graph));
    let holds = |g: &GraphId| module.graph(*g).nodes.iter().any(|n| innermost(&n.op));
    let found: Vec<GraphId> = module.reachable().into_iter().filter(holds).collect();
    let mut gradients = Gradients { module, joints: FxHashMap::default() };
    for &id in &found {
        let graph = gradients.module.graph(id).clone();
        let expanded = gradients.expand(&graph, &innermost)?;
        gradients.module.graphs[id.0 as usize] = expanded;
    }
    Ok(!found.is_empty())
}

/// The program up to its outermost derivative, forward nodes before backward nodes.
pub(super) fn part(module: &mut Module) -> Option<Parted> {
    inline_calls(module);
    let (node, spec) = outermost(module)?;
    let graph = module.graph(spec.graph).clone();
    let result = graph.result_type();
    let types = result.items();
    let dy: Vec<Type> = types.iter().filter(|ty| ty.is_float()).cloned().collect();
    let program = module.graph(module.entry).clone();
    let mut gradients = Gradients { module, joints: FxHashMap::default() };
    Some(Parted::new(&program, node, dy, |b, operands, dy| {
        let b = RefCell::new(b);
        let seeds = seed(&b.borrow(), graph.result_type(), dy);
        let (mut walk, wrt) = gradients.walk(&b, &graph, &spec, &operands[..graph.params.len()], &seeds);
        let mark = b.borrow().graph().nodes.len();
        let pulled = gradients.reverse(&b, &mut walk, seeds);
        let wanted = (0..wrt.len()).filter(|&i| wrt[i]);
        let items: Vec<NodeId> =
            wanted.map(|i| pulled[i].materialise(&mut b.borrow_mut(), graph.ty(graph.params[i]))).collect();
        let ret = b.borrow_mut().tuple(&items);
        (b.into_inner().finish(ret), mark)
    }))
}

/// Functions are inlined when the graph is built, but a branch whose condition the optimiser has found is
/// a call of the side that is taken, and stays one if that is used elsewhere too.
fn inline_calls(module: &mut Module) {
    let called = |op: &Op| matches!(op, Op::Call(_));
    while let Some(id) = module.reachable().into_iter().find(|&g| module.graph(g).nodes.iter().any(|n| called(&n.op))) {
        let graph = module.graph(id);
        let inlined = rebuild(graph, |b, node, op, args| match op {
            Op::Call(callee) => splice(b, module.graph(*callee), args),
            _ => b.emit(op.clone(), args, graph.ty(node).clone()),
        });
        module.graphs[id.0 as usize] = inlined;
    }
}

pub(super) struct Gradients<'m> {
    /// Flat graphs: those that are differentiated, and those that are made.
    pub(super) module: &'m mut Module,
    /// By graph, active parameters and active values.
    pub(super) joints: FxHashMap<(GraphId, Mask, Mask), Rc<Joint>>,
}

/// The reverse of a branch or loop in the forward nodes.
pub(super) enum Pull {
    Branches(Branches),
    Trips(Trips),
}

/// A graph whose nodes have been put into another: what is needed to walk back over them.
pub(super) struct Walk<'g> {
    pub(super) graph: &'g Graph,
    pub(super) activity: Activity,
    /// For each live node its copy.
    pub(super) map: Vec<Option<NodeId>>,
    pulls: FxHashMap<NodeId, Pull>,
    d: Vec<Differential>,
}

impl Walk<'_> {
    /// The copy of a node.
    pub(super) fn at(&self, id: NodeId) -> NodeId {
        self.map[id.0 as usize].expect("a node that is needed")
    }

    /// The copy of the return node.
    pub(super) fn result(&self) -> NodeId {
        self.at(self.graph.ret)
    }

    /// Adds to the cotangent of a node, if it is active.
    pub(super) fn contribute(&mut self, b: &RefCell<Builder>, to: NodeId, d: Differential) {
        if !self.activity.is_active(to) || d.is_zero() {
            return;
        }
        let old = std::mem::replace(&mut self.d[to.0 as usize], Differential::Zero);
        self.d[to.0 as usize] = old.plus(d, &mut b.borrow_mut());
    }
}

impl Gradients<'_> {
    /// A graph with its innermost derivatives replaced.
    fn expand(&mut self, graph: &Graph, innermost: &dyn Fn(&Op) -> bool) -> Res<Graph> {
        let b = RefCell::new(Builder::new(&graph.name, graph.span));
        let live = live(graph);
        let mut map: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
        for &p in &graph.params {
            map[p.0 as usize] = Some(b.borrow_mut().param(graph.ty(p).clone()));
        }
        for (id, node) in graph.iter().filter(|(id, _)| live[id.0 as usize]) {
            if map[id.0 as usize].is_some() {
                continue;
            }
            b.borrow_mut().span = node.span;
            let args: Args = node.args.iter().map(|a| map[a.0 as usize].expect("operands stand first")).collect();
            map[id.0 as usize] = Some(match &node.op {
                Op::Vjp(spec) if innermost(&node.op) && spec.seeds.is_some() => self.many_seeds(&b, spec, &args)?,
                Op::Vjp(spec) if innermost(&node.op) => self.derivative(&b, spec, &args),
                Op::Get(i) => b.borrow_mut().get(args[0], *i as usize),
                op => b.borrow_mut().emit(op.clone(), &args, node.ty.clone()),
            });
        }
        Ok(b.into_inner().finish(map[graph.ret.0 as usize].expect("the return node is live")))
    }

    /// The nodes of a function and of its gradient for several seeds at once: of that for one, batched in the
    /// seeds that are not zero.
    fn many_seeds(&mut self, b: &RefCell<Builder>, spec: &VjpSpec, operands: &[NodeId]) -> Res<NodeId> {
        let primal = self.module.graph(spec.graph);
        let inner = RefCell::new(Builder::new(&primal.name, b.borrow().span));
        let mut own: Vec<NodeId> = primal.param_types().into_iter().map(|ty| inner.borrow_mut().param(ty)).collect();
        let mut args: Vec<NodeId> = operands[..own.len()].to_vec();
        let mut masks = vec![Axis::None; own.len()];
        let result = primal.result_type();
        let items = result.items().to_vec();
        for (&seed, ty) in operands[own.len()..].iter().zip(items.iter().filter(|ty| ty.is_float())) {
            if b.borrow().graph().node(seed).op == Op::Zero {
                own.push(inner.borrow_mut().zero(ty.clone()));
                continue;
            }
            own.push(inner.borrow_mut().param(ty.clone()));
            args.push(seed);
            masks.push(Axis::All);
        }
        let ret = self.derivative(&inner, spec, &own);
        let one = self.module.add(inner.into_inner().finish(ret));
        let wanted = items.iter().map(|_| Axis::None).chain(spec.wrt.iter().map(|_| Axis::All)).collect();
        let count = spec.seeds.expect("several seeds");
        let made = batch(self.module, one, &masks, &Axis::items(wanted), count)?;
        Ok(splice(&mut b.borrow_mut(), self.module.graph(made.graph), &args))
    }

    /// The nodes of a function and of its gradient; the tuple of the results of both.
    fn derivative(&mut self, b: &RefCell<Builder>, spec: &VjpSpec, operands: &[NodeId]) -> NodeId {
        let graph = self.module.graph(spec.graph).clone();
        let (args, seeds) = operands.split_at(graph.params.len());
        let seeds = seed(&b.borrow(), graph.result_type(), seeds);
        let (mut walk, _) = self.walk(b, &graph, spec, args, &seeds);
        let mut results = items(&mut b.borrow_mut(), walk.result());
        let pulled = self.reverse(b, &mut walk, seeds);
        for &i in spec.wrt.iter() {
            let ty = graph.ty(graph.params[i as usize]);
            results.push(pulled[i as usize].materialise(&mut b.borrow_mut(), ty));
        }
        b.borrow_mut().tuple(&results)
    }

    /// The forward nodes of a function that is differentiated, and by which parameters.
    fn walk<'g>(
        &mut self,
        b: &RefCell<Builder>,
        graph: &'g Graph,
        spec: &VjpSpec,
        args: &[NodeId],
        seeds: &[Differential],
    ) -> (Walk<'g>, Mask) {
        let wrt: Mask = (0..graph.params.len() as u32).map(|i| spec.wrt.contains(&i)).collect();
        let given: Mask = seeds.iter().map(|d| !d.is_zero()).collect();
        let activity = Activity::of(self.module, graph, &wrt, &given);
        (self.forward(b, graph, args, activity), wrt)
    }

    /// Puts the live nodes of a graph into another, its parameters replaced by `args`.
    pub(super) fn forward<'g>(
        &mut self,
        b: &RefCell<Builder>,
        graph: &'g Graph,
        args: &[NodeId],
        activity: Activity,
    ) -> Walk<'g> {
        let count = graph.nodes.len();
        let d = vec![Differential::Zero; count];
        let mut walk = Walk { graph, activity, map: vec![None; count], pulls: FxHashMap::default(), d };
        for (&param, &arg) in graph.params.iter().zip(args) {
            walk.map[param.0 as usize] = Some(arg);
        }
        let live = live(graph);
        for (id, node) in graph.iter().filter(|(id, _)| live[id.0 as usize]) {
            if !matches!(node.op, Op::Param(_)) {
                b.borrow_mut().span = node.span;
                let args: Args = node.args.iter().map(|&a| walk.at(a)).collect();
                walk.map[id.0 as usize] = Some(self.forward_node(b, &mut walk, id, node, &args));
            }
        }
        walk
    }

    fn forward_node(
        &mut self,
        b: &RefCell<Builder>,
        walk: &mut Walk<'_>,
        id: NodeId,
        node: &Node,
        args: &[NodeId],
    ) -> NodeId {
        match &node.op {
            Op::If(then, other) if walk.activity.is_active(id) => {
                let params = walk.activity.branch_operands(id, node);
                let values = walk.activity.items(id, &node.ty);
                let (value, pull) = self.forward_branches(b, (*then, *other), args, (&params, &values));
                walk.pulls.insert(id, Pull::Branches(pull));
                value
            }
            Op::Loop { cond, body } if walk.activity.is_active(id) => {
                let active = walk.activity.loop_operands(id);
                let (value, pull) = self.forward_trips(b, (*cond, *body), args, &active);
                walk.pulls.insert(id, Pull::Trips(pull));
                value
            }
            Op::Get(i) => b.borrow_mut().get(args[0], *i as usize),
            op => b.borrow_mut().emit(op.clone(), args, node.ty.clone()),
        }
    }

    /// Walks back from cotangents of the items of the result to those of the parameters.
    pub(super) fn reverse(
        &mut self,
        b: &RefCell<Builder>,
        walk: &mut Walk<'_>,
        mut seeds: Vec<Differential>,
    ) -> Vec<Differential> {
        let graph = walk.graph;
        let seed = match graph.result_type().as_tuple() {
            Some(_) => Differential::Items(seeds),
            None => seeds.pop().expect("one seed for one result"),
        };
        walk.contribute(b, graph.ret, seed);
        for (id, node) in graph.iter().rev() {
            if matches!(node.op, Op::Param(_)) {
                continue;
            }
            let d = std::mem::replace(&mut walk.d[id.0 as usize], Differential::Zero);
            if !d.is_zero() {
                b.borrow_mut().span = node.span;
                self.reverse_node(b, walk, id, node, &d);
            }
        }
        graph.params.iter().map(|p| walk.d[p.0 as usize].clone()).collect()
    }

    fn reverse_node(&mut self, b: &RefCell<Builder>, walk: &mut Walk<'_>, id: NodeId, node: &Node, d: &Differential) {
        match &node.op {
            Op::Prim(prim) => {
                let dy = d.materialise(&mut b.borrow_mut(), &node.ty.cotangent());
                let args: Args = node.args.iter().map(|&a| walk.at(a)).collect();
                let pulled = prim.def.pull(b, &prim.attrs, &args, walk.at(id), dy);
                for (&arg, d) in node.args.iter().zip(pulled) {
                    walk.contribute(b, arg, d.map_or(Differential::Zero, Differential::Whole));
                }
            }
            Op::Tuple => {
                for (i, &arg) in node.args.iter().enumerate() {
                    let item = d.item(&mut b.borrow_mut(), i);
                    walk.contribute(b, arg, item);
                }
            }
            Op::Get(i) => {
                let count = walk.graph.ty(node.args[0]).as_tuple().map_or(0, <[Type]>::len);
                walk.contribute(b, node.args[0], Differential::inject(count, *i as usize, d.clone()));
            }
            Op::If(..) | Op::Loop { .. } => {
                let pull = walk.pulls.remove(&id).expect("an active branch or loop has a reverse");
                let (operands, pulled) = match &pull {
                    Pull::Branches(branches) => (&node.args[1..], self.reverse_branches(b, branches, d)),
                    Pull::Trips(trips) => (&node.args[..], self.reverse_trips(b, trips, d)),
                };
                for (&arg, d) in operands.iter().zip(pulled) {
                    walk.contribute(b, arg, d);
                }
            }
            // Nothing flows into constants.
            Op::Param(_) | Op::Const(_) | Op::Zero => {}
            Op::Call(_) | Op::Closure(_) | Op::Apply(_) | Op::Fused(_) | Op::Vjp(_) => {
                panic!("{:?} is no longer there when gradients are made", node.op)
            }
            Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => panic!("a node of a source graph"),
        }
    }
}

/// A cotangent for each item of a result, from one node for each of its float items.
fn seed(b: &Builder, result: &Type, seeds: &[NodeId]) -> Vec<Differential> {
    let mut seeds = seeds.iter();
    let types = result.items();
    let seed = |ty: &Type| match ty.is_float().then(|| seeds.next().expect("a seed for each float item")) {
        Some(&seed) if b.graph().node(seed).op != Op::Zero => Differential::Whole(seed),
        _ => Differential::Zero,
    };
    types.iter().map(seed).collect()
}
