//! Contestants made ready: strategies and the baseline behind one face, with every way of failing
//! as a value.

use std::hint::black_box;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Program, ProgramError};
use adjudicate_ir::value::Value;
use adjudicate_reports::rows::{self, Status};
use adjudicate_strategies::{Facts, PrepareError, Prepared, RunError, Watch};
use serde::{Deserialize, Serialize};

use super::plan::Cell;
use crate::guard;
use crate::suites::{Handwritten, Size, Suite};

/// The function of a model file for strategies that refuse the one asked for: the same function in another form.
pub const RESTRUCTURED: &str = "restructured";

/// A cell that is ready to run.
pub enum Runner {
    /// Prepared by a strategy.
    Prepared(Box<dyn Prepared>),
    /// The baseline.
    Handwritten(Handwritten),
}

/// Why a cell has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// The strategy cannot express it.
    Refused(String),
    /// It was tried and failed.
    Failed(String),
    /// It took longer than allowed.
    Timeout,
}

impl Trouble {
    /// Why the row of a cell says that it broke off; `None` if it did not.
    pub fn of(row: &rows::Cell) -> Option<Self> {
        match row.status {
            Status::Failed => Some(Trouble::Failed(row.reason.clone().unwrap_or_default())),
            Status::Timeout => Some(Trouble::Timeout),
            Status::Ok | Status::Skipped | Status::Refused => None,
        }
    }

    /// The status in tables.
    pub fn status(&self) -> &'static str {
        match self {
            Trouble::Refused(_) => "refused",
            Trouble::Failed(_) => "failed",
            Trouble::Timeout => "timeout",
        }
    }

    /// What to say of it.
    pub fn reason(&self) -> &str {
        match self {
            Trouble::Refused(reason) | Trouble::Failed(reason) => reason,
            Trouble::Timeout => "took longer than allowed by --timeout",
        }
    }
}

/// Makes a cell ready.
pub fn prepare(
    cell: &Cell,
    program: &Program,
    suite: &Suite,
    size: &Size,
    arguments: &[Datum],
) -> Result<Runner, Trouble> {
    prepare_watched(cell, program, (suite, size), arguments, &mut |_, _| {})
}

/// The same; `watch` sees the program after each stage and pass of its strategy.
pub fn prepare_watched(
    cell: &Cell,
    program: &Program,
    (suite, size): (&Suite, &Size),
    arguments: &[Datum],
    watch: Watch,
) -> Result<Runner, Trouble> {
    let Some(strategy) = cell.strategy else {
        let baseline = (suite.handwritten)(cell.ask, size);
        return baseline.map(Runner::Handwritten).ok_or_else(|| Trouble::Refused("not written".to_owned()));
    };
    let mut request = suite.request(cell.ask, size, arguments);
    if cell.restructured {
        request.entry = RESTRUCTURED.to_owned();
    }
    match guarded(|| strategy.prepare_watched(program, &request, watch))? {
        Ok(prepared) => Ok(Runner::Prepared(prepared)),
        Err(PrepareError::Program(error)) => Err(Trouble::Failed(one_line(&error))),
        Err(PrepareError::Refused(refusal)) => Err(Trouble::Refused(refusal.to_string())),
    }
}

impl Runner {
    /// Computes the leaves of the result.
    pub fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, Trouble> {
        match self {
            Runner::Prepared(prepared) => guarded(|| prepared.run(args))?.map_err(failed),
            Runner::Handwritten(f) => guarded(|| f(args)),
        }
    }

    /// Computes the result a number of times.
    pub fn repeat(&mut self, args: &[Value], times: u64) -> Result<(), Trouble> {
        match self {
            Runner::Prepared(prepared) => guarded(|| {
                for _ in 0..times {
                    black_box(prepared.run(black_box(args)).map_err(failed)?);
                }
                Ok(())
            })?,
            Runner::Handwritten(f) => guarded(|| {
                for _ in 0..times {
                    black_box(f(black_box(args)));
                }
            }),
        }
    }

    /// Bytes kept from the forward for the backward pass; neither counted nor timed.
    pub fn residual_bytes(&mut self, args: &[Value]) -> Result<Option<u64>, Trouble> {
        match self {
            Runner::Prepared(prepared) => guarded(|| prepared.residual_bytes(args).map_err(failed))?,
            Runner::Handwritten(_) => Ok(None),
        }
    }

    /// The program that runs, as text; `None` where it is not known before.
    pub fn program(&self) -> Option<String> {
        match self {
            Runner::Prepared(prepared) => prepared.program(),
            Runner::Handwritten(_) => None,
        }
    }

    /// What is known of the last run.
    pub fn facts(&self) -> Facts {
        match self {
            Runner::Prepared(prepared) => prepared.facts(),
            Runner::Handwritten(_) => Facts::default(),
        }
    }
}

/// A panic is a defect of what runs: the cell has failed, the run goes on.
fn guarded<R>(f: impl FnOnce() -> R) -> Result<R, Trouble> {
    guard::guarded(f).map_err(Trouble::Failed)
}

fn failed(error: RunError) -> Trouble {
    Trouble::Failed(error.to_string())
}

/// The first error of a program with its position, on one line.
pub fn one_line(error: &ProgramError) -> String {
    error.diagnostics.first().map_or_else(
        || "the program is wrong".to_owned(),
        |d| format!("{}: {}", error.sources.position(d.span), d.message),
    )
}
