//! A group from start to end: prepare, check, count, time, sum up.

use std::sync::Arc;

use adjudicate_ir::graph::Module;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::threads;
use adjudicate_strategies::Strategy;
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::contestant::{Runner, Trouble};
use super::count::count;
use super::entry::{Entry, key, prepare_from_text};
use super::kernels::Kernels;
use super::plan::{Cell, Group, Plan, Settings};
use super::sink::{Sink, Stop};
use super::stages::lapped;
use super::summary::prepare_key;
use super::time::nanos;
use super::wire::Given;
use crate::exit::Failure;

/// How far to go with every group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Depth {
    /// Prepare and check.
    Check,
    /// Count, too.
    Count,
    /// Time, too.
    Time,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Comparisons that passed.
    pub passed: usize,
    /// Comparisons that failed.
    pub failed: usize,
    /// Cells that were refused.
    pub skipped: usize,
    /// Cells that failed or timed out.
    pub broken: usize,
    /// Whether it was told to stop before its end.
    pub interrupted: bool,
}

impl Tally {
    /// Adds what came of a part of the run.
    pub fn add(&mut self, part: &Tally) {
        self.passed += part.passed;
        self.failed += part.failed;
        self.skipped += part.skipped;
        self.broken += part.broken;
        self.interrupted |= part.interrupted;
    }
}

/// What every part of measuring needs.
pub(super) struct Bench<'r> {
    pub(super) settings: &'r Settings,
    pub(super) given: &'r Given,
    pub(super) kernels: Kernels,
    pub(super) depth: Depth,
    turn: Option<usize>,
    pub(super) clock: &'r dyn Clock,
    stop: &'r Stop,
    pub(super) sink: &'r mut dyn Sink,
    pub(super) tally: Tally,
}

/// Carries out a plan.
pub fn measure(
    plan: &Plan,
    depth: Depth,
    clock: &dyn Clock,
    stop: &Stop,
    sink: &mut dyn Sink,
) -> Result<Tally, Failure> {
    threads::set_threads(plan.settings.threads);
    let (settings, given, turn, tally) = (&plan.settings, &plan.given, plan.turn, Tally::default());
    let mut bench = Bench { settings, given, kernels: Kernels::standard(), depth, turn, clock, stop, sink, tally };
    for &kernels in &settings.kernels {
        kernels.choose();
        bench.kernels = kernels;
        for group in &plan.groups {
            if bench.stopped() {
                break;
            }
            bench.sink.group(group.suite.name, group.size.name)?;
            bench.group(group)?;
        }
    }
    Ok(bench.tally)
}

impl Bench<'_> {
    /// Whether to stop now.
    pub(super) fn stopped(&mut self) -> bool {
        self.tally.interrupted |= self.stop.requested();
        self.tally.interrupted
    }

    fn group(&mut self, group: &Group) -> Result<(), Failure> {
        let mut entries = self.prepare_all(group);
        let work = self.check_all(group, &mut entries)?;
        self.control_all(group, &mut entries);
        let rounds = self.turn.map_or(self.settings.rounds_in_all(), |turn| self.settings.end_of_turn(turn));
        let is_last = self.depth < Depth::Time || rounds == self.settings.rounds_in_all();
        if is_last && self.depth >= Depth::Count {
            self.count_all(group, &mut entries)?;
        }
        if is_last && self.depth == Depth::Time {
            self.time_prepares(group, &mut entries)?;
        }
        if self.depth == Depth::Time {
            self.time_all(group, &mut entries, rounds)?;
        }
        // The rows of an earlier turn than the last are read only for what went wrong.
        self.sum_up(&entries, work)
    }

    fn prepare_all(&mut self, group: &Group) -> Vec<Entry> {
        let mut entries = Vec::new();
        for cell in &group.cells {
            if self.stopped() {
                break;
            }
            let entry = self.prepare(group, cell);
            let refused = cell.strategy.is_some() && matches!(entry.runner, Err(Trouble::Refused(_)));
            entries.push(entry);
            if refused && group.suite.is_restructured() {
                entries.push(self.prepare(group, &Cell { restructured: true, ..*cell }));
            }
        }
        entries
    }

    fn prepare(&mut self, group: &Group, cell: &Cell) -> Entry {
        let mut entry = Entry::new(group, cell, self.settings, self.kernels);
        if let Some(trouble) = self.given.trouble(cell.ask.name(), &cell.contestant()) {
            entry.runner = Err(trouble.clone());
            return entry;
        }
        self.sink.doing(&entry.key, "prepare");
        entry.spent = self.given.spent(&entry.key) + self.given.spent(&prepare_key(&entry.key));
        let start = self.clock.nanos();
        let (runner, laps) = lapped(self.clock, |watch| prepare_from_text(group, cell, &entry.arguments, watch));
        let spent = self.clock.nanos() - start;
        entry.runner = runner;
        entry.first = laps;
        entry.prepares.push(spent as f64);
        self.spend(&mut entry, spent);
        entry
    }

    /// Says that the value of a strategy is about to be computed for its own sake, which is as good as a cell of it;
    /// not if that is known to end badly.
    pub(super) fn may_evaluate(&mut self, group: &Group, strategy: Option<&'static dyn Strategy>) -> bool {
        let cell = Cell::new(Ask::Value, strategy);
        if self.given.trouble(cell.ask.name(), &cell.contestant()).is_some() {
            return false;
        }
        self.sink.doing(&key(group, &cell, self.settings, self.kernels), "evaluate");
        true
    }

    /// Books time to a cell; one that has used up its own is stopped.
    pub(super) fn spend(&self, entry: &mut Entry, spent: u64) {
        entry.spent = entry.spent.saturating_add(spent);
        if entry.spent > nanos(self.settings.timeout) && entry.runner.is_ok() {
            entry.runner = Err(Trouble::Timeout);
        }
    }

    /// Runs something of a cell and books its time.
    pub(super) fn timed<R>(
        &self,
        entry: &mut Entry,
        f: impl FnOnce(&mut Runner, &[Value]) -> Result<R, Trouble>,
    ) -> Option<R> {
        let start = self.clock.nanos();
        let injection = self.settings.inject.as_ref().filter(|_| entry.runner.is_ok());
        injection.into_iter().for_each(|injection| injection.strike(&entry.cell.contestant()));
        let result = entry.attempt(f);
        self.spend(entry, self.clock.nanos() - start);
        result.filter(|_| entry.runner.is_ok())
    }

    fn count_all(&mut self, group: &Group, entries: &mut [Entry]) -> Result<(), Failure> {
        for entry in entries.iter_mut().filter(|e| e.is_sound()) {
            self.sink.doing(&entry.key, "count");
            let (cell, arguments) = (entry.cell, entry.arguments.clone());
            let make =
                |watch: &mut dyn FnMut(&str, Option<&Module>)| prepare_from_text(group, &cell, &arguments, watch);
            let kernels = self.kernels;
            entry.counted = self.timed(entry, |_, args| count(make, args, kernels));
            let key = Arc::new(entry.key.clone());
            for row in entry.counted.iter().flat_map(|c| c.rows(&key)) {
                self.sink.count(&row)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use adjudicate_reports::rows::{Cell as CellRow, Check, Count, Key, PREPARE, Sample, StageTime, Status};

    use super::super::clock::SystemClock;
    use super::super::plan::{Profile, Selection};
    use super::*;

    /// Keeps what a process says, and has it stop after some samples.
    #[derive(Default)]
    struct Said {
        samples: Vec<Sample>,
        cells: Vec<CellRow>,
        counts: usize,
        stop: Stop,
        most: Option<usize>,
    }

    impl Sink for Said {
        fn group(&mut self, _suite: &str, _size: &str) -> Result<(), Failure> {
            Ok(())
        }

        fn doing(&mut self, _key: &Key, _what: &str) {}

        fn check(&mut self, _row: &Check) -> Result<(), Failure> {
            Ok(())
        }

        fn count(&mut self, _row: &Count) -> Result<(), Failure> {
            self.counts += 1;
            Ok(())
        }

        fn sample(&mut self, row: &Sample) -> Result<(), Failure> {
            self.samples.push(row.clone());
            if self.most == Some(self.samples.len()) {
                self.stop.request();
            }
            Ok(())
        }

        fn stage(&mut self, _row: &StageTime) -> Result<(), Failure> {
            Ok(())
        }

        fn cell(&mut self, row: &CellRow) -> Result<(), Failure> {
            self.cells.push(row.clone());
            Ok(())
        }
    }

    /// A turn of a small group in two turns of three rounds, with samples from before it.
    fn turn(turn: usize, samples: &[Sample], most: Option<usize>) -> Said {
        let one = |name: &str| vec![name.to_owned()];
        let (suites, sizes, functions) = (one("cube"), one("scalar"), one("gradient"));
        let selection = Selection { suites, sizes, functions, strategies: Vec::new() };
        let sample = Duration::from_micros(100);
        let settings = Settings { rounds: 6, processes: 2, sample, ..Profile::Quick.settings() };
        let mut plan = Plan::new(&selection, settings).unwrap();
        plan.turn = Some(turn);
        plan.given.samples = samples.to_vec();
        let mut said = Said { most, ..Said::default() };
        let stop = said.stop.clone();
        measure(&plan, Depth::Time, &SystemClock::start(), &stop, &mut said).unwrap();
        said
    }

    fn rounds(samples: &[Sample]) -> Vec<(u32, bool)> {
        let timed = samples.iter().filter(|sample| !sample.key.function.starts_with(PREPARE));
        let mut rounds: Vec<(u32, bool)> = timed.map(|sample| (sample.round, sample.warmup)).collect();
        rounds.dedup();
        rounds
    }

    #[test]
    fn a_turn_takes_its_rounds_and_the_last_sums_up() {
        let first = turn(0, &[], None);
        assert_eq!(rounds(&first.samples), [(0, true), (1, false), (2, false), (3, false)]);
        assert_eq!(first.counts, 0);
        let last = turn(1, &first.samples, None);
        assert_eq!(rounds(&last.samples), [(4, true), (5, false), (6, false), (7, false)]);
        assert!(last.counts > 0 && !last.cells.is_empty());
        let timed = last.cells.iter().filter(|cell| !cell.key.function.starts_with(PREPARE));
        assert!(timed.clone().all(|cell| cell.samples == Some(6)), "{:?}", last.cells);
    }

    #[test]
    fn a_cell_has_the_digest_of_its_program_if_that_is_known() {
        let last = turn(1, &turn(0, &[], None).samples, None);
        let mut timed = last.cells.iter().filter(|cell| !cell.key.function.starts_with(PREPARE));
        let mut program =
            |strategy: &str| timed.find(|cell| cell.key.strategy == strategy).expect("a cell").program.clone();
        let [tape, dataflow, closure] = ["tape", "dataflow", "closure"].map(&mut program);
        assert!(tape.is_none() && dataflow.is_some() && dataflow == closure, "{tape:?} {dataflow:?} {closure:?}");
    }

    #[test]
    fn a_turn_that_is_stopped_sums_up_what_there_is() {
        let stopped = turn(0, &[], Some(6));
        assert!(stopped.samples.len() == 6 && !stopped.cells.is_empty());
    }

    #[test]
    fn the_time_that_a_cell_may_take_is_shared_by_its_turns() {
        let first = turn(0, &[], None);
        let mut samples = first.samples;
        samples.iter_mut().filter(|row| row.key.strategy == "tape").for_each(|row| row.total_ns = 1e11);
        let last = turn(1, &samples, None);
        for cell in &last.cells {
            let expected = if cell.key.strategy == "tape" { Status::Timeout } else { Status::Ok };
            assert_eq!(cell.status, expected, "{}", cell.key);
        }
    }
}
