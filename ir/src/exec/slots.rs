//! Moving values between registers.
//!
//! A [`Value`] is 24 bytes, of which a scalar uses half. Copied as a whole right after it was written
//! in parts, it would wait for the parts to reach the cache: several times the cost of a scalar
//! operation. So scalars are written in parts always, which also spares them the check for
//! something to drop, and so are the other kinds that calls pass most. A scalar that was moved out stays behind; it owns
//! nothing.

use std::mem::ManuallyDrop;

use crate::value::Value;

/// What an empty register holds.
pub const EMPTY: Value = Value::Bool(false);

/// Whether a value owns nothing.
#[inline(always)]
pub fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::F64(..) | Value::I64(_) | Value::Bool(_))
}

/// Overwrites a slot, dropping what it held.
#[inline(always)]
fn store(slot: &mut Value, value: Value) {
    if is_scalar(slot) {
        std::mem::forget(std::mem::replace(slot, value));
    } else {
        *slot = value;
    }
}

/// Puts a value into a slot.
#[inline(always)]
pub fn put(slot: &mut Value, value: Value) {
    // What is left of a scalar would be asked what it owns.
    let value = ManuallyDrop::new(value);
    match *value {
        Value::F64(x, mark) => store(slot, Value::F64(x, mark)),
        Value::I64(n) => store(slot, Value::I64(n)),
        Value::Bool(b) => store(slot, Value::Bool(b)),
        _ => match ManuallyDrop::into_inner(value) {
            Value::Array(a, mark) => store(slot, Value::Array(a, mark)),
            other => store(slot, other),
        },
    }
}

/// Copies a value into a slot.
#[inline(always)]
pub fn put_copy(slot: &mut Value, value: &Value) {
    match value {
        Value::F64(x, mark) => store(slot, Value::F64(*x, *mark)),
        Value::I64(n) => store(slot, Value::I64(*n)),
        Value::Bool(b) => store(slot, Value::Bool(*b)),
        Value::Array(a, mark) => store(slot, Value::Array(a.clone(), *mark)),
        Value::Tuple(fields) => store(slot, Value::Tuple(fields.clone())),
        Value::Closure(graph, fields) => store(slot, Value::Closure(*graph, fields.clone())),
        other => store(slot, other.clone()),
    }
}

/// Moves a value into a slot.
#[inline(always)]
pub fn put_moved(slot: &mut Value, value: &mut Value) {
    match value {
        Value::F64(x, mark) => store(slot, Value::F64(*x, *mark)),
        Value::I64(n) => store(slot, Value::I64(*n)),
        Value::Bool(b) => store(slot, Value::Bool(*b)),
        other => match std::mem::replace(other, EMPTY) {
            Value::Array(a, mark) => store(slot, Value::Array(a, mark)),
            Value::Tuple(fields) => store(slot, Value::Tuple(fields)),
            Value::Closure(graph, fields) => store(slot, Value::Closure(graph, fields)),
            other => store(slot, other),
        },
    }
}

/// Appends an empty value, to be written where it is.
#[inline(always)]
fn push_empty(values: &mut Vec<Value>) -> &mut Value {
    values.push(EMPTY);
    values.last_mut().expect("it was pushed")
}

/// Appends a copy of a value.
#[inline(always)]
pub fn push_copy(values: &mut Vec<Value>, value: &Value) {
    put_copy(push_empty(values), value);
}

/// Appends a value, moving it.
#[inline(always)]
pub fn push_moved(values: &mut Vec<Value>, value: &mut Value) {
    put_moved(push_empty(values), value);
}

/// A copy of a value.
#[inline(always)]
pub fn copy(value: &Value) -> Value {
    match value {
        Value::F64(x, mark) => Value::F64(*x, *mark),
        Value::I64(n) => Value::I64(*n),
        Value::Bool(b) => Value::Bool(*b),
        other => other.clone(),
    }
}

/// Moves a value out of a slot.
#[inline(always)]
pub fn take(value: &mut Value) -> Value {
    match value {
        Value::F64(x, mark) => Value::F64(*x, *mark),
        Value::I64(n) => Value::I64(*n),
        Value::Bool(b) => Value::Bool(*b),
        other => std::mem::replace(other, EMPTY),
    }
}
