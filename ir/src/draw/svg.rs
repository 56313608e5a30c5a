//! One SVG picture of several stages of a program: a row for each, its graphs side by side.
//!
//! The crate `layout` places nodes in layers and routes the arrows between them; what is drawn where
//! it says is ours.

use std::fmt::Write;

use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;
use rustc_hash::FxHashMap;

use super::{Shape, shapes, title};
use crate::graph::{GraphId, Module, NodeId};

/// The layout takes time in the square of the nodes; larger pictures nobody could read either.
pub const MAX_NODES: usize = 2000;

/// A program of more nodes than can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{nodes} nodes are too many for a picture, which takes {MAX_NODES}; show fewer stages, or ask for `dot`")]
pub struct TooLarge {
    /// How many there are.
    pub nodes: usize,
}

/// Width of a character and distance of lines, in pixels at the font size used.
const CHARACTER: f64 = 7.3;
const LINE: f64 = 16.0;
const MARGIN: f64 = 16.0;
/// Width at which the graphs of a stage go on in another row.
const ROW: f64 = 2400.0;

const STYLE: &str = "\
text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #111; }
.stage { font: 600 17px system-ui, sans-serif; }
.title { font: 600 13px system-ui, sans-serif; fill: #444; }
.type { fill: #555; }
rect { stroke: #555; stroke-width: 1; }
.returned { stroke: #111; stroke-width: 2.5; }
.panel { fill: #fcfcfc; stroke: #ccc; }
path { fill: none; stroke: #777; stroke-width: 1.2; }
.head { fill: #777; stroke: none; }
";

/// The picture of stages, each a name and a module.
pub fn svg(stages: &[(String, Module)]) -> Result<String, TooLarge> {
    let nodes = stages.iter().map(|(_, module)| module.node_count()).sum();
    if nodes > MAX_NODES {
        return Err(TooLarge { nodes });
    }
    let (mut body, mut width, mut y) = (String::new(), 0.0_f64, MARGIN);
    for (name, module) in stages {
        let heading = format!("{name}: {} nodes", module.node_count());
        let _ = writeln!(body, "<text class=\"stage\" x=\"{MARGIN}\" y=\"{}\">{}</text>", y + LINE, escaped(&heading));
        y += LINE + MARGIN;
        let (mut x, mut height) = (MARGIN, 0.0_f64);
        for id in module.reachable() {
            let panel = Panel::of(module, id);
            if x > MARGIN && x + panel.width > ROW {
                (x, y, height) = (MARGIN, y + height + MARGIN, 0.0);
            }
            panel.write(x, y, &mut body);
            x += panel.width + MARGIN;
            height = height.max(panel.height);
            width = width.max(x);
        }
        y += height + 2.0 * MARGIN;
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{y:.0}\" \
         viewBox=\"0 0 {width:.0} {y:.0}\">\n<style>{STYLE}</style>\n\
         <defs><marker id=\"head\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"3\" orient=\"auto\">\
         <polygon class=\"head\" points=\"0 0, 7 3, 0 6\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\" stroke=\"none\"/>\n{body}</svg>\n"
    ))
}

/// A graph that has been laid out.
struct Panel {
    title: String,
    width: f64,
    height: f64,
    /// Shapes with their centres and sizes.
    boxes: Vec<(Shape, Point, Point)>,
    arrows: Vec<String>,
}

impl Panel {
    fn of(module: &Module, id: GraphId) -> Panel {
        let shapes = shapes(module.graph(id));
        let mut picture = VisualGraph::new(Orientation::TopToBottom);
        let mut handles = FxHashMap::default();
        for shape in &shapes {
            let element = ShapeKind::new_box("");
            let size = size(shape);
            let made = picture.add_node(Element::create(element, StyleAttr::simple(), Orientation::TopToBottom, size));
            handles.insert(shape.id, made);
        }
        for (from, to) in edges(&shapes) {
            picture.add_edge(Arrow::simple(""), handles[&from], handles[&to]);
        }
        let mut arrows = Arrows(Vec::new());
        picture.do_it(false, false, false, &mut arrows);
        let title = title(module, id);
        let mut far = Point::new(CHARACTER * (title.chars().count() + 2) as f64, 0.0);
        let boxes = shapes.into_iter().map(|shape| {
            let place = picture.pos(handles[&shape.id]);
            let (centre, size) = (place.center(), size(&shape));
            far = Point::new(far.x.max(centre.x + size.x / 2.0), far.y.max(centre.y + size.y / 2.0));
            (shape, centre, size)
        });
        let boxes = boxes.collect();
        Panel { title, width: far.x + MARGIN, height: far.y + LINE + MARGIN, boxes, arrows: arrows.0 }
    }

    fn write(&self, x: f64, y: f64, out: &mut String) {
        let Panel { title, width, height, boxes, arrows } = self;
        let _ = writeln!(out, "<g transform=\"translate({x:.1} {y:.1})\">");
        let _ = writeln!(out, "<rect class=\"panel\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>");
        let _ = writeln!(out, "<text class=\"title\" x=\"8\" y=\"{LINE}\">{}</text>", escaped(title));
        let _ = writeln!(out, "<g transform=\"translate(0 {LINE})\">");
        for arrow in arrows {
            let _ = writeln!(out, "<path d=\"{arrow}\" marker-end=\"url(#head)\"/>");
        }
        for (shape, centre, size) in boxes {
            write_box(shape, *centre, *size, out);
        }
        out.push_str("</g></g>\n");
    }
}

/// Operand and user, once each however often it is used.
fn edges(shapes: &[Shape]) -> Vec<(NodeId, NodeId)> {
    let mut edges: Vec<(NodeId, NodeId)> =
        shapes.iter().flat_map(|shape| shape.operands.iter().map(|&operand| (operand, shape.id))).collect();
    edges.sort();
    edges.dedup();
    edges
}

fn size(shape: &Shape) -> Point {
    let characters = shape.operation.chars().count().max(shape.ty.chars().count());
    Point::new(CHARACTER * characters as f64 + 14.0, 2.0 * LINE + 8.0)
}

fn write_box(shape: &Shape, centre: Point, size: Point, out: &mut String) {
    let (left, top) = (centre.x - size.x / 2.0, centre.y - size.y / 2.0);
    let class = if shape.returned { " class=\"returned\"" } else { "" };
    let _ = writeln!(
        out,
        "<rect{class} x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\" fill=\"{}\"/>",
        size.x,
        size.y,
        shape.kind.fill()
    );
    for (class, line, text) in [("", 1.0, &shape.operation), (" class=\"type\"", 2.0, &shape.ty)] {
        let (x, y) = (left + 7.0, top + line * LINE);
        let _ = writeln!(out, "<text{class} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Collects the paths of arrows; nodes are drawn from their positions.
struct Arrows(Vec<String>);

impl RenderBackend for Arrows {
    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _dashed: bool,
        _head: (bool, bool),
        _look: &StyleAttr,
        _properties: Option<String>,
        _text: &str,
    ) {
        let Some(((start, exit), rest)) = path.split_first() else { return };
        let mut d = format!("M {:.1} {:.1}", start.x, start.y);
        for (i, (control, end)) in rest.iter().enumerate() {
            let _ = match i {
                0 => write!(d, " C {:.1} {:.1}, ", exit.x, exit.y),
                _ => write!(d, " S "),
            };
            let _ = write!(d, "{:.1} {:.1}, {:.1} {:.1}", control.x, control.y, end.x, end.y);
        }
        self.0.push(d);
    }

    fn draw_rect(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>, _: Option<ClipHandle>) {}

    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_text(&mut self, _: Point, _: &str, _: &StyleAttr) {}

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}
