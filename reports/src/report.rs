//! What a report is: a name and a pure function from a run to the files it makes.

use crate::run::Run;

/// A kind of report, as listed in [`REPORTS`](crate::REPORTS).
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it makes, in a sentence.
    pub about: &'static str,
    /// Makes it. The same run gives the same bytes.
    pub render: fn(&Run) -> Result<Vec<Artifact>, ReportError>,
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
