//! Comparison, logic, choice by mask, and conversion between element types.
//!
//! All broadcast as in NumPy. No sensitivity passes a boolean or an integer, so only `select` has
//! a rule. It chooses cotangents as it chooses values, never multiplying by the mask: a NaN or an
//! infinity on the side not taken stays out of values and cotangents alike.

use adjudicate_kernels as kernels;
use adjudicate_kernels::{Arg, Array, Compare, Logic, Unary};

use super::PrimDef;
use super::support::{ELEMENTWISE, Tensor, broadcast, by_elem, common_elem, expect_elem, tensors};
use crate::types::{Elem, Type};
use crate::value::Value;

/// Comparisons: `NAME "name" Kernel "about" [element types];`.
macro_rules! comparisons {
    ($($NAME:ident $name:literal $kernel:ident $about:literal [$($elem:ident)*];)*) => {$(
        #[doc = concat!("`", $name, "`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |_, types| {
                let [(a, a_shape), (b, b_shape)] = tensors(types)?;
                expect_elem(common_elem(a, b)?, &[$(Elem::$elem),*])?;
                Ok(Type::tensor(Elem::Bool, &broadcast(a_shape, b_shape)?))
            },
            eval: |_, args, _| Ok(compare(Compare::$kernel, &args[0], &args[1])),
            batch: ELEMENTWISE,
            vjp: None,
        };
    )*};
}
comparisons! {
    LT "lt" Lt "x < y." [F64 I64];
    LE "le" Le "x <= y." [F64 I64];
    GT "gt" Gt "x > y." [F64 I64];
    GE "ge" Ge "x >= y." [F64 I64];
    EQ "eq" Eq "x == y." [F64 I64 Bool];
    NE "ne" Ne "x != y." [F64 I64 Bool];
}

#[inline]
fn compare(op: Compare, a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::F64(x, _), Value::F64(y, _)) => Value::Bool(op.eval(*x, *y)),
        (Value::I64(x), Value::I64(y)) => Value::Bool(op.eval(*x, *y)),
        (Value::F64(..) | Value::Array(..), _) => Value::bools(kernels::compare(op, f64::arg(a), f64::arg(b))),
        (Value::I64(_) | Value::Ints(_), _) => Value::bools(kernels::compare(op, i64::arg(a), i64::arg(b))),
        _ if op == Compare::Eq => negated(&connect(Logic::Xor, a, b)),
        _ => connect(Logic::Xor, a, b),
    }
}

/// Connectives: `NAME "name" Kernel "about";`.
macro_rules! connectives {
    ($($NAME:ident $name:literal $kernel:ident $about:literal;)*) => {$(
        #[doc = concat!("`", $name, "`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |_, types| {
                let [(a, a_shape), (b, b_shape)] = tensors(types)?;
                expect_elem(a, &[Elem::Bool])?;
                expect_elem(b, &[Elem::Bool])?;
                Ok(Type::tensor(Elem::Bool, &broadcast(a_shape, b_shape)?))
            },
            eval: |_, args, _| Ok(connect(Logic::$kernel, &args[0], &args[1])),
            batch: ELEMENTWISE,
            vjp: None,
        };
    )*};
}
connectives! {
    LOGICAL_AND "logical_and" And "Whether both hold.";
    LOGICAL_OR "logical_or" Or "Whether either holds.";
    LOGICAL_XOR "logical_xor" Xor "Whether exactly one holds.";
}

fn connect(op: Logic, a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Bool(x), Value::Bool(y)) => Value::Bool(op.eval(*x, *y)),
        _ => Value::bools(kernels::logic(op, bool::arg(a), bool::arg(b))),
    }
}

fn negated(x: &Value) -> Value {
    match x {
        Value::Bool(x) => Value::Bool(!x),
        other => Value::bools(kernels::not(bool::array(other).expect("booleans"))),
    }
}

/// `logical_not`: whether it does not hold.
pub static LOGICAL_NOT: PrimDef = PrimDef {
    name: "logical_not",
    about: "Whether it does not hold.",
    ty: |_, types| converted(types, &[Elem::Bool], Elem::Bool),
    eval: |_, args, _| Ok(negated(&args[0])),
    batch: ELEMENTWISE,
    vjp: None,
};

/// `select(mask, x, y)`: x where the mask holds, y elsewhere; all three broadcast together.
pub static SELECT: PrimDef = PrimDef {
    name: "select",
    about: "The second operand where the first, a mask, holds, and the third elsewhere.",
    ty: |_, types| {
        let [(mask, m_shape), (a, a_shape), (b, b_shape)] = tensors(types)?;
        expect_elem(mask, &[Elem::Bool])?;
        Ok(Type::tensor(common_elem(a, b)?, &broadcast(m_shape, &broadcast(a_shape, b_shape)?)?))
    },
    eval: |_, args, _| {
        let [mask, yes, no] = [0, 1, 2].map(|i| &args[i]);
        Ok(match (mask, yes, no) {
            (Value::Bool(b), Value::F64(..), Value::F64(..))
            | (Value::Bool(b), Value::I64(_), Value::I64(_))
            | (Value::Bool(b), Value::Bool(_), Value::Bool(_)) => if *b { yes } else { no }.clone(),
            _ => {
                by_elem!(*yes, T => T::value(kernels::select(bool::arg(mask), T::arg(yes), T::arg(no))))
            }
        })
    },
    batch: ELEMENTWISE,
    vjp: Some(|_, args, _, dy| {
        let (mask, zero) = (args[0], dy.lit(0.0));
        let (a, b) = (mask.select(dy, zero), mask.select(zero, dy));
        vec![None, Some(a.sum_to(&args[1].shape())), Some(b.sum_to(&args[2].shape()))]
    }),
};

/// `detach`: the same value, through which no sensitivity passes.
pub static DETACH: PrimDef = PrimDef {
    name: "detach",
    about: "The operand as a constant: no sensitivity passes.",
    ty: |_, types| converted_to_itself(types),
    eval: |_, args, _| Ok(args.take(0)),
    batch: ELEMENTWISE,
    vjp: None,
};

/// `to_f64`: integers or truth values as floats.
pub static TO_F64: PrimDef = PrimDef {
    name: "to_f64",
    about: "Integers or truth values as floats.",
    ty: |_, types| converted(types, &[Elem::I64, Elem::Bool], Elem::F64),
    eval: |_, args, _| {
        Ok(match &args[0] {
            Value::I64(x) => Value::f64(*x as f64),
            Value::Bool(x) => Value::f64(f64::from(*x)),
            Value::Ints(a) => Value::array(kernels::to_f64(a)),
            Value::Bools(a) => Value::array(kernels::bool_to_f64(a)),
            other => panic!("to_f64 of {other:?}"),
        })
    },
    batch: ELEMENTWISE,
    vjp: None,
};

/// `to_i64`: truth values as 0 and 1, floats truncated towards zero; a single float that does not fit is an error.
pub static TO_I64: PrimDef = PrimDef {
    name: "to_i64",
    about: "Truth values as 0 and 1; floats truncated towards zero. A single float that does not fit is an error.",
    ty: |_, types| converted(types, &[Elem::F64, Elem::Bool], Elem::I64),
    eval: |_, args, _| {
        Ok(match &args[0] {
            Value::F64(x, _) => Value::I64(whole(*x)?),
            Value::Bool(x) => Value::I64(i64::from(*x)),
            Value::Array(a, _) => Value::ints(kernels::f64_to_i64(a)),
            Value::Bools(a) => Value::ints(kernels::bool_to_i64(a)),
            other => panic!("to_i64 of {other:?}"),
        })
    },
    batch: ELEMENTWISE,
    vjp: None,
};

/// The integer that is left of a float without its fraction; an error if it does not fit.
pub(crate) fn whole(x: f64) -> Result<i64, String> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if (-END..END).contains(&x.trunc()) { Ok(x as i64) } else { Err(format!("{x:e} does not fit a 64-bit integer")) }
}

/// `to_bool`: whether it is not zero; NaN is not.
pub static TO_BOOL: PrimDef = PrimDef {
    name: "to_bool",
    about: "Whether it is not zero.",
    ty: |_, types| converted(types, &[Elem::F64, Elem::I64], Elem::Bool),
    eval: |_, args, _| {
        Ok(match &args[0] {
            x @ (Value::F64(..) | Value::Array(..)) => compare(Compare::Ne, x, &Value::f64(0.0)),
            x => compare(Compare::Ne, x, &Value::I64(0)),
        })
    },
    batch: ELEMENTWISE,
    vjp: None,
};

/// Classes of floats: `NAME "name" "about" scalar, array;`.
macro_rules! classes {
    ($($NAME:ident $name:literal $about:literal $scalar:expr, $array:expr;)*) => {$(
        #[doc = concat!("`", $name, "`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |_, types| converted(types, &[Elem::F64], Elem::Bool),
            eval: |_, args, _| Ok(classify(&args[0], $scalar, $array)),
            batch: ELEMENTWISE,
            vjp: None,
        };
    )*};
}
classes! {
    ISNAN "isnan" "Whether it is not a number."
        f64::is_nan, |a| kernels::compare(Compare::Ne, Arg::Array(a), Arg::Array(a));
    ISINF "isinf" "Whether it is infinite." f64::is_infinite, |a| against_infinity(Compare::Eq, a);
    ISFINITE "isfinite" "Whether it is finite." f64::is_finite, |a| against_infinity(Compare::Lt, a);
}

fn classify(x: &Value, scalar: fn(f64) -> bool, array: fn(&Array<f64>) -> Array<bool>) -> Value {
    match f64::arg(x) {
        Arg::Scalar(x) => Value::Bool(scalar(x)),
        Arg::Array(a) => Value::bools(array(a)),
    }
}

fn against_infinity(op: Compare, a: &Array<f64>) -> Array<bool> {
    kernels::compare(op, Arg::Array(&kernels::unary(Unary::Abs, a)), Arg::Scalar(f64::INFINITY))
}

fn converted_to_itself(types: &[&Type]) -> Result<Type, String> {
    let [(elem, shape)] = tensors(types)?;
    Ok(Type::tensor(elem, shape))
}

fn converted(types: &[&Type], from: &[Elem], to: Elem) -> Result<Type, String> {
    let [(elem, shape)] = tensors(types)?;
    expect_elem(elem, from)?;
    Ok(Type::tensor(to, shape))
}
