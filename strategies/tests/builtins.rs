//! The functions of the language against NumPy: values, and gradients against central differences.
//!
//! `ir/tests/builtins_reference.json` holds the cases; `scripts/builtins_reference.py` writes it.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::frontend::names;
use adjudicate_ir::interp;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;
use adjudicate_strategies::STRATEGIES;
use serde_json::Value as Json;

/// An expression over `a`, `b` and `c`, and what NumPy makes of it.
struct Case {
    text: String,
    args: Vec<Datum>,
    result: Datum,
    smooth: bool,
}

fn reference() -> Vec<Case> {
    let cases: Vec<Json> =
        serde_json::from_str(include_str!("../../ir/tests/builtins_reference.json")).expect("a list");
    let case = |json: &Json| Case {
        text: json["text"].as_str().expect("a text").to_owned(),
        args: list(&json["args"]).iter().map(datum).collect(),
        result: datum(&json["result"]),
        smooth: json["smooth"].as_bool().expect("a truth value"),
    };
    cases.iter().map(case).collect()
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn datum(json: &Json) -> Datum {
    if let Some(items) = json.get("tuple") {
        return Datum::Tuple(list(items).iter().map(datum).collect());
    }
    let shape: Vec<usize> = list(&json["shape"]).iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let data = list(&json["data"]);
    let float = |x: &Json| x.as_f64().unwrap_or_else(|| x.as_str().expect("a float").parse().expect("a float"));
    let int = |x: &Json| x.as_i64().expect("an integer");
    let bool = |x: &Json| x.as_bool().expect("a truth value");
    match (json["elem"].as_str().expect("an element type"), shape.is_empty()) {
        ("f64", true) => Datum::F64(float(&data[0])),
        ("i64", true) => Datum::I64(int(&data[0])),
        ("bool", true) => Datum::Bool(bool(&data[0])),
        ("f64", false) => Datum::Array(Array::from_vec(&shape, data.iter().map(float).collect())),
        ("i64", false) => Datum::Ints(Array::from_vec(&shape, data.iter().map(int).collect())),
        ("bool", false) => Datum::Bools(Array::from_vec(&shape, data.iter().map(bool).collect())),
        (other, _) => panic!("{other} is no element type"),
    }
}

fn program(case: &Case) -> Result<Program, String> {
    let params = ["a", "b", "c"][..case.args.len()].join(", ");
    let text = &case.text;
    let python = format!(
        "import functools\nimport math\nimport numpy as np\nfrom adjudicate import vmap\n\n\
         def f({params}):\n    return {text}\n"
    );
    Program::parse("model.py", &python).map_err(|e| e.to_string())
}

fn value(case: &Case) -> Result<Datum, String> {
    let program = program(case)?;
    let request = Request::new("f", Ask::Value, &[0], 1, &case.args);
    let specialised = program.specialise(&request).map_err(|e| e.to_string())?;
    let leaves: Vec<Value> = case.args.iter().flat_map(Datum::leaves).collect();
    let result = interp::eval(&specialised.module, leaves).map_err(|e| e.to_string())?;
    Ok(specialised.output.build(result.items()))
}

/// Equal to rounding; of element types and shapes that are the same.
fn same(found: &Datum, expected: &Datum) -> bool {
    let near = |a: f64, b: f64| {
        a == b
            || a.is_nan() && b.is_nan()
            || a.is_finite() && b.is_finite() && (a - b).abs() <= 2e-14 * b.abs().max(0.1)
    };
    match (found, expected) {
        (Datum::F64(a), Datum::F64(b)) => near(*a, *b),
        (Datum::Array(a), Datum::Array(b)) => {
            a.shape() == b.shape() && a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| near(*a, *b))
        }
        (Datum::I64(a), Datum::I64(b)) => a == b,
        (Datum::Bool(a), Datum::Bool(b)) => a == b,
        (Datum::Ints(a), Datum::Ints(b)) => a == b,
        (Datum::Bools(a), Datum::Bools(b)) => a == b,
        (Datum::Tuple(a), Datum::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => false,
    }
}

#[test]
fn values_are_numpys() {
    let mut wrong = Vec::new();
    for case in reference() {
        match value(&case) {
            Ok(found) if same(&found, &case.result) => {}
            Ok(found) => wrong.push(format!("{}\n   is {found:?}\n  not {:?}", case.text, case.result)),
            Err(error) => wrong.push(format!("{}\n{error}", case.text)),
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// The sum of the floats of a result with weights, no two alike, which the derivatives of all of them reach.
fn weighted(case: &Case) -> String {
    let terms = |path: &str, datum: &Datum| match datum {
        Datum::F64(_) => vec![format!("1.7 * {path}")],
        Datum::Array(a) => {
            let ramp = format!("np.cos(1.0 + np.reshape(np.arange({}.0), {:?}))", a.len(), a.shape());
            let ramp = ramp.replace('[', "(").replace(']', ",)").replace("(,)", "()");
            vec![format!("np.sum({path} * {ramp})")]
        }
        _ => Vec::new(),
    };
    let all = match &case.result {
        Datum::Tuple(items) => items.iter().enumerate().flat_map(|(i, item)| terms(&format!("y[{i}]"), item)).collect(),
        one => terms("y", one),
    };
    all.join(" + ")
}

fn weighted_program(case: &Case, total: &str) -> Program {
    let params = ["a", "b", "c"][..case.args.len()].join(", ");
    let python = format!(
        "import functools\nimport math\nimport numpy as np\nfrom adjudicate import vmap\n\n\
         def f({params}):\n    y = {}\n    return {total}\n",
        case.text
    );
    Program::parse("model.py", &python).unwrap_or_else(|e| panic!("{e}"))
}

/// The arguments that are floats.
fn floats(case: &Case) -> Vec<usize> {
    let is_float = |arg: &Datum| matches!(arg, Datum::F64(_) | Datum::Array(_));
    (0..case.args.len()).filter(|&i| is_float(&case.args[i])).collect()
}

/// Numbers in the form of an argument, none of them special.
fn direction(like: &Datum) -> Datum {
    let number = |i: usize| (1.3 + i as f64 * 1.618).sin() + 0.2;
    match like {
        Datum::Array(a) => Datum::Array(Array::from_vec(a.shape(), (0..a.len()).map(number).collect())),
        _ => Datum::F64(number(0)),
    }
}

fn run(name: &str, program: &Program, request: &Request, args: &[Datum]) -> Result<Vec<Value>, String> {
    let strategy = STRATEGIES.iter().find(|s| s.name() == name).expect("a strategy");
    let leaves: Vec<Value> = args.iter().flat_map(Datum::leaves).collect();
    let mut prepared = strategy.prepare(program, request).map_err(|e| format!("{e:?}"))?;
    let result = prepared.run(&leaves).map_err(|e| format!("{e:?}"))?;
    Ok(prepared.output().build(&result).leaves())
}

/// Whether both are numbers, and those nearly the same.
fn agree(found: &Result<Vec<Value>, String>, expected: &Result<Vec<Value>, String>, tolerance: f64) -> bool {
    let close = |(a, b): (&Value, &Value)| {
        let (a, b) = (numbers(a), numbers(b));
        let scale = b.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= tolerance * scale)
    };
    match (found, expected) {
        (Ok(found), Ok(expected)) => found.len() == expected.len() && found.iter().zip(expected).all(close),
        _ => false,
    }
}

/// The pushforward of `closure` is made by transformation; the tape pulls the pullback back.
#[test]
fn tangents_and_hessian_products_agree_with_the_tape() {
    let mut wrong = Vec::new();
    for case in reference().into_iter().filter(|c| c.smooth) {
        let total = weighted(&case);
        if total.is_empty() {
            continue;
        }
        let (program, wrt) = (weighted_program(&case, &total), floats(&case));
        let mut args = case.args.clone();
        args.extend(wrt.iter().map(|&i| direction(&case.args[i])));
        for ask in [Ask::Jvp, Ask::Hvp] {
            let request = Request::new("f", ask, &wrt, 1, &args);
            let [found, expected] = ["closure", "tape"].map(|name| run(name, &program, &request, &args));
            if !agree(&found, &expected, 1e-10) {
                wrong.push(format!("{} of {}\n   is {found:?}\n  not {expected:?}", ask.name(), case.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn gradients_agree_with_central_differences() {
    let mut wrong = Vec::new();
    for case in reference().into_iter().filter(|c| c.smooth) {
        let total = weighted(&case);
        if total.is_empty() {
            continue;
        }
        let program = weighted_program(&case, &total);
        let wrt = floats(&case);
        let request = Request::new("f", Ask::Gradient, &wrt, 1, &case.args);
        let [found, expected] = ["closure", "finite"].map(|name| run(name, &program, &request, &case.args));
        if !agree(&found, &expected, 1e-6) {
            wrong.push(format!("{}\n   is {found:?}\n  not {expected:?}", case.text));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n{}", wrong.len(), wrong.join("\n"));
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::F64(x, _) => vec![*x],
        Value::Array(a, _) => a.as_slice().to_vec(),
        other => panic!("floats were expected, not {other:?}"),
    }
}

#[test]
fn every_function_has_a_case() {
    let cases = reference();
    let called = |name: &str, text: &str| {
        text.match_indices(name).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
                && !after.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
        })
    };
    for name in names::names().iter().filter(|name| !name.starts_with('_') && !ELSEWHERE.contains(name)) {
        assert!(cases.iter().any(|case| called(name, &case.text)), "{name} has no case in the reference");
    }
}

/// Functions that other tests hold: derivatives, which NumPy does not have.
const ELSEWHERE: &[&str] = &["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"];
