//! Forward mode and what has no derivative rule, primitive by primitive.
//!
//! A backpropagator is linear in its cotangent, so its own backpropagator by that is the
//! Jacobian–vector product: there are no other forward rules. Both must belong to the same Jacobian,
//! `⟨w, J v⟩ = ⟨Jᵀ w, v⟩`, and differentiating either again gives the same second derivatives.

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, NodeId, Op};
use adjudicate_ir::prims::PRIMS;
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;

use super::sweep::{floats, pullback, run};
use super::{Case, application, records, reference};

/// Float primitives without a derivative rule: constant between their jumps, or declared to let nothing through.
const WITHOUT_RULE: &[&str] = &["floordiv", "sign", "floor", "ceil", "detach"];

/// `(x…, w, v…) ↦ J v`: the part of the pullback of the pullback that belongs to `w`.
fn push_forward(pulled: &Graph, args: usize) -> Graph {
    let twice = pullback(pulled);
    let mut b = Builder::new("jvp", twice.span);
    let mut map: Vec<NodeId> = Vec::new();
    for (_, node) in twice.iter() {
        let operands: Vec<NodeId> = node.args.iter().map(|a| map[a.0 as usize]).collect();
        map.push(match &node.op {
            Op::Param(_) => b.param(node.ty.clone()),
            op => b.emit(op.clone(), &operands, node.ty.clone()),
        });
    }
    let place = pulled.params[..args].iter().filter(|&&p| pulled.ty(p).is_float()).count();
    let ret = b.get(map[twice.ret.0 as usize], place);
    b.finish(ret)
}

/// Numbers of the shape of a type, none of them special.
fn numbers(ty: &Type, salt: f64) -> Value {
    let number = |i: usize| ((i as f64 + salt) * 1.618).sin() + 0.3;
    Value::array(Array::from_vec(ty.shape(), (0..ty.size()).map(number).collect()))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn smooth() -> impl Iterator<Item = (Case, Graph)> {
    let with_graph = |case: Case| {
        let graph = application(case.prim, &case.attrs, &case.args).expect("a result");
        (case.smooth && graph.result_type().is_differentiable()).then_some((case, graph))
    };
    reference().into_iter().filter_map(with_graph)
}

#[test]
fn forward_and_reverse_mode_have_one_jacobian() {
    let mut seen = Vec::new();
    for (case, graph) in smooth() {
        let pulled = pullback(&graph);
        let pushed = push_forward(&pulled, case.args.len());
        let w = numbers(graph.result_type(), 0.5);
        let directions: Vec<Value> =
            graph.param_types().iter().filter(|ty| ty.is_float()).map(|ty| numbers(ty, 2.5)).collect();
        let at: Vec<Value> = case.args.iter().cloned().chain([w.clone()]).collect();
        let back = floats(&run(&pulled, &at).expect("a pullback"));
        let along: Vec<Value> = at.iter().cloned().chain(directions.iter().cloned()).collect();
        let forth = floats(&run(&pushed, &along).expect("a derivative along a direction"));
        let (left, right) =
            (dot(&floats(&w), &forth), dot(&back, &directions.iter().flat_map(floats).collect::<Vec<_>>()));
        let scale = left.abs().max(right.abs()).max(1.0);
        assert!((left - right).abs() <= 1e-12 * scale, "⟨w, J v⟩ = {left}, ⟨Jᵀ w, v⟩ = {right}: {}", case.text);
        seen.push(case.prim.name);
    }
    let missing: Vec<_> = PRIMS
        .iter()
        .filter(|p| p.vjp.is_some() && !records::PRIMS.contains(&p.name) && !seen.contains(&p.name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The derivative of `⟨Jᵀ w, v⟩` by x: reverse over reverse, and reverse over forward through `⟨w, J v⟩`.
#[test]
fn second_derivatives_do_not_depend_on_the_mode() {
    for (case, graph) in smooth() {
        let pulled = pullback(&graph);
        let pushed = push_forward(&pulled, case.args.len());
        let directions: Vec<Value> =
            graph.param_types().iter().filter(|ty| ty.is_float()).map(|ty| numbers(ty, 2.5)).collect();
        let w = numbers(graph.result_type(), 0.5);
        let at: Vec<Value> = case.args.iter().cloned().chain([w.clone()]).collect();
        let count: usize =
            case.args.iter().filter(|a| matches!(a, Value::F64(..) | Value::Array(..))).map(|a| floats(a).len()).sum();
        let reverse: Vec<Value> = at.iter().cloned().chain(directions.iter().cloned()).collect();
        let forward: Vec<Value> = reverse.iter().cloned().chain([w.clone()]).collect();
        let by_reverse = floats(&run(&pullback(&pulled), &reverse).expect("a second derivative"))[..count].to_vec();
        let by_forward = floats(&run(&pullback(&pushed), &forward).expect("a second derivative"))[..count].to_vec();
        for (a, b) in by_reverse.iter().zip(&by_forward) {
            assert!((a - b).abs() <= 1e-11 * a.abs().max(1.0), "{by_reverse:?}, {by_forward:?}: {}", case.text);
        }
    }
}

/// A float primitive either has a rule or is declared to have none; where it has none, nothing flows by
/// differences either, unless it is there to stop what would.
#[test]
fn no_primitive_gives_a_silent_zero() {
    for prim in PRIMS.iter().filter(|p| !records::PRIMS.contains(&p.name) && p.vjp.is_none()) {
        let cases: Vec<Case> = reference().into_iter().filter(|c| std::ptr::eq(c.prim, *prim)).collect();
        for case in cases {
            let graph = application(case.prim, &case.attrs, &case.args).expect("a result");
            let takes = graph.param_types().iter().any(Type::is_differentiable);
            let flows = graph.result_type().is_differentiable() && takes;
            assert!(!flows || WITHOUT_RULE.contains(&prim.name), "{} has no rule and is not declared", prim.name);
        }
    }
    for name in WITHOUT_RULE {
        let found: Vec<_> = smooth().filter(|(case, _)| case.prim.name == *name).collect();
        assert!(adjudicate_ir::prims::by_name(name).is_some_and(|p| p.vjp.is_none()), "{name} has a rule");
        if *name == "detach" {
            continue;
        }
        for (case, graph) in found {
            super::sweep::check_derivatives(&case.text, graph, &case.args, 1);
        }
    }
}
