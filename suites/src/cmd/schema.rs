//! `adjudicate schema`: JSON Schemas of the files that commands write and print.

use adjudicate_reports::schema::{Described, SCHEMAS, object};
use clap::Args;

use super::check::Checked;
use super::eval::Answer;
use super::output::Output;
use crate::exit::{Exit, Failure};
use crate::measure::plan::unknown;
use crate::runs::noise::Noise;

/// What `calibrate` keeps beside the runs, and what `eval` and `check --json` print.
const PRINTED: &[Described] =
    &[("noise.json", object::<Noise>), ("eval.json", object::<Answer>), ("check.json", object::<Checked>)];

/// Print the JSON Schema of a file of a run folder, or of what a command prints or keeps
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  adjudicate schema manifest.json")]
pub struct Schema {
    /// The file; all of them, by name, if not given
    #[arg(value_name = "FILE")]
    file: Option<String>,
}

impl Schema {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let all: Vec<Described> = SCHEMAS.iter().chain(PRINTED).copied().collect();
        let schema = match self.file {
            None => all.iter().map(|(file, schema)| ((*file).to_owned(), schema())).collect(),
            Some(name) => {
                let known = all.iter().find(|(file, _)| *file == name);
                let names: Vec<&str> = all.iter().map(|(file, _)| *file).collect();
                known.map(|(_, schema)| schema()).ok_or_else(|| unknown("file", &name, &names))?
            }
        };
        output.result(&serde_json::to_string_pretty(&schema).expect("a schema can be written"))?;
        Ok(Exit::Ok)
    }
}
