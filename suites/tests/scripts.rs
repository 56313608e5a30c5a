//! The scripts for others to start from: they parse, and what they would do on a cluster or at GitHub is done here, in order,
//! with stand-ins for what only exists there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A checkout in which the program is built: the one under test, under its release name.
fn checkout(under: &Path) -> PathBuf {
    let checkout = under.join("checkout");
    fs::create_dir_all(checkout.join("target/release")).unwrap();
    let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_adjudicate"));
    script(&checkout.join("target/release/adjudicate"), &program);
    checkout
}

/// Runs a command to its end: its exit code, and what it printed and said.
fn ends(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("it starts");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), text)
}

#[test]
fn every_shell_script_parses() {
    let scripts = fs::read_dir(root().join("scripts")).unwrap().map(|entry| entry.unwrap().path());
    let scripts: Vec<PathBuf> = scripts.filter(|path| path.extension().is_some_and(|e| e == "sh")).collect();
    assert!(scripts.len() >= 5);
    for path in scripts {
        let (code, said) = ends(Command::new("bash").arg("-n").arg(&path));
        assert_eq!((code, said.as_str()), (Some(0), ""), "{}", path.display());
    }
}

/// The commands of a job of the workflow, with the names of its steps, in order.
fn steps<'y>(workflow: &'y Yaml, job: &str) -> Vec<(&'y str, &'y str)> {
    let steps = workflow["jobs"][job]["steps"].as_vec().expect("steps");
    let commands = steps.iter().filter_map(|step| Some((step["name"].as_str().unwrap_or(""), step["run"].as_str()?)));
    commands.collect()
}

#[test]
fn the_workflow_is_yaml_and_its_commands_do_what_it_says() {
    let text = fs::read_to_string(root().join("scripts/github-actions.yml")).unwrap();
    let documents = YamlLoader::load_from_str(&text).expect("YAML");
    let workflow = &documents[0];
    let [(_, gate)] = steps(workflow, "check")[..] else { panic!("one command gates every push") };
    let mode = fs::metadata(root().join(gate)).expect("the gate is there").permissions().mode();
    assert!(mode & 0o111 != 0, "{gate} cannot be run");

    let temp = tempfile::tempdir().unwrap();
    let (checkout, stand_ins) = (checkout(temp.path()), temp.path().join("bin"));
    fs::create_dir(&stand_ins).unwrap();
    for name in ["cargo", "git"] {
        script(&stand_ins.join(name), &format!("#!/bin/sh\necho {name} \"$@\" >> \"$LOG\"\n"));
    }
    let (log, summary) = (temp.path().join("log"), temp.path().join("summary"));
    let path = format!("{}:{}", stand_ins.display(), std::env::var("PATH").unwrap());
    let steps = steps(workflow, "times");
    assert_eq!(steps.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["build both", "measure", "compare"]);
    for (name, command) in steps {
        let command = command.replace("${{ github.event.pull_request.base.sha }}", "0123abc");
        assert!(!command.contains("${{"), "{command}");
        let mut step = Command::new("bash");
        step.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &command]).current_dir(&checkout);
        step.env("PATH", &path).env("LOG", &log).env("GITHUB_STEP_SUMMARY", &summary);
        step.env("CELLS", "--profile quick --suite cube --size scalar --function gradient --rounds 7");
        let (code, said) = ends(&mut step);
        // Whether times differ is not what is tested: a regression by chance is a verdict too.
        assert!(code == Some(0) || (name == "compare" && code == Some(3)), "{name}: {code:?}: {said}");
    }
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(
        log.lines().collect::<Vec<_>>(),
        ["cargo build --release --locked", "git checkout --quiet 0123abc", "cargo build --release --locked"]
    );
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.contains("### ") && summary.contains(" cells, "), "{summary}");
}

#[test]
fn the_array_job_makes_parts_that_go_on_and_merge() {
    let temp = tempfile::tempdir().unwrap();
    let checkout = checkout(temp.path());
    let task = |number: &str| {
        let mut task = Command::new("bash");
        task.arg(fs::canonicalize(root().join("scripts/slurm-array.sh")).unwrap());
        task.args(["--suite", "cube", "--size", "{scalar,1}", "--function", "gradient", "--no-time"]);
        ends(task.current_dir(&checkout).env("SLURM_ARRAY_TASK_ID", number).env("SLURM_ARRAY_TASK_COUNT", "2"))
    };
    for number in ["1", "2", "1"] {
        let (code, said) = task(number);
        assert_eq!(code, Some(0), "task {number}: {said}");
    }
    let mut merge = Command::new("bash");
    merge.args(["-c", "target/release/adjudicate merge runs/part-* --out runs/whole"]).current_dir(&checkout);
    let (code, said) = ends(&mut merge);
    assert_eq!(code, Some(0), "{said}");
    let read = |file: &str| fs::read(checkout.join("runs/whole").join(file)).ok();
    let (run, _) = adjudicate_reports::Run::read(read).unwrap();
    assert_eq!(run.cells.len(), 8);
}
