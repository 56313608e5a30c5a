//! `adjudicate check FILE FUNCTION`: a function of any model file by every strategy.
//!
//! Values are compared between strategies; of a function whose result is a float, so are the gradient and a Hessian–vector
//! product, and both with differences of values. References and tolerances are those of `measure/check.rs`.

use std::collections::BTreeSet;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_reports::rows::{Check, Key};
use adjudicate_strategies::{PrepareError, Strategy};

use super::output::{Output, Verbosity};
use super::progress::describe_check;
use super::subject::{Subject, parse, prepare_failure, read_text};
use crate::exit::{Exit, Failure};
use crate::guard::{Watchdog, guarded};
use crate::measure::check::point::floats;
use crate::measure::check::{Oracle, against_strategy, no_oracle};
use crate::measure::contestant::{Runner, Trouble};
use crate::measure::group::Tally;
use crate::measure::plan::{Patterns, contestants, required};
use crate::measure::{Kernels, Selection, Settings};
use crate::random::Random;

/// What is asked of a function, its value first.
const ASKS: [Ask; 3] = [Ask::Value, Ask::Gradient, Ask::Hvp];

/// A function that is checked.
struct Bench<'a> {
    subject: &'a Subject,
    program: Program,
    strategies: Vec<&'static dyn Strategy>,
    /// The names of those that must not refuse.
    required: Vec<String>,
    tally: Tally,
    /// What failed so far.
    said: BTreeSet<String>,
    output: &'a mut Output,
    watchdog: Watchdog,
}

/// What a strategy makes of an ask.
struct Answer {
    key: Key,
    runner: Runner,
    result: Vec<Value>,
    /// Whether nothing speaks against it yet.
    is_sound: bool,
}

/// Checks what is selected of the function; `seed` is that of vectors and directions.
/// A step of it that takes longer than the limit ends the process.
pub fn check_model(
    subject: &Subject,
    selection: &Selection,
    settings: &Settings,
    output: &mut Output,
) -> Result<Tally, Failure> {
    let (seed, limit) = (settings.seed, settings.timeout);
    let watchdog = Watchdog::new(limit, move |step| {
        let limit = limit.as_secs_f64();
        let message = format!("error: {step} took longer than {limit} seconds; allow more with --timeout");
        Output::standard(Verbosity::Quiet).error(&message);
        Exit::Refused.code()
    });
    let program = parse(&subject.file, &read_text(&subject.file)?, &subject.function)?;
    let strategies = contestants(&selection.strategies)?;
    let required = required(&settings.required, strategies.iter().copied())?;
    let functions = Patterns::new("function", &selection.functions, &ASKS.map(Ask::name))?;
    let wanted = |ask: &Ask| functions.matches(ask.name());
    let own = subject.arguments()?;
    subject.request(&program, &own)?;
    let (tally, said) = (Tally::default(), BTreeSet::new());
    let mut bench = Bench { subject, program, strategies, required, tally, said, output, watchdog };
    let mut values = bench.answers(Ask::Value, &own)?;
    if wanted(&Ask::Value) {
        bench.compare(Ask::Value, &mut values);
    }
    let is_float = |answer: &&mut Answer| matches!(answer.result[..], [Value::F64(..)]);
    let Some(value) = values.iter_mut().find(is_float) else {
        if !values.is_empty() {
            bench.output.remark("the result is no single float, so only values are compared");
        }
        return Ok(bench.tally);
    };
    let mut random = Random::new(seed, "vectors");
    let vectors: Vec<Datum> = subject.wrt().iter().map(|&i| random.like(&own[i].layout())).collect();
    let watchdog = &bench.watchdog;
    let mut objective = |args: &[Value]| {
        watchdog.step(format!("the value of `{}` beside the given arguments", subject.function));
        let result = value.runner.run(args)?;
        result.first().and_then(|v| floats(v).first().copied()).ok_or_else(|| Trouble::Failed("no float".to_owned()))
    };
    let random = Random::new(seed, "directions");
    let oracle = Oracle::new(&own, subject.wrt(), &vectors, true, random, &mut objective);
    for ask in ASKS.into_iter().skip(1).filter(wanted) {
        let arguments = if ask == Ask::Hvp { [&own[..], &vectors].concat() } else { own.clone() };
        let mut answers = bench.answers(ask, &arguments)?;
        for answer in &mut answers {
            let checks = match &oracle {
                Ok(oracle) => oracle.check(&answer.key, ask, &answer.result),
                Err(trouble) => vec![no_oracle(&answer.key, trouble)],
            };
            if checks.is_empty() {
                bench.output.remark(&format!("{}: values near the arguments do not tell it", answer.key));
            }
            bench.record(answer, &checks);
        }
        bench.compare(ask, &mut answers);
    }
    Ok(bench.tally)
}

impl Bench<'_> {
    /// The answers of all strategies that have one.
    fn answers(&mut self, ask: Ask, arguments: &[Datum]) -> Result<Vec<Answer>, Failure> {
        let Subject { file, function, .. } = self.subject;
        let request = Request::new(function, ask, self.subject.wrt(), 1, arguments);
        let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
        let mut answers = Vec::new();
        for strategy in self.strategies.clone() {
            let key = Key {
                suite: file.display().to_string(),
                size: function.clone(),
                function: ask.name().to_owned(),
                strategy: strategy.name().to_owned(),
                kernels: Kernels::standard().name().to_owned(),
                threads: 1,
            };
            self.watchdog.step(key.to_string());
            let mut prepared = match guarded(|| strategy.prepare(&self.program, &request)) {
                Ok(Err(PrepareError::Refused(refusal))) => {
                    self.without(&key, &Trouble::Refused(refusal.to_string()));
                    continue;
                }
                Ok(Err(error)) => return Err(prepare_failure(error, strategy, &self.program)),
                Ok(Ok(prepared)) => prepared,
                Err(panic) => {
                    self.without(&key, &Trouble::Failed(panic));
                    continue;
                }
            };
            match guarded(|| prepared.run(&leaves)) {
                Ok(Ok(result)) => {
                    answers.push(Answer { key, runner: Runner::Prepared(prepared), result, is_sound: true });
                }
                // It depends on the arguments, and is no fault of the strategy.
                Ok(Err(error)) => {
                    self.tally.failed += 1;
                    self.say(&format!("failed: {key}: {error}"));
                }
                Err(panic) => self.without(&key, &Trouble::Failed(panic)),
            }
        }
        Ok(answers)
    }

    /// Says what failed; comparisons along several directions may fail in the same words.
    fn say(&mut self, text: &str) {
        if self.said.insert(text.to_owned()) {
            self.output.error(text);
        }
    }

    /// Takes note of a strategy that has no answer.
    fn without(&mut self, key: &Key, trouble: &Trouble) {
        let said = format!("{}: {key}: {}", trouble.status(), trouble.reason());
        match trouble {
            Trouble::Refused(_) if !self.required.contains(&key.strategy) => {
                self.tally.skipped += 1;
                self.output.remark(&said);
            }
            Trouble::Refused(_) | Trouble::Failed(_) | Trouble::Timeout => {
                self.tally.broken += 1;
                self.output.error(&said);
            }
        }
    }

    /// Compares sound answers with each other; one that nothing was compared with is skipped.
    fn compare(&mut self, ask: Ask, answers: &mut [Answer]) {
        let sound = answers.iter().filter(|answer| answer.is_sound);
        let references: Vec<(String, Vec<Value>)> =
            sound.map(|answer| (answer.key.strategy.clone(), answer.result.clone())).collect();
        for answer in answers {
            let others = references.iter().filter(|(name, _)| *name != answer.key.strategy);
            let against =
                |(name, other): &(String, Vec<Value>)| against_strategy(&answer.key, ask, &answer.result, name, other);
            let checks: Vec<Check> = others.map(against).collect();
            if checks.is_empty() && ask == Ask::Value {
                self.tally.skipped += 1;
            }
            self.record(answer, &checks);
        }
    }

    fn record(&mut self, answer: &mut Answer, checks: &[Check]) {
        for check in checks {
            if check.passed {
                self.tally.passed += 1;
                self.output.detail(&describe_check(check));
            } else {
                self.tally.failed += 1;
                answer.is_sound = false;
                self.say(&describe_check(check));
            }
        }
    }
}
