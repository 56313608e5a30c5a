//! What the tests share: `f` of a Python program under a strategy, as numbers.

mod numbers;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::frontend::render;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_strategies::{PrepareError, Strategy};

use numbers::numbers;

/// The numbers of a request for `f`, derivatives by its first argument; or what is wrong: a refusal
/// starts with `refused:` and shows its line.
pub(crate) fn run(
    strategy: &dyn Strategy,
    python: &str,
    ask: Ask,
    order: usize,
    args: &[Datum],
) -> Result<Vec<f64>, String> {
    let program = Program::parse("model.py", python).map_err(|e| e.to_string())?;
    let request = Request::new("f", ask, &[0], order, args);
    let prepared = strategy.prepare(&program, &request);
    let mut prepared = prepared.map_err(|e| match e {
        PrepareError::Program(why) => why.to_string(),
        PrepareError::Refused(why) => format!("refused: {}", render(&why.diagnostic, &program.sources)),
    })?;
    let leaves: Vec<_> = args.iter().flat_map(Datum::leaves).collect();
    let result = prepared.run(&leaves).map_err(|e| e.to_string())?;
    Ok(numbers(&prepared.output().build(&result)))
}
