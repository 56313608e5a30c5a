//! The program behind `scripts/compare-jax.sh`: takes samples of one cell at a time, on request, so that another program's
//! samples can be taken in between. It reads lines and answers each with a line of JSON.
//!
//! | line | answer |
//! | --- | --- |
//! | `cells` | every suite, size and function, with the model's text, its entry and what to differentiate by |
//! | `prepare SUITE SIZE FUNCTION STRATEGY MILLISECONDS` | the time of preparing, or why it cannot be; samples will last so long |
//! | `arguments` | the arguments of the prepared cell |
//! | `result` | the leaves of its result, each as a list |
//! | `sample` | nanoseconds for each run |
//!
//! What is prepared, and how samples are taken, is as in `adjudicate run`.
#![expect(clippy::print_stdout, reason = "answers go to the standard output")]

use std::io::stdin;
use std::time::{Duration, Instant};

use adjudicate_ir::datum::Datum;
use adjudicate_ir::value::Value;
use adjudicate_reports::rows::HANDWRITTEN;
use adjudicate_suites::json::to_json;
use adjudicate_suites::measure::check::point::floats;
use adjudicate_suites::measure::contestant::{Runner, Trouble, prepare};
use adjudicate_suites::measure::plan::Cell;
use adjudicate_suites::measure::time::{calibrate, sample_of};
use adjudicate_suites::measure::{Clock, SystemClock};
use adjudicate_suites::suites::{SUITES, find};
use serde_json::{Value as Json, json};

/// The seed of `adjudicate run`.
const SEED: u64 = 1;

/// A cell made ready.
struct Ready {
    runner: Runner,
    arguments: Vec<Datum>,
    leaves: Vec<Value>,
    iterations: u64,
}

fn main() {
    let clock = SystemClock::start();
    let mut ready = None;
    for line in stdin().lines() {
        let line = line.expect("lines of text");
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words[..] {
            ["cells"] => Ok(cells()),
            ["prepare", suite, size, function, strategy, milliseconds] => {
                let sample =
                    milliseconds.parse().map(Duration::from_millis).map_err(|e| format!("{milliseconds}: {e}"));
                sample.and_then(|sample| make_ready([suite, size, function, strategy], sample, &clock)).map(
                    |(made, ns)| {
                        ready = Some(made);
                        json!({ "prepare_ns": ns })
                    },
                )
            }
            [word] => ready.as_mut().ok_or("nothing is prepared".to_owned()).and_then(|r| r.answer(word, &clock)),
            _ => Err(format!("`{line}` is not understood")),
        };
        println!("{}", answer.unwrap_or_else(|reason| json!({ "error": reason })));
    }
}

fn cells() -> Json {
    let cells = SUITES.iter().flat_map(|suite| {
        suite.sizes.iter().flat_map(move |size| {
            suite.asks.iter().map(move |ask| {
                json!({
                    "suite": suite.name, "size": size.name, "function": ask.name(), "entry": size.entry,
                    "wrt": suite.wrt, "file": suite.file, "source": suite.source,
                })
            })
        })
    });
    cells.collect()
}

/// The cell of four names and the nanoseconds that preparing it took, from the text of the model.
fn make_ready(names: [&str; 4], sample: Duration, clock: &dyn Clock) -> Result<(Ready, u64), String> {
    let [suite, size, function, strategy] = names;
    let suite = find(suite).ok_or_else(|| format!("there is no suite `{suite}`"))?;
    let size = suite.size(size).ok_or_else(|| format!("there is no size `{size}`"))?;
    let ask = *suite.asks.iter().find(|a| a.name() == function).ok_or_else(|| format!("`{function}` is not asked"))?;
    let strategy = match strategy {
        HANDWRITTEN => None,
        name => Some(adjudicate_strategies::find(name).ok_or_else(|| format!("there is no strategy `{name}`"))?),
    };
    let arguments = suite.arguments(ask, size, SEED);
    let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    let start = Instant::now();
    let program = suite.program().map_err(|e| e.to_string())?;
    let prepared = prepare(&Cell::new(ask, strategy), &program, suite, size, &arguments);
    let spent = start.elapsed().as_nanos() as u64;
    let mut runner = prepared.map_err(reason)?;
    let iterations = calibrate(&mut runner, &leaves, sample, clock).map_err(reason)?;
    Ok((Ready { runner, arguments, leaves, iterations }, spent))
}

fn reason(trouble: Trouble) -> String {
    format!("{}: {}", trouble.status(), trouble.reason())
}

impl Ready {
    fn answer(&mut self, word: &str, clock: &dyn Clock) -> Result<Json, String> {
        match word {
            "arguments" => Ok(self.arguments.iter().map(to_json).collect()),
            "result" => Ok(self.runner.run(&self.leaves).map_err(reason)?.iter().map(|v| json!(floats(v))).collect()),
            "sample" => {
                let total = sample_of(&mut self.runner, &self.leaves, self.iterations, clock).map_err(reason)?;
                Ok(json!(total as f64 / self.iterations as f64))
            }
            _ => Err(format!("`{word}` is not understood")),
        }
    }
}
