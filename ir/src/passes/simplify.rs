//! Local simplification in one walk: laws, constant folding, sharing of common subexpressions,
//! tuples taken apart where they are made, known branches and known calls.
//!
//! Every node is emitted through [`Simplifier::emit`], which first tries to do without it; what a
//! law leaves is emitted the same way, so one walk reaches a local fixed point.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::builder::Builder;
use crate::graph::{Args, Const, Graph, GraphId, Module, Node, NodeId, Op};
use crate::prims::Prim;
use crate::rules::{self, Term};
use crate::types::Type;
use crate::value::Value;

use super::Pass;
use super::inline::take_branch;
use super::rewrite::{copy_nodes, rebuild_all};

pub(super) const SIMPLIFY: Pass = Pass {
    name: "simplify",
    about: "laws, constant folding, common subexpressions, tuples, known branches and calls",
    run: |module| rebuild_all(module, |module, graph| simplify(module, graph)),
};

/// Constants of more elements are not computed beforehand.
const MAX_FOLDED: usize = 4096;

fn simplify(module: &Module, graph: &Graph) -> Graph {
    let mut builder = Builder::new(&graph.name, graph.span);
    let params: Vec<NodeId> = graph.params.iter().map(|&p| builder.param(graph.ty(p).clone())).collect();
    let mut s = Simplifier { module, known: HashMap::new() };
    let copied = copy_nodes(&mut builder, graph, &params, |b, id, op, args| s.emit(b, op.clone(), args, graph.ty(id)));
    builder.finish(copied.get(graph.ret))
}

struct Simplifier<'m> {
    module: &'m Module,
    known: HashMap<(Op, Args, Type), NodeId>,
}

impl Simplifier<'_> {
    fn emit(&mut self, b: &mut Builder, op: Op, args: &[NodeId], ty: &Type) -> NodeId {
        if let Some(done) = self.without(b, &op, args, ty) {
            return done;
        }
        let key = (op, Args::from_slice(args), ty.clone());
        if let Some(&same) = self.known.get(&key) {
            return same;
        }
        let id = b.emit(key.0.clone(), args, ty.clone());
        self.known.insert(key, id);
        id
    }

    /// A node that is equal and already there, or made of simpler ones.
    fn without(&mut self, b: &mut Builder, op: &Op, args: &[NodeId], ty: &Type) -> Option<NodeId> {
        match op {
            Op::Get(i) => self.get(b, *i, args[0], ty),
            Op::Apply(_) => {
                let Node { op: Op::Closure(code), args: captures, .. } = b.graph().node(args[0]).clone() else {
                    return None;
                };
                let all: Args = captures.iter().chain(&args[1..]).copied().collect();
                Some(self.emit(b, Op::Call(code), &all, ty))
            }
            Op::If(then, other) => self.known_branch(b, (*then, *other), args, ty),
            Op::Tuple => untuple(b, args),
            Op::Prim(prim) => self.by_law(b, prim, args, ty).or_else(|| self.fold(b, prim, args, ty)),
            _ => None,
        }
    }

    fn get(&mut self, b: &mut Builder, i: u32, tuple: NodeId, ty: &Type) -> Option<NodeId> {
        match b.graph().node(tuple).op {
            Op::Tuple => Some(b.graph().node(tuple).args[i as usize]),
            Op::Zero => Some(self.emit(b, Op::Zero, &[], ty)),
            _ => None,
        }
    }

    fn known_branch(
        &mut self,
        b: &mut Builder,
        (then, other): (GraphId, GraphId),
        args: &[NodeId],
        ty: &Type,
    ) -> Option<NodeId> {
        let Op::Const(Const::Bool(taken)) = b.graph().node(args[0]).op else { return None };
        let branch = if taken { then } else { other };
        Some(take_branch(self.module, b, branch, &args[1..], ty))
    }

    fn by_law(&mut self, b: &mut Builder, prim: &Prim, args: &[NodeId], ty: &Type) -> Option<NodeId> {
        for law in rules::laws() {
            let mut bound = Bindings::new();
            if matches_prim(b, &law.lhs, prim, args, &mut bound)
                && let Some(done) = self.build(b, &law.rhs, &bound, ty, true)
            {
                return Some(done);
            }
        }
        None
    }

    /// The right side of a law; `None` if it does not have the type of the left.
    fn build(
        &mut self,
        b: &mut Builder,
        term: &Term,
        bound: &Bindings<'_>,
        ty: &Type,
        outermost: bool,
    ) -> Option<NodeId> {
        match term {
            Term::Any(name) => {
                let id = bound.iter().find(|(n, _)| *n == name).map(|(_, id)| *id)?;
                (!outermost || b.ty(id) == ty).then_some(id)
            }
            Term::Zero => Some(self.emit(b, Op::Zero, &[], ty)),
            Term::Number(x) => Some(self.emit(b, Op::Const(Const::F64(*x)), &[], &Type::f64())),
            Term::Prim(name, terms) => {
                let def = crate::prims::by_name(name)?;
                let mut args = Args::new();
                for term in terms {
                    args.push(self.build(b, term, bound, ty, false)?);
                }
                let attrs = match &**name {
                    "reshape" | "broadcast_to" => ty.shape().iter().map(|&n| n as i64).collect(),
                    _ => SmallVec::new(),
                };
                let made = {
                    let types: SmallVec<[&Type; 4]> = args.iter().map(|&a| b.ty(a)).collect();
                    (def.ty)(&attrs, &types).ok()?
                };
                if outermost && made != *ty {
                    return None;
                }
                Some(self.emit(b, Op::Prim(Prim { def, attrs }), &args, &made))
            }
        }
    }

    /// The value of a primitive on constants.
    fn fold(&mut self, b: &mut Builder, prim: &Prim, args: &[NodeId], ty: &Type) -> Option<NodeId> {
        let constant = |&a: &NodeId| match &b.graph().node(a).op {
            Op::Const(c) => Some(Value::of_const(c)),
            _ => None,
        };
        if ty.as_tensor().is_none() || ty.size() > MAX_FOLDED || args.is_empty() {
            return None;
        }
        let mut values: Vec<Value> = args.iter().map(constant).collect::<Option<_>>()?;
        let value = (prim.def.eval)(&prim.attrs, &mut values, ty).ok()?;
        let folded = match value {
            Value::F64(x, _) => Const::F64(x),
            Value::I64(n) => Const::I64(n),
            Value::Bool(t) => Const::Bool(t),
            Value::Array(a, _) => Const::Array(a),
            Value::Ints(a) => Const::Ints(a),
            Value::Bools(a) => Const::Bools(a),
            Value::Tuple(_) | Value::Closure(..) | Value::Stack(_) | Value::Env(_) => return None,
        };
        Some(self.emit(b, Op::Const(folded), &[], ty))
    }
}

/// A tuple of all the items of another tuple, in order, is that tuple.
fn untuple(b: &Builder, args: &[NodeId]) -> Option<NodeId> {
    let first = b.graph().node(*args.first()?);
    let whole = *first.args.first()?;
    let item = |(i, &a): (usize, &NodeId)| {
        let node = b.graph().node(a);
        node.op == Op::Get(i as u32) && node.args[0] == whole
    };
    let items = b.ty(whole).as_tuple()?.len();
    (items == args.len() && args.iter().enumerate().all(item)).then_some(whole)
}

type Bindings<'l> = SmallVec<[(&'l str, NodeId); 4]>;

fn matches_prim<'l>(b: &Builder, term: &'l Term, prim: &Prim, args: &[NodeId], bound: &mut Bindings<'l>) -> bool {
    let Term::Prim(name, terms) = term else { return false };
    if *name != prim.def.name || terms.len() != args.len() {
        return false;
    }
    let before = bound.len();
    let in_order = |order: &mut dyn Iterator<Item = &NodeId>, bound: &mut Bindings<'l>| {
        bound.truncate(before);
        terms.iter().zip(order).all(|(term, &arg)| matches(b, term, arg, bound))
    };
    in_order(&mut args.iter(), bound)
        || matches!(prim.def.name, "add" | "mul") && in_order(&mut args.iter().rev(), bound)
}

fn matches<'l>(b: &Builder, term: &'l Term, id: NodeId, bound: &mut Bindings<'l>) -> bool {
    let node = b.graph().node(id);
    match (term, &node.op) {
        (Term::Any(name), _) => match bound.iter().find(|(n, _)| n == name) {
            Some((_, same)) => *same == id,
            None => {
                bound.push((name, id));
                true
            }
        },
        (Term::Zero, op) => *op == Op::Zero,
        (Term::Number(x), Op::Const(Const::F64(y))) => x.to_bits() == y.to_bits(),
        (Term::Number(x), Op::Const(Const::Array(a))) => a.as_slice().iter().all(|y| x.to_bits() == y.to_bits()),
        (Term::Number(_), Op::Prim(p)) if p.def.name == "broadcast_to" => matches(b, term, node.args[0], bound),
        (Term::Prim(..), Op::Prim(p)) => matches_prim(b, term, p, &node.args, bound),
        _ => false,
    }
}
