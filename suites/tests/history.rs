//! The history on the command line: what is appended, what is refused, and what is shown.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs the program: its exit code, what it printed, and what it said.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_adjudicate")).args(arguments).output().expect("the program starts");
    let [results, remarks] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code(), results, remarks)
}

/// A run folder like the fixture of the reports, with another id and times multiplied.
fn folder(under: &Path, id: &str, times: f64) -> String {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/tests/fixture");
    let folder = under.join(id);
    fs::create_dir(&folder).unwrap();
    let read = |file: &str| fs::read(fixture.join(file)).ok();
    let (mut run, _) = adjudicate_reports::Run::read(read).unwrap();
    run.manifest.run_id = id.to_owned();
    run.cells.iter_mut().for_each(|cell| cell.median_ns = cell.median_ns.map(|ns| ns * times));
    let manifest = adjudicate_reports::files::write_manifest(&run.manifest);
    fs::write(folder.join("manifest.json"), manifest).unwrap();
    fs::write(folder.join("cells.csv"), adjudicate_reports::files::write_rows(&run.cells)).unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn runs_are_appended_and_a_step_is_shown_with_its_run() {
    let temp = tempfile::tempdir().unwrap();
    let (file, out) = (temp.path().join("history.jsonl"), temp.path().join("trends"));
    let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
    let mut before = Vec::new();
    for place in 0..12 {
        let step = if place < 6 { 1.0 } else { 1.25 };
        let run_folder = folder(temp.path(), &format!("run-{place}"), step + 0.001 * f64::from(place * 7 % 5));
        let (code, said, remarks) = run(&["history", "add", &run_folder, "--file", file]);
        assert_eq!(code, Some(0), "{said}{remarks}");
        let after = fs::read(file).unwrap();
        assert!(after.starts_with(&before) && after.len() > before.len(), "appended, nothing else");
        before = after;
    }
    let (code, shown, _) = run(&["history", "show", "--file", file, "--suite", "rnn", "--out", out, "--json"]);
    assert_eq!(code, Some(0), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let changes = json["changes"].as_array().unwrap();
    assert!(!changes.is_empty());
    for change in changes {
        assert!(
            change["run_id"] == "run-6" && change["what"] == "time" && change["cell"]["suite"] == "rnn",
            "{change}"
        );
    }
    let page = fs::read_to_string(Path::new(out).join("history.html")).unwrap();
    assert!(page.contains("rnn: time from run to run") && page.contains("run-6"));
    assert!(Path::new(out).join("figures/trend-rnn.png").is_file());
    let (_, text, _) = run(&["history", "show", "--file", file]);
    assert!(text.contains("run-6") && text.ends_with("12 runs\n"), "{text}");
}

#[test]
fn what_cannot_be_appended_or_read_is_said_and_nothing_is_written() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("history.jsonl");
    let name = file.to_str().unwrap();
    let one = folder(temp.path(), "one", 1.0);
    assert_eq!(run(&["history", "show", "--file", name]).0, Some(2));
    assert_eq!(run(&["history", "add", &one, "--file", name]).0, Some(0));
    let whole = fs::read_to_string(&file).unwrap();
    let newer = whole.replacen("\"schema_version\":1", "\"schema_version\":7", 1);
    let cases = [
        (whole.clone(), "run one is in"),
        (whole.clone() + &whole[..200], ":2: the file breaks off in this line"),
        (whole.clone() + "{}\n", ":2: column"),
        (newer, ":1: column schema_version: schema version 7"),
        ("suite,size\n".to_owned(), ":1: column 1: expected value"),
    ];
    for (text, expected) in cases {
        fs::write(&file, &text).unwrap();
        let (code, _, said) = run(&["history", "add", &one, "--file", name]);
        assert!(code == Some(2) && said.contains(expected), "{code:?}: {said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "something was written");
    }
}
