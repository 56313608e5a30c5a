//! What is computed from rows: ratios, their intervals, and who may be ranked.
//!
//! Times are compared as ratios of medians. The interval of a ratio is a percentile bootstrap over rounds: a round is
//! drawn with all strategies' samples in it, so that drift which hit a round alike cancels (Efron & Tibshirani,
//! *An Introduction to the Bootstrap*, 1993, ch. 13). Several sizes are aggregated by the geometric mean of their ratios
//! (Fleming & Wallace, CACM 29(3), 1986). The generator is seeded, so the same rows give the same interval.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::rows::{Cell, HANDWRITTEN, Key, Manifest, NULL_KERNELS, PREPARE, RESTRUCTURED, Sample, Status, Valid};
use crate::view::View;

/// Resamplings behind each interval.
const RESAMPLES: usize = 1000;

/// The fewest rounds from which an interval is made.
const FEWEST_ROUNDS: usize = 3;

/// The median of a cell that ran to its end and was not found wrong.
#[must_use]
pub fn finished_ns(cell: &Cell) -> Option<f64> {
    let sound = cell.status == Status::Ok && cell.valid != Valid::False;
    cell.median_ns.filter(|ns| sound && *ns > 0.0)
}

/// Whether a cell is a one-off cost.
#[must_use]
pub fn is_preparation(cell: &Cell) -> bool {
    cell.key.function.starts_with(PREPARE)
}

/// Whether a cell may be ranked: it finished, its value was checked and found right, it is not known to do
/// other forward work than its rivals, and its strategy is a contestant.
#[must_use]
pub fn is_ranked(cell: &Cell, manifest: &Manifest) -> bool {
    finished_ns(cell).is_some()
        && cell.valid == Valid::True
        && cell.controlled != Some(false)
        && is_contestant(&cell.key.strategy, manifest)
}

/// Whether a strategy competes: oracles and hand-written code do not, nor does who runs a model restructured for it.
#[must_use]
pub fn is_contestant(strategy: &str, manifest: &Manifest) -> bool {
    let apart = strategy == HANDWRITTEN || strategy.ends_with(RESTRUCTURED);
    !apart && !manifest.oracles.iter().any(|oracle| oracle == strategy)
}

/// Whether two cells are known to have run one program: what their times differ by is noise.
#[must_use]
pub fn is_one_program(a: &Cell, b: &Cell) -> bool {
    a.program.is_some() && a.program == b.program
}

/// What an evaluation's time is made of, as shares, and what is paid once before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// The whole time, in nanoseconds.
    pub whole: f64,
    /// What null kernels leave out.
    pub arithmetic: f64,
    /// What is left.
    pub bookkeeping: f64,
    /// Allocating and freeing as many buffers by itself.
    pub allocation: f64,
    /// The preparation, in nanoseconds.
    pub once: Option<f64>,
}

/// The preparation of a cell.
#[must_use]
pub fn preparation<'a>(view: &View<'a>, cell: &Cell) -> Option<&'a Cell> {
    view.find(&Key { function: format!("{PREPARE}{}", cell.key.function), ..cell.key.clone() })
}

/// The cell on null kernels of one that was measured on them too; none of the cell on null kernels itself.
#[must_use]
pub fn null_twin<'a>(view: &View<'a>, cell: &Cell) -> Option<&'a Cell> {
    let is_twin = is_preparation(cell) || cell.key.kernels == NULL_KERNELS;
    let find = || view.find(&Key { kernels: NULL_KERNELS.to_owned(), ..cell.key.clone() });
    if is_twin { None } else { find() }
}

/// The shares of a cell that was measured on null kernels too, if it made the same kernel calls there: where the zeros of null
/// kernels take a program another way, what is left is not its own cost. Noise may make null
/// kernels seem slower than real ones: then there is no arithmetic to be seen.
#[must_use]
pub fn shares(view: &View, cell: &Cell) -> Option<Shares> {
    let twin = null_twin(view, cell).filter(|twin| twin.kernel_calls == cell.kernel_calls)?;
    let once = preparation(view, cell);
    let (whole, own) = (finished_ns(cell)?, finished_ns(twin)?);
    let own_share = (own / whole).min(1.0);
    let allocation = own_share * (twin.allocation_ns? / own).min(1.0);
    let (arithmetic, bookkeeping) = (1.0 - own_share, own_share - allocation);
    Some(Shares { whole, arithmetic, bookkeeping, allocation, once: once.and_then(finished_ns) })
}

/// A ratio of times with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The geometric mean over sizes of the ratio of medians.
    pub ratio: f64,
    /// The interval; `None` where there are too few rounds.
    pub interval: Option<(f64, f64)>,
}

impl Ratio {
    /// Whether the interval excludes 1.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.interval.is_none_or(|(low, high)| low > 1.0 || high < 1.0)
    }
}

/// The time of each evaluation by cell and round, warm-up left out.
#[derive(Clone, Debug, Default)]
pub struct Rounds<'a> {
    by_cell: Map<&'a Key, Map<u32, f64>>,
}

/// A map in the order of insertion, for keys that nobody chooses to collide.
pub(crate) type Map<K, V> = IndexMap<K, V, FxBuildHasher>;

impl<'a> Rounds<'a> {
    /// Sorts samples by cell and round; several in one round count as their mean.
    #[must_use]
    pub fn new(samples: &'a [Sample]) -> Self {
        Rounds::by(samples, |sample| Some(sample.ns_per_iteration))
    }

    /// As [`Rounds::new`], of the time on a core, where it is known.
    #[must_use]
    pub fn busy(samples: &'a [Sample]) -> Self {
        Rounds::by(samples, |sample| sample.busy_ns_per_iteration)
    }

    fn by(samples: &'a [Sample], time: fn(&Sample) -> Option<f64>) -> Self {
        let mut all: Map<&Key, Map<u32, Vec<f64>>> = Map::default();
        let timed = samples.iter().filter(|sample| !sample.warmup).filter_map(|sample| Some((sample, time(sample)?)));
        for (sample, time) in timed.filter(|(_, time)| *time > 0.0) {
            let rounds = all.entry(&sample.key).or_default();
            rounds.entry(sample.round).or_default().push(time);
        }
        let mean = |times: Vec<f64>| times.iter().sum::<f64>() / times.len() as f64;
        let means = |rounds: Map<u32, Vec<f64>>| rounds.into_iter().map(|(round, times)| (round, mean(times)));
        Rounds { by_cell: all.into_iter().map(|(key, rounds)| (key, means(rounds).collect())).collect() }
    }

    /// The times of a cell by round, in the order of its rounds.
    pub(crate) fn of(&self, key: &Key) -> Option<&Map<u32, f64>> {
        self.by_cell.get(key)
    }

    /// The pairs of times of two cells in the rounds both have.
    fn pairs(&self, over: &Key, under: &Key) -> Vec<(f64, f64)> {
        let (Some(over), Some(under)) = (self.by_cell.get(over), self.by_cell.get(under)) else {
            return Vec::new();
        };
        over.iter().filter_map(|(round, time)| Some((*time, *under.get(round)?))).collect()
    }
}

/// The ratio of `over` to `under`, aggregated over the sizes given as pairs of cells; `None` for no pair.
#[must_use]
pub fn paired_ratio(pairs: &[(&Cell, &Cell)], rounds: &Rounds, seed: u64) -> Option<Ratio> {
    let ratios: Option<Vec<f64>> =
        pairs.iter().map(|(over, under)| Some(finished_ns(over)? / finished_ns(under)?)).collect();
    let ratio = geometric_mean(&ratios?)?;
    let sampled: Vec<Vec<(f64, f64)>> = pairs.iter().map(|(over, under)| rounds.pairs(&over.key, &under.key)).collect();
    let enough = sampled.iter().all(|pairs| pairs.len() >= FEWEST_ROUNDS);
    Some(Ratio { ratio, interval: enough.then(|| bootstrap(&sampled, seed)) })
}

/// The 2.5th and 97.5th percentile of the aggregated ratio over resampled rounds.
fn bootstrap(sizes: &[Vec<(f64, f64)>], seed: u64) -> (f64, f64) {
    let mut random = SplitMix(seed);
    let mut drawn = (Vec::new(), Vec::new());
    let mut resampled_log = |pairs: &Vec<(f64, f64)>| {
        drawn.0.clear();
        drawn.1.clear();
        drawn.extend(pairs.iter().map(|_| pairs[random.below(pairs.len())]));
        (median(&mut drawn.0) / median(&mut drawn.1)).ln()
    };
    let mut mean_log = || sizes.iter().map(&mut resampled_log).sum::<f64>() / sizes.len() as f64;
    let mut ratios: Vec<f64> = (0..RESAMPLES).map(|_| mean_log().exp()).collect();
    ratios.sort_by(f64::total_cmp);
    (ratios[RESAMPLES / 40], ratios[RESAMPLES - 1 - RESAMPLES / 40])
}

/// The median of some numbers, which it reorders.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    let (middle, even) = (values.len() / 2, values.len().is_multiple_of(2));
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    match below.iter().copied().reduce(f64::max) {
        Some(lower) if even => (lower + upper) / 2.0,
        _ => upper,
    }
}

/// The geometric mean of positive numbers; `None` of none.
#[must_use]
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (sum / values.len() as f64).exp())
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): small, seeded, good enough to draw rounds.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(function: &str, strategy: &str, median_ns: f64) -> Cell {
        let text = str::to_owned;
        let key = Key {
            suite: text("m"),
            size: text("1"),
            function: text(function),
            strategy: text(strategy),
            kernels: text("e"),
            threads: 1,
        };
        Cell { key, status: Status::Ok, valid: Valid::True, median_ns: Some(median_ns), ..Cell::default() }
    }

    fn samples(cell: &Cell, times: &[f64]) -> Vec<Sample> {
        let row = |(round, time): (usize, &f64)| Sample {
            key: cell.key.clone(),
            round: round as u32,
            ns_per_iteration: *time,
            ..Sample::default()
        };
        times.iter().enumerate().map(row).collect()
    }

    #[test]
    fn drift_common_to_a_round_cancels() {
        let (slow, fast) = (cell("gradient", "a", 40.0), cell("gradient", "b", 20.0));
        let drift = [10.0, 20.0, 40.0, 15.0, 30.0];
        let rows = [samples(&slow, &drift.map(|x| 2.0 * x)), samples(&fast, &drift)].concat();
        let ratio = paired_ratio(&[(&slow, &fast)], &Rounds::new(&rows), 1).unwrap();
        assert_eq!(ratio.interval, Some((2.0, 2.0)));
        assert!(ratio.differs());
        assert_eq!(paired_ratio(&[(&slow, &fast)], &Rounds::new(&rows[..2]), 1).unwrap().interval, None);
        assert_eq!(paired_ratio(&[], &Rounds::default(), 1), None);
    }
}
