//! What did not run, and what ran and is wrong, each with its reason.

use crate::derive::is_preparation;
use crate::rows::{Cell, Status};
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads, mark, numbered};
use crate::view::{View, state};

const NOTE: &str = "A refusal is a result: the strategy says what it cannot express. What failed, timed out or is invalid is a \
                    defect or a limit of this run, and what is not controlled did other forward work than its rivals; neither is ever \
                    ranked.";

pub(super) fn table(view: &View) -> Table {
    let mut columns = heads(&["row#"]);
    columns.extend(key_heads(view));
    columns.extend(heads(&["outcome", "reason…"]));
    let line = |(number, cell): (usize, &Cell)| {
        let shown_elsewhere = cell.status == Status::Ok;
        let from = if shown_elsewhere { vec![number] } else { Vec::new() };
        let mut fields = vec![Field { from, ..Field::whole(Some(number as u64)) }];
        fields.extend(key_fields(view, &cell.key));
        fields.push(Field { strong: true, ..Field::text(state(cell)) });
        fields.push(Field::text(cell.reason.clone().unwrap_or_default()));
        Line { cell: (!shown_elsewhere).then_some(number), mark: mark(state(cell)), fields }
    };
    // What keeps a cell from running keeps it from being prepared, and is said once.
    let is_problem = |(_, cell): &(usize, &Cell)| !mark(state(cell)).is_empty() && !is_preparation(cell);
    let mut rows: Vec<Line> = numbered(view).filter(is_problem).map(line).collect();
    rows.sort_by_key(|line| ["invalid", "failed", "refused"].iter().position(|mark| *mark == line.mark));
    Table {
        name: "problems",
        title: "Refused, failed, invalid, not controlled",
        note: NOTE,
        reference: false,
        columns,
        rows,
    }
}
