//! Lowering of `If` and `Loop`, in place where nobody else refers to their graphs.

use super::code::{Operand, Reg};
use super::lower::Lowering;
use super::places::{Dest, Place, Scope};
use super::tree::{Action, Block, Operands, Regs, Step};
use crate::graph::{GraphId, Node, NodeId, Op};
use crate::span::Span;
use crate::types::Type;
use crate::value::{Stack, Value};

/// `If`s and `Loop`s nested deeper than this are called, not lowered in place.
const MAX_INLINE_DEPTH: u32 = 64;

impl<'m> Lowering<'m> {
    /// Ends the function with a call or a branch in tail position, if the node is one.
    pub(super) fn tail(&mut self, scope: &mut Scope<'m>, node: &'m Node, out: &mut Block) -> bool {
        let action = match &node.op {
            Op::Call(graph) => {
                self.wanted.insert(*graph, ());
                Action::Call { graph: *graph, tail: true }
            }
            Op::Apply(_) => Action::Apply { tail: true },
            Op::If(then, other) => {
                self.branches(scope, node, (*then, *other), &Dest::Return, out);
                return true;
            }
            _ => return false,
        };
        let args = self.wholes(scope, &node.args, out);
        self.step(out, action, args, Regs::new(), node.span);
        true
    }

    pub(super) fn branches(
        &mut self,
        scope: &mut Scope<'m>,
        node: &Node,
        (then, other): (GraphId, GraphId),
        dest: &Dest<'_>,
        out: &mut Block,
    ) {
        let cond = self.whole(scope, node.args[0], out);
        let places: Vec<Place> = node.args[1..].iter().map(|&a| scope.places[a.0 as usize].clone()).collect();
        let at = self.tick();
        let then = self.sub(then, &places, dest, node.span);
        let other = self.sub(other, &places, dest, node.span);
        let dsts = match dest {
            Dest::Return => Regs::new(),
            Dest::Into(regs) | Dest::State(regs) => Regs::from_slice(regs),
        };
        out.steps.push(Step::If { cond, at, then, other, dsts, ty: node.ty.clone() });
    }

    /// A graph as a block of its own.
    fn sub(&mut self, id: GraphId, params: &[Place], dest: &Dest<'_>, span: Span) -> Block {
        let mut block = self.block();
        self.sub_into(id, params, dest, span, &mut block);
        block
    }

    /// A graph lowered in place, or called if others refer to it too.
    fn sub_into(
        &mut self,
        id: GraphId,
        params: &[Place],
        dest: &Dest<'_>,
        span: Span,
        out: &mut Block,
    ) -> Vec<Operand> {
        if self.scan.inline[id.0 as usize] && self.depth < MAX_INLINE_DEPTH {
            self.depth += 1;
            let items = self.graph(id, params.to_vec(), dest, out);
            self.depth -= 1;
            return items;
        }
        self.wanted.insert(id, ());
        let args = params.iter().map(|place| self.gathered(place, span, out)).collect();
        let tail = matches!(dest, Dest::Return);
        let dsts: Regs = match dest {
            Dest::Return => Regs::new(),
            Dest::Into(regs) => Regs::from_slice(regs),
            Dest::State(_) => {
                let count = self.module.graph(id).result_type().as_tuple().map_or(1, <[Type]>::len);
                (0..count).map(|_| self.reg()).collect()
            }
        };
        self.step(out, Action::Call { graph: id, tail }, args, dsts.clone(), span);
        dsts.into_iter().map(Operand::reg).collect()
    }

    fn gathered(&mut self, place: &Place, span: Span, out: &mut Block) -> Operand {
        if let Some(whole) = place.whole {
            return whole;
        }
        let items = place.items.as_deref().expect("a place");
        let dst = self.reg();
        self.step(out, Action::Tuple, Operands::from_slice(items), Regs::from_slice(&[dst]), span);
        Operand::reg(dst)
    }

    pub(super) fn repeat(
        &mut self,
        scope: &mut Scope<'m>,
        id: NodeId,
        node: &Node,
        (cond, body): (GraphId, GraphId),
        into: Option<&[Reg]>,
        out: &mut Block,
    ) -> Place {
        let count = node.ty.as_tuple().expect("the state of a loop is a tuple").len();
        let mut inits = self.wholes(scope, &node.args[..count], out);
        for (i, init) in inits.iter_mut().enumerate() {
            if let Some(stack) = self.room(scope, id, node, i) {
                *init = stack;
            }
        }
        let states = self.dsts(scope, id, node, into);
        self.moves(&inits, &states, node.span, out);
        let fresh = Reg(self.regs);
        let state_places = states.iter().map(|&s| Place::whole(Operand::reg(s)));
        let invariants = node.args[count..].iter().map(|&a| scope.places[a.0 as usize].clone());
        let places: Vec<Place> = state_places.chain(invariants).collect();
        let mut test = self.block();
        let cond = self.sub_into(cond, &places, &Dest::State(&[]), node.span, &mut test)[0];
        let mut block = self.block();
        let next = self.sub_into(body, &places, &Dest::State(&states), node.span, &mut block);
        self.moves(&next, &states, node.span, &mut block);
        let exit = self.block();
        out.steps.push(Step::Loop {
            test,
            cond,
            body: block,
            exit,
            fresh,
            states: states.clone(),
            ty: node.ty.clone(),
        });
        Self::result(node, &states)
    }

    /// For state that begins as an empty stack, and whose items are taken off at once in the end: a stack with room for them.
    fn room(&mut self, scope: &Scope<'m>, id: NodeId, node: &Node, state: usize) -> Option<Operand> {
        let how = scope.uses.rows.get(&(id, state as u32))?;
        let init = scope.graph.node(node.args[state]);
        match &init.ty {
            Type::Stack(item) if init.op == Op::Zero && item.is_float() && !item.shape().is_empty() => {
                let shape = [&[how[0] as usize], item.shape()].concat();
                Some(self.constant_value(Value::Stack(Stack::with_room(&shape, how[1] != 0))))
            }
            _ => None,
        }
    }

    /// Moves all at once: no source is overwritten before it is read.
    pub(super) fn moves(&mut self, from: &[Operand], to: &[Reg], span: Span, out: &mut Block) {
        assert_eq!(from.len(), to.len(), "as many values as registers");
        let mut pending: Vec<(Operand, Reg)> =
            from.iter().copied().zip(to.iter().copied()).filter(|(f, t)| f.as_reg() != Some(*t)).collect();
        while !pending.is_empty() {
            let free = pending.iter().position(|(_, t)| pending.iter().all(|(f, _)| f.as_reg() != Some(*t)));
            if let Some(i) = free {
                let (source, target) = pending.swap_remove(i);
                self.step(out, Action::Move, Operands::from_slice(&[source]), Regs::from_slice(&[target]), span);
                continue;
            }
            // Only cycles are left: one of their registers is saved elsewhere.
            let (_, target) = pending[0];
            let saved = self.reg();
            let source = Operands::from_slice(&[Operand::reg(target)]);
            self.step(out, Action::Move, source, Regs::from_slice(&[saved]), span);
            for (f, _) in pending.iter_mut().filter(|(f, _)| f.as_reg() == Some(target)) {
                *f = Operand::reg(saved);
            }
        }
    }
}
