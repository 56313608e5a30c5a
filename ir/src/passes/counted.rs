//! Loops whose trips can be counted beforehand.
//!
//! A *counter* is an integer of the state that starts as a constant and to which every trip adds a constant. If the
//! condition compares a counter with a constant, the number of trips is known, and so is the value of every counter
//! in every trip.

use crate::graph::{Const, Graph, Node, NodeId, Op};

use super::sites::returned;

/// An integer that every trip changes by the same step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counter {
    /// Its value in the first trip.
    pub(super) start: i64,
    /// What a trip adds; its negative fits as well.
    pub(super) step: i64,
}

/// What is known of a loop that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// How many trips there are.
    pub(super) trips: usize,
    /// Which items of the state are counters.
    pub(super) counters: Vec<Option<Counter>>,
}

impl Counter {
    /// Its value after so many trips.
    pub(super) fn after(self, trips: usize) -> Option<i64> {
        i64::try_from(trips).ok()?.checked_mul(self.step)?.checked_add(self.start)
    }
}

/// Counts the trips of a loop at its site.
pub(super) fn counted(user: &Graph, site: &Node, cond: &Graph, body: &Graph) -> Option<Counted> {
    let states = body.result_type().as_tuple().map_or(0, <[_]>::len);
    let counters: Vec<_> = (0..states).map(|i| counter(user, site.args[i], body, i)).collect();
    let trips = trips(cond, cond.ret, true, &counters)?;
    counters.iter().flatten().all(|c| c.after(trips).is_some()).then_some(Counted { trips, counters })
}

fn integer(graph: &Graph, id: NodeId) -> Option<i64> {
    match graph.node(id).op {
        Op::Const(Const::I64(n)) => Some(n),
        _ => None,
    }
}

fn counter(user: &Graph, start: NodeId, body: &Graph, i: usize) -> Option<Counter> {
    let start = integer(user, start)?;
    let node = body.node(returned(body, i)?);
    let Op::Prim(prim) = &node.op else { return None };
    let is_state = |id: NodeId| body.node(id).op == Op::Param(i as u32);
    let step = match (prim.def.name, &node.args[..]) {
        ("add", &[a, b]) if is_state(a) => integer(body, b)?,
        ("add", &[a, b]) if is_state(b) => integer(body, a)?,
        ("sub", &[a, b]) if is_state(a) => integer(body, b)?.checked_neg()?,
        _ => return None,
    };
    step.checked_neg().map(|_| Counter { start, step })
}

/// How often a condition, or its opposite, holds before it first does not.
fn trips(cond: &Graph, id: NodeId, holds: bool, counters: &[Option<Counter>]) -> Option<usize> {
    let node = cond.node(id);
    let Op::Prim(prim) = &node.op else { return None };
    if prim.def.name == "logical_not" {
        return trips(cond, node.args[0], !holds, counters);
    }
    let &[a, b] = &node.args[..] else { return None };
    let counter = |id: NodeId| match cond.node(id).op {
        Op::Param(i) => *counters.get(i as usize)?,
        _ => None,
    };
    // A difference from the bound, and how it is compared with zero.
    let (counter, bound, mirrored) = match (counter(a), counter(b)) {
        (Some(counter), None) => (counter, integer(cond, b)?, false),
        (None, Some(counter)) => (counter, integer(cond, a)?, true),
        _ => return None,
    };
    let (start, step) = (i128::from(counter.start) - i128::from(bound), i128::from(counter.step));
    let (start, step) = if mirrored { (-start, -step) } else { (start, step) };
    // While a difference is negative; with one subtracted, while it is not positive.
    let negative = |start: i128, step: i128| match (start < 0, step > 0) {
        (false, _) => Some(0),
        (true, true) => Some((-start + step - 1) / step),
        (true, false) => None,
    };
    let found = match (prim.def.name, holds) {
        ("lt", true) | ("ge", false) => negative(start, step),
        ("le", true) | ("gt", false) => negative(start - 1, step),
        ("gt", true) | ("le", false) => negative(-start, -step),
        ("ge", true) | ("lt", false) => negative(-start - 1, -step),
        ("ne", true) | ("eq", false) if start == 0 => Some(0),
        ("ne", true) | ("eq", false) if step != 0 && -start % step == 0 && -start / step > 0 => Some(-start / step),
        _ => None,
    };
    usize::try_from(found?).ok()
}
