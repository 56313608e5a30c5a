//! The tables for reading, as LaTeX with booktabs rules: one file each, to be `\input`.

use serde::Serialize;

use crate::overview::{Overview, overview};
use crate::report::{Artifact, Material, Report, ReportError};
use crate::tables::Table;
use crate::template::fill;

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "latex", about: "tables/*.tex, booktabs tables", render };

#[derive(Serialize)]
struct Page<'a> {
    overview: &'a Overview,
    command: String,
    table: &'a Table,
}

fn render(material: &Material) -> Result<Vec<Artifact>, ReportError> {
    let overview = overview(&material.view);
    let command = material.view.run.manifest.command.split_whitespace().collect::<Vec<_>>().join(" ");
    let file = |table: &Table| {
        let path = format!("tables/{}.tex", table.name);
        let page = Page { overview: &overview, command: command.clone(), table };
        Ok(Artifact::text(path, fill("table.tex", include_str!("../templates/table.tex"), page)?))
    };
    material.tables().iter().filter(|table| !table.reference).map(file).collect()
}
