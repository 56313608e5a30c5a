//! `adjudicate worker`: what `run` and `check` start for each group; not for people.

use clap::Args;

use crate::exit::{Exit, Failure};
use crate::measure::worker::work;

/// Measure one group for a supervisor
#[derive(Args, Debug)]
#[command(hide = true)]
pub struct Worker {}

impl Worker {
    /// Carries the command out.
    pub fn run(self) -> Result<Exit, Failure> {
        work().map(|()| Exit::Ok)
    }
}
