//! A figure as plain data: what it shows, not how it is drawn.
//!
//! `figures/` makes these from rows, `draw/` turns them into SVG. A figure is a few panels side by side with one legend, or
//! a grid of words.

use crate::format::Unit;
use crate::look::{Colour, Look};

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Name of its files, without ending.
    pub name: String,
    /// What it shows, as a heading.
    pub title: String,
    /// What is particular to it, in a sentence; may be empty.
    pub caption: String,
    /// What is drawn.
    pub body: Body,
}

/// What a figure draws.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Charts with axes and one legend for all.
    Panels {
        /// The charts.
        panels: Vec<Panel>,
        /// What the looks mean.
        legend: Vec<Entry>,
    },
    /// Words in rows and columns.
    Grid(Grid),
}

/// A line of a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it stands for.
    pub label: String,
    /// How that looks.
    pub look: Look,
    /// How its points are joined.
    pub join: Join,
}

/// One chart with its axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The heading.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is plotted, the last on top.
    pub series: Vec<Series>,
    /// Lines across at fixed values, with what is written at their end: horizontal, or vertical where names are on the
    /// vertical axis.
    pub rules: Vec<(f64, String)>,
    /// What is written at the right of a row, where names are on the vertical axis.
    pub notes: Vec<(f64, String)>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// How values lie on it.
    pub scale: Scale,
}

/// How values lie on an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// Logarithmic; values are positive.
    Log(Unit),
    /// A share, from 0 to 1.
    Share,
    /// Names at 0, 1, 2, …; on a vertical axis the first is on top.
    Names(Vec<String>),
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// How they look.
    pub look: Look,
    /// How they are joined.
    pub join: Join,
    /// The points, from left to right.
    pub points: Vec<Point>,
}

/// How points are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// By a line with the look's dash, and filled markers.
    Line,
    /// By a thin, finely dashed line, and hollow markers.
    Faint,
    /// By steps: each height holds until the next point. Without markers.
    Steps,
    /// Not at all.
    Apart,
    /// Each is a bar over its interval, where names are on the vertical axis. Without markers.
    Bars,
}

/// A point with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Horizontal position.
    pub x: f64,
    /// Vertical position.
    pub y: f64,
    /// The interval: vertical, or horizontal where names are on the vertical axis.
    pub interval: Option<(f64, f64)>,
}

/// Words in rows and columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Headings of the columns.
    pub columns: Vec<String>,
    /// Each row's heading and a tile for each column; `None` where there is nothing to say.
    pub rows: Vec<(String, Vec<Option<Tile>>)>,
}

/// A word on a coloured ground.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The word.
    pub word: String,
    /// The ground.
    pub ground: Colour,
    /// The word's colour.
    pub ink: Colour,
}

impl Panel {
    /// Whether there is a point to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.points.is_empty())
    }
}
