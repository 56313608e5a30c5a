//! `adjudicate check FILE FUNCTION`: strategies and finite differences are compared on a model of the user's own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

const MODEL: &str = "import numpy as np


def loss(w, x, y):
    return np.mean((np.tanh(x @ w) - y) ** 2)


def size(x):
    return np.abs(x)


def tree(x, n):
    return x if n < 1.5 else np.sin(tree(x, n - 1.0)) * tree(x, n - 2.0)


def both(x):
    return (x * 2.0, x + 1.0)


def power(x):
    return x ** x


def straight(x):
    return (x * 1.7 + 0.1) * 1.7 + 0.1


def hinge(w, x, y):
    return np.mean(np.maximum(0.0, 1.0 - y * (x @ w)))


def steep(x):
    return np.sin(np.tanh(2000.0 * x) + 300.0 * x * x)


def stationary(x, y):
    return np.sin(x) + (y - 1.0) ** 2


def relu(x):
    return 0.5 * x + np.maximum(0.0, x) + np.maximum(0.0, x + 1.0)


def near_a_kink(x):
    return np.maximum(x * x, 0.01 * x) * np.cos(x)


def third(x, i):
    return x[i] ** 2


def grown(h):
    t = 0.0
    s = 1.0
    while t < 1.0:
        s = s + h * s
        t = t + h
    return s
";

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("check_model.py");
    std::fs::write(&file, MODEL).expect("the model can be written");
    file
});

/// Checks a function of the model; exit code, standard output and standard error.
fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adjudicate"));
    let output = command.arg("check").arg(&*FILE).args(arguments).output().expect("adjudicate runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const LOSS: [&str; 3] = ["loss", "--args", "[[0.1, 0.2], [[1.0, 2.0], [3.0, 4.0]], [0.5, -0.5]]"];

/// Finite differences step to where the loop does not end.
#[test]
fn a_step_that_does_not_end_is_named_and_ends_the_check() {
    let (code, _, error) = check(&["grown", "--args", "[0.1]", "--timeout", "0.5"]);
    assert_eq!(code, Some(5), "{error}");
    let expected = "error: the value of `grown` beside the given arguments took longer than 0.5 seconds; allow more with --timeout\n";
    assert_eq!(error, expected);
}

#[test]
fn strategies_that_agree_pass() {
    let (code, out, error) = check(&[&LOSS[..], &["-v"]].concat());
    assert_eq!(code, Some(0), "{error}");
    assert!(out.ends_with(" passed, 0 failed, 0 skipped\n") && !out.starts_with("0 "), "{out}");
    for (function, reference) in [("value", "tape"), ("gradient", "finite"), ("gradient", "taylor"), ("hvp", "finite")]
    {
        let said = |line: &str| {
            line.contains(&format!(" {function} closure (")) && line.contains(&format!(") against {reference}:"))
        };
        assert!(error.lines().any(said), "{function} against {reference}: {error}");
    }
    let (code, out, _) = check(&[&LOSS[..], &["--strategy", "{tape,closure}", "--function", "value"]].concat());
    assert_eq!((code, out.as_str()), (Some(0), "2 passed, 0 failed, 0 skipped\n"));
}

/// Their second derivatives vanish, and differences of their values are nothing but rounding.
#[test]
fn what_is_straight_at_the_arguments_passes() {
    for x in ["0.5", "-3.3", "1e-3", "812.7"] {
        let (code, out, error) = check(&["straight", "--args", &format!("[{x}]")]);
        assert_eq!(code, Some(0), "{x}: {out}{error}");
    }
    let args = "[[0.31, -0.27], [[1.3, 2.1], [-0.7, 0.4], [0.9, -1.1]], [1.0, -1.0, 1.0]]";
    let (code, out, error) = check(&["hinge", "--args", args]);
    assert_eq!(code, Some(0), "{out}{error}");
}

#[test]
fn what_is_no_derivative_fails() {
    let (code, out, error) = check(&["size", "--args", "[0.0]"]);
    assert_eq!(code, Some(4), "{out}{error}");
    assert!(error.contains("FAILED") && error.contains("gradient") && error.contains("taylor"), "{error}");
    let said = "against taylor: order 1.00, at least 1.9; values have a kink at these arguments";
    let of_tape = |line: &&str| line.contains("gradient tape (") && line.contains(said);
    assert_eq!(error.lines().filter(of_tape).count(), 1, "{error}");
    assert_eq!(check(&["size", "--args", "[0.5]"]).0, Some(0));
}

/// The maximum of NaN and a typical product of 0 is 0: no estimate must not pass for one of 0.
#[test]
fn a_derivative_at_the_edge_of_a_domain_is_not_confirmed() {
    let (code, out, error) = check(&["power", "--args", "[0.0]"]);
    assert_eq!(code, Some(4), "{out}{error}");
    assert!(error.contains("finite") && error.contains("values near the arguments are not a number"), "{error}");
    assert_eq!(check(&["power", "--args", "[0.5]"]).0, Some(0));
}

#[test]
fn a_refusal_is_skipped_and_said() {
    let (code, out, error) = check(&["tree", "--args", "[0.5, 5.0]"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(error.contains("refused:") && error.contains("dataflow") && !out.contains(" 0 skipped"), "{out}{error}");
    let (code, out, _) = check(&["tree", "--args", "[0.5, 5.0]", "--strategy", "dataflow"]);
    assert_eq!((code, out.as_str()), (Some(5), "0 passed, 0 failed, 1 skipped\n"), "nothing was checked");
}

#[test]
fn a_refusal_of_a_strategy_that_is_required_ends_with_its_code() {
    let (code, out, error) = check(&["tree", "--args", "[0.5, 5.0]", "--require", "dataflow"]);
    assert_eq!(code, Some(5), "{error}");
    assert!(error.contains("refused:") && !out.contains(" 0 failed"), "{out}{error}");
    assert_eq!(check(&["tree", "--args", "[0.5, 5.0]", "--require", "{tape,closure}"]).0, Some(0));
    let (code, _, error) = check(&["tree", "--args", "[0.5, 5.0]", "--strategy", "tape", "--require", "closure"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("required strategy `closure`"), "{error}");
}

#[test]
fn an_oracle_is_held_to_what_differences_are_good_for() {
    let stationary = ["stationary", "--args", "[0.7, 1.0]", "--wrt", "0,1"];
    for model in [&LOSS[..], &stationary] {
        let (code, out, error) = check(&[model, &["--strategy", "{tape,finite}"]].concat());
        assert_eq!(code, Some(0), "{out}{error}");
    }
}

/// Values change within less than the first steps, or turn near the arguments.
#[test]
fn right_derivatives_are_not_said_to_be_wrong() {
    for (function, x) in [
        ("steep", "0.0003"),
        ("steep", "0.2"),
        ("near_a_kink", "0.0101"),
        ("near_a_kink", "0.02"),
        ("relu", "-0.005"),
        ("relu", "-0.02"),
        ("relu", "0.004"),
    ] {
        let (code, out, error) = check(&[function, "--args", &format!("[{x}]")]);
        assert_eq!(code, Some(0), "{function} at {x}: {out}{error}");
    }
}

#[test]
fn of_a_result_that_is_no_float_values_are_compared() {
    let (code, out, error) = check(&["both", "--args", "[[1.0, 2.0]]"]);
    assert_eq!((code, out.as_str()), (Some(0), "6 passed, 0 failed, 0 skipped\n"), "{error}");
    assert!(error.contains("only values are compared"), "{error}");
}

#[test]
fn an_error_at_run_time_is_a_failure_and_misuse_is_said() {
    let (code, out, error) = check(&["third", "--args", "[[1.0, 2.0], 5]"]);
    assert_eq!((code, out.as_str()), (Some(4), "0 passed, 3 failed, 0 skipped\n"), "{error}");
    assert!(error.contains("out of range") && !error.contains("no single float"), "{error}");
    let cases: [(&[&str], &str); 4] = [
        (&["lost", "--args", "[1.0]"], "did you mean `loss`?"),
        (&["size"], "--args"),
        (&["size", "--args", "[1.0]", "--wrt", "1"], "--wrt 1"),
        (&["size", "--args", "[1.0]", "--suite", "cube"], "--suite"),
    ];
    for (arguments, expected) in cases {
        let (code, _, error) = check(arguments);
        assert!(code == Some(2) && error.contains(expected), "{arguments:?}: {error}");
    }
}
