//! How a strategy looks in every figure: a colour, a marker and a dash, so that it is told apart in grey too.
//!
//! The colours are Okabe and Ito's (*Color Universal Design*, 2008) without yellow, which is lost on white. Black is kept for
//! what strategies are measured against. The cycles have different lengths, so that the first eighteen strategies differ in
//! marker or dash.

use crate::rows::HANDWRITTEN;

/// A colour as red, green and blue.
pub type Colour = (u8, u8, u8);

/// Text and axes.
pub const INK: Colour = (0x1b, 0x1f, 0x24);
/// Small print and tick labels.
pub const MUTED: Colour = (0x57, 0x60, 0x6a);
/// Grid lines.
pub const GRID: Colour = (0xe1, 0xe4, 0xe8);
/// What is wrong.
pub const WRONG: Colour = (0xd5, 0x5e, 0x00);

/// The shape that marks a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle that points up.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// A triangle that points down.
    Wedge,
    /// A diagonal cross.
    Cross,
    /// An upright stroke, for limits.
    Bar,
}

/// A colour, a marker and a dash.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// The colour of line and marker.
    pub colour: Colour,
    /// The shape of a point.
    pub marker: Marker,
    /// Lengths of dashes and gaps in turn, in pixels; none for a solid line.
    pub dash: &'static [f64],
}

/// The dash of `value`, whatever the strategy.
pub const VALUE_DASH: &[f64] = &[2.0, 3.0];

/// The dash of hand-written code.
pub const HANDWRITTEN_DASH: &[f64] = &[5.0, 2.0];

/// Limits and bounds.
pub const LIMIT: Look = Look { colour: INK, marker: Marker::Bar, dash: &[] };

/// The parts of a whole, told apart by their lightness too.
pub const PARTS: [Look; 3] = [part((0x00, 0x72, 0xb2)), part((0xe6, 0x9f, 0x00)), part((0xf7, 0xf0, 0xa8))];

const fn part(colour: Colour) -> Look {
    Look { colour, marker: Marker::Square, dash: &[] }
}

const COLOURS: [Colour; 6] = [
    (0x00, 0x72, 0xb2),
    (0xd5, 0x5e, 0x00),
    (0x00, 0x9e, 0x73),
    (0xcc, 0x79, 0xa7),
    (0xe6, 0x9f, 0x00),
    (0x56, 0xb4, 0xe9),
];
const MARKERS: [Marker; 5] = [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond, Marker::Wedge];
/// The dashes of strategies.
pub const DASHES: [&[f64]; 4] = [&[], &[9.0, 4.0], &[9.0, 3.0, 2.0, 3.0], &[16.0, 4.0]];

/// The look of each strategy, in the order given.
#[must_use]
pub fn look(strategies: &[&str], strategy: &str) -> Look {
    if strategy == HANDWRITTEN {
        return Look { colour: INK, marker: Marker::Cross, dash: HANDWRITTEN_DASH };
    }
    let contestants = strategies.iter().filter(|name| **name != HANDWRITTEN);
    let index = contestants.into_iter().position(|name| *name == strategy).unwrap_or(strategies.len());
    let turn = index / COLOURS.len();
    Look {
        colour: COLOURS[index % COLOURS.len()],
        marker: MARKERS[(index + turn) % MARKERS.len()],
        dash: DASHES[(index + turn) % DASHES.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighteen_strategies_differ_in_grey() {
        let names: Vec<String> = (0..18).map(|index| index.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let looks: Vec<Look> = names.iter().map(|name| look(&names, name)).collect();
        for (index, one) in looks.iter().enumerate() {
            let same = |other: &&Look| other.marker == one.marker && other.dash == one.dash;
            assert_eq!(looks[..index].iter().find(same), None, "strategy {index} looks like another");
        }
    }
}
