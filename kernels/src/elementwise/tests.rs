//! The laws of elementwise kernels: scalars and arrays agree bit for bit wherever an element stands, in every form an
//! operation has and on every instruction set; elementary functions are close to libm; special values are exact.

use super::*;
use crate::ops::{Binary, Compare, IntBinary, Logic, Unary};
use crate::simd::tests::on_every_isa;

/// Ordinary, special, tiny and huge arguments.
fn arguments() -> Vec<f64> {
    let special =
        [0.0, 1.0, 2.0, 0.5, f64::INFINITY, f64::MIN_POSITIVE, 5e-324, 1e-310, f64::MAX, 1e22, 709.9, 745.2, 20.5];
    let spread = (0..400).map(|i| (f64::from(i) * 0.37).sin() * 10f64.powi(i % 13 - 8));
    let both = special.into_iter().chain(spread).flat_map(|x| [x, -x]);
    both.chain([f64::NAN]).collect()
}

/// The same bits, or both NaN.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn check_same(what: &str, expected: &[f64], found: &[f64]) {
    for (i, (&e, &f)) in expected.iter().zip(found).enumerate() {
        assert!(same(e, f), "{what}, element {i}: {e:e} and {f:e}");
    }
}

#[test]
fn a_unary_value_does_not_depend_on_its_place() {
    let all = arguments();
    on_every_isa(|isa| {
        for &op in Unary::ALL {
            let alone: Vec<f64> = all.iter().map(|&x| op.eval(x)).collect();
            for start in 0..9 {
                let part = &all[start..all.len() - start * 2];
                let x = Array::from_slice(&[part.len()], part);
                let what = format!("{} on {isa:?} from {start}", op.name());
                check_same(&what, &alone[start..], unary(op, &x).as_slice());
                let mut y = x.clone();
                unary_assign(op, &mut y);
                check_same(&what, &alone[start..], y.as_slice());
            }
        }
    });
}

#[test]
fn a_binary_value_does_not_depend_on_its_place_or_form() {
    let all = arguments();
    let (xs, ys) = (all.clone(), [&all[3..], &all[..3]].concat());
    on_every_isa(|isa| {
        for &op in Binary::ALL {
            let what = format!("{} on {isa:?}", op.name());
            let alone: Vec<f64> = xs.iter().zip(&ys).map(|(&x, &y)| op.eval(x, y)).collect();
            for n in [xs.len(), xs.len() - 5, 7, 1] {
                let (x, y) = (Array::from_slice(&[n], &xs[..n]), Array::from_slice(&[n], &ys[..n]));
                check_same(&what, &alone, binary(op, (&x).into(), (&y).into()).as_slice());
                let (mut left, mut right) = (x.clone(), y.clone());
                binary_assign(op, &mut left, (&y).into());
                binary_assign_right(op, (&x).into(), &mut right);
                check_same(&what, &alone, left.as_slice());
                check_same(&what, &alone, right.as_slice());
            }
            let x = Array::from_slice(&[xs.len()], &xs);
            for s in [2.0, -0.0, 0.5, -3.0, f64::INFINITY, f64::NAN] {
                let (right, left): (Vec<_>, Vec<_>) = xs.iter().map(|&x| (op.eval(x, s), op.eval(s, x))).unzip();
                check_same(&what, &right, binary(op, (&x).into(), s.into()).as_slice());
                check_same(&what, &left, binary(op, s.into(), (&x).into()).as_slice());
                let (mut a, mut b) = (x.clone(), x.clone());
                binary_assign(op, &mut a, s.into());
                binary_assign_right(op, s.into(), &mut b);
                check_same(&what, &right, a.as_slice());
                check_same(&what, &left, b.as_slice());
            }
        }
    });
}

/// The distance in units in the last place.
fn ulps(a: f64, b: f64) -> u64 {
    let ordered = |x: f64| {
        if x.is_sign_negative() { -(x.to_bits() as i64 & i64::MAX) } else { x.to_bits() as i64 }
    };
    if same(a, b) { 0 } else { ordered(a).abs_diff(ordered(b)) }
}

/// The standard library's function.
fn standard(op: Unary) -> Option<fn(f64) -> f64> {
    Some(match op {
        Unary::Exp => f64::exp,
        Unary::Expm1 => f64::exp_m1,
        Unary::Log => f64::ln,
        Unary::Log1p => f64::ln_1p,
        Unary::Cbrt => f64::cbrt,
        Unary::Sin => f64::sin,
        Unary::Cos => f64::cos,
        Unary::Tan => f64::tan,
        Unary::Arcsin => f64::asin,
        Unary::Arccos => f64::acos,
        Unary::Arctan => f64::atan,
        Unary::Sinh => f64::sinh,
        Unary::Cosh => f64::cosh,
        Unary::Tanh => f64::tanh,
        Unary::Sigmoid => |x| (if x < 0.0 { x.exp() } else { 1.0 }) / (1.0 + (-x.abs()).exp()),
        _ => return None,
    })
}

/// The distance from the standard library that is allowed: 4 ulp, less for functions of our own that are closer. (Both we
/// and the standard library are about 2 ulp from the exact tanh.)
fn limit(op: Unary) -> u64 {
    match op {
        Unary::Exp | Unary::Log => 1,
        Unary::Sigmoid => 2,
        _ => 4,
    }
}

#[test]
fn elementary_functions_are_within_four_ulp_of_libm() {
    let spread = |scale: f64| (0..100_001).map(move |i| f64::from(i - 50_000) / 50_000.0 * scale);
    let x: Vec<f64> = [0.3, 1.0, 1e-3, 30.0, 750.0].into_iter().flat_map(spread).chain(arguments()).collect();
    on_every_isa(|_| {
        for &op in Unary::ALL {
            let Some(f) = standard(op) else { continue };
            let y = unary(op, &Array::from_slice(&[x.len()], &x));
            for (&x, &y) in x.iter().zip(y.as_slice()) {
                let distance = ulps(y, f(x));
                assert!(distance <= limit(op), "{}({x:e}) is {y:e}, {distance} ulp from {:e}", op.name(), f(x));
            }
        }
    });
}

#[test]
fn special_values_are_exact() {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let cases: &[(Unary, f64, f64)] = &[
        (Unary::Exp, 0.0, 1.0),
        (Unary::Exp, -0.0, 1.0),
        (Unary::Exp, INF, INF),
        (Unary::Exp, -INF, 0.0),
        (Unary::Exp, 709.79, INF),
        (Unary::Exp, -745.13, 5e-324),
        (Unary::Exp, -745.14, 0.0),
        (Unary::Exp, 5e-324, 1.0),
        (Unary::Exp, NAN, NAN),
        (Unary::Log, 1.0, 0.0),
        (Unary::Log, 0.0, -INF),
        (Unary::Log, -0.0, -INF),
        (Unary::Log, -1.0, NAN),
        (Unary::Log, -INF, NAN),
        (Unary::Log, INF, INF),
        (Unary::Log, 5e-324, -744.4400719213812),
        (Unary::Log, f64::MAX, 709.782712893384),
        (Unary::Tanh, 0.0, 0.0),
        (Unary::Tanh, -0.0, -0.0),
        (Unary::Tanh, INF, 1.0),
        (Unary::Tanh, -INF, -1.0),
        (Unary::Tanh, 5e-324, 5e-324),
        (Unary::Tanh, -1e-300, -1e-300),
        (Unary::Tanh, NAN, NAN),
        (Unary::Sigmoid, 0.0, 0.5),
        (Unary::Sigmoid, INF, 1.0),
        (Unary::Sigmoid, -INF, 0.0),
        (Unary::Sigmoid, -1000.0, 0.0),
        (Unary::Sigmoid, NAN, NAN),
        (Unary::Expm1, -0.0, -0.0),
        (Unary::Log1p, -0.0, -0.0),
        (Unary::Log1p, -1.0, -INF),
        (Unary::Log1p, -2.0, NAN),
        (Unary::Sin, -0.0, -0.0),
        (Unary::Sin, INF, NAN),
        (Unary::Cos, 0.0, 1.0),
        (Unary::Tan, -0.0, -0.0),
        (Unary::Arcsin, 2.0, NAN),
        (Unary::Arccos, 1.0, 0.0),
        (Unary::Arctan, INF, std::f64::consts::FRAC_PI_2),
        (Unary::Sinh, -INF, -INF),
        (Unary::Cosh, -INF, INF),
        (Unary::Sqrt, -1.0, NAN),
        (Unary::Sqrt, -0.0, -0.0),
        (Unary::Cbrt, -0.0, -0.0),
        (Unary::Cbrt, -27.0, -3.0),
        (Unary::Cbrt, 1e300, 1e100),
        (Unary::Cbrt, -INF, -INF),
        (Unary::Sign, -0.0, 0.0),
        (Unary::Sign, NAN, NAN),
        (Unary::Neg, 0.0, -0.0),
        (Unary::Abs, -0.0, 0.0),
        (Unary::Floor, -0.5, -1.0),
        (Unary::Ceil, -0.5, -0.0),
        (Unary::Reciprocal, -0.0, -INF),
    ];
    on_every_isa(|isa| {
        for &(op, x, expected) in cases {
            let found = op.eval(x);
            assert!(same(found, expected), "{}({x:e}) is {found:e}, not {expected:e}, on {isa:?}", op.name());
        }
    });
}

#[test]
fn slices_are_computed_as_arrays_are() {
    let (x, y) = (Array::full(&[21], 0.7), Array::full(&[21], 2.5));
    let (a, b) = (Lanes::Slice(x.as_slice()), Lanes::Splat(2.5));
    let mut out = [0.0; 21];
    unary_into(Unary::Tanh, x.as_slice(), &mut out);
    check_same("tanh", unary(Unary::Tanh, &x).as_slice(), &out);
    binary_slices_into(Binary::Pow, a, b, &mut out);
    check_same("pow", binary(Binary::Pow, (&x).into(), (&y).into()).as_slice(), &out);
    select_slices_into(Lanes::Splat(false), a, b, &mut out);
    check_same("select", y.as_slice(), &out);
    let (mut less, mut either) = ([false; 21], [false; 21]);
    compare_slices_into(Compare::Lt, a, b, &mut less);
    logic_slices_into(Logic::Or, Lanes::Slice(&less), Lanes::Splat(false), &mut either);
    assert_eq!(either, [true; 21]);
    let mut ints = [0; 2];
    int_binary_slices_into(IntBinary::Sub, Lanes::Slice(&[5, 6]), Lanes::Splat(2), &mut ints).unwrap();
    assert_eq!(ints, [3, 4]);
}

#[test]
fn size_zero_works() {
    let none = Array::<f64>::zeros(&[2, 0]);
    let row = Array::<f64>::zeros(&[1, 1]);
    assert_eq!(unary(Unary::Exp, &none).shape(), [2, 0]);
    assert_eq!(binary(Binary::Pow, (&none).into(), (&row).into()).shape(), [2, 0]);
    assert_eq!(binary(Binary::Add, 1.0.into(), (&none).into()).shape(), [2, 0]);
    let mut dst = none.clone();
    binary_assign(Binary::Add, &mut dst, (&row).into());
    assert_eq!(dst.shape(), [2, 0]);
}

#[test]
#[should_panic(expected = "in place")]
fn in_place_shapes_do_not_grow() {
    let mut dst = Array::full(&[1, 2], 1.0);
    binary_assign(Binary::Add, &mut dst, (&Array::full(&[3, 2], 1.0)).into());
}

#[test]
#[should_panic(expected = "do not broadcast")]
fn shapes_must_broadcast() {
    binary(Binary::Add, (&Array::full(&[2], 1.0)).into(), (&Array::full(&[3], 1.0)).into());
}
