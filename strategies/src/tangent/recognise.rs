//! Finds tangents in a program, and expands them.
//!
//! The pullback of `f` at `x` is linear in its cotangent, and its own pullback along `ẋ` is the tangent of `f`:
//!
//! ```text
//! P (ȳ, x…) = vjp f (x…, ȳ)            vjp P for ȳ, along ẋ  =  ḟ (x…, ẋ…)
//! ```
//!
//! [`expand`] replaces such a derivative of a derivative by the call of `ḟ`, if `f` has no derivatives
//! inside and is not given functions, and nobody reads the value of `P`.

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, Module, Node, NodeId, Op, VjpSpec};
use adjudicate_ir::passes::{live, rebuild};
use adjudicate_ir::types::Type;
use rustc_hash::FxHashMap;

use super::{Tangents, carries, tangent_places, with_tangents};
use crate::activity::holds_function;
use crate::derivatives::with_derivatives;

/// Expands every tangent of a graph that has no derivatives inside; says whether there was any.
pub(crate) fn expand(module: &mut Module) -> bool {
    let with = with_derivatives(module);
    let mut found: FxHashMap<VjpSpec, Option<Linear>> = FxHashMap::default();
    let mut wanted: Vec<(GraphId, Vec<NodeId>)> = Vec::new();
    for id in module.reachable() {
        let graph = module.graph(id);
        let mut nodes = Vec::new();
        for (node, n) in graph.iter() {
            let Op::Vjp(spec) = &n.op else { continue };
            if !reads_value(graph, node, module.graph(spec.graph).result_type().items().len()) {
                let linear =
                    found.entry(spec.clone()).or_insert_with(|| Linear::find(module, spec, &|g| !with.contains(&g)));
                nodes.extend(linear.as_ref().map(|_| node));
            }
        }
        if !nodes.is_empty() {
            wanted.push((id, nodes));
        }
    }
    let mut tangents = Tangents::new(module);
    for (id, nodes) in &wanted {
        let graph = tangents.module.graph(*id).clone();
        let expanded = rebuild(&graph, |b, node, op, args| match op {
            Op::Vjp(spec) if nodes.contains(&node) => {
                found[spec].as_ref().expect("it is one of those found").emit(&mut tangents, b, spec, args)
            }
            _ => b.emit(op.clone(), args, graph.ty(node).clone()),
        });
        tangents.module.graphs[id.0 as usize] = expanded;
    }
    !wanted.is_empty()
}

/// Whether anybody reads an item of the value of a derivative, which stand before its cotangents.
fn reads_value(graph: &Graph, derivative: NodeId, values: usize) -> bool {
    let live = live(graph);
    let reads = |(id, node): (NodeId, &Node)| {
        live[id.0 as usize] && node.args.contains(&derivative) && !matches!(node.op, Op::Get(i) if i as usize >= values)
    };
    graph.ret == derivative || graph.iter().any(reads)
}

/// The derivative in a graph through which alone, and linearly, its result depends on some parameters; and which
/// nodes depend on these.
fn only_derivative(
    module: &Module,
    graph: &Graph,
    wrt: &[u32],
    is_plain: &dyn Fn(GraphId) -> bool,
) -> Option<(NodeId, VjpSpec, Vec<bool>)> {
    let mut depends = vec![false; graph.nodes.len()];
    let mut derivative: Option<(NodeId, VjpSpec, usize)> = None;
    for (id, node) in graph.iter() {
        let on = |a: &NodeId| depends[a.0 as usize];
        depends[id.0 as usize] = match (&node.op, &derivative) {
            (Op::Param(i), _) => wrt.contains(i),
            (Op::Get(item), Some((made, _, values))) if *made == node.args[0] => *item as usize >= *values,
            _ if !node.args.iter().any(on) => false,
            (Op::Vjp(inner), None) => {
                let f = module.graph(inner.graph);
                let known = node.args[..f.params.len()].iter().all(|a| !on(a));
                let plain = is_plain(inner.graph) && !f.param_types().iter().any(holds_function);
                if !known || !plain || inner.seeds.is_some() {
                    return None;
                }
                derivative = Some((id, inner.clone(), f.result_type().items().len()));
                true
            }
            (Op::Tuple, _) if id == graph.ret => true,
            _ => return None,
        };
    }
    let (id, inner, _) = derivative?;
    Some((id, inner, depends))
}

/// By float item of the result of a graph: which cotangent of its derivative, which has so many values, it is.
fn cotangents(graph: &Graph, depends: &[bool], values: usize) -> Option<Vec<Option<usize>>> {
    let results = match graph.node(graph.ret).op {
        Op::Tuple => graph.node(graph.ret).args.to_vec(),
        _ if graph.result_type().as_tuple().is_none() => vec![graph.ret],
        _ => return None,
    };
    let floats = results.into_iter().filter(|&id| graph.ty(id).is_float());
    let cotangent = |id: NodeId| match graph.node(id).op {
        Op::Get(item) if depends[id.0 as usize] => Some(Some(item as usize - values)),
        _ if depends[id.0 as usize] => None,
        _ => Some(None),
    };
    floats.map(cotangent).collect()
}

/// A graph that gives the cotangents of another, differentiated for the cotangents it is given.
struct Linear {
    /// P.
    graph: Graph,
    /// The derivative in it.
    derivative: NodeId,
    inner: VjpSpec,
    /// By float item of the result of P: which cotangent of the derivative it is, if it is one.
    cotangents: Vec<Option<usize>>,
    /// By float item of the result of f: the parameter of P that is its cotangent, if it is one of those asked for.
    seeds: Vec<Option<u32>>,
    /// The type of the result of f.
    result: Type,
}

impl Linear {
    fn find(module: &Module, spec: &VjpSpec, is_plain: &dyn Fn(GraphId) -> bool) -> Option<Self> {
        if spec.seeds.is_some() {
            return None;
        }
        let graph = module.graph(spec.graph);
        let (derivative, inner, depends) = only_derivative(module, graph, &spec.wrt, is_plain)?;
        let f = module.graph(inner.graph);
        let cotangents = cotangents(graph, &depends, f.result_type().items().len())?;
        let seeds = graph.node(derivative).args[f.params.len()..].iter().map(|&seed| match graph.node(seed).op {
            Op::Param(i) if depends[seed.0 as usize] => Some(i),
            _ => None,
        });
        let (seeds, result) = (seeds.collect(), f.result_type().clone());
        Some(Self { graph: graph.clone(), derivative, inner, cotangents, seeds, result })
    }

    /// The value of P, which nobody reads, and the cotangents asked for.
    fn emit(&self, tangents: &mut Tangents<'_>, b: &mut Builder, spec: &VjpSpec, operands: &[NodeId]) -> NodeId {
        let (args, along) = operands.split_at(self.graph.params.len());
        let params = tangents.module.graph(self.inner.graph).params.len();
        let types = tangents.module.graph(self.inner.graph).param_types();
        let mut dx: Vec<Option<NodeId>> = vec![None; params];
        for (cotangent, &v) in self.cotangents.iter().zip(along) {
            if let Some(which) = cotangent {
                let place = &mut dx[self.inner.wrt[*which] as usize];
                *place = Some(place.map_or(v, |sum| b.accumulate(sum, v)));
            }
        }
        let mask: Vec<bool> = dx.iter().zip(&types).map(|(dx, ty)| dx.is_some() && carries(ty)).collect();
        let called = tangents.of(self.inner.graph, &mask);
        let mut all = self.arguments(b, args, params);
        all.extend(dx.into_iter().flatten());
        let called = b.emit(Op::Call(called), &all, with_tangents(&self.result));
        let floats = self.result.items().iter().zip(tangent_places(&self.result));
        let places: Vec<usize> = floats.filter(|(ty, _)| ty.is_float()).filter_map(|(_, place)| place).collect();
        let mut results: Vec<NodeId> = self.graph.result_type().items().iter().map(|ty| b.zero(ty.clone())).collect();
        for &param in spec.wrt.iter() {
            let mut sum = b.zero(self.graph.ty(self.graph.params[param as usize]).clone());
            for (&place, seed) in places.iter().zip(&self.seeds) {
                if *seed == Some(param) {
                    let dy = b.get(called, place);
                    sum = b.accumulate(sum, dy);
                }
            }
            results.push(sum);
        }
        b.tuple(&results)
    }

    /// The arguments of f, from those of P.
    fn arguments(&self, b: &mut Builder, args: &[NodeId], params: usize) -> Vec<NodeId> {
        let wanted = &self.graph.node(self.derivative).args[..params];
        let mut needed = vec![false; self.graph.nodes.len()];
        wanted.iter().for_each(|a| needed[a.0 as usize] = true);
        for (id, node) in self.graph.iter().rev() {
            if needed[id.0 as usize] {
                node.args.iter().for_each(|a| needed[a.0 as usize] = true);
            }
        }
        let mut map: Vec<Option<NodeId>> = vec![None; self.graph.nodes.len()];
        let copy = |map: &[Option<NodeId>], a: NodeId| map[a.0 as usize].expect("operands come first");
        for (id, node) in self.graph.iter().filter(|(id, _)| needed[id.0 as usize]) {
            map[id.0 as usize] = Some(match node.op {
                Op::Param(i) => args[i as usize],
                _ => {
                    let args: Vec<NodeId> = node.args.iter().map(|&a| copy(&map, a)).collect();
                    b.emit(node.op.clone(), &args, node.ty.clone())
                }
            });
        }
        wanted.iter().map(|&a| copy(&map, a)).collect()
    }
}
