//! Leaves: from values to nodes of the current frame and back.

use std::rc::Rc;

use adjudicate_kernels::Array;

use crate::datum::Layout;
use crate::graph::{Const, GraphId, NodeId};
use crate::prims;
use crate::types::{Elem, Type};

use super::origin::{Origin, Source};
use super::value::{Abs, Func, Leaf, Val};
use super::{Cx, Res};

impl Cx<'_> {
    /// The node of a leaf in the current frame: enclosing frames pass it in.
    pub(super) fn here(&mut self, leaf: &Leaf) -> NodeId {
        let frames = &mut self.function().frames;
        let home = frames.iter().position(|f| f.id == leaf.frame);
        let home = home.expect("a value is used only inside the frame that made it");
        let mut node = leaf.node;
        for frame in &mut frames[home + 1..] {
            node = match frame.imports.iter().find(|(outer, _)| *outer == node) {
                Some((_, inner)) => *inner,
                None => {
                    let inner = frame.builder.param(leaf.ty.clone());
                    frame.imports.push((node, inner));
                    inner
                }
            };
        }
        node
    }

    /// A node of the current frame as a value.
    pub(super) fn leaf(&mut self, node: NodeId, origin: Origin) -> Val {
        let frame = self.frame();
        let ty = frame.builder.ty(node).clone();
        Val::Leaf(Leaf { frame: frame.id, node, ty, origin })
    }

    /// A number as a node.
    pub(super) fn node(&mut self, value: &Val) -> Res<NodeId> {
        match value {
            Val::Leaf(leaf) => Ok(self.here(leaf)),
            Val::Float(x) => Ok(self.builder().constant(Const::F64(*x))),
            Val::Int(n) => Ok(self.builder().constant(Const::I64(*n))),
            Val::Bool(b) => Ok(self.builder().constant(Const::Bool(*b))),
            Val::Undefined => self.error("a variable is used that is not assigned on this path"),
            other => self.error(format!("a number or an array is expected here, not {}", other.abs())),
        }
    }

    /// What a value depends on: a known value on nothing.
    pub(super) fn origin_of(value: &Val) -> Origin {
        match value {
            Val::Leaf(leaf) => leaf.origin.clone(),
            Val::Int(_) | Val::Bool(_) => Origin::From(Rc::default()),
            _ => Origin::Data,
        }
    }

    /// A number as a node of another element type.
    pub(super) fn cast(&mut self, value: &Val, to: Elem) -> Res<NodeId> {
        let node = match (value, to) {
            (Val::Int(n), Elem::F64) => return Ok(self.builder().constant(Const::F64(*n as f64))),
            (Val::Bool(b), Elem::F64) => {
                return Ok(self.builder().constant(Const::F64(f64::from(u8::from(*b)))));
            }
            (Val::Bool(b), Elem::I64) => return Ok(self.builder().constant(Const::I64(i64::from(*b)))),
            _ => self.node(value)?,
        };
        let from = self.builder().ty(node).as_tensor().map(|(elem, _)| elem);
        let def = match (from, to) {
            (Some(a), b) if a == b => return Ok(node),
            (_, Elem::F64) => &prims::TO_F64,
            (_, Elem::I64) => &prims::TO_I64,
            (_, Elem::Bool) => &prims::TO_BOOL,
        };
        Ok(self.builder().prim(def, &[], &[node]))
    }

    /// The leaves of a value in the form of `abs`, as nodes of the current frame.
    pub(super) fn flatten(&mut self, value: &Val, abs: &Abs) -> Res<Vec<(NodeId, Origin)>> {
        let mut out = Vec::new();
        self.flatten_into(value, abs, &mut out)?;
        Ok(out)
    }

    fn flatten_into(&mut self, value: &Val, abs: &Abs, out: &mut Vec<(NodeId, Origin)>) -> Res<()> {
        match (value, abs) {
            (Val::Undefined | Val::Bottom, abs) => {
                let mut types = Vec::new();
                abs.leaves(&mut types);
                for ty in types {
                    out.push((self.builder().zero(ty), Origin::From(Rc::default())));
                }
            }
            (value, Abs::Leaf(ty)) => {
                let elem = ty.as_tensor().map_or(Elem::F64, |(elem, _)| elem);
                let node = self.cast(value, elem)?;
                out.push((node, Self::origin_of(value)));
            }
            (Val::Tuple(items), Abs::Tuple(kinds))
            | (Val::Record(_, items), Abs::Record(_, kinds))
            | (Val::Zip(items), Abs::Zip(kinds)) => {
                for (item, kind) in items.iter().zip(kinds) {
                    self.flatten_into(item, kind, out)?;
                }
            }
            (Val::Slice(items), Abs::Slice(kinds)) | (Val::Range(items), Abs::Range(kinds)) => {
                for (item, kind) in items.iter().zip(kinds) {
                    self.flatten_into(item, kind, out)?;
                }
            }
            (Val::Func(f), Abs::Func(kind)) => self.flatten_parts(f, kind, out)?,
            (Val::Func(f), Abs::Choice(kinds)) => {
                let tag = kinds.iter().position(|k| k.same_code(f)).expect("a join holds its parts");
                let tag = self.builder().constant(Const::I64(tag as i64));
                out.push((tag, Origin::From(Rc::default())));
                for kind in kinds {
                    self.flatten_option(Some(&**f).filter(|f| kind.same_code(f)), kind, out)?;
                }
            }
            (Val::Choice(tag, options), Abs::Choice(kinds)) => {
                let place = |f: &Func<Val>| kinds.iter().position(|k| k.same_code(f)).expect("a join holds its parts");
                let places: Vec<i64> = options.iter().map(|f| place(f) as i64).collect();
                let mut node = self.here(tag);
                if places.iter().enumerate().any(|(i, &p)| i as i64 != p) {
                    let table = self.builder().constant(Const::Ints(Array::from_vec(&[places.len()], places)));
                    node = self.builder().prim(&prims::INDEX, &[], &[table, node]);
                }
                out.push((node, tag.origin.clone()));
                for kind in kinds {
                    self.flatten_option(options.iter().find(|f| kind.same_code(f)), kind, out)?;
                }
            }
            (Val::Dyn(leaf, own), Abs::Dyn(class, _)) if own == class => {
                out.push((self.here(leaf), Origin::Data));
            }
            (Val::Dyn(_, own), Abs::Dyn(class, _)) => {
                let change = self.marks.classes.unify(*own, *class);
                return self.changed(change);
            }
            (Val::Func(_) | Val::Choice(..), Abs::Dyn(class, _)) => {
                out.push((self.member(value, *class)?, Origin::Data));
            }
            (value, kind) if value.abs() == *kind => {}
            (value, kind) => panic!("{value:?} does not have the form {kind}"),
        }
        Ok(())
    }

    fn flatten_parts(&mut self, f: &Func<Val>, kind: &Func<Abs>, out: &mut Vec<(NodeId, Origin)>) -> Res<()> {
        for (part, kind) in f.parts().into_iter().zip(kind.parts()) {
            self.flatten_into(part, kind, out)?;
        }
        Ok(())
    }

    fn flatten_option(&mut self, f: Option<&Func<Val>>, kind: &Func<Abs>, out: &mut Vec<(NodeId, Origin)>) -> Res<()> {
        match f {
            Some(f) => self.flatten_parts(f, kind, out),
            None => {
                for part in kind.parts() {
                    self.flatten_into(&Val::Undefined, part, out)?;
                }
                Ok(())
            }
        }
    }

    /// A value of the form of `abs` from nodes of the current frame.
    pub(super) fn reify_with(&mut self, abs: &Abs, nodes: &[NodeId], origins: &[Origin]) -> Val {
        let mut at = 0;
        let mut next = |cx: &mut Self, _: &Type| {
            let origin = origins.get(at).cloned().unwrap_or_default();
            at += 1;
            cx.leaf(nodes[at - 1], origin)
        };
        self.reify(abs, &mut next)
    }

    /// A value of the form of `abs`, its leaves made by `next`.
    pub(super) fn reify(&mut self, abs: &Abs, next: &mut dyn FnMut(&mut Self, &Type) -> Val) -> Val {
        let all = |cx: &mut Self, items: &[Abs], next: &mut dyn FnMut(&mut Self, &Type) -> Val| {
            items.iter().map(|a| cx.reify(a, next)).collect::<Vec<_>>()
        };
        let three = |items: Vec<Val>| -> Rc<[Val; 3]> { Rc::new(items.try_into().expect("three parts")) };
        match abs {
            Abs::Bottom => Val::Bottom,
            Abs::Undefined => Val::Undefined,
            Abs::Leaf(ty) => next(self, ty),
            Abs::Int(n) => Val::Int(*n),
            Abs::Bool(b) => Val::Bool(*b),
            Abs::Str(s) => Val::Str(s.clone()),
            Abs::None => Val::None,
            Abs::Ellipsis => Val::Ellipsis,
            Abs::Slice(items) => Val::Slice(three(all(self, items, next))),
            Abs::Range(items) => Val::Range(three(all(self, items, next))),
            Abs::Tuple(items) => Val::tuple(all(self, items, next)),
            Abs::Record(ty, items) => Val::Record(ty.clone(), Rc::new(all(self, items, next))),
            Abs::Zip(items) => Val::Zip(Rc::new(all(self, items, next))),
            Abs::Func(f) => Val::func(self.reify_func(f, next)),
            Abs::Dyn(class, ty) => {
                let Val::Leaf(leaf) = next(self, ty) else { panic!("a function value is a leaf") };
                Val::Dyn(leaf, *class)
            }
            Abs::Choice(options) => {
                let Val::Leaf(tag) = next(self, &Type::i64()) else { panic!("a tag is a leaf") };
                let options = options.iter().map(|f| self.reify_func(f, next)).collect();
                Val::Choice(tag, Rc::new(options))
            }
        }
    }

    fn reify_func(&mut self, f: &Func<Abs>, next: &mut dyn FnMut(&mut Self, &Type) -> Val) -> Func<Val> {
        f.rebuild(f.parts().into_iter().map(|a| self.reify(a, next)).collect())
    }

    /// An input of a function: parameters for its leaves.
    pub(super) fn reify_input(&mut self, graph: Option<GraphId>, input: usize, abs: &Abs) -> Val {
        let mut numbers = Vec::new();
        number_leaves(abs, &mut 0, &mut numbers);
        let mut numbers = numbers.into_iter();
        let mut next = |cx: &mut Self, ty: &Type| {
            let node = cx.builder().param(ty.clone());
            let leaf = numbers.next().expect("a number for each leaf");
            let origin = match (graph, leaf) {
                (Some(graph), Some(leaf)) if !ty.is_float() => Origin::one(Source::Input { graph, input, leaf }),
                _ => Origin::Data,
            };
            cx.leaf(node, origin)
        };
        self.reify(abs, &mut next)
    }

    /// An argument of the entry.
    pub(super) fn entry_value(&mut self, layout: &Layout, integers: &mut usize) -> Val {
        match layout {
            Layout::Leaf(ty) => {
                let node = self.builder().param(ty.clone());
                let mut origin = Origin::Data;
                if *ty == Type::i64() {
                    let source = Source::Entry(*integers);
                    *integers += 1;
                    if self.marks.sources.contains_key(&source) {
                        return Val::Int(self.request.integers[*integers - 1]);
                    }
                    origin = Origin::one(source);
                }
                self.leaf(node, origin)
            }
            Layout::Tuple(items) => Val::tuple(items.iter().map(|l| self.entry_value(l, integers)).collect()),
            Layout::Record(ty, items) => {
                let items = items.iter().map(|l| self.entry_value(l, integers)).collect();
                Val::Record(ty.clone(), Rc::new(items))
            }
            Layout::Str(s) => Val::Str(s.clone()),
            Layout::None => Val::None,
        }
    }

    /// The layout of a result that leaves the program.
    pub(super) fn layout(&self, value: &Val) -> Res<Layout> {
        Ok(match value {
            Val::Leaf(leaf) => Layout::Leaf(leaf.ty.clone()),
            Val::Float(_) => Layout::Leaf(Type::f64()),
            Val::Int(_) => Layout::Leaf(Type::i64()),
            Val::Bool(_) => Layout::Leaf(Type::bool()),
            Val::Str(s) => Layout::Str(s.clone()),
            Val::None => Layout::None,
            Val::Tuple(items) => Layout::Tuple(items.iter().map(|v| self.layout(v)).collect::<Res<_>>()?),
            Val::Record(ty, items) => {
                Layout::Record(ty.clone(), items.iter().map(|v| self.layout(v)).collect::<Res<_>>()?)
            }
            other => {
                return self.error_help(
                    format!("{} cannot be the result of `{}`", other.abs(), self.request.entry),
                    "return numbers, arrays, or tuples and records of them: call a function and return what it gives",
                );
            }
        })
    }

    /// Result leaves that are known are still results: everything a layout names becomes a leaf.
    pub(super) fn as_output(value: &Val) -> Abs {
        match value {
            Val::Int(_) => Abs::Leaf(Type::i64()),
            Val::Bool(_) => Abs::Leaf(Type::bool()),
            Val::Tuple(items) => Abs::Tuple(items.iter().map(Self::as_output).collect()),
            Val::Record(ty, items) => Abs::Record(ty.clone(), items.iter().map(Self::as_output).collect()),
            other => other.abs(),
        }
    }

    /// The leaves of the result of a graph, from the node that calls it.
    pub(super) fn result_nodes(&mut self, node: NodeId, count: usize) -> Vec<NodeId> {
        if count == 1 {
            return vec![node];
        }
        (0..count).map(|i| self.builder().get(node, i)).collect()
    }

    /// `leaf == n`.
    pub(super) fn compare_int(&mut self, leaf: &Leaf, n: i64) -> Res<Val> {
        let a = self.here(leaf);
        let b = self.builder().constant(Const::I64(n));
        let node = self.builder().prim(&prims::EQ, &[], &[a, b]);
        Ok(self.leaf(node, leaf.origin.clone()))
    }

    /// Applies a primitive; a shape that does not fit is an error at the current position.
    pub(super) fn prim(&mut self, def: &'static prims::PrimDef, attrs: &[i64], args: &[NodeId]) -> Res<NodeId> {
        match self.builder().try_prim(def, attrs, args) {
            Ok(node) => {
                let shape = self.builder().ty(node).as_tensor().map(|(_, shape)| shape.to_vec());
                self.check_elements(&shape.unwrap_or_default())?;
                Ok(node)
            }
            Err(why) => self.error(why),
        }
    }

    /// Applies a primitive to float operands that were nodes already.
    pub(super) fn float_prim(&mut self, def: &'static prims::PrimDef, attrs: &[i64], args: &[NodeId]) -> Res<Val> {
        let node = self.prim(def, attrs, args)?;
        Ok(self.leaf(node, Origin::Data))
    }
}

/// Numbers the leaves of an input as [`Cx::signature`](super::Cx::signature) does: every number
/// counts, known or not; `None` stands for the tag of a choice and for a
/// function value.
fn number_leaves(abs: &Abs, count: &mut usize, out: &mut Vec<Option<usize>>) {
    match abs {
        Abs::Leaf(_) => {
            out.push(Some(*count));
            *count += 1;
        }
        Abs::Int(_) | Abs::Bool(_) => *count += 1,
        Abs::Slice(items) | Abs::Tuple(items) | Abs::Record(_, items) | Abs::Range(items) | Abs::Zip(items) => {
            items.iter().for_each(|a| number_leaves(a, count, out));
        }
        Abs::Func(f) => f.parts().into_iter().for_each(|a| number_leaves(a, count, out)),
        Abs::Choice(options) => {
            out.push(None);
            options.iter().flat_map(Func::parts).for_each(|a| number_leaves(a, count, out));
        }
        Abs::Dyn(..) => out.push(None),
        Abs::Bottom | Abs::Undefined | Abs::Str(_) | Abs::None | Abs::Ellipsis => {}
    }
}
