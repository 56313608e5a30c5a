//! The language, the IR, its passes and its executor as their callers see them.
//! One binary, so that everything is linked once.

mod accumulate;
mod accumulators;
mod builtins;
mod common;
mod derivatives;
mod draw;
mod exec;
mod fission;
mod frontend;
mod fuse;
mod interp;
mod invariants;
mod laws;
mod loops;
mod plan;
mod prims;
mod random;
mod ranges;
mod recomputation;
mod same;
mod scalar_loops;
mod scalars;
mod scalings;
mod schedule;
mod shifts;
mod sink;
mod sums;
mod text;
mod vectors;
mod verify;
