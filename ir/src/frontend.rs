//! The front end: Python text to source graphs.
//!
//! Text is parsed by `ruff_python_parser`; what is ours is the lowering of its syntax tree to the
//! graphs of [`graph`](crate::graph), with every node carrying its span. Nothing is typed here.
//!
//! # Phases
//!
//! 1. `nesting` bounds how deep the text nests, so that recursion over it is safe.
//! 2. `scope` finds what each function binds and captures; `liveness` what is read later;
//!    `ownership` which arrays no other name can have.
//! 3. The top level is lowered, then function bodies from a queue, each once for every set of
//!    values that it sees of the functions around it (`context`). `statements`, `control` and
//!    `loops` turn statements into structured graphs, `expressions` and `functions` the rest.
//!
//! # What comes out
//!
//! The graph of the top level returns a record `module` of everything it binds. Operators and
//! functions of the language are `builtin` nodes (`names`) applied with `apply`; the heads of
//! `expressions`, `functions`, `control` and `loops` have the shape of every construct. Variables
//! are gone: what a name means is the node that it held where it was mentioned. A function bound
//! by `def` or `name = lambda …` is closed anew at each mention, which gives the meaning of
//! Python's late binding; a function value that would outlive a change of what it captures is
//! rejected. So is everything in `reject`, with what to write instead.
//!
//! A file may hold what the language leaves out, as long as the function that is asked for does
//! not need it: errors are kept by the statement of the top level that they stand in, and count
//! where that is reached (`faults`). Only what leaves no graphs behind blocks the whole file: a
//! syntax error, and text that nests too deep or is too large.

mod context;
mod control;
mod escape;
mod exits;
mod expressions;
mod faults;
mod functions;
mod imports;
mod liveness;
mod loops;
pub mod names;
mod nesting;
mod ownership;
mod parameters;
mod reject;
mod render;
mod scope;
mod statements;

use std::rc::Rc;
use std::sync::Arc;

use ruff_python_ast::Stmt;
use ruff_text_size::{Ranged, TextRange};

use crate::graph::{GraphId, Module, Stage};
use crate::span::{Diagnostic, SourceMap, Span};

use self::context::Lowerer;
use self::control::{Part, Seq, Tail};
use self::liveness::Liveness;
use self::scope::{Code, MODULE, ScopeId, Scopes};

pub use self::faults::Faults;
pub use self::render::render;

/// The stack that parsing and lowering run on: enough for the nesting that `nesting` lets through.
const STACK: usize = 512 << 20;

/// A file as graphs.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The graph of its top level.
    pub top: GraphId,
    /// What is wrong in it, all that can be found at once.
    pub faults: Faults,
}

/// Lowers a file into a module of the source stage.
///
/// Errors are those that block the whole file, in the order of the text; the module is then left
/// as it was.
pub fn lower(module: &mut Module, sources: &mut SourceMap, name: &str, text: &str) -> Result<Lowered, Vec<Diagnostic>> {
    debug_assert_eq!(module.stage, Stage::Source);
    let file = sources.add(name, text);
    let graphs = module.graphs.len();
    let result = stacker::grow(STACK, || lower_text(module, file, text));
    let result = result.map(|(lowered, functions)| {
        sources.define(file, functions);
        lowered
    });
    result.map_err(|mut errors| {
        module.graphs.truncate(graphs);
        errors.sort_by_key(|error| (error.span.start, error.span.end));
        errors
    })
}

/// A file as graphs, and the functions in it.
type Parts = (Lowered, Vec<(Span, Arc<str>)>);

fn lower_text(module: &mut Module, file: u16, text: &str) -> Result<Parts, Vec<Diagnostic>> {
    let span = |range: TextRange| Span { file, start: range.start().into(), end: range.end().into() };
    if u32::try_from(text.len()).is_err() {
        return Err(vec![Diagnostic::new(Span { file, start: 0, end: 0 }, "the file is larger than 4 GiB")]);
    }
    if let Some((range, what)) = nesting::too_deep(text) {
        let help = "split it into several statements or functions";
        return Err(vec![Diagnostic::new(span(range), what).help(help)]);
    }
    let options = ruff_python_parser::ParseOptions::from(ruff_python_parser::Mode::Module);
    let parsed = ruff_python_parser::parse_unchecked(text, options);
    let mut errors: Vec<_> = parsed
        .errors()
        .iter()
        .map(|e| Diagnostic::new(span(e.location), format!("syntax error: {}", lower_first(&e.error.to_string()))))
        .collect();
    let Some(parsed) = parsed.try_into_module().filter(|_| errors.is_empty()) else {
        errors.dedup();
        return Err(errors);
    };
    let repeated = parameters::repeated(parsed.suite());
    if !repeated.is_empty() {
        let error = |(range, what)| Diagnostic::new(span(range), format!("syntax error: {what}"));
        return Err(repeated.into_iter().map(error).collect());
    }
    lower_module(module, file, text, parsed.suite())
}

fn lower_module(module: &mut Module, file: u16, text: &str, body: &[Stmt]) -> Result<Parts, Vec<Diagnostic>> {
    let scopes = Scopes::of(body);
    let mut lowerer = Lowerer::new(module, &scopes, file, text);
    lowerer.frame.live = Rc::new(Liveness::of(&scopes, MODULE, body));
    let seq = Seq { part: Part::Block(body), next: None };
    let record = lowerer.seq(Some(&seq), &mut Tail::Module);
    lowerer.graph().ret = record;
    lowerer.bodies();
    let graphs = lowerer.module.graphs.len();
    while lowerer.queue_unmentioned() {
        lowerer.bodies();
    }
    lowerer.module.graphs.truncate(graphs);
    let statements = body.iter().map(|stmt| lowerer.span(stmt.range())).collect();
    let is_function = |&id: &ScopeId| matches!(scopes.get(id).code, Code::Def(_) | Code::Lambda(_));
    let functions = scopes.ids().filter(is_function).map(|id| lowerer.describe(id));
    let functions = functions.map(|(name, range)| (lowerer.span(range), Arc::from(&*name))).collect();
    let (top, whole) = (lowerer.top, lowerer.too_large());
    let errors = lowerer.errors;
    if whole { Err(errors) } else { Ok((Lowered { top, faults: Faults::new(statements, errors) }, functions)) }
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}
