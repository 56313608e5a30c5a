//! Panels that show something against the size of a suite.
//!
//! The horizontal axis is the work of the suite's value in floating-point operations where every size has it, and the
//! sizes' names in their order otherwise.

use crate::chart::{Axis, Body, Entry, Figure, Join, Panel, Point, Scale, Series};
use crate::figures::file_name;
use crate::format::Unit;
use crate::look::{Look, MUTED, Marker, VALUE_DASH, look};
use crate::rows::{Cell, PREPARE};
use crate::view::{Group, View, distinct};

/// What a cell has to show: a height and its interval.
pub(super) type Metric<'f> = &'f dyn Fn(&Cell) -> Option<(f64, Option<(f64, f64)>)>;

/// A figure for each suite that has panels; `panels` makes those of one suite.
pub(super) fn per_suite<'a>(
    view: &View<'a>,
    (kind, title): (&str, &str),
    faint: Option<&str>,
    panels: impl Fn(&'a str) -> Vec<Panel>,
) -> Vec<Figure> {
    let figure = |suite: &'a str| {
        let panels: Vec<Panel> = panels(suite).into_iter().filter(|panel| !panel.is_empty()).collect();
        let legend = legend(view, &panels, faint);
        (!panels.is_empty()).then(|| Figure {
            name: file_name(kind, suite),
            title: format!("{suite}: {title}"),
            caption: sizes_sentence(view, suite),
            body: Body::Panels { panels, legend },
        })
    };
    view.suites().into_iter().filter_map(figure).collect()
}

/// A panel of one group over its sizes.
pub(super) fn panel(view: &View, group: &Group, y: Axis, series: Vec<Series>) -> Panel {
    Panel {
        title: title(view, group),
        x: size_axis(view, group.suite),
        y,
        series,
        rules: Vec::new(),
        notes: Vec::new(),
    }
}

/// A series for each strategy of a group that has something to show.
pub(super) fn series(view: &View, group: &Group, metric: Metric, join: Join) -> Vec<Series> {
    let strategies = view.strategies();
    let sizes = view.sizes(group.suite);
    let one = |strategy: &&str| {
        let point = |(index, size): (usize, &&str)| {
            let (y, interval) = metric(view.cell(group, size, strategy)?)?;
            Some(Point { x: position(view, group.suite, index, size), y, interval })
        };
        let mut points: Vec<Point> = sizes.iter().enumerate().filter_map(point).filter(|point| point.y > 0.0).collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        Series { look: look(&strategies, strategy), join, points }
    };
    strategies.iter().map(one).filter(|series| !series.points.is_empty()).collect()
}

/// The strategies that occur in the panels, and what a faint line stands for.
pub(super) fn legend(view: &View, panels: &[Panel], faint: Option<&str>) -> Vec<Entry> {
    let strategies = view.strategies();
    let shown = |wanted: &Look| panels.iter().flat_map(|panel| &panel.series).any(|series| series.look == *wanted);
    let apart = panels.iter().flat_map(|panel| &panel.series).all(|series| series.join == Join::Apart);
    let steps = panels.iter().flat_map(|panel| &panel.series).all(|series| series.join == Join::Steps);
    let join = match (apart, steps) {
        (true, _) => Join::Apart,
        (_, true) => Join::Steps,
        _ => Join::Line,
    };
    let entry = |strategy: &&str| Entry { label: (*strategy).to_owned(), look: look(&strategies, strategy), join };
    let mut entries: Vec<Entry> = strategies.iter().map(entry).filter(|entry| shown(&entry.look)).collect();
    let has_faint = panels.iter().flat_map(|panel| &panel.series).any(|series| series.join == Join::Faint);
    let look = Look { colour: MUTED, marker: Marker::Circle, dash: VALUE_DASH };
    entries.extend(faint.filter(|_| has_faint).map(|label| Entry { label: label.to_owned(), look, join: Join::Faint }));
    entries
}

/// What a group's panel is called.
pub(super) fn title(view: &View, group: &Group) -> String {
    let name = match group.function.strip_prefix(PREPARE) {
        Some(function) => format!("before the first {function}"),
        None => group.function.to_owned(),
    };
    let threads = if group.threads == 1 { "thread" } else { "threads" };
    if view.is_mixed() { format!("{name} ({}, {} {threads})", group.kernels, group.threads) } else { name }
}

fn size_axis(view: &View, suite: &str) -> Axis {
    match has_work(view, suite) {
        true => Axis { label: "work of the value, FLOPs".to_owned(), scale: Scale::Log(Unit::Count) },
        false => {
            let names = view.sizes(suite).into_iter().map(str::to_owned).collect();
            Axis { label: "size".to_owned(), scale: Scale::Names(names) }
        }
    }
}

fn position(view: &View, suite: &str, index: usize, size: &str) -> f64 {
    match view.work(suite, size) {
        Some(work) if has_work(view, suite) => work as f64,
        _ => index as f64,
    }
}

fn has_work(view: &View, suite: &str) -> bool {
    view.sizes(suite).iter().all(|size| view.work(suite, size).is_some())
}

fn sizes_sentence(view: &View, suite: &str) -> String {
    let sizes = distinct(view.sizes(suite).into_iter());
    format!("{}: {}.", if sizes.len() == 1 { "Size" } else { "Sizes" }, sizes.join(", "))
}
