//! Every timed cell: its median with interval, and its ratios.

use crate::derive::is_preparation;
use crate::format::{Scale, Unit};
use crate::rows::{Cell, Status, Steadiness};
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads, mark, numbered};
use crate::view::{View, state};

const NOTE: &str = "Time of one evaluation in the steady state, one-off cost left out; the interval is the median's 95\u{a0}% interval. Ratios \
                    are of medians: to the same strategy's value, to the hand-written code, to the fastest contestant at the same \
                    size. The row number is that of cells.csv. Samples that were not steady drifted from round to round, were of two groups or \
                    all over: such an interval may be too narrow.";

pub(super) fn table(view: &View) -> Table {
    let mut columns = heads(&["row#"]);
    columns.extend(key_heads(view));
    columns.extend(heads(&[
        "median#",
        "95\u{a0}% interval#",
        "min#",
        "samples#",
        "÷ value#",
        "÷ hand-written#",
        "÷ fastest#",
        "checked",
        "samples were",
    ]));
    let timed = |(_, cell): &(usize, &Cell)| cell.status == Status::Ok && !is_preparation(cell);
    let rows = numbered(view).filter(timed).map(|(number, cell)| line(view, number, cell)).collect();
    Table { name: "times", title: "Every time", note: NOTE, reference: false, columns, rows }
}

fn line(view: &View, number: usize, cell: &Cell) -> Line {
    let mut fields = vec![Field::whole(Some(number as u64))];
    fields.extend(key_fields(view, &cell.key));
    fields.extend(time_fields(cell));
    fields.push(Field::ratio(view.to_value(cell)));
    fields.push(Field::ratio(view.to_handwritten(cell)));
    fields.push(Field { strong: view.program_to_fastest(cell) == Some(1.0), ..Field::ratio(view.to_fastest(cell)) });
    fields.push(Field::text(state(cell)));
    fields.push(Field::text(cell.steadiness.map(Steadiness::word).unwrap_or_default()));
    Line { cells: vec![number], mark: mark(state(cell)), fields }
}

/// Median, interval, shortest sample and how many there were.
pub(super) fn time_fields(cell: &Cell) -> [Field; 4] {
    [
        Field::quantity(cell.median_ns, Unit::Nanoseconds),
        interval(cell).unwrap_or_default(),
        Field::quantity(cell.min_ns, Unit::Nanoseconds),
        Field::whole(cell.samples),
    ]
}

/// The interval in the unit of the median, both ends with as many decimals as the median: what contains the median
/// contains it as it is printed.
fn interval(cell: &Cell) -> Option<Field> {
    let (low, high) = cell.ci_low_ns.zip(cell.ci_high_ns)?;
    let scale = Scale::of(cell.median_ns?, Unit::Nanoseconds);
    let text = format!("{} – {}", scale.show(low), scale.show(high));
    Some(Field { text, unit: scale.unit, sort: Some(high - low), ..Field::default() })
}
