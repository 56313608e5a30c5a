//! Suites, measurement and the command line of adjudicate.
//!
//! The only crate that opens files, prints or reads a clock. In reading order:
//!
//! - [`suites`]: models in Python, their inputs from real [`data`] and baselines written by hand;
//! - [`measure`]: what is to be done, whether it is right, how much it does, how long it takes;
//! - [`claims`]: what the paper claims, checked by running;
//! - [`runs`]: the folder that a run leaves behind;
//! - [`json`]: arguments and results of `eval`;
//! - [`random`], [`digest`], [`guard`] and [`exit`]: seeded numbers, digests of texts, panics as values, how commands end;
//! - [`cmd`]: the commands, one file each, and everything that is printed.

pub mod claims;
pub mod cmd;
pub mod data;
pub mod digest;
pub mod exit;
pub mod guard;
pub mod json;
pub mod matrix;
pub mod measure;
pub mod random;
pub mod runs;
pub mod suites;
