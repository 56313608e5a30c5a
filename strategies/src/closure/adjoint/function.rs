//! Function values: the closed form of a graph, and the code of `▶` of a function value.
//!
//! The closed form `▷g` of a recursive graph is registered before its body is made, so that the
//! body can call it. The [adapter](Adjoints::adapter) of `g` is `▷g` for all parameters that carry
//! sensitivity, with a backpropagator that puts the cotangents of the captures into one `env`.

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, NodeId, Op};
use adjudicate_ir::prims;
use adjudicate_ir::span::Span;
use adjudicate_ir::types::Type;

use super::{Adjoints, Mask, active_types, call_forward, primed, residual_nodes};

impl Adjoints<'_> {
    /// ▷g: value and backpropagator.
    pub(super) fn closed(&mut self, g: GraphId, mask: &Mask) -> GraphId {
        let key = (g, mask.clone());
        if let Some(&done) = self.closed.get(&key) {
            return done;
        }
        let graph = self.module.graph(g);
        let (name, span) = (format!("{}'", graph.name), graph.span);
        let params: Vec<Type> = graph.param_types().iter().map(primed).collect();
        let (pair, back) = self.pair_type(g, mask);
        let id = self.module.add(placeholder(&name, span));
        self.closed.insert(key, id);
        let adjoint = self.of(g, mask);
        let mut b = Builder::new(&name, span);
        let args: Vec<NodeId> = params.into_iter().map(|ty| b.param(ty)).collect();
        let called = call_forward(self.module, &mut b, &adjoint, &args);
        let value = b.get(called, 0);
        let residuals = residual_nodes(&mut b, &adjoint, &args, called);
        let back = b.emit(Op::Closure(adjoint.backward), &residuals, back);
        let ret = b.emit(Op::Tuple, &[value, back], pair);
        self.module.graphs[id.0 as usize] = b.finish(ret);
        id
    }

    /// The types of what ▷g returns and of its backpropagator.
    pub(super) fn pair_type(&self, g: GraphId, mask: &Mask) -> (Type, Type) {
        let graph = self.module.graph(g);
        let cotangents: Vec<Type> = active_types(graph, mask);
        let back = Type::function(vec![graph.result_type().cotangent()], Type::tuple(cotangents));
        (Type::tuple([primed(graph.result_type()), back.clone()]), back)
    }

    /// The code of ▶ of a function value made of `g`: from captures and arguments to the value and a
    /// backpropagator that returns an env for the captures, then a cotangent for each argument.
    pub(in crate::closure) fn adapter(&mut self, g: GraphId, captures: usize) -> GraphId {
        if let Some(&done) = self.adapters.get(&(g, captures)) {
            return done;
        }
        let graph = self.module.graph(g);
        let (name, span) = (format!("{}'", graph.name), graph.span);
        let types = graph.param_types();
        let result = graph.result_type().clone();
        let mask: Mask = types.iter().map(Type::is_differentiable).collect();
        let id = self.module.add(placeholder(&name, span));
        self.adapters.insert((g, captures), id);
        let (_, inner) = self.pair_type(g, &mask);
        let closed = self.closed(g, &mask);
        let (back, back_type) = self.adapter_back(&name, span, (&types, captures), &mask, inner.clone(), &result);
        let mut b = Builder::new(&name, span);
        let args: Vec<NodeId> = types.iter().map(|ty| b.param(primed(ty))).collect();
        let pair = b.emit(Op::Call(closed), &args, Type::tuple([primed(&result), inner]));
        let (value, pulled) = (b.get(pair, 0), b.get(pair, 1));
        let back = b.emit(Op::Closure(back), &[pulled], back_type);
        let ret = b.tuple(&[value, back]);
        self.module.graphs[id.0 as usize] = b.finish(ret);
        id
    }

    /// The backpropagator of a function value, from that of its code `inner` and `dy`, and its type once
    /// it has captured `inner`.
    fn adapter_back(
        &mut self,
        name: &str,
        span: Span,
        (types, captures): (&[Type], usize),
        mask: &Mask,
        inner: Type,
        result: &Type,
    ) -> (GraphId, Type) {
        let active: Vec<Type> = types.iter().zip(mask).filter(|(_, m)| **m).map(|(t, _)| t.cotangent()).collect();
        let mut b = Builder::new(name, span);
        let pulled = b.param(inner);
        let d = b.param(result.cotangent());
        let all = b.emit(Op::Apply(Default::default()), &[pulled, d], Type::tuple(active));
        let mut at = 0;
        let mut items = Vec::new();
        for (ty, active) in types.iter().zip(mask) {
            items.push(if *active { b.get(all, at) } else { b.zero(ty.cotangent()) });
            at += usize::from(*active);
        }
        let env = b.prim(&prims::ENV_MAKE, &[], &items[..captures]);
        let ret: Vec<NodeId> = std::iter::once(env).chain(items[captures..].iter().copied()).collect();
        let ret = b.tuple(&ret);
        let ty = Type::function(vec![result.cotangent()], b.ty(ret).clone());
        (self.module.add(b.finish(ret)), ty)
    }
}

/// A graph whose id is needed before its body is known.
fn placeholder(name: &str, span: Span) -> Graph {
    let mut b = Builder::new(name, span);
    let unit = b.tuple(&[]);
    b.finish(unit)
}
