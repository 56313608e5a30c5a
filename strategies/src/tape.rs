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

mod kernel;
mod record;
mod stage;
mod store;
mod sweep;
mod var;

use std::fmt;

use adjudicate_ir::datum::Layout;
use adjudicate_ir::exec::{ExecError, Executable, Machine};
use adjudicate_ir::graph::Module;
use adjudicate_ir::passes;
use adjudicate_ir::program::{Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_kernels::counts;

use crate::compiled::Signature;
use crate::{Facts, PrepareError, Prepared, RunError, Strategy, Watch};
use record::Recorder;

pub use var::{Operand, Tape, Var};

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

    fn prepare_watched(
        &self,
        program: &Program,
        request: &Request,
        watch: Watch,
    ) -> Result<Box<dyn Prepared>, PrepareError> {
        let mut specialised = program.specialise(request).map_err(PrepareError::Program)?;
        watch("specialise", &specialised.module);
        passes::close(&mut specialised.module);
        watch("close", &specialised.module);
        let signature = Signature::new(program, &specialised);
        Ok(Box::new(Ready { taped: Taped::new(&specialised.module), signature }))
    }
}

/// A request made ready.
struct Ready {
    taped: Taped,
    signature: Signature,
}

impl Prepared for Ready {
    fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, RunError> {
        self.signature.check(args)?;
        self.taped.run(args).map_err(|error| self.signature.run_error(error))
    }

    fn output(&self) -> &Layout {
        self.signature.output()
    }

    fn facts(&self) -> Facts {
        self.taped.facts()
    }
}

/// A typed module made ready to run on a tape.
pub struct Taped {
    program: Executable,
    machine: Machine,
    recorder: Recorder,
    measured: bool,
}

impl fmt::Debug for Taped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taped").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Taped {
    /// Lowers a module.
    pub fn new(module: &Module) -> Self {
        let program = Executable::new(module);
        let mut recorder = Recorder::default();
        recorder.rules.number(program.sites());
        Self { program, machine: Machine::new(), recorder, measured: false }
    }

    /// Runs the entry; the items of its result. How many bytes are kept from the forward to the
    /// backward pass is found out in the first run and in runs that the kernels count.
    pub fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, ExecError> {
        self.recorder.reset(!self.measured || counts::enabled());
        let result = self.program.run_with(&mut self.machine, &mut self.recorder, args);
        self.measured |= result.is_ok();
        self.recorder.clear();
        result
    }

    /// Facts of the last run.
    pub fn facts(&self) -> Facts {
        Facts {
            tape_entries: Some(self.recorder.tape.peak_entries() as u64),
            tape_bytes: Some(self.recorder.tape.peak_bytes() as u64),
            residual_bytes: Some(self.recorder.residual_bytes as u64),
            closures_made: Some(self.machine.closures_made()),
        }
    }
}
