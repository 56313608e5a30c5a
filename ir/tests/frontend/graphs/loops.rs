//! `while` and `for`.

use expect_test::expect;

use super::super::check;

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
