//! Applications, branches and loops whose outcome is known where they stand.
//!
//! ```text
//! apply (closure @f (c…)) (x…)  =  call @f (c…, x…)
//! if true @t @e (x…)            =  call @t (x…)
//! if (not c) @t @e (x…)         =  if c @e @t (x…)
//! if c @f @f (x…)               =  call @f (x…)
//! ```

use crate::builder::Builder;
use crate::graph::{Args, Const, Graph, GraphId, NodeId, Op};
use crate::types::Type;

use super::rewrite::replace_nodes;
use super::{Pass, Run};

pub(super) const CALLS: Pass = Pass {
    name: "calls",
    about: "calls known function values directly, and the branch taken where the condition is known",
    run: Run::Graph(calls),
};

fn calls(graph: &Graph) -> Option<Graph> {
    let may = |op: &Op| matches!(op, Op::Apply(_) | Op::If(..));
    if !graph.nodes.iter().any(|n| may(&n.op)) {
        return None;
    }
    replace_nodes(graph, |b, op, args, ty| match op {
        Op::Apply(_) => apply(b, args, ty),
        Op::If(then, other) => branch(b, (*then, *other), args, ty),
        _ => None,
    })
}

fn apply(b: &mut Builder, args: &[NodeId], ty: &Type) -> Option<NodeId> {
    let function = b.graph().node(args[0]);
    let Op::Closure(code) = function.op else { return None };
    let all: Args = function.args.iter().chain(&args[1..]).copied().collect();
    Some(b.emit(Op::Call(code), &all, ty.clone()))
}

fn branch(b: &mut Builder, (then, other): (GraphId, GraphId), args: &[NodeId], ty: &Type) -> Option<NodeId> {
    let condition = b.graph().node(args[0]);
    let op = match &condition.op {
        Op::Const(Const::Bool(taken)) => Op::Call(if *taken { then } else { other }),
        _ if then == other => Op::Call(then),
        Op::Prim(p) if p.def.name == "logical_not" => {
            let swapped: Args = condition.args.iter().chain(&args[1..]).copied().collect();
            return Some(b.emit(Op::If(other, then), &swapped, ty.clone()));
        }
        _ => return None,
    };
    Some(b.emit(op, &args[1..], ty.clone()))
}
