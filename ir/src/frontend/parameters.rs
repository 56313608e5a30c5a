//! Parameters that occur twice: no Python, though the grammar lets them pass, so it is said of the whole file, whether
//! anything reaches the function or not.

use ruff_python_ast::visitor::{Visitor, walk_parameters};
use ruff_python_ast::{Parameters, Stmt};
use ruff_text_size::{Ranged, TextRange};

/// Where a parameter occurs again, and what is wrong with that.
pub(super) fn repeated(body: &[Stmt]) -> Vec<(TextRange, String)> {
    let mut found = Repeated(Vec::new());
    found.visit_body(body);
    found.0
}

struct Repeated(Vec<(TextRange, String)>);

impl<'a> Visitor<'a> for Repeated {
    fn visit_parameters(&mut self, parameters: &'a Parameters) {
        let mut seen: Vec<&str> = Vec::new();
        for parameter in parameters {
            let name = parameter.name().as_str();
            if seen.contains(&name) {
                self.0.push((parameter.range(), format!("the parameter `{name}` occurs twice")));
            }
            seen.push(name);
        }
        walk_parameters(self, parameters);
    }
}
