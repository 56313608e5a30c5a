//! What a few cheap steps make of other values that a loop keeps on stacks is computed again and not kept.
//!
//! The adjoint of a loop is another loop that takes off stacks what the first has put on them, the last first. Where
//! both have one item in every trip, and one of the items is a cheap function of others, the second loop computes it
//! again from those: what the first loop then puts on a stack in vain goes with the dead code.
//!
//! ```text
//! for t: e = exp z; d = 1 + e; push e; push d   …   for t: e = pop; d = pop; f(e, d)
//!                                       becomes     for t: e = pop; f(e, 1 + e)
//! ```
//!
//! Items are of one trip in both loops if the second takes off all stacks in the order in which adjoints do, the last
//! first, and runs as often as the first has: adjoints are made so. What is the same in all trips of both loops, by
//! whichever outer loop it comes, is there to compute with as well. The same bits come out, since the same steps are
//! taken. Loops in loops keep stacks on stacks; what an inner loop takes off is followed through those to the inner loop
//! that put it there.

use indexmap::IndexMap;
use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{Args, Const, Graph, GraphId, Module, NodeId, Op};
use crate::prims::POP;
use crate::types::{Elem, Type};

use super::rewrite::{readers, rebuild, sweep};
use super::sites::{Class, Site, Sites};
use super::{Pass, Run};

pub(super) const RECOMPUTATION: Pass = Pass {
    name: "recomputation",
    about: "computes again in the adjoint of a loop what is cheap to make of other values that are kept",
    run: Run::Module(run),
};

/// Steps that cost less than to write a value and to read it again.
const CHEAP: &[&str] = &[
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "abs",
    "sign",
    "maximum",
    "minimum",
    "select",
    "to_f64",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "reshape",
    "broadcast_to",
];

/// So many cheap steps make an item at most, a step counted as often as it is read; items that are made again themselves do not
/// count. In the gradient of Newton's method, a number at a time, a push and a pop take some 300 instructions and a step some
/// 40 (callgrind).
const STEPS: usize = 3;

fn run(module: &mut Module) -> Vec<GraphId> {
    let loops = Loops::of(module);
    let new: Vec<(GraphId, Graph)> =
        loops.sites.keys().filter_map(|&body| Some((body, loops.recomputed(body)?))).collect();
    new.into_iter()
        .map(|(body, graph)| {
            module.graphs[body.0 as usize] = graph;
            body
        })
        .collect()
}

/// The loops of a module.
struct Loops<'m> {
    module: &'m Module,
    /// By body: the only loop that has it.
    sites: IndexMap<GraphId, Site>,
    /// How often the nodes of these bodies are read.
    readers: FxHashMap<GraphId, Vec<u32>>,
}

/// How an operand of a step is had in the second loop.
#[derive(Clone, Debug)]
enum Source {
    /// The item of this state.
    Item(usize),
    /// What is the same in every trip.
    Invariant(usize),
    Const(Const),
    /// What is not kept, but cheap as well.
    Made(Box<Step>),
}

/// What a loop takes off a state in every trip.
struct Item {
    /// The operation that does.
    pop: NodeId,
    /// The loop that has filled the state, and the graph it stands in.
    by: (GraphId, NodeId),
    /// Its body, and what it has pushed.
    first: GraphId,
    pushed: NodeId,
}

/// A step towards the item of a state.
#[derive(Clone, Debug)]
struct Step {
    op: Op,
    args: Vec<Source>,
    ty: Type,
}

impl<'m> Loops<'m> {
    fn of(module: &'m Module) -> Self {
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
    fn items(&self, body: GraphId) -> IndexMap<usize, Item> {
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

    /// The last of the steps that make an item of others, if they are cheap and few.
    fn step(&self, body: GraphId, items: &IndexMap<usize, Item>, item: &Item) -> Option<Step> {
        let mut left = STEPS;
        self.step_to(body, items, (item, item.pushed), &mut left)
    }

    /// The step that makes a node of the loop that pushed an item. So many steps may be taken; those taken are counted off.
    fn step_to(
        &self,
        body: GraphId,
        items: &IndexMap<usize, Item>,
        (item, target): (&Item, NodeId),
        left: &mut usize,
    ) -> Option<Step> {
        let first = self.module.graph(item.first);
        let node = first.node(target);
        let cheap = matches!(&node.op, Op::Prim(p) if CHEAP.contains(&p.def.name));
        if !cheap || !matches!(node.ty.as_tensor()?.0, Elem::F64 | Elem::Bool) {
            return None;
        }
        *left = left.checked_sub(1)?;
        let mut source = |&arg: &NodeId| {
            let kept = items.iter().find(|(_, other)| (other.first, other.pushed) == (item.first, arg));
            match &first.node(arg).op {
                _ if kept.is_some() => kept.map(|(&state, _)| Source::Item(state)),
                Op::Const(c) => Some(Source::Const(c.clone())),
                Op::Param(i) => self.invariant(body, item.by, *i as usize).map(Source::Invariant),
                _ => self.step_to(body, items, (item, arg), left).map(|step| Source::Made(Box::new(step))),
            }
        };
        let args = node.args.iter().map(&mut source).collect::<Option<_>>()?;
        Some(Step { op: node.op.clone(), args, ty: node.ty.clone() })
    }

    /// The parameter of a body that is in every trip what a parameter of another loop is there.
    fn invariant(&self, body: GraphId, (user, first): (GraphId, NodeId), param: usize) -> Option<usize> {
        let (site, own) = (self.sites[&body], self.module.graph(body));
        let (node, first) = (self.module.graph(site.user).node(site.node), self.module.graph(user).node(first));
        let Op::Loop { body: other, .. } = first.op else { return None };
        if param < self.states(other) {
            return None;
        }
        let given = (user, first.args[param]);
        (self.states(body)..own.params.len()).find(|&k| self.same(given, (site.user, node.args[k])))
    }

    /// How many items the state of a loop with this body has.
    fn states(&self, body: GraphId) -> usize {
        self.module.graph(body).result_type().as_tuple().map_or(0, <[_]>::len)
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
            let site = self.sites.get(&graph).filter(|_| i as usize >= self.states(graph))?;
            Some((site.user, self.module.graph(site.user).node(site.node).args[i as usize]))
        };
        outside(a_graph, a).zip(outside(b_graph, b)).is_some_and(|(a, b)| self.same(a, b))
    }

    /// A body in which items are computed again; `None` if none is cheap.
    fn recomputed(&self, body: GraphId) -> Option<Graph> {
        let (graph, items) = (self.module.graph(body), self.items(body));
        let step = |(&state, item): (&usize, &Item)| Some((state, self.step(body, &items, item)?));
        let steps: IndexMap<usize, Step> = items.iter().filter_map(step).collect();
        if steps.is_empty() {
            return None;
        }
        let mut again = Again { steps: &steps, made: FxHashMap::default() };
        let mut new = rebuild(graph, |b, id, op, args| {
            let node = graph.node(id);
            let popped = steps.keys().find(|&state| *op == Op::Get(1) && node.args[0] == items[state].pop);
            match popped {
                Some(&state) => again.item(b, state),
                None => b.emit(op.clone(), args, node.ty.clone()),
            }
        });
        sweep(&mut new);
        Some(new)
    }
}

/// Items of a body under construction.
struct Again<'s> {
    steps: &'s IndexMap<usize, Step>,
    made: FxHashMap<usize, NodeId>,
}

impl Again<'_> {
    /// The item of a state.
    fn item(&mut self, b: &mut Builder, state: usize) -> NodeId {
        if let Some(made) = self.made.get(&state) {
            return *made;
        }
        let made = match self.steps.get(&state) {
            None => {
                let stack = b.graph().params[state];
                let popped = b.prim(&POP, &[], &[stack]);
                b.get(popped, 1)
            }
            Some(step) => self.step(b, step),
        };
        self.made.insert(state, made);
        made
    }

    /// A step with those before it.
    fn step(&mut self, b: &mut Builder, step: &Step) -> NodeId {
        let args: Args = step
            .args
            .iter()
            .map(|source| match source {
                Source::Item(state) => self.item(b, *state),
                Source::Invariant(param) => b.graph().params[*param],
                Source::Const(c) => b.constant(c.clone()),
                Source::Made(step) => self.step(b, step),
            })
            .collect();
        b.emit(step.op.clone(), &args, step.ty.clone())
    }
}
