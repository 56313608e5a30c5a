//! How deep derivatives are nested in a program, which is known before it runs unless a recursion takes them.
//!
//! A derivative runs its function on a tape of its own, so that the tapes in use at once are as many as derivatives on a
//! path of calls.

use adjudicate_ir::graph::{Graph, GraphId, Module, Op};
use adjudicate_ir::passes;
use adjudicate_ir::span::{Diagnostic, SourceMap, Span};

use super::levels::MAX_LEVEL;
use crate::derivatives::places;

/// The longest path of derivatives inside each other that can be reached from a graph.
#[derive(Clone, Copy, Debug, Default)]
struct Nesting {
    depth: u32,
    /// The innermost derivative on the path whose function stands in the model file.
    innermost: Option<Derivative>,
}

/// A derivative: of which function, and where.
#[derive(Clone, Copy, Debug)]
struct Derivative {
    of: GraphId,
    span: Span,
}

/// Refuses a program with more derivatives inside each other than there are tapes.
pub(super) fn check(module: &Module, sources: &SourceMap) -> Result<(), Box<Diagnostic>> {
    let Nesting { depth, innermost } = nesting(module);
    if depth <= MAX_LEVEL {
        return Ok(());
    }
    let Derivative { of, span } = innermost.unwrap_or(Derivative { of: module.entry, span: Span::default() });
    let [place, target, entry] = places(module, span, of);
    let (span, _) = sources.subject(&[place, target, entry]);
    let (_, function) = sources.subject(&[target, entry]);
    let message = format!(
        "{function} is differentiated inside {} other derivatives, and a tape of scalar statements nests no more than \
         {MAX_LEVEL} in all",
        depth - 1
    );
    let help = "take fewer derivatives of it (`jvp` and `hvp` are two each), or use the strategy `tape`";
    Err(Box::new(Diagnostic::new(span, message).help(help)))
}

/// That of the entry. Graphs are left after those that they refer to; one that is entered again is a recursion, of which a
/// single round counts.
fn nesting(module: &Module) -> Nesting {
    let mut found = vec![Nesting::default(); module.graphs.len()];
    let mut entered = vec![false; module.graphs.len()];
    let mut work = vec![(module.entry, false)];
    while let Some((id, leave)) = work.pop() {
        if leave {
            found[id.0 as usize] = inside(module, module.graph(id), &found);
        } else if !std::mem::replace(&mut entered[id.0 as usize], true) {
            work.push((id, true));
            let nodes = &module.graph(id).nodes;
            work.extend(nodes.iter().flat_map(|node| node.op.graphs()).map(|inner| (inner, false)));
        }
    }
    found[module.entry.0 as usize]
}

/// That of a graph, from those of the graphs it refers to.
fn inside(module: &Module, graph: &Graph, found: &[Nesting]) -> Nesting {
    let live = passes::live(graph);
    let nodes = graph.iter().filter(|(id, _)| live[id.0 as usize]).map(|(_, node)| node);
    let nested = nodes.flat_map(|node| node.op.graphs().into_iter().map(move |of| (node, of)));
    let nested = nested.map(|(node, of)| {
        let Nesting { depth, innermost } = found[of.0 as usize];
        let is_derivative = matches!(node.op, Op::Vjp(_));
        let own = is_derivative && [node.span, module.graph(of).span].into_iter().any(Span::is_of_model);
        let own = own.then_some(Derivative { of, span: node.span });
        Nesting { depth: depth + u32::from(is_derivative), innermost: innermost.or(own) }
    });
    nested.reduce(|a, b| if b.depth > a.depth { b } else { a }).unwrap_or_default()
}
