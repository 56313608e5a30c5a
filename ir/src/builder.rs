//! Building typed graphs node by node, and [`Expr`], with which derivative rules read as
//! mathematics.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

use smallvec::SmallVec;

use crate::graph::{Args, Const, Graph, Node, NodeId, Op, Signature};
use crate::prims::{self, Attrs, Prim, PrimDef};
use crate::span::Span;
use crate::types::{Elem, Type};
use crate::verify::STATED;

/// A graph under construction. Every node it makes has a type from birth.
#[derive(Debug)]
pub struct Builder {
    graph: Graph,
    /// The source position given to the nodes made from now on.
    pub span: Span,
}

impl Builder {
    /// A graph without nodes.
    pub fn new(name: &str, span: Span) -> Self {
        let graph = Graph {
            name: name.into(),
            params: Vec::new(),
            nodes: Vec::new(),
            ret: NodeId(0),
            span,
            signature: Signature::default(),
        };
        Self { graph, span }
    }

    /// Adds a parameter.
    pub fn param(&mut self, ty: Type) -> NodeId {
        let index = self.graph.params.len() as u32;
        let id = self.emit(Op::Param(index), &[], ty);
        self.graph.params.push(id);
        id
    }

    /// Adds a node of a stated type.
    pub fn emit(&mut self, op: Op, args: &[NodeId], ty: Type) -> NodeId {
        let node = Node { op, args: Args::from_slice(args), ty, span: self.span };
        self.graph.nodes.push(node);
        NodeId(self.graph.nodes.len() as u32 - 1)
    }

    /// Applies a primitive; an error says why the operand types do not fit.
    pub fn try_prim(&mut self, def: &'static PrimDef, attrs: &[i64], args: &[NodeId]) -> Result<NodeId, String> {
        let attrs = Attrs::from_slice(attrs);
        let ty = {
            let types: SmallVec<[&Type; 4]> = args.iter().map(|&a| self.graph.ty(a)).collect();
            (def.ty)(&attrs, &types)?
        };
        Ok(self.emit(Op::Prim(Prim { def, attrs }), args, ty))
    }

    /// Applies a primitive to operands that are known to fit.
    pub fn prim(&mut self, def: &'static PrimDef, attrs: &[i64], args: &[NodeId]) -> NodeId {
        match self.try_prim(def, attrs, args) {
            Ok(id) => id,
            Err(why) => panic!("{} does not fit its operands: {why}", def.name),
        }
    }

    /// Applies a primitive once more, to operands that are known to fit; it has the type `stated`
    /// where its rule leaves that to whoever builds the node.
    pub fn reapply(&mut self, prim: &Prim, args: &[NodeId], stated: Type) -> NodeId {
        match self.try_prim(prim.def, &prim.attrs, args) {
            Ok(id) => id,
            Err(why) if why == STATED => self.emit(Op::Prim(prim.clone()), args, stated),
            Err(why) => panic!("{} does not fit its operands: {why}", prim.def.name),
        }
    }

    /// A constant.
    pub fn constant(&mut self, value: Const) -> NodeId {
        let ty = value.ty();
        self.emit(Op::Const(value), &[], ty)
    }

    /// A node that is identically zero.
    pub fn zero(&mut self, ty: Type) -> NodeId {
        self.emit(Op::Zero, &[], ty)
    }

    /// Several nodes as one.
    pub fn tuple(&mut self, items: &[NodeId]) -> NodeId {
        let ty = Type::Tuple(items.iter().map(|&i| self.graph.ty(i).clone()).collect());
        self.emit(Op::Tuple, items, ty)
    }

    /// Item `index` of a tuple.
    pub fn get(&mut self, tuple: NodeId, index: usize) -> NodeId {
        let node = self.graph.node(tuple);
        if node.op == Op::Tuple {
            return node.args[index];
        }
        let items = node.ty.as_tuple().expect("get of a tuple");
        let ty = items[index].clone();
        self.emit(Op::Get(index as u32), &[tuple], ty)
    }

    /// The sum of two cotangents of one type.
    pub fn accumulate(&mut self, a: NodeId, b: NodeId) -> NodeId {
        if self.graph.node(a).op == Op::Zero {
            return b;
        }
        if self.graph.node(b).op == Op::Zero {
            return a;
        }
        match self.graph.ty(a).clone() {
            Type::Tuple(items) => {
                let sums: Vec<_> = (0..items.len())
                    .map(|i| {
                        let (x, y) = (self.get(a, i), self.get(b, i));
                        self.accumulate(x, y)
                    })
                    .collect();
                self.tuple(&sums)
            }
            Type::Stack(_) => self.prim(&prims::STACK_ADD, &[], &[a, b]),
            Type::Env => self.prim(&prims::ENV_ADD, &[], &[a, b]),
            Type::Tensor(..) => self.prim(&prims::ADD, &[], &[a, b]),
            ty @ (Type::Unknown | Type::Fn(_)) => panic!("cotangents of type {ty} have no sum"),
        }
    }

    /// The type of a node.
    pub fn ty(&self, id: NodeId) -> &Type {
        self.graph.ty(id)
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Ends the graph with its return node.
    pub fn finish(mut self, ret: NodeId) -> Graph {
        self.graph.ret = ret;
        self.graph
    }
}

/// A node of a graph under construction, with arithmetic.
#[derive(Clone, Copy)]
pub struct Expr<'b> {
    builder: &'b RefCell<Builder>,
    /// The node.
    pub id: NodeId,
}

impl fmt::Debug for Expr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)
    }
}

impl<'b> Expr<'b> {
    /// A node as an expression.
    pub fn new(builder: &'b RefCell<Builder>, id: NodeId) -> Self {
        Self { builder, id }
    }

    /// Applies a primitive with this as first operand.
    #[must_use]
    pub fn apply(self, def: &'static PrimDef, attrs: &[i64], rest: &[Expr<'b>]) -> Self {
        let args: Args = std::iter::once(self.id).chain(rest.iter().map(|e| e.id)).collect();
        let id = self.builder.borrow_mut().prim(def, attrs, &args);
        Self { id, ..self }
    }

    /// The type.
    pub fn ty(self) -> Type {
        self.builder.borrow().ty(self.id).clone()
    }

    /// The extents of a tensor.
    pub fn shape(self) -> Vec<usize> {
        self.ty().shape().to_vec()
    }

    /// A float constant.
    #[must_use]
    pub fn lit(self, x: f64) -> Self {
        self.constant(Const::F64(x))
    }

    /// A constant.
    #[must_use]
    pub fn constant(self, value: Const) -> Self {
        let id = self.builder.borrow_mut().constant(value);
        Self { id, ..self }
    }

    /// A node that is identically zero.
    #[must_use]
    pub fn zero(self, ty: Type) -> Self {
        let id = self.builder.borrow_mut().zero(ty);
        Self { id, ..self }
    }

    /// Item `index` of a tuple.
    #[must_use]
    pub fn get(self, index: usize) -> Self {
        let id = self.builder.borrow_mut().get(self.id, index);
        Self { id, ..self }
    }

    /// Several as one.
    #[must_use]
    pub fn tuple(self, rest: &[Expr<'b>]) -> Self {
        let items: Args = std::iter::once(self.id).chain(rest.iter().map(|e| e.id)).collect();
        let id = self.builder.borrow_mut().tuple(&items);
        Self { id, ..self }
    }

    /// The transpose of broadcasting: sums over the axes along which `shape` was stretched to the
    /// shape of this.
    #[must_use]
    pub fn sum_to(self, shape: &[usize]) -> Self {
        let from = self.shape();
        if from == shape {
            return self;
        }
        let lead = from.len() - shape.len();
        let stretched = |&i: &usize| i < lead || (shape[i - lead] == 1 && from[i] != 1);
        let axes: Vec<i64> = (0..from.len()).filter(stretched).map(|i| i as i64).collect();
        let sum = if axes.is_empty() { self } else { self.apply(&prims::SUM, &axes, &[]) };
        sum.reshape(shape)
    }

    /// The same elements in another shape.
    #[must_use]
    pub fn reshape(self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self;
        }
        let attrs: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        self.apply(&prims::RESHAPE, &attrs, &[])
    }

    /// Stretched to a shape by the rules of broadcasting.
    #[must_use]
    pub fn broadcast_to(self, shape: &[usize]) -> Self {
        if self.shape() == shape {
            return self;
        }
        let attrs: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        self.apply(&prims::BROADCAST_TO, &attrs, &[])
    }

    /// Repeated along a new leading axis.
    #[must_use]
    pub fn repeated(self, count: usize) -> Self {
        let (ty, is_zero) = (self.ty(), self.builder.borrow().graph().node(self.id).op == Op::Zero);
        let (elem, shape) = ty.as_tensor().expect("a tensor");
        let full: Vec<usize> = std::iter::once(count).chain(shape.iter().copied()).collect();
        if is_zero { self.zero(Type::tensor(elem, &full)) } else { self.broadcast_to(&full) }
    }

    /// One axis moved to another place, the others in order.
    #[must_use]
    pub fn moved(self, from: usize, to: usize) -> Self {
        let mut order: Vec<i64> = (0..self.shape().len() as i64).collect();
        let axis = order.remove(from);
        order.insert(to, axis);
        self.transpose(&order)
    }

    /// The transpose of a reduction over `axes`: from the reduced shape back to `shape`, each
    /// element repeated along the axes.
    #[must_use]
    pub fn unreduce(self, axes: &[i64], shape: &[usize]) -> Self {
        let kept = |(i, &n): (usize, &usize)| if axes.contains(&(i as i64)) { 1 } else { n };
        let kept: Vec<usize> = shape.iter().enumerate().map(kept).collect();
        self.reshape(&kept).broadcast_to(shape)
    }

    /// The part `start..stop` of one axis, everything of the others.
    #[must_use]
    pub fn narrow(self, axis: usize, start: usize, stop: usize) -> Self {
        let mut attrs = full_slice(&self.shape());
        attrs[3 * axis] = start as i64;
        attrs[3 * axis + 1] = stop as i64;
        self.apply(&prims::SLICE, &attrs, &[])
    }

    /// The same elements in reverse order along one axis.
    #[must_use]
    pub fn reverse(self, axis: usize) -> Self {
        let shape = self.shape();
        let mut attrs = full_slice(&shape);
        attrs[3 * axis..3 * axis + 3].copy_from_slice(&[shape[axis] as i64 - 1, -1, -1]);
        self.apply(&prims::SLICE, &attrs, &[])
    }

    /// The sum over axes.
    #[must_use]
    pub fn sum(self, axes: &[i64]) -> Self {
        self.apply(&prims::SUM, axes, &[])
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of this.
    #[must_use]
    pub fn transpose(self, order: &[i64]) -> Self {
        if order.iter().enumerate().all(|(i, &axis)| axis == i as i64) {
            return self;
        }
        self.apply(&prims::TRANSPOSE, order, &[])
    }

    /// This and the others, one after another along an axis.
    #[must_use]
    pub fn concat(self, axis: usize, rest: &[Expr<'b>]) -> Self {
        self.apply(&prims::CONCAT, &[axis as i64], rest)
    }

    /// To a constant integer power.
    #[must_use]
    pub fn powi(self, n: i64) -> Self {
        self.apply(&prims::POWI, &[n], &[])
    }

    /// With this as mask: `yes` where it holds, `no` elsewhere.
    #[must_use]
    pub fn select(self, yes: Expr<'b>, no: Expr<'b>) -> Self {
        self.apply(&prims::SELECT, &[], &[yes, no])
    }

    /// Field `index` of a cotangent of a function value, of a stated type.
    #[must_use]
    pub fn env_get(self, index: usize, ty: Type) -> Self {
        let op = Op::Prim(Prim { def: &prims::ENV_GET, attrs: Attrs::from_slice(&[index as i64]) });
        let id = self.builder.borrow_mut().emit(op, &[self.id], ty);
        Self { id, ..self }
    }

    /// Whether this is a tensor of floats.
    pub fn is_float(self) -> bool {
        matches!(self.ty(), Type::Tensor(Elem::F64, _))
    }
}

/// Attributes of a slice that takes everything.
fn full_slice(shape: &[usize]) -> Vec<i64> {
    shape.iter().flat_map(|&n| [0, n as i64, 1]).collect()
}

macro_rules! functions {
    ($($name:ident $prim:ident($($other:ident)?) $about:literal;)*) => {
        impl<'b> Expr<'b> {$(
            #[doc = $about]
            #[must_use]
            pub fn $name(self $(, $other: Expr<'b>)?) -> Self {
                self.apply(&prims::$prim, &[], &[$($other)?])
            }
        )*}
    };
}
functions! {
    log LOG() "The natural logarithm.";
    sin SIN() "The sine.";
    cos COS() "The cosine.";
    sinh SINH() "The hyperbolic sine.";
    cosh COSH() "The hyperbolic cosine.";
    sqrt SQRT() "The square root.";
    cbrt CBRT() "The cube root.";
    sign SIGN() "-1, 0 or 1.";
    to_f64 TO_F64() "The same numbers as floats.";
    pow POW(exponent) "To a power.";
    floordiv FLOORDIV(other) "The quotient rounded down.";
    gt GT(other) "Where this is greater.";
    lt LT(other) "Where this is less.";
    equals EQ(other) "Where both are equal.";
    and LOGICAL_AND(other) "Where both hold.";
}

macro_rules! operators {
    ($($trait:ident $method:ident $prim:ident)*) => {$(
        impl<'b> $trait for Expr<'b> {
            type Output = Expr<'b>;
            fn $method(self, other: Expr<'b>) -> Expr<'b> {
                self.apply(&prims::$prim, &[], &[other])
            }
        }
        impl<'b> $trait<f64> for Expr<'b> {
            type Output = Expr<'b>;
            fn $method(self, other: f64) -> Expr<'b> {
                self.apply(&prims::$prim, &[], &[self.lit(other)])
            }
        }
        impl<'b> $trait<Expr<'b>> for f64 {
            type Output = Expr<'b>;
            fn $method(self, other: Expr<'b>) -> Expr<'b> {
                other.lit(self).apply(&prims::$prim, &[], &[other])
            }
        }
    )*};
}
operators! { Add add ADD Sub sub SUB Mul mul MUL Div div DIV }

impl<'b> Neg for Expr<'b> {
    type Output = Expr<'b>;
    fn neg(self) -> Expr<'b> {
        self.apply(&prims::NEG, &[], &[])
    }
}
