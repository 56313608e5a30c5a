//! Source transformation without a tape (van Merriënboer et al. 2018).
//!
//! Every derivative in the program is replaced by ordinary graphs of the same IR: a forward graph
//! that also returns what the backward pass needs, and a backward graph that takes it. Where the
//! code is not known before the program runs (recursion), the pair becomes a function value that
//! captures it: the backpropagator. The result is a program without derivatives, which the shared
//! optimiser reduces, and to which the transform can be applied again: derivatives are expanded
//! innermost first, with the optimiser before, between and after.

mod adjoint;
mod expand;
mod pairs;

use std::borrow::Cow;
use std::sync::LazyLock;

use adjudicate_ir::graph::Module;
use adjudicate_ir::passes::{self, Pass};
use adjudicate_ir::program::{Program, Request};
use adjudicate_ir::span::SourceMap;

use crate::derivatives;
use crate::kept::{self, Unparted};
use crate::optimiser::{self, Optimiser};
use crate::{Compiled, PrepareError, Prepared, Refusal, Strategy, Watch};

/// The strategy and its variants.
#[derive(Clone, Debug)]
pub struct Closure {
    name: Cow<'static, str>,
    about: Cow<'static, str>,
    optimiser: Optimiser,
}

/// The paper's transformation, optimised.
pub static CLOSURE: Closure = Closure {
    name: Cow::Borrowed("closure"),
    about: Cow::Borrowed("tape-free source transformation with closures, optimised before, between and after"),
    optimiser: Optimiser::ALL,
};

/// The same without the optimiser.
pub static UNOPTIMISED: Closure = Closure {
    name: Cow::Borrowed("closure:unoptimised"),
    about: Cow::Borrowed("the closure transformation as it comes out, without the optimiser"),
    optimiser: Optimiser::NONE,
};

/// The strategy without each pass of the optimiser.
pub static VARIANTS: LazyLock<Vec<Closure>> = LazyLock::new(|| {
    let variant = |(pass, name, about): (&Pass, String, String)| Closure {
        name: name.into(),
        about: about.into(),
        optimiser: Optimiser::without(pass.name),
    };
    optimiser::variants("closure").map(variant).collect()
});

impl Strategy for Closure {
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
        let (module, last) =
            self.transformed(&specialised.module, &program.sources, watch).map_err(PrepareError::Refused)?;
        let kept = last.map(|module| Unparted { module, optimiser: self.optimiser.clone(), part: expand::part });
        Ok(Box::new(Compiled::new(program, &specialised, &module).with_kept(kept)))
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
        self.transformed(specialised, sources, watch).map(|(module, _)| module)
    }

    /// The same, and the program before the outermost derivative was expanded.
    fn transformed(
        &self,
        specialised: &Module,
        sources: &SourceMap,
        watch: &mut dyn FnMut(&str, &Module),
    ) -> Result<(Module, Option<Module>), Refusal> {
        let mut module = specialised.clone();
        let mut last = None;
        watch("specialise", &module);
        passes::close(&mut module);
        watch("close", &module);
        let mut expanded = None;
        for order in 1.. {
            self.optimiser.run(&mut module, sources, expanded.as_ref(), watch)?;
            expanded = derivatives::innermost(&module, order - 1);
            if expanded.is_some() {
                passes::run_once(&mut module, passes::DIFFERENTIATE, watch);
            }
            last = kept::outermost(&module).map(|_| module.clone()).or(last);
            if !expand::expand_innermost(&mut module, sources).map_err(|why| Refusal::new(*why, sources))? {
                break;
            }
            passes::compact(&mut module);
            let stage = format!("expand {order}");
            passes::check(&module, &stage);
            watch(&stage, &module);
        }
        self.optimiser.finish(&mut module, sources, watch)?;
        passes::compact(&mut module);
        Ok((module, last))
    }
}
