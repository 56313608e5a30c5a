//! The primitives against NumPy, their rules against central differences at orders one and two,
//! and what the loop over the list must find: at least one case for each.
//!
//! `prims_reference.json` holds the cases; `scripts/prims_reference.py` writes it.

mod forward;
mod known;
mod lanes;
mod records;
mod sweep;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, NodeId};
use adjudicate_ir::prims::{self, Args, Attrs, PRIMS, PrimDef};
use adjudicate_ir::span::Span;
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;
use serde_json::Value as Json;

/// A primitive applied to operands, and what NumPy makes of it.
struct Case {
    prim: &'static PrimDef,
    attrs: Vec<i64>,
    args: Vec<Value>,
    result: Value,
    /// Whether differences are to agree with the rule here.
    smooth: bool,
    text: String,
}

fn reference() -> Vec<Case> {
    let cases: Vec<Json> = serde_json::from_str(include_str!("prims_reference.json")).expect("a list");
    cases.iter().map(case).collect()
}

fn case(json: &Json) -> Case {
    let name = json["prim"].as_str().expect("a name");
    let mut text = json.to_string();
    text.truncate(400);
    Case {
        prim: prims::by_name(name).unwrap_or_else(|| panic!("no primitive is called {name}")),
        attrs: list(&json["attrs"]).iter().map(|n| n.as_i64().expect("an integer")).collect(),
        args: list(&json["args"]).iter().map(tensor).collect(),
        result: tensor(&json["result"]),
        smooth: json["smooth"].as_bool().expect("a truth value"),
        text,
    }
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn tensor(json: &Json) -> Value {
    let shape: Vec<usize> = list(&json["shape"]).iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let data = list(&json["data"]).iter();
    let float = |x: &Json| x.as_f64().unwrap_or_else(|| x.as_str().expect("a float").parse().expect("a float"));
    match json["elem"].as_str().expect("an element type") {
        "f64" => Value::array(Array::from_vec(&shape, data.map(float).collect())),
        "i64" => Value::ints(Array::from_vec(&shape, data.map(|x| x.as_i64().expect("an integer")).collect())),
        "bool" => Value::bools(Array::from_vec(&shape, data.map(|x| x.as_bool().expect("a truth value")).collect())),
        other => panic!("{other} is no element type"),
    }
}

/// The graph that applies a primitive to parameters.
fn application(prim: &'static PrimDef, attrs: &[i64], args: &[Value]) -> Result<Graph, String> {
    let mut builder = Builder::new(prim.name, Span::default());
    let types = args.iter().map(|a| a.tensor_type().expect("a tensor"));
    let params: Vec<NodeId> = types.map(|ty| builder.param(ty)).collect();
    let ret = builder.try_prim(prim, attrs, &params)?;
    Ok(builder.finish(ret))
}

/// Equal, to rounding where it is inexact. Zeros keep their sign, except that NumPy leaves open which of two zeros
/// is the greater.
fn same_float(prim: &PrimDef, found: f64, expected: f64) -> bool {
    let extreme = ["maximum", "minimum", "max", "min"].contains(&prim.name);
    if expected == 0.0 && found == 0.0 {
        return extreme || found.to_bits() == expected.to_bits();
    }
    if found.is_nan() || !expected.is_finite() {
        return found == expected || found.is_nan() && expected.is_nan();
    }
    (found - expected).abs() <= 1e-14 * expected.abs().max(0.1)
}

fn same(prim: &PrimDef, found: &Value, expected: &Value) -> bool {
    let equal = match (found, expected) {
        (Value::I64(a), Value::I64(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Ints(a), Value::Ints(b)) => a == b,
        (Value::Bools(a), Value::Bools(b)) => a == b,
        (a, b) => sweep::floats(a).into_iter().zip(sweep::floats(b)).all(|(a, b)| same_float(prim, a, b)),
    };
    equal && found.tensor_type() == expected.tensor_type()
}

#[test]
fn values_are_numpys() {
    let mut wrong = Vec::new();
    for case in reference() {
        let graph = application(case.prim, &case.attrs, &case.args).unwrap_or_else(|e| panic!("{e}: {}", case.text));
        let found = sweep::run(&graph, &case.args).unwrap_or_else(|e| panic!("{e}: {}", case.text));
        if !same(case.prim, &found, &case.result) {
            wrong.push(format!(
                "{}{:?} {:?}\n   is {found:?}\n  not {:?}",
                case.prim.name, case.attrs, case.args, case.result
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_agree_with_central_differences_at_orders_one_and_two() {
    for case in reference().into_iter().filter(|c| c.smooth) {
        let graph = application(case.prim, &case.attrs, &case.args).expect("a result");
        if graph.result_type().is_differentiable() {
            sweep::check_derivatives(&case.text, graph, &case.args, 2);
        }
    }
}

#[test]
fn every_primitive_has_a_case() {
    let cases = reference();
    for prim in PRIMS {
        let mine: Vec<_> = cases.iter().filter(|c| std::ptr::eq(c.prim, *prim)).collect();
        let covered = records::PRIMS.contains(&prim.name) || !mine.is_empty();
        assert!(covered, "{} has no case in the reference", prim.name);
        let differentiated = prim.vjp.is_none() || records::PRIMS.contains(&prim.name) || mine.iter().any(|c| c.smooth);
        assert!(differentiated, "{} has a rule but no smooth case", prim.name);
    }
}

#[test]
fn names_are_distinct_and_documented() {
    for (i, prim) in PRIMS.iter().enumerate() {
        assert!(PRIMS[..i].iter().all(|other| other.name != prim.name), "{} is listed twice", prim.name);
        assert!(prim.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{}", prim.name);
        assert!(prim.about.ends_with('.') && prim.about.len() > 2, "{} is not described", prim.name);
    }
}

fn floats_of(shape: &[usize], fill: f64) -> Value {
    Value::array(Array::full(shape, fill))
}

fn address(value: &Value) -> *const f64 {
    match value {
        Value::Array(a, _) => a.as_slice().as_ptr(),
        other => panic!("{other:?} is no array"),
    }
}

/// Which operands, shaped as stated, lend their buffer to the result when nobody else holds them.
fn check_reuse(prim: &'static PrimDef, attrs: &[i64], args: &[Value], lender: Option<usize>) {
    let types: Vec<Type> = args.iter().map(|a| a.tensor_type().expect("a tensor")).collect();
    let attrs = Attrs::from_slice(attrs);
    let ty = (prim.ty)(&attrs, &types.iter().collect::<Vec<_>>()).expect("a type");
    let fresh = || -> Vec<Value> {
        let copy = |v: &Value| match v {
            Value::Array(a, _) => Value::array(Array::from_slice(a.shape(), a.as_slice())),
            other => other.clone(),
        };
        args.iter().map(copy).collect()
    };
    let mut owned = fresh();
    let lent = lender.map(|i| address(&owned[i]));
    let result = (prim.eval)(&attrs, &mut Args::new(&mut owned), &ty).expect("a value");
    if let Some(lent) = lent {
        assert_eq!(address(&result), lent, "{} takes a new buffer", prim.name);
    }
    let mut shared = fresh();
    let kept = shared.clone();
    let again = (prim.eval)(&attrs, &mut Args::new(&mut shared), &ty).expect("a value");
    assert_eq!(sweep::floats(&again), sweep::floats(&result), "{}", prim.name);
    for (kept, arg) in kept.iter().zip(args) {
        assert_eq!(sweep::floats(kept), sweep::floats(arg), "{} writes to an operand that is shared", prim.name);
    }
}

#[test]
fn buffers_are_reused_when_nobody_else_holds_them() {
    let (scalar, row, matrix) = (Value::f64(2.0), floats_of(&[3], 3.0), floats_of(&[2, 3], 5.0));
    check_reuse(&prims::SUB, &[], &[matrix.clone(), row.clone()], Some(0));
    check_reuse(&prims::SUB, &[], &[row.clone(), matrix.clone()], Some(1));
    check_reuse(&prims::DIV, &[], &[scalar.clone(), row.clone()], Some(1));
    check_reuse(&prims::SUB, &[], &[floats_of(&[2, 1], 1.0), floats_of(&[1, 3], 2.0)], None);
    check_reuse(&prims::EXP, &[], std::slice::from_ref(&row), Some(0));
    for n in [-2, -1, 1, 2, 3] {
        check_reuse(&prims::POWI, &[n], std::slice::from_ref(&row), Some(0));
    }
    check_reuse(&prims::RESHAPE, &[3, 2], std::slice::from_ref(&matrix), Some(0));
    check_reuse(&prims::INDEX_ADD, &[], &[row.clone(), Value::I64(1), scalar.clone()], Some(0));
    check_reuse(&prims::INDEX_ADD, &[], &[matrix, Value::I64(-1), row], Some(0));
    let square = floats_of(&[2, 2], 1.5);
    check_reuse(&prims::GEMM_ADD, &[0, 1], &[square.clone(), square.clone(), square], Some(2));
}

#[test]
fn vectors_multiply_as_rows_and_columns() {
    let floats = |shape: &[usize]| {
        let n: usize = shape.iter().product();
        Value::array(Array::from_vec(shape, (0..n).map(|i| (i as f64 * 0.7).sin()).collect()))
    };
    let [matmul, gemm_add] = ["matmul", "gemm_add"].map(|name| prims::by_name(name).expect("a primitive"));
    for (tb, b, c) in [(0, [3, 2], [2]), (1, [2, 3], [2])] {
        let left = [floats(&[3]), floats(&b), floats(&c)];
        let right = [floats(&b), floats(&[3]), floats(&c)];
        for (attrs, args) in [([0, tb], left), ([1 - tb, 0], right)] {
            let product = application(matmul, &attrs, &args[..2]).expect("they multiply");
            assert_eq!(product.result_type().shape(), c);
            sweep::check_derivatives("matmul of a vector", product, &args[..2], 2);
            let sum = application(gemm_add, &attrs, &args).expect("they multiply");
            sweep::check_derivatives("gemm_add of a vector", sum, &args, 2);
        }
    }
    assert!(application(matmul, &[0, 0], &[floats(&[3]), floats(&[3])]).is_err());
}
