//! `adjudicate run`: check, count and time; the main job.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::check::verdict;
use super::flags::{Measuring, Selecting, plan};
use super::output::Output;
use super::progress::{Progress, human_time};
use crate::claims::CLAIMS;
use crate::exit::{Exit, Failure};
use crate::matrix::{contestants, matrix};
use crate::measure::group::{Depth, Tally};
use crate::measure::{Plan, Stop, SystemClock, measure};
use crate::runs::RunFolder;
use crate::runs::manifest::{manifest, run_id};

/// Check, count and time everything; write a run folder and its report
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  adjudicate run\n  adjudicate run --profile quick --suite 'm*' --out runs/trial")]
pub struct Run {
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    measuring: Measuring,
    /// The run folder, which must not exist; `runs/<run id>` if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the plan and stop
    #[arg(long)]
    dry_run: bool,
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
}

impl Run {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plan = plan(self.selecting, &self.measuring)?;
        if self.dry_run {
            output.result(&describe(&plan))?;
            return Ok(Exit::Ok);
        }
        let started = SystemTime::now();
        let path = self.out.unwrap_or_else(|| PathBuf::from("runs").join(run_id(&plan, started)));
        RunFolder::claim(&path)?;
        output.remark(&describe(&plan));
        let manifest = manifest(&plan, command_line(), started);
        let stop = stop_on_interrupt()?;
        let mut folder = RunFolder::create(&path, &manifest)?;
        for claim in CLAIMS {
            folder.claims.push(&claim.row())?;
        }
        folder.matrix(&matrix(&contestants()))?;
        let mut progress = Progress::new(&plan, output, Some(folder));
        let measured = measure(&plan, Depth::Time, &SystemClock::start(), &stop, &mut progress);
        let failures = std::mem::take(&mut progress.failures);
        drop(progress);
        for failure in &failures {
            output.error(failure);
        }
        let tally = measured.map_err(|failure| Failure {
            message: format!("{failure}; the rows so far are in {}", path.display()),
            ..failure
        })?;
        if tally.interrupted {
            output.error(&format!("interrupted; the rows so far are in {}", path.display()));
        }
        let pages = super::report::render(&path, &[], output)?;
        self::summary(output, &path, &pages, &tally, self.json)?;
        Ok(verdict(&tally))
    }
}

fn summary(
    output: &mut Output,
    path: &std::path::Path,
    pages: &[PathBuf],
    tally: &Tally,
    json: bool,
) -> Result<(), Failure> {
    let Tally { passed, failed, skipped, broken, interrupted } = *tally;
    if json {
        let object = serde_json::json!({
            "run": path, "reports": pages, "passed": passed, "failed": failed,
            "refused": skipped, "broken": broken, "interrupted": interrupted,
        });
        return output.result(&object.to_string());
    }
    output.result(&format!(
        "{passed} checks passed, {failed} failed; {skipped} cells refused, {broken} failed or timed out"
    ))?;
    let shown = pages.iter().find(|p| p.extension().is_some_and(|e| e == "html"));
    output.result(&format!("{}", shown.map_or(path, PathBuf::as_path).display()))
}

/// What will be done, and about how long it takes.
fn describe(plan: &Plan) -> String {
    let mut text = String::new();
    for group in &plan.groups {
        let cells: Vec<String> = group.cells.iter().map(|c| format!("{c:?}")).collect();
        text.push_str(&format!("{} {}: {}\n", group.suite.name, group.size.name, cells.join(", ")));
    }
    let settings = &plan.settings;
    text.push_str(&format!(
        "{} on {} kernels, {} rounds, profile {}, about {}",
        if plan.cells() == 1 { "1 cell".to_owned() } else { format!("{} cells", plan.cells()) },
        settings.kernels.iter().map(|k| k.name()).collect::<Vec<_>>().join(" and "),
        settings.rounds,
        settings.profile.name(),
        human_time(plan.estimate().max(Duration::from_secs(1)).as_nanos() as f64),
    ));
    text
}

/// The command line as it was given, but for the path of the program.
fn command_line() -> String {
    let args = std::env::args().skip(1);
    let quoted = args.map(|a| if a.contains([' ', '*', '?', '[', '{', '(']) { format!("'{a}'") } else { a });
    std::iter::once("adjudicate".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// A stop that Ctrl-C requests. A second Ctrl-C ends the process at once.
pub fn stop_on_interrupt() -> Result<Stop, Failure> {
    let stop = Stop::default();
    let handler = stop.clone();
    ctrlc::set_handler(move || {
        if handler.requested() {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        handler.request();
    })
    .map_err(|e| Failure::internal(format!("cannot watch for Ctrl-C: {e}")))?;
    Ok(stop)
}
