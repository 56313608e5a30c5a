//! A number that is the same in every trip of a loop is computed before the loop.
//!
//! ```text
//! loop (z, h): z = z + h / 6      becomes      k = h / 6; loop (z, h, k): z = z + k
//! ```
//!
//! Only numbers that cannot fail: if the loop makes no trip they are computed in vain. Where that may happen often, since the loop
//! stands in another or in a function, steps that cost more than arithmetic go before it only if what they are made of is the
//! same in all trips around as well. Arrays that every trip makes by itself are for [`fission`](super::fission).
//! Inner loops come first, so that what is the same in all trips of several loops goes before them all.

use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{Args, Graph, GraphId, Module, Node, NodeId, Op};
use crate::prims::TO_F64;
use crate::types::{Elem, Type};

use super::recomputation::CHEAP;
use super::rewrite::{add_params, live, rebuild, sweep};
use super::sites::{Sites, states};
use super::{Pass, Run};

pub(super) const INVARIANTS: Pass = Pass {
    name: "invariants",
    about: "computes before a loop the numbers that are the same in every trip",
    run: Run::Module(run),
};

fn run(module: &mut Module) -> Vec<GraphId> {
    let classes = Sites::of(module).classes;
    let alone: Vec<GraphId> = classes.iter().filter(|c| c.sites.len() == 1).filter_map(|c| c.body).collect();
    let mut changed = Vec::new();
    // The body of a loop comes before the graph that has the loop.
    for user in module.reachable().into_iter().rev() {
        let graph = module.graph(user);
        // Whether a node is the same whenever the graph runs in the loops around it.
        let around = |id: NodeId| match graph.node(id).op {
            Op::Param(i) => user == module.entry || alone.contains(&user) && i as usize >= states(graph),
            Op::Const(_) | Op::Zero => true,
            _ => user == module.entry,
        };
        let found = |(id, node): (NodeId, &Node)| match node.op {
            Op::Loop { cond, body } if alone.contains(&body) => {
                let given: Vec<bool> = node.args.iter().map(|&arg| around(arg)).collect();
                Some((id, (cond, body, Invariants::of(module.graph(body), &given)?)))
            }
            _ => None,
        };
        let loops: FxHashMap<NodeId, (GraphId, GraphId, Invariants)> = graph.iter().filter_map(found).collect();
        if loops.is_empty() {
            continue;
        }
        let new = rebuild(graph, |b, id, op, args| {
            let mut args = Args::from_slice(args);
            if let Some((_, body, found)) = loops.get(&id) {
                let computed = found.emit_before(b, module.graph(*body), &args);
                args.extend(computed);
            }
            b.emit(op.clone(), &args, graph.ty(id).clone())
        });
        module.graphs[user.0 as usize] = new;
        for (cond, body, found) in loops.into_values() {
            let types: Vec<Type> = found.read.iter().map(|&id| module.graph(body).ty(id).clone()).collect();
            add_params(&mut module.graphs[cond.0 as usize], &types);
            let graph = &mut module.graphs[body.0 as usize];
            add_params(graph, &types);
            *graph = found.body_without(graph);
            changed.extend([cond, body]);
        }
        changed.push(user);
    }
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// What is the same in every trip of a loop.
struct Invariants {
    /// Steps, in order.
    steps: Vec<NodeId>,
    /// Those that others read, in order.
    read: Vec<NodeId>,
}

impl Invariants {
    /// Those of a body, to which the loop gives operands that are the same around it as well or not; `None` if there are none.
    fn of(body: &Graph, given: &[bool]) -> Option<Self> {
        let states = states(body);
        // By node that is the same in every trip: whether it is so around the loop as well.
        let mut same: Vec<Option<bool>> = vec![None; body.nodes.len()];
        let mut steps = Vec::new();
        for (id, node) in body.iter() {
            same[id.0 as usize] = match &node.op {
                Op::Param(i) => (*i as usize >= states).then(|| given[*i as usize]),
                Op::Const(_) | Op::Zero => Some(true),
                Op::Prim(prim) if cannot_fail(body, node) => {
                    let around = node.args.iter().try_fold(true, |all, arg| Some(all & same[arg.0 as usize]?));
                    around.filter(|around| *around || CHEAP.contains(&prim.def.name))
                }
                _ => None,
            };
            if same[id.0 as usize].is_some() && matches!(node.op, Op::Prim(_)) {
                steps.push(id);
            }
        }
        let live = live(body);
        let others = body.iter().filter(|(id, _)| live[id.0 as usize] && steps.binary_search(id).is_err());
        let mut read: Vec<NodeId> = others.flat_map(|(_, node)| node.args.iter().copied()).collect();
        read.retain(|id| steps.binary_search(id).is_ok());
        read.sort_unstable();
        read.dedup();
        (!read.is_empty()).then_some(Self { steps, read })
    }

    /// Computes them before the loop, whose operands are `args`: what is read.
    fn emit_before(&self, b: &mut Builder, body: &Graph, args: &[NodeId]) -> Vec<NodeId> {
        let mut made: FxHashMap<NodeId, NodeId> = FxHashMap::default();
        for &id in &self.steps {
            let node = body.node(id);
            let operand = |arg: &NodeId| match (&body.node(*arg).op, made.get(arg)) {
                (_, Some(made)) => *made,
                (Op::Param(i), _) => args[*i as usize],
                (op, _) => b.emit(op.clone(), &[], body.ty(*arg).clone()),
            };
            let operands: Args = node.args.iter().map(operand).collect();
            b.span = node.span;
            made.insert(id, b.emit(node.op.clone(), &operands, node.ty.clone()));
        }
        self.read.iter().map(|id| made[id]).collect()
    }

    /// A body that takes as its last parameters what is read.
    fn body_without(&self, body: &Graph) -> Graph {
        let first = body.params.len() - self.read.len();
        let mut new = rebuild(body, |b, id, op, args| match self.read.binary_search(&id) {
            Ok(i) => b.graph().params[first + i],
            Err(_) => b.emit(op.clone(), args, body.ty(id).clone()),
        });
        sweep(&mut new);
        new
    }
}

/// Whether a node is a number made of numbers: of integers only the same as a float, since their arithmetic may overflow.
fn cannot_fail(graph: &Graph, node: &Node) -> bool {
    let is_number = |ty: &Type| ty.is_scalar(Elem::F64) || ty.is_scalar(Elem::Bool);
    let cast = matches!(&node.op, Op::Prim(prim) if std::ptr::eq(prim.def, &TO_F64));
    is_number(&node.ty)
        && node.args.iter().all(|&arg| is_number(graph.ty(arg)) || cast && graph.ty(arg).is_scalar(Elem::I64))
}
