//! The capability matrix: which language construct each strategy differentiates, found by running.
//!
//! A [`Construct`] is a Python file of its own. `at()` gives arguments, `f` is differentiated by the
//! first of them, and `first`, `second` (and `third`, where the file has it) are the derivatives as a
//! person would write them. `restructured` is the same function written for strategies that refuse
//! `f`, as in the model of a suite; it takes the same arguments and has the same derivatives.
//!
//! | outcome | |
//! | --- | --- |
//! | runs | `f` runs and its derivative is the known one |
//! | restructured | `f` is refused, `restructured` runs and its derivative is the known one |
//! | refused | `f` is refused, and so is `restructured` if there is one; the reason is that for `f` |
//! | wrong | anything else: another result, a failure, a panic |

use adjudicate_ir::datum::Datum;
use adjudicate_ir::interp;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_reports::rows::{Matrix, MatrixCell, Outcome};
use adjudicate_strategies::{PrepareError, STRATEGIES, Strategy};

use crate::guard::guarded;
use crate::measure::check::FINITE_TOLERANCE;
use crate::measure::check::compare::compare;
use crate::measure::contestant::{RESTRUCTURED, one_line};

/// A language construct: a program that has it, and its known derivatives.
#[derive(Debug)]
pub struct Construct {
    /// The name of its file.
    pub file: &'static str,
    /// The text of its file.
    pub source: &'static str,
}

macro_rules! constructs {
    ($($file:literal)*) => {
        &[$(Construct { file: concat!($file, ".py"), source: include_str!(concat!("matrix/", $file, ".py")) }),*]
    };
}

/// Every construct, in the order of tables: from what all express to what only some do.
pub const CONSTRUCTS: &[Construct] = constructs! {
    "straight_line"
    "broadcasting"
    "zero_size_arrays"
    "gather_with_duplicates"
    "unused_argument"
    "if_on_data"
    "branch_not_taken_nan"
    "value_before_a_branch"
    "value_that_a_condition_reads"
    "static_loop"
    "loop_over_an_array"
    "while_on_data"
    "nested_loops"
    "break_and_continue"
    "early_return"
    "nested_function"
    "closure_returned"
    "closure_two_levels_deep"
    "higher_order_function"
    "functions_in_a_tuple"
    "function_chosen_by_if"
    "function_built_in_a_loop"
    "continuation_passing"
    "tail_recursion"
    "recursion_on_data"
    "recursion_of_known_depth"
    "mutual_recursion"
    "tree_recursion"
    "recursion_with_two_calls"
    "gradient_inside_the_program"
    "hvp_of_a_closure"
    "third_order"
};

/// The functions that give the known derivatives, by order from 1.
const ANSWERS: [&str; 3] = ["first", "second", "third"];

/// How far a result may be from the known one, relative to its largest element; an oracle's as far as in checks.
const TOLERANCE: f64 = 1e-12;

/// The strategies that a matrix has unless others are asked for: no oracles, and variants only where they express something else
/// than their family.
pub fn contestants() -> Vec<&'static dyn Strategy> {
    STRATEGIES.iter().copied().filter(|s| !s.is_oracle() && !s.is_as_capable()).collect()
}

/// The matrix of these strategies: every construct at every order that it has an answer for.
pub fn matrix(strategies: &[&dyn Strategy]) -> Matrix {
    Matrix { cells: CONSTRUCTS.iter().flat_map(|construct| construct.cells(strategies)).collect() }
}

impl Construct {
    /// The name in tables: that of the file.
    pub fn name(&self) -> String {
        self.file.trim_end_matches(".py").replace('_', " ")
    }

    /// What it is: the text that the file opens with.
    pub fn about(&self) -> String {
        let text = self.source.split("\"\"\"").nth(1).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Its cells, by order and then by strategy.
    pub fn cells(&self, strategies: &[&dyn Strategy]) -> Vec<MatrixCell> {
        let subject = Subject::new(self);
        let tried = |order: usize| strategies.iter().map(move |strategy| (order, *strategy));
        let cell = |(order, strategy): (usize, &dyn Strategy)| {
            let (outcome, reason) = subject.outcome(strategy, order);
            let order = u32::try_from(order).expect("a small order");
            MatrixCell { construct: self.name(), order, strategy: strategy.name().to_owned(), outcome, reason }
        };
        (1..=subject.answers.len()).flat_map(tried).map(cell).collect()
    }
}

/// A construct that has been read.
struct Subject {
    program: Program,
    arguments: Vec<Datum>,
    restructures: bool,
    /// The leaves of the known derivatives, by order from 1.
    answers: Vec<Vec<Value>>,
}

/// Why a function gave no known derivative.
enum Failure {
    Refused(String),
    Wrong(String),
}

impl Subject {
    /// Reads a file of the project's own, which must be in order.
    fn new(construct: &Construct) -> Self {
        let program = Program::parse(construct.file, construct.source).unwrap_or_else(|e| panic!("{e}"));
        let functions = program.functions();
        let has = |name: &str| functions.contains(&name);
        let (_, at) = interpret(&program, "at", &[]);
        let Datum::Tuple(arguments) = at else { panic!("{}: `at` returns a tuple", construct.file) };
        let answer = |name: &&str| interpret(&program, name, &arguments).0;
        let answers = ANSWERS.iter().filter(|name| has(name)).map(answer).collect();
        let restructures = has(RESTRUCTURED);
        Self { arguments, restructures, answers, program }
    }

    fn outcome(&self, strategy: &dyn Strategy, order: usize) -> (Outcome, Option<String>) {
        let refused = match self.attempt(strategy, "f", order) {
            Ok(()) => return (Outcome::Runs, None),
            Err(Failure::Wrong(reason)) => return (Outcome::Wrong, Some(reason)),
            Err(Failure::Refused(reason)) => reason,
        };
        if !self.restructures {
            return (Outcome::Refused, Some(refused));
        }
        match self.attempt(strategy, RESTRUCTURED, order) {
            Ok(()) => (Outcome::Restructured, Some(refused)),
            Err(Failure::Refused(_)) => (Outcome::Refused, Some(refused)),
            Err(Failure::Wrong(reason)) => (Outcome::Wrong, Some(reason)),
        }
    }

    /// Whether a derivative of a function is the known one.
    fn attempt(&self, strategy: &dyn Strategy, function: &str, order: usize) -> Result<(), Failure> {
        let result = guarded(|| self.run(strategy, function, order)).map_err(Failure::Wrong)??;
        let tolerance = if strategy.is_oracle() { FINITE_TOLERANCE } else { TOLERANCE };
        let difference = compare(&result, &self.answers[order - 1], tolerance);
        if difference.is_within() {
            return Ok(());
        }
        let found = difference.error.map_or("another shape, or not a number".to_owned(), |e| format!("off by {e:.1e}"));
        Err(Failure::Wrong(format!("the derivative is not the known one: {found}")))
    }

    fn run(&self, strategy: &dyn Strategy, function: &str, order: usize) -> Result<Vec<Value>, Failure> {
        let request = Request::new(function, Ask::Gradient, &[0], order, &self.arguments);
        let mut prepared = strategy.prepare(&self.program, &request).map_err(|error| match error {
            PrepareError::Program(error) => Failure::Wrong(one_line(&error)),
            PrepareError::Refused(refusal) => Failure::Refused(refusal.to_string()),
        })?;
        let leaves: Vec<Value> = self.arguments.iter().flat_map(Datum::leaves).collect();
        prepared.run(&leaves).map_err(|e| Failure::Wrong(e.to_string()))
    }
}

/// What a function returns, by the reference interpreter: its leaves, and the whole.
fn interpret(program: &Program, function: &str, arguments: &[Datum]) -> (Vec<Value>, Datum) {
    let request = Request::new(function, Ask::Value, &[], 1, arguments);
    let specialised = program.specialise(&request).unwrap_or_else(|e| panic!("{e}"));
    let leaves = arguments.iter().flat_map(Datum::leaves).collect();
    let result = interp::eval(&specialised.module, leaves).unwrap_or_else(|e| panic!("{function}: {e:?}"));
    let leaves = result.items().to_vec();
    let whole = specialised.output.build(&leaves);
    (leaves, whole)
}
