//! What the strategies answer, each against the others and against what is known.
//! One binary, so that everything is linked once.

mod builtins;
mod common;
mod dataflow;
mod derive;
mod functions;
mod golden;
mod kept;
mod lanes;
mod language;
mod models;
mod operators;
mod recursion;
mod refusals;
mod scalar;
mod scale;
mod tangent;
mod traps;
