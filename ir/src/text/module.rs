//! Modules, graphs and nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::graph::{Args, Graph, GraphId, Module, Node, NodeId, Op, Signature, Stage};
use crate::span::Span;
use crate::types::Type;

use super::lex::{Position, Reader, Token, error_at};
use super::ops::{read_op, write_op};
use super::syntax::{Syntax, read_type, write_list, write_type};
use super::{Spans, TextError};

/// Appends a module.
pub(super) fn write_module(module: &Module, spans: Spans, out: &mut String) {
    let Module { stage, graphs: _, entry } = module;
    *out += &format!("module {} entry {entry}\n", stage.name());
    for (id, graph) in module.iter() {
        out.push('\n');
        write_graph(id, graph, spans, out);
    }
}

/// Reads a module.
pub(super) fn read_module(r: &mut Reader<'_>) -> Result<Module, TextError> {
    r.eat(&Token::Newline);
    r.keyword("module")?;
    let stage = Stage::read(r)?;
    r.keyword("entry")?;
    let entry = GraphId::read(r)?;
    end_line(r)?;
    let mut module = Module { stage, graphs: Vec::new(), entry };
    while *r.peek() != Token::End {
        let graph = read_graph(GraphId(module.graphs.len() as u32), r)?;
        module.add(graph);
    }
    Ok(module)
}

/// Appends a graph.
pub(super) fn write_graph(id: GraphId, graph: &Graph, spans: Spans, out: &mut String) {
    let Graph { name, params, nodes, ret, span, signature } = graph;
    *out += &format!("graph {id} ");
    name.write(out);
    write_list(out, '(', params.iter().enumerate(), ')', |(index, &param), out| {
        if !defined_in_header(graph, index) {
            out.push_str("node ");
        }
        param.write(out);
        if defined_in_header(graph, index) {
            let node = graph.node(param);
            write_param_type(&node.ty, out);
            write_span(node.span, spans, out);
        }
    });
    write_result_type(nodes.get(ret.0 as usize), out);
    write_signature(signature, out);
    out.push_str(" {");
    write_span(*span, spans, out);
    out.push('\n');
    for (id, node) in graph.iter() {
        if let Op::Param(index) = node.op
            && params.get(index as usize) == Some(&id)
            && defined_in_header(graph, index as usize)
        {
            continue;
        }
        *out += &format!("  {id} = ");
        write_op(&node.op, &node.args, out);
        write_type(&node.ty, out);
        write_span(node.span, spans, out);
        out.push('\n');
    }
    *out += &format!("  return {ret}\n}}\n");
}

/// Whether the parameter list says all about the node of parameter `index`.
fn defined_in_header(graph: &Graph, index: usize) -> bool {
    let node = graph.nodes.get(graph.params[index].0 as usize);
    node.is_some_and(|node| node.op == Op::Param(index as u32) && node.args.is_empty())
}

/// A graph whose nodes are being read.
#[derive(Default)]
struct Draft {
    nodes: BTreeMap<u32, Node>,
}

impl Draft {
    fn add(&mut self, id: NodeId, position: Position, node: Node) -> Result<(), TextError> {
        match self.nodes.insert(id.0, node) {
            None => Ok(()),
            Some(_) => Err(error_at(position, format!("{id} is defined twice"))),
        }
    }

    fn finish(self, end: Position) -> Result<Vec<Node>, TextError> {
        match (0..).zip(self.nodes.keys()).find(|(expected, id)| expected != *id) {
            Some((missing, _)) => Err(error_at(end, format!("{} is not defined", NodeId(missing)))),
            None => Ok(self.nodes.into_values().collect()),
        }
    }
}

fn read_graph(id: GraphId, r: &mut Reader<'_>) -> Result<Graph, TextError> {
    r.keyword("graph")?;
    if !r.eat(&Token::Graph(id.0)) {
        return Err(r.expected(&format!("`{id}`")));
    }
    let name = Syntax::read(r)?;
    let mut draft = Draft::default();
    let mut index = 0;
    let params = r.list('(', ')', |r| {
        index += 1;
        read_param(index - 1, r, &mut draft)
    })?;
    let result = read_result_type(r)?;
    let signature = read_signature(r)?;
    r.symbol('{')?;
    let span = Span::read(r)?;
    end_line(r)?;
    while let Token::Node(_) = r.peek() {
        let position = r.position();
        let id = NodeId::read(r)?;
        r.symbol('=')?;
        let node = read_node(r)?;
        draft.add(id, position, node)?;
    }
    r.keyword("return")?;
    let ret = NodeId::read(r)?;
    end_line(r)?;
    let nodes = draft.finish(r.position())?;
    r.symbol('}')?;
    end_line(r)?;
    if let Some((stated, position)) = result {
        check_result_type(&stated, nodes.get(ret.0 as usize), position)?;
    }
    Ok(Graph { name, params, nodes, ret, span, signature })
}

fn end_line(r: &mut Reader<'_>) -> Result<(), TextError> {
    if *r.peek() == Token::End || r.eat(&Token::Newline) {
        return Ok(());
    }
    Err(r.expected("the end of the line"))
}

fn write_param_type(ty: &Type, out: &mut String) {
    if *ty != Type::Unknown {
        *out += &format!(": {ty}");
    }
}

fn read_param(index: u32, r: &mut Reader<'_>, draft: &mut Draft) -> Result<NodeId, TextError> {
    if r.eat_word("node") {
        return NodeId::read(r);
    }
    let position = r.position();
    let id = NodeId::read(r)?;
    let (ty, span) = (read_type(r)?, Span::read(r)?);
    draft.add(id, position, Node { op: Op::Param(index), args: Args::new(), ty, span })?;
    Ok(id)
}

fn read_node(r: &mut Reader<'_>) -> Result<Node, TextError> {
    let (op, args) = read_op(r)?;
    let (ty, span) = (read_type(r)?, Span::read(r)?);
    end_line(r)?;
    Ok(Node { op, args, ty, span })
}

fn write_span(span: Span, spans: Spans, out: &mut String) {
    if spans == Spans::Write && span != Span::default() {
        span.write(out);
    }
}

fn write_result_type(ret: Option<&Node>, out: &mut String) {
    if let Some(node) = ret
        && node.ty != Type::Unknown
    {
        *out += &format!(" -> {}", node.ty);
    }
}

fn read_result_type(r: &mut Reader<'_>) -> Result<Option<(Type, Position)>, TextError> {
    if !r.eat(&Token::Arrow) {
        return Ok(None);
    }
    let position = r.position();
    Ok(Some((Type::read(r)?, position)))
}

fn check_result_type(stated: &Type, ret: Option<&Node>, position: Position) -> Result<(), TextError> {
    match ret {
        Some(node) if node.ty == *stated => Ok(()),
        Some(node) => Err(error_at(position, format!("what is returned has type {}", node.ty))),
        None => Err(error_at(position, "what is returned is not defined")),
    }
}

fn write_signature(signature: &Signature, out: &mut String) {
    let Signature { names, defaults, keyword_only, parent } = signature;
    if !names.is_empty() {
        out.push_str(" named ");
        write_list(out, '(', names, ')', Arc::write);
    }
    if *defaults > 0 {
        *out += &format!(" defaults {defaults}");
    }
    if *keyword_only > 0 {
        *out += &format!(" keyword_only {keyword_only}");
    }
    if let Some(parent) = parent {
        *out += &format!(" in {parent}");
    }
}

fn read_signature(r: &mut Reader<'_>) -> Result<Signature, TextError> {
    let names = if r.eat_word("named") { r.list('(', ')', Syntax::read)? } else { Vec::new() };
    let defaults = if r.eat_word("defaults") { usize::read(r)? } else { 0 };
    let keyword_only = if r.eat_word("keyword_only") { usize::read(r)? } else { 0 };
    let parent = if r.eat_word("in") { Some(GraphId::read(r)?) } else { None };
    Ok(Signature { names, defaults, keyword_only, parent })
}
