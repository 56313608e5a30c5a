//! Every figure as a PNG file, the SVG rasterised.

use crate::draw;
use crate::figures::{Drawn, draw_all};
use crate::report::{Artifact, Report, ReportError};
use crate::run::Run;
use crate::view::View;

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "png", about: "figures/*.png, the same figures as images", render };

fn render(run: &Run) -> Result<Vec<Artifact>, ReportError> {
    let image = |Drawn { figure, svg, .. }: &Drawn| {
        Ok(Artifact { path: format!("figures/{}.png", figure.name), bytes: draw::png(&figure.name, svg)? })
    };
    draw_all(&View::new(run))?.iter().map(image).collect()
}
