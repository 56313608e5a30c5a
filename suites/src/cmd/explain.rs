//! `adjudicate explain`: the program after each stage and pass of a strategy, as text or as a picture.

use std::fmt::Write;
use std::time::Instant;

use adjudicate_ir::exec::MemoryPlan;
use adjudicate_ir::graph::Module;
use adjudicate_ir::{draw, text};
use clap::{Args, ValueEnum};

use super::output::Output;
use super::subject::{Subject, parse, prepare_failure, read_text};
use crate::exit::{Exit, Failure};
use crate::measure::plan::unknown;

/// Show the node counts of each stage and pass, and the program after the last, or after any
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate explain model.py cube --args '[2.0]' --derivative gradient
  adjudicate explain model.py loss --args @arguments.json --derivative gradient --stage laws
  adjudicate explain model.py loss --args @arguments.json --derivative gradient --all
  adjudicate explain model.py cube --args '[2.0]' --derivative gradient --format svg > cube.svg
  adjudicate explain model.py cube --args '[2.0]' --derivative gradient --format dot | dot -Tpdf > cube.pdf

Arguments give types and shapes; they are written as for `eval`. A stage that changes nothing is
counted but not shown again. Times are of one preparation, in milliseconds. Planned memory is what
arrays need at once, beside arguments and constants, where the strategy knows before it runs.")]
pub struct Explain {
    #[command(flatten)]
    subject: Subject,
    /// Show only stages of this name; the table of counts has all
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// Show the program after every stage that changes it, not only the last; pictures do anyway
    #[arg(long)]
    all: bool,
    /// How to show them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How a program is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The counts and times of all stages, then the text form
    Text,
    /// One digraph a stage, for Graphviz
    Dot,
    /// One picture
    Svg,
}

/// A stage that a program went through.
struct Stage {
    name: String,
    nodes: usize,
    milliseconds: f64,
    /// Of those that are shown: the program.
    shown: Option<Module>,
}

impl Explain {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let (mut stages, plan) = self.stages()?;
        if self.format == Format::Text && self.stage.is_none() && !self.all {
            let last = stages.iter().rposition(|stage| stage.shown.is_some());
            for (_, stage) in stages.iter_mut().enumerate().filter(|(place, _)| Some(*place) != last) {
                stage.shown = None;
            }
        }
        let shown = stages.iter().filter_map(|s| Some((s.name.clone(), s.shown.clone()?)));
        let result = match self.format {
            Format::Text => as_text(&stages, plan.as_ref()),
            Format::Dot => shown.map(|(name, module)| draw::dot(&name, &module)).collect(),
            Format::Svg => draw::svg(&shown.collect::<Vec<_>>()).map_err(|e| Failure::usage(e.to_string()))?,
        };
        output.result(result.trim_end())?;
        Ok(Exit::Ok)
    }

    /// The stages in order, of those to be shown each with its program; and the memory planned for a run.
    fn stages(&self) -> Result<(Vec<Stage>, Option<MemoryPlan>), Failure> {
        let subject = &self.subject;
        let strategy = subject.strategy()?;
        let program = parse(&subject.file, &read_text(&subject.file)?, &subject.function)?;
        let request = subject.request(&program, &subject.arguments()?)?;
        let mut stages: Vec<Stage> = Vec::new();
        let mut last = None;
        let mut since = Instant::now();
        let explained = strategy.prepare_watched(&program, &request, &mut |name, module| {
            let milliseconds = since.elapsed().as_secs_f64() * 1e3;
            let wanted = self.stage.as_deref().is_none_or(|wanted| wanted == name);
            let same = last.as_ref().is_some_and(|last: &Module| last.graphs == module.graphs);
            let shown = (wanted && !same).then(|| module.clone());
            stages.push(Stage { name: name.to_owned(), nodes: module.node_count(), milliseconds, shown });
            last = Some(module.clone());
            since = Instant::now();
        });
        let prepared = explained.map_err(|e| prepare_failure(e, strategy, &program))?;
        if let Some(wanted) = &self.stage
            && !stages.iter().any(|s| s.name == *wanted)
        {
            let names: Vec<&str> = stages.iter().map(|s| &*s.name).collect();
            return Err(unknown("stage", wanted, &names));
        }
        Ok((stages, prepared.memory_plan().cloned()))
    }
}

fn as_text(stages: &[Stage], plan: Option<&MemoryPlan>) -> String {
    let mut out = String::from("nodes      ms  stage\n");
    for stage in stages {
        let _ = writeln!(out, "{:>5} {:>7.3}  {}", stage.nodes, stage.milliseconds, stage.name);
    }
    if let Some(plan) = plan {
        let _ = writeln!(out, "\nplanned memory: {plan}");
    }
    for stage in stages {
        if let Some(module) = &stage.shown {
            let _ = write!(out, "\n# {}: {} nodes\n{}", stage.name, stage.nodes, text::print(module));
        }
    }
    out
}
