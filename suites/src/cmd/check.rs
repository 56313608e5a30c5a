//! `adjudicate check`: correctness only.

use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::check_model::check_model;
use super::flags::{Measuring, Selecting, plan};
use super::output::Output;
use super::progress::Progress;
use super::run::stop_on_interrupt;
use super::subject::{Subject, position};
use crate::exit::{Exit, Failure};
use crate::measure::group::{Depth, Tally};
use crate::measure::supervise;
use crate::measure::wire::Given;

/// Check every result against independent oracles and the other strategies
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate check --suite mlp --strategy closure
  adjudicate check model.py loss --args '[[1.0, 2.0], 3]'

With a model file, value, gradient and Hessian\u{2013}vector product of the function are compared between the strategies,
derivatives with finite differences too; if its result is no single float, only the value is. Arguments are
written as for `eval`. A step that takes longer than --timeout ends the check (exit code 5).")]
pub struct Check {
    /// A model file, whose function is checked instead of suites
    #[arg(value_name = "FILE", requires_all = ["entry", "args"])]
    #[arg(conflicts_with_all = ["suite", "size", "profile", "rounds", "threads", "kernels", "memory", "inject"])]
    file: Option<PathBuf>,
    /// The function
    #[arg(value_name = "FUNCTION")]
    entry: Option<String>,
    /// The function's arguments as JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE", allow_hyphen_values = true, requires = "file")]
    args: Option<String>,
    /// Positions of the arguments to differentiate with respect to, from 0
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0", value_parser = position)]
    #[arg(allow_hyphen_values = true, requires = "file")]
    wrt: Vec<usize>,
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    measuring: Measuring,
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
        let (json, of_model) = (self.json, self.file.is_some());
        let tally = self.tally(output)?;
        let Tally { passed, failed, skipped, broken, .. } = tally;
        if json {
            let checked = Checked { passed, failed: failed + broken, skipped };
            output.result(&serde_json::to_string(&checked).expect("numbers can be written"))?;
        } else {
            output.result(&format!("{passed} passed, {} failed, {skipped} skipped", failed + broken))?;
        }
        Ok(match verdict(&tally) {
            // Suites have cells that some strategy refuses; of a single function something is to be checked.
            Exit::Ok if of_model && passed == 0 => Exit::Refused,
            exit => exit,
        })
    }

    /// Checks what was asked for.
    fn tally(self, output: &mut Output) -> Result<Tally, Failure> {
        if let (Some(file), Some(entry), Some(args)) = (self.file, self.entry, self.args) {
            let subject = Subject::gradient(file, entry, args, self.wrt);
            return check_model(&subject, &self.selecting.selection(), &self.measuring.settings(), output);
        }
        let plan = plan(self.selecting, &self.measuring)?;
        let stop = stop_on_interrupt()?;
        let mut progress = Progress::new(&plan, output, None);
        let tally = supervise(&plan, Depth::Check, |_, _| Some(Given::default()), &stop, &mut progress)?;
        let failures = std::mem::take(&mut progress.failures);
        drop(progress);
        failures.iter().for_each(|failure| output.error(failure));
        Ok(tally)
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
