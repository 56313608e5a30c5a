//! What criterion timed, put into a run folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use adjudicate_reports::Run;

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_adjudicate")).args(arguments).output().expect("the program starts");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), text)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

/// Files as criterion leaves them: one benchmark of ours, an older result of it, and one of somebody else's.
fn criterion(under: &Path, times: &str) -> PathBuf {
    let folder = under.join("criterion");
    let names = r#"{"group_id":"cube/gradient","function_id":"tape","value_str":"scalar","throughput":null}"#;
    let foreign = r#"{"group_id":"sorting","function_id":null,"value_str":null,"throughput":null}"#;
    for (path, names) in [("cube_gradient/tape/scalar", names), ("sorting", foreign)] {
        for version in ["new", "base"] {
            let folder = folder.join(path).join(version);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("benchmark.json"), names).unwrap();
            fs::write(folder.join("sample.json"), times).unwrap();
        }
    }
    fs::create_dir_all(folder.join("report")).unwrap();
    folder
}

fn read(folder: &Path) -> Run {
    Run::read(|file| fs::read(folder.join(file)).ok()).expect("the files are readable").0
}

const TIMES: &str = r#"{"sampling_mode":"Linear","iters":[10.0,20.0,30.0],"times":[1000.0,2100.0,3000.0]}"#;

#[test]
fn one_report_shows_what_a_run_timed_and_what_criterion_timed() {
    let temp = tempfile::tempdir().unwrap();
    let (folder, from) = (temp.path().join("run"), criterion(temp.path(), TIMES));
    let cells = ["--suite", "cube", "--size", "scalar", "--function", "gradient", "--no-time", "--out", text(&folder)];
    assert_eq!(run(&[&["-q", "run"], &cells[..]].concat()).0, Some(0));
    let before = read(&folder);
    let (code, said) = run(&["import", "criterion", text(&from), "--out", text(&folder)]);
    assert_eq!(code, Some(0), "{said}");
    let after = read(&folder);
    assert_eq!(after.cells.len(), before.cells.len() + 1);
    assert!(after.cells.starts_with(&before.cells) && after.samples.len() == 3);
    let cell = after.cells.last().unwrap();
    assert!(cell.key.kernels.ends_with("(criterion)") && cell.median_ns == Some(100.0) && cell.samples == Some(3));
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(page.contains("(criterion)"));
    let (code, said) = run(&["import", "criterion", text(&from), "--out", text(&folder)]);
    assert!(code == Some(2) && said.contains("already"), "{said}");
    assert_eq!(read(&folder), after);
}

#[test]
fn a_folder_of_its_own_is_made_and_what_is_broken_makes_none() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("new");
    let import = |from: &Path| run(&["import", "criterion", text(from), "--out", text(&out)]);
    for (times, said) in [
        (r#"{"iters":[],"times":[]}"#, "sample.json:1: column iters: there are no samples"),
        ("{\"iters\":[1],\n\"times\":[NaN]}", "sample.json:2: column"),
        ("", "sample.json:1: column 1: EOF"),
    ] {
        let (code, found) = import(&criterion(temp.path(), times));
        assert!(code == Some(2) && found.contains(said), "{found}");
        assert!(!out.exists());
    }
    let (code, found) = import(temp.path().join("nowhere").as_path());
    assert!(code == Some(2) && found.contains("cannot read"), "{found}");
    let (code, found) = import(&criterion(temp.path(), TIMES));
    assert_eq!(code, Some(0), "{found}");
    let made = read(&out);
    assert!(made.manifest.run_id.ends_with("-criterion") && made.cells.len() == 1);
}
