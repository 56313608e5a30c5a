//! `adjudicate check`: correctness only.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::flags::{Measuring, Selecting, plan};
use super::output::Output;
use super::progress::Progress;
use super::run::stop_on_interrupt;
use crate::exit::{Exit, Failure};
use crate::measure::group::{Depth, Tally};
use crate::measure::supervise;
use crate::measure::wire::Given;

/// Check every result against independent oracles and the other strategies
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  adjudicate check --suite mlp --strategy closure")]
pub struct Check {
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    measuring: Measuring,
    #[arg(hide = true, num_args = 0..)]
    file: Vec<String>,
    /// Print the tally as JSON
    #[arg(long)]
    json: bool,
}

/// What `check --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// Comparisons that came out well.
    passed: usize,
    /// Comparisons that did not, and cells that broke.
    failed: usize,
    /// What could not be compared.
    skipped: usize,
}

impl Check {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        if let Some(file) = self.file.first() {
            return Err(Failure::usage(format!(
                "`check` is for suites (--suite NAME); for a function of {file}, \
                 compare `eval {file} FUNCTION --strategy NAME` by several strategies, `finite` among them"
            )));
        }
        let plan = plan(self.selecting, &self.measuring)?;
        let stop = stop_on_interrupt()?;
        let mut progress = Progress::new(&plan, output, None);
        let tally = supervise(&plan, Depth::Check, |_, _| Some(Given::default()), &stop, &mut progress)?;
        let failures = std::mem::take(&mut progress.failures);
        drop(progress);
        for failure in &failures {
            output.error(failure);
        }
        let Tally { passed, failed, skipped, broken, .. } = tally;
        if self.json {
            let checked = Checked { passed, failed: failed + broken, skipped };
            output.result(&serde_json::to_string(&checked).expect("numbers can be written"))?;
        } else {
            output.result(&format!("{passed} passed, {} failed, {skipped} skipped", failed + broken))?;
        }
        Ok(verdict(&tally))
    }
}

/// The exit code of a tally.
pub fn verdict(tally: &Tally) -> Exit {
    match tally {
        Tally { interrupted: true, .. } => Exit::Interrupted,
        Tally { failed: 1.., .. } => Exit::Wrong,
        Tally { broken: 1.., .. } => Exit::Refused,
        Tally { .. } => Exit::Ok,
    }
}
