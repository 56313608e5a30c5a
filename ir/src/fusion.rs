//! Which nodes can be computed together in one walk over a space of elements, and how.
//!
//! A [`Region`] is a set of nodes of one graph over one space: the extents of an array without those that are 1. Its members
//! have an element for each place of the space, or, if the space is *split* into rows × columns, one for each row: what
//! a reduction of the rows gives, and what is computed from that. Sums over the rows or over everything end a
//! region: nothing in it reads them. The pass `fuse` grows regions node by node with [`Region::join`]; the executor lowers
//! their bodies by growing them again.
//!
//! Primitives with errors that depend on data are no members, nor is anything over empty arrays.

use adjudicate_kernels::fused::{Builder, Code, Elem, Layout, MAX_ROW, Scalar, Val};
use adjudicate_kernels::{Binary, Compare, IntBinary, IntUnary, Kind, Logic, MAX_POWER, Other, Reduce, Unary};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::graph::{Graph, NodeId, Op};
use crate::prims::Prim;
use crate::types::{self, Type};

/// What a primitive is to a region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// One step.
    Step(Code),
    /// A step whose second operand is a number.
    With(Code, f64),
    /// A comparison of the absolute value with infinity.
    Infinite(Compare),
    /// Whether an operand differs from itself.
    Nan,
    /// Two truth values compared: exclusive or, negated or not.
    Xor(bool),
    /// Whether a number is not zero.
    Truth(Elem),
    /// The same elements, axes of length 1 aside.
    Same,
    /// Repeated along axes.
    Repeat,
    /// A reduction.
    Reduce(Reduce),
}

impl Form {
    /// Adds a node of this form to a program. It stands for a kernel call on `n` elements, or for none if that is 0; `from` is
    /// the type of its first operand.
    pub fn build(self, b: &mut Builder, args: &[Val], from: &Type, n: usize) -> Val {
        match self {
            Form::Step(code) => b.step(code, args, n),
            Form::With(code, x) => {
                let x = b.constant(Scalar::F64(x));
                b.step(code, &[args[0], x], n)
            }
            Form::Infinite(op) => {
                let size = b.step(Code::Unary(Unary::Abs), args, n);
                let infinity = b.constant(Scalar::F64(f64::INFINITY));
                b.step(Code::Compare(op, Elem::F64), &[size, infinity], n)
            }
            Form::Nan => b.step(Code::Compare(Compare::Ne, Elem::F64), &[args[0], args[0]], n),
            Form::Xor(negated) => {
                let differ = b.step(Code::Logic(Logic::Xor), args, n);
                if negated { b.step(Code::Not, &[differ], n) } else { differ }
            }
            Form::Truth(elem) => {
                let zero = b.constant(if elem == Elem::F64 { Scalar::F64(0.0) } else { Scalar::I64(0) });
                b.step(Code::Compare(Compare::Ne, elem), &[args[0], zero], n)
            }
            Form::Same => args[0],
            Form::Repeat => {
                if n > 0 {
                    b.call(repeating(from), 0);
                }
                args[0]
            }
            Form::Reduce(op) => b.step(Code::Reduce(op), args, n),
        }
    }
}

/// The form of a primitive; `None` if it is no member of a region.
pub fn form(prim: &Prim, operands: &[&Type], ty: &Type) -> Option<Form> {
    use Form::{Infinite, Nan, Same, Step, Truth, Xor};
    let (types::Elem::F64 | types::Elem::I64 | types::Elem::Bool, _) = ty.as_tensor()?;
    let elem = element(operands.first()?)?;
    let arithmetic = |op: Binary, int: IntBinary| match elem {
        Elem::F64 => Some(Step(Code::Binary(op))),
        // A single integer may not fit 64 bits, which is an error that depends on data.
        Elem::I64 if ty.shape().is_empty() && matches!(int, IntBinary::Add | IntBinary::Sub | IntBinary::Mul) => None,
        Elem::I64 => Some(Step(Code::IntBinary(int))),
        Elem::Bool => None,
    };
    let sign = |op: Unary, int: IntUnary| match elem {
        Elem::F64 => Some(Step(Code::Unary(op))),
        Elem::I64 if ty.shape().is_empty() && int != IntUnary::Sign => None,
        Elem::I64 => Some(Step(Code::IntUnary(int))),
        Elem::Bool => None,
    };
    let float_binary = |op: Binary| (elem == Elem::F64).then_some(Step(Code::Binary(op)));
    let unary = |op: Unary| Some(Step(Code::Unary(op)));
    let compare = |op: Compare| Some(Step(Code::Compare(op, elem)));
    match prim.def.name {
        "add" => arithmetic(Binary::Add, IntBinary::Add),
        "sub" => arithmetic(Binary::Sub, IntBinary::Sub),
        "mul" => arithmetic(Binary::Mul, IntBinary::Mul),
        "maximum" => arithmetic(Binary::Maximum, IntBinary::Maximum),
        "minimum" => arithmetic(Binary::Minimum, IntBinary::Minimum),
        "div" => float_binary(Binary::Div),
        "floordiv" => float_binary(Binary::FloorDiv),
        "mod" => float_binary(Binary::Mod),
        "pow" => float_binary(Binary::Pow),
        "arctan2" => float_binary(Binary::Arctan2),
        "powi" => Some(power(prim.attrs[0])),
        "neg" => sign(Unary::Neg, IntUnary::Neg),
        "abs" => sign(Unary::Abs, IntUnary::Abs),
        "sign" => sign(Unary::Sign, IntUnary::Sign),
        "exp" => unary(Unary::Exp),
        "expm1" => unary(Unary::Expm1),
        "log" => unary(Unary::Log),
        "log1p" => unary(Unary::Log1p),
        "sqrt" => unary(Unary::Sqrt),
        "cbrt" => unary(Unary::Cbrt),
        "sin" => unary(Unary::Sin),
        "cos" => unary(Unary::Cos),
        "tan" => unary(Unary::Tan),
        "arcsin" => unary(Unary::Arcsin),
        "arccos" => unary(Unary::Arccos),
        "arctan" => unary(Unary::Arctan),
        "sinh" => unary(Unary::Sinh),
        "cosh" => unary(Unary::Cosh),
        "tanh" => unary(Unary::Tanh),
        "sigmoid" => unary(Unary::Sigmoid),
        "floor" => unary(Unary::Floor),
        "ceil" => unary(Unary::Ceil),
        "lt" => compare(Compare::Lt),
        "le" => compare(Compare::Le),
        "gt" => compare(Compare::Gt),
        "ge" => compare(Compare::Ge),
        "eq" if elem == Elem::Bool => Some(Xor(true)),
        "ne" if elem == Elem::Bool => Some(Xor(false)),
        "eq" => compare(Compare::Eq),
        "ne" => compare(Compare::Ne),
        "logical_and" => Some(Step(Code::Logic(Logic::And))),
        "logical_or" => Some(Step(Code::Logic(Logic::Or))),
        "logical_xor" => Some(Step(Code::Logic(Logic::Xor))),
        "logical_not" => Some(Step(Code::Not)),
        "select" => Some(Step(Code::Select(element(ty)?))),
        "to_f64" => Some(Step(Code::Cast(elem, Elem::F64))),
        "to_i64" if elem == Elem::F64 && ty.shape().is_empty() => None,
        "to_i64" => Some(Step(Code::Cast(elem, Elem::I64))),
        "to_bool" => Some(Truth(elem)),
        "isnan" => Some(Nan),
        "isinf" => Some(Infinite(Compare::Eq)),
        "isfinite" => Some(Infinite(Compare::Lt)),
        "reshape" if extents(operands[0]) == extents(ty) => Some(Same),
        "broadcast_to" => Some(Form::Repeat),
        "sum" if prim.attrs.is_empty() => Some(Same),
        "sum" if elem == Elem::F64 => Some(Form::Reduce(Reduce::Sum)),
        "prod" if !prim.attrs.is_empty() => Some(Form::Reduce(Reduce::Prod)),
        "max" if !prim.attrs.is_empty() => Some(Form::Reduce(Reduce::Max)),
        "min" if !prim.attrs.is_empty() => Some(Form::Reduce(Reduce::Min)),
        _ => None,
    }
}

fn power(n: i64) -> Form {
    match n {
        -1 => Form::Step(Code::Unary(Unary::Reciprocal)),
        1 => Form::Same,
        2 => Form::Step(Code::Unary(Unary::Square)),
        n if n.unsigned_abs() <= MAX_POWER as u64 => Form::Step(Code::Power(n as i32)),
        n => Form::With(Code::Binary(Binary::Pow), n as f64),
    }
}

/// The element type of a tensor.
pub fn element(ty: &Type) -> Option<Elem> {
    Some(match ty.as_tensor()?.0 {
        types::Elem::F64 => Elem::F64,
        types::Elem::I64 => Elem::I64,
        types::Elem::Bool => Elem::Bool,
    })
}

/// The kind of kernel that repeats a value.
pub fn repeating(from: &Type) -> Kind {
    Kind::Other(if from.shape().is_empty() { Other::Fill } else { Other::Broadcast })
}

type Extents = SmallVec<[usize; 4]>;

/// Extents without those that are 1.
fn extents(ty: &Type) -> Extents {
    ty.shape().iter().copied().filter(|&n| n != 1).collect()
}

/// What a member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rep {
    /// An element for each place.
    Full,
    /// An element for each row.
    Column,
    /// A sum at the end.
    Sum,
}

/// How a node is computed in a region.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Its form.
    pub form: Form,
    /// What it has.
    pub rep: Rep,
    /// How each operand lies in the space.
    pub operands: SmallVec<[Layout; 3]>,
    /// Where this splits the space, if it does.
    split: Option<usize>,
}

impl Way {
    /// Whether rows and columns differ.
    pub fn splits(&self) -> bool {
        self.split.is_some()
    }
}

/// Nodes that are computed together.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// Single elements of rank 0 have a kind of region of their own.
    pub scalar: bool,
    extents: Extents,
    /// How many of the extents make the rows.
    split: Option<usize>,
    /// The members.
    pub members: FxHashMap<NodeId, Rep>,
}

impl Region {
    /// An empty region in which a node can be the first.
    pub fn around(graph: &Graph, id: NodeId) -> Option<Region> {
        let node = graph.node(id);
        let Op::Prim(prim) = &node.op else { return None };
        let types: SmallVec<[&Type; 4]> = node.args.iter().map(|&a| graph.ty(a)).collect();
        let form = form(prim, &types, &node.ty)?;
        let space = if matches!(form, Form::Reduce(_)) { types[0] } else { &node.ty };
        let scalar = space.shape().is_empty();
        let region = Region { scalar, extents: extents(space), ..Region::default() };
        (!region.extents.contains(&0)).then_some(region)
    }

    /// Both as one, if they go together.
    pub fn merged(&self, other: &Region) -> Option<Region> {
        let split = match (self.split, other.split) {
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b),
        };
        if self.scalar != other.scalar || self.extents != other.extents {
            return None;
        }
        let mut merged = Region { split, ..self.clone() };
        merged.members.extend(&other.members);
        Some(merged)
    }

    /// Rows and columns.
    pub fn space(&self) -> (usize, usize) {
        let (rows, columns) = self.extents.split_at(self.split.unwrap_or(0));
        (rows.iter().product(), columns.iter().product())
    }

    /// How a node would be computed here.
    pub fn way(&self, graph: &Graph, id: NodeId) -> Option<Way> {
        let node = graph.node(id);
        let Op::Prim(prim) = &node.op else { return None };
        let types: SmallVec<[&Type; 4]> = node.args.iter().map(|&a| graph.ty(a)).collect();
        let form = form(prim, &types, &node.ty)?;
        let of_rank_0 = |ty: &Type| ty.shape().is_empty();
        let fits = self.scalar == of_rank_0(&node.ty) && (!self.scalar || types.iter().all(|ty| of_rank_0(ty)));
        if !fits && !matches!(form, Form::Reduce(_)) {
            return None;
        }
        match form {
            Form::Reduce(op) => self.reduction(node.args[0], op, &prim.attrs, types[0]),
            form if extents(&node.ty) == self.extents => self.full(&node.args, &types, &node.ty, form),
            form => self.column(&node.args, &types, &node.ty, form),
        }
    }

    /// Adds a node.
    pub fn join(&mut self, graph: &Graph, id: NodeId) -> Option<Way> {
        let way = self.way(graph, id)?;
        self.split = self.split.or(way.split);
        self.members.insert(id, way.rep);
        Some(way)
    }

    fn agrees(&self, split: &mut Option<usize>, at: usize) -> bool {
        let known = self.split.or(*split);
        *split = Some(at);
        known.is_none_or(|known| known == at)
    }

    fn full(&self, args: &[NodeId], types: &[&Type], ty: &Type, form: Form) -> Option<Way> {
        let mut split = None;
        let mut operands = SmallVec::new();
        for (arg, from) in args.iter().zip(types) {
            let (layout, at) = if form == Form::Same { (Layout::Full, None) } else { layout(from, ty)? };
            if let Some(at) = at
                && !self.agrees(&mut split, at)
            {
                return None;
            }
            let fits = match self.members.get(arg) {
                None => true,
                Some(Rep::Full) => layout == Layout::Full,
                Some(Rep::Column) => layout == Layout::Column,
                Some(Rep::Sum) => false,
            };
            if !fits {
                return None;
            }
            operands.push(layout);
        }
        Some(Way { form, rep: Rep::Full, operands, split })
    }

    /// A node with one element for each row: computed from such members.
    fn column(&self, args: &[NodeId], types: &[&Type], ty: &Type, form: Form) -> Option<Way> {
        let split = self.split.filter(|&k| self.extents[..k] == *extents(ty))?;
        args.iter().find(|a| self.members.get(a) == Some(&Rep::Column))?;
        let mut operands = SmallVec::new();
        for (arg, from) in args.iter().zip(types) {
            let own = if form == Form::Same { Layout::Full } else { layout(from, ty)?.0 };
            let member = self.members.get(arg);
            operands.push(match own {
                Layout::Full if member.is_none_or(|&rep| rep == Rep::Column) => Layout::Column,
                Layout::Scalar if member.is_none() => Layout::Scalar,
                _ => return None,
            });
        }
        Some(Way { form, rep: Rep::Column, operands, split: Some(split) })
    }

    fn reduction(&self, arg: NodeId, op: Reduce, axes: &[i64], ty: &Type) -> Option<Way> {
        if extents(ty) != self.extents || self.scalar || !self.members.get(&arg).is_none_or(|&rep| rep == Rep::Full) {
            return None;
        }
        let operands = SmallVec::from_slice(&[Layout::Full]);
        let form = Form::Reduce(op);
        let reduced: SmallVec<[bool; 4]> = (0..ty.shape().len())
            .filter(|&axis| ty.shape()[axis] != 1)
            .map(|axis| axes.contains(&(axis as i64)))
            .collect();
        let member = self.members.contains_key(&arg);
        if reduced.iter().all(|&r| r) {
            // Over axes of length 1 alone nothing is added; over every axis the plain kernel adds to zero.
            let everything = axes.len() == ty.shape().len();
            let sums = op == Reduce::Sum && member && (everything || !reduced.is_empty());
            return sums.then_some(Way { form, rep: Rep::Sum, operands, split: None });
        }
        let at = reduced.iter().position(|&r| r != reduced[0])?;
        let contiguous = reduced[at..].iter().all(|&r| r != reduced[0]);
        if !contiguous || self.split.is_some_and(|k| k != at) {
            return None;
        }
        let columns: usize = self.extents[at..].iter().product();
        let rep = match reduced[0] {
            true if op == Reduce::Sum && member => Rep::Sum,
            false if columns <= MAX_ROW => Rep::Column,
            _ => return None,
        };
        Some(Way { form, rep, operands, split: Some(at) })
    }
}

/// How an operand lies in the space of a result, and where that splits the space.
fn layout(from: &Type, ty: &Type) -> Option<(Layout, Option<usize>)> {
    let (from, to) = (from.shape(), ty.shape());
    if to.is_empty() || to.iter().all(|&n| n == 1) {
        let layout = if from.is_empty() && !to.is_empty() { Layout::Scalar } else { Layout::Full };
        return Some((layout, None));
    }
    let lead = to.len() - from.len();
    let length = |axis: usize| axis.checked_sub(lead).map_or(1, |i| from[i]);
    let real: SmallVec<[bool; 4]> =
        (0..to.len()).filter(|&axis| to[axis] != 1).map(|axis| length(axis) == to[axis]).collect();
    let Some(at) = real.iter().position(|&r| r != real[0]) else {
        return Some((if real[0] { Layout::Full } else { Layout::Scalar }, None));
    };
    let contiguous = real[at..].iter().all(|&r| r != real[0]);
    let layout = if real[0] { Layout::Column } else { Layout::Row };
    contiguous.then_some((layout, Some(at)))
}
