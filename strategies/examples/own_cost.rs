//! What each strategy costs by itself: `cargo run --release -p adjudicate-strategies --example own_cost`.
//!
//! The gradient of a chain of small operations, on null kernels for arrays, where what is left is the
//! strategy's own; on scalars, whose arithmetic is part of the time. Least of many samples, in nanoseconds for each operation of
//! the function, forward and backward together, and for each call of a kernel.
#![expect(clippy::print_stdout, reason = "an example that shows its result")]

use std::hint::black_box;
use std::time::Instant;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_kernels::{Array, Mode, counts, set_mode};
use adjudicate_strategies::find;
use adjudicate_strategies::scalar::{Active, ScalarTape};

const TRIPS: u32 = 1000;

/// Operations in each trip that depend on the argument.
const OPERATIONS: u32 = 3;

fn model(sum: &str) -> String {
    format!(
        "import numpy as np\n\n\ndef f(x, n):\n    y = x\n    for _ in range(n):\n        y = np.maximum(y * x, x) + x\n    return {sum}\n"
    )
}

/// The least time of a call, over the number of operations.
fn least(mut f: impl FnMut()) -> f64 {
    let sample = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        f();
        start.elapsed().as_nanos() as f64
    };
    f();
    (0..400).map(|_| sample(&mut f)).fold(f64::INFINITY, f64::min) / f64::from(TRIPS * OPERATIONS)
}

/// Time for each operation, and for each kernel call, of which scalars make none.
fn strategy(name: &str, text: &str, x: Datum) -> (f64, Option<f64>) {
    let program = Program::parse("chain.py", text).unwrap_or_else(|e| panic!("{e}"));
    let args = [x, Datum::I64(i64::from(TRIPS))];
    let request = Request::new("f", Ask::Gradient, &[0], 1, &args);
    let mut prepared = find(name).expect("a strategy").prepare(&program, &request).expect("it is expressible");
    let leaves: Vec<_> = args.iter().flat_map(Datum::leaves).collect();
    let ns = least(|| drop(black_box(prepared.run(&leaves).expect("it runs"))));
    let (_, counted) = counts::measure(|| prepared.run(&leaves).expect("it runs"));
    let calls = counted.total_calls();
    (ns, (calls > 0).then(|| ns * f64::from(TRIPS * OPERATIONS) / calls as f64))
}

fn main() {
    set_mode(Mode::Null);
    for name in ["tape", "dataflow", "closure"] {
        let (ns, per_call) = strategy(name, &model("np.sum(y)"), Datum::Array(Array::full(&[8], 0.5)));
        let per_call = per_call.expect("kernels are called");
        println!("arrays of 8, null kernels  {name:<12} {ns:7.1} ns, {per_call:.1} ns for each kernel call");
    }
    set_mode(Mode::Real);
    for name in ["tape", "tape:scalar", "dataflow", "closure"] {
        println!("scalars                    {name:<12} {:7.1} ns", strategy(name, &model("y"), Datum::F64(0.5)).0);
    }
    let tape = ScalarTape::new();
    // Operators on numbers make three statements of a trip, an expression one.
    let (ns, bytes) = active(&tape, |y, x| (y * x - x) * 0.5);
    println!("scalars                    Active       {ns:7.1} ns, each a statement of {bytes:.1} bytes");
    let (ns, bytes) = active(&tape, |y, x| ((y.term() * x - x) * 0.5).into());
    let statement = ns * f64::from(OPERATIONS);
    println!(
        "scalars                    Active       {ns:7.1} ns, {statement:.1} ns and {bytes:.1} bytes for each statement"
    );
}

/// Time for each operation, and bytes for each statement.
fn active<'t>(tape: &'t ScalarTape, trip: impl Fn(Active<'t>, Active<'t>) -> Active<'t>) -> (f64, f64) {
    let ns = least(|| {
        tape.clear();
        let x = tape.var(black_box(0.5));
        let y = (0..TRIPS).fold(x, |y, _| trip(y, x));
        black_box(tape.gradient(y, [x]));
    });
    (ns, tape.bytes() as f64 / tape.len() as f64)
}
