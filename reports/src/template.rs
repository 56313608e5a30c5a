//! Filling in templates. Each is checked for undefined names, so that a misspelt one fails in a test rather than
//! leaving a hole in a page.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use crate::report::ReportError;

/// Fills in a template; what is put into one whose name ends in `.html` is escaped.
pub(crate) fn fill(name: &str, source: &str, context: impl Serialize) -> Result<String, ReportError> {
    let failed =
        |error: minijinja::Error| ReportError::Template { template: name.to_owned(), what: format!("{error:#}") };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(failed)?);
    environment.set_auto_escape_callback(
        |name| {
            if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
        },
    );
    environment.add_filter("md", markdown);
    environment.add_filter("tex", latex);
    environment.add_filter("parts", parts);
    let template = environment.template_from_named_str(name, source).map_err(failed)?;
    template.render(Value::from(Serde(context))).map_err(failed)
}

/// A command in parts between which a line may be broken: words, and flags with their values.
fn parts(command: String) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for word in command.split(' ') {
        match parts.last_mut() {
            Some(flag) if flag.starts_with("--") && !flag.contains(' ') && !word.starts_with(['-', '\'']) => {
                *flag = format!("{flag} {word}");
            }
            _ => parts.push(word.to_owned()),
        }
    }
    parts
}

/// Text inside a cell of a Markdown table.
fn markdown(text: String) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    ['\\', '|', '*', '_', '<', '['].iter().fold(one_line, |text, c| text.replace(*c, &format!("\\{c}")))
}

/// Text inside LaTeX.
fn latex(text: String) -> String {
    let letter = |c: char| match c {
        '\\' => "\\textbackslash{}".to_owned(),
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
        '~' => "\\textasciitilde{}".to_owned(),
        '^' => "\\textasciicircum{}".to_owned(),
        'µ' => "$\\mu$".to_owned(),
        '×' => "$\\times$".to_owned(),
        '÷' => "$\\div$".to_owned(),
        '≈' => "$\\approx$".to_owned(),
        '–' => "--".to_owned(),
        '…' => "\\ldots{}".to_owned(),
        '·' => "$\\cdot$".to_owned(),
        '`' => "\\textasciigrave{}".to_owned(),
        '\u{a0}' => "~".to_owned(),
        '\u{202f}' => "\\,".to_owned(),
        c if c.is_whitespace() => " ".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_not_parted_from_its_value() {
        let command = "adjudicate eval a.py f --args '[1.0, 2.0]' --derivative gradient --json";
        let expected =
            ["adjudicate", "eval", "a.py", "f", "--args", "'[1.0,", "2.0]'", "--derivative gradient", "--json"];
        assert_eq!(parts(command.to_owned()), expected);
        assert_eq!(expected.join(" "), command);
    }
}
