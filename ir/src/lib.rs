//! The functional graph IR of adjudicate: types, primitives with their rules, the Python-subset
//! front end, passes, the reference interpreter and the executor. It knows no strategy.
//!
//! # The three stages
//!
//! A [`Module`](graph::Module) is at one of three stages, and each allows its own node kinds:
//!
//! | stage | what it is | ops that may occur |
//! | --- | --- | --- |
//! | [`Source`](graph::Stage::Source) | what the front end lowers Python to: untyped, generic functions, free variables as references to nodes of enclosing graphs | `param const outer fn builtin apply if loop tuple get record` |
//! | [`Specialised`](graph::Stage::Specialised) | one copy of a function per signature, every node typed, structures flattened to their leaves, functions that are known called directly with their captures as leading arguments | `param const zero prim tuple get call closure apply if loop vjp` |
//! | [`Closed`](graph::Stage::Closed) | the same after clean-up: recursion that calls itself once has become `loop`; what strategies receive, transform, optimise and run | as specialised, and `fused` after the last pass |
//!
//! Data flows `frontend` → `specialise` → `passes` → a strategy → `exec`.

pub mod batch;
pub mod builder;
pub mod datum;
pub mod draw;
pub mod exec;
pub mod frontend;
pub mod fusion;
pub mod graph;
pub mod interp;
pub mod passes;
pub mod prims;
pub mod program;
pub mod rules;
pub mod span;
mod specialise;
pub mod text;
pub mod types;
pub mod value;
pub mod verify;
