//! Times of one run over those of another, which was made at another moment.
//!
//! Between two moments a machine becomes slower or faster as a whole, so a ratio is corrected by what is the same in
//! both runs: the *controls* of a cell are the hand-written cells of its suite and size, which were measured in the same
//! rounds. The law is
//!
//! ```text
//! ln ratio = medianₙ log(new, n) − medianₙ log(base, n)
//! log(run, n) = ln (time of the cell in round n) − mean over controls of ln (time of the control in round n)
//! ```
//!
//! So what slows a machine down for a few rounds cancels too. Where a run has fewer than [`FEWEST`] rounds, the medians
//! over rounds stand for the times of a round. Hand-written cells themselves, preparations, and cells without a control
//! are not corrected; so what slows the kernels down still shows. A cell of one thread is judged by the time for which
//! the thread ran on a core, if both runs know it: what else the machine was doing meanwhile is not in it. Otherwise it
//! is judged by the clock.
//!
//! The interval is a percentile bootstrap: rounds of each run are drawn by themselves, each with the cell and its controls
//! in it. Fewer than [`FEWEST`] rounds have no interval.

use rustc_hash::FxHashMap;

use crate::derive::{Map, Ratio, Rounds, SplitMix, finished_ns, is_preparation, median};
use crate::rows::{Cell, HANDWRITTEN, Key};
use crate::run::Run;

/// The fewest rounds from which an interval between runs is made.
pub(crate) const FEWEST: usize = 7;

/// Resamplings behind each interval.
const RESAMPLES: usize = 1000;

/// Two runs side by side.
pub(crate) struct Apart<'a> {
    pairs: FxHashMap<&'a Key, Pair>,
    rounds: [Rounds<'a>; 2],
    busy: [Rounds<'a>; 2],
    controls: FxHashMap<Block<'a>, Controls<'a>>,
    seed: u64,
}

/// A cell that both runs finished.
struct Pair {
    /// The medians that are judged.
    medians: [f64; 2],
    /// Whether they are of the time on a core.
    is_busy: bool,
    /// The logarithm of the ratio, corrected.
    log: f64,
}

/// The hand-written cells of a block.
#[derive(Default)]
struct Controls<'a> {
    keys: Vec<&'a Key>,
    /// The mean of the logarithms of their ratios.
    log: f64,
}

/// What a cell is measured together with: suite, size, kernels and threads.
pub(crate) type Block<'a> = (&'a str, &'a str, &'a str, u32);

/// The logarithms of one cell in both runs, by round.
type Series = [Vec<f64>; 2];

impl<'a> Apart<'a> {
    /// The base and the new run.
    pub(crate) fn new(base: &'a Run, new: &'a Run) -> Self {
        let known: FxHashMap<&Key, &Cell> = new.cells.iter().map(|cell| (&cell.key, cell)).collect();
        let pair = |cell: &'a Cell| Some((&cell.key, Pair::of(cell, known.get(&cell.key)?)?));
        let pairs: FxHashMap<&Key, Pair> = base.cells.iter().filter_map(pair).collect();
        let rounds = [base, new].map(|run| Rounds::new(&run.samples));
        let busy = [base, new].map(|run| Rounds::busy(&run.samples));
        let mut controls: FxHashMap<Block, Controls> = FxHashMap::default();
        let by_hand = base.cells.iter().filter(|cell| cell.key.strategy == HANDWRITTEN && !is_preparation(cell));
        for key in by_hand.map(|cell| &cell.key).filter(|key| pairs.contains_key(key)) {
            controls.entry(block(key)).or_default().keys.push(key);
        }
        for Controls { keys, log } in controls.values_mut() {
            *log = keys.iter().map(|key| pairs[key].log_ratio()).sum::<f64>() / keys.len() as f64;
        }
        let mut apart = Apart { pairs, rounds, busy, controls, seed: base.manifest.seed };
        let logs: Vec<(&Key, f64)> = apart.pairs.keys().map(|key| (*key, apart.corrected(key))).collect();
        for (key, log) in logs {
            apart.pairs.get_mut(key).expect("it is one of them").log = log;
        }
        apart
    }

    /// The law above.
    fn corrected(&self, key: &Key) -> f64 {
        let series = self.series(key);
        if series.iter().any(|logs| logs.len() < FEWEST) {
            return self.pairs[key].log_ratio() - self.correction(key);
        }
        let [base, new] = series.map(|mut logs| median(&mut logs));
        new - base
    }

    /// The medians that are judged; `None` if a run did not finish the cell.
    pub(crate) fn judged(&self, key: &Key) -> Option<[f64; 2]> {
        self.pairs.get(key).map(|pair| pair.medians)
    }

    /// Whether a cell is judged by the time on a core.
    pub(crate) fn is_busy(&self, key: &Key) -> bool {
        self.pairs.get(key).is_some_and(|pair| pair.is_busy)
    }

    /// What a cell is corrected by.
    fn controls<'k>(&'k self, key: &'k Key) -> Option<&'k Controls<'k>> {
        let corrected = key.strategy != HANDWRITTEN && !key.function.starts_with(crate::rows::PREPARE);
        corrected.then(|| self.controls.get(&block(key)))?
    }

    /// Whether a cell is corrected by hand-written code.
    pub(crate) fn is_corrected(&self, key: &Key) -> bool {
        self.controls(key).is_some()
    }

    /// The logarithm of what the controls of a cell say of the machine; 0 without any.
    pub(crate) fn correction(&self, key: &Key) -> f64 {
        self.controls(key).map_or(0.0, |controls| controls.log)
    }

    /// The logarithm of a cell's ratio; `None` if a run did not finish it.
    pub(crate) fn log_ratio(&self, key: &Key) -> Option<f64> {
        Some(self.pairs.get(key)?.log)
    }

    /// The median of the ratios of some cells, which both runs finished: a few cells that happen to lie badly in memory do not
    /// move it.
    pub(crate) fn typical(&self, keys: &[&Key]) -> Option<f64> {
        let mut logs: Vec<f64> = keys.iter().filter_map(|key| self.log_ratio(key)).collect();
        (!logs.is_empty()).then(|| median(&mut logs).exp())
    }

    /// The median of the ratios of some cells, which both runs finished, with its interval.
    pub(crate) fn ratio(&self, keys: &[&Key]) -> Ratio {
        let mut parts: Map<Block, Vec<Series>> = Map::default();
        for key in keys {
            parts.entry(block(key)).or_default().push(self.series(key));
        }
        let parts: Vec<Vec<Series>> = parts.into_values().collect();
        let enough = parts.iter().flatten().flatten().all(|logs| logs.len() >= FEWEST);
        let ratio = self.typical(keys).unwrap_or(1.0);
        Ratio { ratio, interval: (enough && !parts.is_empty()).then(|| bootstrap(&parts, self.seed)) }
    }

    /// The logarithms of a cell, each less the mean of its controls in the same round; rounds that a control lacks are left out.
    fn series(&self, key: &Key) -> Series {
        let controls = self.controls(key).map_or(&[][..], |controls| &controls.keys);
        [0, 1].map(|side| {
            let of = |key: &Key| if self.is_busy(key) { &self.busy[side] } else { &self.rounds[side] }.of(key);
            let controls: Vec<_> = controls.iter().map(|control| of(control)).collect();
            let machine = |round: u32| {
                let logs = controls.iter().map(|times| Some((*times)?.get(&round)?.ln()));
                logs.sum::<Option<f64>>().map(|sum| sum / controls.len().max(1) as f64)
            };
            let rounds = of(key).into_iter().flatten();
            rounds.filter_map(|(round, time)| Some(time.ln() - machine(*round)?)).collect()
        })
    }
}

impl Pair {
    /// `None` if a run did not finish the cell.
    fn of(base: &Cell, new: &Cell) -> Option<Self> {
        let by_clock = [finished_ns(base)?, finished_ns(new)?];
        let on_a_core = [base, new].map(|cell| cell.median_busy_ns.filter(|ns| *ns > 0.0));
        Some(match on_a_core {
            [Some(base), Some(new)] => Pair { medians: [base, new], is_busy: true, log: 0.0 },
            _ => Pair { medians: by_clock, is_busy: false, log: 0.0 },
        })
    }

    /// The logarithm of the ratio of medians, as it is.
    fn log_ratio(&self) -> f64 {
        let [base, new] = self.medians;
        (new / base).ln()
    }
}

/// What a cell is measured together with.
pub(crate) fn block(key: &Key) -> Block<'_> {
    (&key.suite, &key.size, &key.kernels, key.threads)
}

/// The 2.5th and 97.5th percentile of the median ratio over the cells of all parts.
fn bootstrap(parts: &[Vec<Series>], seed: u64) -> (f64, f64) {
    let mut random = SplitMix(seed);
    let mut ratios: Vec<f64> = (0..RESAMPLES).map(|_| median(&mut resampled(parts, &mut random)).exp()).collect();
    ratios.sort_by(f64::total_cmp);
    (ratios[RESAMPLES / 40], ratios[RESAMPLES - 1 - RESAMPLES / 40])
}

/// The logarithms of the ratios of all cells, with the rounds of each part and run drawn anew.
fn resampled(parts: &[Vec<Series>], random: &mut SplitMix) -> Vec<f64> {
    let mut all = Vec::new();
    let mut drawn = Vec::new();
    for cells in parts {
        let mut ratios = vec![0.0; cells.len()];
        for (side, sign) in [(0, -1.0), (1, 1.0)] {
            let rounds = cells.iter().map(|series| series[side].len()).max().unwrap_or(0);
            let places: Vec<usize> = (0..rounds).map(|_| random.below(rounds)).collect();
            for (sum, series) in ratios.iter_mut().zip(cells) {
                let logs = &series[side];
                drawn.clear();
                drawn.extend(places[..logs.len()].iter().map(|place| logs[place % logs.len()]));
                *sum += sign * median(&mut drawn);
            }
        }
        all.extend(ratios);
    }
    all
}
