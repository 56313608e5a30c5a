//! One-off cost against size: what is paid before the first evaluation.

use crate::chart::{Axis, Figure, Join, Scale};
use crate::derive::is_preparation;
use crate::figures::{Kind, by_size, time::time};
use crate::format::Unit;
use crate::view::View;

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "preparation", title: "One-off cost", about: ABOUT, make };

const ABOUT: &str = "Time to parse, specialise, transform, optimise and lower, paid once before the first evaluation and in no \
                       other figure. Upright strokes are 95\u{a0}% intervals; those of fewer than six samples span all of them.";

fn make(view: &View) -> Vec<Figure> {
    let panels = |suite: &str| {
        let groups = view.groups(|cell| cell.key.suite == suite && is_preparation(cell));
        let axis = || Axis { label: "time, once".to_owned(), scale: Scale::Log(Unit::Nanoseconds) };
        let panel = |group| by_size::panel(view, group, axis(), by_size::series(view, group, &time, Join::Line));
        groups.iter().map(panel).collect()
    };
    by_size::per_suite(view, (KIND.name, "one-off cost"), None, panels)
}
