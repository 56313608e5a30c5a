//! Tables as compact JSON, for a page whose script makes the rows: as HTML they would be most of it.
//!
//! `{"words": […], "rows": [[cell, mark, field, …], …]}`: the one row of `cells.csv` that a row shows or 0, its mark or 0, and a
//! field for each column. A field is
//!
//! - a number: a whole number, printed in groups of three digits and sorted by itself;
//! - a string: words;
//! - `[k]`: the field `words[k]`, which occurs more than once;
//! - `[text, unit, sort, small, look, from]`: anything else, cut off where only empty parts follow. `look` is 1 for what
//!   stands out, 2 for what is to be typed. `sort` has six digits: enough to sort by; the number itself is in `cells.csv`.

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::format::grouped;
use crate::tables::{Field, Line, Table};

/// The table as JSON that can stand inside a script element.
pub(crate) fn packed(table: &Table) -> String {
    let rows: Vec<Vec<String>> =
        table.rows.iter().map(|line| line.fields.iter().map(|field| plain(field).to_string()).collect()).collect();
    let mut uses: IndexMap<&str, usize> = IndexMap::new();
    rows.iter().flatten().for_each(|text| *uses.entry(text).or_default() += 1);
    let words = uses.into_iter().filter(|(text, times)| *times > 1 && text.len() > 5);
    let words: IndexMap<&str, usize> = words.map(|(text, _)| text).zip(0..).collect();
    let field = |text: &String| words.get(text.as_str()).map_or_else(|| text.clone(), |word| format!("[{word}]"));
    let row = |(line, fields): (&Line, &Vec<String>)| {
        let mark = if line.mark.is_empty() { json!(0) } else { json!(line.mark) };
        let head = [line.cells.first().unwrap_or(&0).to_string(), mark.to_string()];
        format!("[{}]", head.into_iter().chain(fields.iter().map(field)).collect::<Vec<_>>().join(","))
    };
    let rows: Vec<String> = table.rows.iter().zip(&rows).map(row).collect();
    let words: Vec<&str> = words.into_keys().collect();
    format!("{{\"words\":[{}],\"rows\":[\n{}\n]}}", words.join(","), rows.join(",\n")).replace('<', "\\u003c")
}

/// The field by itself, without words.
fn plain(field: &Field) -> Value {
    let Field { text, unit, small, sort, strong, code, from } = field;
    let look = u8::from(*strong) + 2 * u8::from(*code);
    let whole = sort.filter(|n| (0.0..1e15).contains(n) && n.fract() == 0.0 && *text == grouped(*n as u64));
    let bare = unit.is_empty() && small.is_empty() && look == 0 && from.is_empty();
    match (whole, sort) {
        (Some(number), _) if bare => return json!(number as u64),
        (None, None) if bare => return json!(text),
        _ => {}
    }
    let mut parts = vec![json!(text), json!(unit), sort.map_or(Value::Null, short), json!(small), json!(look)];
    parts.push(json!(from));
    while parts.len() > 2 && parts.last().is_some_and(is_empty) {
        parts.pop();
    }
    Value::Array(parts)
}

fn is_empty(part: &Value) -> bool {
    part.is_null() || *part == json!("") || *part == json!(0) || *part == json!([])
}

/// A number to sort by, with six digits.
fn short(number: f64) -> Value {
    let rounded = format!("{number:.5e}").parse().unwrap_or(number);
    if f64::fract(rounded) == 0.0 && rounded.abs() < 1e15 { json!(rounded as i64) } else { json!(rounded) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Unit;

    #[test]
    fn fields_are_as_short_as_they_can_be_and_repeated_ones_are_words() {
        let fields = |row: u64| {
            let linked = Field { from: vec![7], ..Field::whole(Some(row)) };
            let time = Field::quantity(Some(1234.5678), Unit::Nanoseconds);
            vec![Field::whole(Some(12_345 + row)), Field::text("</script>"), Field::default(), time, linked]
        };
        let line = |row: usize| Line { cells: vec![row], mark: "", fields: fields(row as u64) };
        let table = Table { rows: vec![line(1), line(2)], ..Table::default() };
        let text = packed(&table);
        assert!(!text.contains('<'), "{text}");
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["words"], json!(["</script>", ["1.23", "µs", 1234.57]]));
        assert_eq!(json["rows"][0], json!([1, 0, 12_346, [0], "", [1], ["1", "", 1, "", 0, [7]]]));
    }
}
