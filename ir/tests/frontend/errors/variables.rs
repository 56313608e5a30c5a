//! Variables that may not be assigned, and those that change under a function that lives on.

use expect_test::expect;

use super::super::check_error;

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
