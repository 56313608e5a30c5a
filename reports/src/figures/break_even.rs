//! Break-even: after how many evaluations a costlier preparation has paid.

use crate::chart::{Axis, Figure, Join, Scale};
use crate::derive::{finished_ns, is_contestant};
use crate::figures::{Kind, by_size};
use crate::format::Unit;
use crate::rows::{Cell, PREPARE};
use crate::view::{Group, View, group_of};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "break-even", title: "When preparation pays", about: ABOUT, make };

const ABOUT: &str = "After how many evaluations a strategy has made up for its preparation, against the contestant that \
                       is prepared fastest. No point where it never does, and none for that contestant itself: \
                       points are not joined.";

fn make(view: &View) -> Vec<Figure> {
    let panels = |suite: &str| {
        let axis = || Axis { label: "evaluations".to_owned(), scale: Scale::Log(Unit::Count) };
        let panel = |group: &Group| {
            let evaluations = |cell: &Cell| Some((break_even(view, group, cell)?, None));
            by_size::panel(view, group, axis(), by_size::series(view, group, &evaluations, Join::Apart))
        };
        view.running_groups(suite).iter().map(panel).collect()
    };
    by_size::per_suite(view, (KIND.name, "when preparation pays"), None, panels)
}

fn break_even(view: &View, group: &Group, cell: &Cell) -> Option<f64> {
    let own = costs(view, cell)?;
    let rivals = view.strategies().into_iter().filter(|strategy| is_contestant(strategy, &view.run.manifest));
    let costs = rivals.filter_map(|rival| costs(view, view.cell(group, &cell.key.size, rival)?));
    let first = costs.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let evaluations = (own.0 - first.0) / (first.1 - own.1);
    (is_contestant(&cell.key.strategy, &view.run.manifest) && own.0 > first.0 && own.1 < first.1)
        .then_some(evaluations.ceil())
}

/// What is paid once, and each time.
fn costs(view: &View, cell: &Cell) -> Option<(f64, f64)> {
    let function = format!("{PREPARE}{}", cell.key.function);
    let once = view.cell(&Group { function: &function, ..group_of(cell) }, &cell.key.size, &cell.key.strategy)?;
    Some((finished_ns(once)?, finished_ns(cell)?))
}
