//! `adjudicate eval`: any function of any model file, and its derivatives.

use std::time::{Duration, Instant};

use adjudicate_ir::datum::Datum;
use adjudicate_ir::frontend::render;
use adjudicate_ir::graph::{Node, Op};
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_strategies::{Prepared, RunError, Strategy};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::flags::seconds;
use super::output::Output;
use super::subject::{Subject, parse, prepare_failure, read_text};
use crate::exit::{Exit, Failure};
use crate::guard::within;
use crate::json::to_json;

/// Evaluate a function of a model file, or a derivative of it; prints JSON
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate eval model.py loss --args '[[1.0, 2.0], 3]' --derivative gradient
  adjudicate eval model.py loss --args @arguments.json --derivative hvp --strategy tape

Arguments are a JSON list with one item per argument: 3 is an int, 3.0 a float, nested lists are
an array, {\"tuple\": [...]} is a tuple, any other object a record with its keys as fields,
true and false are bools, \"text\" is a string and null is None; \"NaN\", \"Infinity\" and
\"-Infinity\" are floats. For jvp and hvp all arguments are given, and one vector for each argument
of --wrt follows; for vjp one cotangent follows, of the form of the result.

The answer has \"value\" (of the function), \"result\" (what was asked), \"timings_ns\" (of each
run) and \"prepare_ns\" (parse, specialise, transform, compile).")]
pub struct Eval {
    #[command(flatten)]
    subject: Subject,
    /// Run again until this much time has passed
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    min_seconds: Option<Duration>,
    /// Give up when this much time has passed (exit code 5)
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

/// What `eval` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// The value of the function, as arguments are written.
    value: serde_json::Value,
    /// What was asked.
    result: serde_json::Value,
    /// Time of each run, in nanoseconds.
    timings_ns: Vec<u64>,
    /// Time to parse, specialise, transform and compile, in nanoseconds.
    prepare_ns: u64,
}

impl Eval {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let Subject { function, derivative, strategy, .. } = &self.subject;
        let what = format!("{} of `{function}` by {strategy}", derivative.name());
        let (answer, nested) = match self.timeout {
            None => self.answer()?,
            Some(limit) => within(limit, move || self.answer()).unwrap_or_else(|| {
                let message = format!("{what} timed out after {} seconds", limit.as_secs_f64());
                Err(Failure { exit: Exit::Refused, message })
            })?,
        };
        output.result(&serde_json::to_string(&answer).expect("numbers and text can be written"))?;
        if nested {
            output.remark(
                "warning: the function contains derivatives, and finite differences of such are good to few digits",
            );
        }
        Ok(Exit::Ok)
    }

    /// The answer, and whether differences were taken of differences.
    fn answer(&self) -> Result<(Answer, bool), Failure> {
        let subject = &self.subject;
        let strategy = subject.strategy()?;
        let text = read_text(&subject.file)?;
        let arguments = subject.arguments()?;
        let start = Instant::now();
        let program = parse(&subject.file, &text, &subject.function)?;
        let request = subject.request(&program, &arguments)?;
        let mut prepared = strategy.prepare(&program, &request).map_err(|e| prepare_failure(e, strategy, &program))?;
        let prepare_ns = start.elapsed().as_nanos() as u64;

        let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
        let (result, timings) = self.repeat(prepared.as_mut(), &leaves, &program)?;
        let result = to_json(&prepared.output().build(&result));
        let value =
            if subject.derivative == Ask::Value { result.clone() } else { self.value(strategy, &program, &arguments)? };
        let nested = strategy.name() == "finite" && self.has_derivatives(&program, &arguments);
        Ok((Answer { value, result, timings_ns: timings, prepare_ns }, nested))
    }

    /// Whether the function itself takes derivatives.
    fn has_derivatives(&self, program: &Program, arguments: &[Datum]) -> bool {
        let own = &arguments[..arguments.len() - self.subject.vectors()];
        let module = program.specialise(&Request::new(&self.subject.function, Ask::Value, &[], 1, own));
        let is_derivative = |node: &Node| matches!(node.op, Op::Vjp(_));
        module.is_ok_and(|it| it.module.graphs.iter().any(|graph| graph.nodes.iter().any(is_derivative)))
    }

    /// Runs once, and again while there is time.
    fn repeat(
        &self,
        prepared: &mut dyn Prepared,
        leaves: &[Value],
        program: &Program,
    ) -> Result<(Vec<Value>, Vec<u64>), Failure> {
        let begin = Instant::now();
        let mut timings = Vec::new();
        loop {
            let start = Instant::now();
            let result = prepared.run(leaves);
            timings.push(start.elapsed().as_nanos() as u64);
            let result = result.map_err(|e| run_failure(&e, program))?;
            if self.min_seconds.is_none_or(|least| begin.elapsed() >= least) {
                return Ok((result, timings));
            }
        }
    }

    /// The value of the function itself.
    fn value(
        &self,
        strategy: &dyn Strategy,
        program: &Program,
        arguments: &[Datum],
    ) -> Result<serde_json::Value, Failure> {
        let own = &arguments[..arguments.len() - self.subject.vectors()];
        let request = Request::new(&self.subject.function, Ask::Value, &[], 1, own);
        let mut prepared = strategy.prepare(program, &request).map_err(|e| prepare_failure(e, strategy, program))?;
        let leaves: Vec<Value> = own.iter().flat_map(Datum::leaves).collect();
        let result = prepared.run(&leaves).map_err(|e| run_failure(&e, program))?;
        Ok(to_json(&prepared.output().build(&result)))
    }
}

fn run_failure(error: &RunError, program: &Program) -> Failure {
    Failure { exit: Exit::Wrong, message: render(&error.diagnostic, &program.sources).trim_end().to_owned() }
}
