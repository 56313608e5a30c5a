//! The sums of a graph and their terms.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, GraphId, Module, NodeId, Op};
use crate::passes::accumulate::adds_elements;
use crate::passes::rewrite::{live, readers};
use crate::passes::sites::returned;
use crate::types::Type;

use super::families::{Families, Family};
use super::is_array;

/// Items of results that take an accumulator.
pub(super) type Accumulating = BTreeSet<(Family, usize)>;

/// What is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// A value.
    Value(NodeId),
    /// The item of a call that takes an accumulator, or of the state of a loop that adds to it.
    Item(NodeId, usize),
    /// Elements, which this node adds to its first operand.
    Elements(NodeId),
}

impl Term {
    /// Where it stands among the nodes.
    pub(super) fn at(&self) -> NodeId {
        match *self {
            Term::Value(id) | Term::Item(id, _) | Term::Elements(id) => id,
        }
    }
}

/// A sum of which calls may be terms.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    /// The node that is the sum.
    pub(super) root: NodeId,
    /// The item of the result that it is, if that begins with an accumulator.
    pub(super) result: Option<usize>,
    /// In the order of nodes.
    pub(super) terms: Vec<Term>,
    pub(super) ty: Type,
}

/// The sums of a graph that begin with an accumulator or have a term which takes one.
pub(super) fn sums(module: &Module, id: GraphId, families: &Families, accumulating: &Accumulating) -> Vec<Sum> {
    let graph = module.graph(id);
    let mut finder = Finder { module, families, accumulating, graph: Reading::of(graph), inside: FxHashSet::default() };
    let mut sums = finder.results(families.of_graph(id));
    let live = live(graph);
    for (root, _) in graph.iter().rev().filter(|(id, _)| live[id.0 as usize]) {
        if !finder.inside.contains(&root) && is_addition(graph, root) {
            let terms = finder.terms(root);
            let takes = |term: &Term| matches!(term, Term::Item(at, _) if families.called(graph, *at).is_some());
            if terms.len() > 1 && terms.iter().any(takes) {
                sums.push(Sum { root, result: None, terms, ty: graph.ty(root).clone() });
            }
        }
    }
    sums
}

/// A graph and who reads its nodes.
struct Reading<'m> {
    graph: &'m Graph,
    readers: Vec<u32>,
    /// How many nodes read each item of a tuple.
    gets: FxHashMap<(NodeId, u32), u32>,
    /// How many nodes read an item of each tuple.
    apart: FxHashMap<NodeId, u32>,
}

impl<'m> Reading<'m> {
    fn of(graph: &'m Graph) -> Self {
        let (mut gets, mut apart) = (FxHashMap::default(), FxHashMap::default());
        for node in &graph.nodes {
            if let Op::Get(item) = node.op {
                *gets.entry((node.args[0], item)).or_default() += 1;
                *apart.entry(node.args[0]).or_default() += 1;
            }
        }
        Self { graph, readers: readers(graph), gets, apart }
    }

    /// Whether one node reads this, or one item of the result is this.
    fn is_alone(&self, id: NodeId) -> bool {
        self.readers[id.0 as usize] == 1
    }

    /// The site and the item that a node is, if nobody else reads that, nor the tuple whole.
    fn item(&self, id: NodeId) -> Option<(NodeId, usize)> {
        match self.graph.node(id).op {
            Op::Get(item) => {
                let site = self.graph.node(id).args[0];
                let apart = self.apart[&site] == self.readers[site.0 as usize];
                (apart && self.gets[&(site, item)] == 1).then_some((site, item as usize))
            }
            Op::Call(_) | Op::If(..) | Op::Apply(_) => Some((id, 0)),
            _ => None,
        }
    }
}

struct Finder<'m> {
    module: &'m Module,
    families: &'m Families,
    accumulating: &'m Accumulating,
    graph: Reading<'m>,
    /// Nodes that are parts of sums already found.
    inside: FxHashSet<NodeId>,
}

impl Finder<'_> {
    /// The items of the result that begin with an accumulator.
    fn results(&mut self, family: Family) -> Vec<Sum> {
        let graph = self.graph.graph;
        let wanted = self.accumulating.range((family, 0)..=(family, usize::MAX));
        let mut sums = Vec::new();
        for &(_, item) in wanted {
            let root = returned(graph, item).expect("results are made where they are returned");
            let terms = if self.graph.is_alone(root) { self.terms(root) } else { vec![Term::Value(root)] };
            sums.push(Sum { root, result: Some(item), terms, ty: graph.ty(root).clone() });
        }
        sums
    }

    /// The terms of what a node adds up, in order.
    fn terms(&mut self, root: NodeId) -> Vec<Term> {
        let graph = self.graph.graph;
        let mut terms: Vec<Term> = Vec::new();
        let mut work = vec![root];
        while let Some(id) = work.pop() {
            let node = graph.node(id);
            if node.op == Op::Zero {
                continue;
            }
            if id != root && !self.graph.is_alone(id) {
                terms.push(Term::Value(id));
            } else if is_addition(graph, id) {
                self.inside.insert(id);
                work.extend(&node.args);
            } else if adds_elements(&node.op) {
                self.inside.insert(id);
                terms.push(Term::Elements(id));
                work.push(node.args[0]);
            } else {
                let item = self.graph.item(id).filter(|item| self.takes(*item));
                let alone = item.filter(|(site, _)| terms.iter().all(|term| term.at() != *site));
                terms.push(alone.map_or(Term::Value(id), |(site, item)| Term::Item(site, item)));
            }
        }
        terms.sort_by_key(Term::at);
        terms
    }

    /// Whether an item of a call takes an accumulator, or that of a loop begins with what it is given and is added to.
    fn takes(&self, (site, item): (NodeId, usize)) -> bool {
        let graph = self.graph.graph;
        if let Op::Loop { cond, body } = graph.node(site).op {
            return adds_to(self.module.graph(body), item)
                && readers(self.module.graph(cond))[self.module.graph(cond).params[item].0 as usize] == 0;
        }
        let family = self.families.called(graph, site);
        family.is_some_and(|family| self.accumulating.contains(&(family, item)))
    }
}

/// Whether an item of the state of a loop is what it was and something more, and nobody else reads what it was.
fn adds_to(body: &Graph, item: usize) -> bool {
    let readers = readers(body);
    let (param, root) = (body.params[item], returned(body, item));
    let alone = |id: NodeId| readers[id.0 as usize] == 1;
    let mut work: Vec<NodeId> = root.into_iter().filter(|&root| alone(root) && alone(param)).collect();
    while let Some(id) = work.pop() {
        if id == param {
            return true;
        }
        let node = body.node(id);
        if alone(id) && is_addition(body, id) {
            work.extend(&node.args);
        } else if alone(id) && adds_elements(&node.op) {
            work.push(node.args[0]);
        }
    }
    false
}

/// Whether a node adds two arrays of floats of one shape.
fn is_addition(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    graph.is_prim(id, "add") && is_array(&node.ty) && node.args.iter().all(|&a| *graph.ty(a) == node.ty)
}
