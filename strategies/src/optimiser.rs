//! What of the shared optimiser a strategy uses, and the variants that do without a pass.

use std::borrow::Cow;

use adjudicate_ir::graph::Module;
use adjudicate_ir::passes::{self, Exhausted, Pass};
use adjudicate_ir::span::{Diagnostic, SourceMap};

use crate::Refusal;
use crate::derivatives::Derivative;

/// The passes that a strategy runs.
#[derive(Clone, Debug)]
pub(crate) struct Optimiser {
    repeated: Cow<'static, [Pass]>,
    distribute: Cow<'static, [Pass]>,
    finish: Cow<'static, [Pass]>,
}

impl Optimiser {
    /// All passes.
    pub(crate) const ALL: Optimiser = Optimiser {
        repeated: Cow::Borrowed(passes::OPTIMISE),
        distribute: Cow::Borrowed(passes::DISTRIBUTE),
        finish: Cow::Borrowed(passes::FINISH),
    };

    /// No passes.
    pub(crate) const NONE: Optimiser =
        Optimiser { repeated: Cow::Borrowed(&[]), distribute: Cow::Borrowed(&[]), finish: Cow::Borrowed(&[]) };

    /// All passes but one.
    pub(crate) fn without(pass: &str) -> Self {
        let rest = |all: &[Pass]| all.iter().copied().filter(|p| p.name != pass).collect();
        Self {
            repeated: Cow::Owned(rest(passes::OPTIMISE)),
            distribute: Cow::Owned(rest(passes::DISTRIBUTE)),
            finish: Cow::Owned(rest(passes::FINISH)),
        }
    }

    /// Optimises until nothing changes, after a derivative has been expanded; a program that grows too
    /// large for it is refused.
    pub(crate) fn run(
        &self,
        module: &mut Module,
        sources: &SourceMap,
        expanded: Option<&Derivative>,
        watch: &mut dyn FnMut(&str, &Module),
    ) -> Result<(), Refusal> {
        passes::optimise(module, &self.repeated, watch).map_err(|exhausted| {
            let refusal = refusal(module, sources, expanded, exhausted);
            Refusal::new(refusal, sources)
        })
    }

    /// Adds sums in place and takes loops apart, optimises what comes of it, and runs the last passes, once.
    pub(crate) fn finish(
        &self,
        module: &mut Module,
        sources: &SourceMap,
        watch: &mut dyn FnMut(&str, &Module),
    ) -> Result<(), Refusal> {
        let before = module.clone();
        passes::run_once(module, &self.distribute, watch);
        if *module != before {
            self.run(module, sources, None, watch)?;
        }
        passes::run_once(module, &self.finish, watch);
        Ok(())
    }
}

/// Name and description of the variant of a strategy without each pass.
pub(crate) fn variants(family: &str) -> impl Iterator<Item = (&'static Pass, String, String)> {
    passes::optional().map(move |pass| {
        (pass, format!("{family}:no-{}", pass.name), format!("{family} without `{}`, which {}", pass.name, pass.about))
    })
}

fn refusal(module: &Module, sources: &SourceMap, expanded: Option<&Derivative>, exhausted: Exhausted) -> Diagnostic {
    let Some(Derivative { places, inside }) = expanded else {
        let (span, function) = sources.subject(&[module.graph(module.entry).span]);
        return Diagnostic::new(span, format!("with all that {function} calls, {exhausted}"))
            .help("split it into functions that are asked for one by one, or use the strategy `tape`");
    };
    let nested = if *inside == 0 { String::new() } else { format!(", which has {inside} others inside it,") };
    let (span, function) = sources.subject(places);
    Diagnostic::new(span, format!("with this derivative in {function}{nested} {exhausted}"))
        .help("ask for a lower order or for less at a time, or use the strategy `tape`")
}
