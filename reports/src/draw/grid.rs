//! A grid of words on coloured tiles.

use crate::chart::{Grid, Tile};
use crate::draw::canvas::{self, Canvas, Place, Style};
use crate::draw::{MARGIN, WIDTH};
use crate::look::INK;

const ROW: i32 = 28;
const HEADER: i32 = 30;
const GAP: i32 = 2;

/// How high the grid is.
pub(super) fn height(grid: &Grid) -> i32 {
    HEADER + ROW * grid.rows.len() as i32 + MARGIN
}

/// How wide the figure with the grid is.
pub(super) fn width(grid: &Grid) -> i32 {
    let (head, column) = widths(grid);
    head + column * grid.columns.len() as i32 + 2 * MARGIN
}

/// The widths of the rows' headings and of a column.
fn widths(grid: &Grid) -> (i32, i32) {
    let head = widest(&mut grid.rows.iter().map(|(head, _)| head)).clamp(60, 360) + 12;
    let words = widest(&mut grid.rows.iter().flat_map(|(_, tiles)| tiles.iter().flatten().map(|tile| &tile.word)));
    let wanted = words.max(widest(&mut grid.columns.iter())).max(70) + 16;
    let room = (WIDTH - 2 * MARGIN - head) / grid.columns.len().max(1) as i32;
    (head, wanted.min(room))
}

fn widest(texts: &mut dyn Iterator<Item = &String>) -> i32 {
    texts.map(|text| canvas::width(text, 12)).max().unwrap_or(0)
}

/// Draws the grid with its top left corner at `at`.
pub(super) fn draw(canvas: &Canvas, grid: &Grid, at: (i32, i32)) -> Result<(), String> {
    let (head, width) = widths(grid);
    let left = |column: usize| at.0 + head + width * column as i32;
    let top = |row: usize| at.1 + HEADER + ROW * row as i32;

    for (column, name) in grid.columns.iter().enumerate() {
        let middle = (left(column) + width / 2, at.1 + HEADER / 2);
        canvas.text(&canvas::cut(name, width, 12), middle, &Style::new(12, INK).bold().middle_h().middle_v())?;
    }
    // All grounds before all words: what looks alike is one element of the document.
    for (row, column, tile) in tiles(grid) {
        let place = Place { x: left(column), y: top(row), width: width - GAP, height: ROW - GAP };
        canvas.tile(place, tile.ground)?;
    }
    for (row, (name, _)) in grid.rows.iter().enumerate() {
        let at = (at.0 + head - 12, top(row) + ROW / 2);
        canvas.text(&canvas::cut(name, head, 12), at, &Style::new(12, INK).end().middle_v())?;
    }
    for (row, column, tile) in tiles(grid) {
        let style = Style::new(12, tile.ink).middle_h().middle_v();
        canvas.text(&canvas::cut(&tile.word, width, 12), (left(column) + width / 2, top(row) + ROW / 2), &style)?;
    }
    Ok(())
}

/// The tiles with their rows and columns, those that look alike one after the other.
fn tiles(grid: &Grid) -> Vec<(usize, usize, &Tile)> {
    let row = |(row, (_, tiles)): (usize, &'_ (String, Vec<Option<Tile>>))| (row, tiles.len());
    let places = grid.rows.iter().enumerate().map(row).flat_map(|(row, columns)| (0..columns).map(move |c| (row, c)));
    let tiles = places.filter_map(|(row, column)| Some((row, column, grid.rows[row].1[column].as_ref()?)));
    let mut tiles: Vec<(usize, usize, &Tile)> = tiles.collect();
    tiles.sort_by_key(|(_, _, tile)| (tile.ground, tile.ink));
    tiles
}
