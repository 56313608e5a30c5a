//! Where the derivatives of a program are, so that they are expanded innermost first.

use adjudicate_ir::graph::{GraphId, Module, Op};
use adjudicate_ir::span::Span;
use rustc_hash::FxHashSet;

/// A derivative that is expanded: where it stands, and how many were expanded inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Derivative {
    pub(crate) places: [Span; 3],
    pub(crate) inside: usize,
}

/// Where a derivative of a graph stands, the nearest first: it, what is differentiated, and what is asked for.
pub(crate) fn places(module: &Module, derivative: Span, of: GraphId) -> [Span; 3] {
    [derivative, module.graph(of).span, module.graph(module.entry).span]
}

/// The first derivative that has none inside, of those that are expanded after `inside` others.
pub(crate) fn innermost(module: &Module, inside: usize) -> Option<Derivative> {
    let with = with_derivatives(module);
    let nodes = module.reachable().into_iter().flat_map(|id| &module.graph(id).nodes);
    let mut found = nodes.filter_map(|node| match &node.op {
        Op::Vjp(spec) if !with.contains(&spec.graph) => {
            Some(Derivative { places: places(module, node.span, spec.graph), inside })
        }
        _ => None,
    });
    found.next()
}

/// Graphs from which a derivative can be reached.
pub(crate) fn with_derivatives(module: &Module) -> FxHashSet<GraphId> {
    let reachable = module.reachable();
    let mut with = FxHashSet::default();
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
