//! The timing phase of a group: rounds that visit every sound cell in seeded random order, so that
//! whatever drifts hits all alike.

use adjudicate_ir::graph::Module;
use adjudicate_ir::value::Value;
use adjudicate_reports::rows::{Key, Sample};

use super::contestant::Runner;
use super::entry::{Entry, prepare_from_text};
use super::group::Bench;
use super::plan::Group;
use super::stages::lapped;
use super::summary::prepare_key;
use super::time::{Taken, calibrate, nanos, taken};
use crate::exit::Failure;
use crate::random::Random;

impl Bench<'_> {
    /// Times preparing, from the text of the model to a runner. The first preparation of a cell is
    /// a sample only if there is no time for more.
    pub(super) fn time_prepares(&mut self, group: &Group, entries: &mut [Entry]) -> Result<(), Failure> {
        let wanted: Vec<usize> = entries.iter().map(|e| self.prepares_wanted(e)).collect();
        for (entry, &n) in entries.iter_mut().zip(&wanted) {
            let known: Vec<&Sample> = self.given.samples(&prepare_key(&entry.key)).collect();
            if !known.is_empty() {
                entry.prepares = known.iter().map(|s| s.ns_per_iteration).collect();
                entry.prepares_busy = known.iter().filter_map(|s| s.busy_ns_per_iteration).collect();
            } else if n == 1 {
                let taken = Taken { total: entry.prepares.last().map_or(0, |ns| *ns as u64), busy: None };
                self.sink.sample(&prepare_sample(entry, 0, 0, taken))?;
            } else {
                entry.prepares.clear();
            }
        }
        let mut random = Random::new(self.settings.seed, "order of preparations");
        for round in 0..self.settings.prepares {
            let mut order: Vec<usize> = (0..entries.len()).filter(|&i| wanted[i] >= 2 && round < wanted[i]).collect();
            random.shuffle(&mut order);
            for (place, i) in order.into_iter().enumerate() {
                if self.stopped() {
                    return Ok(());
                }
                if !self.is_known(&prepare_key(&entries[i].key), round) {
                    self.time_prepare(group, &mut entries[i], round, place)?;
                }
            }
        }
        Ok(())
    }

    /// How many preparations of a cell to time.
    fn prepares_wanted(&self, entry: &Entry) -> usize {
        if !entry.is_sound() || entry.cell.strategy.is_none() {
            return 0;
        }
        let budget = nanos(self.settings.prepare_budget) as f64;
        let affordable = (budget / entry.prepares[0].max(1.0)) as usize;
        affordable.clamp(1, self.settings.prepares.max(1))
    }

    fn time_prepare(&mut self, group: &Group, entry: &mut Entry, round: usize, place: usize) -> Result<(), Failure> {
        self.sink.doing(&prepare_key(&entry.key), "time");
        let prepare = |watch: &mut dyn FnMut(&str, Option<&Module>)| {
            prepare_from_text(group, &entry.cell, &entry.arguments, watch)
        };
        let ((runner, laps), taken) = taken(self.clock, || lapped(self.clock, prepare));
        drop(runner);
        entry.stages.push(laps);
        entry.prepares.push(taken.total as f64);
        entry.prepares_busy.extend(taken.busy.map(|ns| ns as f64));
        self.spend(entry, taken.total);
        self.sink.sample(&prepare_sample(entry, round, place, taken))
    }

    /// Times every sound cell in interleaved rounds, up to the number of rounds given.
    pub(super) fn time_all(&mut self, group: &Group, entries: &mut [Entry], rounds: usize) -> Result<(), Failure> {
        let (sample, clock, kernels) = (self.settings.sample, self.clock, self.kernels);
        for entry in entries.iter_mut().filter(|e| e.is_sound()) {
            if self.stopped() {
                return Ok(());
            }
            self.sink.doing(&entry.key, "calibrate");
            let calibrate =
                |runner: &mut Runner, args: &[Value]| kernels.under(|| calibrate(runner, args, sample, clock));
            let known = self.given.samples(&entry.key).next().map(|sample| sample.iterations);
            let iterations = known.or_else(|| self.timed(entry, calibrate));
            entry.iterations = iterations.unwrap_or(1);
            let counted = || self.given.samples(&entry.key).filter(|sample| !sample.warmup);
            let (samples, busy): (Vec<f64>, Vec<Option<f64>>) =
                counted().map(|sample| (sample.ns_per_iteration, sample.busy_ns_per_iteration)).unzip();
            entry.samples.extend(samples);
            entry.busy.extend(busy.into_iter().flatten());
        }
        if (0..rounds).find(|&round| self.is_missing(entries, round)).is_some_and(|next| !self.settings.is_warmup(next))
        {
            self.warm_up(entries)?;
        }
        for round in 0..rounds {
            let purpose = format!("order of samples {} {} {round}", group.suite.name, group.size.name);
            let mut random = Random::new(self.settings.seed, &purpose);
            let mut order: Vec<usize> = (0..entries.len()).filter(|&i| entries[i].is_sound()).collect();
            random.shuffle(&mut order);
            for (place, i) in order.into_iter().enumerate() {
                if self.stopped() {
                    return Ok(());
                }
                if !self.is_known(&entries[i].key, round) {
                    self.sample(&mut entries[i], round, place)?;
                }
            }
        }
        Ok(())
    }

    /// Runs every sound cell once, for a process that takes up a turn in its middle.
    fn warm_up(&mut self, entries: &mut [Entry]) -> Result<(), Failure> {
        let kernels = self.kernels;
        for entry in entries.iter_mut().filter(|e| e.is_sound()) {
            self.sink.doing(&entry.key, "time");
            let iterations = entry.iterations;
            self.timed(entry, |runner: &mut Runner, args: &[Value]| kernels.under(|| runner.repeat(args, iterations)));
        }
        Ok(())
    }

    /// Whether a sound cell has no sample of a round yet.
    fn is_missing(&self, entries: &[Entry], round: usize) -> bool {
        entries.iter().any(|entry| entry.is_sound() && !self.is_known(&entry.key, round))
    }

    /// Whether an earlier worker took the sample of this round.
    fn is_known(&self, key: &Key, round: usize) -> bool {
        self.given.samples(key).any(|sample| sample.round as usize == round)
    }

    fn sample(&mut self, entry: &mut Entry, round: usize, place: usize) -> Result<(), Failure> {
        self.sink.doing(&entry.key, "time");
        let (iterations, clock, kernels) = (entry.iterations, self.clock, self.kernels);
        let (injection, name) = (&self.settings.inject, entry.cell.contestant());
        let sample = |runner: &mut Runner, args: &[Value]| {
            if iterations > 1 {
                kernels.under(|| runner.repeat(args, 1))?;
            }
            let (ran, taken) = kernels.under(|| taken(clock, || runner.repeat(args, iterations)));
            ran?;
            Ok(injection.as_ref().map_or(taken, |injection| injection.prolong(&name, taken, clock)))
        };
        let taken = self.timed(entry, sample);
        let Some(taken) = taken else { return Ok(()) };
        let warmup = self.settings.is_warmup(round);
        let row = sample_row(&entry.key, (round, place), iterations, taken, warmup);
        if !warmup {
            entry.samples.push(row.ns_per_iteration);
            entry.busy.extend(row.busy_ns_per_iteration);
        }
        self.sink.sample(&row)
    }
}

fn prepare_sample(entry: &Entry, round: usize, place: usize, taken: Taken) -> Sample {
    sample_row(&prepare_key(&entry.key), (round, place), 1, taken, false)
}

fn sample_row(key: &Key, (round, place): (usize, usize), iterations: u64, taken: Taken, warmup: bool) -> Sample {
    let each = |ns: u64| ns as f64 / iterations as f64;
    Sample {
        key: key.clone(),
        round: round as u32,
        order: place as u32,
        iterations,
        total_ns: taken.total as f64,
        ns_per_iteration: each(taken.total),
        warmup,
        busy_ns_per_iteration: taken.busy.map(each),
    }
}
