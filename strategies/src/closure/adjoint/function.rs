//! Function values: the closed form of a graph, and the code of `▶` of a function value.
//!
//! The closed form `▷g` of a recursive graph is registered before its body is made, so that the
//! body can call it. The [adapter](Adjoints::adapter) of `g` is `▷g` for all parameters that carry
//! sensitivity, with a backpropagator that puts the cotangents of the captures into one `env`.

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, Node, NodeId, Op};
use adjudicate_ir::passes::{copy_nodes, live};
use adjudicate_ir::prims;
use adjudicate_ir::span::Span;
use adjudicate_ir::types::Type;

use super::{Adjoint, Adjoints, Mask, Residual, active_types, call_forward, primed, residual_nodes};
use crate::activity::{self, Activity};
use crate::differential::Differential;

/// Types of what a closed form returns.
pub(super) struct PairType {
    /// The value and the backpropagator.
    pub(super) whole: Type,
    /// The backpropagator.
    back: Type,
    /// What that returns.
    cotangents: Vec<Type>,
}

impl Adjoints<'_> {
    /// ▷g: value and backpropagator.
    pub(super) fn closed(&mut self, g: GraphId, mask: &Mask) -> GraphId {
        let mut items = 0..;
        let to: Vec<Option<usize>> = mask.iter().map(|&active| if active { items.next() } else { None }).collect();
        self.paired(g, mask, &to, &self.pair_type(g, mask))
    }

    /// From the arguments of ▶g to its value and a backpropagator, whose result has the cotangents of g's active
    /// parameters at the items `to`, and zeros elsewhere.
    fn paired(&mut self, g: GraphId, mask: &Mask, to: &[Option<usize>], pair: &PairType) -> GraphId {
        let key = (g, mask.clone(), to.to_vec(), pair.cotangents.clone());
        if let Some(&done) = self.closed.get(&key) {
            return done;
        }
        let graph = self.module.graph(g);
        let id = self.module.add(placeholder(&format!("{}'", graph.name), graph.span));
        self.closed.insert(key, id);
        self.module.graphs[id.0 as usize] = self.pair(g, mask, to, pair);
        id
    }

    /// The body of that. Each branch of a [choice](Self::choice) makes a backpropagator of its own, which captures nothing
    /// of the other.
    fn pair(&mut self, g: GraphId, mask: &Mask, to: &[Option<usize>], pair: &PairType) -> Graph {
        let graph = self.module.graph(g).clone();
        let mut b = Builder::new(&format!("{}'", graph.name), graph.span);
        let args: Vec<NodeId> = graph.param_types().iter().map(|ty| b.param(primed(ty))).collect();
        let activity = activity::of(self.module, &graph, mask);
        let Some(branches) = self.choice(g, &activity) else {
            let adjoint = self.of(g, mask);
            let called = call_forward(self.module, &mut b, &adjoint, &args);
            let value = b.get(called, 0);
            let residuals = residual_nodes(&mut b, &adjoint, &args, called);
            let of_active: Vec<Option<usize>> = to.iter().zip(mask).filter(|(_, m)| **m).map(|(to, _)| *to).collect();
            let back = self.placed(&adjoint, &of_active, pair);
            let back = b.emit(Op::Closure(back), &residuals, pair.back.clone());
            let ret = b.emit(Op::Tuple, &[value, back], pair.whole.clone());
            return b.finish(ret);
        };
        let operands = &graph.node(graph.ret).args[1..];
        let mask: Mask = operands.iter().map(|&a| activity.is_active(a)).collect();
        let to: Vec<Option<usize>> = operands
            .iter()
            .map(|&a| match graph.node(a).op {
                Op::Param(i) => to[i as usize],
                _ => None,
            })
            .collect();
        let [then, other] = branches.map(|branch| self.paired(branch, &mask, &to, pair));
        let copied = copy_nodes(&mut b, &graph, &args, |b, id, op, args| match op {
            Op::If(..) if id == graph.ret => b.emit(Op::If(then, other), args, pair.whole.clone()),
            _ => b.emit(op.clone(), args, graph.ty(id).clone()),
        });
        let ret = copied.get(graph.ret);
        b.finish(ret)
    }

    /// The adjoint of a recursive choice, by its closed form: the backpropagator is all that ▶ keeps.
    pub(super) fn of_choice(&mut self, g: GraphId, mask: &Mask) -> Adjoint {
        let closed = self.closed(g, mask);
        let PairType { whole, back, cotangents } = self.pair_type(g, mask);
        let graph = self.module.graph(g);
        let (params, result) = (graph.param_types(), graph.result_type().cotangent());
        let mut f = Builder::new(&format!("{}'", graph.name), graph.span);
        let mut b = Builder::new(&format!("d{}", graph.name), graph.span);
        let args: Vec<NodeId> = params.iter().map(|ty| f.param(primed(ty))).collect();
        let ret = f.emit(Op::Call(closed), &args, whole);
        let operands = [b.param(back.clone()), b.param(result)];
        let all = b.emit(Op::Apply(Default::default()), &operands, Type::tuple(cotangents.clone()));
        let (forward, backward) = (self.module.add(f.finish(ret)), self.module.add(b.finish(all)));
        Adjoint { forward, backward, residuals: vec![Residual::Item(0)], returned: vec![back], cotangents }
    }

    /// The branches of a recursive graph whose result is an `If` that all sensitivity flows through, from parameters as
    /// they are: what a recursion with an early end is.
    pub(super) fn choice(&self, g: GraphId, activity: &Activity) -> Option<[GraphId; 2]> {
        let graph = self.module.graph(g);
        let ret = graph.node(graph.ret);
        let Op::If(then, other) = ret.op else { return None };
        let live = live(graph);
        let inactive = |(id, node): (NodeId, &Node)| {
            id == graph.ret || !live[id.0 as usize] || matches!(node.op, Op::Param(_)) || !activity.is_active(id)
        };
        (self.is_recursive(g) && graph.iter().all(inactive)).then_some([then, other])
    }

    /// ◀ with its cotangents at these items of the result of a backpropagator.
    fn placed(&mut self, adjoint: &Adjoint, to: &[Option<usize>], pair: &PairType) -> GraphId {
        let backward = self.module.graph(adjoint.backward);
        if to.iter().copied().eq((0..pair.cotangents.len()).map(Some)) {
            return adjoint.backward;
        }
        let mut b = Builder::new(&backward.name, backward.span);
        let params: Vec<NodeId> = backward.param_types().into_iter().map(|ty| b.param(ty)).collect();
        let all = b.emit(Op::Call(adjoint.backward), &params, Type::tuple(adjoint.cotangents.clone()));
        let mut items = vec![Differential::Zero; pair.cotangents.len()];
        for (k, place) in to.iter().enumerate().filter_map(|(k, place)| Some((k, (*place)?))) {
            let d = Differential::Whole(b.get(all, k));
            items[place] = std::mem::replace(&mut items[place], Differential::Zero).plus(d, &mut b);
        }
        let items: Vec<NodeId> = items.iter().zip(&pair.cotangents).map(|(d, ty)| d.materialise(&mut b, ty)).collect();
        let ret = b.tuple(&items);
        self.module.add(b.finish(ret))
    }

    /// The types of what ▷g returns.
    pub(super) fn pair_type(&self, g: GraphId, mask: &Mask) -> PairType {
        let graph = self.module.graph(g);
        let cotangents: Vec<Type> = active_types(graph, mask);
        let back = Type::function(vec![graph.result_type().cotangent()], Type::tuple(cotangents.clone()));
        PairType { whole: Type::tuple([primed(graph.result_type()), back.clone()]), back, cotangents }
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
        let PairType { whole, back: inner, .. } = self.pair_type(g, &mask);
        let closed = self.closed(g, &mask);
        let (back, back_type) = self.adapter_back(&name, span, (&types, captures), &mask, inner, &result);
        let mut b = Builder::new(&name, span);
        let args: Vec<NodeId> = types.iter().map(|ty| b.param(primed(ty))).collect();
        let pair = b.emit(Op::Call(closed), &args, whole);
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
