//! The adjudicate command line.

use std::process::ExitCode;

use adjudicate_suites::cmd::calibrate::Calibrate;
use adjudicate_suites::cmd::check::Check;
use adjudicate_suites::cmd::claims::Claims;
use adjudicate_suites::cmd::compare::Compare;
use adjudicate_suites::cmd::eval::Eval;
use adjudicate_suites::cmd::explain::Explain;
use adjudicate_suites::cmd::history::History;
use adjudicate_suites::cmd::import::Import;
use adjudicate_suites::cmd::list::List;
use adjudicate_suites::cmd::matrix::Matrix;
use adjudicate_suites::cmd::merge::Merge;
use adjudicate_suites::cmd::output::{Output, Verbosity};
use adjudicate_suites::cmd::report::Report;
use adjudicate_suites::cmd::run::Run;
use adjudicate_suites::cmd::schema::Schema;
use adjudicate_suites::cmd::worker::Worker;
use adjudicate_suites::exit::{Exit, Failure};
use adjudicate_suites::guard::{STACK, guarded};
use clap::{Parser, Subcommand};

/// What does the choice of automatic-differentiation strategy cost, and what does it buy?
///
/// One model file, one IR, one set of array kernels; only the strategy differs.
#[derive(Parser)]
#[command(
    name = "adjudicate",
    version,
    arg_required_else_help = true,
    after_help = after_help()
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
}

fn after_help() -> String {
    let codes = Exit::ALL.iter().map(|(exit, about)| format!("\n  {:<3} {about}", exit.code()));
    format!("Example:\n  adjudicate run --profile quick\n\nExit codes:{}", codes.collect::<String>())
}

#[derive(Subcommand)]
enum Command {
    List(List),
    Run(Run),
    Check(Check),
    Claims(Claims),
    Matrix(Matrix),
    Eval(Eval),
    Explain(Explain),
    Report(Report),
    Calibrate(Calibrate),
    Compare(Compare),
    History(History),
    Merge(Merge),
    Import(Import),
    Schema(Schema),
    Worker(Worker),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || perform(arguments));
    let exit = worker.map_or(Exit::Internal, |thread| thread.join().unwrap_or(Exit::Internal));
    ExitCode::from(exit.code())
}

fn perform(arguments: Arguments) -> Exit {
    let verbosity = match (arguments.quiet, arguments.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    let mut output = Output::standard(verbosity);
    let outcome = guarded(|| dispatch(arguments.command, &mut output));
    outcome.unwrap_or_else(|panic| Err(defect(&panic))).unwrap_or_else(|failure| {
        output.error(&message(&failure));
        failure.exit
    })
}

fn defect(panic: &str) -> Failure {
    Failure::internal(format!("this is a defect of adjudicate, please report it with the command line: {panic}"))
}

/// Refusals and diagnostics speak for themselves; the rest says what it is.
fn message(failure: &Failure) -> String {
    match failure.exit {
        _ if ["error", "refused"].iter().any(|word| failure.message.starts_with(word)) => failure.message.clone(),
        _ => format!("error: {failure}"),
    }
}

fn dispatch(command: Command, output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::List(list) => list.run(output),
        Command::Run(run) => run.run(output),
        Command::Check(check) => check.run(output),
        Command::Claims(claims) => claims.run(output),
        Command::Matrix(matrix) => matrix.run(output),
        Command::Eval(eval) => eval.run(output),
        Command::Explain(explain) => explain.run(output),
        Command::Report(report) => report.run(output),
        Command::Calibrate(calibrate) => calibrate.run(output),
        Command::Compare(compare) => compare.run(output),
        Command::History(history) => history.run(output),
        Command::Import(import) => import.run(output),
        Command::Merge(merge) => merge.run(output),
        Command::Schema(schema) => schema.run(output),
        Command::Worker(worker) => worker.run(),
    }
}
