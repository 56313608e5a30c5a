//! Records taken apart in the graph where they are made: tuples, stacks and cotangents of function
//! values.
//!
//! ```text
//! get i (x…)                      =  xᵢ
//! (get 0 t, get 1 t, …)           =  t              all the items, in order
//! pop (push s x)                  =  (s, x)
//! env_get i (env_make (x…))       =  xᵢ
//! env_get i (env_put i x)         =  x
//! env_get i (env_put j x)         =  zero           i ≠ j
//! env_get i (env_add a b)         =  env_get i a + env_get i b
//! get i zero, pop zero, env_get i zero  =  zero
//! ```

use crate::builder::Builder;
use crate::graph::{Graph, NodeId, Op};
use crate::prims::Prim;
use crate::types::Type;

use super::rewrite::replace_nodes;
use super::{Pass, Run};

pub(super) const TUPLES: Pass = Pass {
    name: "tuples",
    about: "takes tuples, stacks and cotangents of function values apart where they are made",
    run: Run::Graph(tuples),
};

fn tuples(graph: &Graph) -> Option<Graph> {
    replace_nodes(graph, |b, op, args, ty| match op {
        Op::Get(i) => get(b, *i, args[0], ty),
        Op::Tuple => untuple(b, args),
        Op::Prim(p) if p.def.name == "pop" => pop(b, args[0], ty),
        Op::Prim(p) if p.def.name == "pop_rows" => pop_rows(b, p, args[0], ty),
        Op::Prim(p) if p.def.name == "env_get" => env_get(b, p, args[0], ty),
        _ => None,
    })
}

fn get(b: &mut Builder, i: u32, tuple: NodeId, ty: &Type) -> Option<NodeId> {
    let node = b.graph().node(tuple);
    match node.op {
        Op::Tuple => Some(node.args[i as usize]),
        Op::Zero => Some(b.zero(ty.clone())),
        _ => None,
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

fn pop(b: &mut Builder, stack: NodeId, ty: &Type) -> Option<NodeId> {
    let node = b.graph().node(stack);
    match &node.op {
        Op::Prim(p) if p.def.name == "push" => {
            let (rest, item) = (node.args[0], node.args[1]);
            Some(b.tuple(&[rest, item]))
        }
        Op::Zero => Some(b.zero(ty.clone())),
        _ => None,
    }
}

fn pop_rows(b: &mut Builder, prim: &Prim, stack: NodeId, ty: &Type) -> Option<NodeId> {
    let node = b.graph().node(stack);
    match &node.op {
        Op::Prim(p) if p.def.name == "push_rows" && p.attrs[..] == prim.attrs[1..] => {
            let (rest, rows) = (node.args[0], node.args[1]);
            (*b.ty(rows) == ty.as_tuple().expect("stack and rows")[1]).then(|| b.tuple(&[rest, rows]))
        }
        Op::Zero => Some(b.zero(ty.clone())),
        _ => None,
    }
}

fn env_get(b: &mut Builder, prim: &Prim, env: NodeId, ty: &Type) -> Option<NodeId> {
    let node = b.graph().node(env);
    let field = prim.attrs[0] as usize;
    let found = match &node.op {
        Op::Zero => None,
        Op::Prim(p) if p.def.name == "env_make" => node.args.get(field).copied(),
        Op::Prim(p) if p.def.name == "env_put" => (p.attrs == prim.attrs).then_some(node.args[0]),
        Op::Prim(p) if p.def.name == "env_add" => {
            let (x, y) = (node.args[0], node.args[1]);
            let (x, y) = (field_of(b, prim, x, ty), field_of(b, prim, y, ty));
            return Some(b.accumulate(x, y));
        }
        _ => return None,
    };
    match found {
        Some(found) => (b.ty(found) == ty).then_some(found),
        None => Some(b.zero(ty.clone())),
    }
}

fn field_of(b: &mut Builder, prim: &Prim, env: NodeId, ty: &Type) -> NodeId {
    match env_get(b, prim, env, ty) {
        Some(found) => found,
        None => b.emit(Op::Prim(prim.clone()), &[env], ty.clone()),
    }
}
