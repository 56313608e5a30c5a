//! The end of a group: one row for each cell and for its preparation.

use adjudicate_ir::program::Ask;
use adjudicate_reports::rows::{Cell as CellRow, HANDWRITTEN, Key, PREPARE, Status, Valid};

use super::contestant::Trouble;
use super::entry::Entry;
use super::group::{Bench, Depth};
use super::kernels::Kernels;
use super::stages;
use super::stats::Summary;
use super::steadiness::steadiness;
use super::time::allocation;
use crate::exit::Failure;

impl Bench<'_> {
    /// Writes the row of every cell, and of its preparation.
    pub(super) fn sum_up(&mut self, entries: &[Entry], work: Option<u64>) -> Result<(), Failure> {
        for entry in entries {
            match &entry.runner {
                Ok(_) => {}
                Err(Trouble::Refused(_)) if self.settings.required.contains(&entry.key.strategy) => {
                    self.tally.broken += 1
                }
                Err(Trouble::Refused(_)) => self.tally.skipped += 1,
                // The zeros of null kernels may keep a loop from ending, which is no fault of a contestant.
                Err(Trouble::Timeout) if self.kernels == Kernels::Null => {}
                Err(Trouble::Failed(_) | Trouble::Timeout) => self.tally.broken += 1,
            }
            let row = self.cell_row(entry, entries, work);
            self.sink.cell(&row)?;
            if entry.cell.strategy.is_some() && self.depth == Depth::Time {
                let row = prepare_row(entry, &row);
                self.sink.cell(&row)?;
                self.stages(entry)?;
            }
        }
        Ok(())
    }

    /// Writes the time of each stage of a preparation that has a time.
    fn stages(&mut self, entry: &Entry) -> Result<(), Failure> {
        if entry.prepares.is_empty() {
            return Ok(());
        }
        let timed = if entry.stages.is_empty() { std::slice::from_ref(&entry.first) } else { &entry.stages };
        stages::rows(&entry.key, timed).iter().try_for_each(|row| self.sink.stage(row))
    }

    fn outcome(&self, entry: &Entry) -> (Status, Option<String>) {
        let skipped = |reason: &str| (Status::Skipped, Some(reason.to_owned()));
        let timing = self.depth == Depth::Time;
        match &entry.runner {
            Err(Trouble::Timeout) if self.kernels == Kernels::Null => {
                let why = "on null kernels, whose zeros may keep a loop from ending";
                (Status::Timeout, Some(format!("{}, {why}", Trouble::Timeout.reason())))
            }
            Err(trouble) => (status(trouble), Some(trouble.reason().to_owned())),
            Ok(_) if timing && entry.valid == Valid::Unchecked => skipped("there is nothing to check it against"),
            Ok(_) if timing && entry.is_sound() && entry.samples.is_empty() => {
                skipped("interrupted before it was timed")
            }
            Ok(_) => (Status::Ok, entry.invalid.clone().or_else(|| entry.control.clone()?.err())),
        }
    }

    fn cell_row(&self, entry: &Entry, entries: &[Entry], work: Option<u64>) -> CellRow {
        let mut row = CellRow { key: entry.key.clone(), valid: entry.valid, work, ..CellRow::default() };
        (row.status, row.reason) = self.outcome(entry);
        row.controlled = entry.control.as_ref().map(Result::is_ok);
        if row.status != Status::Ok && row.status != Status::Timeout {
            return row;
        }
        fill_times(&mut row, &entry.samples);
        fill_busy(&mut row, &entry.busy);
        let base = |ask: Ask, name: &str| {
            let of = |e: &&Entry| e.cell.ask == ask && e.cell.contestant() == name;
            let entry = entries.iter().find(of)?;
            Summary::of(&entry.samples)
        };
        let ratio_to = |base: Option<Summary>| Some(row.median_ns? / base?.median).filter(|r| r.is_finite());
        let to_value = ratio_to(base(Ask::Value, &entry.cell.contestant()));
        let to_handwritten = ratio_to(base(entry.cell.ask, HANDWRITTEN));
        (row.ratio_to_value, row.ratio_to_handwritten) = (to_value, to_handwritten);
        if let Some(counted) = &entry.counted {
            counted.fill(&mut row);
        }
        if self.kernels == Kernels::Null {
            row.own_ns_per_call =
                row.median_ns.zip(row.kernel_calls).filter(|(_, n)| *n > 0).map(|(ns, n)| ns / n as f64);
            let buffers = row.allocations.zip(row.bytes_allocated).filter(|_| row.median_ns.is_some());
            row.allocation_ns = buffers.map(|(n, bytes)| allocation(n, bytes, self.clock));
        }
        row
    }
}

fn status(trouble: &Trouble) -> Status {
    match trouble {
        Trouble::Refused(_) => Status::Refused,
        Trouble::Failed(_) => Status::Failed,
        Trouble::Timeout => Status::Timeout,
    }
}

/// The key of the preparation of a cell.
pub(super) fn prepare_key(key: &Key) -> Key {
    Key { function: format!("{PREPARE}{}", key.function), ..key.clone() }
}

/// The row of a cell's preparation: what became of the cell, and the times of preparing.
fn prepare_row(entry: &Entry, cell: &CellRow) -> CellRow {
    let mut row = CellRow {
        key: prepare_key(&entry.key),
        status: cell.status,
        valid: cell.valid,
        reason: cell.reason.clone(),
        work: cell.work,
        controlled: cell.controlled,
        ..CellRow::default()
    };
    fill_times(&mut row, &entry.prepares);
    fill_busy(&mut row, &entry.prepares_busy);
    row
}

/// Fills the median of the time on a core, if it is known of every sample and there is but one thread.
fn fill_busy(row: &mut CellRow, busy: &[f64]) {
    let known = row.samples == Some(busy.len() as u64) && row.key.threads == 1;
    row.median_busy_ns = Summary::of(busy).filter(|_| known).map(|summary| summary.median);
}

/// Fills the columns of times from the samples of a cell, in the order of their rounds.
pub fn fill_times(row: &mut CellRow, samples: &[f64]) {
    let Some(summary) = Summary::of(samples) else {
        return;
    };
    row.samples = Some(summary.samples as u64);
    row.median_ns = Some(summary.median);
    row.ci_low_ns = Some(summary.low);
    row.ci_high_ns = Some(summary.high);
    row.mad_ns = Some(summary.mad);
    row.min_ns = Some(summary.min);
    row.outliers = Some(summary.outliers as u64);
    (row.steadiness, row.rank_correlation) = steadiness(samples).unzip();
}
