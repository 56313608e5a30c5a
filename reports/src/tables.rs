//! The tables of a run as plain data, one file each, in the order in which a reader meets them.
//!
//! HTML, Markdown and LaTeX show the same tables; a field carries what each of them needs: the text, what it is sorted
//! by, and which rows of `cells.csv` it was made from.

mod checks;
mod claims;
mod counts;
mod kinds;
mod language;
mod preparation;
mod problems;
mod times;
mod verdicts;
mod whereabouts;

use serde::Serialize;

use crate::format::{Unit, grouped, parts, three_digits};
use crate::rows::{Cell, Key};
use crate::view::View;

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    /// What its file and anchor are called.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// How to read it, in a sentence or two.
    pub note: &'static str,
    /// Whether it is for looking things up in rather than for reading.
    pub reference: bool,
    /// The columns.
    pub columns: Vec<Head>,
    /// The rows.
    pub rows: Vec<Line>,
}

/// A column's head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// What it says.
    pub text: String,
    /// Whether the column holds numbers, which are set flush right.
    pub numeric: bool,
    /// Whether the column holds sentences, which are broken into lines.
    pub wide: bool,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Line {
    /// The rows of `cells.csv` it shows, from 1; such rows can be linked to.
    pub cells: Vec<usize>,
    /// `invalid`, `failed`, `refused` or nothing.
    pub mark: &'static str,
    /// A field for each column.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Field {
    /// What it says; empty for what is missing.
    pub text: String,
    /// The unit after it.
    pub unit: &'static str,
    /// Small print after it.
    pub small: String,
    /// What it is sorted by, where that is not the text.
    pub sort: Option<f64>,
    /// Whether it stands out.
    pub strong: bool,
    /// Whether it is something to type.
    pub code: bool,
    /// The rows of `cells.csv` it was made from, from 1.
    pub from: Vec<usize>,
}

/// Makes one table.
pub type Make = fn(&View) -> Table;

/// Every table, in the order of the page.
pub const TABLES: &[Make] = &[
    verdicts::table,
    problems::table,
    claims::table,
    language::table,
    times::table,
    whereabouts::table,
    preparation::table,
    counts::table,
    kinds::table,
    checks::table,
];

/// Every table of a run that has a row.
#[must_use]
pub fn all(view: &View) -> Vec<Table> {
    TABLES.iter().map(|make| make(view)).filter(|table| !table.rows.is_empty()).collect()
}

impl Field {
    /// Words.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Field { text: text.into(), ..Field::default() }
    }

    /// A quantity with its unit; empty if missing.
    pub(crate) fn quantity(value: Option<f64>, unit: Unit) -> Self {
        let Some(value) = value else {
            return Field::default();
        };
        let (text, unit) = parts(value, unit);
        Field { text, unit, sort: Some(value), ..Field::default() }
    }

    /// A whole number; empty if missing.
    pub(crate) fn whole(value: Option<u64>) -> Self {
        let Some(value) = value else {
            return Field::default();
        };
        Field { text: grouped(value), sort: Some(value as f64), ..Field::default() }
    }

    /// A ratio; empty if missing.
    pub(crate) fn ratio(value: Option<f64>) -> Self {
        let Some(value) = value else {
            return Field::default();
        };
        Field { text: three_digits(value), sort: Some(value), ..Field::default() }
    }
}

/// Heads of columns; those that end in `#` hold numbers, those that end in `…` sentences.
fn heads(names: &[&str]) -> Vec<Head> {
    let head = |name: &&str| Head {
        text: name.trim_end_matches(['#', '…']).to_owned(),
        numeric: name.ends_with('#'),
        wide: name.ends_with('…'),
    };
    names.iter().map(head).collect()
}

/// Heads of the key columns; kernels and threads only where the run mixes them.
fn key_heads(view: &View) -> Vec<Head> {
    let mut heads = heads(&["suite", "size", "function", "strategy"]);
    if view.is_mixed() {
        heads.extend(self::heads(&["kernels", "threads#"]));
    }
    heads
}

fn key_fields(view: &View, key: &Key) -> Vec<Field> {
    let Key { suite, size, function, strategy, kernels, threads } = key;
    let mut fields: Vec<Field> = [suite, size, function, strategy].map(Field::text).into();
    fields[1].sort = view.sizes(suite).iter().position(|known| known == size).map(|index| index as f64);
    if view.is_mixed() {
        fields.extend([Field::text(kernels), Field::whole(Some(u64::from(*threads)))]);
    }
    fields
}

/// The cells with their row numbers.
fn numbered<'a>(view: &View<'a>) -> impl Iterator<Item = (usize, &'a Cell)> {
    view.run.cells.iter().enumerate().map(|(index, cell)| (index + 1, cell))
}

/// How the row of a cell in this state is marked.
fn mark(state: &str) -> &'static str {
    match state {
        "invalid" | "not controlled" => "invalid",
        "failed" | "timeout" => "failed",
        "refused" | "skipped" => "refused",
        _ => "",
    }
}
