//! `adjudicate eval`: any function of any model file, and its derivatives.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use adjudicate_ir::datum::Datum;
use adjudicate_ir::frontend::render;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_strategies::{PrepareError, Prepared, RunError, STRATEGIES, Strategy};
use clap::Args;
use serde_json::json;

use super::flags::seconds;
use super::output::Output;
use crate::exit::{Exit, Failure};
use crate::json::{self, to_json};
use crate::measure::plan::unknown;

/// Evaluate a function of a model file, or a derivative of it; prints JSON
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate eval model.py loss --args '[[1.0, 2.0], 3]' --derivative gradient
  adjudicate eval model.py loss --args @arguments.json --derivative hvp --strategy tape

Arguments are a JSON list with one item per argument: 3 is an int, 3.0 a float, nested lists are
an array, {\"tuple\": [...]} is a tuple, any other object a record with its keys as fields,
true and false are bools, \"text\" is a string and null is None; \"NaN\", \"Infinity\" and
\"-Infinity\" are floats. For jvp and hvp one vector for each argument of --wrt follows.

The answer has \"value\" (of the function), \"result\" (what was asked), \"timings_ns\" (of each
run) and \"prepare_ns\" (parse, specialise, transform, compile).")]
pub struct Eval {
    /// The model file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The function
    #[arg(value_name = "FUNCTION")]
    function: String,
    /// The arguments as JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE", allow_hyphen_values = true)]
    args: String,
    /// What to compute
    #[arg(long, value_name = "KIND", default_value = "value", value_parser = ask)]
    derivative: Ask,
    /// Positions of the arguments to differentiate with respect to, from 0
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0")]
    wrt: Vec<usize>,
    /// How often to differentiate (gradient only)
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    order: u32,
    /// The strategy
    #[arg(long, value_name = "NAME", default_value = "closure")]
    strategy: String,
    /// Run again until this much time has passed
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    min_seconds: Option<Duration>,
}

/// An ask by its name.
pub fn ask(name: &str) -> Result<Ask, String> {
    Ask::ALL.iter().copied().find(|a| a.name() == name).ok_or_else(|| {
        let names: Vec<&str> = Ask::ALL.iter().map(|a| a.name()).collect();
        unknown("derivative", name, &names).message
    })
}

/// A strategy by its name.
pub fn strategy(name: &str) -> Result<&'static dyn Strategy, Failure> {
    adjudicate_strategies::find(name).ok_or_else(|| {
        let names: Vec<&str> = STRATEGIES.iter().map(|s| s.name()).collect();
        unknown("strategy", name, &names)
    })
}

/// Reads a file of the user's as text.
pub fn read_text(path: &PathBuf) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))?;
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Failure::usage(format!("cannot read {}: byte {at} is not UTF-8", path.display()))
    })
}

impl Eval {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let strategy = strategy(&self.strategy)?;
        if self.order != 1 && self.derivative != Ask::Gradient {
            return Err(Failure::usage("--order is for --derivative gradient alone"));
        }
        let text = read_text(&self.file)?;
        let arguments = self.arguments()?;
        let start = Instant::now();
        let program = parse(&self.file, &text, &self.function)?;
        let request = self.request(&arguments)?;
        let mut prepared = prepare(strategy, &program, &request)?;
        let prepare_ns = start.elapsed().as_nanos() as u64;

        let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
        let (result, timings) = self.repeat(prepared.as_mut(), &leaves, &program)?;
        let result = to_json(&prepared.output().build(&result));
        let value =
            if self.derivative == Ask::Value { result.clone() } else { self.value(strategy, &program, &arguments)? };
        let answer = json!({ "value": value, "result": result, "timings_ns": timings, "prepare_ns": prepare_ns });
        output.result(&answer.to_string())?;
        Ok(Exit::Ok)
    }

    fn arguments(&self) -> Result<Vec<Datum>, Failure> {
        let (text, source) = match self.args.strip_prefix('@') {
            Some(path) => (read_text(&PathBuf::from(path))?, path),
            None => (self.args.clone(), "--args"),
        };
        json::arguments(&text).map_err(|e| Failure::usage(format!("{source}: {e}")))
    }

    /// How many of the arguments are vectors of a product.
    fn vectors(&self) -> usize {
        match self.derivative {
            Ask::Jvp | Ask::Hvp => self.wrt.len(),
            Ask::Value | Ask::Gradient | Ask::ValueAndGradient | Ask::Jacobian | Ask::Hessian => 0,
        }
    }

    fn request(&self, arguments: &[Datum]) -> Result<Request, Failure> {
        let Some(own) = arguments.len().checked_sub(self.vectors()) else {
            return Err(Failure::usage(format!(
                "--args has {} items, but {} takes {} vectors after the arguments",
                arguments.len(),
                self.derivative.name(),
                self.vectors()
            )));
        };
        if self.derivative != Ask::Value {
            if let Some(wrong) = self.wrt.iter().find(|&&i| i >= own) {
                return Err(Failure::usage(format!("--wrt {wrong}: there are {own} arguments, counted from 0")));
            }
            if let Some(twice) = (1..self.wrt.len()).find(|&i| self.wrt[..i].contains(&self.wrt[i])) {
                return Err(Failure::usage(format!("--wrt names argument {} twice", self.wrt[twice])));
            }
        }
        Ok(Request::new(&self.function, self.derivative, &self.wrt, self.order as usize, arguments))
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
        let own = &arguments[..arguments.len() - self.vectors()];
        let request = Request::new(&self.function, Ask::Value, &[], 1, own);
        let mut prepared = prepare(strategy, program, &request)?;
        let leaves: Vec<Value> = own.iter().flat_map(Datum::leaves).collect();
        let result = prepared.run(&leaves).map_err(|e| run_failure(&e, program))?;
        Ok(to_json(&prepared.output().build(&result)))
    }
}

/// Parses a model file that must have a function.
pub fn parse(file: &std::path::Path, text: &str, function: &str) -> Result<Program, Failure> {
    let program = Program::parse(&file.display().to_string(), text)
        .map_err(|e| Failure::usage(e.to_string().trim_end().to_owned()))?;
    let functions = program.functions();
    if !functions.contains(&function) {
        return Err(unknown("function", function, &functions));
    }
    Ok(program)
}

/// Prepares a request; what goes wrong is rendered with an excerpt of the source.
pub fn prepare(strategy: &dyn Strategy, program: &Program, request: &Request) -> Result<Box<dyn Prepared>, Failure> {
    strategy.prepare(program, request).map_err(|error| match error {
        PrepareError::Program(error) => Failure::usage(error.to_string().trim_end().to_owned()),
        PrepareError::Refused(refusal) => Failure {
            exit: Exit::Refused,
            message: format!(
                "refused: {} cannot express this\n{}",
                strategy.name(),
                render(&refusal.diagnostic, &program.sources).trim_end()
            ),
        },
    })
}

fn run_failure(error: &RunError, program: &Program) -> Failure {
    Failure { exit: Exit::Wrong, message: render(&error.diagnostic, &program.sources).trim_end().to_owned() }
}
