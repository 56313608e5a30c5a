//! Reductions and running sums.
//!
//! Attributes are distinct axes from 0 up; a reduction removes them, and over no axes it is the
//! identity. `sum`, `prod`, `all` and `any` of nothing are 0, 1, true and false; `max`, `min`,
//! `argmax` and `argmin` of nothing are shape errors. `max` and `min` split a cotangent equally
//! among the elements that tie; NaN, once an element, is the result, and then receives nothing.

use adjudicate_kernels::{Reduce, ReduceBool, reduce};

use super::layout::inverse;
use super::support::{ALONG_AXES, attributes, axes, axis, expect_elem, sizes, tensors};
use super::{Args, Attrs, PrimDef};
use crate::builder::Expr;
use crate::types::{Elem, Type};
use crate::value::Value;

/// `sum[axes]`: the sum over the axes, of floats or integers.
pub static SUM: PrimDef = PrimDef {
    name: "sum",
    about: "The sum over the axes, which are removed; attributes: axes.",
    ty: |attrs, types| reduced(attrs, types, &[Elem::F64, Elem::I64], false),
    eval: |attrs, args, _| {
        if attrs.is_empty() { Ok(args.take(0)) } else { numbers(Reduce::Sum, attrs, args) }
    },
    batch: ALONG_AXES,
    vjp: Some(|attrs, args, _, dy| vec![Some(dy.unreduce(attrs, &args[0].shape()))]),
};

/// `prod[axes]`: the product over the axes.
///
/// The rule multiplies in pairs, in pairs of pairs and so on to one product, and walks back through
/// those products: it never divides, so it is right with any number of zeros, at every order.
pub static PROD: PrimDef = PrimDef {
    name: "prod",
    about: "The product over the axes, which are removed; attributes: axes.",
    ty: |attrs, types| reduced(attrs, types, &[Elem::F64, Elem::I64], false),
    eval: |attrs, args, _| {
        if attrs.is_empty() { Ok(args.take(0)) } else { numbers(Reduce::Prod, attrs, args) }
    },
    batch: ALONG_AXES,
    vjp: Some(|attrs, args, _, dy| vec![product_rule(args[0], attrs, dy)]),
};

/// Extremes: `NAME "name" Kernel "about";`.
macro_rules! extremes {
    ($($NAME:ident $name:literal $kernel:ident $about:literal;)*) => {$(
        #[doc = concat!("`", $name, "[axes]`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |attrs, types| reduced(attrs, types, &[Elem::F64, Elem::I64], true),
            eval: |attrs, args, _| {
                if attrs.is_empty() { Ok(args.take(0)) } else { numbers(Reduce::$kernel, attrs, args) }
            },
            batch: ALONG_AXES,
            vjp: Some(|attrs, args, y, dy| {
                let (x, shape) = (args[0], args[0].shape());
                let ties = x.equals(y.unreduce(attrs, &shape));
                let share = dy / ties.to_f64().sum(attrs);
                vec![Some(ties.select(share.unreduce(attrs, &shape), dy.lit(0.0)))]
            }),
        };
    )*};
}
extremes! {
    MAX "max" Max "The greatest over the axes, which are removed; attributes: axes.";
    MIN "min" Min "The least over the axes, which are removed; attributes: axes.";
}

/// Reductions of truth values: `NAME "name" Kernel "about";`.
macro_rules! quantifiers {
    ($($NAME:ident $name:literal $kernel:ident $about:literal;)*) => {$(
        #[doc = concat!("`", $name, "[axes]`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |attrs, types| reduced(attrs, types, &[Elem::Bool], false),
            eval: |attrs, args, _| {
                if attrs.is_empty() {
                    return Ok(args.take(0));
                }
                let a = args.array::<bool>(0);
                Ok(Value::bools(reduce::reduce_bool(ReduceBool::$kernel, &a, &sizes(attrs))))
            },
            batch: ALONG_AXES,
            vjp: None,
        };
    )*};
}
quantifiers! {
    ALL "all" All "Whether all hold over the axes, which are removed; attributes: axes.";
    ANY "any" Any "Whether any holds over the axes, which are removed; attributes: axes.";
}

/// Positions of extremes: `NAME "name" kernel "about";`.
macro_rules! positions {
    ($($NAME:ident $name:literal $kernel:ident $about:literal;)*) => {$(
        #[doc = concat!("`", $name, "[axis]`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |attrs, types| {
                attributes::<1>(attrs)?;
                let ty = reduced(attrs, types, &[Elem::F64], true)?;
                Ok(Type::tensor(Elem::I64, ty.shape()))
            },
            eval: |attrs, args, _| {
                let a = args.array::<f64>(0);
                reduce::$kernel(&a, attrs[0] as usize).map(Value::ints).map_err(|e| e.to_string())
            },
            batch: ALONG_AXES,
            vjp: None,
        };
    )*};
}
positions! {
    ARGMAX "argmax" argmax "Where the greatest first is along the axis, which is removed; attribute: axis.";
    ARGMIN "argmin" argmin "Where the least first is along the axis, which is removed; attribute: axis.";
}

/// `cumsum[axis]`: the running sum along an axis.
pub static CUMSUM: PrimDef = PrimDef {
    name: "cumsum",
    about: "The running sum along the axis, of floats or integers; attribute: axis.",
    ty: |attrs, types| {
        let [(elem, shape)] = tensors(types)?;
        expect_elem(elem, &[Elem::F64, Elem::I64])?;
        axis(attributes::<1>(attrs)?[0], shape.len())?;
        Ok(types[0].clone())
    },
    eval: |attrs, args, _| {
        let axis = attrs[0] as usize;
        Ok(match &args[0] {
            Value::Ints(a) => Value::ints(reduce::cumsum(a, axis)),
            Value::Array(a, _) => Value::array(reduce::cumsum(a, axis)),
            other => panic!("cumsum of {other:?}"),
        })
    },
    batch: ALONG_AXES,
    vjp: Some(|attrs, _, _, dy| {
        let axis = attrs[0] as usize;
        vec![Some(dy.reverse(axis).apply(&CUMSUM, attrs, &[]).reverse(axis))]
    }),
};

/// The type of a reduction; `inhabited` if nothing has no result.
fn reduced(attrs: &[i64], types: &[&Type], allowed: &[Elem], inhabited: bool) -> Result<Type, String> {
    let [(elem, shape)] = tensors(types)?;
    expect_elem(elem, allowed)?;
    let axes = axes(attrs, shape.len())?;
    if inhabited && axes.iter().any(|&a| shape[a] == 0) {
        return Err(format!("an operand of shape {shape:?} has no extreme along an axis of length 0"));
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| shape[a]).collect();
    Ok(Type::tensor(elem, &kept))
}

fn numbers(op: Reduce, attrs: &Attrs, args: &Args<'_>) -> Result<Value, String> {
    if let Value::Ints(a) = &args[0] {
        return Ok(Value::ints(reduce::int_reduce(op, a, &sizes(attrs))));
    }
    let a = args.array::<f64>(0);
    reduce::reduce(op, &a, &sizes(attrs)).map(Value::array).map_err(|e| e.to_string())
}

/// The cotangent of the operand of a product over `axes`.
fn product_rule<'b>(x: Expr<'b>, axes: &[i64], dy: Expr<'b>) -> Option<Expr<'b>> {
    let shape = x.shape();
    let kept = (0..shape.len() as i64).filter(|a| !axes.contains(a));
    let order: Vec<i64> = axes.iter().copied().chain(kept).collect();
    let front = x.transpose(&order);
    let moved = front.shape();
    let (reduced, rest) = moved.split_at(axes.len());
    let count: usize = reduced.iter().product();
    if count == 0 {
        return None;
    }
    let flat: Vec<usize> = std::iter::once(count).chain(rest.iter().copied()).collect();
    let one: Vec<usize> = std::iter::once(1).chain(rest.iter().copied()).collect();
    let dx = pairwise_rule(front.reshape(&flat), dy.reshape(&one));
    Some(dx.reshape(&moved).transpose(&inverse(&order)))
}

/// As [`product_rule`] over the leading axis, which `dy` has with length 1. Of an odd count the last factor
/// passes to the next level as it is.
fn pairwise_rule<'b>(x: Expr<'b>, dy: Expr<'b>) -> Expr<'b> {
    let count = x.shape()[0];
    if count == 1 {
        return dy;
    }
    let half = count / 2;
    let (a, b) = (x.narrow(0, 0, half), x.narrow(0, half, 2 * half));
    let odd = (count % 2 == 1).then(|| x.narrow(0, count - 1, count));
    let pairs = a * b;
    let d = pairwise_rule(odd.map_or(pairs, |last| pairs.concat(0, &[last])), dy);
    match odd {
        None => (d * b).concat(0, &[d * a]),
        Some(_) => {
            let (pairs, last) = (d.narrow(0, 0, half), d.narrow(0, half, half + 1));
            (pairs * b).concat(0, &[pairs * a, last])
        }
    }
}
