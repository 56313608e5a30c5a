//! Accuracy: the largest relative error of each strategy against each reference, beside what is accepted.

use indexmap::IndexMap;

use crate::chart::{Axis, Body, Entry, Figure, Join, Panel, Point, Scale, Series};
use crate::figures::{Kind, by_size, file_name};
use crate::format::{Unit, three_digits};
use crate::look::{LIMIT, look};
use crate::rows::Check;
use crate::view::{View, distinct};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "accuracy", title: "Accuracy", about: ABOUT, make };

/// Where an error of zero is drawn: below the rounding error of any f64.
const EXACT: f64 = 1e-17;

const ABOUT: &str = "The largest relative error over all sizes, by function and reference; the upright stroke is the \
                       tolerance, and a point to its right fails. Exact agreement is drawn at 10⁻¹⁷.";

fn make(view: &View) -> Vec<Figure> {
    let suites = distinct(view.run.checks.iter().map(|check| check.key.suite.as_str()));
    suites.into_iter().filter_map(|suite| figure(view, suite)).collect()
}

fn figure(view: &View, suite: &str) -> Option<Figure> {
    let panels: Vec<Panel> = vec![panel(view, suite)].into_iter().filter(|panel| !panel.is_empty()).collect();
    let mut legend = by_size::legend(view, &panels, None);
    legend.push(Entry { label: "tolerance".to_owned(), look: LIMIT, join: Join::Apart });
    (!panels.is_empty()).then(|| Figure {
        name: file_name(KIND.name, suite),
        title: format!("{suite}: largest relative error against tolerance"),
        caption: orders(view, suite),
        body: Body::Panels { panels, legend },
    })
}

/// The least order of a Taylor remainder by strategy, which is no error and has no place on the axis.
fn orders(view: &View, suite: &str) -> String {
    let mut least: IndexMap<&str, f64> = IndexMap::new();
    let mut accepted = f64::INFINITY;
    for check in view.run.checks.iter().filter(|check| check.key.suite == suite) {
        let Some(order) = check.remainder_order else { continue };
        let known = least.entry(&check.key.strategy).or_insert(order);
        *known = known.min(order);
        accepted = accepted.min(check.tolerance);
    }
    if least.is_empty() {
        return String::new();
    }
    let least: Vec<String> = least.iter().map(|(name, order)| format!("{name} {}", three_digits(*order))).collect();
    format!("Least order of a Taylor remainder: {}; at least {} is required.", least.join(", "), three_digits(accepted))
}

fn panel(view: &View, suite: &str) -> Panel {
    // What has no error, such as the order of a remainder, has no place on this axis.
    let has_error = |check: &&Check| check.largest_relative_error.is_some();
    let checks: Vec<&Check> =
        view.run.checks.iter().filter(|check| check.key.suite == suite).filter(has_error).collect();
    let functions = distinct(checks.iter().map(|check| check.key.function.as_str()));
    let mut lines = distinct(checks.iter().map(|check| line_of(check)));
    lines.sort_by_key(|(function, _)| functions.iter().position(|known| known == function));
    let present = distinct(checks.iter().map(|check| check.key.strategy.as_str()));
    let mut series = vec![Series { look: LIMIT, join: Join::Apart, points: tolerances(&checks, &lines) }];
    for (lane, strategy) in present.iter().enumerate() {
        let shift = (lane as f64 + 0.5) / present.len() as f64 - 0.5;
        let own: Vec<&Check> = checks.iter().copied().filter(|check| check.key.strategy == *strategy).collect();
        let points = errors(&own, &lines, 0.6 * shift);
        series.push(Series { look: look(&view.strategies(), strategy), join: Join::Apart, points });
    }
    let names = lines.iter().map(|(function, reference)| format!("{function} against {reference}")).collect();
    Panel {
        title: String::new(),
        x: Axis { label: "largest relative error".to_owned(), scale: Scale::Log(Unit::Error) },
        y: Axis { label: String::new(), scale: Scale::Names(names) },
        series,
        rules: Vec::new(),
        notes: Vec::new(),
    }
}

/// What the checks of one line share.
fn line_of(check: &Check) -> (&str, &str) {
    (&check.key.function, &check.reference)
}

fn tolerances(checks: &[&Check], lines: &[(&str, &str)]) -> Vec<Point> {
    let tolerance = |line: &(&str, &str)| {
        let own = checks.iter().filter(|check| line_of(check) == *line).map(|check| check.tolerance);
        own.filter(|tolerance| *tolerance > 0.0).reduce(f64::min)
    };
    let at = |(row, line)| Some(Point { x: tolerance(line)?, y: row as f64, interval: None });
    lines.iter().enumerate().filter_map(at).collect()
}

fn errors(checks: &[&Check], lines: &[(&str, &str)], shift: f64) -> Vec<Point> {
    let largest = |line: &(&str, &str)| {
        let own = checks.iter().filter(|check| line_of(check) == *line);
        own.filter_map(|check| check.largest_relative_error).reduce(f64::max)
    };
    let at = |(row, line)| Some(Point { x: largest(line)?.max(EXACT), y: row as f64 + shift, interval: None });
    lines.iter().enumerate().filter_map(at).collect()
}
