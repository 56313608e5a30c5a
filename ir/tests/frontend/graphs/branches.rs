//! `if`, and returns under it.

use expect_test::expect;

use super::super::check;

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
