//! A product of a matrix of one element and a row or a column is a multiple of it.
//!
//! ```text
//! matmul s x  =  mul s x        s of one element, as a number
//! ```
//!
//! The inner length is 1 then, so nothing is summed. Before fusion, which multiples are members of
//! and products are not.

use crate::builder::Builder;
use crate::graph::{Graph, NodeId, Op};
use crate::prims::{MATMUL, MUL, RESHAPE};
use crate::types::Type;

use super::rewrite::replace_nodes;
use super::{Pass, Run};

pub(super) const SCALINGS: Pass = Pass {
    name: "scalings",
    about: "multiplies elementwise where a factor of a product of matrices is a single element",
    run: Run::Graph(scalings),
};

fn scalings(graph: &Graph) -> Option<Graph> {
    replace_nodes(graph, |b, op, args, ty| {
        let Op::Prim(prim) = op else { return None };
        let &[left, right] = args else { return None };
        if !std::ptr::eq(prim.def, &MATMUL) {
            return None;
        }
        // What is of one element keeps its place: a product has its left factor first.
        let single = |b: &Builder, id: NodeId| b.ty(id).shape() == [1, 1];
        let factors = match (single(b, left), single(b, right)) {
            (false, false) => return None,
            (true, _) => [number(b, left), shaped(b, right, ty)],
            (false, true) => [shaped(b, left, ty), number(b, right)],
        };
        Some(b.prim(&MUL, &[], &factors))
    })
}

/// The only element as a number.
fn number(b: &mut Builder, id: NodeId) -> NodeId {
    shaped(b, id, &Type::f64())
}

/// The same elements under the shape of a type.
fn shaped(b: &mut Builder, mut id: NodeId, ty: &Type) -> NodeId {
    while let Op::Prim(prim) = &b.graph().node(id).op
        && b.ty(id) != ty
        && std::ptr::eq(prim.def, &RESHAPE)
    {
        id = b.graph().node(id).args[0];
    }
    if b.ty(id) == ty {
        return id;
    }
    let shape: Vec<i64> = ty.shape().iter().map(|&n| n as i64).collect();
    b.prim(&RESHAPE, &shape, &[id])
}
