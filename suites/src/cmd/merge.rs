//! `adjudicate merge`: one run of the parts that `run --shard` made.

use std::collections::HashSet;
use std::path::PathBuf;

use adjudicate_reports::rows::Key;
use clap::Args;

use super::output::Output;
use super::report::{read, render};
use crate::exit::{Exit, Failure};
use crate::runs::RunFolder;
use crate::runs::unfinished::check_alike;

/// Put the runs of several shards together into one, and render its report
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  adjudicate merge runs/part-1 runs/part-2 --out runs/whole")]
pub struct Merge {
    /// The run folders
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The new run folder, which must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Merge {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let mut parts = self.runs.iter().map(|path| read(path, output)).collect::<Result<Vec<_>, _>>()?.into_iter();
        let Some(mut whole) = parts.next() else { return Err(Failure::usage("there is nothing to merge")) };
        let mut known: HashSet<Key> = whole.cells.iter().map(|cell| cell.key.clone()).collect();
        for part in parts {
            check_alike(&whole.manifest, &part.manifest)?;
            if let Some(twice) = part.cells.iter().find(|cell| !known.insert(cell.key.clone())) {
                return Err(Failure::usage(format!("{} is in two of the runs", twice.key)));
            }
            let planned = |m: Option<u64>| m.unwrap_or_default();
            whole.manifest.planned_cells =
                Some(planned(whole.manifest.planned_cells) + planned(part.manifest.planned_cells));
            whole.manifest.models.extend(part.manifest.models);
            whole.manifest.inputs.extend(part.manifest.inputs);
            whole.cells.extend(part.cells);
            whole.samples.extend(part.samples);
            whole.checks.extend(part.checks);
            whole.counts.extend(part.counts);
            whole.stages.extend(part.stages);
        }
        RunFolder::claim(&self.out)?;
        RunFolder::with_rows(&self.out, &whole)?;
        render(&self.out, &[], output)?;
        output.result(&self.out.display().to_string())?;
        Ok(Exit::Ok)
    }
}
