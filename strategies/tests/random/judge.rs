//! What the strategies make of one program, and whether they agree.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_kernels::Array;
use adjudicate_strategies::{PrepareError, Prepared, find};

use super::numbers::numbers;
use super::program::Random;

/// What is asked of every program: by which arguments, to which order.
const ASKS: &[(Ask, &[usize], usize)] = &[
    (Ask::Value, &[0], 1),
    (Ask::Gradient, &[0, 1], 1),
    (Ask::Gradient, &[0], 2),
    (Ask::Hvp, &[0, 1], 1),
    (Ask::Hessian, &[1], 1),
];

/// The strategies that answer, beside the tape, which runs the program as it is.
const OTHERS: &[&str] = &["closure", "closure:unoptimised", "dataflow", "dataflow:unoptimised", "dataflow:unrolled"];

/// Those that answer if what is computed is scalars, and arrays are data.
const OF_SCALARS: &[&str] = &["tape:scalar", "tape:scalar:no-fusion"];

/// Agreement, relative to the largest number of the answer.
const TOLERANCE: f64 = 1e-10;

/// What becomes of one request under one strategy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Numbers(Vec<f64>),
    /// Not a program of the language.
    Rejected(String),
    Refused(String),
    /// An error at run time.
    Failed(String),
    Panicked(String),
}

/// What was found of one program.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// All agree; how many answers were numbers, and why the others were refused.
    Agreed { numbers: usize, refusals: Vec<String> },
    /// The language does not have it.
    Rejected(String),
    /// What is wrong, in one paragraph.
    Wrong(String),
}

/// Judges a program.
pub(crate) fn judge(random: &Random) -> Verdict {
    quiet();
    let program = match caught(|| Program::parse("model.py", &random.python)) {
        Ok(Ok(program)) => program,
        Ok(Err(why)) => return Verdict::Rejected(why.to_string()),
        Err(panic) => return Verdict::Wrong(format!("the parser panics: {panic}")),
    };
    let point = if random.scalars { SCALAR_POINT } else { POINT };
    let others: Vec<&str> = OTHERS.iter().chain(OF_SCALARS.iter().filter(|_| random.scalars)).copied().collect();
    let (mut count, mut refusals) = (0, Vec::new());
    for &(ask, wrt, order) in ASKS {
        let what = format!("{} by {wrt:?} of order {order}", ask.name());
        let wanted = match answer(&program, point, "tape", ask, wrt, order) {
            Answer::Numbers(wanted) => wanted,
            Answer::Rejected(why) => return Verdict::Rejected(why),
            other => return Verdict::Wrong(format!("{what}: the tape: {other:?}")),
        };
        if wanted.iter().any(|x| !x.is_finite() || x.abs() > 1e6) {
            return Verdict::Rejected("grows beyond 1e6".to_owned());
        }
        for name in &others {
            match answer(&program, point, name, ask, wrt, order) {
                Answer::Numbers(found) if agree(&found, &wanted) => count += 1,
                Answer::Refused(why) => refusals.push(format!("{name}: {why}")),
                other => return Verdict::Wrong(format!("{what}: {name}: {other:?}, not {wanted:?}")),
            }
        }
        if (ask, order) == (Ask::Gradient, 1)
            && let Some(differences) = differences(&program, point)
            && !near(&wanted, &differences, 1e-5)
        {
            return Verdict::Wrong(format!("{what}: the tape: {wanted:?}, but by differences {differences:?}"));
        }
    }
    Verdict::Agreed { numbers: count, refusals }
}

fn agree(found: &[f64], wanted: &[f64]) -> bool {
    near(found, wanted, TOLERANCE)
}

fn near(found: &[f64], wanted: &[f64], tolerance: f64) -> bool {
    let scale = wanted.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= tolerance * scale)
}

/// The float arguments: a float, and one float or three.
fn floats(at: &[f64]) -> [Datum; 2] {
    let second = match at[1..] {
        [y] => Datum::F64(y),
        ref v => Datum::Array(Array::from_slice(&[v.len()], v)),
    };
    [Datum::F64(at[0]), second]
}

/// All arguments.
fn arguments(at: &[f64]) -> Vec<Datum> {
    floats(at).into_iter().chain([Datum::I64(2)]).collect()
}

const POINT: &[f64] = &[0.3127, 0.61803, -0.41421, 0.14159];
const SCALAR_POINT: &[f64] = &[0.3127, 0.61803];
/// The vector of a Hessian–vector product.
const VECTOR: &[f64] = &[0.7, -0.4, 0.9, 0.3];

fn answer(program: &Program, point: &[f64], strategy: &str, ask: Ask, wrt: &[usize], order: usize) -> Answer {
    let mut args = arguments(point);
    if ask == Ask::Hvp {
        args.extend(floats(&VECTOR[..point.len()]));
    }
    let request = Request::new("f", ask, wrt, order, &args);
    let outcome = caught(|| {
        let mut prepared = match find(strategy).expect("a strategy").prepare(program, &request) {
            Ok(prepared) => prepared,
            Err(PrepareError::Program(why)) => return Answer::Rejected(why.to_string()),
            Err(PrepareError::Refused(why)) => return Answer::Refused(why.diagnostic.message),
        };
        let first = evaluated(&mut *prepared, &args);
        // Buffers are kept from run to run: what one leaves must not show in the next.
        let second = evaluated(&mut *prepared, &args);
        if first == second { first } else { Answer::Failed(format!("first {first:?}, then {second:?}")) }
    });
    outcome.unwrap_or_else(Answer::Panicked)
}

fn evaluated(prepared: &mut dyn Prepared, args: &[Datum]) -> Answer {
    let leaves: Vec<_> = args.iter().flat_map(Datum::leaves).collect();
    match prepared.run(&leaves) {
        Ok(result) => Answer::Numbers(numbers(&prepared.output().build(&result))),
        Err(why) => Answer::Failed(why.diagnostic.message),
    }
}

/// The gradient by central differences, if those of two step sizes agree: where they do not, the
/// function has a kink or a jump nearby.
fn differences(program: &Program, point: &[f64]) -> Option<Vec<f64>> {
    let own = arguments(point);
    let request = Request::new("f", Ask::Value, &[0], 1, &own);
    let mut prepared = find("tape")?.prepare(program, &request).ok()?;
    let mut along = |i: usize, step: f64| {
        let mut at = point.to_vec();
        at[i] += step;
        match evaluated(&mut *prepared, &arguments(&at)) {
            Answer::Numbers(y) => Some(y[0]),
            _ => None,
        }
    };
    let mut found = Vec::new();
    for i in 0..point.len() {
        let mut slope = |h: f64| Some((along(i, h)? - along(i, -h)?) / (2.0 * h));
        let (coarse, fine, side) = (slope(1e-4)?, slope(1e-5)?, (along(i, 1e-5)? - along(i, 0.0)?) / 1e-5);
        let same = |a: f64, b: f64, e: f64| (a - b).abs() <= e * b.abs().max(1.0);
        if !same(coarse, fine, 1e-6) || !same(side, fine, 1e-2) {
            return None;
        }
        found.push(fine);
    }
    Some(found)
}

thread_local! {
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics are answers here, not noise on the terminal.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                MESSAGE.with_borrow_mut(|m| *m = info.to_string());
            } else {
                before(info);
            }
        }));
    });
}

thread_local! {
    static CATCHING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The result of a closure, or the message of its panic.
fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    CATCHING.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(false);
    result.map_err(|_| MESSAGE.with_borrow(String::clone))
}
