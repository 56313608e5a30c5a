//! The front end: Python in, source graphs or diagnostics out.
//!
//! `graphs` has the nodes of every construct, `values` what programs compute, `errors` every
//! rejection of the text alone, `types` those that depend on types, `reach` which of them count for
//! a function of a file, `robust` programs that nobody
//! would write. Programs are indented for reading; the common indentation and the first line break
//! are not part of them.

mod errors;
mod graphs;
mod reach;
mod robust;
mod types;
mod values;

use adjudicate_ir::frontend::{lower, render};
use adjudicate_ir::graph::{GraphId, Module, Op, Stage};
use adjudicate_ir::span::{Diagnostic, SourceMap};
use adjudicate_ir::{text, verify};
use expect_test::Expect;

/// The graphs of a program, or everything that is wrong in it.
fn front_end(python: &str) -> Result<Module, String> {
    let mut module = Module { stage: Stage::Source, graphs: Vec::new(), entry: GraphId(0) };
    let mut sources = SourceMap::default();
    match lower(&mut module, &mut sources, "model.py", python) {
        Ok(lowered) if lowered.faults.all().is_empty() => {
            module.entry = lowered.top;
            Ok(module)
        }
        Ok(lowered) => {
            module.entry = lowered.top;
            verified(&module);
            Err(rendered(lowered.faults.all(), &sources))
        }
        Err(errors) => {
            assert!(module.graphs.is_empty(), "a file that is no program leaves graphs behind");
            Err(rendered(&errors, &sources))
        }
    }
}

fn rendered(errors: &[Diagnostic], sources: &SourceMap) -> String {
    let rendered: Vec<_> = errors.iter().map(|e| render(e, sources) + "\n").collect();
    rendered.join("\n")
}

fn check(python: &str, expected: Expect) {
    let module = front_end(&dedent(python)).unwrap_or_else(|errors| panic!("{errors}"));
    verified(&module);
    expected.assert_eq(&text::print(&module));
}

fn check_error(python: &str, expected: Expect) {
    expected.assert_eq(&front_end(&dedent(python)).expect_err("the program is accepted"));
}

/// Checks that a module is well formed. `get` stands in source graphs but is not known to there.
fn verified(module: &Module) {
    let mut module = module.clone();
    let nodes = module.graphs.iter_mut().flat_map(|graph| &mut graph.nodes);
    nodes.filter(|node| matches!(node.op, Op::Get(_))).for_each(|node| node.op = Op::Tuple);
    verify::verify(&module).unwrap_or_else(|e| panic!("{e}\n{}", text::print(&module)));
}

/// The text without its first line break and the indentation that all its lines share.
fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let shared = lines().map(indent).min().unwrap_or(0);
    let lines = text.lines().map(|line| line.get(shared..).unwrap_or("").to_owned() + "\n");
    lines.collect::<String>().trim_end().to_owned() + "\n"
}
