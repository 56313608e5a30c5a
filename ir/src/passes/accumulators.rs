//! Recursive functions add to sums in place: an accumulator is passed to them.
//!
//! ```text
//! s + f (x…)                  =  f' (x…, s)          f' (x…, s) is s + f (x…)
//! f (x…) = a + f (y…) + b     :  f' (x…, s) = f' (y…, s + a) + b
//! ```
//!
//! A backpropagator of a recursion returns the cotangents of all that the recursion shares, its
//! weights above all, and whoever calls it adds them to others. With an accumulator each call adds
//! what is its own to the one array that there is; a branch that has nothing to add returns it as it
//! came. Of functions whose code is known only at run time, all that have a type change together.
//!
//! What takes an accumulator is an item of the result of a [family](Families) of graphs, if the item is
//! an array of floats and most of those who read it add it to something. A [sum](terms) is made in the
//! order in which its terms are computed, so its terms may come in another order than before.

mod families;
mod terms;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{Args, Graph, GraphId, Module, Node, NodeId, Op};
use crate::types::{FnType, Type};

use super::inline::splice;
use super::rewrite::{live, sweep};
use super::{Pass, Run};
use families::{Families, Family};
use terms::{Accumulating, Sum, Term, sums};

pub(super) const ACCUMULATORS: Pass = Pass {
    name: "accumulators",
    about: "lets recursive functions add to a sum in place that is passed to them",
    run: Run::Module(run),
};

fn run(module: &mut Module) -> Vec<GraphId> {
    let reachable = module.reachable();
    let opened = opened(module, &reachable);
    let families = Families::of(&opened, &reachable);
    let accumulating = chosen(&opened, &reachable, &families);
    if accumulating.is_empty() {
        return Vec::new();
    }
    let rewriting = Rewriting { module: &opened, families: &families, accumulating: &accumulating };
    let changed: Vec<GraphId> = reachable.into_iter().filter(|&id| rewriting.changes(id)).collect();
    for &id in &changed {
        module.graphs[id.0 as usize] = rewriting.graph(id);
    }
    changed
}

/// The module with every result that is a tuple made where it is returned.
fn opened(module: &Module, reachable: &[GraphId]) -> Module {
    let mut opened = module.clone();
    for &id in reachable {
        let graph = module.graph(id);
        let Some(types) = graph.result_type().as_tuple() else { continue };
        if graph.node(graph.ret).op != Op::Tuple {
            opened.graphs[id.0 as usize] = {
                let mut b = Builder::new(&graph.name, graph.span);
                let params: Vec<NodeId> = graph.param_types().into_iter().map(|ty| b.param(ty)).collect();
                let whole = splice(&mut b, graph, &params);
                let values: Vec<NodeId> = (0..types.len()).map(|item| b.get(whole, item)).collect();
                let ret = b.tuple(&values);
                b.finish(ret)
            };
        }
    }
    opened
}

/// The items that take an accumulator: of all that might, those which mostly are terms of sums.
fn chosen(module: &Module, reachable: &[GraphId], families: &Families) -> Accumulating {
    let mut chosen = Accumulating::new();
    for &id in reachable {
        let family = families.of_graph(id);
        if families.may_change(family) {
            let types = module.graph(id).result_type().items().iter().enumerate();
            chosen.extend(types.filter(|(_, ty)| is_array(ty)).map(|(item, _)| (family, item)));
        }
    }
    loop {
        let votes = votes(module, reachable, families, &chosen);
        let before = chosen.len();
        chosen.retain(|key| votes.get(key).is_some_and(|votes| votes.is_won));
        if chosen.len() == before {
            return chosen;
        }
    }
}

fn votes(
    module: &Module,
    reachable: &[GraphId],
    families: &Families,
    chosen: &Accumulating,
) -> FxHashMap<(Family, usize), Votes> {
    let mut all: FxHashMap<(Family, usize), Votes> = FxHashMap::default();
    for &id in reachable {
        let graph = module.graph(id);
        let live = live(graph);
        let sums = sums(module, id, families, chosen);
        for (site, node) in graph.iter().filter(|(n, _)| live[n.0 as usize]) {
            let Some(family) = families.called(graph, site) else { continue };
            for item in 0..node.ty.items().len() {
                let votes = all.entry((family, item)).or_default();
                match sums.iter().find(|sum| sum.terms.contains(&Term::Item(site, item))) {
                    Some(sum) if sum.terms.len() > 1 => votes.added += 1,
                    Some(Sum { result: Some(result), .. }) => votes.passed_on.push((families.of_graph(id), *result)),
                    _ => votes.other += 1,
                }
            }
        }
    }
    loop {
        let won: Vec<(Family, usize)> = all.iter().filter(|(_, votes)| votes.is_won).map(|(key, _)| *key).collect();
        for votes in all.values_mut() {
            let added = votes.added > 0 || votes.passed_on.iter().any(|to| won.contains(to));
            votes.is_won = added && votes.added + votes.passed_on.len() >= votes.other;
        }
        if all.values().filter(|votes| votes.is_won).count() == won.len() {
            return all;
        }
    }
}

fn is_array(ty: &Type) -> bool {
    ty.is_float() && !ty.shape().is_empty()
}

/// How the sites of an item use it.
#[derive(Default)]
struct Votes {
    /// It is added to other terms.
    added: usize,
    /// It is all of these items of results: an accumulator is passed on.
    passed_on: Vec<(Family, usize)>,
    /// Something else: an accumulator would be zeros.
    other: usize,
    /// Whether most add it to something, or pass it on to somebody who does.
    is_won: bool,
}

struct Rewriting<'m> {
    module: &'m Module,
    families: &'m Families,
    accumulating: &'m Accumulating,
}

impl<'m> Rewriting<'m> {
    /// Items of a family that take an accumulator, in order.
    fn accumulators(&self, family: Family) -> impl Iterator<Item = usize> {
        self.accumulating.range((family, 0)..=(family, usize::MAX)).map(|&(_, item)| item)
    }

    /// Whether a graph takes accumulators, passes them, or holds functions that take them.
    fn changes(&self, id: GraphId) -> bool {
        let graph = self.module.graph(id);
        let takes = |family: Family| self.accumulators(family).next().is_some();
        let called =
            |(node, n): (NodeId, &Node)| self.families.called(graph, node).is_some_and(takes) || self.ty(&n.ty) != n.ty;
        takes(self.families.of_graph(id)) || graph.iter().any(called)
    }

    fn graph(&self, id: GraphId) -> Graph {
        let graph = self.module.graph(id);
        let mut b = Builder::new(&graph.name, graph.span);
        let mut map: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
        for &p in &graph.params {
            b.span = graph.node(p).span;
            map[p.0 as usize] = Some(b.param(self.ty(graph.ty(p))));
        }
        let types = graph.result_type().items();
        let family = self.families.of_graph(id);
        let accumulators: FxHashMap<usize, NodeId> =
            self.accumulators(family).map(|item| (item, b.param(types[item].clone()))).collect();
        let sums = sums(self.module, id, self.families, self.accumulating);
        let chains = sums.into_iter().map(|sum| {
            let start = sum.result.map(|item| accumulators[&item]);
            Chain { sum, done: 0, so_far: start }
        });
        let mut copy = Copy { rewriting: self, graph, b, map, chains: chains.collect() };
        let ret = copy.all();
        let mut new = copy.b.finish(ret);
        sweep(&mut new);
        new
    }

    /// A type in which functions take their accumulators.
    fn ty(&self, ty: &Type) -> Type {
        match ty {
            Type::Fn(f) => Type::Fn(Arc::new(self.function(f))),
            Type::Tuple(items) => Type::Tuple(items.iter().map(|ty| self.ty(ty)).collect()),
            Type::Stack(item) => Type::stack(self.ty(item)),
            Type::Tensor(..) | Type::Env | Type::Unknown => ty.clone(),
        }
    }

    fn function(&self, f: &Arc<FnType>) -> FnType {
        let mut params: Vec<Type> = f.params.iter().map(|ty| self.ty(ty)).collect();
        if let Some(family) = self.families.of_type(f) {
            let types = f.result.items();
            params.extend(self.accumulators(family).map(|item| types[item].clone()));
        }
        FnType { params, result: self.ty(&f.result) }
    }
}

/// A sum under construction.
struct Chain {
    sum: Sum,
    /// How many of its terms are in.
    done: usize,
    so_far: Option<NodeId>,
}

/// A graph under construction.
struct Copy<'m> {
    rewriting: &'m Rewriting<'m>,
    graph: &'m Graph,
    b: Builder,
    map: Vec<Option<NodeId>>,
    chains: Vec<Chain>,
}

impl Copy<'_> {
    fn copied(&self, id: NodeId) -> NodeId {
        self.map[id.0 as usize].expect("operands are copied before users")
    }

    /// Copies every node; the new result.
    fn all(&mut self) -> NodeId {
        let graph = self.graph;
        let live = live(graph);
        for (id, node) in graph.iter() {
            if live[id.0 as usize] && self.map[id.0 as usize].is_none() {
                self.b.span = node.span;
                let sum = self.chains.iter().position(|c| c.sum.result.is_none() && c.sum.root == id);
                self.map[id.0 as usize] = Some(match sum {
                    Some(chain) => self.whole(chain),
                    None => self.node(id, node),
                });
            }
        }
        let results: Vec<(usize, usize)> =
            self.chains.iter().enumerate().filter_map(|(at, chain)| Some((chain.sum.result?, at))).collect();
        let is_tuple = graph.result_type().as_tuple().is_some();
        let mut values = match graph.node(graph.ret).op {
            Op::Tuple => graph.node(graph.ret).args.iter().map(|&a| self.copied(a)).collect(),
            _ => vec![self.copied(graph.ret)],
        };
        for (item, chain) in results {
            values[item] = self.whole(chain);
        }
        if is_tuple { self.b.tuple(&values) } else { values[0] }
    }

    /// A node that is no sum. A site is given the sums so far that its items are terms of.
    fn node(&mut self, id: NodeId, node: &Node) -> NodeId {
        let types = node.ty.items();
        let mut operands: Args = node.args.iter().map(|&a| self.copied(a)).collect();
        let mut taken = Vec::new();
        if let Some(family) = self.rewriting.families.called(self.graph, id) {
            for item in self.rewriting.accumulators(family) {
                let so_far = self.before(id, item, &mut taken);
                operands.push(so_far.unwrap_or_else(|| self.b.zero(types[item].clone())));
            }
        } else if matches!(node.op, Op::Loop { .. }) {
            for item in 0..types.len() {
                if let Some(so_far) = self.before(id, item, &mut taken) {
                    operands[item] = self.b.accumulate(so_far, operands[item]);
                }
            }
        }
        let made = match node.op {
            Op::Get(item) => self.b.get(operands[0], item as usize),
            _ => self.b.emit(node.op.clone(), &operands, self.rewriting.ty(&node.ty)),
        };
        for (chain, item) in taken {
            let value = if node.ty.as_tuple().is_some() { self.b.get(made, item) } else { made };
            self.chains[chain].so_far = Some(value);
        }
        made
    }

    /// What the sum that an item of a site is a term of is so far, which the site adds to.
    fn before(&mut self, site: NodeId, item: usize, taken: &mut Vec<(usize, usize)>) -> Option<NodeId> {
        let at = self.chains.iter().position(|chain| chain.sum.terms.contains(&Term::Item(site, item)))?;
        self.add_until(at, site);
        self.chains[at].done += 1;
        taken.push((at, item));
        self.chains[at].so_far
    }

    /// A sum with all its terms.
    fn whole(&mut self, chain: usize) -> NodeId {
        self.add_until(chain, NodeId(u32::MAX));
        let Chain { sum, so_far, .. } = &self.chains[chain];
        so_far.unwrap_or_else(|| self.b.zero(sum.ty.clone()))
    }

    /// Adds the terms to a sum that stand before a node.
    fn add_until(&mut self, chain: usize, end: NodeId) {
        while let Some(&term) = self.chains[chain].sum.terms.get(self.chains[chain].done)
            && term.at() < end
        {
            let so_far = self.chains[chain].so_far;
            let sum = match term {
                Term::Value(id) => match so_far {
                    Some(sum) => self.b.accumulate(sum, self.copied(id)),
                    None => self.copied(id),
                },
                Term::Elements(id) => {
                    let node = self.graph.node(id);
                    let mut operands: Args = node.args.iter().map(|&a| self.copied(a)).collect();
                    operands[0] = so_far.unwrap_or_else(|| self.b.zero(node.ty.clone()));
                    self.b.emit(node.op.clone(), &operands, node.ty.clone())
                }
                Term::Item(site, _) => panic!("{site} has not been given what is added to"),
            };
            self.chains[chain].so_far = Some(sum);
            self.chains[chain].done += 1;
        }
    }
}
