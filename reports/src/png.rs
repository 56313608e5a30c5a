//! Every figure as a PNG file, the SVG rasterised, by as many threads as there are cores.

use std::thread;

use crate::draw::Rasteriser;
use crate::figures::Drawn;
use crate::report::{Artifact, Material, Report, ReportError};

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "png", about: "figures/*.png, the same figures as images", render };

fn render(material: &Material) -> Result<Vec<Artifact>, ReportError> {
    let figures = material.figures()?;
    let rasteriser = Rasteriser::new();
    let share = figures.len().div_ceil(thread::available_parallelism().map_or(1, usize::from)).max(1);
    let image = |Drawn { figure, svg, .. }: &Drawn| {
        Ok(Artifact { path: format!("figures/{}.png", figure.name), bytes: rasteriser.png(&figure.name, svg)? })
    };
    let images = |part| -> Vec<Result<Artifact, ReportError>> { <[Drawn]>::iter(part).map(image).collect() };
    thread::scope(|scope| {
        let parts: Vec<_> = figures.chunks(share).map(|part| scope.spawn(move || images(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("drawing does not panic")).collect()
    })
}
