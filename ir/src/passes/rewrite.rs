//! Copying nodes from one graph into another.

use crate::builder::Builder;
use crate::graph::{Args, Graph, Node, NodeId, Op};
use crate::types::Type;

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

/// How often each node is read, by nodes and by the result.
pub(super) fn readers(graph: &Graph) -> Vec<u32> {
    let mut readers = vec![0; graph.nodes.len()];
    graph.nodes.iter().flat_map(|n| &n.args).chain([&graph.ret]).for_each(|a| readers[a.0 as usize] += 1);
    readers
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

/// A walk over the live nodes of a graph in which `replace` may give, for a node with its already
/// copied operands, the node that takes its place; `None` if it never does.
pub(super) fn replace_nodes(
    graph: &Graph,
    mut replace: impl FnMut(&mut Builder, &Op, &[NodeId], &Type) -> Option<NodeId>,
) -> Option<Graph> {
    let mut changed = false;
    let mut new = rebuild(graph, |b, id, op, args| match replace(b, op, args, graph.ty(id)) {
        Some(other) => {
            changed = true;
            other
        }
        None => b.emit(op.clone(), args, graph.ty(id).clone()),
    });
    changed.then(|| {
        sweep(&mut new);
        new
    })
}

/// Gives a graph further parameters, the last ones, of these types.
pub(super) fn add_params(graph: &mut Graph, types: &[Type]) {
    for ty in types {
        let op = Op::Param(graph.params.len() as u32);
        graph.params.push(NodeId(graph.nodes.len() as u32));
        graph.nodes.push(Node { op, args: Args::new(), ty: ty.clone(), span: graph.span });
    }
}

/// Leaves out the nodes that the return node does not need. Parameters stay.
pub(super) fn sweep(graph: &mut Graph) {
    let mut live = live(graph);
    graph.params.iter().for_each(|p| live[p.0 as usize] = true);
    if !live.contains(&false) {
        return;
    }
    let mut places = Vec::with_capacity(live.len());
    let mut next = 0;
    for &live in &live {
        places.push(NodeId(next));
        next += u32::from(live);
    }
    let place = |id: NodeId| places[id.0 as usize];
    let mut flags = live.iter();
    graph.nodes.retain(|_| *flags.next().expect("a flag for each node"));
    graph.nodes.iter_mut().flat_map(|n| n.args.iter_mut()).for_each(|a| *a = place(*a));
    graph.params.iter_mut().for_each(|p| *p = place(*p));
    graph.ret = place(graph.ret);
}
