//! What was counted by kind: kernel calls of each kind and nodes after each pass, a row for each cell.

use indexmap::IndexMap;

use crate::columns::Row;
use crate::format::grouped;
use crate::rows::{Cell, Count, Key};
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads};
use crate::view::View;

const NOTE: &str = "The rows of counts.csv that no column of cells.csv repeats.";

/// How the names of metrics begin, and the column each goes to.
const PREFIXES: [&str; 2] = ["calls:", "nodes_after:"];

pub(super) fn table(view: &View) -> Table {
    let mut columns = key_heads(view);
    columns.extend(heads(&["kernel calls…", "nodes after…", "other…"]));
    let elsewhere: Vec<&str> = Cell::columns().iter().map(|column| column.name).collect();
    let mut by_cell: IndexMap<&Key, Vec<&Count>> = IndexMap::new();
    for count in view.run.counts.iter().filter(|count| !elsewhere.contains(&count.metric.as_str())) {
        by_cell.entry(&count.key).or_default().push(count);
    }
    let line = |(key, counts): (&Key, Vec<&Count>)| {
        let mut fields = key_fields(view, key);
        fields.extend(PREFIXES.map(|prefix| listed(&counts, |metric| metric.strip_prefix(prefix))));
        let is_other = |metric: &str| PREFIXES.iter().all(|prefix| !metric.starts_with(prefix));
        fields.push(listed(&counts, |metric| is_other(metric).then_some(metric)));
        Line { fields, ..Line::default() }
    };
    let rows = by_cell.into_iter().map(line).collect();
    Table { name: "counts-by-kind", title: "Counts by kind", note: NOTE, reference: true, columns, rows }
}

/// The counts whose metrics are wanted, each after its name.
fn listed(counts: &[&Count], name: impl Fn(&str) -> Option<&str>) -> Field {
    let named = counts.iter().filter_map(|count| Some(format!("{} {}", name(&count.metric)?, grouped(count.value))));
    Field::text(named.collect::<Vec<_>>().join(", "))
}
