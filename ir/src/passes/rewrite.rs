//! Copying nodes from one graph into another.

use crate::builder::Builder;
use crate::graph::{Args, Graph, Module, NodeId, Op};

/// A graph as a list of nodes that can be put into another graph.
#[derive(Debug)]
pub struct Splice {
    /// For each node of the copied graph its copy, where it was copied.
    pub map: Vec<Option<NodeId>>,
}

impl Splice {
    /// The copy of a node.
    pub fn get(&self, id: NodeId) -> NodeId {
        self.map[id.0 as usize].expect("operands are copied before users")
    }
}

/// Nodes that the return node needs.
pub fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.nodes.len()];
    live[graph.ret.0 as usize] = true;
    for (id, node) in graph.iter().rev() {
        if live[id.0 as usize] {
            node.args.iter().for_each(|a| live[a.0 as usize] = true);
        }
    }
    live
}

/// Copies the live nodes of `graph` into `builder`, parameters replaced by `args`; `each` emits the
/// copy of a node from its already copied operands.
pub fn copy_nodes(
    builder: &mut Builder,
    graph: &Graph,
    args: &[NodeId],
    mut each: impl FnMut(&mut Builder, NodeId, &Op, &[NodeId]) -> NodeId,
) -> Splice {
    let live = live(graph);
    let mut splice = Splice { map: vec![None; graph.nodes.len()] };
    for (id, node) in graph.iter() {
        splice.map[id.0 as usize] = match node.op {
            Op::Param(i) => Some(args[i as usize]),
            _ if !live[id.0 as usize] => None,
            _ => {
                let args: Args = node.args.iter().map(|&a| splice.get(a)).collect();
                builder.span = node.span;
                Some(each(builder, id, &node.op, &args))
            }
        };
    }
    splice
}

/// Rebuilds a graph node by node.
pub fn rebuild(graph: &Graph, each: impl FnMut(&mut Builder, NodeId, &Op, &[NodeId]) -> NodeId) -> Graph {
    let mut builder = Builder::new(&graph.name, graph.span);
    let mut params = Vec::new();
    for &p in &graph.params {
        builder.span = graph.node(p).span;
        params.push(builder.param(graph.ty(p).clone()));
    }
    let splice = copy_nodes(&mut builder, graph, &params, each);
    builder.finish(splice.get(graph.ret))
}

/// Replaces every graph that the entry reaches; says whether any differs from what it was.
pub(crate) fn rebuild_all(module: &mut Module, mut each: impl FnMut(&mut Module, &Graph) -> Graph) -> bool {
    let mut changed = false;
    for id in module.reachable() {
        let old = module.graph(id).clone();
        let new = each(module, &old);
        if new != old {
            changed = true;
            module.graphs[id.0 as usize] = new;
        }
    }
    changed
}
