//! What is needed of each graph: live nodes, how they are used, who refers to the graph.

use indexmap::IndexMap;
use rustc_hash::FxHashMap;

use crate::graph::{Graph, GraphId, Module, Node, NodeId, Op};
use crate::prims::{Attrs, POP_ROWS};

/// How a graph's nodes are used, by node index.
#[derive(Debug)]
pub(super) struct Uses {
    /// Reached by the return node.
    pub(super) live: Vec<bool>,
    /// The last live user; the node itself if it has none.
    pub(super) last: Vec<u32>,
    /// Used, and only to get items of it.
    pub(super) only_gets: Vec<bool>,
    /// Put into a tuple other than the one returned.
    pub(super) in_tuple: Vec<bool>,
    /// Stacks among the results of loops whose items are taken off all at once: how.
    pub(super) rows: FxHashMap<(NodeId, u32), Attrs>,
}

/// The graphs that the entry reaches through live nodes.
#[derive(Debug)]
pub(super) struct Scan {
    /// In order of discovery.
    pub(super) graphs: IndexMap<GraphId, Uses>,
    /// Graphs lowered in place of the one `If` or `Loop` that refers to them, by graph index.
    pub(super) inline: Vec<bool>,
}

/// Scans a module from its entry.
pub(super) fn scan(module: &Module) -> Scan {
    let mut graphs = IndexMap::new();
    let mut structured = vec![0_u32; module.graphs.len()];
    let mut other = vec![0_u32; module.graphs.len()];
    other[module.entry.0 as usize] = 1;
    let mut work = vec![module.entry];
    while let Some(id) = work.pop() {
        if graphs.contains_key(&id) {
            continue;
        }
        let graph = module.graph(id);
        let uses = uses(graph);
        for (node, _) in graph.nodes.iter().zip(&uses.live).filter(|(_, live)| **live) {
            let counts = match node.op {
                Op::If(..) | Op::Loop { .. } => &mut structured,
                _ => &mut other,
            };
            for g in node.op.graphs() {
                counts[g.0 as usize] += 1;
                work.push(g);
            }
        }
        graphs.insert(id, uses);
    }
    let inline = structured.iter().zip(&other).map(|(&s, &o)| s == 1 && o == 0).collect();
    Scan { graphs, inline }
}

fn uses(graph: &Graph) -> Uses {
    let n = graph.nodes.len();
    let mut uses = Uses {
        live: vec![false; n],
        last: (0..n as u32).collect(),
        only_gets: vec![false; n],
        in_tuple: vec![false; n],
        rows: FxHashMap::default(),
    };
    let mut other_use = vec![false; n];
    let ret = graph.ret.0 as usize;
    uses.live[ret] = true;
    other_use[ret] = true;
    for i in (0..=ret).rev() {
        if !uses.live[i] {
            continue;
        }
        let node = &graph.nodes[i];
        if let Some((stack, how)) = taken_at_once(graph, node) {
            uses.rows.insert(stack, how);
        }
        for &NodeId(arg) in &node.args {
            let arg = arg as usize;
            uses.live[arg] = true;
            uses.last[arg] = uses.last[arg].max(i as u32);
            match node.op {
                Op::Get(_) => uses.only_gets[arg] = true,
                Op::Tuple if i != ret => {
                    other_use[arg] = true;
                    uses.in_tuple[arg] = true;
                }
                _ => other_use[arg] = true,
            }
        }
    }
    for (gets, other) in uses.only_gets.iter_mut().zip(&other_use) {
        *gets &= !other;
    }
    uses
}

/// The result of a loop whose items a node takes off as the rows of an array.
fn taken_at_once(graph: &Graph, node: &Node) -> Option<((NodeId, u32), Attrs)> {
    let Op::Prim(prim) = &node.op else { return None };
    let stack = graph.node(*node.args.first()?);
    match stack.op {
        Op::Get(i) if std::ptr::eq(prim.def, &POP_ROWS) && prim.attrs[2] == 0 => {
            let is_loop = matches!(graph.node(stack.args[0]).op, Op::Loop { .. });
            is_loop.then(|| ((stack.args[0], i), prim.attrs.clone()))
        }
        _ => None,
    }
}
