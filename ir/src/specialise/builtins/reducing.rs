//! Reductions and running sums.

use crate::prims::{self, PrimDef};
use crate::specialise::origin::Origin;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["np.sum"], "a, axis=, *, keepdims=, initial=, where=, dtype=", reduce_some),
    row(&["np.prod"], "a, axis=, *, keepdims=, initial=, where=, dtype=", reduce_some),
    row(&["np.max", "np.amax"], "a, axis=, *, keepdims=, initial=, where=", reduce_some),
    row(&["np.min", "np.amin"], "a, axis=, *, keepdims=, initial=, where=", reduce_some),
    row(&["np.all"], "a, axis=, *, keepdims=", |cx, call| reduce(cx, call, call.arg(0))),
    row(&["np.any"], "a, axis=, *, keepdims=", |cx, call| reduce(cx, call, call.arg(0))),
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

/// A reduction of the elements that `where` chooses, as `dtype`, that begins with `initial`.
fn reduce_some(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let (initial, mask, dtype) = (call.get(3), call.get(4), call.get(5));
    let mut x = cx.with_dtype(call.arg(0), dtype)?;
    let (elem, shape) = cx.tensor_of(&x)?;
    let (_, elem, joins) = reduction(call.op, elem);
    let initial = initial.map(|initial| cx.initial(initial, elem)).transpose()?;
    if let Some(mask) = mask {
        x = cx.chosen(call.op, &x, mask, initial.as_ref())?;
    }
    let axes = cx.axes(call.get(1), shape.len())?;
    let total = match initial {
        None => reduce(cx, call, &x)?,
        // There may be no extreme of nothing: only what the reduction begins with is left.
        Some(initial) if axes.iter().any(|&a| shape[a] == 0) => {
            let rest = (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| Val::Int(shape[a] as i64));
            let value = cx.builtin("np.broadcast_to", &[initial, Val::tuple(rest.collect())])?;
            cx.kept(&value, &shape, &axes, call.get(2))?
        }
        Some(initial) => {
            let total = reduce(cx, call, &x)?;
            let total = cx.builtin(joins, &[initial, total])?;
            let node = cx.cast(&total, elem)?;
            cx.leaf(node, Origin::Data)
        }
    };
    cx.with_dtype(&total, dtype)
}

/// A reduction over some axes; `keepdims` leaves them with length 1.
fn reduce(cx: &mut Cx<'_>, call: &Call, x: &Val) -> Res<Val> {
    let x = cx.as_array(x)?;
    let (elem, shape) = cx.tensor_of(&x)?;
    let axes = cx.axes(call.get(1), shape.len())?;
    let (def, want, _) = reduction(call.op, elem);
    let node = cx.cast(&x, want)?;
    let attrs: Vec<i64> = axes.iter().map(|&a| a as i64).collect();
    let node = if axes.is_empty() { node } else { cx.prim(def, &attrs, &[node])? };
    let value = cx.leaf(node, Origin::Data);
    cx.kept(&value, &shape, &axes, call.get(2))
}

/// The primitive of a reduction, the elements it takes (booleans are summed as integers), and the function of two that joins
/// its results.
fn reduction(name: &str, elem: Elem) -> (&'static PrimDef, Elem, &'static str) {
    let number = if elem == Elem::F64 { Elem::F64 } else { Elem::I64 };
    match (name, elem) {
        ("all", _) | ("min", Elem::Bool) => (&prims::ALL, Elem::Bool, "np.minimum"),
        ("any", _) | ("max", Elem::Bool) => (&prims::ANY, Elem::Bool, "np.maximum"),
        ("sum", _) => (&prims::SUM, number, "add"),
        ("prod", _) => (&prims::PROD, number, "mul"),
        ("max", _) => (&prims::MAX, number, "np.maximum"),
        ("min", _) => (&prims::MIN, number, "np.minimum"),
        (other, _) => unreachable!("no row here reduces by `{other}`"),
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

    /// What a reduction begins with: a number, of the elements that are reduced.
    fn initial(&mut self, initial: &Val, elem: Elem) -> Res<Val> {
        if !self.tensor_of(initial)?.1.is_empty() {
            return self.error_help("`initial` is one number, not an array", "combine an array with the result");
        }
        let node = self.cast(initial, elem)?;
        Ok(self.leaf(node, Origin::Data))
    }

    /// An array with what changes no reduction where a mask does not hold.
    fn chosen(&mut self, reduction: &str, x: &Val, mask: &Val, initial: Option<&Val>) -> Res<Val> {
        let (elem, shape) = self.tensor_of(x)?;
        let neutral = match (reduction, initial) {
            ("sum", _) => Val::Int(0),
            ("prod", _) => Val::Int(1),
            (_, Some(initial)) => initial.clone(),
            (name, None) => {
                let message = format!("`np.{name}` of chosen elements needs `initial`: none may be chosen");
                let (bound, infinity) = if name == "max" { ("least", "-np.inf") } else { ("greatest", "np.inf") };
                let example = if elem == Elem::F64 { format!(", such as `initial={infinity}`") } else { String::new() };
                return self.error_help(message, format!("give the {bound} that it can be{example}"));
            }
        };
        let shape = Val::tuple(shape.iter().map(|&n| Val::Int(n as i64)).collect());
        let mask = self.builtin("np.broadcast_to", &[mask.clone(), shape])?;
        self.builtin("np.where", &[mask, x.clone(), neutral])
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
