//! What the baselines share: reading arguments and using buffers again.

use adjudicate_ir::value::Value;
use adjudicate_kernels::ops::Reduce;
use adjudicate_kernels::reduce::reduce;
use adjudicate_kernels::{Array, Gemm, gemm};

/// The array of an argument.
pub(super) fn array(value: &Value) -> &Array<f64> {
    match value {
        Value::Array(a, _) => a,
        other => panic!("an array of floats was expected, not {other:?}"),
    }
}

/// The float of an argument.
pub(super) fn scalar(value: &Value) -> f64 {
    match value {
        Value::F64(x, _) => *x,
        other => panic!("a float was expected, not {other:?}"),
    }
}

/// The integer of an argument.
pub(super) fn integer(value: &Value) -> i64 {
    match value {
        Value::I64(i) => *i,
        other => panic!("an integer was expected, not {other:?}"),
    }
}

/// The array of integers of an argument.
pub(super) fn ints(value: &Value) -> &Array<i64> {
    match value {
        Value::Ints(a) => a,
        other => panic!("an array of integers was expected, not {other:?}"),
    }
}

/// An array that is written from call to call. What was handed out and is still held is left
/// alone: the next call then gets elements of its own.
#[derive(Debug)]
pub(super) struct Buffer(Array<f64>);

impl Buffer {
    pub(super) fn new(shape: &[usize]) -> Self {
        Self(Array::zeros(shape))
    }

    /// The array, free to be overwritten. What it holds is of no account.
    pub(super) fn free(&mut self) -> &mut Array<f64> {
        if !self.0.is_unique() {
            self.0 = Array::zeros(self.0.shape());
        }
        &mut self.0
    }

    /// What was written last.
    pub(super) fn get(&self) -> &Array<f64> {
        &self.0
    }

    /// What was written last, free to be changed in place.
    pub(super) fn get_mut(&mut self) -> &mut Array<f64> {
        &mut self.0
    }

    /// What was written last, as a result.
    pub(super) fn value(&self) -> Value {
        Value::array(self.0.clone())
    }
}

/// α·aᵀ·b where `a` is transposed if asked.
pub(super) fn scaled(alpha: f64, ta: bool) -> Gemm {
    Gemm { alpha, ta, ..Gemm::PLAIN }
}

/// The inner product of two vectors.
pub(super) fn dot(a: &Array<f64>, b: &Array<f64>) -> f64 {
    let mut product = Array::scalar(0.0);
    gemm(Gemm::PLAIN, &a.reshape(&[a.len()]), &b.reshape(&[b.len()]), &mut product);
    product.item()
}

/// The sum over an axis.
pub(super) fn sum(x: &Array<f64>, axis: usize) -> Array<f64> {
    reduce(Reduce::Sum, x, &[axis]).expect("a sum has a value")
}
