//! The report to open first: one HTML page that needs nothing but itself.
//!
//! Overview, verdicts and what went wrong come first, then the figures, then every number with the row of `cells.csv` it
//! came from. Tables sort by a click on a heading.

use serde::Serialize;

use crate::figures::{Drawn, FIGURES, draw_all};
use crate::overview::{Overview, overview};
use crate::report::{Artifact, Report, ReportError};
use crate::run::Run;
use crate::tables::{self, Table};
use crate::template::fill;
use crate::view::View;

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "html", about: "index.html, one page that opens offline", render };

/// The tables that stand before the figures.
const FIRST: [&str; 3] = ["verdicts", "problems", "claims"];

#[derive(Serialize)]
struct Page {
    overview: Overview,
    tables: Vec<Table>,
    first: [&'static str; 3],
    figures: Vec<Section>,
    style: &'static str,
    script: &'static str,
}

/// The figures of one kind.
#[derive(Serialize)]
struct Section {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    figures: Vec<Inline>,
}

#[derive(Serialize)]
struct Inline {
    name: String,
    /// What it is of, for a list of links: what stands before the colon of its title.
    of: String,
    caption: String,
    svg: String,
}

fn render(run: &Run) -> Result<Vec<Artifact>, ReportError> {
    let view = View::new(run);
    let page = Page {
        overview: overview(&view),
        tables: tables::all(&view),
        first: FIRST,
        figures: sections(draw_all(&view)?),
        style: include_str!("../templates/style.css"),
        script: include_str!("../templates/script.js"),
    };
    let text = fill("index.html", include_str!("../templates/index.html"), page)?;
    Ok(vec![Artifact::text("index.html", text)])
}

fn sections(drawn: Vec<Drawn>) -> Vec<Section> {
    let inline = |drawn: &Drawn| Inline {
        name: drawn.figure.name.clone(),
        of: drawn.figure.title.split(':').next().unwrap_or_default().to_owned(),
        caption: drawn.figure.caption.clone(),
        svg: drawn.svg.clone(),
    };
    let section = |kind: &crate::figures::Kind| Section {
        name: kind.name,
        title: kind.title,
        about: kind.about,
        figures: drawn.iter().filter(|drawn| drawn.kind.name == kind.name).map(inline).collect(),
    };
    FIGURES.iter().map(section).filter(|section| !section.figures.is_empty()).collect()
}
