//! Graphs that must take the same accumulators.
//!
//! The branches of an `if` are of one family, and so are all function values of a type with the code
//! that they may have.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, GraphId, Module, NodeId, Op};
use crate::types::{FnType, Type};

use crate::passes::inline::recursive;

/// Graphs and function types that change together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Family(u32);

/// The families of a module.
pub(super) struct Families {
    /// By graph, and after them by function type.
    parent: Vec<u32>,
    types: FxHashMap<Arc<FnType>, u32>,
    /// Families that may not change, and those that would gain nothing.
    excluded: FxHashSet<Family>,
}

impl Families {
    /// Finds the families of these graphs.
    pub(super) fn of(module: &Module, reachable: &[GraphId]) -> Self {
        let mut found = Self {
            parent: (0..module.graphs.len() as u32).collect(),
            types: FxHashMap::default(),
            excluded: FxHashSet::default(),
        };
        for &id in reachable {
            for node in &module.graph(id).nodes {
                match (&node.op, &node.ty) {
                    (Op::If(then, other), _) => found.join(then.0, other.0),
                    (Op::Closure(code), Type::Fn(f)) => {
                        let ty = found.intern(f);
                        found.join(code.0, ty);
                    }
                    _ => {}
                }
            }
        }
        found.exclude(module, reachable);
        found
    }

    /// Those that are called otherwise than by a call, and those without a recursion.
    fn exclude(&mut self, module: &Module, reachable: &[GraphId]) {
        let mut fixed = FxHashSet::from_iter([self.of_graph(module.entry)]);
        for node in reachable.iter().flat_map(|&id| &module.graph(id).nodes) {
            match &node.op {
                Op::Loop { cond, body } => fixed.extend([self.of_graph(*cond), self.of_graph(*body)]),
                Op::Vjp(spec) => fixed.extend([self.of_graph(spec.graph)]),
                Op::Fused(code) => fixed.extend([self.of_graph(*code)]),
                _ => {}
            }
        }
        let recursive = recursive(module);
        let mut gaining: FxHashSet<Family> = self.types.values().map(|&ty| Family(self.root(ty))).collect();
        gaining.extend(reachable.iter().filter(|id| recursive[id]).map(|&id| self.of_graph(id)));
        loop {
            let before = gaining.len();
            for &id in reachable.iter().filter(|&&id| gaining.contains(&self.of_graph(id))).collect::<Vec<_>>() {
                let branches = module.graph(id).nodes.iter().filter(|n| matches!(n.op, Op::If(..)));
                gaining.extend(branches.flat_map(|n| n.op.graphs()).map(|g| self.of_graph(g)).collect::<Vec<_>>());
            }
            if gaining.len() == before {
                break;
            }
        }
        let all: FxHashSet<Family> = reachable.iter().map(|&id| self.of_graph(id)).collect();
        self.excluded = all.into_iter().filter(|family| fixed.contains(family) || !gaining.contains(family)).collect();
    }

    fn intern(&mut self, f: &Arc<FnType>) -> u32 {
        let next = self.parent.len() as u32;
        let at = *self.types.entry(f.clone()).or_insert(next);
        if at == next {
            self.parent.push(next);
        }
        at
    }

    fn root(&self, mut at: u32) -> u32 {
        while self.parent[at as usize] != at {
            at = self.parent[at as usize];
        }
        at
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }

    /// The family of a graph.
    pub(super) fn of_graph(&self, graph: GraphId) -> Family {
        Family(self.root(graph.0))
    }

    /// The family of the function values of a type, if there are any.
    pub(super) fn of_type(&self, f: &Arc<FnType>) -> Option<Family> {
        self.types.get(f).map(|&at| Family(self.root(at)))
    }

    /// Whether the graphs of a family may take other parameters, and may gain by it.
    pub(super) fn may_change(&self, family: Family) -> bool {
        !self.excluded.contains(&family)
    }

    /// The family that a node calls a graph of, if it may change.
    pub(super) fn called(&self, graph: &Graph, id: NodeId) -> Option<Family> {
        let node = graph.node(id);
        let family = match &node.op {
            Op::Call(g) | Op::If(g, _) => Some(self.of_graph(*g)),
            Op::Apply(_) => match graph.ty(node.args[0]) {
                Type::Fn(f) => self.of_type(f),
                _ => None,
            },
            _ => None,
        };
        family.filter(|family| self.may_change(*family))
    }
}
