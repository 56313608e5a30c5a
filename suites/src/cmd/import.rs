//! `adjudicate import`: what other tools timed, put into a run folder, so that one report shows both.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use adjudicate_reports::Run;
use adjudicate_reports::criterion::{BENCHMARK, SAMPLE, UNCHECKED, read_key, read_samples};
use adjudicate_reports::rows::{Cell, Key, Status, Valid};
use clap::{Args, Subcommand};

use super::output::Output;
use super::report::{read, render};
use super::run::command_line;
use crate::exit::{Exit, Failure};
use crate::measure::Kernels;
use crate::measure::summary::fill_times;
use crate::runs::RunFolder;
use crate::runs::manifest::bare;

/// Put what another tool timed into a run folder, and render its report
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  cargo bench -p adjudicate-suites -- mlp\n  adjudicate import criterion target/criterion --out runs/trial"
)]
pub struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Subcommand, Debug)]
enum From {
    Criterion(Criterion),
}

/// Import what `cargo bench` timed on this machine; its cells go by kernels of their own, such as `embedded (criterion)`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  adjudicate import criterion target/criterion --out runs/trial")]
struct Criterion {
    /// The folder that criterion wrote
    #[arg(value_name = "FOLDER")]
    from: PathBuf,
    /// The run folder; cells are added to one that exists
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Import {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let From::Criterion(criterion) = self.from;
        criterion.run(output)
    }
}

impl Criterion {
    fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let benchmarks = benchmarks(&self.from)?;
        let imported = imported(&benchmarks)?;
        if imported.cells.is_empty() {
            return Err(Failure::usage(format!("there is no benchmark of a suite in {}", self.from.display())));
        }
        let exists = self.out.is_dir();
        let mut run = if exists { read(&self.out, output)? } else { imported_run() };
        let known: HashSet<&Key> = run.cells.iter().map(|cell| &cell.key).collect();
        if let Some(twice) = imported.cells.iter().find(|cell| known.contains(&cell.key)) {
            return Err(Failure::usage(format!("{} is in {} already", twice.key, self.out.display())));
        }
        run.cells.extend(imported.cells);
        run.samples.extend(imported.samples);
        if !exists {
            RunFolder::claim(&self.out)?;
        }
        RunFolder::with_rows(&self.out, &run)?;
        render(&self.out, &[], output)?;
        output.result(&self.out.display().to_string())?;
        Ok(Exit::Ok)
    }
}

fn imported_run() -> Run {
    Run { manifest: bare("criterion", command_line(), SystemTime::now()), ..Run::default() }
}

/// The folders of the benchmarks below a folder, in the order of their names.
fn benchmarks(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |e: std::io::Error| Failure::usage(format!("cannot read {}: {e}", folder.display()));
    let mut below: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(cannot)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(cannot)?;
    below.sort();
    let mut found = Vec::new();
    for path in below.into_iter().filter(|path| path.is_dir()) {
        match path.file_name().is_some_and(|name| name == "new") && path.join(BENCHMARK).is_file() {
            true => found.push(path),
            false => found.extend(benchmarks(&path)?),
        }
    }
    Ok(found)
}

/// The cells and samples of benchmarks.
fn imported(benchmarks: &[PathBuf]) -> Result<Run, Failure> {
    let mut run = Run::default();
    for folder in benchmarks {
        let bytes = |file: &str| {
            let path = folder.join(file);
            let bytes = fs::read(&path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?;
            Ok::<_, Failure>((bytes, path.display().to_string()))
        };
        let wrong = |e: adjudicate_reports::files::ReadError| Failure::usage(e.to_string());
        let (names, file) = bytes(BENCHMARK)?;
        let Some(key) = read_key(&names, &file, Kernels::standard().name()).map_err(wrong)? else { continue };
        let (times, file) = bytes(SAMPLE)?;
        let samples = read_samples(&times, &file, &key).map_err(wrong)?;
        let reason = Some(UNCHECKED.to_owned());
        let mut cell = Cell { key, status: Status::Ok, valid: Valid::Unchecked, reason, ..Cell::default() };
        fill_times(&mut cell, &samples.iter().map(|sample| sample.ns_per_iteration).collect::<Vec<_>>());
        run.cells.push(cell);
        run.samples.extend(samples);
    }
    Ok(run)
}
