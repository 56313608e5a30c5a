//! What commands print is as the schemas that the command `schema` prints say.

use std::path::PathBuf;
use std::process::Command;

use adjudicate_reports::schema::check;
use serde_json::{Value, json};

/// What a command prints, which is JSON, and its exit code.
fn printed(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_adjudicate")).args(arguments).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout);
    (output.status.code(), json.unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{said}")))
}

fn schema(name: &str) -> Value {
    printed(&["schema", name]).1
}

#[test]
fn what_eval_prints_is_as_described() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("schemas.py");
    let python = "import numpy as np\n\n\ndef f(x, n):\n    return np.sum(x ** 3) * n\n\n\n\
                  def g(x):\n    return (x, [x > 1.0], {'a': x / 0.0})\n";
    std::fs::write(&file, python).expect("the model can be written");
    let (file, schema) = (file.to_str().expect("UTF-8"), schema("eval.json"));
    let cases = [
        vec!["f", "--args", "[[1.0, 2.0], 3]"],
        vec!["f", "--args", "[[1.0, 2.0], 3]", "--derivative", "gradient", "--min-seconds", "0.01"],
        vec!["f", "--args", "[[1.0, 2.0], 3]", "--derivative", "hessian", "--strategy", "tape"],
        vec!["g", "--args", "[2.0]"],
    ];
    for case in cases {
        let (code, answer) = printed(&[&["eval", file], &case[..]].concat());
        assert_eq!(code, Some(0), "{case:?}");
        check(&schema, &answer).unwrap_or_else(|wrong| panic!("{case:?}: {wrong}"));
        let times = answer["timings_ns"].as_array().expect("times");
        assert!(!times.is_empty() && times.iter().all(Value::is_u64), "{answer}");
    }
    let lacking = json!({ "value": 1.0, "result": 1.0, "timings_ns": [1] });
    let odd = json!({ "value": 1.0, "result": 1.0, "timings_ns": [-1], "prepare_ns": 1 });
    assert!(check(&schema, &lacking).is_err() && check(&schema, &odd).is_err(), "{schema}");
}

#[test]
fn what_check_prints_is_as_described() {
    let schema = schema("check.json");
    let (code, tally) = printed(&["check", "--json", "--suite", "cube", "--function", "gradient"]);
    assert_eq!(code, Some(0));
    check(&schema, &tally).unwrap();
    assert!(tally["passed"].as_u64() > Some(0) && tally["failed"] == 0, "{tally}");
    assert!(check(&schema, &json!({ "passed": 1, "failed": 0 })).is_err(), "{schema}");
}
