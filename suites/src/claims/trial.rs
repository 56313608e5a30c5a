//! A function of the claims' model file, run by a strategy.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::Module;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_kernels::counts;
use adjudicate_strategies::{Facts, PrepareError, Strategy, Watch, find};

use super::SOURCE;
use crate::json;
use crate::measure::contestant::one_line;

/// What is run: a function, what is asked of it, and arguments as JSON.
#[derive(Clone, Copy)]
pub(super) struct Trial {
    pub(super) function: &'static str,
    pub(super) ask: Ask,
    pub(super) order: usize,
    pub(super) wrt: &'static [usize],
    pub(super) args: &'static str,
}

/// What came of it.
pub(super) struct Ran {
    /// The floats of the result.
    pub(super) numbers: Vec<f64>,
    pub(super) facts: Facts,
    /// Products of matrices computed.
    pub(super) products: u64,
}

impl Trial {
    /// The gradient of a function by its first argument.
    pub(super) const fn gradient(function: &'static str, args: &'static str) -> Self {
        Self { function, ask: Ask::Gradient, order: 1, wrt: &[0], args }
    }

    /// The derivative of an order.
    pub(super) const fn order(self, order: usize) -> Self {
        Self { order, ..self }
    }

    fn request(&self) -> Result<(Program, Vec<Datum>, Request), String> {
        let program = Program::parse("claims.py", SOURCE).map_err(|e| one_line(&e))?;
        let args = json::arguments(self.args).map_err(|e| e.to_string())?;
        let request = Request::new(self.function, self.ask, self.wrt, self.order, &args);
        Ok((program, args, request))
    }

    /// Prepares and runs it.
    pub(super) fn run(&self, strategy: &str) -> Result<Ran, String> {
        let (program, args, request) = self.request()?;
        let mut prepared = by_name(strategy).prepare(&program, &request).map_err(|e| reason(&e))?;
        let leaves: Vec<Value> = args.iter().flat_map(Datum::leaves).collect();
        let (result, counts) = counts::measure(|| prepared.run(&leaves));
        let result = result.map_err(|e| e.to_string())?;
        let numbers = result.iter().flat_map(crate::measure::check::point::floats).copied().collect();
        let products = counts.calls_by_kind().filter(|(kind, _)| kind.contains("gemm")).map(|(_, n)| n).sum();
        Ok(Ran { numbers, facts: prepared.facts(), products })
    }

    /// Why a strategy refuses it.
    pub(super) fn refusal(&self, strategy: &str) -> Result<String, String> {
        let (program, _, request) = self.request()?;
        match by_name(strategy).prepare(&program, &request) {
            Err(error @ PrepareError::Refused(_)) => Ok(reason(&error)),
            Err(error) => Err(reason(&error)),
            Ok(_) => Err(format!("{strategy} runs it")),
        }
    }

    /// The program that a strategy runs in the end.
    pub(super) fn program(&self, strategy: &str) -> Result<Module, String> {
        let (program, _, request) = self.request()?;
        let mut last = None;
        let watch: Watch = &mut |_, module| last = Some(module.clone());
        by_name(strategy).prepare_watched(&program, &request, watch).map_err(|e| reason(&e))?;
        last.ok_or_else(|| "there are no stages".to_owned())
    }

    /// The result of a strategy, which must be these numbers.
    pub(super) fn expect(&self, strategy: &str, expected: &[f64]) -> Result<Ran, String> {
        let ran = self.run(strategy)?;
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
        if ran.numbers.len() == expected.len() && ran.numbers.iter().zip(expected).all(near) {
            return Ok(ran);
        }
        Err(format!("{} of order {} is {:?}, not {expected:?}", self.function, self.order, ran.numbers))
    }
}

fn by_name(strategy: &str) -> &'static dyn Strategy {
    find(strategy).unwrap_or_else(|| panic!("there is no strategy {strategy}"))
}

fn reason(error: &PrepareError) -> String {
    match error {
        PrepareError::Program(error) => one_line(error),
        PrepareError::Refused(refusal) => format!("{}: {}", refusal.position, refusal.diagnostic.message),
    }
}
