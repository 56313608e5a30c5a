//! The arrangement of elements: reshaping, transposition, repetition, parts and joints.
//!
//! Attributes are never negative, save the steps of slices and the `stop = -1` of a slice that
//! runs down past the first element. Elements are of any type. Each rule is the transpose of the
//! linear map: `slice` and `unslice` are each other's, a repetition's is a sum.

use adjudicate_kernels::Array;
use adjudicate_kernels::layout::{self, SliceSpec};

use super::support::{
    Tensor, attributes, axes, axis, by_elem, common_elem, extended, extents, shifted, sizes, tensor, tensors,
};
use super::{Prim, PrimDef};
use crate::batch::{BatchRule, Lanes};
use crate::builder::Expr;
use crate::types::{Elem, Type};
use crate::value::Value;

/// `reshape[extents]`: the same elements, in row-major order, in another shape.
pub static RESHAPE: PrimDef = PrimDef {
    name: "reshape",
    about: "The same elements in another shape; attributes: its extents.",
    ty: |attrs, types| {
        let [(elem, shape)] = tensors(types)?;
        let target = extents(attrs)?;
        if target.iter().product::<usize>() != shape.iter().product() {
            return Err(format!("an operand of shape {shape:?} does not fit the shape {target:?}"));
        }
        Ok(Type::tensor(elem, &target))
    },
    eval: |_, args, ty| {
        if ty.shape().is_empty() && !matches!(args[0], Value::Array(..) | Value::Ints(_) | Value::Bools(_)) {
            return Ok(args.take(0));
        }
        Ok(by_elem!(args[0], T => T::value(args.take_array::<T>(0).into_shape(ty.shape()))))
    },
    batch: BatchRule::Tensors(reshape_lanes),
    vjp: Some(|_, args, _, dy| vec![Some(dy.reshape(&args[0].shape()))]),
};

/// `transpose[permutation]`: axis i of the result is axis `permutation[i]` of the operand.
pub static TRANSPOSE: PrimDef = PrimDef {
    name: "transpose",
    about: "The axes in another order; attributes: for each axis of the result, that of the operand.",
    ty: |attrs, types| {
        let [(elem, shape)] = tensors(types)?;
        let order = axes(attrs, shape.len())?;
        if order.len() != shape.len() {
            return Err(format!("{attrs:?} is not an order of the axes of shape {shape:?}"));
        }
        let permuted: Vec<usize> = order.iter().map(|&a| shape[a]).collect();
        Ok(Type::tensor(elem, &permuted))
    },
    eval: |attrs, args, _| {
        if attrs.is_empty() {
            return Ok(args.take(0));
        }
        Ok(by_elem!(args[0], T => T::value(layout::transpose(&args.array::<T>(0), &sizes(attrs)))))
    },
    batch: BatchRule::Tensors(transpose_lanes),
    vjp: Some(|attrs, _, _, dy| vec![Some(dy.transpose(&inverse(attrs)))]),
};

/// The inverse of a permutation.
pub(super) fn inverse(order: &[i64]) -> Vec<i64> {
    let mut inverse = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, &from)| inverse[from as usize] = to as i64);
    inverse
}

/// `broadcast_to[extents]`: repeated along new leading axes and axes of length 1.
pub static BROADCAST_TO: PrimDef = PrimDef {
    name: "broadcast_to",
    about: "Repeated to a shape by the rules of broadcasting; attributes: its extents.",
    ty: |attrs, types| {
        let [(elem, shape)] = tensors(types)?;
        let target = extents(attrs)?;
        let lead = target.len().checked_sub(shape.len());
        let fits = lead.is_some_and(|lead| shape.iter().zip(&target[lead..]).all(|(&n, &to)| n == to || n == 1));
        if !fits {
            return Err(format!("an operand of shape {shape:?} does not broadcast to {target:?}"));
        }
        Ok(Type::tensor(elem, &target))
    },
    eval: |_, args, ty| {
        Ok(by_elem!(args[0], T => match T::get(&args[0]) {
            Some(x) => T::value(layout::fill(ty.shape(), x)),
            None => T::value(layout::broadcast_to(&args.array::<T>(0), ty.shape())),
        }))
    },
    batch: BatchRule::Tensors(broadcast_lanes),
    vjp: Some(|_, args, _, dy| vec![Some(dy.sum_to(&args[0].shape()))]),
};

/// `slice[(start, stop, step)…]`: every `step`-th element from `start` to before `stop`, for each axis.
pub static SLICE: PrimDef = PrimDef {
    name: "slice",
    about: "A part of each axis; attributes: start, stop and step for each, stop -1 to run down past the first.",
    ty: |attrs, types| {
        let [(elem, shape)] = tensors(types)?;
        Ok(Type::tensor(elem, &sliced(attrs, shape)?))
    },
    eval: |attrs, args, ty| {
        Ok(by_elem!(args[0], T => {
            let a = args.array::<T>(0);
            if ty.size() == 0 {
                T::value(Array::zeros(ty.shape()))
            } else {
                T::value(layout::slice(&a, &specs(attrs)))
            }
        }))
    },
    batch: BatchRule::Tensors(slice_lanes),
    vjp: Some(|attrs, args, _, dy| {
        let shape = args[0].shape();
        let mut full: Vec<i64> = std::iter::once(shape.len()).chain(shape).map(|n| n as i64).collect();
        full.extend(attrs);
        vec![Some(dy.apply(&UNSLICE, &full, &[]))]
    }),
};

/// `unslice[rank, extents, (start, stop, step)…]`: zeros of a shape in which a slice is set; the
/// transpose of `slice`.
pub static UNSLICE: PrimDef = PrimDef {
    name: "unslice",
    about: "Zeros of a shape with a slice of it set; attributes: the rank, the shape, then start, stop and step for each axis.",
    ty: |attrs, types| {
        let [(elem, shape)] = tensors(types)?;
        let (target, slice) = placed(attrs)?;
        let part = sliced(slice, &target)?;
        if part != shape {
            return Err(format!("an operand of shape {shape:?} does not fill a slice of shape {part:?}"));
        }
        Ok(Type::tensor(elem, &target))
    },
    eval: |attrs, args, ty| {
        Ok(by_elem!(args[0], T => {
            let a = args.array::<T>(0);
            if a.is_empty() {
                T::value(Array::zeros(ty.shape()))
            } else {
                T::value(layout::unslice(&a, ty.shape(), &specs(&attrs[1 + ty.shape().len()..])))
            }
        }))
    },
    batch: BatchRule::Tensors(unslice_lanes),
    vjp: Some(|attrs, args, _, dy| {
        let slice = &attrs[1 + args[0].shape().len()..];
        vec![Some(dy.apply(&SLICE, slice, &[]))]
    }),
};

/// `concat[axis]`: any number of operands joined along an axis.
pub static CONCAT: PrimDef = PrimDef {
    name: "concat",
    about: "The operands joined along an axis; attribute: the axis.",
    ty: |attrs, types| {
        let [first, rest @ ..] = types else {
            return Err("nothing to join".into());
        };
        let (mut elem, shape) = tensor(first)?;
        let axis = axis(attributes::<1>(attrs)?[0], shape.len())?;
        let mut joined = shape.to_vec();
        for ty in rest {
            let (other, part) = tensor(ty)?;
            elem = common_elem(elem, other)?;
            let agree = part.len() == shape.len() && (0..part.len()).all(|i| i == axis || part[i] == shape[i]);
            if !agree {
                return Err(format!("operands of shapes {shape:?} and {part:?} do not join along axis {axis}"));
            }
            joined[axis] += part[axis];
        }
        Ok(Type::tensor(elem, &joined))
    },
    eval: |attrs, args, _| {
        Ok(by_elem!(args[0], T => {
            let parts: Vec<&Array<T>> = args.iter().map(|a| T::array(a).expect("arrays of one type")).collect();
            T::value(layout::concatenate(&parts, attrs[0] as usize))
        }))
    },
    batch: BatchRule::Tensors(concat_lanes),
    vjp: Some(|attrs, args, _, dy| {
        let axis = attrs[0] as usize;
        let mut start = 0;
        let parts = args.iter().map(|part| {
            let stop = start + part.shape()[axis];
            Some(dy.narrow(axis, std::mem::replace(&mut start, stop), stop))
        });
        parts.collect()
    }),
};

/// `units[extents]`: the unit cotangents of a tensor of this shape, one after another along a new
/// leading axis: row i is 1 at position i. What they leave out is absent, as with `zero`: a product
/// with them takes rows as they are.
pub static UNITS: PrimDef = PrimDef {
    name: "units",
    about: "All unit cotangents of a tensor, along a new leading axis; attributes: the extents of the tensor.",
    ty: |attrs, types| {
        tensors::<0>(types)?;
        let shape = extents(attrs)?;
        Ok(Type::tensor(Elem::F64, &[&[shape.iter().product()], &shape[..]].concat()))
    },
    eval: |_, _, ty| {
        let count = ty.shape()[0];
        let mut units = Array::zeros(ty.shape());
        units.make_mut().iter_mut().step_by(count + 1).for_each(|unit| *unit = 1.0);
        Ok(Value::array(units))
    },
    batch: BatchRule::Tensors(|prim, _| panic!("{prim} has no operand that could have lanes")),
    vjp: None,
};

fn reshape_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    lanes.operand(0).reshape(&sizes(&extended(lanes.count, &prim.attrs)))
}

fn transpose_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    lanes.operand(0).transpose(&extended(0, &shifted(&prim.attrs)))
}

fn broadcast_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    lanes.aligned(0, prim.attrs.len()).broadcast_to(&sizes(&extended(lanes.count, &prim.attrs)))
}

fn slice_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    lanes.operand(0).apply(&SLICE, &whole_axis(lanes.count, &prim.attrs), &[])
}

fn unslice_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    let (shape, slice) = placed(&prim.attrs).expect("attributes that were accepted");
    let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
    let mut attrs = extended(shape.len() + 1, &extended(lanes.count, &shape));
    attrs.extend(whole_axis(lanes.count, slice));
    lanes.operand(0).apply(&UNSLICE, &attrs, &[])
}

fn concat_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    let parts: Vec<Expr<'b>> = (0..lanes.len()).map(|i| lanes.lifted(i)).collect();
    parts[0].apply(&CONCAT, &shifted(&prim.attrs), &parts[1..])
}

/// A slice that takes all of a leading axis, and then another slice.
fn whole_axis(count: usize, slice: &[i64]) -> Vec<i64> {
    [&[0, count as i64, 1], slice].concat()
}

/// The shape of a slice of a shape.
fn sliced(attrs: &[i64], shape: &[usize]) -> Result<Vec<usize>, String> {
    if attrs.len() != 3 * shape.len() {
        return Err(format!("a slice of shape {shape:?} has {} attributes, not {}", 3 * shape.len(), attrs.len()));
    }
    let axes = attrs.chunks_exact(3).zip(shape);
    axes.map(|(range, &n)| slice_length(range[0], range[1], range[2], n as i64)).collect()
}

/// The number of elements of a slice of an axis of length `n`.
fn slice_length(start: i64, stop: i64, step: i64, n: i64) -> Result<usize, String> {
    let (inside, span) = if step > 0 {
        (0 <= start && start <= n && 0 <= stop && stop <= n, stop - start)
    } else {
        (-1 <= start && start < n && -1 <= stop && stop < n, start - stop)
    };
    if step == 0 || !inside {
        return Err(format!("the slice {start}:{stop}:{step} does not lie within an axis of length {n}"));
    }
    Ok(span.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as usize)
}

/// The shape and the slice that the attributes of `unslice` state.
fn placed(attrs: &[i64]) -> Result<(Vec<usize>, &[i64]), String> {
    let bad = || format!("{attrs:?} is not a rank, a shape and a slice");
    let (&rank, rest) = attrs.split_first().ok_or_else(bad)?;
    let rank = usize::try_from(rank).map_err(|_| bad())?;
    let (shape, slice) = rest.split_at_checked(rank).ok_or_else(bad)?;
    Ok((extents(shape)?, slice))
}

fn specs(attrs: &[i64]) -> Vec<SliceSpec> {
    let spec = |r: &[i64]| SliceSpec { start: r[0] as isize, stop: r[1] as isize, step: r[2] as isize };
    attrs.chunks_exact(3).map(spec).collect()
}
