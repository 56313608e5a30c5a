//! `adjudicate history`: runs over time, as lines of a file that is only appended to.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use adjudicate_reports::history::{ChangePoint, Entry, History as Runs};
use adjudicate_reports::rows::{HANDWRITTEN, Key};
use adjudicate_reports::schema::Changes;
use adjudicate_reports::{Run, trends};
use adjudicate_strategies::STRATEGIES;
use clap::{Args, Subcommand};

use super::compare::load;
use super::flags::Selecting;
use super::output::Output;
use super::report::find;
use crate::exit::{Exit, Failure};
use crate::measure::plan::Patterns;
use crate::runs::folder::write_file;

/// Keep what runs found from version to version, and show when it changed
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate history add runs/nightly
  adjudicate history show --suite rnn --out runs/trends")]
pub struct History {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    Add(Add),
    Show(Show),
}

/// Where the history is kept unless told otherwise.
const FILE: &str = "runs/history.jsonl";

/// Append a run to the history
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  adjudicate history add runs/nightly")]
struct Add {
    /// The run folder, or the id of a run under `runs`
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The history, which is made if there is none
    #[arg(long, value_name = "FILE", default_value = FILE)]
    file: PathBuf,
}

/// Show when times and counts changed; with --out, figures of the trends too
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  adjudicate history show\n  adjudicate history show --suite rnn --out runs/trends")]
struct Show {
    /// The history
    #[arg(long, value_name = "FILE", default_value = FILE)]
    file: PathBuf,
    #[command(flatten)]
    selecting: Selecting,
    /// A folder for history.html and the figures
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl History {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self.what {
            What::Add(add) => add.run(output),
            What::Show(show) => show.run(output),
        }
    }
}

impl Add {
    fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let run: Run = load(&find(&self.run)?, false)?;
        let (history, warning) = match fs::read(&self.file) {
            Err(e) if e.kind() == ErrorKind::NotFound => (Runs::default(), None),
            read => parse(&self.file, &read.map_err(|e| unreadable(&self.file, &e))?)?,
        };
        if let Some(warning) = warning {
            return Err(Failure::usage(format!("{warning}; remove that line before another is appended")));
        }
        let entry = Entry::of(&run);
        if entry.cells.is_empty() {
            return Err(Failure::usage(format!("run {} has no cell that is right", entry.run_id)));
        }
        if history.entries.iter().any(|known| known.run_id == entry.run_id) {
            return Err(Failure::usage(format!("run {} is in {} already", entry.run_id, self.file.display())));
        }
        let cannot = |e: std::io::Error| Failure::internal(format!("cannot write {}: {e}", self.file.display()));
        self.file.parent().map_or(Ok(()), fs::create_dir_all).map_err(cannot)?;
        let file = OpenOptions::new().create(true).append(true).open(&self.file);
        file.and_then(|mut file| file.write_all(entry.line().as_bytes())).map_err(cannot)?;
        let place = history.entries.len() + 1;
        output.result(&format!("{}: run {place} is {}", self.file.display(), entry.run_id))?;
        Ok(Exit::Ok)
    }
}

impl Show {
    fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let bytes = fs::read(&self.file).map_err(|e| unreadable(&self.file, &e))?;
        let (mut history, warning) = parse(&self.file, &bytes)?;
        if let Some(warning) = warning {
            output.remark(&format!("warning: {warning}"));
        }
        select(&mut history, self.selecting)?;
        let changes = history.changes();
        let summary = trends::summary(&history);
        output.result(&match self.json {
            true => {
                let changes = Changes { runs: history.entries.len(), changes };
                serde_json::to_string(&changes).expect("numbers and text can be written")
            }
            false => table(&changes) + &summary,
        })?;
        let Some(folder) = self.out else { return Ok(Exit::Ok) };
        let files = trends::pages(&history).map_err(|e| Failure::internal(e.to_string()))?;
        for file in files {
            write_file(&folder.join(&file.path), &file.bytes)?;
        }
        if !self.json {
            output.result(&folder.join("history.html").display().to_string())?;
        }
        Ok(Exit::Ok)
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", file.display()))
}

fn parse(file: &Path, bytes: &[u8]) -> Result<(Runs, Option<adjudicate_reports::files::Warning>), Failure> {
    Runs::read(bytes, &file.display().to_string()).map_err(|e| Failure::usage(e.to_string()))
}

/// Leaves the cells that are wanted.
fn select(history: &mut Runs, selecting: Selecting) -> Result<(), Failure> {
    let selection = selecting.selection();
    let names = |of: fn(&Key) -> &String| -> Vec<&str> {
        let keys = history.entries.iter().flat_map(|entry| &entry.cells).map(|point| of(&point.key).as_str());
        keys.chain(STRATEGIES.iter().map(|s| s.name())).chain([HANDWRITTEN]).collect()
    };
    let suites = Patterns::new("suite", &selection.suites, &names(|key| &key.suite))?;
    let sizes = Patterns::new("size", &selection.sizes, &names(|key| &key.size))?;
    let functions = Patterns::new("function", &selection.functions, &names(|key| &key.function))?;
    let strategies = Patterns::new("strategy", &selection.strategies, &names(|key| &key.strategy))?;
    for entry in &mut history.entries {
        entry.cells.retain(|point| {
            let Key { suite, size, function, strategy, .. } = &point.key;
            suites.matches(suite) && sizes.matches(size) && functions.matches(function) && strategies.matches(strategy)
        });
    }
    Ok(())
}

fn table(changes: &[ChangePoint]) -> String {
    if changes.is_empty() {
        return "no change that can be told from noise, in ".to_owned();
    }
    let lines: Vec<[String; 7]> = changes.iter().map(trends::columns).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |fields: &[String; 7]| {
        let padded = fields.iter().zip(&widths).map(|(field, width)| format!("{field:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}
