//! Performance profiles: for each contestant the share of cells in which it is within a factor of the fastest
//! (Dolan & Moré, *Mathematical Programming* 91, 2002).

use crate::chart::{Axis, Body, Figure, Join, Panel, Point, Scale, Series};
use crate::derive::{is_contestant, is_preparation};
use crate::figures::{Kind, by_size};
use crate::format::Unit;
use crate::look::look;
use crate::rows::{Cell, NULL_KERNELS};
use crate::view::{View, distinct};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "profile", title: "Performance profiles", about: ABOUT, make };

const ABOUT: &str = "How many of all cells a strategy computes within a factor of the fastest (Dolan and Moré, 2002). \
                       At 1 is the share it wins, alone or with others that ran the same program; the height at the right is the share it computes at all: what it \
                       refuses or gets wrong is missing there.";

fn make(view: &View) -> Vec<Figure> {
    let running = |cell: &&Cell| !is_preparation(cell) && cell.key.kernels != NULL_KERNELS;
    let contested = |cell: &&Cell| is_contestant(&cell.key.strategy, &view.run.manifest);
    let cells: Vec<&Cell> = view.run.cells.iter().filter(running).filter(contested).collect();
    let functions = distinct(cells.iter().map(|cell| cell.key.function.as_str()));
    let panels: Vec<Panel> = functions.iter().map(|function| panel(view, &cells, function)).collect();
    let panels: Vec<Panel> = panels.into_iter().filter(|panel| !panel.is_empty()).collect();
    let legend = by_size::legend(view, &panels, None);
    let body = Body::Panels { panels, legend };
    let figure =
        Figure { name: KIND.name.into(), title: "within a factor of the fastest".into(), caption: String::new(), body };
    if matches!(&figure.body, Body::Panels { panels, .. } if panels.is_empty()) { Vec::new() } else { vec![figure] }
}

fn panel(view: &View, cells: &[&Cell], function: &str) -> Panel {
    let here: Vec<&Cell> = cells.iter().copied().filter(|cell| cell.key.function == function).collect();
    let contests =
        distinct(here.iter().map(|cell| (&cell.key.suite, &cell.key.size, &cell.key.kernels, cell.key.threads)));
    let strategies = distinct(here.iter().map(|cell| cell.key.strategy.as_str()));
    let factors = |strategy: &str| {
        let own = here.iter().filter(|cell| cell.key.strategy == strategy);
        let mut factors: Vec<f64> = own.filter_map(|cell| view.program_to_fastest(cell)).collect();
        factors.sort_by(f64::total_cmp);
        factors
    };
    let all: Vec<(&str, Vec<f64>)> = strategies.iter().map(|strategy| (*strategy, factors(strategy))).collect();
    let widest = all.iter().flat_map(|(_, factors)| factors).copied().fold(1.0, f64::max) * 1.2;
    let series = all.iter().filter(|(_, factors)| !factors.is_empty()).map(|(strategy, factors)| {
        let share = |done: usize| done as f64 / contests.len() as f64;
        let won = factors.iter().filter(|factor| **factor <= 1.0).count();
        let start = Point { x: 1.0, y: share(won), interval: None };
        let steps = factors.iter().enumerate().skip(won);
        let steps = steps.map(|(index, factor)| Point { x: *factor, y: share(index + 1), interval: None });
        let end = Point { x: widest, y: share(factors.len()), interval: None };
        let points = std::iter::once(start).chain(steps).chain([end]).collect();
        Series { look: look(&view.strategies(), strategy), join: Join::Steps, points }
    });
    Panel {
        title: function.to_owned(),
        x: Axis { label: "time ÷ time of the fastest".to_owned(), scale: Scale::Log(Unit::Ratio) },
        y: Axis { label: "share of cells".to_owned(), scale: Scale::Share },
        series: series.collect(),
        rules: Vec::new(),
        notes: Vec::new(),
    }
}
