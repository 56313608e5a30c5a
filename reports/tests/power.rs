//! What comparing finds in runs that are made up: each process is some per cent fast or slow in each cell, and a crowd on the
//! machine slows strategies and hand-written code down for a few rounds, by different parts.

use adjudicate_reports::Run;
use adjudicate_reports::compare::{Again, Comparison, Judgement, Scope, compare};
use adjudicate_reports::rows::{Cell, HANDWRITTEN, Key, Manifest, Sample, Status, Valid};

const STRATEGIES: [&str; 3] = ["tape", "closure", HANDWRITTEN];
/// Rounds of a turn, with the one of warm-up.
const TURN: u32 = 6;

/// Numbers that look random.
struct Random(u64);

impl Random {
    /// In 0..1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal, of mean 0 and deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn key(size: u32, function: &str, strategy: &str) -> Key {
    let text = str::to_owned;
    let (suite, kernels) = (text("m"), text("embedded"));
    Key { suite, size: size.to_string(), function: text(function), strategy: text(strategy), kernels, threads: 1 }
}

/// Five sizes, each measured by three processes; `tape` takes so many times as long.
fn run(seed: u64, slow: f64) -> Run {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let manifest = Manifest { noise_floor: Some(0.06), typical_noise: Some(0.015), ..Manifest::default() };
    let mut run = Run { manifest, ..Run::default() };
    for size in 0..5 {
        let keys: Vec<Key> =
            ["value", "gradient"].iter().flat_map(|f| STRATEGIES.map(|strategy| key(size, f, strategy))).collect();
        for turn in 0..3 {
            let processes: Vec<f64> = keys.iter().map(|_| 1.0 + 0.015 * random.normal()).collect();
            let crowd = (random.uniform() * 12.0) as u32;
            for round in turn * TURN..(turn + 1) * TURN {
                let crowded = round % TURN >= crowd;
                for (key, process) in keys.iter().zip(&processes) {
                    let time = 1e4 * process * (1.0 + 0.01 * random.normal()) * burden(key, slow, crowded);
                    run.samples.push(sample(key, round, time));
                }
            }
        }
        run.cells.extend(keys.into_iter().map(cell));
    }
    for cell in &mut run.cells {
        let of = run.samples.iter().filter(|sample| sample.key == cell.key && !sample.warmup);
        let mut times: Vec<f64> = of.map(|sample| sample.ns_per_iteration).collect();
        times.sort_by(f64::total_cmp);
        cell.median_ns = Some(times[times.len() / 2]);
    }
    run
}

/// How many times as long a cell takes.
fn burden(key: &Key, slow: f64, crowded: bool) -> f64 {
    match (&*key.strategy, crowded) {
        ("tape", true) => 1.25 * slow,
        ("tape", false) => slow,
        (HANDWRITTEN, true) => 1.12,
        (_, true) => 1.15,
        (_, false) => 1.0,
    }
}

fn sample(key: &Key, round: u32, time: f64) -> Sample {
    let warmup = round.is_multiple_of(TURN);
    Sample {
        key: key.clone(),
        round,
        iterations: 1,
        total_ns: time,
        ns_per_iteration: time,
        warmup,
        ..Sample::default()
    }
}

fn cell(key: Key) -> Cell {
    Cell { key, status: Status::Ok, valid: Valid::True, ..Cell::default() }
}

/// The same as if one process had measured it all.
fn by_one_process(mut run: Run) -> Run {
    run.samples.retain(|sample| !sample.warmup);
    run
}

/// What is found between runs of one program and of another, with a second pass of both.
fn tried(seed: u64, slow: f64) -> Comparison {
    let [base, new, base_again, new_again] =
        [(0, 1.0), (1, slow), (2, 1.0), (3, slow)].map(|(n, slow)| run(4 * seed + n + 1, slow));
    compare(&base, &new, Some(Again { base: Some(&base_again), new: &new_again }), Scope { times: true })
}

#[test]
fn a_tenth_is_found_among_processes_and_crowds_and_nothing_else() {
    for seed in 0..20 {
        let slower = tried(seed, 1.1);
        let found: Vec<&str> = slower.of(Judgement::Regression).map(|change| &*change.of).collect();
        assert!(!found.is_empty() && found.iter().all(|of| of.contains("tape")), "{seed}: {}", slower.text());
        let same = tried(seed + 100, 1.0);
        assert_eq!(same.of(Judgement::Regression).count(), 0, "{seed}: {}", same.text());
    }
}

/// The interval does not know how much processes differ, but nothing is found where there is nothing.
#[test]
fn runs_of_one_process_are_judged_with_more_care() {
    for seed in 0..20 {
        let [base, new, base_again, new_again] = [0, 1, 2, 3].map(|n| by_one_process(run(4 * seed + n + 1001, 1.0)));
        let same =
            compare(&base, &new, Some(Again { base: Some(&base_again), new: &new_again }), Scope { times: true });
        assert_eq!(same.of(Judgement::Regression).count(), 0, "{seed}: {}", same.text());
    }
}
