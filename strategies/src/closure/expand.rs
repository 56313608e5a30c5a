//! Derivatives in a program, replaced by calls of forward and backward graphs.

use std::collections::{HashMap, HashSet};

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{GraphId, Module, NodeId, Op, VjpSpec};
use adjudicate_ir::passes::rebuild;
use adjudicate_ir::types::Type;

use super::adjoint::{Adjoint, Adjoints, Mask, call_forward, residual_nodes};

/// Expands every derivative of a graph that has none inside; says whether there was any.
pub(super) fn expand_innermost(module: &mut Module) -> bool {
    let with = with_derivatives(module);
    let mut found: Vec<(GraphId, VjpSpec)> = Vec::new();
    for id in module.reachable() {
        for node in &module.graph(id).nodes {
            if let Op::Vjp(spec) = &node.op
                && !with.contains(&spec.graph)
            {
                found.push((id, spec.clone()));
            }
        }
    }
    let mut adjoints = Adjoints::new(module);
    let mut made: HashMap<VjpSpec, Adjoint> = HashMap::new();
    for (_, spec) in &found {
        let params = adjoints.module.graph(spec.graph).params.len() as u32;
        let mask: Mask = (0..params).map(|i| spec.wrt.contains(&i)).collect();
        let adjoint = adjoints.of(spec.graph, &mask);
        made.insert(spec.clone(), adjoint);
    }
    let mut users: Vec<GraphId> = found.iter().map(|(id, _)| *id).collect();
    users.dedup();
    for id in users {
        let graph = module.graph(id).clone();
        let expanded = rebuild(&graph, |b, node, op, args| match op {
            Op::Vjp(spec) if made.contains_key(spec) => emit(b, module, spec, &made[spec], args),
            _ => b.emit(op.clone(), args, graph.ty(node).clone()),
        });
        module.graphs[id.0 as usize] = expanded;
    }
    !found.is_empty()
}

/// Forward, backward, and the tuple of the results of both.
fn emit(b: &mut Builder, module: &Module, spec: &VjpSpec, adjoint: &Adjoint, operands: &[NodeId]) -> NodeId {
    let primal = module.graph(spec.graph);
    let (args, seeds) = operands.split_at(primal.params.len());
    let called = call_forward(module, b, adjoint, args);
    let value = b.get(called, 0);
    let mut backward = residual_nodes(b, adjoint, args, called);
    backward.push(seed(b, primal.result_type(), seeds));
    let all = b.emit(Op::Call(adjoint.backward), &backward, Type::tuple(adjoint.cotangents.clone()));
    let mut items = match primal.result_type().as_tuple() {
        Some(types) => (0..types.len()).map(|i| b.get(value, i)).collect(),
        None => vec![value],
    };
    let mut active: Vec<u32> = spec.wrt.to_vec();
    active.sort_unstable();
    active.dedup();
    for i in spec.wrt.iter() {
        let place = active.binary_search(i).expect("it was put there");
        items.push(b.get(all, place));
    }
    b.tuple(&items)
}

/// The cotangent of a result from one seed for each of its float items.
fn seed(b: &mut Builder, result: &Type, seeds: &[NodeId]) -> NodeId {
    let Some(types) = result.as_tuple() else { return seeds.first().copied().unwrap_or_else(|| b.tuple(&[])) };
    let mut seeds = seeds.iter();
    let items: Vec<NodeId> = types
        .iter()
        .map(|ty| match ty.is_float() {
            true => *seeds.next().expect("a seed for each float item"),
            false => b.zero(ty.cotangent()),
        })
        .collect();
    b.tuple(&items)
}

/// Graphs from which a derivative can be reached.
fn with_derivatives(module: &Module) -> HashSet<GraphId> {
    let reachable = module.reachable();
    let mut with = HashSet::new();
    loop {
        let before = with.len();
        for &id in &reachable {
            let holds = |op: &Op| matches!(op, Op::Vjp(_)) || op.graphs().iter().any(|g| with.contains(g));
            if module.graph(id).nodes.iter().any(|n| holds(&n.op)) {
                with.insert(id);
            }
        }
        if with.len() == before {
            return with;
        }
    }
}
