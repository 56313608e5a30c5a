//! `vmap(f, in_axes)`: a function of many lanes at once.
//!
//! The function is specialised for the types that one lane has. What calls it is a graph of its own,
//! which is a place holder while specialisation goes on, since the function may be part of a
//! recursion whose result is not known yet; [`Cx::resolve_lanes`] then puts the batched graph there.
//! Results have their lanes along axis 0, also those that are the same in all.

use crate::batch::{Mask, batch};
use crate::builder::Builder;
use crate::graph::{GraphId, NodeId, Op};
use crate::prims;
use crate::span::{Diagnostic, Span, given, plural};
use crate::types::{Elem, Type};

use super::builtins::Call;
use super::instance::result_type;
use super::origin::Origin;
use super::value::{Abs, Axes, Func, Val};
use super::{Cx, Res, Stop};

/// A graph whose batched form is to take the place of a place holder.
#[derive(Debug)]
pub(super) struct Pending {
    holder: GraphId,
    graph: GraphId,
    masks: Vec<Mask>,
    count: usize,
    span: Span,
}

/// The arguments of a call as one lane has them: `element` stands for `whole`, which has the axis first.
struct Elements {
    count: Option<usize>,
    pairs: Vec<(NodeId, NodeId)>,
}

impl Cx<'_> {
    /// `vmap(f, in_axes=0)`.
    pub(super) fn vmap(&mut self, call: &Call) -> Res<Val> {
        let function = call.arg(0).clone();
        if !matches!(function, Val::Func(_) | Val::Choice(..)) {
            return self.error(format!("`vmap` takes a function, not {}", function.abs()));
        }
        let axes = match call.given(1) {
            None => Axes::At(0),
            Some(axes) => self.lane_axes(axes)?,
        };
        Ok(Val::func(Func::Vmapped { function: Box::new(function), axes }))
    }

    fn lane_axes(&mut self, value: &Val) -> Res<Axes> {
        match value {
            Val::None => Ok(Axes::None),
            Val::Tuple(items) => Ok(Axes::Items(items.iter().map(|v| self.lane_axes(v)).collect::<Res<_>>()?)),
            axis => Ok(Axes::At(self.known_int(axis, "an axis of `in_axes`")?)),
        }
    }

    /// Calls a function on all lanes of its arguments.
    pub(super) fn call_lanes(&mut self, function: &Val, axes: &Axes, args: Vec<Val>) -> Res<Val> {
        if args.iter().any(Val::has_bottom) || function.has_bottom() {
            return Ok(Val::Bottom);
        }
        let axes = match axes {
            Axes::Items(items) if items.len() != args.len() => {
                let named = plural(items.len(), "argument");
                return self.error(format!("`in_axes` names {named}, but {}", given(args.len())));
            }
            Axes::Items(items) => items.clone(),
            all => vec![all.clone(); args.len()],
        };
        let mut elements = Elements { count: None, pairs: Vec::new() };
        let args: Vec<Val> =
            args.iter().zip(&axes).map(|(arg, axes)| self.lane(arg, axes, &mut elements)).collect::<Res<_>>()?;
        let Some(count) = elements.count else {
            return self.error_help("`vmap` has no argument to go along", "give an axis for one of them in `in_axes`");
        };
        let f = self.as_copyable(function, args.len())?;
        let (key, leaves) = self.signature(&f, &args)?;
        let instance = self.instance(&key)?;
        if instance.result == Abs::Bottom {
            return Ok(Val::Bottom);
        }
        let whole = |leaf: &NodeId| elements.pairs.iter().find(|(element, _)| element == leaf).map(|(_, whole)| *whole);
        let operands: Vec<NodeId> = leaves.iter().map(|leaf| whole(leaf).unwrap_or(*leaf)).collect();
        let masks = leaves.iter().map(|leaf| if whole(leaf).is_some() { Mask::All } else { Mask::None }).collect();
        let mut types = Vec::new();
        instance.result.leaves(&mut types);
        let types: Vec<Type> = types.iter().map(|ty| many(ty, count)).collect();
        let holder = self.holder(&operands, result_type(&types));
        self.pending.push(Pending { holder, graph: instance.graph, masks, count, span: self.span });
        let node = self.builder().emit(Op::Call(holder), &operands, result_type(&types));
        let nodes = self.result_nodes(node, types.len());
        self.lanes_of(&instance.result, &mut nodes.into_iter(), count)
    }

    /// An argument as one lane has it.
    fn lane(&mut self, value: &Val, axes: &Axes, elements: &mut Elements) -> Res<Val> {
        match (value, axes) {
            (value, Axes::None) => Ok(value.clone()),
            (Val::Tuple(items), Axes::Items(axes)) if items.len() == axes.len() => {
                let items = items.iter().zip(axes).map(|(v, axes)| self.lane(v, axes, elements));
                Ok(Val::tuple(items.collect::<Res<_>>()?))
            }
            (Val::Tuple(items), Axes::At(_)) => {
                Ok(Val::tuple(items.iter().map(|v| self.lane(v, axes, elements)).collect::<Res<_>>()?))
            }
            (Val::Record(ty, items), Axes::At(_)) => {
                let items = items.iter().map(|v| self.lane(v, axes, elements)).collect::<Res<_>>()?;
                Ok(Val::Record(ty.clone(), std::rc::Rc::new(items)))
            }
            (Val::Leaf(_), &Axes::At(axis)) => self.lane_of_array(value, axis, elements),
            (other, Axes::Items(_)) => {
                self.error(format!("the form of `in_axes` is not that of its argument, {}", other.abs()))
            }
            (other, Axes::At(_)) => self.error_help(
                format!("`vmap` goes along an axis of arrays, and {} has none", other.abs()),
                "write `None` in its place in `in_axes`",
            ),
        }
    }

    fn lane_of_array(&mut self, value: &Val, axis: i64, elements: &mut Elements) -> Res<Val> {
        let (elem, shape) = self.tensor_of(value)?;
        let rank = shape.len() as i64;
        if !(-rank..rank).contains(&axis) {
            return self.error_help(
                format!("`vmap` goes along axis {axis}, and {} has no such axis", value.abs()),
                "name an axis of it in `in_axes`, or `None` if it is the same in all lanes",
            );
        }
        let axis = (if axis < 0 { axis + rank } else { axis }) as usize;
        let count = shape[axis];
        if let Some(other) = elements.count.replace(count).filter(|&other| other != count) {
            return self.error(format!("the arguments of `vmap` have different numbers of lanes: {other} and {count}"));
        }
        let node = self.node(value)?;
        let order: Vec<i64> =
            std::iter::once(axis).chain((0..shape.len()).filter(|&a| a != axis)).map(|a| a as i64).collect();
        let whole = if axis == 0 { node } else { self.prim(&prims::TRANSPOSE, &order, &[node])? };
        let rest = [&shape[..axis], &shape[axis + 1..]].concat();
        let element = self.builder().zero(Type::tensor(elem, &rest));
        elements.pairs.push((element, whole));
        Ok(self.leaf(element, Origin::Data))
    }

    /// The result of all lanes, in the form that it has in one.
    fn lanes_of(&mut self, abs: &Abs, nodes: &mut impl Iterator<Item = NodeId>, count: usize) -> Res<Val> {
        let known = |cx: &mut Self, value: Val| {
            let node = cx.node(&value)?;
            let node = cx.prim(&prims::BROADCAST_TO, &[count as i64], &[node])?;
            Ok(cx.leaf(node, Origin::Data))
        };
        match abs {
            Abs::Leaf(_) => {
                let node = nodes.next().expect("a node for each leaf");
                Ok(self.leaf(node, Origin::Data))
            }
            Abs::Int(n) => known(self, Val::Int(*n)),
            Abs::Bool(b) => known(self, Val::Bool(*b)),
            Abs::Tuple(items) => {
                Ok(Val::tuple(items.iter().map(|a| self.lanes_of(a, nodes, count)).collect::<Res<_>>()?))
            }
            Abs::Record(ty, items) => {
                let items = items.iter().map(|a| self.lanes_of(a, nodes, count)).collect::<Res<_>>()?;
                Ok(Val::Record(ty.clone(), std::rc::Rc::new(items)))
            }
            other => self.error(format!("a function under `vmap` must return numbers and arrays, not {other}")),
        }
    }

    /// A graph with these parameters that returns zeros, for now.
    fn holder(&mut self, operands: &[NodeId], result: Type) -> GraphId {
        let types: Vec<Type> = operands.iter().map(|&o| self.builder().ty(o).clone()).collect();
        let mut b = Builder::new("vmap", self.span);
        for ty in types {
            b.param(ty);
        }
        let ret = b.zero(result);
        self.out.add(b.finish(ret))
    }

    /// Puts batched graphs in the place of their place holders, inner ones first.
    pub(super) fn resolve_lanes(&mut self) -> Res<()> {
        let mut pending: Vec<Option<Pending>> = std::mem::take(&mut self.pending).into_iter().map(Some).collect();
        loop {
            let waiting: Vec<GraphId> = pending.iter().flatten().map(|p| p.holder).collect();
            let reachable = self.reach_through(&pending);
            let waits = |i: &usize| pending[*i].as_ref().is_some_and(|p| reachable[p.holder.0 as usize]);
            let mut needed = (0..pending.len()).filter(waits);
            let ready = |i: &usize| {
                let graph = pending[*i].as_ref().expect("it waits").graph;
                !self.reach(graph).iter().any(|g| waiting.contains(g))
            };
            let Some(first) = needed.clone().next() else { return Ok(()) };
            let Some(next) = needed.find(ready) else {
                self.span = pending[first].as_ref().expect("it waits").span;
                return self.error_help(
                    "this function under `vmap` calls itself through `vmap`, each time with one axis more",
                    "write the recursion over the whole array, or loop over it",
                );
            };
            let Pending { holder, graph, masks, count, span } = pending[next].take().expect("it waits");
            let full = Mask::full(self.out.graph(graph).result_type());
            let made = batch(&mut self.out, graph, &masks, &full, count);
            let made = made.map_err(|why| Stop::Error(Box::new(located(*why, span))))?;
            self.out.graphs[holder.0 as usize] = self.out.graph(made.graph).clone();
        }
    }

    /// Whether the entry reaches each graph, what place holders stand for included.
    fn reach_through(&self, pending: &[Option<Pending>]) -> Vec<bool> {
        let mut seen = vec![false; self.out.graphs.len()];
        let mut work = vec![self.out.entry];
        while let Some(id) = work.pop() {
            for found in self.reach(id) {
                if !std::mem::replace(&mut seen[found.0 as usize], true) {
                    work.extend(pending.iter().flatten().filter(|p| p.holder == found).map(|p| p.graph));
                }
            }
        }
        seen
    }

    /// The graphs that one reaches.
    fn reach(&self, from: GraphId) -> Vec<GraphId> {
        let mut seen = vec![false; self.out.graphs.len()];
        let (mut work, mut found) = (vec![from], Vec::new());
        while let Some(id) = work.pop() {
            if !std::mem::replace(&mut seen[id.0 as usize], true) {
                found.push(id);
                work.extend(self.out.graph(id).nodes.iter().flat_map(|node| node.op.graphs()));
            }
        }
        found
    }
}

fn located(why: Diagnostic, call: Span) -> Diagnostic {
    why.note(call, "in this function under `vmap`")
}

/// The type of a leaf of a result in all lanes.
fn many(ty: &Type, count: usize) -> Type {
    let (elem, shape) = ty.as_tensor().unwrap_or((Elem::F64, &[]));
    Type::tensor(elem, &[&[count], shape].concat())
}
