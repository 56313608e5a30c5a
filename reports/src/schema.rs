//! The schema of every file as JSON Schema: what `schema` prints and other programs may check against.
//!
//! A table is described by one row: an object with a property for each column, named as the column, of the type that the text in its
//! fields stands for; a field that may be empty may be null.

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use crate::columns::{Column, Holds, Row, holds_times};
use crate::compare::Comparison;
use crate::files::{MANIFEST, MATRIX};
use crate::history::{ChangePoint, Entry};
use crate::rows::{Cell, Check, Claim, Count, Manifest, Matrix, Sample, StageTime, Standing, Tidy};

/// A file and its schema.
pub type Described = (&'static str, fn() -> Value);

/// What `compare --format json` prints, which is no file of a run.
pub const COMPARISON: &str = "comparison.json";

/// A line of the history, which is no file of a run.
pub const HISTORY: &str = "history.jsonl";

/// What `history show --json` prints.
pub const CHANGES: &str = "changes.json";

/// What `history show --json` prints.
#[derive(Debug, Default, serde::Serialize, JsonSchema)]
pub struct Changes {
    /// How many runs there are.
    pub runs: usize,
    /// When numbers changed, oldest first.
    pub changes: Vec<ChangePoint>,
}

/// Every file of a run folder, the history, and what `compare` and `history` print.
pub const SCHEMAS: &[Described] = &[
    (MANIFEST, object::<Manifest>),
    (Cell::FILE, table::<Cell>),
    (Sample::FILE, table::<Sample>),
    (Check::FILE, table::<Check>),
    (Count::FILE, table::<Count>),
    (StageTime::FILE, table::<StageTime>),
    (Claim::FILE, table::<Claim>),
    (Tidy::FILE, table::<Tidy>),
    (Standing::FILE, table::<Standing>),
    (MATRIX, object::<Matrix>),
    (COMPARISON, object::<Comparison>),
    (HISTORY, object::<Entry>),
    (CHANGES, object::<Changes>),
];

/// The schema of a type.
#[must_use]
pub fn object<T: JsonSchema>() -> Value {
    schema_for!(T).into()
}

fn table<R: Row>() -> Value {
    let columns = R::columns();
    let properties: Map<String, Value> =
        columns.iter().map(|column| (column.name.to_owned(), property(column))).collect();
    let required: Vec<&str> = columns.iter().filter(|column| column.required).map(|column| column.name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": R::FILE,
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

fn property(column: &Column) -> Value {
    let mut property = match &column.holds {
        Holds::Text => json!({ "type": "string" }),
        Holds::Whole(bits) => json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX >> (64 - bits) }),
        Holds::Number => json!({ "type": "number" }),
        Holds::Flag => json!({ "type": "boolean" }),
        Holds::Words(words) => json!({ "type": "string", "enum": words }),
    };
    if holds_times(column.name) {
        property["minimum"] = json!(0);
    }
    if !column.required {
        property["type"] = json!([property["type"], "null"]);
        if let Some(words) = property.get_mut("enum").and_then(Value::as_array_mut) {
            words.push(Value::Null);
        }
    }
    property["description"] = json!(column.about);
    property
}

/// Whether a value is as its schema says, as far as our schemas say anything: types, properties, items, words and bounds.
///
/// # Errors
/// Says where it is not, and how.
pub fn check(schema: &Value, value: &Value) -> Result<(), String> {
    check_at(schema, &schema["$defs"], value, "")
}

fn check_at(schema: &Value, definitions: &Value, value: &Value, at: &str) -> Result<(), String> {
    if *schema == Value::Bool(true) {
        return Ok(());
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        return check_at(&definitions[name], definitions, value, at);
    }
    let demand = |holds: bool, what: String| if holds { Ok(()) } else { Err(format!("{at}: {value} {what}")) };
    if let Some(any) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let fits = |one: &Value| check_at(one, definitions, value, at).is_ok();
        return demand(any.iter().any(fits), format!("is none of {schema}"));
    }
    if let Some(one) = schema.get("const") {
        return demand(one == value, format!("is not {one}"));
    }
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |wanted: &Value| wanted == name || (wanted == "number" && name == "integer");
    let typed = match &schema["type"] {
        Value::Null => true,
        Value::Array(types) => types.iter().any(is),
        one => is(one),
    };
    demand(typed, format!("is not of {}", schema["type"]))?;
    let words = schema["enum"].as_array();
    demand(words.is_none_or(|words| words.contains(value)), format!("is none of {words:?}"))?;
    if schema["type"].is_null() {
        return Ok(());
    }
    let within = |bound: &str, fits: fn(f64, f64) -> bool| {
        schema[bound].as_f64().zip(value.as_f64()).is_none_or(|(bound, value)| fits(value, bound))
    };
    demand(within("minimum", |v, b| v >= b) && within("maximum", |v, b| v <= b), "is out of bounds".to_owned())?;
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        let prefix = schema["prefixItems"].as_array().and_then(|items| items.get(place));
        check_at(prefix.unwrap_or(&schema["items"]), definitions, item, &format!("{at}[{place}]"))?;
    }
    let Some(object) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        demand(object.contains_key(name), format!("lacks {name}"))?;
    }
    for (name, value) in object {
        let described = schema["properties"].get(name).or(schema.get("additionalProperties"));
        let described = described.ok_or_else(|| format!("{at}: {name} is not described"))?;
        check_at(described, definitions, value, &format!("{at}.{name}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{read_rows, write_rows};

    fn conforms<T: JsonSchema>(value: &impl serde::Serialize) {
        check(&object::<T>(), &serde_json::to_value(value).unwrap()).unwrap();
    }

    /// A row of text as the object that its schema describes.
    fn typed(columns: &[Column], fields: &csv::StringRecord) -> Value {
        let value = |(column, field): (&Column, &str)| {
            let value = match &column.holds {
                _ if field.is_empty() => Value::Null,
                Holds::Text | Holds::Words(_) => json!(field),
                Holds::Whole(_) => json!(field.parse::<u64>().unwrap()),
                Holds::Number => json!(field.parse::<f64>().unwrap()),
                Holds::Flag => json!(field.parse::<bool>().unwrap()),
            };
            (column.name.to_owned(), value)
        };
        Value::Object(columns.iter().zip(fields).map(value).collect())
    }

    fn table_conforms<R: Row>(bytes: &[u8]) {
        let (rows, _) = read_rows::<R>(bytes, R::FILE).unwrap();
        let text = write_rows(&rows);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert!(!rows.is_empty() && reader.headers().unwrap().iter().eq(R::columns().iter().map(|column| column.name)));
        for record in reader.records() {
            check(&table::<R>(), &typed(&R::columns(), &record.unwrap())).unwrap();
        }
    }

    #[test]
    fn what_is_written_is_what_is_described() {
        table_conforms::<Cell>(include_bytes!("../tests/fixture/cells.csv"));
        table_conforms::<Sample>(include_bytes!("../tests/fixture/samples.csv"));
        table_conforms::<Check>(include_bytes!("../tests/fixture/checks.csv"));
        table_conforms::<Count>(include_bytes!("../tests/fixture/counts.csv"));
        table_conforms::<StageTime>(include_bytes!("../tests/fixture/stages.csv"));
        table_conforms::<Claim>(include_bytes!("../tests/fixture/claims.csv"));
        let fixture = |file: &str| std::fs::read(format!("{}/tests/fixture/{file}", env!("CARGO_MANIFEST_DIR"))).ok();
        let (run, _) = crate::Run::read(fixture).unwrap();
        for artifact in (crate::csv::REPORT.render)(&crate::report::Material::new(&run)).unwrap() {
            match &*artifact.path {
                Tidy::FILE => table_conforms::<Tidy>(&artifact.bytes),
                Standing::FILE => table_conforms::<Standing>(&artifact.bytes),
                other => panic!("{other} is not described"),
            }
        }
        conforms::<Manifest>(&run.manifest);
        conforms::<Matrix>(&run.matrix);
        conforms::<Entry>(&Entry::of(&run));
        let mut other = run.clone();
        other.cells.retain(|cell| cell.key.strategy != "tape");
        other.cells.iter_mut().for_each(|cell| cell.median_ns = cell.median_ns.map(|ns| ns * 1.5));
        other.samples.iter_mut().for_each(|sample| sample.ns_per_iteration *= 1.5);
        let found = crate::compare::compare(&run, &other, None, crate::compare::Scope { times: true });
        assert!(!found.changes.is_empty());
        conforms::<Comparison>(&found);
        let point = ChangePoint {
            run_id: "a".into(),
            commit: String::new(),
            cell: run.cells[0].key.clone(),
            what: "time".into(),
            before: 1.0,
            after: 2.5,
        };
        conforms::<Changes>(&Changes { runs: 2, changes: vec![point] });
    }

    #[test]
    fn a_schema_refuses_what_is_not_as_it_says() {
        let refused = |value: Value| check(&table::<Count>(), &value).is_err();
        let key = json!({ "suite": "m", "size": "1", "function": "f", "strategy": "s", "kernels": "k", "threads": 1, "metric": "x", "value": 3 });
        let with = |name: &str, value: Value| {
            let mut changed = key.clone();
            changed[name] = value;
            changed
        };
        assert!(!refused(key.clone()));
        let mut stage = key.clone();
        stage.as_object_mut().expect("an object").retain(|name, _| !["metric", "value"].contains(&name.as_str()));
        for (name, value) in [("place", json!(0)), ("stage", json!("fuse")), ("preparations", json!(5))] {
            stage[name] = value;
        }
        for (nanos, fits) in [(json!(0.5), true), (json!(-0.5), false), (Value::Null, false)] {
            stage["median_ns"] = nanos;
            assert_eq!(check(&table::<StageTime>(), &stage).is_ok(), fits, "{stage}");
        }
        for (name, value) in
            [("value", json!(-1)), ("value", json!("3")), ("threads", json!(1_u64 << 40)), ("colour", json!("red"))]
        {
            assert!(refused(with(name, value)), "{name}");
        }
    }
}
