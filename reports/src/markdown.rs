//! The tables for reading, as Markdown: for a pull request or an issue.

use serde::Serialize;

use crate::overview::{Overview, overview};
use crate::report::{Artifact, Material, Report, ReportError};
use crate::tables::Table;
use crate::template::fill;

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "md", about: "report.md, the overview and the tables", render };

#[derive(Serialize)]
struct Page<'a> {
    overview: Overview,
    tables: Vec<&'a Table>,
}

fn render(material: &Material) -> Result<Vec<Artifact>, ReportError> {
    let tables = material.tables().iter().filter(|table| !table.reference).collect();
    let page = Page { overview: overview(&material.view), tables };
    let text = fill("report.md", include_str!("../templates/report.md"), page)?;
    Ok(vec![Artifact::text("report.md", text)])
}
