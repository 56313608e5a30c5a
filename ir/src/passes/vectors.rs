//! A vector enters a product of matrices as it is, not as a matrix of one row or column.
//!
//! ```text
//! reshape[n] (matmul[0,tb] (reshape[1,k] x) b)  =  matmul[0,tb] x b        the product read once, x of rank 1
//! reshape[m] (matmul[ta,0] a (reshape[k,1] x))  =  matmul[ta,0] a x
//! ```

use crate::graph::{Graph, NodeId, Op};
use crate::types::Type;

use super::rewrite::{readers, rebuild, sweep};
use super::{Pass, Run};

pub(super) const VECTORS: Pass = Pass {
    name: "vectors",
    about: "multiplies vectors and matrices without making matrices of the vectors",
    run: Run::Graph(vectors),
};

/// A product with a vector: the product, the vector, and which factor it is.
type Found = (NodeId, NodeId, usize);

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
            Some((product, vector, which)) => {
                let factors = &graph.node(product).args;
                let factors = if which == 0 { [vector, factors[1]] } else { [factors[0], vector] };
                b.emit(graph.node(product).op.clone(), &factors.map(at), graph.ty(id).clone())
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
    let rank = |ty: &Type| ty.shape().len();
    let &product = graph.node(id).args.first().filter(|_| graph.is_prim(id, "reshape") && rank(graph.ty(id)) == 1)?;
    let Op::Prim(prim) = &graph.node(product).op else { return None };
    if !graph.is_prim(product, "matmul") || rank(graph.ty(product)) != 2 || readers[product.0 as usize] != 1 {
        return None;
    }
    let vector = |which: usize| {
        let factor = graph.node(product).args[which];
        let &vector = graph.node(factor).args.first().filter(|_| graph.is_prim(factor, "reshape"))?;
        let thin = prim.attrs[which] == 0 && graph.ty(factor).shape()[which] == 1;
        (thin && rank(graph.ty(vector)) == 1).then_some((product, vector, which))
    };
    vector(0).or_else(|| vector(1))
}
