//! The suites and the command line. One binary, so that everything is linked once.

mod browser;
mod check_model;
mod commands;
mod compare;
mod descent;
mod eval;
mod golden;
mod history;
mod import;
mod interruption;
mod json;
mod kept;
mod matrix;
mod models;
mod numpy;
mod parallel;
mod plan;
mod programs;
mod schemas;
mod scripts;
mod workspace;
