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

/// Compares the floats of `ours` with those of a reference. The error of an element is relative to
/// the largest magnitude in its leaf of the reference: an element that ought to vanish carries the
/// rounding of its neighbours. Where the whole leaf vanishes the error is absolute.
pub fn compare(ours: &[Value], reference: &[Value], tolerance: f64) -> Difference {
    let mut difference = Difference { error: Some(0.0), first: None };
    if ours.len() != reference.len() {
        return Difference { error: None, first: Some(0) };
    }
    let mut start = 0;
    for (a, b) in ours.iter().zip(reference) {
        if a.tensor_type() != b.tensor_type() {
            difference.note(None, tolerance, start);
        }
        let (a, b) = (floats(a), floats(b));
        let scale = b.iter().filter(|x| x.is_finite()).fold(0.0_f64, |s, x| s.max(x.abs()));
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
        let d = compare(&[vector(&[100.0, 1e-9])], &[vector(&[100.0, 0.0])], 1e-10);
        assert_eq!(d, Difference { error: Some(1e-11), first: None });
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
    fn shapes_must_agree() {
        assert!(!compare(&[vector(&[1.0])], &[Value::f64(1.0)], 1.0).is_within());
        assert!(!compare(&[], &[Value::f64(1.0)], 1.0).is_within());
    }
}
