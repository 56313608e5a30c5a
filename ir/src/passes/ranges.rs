//! Reading and adding at consecutive indices is slicing, and slices that lie end to end are joined.
//!
//! ```text
//! gather[a] x [s, s+d, …]            =  slice x
//! scatter[a, shape] [s, s+d, …] v    =  unslice v
//! scatter_add[a] x [0, 1, …] v       =  x + v                       all indices of the axis
//! unslice v + unslice w + …          =  concat[a] (v + 0) (w + 0) …   slices that are all of the axis
//! ```
//!
//! The last is what flows back to an array that is read in parts, the gates of a recurrent network. Each part had zeros
//! added to it, which made 0.0 of -0.0.

use crate::builder::Builder;
use crate::graph::{Const, Graph, NodeId, Op};
use crate::prims::{ADD, CONCAT, Prim, SLICE, UNSLICE};
use crate::types::{Elem, Type};

use super::rewrite::replace_nodes;
use super::{Pass, Run};

pub(super) const RANGES: Pass =
    Pass { name: "ranges", about: "makes reads and additions at consecutive indices slices", run: Run::Graph(ranges) };

/// Sums of more slices are left alone.
const MAX_PARTS: usize = 256;

fn ranges(graph: &Graph) -> Option<Graph> {
    replace_nodes(graph, |b, op, args, ty| match op {
        Op::Prim(p) if p.def.name == "gather" => gather(b, p, args),
        Op::Prim(p) if p.def.name == "scatter" => scatter(b, p, args, ty),
        Op::Prim(p) if p.def.name == "scatter_add" => scatter_add(b, p, args),
        Op::Prim(p) if p.def.name == "add" => joined(b, args, ty),
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

/// A sum of slices that are put end to end.
fn joined(b: &mut Builder, args: &[NodeId], ty: &Type) -> Option<NodeId> {
    let (Elem::F64, shape) = ty.as_tensor()? else { return None };
    let mut parts = Vec::new();
    let mut open = args.to_vec();
    // More parts than elements overlap; and what is added to itself again and again has more terms than can be looked at.
    let most = shape.iter().copied().max()?.min(MAX_PARTS);
    while let Some(id) = open.pop() {
        if parts.len() + open.len() >= most {
            return None;
        }
        let node = b.graph().node(id);
        match &node.op {
            Op::Prim(p) if p.def.name == "unslice" && node.ty == *ty => {
                parts.push((placed(&p.attrs[1 + shape.len()..], shape)?, node.args[0]));
            }
            Op::Prim(p) if p.def.name == "add" && node.ty == *ty => open.extend(&node.args),
            _ => return None,
        }
    }
    parts.sort_unstable();
    let ((axis, _), _) = parts[0];
    let mut end = 0;
    for &((along, [start, stop]), _) in &parts {
        if along != axis || start != end {
            return None;
        }
        end = stop;
    }
    if end != shape[axis] as i64 {
        return None;
    }
    let zero = b.constant(Const::F64(0.0));
    let parts: Vec<NodeId> = parts.iter().map(|&(_, part)| b.prim(&ADD, &[], &[part, zero])).collect();
    Some(b.prim(&CONCAT, &[axis as i64], &parts))
}

/// The only axis along which a slice is not everything, and from where to where it is what.
fn placed(slice: &[i64], shape: &[usize]) -> Option<(usize, [i64; 2])> {
    let mut parts =
        slice.chunks_exact(3).zip(shape).enumerate().filter(|(_, (range, n))| **range != [0, **n as i64, 1]);
    match (parts.next()?, parts.next()) {
        ((axis, (&[start, stop, 1], _)), None) => Some((axis, [start, stop])),
        _ => None,
    }
}
