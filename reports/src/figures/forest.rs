//! Forest: every contestant's time over the first one's, suite by suite, with intervals.

use crate::chart::{Axis, Body, Figure, Join, Panel, Point, Scale, Series};
use crate::derive::{is_contestant, is_preparation, is_ranked, paired_ratio};
use crate::figures::{Kind, by_size, file_name};
use crate::format::Unit;
use crate::look::look;
use crate::rows::{Cell, NULL_KERNELS};
use crate::view::{ALL_SUITES, Group, View, distinct};

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "forest", title: "Strategy by strategy", about: ABOUT, make };

const ABOUT: &str = "Time over that of the strategy named at the axis: the geometric mean over the sizes that both finished, \
                       with its 95\u{a0}% bootstrap interval, paired by round. Left of 1 is faster. The first row puts all \
                       suites together, over the cells that every contestant finished.";

fn make(view: &View) -> Vec<Figure> {
    let contested = |cell: &Cell| !is_preparation(cell) && cell.key.kernels != NULL_KERNELS;
    let groups = view.groups(contested);
    let kinds = distinct(groups.iter().map(|group| (group.function, group.kernels, group.threads)));
    kinds.into_iter().filter_map(|kind| figure(view, &groups, kind)).collect()
}

fn figure<'a>(
    view: &View<'a>,
    groups: &[Group<'a>],
    (function, kernels, threads): (&'a str, &'a str, u32),
) -> Option<Figure> {
    let alike = |group: &&Group<'a>| (group.function, group.kernels, group.threads) == (function, kernels, threads);
    let groups: Vec<&Group<'a>> = groups.iter().filter(alike).collect();
    let strategies: Vec<&'a str> =
        view.strategies().into_iter().filter(|name| is_contestant(name, &view.run.manifest)).collect();
    let (reference, others) = strategies.split_first()?;
    let names = std::iter::once(ALL_SUITES).chain(groups.iter().map(|group| group.suite)).map(str::to_owned).collect();
    let lanes = others.len() as f64;
    let ranks = |name: &&&str| {
        groups.iter().any(|group| view.sizes(group.suite).iter().any(|size| ranked(view, group, size, name).is_some()))
    };
    let entered: Vec<&str> = strategies.iter().filter(ranks).copied().collect();
    let series = others.iter().enumerate().map(|(lane, strategy)| {
        let shift = 0.8 * ((lane as f64 + 0.5) / lanes - 0.5);
        let rows = std::iter::once(groups.as_slice()).chain(groups.chunks(1));
        let points = rows.enumerate().filter_map(|(row, groups)| {
            let compared: &[&str] = if row == 0 { &entered } else { &[strategy, reference] };
            let pairs = pairs(view, groups, compared, (strategy, reference));
            let ratio = paired_ratio(&pairs, &view.rounds, view.run.manifest.seed)?;
            Some(Point { x: ratio.ratio, y: row as f64 + shift, interval: ratio.interval })
        });
        Series { look: look(&view.strategies(), strategy), join: Join::Apart, points: points.collect() }
    });
    let panel = Panel {
        title: String::new(),
        x: Axis { label: format!("time ÷ time of {reference}"), scale: Scale::Log(Unit::Ratio) },
        y: Axis { label: String::new(), scale: Scale::Names(names) },
        series: series.filter(|series| !series.points.is_empty()).collect(),
        rules: vec![(1.0, String::new())],
        notes: Vec::new(),
    };
    let title = by_size::title(view, groups.first()?);
    let panels: Vec<Panel> = Some(panel).filter(|panel| !panel.is_empty()).into_iter().collect();
    let legend = by_size::legend(view, &panels, None);
    (!panels.is_empty()).then(|| Figure {
        name: file_name(KIND.name, &title),
        title: format!("{title}: time ÷ time of {reference}"),
        caption: String::new(),
        body: Body::Panels { panels, legend },
    })
}

/// A cell, if it is sound.
fn ranked<'a>(view: &View<'a>, group: &Group, size: &str, strategy: &str) -> Option<&'a Cell> {
    view.cell(group, size, strategy).filter(|cell| is_ranked(cell, &view.run.manifest))
}

/// The cells of two strategies at each size that all `compared` finished.
fn pairs<'a>(
    view: &View<'a>,
    groups: &[&Group],
    compared: &[&str],
    (over, under): (&str, &str),
) -> Vec<(&'a Cell, &'a Cell)> {
    let of = |group: &&Group| -> Vec<_> {
        let finished = |size: &&str| compared.iter().all(|strategy| ranked(view, group, size, strategy).is_some());
        let sizes = view.sizes(group.suite).into_iter().filter(finished);
        sizes.filter_map(|size| Some((ranked(view, group, size, over)?, ranked(view, group, size, under)?))).collect()
    };
    groups.iter().flat_map(of).collect()
}
