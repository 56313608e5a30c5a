//! Tuples, records and dictionaries: making, indexing, unpacking, comprehensions.

use expect_test::expect;

use super::super::check;

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
fn filtered_comprehensions() {
    check(
        r#"
        def f(xs, n):
            return [x * y for x in xs for y in range(n) if y > 0]
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (xs, n) in @0 {
              %2 = fn @2 ()
              %3 = builtin flat_items
              %4 = apply %3 (%2, %0)
              return %4
            }

            graph @2 element(%0) named (x) in @1 {
              %1 = builtin range
              %2 = outer @1 %1
              %3 = apply %1 (%2)
              %4 = fn @3 ()
              %5 = builtin flat_items
              %6 = apply %5 (%4, %3)
              return %6
            }

            graph @3 element(%0) named (y) in @2 {
              %1 = const 0
              %2 = builtin gt
              %3 = apply %2 (%0, %1)
              %4 = builtin truth
              %5 = apply %4 (%3)
              %6 = builtin kept
              %7 = apply %6 (%5)
              %8 = if %7 @4 @5 ()
              return %8
            }

            graph @4 element.then() in @3 {
              %0 = outer @2 %0
              %1 = outer @3 %0
              %2 = builtin mul
              %3 = apply %2 (%0, %1)
              %4 = tuple (%3)
              return %4
            }

            graph @5 element.else() in @3 {
              %0 = tuple ()
              return %0
            }
        "#]],
    );
}

#[test]
fn dictionaries() {
    check(
        r#"
        def f(d, x):
            return {k: v for k, v in d.items()}, {"a": x, **d, "b": x}, dict(d, c=x)
        "#,
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = fn @1 ()
              %1 = record module{f} (%0)
              return %1
            }

            graph @1 f(%0, %1) named (d, x) in @0 {
              %2 = const "items"
              %3 = builtin getattr
              %4 = apply %3 (%0, %2)
              %5 = apply %4 ()
              %6 = fn @2 ()
              %7 = builtin map_items
              %8 = apply %7 (%6, %5)
              %9 = builtin dict
              %10 = apply %9 (%8)
              %11 = record dict{a} (%1)
              %12 = record dict{b} (%1)
              %13 = builtin merged
              %14 = apply %13 (%11, %0, %12)
              %15 = builtin dict
              %16 = apply %15 (%0)
              %17 = record dict{c} (%1)
              %18 = builtin merged
              %19 = apply %18 (%16, %17)
              %20 = tuple (%10, %14, %19)
              return %20
            }

            graph @2 element(%0) named (item) in @0 {
              %1 = const 2
              %2 = builtin unpack
              %3 = apply %2 (%0, %1)
              %4 = get 0 %3
              %5 = get 1 %3
              %6 = tuple (%4, %5)
              return %6
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
