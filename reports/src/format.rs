//! Numbers as people read them: three significant digits with a unit, and ratios with their intervals.

use crate::derive::Ratio;

/// A quantity's unit, which says how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds, written as ns, µs, ms or s.
    Nanoseconds,
    /// Bytes, written as B, kB, MB or GB.
    Bytes,
    /// A number of things, written with k, M or G.
    Count,
    /// A ratio.
    Ratio,
    /// A relative error, written as a power of ten.
    Error,
}

impl Unit {
    /// The steps of the unit: how much each is and what it is called.
    fn steps(self) -> &'static [(f64, &'static str)] {
        match self {
            Unit::Nanoseconds => &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")],
            Unit::Bytes => &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")],
            Unit::Count => &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")],
            Unit::Ratio | Unit::Error => &[(1.0, "")],
        }
    }
}

/// A number and its unit, apart so that they can be aligned.
#[must_use]
pub fn parts(value: f64, unit: Unit) -> (String, &'static str) {
    if unit == Unit::Error {
        return (scientific(value), "");
    }
    let rounded = round_to_three(value);
    let step = unit.steps().iter().rev().find(|(size, _)| rounded.abs() >= *size).unwrap_or(&unit.steps()[0]);
    (three_digits(rounded / step.0), step.1)
}

/// A unit and a number of decimals, for quantities that are printed beside another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// What the unit is called.
    pub unit: &'static str,
    size: f64,
    decimals: usize,
}

impl Scale {
    /// The unit and the decimals in which a quantity is printed.
    #[must_use]
    pub fn of(value: f64, unit: Unit) -> Self {
        let (text, name) = parts(value, unit);
        let size = unit.steps().iter().find(|(_, step)| *step == name).map_or(1.0, |(size, _)| *size);
        Scale { unit: name, size, decimals: text.split_once('.').map_or(0, |(_, decimals)| decimals.len()) }
    }

    /// Another quantity in this unit, without it.
    #[must_use]
    pub fn show(&self, value: f64) -> String {
        format!("{:.*}", self.decimals, value / self.size)
    }
}

/// A number with its unit: `12.3 µs`.
#[must_use]
pub fn quantity(value: f64, unit: Unit) -> String {
    let (number, unit) = parts(value, unit);
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

fn round_to_three(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// Three significant digits, without an exponent for anything a reader would write out.
#[must_use]
pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if size == 0.0 => "0".to_owned(),
        _ if !(1e-3..1e6).contains(&size) => scientific(value),
        _ if size >= 99.95 => format!("{value:.0}"),
        _ if size >= 9.995 => format!("{value:.1}"),
        _ if size >= 0.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A share of 1 in per cent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", three_digits(100.0 * share))
}

/// `3.1e-12`, or `0`.
#[must_use]
pub fn scientific(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") }
}

/// A ratio and its interval as they are printed beside each other: with as many decimals as it takes to tell from 1
/// what is not 1, four at most.
#[must_use]
pub fn ratio(ratio: &Ratio) -> (String, Option<(String, String)>) {
    let ends = ratio.interval.map(|(low, high)| [low, high]);
    let numbers = || std::iter::once(ratio.ratio).chain(ends.into_iter().flatten());
    let told_apart = |decimals: usize| numbers().all(|n| n == 1.0 || format!("{n:.decimals$}").parse() != Ok(1.0));
    let decimals = (2..4).find(|decimals| told_apart(*decimals)).unwrap_or(4);
    let show = |number: f64| {
        if decimals == 2 || !(0.9..1.1).contains(&number) {
            three_digits(number)
        } else {
            format!("{number:.decimals$}")
        }
    };
    (show(ratio.ratio), ends.map(|[low, high]| (show(low), show(high))))
}

/// A power of ten with its exponent raised: `10⁻¹²`.
#[must_use]
pub fn power_of_ten(exponent: i32) -> String {
    let raised = |c: char| match c.to_digit(10) {
        Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
        None => '⁻',
    };
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

/// A whole number in groups of three digits, parted by thin spaces.
#[must_use]
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let rest = digits.as_bytes()[first..].chunks(3).map(|group| format!("\u{202f}{}", String::from_utf8_lossy(group)));
    digits[..first].to_owned() + &rest.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contains_a_number_contains_it_as_printed() {
        let scale = Scale::of(999.4, Unit::Nanoseconds);
        assert_eq!((scale.show(999.1).as_str(), scale.show(1004.9).as_str(), scale.unit), ("999", "1005", "ns"));
        let near = Ratio { ratio: 1.004, interval: Some((1.001, 1.25)) };
        assert_eq!(ratio(&near), ("1.004".into(), Some(("1.001".into(), "1.25".into()))));
        let far = Ratio { ratio: 1.5, interval: Some((0.98, 2.0)) };
        assert_eq!(ratio(&far), ("1.50".into(), Some(("0.980".into(), "2.00".into()))));
    }

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        let cases = [
            (0.0, Unit::Nanoseconds, "0 ns"),
            (0.5, Unit::Nanoseconds, "0.500 ns"),
            (999.6, Unit::Nanoseconds, "1.00 µs"),
            (12_345.0, Unit::Nanoseconds, "12.3 µs"),
            (7.25e9, Unit::Nanoseconds, "7.25 s"),
            (65_536.0, Unit::Bytes, "65.5 kB"),
            (12.0, Unit::Count, "12.0"),
            (1234.0, Unit::Ratio, "1230"),
            (3.14e-12, Unit::Error, "3.1e-12"),
        ];
        for (value, unit, expected) in cases {
            assert_eq!(quantity(value, unit), expected);
        }
        assert_eq!(power_of_ten(-12), "10⁻¹²");
        assert_eq!([grouped(7), grouped(123), grouped(1_234_567)], ["7", "123", "1\u{202f}234\u{202f}567"]);
    }
}
