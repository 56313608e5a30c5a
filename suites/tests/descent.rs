//! Gradients train: fifty steps of gradient descent on every suite that learns, by every strategy and by
//! the baseline. The losses are stored; each strategy must walk the same path.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;
use adjudicate_strategies::{STRATEGIES, Strategy};
use adjudicate_suites::measure::contestant::{Runner, Trouble, prepare};
use adjudicate_suites::measure::plan::Cell;
use adjudicate_suites::suites::{Size, Suite, find};

const STEPS: usize = 50;

fn runner(ask: Ask, strategy: Option<&'static dyn Strategy>, suite: &Suite, size: &Size) -> Result<Runner, Trouble> {
    let program = suite.program().expect("the model parses");
    let arguments = suite.arguments(ask, size, 1);
    let cell = Cell::new(ask, strategy);
    match prepare(&cell, &program, suite, size, &arguments) {
        Err(Trouble::Refused(_)) if suite.is_restructured() => {
            prepare(&Cell { restructured: true, ..cell }, &program, suite, size, &arguments)
        }
        plain => plain,
    }
}

/// `x − rate·dx`.
fn stepped(x: &Value, dx: &Value, rate: f64) -> Value {
    match (x, dx) {
        (Value::F64(x, _), Value::F64(dx, _)) => Value::f64(x - rate * dx),
        (Value::Array(x, _), Value::Array(dx, _)) => {
            let moved = x.as_slice().iter().zip(dx.as_slice()).map(|(x, dx)| x - rate * dx);
            Value::array(Array::from_vec(x.shape(), moved.collect()))
        }
        other => panic!("{other:?} cannot be stepped"),
    }
}

/// The loss before the first step, then after every tenth.
fn losses(suite: &Suite, size: &Size, strategy: Option<&'static dyn Strategy>, rate: f64) -> Result<Vec<f64>, Trouble> {
    let mut value = runner(Ask::Value, strategy, suite, size)?;
    let mut gradient = runner(Ask::Gradient, strategy, suite, size)?;
    let arguments = suite.arguments(Ask::Value, size, 1);
    let mut args: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    let mut losses = Vec::new();
    for step in 0..=STEPS {
        if step % 10 == 0 {
            let Value::F64(loss, _) = value.run(&args)?[0] else { panic!("the loss is a float") };
            losses.push(loss);
        }
        // The parameters are the first argument, so their leaves come first.
        let moves = gradient.run(&args)?;
        for (x, dx) in args.iter_mut().zip(moves) {
            *x = stepped(x, &dx, rate);
        }
    }
    Ok(losses)
}

fn check(suite: &str, size: &str, rate: f64, stored: [f64; 6]) {
    let suite = find(suite).expect("a suite of this name");
    let size = suite.size(size).expect("a size of this name");
    let contestants = STRATEGIES.iter().copied().filter(|s| !s.is_oracle()).map(Some).chain([None]);
    for strategy in contestants {
        let name = strategy.map_or("handwritten", Strategy::name);
        let losses = match losses(suite, size, strategy, rate) {
            Ok(losses) => losses,
            // Arrays are not for a tape of scalars.
            Err(Trouble::Refused(_)) if name.starts_with("tape:scalar") => continue,
            Err(trouble) => panic!("{name}: {trouble:?}"),
        };
        assert!(losses.is_sorted_by(|a, b| a > b), "{name}: {losses:?}");
        for (loss, stored) in losses.iter().zip(stored) {
            assert!((loss - stored).abs() < 1e-8 * stored, "{name}: {losses:?}");
        }
    }
}

#[test]
fn the_classifier_learns() {
    check(
        "mlp",
        "128x(64-128-10)",
        0.2,
        [
            2.3808887552344986,
            1.4300774569205401,
            0.9085619318240178,
            0.6242611995975351,
            0.4611665629268934,
            0.35833390517521035,
        ],
    );
}

#[test]
fn the_recurrence_learns() {
    check(
        "rnn",
        "100x32",
        0.02,
        [
            0.8003917235843632,
            0.6244502779901008,
            0.5006117749610796,
            0.41209923023186934,
            0.3502014398615812,
            0.30555382009218973,
        ],
    );
}

#[test]
fn the_batched_recurrence_learns() {
    check(
        "rnn_batch",
        "20x8x(7-16)",
        0.05,
        [
            0.485794153054961,
            0.19849275655937795,
            0.1519867047658098,
            0.1285294092186498,
            0.11451251771556666,
            0.10510398540370976,
        ],
    );
}

#[test]
fn the_tree_learns() {
    check(
        "tree",
        "8x4x8",
        0.01,
        [
            0.13911032582094163,
            0.06207850387141586,
            0.026088746833372176,
            0.010334600004091407,
            0.003913776783418472,
            0.001437479394388968,
        ],
    );
}

#[test]
fn the_orbit_is_found() {
    check(
        "newton",
        "32",
        0.002,
        [
            0.08242618990391243,
            0.009430355824238783,
            0.008523614771725866,
            0.007790576942962575,
            0.007191419496297388,
            0.0066959026758091535,
        ],
    );
}

#[test]
fn the_folded_network_learns() {
    check(
        "hof",
        "128x(30-32)x4",
        0.02,
        [
            0.7616857794868139,
            0.277301166578489,
            0.17700408006479842,
            0.13302135870496085,
            0.1065725259164346,
            0.08873257845170983,
        ],
    );
}

#[test]
fn hyperparameters_are_tuned() {
    check(
        "hypergrad",
        "100x5x10",
        0.5,
        [
            0.2844175764024224,
            0.25538637222093025,
            0.23595412085805492,
            0.22246137809735836,
            0.21271871250724686,
            0.20543756017754855,
        ],
    );
}

#[test]
fn the_character_model_learns() {
    check(
        "lstm",
        "8x4x16",
        0.5,
        [
            3.7859977245133525,
            3.550509487329701,
            3.3684017101689347,
            3.231144422191914,
            3.125454261972265,
            3.0389329101669023,
        ],
    );
}

#[test]
fn the_convolutional_classifier_learns() {
    check(
        "conv",
        "16x(4-8)",
        0.1,
        [
            2.385250987001405,
            2.041128592955186,
            1.845723816924667,
            1.66109727033873,
            1.4658174170738647,
            1.2637436497077272,
        ],
    );
}

#[test]
fn the_differential_equation_is_fitted() {
    check(
        "ode",
        "100",
        0.001,
        [
            0.004711572432465404,
            0.0024071898771399996,
            0.001217754747580425,
            0.0006117314960163166,
            0.0003058367528816712,
            0.00015245465635840266,
        ],
    );
}
