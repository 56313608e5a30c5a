//! `x[…]`: positions, slices, new axes, ellipses and arrays of integers.

use crate::graph::NodeId;
use crate::prims;
use crate::span::plural;
use crate::specialise::origin::Origin;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["getitem"], "x, index, /", |cx, call| cx.item(call.arg(0), call.arg(1))),
    row(&["index"], "x, /, *parts", |cx, call| match call.arg(0) {
        x @ Val::Leaf(_) => cx.array_item(x, call.rest()),
        object => cx.item(object, &Val::tuple(call.rest().to_vec())),
    }),
    row(&["slice"], "start, stop, step, /", |_, call| {
        let parts = [call.arg(0).clone(), call.arg(1).clone(), call.arg(2).clone()];
        Ok(Val::Slice(std::rc::Rc::new(parts)))
    }),
    row(&["np.take"], "a, indices, axis=", take),
];

fn take(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let (x, indices) = (cx.checked_array(call.arg(0))?, cx.as_array(call.arg(1))?);
    if cx.tensor_of(&indices)?.0 != Elem::I64 {
        return cx.error("an index must be an integer");
    }
    let (x, axis) = cx.one_axis(&x, call.get(2))?;
    cx.gather(&x, axis, &indices)
}

impl Cx<'_> {
    fn item(&mut self, object: &Val, index: &Val) -> Res<Val> {
        match (object, index) {
            (Val::Record(ty, items), Val::Str(key)) => match ty.fields.iter().position(|f| f == key) {
                Some(i) => Ok(items[i].clone()),
                None => self.no_field(ty, key),
            },
            (Val::Tuple(items) | Val::Record(_, items), Val::Slice(parts)) => {
                let (start, stop, step) = self.slice_bounds(&parts.clone(), items.len())?;
                let mut picked = Vec::new();
                let mut i = start;
                while if step > 0 { i < stop } else { i > stop } {
                    picked.push(items[i as usize].clone());
                    i += step;
                }
                Ok(Val::tuple(picked))
            }
            (Val::Tuple(items) | Val::Record(_, items), _) => {
                let i = self.known_int(index, "the position in a tuple")?;
                let n = items.len() as i64;
                match items.get(usize::try_from(if i < 0 { i + n } else { i }).unwrap_or(usize::MAX)) {
                    Some(item) => Ok(item.clone()),
                    None => self.error(format!("a tuple of {} has no item {i}", plural(items.len(), "item"))),
                }
            }
            (Val::Range(_), _) => {
                let items = self.elements(object, "the length of a range that is indexed")?;
                self.item(&Val::tuple(items), index)
            }
            (Val::Leaf(_), Val::Tuple(_)) => self.error_help(
                "a tuple and a list mean different things as the index of an array",
                "write the positions out, `x[i, j]`, or `x[np.array(rows)]` for several rows",
            ),
            (Val::Leaf(_), _) => self.array_item(object, std::slice::from_ref(index)),
            (Val::Float(_) | Val::Int(_) | Val::Bool(_), _) => self.error("a number has no elements"),
            (other, _) => self.error(format!("{} has no elements", other.abs())),
        }
    }

    /// Integers that stand beside an array of integers are of that array's kind to NumPy: where a slice, a new axis or an
    /// ellipsis parts them, the axes of the array come first in the result, and otherwise where they stand.
    fn array_item(&mut self, x: &Val, parts: &[Val]) -> Res<Val> {
        let (_, shape) = self.tensor_of(x)?;
        let parted = are_parted(parts);
        let parts = self.spread_ellipsis(parts, shape.len())?;
        let mut x = x.clone();
        let mut arrays = Vec::new();
        let mut axis = 0;
        for part in &parts {
            match part {
                Val::None => {
                    x = self.insert_axis(&x, axis)?;
                    axis += 1;
                }
                Val::Slice(bounds) => {
                    x = self.slice_axis(&x, axis, &bounds.clone())?;
                    axis += 1;
                }
                _ => {
                    let index = self.as_array(part)?;
                    let (elem, extents) = self.tensor_of(&index)?;
                    match (elem, extents.is_empty()) {
                        (Elem::I64, true) => x = self.at(&x, axis, &index)?,
                        (Elem::I64, false) => {
                            arrays.push((axis, index));
                            axis += 1;
                        }
                        (Elem::Bool, _) => {
                            return self.error_help(
                                "an array cannot be indexed by booleans: the shape of the result depends on data",
                                "use np.where to choose by element",
                            );
                        }
                        (Elem::F64, _) => return self.error("an index must be an integer"),
                    }
                }
            }
        }
        if parted && !arrays.is_empty() {
            x = self.brought_first(&x, &mut arrays)?;
        }
        match &arrays[..] {
            [] => Ok(x),
            [(axis, index)] => self.gather(&x, *axis, index),
            several => self.gather_points(&x, several),
        }
    }

    /// `x` with the axes that are indexed before all others, in order.
    fn brought_first(&mut self, x: &Val, indexed: &mut [(usize, Val)]) -> Res<Val> {
        let rank = self.tensor_of(x)?.1.len();
        let mut order: Vec<usize> = indexed.iter().map(|(axis, _)| *axis).collect();
        order.extend((0..rank).filter(|axis| indexed.iter().all(|(other, _)| other != axis)));
        indexed.iter_mut().enumerate().for_each(|(k, (axis, _))| *axis = k);
        self.permuted(x, &order)
    }

    /// The parts with `...` and what is left out at the end written as whole slices.
    fn spread_ellipsis(&mut self, parts: &[Val], rank: usize) -> Res<Vec<Val>> {
        let used = parts.iter().filter(|p| !matches!(p, Val::None | Val::Ellipsis)).count();
        if used > rank {
            return self.error(format!(
                "an array of {} is indexed with {}",
                plural(rank, "axis"),
                plural(used, "position")
            ));
        }
        let whole = || Val::Slice(std::rc::Rc::new([Val::None, Val::None, Val::None]));
        let mut out = Vec::new();
        let mut spread = false;
        for part in parts {
            if matches!(part, Val::Ellipsis) {
                if std::mem::replace(&mut spread, true) {
                    return self.error("an index has at most one `...`");
                }
                out.extend((0..rank - used).map(|_| whole()));
            } else {
                out.push(part.clone());
            }
        }
        Ok(out)
    }

    /// `x[…, i, …]` at one axis, which goes away.
    fn at(&mut self, x: &Val, axis: usize, i: &Val) -> Res<Val> {
        let (_, shape) = self.tensor_of(x)?;
        let extent = shape[axis];
        if let Val::Int(n) = i
            && !(-(extent as i64)..extent as i64).contains(n)
        {
            return self.error(format!("index {n} is out of range for axis {axis} of length {extent}"));
        }
        if axis > 0 {
            return self.gather(x, axis, i);
        }
        let args = [self.node(x)?, self.node(i)?];
        let node = self.prim(&prims::INDEX, &[], &args)?;
        let origin = Self::origin_of(x).and(&Self::origin_of(i));
        Ok(self.leaf(node, origin))
    }

    /// `np.take`.
    pub(in crate::specialise) fn gather(&mut self, x: &Val, axis: usize, indices: &Val) -> Res<Val> {
        let node = self.cast(indices, Elem::I64)?;
        let args = [self.node(x)?, node];
        let node = self.prim(&prims::GATHER, &[axis as i64], &args)?;
        Ok(self.leaf(node, Origin::Data))
    }

    /// Several integer arrays at axes that adjoin: positions in the axes laid end to end.
    fn gather_points(&mut self, x: &Val, points: &[(usize, Val)]) -> Res<Val> {
        let first = points[0].0;
        let (_, shape) = self.tensor_of(x)?;
        let extents: Vec<i64> = shape[first..first + points.len()].iter().map(|&n| n as i64).collect();
        let mut nodes: Vec<NodeId> = Vec::new();
        for (_, index) in points {
            nodes.push(self.cast(index, Elem::I64)?);
        }
        let flat = self.prim(&prims::RAVEL_INDEX, &extents, &nodes)?;
        let flat = self.leaf(flat, Origin::Data);
        let mut joined: Vec<i64> = shape[..first].iter().map(|&n| n as i64).collect();
        joined.push(extents.iter().product());
        joined.extend(shape[first + points.len()..].iter().map(|&n| n as i64));
        let node = self.node(x)?;
        let node = self.prim(&prims::RESHAPE, &joined, &[node])?;
        let x = self.leaf(node, Origin::Data);
        self.gather(&x, first, &flat)
    }

    fn insert_axis(&mut self, x: &Val, axis: usize) -> Res<Val> {
        let (_, mut shape) = self.tensor_of(x)?;
        shape.insert(axis, 1);
        self.reshaped(x, &shape)
    }

    fn slice_axis(&mut self, x: &Val, axis: usize, bounds: &[Val; 3]) -> Res<Val> {
        let (_, shape) = self.tensor_of(x)?;
        if bounds.iter().all(|b| matches!(b, Val::None)) {
            return Ok(x.clone());
        }
        let (start, stop, step) = self.slice_bounds(bounds, shape[axis])?;
        let mut attrs = Vec::new();
        for (i, &n) in shape.iter().enumerate() {
            attrs.extend(if i == axis { [start, stop, step] } else { [0, n as i64, 1] });
        }
        let node = self.node(x)?;
        let node = self.prim(&prims::SLICE, &attrs, &[node])?;
        Ok(self.leaf(node, Self::origin_of(x)))
    }

    /// Start, stop and step as Python resolves them for a length.
    fn slice_bounds(&mut self, [start, stop, step]: &[Val; 3], length: usize) -> Res<(i64, i64, i64)> {
        let n = length as i64;
        let known = |cx: &mut Self, v: &Val| match v {
            Val::None => Ok(None),
            v => cx.known_int(v, "a bound of a slice").map(Some),
        };
        let step = known(self, step)?.unwrap_or(1);
        if step == 0 {
            return self.error("the step of a slice must not be zero");
        }
        let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
        let clamp = |i: i64| (if i < 0 { i + n } else { i }).clamp(low, high);
        let start = known(self, start)?.map_or(if step > 0 { low } else { high }, clamp);
        let stop = known(self, stop)?.map_or(if step > 0 { high } else { low }, clamp);
        let empty = if step > 0 { stop < start } else { stop > start };
        Ok((start, if empty { start } else { stop }, step))
    }

    /// An axis counted from the front.
    pub(in crate::specialise) fn axis(&mut self, axis: i64, rank: usize) -> Res<usize> {
        let n = rank as i64;
        if (-n..n).contains(&axis) {
            return Ok((if axis < 0 { axis + n } else { axis }) as usize);
        }
        self.error(format!("axis {axis} does not exist in an array of {}", plural(rank, "axis")))
    }
}

/// Whether something else stands between the integers and arrays of integers of an index.
fn are_parted(parts: &[Val]) -> bool {
    let plain = |part: &Val| matches!(part, Val::None | Val::Slice(_) | Val::Ellipsis);
    let runs = parts.chunk_by(|a, b| plain(a) == plain(b)).filter(|run| !plain(&run[0]));
    runs.count() > 1
}
