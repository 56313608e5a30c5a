//! What programs compute: results are those of CPython, to the last bit.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::interp;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;

use super::dedent;

/// Checks `f(0.5, 0)`, `f(1.5, 1)`, `f(-2.0, 3)` and `f(3.25, 5)`.
fn check_values(python: &str, expected: [f64; 4]) {
    let program = Program::parse("model.py", &dedent(python)).unwrap_or_else(|errors| panic!("{errors}"));
    let points = [(0.5, 0), (1.5, 1), (-2.0, 3), (3.25, 5)];
    let values = points.map(|(x, n)| {
        let request = Request::new("f", Ask::Value, &[0], 1, &[Datum::F64(x), Datum::I64(n)]);
        let specialised = program.specialise(&request).unwrap_or_else(|errors| panic!("{errors}"));
        let result = interp::eval(&specialised.module, vec![Value::f64(x), Value::I64(n)]).expect("it runs");
        match result.items() {
            [Value::F64(y, _)] => *y,
            [Value::I64(y)] => *y as f64,
            other => panic!("a number was expected, not {other:?}"),
        }
    });
    assert_eq!(values, expected);
}

#[test]
fn rebinding_and_augmented_assignment() {
    check_values(
        r#"
        def f(x, n):
            y = x
            x += n
            x, y = y, x * 2.0
            return 10.0 * x + y
        "#,
        [6.0, 20.0, -18.0, 49.0],
    );
}

#[test]
fn late_binding_of_def() {
    check_values(
        r#"
        def f(x, n):
            def scaled(y):
                return x * y
            a = scaled(1.0)
            x = x + 10.0
            return a + 100.0 * scaled(2.0)
        "#,
        [2100.5, 2301.5, 1598.0, 2653.25],
    );
}

#[test]
fn late_binding_of_lambda() {
    check_values(
        r#"
        def f(x, n):
            for i in range(n):
                g = lambda y: y + i * x
                x = g(x)
            return x
        "#,
        [0.5, 1.5, -12.0, 390.0],
    );
}

#[test]
fn bound_early_by_a_default() {
    check_values(
        r#"
        def f(x, n):
            g = lambda y, x=x: x * y
            x = 100.0
            return g(2.0) + x
        "#,
        [101.0, 103.0, 96.0, 106.5],
    );
}

#[test]
fn mutual_recursion() {
    check_values(
        r#"
        def f(x, n):
            def even(k):
                return x if k == 0 else odd(k - 1)
            def odd(k):
                return -1.0 if k == 0 else even(k - 1)
            return even(n)
        "#,
        [0.5, -1.0, -1.0, -1.0],
    );
}

#[test]
fn closures_in_tuples() {
    check_values(
        r#"
        def f(x, n):
            fs = (lambda y: y + x, lambda y: y * n)
            return fs[0](fs[1](2.0))
        "#,
        [0.5, 3.5, 4.0, 13.25],
    );
}

#[test]
fn function_that_returns_functions() {
    check_values(
        r#"
        def compose(g, h):
            return lambda x: g(h(x))

        def f(x, n):
            square = lambda y: y * y
            return compose(square, lambda y: y - n)(x)
        "#,
        [0.25, 0.25, 25.0, 3.0625],
    );
}

#[test]
fn branches_of_different_types() {
    check_values(
        r#"
        def f(x, n):
            if n > 1:
                t = (x, x)
                y = t[0] + t[1]
            else:
                t = x - 1.0
                y = t
            return y
        "#,
        [-0.5, 0.5, -4.0, 6.5],
    );
}

#[test]
fn elif_chain() {
    check_values(
        r#"
        def f(x, n):
            if n == 0:
                y = 1.0
            elif n == 1:
                y = 2.0
            elif n == 3:
                y = x
            else:
                y = -x
            return y
        "#,
        [1.0, 2.0, -2.0, -3.25],
    );
}

#[test]
fn returns_deep_inside() {
    check_values(
        r#"
        def f(x, n):
            y = 1.0
            if x > 0.0:
                if n > 2:
                    return 100.0
                elif n == 1:
                    y = 3.0
                else:
                    if x > 0.25:
                        return y
                y = y + 1.0
            else:
                y = 7.0
            return y * x
        "#,
        [1.0, 6.0, -14.0, 100.0],
    );
}

#[test]
fn break_continue_return() {
    check_values(
        r#"
        def f(x, n):
            s = 0.0
            for i in range(10):
                if i == n:
                    continue
                if x < 0.0:
                    if i > 4:
                        break
                    s += 0.5
                if s > 20.0:
                    return s
                s += i
            else:
                s += 1000.0
            return s
        "#,
        [21.0, 27.0, 9.0, 23.0],
    );
}

#[test]
fn nested_loops_with_else() {
    check_values(
        r#"
        def f(x, n):
            count = 0.0
            for i in range(6):
                for j in range(i):
                    if j == n:
                        break
                    if i * j > 9:
                        return count
                else:
                    count += 1.0
                    continue
                count += 0.125
            return count * x
        "#,
        [0.8125, 3.75, 4.125, 4.0],
    );
}

#[test]
fn while_true() {
    check_values(
        r#"
        def f(x, n):
            k = 0
            while True:
                y = k * x
                k += 1
                if k > n:
                    break
            return y
        "#,
        [0.0, 1.5, -6.0, 16.25],
    );
}

#[test]
fn while_else() {
    check_values(
        r#"
        def f(x, n):
            k = 0
            while k < 4:
                k += 1
                if k == n:
                    break
            else:
                k = 50
            return k + x
        "#,
        [50.5, 2.5, 1.0, 53.25],
    );
}

#[test]
fn collatz() {
    check_values(
        r#"
        def f(x, n):
            k = n + 7
            steps = 0
            while k != 1:
                k = 3 * k + 1 if k % 2 else k // 2
                steps += 1
            return steps * x
        "#,
        [8.0, 4.5, -12.0, 29.25],
    );
}

#[test]
fn values_of_and_and_or() {
    check_values(
        r#"
        def f(x, n):
            return (n and x) + 10.0 * (x or 3.0) + 100.0 * (n or x) + (n > 0 and x > 0.0 and 5.0)
        "#,
        [55.0, 121.5, 278.0, 540.75],
    );
}

#[test]
fn chained_comparisons_evaluate_once() {
    check_values(
        r#"
        def f(x, n):
            return (1.0 if 0 < n <= 3 != 2 else 2.0) + (10.0 if -1.0 < x < 1.0 else 20.0)
        "#,
        [12.0, 21.0, 21.0, 22.0],
    );
}

#[test]
fn comprehensions() {
    check_values(
        r#"
        def f(x, n):
            a = [i * x for i in range(4)]
            b = [[i + j for j in (1, 2)] for i in a]
            return sum(u * v for u, v in b) + sum(i for i in (n, n))
        "#,
        [20.5, 68.5, 34.0, 224.375],
    );
}

#[test]
fn stars() {
    check_values(
        r#"
        def g(a, b, c=3.0):
            return a + 10.0 * b + 100.0 * c

        def f(x, n):
            first, *rest = (x, 2.0, 4.0)
            *init, last = (x, n, 5.0)
            return g(*rest) + g(x, *init) + g(first, c=last, b=1.0)
        "#,
        [858.0, 970.0, 1128.0, 1391.0],
    );
}

#[test]
fn records() {
    check_values(
        r#"
        from typing import NamedTuple

        class Line(NamedTuple):
            slope: float
            offset: float = 0.5

        def f(x, n):
            line = Line(offset=2.0, slope=n)
            other = Line(3.0)
            return line.slope * x + line.offset + {"a": other}["a"].offset
        "#,
        [2.5, 4.0, -3.5, 18.75],
    );
}

#[test]
fn numbers() {
    check_values(
        r#"
        import math

        def f(x, n):
            return math.pi * x + (-7 // 2) + (-7 % 3) + 2 ** n + 7 / 2 + -2 ** 2 + float(n > 1) + math.floor(x)
        "#,
        [0.07079632679489656, 5.21238898038469, -1.7831853071795862, 43.71017612416683],
    );
}

#[test]
fn newton_with_a_function_argument() {
    check_values(
        r#"
        def newton(g, x, steps):
            for i in range(steps):
                x = x - g(x) / (2.0 * x)
            return x

        def f(x, n):
            target = 2.0
            for k in range(3):
                target = newton(lambda y: y * y - target, 1.0 + n, 6)
            return target
        "#,
        [1.0905077326652577, 1.0905077326652577, 1.0905077326652584, 1.0905077328050552],
    );
}

#[test]
fn comprehensions_with_conditions() {
    check_values(
        r#"
        def f(x, n):
            some = [x * i for i in range(4) if i % 2 == 1 if i > 0]
            none = [x for i in range(3) if i > 3]
            return sum(some) + len(some) + 100.0 * len(none)
        "#,
        [4.0, 8.0, -6.0, 15.0],
    );
}

#[test]
fn comprehensions_with_several_loops() {
    check_values(
        r#"
        def f(x, n):
            xs = [10.0 * i + j * x for i in range(3) for j in range(i) if j != 1]
            ys = [a * b for row in ((1.0, x), (x, 2.0)) for a, (b, c) in [(row[0], (row[1], 0.0))]]
            return len(xs) + sum(xs) + 1000.0 * sum(ys) + sum(x for x in [1.0, 2.0] for x in [x, x])
        "#,
        [1538.0, 4538.0, -5962.0, 9788.0],
    );
}

#[test]
fn dictionaries() {
    check_values(
        r#"
        def f(x, n):
            d = {"a": x, "b": 2.0 * x}
            e = {k: v + 1.0 for k, v in d.items() if k != "b"}
            g = dict(zip(d, (3.0, 4.0)))
            h = {**d, "c": 5.0, **e}
            names = [k for k in h]
            total = 0.0
            for k in h:
                total = total + h[k] * (2.0 if k in e else 1.0)
            for i, (k, v) in enumerate(sorted_items(h)):
                total += i * v
            return total + d.get("z", 7.0) + len(names) + g["b"] + sum(h.values()) + (0.0 if d.get("z") is None else 1.0)

        def sorted_items(d):
            return [(k, d[k]) for k in ("c", "a", "b")]
        "#,
        [34.0, 46.0, 4.0, 67.0],
    );
}

#[test]
fn walks_over_several_at_once() {
    check_values(
        r#"
        def f(x, n):
            total = 0.0
            for i, (a, (b, c)) in enumerate(zip(range(3), [(x, 1.0), (2.0, x), (3.0, 4.0)])):
                total += i * a * b + c
            for a in reversed([x, 1.0, 2.0]):
                total = 2.0 * total + a
            return total
        "#,
        [166.5, 175.5, 144.0, 191.25],
    );
}

#[test]
fn defaults_of_the_entry_are_computed() {
    check_values(
        r#"
        import numpy as np
        from typing import NamedTuple

        class Config(NamedTuple):
            rate: float = 0.5

        def scaled(g):
            factor = np.sum(np.ones(2))
            return lambda x, n: g(x, n) * factor

        @scaled
        def f(x, n, config=Config(), shift=np.sum(np.array([1.0, 2.0]))):
            return config.rate * x + shift
        "#,
        [6.5, 7.5, 4.0, 9.25],
    );
    check_values(
        r#"
        import numpy as np

        def f(x, n, scale=2.0 * np.sum(np.ones(2)), weights=np.ones(2)):
            return x * scale + np.sum(weights)
        "#,
        [4.0, 8.0, -6.0, 15.0],
    );
}
