//! The tape: operator overloading, define by run.
//!
//! The same executor runs the same specialised graphs as for everybody, unfused, through a
//! [recording domain](record): each operation on a value that depends on an argument of a derivative
//! adds one compact entry to an index-addressed [tape](store); the [sweep] walks it backwards.
//! Data-dependent control flow, recursion, function values and data structures need nothing
//! special: the tape only ever sees the operations that happened.
//!
//! Derivative rules are those of the primitives, [staged](stage) once per kind of entry. The sweep
//! of an inner derivative is recorded like everything else, so orders nest without a second
//! mechanism. The same tape is a public interface ([`Tape`], [`Var`]) for models written in Rust.

mod record;
mod stage;
mod store;
mod sweep;
mod var;

use adjudicate_ir::datum::Layout;
use adjudicate_ir::exec::{Executable, Machine};
use adjudicate_ir::graph::Module;
use adjudicate_ir::program::{Program, Request};
use adjudicate_ir::span::SourceMap;
use adjudicate_ir::value::Value;
use adjudicate_kernels::counts;

use crate::{Facts, PrepareError, Prepared, RunError, Strategy};
use record::Recorder;

pub use var::{Tape, Var};

/// The strategy.
#[derive(Clone, Copy, Debug)]
pub struct TapeStrategy;

impl Strategy for TapeStrategy {
    fn name(&self) -> &str {
        "tape"
    }

    fn about(&self) -> &str {
        "operator overloading: records each operation as it runs, then sweeps the record backwards"
    }

    fn prepare(&self, program: &Program, request: &Request) -> Result<Box<dyn Prepared>, PrepareError> {
        let specialised = program.specialise(request).map_err(PrepareError::Program)?;
        let mut taped = Taped::new(&specialised.module, specialised.output);
        taped.sources = program.sources.clone();
        Ok(Box::new(taped))
    }
}

/// A module made ready to run on a tape.
pub struct Taped {
    program: Executable,
    machine: Machine,
    recorder: Recorder,
    output: Layout,
    sources: SourceMap,
    nodes: Vec<(String, u64)>,
    measured: bool,
}

impl std::fmt::Debug for Taped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Taped").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Taped {
    /// Makes a typed module ready; `output` is the layout of its result.
    pub fn new(module: &Module, output: Layout) -> Self {
        let program = Executable::new(module);
        let mut recorder = Recorder::default();
        recorder.rules.number(program.sites());
        Self {
            program,
            machine: Machine::new(),
            recorder,
            output,
            sources: SourceMap::default(),
            nodes: vec![("closed".to_owned(), module.node_count() as u64)],
            measured: false,
        }
    }
}

impl Prepared for Taped {
    /// Bytes kept are found out in the first run and in those that the kernels count.
    fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, RunError> {
        self.recorder.reset(!self.measured || counts::enabled());
        let result = self.program.run(&mut self.machine, &mut self.recorder, args.iter().cloned());
        self.measured |= result.is_ok();
        result.map_err(|error| {
            self.recorder.reset(true);
            RunError::at(&self.sources, error)
        })
    }

    fn output(&self) -> &Layout {
        &self.output
    }

    fn facts(&self) -> Facts {
        Facts {
            nodes: self.nodes.clone(),
            tape_entries: Some(self.recorder.tape.peak_entries() as u64),
            tape_bytes: Some(self.recorder.tape.peak_bytes() as u64),
            residual_bytes: Some(self.recorder.residual_bytes as u64),
            closures_made: Some(self.machine.closures_made()),
        }
    }
}
