//! Comparing runs on the command line: what changed, and the exit code that says it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the program: its exit code, and what it printed and said.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_adjudicate")).args(arguments).output().expect("the program starts");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), text)
}

/// A run of few cells, counted and not timed.
fn counted(folder: &Path) {
    let selection = ["--suite", "cube", "--size", "scalar", "--function", "gradient"];
    let (code, said) = run(&[&["run", "--no-time", "--out", text(folder)], &selection[..]].concat());
    assert_eq!(code, Some(0), "{said}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

/// A copy of a run with one of its files changed.
fn changed(run: &Path, name: &str, file: &str, change: impl Fn(String) -> String) -> PathBuf {
    let copy = run.with_file_name(name);
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(run).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let path = copy.join(file);
    let new = change(fs::read_to_string(&path).unwrap());
    fs::write(path, new).unwrap();
    copy
}

#[test]
fn equal_runs_are_equal_and_every_change_has_its_exit_code() {
    let temp = tempfile::tempdir().unwrap();
    let (base, again) = (temp.path().join("base"), temp.path().join("again"));
    counted(&base);
    counted(&again);
    let compare = |new: &Path, more: &[&str]| run(&[&["compare", text(&base), text(new)], more].concat());
    assert_eq!(compare(&again, &[]).0, Some(0), "{}", compare(&again, &[]).1);
    let more = |text: String| text.replacen(",flops,", ",flops,1", 1);
    let larger = changed(&base, "larger", "counts.csv", more);
    let (code, said) = compare(&larger, &["--counts"]);
    assert!(code == Some(3) && said.contains("regression") && said.contains("flops"), "{said}");
    let (code, said) = run(&["compare", text(&larger), text(&base)]);
    assert!(code == Some(0) && said.contains("--bless"), "{said}");
    let wrong = changed(&base, "wrong", "cells.csv", |text| text.replacen("ok,true", "ok,false", 1));
    assert_eq!(compare(&wrong, &[]).0, Some(4));
    let refused = changed(&base, "refused", "cells.csv", |text| text.replacen("ok,true", "refused,unchecked", 1));
    assert_eq!(compare(&refused, &["--format", "markdown"]).0, Some(5));
    let (code, said) =
        compare(&changed(&base, "seeded", "manifest.json", |m| m.replace("\"seed\": 1", "\"seed\": 2")), &[]);
    assert!(code == Some(6) && said.contains("seed: 1 and 2"), "{said}");
    let elsewhere =
        changed(&base, "elsewhere", "manifest.json", |m| m.replacen("\"cpu\": \"", "\"cpu\": \"another ", 1));
    let (code, said) = compare(&elsewhere, &[]);
    assert!(code == Some(6) && said.contains("CPU: ") && said.contains("--force"), "{said}");
    assert_eq!(compare(&elsewhere, &["--force"]).0, Some(0));
    assert_eq!(compare(&elsewhere, &["--counts"]).0, Some(0), "counts are the same on every machine");
    let (code, said) = compare(&again, &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(code == Some(0) && json["changes"].as_array().is_some_and(Vec::is_empty), "{said}");
}

/// What the new run lacks is said, and only that: its counts have not become smaller, and it is no better baseline.
#[test]
fn what_is_missing_is_said() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("base");
    counted(&base);
    let compare = |new: &Path| run(&["compare", text(&base), text(new), "--format", "json"]);
    for file in ["counts.csv", "matrix.json"] {
        let bad = changed(&base, file, file, |text| text);
        fs::remove_file(bad.join(file)).unwrap();
        let (code, said) = compare(&bad);
        let json: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(code, Some(5), "{said}");
        assert!(json["changes"].as_array().is_some_and(|all| all.len() == 1 && all[0]["of"] == file), "{said}");
    }
    let cut = |text: String| {
        text.lines()
            .filter(|line| !line.contains("gradient,closure,"))
            .fold(String::new(), |all, line| all + line + "\n")
    };
    let (code, said) = compare(&changed(&base, "cut", "cells.csv", cut));
    assert_eq!(code, Some(5), "{said}");
    assert!(!said.contains("improvement") && !said.contains("--bless"), "{said}");
    let (_, said) = run(&["compare", text(&base), text(&base)]);
    assert!(said.contains(" 0 times (more than 3.0 % apart is a change) and "), "{said}");
}

/// What limits a comparison is said, and what would make it mean nothing is an error.
#[test]
fn a_run_that_broke_off_and_one_whose_samples_are_gone_are_said() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("base");
    counted(&base);
    let more = |text: String| text.replacen("\"planned_cells\": ", "\"planned_cells\": 1", 1);
    let part = changed(&base, "part", "manifest.json", more);
    let (code, said) = run(&["compare", text(&part), text(&base)]);
    assert!(code == Some(0) && said.contains("part broke off: ") && said.contains(" cells were measured"), "{said}");
    assert!(!run(&["compare", text(&base), text(&base)]).1.contains("broke off"));
    let (code, said) = run(&["compare", text(&base), text(&base), "--confirm", text(&part)]);
    assert!(code == Some(0) && said.contains("part broke off: "), "{said}");
    let unchecked = changed(&base, "unchecked", "cells.csv", |text| text.replacen("ok,true", "skipped,unchecked", 1));
    assert!(!run(&["compare", text(&unchecked), text(&unchecked)]).1.contains("broke off"));
    let waiting = changed(&base, "waiting", "cells.csv", |text| text.replacen("ok,true", "skipped,true", 1));
    assert!(run(&["compare", text(&waiting), text(&waiting)]).1.contains("broke off"));
    let timed = |name, ns: &'static str| {
        let time = move |text: String| text.replace("ok,true,,,,", &format!("ok,true,,9,{ns},"));
        changed(&base, name, "cells.csv", time)
    };
    let (fast, slow) = (timed("fast", "100"), timed("slow", "200"));
    let (code, said) = run(&["compare", text(&fast), text(&slow)]);
    assert!(code == Some(6) && said.contains("samples.csv has no samples, but cells.csv has times"), "{said}");
}

/// Also where the medians are the same.
#[test]
fn a_table_of_samples_that_is_cut_off_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("base");
    let measure = ["run", "--profile", "quick", "--suite", "cube", "--size", "scalar", "--function", "value"];
    let (code, said) = run(&[&measure[..], &["--rounds", "2", "--out", text(&base)]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(run(&["compare", text(&base), text(&base)]).0, Some(0));
    let lines = |text: String, some: &dyn Fn(usize) -> usize| {
        let lines: Vec<&str> = text.lines().collect();
        lines[..some(lines.len())].join("\n") + "\n"
    };
    let cut = changed(&base, "cut", "samples.csv", |text| lines(text, &|all| all - 1));
    let (code, said) = run(&["compare", text(&base), text(&cut)]);
    assert!(
        code == Some(6) && said.contains(" samples of cube scalar value ") && said.contains("fewer than"),
        "{said}"
    );
    let header = changed(&base, "header", "samples.csv", |text| lines(text, &|_| 1));
    let (code, said) = run(&["compare", text(&base), text(&header)]);
    assert!(code == Some(6) && said.contains("has no samples"), "{said}");
    let torn = changed(&base, "torn", "samples.csv", |text| text[..text.len() - 9].to_owned());
    let (code, said) = run(&["compare", text(&torn), text(&base)]);
    assert!(code == Some(2) || code == Some(6), "{said}");
    assert!(said.contains("samples.csv"), "{said}");
}

/// A noise floor is no word on suites that it was not measured on.
#[test]
fn cells_outside_of_the_noise_floor_are_said() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("base");
    counted(&base);
    let measured_on = |suite: &'static str| {
        changed(&base, suite, "manifest.json", |text| {
            text.replace("\"noise_suites\": []", &format!("\"noise_suites\": [\"{suite}\"]"))
        })
    };
    let (other, same) = (measured_on("rnn"), measured_on("cube"));
    let (code, said) = run(&["compare", text(&base), text(&other)]);
    assert!(code == Some(0) && said.contains("was measured on rnn alone and says nothing of cube"), "{said}");
    let (_, said) = run(&["compare", text(&base), text(&other), "--counts"]);
    assert!(!said.contains("alone"), "counts have no noise: {said}");
    assert!(!run(&["compare", text(&base), text(&same)]).1.contains("alone"));
}

/// What a run is called, which of its files is changed and how, and what is said of it.
type Mangled = (&'static str, &'static str, fn(String) -> String, &'static str);

const BELOW: &str = "cells.csv:2: column median_ns: `-5` is a time below zero";

#[test]
fn what_cannot_be_read_is_said_with_its_place_and_nothing_is_overwritten() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("base");
    let out = temp.path().join("out");
    counted(&base);
    let cases: [Mangled; 9] = [
        ("truncated", "manifest.json", |text| text[..text.len() / 2].to_owned(), "manifest.json:"),
        ("newer", "manifest.json", |text| text.replace("\"schema_version\": 1", "\"schema_version\": 99"), "99"),
        ("foreign", "cells.csv", |_| "a,b\n1,2\n".to_owned(), "cells.csv:1: column suite: missing"),
        ("nan", "cells.csv", |text| text.replacen(",ok,true,,", ",ok,true,,NaN", 1), "cells.csv:2: column samples"),
        ("negative", "cells.csv", |text| text.replacen(",ok,true,,,,", ",ok,true,,9,-5,", 1), BELOW),
        (
            "lacking",
            "cells.csv",
            |text| text.replacen(",valid,", ",validity,", 1),
            "cells.csv:1: column valid: missing",
        ),
        (
            "twice",
            "cells.csv",
            |text| format!("{text}{}\n", text.lines().nth(1).unwrap()),
            "column suite to threads: cube scalar gradient",
        ),
        ("empty", "cells.csv", |text| text.lines().next().unwrap().to_owned() + "\n", "has no cells"),
        ("word", "counts.csv", |text| text.replacen(",flops,", ",flops,x", 1), "column value"),
    ];
    for (name, file, change, said) in cases {
        let bad = changed(&base, name, file, change);
        let before = fs::read(bad.join(file)).unwrap();
        for command in [
            vec!["compare", text(&base), text(&bad)],
            vec!["compare", text(&bad), text(&base)],
            vec!["compare", text(&base), text(&base), "--confirm", text(&bad)],
            vec!["compare", text(&out), text(&bad), "--bless"],
            vec!["report", text(&bad)],
            vec!["run", "--resume", text(&bad)],
            vec!["merge", text(&base), text(&bad), "--out", text(&out)],
            vec!["history", "add", text(&bad), "--file", text(&out)],
        ] {
            // A run without cells has a report, can go on and be part of another; it is nothing to compare with.
            if name != "empty" || ["compare", "history"].contains(&command[0]) {
                let (code, output) = run(&command);
                let unreadable = if name == "empty" { 6 } else { 2 };
                assert!(code == Some(unreadable) && output.contains(said), "{command:?}: {code:?}: {output}");
                assert_eq!(fs::read(bad.join(file)).unwrap(), before, "{command:?} overwrote {file}");
                assert!(!out.exists(), "{command:?} wrote something");
            }
        }
    }
    let reported = |file: &str, change: fn(String) -> String| {
        let bad = changed(&base, &format!("reported-{}", change(String::from("a,b\n1,2\n")).len()), file, change);
        run(&["report", text(&bad)])
    };
    let (code, said) = reported("cells.csv", |_| String::new());
    assert!(code == Some(0) && said.contains("warning: cells.csv: empty, not even a line of column names"), "{said}");
    let (code, said) = reported("cells.csv", |text| text.lines().next().unwrap().to_owned() + "\n");
    assert!(code == Some(0) && said.contains("warning: cells.csv: it has column names and no cells"), "{said}");
    let (code, said) = reported("cells.csv", |text| text.trim_end().to_owned());
    assert!(code == Some(0) && said.contains("the file breaks off in this line"), "{said}");
    fs::remove_file(temp.path().join("word").join("manifest.json")).unwrap();
    let (code, said) = run(&["run", "--resume", text(&temp.path().join("word"))]);
    assert!(code == Some(2) && said.contains("word: manifest.json: missing, and what has none is no run"), "{said}");
    let (code, said) = run(&["compare", "nowhere", text(&base)]);
    assert!(code == Some(2) && said.contains("there is no run folder nowhere"), "{said}");
}

#[test]
fn a_report_is_rendered_again_byte_for_byte() {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().join("base");
    counted(&base);
    let pages = ["index.html", "report.md", "tables/tidy.csv", "tables/verdicts.tex", "figures/capability.svg"];
    let read = || pages.map(|page| fs::read(base.join(page)).ok());
    let before = read();
    assert!(before[0].is_some() && before[4].is_some());
    pages.iter().for_each(|page| drop(fs::remove_file(base.join(page))));
    assert_eq!(run(&["report", text(&base)]).0, Some(0));
    assert!(read() == before);
}
