//! Reading and adding at consecutive indices is slicing.
//!
//! ```text
//! gather[a] x [s, s+d, …]            =  slice x
//! scatter[a, shape] [s, s+d, …] v    =  unslice v
//! scatter_add[a] x [0, 1, …] v       =  x + v          all indices of the axis
//! ```

use crate::builder::Builder;
use crate::graph::{Const, Graph, NodeId, Op};
use crate::prims::{ADD, Prim, SLICE, UNSLICE};
use crate::types::Type;

use super::rewrite::replace_nodes;
use super::{Pass, Run};

pub(super) const RANGES: Pass =
    Pass { name: "ranges", about: "makes reads and additions at consecutive indices slices", run: Run::Graph(ranges) };

fn ranges(graph: &Graph) -> Option<Graph> {
    replace_nodes(graph, |b, op, args, ty| match op {
        Op::Prim(p) if p.def.name == "gather" => gather(b, p, args),
        Op::Prim(p) if p.def.name == "scatter" => scatter(b, p, args, ty),
        Op::Prim(p) if p.def.name == "scatter_add" => scatter_add(b, p, args),
        _ => None,
    })
}

/// Constant indices at equal distances along an axis of this length, as start, stop and step of a slice.
fn range(b: &Builder, indices: NodeId, length: usize) -> Option<[i64; 3]> {
    let Op::Const(Const::Ints(indices)) = &b.graph().node(indices).op else { return None };
    let (&[count], length) = (indices.shape(), i64::try_from(length).ok()?) else { return None };
    let all = indices.as_slice();
    let (&first, &last) = (all.first()?, all.last()?);
    let step = if count > 1 { all[1].checked_sub(first)? } else { 1 };
    let inside = |n: i64| (0..length).contains(&n);
    if step == 0 || !inside(first) || !inside(last) || !all.windows(2).all(|w| w[1].checked_sub(w[0]) == Some(step)) {
        return None;
    }
    // A slice runs down past the first element to -1.
    Some([first, if step > 0 { last + 1 } else { last - 1 }, step])
}

fn along(shape: &[usize], axis: usize, range: [i64; 3]) -> Vec<i64> {
    let of = |(i, &n): (usize, &usize)| if i == axis { range } else { [0, n as i64, 1] };
    shape.iter().enumerate().flat_map(of).collect()
}

fn gather(b: &mut Builder, prim: &Prim, args: &[NodeId]) -> Option<NodeId> {
    let (shape, axis) = (b.ty(args[0]).shape().to_vec(), prim.attrs[0] as usize);
    let range = range(b, args[1], shape[axis])?;
    if range == [0, shape[axis] as i64, 1] {
        return Some(args[0]);
    }
    Some(b.prim(&SLICE, &along(&shape, axis, range), &[args[0]]))
}

fn scatter(b: &mut Builder, prim: &Prim, args: &[NodeId], ty: &Type) -> Option<NodeId> {
    let (shape, axis) = (ty.shape(), prim.attrs[0] as usize);
    let range = range(b, args[0], shape[axis])?;
    if range == [0, shape[axis] as i64, 1] {
        return Some(args[1]);
    }
    let mut attrs: Vec<i64> = std::iter::once(shape.len()).chain(shape.iter().copied()).map(|n| n as i64).collect();
    attrs.extend(along(shape, axis, range));
    Some(b.prim(&UNSLICE, &attrs, &[args[1]]))
}

fn scatter_add(b: &mut Builder, prim: &Prim, args: &[NodeId]) -> Option<NodeId> {
    let length = b.ty(args[0]).shape()[prim.attrs[0] as usize];
    let whole = range(b, args[1], length)? == [0, length as i64, 1];
    whole.then(|| b.prim(&ADD, &[], &[args[0], args[2]]))
}
