//! Where the derivatives of a program are, so that they are expanded innermost first.

use std::collections::HashSet;

use adjudicate_ir::graph::{GraphId, Module, Op};

/// Graphs from which a derivative can be reached.
pub(crate) fn with_derivatives(module: &Module) -> HashSet<GraphId> {
    let reachable = module.reachable();
    let mut with = HashSet::new();
    loop {
        let before = with.len();
        for &id in reachable.iter().rev() {
            let holds = |op: &Op| matches!(op, Op::Vjp(_)) || op.graphs().iter().any(|g| with.contains(g));
            if !with.contains(&id) && module.graph(id).nodes.iter().any(|n| holds(&n.op)) {
                with.insert(id);
            }
        }
        if with.len() == before {
            return with;
        }
    }
}
