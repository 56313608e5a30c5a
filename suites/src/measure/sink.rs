//! Where rows go as they are made, and how a run is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use adjudicate_reports::rows::{Cell, Check, Count, Key, Sample, StageTime};

use crate::exit::Failure;

/// Takes rows as they are made. A failure ends the run.
pub trait Sink {
    /// Work on a group begins.
    fn group(&mut self, suite: &str, size: &str) -> Result<(), Failure>;
    /// Work on a cell begins: what is done to it.
    fn doing(&mut self, key: &Key, what: &str);
    /// A comparison was made.
    fn check(&mut self, row: &Check) -> Result<(), Failure>;
    /// Something was counted.
    fn count(&mut self, row: &Count) -> Result<(), Failure>;
    /// A sample was taken.
    fn sample(&mut self, row: &Sample) -> Result<(), Failure>;
    /// The time of a stage of preparing was summed up.
    fn stage(&mut self, row: &StageTime) -> Result<(), Failure>;
    /// A cell is done.
    fn cell(&mut self, row: &Cell) -> Result<(), Failure>;
}

/// A request to stop, made by Ctrl-C and seen after the current sample.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether stopping was asked for.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
