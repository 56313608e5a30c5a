//! `adjudicate calibrate`: how far two measurements of the same thing differ on this machine, and whether a slowdown
//! that was put in is found.

use std::path::PathBuf;

use adjudicate_reports::Run;
use adjudicate_reports::compare::{Again, Comparison, Differences, Judgement, Scope, compare};
use adjudicate_reports::rows::{Cell, Check, Count, Key, Manifest, Sample, StageTime};
use adjudicate_reports::view::distinct;
use clap::Args;

use super::flags::{Measuring, Selecting, plan};
use super::output::Output;
use super::run::stop_on_interrupt;
use crate::exit::{Exit, Failure};
use crate::measure::group::Depth;
use crate::measure::inject::Injection;
use crate::measure::wire::Given;
use crate::measure::{Plan, Sink, Stop, supervise};
use crate::runs::folder::write_file;
use crate::runs::noise::{NOISE, Noise};

/// Fewer cells have no 95th percentile to speak of.
const FEW: usize = 40;

/// Measure the same thing twice: the noise floor, which later runs keep in their manifest
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate calibrate --profile quick
  adjudicate calibrate --suite hessian --self-test tape=1.1")]
pub struct Calibrate {
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    measuring: Measuring,
    /// Slow a strategy down by a factor besides, which comparing must find, and nothing else
    #[arg(long, value_name = "STRATEGY=FACTOR", value_parser = Injection::parse)]
    self_test: Option<Injection>,
    /// Where to keep the noise floor
    #[arg(long, value_name = "FILE", default_value = NOISE)]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Calibrate {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plan = plan(self.selecting, &self.measuring)?;
        let stop = stop_on_interrupt()?;
        let [one, two] = [pass(&plan, &stop)?, pass(&plan, &stop)?];
        let Some(noise) = noise(&[(&one, &two)], &plan) else {
            return Err(Failure { exit: Exit::Incomparable, message: "no cell was measured twice".to_owned() });
        };
        let text = serde_json::to_string_pretty(&noise).expect("numbers and text can be written") + "\n";
        write_file(&self.out, text.as_bytes())?;
        let Noise { noise_floor, typical, cells, uncorrected_floor, uncorrected_typical, .. } = &noise;
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let uncorrected = uncorrected_floor.zip(*uncorrected_typical).map_or_else(String::new, |(floor, typical)| {
            format!("; of times that nothing corrects {}, median {}", percent(floor), percent(typical))
        });
        output.result(&match self.json {
            true => text.trim_end().to_owned(),
            false => format!(
                "noise floor {} (95th percentile of {cells} cells; median {}){uncorrected}",
                percent(*noise_floor),
                percent(*typical)
            ),
        })?;
        if *cells < FEW {
            output.remark(&format!(
                "{cells} cells say little of the noise, and runs from now on take theirs from {}: calibrate on all suites",
                self.out.display()
            ));
        }
        let Some(injection) = self.self_test else { return Ok(Exit::Ok) };
        self_test(plan, [one, two], &injection, &stop, output)
    }
}

/// Compares the same with the same, and with the same made slower, each with a second pass of both. What is noise is taken from
/// all pairs of runs of the same but the first, which is judged: a machine may be quiet in one pair and not in another.
fn self_test(
    mut plan: Plan,
    [mut one, two]: [Run; 2],
    injection: &Injection,
    stop: &Stop,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let slowed = |plan: &mut Plan| {
        plan.settings.inject = Some(injection.clone());
        let run = pass(plan, stop);
        plan.settings.inject = None;
        run
    };
    let slow = slowed(&mut plan)?;
    let [three, four] = [pass(&plan, stop)?, pass(&plan, stop)?];
    let slow_again = slowed(&mut plan)?;
    let pairs = [(&one, &three), (&one, &four), (&two, &three), (&two, &four), (&three, &four)];
    if let Some(noise) = noise(&pairs, &plan) {
        noise.enter(&mut one.manifest);
    }
    let scope = Scope { times: true };
    let same = compare(&one, &two, Some(Again { base: Some(&three), new: &four }), scope);
    let slower = compare(&one, &slow, Some(Again { base: Some(&three), new: &slow_again }), scope);
    judge(injection, &same, &slower, output)
}

/// Whether nothing was found where nothing was put in, and something where it was.
fn judge(injection: &Injection, same: &Comparison, slower: &Comparison, output: &mut Output) -> Result<Exit, Failure> {
    let regressions = |found: &Comparison| found.of(Judgement::Regression).cloned().collect::<Vec<_>>();
    let is_its = |of: &str| of.split_whitespace().any(|word| word == injection.strategy());
    let (its, others): (Vec<_>, Vec<_>) = regressions(slower).into_iter().partition(|change| is_its(&change.of));
    let false_alarms = regressions(same).len() + others.len();
    for change in regressions(same).iter().chain(&others) {
        output.result(&format!("false alarm: {}: {} became {}", change.of, change.base, change.new))?;
    }
    let found = if its.is_empty() { "missed" } else { "found" };
    output.result(&format!(
        "the slowdown of {} was {found}, in {} places; {false_alarms} false alarms",
        injection.strategy(),
        its.len(),
    ))?;
    Ok(if its.is_empty() || false_alarms > 0 { Exit::Incomparable } else { Exit::Ok })
}

/// Measures a plan; the rows are kept in memory.
fn pass(plan: &Plan, stop: &Stop) -> Result<Run, Failure> {
    let mut rows = Rows::default();
    let tally = supervise(plan, Depth::Time, |_, _| Some(Given::default()), stop, &mut rows)?;
    if tally.interrupted {
        return Err(Failure { exit: Exit::Interrupted, message: "interrupted".to_owned() });
    }
    rows.0.manifest = Manifest { seed: plan.settings.seed, ..Manifest::default() };
    Ok(rows.0)
}

/// The noise between the runs of these pairs, taken together.
fn noise(pairs: &[(&Run, &Run)], plan: &Plan) -> Option<Noise> {
    let mut found = Differences::default();
    for (one, two) in pairs {
        let Differences { corrected, uncorrected } = Differences::between(one, two);
        found.corrected.extend(corrected);
        found.uncorrected.extend(uncorrected);
    }
    let suites = distinct(plan.groups.iter().map(|group| group.suite.name)).into_iter().map(str::to_owned).collect();
    Noise::of(found, plan.settings.profile.name(), suites)
}

/// Keeps rows in memory.
#[derive(Default)]
struct Rows(Run);

impl Sink for Rows {
    fn group(&mut self, _suite: &str, _size: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn doing(&mut self, _key: &Key, _what: &str) {}

    fn check(&mut self, row: &Check) -> Result<(), Failure> {
        self.0.checks.push(row.clone());
        Ok(())
    }

    fn count(&mut self, row: &Count) -> Result<(), Failure> {
        self.0.counts.push(row.clone());
        Ok(())
    }

    fn sample(&mut self, row: &Sample) -> Result<(), Failure> {
        self.0.samples.push(row.clone());
        Ok(())
    }

    fn stage(&mut self, row: &StageTime) -> Result<(), Failure> {
        self.0.stages.push(row.clone());
        Ok(())
    }

    fn cell(&mut self, row: &Cell) -> Result<(), Failure> {
        self.0.cells.push(row.clone());
        Ok(())
    }
}
