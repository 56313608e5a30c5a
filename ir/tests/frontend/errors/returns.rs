//! Functions that do not return, loops that do not end, statements that are never reached.

use expect_test::expect;

use super::super::check_error;

#[test]
fn no_return() {
    check_error(
        r#"
        def f(x):
            y = x
        "#,
        expect![[r#"
            error: `f` returns nothing when its end is reached
             --> model.py:1:5
              |
            1 | def f(x):
              |     ^
              |
              = help: end every path with `return` and a value
        "#]],
    );
}

#[test]
fn return_missing_on_a_path() {
    check_error(
        r#"
        def f(x):
            if x > 0:
                return x
            elif x < -1:
                y = 2
            else:
                return 0.0

        def g(x):
            if x > 0:
                if x > 1:
                    return x
            x = 1.0

        def h(xs):
            for x in xs:
                return x
        "#,
        expect![[r#"
            error: `f` returns nothing when the condition at line 4 holds
             --> model.py:1:5
              |
            1 | def f(x):
              |     ^
              |
              = help: end every path with `return` and a value

            error: `g` returns nothing when its end is reached
             --> model.py:9:5
              |
            9 | def g(x):
              |     ^
              |
              = help: end every path with `return` and a value

            error: `h` returns nothing when its end is reached
              --> model.py:15:5
               |
            15 | def h(xs):
               |     ^
               |
               = help: end every path with `return` and a value
        "#]],
    );
}

#[test]
fn return_without_value() {
    check_error(
        r#"
        def f(x):
            return
        "#,
        expect![[r#"
            error: this `return` has no value
             --> model.py:2:5
              |
            2 |     return
              |     ^^^^^^
              |
              = help: a function must return a value: there are no side effects
        "#]],
    );
}

#[test]
fn unreachable() {
    check_error(
        r#"
        def f(x):
            return x
            x = 1.0

        def g(x):
            while True:
                if x > 0:
                    return x
                x = x + 1.0
            return 0.0
        "#,
        expect![[r#"
            error: this is never reached
             --> model.py:3:5
              |
            3 |     x = 1.0
              |     ^^^^^^^
              |
              = help: remove it

            error: this is never reached
              --> model.py:10:5
               |
            10 |     return 0.0
               |     ^^^^^^^^^^
               |
               = help: remove it
        "#]],
    );
}

#[test]
fn endless() {
    check_error(
        r#"
        def f(x):
            while True:
                x = x + 1.0
            return x
        "#,
        expect![[r#"
            error: this loop never ends
             --> model.py:2:11
              |
            2 |     while True:
              |           ^^^^
              |
              = help: leave it with `break` or `return`

            error: this is never reached
             --> model.py:4:5
              |
            4 |     return x
              |     ^^^^^^^^
              |
              = help: remove it
        "#]],
    );
}

/// Statements that might have returned are the only news.
#[test]
fn what_was_rejected_needs_no_return() {
    for body in [
        "try:\n        y = x\n    except ValueError:\n        return x",
        "raise ValueError(x)",
        "with x as y:\n        return y",
        "yield x",
        "match x:\n        case 1:\n            return x",
    ] {
        let errors =
            super::super::front_end(&format!("def f(x):\n    {body}\n")).expect_err("nothing of this is supported");
        assert_eq!(errors.matches("error: ").count() - errors.matches("`ValueError` is not").count(), 1, "{errors}");
        assert!(!errors.contains("returns nothing"), "{errors}");
    }
}
