//! What `eval`, `explain` and `check` of a model file are about: a function of a model file, arguments and a derivative.

use std::fs;
use std::path::PathBuf;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::frontend::render;
use adjudicate_ir::program::{Ask, Program, ProgramError, Request};
use adjudicate_strategies::{PrepareError, STRATEGIES, Strategy};
use clap::Args;

use crate::exit::{Exit, Failure};
use crate::json::{self, JsonError};
use crate::measure::plan::unknown;

/// A function of a model file, and what is asked of it.
#[derive(Args, Debug)]
pub struct Subject {
    /// The model file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The function
    #[arg(value_name = "FUNCTION")]
    pub function: String,
    /// The arguments as JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE", allow_hyphen_values = true)]
    args: String,
    /// What to compute
    #[arg(long, value_name = "KIND", default_value = "value", value_parser = ask)]
    pub derivative: Ask,
    /// Positions of the arguments to differentiate with respect to, from 0
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0", value_parser = position)]
    #[arg(allow_hyphen_values = true)]
    wrt: Vec<usize>,
    /// How often to differentiate (gradient only)
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub order: u32,
    /// The strategy
    #[arg(long, value_name = "NAME", default_value = "closure")]
    pub strategy: String,
}

/// An ask by its name.
pub fn ask(name: &str) -> Result<Ask, String> {
    Ask::ALL.iter().copied().find(|a| a.name() == name).ok_or_else(|| {
        let names: Vec<&str> = Ask::ALL.iter().map(|a| a.name()).collect();
        unknown("derivative", name, &names).message
    })
}

/// A position of an argument.
pub fn position(text: &str) -> Result<usize, String> {
    let text = text.trim();
    text.parse().map_err(|_| match text.parse::<i64>() {
        Ok(_) => "positions of arguments are counted from 0, from the front".to_owned(),
        Err(_) => "a position of an argument is a number: 0 is the first".to_owned(),
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

impl Subject {
    /// The gradient of a function.
    pub fn gradient(file: PathBuf, function: String, args: String, wrt: Vec<usize>) -> Self {
        let strategy = String::new();
        Self { file, function, args, derivative: Ask::Gradient, wrt, order: 1, strategy }
    }

    /// Positions of the arguments to differentiate with respect to.
    pub fn wrt(&self) -> &[usize] {
        &self.wrt
    }

    /// The strategy, after checking that the options fit each other.
    pub fn strategy(&self) -> Result<&'static dyn Strategy, Failure> {
        let strategy = strategy(&self.strategy)?;
        if self.order != 1 && self.derivative != Ask::Gradient {
            return Err(Failure::usage("--order is for --derivative gradient alone"));
        }
        Ok(strategy)
    }

    /// The arguments, vectors of products included.
    pub fn arguments(&self) -> Result<Vec<Datum>, Failure> {
        let (text, source) = match self.args.strip_prefix('@') {
            Some(path) => (read_text(&PathBuf::from(path))?, path),
            None => (self.args.clone(), "--args"),
        };
        json::arguments(&text).map_err(|error| {
            let form = match error {
                JsonError::Syntax(_) => "; what is wanted is a list of the arguments, such as '[[1.0, 2.0], 3]'",
                JsonError::Shape { .. } => "",
            };
            Failure::usage(format!("{source}: {error}{form}"))
        })
    }

    /// How many of the arguments are vectors of a product.
    pub fn vectors(&self) -> usize {
        match self.derivative {
            Ask::Jvp | Ask::Hvp => self.wrt.len(),
            Ask::Vjp => 1,
            Ask::Value | Ask::Gradient | Ask::ValueAndGradient | Ask::Jacobian | Ask::Hessian => 0,
        }
    }

    /// How many of the items of `--args` are arguments of the function itself. With vectors behind
    /// them all must be there, defaults too: one left out would make a vector of an argument.
    fn own_arguments(&self, program: &Program, given: usize) -> Result<usize, Failure> {
        let vectors = self.vectors();
        let parameters = program.positional_parameters(&self.function);
        let own = given.checked_sub(vectors);
        match (own, parameters) {
            (Some(own), _) if vectors == 0 => Ok(own),
            (Some(own), Some(parameters)) if own == parameters => Ok(own),
            (Some(own), None) => Ok(own),
            (_, parameters) => Err(Failure::usage(format!(
                "{} needs {} after the {}of `{}`, but --args has {}",
                self.derivative.name(),
                count(vectors, if self.derivative == Ask::Vjp { "cotangent" } else { "vector" }),
                parameters.map_or("arguments ".to_owned(), |n| count(n, "argument") + " "),
                self.function,
                count(given, "item"),
            ))),
        }
    }

    /// The request at these arguments.
    pub fn request(&self, program: &Program, arguments: &[Datum]) -> Result<Request, Failure> {
        let own = self.own_arguments(program, arguments.len())?;
        if self.derivative != Ask::Value {
            if let Some(wrong) = self.wrt.iter().find(|&&i| i >= own) {
                let there = match own {
                    1 => "is 1 argument".to_owned(),
                    _ => format!("are {own} arguments"),
                };
                return Err(Failure::usage(format!("--wrt {wrong}: there {there}, counted from 0")));
            }
            if let Some(twice) = (1..self.wrt.len()).find(|&i| self.wrt[..i].contains(&self.wrt[i])) {
                return Err(Failure::usage(format!("--wrt names argument {} twice", self.wrt[twice])));
            }
        }
        Ok(Request::new(&self.function, self.derivative, &self.wrt, self.order as usize, arguments))
    }
}

/// A count and what is counted.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Parses a model file that must have a function.
pub fn parse(file: &std::path::Path, text: &str, function: &str) -> Result<Program, Failure> {
    let wrong = |e: ProgramError| Failure::usage(e.to_string().trim_end().to_owned());
    let program = Program::parse(&file.display().to_string(), text).map_err(wrong)?;
    program.check(function).map_err(wrong)?;
    let functions = program.functions();
    if !functions.contains(&function) {
        return Err(unknown("function", function, &functions));
    }
    Ok(program)
}

/// What went wrong in preparing, rendered with an excerpt of the source.
pub fn prepare_failure(error: PrepareError, strategy: &dyn Strategy, program: &Program) -> Failure {
    match error {
        PrepareError::Program(error) => Failure::usage(error.to_string().trim_end().to_owned()),
        PrepareError::Refused(refusal) => Failure {
            exit: Exit::Refused,
            message: format!(
                "refused: {} cannot express this\n{}",
                strategy.name(),
                render(&refusal.diagnostic, &program.sources).trim_end()
            ),
        },
    }
}
