//! The tables for reading, as Markdown: for a pull request or an issue.

use serde::Serialize;

use crate::overview::{Overview, overview};
use crate::report::{Artifact, Report, ReportError};
use crate::run::Run;
use crate::tables::{self, Table};
use crate::template::fill;
use crate::view::View;

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "md", about: "report.md, the overview and the tables", render };

#[derive(Serialize)]
struct Page {
    overview: Overview,
    tables: Vec<Table>,
}

fn render(run: &Run) -> Result<Vec<Artifact>, ReportError> {
    let view = View::new(run);
    let tables = tables::all(&view).into_iter().filter(|table| !table.reference).collect();
    let text = fill("report.md", include_str!("../templates/report.md"), Page { overview: overview(&view), tables })?;
    Ok(vec![Artifact::text("report.md", text)])
}
