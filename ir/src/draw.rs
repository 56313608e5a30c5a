//! Pictures of modules: [`dot`] for Graphviz and the tools that read its language, [`svg`] to look
//! at right away.
//!
//! Each graph that the entry reaches is one panel. Its live nodes are boxes, one line for the
//! operation and one for the type; arrows go from an operand to its user. Graphs that a node refers
//! to are named in its operation, as in the text form. Colour tells the kind of a node:
//!
//! | kind | nodes |
//! | --- | --- |
//! | parameter | parameters |
//! | constant | constants and `zero` |
//! | primitive | primitives |
//! | structure | tuples and their items |
//! | call | calls, function values and their application |
//! | control | conditionals and loops |
//! | derivative | derivatives not yet expanded |

mod dot;
mod svg;

use crate::graph::{Graph, GraphId, Module, Node, NodeId, Op};
use crate::passes::live;
use crate::text::print_operation;

pub use dot::dot;
pub use svg::{MAX_NODES, TooLarge, svg};

/// Characters of an operation or a type that are shown.
const MAX_CHARS: usize = 44;

/// A node as it is drawn.
struct Shape {
    id: NodeId,
    operation: String,
    ty: String,
    kind: Kind,
    operands: Vec<NodeId>,
    returned: bool,
}

/// What a colour stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Parameter,
    Constant,
    Primitive,
    Structure,
    Call,
    Control,
    Derivative,
}

impl Kind {
    fn of(op: &Op) -> Kind {
        match op {
            Op::Param(_) | Op::Outer(..) => Kind::Parameter,
            Op::Const(_) | Op::Zero | Op::Builtin(_) => Kind::Constant,
            Op::Prim(_) | Op::Fused(_) => Kind::Primitive,
            Op::Tuple | Op::Get(_) | Op::Record(_) => Kind::Structure,
            Op::Call(_) | Op::Closure(_) | Op::Apply(_) | Op::Fn(_) => Kind::Call,
            Op::If(..) | Op::Loop { .. } => Kind::Control,
            Op::Vjp(_) => Kind::Derivative,
        }
    }

    /// Light tints after Okabe and Ito (2008), told apart in grey by the border as well.
    fn fill(self) -> &'static str {
        match self {
            Kind::Parameter => "#ffffff",
            Kind::Constant => "#eeeeee",
            Kind::Primitive => "#d6eaf6",
            Kind::Structure => "#f7f3cf",
            Kind::Call => "#cfeae0",
            Kind::Control => "#fbe3bf",
            Kind::Derivative => "#f3d9e6",
        }
    }
}

/// The live nodes of a graph, in order, parameters among them whether live or not.
fn shapes(graph: &Graph) -> Vec<Shape> {
    let live = live(graph);
    let shown = |(id, node): &(NodeId, &Node)| live[id.0 as usize] || matches!(node.op, Op::Param(_));
    let shape = |(id, node): (NodeId, &Node)| Shape {
        id,
        operation: shortened(&operation(id, node)),
        ty: shortened(&node.ty.to_string()),
        kind: Kind::of(&node.op),
        operands: node.args.to_vec(),
        returned: id == graph.ret,
    };
    graph.iter().filter(shown).map(shape).collect()
}

fn operation(id: NodeId, node: &Node) -> String {
    match node.op {
        Op::Param(index) => format!("{id} = parameter {index}"),
        _ => format!("{id} = {}", print_operation(node)),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

/// What stands above a panel.
fn title(module: &Module, id: GraphId) -> String {
    let entry = if id == module.entry { ", the entry" } else { "" };
    format!("{id} {}{entry}", module.graph(id).name)
}
