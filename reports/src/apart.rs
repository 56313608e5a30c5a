//! Times of one run over those of another, which was made at another moment.
//!
//! Between two moments a machine becomes slower or faster as a whole, so a ratio is corrected by what is the same in
//! both runs: the *controls* of a cell are the hand-written cells of its suite and size, which were measured in the same
//! rounds. The law is
//!
//! ```text
//! ln ratio = log(new) − log(base)
//! log(run) = ln quartile(cell) − mean over controls of ln quartile(control)
//! ```
//!
//! where `quartile` is the lower quartile of the times over rounds. What others do on a machine makes code slower and never
//! faster, and some code more than other, so that a control does not tell by how much: two medians are as far apart as the
//! crowds that their runs met. The quarter of the rounds that were disturbed least are alike from run to run, if a run
//! lasts longer than the disturbances. Where a run has fewer than [`FEWEST`] rounds, the medians of the cells stand for the
//! quartiles. Hand-written cells themselves, preparations, and cells without a control are not corrected; so what slows the
//! kernels down still shows. A cell of one thread is judged by the time for which the thread ran on a core, if both runs
//! know it: what else the machine was doing meanwhile is not in it. Otherwise it is judged by the clock.
//!
//! The interval is a percentile bootstrap in two steps (Davison and Hinkley, *Bootstrap Methods and their Application*, 1997,
//! §3.8), for the rounds of one process are more alike than those of two: of each block of each run turns are drawn, and of
//! each of these rounds, all cells of the block in them. A turn begins with rounds of warm-up; the rounds of a run that has
//! none are one turn. Fewer than [`FEWEST`] rounds have no interval.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::derive::{Map, Ratio, Rounds, SplitMix, finished_ns, is_preparation, median};
use crate::rows::{Cell, HANDWRITTEN, Key, PREPARE, Sample};
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
    warmups: [Warmups<'a>; 2],
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

/// The rounds of warm-up of each block.
type Warmups<'a> = FxHashMap<Block<'a>, BTreeSet<u32>>;

/// The logarithms of the times of one cell in both runs, a place for each round of its block; what is no number was not
/// measured.
type Series = [Vec<f64>; 2];

/// Cells of a block that are judged by one clock.
struct Part {
    cells: Vec<Series>,
    controls: Vec<Series>,
    /// The places of the rounds of each turn, in both runs.
    turns: [Vec<Vec<usize>>; 2],
}

impl<'a> Apart<'a> {
    /// The base and the new run.
    pub(crate) fn new(base: &'a Run, new: &'a Run) -> Self {
        let known: FxHashMap<&Key, &Cell> = new.cells.iter().map(|cell| (&cell.key, cell)).collect();
        let pair = |cell: &'a Cell| Some((&cell.key, Pair::of(cell, known.get(&cell.key)?)?));
        let pairs: FxHashMap<&Key, Pair> = base.cells.iter().filter_map(pair).collect();
        let rounds = [base, new].map(|run| Rounds::new(&run.samples));
        let busy = [base, new].map(|run| Rounds::busy(&run.samples));
        let warmups = [base, new].map(|run| warmups(&run.samples));
        let mut controls: FxHashMap<Block, Controls> = FxHashMap::default();
        let by_hand = base.cells.iter().filter(|cell| cell.key.strategy == HANDWRITTEN && !is_preparation(cell));
        for key in by_hand.map(|cell| &cell.key).filter(|key| pairs.contains_key(key)) {
            controls.entry(block(key)).or_default().keys.push(key);
        }
        for Controls { keys, log } in controls.values_mut() {
            *log = keys.iter().map(|key| pairs[key].log_ratio()).sum::<f64>() / keys.len() as f64;
        }
        let mut apart = Apart { pairs, rounds, busy, warmups, controls, seed: base.manifest.seed };
        let logs: Vec<(&Key, f64)> = apart.pairs.keys().map(|key| (*key, apart.corrected(key))).collect();
        for (key, log) in logs {
            apart.pairs.get_mut(key).expect("it is one of them").log = log;
        }
        apart
    }

    /// The law above.
    fn corrected(&self, key: &Key) -> f64 {
        let part = self.part(&[key]);
        if part.has_enough() {
            part.ratios(&part.all_rounds())[0]
        } else {
            self.pairs[key].log_ratio() - self.correction(key)
        }
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
        let corrected = key.strategy != HANDWRITTEN && !key.function.starts_with(PREPARE);
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
        let mut parts: Map<(Block, bool, bool), Vec<&Key>> = Map::default();
        for key in keys {
            parts.entry((block(key), self.is_busy(key), self.is_corrected(key))).or_default().push(key);
        }
        let parts: Vec<Part> = parts.values().map(|keys| self.part(keys)).collect();
        let enough = parts.iter().all(Part::has_enough);
        let ratio = self.typical(keys).unwrap_or(1.0);
        Ratio { ratio, interval: (enough && !parts.is_empty()).then(|| bootstrap(&parts, self.seed)) }
    }

    /// Whether several processes measured each of these cells, in both runs.
    pub(crate) fn are_of_several_processes(&self, keys: &[&Key]) -> bool {
        let mut blocks: Map<Block, &Key> = Map::default();
        blocks.extend(keys.iter().map(|key| (block(key), *key)));
        blocks.values().all(|key| self.part(&[key]).turns.iter().all(|turns| turns.len() > 1))
    }

    /// The logarithms of some cells of a block, which are judged alike, and of their controls. Rounds that a control lacks are
    /// left out.
    fn part(&self, keys: &[&Key]) -> Part {
        let by_hand = self.controls(keys[0]).map_or(&[][..], |controls| &controls.keys);
        let is_busy = self.is_busy(keys[0]);
        let rounds = [0, 1].map(|side| self.rounds_of(side, by_hand.iter().chain(keys)));
        let logs = |key: &Key| [0, 1].map(|side| self.logs(side, key, is_busy, &rounds[side]));
        let controls: Vec<Series> = by_hand.iter().map(|key| logs(key)).collect();
        // Preparations are timed by one process, in rounds of their own.
        let is_preparation = keys[0].function.starts_with(PREPARE);
        let warmups = |side: usize| self.warmups[side].get(&block(keys[0])).filter(|_| !is_preparation);
        let turns = [0, 1].map(|side| {
            let measured = |place: &usize| controls.iter().all(|control| !control[side][*place].is_nan());
            let places = (0..rounds[side].len()).filter(measured).map(|place| (place, rounds[side][place]));
            in_turns(places, warmups(side))
        });
        Part { cells: keys.iter().map(|key| logs(key)).collect(), controls, turns }
    }

    /// The rounds in which any of these was measured, in order.
    fn rounds_of<'k>(&self, side: usize, keys: impl Iterator<Item = &'k &'k Key>) -> Vec<u32> {
        let rounds: BTreeSet<u32> =
            keys.filter_map(|key| self.rounds[side].of(key)).flat_map(|of| of.keys()).copied().collect();
        rounds.into_iter().collect()
    }

    fn logs(&self, side: usize, key: &Key, is_busy: bool, rounds: &[u32]) -> Vec<f64> {
        let times = if is_busy { &self.busy[side] } else { &self.rounds[side] }.of(key);
        rounds.iter().map(|round| times.and_then(|times| times.get(round)).map_or(f64::NAN, |time| time.ln())).collect()
    }
}

/// The rounds of warm-up of each block.
fn warmups(samples: &[Sample]) -> Warmups<'_> {
    let mut all = Warmups::default();
    for sample in samples.iter().filter(|sample| sample.warmup) {
        all.entry(block(&sample.key)).or_default().insert(sample.round);
    }
    all
}

/// The places of each turn, which are given with their rounds: a turn is what lies between two rounds of warm-up.
fn in_turns(places: impl Iterator<Item = (usize, u32)>, warmups: Option<&BTreeSet<u32>>) -> Vec<Vec<usize>> {
    let mut turns: Map<usize, Vec<usize>> = Map::default();
    for (place, round) in places {
        let turn = warmups.map_or(0, |warmups| warmups.range(..round).count());
        turns.entry(turn).or_default().push(place);
    }
    turns.into_values().collect()
}

impl Part {
    /// Whether each cell has enough rounds for an interval, in both runs.
    fn has_enough(&self) -> bool {
        let measured = |cell: &Series, side: usize| {
            self.turns[side].iter().flatten().filter(|round| !cell[side][**round].is_nan()).count()
        };
        self.cells.iter().all(|cell| [0, 1].iter().all(|side| measured(cell, *side) >= FEWEST))
    }

    /// The rounds of both runs.
    fn all_rounds(&self) -> [Vec<usize>; 2] {
        self.turns.each_ref().map(|turns| turns.concat())
    }

    /// Turns of both runs, drawn anew, and in each as many of its rounds.
    fn drawn(&self, random: &mut SplitMix) -> [Vec<usize>; 2] {
        self.turns.each_ref().map(|turns| {
            let mut rounds = Vec::new();
            for _ in turns {
                let turn = &turns[random.below(turns.len())];
                rounds.extend(turn.iter().map(|_| turn[random.below(turn.len())]));
            }
            rounds
        })
    }

    /// The law, for each cell, over these rounds of both runs.
    fn ratios(&self, rounds: &[Vec<usize>; 2]) -> Vec<f64> {
        let quartile = |series: &Series, side: usize| {
            let of = |rounds: &[usize]| {
                let mut logs: Vec<f64> = rounds.iter().map(|round| series[side][*round]).collect();
                logs.retain(|log| !log.is_nan());
                lower_quartile(&mut logs)
            };
            // A cell that was measured in none of the rounds that were drawn has all of its own.
            of(&rounds[side]).or_else(|| of(&self.turns[side].concat())).unwrap_or(f64::NAN)
        };
        let between = |series: &Series| quartile(series, 1) - quartile(series, 0);
        let machine = self.controls.iter().map(between).sum::<f64>() / self.controls.len().max(1) as f64;
        self.cells.iter().map(|cell| between(cell) - machine).collect()
    }
}

/// The lower quartile of some numbers, which it reorders, between the two nearest in rank; `None` of none.
fn lower_quartile(values: &mut [f64]) -> Option<f64> {
    let place = values.len().checked_sub(1)? as f64 / 4.0;
    let (_, low, above) = values.select_nth_unstable_by(place as usize, f64::total_cmp);
    let next = above.iter().copied().reduce(f64::min).unwrap_or(*low);
    Some(*low + place.fract() * (next - *low))
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
fn bootstrap(parts: &[Part], seed: u64) -> (f64, f64) {
    let mut random = SplitMix(seed);
    let mut resampled = || {
        let mut logs: Vec<f64> = parts.iter().flat_map(|part| part.ratios(&part.drawn(&mut random))).collect();
        median(&mut logs).exp()
    };
    let mut ratios: Vec<f64> = (0..RESAMPLES).map(|_| resampled()).collect();
    ratios.sort_by(f64::total_cmp);
    (ratios[RESAMPLES / 40], ratios[RESAMPLES - 1 - RESAMPLES / 40])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quartile_lies_between_the_nearest_two() {
        assert_eq!(lower_quartile(&mut [5.0, 1.0, 4.0, 2.0, 3.0]), Some(2.0));
        assert_eq!(lower_quartile(&mut [4.0, 1.0, 3.0, 2.0]), Some(1.75));
        assert_eq!(lower_quartile(&mut [7.0]), Some(7.0));
        assert_eq!(lower_quartile(&mut []), None);
    }

    #[test]
    fn a_turn_is_what_lies_between_rounds_of_warm_up() {
        let turns = |rounds: &[u32], warmups: &[u32]| {
            let warmups: BTreeSet<u32> = warmups.iter().copied().collect();
            in_turns(rounds.iter().copied().enumerate(), Some(&warmups))
        };
        assert_eq!(turns(&[2, 3, 6, 7, 8], &[0, 1, 4, 5]), [vec![0, 1], vec![2, 3, 4]]);
        assert_eq!(turns(&[3, 8], &[0, 4, 7]), [[0], [1]]);
        assert_eq!(turns(&[0, 1], &[]), [[0, 1]]);
        assert_eq!(in_turns([(0, 5)].into_iter(), None), [[0]]);
    }

    /// A run of one cell in three turns of four rounds and one of warm-up, all of a turn as fast.
    fn run(turns: [f64; 3], flagged: bool) -> Run {
        let key = Key { suite: "m".into(), ..Key::default() };
        let rounds = (0..15_u32).map(|round| (round, turns[round as usize / 5] + 0.1 * f64::from(round % 2)));
        let sample = |(round, time): (u32, f64)| {
            let warmup = round.is_multiple_of(5);
            Sample { key: key.clone(), round, ns_per_iteration: time, warmup, ..Sample::default() }
        };
        let mut samples: Vec<Sample> = rounds.map(sample).collect();
        if !flagged {
            samples.retain(|sample| !sample.warmup);
        }
        let cell = Cell { key, status: crate::rows::Status::Ok, median_ns: Some(100.0), ..Cell::default() };
        Run { cells: vec![cell], samples, ..Run::default() }
    }

    #[test]
    fn the_interval_is_as_wide_as_processes_differ() {
        let width = |flagged: bool| {
            let (base, new) = (run([96.0, 100.0, 104.0], flagged), run([97.0, 99.0, 104.0], flagged));
            let (low, high) = Apart::new(&base, &new).ratio(&[&base.cells[0].key]).interval.expect("there are enough");
            high / low - 1.0
        };
        assert!(width(true) > 0.08 && width(true) > 1.3 * width(false), "{} {}", width(true), width(false));
    }

    #[test]
    fn a_crowd_in_half_of_the_rounds_moves_nothing() {
        let (quiet, mut crowded) = (run([100.0; 3], true), run([100.0; 3], true));
        crowded.samples.iter_mut().filter(|s| s.round % 5 > 2).for_each(|s| s.ns_per_iteration *= 1.5);
        let log = Apart::new(&quiet, &crowded).log_ratio(&quiet.cells[0].key).expect("both have it");
        assert!(log.abs() < 2e-3, "{log}");
    }
}
