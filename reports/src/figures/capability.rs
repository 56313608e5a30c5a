//! Capability: what each strategy runs, refuses or gets wrong.

use crate::chart::{Body, Figure, Grid, Tile};
use crate::derive::is_preparation;
use crate::figures::{Kind, by_size};
use crate::look::{Colour, INK, MUTED, WRONG};
use crate::rows::{Matrix, NULL_KERNELS, Outcome};
use crate::view::{Group, View, distinct, state};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "capability", title: "Capability", about: ABOUT, make };

/// A cell's outcomes from worst to best.
const WORST_FIRST: [&str; 8] =
    ["invalid", "not controlled", "failed", "timeout", "refused", "skipped", "unchecked", "ok"];

const ABOUT: &str = "The worst outcome over all sizes, with how many sizes it befell where it was not all; empty where there is \
                       no such cell, such as code that nobody wrote by hand.";

fn make(view: &View) -> Vec<Figure> {
    let figure = |name: &str, title: &str, caption: &str, grid: Grid| Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: caption.to_owned(),
        body: Body::Grid(grid),
    };
    let suites = suites(view).map(|grid| figure(KIND.name, "which strategy runs what", "", grid));
    let matrix = view.run.matrix.as_ref().filter(|matrix| !matrix.cells.is_empty()).map(|matrix| {
        let caption = "Language constructs by order of derivative; order 0 is the value.";
        figure(
            "capability-language",
            "which language construct each strategy differentiates",
            caption,
            language(matrix),
        )
    });
    suites.into_iter().chain(matrix).collect()
}

fn suites(view: &View) -> Option<Grid> {
    let strategies = distinct(view.run.cells.iter().map(|cell| cell.key.strategy.as_str()));
    let row = |group: &Group| {
        let tiles = strategies.iter().map(|strategy| tile(view, group, strategy)).collect();
        (format!("{} · {}", group.suite, by_size::title(view, group)), tiles)
    };
    let rows: Vec<_> =
        view.groups(|cell| !is_preparation(cell) && cell.key.kernels != NULL_KERNELS).iter().map(row).collect();
    (!rows.is_empty()).then(|| Grid { columns: strategies.iter().map(|s| (*s).to_owned()).collect(), rows })
}

fn tile(view: &View, group: &Group, strategy: &str) -> Option<Tile> {
    let sizes = view.sizes(group.suite);
    let states: Vec<&str> = sizes.iter().filter_map(|size| view.cell(group, size, strategy).map(state)).collect();
    let worst = WORST_FIRST.into_iter().find(|word| states.contains(word))?;
    let befell = states.iter().filter(|state| **state == worst).count();
    let word = if befell == states.len() { worst.to_owned() } else { format!("{worst} {befell} of {}", states.len()) };
    let (ground, ink) = colours(worst);
    Some(Tile { word, ground, ink })
}

fn language(matrix: &Matrix) -> Grid {
    let strategies = distinct(matrix.cells.iter().map(|cell| cell.strategy.as_str()));
    let lines = distinct(matrix.cells.iter().map(|cell| (cell.construct.as_str(), cell.order)));
    let tile = |line: (&str, u32), strategy: &str| {
        let here = matrix.cells.iter().find(|c| (c.construct.as_str(), c.order) == line && c.strategy == strategy)?;
        let (ground, ink) = colours(match here.outcome {
            Outcome::Runs => "ok",
            Outcome::Restructured => "unchecked",
            Outcome::Refused => "refused",
            Outcome::Wrong => "invalid",
        });
        Some(Tile { word: here.outcome.word().to_owned(), ground, ink })
    };
    let row = |line: &(&str, u32)| {
        let tiles = strategies.iter().map(|strategy| tile(*line, strategy)).collect();
        (format!("{}, order {}", line.0, line.1), tiles)
    };
    Grid { columns: strategies.iter().map(|s| (*s).to_owned()).collect(), rows: lines.iter().map(row).collect() }
}

/// The ground and the ink of an outcome; the grounds differ in lightness too.
fn colours(state: &str) -> (Colour, Colour) {
    match state {
        "ok" => ((0xd3, 0xe7, 0xf5), INK),
        "unchecked" => ((0xf6, 0xef, 0xc7), INK),
        "failed" | "timeout" => ((0xf5, 0xc1, 0x85), INK),
        "invalid" | "not controlled" => (WRONG, (0xff, 0xff, 0xff)),
        _ => ((0xe9, 0xeb, 0xee), MUTED),
    }
}
