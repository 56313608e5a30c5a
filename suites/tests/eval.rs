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
fn a_cotangent_follows_the_arguments() {
    let python = "import numpy as np\n\n\ndef f(x, y):\n    return (x * y, np.sum(x))\n";
    let vjp = |args: &str, wrt: &str| eval("cotangent", python, &["--args", args, "--derivative", "vjp", "--wrt", wrt]);
    let (code, out, error) = vjp(r#"[[1.0, 2.0], 3.0, {"tuple": [[1.0, 10.0], 5.0]}]"#, "0,1");
    assert_eq!(code, 0, "{error}");
    assert!(out.contains(r#""result":{"tuple":[[8.0,35.0],21.0]}"#), "{out}");
    let (code, _, error) = vjp("[[1.0, 2.0], 3.0]", "0");
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("vjp needs 1 cotangent after the 2 arguments of `f`, but --args has 2 items"), "{error}");
    let (code, _, error) = vjp("[[1.0, 2.0], 3.0, 1.0]", "0");
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("a cotangent must have the form of the result"), "{error}");
}

/// Fields of vectors and cotangents belong to those of the same name, in whatever order; another structure is an error.
#[test]
fn vectors_have_the_structure_of_what_they_belong_to() {
    let product = "def f(p):\n    return p['a']**2 * p['b']\n";
    let record = "def f(x):\n    return {'z': x, 'y': 2.0 * x}\n";
    let eval = |python: &str, derivative: &str, args: &str| {
        eval("structure", python, &["--args", args, "--derivative", derivative])
    };
    for vector in [r#"{"a":1.0,"b":0.0}"#, r#"{"b":0,"a":1}"#] {
        let (code, out, error) = eval(product, "hvp", &format!(r#"[{{"a":2.0,"b":3.0}},{vector}]"#));
        assert_eq!(code, 0, "{error}");
        assert!(out.contains(r#""result":{"a":6.0,"b":4.0}"#), "{out}");
    }
    let (_, out, error) = eval(record, "vjp", r#"[3.0,{"y":1.0,"z":0.0}]"#);
    assert!(out.contains(r#""result":2.0"#), "{out}{error}");
    for vector in [r#"{"x":1.0,"y":0.0}"#, r#"{"tuple":[1.0,0.0]}"#, r#"{"a":true,"b":0.0}"#, r#"{"a":1.0}"#] {
        let (code, _, error) = eval(product, "hvp", &format!(r#"[{{"a":2.0,"b":3.0}},{vector}]"#));
        assert_eq!(code, 2, "{vector}");
        assert!(error.contains("a vector must have the form of its argument"), "{error}");
    }
    let (code, _, error) = eval(product, "vjp", r#"[{"a":2.0,"b":3.0},{"a":1.0}]"#);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("a cotangent must have the form of the result: float, not"), "{error}");
}

#[test]
fn tangents_in_a_program_have_the_form_of_the_primals() {
    let python =
        "import numpy as np\nfrom adjudicate import jvp\n\n\ndef f(x):\n    return jvp(np.tanh, (x,), (np.ones(3),))\n";
    let (code, _, error) = eval("tangents", python, &["--args", "[1.0]"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("tangents must have the form of the primals: (float,), not (float array"), "{error}");
    assert!(error.contains(".py:6:12"), "{error}");
    assert!(!error.contains("called from here"), "the function asked for is called by nobody: {error}");
}

#[test]
fn what_the_library_cannot_express_is_shown_in_the_model_file() {
    let python = "from adjudicate import jvp\n\n\ndef f(n, x):\n    if n < 0.5:\n        return x\n    \
                  return jvp(lambda y: f(n - 1.0, y), (x,), (1.0,))[1]\n";
    let (code, _, error) = eval("unbounded", python, &["--args", "[2.0, 1.0]"]);
    assert_eq!(code, 5, "{error}");
    assert!(error.contains(".py:7:16") && !error.contains("library.py"), "{error}");
}

#[test]
fn what_is_left_out_counts_where_it_is_needed() {
    let python = "import scipy\nimport numpy as np\n\n\ndef f(x):\n    return x * x\n\n\ndef train(x):\n    print(x)\n\n\nscipy.show(train(1.0))\n";
    let (code, out, error) = eval("mixed", python, &["--args", "[3.0]", "--derivative", "gradient"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("6.0"), "{out}");
    let (code, _, error) = eval("needed", &python.replace("x * x", "train(x)"), &["--args", "[3.0]"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("needed.py:10:5") && !error.contains("scipy"), "{error}");
}

#[test]
fn positions_are_counted_from_the_front() {
    for wrt in ["-1", "one"] {
        let (code, _, error) = eval("wrt", "def f(x):\n    return x\n", &["--args", "[3.0]", "--wrt", wrt]);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("argument"), "{error}");
    }
}

#[test]
fn time_runs_out() {
    let python = "def f(x):\n    while x > 0.0:\n        x = x + 1.0\n    return x\n";
    let (code, out, error) = eval("endless", python, &["--args", "[1.0]", "--timeout", "0.2"]);
    assert_eq!((code, out.as_str()), (5, ""), "{error}");
    assert!(error.contains("error: value of `f` by closure timed out after 0.2 seconds"), "{error}");
    let (code, _, error) = eval("ends", python, &["--args", "[-1.0]", "--timeout", "60"]);
    assert_eq!(code, 0, "{error}");
}

#[test]
fn a_parameter_given_by_name_only_keeps_its_default() {
    let python = "def f(x, *, k=2.0):\n    return k * x ** 3\n";
    for (kind, args, wanted) in
        [("hvp", "[0.5, 1.0]", "6.0"), ("jvp", "[0.5, 2.0]", "3.0"), ("vjp", "[0.5, 1.0]", "1.5")]
    {
        let (code, out, error) = eval("by_name", python, &["--args", args, "--derivative", kind]);
        assert_eq!(code, 0, "{error}");
        assert!(out.contains(&format!("\"result\":{wanted}")), "{out}");
    }
}

#[test]
fn integers_do_not_wrap() {
    let (code, _, error) = eval("power", "def f(n):\n    return 2 ** n\n", &["--args", "[70]"]);
    assert_eq!(code, 4, "{error}");
    assert!(error.contains("pow of 2 and 70 does not fit a 64-bit integer"), "{error}");
    assert!(error.contains("power.py:2:12"), "{error}");
}

#[test]
fn differences_of_a_function_with_derivatives_are_warned_of() {
    let python = "from adjudicate import grad\n\ndef f(x):\n    return grad(lambda a: a ** 3)(x)\n\ndef g(x):\n    return x * x\n";
    let ask = |function: &str, strategy: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nested.py");
        std::fs::write(&file, python).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_adjudicate"))
            .arg("eval")
            .arg(&file)
            .args([function, "--args", "[3.0]", "--derivative", "gradient", "--strategy", strategy])
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(ask("f", "finite").contains("warning: the function contains derivatives"));
    assert_eq!((ask("f", "closure").as_str(), ask("g", "finite").as_str()), ("", ""));
    let unknown = ask("f", "closur");
    assert!(
        unknown.contains("did you mean `closure`? There are: tape, dataflow, closure, finite; `adjudicate list`"),
        "{unknown}"
    );
}
