//! Source transformation without a tape (van Merriënboer et al. 2018).
//!
//! Every derivative in the program is replaced by ordinary graphs of the same IR: a forward graph
//! that also returns what the backward pass needs, and a backward graph that takes it. Where the
//! code is not known before the program runs (recursion), the pair becomes a function value that
//! captures it: the backpropagator. The result is a program without derivatives, which the shared
//! optimiser reduces, and to which the transform can be applied again: derivatives are expanded
//! innermost first, with the optimiser before, between and after.

mod activity;
mod adjoint;
mod expand;
mod pairs;

use adjudicate_ir::graph::Module;
use adjudicate_ir::passes::{self, Pass};
use adjudicate_ir::program::{Program, Request};
use adjudicate_ir::span::SourceMap;

use crate::{Compiled, Facts, PrepareError, Prepared, Refusal, Strategy};

/// The strategy and its variants.
#[derive(Debug)]
pub struct Closure {
    name: &'static str,
    about: &'static str,
    pipeline: &'static [Pass],
    /// Run once at the end.
    last: &'static [Pass],
}

/// The paper's transformation, optimised.
pub const CLOSURE: Closure = Closure {
    name: "closure",
    about: "tape-free source transformation with closures, optimised before, between and after",
    pipeline: passes::OPTIMISE,
    last: passes::FUSE,
};

/// The same without fusion.
pub const NO_FUSION: Closure = Closure {
    name: "closure:no-fusion",
    about: "the closure transformation without fusion of elementwise work",
    last: &[],
    ..CLOSURE
};

/// The same without the optimiser.
pub const UNOPTIMISED: Closure = Closure {
    name: "closure:unoptimised",
    about: "the closure transformation as it comes out, without the optimiser",
    pipeline: &[],
    last: &[],
};

impl Strategy for Closure {
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
        let module =
            self.transform(&specialised.module, &program.sources, &mut watch).map_err(PrepareError::Refused)?;
        Ok(Box::new(Compiled::new(program, &specialised, &module, facts)))
    }

    fn stages(
        &self,
        program: &Program,
        request: &Request,
        watch: &mut dyn FnMut(&str, &Module),
    ) -> Result<(), PrepareError> {
        let specialised = program.specialise(request).map_err(PrepareError::Program)?;
        self.transform(&specialised.module, &program.sources, watch).map_err(PrepareError::Refused)?;
        Ok(())
    }
}

impl Closure {
    /// The program without derivatives; `watch` sees it after each stage and pass.
    pub fn transform(
        &self,
        specialised: &Module,
        sources: &SourceMap,
        watch: &mut dyn FnMut(&str, &Module),
    ) -> Result<Module, Refusal> {
        let mut module = specialised.clone();
        watch("specialise", &module);
        passes::close(&mut module);
        watch("close", &module);
        for order in 1.. {
            passes::run_to_fixpoint(&mut module, self.pipeline, watch);
            if !expand::expand_innermost(&mut module).map_err(|why| Refusal::new(*why, sources))? {
                break;
            }
            module = passes::compact(&module);
            watch(&format!("expand {order}"), &module);
        }
        passes::run_once(&mut module, self.last, watch);
        Ok(module)
    }
}
