//! What was counted exactly in each cell.

use crate::format::Unit;
use crate::rows::Cell;
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads, mark, numbered};
use crate::view::{View, state};

const NOTE: &str =
    "Equal from run to run and from machine to machine. Empty means not counted, or not defined for the strategy.";

/// How one count is shown.
type Shown = (&'static str, fn(&Cell) -> Field);

const SHOWN: [Shown; 12] = [
    ("kernel calls#", |cell| Field::whole(cell.kernel_calls)),
    ("FLOPs#", |cell| quantity(cell.flops, Unit::Count)),
    ("read#", |cell| quantity(cell.bytes_read, Unit::Bytes)),
    ("written#", |cell| quantity(cell.bytes_written, Unit::Bytes)),
    ("allocations#", |cell| Field::whole(cell.allocations)),
    ("allocated#", |cell| quantity(cell.bytes_allocated, Unit::Bytes)),
    ("peak alive#", |cell| quantity(cell.peak_live_bytes, Unit::Bytes)),
    ("kept for backward#", |cell| quantity(cell.residual_bytes, Unit::Bytes)),
    ("tape entries#", |cell| Field::whole(cell.tape_entries)),
    ("tape#", |cell| quantity(cell.tape_bytes, Unit::Bytes)),
    ("closures#", |cell| Field::whole(cell.closures_made)),
    ("IR nodes#", |cell| Field::whole(cell.ir_nodes)),
];

pub(super) fn table(view: &View) -> Table {
    let mut columns = heads(&["row#"]);
    columns.extend(key_heads(view));
    columns.extend(heads(&SHOWN.map(|(name, _)| name)));
    let line = |(number, cell): (usize, &Cell)| {
        let mut fields = vec![Field { from: vec![number], ..Field::whole(Some(number as u64)) }];
        fields.extend(key_fields(view, &cell.key));
        fields.extend(SHOWN.map(|(_, show)| show(cell)));
        Line { cells: Vec::new(), mark: mark(state(cell)), fields }
    };
    let counted = |(_, cell): &(usize, &Cell)| SHOWN.iter().any(|(_, show)| !show(cell).text.is_empty());
    let rows = numbered(view).filter(counted).map(line).collect();
    Table { name: "counts", title: "Counts", note: NOTE, reference: true, columns, rows }
}

fn quantity(count: Option<u64>, unit: Unit) -> Field {
    Field::quantity(count.map(|count| count as f64), unit)
}
