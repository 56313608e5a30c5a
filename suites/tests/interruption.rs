//! What ends a run early keeps the rows so far, and the run can go on; what ends a cell early leaves a row, and the rest
//! of the run.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use adjudicate_reports::Run;
use adjudicate_reports::rows::{Key, Status};

/// Starts a long run and waits until it has taken samples.
fn started(folder: &Path) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_adjudicate"))
        .args(["run", "--suite", "cube", "--function", "gradient", "--profile", "paper", "--out"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let begin = Instant::now();
    let lines = || fs::read_to_string(folder.join("samples.csv")).map_or(0, |t| t.lines().count());
    while lines() < 5 {
        assert!(begin.elapsed() < Duration::from_secs(60), "no samples were taken");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// Runs the program to its end: its exit code and what it said.
fn run(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adjudicate"));
    let output = command.args(arguments).arg(folder).output().expect("the program starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn keys(run: &Run) -> Vec<Key> {
    run.cells.iter().map(|cell| cell.key.clone()).collect()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success());
}

fn read(folder: &Path) -> Run {
    Run::read(|file| fs::read(folder.join(file)).ok()).expect("the files are readable").0
}

#[test]
#[cfg(unix)]
fn an_interrupt_keeps_rows_and_ends_with_130() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("run");
    let child = started(&folder);
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("interrupted; the rows so far are in"), "{said}");
    let run = read(&folder);
    assert!(run.samples.len() >= 4 && !run.checks.is_empty() && !run.cells.is_empty());
}

#[test]
#[cfg(unix)]
fn a_kill_loses_at_most_the_row_in_progress() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("run");
    let mut child = started(&folder);
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(read(&folder).samples.len() >= 4);
}

/// Samples of each cell. How often something is prepared depends on how long it takes.
fn timed(run: &Run) -> usize {
    run.samples.iter().filter(|sample| !sample.key.function.starts_with("prepare:")).count()
}

const SHORT: [&str; 11] = [
    "run",
    "--suite",
    "{cube,hessian}",
    "--size",
    "{scalar,1,569x10}",
    "--function",
    "gradient",
    "--profile",
    "quick",
    "--rounds",
    "9",
];

#[test]
#[cfg(unix)]
fn a_killed_run_goes_on_to_the_same_cells_as_an_undisturbed_one() {
    let temp = tempfile::tempdir().unwrap();
    let (whole, broken) = (temp.path().join("whole"), temp.path().join("broken"));
    let (code, said) = run(&[&SHORT[..], &["--out"]].concat(), &whole);
    assert_eq!(code, Some(0), "{said}");
    let whole = read(&whole);
    for cut in [1, whole.samples.len() / 2, whole.samples.len() - 1] {
        let _ = fs::remove_dir_all(&broken);
        let mut child = Command::new(env!("CARGO_BIN_EXE_adjudicate"))
            .args(SHORT)
            .arg("--out")
            .arg(&broken)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let lines = || fs::read_to_string(broken.join("samples.csv")).map_or(0, |t| t.lines().count());
        while lines() <= cut && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        // It may have ended by itself: there are as many samples of preparations as there is time for.
        child.kill().expect("a child can be killed");
        child.wait().unwrap();
        let before = read(&broken).samples;
        let (code, said) = run(&["run", "--resume"], &broken);
        assert_eq!(code, Some(0), "{said}");
        let after = read(&broken);
        assert_eq!(keys(&after), keys(&whole));
        assert!(after.samples.starts_with(&before), "samples were taken again");
        assert_eq!(timed(&after), timed(&whole));
        assert_eq!(after.counts, whole.counts);
        assert_eq!(stages(&after), stages(&whole));
        assert_eq!((after.checks.len(), after.claims.len()), (whole.checks.len(), whole.claims.len()));
    }
}

/// The stages of preparing each cell, in order.
fn stages(run: &Run) -> Vec<(Key, u32, String)> {
    run.stages.iter().map(|row| ((*row.key).clone(), row.place, row.stage.clone())).collect()
}

#[test]
fn the_sizes_of_a_suite_take_turns() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("run");
    let (code, said) = run(&[&SHORT[..1], &["--suite", "cube"], &SHORT[3..], &["--out"]].concat(), &folder);
    assert_eq!(code, Some(0), "{said}");
    let run = read(&folder);
    let timed = run.samples.iter().filter(|sample| !sample.key.function.starts_with("prepare:"));
    let mut turns: Vec<(&str, u32)> = timed.clone().map(|sample| (&*sample.key.size, sample.round / 4)).collect();
    turns.dedup();
    assert_eq!(turns, [("scalar", 0), ("1", 0), ("scalar", 1), ("1", 1), ("scalar", 2), ("1", 2)]);
    assert!(timed.clone().all(|sample| sample.warmup == sample.round.is_multiple_of(4)), "a turn begins with warm-up");
    assert!(run.cells.iter().filter(|cell| !cell.key.function.starts_with("prepare:")).all(|c| c.samples == Some(9)));
}

#[test]
fn a_run_says_how_long_each_stage_of_preparing_took() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("run");
    let (code, said) = run(&[&SHORT[..], &["--out"]].concat(), &folder);
    assert_eq!(code, Some(0), "{said}");
    let run = read(&folder);
    let prepared = run.cells.iter().filter(|cell| cell.key.function.starts_with("prepare:"));
    let mut of_dataflow = 0;
    for cell in prepared.filter(|cell| cell.status == Status::Ok) {
        let function = cell.key.function.trim_start_matches("prepare:").to_owned();
        let key = Key { function, ..cell.key.clone() };
        let rows: Vec<_> = run.stages.iter().filter(|row| *row.key == key).collect();
        let counted = run.counts.iter().filter(|count| *count.key == key);
        let counted = counted.filter_map(|count| count.metric.strip_prefix("nodes_after:"));
        let names: Vec<&str> = std::iter::once("parse").chain(counted).chain(["lower"]).collect();
        assert!(names.len() >= 4, "{key}: {names:?}");
        assert_eq!(rows.iter().map(|row| &*row.stage).collect::<Vec<_>>(), names, "{key}");
        assert!(rows.iter().zip(0..).all(|(row, place)| row.place == place), "{key}");
        let samples = run.samples.iter().filter(|sample| sample.key == cell.key);
        let times: Vec<f64> = samples.map(|sample| sample.ns_per_iteration).collect();
        assert!(rows.iter().all(|row| row.preparations == times.len() as u64), "{key}");
        // No stage takes longer in the middle of preparations than the longest of these takes as a whole.
        let longest = times.iter().fold(0.0_f64, |most, ns| most.max(*ns));
        assert!(rows.iter().all(|row| row.median_ns <= longest), "{key}");
        if key.strategy == "dataflow" {
            of_dataflow += 1;
            assert!(names.contains(&"gradient 1") && rows.iter().map(|row| row.median_ns).sum::<f64>() > 0.0);
        }
    }
    assert!(of_dataflow > 0);
}

#[test]
fn a_cell_that_hangs_or_breaks_its_process_is_a_row_and_the_run_goes_on() {
    // Only what hangs is to meet its time limit, however busy the machine is.
    let cases = [
        ("hang", "5", Status::Timeout, "longer than allowed"),
        ("abort", "120", Status::Failed, "SIGABRT"),
        ("memory", "120", Status::Failed, "out of memory, of which 512 MB are allowed"),
    ];
    for (fault, timeout, status, reason) in cases {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("run");
        let inject = format!("tape={fault}");
        let limits = ["--inject", &inject, "--timeout", timeout, "--memory", "512", "--out"];
        let (code, said) = run(&[&SHORT[..3], &["--size", "scalar"], &SHORT[5..], &limits].concat(), &folder);
        assert_eq!(code, Some(5), "{said}");
        let found = read(&folder);
        let of = |strategy: &'static str| found.cells.iter().filter(move |cell| cell.key.strategy == strategy);
        assert!(of("tape").count() == 2 && of("tape").all(|cell| cell.status == status), "{fault}: {:?}", found.cells);
        assert!(
            of("tape").all(|cell| cell.reason.as_deref().is_some_and(|why| why.contains(reason))),
            "{:?}",
            found.cells
        );
        assert!(of("closure").count() == 2 && of("closure").all(|cell| cell.status == Status::Ok));
        assert_eq!(of("closure").next().unwrap().samples, Some(9));
    }
}

#[test]
fn shards_are_merged_into_the_run_they_are_parts_of() {
    let temp = tempfile::tempdir().unwrap();
    let folder = |name: &str| temp.path().join(name);
    let text = |name: &str| folder(name).to_str().unwrap().to_owned();
    for (name, shard) in [("whole", "1/1"), ("a", "1/2"), ("b", "2/2")] {
        let (code, said) = run(&[&SHORT[..], &["--shard", shard, "--out"]].concat(), &folder(name));
        assert_eq!(code, Some(0), "{said}");
    }
    let (code, said) = run(&["merge", &text("a"), &text("b"), "--out"], &folder("merged"));
    assert_eq!(code, Some(0), "{said}");
    let sorted = |name: &str| {
        let mut cells = keys(&read(&folder(name)));
        cells.sort();
        cells
    };
    assert_eq!(sorted("merged"), sorted("whole"));
    let stages = |name: &str| stages(&read(&folder(name)));
    let mut merged = stages("merged");
    assert_eq!(merged, [stages("a"), stages("b")].concat());
    assert!(!stages("a").is_empty() && !stages("b").is_empty());
    merged.sort();
    let mut whole = stages("whole");
    whole.sort();
    assert_eq!(merged, whole);
    let (code, said) = run(&["merge", &text("a"), &text("a"), "--out"], &folder("twice"));
    assert!(code == Some(2) && said.contains("is in two of the runs"), "{said}");
}
