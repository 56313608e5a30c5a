//! Rejections that depend on types and shapes: what `f` does at given arguments.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::interp;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;
use expect_test::{Expect, expect};

use super::dedent;

/// `x = [0.5, 1.5, 0.2]`, `m = [[2.0, 0.3], [0.1, 1.0]]`, `s = 0.4`, as far as `f` takes them.
fn arguments(program: &Program) -> Vec<Datum> {
    let x = Datum::Array(Array::from_vec(&[3], vec![0.5, 1.5, 0.2]));
    let m = Datum::Array(Array::from_vec(&[2, 2], vec![2.0, 0.3, 0.1, 1.0]));
    let count = program.positional_parameters("f").unwrap_or(0);
    vec![x, m, Datum::F64(0.4)].into_iter().take(count).collect()
}

fn value(python: &str) -> Result<f64, String> {
    let program = Program::parse("model.py", &dedent(python)).map_err(|errors| errors.to_string())?;
    let arguments = arguments(&program);
    let request = Request::new("f", Ask::Value, &[0], 1, &arguments);
    let specialised = program.specialise(&request).map_err(|errors| errors.to_string())?;
    let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    let result = interp::eval(&specialised.module, leaves).map_err(|error| format!("{error:?}"))?;
    match result.items() {
        [Value::F64(y, _)] => Ok(*y),
        [Value::I64(n)] => Ok(*n as f64),
        other => panic!("a number was expected, not {other:?}"),
    }
}

fn check(python: &str, expected: f64) {
    let got = value(python).unwrap_or_else(|errors| panic!("{errors}\n{python}"));
    assert!((got - expected).abs() <= 1e-12 * expected.abs(), "{got}, not {expected}\n{python}");
}

fn check_rejected(python: &str, expected: Expect) {
    expected.assert_eq(&value(python).expect_err("the program is accepted"));
}

/// Programs in which an update in place would be seen through something else.
#[test]
fn updates_of_shared_arrays_are_rejected() {
    let shared = [
        "y = np.zeros(3)\n    z = y\n    z += x\n    return np.sum(y)",
        "y = x\n    x += 1.0\n    return np.sum(y)",
        "x += 1.0\n    return np.sum(x)",
        "y = x[1:]\n    y *= 2.0\n    return np.sum(x)",
        "y = np.zeros(3)\n    t = (y, 1.0)\n    y += x\n    return np.sum(t[0])",
        "y = np.zeros(3)\n    z = y.reshape(3)\n    z += x\n    return np.sum(y)",
        "y = z = np.zeros(3)\n    z += x\n    return np.sum(y)",
        "y = np.zeros(3)\n    def g():\n        return y\n    z = g()\n    y += x\n    return np.sum(z)",
        "same = lambda a: a\n    y = np.zeros(3)\n    z = same(y)\n    z += x\n    return np.sum(y)",
        "y = np.zeros(3)\n    keep = y\n    for i in range(2):\n        y += x\n    return np.sum(keep)",
        "y = np.zeros(3)\n    keep = x\n    for i in range(2):\n        y += x\n        keep = y\n    return np.sum(keep)",
        "for row in [x]:\n        row += 1.0\n    return np.sum(x)",
        "y = np.zeros(3)\n    z = y if x[0] > 0.0 else x\n    z += x\n    return np.sum(y)",
        "l = [1.0]\n    k = l\n    k += [2.0]\n    return float(len(l))",
        "l = [1.0]\n    k = l\n    k += (2.0,)\n    return float(len(l))",
        "l = (1.0,) if x[0] > 0.0 else [1.0]\n    k = l\n    k += (2.0,)\n    return float(len(l))",
        "y = x + (1.0, 1.0, 1.0)\n    z = y\n    z += 1.0\n    return np.sum(y)",
        "y = np.zeros(3)\n    l = [] + [y]\n    y += x\n    return np.sum(l[0])",
    ];
    for body in shared {
        let python = format!("import numpy as np\n\n\ndef f(x):\n    {body}\n");
        let error = value(&python).expect_err(&python);
        assert!(error.contains("in place, and something else may hold it too"), "{error}\n{python}");
    }
}

#[test]
fn updates_of_scalars_and_of_new_arrays_are_rebinding() {
    let owned = [
        ("y = np.zeros(3)\n    y += x\n    return np.sum(y)", 2.2),
        ("z = x * 2.0\n    z += 1.0\n    y = z\n    return np.sum(y)", 7.4),
        ("y = np.zeros(3)\n    for i in range(2):\n        y += x\n    return np.sum(y)", 4.4),
        (
            "h = x\n    for i in range(2):\n        z = h * 2.0\n        z += 1.0\n        h = np.abs(z)\n    return np.sum(h)",
            17.8,
        ),
        ("t = 0.0\n    u = t\n    t += 1.0\n    return u + 10.0 * t", 10.0),
        ("t = 0.0\n    for a in x:\n        a += 1.0\n        t += a\n    return t", 5.2),
        ("double = lambda a: a * 2.0\n    z = double(x)\n    z += 1.0\n    return np.sum(z)", 7.4),
        ("l = []\n    for i in range(2):\n        l += [x[i]]\n    return l[0] + 10.0 * l[1]", 15.5),
        ("t = 0.0\n    t += x\n    t += x\n    return np.sum(t)", 4.4),
        ("t = (x[0],)\n    u = t\n    t += (x[1],)\n    return len(u) + t[1]", 2.5),
        (
            "t = (x[0],)\n    u = t\n    for a in x:\n        u = t\n        t += tuple([a])\n    return len(u) + t[2]",
            4.5,
        ),
        (
            "t = (x[0],)\n    g = lambda: t\n    u = t + (x[1],)\n    k = u\n    u += t\n    return len(k) + u[2] + len(g())",
            3.5,
        ),
    ];
    for (body, expected) in owned {
        check(&format!("import numpy as np\n\n\ndef f(x):\n    {body}\n"), expected);
    }
}

#[test]
fn an_update_of_a_parameter() {
    check_rejected(
        r#"
        def h(a):
            a *= 2.0
            return a[0]

        def f(x):
            return h(x) + x[1]
        "#,
        expect![[r#"
            error: this changes the array in place, and something else may hold it too
             --> model.py:2:5
              |
            2 |     a *= 2.0
              |     ^^^^^^^^
              |
              = help: write `a = a * …`, which makes a new array
            note: called from here
             --> model.py:6:12
              |
            6 |     return h(x) + x[1]
              |            ^^^^
        "#]],
    );
}

#[test]
fn a_list_is_an_index_of_rows() {
    let import = "import numpy as np\n\n\ndef f(x, m, s):\n    return ";
    check(&format!("{import}np.sum(m[[1, 0]] * np.array([1.0, 10.0]))"), 15.1);
    check(&format!("{import}np.sum(x[[0, 2]])"), 0.7);
    check(&format!("{import}np.sum(m[[0, 1]] ** 2)"), 5.1);
    check(&format!("{import}np.sum(m[[0, 1], [1, 0]])"), 0.4);
    check(&format!("{import}np.sum(m[:, [0]])"), 2.1);
    check(&format!("{import}np.sum(x[[2 - i for i in range(2)]] * np.array([1.0, 10.0]))"), 15.2);
}

#[test]
fn a_sequence_in_a_variable_is_no_index() {
    check_rejected(
        r#"
        def f(x, m, s):
            at = [0, 1]
            return m[at]
        "#,
        expect![[r#"
            error: a tuple and a list mean different things as the index of an array
             --> model.py:3:12
              |
            3 |     return m[at]
              |            ^^^^^
              |
              = help: write the positions out, `x[i, j]`, or `x[np.array(rows)]` for several rows
        "#]],
    );
}

#[test]
fn a_list_of_booleans_is_no_index() {
    check_rejected(
        r#"
        import numpy as np

        def f(x):
            return np.sum(x[[True, False, True]])
        "#,
        expect![[r#"
            error: an array cannot be indexed by booleans: the shape of the result depends on data
             --> model.py:4:19
              |
            4 |     return np.sum(x[[True, False, True]])
              |                   ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: use np.where to choose by element
        "#]],
    );
}

#[test]
fn integers_that_do_not_fit_are_errors() {
    let import = "def f():\n    n = 1\n    for i in range(70):\n        n = n * 3\n    return n\n";
    let error = value(import).expect_err("3 ** 70 does not fit");
    assert!(error.contains("does not fit a 64-bit integer; use floats"), "{error}");
    let error = value("def f():\n    return 2 ** 70\n").expect_err("2 ** 70 does not fit");
    assert!(error.contains("2 ** 70 does not fit 64 bits"), "{error}");
    let error = value("def f():\n    return abs(-9223372036854775808)\n").expect_err("2 ** 63 does not fit");
    assert!(error.contains("does not fit 64 bits"), "{error}");
    for (call, said) in [("int(1e19)", "1e19 does not fit"), ("round(-1e300)", "-1e300 does not fit")] {
        let error = value(&format!("def f():\n    return {call}\n")).expect_err("it does not fit");
        assert!(error.contains(said), "{error}");
    }
    check("def f():\n    return int(-9.2e18)\n", -9_200_000_000_000_000_000.0);
    check("def f():\n    n = -1\n    for i in range(40):\n        n = n * 2\n    return n\n", -1_099_511_627_776.0);
}

#[test]
fn attributes_that_do_not_exist() {
    for (body, what) in [("x.foo", "foo"), ("x.meen()", "meen"), ("s.append", "append"), ("(x, s).foo", "foo")] {
        let error = value(&format!("def f(x, m, s):\n    return {body}\n")).expect_err(body);
        assert!(error.contains(&format!("has no attribute `{what}` here")), "{error}");
    }
}

#[test]
fn the_length_of_a_comprehension_is_static() {
    check_rejected(
        r#"
        def f(x):
            return sum([a for a in x if a > 0.0])
        "#,
        expect![[r#"
            error: which items a comprehension keeps must be known before the program runs, but it depends on run-time data
             --> model.py:2:33
              |
            2 |     return sum([a for a in x if a > 0.0])
              |                                 ^^^^^^^
              |
              = help: lengths are static: choose values with `a if c else b` or np.where
            note: called from here
             --> model.py:2:16
              |
            2 |     return sum([a for a in x if a > 0.0])
              |                ^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn dictionaries_have_constant_keys() {
    check_rejected(
        r#"
        def f(x):
            return {i: a for i, a in enumerate(x)}
        "#,
        expect![[r#"
            error: the keys of a dictionary must be constant strings here, not int
             --> model.py:2:12
              |
            2 |     return {i: a for i, a in enumerate(x)}
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: use a tuple for what is indexed by number
        "#]],
    );
    check_rejected(
        r#"
        def f(x):
            d = {"a": x, "b": 1.0}
            return d["c"]
        "#,
        expect![[r#"
            error: this dictionary has no key `c`
             --> model.py:3:12
              |
            3 |     return d["c"]
              |            ^^^^^^
              |
              = help: it has `a`, `b`
        "#]],
    );
}

/// Functions that call themselves on every path: at once, through others, more than once, in a
/// loop, through a function value.
#[test]
fn recursion_without_an_end_is_rejected() {
    let endless = [
        "def f(x):\n    return f(x) + f(x)\n",
        "def f(x):\n    return g(x * 2.0)\n\n\ndef g(x):\n    return f(x) if x[0] > 0.0 else f(-x)\n",
        "def f(x):\n    y = x\n    for i in range(3):\n        y = y + f(y)\n    return y\n",
        "def f(x):\n    g = lambda y: f(y)\n    return g(x)\n",
        "def f(x):\n    return sum([f(v) for v in (x, x)])\n",
    ];
    for python in endless {
        let error = value(python).expect_err(python);
        assert!(error.contains("never returns: every path calls it again"), "{error}\n{python}");
        assert!(error.contains(" --> model.py:"), "{error}\n{python}");
    }
    check("def f(x):\n    return g(x[0])\n\n\ndef g(x):\n    return x if x > 1.0 else g(x + 1.0) + g(x + 2.0)\n", 4.0);
}

/// What a block returns is of another type than what is returned after it: that is wrong, not that the trips of a loop are not
/// known.
#[test]
fn returns_of_two_types_around_a_block() {
    check_rejected(
        r#"
        def f(x):
            if x[0] > 0.0:
                if x[1] > 0.0:
                    return x[0]
            return x[0], x[1]
        "#,
        expect![[r#"
            error: `f` returns float in this block and (float, float) after it
             --> model.py:2:8
              |
            2 |     if x[0] > 0.0:
              |        ^^^^^^^^^^
              |
              = help: both must have one type and shape, unless the condition is known beforehand
            note: the value after it
             --> model.py:5:12
              |
            5 |     return x[0], x[1]
              |            ^^^^^^^^^^
        "#]],
    );
    check_rejected(
        r#"
        import numpy as np

        def f(x):
            y = x[0]
            for a in x:
                if y > 3.0:
                    return y
                y = y * a
            return np.array([y, y])
        "#,
        expect![[r#"
            error: `f` returns float in this block and float array of shape [2] after it
             --> model.py:5:14
              |
            5 |     for a in x:
              |              ^
              |
              = help: both must have one type and shape, unless the condition is known beforehand
            note: the value after it
             --> model.py:9:12
              |
            9 |     return np.array([y, y])
              |            ^^^^^^^^^^^^^^^^
        "#]],
    );
    check_rejected(
        r#"
        def g(y):
            while y < 100.0:
                if y > 3.0:
                    return y
                y = y * 1.5
            return y, y

        def f(x):
            return g(x[0])
        "#,
        expect![[r#"
            error: `g` returns float in this block and (float, float) after it
             --> model.py:2:11
              |
            2 |     while y < 100.0:
              |           ^^^^^^^^^
              |
              = help: both must have one type and shape, unless the condition is known beforehand
            note: the value after it
             --> model.py:6:12
              |
            6 |     return y, y
              |            ^^^^
            note: called from here
             --> model.py:9:12
              |
            9 |     return g(x[0])
              |            ^^^^^^^
        "#]],
    );
    check_rejected(
        r#"
        def f(x):
            y = x[0]
            while y < 100.0:
                if y > 3.0:
                    return y
                elif y > 2.5:
                    return y, y
                y = y * 1.5
            return y
        "#,
        expect![[r#"
            error: the branches give float and (float, float)
             --> model.py:4:12
              |
            4 |         if y > 3.0:
              |            ^^^^^^^
              |
              = help: both must have one type and shape, unless the condition is known beforehand
        "#]],
    );
}

#[test]
fn an_assertion_where_data_decide_whether_the_run_comes_to_it_depends_on_data() {
    check_rejected(
        r#"
        def f(x):
            if x[0] < 0.0:
                assert False, "negative"
            return x[0]
        "#,
        expect![[r#"
            error: this `assert` depends on run-time data, and there are no exceptions
             --> model.py:3:9
              |
            3 |         assert False, "negative"
              |         ^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: leave it out, or return a value that says what went wrong, such as `math.nan`
        "#]],
    );
    check_rejected(
        r#"
        def g(y, negative):
            if negative:
                assert False, "negative"
            return y


        def f(x):
            return g(x[0], x[0] < 0.0)
        "#,
        expect![[r#"
            error: this `assert` depends on run-time data, and there are no exceptions
             --> model.py:3:9
              |
            3 |         assert False, "negative"
              |         ^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: leave it out, or return a value that says what went wrong, such as `math.nan`
        "#]],
    );
    check_rejected(
        r#"
        def g(y):
            assert False, "never"
            return y


        def f(x):
            y = x[0]
            while y > 10.0:
                y = g(y)
            return y
        "#,
        expect![[r#"
            error: this `assert` depends on run-time data, and there are no exceptions
             --> model.py:2:5
              |
            2 |     assert False, "never"
              |     ^^^^^^^^^^^^^^^^^^^^^
              |
              = help: leave it out, or return a value that says what went wrong, such as `math.nan`
        "#]],
    );
}

#[test]
fn an_assertion_where_what_is_known_decides_whether_the_run_comes_to_it_is_checked() {
    let branch = "def g(y, n):\n    if n < 0:\n        assert False, \"negative\"\n    return y\n";
    check(&format!("{branch}\n\ndef f(x):\n    return g(x[0], 3)\n"), 0.5);
    check_rejected(
        r#"
        def f(x):
            y = x[0]
            for i in range(4):
                if i > 2:
                    assert False, "late"
                y = y + 1.0
            return y
        "#,
        expect![[r#"
            error: what this `assert` says does not hold
             --> model.py:5:13
              |
            5 |             assert False, "late"
              |             ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn an_assertion_is_checked_before_the_program_runs() {
    check("def f(x):\n    assert x.shape == (3,), \"three\"\n    return x[0]\n", 0.5);
    check("def g(y, n):\n    assert n == 3\n    return y * n\n\n\ndef f(x):\n    return g(x[0], 3)\n", 1.5);
    check(
        "def f(x):\n    y = 0.0\n    for i in range(4):\n        assert i < 4\n        y = y + x[0]\n    return y\n",
        2.0,
    );
    check_rejected(
        r#"
        def f(x):
            assert len(x) == 2, "two"
            return x[0]
        "#,
        expect![[r#"
            error: what this `assert` says does not hold
             --> model.py:2:5
              |
            2 |     assert len(x) == 2, "two"
              |     ^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check_rejected(
        r#"
        def f(x):
            n, y = 0, x[0]
            while y < 100.0:
                assert n < 50
                n, y = n + 1, y * 2.0
            return y
        "#,
        expect![[r#"
            error: this `assert` depends on run-time data, and there are no exceptions
             --> model.py:4:9
              |
            4 |         assert n < 50
              |         ^^^^^^^^^^^^^
              |
              = help: leave it out, or return a value that says what went wrong, such as `math.nan`
        "#]],
    );
}
