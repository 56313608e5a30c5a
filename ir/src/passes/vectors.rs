//! A vector enters a product of matrices as it is, not as a matrix of one row or column.
//!
//! ```text
//! reshape[n] (matmul[0,tb] (reshape[1,k] x) b)  =  matmul[0,tb] x b        the product read once, x of rank 1
//! reshape[m] (matmul[ta,0] a (reshape[k,1] x))  =  matmul[ta,0] a x
//! matmul (reshape x) (reshape y)                =  matmul[1,1] x y         a column and a row: the outer product
//! ```

use crate::graph::{Graph, NodeId, Op};
use crate::prims::Prim;
use crate::types::Type;

use super::rewrite::{readers, rebuild, sweep};
use super::{Pass, Run};

pub(super) const VECTORS: Pass = Pass {
    name: "vectors",
    about: "multiplies vectors and matrices without making matrices of the vectors",
    run: Run::Graph(vectors),
};

/// A product with vectors: the product, its factors, and which are transposed.
struct Found {
    product: NodeId,
    factors: [NodeId; 2],
    transposed: [bool; 2],
}

fn vectors(graph: &Graph) -> Option<Graph> {
    let readers = readers(graph);
    let found = |id: NodeId| found(graph, &readers, id);
    if !graph.iter().any(|(id, _)| found(id).is_some()) {
        return None;
    }
    let mut made: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    let mut new = rebuild(graph, |b, id, op, args| {
        let at = |id: NodeId| match graph.node(id).op {
            Op::Param(i) => NodeId(i),
            _ => made[id.0 as usize].expect("operands come first"),
        };
        let copy = match found(id) {
            Some(Found { product, factors, transposed }) => {
                let Op::Prim(Prim { def, .. }) = graph.node(product).op else { panic!("{product} is a product") };
                let attrs = transposed.map(i64::from).into_iter().collect();
                b.emit(Op::Prim(Prim { def, attrs }), &factors.map(at), graph.ty(id).clone())
            }
            None => b.emit(op.clone(), args, graph.ty(id).clone()),
        };
        made[id.0 as usize] = Some(copy);
        copy
    });
    sweep(&mut new);
    Some(new)
}

fn found(graph: &Graph, readers: &[u32], id: NodeId) -> Option<Found> {
    if graph.is_prim(id, "matmul") {
        return outer(graph, id);
    }
    let rank = |ty: &Type| ty.shape().len();
    let &product = graph.node(id).args.first().filter(|_| graph.is_prim(id, "reshape") && rank(graph.ty(id)) == 1)?;
    if !graph.is_prim(product, "matmul") || rank(graph.ty(product)) != 2 || readers[product.0 as usize] != 1 {
        return None;
    }
    let transposed = transposed(graph, product)?;
    let [left, right] = graph.node(product).args[..] else { return None };
    let thin = |which: usize, factor: NodeId| {
        vector(graph, factor).filter(|_| !transposed[which] && graph.ty(factor).shape()[which] == 1)
    };
    let factors = thin(0, left).map(|x| [x, right]).or_else(|| thin(1, right).map(|x| [left, x]))?;
    Some(Found { product, factors, transposed })
}

/// A product of a column and a row that both are vectors.
fn outer(graph: &Graph, product: NodeId) -> Option<Found> {
    let [rows, columns] = graph.ty(product).shape()[..] else { return None };
    let [left, right] = graph.node(product).args[..] else { return None };
    let factors = [vector(graph, left)?, vector(graph, right)?];
    let sizes = factors.map(|x| graph.ty(x).size());
    (sizes == [rows, columns]).then_some(Found { product, factors, transposed: [true; 2] })
}

/// Which factors of a product are transposed.
fn transposed(graph: &Graph, product: NodeId) -> Option<[bool; 2]> {
    match &graph.node(product).op {
        Op::Prim(prim) => Some([prim.attrs[0] != 0, prim.attrs[1] != 0]),
        _ => None,
    }
}

/// The vector that a matrix is another shape of.
fn vector(graph: &Graph, matrix: NodeId) -> Option<NodeId> {
    let &vector = graph.node(matrix).args.first().filter(|_| graph.is_prim(matrix, "reshape"))?;
    (graph.ty(vector).shape().len() == 1 && graph.ty(matrix).shape().len() == 2).then_some(vector)
}
