//! Derivatives of functions that take function values known only at run time.
//!
//! `▶g` takes `▶h` for a parameter `h` that is a function, and what `▶h` is depends on how `h` was
//! made. So before such a derivative is expanded, every function value that may reach it becomes a
//! pair `(h, ▶h)`, made where `h` is made: of `closure g (c…)` the second item is the closure of the
//! [adapter](Adjoints::adapter) of `g` and `▶c…`, where `▶` of a captured pair is its second item.
//! Code that calls `h` takes the first item; the derivative takes the second.
//!
//! Notation: `P(t)` is the type of a value of type `t` in the rewritten program. Types of functions
//! are paired, not single functions: those that reach a derivative, and those captured in them.
//! The code of a paired function has no derivatives inside, or its order would have no bound: then
//! [`pair`] makes no pairs and says which derivative is in the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, Module, Node, NodeId, Op, VjpSpec};
use adjudicate_ir::span::{Diagnostic, SourceMap, Span};
use adjudicate_ir::types::{FnType, Type};
use rustc_hash::{FxHashMap, FxHashSet};

use super::adjoint::{Adjoints, primed};
use super::expand::{emit, many_seeds, unbounded};
use crate::activity::holds_function;

/// Whether a derivative takes function values.
pub(super) fn takes_function(module: &Module, spec: &VjpSpec) -> bool {
    module.graph(spec.graph).param_types().iter().any(holds_function)
}

/// Expands derivatives that take function values; of those whose functions have derivatives inside
/// `with`, the position of the first is the error.
pub(super) fn pair(
    module: &mut Module,
    sources: &SourceMap,
    found: &[(GraphId, VjpSpec)],
    with: &FxHashSet<GraphId>,
) -> Result<(), Box<Diagnostic>> {
    let mut paired = BTreeSet::new();
    for (_, spec) in found {
        module.graph(spec.graph).param_types().iter().for_each(|ty| collect(ty, &mut paired));
    }
    let old = module.reachable();
    close_over_captures(module, &old, &mut paired);
    for &id in &old {
        for node in &module.graph(id).nodes {
            if let (Op::Closure(code), Type::Fn(f)) = (&node.op, &node.ty)
                && paired.contains(f)
                && with.contains(code)
            {
                let at = found.first().map_or(node.span, |(id, spec)| span_of(module, *id, spec));
                return Err(unbounded(sources, [at, node.span, module.graph(module.entry).span]));
            }
        }
    }
    let unit = Builder::new("", Span::default());
    let blank = {
        let mut b = unit;
        let ret = b.tuple(&[]);
        b.finish(ret)
    };
    let new: FxHashMap<GraphId, GraphId> = old.iter().map(|&id| (id, module.add(blank.clone()))).collect();
    let mut adjoints = Adjoints::new(module);
    for &id in &old {
        let graph = adjoints.module.graph(id).clone();
        let made = Rewrite { paired: &paired, new: &new, found, graph: &graph }.graph(&mut adjoints)?;
        adjoints.module.graphs[new[&id].0 as usize] = made;
    }
    module.entry = new[&module.entry];
    Ok(())
}

/// Where a derivative stands.
fn span_of(module: &Module, id: GraphId, spec: &VjpSpec) -> Span {
    let graph = module.graph(id);
    let node = graph.nodes.iter().find(|n| matches!(&n.op, Op::Vjp(s) if s == spec));
    node.map_or(graph.span, |n| n.span)
}

/// The function types of values that a value of this type holds.
fn collect(ty: &Type, out: &mut BTreeSet<Arc<FnType>>) {
    match ty {
        Type::Fn(f) => {
            out.insert(f.clone());
        }
        Type::Tuple(items) => items.iter().for_each(|ty| collect(ty, out)),
        Type::Stack(item) => collect(item, out),
        Type::Tensor(..) | Type::Env | Type::Unknown => {}
    }
}

fn close_over_captures(module: &Module, graphs: &[GraphId], paired: &mut BTreeSet<Arc<FnType>>) {
    loop {
        let before = paired.len();
        for &id in graphs {
            let graph = module.graph(id);
            for node in &graph.nodes {
                if let (Op::Closure(_), Type::Fn(f)) = (&node.op, &node.ty)
                    && paired.contains(f)
                {
                    node.args.iter().for_each(|&a| collect(graph.ty(a), paired));
                }
            }
        }
        if paired.len() == before {
            return;
        }
    }
}

/// One graph of the program and what it becomes.
struct Rewrite<'a> {
    paired: &'a BTreeSet<Arc<FnType>>,
    new: &'a FxHashMap<GraphId, GraphId>,
    /// The derivatives that are expanded.
    found: &'a [(GraphId, VjpSpec)],
    graph: &'a Graph,
}

impl Rewrite<'_> {
    fn graph(&self, adjoints: &mut Adjoints<'_>) -> Result<Graph, Box<Diagnostic>> {
        let mut b = Builder::new(&self.graph.name, self.graph.span);
        let params: Vec<NodeId> = self.graph.param_types().iter().map(|ty| b.param(self.ty(ty))).collect();
        let mut made: Vec<NodeId> = Vec::new();
        for (id, node) in self.graph.iter() {
            b.span = node.span;
            let args: Vec<NodeId> = node.args.iter().map(|a| made[a.0 as usize]).collect();
            made.push(match &node.op {
                Op::Param(i) => params[*i as usize],
                _ => self.node(adjoints, &mut b, id, node, &args)?,
            });
        }
        Ok(b.finish(made[self.graph.ret.0 as usize]))
    }

    fn node(
        &self,
        adjoints: &mut Adjoints<'_>,
        b: &mut Builder,
        id: NodeId,
        node: &Node,
        args: &[NodeId],
    ) -> Result<NodeId, Box<Diagnostic>> {
        Ok(match (&node.op, &node.ty) {
            (Op::Closure(code), Type::Fn(f)) => {
                let plain = b.emit(Op::Closure(self.new[code]), args, self.plain(f));
                if !self.paired.contains(f) {
                    return Ok(plain);
                }
                let code = adjoints.adapter(*code, args.len());
                let types = node.args.iter().map(|&a| self.graph.ty(a));
                let captures: Vec<NodeId> = args.iter().zip(types).map(|(&x, ty)| self.prime(b, x, ty)).collect();
                let second = b.emit(Op::Closure(code), &captures, primed(&node.ty));
                b.tuple(&[plain, second])
            }
            (Op::Apply(_), ty) => {
                let mut args = args.to_vec();
                let is_pair = matches!(self.graph.ty(node.args[0]), Type::Fn(f) if self.paired.contains(f));
                if is_pair {
                    args[0] = b.get(args[0], 0);
                }
                b.emit(node.op.clone(), &args, self.ty(ty))
            }
            (Op::Vjp(spec), _) if self.found.iter().any(|(_, s)| s == spec) => {
                self.derivative(adjoints, b, node, spec, args)?
            }
            (Op::Tuple, _) => b.tuple(args),
            (Op::Get(i), _) => b.get(args[0], *i as usize),
            (Op::Prim(prim), ty) => b.reapply(prim, args, self.ty(ty)),
            (op, ty) => {
                debug_assert!(!matches!(op, Op::Param(_)), "{id} is no parameter");
                b.emit(op.map_graphs(|g| self.new[&g]), args, self.ty(ty))
            }
        })
    }

    /// A derivative, expanded: it takes `▶` of its arguments, and seeds as they are.
    fn derivative(
        &self,
        adjoints: &mut Adjoints<'_>,
        b: &mut Builder,
        node: &Node,
        spec: &VjpSpec,
        args: &[NodeId],
    ) -> Result<NodeId, Box<Diagnostic>> {
        let types = adjoints.module.graph(spec.graph).param_types();
        let operand = |(i, &x): (usize, &NodeId)| types.get(i).map_or(x, |ty| self.prime(b, x, ty));
        let operands: Vec<NodeId> = args.iter().enumerate().map(operand).collect();
        let mask: Vec<bool> = (0..types.len() as u32).map(|i| spec.wrt.contains(&i)).collect();
        let adjoint = adjoints.of(spec.graph, &mask);
        Ok(match spec.seeds {
            None => emit(b, adjoints.module, spec, &adjoint, &operands),
            Some(_) => {
                let many = many_seeds(adjoints.module, spec, &adjoint)?;
                b.emit(Op::Call(many), &operands, node.ty.clone())
            }
        })
    }

    /// `▶x` for a value of the rewritten program that had this type.
    fn prime(&self, b: &mut Builder, x: NodeId, ty: &Type) -> NodeId {
        match ty {
            Type::Fn(_) => b.get(x, 1),
            Type::Tuple(items) if holds_function(ty) => {
                let items: Vec<NodeId> = items
                    .iter()
                    .enumerate()
                    .map(|(i, ty)| {
                        let item = b.get(x, i);
                        self.prime(b, item, ty)
                    })
                    .collect();
                b.tuple(&items)
            }
            _ => x,
        }
    }

    /// P(t).
    fn ty(&self, ty: &Type) -> Type {
        match ty {
            Type::Fn(f) if self.paired.contains(f) => Type::tuple([self.plain(f), primed(ty)]),
            Type::Fn(f) => self.plain(f),
            Type::Tuple(items) => Type::Tuple(items.iter().map(|ty| self.ty(ty)).collect()),
            Type::Stack(item) => Type::stack(self.ty(item)),
            Type::Tensor(..) | Type::Env | Type::Unknown => ty.clone(),
        }
    }

    fn plain(&self, f: &FnType) -> Type {
        Type::function(f.params.iter().map(|ty| self.ty(ty)).collect(), self.ty(&f.result))
    }
}
