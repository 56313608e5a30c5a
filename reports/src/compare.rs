//! Two runs of the same strategies: what became worse, and how sure that is.
//!
//! | what | is a regression if | exit |
//! | --- | --- | --- |
//! | a check | a result that was right is wrong | 4 |
//! | an outcome | a cell or a construct ends otherwise than before, or is missing | 5 |
//! | a count | it is larger, by whatever little | 3 |
//! | a time | the lower end of the 95 % interval of new ÷ base is above the threshold, and a second pass agrees | 3 |
//!
//! Ratios between runs are corrected by the hand-written cells (`apart.rs`). The threshold is 1 + max(3 %, twice the noise
//! floor). Times that nothing corrects, those of hand-written code before all, have a floor of their own. The interval is made
//! only where the ratio is beyond the threshold.
//!
//! The same is done for each strategy over all cells, and for each of its functions, by the median of their ratios, which
//! finds what is too small to be seen in one cell. There the threshold is 1 + max(3 %, four times the typical noise ÷ √n)
//! over n blocks of cells (a suite at a size): noise has a long tail, which the median does not see, and for normal noise
//! four times what is typical is two standard deviations of a median; that the whole interval is above it puts two more on
//! top. Where one process measured a block the interval does not know how much processes differ, and it is six times.
//! What is not corrected moves alike in a whole run, and has one threshold, however many cells. The times that are shown are
//! medians, those compared lower quartiles.
//!
//! A second pass agrees if its own ratio is beyond the threshold and its interval above 1. It is a pair of runs: a machine
//! may be crowded for all of a run, so a base that is not measured again would be slow or fast in both passes. A slowdown is
//! inconclusive without a second pass, or where that lacks a cell or samples; one that a second pass does not show is
//! noise.

use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Serialize;

use crate::apart::{Apart, FEWEST, block};
use crate::columns::Row;
use crate::derive::{Map, Ratio, is_preparation};
use crate::files::MATRIX;
use crate::rows::{Cell, Count, Key, Manifest, NODES_AFTER, Status, Steadiness, Valid};
use crate::run::Run;
use crate::view::{ALL_SUITES, distinct, state};

/// The least change of a time that counts.
const LEAST: f64 = 0.03;

/// What changed, where a time by the clock did.
pub const TIME: &str = "time";
/// What changed, where the time for which a thread ran on a core did.
pub const CPU_TIME: &str = "CPU time";

/// A column of `cells.csv` that is a count.
type Column = (&'static str, fn(&Cell) -> Option<u64>);

/// Those columns.
const COUNTED: [Column; 12] = [
    ("kernel_calls", |cell| cell.kernel_calls),
    ("flops", |cell| cell.flops),
    ("bytes_read", |cell| cell.bytes_read),
    ("bytes_written", |cell| cell.bytes_written),
    ("allocations", |cell| cell.allocations),
    ("bytes_allocated", |cell| cell.bytes_allocated),
    ("peak_live_bytes", |cell| cell.peak_live_bytes),
    ("residual_bytes", |cell| cell.residual_bytes),
    ("tape_entries", |cell| cell.tape_entries),
    ("tape_bytes", |cell| cell.tape_bytes),
    ("closures_made", |cell| cell.closures_made),
    ("ir_nodes", |cell| cell.ir_nodes),
];

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The run that is the measure.
    pub base: String,
    /// The run that is measured.
    pub new: String,
    /// The ratio of times above which there is a regression, where hand-written code corrects them.
    pub threshold: f64,
    /// The same where nothing does.
    pub uncorrected_threshold: f64,
    /// How many cells both runs have.
    pub cells: usize,
    /// Of how many of these both runs have a time; missing if times were not compared.
    pub times: Option<usize>,
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
    /// What changed: [`TIME`], [`CPU_TIME`], `outcome`, or what was counted.
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

impl Change {
    /// Whether it is a time that changed.
    #[must_use]
    pub fn is_time(&self) -> bool {
        [TIME, CPU_TIME].contains(&self.what.as_str())
    }
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

/// A second pass.
#[derive(Clone, Copy, Debug)]
pub struct Again<'a> {
    /// Of the base; if there is none, the first stands for it.
    pub base: Option<&'a Run>,
    /// Of the new program.
    pub new: &'a Run,
}

/// Compares two runs, with a second pass if there is one.
#[must_use]
pub fn compare(base: &Run, new: &Run, again: Option<Again>, scope: Scope) -> Comparison {
    let noise = NoiseLevels::of(&base.manifest, &new.manifest);
    let [threshold, uncorrected_threshold] =
        [noise.corrected, noise.uncorrected].map(|noise| noise.threshold(1, false));
    let known: Map<&Key, &Cell> = new.cells.iter().map(|cell| (&cell.key, cell)).collect();
    let pairs: Vec<(&Cell, &Cell)> =
        base.cells.iter().filter_map(|cell| Some((cell, *known.get(&cell.key)?))).collect();
    let mut changes = outcomes(base, &known);
    changes.extend(tables(base, new));
    changes.extend(columns(&pairs, scope.times));
    let without = without_counts(base, new, &pairs);
    changes.extend(without.iter().map(|(key, [before, now])| change(Judgement::Broken, key, Count::FILE, before, now)));
    changes.extend(matrices(base, new));
    let lost: Vec<&str> = changes.iter().filter(|change| change.of == Cell::FILE).map(|c| c.what.as_str()).collect();
    let (counts, counted) = count_changes(base, new, &known, &lost, &without);
    changes.extend(counted);
    let mut timed = None;
    if scope.times {
        let second = again.map(|again| Apart::new(again.base.unwrap_or(base), again.new));
        let times = Times { first: Apart::new(base, new), second, noise };
        timed = Some(pairs.iter().filter(|(base, _)| times.first.judged(&base.key).is_some()).count());
        changes.extend(time_changes(&times, &pairs));
    }
    changes.sort_by_key(|change| change.judgement);
    let name = |run: &Run| run.manifest.run_id.clone();
    Comparison {
        base: name(base),
        new: name(new),
        threshold,
        uncorrected_threshold,
        cells: pairs.len(),
        times: timed,
        counts,
        changes,
    }
}

/// By how much measurements of the same differ, relatively.
#[derive(Clone, Copy)]
struct Noise {
    /// The 95th percentile over cells.
    floor: f64,
    /// The median over cells.
    typical: f64,
}

impl Noise {
    /// What is known of it; of a floor alone it is taken for normal.
    fn known(floor: Option<f64>, typical: Option<f64>) -> Option<Self> {
        floor.map(|floor| Self { floor, typical: typical.unwrap_or(floor / 3.0) })
    }

    fn larger(self, other: Self) -> Self {
        Self { floor: self.floor.max(other.floor), typical: self.typical.max(other.typical) }
    }
}

/// The noise of times that are corrected by hand-written code, and of times that are not.
#[derive(Clone, Copy)]
struct NoiseLevels {
    corrected: Noise,
    uncorrected: Noise,
}

impl NoiseLevels {
    /// The larger of what two runs know. One that knows one level has it for all times.
    fn of(base: &Manifest, new: &Manifest) -> Self {
        let corrected = |m: &Manifest| Noise::known(m.noise_floor, m.typical_noise);
        let uncorrected = |m: &Manifest| {
            Noise::known(m.uncorrected_noise_floor, m.uncorrected_typical_noise).or_else(|| corrected(m))
        };
        let larger = |of: &dyn Fn(&Manifest) -> Option<Noise>| {
            let known = of(base).into_iter().chain(of(new)).reduce(Noise::larger);
            known.unwrap_or(Noise { floor: 0.0, typical: 0.0 })
        };
        Self { corrected: larger(&corrected), uncorrected: larger(&uncorrected) }
    }

    /// The ratio above which there is a regression: of one time, or of the median of several.
    fn threshold(self, times: &Apart, keys: &[&Key]) -> f64 {
        // Where some are not corrected, these are a few, which do not move a median.
        if keys.iter().any(|key| times.is_corrected(key)) {
            let blocks = distinct(keys.iter().map(|key| block(key))).len();
            self.corrected.threshold(blocks, blocks > 1 && times.are_of_several_processes(keys))
        } else {
            // What moves all times of a run alike does not become less by taking many.
            self.uncorrected.threshold(1, false)
        }
    }
}

impl Noise {
    /// The ratio above which there is a regression, of one cell or of the median of cells in some blocks. The interval of what
    /// one process measured does not know how much processes differ.
    fn threshold(self, blocks: usize, several_processes: bool) -> f64 {
        let factor = if several_processes { 4.0 } else { 6.0 };
        let noise = if blocks == 1 { 2.0 * self.floor } else { factor * self.typical / (blocks as f64).sqrt() };
        1.0 + f64::max(LEAST, noise)
    }
}

/// By how much two runs of the same program differ, cell by cell and one-off costs left out: the ratio that is judged, or its
/// inverse, less 1.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    /// Of cells that hand-written code corrects.
    pub corrected: Vec<f64>,
    /// Of all others.
    pub uncorrected: Vec<f64>,
}

impl Differences {
    /// Between these runs.
    #[must_use]
    pub fn between(one: &Run, two: &Run) -> Self {
        let apart = Apart::new(one, two);
        let mut found = Self::default();
        for key in one.cells.iter().filter(|cell| !is_preparation(cell)).map(|cell| &cell.key) {
            let side = if apart.is_corrected(key) { &mut found.corrected } else { &mut found.uncorrected };
            side.extend(apart.log_ratio(key).map(|log| log.abs().exp_m1()));
        }
        found
    }
}

fn change(judgement: Judgement, of: impl ToString, what: &str, base: impl ToString, new: impl ToString) -> Change {
    let (of, what, base, new) = (of.to_string(), what.to_owned(), base.to_string(), new.to_string());
    Change { judgement, of, what, base, new, ratio: None, interval: None, caution: String::new() }
}

/// Cells that end otherwise than before. What a preparation repeats of its cell is not said twice.
fn outcomes(base: &Run, new: &Map<&Key, &Cell>) -> Vec<Change> {
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

/// Tables that the base has and the new run has not.
fn tables(base: &Run, new: &Run) -> Vec<Change> {
    let all = [
        (Count::FILE, !base.counts.is_empty(), !new.counts.is_empty()),
        (MATRIX, base.matrix.is_some(), new.matrix.is_some()),
    ];
    let missing = all.into_iter().filter(|(_, before, now)| *before && !now);
    missing.map(|(file, ..)| change(Judgement::Broken, file, "outcome", "there", "missing")).collect()
}

/// Columns that the base has, and of the cells that ran in both the new run has for none.
fn columns(pairs: &[(&Cell, &Cell)], times: bool) -> Vec<Change> {
    let ran = || pairs.iter().filter(|(base, new)| [base, new].iter().all(|cell| cell.status == Status::Ok));
    let lost = |name: &str, has: &dyn Fn(&Cell) -> bool| {
        let lacking = ran().any(|(base, _)| has(base)) && !ran().any(|(_, new)| has(new));
        lacking.then(|| change(Judgement::Broken, Cell::FILE, name, "there", "missing"))
    };
    let medians = lost("median_ns", &|cell| cell.median_ns.is_some()).filter(|_| times);
    let counts = COUNTED.iter().filter_map(|(name, number)| lost(name, &|cell| number(cell).is_some()));
    medians.into_iter().chain(counts).collect()
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

/// Cells that both runs counted, and of which one of two tables of counts has no row: the table is cut off.
fn without_counts<'a>(base: &'a Run, new: &'a Run, pairs: &[(&'a Cell, &'a Cell)]) -> Map<&'a Key, [&'static str; 2]> {
    if base.counts.is_empty() || new.counts.is_empty() {
        return Map::default();
    }
    let [before, now] = [base, new].map(|run| run.counts.iter().map(|count| &*count.key).collect::<FxHashSet<&Key>>());
    let counted = |cell: &Cell| cell.kernel_calls.is_some();
    let word = |has: bool| if has { "there" } else { "missing" };
    let both = pairs.iter().filter(|(base, new)| counted(base) && counted(new)).map(|(base, _)| &base.key);
    let sides = both.map(|key| (key, [before.contains(key), now.contains(key)]));
    sides.filter(|(_, [before, now])| before != now).map(|(key, sides)| (key, sides.map(word))).collect()
}

/// How many counts both runs have, and those that differ, of the cells that the new run has; `lost` columns and cells
/// `without` rows are left out.
fn count_changes(
    base: &Run,
    new: &Run,
    known: &Map<&Key, &Cell>,
    lost: &[&str],
    without: &Map<&Key, [&str; 2]>,
) -> (usize, Vec<Change>) {
    let by_kind = !base.counts.is_empty() && !new.counts.is_empty();
    let (before, after) = (counts(base, by_kind), counts(new, by_kind));
    let mut changes = Vec::new();
    let mut both = 0;
    for (key, was) in before.iter().filter(|(key, _)| known.contains_key(*key) && !without.contains_key(*key)) {
        let Some(is) = after.get(key) else { continue };
        // A metric that only one side has counts as 0 on the other: a kind of kernel that is not called has no row.
        let metrics = was.keys().chain(is.keys().filter(|metric| !was.contains_key(*metric)));
        let metrics = metrics.filter(|metric| !lost.contains(*metric));
        for metric in metrics {
            both += 1;
            let value = |side: &Map<&str, u64>| side.get(metric).copied().unwrap_or(0);
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
fn counts(run: &Run, by_kind: bool) -> Map<&Key, Map<&str, u64>> {
    let mut all: Map<&Key, Map<&str, u64>> = Map::default();
    for cell in run.cells.iter().filter(|cell| cell.kernel_calls.is_some()) {
        all.entry(&cell.key).or_default().extend(counted(cell));
    }
    if by_kind {
        for counts in run.counts.chunk_by(|one, next| one.key == next.key) {
            let kept = counts.iter().filter(|count| !count.metric.starts_with(NODES_AFTER));
            if let Some(of_cell) = all.get_mut(&*counts[0].key) {
                of_cell.extend(kept.map(|count| (count.metric.as_str(), count.value)));
            }
        }
    }
    all
}

/// The columns of a cell that are counts, where it has them.
pub(crate) fn counted<'n>(cell: &Cell) -> impl Iterator<Item = (&'n str, u64)> {
    COUNTED.iter().filter_map(|(name, number)| Some((*name, number(cell)?)))
}

/// What times are judged by.
struct Times<'a> {
    first: Apart<'a>,
    second: Option<Apart<'a>>,
    noise: NoiseLevels,
}

/// A cell or many: the texts of a key and its threads.
type Of<'a> = ([&'a str; 5], u32);

fn time_changes(times: &Times, pairs: &[(&Cell, &Cell)]) -> Vec<Change> {
    let mut groups: Map<Of, Vec<(&Cell, &Cell)>> = Map::default();
    for (base, new) in pairs.iter().filter(|(base, _)| times.first.log_ratio(&base.key).is_some()) {
        let Key { suite, size, function, strategy, kernels, threads } = &base.key;
        let mut push = |[suite, size, function]: [_; 3]| {
            groups.entry(([suite, size, function, strategy, kernels], *threads)).or_default().push((base, new));
        };
        push([suite, size, function]);
        if !is_preparation(base) {
            push([ALL_SUITES, "all sizes", "all functions"]);
        }
        push([ALL_SUITES, "all sizes", function]);
    }
    groups.into_iter().filter_map(|(of, pairs)| time_change(times, of, &pairs)).collect()
}

/// The change of the time of a cell, or of the median of some, if it is surely beyond the threshold, on either side.
fn time_change(times: &Times, of: Of, pairs: &[(&Cell, &Cell)]) -> Option<Change> {
    let keys: Vec<&Key> = pairs.iter().map(|(base, _)| &base.key).collect();
    let threshold = times.noise.threshold(&times.first, &keys);
    if times.first.typical(&keys)?.ln().abs() <= threshold.ln() {
        return None;
    }
    let Ratio { ratio, interval } = times.first.ratio(&keys);
    let judgement = match (interval, &times.second) {
        // One-off costs are measured a few times only, and what is said of many cells is as good as they are.
        (None, _) if ratio < 1.0 || of.0[0] == ALL_SUITES || is_preparation(pairs[0].0) => return None,
        (None, _) => Judgement::Inconclusive,
        (Some((low, high)), _) if low <= threshold && high >= 1.0 / threshold => return None,
        (Some(_), _) if ratio < 1.0 => Judgement::Improvement,
        (Some(_), second) => match second.as_ref().and_then(|second| agrees(second, &keys, threshold)) {
            Some(true) => Judgement::Regression,
            Some(false) => Judgement::Noise,
            None => Judgement::Inconclusive,
        },
    };
    let judged: Vec<[f64; 2]> = keys.iter().filter_map(|key| times.first.judged(key)).collect();
    let [base, new] = [0, 1].map(|side| {
        let times: Vec<f64> = judged.iter().map(|times| times[side]).collect();
        let mean = crate::derive::geometric_mean(&times).unwrap_or_default();
        crate::format::quantity(mean, crate::format::Unit::Nanoseconds)
    });
    let what = if keys.iter().all(|key| times.first.is_busy(key)) { CPU_TIME } else { TIME };
    let machine = keys.iter().map(|key| times.first.correction(key)).sum::<f64>() / keys.len() as f64;
    let [suite, size, function, strategy, kernels] = of.0.map(str::to_owned);
    let of = Key { suite, size, function, strategy, kernels, threads: of.1 };
    let caution = cautions([few(interval), corrected(machine.exp()), unsteady(pairs)]);
    Some(Change { ratio: Some(ratio), interval, caution, ..change(judgement, of, what, base, new) })
}

/// Whether a second pass shows the slowdown too; `None` if it lacks a cell or has too few samples to say.
fn agrees(second: &Apart, keys: &[&Key], threshold: f64) -> Option<bool> {
    if keys.iter().any(|key| second.log_ratio(key).is_none()) {
        return None;
    }
    let Ratio { ratio, interval } = second.ratio(keys);
    if ratio <= threshold { Some(false) } else { interval.map(|(low, _)| low > 1.0) }
}

fn cautions(said: [String; 3]) -> String {
    said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

fn few(interval: Option<(f64, f64)>) -> String {
    if interval.is_some() { String::new() } else { format!("fewer than {FEWEST} samples, so no interval") }
}

/// What is said where the machine itself was slower or faster.
fn corrected(machine: f64) -> String {
    if (machine - 1.0).abs() < 0.005 {
        String::new()
    } else {
        format!("hand-written code took {machine:.2}\u{d7} the time")
    }
}

/// What is said of the samples of a cell that were not steady; of many cells, how many had such.
fn unsteady(pairs: &[(&Cell, &Cell)]) -> String {
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
        let times = self.times.map_or_else(String::new, |times| {
            let beyond = |threshold: f64| format!("{:.1} %", 100.0 * (threshold - 1.0));
            let (corrected, others) = (beyond(self.threshold), beyond(self.uncorrected_threshold));
            let others =
                if others == corrected { String::new() } else { format!(", or {others} of hand-written code") };
            format!(", {times} times (more than {corrected} apart{others} is a change)")
        });
        format!("{found}, in {} cells{times} and {} counts", self.cells, self.counts)
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
    use crate::rows::{Count, Sample};

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
            ir_nodes: Some(5),
            ..Cell::default()
        };
        let counts = vec![Count { key: key.clone().into(), metric: "flops".into(), value: counted }];
        let samples = times.iter().enumerate().map(sample).collect();
        Run { cells: vec![cell], samples, counts, ..Run::default() }
    }

    fn judged(base: &Run, new: &Run, again: Option<&Run>) -> Vec<&'static str> {
        let again = again.map(|new| Again { base: None, new });
        let found = compare(base, new, again, Scope { times: true });
        found.changes.iter().map(|change| change.judgement.word()).collect()
    }

    #[test]
    fn times_are_judged_by_their_interval_and_a_second_pass() {
        let noisy = |by: f64| run(&[100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8].map(|t| t * by), 7);
        let (base, same, slow) = (noisy(1.0), noisy(1.02), noisy(1.1));
        assert_eq!(judged(&base, &same, None), Vec::<&str>::new());
        assert_eq!(judged(&base, &slow, None), ["inconclusive"; 3]);
        assert_eq!(judged(&base, &slow, Some(&slow)), ["regression"; 3]);
        assert_eq!(judged(&base, &slow, Some(&same)), ["noise"; 3]);
        assert_eq!(judged(&base, &slow, Some(&Run::default())), ["inconclusive"; 3]);
        assert_eq!(judged(&slow, &base, None), ["improvement"; 3]);
        let unsampled = |mut run: Run| {
            run.samples.clear();
            run
        };
        assert_eq!(judged(&base, &unsampled(noisy(1.1)), Some(&slow)), ["inconclusive"]);
        assert_eq!(judged(&base, &unsampled(noisy(1.02)), None), Vec::<&str>::new());
        let wild = run(&[80.0, 300.0, 95.0, 110.0, 70.0, 200.0, 112.0], 7);
        assert_eq!(judged(&base, &wild, Some(&wild)), Vec::<&str>::new());
        let mut floored = noisy(1.1);
        floored.manifest.noise_floor = Some(0.06);
        assert_eq!(judged(&base, &floored, Some(&floored)), Vec::<&str>::new());
    }

    #[test]
    fn a_column_without_which_nothing_is_compared_is_missed() {
        let base = run(&[100.0; 9], 7);
        let missed = |change: fn(&mut Cell), scope: Scope| {
            let mut new = base.clone();
            new.cells.iter_mut().for_each(change);
            let found = compare(&base, &new, None, scope).changes;
            found.into_iter().map(|c| (c.of, c.what, c.judgement.word())).collect::<Vec<_>>()
        };
        let missing = |column: &str| vec![("cells.csv".to_owned(), column.to_owned(), "broken")];
        assert_eq!(missed(|cell| cell.median_ns = None, Scope { times: true }), missing("median_ns"));
        assert_eq!(missed(|cell| cell.median_ns = None, Scope { times: false }), []);
        assert_eq!(missed(|cell| cell.kernel_calls = None, Scope { times: false }), missing("kernel_calls"));
        assert_eq!(missed(|cell| cell.ir_nodes = None, Scope { times: false }), missing("ir_nodes"));
    }

    /// The run with a hand-written cell beside, which takes this much of its time.
    fn controlled(mut run: Run, share: f64) -> Run {
        let by_hand = |key: &Key| Key { strategy: crate::rows::HANDWRITTEN.to_owned(), ..key.clone() };
        let mut cell = run.cells[0].clone();
        (cell.key, cell.median_ns) = (by_hand(&cell.key), cell.median_ns.map(|ns| ns * share));
        run.cells.push(cell);
        let rows: Vec<Sample> = run
            .samples
            .iter()
            .cloned()
            .map(|mut row| {
                (row.key, row.ns_per_iteration) = (by_hand(&row.key), row.ns_per_iteration * share);
                row
            })
            .collect();
        run.samples.extend(rows);
        run
    }

    #[test]
    fn a_slower_machine_is_no_regression_and_a_second_pass_has_a_base_of_its_own() {
        let noisy = |by: f64| run(&[100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8].map(|t| t * by), 7);
        let base = controlled(noisy(1.0), 0.5);
        let slow_machine = controlled(noisy(1.2), 0.5);
        let found = compare(&base, &slow_machine, None, Scope { times: true });
        let said = found.changes.iter().map(|change| change.of.as_str());
        assert!(said.clone().all(|of| of.contains("handwritten")) && said.count() == 3, "{:?}", found.changes);
        let slow_program = controlled(noisy(1.32), 0.5 / 1.1);
        let again = Some(Again { base: Some(&slow_machine), new: &slow_program });
        let found = compare(&base, &slow_program, again, Scope { times: true });
        let worst =
            found.of(Judgement::Regression).find(|change| !change.of.contains("handwritten")).expect("a regression");
        assert!((worst.ratio.unwrap() - 1.1).abs() < 1e-9 && worst.caution.contains("1.20\u{d7}"), "{worst:?}");
        let again = Some(Again { base: Some(&slow_machine), new: &slow_machine });
        let found = compare(&base, &slow_program, again, Scope { times: true });
        assert_eq!(found.of(Judgement::Regression).count(), 0, "what the second pass does not show");
    }

    #[test]
    fn noise_of_times_that_nothing_corrects_does_not_hide_changes_of_others() {
        let noisy = |by: f64| run(&[100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8].map(|t| t * by), 7);
        let mut base = controlled(noisy(1.0), 0.5);
        let levels = (Some(0.02), Some(0.01));
        (base.manifest.noise_floor, base.manifest.typical_noise) = levels;
        let new = controlled(noisy(1.32), 0.5 / 1.1);
        let hand_written = |base: &Run| {
            let found = compare(base, &new, None, Scope { times: true }).changes;
            assert!(found.iter().any(|change| !change.of.contains("handwritten")), "{found:?}");
            found.iter().any(|change| change.of.contains("handwritten"))
        };
        assert!(hand_written(&base), "the one level holds for all");
        base.manifest.uncorrected_noise_floor = Some(0.5);
        assert!(!hand_written(&base));
    }

    #[test]
    fn what_else_the_machine_does_is_not_in_the_time_on_a_core() {
        let busy = |mut run: Run, by: f64| {
            run.cells[0].median_busy_ns = Some(100.0 * by);
            run.samples.iter_mut().zip(0..).for_each(|(row, n)| {
                row.busy_ns_per_iteration = Some((100.0 + 0.1 * f64::from(n % 3)) * by);
            });
            run
        };
        let (quiet, crowded) = (run(&[100.0; 7], 7), run(&[180.0, 210.0, 190.0, 400.0, 205.0, 200.0, 195.0], 7));
        let base = busy(quiet.clone(), 1.0);
        assert_eq!(judged(&base, &busy(crowded.clone(), 1.0), None), Vec::<&str>::new());
        let slow = busy(crowded.clone(), 1.1);
        assert_eq!(judged(&base, &slow, Some(&slow)), ["regression"; 3]);
        let found = compare(&base, &slow, None, Scope { times: true });
        assert!(found.changes.iter().all(|change| change.what == CPU_TIME && change.is_time()));
        assert_eq!(judged(&base, &crowded, None), ["inconclusive"; 3], "by the clock if only one run knows more");
    }

    #[test]
    fn a_median_over_cells_finds_what_noise_hides_in_each_and_passes_over_a_few() {
        let many = |by: &dyn Fn(u32) -> f64| {
            let mut all = Run::default();
            for place in 0..9 {
                let times = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8].map(|t| t * by(place));
                let mut one = controlled(run(&times, 7), 0.5 / by(place));
                one.cells.iter_mut().for_each(|row| row.key.size = place.to_string());
                one.samples.iter_mut().for_each(|row| row.key.size = place.to_string());
                all.cells.extend(one.cells);
                all.samples.extend(one.samples);
            }
            (all.manifest.noise_floor, all.manifest.typical_noise) = (Some(0.5), Some(0.02));
            all
        };
        let base = many(&|_| 1.0);
        let slow = many(&|_| 1.1);
        assert_eq!(judged(&base, &slow, Some(&slow)), ["regression"; 2]);
        let shaken = many(&|place| if place < 3 { 1.7 } else { 1.0 });
        assert_eq!(judged(&base, &shaken, Some(&shaken)), Vec::<&str>::new());
        let alone = |mut run: Run| {
            run.cells.retain(|cell| cell.key.strategy != crate::rows::HANDWRITTEN);
            run
        };
        let slow = alone(slow);
        assert_eq!(judged(&alone(base), &slow, Some(&slow)), Vec::<&str>::new(), "all of it may be the machine");
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
        assert_eq!(judged(&base, &wrong, None), ["broken"]);
    }

    #[test]
    fn a_table_of_counts_that_is_cut_off_is_no_improvement() {
        let mut base = run(&[1.0; 5], 7);
        base.cells[0].kernel_calls = Some(1);
        let mut other = base.clone();
        other.cells[0].key.size = "2".to_owned();
        other.counts[0].key = other.cells[0].key.clone().into();
        base.cells.append(&mut other.cells);
        base.counts.append(&mut other.counts);
        let mut cut = base.clone();
        cut.counts.truncate(1);
        assert_eq!(judged(&base, &base, None), [""; 0]);
        assert_eq!(judged(&base, &cut, None), ["broken"]);
        assert_eq!(judged(&cut, &base, None), ["broken"]);
    }
}
