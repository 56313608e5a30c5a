//! `adjudicate claims`: the claims of the paper, checked.

use adjudicate_reports::rows::Claim as Row;
use clap::Args;

use super::output::Output;
use crate::claims::{CLAIMS, Claim};
use crate::exit::{Exit, Failure};
use crate::measure::plan::unknown;

/// Check the claims of the paper by running what shows them
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  adjudicate claims\n  adjudicate claims figure-1 second-order --json")]
pub struct Claims {
    /// Which claims; all if not given
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Claims {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let rows: Vec<Row> = self.claims()?.iter().map(|claim| claim.row()).collect();
        let text = match self.json {
            true => serde_json::json!({ "claims": rows }).to_string(),
            false => rows.iter().map(describe).collect::<Vec<_>>().join("\n\n"),
        };
        output.result(&text)?;
        Ok(if rows.iter().all(|row| row.holds) { Exit::Ok } else { Exit::Wrong })
    }

    fn claims(&self) -> Result<Vec<&'static Claim>, Failure> {
        if self.names.is_empty() {
            return Ok(CLAIMS.to_vec());
        }
        let known: Vec<&str> = CLAIMS.iter().map(|c| c.name).collect();
        let find = |name: &String| CLAIMS.iter().copied().find(|c| c.name == name);
        self.names.iter().map(|name| find(name).ok_or_else(|| unknown("claim", name, &known))).collect()
    }
}

fn describe(row: &Row) -> String {
    let Row { name, claim, source, command, holds, found } = row;
    let verdict = if *holds { "holds" } else { "DOES NOT HOLD" };
    format!("{name}: {verdict}\n  {claim} ({source}).\n  {found}\n  $ {command}")
}
