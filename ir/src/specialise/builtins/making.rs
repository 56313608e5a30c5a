//! Making arrays, and asking for their shapes.

use adjudicate_kernels::Array;

use crate::graph::{Const, NodeId};
use crate::prims;
use crate::specialise::origin::Origin;
use crate::specialise::value::{Func, Val};
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["np.zeros", "np.empty"], "shape, dtype=", |cx, call| cx.filled(call.arg(0), &Val::Float(0.0), call.get(1))),
    row(&["np.ones"], "shape, dtype=", |cx, call| cx.filled(call.arg(0), &Val::Float(1.0), call.get(1))),
    row(&["np.full"], "shape, fill_value, dtype=", |cx, call| cx.filled(call.arg(0), call.arg(1), call.get(2))),
    row(&["np.zeros_like", "np.empty_like"], "a, dtype=", |cx, call| cx.alike(call.arg(0), &Val::Int(0), call.get(1))),
    row(&["np.ones_like"], "a, dtype=", |cx, call| cx.alike(call.arg(0), &Val::Int(1), call.get(1))),
    row(&["np.full_like"], "a, fill_value, dtype=", |cx, call| cx.alike(call.arg(0), call.arg(1), call.get(2))),
    row(&["np.eye"], "N, M=, k=, dtype=", |cx, call| {
        let rows = cx.extent(call.arg(0))?;
        let columns = call.get(1).map_or(Ok(rows), |m| cx.extent(m))?;
        let k = call.get(2).map_or(Ok(0), |k| cx.known_int(k, "a diagonal"))?;
        cx.pattern(rows, columns, call.get(3), |i, j| j - i == k)
    }),
    row(&["np.identity"], "n, dtype=", |cx, call| {
        let n = cx.extent(call.arg(0))?;
        cx.pattern(n, n, call.get(1), |i, j| i == j)
    }),
    row(&["np.tri"], "N, M=, k=, dtype=", |cx, call| {
        let rows = cx.extent(call.arg(0))?;
        let columns = call.get(1).map_or(Ok(rows), |m| cx.extent(m))?;
        let k = call.get(2).map_or(Ok(0), |k| cx.known_int(k, "a diagonal"))?;
        cx.pattern(rows, columns, call.get(3), |i, j| j - i <= k)
    }),
    row(&["np.arange"], "start, stop=, step=, dtype=", arange),
    row(&["np.linspace"], "start, stop, num=, endpoint=", linspace),
    row(&["np.array", "np.asarray", "np.ascontiguousarray"], "object, dtype=", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        cx.tensor_of(&x)?;
        cx.with_dtype(&x, call.get(1))
    }),
    row(&["np.copy"], "a", |cx, call| cx.checked_array(call.arg(0))),
    row(&["np.astype"], "x, dtype, /", |cx, call| {
        let x = cx.checked_array(call.arg(0))?;
        cx.with_dtype(&x, Some(call.arg(1)))
    }),
    row(&["np.shape"], "a", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let (_, shape) = cx.tensor_of(&x)?;
        Ok(Val::tuple(shape.iter().map(|&n| Val::Int(n as i64)).collect()))
    }),
    row(&["np.ndim"], "a", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        Ok(Val::Int(cx.tensor_of(&x)?.1.len() as i64))
    }),
    row(&["np.size"], "a, axis=", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let (_, shape) = cx.tensor_of(&x)?;
        let axes = cx.axes(call.get(1), shape.len())?;
        Ok(Val::Int(axes.iter().map(|&a| shape[a] as i64).product()))
    }),
];

/// Elements that an array may have: 2 GiB of floats. Beyond, a program is refused, not started.
pub(in crate::specialise) const MAX_ELEMENTS: usize = 1 << 28;

/// Items that a tuple may have: each is a node, and an instruction has 16 bits to count its operands.
const MAX_ITEMS: usize = 10_000;

fn arange(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let (start, stop) = match call.get(1) {
        Some(stop) => (call.arg(0).clone(), stop.clone()),
        None => (Val::Int(0), call.arg(0).clone()),
    };
    let step = call.get(2).cloned().unwrap_or(Val::Int(1));
    let float = |v: &Val| match v {
        Val::Float(x) => Some(*x),
        Val::Int(n) => Some(*n as f64),
        _ => None,
    };
    let parts = [start, stop, step];
    let made = if parts.iter().any(|v| matches!(v, Val::Float(_))) {
        let Some(known) = parts.iter().map(float).collect::<Option<Vec<f64>>>() else {
            return cx.error("the bounds and the step of `np.arange` must be known numbers");
        };
        let count = ((known[1] - known[0]) / known[2]).ceil().max(0.0);
        if known[2] == 0.0 || !known.iter().all(|x| x.is_finite()) || count > MAX_ELEMENTS as f64 {
            return cx.error(format!("`np.arange` cannot go from {} to {} by {}", known[0], known[1], known[2]));
        }
        // As NumPy: the second element decides the step.
        let (first, delta) = (known[0], (known[0] + known[2]) - known[0]);
        let data: Vec<f64> = (0..count as usize).map(|i| first + i as f64 * delta).collect();
        cx.constant(Const::Array(Array::from_vec(&[data.len()], data)))
    } else {
        let known = parts.iter().map(|v| cx.known_int(v, "a bound of `np.arange`")).collect::<Res<Vec<_>>>()?;
        let (start, stop, step) = (known[0], known[1], known[2]);
        let span = (i128::from(stop) - i128::from(start)) * i128::from(step.signum());
        let count =
            if step == 0 { i128::MAX } else { (span.max(0) as u128).div_ceil(u128::from(step.unsigned_abs())) as i128 };
        if count > MAX_ELEMENTS as i128 {
            return cx.error(format!("`np.arange` cannot go from {start} to {stop} by {step}"));
        }
        let data: Vec<i64> = (0..count as i64).map(|i| start + i * step).collect();
        cx.constant(Const::Ints(Array::from_vec(&[data.len()], data)))
    };
    cx.with_dtype(&made, call.get(3))
}

/// `start + i·step`, the last being exactly `stop`.
fn linspace(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let (start, stop) = (cx.floats_of(call.arg(0))?, cx.floats_of(call.arg(1))?);
    let count = call.get(2).map_or(Ok(50), |n| cx.extent(n))?;
    let closed = call.get(3).map_or(Ok(true), |k| cx.known_bool(k, "`endpoint`"))?;
    let (a, b) = (cx.tensor_of(&start)?.1, cx.tensor_of(&stop)?.1);
    let intervals = if closed { count.saturating_sub(1) } else { count };
    cx.check_elements(&[count])?;
    let column = vec![1; a.len().max(b.len())];
    let shape: Vec<usize> = std::iter::once(count).chain(column).collect();
    let ramp = Array::from_vec(&shape, (0..count).map(|i| i as f64).collect());
    let ramp = cx.constant(Const::Array(ramp));
    let span = cx.builtin("np.subtract", &[stop.clone(), start.clone()])?;
    let step = cx.builtin("np.divide", &[span, Val::Float(intervals.max(1) as f64)])?;
    let offsets = cx.builtin("np.multiply", &[ramp, step])?;
    let points = cx.builtin("np.add", &[offsets, start])?;
    if !closed || count < 2 {
        return Ok(points);
    }
    let last = (0..count).map(|i| i + 1 == count).collect();
    let last = cx.constant(Const::Bools(Array::from_vec(&shape, last)));
    cx.select(&last, &stop, &points)
}

impl Cx<'_> {
    pub(super) fn extent(&mut self, value: &Val) -> Res<usize> {
        let n = self.known_int(value, "an extent of a shape")?;
        match usize::try_from(n) {
            Ok(n) => Ok(n),
            Err(_) => self.error(format!("an extent of a shape must not be negative: {n}")),
        }
    }

    pub(super) fn shape(&mut self, value: &Val) -> Res<Vec<usize>> {
        let shape = match value {
            Val::Tuple(items) => items.iter().map(|v| self.extent(v)).collect::<Res<Vec<_>>>()?,
            one => vec![self.extent(one)?],
        };
        self.check_elements(&shape)?;
        Ok(shape)
    }

    /// Refuses a shape of too many elements.
    pub(in crate::specialise) fn check_elements(&mut self, shape: &[usize]) -> Res<()> {
        if fits(shape) {
            return Ok(());
        }
        let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
        self.error_help(
            format!("an array of shape [{}] is too large: {MAX_ELEMENTS} elements are possible", extents.join(", ")),
            "work on parts of it",
        )
    }

    /// Refuses a tuple of too many items.
    pub(in crate::specialise) fn check_items(&mut self, count: usize) -> Res<()> {
        if count <= MAX_ITEMS {
            return Ok(());
        }
        self.error_help(
            format!("{count} items are too many for a tuple: {MAX_ITEMS} are possible"),
            "make an array of them: `np.array`, `np.arange`, `np.ones`",
        )
    }

    fn filled(&mut self, shape: &Val, fill: &Val, dtype: Option<&Val>) -> Res<Val> {
        let shape = self.shape(shape)?;
        let fill = self.with_dtype(fill, dtype)?;
        let node = self.node(&fill)?;
        self.broadcast(node, &shape)
    }

    fn alike(&mut self, like: &Val, fill: &Val, dtype: Option<&Val>) -> Res<Val> {
        let like = self.as_array(like)?;
        let (elem, shape) = self.tensor_of(&like)?;
        let fill = match dtype {
            Some(_) => self.with_dtype(fill, dtype)?,
            None => {
                let fill = self.as_array(fill)?;
                let node = self.cast(&fill, elem)?;
                self.leaf(node, Self::origin_of(&fill))
            }
        };
        let node = self.node(&fill)?;
        self.broadcast(node, &shape)
    }

    /// A matrix of ones where a condition on row and column holds, and zeros elsewhere.
    fn pattern(
        &mut self,
        rows: usize,
        columns: usize,
        dtype: Option<&Val>,
        holds: impl Fn(i64, i64) -> bool,
    ) -> Res<Val> {
        let mask = self.mask(rows, columns, holds)?;
        self.with_dtype(&mask, Some(dtype.unwrap_or(&Val::func(Func::Builtin("float")))))
    }

    /// Where a condition on row and column holds.
    pub(super) fn mask(&mut self, rows: usize, columns: usize, holds: impl Fn(i64, i64) -> bool) -> Res<Val> {
        self.check_elements(&[rows, columns])?;
        let at = |p: usize| holds((p / columns) as i64, (p % columns) as i64);
        let data = (0..rows * columns).map(at).collect();
        Ok(self.constant(Const::Bools(Array::from_vec(&[rows, columns], data))))
    }

    pub(super) fn broadcast(&mut self, node: NodeId, shape: &[usize]) -> Res<Val> {
        let attrs: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        let same = self.builder().ty(node).shape() == shape;
        let node = if same { node } else { self.prim(&prims::BROADCAST_TO, &attrs, &[node])? };
        Ok(self.leaf(node, Origin::Data))
    }

    /// A value as an array or a number.
    pub(super) fn checked_array(&mut self, value: &Val) -> Res<Val> {
        let value = self.as_array(value)?;
        self.tensor_of(&value)?;
        Ok(value)
    }

    pub(super) fn with_dtype(&mut self, value: &Val, dtype: Option<&Val>) -> Res<Val> {
        let elem = match dtype {
            None | Some(Val::None) => return self.checked_array(value),
            Some(Val::Func(f)) => match **f {
                Func::Builtin(name) => element(name),
                _ => None,
            },
            Some(Val::Str(name)) => element(name),
            Some(_) => None,
        };
        let Some(elem) = elem else {
            return self.error_help("this element type is not supported", "use float, int or bool");
        };
        let value = self.as_array(value)?;
        let node = self.cast(&value, elem)?;
        Ok(self.leaf(node, Self::origin_of(&value)))
    }
}

fn element(name: &str) -> Option<Elem> {
    match name {
        "float" | "np.float64" | "np.double" | "float64" => Some(Elem::F64),
        "int" | "np.int64" | "int64" => Some(Elem::I64),
        "bool" | "np.bool_" => Some(Elem::Bool),
        _ => None,
    }
}

/// Whether an array of this shape can be made.
pub(in crate::specialise) fn fits(shape: &[usize]) -> bool {
    let size = shape.iter().try_fold(1_usize, |size, &n| size.checked_mul(n.max(1)));
    size.is_some_and(|size| size <= MAX_ELEMENTS)
}
