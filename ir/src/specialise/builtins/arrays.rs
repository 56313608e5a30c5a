//! Making, reducing, reshaping and multiplying arrays.

use adjudicate_kernels::Array;

use crate::graph::{Const, NodeId};
use crate::prims::{self, PrimDef};
use crate::specialise::derive::{leaves_of, rebuild};
use crate::specialise::origin::Origin;
use crate::specialise::value::{Func, Val};
use crate::specialise::{Cx, Res};
use crate::types::{Elem, Type};

use super::{Entry, Named};

pub(super) fn find(name: &str) -> Option<Entry> {
    let entry: Entry = match name {
        "zeros" | "ones" | "empty" => |cx, name, args, named| {
            let [shape, dtype] = cx.bind_builtin(name, ["shape", "dtype"], args, named)?;
            let shape = cx.required(name, "shape", shape)?;
            let fill = if name == "ones" { 1.0 } else { 0.0 };
            cx.filled(&shape, &Val::Float(fill), dtype.as_ref())
        },
        "full" => |cx, name, args, named| {
            let [shape, fill, dtype] = cx.bind_builtin(name, ["shape", "fill_value", "dtype"], args, named)?;
            let (shape, fill) = (cx.required(name, "shape", shape)?, cx.required(name, "fill_value", fill)?);
            cx.filled(&shape, &fill, dtype.as_ref())
        },
        "zeros_like" | "ones_like" | "full_like" => |cx, name, args, _| {
            let x = cx.as_array(&args[0])?;
            let (elem, shape) = cx.tensor_of(&x)?;
            let fill = match (name, args.get(1)) {
                ("full_like", Some(fill)) => fill.clone(),
                ("ones_like", _) => Val::Int(1),
                _ => Val::Int(0),
            };
            let fill = cx.cast(&fill, elem)?;
            cx.broadcast(fill, &shape)
        },
        "eye" | "identity" => |cx, name, args, named| {
            let [n, m, dtype] = cx.bind_builtin(name, ["N", "M", "dtype"], args, named)?;
            let _ = dtype;
            let n = cx.required(name, "N", n)?;
            let n = cx.extent(&n)?;
            let m = match m {
                None | Some(Val::None) => n,
                Some(m) => cx.extent(&m)?,
            };
            let data = (0..n * m).map(|k| f64::from(u8::from(k / m.max(1) == k % m.max(1)))).collect();
            Ok(cx.constant(Const::Array(Array::from_vec(&[n, m], data))))
        },
        "arange" => arange,
        "linspace" => linspace,
        "array" | "asarray" => |cx, name, args, named| {
            let [x, dtype] = cx.bind_builtin(name, ["object", "dtype"], args, named)?;
            let x = cx.required(name, "object", x)?;
            let x = cx.as_array(&x)?;
            cx.with_dtype(&x, dtype.as_ref())
        },
        "astype" => |cx, _, args, _| cx.with_dtype(&args[0], args.get(1)),
        "shape" => |cx, _, args, _| {
            let x = cx.as_array(&args[0])?;
            let (_, shape) = cx.tensor_of(&x)?;
            Ok(Val::tuple(shape.iter().map(|&n| Val::Int(n as i64)).collect()))
        },
        "ndim" => |cx, _, args, _| Ok(Val::Int(cx.tensor_of(&args[0])?.1.len() as i64)),
        "size" => |cx, _, args, _| Ok(Val::Int(cx.tensor_of(&args[0])?.1.iter().product::<usize>() as i64)),
        "reshape" => reshape,
        "ravel" | "flatten" => |cx, _, args, _| {
            let x = cx.as_array(&args[0])?;
            let size = cx.tensor_of(&x)?.1.iter().product();
            cx.reshaped(&x, &[size])
        },
        "transpose" => transpose,
        "swapaxes" => |cx, name, args, _| {
            let [x, a, b] = &args[..] else { return cx.error(format!("`{name}` takes an array and two axes")) };
            let rank = cx.tensor_of(x)?.1.len();
            let (a, b) = (cx.known_int(a, "an axis")?, cx.known_int(b, "an axis")?);
            let (a, b) = (cx.axis(a, rank)?, cx.axis(b, rank)?);
            let mut perm: Vec<usize> = (0..rank).collect();
            perm.swap(a, b);
            cx.permuted(x, &perm)
        },
        "expand_dims" => |cx, name, args, named| {
            let [x, axis] = cx.bind_builtin(name, ["a", "axis"], args, named)?;
            let (x, axis) = (cx.required(name, "a", x)?, cx.required(name, "axis", axis)?);
            let (_, mut shape) = cx.tensor_of(&x)?;
            let axis = cx.known_int(&axis, "an axis")?;
            let axis = cx.axis(axis, shape.len() + 1)?;
            shape.insert(axis, 1);
            cx.reshaped(&x, &shape)
        },
        "squeeze" => |cx, name, args, named| {
            let [x, axis] = cx.bind_builtin(name, ["a", "axis"], args, named)?;
            let x = cx.required(name, "a", x)?;
            let (_, shape) = cx.tensor_of(&x)?;
            let axes = cx.axes(axis.as_ref(), shape.len())?;
            let all = axis.is_none();
            if let Some(&a) = axes.iter().find(|&&a| !all && shape[a] != 1) {
                return cx.error(format!("axis {a} has length {} and cannot be squeezed", shape[a]));
            }
            let kept = shape.iter().enumerate().filter(|(i, n)| **n != 1 || !axes.contains(i));
            let kept: Vec<usize> = kept.map(|(_, n)| *n).collect();
            cx.reshaped(&x, &kept)
        },
        "broadcast_to" => |cx, _, args, _| {
            let x = cx.as_array(&args[0])?;
            let (node, shape) = (cx.node(&x)?, cx.shape(&args[1])?);
            cx.broadcast(node, &shape)
        },
        "concatenate" => |cx, name, args, named| {
            let [parts, axis] = cx.bind_builtin(name, ["arrays", "axis"], args, named)?;
            let parts = cx.required(name, "arrays", parts)?;
            let parts = cx.elements(&parts, "the number of arrays to join")?;
            let axis = axis.map_or(Ok(0), |a| cx.known_int(&a, "an axis"))?;
            concatenate(cx, &parts, axis)
        },
        "stack" => |cx, name, args, named| {
            let [parts, axis] = cx.bind_builtin(name, ["arrays", "axis"], args, named)?;
            let parts = cx.required(name, "arrays", parts)?;
            let parts = cx.elements(&parts, "the number of arrays to stack")?;
            let parts = parts.iter().map(|p| cx.as_array(p)).collect::<Res<Vec<_>>>()?;
            let axis = axis.map_or(Ok(0), |a| cx.known_int(&a, "an axis"))?;
            stack(cx, &parts, axis)
        },
        "where" => |cx, name, args, named| {
            let [c, a, b] = cx.bind_builtin(name, ["condition", "x", "y"], args, named)?;
            let (Some(c), Some(a), Some(b)) = (c, a, b) else {
                return cx.error_help(
                    "`np.where` takes a condition and two values",
                    "positions of true elements depend on data",
                );
            };
            cx.select(&c, &a, &b)
        },
        "sum" | "prod" | "all" | "any" => reduce,
        "argmax" | "argmin" | "cumsum" => along_axis,
        "matmul" | "dot" => |cx, name, args, _| match &args[..] {
            [a, b] => cx.matmul(name, a, b),
            _ => cx.error(format!("`{name}` takes 2 arguments")),
        },
        "select" | "triu" | "tril" => triangle,
        _ => return None,
    };
    Some(entry)
}

fn arange(cx: &mut Cx<'_>, _: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    if args.iter().any(|v| matches!(v, Val::Float(_))) {
        let float = |v: &Val| match v {
            Val::Float(x) => Some(*x),
            Val::Int(n) => Some(*n as f64),
            _ => None,
        };
        let known: Option<Vec<f64>> = args.iter().map(float).collect();
        let (start, stop, step) = match known.as_deref() {
            Some([stop]) => (0.0, *stop, 1.0),
            Some([start, stop]) => (*start, *stop, 1.0),
            Some([start, stop, step]) => (*start, *stop, *step),
            _ => return cx.error("`np.arange` takes 1 to 3 known numbers"),
        };
        let count = ((stop - start) / step).ceil().max(0.0) as usize;
        let data = (0..count).map(|i| start + i as f64 * step).collect();
        return Ok(cx.constant(Const::Array(Array::from_vec(&[count], data))));
    }
    let known = args.iter().map(|v| cx.known_int(v, "a bound of np.arange")).collect::<Res<Vec<_>>>()?;
    let (start, stop, step) = match known[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] if step != 0 => (start, stop, step),
        _ => return cx.error("`np.arange` takes 1 to 3 numbers, the step not zero"),
    };
    let mut data = Vec::new();
    let mut i = start;
    while if step > 0 { i < stop } else { i > stop } {
        data.push(i);
        i += step;
    }
    Ok(cx.constant(Const::Ints(Array::from_vec(&[data.len()], data))))
}

fn linspace(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let [start, stop, count] = cx.bind_builtin(name, ["start", "stop", "num"], args, named)?;
    let (start, stop) = (cx.required(name, "start", start)?, cx.required(name, "stop", stop)?);
    let count = count.map_or(Ok(50), |n| cx.extent(&n))?;
    let step = if count > 1 { 1.0 / (count - 1) as f64 } else { 0.0 };
    let ramp = (0..count).map(|i| i as f64).collect();
    let ramp = cx.constant(Const::Array(Array::from_vec(&[count], ramp)));
    let span = cx.call_builtin("sub", vec![stop, start.clone()], Vec::new())?;
    let span = cx.call_builtin("mul", vec![span, Val::Float(step)], Vec::new())?;
    let offsets = cx.call_builtin("mul", vec![ramp, span], Vec::new())?;
    cx.call_builtin("add", vec![offsets, start], Vec::new())
}

fn reshape(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let [x, shape] = cx.bind_builtin(name, ["a", "newshape"], args, named)?;
    let (x, shape) = (cx.required(name, "a", x)?, cx.required(name, "shape", shape)?);
    let x = cx.as_array(&x)?;
    let (_, from) = cx.tensor_of(&x)?;
    let parts = match &shape {
        Val::Tuple(items) => items.to_vec(),
        one => vec![one.clone()],
    };
    let mut wanted = Vec::new();
    for part in &parts {
        wanted.push(cx.known_int(part, "an extent of a shape")?);
    }
    let size: usize = from.iter().product();
    let known: i64 = wanted.iter().filter(|&&n| n >= 0).product();
    let holes = wanted.iter().filter(|&&n| n < 0).count();
    let fits = match holes {
        0 => known == size as i64,
        1 => known > 0 && size as i64 % known == 0,
        _ => false,
    };
    if !fits {
        return cx.error(format!("an array of shape {from:?} has {size} elements and cannot become {wanted:?}"));
    }
    let fill = |n: i64| if n < 0 { size / known as usize } else { n as usize };
    let shape: Vec<usize> = wanted.into_iter().map(fill).collect();
    cx.reshaped(&x, &shape)
}

fn transpose(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let [x, axes] = cx.bind_builtin(name, ["a", "axes"], args, named)?;
    let x = cx.required(name, "a", x)?;
    let x = cx.as_array(&x)?;
    let rank = cx.tensor_of(&x)?.1.len();
    let perm: Vec<usize> = match axes {
        None | Some(Val::None) => (0..rank).rev().collect(),
        Some(axes) => cx.axes(Some(&axes), rank)?,
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return cx.error(format!("{perm:?} is not a permutation of the axes of an array of {rank} axes"));
    }
    cx.permuted(&x, &perm)
}

fn concatenate(cx: &mut Cx<'_>, parts: &[Val], axis: i64) -> Res<Val> {
    let mut nodes = Vec::new();
    let elem = common_elem(cx, parts)?;
    let mut rank = 0;
    for part in parts {
        let part = cx.as_array(part)?;
        rank = cx.tensor_of(&part)?.1.len();
        nodes.push(cx.cast(&part, elem)?);
    }
    if nodes.is_empty() || rank == 0 {
        return cx.error_help("arrays of at least one axis are joined", "use np.stack or np.array for numbers");
    }
    let axis = cx.axis(axis, rank)?;
    let node = cx.prim(&prims::CONCAT, &[axis as i64], &nodes)?;
    Ok(cx.leaf(node, Origin::Data))
}

fn common_elem(cx: &mut Cx<'_>, parts: &[Val]) -> Res<Elem> {
    let mut elem = Elem::Bool;
    for part in parts {
        let part = cx.as_array(part)?;
        elem = match (elem, cx.tensor_of(&part)?.0) {
            (Elem::F64, _) | (_, Elem::F64) => Elem::F64,
            (Elem::I64, _) | (_, Elem::I64) => Elem::I64,
            (Elem::Bool, Elem::Bool) => Elem::Bool,
        };
    }
    Ok(elem)
}

/// Arrays of one shape side by side along a new axis; known numbers make a constant.
pub(super) fn stack(cx: &mut Cx<'_>, parts: &[Val], axis: i64) -> Res<Val> {
    let known = |v: &Val| match v {
        Val::Float(x) => Some(*x),
        _ => None,
    };
    if let Some(data) = parts.iter().map(known).collect::<Option<Vec<f64>>>() {
        return Ok(cx.constant(Const::Array(Array::from_vec(&[data.len()], data))));
    }
    let int = |v: &Val| match v {
        Val::Int(n) => Some(*n),
        _ => None,
    };
    if let Some(data) = parts.iter().map(int).collect::<Option<Vec<i64>>>() {
        return Ok(cx.constant(Const::Ints(Array::from_vec(&[data.len()], data))));
    }
    let Some(first) = parts.first() else { return cx.error("nothing to stack") };
    let (_, shape) = cx.tensor_of(first)?;
    let axis = cx.axis(axis, shape.len() + 1)?;
    let elem = common_elem(cx, parts)?;
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

/// `sum`, `prod`, `max`, `min`, `all`, `any` over axes.
pub(super) fn reduce(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let [x, axis, keepdims] = cx.bind_builtin(name, ["a", "axis", "keepdims"], args, named)?;
    let x = cx.required(name, "a", x)?;
    if let (Val::Range(_) | Val::Zip(_), "sum") = (&x, name) {
        let items = cx.elements(&x, "the length of what is summed")?;
        return reduce(cx, name, vec![Val::tuple(items)], Vec::new());
    }
    let x = cx.as_array(&x)?;
    let (elem, shape) = cx.tensor_of(&x)?;
    let axes = cx.axes(axis.as_ref(), shape.len())?;
    let (def, want) = reduction(name, elem);
    let node = cx.cast(&x, want)?;
    let attrs: Vec<i64> = axes.iter().map(|&a| a as i64).collect();
    let node = if axes.is_empty() { node } else { cx.prim(def, &attrs, &[node])? };
    let value = cx.leaf(node, Origin::Data);
    let keep = keepdims.map_or(Ok(false), |k| cx.known_bool(&k, "`keepdims`"))?;
    if !keep {
        return Ok(value);
    }
    let kept: Vec<usize> = shape.iter().enumerate().map(|(i, &n)| if axes.contains(&i) { 1 } else { n }).collect();
    cx.reshaped(&value, &kept)
}

fn reduction(name: &str, elem: Elem) -> (&'static PrimDef, Elem) {
    match name {
        "all" => (&prims::ALL, Elem::Bool),
        "any" => (&prims::ANY, Elem::Bool),
        "sum" if elem != Elem::F64 => (&prims::SUM, Elem::I64),
        "sum" => (&prims::SUM, Elem::F64),
        "prod" => (&prims::PROD, Elem::F64),
        "max" | "amax" => (&prims::MAX, Elem::F64),
        _ => (&prims::MIN, Elem::F64),
    }
}

fn along_axis(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let [x, axis] = cx.bind_builtin(name, ["a", "axis"], args, named)?;
    let x = cx.required(name, "a", x)?;
    let x = cx.floats_of(&x)?;
    let (x, axis) = match axis {
        None | Some(Val::None) => (cx.call_builtin("np.ravel", vec![x], Vec::new())?, 0),
        Some(axis) => {
            let rank = cx.tensor_of(&x)?.1.len();
            let axis = cx.known_int(&axis, "an axis")?;
            (x, cx.axis(axis, rank)?)
        }
    };
    let def = match name {
        "argmax" => &prims::ARGMAX,
        "argmin" => &prims::ARGMIN,
        _ => &prims::CUMSUM,
    };
    let node = cx.node(&x)?;
    cx.float_prim(def, &[axis as i64], &[node])
}

fn triangle(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let [x, k] = cx.bind_builtin(name, ["m", "k"], args, named)?;
    let x = cx.required(name, "m", x)?;
    let x = cx.as_array(&x)?;
    let (_, shape) = cx.tensor_of(&x)?;
    let k = k.map_or(Ok(0), |k| cx.known_int(&k, "a diagonal"))?;
    let [.., rows, columns] = shape[..] else { return cx.error(format!("`{name}` takes a matrix")) };
    let below = |i: usize, j: usize| j as i64 - i as i64;
    let keep = |i, j| if name == "triu" { below(i, j) >= k } else { below(i, j) <= k };
    let mask = (0..rows * columns).map(|p| keep(p / columns.max(1), p % columns.max(1))).collect();
    let mask = cx.constant(Const::Bools(Array::from_vec(&[rows, columns], mask)));
    cx.select(&mask, &x, &Val::Int(0))
}

impl Cx<'_> {
    fn extent(&mut self, value: &Val) -> Res<usize> {
        let n = self.known_int(value, "an extent of a shape")?;
        match usize::try_from(n) {
            Ok(n) => Ok(n),
            Err(_) => self.error(format!("an extent of a shape must not be negative: {n}")),
        }
    }

    fn shape(&mut self, value: &Val) -> Res<Vec<usize>> {
        match value {
            Val::Tuple(items) => items.iter().map(|v| self.extent(v)).collect(),
            one => Ok(vec![self.extent(one)?]),
        }
    }

    /// Axes from `None` (all), one or several.
    fn axes(&mut self, value: Option<&Val>, rank: usize) -> Res<Vec<usize>> {
        let wanted = match value {
            None | Some(Val::None) => return Ok((0..rank).collect()),
            Some(Val::Tuple(items)) => items.to_vec(),
            Some(one) => vec![one.clone()],
        };
        let mut axes = Vec::new();
        for axis in &wanted {
            let axis = self.known_int(axis, "an axis")?;
            axes.push(self.axis(axis, rank)?);
        }
        Ok(axes)
    }

    fn filled(&mut self, shape: &Val, fill: &Val, dtype: Option<&Val>) -> Res<Val> {
        let shape = self.shape(shape)?;
        let fill = self.with_dtype(fill, dtype)?;
        let node = self.node(&fill)?;
        self.broadcast(node, &shape)
    }

    fn broadcast(&mut self, node: NodeId, shape: &[usize]) -> Res<Val> {
        let attrs: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        let same = self.builder().ty(node).shape() == shape;
        let node = if same { node } else { self.prim(&prims::BROADCAST_TO, &attrs, &[node])? };
        Ok(self.leaf(node, Origin::Data))
    }

    fn with_dtype(&mut self, value: &Val, dtype: Option<&Val>) -> Res<Val> {
        let elem = match dtype {
            None | Some(Val::None) => return Ok(value.clone()),
            Some(Val::Func(f)) => match **f {
                Func::Builtin("float" | "np.float64" | "np.double") => Elem::F64,
                Func::Builtin("int" | "np.int64") => Elem::I64,
                Func::Builtin("bool" | "np.bool_") => Elem::Bool,
                _ => return self.error_help("this element type is not supported", "use float, int or bool"),
            },
            Some(_) => return self.error_help("this element type is not supported", "use float, int or bool"),
        };
        let node = self.cast(value, elem)?;
        Ok(self.leaf(node, Self::origin_of(value)))
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

    fn permuted(&mut self, x: &Val, perm: &[usize]) -> Res<Val> {
        let attrs: Vec<i64> = perm.iter().map(|&p| p as i64).collect();
        let node = self.node(x)?;
        if perm.iter().enumerate().all(|(i, &p)| i == p) {
            return Ok(self.leaf(node, Origin::Data));
        }
        self.float_prim(&prims::TRANSPOSE, &attrs, &[node])
    }

    pub(in crate::specialise) fn select(&mut self, c: &Val, a: &Val, b: &Val) -> Res<Val> {
        let (c, a, b) = (self.as_array(c)?, self.as_array(b).and(self.as_array(a))?, self.as_array(b)?);
        let elem = common_elem(self, &[a.clone(), b.clone()])?;
        let args = [self.cast(&c, Elem::Bool)?, self.cast(&a, elem)?, self.cast(&b, elem)?];
        let node = self.prim(&prims::SELECT, &[], &args)?;
        let origin = Self::origin_of(&c).and(&Self::origin_of(&a)).and(&Self::origin_of(&b));
        Ok(self.leaf(node, if elem == Elem::F64 { Origin::Data } else { origin }))
    }

    /// `np.matmul` and, for up to two axes each, `np.dot`.
    fn matmul(&mut self, name: &str, a: &Val, b: &Val) -> Res<Val> {
        let (a, b) = (self.floats_of(a)?, self.floats_of(b)?);
        let (sa, sb) = (self.tensor_of(&a)?.1, self.tensor_of(&b)?.1);
        if sa.is_empty() || sb.is_empty() {
            if name == "dot" {
                return self.call_builtin("mul", vec![a, b], Vec::new());
            }
            return self.error_help("`@` takes arrays, not numbers", "write `*`");
        }
        let (left, right) = (sa[sa.len() - 1], sb[sb.len().saturating_sub(2)]);
        if left != right {
            return self.error(format!("`@` of shapes {sa:?} and {sb:?}: {left} and {right} must be equal"));
        }
        let wide = |s: &[usize], column: bool| match (s.len(), column) {
            (1, false) => vec![1, s[0]],
            (1, true) => vec![s[0], 1],
            _ => s.to_vec(),
        };
        let (ma, mb) = (wide(&sa, false), wide(&sb, true));
        let mut shape = self.broadcast_batch(&ma, &mb)?;
        let batch = shape.clone();
        shape.extend((sa.len() > 1).then(|| ma[ma.len() - 2]));
        shape.extend((sb.len() > 1).then(|| mb[mb.len() - 1]));
        let (mut a, mut b) = (self.reshaped(&a, &ma)?, self.reshaped(&b, &mb)?);
        if mb.len() == 2 && ma.len() > 2 {
            let rows: usize = ma[..ma.len() - 1].iter().product();
            a = self.reshaped(&a, &[rows, left])?;
        } else {
            a = self.batched(&a, &batch)?;
            b = self.batched(&b, &batch)?;
        }
        let args = [self.node(&a)?, self.node(&b)?];
        let node = self.prim(&prims::MATMUL, &[0, 0], &args)?;
        let product = self.leaf(node, Origin::Data);
        self.reshaped(&product, &shape)
    }

    fn broadcast_batch(&mut self, a: &[usize], b: &[usize]) -> Res<Vec<usize>> {
        let (a, b) = (&a[..a.len() - 2], &b[..b.len() - 2]);
        let rank = a.len().max(b.len());
        let extent = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
        let mut batch = Vec::new();
        for i in 0..rank {
            match (extent(a, i), extent(b, i)) {
                (m, n) if m == n || n == 1 => batch.push(m),
                (1, n) => batch.push(n),
                (m, n) => return self.error(format!("leading axes of lengths {m} and {n} do not broadcast")),
            }
        }
        Ok(batch)
    }

    fn batched(&mut self, x: &Val, batch: &[usize]) -> Res<Val> {
        let (_, shape) = self.tensor_of(x)?;
        let full: Vec<usize> = batch.iter().chain(&shape[shape.len() - 2..]).copied().collect();
        let node = self.node(x)?;
        self.broadcast(node, &full)
    }

    /// Zeros of the form of a value.
    pub(super) fn zeros_of(&mut self, value: &Val) -> Res<Val> {
        let mut zeros = Vec::new();
        for leaf in leaves_of(value) {
            let ty = self.float_type(&leaf)?;
            let zero = self.node(&Val::Float(0.0))?;
            zeros.push(self.broadcast(zero, ty.shape())?);
        }
        Ok(rebuild(value, &mut zeros.into_iter()))
    }

    /// Rows with their leading axis in the shape of a value.
    pub(in crate::specialise) fn shape_rows(&mut self, rows: &Val, like: &Val) -> Res<Val> {
        let ty: Type = self.float_type(like)?;
        let mut out = Vec::new();
        for row in leaves_of(rows) {
            let (_, shape) = self.tensor_of(&row)?;
            let full: Vec<usize> = ty.shape().iter().chain(&shape[1..]).copied().collect();
            out.push(self.reshaped(&row, &full)?);
        }
        Ok(rebuild(rows, &mut out.into_iter()))
    }
}
