//! A group from start to end: prepare, check, count, time, sum up.

use std::time::Duration;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program};
use adjudicate_ir::value::Value;
use adjudicate_kernels::{gemm, threads};
use adjudicate_reports::rows::{Cell as CellRow, HANDWRITTEN, Key, PREPARE, Sample, Status, Valid};

use super::check::{self, Oracle, point::floats};
use super::clock::Clock;
use super::contestant::{Runner, Trouble, one_line, prepare};
use super::count::{Counted, count};
use super::plan::{Cell, Group, Plan, Settings};
use super::sink::{Sink, Stop};
use super::stats::Summary;
use super::time::{calibrate, nanos, sample_of};
use crate::exit::Failure;
use crate::random::Random;

/// How far to go with every group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Prepare and check.
    Check,
    /// Count and time, too.
    Time,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// What every part of measuring needs.
struct Bench<'r> {
    settings: &'r Settings,
    depth: Depth,
    clock: &'r dyn Clock,
    stop: &'r Stop,
    sink: &'r mut dyn Sink,
    tally: Tally,
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
    let mut bench = Bench {
        settings: &plan.settings,
        depth,
        clock,
        stop,
        sink,
        tally: Tally::default(),
    };
    for group in &plan.groups {
        if bench.stopped() {
            break;
        }
        bench.sink.group(group.suite.name, group.size.name)?;
        bench.group(group)?;
    }
    Ok(bench.tally)
}

/// A cell under way.
struct Entry {
    cell: Cell,
    key: Key,
    args: Vec<Value>,
    runner: Result<Runner, Trouble>,
    result: Vec<Value>,
    valid: Valid,
    /// What a failed check said.
    invalid: Option<String>,
    counted: Option<Counted>,
    iterations: u64,
    samples: Vec<f64>,
    prepares: Vec<f64>,
    /// Nanoseconds used so far.
    spent: u64,
}

impl Entry {
    /// Whether it may be counted and timed.
    fn is_sound(&self) -> bool {
        self.runner.is_ok() && self.valid == Valid::True
    }

    /// Runs something of the cell; trouble replaces the runner.
    fn attempt<R>(
        &mut self,
        f: impl FnOnce(&mut Runner, &[Value]) -> Result<R, Trouble>,
    ) -> Option<R> {
        let outcome = f(self.runner.as_mut().ok()?, &self.args);
        outcome.map_err(|trouble| self.runner = Err(trouble)).ok()
    }
}

impl Bench<'_> {
    fn stopped(&mut self) -> bool {
        self.tally.interrupted |= self.stop.requested();
        self.tally.interrupted
    }

    fn group(&mut self, group: &Group) -> Result<(), Failure> {
        let mut entries = self.prepare_all(group);
        let work = self.check_all(group, &mut entries)?;
        if self.depth == Depth::Time {
            self.count_all(&mut entries)?;
            self.time_prepares(group, &mut entries)?;
            self.time_all(group, &mut entries)?;
        }
        self.sum_up(&entries, work)
    }

    fn key(&self, group: &Group, cell: &Cell) -> Key {
        Key {
            suite: group.suite.name.to_owned(),
            size: group.size.name.to_owned(),
            function: cell.ask.name().to_owned(),
            strategy: cell.contestant().to_owned(),
            kernels: gemm::backend_name().to_owned(),
            threads: u32::try_from(self.settings.threads).unwrap_or(u32::MAX),
        }
    }

    fn prepare_all(&mut self, group: &Group) -> Vec<Entry> {
        let mut entries = Vec::new();
        for cell in &group.cells {
            if self.stopped() {
                break;
            }
            entries.push(self.prepare(group, cell));
        }
        entries
    }

    fn prepare(&mut self, group: &Group, cell: &Cell) -> Entry {
        let key = self.key(group, cell);
        self.sink.doing(&key, "prepare");
        let arguments = group
            .suite
            .arguments(cell.ask, group.size, self.settings.seed);
        let start = self.clock.nanos();
        let runner = prepare_from_text(group, cell, &arguments);
        let spent = self.clock.nanos() - start;
        let mut entry = Entry {
            cell: *cell,
            key,
            args: arguments.iter().flat_map(Datum::leaves).collect(),
            runner,
            result: Vec::new(),
            valid: Valid::Unchecked,
            invalid: None,
            counted: None,
            iterations: 1,
            samples: Vec::new(),
            prepares: vec![spent as f64],
            spent: 0,
        };
        self.spend(&mut entry, spent);
        entry
    }

    /// Books time to a cell; one that has used up its own is stopped.
    fn spend(&self, entry: &mut Entry, spent: u64) {
        entry.spent = entry.spent.saturating_add(spent);
        if entry.spent > nanos(self.settings.timeout) && entry.runner.is_ok() {
            entry.runner = Err(Trouble::Timeout);
        }
    }

    fn timed<R>(
        &self,
        entry: &mut Entry,
        f: impl FnOnce(&mut Runner, &[Value]) -> Result<R, Trouble>,
    ) -> Option<R> {
        let start = self.clock.nanos();
        let result = entry.attempt(f);
        self.spend(entry, self.clock.nanos() - start);
        result.filter(|_| entry.runner.is_ok())
    }

    /// Checks every cell and returns the floating-point operations of the value.
    fn check_all(&mut self, group: &Group, entries: &mut [Entry]) -> Result<Option<u64>, Failure> {
        for entry in entries.iter_mut() {
            self.sink.doing(&entry.key, "check");
            entry.result = self
                .timed(entry, |runner, args| runner.run(args))
                .unwrap_or_default();
        }
        let Some((oracle, work)) = self.oracle(group, entries) else {
            return Ok(None);
        };
        let baselines: Vec<(Ask, Vec<Value>)> = entries
            .iter()
            .filter(|e| e.cell.strategy.is_none() && e.runner.is_ok())
            .map(|e| (e.cell.ask, e.result.clone()))
            .collect();
        for entry in entries.iter_mut().filter(|e| e.runner.is_ok()) {
            let mut checks = match &oracle {
                Ok(oracle) => oracle.check(&entry.key, entry.cell.ask, &entry.result),
                Err(_) => Vec::new(),
            };
            let baseline = baselines.iter().find(|(ask, _)| *ask == entry.cell.ask);
            if let (Some((_, baseline)), true) = (baseline, entry.cell.strategy.is_some()) {
                checks.push(check::against_handwritten(
                    &entry.key,
                    &entry.result,
                    baseline,
                ));
            }
            self.record(entry, &checks)?;
        }
        self.cross_check(entries)?;
        Ok(work)
    }

    /// Compares the strategies that passed so far with each other.
    fn cross_check(&mut self, entries: &mut [Entry]) -> Result<(), Failure> {
        let comparable =
            |e: &&Entry| e.cell.strategy.is_some() && e.runner.is_ok() && e.valid != Valid::False;
        let references: Vec<(Cell, Vec<Value>)> = entries
            .iter()
            .filter(comparable)
            .map(|e| (e.cell, e.result.clone()))
            .collect();
        for entry in entries.iter_mut().filter(|e| e.runner.is_ok()) {
            let others = references.iter().filter(|(other, _)| {
                other.ask == entry.cell.ask && other.contestant() != entry.cell.contestant()
            });
            let checks: Vec<_> = others
                .filter(|_| entry.cell.strategy.is_some())
                .map(|(other, result)| {
                    check::against_strategy(
                        &entry.key,
                        other.ask,
                        &entry.result,
                        other.contestant(),
                        result,
                    )
                })
                .collect();
            self.record(entry, &checks)?;
            // The baseline's value has no independent oracle but the strategies that met it.
            if entry.valid == Valid::Unchecked && entry.cell.strategy.is_none() {
                let met = references
                    .iter()
                    .any(|(other, _)| other.ask == entry.cell.ask);
                entry.valid = if met { Valid::True } else { Valid::Unchecked };
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        entry: &mut Entry,
        checks: &[adjudicate_reports::rows::Check],
    ) -> Result<(), Failure> {
        for check in checks {
            self.sink.check(check)?;
            if check.passed {
                self.tally.passed += 1;
                if entry.valid == Valid::Unchecked {
                    entry.valid = Valid::True;
                }
            } else {
                self.tally.failed += 1;
                entry.valid = Valid::False;
                let error = check.largest_relative_error.or(check.remainder_order);
                let error = error.map_or_else(|| "no number".to_owned(), |e| format!("{e:.1e}"));
                entry
                    .invalid
                    .get_or_insert(format!("differs from {}: {error}", check.reference));
            }
        }
        Ok(())
    }

    /// What values alone say of the derivatives, and the work of one value. A strategy's value is
    /// taken, which is compared with the others' anyway. `None` if nothing can be evaluated.
    fn oracle(
        &mut self,
        group: &Group,
        entries: &mut [Entry],
    ) -> Option<(Result<Oracle, Trouble>, Option<u64>)> {
        let suite = group.suite;
        let arguments = suite.arguments(Ask::Value, group.size, self.settings.seed);
        let args: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
        let mut candidates: Vec<Cell> = entries
            .iter()
            .map(|e| Cell {
                ask: Ask::Value,
                strategy: e.cell.strategy,
            })
            .collect();
        candidates.push(Cell {
            ask: Ask::Value,
            strategy: None,
        });
        let mut runner = candidates.iter().find_map(|cell| {
            let mut runner = prepare_from_text(group, cell, &arguments).ok()?;
            runner.run(&args).ok().map(|_| runner)
        })?;
        let work = count(&mut runner, &args)
            .ok()
            .and_then(|c| c.total("flops"));
        let asked: Vec<Ask> = entries.iter().map(|e| e.cell.ask).collect();
        if asked.iter().all(|ask| *ask == Ask::Value) {
            return Some((
                Err(Trouble::Refused("no derivative is asked for".to_owned())),
                work,
            ));
        }
        let second = asked
            .iter()
            .any(|ask| matches!(ask, Ask::Hvp | Ask::Hessian));
        let vectors = suite
            .arguments(Ask::Hvp, group.size, self.settings.seed)
            .split_off(arguments.len());
        let mut objective = |args: &[Value]| {
            let result = runner.run(args)?;
            let value = result.first().and_then(|v| floats(v).first().copied());
            value.ok_or_else(|| Trouble::Failed("the value is not a float".to_owned()))
        };
        let random = Random::new(self.settings.seed, "directions");
        Some((
            Oracle::new(
                &arguments,
                suite.wrt,
                &vectors,
                second,
                random,
                &mut objective,
            ),
            work,
        ))
    }

    fn count_all(&mut self, entries: &mut [Entry]) -> Result<(), Failure> {
        for entry in entries.iter_mut().filter(|e| e.is_sound()) {
            self.sink.doing(&entry.key, "count");
            entry.counted = self.timed(entry, count);
            for row in entry.counted.iter().flat_map(|c| c.rows(&entry.key)) {
                self.sink.count(&row)?;
            }
        }
        Ok(())
    }

    /// Times preparing, from the text of the model to a runner. The first preparation of a cell is
    /// a sample only if there is no time for more.
    fn time_prepares(&mut self, group: &Group, entries: &mut [Entry]) -> Result<(), Failure> {
        let budget = nanos(self.settings.prepare_budget) as f64;
        let affordable =
            |first: f64| ((budget / first.max(1.0)) as usize).min(self.settings.prepares);
        let wanted: Vec<usize> = entries
            .iter()
            .map(|e| {
                if e.is_sound() && e.cell.strategy.is_some() {
                    affordable(e.prepares[0])
                } else {
                    0
                }
            })
            .collect();
        for (entry, &n) in entries.iter_mut().zip(&wanted) {
            if entry.is_sound() && entry.cell.strategy.is_some() && n < 2 {
                let row = prepare_sample(entry, 0, 0);
                self.sink.sample(&row)?;
            } else {
                entry.prepares.clear();
            }
        }
        let mut random = Random::new(self.settings.seed, "order of preparations");
        for round in 0..self.settings.prepares {
            let mut order: Vec<usize> = (0..entries.len())
                .filter(|&i| wanted[i] >= 2 && round < wanted[i])
                .collect();
            random.shuffle(&mut order);
            for (place, i) in order.into_iter().enumerate() {
                if self.stopped() {
                    return Ok(());
                }
                self.time_prepare(group, &mut entries[i], round, place)?;
            }
        }
        Ok(())
    }

    fn time_prepare(
        &mut self,
        group: &Group,
        entry: &mut Entry,
        round: usize,
        place: usize,
    ) -> Result<(), Failure> {
        self.sink.doing(&prepare_key(&entry.key), "time");
        let arguments = group
            .suite
            .arguments(entry.cell.ask, group.size, self.settings.seed);
        let start = self.clock.nanos();
        let runner = prepare_from_text(group, &entry.cell, &arguments);
        let spent = self.clock.nanos() - start;
        drop(runner);
        entry.prepares.push(spent as f64);
        self.spend(entry, spent);
        self.sink.sample(&prepare_sample(entry, round, place))
    }

    fn time_all(&mut self, group: &Group, entries: &mut [Entry]) -> Result<(), Failure> {
        let (sample, clock) = (self.settings.sample, self.clock);
        for entry in entries.iter_mut().filter(|e| e.is_sound()) {
            if self.stopped() {
                return Ok(());
            }
            self.sink.doing(&entry.key, "calibrate");
            let iterations =
                self.timed(entry, |runner, args| calibrate(runner, args, sample, clock));
            entry.iterations = iterations.unwrap_or(1);
        }
        let purpose = format!("order of samples {} {}", group.suite.name, group.size.name);
        let mut random = Random::new(self.settings.seed, &purpose);
        for round in 0..self.settings.warmup + self.settings.rounds {
            let mut order: Vec<usize> = (0..entries.len())
                .filter(|&i| entries[i].is_sound())
                .collect();
            random.shuffle(&mut order);
            for (place, i) in order.into_iter().enumerate() {
                if self.stopped() {
                    return Ok(());
                }
                self.sample(&mut entries[i], round, place)?;
            }
        }
        Ok(())
    }

    fn sample(&mut self, entry: &mut Entry, round: usize, place: usize) -> Result<(), Failure> {
        self.sink.doing(&entry.key, "time");
        let (iterations, clock) = (entry.iterations, self.clock);
        let taken = self.timed(entry, |runner, args| {
            sample_of(runner, args, iterations, clock)
        });
        let Some(total) = taken else { return Ok(()) };
        let warmup = round < self.settings.warmup;
        let row = sample_row(&entry.key, round, place, iterations, total as f64, warmup);
        if !warmup {
            entry.samples.push(row.ns_per_iteration);
        }
        self.sink.sample(&row)
    }

    /// Writes the row of every cell, and of its preparation.
    fn sum_up(&mut self, entries: &[Entry], work: Option<u64>) -> Result<(), Failure> {
        for entry in entries {
            match &entry.runner {
                Ok(_) => {}
                Err(Trouble::Refused(_)) => self.tally.skipped += 1,
                Err(Trouble::Failed(_) | Trouble::Timeout) => self.tally.broken += 1,
            }
            let row = self.cell_row(entry, entries, work);
            self.sink.cell(&row)?;
            if entry.cell.strategy.is_some() && self.depth == Depth::Time {
                let row = prepare_row(entry, &row);
                self.sink.cell(&row)?;
            }
        }
        Ok(())
    }

    fn cell_row(&self, entry: &Entry, entries: &[Entry], work: Option<u64>) -> CellRow {
        let mut row = CellRow {
            key: entry.key.clone(),
            valid: entry.valid,
            work,
            ..CellRow::default()
        };
        (row.status, row.reason) = match &entry.runner {
            Err(trouble) => (status(trouble), Some(trouble.reason().to_owned())),
            Ok(_) if self.depth == Depth::Time && entry.is_sound() && entry.samples.is_empty() => (
                Status::Skipped,
                Some("interrupted before it was timed".to_owned()),
            ),
            Ok(_) if self.depth == Depth::Time && entry.valid == Valid::Unchecked => (
                Status::Skipped,
                Some("there is nothing to check it against".to_owned()),
            ),
            Ok(_) => (Status::Ok, entry.invalid.clone()),
        };
        if row.status != Status::Ok && row.status != Status::Timeout {
            return row;
        }
        fill_times(&mut row, &entry.samples);
        let ratio_to = |other: Option<&Entry>| {
            let base = Summary::of(&other?.samples)?;
            Some(Summary::of(&entry.samples)?.median / base.median).filter(|r| r.is_finite())
        };
        let same =
            |e: &&Entry, ask: Ask, name: &str| e.cell.ask == ask && e.cell.contestant() == name;
        let value = entries
            .iter()
            .find(|e| same(e, Ask::Value, entry.cell.contestant()));
        let baseline = entries
            .iter()
            .find(|e| same(e, entry.cell.ask, HANDWRITTEN));
        row.ratio_to_value = ratio_to(value);
        row.ratio_to_handwritten = ratio_to(baseline);
        if let Some(counted) = &entry.counted {
            counted.fill(&mut row);
        }
        row
    }
}

/// Everything between the text of a model and a runner.
fn prepare_from_text(group: &Group, cell: &Cell, arguments: &[Datum]) -> Result<Runner, Trouble> {
    if cell.strategy.is_none() {
        let baseline = (group.suite.handwritten)(cell.ask, group.size);
        return baseline
            .map(Runner::Handwritten)
            .ok_or_else(|| Trouble::Refused("not written".to_owned()));
    }
    let program: Program = group
        .suite
        .program()
        .map_err(|e| Trouble::Failed(one_line(&e)))?;
    prepare(cell, &program, group.suite, group.size, arguments)
}

fn status(trouble: &Trouble) -> Status {
    match trouble {
        Trouble::Refused(_) => Status::Refused,
        Trouble::Failed(_) => Status::Failed,
        Trouble::Timeout => Status::Timeout,
    }
}

fn prepare_key(key: &Key) -> Key {
    Key {
        function: format!("{PREPARE}{}", key.function),
        ..key.clone()
    }
}

/// The row of a cell's preparation: what became of the cell, and the times of preparing.
fn prepare_row(entry: &Entry, cell: &CellRow) -> CellRow {
    let mut row = CellRow {
        key: prepare_key(&entry.key),
        ..cell.clone()
    };
    let blank = CellRow::default();
    row = CellRow {
        key: row.key,
        status: row.status,
        valid: row.valid,
        reason: row.reason,
        work: row.work,
        ..blank
    };
    fill_times(&mut row, &entry.prepares);
    row
}

fn fill_times(row: &mut CellRow, samples: &[f64]) {
    let Some(summary) = Summary::of(samples) else {
        return;
    };
    row.samples = Some(summary.samples as u64);
    row.median_ns = Some(summary.median);
    row.ci_low_ns = Some(summary.low);
    row.ci_high_ns = Some(summary.high);
    row.mad_ns = Some(summary.mad);
    row.min_ns = Some(summary.min);
}

fn prepare_sample(entry: &Entry, round: usize, place: usize) -> Sample {
    let total = entry.prepares.last().copied().unwrap_or_default();
    sample_row(&prepare_key(&entry.key), round, place, 1, total, false)
}

fn sample_row(
    key: &Key,
    round: usize,
    place: usize,
    iterations: u64,
    total: f64,
    warmup: bool,
) -> Sample {
    Sample {
        key: key.clone(),
        round: round as u32,
        order: place as u32,
        iterations,
        total_ns: total,
        ns_per_iteration: total / iterations as f64,
        warmup,
    }
}

/// The longest that anything may take, as a duration; for messages.
pub fn limit(settings: &Settings) -> Duration {
    settings.timeout
}
