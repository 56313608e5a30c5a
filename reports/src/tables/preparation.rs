//! What is paid once, before the first evaluation.

use crate::derive::is_preparation;
use crate::rows::{Cell, PREPARE, Status};
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads, mark, numbered, times::time_fields};
use crate::view::{View, state};

const NOTE: &str =
    "Parsing, specialising, transforming, optimising and lowering: measured apart, and in no other time.";

pub(super) fn table(view: &View) -> Table {
    let mut columns = heads(&["row#"]);
    columns.extend(key_heads(view));
    columns.extend(heads(&["median#", "95\u{a0}% interval#", "min#", "samples#"]));
    let paid_once = |(_, cell): &(usize, &Cell)| cell.status == Status::Ok && is_preparation(cell);
    let line = |(number, cell): (usize, &Cell)| {
        let mut fields = vec![Field::whole(Some(number as u64))];
        fields.extend(key_fields(view, &cell.key));
        let function = fields.iter_mut().find(|field| field.text.starts_with(PREPARE)).expect("a one-off cost");
        function.text = function.text[PREPARE.len()..].to_owned();
        fields.extend(time_fields(cell));
        Line { cells: vec![number], mark: mark(state(cell)), fields }
    };
    let rows = numbered(view).filter(paid_once).map(line).collect();
    Table { name: "preparation", title: "One-off cost", note: NOTE, reference: false, columns, rows }
}
