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
//! So is what the second loop computes anyway of other items, whatever it costs: the derivative of a sine is a cosine, and
//! where the first loop needs that as well there is no need to keep it.
//!
//! Which items are of one trip is for [`residuals`](super::residuals) to say. The same bits come out, since the same steps
//! are taken.

use indexmap::IndexMap;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::builder::Builder;
use crate::graph::{Args, Const, Graph, GraphId, Module, NodeId, Op};
use crate::prims::POP;
use crate::types::{Elem, Type};

use super::residuals::{Item, Residuals};
use super::rewrite::{rebuild, sweep};
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

/// So many steps make an item at most, a step counted as often as it is read; items that are made again themselves do not
/// count. In the gradient of Newton's method, a number at a time, a push and a pop take some 300 instructions and a step some
/// 40 (callgrind).
const STEPS: usize = 3;

fn run(module: &mut Module) -> Vec<GraphId> {
    let residuals = Residuals::of(module);
    let new: Vec<(GraphId, Graph)> =
        residuals.sites.keys().filter_map(|&body| Some((body, Reverse::of(&residuals, body).recomputed()?))).collect();
    new.into_iter()
        .map(|(body, graph)| {
            module.graphs[body.0 as usize] = graph;
            body
        })
        .collect()
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

/// A step towards the item of a state.
#[derive(Clone, Debug)]
struct Step {
    op: Op,
    args: Vec<Source>,
    ty: Type,
}

/// A body that takes items off stacks.
struct Reverse<'r> {
    residuals: &'r Residuals<'r>,
    body: GraphId,
    items: IndexMap<usize, Item>,
    /// What it computes anyway, by loop and node there.
    computed: FxHashSet<(GraphId, NodeId)>,
}

impl<'r> Reverse<'r> {
    fn of(residuals: &'r Residuals<'r>, body: GraphId) -> Self {
        let items = residuals.items(body);
        let computed = residuals.computed(body, &items);
        Self { residuals, body, items, computed }
    }

    /// A body in which items are computed again; `None` if none is cheap.
    fn recomputed(&self) -> Option<Graph> {
        let graph = self.residuals.module.graph(self.body);
        let step = |(&state, item): (&usize, &Item)| {
            let mut left = STEPS;
            Some((state, self.step(item, item.pushed, &mut left)?))
        };
        let steps: IndexMap<usize, Step> = self.items.iter().filter_map(step).collect();
        if steps.is_empty() {
            return None;
        }
        let mut again = Again { steps: &steps, made: FxHashMap::default() };
        let mut new = rebuild(graph, |b, id, op, args| {
            let node = graph.node(id);
            let popped = steps.keys().find(|&state| *op == Op::Get(1) && node.args[0] == self.items[state].pop);
            match popped {
                Some(&state) => again.item(b, state),
                None => b.emit(op.clone(), args, node.ty.clone()),
            }
        });
        sweep(&mut new);
        Some(new)
    }

    /// The last of the steps that make a node of the loop that pushed an item, if they are few and cheap or done anyway. So many
    /// steps may be taken; those taken are counted off.
    fn step(&self, item: &Item, target: NodeId, left: &mut usize) -> Option<Step> {
        let first = self.residuals.module.graph(item.first);
        let node = first.node(target);
        let cheap = || matches!(&node.op, Op::Prim(p) if CHEAP.contains(&p.def.name));
        let costs_little = self.computed.contains(&(item.first, target)) || cheap();
        if !costs_little || !matches!(node.ty.as_tensor()?.0, Elem::F64 | Elem::Bool) {
            return None;
        }
        *left = left.checked_sub(1)?;
        let args = node.args.iter().map(|&arg| self.source(item, arg, left)).collect::<Option<_>>()?;
        Some(Step { op: node.op.clone(), args, ty: node.ty.clone() })
    }

    /// How an operand is had.
    fn source(&self, item: &Item, arg: NodeId, left: &mut usize) -> Option<Source> {
        let is_kept = |other: &Item| (other.first, other.pushed) == (item.first, arg);
        if let Some((&state, _)) = self.items.iter().find(|(_, other)| is_kept(other)) {
            return Some(Source::Item(state));
        }
        match &self.residuals.module.graph(item.first).node(arg).op {
            Op::Const(c) => Some(Source::Const(c.clone())),
            Op::Param(i) => self.residuals.invariant(self.body, item.by, *i as usize).map(Source::Invariant),
            _ => self.step(item, arg, left).map(|step| Source::Made(Box::new(step))),
        }
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
