//! What becomes of each operation: its copy in F, and its contributions in B.

use adjudicate_ir::builder::Expr;
use adjudicate_ir::graph::{GraphId, Node, NodeId, Op};
use adjudicate_ir::prims::Prim;
use adjudicate_ir::types::Type;

use super::transform::{Pull, Transform};
use super::{Adjoint, Adjoints, Mask, call_forward, primed, residual_nodes};
use crate::differential::Differential;

impl Adjoints<'_> {
    /// Puts a node into F; `args` are the copies of its operands.
    pub(super) fn forward_node(&mut self, t: &mut Transform<'_>, id: NodeId, op: &Op, args: &[NodeId]) -> NodeId {
        let ty = t.graph.ty(id);
        match op {
            Op::Prim(prim) => t.f.reapply(prim, args, primed(ty)),
            Op::Tuple => t.f.tuple(args),
            Op::Get(i) => t.f.get(args[0], *i as usize),
            Op::Closure(g) => {
                let code = self.adapter(*g, args.len());
                t.f.emit(Op::Closure(code), args, primed(ty))
            }
            Op::Apply(_) => {
                let Type::Fn(function) = t.f.ty(args[0]).clone() else { panic!("a function value is called") };
                let pair = t.f.emit(op.clone(), args, function.result.clone());
                forward_pair(t, id, pair)
            }
            Op::Call(g) if t.is_transformed(id) => self.forward_call(t, id, *g, args),
            Op::If(then, other) if t.is_transformed(id) => self.forward_if(t, id, [*then, *other], args),
            Op::Loop { cond, body } if t.is_transformed(id) => self.forward_loop(t, id, (*cond, *body), args),
            Op::Vjp(_) => panic!("derivatives are expanded innermost first"),
            Op::Fused(_) => panic!("derivatives are expanded before nodes are fused"),
            _ => t.f.emit(op.clone(), args, primed(ty)),
        }
    }

    /// A recursive graph is called through its closed form.
    fn forward_call(&mut self, t: &mut Transform<'_>, id: NodeId, g: GraphId, args: &[NodeId]) -> NodeId {
        let mask: Mask = t.graph.node(id).args.iter().map(|&a| t.activity.is_active(a)).collect();
        if self.recursive[&g] {
            let pair = self.pair_type(g, &mask).whole;
            let closed = self.closed(g, &mask);
            let pair = t.f.emit(Op::Call(closed), args, pair);
            return forward_pair(t, id, pair);
        }
        let adjoint = self.of(g, &mask);
        let called = call_forward(self.module, &mut t.f, &adjoint, args);
        let residuals = residual_nodes(&mut t.f, &adjoint, args, called);
        t.pulls.insert(id, Pull::Open(adjoint, residuals));
        t.f.get(called, 0)
    }

    /// Emits what a node contributes to its operands, from its cotangent.
    pub(super) fn backward_node(&mut self, t: &mut Transform<'_>, id: NodeId, d: Differential) {
        let node = t.graph.node(id);
        match &node.op {
            Op::Prim(prim) => backward_prim(t, id, prim, &d),
            Op::Tuple => backward_tuple(t, node, &d),
            Op::Get(i) => {
                let count = t.graph.ty(node.args[0]).as_tuple().map_or(0, <[Type]>::len);
                t.contribute(node.args[0], Differential::inject(count, *i as usize, d));
            }
            Op::Closure(_) => backward_closure(t, node, &d),
            Op::Apply(_) => backward_apply(t, id, &d),
            Op::Call(_) => backward_call(t, id, &d),
            Op::If(..) => self.backward_if(t, id, &d),
            Op::Loop { .. } => self.backward_loop(t, id, &d),
            Op::Param(_) | Op::Const(_) | Op::Zero => {}
            Op::Vjp(_) | Op::Fused(_) | Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => {
                panic!("{:?} does not occur here", node.op)
            }
        }
    }
}

/// The value of a call that returns it with its backpropagator.
fn forward_pair(t: &mut Transform<'_>, id: NodeId, pair: NodeId) -> NodeId {
    let back = t.f.get(pair, 1);
    t.pulls.insert(id, Pull::Closed(back));
    t.f.get(pair, 0)
}

fn backward_prim(t: &mut Transform<'_>, id: NodeId, prim: &Prim, d: &Differential) {
    let node = t.graph.node(id);
    let dy = t.whole(d, &node.ty);
    let args: Vec<NodeId> = node.args.iter().map(|&a| t.import_node(a)).collect();
    let out = t.import_node(id);
    let pulled = prim.def.pull(&t.b, &prim.attrs, &args, out, dy);
    for (&a, da) in node.args.iter().zip(pulled) {
        t.contribute(a, da.map_or(Differential::Zero, Differential::Whole));
    }
}

fn backward_tuple(t: &mut Transform<'_>, node: &Node, d: &Differential) {
    for (i, &a) in node.args.iter().enumerate() {
        let item = d.item(&mut t.b.borrow_mut(), i);
        t.contribute(a, item);
    }
}

/// The cotangents of captures are the fields of an env.
fn backward_closure(t: &mut Transform<'_>, node: &Node, d: &Differential) {
    let env = t.whole(d, &Type::Env);
    for (i, &a) in node.args.iter().enumerate() {
        if t.activity.is_active(a) {
            let da = Expr::new(&t.b, env).env_get(i, t.graph.ty(a).cotangent()).id;
            t.contribute(a, Differential::Whole(da));
        }
    }
}

fn backward_apply(t: &mut Transform<'_>, id: NodeId, d: &Differential) {
    let node = t.graph.node(id);
    let dy = t.whole(d, &node.ty);
    let Some(Pull::Closed(back)) = t.pulls.remove(&id) else { panic!("the call of a value has a backpropagator") };
    let back = t.import(back);
    let all = t.apply(back, dy);
    for (i, &a) in node.args.iter().enumerate() {
        let da = t.b.borrow_mut().get(all, i);
        t.contribute(a, Differential::Whole(da));
    }
}

fn backward_call(t: &mut Transform<'_>, id: NodeId, d: &Differential) {
    let node = t.graph.node(id);
    let dy = t.whole(d, &node.ty);
    let all = match t.pulls.remove(&id) {
        Some(Pull::Closed(back)) => {
            let back = t.import(back);
            t.apply(back, dy)
        }
        Some(Pull::Open(adjoint, residuals)) => call_backward(t, &adjoint, &residuals, dy),
        Some(Pull::Branch(_) | Pull::Loop(_)) | None => panic!("a call has the pullback of a call"),
    };
    t.distribute(&node.args, all);
}

/// The call of ◀ of a known graph.
fn call_backward(t: &mut Transform<'_>, adjoint: &Adjoint, residuals: &[NodeId], dy: NodeId) -> NodeId {
    let mut args: Vec<NodeId> = residuals.iter().map(|&r| t.import(r)).collect();
    args.push(dy);
    let ty = Type::tuple(adjoint.cotangents.clone());
    t.b.borrow_mut().emit(Op::Call(adjoint.backward), &args, ty)
}
