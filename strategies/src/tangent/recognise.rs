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

use std::collections::HashMap;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, Module, Node, NodeId, Op, VjpSpec};
use adjudicate_ir::passes::{live, rebuild};
use adjudicate_ir::types::Type;

use super::{Tangents, carries, pair};
use crate::closure::activity::holds_function;
use crate::derivatives::with_derivatives;

/// Expands every tangent of a graph that has no derivatives inside; says whether there was any.
pub(crate) fn expand(module: &mut Module) -> bool {
    let with = with_derivatives(module);
    let mut found: HashMap<VjpSpec, Option<Linear>> = HashMap::new();
    let mut wanted: Vec<(GraphId, Vec<NodeId>)> = Vec::new();
    for id in module.reachable() {
        let graph = module.graph(id);
        let mut nodes = Vec::new();
        for (node, n) in graph.iter() {
            let Op::Vjp(spec) = &n.op else { continue };
            if !reads_value(graph, node, items(module.graph(spec.graph).result_type()).len()) {
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

fn items(ty: &Type) -> &[Type] {
    ty.as_tuple().unwrap_or(std::slice::from_ref(ty))
}

/// Whether anybody reads an item of the value of a derivative, which stand before its cotangents.
fn reads_value(graph: &Graph, derivative: NodeId, values: usize) -> bool {
    let live = live(graph);
    let reads = |(id, node): (NodeId, &Node)| {
        live[id.0 as usize] && node.args.contains(&derivative) && !matches!(node.op, Op::Get(i) if i as usize >= values)
    };
    graph.ret == derivative || graph.iter().any(reads)
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
        let mut depends = vec![false; graph.nodes.len()];
        let mut derivative: Option<(NodeId, VjpSpec, usize)> = None;
        for (id, node) in graph.iter() {
            let on = |a: &NodeId| depends[a.0 as usize];
            let is_result = id == graph.ret;
            depends[id.0 as usize] = match &node.op {
                Op::Param(i) => spec.wrt.contains(i),
                Op::Get(item) if derivative.as_ref().is_some_and(|(id, _, _)| *id == node.args[0]) => {
                    let (_, _, values) = derivative.as_ref()?;
                    *item as usize >= *values
                }
                _ if !node.args.iter().any(on) => false,
                Op::Vjp(inner) => {
                    let f = module.graph(inner.graph);
                    let known = node.args[..f.params.len()].iter().all(|a| !on(a));
                    let plain = is_plain(inner.graph) && !f.param_types().iter().any(holds_function);
                    if derivative.is_some() || !known || !plain || inner.seeds.is_some() {
                        return None;
                    }
                    derivative = Some((id, inner.clone(), items(f.result_type()).len()));
                    true
                }
                Op::Tuple if is_result => true,
                _ => return None,
            };
        }
        let (derivative, inner, values) = derivative?;
        let results = match graph.node(graph.ret).op {
            Op::Tuple => graph.node(graph.ret).args.to_vec(),
            _ if graph.result_type().as_tuple().is_none() => vec![graph.ret],
            _ => return None,
        };
        let mut cotangents = Vec::new();
        for id in results.into_iter().filter(|&id| graph.ty(id).is_float()) {
            cotangents.push(match graph.node(id).op {
                Op::Get(item) if depends[id.0 as usize] => Some(item as usize - values),
                _ if depends[id.0 as usize] => return None,
                _ => None,
            });
        }
        let f = module.graph(inner.graph);
        let mut seeds = Vec::new();
        for &seed in &graph.node(derivative).args[f.params.len()..] {
            seeds.push(match graph.node(seed).op {
                Op::Param(i) if depends[seed.0 as usize] => Some(i),
                _ => None,
            });
        }
        let result = f.result_type().clone();
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
        let both = b.emit(Op::Call(called), &all, pair(&self.result));
        let dy = b.get(both, 1);
        let floats: Vec<usize> =
            (0..items(&self.result).len()).filter(|&i| items(&self.result)[i].is_float()).collect();
        let is_tuple = self.result.as_tuple().is_some();
        let mut results: Vec<NodeId> = items(self.graph.result_type()).iter().map(|ty| b.zero(ty.clone())).collect();
        for &param in spec.wrt.iter() {
            let mut sum = b.zero(self.graph.ty(self.graph.params[param as usize]).clone());
            for (&item, seed) in floats.iter().zip(&self.seeds) {
                if *seed == Some(param) {
                    let dy = if is_tuple { b.get(dy, item) } else { dy };
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
