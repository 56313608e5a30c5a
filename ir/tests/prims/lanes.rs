//! Batching rules: the batched application is the application on each lane, whichever operands
//! have lanes.

use std::cell::RefCell;

use adjudicate_ir::batch::{BatchRule, Lanes};
use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::NodeId;
use adjudicate_ir::prims::{Attrs, Prim};
use adjudicate_ir::span::Span;
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;

use super::{Case, application, reference, same, sweep};

/// An operand in one lane: the same elements in another order or scaled, of the same range.
fn variant(value: &Value, lane: usize) -> Value {
    fn turned<T: adjudicate_kernels::Element>(a: &Array<T>, lane: usize) -> Array<T> {
        let mut data = a.as_slice().to_vec();
        let by = if data.is_empty() { 0 } else { lane % data.len() };
        data.rotate_left(by);
        Array::from_vec(a.shape(), data)
    }
    match value {
        Value::F64(x, _) => Value::f64(x * (1.0 + lane as f64 / 8.0)),
        Value::I64(x) => Value::I64(if lane % 2 == 1 && *x < 0 { *x } else { x - x.signum() * i64::from(lane > 1) }),
        Value::Bool(x) => Value::Bool(*x ^ (lane % 2 == 1)),
        Value::Array(a, _) => Value::array(turned(a, lane)),
        Value::Ints(a) => Value::ints(turned(a, lane)),
        Value::Bools(a) => Value::bools(turned(a, lane)),
        other => panic!("{other:?} is no tensor"),
    }
}

/// Values of all lanes as one.
fn stacked(like: &Type, lanes: &[Value]) -> Value {
    let (elem, shape) = like.as_tensor().expect("a tensor");
    let full: Vec<usize> = std::iter::once(lanes.len()).chain(shape.iter().copied()).collect();
    match elem {
        adjudicate_ir::types::Elem::F64 => {
            Value::array(Array::from_vec(&full, lanes.iter().flat_map(sweep::floats).collect()))
        }
        adjudicate_ir::types::Elem::I64 => Value::ints(Array::from_vec(
            &full,
            lanes
                .iter()
                .flat_map(|v| match v {
                    Value::I64(x) => vec![*x],
                    Value::Ints(a) => a.as_slice().to_vec(),
                    other => panic!("{other:?}"),
                })
                .collect(),
        )),
        adjudicate_ir::types::Elem::Bool => Value::bools(Array::from_vec(
            &full,
            lanes
                .iter()
                .flat_map(|v| match v {
                    Value::Bool(x) => vec![*x],
                    Value::Bools(a) => a.as_slice().to_vec(),
                    other => panic!("{other:?}"),
                })
                .collect(),
        )),
    }
}

fn check(case: &Case, subset: usize, count: usize) {
    let BatchRule::Tensors(rule) = case.prim.batch else { panic!("{} is not one of tensors", case.prim.name) };
    let has = |i: usize| subset >> i & 1 == 1;
    let lane = |lane: usize| -> Vec<Value> {
        let arg = |(i, v): (usize, &Value)| if has(i) { variant(v, lane) } else { v.clone() };
        case.args.iter().enumerate().map(arg).collect()
    };
    let graph = application(case.prim, &case.attrs, &case.args).expect("a result");
    let each: Result<Vec<Value>, String> = (0..count).map(|i| sweep::run(&graph, &lane(i))).collect();
    let args: Vec<Value> = (0..case.args.len())
        .map(|i| {
            let all: Vec<Value> = (0..count).map(|k| lane(k)[i].clone()).collect();
            if has(i) { stacked(&case.args[i].tensor_type().expect("a tensor"), &all) } else { case.args[i].clone() }
        })
        .collect();
    let builder = RefCell::new(Builder::new(case.prim.name, Span::default()));
    let types = args.iter().map(|a| a.tensor_type().expect("a tensor"));
    let params: Vec<NodeId> = types.map(|ty| builder.borrow_mut().param(ty)).collect();
    let mask: Vec<bool> = (0..args.len()).map(has).collect();
    let prim = Prim { def: case.prim, attrs: Attrs::from_slice(&case.attrs) };
    let ret = rule(&prim, &Lanes::new(&builder, &params, &mask, count)).id;
    let found = sweep::run(&builder.into_inner().finish(ret), &args);
    let what = format!("{} {mask:?} in {count} lanes", case.text);
    match (found, each) {
        (Ok(found), Ok(each)) => {
            let expected = stacked(graph.result_type(), &each);
            assert!(same(case.prim, &found, &expected), "{what}:\n{found:?}, not\n{expected:?}");
        }
        (Err(_), Err(_)) => {}
        (found, each) => panic!("{what}: {found:?}, but lane by lane {each:?}"),
    }
}

#[test]
fn batched_is_lane_by_lane_for_every_subset_of_operands() {
    for case in reference() {
        for subset in 1..1_usize << case.args.len().min(4) {
            for count in [0, 1, 3] {
                check(&case, subset, count);
            }
        }
    }
}
