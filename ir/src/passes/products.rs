//! A product of matrices that is only added to something is added in place.
//!
//! ```text
//! matmul a b + c  =  gemm_add a b c        the product read once, c of its type
//! ```

use crate::graph::{Graph, NodeId, Op};
use crate::prims::{GEMM_ADD, Prim};

use super::rewrite::{readers, rebuild, sweep};
use super::{Pass, Run};

pub(super) const PRODUCTS: Pass = Pass {
    name: "products",
    about: "adds products of matrices in place to what they are added to",
    run: Run::Graph(products),
};

fn products(graph: &Graph) -> Option<Graph> {
    let readers = readers(graph);
    let product = |id: NodeId| match &graph.node(id).op {
        Op::Prim(p) if p.def.name == "matmul" && readers[id.0 as usize] == 1 => Some(p.attrs.clone()),
        _ => None,
    };
    let addition = |id: NodeId| {
        let node = graph.node(id);
        let is_add = matches!(&node.op, Op::Prim(p) if p.def.name == "add");
        let fits = is_add && node.args.iter().all(|&a| *graph.ty(a) == node.ty);
        // Of two products the later one is added to the earlier.
        let (first, second) = if fits { (node.args[0], node.args[1]) } else { return None };
        let (early, late) = (first.min(second), first.max(second));
        [(late, early), (early, late)].into_iter().find_map(|(p, c)| Some((p, product(p)?, c)))
    };
    if !graph.iter().any(|(id, _)| addition(id).is_some()) {
        return None;
    }
    let mut new = rebuild(graph, |b, id, op, args| match addition(id) {
        Some((product, attrs, _)) => {
            let (at, other) = if graph.node(id).args[0] == product { (0, 1) } else { (1, 0) };
            let factors = b.graph().node(args[at]).args.clone();
            let prim = Prim { def: &GEMM_ADD, attrs };
            b.emit(Op::Prim(prim), &[factors[0], factors[1], args[other]], graph.ty(id).clone())
        }
        None => b.emit(op.clone(), args, graph.ty(id).clone()),
    });
    sweep(&mut new);
    Some(new)
}
