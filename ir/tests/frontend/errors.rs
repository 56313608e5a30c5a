//! Every rejection: position, excerpt, and what to write instead.

use expect_test::expect;

use super::check_error;

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
fn functions_left_out() {
    check_error(
        r#"
        import numpy as np
        from adjudicate import jit
        def f(x):
            if isinstance(x, tuple):
                y = getattr(x, "shape")
                return set(y)
            np.savetxt("x.csv", x)
            z = open("x.csv")
            w = np.linalg.svd(np.float32(x))
            return print(z), sorted(w), np.unique(w), type(x)
        "#,
        expect![[r#"
            error: `adjudicate.jit` is not supported
             --> model.py:2:24
              |
            2 | from adjudicate import jit
              |                        ^^^
              |
              = help: leave it out: the program is compiled in any case

            error: `isinstance` is not supported
             --> model.py:4:8
              |
            4 |     if isinstance(x, tuple):
              |        ^^^^^^^^^^
              |
              = help: types are known before the program runs: write a function for each

            error: `getattr` is not supported
             --> model.py:5:13
              |
            5 |         y = getattr(x, "shape")
              |             ^^^^^^^
              |
              = help: write the attribute out: `x.name`

            error: `set` is not supported
             --> model.py:6:16
              |
            6 |         return set(y)
              |                ^^^
              |
              = help: sets are not supported: write a tuple

            error: `np.savetxt` is not supported
             --> model.py:7:5
              |
            7 |     np.savetxt("x.csv", x)
              |     ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: functions are pure: return the value instead

            error: `open` is not supported
             --> model.py:8:9
              |
            8 |     z = open("x.csv")
              |         ^^^^
              |
              = help: functions are pure: pass the data in as an argument

            error: `np.linalg.svd` is not supported
             --> model.py:9:19
              |
            9 |     w = np.linalg.svd(np.float32(x))
              |                   ^^^
              |
              = help: `solve`, `inv`, `det`, `slogdet` and `cholesky` are the decompositions that there are

            error: `np.float32` is not supported
             --> model.py:9:26
              |
            9 |     w = np.linalg.svd(np.float32(x))
              |                          ^^^^^^^
              |
              = help: numbers are float64, int64 or bool here: write `float`, `int` or `bool`

            error: `print` is not supported
              --> model.py:10:12
               |
            10 |     return print(z), sorted(w), np.unique(w), type(x)
               |            ^^^^^
               |
               = help: functions are pure: return the value instead

            error: `sorted` is not supported
              --> model.py:10:22
               |
            10 |     return print(z), sorted(w), np.unique(w), type(x)
               |                      ^^^^^^
               |
               = help: write `np.sort`

            error: `np.unique` is not supported
              --> model.py:10:36
               |
            10 |     return print(z), sorted(w), np.unique(w), type(x)
               |                                    ^^^^^^
               |
               = help: lengths are static: choose values with `np.where(c, a, b)`

            error: `type` is not supported
              --> model.py:10:47
               |
            10 |     return print(z), sorted(w), np.unique(w), type(x)
               |                                               ^^^^
               |
               = help: types are known before the program runs: write a function for each
        "#]],
    );
}

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
            assert x
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

            error: `assert` is not supported
             --> model.py:6:5
              |
            6 |     assert x
              |     ^^^^^^^^
              |
              = help: leave it out: shapes are checked in any case

            error: `raise` is not supported
             --> model.py:7:5
              |
            7 |     raise ValueError
              |     ^^^^^^^^^^^^^^^^
              |
              = help: return a value that says what went wrong, such as `math.nan`

            error: `with` is not supported
             --> model.py:8:5
              |
            8 |     with x as y:
              |     ^^^^
              |
              = help: leave it out: there are no resources to manage

            error: `try` is not supported: there are no exceptions
              --> model.py:10:5
               |
            10 |     try:
               |     ^^^
               |
               = help: test the condition with `if`

            error: `match` is not supported
              --> model.py:14:5
               |
            14 |     match x:
               |     ^^^^^
               |
               = help: write `if` and `elif`

            error: `type` is not supported
              --> model.py:17:5
               |
            17 |     type T = int
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
        def f(x, x):
            return x

        def g(a=1, *, b):
            return a
        "#,
        expect![[r#"
            error: the parameter `x` occurs twice
             --> model.py:1:10
              |
            1 | def f(x, x):
              |          ^

            error: `b` has no default but follows a parameter that has one
             --> model.py:4:15
              |
            4 | def g(a=1, *, b):
              |               ^
              |
              = help: put the parameters with defaults last
        "#]],
    );
}

#[test]
fn unknown_names() {
    check_error(
        r#"
        import numpy as np
        import math

        def f(alpha):
            return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand()
        "#,
        expect![[r#"
            error: the name `alhpa` is not defined
             --> model.py:5:12
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand()
              |            ^^^^^
              |
              = help: did you mean `alpha`?

            error: the name `lenn` is not defined
             --> model.py:5:20
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand()
              |                    ^^^^
              |
              = help: did you mean `len`?

            error: `np.exq` is not supported
             --> model.py:5:37
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand()
              |                                     ^^^
              |
              = help: did you mean `exp`?

            error: `math.sinn` is not supported
             --> model.py:5:55
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand()
              |                                                       ^^^^
              |
              = help: did you mean `sin`?

            error: the name `exp` is not defined
             --> model.py:5:69
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand()
              |                                                                     ^^^
              |
              = help: write `np.exp`, with `import numpy as np` at the top

            error: `sorted` is not supported
             --> model.py:5:82
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand()
              |                                                                                  ^^^^^^
              |
              = help: write `np.sort`

            error: `np.random` is not supported
             --> model.py:5:101
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand()
              |                                                                                                     ^^^^^^
              |
              = help: models are pure: pass random numbers in as an argument
        "#]],
    );
}

#[test]
fn modules_not_imported() {
    check_error(
        r#"
        def f(x):
            return np.exp(x) + math.sin(x)
        "#,
        expect![[r#"
            error: the name `np` is not defined
             --> model.py:2:12
              |
            2 |     return np.exp(x) + math.sin(x)
              |            ^^
              |
              = help: write `import numpy as np` at the top

            error: the name `math` is not defined
             --> model.py:2:24
              |
            2 |     return np.exp(x) + math.sin(x)
              |                        ^^^^
              |
              = help: write `import math` at the top
        "#]],
    );
}

#[test]
fn imports() {
    check_error(
        r#"
        import torch
        import nunpy as np
        import os.path
        from scipy.special import expit
        from numpy import *
        from numpy import exq
        from jax import jit, random
        from . import layers
        from functools import lru_cache

        def f(x):
            import math
            if x:
                import math
            return np.exp(x) + expit(x) + math.sin(x)
        "#,
        expect![[r#"
            error: the module `torch` cannot be imported here
             --> model.py:1:8
              |
            1 | import torch
              |        ^^^^^
              |
              = help: a model file may import numpy, math, functools, typing, dataclasses and adjudicate

            error: the module `nunpy` cannot be imported here
             --> model.py:2:8
              |
            2 | import nunpy as np
              |        ^^^^^^^^^^^
              |
              = help: did you mean `numpy`?

            error: the module `os.path` cannot be imported here
             --> model.py:3:8
              |
            3 | import os.path
              |        ^^^^^^^
              |
              = help: a model file may import numpy, math, functools, typing, dataclasses and adjudicate

            error: the module `scipy.special` cannot be imported here
             --> model.py:4:1
              |
            4 | from scipy.special import expit
              | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: a model file may import numpy, math, functools, typing, dataclasses and adjudicate

            error: `from numpy import *` is not supported
             --> model.py:5:19
              |
            5 | from numpy import *
              |                   ^
              |
              = help: import the module (`import numpy`) or the names that are used

            error: `numpy.exq` is not supported
             --> model.py:6:19
              |
            6 | from numpy import exq
              |                   ^^^
              |
              = help: did you mean `exp`?

            error: `jax.jit` is not supported
             --> model.py:7:17
              |
            7 | from jax import jit, random
              |                 ^^^
              |
              = help: leave it out: the program is compiled in any case

            error: `jax.random` is not supported
             --> model.py:7:22
              |
            7 | from jax import jit, random
              |                      ^^^^^^
              |
              = help: models are pure: pass random numbers in as an argument

            error: the module `.` cannot be imported here
             --> model.py:8:1
              |
            8 | from . import layers
              | ^^^^^^^^^^^^^^^^^^^^
              |
              = help: a model file may import numpy, math, functools, typing, dataclasses and adjudicate

            error: `functools.lru_cache` is not supported
             --> model.py:9:23
              |
            9 | from functools import lru_cache
              |                       ^^^^^^^^^
              |
              = help: leave it out: functions are pure

            error: an import inside a condition or a loop is not supported
              --> model.py:14:9
               |
            14 |         import math
               |         ^^^^^^^^^^^
               |
               = help: move the import to the top of the file
        "#]],
    );
}

#[test]
fn modules_are_not_values() {
    check_error(
        r#"
        import numpy as np
        from typing import NamedTuple, Callable
        from dataclasses import dataclass
        from collections import namedtuple

        def f(x):
            return np, NamedTuple, Callable, dataclass, namedtuple
        "#,
        expect![[r#"
            error: `np` is a module, not a value
             --> model.py:7:12
              |
            7 |     return np, NamedTuple, Callable, dataclass, namedtuple
              |            ^^

            error: `NamedTuple` may only be the base of a class
             --> model.py:7:16
              |
            7 |     return np, NamedTuple, Callable, dataclass, namedtuple
              |                ^^^^^^^^^^

            error: `Callable` may only be used in annotations
             --> model.py:7:28
              |
            7 |     return np, NamedTuple, Callable, dataclass, namedtuple
              |                            ^^^^^^^^

            error: `dataclass` may only decorate a class
             --> model.py:7:38
              |
            7 |     return np, NamedTuple, Callable, dataclass, namedtuple
              |                                      ^^^^^^^^^

            error: `namedtuple` may only be used as `Name = namedtuple("Name", "field field")`
             --> model.py:7:49
              |
            7 |     return np, NamedTuple, Callable, dataclass, namedtuple
              |                                                 ^^^^^^^^^^
        "#]],
    );
}

#[test]
fn may_not_be_assigned_after_if() {
    check_error(
        r#"
        def f(x):
            if x > 0:
                y = 1.0
            return y
        "#,
        expect![[r#"
            error: `y` may not be assigned here: it is assigned only if the condition at line 2 holds
             --> model.py:4:12
              |
            4 |     return y
              |            ^
              |
              = help: assign `y` before line 2
        "#]],
    );
}

#[test]
fn may_not_be_assigned_after_else() {
    check_error(
        r#"
        def f(x):
            if x > 0:
                z = 1.0
            else:
                y = 1.0
            return y
        "#,
        expect![[r#"
            error: `y` may not be assigned here: it is assigned only if the condition at line 2 does not hold
             --> model.py:6:12
              |
            6 |     return y
              |            ^
              |
              = help: assign `y` before line 2
        "#]],
    );
}

#[test]
fn may_not_be_assigned_after_loop() {
    check_error(
        r#"
        def f(xs):
            for x in xs:
                y = x
            return y
        "#,
        expect![[r#"
            error: `y` may not be assigned here: it is assigned only if the loop at line 2 runs at all
             --> model.py:4:12
              |
            4 |     return y
              |            ^
              |
              = help: assign `y` before line 2
        "#]],
    );
}

#[test]
fn may_not_be_assigned_after_break() {
    check_error(
        r#"
        def f(x):
            while True:
                if x > 1.0:
                    break
                y = x
                if y > 0.5:
                    break
                x = x + y
            return y
        "#,
        expect![[r#"
            error: `y` may not be assigned here: the loop may be left before that, at line 4
             --> model.py:9:12
              |
            9 |     return y
              |            ^
              |
              = help: assign `y` before line 4
        "#]],
    );
}

#[test]
fn not_assigned_yet() {
    check_error(
        r#"
        def f(x):
            y = z + x
            z = 1.0
            return y + g(z)

        def g(x):
            return h(x)
            def h(x):
                return x
        "#,
        expect![[r#"
            error: `z` is not assigned here yet
             --> model.py:2:9
              |
            2 |     y = z + x
              |         ^
              |
              = help: it is assigned only at line 3

            error: `h` is not assigned here yet
             --> model.py:7:12
              |
            7 |     return h(x)
              |            ^
              |
              = help: it is assigned only at line 8

            error: this is never reached
             --> model.py:8:5
              |
            8 |     def h(x):
              |     ^^^^^^^^^
              |
              = help: remove it
        "#]],
    );
}

#[test]
fn captured_before_assignment() {
    check_error(
        r#"
        from adjudicate import grad

        def loss(w):
            return w * RATE

        slope = grad(loss)
        RATE = 0.1
        "#,
        expect![[r#"
            error: `RATE` is not assigned here yet
             --> model.py:4:16
              |
            4 |     return w * RATE
              |                ^^^^
              |
              = help: move the assignment of `RATE` (line 7) above line 6
            note: the function is used here
             --> model.py:6:14
              |
            6 | slope = grad(loss)
              |              ^^^^
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
fn rebinding_seen_by_lambda() {
    check_error(
        r#"
        def f(x):
            fs = (lambda y: x * y,)
            x = 2.0
            return fs[0](x)
        "#,
        expect![[r#"
            error: this function uses `x`, which is assigned again while the function lives on
             --> model.py:2:11
              |
            2 |     fs = (lambda y: x * y,)
              |           ^^^^^^^^^^^^^^^
              |
              = help: bind it now: `lambda …, x=x: …`
            note: `x` is assigned again here
             --> model.py:3:5
              |
            3 |     x = 2.0
              |     ^
        "#]],
    );
}

#[test]
fn rebinding_seen_by_def() {
    check_error(
        r#"
        def f(x, n):
            fs = ()
            for i in range(n):
                def g(y):
                    return y * i
                fs = fs + (g,)
            return fs
        "#,
        expect![[r#"
            error: this function uses `i`, which is assigned again while the function lives on
             --> model.py:6:20
              |
            6 |         fs = fs + (g,)
              |                    ^
              |
              = help: bind it now: `def g(…, i=i):`
            note: `i` is assigned again here
             --> model.py:3:9
              |
            3 |     for i in range(n):
              |         ^
        "#]],
    );
}

#[test]
fn rebinding_seen_through_a_transformation() {
    check_error(
        r#"
        from adjudicate import grad

        def f(w, x):
            slope = grad(lambda v: v * x)
            x = x + 1.0
            return slope(w)
        "#,
        expect![[r#"
            error: this function uses `x`, which is assigned again while the function lives on
             --> model.py:4:18
              |
            4 |     slope = grad(lambda v: v * x)
              |                  ^^^^^^^^^^^^^^^
              |
              = help: bind it now: `lambda …, x=x: …`
            note: `x` is assigned again here
             --> model.py:5:5
              |
            5 |     x = x + 1.0
              |     ^
        "#]],
    );
}

#[test]
fn rebinding_seen_through_another_function() {
    check_error(
        r#"
        def keep(g):
            return lambda y: g(y)

        def f(x):
            def scaled(y):
                return x * y
            h = keep(scaled)
            x = 2.0
            return h(1.0)
        "#,
        expect![[r#"
            error: this function uses `x`, which is assigned again while the function lives on
             --> model.py:7:14
              |
            7 |     h = keep(scaled)
              |              ^^^^^^
              |
              = help: bind it now: `def scaled(…, x=x):`
            note: `x` is assigned again here
             --> model.py:8:5
              |
            8 |     x = 2.0
              |     ^
        "#]],
    );
}

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

            error: `z` has no default but follows a field that has one
              --> model.py:18:5
               |
            18 |     z: float
               |     ^^^^^^^^
               |
               = help: put the fields with defaults last

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
fn functions_of_a_comprehension_bind_late() {
    check_error(
        r#"
        def f(s):
            return [g(s) for g in [(lambda t: t * i) for i in range(3)]]
        "#,
        expect![[r#"
            error: this function uses `i`, which is assigned again while the function lives on
             --> model.py:2:29
              |
            2 |     return [g(s) for g in [(lambda t: t * i) for i in range(3)]]
              |                             ^^^^^^^^^^^^^^^
              |
              = help: bind it now: `lambda …, i=i: …`
            note: `i` is assigned again here
             --> model.py:2:50
              |
            2 |     return [g(s) for g in [(lambda t: t * i) for i in range(3)]]
              |                                                  ^
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
        let errors = super::front_end(&format!("def f(x):\n    {body}\n")).expect_err("nothing of this is supported");
        assert_eq!(errors.matches("error: ").count() - errors.matches("`ValueError` is not").count(), 1, "{errors}");
        assert!(!errors.contains("returns nothing"), "{errors}");
    }
}
