//! Reductions and running sums.

use crate::prims::{self, PrimDef};
use crate::specialise::origin::Origin;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["np.sum"], "a, axis=, *, keepdims=", reduce),
    row(&["np.prod"], "a, axis=, *, keepdims=", reduce),
    row(&["np.max", "np.amax"], "a, axis=, *, keepdims=", reduce),
    row(&["np.min", "np.amin"], "a, axis=, *, keepdims=", reduce),
    row(&["np.all"], "a, axis=, *, keepdims=", reduce),
    row(&["np.any"], "a, axis=, *, keepdims=", reduce),
    row(&["np.argmax"], "a, axis=, *, keepdims=", position),
    row(&["np.argmin"], "a, axis=, *, keepdims=", position),
    row(&["np.cumsum"], "a, axis=", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let elem = if cx.tensor_of(&x)?.0 == Elem::F64 { Elem::F64 } else { Elem::I64 };
        let node = cx.cast(&x, elem)?;
        let x = cx.leaf(node, Origin::Data);
        let (x, axis) = cx.one_axis(&x, call.get(1))?;
        let node = cx.node(&x)?;
        cx.float_prim(&prims::CUMSUM, &[axis as i64], &[node])
    }),
];

/// A reduction over some axes; `keepdims` leaves them with length 1.
fn reduce(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.as_array(call.arg(0))?;
    let (elem, shape) = cx.tensor_of(&x)?;
    let axes = cx.axes(call.get(1), shape.len())?;
    let (def, want) = reduction(call.op, elem);
    let node = cx.cast(&x, want)?;
    let attrs: Vec<i64> = axes.iter().map(|&a| a as i64).collect();
    let node = if axes.is_empty() { node } else { cx.prim(def, &attrs, &[node])? };
    let value = cx.leaf(node, Origin::Data);
    cx.kept(&value, &shape, &axes, call.get(2))
}

/// The primitive of a reduction and the elements it takes; booleans are summed as integers.
fn reduction(name: &str, elem: Elem) -> (&'static PrimDef, Elem) {
    let number = if elem == Elem::F64 { Elem::F64 } else { Elem::I64 };
    match (name, elem) {
        ("all", _) | ("min", Elem::Bool) => (&prims::ALL, Elem::Bool),
        ("any", _) | ("max", Elem::Bool) => (&prims::ANY, Elem::Bool),
        ("sum", _) => (&prims::SUM, number),
        ("prod", _) => (&prims::PROD, number),
        ("max", _) => (&prims::MAX, number),
        _ => (&prims::MIN, number),
    }
}

/// Where the first extreme is along an axis, or among all elements.
fn position(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.floats_of(call.arg(0))?;
    let (_, shape) = cx.tensor_of(&x)?;
    let (flat, axis) = cx.one_axis(&x, call.get(1))?;
    let def = if call.op == "argmax" { &prims::ARGMAX } else { &prims::ARGMIN };
    let node = cx.node(&flat)?;
    let value = cx.float_prim(def, &[axis as i64], &[node])?;
    let axes = if call.get(1).is_some() { vec![axis] } else { (0..shape.len()).collect() };
    cx.kept(&value, &shape, &axes, call.get(2))
}

impl Cx<'_> {
    /// The array and the axis that a program names; without one, the flat array and its only axis.
    pub(super) fn one_axis(&mut self, x: &Val, axis: Option<&Val>) -> Res<(Val, usize)> {
        let (_, shape) = self.tensor_of(x)?;
        match axis {
            None => Ok((self.reshaped(x, &[shape.iter().product()])?, 0)),
            Some(axis) => Ok((x.clone(), self.known_axis(axis, shape.len())?)),
        }
    }

    /// The result of a reduction, its axes put back with length 1 if `keepdims` holds.
    fn kept(&mut self, value: &Val, shape: &[usize], axes: &[usize], keepdims: Option<&Val>) -> Res<Val> {
        if !keepdims.map_or(Ok(false), |k| self.known_bool(k, "`keepdims`"))? {
            return Ok(value.clone());
        }
        let kept: Vec<usize> = shape.iter().enumerate().map(|(i, &n)| if axes.contains(&i) { 1 } else { n }).collect();
        self.reshaped(value, &kept)
    }
}
