//! Parameters, arguments, classes, and statements outside the functions they belong to.

use expect_test::expect;

use super::super::check_error;

#[test]
fn star_parameters() {
    check_error(
        r#"
        def f(*args, **options):
            return args
        "#,
        expect![[r#"
            error: `*args` collects arguments, which is not supported
             --> model.py:1:7
              |
            1 | def f(*args, **options):
              |       ^^^^^
              |
              = help: name each parameter, or take a tuple

            error: `**options` collects arguments, which is not supported
             --> model.py:1:14
              |
            1 | def f(*args, **options):
              |              ^^^^^^^^^
              |
              = help: name each parameter, or take a tuple
        "#]],
    );
}

#[test]
fn double_star_argument() {
    check_error(
        r#"
        def f(g, x, o):
            return g(x, **o), g(x, a=1, a=2)
        "#,
        expect![[r#"
            error: `**` in a call is not supported
             --> model.py:2:17
              |
            2 |     return g(x, **o), g(x, a=1, a=2)
              |                 ^^^
              |
              = help: write each keyword argument: `name=value`

            error: the argument `a` is given twice
             --> model.py:2:33
              |
            2 |     return g(x, **o), g(x, a=1, a=2)
              |                                 ^^^
        "#]],
    );
}

#[test]
fn parameters() {
    check_error(
        r#"
        def g(a=1, *, b):
            return a
        "#,
        expect![[r#"
            error: `b` has no default but follows a parameter that has one
             --> model.py:1:15
              |
            1 | def g(a=1, *, b):
              |               ^
              |
              = help: put the parameters with defaults last
        "#]],
    );
}

/// As in Python, where the file would not be read: whether anything calls the function or not.
#[test]
fn parameters_that_occur_twice() {
    check_error(
        r#"
        def f(x, x):
            return x

        def f(x):
            return [lambda y, z, y: y, x]
            def never(a, *a):
                pass

        class C:
            def method(self, self):
                pass
        "#,
        expect![[r#"
            error: syntax error: the parameter `x` occurs twice
             --> model.py:1:10
              |
            1 | def f(x, x):
              |          ^

            error: syntax error: the parameter `y` occurs twice
             --> model.py:5:26
              |
            5 |     return [lambda y, z, y: y, x]
              |                          ^

            error: syntax error: the parameter `a` occurs twice
             --> model.py:6:18
              |
            6 |     def never(a, *a):
              |                  ^^

            error: syntax error: the parameter `self` occurs twice
              --> model.py:10:22
               |
            10 |     def method(self, self):
               |                      ^^^^
        "#]],
    );
}

#[test]
fn defaults_used_before_def() {
    check_error(
        r#"
        def f(x):
            def g(y):
                return h(y)
            a = g(x)
            def h(y, k=2.0):
                return y * k
            return a
        "#,
        expect![[r#"
            error: this function has default values and is used before its `def` has run
             --> model.py:3:16
              |
            3 |         return h(y)
              |                ^
              |
              = help: move the `def` up
        "#]],
    );
}

#[test]
fn decorated_function_that_calls_itself() {
    check_error(
        r#"
        from adjudicate import grad

        @grad
        def f(x):
            return f(x)
        "#,
        expect![[r#"
            error: `f` is not assigned here yet
             --> model.py:5:12
              |
            5 |     return f(x)
              |            ^
              |
              = help: give `f` another name before it is decorated
            note: the function is used here
             --> model.py:4:5
              |
            4 | def f(x):
              |     ^
        "#]],
    );
}

#[test]
fn outside() {
    check_error(
        r#"
        return 1
        break
        continue
        x = yield 1
        "#,
        expect![[r#"
            error: `return` outside a function
             --> model.py:1:1
              |
            1 | return 1
              | ^^^^^^^^

            error: this is never reached
             --> model.py:2:1
              |
            2 | break
              | ^^^^^
              |
              = help: remove it

            error: this is not inside a loop
             --> model.py:2:1
              |
            2 | break
              | ^^^^^

            error: this is never reached
             --> model.py:3:1
              |
            3 | continue
              | ^^^^^^^^
              |
              = help: remove it

            error: this is not inside a loop
             --> model.py:3:1
              |
            3 | continue
              | ^^^^^^^^

            error: this is never reached
             --> model.py:4:1
              |
            4 | x = yield 1
              | ^^^^^^^^^^^
              |
              = help: remove it

            error: generators are not supported
             --> model.py:4:5
              |
            4 | x = yield 1
              |     ^^^^^^^
              |
              = help: return a tuple, or write a comprehension
        "#]],
    );
}

#[test]
fn classes() {
    check_error(
        r#"
        from dataclasses import dataclass
        from typing import NamedTuple

        class Plain:
            x: float

        @dataclass
        class Mutable:
            x: float

        class Derived(Plain):
            pass

        class Methods(NamedTuple):
            x: float
            y = 1.0
            x: float = 1.0
            z: float
            def norm(self):
                return self.x

        @staticmethod
        class Odd:
            pass
        "#,
        expect![[r#"
            error: the class `Plain` is not a plain record
             --> model.py:4:7
              |
            4 | class Plain:
              |       ^^^^^
              |
              = help: write `class Plain(NamedTuple):` with annotated fields only

            error: the dataclass `Mutable` can be changed after it is made
             --> model.py:7:1
              |
            7 | @dataclass
              | ^^^^^^^^^^
              |
              = help: write `@dataclass(frozen=True)`

            error: this base class is not supported
              --> model.py:11:15
               |
            11 | class Derived(Plain):
               |               ^^^^^
               |
               = help: write `class Derived(NamedTuple):` with annotated fields only

            error: a class may only have annotated fields here
              --> model.py:16:5
               |
            16 |     y = 1.0
               |     ^^^^^^^
               |
               = help: write `name: float` or `name: float = 0.0`

            error: the field `x` occurs twice
              --> model.py:17:5
               |
            17 |     x: float = 1.0
               |     ^^^^^^^^^^^^^^

            error: the method `norm` is not supported: classes here are plain records
              --> model.py:19:9
               |
            19 |     def norm(self):
               |         ^^^^
               |
               = help: write a function that takes the record as its first argument

            error: this decorator of a class is not supported
              --> model.py:22:1
               |
            22 | @staticmethod
               | ^^^^^^^^^^^^^
               |
               = help: write `class Odd(NamedTuple):` with annotated fields only
        "#]],
    );
}

#[test]
fn named_tuple_calls() {
    check_error(
        r#"
        from collections import namedtuple

        A = namedtuple("A", [1, 2])
        B = namedtuple(x="B")
        "#,
        expect![[r#"
            error: this use of `namedtuple` is not supported
             --> model.py:3:5
              |
            3 | A = namedtuple("A", [1, 2])
              |     ^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write `namedtuple("Name", "field field")`

            error: this use of `namedtuple` is not supported
             --> model.py:4:5
              |
            4 | B = namedtuple(x="B")
              |     ^^^^^^^^^^^^^^^^^
              |
              = help: write `namedtuple("Name", "field field")`
        "#]],
    );
}
