//! The sheet that plotters and the canvas draw on: a backend of plotters that writes SVG in few words.
//!
//! A report holds hundreds of figures, so what is drawn alike one after the other becomes one element: strokes and filled
//! shapes of one ink are one path, texts of one style one group. Texts lie above everything else, so that none stands
//! between two shapes. A shape that is filled and then outlined is one shape with both. All coordinates are whole numbers.

use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{FontStyle, FontTransform};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

use crate::draw::canvas::named_line;

/// What plotters multiplies a font's size by.
pub(super) const FONT_FACTOR: f64 = 1.24;

/// How far the baseline is below the top of text, and below its middle, in parts of its size.
const BASELINE: (f64, f64) = (0.76, 0.26);

/// Everything drawn so far.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// Inks, and the outlines of what is painted with each.
    paths: Vec<(Ink, String)>,
    /// Attributes of texts, and the texts.
    texts: Vec<(String, String)>,
    /// The polygon drawn last, and the length of its outline: an outline that follows belongs to it.
    polygon: Option<(Vec<BackendCoord>, usize)>,
}

/// How a path is painted, as attributes; empty for what is not.
#[derive(Clone, Debug, Default, PartialEq)]
struct Ink {
    fill: String,
    stroke: String,
}

impl Sheet {
    /// The document, without the elements around what was drawn.
    pub(super) fn body(&self) -> String {
        let paths = self.paths.iter().map(|(Ink { fill, stroke }, outline)| {
            let fill = if fill.is_empty() { "none" } else { fill };
            format!("<path fill=\"{fill}\"{stroke} d=\"{outline}\"/>\n")
        });
        let texts = self.texts.iter().map(|(style, texts)| format!("<g{style}>{texts}</g>\n"));
        paths.chain(texts).collect()
    }

    /// Adds a shape, to those before it if they have the same ink.
    fn add(&mut self, ink: Ink, shape: &str) {
        match self.paths.last_mut() {
            Some((same, outline)) if *same == ink => outline.push_str(shape),
            _ => self.paths.push((ink, shape.to_owned())),
        }
    }

    /// Adds a text, to those before it if they are of the same style.
    fn write(&mut self, style: String, text: &str) {
        match self.texts.last_mut() {
            Some((same, texts)) if *same == style => texts.push_str(text),
            _ => self.texts.push((style, text.to_owned())),
        }
    }

    /// Takes the polygon drawn last back, if this is its outline; returns how it was filled.
    fn take_polygon(&mut self, outline: &[BackendCoord]) -> Option<(String, String)> {
        let (corners, length) = self.polygon.take()?;
        let (last, open) = outline.split_last()?;
        if open != corners || corners.first() != Some(last) {
            return None;
        }
        let (ink, drawn) = self.paths.last_mut()?;
        let shape = drawn.split_off(drawn.len() - length);
        let fill = ink.fill.clone();
        if drawn.is_empty() {
            self.paths.pop();
        }
        Some((fill, shape))
    }
}

/// The corners as the data of a path: the first absolute, the others relative to the one before.
fn path(corners: &[BackendCoord]) -> String {
    let Some((first, others)) = corners.split_first() else { return String::new() };
    let mut data = format!("M{} {}", first.0, first.1);
    let mut from = first;
    let mut last = 'M';
    for to in others {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let (letter, numbers): (char, &[i32]) = match (dx, dy) {
            (_, 0) => ('h', &[dx]),
            (0, _) => ('v', &[dy]),
            _ => ('l', &[dx, dy]),
        };
        if letter != last {
            data.push(letter);
        }
        for number in numbers {
            if *number >= 0 && data.ends_with(|c: char| c.is_ascii_digit()) {
                data.push(' ');
            }
            data += &number.to_string();
        }
        (from, last) = (to, letter);
    }
    data
}

fn colour(colour: BackendColor) -> String {
    let (red, green, blue) = colour.rgb;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn filled(style: &impl BackendStyle) -> Ink {
    Ink { fill: colour(style.color()), stroke: String::new() }
}

fn stroked(style: &impl BackendStyle) -> Ink {
    let stroke = format!(" stroke=\"{}\" {}", colour(style.color()), named_line(style.stroke_width()));
    Ink { fill: String::new(), stroke }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

type Drawn = Result<(), DrawingErrorKind<std::convert::Infallible>>;

/// The sheet in its size.
pub(super) struct Backend<'s> {
    pub(super) sheet: &'s mut Sheet,
    pub(super) size: (u32, u32),
}

impl DrawingBackend for Backend<'_> {
    type ErrorType = std::convert::Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let ink = Ink { fill: colour(color), stroke: String::new() };
        self.sheet.add(ink, &format!("M{x} {y}h1v1h-1z"));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        corner: BackendCoord,
        other: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [corner, (other.0, corner.1), other, (corner.0, other.1)];
        if fill {
            self.fill_polygon(corners, style)
        } else {
            self.draw_path(corners.into_iter().chain([corner]), style)
        }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        let corners: Vec<BackendCoord> = corners.into_iter().collect();
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        match self.sheet.take_polygon(&corners) {
            Some((fill, shape)) => self.sheet.add(Ink { fill, ..stroked(style) }, &shape),
            None => self.sheet.add(stroked(style), &path(&corners)),
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        let corners: Vec<BackendCoord> = corners.into_iter().collect();
        if style.color().alpha > 0.0 {
            let shape = path(&corners) + "z";
            self.sheet.add(filled(style), &shape);
            self.sheet.polygon = Some((corners, shape.len()));
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let ink = if fill { filled(style) } else { stroked(style) };
        let (r, across) = (radius, 2 * radius);
        self.sheet.add(ink, &format!("M{} {y}a{r} {r} 0 1 0 {across} 0a{r} {r} 0 1 0-{across} 0z", x - radius as i32));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let size = (style.size() / FONT_FACTOR).round();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Right => " text-anchor=\"end\"",
            HPos::Center => " text-anchor=\"middle\"",
        };
        let below = match style.anchor().v_pos {
            VPos::Top => BASELINE.0 * size,
            VPos::Center => BASELINE.1 * size,
            VPos::Bottom => 0.0,
        };
        let weight = if matches!(style.style(), FontStyle::Bold) { " font-weight=\"bold\"" } else { "" };
        let place = match style.transform() {
            FontTransform::Rotate270 => format!(" transform=\"rotate(-90 {x} {y})\""),
            _ => String::new(),
        };
        let attributes = format!(" font-size=\"{size}\" fill=\"{}\"{anchor}{weight}", colour(style.color()));
        let (baseline, text) = (y + below.round() as i32, escaped(text));
        let one = format!("<text x=\"{x}\" y=\"{baseline}\"{place}>{text}</text>");
        self.sheet.write(attributes, &one);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::{RED, ShapeStyle};

    #[test]
    fn what_looks_alike_is_one_element_and_an_outline_belongs_to_its_shape() {
        let mut sheet = Sheet::default();
        let mut backend = Backend { sheet: &mut sheet, size: (100, 100) };
        let style = ShapeStyle { color: RED.into(), filled: false, stroke_width: 3 };
        backend.draw_line((1, 2), (4, 2), &style).unwrap();
        backend.draw_line((1, 5), (0, 9), &style).unwrap();
        for x in [10, 20] {
            let corners = [(x, 0), (x + 4, 0), (x + 2, -3)];
            backend.fill_polygon(corners, &style).unwrap();
            backend.draw_path(corners.into_iter().chain([corners[0]]), &style).unwrap();
        }
        backend.draw_rect((0, 0), (5, 5), &style, true).unwrap();
        let expected = "<path fill=\"none\" stroke=\"#ff0000\" stroke-width=\"3\" d=\"M1 2h3M1 5l-1 4\"/>\n\
            <path fill=\"#ff0000\" stroke=\"#ff0000\" stroke-width=\"3\" d=\"M10 0h4l-2-3zM20 0h4l-2-3z\"/>\n\
            <path fill=\"#ff0000\" d=\"M0 0h5v5h-5z\"/>\n";
        assert_eq!(sheet.body(), expected);
    }
}
