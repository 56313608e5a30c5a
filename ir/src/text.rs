//! The text form of modules. Printing a module and reading it back gives an equal module.
//!
//! ```text
//! module closed entry @0
//!
//! graph @0 f(%0: f64[3], %1: i64) -> f64 {
//!   %2 = const 2.0 : f64
//!   %3 = mul %0 %2 : f64[3]
//!   %4 = sum[0] %3 : f64
//!   %5 = call @1 (%4, %1) : (f64, f64)
//!   %6 = get 0 %5 : f64
//!   return %6
//! }
//! ```
//!
//! What must hold: every module has a text, well formed or not, and a text has one meaning. To
//! this end each piece of syntax is one implementation of `Syntax`, with its printer and
//! its reader side by side, and each operation one row of the table in `text/ops.rs`.
//!
//! - A statement ends with its line. Ids of graphs and nodes are their indices in the tables,
//!   written out; graphs stand in order, nodes in any order, and none may be missing.
//! - The parameter list defines the `param` nodes it names, wherever in the table they stand. The
//!   word `node` before an id says that the node is defined in the body like any other; so are
//!   parameter nodes that no parameter list names.
//! - The type of a node is left out if it is `?`, the result type likewise. A result type that is
//!   written must be the type of the returned node.
//! - After the result type may stand what only source graphs have: `named (x, y)`, the names of
//!   the parameters; `defaults 1`; `in @0`, the graph this one is nested in.
//! - Floats have a point or an exponent, or are `inf` or `nan`, with `nan.` and 16 hexadecimal
//!   digits for the unusual ones. Arrays are their type and their elements: `f64[2, 1] (0.5, 1.5)`.
//! - A name stands in double quotes, with the escapes `\" \\ \n \r \t \u{…}`, unless it is an
//!   ASCII letter or `_` followed by letters, digits, `_` and `.`.
//! - `; 0:17-21` after a node, a parameter or the opening brace of a graph is its span: file index
//!   and bytes.
//!
//! The reader refuses what no program has: types nested more than 200 deep, and tensors with more
//! elements than memory has addresses.

mod lex;
mod module;
mod ops;
mod syntax;

use crate::graph::{GraphId, Module, Node};

use lex::Reader;

/// Where a text is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct TextError {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong: one sentence without a full stop.
    pub message: String,
}

/// Whether a text has the spans of the nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spans {
    /// Left out; the reader gives every node the default span.
    #[default]
    Omit,
    /// Written where they are not the default.
    Write,
}

/// The text of a module without spans.
pub fn print(module: &Module) -> String {
    print_with(module, Spans::Omit)
}

/// The text of a module.
pub fn print_with(module: &Module, spans: Spans) -> String {
    let mut out = String::new();
    module::write_module(module, spans, &mut out);
    out
}

/// The text of one graph without spans; panics if the module has no such graph.
pub fn print_graph(module: &Module, id: GraphId) -> String {
    let mut out = String::new();
    module::write_graph(id, module.graph(id), Spans::Omit, &mut out);
    out
}

/// The text of one operation and its operands, as it stands after the `=` of a node.
pub fn print_operation(node: &Node) -> String {
    let mut out = String::new();
    ops::write_op(&node.op, &node.args, &mut out);
    out
}

/// Reads a module that uses no builtins.
pub fn parse(text: &str) -> Result<Module, TextError> {
    parse_with(text, &|_| None)
}

/// Reads a module; `builtins` gives the builtin of a name.
pub fn parse_with(text: &str, builtins: &dyn Fn(&str) -> Option<&'static str>) -> Result<Module, TextError> {
    module::read_module(&mut Reader::new(text, builtins)?)
}
