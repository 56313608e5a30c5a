//! What the optimised derivative of small programs is, to the letter; and what does not blow up.
//!
//! `UPDATE_EXPECT=1 cargo test -p adjudicate-strategies golden` blesses.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::{Module, Op};
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::text;
use adjudicate_strategies::{PrepareError, find};
use expect_test::{Expect, expect};

/// The program of a derivative of `f` after the last pass.
#[track_caller]
fn optimised(strategy: &str, python: &str, order: usize, args: &[Datum]) -> Module {
    let program = Program::parse("model.py", python).unwrap_or_else(|why| panic!("{why}"));
    let request = Request::new("f", Ask::Gradient, &[0], order, args);
    let mut last = None;
    let strategy = find(strategy).expect("a strategy");
    match strategy.prepare_watched(&program, &request, &mut |_, module| last = Some(module.clone())) {
        Ok(_) => last.expect("a stage"),
        Err(PrepareError::Program(why)) => panic!("{why}"),
        Err(PrepareError::Refused(why)) => panic!("{}", why.diagnostic),
    }
}

#[track_caller]
fn check(python: &str, wanted: &Expect) {
    let module = optimised("closure", python, 1, &[Datum::F64(2.0)]);
    wanted.assert_eq(&text::print(&module));
}

/// `grad(x**3) = 3 * x**2`.
#[test]
fn the_gradient_of_the_cube() {
    check(
        "def f(x):\n    return x ** 3\n",
        &expect![[r#"
        module closed entry @0

        graph @0 main(%0: f64) -> (f64) {
          %1 = powi[2] %0 : f64
          %2 = const 3.0 : f64
          %3 = mul %2 %1 : f64
          %4 = tuple (%3) : (f64)
          return %4
        }
    "#]],
    );
}

#[test]
fn the_gradient_of_the_square() {
    check(
        "def f(x):\n    return x * x\n",
        &expect![[r#"
        module closed entry @0

        graph @0 main(%0: f64) -> (f64) {
          %1 = add %0 %0 : f64
          %2 = tuple (%1) : (f64)
          return %2
        }
    "#]],
    );
}

/// Neither the pair of the forward pass nor the condition is left of the branch.
#[test]
fn the_gradient_of_a_branch() {
    check(
        "def f(x):\n    return x * x if x > 1.0 else 3.0 * x\n",
        &expect![[r#"
        module closed entry @0

        graph @0 main(%0: f64) -> (f64) {
          %1 = const 1.0 : f64
          %2 = gt %0 %1 : bool
          %3 = if %2 @1 @2 (%0) : (f64)
          return %3
        }

        graph @1 dthen(%0: f64) -> (f64) {
          %1 = add %0 %0 : f64
          %2 = tuple (%1) : (f64)
          return %2
        }

        graph @2 delse(%0: f64) -> (f64) {
          %1 = const 3.0 : f64
          %2 = tuple (%1) : (f64)
          return %2
        }
    "#]],
    );
}

#[test]
fn the_gradient_through_functions_and_tuples() {
    let python = "
def scale(k):
    return lambda x: (k * x, x)

def f(x):
    a, b = scale(3.0)(x)
    return a + b
";
    check(
        python,
        &expect![[r#"
        module closed entry @0

        graph @0 main(%0: f64) -> (f64) {
          %1 = const 4.0 : f64
          %2 = tuple (%1) : (f64)
          return %2
        }
    "#]],
    );
}

/// `g` is five nested `sin(x) * x`, `f` a derivative of it.
fn nested(order: usize) -> String {
    let derivative = (1..order).fold("g".to_owned(), |f, _| format!("grad({f})"));
    format!(
        "
import numpy as np
from adjudicate import grad

def s(x):
    return np.sin(x) * x

def g(x):
    return s(s(s(s(s(x)))))

def f(x):
    return {derivative}(x)
"
    )
}

/// The bounds are those of a scalar prototype.
#[test]
fn higher_derivatives_of_nested_functions_stay_small() {
    for (order, most) in [(1, 90), (2, 240), (3, 680), (4, 1900)] {
        for strategy in ["closure:no-fusion", "dataflow:no-fusion"] {
            let nodes = optimised(strategy, &nested(order), 1, &[Datum::F64(0.7)]).node_count();
            assert!(nodes <= most, "{strategy}, order {order}: {nodes} nodes");
        }
    }
}

/// The size of a gradient of `n` pieces is linear in `n`.
#[track_caller]
fn check_linear(python: impl Fn(usize) -> String, most: usize) {
    let nodes = |n| optimised("closure", &python(n), 1, &[Datum::F64(0.7)]).node_count();
    let (small, large) = (nodes(10), nodes(20));
    assert!(large <= 2 * small + most, "{small} nodes for 10, {large} for 20");
}

#[test]
fn branches_in_sequence_are_not_multiplied() {
    let body = "    x = x * x if x > 0.5 else x + 1.0\n";
    check_linear(|n| format!("def f(x):\n{}    return x\n", body.repeat(n)), 20);
}

#[test]
fn nested_closures_are_not_multiplied() {
    let layer = |i: usize| format!("    f{} = lambda y, g=f{i}: g(y) * x\n", i + 1);
    let layers = |n: usize| (0..n).map(layer).collect::<String>();
    check_linear(|n| format!("def f(x):\n    f0 = lambda y: y\n{}    return f{n}(x)\n", layers(n)), 20);
}

/// No structure is left where nothing at run time needs it.
#[test]
fn nothing_of_the_transform_survives() {
    for order in 1..=3 {
        let module = optimised("closure:no-fusion", &nested(order), 1, &[Datum::F64(0.7)]);
        for id in module.reachable() {
            let graph = module.graph(id);
            let left = |op: &Op| matches!(op, Op::Call(_) | Op::Closure(_) | Op::Apply(_) | Op::Zero | Op::Get(_));
            assert!(!graph.nodes.iter().any(|n| left(&n.op)), "{}", text::print(&module));
        }
    }
}

/// Of what a step of the inner loop computes, its adjoint needs `a`, its sine and cosine, `1 - x * cos(a)` and `d`. The
/// derivatives of cosine and sine make sine and cosine of `a` again; the last two are made of the others and of `x`, which
/// is the same in all trips of both loops; not so if the outer loop changes it.
#[test]
fn what_a_loop_in_a_loop_can_compute_again_is_not_kept() {
    let kept = |changes: &str| {
        let python = format!(
            "import numpy as np\ndef f(x):\n    s = 0.0\n    for i in range(4):\n        a = x + i\n        d = 1.0\n        while abs(d) > 1e-9:\n            d = (a - x * np.sin(a)) / (1.0 - x * np.cos(a))\n            a = a - d\n        s = s + a * a\n{changes}    return s\n"
        );
        let module = optimised("closure", &python, 1, &[Datum::F64(0.3)]);
        let is_push = |op: &Op| matches!(op, Op::Prim(p) if p.def.name == "push");
        let graphs = module.reachable().into_iter().map(|id| module.graph(id));
        let inner = graphs.filter(|graph| !graph.nodes.iter().any(|n| matches!(n.op, Op::Loop { .. })));
        inner.map(|graph| graph.nodes.iter().filter(|n| is_push(&n.op)).count()).max()
    };
    assert_eq!(kept(""), Some(1));
    assert_eq!(kept("        x = x * 0.9\n"), Some(3));
}

/// A derivative that grows beyond what is optimised is refused, with the limit and its place; the orders
/// below it run.
#[test]
fn an_order_that_is_too_high_is_refused() {
    let loops = "def f(x):\n    y = x\n    while y < 5.0:\n        y = y * y * x + 0.5\n    return y\n";
    let program = Program::parse("model.py", loops).unwrap_or_else(|why| panic!("{why}"));
    let prepare = |order| {
        let request = Request::new("f", Ask::Gradient, &[0], order, &[Datum::F64(0.7)]);
        find("closure").expect("a strategy").prepare(&program, &request)
    };
    assert!(prepare(7).is_ok());
    let Err(PrepareError::Refused(why)) = prepare(40) else { panic!("order 40 is prepared") };
    let said = &why.diagnostic.message;
    assert!(said.contains("others inside it") && said.contains("more than the 524288"), "{said}");
    assert!(said.contains("this derivative in `f`") && why.to_string().contains("; ask for a lower order"), "{why}");
    assert_eq!(why.position, "model.py:1:1");
}

/// The derivative of a recursive function is about that of a function which calls it: its first level is not
/// transformed apart.
#[test]
fn a_recursion_is_transformed_once() {
    let recursion = |name: &str| {
        format!("def {name}(x, n):\n    return {name}(x * x, n - 1) + {name}(x + 1.0, n - 2) if n > 0 else x\n")
    };
    let args = [Datum::F64(0.7), Datum::I64(4)];
    let called = format!("{}def f(x, n):\n    return p(x, n)\n", recursion("p"));
    let nodes = |python: &str| optimised("closure", python, 1, &args).node_count();
    let (direct, called) = (nodes(&recursion("f")), nodes(&called));
    assert!(4 * direct <= 5 * called, "{direct} nodes, {called} when it is called");
}

/// Each branch of a recursion has a backpropagator of its own, which captures what that branch alone reads and puts its
/// cotangents where those of the whole are wanted; nothing is called only to pass on.
#[test]
fn each_branch_of_a_recursion_has_its_own_backpropagator() {
    check(
        "def walk(x, y, n):
    if n < 1:
        return x
    return walk(y, x, n - 1) * walk(x, y, n - 2)

def f(x):
    return walk(x, x, 5)
",
        &expect![[r#"
            module closed entry @0

            graph @0 main(%0: f64) -> (f64) {
              %1 = const 1.0 : f64
              %2 = const 5 : i64
              %3 = call @1 (%0, %0, %2) : (f64, fn(f64) -> (f64, f64))
              %4 = get 1 %3 : fn(f64) -> (f64, f64)
              %5 = apply %4 (%1) : (f64, f64)
              %6 = get 0 %5 : f64
              %7 = get 1 %5 : f64
              %8 = add %6 %7 : f64
              %9 = tuple (%8) : (f64)
              return %9
            }

            graph @1 "walk'"(%0: f64, %1: f64, %2: i64) -> (f64, fn(f64) -> (f64, f64)) {
              %3 = const 1 : i64
              %4 = lt %2 %3 : bool
              %5 = if %4 @2 @4 (%0, %1, %2) : (f64, fn(f64) -> (f64, f64))
              return %5
            }

            graph @2 "then'"(%0: f64, %1: f64, %2: i64) -> (f64, fn(f64) -> (f64, f64)) {
              %3 = closure @3 () : fn(f64) -> (f64, f64)
              %4 = tuple (%0, %3) : (f64, fn(f64) -> (f64, f64))
              return %4
            }

            graph @3 dthen(%0: f64) -> (f64, f64) {
              %1 = zero : f64
              %2 = tuple (%0, %1) : (f64, f64)
              return %2
            }

            graph @4 "else'"(%0: f64, %1: f64, %2: i64) -> (f64, fn(f64) -> (f64, f64)) {
              %3 = const 1 : i64
              %4 = sub %2 %3 : i64
              %5 = call @1 (%1, %0, %4) : (f64, fn(f64) -> (f64, f64))
              %6 = get 1 %5 : fn(f64) -> (f64, f64)
              %7 = get 0 %5 : f64
              %8 = const 2 : i64
              %9 = sub %2 %8 : i64
              %10 = call @1 (%0, %1, %9) : (f64, fn(f64) -> (f64, f64))
              %11 = get 1 %10 : fn(f64) -> (f64, f64)
              %12 = get 0 %10 : f64
              %13 = mul %7 %12 : f64
              %14 = closure @5 (%6, %7, %11, %12) : fn(f64) -> (f64, f64)
              %15 = tuple (%13, %14) : (f64, fn(f64) -> (f64, f64))
              return %15
            }

            graph @5 delse(%9: fn(f64) -> (f64, f64), %1: f64, %5: fn(f64) -> (f64, f64), %2: f64, %0: f64) -> (f64, f64) {
              %3 = mul %0 %2 : f64
              %4 = mul %0 %1 : f64
              %6 = apply %5 (%4) : (f64, f64)
              %7 = get 0 %6 : f64
              %8 = get 1 %6 : f64
              %10 = apply %9 (%3) : (f64, f64)
              %11 = get 0 %10 : f64
              %12 = add %8 %11 : f64
              %13 = get 1 %10 : f64
              %14 = add %7 %13 : f64
              %15 = tuple (%14, %12) : (f64, f64)
              return %15
            }
        "#]],
    );
}
