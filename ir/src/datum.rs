//! Values as a user gives and gets them: with structure and names.
//!
//! The IR computes with flat lists of leaves. A [`Datum`] is a leaf or a structure of them; its
//! [`Layout`] is its type. Arguments are flattened with [`Datum::leaves`]; a result is put
//! together again with [`Layout::build`].

use std::sync::Arc;

use adjudicate_kernels::Array;

use crate::graph::RecordType;
use crate::types::{Elem, Type};
use crate::value::Value;

/// A value with structure.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// A float.
    F64(f64),
    /// An integer.
    I64(i64),
    /// A boolean.
    Bool(bool),
    /// An array of floats, of rank 1 or more.
    Array(Array<f64>),
    /// An array of integers, of rank 1 or more.
    Ints(Array<i64>),
    /// An array of booleans, of rank 1 or more.
    Bools(Array<bool>),
    /// A tuple or list.
    Tuple(Vec<Datum>),
    /// A record: the items belong to the fields, in order.
    Record(Arc<RecordType>, Vec<Datum>),
    /// A string.
    Str(Arc<str>),
    /// `None`.
    None,
}

/// The type of a [`Datum`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// A scalar or array.
    Leaf(Type),
    /// A tuple.
    Tuple(Vec<Layout>),
    /// A record.
    Record(Arc<RecordType>, Vec<Layout>),
    /// A string, part of the type.
    Str(Arc<str>),
    /// `None`.
    None,
}

impl Datum {
    /// The leaves in order, depth first.
    pub fn leaves(&self) -> Vec<Value> {
        let mut out = Vec::new();
        self.collect(&mut out);
        out
    }

    fn collect(&self, out: &mut Vec<Value>) {
        match self {
            Datum::F64(x) => out.push(Value::f64(*x)),
            Datum::I64(x) => out.push(Value::I64(*x)),
            Datum::Bool(x) => out.push(Value::Bool(*x)),
            Datum::Array(a) => out.push(Value::array(a.clone())),
            Datum::Ints(a) => out.push(Value::ints(a.clone())),
            Datum::Bools(a) => out.push(Value::bools(a.clone())),
            Datum::Tuple(items) | Datum::Record(_, items) => items.iter().for_each(|d| d.collect(out)),
            Datum::Str(_) | Datum::None => {}
        }
    }

    /// The type.
    pub fn layout(&self) -> Layout {
        match self {
            Datum::F64(_) => Layout::Leaf(Type::f64()),
            Datum::I64(_) => Layout::Leaf(Type::i64()),
            Datum::Bool(_) => Layout::Leaf(Type::bool()),
            Datum::Array(a) => Layout::Leaf(Type::tensor(Elem::F64, a.shape())),
            Datum::Ints(a) => Layout::Leaf(Type::tensor(Elem::I64, a.shape())),
            Datum::Bools(a) => Layout::Leaf(Type::tensor(Elem::Bool, a.shape())),
            Datum::Tuple(items) => Layout::Tuple(items.iter().map(Datum::layout).collect()),
            Datum::Record(ty, items) => Layout::Record(ty.clone(), items.iter().map(Datum::layout).collect()),
            Datum::Str(s) => Layout::Str(s.clone()),
            Datum::None => Layout::None,
        }
    }
}

impl Layout {
    /// Types of the leaves in order, depth first.
    pub fn leaves(&self) -> Vec<Type> {
        let mut out = Vec::new();
        self.collect(&mut out);
        out
    }

    fn collect(&self, out: &mut Vec<Type>) {
        match self {
            Layout::Leaf(ty) => out.push(ty.clone()),
            Layout::Tuple(items) | Layout::Record(_, items) => items.iter().for_each(|l| l.collect(out)),
            Layout::Str(_) | Layout::None => {}
        }
    }

    /// Puts leaves together; panics if there are not exactly as many as the layout has.
    pub fn build(&self, leaves: &[Value]) -> Datum {
        let mut rest = leaves.iter();
        let datum = self.take(&mut rest);
        assert!(rest.next().is_none(), "more leaves than the layout has");
        datum
    }

    fn take<'v>(&self, rest: &mut impl Iterator<Item = &'v Value>) -> Datum {
        match self {
            Layout::Leaf(_) => match rest.next().expect("a leaf for each of the layout") {
                Value::F64(x, _) => Datum::F64(*x),
                Value::I64(x) => Datum::I64(*x),
                Value::Bool(x) => Datum::Bool(*x),
                Value::Array(a, _) => Datum::Array(a.clone()),
                Value::Ints(a) => Datum::Ints(a.clone()),
                Value::Bools(a) => Datum::Bools(a.clone()),
                other => panic!("{other:?} is not a leaf"),
            },
            Layout::Tuple(items) => Datum::Tuple(items.iter().map(|l| l.take(rest)).collect()),
            Layout::Record(ty, items) => Datum::Record(ty.clone(), items.iter().map(|l| l.take(rest)).collect()),
            Layout::Str(s) => Datum::Str(s.clone()),
            Layout::None => Datum::None,
        }
    }
}
