//! Loops that are left early.

use expect_test::expect;

use super::super::check;

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
