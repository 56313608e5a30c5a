//! stub
use crate::graph::{GraphId, Module};
use crate::span::{Diagnostic, SourceMap};
/// stub
pub fn render(d: &Diagnostic, _: &SourceMap) -> String { d.message.clone() }
/// stub
pub fn lower(_: &mut Module, _: &mut SourceMap, _: &str, _: &str) -> Result<GraphId, Vec<Diagnostic>> { Err(vec![]) }
