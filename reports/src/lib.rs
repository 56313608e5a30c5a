//! Rows in, bytes out: tables, figures and pages.
//!
//! This crate opens no file, prints nothing, reads no clock and knows no program: the same rows give the same bytes, whether
//! they were made just now or years ago. Reading order: [`rows`] is the schema, [`files`] its form on disk.

pub mod columns;
pub mod files;
pub mod rows;
