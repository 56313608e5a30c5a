//! What was counted by kind: a row for each metric of each cell.

use crate::tables::{Field, Line, Table, heads, key_fields, key_heads};
use crate::view::View;

const NOTE: &str = "The rows of counts.csv: kernel calls by kind, nodes after each pass.";

pub(super) fn table(view: &View) -> Table {
    let mut columns = key_heads(view);
    columns.extend(heads(&["metric", "count#"]));
    let counts = view.run.counts.iter();
    let rows = counts.map(|count| {
        let mut fields = key_fields(view, &count.key);
        fields.extend([Field::text(&count.metric), Field::whole(Some(count.value))]);
        Line { fields, ..Line::default() }
    });
    Table {
        name: "counts-by-kind",
        title: "Counts by kind",
        note: NOTE,
        reference: true,
        columns,
        rows: rows.collect(),
    }
}
