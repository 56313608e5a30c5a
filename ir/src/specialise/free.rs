//! Free variables of source graphs.
//!
//! The free variables of a graph are the least fixpoint of: nodes of other graphs that it names,
//! and free variables of every graph that it refers to, less its own nodes. The top level of a
//! file is no enclosing graph in this sense: its names are looked up where they are used.

use crate::graph::{GraphId, Module, NodeId, Op};

/// A node of an enclosing graph.
pub(super) type Outer = (GraphId, NodeId);

/// Free variables of every graph of a source module, in a fixed order.
#[derive(Debug)]
pub(super) struct FreeVariables {
    of: Vec<Vec<Outer>>,
}

impl FreeVariables {
    /// Solves for all graphs of a module; `tops` are the top levels of files.
    pub(super) fn of_module(module: &Module, tops: &[GraphId]) -> Self {
        let mut of = vec![Vec::<Outer>::new(); module.graphs.len()];
        let mut changed = true;
        while changed {
            changed = false;
            for (id, graph) in module.iter() {
                let mut free = of[id.0 as usize].clone();
                let before = free.len();
                for node in &graph.nodes {
                    if let Op::Outer(g, n) = node.op {
                        note(&mut free, (g, n), id, tops);
                    }
                    for g in node.op.graphs() {
                        for outer in of[g.0 as usize].clone() {
                            note(&mut free, outer, id, tops);
                        }
                    }
                }
                if free.len() != before {
                    free.sort();
                    of[id.0 as usize] = free;
                    changed = true;
                }
            }
        }
        Self { of }
    }

    /// Free variables of a graph.
    pub(super) fn of(&self, graph: GraphId) -> &[Outer] {
        &self.of[graph.0 as usize]
    }
}

fn note(free: &mut Vec<Outer>, outer: Outer, own: GraphId, tops: &[GraphId]) {
    if outer.0 != own && !tops.contains(&outer.0) && !free.contains(&outer) {
        free.push(outer);
    }
}
