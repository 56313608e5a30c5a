//! Define and run, as Theano and TensorFlow.
//!
//! The whole program becomes a static graph of operations before it runs: calls are inlined as the
//! graph is built, and what is known then (constants, shapes, counters that start from them) is
//! computed then, so a recursion whose depth is known is unrolled. What depends on data is
//! structured: a functional `if` and a functional `while`, each with subgraphs that are flat again.
//! A recursion that calls itself once is such a `while` (two, if work is left after the call) before
//! this strategy sees it, whatever its depth. Any other recursion that ends on data, and function
//! values at run time, cannot be expressed and are refused.
//!
//! The gradient is more graph. A walk over the nodes of a function in reverse adds nodes that read the
//! forward nodes directly. A branch returns what its reverse reads; a loop accumulates it on
//! stacks and the reverse loop pops. After Yu et al., "Dynamic control flow in large-scale machine
//! learning" (EuroSys 2018), §5, in the functional form of TensorFlow 2 (`cond_v2`, `while_v2`).
//! The result is an ordinary graph, to which the walk can be applied again.
//!
//! Phases: [`build`] makes the graph; the shared optimiser runs; derivatives are expanded innermost
//! first ([`gradient`]), with the optimiser between and after; the shared executor runs the result.

mod activity;
mod build;
mod cond;
mod gradient;
mod joint;
mod repeat;
mod structure;
mod value;

use adjudicate_ir::graph::Module;
use adjudicate_ir::passes::{self, Pass};
use adjudicate_ir::program::{Program, Request};
use adjudicate_ir::span::SourceMap;

use crate::{Compiled, Facts, PrepareError, Prepared, Refusal, Strategy};

/// The strategy and its variants.
#[derive(Debug)]
pub struct Dataflow {
    name: &'static str,
    about: &'static str,
    pipeline: &'static [Pass],
    /// Run once at the end.
    last: &'static [Pass],
}

/// A static graph, optimised.
pub const DATAFLOW: Dataflow = Dataflow {
    name: "dataflow",
    about: "static graph with functional control flow, optimised before, between and after gradients",
    pipeline: passes::OPTIMISE,
    last: passes::FUSE,
};

/// The same without fusion.
pub const NO_FUSION: Dataflow = Dataflow {
    name: "dataflow:no-fusion",
    about: "the static graph without fusion of elementwise work",
    last: &[],
    ..DATAFLOW
};

/// The same without the optimiser.
pub const UNOPTIMISED: Dataflow = Dataflow {
    name: "dataflow:unoptimised",
    about: "the static graph as it is built, without the optimiser",
    pipeline: &[],
    last: &[],
};

impl Strategy for Dataflow {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }

    fn prepare(&self, program: &Program, request: &Request) -> Result<Box<dyn Prepared>, PrepareError> {
        let specialised = program.specialise(request).map_err(PrepareError::Program)?;
        let mut facts = Facts::default();
        let mut watch = |stage: &str, module: &Module| facts.stage(stage, module);
        watch("specialise", &specialised.module);
        let module =
            self.transform(&specialised.module, &program.sources, &mut watch).map_err(PrepareError::Refused)?;
        Ok(Box::new(Compiled::new(program, &specialised, &module, facts)))
    }
}

impl Dataflow {
    /// The static graph of a specialised or closed program, derivatives included; `watch` sees it
    /// after each stage and pass.
    pub fn transform(
        &self,
        program: &Module,
        sources: &SourceMap,
        watch: &mut dyn FnMut(&str, &Module),
    ) -> Result<Module, Refusal> {
        let mut module = build(program, sources)?;
        watch("build", &module);
        for order in 1.. {
            passes::run_to_fixpoint(&mut module, self.pipeline, watch);
            if !gradient::expand_innermost(&mut module).map_err(|why| Refusal::new(*why, sources))? {
                break;
            }
            module = passes::compact(&module);
            watch(&format!("gradient {order}"), &module);
        }
        passes::run_once(&mut module, self.last, watch);
        Ok(module)
    }
}

/// The static graph of a specialised or closed program: calls inlined, derivatives as yet nodes.
pub fn build(program: &Module, sources: &SourceMap) -> Result<Module, Refusal> {
    let mut module = program.clone();
    passes::close(&mut module);
    build::build(&module).map_err(|why| Refusal::new(*why, sources))
}
