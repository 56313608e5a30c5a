//! What is wrong in a file, by the statement of its top level that it stands in.
//!
//! A file may hold more than a model: plots, a training loop, classes with methods. What the
//! language leaves out counts only where it is *reached*: a statement is reached from a name of
//! the file if the name's node stands in it or in one of its functions, or if a reached statement
//! names a node or a function that does. A rejected construct leaves a node behind, so that what
//! it would have bound still leads to it.

use std::collections::BTreeSet;

use crate::graph::{GraphId, Module, NodeId, Op};
use crate::span::{Diagnostic, Span};

/// The errors of a file in order of position, and the statements of its top level.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    statements: Vec<Span>,
    errors: Vec<Diagnostic>,
}

impl Faults {
    /// The errors of a file whose top level has these statements, in order.
    pub(super) fn new(statements: Vec<Span>, mut errors: Vec<Diagnostic>) -> Self {
        errors.sort_by_key(|error| (error.span.start, error.span.end));
        Self { statements, errors }
    }

    /// All errors, whether anything needs what they are about or not.
    pub fn all(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// The errors that count for a node of the top level.
    pub fn reached(&self, module: &Module, top: GraphId, from: NodeId) -> Vec<Diagnostic> {
        if self.errors.is_empty() {
            return Vec::new();
        }
        let mut reach = Reach { module, top, faults: self, statements: BTreeSet::new() };
        reach.follow(from);
        let counts = |e: &&Diagnostic| self.statement(e.span).is_none_or(|s| reach.statements.contains(&s));
        self.errors.iter().filter(counts).cloned().collect()
    }

    /// The statement that a position stands in.
    fn statement(&self, span: Span) -> Option<usize> {
        let after = self.statements.partition_point(|s| s.start <= span.start);
        let index = after.checked_sub(1)?;
        let statement = self.statements[index];
        (statement.file == span.file && span.start < statement.end).then_some(index)
    }
}

/// The statements reached so far.
struct Reach<'m> {
    module: &'m Module,
    top: GraphId,
    faults: &'m Faults,
    statements: BTreeSet<usize>,
}

impl Reach<'_> {
    /// Follows everything that a node of the top level needs.
    fn follow(&mut self, from: NodeId) {
        let mut nodes = vec![false; self.module.graph(self.top).nodes.len()];
        let mut graphs = vec![false; self.module.graphs.len()];
        let (mut node_work, mut graph_work) = (vec![from], Vec::new());
        loop {
            if let Some(id) = node_work.pop() {
                if std::mem::replace(&mut nodes[id.0 as usize], true) {
                    continue;
                }
                let node = self.module.graph(self.top).node(id);
                self.statements.extend(self.faults.statement(node.span));
                node_work.extend(node.args.iter().copied());
                graph_work.extend(node.op.graphs());
            } else if let Some(id) = graph_work.pop() {
                if std::mem::replace(&mut graphs[id.0 as usize], true) {
                    continue;
                }
                let graph = self.module.graph(id);
                self.statements.extend(self.faults.statement(graph.span));
                for node in &graph.nodes {
                    match node.op {
                        Op::Outer(graph, outer) if graph == self.top => node_work.push(outer),
                        _ => graph_work.extend(node.op.graphs()),
                    }
                }
            } else {
                return;
            }
        }
    }
}
