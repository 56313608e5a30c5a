//! What is said of derivatives that a function of a file does not have.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_kernels::Array;
use expect_test::{Expect, expect};

fn errors(python: &str, ask: Ask, wrt: usize, args: &[Datum]) -> String {
    let program = Program::parse("model.py", python).unwrap_or_else(|errors| panic!("{errors}"));
    let specialised = program.specialise(&Request::new("f", ask, &[wrt], 1, args));
    specialised.expect_err("there is such a derivative").to_string()
}

fn check(python: &str, ask: Ask, wrt: usize, args: &[Datum], expected: Expect) {
    expected.assert_eq(&errors(python, ask, wrt, args));
}

fn vector() -> Datum {
    Datum::Array(Array::from_vec(&[2], vec![1.0, 2.0]))
}

#[test]
fn an_argument_without_derivative_is_named_and_shown() {
    let scale = "def f(x, n):\n    return x * n\n";
    check(
        scale,
        Ask::Gradient,
        1,
        &[Datum::F64(2.0), Datum::I64(3)],
        expect![[r#"
            error: argument 1 (`n`) is to be differentiated and must be a float or an array of floats, not int
             --> model.py:1:10
              |
            1 | def f(x, n):
              |          ^
              |
              = help: pass a float, such as `3.0`, or name other arguments to differentiate
        "#]],
    );
    check(
        scale,
        Ask::Hvp,
        1,
        &[Datum::F64(2.0), Datum::Bool(true), Datum::F64(1.0)],
        expect![[r#"
        error: argument 1 (`n`) is to be differentiated and must be a float or an array of floats, not bool
         --> model.py:1:10
          |
        1 | def f(x, n):
          |          ^
          |
          = help: name other arguments to differentiate
    "#]],
    );
}

#[test]
fn a_result_without_derivative_is_said_with_the_derivative_that_was_asked_for() {
    let square = "def f(x):\n    return x * x\n";
    for (ask, args, derivative, help) in [
        (Ask::Gradient, vec![vector()], "gradient", "ask for the `jacobian`, or sum the result"),
        (Ask::Hessian, vec![vector()], "Hessian", "sum the result, or write `jacobian(jacobian(f))`"),
        (Ask::Hvp, vec![vector(); 2], "Hessian\u{2013}vector product", "sum the result"),
    ] {
        let said = errors(square, ask, 0, &args);
        let message = format!(
            "error: the {derivative} of a function needs one float as its result, not float array of shape [2]\n"
        );
        assert!(said.starts_with(&message) && said.ends_with(&format!("= help: {help}\n")), "{said}");
        assert!(said.contains(" --> model.py:1:1\n"), "{said}");
    }
    let function = "def f(x):\n    def g(y):\n        return x * y\n    return g\n";
    check(
        function,
        Ask::Jacobian,
        0,
        &[Datum::F64(1.0)],
        expect![[r#"
        error: the result of a function whose Jacobian is asked for must be a float or an array of floats, not function
         --> model.py:1:1
          |
        1 | def f(x):
          | ^^^^^^^^^
          |
          = help: call the function, and return what it gives
    "#]],
    );
}
