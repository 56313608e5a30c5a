//! What is no Python, and where messages point.

use expect_test::expect;

use super::super::check_error;

#[test]
fn syntax() {
    check_error(
        r#"
        def f(x):
            return (x +
        "#,
        expect![[r#"
            error: syntax error: unexpected EOF while parsing
             --> model.py:3:1
              |
            3 |
              | ^
        "#]],
    );
}

#[test]
fn several_at_once() {
    check_error(
        r#"
        def f(x):
            y = undefined + x
            x[0] = y
            return exq(x)
        "#,
        expect![[r#"
            error: the name `undefined` is not defined
             --> model.py:2:9
              |
            2 |     y = undefined + x
              |         ^^^^^^^^^

            error: assignment to an item is not supported
             --> model.py:3:5
              |
            3 |     x[0] = y
              |     ^^^^
              |
              = help: arrays are immutable here: build the new array with np.where, np.concatenate or np.stack

            error: the name `exq` is not defined
             --> model.py:4:12
              |
            4 |     return exq(x)
              |            ^^^
              |
              = help: did you mean `np.exp`?
        "#]],
    );
}

#[test]
fn notes_and_wide_characters() {
    check_error(
        r#"
        def f(größe):
            naïve = "äöü", größe, unbekannt
            return naïve
        "#,
        expect![[r#"
            error: the name `unbekannt` is not defined
             --> model.py:2:27
              |
            2 |     naïve = "äöü", größe, unbekannt
              |                           ^^^^^^^^^
        "#]],
    );
}

#[test]
fn large_integer() {
    check_error(
        r#"
        def f():
            return 9223372036854775807, -9223372036854775808, 9223372036854775808
        "#,
        expect![[r#"
            error: this integer does not fit into 64 bits
             --> model.py:2:55
              |
            2 |     return 9223372036854775807, -9223372036854775808, 9223372036854775808
              |                                                       ^^^^^^^^^^^^^^^^^^^
              |
              = help: write a float, such as `1e30`
        "#]],
    );
}
