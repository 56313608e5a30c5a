//! Names that mean nothing here: unknown ones, functions left out, imports.

use expect_test::expect;

use super::super::check_error;

#[test]
fn unknown_names() {
    check_error(
        r#"
        import numpy as np
        import math

        def f(alpha):
            return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
        "#,
        expect![[r#"
            error: the name `alhpa` is not defined
             --> model.py:5:12
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
              |            ^^^^^
              |
              = help: did you mean `alpha`?

            error: the name `lenn` is not defined
             --> model.py:5:20
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
              |                    ^^^^
              |
              = help: did you mean `len`?

            error: `np.exq` is not supported
             --> model.py:5:37
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
              |                                     ^^^
              |
              = help: did you mean `exp`?

            error: `math.sinn` is not supported
             --> model.py:5:55
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
              |                                                       ^^^^
              |
              = help: did you mean `sin`?

            error: the name `exp` is not defined
             --> model.py:5:69
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
              |                                                                     ^^^
              |
              = help: write `np.exp`, with `import numpy as np` at the top

            error: `sorted` is not supported
             --> model.py:5:82
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
              |                                                                                  ^^^^^^
              |
              = help: write `np.sort`

            error: `np.random` is not supported
             --> model.py:5:101
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
              |                                                                                                     ^^^^^^
              |
              = help: models are pure: pass random numbers in as an argument

            error: `np.tahn` is not supported
             --> model.py:5:120
              |
            5 |     return alhpa + lenn(alpha) + np.exq(alpha) + math.sinn(alpha) + exp(alpha) + sorted(alpha) + np.random.rand() + np.tahn(alpha)
              |                                                                                                                        ^^^^
              |
              = help: did you mean `tanh`?
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
