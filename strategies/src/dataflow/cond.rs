//! The gradient of a branch on data.
//!
//! ```text
//! (y…, s…)  = if c: then(x…)      else: other(x…)
//! (dx…)     = if c: dthen(x…, s…, dy…) else: dother(x…, s…, dy…)
//! ```
//!
//! Both branches return, after their values, what the reverse of either reads (Yu et al. 2018, §4.2).
//! The results `s` are shared: only one branch runs, so a residual of the one and a residual of
//! the other that have one type lie in one place. A place that a branch has no use for is zero.

use std::cell::RefCell;
use std::rc::Rc;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{GraphId, NodeId, Op};
use adjudicate_ir::types::Type;

use super::activity::Mask;
use super::gradient::Gradients;
use super::joint::{Joint, Residual, items, splice};
use crate::differential::Differential;

/// Where the backward branches find a residual.
#[derive(Clone, Copy)]
enum Place {
    /// It is this operand of both.
    Operand(usize),
    /// It lies here among the results of both.
    Slot(usize),
}

/// What the reverse of a branch needs.
pub(super) struct Branches {
    /// Condition and operands of the forward branch.
    args: Vec<NodeId>,
    joints: [Rc<Joint>; 2],
    places: [Vec<Place>; 2],
    slots: Vec<NodeId>,
    params: Mask,
    values: Mask,
    /// Whether the value is a tuple.
    is_tuple: bool,
}

impl Gradients<'_> {
    /// The branch with residuals as further results: its value, and its reverse.
    pub(super) fn forward_branches(
        &mut self,
        b: &RefCell<Builder>,
        (then, other): (GraphId, GraphId),
        args: &[NodeId],
        (params, values): (&Mask, &Mask),
    ) -> (NodeId, Branches) {
        let joints = [self.joint(then, params, values), self.joint(other, params, values)];
        let mut slots = Vec::new();
        let places = [assign(&joints[0], &mut slots), assign(&joints[1], &mut slots)];
        let result = self.module.graph(then).result_type().clone();
        let mut types: Vec<Type> = result.as_tuple().map_or_else(|| vec![result.clone()], <[Type]>::to_vec);
        types.extend(slots.iter().cloned());
        let mut graph = |i: usize| self.forward_branch(&joints[i], &places[i], &slots);
        let (then, other) = (graph(0), graph(1));
        let mut b = b.borrow_mut();
        let made = b.emit(Op::If(then, other), args, Type::tuple(types));
        let value = match result.as_tuple() {
            Some(_) => {
                let values: Vec<NodeId> = (0..values.len()).map(|i| b.get(made, i)).collect();
                b.tuple(&values)
            }
            None => b.get(made, 0),
        };
        let slots = (0..slots.len()).map(|k| b.get(made, values.len() + k)).collect();
        let (params, values, is_tuple) = (params.clone(), values.clone(), result.as_tuple().is_some());
        (value, Branches { args: args.to_vec(), joints, places, slots, params, values, is_tuple })
    }

    fn forward_branch(&mut self, joint: &Joint, places: &[Place], slots: &[Type]) -> GraphId {
        let mut b = Builder::new(&joint.forward.name, joint.forward.span);
        let params: Vec<NodeId> = joint.forward.param_types().into_iter().map(|ty| b.param(ty)).collect();
        let result = splice(&mut b, &joint.forward, &params);
        let mut returned: Vec<NodeId> = (0..joint.values).map(|i| b.get(result, i)).collect();
        for (k, ty) in slots.iter().enumerate() {
            let own = joint.residuals.iter().zip(places).find_map(|(residual, place)| match (residual, place) {
                (Residual::Item(item), Place::Slot(slot)) if *slot == k => Some(*item),
                _ => None,
            });
            returned.push(match own {
                Some(item) => b.get(result, item),
                None => b.zero(ty.clone()),
            });
        }
        let ret = b.tuple(&returned);
        self.module.add(b.finish(ret))
    }

    /// The backward branch: cotangents of the operands.
    pub(super) fn reverse_branches(
        &mut self,
        b: &RefCell<Builder>,
        branches: &Branches,
        d: &Differential,
    ) -> Vec<Differential> {
        let shared = branches.operands();
        let mut operands = vec![branches.args[0]];
        operands.extend(shared.iter().map(|&i| branches.args[i + 1]));
        operands.extend(&branches.slots);
        let first_seed = operands.len() - 1;
        operands.extend(branches.seeds(&mut b.borrow_mut(), d));
        let types: Vec<Type> = operands[1..].iter().map(|&a| b.borrow().ty(a).clone()).collect();
        let mut graph = |i: usize| self.backward_branch(branches, i, &shared, &types, first_seed);
        let (then, other) = (graph(0), graph(1));
        let result = self.module.graph(then).result_type().clone();
        let mut b = b.borrow_mut();
        let made = b.emit(Op::If(then, other), &operands, result);
        let mut pulled = items(&mut b, made).into_iter();
        let cotangent = |&active: &bool| match active {
            true => Differential::Whole(pulled.next().expect("a cotangent for each active operand")),
            false => Differential::Zero,
        };
        branches.params.iter().map(cotangent).collect()
    }

    fn backward_branch(
        &mut self,
        branches: &Branches,
        which: usize,
        shared: &[usize],
        types: &[Type],
        first_seed: usize,
    ) -> GraphId {
        let joint = &branches.joints[which];
        let mut b = Builder::new(&joint.backward.name, joint.backward.span);
        let params: Vec<NodeId> = types.iter().map(|ty| b.param(ty.clone())).collect();
        let place = |place: &Place| match *place {
            Place::Operand(i) => params[shared.binary_search(&i).expect("it was put there")],
            Place::Slot(k) => params[shared.len() + k],
        };
        let mut args: Vec<NodeId> = branches.places[which].iter().map(place).collect();
        args.extend(&params[first_seed..]);
        let ret = splice(&mut b, &joint.backward, &args);
        self.module.add(b.finish(ret))
    }
}

impl Branches {
    /// Operands of the forward branches that either backward branch reads, in order.
    fn operands(&self) -> Vec<usize> {
        let read = self.places.iter().flatten().filter_map(|place| match place {
            Place::Operand(i) => Some(*i),
            Place::Slot(_) => None,
        });
        let mut read: Vec<usize> = read.collect();
        read.sort_unstable();
        read.dedup();
        read
    }

    /// Cotangents of the active values.
    fn seeds(&self, b: &mut Builder, d: &Differential) -> Vec<NodeId> {
        let forward = &self.joints[0].forward;
        let tuple = forward.node(forward.ret);
        let mut seeds = Vec::new();
        for i in (0..self.values.len()).filter(|&i| self.values[i]) {
            let ty = forward.ty(tuple.args[i]).cotangent();
            let item = if self.is_tuple { d.item(b, i) } else { d.clone() };
            seeds.push(item.materialise(b, &ty));
        }
        seeds
    }
}

/// Places for the residuals of a branch; slots of the other branch are used again.
fn assign(joint: &Joint, slots: &mut Vec<Type>) -> Vec<Place> {
    let mut taken = vec![false; slots.len()];
    let mut places = Vec::new();
    for &residual in &joint.residuals {
        places.push(match residual {
            Residual::Param(i) => Place::Operand(i),
            Residual::Item(_) => {
                let ty = joint.ty(residual);
                let free = (0..slots.len()).find(|&k| !taken[k] && slots[k] == *ty);
                let slot = free.unwrap_or_else(|| {
                    slots.push(ty.clone());
                    taken.push(false);
                    slots.len() - 1
                });
                taken[slot] = true;
                Place::Slot(slot)
            }
        });
    }
    places
}
