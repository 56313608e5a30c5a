//! Tables for other programs: every number in one long table, and one row for each strategy's standing.
//!
//! `tables/tidy.csv` has a row for each cell and metric, as plotting libraries want it. `tables/summary.csv` has a row for each
//! suite, function and strategy. The raw rows stay in the run folder and are not written again.

use crate::columns::{Holds, Row, Text};
use crate::derive::Ratio;
use crate::files::{csv_line, header};
use crate::report::{Artifact, Material, Report, ReportError};
use crate::rows::{Cell, Standing, Tidy};
use crate::view::{Group, Verdict, View};

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report =
    Report { name: "csv", about: "tables/tidy.csv and tables/summary.csv, for other programs", render };

/// Columns of the key at the beginning of a row of cells.csv.
const KEY: usize = 6;

fn render(material: &Material) -> Result<Vec<Artifact>, ReportError> {
    let view = &material.view;
    Ok(vec![Artifact::text("tables/tidy.csv", tidy(view)), Artifact::text("tables/summary.csv", summary(view))])
}

/// A line for each number of each cell; ratios are computed, not copied.
fn tidy(view: &View) -> String {
    let columns = Cell::columns();
    let mut text = header::<Tidy>();
    for cell in &view.run.cells {
        let computed = Cell {
            ratio_to_value: view.to_value(cell),
            ratio_to_handwritten: view.to_handwritten(cell),
            ..cell.clone()
        };
        let fields = computed.print();
        let known = columns.iter().zip(&fields).skip(KEY).filter(|(_, field)| !field.is_empty());
        for (metric, value) in known.filter(|(column, _)| matches!(column.holds, Holds::Whole(_) | Holds::Number)) {
            let key = fields[..KEY].iter().map(String::as_str);
            text += &csv_line(key.chain([cell.valid.word(), metric.name, value]));
        }
    }
    text
}

fn summary(view: &View) -> String {
    let verdicts = view.verdicts().iter().chain(view.overall_verdicts());
    verdicts.fold(header::<Standing>(), |text, verdict| text + &standings(verdict))
}

fn standings(verdict: &Verdict) -> String {
    let Group { suite, function, kernels, threads } = verdict.group;
    let threads = threads.to_string();
    let line = |strategy: &str, rest: &[String]| {
        let key = [suite, function, kernels, &threads, strategy];
        csv_line(key.into_iter().chain(rest.iter().map(String::as_str)))
    };
    let mut text = String::new();
    for ranked in &verdict.ranking {
        let mut rest = vec![ranked.place.to_string(), verdict.contests.len().to_string()];
        rest.extend(ratio(Some(&ranked.to_fastest)));
        rest.extend(ratio(ranked.to_handwritten.as_ref()));
        rest.push(String::new());
        text += &line(ranked.strategy, &rest);
    }
    for (strategy, why) in &verdict.unranked {
        let mut rest = vec![String::new(); 8];
        rest.push(why.clone());
        text += &line(strategy, &rest);
    }
    text
}

fn ratio(ratio: Option<&Ratio>) -> [String; 3] {
    let (low, high) = ratio.and_then(|ratio| ratio.interval).unzip();
    [ratio.map(|ratio| ratio.ratio), low, high].map(|number| number.map(|number| number.print()).unwrap_or_default())
}
