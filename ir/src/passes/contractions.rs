//! A sum of products of matrices is one product.
//!
//! ```text
//! Σₗ aₗ bₗ  =  [a₁ a₂ …] [b₁; b₂; …]        the columns of all a and the rows of all b laid end to end
//! ```
//!
//! What every trip of a loop adds to the gradient of a matrix is of this form. The terms of the sum come in another order.

use std::cell::RefCell;

use crate::builder::{Builder, Expr};
use crate::graph::{Graph, NodeId, Op};
use crate::prims::{MATMUL, Prim};
use crate::types::Type;

use super::rewrite::{rebuild, sweep};
use super::{Pass, Run};

pub(super) const CONTRACTIONS: Pass = Pass {
    name: "contractions",
    about: "makes the sum of many products of matrices one product",
    run: Run::Graph(contractions),
};

fn contractions(graph: &Graph) -> Option<Graph> {
    let mut readers = vec![0u32; graph.nodes.len()];
    graph.nodes.iter().flat_map(|n| &n.args).chain([&graph.ret]).for_each(|a| readers[a.0 as usize] += 1);
    let product = |id: NodeId| product(graph, &readers, id);
    if !graph.iter().any(|(id, _)| product(id).is_some()) {
        return None;
    }
    let mut made: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    let mut new = rebuild(graph, |b, id, op, args| {
        let copy = match product(id) {
            Some(of) => contraction(b, made[of.0 as usize].expect("operands come first"), graph.ty(id)),
            None => b.emit(op.clone(), args, graph.ty(id).clone()),
        };
        made[id.0 as usize] = Some(copy);
        copy
    });
    sweep(&mut new);
    Some(new)
}

/// The products that a node is the sum of, if it is; nobody else reads them, and each may have another shape.
fn product(graph: &Graph, readers: &[u32], sum: NodeId) -> Option<NodeId> {
    let is = |id: NodeId, name: &str| matches!(&graph.node(id).op, Op::Prim(p) if p.def.name == name);
    let sums = matches!(&graph.node(sum).op, Op::Prim(p) if p.def.name == "sum" && p.attrs[..] == [0]);
    let alone = |id: NodeId| graph.node(id).args.first().copied().filter(|a| readers[a.0 as usize] == 1);
    let mut of = alone(sum).filter(|_| sums)?;
    if is(of, "reshape") {
        let inner = alone(of)?;
        of = if graph.ty(inner).shape().first() == graph.ty(of).shape().first() { inner } else { return None };
    }
    (is(of, "matmul") && graph.ty(of).shape().len() == 3).then_some(of)
}

fn contraction(b: &mut Builder, product: NodeId, ty: &Type) -> NodeId {
    let node = b.graph().node(product).clone();
    let Op::Prim(Prim { attrs, .. }) = node.op else { panic!("a product") };
    let cell = RefCell::new(std::mem::replace(b, Builder::new("", b.span)));
    let rows = |i: usize, transposed: bool| {
        let x = Expr::new(&cell, node.args[i]);
        let shape = x.shape();
        let x = match (transposed, shape[1] == 1 || shape[2] == 1) {
            (false, _) => x,
            (true, true) => x.reshape(&[shape[0], shape[2], shape[1]]),
            (true, false) => x.transpose(&[0, 2, 1]),
        };
        let shape = x.shape();
        x.reshape(&[shape[0] * shape[1], shape[2]])
    };
    // Both with what is summed over as rows.
    let (a, c) = (rows(0, attrs[0] == 0), rows(1, attrs[1] == 1));
    let id = a.apply(&MATMUL, &[1, 0], &[c]).reshape(ty.shape()).id;
    *b = cell.into_inner();
    id
}
