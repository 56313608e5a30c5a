//! What a loop keeps of its state before each trip is what it keeps of it after the trip before.
//!
//! ```text
//! for t: push a s; s = f s; push b s     :     rows of a  =  concat s₀ (rows of b but the last)
//! ```
//!
//! The gradient of a recurrent network needs the state before each step, which is multiplied by weights, and after it,
//! of which something else is made.

use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{Graph, GraphId, Module, NodeId, Op};
use crate::prims::{CONCAT, POP_ROWS, Prim, RESHAPE, SLICE, UNSLICE};

use super::counted::counted;
use super::rewrite::{rebuild, sweep};
use super::sites::returned;
use super::{Pass, Run};

pub(super) const SHIFTS: Pass = Pass {
    name: "shifts",
    about: "takes rows of the state before each trip of a loop from those of the state after it",
    run: Run::Module(run),
};

/// Rows of more elements are rather pushed twice than copied twice at the end: with 8 or 32 elements the gradient of a
/// recurrence takes 3 % less, with 64 as long, with 128 it would take 4 % more.
const MAX_ELEMENTS: usize = 32;

/// Rows of a state, and the stack that has those of the next.
struct Shift {
    state: usize,
    next: usize,
}

fn run(module: &mut Module) -> Vec<GraphId> {
    let new: Vec<(GraphId, Graph)> =
        module.reachable().into_iter().filter_map(|id| Some((id, shifted(module, module.graph(id))?))).collect();
    new.into_iter()
        .map(|(id, graph)| {
            module.graphs[id.0 as usize] = graph;
            id
        })
        .collect()
}

fn shifted(module: &Module, graph: &Graph) -> Option<Graph> {
    let shifts: FxHashMap<NodeId, Shift> =
        graph.iter().filter_map(|(id, _)| Some((id, shift(module, graph, id)?))).collect();
    if shifts.is_empty() {
        return None;
    }
    let mut new = rebuild(graph, |b, id, op, args| match shifts.get(&id) {
        Some(shift) => put(b, args[0], shift),
        None => b.emit(op.clone(), args, graph.ty(id).clone()),
    });
    sweep(&mut new);
    Some(new)
}

/// The rows that are taken off a stack: how, the loop that has filled it, and which item of its state it is.
fn rows(graph: &Graph, popped: NodeId) -> Option<(&Prim, NodeId, usize)> {
    let node = graph.node(popped);
    let Op::Prim(prim) = &node.op else { return None };
    let &stack = node.args.first().filter(|_| prim.def.name == "pop_rows" && prim.attrs[2] == 0)?;
    let Op::Get(item) = graph.node(stack).op else { return None };
    Some((prim, graph.node(stack).args[0], item as usize))
}

/// Whether a node is rows of a state before each trip of a loop that has others of it after.
fn shift(module: &Module, graph: &Graph, id: NodeId) -> Option<Shift> {
    let node = graph.node(id);
    let &popped = node.args.first().filter(|_| node.op == Op::Get(1))?;
    let (prim, ran, stack) = rows(graph, popped)?;
    let Op::Loop { cond, body } = graph.node(ran).op else { return None };
    let (cond, body) = (module.graph(cond), module.graph(body));
    let pushed = |item: usize| {
        let push = body.node(returned(body, item)?);
        let is_push = matches!(&push.op, Op::Prim(p) if p.def.name == "push");
        (is_push && push.args[0] == body.params[item]).then(|| push.args[1])
    };
    let before = pushed(stack)?;
    let states = graph.ty(ran).as_tuple()?.len();
    let state = body.params[..states].iter().position(|&p| p == before)?;
    // States that only change places would be taken from each other without end.
    let after = returned(body, state).filter(|after| !body.params.contains(after))?;
    let next = (0..states).find(|&item| item != stack && pushed(item) == Some(after))?;
    let trips = prim.attrs[0] as usize;
    let is_read = || graph.iter().any(|(id, _)| rows(graph, id) == Some((prim, ran, next)));
    let pays = trips > 1 && body.ty(before).size() <= MAX_ELEMENTS && is_read();
    (pays && counted(graph, graph.node(ran), cond, body)?.trips == trips).then_some(Shift { state, next })
}

/// Rows of a state in place of those taken off a stack.
fn put(b: &mut Builder, popped: NodeId, shift: &Shift) -> NodeId {
    let (prim, ran, _) = rows(b.graph(), popped).expect("rows that a loop has pushed");
    let (attrs, first) = (prim.attrs.clone(), b.graph().node(ran).args[shift.state]);
    let (trips, reversed) = (attrs[0], attrs[1]);
    let stack = b.get(ran, shift.next);
    let popped = b.prim(&POP_ROWS, &attrs, &[stack]);
    let rows = b.get(popped, 1);
    let extents: Vec<i64> = b.ty(first).shape().iter().map(|&n| n as i64).collect();
    let part = |range: [i64; 3]| range.into_iter().chain(extents.iter().flat_map(|&n| [0, n, 1])).collect::<Vec<_>>();
    let (early, late) = (part([0, trips - 1, 1]), part([1, trips, 1]));
    let (from, to) = if reversed == 0 { (early, late) } else { (late, early) };
    let others = b.prim(&SLICE, &from, &[rows]);
    if b.graph().node(first).op == Op::Zero {
        let shape = [&[extents.len() as i64 + 1, trips], &extents[..]].concat();
        return b.prim(&UNSLICE, &[shape, to].concat(), &[others]);
    }
    let first = b.prim(&RESHAPE, &[&[1], &extents[..]].concat(), &[first]);
    b.prim(&CONCAT, &[0], &if reversed == 0 { [first, others] } else { [others, first] })
}
