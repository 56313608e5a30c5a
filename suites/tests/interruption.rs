//! What ends a run early keeps the rows so far: an interrupt, and even a kill.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use adjudicate_reports::Run;

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
