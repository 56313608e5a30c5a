//! Every figure as an SVG file.

use crate::figures::Drawn;
use crate::report::{Artifact, Material, Report, ReportError};

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "svg", about: "figures/*.svg, one file for each figure", render };

fn render(material: &Material) -> Result<Vec<Artifact>, ReportError> {
    let file = |Drawn { figure, svg, .. }: &Drawn| Artifact::text(format!("figures/{}.svg", figure.name), svg.clone());
    Ok(material.figures()?.iter().map(file).collect())
}
