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
//! Few steps lead from what is kept to a scalar: many one after the other are waited for, which costs more than to keep some
//! values on the way. A scalar that is the same in every trip of the first loop is handed to the second if a step reads it.
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
use super::rewrite::{add_params, rebuild, sweep};
use super::sites::Site;
use super::{Pass, Run};

pub(super) const RECOMPUTATION: Pass = Pass {
    name: "recomputation",
    about: "computes again in the adjoint of a loop what is cheap to make of other values that are kept",
    run: Run::Module(run),
};

/// Steps that cost less than to write a value and to read it again.
pub(super) const CHEAP: &[&str] = &[
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

/// So many steps make an item at most, a step counted as often as it is read; the steps to items that are made again
/// themselves do not count. As many lead one after the other to a scalar from what is kept. In a loop over scalars a push
/// and a pop take about as long as two steps that nothing waits for (`ode`).
const STEPS: usize = 3;

fn run(module: &mut Module) -> Vec<GraphId> {
    let residuals = Residuals::of(module);
    let plans: Vec<Plan> = residuals.sites.keys().filter_map(|&body| Reverse::of(&residuals, body).plan()).collect();
    let mut changed: Vec<GraphId> = plans.iter().flat_map(|plan| plan.hand_over(module)).collect();
    for plan in &plans {
        module.graphs[plan.body.0 as usize] = plan.recomputed(module.graph(plan.body));
    }
    changed.extend(plans.iter().map(|plan| plan.body));
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// What a body computes again.
struct Plan {
    body: GraphId,
    /// By state.
    steps: IndexMap<usize, Made>,
    /// Where the body is used, and the values there that are handed to it, after its parameters.
    site: Site,
    handed: Vec<NodeId>,
}

impl Plan {
    /// Gives the loop further operands that no trip changes; the graphs that change beside the body.
    fn hand_over(&self, module: &mut Module) -> Vec<GraphId> {
        let Site { user, node } = self.site;
        if self.handed.is_empty() {
            return Vec::new();
        }
        let types: Vec<Type> = self.handed.iter().map(|&id| module.graph(user).ty(id).clone()).collect();
        let graphs = module.graph(user).node(node).op.graphs();
        for &graph in &graphs {
            add_params(&mut module.graphs[graph.0 as usize], &types);
        }
        module.graphs[user.0 as usize].nodes[node.0 as usize].args.extend(self.handed.iter().copied());
        graphs.into_iter().chain([user]).collect()
    }

    /// The body in which items are computed again.
    fn recomputed(&self, graph: &Graph) -> Graph {
        let mut again = Again { steps: &self.steps, made: FxHashMap::default() };
        let mut new = rebuild(graph, |b, id, op, args| {
            let node = graph.node(id);
            let popped = self.steps.iter().find(|(_, made)| *op == Op::Get(1) && node.args[0] == made.pop);
            match popped {
                Some((&state, _)) => again.item(b, state),
                None => b.emit(op.clone(), args, node.ty.clone()),
            }
        });
        sweep(&mut new);
        new
    }
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

/// An item that is made again.
#[derive(Debug)]
struct Made {
    /// The operation that took it off.
    pop: NodeId,
    /// The last of the steps that make it, and how many lead to it one after the other from what is kept.
    step: Step,
    depth: usize,
}

/// A step towards the item of a state.
#[derive(Clone, Debug)]
struct Step {
    op: Op,
    args: Vec<Source>,
    ty: Type,
    /// Whether the second loop takes it anyway.
    anyway: bool,
}

impl Step {
    /// How many steps one after the other lead to it from what is kept, and from what is computed anyway.
    fn depth(&self, made: &IndexMap<usize, Made>) -> usize {
        let depths = self.args.iter().map(|source| match source {
            Source::Item(state) => made.get(state).map_or(0, |made| made.depth),
            Source::Invariant(_) | Source::Const(_) => 0,
            Source::Made(step) => step.depth(made),
        });
        if self.anyway { 0 } else { 1 + depths.max().unwrap_or(0) }
    }
}

fn is_scalar(ty: &Type) -> bool {
    ty.as_tensor().is_some_and(|(_, shape)| shape.is_empty())
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

    /// What is computed again; `None` if nothing is cheap.
    fn plan(&self) -> Option<Plan> {
        let (mut steps, mut handed): (IndexMap<usize, Made>, _) = (IndexMap::new(), Vec::new());
        let mut items: Vec<(usize, &Item)> = self.items.iter().map(|(&state, item)| (state, item)).collect();
        // What an item is made of comes before it.
        items.sort_by_key(|(_, item)| (item.first, item.pushed));
        for (state, item) in items {
            let (mut left, mut more) = (STEPS, handed.clone());
            let Some(step) = self.step(item, item.pushed, &mut left, &mut more) else { continue };
            let depth = step.depth(&steps);
            if is_scalar(&step.ty) && depth > STEPS {
                continue;
            }
            handed = more;
            steps.insert(state, Made { pop: item.pop, step, depth });
        }
        let site = self.residuals.sites[&self.body];
        (!steps.is_empty()).then_some(Plan { body: self.body, steps, site, handed })
    }

    /// The last of the steps that make a node of the loop that pushed an item, if they are few and cheap or done anyway. So many
    /// steps may be taken; those taken are counted off. What the second loop has to be handed is added to what is.
    fn step(&self, item: &Item, target: NodeId, left: &mut usize, handed: &mut Vec<NodeId>) -> Option<Step> {
        let first = self.residuals.module.graph(item.first);
        let node = first.node(target);
        let cheap = || matches!(&node.op, Op::Prim(p) if CHEAP.contains(&p.def.name));
        let anyway = self.computed.contains(&(item.first, target));
        if !(anyway || cheap()) || !matches!(node.ty.as_tensor()?.0, Elem::F64 | Elem::Bool) {
            return None;
        }
        *left = left.checked_sub(1)?;
        let args = node.args.iter().map(|&arg| self.source(item, arg, left, handed)).collect::<Option<_>>()?;
        Some(Step { op: node.op.clone(), args, ty: node.ty.clone(), anyway })
    }

    /// How an operand is had.
    fn source(&self, item: &Item, arg: NodeId, left: &mut usize, handed: &mut Vec<NodeId>) -> Option<Source> {
        let is_kept = |other: &Item| (other.first, other.pushed) == (item.first, arg);
        if let Some((&state, _)) = self.items.iter().find(|(_, other)| is_kept(other)) {
            return Some(Source::Item(state));
        }
        match &self.residuals.module.graph(item.first).node(arg).op {
            Op::Const(c) => Some(Source::Const(c.clone())),
            Op::Param(i) => {
                let known = self.residuals.invariant(self.body, item.by, *i as usize);
                known.or_else(|| self.handed(item, *i as usize, handed)).map(Source::Invariant)
            }
            _ => self.step(item, arg, left, handed).map(|step| Source::Made(Box::new(step))),
        }
    }

    /// The parameter by which a scalar is handed over that no trip of the first loop changes. An array would be held longer
    /// than now.
    fn handed(&self, item: &Item, param: usize, handed: &mut Vec<NodeId>) -> Option<usize> {
        let (user, _) = item.by;
        let value = self.residuals.given(item.by, param).filter(|_| user == self.residuals.sites[&self.body].user)?;
        if !is_scalar(self.residuals.module.graph(user).ty(value)) {
            return None;
        }
        let at = handed.iter().position(|&known| known == value).unwrap_or(handed.len());
        if at == handed.len() {
            handed.push(value);
        }
        Some(self.residuals.module.graph(self.body).params.len() + at)
    }
}

/// Items of a body under construction.
struct Again<'s> {
    steps: &'s IndexMap<usize, Made>,
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
            Some(made) => self.step(b, &made.step),
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
