//! The report to open first: one HTML page that needs nothing but itself.
//!
//! Overview, verdicts and what went wrong come first, then the figures, then every number with the row of `cells.csv` it
//! came from. Tables sort by a click on a heading. The long ones are data that the page's script turns into rows, when
//! they are looked at; without a script the page has everything up to the figures, and says where the numbers are.

use serde::Serialize;

use crate::figures::{Drawn, FIGURES};
use crate::overview::{Overview, overview};
use crate::pack::packed;
use crate::report::{Artifact, Material, Report, ReportError};
use crate::tables::{Head, Table};
use crate::template::fill;

/// Listed in [`REPORTS`](crate::REPORTS).
pub(crate) const REPORT: Report = Report { name: "html", about: "index.html, one page that opens offline", render };

/// The tables that stand before the figures, and are there without a script.
const FIRST: [&str; 3] = ["verdicts", "problems", "claims"];

#[derive(Serialize)]
struct Page<'a> {
    overview: Overview,
    first: Vec<&'a Table>,
    rest: Vec<Packed<'a>>,
    figures: Vec<Section<'a>>,
    style: &'static str,
    script: &'static str,
}

/// A table whose rows are data for the script.
#[derive(Serialize)]
struct Packed<'a> {
    name: &'static str,
    title: &'static str,
    note: &'static str,
    reference: bool,
    columns: &'a [Head],
    length: usize,
    rows: String,
}

/// The figures of one kind.
#[derive(Serialize)]
struct Section<'a> {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    figures: Vec<Inline<'a>>,
}

#[derive(Serialize)]
struct Inline<'a> {
    name: &'a str,
    /// What it is of, for a list of links: what stands before the colon of its title.
    of: &'a str,
    caption: &'a str,
    svg: &'a str,
}

fn render(material: &Material) -> Result<Vec<Artifact>, ReportError> {
    let (first, rest): (Vec<&Table>, Vec<&Table>) =
        material.tables().iter().partition(|table| FIRST.contains(&table.name));
    let page = Page {
        overview: overview(&material.view),
        first,
        rest: rest.into_iter().map(pack).collect(),
        figures: sections(material.figures()?),
        style: include_str!("../templates/style.css"),
        script: include_str!("../templates/script.js"),
    };
    let text = fill("index.html", include_str!("../templates/index.html"), page)?;
    Ok(vec![Artifact::text("index.html", text)])
}

fn pack(table: &Table) -> Packed<'_> {
    let Table { name, title, note, reference, columns, rows } = table;
    Packed { name, title, note, reference: *reference, columns, length: rows.len(), rows: packed(table) }
}

fn sections(drawn: &[Drawn]) -> Vec<Section<'_>> {
    let section = |kind: &crate::figures::Kind| Section {
        name: kind.name,
        title: kind.title,
        about: kind.about,
        figures: drawn.iter().filter(|drawn| drawn.kind.name == kind.name).map(inline).collect(),
    };
    FIGURES.iter().map(section).filter(|section| !section.figures.is_empty()).collect()
}

fn inline(Drawn { figure, svg, .. }: &Drawn) -> Inline<'_> {
    Inline { name: &figure.name, of: figure.title.split(':').next().unwrap_or_default(), caption: &figure.caption, svg }
}
