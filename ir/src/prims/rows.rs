//! Many items of a stack at a time, as the rows of an array. `push_rows` and `pop_rows` are each other's transposes and,
//! on a stack that is deep enough, each other's inverses.
//!
//! The last attribute is the axis of the array that counts the items: the leading one, unless it has been batched. With
//! `reversed` the order along it is from the top of the stack down.

use adjudicate_kernels::{Array, layout};

use super::record::{item_type, operands};
use super::support::{Tensor, attributes, axis, by_elem, extents, tensor};
use super::{Attrs, Prim, PrimDef};
use crate::batch::{Aligned, BatchRule, Mask};
use crate::types::{Elem, Type};
use crate::value::{Stack, Value};

/// `push_rows[reversed, axis](stack, rows)`: the stack with the rows on top, the last one topmost.
pub static PUSH_ROWS: PrimDef = PrimDef {
    name: "push_rows",
    about: "The stack with the rows of an array on top; attributes: whether the first is topmost, the axis.",
    ty: |attrs, types| {
        let [stack, rows] = operands(types)?;
        let [_, at] = attributes::<2>(attrs)?;
        let (elem, shape) = tensor(rows)?;
        let (_, row) = apart(shape, axis(at, shape.len())?);
        if *item_type(stack)? != Type::tensor(elem, &row) {
            return Err(format!("rows of shape {row:?} cannot be pushed on a {stack}"));
        }
        Ok(stack.clone())
    },
    eval: |attrs, args, _| {
        let Value::Stack(mut stack) = args.take(0) else { panic!("push_rows on what is no stack") };
        by_elem!(args[1], T => {
            let rows = leading(args.take_array::<T>(1), attrs[1] as usize, 0);
            let (count, row) = apart(rows.shape(), 0);
            let size: usize = row.iter().product();
            let mut push = |i: usize| stack.push(T::value(Array::from_slice(&row, &rows.as_slice()[i * size..][..size])));
            if attrs[0] == 0 { (0..count).for_each(&mut push) } else { (0..count).rev().for_each(&mut push) }
        });
        Ok(Value::Stack(stack))
    },
    batch: BatchRule::Records(push_masks),
    vjp: Some(|attrs, args, _, dy| {
        let shape = args[1].shape();
        let popped = dy.apply(&POP_ROWS, &[shape[attrs[1] as usize] as i64, attrs[0], attrs[1]], &[]);
        vec![Some(popped.get(0)), Some(popped.get(1))]
    }),
};

/// `pop_rows[count, reversed, axis](stack)`: the stack without so many items, and those as the rows of an array, the last
/// one topmost; what is missing is zero.
pub static POP_ROWS: PrimDef = PrimDef {
    name: "pop_rows",
    about: "The stack without its top items, and those as rows, zero where missing; attributes: how many, whether topmost first, the axis.",
    ty: |attrs, types| {
        let [stack] = operands(types)?;
        let [count, _, at] = extents(&attributes::<3>(attrs)?)?[..] else { unreachable!("three attributes") };
        let (elem, row) = tensor(item_type(stack)?)?;
        if at > row.len() {
            return Err(format!("axis {at} is not one of rows of shape {row:?}"));
        }
        Ok(Type::tuple([stack.clone(), Type::tensor(elem, &[&row[..at], &[count], &row[at..]].concat())]))
    },
    eval: |attrs, args, ty| {
        let Value::Stack(mut stack) = args.take(0) else { panic!("pop_rows of what is no stack") };
        let (elem, shape) = ty.as_tuple().expect("stack and rows")[1].as_tensor().expect("rows");
        let rows = match elem {
            Elem::F64 if attrs[2] == 0 => match stack.take_rows(shape, attrs[1] != 0) {
                Some(rows) => Value::array(rows),
                None => rows::<f64>(&mut stack, attrs, shape),
            },
            Elem::F64 => rows::<f64>(&mut stack, attrs, shape),
            Elem::I64 => rows::<i64>(&mut stack, attrs, shape),
            Elem::Bool => rows::<bool>(&mut stack, attrs, shape),
        };
        Ok(Value::tuple(vec![Value::Stack(stack), rows]))
    },
    batch: BatchRule::Records(pop_masks),
    vjp: Some(|attrs, _, _, dy| vec![Some(dy.get(0).apply(&PUSH_ROWS, &attrs[1..], &[dy.get(1)]))]),
};

/// The extent of an axis, and the others.
fn apart(shape: &[usize], axis: usize) -> (usize, Vec<usize>) {
    (shape[axis], [&shape[..axis], &shape[axis + 1..]].concat())
}

/// The axis `from` moved to `to`.
fn leading<T: Tensor>(rows: Array<T>, from: usize, to: usize) -> Array<T> {
    if from == to {
        return rows;
    }
    let mut order: Vec<usize> = (0..rows.ndim()).collect();
    let axis = order.remove(from);
    order.insert(to, axis);
    layout::transpose(&rows, &order)
}

/// Takes items off a stack as rows.
fn rows<T: Tensor>(stack: &mut Stack, attrs: &[i64], shape: &[usize]) -> Value {
    let at = attrs[2] as usize;
    let (count, row) = apart(shape, at);
    let size: usize = row.iter().product();
    let mut rows = Array::<T>::zeros(&[&[count], &row[..]].concat());
    let filled = rows.make_mut();
    for i in 0..count {
        let Some(item) = stack.pop() else { break };
        let place = if attrs[1] == 0 { count - 1 - i } else { i };
        match T::get(&item) {
            Some(x) => filled[place] = x,
            None => filled[place * size..][..size].copy_from_slice(T::array(&item).expect("an item").as_slice()),
        }
    }
    T::value(leading(rows, 0, at))
}

/// With lanes the axis that counts items comes after that of the lanes.
fn inner(prim: &Prim) -> Attrs {
    let mut attrs = prim.attrs.clone();
    *attrs.last_mut().expect("an axis") += 1;
    attrs
}

fn push_masks(prim: &Prim, types: &[&Type], masks: &[Mask], _: &Type) -> Aligned {
    if !masks.iter().any(Mask::any) {
        return Aligned::new(prim, masks.to_vec(), Mask::None);
    }
    let stack = Mask::full(types[0]);
    Aligned { attrs: inner(prim), operands: vec![stack.clone(), Mask::All], result: stack }
}

fn pop_masks(prim: &Prim, types: &[&Type], masks: &[Mask], result: &Type) -> Aligned {
    if !masks[0].any() {
        return Aligned::new(prim, masks.to_vec(), Mask::None);
    }
    Aligned { attrs: inner(prim), operands: vec![Mask::full(types[0])], result: Mask::full(result) }
}
