//! The schema of every file as JSON Schema: what `schema` prints and other programs may check against.
//!
//! Tables are described by one row, an object of texts whose names are the columns.

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use crate::columns::Row;
use crate::compare::Comparison;
use crate::files::{MANIFEST, MATRIX};
use crate::rows::{Cell, Check, Claim, Count, Manifest, Matrix, Sample};

/// A file and its schema.
pub type Described = (&'static str, fn() -> Value);

/// What `compare --format json` prints, which is no file of a run.
pub const COMPARISON: &str = "comparison.json";

/// Every file of a run folder, and what `compare` prints.
pub const SCHEMAS: &[Described] = &[
    (MANIFEST, object::<Manifest>),
    (Cell::FILE, table::<Cell>),
    (Sample::FILE, table::<Sample>),
    (Check::FILE, table::<Check>),
    (Count::FILE, table::<Count>),
    (Claim::FILE, table::<Claim>),
    (MATRIX, object::<Matrix>),
    (COMPARISON, object::<Comparison>),
];

fn object<T: JsonSchema>() -> Value {
    schema_for!(T).into()
}

fn table<R: Row>() -> Value {
    let columns = R::columns();
    let property = |about: &str| json!({ "type": "string", "description": about });
    let properties: Map<String, Value> =
        columns.iter().map(|column| (column.name.to_owned(), property(column.about))).collect();
    let required: Vec<&str> = columns.iter().filter(|column| column.required).map(|column| column.name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": R::FILE,
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether an object has the properties that a schema requires, and no other.
    fn check(schema: &Value, object: &Value) {
        let properties = schema["properties"].as_object().expect("properties");
        let object = object.as_object().expect("an object");
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(object.contains_key(name.as_str().expect("a name")), "{name} is missing");
        }
        for name in object.keys() {
            assert!(properties.contains_key(name), "{name} is not described");
        }
        assert!(properties.values().all(|property| property.is_object() || property.is_boolean()));
    }

    #[test]
    fn what_is_written_is_what_is_described() {
        let manifest = serde_json::to_value(Manifest::default()).unwrap();
        check(&object::<Manifest>(), &manifest);
        check(&object::<Matrix>(), &serde_json::to_value(Matrix::default()).unwrap());
        check(&object::<Comparison>(), &serde_json::to_value(Comparison::default()).unwrap());
        let fixture: Value = serde_json::from_slice(include_bytes!("../tests/fixture/manifest.json")).unwrap();
        check(&object::<Manifest>(), &fixture);
        let header = crate::files::header::<Cell>();
        let row = header.trim_end().split(',').map(|name| (name.to_owned(), json!("")));
        check(&table::<Cell>(), &Value::Object(row.collect()));
    }
}
