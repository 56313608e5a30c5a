//! Small programs of the kind that researchers write give under every strategy what they give
//! under CPython with NumPy: value, gradient and Hessian. The programs are in `models/`, their
//! values are stored; `scripts/numpy_models.py` makes them.

use std::path::PathBuf;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_strategies::{PrepareError, Strategy, find};
use adjudicate_suites::json::arguments;
use adjudicate_suites::measure::check::point::floats;
use serde::Deserialize;

/// The strategies, and the programs whose functions are known only at run time, which the static
/// graph refuses.
const STRATEGIES: &[(&str, &[&str])] = &[
    ("tape", &[]),
    ("dataflow", &["church"]),
    ("dataflow:unoptimised", &["church"]),
    ("closure", &[]),
    ("closure:unoptimised", &[]),
];

#[derive(Deserialize)]
struct Entry {
    name: String,
    value: f64,
    gradient: Vec<f64>,
    hessian: Vec<f64>,
}

fn entries() -> Vec<Entry> {
    serde_json::from_str(include_str!("models.json")).expect("the stored values are JSON")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/models")
}

/// A program and the arguments that stand in it.
fn model(name: &str) -> (Program, Vec<Datum>) {
    let text = std::fs::read_to_string(folder().join(format!("{name}.py"))).expect("the program is there");
    let args = text.lines().find_map(|line| line.strip_prefix("ARGS = '")?.strip_suffix('\'')).expect("ARGS");
    let args = arguments(args).expect("the arguments are JSON");
    (Program::parse(name, &text).unwrap_or_else(|e| panic!("{e}")), args)
}

/// The numbers of a result; `None` if the strategy refuses the program.
fn run(strategy: &dyn Strategy, program: &Program, ask: Ask, args: &[Datum]) -> Option<Vec<f64>> {
    let place = format!("{} {}", strategy.name(), ask.name());
    let mut prepared = match strategy.prepare(program, &Request::new("f", ask, &[0], 1, args)) {
        Ok(prepared) => prepared,
        Err(PrepareError::Refused(_)) => return None,
        Err(PrepareError::Program(error)) => panic!("{place}: {error}"),
    };
    let leaves: Vec<Value> = args.iter().flat_map(Datum::leaves).collect();
    let result = prepared.run(&leaves).unwrap_or_else(|e| panic!("{place}: {e:?}"));
    Some(result.iter().flat_map(floats).copied().collect())
}

#[test]
fn every_strategy_gives_the_values_and_derivatives_of_numpy() {
    for entry in entries() {
        let (program, args) = model(&entry.name);
        let asks = [
            (Ask::Value, &vec![entry.value], 1e-12),
            (Ask::Gradient, &entry.gradient, 1e-8),
            (Ask::Hessian, &entry.hessian, 1e-5),
        ];
        for &(name, refused) in STRATEGIES {
            let strategy = find(name).expect("a strategy");
            for (ask, wanted, tolerance) in asks {
                let place = format!("{} {} by {name}", entry.name, ask.name());
                let found = run(strategy, &program, ask, &args);
                assert_eq!(found.is_none(), refused.contains(&&*entry.name), "{place}: refused or not");
                let Some(found) = found else { continue };
                assert_eq!(found.len(), wanted.len(), "{place}");
                let scale = wanted.iter().fold(1.0_f64, |scale, x| scale.max(x.abs()));
                let error = found.iter().zip(wanted).fold(0.0_f64, |error, (a, b)| error.max((a - b).abs()));
                assert!(error <= tolerance * scale, "{place}: {error} in {scale}");
            }
        }
    }
}

#[test]
fn every_program_has_stored_values() {
    let names = std::fs::read_dir(folder()).expect("the folder is there").map(|file| file.expect("a file").path());
    let programs = names.filter(|path| path.extension().is_some_and(|e| e == "py"));
    let mut found: Vec<String> = programs.map(|path| path.file_stem().unwrap().to_string_lossy().into()).collect();
    found.sort();
    let stored: Vec<String> = entries().into_iter().map(|entry| entry.name).collect();
    assert_eq!(found, stored);
}
