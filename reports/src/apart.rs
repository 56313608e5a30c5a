//! Times of one run over those of another, which was made at another moment.
//!
//! Between two moments a machine becomes slower or faster as a whole, so a ratio is corrected by what is the same in both runs: the
//! *controls* of a cell are the hand-written cells of its suite and size, which were measured in the same rounds. The law is
//!
//! ```text
//! ln ratio = ln (new ÷ base) − mean over controls of ln (new ÷ base)
//! ```
//!
//! Hand-written cells themselves, preparations, and cells without a control are not corrected; so what slows the kernels down still shows.
//! A cell of one thread is judged by the time for which the thread ran on a core, if both runs know it: what else the machine was
//! doing meanwhile is not in it. Otherwise it is judged by the clock.
//!
//! The interval is a percentile bootstrap: rounds of each run are drawn by themselves, each with the cell and its controls
//! in it, so that drift within a run cancels too. Fewer than [`FEWEST`] rounds have no interval.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::derive::{Ratio, Rounds, SplitMix, finished_ns, is_preparation, median};
use crate::rows::{Cell, HANDWRITTEN, Key};
use crate::run::Run;

/// The fewest rounds from which an interval between runs is made.
pub(crate) const FEWEST: usize = 7;

/// Resamplings behind each interval.
const RESAMPLES: usize = 1000;

/// Two runs side by side.
pub(crate) struct Apart<'a> {
    cells: [HashMap<&'a Key, &'a Cell>; 2],
    rounds: [Rounds; 2],
    busy: [Rounds; 2],
    controls: HashMap<Key, Vec<&'a Key>>,
    seed: u64,
}

/// The times of one cell in both runs, by round.
type Series = [Vec<f64>; 2];

impl<'a> Apart<'a> {
    /// The base and the new run.
    pub(crate) fn new(base: &'a Run, new: &'a Run) -> Self {
        let cells = [base, new].map(|run| run.cells.iter().map(|cell| (&cell.key, cell)).collect());
        let rounds = [base, new].map(|run| Rounds::new(&run.samples));
        let busy = [base, new].map(|run| Rounds::busy(&run.samples));
        let mut apart = Apart { cells, rounds, busy, controls: HashMap::new(), seed: base.manifest.seed };
        for cell in base.cells.iter().filter(|cell| cell.key.strategy == HANDWRITTEN && !is_preparation(cell)) {
            if apart.raw(&cell.key).is_some() {
                apart.controls.entry(block(&cell.key)).or_default().push(&cell.key);
            }
        }
        apart
    }

    /// The logarithm of the ratio of medians, as it is.
    fn raw(&self, key: &Key) -> Option<f64> {
        let [base, new] = self.judged(key)?;
        Some((new / base).ln())
    }

    /// The medians that are judged; `None` if a run did not finish the cell.
    pub(crate) fn judged(&self, key: &Key) -> Option<[f64; 2]> {
        let [base, new] = &self.cells;
        let (base, new) = (base.get(key)?, new.get(key)?);
        let by_clock = [finished_ns(base)?, finished_ns(new)?];
        Some(if self.is_busy(key) { [base.median_busy_ns?, new.median_busy_ns?] } else { by_clock })
    }

    /// Whether a cell is judged by the time on a core.
    pub(crate) fn is_busy(&self, key: &Key) -> bool {
        let knows = |cells: &HashMap<&Key, &Cell>| cells.get(key).is_some_and(|cell| cell.median_busy_ns > Some(0.0));
        self.cells.iter().all(knows)
    }

    /// What a cell is corrected by.
    fn controls(&self, key: &Key) -> &[&'a Key] {
        let corrected = key.strategy != HANDWRITTEN && !key.function.starts_with(crate::rows::PREPARE);
        self.controls.get(&block(key)).filter(|_| corrected).map_or(&[], Vec::as_slice)
    }

    /// The logarithm of what the controls of a cell say of the machine; 0 without any.
    pub(crate) fn correction(&self, key: &Key) -> f64 {
        let controls = self.controls(key);
        controls.iter().filter_map(|control| self.raw(control)).sum::<f64>() / controls.len().max(1) as f64
    }

    /// The logarithm of a cell's ratio; `None` if a run did not finish it.
    pub(crate) fn log_ratio(&self, key: &Key) -> Option<f64> {
        Some(self.raw(key)? - self.correction(key))
    }

    /// The median of the ratios of some cells, which both runs finished: a few cells that happen to lie badly in memory do not
    /// move it.
    pub(crate) fn typical(&self, keys: &[&Key]) -> Option<f64> {
        let mut logs: Vec<f64> = keys.iter().filter_map(|key| self.log_ratio(key)).collect();
        (!logs.is_empty()).then(|| median(&mut logs).exp())
    }

    /// The median of the ratios of some cells, which both runs finished, with its interval.
    pub(crate) fn ratio(&self, keys: &[&Key]) -> Ratio {
        let mut parts: IndexMap<Key, (Vec<Series>, Vec<Series>)> = IndexMap::new();
        for key in keys {
            let (cells, controls) = parts.entry(block(key)).or_default();
            cells.push(self.series(key));
            if controls.is_empty() {
                controls.extend(self.controls(key).iter().map(|control| self.series(control)));
            }
        }
        let parts: Vec<(Vec<Series>, Vec<Series>)> = parts.into_values().collect();
        let enough = |series: &Series| series.iter().all(|times| times.len() >= FEWEST);
        let enough = parts.iter().all(|(cells, controls)| cells.iter().chain(controls).all(enough));
        let ratio = self.typical(keys).unwrap_or(1.0);
        Ratio { ratio, interval: (enough && !parts.is_empty()).then(|| bootstrap(&parts, self.seed)) }
    }

    fn series(&self, key: &Key) -> Series {
        let rounds = if self.is_busy(key) { &self.busy } else { &self.rounds };
        [0, 1].map(|side| rounds[side].times(key))
    }
}

/// What a cell is measured together with: the key without function and strategy.
pub(crate) fn block(key: &Key) -> Key {
    let Key { suite, size, kernels, threads, .. } = key.clone();
    Key { suite, size, kernels, threads, ..Key::default() }
}

/// The 2.5th and 97.5th percentile of the median ratio over the cells of all parts.
fn bootstrap(parts: &[(Vec<Series>, Vec<Series>)], seed: u64) -> (f64, f64) {
    let mut random = SplitMix(seed);
    let mut ratios: Vec<f64> = (0..RESAMPLES).map(|_| median(&mut resampled(parts, &mut random)).exp()).collect();
    ratios.sort_by(f64::total_cmp);
    (ratios[RESAMPLES / 40], ratios[RESAMPLES - 1 - RESAMPLES / 40])
}

/// The logarithms of the ratios of all cells, with the rounds of each part and run drawn anew.
fn resampled(parts: &[(Vec<Series>, Vec<Series>)], random: &mut SplitMix) -> Vec<f64> {
    let mut all = Vec::new();
    let mut drawn = Vec::new();
    for (cells, controls) in parts {
        let mut logs = vec![0.0; cells.len()];
        for (side, sign) in [(0, -1.0), (1, 1.0)] {
            let rounds = cells.iter().chain(controls).map(|series| series[side].len()).max().unwrap_or(0);
            let places: Vec<usize> = (0..rounds).map(|_| random.below(rounds)).collect();
            let mut log = |series: &Series| {
                let times = &series[side];
                drawn.clear();
                drawn.extend(places[..times.len()].iter().map(|place| times[place % times.len()]));
                median(&mut drawn).ln()
            };
            let machine = controls.iter().map(&mut log).sum::<f64>() / controls.len().max(1) as f64;
            logs.iter_mut().zip(cells).for_each(|(sum, series)| *sum += sign * (log(series) - machine));
        }
        all.extend(logs);
    }
    all
}
