//! What the specialiser knows of a value while it emits typed graphs.
//!
//! A [`Val`] keeps structure symbolic: tuples, records and functions are never nodes, only their
//! leaves are. An [`Abs`] is a `Val` without its nodes: the part of a signature that a copy of a
//! function is made for, and the shape in which leaves cross from one graph to another.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::graph::{GraphId, NodeId, RecordType};
use crate::types::{Elem, Type};

use super::classes::Class;
use super::origin::Origin;

/// A number known only at run time: a node of a graph under construction.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The frame whose builder owns the node.
    pub(super) frame: u32,
    /// The node.
    pub(super) node: NodeId,
    /// Its type.
    pub(super) ty: Type,
    /// What would have to be known for this to be known; of integers and booleans.
    pub(super) origin: Origin,
}

/// A value during specialisation.
#[derive(Clone, Debug)]
pub(super) enum Val {
    /// The result of a call whose result is not known yet.
    Bottom,
    /// A variable that is not assigned on this path.
    Undefined,
    /// Known only at run time.
    Leaf(Leaf),
    /// A known float.
    Float(f64),
    /// A known integer.
    Int(i64),
    /// A known boolean.
    Bool(bool),
    /// A known string.
    Str(Arc<str>),
    /// `None`.
    None,
    /// `...` in an index.
    Ellipsis,
    /// `start:stop:step` in an index.
    Slice(Rc<[Val; 3]>),
    /// A tuple or list.
    Tuple(Rc<Vec<Val>>),
    /// A record.
    Record(Arc<RecordType>, Rc<Vec<Val>>),
    /// `range(start, stop, step)`.
    Range(Rc<[Val; 3]>),
    /// Several sequences walked side by side.
    Zip(Rc<Vec<Val>>),
    /// A function.
    Func(Rc<Func<Val>>),
    /// One of several functions; the leaf, an integer, says which.
    Choice(Leaf, Rc<Vec<Func<Val>>>),
    /// A function known only at run time, of a [class](super::classes).
    Dyn(Leaf, Class),
}

/// A function, with what it captures as `V`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Func<V> {
    /// A function of the program: values of its free variables in the order of
    /// [`free variables`](super::free::FreeVariables), then of its defaults.
    Graph { graph: GraphId, captures: Vec<V>, defaults: Vec<V> },
    /// A function of the language.
    Builtin(&'static str),
    /// A method and the object it belongs to.
    Method(Arc<str>, Box<V>),
    /// A derivative of a function.
    Derived { kind: Derived, wrt: Wrt, function: Box<V> },
    /// `wrt` arguments of a function as the only ones, the others fixed.
    Restricted { function: Box<V>, wrt: Wrt, args: Vec<V> },
    /// The backpropagator of a function at arguments: from the cotangent of the result to the
    /// tuple of cotangents of the arguments.
    Pullback { function: Box<V>, args: Vec<V> },
    /// A function of many lanes at once.
    Vmapped { function: Box<V>, axes: Axes },
    /// A function with leading arguments fixed.
    Partial { function: Box<V>, args: Vec<V> },
    /// A known function as code of a run-time function value of a class.
    Member { class: Class, function: Box<V> },
}

/// A derivative as a function of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Derived {
    /// `grad`.
    Grad,
    /// `value_and_grad`.
    ValueAndGrad,
    /// `jacobian`.
    Jacobian,
    /// `hessian`.
    Hessian,
    /// `hvp`: takes the vectors after the arguments.
    Hvp,
}

/// Positions of the arguments to differentiate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wrt {
    /// One argument: the result has its structure.
    One(usize),
    /// Several: the result is a tuple.
    Many(Vec<usize>),
}

/// Along which axis a value has its lanes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Axes {
    /// It is the same in all lanes.
    None,
    /// Along this axis of each array in it, from the end if negative.
    At(i64),
    /// Item by item; of a function, argument by argument.
    Items(Vec<Axes>),
}

impl Wrt {
    pub(super) fn positions(&self) -> &[usize] {
        match self {
            Wrt::One(i) => std::slice::from_ref(i),
            Wrt::Many(all) => all,
        }
    }
}

/// A `Val` without nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Abs {
    /// Not known yet.
    Bottom,
    /// Never read.
    Undefined,
    /// A run-time value of this type.
    Leaf(Type),
    /// A known integer.
    Int(i64),
    /// A known boolean.
    Bool(bool),
    /// A known string.
    Str(Arc<str>),
    /// `None`.
    None,
    /// `...`.
    Ellipsis,
    /// A slice.
    Slice(Vec<Abs>),
    /// A tuple.
    Tuple(Vec<Abs>),
    /// A record.
    Record(Arc<RecordType>, Vec<Abs>),
    /// A range.
    Range(Vec<Abs>),
    /// Sequences side by side.
    Zip(Vec<Abs>),
    /// A function.
    Func(Func<Abs>),
    /// One of several functions.
    Choice(Vec<Func<Abs>>),
    /// A function known only at run time, of a class, which has this type.
    Dyn(Class, Type),
}

impl<V> Func<V> {
    /// The values a function carries, in order.
    pub(super) fn parts(&self) -> Vec<&V> {
        match self {
            Func::Graph { captures, defaults, .. } => captures.iter().chain(defaults).collect(),
            Func::Builtin(_) => Vec::new(),
            Func::Method(_, object) => vec![object],
            Func::Derived { function, .. } | Func::Vmapped { function, .. } | Func::Member { function, .. } => {
                vec![function]
            }
            Func::Restricted { function, args, .. }
            | Func::Pullback { function, args }
            | Func::Partial { function, args } => std::iter::once(&**function).chain(args).collect(),
        }
    }

    /// The same function with other values carried; one for each of [`parts`](Self::parts).
    pub(super) fn rebuild<W>(&self, parts: Vec<W>) -> Func<W> {
        let mut parts = parts.into_iter();
        let mut next = || parts.next().expect("a value for each part");
        match self {
            Func::Graph { graph, captures, defaults } => Func::Graph {
                graph: *graph,
                captures: captures.iter().map(|_| next()).collect(),
                defaults: defaults.iter().map(|_| next()).collect(),
            },
            Func::Builtin(name) => Func::Builtin(name),
            Func::Method(name, _) => Func::Method(name.clone(), Box::new(next())),
            Func::Derived { kind, wrt, .. } => {
                Func::Derived { kind: *kind, wrt: wrt.clone(), function: Box::new(next()) }
            }
            Func::Vmapped { axes, .. } => Func::Vmapped { function: Box::new(next()), axes: axes.clone() },
            Func::Member { class, .. } => Func::Member { class: *class, function: Box::new(next()) },
            Func::Restricted { wrt, args, .. } => Func::Restricted {
                function: Box::new(next()),
                wrt: wrt.clone(),
                args: args.iter().map(|_| next()).collect(),
            },
            Func::Pullback { args, .. } => {
                Func::Pullback { function: Box::new(next()), args: args.iter().map(|_| next()).collect() }
            }
            Func::Partial { args, .. } => {
                Func::Partial { function: Box::new(next()), args: args.iter().map(|_| next()).collect() }
            }
        }
    }

    /// What kind of function this is.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Func::Graph { .. } => "function",
            Func::Builtin(name) => name,
            Func::Method(..) => "method",
            Func::Derived { .. } => "derivative",
            Func::Restricted { .. } => "restricted",
            Func::Pullback { .. } => "pullback",
            Func::Vmapped { .. } => "vmap",
            Func::Partial { .. } => "partial",
            Func::Member { .. } => "member",
        }
    }

    /// Whether two functions have the same code, so that only what they carry may differ.
    pub(super) fn same_code<W>(&self, other: &Func<W>) -> bool
    where
        V: Clone,
        W: Clone,
    {
        let unit = |n: usize| vec![(); n];
        self.rebuild(unit(self.parts().len())) == other.rebuild(unit(other.parts().len()))
    }
}

impl Val {
    /// A tuple.
    pub(super) fn tuple(items: Vec<Val>) -> Val {
        Val::Tuple(Rc::new(items))
    }

    /// A function.
    pub(super) fn func(f: Func<Val>) -> Val {
        Val::Func(Rc::new(f))
    }

    /// The value without its nodes.
    pub(super) fn abs(&self) -> Abs {
        let all = |items: &[Val]| items.iter().map(Val::abs).collect::<Vec<_>>();
        match self {
            Val::Bottom => Abs::Bottom,
            Val::Undefined => Abs::Undefined,
            Val::Leaf(leaf) => Abs::Leaf(leaf.ty.clone()),
            Val::Float(_) => Abs::Leaf(Type::f64()),
            Val::Int(n) => Abs::Int(*n),
            Val::Bool(b) => Abs::Bool(*b),
            Val::Str(s) => Abs::Str(s.clone()),
            Val::None => Abs::None,
            Val::Ellipsis => Abs::Ellipsis,
            Val::Slice(parts) => Abs::Slice(all(&parts[..])),
            Val::Tuple(items) => Abs::Tuple(all(items)),
            Val::Record(ty, items) => Abs::Record(ty.clone(), all(items)),
            Val::Range(parts) => Abs::Range(all(&parts[..])),
            Val::Zip(items) => Abs::Zip(all(items)),
            Val::Func(f) => Abs::Func(abs_func(f)),
            Val::Choice(_, options) => Abs::Choice(options.iter().map(abs_func).collect()),
            Val::Dyn(leaf, class) => Abs::Dyn(*class, leaf.ty.clone()),
        }
    }

    /// Whether the result of a recursive call that is not known yet is part of this.
    pub(super) fn has_bottom(&self) -> bool {
        match self {
            Val::Bottom => true,
            Val::Slice(parts) | Val::Range(parts) => parts.iter().any(Val::has_bottom),
            Val::Tuple(items) | Val::Record(_, items) | Val::Zip(items) => items.iter().any(Val::has_bottom),
            Val::Func(f) => f.parts().into_iter().any(Val::has_bottom),
            Val::Choice(_, options) => options.iter().any(|f| f.parts().into_iter().any(Val::has_bottom)),
            Val::Undefined
            | Val::Leaf(_)
            | Val::Float(_)
            | Val::Int(_)
            | Val::Bool(_)
            | Val::Str(_)
            | Val::None
            | Val::Ellipsis
            | Val::Dyn(..) => false,
        }
    }
}

fn abs_func(f: &Func<Val>) -> Func<Abs> {
    f.rebuild(f.parts().into_iter().map(Val::abs).collect())
}

impl Abs {
    /// What holds of both; an error says in words why nothing does.
    pub(super) fn join(&self, other: &Abs) -> Result<Abs, Clash> {
        use Abs::{Bool, Bottom, Choice, Dyn, Func as F, Int, Leaf, Range, Record, Slice, Tuple, Undefined, Zip};
        let clash = || Clash { left: self.to_string(), right: other.to_string(), classes: None };
        let all = |a: &[Abs], b: &[Abs]| -> Result<Vec<Abs>, Clash> {
            if a.len() != b.len() {
                return Err(clash());
            }
            a.iter().zip(b).map(|(x, y)| x.join(y)).collect()
        };
        Ok(match (self, other) {
            (a, b) if a == b => a.clone(),
            (Bottom | Undefined, x) | (x, Bottom | Undefined) => x.clone(),
            (Int(_), Int(_)) => Leaf(Type::i64()),
            (Bool(_), Bool(_)) => Leaf(Type::bool()),
            (Int(_) | Bool(_) | Leaf(_), Int(_) | Bool(_) | Leaf(_)) => {
                Leaf(join_types(&self.leaf_type(), &other.leaf_type()).ok_or_else(clash)?)
            }
            (Tuple(a), Tuple(b)) => Tuple(all(a, b)?),
            (Record(r, a), Record(s, b)) if r == s => Record(r.clone(), all(a, b)?),
            (Slice(a), Slice(b)) => Slice(all(a, b)?),
            (Range(a), Range(b)) => Range(all(a, b)?),
            (Zip(a), Zip(b)) => Zip(all(a, b)?),
            (F(f), F(g)) => match merge(std::slice::from_ref(f), std::slice::from_ref(g))? {
                one if one.len() == 1 => F(one.into_iter().next().expect("one function")),
                several => Choice(several),
            },
            (Choice(f), F(g)) => Choice(merge(f, std::slice::from_ref(g))?),
            (F(f), Choice(g)) => Choice(merge(std::slice::from_ref(f), g)?),
            (Choice(f), Choice(g)) => Choice(merge(f, g)?),
            (Dyn(..), F(_) | Choice(_)) => self.clone(),
            (F(_) | Choice(_), Dyn(..)) => other.clone(),
            (Dyn(a, _), Dyn(b, _)) => return Err(Clash { classes: Some((*a, *b)), ..clash() }),
            _ => return Err(clash()),
        })
    }

    /// The type of a known or unknown number; `Unknown` for everything else.
    pub(super) fn leaf_type(&self) -> Type {
        match self {
            Abs::Leaf(ty) => ty.clone(),
            Abs::Int(_) => Type::i64(),
            Abs::Bool(_) => Type::bool(),
            _ => Type::Unknown,
        }
    }

    /// Types of the leaves, in order.
    pub(super) fn leaves(&self, out: &mut Vec<Type>) {
        match self {
            Abs::Leaf(ty) | Abs::Dyn(_, ty) => out.push(ty.clone()),
            Abs::Slice(items) | Abs::Tuple(items) | Abs::Record(_, items) | Abs::Range(items) | Abs::Zip(items) => {
                items.iter().for_each(|a| a.leaves(out));
            }
            Abs::Func(f) => f.parts().into_iter().for_each(|a| a.leaves(out)),
            Abs::Choice(options) => {
                out.push(Type::i64());
                options.iter().flat_map(Func::parts).for_each(|a| a.leaves(out));
            }
            Abs::Bottom | Abs::Undefined | Abs::Int(_) | Abs::Bool(_) | Abs::Str(_) | Abs::None | Abs::Ellipsis => {}
        }
    }
}

/// Two values that have nothing in common, in words.
#[derive(Clone, Debug)]
pub(super) struct Clash {
    pub(super) left: String,
    pub(super) right: String,
    /// Classes of function values that must become one.
    pub(super) classes: Option<(Class, Class)>,
}

fn merge(a: &[Func<Abs>], b: &[Func<Abs>]) -> Result<Vec<Func<Abs>>, Clash> {
    let mut all = a.to_vec();
    for g in b {
        match all.iter_mut().find(|f| f.same_code(g)) {
            Some(f) => {
                let parts = f.parts().into_iter().zip(g.parts()).map(|(x, y)| x.join(y));
                *f = f.rebuild(parts.collect::<Result<_, _>>()?);
            }
            None => all.push(g.clone()),
        }
    }
    Ok(all)
}

/// The type that holds both: integers and booleans become floats beside floats of their shape.
fn join_types(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Tensor(ea, sa), Type::Tensor(eb, sb)) if sa == sb => {
            let rank = |e: Elem| match e {
                Elem::Bool => 0,
                Elem::I64 => 1,
                Elem::F64 => 2,
            };
            let elem = if rank(*ea) >= rank(*eb) { *ea } else { *eb };
            Some(Type::Tensor(elem, sa.clone()))
        }
        _ => None,
    }
}

impl fmt::Display for Abs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Abs]| {
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
            }
            Ok(())
        };
        match self {
            Abs::Bottom | Abs::Undefined => f.write_str("nothing"),
            Abs::Leaf(ty) => f.write_str(&describe(ty)),
            Abs::Int(_) => f.write_str("int"),
            Abs::Bool(_) => f.write_str("bool"),
            Abs::Str(s) => write!(f, "the string {s:?}"),
            Abs::None => f.write_str("None"),
            Abs::Ellipsis => f.write_str("..."),
            Abs::Slice(_) => f.write_str("slice"),
            Abs::Tuple(items) => {
                f.write_str("(")?;
                list(f, items)?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Abs::Record(ty, items) => {
                write!(f, "{}(", ty.name)?;
                list(f, items)?;
                f.write_str(")")
            }
            Abs::Range(_) => f.write_str("range"),
            Abs::Zip(_) => f.write_str("zip"),
            Abs::Func(_) | Abs::Choice(_) | Abs::Dyn(..) => f.write_str("function"),
        }
    }
}

/// A tensor type as a Python user names it.
pub(super) fn describe(ty: &Type) -> String {
    match ty {
        Type::Tensor(elem, shape) => {
            let name = match elem {
                Elem::F64 => "float",
                Elem::I64 => "int",
                Elem::Bool => "bool",
            };
            if shape.is_empty() {
                name.to_owned()
            } else {
                let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
                format!("{name} array of shape [{}]", extents.join(", "))
            }
        }
        other => other.to_string(),
    }
}
