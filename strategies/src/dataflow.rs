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
//!
//! Since the graph is known, so is which operations do not need each other. [`PARALLEL`] lets large ones of these run at once on
//! the threads of the kernels; the operations and the bits of their results are those of [`DATAFLOW`].

mod activity;
mod build;
mod cond;
mod gradient;
mod joint;
mod repeat;
mod structure;
mod value;

use std::borrow::Cow;
use std::sync::LazyLock;

use adjudicate_ir::graph::Module;
use adjudicate_ir::passes::{self, Pass};
use adjudicate_ir::program::{Program, Request};
use adjudicate_ir::span::SourceMap;

use adjudicate_kernels::threads;

use crate::derivatives;
use crate::kept::{self, Unparted};
use crate::optimiser::{self, Optimiser};
use crate::{Compiled, PrepareError, Prepared, Refusal, Strategy, Watch};

/// The strategy and its variants.
#[derive(Clone, Debug)]
pub struct Dataflow {
    name: Cow<'static, str>,
    about: Cow<'static, str>,
    optimiser: Optimiser,
    loops: Loops,
    schedule: Schedule,
}

/// What becomes of a loop whose condition is known as the graph is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loops {
    /// It stays a `while`, as one on data does.
    Kept,
    /// Its trips stand in the graph one after the other, up to where the condition is not known any more.
    Unrolled,
}

/// How the operations of the graph are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schedule {
    /// One after the other; each may split its own work over the threads.
    Sequential,
    /// Large ones that do not need each other at once, if there are several threads as the graph is built.
    Parallel,
}

/// A static graph, optimised.
pub static DATAFLOW: Dataflow = Dataflow {
    name: Cow::Borrowed("dataflow"),
    about: Cow::Borrowed("static graph with functional control flow, optimised before, between and after gradients"),
    optimiser: Optimiser::ALL,
    loops: Loops::Kept,
    schedule: Schedule::Sequential,
};

/// The same with static loops unrolled.
pub static UNROLLED: Dataflow = Dataflow {
    name: Cow::Borrowed("dataflow:unrolled"),
    about: Cow::Borrowed("the static graph with loops unrolled whose trips are known when it is built"),
    optimiser: Optimiser::ALL,
    loops: Loops::Unrolled,
    schedule: Schedule::Sequential,
};

/// The same with independent operations side by side.
pub static PARALLEL: Dataflow = Dataflow {
    name: Cow::Borrowed("dataflow:parallel"),
    about: Cow::Borrowed(
        "the static graph with large independent operations run at once, if there are several `--threads`",
    ),
    optimiser: Optimiser::ALL,
    loops: Loops::Kept,
    schedule: Schedule::Parallel,
};

/// The same without the optimiser.
pub static UNOPTIMISED: Dataflow = Dataflow {
    name: Cow::Borrowed("dataflow:unoptimised"),
    about: Cow::Borrowed("the static graph as it is built, without the optimiser"),
    optimiser: Optimiser::NONE,
    loops: Loops::Kept,
    schedule: Schedule::Sequential,
};

/// The strategy without each pass of the optimiser.
pub static VARIANTS: LazyLock<Vec<Dataflow>> = LazyLock::new(|| {
    let variant = |(pass, name, about): (&Pass, String, String)| Dataflow {
        name: name.into(),
        about: about.into(),
        optimiser: Optimiser::without(pass.name),
        loops: Loops::Kept,
        schedule: Schedule::Sequential,
    };
    optimiser::variants("dataflow").map(variant).collect()
});

impl Strategy for Dataflow {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        &self.about
    }

    fn prepare_watched(
        &self,
        program: &Program,
        request: &Request,
        watch: Watch,
    ) -> Result<Box<dyn Prepared>, PrepareError> {
        let specialised = program.specialise(request).map_err(PrepareError::Program)?;
        watch("specialise", &specialised.module);
        let (module, last) =
            self.transformed(&specialised.module, &program.sources, watch).map_err(PrepareError::Refused)?;
        let compiled = match self.schedule {
            Schedule::Parallel if threads::threads() > 1 => Compiled::parallel(program, &specialised, &module),
            Schedule::Parallel | Schedule::Sequential => Compiled::new(program, &specialised, &module),
        };
        let kept = last.map(|module| Unparted { module, optimiser: self.optimiser.clone(), part: gradient::part });
        Ok(Box::new(compiled.with_kept(kept)))
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
        self.transformed(program, sources, watch).map(|(module, _)| module)
    }

    /// The same, and the program before the outermost derivative was expanded.
    fn transformed(
        &self,
        program: &Module,
        sources: &SourceMap,
        watch: &mut dyn FnMut(&str, &Module),
    ) -> Result<(Module, Option<Module>), Refusal> {
        let mut module = build(program, sources, self.loops)?;
        let mut last = None;
        watch("build", &module);
        let mut expanded = None;
        for order in 1.. {
            self.optimiser.run(&mut module, sources, expanded.as_ref(), watch)?;
            expanded = derivatives::innermost(&module, order - 1);
            if expanded.is_some() {
                passes::run_once(&mut module, passes::DIFFERENTIATE, watch);
            }
            last = kept::outermost(&module).map(|_| module.clone()).or(last);
            if !gradient::expand_innermost(&mut module).map_err(|why| Refusal::new(*why, sources))? {
                break;
            }
            passes::compact(&mut module);
            let stage = format!("gradient {order}");
            passes::check(&module, &stage);
            watch(&stage, &module);
        }
        self.optimiser.finish(&mut module, sources, watch)?;
        passes::compact(&mut module);
        Ok((module, last))
    }
}

/// The static graph of a specialised or closed program: calls inlined, derivatives as yet nodes.
pub fn build(program: &Module, sources: &SourceMap, loops: Loops) -> Result<Module, Refusal> {
    let mut module = program.clone();
    passes::close(&mut module);
    build::build(&module, loops).map_err(|why| Refusal::new(*why, sources))
}
