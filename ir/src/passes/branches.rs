//! What the two branches of an `if` have in common.
//!
//! - A branch that is given the condition as an operand knows it.
//! - What both branches compute alike, from the operands, is computed before them.
//!
//! Only of branches that belong to a single `if`.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::builder::Builder;
use crate::graph::{Args, Const, Graph, GraphId, Module, NodeId, Op};
use crate::types::Type;

use super::rewrite::{copy_nodes, rebuild, sweep};
use super::sites::{Site, Sites};
use super::{Pass, Run};

pub(super) const BRANCHES: Pass = Pass {
    name: "branches",
    about: "computes what both branches of an `if` compute before it, and tells them the condition",
    run: Run::Module(run),
};

fn run(module: &mut Module) -> Vec<GraphId> {
    let sites = Sites::of(module);
    let mut changed = Vec::new();
    for class in &sites.classes {
        let ([site], [_, _]) = (&class.sites[..], &class.graphs[..]) else { continue };
        // The nodes of a graph that has changed have other numbers.
        if class.fixed_result || changed.contains(&site.user) {
            continue;
        }
        let Op::If(then, other) = module.graph(site.user).node(site.node).op else { continue };
        for (branch, holds) in [(then, true), (other, false)] {
            if let Some(graph) = told_condition(module, site, branch, holds) {
                module.graphs[branch.0 as usize] = graph;
                changed.push(branch);
            }
        }
        if hoist(module, site, (then, other)) {
            changed.extend([site.user, then, other]);
        }
    }
    changed
}

/// The branch with the condition in place of parameters that are given it.
fn told_condition(module: &Module, site: &Site, branch: GraphId, holds: bool) -> Option<Graph> {
    let args = &module.graph(site.user).node(site.node).args;
    let graph = module.graph(branch);
    let is_condition = |i: usize| args[i + 1] == args[0];
    let read = |id: &NodeId| matches!(graph.node(*id).op, Op::Param(i) if is_condition(i as usize));
    if !graph.nodes.iter().flat_map(|n| &n.args).chain([&graph.ret]).any(read) {
        return None;
    }
    let mut b = Builder::new(&graph.name, graph.span);
    let params: Vec<NodeId> = graph.param_types().into_iter().map(|ty| b.param(ty)).collect();
    let told = b.constant(Const::Bool(holds));
    let args: Vec<NodeId> = params.iter().enumerate().map(|(i, &p)| if is_condition(i) { told } else { p }).collect();
    let copied = copy_nodes(&mut b, graph, &args, |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone()));
    Some(b.finish(copied.get(graph.ret)))
}

/// A node by what it computes from the operands: operation, numbers of its operands, type.
type Key = (Op, SmallVec<[u32; 4]>, Type);

/// The numbers of the nodes of both branches; equal numbers compute the same.
struct Numbers {
    known: FxHashMap<Key, u32>,
}

impl Numbers {
    fn of(&mut self, graph: &Graph) -> Vec<u32> {
        let mut numbers: Vec<u32> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let args = node.args.iter().map(|a| numbers[a.0 as usize]).collect();
            let next = self.known.len() as u32;
            numbers.push(*self.known.entry((node.op.clone(), args, node.ty.clone())).or_insert(next));
        }
        numbers
    }
}

/// Moves common nodes in front of the `if`; says whether there were any.
fn hoist(module: &mut Module, site: &Site, (then, other): (GraphId, GraphId)) -> bool {
    let mut numbers = Numbers { known: FxHashMap::default() };
    let graphs = [module.graph(then), module.graph(other)];
    let numbered = graphs.map(|g| numbers.of(g));
    let mut in_other = vec![false; numbers.known.len()];
    numbered[1].iter().for_each(|&n| in_other[n as usize] = true);
    // Structures cost nothing, and `flatten` puts them where they are read.
    let is_work = |op: &Op| matches!(op, Op::Prim(_) | Op::Call(_) | Op::Apply(_) | Op::If(..) | Op::Loop { .. });
    let common: Vec<NodeId> = graphs[0]
        .iter()
        .filter(|(id, node)| in_other[numbered[0][id.0 as usize] as usize] && is_work(&node.op))
        .map(|(id, _)| id)
        .collect();
    if common.is_empty() {
        return false;
    }
    let mut moved: FxHashMap<u32, usize> = FxHashMap::default();
    for id in &common {
        let next = moved.len();
        moved.entry(numbered[0][id.0 as usize]).or_insert(next);
    }
    let types: Vec<Type> = common.iter().map(|&id| graphs[0].ty(id).clone()).collect();
    let branches = [0, 1].map(|k| given(graphs[k], &numbered[k], &moved, &types));
    let user = in_front(module.graph(site.user), site.node, graphs[0], &common);
    let [first, second] = branches;
    module.graphs[then.0 as usize] = first;
    module.graphs[other.0 as usize] = second;
    module.graphs[site.user.0 as usize] = user;
    true
}

/// A branch that is given the values of the moved nodes as further operands.
fn given(graph: &Graph, numbers: &[u32], moved: &FxHashMap<u32, usize>, types: &[Type]) -> Graph {
    let mut b = Builder::new(&graph.name, graph.span);
    let params: Vec<NodeId> = graph.param_types().into_iter().map(|ty| b.param(ty)).collect();
    let values: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
    let copied = copy_nodes(&mut b, graph, &params, |b, id, op, args| match moved.get(&numbers[id.0 as usize]) {
        Some(&k) => values[k],
        None => b.emit(op.clone(), args, graph.ty(id).clone()),
    });
    let mut graph = b.finish(copied.get(graph.ret));
    sweep(&mut graph);
    graph
}

/// The graph of an `if` with nodes of a branch computed before it and given to it.
fn in_front(graph: &Graph, site: NodeId, branch: &Graph, common: &[NodeId]) -> Graph {
    rebuild(graph, |b, id, op, args| {
        if id != site {
            return b.emit(op.clone(), args, graph.ty(id).clone());
        }
        let mut places: Vec<Option<NodeId>> = vec![None; branch.nodes.len()];
        let mut operands = Args::from_slice(args);
        for &node in common {
            let made = copy(b, branch, node, &args[1..], &mut places);
            operands.push(made);
        }
        b.emit(op.clone(), &operands, graph.ty(id).clone())
    })
}

/// A node of a branch before it, with the operands that it needs: they compute the same in both.
fn copy(b: &mut Builder, branch: &Graph, id: NodeId, params: &[NodeId], places: &mut [Option<NodeId>]) -> NodeId {
    if let Some(done) = places[id.0 as usize] {
        return done;
    }
    let node = branch.node(id);
    let made = match node.op {
        Op::Param(i) => params[i as usize],
        _ => {
            let args: Args = node.args.iter().map(|&a| copy(b, branch, a, params, places)).collect();
            b.emit(node.op.clone(), &args, node.ty.clone())
        }
    };
    places[id.0 as usize] = Some(made);
    made
}
