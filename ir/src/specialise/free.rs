//! Free variables of source graphs, and the nodes that count although no result needs them.
//!
//! The free variables of a graph are the least fixpoint of: nodes of other graphs that it names,
//! and free variables of every graph that it refers to, less its own nodes. The top level of a
//! file is no enclosing graph in this sense: its names are looked up where they are used.
//!
//! An update in place of what something else may hold is a fault even if the updated variable is
//! never used again, and so is what an `assert` says: nodes of these, and conditionals and loops with one inside, always
//! count.

use crate::graph::{GraphId, Module, NodeId, Op};

/// A node of an enclosing graph.
pub(super) type Outer = (GraphId, NodeId);

/// Free variables of every graph of a source module, in a fixed order.
#[derive(Debug)]
pub(super) struct FreeVariables {
    of: Vec<Vec<Outer>>,
    checks: Vec<Vec<NodeId>>,
}

impl FreeVariables {
    /// Solves for all graphs of a module; `tops` are the top levels of files.
    pub(super) fn of_module(module: &Module, tops: &[GraphId]) -> Self {
        let enclosing = |outer: &Outer, own| outer.0 != own && !tops.contains(&outer.0);
        let mut of = vec![Vec::<Outer>::new(); module.graphs.len()];
        let mut named = vec![Vec::<GraphId>::new(); module.graphs.len()];
        for (id, graph) in module.iter() {
            for node in &graph.nodes {
                if let Op::Outer(g, n) = node.op {
                    of[id.0 as usize].push((g, n));
                }
                named[id.0 as usize].extend(node.op.graphs());
            }
            of[id.0 as usize].retain(|outer| enclosing(outer, id));
            sort(&mut of[id.0 as usize]);
            sort(&mut named[id.0 as usize]);
        }
        let mut changed = true;
        while changed {
            changed = false;
            for (id, _) in module.iter() {
                let mut free = of[id.0 as usize].clone();
                for g in &named[id.0 as usize] {
                    free.extend(of[g.0 as usize].iter().filter(|outer| enclosing(outer, id)));
                }
                sort(&mut free);
                changed |= free.len() > of[id.0 as usize].len();
                of[id.0 as usize] = free;
            }
        }
        Self { of, checks: checks(module) }
    }

    /// The nodes of a graph that are evaluated whether its result needs them or not.
    pub(super) fn checks(&self, graph: GraphId) -> &[NodeId] {
        &self.checks[graph.0 as usize]
    }

    /// Free variables of a graph.
    pub(super) fn of(&self, graph: GraphId) -> &[Outer] {
        &self.of[graph.0 as usize]
    }
}

fn checks(module: &Module) -> Vec<Vec<NodeId>> {
    let mut checks = vec![Vec::new(); module.graphs.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for (id, graph) in module.iter() {
            let inside = |g: GraphId| !checks[g.0 as usize].is_empty();
            let counts = |op: &Op, args: &[NodeId]| match op {
                Op::Apply(_) => matches!(graph.node(args[0]).op, Op::Builtin("rebind" | "assert")),
                Op::If(then, other) => inside(*then) || inside(*other),
                Op::Loop { cond, body } => inside(*cond) || inside(*body),
                _ => false,
            };
            let found: Vec<NodeId> = graph.iter().filter(|(_, n)| counts(&n.op, &n.args)).map(|(id, _)| id).collect();
            changed |= found.len() > checks[id.0 as usize].len();
            checks[id.0 as usize] = found;
        }
    }
    checks
}

/// Sorts, and drops what is there twice.
fn sort<T: Ord>(items: &mut Vec<T>) {
    items.sort_unstable();
    items.dedup();
}
