//! Loops whose state or trips are partly known.
//!
//! - State that no trip changes is an invariant.
//! - A loop whose condition does not hold at the start leaves its state as it is.

use crate::builder::Builder;
use crate::graph::{Args, Const, Graph, GraphId, Module, NodeId, Op};
use crate::types::Type;

use super::inline::splice;
use super::rewrite::{copy_nodes, rebuild, sweep};
use super::sites::{Site, Sites, returned};
use super::{Pass, Run, fold};

pub(super) const TRIPS: Pass = Pass {
    name: "trips",
    about: "makes loop state that never changes invariant, and leaves out loops that do not run",
    run: Run::Module(run),
};

fn run(module: &mut Module) -> Vec<GraphId> {
    let sites = Sites::of(module);
    let mut changed: Vec<GraphId> = Vec::new();
    for class in &sites.classes {
        let (Some(_), [site]) = (class.body, &class.sites[..]) else { continue };
        let Op::Loop { cond, body } = module.graph(site.user).node(site.node).op else { continue };
        if class.fixed_result || [site.user, cond, body].iter().any(|g| changed.contains(g)) {
            continue;
        }
        let states = module.graph(body).result_type().as_tuple().map_or(0, <[_]>::len);
        if never_runs(module, site, cond) {
            module.graphs[site.user.0 as usize] = without_loop(module.graph(site.user), site.node, states);
            changed.push(site.user);
            continue;
        }
        let steady = steady(module.graph(body), states);
        if steady.contains(&true) {
            let order = order(&steady, module.graph(body).params.len());
            let left = steady.iter().filter(|s| !**s).count();
            module.graphs[cond.0 as usize] = reordered(module.graph(cond), &order, None);
            module.graphs[body.0 as usize] = reordered(module.graph(body), &order, Some(left));
            module.graphs[site.user.0 as usize] = with_order(module.graph(site.user), site.node, &order, &steady);
            changed.extend([site.user, cond, body]);
        }
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

fn without_loop(graph: &Graph, site: NodeId, states: usize) -> Graph {
    let mut graph = rebuild(graph, |b, id, op, args| match id == site {
        true => b.tuple(&args[..states]),
        false => b.emit(op.clone(), args, graph.ty(id).clone()),
    });
    sweep(&mut graph);
    graph
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

fn with_order(graph: &Graph, site: NodeId, order: &[usize], steady: &[bool]) -> Graph {
    rebuild(graph, |b, id, op, args| {
        if id != site {
            return b.emit(op.clone(), args, graph.ty(id).clone());
        }
        let operands: Args = order.iter().map(|&i| args[i]).collect();
        let left = steady.iter().filter(|s| !**s).count();
        let types: Vec<Type> = operands[..left].iter().map(|&a| b.ty(a).clone()).collect();
        let made = b.emit(op.clone(), &operands, Type::tuple(types));
        let mut next = 0..;
        let state: Args = (0..steady.len())
            .map(|i| if steady[i] { args[i] } else { b.get(made, next.next().expect("endless")) })
            .collect();
        b.tuple(&state)
    })
}
