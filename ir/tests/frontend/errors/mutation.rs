//! Values are immutable: items, attributes, methods that change their object, dictionaries.

use expect_test::expect;

use super::super::check_error;

#[test]
fn items_are_immutable() {
    check_error(
        r#"
        def f(x, v):
            x[0] = v
            return x
        "#,
        expect![[r#"
            error: assignment to an item is not supported
             --> model.py:2:5
              |
            2 |     x[0] = v
              |     ^^^^
              |
              = help: arrays are immutable here: build the new array with np.where, np.concatenate or np.stack
        "#]],
    );
}

#[test]
fn dictionaries_are_immutable() {
    check_error(
        r#"
        def f(d, v):
            d["w"] = v
            return d
        "#,
        expect![[r#"
            error: assignment to an item is not supported
             --> model.py:2:5
              |
            2 |     d["w"] = v
              |     ^^^^^^
              |
              = help: dictionaries are immutable here: write `d = {**d, "w": …}`
        "#]],
    );
}

#[test]
fn augmented_items_are_immutable() {
    check_error(
        r#"
        def f(x, v):
            x[0] += v
            return x
        "#,
        expect![[r#"
            error: assignment to an item is not supported
             --> model.py:2:5
              |
            2 |     x[0] += v
              |     ^^^^
              |
              = help: arrays are immutable here: build the new array with np.where, np.concatenate or np.stack
        "#]],
    );
}

#[test]
fn attributes_are_immutable() {
    check_error(
        r#"
        def f(p):
            p.w = 1.0
            return p
        "#,
        expect![[r#"
            error: assignment to an attribute is not supported
             --> model.py:2:5
              |
            2 |     p.w = 1.0
              |     ^^^
              |
              = help: records are immutable here: build a new one from the old one's fields
        "#]],
    );
}

#[test]
fn append() {
    check_error(
        r#"
        def f(xs, v):
            xs.append(v)
            return xs
        "#,
        expect![[r#"
            error: `xs.append` has no effect: values are immutable
             --> model.py:2:5
              |
            2 |     xs.append(v)
              |     ^^^^^^^^^^^^
              |
              = help: write `xs = xs + [value]`
        "#]],
    );
}

#[test]
fn other_mutating_methods() {
    check_error(
        r#"
        def f(xs, d):
            xs.extend(xs)
            xs.pop()
            d.update(d)
            xs.sort()
            xs.fill(0.0)
            return xs
        "#,
        expect![[r#"
            error: `xs.extend` has no effect: values are immutable
             --> model.py:2:5
              |
            2 |     xs.extend(xs)
              |     ^^^^^^^^^^^^^
              |
              = help: write `xs = xs + values`

            error: `xs.pop` has no effect: values are immutable
             --> model.py:3:5
              |
            3 |     xs.pop()
              |     ^^^^^^^^
              |
              = help: tuples are immutable here: build a new one from slices of `xs`

            error: `d.update` has no effect: values are immutable
             --> model.py:4:5
              |
            4 |     d.update(d)
              |     ^^^^^^^^^^^
              |
              = help: records are immutable here: build a new dictionary

            error: `xs.sort` has no effect: values are immutable
             --> model.py:5:5
              |
            5 |     xs.sort()
              |     ^^^^^^^^^
              |
              = help: arrays are immutable here: write `np.sort`

            error: `xs.fill` has no effect: values are immutable
             --> model.py:6:5
              |
            6 |     xs.fill(0.0)
              |     ^^^^^^^^^^^^
              |
              = help: arrays are immutable here: build the new array with np.where, np.concatenate or np.stack
        "#]],
    );
}

#[test]
fn targets() {
    check_error(
        r#"
        def f(x):
            f(x), y = 1, 2
            for x[0] in x:
                pass
            return x
        "#,
        expect![[r#"
            error: syntax error: invalid assignment target
             --> model.py:2:5
              |
            2 |     f(x), y = 1, 2
              |     ^^^^
        "#]],
    );
}

#[test]
fn dictionary_keys() {
    check_error(
        r#"
        def f(x, k):
            return {k: x}, {1: x}, {**x}, {"a": x, "a": x}, dict(x)
        "#,
        expect![[r#"
            error: the keys of a dictionary must be constant strings here
             --> model.py:2:13
              |
            2 |     return {k: x}, {1: x}, {**x}, {"a": x, "a": x}, dict(x)
              |             ^
              |
              = help: use a tuple for what is indexed by number

            error: the keys of a dictionary must be constant strings here
             --> model.py:2:21
              |
            2 |     return {k: x}, {1: x}, {**x}, {"a": x, "a": x}, dict(x)
              |                     ^
              |
              = help: use a tuple for what is indexed by number

            error: the key `a` occurs twice
             --> model.py:2:44
              |
            2 |     return {k: x}, {1: x}, {**x}, {"a": x, "a": x}, dict(x)
              |                                            ^^^
        "#]],
    );
}
