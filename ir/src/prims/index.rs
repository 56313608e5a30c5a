//! Reading and adding by index. Negative indices count from the end; one out of range is an error
//! of evaluation. `gather` and `scatter`, `index` and `index_add` are each other's transposes.

use adjudicate_kernels::{Array, index, layout};

use super::layout::inverse;
use super::support::{
    ELEMENTWISE, Tensor, attributes, axis, by_elem, common_elem, expect_elem, extents, sizes, tensors,
};
use super::{Prim, PrimDef};
use crate::batch::{BatchRule, Lanes};
use crate::builder::Expr;
use crate::graph::Const;
use crate::span::plural;
use crate::types::{Elem, Type};
use crate::value::Value;

/// `gather[axis](x, i)`: the parts of `x` at the indices `i` along the axis, which is replaced by
/// the axes of `i`; NumPy's `take`.
pub static GATHER: PrimDef = PrimDef {
    name: "gather",
    about: "The parts of the first operand at the indices in the second, along an axis; attribute: the axis.",
    ty: |attrs, types| {
        let [(elem, shape), (idx, at)] = tensors(types)?;
        expect_elem(idx, &[Elem::I64])?;
        let axis = axis(attributes::<1>(attrs)?[0], shape.len())?;
        Ok(Type::tensor(elem, &replaced(shape, axis, at)))
    },
    eval: |attrs, args, _| {
        let idx = args.array::<i64>(1);
        by_elem!(args[0], T => {
            let x = T::array(&args[0]).expect("an axis to gather along");
            index::gather(x, attrs[0] as usize, &idx).map(T::value).map_err(|e| e.to_string())
        })
    },
    batch: BatchRule::Tensors(|prim, lanes| gather_lanes(prim.attrs[0] as usize, lanes)),
    vjp: Some(|attrs, args, _, dy| {
        let shape = args[0].shape();
        let place: Vec<i64> = attrs.iter().copied().chain(shape.iter().map(|&n| n as i64)).collect();
        vec![Some(args[1].apply(&SCATTER, &place, &[dy])), None]
    }),
};

/// `scatter[axis, extents](i, src)`: zeros of a shape, to which the parts of `src` are added at the
/// indices `i` along the axis; parts at equal indices add up. The transpose of `gather`.
pub static SCATTER: PrimDef = PrimDef {
    name: "scatter",
    about: "Zeros of a shape with the second operand added at the indices in the first; attributes: the axis, the shape.",
    ty: |attrs, types| {
        let [(idx, at), (elem, parts)] = tensors(types)?;
        expect_elem(idx, &[Elem::I64])?;
        expect_elem(elem, &[Elem::F64])?;
        let (&along, shape) = attrs.split_first().ok_or("the axis and the shape are missing")?;
        let shape = extents(shape)?;
        let expected = replaced(&shape, axis(along, shape.len())?, at);
        if parts != expected {
            return Err(format!("parts of shape {parts:?} were given where indices of shape {at:?} need {expected:?}"));
        }
        Ok(Type::tensor(Elem::F64, &shape))
    },
    eval: |attrs, args, ty| {
        let (idx, src) = (args.array::<i64>(0), args.array::<f64>(1));
        let mut sum = Array::zeros(ty.shape());
        index::scatter_add(&mut sum, attrs[0] as usize, &idx, &src).map_err(|e| e.to_string())?;
        Ok(Value::array(sum))
    },
    batch: BatchRule::Tensors(scatter_lanes),
    vjp: Some(|attrs, args, _, dy| vec![None, Some(dy.apply(&GATHER, &attrs[..1], &[args[0]]))]),
};

/// `index(x, i)`: `x[i]` on the leading axis.
pub static INDEX: PrimDef = PrimDef {
    name: "index",
    about: "The part of the first operand at an index of its leading axis.",
    ty: |_, types| {
        let [(elem, shape), (idx, at)] = tensors(types)?;
        let (_, rest) = indexed(shape, idx, at)?;
        Ok(Type::tensor(elem, rest))
    },
    eval: |_, args, _| {
        let Value::I64(i) = args[1] else { panic!("an integer was expected, not {:?}", args[1]) };
        by_elem!(args[0], T => {
            let x = T::array(&args[0]).expect("a leading axis to index");
            let part = if x.ndim() == 1 { index::index_scalar(x, i).map(T::scalar) } else { index::index(x, i).map(T::value) };
            part.map_err(|e| e.to_string())
        })
    },
    batch: BatchRule::Tensors(|_, lanes| gather_lanes(0, lanes)),
    vjp: Some(|_, args, _, dy| {
        let zero = args[0].zero(args[0].ty());
        vec![Some(zero.apply(&INDEX_ADD, &[], &[args[1], dy])), None]
    }),
};

/// `index_add(x, i, v)`: `x` with `v` added to `x[i]`, in place where nobody else holds `x`.
pub static INDEX_ADD: PrimDef = PrimDef {
    name: "index_add",
    about: "The first operand with the third added at an index of its leading axis.",
    ty: |_, types| {
        let [(elem, shape), (idx, at), (part_elem, part)] = tensors(types)?;
        expect_elem(common_elem(elem, part_elem)?, &[Elem::F64])?;
        let (_, rest) = indexed(shape, idx, at)?;
        if part != rest {
            return Err(format!("a part of shape {part:?} cannot be added at an index of shape {shape:?}"));
        }
        Ok(types[0].clone())
    },
    eval: |_, args, _| {
        let Value::I64(i) = args[1] else { panic!("an integer was expected, not {:?}", args[1]) };
        let mut x = args.take_array::<f64>(0);
        index::index_add(&mut x, i, f64::arg(&args[2])).map_err(|e| e.to_string())?;
        Ok(Value::array(x))
    },
    batch: BatchRule::Tensors(|_, lanes| scatter_add_lanes(0, lanes)),
    vjp: Some(|_, args, _, dy| vec![Some(dy), None, Some(dy.apply(&INDEX, &[], &[args[1]]))]),
};

/// `scatter_add[axis](x, i, src)`: `x` with the parts of `src` added at the indices `i` along the
/// axis, in place where nobody else holds `x`; parts at equal indices add up.
pub static SCATTER_ADD: PrimDef = PrimDef {
    name: "scatter_add",
    about: "The first operand with the third added at the indices in the second; attribute: the axis.",
    ty: |attrs, types| {
        let [(elem, shape), (idx, at), (part_elem, parts)] = tensors(types)?;
        expect_elem(common_elem(elem, part_elem)?, &[Elem::F64])?;
        expect_elem(idx, &[Elem::I64])?;
        let expected = replaced(shape, axis(attributes::<1>(attrs)?[0], shape.len())?, at);
        if parts != expected {
            return Err(format!("parts of shape {parts:?} were given where indices of shape {at:?} need {expected:?}"));
        }
        Ok(types[0].clone())
    },
    eval: |attrs, args, _| {
        let mut x = args.take_array::<f64>(0);
        let (idx, src) = (args.array::<i64>(1), args.array::<f64>(2));
        index::scatter_add(&mut x, attrs[0] as usize, &idx, &src).map_err(|e| e.to_string())?;
        Ok(Value::array(x))
    },
    batch: BatchRule::Tensors(|prim, lanes| scatter_add_lanes(prim.attrs[0] as usize, lanes)),
    vjp: Some(|attrs, args, _, dy| vec![Some(dy), None, Some(dy.apply(&GATHER, attrs, &[args[1]]))]),
};

/// Parts of a tensor along an axis (operand 0) at indices (operand 1). Where both have lanes, the
/// axis of the lanes and the axis that is indexed are laid end to end.
fn gather_lanes<'b>(axis: usize, lanes: &Lanes<'b>) -> Expr<'b> {
    let (x, i) = (lanes.operand(0), lanes.operand(1));
    if !lanes.has(1) {
        return x.apply(&GATHER, &[axis as i64 + 1], &[i]);
    }
    if !lanes.has(0) {
        return x.apply(&GATHER, &[axis as i64], &[i]).moved(axis, 0);
    }
    let rows = End::to_end(lanes.shape(0), axis, lanes);
    let parts = rows.flat(x).apply(&GATHER, &[0], &[rows.positions(i)]);
    parts.transpose(&rows.order(lanes.shape(1).len()))
}

/// Zeros of a shape with parts (operand 1) added at indices (operand 0).
fn scatter_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    let (axis, shape) = (prim.attrs[0] as usize, sizes(&prim.attrs[1..]).to_vec());
    let (i, src) = (lanes.operand(0), lanes.lifted(1));
    let attrs = |axis: usize, shape: &[usize]| -> Vec<i64> {
        std::iter::once(axis).chain(shape.iter().copied()).map(|n| n as i64).collect()
    };
    if !lanes.has(0) {
        let full: Vec<usize> = std::iter::once(lanes.count).chain(shape).collect();
        return i.apply(&SCATTER, &attrs(axis + 1, &full), &[src]);
    }
    let rows = End::to_end(shape, axis, lanes);
    let parts = src.transpose(&inverse(&rows.order(lanes.shape(0).len())));
    rows.apart(rows.positions(i).apply(&SCATTER, &attrs(0, &rows.flat_shape()), &[parts]))
}

/// A tensor (operand 0) with parts (operand 2) added at indices (operand 1) along an axis.
fn scatter_add_lanes<'b>(axis: usize, lanes: &Lanes<'b>) -> Expr<'b> {
    let (x, i, src) = (lanes.lifted(0), lanes.operand(1), lanes.lifted(2));
    if !lanes.has(1) {
        return x.apply(&SCATTER_ADD, &[axis as i64 + 1], &[i, src]);
    }
    let rows = End::to_end(lanes.shape(0), axis, lanes);
    let parts = src.transpose(&inverse(&rows.order(lanes.shape(1).len())));
    rows.apart(rows.flat(x).apply(&SCATTER_ADD, &[0], &[rows.positions(i), parts]))
}

/// The axis of the lanes and another, laid end to end.
struct End {
    count: usize,
    shape: Vec<usize>,
    axis: usize,
}

impl End {
    fn to_end(shape: Vec<usize>, axis: usize, lanes: &Lanes<'_>) -> Self {
        Self { count: lanes.count, shape, axis }
    }

    /// The other axes of a lane.
    fn rest(&self) -> Vec<usize> {
        [&self.shape[..self.axis], &self.shape[self.axis + 1..]].concat()
    }

    fn flat_shape(&self) -> Vec<usize> {
        [&[self.count * self.shape[self.axis]], &self.rest()[..]].concat()
    }

    fn flat<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        x.moved(self.axis + 1, 1).reshape(&self.flat_shape())
    }

    /// The inverse of [`flat`](Self::flat).
    fn apart<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        let full = [&[self.count, self.shape[self.axis]], &self.rest()[..]].concat();
        x.reshape(&full).moved(1, self.axis + 1)
    }

    /// Indices of each lane as indices of all.
    fn positions<'b>(&self, i: Expr<'b>) -> Expr<'b> {
        let shape: Vec<usize> =
            std::iter::once(self.count).chain(std::iter::repeat_n(1, i.shape().len() - 1)).collect();
        let lane = i.constant(Const::Ints(Array::from_vec(&shape, (0..self.count as i64).collect())));
        lane.apply(&RAVEL_INDEX, &[self.count as i64, self.shape[self.axis] as i64], &[i])
    }

    /// From (lane, indices, axes before, axes after) to (lane, axes before, indices, axes after).
    fn order(&self, indices: usize) -> Vec<i64> {
        let (before, rank) = (self.axis, self.shape.len() + indices);
        let axes = std::iter::once(0).chain(1 + indices..1 + indices + before).chain(1..1 + indices);
        axes.chain(1 + indices + before..rank).map(|axis| axis as i64).collect()
    }
}

/// `shape` with one axis replaced by others.
fn replaced(shape: &[usize], axis: usize, by: &[usize]) -> Vec<usize> {
    [&shape[..axis], by, &shape[axis + 1..]].concat()
}

/// Leading extent and the rest of a shape that is indexed by an integer.
fn indexed<'s>(shape: &'s [usize], idx: Elem, at: &[usize]) -> Result<(usize, &'s [usize]), String> {
    expect_elem(idx, &[Elem::I64])?;
    if !at.is_empty() {
        return Err(format!("the index has shape {at:?} where one integer was expected"));
    }
    let (&lead, rest) = shape.split_first().ok_or("a scalar has no axis to index")?;
    Ok((lead, rest))
}

/// `ravel_index[extents](i…)`: the position in the axes laid end to end, row-major, of the point
/// with these indices; NumPy's `ravel_multi_index`. Indices broadcast, negative ones wrap.
pub static RAVEL_INDEX: PrimDef = PrimDef {
    name: "ravel_index",
    about: "Row-major position of points given by an index per axis; attributes: the extents of the axes.",
    ty: |attrs, types| {
        let extents = extents(attrs)?;
        if extents.len() != types.len() || types.is_empty() {
            return Err(format!("of {}, {} are given an index", plural(extents.len(), "axis"), types.len()));
        }
        let mut shape: Vec<usize> = Vec::new();
        for ty in types {
            let [(elem, at)] = tensors(&[ty])?;
            expect_elem(elem, &[Elem::I64])?;
            shape = super::support::broadcast(&shape, at)?;
        }
        Ok(Type::tensor(Elem::I64, &shape))
    },
    eval: |attrs, args, ty| {
        let shape = ty.shape();
        let mut flat = vec![0_i64; ty.size()];
        for (i, &extent) in attrs.iter().enumerate() {
            let index = layout::broadcast_to(&args.array::<i64>(i), shape);
            for (at, &i) in flat.iter_mut().zip(index.as_slice()) {
                if !(-extent..extent).contains(&i) {
                    return Err(format!("index {i} is out of range for axis of length {extent}"));
                }
                *at = *at * extent + if i < 0 { i + extent } else { i };
            }
        }
        Ok(Value::ints(Array::from_vec(shape, flat)))
    },
    batch: ELEMENTWISE,
    vjp: None,
};
