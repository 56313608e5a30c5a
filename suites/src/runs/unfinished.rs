//! A run that did not come to its end: what of it is whole, and what is to be done.

use adjudicate_reports::Run;
use adjudicate_reports::rows::{Cell, Key, Manifest, PREPARE, Status, Valid};

use crate::exit::{Exit, Failure};
use crate::measure::group::{Depth, Tally};
use crate::measure::plan;
use crate::measure::wire::Given;
use crate::measure::{Group, Kernels};

use super::recipe::Recipe;

/// The whole groups of a run, and the samples of the others.
pub struct Unfinished {
    /// Rows of whole groups, and samples of all.
    pub kept: Run,
    whole: Vec<(String, String, String)>,
    /// The strategies that must not refuse.
    required: Vec<String>,
}

impl Unfinished {
    /// Looks through a run for groups that are whole: those every cell of which was summed up after all its rounds.
    pub fn new(mut run: Run, recipe: &Recipe) -> Result<Self, Failure> {
        let plan = recipe.plan()?;
        let mut whole = Vec::new();
        for kernels in &recipe.settings.kernels {
            for group in &plan.groups {
                let of = |row: &&Cell| is_of(&row.key, group, *kernels) && !row.key.function.starts_with(PREPARE);
                let rows: Vec<&Cell> = run.cells.iter().filter(of).collect();
                let has = |cell: &plan::Cell| {
                    let is_it = |key: &Key| key.function == cell.ask.name() && key.strategy == cell.contestant();
                    rows.iter().any(|row| is_it(&row.key))
                };
                if group.cells.iter().all(has) && rows.iter().all(|row| is_done(row, recipe)) {
                    whole.push(name(&key_of(group, *kernels)));
                }
            }
        }
        run.cells.retain(|row| whole.contains(&name(&row.key)));
        run.checks.retain(|row| whole.contains(&name(&row.key)));
        run.counts.retain(|row| whole.contains(&name(&row.key)));
        run.stages.retain(|row| whole.contains(&name(&row.key)));
        Ok(Self { kept: run, whole, required: plan.settings.required })
    }

    /// What is known of a group; `None` if it is whole.
    pub fn given(&self, group: &Group, kernels: Kernels) -> Option<Given> {
        let name = name(&key_of(group, kernels));
        if self.whole.contains(&name) {
            return None;
        }
        let samples = self.kept.samples.iter().filter(|row| self::name(&row.key) == name).cloned().collect();
        Some(Given { lost: Vec::new(), samples })
    }

    /// What came of the whole groups.
    pub fn tally(&self) -> Tally {
        let checks = || self.kept.checks.iter();
        let required = &self.required;
        let is_required = |row: &Cell| required.contains(&row.key.strategy);
        let cells = || self.kept.cells.iter().filter(|row| !row.key.function.starts_with(PREPARE));
        Tally {
            passed: checks().filter(|row| row.passed).count(),
            failed: checks().filter(|row| !row.passed).count(),
            skipped: cells().filter(|row| row.status == Status::Refused && !is_required(row)).count(),
            broken: cells().filter(|row| row.is_broken() || row.status == Status::Refused && is_required(row)).count(),
            interrupted: false,
        }
    }
}

/// Whether a cell was measured to its end.
fn is_done(row: &Cell, recipe: &Recipe) -> bool {
    let interrupted = row.reason.as_deref().is_some_and(|reason| reason.starts_with("interrupted"));
    let timed = recipe.depth == Depth::Time && row.status == Status::Ok && row.valid == Valid::True;
    !interrupted && (!timed || row.samples.is_some_and(|n| n >= recipe.settings.rounds as u64))
}

fn key_of(group: &Group, kernels: Kernels) -> Key {
    let text = str::to_owned;
    Key { suite: text(group.suite.name), size: text(group.size.name), kernels: text(kernels.name()), ..Key::default() }
}

fn is_of(key: &Key, group: &Group, kernels: Kernels) -> bool {
    name(key) == name(&key_of(group, kernels))
}

/// What names a group on some kernels.
fn name(key: &Key) -> (String, String, String) {
    (key.suite.clone(), key.size.clone(), key.kernels.clone())
}

/// Fails, with what differs, if two parts of one run were not made alike.
pub fn check_alike(one: &Manifest, other: &Manifest) -> Result<(), Failure> {
    let differences = differences(one, other);
    if differences.is_empty() {
        return Ok(());
    }
    let message = format!("the parts of the run were not made alike: {}", differences.join("; "));
    Err(Failure { exit: Exit::Incomparable, message })
}

/// What differs between the circumstances of two runs, in words.
pub fn differences(one: &Manifest, other: &Manifest) -> Vec<String> {
    let circumstances = |m: &Manifest| {
        [
            ("schema version", m.schema_version.to_string()),
            ("version", m.version.clone()),
            ("commit", m.commit.clone()),
            ("CPU", m.machine.cpu.clone()),
            ("CPU flags", m.machine.flags.join(" ")),
            ("compiler", format!("{} {}", m.toolchain.rustc, m.toolchain.target_cpu)),
            ("features", m.toolchain.features.join(" ")),
            ("kernels", format!("{} {}", m.kernels.backend, m.kernels.version)),
            ("threads", m.kernels.threads.to_string()),
            ("seed", m.seed.to_string()),
        ]
    };
    let pairs = circumstances(one).into_iter().zip(circumstances(other));
    let mut found: Vec<String> = pairs
        .filter(|((_, a), (_, b))| a != b)
        .map(|((name, a), (_, b))| format!("{name}: {} and {}", shown(&a), shown(&b)))
        .collect();
    for (what, a, b) in [("model", &one.models, &other.models), ("input", &one.inputs, &other.inputs)] {
        let differing = a.iter().filter(|(name, hash)| b.get(*name).is_some_and(|other| other != *hash));
        found.extend(differing.map(|(name, _)| format!("{what} {name} is another")));
    }
    if one.environment != other.environment {
        found.push("environment variables".to_owned());
    }
    found
}

fn shown(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}
