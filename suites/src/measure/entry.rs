//! A cell under way: its arguments, its runner, and what is known of it so far.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::Module;
use adjudicate_ir::value::Value;
use adjudicate_reports::rows::{Key, LOWER, PARSE, Valid};

use super::contestant::{Runner, Trouble, one_line, prepare_watched};
use super::count::Counted;
use super::kernels::Kernels;
use super::plan::{Cell, Group, Settings};
use super::stages::Lap;

/// A cell under way.
pub(super) struct Entry {
    pub(super) cell: Cell,
    pub(super) key: Key,
    pub(super) arguments: Vec<Datum>,
    /// Their leaves.
    pub(super) args: Vec<Value>,
    pub(super) runner: Result<Runner, Trouble>,
    pub(super) result: Vec<Value>,
    pub(super) valid: Valid,
    /// What a failed check said.
    pub(super) invalid: Option<String>,
    /// Whether it is controlled, or what differs; `None` where nothing is claimed.
    pub(super) control: Option<Result<(), String>>,
    pub(super) counted: Option<Counted>,
    /// Iterations that fill a sample.
    pub(super) iterations: u64,
    /// Times of one iteration, in nanoseconds, without warm-up.
    pub(super) samples: Vec<f64>,
    /// Of those, the time on a core, where it is known of all.
    pub(super) busy: Vec<f64>,
    /// Times of preparing, in nanoseconds.
    pub(super) prepares: Vec<f64>,
    /// Of those, the time on a core.
    pub(super) prepares_busy: Vec<f64>,
    /// The stages of each preparation that this process timed.
    pub(super) stages: Vec<Vec<Lap>>,
    /// The stages of the first preparation, which stand for those where there are none.
    pub(super) first: Vec<Lap>,
    /// Nanoseconds used so far.
    pub(super) spent: u64,
}

impl Entry {
    /// A cell with its arguments, not prepared yet.
    pub(super) fn new(group: &Group, cell: &Cell, settings: &Settings, kernels: Kernels) -> Self {
        let arguments = group.suite.arguments(cell.ask, group.size, settings.seed);
        Self {
            cell: *cell,
            key: key(group, cell, settings, kernels),
            args: arguments.iter().flat_map(Datum::leaves).collect(),
            arguments,
            runner: Err(Trouble::Failed("not prepared".to_owned())),
            result: Vec::new(),
            valid: Valid::Unchecked,
            invalid: None,
            control: None,
            counted: None,
            iterations: 1,
            samples: Vec::new(),
            busy: Vec::new(),
            prepares: Vec::new(),
            prepares_busy: Vec::new(),
            stages: Vec::new(),
            first: Vec::new(),
            spent: 0,
        }
    }

    /// Whether it may be counted and timed.
    pub(super) fn is_sound(&self) -> bool {
        self.runner.is_ok() && self.valid == Valid::True
    }

    /// Runs something of the cell; trouble replaces the runner.
    pub(super) fn attempt<R>(&mut self, f: impl FnOnce(&mut Runner, &[Value]) -> Result<R, Trouble>) -> Option<R> {
        let outcome = f(self.runner.as_mut().ok()?, &self.args);
        outcome.map_err(|trouble| self.runner = Err(trouble)).ok()
    }
}

/// The key of a cell.
pub(super) fn key(group: &Group, cell: &Cell, settings: &Settings, kernels: Kernels) -> Key {
    Key {
        suite: group.suite.name.to_owned(),
        size: group.size.name.to_owned(),
        function: cell.ask.name().to_owned(),
        strategy: cell.contestant().into_owned(),
        kernels: kernels.name().to_owned(),
        threads: u32::try_from(settings.threads).unwrap_or(u32::MAX),
    }
}

/// Everything between the text of a model and a runner; `watch` is told the name of each stage and pass after it, and
/// the program where there is one.
pub(super) fn prepare_from_text(
    group: &Group,
    cell: &Cell,
    arguments: &[Datum],
    watch: &mut dyn FnMut(&str, Option<&Module>),
) -> Result<Runner, Trouble> {
    if cell.strategy.is_none() {
        let baseline = (group.suite.handwritten)(cell.ask, group.size);
        return baseline.map(Runner::Handwritten).ok_or_else(|| Trouble::Refused("not written".to_owned()));
    }
    let program = group.suite.program().map_err(|e| Trouble::Failed(one_line(&e)))?;
    watch(PARSE, None);
    let mut inside = |stage: &str, module: &Module| watch(stage, Some(module));
    let runner = prepare_watched(cell, &program, (group.suite, group.size), arguments, &mut inside)?;
    watch(LOWER, None);
    Ok(runner)
}
