//! The check phase of a group: every result against the oracle, the baseline and the other
//! strategies.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::counts;
use adjudicate_reports::rows::{Check, Valid};
use adjudicate_strategies::Strategy;

use super::check::point::floats;
use super::check::{Oracle, against_handwritten, against_strategy, no_oracle};
use super::contestant::{Runner, Trouble};
use super::entry::{Entry, prepare_from_text};
use super::group::Bench;
use super::plan::{Cell, Group};
use crate::exit::Failure;
use crate::random::Random;

impl Bench<'_> {
    /// Checks every cell. Returns the floating-point operations of one value, the measure of the
    /// size.
    pub(super) fn check_all(&mut self, group: &Group, entries: &mut [Entry]) -> Result<Option<u64>, Failure> {
        for entry in entries.iter_mut() {
            self.sink.doing(&entry.key, "check");
            entry.result = self.timed(entry, |runner, args| runner.run(args)).unwrap_or_default();
        }
        let Some(mut value) = Evaluation::new(self, group, entries) else {
            return Ok(None);
        };
        let work = value.work();
        let oracle = value.oracle(self, group, entries);
        self.check_alone(&oracle, entries)?;
        self.check_together(entries)?;
        Ok(work)
    }

    /// Compares every result with the oracle and the baseline.
    fn check_alone(&mut self, oracle: &Result<Option<Oracle>, Trouble>, entries: &mut [Entry]) -> Result<(), Failure> {
        let baselines = results(entries, |e| e.cell.strategy.is_none());
        for entry in entries.iter_mut().filter(|e| e.runner.is_ok()) {
            let ask = entry.cell.ask;
            let mut checks = match oracle {
                Ok(Some(oracle)) => oracle.check(&entry.key, ask, &entry.result),
                Ok(None) => Vec::new(),
                Err(trouble) => vec![no_oracle(&entry.key, trouble)],
            };
            if entry.cell.strategy.is_some() {
                let baseline = baselines.iter().find(|(other, _)| other.ask == ask);
                let check = baseline.map(|(_, b)| against_handwritten(&entry.key, &entry.result, b));
                checks.extend(check);
            }
            self.record(entry, &checks)?;
        }
        Ok(())
    }

    /// Compares the strategies that passed so far with each other.
    fn check_together(&mut self, entries: &mut [Entry]) -> Result<(), Failure> {
        let references = results(entries, |e| e.cell.strategy.is_some() && e.valid != Valid::False);
        for entry in entries.iter_mut().filter(|e| e.runner.is_ok()) {
            let alike = references.iter().filter(|(other, _)| other.ask == entry.cell.ask);
            if entry.cell.strategy.is_none() {
                // The baseline's value has no oracle but the strategies, which were compared with it.
                if entry.valid == Valid::Unchecked && alike.count() > 0 {
                    entry.valid = Valid::True;
                }
                continue;
            }
            let others = alike.filter(|(other, _)| other.contestant() != entry.cell.contestant());
            let checks: Vec<Check> = others
                .map(|(other, result)| {
                    against_strategy(&entry.key, other.ask, &entry.result, &other.contestant(), result)
                })
                .collect();
            self.record(entry, &checks)?;
        }
        Ok(())
    }

    fn record(&mut self, entry: &mut Entry, checks: &[Check]) -> Result<(), Failure> {
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
                entry.invalid.get_or_insert(failure(check));
            }
        }
        Ok(())
    }
}

/// What a failed check says in the row of its cell.
fn failure(check: &Check) -> String {
    let found = match (&check.reason, check.largest_relative_error, check.remainder_order) {
        (_, Some(error), _) => format!("relative error {error:.1e}"),
        (_, None, Some(order)) => format!("remainder of order {order:.2}"),
        (Some(reason), None, None) => return reason.clone(),
        (None, None, None) => "not a number, or of another shape".to_owned(),
    };
    let reason = check.reason.as_ref().map_or(String::new(), |reason| format!("; {reason}"));
    format!("differs from {}: {found}{reason}", check.reference)
}

/// Results of the cells that have one and are wanted.
fn results(entries: &[Entry], wanted: impl Fn(&Entry) -> bool) -> Vec<(Cell, Vec<Value>)> {
    let wanted = entries.iter().filter(|e| e.runner.is_ok() && wanted(e));
    wanted.map(|e| (e.cell, e.result.clone())).collect()
}

/// A value that can be evaluated anywhere. A strategy's is taken, which is compared with those of
/// the others anyway, or else the baseline's.
struct Evaluation {
    runner: Runner,
    strategy: Option<&'static dyn Strategy>,
    arguments: Vec<Datum>,
    args: Vec<Value>,
}

impl Evaluation {
    /// `None` if nobody can evaluate the value.
    fn new(bench: &mut Bench, group: &Group, entries: &[Entry]) -> Option<Self> {
        let arguments = group.suite.arguments(Ask::Value, group.size, bench.settings.seed);
        let args: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
        let strategies = entries.iter().map(|e| e.cell.strategy).chain([None]);
        let mut strategies = strategies.into_iter();
        let (runner, strategy) = strategies.find_map(|strategy| {
            if !bench.may_evaluate(group, strategy) {
                return None;
            }
            let cell = Cell::new(Ask::Value, strategy);
            let mut runner = prepare_from_text(group, &cell, &arguments, &mut |_, _| {}).ok()?;
            runner.run(&args).ok().map(|_| (runner, strategy))
        })?;
        Some(Self { runner, strategy, arguments, args })
    }

    /// Floating-point operations of one evaluation.
    fn work(&mut self) -> Option<u64> {
        let (result, counts) = counts::measure(|| self.runner.run(&self.args));
        result.ok().map(|_| counts.flops)
    }

    /// What values say of the derivatives; `None` if no derivative is asked for.
    fn oracle(&mut self, bench: &mut Bench, group: &Group, entries: &[Entry]) -> Result<Option<Oracle>, Trouble> {
        let seed = bench.settings.seed;
        let asked = |wanted: fn(Ask) -> bool| entries.iter().any(|e| wanted(e.cell.ask));
        if !asked(|ask| ask != Ask::Value) {
            return Ok(None);
        }
        let second = asked(|ask| matches!(ask, Ask::Hvp | Ask::Hessian));
        let vectors = group.suite.arguments(Ask::Hvp, group.size, seed).split_off(self.arguments.len());
        let (runner, strategy) = (&mut self.runner, self.strategy);
        let mut objective = |args: &[Value]| {
            bench.may_evaluate(group, strategy);
            let result = runner.run(args)?;
            let value = result.first().and_then(|v| floats(v).first().copied());
            value.ok_or_else(|| Trouble::Failed("the value is not a float".to_owned()))
        };
        let random = Random::new(seed, "directions");
        let wrt = group.suite.wrt;
        Oracle::new(&self.arguments, wrt, &vectors, second, random, &mut objective).map(Some)
    }
}
