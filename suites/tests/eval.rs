//! `adjudicate eval` as users meet it: arguments, vectors and time limits.

use std::path::PathBuf;
use std::process::Command;

/// Writes a model file and evaluates `f` of it; exit code, standard output and standard error.
fn eval(name: &str, python: &str, args: &[&str]) -> (i32, String, String) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.py"));
    std::fs::write(&file, python).expect("the model can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_adjudicate"));
    let output = command.arg("eval").arg(&file).arg("f").args(args).output().expect("adjudicate runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

#[test]
fn a_vector_that_is_missing_is_said_so() {
    let python = "def f(x, y, s=1.0):\n    return x * y * s\n";
    for args in ["[1.0, 2.0, 3.0]", "[1.0, 2.0]", "[1.0]", "[1.0, 2.0, 3.0, 4.0, 5.0]"] {
        let (code, _, error) = eval("vector", python, &["--args", args, "--derivative", "jvp"]);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("jvp needs 1 vector after the 3 arguments of `f`, but --args has"), "{error}");
    }
    let (code, out, error) = eval("vector", python, &["--args", "[1.0, 2.0, 3.0, 4.0]", "--derivative", "jvp"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("24.0"), "{out}");
}

#[test]
fn time_runs_out() {
    let python = "def f(x):\n    while x > 0.0:\n        x = x + 1.0\n    return x\n";
    let (code, out, error) = eval("endless", python, &["--args", "[1.0]", "--timeout", "0.2"]);
    assert_eq!((code, out.as_str()), (5, ""), "{error}");
    assert!(error.contains("timed out after 0.2 seconds"), "{error}");
    let (code, _, error) = eval("ends", python, &["--args", "[-1.0]", "--timeout", "60"]);
    assert_eq!(code, 0, "{error}");
}

#[test]
fn integers_do_not_wrap() {
    let (code, _, error) = eval("power", "def f(n):\n    return 2 ** n\n", &["--args", "[70]"]);
    assert_eq!(code, 4, "{error}");
    assert!(error.contains("pow of 2 and 70 does not fit a 64-bit integer"), "{error}");
    assert!(error.contains("power.py:2:12"), "{error}");
}
