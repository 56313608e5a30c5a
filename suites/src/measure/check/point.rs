//! Points and directions in the space of the arguments that are differentiated.

use std::ops::Range;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;

/// The arguments of the value, and which of their leaves a derivative is taken by.
#[derive(Clone, Debug)]
pub struct Point {
    args: Vec<Value>,
    slots: Vec<usize>,
}

/// A tangent: as many floats as the leaves at the slots have, one after the other.
pub type Direction = Vec<f64>;

impl Point {
    /// The point of arguments and of the positions to differentiate by.
    pub fn new(arguments: &[Datum], wrt: &[usize]) -> Self {
        let ranges = leaf_ranges(arguments);
        let args: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
        let slots = wrt.iter().flat_map(|&i| ranges[i].clone()).filter(|&i| is_float(&args[i])).collect();
        Self { args, slots }
    }

    /// Extents of the leaves at the slots, as numbers of elements.
    pub fn sizes(&self) -> Vec<usize> {
        self.slots.iter().map(|&i| floats(&self.args[i]).len()).collect()
    }

    /// Number of coordinates.
    pub fn dimension(&self) -> usize {
        self.sizes().iter().sum()
    }

    /// The arguments moved by `t·v` for each pair.
    pub fn moved(&self, steps: &[(f64, &Direction)]) -> Vec<Value> {
        let mut args = self.args.clone();
        let mut start = 0;
        for &slot in &self.slots {
            let old = floats(&self.args[slot]);
            let at = |i: usize| old[i] + steps.iter().map(|(t, v)| t * v[start + i]).sum::<f64>();
            let new: Vec<f64> = (0..old.len()).map(at).collect();
            start += old.len();
            args[slot] = like(&args[slot], new);
        }
        args
    }
}

/// The leaves that each datum has among the leaves of all.
fn leaf_ranges(arguments: &[Datum]) -> Vec<Range<usize>> {
    let mut end = 0;
    let ranges = arguments.iter().map(|datum| {
        let start = end;
        end += datum.leaves().len();
        start..end
    });
    ranges.collect()
}

fn like(value: &Value, floats: Vec<f64>) -> Value {
    match value {
        Value::Array(a, _) => Value::array(Array::from_vec(a.shape(), floats)),
        _ => Value::f64(floats[0]),
    }
}

fn is_float(value: &Value) -> bool {
    matches!(value, Value::F64(..) | Value::Array(..))
}

/// The elements of a float, none of anything else.
pub fn floats(value: &Value) -> &[f64] {
    match value {
        Value::F64(x, _) => std::slice::from_ref(x),
        Value::Array(a, _) => a.as_slice(),
        Value::I64(_)
        | Value::Bool(_)
        | Value::Ints(_)
        | Value::Bools(_)
        | Value::Tuple(_)
        | Value::Closure(..)
        | Value::Stack(_)
        | Value::Env(_) => &[],
    }
}

/// The elements of all floats among values, one after the other.
pub fn flatten(values: &[Value]) -> Vec<f64> {
    values.iter().flat_map(|v| floats(v).iter().copied()).collect()
}

/// The inner product.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The Euclidean norm.
pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// A direction divided by its norm.
pub fn unit(mut v: Direction) -> Direction {
    let length = norm(&v);
    if length > 0.0 {
        v.iter_mut().for_each(|x| *x /= length);
    }
    v
}
