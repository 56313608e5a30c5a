//! The figures of a run, one file each, in the order in which a reader meets them.

mod accuracy;
mod break_even;
mod by_size;
mod capability;
mod forest;
mod handwritten;
mod memory;
mod overhead;
mod passes;
mod preparation;
mod profile;
mod ratio;
mod time;
mod whereabouts;

use crate::chart::Figure;
use crate::draw;
use crate::report::ReportError;
use crate::view::View;

/// A kind of figure.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What its files' names begin with.
    pub name: &'static str,
    /// Heading over all figures of this kind.
    pub title: &'static str,
    /// How to read them, in a sentence or two.
    pub about: &'static str,
    /// Makes them: none where the run has nothing to show.
    pub make: fn(&View) -> Vec<Figure>,
}

/// Every kind, in the order of the page.
pub const FIGURES: &[Kind] = &[
    forest::KIND,
    profile::KIND,
    time::KIND,
    ratio::KIND,
    handwritten::KIND,
    whereabouts::KIND,
    overhead::KIND,
    memory::KIND,
    preparation::KIND,
    break_even::KIND,
    passes::KIND,
    accuracy::KIND,
    capability::KIND,
];

/// A figure as an SVG document.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Which kind it is of.
    pub kind: Kind,
    /// The figure.
    pub figure: Figure,
    /// The document.
    pub svg: String,
}

/// Draws every figure of a run, each with the run's id and command in small print.
///
/// # Errors
/// The first figure that could not be drawn.
pub fn draw_all(view: &View) -> Result<Vec<Drawn>, ReportError> {
    let manifest = &view.run.manifest;
    let print = format!("run {} · {}", manifest.run_id, manifest.command);
    let figures = FIGURES.iter().flat_map(|kind| (kind.make)(view).into_iter().map(move |figure| (kind, figure)));
    figures.map(|(kind, figure)| Ok(Drawn { kind: *kind, svg: draw::svg(&figure, &print)?, figure })).collect()
}

/// A name that is safe as part of a file's: letters, digits and `-`.
pub(crate) fn file_name(kind: &str, name: &str) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }
    };
    format!("{kind}-{}", name.chars().map(safe).collect::<String>())
}
