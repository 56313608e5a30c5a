//! Loops whose state or trips are partly known.
//!
//! - State that no trip changes is an invariant.
//! - A loop whose condition does not hold at the start leaves its state as it is.
//! - What a counter has come to after the last trip is known where the trips can be counted.

use std::collections::BTreeMap;

use crate::builder::Builder;
use crate::graph::{Args, Const, Graph, GraphId, Module, NodeId, Op};
use crate::types::Type;

use super::counted::counted;
use super::inline::splice;
use super::rewrite::{copy_nodes, rebuild, sweep};
use super::sites::{Site, Sites, returned};
use super::{Pass, Run, fold};

pub(super) const TRIPS: Pass = Pass {
    name: "trips",
    about: "makes loop state that never changes invariant, counts trips, and leaves out loops that do not run",
    run: Run::Module(run),
};

/// What becomes of a loop.
enum Plan {
    /// It does not run: its state stays as it is.
    Leave,
    /// These items of its state are known after the last trip.
    Known(Vec<Option<i64>>),
    /// The operands in another order, and which of the state never changes.
    Reorder(Vec<usize>, Vec<bool>),
}

fn run(module: &mut Module) -> Vec<GraphId> {
    let sites = Sites::of(module);
    let mut plans: BTreeMap<GraphId, BTreeMap<NodeId, Plan>> = BTreeMap::new();
    let mut parts: Vec<(GraphId, Vec<usize>, Option<usize>)> = Vec::new();
    for class in &sites.classes {
        let (Some(_), [site], false) = (class.body, &class.sites[..], class.fixed_result) else { continue };
        let Op::Loop { cond, body } = module.graph(site.user).node(site.node).op else { continue };
        let states = module.graph(body).result_type().as_tuple().map_or(0, <[_]>::len);
        let steady = steady(module.graph(body), states);
        let plan = if never_runs(module, site, cond) {
            Plan::Leave
        } else if let Some(last) = last_counts(module, site, (cond, body)) {
            Plan::Known(last)
        } else if steady.contains(&true) {
            let order = order(&steady, module.graph(body).params.len());
            let left = steady.iter().filter(|s| !**s).count();
            parts.extend([(cond, order.clone(), None), (body, order.clone(), Some(left))]);
            Plan::Reorder(order, steady)
        } else {
            continue;
        };
        plans.entry(site.user).or_default().insert(site.node, plan);
    }
    // A body that holds loops itself is rebuilt as a user before it is reordered as a part.
    let mut changed: Vec<GraphId> = plans.keys().copied().collect();
    for (user, plans) in &plans {
        module.graphs[user.0 as usize] = planned(module.graph(*user), plans);
    }
    for (part, order, left) in parts {
        module.graphs[part.0 as usize] = reordered(module.graph(part), &order, left);
        changed.push(part);
    }
    changed
}

/// Whether the condition is known not to hold at the start.
fn never_runs(module: &Module, site: &Site, cond: GraphId) -> bool {
    let user = module.graph(site.user);
    let condition = module.graph(cond);
    let mut b = Builder::new(&condition.name, condition.span);
    let mut known = false;
    let start: Vec<NodeId> = user
        .node(site.node)
        .args
        .iter()
        .map(|&a| match &user.node(a).op {
            op @ Op::Const(Const::I64(_) | Const::Bool(_) | Const::F64(_)) => {
                known = true;
                b.emit(op.clone(), &[], user.ty(a).clone())
            }
            _ => b.param(user.ty(a).clone()),
        })
        .collect();
    let no = |graph: &Graph| graph.node(graph.ret).op == Op::Const(Const::Bool(false));
    if !known {
        return no(condition);
    }
    let ret = splice(&mut b, condition, &start);
    let graph = b.finish(ret);
    no(&fold::fold(&graph).unwrap_or(graph))
}

/// The last values of counters, if the user reads any.
fn last_counts(module: &Module, site: &Site, (cond, body): (GraphId, GraphId)) -> Option<Vec<Option<i64>>> {
    let user = module.graph(site.user);
    let state = user.ty(site.node).as_tuple()?;
    let read: Vec<usize> = user
        .nodes
        .iter()
        .filter_map(|n| if let Op::Get(i) = n.op { Some((n.args[0], i as usize)) } else { None })
        .filter_map(|(of, i)| (of == site.node && state[i] == Type::i64()).then_some(i))
        .collect();
    if read.is_empty() {
        return None;
    }
    let counted = counted(user, user.node(site.node), module.graph(cond), module.graph(body))?;
    let last: Vec<Option<i64>> = counted.counters.iter().map(|c| c.as_ref()?.after(counted.trips)).collect();
    read.iter().any(|&i| last[i].is_some()).then_some(last)
}

/// Which items of the state a trip returns as it was given them.
fn steady(body: &Graph, states: usize) -> Vec<bool> {
    let item = |i: usize| returned(body, i).is_some_and(|item| body.node(item).op == Op::Param(i as u32));
    (0..states).map(item).collect()
}

/// The old positions of the operands in their new order: changing state, steady state, invariants.
fn order(steady: &[bool], operands: usize) -> Vec<usize> {
    let of = |wanted: bool| (0..steady.len()).filter(move |&i| steady[i] == wanted);
    of(false).chain(of(true)).chain(steady.len()..operands).collect()
}

/// A graph of the loop with its parameters in another order; the body returns the first `left` of
/// them.
fn reordered(graph: &Graph, order: &[usize], left: Option<usize>) -> Graph {
    let mut b = Builder::new(&graph.name, graph.span);
    let mut params = vec![NodeId(0); order.len()];
    for &old in order {
        params[old] = b.param(graph.ty(graph.params[old]).clone());
    }
    let copied = copy_nodes(&mut b, graph, &params, |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone()));
    let ret = copied.get(graph.ret);
    let ret = match left {
        Some(left) => {
            let items: Args = order[..left].iter().map(|&i| b.get(ret, i)).collect();
            b.tuple(&items)
        }
        None => ret,
    };
    let mut graph = b.finish(ret);
    sweep(&mut graph);
    graph
}

/// A graph with its loops as planned.
fn planned(graph: &Graph, plans: &BTreeMap<NodeId, Plan>) -> Graph {
    let mut graph = rebuild(graph, |b, id, op, args| match plans.get(&id) {
        None => b.emit(op.clone(), args, graph.ty(id).clone()),
        Some(Plan::Leave) => b.tuple(&args[..graph.ty(id).as_tuple().map_or(0, <[_]>::len)]),
        Some(Plan::Known(last)) => {
            let made = b.emit(op.clone(), args, graph.ty(id).clone());
            let item = |b: &mut Builder, (i, last): (usize, &Option<i64>)| match last {
                Some(n) => b.constant(Const::I64(*n)),
                None => b.get(made, i),
            };
            let items: Args = last.iter().enumerate().map(|known| item(b, known)).collect();
            b.tuple(&items)
        }
        Some(Plan::Reorder(order, steady)) => with_order(b, op, args, order, steady),
    });
    sweep(&mut graph);
    graph
}

/// The state that a loop leaves, from its operands in the old order.
fn with_order(b: &mut Builder, op: &Op, args: &[NodeId], order: &[usize], steady: &[bool]) -> NodeId {
    let operands: Args = order.iter().map(|&i| args[i]).collect();
    let left = steady.iter().filter(|s| !**s).count();
    let types: Vec<Type> = operands[..left].iter().map(|&a| b.ty(a).clone()).collect();
    let made = b.emit(op.clone(), &operands, Type::tuple(types));
    let mut next = 0..;
    let state: Args = (0..steady.len())
        .map(|i| if steady[i] { args[i] } else { b.get(made, next.next().expect("endless")) })
        .collect();
    b.tuple(&state)
}
