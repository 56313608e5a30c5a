//! Rows in, bytes out: tables, figures and pages.
//!
//! This crate opens no file, prints nothing, reads no clock and knows no program: the same rows give the same bytes, whether
//! they were made just now or years ago.
//!
//! Reading order: [`rows`] is the schema and [`files`] its form on disk ([`criterion`] reads another tool's); [`run`] is what a report receives; [`mod@derive`] and
//! [`view`] compute everything that is not in a row, [`twins`] what a run says of its own noise; [`chart`] is a figure as data, [`figures`] makes them and [`draw`] turns
//! them into SVG and PNG; [`overview`] and [`tables`] are what pages say in words and numbers. [`mod@compare`] sets two runs side by
//! side, [`history`] and [`trends`] many. What remains is one file for each report, listed in [`REPORTS`].

pub mod rows;

pub mod columns;
pub mod criterion;
pub mod files;
pub mod run;
pub mod schema;

mod apart;
pub mod compare;
pub mod derive;
pub mod format;
pub mod history;
pub mod twins;
pub mod view;

pub mod chart;
pub mod draw;
pub mod figures;
pub mod look;

pub mod overview;
pub mod report;
pub mod tables;
pub mod trends;

mod csv;
mod html;
mod latex;
mod markdown;
mod pack;
mod png;
mod svg;
mod template;

pub use report::{Artifact, Material, Report, ReportError};
pub use run::Run;

/// Every report, in the order in which help lists them.
pub const REPORTS: &[Report] = &[html::REPORT, markdown::REPORT, csv::REPORT, latex::REPORT, svg::REPORT, png::REPORT];
