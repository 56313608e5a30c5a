//! The language of Graphviz.

use std::fmt::Write;

use super::{Shape, shapes, title};
use crate::graph::{GraphId, Module, NodeId};

/// The module as one `digraph` of this name, each of its graphs a cluster.
pub fn dot(name: &str, module: &Module) -> String {
    let mut out = format!("digraph {} {{\n", quoted(name));
    out.push_str("  labelloc=t; fontname=\"monospace\";\n");
    let _ = writeln!(out, "  label={};", quoted(&format!("{name}: {} nodes", module.node_count())));
    out.push_str("  node [shape=box style=filled fontname=\"monospace\" fontsize=11];\n");
    for id in module.reachable() {
        write_graph(module, id, &mut out);
    }
    out.push_str("}\n");
    out
}

fn write_graph(module: &Module, id: GraphId, out: &mut String) {
    let shapes = shapes(module.graph(id));
    let _ = writeln!(out, "  subgraph cluster_{} {{\n    label={};", id.0, quoted(&title(module, id)));
    for shape in &shapes {
        write_node(id, shape, out);
    }
    for shape in &shapes {
        for operand in &shape.operands {
            let _ = writeln!(out, "    {} -> {};", name(id, *operand), name(id, shape.id));
        }
    }
    out.push_str("  }\n");
}

fn write_node(graph: GraphId, shape: &Shape, out: &mut String) {
    let label = quoted(&format!("{}\n{}", shape.operation, shape.ty));
    let border = if shape.returned { " penwidth=2.5" } else { "" };
    let _ =
        writeln!(out, "    {} [label={label} fillcolor={}{border}];", name(graph, shape.id), quoted(shape.kind.fill()));
}

fn name(graph: GraphId, node: NodeId) -> String {
    format!("g{}n{}", graph.0, node.0)
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
