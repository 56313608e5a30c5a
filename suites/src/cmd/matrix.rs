//! `adjudicate matrix`: which strategy differentiates which language construct.

use adjudicate_reports::rows::{Matrix as Rows, MatrixCell, Outcome};
use adjudicate_strategies::{STRATEGIES, Strategy};
use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};

use super::output::Output;
use crate::exit::{Exit, Failure};
use crate::matrix::{contestants, matrix};
use crate::measure::plan::Patterns;

/// Find out, by running, which language construct each strategy differentiates
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate matrix
  adjudicate matrix --strategy dataflow --strategy 'tape*' --json

A cell is `runs`, `restructured` (refused as written, expressed in another form), `refused` or `wrong`.
Constructs are small programs with known derivatives: suites/src/matrix. Exit code 4 if a cell is wrong.")]
pub struct Matrix {
    /// Strategies and variants (globs, repeatable)
    #[arg(long, value_name = "GLOB")]
    strategy: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Matrix {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let strategies = self.strategies()?;
        let found = matrix(&strategies);
        let text = match self.json {
            true => serde_json::to_string(&found).expect("rows have string keys"),
            false => table(&found, &strategies),
        };
        output.result(&text)?;
        let wrong = found.cells.iter().any(|cell| cell.outcome == Outcome::Wrong);
        Ok(if wrong { Exit::Wrong } else { Exit::Ok })
    }

    fn strategies(&self) -> Result<Vec<&'static dyn Strategy>, Failure> {
        if self.strategy.is_empty() {
            return Ok(contestants());
        }
        let names: Vec<&str> = STRATEGIES.iter().map(|s| s.name()).collect();
        let wanted = Patterns::new("strategy", &self.strategy, &names)?;
        Ok(STRATEGIES.iter().copied().filter(|s| wanted.matches(s.name())).collect())
    }
}

/// A row for each construct and order, a column for each strategy; then the reasons.
fn table(found: &Rows, strategies: &[&dyn Strategy]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["construct", "order"].into_iter().chain(strategies.iter().map(|s| s.name())));
    for row in found.cells.chunks(strategies.len()) {
        let first = &row[0];
        let lead = [first.construct.clone(), first.order.to_string()];
        table.add_row(lead.into_iter().chain(row.iter().map(|cell| cell.outcome.word().to_owned())));
    }
    let reasons = found.cells.iter().filter_map(|cell| Some((cell, cell.reason.as_ref()?)));
    let reasons = reasons.map(|(cell, why)| {
        let MatrixCell { construct, order, strategy, outcome, .. } = cell;
        format!("\n{construct}, order {order}, {strategy}: {}: {why}", outcome.word())
    });
    table.to_string() + "\n" + &reasons.collect::<String>()
}
