//! Types of the IR.
//!
//! Notation, in text as in `Display`: `f64`, `i64[3]`, `bool[2,4]`, `(f64, f64[3])`,
//! `(f64) -> f64`, `stack f64`, `env`, and `?` for a type that is not known yet.
//!
//! A scalar is a tensor of rank 0. [`Type::cotangent`] gives the type of the sensitivity of a
//! value: the same for floats, nothing (the empty tuple) for integers and booleans, componentwise
//! for tuples, and `env` for a function value, whose captures are known only at run time.

use std::fmt;
use std::sync::Arc;

/// Element types of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Elem {
    /// 64-bit floating point: the only differentiable element.
    F64,
    /// 64-bit signed integer.
    I64,
    /// Truth value.
    Bool,
}

impl Elem {
    /// The name in text.
    pub fn name(self) -> &'static str {
        match self {
            Elem::F64 => "f64",
            Elem::I64 => "i64",
            Elem::Bool => "bool",
        }
    }
}

/// Extents of a tensor, outermost first; empty for a scalar.
pub type Shape = Arc<[usize]>;

/// The type of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// Not known: every node of a source graph, none of a later stage.
    Unknown,
    /// A scalar (rank 0) or an array.
    Tensor(Elem, Shape),
    /// Several values as one.
    Tuple(Arc<[Type]>),
    /// A function value whose code is known only at run time.
    Fn(Arc<FnType>),
    /// A stack of values of one type, used linearly; below the last item lie zeros without end.
    Stack(Arc<Type>),
    /// The cotangent of a function value: one cotangent per capture of whatever its code is.
    Env,
}

/// Parameters and result of a function value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FnType {
    /// Parameter types.
    pub params: Vec<Type>,
    /// Result type.
    pub result: Type,
}

impl Type {
    /// A scalar of the given element type.
    pub fn scalar(elem: Elem) -> Type {
        Type::Tensor(elem, Arc::from([]))
    }

    /// A float scalar.
    pub fn f64() -> Type {
        Type::scalar(Elem::F64)
    }

    /// An integer scalar.
    pub fn i64() -> Type {
        Type::scalar(Elem::I64)
    }

    /// A boolean scalar.
    pub fn bool() -> Type {
        Type::scalar(Elem::Bool)
    }

    /// A tensor.
    pub fn tensor(elem: Elem, shape: &[usize]) -> Type {
        Type::Tensor(elem, shape.into())
    }

    /// A tuple.
    pub fn tuple(items: impl Into<Arc<[Type]>>) -> Type {
        Type::Tuple(items.into())
    }

    /// The empty tuple.
    pub fn unit() -> Type {
        Type::tuple([])
    }

    /// A function type.
    pub fn function(params: Vec<Type>, result: Type) -> Type {
        Type::Fn(Arc::new(FnType { params, result }))
    }

    /// A stack type.
    pub fn stack(item: Type) -> Type {
        Type::Stack(Arc::new(item))
    }

    /// Element and shape of a tensor.
    pub fn as_tensor(&self) -> Option<(Elem, &[usize])> {
        match self {
            Type::Tensor(elem, shape) => Some((*elem, shape)),
            Type::Unknown | Type::Tuple(_) | Type::Fn(_) | Type::Stack(_) | Type::Env => None,
        }
    }

    /// Items of a tuple.
    pub fn as_tuple(&self) -> Option<&[Type]> {
        match self {
            Type::Tuple(items) => Some(items),
            Type::Unknown | Type::Tensor(..) | Type::Fn(_) | Type::Stack(_) | Type::Env => None,
        }
    }

    /// Items of a tuple; of anything else itself, as the only item.
    pub fn items(&self) -> &[Type] {
        self.as_tuple().unwrap_or(std::slice::from_ref(self))
    }

    /// The shape of a tensor; panics on anything else.
    pub fn shape(&self) -> &[usize] {
        match self {
            Type::Tensor(_, shape) => shape,
            other => panic!("a tensor was expected, not {other}"),
        }
    }

    /// Whether this is a tensor of floats.
    pub fn is_float(&self) -> bool {
        matches!(self, Type::Tensor(Elem::F64, _))
    }

    /// Whether this is a scalar of the given element.
    pub fn is_scalar(&self, elem: Elem) -> bool {
        matches!(self, Type::Tensor(e, shape) if *e == elem && shape.is_empty())
    }

    /// Number of elements of a tensor, the sum over items for a tuple, 0 for the rest.
    pub fn size(&self) -> usize {
        match self {
            Type::Tensor(_, shape) => shape.iter().product(),
            Type::Tuple(items) => items.iter().map(Type::size).sum(),
            Type::Unknown | Type::Fn(_) | Type::Stack(_) | Type::Env => 0,
        }
    }

    /// The type of the cotangent of a value of this type.
    #[must_use]
    pub fn cotangent(&self) -> Type {
        match self {
            Type::Tensor(Elem::F64, _) => self.clone(),
            Type::Tensor(Elem::I64 | Elem::Bool, _) => Type::unit(),
            Type::Tuple(items) => Type::Tuple(items.iter().map(Type::cotangent).collect()),
            Type::Fn(_) | Type::Env => Type::Env,
            Type::Stack(item) => Type::stack(item.cotangent()),
            Type::Unknown => Type::Unknown,
        }
    }

    /// Whether sensitivity can flow through a value of this type.
    pub fn is_differentiable(&self) -> bool {
        match self {
            Type::Tensor(elem, _) => *elem == Elem::F64,
            Type::Tuple(items) => items.iter().any(Type::is_differentiable),
            Type::Fn(_) | Type::Env => true,
            Type::Stack(item) => item.is_differentiable(),
            Type::Unknown => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Unknown => f.write_str("?"),
            Type::Tensor(elem, shape) => {
                f.write_str(elem.name())?;
                if shape.is_empty() {
                    return Ok(());
                }
                f.write_str("[")?;
                write_list(f, shape)?;
                f.write_str("]")
            }
            Type::Tuple(items) => {
                f.write_str("(")?;
                write_list(f, items)?;
                f.write_str(")")
            }
            Type::Fn(function) => {
                f.write_str("fn(")?;
                write_list(f, &function.params)?;
                write!(f, ") -> {}", function.result)
            }
            Type::Stack(item) => write!(f, "stack {item}"),
            Type::Env => f.write_str("env"),
        }
    }
}

fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}
