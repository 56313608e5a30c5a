//! Progress of a run on stderr: a bar on a terminal, one line per cell elsewhere.

use adjudicate_reports::rows::{Cell, Check, Count, Key, PREPARE, Sample, StageTime, Status, Valid};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{Output, Verbosity};
use crate::exit::Failure;
use crate::measure::{Plan, Sink};
use crate::runs::RunFolder;

/// Shows how far a run is, and keeps its rows if there is a folder.
pub struct Progress<'o> {
    output: &'o mut Output,
    bar: ProgressBar,
    folder: Option<RunFolder>,
    /// What failed, for the end.
    pub failures: Vec<String>,
    /// The strategies that must not refuse.
    required: Vec<String>,
}

impl<'o> Progress<'o> {
    /// Progress of a plan.
    pub fn new(plan: &Plan, output: &'o mut Output, folder: Option<RunFolder>) -> Self {
        let drawn = output.is_terminal() && output.verbosity == Verbosity::Normal;
        let target = if drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(plan.cells() as u64), target);
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed_precise} {wide_msg}");
        bar.set_style(style.expect("the template is well-formed"));
        Self { output, bar, folder, failures: Vec::new(), required: plan.settings.required.clone() }
    }

    fn say(&mut self, text: &str) {
        if self.bar.is_hidden() {
            self.output.remark(text);
        }
    }

    /// Comparisons along several directions may fail in the same words.
    fn fail(&mut self, text: String) {
        if !self.failures.contains(&text) {
            self.failures.push(text);
        }
    }

    fn keep(&mut self, f: impl FnOnce(&mut RunFolder) -> Result<(), Failure>) -> Result<(), Failure> {
        self.folder.as_mut().map_or(Ok(()), f)
    }
}

impl Sink for Progress<'_> {
    fn group(&mut self, suite: &str, size: &str) -> Result<(), Failure> {
        self.output.detail(&format!("{suite} {size}"));
        Ok(())
    }

    fn doing(&mut self, key: &Key, what: &str) {
        if !self.bar.is_hidden() {
            let Key { suite, size, function, strategy, .. } = key;
            self.bar.set_message(format!("{suite} {size} {function} {strategy}: {what}"));
        }
    }

    fn check(&mut self, row: &Check) -> Result<(), Failure> {
        let text = describe_check(row);
        if !row.passed {
            self.fail(text);
        } else {
            self.output.detail(&text);
        }
        self.keep(|folder| folder.checks.push(row))
    }

    fn count(&mut self, row: &Count) -> Result<(), Failure> {
        self.keep(|folder| folder.counts.push(row))
    }

    fn sample(&mut self, row: &Sample) -> Result<(), Failure> {
        self.keep(|folder| folder.samples.push(row))
    }

    fn stage(&mut self, row: &StageTime) -> Result<(), Failure> {
        self.keep(|folder| folder.stages.push(row))
    }

    fn cell(&mut self, row: &Cell) -> Result<(), Failure> {
        if !row.key.function.starts_with(PREPARE) {
            self.bar.inc(1);
            self.say(&describe_cell(row));
            if row.is_broken() || row.status == Status::Refused && self.required.contains(&row.key.strategy) {
                self.fail(describe_cell(row));
            }
        }
        self.keep(|folder| folder.cells.push(row))
    }
}

/// A comparison in a line.
pub fn describe_check(row: &Check) -> String {
    let measured = match (row.largest_relative_error, row.remainder_order) {
        (Some(error), _) => Some(format!("error {error:.1e}, tolerance {:.0e}", row.tolerance)),
        (None, Some(order)) => Some(format!("order {order:.2}, at least {}", row.tolerance)),
        (None, None) => None,
    };
    let found = match (measured, &row.reason) {
        (Some(measured), Some(reason)) => format!("{measured}; {reason}"),
        (Some(said), None) => said,
        (None, Some(reason)) => reason.clone(),
        (None, None) if row.passed => "nothing but rounding".to_owned(),
        (None, None) => "not a number".to_owned(),
    };
    let verdict = if row.passed { "passed" } else { "FAILED" };
    format!("{verdict}: {} against {}: {found}", row.key, row.reference)
}

fn describe_cell(row: &Cell) -> String {
    let Key { suite, size, function, strategy, .. } = &row.key;
    let name = format!("{suite} {size} {function} {strategy}");
    let reason = row.reason.as_deref().unwrap_or_default();
    match (row.status, row.median_ns) {
        (Status::Ok, _) if row.valid == Valid::False => format!("{name}: WRONG ({reason})"),
        (Status::Ok, _) if row.controlled == Some(false) => format!("{name}: NOT CONTROLLED ({reason})"),
        (Status::Ok, Some(median)) => format!("{name}: {}", human_time(median)),
        (Status::Ok, None) => format!("{name}: checked"),
        (status, _) => format!("{name}: {status} ({reason})"),
    }
}

/// A time for people: three digits and a unit.
pub fn human_time(nanos: f64) -> String {
    let (value, unit) = match nanos {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let times = [4.0, 43.21, 999.0, 1234.0, 56_789.0, 1.5e7, 2.345e9, 6e10].map(human_time);
        assert_eq!(times, ["4.00 ns", "43.2 ns", "999 ns", "1.23 us", "56.8 us", "15.0 ms", "2.35 s", "60.0 s"]);
    }
}
