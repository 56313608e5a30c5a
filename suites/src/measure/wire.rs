//! What a supervisor and its workers say to each other: JSON, one message a line.
//!
//! A worker reads one [`Job`] and then writes [`Message`]s. Each waits for an answer, `go` or `stop`, so that the
//! supervisor has kept a row before the next is made, and does nothing while the worker's clock runs.

use adjudicate_reports::rows::{Cell, Check, Count, Key, Sample, StageTime};
use serde::{Deserialize, Serialize};

use super::contestant::Trouble;
use super::group::{Depth, Tally};
use super::kernels::Kernels;
use super::plan::{Selection, Settings};

/// One group on one kind of kernels, to be measured by a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// What the plan was made from.
    pub selection: Selection,
    /// How to measure.
    pub settings: Settings,
    /// The suite of the group.
    pub suite: String,
    /// The size of the group.
    pub size: String,
    /// The kernels.
    pub kernels: Kernels,
    /// How far to go.
    pub depth: Depth,
    /// Which turn at the rounds to take, from 0. Only the last counts, prepares for the clock, and sums up.
    pub turn: usize,
    /// What is known already.
    pub given: Given,
}

/// What is known of a group before it is measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Given {
    /// Cells that took their worker with them, by function and strategy: they are not tried again.
    pub lost: Vec<(String, String, Trouble)>,
    /// Samples that an earlier worker took: they are not taken again.
    pub samples: Vec<Sample>,
}

impl Given {
    /// What is known to befall a cell that is tried.
    pub fn trouble(&self, function: &str, strategy: &str) -> Option<&Trouble> {
        self.lost.iter().find(|(f, s, _)| f == function && s == strategy).map(|(_, _, trouble)| trouble)
    }

    /// The time that samples of a cell took already, in nanoseconds.
    pub fn spent(&self, key: &Key) -> u64 {
        self.samples(key).map(|sample| sample.total_ns as u64).sum()
    }

    /// The samples of a cell that were taken already.
    pub fn samples(&self, key: &Key) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.key == *key)
    }
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// Work on a cell begins: whatever happens next is its doing.
    Doing(Key, String),
    /// A comparison was made.
    Check(Check),
    /// Something was counted.
    Count(Count),
    /// A sample was taken.
    Sample(Sample),
    /// The time of a stage of preparing was summed up.
    Stage(StageTime),
    /// A cell is done.
    Cell(Box<Cell>),
    /// The group is done.
    Done(Tally),
    /// The harness itself failed.
    Failed(String),
}

/// Go on.
pub const GO: &str = "go";
/// Stop after what is being done.
pub const STOP: &str = "stop";
