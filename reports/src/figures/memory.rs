//! Memory against size: the most alive at once, and what is kept between forward and backward.

use crate::chart::{Axis, Figure, Join, Panel, Scale};
use crate::figures::{Kind, by_size};
use crate::format::Unit;
use crate::rows::{Cell, Status};
use crate::view::{Group, View};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "memory", title: "Memory against size", about: ABOUT, make };

const ABOUT: &str = "The most bytes of array buffers alive at once. Thin dotted lines with hollow markers are the bytes \
                       kept between the forward and the backward pass, of strategies that keep them apart; they include \
                       what the caller owns, the arguments, which the peak does not. Nothing at all has no place on a \
                       logarithmic axis. Counted, not measured: the same on every machine.";

fn make(view: &View) -> Vec<Figure> {
    let panels = |suite| view.running_groups(suite).iter().map(|group| panel(view, group)).collect();
    by_size::per_suite(view, (KIND.name, "memory against size"), Some("kept for the backward pass"), panels)
}

fn panel(view: &View, group: &Group) -> Panel {
    let count = |cell: &Cell, count: Option<u64>| {
        let count = count.filter(|_| cell.status == Status::Ok)?;
        Some((count as f64, None))
    };
    let mut series = by_size::series(view, group, &|cell| count(cell, cell.residual_bytes), Join::Faint);
    series.extend(by_size::series(view, group, &|cell| count(cell, cell.peak_live_bytes), Join::Line));
    let axis = Axis { label: "bytes".to_owned(), scale: Scale::Log(Unit::Bytes) };
    by_size::panel(view, group, axis, series)
}
