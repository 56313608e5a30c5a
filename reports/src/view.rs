//! A run in the order in which reports show it: names by first appearance, cells by what they are compared with.
//!
//! A *group* is what may be compared: one suite and one function under the same kernels and threads. A group's
//! *verdict* ranks the contestants that finished every size that any of them finished, by the geometric mean of their
//! time ratios to the fastest; whoever missed a size is named beside it with the reason, never silently dropped. Contestants
//! that ran one program at every size share a place, whatever the clock said.
//! The *overall* verdict on a function ranks all contestants over the cells that every one of them finished.

use std::cell::OnceCell;
use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};

use crate::derive::{
    Ratio, Rounds, finished_ns, geometric_mean, is_contestant, is_one_program, is_preparation, is_ranked, paired_ratio,
};
use crate::rows::{Cell, HANDWRITTEN, Key, NULL_KERNELS, Status, VALUE, Valid};
use crate::run::Run;

/// A run with its names in order and its cells findable.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its samples by round.
    pub rounds: Rounds<'a>,
    cells: HashMap<&'a Key, usize>,
    strategies: Vec<&'a str>,
    sizes: IndexMap<&'a str, IndexSet<&'a str>>,
    work: HashMap<(&'a str, &'a str), u64>,
    mixed: bool,
    verdicts: OnceCell<Vec<Verdict<'a>>>,
    overall: OnceCell<Vec<Verdict<'a>>>,
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

/// A group at one size: what a cell of each strategy competes at.
pub type Contest<'a> = (Group<'a>, &'a str);

/// Who is fastest, and by how much.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// The group; the suite of an overall verdict is [`ALL_SUITES`].
    pub group: Group<'a>,
    /// What was compared.
    pub contests: Vec<Contest<'a>>,
    /// The contestants that finished them all, fastest first, those that share a place next to each other.
    pub ranking: Vec<Ranked<'a>>,
    /// The other contestants, each with why it is not ranked.
    pub unranked: Vec<(&'a str, String)>,
}

/// What stands for the suite in an overall verdict.
pub const ALL_SUITES: &str = "all suites";

/// A contestant's place in a verdict.
#[derive(Clone, Debug)]
pub struct Ranked<'a> {
    /// The strategy.
    pub strategy: &'a str,
    /// Its place, from 1. Contestants that ran one program have that of the fastest of them.
    pub place: usize,
    /// Its time over the fastest's.
    pub to_fastest: Ratio,
    /// Its time over the hand-written code's, where that finished every size too.
    pub to_handwritten: Option<Ratio>,
    /// Its cells, one for each size.
    pub cells: Vec<&'a Cell>,
}

impl<'a> Verdict<'a> {
    /// The contestants place by place.
    pub fn places(&self) -> impl Iterator<Item = &[Ranked<'a>]> {
        self.ranking.chunk_by(|a, b| a.place == b.place)
    }

    /// The contestants at the first place, and the others.
    #[must_use]
    pub fn first_and_others(&self) -> (&[Ranked<'a>], &[Ranked<'a>]) {
        self.ranking.split_at(self.ranking.partition_point(|ranked| ranked.place == 1))
    }
}

impl Ranked<'_> {
    /// Whether it ran one program with another at every size.
    fn is_one_program(&self, other: &Ranked) -> bool {
        self.cells.iter().zip(&other.cells).all(|(a, b)| is_one_program(a, b))
    }
}

impl<'a> View<'a> {
    /// Looks at a run.
    #[must_use]
    pub fn new(run: &'a Run) -> Self {
        let cells = run.cells.iter().enumerate().map(|(index, cell)| (&cell.key, index)).collect();
        let keys = || run.cells.iter().map(|cell| &cell.key);
        let checked = run.checks.iter().map(|check| &check.key);
        let strategies = distinct(keys().chain(checked).map(|key| key.strategy.as_str()));
        let mut sizes: IndexMap<&str, IndexSet<&str>> = IndexMap::new();
        let mut work: HashMap<(&str, &str), u64> = HashMap::new();
        for cell in &run.cells {
            let Key { suite, size, .. } = &cell.key;
            sizes.entry(suite).or_default().insert(size);
            cell.work.filter(|work| *work > 0).map(|flops| work.entry((suite, size)).or_insert(flops));
        }
        let rounds = Rounds::new(&run.samples);
        let mixed = distinct(keys().map(|key| (key.kernels.as_str(), key.threads))).len() > 1;
        View { run, rounds, cells, strategies, sizes, work, mixed, verdicts: OnceCell::new(), overall: OnceCell::new() }
    }

    /// The suites.
    #[must_use]
    pub fn suites(&self) -> Vec<&'a str> {
        self.sizes.keys().copied().collect()
    }

    /// The strategies, hand-written code and oracles among them.
    #[must_use]
    pub fn strategies(&self) -> Vec<&'a str> {
        self.strategies.clone()
    }

    /// The sizes of a suite.
    #[must_use]
    pub fn sizes(&self, suite: &str) -> Vec<&'a str> {
        self.sizes.get(suite).into_iter().flatten().copied().collect()
    }

    /// Floating-point operations of a suite's value at a size, where they are known and not 0.
    #[must_use]
    pub fn work(&self, suite: &str, size: &str) -> Option<u64> {
        self.work.get(&(suite, size)).copied()
    }

    /// The groups of cells that `keep` lets through.
    pub fn groups(&self, keep: impl Fn(&Cell) -> bool) -> Vec<Group<'a>> {
        distinct(self.run.cells.iter().filter(|cell| keep(cell)).map(group_of))
    }

    /// The groups of a suite that are not one-off costs and do arithmetic.
    #[must_use]
    pub fn running_groups(&self, suite: &str) -> Vec<Group<'a>> {
        self.groups(|cell| cell.key.suite == suite && !is_preparation(cell) && !is_null(cell))
    }

    /// The groups of a suite on null kernels, one-off costs left out.
    #[must_use]
    pub fn null_groups(&self, suite: &str) -> Vec<Group<'a>> {
        self.groups(|cell| cell.key.suite == suite && !is_preparation(cell) && is_null(cell))
    }

    /// Whether the run mixes kernels or threads, so that groups must say which they are.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        self.mixed
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
        self.find(&key)
    }

    /// The cell with this key.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<&'a Cell> {
        self.cells.get(key).map(|index| &self.run.cells[*index])
    }

    /// The number of a cell's row in `cells.csv`, from 1.
    #[must_use]
    pub fn row_number(&self, key: &Key) -> Option<usize> {
        self.cells.get(key).map(|index| index + 1)
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

    /// As [`View::to_fastest`], for the program that the cell ran, if that is known: by the shortest time of the ranked cells that
    /// ran it too. So it is 1 for all who ran the fastest.
    #[must_use]
    pub fn program_to_fastest(&self, cell: &Cell) -> Option<f64> {
        let own = self.to_fastest(cell)?;
        let rivals =
            self.strategies().into_iter().filter_map(|rival| self.cell(&group_of(cell), &cell.key.size, rival));
        let alike = rivals.filter(|rival| is_one_program(rival, cell));
        Some(alike.filter_map(|rival| self.to_fastest(rival)).fold(own, f64::min))
    }

    /// The verdict on every group that has a contestant, one-off costs left out.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict<'a>] {
        self.verdicts.get_or_init(|| self.contested().into_iter().map(|group| self.verdict(group)).collect())
    }

    /// The groups that have a contestant, one-off costs and null kernels left out.
    fn contested(&self) -> Vec<Group<'a>> {
        self.groups(|cell| {
            !is_preparation(cell) && !is_null(cell) && is_contestant(&cell.key.strategy, &self.run.manifest)
        })
    }

    /// The verdict on each function over all suites, for functions that more than one suite has.
    #[must_use]
    pub fn overall_verdicts(&self) -> &[Verdict<'a>] {
        self.overall.get_or_init(|| self.judge_overall())
    }

    fn judge_overall(&self) -> Vec<Verdict<'a>> {
        let mut by_function: IndexMap<Group<'a>, Vec<Group<'a>>> = IndexMap::new();
        for group in self.contested() {
            by_function.entry(Group { suite: ALL_SUITES, ..group.clone() }).or_default().push(group);
        }
        let several = by_function.into_iter().filter(|(_, groups)| groups.len() > 1);
        several.map(|(overall, groups)| self.overall(overall, &groups)).collect()
    }

    fn overall(&self, overall: Group<'a>, groups: &[Group<'a>]) -> Verdict<'a> {
        let strategies = self.strategies().into_iter();
        let entered: Vec<&str> = strategies.filter(|s| groups.iter().any(|group| self.enters(group, s))).collect();
        let contests = groups.iter().flat_map(|group| self.contests(group));
        let finished = |contest: &Contest| entered.iter().all(|strategy| self.is_ranked(contest, strategy));
        let contests: Vec<Contest> = contests.filter(finished).collect();
        let ranking = if contests.is_empty() { Vec::new() } else { self.rank(&contests, &entered) };
        Verdict { group: overall, contests, ranking, unranked: Vec::new() }
    }

    fn verdict(&self, group: Group<'a>) -> Verdict<'a> {
        let entered: Vec<&str> = self.strategies().into_iter().filter(|s| self.enters(&group, s)).collect();
        let any = |contest: &Contest| entered.iter().any(|strategy| self.is_ranked(contest, strategy));
        let contests: Vec<Contest> = self.contests(&group).into_iter().filter(any).collect();
        let complete = |strategy: &&str| contests.iter().all(|contest| self.is_ranked(contest, strategy));
        let (complete, partial): (Vec<&str>, Vec<&str>) =
            entered.into_iter().partition(|strategy| !contests.is_empty() && complete(strategy));
        let ranking = self.rank(&contests, &complete);
        let unranked = partial.into_iter().map(|strategy| (strategy, self.why_unranked(&group, strategy))).collect();
        Verdict { group, contests, ranking, unranked }
    }

    fn contests(&self, group: &Group<'a>) -> Vec<Contest<'a>> {
        self.sizes(group.suite).into_iter().map(|size| (group.clone(), size)).collect()
    }

    fn is_ranked(&self, (group, size): &Contest, strategy: &str) -> bool {
        self.cell(group, size, strategy).is_some_and(|cell| is_ranked(cell, &self.run.manifest))
    }

    fn enters(&self, group: &Group, strategy: &str) -> bool {
        let here = |size: &&str| self.cell(group, size, strategy).is_some();
        is_contestant(strategy, &self.run.manifest) && self.sizes(group.suite).iter().any(here)
    }

    fn rank(&self, contests: &[Contest<'a>], strategies: &[&'a str]) -> Vec<Ranked<'a>> {
        let cells = |strategy: &str| -> Vec<&'a Cell> {
            contests.iter().filter_map(|(group, size)| self.cell(group, size, strategy)).collect()
        };
        let time = |strategy: &str| {
            let times: Vec<f64> = cells(strategy).into_iter().filter_map(finished_ns).collect();
            geometric_mean(&times).unwrap_or(f64::INFINITY)
        };
        let Some(fastest) = strategies.iter().min_by(|a, b| time(a).total_cmp(&time(b))) else { return Vec::new() };
        let by_hand = Some(cells(HANDWRITTEN)).filter(|cells| cells.len() == contests.len());
        let place = |strategy: &&'a str| Ranked {
            strategy,
            place: 0,
            to_fastest: self.ratio(&cells(strategy), &cells(fastest)).unwrap_or(Ratio { ratio: 1.0, interval: None }),
            to_handwritten: by_hand.as_ref().and_then(|under| self.ratio(&cells(strategy), under)),
            cells: cells(strategy),
        };
        let mut ranking: Vec<Ranked> = strategies.iter().map(place).collect();
        ranking.sort_by(|a, b| a.to_fastest.ratio.total_cmp(&b.to_fastest.ratio));
        placed(ranking)
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
        let at = |word: &str| {
            let befallen: Vec<&str> =
                states.iter().filter(|(_, state)| *state == word).map(|(size, _)| *size).collect();
            match befallen.as_slice() {
                all if all.len() == sizes.len() => word.to_owned(),
                [size] => format!("{word} at {size}"),
                some => format!("{word} at {} of {} sizes", some.len(), sizes.len()),
            }
        };
        match words.is_empty() {
            true => "not run at every size".to_owned(),
            false => words.into_iter().map(at).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Gives contestants, fastest first, their places.
fn placed(ranking: Vec<Ranked>) -> Vec<Ranked> {
    let mut left = ranking;
    let mut placed: Vec<Ranked> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let (place, first) = (placed.len() + 1, left.remove(0));
        let (level, others): (Vec<Ranked>, Vec<Ranked>) =
            left.into_iter().partition(|ranked| ranked.is_one_program(&first));
        placed.extend(std::iter::once(first).chain(level).map(|ranked| Ranked { place, ..ranked }));
        left = others;
    }
    placed
}

/// Whether a cell was measured on null kernels.
fn is_null(cell: &Cell) -> bool {
    cell.key.kernels == NULL_KERNELS
}

/// The group a cell is compared in.
#[must_use]
pub fn group_of(cell: &Cell) -> Group<'_> {
    let Key { suite, size: _, function, strategy: _, kernels, threads } = &cell.key;
    Group { suite, function, kernels, threads: *threads }
}

/// A cell's outcome in a word or two: its status, or `invalid`, `not controlled` or `unchecked` where it ran to its end.
#[must_use]
pub fn state(cell: &Cell) -> &'static str {
    match (cell.status, cell.valid) {
        (Status::Ok, Valid::False) => "invalid",
        (Status::Ok, _) if cell.controlled == Some(false) => "not controlled",
        (Status::Ok, Valid::Unchecked) => "unchecked",
        (status, _) => status.word(),
    }
}

/// Each item once, in order of first appearance.
pub fn distinct<T: std::hash::Hash + Eq>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<IndexSet<T>>().into_iter().collect()
}
