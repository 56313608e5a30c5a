//! The history of a program's runs: one JSON line for each, appended and never changed, and when something changed.
//!
//! A *series* is one number of one cell from run to run: its median time, or one of its counts. Times are compared only between runs
//! on one CPU under one profile; counts are the same everywhere. A count has a *change point* wherever it changes. The times
//! of the last [`WINDOW`] runs have one where a stretch of them stands out more than chance makes it (circular binary
//! segmentation: Olshen and others, *Biostatistics* 5, 2004): the greatest scaled difference of mean logarithms inside and
//! outside of a stretch is compared with that of shuffled series, at 1 %, and the medians must differ by 3 %. The parts are then
//! searched in turn. A stretch, and what is outside of it, has at least [`SIDE`] runs.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare::counted;
use crate::derive::{finished_ns, is_preparation, median};
use crate::files::{ReadError, Warning, broken_json};
use crate::rows::{Key, Manifest, SCHEMA_VERSION, Valid};
use crate::run::Run;

/// The runs in which changes of times are looked for.
pub const WINDOW: usize = 100;
/// The fewest runs on either side of a change of times.
pub const SIDE: usize = 4;
/// The least change of a time.
const LEAST: f64 = 0.03;
/// Shuffled series that a split is compared with, and how many of them may be as good as it.
const SHUFFLES: usize = 499;
const AS_GOOD: usize = 4;

/// What is called when the number of a series is a time.
pub const TIME: &str = "time";

/// A run in the history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// Names the run.
    pub run_id: String,
    /// Commit it was built from; empty if unknown.
    #[serde(default)]
    pub commit: String,
    /// When it began, as RFC 3339 in UTC.
    #[serde(default)]
    pub started: String,
    /// `quick`, `default` or `paper`.
    #[serde(default)]
    pub profile: String,
    /// Model of the CPU.
    #[serde(default)]
    pub cpu: String,
    /// Its cells that were right.
    pub cells: Vec<Point>,
}

/// A cell in the history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// The cell.
    #[serde(flatten)]
    pub key: Key,
    /// Median time of one evaluation, in nanoseconds.
    #[serde(default)]
    pub median_ns: Option<f64>,
    /// What was counted: names and numbers.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
}

/// When a number of a cell changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ChangePoint {
    /// The first run with the new number.
    pub run_id: String,
    /// Its commit.
    pub commit: String,
    /// The cell.
    pub cell: Key,
    /// [`TIME`], or what was counted.
    pub what: String,
    /// The median of the series before, up to the change before this one; a count itself.
    pub before: f64,
    /// The median after, up to the next change.
    pub after: f64,
}

/// The history of a program, oldest run first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The runs.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// What is kept of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let Manifest { run_id, commit, started, profile, machine, .. } = run.manifest.clone();
        let right = run.cells.iter().filter(|cell| cell.valid == Valid::True && !is_preparation(cell));
        let point = |cell: &crate::rows::Cell| {
            let counts = counted(cell).map(|(name, number)| (name.to_owned(), number)).collect();
            Point { key: cell.key.clone(), median_ns: finished_ns(cell), counts }
        };
        let cells = right.map(point).collect();
        Entry { schema_version: SCHEMA_VERSION, run_id, commit, started, profile, cpu: machine.cpu, cells }
    }

    /// The entry as the line that is appended, with its line end.
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("an entry has string keys and no failing serialisers") + "\n"
    }

    /// What times must share to be compared.
    fn circumstances(&self) -> (&str, &str) {
        (&self.cpu, &self.profile)
    }
}

impl History {
    /// Reads a history. A last line that breaks off is left out, and said.
    ///
    /// # Errors
    /// A line that is no entry, of a newer schema, or of a run that is there already.
    pub fn read(bytes: &[u8], file: &str) -> Result<(History, Option<Warning>), ReadError> {
        let mut entries: Vec<Entry> = Vec::new();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for (index, line) in lines.iter().enumerate() {
            let number = index as u64 + 1;
            if !line.ends_with(b"\n") {
                let found = "the file breaks off in this line, so its run is left out".to_owned();
                return Ok((History { entries }, Some(Warning { file: file.to_owned(), line: number, found })));
            }
            let at = |column: &str, wrong: String| ReadError {
                file: file.to_owned(),
                line: number,
                column: column.to_owned(),
                wrong,
            };
            let entry: Entry = serde_json::from_slice(line)
                .map_err(|error| ReadError { line: number, ..broken_json(&error, file) })?;
            check(&entry).map_err(|(column, wrong)| at(column, wrong))?;
            if entries.iter().any(|other| other.run_id == entry.run_id) {
                return Err(at("run_id", format!("run {} is there twice", entry.run_id)));
            }
            entries.push(entry);
        }
        Ok((History { entries }, None))
    }

    /// The times of a cell in the runs that compare with the newest, by the places of those runs.
    #[must_use]
    pub fn times(&self) -> IndexMap<&Key, Vec<(usize, f64)>> {
        let Some(newest) = self.entries.last() else { return IndexMap::new() };
        let alike = self.entries.iter().enumerate().filter(|(_, e)| e.circumstances() == newest.circumstances());
        let mut series: IndexMap<&Key, Vec<(usize, f64)>> = IndexMap::new();
        for (place, entry) in alike {
            for (point, ns) in entry.cells.iter().filter_map(|point| Some((point, point.median_ns?))) {
                series.entry(&point.key).or_default().push((place, ns));
            }
        }
        series
    }

    /// How many runs do not compare in time with the newest.
    #[must_use]
    pub fn others(&self) -> usize {
        let newest = self.entries.last().map(Entry::circumstances);
        self.entries.iter().filter(|entry| Some(entry.circumstances()) != newest).count()
    }

    /// Every change point, oldest first.
    #[must_use]
    pub fn changes(&self) -> Vec<ChangePoint> {
        let mut changes = self.count_changes();
        for (key, series) in self.times() {
            let series = &series[series.len().saturating_sub(WINDOW)..];
            let logs: Vec<f64> = series.iter().map(|(_, ns)| ns.ln()).collect();
            let cuts = cuts(&logs);
            for (index, cut) in cuts.iter().enumerate() {
                let from = index.checked_sub(1).map_or(0, |before| cuts[before]);
                let to = cuts.get(index + 1).copied().unwrap_or(series.len());
                let typical = |part: &[(usize, f64)]| median(&mut part.iter().map(|(_, ns)| *ns).collect::<Vec<_>>());
                let (before, after) = (typical(&series[from..*cut]), typical(&series[*cut..to]));
                changes.push((series[*cut].0, self.change(series[*cut].0, key, TIME, (before, after))));
            }
        }
        changes.sort_by_key(|(place, _)| *place);
        changes.into_iter().map(|(_, change)| change).collect()
    }

    fn count_changes(&self) -> Vec<(usize, ChangePoint)> {
        let mut known: IndexMap<(&Key, &str), u64> = IndexMap::new();
        let mut changes = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            for point in &entry.cells {
                for (what, number) in &point.counts {
                    let before = known.insert((&point.key, what), *number);
                    if let Some(before) = before.filter(|before| before != number) {
                        let numbers = (before as f64, *number as f64);
                        changes.push((place, self.change(place, &point.key, what, numbers)));
                    }
                }
            }
        }
        changes
    }

    fn change(&self, place: usize, key: &Key, what: &str, (before, after): (f64, f64)) -> ChangePoint {
        let Entry { run_id, commit, .. } = self.entries[place].clone();
        ChangePoint { run_id, commit, cell: key.clone(), what: what.to_owned(), before, after }
    }
}

/// What of an entry cannot be: the field and what is wrong with it.
fn check(entry: &Entry) -> Result<(), (&'static str, String)> {
    let version = entry.schema_version;
    if version == 0 || version > SCHEMA_VERSION {
        return Err((
            "schema_version",
            format!("schema version {version}, but this program reads 1 to {SCHEMA_VERSION}"),
        ));
    }
    let odd = entry.cells.iter().find(|point| point.median_ns.is_some_and(|ns| !(ns.is_finite() && ns > 0.0)));
    odd.map_or(Ok(()), |point| Err(("median_ns", format!("{} has a time that is none", point.key))))
}

/// Where a series changes: the places of the first of each part but the first part.
fn cuts(series: &[f64]) -> Vec<usize> {
    let Some(best) = stretch(series) else { return Vec::new() };
    let mut shuffled = series.to_vec();
    let mut random = crate::derive::SplitMix(series.len() as u64);
    let as_good = (0..SHUFFLES).filter(|_| {
        (1..shuffled.len()).rev().for_each(|i| shuffled.swap(i, random.below(i + 1)));
        stretch(&shuffled).is_some_and(|other| other.stands_out >= best.stands_out)
    });
    let (from, to) = (best.from, best.to);
    let outside = [&series[..from], &series[to..]].concat();
    let step = (median(&mut series[from..to].to_vec()) - median(&mut outside.clone())).abs();
    if step < LEAST.ln_1p() || as_good.count() > AS_GOOD {
        return Vec::new();
    }
    let ends = [0, from, to, series.len()];
    let within =
        |part: &[usize]| cuts(&series[part[0]..part[1]]).into_iter().map(|cut| part[0] + cut).collect::<Vec<_>>();
    let mut all: Vec<usize> = ends.windows(2).flat_map(within).collect();
    all.extend([from, to].into_iter().filter(|cut| (1..series.len()).contains(cut)));
    all.sort_unstable();
    all
}

/// A part of a series, and how much it stands out from the rest.
struct Stretch {
    from: usize,
    to: usize,
    stands_out: f64,
}

/// The stretch that stands out most.
fn stretch(series: &[f64]) -> Option<Stretch> {
    let n = series.len();
    let mut sums = vec![0.0];
    series.iter().for_each(|x| sums.push(sums[sums.len() - 1] + x));
    let mut best: Option<Stretch> = None;
    for from in 0..n {
        for to in from + SIDE..=n {
            let (inside, outside) = (to - from, n - (to - from));
            // What is left on one side of a stretch is a part of its own.
            if outside < SIDE || (1..SIDE).contains(&from) || (1..SIDE).contains(&(n - to)) {
                continue;
            }
            let sum = sums[to] - sums[from];
            let difference = sum / inside as f64 - (sums[n] - sum) / outside as f64;
            let stands_out = difference.abs() * ((inside * outside) as f64 / n as f64).sqrt();
            if best.as_ref().is_none_or(|best| stands_out > best.stands_out) {
                best = Some(Stretch { from, to, stands_out });
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::SplitMix;

    fn noisy(n: usize, seed: u64, level: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut random = SplitMix(seed);
        let mut noise = || (0..12).map(|_| random.below(1001) as f64 / 1000.0 - 0.5).sum::<f64>();
        (0..n).map(|place| (100.0 * level(place)).ln() + 0.01 * noise()).collect()
    }

    #[test]
    fn steps_are_found_where_they_are_and_noise_has_none() {
        let quiet = (0..100).filter(|seed| !cuts(&noisy(20, *seed, |_| 1.0)).is_empty()).count();
        assert!(quiet <= 3, "{quiet} of 100");
        for seed in 0..20 {
            let found = cuts(&noisy(20, seed, |place| if place < 12 { 1.0 } else { 1.1 }));
            assert_eq!(found, [12], "seed {seed}");
            let up_and_down = cuts(&noisy(30, seed, |place| if (10..20).contains(&place) { 1.2 } else { 1.0 }));
            assert_eq!(up_and_down, [10, 20], "seed {seed}");
        }
        assert_eq!(cuts(&[0.0; 30]), Vec::<usize>::new());
        assert_eq!(cuts(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]), Vec::<usize>::new(), "too few runs");
    }

    fn history(times: &[f64]) -> History {
        let key = Key { suite: "m".into(), size: "1".into(), function: "value".into(), ..Key::default() };
        let entry = |(place, ns): (usize, &f64)| Entry {
            schema_version: 1,
            run_id: format!("run {place}"),
            cells: vec![Point {
                key: key.clone(),
                median_ns: Some(*ns),
                counts: BTreeMap::from([("flops".to_owned(), if place < 3 { 7 } else { 8 })]),
            }],
            ..Entry::default()
        };
        History { entries: times.iter().enumerate().map(entry).collect() }
    }

    #[test]
    fn a_history_reads_back_equal_and_says_what_is_wrong_with_it() {
        let history = history(&[1.0, 2.0, 3.0]);
        let text: String = history.entries.iter().map(Entry::line).collect();
        assert_eq!(History::read(text.as_bytes(), "h").unwrap(), (history.clone(), None));
        let (cut, warning) = History::read(&text.as_bytes()[..text.len() - 1], "h").unwrap();
        assert_eq!((cut.entries.len(), warning.unwrap().line), (2, 3));
        let refused = |text: String| History::read(text.as_bytes(), "h").unwrap_err().to_string();
        assert_eq!(refused(text.clone() + &text), "h:4: column run_id: run run 0 is there twice");
        assert_eq!(
            refused(text.replace("2.0", "-2.0")),
            "h:2: column median_ns: m 1 value  (, 0 threads) has a time that is none"
        );
        assert!(
            refused(text.replacen("\"schema_version\":1", "\"schema_version\":9", 1))
                .starts_with("h:1: column schema_version: ")
        );
        assert!(refused(text.replacen("\"cells\"", "\"sells\"", 1)).starts_with("h:1: column "));
    }

    #[test]
    fn counts_change_at_once_and_times_when_it_is_sure() {
        let times = [1.0, 1.01, 0.99, 1.0, 1.01, 1.0, 2.0, 2.02, 1.98, 2.0, 2.01, 2.0];
        let mut history = history(&times);
        let found: Vec<_> = history.changes().into_iter().map(|c| (c.run_id, c.what, c.before, c.after)).collect();
        let count = ("run 3".to_owned(), "flops".to_owned(), 7.0, 8.0);
        assert_eq!(found, [count.clone(), ("run 6".to_owned(), TIME.to_owned(), 1.0, 2.0)]);
        history.entries[..6].iter_mut().for_each(|entry| entry.cpu = "another".to_owned());
        assert_eq!((history.others(), history.changes().len()), (6, 1));
    }
}
