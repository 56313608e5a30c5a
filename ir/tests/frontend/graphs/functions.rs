//! Functions, closures, calls, defaults, decorators and the top level.

use expect_test::expect;

use super::super::check;

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
