//! A result as numbers.

use adjudicate_ir::datum::Datum;

/// All numbers of a result, in order.
pub(crate) fn numbers(datum: &Datum) -> Vec<f64> {
    match datum {
        Datum::F64(x) => vec![*x],
        Datum::I64(n) => vec![*n as f64],
        Datum::Bool(b) => vec![f64::from(u8::from(*b))],
        Datum::Array(a) => a.as_slice().to_vec(),
        Datum::Ints(a) => a.as_slice().iter().map(|n| *n as f64).collect(),
        Datum::Bools(a) => a.as_slice().iter().map(|b| f64::from(u8::from(*b))).collect(),
        Datum::Tuple(items) | Datum::Record(_, items) => items.iter().flat_map(numbers).collect(),
        Datum::Str(_) | Datum::None => Vec::new(),
    }
}
