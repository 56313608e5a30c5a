//! A run in the order in which reports show it: names by first appearance, cells by what they are compared with.
//!
//! A *group* is what may be compared: one suite and one function under the same kernels and threads. A group's
//! *verdict* ranks the contestants that finished every size that any of them finished, by the geometric mean of their
//! time ratios to the fastest; whoever missed a size is named beside it with the reason, never silently dropped.

use indexmap::{IndexMap, IndexSet};

use crate::derive::{
    Ratio, Rounds, finished_ns, geometric_mean, is_contestant, is_preparation, is_ranked, paired_ratio,
};
use crate::rows::{Cell, HANDWRITTEN, Key, Status, VALUE, Valid};
use crate::run::Run;

/// A run with its names in order and its cells findable.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its samples by round.
    pub rounds: Rounds,
    cells: IndexMap<&'a Key, &'a Cell>,
}

/// What may be compared with each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group<'a> {
    /// The suite.
    pub suite: &'a str,
    /// The function.
    pub function: &'a str,
    /// The back end of the kernels.
    pub kernels: &'a str,
    /// The threads of the kernels.
    pub threads: u32,
}

/// Who is fastest in a group, and by how much.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// The group.
    pub group: Group<'a>,
    /// The sizes compared.
    pub sizes: Vec<&'a str>,
    /// The contestants that finished them all, fastest first.
    pub ranking: Vec<Ranked<'a>>,
    /// The other contestants, each with why it is not ranked.
    pub unranked: Vec<(&'a str, String)>,
}

/// A contestant's place in a verdict.
#[derive(Clone, Debug)]
pub struct Ranked<'a> {
    /// The strategy.
    pub strategy: &'a str,
    /// Its time over the fastest's.
    pub to_fastest: Ratio,
    /// Its time over the hand-written code's, where that finished every size too.
    pub to_handwritten: Option<Ratio>,
    /// Its cells, one for each size.
    pub cells: Vec<&'a Cell>,
}

impl<'a> View<'a> {
    /// Looks at a run.
    #[must_use]
    pub fn new(run: &'a Run) -> Self {
        let cells = run.cells.iter().map(|cell| (&cell.key, cell)).collect();
        View { run, rounds: Rounds::new(&run.samples), cells }
    }

    /// The suites.
    #[must_use]
    pub fn suites(&self) -> Vec<&'a str> {
        distinct(self.run.cells.iter().map(|cell| cell.key.suite.as_str()))
    }

    /// The strategies, hand-written code and oracles among them.
    #[must_use]
    pub fn strategies(&self) -> Vec<&'a str> {
        let cells = self.run.cells.iter().map(|cell| cell.key.strategy.as_str());
        distinct(cells.chain(self.run.checks.iter().map(|check| check.key.strategy.as_str())))
    }

    /// The sizes of a suite.
    #[must_use]
    pub fn sizes(&self, suite: &str) -> Vec<&'a str> {
        distinct(self.run.cells.iter().filter(|cell| cell.key.suite == suite).map(|cell| cell.key.size.as_str()))
    }

    /// The groups of cells that `keep` lets through.
    pub fn groups(&self, keep: impl Fn(&Cell) -> bool) -> Vec<Group<'a>> {
        distinct(self.run.cells.iter().filter(|cell| keep(cell)).map(group_of))
    }

    /// The groups of a suite that are not one-off costs.
    #[must_use]
    pub fn running_groups(&self, suite: &str) -> Vec<Group<'a>> {
        self.groups(|cell| cell.key.suite == suite && !is_preparation(cell))
    }

    /// Whether the run mixes kernels or threads, so that groups must say which they are.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        distinct(self.run.cells.iter().map(|cell| (cell.key.kernels.as_str(), cell.key.threads))).len() > 1
    }

    /// The cell of a group at a size.
    #[must_use]
    pub fn cell(&self, group: &Group, size: &str, strategy: &str) -> Option<&'a Cell> {
        let text = str::to_owned;
        let key = Key {
            suite: text(group.suite),
            size: text(size),
            function: text(group.function),
            strategy: text(strategy),
            kernels: text(group.kernels),
            threads: group.threads,
        };
        self.cells.get(&key).copied()
    }

    /// A cell's time over that of the same strategy's value.
    #[must_use]
    pub fn to_value(&self, cell: &Cell) -> Option<f64> {
        let value = Group { function: VALUE, ..group_of(cell) };
        Some(finished_ns(cell)? / finished_ns(self.cell(&value, &cell.key.size, &cell.key.strategy)?)?)
    }

    /// A cell's time over that of the hand-written code for the same function.
    #[must_use]
    pub fn to_handwritten(&self, cell: &Cell) -> Option<f64> {
        Some(finished_ns(cell)? / finished_ns(self.cell(&group_of(cell), &cell.key.size, HANDWRITTEN)?)?)
    }

    /// A ranked cell's time over that of the fastest contestant at the same size; `None` for what is not ranked.
    #[must_use]
    pub fn to_fastest(&self, cell: &Cell) -> Option<f64> {
        let ranked = |cell: &&Cell| is_ranked(cell, &self.run.manifest);
        let rivals =
            self.strategies().into_iter().filter_map(|rival| self.cell(&group_of(cell), &cell.key.size, rival));
        let fastest = rivals.filter(ranked).filter_map(finished_ns).reduce(f64::min)?;
        Some(cell).filter(ranked).and_then(finished_ns).map(|ns| ns / fastest)
    }

    /// The verdict on every group that has a contestant, one-off costs left out.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict<'a>> {
        let contested = |cell: &Cell| !is_preparation(cell) && is_contestant(&cell.key.strategy, &self.run.manifest);
        self.groups(contested).into_iter().map(|group| self.verdict(group)).collect()
    }

    fn verdict(&self, group: Group<'a>) -> Verdict<'a> {
        let ranked = |cell: Option<&Cell>| cell.is_some_and(|cell| is_ranked(cell, &self.run.manifest));
        let entered: Vec<&str> = self.strategies().into_iter().filter(|s| self.enters(&group, s)).collect();
        let any = |size: &&str| entered.iter().any(|strategy| ranked(self.cell(&group, size, strategy)));
        let sizes: Vec<&str> = self.sizes(group.suite).into_iter().filter(any).collect();
        let complete =
            |strategy: &&str| !sizes.is_empty() && sizes.iter().all(|size| ranked(self.cell(&group, size, strategy)));
        let (complete, partial): (Vec<&str>, Vec<&str>) = entered.into_iter().partition(complete);
        let ranking = self.rank(&group, &sizes, &complete);
        let unranked = partial.into_iter().map(|strategy| (strategy, self.why_unranked(&group, strategy))).collect();
        Verdict { group, sizes, ranking, unranked }
    }

    fn enters(&self, group: &Group, strategy: &str) -> bool {
        let here = |size: &&str| self.cell(group, size, strategy).is_some();
        is_contestant(strategy, &self.run.manifest) && self.sizes(group.suite).iter().any(here)
    }

    fn rank(&self, group: &Group<'a>, sizes: &[&'a str], strategies: &[&'a str]) -> Vec<Ranked<'a>> {
        let cells = |strategy: &str| -> Vec<&'a Cell> {
            sizes.iter().filter_map(|size| self.cell(group, size, strategy)).collect()
        };
        let time = |strategy: &str| {
            let times: Vec<f64> = cells(strategy).into_iter().filter_map(finished_ns).collect();
            geometric_mean(&times).unwrap_or(f64::INFINITY)
        };
        let Some(fastest) = strategies.iter().min_by(|a, b| time(a).total_cmp(&time(b))) else {
            return Vec::new();
        };
        let handwritten = Some(cells(HANDWRITTEN)).filter(|cells| cells.len() == sizes.len());
        let place = |strategy: &&'a str| Ranked {
            strategy,
            to_fastest: self.ratio(&cells(strategy), &cells(fastest)).unwrap_or(Ratio { ratio: 1.0, interval: None }),
            to_handwritten: handwritten.as_ref().and_then(|under| self.ratio(&cells(strategy), under)),
            cells: cells(strategy),
        };
        let mut ranking: Vec<Ranked> = strategies.iter().map(place).collect();
        ranking.sort_by(|a, b| a.to_fastest.ratio.total_cmp(&b.to_fastest.ratio));
        ranking
    }

    fn ratio(&self, over: &[&Cell], under: &[&Cell]) -> Option<Ratio> {
        let pairs: Vec<(&Cell, &Cell)> = over.iter().copied().zip(under.iter().copied()).collect();
        paired_ratio(&pairs, &self.rounds, self.run.manifest.seed)
    }

    /// What became of the sizes that a strategy was not ranked at, such as `refused` or `failed at 64`.
    fn why_unranked(&self, group: &Group, strategy: &str) -> String {
        let sizes = self.sizes(group.suite);
        let states: Vec<(&str, &str)> = sizes
            .iter()
            .filter_map(|size| Some((*size, state(self.cell(group, size, strategy)?))))
            .filter(|(_, state)| *state != "ok")
            .collect();
        let words = distinct(states.iter().map(|(_, state)| *state));
        match words.as_slice() {
            [] => "not run at every size".to_owned(),
            [word] if states.len() == sizes.len() => (*word).to_owned(),
            _ => states.iter().map(|(size, state)| format!("{state} at {size}")).collect::<Vec<_>>().join(", "),
        }
    }
}

/// The group a cell is compared in.
#[must_use]
pub fn group_of(cell: &Cell) -> Group<'_> {
    let Key { suite, size: _, function, strategy: _, kernels, threads } = &cell.key;
    Group { suite, function, kernels, threads: *threads }
}

/// A cell's outcome in one word: its status, or `invalid` or `unchecked` where it ran to its end.
#[must_use]
pub fn state(cell: &Cell) -> &'static str {
    match (cell.status, cell.valid) {
        (Status::Ok, Valid::False) => "invalid",
        (Status::Ok, Valid::Unchecked) => "unchecked",
        (status, _) => status.word(),
    }
}

/// Each item once, in order of first appearance.
pub fn distinct<T: std::hash::Hash + Eq>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<IndexSet<T>>().into_iter().collect()
}
