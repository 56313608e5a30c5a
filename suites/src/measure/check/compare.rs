//! How far two results are apart.

use adjudicate_ir::value::Value;

use super::point::floats;

/// The largest relative error of a result, and where it first exceeds the tolerance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The largest error; `None` if the results have different shapes or only one is NaN or
    /// infinite somewhere.
    pub error: Option<f64>,
    /// Index of the first excess, counted through all leaves in row-major order.
    pub first: Option<usize>,
}

impl Difference {
    /// Whether nothing exceeds the tolerance.
    pub fn is_within(&self) -> bool {
        self.first.is_none()
    }
}

/// Compares `ours` with a reference. The error of a float is relative to the largest magnitude in
/// its leaf of the reference: an element that ought to vanish carries the rounding of its
/// neighbours. Where the whole leaf vanishes the error is absolute. Integers and booleans must be
/// equal.
pub fn compare(ours: &[Value], reference: &[Value], tolerance: f64) -> Difference {
    compare_from(ours, reference, tolerance, 0.0)
}

/// As [`compare`], with errors relative to this scale at least.
pub fn compare_from(ours: &[Value], reference: &[Value], tolerance: f64, least: f64) -> Difference {
    let mut difference = Difference { error: Some(0.0), first: None };
    if ours.len() != reference.len() {
        return Difference { error: None, first: Some(0) };
    }
    let mut start = 0;
    for (a, b) in ours.iter().zip(reference) {
        if a.tensor_type() != b.tensor_type() {
            difference.note(None, tolerance, start);
        }
        let (exact, expected) = (exact(a), exact(b));
        for (i, (x, y)) in exact.iter().zip(&expected).enumerate() {
            difference.note((x == y).then_some(0.0), tolerance, start + i);
        }
        start += expected.len();
        let (a, b) = (floats(a), floats(b));
        let scale = b.iter().filter(|x| x.is_finite()).fold(least, |s, x| s.max(x.abs()));
        let scale = if scale == 0.0 { 1.0 } else { scale };
        for (i, (x, y)) in a.iter().zip(b).enumerate() {
            let same = x == y || (x.is_nan() && y.is_nan());
            let error = if same { Some(0.0) } else { Some((x - y).abs() / scale).filter(|e| e.is_finite()) };
            difference.note(error, tolerance, start + i);
        }
        start += b.len();
    }
    difference
}

/// The integers or booleans of a leaf, booleans as 0 and 1.
fn exact(value: &Value) -> Vec<i64> {
    match value {
        Value::I64(n) => vec![*n],
        Value::Bool(b) => vec![i64::from(*b)],
        Value::Ints(a) => a.as_slice().to_vec(),
        Value::Bools(a) => a.as_slice().iter().map(|&b| i64::from(b)).collect(),
        Value::F64(..) | Value::Array(..) => Vec::new(),
        Value::Tuple(_) | Value::Closure(..) | Value::Stack(_) | Value::Env(_) => Vec::new(),
    }
}

impl Difference {
    fn note(&mut self, error: Option<f64>, tolerance: f64, at: usize) {
        self.error = self.error.zip(error).map(|(a, b)| a.max(b));
        if error.is_none_or(|e| e > tolerance) {
            self.first.get_or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use adjudicate_kernels::Array;

    use super::*;

    fn vector(items: &[f64]) -> Value {
        Value::array(Array::from_slice(&[items.len()], items))
    }

    #[test]
    fn errors_are_relative_to_the_leaf() {
        let small = 0.5_f64.powi(40);
        let d = compare(&[vector(&[64.0, 64.0 * small])], &[vector(&[64.0, 0.0])], 1e-10);
        assert_eq!(d, Difference { error: Some(small), first: None });
        let d = compare(&[Value::f64(0.0), vector(&[1.0, 2.5])], &[Value::f64(0.0), vector(&[1.0, 2.0])], 1e-10);
        assert_eq!(d, Difference { error: Some(0.25), first: Some(2) });
    }

    #[test]
    fn nan_agrees_with_nan_alone() {
        let nan = [Value::f64(f64::NAN)];
        assert!(compare(&nan, &nan, 1e-10).is_within());
        assert_eq!(compare(&nan, &[Value::f64(1.0)], 1e-10), Difference { error: None, first: Some(0) });
        let inf = [Value::f64(f64::INFINITY)];
        assert!(compare(&inf, &inf, 1e-10).is_within());
        assert!(!compare(&inf, &[Value::f64(1.0)], 1e-10).is_within());
    }

    #[test]
    fn integers_and_booleans_must_be_equal() {
        let ints = |items: &[i64]| Value::ints(Array::from_slice(&[items.len()], items));
        assert!(compare(&[ints(&[1, 2]), Value::Bool(true)], &[ints(&[1, 2]), Value::Bool(true)], 0.0).is_within());
        let d = compare(&[Value::f64(1.0), ints(&[1, 3])], &[Value::f64(1.0), ints(&[1, 2])], 1.0);
        assert_eq!(d, Difference { error: None, first: Some(2) });
        assert!(!compare(&[Value::Bool(true)], &[Value::Bool(false)], 1.0).is_within());
    }

    #[test]
    fn shapes_must_agree() {
        assert!(!compare(&[vector(&[1.0])], &[Value::f64(1.0)], 1.0).is_within());
        assert!(!compare(&[], &[Value::f64(1.0)], 1.0).is_within());
    }
}
