//! Last uses: a backward walk over a tree with the set of live registers.
//!
//! - An operand is marked *last* if its register is not live after the step; of several uses in one
//!   step, the one gathered last.
//! - Where paths part, what only the other path uses is emptied at the head of this one.
//! - A loop keeps live, all the way round, its state and what it reads from outside.
//!
//! The walk also finds for each register the interval of positions that it must be kept for: `2p`
//! is where step `p` reads, `2p + 1` where it writes.
//!
//! The set is changed through a log, so that the two branches of an `If` cost what they contain and
//! not the size of the set.

use super::code::{Operand, Reg};
use super::tree::{Block, Regs, Step, Tree};

/// From the first write to the last read or write of a register; `None` if it is never written.
pub(super) type Interval = Option<(u32, u32)>;

/// Marks last uses in a tree; the intervals of its registers.
pub(super) fn mark(tree: &mut Tree) -> Vec<Interval> {
    let regs = tree.regs as usize;
    let mut walk = Walk { live: vec![false; regs], flips: Vec::new(), spans: vec![(u32::MAX, 0); regs] };
    walk.block(&mut tree.body);
    for param in (0..tree.params).map(Reg) {
        walk.spans[param.0 as usize].0 = 0;
        if !walk.live[param.0 as usize] {
            walk.drop_at(param, &mut tree.body);
        }
    }
    walk.spans.into_iter().map(|(start, end)| (start != u32::MAX).then_some((start, end.max(start)))).collect()
}

struct Walk {
    live: Vec<bool>,
    /// Registers whose liveness was changed, in order; undone by changing them again.
    flips: Vec<Reg>,
    /// First write, last need.
    spans: Vec<(u32, u32)>,
}

impl Walk {
    fn is_live(&self, reg: Reg) -> bool {
        self.live[reg.0 as usize]
    }

    fn set(&mut self, reg: Reg, live: bool) {
        if self.is_live(reg) != live {
            self.live[reg.0 as usize] = live;
            self.flips.push(reg);
        }
    }

    fn need(&mut self, reg: Reg, position: u32) {
        let end = &mut self.spans[reg.0 as usize].1;
        *end = (*end).max(position);
    }

    fn read(&mut self, operand: &mut Operand, at: u32) {
        let Some(reg) = operand.as_reg() else { return };
        if !self.is_live(reg) {
            *operand = operand.last();
            self.set(reg, true);
        }
        self.need(reg, 2 * at);
    }

    fn write(&mut self, dsts: &Regs, drops: &mut Regs, at: u32) {
        for &dst in dsts {
            if !self.is_live(dst) {
                drops.push(dst);
            }
            self.set(dst, false);
            let written = 2 * at + 1;
            let start = &mut self.spans[dst.0 as usize].0;
            *start = (*start).min(written);
            self.need(dst, written);
        }
    }

    fn drop_at(&mut self, reg: Reg, block: &mut Block) {
        block.drops.push(reg);
        self.need(reg, 2 * block.at);
    }

    fn block(&mut self, block: &mut Block) {
        block.steps.iter_mut().rev().for_each(|step| self.step(step));
    }

    fn step(&mut self, step: &mut Step) {
        match step {
            Step::Do { at, args, dsts, drops, .. } => {
                self.write(dsts, drops, *at);
                args.iter_mut().rev().for_each(|arg| self.read(arg, *at));
            }
            Step::Together { at, parts } => {
                parts.iter_mut().for_each(|part| self.write(&part.dsts, &mut part.drops, *at));
                let args = parts.iter_mut().rev().flat_map(|part| part.args.iter_mut().rev());
                args.for_each(|arg| self.read(arg, *at));
            }
            Step::If { cond, at, then, other, .. } => {
                self.branches(then, other);
                self.read(cond, *at);
            }
            Step::Loop { test, cond, body, exit, fresh, states, .. } => {
                self.repeat(test, body, exit, *fresh, states);
                self.read(cond, exit.at);
                self.block(test);
            }
        }
    }

    fn branches(&mut self, then: &mut Block, other: &mut Block) {
        let start = self.flips.len();
        self.block(other);
        let other_changed = self.undo(start);
        self.block(then);
        let then_changed = self.undo(start);
        // Now the set is what is live after both.
        for &reg in &then_changed {
            let after = self.is_live(reg);
            if other_changed.binary_search(&reg).is_ok() {
                self.set(reg, !after);
            } else if after {
                self.drop_at(reg, then);
            } else {
                self.drop_at(reg, other);
                self.set(reg, true);
            }
        }
        for &reg in other_changed.iter().filter(|r| then_changed.binary_search(r).is_err()) {
            if self.is_live(reg) {
                self.drop_at(reg, other);
            } else {
                self.drop_at(reg, then);
                self.set(reg, true);
            }
        }
    }

    /// Undoes the changes since `start`; the registers that had changed in all, in order.
    fn undo(&mut self, start: usize) -> Vec<Reg> {
        let mut flips = self.flips.split_off(start);
        flips.iter().for_each(|r| self.live[r.0 as usize] ^= true);
        flips.sort_unstable();
        let mut changed = Vec::new();
        for run in flips.chunk_by(|a, b| a == b) {
            if run.len() % 2 == 1 {
                changed.push(run[0]);
            }
        }
        changed
    }

    /// From the exit of a loop back to its condition.
    fn repeat(&mut self, test: &Block, body: &mut Block, exit: &mut Block, fresh: Reg, states: &Regs) {
        let mut kept: Vec<Reg> = states.to_vec();
        outside(test, fresh, &mut kept);
        outside(body, fresh, &mut kept);
        kept.sort_unstable();
        kept.dedup();
        let dropped: Vec<Reg> = kept.iter().copied().filter(|&r| !self.is_live(r)).collect();
        for &reg in &kept {
            self.set(reg, true);
            self.need(reg, 2 * exit.at);
        }
        self.block(body);
        kept.iter().for_each(|&reg| self.set(reg, true));
        dropped.into_iter().for_each(|reg| self.drop_at(reg, exit));
    }
}

/// Collects the registers from outside that a block reads.
fn outside(block: &Block, fresh: Reg, out: &mut Vec<Reg>) {
    let mut add = |operand: &Operand| out.extend(operand.as_reg().filter(|&r| r < fresh));
    for step in &block.steps {
        match step {
            Step::Do { args, .. } => args.iter().for_each(&mut add),
            Step::Together { parts, .. } => parts.iter().flat_map(|part| &part.args).for_each(&mut add),
            Step::If { cond, .. } | Step::Loop { cond, .. } => add(cond),
        }
    }
    for step in &block.steps {
        match step {
            Step::Do { .. } | Step::Together { .. } => {}
            Step::If { then, other, .. } => {
                outside(then, fresh, out);
                outside(other, fresh, out);
            }
            Step::Loop { test, body, states, .. } => {
                out.extend(states.iter().copied().filter(|&r| r < fresh));
                outside(test, fresh, out);
                outside(body, fresh, out);
            }
        }
    }
}
