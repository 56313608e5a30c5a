//! Passes over typed modules, and pipelines of them.
//!
//! A pass is a value: a name, a sentence and a function that rewrites the graphs which the entry
//! reaches. It keeps types and meaning; `verify` runs after each in debug builds. A pipeline is a
//! list of passes. A variant of a strategy that does without a pass leaves it out of the list.
//!
//! All passes are deterministic. Those that repeat stop when nothing changes, at the latest after
//! a stated number of rounds; there is no clock.

mod compact;
mod fuse;
mod inline;
mod loops;
mod prune;
mod rewrite;
mod simplify;

use crate::graph::{Module, Stage};

pub use compact::compact;
pub use inline::recursive;
pub use rewrite::{Splice, copy_nodes, live, rebuild};

/// A pass.
#[derive(Clone, Copy)]
pub struct Pass {
    /// Its name on the command line and in tables.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The rewriting; says whether anything changed.
    pub run: fn(&mut Module) -> bool,
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every pass, in the order of help and tables.
pub const PASSES: &[Pass] =
    &[loops::LOOPS, inline::INLINE, simplify::SIMPLIFY, prune::PRUNE, compact::COMPACT, fuse::FUSE];

/// From specialised to closed graphs.
pub const CLOSE: &[Pass] = &[loops::LOOPS, compact::COMPACT];

/// The optimiser: repeated until nothing changes.
pub const OPTIMISE: &[Pass] = &[inline::INLINE, simplify::SIMPLIFY, prune::PRUNE, compact::COMPACT];

/// Elementwise work in one walk over its elements: last, once derivatives are expanded and optimised.
pub const FUSE: &[Pass] = &[fuse::FUSE, compact::COMPACT];

/// Times that the optimiser goes through its list.
const MAX_ROUNDS: usize = 12;

/// Runs passes in order, again and again until nothing changes; `watch` sees the module after each.
pub fn run_to_fixpoint(module: &mut Module, pipeline: &[Pass], watch: &mut dyn FnMut(&str, &Module)) {
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for pass in pipeline {
            changed |= (pass.run)(module);
            check(module, pass.name);
            watch(pass.name, module);
        }
        if !changed {
            break;
        }
    }
}

/// Runs passes in order, once; `watch` sees the module after each.
pub fn run_once(module: &mut Module, pipeline: &[Pass], watch: &mut dyn FnMut(&str, &Module)) {
    for pass in pipeline {
        (pass.run)(module);
        check(module, pass.name);
        watch(pass.name, module);
    }
}

/// Turns specialised into closed graphs.
pub fn close(module: &mut Module) {
    for pass in CLOSE {
        (pass.run)(module);
        check(module, pass.name);
    }
    module.stage = Stage::Closed;
}

/// In debug builds: the module is well formed.
fn check(module: &Module, after: &str) {
    if cfg!(debug_assertions)
        && let Err(error) = crate::verify::verify(module)
    {
        panic!("after {after}: {error:?}\n{}", crate::text::print(module));
    }
}
