//! Every construct and the nodes that it lowers to.

use expect_test::expect;

use super::check;

#[test]
fn literals() {
    check(
        r#"
        def f():
            return (1, -2, 0.5, -1e3, True, None, "axis", float("inf"))
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f() in @0 {
              %0 = const 1
              %1 = const -2
              %2 = const 0.5
              %3 = const -1000.0
              %4 = const true
              %5 = const none
              %6 = const "axis"
              %7 = builtin float
              %8 = const "inf"
              %9 = apply %7 (%8)
              %10 = tuple (%0, %1, %2, %3, %4, %5, %6, %9)
              return %10
            }
        "#]],
    );
}

#[test]
fn operators() {
    check(
        r#"
        def f(a, b):
            return [a + b, a - b, a * b, a / b, a // b, a % b, a ** b, a @ b, -a, +b, ~a, a & b, a | b, a ^ b, a << b, a >> b]
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (a, b) in @0 {
              %2 = builtin add
              %3 = apply %2 (%0, %1)
              %4 = builtin sub
              %5 = apply %4 (%0, %1)
              %6 = builtin mul
              %7 = apply %6 (%0, %1)
              %8 = builtin truediv
              %9 = apply %8 (%0, %1)
              %10 = builtin floordiv
              %11 = apply %10 (%0, %1)
              %12 = builtin mod
              %13 = apply %12 (%0, %1)
              %14 = builtin pow
              %15 = apply %14 (%0, %1)
              %16 = builtin matmul
              %17 = apply %16 (%0, %1)
              %18 = builtin neg
              %19 = apply %18 (%0)
              %20 = builtin pos
              %21 = apply %20 (%1)
              %22 = builtin invert
              %23 = apply %22 (%0)
              %24 = builtin bitand
              %25 = apply %24 (%0, %1)
              %26 = builtin bitor
              %27 = apply %26 (%0, %1)
              %28 = builtin bitxor
              %29 = apply %28 (%0, %1)
              %30 = builtin lshift
              %31 = apply %30 (%0, %1)
              %32 = builtin rshift
              %33 = apply %32 (%0, %1)
              %34 = tuple (%3, %5, %7, %9, %11, %13, %15, %17, %19, %21, %23, %25, %27, %29, %31, %33)
              return %34
            }
        "#]],
    );
}

#[test]
fn comparisons() {
    check(
        r#"
        def f(a, b):
            return a < b, a <= b, a > b, a >= b, a == b, a != b, a is b, a is not None, a in b, a not in b, not a
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (a, b) in @0 {
              %2 = builtin lt
              %3 = apply %2 (%0, %1)
              %4 = builtin le
              %5 = apply %4 (%0, %1)
              %6 = builtin gt
              %7 = apply %6 (%0, %1)
              %8 = builtin ge
              %9 = apply %8 (%0, %1)
              %10 = builtin eq
              %11 = apply %10 (%0, %1)
              %12 = builtin ne
              %13 = apply %12 (%0, %1)
              %14 = builtin is
              %15 = apply %14 (%0, %1)
              %16 = const none
              %17 = builtin is_not
              %18 = apply %17 (%0, %16)
              %19 = builtin in
              %20 = apply %19 (%0, %1)
              %21 = builtin in
              %22 = apply %21 (%0, %1)
              %23 = builtin not
              %24 = apply %23 (%22)
              %25 = builtin not
              %26 = apply %25 (%0)
              %27 = tuple (%3, %5, %7, %9, %11, %13, %15, %18, %20, %24, %26)
              return %27
            }
        "#]],
    );
}

#[test]
fn chained_comparison() {
    check(
        r#"
        def f(a, b, c):
            return a < b + 1 <= c
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1, %2) named (a, b, c) in @0 {
              %3 = const 1
              %4 = builtin add
              %5 = apply %4 (%1, %3)
              %6 = builtin lt
              %7 = apply %6 (%0, %5)
              %8 = builtin truth
              %9 = apply %8 (%7)
              %10 = if %9 @2 @3 ()
              return %10
            }

            graph @2 f.then() in @1 {
              %0 = outer @1 %5
              %1 = outer @1 %2
              %2 = builtin le
              %3 = apply %2 (%0, %1)
              return %3
            }

            graph @3 f.else() in @1 {
              %0 = outer @1 %7
              return %0
            }
        "#]],
    );
}

#[test]
fn short_circuit() {
    check(
        r#"
        def f(a, b, c):
            return a and b or c
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1, %2) named (a, b, c) in @0 {
              %3 = builtin truth
              %4 = apply %3 (%0)
              %5 = if %4 @3 @2 ()
              %6 = builtin truth
              %7 = apply %6 (%5)
              %8 = if %7 @4 @5 ()
              return %8
            }

            graph @2 f.else() in @1 {
              %0 = outer @1 %0
              return %0
            }

            graph @3 f.then() in @1 {
              %0 = outer @1 %1
              return %0
            }

            graph @4 f.then() in @1 {
              %0 = outer @1 %5
              return %0
            }

            graph @5 f.else() in @1 {
              %0 = outer @1 %2
              return %0
            }
        "#]],
    );
}

#[test]
fn conditional_expression() {
    check(
        r#"
        def f(x):
            return x if x > 0 else -x
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = const 0
              %2 = builtin gt
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = if %5 @2 @3 ()
              return %6
            }

            graph @2 f.then() in @1 {
              %0 = outer @1 %0
              return %0
            }

            graph @3 f.else() in @1 {
              %0 = outer @1 %0
              %1 = builtin neg
              %2 = apply %1 (%0)
              return %2
            }
        "#]],
    );
}

#[test]
fn indexing() {
    check(
        r#"
        import numpy as np

        def f(x, i):
            return x[i], x[-1], x[i, 1:], x[::2], x[None, ..., np.newaxis], x["a"]
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (x, i) in @0 {
              %2 = builtin getitem
              %3 = apply %2 (%0, %1)
              %4 = const -1
              %5 = builtin getitem
              %6 = apply %5 (%0, %4)
              %7 = const 1
              %8 = const none
              %9 = const none
              %10 = builtin slice
              %11 = apply %10 (%7, %8, %9)
              %12 = builtin index
              %13 = apply %12 (%0, %1, %11)
              %14 = const none
              %15 = const none
              %16 = const 2
              %17 = builtin slice
              %18 = apply %17 (%14, %15, %16)
              %19 = builtin getitem
              %20 = apply %19 (%0, %18)
              %21 = const none
              %22 = builtin ellipsis
              %23 = const none
              %24 = builtin index
              %25 = apply %24 (%0, %21, %22, %23)
              %26 = const "a"
              %27 = builtin getitem
              %28 = apply %27 (%0, %26)
              %29 = tuple (%3, %6, %13, %20, %25, %28)
              return %29
            }
        "#]],
    );
}

#[test]
fn attributes_and_methods() {
    check(
        r#"
        def f(x):
            return x.T, x.sum(axis=0)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = const "T"
              %2 = builtin getattr
              %3 = apply %2 (%0, %1)
              %4 = const "sum"
              %5 = builtin getattr
              %6 = apply %5 (%0, %4)
              %7 = const 0
              %8 = apply %6 (axis=%7)
              %9 = tuple (%3, %8)
              return %9
            }
        "#]],
    );
}

#[test]
fn displays() {
    check(
        r#"
        def f(a, b):
            return (a, *b, 1), [], {"w": a, "b": (b,)}, dict(lr=a)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (a, b) in @0 {
              %2 = tuple (%0)
              %3 = const 1
              %4 = tuple (%3)
              %5 = builtin concat_tuples
              %6 = apply %5 (%2, %1, %4)
              %7 = tuple ()
              %8 = tuple (%1)
              %9 = record dict{w, b} (%0, %8)
              %10 = record dict{lr} (%0)
              %11 = tuple (%6, %7, %9, %10)
              return %11
            }
        "#]],
    );
}

#[test]
fn calls() {
    check(
        r#"
        def f(g, xs, k):
            return g(xs, k, lr=0.1), g(*xs), g(k, *xs, lr=k)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1, %2) named (g, xs, k) in @0 {
              %3 = const 0.1
              %4 = apply %0 (%1, %2, lr=%3)
              %5 = builtin apply_star
              %6 = apply %5 (%0, %1)
              %7 = tuple (%2)
              %8 = builtin concat_tuples
              %9 = apply %8 (%7, %1)
              %10 = builtin apply_star
              %11 = apply %10 (%0, %9, lr=%2)
              %12 = tuple (%4, %6, %11)
              return %12
            }
        "#]],
    );
}

#[test]
fn comprehensions() {
    check(
        r#"
        def f(xs, c):
            return [x * c for x in xs], tuple(a + b for a, b in zip(xs, xs)), [[x + y for y in xs] for x in xs]
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (xs, c) in @0 {
              %2 = fn @2 ()
              %3 = builtin map_items
              %4 = apply %3 (%2, %0)
              %5 = builtin tuple
              %6 = builtin zip
              %7 = apply %6 (%0, %0)
              %8 = fn @3 ()
              %9 = builtin map_items
              %10 = apply %9 (%8, %7)
              %11 = apply %5 (%10)
              %12 = fn @4 ()
              %13 = builtin map_items
              %14 = apply %13 (%12, %0)
              %15 = tuple (%4, %11, %14)
              return %15
            }

            graph @2 element(%0) named (x) in @1 {
              %1 = outer @1 %1
              %2 = builtin mul
              %3 = apply %2 (%0, %1)
              return %3
            }

            graph @3 element(%0) named (item) in @0 {
              %1 = const 2
              %2 = builtin unpack
              %3 = apply %2 (%0, %1)
              %4 = get 0 %3
              %5 = get 1 %3
              %6 = builtin add
              %7 = apply %6 (%4, %5)
              return %7
            }

            graph @4 element(%0) named (x) in @1 {
              %1 = outer @1 %0
              %2 = fn @5 ()
              %3 = builtin map_items
              %4 = apply %3 (%2, %1)
              return %4
            }

            graph @5 element(%0) named (y) in @4 {
              %1 = outer @4 %0
              %2 = builtin add
              %3 = apply %2 (%1, %0)
              return %3
            }
        "#]],
    );
}

#[test]
fn names_of_modules() {
    check(
        r#"
        import math
        import numpy as np
        import numpy.linalg
        import functools
        import jax.numpy as jnp
        from math import sin as s, pi
        from numpy import exp, linalg as la
        from functools import reduce, partial
        from adjudicate import grad, value_and_grad
        from typing import Callable, NamedTuple
        from __future__ import annotations

        def f(x: np.ndarray, g: Callable[[float], float]) -> float:
            return math.cos(x), np.linalg.norm(x), la.norm(x), jnp.tanh(x), s(pi), exp(x), grad(g)(x), np.float64, math.inf
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (x, g) in @0 {
              %2 = builtin math.cos
              %3 = apply %2 (%0)
              %4 = builtin np.linalg.norm
              %5 = apply %4 (%0)
              %6 = builtin np.linalg.norm
              %7 = apply %6 (%0)
              %8 = builtin np.tanh
              %9 = apply %8 (%0)
              %10 = builtin math.sin
              %11 = const 3.141592653589793
              %12 = apply %10 (%11)
              %13 = builtin np.exp
              %14 = apply %13 (%0)
              %15 = builtin grad
              %16 = apply %15 (%1)
              %17 = apply %16 (%0)
              %18 = builtin np.float64
              %19 = const inf
              %20 = tuple (%3, %5, %7, %9, %12, %14, %17, %18, %19)
              return %20
            }
        "#]],
    );
}

#[test]
fn assignment() {
    check(
        r#"
        def f(x, y):
            '''A docstring.'''
            a, (b, c) = x
            a, b = b, a
            d = e = a + c
            t: float = d
            u: int
            t += e
            t @= y
            pass
            return t
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (x, y) in @0 {
              %2 = const 2
              %3 = builtin unpack
              %4 = apply %3 (%0, %2)
              %5 = get 0 %4
              %6 = get 1 %4
              %7 = const 2
              %8 = builtin unpack
              %9 = apply %8 (%6, %7)
              %10 = get 0 %9
              %11 = get 1 %9
              %12 = builtin add
              %13 = apply %12 (%10, %11)
              %14 = const "t = t + …"
              %15 = builtin rebind
              %16 = apply %15 (%13, %14)
              %17 = builtin add
              %18 = apply %17 (%16, %13)
              %19 = builtin matmul
              %20 = apply %19 (%18, %1)
              return %20
            }
        "#]],
    );
}

#[test]
fn starred_targets() {
    check(
        r#"
        def f(xs):
            a, *b = xs
            *c, d = b
            return a, c, d
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (xs) in @0 {
              %1 = const 0
              %2 = builtin getitem
              %3 = apply %2 (%0, %1)
              %4 = const 1
              %5 = const none
              %6 = const none
              %7 = builtin slice
              %8 = apply %7 (%4, %5, %6)
              %9 = builtin getitem
              %10 = apply %9 (%0, %8)
              %11 = const 0
              %12 = const -1
              %13 = const none
              %14 = builtin slice
              %15 = apply %14 (%11, %12, %13)
              %16 = builtin getitem
              %17 = apply %16 (%10, %15)
              %18 = const -1
              %19 = builtin getitem
              %20 = apply %19 (%10, %18)
              %21 = tuple (%3, %17, %20)
              return %21
            }
        "#]],
    );
}

#[test]
fn defaults_and_keywords() {
    check(
        r#"
        def f(x, y=1.0, *, z=2.0):
            return x + y + z

        def g(x):
            return f(x, z=3.0)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = const 1.0
              %1 = const 2.0
              %2 = fn @1 (%0, %1)
              %3 = fn @2 ()
              %4 = record module{f, g} (%2, %3)
              return %4
            }

            graph @1 f(%0, %1, %2) named (x, y, z) defaults 2 keyword_only 1 in @0 {
              %3 = builtin add
              %4 = apply %3 (%0, %1)
              %5 = builtin add
              %6 = apply %5 (%4, %2)
              return %6
            }

            graph @2 g(%0) named (x) in @0 {
              %1 = outer @0 %0
              %2 = outer @0 %1
              %3 = fn @1 (%1, %2)
              %4 = const 3.0
              %5 = apply %3 (%0, z=%4)
              return %5
            }
        "#]],
    );
}

#[test]
fn recursion() {
    check(
        r#"
        def even(n):
            return True if n == 0 else odd(n - 1)

        def odd(n):
            return False if n == 0 else even(n - 1)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = fn @2 ()
              %2 = record module{even, odd} (%0, %1)
              return %2
            }

            graph @1 even(%0) named (n) in @0 {
              %1 = const 0
              %2 = builtin eq
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = if %5 @3 @4 ()
              return %6
            }

            graph @2 odd(%0) named (n) in @0 {
              %1 = const 0
              %2 = builtin eq
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = if %5 @5 @6 ()
              return %6
            }

            graph @3 even.then() in @1 {
              %0 = const true
              return %0
            }

            graph @4 even.else() in @1 {
              %0 = fn @2 ()
              %1 = outer @1 %0
              %2 = const 1
              %3 = builtin sub
              %4 = apply %3 (%1, %2)
              %5 = apply %0 (%4)
              return %5
            }

            graph @5 odd.then() in @2 {
              %0 = const false
              return %0
            }

            graph @6 odd.else() in @2 {
              %0 = fn @1 ()
              %1 = outer @2 %0
              %2 = const 1
              %3 = builtin sub
              %4 = apply %3 (%1, %2)
              %5 = apply %0 (%4)
              return %5
            }
        "#]],
    );
}

#[test]
fn closures_see_the_value_at_the_mention() {
    check(
        r#"
        def f(x):
            def g(y):
                return x * y
            a = g(1.0)
            x = x + 1.0
            return a + g(2.0) + g(3.0)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = fn @2 ()
              %2 = const 1.0
              %3 = apply %1 (%2)
              %4 = const 1.0
              %5 = builtin add
              %6 = apply %5 (%0, %4)
              %7 = fn @3 ()
              %8 = const 2.0
              %9 = apply %7 (%8)
              %10 = builtin add
              %11 = apply %10 (%3, %9)
              %12 = fn @3 ()
              %13 = const 3.0
              %14 = apply %12 (%13)
              %15 = builtin add
              %16 = apply %15 (%11, %14)
              return %16
            }

            graph @2 g(%0) named (y) in @1 {
              %1 = outer @1 %0
              %2 = builtin mul
              %3 = apply %2 (%1, %0)
              return %3
            }

            graph @3 g(%0) named (y) in @1 {
              %1 = outer @1 %6
              %2 = builtin mul
              %3 = apply %2 (%1, %0)
              return %3
            }
        "#]],
    );
}

#[test]
fn nested_recursion_with_defaults() {
    check(
        r#"
        def f(x, n):
            def loop(i, acc=1.0):
                return acc if i == n else loop(i + 1, acc * x)
            return loop(0)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (x, n) in @0 {
              %2 = const 1.0
              %3 = fn @2 (%2)
              %4 = const 0
              %5 = apply %3 (%4)
              return %5
            }

            graph @2 loop(%0, %1) named (i, acc) defaults 1 in @1 {
              %2 = outer @1 %1
              %3 = builtin eq
              %4 = apply %3 (%0, %2)
              %5 = builtin truth
              %6 = apply %5 (%4)
              %7 = if %6 @3 @4 ()
              return %7
            }

            graph @3 loop.then() in @2 {
              %0 = outer @2 %1
              return %0
            }

            graph @4 loop.else() in @2 {
              %0 = outer @1 %2
              %1 = fn @2 (%0)
              %2 = outer @2 %0
              %3 = const 1
              %4 = builtin add
              %5 = apply %4 (%2, %3)
              %6 = outer @2 %1
              %7 = outer @1 %0
              %8 = builtin mul
              %9 = apply %8 (%6, %7)
              %10 = apply %1 (%5, %9)
              return %10
            }
        "#]],
    );
}

#[test]
fn lambdas() {
    check(
        r#"
        def f(x):
            scale = lambda y, k=2.0: k * x * y
            return scale(1.0) + (lambda: x)()
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = const 2.0
              %2 = fn @2 (%1)
              %3 = const 1.0
              %4 = apply %2 (%3)
              %5 = fn @3 ()
              %6 = apply %5 ()
              %7 = builtin add
              %8 = apply %7 (%4, %6)
              return %8
            }

            graph @2 lambda(%0, %1) named (y, k) defaults 1 in @1 {
              %2 = outer @1 %0
              %3 = builtin mul
              %4 = apply %3 (%1, %2)
              %5 = builtin mul
              %6 = apply %5 (%4, %0)
              return %6
            }

            graph @3 lambda() in @1 {
              %0 = outer @1 %0
              return %0
            }
        "#]],
    );
}

#[test]
fn decorators() {
    check(
        r#"
        from adjudicate import grad

        @grad
        def slope(x):
            return x ** 3
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = builtin grad
              %1 = fn @1 ()
              %2 = apply %0 (%1)
              %3 = record module{slope} (%2)
              return %3
            }

            graph @1 slope(%0) named (x) in @0 {
              %1 = const 3
              %2 = builtin pow
              %3 = apply %2 (%0, %1)
              return %3
            }
        "#]],
    );
}

#[test]
fn records() {
    check(
        r#"
        from typing import NamedTuple
        from dataclasses import dataclass
        from collections import namedtuple

        class Layer(NamedTuple):
            '''One layer.'''
            w: float
            b: float = 0.0

        @dataclass(frozen=True)
        class Adam:
            lr: float = 0.1

        Point = namedtuple("Point", "x y")

        def f(x):
            return Layer(x), Layer(w=x, b=x).w, Adam(), Point(x, x)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = const 0.0
              %1 = const 0.1
              %2 = fn @1 (%0)
              %3 = fn @2 (%1)
              %4 = fn @3 ()
              %5 = fn @4 ()
              %6 = record module{Layer, Adam, Point, f} (%2, %3, %4, %5)
              return %6
            }

            graph @1 Layer(%0, %1) named (w, b) defaults 1 in @0 {
              %2 = record Layer{w, b} (%0, %1)
              return %2
            }

            graph @2 Adam(%0) named (lr) defaults 1 in @0 {
              %1 = record Adam{lr} (%0)
              return %1
            }

            graph @3 Point(%0, %1) named (x, y) in @0 {
              %2 = record Point{x, y} (%0, %1)
              return %2
            }

            graph @4 f(%0) named (x) in @0 {
              %1 = outer @0 %0
              %2 = fn @1 (%1)
              %3 = apply %2 (%0)
              %4 = fn @1 (%1)
              %5 = apply %4 (w=%0, b=%0)
              %6 = const "w"
              %7 = builtin getattr
              %8 = apply %7 (%5, %6)
              %9 = outer @0 %1
              %10 = fn @2 (%9)
              %11 = apply %10 ()
              %12 = fn @3 ()
              %13 = apply %12 (%0, %0)
              %14 = tuple (%3, %8, %11, %13)
              return %14
            }
        "#]],
    );
}

#[test]
fn module_constants() {
    check(
        r#"
        import numpy as np

        RATE = 0.1
        SIZES = (64, 10)

        def f(x):
            return x * RATE + STEPS

        STEPS = len(SIZES)

        if __name__ == "__main__":
            print(f(1.0))
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = const 0.1
              %1 = const 64
              %2 = const 10
              %3 = tuple (%1, %2)
              %4 = builtin len
              %5 = apply %4 (%3)
              %6 = fn @1 ()
              %7 = record module{RATE, SIZES, f, STEPS} (%0, %3, %6, %5)
              return %7
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = outer @0 %0
              %2 = builtin mul
              %3 = apply %2 (%0, %1)
              %4 = outer @0 %5
              %5 = builtin add
              %6 = apply %5 (%3, %4)
              return %6
            }
        "#]],
    );
}

#[test]
fn function_mentioned_before_those_it_calls() {
    check(
        r#"
        from adjudicate import grad

        def loss(x):
            return square(x)

        slope = grad(loss)

        def square(x):
            return x * x
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = builtin grad
              %1 = fn @1 ()
              %2 = apply %0 (%1)
              %3 = fn @1 ()
              %4 = fn @2 ()
              %5 = record module{loss, slope, square} (%3, %2, %4)
              return %5
            }

            graph @1 loss(%0) named (x) in @0 {
              %1 = fn @2 ()
              %2 = apply %1 (%0)
              return %2
            }

            graph @2 square(%0) named (x) in @0 {
              %1 = builtin mul
              %2 = apply %1 (%0, %0)
              return %2
            }
        "#]],
    );
}

#[test]
fn if_falls_through() {
    check(
        r#"
        def f(x, c):
            y = x
            if c:
                t = x * 2.0
                y = t + 1.0
            return y
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (x, c) in @0 {
              %2 = builtin truth
              %3 = apply %2 (%1)
              %4 = if %3 @2 @3 ()
              %5 = get 0 %4
              return %5
            }

            graph @2 f.then() in @1 {
              %0 = outer @1 %0
              %1 = const 2.0
              %2 = builtin mul
              %3 = apply %2 (%0, %1)
              %4 = const 1.0
              %5 = builtin add
              %6 = apply %5 (%3, %4)
              %7 = tuple (%6)
              return %7
            }

            graph @3 f.else() in @1 {
              %0 = outer @1 %0
              %1 = tuple (%0)
              return %1
            }
        "#]],
    );
}

#[test]
fn if_else_with_temporaries() {
    check(
        r#"
        def f(x, c):
            if c > 1:
                t = x * 2.0
                y = t
            elif c > 0:
                t = (x, x)
                y = t[0]
            else:
                y = x
            return y
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (x, c) in @0 {
              %2 = const 1
              %3 = builtin gt
              %4 = apply %3 (%1, %2)
              %5 = builtin truth
              %6 = apply %5 (%4)
              %7 = if %6 @2 @3 ()
              %8 = get 0 %7
              return %8
            }

            graph @2 f.then() in @1 {
              %0 = outer @1 %0
              %1 = const 2.0
              %2 = builtin mul
              %3 = apply %2 (%0, %1)
              %4 = tuple (%3)
              return %4
            }

            graph @3 f.else() in @1 {
              %0 = outer @1 %1
              %1 = const 0
              %2 = builtin gt
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = if %5 @4 @5 ()
              %7 = get 0 %6
              %8 = tuple (%7)
              return %8
            }

            graph @4 f.then() in @3 {
              %0 = outer @1 %0
              %1 = tuple (%0, %0)
              %2 = const 0
              %3 = builtin getitem
              %4 = apply %3 (%1, %2)
              %5 = tuple (%4)
              return %5
            }

            graph @5 f.else() in @3 {
              %0 = outer @1 %0
              %1 = tuple (%0)
              return %1
            }
        "#]],
    );
}

#[test]
fn if_returns_on_both_sides() {
    check(
        r#"
        def f(x):
            if x > 0:
                return x
            else:
                return -x
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = const 0
              %2 = builtin gt
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = if %5 @2 @3 ()
              return %6
            }

            graph @2 f.then() in @1 {
              %0 = outer @1 %0
              return %0
            }

            graph @3 f.else() in @1 {
              %0 = outer @1 %0
              %1 = builtin neg
              %2 = apply %1 (%0)
              return %2
            }
        "#]],
    );
}

#[test]
fn early_return() {
    check(
        r#"
        def f(x, n):
            if n == 0:
                return x
            y = x * x
            if n == 1:
                return y
            return f(y, n - 2)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (x, n) in @0 {
              %2 = const 0
              %3 = builtin eq
              %4 = apply %3 (%1, %2)
              %5 = builtin truth
              %6 = apply %5 (%4)
              %7 = if %6 @2 @3 ()
              return %7
            }

            graph @2 f.then() in @1 {
              %0 = outer @1 %0
              return %0
            }

            graph @3 f.else() in @1 {
              %0 = outer @1 %0
              %1 = builtin mul
              %2 = apply %1 (%0, %0)
              %3 = outer @1 %1
              %4 = const 1
              %5 = builtin eq
              %6 = apply %5 (%3, %4)
              %7 = builtin truth
              %8 = apply %7 (%6)
              %9 = if %8 @4 @5 ()
              return %9
            }

            graph @4 f.then() in @3 {
              %0 = outer @3 %2
              return %0
            }

            graph @5 f.else() in @3 {
              %0 = fn @1 ()
              %1 = outer @3 %2
              %2 = outer @1 %1
              %3 = const 2
              %4 = builtin sub
              %5 = apply %4 (%2, %3)
              %6 = apply %0 (%1, %5)
              return %6
            }
        "#]],
    );
}

#[test]
fn deep_return() {
    check(
        r#"
        def f(x):
            y = 1.0
            if x > 0:
                if x > 1:
                    return x
                y = 2.0
            return y * x
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = const 1.0
              %2 = const 0
              %3 = builtin gt
              %4 = apply %3 (%0, %2)
              %5 = builtin truth
              %6 = apply %5 (%4)
              %7 = if %6 @2 @5 ()
              %8 = get 0 %7
              %9 = get 1 %7
              %10 = get 2 %7
              %11 = if %8 @6 @7 ()
              return %11
            }

            graph @2 f.then() in @1 {
              %0 = outer @1 %0
              %1 = const 1
              %2 = builtin gt
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = if %5 @3 @4 ()
              return %6
            }

            graph @3 f.then() in @2 {
              %0 = outer @1 %0
              %1 = const true
              %2 = outer @1 %1
              %3 = tuple (%1, %0, %2)
              return %3
            }

            graph @4 f.else() in @2 {
              %0 = const 2.0
              %1 = const false
              %2 = const undefined
              %3 = tuple (%1, %2, %0)
              return %3
            }

            graph @5 f.else() in @1 {
              %0 = const false
              %1 = const undefined
              %2 = outer @1 %1
              %3 = tuple (%0, %1, %2)
              return %3
            }

            graph @6 f.leave() in @1 {
              %0 = outer @1 %9
              return %0
            }

            graph @7 f.rest() in @1 {
              %0 = outer @1 %10
              %1 = outer @1 %0
              %2 = builtin mul
              %3 = apply %2 (%0, %1)
              return %3
            }
        "#]],
    );
}

#[test]
fn while_loop() {
    check(
        r#"
        def f(x, n):
            i = 0
            y = 1.0
            while i < n:
                t = x * y
                y = t + 1.0
                i += 1
            return y
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (x, n) in @0 {
              %2 = const 0
              %3 = const 1.0
              %4 = loop @2 @3 (%3, %2)
              %5 = get 0 %4
              %6 = get 1 %4
              return %5
            }

            graph @2 f.cond(%0, %1) named (y, i) in @1 {
              %2 = outer @1 %1
              %3 = builtin lt
              %4 = apply %3 (%1, %2)
              %5 = builtin truth
              %6 = apply %5 (%4)
              return %6
            }

            graph @3 f.body(%0, %1) named (y, i) in @1 {
              %2 = outer @1 %0
              %3 = builtin mul
              %4 = apply %3 (%2, %0)
              %5 = const 1.0
              %6 = builtin add
              %7 = apply %6 (%4, %5)
              %8 = const 1
              %9 = builtin add
              %10 = apply %9 (%1, %8)
              %11 = tuple (%7, %10)
              return %11
            }
        "#]],
    );
}

#[test]
fn for_loop() {
    check(
        r#"
        def f(xs):
            s = 0.0
            for i, (a, b) in enumerate(zip(xs, xs)):
                s += a * b * i
            return s
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (xs) in @0 {
              %1 = const 0.0
              %2 = builtin enumerate
              %3 = builtin zip
              %4 = apply %3 (%0, %0)
              %5 = apply %2 (%4)
              %6 = builtin iter_len
              %7 = apply %6 (%5)
              %8 = const 0
              %9 = loop @2 @3 (%8, %1)
              %10 = get 1 %9
              return %10
            }

            graph @2 f.cond(%0, %1) named ("$index", s) in @1 {
              %2 = outer @1 %7
              %3 = builtin lt
              %4 = apply %3 (%0, %2)
              return %4
            }

            graph @3 f.body(%0, %1) named ("$index", s) in @1 {
              %2 = outer @1 %5
              %3 = builtin iter_get
              %4 = apply %3 (%2, %0)
              %5 = const 1
              %6 = builtin add
              %7 = apply %6 (%0, %5)
              %8 = const 2
              %9 = builtin unpack
              %10 = apply %9 (%4, %8)
              %11 = get 0 %10
              %12 = get 1 %10
              %13 = const 2
              %14 = builtin unpack
              %15 = apply %14 (%12, %13)
              %16 = get 0 %15
              %17 = get 1 %15
              %18 = builtin mul
              %19 = apply %18 (%16, %17)
              %20 = builtin mul
              %21 = apply %20 (%19, %11)
              %22 = builtin add
              %23 = apply %22 (%1, %21)
              %24 = tuple (%7, %23)
              return %24
            }
        "#]],
    );
}

#[test]
fn break_and_continue() {
    check(
        r#"
        def f(xs):
            s = 0.0
            for x in xs:
                if x < 0:
                    continue
                if x > 9:
                    break
                s += x
            return s
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (xs) in @0 {
              %1 = const 0.0
              %2 = builtin iter_len
              %3 = apply %2 (%0)
              %4 = const 0
              %5 = const false
              %6 = loop @2 @5 (%4, %5, %1)
              %7 = get 1 %6
              %8 = get 2 %6
              return %8
            }

            graph @2 f.cond(%0, %1, %2) named ("$index", "$break", s) in @1 {
              %3 = if %1 @3 @4 ()
              return %3
            }

            graph @3 f.then() in @2 {
              %0 = const false
              return %0
            }

            graph @4 f.else() in @2 {
              %0 = outer @2 %0
              %1 = outer @1 %3
              %2 = builtin lt
              %3 = apply %2 (%0, %1)
              return %3
            }

            graph @5 f.body(%0, %1, %2) named ("$index", "$break", s) in @1 {
              %3 = outer @1 %0
              %4 = builtin iter_get
              %5 = apply %4 (%3, %0)
              %6 = const 1
              %7 = builtin add
              %8 = apply %7 (%0, %6)
              %9 = const 0
              %10 = builtin lt
              %11 = apply %10 (%5, %9)
              %12 = builtin truth
              %13 = apply %12 (%11)
              %14 = if %13 @6 @7 ()
              return %14
            }

            graph @6 f.then() in @5 {
              %0 = outer @5 %8
              %1 = const false
              %2 = outer @5 %2
              %3 = tuple (%0, %1, %2)
              return %3
            }

            graph @7 f.else() in @5 {
              %0 = outer @5 %5
              %1 = const 9
              %2 = builtin gt
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = if %5 @8 @9 ()
              return %6
            }

            graph @8 f.then() in @7 {
              %0 = outer @5 %8
              %1 = const true
              %2 = outer @5 %2
              %3 = tuple (%0, %1, %2)
              return %3
            }

            graph @9 f.else() in @7 {
              %0 = outer @5 %2
              %1 = outer @5 %5
              %2 = builtin add
              %3 = apply %2 (%0, %1)
              %4 = outer @5 %8
              %5 = const false
              %6 = tuple (%4, %5, %3)
              return %6
            }
        "#]],
    );
}

#[test]
fn flags_of_a_deep_break() {
    check(
        r#"
        def f(xs):
            s = 0.0
            for x in xs:
                if x < 0:
                    if x < -1:
                        break
                    s -= x
                s += x
            return s
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (xs) in @0 {
              %1 = const 0.0
              %2 = builtin iter_len
              %3 = apply %2 (%0)
              %4 = const 0
              %5 = const false
              %6 = loop @2 @5 (%4, %5, %1)
              %7 = get 1 %6
              %8 = get 2 %6
              return %8
            }

            graph @2 f.cond(%0, %1, %2) named ("$index", "$break", s) in @1 {
              %3 = if %1 @3 @4 ()
              return %3
            }

            graph @3 f.then() in @2 {
              %0 = const false
              return %0
            }

            graph @4 f.else() in @2 {
              %0 = outer @2 %0
              %1 = outer @1 %3
              %2 = builtin lt
              %3 = apply %2 (%0, %1)
              return %3
            }

            graph @5 f.body(%0, %1, %2) named ("$index", "$break", s) in @1 {
              %3 = outer @1 %0
              %4 = builtin iter_get
              %5 = apply %4 (%3, %0)
              %6 = const 1
              %7 = builtin add
              %8 = apply %7 (%0, %6)
              %9 = const 0
              %10 = builtin lt
              %11 = apply %10 (%5, %9)
              %12 = builtin truth
              %13 = apply %12 (%11)
              %14 = if %13 @6 @9 ()
              %15 = get 0 %14
              %16 = get 1 %14
              %17 = if %15 @10 @11 ()
              return %17
            }

            graph @6 f.then() in @5 {
              %0 = outer @5 %5
              %1 = const -1
              %2 = builtin lt
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = if %5 @7 @8 ()
              return %6
            }

            graph @7 f.then() in @6 {
              %0 = const true
              %1 = outer @5 %2
              %2 = tuple (%0, %1)
              return %2
            }

            graph @8 f.else() in @6 {
              %0 = outer @5 %2
              %1 = outer @5 %5
              %2 = builtin sub
              %3 = apply %2 (%0, %1)
              %4 = const false
              %5 = tuple (%4, %3)
              return %5
            }

            graph @9 f.else() in @5 {
              %0 = const false
              %1 = outer @5 %2
              %2 = tuple (%0, %1)
              return %2
            }

            graph @10 f.leave() in @5 {
              %0 = outer @5 %8
              %1 = outer @5 %15
              %2 = outer @5 %16
              %3 = tuple (%0, %1, %2)
              return %3
            }

            graph @11 f.rest() in @5 {
              %0 = outer @5 %16
              %1 = outer @5 %5
              %2 = builtin add
              %3 = apply %2 (%0, %1)
              %4 = outer @5 %8
              %5 = const false
              %6 = tuple (%4, %5, %3)
              return %6
            }
        "#]],
    );
}

#[test]
fn return_from_a_loop() {
    check(
        r#"
        def f(xs):
            for x in xs:
                if x > 0:
                    return x
            return 0.0
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (xs) in @0 {
              %1 = builtin iter_len
              %2 = apply %1 (%0)
              %3 = const 0
              %4 = const false
              %5 = const undefined
              %6 = loop @2 @5 (%3, %4, %5)
              %7 = get 1 %6
              %8 = get 2 %6
              %9 = if %7 @8 @9 ()
              return %9
            }

            graph @2 f.cond(%0, %1, %2) named ("$index", "$return", "$value") in @1 {
              %3 = if %1 @3 @4 ()
              return %3
            }

            graph @3 f.then() in @2 {
              %0 = const false
              return %0
            }

            graph @4 f.else() in @2 {
              %0 = outer @2 %0
              %1 = outer @1 %2
              %2 = builtin lt
              %3 = apply %2 (%0, %1)
              return %3
            }

            graph @5 f.body(%0, %1, %2) named ("$index", "$return", "$value") in @1 {
              %3 = outer @1 %0
              %4 = builtin iter_get
              %5 = apply %4 (%3, %0)
              %6 = const 1
              %7 = builtin add
              %8 = apply %7 (%0, %6)
              %9 = const 0
              %10 = builtin gt
              %11 = apply %10 (%5, %9)
              %12 = builtin truth
              %13 = apply %12 (%11)
              %14 = if %13 @6 @7 ()
              return %14
            }

            graph @6 f.then() in @5 {
              %0 = outer @5 %5
              %1 = outer @5 %8
              %2 = const true
              %3 = tuple (%1, %2, %0)
              return %3
            }

            graph @7 f.else() in @5 {
              %0 = outer @5 %8
              %1 = const false
              %2 = const undefined
              %3 = tuple (%0, %1, %2)
              return %3
            }

            graph @8 f.leave() in @1 {
              %0 = outer @1 %8
              return %0
            }

            graph @9 f.rest() in @1 {
              %0 = const 0.0
              return %0
            }
        "#]],
    );
}

#[test]
fn endless_loop() {
    check(
        r#"
        def f(x):
            while True:
                y = x * 0.5
                if y < 1.0:
                    break
                x = y
            return y
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = const false
              %2 = const undefined
              %3 = loop @2 @3 (%1, %2, %0)
              %4 = get 0 %3
              %5 = get 1 %3
              %6 = get 2 %3
              return %5
            }

            graph @2 f.cond(%0, %1, %2) named ("$break", y, x) in @1 {
              %3 = builtin not
              %4 = apply %3 (%0)
              return %4
            }

            graph @3 f.body(%0, %1, %2) named ("$break", y, x) in @1 {
              %3 = const 0.5
              %4 = builtin mul
              %5 = apply %4 (%2, %3)
              %6 = const 1.0
              %7 = builtin lt
              %8 = apply %7 (%5, %6)
              %9 = builtin truth
              %10 = apply %9 (%8)
              %11 = if %10 @4 @5 ()
              return %11
            }

            graph @4 f.then() in @3 {
              %0 = const true
              %1 = outer @3 %5
              %2 = outer @3 %2
              %3 = tuple (%0, %1, %2)
              return %3
            }

            graph @5 f.else() in @3 {
              %0 = outer @3 %5
              %1 = const false
              %2 = tuple (%1, %0, %0)
              return %2
            }
        "#]],
    );
}

#[test]
fn endless_loop_that_returns() {
    check(
        r#"
        def f(x):
            while True:
                x = x * 0.5
                if x < 1.0:
                    return x
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (x) in @0 {
              %1 = const false
              %2 = const undefined
              %3 = loop @2 @3 (%1, %2, %0)
              %4 = get 0 %3
              %5 = get 1 %3
              %6 = get 2 %3
              return %5
            }

            graph @2 f.cond(%0, %1, %2) named ("$return", "$value", x) in @1 {
              %3 = builtin not
              %4 = apply %3 (%0)
              return %4
            }

            graph @3 f.body(%0, %1, %2) named ("$return", "$value", x) in @1 {
              %3 = const 0.5
              %4 = builtin mul
              %5 = apply %4 (%2, %3)
              %6 = const 1.0
              %7 = builtin lt
              %8 = apply %7 (%5, %6)
              %9 = builtin truth
              %10 = apply %9 (%8)
              %11 = if %10 @4 @5 ()
              return %11
            }

            graph @4 f.then() in @3 {
              %0 = outer @3 %5
              %1 = const true
              %2 = tuple (%1, %0, %0)
              return %2
            }

            graph @5 f.else() in @3 {
              %0 = const false
              %1 = const undefined
              %2 = outer @3 %5
              %3 = tuple (%0, %1, %2)
              return %3
            }
        "#]],
    );
}

#[test]
fn loop_else() {
    check(
        r#"
        def f(xs):
            for x in xs:
                if x > 0:
                    break
            else:
                return 0.0
            return 1.0
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (xs) in @0 {
              %1 = builtin iter_len
              %2 = apply %1 (%0)
              %3 = const 0
              %4 = const false
              %5 = loop @2 @5 (%3, %4)
              %6 = get 1 %5
              %7 = if %6 @8 @9 ()
              return %7
            }

            graph @2 f.cond(%0, %1) named ("$index", "$break") in @1 {
              %2 = if %1 @3 @4 ()
              return %2
            }

            graph @3 f.then() in @2 {
              %0 = const false
              return %0
            }

            graph @4 f.else() in @2 {
              %0 = outer @2 %0
              %1 = outer @1 %2
              %2 = builtin lt
              %3 = apply %2 (%0, %1)
              return %3
            }

            graph @5 f.body(%0, %1) named ("$index", "$break") in @1 {
              %2 = outer @1 %0
              %3 = builtin iter_get
              %4 = apply %3 (%2, %0)
              %5 = const 1
              %6 = builtin add
              %7 = apply %6 (%0, %5)
              %8 = const 0
              %9 = builtin gt
              %10 = apply %9 (%4, %8)
              %11 = builtin truth
              %12 = apply %11 (%10)
              %13 = if %12 @6 @7 ()
              return %13
            }

            graph @6 f.then() in @5 {
              %0 = outer @5 %7
              %1 = const true
              %2 = tuple (%0, %1)
              return %2
            }

            graph @7 f.else() in @5 {
              %0 = outer @5 %7
              %1 = const false
              %2 = tuple (%0, %1)
              return %2
            }

            graph @8 f.then() in @1 {
              %0 = const 1.0
              return %0
            }

            graph @9 f.else() in @1 {
              %0 = const 0.0
              return %0
            }
        "#]],
    );
}

#[test]
fn nested_loops() {
    check(
        r#"
        def f(n):
            s = 0
            for i in range(n):
                for j in range(i):
                    s += j
            return s
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0) named (n) in @0 {
              %1 = const 0
              %2 = builtin range
              %3 = apply %2 (%0)
              %4 = builtin iter_len
              %5 = apply %4 (%3)
              %6 = const 0
              %7 = loop @2 @3 (%6, %1)
              %8 = get 1 %7
              return %8
            }

            graph @2 f.cond(%0, %1) named ("$index", s) in @1 {
              %2 = outer @1 %5
              %3 = builtin lt
              %4 = apply %3 (%0, %2)
              return %4
            }

            graph @3 f.body(%0, %1) named ("$index", s) in @1 {
              %2 = outer @1 %3
              %3 = builtin iter_get
              %4 = apply %3 (%2, %0)
              %5 = const 1
              %6 = builtin add
              %7 = apply %6 (%0, %5)
              %8 = builtin range
              %9 = apply %8 (%4)
              %10 = builtin iter_len
              %11 = apply %10 (%9)
              %12 = const 0
              %13 = loop @4 @5 (%12, %1)
              %14 = get 1 %13
              %15 = tuple (%7, %14)
              return %15
            }

            graph @4 f.cond(%0, %1) named ("$index", s) in @3 {
              %2 = outer @3 %11
              %3 = builtin lt
              %4 = apply %3 (%0, %2)
              return %4
            }

            graph @5 f.body(%0, %1) named ("$index", s) in @3 {
              %2 = outer @3 %9
              %3 = builtin iter_get
              %4 = apply %3 (%2, %0)
              %5 = const 1
              %6 = builtin add
              %7 = apply %6 (%0, %5)
              %8 = builtin add
              %9 = apply %8 (%1, %4)
              %10 = tuple (%7, %9)
              return %10
            }
        "#]],
    );
}

#[test]
fn closure_over_a_loop_variable() {
    check(
        r#"
        from adjudicate import grad

        def f(w, xs):
            for x in xs:
                def loss(v):
                    return (v - x) ** 2
                w = w - 0.1 * grad(loss)(w)
            return w
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (w, xs) in @0 {
              %2 = builtin iter_len
              %3 = apply %2 (%1)
              %4 = const 0
              %5 = loop @2 @3 (%4, %0)
              %6 = get 1 %5
              return %6
            }

            graph @2 f.cond(%0, %1) named ("$index", w) in @1 {
              %2 = outer @1 %3
              %3 = builtin lt
              %4 = apply %3 (%0, %2)
              return %4
            }

            graph @3 f.body(%0, %1) named ("$index", w) in @1 {
              %2 = outer @1 %1
              %3 = builtin iter_get
              %4 = apply %3 (%2, %0)
              %5 = const 1
              %6 = builtin add
              %7 = apply %6 (%0, %5)
              %8 = const 0.1
              %9 = builtin grad
              %10 = fn @4 ()
              %11 = apply %9 (%10)
              %12 = apply %11 (%1)
              %13 = builtin mul
              %14 = apply %13 (%8, %12)
              %15 = builtin sub
              %16 = apply %15 (%1, %14)
              %17 = tuple (%7, %16)
              return %17
            }

            graph @4 loss(%0) named (v) in @3 {
              %1 = outer @3 %4
              %2 = builtin sub
              %3 = apply %2 (%0, %1)
              %4 = const 2
              %5 = builtin pow
              %6 = apply %5 (%3, %4)
              return %6
            }
        "#]],
    );
}
