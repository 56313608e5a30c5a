//! Derivatives in a program, replaced by calls of forward and backward graphs.

use adjudicate_ir::batch::{Mask, batch};
use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{GraphId, Module, NodeId, Op, VjpSpec};
use adjudicate_ir::passes::rebuild;
use adjudicate_ir::span::{Diagnostic, SourceMap, Span};
use adjudicate_ir::types::Type;
use rustc_hash::FxHashMap;

use super::adjoint::{Adjoint, Adjoints, call_forward, primed, residual_nodes};
use super::pairs;
use crate::derivatives::{places, with_derivatives};
use crate::kept::{Parted, outermost};
use crate::tangent;

/// Expands every derivative of a graph that has none inside; says whether there was any. Those that
/// take function values come when there are no others.
pub(super) fn expand_innermost(module: &mut Module, sources: &SourceMap) -> Result<bool, Box<Diagnostic>> {
    if tangent::expand(module) {
        return Ok(true);
    }
    let with = with_derivatives(module);
    let mut found: Vec<(GraphId, VjpSpec)> = Vec::new();
    let mut outer = None;
    for id in module.reachable() {
        for node in &module.graph(id).nodes {
            match &node.op {
                Op::Vjp(spec) if with.contains(&spec.graph) => {
                    outer = Some(places(module, node.span, spec.graph));
                }
                Op::Vjp(spec) => found.push((id, spec.clone())),
                _ => {}
            }
        }
    }
    if let (true, Some(places)) = (found.is_empty(), outer) {
        return Err(unbounded(sources, places));
    }
    let (taking, found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(_, spec)| pairs::takes_function(module, spec));
    if found.is_empty() && !taking.is_empty() {
        pairs::pair(module, sources, &taking, &with)?;
        return Ok(true);
    }
    let mut adjoints = Adjoints::new(module);
    let mut made: FxHashMap<VjpSpec, Adjoint> = FxHashMap::default();
    for (_, spec) in &found {
        let params = adjoints.module.graph(spec.graph).params.len() as u32;
        let mask: Vec<bool> = (0..params).map(|i| spec.wrt.contains(&i)).collect();
        let adjoint = adjoints.of(spec.graph, &mask);
        made.insert(spec.clone(), adjoint);
    }
    let mut users: Vec<GraphId> = found.iter().map(|(id, _)| *id).collect();
    users.dedup();
    let mut many: FxHashMap<VjpSpec, GraphId> = FxHashMap::default();
    for (_, spec) in found.iter().filter(|(_, spec)| spec.seeds.is_some()) {
        if !many.contains_key(spec) {
            many.insert(spec.clone(), many_seeds(module, spec, &made[spec])?);
        }
    }
    for id in users {
        let graph = module.graph(id).clone();
        let expanded = rebuild(&graph, |b, node, op, args| match op {
            Op::Vjp(spec) if many.contains_key(spec) => b.emit(Op::Call(many[spec]), args, graph.ty(node).clone()),
            Op::Vjp(spec) if made.contains_key(spec) => emit(b, module, spec, &made[spec], args),
            _ => b.emit(op.clone(), args, graph.ty(node).clone()),
        });
        module.graphs[id.0 as usize] = expanded;
    }
    Ok(!found.is_empty())
}

/// The program up to its outermost derivative, forward nodes before backward nodes.
pub(super) fn part(module: &mut Module) -> Option<Parted> {
    let (node, spec) = outermost(module)?;
    if pairs::takes_function(module, &spec) {
        return None;
    }
    let primal = module.graph(spec.graph);
    let (dy, params) = (primal.result_type().cotangent(), primal.params.len());
    let mask: Vec<bool> = (0..params as u32).map(|i| spec.wrt.contains(&i)).collect();
    let program = module.graph(module.entry).clone();
    let adjoint = Adjoints::new(module).of(spec.graph, &mask);
    Some(Parted::new(&program, node, vec![dy], |mut b, operands, dy| {
        let args = &operands[..params];
        let called = call_forward(module, &mut b, &adjoint, args);
        let mut all = residual_nodes(&mut b, &adjoint, args, called);
        let mark = b.graph().nodes.len();
        all.extend(dy);
        let ret = b.emit(Op::Call(adjoint.backward), &all, Type::tuple(adjoint.cotangents.clone()));
        (b.finish(ret), mark)
    }))
}

/// A derivative whose order has no bound, of a function that is made at the second of the places.
pub(super) fn unbounded(sources: &SourceMap, places: [Span; 3]) -> Box<Diagnostic> {
    let (span, function) = sources.subject(&places);
    let message = format!(
        "the order of this derivative in {function} is known only at run time: \
         what is differentiated may take the same derivative in turn"
    );
    let help = "nest derivatives a number of times that is known before the program runs, or use the strategy `tape`";
    Box::new(Diagnostic::new(span, message).help(help).note(places[1], "what is differentiated is made here"))
}

/// The derivative for several seeds at once: that for one, batched in the seed alone. Function
/// values among the arguments are those of transformed code.
pub(super) fn many_seeds(module: &mut Module, spec: &VjpSpec, adjoint: &Adjoint) -> Result<GraphId, Box<Diagnostic>> {
    let primal = module.graph(spec.graph);
    let mut b = Builder::new(&format!("d{}", primal.name), primal.span);
    let args: Vec<NodeId> = primal.param_types().iter().map(|ty| b.param(primed(ty))).collect();
    let result = primal.result_type();
    let items = result.items();
    let seeds: Vec<NodeId> = items.iter().filter(|ty| ty.is_float()).map(|ty| b.param(ty.clone())).collect();
    let masks: Vec<Mask> = args.iter().map(|_| Mask::None).chain(seeds.iter().map(|_| Mask::All)).collect();
    let values = items.len();
    let ret = emit(&mut b, module, spec, adjoint, &[args, seeds].concat());
    let one = module.add(b.finish(ret));
    let wanted = (0..values).map(|_| Mask::None).chain(spec.wrt.iter().map(|_| Mask::All)).collect();
    let count = spec.seeds.expect("several seeds");
    Ok(batch(module, one, &masks, &Mask::items(wanted), count)?.graph)
}

/// Forward, backward, and the tuple of the results of both.
pub(super) fn emit(b: &mut Builder, module: &Module, spec: &VjpSpec, adjoint: &Adjoint, operands: &[NodeId]) -> NodeId {
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
