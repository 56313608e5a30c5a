//! The stages of preparing: how long each took, from the preparations that are timed as a whole.

use adjudicate_ir::graph::Module;
use adjudicate_reports::rows::{Key, StageTime};

use super::clock::Clock;
use super::stats::Summary;

/// A stage or pass that was gone through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lap {
    /// Its name.
    pub(super) stage: String,
    /// How long it took, in nanoseconds.
    pub(super) nanos: u64,
}

/// Prepares something, and says how long each stage of it took. What watching costs is in no stage.
pub(super) fn lapped<R>(
    clock: &dyn Clock,
    prepare: impl FnOnce(&mut dyn FnMut(&str, Option<&Module>)) -> R,
) -> (R, Vec<Lap>) {
    // Room for all of them, so that keeping one takes about as long as keeping another.
    let mut laps = Vec::with_capacity(128);
    let mut since = clock.nanos();
    let result = prepare(&mut |stage, _| {
        let nanos = clock.nanos() - since;
        laps.push(Lap { stage: stage.to_owned(), nanos });
        since = clock.nanos();
    });
    (result, laps)
}

/// A row for each stage, in order: the median over preparations. All go through the same stages.
pub(super) fn rows(key: &Key, preparations: &[Vec<Lap>]) -> Vec<StageTime> {
    let row = |(place, Lap { stage, .. }): (usize, &Lap)| {
        let same = preparations.iter().filter_map(|laps| laps.get(place).filter(|lap| lap.stage == *stage));
        let nanos: Vec<f64> = same.map(|lap| lap.nanos as f64).collect();
        Some(StageTime {
            key: key.clone().into(),
            place: place as u32,
            stage: stage.clone(),
            preparations: nanos.len() as u64,
            median_ns: Summary::of(&nanos)?.median,
        })
    };
    preparations.first().into_iter().flatten().enumerate().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A clock that moves only when it is told to, and by one when it is read.
    struct Hand(Cell<u64>);

    impl Clock for Hand {
        fn nanos(&self) -> u64 {
            self.0.replace(self.0.get() + 1) + 1
        }

        fn busy_nanos(&self) -> Option<u64> {
            None
        }
    }

    #[test]
    fn a_stage_takes_what_passes_between_two_calls_and_never_what_watching_takes() {
        let clock = Hand(Cell::new(0));
        let pass = |nanos: u64| clock.0.set(clock.0.get() + nanos);
        let (result, laps) = lapped(&clock, |watch| {
            pass(100);
            watch("parse", None);
            watch("nothing", None);
            pass(30);
            watch("lower", None);
            7
        });
        assert_eq!(result, 7);
        let lap = |stage: &str, nanos| Lap { stage: stage.to_owned(), nanos };
        assert_eq!(laps, [lap("parse", 101), lap("nothing", 1), lap("lower", 31)]);
    }

    #[test]
    fn a_row_is_the_median_of_a_place_over_preparations() {
        let laps = |times: [u64; 3]| ["fold", "cse", "fold"].into_iter().zip(times);
        let laps = |times| laps(times).map(|(stage, nanos)| Lap { stage: stage.to_owned(), nanos }).collect();
        let rows = rows(&Key::default(), &[laps([1, 20, 300]), laps([3, 10, 200]), laps([2, 90, 100])]);
        let found: Vec<_> = rows.iter().map(|row| (row.place, &*row.stage, row.preparations, row.median_ns)).collect();
        assert_eq!(found, [(0, "fold", 3, 2.0), (1, "cse", 3, 20.0), (2, "fold", 3, 200.0)]);
        assert_eq!(super::rows(&Key::default(), &[]), []);
    }
}
