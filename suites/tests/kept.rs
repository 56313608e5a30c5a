//! What the gradients of the suites keep from the forward for the backward pass: no more than the tape does.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_strategies::find;
use adjudicate_suites::measure::contestant::{Trouble, prepare};
use adjudicate_suites::measure::plan::Cell;
use adjudicate_suites::suites::{SUITES, Suite};

/// Bytes kept at the smallest size; `None` if the strategy refuses or there is no boundary.
fn kept(suite: &Suite, strategy: &str) -> Option<u64> {
    let size = &suite.sizes[0];
    let program = suite.program().expect("the model parses");
    let arguments = suite.arguments(Ask::Gradient, size, 1);
    let cell = Cell::new(Ask::Gradient, find(strategy));
    let mut runner = match prepare(&cell, &program, suite, size, &arguments) {
        Ok(runner) => runner,
        Err(Trouble::Refused(_)) => return None,
        Err(other) => panic!("{}: {strategy}: {other:?}", suite.name),
    };
    let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    runner.run(&leaves).expect("it runs");
    runner.residual_bytes(&leaves).expect("it runs up to the boundary")
}

#[test]
fn no_more_is_kept_than_by_the_tape() {
    let mut told = Vec::new();
    let mut more = Vec::new();
    for suite in SUITES.iter().filter(|suite| suite.asks.contains(&Ask::Gradient)) {
        let tape = kept(suite, "tape").expect("the tape expresses everything");
        for strategy in ["closure", "dataflow"] {
            let Some(bytes) = kept(suite, strategy) else { continue };
            told.push((suite.name, strategy));
            if bytes > tape {
                more.push(format!("{}: {strategy} keeps {bytes} bytes, the tape {tape}", suite.name));
            }
        }
    }
    assert!(told.len() >= SUITES.len(), "hardly any is told: {told:?}");
    assert!(more.is_empty(), "{}", more.join("\n"));
}
