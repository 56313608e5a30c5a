//! `adjudicate run`: check, count and time; the main job.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use adjudicate_reports::view::distinct;
use clap::Args;

use super::check::verdict;
use super::flags::{Measuring, Selecting};
use super::output::Output;
use super::progress::{Progress, human_time};
use super::report::Rendered;
use crate::claims::CLAIMS;
use crate::exit::{Exit, Failure};
use crate::matrix::{contestants, matrix};
use crate::measure::group::{Depth, Tally};
use crate::measure::wire::Given;
use crate::measure::{Group, Kernels, Plan, Stop, supervise};
use crate::runs::RunFolder;
use crate::runs::manifest::{manifest, run_id};
use crate::runs::noise::outside;
use crate::runs::recipe::{Recipe, Shard};
use crate::runs::unfinished::{Unfinished, check_alike};

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
    /// Check and count only
    #[arg(long)]
    no_time: bool,
    /// Only one of several parts of the suites and sizes, such as 2/5; `merge` puts them together
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,
    /// Go on with a run that was interrupted or killed, as it was begun
    #[arg(long, value_name = "RUN", conflicts_with_all = FIXED)]
    resume: Option<PathBuf>,
    /// Print the plan and stop
    #[arg(long)]
    dry_run: bool,
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
}

/// What a run that is resumed has decided already.
const FIXED: [&str; 14] = [
    "suite", "strategy", "function", "size", "profile", "rounds", "seed", "threads", "kernels", "timeout", "memory",
    "out", "shard", "no_time",
];

impl Run {
    /// Carries the command out.
    pub fn run(mut self, output: &mut Output) -> Result<Exit, Failure> {
        match self.resume.take() {
            Some(folder) => self.go_on(&folder, output),
            None => self.begin(output),
        }
    }

    fn begin(self, output: &mut Output) -> Result<Exit, Failure> {
        let depth = if self.no_time { Depth::Count } else { Depth::Time };
        let (selection, settings) = (self.selecting.selection(), self.measuring.settings());
        let recipe = Recipe { selection, settings, depth, shard: self.shard };
        let plan = recipe.plan()?;
        if self.dry_run {
            self.out.as_deref().map_or(Ok(()), RunFolder::may_claim)?;
            output.result(&describe(&plan))?;
            return Ok(Exit::Ok);
        }
        let started = SystemTime::now();
        let path = self.out.unwrap_or_else(|| PathBuf::from("runs").join(run_id(&plan, started)));
        RunFolder::claim(&path)?;
        output.remark(&describe(&plan));
        let manifest = manifest(&recipe, &plan, command_line(), started)?;
        let suites = distinct(plan.groups.iter().map(|group| group.suite.name));
        outside(&manifest, &suites).iter().for_each(|said| output.remark(said));
        let folder = RunFolder::create(&path, &manifest)?;
        let given = |_: &Group, _| Some(Given::default());
        finish(&plan, depth, (folder, Tally::default()), given, self.json, output)
    }

    fn go_on(self, run: &Path, output: &mut Output) -> Result<Exit, Failure> {
        let path = super::report::find(run)?;
        let run = super::report::read(&path, output)?;
        let recipe = Recipe::of(&run.manifest)?;
        let plan = recipe.plan()?;
        check_alike(&run.manifest, &manifest(&recipe, &plan, String::new(), SystemTime::now())?)?;
        let mut unfinished = Unfinished::new(run, &recipe)?;
        if self.dry_run {
            let rest =
                plan.groups.iter().filter(|g| plan.settings.kernels.iter().any(|k| unfinished.given(g, *k).is_some()));
            let names: Vec<String> = rest.map(|g| format!("{} {}", g.suite.name, g.size.name)).collect();
            let text = if names.is_empty() { "nothing is left to do".to_owned() } else { names.join("\n") };
            output.result(&text)?;
            return Ok(Exit::Ok);
        }
        unfinished.kept.claims.clear();
        let folder = RunFolder::with_rows(&path, &unfinished.kept)?;
        let so_far = unfinished.tally();
        finish(&plan, recipe.depth, (folder, so_far), |g, k| unfinished.given(g, k), self.json, output)
    }
}

/// Measures what is left of a run, and renders its report.
fn finish(
    plan: &Plan,
    depth: Depth,
    (mut folder, so_far): (RunFolder, Tally),
    given: impl Fn(&Group, Kernels) -> Option<Given>,
    json: bool,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let path = folder.path().to_owned();
    let stop = stop_on_interrupt()?;
    for claim in CLAIMS {
        folder.claims.push(&claim.row())?;
    }
    folder.matrix(&matrix(&contestants()))?;
    let mut progress = Progress::new(plan, output, Some(folder));
    let measured = supervise(plan, depth, given, &stop, &mut progress);
    let failures = std::mem::take(&mut progress.failures);
    drop(progress);
    for failure in &failures {
        output.error(failure);
    }
    let mut tally = measured.map_err(|failure| Failure {
        message: format!("{failure}; the rows so far are in {}", path.display()),
        ..failure
    })?;
    tally.add(&so_far);
    if tally.interrupted {
        let go_on = format!("go on with `adjudicate run --resume {}`", path.display());
        output.error(&format!("interrupted; the rows so far are in {}; {go_on}", path.display()));
    }
    let rendered = super::report::render(&path, &[], output)?;
    summary(output, &path, &rendered, &tally, json)?;
    Ok(verdict(&tally))
}

fn summary(
    output: &mut Output,
    path: &Path,
    Rendered { files, twins }: &Rendered,
    tally: &Tally,
    json: bool,
) -> Result<(), Failure> {
    let Tally { passed, failed, skipped, broken, interrupted } = *tally;
    if json {
        let object = serde_json::json!({
            "run": path, "reports": files, "passed": passed, "failed": failed,
            "refused": skipped, "broken": broken, "interrupted": interrupted,
            "noise_within_the_run": twins,
        });
        return output.result(&object.to_string());
    }
    output.result(&format!(
        "{passed} checks passed, {failed} failed; {skipped} cells refused, {broken} failed or timed out"
    ))?;
    if let Some(twins) = twins {
        output.result(&format!("noise within the run: {twins}"))?;
    }
    let shown = files.iter().find(|p| p.extension().is_some_and(|e| e == "html"));
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
pub fn command_line() -> String {
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
