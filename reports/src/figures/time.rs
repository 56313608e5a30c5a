//! Time against size: what each function costs, with the value beneath it.

use crate::chart::{Axis, Figure, Join, Panel, Scale};
use crate::derive::finished_ns;
use crate::figures::{Kind, by_size};
use crate::format::Unit;
use crate::rows::{Cell, VALUE};
use crate::view::{Group, View};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "time", title: "Time against size", about: ABOUT, make };

const ABOUT: &str = "Median time of one evaluation with its 95\u{a0}% interval; both axes are logarithmic. Thin dotted lines \
                       with hollow markers are the same strategy's value.";

fn make(view: &View) -> Vec<Figure> {
    let panels = |suite| view.running_groups(suite).iter().map(|group| panel(view, group)).collect();
    by_size::per_suite(view, (KIND.name, "time against size"), Some("value"), panels)
}

fn panel(view: &View, group: &Group) -> Panel {
    let mut series = by_size::series(view, group, &time, Join::Line);
    if group.function != VALUE && !series.is_empty() {
        let value = Group { function: VALUE, ..group.clone() };
        let beneath = |cell: &Cell| {
            view.cell(group, &cell.key.size, &cell.key.strategy)?;
            Some((finished_ns(cell)?, None))
        };
        series.splice(0..0, by_size::series(view, &value, &beneath, Join::Faint));
    }
    let axis = Axis { label: "time".to_owned(), scale: Scale::Log(Unit::Nanoseconds) };
    by_size::panel(view, group, axis, series)
}

/// The median of a cell with its interval.
pub(super) fn time(cell: &Cell) -> Option<(f64, Option<(f64, f64)>)> {
    Some((finished_ns(cell)?, cell.ci_low_ns.zip(cell.ci_high_ns)))
}
