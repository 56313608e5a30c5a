//! A sheet to draw on in pixels: lines with any dash, markers and text.

use plotters::coord::Shift;
use plotters::element::DynElement;
use plotters::prelude::{Circle, DrawingArea, IntoDrawingArea, IntoDynElement, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle};

use crate::chart::Join;
use crate::draw::FINE;
use crate::draw::sheet::{Backend, FONT_FACTOR, Sheet};
use crate::look::{Colour, DASHES, HANDWRITTEN_DASH, INK, Look, Marker, VALUE_DASH};

/// A point in pixels.
pub(super) type Spot = (f64, f64);

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// Height of a bar in pixels.
const BAR: f64 = 12.0;

/// Radius of a marker in pixels.
const RADIUS: f64 = 4.2;

/// The lines a series can be joined by: width in pixels, dash. plotters has no dashes, so a line is drawn with a stroke
/// width that names its place here, counted from [`NAMED`].
const LINES: [(f64, &[f64]); 6] = [
    (2.0, DASHES[0]),
    (2.0, DASHES[1]),
    (2.0, DASHES[2]),
    (2.0, DASHES[3]),
    (2.0, HANDWRITTEN_DASH),
    (1.4, VALUE_DASH),
];

/// The font of everything that is written.
const FONT: &str = "font-family=\"sans-serif\"";

/// A stroke width that nothing is drawn with.
const NAMED: u32 = 9000;

/// How text is set.
#[derive(Clone)]
pub(super) struct Style {
    size: i32,
    colour: Colour,
    bold: bool,
    upright: bool,
    anchor: Pos,
}

impl Style {
    /// Text of this size in pixels, placed by its top left corner.
    pub(super) fn new(size: i32, colour: Colour) -> Self {
        Style { size, colour, bold: false, upright: false, anchor: Pos::new(HPos::Left, VPos::Top) }
    }

    pub(super) fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    /// Read from bottom to top.
    pub(super) fn upright(mut self) -> Self {
        self.upright = true;
        self
    }

    pub(super) fn middle_h(mut self) -> Self {
        self.anchor.h_pos = HPos::Center;
        self
    }

    pub(super) fn end(mut self) -> Self {
        self.anchor.h_pos = HPos::Right;
        self
    }

    pub(super) fn middle_v(mut self) -> Self {
        self.anchor.v_pos = VPos::Center;
        self
    }

    fn plotters(&self) -> TextStyle<'static> {
        let size = f64::from(self.size * FINE) * FONT_FACTOR;
        let font = if self.bold {
            ("sans-serif", size).into_font().style(plotters::style::FontStyle::Bold)
        } else {
            ("sans-serif", size).into_font()
        };
        let font = if self.upright { font.transform(FontTransform::Rotate270) } else { font };
        let mut style = TextStyle::from(font);
        style.color = rgb(self.colour).to_backend_color();
        style.pos = self.anchor;
        style
    }
}

/// The sheet.
pub(super) struct Canvas<'a> {
    area: DrawingArea<Backend<'a>, Shift>,
}

impl<'a> Canvas<'a> {
    /// The SVG document of this size in pixels that `draw` fills.
    pub(super) fn draw(
        width: i32,
        height: i32,
        draw: impl Fn(&Canvas) -> Result<(), String>,
    ) -> Result<String, String> {
        let mut sheet = Sheet::default();
        let fine = (FINE * width, FINE * height);
        {
            let backend = Backend { sheet: &mut sheet, size: (fine.0 as u32, fine.1 as u32) };
            let area = backend.into_drawing_area();
            area.fill(&plotters::style::WHITE).map_err(|error| error.to_string())?;
            draw(&Canvas { area })?;
        }
        Ok(format!(
            "<svg width=\"{width}\" height=\"{height}\" role=\"img\" {FONT} viewBox=\"0 0 {} {}\" \
             xmlns=\"http://www.w3.org/2000/svg\">\n{}</svg>\n",
            fine.0,
            fine.1,
            sheet.body(),
        ))
    }

    /// The part of the sheet that a chart is laid out in.
    pub(super) fn part(&self, place: Place) -> DrawingArea<Backend<'a>, Shift> {
        let fine = |x: i32, y: i32| ((x * FINE) as u32, (y * FINE) as u32);
        let (left, top) = fine(place.x, place.y);
        let (width, height) = fine(place.width, place.height);
        self.area.clone().shrink((left, top), (width, height))
    }

    /// Writes text at a position in pixels.
    pub(super) fn text(&self, text: &str, at: (i32, i32), style: &Style) -> Result<(), String> {
        let at = (at.0 * FINE, at.1 * FINE);
        self.area.draw_text(text, &style.plotters(), at).map_err(|error| error.to_string())
    }

    /// A filled rectangle.
    pub(super) fn tile(&self, place: Place, colour: Colour) -> Result<(), String> {
        let corner = (place.x * FINE, place.y * FINE);
        let other = ((place.x + place.width) * FINE, (place.y + place.height) * FINE);
        self.put(Rectangle::new([corner, other], rgb(colour).filled()).into_dyn())
    }

    /// A thin straight line.
    pub(super) fn rule(&self, from: Spot, to: Spot, colour: Colour, width: f64) -> Result<(), String> {
        self.stroke(&[from, to], colour, width)
    }

    /// A line through the spots, as a series with this look is joined.
    pub(super) fn line(&self, spots: &[Spot], look: &Look, join: Join) -> Result<(), String> {
        let line = match join {
            Join::Faint => LINES.len() - 1,
            Join::Line | Join::Steps | Join::Apart | Join::Bars => {
                LINES.iter().position(|(_, dash)| *dash == look.dash).unwrap_or(0)
            }
        };
        let style = ShapeStyle { color: rgb(look.colour).to_rgba(), filled: false, stroke_width: NAMED + line as u32 };
        self.put(PathElement::new(fine_all(spots), style).into_dyn())
    }

    /// A bar of a look between two positions, around a height.
    pub(super) fn bar(&self, (from, to): (f64, f64), height: f64, look: &Look) -> Result<(), String> {
        let (top, bottom) = (height - BAR / 2.0, height + BAR / 2.0);
        let corners = [(from, top), (to, top), (to, bottom), (from, bottom)];
        self.put(Polygon::new(fine_all(&corners), rgb(look.colour)).into_dyn())?;
        self.stroke(&[corners[0], corners[1], corners[2], corners[3], corners[0]], INK, 0.75)
    }

    /// The marker of a look, `zoom` times the usual size.
    pub(super) fn marker(&self, at: Spot, look: &Look, hollow: bool, zoom: f64) -> Result<(), String> {
        let radius = RADIUS * zoom;
        let shape = |corners: &[Spot]| -> Vec<Spot> {
            corners.iter().map(|(x, y)| (at.0 + radius * x, at.1 + radius * y)).collect()
        };
        let outline = match look.marker {
            Marker::Circle => return self.disc(at, look, hollow, radius),
            Marker::Cross => {
                self.stroke(&shape(&[(-0.9, -0.9), (0.9, 0.9)]), look.colour, 1.8)?;
                return self.stroke(&shape(&[(-0.9, 0.9), (0.9, -0.9)]), look.colour, 1.8);
            }
            Marker::Bar => {
                return self.stroke(&shape(&[(0.0, -2.0), (0.0, 2.0)]), look.colour, 2.0);
            }
            Marker::Square => shape(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Marker::Triangle => shape(&[(0.0, -1.15), (1.1, 0.85), (-1.1, 0.85)]),
            Marker::Diamond => shape(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
            Marker::Wedge => shape(&[(0.0, 1.15), (1.1, -0.85), (-1.1, -0.85)]),
        };
        let fill = if hollow { plotters::style::WHITE } else { rgb(look.colour) };
        self.put(Polygon::new(fine_all(&outline), fill).into_dyn())?;
        let closed: Vec<Spot> = outline.iter().chain(outline.first()).copied().collect();
        self.stroke(&closed, look.colour, 1.4)
    }

    fn disc(&self, at: Spot, look: &Look, hollow: bool, radius: f64) -> Result<(), String> {
        let radius = (radius * f64::from(FINE)) as i32;
        self.put(Circle::new(fine(&at), radius, rgb(look.colour).filled()).into_dyn())?;
        if !hollow {
            return Ok(());
        }
        self.put(Circle::new(fine(&at), radius - 3 * FINE / 2, plotters::style::WHITE.filled()).into_dyn())
    }

    fn stroke(&self, spots: &[Spot], colour: Colour, width: f64) -> Result<(), String> {
        let style =
            ShapeStyle { color: rgb(colour).to_rgba(), filled: false, stroke_width: (width * f64::from(FINE)) as u32 };
        self.put(PathElement::new(fine_all(spots), style).into_dyn())
    }

    fn put(&self, element: DynElement<'_, Backend<'a>, (i32, i32)>) -> Result<(), String> {
        self.area.draw(&element).map_err(|error| error.to_string())
    }
}

/// The attributes of a stroke of this width, which may name a line.
pub(super) fn named_line(width: u32) -> String {
    let line = width.checked_sub(NAMED).and_then(|line| LINES.get(line as usize));
    let Some((width, dash)) = line else { return format!("stroke-width=\"{width}\"") };
    let lengths: Vec<String> = dash.iter().map(|length| (length * f64::from(FINE)).to_string()).collect();
    let dashes = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", lengths.join(" ")) };
    format!("stroke-width=\"{}\" stroke-linejoin=\"round\"{dashes}", width * f64::from(FINE))
}

fn rgb(colour: Colour) -> RGBColor {
    RGBColor(colour.0, colour.1, colour.2)
}

fn fine(spot: &Spot) -> (i32, i32) {
    ((spot.0 * f64::from(FINE)).round() as i32, (spot.1 * f64::from(FINE)).round() as i32)
}

fn fine_all(spots: &[Spot]) -> Vec<(i32, i32)> {
    spots.iter().map(fine).collect()
}

/// About how wide text is in pixels: a viewer's font is not known, so on the generous side.
pub(super) fn width(text: &str, size: i32) -> i32 {
    (0.58 * f64::from(size) * text.chars().count() as f64).ceil() as i32
}

/// Text cut to about this many pixels, with an ellipsis where something is missing.
pub(super) fn cut(text: &str, pixels: i32, size: i32) -> String {
    let fit = (f64::from(pixels) / (0.58 * f64::from(size))) as usize;
    if text.chars().count() <= fit {
        return text.to_owned();
    }
    text.chars().take(fit.saturating_sub(1)).chain(['…']).collect()
}
