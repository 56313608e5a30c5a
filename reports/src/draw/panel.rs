//! One chart: plotters lays out axes, grid and tick labels; the canvas draws what is measured.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::IntoFont;
use plotters::style::{Color, RGBColor, TextStyle};

use crate::chart::{Join, Panel, Point, Scale, Series};
use crate::draw::FINE;
use crate::draw::axis::{self, Ticks};
use crate::draw::canvas::{self, Canvas, Place, Spot, Style};
use crate::draw::sheet::Backend;
use crate::look::{GRID, INK, LIMIT, Look, MUTED};

/// A chart over plotting coordinates, with ticks where we say.
type Chart<'a, 'b> = ChartContext<'a, Backend<'b>, Cartesian2d<Ticks, Ticks>>;

/// Room for the panel's heading.
const HEADING: i32 = 30;
/// Room for tick labels and the horizontal axis' label.
const BELOW: i32 = 50;
/// Room for a second line of tick labels.
const LOWER: i32 = 14;
/// Room at the right for what rules say.
const RIGHT: i32 = 26;

/// Draws a panel into its place.
pub(super) fn draw(canvas: &Canvas, panel: &Panel, place: Place) -> Result<(), String> {
    let (left, right) = (left_room(panel), right_room(panel));
    let x = axis::horizontal(panel, place.width - left - right);
    let below = if x.lower.is_empty() { BELOW } else { BELOW + LOWER };
    let inner = (place.width - left - right, place.height - HEADING - below);
    let y = axis::vertical(panel, inner.1);

    let heading = canvas::cut(&panel.title, place.width - left, 13);
    canvas.text(&heading, (place.x + left, place.y + 8), &Style::new(13, INK).bold())?;
    let middle = (place.x + left + inner.0 / 2, place.y + HEADING + inner.1 / 2);
    canvas.text(&panel.x.label, (middle.0, place.y + place.height - 20), &Style::new(12, MUTED).middle_h())?;
    if !panel.y.label.is_empty() {
        canvas.text(&panel.y.label, (place.x + 8, middle.1), &Style::new(12, MUTED).upright().middle_h().middle_v())?;
    }

    let chart = axes(canvas, place, (left, right, below), &x, &y)?;
    let spot = |at: (f64, f64)| -> Spot {
        let (x, y) = chart.plotting_area().map_coordinate(&at);
        (f64::from(x) / f64::from(FINE), f64::from(y) / f64::from(FINE))
    };
    for (at, name) in &x.lower {
        let foot = spot((*at, y.range.0));
        canvas.text(name, (foot.0 as i32, foot.1 as i32 + 22), &Style::new(11, INK).middle_h())?;
    }
    for (at, said) in &panel.rules {
        let upright = matches!(panel.y.scale, Scale::Names(_));
        let Some(at) = axis::position(if upright { &panel.x } else { &panel.y }, *at) else {
            continue;
        };
        let (from, to) = match upright {
            true => (spot((at, y.range.0)), spot((at, y.range.1))),
            false => (spot((x.range.0, at)), spot((x.range.1, at))),
        };
        canvas.line(&[from, to], &Look { colour: MUTED, ..LIMIT }, Join::Faint)?;
        canvas.text(said, (to.0 as i32 + 4, to.1 as i32), &Style::new(11, MUTED).middle_v())?;
    }
    for (row, note) in &panel.notes {
        let end = spot((x.range.1, *row));
        canvas.text(note, (end.0 as i32 + 6, end.1 as i32), &Style::new(11, MUTED).middle_v())?;
    }
    if panel.is_empty() {
        return canvas.text("nothing was measured", middle, &Style::new(13, MUTED).middle_h().middle_v());
    }
    let (joins, last) = (panel.series.iter().map(|series| series.join).collect::<Vec<_>>(), panel.series.len());
    panel.series.iter().enumerate().try_for_each(|(index, series)| {
        let alike = |others: std::ops::Range<usize>| joins[others].iter().filter(|join| **join == series.join).count();
        let zoom = zoom(alike(0..index), alike(0..last));
        draw_series(canvas, panel, series, zoom, &spot)
    })
}

/// Room for tick labels and the vertical axis' label.
fn left_room(panel: &Panel) -> i32 {
    match &panel.y.scale {
        Scale::Log(_) | Scale::Share => 78,
        Scale::Names(names) => 20 + names.iter().map(|name| canvas::width(name, 11)).max().unwrap_or(0).min(320),
    }
}

/// Room for what rules and notes say.
fn right_room(panel: &Panel) -> i32 {
    RIGHT + panel.notes.iter().map(|(_, note)| canvas::width(note, 11)).max().unwrap_or(0)
}

fn axes<'a, 'b>(
    canvas: &Canvas<'b>,
    place: Place,
    (left, right, below): (i32, i32, i32),
    x: &Ticks,
    y: &Ticks,
) -> Result<Chart<'a, 'b>, String> {
    let area = canvas.part(place);
    let mut chart = ChartBuilder::on(&area)
        .margin_top(HEADING * FINE)
        .margin_right(right * FINE)
        .margin_bottom((below - 24) * FINE)
        .x_label_area_size(24 * FINE)
        .y_label_area_size(left * FINE)
        .build_cartesian_2d(x.clone(), y.clone())
        .map_err(|error| error.to_string())?;
    chart
        .configure_mesh()
        .bold_line_style(colour(GRID).stroke_width(FINE as u32))
        .light_line_style(colour(GRID).mix(0.0))
        .axis_style(colour(MUTED).stroke_width(FINE as u32))
        .label_style(TextStyle::from(("sans-serif", 11.0 * 1.24 * f64::from(FINE)).into_font()).color(&colour(INK)))
        .set_all_tick_mark_size(4 * FINE)
        .draw()
        .map_err(|error| error.to_string())?;
    Ok(chart)
}

fn colour(colour: crate::look::Colour) -> RGBColor {
    RGBColor(colour.0, colour.1, colour.2)
}

/// How large the markers of a series are: the first is the largest and lies undermost, so that every one of several that
/// coincide is seen.
fn zoom(index: usize, of: usize) -> f64 {
    match of {
        0 | 1 => 1.0,
        _ => 1.3 - 0.6 * index as f64 / (of - 1) as f64,
    }
}

fn draw_series(
    canvas: &Canvas,
    panel: &Panel,
    series: &Series,
    zoom: f64,
    spot: &dyn Fn((f64, f64)) -> Spot,
) -> Result<(), String> {
    let place = |point: &Point| Some(spot((axis::position(&panel.x, point.x)?, axis::position(&panel.y, point.y)?)));
    let spots: Vec<Spot> = series.points.iter().filter_map(place).collect();
    if series.join == Join::Steps {
        let corners = spots.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
        let corners: Vec<Spot> = corners.chain(spots.last().copied()).collect();
        return canvas.line(&corners, &series.look, series.join);
    }
    if series.join == Join::Bars {
        return series.points.iter().try_for_each(|point| {
            let ends = point.interval.map(|(from, to)| [from, to].map(|x| spot((x, point.y))));
            ends.filter(|[from, to]| from.0 < to.0)
                .map_or(Ok(()), |[from, to]| canvas.bar((from.0, to.0), from.1, &series.look))
        });
    }
    if series.join != Join::Apart && spots.len() > 1 {
        canvas.line(&spots, &series.look, series.join)?;
    }
    let across = matches!(panel.y.scale, Scale::Names(_));
    let end = |point: &Point, at: f64| match across {
        true => place(&Point { x: at, ..*point }),
        false => place(&Point { y: at, ..*point }),
    };
    for point in &series.points {
        let Some((low, high)) = point.interval else {
            continue;
        };
        let ends = end(point, low).zip(end(point, high));
        let Some((from, to)) = ends else { continue };
        canvas.rule(from, to, series.look.colour, 1.4)?;
    }
    spots.iter().try_for_each(|at| canvas.marker(*at, &series.look, series.join == Join::Faint, zoom))
}
