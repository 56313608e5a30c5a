//! Many lanes at once: `vmap` against the same program written as a loop over the lanes, and
//! Jacobians and higher derivatives, which batch their seeds, against closed forms and differences.

use crate::common::run;
use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_kernels::Array;
use adjudicate_strategies::{STRATEGIES, Strategy};

/// The strategies that take arrays.
fn with_arrays() -> impl Iterator<Item = &'static dyn Strategy> {
    STRATEGIES.iter().copied().filter(|strategy| !strategy.name().starts_with("tape:scalar"))
}

fn array(shape: &[usize]) -> Datum {
    let size: usize = shape.iter().product();
    Datum::Array(Array::from_vec(shape, (0..size).map(|i| 0.3 + 0.7 * (i as f64 * 1.3).sin()).collect()))
}

fn close(what: &str, found: &[f64], wanted: &[f64], tolerance: f64) {
    let near = |a: &f64, b: &f64| (a - b).abs() <= tolerance * b.abs().max(1.0) || a.is_nan() && b.is_nan();
    let same = found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| near(a, b));
    assert!(same, "{what}: {found:?}, not {wanted:?}");
}

const ASKS: &[(Ask, usize, f64)] =
    &[(Ask::Value, 1, 1e-12), (Ask::Gradient, 1, 1e-10), (Ask::Gradient, 2, 1e-9), (Ask::Gradient, 3, 1e-7)];

/// Two programs agree in value and derivatives, strategy by strategy.
#[track_caller]
fn same(lanes: &str, loops: &str, args: &[Datum]) {
    let head =
        "import numpy as np\nfrom adjudicate import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp, vmap\n";
    for strategy in with_arrays() {
        for &(ask, order, tolerance) in ASKS {
            let finite = strategy.name() == "finite";
            if finite && order > 1 {
                continue;
            }
            let found = run(strategy, &format!("{head}{lanes}"), ask, order, args);
            let wanted = run(strategy, &format!("{head}{loops}"), ask, order, args);
            let what = format!("{} {} {order}\n{lanes}", strategy.name(), ask.name());
            match (found, wanted) {
                // A static graph has no function values that depend on data, in either form.
                (Err(a), Err(b))
                    if strategy.name().starts_with("dataflow")
                        && a.starts_with("refused:")
                        && b.starts_with("refused:") => {}
                (Ok(found), Ok(wanted)) => close(&what, &found, &wanted, if finite { 1e-7 } else { tolerance }),
                (found, wanted) => panic!("{what}: {found:?}, but by a loop {wanted:?}"),
            }
        }
    }
}

/// `vmap(g)` over the rows of `x`, weighted and summed, against a loop.
#[track_caller]
fn rows(g: &str, x: &Datum) {
    let lanes = format!("{g}\ndef f(x):\n    y = vmap(g)(x)\n    return np.sum(y * y * np.sum(x))\n");
    let loops = format!(
        "{g}\ndef f(x):\n    s = 0.0\n    for i in range(len(x)):\n        y = g(x[i])\n        s = s + np.sum(y * y * np.sum(x))\n    return s\n"
    );
    same(&lanes, &loops, std::slice::from_ref(x));
}

#[test]
fn straight_lines() {
    rows("def g(r):\n    return np.sum(r * np.sin(r)) * r[0]\n", &array(&[3, 2]));
    rows("def g(r):\n    return np.tanh(r) / (2.0 + r * r)\n", &array(&[3]));
    rows("def g(r):\n    return np.max(r) * r[::-1] + np.cumsum(r)\n", &array(&[2, 3]));
    rows("def g(r):\n    return np.reshape(r, (2, 2)) @ np.reshape(r, (2, 2)).T\n", &array(&[2, 4]));
    rows("def g(r):\n    return np.concatenate((r, np.ones(2)))[1:3] * np.exp(r)\n", &array(&[2, 2]));
    rows("def g(r):\n    return 2.0\n", &array(&[2, 2]));
}

#[test]
fn one_lane_and_none() {
    rows("def g(r):\n    return np.sum(r * r * r)\n", &array(&[1, 2]));
    rows("def g(r):\n    return r * r if r > 0.0 else r\n", &array(&[1]));
    let none = Datum::Array(Array::from_vec(&[0, 2], Vec::new()));
    for strategy in with_arrays() {
        for body in ["np.sum(r * r)", "r[0] if r[1] > 0.0 else r[1]", "np.sum(r @ np.ones((2, 2)))"] {
            let python = format!(
                "import numpy as np\nfrom adjudicate import vmap\ndef f(x):\n    return np.sum(vmap(lambda r: {body})(x))\n"
            );
            assert_eq!(run(strategy, &python, Ask::Value, 1, std::slice::from_ref(&none)).as_deref(), Ok(&[0.0][..]));
            let gradient = run(strategy, &python, Ask::Gradient, 1, std::slice::from_ref(&none));
            assert_eq!(gradient.as_deref(), Ok(&[][..]), "{}", strategy.name());
        }
    }
}

#[test]
fn axes_and_shared_arguments() {
    let lanes = "def f(x):\n    y = vmap(lambda a, b, c: a * np.sum(b) + c, in_axes=(1, None, -1))(x, x, x)\n    return np.sum(y * y)\n";
    let loops = "def f(x):\n    s = 0.0\n    for i in range(x.shape[1]):\n        y = x[:, i] * np.sum(x) + x[:, i]\n        s = s + np.sum(y * y)\n    return s\n";
    same(lanes, loops, &[array(&[2, 3])]);
    let lanes =
        "def f(x):\n    a, b = vmap(lambda p: (p[0] * p[1], p[1]), in_axes=0)((x, x * x))\n    return np.sum(a * b)\n";
    let loops = "def f(x):\n    return np.sum(x * x * x * x * x)\n";
    same(lanes, loops, &[array(&[3])]);
}

#[test]
fn branches_take_each_lane_its_own_way() {
    rows("def g(r):\n    return np.sqrt(r) if r > 0.2 else r * r\n", &array(&[5]));
    rows(
        "def g(r):\n    if r > 0.2:\n        if r > 0.5:\n            return np.log(r)\n        return r * r\n    return 1.0 / (r - 1.0)\n",
        &array(&[5]),
    );
}

/// What a lane does not take must not fail, and sends it no cotangent.
#[test]
fn what_a_lane_does_not_take_does_not_run() {
    rows(
        "def g(r):\n    return np.sqrt(r) if r >= 0.0 else -r\n",
        &Datum::Array(Array::from_vec(&[3], vec![-1.0, 4.0, -2.0])),
    );
    let lanes = "def f(x, n):\n    return np.sum(vmap(lambda k: x[k] if k < 2 else x[0] * x[0])(n))\n";
    let loops = "def f(x, n):\n    s = 0.0\n    for i in range(len(n)):\n        k = n[i]\n        s = s + (x[k] if k < 2 else x[0] * x[0])\n    return s\n";
    let n = Datum::Ints(Array::from_vec(&[4], vec![0, 7, 1, 9]));
    same(lanes, loops, &[array(&[2]), n]);
}

#[test]
fn loops_go_on_while_any_lane_does() {
    rows("def g(r):\n    y = r\n    while y * y < 20.0:\n        y = y * (1.5 + r * r)\n    return y\n", &array(&[4]));
    rows(
        "def g(r):\n    y = r\n    for i in range(3):\n        y = y * np.sin(r) + r[i % 2]\n    return y\n",
        &array(&[2, 2]),
    );
    let lanes = "def count(x, n):\n    s = 0.0\n    i = 0\n    while i < n:\n        s = s + x[i] * x[i] * (s + 1.0)\n        i = i + 1\n    return s\ndef f(x, n):\n    return np.sum(vmap(count, in_axes=(None, 0))(x, n))\n";
    let loops = "def count(x, n):\n    s = 0.0\n    i = 0\n    while i < n:\n        s = s + x[i] * x[i] * (s + 1.0)\n        i = i + 1\n    return s\ndef f(x, n):\n    s = 0.0\n    for i in range(len(n)):\n        s = s + count(x, n[i])\n    return s\n";
    let n = Datum::Ints(Array::from_vec(&[4], vec![3, 0, 2, 3]));
    same(lanes, loops, &[array(&[3]), n]);
}

#[test]
fn recursion_ends_with_the_last_lane() {
    rows("def g(r):\n    return r if r > 2.0 else r * g(r + 0.75)\n", &array(&[3]));
}

#[test]
fn functions_in_tuples_and_closures() {
    rows(
        "def g(r):\n    fs = (np.sin, lambda y: y * r, lambda y: y + 1.0)\n    y = r\n    for h in fs:\n        y = h(y)\n    return y\n",
        &array(&[3]),
    );
    rows("def g(r):\n    h = (lambda y: y * r) if r > 0.3 else (lambda y: y + r)\n    return h(r * r)\n", &array(&[4]));
}

/// A function value that is made elsewhere, in a number of steps that depends on data, has no lanes.
#[test]
fn functions_from_outside() {
    let made = "def make(x):\n    h = lambda y: np.sin(y)\n    while x < 3.0:\n        h = (lambda k, x: lambda y: np.sin(k(y) * x))(h, x)\n        x = x * 1.5\n    return h\n";
    for (many, one) in [
        ("vmap(lambda e: h(e) * e)(x)", "h(x[i]) * x[i]"),
        ("vmap(grad(h))(x)", "grad(h)(x[i])"),
        ("vmap(lambda e: 1 if h(e) > 0.4 else 2)(x)", "(1 if h(x[i]) > 0.4 else 2)"),
        ("vmap(lambda e: (e, h(e) > 0.4))(x)[1] * x", "(x[i] if h(x[i]) > 0.4 else 0.0)"),
        (
            "vmap(lambda e: np.sum(jacobian(lambda y: np.stack((h(y[0]), y[1])))(e * x)))(x)",
            "np.sum(jacobian(lambda y: np.stack((h(y[0]), y[1])))(x[i] * x))",
        ),
    ] {
        let lanes = format!("{made}def f(x):\n    h = make(x[0] + 1.0)\n    return np.sum({many} * x)\n");
        let loops = format!(
            "{made}def f(x):\n    h = make(x[0] + 1.0)\n    s = 0.0\n    for i in range(len(x)):\n        s = s + {one} * x[i]\n    return s\n"
        );
        same(&lanes, &loops, &[array(&[3])]);
    }
}

#[test]
fn indices_with_lanes() {
    let lanes = "def f(x, n):\n    return np.sum(vmap(lambda r, k: r[k] * r[k] * r[0], in_axes=(0, 0))(x, n))\n";
    let loops = "def f(x, n):\n    s = 0.0\n    for i in range(len(n)):\n        s = s + x[i, n[i]] ** 2 * x[i, 0]\n    return s\n";
    same(lanes, loops, &[array(&[3, 2]), Datum::Ints(Array::from_vec(&[3], vec![1, 0, -1]))]);
}

#[test]
fn nests_with_derivatives_in_any_order() {
    let g = "def g(r):\n    return np.sum(r * r * r) * r[0]\n";
    for inner in [
        "grad(g)",
        "lambda r: hessian(g)(r)",
        "lambda r: jvp(g, (r,), (r * r,))[1]",
        "lambda r: hvp(g)(r, r)",
        "lambda r: jacobian(lambda q: q * q * q[0])(r)",
        "lambda r: value_and_grad(g)(r)[1]",
        "lambda r: vmap(lambda e: e * g(r))(r)",
        "lambda r: grad(lambda q: np.sum(vmap(lambda e: e * g(q))(q)))(r)",
    ] {
        let lanes = format!("{g}\ndef f(x):\n    y = vmap({inner})(x)\n    return np.sum(y * y)\n");
        let loops = format!(
            "{g}\ndef f(x):\n    h = {inner}\n    s = 0.0\n    for i in range(len(x)):\n        y = h(x[i])\n        s = s + np.sum(y * y)\n    return s\n"
        );
        let x = array(&[2, 2]);
        let head =
            "import numpy as np\nfrom adjudicate import grad, hessian, hvp, jacobian, jvp, value_and_grad, vmap\n";
        for strategy in with_arrays().filter(|s| s.name() != "finite") {
            for (ask, order) in [(Ask::Value, 1), (Ask::Gradient, 1), (Ask::Gradient, 2)] {
                let [found, wanted] = [&lanes, &loops]
                    .map(|body| run(strategy, &format!("{head}{body}"), ask, order, std::slice::from_ref(&x)));
                let what = format!("{} {} {order}: {inner}", strategy.name(), ask.name());
                match (found, wanted) {
                    (Ok(found), Ok(wanted)) => close(&what, &found, &wanted, 1e-9),
                    (found, wanted) => panic!("{what}: {found:?}, but by a loop {wanted:?}"),
                }
            }
        }
    }
}

#[test]
fn errors_say_where_and_why() {
    for (body, why) in [
        ("vmap(lambda a, b: a * b)(x, x[1:])", "different numbers of lanes"),
        ("vmap(lambda a: a, in_axes=None)(x)", "no argument to go along"),
        ("vmap(lambda a: a)(2.0)", "goes along an axis of arrays"),
        ("vmap(lambda a: a, in_axes=2)(x)", "no such axis"),
        ("vmap(lambda a: a, in_axes=(0, 0))(x)", "names 2 arguments, but 1 is given"),
        ("vmap(3.0)(x)", "takes a function"),
        ("vmap(lambda a: (lambda b: b))(x)", "must return numbers and arrays"),
        ("vmap(lambda a: np.zeros(a))(np.arange(3))", "must be known before the program runs"),
    ] {
        let python = format!("import numpy as np\nfrom adjudicate import vmap\ndef f(x):\n    return {body}\n");
        for strategy in with_arrays() {
            let error = run(strategy, &python, Ask::Value, 1, &[array(&[3])]).expect_err(body);
            assert!(error.contains(why), "{}: {body}: {error}", strategy.name());
        }
        let error = Program::parse("model.py", &python)
            .expect("a program")
            .specialise(&Request::new("f", Ask::Value, &[0], 1, &[array(&[3])]))
            .expect_err(body);
        assert!(error.to_string().contains("model.py:4"), "{error}");
    }
    let grows = "import numpy as np\nfrom adjudicate import vmap\ndef g(c, d):\n    return c if d == 0 else np.sum(vmap(lambda e: g(e * c, d - 1))(np.ones(2)))\ndef f(x, n):\n    return g(x, n)\n";
    let error = run(STRATEGIES[0], grows, Ask::Value, 1, &[Datum::F64(2.0), Datum::I64(3)]).expect_err("a refusal");
    assert!(error.contains("calls itself through `vmap`"), "{error}");
}

/// Hessian and third derivatives by batched seeds against finite differences of the gradient and, for the
/// Hessian, against each other as forward over reverse and reverse over reverse.
#[test]
fn jacobians_of_everything() {
    for g in [
        "def g(x):\n    y = x\n    for i in range(3):\n        y = y * np.sin(x) + x[i % 2]\n    return np.sum(y * y)\n",
        "def g(x):\n    y = x[0]\n    while y * y < 30.0:\n        y = y * (1.5 + x[1] * x[1])\n    return y * x[2]\n",
        "def p(x, n):\n    return x[0] if n == 0 else x[n] * p(x * x[1], n - 1)\ndef g(x):\n    return p(x, 2)\n",
        "def g(x):\n    h = (lambda y: y * x) if x[0] > 0.0 else (lambda y: y + x)\n    return np.sum(h(x * x) ** 2)\n",
        "def g(x):\n    y = 0.0\n    for h in (np.sin, np.exp, lambda z: z * x[1]):\n        y = y + np.sum(h(x) * x)\n    return y\n",
        "def g(x):\n    s = 0.0\n    for i in range(len(x)):\n        s = s + x[i] ** 3 * x[0]\n    return s\n",
        "def g(x):\n    a = np.reshape(x, (3, 1)) @ np.reshape(x, (1, 3))\n    return np.sum(np.max(a * a, axis=0)) + np.prod(x)\n",
    ] {
        let head = "import numpy as np\nfrom adjudicate import grad, hessian, jacobian, jvp\n";
        let x = [array(&[3])];
        let forward =
            "def f(x):\n    e = np.eye(3)\n    return np.stack([jvp(grad(g), (x,), (e[i],))[1] for i in range(3)])\n";
        let third = "def f(x):\n    e = np.eye(3)\n    return np.stack([jvp(hessian(g), (x,), (e[i],))[1] for i in range(3)])\n";
        for strategy in with_arrays().filter(|s| s.name() != "finite") {
            let named = format!("{head}{g}\ndef f(x):\n    return g(x)\n");
            let hessian = run(strategy, &named, Ask::Hessian, 1, &x);
            let hessian = hessian.unwrap_or_else(|e| panic!("{} {e}\n{g}", strategy.name()));
            let forward = run(strategy, &format!("{head}{g}{forward}"), Ask::Value, 1, &x).unwrap();
            close(&format!("{} hessian\n{g}", strategy.name()), &hessian, &forward, 1e-10);
            let found = run(strategy, &named, Ask::Gradient, 3, &x).unwrap();
            let wanted = run(strategy, &format!("{head}{g}{third}"), Ask::Value, 1, &x).unwrap();
            close(&format!("{} third\n{g}", strategy.name()), &found, &wanted, 1e-9);
        }
    }
}

#[test]
fn jacobians_of_structures_and_of_nothing() {
    let head = "import numpy as np\nfrom adjudicate import jacobian\n";
    let python =
        format!("{head}def f(x):\n    a, b = jacobian(lambda y: (y * y, np.sum(y)))(x)\n    return np.ravel(a), b\n");
    let empty = format!("{head}def f(x):\n    return jacobian(lambda y: y * y)(x)\n");
    let none = [Datum::Array(Array::from_vec(&[0], Vec::new()))];
    for strategy in with_arrays() {
        let found = run(strategy, &python, Ask::Value, 1, &[array(&[2])]).unwrap();
        let Datum::Array(x) = array(&[2]) else { unreachable!("an array") };
        let x = x.as_slice();
        close(strategy.name(), &found, &[2.0 * x[0], 0.0, 0.0, 2.0 * x[1], 1.0, 1.0], 1e-8);
        assert_eq!(run(strategy, &empty, Ask::Value, 1, &none).as_deref(), Ok(&[][..]), "{}", strategy.name());
    }
}
