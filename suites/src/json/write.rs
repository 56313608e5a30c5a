//! From values to JSON text.

use adjudicate_ir::datum::Datum;
use adjudicate_kernels::{Array, Element};
use serde_json::{Map, Number, Value as Json, json};

/// A value as JSON text on one line. Numbers read back as the same numbers.
pub fn to_text(datum: &Datum) -> String {
    to_json(datum).to_string()
}

/// A value as JSON.
pub fn to_json(datum: &Datum) -> Json {
    match datum {
        Datum::F64(x) => float(*x),
        Datum::I64(i) => json!(i),
        Datum::Bool(b) => json!(b),
        Datum::Array(a) => nested(a, float),
        Datum::Ints(a) => nested(a, |i| json!(i)),
        Datum::Bools(a) => nested(a, |b| json!(b)),
        Datum::Tuple(items) => json!({ "tuple": items.iter().map(to_json).collect::<Vec<_>>() }),
        Datum::Record(ty, items) => {
            let fields = ty.fields.iter().map(ToString::to_string).zip(items.iter().map(to_json));
            Json::Object(fields.collect::<Map<_, _>>())
        }
        Datum::Str(s) => json!(s.as_ref()),
        Datum::None => Json::Null,
    }
}

fn float(x: f64) -> Json {
    match Number::from_f64(x) {
        Some(number) => Json::Number(number),
        None if x.is_nan() => json!("NaN"),
        None if x > 0.0 => json!("Infinity"),
        None => json!("-Infinity"),
    }
}

fn nested<T: Element>(array: &Array<T>, item: fn(T) -> Json) -> Json {
    rows(array.as_slice(), array.shape(), item)
}

fn rows<T: Element>(items: &[T], shape: &[usize], item: fn(T) -> Json) -> Json {
    match shape {
        [] => item(items[0]),
        [extent, inner @ ..] => {
            let step = inner.iter().product::<usize>();
            Json::Array((0..*extent).map(|i| rows(&items[i * step..(i + 1) * step], inner, item)).collect())
        }
    }
}
