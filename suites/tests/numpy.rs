//! The model files give under every strategy what they give under CPython with NumPy. The values
//! are stored; `scripts/numpy_suites.py` makes them.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Request};
use adjudicate_ir::value::Value;
use adjudicate_strategies::{PrepareError, STRATEGIES};
use adjudicate_suites::json::datum;
use adjudicate_suites::measure::check::compare::compare;
use adjudicate_suites::measure::contestant::RESTRUCTURED;
use adjudicate_suites::suites::{SUITES, find};
use serde::Deserialize;

#[derive(Deserialize)]
struct Entry {
    suite: String,
    function: String,
    args: Vec<serde_json::Value>,
    value: serde_json::Value,
}

fn entries() -> Vec<Entry> {
    serde_json::from_str(include_str!("numpy_values.json")).expect("the stored values are JSON")
}

fn read(json: &serde_json::Value) -> Datum {
    datum(&json.to_string()).expect("the stored values are arguments")
}

/// A static graph cannot recurse on data, nor a tape of scalars take gradients of arrays, which one value does.
fn refuses(strategy: &str, suite: &str) -> bool {
    match suite {
        "hypergrad" => strategy.starts_with("tape:scalar"),
        "tree" => strategy.starts_with("dataflow"),
        _ => false,
    }
}

#[test]
fn every_strategy_gives_the_values_of_numpy() {
    for entry in entries() {
        let suite = find(&entry.suite).expect("a suite");
        let program = suite.program().expect("the model parses");
        let args: Vec<Datum> = entry.args.iter().map(read).collect();
        let leaves: Vec<Value> = args.iter().flat_map(Datum::leaves).collect();
        let expected = read(&entry.value).leaves();
        let request = Request::new(&entry.function, Ask::Value, &[], 1, &args);
        let is_entry = suite.sizes.iter().any(|size| size.entry == entry.function);
        let restructured =
            (is_entry && suite.is_restructured()).then(|| Request::new(RESTRUCTURED, Ask::Value, &[], 1, &args));
        for strategy in STRATEGIES.iter() {
            let place = format!("{} {} by {}", entry.suite, entry.function, strategy.name());
            let mut prepared = match (strategy.prepare(&program, &request), &restructured) {
                (Ok(prepared), _) => {
                    assert!(!refuses(strategy.name(), &entry.suite), "{place} is not refused any more");
                    prepared
                }
                (Err(PrepareError::Refused(refusal)), restructured) => {
                    assert!(refuses(strategy.name(), &entry.suite), "{place}: {refusal:?}");
                    let Some(request) = restructured else { continue };
                    strategy.prepare(&program, request).unwrap_or_else(|e| panic!("{place}: {e:?}"))
                }
                (Err(PrepareError::Program(error)), _) => panic!("{place}: {error}"),
            };
            let result = prepared.run(&leaves).unwrap_or_else(|e| panic!("{place}: {e:?}"));
            let difference = compare(&result, &expected, 1e-12);
            assert!(difference.is_within(), "{place}: {difference:?}");
        }
    }
}

#[test]
fn every_suite_has_stored_values() {
    let entries = entries();
    for suite in SUITES {
        assert!(entries.iter().any(|e| e.suite == suite.name), "{}", suite.name);
    }
}
