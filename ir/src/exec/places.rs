//! Where values are while a graph is lowered, and registers chosen for them beforehand.

use std::rc::Rc;

use indexmap::IndexMap;

use super::code::{Operand, Reg};
use super::scan::Uses;
use crate::graph::{Graph, GraphId, NodeId, Op};

/// Where the value of a node is: as one, as items, or both.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) whole: Option<Operand>,
    pub(super) items: Option<Rc<[Operand]>>,
}

impl Place {
    pub(super) fn whole(operand: Operand) -> Self {
        Self { whole: Some(operand), items: None }
    }

    pub(super) fn items(items: impl IntoIterator<Item = Operand>) -> Self {
        Self { whole: None, items: Some(items.into_iter().collect()) }
    }

    /// Whether it is no place yet.
    pub(super) fn is_none(&self) -> bool {
        self.whole.is_none() && self.items.is_none()
    }
}

/// Where a graph's result is wanted.
pub(super) enum Dest<'d> {
    /// Returned from the function.
    Return,
    /// In these registers, which nothing else writes on this path.
    Into(&'d [Reg]),
    /// Anywhere, preferably in these registers: the state of a loop.
    State(&'d [Reg]),
}

/// A graph in the course of being lowered.
pub(super) struct Scope<'m> {
    pub(super) id: GraphId,
    pub(super) graph: &'m Graph,
    pub(super) uses: &'m Uses,
    pub(super) places: Vec<Place>,
    /// Registers chosen beforehand for item `.1` of the value of node `.0`.
    pub(super) chosen: IndexMap<(NodeId, u32), Reg>,
}

/// Stands for a value as one in [`Scope::chosen`].
pub(super) const WHOLE: u32 = u32::MAX;

impl Scope<'_> {
    /// Chooses registers for nodes whose values are wanted in them.
    pub(super) fn choose(&mut self, dest: &Dest<'_>) {
        let (regs, state) = match dest {
            Dest::Return => return,
            Dest::Into(regs) => (*regs, false),
            Dest::State(regs) => (*regs, true),
        };
        let ret = self.graph.node(self.graph.ret);
        if ret.op != Op::Tuple {
            return;
        }
        for (i, (&item, &reg)) in ret.args.iter().zip(regs).enumerate() {
            if let Some(key) = self.origin(item)
                && !(state && self.read_after(i, key.0))
            {
                self.chosen.entry(key).or_insert(reg);
            }
        }
    }

    /// The node that makes the value of this one in a register of its own, and which item of it.
    fn origin(&self, item: NodeId) -> Option<(NodeId, u32)> {
        let node = self.graph.node(item);
        match node.op {
            Op::Prim(_) | Op::Closure(_) => Some((item, WHOLE)),
            Op::Call(_) | Op::Fused(_) | Op::Apply(_) | Op::If(..) if node.ty.as_tuple().is_none() => {
                Some((item, WHOLE))
            }
            Op::Get(index) => {
                let tuple = self.graph.node(node.args[0]);
                let apart = matches!(
                    tuple.op,
                    Op::Call(_) | Op::Fused(_) | Op::Apply(_) | Op::Vjp(_) | Op::If(..) | Op::Loop { .. }
                ) || matches!(tuple.op, Op::Prim(_)) && self.uses.only_gets[node.args[0].0 as usize];
                apart.then_some((node.args[0], index))
            }
            _ => None,
        }
    }

    /// Whether the old state `i` may be read once node `maker` has written the new one.
    fn read_after(&self, i: usize, maker: NodeId) -> bool {
        let param = self.graph.params[i].0 as usize;
        let structured = matches!(self.graph.node(maker).op, Op::If(..) | Op::Loop { .. });
        structured || self.uses.in_tuple[param] || (self.uses.live[param] && self.uses.last[param] > maker.0)
    }
}
