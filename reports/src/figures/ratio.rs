//! Derivative over value: how many evaluations of the value a derivative costs.
//!
//! The lines at 3, 4 and 5 are the classical bounds on reverse mode: Baur & Strassen (1983) and Griewank (1989) bound the
//! operations of value and gradient by small multiples of the value's.

use crate::chart::{Axis, Figure, Join, Panel, Scale};
use crate::figures::{Kind, by_size};
use crate::format::Unit;
use crate::rows::{Cell, VALUE};
use crate::view::{Group, View};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "ratio", title: "Derivative ÷ value", about: ABOUT, make };

const BOUNDS: [f64; 3] = [3.0, 4.0, 5.0];

/// The functions that the bounds are about.
const BOUNDED: [&str; 2] = ["gradient", "value_and_gradient"];

const ABOUT: &str = "Median time over the median time of the same strategy's value. The lines are the bounds \
                       3, 4 and 5 of theory for a gradient by reverse mode, whatever the number of inputs. A gradient \
                       alone may cost less than the value: a strategy that knows the whole program leaves out what only \
                       the value needs.";

fn make(view: &View) -> Vec<Figure> {
    let derivative = |group: &&Group| group.function != VALUE;
    let panels = |suite| view.running_groups(suite).iter().filter(derivative).map(|group| panel(view, group)).collect();
    by_size::per_suite(view, (KIND.name, "derivative ÷ value"), None, panels)
}

fn panel(view: &View, group: &Group) -> Panel {
    let to_value = |cell: &Cell| Some((view.to_value(cell)?, None));
    let axis = Axis { label: "time ÷ time of the value".to_owned(), scale: Scale::Log(Unit::Ratio) };
    let mut panel = by_size::panel(view, group, axis, by_size::series(view, group, &to_value, Join::Line));
    if BOUNDED.contains(&group.function) {
        panel.rules = BOUNDS.iter().map(|bound| (*bound, format!("{bound}×"))).collect();
    }
    panel
}
