//! What a run is to do: which cells, in which groups, with which settings.

use std::borrow::Cow;
use std::time::Duration;

use adjudicate_ir::frontend::names;
use adjudicate_ir::program::Ask;
use adjudicate_reports::rows::{HANDWRITTEN, RESTRUCTURED};
use adjudicate_strategies::{STRATEGIES, Strategy};
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use super::inject::Injection;
use super::kernels::Kernels;
use super::wire::Given;
use crate::exit::Failure;
use crate::suites::{SUITES, Size, Suite};

/// Which cells are wanted: glob patterns, any of which may match; none means all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Patterns for suites.
    pub suites: Vec<String>,
    /// Patterns for strategies. Without any, variants (`family:variant`) and oracles stay out.
    pub strategies: Vec<String>,
    /// Patterns for functions.
    pub functions: Vec<String>,
    /// Patterns for sizes.
    pub sizes: Vec<String>,
}

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A look: the whole run takes a minute or two.
    Quick,
    /// For daily comparison.
    Default,
    /// For publication.
    Paper,
}

/// Numbers that govern a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The profile they started from.
    pub profile: Profile,
    /// Seed of inputs, of directions and of the order of samples.
    pub seed: u64,
    /// Rounds that count.
    pub rounds: usize,
    /// Rounds that each process takes before those, flagged as warm-up.
    pub warmup: usize,
    /// How many processes share the rounds of a group, if there are enough rounds.
    #[serde(default = "one")]
    pub processes: usize,
    /// The time a sample fills at least.
    pub sample: Duration,
    /// How often preparation is timed at most.
    pub prepares: usize,
    /// The time that all preparations of a cell may take; one is always made.
    pub prepare_budget: Duration,
    /// The time that a cell may take in all.
    pub timeout: Duration,
    /// Threads of the kernels.
    pub threads: usize,
    /// The kernels, on each of which everything is measured in turn.
    pub kernels: Vec<Kernels>,
    /// Bytes of memory that the cells of a group may use together, beyond what the program itself does.
    pub memory: Option<u64>,
    /// The strategies that must not refuse: patterns, which a plan makes names.
    #[serde(default)]
    pub required: Vec<String>,
    /// A fault put in on purpose.
    pub inject: Option<Injection>,
}

/// Everything that a run is to do.
#[derive(Debug)]
pub struct Plan {
    /// Groups in the order of suites and sizes.
    pub groups: Vec<Group>,
    /// How to do it.
    pub settings: Settings,
    /// What it was made from.
    pub selection: Selection,
    /// What is known already, of a plan with one group.
    pub given: Given,
    /// Which turn at the rounds is to be taken; without one, all of them by this process.
    pub turn: Option<usize>,
}

/// The processes of settings that were kept before there could be several.
fn one() -> usize {
    1
}

/// The cells of one suite at one size, which are measured together.
#[derive(Debug)]
pub struct Group {
    /// The suite.
    pub suite: &'static Suite,
    /// The size.
    pub size: &'static Size,
    /// Functions in order, each by all its contestants.
    pub cells: Vec<Cell>,
}

/// One function by one contestant.
#[derive(Clone, Copy)]
pub struct Cell {
    /// What is asked.
    pub ask: Ask,
    /// The strategy; `None` is the baseline written by hand.
    pub strategy: Option<&'static dyn Strategy>,
    /// Whether the model is taken in the form for strategies that refuse it as it is. Not planned, but added where that happens.
    pub restructured: bool,
}

impl Cell {
    /// A strategy, or the baseline, on the model as it is.
    pub fn new(ask: Ask, strategy: Option<&'static dyn Strategy>) -> Self {
        Cell { ask, strategy, restructured: false }
    }

    /// The name of the contestant.
    pub fn contestant(&self) -> Cow<'static, str> {
        let name = self.strategy.map_or(HANDWRITTEN, Strategy::name);
        if self.restructured { format!("{name}{RESTRUCTURED}").into() } else { name.into() }
    }
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.ask.name(), self.contestant())
    }
}

impl Profile {
    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Quick => "quick",
            Profile::Default => "default",
            Profile::Paper => "paper",
        }
    }

    /// The numbers of the profile.
    pub fn settings(self) -> Settings {
        let (rounds, processes, sample, prepares, budget, timeout) = match self {
            Profile::Quick => (9, 3, 5, 5, 200, 60),
            Profile::Default => (24, 4, 10, 9, 1_000, 60),
            Profile::Paper => (50, 5, 50, 15, 10_000, 600),
        };
        Settings {
            profile: self,
            seed: 1,
            rounds,
            warmup: 1,
            processes,
            sample: Duration::from_millis(sample),
            prepares,
            prepare_budget: Duration::from_millis(budget),
            timeout: Duration::from_secs(timeout),
            threads: 1,
            kernels: vec![Kernels::standard()],
            memory: None,
            required: Vec::new(),
            inject: None,
        }
    }
}

impl Plan {
    /// The plan of a selection. A pattern that matches nothing is an error.
    pub fn new(selection: &Selection, settings: Settings) -> Result<Plan, Failure> {
        Plan::among(SUITES, &STRATEGIES, selection, settings)
    }

    /// As [`Plan::new`], of suites and strategies that are given.
    pub fn among(
        suites: &[&'static Suite],
        strategies: &[&'static dyn Strategy],
        selection: &Selection,
        mut settings: Settings,
    ) -> Result<Plan, Failure> {
        let suite_names: Vec<&str> = suites.iter().map(|s| s.name).collect();
        let wanted_suites = Patterns::new("suite", &selection.suites, &suite_names)?;
        let suites: Vec<_> = suites.iter().filter(|s| wanted_suites.matches(s.name)).collect();

        let mut names: Vec<&str> = strategies.iter().map(|s| s.name()).collect();
        names.push(HANDWRITTEN);
        let wanted = Patterns::new("strategy", &selection.strategies, &names)?;
        let mut contestants: Vec<Option<&'static dyn Strategy>> =
            wanted_of(strategies, &wanted).into_iter().map(Some).collect();
        if wanted.matches(HANDWRITTEN) {
            contestants.push(None);
        }
        settings.required = required(&settings.required, contestants.iter().copied().flatten())?;

        let functions: Vec<&str> = suites.iter().flat_map(|s| s.asks).map(|a| a.name()).collect();
        let wanted_functions = Patterns::new("function", &selection.functions, &functions)?;
        let sizes: Vec<&str> = suites.iter().flat_map(|s| s.sizes).map(|s| s.name).collect();
        let wanted_sizes = Patterns::new("size", &selection.sizes, &sizes)?;

        let mut groups = Vec::new();
        for suite in suites {
            let asks = suite.asks.iter().filter(|a| wanted_functions.matches(a.name()));
            let cells: Vec<Cell> =
                asks.flat_map(|&ask| contestants.iter().map(move |&strategy| Cell::new(ask, strategy))).collect();
            for size in suite.sizes.iter().filter(|s| wanted_sizes.matches(s.name)) {
                let exists = |c: &&Cell| c.strategy.is_some() || (suite.handwritten)(c.ask, size).is_some();
                let cells: Vec<Cell> = cells.iter().filter(exists).copied().collect();
                if !cells.is_empty() {
                    groups.push(Group { suite, size, cells });
                }
            }
        }
        Ok(Plan { groups, settings, selection: selection.clone(), given: Given::default(), turn: None })
    }

    /// Number of cells, preparation not counted.
    pub fn cells(&self) -> usize {
        self.groups.iter().map(|g| g.cells.len()).sum::<usize>() * self.settings.kernels.len()
    }

    /// A rough time for the run: what a cell takes when one call fits a sample.
    pub fn estimate(&self) -> Duration {
        let s = &self.settings;
        let whole = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        // Samples overshoot their minimum, counts cost a few samples more, and so do checks, in each process.
        let rounds = whole(s.rounds_in_all()) * 3 / 2 + 18 + 2 * whole(s.turns());
        let cell = s.sample * rounds + s.prepare_budget / 2;
        cell * u32::try_from(self.cells()).unwrap_or(u32::MAX)
    }
}

/// The strategies that are wanted; without patterns, variants and oracles stay out.
fn wanted_of(strategies: &[&'static dyn Strategy], wanted: &Patterns) -> Vec<&'static dyn Strategy> {
    let is_default = |s: &&'static dyn Strategy| !s.name().contains(':') && !s.is_oracle();
    let wants = |s: &&'static dyn Strategy| if wanted.0.is_none() { is_default(s) } else { wanted.matches(s.name()) };
    strategies.iter().copied().filter(wants).collect()
}

/// The strategies that match some patterns; without any, all but variants and oracles.
pub fn contestants(patterns: &[String]) -> Result<Vec<&'static dyn Strategy>, Failure> {
    let names: Vec<&str> = STRATEGIES.iter().map(|s| s.name()).collect();
    Ok(wanted_of(&STRATEGIES, &Patterns::new("strategy", patterns, &names)?))
}

/// The names of contestants that must not refuse: those that match some patterns.
pub fn required(
    patterns: &[String],
    contestants: impl Iterator<Item = &'static dyn Strategy>,
) -> Result<Vec<String>, Failure> {
    let mut names: Vec<&str> = contestants.map(Strategy::name).collect();
    let matching = Patterns::new("required strategy", patterns, &names)?;
    names.retain(|name| !patterns.is_empty() && matching.matches(name));
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// Glob patterns of one kind of name.
#[derive(Debug)]
pub struct Patterns(Option<GlobSet>);

impl Patterns {
    /// These patterns, each of which must match one of the names; without any, all match.
    pub fn new(kind: &str, patterns: &[String], names: &[&str]) -> Result<Self, Failure> {
        if patterns.is_empty() {
            return Ok(Self(None));
        }
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let glob = Glob::new(pattern)
                .map_err(|e| Failure::usage(format!("the {kind} pattern `{pattern}` is malformed: {}", e.kind())))?;
            let matcher = glob.compile_matcher();
            if !names.iter().any(|name| matcher.is_match(name) || name == pattern) {
                return Err(unknown(kind, pattern, names));
            }
            set.add(glob);
            // A name that holds glob characters, such as a size in parentheses, matches itself.
            set.add(Glob::new(&globset::escape(pattern)).expect("an escaped pattern is one"));
        }
        Ok(Self(Some(set.build().expect("each pattern is well-formed"))))
    }

    /// Whether a name matches one.
    pub fn matches(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|set| set.is_match(name))
    }
}

/// Where so many names are, they are not all said.
const MANY: usize = 20;

/// The error for a name that is none of `names`: the nearest of them if one is like it, and all. Where they are many, those
/// after a colon are variants, and listed elsewhere.
pub fn unknown(kind: &str, name: &str, names: &[&str]) -> Failure {
    let mut listed: Vec<&str> = Vec::new();
    for n in names {
        if !listed.contains(n) {
            listed.push(n);
        }
    }
    let near = names::nearest(name, listed.iter().copied());
    let near = near.map_or(".".to_owned(), |near| format!("; did you mean `{near}`?"));
    if listed.is_empty() {
        return Failure::usage(format!("there is no {kind} `{name}`, nor any other"));
    }
    let are_many = |listed: &[&str]| listed.len() >= MANY;
    let (mut plain, all) = (listed.clone(), listed.len());
    if are_many(&listed) {
        plain.retain(|listed| !listed.contains(':'));
    }
    let there = match plain.len() {
        0 => "`adjudicate list` has all".to_owned(),
        _ if are_many(&plain) => "`adjudicate list` has all".to_owned(),
        n if n < all => format!("There are: {}; `adjudicate list` has their variants too", plain.join(", ")),
        _ => format!("There are: {}", plain.join(", ")),
    };
    Failure::usage(format!("there is no {kind} `{name}`{near} {there}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(suites: &[&str], sizes: &[&str]) -> Result<Plan, Failure> {
        let strings = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let selection = Selection { suites: strings(suites), sizes: strings(sizes), ..Selection::default() };
        Plan::new(&selection, Profile::Quick.settings())
    }

    #[test]
    fn without_patterns_every_suite_and_size_is_there() {
        let plan = plan(&[], &[]).unwrap();
        assert_eq!(plan.groups.len(), SUITES.iter().map(|s| s.sizes.len()).sum::<usize>());
        assert!(plan.cells() > 0 && !plan.estimate().is_zero());
    }

    #[test]
    fn patterns_are_globs_and_names_match_themselves() {
        assert_eq!(plan(&["m*"], &["512x(64-256-256-10)"]).unwrap().groups.len(), 1);
        assert_eq!(plan(&["{cube,rnn}"], &["*x*"]).unwrap().groups.len(), 3);
    }

    #[test]
    fn settings_that_were_kept_before_there_were_turns_have_one() {
        let mut kept = serde_json::to_value(Profile::Default.settings()).unwrap();
        kept.as_object_mut().unwrap().remove("processes").expect("it is kept now");
        let settings: Settings = serde_json::from_value(kept).unwrap();
        assert_eq!((settings.turns(), Profile::Default.settings().turns()), (1, 4));
    }

    #[test]
    fn an_unknown_name_suggests_the_nearest() {
        let failure = plan(&["hesian"], &[]).unwrap_err();
        assert!(failure.message.contains("did you mean `hessian`?"), "{failure}");
        let likeness = |name: &str| unknown("function", name, &["gradient", "value", "hvp"]).message;
        assert!(likeness("vlaue").contains("did you mean `value`?") && !likeness("nosuch").contains("mean"));
        let failure = plan(&["[z"], &[]).unwrap_err();
        assert!(failure.message.contains("malformed"), "{failure}");
    }
}
