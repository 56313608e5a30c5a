//! Where the time of an evaluation goes: to the arithmetic of the kernels, or to the strategy itself.

use crate::derive::{Shares, is_preparation, shares};
use crate::format::Unit;
use crate::rows::{Cell, Key, NULL_KERNELS};
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads, numbered};
use crate::view::View;

const NOTE: &str = "The same cells on real and on null kernels, which do everything but the arithmetic: what is left of the time \
                    there is the strategy's own, allocation and filling array results with zeros included; the rest is arithmetic. Allocation is what it takes to allocate and free as \
                    many buffers of the same mean size by itself. Preparation is paid once.";

pub(super) fn table(view: &View) -> Table {
    let mut columns = key_heads(view);
    columns.extend(heads(&[
        "time#",
        "arithmetic#",
        "own#",
        "of it allocation#",
        "own share#",
        "own per kernel call#",
        "preparation#",
    ]));
    let rows = numbered(view).filter(|(_, cell)| !is_preparation(cell)).filter_map(|pair| line(view, pair)).collect();
    Table { name: "whereabouts", title: "Where the time goes", note: NOTE, reference: false, columns, rows }
}

/// The line of a cell that was measured on null kernels too.
fn line(view: &View, (number, cell): (usize, &Cell)) -> Option<Line> {
    let Shares { whole, arithmetic, bookkeeping, allocation, once } = shares(view, cell)?;
    let twin = Key { kernels: NULL_KERNELS.to_owned(), ..cell.key.clone() };
    let nanoseconds = |ns: Option<f64>| Field::quantity(ns, Unit::Nanoseconds);
    let part = |share: f64| nanoseconds(Some(share * whole));
    let mut fields = key_fields(view, &cell.key);
    fields.push(Field { from: vec![number], ..nanoseconds(Some(whole)) });
    fields.push(part(arithmetic));
    fields.push(Field { from: view.row_number(&twin).into_iter().collect(), ..part(bookkeeping + allocation) });
    fields.push(part(allocation));
    fields.push(Field::ratio(Some(bookkeeping + allocation)));
    fields.push(nanoseconds(view.find(&twin)?.own_ns_per_call));
    fields.push(nanoseconds(once));
    Some(Line { fields, ..Line::default() })
}
