//! Where the time of an evaluation goes: to the arithmetic of the kernels, or to the strategy itself.

use crate::derive::{Shares, finished_ns, is_preparation, null_twin, preparation, shares};
use crate::format::Unit;
use crate::rows::Cell;
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads, numbered};
use crate::view::View;

const NOTE: &str = "The same cells on real and on null kernels, which do everything but the arithmetic: what is left of the time \
                    there is the strategy's own, allocation and filling array results with zeros included; the rest is arithmetic. Allocation is what it takes to allocate and free as \
                    many buffers of the same mean size by itself. Where kernel calls differ, the zeros of null kernels took the program another way, and \
                    nothing is said of its parts. Preparation is paid once.";

pub(super) fn table(view: &View) -> Table {
    let mut columns = key_heads(view);
    columns.extend(heads(&[
        "time#",
        "arithmetic#",
        "own#",
        "of it allocation#",
        "own share#",
        "own per kernel call#",
        "kernel calls#",
        "on null kernels#",
        "preparation#",
    ]));
    let rows = numbered(view).filter(|(_, cell)| !is_preparation(cell)).filter_map(|pair| line(view, pair)).collect();
    Table { name: "whereabouts", title: "Where the time goes", note: NOTE, reference: false, columns, rows }
}

/// The line of a cell that was measured on null kernels too.
fn line(view: &View, (number, cell): (usize, &Cell)) -> Option<Line> {
    let twin = null_twin(view, cell)?;
    let (whole, shares) = (finished_ns(cell)?, shares(view, cell));
    let nanoseconds = |ns: Option<f64>| Field::quantity(ns, Unit::Nanoseconds);
    let part = |part: fn(&Shares) -> f64| nanoseconds(shares.as_ref().map(|shares| part(shares) * whole));
    let own = |shares: &Shares| shares.bookkeeping + shares.allocation;
    let mut fields = key_fields(view, &cell.key);
    fields.push(Field { from: vec![number], ..nanoseconds(Some(whole)) });
    fields.push(part(|shares| shares.arithmetic));
    fields.push(Field { from: view.row_number(&twin.key).into_iter().collect(), ..part(own) });
    fields.push(part(|shares| shares.allocation));
    fields.push(Field::ratio(shares.as_ref().map(own)));
    fields.push(nanoseconds(twin.own_ns_per_call));
    fields.push(Field::whole(cell.kernel_calls));
    fields.push(Field::whole(twin.kernel_calls));
    fields.push(nanoseconds(preparation(view, cell).and_then(finished_ns)));
    Some(Line { fields, ..Line::default() })
}
