//! The tables for reading, as LaTeX with booktabs rules: one file each, to be `\input`.

use serde::Serialize;

use crate::overview::{Overview, overview};
use crate::report::{Artifact, Report, ReportError};
use crate::run::Run;
use crate::tables::{self, Table};
use crate::template::fill;
use crate::view::View;

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "latex", about: "tables/*.tex, booktabs tables", render };

#[derive(Serialize)]
struct Page<'a> {
    overview: &'a Overview,
    command: String,
    table: Table,
}

fn render(run: &Run) -> Result<Vec<Artifact>, ReportError> {
    let view = View::new(run);
    let overview = overview(&view);
    let command = run.manifest.command.split_whitespace().collect::<Vec<_>>().join(" ");
    let file = |table: Table| {
        let path = format!("tables/{}.tex", table.name);
        let page = Page { overview: &overview, command: command.clone(), table };
        Ok(Artifact::text(path, fill("table.tex", include_str!("../templates/table.tex"), page)?))
    };
    tables::all(&view).into_iter().filter(|table| !table.reference).map(file).collect()
}
