//! Statements and expressions that the language leaves out.

use expect_test::expect;

use super::super::check_error;

#[test]
fn print_statement() {
    check_error(
        r#"
        def f(x):
            print(x)
            return x
        "#,
        expect![[r#"
            error: `print` has no effect: functions are pure
             --> model.py:2:5
              |
            2 |     print(x)
              |     ^^^^^^^^
              |
              = help: remove it, or return the value
        "#]],
    );
}

#[test]
fn statement_without_effect() {
    check_error(
        r#"
        def f(x):
            x + 1
            f(x)
            return x
        "#,
        expect![[r#"
            error: this statement has no effect
             --> model.py:2:5
              |
            2 |     x + 1
              |     ^^^^^
              |
              = help: assign or return the value, or remove the line

            error: this statement has no effect
             --> model.py:3:5
              |
            3 |     f(x)
              |     ^^^^
              |
              = help: assign or return the value, or remove the line
        "#]],
    );
}

#[test]
fn statements_left_out() {
    check_error(
        r#"
        import math
        def f(x):
            global y
            nonlocal z
            del x
            raise ValueError
            with x as y:
                pass
            try:
                z = 1
            except Exception:
                z = 2
            match x:
                case 1:
                    pass
            type T = int
            return y + z
        "#,
        expect![[r#"
            error: `global` is not supported
             --> model.py:3:5
              |
            3 |     global y
              |     ^^^^^^^^
              |
              = help: functions are pure: return the value instead

            error: `nonlocal` is not supported
             --> model.py:4:5
              |
            4 |     nonlocal z
              |     ^^^^^^^^^^
              |
              = help: functions are pure: return the value instead

            error: `del` is not supported
             --> model.py:5:5
              |
            5 |     del x
              |     ^^^^^
              |
              = help: leave it out: what is not used costs nothing

            error: `raise` is not supported
             --> model.py:6:5
              |
            6 |     raise ValueError
              |     ^^^^^^^^^^^^^^^^
              |
              = help: return a value that says what went wrong, such as `math.nan`

            error: `with` is not supported
             --> model.py:7:5
              |
            7 |     with x as y:
              |     ^^^^
              |
              = help: leave it out: there are no resources to manage

            error: `try` is not supported: there are no exceptions
             --> model.py:9:5
              |
            9 |     try:
              |     ^^^
              |
              = help: test the condition with `if`

            error: `match` is not supported
              --> model.py:13:5
               |
            13 |     match x:
               |     ^^^^^
               |
               = help: write `if` and `elif`

            error: `type` is not supported
              --> model.py:16:5
               |
            16 |     type T = int
               |     ^^^^^^^^^^^^
               |
               = help: write `Name = …` with names from `typing`
        "#]],
    );
}

#[test]
fn asynchronous() {
    check_error(
        r#"
        async def f(x):
            async for y in x:
                x = await y
            return [a async for a in x]
        "#,
        expect![[r#"
            error: asynchronous functions are not supported
             --> model.py:1:11
              |
            1 | async def f(x):
              |           ^
              |
              = help: write a plain `def`

            error: asynchronous loops are not supported
             --> model.py:2:15
              |
            2 |     async for y in x:
              |               ^
              |
              = help: write a plain `for`

            error: `await` is not supported
             --> model.py:3:13
              |
            3 |         x = await y
              |             ^^^^^^^
              |
              = help: write a plain call

            error: asynchronous comprehensions are not supported
             --> model.py:4:12
              |
            4 |     return [a async for a in x]
              |            ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn expressions_left_out() {
    check_error(
        r#"
        def f(x):
            return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
        "#,
        expect![[r#"
            error: `:=` is not supported
             --> model.py:2:13
              |
            2 |     return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
              |             ^^^^^^
              |
              = help: assign the name on a line of its own

            error: sets are not supported
             --> model.py:2:22
              |
            2 |     return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
              |                      ^^^
              |
              = help: write a tuple

            error: sets are not supported
             --> model.py:2:27
              |
            2 |     return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
              |                           ^^^^^^^^^^^^^^
              |
              = help: write a tuple

            error: formatted strings are not supported
             --> model.py:2:62
              |
            2 |     return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
              |                                                              ^^^^^^
              |
              = help: strings are only used as keys and options, as constants

            error: byte strings are not supported
             --> model.py:2:70
              |
            2 |     return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
              |                                                                      ^^^^

            error: complex numbers are not supported
             --> model.py:2:76
              |
            2 |     return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
              |                                                                            ^^
              |
              = help: carry the real and imaginary parts

            error: generators are not supported
             --> model.py:2:81
              |
            2 |     return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
              |                                                                                 ^^^^^^^
              |
              = help: return a tuple, or write a comprehension

            error: generators are not supported
             --> model.py:2:107
              |
            2 |     return (y := x), {x}, {a for a in x}, {a: a for a in x}, f"{x}", b"x", 1j, (yield x), 3 if True else (yield from x)
              |                                                                                                           ^^^^^^^^^^^^
              |
              = help: return a tuple, or write a comprehension
        "#]],
    );
}

/// The one error is enough: the name is known after it.
#[test]
fn names_that_are_assigned_in_expressions() {
    check_error(
        r#"
        def f(x):
            if (y := x * 2.0) > 1.0:
                return y
            while x < 3.0 and (z := x) < 2.0:
                x = x + z
            (w := x)
            return w + y + sum([v for u in (x, y) if (v := u) > 0])
        "#,
        expect![[r#"
            error: `:=` is not supported
             --> model.py:2:9
              |
            2 |     if (y := x * 2.0) > 1.0:
              |         ^^^^^^^^^^^^
              |
              = help: assign the name on a line of its own

            error: `:=` is not supported
             --> model.py:4:24
              |
            4 |     while x < 3.0 and (z := x) < 2.0:
              |                        ^^^^^^
              |
              = help: assign the name on a line of its own

            error: `:=` is not supported
             --> model.py:6:6
              |
            6 |     (w := x)
              |      ^^^^^^
              |
              = help: assign the name on a line of its own

            error: `:=` is not supported
             --> model.py:7:47
              |
            7 |     return w + y + sum([v for u in (x, y) if (v := u) > 0])
              |                                               ^^^^^^
              |
              = help: assign the name on a line of its own
        "#]],
    );
}
