//! Run-time values.
//!
//! A [`Value`] is what a node computes: a scalar kept unboxed, an array, a tuple, a function value
//! (code and captures), a stack, or the cotangent of a function value. Floats carry a [`Mark`],
//! which plain evaluation leaves at its default and which an evaluation domain may use to remember
//! where a number came from.
//!
//! Tuples and captures are [`Record`]s, in blocks of memory that a thread keeps for the next of the
//! same size. Chains of them (a recursive function's backpropagators, say) can be a million long, so
//! they are never dropped recursively: [`Fields`] empties what it alone owns into a work list.

mod rows;
mod stack;
mod table;

use std::iter::repeat_n;

use adjudicate_kernels::{Array, Record};

use crate::exec::slots;
use crate::graph::{Const, GraphId};
use crate::types::{Elem, Type};

pub use stack::Stack;
pub(crate) use table::Table;

/// What an evaluation domain remembers of a number. 0 means nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark(pub u32);

impl Mark {
    /// No mark.
    pub const NONE: Mark = Mark(0);

    /// Whether there is a mark.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// A run-time value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A float scalar.
    F64(f64, Mark),
    /// An integer scalar.
    I64(i64),
    /// A boolean scalar.
    Bool(bool),
    /// An array of floats, of rank 1 or more.
    Array(Array<f64>, Mark),
    /// An array of integers, of rank 1 or more.
    Ints(Array<i64>),
    /// An array of booleans, of rank 1 or more.
    Bools(Array<bool>),
    /// Several values as one.
    Tuple(Fields),
    /// Code and captures.
    Closure(GraphId, Fields),
    /// A stack; the last item is the top.
    Stack(Stack),
    /// Cotangents of the captures of a function value; `None` is zero. A field of an env that is itself `Env(None)`,
    /// or that is missing at the end, is the zero of its type, whichever that is: `env_get`, which alone reads fields,
    /// is told the type.
    Env(Option<Fields>),
}

const _: () = assert!(size_of::<Value>() == 24);

/// Shared immutable fields of a record.
#[derive(Clone, Debug)]
pub struct Fields(Record<Value>);

impl Fields {
    /// Fields from values.
    pub fn new(items: Vec<Value>) -> Self {
        Fields(Record::new(items.into_iter()))
    }

    /// The fields as a slice.
    pub fn as_slice(&self) -> &[Value] {
        self.0.as_slice()
    }

    /// So many fields, each put where it is kept, by its index.
    #[inline]
    pub(crate) fn filled(count: usize, mut put: impl FnMut(usize, &mut Value)) -> Self {
        let mut fields = Fields(Record::new(repeat_n(slots::EMPTY, count)));
        let items = fields.0.get_mut().expect("nobody else holds them yet");
        items.iter_mut().enumerate().for_each(|(i, item)| put(i, item));
        fields
    }

    /// Puts the fields into slots: moved if nobody else holds them, otherwise copied.
    #[inline]
    pub(crate) fn put_into<'s>(mut self, slots: impl Iterator<Item = &'s mut Value>) {
        match self.0.get_mut() {
            Some(items) => items.iter_mut().zip(slots).for_each(|(item, slot)| slots::put_moved(slot, item)),
            None => self.as_slice().iter().zip(slots).for_each(|(item, slot)| slots::put_copy(slot, item)),
        }
    }

    /// The fields by value: moved out if nobody else holds them, otherwise cloned.
    pub fn into_vec(mut self) -> Vec<Value> {
        match self.0.get_mut() {
            Some(items) => items.iter_mut().map(slots::take).collect(),
            None => self.as_slice().to_vec(),
        }
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        if let Some(items) = self.0.get_mut() {
            release(items);
        }
    }
}

/// Empties what the items alone own into a work list, so that nothing is dropped recursively.
fn release(items: &mut [Value]) {
    let mut work = Vec::new();
    take_owners(items, &mut work);
    while let Some(mut value) = work.pop() {
        match &mut value {
            Value::Tuple(fields) | Value::Closure(_, fields) | Value::Env(Some(fields)) => {
                if let Some(items) = fields.0.get_mut() {
                    take_owners(items, &mut work);
                }
            }
            Value::Stack(stack) => {
                if let Some(items) = stack.values() {
                    take_owners(items, &mut work);
                }
            }
            Value::F64(..)
            | Value::I64(_)
            | Value::Bool(_)
            | Value::Array(..)
            | Value::Ints(_)
            | Value::Bools(_)
            | Value::Env(None) => {}
        }
    }
}

/// Moves the values that own others out.
#[inline]
fn take_owners(items: &mut [Value], into: &mut Vec<Value>) {
    into.extend(items.iter_mut().filter(|value| value.owns_values()).map(slots::take));
}

impl Value {
    /// A plain float.
    pub fn f64(x: f64) -> Value {
        Value::F64(x, Mark::NONE)
    }

    /// A float array; rank 0 becomes a scalar.
    #[inline]
    pub fn array(a: Array<f64>) -> Value {
        if a.ndim() == 0 { Value::f64(a.as_slice()[0]) } else { Value::Array(a, Mark::NONE) }
    }

    /// An integer array; rank 0 becomes a scalar.
    pub fn ints(a: Array<i64>) -> Value {
        if a.ndim() == 0 { Value::I64(a.as_slice()[0]) } else { Value::Ints(a) }
    }

    /// A boolean array; rank 0 becomes a scalar.
    pub fn bools(a: Array<bool>) -> Value {
        if a.ndim() == 0 { Value::Bool(a.as_slice()[0]) } else { Value::Bools(a) }
    }

    /// A tuple.
    pub fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(Fields::new(items))
    }

    /// The value of a constant; panics on constants that only source graphs have.
    pub fn of_const(constant: &Const) -> Value {
        match constant {
            Const::F64(x) => Value::f64(*x),
            Const::I64(x) => Value::I64(*x),
            Const::Bool(x) => Value::Bool(*x),
            Const::Array(a) => Value::array(a.clone()),
            Const::Ints(a) => Value::ints(a.clone()),
            Const::Bools(a) => Value::bools(a.clone()),
            Const::Str(_) | Const::None | Const::Undefined => {
                panic!("constant {constant:?} has no run-time value")
            }
        }
    }

    /// The zero of a type. Integers and booleans have one too: it stands for values nobody reads.
    pub fn zero(ty: &Type) -> Value {
        match ty {
            Type::Tensor(Elem::F64, shape) if shape.is_empty() => Value::f64(0.0),
            Type::Tensor(Elem::I64, shape) if shape.is_empty() => Value::I64(0),
            Type::Tensor(Elem::Bool, shape) if shape.is_empty() => Value::Bool(false),
            Type::Tensor(Elem::F64, shape) => Value::array(Array::zeros(shape)),
            Type::Tensor(Elem::I64, shape) => Value::ints(Array::zeros(shape)),
            Type::Tensor(Elem::Bool, shape) => Value::bools(Array::zeros(shape)),
            Type::Tuple(items) => Value::tuple(items.iter().map(Value::zero).collect()),
            Type::Stack(_) => Value::Stack(Stack::new()),
            Type::Env => Value::Env(None),
            Type::Fn(_) => Value::Closure(GraphId(u32::MAX), Fields::new(Vec::new())),
            Type::Unknown => panic!("the zero of an unknown type"),
        }
    }

    /// The mark of a float, none for everything else.
    #[inline]
    pub fn mark(&self) -> Mark {
        match self {
            Value::F64(_, mark) | Value::Array(_, mark) => *mark,
            Value::I64(_)
            | Value::Bool(_)
            | Value::Ints(_)
            | Value::Bools(_)
            | Value::Tuple(_)
            | Value::Closure(..)
            | Value::Stack(_)
            | Value::Env(_) => Mark::NONE,
        }
    }

    /// The same float with another mark; other values as they are.
    #[must_use]
    pub fn marked(mut self, new: Mark) -> Value {
        if let Value::F64(_, mark) | Value::Array(_, mark) = &mut self {
            *mark = new;
        }
        self
    }

    /// As [`Value::marked`], in place.
    #[inline]
    pub fn mark_as(&mut self, new: Mark) {
        if let Value::F64(_, mark) | Value::Array(_, mark) = self {
            *mark = new;
        }
    }

    /// The truth of a boolean scalar; panics on anything else.
    pub fn truth(&self) -> bool {
        match self {
            Value::Bool(b) => *b,
            other => panic!("a boolean was expected, not {other:?}"),
        }
    }

    /// Items of a tuple; panics on anything else.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::Tuple(fields) => fields.as_slice(),
            other => panic!("a tuple was expected, not {other:?}"),
        }
    }

    /// Element and shape of a tensor value, `None` for everything else.
    pub fn tensor_type(&self) -> Option<Type> {
        match self {
            Value::F64(..) => Some(Type::f64()),
            Value::I64(_) => Some(Type::i64()),
            Value::Bool(_) => Some(Type::bool()),
            Value::Array(a, _) => Some(Type::tensor(Elem::F64, a.shape())),
            Value::Ints(a) => Some(Type::tensor(Elem::I64, a.shape())),
            Value::Bools(a) => Some(Type::tensor(Elem::Bool, a.shape())),
            Value::Tuple(_) | Value::Closure(..) | Value::Stack(_) | Value::Env(_) => None,
        }
    }

    /// Whether this is a number, a truth value or an array of them.
    pub fn is_tensor(&self) -> bool {
        !matches!(self, Value::Tuple(_) | Value::Closure(..) | Value::Stack(_) | Value::Env(_))
    }

    fn owns_values(&self) -> bool {
        matches!(self, Value::Tuple(_) | Value::Closure(..) | Value::Env(Some(_)) | Value::Stack(_))
    }
}
