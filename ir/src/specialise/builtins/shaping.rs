//! Reshaping, transposing, joining and choosing.

use adjudicate_kernels::Array;

use crate::graph::Const;
use crate::prims;
use crate::span::plural;
use crate::specialise::origin::Origin;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["np.reshape"], "a, shape", reshape),
    row(&["np.ravel"], "a", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let size = cx.tensor_of(&x)?.1.iter().product();
        cx.reshaped(&x, &[size])
    }),
    row(&["np.transpose", "np.permute_dims"], "a, axes=", transpose),
    row(&["np.swapaxes"], "a, axis1, axis2", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let rank = cx.tensor_of(&x)?.1.len();
        let (a, b) = (cx.known_axis(call.arg(1), rank)?, cx.known_axis(call.arg(2), rank)?);
        let mut perm: Vec<usize> = (0..rank).collect();
        perm.swap(a, b);
        cx.permuted(&x, &perm)
    }),
    row(&["np.moveaxis"], "a, source, destination", moveaxis),
    row(&["np.expand_dims"], "a, axis", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let (_, shape) = cx.tensor_of(&x)?;
        let count = if let Val::Tuple(items) = call.arg(1) { items.len() } else { 1 };
        let axes = cx.axes(Some(call.arg(1)), shape.len() + count)?;
        let mut kept = shape.iter();
        let whole = 0..shape.len() + count;
        let extended: Vec<usize> =
            whole.map(|i| if axes.contains(&i) { 1 } else { *kept.next().expect("an extent") }).collect();
        cx.reshaped(&x, &extended)
    }),
    row(&["np.squeeze"], "a, axis=", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let (_, shape) = cx.tensor_of(&x)?;
        let axes = cx.axes(call.get(1), shape.len())?;
        let all = call.get(1).is_none();
        if let Some(&a) = axes.iter().find(|&&a| !all && shape[a] != 1) {
            return cx.error(format!("axis {a} has length {} and cannot be squeezed", shape[a]));
        }
        let kept = shape.iter().enumerate().filter(|(i, n)| **n != 1 || !axes.contains(i));
        let kept: Vec<usize> = kept.map(|(_, n)| *n).collect();
        cx.reshaped(&x, &kept)
    }),
    row(&["np.broadcast_to"], "array, shape", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let (node, shape) = (cx.node(&x)?, cx.shape(call.arg(1))?);
        cx.broadcast(node, &shape)
    }),
    row(&["np.concatenate", "np.concat"], "arrays, /, axis=", |cx, call| {
        let parts = cx.elements(call.arg(0), "the number of arrays to join")?;
        match call.given(1) {
            Some(Val::None) => {
                let flat = |p| cx.builtin("np.ravel", std::slice::from_ref(p));
                let flat = parts.iter().map(flat).collect::<Res<Vec<_>>>()?;
                cx.concatenate(&flat, 0)
            }
            axis => {
                let axis = axis.map_or(Ok(0), |a| cx.known_int(a, "an axis"))?;
                cx.concatenate(&parts, axis)
            }
        }
    }),
    row(&["np.stack"], "arrays, axis=", |cx, call| {
        let parts = cx.elements(call.arg(0), "the number of arrays to stack")?;
        let parts = parts.iter().map(|p| cx.as_array(p)).collect::<Res<Vec<_>>>()?;
        let axis = call.get(1).map_or(Ok(0), |a| cx.known_int(a, "an axis"))?;
        stack(cx, &parts, axis)
    }),
    row(&["np.where"], "condition, x=, y=, /", |cx, call| match (call.get(1), call.get(2)) {
        (Some(a), Some(b)) => {
            let (c, a, b) = (call.arg(0).clone(), a.clone(), b.clone());
            cx.select(&c, &a, &b)
        }
        _ => cx.error_help("`np.where` takes a condition and two values", "positions of true elements depend on data"),
    }),
    row(&["np.triu"], "m, k=", triangle),
    row(&["np.tril"], "m, k=", triangle),
];

fn reshape(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.as_array(call.arg(0))?;
    let (_, from) = cx.tensor_of(&x)?;
    let parts = match call.arg(1) {
        Val::Tuple(items) => items.to_vec(),
        one => vec![one.clone()],
    };
    let mut wanted = Vec::new();
    for part in &parts {
        wanted.push(cx.known_int(part, "an extent of a shape")?);
    }
    let size: usize = from.iter().product();
    let given = wanted.iter().filter(|&&n| n != -1).try_fold(1_i64, |all, &n| all.checked_mul(n));
    let negative = wanted.iter().any(|&n| n < -1);
    let fits = match (wanted.iter().filter(|&&n| n == -1).count(), given) {
        (0, Some(given)) if !negative => given == size as i64,
        (1, Some(given)) if !negative => given > 0 && size as i64 % given == 0,
        _ => false,
    };
    let Some(given) = given.filter(|_| fits) else {
        return cx
            .error(format!("an array of shape {from:?} has {} and cannot become {wanted:?}", plural(size, "element")));
    };
    let fill = |n: i64| if n < 0 { size / given as usize } else { n as usize };
    let shape: Vec<usize> = wanted.into_iter().map(fill).collect();
    cx.reshaped(&x, &shape)
}

fn transpose(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.as_array(call.arg(0))?;
    let rank = cx.tensor_of(&x)?.1.len();
    let perm: Vec<usize> = match call.get(1) {
        None => (0..rank).rev().collect(),
        axes => cx.axes(axes, rank)?,
    };
    if perm.len() != rank {
        return cx.error(format!("{perm:?} is not a permutation of the axes of an array of {}", plural(rank, "axis")));
    }
    cx.permuted(&x, &perm)
}

fn moveaxis(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.as_array(call.arg(0))?;
    let rank = cx.tensor_of(&x)?.1.len();
    let (from, to) = (cx.axes(Some(call.arg(1)), rank)?, cx.axes(Some(call.arg(2)), rank)?);
    if from.len() != to.len() {
        return cx.error("`np.moveaxis` takes as many destinations as sources");
    }
    let mut rest = (0..rank).filter(|a| !from.contains(a));
    let source = |i: usize| to.iter().position(|&t| t == i).map(|k| from[k]);
    let perm: Vec<usize> = (0..rank).map(|i| source(i).or_else(|| rest.next()).expect("an axis for each")).collect();
    cx.permuted(&x, &perm)
}

fn triangle(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.as_array(call.arg(0))?;
    let (elem, shape) = cx.tensor_of(&x)?;
    let k = call.get(1).map_or(Ok(0), |k| cx.known_int(k, "a diagonal"))?;
    let [.., rows, columns] = shape[..] else { return cx.error(format!("`{}` takes a matrix", call.name)) };
    let upper = call.op == "triu";
    let mask = cx.mask(rows, columns, |i, j| if upper { j - i >= k } else { j - i <= k })?;
    let zero = if elem == Elem::Bool { Val::Bool(false) } else { Val::Int(0) };
    cx.select(&mask, &x, &zero)
}

/// Arrays of one shape side by side along a new axis; known numbers make a constant.
pub(super) fn stack(cx: &mut Cx<'_>, parts: &[Val], axis: i64) -> Res<Val> {
    let Some(first) = parts.first() else { return cx.error("nothing to stack") };
    let (_, shape) = cx.tensor_of(first)?;
    let axis = cx.axis(axis, shape.len() + 1)?;
    if let Some(known) = known_numbers(parts) {
        return Ok(cx.constant(known));
    }
    let elem = cx.common_elem(parts)?;
    let mut inserted = shape.clone();
    inserted.insert(axis, 1);
    let attrs: Vec<i64> = inserted.iter().map(|&n| n as i64).collect();
    let mut nodes = Vec::new();
    for part in parts {
        let (_, other) = cx.tensor_of(part)?;
        if other != shape {
            return cx.error(format!("arrays of shapes {shape:?} and {other:?} cannot be stacked"));
        }
        let node = cx.cast(part, elem)?;
        nodes.push(cx.prim(&prims::RESHAPE, &attrs, &[node])?);
    }
    let node = cx.prim(&prims::CONCAT, &[axis as i64], &nodes)?;
    Ok(cx.leaf(node, Origin::Data))
}

/// Known numbers as a constant: integers, or floats with integers among them.
fn known_numbers(parts: &[Val]) -> Option<Const> {
    let float = |v: &Val| match v {
        Val::Float(x) => Some(*x),
        Val::Int(n) => Some(*n as f64),
        _ => None,
    };
    let int = |v: &Val| match v {
        Val::Int(n) => Some(*n),
        _ => None,
    };
    if let Some(data) = parts.iter().map(int).collect::<Option<Vec<i64>>>() {
        return Some(Const::Ints(Array::from_vec(&[data.len()], data)));
    }
    let data = parts.iter().map(float).collect::<Option<Vec<f64>>>()?;
    Some(Const::Array(Array::from_vec(&[data.len()], data)))
}

impl Cx<'_> {
    /// Arrays joined along an axis.
    fn concatenate(&mut self, parts: &[Val], axis: i64) -> Res<Val> {
        let mut nodes = Vec::new();
        let elem = self.common_elem(parts)?;
        let mut rank = 0;
        for part in parts {
            let part = self.as_array(part)?;
            let own = self.tensor_of(&part)?.1.len();
            if own == 0 {
                let help = "use np.stack or np.array for numbers";
                return self.error_help("arrays of at least one axis are joined", help);
            }
            rank = own;
            nodes.push(self.cast(&part, elem)?);
        }
        if nodes.is_empty() {
            return self.error("there is nothing to join");
        }
        let axis = self.axis(axis, rank)?;
        let node = self.prim(&prims::CONCAT, &[axis as i64], &nodes)?;
        Ok(self.leaf(node, Origin::Data))
    }

    /// The element type that holds all of several arrays.
    pub(super) fn common_elem(&mut self, parts: &[Val]) -> Res<Elem> {
        let mut elem = Elem::Bool;
        for part in parts {
            let part = self.as_array(part)?;
            elem = match (elem, self.tensor_of(&part)?.0) {
                (Elem::F64, _) | (_, Elem::F64) => Elem::F64,
                (Elem::I64, _) | (_, Elem::I64) => Elem::I64,
                (Elem::Bool, Elem::Bool) => Elem::Bool,
            };
        }
        Ok(elem)
    }

    /// Axes from `None` (all), one or several; no axis twice.
    pub(super) fn axes(&mut self, value: Option<&Val>, rank: usize) -> Res<Vec<usize>> {
        let wanted = match value {
            None | Some(Val::None) => return Ok((0..rank).collect()),
            Some(Val::Tuple(items)) => items.to_vec(),
            Some(one) => vec![one.clone()],
        };
        let mut axes = Vec::new();
        for axis in &wanted {
            let axis = self.known_axis(axis, rank)?;
            if axes.contains(&axis) {
                return self.error(format!("axis {axis} is named twice"));
            }
            axes.push(axis);
        }
        Ok(axes)
    }

    /// An axis that a program names, counted from the front.
    pub(super) fn known_axis(&mut self, axis: &Val, rank: usize) -> Res<usize> {
        let axis = self.known_int(axis, "an axis")?;
        self.axis(axis, rank)
    }

    pub(in crate::specialise) fn reshaped(&mut self, x: &Val, shape: &[usize]) -> Res<Val> {
        let node = self.node(x)?;
        if self.builder().ty(node).shape() == shape {
            return Ok(self.leaf(node, Self::origin_of(x)));
        }
        let attrs: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        let node = self.prim(&prims::RESHAPE, &attrs, &[node])?;
        Ok(self.leaf(node, Self::origin_of(x)))
    }

    pub(super) fn permuted(&mut self, x: &Val, perm: &[usize]) -> Res<Val> {
        let attrs: Vec<i64> = perm.iter().map(|&p| p as i64).collect();
        let node = self.node(x)?;
        if perm.iter().enumerate().all(|(i, &p)| i == p) {
            return Ok(self.leaf(node, Origin::Data));
        }
        self.float_prim(&prims::TRANSPOSE, &attrs, &[node])
    }

    /// `np.where` of a condition and two values.
    pub(in crate::specialise) fn select(&mut self, c: &Val, a: &Val, b: &Val) -> Res<Val> {
        let (c, a, b) = (self.as_array(c)?, self.as_array(a)?, self.as_array(b)?);
        let elem = self.common_elem(&[a.clone(), b.clone()])?;
        let args = [self.cast(&c, Elem::Bool)?, self.cast(&a, elem)?, self.cast(&b, elem)?];
        let node = self.prim(&prims::SELECT, &[], &args)?;
        let origin = Self::origin_of(&c).and(&Self::origin_of(&a)).and(&Self::origin_of(&b));
        Ok(self.leaf(node, if elem == Elem::F64 { Origin::Data } else { origin }))
    }
}
