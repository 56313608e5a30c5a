//! Every figure as an SVG file.

use crate::figures::draw_all;
use crate::report::{Artifact, Report, ReportError};
use crate::run::Run;
use crate::view::View;

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "svg", about: "figures/*.svg, one file for each figure", render };

fn render(run: &Run) -> Result<Vec<Artifact>, ReportError> {
    let drawn = draw_all(&View::new(run))?;
    Ok(drawn.into_iter().map(|drawn| Artifact::text(format!("figures/{}.svg", drawn.figure.name), drawn.svg)).collect())
}
