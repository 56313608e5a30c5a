//! Every comparison that makes a cell valid or not.

use crate::format::{Unit, three_digits};
use crate::rows::Check;
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads};
use crate::view::View;

const NOTE: &str = "The largest relative error against each reference. `finite` is central differences along random directions; `taylor` is \
                    the order at which the remainder vanishes, which must reach the accepted one.";

pub(super) fn table(view: &View) -> Table {
    let mut columns = key_heads(view);
    columns.extend(heads(&["against", "error#", "accepted#", "at element#", "outcome", "reason…"]));
    let rows = view.run.checks.iter().map(|check| line(view, check)).collect();
    Table { name: "checks", title: "Checks", note: NOTE, reference: true, columns, rows }
}

fn line(view: &View, check: &Check) -> Line {
    let mut fields = key_fields(view, &check.key);
    fields.push(Field::text(&check.reference));
    fields.extend(match check.remainder_order {
        Some(order) => [order, check.tolerance].map(|order| Field {
            text: format!("order {}", three_digits(order)),
            sort: Some(order),
            ..Field::default()
        }),
        None => [check.largest_relative_error, Some(check.tolerance)].map(|error| Field::quantity(error, Unit::Error)),
    });
    fields.push(Field::whole(check.first_index));
    fields.push(Field::text(if check.passed { "passed" } else { "failed" }));
    fields.push(Field::text(check.reason.clone().unwrap_or_default()));
    Line { cells: Vec::new(), mark: if check.passed { "" } else { "invalid" }, fields }
}
