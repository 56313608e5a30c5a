//! Literals, operators, comparisons, conditions and names.

use expect_test::expect;

use super::super::check;

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
