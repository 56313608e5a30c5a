//! `adjudicate explain`: the program after each stage and pass of a strategy, as text.

use std::fmt::Write;

use adjudicate_ir::text;
use clap::Args;

use super::output::Output;
use super::subject::{Subject, parse, prepare_failure, read_text};
use crate::exit::{Exit, Failure};

/// Show the program after each stage and pass, with node counts
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  adjudicate explain model.py cube --args '[2.0]' --derivative gradient
  adjudicate explain model.py loss --args @arguments.json --derivative gradient --stage simplify

Arguments give types and shapes; they are written as for `eval`. A stage that changes nothing is
counted but not printed again.")]
pub struct Explain {
    #[command(flatten)]
    subject: Subject,
    /// Print only stages of this name; the table of counts has all
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
}

impl Explain {
    /// Carries the command out.
    pub fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let subject = &self.subject;
        let strategy = subject.strategy()?;
        let program = parse(&subject.file, &read_text(&subject.file)?, &subject.function)?;
        let request = subject.request(&subject.arguments()?)?;
        let mut counts = String::from("nodes  stage\n");
        let mut names = Vec::new();
        let mut bodies = String::new();
        let mut last = String::new();
        let explained = strategy.stages(&program, &request, &mut |name, module| {
            let printed = text::print(module);
            let _ = writeln!(counts, "{:>5}  {name}", module.node_count());
            if printed != last && self.stage.as_deref().is_none_or(|wanted| wanted == name) {
                let _ = write!(bodies, "\n# {name}: {} nodes\n{printed}", module.node_count());
            }
            names.push(name.to_owned());
            last = printed;
        });
        explained.map_err(|e| prepare_failure(e, strategy, &program))?;
        if let Some(wanted) = &self.stage
            && !names.contains(wanted)
        {
            names.dedup();
            return Err(Failure::usage(format!("there is no stage `{wanted}`; there are {}", names.join(", "))));
        }
        output.result(format!("{counts}{bodies}").trim_end())?;
        Ok(Exit::Ok)
    }
}
