//! Changes of element type.

use crate::array::{Array, Element};
use crate::counts::Work;
use crate::mode::enter;
use crate::ops::{Kind, Other};

fn cast<T: Element, U: Element>(x: &Array<T>, convert: impl Fn(T) -> U) -> Array<U> {
    let work = || Work { flops: 0, read: x.bytes(), written: x.len() * size_of::<U>() };
    let compute = enter(Kind::Other(Other::Cast), work) || !(T::IS_FLOAT || U::IS_FLOAT);
    if !compute {
        return Array::zeros_of(x.shape(), x.len());
    }
    Array::collect(x.shape(), x.as_slice().iter().map(|&x| convert(x)))
}

/// Integers as the nearest floats.
pub fn to_f64(x: &Array<i64>) -> Array<f64> {
    cast(x, |x| x as f64)
}

/// 1.0 for true, 0.0 for false.
pub fn bool_to_f64(x: &Array<bool>) -> Array<f64> {
    cast(x, f64::from)
}

/// 1 for true, 0 for false.
pub fn bool_to_i64(x: &Array<bool>) -> Array<i64> {
    cast(x, i64::from)
}

/// Floats truncated toward zero; what lies outside the range of integers becomes its nearest end, and NaN becomes 0.
pub fn f64_to_i64(x: &Array<f64>) -> Array<i64> {
    cast(x, |x| x as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts() {
        let x = Array::from_vec(&[3], vec![-1.9, 2.7, f64::NAN]);
        assert_eq!(f64_to_i64(&x).as_slice(), [-1, 2, 0]);
        assert_eq!(to_f64(&Array::from_vec(&[1], vec![3])).as_slice(), [3.0]);
        let b = Array::from_vec(&[2], vec![true, false]);
        assert_eq!((bool_to_f64(&b).as_slice(), bool_to_i64(&b).as_slice()), (&[1.0, 0.0][..], &[1, 0][..]));
    }
}
