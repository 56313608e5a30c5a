//! The commands, one file each, and what they share: flags, output and progress.

pub mod calibrate;
pub mod check;
pub mod check_model;
pub mod claims;
pub mod compare;
pub mod eval;
pub mod explain;
pub mod flags;
pub mod history;
pub mod import;
pub mod list;
pub mod matrix;
pub mod merge;
pub mod output;
pub mod progress;
pub mod report;
pub mod run;
pub mod schema;
pub mod subject;
pub mod worker;
