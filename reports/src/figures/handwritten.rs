//! Time over the hand-written code's: what generality costs.

use crate::chart::{Axis, Figure, Join, Panel, Scale};
use crate::figures::{Kind, by_size};
use crate::format::Unit;
use crate::rows::{Cell, HANDWRITTEN};
use crate::view::{Group, View};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "handwritten", title: "Against the hand-written code", about: ABOUT, make };

const ABOUT: &str = "Median time over that of code written by hand for the same function on the same kernels: 1 is as good \
                       as by hand.";

fn make(view: &View) -> Vec<Figure> {
    let panels = |suite| view.running_groups(suite).iter().map(|group| panel(view, group)).collect();
    by_size::per_suite(view, (KIND.name, "time ÷ hand-written"), None, panels)
}

fn panel(view: &View, group: &Group) -> Panel {
    let to_handwritten = |cell: &Cell| (cell.key.strategy != HANDWRITTEN).then_some((view.to_handwritten(cell)?, None));
    let axis = Axis { label: "time ÷ hand-written".to_owned(), scale: Scale::Log(Unit::Ratio) };
    let series = by_size::series(view, group, &to_handwritten, Join::Line);
    Panel { rules: vec![(1.0, "1×".to_owned())], ..by_size::panel(view, group, axis, series) }
}
