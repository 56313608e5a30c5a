//! Tuples and function values of known code do not cross from graph to graph: their parts do.
//!
//! A parameter, an item of a result or the state of a loop that is a tuple becomes its items; one that
//! is a function value of the same code wherever it comes from becomes the captures.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::graph::{Graph, GraphId, Module, NodeId, Op};
use crate::types::Type;

use super::inline::recursive;
use super::known::{Fact, Facts};
use super::resign::{Fate, Plan, resign};
use super::sites::{Class, Sites, returned};
use super::{Pass, Run};

pub(super) const FLATTEN: Pass = Pass {
    name: "flatten",
    about: "passes the parts of tuples and of known function values in their place",
    run: Run::Module(run),
};

fn run(module: &mut Module) -> Vec<GraphId> {
    let sites = Sites::of(module);
    let facts = Facts::of(module, &sites);
    let recursive = recursive(module);
    let mut plans: BTreeMap<usize, Plan> = BTreeMap::new();
    for (c, class) in sites.classes.iter().enumerate() {
        plans.insert(c, plan(module, &sites, &facts, (c, class), &recursive));
    }
    let busy: Vec<bool> = plans.values().map(|plan| plan.params.iter().any(|f| *f != Fate::Keep)).collect();
    for fate in plans.values_mut().flat_map(|plan| plan.params.iter_mut().chain(&mut plan.result)) {
        // Its captures are about to change; it is taken apart when they have.
        if matches!(fate, Fate::Split(Op::Closure(code), _) if busy[sites.class_of(*code)]) {
            *fate = Fate::Keep;
        }
    }
    resign(module, &sites, plans)
}

fn plan(
    module: &Module,
    sites: &Sites,
    facts: &Facts,
    (c, class): (usize, &Class),
    recursive: &FxHashMap<GraphId, bool>,
) -> Plan {
    let first = class.body.unwrap_or(class.graphs[0]);
    let graph = module.graph(first);
    let mut plan = Plan::keep(module, first);
    for i in 0..class.free {
        plan.params[i] = fate(module, graph.ty(graph.params[i]), &facts.params[c][i]);
    }
    let ty = graph.result_type();
    if class.body.is_some() {
        let states = plan.result.len();
        plan.result.clone_from_slice(&plan.params[..states]);
    } else if !class.fixed_result && (ty.as_tuple().is_some() || matches!(ty, Type::Fn(_))) {
        let is_recursive = class.graphs.iter().any(|g| recursive[g]);
        for (i, ty) in ty.items().iter().enumerate() {
            // The function value that a recursion returns may hold another like itself, without end.
            let fact = if is_recursive { Fact::Any } else { result(module, sites, facts, class, i) };
            plan.result[i] = fate(module, ty, &fact);
        }
    }
    plan
}

/// How a value is passed.
fn fate(module: &Module, ty: &Type, fact: &Fact) -> Fate {
    match (ty, fact) {
        (Type::Tuple(items), _) => Fate::Split(Op::Tuple, items.to_vec()),
        (Type::Fn(_), Fact::Code(code, captures)) => {
            let types = module.graph(*code).param_types();
            Fate::Split(Op::Closure(*code), types[..*captures].to_vec())
        }
        _ => Fate::Keep,
    }
}

/// What an item of the result is, in every graph of a class.
fn result(module: &Module, sites: &Sites, facts: &Facts, class: &Class, item: usize) -> Fact {
    let one = |&g: &GraphId| {
        let graph: &Graph = module.graph(g);
        let made: Option<NodeId> = returned(graph, item);
        match made.map(|id| (id, &graph.node(id).op)) {
            // A parameter stands for a function value only once it has been split itself.
            Some((id, Op::Closure(_))) => facts.value(module, sites, g, id),
            _ => Fact::Any,
        }
    };
    let mut found = class.graphs.iter().map(one);
    let first = found.next().unwrap_or(Fact::Any);
    if found.all(|other| other == first) { first } else { Fact::Any }
}
