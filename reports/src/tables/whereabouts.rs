//! Where the time of an evaluation goes: to the arithmetic of the kernels, or to the strategy itself.

use crate::derive::{finished_ns, is_preparation};
use crate::format::Unit;
use crate::rows::{Cell, Key, NULL_KERNELS, PREPARE};
use crate::tables::{Field, Line, Table, heads, key_fields, key_heads, numbered};
use crate::view::View;

const NOTE: &str = "The same cells on real and on null kernels, which do everything but the arithmetic: what is left of the time \
                    there is the strategy's own, allocation included; the rest is arithmetic. Preparation is paid once.";

pub(super) fn table(view: &View) -> Table {
    let mut columns = key_heads(view);
    columns.extend(heads(&["time#", "arithmetic#", "own#", "own share#", "own per kernel call#", "preparation#"]));
    let rows = numbered(view).filter(|(_, cell)| !is_preparation(cell)).filter_map(|pair| line(view, pair)).collect();
    Table { name: "whereabouts", title: "Where the time goes", note: NOTE, reference: false, columns, rows }
}

/// The line of a cell that was measured on null kernels too.
fn line(view: &View, (number, cell): (usize, &Cell)) -> Option<Line> {
    let of = |key: Key| view.run.cells.iter().position(|other| other.key == key);
    let null = of(Key { kernels: NULL_KERNELS.to_owned(), ..cell.key.clone() }).filter(|&at| at + 1 != number)?;
    let twin = &view.run.cells[null];
    let (time, own) = (finished_ns(cell)?, finished_ns(twin)?);
    let preparation = of(Key { function: format!("{PREPARE}{}", cell.key.function), ..cell.key.clone() });
    let preparation = preparation.and_then(|at| finished_ns(&view.run.cells[at]));
    let nanoseconds = |ns: Option<f64>| Field::quantity(ns, Unit::Nanoseconds);
    let mut fields = key_fields(view, &cell.key);
    fields.push(Field { from: vec![number], ..nanoseconds(Some(time)) });
    // Noise may make the null kernels seem slower than the real ones.
    fields.push(nanoseconds(Some((time - own).max(0.0))));
    fields.push(Field { from: vec![null + 1], ..nanoseconds(Some(own)) });
    fields.push(Field::ratio(Some((own / time).min(1.0))));
    fields.push(nanoseconds(twin.own_ns_per_call));
    fields.push(nanoseconds(preparation));
    Some(Line { fields, ..Line::default() })
}
