//! Where the time of an evaluation goes, at the largest size of each suite: arithmetic, bookkeeping, allocation.

use crate::chart::{Axis, Body, Entry, Figure, Join, Panel, Point, Scale, Series};
use crate::derive::{Shares, shares};
use crate::figures::{Kind, by_size, file_name};
use crate::format::{Unit, quantity};
use crate::look::PARTS;
use crate::rows::Cell;
use crate::view::{Group, View, group_of};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "whereabouts", title: "Where the time goes", about: ABOUT, make };

const ABOUT: &str = "Shares of one evaluation at the largest size, from the same cells on real and on null kernels. Arithmetic is \
                       what null kernels leave out. Allocation is what it takes to allocate and free as many buffers of the same mean size by itself. \
                       Bookkeeping is the rest, and what fills array results with zeros on null kernels is in it. A cell that makes other kernel calls there, as the zeros of null kernels took it another way, is left out. At the right the whole time, and what is paid once before it.";

const NAMES: [&str; 3] = ["arithmetic of kernels", "bookkeeping", "allocation"];

fn make(view: &View) -> Vec<Figure> {
    view.suites().into_iter().filter_map(|suite| figure(view, suite)).collect()
}

fn figure(view: &View, suite: &str) -> Option<Figure> {
    let divided = |cell: &Cell| cell.key.suite == suite && shares(view, cell).is_some();
    let size =
        *view.sizes(suite).iter().rfind(|size| view.run.cells.iter().any(|c| c.key.size == **size && divided(c)))?;
    let mut rows: Vec<(String, Shares)> = Vec::new();
    for group in view.running_groups(suite) {
        rows.extend(view.strategies().into_iter().filter_map(|strategy| row(view, &group, size, strategy)));
    }
    let panel = panel(&rows);
    let entry = |(name, look): (&str, _)| Entry { label: name.to_owned(), look, join: Join::Bars };
    Some(Figure {
        name: file_name(KIND.name, suite),
        title: format!("{suite}: where the time goes at {size}"),
        caption: String::new(),
        body: Body::Panels { panels: vec![panel], legend: NAMES.into_iter().zip(PARTS).map(entry).collect() },
    })
}

fn row(view: &View, group: &Group, size: &str, strategy: &str) -> Option<(String, Shares)> {
    let cell = view.cell(group, size, strategy)?;
    Some((format!("{} · {strategy}", by_size::title(view, &group_of(cell))), shares(view, cell)?))
}

fn panel(rows: &[(String, Shares)]) -> Panel {
    let ends = |Shares { arithmetic, bookkeeping, .. }: &Shares| [0.0, *arithmetic, arithmetic + bookkeeping, 1.0];
    let part = |part: usize| {
        let bar = |(row, (_, shares)): (usize, &(String, Shares))| {
            let (from, to) = (ends(shares)[part], ends(shares)[part + 1]);
            Point { x: to, y: row as f64, interval: Some((from, to)) }
        };
        Series { look: PARTS[part], join: Join::Bars, points: rows.iter().enumerate().map(bar).collect() }
    };
    let note = |(row, (_, shares)): (usize, &(String, Shares))| {
        let once = shares.once.map(|once| format!(", once {}", quantity(once, Unit::Nanoseconds)));
        (row as f64, quantity(shares.whole, Unit::Nanoseconds) + &once.unwrap_or_default())
    };
    Panel {
        title: String::new(),
        x: Axis { label: "share of the time".to_owned(), scale: Scale::Share },
        y: Axis { label: String::new(), scale: Scale::Names(rows.iter().map(|(name, _)| name.clone()).collect()) },
        series: (0..PARTS.len()).map(part).collect(),
        rules: Vec::new(),
        notes: rows.iter().enumerate().map(note).collect(),
    }
}
