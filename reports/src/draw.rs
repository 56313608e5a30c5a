//! Figures as SVG, drawn with plotters, and as PNG, rasterised from that SVG with a font of our own.
//!
//! plotters lays out charts on a sheet of our own (`sheet.rs`). It places everything on whole pixels, so figures are drawn several times as large as they are shown and scaled
//! down by their view box: lines are smooth and markers keep their shape. A drawing holds nothing that depends on the
//! machine. SVG names a generic font family; PNG is rendered with Inter (`fonts/`, SIL Open Font License), so a machine
//! without fonts makes the same bytes.

mod axis;
mod canvas;
mod grid;
mod panel;
mod sheet;

use crate::chart::{Body, Entry, Figure, Join, Panel, Scale};
use crate::draw::canvas::{Canvas, Place, Style};
use crate::look::{INK, MUTED};
use crate::report::ReportError;

/// How much finer than a pixel things are placed.
const FINE: i32 = 8;

/// Width of a figure with panels side by side, in pixels.
const WIDTH: i32 = 960;
/// Width of a figure with one panel.
const NARROW: i32 = 580;
/// Height of a row of panels.
const PANEL_HEIGHT: i32 = 330;
/// Space around everything.
const MARGIN: i32 = 16;
/// Height of a line of the legend.
const LEGEND_LINE: i32 = 22;
/// Height of the title.
const TITLE: i32 = 34;
/// Height of the small print.
const FOOT: i32 = 26;

/// The figure as an SVG document; `print` is the small print at its foot.
///
/// # Errors
/// What plotters could not draw.
pub fn svg(figure: &Figure, print: &str) -> Result<String, ReportError> {
    let width = width(&figure.body);
    let legend = match &figure.body {
        Body::Panels { legend, .. } => legend_lines(legend, width),
        Body::Grid(_) => Vec::new(),
    };
    let top = TITLE + MARGIN + LEGEND_LINE * legend.len() as i32;
    let height = top + body_height(&figure.body) + FOOT + MARGIN / 2;
    let draw = |canvas: &Canvas| {
        canvas.text(&figure.title, (MARGIN, MARGIN), &Style::new(17, INK).bold())?;
        draw_legend(canvas, &legend)?;
        match &figure.body {
            Body::Panels { panels, .. } => draw_panels(canvas, panels, top, width)?,
            Body::Grid(grid) => grid::draw(canvas, grid, (MARGIN, top))?,
        }
        let foot = height - MARGIN / 2 - 8;
        canvas.text(&canvas::cut(print, width - 2 * MARGIN, 10), (MARGIN, foot), &Style::new(10, MUTED).middle_v())
    };
    Canvas::draw(width, height, draw).map_err(|what| ReportError::Draw { figure: figure.name.clone(), what })
}

/// Turns SVG documents into PNG images, twice as many pixels across.
pub(crate) struct Rasteriser(resvg::usvg::Options<'static>);

impl Rasteriser {
    /// With the fonts loaded.
    pub(crate) fn new() -> Self {
        let mut options = resvg::usvg::Options::default();
        let fonts = options.fontdb_mut();
        fonts.load_font_data(include_bytes!("../fonts/Inter-Regular.otf").to_vec());
        fonts.load_font_data(include_bytes!("../fonts/Inter-Bold.otf").to_vec());
        fonts.set_sans_serif_family("Inter");
        Rasteriser(options)
    }

    /// The image of a figure with this name.
    ///
    /// # Errors
    /// What could not be parsed or encoded.
    pub(crate) fn png(&self, name: &str, svg: &str) -> Result<Vec<u8>, ReportError> {
        self.raster(svg).map_err(|what| ReportError::Draw { figure: name.to_owned(), what })
    }

    fn raster(&self, svg: &str) -> Result<Vec<u8>, String> {
        let tree = resvg::usvg::Tree::from_str(svg, &self.0).map_err(|error| error.to_string())?;
        let zoom = 2.0;
        let size = tree.size().to_int_size();
        let mut pixels =
            resvg::tiny_skia::Pixmap::new(size.width() * 2, size.height() * 2).ok_or("a figure without area")?;
        pixels.fill(resvg::tiny_skia::Color::WHITE);
        resvg::render(&tree, resvg::tiny_skia::Transform::from_scale(zoom, zoom), &mut pixels.as_mut());
        encode(&pixels).map_err(|error| error.to_string())
    }
}

/// The pixels without their alpha, which is opaque everywhere, compressed fast: default effort takes longer than drawing.
fn encode(pixels: &resvg::tiny_skia::Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let colours: Vec<u8> = pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colours)?;
    writer.finish()?;
    Ok(bytes)
}

fn width(body: &Body) -> i32 {
    match body {
        Body::Panels { panels, .. } if columns(panels) == 1 && !has_names(panels) => NARROW,
        Body::Panels { .. } => WIDTH,
        Body::Grid(grid) => grid::width(grid).clamp(NARROW, WIDTH),
    }
}

fn body_height(body: &Body) -> i32 {
    match body {
        Body::Panels { panels, .. } => {
            let rows = panels.chunks(columns(panels)).map(|row| row.iter().map(panel_height).max().unwrap_or(0));
            rows.sum::<i32>().max(LEGEND_LINE)
        }
        Body::Grid(grid) => grid::height(grid),
    }
}

/// Panels side by side; those with names on the vertical axis take a row each.
fn columns(panels: &[Panel]) -> usize {
    if has_names(panels) { 1 } else { panels.len().clamp(1, 2) }
}

fn has_names(panels: &[Panel]) -> bool {
    panels.iter().any(|panel| matches!(panel.y.scale, Scale::Names(_)))
}

fn panel_height(panel: &Panel) -> i32 {
    match &panel.y.scale {
        Scale::Names(names) => 86 + row_height(panel) * names.len().max(1) as i32,
        Scale::Log(_) | Scale::Share => PANEL_HEIGHT,
    }
}

/// Room for a row of names: enough to tell the markers of all series apart, where these lie in lanes of their own.
fn row_height(panel: &Panel) -> i32 {
    let lanes = panel.series.iter().filter(|series| series.join == Join::Apart).count() as i32;
    (8 * lanes + 12).clamp(22, 60)
}

fn draw_panels(canvas: &Canvas, panels: &[Panel], top: i32, width: i32) -> Result<(), String> {
    if panels.is_empty() {
        return canvas.text("Nothing to show.", (MARGIN, top), &Style::new(13, MUTED));
    }
    let columns = columns(panels);
    let width = (width - 2 * MARGIN) / columns as i32;
    let mut y = top;
    for row in panels.chunks(columns) {
        let height = row.iter().map(panel_height).max().unwrap_or(0);
        for (column, panel) in row.iter().enumerate() {
            let place = Place { x: MARGIN + width * column as i32, y, width, height };
            panel::draw(canvas, panel, place)?;
        }
        y += height;
    }
    Ok(())
}

/// The entries in lines that fit the width, each with its horizontal position.
fn legend_lines(entries: &[Entry], room: i32) -> Vec<Vec<(i32, &Entry)>> {
    let mut lines: Vec<Vec<(i32, &Entry)>> = Vec::new();
    let mut x = room;
    for entry in entries {
        let width = 62 + canvas::width(&entry.label, 13);
        if x + width > room - MARGIN {
            lines.push(Vec::new());
            x = MARGIN;
        }
        lines.last_mut().expect("a line was just begun").push((x, entry));
        x += width;
    }
    lines
}

fn draw_legend(canvas: &Canvas, lines: &[Vec<(i32, &Entry)>]) -> Result<(), String> {
    for (line, entries) in lines.iter().enumerate() {
        let y = TITLE + MARGIN / 2 + LEGEND_LINE * line as i32 + LEGEND_LINE / 2;
        for (x, entry) in entries {
            let (left, right) = ((f64::from(*x), f64::from(y)), (f64::from(x + 34), f64::from(y)));
            if entry.join == Join::Bars {
                canvas.bar((left.0 + 10.0, right.0), left.1, &entry.look)?;
                canvas.text(&entry.label, (x + 42, y), &Style::new(13, INK).middle_v())?;
                continue;
            }
            if entry.join != Join::Apart {
                canvas.line(&[left, right], &entry.look, entry.join)?;
            }
            if entry.join == Join::Steps {
                canvas.text(&entry.label, (x + 42, y), &Style::new(13, INK).middle_v())?;
                continue;
            }
            canvas.marker(((left.0 + right.0) / 2.0, left.1), &entry.look, entry.join == Join::Faint, 1.0)?;
            canvas.text(&entry.label, (x + 42, y), &Style::new(13, INK).middle_v())?;
        }
    }
    Ok(())
}
