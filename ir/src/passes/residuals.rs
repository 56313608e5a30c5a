//! What loops keep for their adjoints: an analysis for passes that have the adjoint keep other things.
//!
//! The adjoint of a loop is another loop that takes off stacks what the first has put on them, the last first. Items are of
//! one trip in both loops if the second takes off all stacks in the order in which adjoints do, the last first, and runs as
//! often as the first has: adjoints are made so, and that is taken for granted. What is the same in all trips of both loops, by
//! whichever outer loop it comes, is known as well. Loops in loops keep stacks on stacks; what an inner loop takes off
//! is followed through those to the inner loop that put it there.

use indexmap::IndexMap;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Args, GraphId, Module, NodeId, Op};

use super::cse::{Expression, expression};
use super::rewrite::readers;
use super::sites::{Class, Site, Sites, states};

/// The loops of a module.
pub(super) struct Residuals<'m> {
    pub(super) module: &'m Module,
    /// By body: the only loop that has it.
    pub(super) sites: IndexMap<GraphId, Site>,
    /// How often the nodes of these bodies are read.
    readers: FxHashMap<GraphId, Vec<u32>>,
}

/// What a loop takes off a state in every trip.
pub(super) struct Item {
    /// The operation that does.
    pub(super) pop: NodeId,
    /// The loop that has filled the state, and the graph it stands in.
    pub(super) by: (GraphId, NodeId),
    /// Its body, and what it has pushed.
    pub(super) first: GraphId,
    pub(super) pushed: NodeId,
}

impl<'m> Residuals<'m> {
    pub(super) fn of(module: &'m Module) -> Self {
        let classes = Sites::of(module).classes;
        let only = |class: &Class| match class.sites[..] {
            [site] => Some((class.body?, site)),
            _ => None,
        };
        let sites: IndexMap<GraphId, Site> = classes.iter().filter_map(only).collect();
        let readers = sites.keys().map(|&body| (body, readers(module.graph(body)))).collect();
        Self { module, sites, readers }
    }

    /// A node, or the item that it is of a tuple.
    fn item(&self, graph: GraphId, mut id: NodeId) -> NodeId {
        let graph = self.module.graph(graph);
        while let Op::Get(i) = graph.node(id).op
            && let tuple = graph.node(graph.node(id).args[0])
            && tuple.op == Op::Tuple
        {
            id = tuple.args[i as usize];
        }
        id
    }

    /// The node of which a body returns a state's next value, if nothing else reads it and the state is read `once`, by
    /// that node.
    fn next(&self, body: GraphId, state: usize) -> Option<NodeId> {
        let graph = self.module.graph(body);
        let ret = graph.node(graph.ret);
        let next = *ret.args.get(state).filter(|_| ret.op == Op::Tuple)?;
        let read = |id: NodeId| self.readers[&body][id.0 as usize];
        (read(next) == 1 && read(graph.params[state]) == 1).then_some(next)
    }

    /// The operation that takes an item off a state in every trip of a loop with this body.
    fn pop(&self, body: GraphId, state: usize) -> Option<NodeId> {
        let graph = self.module.graph(body);
        let next = graph.node(self.next(body, state)?);
        let pop = *next.args.first().filter(|_| next.op == Op::Get(0))?;
        (graph.is_prim(pop, "pop") && graph.node(pop).args[0] == graph.params[state]).then_some(pop)
    }

    /// What is put on a state in every trip of a loop, if the state is empty before: the body, and the node there.
    fn pushed(&self, (user, at, state): (GraphId, NodeId, usize)) -> Option<(GraphId, NodeId)> {
        let node = self.module.graph(user).node(at);
        let Op::Loop { body, .. } = node.op else { return None };
        let graph = self.module.graph(body);
        let next = self.sites.contains_key(&body).then(|| self.next(body, state))??;
        let push = graph.is_prim(next, "push") && graph.node(next).args[0] == graph.params[state];
        let empty = self.module.graph(user).node(self.item(user, node.args[state])).op == Op::Zero;
        (push && empty).then(|| (body, graph.node(next).args[1]))
    }

    /// The loop that has filled a stack, and which of its states that was.
    fn filled_by(&self, graph: GraphId, stack: NodeId) -> Option<(GraphId, NodeId, usize)> {
        let node = self.module.graph(graph).node(self.item(graph, stack));
        let Op::Get(item) = node.op else { return None };
        let from = self.module.graph(graph).node(node.args[0]);
        if matches!(from.op, Op::Loop { .. }) {
            return Some((graph, node.args[0], item as usize));
        }
        let site = self.sites.get(&graph)?;
        let states = 0..self.module.graph(graph).params.len();
        let state = states.into_iter().find(|&state| self.pop(graph, state) == Some(node.args[0]))?;
        let outer = self.filled_by(site.user, self.module.graph(site.user).node(site.node).args[state])?;
        let (body, pushed) = self.pushed(outer)?;
        self.filled_by(body, pushed)
    }

    /// What a body takes off its states, by state: the items, and where in the loop that has filled the state they were
    /// pushed.
    pub(super) fn items(&self, body: GraphId) -> IndexMap<usize, Item> {
        let site = self.sites[&body];
        let operands = &self.module.graph(site.user).node(site.node).args;
        let item = |(state, &stack): (usize, &NodeId)| {
            let pop = self.pop(body, state)?;
            let by = self.filled_by(site.user, stack)?;
            let (first, pushed) = self.pushed(by)?;
            Some((state, Item { pop, by: (by.0, by.1), first, pushed }))
        };
        operands.iter().enumerate().filter_map(item).collect()
    }

    /// The parameter of a body that is in every trip what a parameter of another loop is there.
    pub(super) fn invariant(&self, body: GraphId, (user, first): (GraphId, NodeId), param: usize) -> Option<usize> {
        let (site, own) = (self.sites[&body], self.module.graph(body));
        let node = self.module.graph(site.user).node(site.node);
        let given = (user, self.given((user, first), param)?);
        (states(self.module.graph(body))..own.params.len()).find(|&k| self.same(given, (site.user, node.args[k])))
    }

    /// What a loop is given for a parameter that no trip changes.
    pub(super) fn given(&self, (user, at): (GraphId, NodeId), param: usize) -> Option<NodeId> {
        let node = self.module.graph(user).node(at);
        let Op::Loop { body, .. } = node.op else { return None };
        (param >= states(self.module.graph(body))).then(|| node.args[param])
    }

    /// Whether two nodes have one value: they are one node, or parameters that no trip changes of loops that are given one
    /// value.
    fn same(&self, (a_graph, a): (GraphId, NodeId), (b_graph, b): (GraphId, NodeId)) -> bool {
        let (a, b) = (self.item(a_graph, a), self.item(b_graph, b));
        if a_graph == b_graph {
            return a == b;
        }
        let outside = |graph: GraphId, id: NodeId| {
            let Op::Param(i) = self.module.graph(graph).node(id).op else { return None };
            let site = self.sites.get(&graph).filter(|_| i as usize >= states(self.module.graph(graph)))?;
            Some((site.user, self.module.graph(site.user).node(site.node).args[i as usize]))
        };
        outside(a_graph, a).zip(outside(b_graph, b)).is_some_and(|(a, b)| self.same(a, b))
    }

    /// The values of first loops that a body computes itself, of what it takes off and what is the same in every trip.
    pub(super) fn computed(&self, body: GraphId, items: &IndexMap<usize, Item>) -> FxHashSet<(GraphId, NodeId)> {
        let loops: IndexMap<GraphId, &Item> = items.values().map(|item| (item.first, item)).collect();
        loops.values().flat_map(|of| self.computed_of(body, items, of)).collect()
    }

    /// The same for one first loop: the nodes of the two bodies are numbered alike where they have one value.
    fn computed_of(&self, body: GraphId, items: &IndexMap<usize, Item>, of: &Item) -> Vec<(GraphId, NodeId)> {
        let (first, second) = (self.module.graph(of.first), self.module.graph(body));
        let named: FxHashMap<Expression, NodeId> =
            first.iter().map(|(id, node)| (expression(&node.op, &node.args, &node.ty), id)).collect();
        let invariants: FxHashMap<usize, NodeId> = (states(first)..first.params.len())
            .filter_map(|param| Some((self.invariant(body, of.by, param)?, first.params[param])))
            .collect();
        let mut known: FxHashMap<NodeId, NodeId> = FxHashMap::default();
        let mut computed = Vec::new();
        for (id, node) in second.iter() {
            let popped = || items.values().find(|item| item.first == of.first && item.pop == node.args[0]);
            let number = match &node.op {
                Op::Param(param) => invariants.get(&(*param as usize)).copied(),
                Op::Get(1) => popped().map(|item| item.pushed),
                op => {
                    let args: Option<Args> = node.args.iter().map(|arg| known.get(arg).copied()).collect();
                    args.and_then(|args| named.get(&expression(op, &args, &node.ty)).copied())
                }
            };
            known.extend(number.map(|number| (id, number)));
            computed.extend(number.filter(|_| matches!(node.op, Op::Prim(_))).map(|number| (of.first, number)));
        }
        computed
    }
}
