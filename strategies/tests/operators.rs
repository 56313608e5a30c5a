//! Operators and functions of the tapes as libraries: what plain Rust code of floats has. Value, first and second derivative
//! against known answers.

use adjudicate_kernels::Array;
use adjudicate_strategies::scalar::{Active, Real, ScalarTape};
use adjudicate_strategies::tape::{Tape, Var};

const X: f64 = 0.7;

/// By numbers on a tape of scalars over another; what is made of `x` may be a number or an expression.
macro_rules! scalar {
    ($at:expr, |$x:ident| $y:expr) => {{
        let (outer, inner) = (ScalarTape::new(), ScalarTape::nested());
        let x = outer.var($at);
        let $x = inner.var(x);
        let y: Active<'_, Active> = $y.into();
        let [d] = inner.gradient(y, [$x]);
        let [dd] = outer.gradient(d, [x]);
        [y.value(), d.value(), dd]
    }};
}

/// By variables on the tape of arrays.
macro_rules! var {
    ($at:expr, |$x:ident| $y:expr) => {{
        let tape = Tape::new();
        let $x = tape.var($at);
        let y: Var = $y;
        let d = tape.gradient(&y, &[&$x]).remove(0);
        let dd = tape.gradient(&d, &[&$x]).remove(0);
        [y.item(), d.item(), dd.item()]
    }};
}

#[track_caller]
fn near(found: [f64; 3], wanted: [f64; 3]) {
    let near = |(a, b): (f64, f64)| (a - b).abs() <= 1e-13 * b.abs().max(1.0);
    assert!(found.into_iter().zip(wanted).all(near), "{found:?}, not {wanted:?}");
}

#[test]
fn a_reciprocal() {
    let wanted = [1.0 / X, -1.0 / (X * X), 2.0 / (X * X * X)];
    near(scalar!(X, |x| x.recip()), wanted);
    near(scalar!(X, |x| x.term().recip()), wanted);
    near(var!(X, |x| x.recip()), wanted);
}

#[test]
fn the_greater_and_the_lesser() {
    for (other, max, min) in [
        (0.5, [X, 1.0, 0.0], [0.5, 0.0, 0.0]),
        (0.9, [0.9, 0.0, 0.0], [X, 1.0, 0.0]),
        (X, [X, 0.5, 0.0], [X, 0.5, 0.0]),
    ] {
        near(scalar!(X, |x| x.max(other)), max);
        near(scalar!(X, |x| x.term().max(other)), max);
        near(var!(X, |x| x.max(other)), max);
        near(scalar!(X, |x| x.min(other)), min);
        near(scalar!(X, |x| x.term().min(other)), min);
        near(var!(X, |x| x.min(other)), min);
    }
    let x_wins = [X, 1.0, 0.0];
    near(scalar!(X, |x| x.max(x * x)), x_wins);
    near(scalar!(X, |x| x.term().max(x.term() * x)), x_wins);
    near(var!(X, |x| x.max(&x * &x)), x_wins);
    assert!(Real::max(1.0, f64::NAN).is_nan() && Tape::new().constant(1.0).min(f64::NAN).item().is_nan());
}

#[test]
fn a_power() {
    let wanted = [X.powf(2.5), 2.5 * X.powf(1.5), 3.75 * X.sqrt()];
    near(scalar!(X, |x| x.powf(2.5)), wanted);
    near(scalar!(X, |x| x.term().powf(2.5)), wanted);
    near(var!(X, |x| x.powf(2.5)), wanted);
    // (xˣ)' = xˣ (log x + 1)
    let (y, log) = (X.powf(X), X.ln() + 1.0);
    let wanted = [y, y * log, y * (log * log + 1.0 / X)];
    near(scalar!(X, |x| x.powf(x)), wanted);
    near(scalar!(X, |x| x.term().powf(x)), wanted);
    near(var!(X, |x| x.powf(&x)), wanted);
}

#[test]
fn an_angle() {
    let s = X * X + 4.0;
    let wanted = [(X / 2.0).atan(), 2.0 / s, -4.0 * X / (s * s)];
    near(scalar!(X, |x| x.atan2(2.0)), wanted);
    near(scalar!(X, |x| x.term().atan2(2.0)), wanted);
    near(var!(X, |x| x.atan2(2.0)), wanted);
}

#[test]
fn a_hypotenuse() {
    let s = (X * X + 4.0).sqrt();
    let wanted = [s, X / s, 4.0 / (s * s * s)];
    near(scalar!(X, |x| x.hypot(2.0)), wanted);
    near(scalar!(X, |x| x.term().hypot(2.0)), wanted);
}

/// Small powers have functions of their own, the others are powers of floats, up to the ends.
#[test]
fn an_integer_power_of_any_size() {
    for n in [-3, 0, 1, 2, 8, 9, -8, -9] {
        let p = f64::from(n);
        let wanted = [X.powi(n), p * X.powi(n - 1), p * (p - 1.0) * X.powi(n - 2)];
        near(scalar!(X, |x| x.powi(n)), wanted);
        near(scalar!(X, |x| x.term().powi(n)), wanted);
    }
    for n in [i32::MAX, i32::MAX - 8, i32::MIN] {
        let p = f64::from(n);
        near(scalar!(1.0, |x| x.powi(n)), [1.0, p, p * (p - 1.0)]);
        near(scalar!(1.0, |x| x.term().powi(n)), [1.0, p, p * (p - 1.0)]);
    }
}

/// `(2x - 3) x / 2`.
#[test]
fn operators_that_assign() {
    let wanted = [X * X - 1.5 * X, 2.0 * X - 1.5, 2.0];
    macro_rules! assigned {
        ($x:expr, $y:expr) => {{
            let (x, mut y) = ($x, $y);
            y += x;
            y -= 3.0;
            y *= x;
            y /= 2.0;
            y
        }};
    }
    near(scalar!(X, |x| assigned!(x, x)), wanted);
    near(var!(X, |x| assigned!(&x, x.clone())), wanted);
    let mut y = Tape::new().var(1.0);
    y += y.clone();
    assert_eq!(y, 2.0);
}

#[test]
fn sums_and_products() {
    let (sum, product) = ([X + X * X, 1.0 + 2.0 * X, 2.0], [X * X * X, 3.0 * X * X, 6.0 * X]);
    near(scalar!(X, |x| [x, x * x].iter().sum::<Active<'_, Active>>()), sum);
    near(scalar!(X, |x| [x, x * x].into_iter().product::<Active<'_, Active>>()), product);
    near(var!(X, |x| [x.clone(), &x * &x].iter().sum()), sum);
    near(var!(X, |x| [x.clone(), &x * &x].into_iter().product()), product);
    let none: [Active; 0] = [];
    assert!(none.iter().sum::<Active>() == 0.0 && none.iter().product::<Active>() == 1.0);
}

#[test]
#[should_panic(expected = "a term, for its tape")]
fn a_sum_of_no_variables_is_on_no_tape() {
    let none: [Var; 0] = [];
    let _: Var = none.iter().sum();
}

#[test]
fn comparisons_are_by_value() {
    macro_rules! compared {
        ($x:expr, $y:expr) => {{
            let (x, y, same, nan) = ($x, $y, $x, $x * f64::NAN);
            assert!(x < y && y > x && x <= same && x == same && x != y);
            assert!(x < 1.0 && x == 0.5 && 0.25 < x && 0.5 == x && 1.0 >= x);
            assert!(nan != x && nan.partial_cmp(&x).is_none() && nan.partial_cmp(&1.0).is_none());
        }};
    }
    let (outer, inner, tape) = (ScalarTape::new(), ScalarTape::nested(), Tape::new());
    compared!(outer.var(0.5), outer.var(2.0));
    compared!(inner.var(outer.var(0.5)), inner.var(outer.var(2.0)));
    compared!(tape.var(0.5), tape.constant(2.0));
}

#[test]
#[should_panic(expected = "a float scalar was expected")]
fn arrays_are_not_compared() {
    let tape = Tape::new();
    let _ = tape.var(Array::full(&[2], 1.0)) == tape.var(Array::full(&[2], 1.0));
}

/// Arrays broadcast: the greater of each element and a float.
#[test]
fn functions_of_two_are_of_arrays_too() {
    let tape = Tape::new();
    let x = tape.var(Array::from_slice(&[3], &[-1.0, 0.0, 2.0]));
    let mut y = x.max(0.0);
    y *= &x;
    let d = tape.gradient(&y.sum(), &[&x]).remove(0);
    let dd = tape.gradient(&d.sum(), &[&x]).remove(0);
    assert_eq!((d.index(0).item(), d.index(1).item(), d.index(2).item()), (0.0, 0.0, 4.0));
    assert_eq!(dd.index(2).item(), 2.0);
}

/// `x³ (1 + x)` with a number on the left of an expression; one statement, also where it is assigned to.
#[test]
fn a_number_on_the_left_of_an_expression() {
    let wanted = [X.powi(3) * (1.0 + X), 3.0 * X * X + 4.0 * X.powi(3), 6.0 * X + 12.0 * X * X];
    near(scalar!(X, |x| x * (x.term() * x) * (1.0 + x.term())), wanted);
    near(scalar!(X, |x| x / (1.0 / x.term()) * (x + x.term() * x)), wanted);
    let tape = ScalarTape::new();
    let x = tape.var(X);
    let mut y = x;
    y += x * (x.term() - 2.0 * x.term()).powi(2);
    assert_eq!(tape.len(), 2);
    near([y.value(), tape.gradient(y, [x])[0], 0.0], [X + X.powi(3), 1.0 + 3.0 * X * X, 0.0]);
}

/// Everything that floats and active numbers have in common, in one generic function.
fn generic<T: Real>(x: T, y: T) -> T {
    let mut z: T = [x, y, x * y].into_iter().sum();
    while z < 20.0 {
        z += x.hypot(y).max(y.recip()) + 1.0;
        z *= if x > y { x } else { y };
        z -= [x.atan2(y), y.min(0.25)].into_iter().product::<T>();
    }
    z /= x.powf(y).powi(20);
    z
}

#[test]
fn generic_code_of_floats_and_of_active_numbers_is_the_same() {
    let tape = ScalarTape::new();
    let (x, y) = (tape.var(1.25), tape.var(0.75));
    let z = generic(x, y);
    assert_eq!(z.value().to_bits(), generic(1.25, 0.75).to_bits());
    let h = 1e-6;
    let [dx, dy] = tape.gradient(z, [x, y]);
    let slope_x = (generic(1.25 + h, 0.75) - generic(1.25 - h, 0.75)) / (2.0 * h);
    let slope_y = (generic(1.25, 0.75 + h) - generic(1.25, 0.75 - h)) / (2.0 * h);
    assert!((dx - slope_x).abs() < 1e-6 && (dy - slope_y).abs() < 1e-6, "{dx} {slope_x} {dy} {slope_y}");
}
