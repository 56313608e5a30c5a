//! A file may hold what the language leaves out: it counts for the functions that need it.

use adjudicate_ir::program::Program;
use expect_test::{Expect, expect};

use super::dedent;

/// A file in which much is left out, and a model that needs none of it.
const FILE: &str = r#"
    import matplotlib.pyplot as plt
    import numpy as np
    from torch import Tensor

    RATE = 0.1
    NOISE = np.random.randn(3)
    np.set_printoptions(precision=3)
    SHIFT = NOISE + RATE

    class Net:
        def __init__(self, w):
            self.w = w

    def predict(w, x):
        return np.tanh(x @ w) * RATE

    def loss(w: Tensor, x, y):
        return np.sum((predict(w, x) - y) ** 2)

    def train(w, x, y, steps):
        for step in range(steps):
            w = w - RATE * loss(w, x, y)
            print(step, w)
        return w

    def plot(w):
        return plt.plot(w)

    def shifted(w):
        return w + SHIFT

    def fit(w, x, y):
        return train(w, x, y, 3)

    def build(w):
        return Net(w)

    if __name__ == "__main__":
        plt.show(fit(1.0, 2.0, 3.0))
"#;

fn check(name: &str, expected: Expect) {
    let program = Program::parse("model.py", &dedent(FILE)).unwrap_or_else(|errors| panic!("{errors}"));
    match program.check(name) {
        Ok(()) => expected.assert_eq("fine"),
        Err(errors) => expected.assert_eq(&errors.to_string()),
    }
}

#[test]
fn what_is_not_needed_does_not_count() {
    check("predict", expect!["fine"]);
    check("loss", expect!["fine"]);
    check("RATE", expect!["fine"]);
}

#[test]
fn a_function_has_its_own_errors() {
    check(
        "train",
        expect![[r#"
        error: `print` has no effect: functions are pure
          --> model.py:23:9
           |
        23 |         print(step, w)
           |         ^^^^^^^^^^^^^^
           |
           = help: remove it, or return the value
    "#]],
    );
}

#[test]
fn and_those_of_what_it_calls() {
    check(
        "fit",
        expect![[r#"
        error: `print` has no effect: functions are pure
          --> model.py:23:9
           |
        23 |         print(step, w)
           |         ^^^^^^^^^^^^^^
           |
           = help: remove it, or return the value
    "#]],
    );
}

#[test]
fn a_constant_counts_where_it_is_used() {
    check(
        "shifted",
        expect![[r#"
        error: `np.random` is not supported
         --> model.py:6:12
          |
        6 | NOISE = np.random.randn(3)
          |            ^^^^^^
          |
          = help: models are pure: pass random numbers in as an argument
    "#]],
    );
}

#[test]
fn an_import_counts_where_it_is_used() {
    check(
        "plot",
        expect![[r#"
        error: the module `matplotlib.pyplot` cannot be imported here
         --> model.py:1:8
          |
        1 | import matplotlib.pyplot as plt
          |        ^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: a model file may import numpy, math, functools, typing, dataclasses and adjudicate
    "#]],
    );
}

#[test]
fn a_class_counts_where_it_is_used() {
    check(
        "build",
        expect![[r#"
        error: the class `Net` is not a plain record
          --> model.py:10:7
           |
        10 | class Net:
           |       ^^^
           |
           = help: write `class Net(NamedTuple):` with annotated fields only
    "#]],
    );
}

/// Statements of the top level that are rejected lead, through what they would bind, to their uses.
#[test]
fn rejected_statements_count_through_their_names() {
    let file = "
        try:
            import jax.numpy as np
        except ImportError:
            import numpy as np
        with open('x') as text:
            rate = 2.0
        for k in range(3):
            scale = 0.5
        rng = np.random.default_rng(0)
        data = rng.normal(size=3)

        def clean(x):
            return x * x

        def a(x):
            return np.sum(x)

        def b(x):
            return rate * x

        def c(x):
            return scale * x

        def d(x):
            def inner():
                return data
            return inner() + x
    ";
    let program = Program::parse("model.py", &dedent(file)).unwrap_or_else(|errors| panic!("{errors}"));
    let first = |name: &str| program.check(name).err().map(|e| e.to_string().lines().nth(1).unwrap_or("").to_owned());
    let positions = ["clean", "a", "b", "c", "d"].map(|name| first(name).unwrap_or_default());
    assert_eq!(positions, ["", " --> model.py:1:1", " --> model.py:5:1", "  --> model.py:22:12", " --> model.py:1:1"],);
}

#[test]
fn syntax_errors_block_the_file() {
    let errors = Program::parse("model.py", "def f(x):\n    return x\n\ndef g(x:\n    return x\n").err();
    expect![[r#"
        error: syntax error: expected `)`, found newline
         --> model.py:4:9
          |
        4 | def g(x:
          |         ^
        error: syntax error: expected an expression
         --> model.py:5:5
          |
        5 |     return x
          |     ^^^^^^
    "#]]
    .assert_eq(&errors.map_or_else(String::new, |e| e.to_string()));
}
