//! What is the same wherever a graph is used.
//!
//! A parameter that is the same constant at every site is that constant; one that is always equal to
//! another parameter is that parameter; an item of a result that is always a constant, or one of the
//! parameters, is known at the sites. Recursion and loops are solved for to a fixed point, from the
//! assumption that everything is known.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::graph::{Const, Graph, GraphId, Module, Node, NodeId, Op};

use super::resign::{Fate, Plan, resign};
use super::rewrite::replace_nodes;
use super::sites::{Class, Sites, operands, returned};
use super::{Pass, Run};

pub(super) const KNOWN: Pass = Pass {
    name: "known",
    about: "puts in place parameters and results that are the same wherever a graph is used",
    run: Run::Module(run),
};

fn run(module: &mut Module) -> Vec<GraphId> {
    let sites = Sites::of(module);
    let facts = Facts::of(module, &sites);
    let results = forwarded(module, &sites);
    let mut changed = Vec::new();
    for &id in &sites.reachable {
        if let Some(new) = put_results(module.graph(id), &sites, &results) {
            module.graphs[id.0 as usize] = new;
            changed.push(id);
        }
    }
    if !changed.is_empty() {
        return changed;
    }
    let mut plans = BTreeMap::new();
    for (c, class) in sites.classes.iter().enumerate() {
        let mut plan = Plan::keep(module, class.body.unwrap_or(class.graphs[0]));
        for (i, fact) in facts.params[c].iter().enumerate() {
            if let Fact::Leaf(op) = fact {
                plan.params[i] = Fate::Known(op.clone());
            }
        }
        same_operands(module, class, &mut plan);
        if class.body.is_some() {
            let states = plan.result.len();
            plan.result.clone_from_slice(&plan.params[..states]);
        }
        plans.insert(c, plan);
    }
    resign(module, &sites, plans)
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    /// It has not been seen yet.
    Unseen,
    /// It is this constant, or zero.
    Leaf(Op),
    /// It is a function value of this code, with so many captures.
    Code(GraphId, usize),
    /// It may be anything.
    Any,
}

impl Fact {
    fn join(&mut self, other: Fact) -> bool {
        let joined = match (&*self, other) {
            (_, Fact::Unseen) => return false,
            (Fact::Unseen, other) => other,
            (this, other) if *this == other => return false,
            _ => Fact::Any,
        };
        let changed = *self != joined;
        *self = joined;
        changed
    }
}

/// What is known of the parameters of each class.
pub(super) struct Facts {
    pub(super) params: Vec<Vec<Fact>>,
}

impl Facts {
    pub(super) fn of(module: &Module, sites: &Sites) -> Self {
        let start = |class: &Class| {
            let count = module.graph(class.graphs[0]).params.len();
            (0..count).map(|i| if i < class.free { Fact::Unseen } else { Fact::Any }).collect()
        };
        let mut facts = Self { params: sites.classes.iter().map(start).collect() };
        let mut again = true;
        while std::mem::take(&mut again) {
            for (c, class) in sites.classes.iter().enumerate().filter(|(_, class)| class.free > 0) {
                again |= facts.visit(module, sites, c, class);
            }
        }
        facts
    }

    fn visit(&mut self, module: &Module, sites: &Sites, c: usize, class: &Class) -> bool {
        let mut changed = false;
        for site in &class.sites {
            let node = module.graph(site.user).node(site.node);
            for (i, &arg) in operands(node).iter().enumerate().take(class.free) {
                let fact = self.value(module, sites, site.user, arg);
                changed |= self.params[c][i].join(fact);
            }
        }
        if let Some(body) = class.body {
            let graph = module.graph(body);
            for i in 0..graph.result_type().as_tuple().map_or(0, <[_]>::len) {
                let fact = match returned(graph, i) {
                    Some(item) => self.value(module, sites, body, item),
                    None => Fact::Any,
                };
                changed |= self.params[c][i].join(fact);
            }
        }
        changed
    }

    /// What is known of a node.
    pub(super) fn value(&self, module: &Module, sites: &Sites, user: GraphId, id: NodeId) -> Fact {
        let node = module.graph(user).node(id);
        match &node.op {
            Op::Param(i) => self.params[sites.class_of(user)][*i as usize].clone(),
            Op::Closure(code) => Fact::Code(*code, node.args.len()),
            op if is_leaf(op) => Fact::Leaf(op.clone()),
            _ => Fact::Any,
        }
    }
}

/// Whether an operation is a constant that costs nothing to make again.
pub(super) fn is_leaf(op: &Op) -> bool {
    matches!(op, Op::Zero | Op::Const(Const::F64(_) | Const::I64(_) | Const::Bool(_)))
}

/// Parameters that are given the same operand as an earlier one at every site.
fn same_operands(module: &Module, class: &Class, plan: &mut Plan) {
    let first = if class.body.is_some() { plan.result.len() } else { 0 };
    let mut seen: FxHashMap<Vec<NodeId>, usize> = FxHashMap::default();
    for i in first..class.free {
        if plan.params[i] != Fate::Keep {
            continue;
        }
        let given = |site: &super::sites::Site| operands(module.graph(site.user).node(site.node))[i];
        let given: Vec<NodeId> = class.sites.iter().map(given).collect();
        match seen.get(&given) {
            Some(&other) => plan.params[i] = Fate::Same(other),
            None => {
                seen.insert(given, i);
            }
        }
    }
}

/// What an item of a result always is.
#[derive(Clone, Debug, PartialEq)]
enum Returned {
    Leaf(Op),
    Param(usize),
}

/// For each class and each item of its result what it always is, if anything.
fn forwarded(module: &Module, sites: &Sites) -> Vec<Vec<Option<Returned>>> {
    let of_class = |class: &Class| {
        if class.body.is_some() {
            return Vec::new();
        }
        let count = module.graph(class.graphs[0]).result_type().items().len();
        (0..count).map(|i| always(module, class, i)).collect()
    };
    sites.classes.iter().map(of_class).collect()
}

fn always(module: &Module, class: &Class, item: usize) -> Option<Returned> {
    let one = |&id: &GraphId| {
        let graph = module.graph(id);
        match &graph.node(returned(graph, item)?).op {
            Op::Param(i) => Some(Returned::Param(*i as usize)),
            op if is_leaf(op) => Some(Returned::Leaf(op.clone())),
            _ => None,
        }
    };
    let first = one(class.graphs.first()?)?;
    class.graphs.iter().all(|g| one(g).as_ref() == Some(&first)).then_some(first)
}

/// Items of results, read where they are known, are not read.
fn put_results(graph: &Graph, sites: &Sites, results: &[Vec<Option<Returned>>]) -> Option<Graph> {
    let known = |node: &Node, item: usize| match node.op {
        Op::Closure(_) => None,
        ref op => results[sites.class_at(op)?].get(item)?.clone(),
    };
    if !graph.nodes.iter().any(|n| (0..).take(n.ty.items().len()).any(|i| known(n, i).is_some())) {
        return None;
    }
    replace_nodes(graph, |b, op, args, ty| {
        let (site, item) = match op {
            Op::Get(i) => (b.graph().node(args[0]).clone(), *i as usize),
            op if ty.as_tuple().is_none() => {
                (Node { op: op.clone(), args: args.into(), ty: ty.clone(), span: b.span }, 0)
            }
            _ => return None,
        };
        match known(&site, item)? {
            Returned::Leaf(leaf) => Some(b.emit(leaf, &[], ty.clone())),
            Returned::Param(i) => Some(operands(&site)[i]),
        }
    })
}
