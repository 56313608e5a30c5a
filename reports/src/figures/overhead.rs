//! What each strategy costs by itself, for each call of a kernel: time on null kernels.

use crate::chart::{Axis, Figure, Join, Panel, Scale};
use crate::figures::{Kind, by_size};
use crate::format::Unit;
use crate::rows::Cell;
use crate::view::{Group, View};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "overhead", title: "Own cost per kernel call", about: ABOUT, make };

const ABOUT: &str = "Median time on kernels that do everything but the arithmetic, over the number of their calls: what a \
                       strategy costs by itself, allocation, filling array results with zeros and dispatch included. A fused kernel counts as a call of each kernel that \
                       it stands for, so fusion shows as a lower cost. The calls are those on null kernels, whose zeros may take a program another way.";

fn make(view: &View) -> Vec<Figure> {
    let panels = |suite| view.null_groups(suite).iter().map(|group| panel(view, group)).collect();
    by_size::per_suite(view, (KIND.name, "own cost per kernel call"), None, panels)
}

fn panel(view: &View, group: &Group) -> Panel {
    let own = |cell: &Cell| Some((cell.own_ns_per_call?, None));
    let axis = Axis { label: "time per kernel call".to_owned(), scale: Scale::Log(Unit::Nanoseconds) };
    by_size::panel(view, group, axis, by_size::series(view, group, &own, Join::Line))
}
