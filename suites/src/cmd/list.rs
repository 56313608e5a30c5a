//! `adjudicate list`: what there is.

use adjudicate_ir::frontend::names;
use adjudicate_ir::passes;
use adjudicate_ir::prims::PRIMS;
use adjudicate_reports::REPORTS;
use adjudicate_strategies::STRATEGIES;
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::output::Output;
use crate::exit::{Exit, Failure};
use crate::suites::SUITES;

/// Show suites, strategies, functions of the language, primitives, passes and reports
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  adjudicate list\n  adjudicate list suites --json")]
pub struct List {
    /// What to show; everything if not given
    #[arg(value_enum)]
    kind: Vec<Kind>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Suites,
    Strategies,
    Functions,
    Primitives,
    Passes,
    Reports,
}

/// One thing of a list.
struct Item {
    name: String,
    about: String,
    more: Vec<(&'static str, Vec<String>)>,
}

impl List {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let kinds: Vec<Kind> = if self.kind.is_empty() { Kind::value_variants().to_vec() } else { self.kind.clone() };
        let text = if self.json { as_json(&kinds) } else { as_text(&kinds) };
        output.result(&text)?;
        Ok(Exit::Ok)
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Suites => "suites",
            Kind::Strategies => "strategies",
            Kind::Functions => "functions",
            Kind::Primitives => "primitives",
            Kind::Passes => "passes",
            Kind::Reports => "reports",
        }
    }

    fn items(self) -> Vec<Item> {
        let plain = |name: &str, about: &str| Item { name: name.to_owned(), about: about.to_owned(), more: vec![] };
        match self {
            Kind::Suites => SUITES.iter().map(|s| suite(s)).collect(),
            Kind::Strategies => STRATEGIES.iter().map(|s| plain(s.name(), s.about())).collect(),
            Kind::Functions => FUNCTIONS.iter().map(|(module, about)| functions(module, about)).collect(),
            Kind::Primitives => PRIMS.iter().map(|p| plain(p.name, p.about)).collect(),
            Kind::Passes => passes::all().map(|p| plain(p.name, p.about)).collect(),
            Kind::Reports => REPORTS.iter().map(|r| plain(r.name, r.about)).collect(),
        }
    }
}

/// The modules whose functions a model may use, the longer of two prefixes first.
const FUNCTIONS: &[(&str, &str)] = &[
    ("np.linalg", "numpy.linalg"),
    ("np", "numpy"),
    ("math", "math"),
    ("functools", "functools"),
    ("", "Python's own, and the derivatives of `from adjudicate import …`"),
];

/// The functions of one of these modules.
fn functions(module: &str, about: &str) -> Item {
    let of = |name: &&&'static str| FUNCTIONS.iter().find(|(m, _)| m.is_empty() || name.starts_with(&format!("{m}.")));
    let own = names::names().iter().filter(|name| !name.starts_with('_'));
    let own = own.filter(|name| of(name).is_some_and(|(m, _)| *m == module));
    let names = own.map(|name| name.trim_start_matches(module).trim_start_matches('.').to_owned());
    Item { name: module.to_owned(), about: about.to_owned(), more: vec![("functions", names.collect())] }
}

fn suite(suite: &crate::suites::Suite) -> Item {
    let sizes = suite.sizes.iter().map(|s| s.name.to_owned()).collect();
    let functions = suite.asks.iter().map(|a| a.name().to_owned()).collect();
    Item {
        name: suite.name.to_owned(),
        about: suite.about.to_owned(),
        more: vec![("sizes", sizes), ("functions", functions)],
    }
}

fn as_text(kinds: &[Kind]) -> String {
    let mut lines = Vec::new();
    for kind in kinds {
        lines.push(kind.name().to_owned());
        let items = kind.items();
        let width = items.iter().map(|i| i.name.chars().count()).max().unwrap_or(0);
        for item in items {
            lines.push(format!("  {:width$}  {}", item.name, item.about));
            for (what, values) in item.more {
                lines.push(format!("  {:width$}  {what}: {}", "", values.join(", ")));
            }
        }
        lines.push(String::new());
    }
    lines.pop();
    lines.join("\n")
}

fn as_json(kinds: &[Kind]) -> String {
    let object = kinds.iter().map(|kind| {
        let items = kind.items().into_iter().map(|item| {
            let mut object = json!({ "name": item.name, "about": item.about });
            for (what, values) in item.more {
                object[what] = json!(values);
            }
            object
        });
        (kind.name().to_owned(), items.collect::<Json>())
    });
    Json::Object(object.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_listed_once() {
        let listed: usize = Kind::Functions.items().iter().flat_map(|i| &i.more).map(|(_, names)| names.len()).sum();
        assert_eq!(listed, names::names().iter().filter(|name| !name.starts_with('_')).count());
        assert!(as_text(&[Kind::Functions]).contains("np.linalg  numpy.linalg"));
    }
}
