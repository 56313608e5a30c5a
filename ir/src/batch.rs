//! Batching: from a graph to one that computes many *lanes* at once.
//!
//! A value that differs from lane to lane has an axis for the lanes, the leading one, in every
//! tensor that differs; a [`Mask`] says which do. What is the same in all lanes has no such axis
//! and is computed once. [`batch`] makes, for a graph and the masks of its parameters, a graph that
//! is the given one on every lane:
//!
//! | node | in the batched graph |
//! | --- | --- |
//! | primitive | its [batching rule](BatchRule), if an operand has the axis |
//! | call, closure | of the batched graph, one for each combination of masks |
//! | `if` on one condition for all | of batched branches |
//! | `if` on a condition for each lane | each branch if any lane takes it, then a choice ([`control`]) |
//! | `loop` | while any lane goes on; lanes that have ended keep their state |
//! | `vjp` of batched arguments | of the batched graph |
//! | `vjp` of which the seeds alone are batched | with several seeds at once ([`VjpSpec::seeds`](crate::graph::VjpSpec)) |
//!
//! A lane is computed as if it were alone: what it does not reach (the other branch, a trip after
//! its last) has no effect on it, raises no error and sends it no cotangent.
//!
//! Phases: [`solve`] finds the masks of all nodes, to a fixed point over recursion and loops;
//! [`emit`] makes the graphs. Function values have no mask: what has an axis when they are called
//! is found for each function type at once. Functions made [`outside`] of the graph have no lanes at
//! all: where they would need them, the graph is run lane by lane.

mod control;
mod emit;
mod mask;
mod outside;
mod rules;
mod solve;

use crate::graph::{GraphId, Module};
use crate::span::Diagnostic;

pub use mask::Mask;
pub use rules::{Aligned, BatchRule, Lanes};

/// A batched graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Batched {
    /// The graph, of the same module.
    pub graph: GraphId,
    /// What of its result has the axis.
    pub result: Mask,
}

/// The graph that computes `graph` in `count` lanes, of whose parameters those in `masks` have the
/// axis. The result has the axis at least where `wanted` says. What cannot be batched is an error
/// with its position.
pub fn batch(
    module: &mut Module,
    graph: GraphId,
    masks: &[Mask],
    wanted: &Mask,
    count: usize,
) -> Result<Batched, Box<Diagnostic>> {
    let (solved, found) = solve::solve(module, graph, masks);
    let result = found.join(wanted);
    if outside::reaches_in(&solved.functions, module.graph(graph), count) {
        let graph = outside::lane_by_lane(module, graph, masks, &result, count);
        return Ok(Batched { graph, result });
    }
    let graph = emit::emit(module, solved, (graph, masks.to_vec(), result.clone()), count)?;
    Ok(Batched { graph, result })
}
