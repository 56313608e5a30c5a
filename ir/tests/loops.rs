//! Recursion that becomes loops: the pass as text, and values before and after, bit for bit.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::{GraphId, Module, Op};
use adjudicate_ir::interp;
use adjudicate_ir::passes::{self, close};
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::text::print;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

fn specialised(python: &str, args: &[Datum]) -> Module {
    let program = Program::parse("model.py", python).unwrap_or_else(|e| panic!("{e}"));
    let request = Request::new("f", Ask::Value, &[0], 1, args);
    program.specialise(&request).unwrap_or_else(|e| panic!("{e}")).module
}

fn closed(module: &Module) -> Module {
    let mut closed = module.clone();
    close(&mut closed);
    verify(&closed).unwrap_or_else(|why| panic!("{why}\n{}", print(&closed)));
    closed
}

fn leaves(args: &[Datum]) -> Vec<Value> {
    args.iter().flat_map(Datum::leaves).collect()
}

/// How many graphs that are run can reach themselves, and how many loops there are.
fn shape(module: &Module) -> (usize, usize) {
    let recursive = passes::recursive(module).values().filter(|r| **r).count();
    let loops = |g: GraphId| module.graph(g).nodes.iter().filter(|n| matches!(n.op, Op::Loop { .. })).count();
    (recursive, module.reachable().into_iter().map(loops).sum())
}

/// `f` has so many loops and no recursion, and the values that it had.
#[track_caller]
fn check(python: &str, loops: usize, all: &[&[Datum]]) {
    let before = specialised(python, all[0]);
    let after = closed(&before);
    assert_eq!(shape(&after), (0, loops), "{}", print(&after));
    for args in all {
        let value = |module: &Module| format!("{:?}", interp::eval(module, leaves(args)));
        assert_eq!(value(&after), value(&before), "{}", print(&after));
    }
}

#[track_caller]
fn check_text(python: &str, args: &[Datum], expected: Expect) {
    let mut module = closed(&specialised(python, args));
    passes::optimise(&mut module, passes::OPTIMISE, &mut |_, _| {}).expect("it is small");
    expected.assert_eq(&print(&module));
}

fn f(x: f64) -> Datum {
    Datum::F64(x)
}

fn i(n: i64) -> Datum {
    Datum::I64(n)
}

const POWER: &str = "def f(x, n):\n    if n == 0:\n        return 1.0\n    return x * f(x, n - 1)\n";

#[test]
fn a_recursion_becomes_two_loops() {
    check(POWER, 2, &[&[f(2.0), i(0)], &[f(2.0), i(1)], &[f(1.1), i(17)]]);
    check_text(
        POWER,
        &[f(2.0), i(3)],
        expect![[r#"
        module closed entry @0

        graph @0 main(%0: f64, %1: i64) -> (f64) {
          %2 = const 0 : i64
          %3 = loop @1 @2 (%1, %2) : (i64, i64)
          %4 = get 1 %3 : i64
          %5 = const 1.0 : f64
          %6 = loop @3 @4 (%5, %4, %0) : (f64, i64)
          %7 = get 0 %6 : f64
          %8 = tuple (%7) : (f64)
          return %8
        }

        graph @1 again(%0: i64, %1: i64) -> bool {
          %2 = const 0 : i64
          %3 = eq %0 %2 : bool
          %4 = logical_not %3 : bool
          return %4
        }

        graph @2 f(%0: i64, %1: i64) -> (i64, i64) {
          %2 = const 1 : i64
          %3 = sub %0 %2 : i64
          %4 = add %1 %2 : i64
          %5 = tuple (%3, %4) : (i64, i64)
          return %5
        }

        graph @3 left(%0: f64, %1: i64, %2: f64) -> bool {
          %3 = const 0 : i64
          %4 = gt %1 %3 : bool
          return %4
        }

        graph @4 f(%0: f64, %1: i64, %2: f64) -> (f64, i64) {
          %3 = mul %2 %0 : f64
          %4 = const 1 : i64
          %5 = sub %1 %4 : i64
          %6 = tuple (%3, %5) : (f64, i64)
          return %6
        }
    "#]],
    );
}

#[test]
fn a_tail_recursion_becomes_one() {
    let python = "def f(x, n, acc):\n    if n == 0:\n        return acc\n    return f(x, n - 1, acc * x)\n";
    check(python, 1, &[&[f(2.0), i(0), f(1.0)], &[f(1.1), i(9), f(1.0)]]);
    check_text(
        python,
        &[f(2.0), i(3), f(1.0)],
        expect![[r#"
        module closed entry @0

        graph @0 main(%0: f64, %1: i64, %2: f64) -> (f64) {
          %3 = loop @1 @2 (%1, %2, %0) : (i64, f64)
          %4 = get 1 %3 : f64
          %5 = tuple (%4) : (f64)
          return %5
        }

        graph @1 again(%0: i64, %1: f64, %2: f64) -> bool {
          %3 = const 0 : i64
          %4 = eq %0 %3 : bool
          %5 = logical_not %4 : bool
          return %5
        }

        graph @2 f(%0: i64, %1: f64, %2: f64) -> (i64, f64) {
          %3 = const 1 : i64
          %4 = sub %0 %3 : i64
          %5 = mul %1 %2 : f64
          %6 = tuple (%4, %5) : (i64, f64)
          return %6
        }
    "#]],
    );
}

#[test]
fn work_before_the_test_is_carried() {
    let python = "import math\ndef f(x, n):\n    y = math.exp(x)\n    if y > 100.0:\n        return y + x\n    return f(x + 0.5, n) - y\n";
    check(python, 2, &[&[f(9.0), i(0)], &[f(0.1), i(0)]]);
    check_text(
        python,
        &[f(0.1), i(3)],
        expect![[r#"
        module closed entry @0

        graph @0 main(%0: f64, %1: i64) -> (f64) {
          %2 = exp %0 : f64
          %3 = const 100.0 : f64
          %4 = gt %2 %3 : bool
          %5 = logical_not %4 : bool
          %6 = const 0 : i64
          %7 = zero : stack f64
          %8 = loop @1 @2 (%0, %5, %2, %6, %7) : (f64, bool, f64, i64, stack f64)
          %9 = get 0 %8 : f64
          %10 = get 2 %8 : f64
          %11 = get 3 %8 : i64
          %12 = get 4 %8 : stack f64
          %13 = add %10 %9 : f64
          %14 = loop @3 @4 (%13, %11, %12) : (f64, i64, stack f64)
          %15 = get 0 %14 : f64
          %16 = tuple (%15) : (f64)
          return %16
        }

        graph @1 again(%0: f64, %1: bool, %2: f64, %3: i64, %4: stack f64) -> bool {
          return %1
        }

        graph @2 f(%0: f64, %1: bool, %2: f64, %3: i64, %4: stack f64) -> (f64, bool, f64, i64, stack f64) {
          %5 = const 0.5 : f64
          %6 = add %0 %5 : f64
          %7 = exp %6 : f64
          %8 = const 100.0 : f64
          %9 = gt %7 %8 : bool
          %10 = logical_not %9 : bool
          %11 = const 1 : i64
          %12 = add %3 %11 : i64
          %13 = push %4 %2 : stack f64
          %14 = tuple (%6, %10, %7, %12, %13) : (f64, bool, f64, i64, stack f64)
          return %14
        }

        graph @3 left(%0: f64, %1: i64, %2: stack f64) -> bool {
          %3 = const 0 : i64
          %4 = gt %1 %3 : bool
          return %4
        }

        graph @4 f(%0: f64, %1: i64, %2: stack f64) -> (f64, i64, stack f64) {
          %3 = pop %2 : (stack f64, f64)
          %4 = get 1 %3 : f64
          %5 = sub %0 %4 : f64
          %6 = const 1 : i64
          %7 = sub %1 %6 : i64
          %8 = get 0 %3 : stack f64
          %9 = tuple (%5, %7, %8) : (f64, i64, stack f64)
          return %9
        }
    "#]],
    );
}

#[test]
fn every_path_has_its_own_way_back() {
    let python = "def f(x, n):\n    if n <= 0:\n        return x\n    if n % 3 == 0:\n        return 2.0 * f(x + 1.0, n - 1) + x\n    if n % 3 == 1:\n        return f(x * 1.5, n - 2)\n    y = f(x, n - 1)\n    return y / x if y > 3.0 else y - n\n";
    let args: Vec<Vec<Datum>> = (0..12).map(|n| vec![f(0.7), i(n)]).collect();
    check(python, 2, &args.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

#[test]
fn tail_calls_under_branches_are_told_apart_from_others() {
    let python = "def f(x, n):\n    if n == 0:\n        return x\n    if x > 5.0:\n        if n > 4:\n            return f(x - 3.0, n - 1)\n        return f(x - 2.0, n - 1)\n    return 0.5 * f(x + 1.0, n - 1)\n";
    let args: Vec<Vec<Datum>> = (0..12).map(|n| vec![f(4.3), i(n)]).collect();
    check(python, 2, &args.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

#[test]
fn several_results_and_work_after_the_branch() {
    let python = "def g(x, n):\n    if n == 0:\n        return x, 1.0\n    a, b = g(x + 1.0, n - 1)\n    a = a * b\n    return b + x, a\ndef f(x, n):\n    a, b = g(x, n)\n    return a - b\n";
    check(python, 2, &[&[f(2.0), i(0)], &[f(2.0), i(1)], &[f(0.3), i(5)]]);
}

#[test]
fn mutual_recursion_along_one_cycle() {
    let python = "def even(x, n):\n    return 1.0 if n == 0 else x * odd(x, n - 1)\ndef odd(x, n):\n    return x if n == 0 else x + even(x, n - 1)\ndef f(x, n):\n    return even(x, n)\n";
    check(python, 2, &[&[f(2.0), i(0)], &[f(2.0), i(3)], &[f(0.3), i(6)]]);
}

#[test]
fn work_after_the_branch_is_done_at_the_end_too() {
    let python = "def f(x, n):\n    y = x if n == 0 else f(x + 1.0, n - 1)\n    return y * x\n";
    check(python, 2, &[&[f(2.0), i(0)], &[f(2.0), i(1)], &[f(0.3), i(5)]]);
}

/// Two self-calls on a path: there is no loop for that.
#[test]
fn tree_recursion_stays() {
    let python = "def f(x, n):\n    if n == 0:\n        return x\n    return f(x * 0.5, n - 1) + f(x, n - 1)\n";
    let args = [f(2.0), i(3)];
    let before = specialised(python, &args);
    let after = closed(&before);
    assert_eq!(shape(&after).1, 0);
    assert!(shape(&after).0 > 0);
}

#[test]
fn the_branch_not_taken_is_not_run() {
    let python = "def f(xs, n):\n    if n == 0:\n        return 0.0\n    if n > 3:\n        return f(xs, n - 4)\n    return xs[n - 1] + f(xs, n - 1)\n";
    let xs = || Datum::Array(adjudicate_kernels::Array::from_slice(&[3], &[1.0, 2.0, 4.0]));
    check(python, 2, &[&[xs(), i(0)], &[xs(), i(3)], &[xs(), i(7)]]);
}
