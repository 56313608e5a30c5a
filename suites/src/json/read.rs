//! From JSON text to values.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::RecordType;
use adjudicate_kernels::{Array, Element};
use serde_json::{Map, Number, Value as Json};
use thiserror::Error;

/// Why a text is not a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JsonError {
    /// The text is not JSON; the message has the line and column.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// The JSON does not stand for a value.
    #[error("at {path}: {message}")]
    Shape {
        /// Where: from the root `$`, or the line and column.
        path: String,
        /// What is wrong there.
        message: String,
    },
}

/// Reads the list of the arguments of a call.
pub fn arguments(text: &str) -> Result<Vec<Datum>, JsonError> {
    match parse(text)? {
        Json::Array(items) => {
            items.iter().enumerate().map(|(i, item)| convert(item, &mut Path(vec![Step::Item(i)]))).collect()
        }
        other => Err(Path::default().error(format!(
            "the arguments are a list, one item each, like [3.0, [1.0, 2.0]]; this is {}",
            kind(&other)
        ))),
    }
}

/// Reads one value.
pub fn datum(text: &str) -> Result<Datum, JsonError> {
    convert(&parse(text)?, &mut Path::default())
}

fn parse(text: &str) -> Result<Json, JsonError> {
    let json = serde_json::from_str(text).map_err(|e| JsonError::Syntax(e.to_string()))?;
    match lossy(text) {
        Some((at, message)) => Err(JsonError::Shape { path: position(&text[..at]), message }),
        None => Ok(json),
    }
}

/// The first place of a JSON text at which the parser would lose something: an integer that 64 bits cannot hold, which it
/// makes a float, or a key that its object has already, of which it keeps the last.
fn lossy(text: &str) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let mut objects: Vec<BTreeSet<String>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        at += 1;
        match bytes[start] {
            b'{' => objects.push(BTreeSet::new()),
            b'}' => drop(objects.pop()),
            b'"' => {
                while bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                at += 1;
                let is_key = bytes[at..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':');
                if let (true, Some(keys)) = (is_key, objects.last_mut()) {
                    let key: String = serde_json::from_str(&text[start..at]).unwrap_or_default();
                    if !keys.insert(key) {
                        return Some((start, format!("the key {} occurs twice", &text[start..at])));
                    }
                }
            }
            b'-' | b'0'..=b'9' => {
                let more =
                    bytes[at..].iter().take_while(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
                at += more.count();
                let number = &text[start..at];
                if !number.contains(['.', 'e', 'E']) && number.parse::<i64>().is_err() {
                    let message = format!("{number} does not fit a 64-bit integer; write {number}.0 for a float");
                    return Some((start, message));
                }
            }
            _ => {}
        }
    }
    None
}

/// The place behind a text.
fn position(before: &str) -> String {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("line {line} column {column}")
}

/// A place in a JSON value.
#[derive(Default)]
struct Path(Vec<Step>);

enum Step {
    Item(usize),
    Field(String),
}

impl Path {
    fn error(&self, message: impl Into<String>) -> JsonError {
        let mut path = String::from("$");
        for step in &self.0 {
            match step {
                Step::Item(i) => write!(path, "[{i}]"),
                Step::Field(name) => write!(path, ".{name}"),
            }
            .expect("writing to a string");
        }
        JsonError::Shape { path, message: message.into() }
    }

    fn within<R>(&mut self, step: Step, f: impl FnOnce(&mut Self) -> R) -> R {
        self.0.push(step);
        let result = f(self);
        self.0.pop();
        result
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

fn convert(json: &Json, path: &mut Path) -> Result<Datum, JsonError> {
    match json {
        Json::Null => Ok(Datum::None),
        Json::Bool(b) => Ok(Datum::Bool(*b)),
        Json::Number(n) => match scalar(n, path)? {
            Scalar::Float(x) => Ok(Datum::F64(x)),
            Scalar::Int(i) => Ok(Datum::I64(i)),
            Scalar::Bool(b) => Ok(Datum::Bool(b)),
        },
        Json::String(s) => match (special_float(s), meant_float(s)) {
            (Some(x), _) => Ok(Datum::F64(x)),
            (None, Some(float)) => Err(path.error(format!("\"{s}\" is not a float; write \"{float}\""))),
            (None, None) => Ok(Datum::Str(s.as_str().into())),
        },
        Json::Array(_) => array(json, path),
        Json::Object(fields) => object(fields, path),
    }
}

/// The floats that JSON has no number for.
fn special_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// What a text that looks like such a float should have been.
fn meant_float(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "nan" | "+nan" | "-nan" => Some("NaN"),
        "inf" | "+inf" | "infinity" | "+infinity" => Some("Infinity"),
        "-inf" | "-infinity" => Some("-Infinity"),
        _ => None,
    }
}

fn object(fields: &Map<String, Json>, path: &mut Path) -> Result<Datum, JsonError> {
    if let Some(items) = fields.get("tuple").filter(|_| fields.len() == 1) {
        let Json::Array(items) = items else {
            let message = format!("{{\"tuple\": […]}} is a tuple of the items of a list; this has {}", kind(items));
            return Err(path.error(message));
        };
        return path.within(Step::Field("tuple".to_owned()), |path| {
            let items = items.iter().enumerate();
            let items = items.map(|(i, item)| path.within(Step::Item(i), |path| convert(item, path)));
            Ok(Datum::Tuple(items.collect::<Result<_, _>>()?))
        });
    }
    let mut names = Vec::new();
    let mut items = Vec::new();
    for (name, item) in fields {
        names.push(name.as_str().into());
        items.push(path.within(Step::Field(name.clone()), |path| convert(item, path))?);
    }
    let ty = RecordType { name: "dict".into(), fields: names };
    Ok(Datum::Record(ty.into(), items))
}

/// An item of an array.
#[derive(Clone, Copy)]
enum Scalar {
    Float(f64),
    Int(i64),
    Bool(bool),
}

fn scalar(number: &Number, path: &Path) -> Result<Scalar, JsonError> {
    match (number.as_i64(), number.as_f64()) {
        (Some(i), _) => Ok(Scalar::Int(i)),
        (None, Some(x)) => Ok(Scalar::Float(x)),
        (None, None) => Err(path.error(format!("{number} is not a number of 64 bits"))),
    }
}

fn array(json: &Json, path: &mut Path) -> Result<Datum, JsonError> {
    let mut shape = Vec::new();
    let mut at = json;
    while let Json::Array(items) = at {
        shape.push(items.len());
        let Some(first) = items.first() else { break };
        at = first;
    }
    let mut items = Vec::new();
    collect(json, &shape, &mut items, path)?;
    let bools = items.iter().filter(|s| matches!(s, Scalar::Bool(_))).count();
    if bools != 0 && bools != items.len() {
        return Err(path.error("an array holds numbers or booleans, not both"));
    }
    let floats = items.iter().any(|s| matches!(s, Scalar::Float(_)));
    Ok(if items.is_empty() || floats {
        Datum::Array(packed(&shape, &items, Scalar::float))
    } else if bools == 0 {
        Datum::Ints(packed(&shape, &items, Scalar::int))
    } else {
        Datum::Bools(packed(&shape, &items, Scalar::bool))
    })
}

fn packed<T: Element>(shape: &[usize], items: &[Scalar], read: fn(Scalar) -> T) -> Array<T> {
    Array::from_vec(shape, items.iter().copied().map(read).collect())
}

impl Scalar {
    fn float(self) -> f64 {
        match self {
            Scalar::Float(x) => x,
            Scalar::Int(i) => i as f64,
            Scalar::Bool(b) => f64::from(u8::from(b)),
        }
    }

    fn int(self) -> i64 {
        match self {
            Scalar::Float(x) => x as i64,
            Scalar::Int(i) => i,
            Scalar::Bool(b) => i64::from(b),
        }
    }

    fn bool(self) -> bool {
        matches!(self, Scalar::Bool(true))
    }
}

/// Appends the items of nested lists of the given extents, in row-major order.
fn collect(json: &Json, shape: &[usize], out: &mut Vec<Scalar>, path: &mut Path) -> Result<(), JsonError> {
    match (json, shape) {
        (Json::Array(items), [extent, inner @ ..]) => {
            if items.len() != *extent {
                return Err(path.error(format!(
                    "the rows of an array are equally long: {} where the first has {extent}",
                    items.len()
                )));
            }
            for (i, item) in items.iter().enumerate() {
                path.within(Step::Item(i), |path| collect(item, inner, out, path))?;
            }
            Ok(())
        }
        (Json::Array(_), []) => Err(path.error("a list stands where the first row has a number")),
        (_, [_, ..]) => Err(path.error(format!("{} stands where the first row has a list", kind(json)))),
        (Json::Number(n), []) => {
            out.push(scalar(n, path)?);
            Ok(())
        }
        (Json::Bool(b), []) => {
            out.push(Scalar::Bool(*b));
            Ok(())
        }
        (Json::String(s), []) => {
            let x = special_float(s).ok_or_else(|| match meant_float(s) {
                Some(float) => path.error(format!("\"{s}\" is not a float; write \"{float}\"")),
                None => path.error(NOT_A_NUMBER),
            })?;
            out.push(Scalar::Float(x));
            Ok(())
        }
        (Json::Null | Json::Object(_), []) => Err(path.error(NOT_A_NUMBER)),
    }
}

const NOT_A_NUMBER: &str = "the items of a list are numbers; write {\"tuple\": […]} for a list of other things";
