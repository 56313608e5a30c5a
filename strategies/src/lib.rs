//! The contestants, behind one trait.
//!
//! A strategy prepares a [`Request`] on a [`Program`] once, and then runs it as often as is
//! wanted. Every strategy receives the same specialised graphs and runs them on the same kernels;
//! what it cannot express it refuses with a reason and a position.

mod activity;
pub mod closure;
mod compiled;
pub mod dataflow;
mod derivatives;
mod differential;
pub mod finite;
mod kept;
mod optimiser;
pub mod scalar;
mod tangent;
pub mod tape;

use std::fmt;
use std::sync::LazyLock;

use adjudicate_ir::datum::Layout;
use adjudicate_ir::exec::MemoryPlan;
use adjudicate_ir::graph::Module;
use adjudicate_ir::program::{Program, ProgramError, Request};
use adjudicate_ir::span::{Diagnostic, SourceMap};
use adjudicate_ir::value::Value;

pub use compiled::Compiled;

/// An automatic-differentiation strategy.
pub trait Strategy: Sync {
    /// Its name, `family` or `family:variant`.
    fn name(&self) -> &str;
    /// What it is, in one sentence.
    fn about(&self) -> &str;
    /// Whether it is there to check the others: taken on request, never ranked.
    fn is_oracle(&self) -> bool {
        false
    }
    /// Whether it expresses what the strategy before it does, of which it is a variant: variants do, unless they say otherwise.
    fn is_as_capable(&self) -> bool {
        self.name().contains(':')
    }
    /// Makes a request ready to run. All one-off work is done here. `watch` sees the program after each stage and
    /// pass: nothing is done between the end of one and the call, nor between the call and the beginning of the next.
    /// Strategies that do not transform the program have two stages: what they receive, and that with its loops
    /// recognised. After the last, the program is lowered.
    fn prepare_watched(
        &self,
        program: &Program,
        request: &Request,
        watch: Watch,
    ) -> Result<Box<dyn Prepared>, PrepareError>;

    /// Makes a request ready to run, unwatched.
    fn prepare(&self, program: &Program, request: &Request) -> Result<Box<dyn Prepared>, PrepareError> {
        self.prepare_watched(program, request, &mut |_, _| {})
    }
}

/// Sees a program after each stage and pass, with its name.
pub type Watch<'w> = &'w mut dyn FnMut(&str, &Module);

/// A request made ready by a strategy.
pub trait Prepared {
    /// Computes the leaves of the result from the leaves of the arguments.
    fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, RunError>;
    /// The layout of the result.
    fn output(&self) -> &Layout;
    /// What is known of the last run.
    fn facts(&self) -> Facts;
    /// What runs, as text: requests with equal texts run one program. `None` where the program is not known before it runs.
    fn program(&self) -> Option<String> {
        None
    }
    /// The memory that a run is planned to need; `None` where the program is not known before it runs.
    fn memory_plan(&self) -> Option<&MemoryPlan> {
        None
    }
    /// Bytes of arrays kept from the forward for the backward pass of the outermost derivative at these
    /// arguments; `None` where there is no such boundary. Found out in a run of its own, which counts and
    /// clocks must not see.
    fn residual_bytes(&mut self, args: &[Value]) -> Result<Option<u64>, RunError> {
        let _ = args;
        Ok(self.facts().residual_bytes)
    }
}

/// Exact facts of the last run; `None` where the notion does not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Entries on the tape at its fullest.
    pub tape_entries: Option<u64>,
    /// Bytes of those entries, beside saved arrays.
    pub tape_bytes: Option<u64>,
    /// Bytes of arrays kept from the forward for the backward pass.
    pub residual_bytes: Option<u64>,
    /// Function values made.
    pub closures_made: Option<u64>,
}

/// Why a request was not prepared.
#[derive(Clone, Debug)]
pub enum PrepareError {
    /// The program or the request is wrong, for every strategy.
    Program(ProgramError),
    /// This strategy cannot express it.
    Refused(Refusal),
}

/// What a strategy cannot express: which construct, where, and what would make it expressible.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The reason, its position and advice.
    pub diagnostic: Diagnostic,
    /// `file:line:column` of the position.
    pub position: String,
}

/// A diagnostic on one line: position, reason and advice.
fn one_line(f: &mut fmt::Formatter<'_>, position: &str, diagnostic: &Diagnostic) -> fmt::Result {
    let Diagnostic { message, help, .. } = diagnostic;
    write!(f, "{position}: {message}")?;
    help.iter().try_for_each(|help| write!(f, "; {help}"))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        one_line(f, &self.position, &self.diagnostic)
    }
}

impl Refusal {
    /// With the position of what the diagnostic points at.
    pub(crate) fn new(diagnostic: Diagnostic, sources: &SourceMap) -> Self {
        let position = sources.position(diagnostic.span);
        Self { diagnostic, position }
    }
}

/// A run that failed for a reason that depends on data: an index out of range, say.
#[derive(Clone, Debug)]
pub struct RunError {
    /// What happened and where.
    pub diagnostic: Diagnostic,
    /// `file:line:column` of the position.
    pub position: String,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        one_line(f, &self.position, &self.diagnostic)
    }
}

/// Every strategy and variant, in the order of help and tables.
pub static STRATEGIES: LazyLock<Vec<&'static dyn Strategy>> = LazyLock::new(|| {
    let mut all: Vec<&'static dyn Strategy> = vec![&tape::TapeStrategy, &scalar::SCALAR, &scalar::UNFUSED];
    all.extend([&dataflow::DATAFLOW as &dyn Strategy, &dataflow::UNROLLED, &dataflow::PARALLEL]);
    all.push(&dataflow::UNOPTIMISED);
    all.extend(dataflow::VARIANTS.iter().map(|v| v as &dyn Strategy));
    all.extend([&closure::CLOSURE as &dyn Strategy, &closure::UNOPTIMISED]);
    all.extend(closure::VARIANTS.iter().map(|v| v as &dyn Strategy));
    all.push(&finite::FiniteStrategy);
    all
});

/// The strategy of a name.
pub fn find(name: &str) -> Option<&'static dyn Strategy> {
    STRATEGIES.iter().copied().find(|s| s.name() == name)
}
