//! The folder that a run leaves behind.
//!
//! A [`RunFolder`] holds `manifest.json` and the tables of rows. Each row is one write of one whole
//! line as it is made, so that whatever ends the run early, even a kill, costs at most the row in
//! progress; a write that fails is taken back before it is reported. Reports are rendered from the
//! files alone, by the crate that knows nothing of programs.

pub mod folder;
pub mod machine;
pub mod manifest;
pub mod noise;
pub mod recipe;
pub mod unfinished;

pub use folder::RunFolder;
