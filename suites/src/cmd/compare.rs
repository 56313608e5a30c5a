//! `adjudicate compare`: the same strategies at two times; the exit code says what happened.

use std::collections::HashMap;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use adjudicate_reports::Run;
use adjudicate_reports::columns::Row;
use adjudicate_reports::compare::{Again, Comparison, Judgement, Scope, compare};
use adjudicate_reports::derive::is_preparation;
use adjudicate_reports::files::read_rows;
use adjudicate_reports::rows::{Cell, Key, Manifest, Sample};
use adjudicate_reports::view::distinct;
use clap::{Args, ValueEnum};

use super::output::Output;
use super::report::find;
use crate::exit::{Exit, Failure};
use crate::runs::folder::write_file;
use crate::runs::noise::outside;
use crate::runs::unfinished::differences;

/// Compare a run with an earlier one; the exit code says whether something became worse
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate compare runs/before runs/after
  adjudicate compare runs/before runs/after --confirm runs/after-again --confirm-base runs/before-again --format markdown
  adjudicate compare suites/baseline runs/after --counts")]
pub struct Compare {
    /// The run that is the measure
    #[arg(value_name = "BASE")]
    base: PathBuf,
    /// The run that is measured
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// A second run of the new program: what is slower in both is a regression, otherwise it is noise
    #[arg(long, value_name = "RUN")]
    confirm: Option<PathBuf>,
    /// A second run of the base, made beside --confirm: a process may be fast by luck, and then both new runs look slow
    #[arg(long, value_name = "RUN", requires = "confirm")]
    confirm_base: Option<PathBuf>,
    /// Compare outcomes and counts only, which are the same on every machine
    #[arg(long)]
    counts: bool,
    /// Compare although machines, kernels or settings differ
    #[arg(long)]
    force: bool,
    /// Make NEW the baseline: copy its manifest, cells and matrix to BASE
    #[arg(long)]
    bless: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

/// What a baseline keeps of a run.
const KEPT: [&str; 3] = ["manifest.json", "cells.csv", "matrix.json"];

impl Compare {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        if self.bless {
            return self.bless(output);
        }
        let read = |path: &PathBuf, samples: bool| load(&find(path)?, samples);
        let (base, new) = thread::scope(|scope| {
            let new = scope.spawn(|| read(&self.new, false));
            (read(&self.base, false), new.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let (mut base, mut new) = (base?, new?);
        self.check_comparable(&base.manifest, &new.manifest, &self.new)?;
        let second = |path: &Option<PathBuf>| {
            let run = path.as_ref().map(|path| read(path, true)).transpose()?;
            if let (Some(run), Some(path)) = (&run, path) {
                self.check_comparable(&base.manifest, &run.manifest, path)?;
            }
            Ok::<_, Failure>(run)
        };
        let (again, base_again) = (second(&self.confirm)?, second(&self.confirm_base)?);
        let second_passes = again.iter().chain(&base_again).zip(self.confirm.iter().chain(&self.confirm_base));
        for (run, path) in [(&base, &self.base), (&new, &self.new)].into_iter().chain(second_passes) {
            run.broken_off().iter().for_each(|how| output.remark(&format!("{} {how}", path.display())));
        }
        let again = again.as_ref().map(|new| Again { base: base_again.as_ref(), new });
        let scope = Scope { times: !self.counts };
        if scope.times {
            base.samples = samples(&find(&self.base)?, &base.cells)?;
            new.samples = samples(&find(&self.new)?, &new.cells)?;
        }
        if scope.times {
            for run in [&base, &new] {
                let suites = distinct(run.cells.iter().map(|cell| &*cell.key.suite));
                outside(&run.manifest, &suites).iter().for_each(|said| output.remark(said));
            }
        }
        let found = compare(&base, &new, again, scope);
        if found.cells == 0 {
            return Err(incomparable("the runs have no cell in common".to_owned()));
        }
        output.result(
            match self.format {
                Format::Text => found.text(),
                Format::Markdown => found.markdown(),
                Format::Json => serde_json::to_string_pretty(&found).expect("numbers and text can be written"),
            }
            .trim_end(),
        )?;
        if found.of(Judgement::Inconclusive).next().is_some() {
            output.remark(
                "measure the new program again and give that run as --confirm, to tell a regression from noise",
            );
        }
        if found.worst().is_none() && found.of(Judgement::Improvement).any(|change| !change.is_time()) {
            output.remark("counts became smaller: make this run the baseline with --bless");
        }
        Ok(verdict(&found))
    }

    fn check_comparable(&self, base: &Manifest, new: &Manifest, path: &Path) -> Result<(), Failure> {
        let anywhere = ["model ", "input ", "seed", "schema version"];
        let mut found = differences(base, new);
        found.retain(|what| !what.starts_with("commit") && !what.starts_with("version"));
        if self.counts {
            found.retain(|what| anywhere.iter().any(|prefix| what.starts_with(prefix)));
        }
        if found.is_empty() || self.force {
            return Ok(());
        }
        let differences = found.join("; ");
        Err(incomparable(format!("{} is not comparable, unless by --force: {differences}", path.display())))
    }

    fn bless(&self, output: &mut Output) -> Result<Exit, Failure> {
        let from = find(&self.new)?;
        load(&from, false)?;
        for file in KEPT {
            let path = from.join(file);
            let bytes = fs::read(&path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?;
            write_file(&self.base.join(file), &bytes)?;
        }
        output.result(&self.base.display().to_string())?;
        Ok(Exit::Ok)
    }
}

/// Reads a run, without the samples if they are not needed. A baseline has no table but those it keeps.
pub fn load(folder: &Path, samples: bool) -> Result<Run, Failure> {
    let wanted = |file: &str| samples || file != Sample::FILE;
    let read = Run::read_to_compare(|file| fs::read(folder.join(file)).ok().filter(|_| wanted(file)));
    let (run, _) = read.map_err(|e| Failure::usage(format!("{}: {e}", folder.display())))?;
    if run.cells.is_empty() {
        return Err(incomparable(format!("{} has no cells", folder.display())));
    }
    Ok(run)
}

/// The samples of a run with times to be judged: none if it has no table of them, as a baseline. A table that is cut off is
/// refused.
fn samples(folder: &Path, cells: &[Cell]) -> Result<Vec<Sample>, Failure> {
    let Ok(bytes) = fs::read(folder.join(Sample::FILE)) else { return Ok(Vec::new()) };
    let rows: Vec<Sample> = match bytes[..] {
        [] => Vec::new(),
        _ => read_rows(&bytes, Sample::FILE).map_err(|e| Failure::usage(format!("{}: {e}", folder.display())))?.0,
    };
    let mut taken: HashMap<&Key, u64> = HashMap::new();
    rows.iter().filter(|sample| !sample.warmup).for_each(|sample| *taken.entry(&sample.key).or_default() += 1);
    let lacks = |cell: &&Cell| cell.samples > Some(taken.get(&cell.key).copied().unwrap_or(0));
    if let Some(cell) = cells.iter().filter(|cell| !is_preparation(cell)).find(lacks) {
        let (folder, file, table) = (folder.display(), Sample::FILE, Cell::FILE);
        return Err(incomparable(match taken.get(&cell.key) {
            None if rows.is_empty() => format!("{folder}: {file} has no samples, but {table} has times"),
            has => {
                format!("{folder}: {file} has {} samples of {}, fewer than {table} says", has.unwrap_or(&0), cell.key)
            }
        }));
    }
    Ok(rows)
}

fn incomparable(message: String) -> Failure {
    Failure { exit: Exit::Incomparable, message }
}

fn verdict(found: &Comparison) -> Exit {
    match found.worst() {
        None => Exit::Ok,
        Some(Judgement::Wrong) => Exit::Wrong,
        Some(Judgement::Broken) => Exit::Refused,
        Some(Judgement::Regression) => Exit::Regression,
        Some(_) => Exit::Incomparable,
    }
}
