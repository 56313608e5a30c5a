//! What a report is: a name and a pure function from a run to the files it makes.

use std::cell::OnceCell;

use crate::figures::{Drawn, draw_all};
use crate::run::Run;
use crate::tables::{self, Table};
use crate::view::View;

/// A kind of report, as listed in [`REPORTS`](crate::REPORTS).
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it makes, in a sentence.
    pub about: &'static str,
    /// Makes it. The same run gives the same bytes.
    pub render: fn(&Material) -> Result<Vec<Artifact>, ReportError>,
}

/// A run, and what several reports show of it, each made when it is first asked for.
#[derive(Debug)]
pub struct Material<'a> {
    /// The run, as reports look at it.
    pub view: View<'a>,
    tables: OnceCell<Vec<Table>>,
    figures: OnceCell<Result<Vec<Drawn>, ReportError>>,
}

impl<'a> Material<'a> {
    /// Material for reports of a run.
    #[must_use]
    pub fn new(run: &'a Run) -> Self {
        Material { view: View::new(run), tables: OnceCell::new(), figures: OnceCell::new() }
    }

    /// Every table that has a row.
    pub fn tables(&self) -> &[Table] {
        self.tables.get_or_init(|| tables::all(&self.view))
    }

    /// Every figure.
    ///
    /// # Errors
    /// The first figure that could not be drawn.
    pub fn figures(&self) -> Result<&[Drawn], ReportError> {
        self.figures.get_or_init(|| draw_all(&self.view)).as_deref().map_err(Clone::clone)
    }
}

/// A file that a report made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its path inside the run folder, with `/` between parts.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// A file of text.
    pub(crate) fn text(path: impl Into<String>, text: String) -> Self {
        Artifact { path: path.into(), bytes: text.into_bytes() }
    }
}

/// Why a report could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A figure could not be drawn.
    #[error("figure {figure}: {what}")]
    Draw {
        /// The figure's name.
        figure: String,
        /// What went wrong.
        what: String,
    },
    /// A template could not be filled in.
    #[error("template {template}: {what}")]
    Template {
        /// The template's name.
        template: String,
        /// What went wrong.
        what: String,
    },
}
