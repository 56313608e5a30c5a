//! The statement-level tape of scalars: as a strategy beside the tape, and as a library.

use crate::common::run;
use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::{Module, Op};
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_strategies::find;
use adjudicate_strategies::scalar::{Active, Real, ScalarTape};

/// Programs of scalars in which much happens, each a function of one float. Arrays may be data.
const PROGRAMS: &[&str] = &[
    "def f(x):\n    return np.sin(x) * x + np.exp(-x) / (1.0 + x * x)\n",
    "def f(x):\n    y = x\n    while y < 50.0:\n        y = y * x + np.sqrt(y)\n    return y\n",
    "def f(x):\n    return x ** 3 + abs(x - 2.0) * np.tanh(x) + np.maximum(x, 0.5) ** x\n",
    "def rec(y):\n    if y < 0.1:\n        return y\n    return y * rec(y / 2.0) + np.log(y)\n\n\ndef f(x):\n    return rec(x)\n",
    "def f(x):\n    g = lambda y: y * x\n    for _ in range(3):\n        g = lambda y, h=g: h(h(y) + x)\n    return g(1.0)\n",
    "from adjudicate import grad\n\n\ndef f(x):\n    return x * grad(lambda y: x * y * y)(x * 2.0)\n",
    "def f(x):\n    t = np.array([0.1, 0.2, 0.7])\n    y = x\n    for i in range(3):\n        y = np.tanh(y * t[i]) + np.sum(t * t[0]) * x\n    for d in t[1:]:\n        y = y * np.exp(-d * x)\n    return y\n",
    "def rec(y, t, i):\n    if i == len(t):\n        return y\n    return np.sin(rec(y, t, i + 1) * t[i] + y)\n\n\ndef f(x):\n    return rec(x, np.linspace(0.2, 0.9, 4), 0)\n",
    "def f(x):\n    y = 0.0 * x\n    for i in range(5):\n        y = y + (x if i % 2 == 0 else np.cos(x)) * i\n    return y\n",
];

#[test]
fn it_agrees_with_the_tape_at_every_order() {
    let (tape, scalar) = (find("tape").expect("the tape"), find("tape:scalar").expect("the scalar tape"));
    for program in PROGRAMS {
        let program = format!("import numpy as np\n{program}");
        for order in 1..=3 {
            let args = [Datum::F64(1.3)];
            let run = |strategy| run(strategy, &program, Ask::Gradient, order, &args);
            let (ours, theirs) = (run(scalar).expect("it runs"), run(tape).expect("it runs"));
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-10 * b.abs().max(1.0);
            assert!(
                ours.len() == theirs.len() && ours.iter().zip(&theirs).all(near),
                "{program}{order}: {ours:?} {theirs:?}"
            );
        }
    }
}

#[test]
fn an_array_of_floats_is_refused_with_its_line() {
    let program = "import numpy as np\n\n\ndef f(x):\n    y = np.ones(3) * x\n    return np.sum(y)\n";
    let why = run(find("tape:scalar").expect("it"), program, Ask::Gradient, 1, &[Datum::F64(1.0)]).unwrap_err();
    assert!(why.starts_with("refused:") && why.contains("`f` computes with an array of floats, f64[3]"), "{why}");
    assert!(why.contains("np.ones(3) * x") && why.contains("or use the strategy `tape`"), "{why}");
}

#[test]
fn an_array_that_is_returned_or_made_of_numbers_from_outside_is_refused() {
    let scalar = find("tape:scalar").expect("it");
    let returned = "import numpy as np\n\n\ndef f(x):\n    return x * 2.0, np.array([1.0, 2.0])\n";
    let why = run(scalar, returned, Ask::Jacobian, 1, &[Datum::F64(1.0)]).unwrap_err();
    assert!(why.starts_with("refused:") && why.contains("f64[2]"), "{why}");
    let captured = "import numpy as np\nfrom adjudicate import grad\n\n\ndef f(x):\n    t = np.array([x, 2.0])\n    return grad(lambda y: y * y * t[0])(x)\n";
    let why = run(scalar, captured, Ask::Gradient, 1, &[Datum::F64(1.0)]).unwrap_err();
    assert!(why.starts_with("refused:") && why.contains("f64[2]"), "{why}");
}

/// A derivative for a single seed is an array of one number that may be active; a function value that is known only when the
/// program runs may make arrays of anything. Neither must lose what it is differentiated by.
#[test]
fn no_array_of_active_numbers_is_taken_for_data() {
    let jacobians = [
        "return np.sum(np.array([j, j * 2.0]))",
        "return np.sum(np.ones(3) * j)",
        "t = np.array([1.0, 2.0])\n    return (t * j) @ t",
        "h = lambda z: np.sum(np.ones(2) * j) * z\n    return h(x)",
        "return scaled(j)",
    ];
    let head = "import numpy as np\nfrom adjudicate import grad, jacobian\n\n\ndef scaled(j):\n    return np.sum(np.ones(2) * j)\n\n\n";
    let [tape, scalar] = ["tape", "tape:scalar"].map(|name| find(name).expect("a strategy"));
    for end in jacobians {
        let program = format!("{head}def f(x):\n    j = jacobian(lambda y: y * y * y)(x)\n    {end}\n");
        let run = |strategy| run(strategy, &program, Ask::Gradient, 1, &[Datum::F64(1.3)]);
        let wanted = run(tape).expect("it runs");
        match run(scalar) {
            Ok(found) => assert!((found[0] - wanted[0]).abs() < 1e-9, "{program}: {found:?}, not {wanted:?}"),
            Err(why) => assert!(why.contains("array of floats"), "{why}"),
        }
    }
    let program = format!(
        "{head}def mk(n):\n    if n == 0:\n        return lambda y: y * y\n    h = mk(n - 1)\n    return lambda y: np.sum(np.ones(3) * h(y)) * y\n\n\ndef f(x, n):\n    g = mk(n)\n    return grad(lambda y: g(y))(x)\n"
    );
    let args = [Datum::F64(1.3), Datum::I64(2)];
    let why = run(scalar, &program, Ask::Value, 1, &args).unwrap_err();
    assert!(why.contains("f64[3], an array of floats that are differentiated"), "{why}");
    assert!(run(tape, &program, Ask::Value, 1, &args).is_ok());
}

#[test]
fn a_cotangent_that_is_an_array_of_one_number_is_said_to_be_no_scalar() {
    let program = "import numpy as np\n\n\ndef r(x, n, t):\n    if n == 0:\n        return t, x\n    a, b = r(x, n - 1, t * 2.0)\n    return a, b * x\n\n\ndef f(x, n):\n    t, y = r(x, n, np.array([1.5]))\n    return t, y\n";
    let seeds = Datum::Tuple(vec![Datum::Array(adjudicate_kernels::Array::full(&[1], 1.0)), Datum::F64(1.0)]);
    let args = [Datum::F64(1.3), Datum::I64(2), seeds];
    let why = run(find("tape:scalar").expect("it"), program, Ask::Vjp, 1, &args).unwrap_err();
    assert!(why.contains("f64[1]") && why.contains("use the strategy `tape`"), "{why}");
}

/// Seven tapes at once are told apart: more derivatives inside each other are refused before anything runs, at the innermost
/// that the user wrote. A recursion that takes derivatives is as deep as the data say.
#[test]
fn more_nested_derivatives_than_tapes_are_refused() {
    let grads = |n: usize| {
        let more: String = (1..=n).map(|i| format!("\n\ndef g{i}(x):\n    return grad(g{})(x)\n", i - 1)).collect();
        format!(
            "from adjudicate import grad, jvp\n\n\ndef g0(x):\n    return x ** 9\n{more}\n\ndef f(x):\n    return g{n}(x)\n"
        )
    };
    let scalar = find("tape:scalar").expect("it");
    let run = |program: &str, order| run(scalar, program, Ask::Gradient, order, &[Datum::F64(1.5)]);
    assert_eq!(run(&grads(6), 1).expect("seven"), [9.0 * 8.0 * 7.0 * 6.0 * 5.0 * 4.0 * 3.0 * 1.5 * 1.5]);
    for (program, order) in [(grads(7), 1), (grads(6), 2), (grads(0), 8)] {
        let why = run(&program, order).unwrap_err();
        assert!(why.starts_with("refused:"), "{why}");
        assert!(why.contains("`g0` is differentiated inside 7 other derivatives") || order == 8, "{why}");
        assert!(why.contains("return grad(g0)(x)") || order == 8, "{why}");
        assert!(why.contains("nests no more than 7") && why.contains("use the strategy `tape`"), "{why}");
    }
    let jvps = grads(3).replace("grad(g", "(lambda h: lambda y: jvp(h, (y,), (1.0,))[1])(g");
    let why = run(&jvps, 2).unwrap_err();
    assert!(why.starts_with("refused:") && why.contains("--> model.py"), "{why}");
}

/// The variant without regions does the same, one operation after the other.
#[test]
fn regions_can_be_left_out() {
    let program = Program::parse("model.py", &format!("import numpy as np\n{}", PROGRAMS[0])).expect("a program");
    let args = [Datum::F64(1.3)];
    let fused = |name: &str| {
        let mut fused = false;
        let request = Request::new("f", Ask::Gradient, &[0], 1, &args);
        let mut watch = |_: &str, module: &Module| {
            let nodes = module.reachable().into_iter().flat_map(|id| &module.graph(id).nodes);
            fused = nodes.into_iter().any(|node| matches!(node.op, Op::Fused(_)));
        };
        let prepared = find(name).expect("it").prepare_watched(&program, &request, &mut watch);
        let result = prepared.expect("it is prepared").run(&[Value::f64(1.3)]).expect("it runs");
        let Value::F64(gradient, _) = result[0] else { panic!("a float") };
        (fused, gradient.to_bits())
    };
    let ((with, gradient), (without, other)) = (fused("tape:scalar"), fused("tape:scalar:no-fusion"));
    assert!(with && !without && gradient == other);
}

/// More operands than the active ones of are told apart beforehand: their operations are applied one after the other.
#[test]
fn a_region_of_many_operands() {
    let names: Vec<String> = (0..70).map(|i| format!("x{i}")).collect();
    let sum: Vec<String> = names.iter().enumerate().map(|(i, name)| format!("{name} * {i}.5")).collect();
    let args: Vec<String> = (1..70).map(|i| format!("x * {i}.25 if x > 0.0 else x * x")).collect();
    let model = format!(
        "def f(x):\n    return g(x, {})\n\n\ndef g({}):\n    return ({}) * x3\n",
        args.join(", "),
        names.join(", "),
        sum.join(" + ")
    );
    for order in 1..=2 {
        let of =
            |name| run(find(name).expect("it"), &model, Ask::Gradient, order, &[Datum::F64(1.3)]).expect("it runs");
        let (ours, theirs) = (of("tape:scalar"), of("tape"));
        assert!((ours[0] - theirs[0]).abs() <= 1e-12 * theirs[0].abs(), "{ours:?} {theirs:?}");
    }
}

/// A statement for each operation on something active, with an edge of 12 bytes for each active operand and 1 byte beside them.
/// What is active differs from trip to trip: `y` becomes so in the first. `c * c` never is, nor is the choice.
#[test]
fn statements_are_those_of_what_is_active() {
    let model = "def f(x, c):
    y = 1.0
    for _ in range(3):
        y = y * x + (c * c - y) * (2.0 if y < c else -c)
    return y
";
    let program = Program::parse("model.py", model).expect("a program");
    let args = [Datum::F64(1.5), Datum::F64(0.7)];
    let strategy = find("tape:scalar").expect("it");
    let prepared = strategy.prepare(&program, &Request::new("f", Ask::Gradient, &[0], 1, &args));
    let mut prepared = prepared.expect("it is prepared");
    let mut by_hand = (1.0, 0.0);
    for _ in 0..3 {
        let (y, dy) = by_hand;
        let factor = if y < 0.7 { 2.0 } else { -0.7 };
        by_hand = (y * 1.5 + (0.7 * 0.7 - y) * factor, dy * 1.5 + y - dy * factor);
    }
    // x; y x and the sum; then twice y x, c² − y, its product and the sum.
    let (statements, edges) = (1 + 2 + 2 * 4, (1 + 1) + 2 * (2 + 1 + 1 + 2));
    for _ in 0..2 {
        let leaves: Vec<Value> = args.iter().flat_map(Datum::leaves).collect();
        let result = prepared.run(&leaves).expect("no error");
        let Value::F64(gradient, _) = result[0] else { panic!("a float") };
        assert!((gradient - by_hand.1).abs() < 1e-14, "{gradient} {by_hand:?}");
        let facts = prepared.facts();
        assert_eq!((facts.tape_entries, facts.tape_bytes), (Some(statements), Some(statements + 12 * edges)));
    }
}

fn rosenbrock<T: Real>(x: &[T]) -> T {
    let term = |pair: &[T]| (pair[1] - pair[0] * pair[0]).powi(2) * 100.0 + (pair[0] * -1.0 + 1.0).powi(2);
    x.windows(2).map(term).reduce(|sum, term| sum + term).expect("two numbers")
}

#[test]
fn nested_types_give_second_order() {
    let at = [0.5, 0.7, 0.4];
    let outer = ScalarTape::new();
    let x: Vec<Active> = at.iter().map(|&x| outer.var(x)).collect();
    let inner = ScalarTape::nested();
    let a: Vec<Active<'_, Active>> = x.iter().map(|&x| inner.var(x)).collect();
    let gradient = inner.gradient_of(rosenbrock(&a), &a);
    let h = 1e-5;
    for (i, di) in gradient.iter().enumerate() {
        let row = outer.gradient_of(*di, &x);
        for (j, second) in row.into_iter().enumerate() {
            let moved = |step: f64| {
                let tape = ScalarTape::new();
                let x: Vec<Active> = (0..3).map(|k| tape.var(at[k] + if k == j { step } else { 0.0 })).collect();
                tape.gradient_of(rosenbrock(&x), &x)[i]
            };
            let expected = (moved(h) - moved(-h)) / (2.0 * h);
            assert!((second - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{i} {j}: {second}, not {expected}");
        }
    }
}

/// 12 bytes for each active operand and 1 for each statement, used again after clearing. The first statement has one operand
/// twice.
#[test]
fn a_statement_is_small() {
    let tape = ScalarTape::new();
    let x = tape.var(2.0);
    let mut y = x;
    for _ in 0..100 {
        y *= x;
    }
    assert_eq!((tape.len(), tape.bytes()), (101, 1 + 100 * (1 + 2 * 12) - 12));
    let [dx] = tape.gradient(y, [x]);
    assert_eq!(dx, 101.0 * 2.0_f64.powi(100));
    tape.clear();
    assert!(tape.is_empty());
    let x = tape.var(3.0);
    assert_eq!(tape.gradient(1.0 / x, [x]), [-(1.0 / 3.0) / 3.0]);
}

/// One statement for a whole expression: 12 bytes for each active operand, however often it stands there.
#[test]
fn an_expression_is_one_statement() {
    let tape = ScalarTape::new();
    let (x, y) = (tape.var(0.7), tape.var(1.3));
    let by_operation = (1.0 - (x * y - x).sin() / 2.0).exp() * -y;
    let apart = tape.gradient(by_operation, [x, y]);
    let before = (tape.len(), tape.bytes());
    let z: Active = ((1.0 - (x.term() * y - x).sin() / 2.0).exp() * -y.term()).into();
    assert_eq!((tape.len() - before.0, tape.bytes() - before.1), (1, 1 + 2 * 12));
    assert_eq!(z.value(), by_operation.value());
    for (a, b) in tape.gradient(z, [x, y]).into_iter().zip(apart) {
        assert!((a - b).abs() < 1e-15, "{a} {b}");
    }
    let constant: Active = (x.term().cos() * 0.0 + Active::from(2.0)).into();
    assert_eq!(constant.value(), 2.0);
    let two: Active = Active::from(2.0);
    let before = tape.len();
    assert_eq!(Active::from(two.term() * two).value(), 4.0);
    assert_eq!(tape.len(), before);
}

/// Operands are counted after those that are the same have become one.
#[test]
fn an_operand_may_stand_in_an_expression_often() {
    let tape = ScalarTape::new();
    let x = tape.var(0.5);
    let two = x.term() + x;
    let eight = two + two + (two + two);
    let y: Active = (eight * eight).into();
    assert_eq!((tape.len(), tape.bytes()), (2, 2 + 12));
    let z = y * x;
    assert_eq!((y.value(), tape.gradient(z, [x, y])), (16.0, [48.0, 0.5]));
}

/// A tape grows, is cleared and grows again; results of before are those of after.
#[test]
fn statements_of_any_number_are_kept() {
    let tape = ScalarTape::new();
    for n in [10_000, 100, 30_000] {
        tape.clear();
        let x = tape.var(1.0);
        let y = (0..n).fold(x, |y, i| match i % 3 {
            0 => ((y.term() + x) * 1.0 + x).into(),
            1 => y - x - x,
            _ => y.powi(1),
        });
        let dy = 1 + 2 * ((n + 2) / 3 - (n + 1) / 3);
        assert_eq!(tape.gradient(y, [x]), [f64::from(dy)], "{n}");
        let z: Active = y.term().into();
        assert_eq!(tape.gradient(z, [y, x]), [1.0, f64::from(dy)], "{n}");
        assert_eq!(tape.gradient(y, [z]), [0.0], "{n}");
    }
}

/// Contributions to the statement before, several of them among others, are in the cotangent that is read next.
#[test]
fn an_operand_that_stands_before_gets_all_its_contributions() {
    let tape = ScalarTape::new();
    let x = tape.var(3.0);
    let y = x * 2.0;
    let z = y * y;
    let w = z * z - y;
    // w = 16 x⁴ - 2 x
    assert_eq!(tape.gradient(w, [x, y, z]), [64.0 * 27.0 - 2.0, 32.0 * 27.0 - 1.0, 72.0]);
    let below = ScalarTape::nested();
    let a = below.var(x);
    let b = a * a;
    let c = b * b;
    let [da] = below.gradient(c, [a]);
    assert_eq!((da.value(), tape.gradient(da, [x])), (108.0, [108.0]));
}

#[test]
fn an_expression_of_nested_numbers_has_second_derivatives() {
    let (outer, inner) = (ScalarTape::new(), ScalarTape::nested());
    let x = outer.var(0.5);
    let a = inner.var(x);
    let b: Active<'_, Active> = ((a.term() * a).sin() / a - a).into();
    let [da] = inner.gradient(b, [a]);
    let [dda] = outer.gradient(da, [x]);
    // sin(x²)/x - x
    let x = 0.5_f64;
    let (s, c) = (x * x).sin_cos();
    assert!((da.value() - (2.0 * c - s / (x * x) - 1.0)).abs() < 1e-14, "{da:?}");
    assert!((dda - (-4.0 * x * s - 2.0 * c / x + 2.0 * s / (x * x * x))).abs() < 1e-13, "{dda}");
}

#[test]
#[should_panic(expected = "a number of another tape")]
fn an_expression_on_two_tapes_is_caught() {
    let (one, other) = (ScalarTape::new(), ScalarTape::new());
    let (x, y) = (one.var(1.0), other.var(2.0));
    let _: Active = (x.term() * y).into();
}

#[test]
#[should_panic(expected = "from before the tape was cleared")]
fn a_number_from_before_clearing_is_caught() {
    let tape = ScalarTape::new();
    let x = tape.var(2.0);
    tape.clear();
    tape.gradient(x * x, [x]);
}
