//! What must not blow up: trips, memory, nesting and order, for value, gradient and second derivative.

use crate::common::run;
use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_kernels::{Array, counts};
use adjudicate_strategies::{STRATEGIES, Strategy, find};

/// With all passes and with none.
const JUDGED: &[&str] = &["tape", "dataflow", "dataflow:unoptimised", "closure", "closure:unoptimised"];

fn judged() -> impl Iterator<Item = &'static dyn Strategy> {
    STRATEGIES.iter().copied().filter(|s| JUDGED.contains(&s.name()))
}

/// All agree with the first in value and derivatives up to the second.
#[track_caller]
fn agree(python: &str, args: &[Datum]) {
    for (ask, order) in [(Ask::Value, 1), (Ask::Gradient, 1), (Ask::Gradient, 2)] {
        let wanted = run(find("tape").expect("a strategy"), python, ask, order, args).expect("numbers");
        for strategy in judged() {
            match run(strategy, python, ask, order, args) {
                Err(why) if why.starts_with("refused:") && strategy.name().starts_with("dataflow") => {}
                found => {
                    let found = found.unwrap_or_else(|why| panic!("{}: {why}", strategy.name()));
                    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
                    let same = found.len() == wanted.len() && found.iter().zip(&wanted).all(near);
                    assert!(same, "{} {} {order}: {found:?}, not {wanted:?}", strategy.name(), ask.name());
                }
            }
        }
    }
}

/// `x²` by a loop of many trips.
#[test]
fn many_trips() {
    let n = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let python =
        "def f(x, n):\n    y = x\n    for i in range(n):\n        y = y * 0.999999 + x * 1e-6\n    return y * x\n";
    for strategy in judged() {
        for (ask, order, wanted) in [(Ask::Value, 1, 2.25), (Ask::Gradient, 1, 3.0), (Ask::Gradient, 2, 2.0)] {
            let found = run(strategy, python, ask, order, &[Datum::F64(1.5), Datum::I64(n)]).expect("a number");
            assert!((found[0] - wanted).abs() < 1e-6, "{} {} {order}: {found:?}", strategy.name(), ask.name());
        }
    }
}

/// Bytes of arrays alive at once, and bytes written, by one run.
fn bytes(strategy: &dyn Strategy, python: &str, n: usize) -> (u64, u64) {
    let x: Vec<f64> = (0..n).map(|i| 0.3 + (i as f64).sin() * 0.2).collect();
    let args = [Datum::Array(Array::from_vec(&[n], x)), Datum::I64(n as i64)];
    let program = Program::parse("model.py", python).expect("a program");
    let mut prepared = strategy.prepare(&program, &Request::new("f", Ask::Value, &[0], 1, &args)).expect("no refusal");
    let leaves: Vec<_> = args.iter().flat_map(Datum::leaves).collect();
    let (result, counts) = counts::measure(|| prepared.run(&leaves));
    result.expect("a result");
    let total = |name: &str| counts.totals().find(|(n, _)| *n == name).map_or(0, |(_, bytes)| bytes);
    (total("peak_live_bytes"), total("bytes_written"))
}

/// Twice the trips need twice the bytes, at the first and at the second order: over an array of two
/// elements, and reading an array of as many elements as trips by index. Without the optimiser the
/// cotangent of each element that is read is an array of zeros, so only the memory is linear.
#[test]
fn memory_and_work_are_linear_in_the_trips() {
    let head = "import numpy as np\nfrom adjudicate import grad, hvp\n";
    let state = "def g(v, n):\n    w = v[:2]\n    y = w\n    for i in range(n):\n        y = np.sin(y) * w\n    return np.sum(y)\n";
    let index = "def g(v, n):\n    s = 0.0\n    for i in range(len(v)):\n        s = s * 0.5 + v[i] * v[i] * v[0]\n    return s\n";
    for g in [state, index] {
        for derivative in ["grad(lambda v: g(v, n))(v)", "hvp(lambda v: g(v, n))(v, v)"] {
            let python = format!("{head}{g}def f(v, n):\n    return np.sum({derivative})\n");
            for strategy in judged() {
                let (small, large) = (bytes(strategy, &python, 400), bytes(strategy, &python, 800));
                let linear = |a: u64, b: u64| b as f64 <= 2.3 * a as f64 + 20_000.0;
                let what = format!("{} {derivative}: {small:?}, then {large:?}\n{g}", strategy.name());
                let optimised = !strategy.name().ends_with("unoptimised");
                assert!(linear(small.0, large.0) && (!optimised || linear(small.1, large.1)), "{what}");
            }
        }
    }
}

#[test]
fn a_hundred_nested_closures() {
    let x = [Datum::F64(0.9)];
    let chain: String = (0..100).map(|i| format!("    g{} = lambda y: np.sin(g{i}(y)) * x\n", i + 1)).collect();
    agree(&format!("import numpy as np\ndef f(x):\n    g0 = lambda y: y * x\n{chain}    return g100(x)\n"), &x);
    let made = "    g = add(g, x)\n".repeat(100);
    agree(
        &format!(
            "import numpy as np\ndef add(h, x):\n    return lambda y: np.sin(h(y)) * x\ndef f(x):\n    g = lambda y: y * x\n{made}    return g(x)\n"
        ),
        &x,
    );
    // As deep as Python lets blocks nest.
    let indent = |i: usize| "    ".repeat(i);
    let open: String = (0..98).map(|i| format!("{}def g{i}(y{i}):\n", indent(i + 1))).collect();
    let close: String = (1..98).rev().map(|i| format!("{}return g{i}(y{} * 1.01)\n", indent(i + 1), i - 1)).collect();
    let inner = format!("{}return np.sin(y97) * x * y0\n", indent(99));
    agree(&format!("import numpy as np\ndef f(x):\n{open}{inner}{close}    return g0(x)\n"), &x);
}

#[test]
fn twenty_branches_in_sequence() {
    let branch = |i: usize| {
        format!("    if y > 0.{i:02}:\n        y = np.sin(y) * x + 0.5\n    else:\n        y = y * x - 0.{i:02}\n")
    };
    let body: String = (1..=20).map(branch).collect();
    agree(&format!("import numpy as np\ndef f(x):\n    y = x\n{body}    return y\n"), &[Datum::F64(0.9)]);
}

/// More than a recursion may nest in a static graph.
#[test]
fn many_cases_one_after_the_other() {
    let cases: String = (0..150).map(|i| format!("    if x < {i}.0:\n        return x * {i}.0\n")).collect();
    let python = format!("def f(x):\n{cases}    return x\n");
    agree(&python, &[Datum::F64(140.5)]);
    for (ask, wanted) in [(Ask::Value, 140.5 * 141.0), (Ask::Gradient, 141.0)] {
        let dataflow = find("dataflow").expect("a strategy");
        assert_eq!(run(dataflow, &python, ask, 1, &[Datum::F64(140.5)]), Ok(vec![wanted]));
    }
}

/// A number made of a long chain of arrays, each read twice, in every trip of a loop.
#[test]
fn a_chain_of_arrays_in_a_loop() {
    let links: String =
        (2..40).map(|i| format!("        y{i} = 0.4 * y{} * y{} + 0.5 * y{}\n", i - 1, i - 2, i - 2)).collect();
    let head = "import numpy as np\ndef f(x, n):\n    s = 0.0\n    p = np.reshape(x * 1.0, (1,))\n    q = np.reshape(x * 0.9, (1,))\n    for i in range(n):\n        y0 = p\n        y1 = q\n";
    let tail = "        z = np.reshape(y39, ())\n        s = s + z * z * x\n        p = p * 0.9 * x\n        q = q * 0.8 * p\n    return s\n";
    agree(&format!("{head}{links}{tail}"), &[Datum::F64(0.9), Datum::I64(3)]);
}

/// Rounds in which the types of a loop settle must not double with every loop around it.
#[test]
fn loops_in_loops() {
    let levels = 18;
    let indent = |i: usize| "    ".repeat(i + 1);
    let heads: String = (0..levels).map(|i| format!("{}for i{i} in range(1):\n", indent(i))).collect();
    let python = format!("def f(x):\n    s = x\n{heads}{}s = s * x\n    return s\n", indent(levels));
    for (ask, order, wanted) in [(Ask::Value, 1, 2.25), (Ask::Gradient, 1, 3.0), (Ask::Gradient, 2, 2.0)] {
        for name in ["tape", "closure"] {
            let found = run(find(name).expect("a strategy"), &python, ask, order, &[Datum::F64(1.5)]);
            assert_eq!(found, Ok(vec![wanted]), "{name} {} {order}", ask.name());
        }
    }
}

#[test]
fn six_derivatives_of_control_flow() {
    let head = "import numpy as np\nfrom adjudicate import grad\n";
    for g in [
        "def g(x):\n    y = np.sin(x) * x\n    if y > 0.1:\n        y = y * np.cos(y)\n    return y * x\n",
        "def g(x):\n    y = x\n    while y < 2.0:\n        y = y * y * x + 0.5\n    return y\n",
    ] {
        let python = format!("{head}{g}def f(x):\n    return grad(grad(grad(grad(grad(grad(g))))))(x)\n");
        let wanted =
            run(find("tape").expect("a strategy"), &python, Ask::Value, 1, &[Datum::F64(0.7)]).expect("a number");
        for name in ["dataflow", "closure"] {
            let found =
                run(find(name).expect("a strategy"), &python, Ask::Value, 1, &[Datum::F64(0.7)]).expect("a number");
            assert!((found[0] - wanted[0]).abs() <= 1e-9 * wanted[0].abs(), "{name}: {found:?}, not {wanted:?}");
        }
    }
}
