//! A sum of products of matrices is one product.
//!
//! ```text
//! Σₗ aₗ bₗ       =  [a₁ a₂ …] [b₁; b₂; …]        the columns of all a and the rows of all b laid end to end
//! Σₗ aₗ bₗ + cₗ  =  Σₗ aₗ bₗ + Σₗ cₗ
//! ```
//!
//! What every trip of a loop adds to the gradient of a matrix is of this form. The terms of the sum come in another
//! order.

use crate::builder::Builder;
use crate::graph::{Graph, NodeId, Op};
use crate::prims::{ADD, MATMUL, Prim, RESHAPE, SUM, TRANSPOSE};
use crate::types::Type;

use super::rewrite::{readers, rebuild, sweep};
use super::{Pass, Run};

pub(super) const CONTRACTIONS: Pass = Pass {
    name: "contractions",
    about: "makes the sum of many products of matrices one product",
    run: Run::Graph(contractions),
};

fn contractions(graph: &Graph) -> Option<Graph> {
    let readers = readers(graph);
    let sums = Sums { graph, readers };
    let term = |id: NodeId| sums.term(id).filter(|&term| sums.has_product(term));
    if !graph.iter().any(|(id, _)| term(id).is_some()) {
        return None;
    }
    let mut made: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    let mut new = rebuild(graph, |b, id, op, args| {
        let copy = match term(id) {
            Some(term) => sums.total(b, term, graph.ty(id), &made),
            None => b.emit(op.clone(), args, graph.ty(id).clone()),
        };
        made[id.0 as usize] = Some(copy);
        copy
    });
    sweep(&mut new);
    Some(new)
}

/// A graph in which sums over the leading axis are looked for.
struct Sums<'g> {
    graph: &'g Graph,
    readers: Vec<u32>,
}

impl Sums<'_> {
    /// The operand of a node that nobody else reads.
    fn alone(&self, id: NodeId) -> Option<NodeId> {
        self.graph.node(id).args.first().copied().filter(|a| self.readers[a.0 as usize] == 1)
    }

    /// What a node is the sum of, if it is.
    fn term(&self, sum: NodeId) -> Option<NodeId> {
        let sums = matches!(&self.graph.node(sum).op, Op::Prim(p) if p.def.name == "sum" && p.attrs[..] == [0]);
        self.alone(sum).filter(|_| sums)
    }

    /// The two terms of an addition without broadcasting.
    fn addition(&self, id: NodeId) -> Option<[NodeId; 2]> {
        let node = self.graph.node(id);
        let fits = self.graph.is_prim(id, "add") && node.args.iter().all(|&a| *self.graph.ty(a) == node.ty);
        let alone = |a: NodeId| self.readers[a.0 as usize] == 1;
        (fits && alone(node.args[0]) && alone(node.args[1])).then(|| [node.args[0], node.args[1]])
    }

    /// The products that a term is; each may have another shape.
    fn products(&self, mut term: NodeId) -> Option<NodeId> {
        let lead = |id: NodeId| self.graph.ty(id).shape().first();
        if self.graph.is_prim(term, "reshape") {
            term = self.alone(term).filter(|&inner| lead(inner) == lead(term))?;
        }
        (self.graph.is_prim(term, "matmul") && self.graph.ty(term).shape().len() == 3).then_some(term)
    }

    /// Whether products are among the terms of a term.
    fn has_product(&self, term: NodeId) -> bool {
        match self.addition(term) {
            Some(terms) => terms.iter().any(|&t| self.has_product(t)),
            None => self.products(term).is_some(),
        }
    }

    /// The sum of a term over its leading axis, from the copies of nodes `made` so far.
    fn total(&self, b: &mut Builder, term: NodeId, ty: &Type, made: &[Option<NodeId>]) -> NodeId {
        let copy = |id: NodeId| match self.graph.node(id).op {
            Op::Param(i) => NodeId(i),
            _ => made[id.0 as usize].expect("operands come first"),
        };
        match (self.addition(term), self.products(term)) {
            (Some(terms), _) if self.has_product(term) => {
                let [x, y] = terms.map(|t| self.total(b, t, ty, made));
                b.prim(&ADD, &[], &[x, y])
            }
            (_, Some(products)) => contraction(b, copy(products), ty),
            _ => b.prim(&SUM, &[0], &[copy(term)]),
        }
    }
}

/// One product in place of many.
fn contraction(b: &mut Builder, products: NodeId, ty: &Type) -> NodeId {
    let node = b.graph().node(products).clone();
    let Op::Prim(Prim { attrs, .. }) = node.op else { panic!("products") };
    // Both with what is summed over as rows.
    let left = end_to_end(b, node.args[0], attrs[0] == 0);
    let right = end_to_end(b, node.args[1], attrs[1] == 1);
    let product = b.prim(&MATMUL, &[1, 0], &[left, right]);
    reshaped(b, product, ty.shape())
}

/// The rows of many matrices, transposed if asked, as those of one.
fn end_to_end(b: &mut Builder, x: NodeId, transposed: bool) -> NodeId {
    let &[count, rows, columns] = b.ty(x).shape() else { panic!("many matrices") };
    let (rows, columns) = if transposed { (columns, rows) } else { (rows, columns) };
    let moves = transposed && rows != 1 && columns != 1;
    let x = if moves { b.prim(&TRANSPOSE, &[0, 2, 1], &[x]) } else { x };
    reshaped(b, x, &[count * rows, columns])
}

fn reshaped(b: &mut Builder, x: NodeId, shape: &[usize]) -> NodeId {
    if b.ty(x).shape() == shape {
        return x;
    }
    let attrs: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
    b.prim(&RESHAPE, &attrs, &[x])
}
