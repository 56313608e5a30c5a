//! Ticks. A logarithmic axis is a linear one over the decimal logarithm with ticks of our own, because plotters' prints
//! none when the data lie inside one decade.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::chart::{Axis, Panel, Scale};
use crate::draw::canvas;
use crate::format::{Unit, parts, power_of_ten, three_digits};

/// An axis with its range and ticks worked out, in plotting coordinates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ticks {
    /// Both ends.
    pub(super) range: (f64, f64),
    /// Where ticks are and what they say, in ascending order.
    pub(super) labels: Vec<(f64, String)>,
    /// Ticks whose names do not fit between the others' and go a line below.
    pub(super) lower: Vec<(f64, String)>,
}

impl Ranged for Ticks {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.0) / (self.range.1 - self.range.0);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match hint.weight().allow_light_points() {
            true => Vec::new(),
            false => self.labels.iter().chain(&self.lower).map(|(at, _)| *at).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.0..self.range.1
    }
}

impl ValueFormatter<f64> for Ticks {
    fn format_ext(&self, value: &f64) -> String {
        let here = self.labels.iter().find(|(at, _)| at == value);
        here.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// Where a value lies in plotting coordinates; `None` for what cannot lie on the axis.
pub(super) fn position(axis: &Axis, value: f64) -> Option<f64> {
    match &axis.scale {
        Scale::Log(_) => Some(value.log10()).filter(|position| position.is_finite()),
        Scale::Names(_) | Scale::Share => Some(value),
    }
}

/// The horizontal axis of a panel this many pixels wide.
pub(super) fn horizontal(panel: &Panel, pixels: i32) -> Ticks {
    let points = panel.series.iter().flat_map(|series| &series.points);
    let across = matches!(panel.y.scale, Scale::Names(_));
    let ends = points.flat_map(|point| {
        let (low, high) = point.interval.filter(|_| across).unwrap_or((point.x, point.x));
        [low, point.x, high]
    });
    let rules = panel.rules.iter().filter(|_| across).map(|(at, _)| *at);
    let ticks = ticks(&panel.x, ends.chain(rules), (pixels / 70).max(2) as usize);
    match panel.x.scale {
        Scale::Names(_) => in_two_lines(ticks, pixels),
        Scale::Log(_) | Scale::Share => ticks,
    }
}

/// The vertical axis of a panel this many pixels high; its rules are inside when they are near the points.
pub(super) fn vertical(panel: &Panel, pixels: i32) -> Ticks {
    let points = panel.series.iter().flat_map(|series| &series.points);
    let ends = points.flat_map(|point| {
        let (low, high) = point.interval.unwrap_or((point.y, point.y));
        [low, point.y, high]
    });
    let rules = panel.rules.iter().map(|(at, _)| *at);
    let ticks = ticks(&panel.y, ends.chain(rules), (pixels / 34).max(2) as usize);
    match panel.y.scale {
        Scale::Names(_) => Ticks { range: (ticks.range.1, ticks.range.0), ..ticks },
        Scale::Log(_) | Scale::Share => ticks,
    }
}

fn ticks(axis: &Axis, values: impl Iterator<Item = f64>, most: usize) -> Ticks {
    match &axis.scale {
        Scale::Names(names) => {
            let labels = names.iter().enumerate().map(|(index, name)| (index as f64, name.clone())).collect();
            Ticks { range: (-0.5, names.len().max(1) as f64 - 0.5), labels, lower: Vec::new() }
        }
        Scale::Share => {
            let labels = [0, 20, 40, 60, 80, 100].map(|percent| (f64::from(percent) / 100.0, format!("{percent} %")));
            Ticks { range: (-0.03, 1.04), labels: labels.into(), lower: Vec::new() }
        }
        Scale::Log(unit) => {
            let logs = values.filter_map(|value| position(axis, value));
            let (low, high) = logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
            let range = padded(low, high);
            Ticks { range, labels: log_ticks(range, *unit, most), lower: Vec::new() }
        }
    }
}

/// The range with some air; a single value, or none, still gets a range.
fn padded(low: f64, high: f64) -> (f64, f64) {
    if low > high {
        return (0.0, 1.0);
    }
    let air = (0.07 * (high - low)).max(if high - low < 0.2 { 0.15 } else { 0.0 });
    (low - air, high + air)
}

/// Ticks at round values: the densest choice that has no more than `most` of them.
fn log_ticks(range: (f64, f64), unit: Unit, most: usize) -> Vec<(f64, String)> {
    const WITHIN: [&[f64]; 4] = [
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        &[1.0, 2.0, 3.0, 5.0, 7.0],
        &[1.0, 2.0, 5.0],
        &[1.0, 3.0],
    ];
    let decades = || range.0.floor() as i32..=range.1.ceil() as i32;
    let whole = |step: i32| decades().filter(move |decade| decade % step == 0).map(|decade| (decade, 1.0));
    let choices = WITHIN
        .iter()
        .map(|factors| decades().flat_map(|decade| factors.iter().map(move |factor| (decade, *factor))).collect())
        .chain([1, 2, 3, 4, 5, 10, 20, 50].map(|step| whole(step).collect()));
    let mut inside = choices.map(|ticks: Vec<(i32, f64)>| {
        let at = |(decade, factor): (i32, f64)| (f64::from(decade) + factor.log10(), label(decade, factor, unit));
        ticks.into_iter().map(at).filter(|(at, _)| (range.0..=range.1).contains(at)).collect::<Vec<_>>()
    });
    inside.find(|ticks| ticks.len() <= most).unwrap_or_default()
}

fn label(decade: i32, factor: f64, unit: Unit) -> String {
    if unit == Unit::Error {
        let power = power_of_ten(decade);
        return if factor == 1.0 { power } else { format!("{factor}·{power}") };
    }
    let value = factor * 10f64.powi(decade);
    let (number, unit) = parts(value, unit);
    let number = number.parse::<f64>().map_or(number, plain);
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// A tick's number without digits that say nothing: `20`, not `20.0`.
fn plain(number: f64) -> String {
    let short = number.to_string();
    if short.len() <= 6 { short } else { three_digits(number) }
}

/// Every name if they fit side by side; else in two lines in turn; else every second in each line, every third, ….
fn in_two_lines(ticks: Ticks, pixels: i32) -> Ticks {
    let slot = f64::from(pixels) / ticks.labels.len().max(1) as f64;
    let widest = ticks.labels.iter().map(|(_, label)| canvas::width(label, 11) + 8).max().unwrap_or(0);
    let needed = (f64::from(widest) / slot).ceil() as usize;
    if needed <= 1 {
        return ticks;
    }
    let step = needed.div_ceil(2);
    let kept = ticks.labels.into_iter().step_by(step).enumerate();
    let (upper, lower): (Vec<_>, Vec<_>) = kept.partition(|(index, _)| index % 2 == 0);
    let labels = |line: Vec<(usize, (f64, String))>| line.into_iter().map(|(_, label)| label).collect();
    Ticks { range: ticks.range, labels: labels(upper), lower: labels(lower) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(low: f64, high: f64, unit: Unit) -> Vec<String> {
        let axis = Axis { label: String::new(), scale: Scale::Log(unit) };
        ticks(&axis, [low, high].into_iter(), 8).labels.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn there_are_ticks_within_a_decade_over_many_and_at_one_point() {
        let cases = [
            (said(20.0, 70.0, Unit::Nanoseconds), "20 ns, 30 ns, 40 ns, 50 ns, 60 ns, 70 ns"),
            (said(500.0, 5e4, Unit::Nanoseconds), "500 ns, 1 µs, 2 µs, 5 µs, 10 µs, 20 µs, 50 µs"),
            (said(3.0, 3.0, Unit::Ratio), "3, 4"),
            (said(1e-17, 1e-3, Unit::Error), "10⁻¹⁶, 10⁻¹⁴, 10⁻¹², 10⁻¹⁰, 10⁻⁸, 10⁻⁶, 10⁻⁴"),
        ];
        for (found, expected) in cases {
            assert_eq!(found.join(", "), expected);
        }
    }
}
