//! Reading and adding by index. Negative indices count from the end; one out of range is an error
//! of evaluation. `gather` and `scatter`, `index` and `index_add` are each other's transposes.

use adjudicate_kernels::{Array, index, layout};

use super::PrimDef;
use super::support::{Tensor, attributes, axis, by_elem, common_elem, expect_elem, extents, tensors};
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
        let idx = i64::take_array(&mut args[1]);
        by_elem!(args[0], T => {
            let x = T::array(&args[0]).expect("an axis to gather along");
            index::gather(x, attrs[0] as usize, &idx).map(T::value).map_err(|e| e.to_string())
        })
    },
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
        let (idx, src) = (i64::take_array(&mut args[0]), f64::take_array(&mut args[1]));
        let mut sum = Array::zeros(ty.shape());
        index::scatter_add(&mut sum, attrs[0] as usize, &idx, &src).map_err(|e| e.to_string())?;
        Ok(Value::array(sum))
    },
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
        let mut x = f64::take_array(&mut args[0]);
        index::index_add(&mut x, i, f64::arg(&args[2])).map_err(|e| e.to_string())?;
        Ok(Value::array(x))
    },
    vjp: Some(|_, args, _, dy| vec![Some(dy), None, Some(dy.apply(&INDEX, &[], &[args[1]]))]),
};

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
            return Err(format!("{} indices were given for {} axes", types.len(), extents.len()));
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
        for (&extent, arg) in attrs.iter().zip(args) {
            let index = layout::broadcast_to(&i64::take_array(arg), shape);
            for (at, &i) in flat.iter_mut().zip(index.as_slice()) {
                if !(-extent..extent).contains(&i) {
                    return Err(format!("index {i} is out of range for axis of length {extent}"));
                }
                *at = *at * extent + if i < 0 { i + extent } else { i };
            }
        }
        Ok(Value::ints(Array::from_vec(shape, flat)))
    },
    vjp: None,
};
