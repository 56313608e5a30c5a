//! The history as figures and a page: each strategy's time from run to run, and what changed when.

use indexmap::IndexMap;
use serde::Serialize;

use crate::chart::{Axis, Body, Entry as Legend, Figure, Join, Panel, Point, Scale, Series};
use crate::derive::geometric_mean;
use crate::draw::{self, Rasteriser};
use crate::figures::file_name;
use crate::format::{Unit, quantity, three_digits};
use crate::history::{ChangePoint, History, TIME};
use crate::look::{Look, look};
use crate::report::{Artifact, ReportError};
use crate::rows::Key;
use crate::template::fill;
use crate::view::distinct;

/// What the sizes of a suite are put together by: a function on some kernels and threads, and a strategy.
type Line<'a> = (&'a str, &'a str, u32, &'a str);

/// A cell, and its times by the places of their runs.
type Times<'a> = (&'a Key, &'a [(usize, f64)]);

/// The page and its figures.
///
/// # Errors
/// A figure that could not be drawn.
pub fn pages(history: &History) -> Result<Vec<Artifact>, ReportError> {
    let changes = history.changes();
    let print = match history.entries.last() {
        Some(newest) => format!("{} runs up to {}", history.entries.len(), newest.run_id),
        None => "no runs".to_owned(),
    };
    let mut files = Vec::new();
    let mut figures = Vec::new();
    let rasteriser = Rasteriser::new();
    for figure in figures_of(history, &changes) {
        let svg = draw::svg(&figure, &print)?;
        let path = |ending: &str| format!("figures/{}.{ending}", figure.name);
        files.push(Artifact { path: path("png"), bytes: rasteriser.png(&figure.name, &svg)? });
        files.push(Artifact::text(path("svg"), svg.clone()));
        figures.push(svg);
    }
    let page = Page {
        summary: summary(history),
        about: ABOUT,
        figures,
        changes: changes.iter().rev().map(Shown::new).collect(),
        style: include_str!("../templates/style.css"),
    };
    let text = fill("history.html", include_str!("../templates/history.html"), page)?;
    files.insert(0, Artifact::text("history.html", text));
    Ok(files)
}

const ABOUT: &str = "Time over that of the first run, the geometric mean over the sizes of a suite that both runs have. A hollow marker is a \
                     run from which on the time of some size is another.";

#[derive(Serialize)]
struct Page<'a> {
    summary: String,
    about: &'a str,
    figures: Vec<String>,
    changes: Vec<Shown>,
    style: &'a str,
}

/// A change point in words.
#[derive(Serialize)]
struct Shown {
    run: String,
    commit: String,
    cell: String,
    what: String,
    before: String,
    after: String,
    ratio: String,
    worse: bool,
}

impl Shown {
    fn new(change: &ChangePoint) -> Self {
        let [run, commit, cell, what, before, after, ratio] = columns(change);
        Shown { run, commit, cell, what, before, after, ratio, worse: change.after > change.before }
    }
}

/// What a history holds, in a sentence.
#[must_use]
pub fn summary(history: &History) -> String {
    let (all, others) = (history.entries.len(), history.others());
    let apart = format!("; times of {others} are left out, which another CPU or profile took");
    let runs = if all == 1 { "1 run".to_owned() } else { format!("{all} runs") };
    runs + if others > 0 { &apart } else { "" }
}

/// A change point as run, commit, cell, what changed, before, after, ratio.
#[must_use]
pub fn columns(change: &ChangePoint) -> [String; 7] {
    let ChangePoint { run_id, commit, cell, what, before, after } = change;
    let number = |number: f64| match what.as_str() {
        TIME => quantity(number, Unit::Nanoseconds),
        _ => number.to_string(),
    };
    let ratio = if *before > 0.0 { three_digits(after / before) } else { String::new() };
    let commit = commit.chars().take(10).collect();
    [run_id.clone(), commit, cell.to_string(), what.clone(), number(*before), number(*after), ratio]
}

/// A figure for each suite.
fn figures_of(history: &History, changes: &[ChangePoint]) -> Vec<Figure> {
    let times = history.times();
    let suites = distinct(times.keys().map(|key| key.suite.as_str()));
    let strategies = distinct(times.keys().map(|key| key.strategy.as_str()));
    let names: Vec<String> = history.entries.iter().map(|entry| label(&entry.run_id)).collect();
    let figure = |suite: &&str| {
        let mut lines: IndexMap<Line, Vec<Times>> = IndexMap::new();
        for (key, series) in times.iter().filter(|(key, _)| key.suite == *suite) {
            let line = (key.function.as_str(), key.kernels.as_str(), key.threads, key.strategy.as_str());
            lines.entry(line).or_default().push((key, series));
        }
        let groups = distinct(lines.keys().map(|(function, kernels, threads, _)| (*function, *kernels, *threads)));
        let panel = |group: &(&str, &str, u32)| {
            let own = lines.iter().filter(|((f, k, t, _), _)| (*f, *k, *t) == *group);
            let series = own.flat_map(|((.., strategy), cells)| {
                let look = look(&strategies, strategy);
                let points = trend(cells);
                let marks = marks(&points, cells, changes, history, look);
                std::iter::once(Series { look, join: Join::Line, points }).chain(marks)
            });
            Panel {
                title: format!("{} ({}, {} thread{})", group.0, group.1, group.2, if group.2 == 1 { "" } else { "s" }),
                x: Axis { label: "run".to_owned(), scale: Scale::Names(names.clone()) },
                y: Axis { label: "time ÷ first".to_owned(), scale: Scale::Log(Unit::Ratio) },
                series: series.collect(),
                rules: vec![(1.0, String::new())],
                notes: Vec::new(),
            }
        };
        let entry = |name: &&str| Legend { label: (*name).to_owned(), look: look(&strategies, name), join: Join::Line };
        Figure {
            name: file_name("trend", suite),
            title: format!("{suite}: time from run to run"),
            caption: String::new(),
            body: Body::Panels {
                panels: groups.iter().map(panel).collect(),
                legend: strategies.iter().map(entry).collect(),
            },
        }
    };
    suites.iter().map(figure).collect()
}

/// What of a run's name tells it from others: the date and the time without the profile.
fn label(run: &str) -> String {
    let parts: Vec<&str> = run.split('-').collect();
    match parts.as_slice() {
        [date, time, ..] if date.len() == 8 && time.len() == 6 => format!("{}-{}", &date[4..], &time[..4]),
        _ => run.to_owned(),
    }
}

/// A point for each run: the geometric mean over cells of the time over the cell's first.
fn trend(cells: &[Times]) -> Vec<Point> {
    let mut by_run: IndexMap<usize, Vec<f64>> = IndexMap::new();
    for (_, series) in cells {
        for (place, ns) in *series {
            by_run.entry(*place).or_default().push(ns / series[0].1);
        }
    }
    let mut points: Vec<Point> = by_run
        .into_iter()
        .filter_map(|(place, ratios)| Some(Point { x: place as f64, y: geometric_mean(&ratios)?, interval: None }))
        .collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

/// A hollow marker at each run from which on the time of one of the cells is another.
fn marks(points: &[Point], cells: &[Times], changes: &[ChangePoint], history: &History, look: Look) -> Vec<Series> {
    let own = changes.iter().filter(|change| change.what == TIME && cells.iter().any(|(key, _)| **key == change.cell));
    let places = distinct(own.filter_map(|change| history.entries.iter().position(|e| e.run_id == change.run_id)));
    let marked = points.iter().filter(|point| places.contains(&(point.x as usize)));
    marked.map(|point| Series { look, join: Join::Faint, points: vec![*point] }).collect()
}
