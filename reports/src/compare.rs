//! Two runs of the same strategies: what became worse, and how sure that is.
//!
//! | what | is a regression if | exit |
//! | --- | --- | --- |
//! | a check | a result that was right is wrong | 4 |
//! | an outcome | a cell or a construct ends otherwise than before, or is missing | 5 |
//! | a count | it is larger, by whatever little | 3 |
//! | a time | the lower end of the 95 % interval of new ÷ base is above the threshold, in a second pass too | 3 |
//!
//! The threshold is 1 + max(3 %, twice the noise floor). Two runs are apart in time, so their rounds are not paired: the
//! interval is a bootstrap of each side by itself. It is made only where the ratio of medians is beyond the threshold.
//! The same is done for each strategy and function over all cells, by geometric mean, which finds what is too small to
//! be seen in one cell. What only one pass shows is inconclusive; what a second pass refutes is noise.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::columns::Row;
use crate::derive::{Ratio, Rounds, finished_ns, is_preparation, unpaired_ratio};
use crate::rows::{Cell, Key, NODES_AFTER, Steadiness, Valid};
use crate::run::Run;
use crate::view::{ALL_SUITES, state};

/// The least change of a time that counts.
const LEAST: f64 = 0.03;

/// The columns of `cells.csv` that are counts.
const COUNTED: [&str; 12] = [
    "kernel_calls",
    "flops",
    "bytes_read",
    "bytes_written",
    "allocations",
    "bytes_allocated",
    "peak_live_bytes",
    "residual_bytes",
    "tape_entries",
    "tape_bytes",
    "closures_made",
    "ir_nodes",
];

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The run that is the measure.
    pub base: String,
    /// The run that is measured.
    pub new: String,
    /// The ratio of times above which there is a regression.
    pub threshold: f64,
    /// How many cells both runs have.
    pub cells: usize,
    /// How many counts both runs have.
    pub counts: usize,
    /// What changed, the worst first.
    pub changes: Vec<Change>,
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// How bad it is.
    pub judgement: Judgement,
    /// What it is about.
    pub of: String,
    /// What changed: `time`, `outcome`, or what was counted.
    pub what: String,
    /// Before.
    pub base: String,
    /// Now.
    pub new: String,
    /// New over base, where both are numbers.
    pub ratio: Option<f64>,
    /// The 95 % interval of a ratio of times.
    pub interval: Option<(f64, f64)>,
    /// What makes a time less sure: samples that drifted, were of two groups or all over, in either run.
    pub caution: String,
}

/// How bad a change is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// What was right is wrong.
    Wrong,
    /// What ran does not run, or otherwise than before.
    Broken,
    /// Slower or larger.
    Regression,
    /// Slower, but seen in one pass only.
    Inconclusive,
    /// Faster or smaller: a new baseline is due.
    Improvement,
    /// Slower in one pass and not in the other.
    Noise,
}

impl Judgement {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Judgement::Wrong => "wrong",
            Judgement::Broken => "broken",
            Judgement::Regression => "regression",
            Judgement::Inconclusive => "inconclusive",
            Judgement::Improvement => "improvement",
            Judgement::Noise => "noise",
        }
    }
}

/// What to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Times, too; otherwise outcomes and counts alone.
    pub times: bool,
}

/// Compares two runs; `again` is a second pass of the new one.
#[must_use]
pub fn compare(base: &Run, new: &Run, again: Option<&Run>, scope: Scope) -> Comparison {
    let floor = base.manifest.noise_floor.into_iter().chain(new.manifest.noise_floor).fold(0.0, f64::max);
    let threshold = 1.0 + f64::max(LEAST, 2.0 * floor);
    let known: IndexMap<&Key, &Cell> = new.cells.iter().map(|cell| (&cell.key, cell)).collect();
    let pairs: Vec<(&Cell, &Cell)> =
        base.cells.iter().filter_map(|cell| Some((cell, *known.get(&cell.key)?))).collect();
    let mut changes = outcomes(base, &known);
    changes.extend(matrices(base, new));
    let (counts, counted) = count_changes(base, new);
    changes.extend(counted);
    if scope.times {
        changes.extend(time_changes(&Times { base, new, again, threshold }, &pairs));
    }
    changes.sort_by_key(|change| change.judgement);
    let name = |run: &Run| run.manifest.run_id.clone();
    Comparison { base: name(base), new: name(new), threshold, cells: pairs.len(), counts, changes }
}

/// Whether the samples of both runs are needed to judge their times.
#[must_use]
pub fn needs_samples(base: &Run, new: &Run) -> bool {
    let known: IndexMap<&Key, &Cell> = new.cells.iter().map(|cell| (&cell.key, cell)).collect();
    let ratios = base.cells.iter().filter_map(|cell| ratio_of_medians((cell, known.get(&cell.key)?)));
    ratios.into_iter().any(|ratio| !(1.0 / (1.0 + LEAST)..=1.0 + LEAST).contains(&ratio))
}

fn ratio_of_medians((base, new): (&Cell, &Cell)) -> Option<f64> {
    Some(finished_ns(new)? / finished_ns(base)?)
}

fn change(judgement: Judgement, of: impl ToString, what: &str, base: impl ToString, new: impl ToString) -> Change {
    let (of, what, base, new) = (of.to_string(), what.to_owned(), base.to_string(), new.to_string());
    Change { judgement, of, what, base, new, ratio: None, interval: None, caution: String::new() }
}

/// Cells that end otherwise than before. What a preparation repeats of its cell is not said twice.
fn outcomes(base: &Run, new: &IndexMap<&Key, &Cell>) -> Vec<Change> {
    let changed = |cell: &Cell| {
        let before = state(cell);
        let Some(now) = new.get(&cell.key) else {
            return Some(change(Judgement::Broken, &cell.key, "outcome", before, "missing"));
        };
        let judgement = match (cell.valid, now.valid) {
            (Valid::True | Valid::Unchecked, Valid::False) => Judgement::Wrong,
            _ => Judgement::Broken,
        };
        (before != state(now)).then(|| change(judgement, &cell.key, "outcome", before, state(now)))
    };
    base.cells.iter().filter(|cell| !is_preparation(cell)).filter_map(changed).collect()
}

/// Constructs that strategies no longer, or newly, express.
fn matrices(base: &Run, new: &Run) -> Vec<Change> {
    let (Some(base), Some(new)) = (&base.matrix, &new.matrix) else { return Vec::new() };
    let changed = base.cells.iter().filter_map(|cell| {
        let same = |other: &&crate::rows::MatrixCell| {
            (&other.construct, other.order, &other.strategy) == (&cell.construct, cell.order, &cell.strategy)
        };
        let now = new.cells.iter().find(same).map(|other| other.outcome);
        let judgement = if now == Some(crate::rows::Outcome::Wrong) { Judgement::Wrong } else { Judgement::Broken };
        let of = format!("{}, order {}, {}", cell.construct, cell.order, cell.strategy);
        let word = now.map_or("missing", crate::rows::Outcome::word);
        (now != Some(cell.outcome)).then(|| change(judgement, of, "outcome", cell.outcome.word(), word))
    });
    changed.collect()
}

/// How many counts both runs have, and those that differ.
fn count_changes(base: &Run, new: &Run) -> (usize, Vec<Change>) {
    let by_kind = !base.counts.is_empty() && !new.counts.is_empty();
    let (before, after) = (counts(base, by_kind), counts(new, by_kind));
    let mut changes = Vec::new();
    let mut both = 0;
    for (key, was) in &before {
        let Some(is) = after.get(key) else { continue };
        // A metric that only one side has counts as 0 on the other: a kind of kernel that is not called has no row.
        let metrics = was.keys().chain(is.keys().filter(|metric| !was.contains_key(*metric)));
        for metric in metrics {
            both += 1;
            let value = |side: &IndexMap<&str, u64>| side.get(metric).copied().unwrap_or(0);
            let (was, is) = (value(was), value(is));
            if was != is {
                let judgement = if is > was { Judgement::Regression } else { Judgement::Improvement };
                let ratio = (was > 0).then(|| is as f64 / was as f64);
                changes.push(Change { ratio, ..change(judgement, key, metric, was, is) });
            }
        }
    }
    (both, changes)
}

/// What was counted in each cell: the columns of `cells.csv`, and by kind the rows of `counts.csv`. How many nodes there
/// are between two passes is nobody's loss; those of the program that runs are among the columns.
fn counts<'a>(run: &'a Run, by_kind: bool) -> IndexMap<&'a Key, IndexMap<&'a str, u64>> {
    let mut all: IndexMap<&'a Key, IndexMap<&'a str, u64>> = IndexMap::new();
    for cell in run.cells.iter().filter(|cell| cell.kernel_calls.is_some()) {
        all.entry(&cell.key)
            .or_default()
            .extend(counted(cell).map(|(name, number)| -> (&'a str, u64) { (name, number) }));
    }
    if by_kind {
        for count in run.counts.iter().filter(|count| !count.metric.starts_with(NODES_AFTER)) {
            all.entry(&count.key).or_default().insert(count.metric.as_str(), count.value);
        }
    }
    all
}

/// The columns of a cell that are counts, where it has them.
pub(crate) fn counted(cell: &Cell) -> impl Iterator<Item = (&'static str, u64)> + use<> {
    let counted = Cell::columns().into_iter().zip(cell.print()).filter(|(column, _)| COUNTED.contains(&column.name));
    counted.filter_map(|(column, text)| Some((column.name, text.parse().ok()?)))
}

/// What times are compared with.
struct Times<'a> {
    base: &'a Run,
    new: &'a Run,
    again: Option<&'a Run>,
    threshold: f64,
}

fn time_changes(times: &Times, pairs: &[(&Cell, &Cell)]) -> Vec<Change> {
    let rounds = [Some(times.base), Some(times.new), times.again]
        .map(|run| run.map(|run| Rounds::new(&run.samples)).unwrap_or_default());
    let second: IndexMap<&Key, &Cell> =
        times.again.iter().flat_map(|run| &run.cells).map(|cell| (&cell.key, cell)).collect();
    let seed = times.base.manifest.seed;
    let mut groups: IndexMap<String, Vec<(&Cell, &Cell)>> = IndexMap::new();
    for (base, new) in pairs.iter().filter(|pair| ratio_of_medians(**pair).is_some()) {
        groups.entry(base.key.to_string()).or_default().push((base, new));
        let Key { function, strategy, kernels, threads, .. } = &base.key;
        let all = Key {
            suite: ALL_SUITES.into(),
            size: "all sizes".into(),
            function: function.clone(),
            strategy: strategy.clone(),
            kernels: kernels.clone(),
            threads: *threads,
        };
        groups.entry(all.to_string()).or_default().push((base, new));
    }
    let judged = |(of, pairs): (String, Vec<(&Cell, &Cell)>)| {
        let first = slower(&pairs, [&rounds[0], &rounds[1]], times.threshold, seed)?;
        let again: Vec<(&Cell, &Cell)> =
            pairs.iter().filter_map(|(base, new)| Some((*base, *second.get(&new.key)?))).collect();
        let judgement = match (first.ratio > 1.0, times.again) {
            (false, _) => Judgement::Improvement,
            (true, None) => Judgement::Inconclusive,
            (true, Some(_)) => {
                let second = slower(&again, [&rounds[0], &rounds[2]], times.threshold, seed);
                if second.is_some_and(|ratio| ratio.ratio > 1.0) { Judgement::Regression } else { Judgement::Noise }
            }
        };
        let typical = |side: fn(&(&Cell, &Cell)) -> Option<f64>| {
            let times: Vec<f64> = pairs.iter().filter_map(side).collect();
            let mean = crate::derive::geometric_mean(&times).unwrap_or_default();
            crate::format::quantity(mean, crate::format::Unit::Nanoseconds)
        };
        let (base, new) = (typical(|pair| finished_ns(pair.0)), typical(|pair| finished_ns(pair.1)));
        let Ratio { ratio, interval } = first;
        let caution = caution(&pairs);
        Some(Change { ratio: Some(ratio), interval, caution, ..change(judgement, of, "time", base, new) })
    };
    groups.into_iter().filter_map(judged).collect()
}

/// What is said of the samples of a cell that were not steady; of many cells, how many had such.
fn caution(pairs: &[(&Cell, &Cell)]) -> String {
    let unsteady = |cell: &Cell| cell.steadiness.filter(|word| *word != Steadiness::Steady);
    match pairs {
        [(base, new)] => {
            let side = |name: &str, cell: &Cell| Some(format!("{name} {}", unsteady(cell)?));
            side("base", base).into_iter().chain(side("new", new)).collect::<Vec<_>>().join(", ")
        }
        all => {
            let shaky = all.iter().filter(|(base, new)| unsteady(base).or(unsteady(new)).is_some()).count();
            if shaky == 0 { String::new() } else { format!("{shaky} of {} cells unsteady", all.len()) }
        }
    }
}

/// The ratio of new to base if it is surely beyond the threshold, on either side.
fn slower(pairs: &[(&Cell, &Cell)], rounds: [&Rounds; 2], threshold: f64, seed: u64) -> Option<Ratio> {
    let logs: Vec<f64> = pairs.iter().filter_map(|pair| Some(ratio_of_medians(*pair)?.ln())).collect();
    let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
    if logs.is_empty() || mean.abs() <= threshold.ln() {
        return None;
    }
    let ratio = unpaired_ratio(pairs, rounds, seed);
    let beyond = |(low, high): (f64, f64)| low > threshold || high < 1.0 / threshold;
    ratio.interval.is_some_and(beyond).then_some(ratio)
}

impl Comparison {
    /// The changes of a judgement.
    pub fn of(&self, judgement: Judgement) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.judgement == judgement)
    }

    /// The worst judgement; `None` if nothing is worse.
    #[must_use]
    pub fn worst(&self) -> Option<Judgement> {
        let worse = |judgement: &Judgement| *judgement <= Judgement::Inconclusive;
        self.changes.iter().map(|change| change.judgement).filter(worse).min()
    }

    /// The verdict in a sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let number = |judgement| self.of(judgement).count();
        let found = [
            Judgement::Wrong,
            Judgement::Broken,
            Judgement::Regression,
            Judgement::Inconclusive,
            Judgement::Improvement,
            Judgement::Noise,
        ];
        let found = found.into_iter().filter(|judgement| number(*judgement) > 0);
        let found: Vec<String> = found.map(|judgement| format!("{} {}", number(judgement), judgement.word())).collect();
        let found = if found.is_empty() { "no change".to_owned() } else { found.join(", ") };
        format!("{found}, in {} cells and {} counts", self.cells, self.counts)
    }

    /// The comparison as a table of Markdown, for a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("### {} against {}\n\n{}.\n", self.new, self.base, self.verdict());
        if !self.changes.is_empty() {
            text += "\n| judgement | cell | what | base | new | ratio | caution |\n| --- | --- | --- | --: | --: | --: | --- |\n";
        }
        for line in self.lines() {
            text += &format!("| {} |\n", line.map(|field| field.replace('|', "\\|")).join(" | "));
        }
        text
    }

    /// The comparison as text in columns.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<[String; 7]> = self.lines().collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..7).map(width).collect();
        let mut text = String::new();
        for line in &lines {
            let padded = line.iter().zip(&widths).map(|(field, width)| format!("{field:width$}"));
            text += padded.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text + &self.verdict()
    }

    fn lines(&self) -> impl Iterator<Item = [String; 7]> {
        self.changes.iter().map(|change| {
            let Change { judgement, of, what, base, new, ratio, interval, caution } = change;
            let shown = ratio.map(|ratio| crate::format::ratio(&Ratio { ratio, interval: *interval }));
            let shown = shown.map_or(String::new(), |(ratio, interval)| match interval {
                Some((low, high)) => format!("{ratio} [{low}, {high}]"),
                None => ratio,
            });
            [judgement.word().to_owned(), of.clone(), what.clone(), base.clone(), new.clone(), shown, caution.clone()]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Count, Sample, Status};

    /// A run of one cell with these times.
    fn run(times: &[f64], counted: u64) -> Run {
        let key = Key { suite: "m".into(), size: "1".into(), function: "gradient".into(), ..Key::default() };
        let sample = |(round, time): (usize, &f64)| Sample {
            key: key.clone(),
            round: round as u32,
            ns_per_iteration: *time,
            ..Sample::default()
        };
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let median_ns = Some(sorted[sorted.len() / 2]);
        let kernel_calls = Some(3);
        let cell = Cell {
            key: key.clone(),
            status: Status::Ok,
            valid: Valid::True,
            median_ns,
            kernel_calls,
            ..Cell::default()
        };
        let counts = vec![Count { key: key.clone(), metric: "flops".into(), value: counted }];
        let samples = times.iter().enumerate().map(sample).collect();
        Run { cells: vec![cell], samples, counts, ..Run::default() }
    }

    fn judged(base: &Run, new: &Run, again: Option<&Run>) -> Vec<&'static str> {
        let found = compare(base, new, again, Scope { times: true });
        found.changes.iter().map(|change| change.judgement.word()).collect()
    }

    #[test]
    fn times_are_judged_by_their_interval_and_a_second_pass() {
        let noisy = |by: f64| run(&[100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8].map(|t| t * by), 7);
        let (base, same, slow) = (noisy(1.0), noisy(1.02), noisy(1.1));
        assert_eq!(judged(&base, &same, None), Vec::<&str>::new());
        assert_eq!(judged(&base, &slow, None), ["inconclusive"; 2]);
        assert_eq!(judged(&base, &slow, Some(&slow)), ["regression"; 2]);
        assert_eq!(judged(&base, &slow, Some(&same)), ["noise"; 2]);
        assert_eq!(judged(&slow, &base, None), ["improvement"; 2]);
        let wild = run(&[80.0, 300.0, 95.0, 110.0, 70.0, 200.0, 112.0], 7);
        assert_eq!(judged(&base, &wild, Some(&wild)), Vec::<&str>::new());
        let mut floored = noisy(1.1);
        floored.manifest.noise_floor = Some(0.06);
        assert_eq!(judged(&base, &floored, Some(&floored)), Vec::<&str>::new());
    }

    #[test]
    fn counts_are_exact_and_outcomes_may_not_change() {
        let base = run(&[1.0; 5], 7);
        assert_eq!(judged(&base, &run(&[1.0; 5], 8), None), ["regression"]);
        assert_eq!(judged(&base, &run(&[1.0; 5], 6), None), ["improvement"]);
        let mut wrong = run(&[1.0; 5], 7);
        wrong.cells[0].valid = Valid::False;
        assert_eq!(judged(&base, &wrong, None), ["wrong"]);
        wrong.cells.clear();
        wrong.counts.clear();
        assert_eq!(judged(&base, &wrong, None), ["broken"]);
    }
}
