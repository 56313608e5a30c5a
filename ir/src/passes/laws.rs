//! The rewrite laws applied; see [`crate::rules`].
//!
//! A node is compared with the left sides of the laws of its primitive. What a law puts in its place is
//! compared again, so one walk reaches what the laws leave.

use smallvec::SmallVec;

use crate::builder::Builder;
use crate::graph::{Args, Const, Graph, NodeId, Op};
use crate::prims::{Attrs, Prim};
use crate::rules::{self, Law, Term};
use crate::types::Type;

use super::rewrite::{live, replace_nodes};
use super::{Pass, Run};

pub(super) const LAWS: Pass =
    Pass { name: "laws", about: "applies the rewrite laws of arithmetic and layout", run: Run::Graph(laws) };

fn laws(graph: &Graph) -> Option<Graph> {
    replace_nodes(graph, |b, op, args, ty| match op {
        Op::Prim(prim) => by_law(b, prim, args, ty),
        _ => None,
    })
}

/// A graph with one law applied to the node that it returns, if it applies.
pub fn apply_law(law: &Law, graph: &Graph) -> Option<Graph> {
    let mut node = 0;
    let count = live(graph).iter().zip(&graph.nodes).filter(|(l, n)| **l && !matches!(n.op, Op::Param(_))).count();
    replace_nodes(graph, |b, op, args, ty| {
        node += 1;
        match op {
            Op::Prim(prim) if node == count => apply(b, law, prim, args, ty),
            _ => None,
        }
    })
}

fn by_law(b: &mut Builder, prim: &Prim, args: &[NodeId], ty: &Type) -> Option<NodeId> {
    rules::laws_of(prim.def).iter().find_map(|law| apply(b, law, prim, args, ty))
}

fn apply(b: &mut Builder, law: &Law, prim: &Prim, args: &[NodeId], ty: &Type) -> Option<NodeId> {
    let mut bound = Bound::default();
    let fits = matches_prim(b, &law.lhs, prim, args, &mut bound) && holds(b, law, &bound);
    if fits { right_side(b, &law.rhs, &bound, ty) } else { None }
}

/// What the names of a law stand for.
#[derive(Default)]
struct Bound {
    nodes: SmallVec<[(&'static str, NodeId); 4]>,
    attrs: SmallVec<[(&'static str, Attrs); 2]>,
}

impl Bound {
    fn node(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().find(|(n, _)| *n == name).map(|(_, id)| *id)
    }

    fn attrs(&self, name: &str) -> Option<&Attrs> {
        self.attrs.iter().find(|(n, _)| *n == name).map(|(_, attrs)| attrs)
    }
}

fn holds(b: &Builder, law: &Law, bound: &Bound) -> bool {
    let Some((condition, names)) = &law.condition else { return true };
    let attrs: Vec<&Attrs> = names.iter().filter_map(|n| bound.attrs(n)).collect();
    let types: Vec<&Type> = names.iter().filter_map(|n| bound.node(n)).map(|id| b.ty(id)).collect();
    condition(&attrs, &types)
}

/// The right side of a law; `None` if it does not have the type of the left.
fn right_side(b: &mut Builder, term: &Term, bound: &Bound, ty: &Type) -> Option<NodeId> {
    if let Term::Any(name) = term {
        let id = bound.node(name)?;
        return (b.ty(id) == ty).then_some(id);
    }
    // Nothing is emitted unless all of it fits.
    (type_of(b, term, bound, ty)? == *ty).then(|| emit(b, term, bound, ty))
}

/// The type of a term, of which `ty` is the one that is wanted.
fn type_of(b: &Builder, term: &Term, bound: &Bound, ty: &Type) -> Option<Type> {
    match term {
        Term::Any(name) => Some(b.ty(bound.node(name)?).clone()),
        Term::Number(_) => Some(Type::f64()),
        Term::Truth(_) => Some(Type::bool()),
        Term::Zero(_) => Some(ty.clone()),
        Term::Prim { def, args, .. } => {
            let args: Vec<Type> = args.iter().map(|a| type_of(b, a, bound, ty)).collect::<Option<_>>()?;
            (def.ty)(&made_attrs(term, bound, ty)?, &args.iter().collect::<Vec<_>>()).ok()
        }
    }
}

fn made_attrs(term: &Term, bound: &Bound, ty: &Type) -> Option<Attrs> {
    let Term::Prim { def, attrs, .. } = term else { return None };
    match (&attrs[..], def.name) {
        ([], "reshape" | "broadcast_to") => Some(ty.as_tensor()?.1.iter().map(|&n| n as i64).collect()),
        ([], _) => Some(Attrs::new()),
        ([name], _) => bound.attrs(name).cloned(),
        ([function, names @ ..], _) => {
            let given: Option<Vec<&Attrs>> = names.iter().map(|n| bound.attrs(n)).collect();
            Some(rules::attributes(function)?(&given?))
        }
    }
}

/// Puts a term in place that is known to fit.
fn emit(b: &mut Builder, term: &Term, bound: &Bound, ty: &Type) -> NodeId {
    match term {
        Term::Any(name) => bound.node(name).expect("it has a type"),
        Term::Number(x) => b.constant(Const::F64(*x)),
        Term::Truth(t) => b.constant(Const::Bool(*t)),
        Term::Zero(_) => b.zero(ty.clone()),
        Term::Prim { def, args, .. } => {
            let args: Args = args.iter().map(|a| emit(b, a, bound, ty)).collect();
            let prim = Prim { def, attrs: made_attrs(term, bound, ty).expect("it has a type") };
            let own = {
                let types: SmallVec<[&Type; 4]> = args.iter().map(|&a| b.ty(a)).collect();
                (def.ty)(&prim.attrs, &types).expect("it has a type")
            };
            match by_law(b, &prim, &args, &own) {
                Some(simpler) => simpler,
                None => b.emit(Op::Prim(prim), &args, own),
            }
        }
    }
}

fn matches_prim(b: &Builder, term: &Term, prim: &Prim, args: &[NodeId], bound: &mut Bound) -> bool {
    let Term::Prim { def, attrs, args: terms } = term else { return false };
    if def.name != prim.def.name || terms.len() != args.len() {
        return false;
    }
    if let [name] = attrs[..] {
        bound.attrs.push((name, prim.attrs.clone()));
    }
    let before = (bound.nodes.len(), bound.attrs.len());
    let in_order = |order: &mut dyn Iterator<Item = &NodeId>, bound: &mut Bound| {
        bound.nodes.truncate(before.0);
        bound.attrs.truncate(before.1);
        terms.iter().zip(order).all(|(term, &arg)| matches(b, term, arg, bound))
    };
    in_order(&mut args.iter(), bound) || prim.def.is_commutative() && in_order(&mut args.iter().rev(), bound)
}

fn matches(b: &Builder, term: &Term, id: NodeId, bound: &mut Bound) -> bool {
    let node = b.graph().node(id);
    match (term, &node.op) {
        (Term::Any(name), _) => match bound.node(name) {
            Some(same) => same == id,
            None => {
                bound.nodes.push((name, id));
                true
            }
        },
        (Term::Zero(name), Op::Zero) => {
            bound.nodes.extend(name.map(|name| (name, id)));
            true
        }
        (Term::Number(x), Op::Const(Const::F64(y))) => x.to_bits() == y.to_bits(),
        (Term::Number(x), Op::Const(Const::Array(a))) => a.as_slice().iter().all(|y| x.to_bits() == y.to_bits()),
        (Term::Truth(t), Op::Const(Const::Bool(u))) => t == u,
        (Term::Truth(t), Op::Const(Const::Bools(a))) => a.as_slice().iter().all(|u| t == u),
        (Term::Number(_) | Term::Truth(_), Op::Prim(p)) if p.def.name == "broadcast_to" => {
            matches(b, term, node.args[0], bound)
        }
        (Term::Prim { .. }, Op::Prim(p)) => matches_prim(b, term, p, &node.args, bound),
        _ => false,
    }
}
