//! The loop that is left when what comes before and after has been taken out.

use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{Const, Graph, NodeId, Op};
use crate::prims::{ADD, GE, INDEX, LT, MUL, PUSH, SUB};
use crate::types::Type;

use super::parts::{Parts, Role};

/// Condition and body; `None` if nothing is left. `varying` says which results of what comes before have a row for each
/// trip.
pub(super) fn graphs(parts: &Parts<'_>, varying: &FxHashMap<NodeId, bool>) -> Option<(Graph, Graph)> {
    let states = parts.kept_states().count() + parts.pushed.len();
    if states == 0 {
        return None;
    }
    let types = types(parts, varying);
    let mut cond = Builder::new("again", parts.body.span);
    let params: Vec<NodeId> = types.iter().map(|ty| cond.param(ty.clone())).collect();
    let bound = cond.constant(Const::I64(if parts.descends { 0 } else { parts.trips as i64 }));
    let again = cond.prim(if parts.descends { &GE } else { &LT }, &[], &[params[states], bound]);
    let cond = cond.finish(again);

    let mut b = Builder::new(&parts.body.name, parts.body.span);
    let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
    let inputs = parts.core_inputs().zip(params[states + 1..].iter().copied()).collect();
    let row = params[states];
    let mut core = Core { b, parts, inputs, varying, map: vec![None; parts.body.nodes.len()], row };
    for (i, param) in parts.kept_states().zip(&params) {
        core.map[parts.body.params[i].0 as usize] = Some(*param);
    }
    Some((cond, core.body(&params)))
}

/// Types of what the core takes: its state, its stacks, the row, its inputs.
fn types(parts: &Parts<'_>, varying: &FxHashMap<NodeId, bool>) -> Vec<Type> {
    let body = parts.body;
    let kept = parts.kept_states().map(|i| body.ty(body.params[i]).clone());
    let pushed = parts.pushed.iter().map(|&id| Type::stack(body.ty(id).clone()));
    let inputs = parts.core_inputs().map(|id| {
        let ty = body.ty(id);
        let rows = varying.get(&id).copied().unwrap_or_else(|| parts.varies(id));
        match ty.as_tensor().filter(|_| rows) {
            Some((elem, shape)) => Type::tensor(elem, &[&[parts.trips], shape].concat()),
            None => ty.clone(),
        }
    });
    kept.chain(pushed).chain([Type::i64()]).chain(inputs).collect()
}

/// Stack that numbers made of numbers may need, and how much is added at a time.
const RED_ZONE: usize = 64 << 10;
const STACK: usize = 4 << 20;

struct Core<'c> {
    b: Builder,
    parts: &'c Parts<'c>,
    /// What comes before, invariants and rows of stacks, as parameters.
    inputs: FxHashMap<NodeId, NodeId>,
    varying: &'c FxHashMap<NodeId, bool>,
    map: Vec<Option<NodeId>>,
    row: NodeId,
}

impl Core<'_> {
    fn body(mut self, params: &[NodeId]) -> Graph {
        let (parts, body) = (self.parts, self.parts.body);
        for (id, node) in body.iter().filter(|(id, _)| parts.live[id.0 as usize] && parts.is_core(*id)) {
            if !matches!(node.op, Op::Param(_)) {
                let args: Vec<NodeId> = node.args.iter().map(|&a| self.operand(a)).collect();
                self.b.span = node.span;
                self.map[id.0 as usize] = Some(self.b.emit(node.op.clone(), &args, node.ty.clone()));
            }
        }
        let mut next: Vec<NodeId> = Vec::new();
        for i in parts.kept_states() {
            next.push(self.operand(body.node(body.ret).args[i]));
        }
        for (&id, &stack) in parts.pushed.iter().zip(&params[next.len()..]) {
            let item = self.operand(id);
            next.push(self.b.prim(&PUSH, &[], &[stack, item]));
        }
        let step = self.b.constant(Const::I64(if parts.descends { -1 } else { 1 }));
        next.push(self.b.prim(&ADD, &[], &[self.row, step]));
        let ret = self.b.tuple(&next);
        self.b.finish(ret)
    }

    /// A node of the body as the core has it.
    fn operand(&mut self, id: NodeId) -> NodeId {
        if let Some(made) = self.map[id.0 as usize] {
            return made;
        }
        let made = stacker::maybe_grow(RED_ZONE, STACK, || self.made(id));
        self.map[id.0 as usize] = Some(made);
        made
    }

    fn made(&mut self, id: NodeId) -> NodeId {
        let node = self.parts.body.node(id);
        if let Some(&input) = self.inputs.get(&id) {
            let rows = self.varying.get(&id).copied().unwrap_or_else(|| self.parts.varies(id));
            return if rows { self.b.prim(&INDEX, &[], &[input, self.row]) } else { input };
        }
        if let Op::Param(i) = node.op {
            return self.counter(i as usize);
        }
        if let Some(first) = self.parts.same_item(id).filter(|first| *first != id) {
            return self.operand(first);
        }
        let args: Vec<NodeId> = node.args.iter().map(|&a| self.operand(a)).collect();
        self.b.emit(node.op.clone(), &args, node.ty.clone())
    }

    /// A counter, from the row: `start + step · trip`.
    fn counter(&mut self, state: usize) -> NodeId {
        let Role::Counter(counter) = self.parts.roles[state] else { panic!("a counter") };
        let step = if self.parts.descends { -counter.step } else { counter.step };
        let base = counter.after(self.parts.trip_of(0)).expect("within the range counted");
        let scaled = match step {
            1 => self.row,
            step => {
                let step = self.b.constant(Const::I64(step));
                self.b.prim(&MUL, &[], &[self.row, step])
            }
        };
        let number = |b: &mut Builder, n: i64| b.constant(Const::I64(n));
        match (base, step) {
            (0, _) => scaled,
            (base, -1) => {
                let base = number(&mut self.b, base);
                self.b.prim(&SUB, &[], &[base, self.row])
            }
            (base, _) => {
                let base = number(&mut self.b, base);
                self.b.prim(&ADD, &[], &[scaled, base])
            }
        }
    }
}
