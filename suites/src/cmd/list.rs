//! `adjudicate list`: what there is.

use adjudicate_ir::passes::PASSES;
use adjudicate_ir::prims::PRIMS;
use adjudicate_reports::REPORTS;
use adjudicate_strategies::STRATEGIES;
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::output::Output;
use crate::exit::{Exit, Failure};
use crate::suites::SUITES;

/// Show suites, strategies, primitives, passes and reports
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
            Kind::Primitives => PRIMS.iter().map(|p| plain(p.name, p.about)).collect(),
            Kind::Passes => PASSES.iter().map(|p| plain(p.name, p.about)).collect(),
            Kind::Reports => REPORTS.iter().map(|r| plain(r.name, r.about)).collect(),
        }
    }
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
