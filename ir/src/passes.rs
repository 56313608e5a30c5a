//! Passes over typed modules, and pipelines of them.
//!
//! A pass is a value: a name, a sentence and a function that rewrites either one graph by itself or the graphs
//! which the entry reaches together. It keeps types and meaning, IEEE arithmetic included, but that some
//! (`contractions`, `accumulate`, `accumulators`, `fission`) add the terms of a sum in another order, and `accumulate` adds no zeros; `verify` runs after each
//! in debug builds. A pipeline is a list of passes. A variant of a strategy that does without a pass leaves it out
//! of the list.
//! [`optimise`] goes through a pipeline again and again until nothing changes. A pass looks again
//! only at graphs that have changed since it last did. All passes are deterministic; there is no
//! clock, but a number of steps after which [`optimise`] gives up with [`Exhausted`].

mod accumulate;
mod accumulators;
mod branches;
mod calls;
mod compact;
mod contractions;
mod counted;
mod cse;
mod demand;
mod fission;
mod flatten;
mod fold;
mod fuse;
mod inline;
mod invariants;
mod known;
mod laws;
mod loops;
mod products;
mod ranges;
mod recomputation;
mod residuals;
mod resign;
mod rewrite;
mod scalings;
mod shifts;
mod sink;
mod sites;
mod specialise;
mod sums;
mod trips;
mod tuples;
mod vectors;

use std::fmt;

use crate::graph::{Graph, GraphId, Module, Stage};

pub use compact::compact;
pub use inline::recursive;
pub use laws::apply_law;
pub use rewrite::{Splice, copy_nodes, live, rebuild};

/// A pass.
#[derive(Clone, Copy)]
pub struct Pass {
    /// Its name on the command line and in tables.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The rewriting.
    run: Run,
}

/// What a pass looks at.
#[derive(Clone, Copy)]
enum Run {
    /// One graph by itself; `None` if there is nothing to do.
    Graph(fn(&Graph) -> Option<Graph>),
    /// All that the entry reaches; the graphs that were changed or added.
    Module(fn(&mut Module) -> Vec<GraphId>),
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// From specialised to closed graphs.
pub const CLOSE: &[Pass] = &[loops::LOOPS];

/// Before each derivative, once: a value that one side of an `if` alone reads carries no sensitivity when the other is taken.
pub const DIFFERENTIATE: &[Pass] = &[sink::SINK];

/// The optimiser, and every pass of it, in order: what makes calls direct and graphs few, what
/// simplifies nodes, and what looks across graphs.
pub const OPTIMISE: &[Pass] = &[
    calls::CALLS,
    specialise::SPECIALISE,
    inline::INLINE,
    tuples::TUPLES,
    fold::FOLD,
    laws::LAWS,
    ranges::RANGES,
    contractions::CONTRACTIONS,
    cse::CSE,
    branches::BRANCHES,
    trips::TRIPS,
    shifts::SHIFTS,
    known::KNOWN,
    flatten::FLATTEN,
    demand::DEMAND,
];

/// Once, between two runs of the optimiser: sums are added in place, and what every trip of a loop does by itself
/// is done for all trips at once, or once if it is the same in all; what is cheap is computed again rather than kept.
pub const DISTRIBUTE: &[Pass] = &[
    accumulate::ACCUMULATE,
    accumulators::ACCUMULATORS,
    fission::FISSION,
    recomputation::RECOMPUTATION,
    invariants::INVARIANTS,
];

/// At the end, once: operations that do more at a time and that other passes know less of.
pub const FINISH: &[Pass] = &[scalings::SCALINGS, vectors::VECTORS, products::PRODUCTS, sums::SUMS, fuse::FUSE];

/// Elementwise work in one walk over its elements.
pub const FUSE: &[Pass] = &[fuse::FUSE];

/// Calls expanded, and nothing else: what a compiler of the host language does to a program whose derivatives are taken as it
/// runs.
pub const EXPAND: &[Pass] = &[calls::CALLS, specialise::SPECIALISE, inline::INLINE, tuples::TUPLES];

/// Operations on single elements put together, as the statements of a block.
pub const FUSE_SCALARS: &[Pass] = &[fuse::FUSE_SCALARS];

/// Every pass, in the order of help and tables.
pub fn all() -> impl Iterator<Item = &'static Pass> {
    CLOSE.iter().chain(DIFFERENTIATE).chain(optional()).chain(FUSE_SCALARS)
}

/// Every pass that a strategy can do without.
pub fn optional() -> impl Iterator<Item = &'static Pass> {
    OPTIMISE.iter().chain(DISTRIBUTE).chain(FINISH)
}

/// Nodes that the optimiser looks at before it gives up.
const MAX_STEPS: usize = 1 << 27;

/// Nodes that a module may have.
const MAX_NODES: usize = 1 << 19;

/// The optimiser has given up: the program is too large, or has kept changing for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The nodes there are.
    pub nodes: usize,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the program has grown to {} nodes, more than the {MAX_NODES} that are optimised", self.nodes)
    }
}

/// Runs passes in order, again and again until nothing changes; `watch` sees the module after each
/// that was run.
pub fn optimise(module: &mut Module, pipeline: &[Pass], watch: &mut dyn FnMut(&str, &Module)) -> Result<(), Exhausted> {
    let mut progress = Progress { now: 1, changed: vec![0; module.graphs.len()], steps: 0 };
    let mut last = vec![0; pipeline.len()];
    progress.check(module)?;
    loop {
        let start = progress.now;
        for (pass, last) in pipeline.iter().zip(&mut last) {
            if progress.run(pass, module, *last) {
                check(module, pass.name);
            }
            *last = progress.now;
            progress.now += 1;
            watch(pass.name, module);
        }
        progress.check(module)?;
        if progress.changed.iter().all(|&at| at < start) {
            return Ok(());
        }
    }
}

/// Which graphs have changed, and when; the time is counted in passes.
struct Progress {
    now: usize,
    changed: Vec<usize>,
    steps: usize,
}

impl Progress {
    /// Runs a pass on what has changed since it last ran; says whether it changed anything.
    fn run(&mut self, pass: &Pass, module: &mut Module, last: usize) -> bool {
        let reachable = module.reachable();
        let dirty: Vec<GraphId> = reachable.iter().copied().filter(|g| self.changed[g.0 as usize] >= last).collect();
        let changed = match pass.run {
            Run::Graph(rewrite) => {
                let mut changed = Vec::new();
                for id in dirty {
                    self.steps += module.graph(id).nodes.len();
                    if let Some(new) = rewrite(module.graph(id)) {
                        module.graphs[id.0 as usize] = new;
                        changed.push(id);
                    }
                }
                changed
            }
            Run::Module(_) if dirty.is_empty() => return false,
            Run::Module(rewrite) => {
                self.steps += reachable.iter().map(|&g| module.graph(g).nodes.len()).sum::<usize>();
                rewrite(module)
            }
        };
        self.changed.resize(module.graphs.len(), self.now);
        changed.iter().for_each(|g| self.changed[g.0 as usize] = self.now);
        if !changed.is_empty() {
            let kept = compact::leave_out_unreachable(module);
            self.changed = kept.iter().map(|g| self.changed[g.0 as usize]).collect();
        }
        !changed.is_empty()
    }

    fn check(&self, module: &Module) -> Result<(), Exhausted> {
        let nodes = module.node_count();
        if self.steps > MAX_STEPS || nodes > MAX_NODES { Err(Exhausted { nodes }) } else { Ok(()) }
    }
}

/// Runs passes once, in order; `watch` sees the module after each.
pub fn run_once(module: &mut Module, pipeline: &[Pass], watch: &mut dyn FnMut(&str, &Module)) {
    for pass in pipeline {
        let all = vec![0; module.graphs.len()];
        if (Progress { now: 1, changed: all, steps: 0 }).run(pass, module, 0) {
            compact(module);
            check(module, pass.name);
        }
        watch(pass.name, module);
    }
}

/// Turns specialised into closed graphs.
pub fn close(module: &mut Module) {
    run_once(module, CLOSE, &mut |_, _| {});
    compact(module);
    module.stage = Stage::Closed;
}

/// In debug builds: the module is well formed. For passes and transforms, after each.
pub fn check(module: &Module, after: &str) {
    if cfg!(debug_assertions)
        && let Err(error) = crate::verify::verify(module)
    {
        panic!("after {after}: {error:?}\n{}", crate::text::print(module));
    }
}
