//! `adjudicate check`: correctness only.

use clap::Args;

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
    /// Print the tally as JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
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
            let failed = failed + broken;
            output
                .result(&serde_json::json!({ "passed": passed, "failed": failed, "skipped": skipped }).to_string())?;
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
