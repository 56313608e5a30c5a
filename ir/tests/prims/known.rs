//! Answers known beforehand: conventions at kinks and ties, corners where a careless rule makes
//! NaN, failures that depend on data, and the sentences in which operands are refused.

use adjudicate_ir::prims::{self, Attrs, PrimDef};
use adjudicate_ir::types::{Elem, Type};
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;

use super::application;
use super::sweep::{floats, pullback, run};

fn row(data: &[f64]) -> Value {
    Value::array(Array::from_slice(&[data.len()], data))
}

fn ints(data: &[i64]) -> Value {
    Value::ints(Array::from_slice(&[data.len()], data))
}

/// Checks the pullback of ones, all float operands in one list.
fn check(prim: &'static PrimDef, attrs: &[i64], args: &[Value], expected: &[f64]) {
    let graph = application(prim, attrs, args).expect("a result");
    let ones = Value::array(Array::full(graph.result_type().shape(), 1.0));
    let args: Vec<Value> = args.iter().cloned().chain([ones]).collect();
    let found = floats(&run(&pullback(&graph), &args).expect("cotangents"));
    let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
    let equal = found.len() == expected.len() && found.iter().zip(expected).all(|(&a, &b)| same(a, b));
    assert!(equal, "{}{attrs:?} at {args:?} pulls {found:?}, not {expected:?}", prim.name);
}

/// Checks the second derivatives of a function of two scalars by its first operand: `[d², d dp]`.
fn check_second(prim: &'static PrimDef, x: f64, p: f64, expected: [f64; 2]) {
    let args = [Value::f64(x), Value::f64(p)];
    let graph = pullback(&pullback(&application(prim, &[], &args).expect("a result")));
    let args = [x, p, 1.0, 1.0, 0.0].map(Value::f64);
    let found = floats(&run(&graph, &args).expect("cotangents"));
    assert_eq!(found[..2], expected, "{} at {x}, {p}", prim.name);
}

#[test]
fn ties_are_shared_equally() {
    let (a, b) = (row(&[1.0, 2.0, 3.0]), row(&[2.0, 2.0, 2.0]));
    check(&prims::MAXIMUM, &[], &[a.clone(), b.clone()], &[0.0, 0.5, 1.0, 1.0, 0.5, 0.0]);
    check(&prims::MINIMUM, &[], &[a, b], &[1.0, 0.5, 0.0, 0.0, 0.5, 1.0]);
    check(&prims::MAXIMUM, &[], &[Value::f64(f64::INFINITY), Value::f64(f64::INFINITY)], &[0.5, 0.5]);
    check(&prims::MAX, &[0], &[row(&[3.0, 1.0, 3.0, 3.0])], &[1.0 / 3.0, 0.0, 1.0 / 3.0, 1.0 / 3.0]);
    check(&prims::MIN, &[0], &[row(&[-1.0, 1.0, -1.0])], &[0.5, 0.0, 0.5]);
    check(&prims::MAX, &[0], &[row(&[f64::NEG_INFINITY; 2])], &[0.5, 0.5]);
    check(&prims::MAX, &[0], &[row(&[0.0, -0.0])], &[0.5, 0.5]);
    let matrix = Value::array(Array::from_slice(&[2, 2], &[1.0, 1.0, 0.0, 2.0]));
    check(&prims::MAX, &[1], &[matrix], &[0.5, 0.5, 0.0, 1.0]);
}

#[test]
fn what_is_nan_receives_nothing_from_a_choice() {
    let nan = f64::NAN;
    check(&prims::MAXIMUM, &[], &[Value::f64(nan), Value::f64(1.0)], &[0.0, 0.0]);
    check(&prims::MINIMUM, &[], &[Value::f64(1.0), Value::f64(nan)], &[0.0, 0.0]);
    check(&prims::MAX, &[0], &[row(&[nan, 1.0])], &[0.0, 0.0]);
    let mask = Value::bools(Array::from_slice(&[2], &[true, false]));
    check(&prims::SELECT, &[], &[mask, row(&[1.0, nan]), row(&[nan, 2.0])], &[1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn kinks_and_jumps_follow_the_conventions() {
    check(&prims::ABS, &[], &[row(&[0.0, -0.0, 2.0, -2.0])], &[0.0, 0.0, 1.0, -1.0]);
    check(&prims::SIGN, &[], &[row(&[0.0, 2.0])], &[0.0, 0.0]);
    check(&prims::FLOOR, &[], &[row(&[0.0, 1.5])], &[0.0, 0.0]);
    check(&prims::FLOORDIV, &[], &[row(&[4.0]), row(&[2.0])], &[0.0, 0.0]);
    check(&prims::MOD, &[], &[row(&[4.0, -1.0]), row(&[2.0, 3.0])], &[1.0, 1.0, -2.0, 1.0]);
    check(&prims::SQRT, &[], &[Value::f64(0.0)], &[f64::INFINITY]);
    check(&prims::CBRT, &[], &[row(&[0.0, -0.0, f64::INFINITY])], &[f64::INFINITY, f64::INFINITY, 0.0]);
    check(&prims::LOG, &[], &[Value::f64(0.0)], &[f64::INFINITY]);
}

#[test]
fn powers_are_right_at_zero_and_at_negative_bases() {
    let two = |x: f64, p: f64| [Value::f64(x), Value::f64(p)];
    check(&prims::POW, &[], &two(0.0, 0.0), &[0.0, 0.0]);
    check(&prims::POW, &[], &two(0.0, 1.0), &[1.0, 0.0]);
    check(&prims::POW, &[], &two(0.0, 2.0), &[0.0, 0.0]);
    check(&prims::POW, &[], &two(0.0, 0.5), &[f64::INFINITY, 0.0]);
    check(&prims::POW, &[], &two(0.0, -1.0), &[f64::NEG_INFINITY, 0.0]);
    check(&prims::POW, &[], &two(-2.0, 3.0), &[12.0, 0.0]);
    check(&prims::POW, &[], &two(-2.0, -1.0), &[-0.25, 0.0]);
    check(&prims::POW, &[], &two(2.0, 0.0), &[0.0, 2.0_f64.ln()]);
    check_second(&prims::POW, 0.0, 0.0, [0.0, 0.0]);
    check_second(&prims::POW, 0.0, 1.0, [0.0, 1.0]);
    check_second(&prims::POW, 0.0, 2.0, [2.0, 0.0]);
    check_second(&prims::POW, 0.0, 3.0, [0.0, 0.0]);
    check_second(&prims::POW, 2.0, 0.0, [0.0, 0.5]);
    check_second(&prims::POW, -2.0, 3.0, [-12.0, 4.0]);
    check(&prims::POWI, &[0], &[row(&[0.0, f64::NAN])], &[0.0, 0.0]);
    check(&prims::POWI, &[1], &[row(&[0.0])], &[1.0]);
    check(&prims::POWI, &[2], &[row(&[0.0])], &[0.0]);
    check(&prims::POWI, &[-1], &[row(&[-2.0])], &[-0.25]);
}

#[test]
fn extremes_of_scale_stay_finite() {
    check(&prims::SIGMOID, &[], &[row(&[1000.0, -1000.0, 0.0])], &[0.0, 0.0, 0.25]);
    check(&prims::TANH, &[], &[row(&[1000.0, -1000.0])], &[0.0, 0.0]);
    check(&prims::PROD, &[0], &[row(&[1e200, 0.0, 1e-200])], &[0.0, 1.0, 0.0]);
}

#[test]
fn duplicate_indices_accumulate() {
    check(&prims::GATHER, &[0], &[row(&[1.0, 2.0, 3.0]), ints(&[1, -2, 1, 0])], &[1.0, 3.0, 0.0]);
}

/// Checks the error of an evaluation whose shapes fit.
fn check_fails(prim: &'static PrimDef, attrs: &[i64], args: &[Value], why: &str) {
    let graph = application(prim, attrs, args).expect("shapes that fit");
    assert_eq!(run(&graph, args).err().as_deref(), Some(why), "{}", prim.name);
}

#[test]
fn failures_that_depend_on_data_are_sentences() {
    let x = row(&[1.0, 2.0, 3.0]);
    for i in [3, -4] {
        let why = format!("index {i} is out of range for axis 0 of size 3");
        check_fails(&prims::INDEX, &[], &[x.clone(), Value::I64(i)], &why);
        check_fails(&prims::GATHER, &[0], &[x.clone(), ints(&[0, i])], &why);
        check_fails(&prims::INDEX_ADD, &[], &[x.clone(), Value::I64(i), Value::f64(1.0)], &why);
        check_fails(&prims::SCATTER, &[0, 3], &[ints(&[i]), row(&[1.0])], &why);
    }
    for prim in [&prims::FLOORDIV, &prims::MOD] {
        check_fails(prim, &[], &[Value::I64(1), Value::I64(0)], "integer division by zero");
        check_fails(prim, &[], &[ints(&[1]), Value::I64(0)], "integer division by zero");
    }
    let why = "integer power with the negative exponent -1; use a float base";
    check_fails(&prims::POW, &[], &[Value::I64(2), Value::I64(-1)], why);
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let f = |shape: &[usize]| Type::tensor(Elem::F64, shape);
    let i = |shape: &[usize]| Type::tensor(Elem::I64, shape);
    let b = |shape: &[usize]| Type::tensor(Elem::Bool, shape);
    let rows: &[(&PrimDef, &[i64], Vec<Type>, &str)] = &[
        (&prims::ADD, &[], vec![f(&[3]), f(&[4])], "operands of shapes [3] and [4] do not broadcast"),
        (&prims::ADD, &[], vec![f(&[2]), f(&[0])], "operands of shapes [2] and [0] do not broadcast"),
        (&prims::ADD, &[], vec![f(&[]), i(&[])], "operands of element types f64 and i64 do not mix without a cast"),
        (&prims::ADD, &[], vec![b(&[]), b(&[])], "an operand of element type f64 or i64 was expected, not bool"),
        (&prims::ADD, &[], vec![f(&[])], "2 operands were expected, not 1"),
        (&prims::ADD, &[], vec![f(&[]), Type::unit()], "a scalar or an array was expected, not ()"),
        (&prims::DIV, &[], vec![i(&[]), i(&[])], "an operand of element type f64 was expected, not i64"),
        (&prims::EXP, &[], vec![i(&[])], "an operand of element type f64 was expected, not i64"),
        (&prims::POWI, &[], vec![f(&[])], "1 attributes were expected, not 0"),
        (&prims::LT, &[], vec![b(&[]), b(&[])], "an operand of element type f64 or i64 was expected, not bool"),
        (&prims::LOGICAL_AND, &[], vec![b(&[]), i(&[])], "an operand of element type bool was expected, not i64"),
        (&prims::SELECT, &[], vec![f(&[]), f(&[]), f(&[])], "an operand of element type bool was expected, not f64"),
        (&prims::SELECT, &[], vec![b(&[2]), f(&[]), f(&[3])], "operands of shapes [2] and [3] do not broadcast"),
        (&prims::TO_F64, &[], vec![f(&[])], "an operand of element type i64 or bool was expected, not f64"),
        (&prims::SUM, &[1], vec![f(&[3])], "axis 1 is not one of an operand of rank 1"),
        (&prims::SUM, &[-1], vec![f(&[3])], "axis -1 is not one of an operand of rank 1"),
        (&prims::SUM, &[0, 0], vec![f(&[3])], "axis 0 is named twice"),
        (&prims::MAX, &[0], vec![f(&[0, 2])], "an operand of shape [0, 2] has no extreme along an axis of length 0"),
        (&prims::ARGMAX, &[0], vec![f(&[0])], "an operand of shape [0] has no extreme along an axis of length 0"),
        (&prims::RESHAPE, &[4], vec![f(&[3])], "an operand of shape [3] does not fit the shape [4]"),
        (&prims::RESHAPE, &[-1], vec![f(&[3])], "-1 is not an extent"),
        (&prims::TRANSPOSE, &[0], vec![f(&[3, 2])], "[0] is not an order of the axes of shape [3, 2]"),
        (&prims::BROADCAST_TO, &[3], vec![f(&[2])], "an operand of shape [2] does not broadcast to [3]"),
        (&prims::BROADCAST_TO, &[1], vec![f(&[3])], "an operand of shape [3] does not broadcast to [1]"),
        (&prims::BROADCAST_TO, &[3], vec![f(&[1, 3])], "an operand of shape [1, 3] does not broadcast to [3]"),
        (&prims::SLICE, &[0, 4, 1], vec![f(&[3])], "the slice 0:4:1 does not lie within an axis of length 3"),
        (&prims::SLICE, &[0, 3, 0], vec![f(&[3])], "the slice 0:3:0 does not lie within an axis of length 3"),
        (&prims::SLICE, &[0, 3], vec![f(&[3])], "a slice of shape [3] has 3 attributes, not 2"),
        (
            &prims::UNSLICE,
            &[1, 3, 0, 2, 1],
            vec![f(&[3])],
            "an operand of shape [3] does not fill a slice of shape [2]",
        ),
        (&prims::UNSLICE, &[2, 3], vec![f(&[3])], "[2, 3] is not a rank, a shape and a slice"),
        (&prims::CONCAT, &[0], vec![], "nothing to join"),
        (&prims::CONCAT, &[0], vec![f(&[])], "axis 0 is not one of an operand of rank 0"),
        (
            &prims::CONCAT,
            &[0],
            vec![f(&[2, 3]), f(&[2, 2])],
            "operands of shapes [2, 3] and [2, 2] do not join along axis 0",
        ),
        (&prims::GATHER, &[0], vec![f(&[3]), f(&[2])], "an operand of element type i64 was expected, not f64"),
        (&prims::GATHER, &[0], vec![f(&[]), i(&[2])], "axis 0 is not one of an operand of rank 0"),
        (
            &prims::SCATTER,
            &[0, 3, 2],
            vec![i(&[4]), f(&[4])],
            "parts of shape [4] were given where indices of shape [4] need [4, 2]",
        ),
        (&prims::INDEX, &[], vec![f(&[]), i(&[])], "a scalar has no axis to index"),
        (&prims::INDEX, &[], vec![f(&[3]), i(&[2])], "the index has shape [2] where one integer was expected"),
        (
            &prims::INDEX_ADD,
            &[],
            vec![f(&[3, 2]), i(&[]), f(&[3])],
            "a part of shape [3] cannot be added at an index of shape [3, 2]",
        ),
        (&prims::MATMUL, &[0, 0], vec![f(&[2, 3]), f(&[2, 3])], "matrices of shapes [2, 3] and [2, 3] do not multiply"),
        (
            &prims::MATMUL,
            &[1, 1],
            vec![f(&[2, 3]), f(&[2, 3])],
            "matrices of shapes [2, 3] transposed and [2, 3] transposed do not multiply",
        ),
        (&prims::MATMUL, &[0, 0], vec![f(&[3]), f(&[3])], "matrices of shapes [3] and [3] do not multiply"),
        (
            &prims::MATMUL,
            &[0, 0],
            vec![f(&[2, 2, 2]), f(&[1, 2, 2])],
            "matrices of shapes [2, 2, 2] and [1, 2, 2] do not multiply",
        ),
        (
            &prims::GEMM_ADD,
            &[0, 0],
            vec![f(&[2, 3]), f(&[3, 2]), f(&[2])],
            "a product of shape [2, 2] cannot be added in place to shape [2]",
        ),
    ];
    for (prim, attrs, types, why) in rows {
        let types: Vec<&Type> = types.iter().collect();
        let found = (prim.ty)(&Attrs::from_slice(attrs), &types);
        assert_eq!(found, Err(why.to_string()), "{}{attrs:?}", prim.name);
    }
}
