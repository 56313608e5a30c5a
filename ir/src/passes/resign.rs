//! Changing what graphs take and return, and all their sites with them.
//!
//! A [`Plan`] says for each parameter and each item of the result of a class what becomes of it.
//! A graph makes what it no longer takes from what it does, and a site what is no longer returned, so
//! the nodes in between stay as they are; other passes clean up.

use std::collections::BTreeMap;

use crate::builder::Builder;
use crate::graph::{Args, Graph, GraphId, Module, Node, NodeId, Op};
use crate::types::Type;

use super::rewrite::{copy_nodes, sweep};
use super::sites::{Sites, first_operand};

/// What becomes of a parameter, or of an item of a result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate {
    /// It stays.
    Keep,
    /// Nobody reads it.
    Drop,
    /// It is always this constant, or zero.
    Known(Op),
    /// It is always what this other parameter is.
    Same(usize),
    /// It is made by this operation, a tuple or a closure, from parts of these types.
    Split(Op, Vec<Type>),
}

/// What becomes of the parameters and of the result of a class.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// One for each parameter.
    pub(super) params: Vec<Fate>,
    /// One for each item of the result; for one that is no tuple, a single one. Of a loop this is
    /// the state.
    pub(super) result: Vec<Fate>,
}

impl Plan {
    /// A plan that changes nothing.
    pub(super) fn keep(module: &Module, graph: GraphId) -> Self {
        let graph = module.graph(graph);
        let result = vec![Fate::Keep; graph.result_type().items().len()];
        Self { params: vec![Fate::Keep; graph.params.len()], result }
    }

    fn changes(fates: &[Fate]) -> bool {
        fates.iter().any(|f| *f != Fate::Keep)
    }

    fn is_idle(&self) -> bool {
        !Self::changes(&self.params) && !Self::changes(&self.result)
    }
}

/// Carries plans out; the graphs that changed.
pub(super) fn resign(module: &mut Module, sites: &Sites, mut plans: BTreeMap<usize, Plan>) -> Vec<GraphId> {
    plans.retain(|_, plan| !plan.is_idle());
    let touched = |&&id: &&GraphId| {
        let at_site = |n: &Node| sites.class_at(&n.op).is_some_and(|c| plans.contains_key(&c));
        plans.contains_key(&sites.class_of(id)) || module.graph(id).nodes.iter().any(at_site)
    };
    let changed: Vec<GraphId> = sites.reachable.iter().filter(touched).copied().collect();
    let rebuild = |&id: &GraphId| Resigned { module, sites, plans: &plans }.graph(id);
    let graphs: Vec<Graph> = changed.iter().map(rebuild).collect();
    for (&id, graph) in changed.iter().zip(graphs) {
        module.graphs[id.0 as usize] = graph;
    }
    changed
}

struct Resigned<'m> {
    module: &'m Module,
    sites: &'m Sites,
    plans: &'m BTreeMap<usize, Plan>,
}

impl Resigned<'_> {
    fn graph(&self, id: GraphId) -> Graph {
        let graph = self.module.graph(id);
        let class = self.sites.class_of(id);
        let plan = self.plans.get(&class);
        let mut b = Builder::new(&graph.name, graph.span);
        let params = params(&mut b, graph, plan);
        let copied = copy_nodes(&mut b, graph, &params, |b, node, op, args| {
            let ty = graph.ty(node);
            match self.sites.class_at(op).and_then(|c| self.plans.get(&c)) {
                Some(plan) => self.site(b, op, args, ty, plan),
                None => b.emit(op.clone(), args, ty.clone()),
            }
        });
        let ret = copied.get(graph.ret);
        let is_condition = self.sites.classes[class].body.is_some_and(|body| body != id);
        let ret = match plan {
            Some(plan) if Plan::changes(&plan.result) && !is_condition => {
                let whole = graph.result_type().as_tuple().is_some();
                let parts = parts(&mut b, ret, whole, &plan.result);
                b.tuple(&parts)
            }
            _ => ret,
        };
        let mut graph = b.finish(ret);
        sweep(&mut graph);
        graph
    }

    /// A site with the operands that are still taken, and its value as it was.
    fn site(&self, b: &mut Builder, op: &Op, args: &[NodeId], ty: &Type, plan: &Plan) -> NodeId {
        let (first, rest) = args.split_at(first_operand(op));
        let mut operands = Args::from_slice(first);
        for (i, &arg) in rest.iter().enumerate() {
            let fate = plan.params.get(i).unwrap_or(&Fate::Keep);
            part(b, arg, fate, &mut operands);
        }
        if matches!(op, Op::Closure(_)) || !Plan::changes(&plan.result) {
            return b.emit(op.clone(), &operands, ty.clone());
        }
        let old = ty.items();
        let mut types = Vec::new();
        for (ty, fate) in old.iter().zip(&plan.result) {
            match fate {
                Fate::Keep => types.push(ty.clone()),
                Fate::Split(_, parts) => types.extend(parts.iter().cloned()),
                Fate::Drop | Fate::Known(_) | Fate::Same(_) => {}
            }
        }
        let made = b.emit(op.clone(), &operands, Type::tuple(types));
        let mut next = 0..;
        let mut take = |b: &mut Builder| b.get(made, next.next().expect("endless"));
        let values: Vec<NodeId> =
            old.iter().zip(&plan.result).map(|(ty, fate)| whole(b, ty, fate, &mut take)).collect();
        if ty.as_tuple().is_some() { b.tuple(&values) } else { values[0] }
    }
}

/// The parameters as they were, made from those that there are now, which stand first.
fn params(b: &mut Builder, graph: &Graph, plan: Option<&Plan>) -> Vec<NodeId> {
    let fate = |i: usize| plan.map_or(&Fate::Keep, |plan| &plan.params[i]);
    let mut there = Vec::new();
    for (i, &p) in graph.params.iter().enumerate() {
        b.span = graph.node(p).span;
        match fate(i) {
            Fate::Keep => there.push(b.param(graph.ty(p).clone())),
            Fate::Split(_, types) => there.extend(types.iter().map(|ty| b.param(ty.clone()))),
            Fate::Drop | Fate::Known(_) | Fate::Same(_) => {}
        }
    }
    let mut there = there.into_iter();
    let mut take = |_: &mut Builder| there.next().expect("a parameter for each part");
    let mut made: Vec<NodeId> = Vec::new();
    for (i, &p) in graph.params.iter().enumerate() {
        b.span = graph.node(p).span;
        made.push(match fate(i) {
            Fate::Same(other) => made[*other],
            fate => whole(b, graph.ty(p), fate, &mut take),
        });
    }
    made
}

/// A value as it was, made from its parts.
fn whole(b: &mut Builder, ty: &Type, fate: &Fate, take: &mut impl FnMut(&mut Builder) -> NodeId) -> NodeId {
    match fate {
        Fate::Keep => take(b),
        Fate::Drop | Fate::Same(_) => b.zero(ty.clone()),
        Fate::Known(op) => b.emit(op.clone(), &[], ty.clone()),
        Fate::Split(op, types) => {
            let parts: Args = types.iter().map(|_| take(b)).collect();
            b.emit(op.clone(), &parts, ty.clone())
        }
    }
}

/// The parts of the items of a result.
fn parts(b: &mut Builder, ret: NodeId, is_tuple: bool, fates: &[Fate]) -> Args {
    let mut parts = Args::new();
    for (i, fate) in fates.iter().enumerate() {
        if matches!(fate, Fate::Keep | Fate::Split(..)) {
            let item = if is_tuple { b.get(ret, i) } else { ret };
            part(b, item, fate, &mut parts);
        }
    }
    parts
}

/// What is left of a value.
fn part(b: &mut Builder, value: NodeId, fate: &Fate, into: &mut Args) {
    match fate {
        Fate::Keep => into.push(value),
        Fate::Drop | Fate::Known(_) | Fate::Same(_) => {}
        Fate::Split(Op::Tuple, types) => (0..types.len()).for_each(|i| {
            let item = item(b, value, i, &types[i]);
            into.push(item);
        }),
        Fate::Split(_, types) => match &b.graph().node(value).op {
            // A function value that is never made: nothing is called.
            Op::Zero => types.iter().for_each(|ty| {
                let zero = b.zero(ty.clone());
                into.push(zero);
            }),
            Op::Closure(_) => into.extend(b.graph().node(value).args.iter().copied()),
            other => panic!("a function value of known code is made by {other:?}"),
        },
    }
}

fn item(b: &mut Builder, tuple: NodeId, i: usize, ty: &Type) -> NodeId {
    match b.graph().node(tuple).op {
        Op::Zero => b.zero(ty.clone()),
        _ => b.get(tuple, i),
    }
}
