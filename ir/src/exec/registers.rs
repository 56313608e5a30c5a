//! Registers of a frame for virtual registers: a linear scan over their intervals.
//!
//! The lowest free register is taken, so that what lives across a call lies low and the callee's
//! frame can begin soon above it; but the target of a move takes the register of its source if
//! that is free by then, and the move disappears.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::code::Reg;
use super::liveness::Interval;
use super::tree::{Action, Block, Step, Tree};

/// Which register each virtual register is kept in.
#[derive(Debug)]
pub(super) struct Allocation {
    /// By virtual register.
    pub(super) regs: Vec<Reg>,
    /// Registers of the frame.
    pub(super) count: u32,
    /// For each step that leaves the function for a while, by position: how many registers are
    /// kept.
    windows: Vec<(u32, u32)>,
}

impl Allocation {
    /// How many registers are kept over the step at a position.
    pub(super) fn window(&self, at: u32) -> u32 {
        let found = self.windows.binary_search_by_key(&at, |&(position, _)| position);
        self.windows[found.expect("a step that calls")].1
    }
}

/// Assigns registers.
pub(super) fn allocate(tree: &Tree, intervals: &[Interval]) -> Allocation {
    let mut calls = Vec::new();
    let mut sources = vec![None; intervals.len()];
    collect(&tree.body, &mut calls, &mut sources);
    calls.sort_unstable();
    let mut order: Vec<(u32, u32, usize)> =
        intervals.iter().enumerate().filter_map(|(i, iv)| iv.map(|(start, end)| (start, end, i))).collect();
    order.sort_unstable_by_key(|&(start, _, i)| (start, i));

    let mut scan = LinearScan { active: BinaryHeap::new(), used: BTreeSet::new(), free: BTreeSet::new(), count: 0 };
    let mut regs = vec![Reg(u32::MAX); intervals.len()];
    let mut windows = Vec::new();
    let mut calls = calls.into_iter().peekable();
    for (start, end, i) in order {
        while let Some(at) = calls.next_if(|&at| 2 * at < start) {
            windows.push((at, scan.window(at)));
        }
        let hint: Option<u32> = sources[i].map(|source: Reg| regs[source.0 as usize].0);
        regs[i] = Reg(scan.take(start, end, hint));
    }
    windows.extend(calls.map(|at| (at, scan.window(at))));
    Allocation { regs, count: scan.count, windows }
}

struct LinearScan {
    /// End and register of the intervals begun and not ended.
    active: BinaryHeap<Reverse<(u32, u32)>>,
    used: BTreeSet<u32>,
    free: BTreeSet<u32>,
    count: u32,
}

impl LinearScan {
    /// Frees what ends before or at a position.
    fn expire(&mut self, position: u32) {
        while let Some(&Reverse((end, reg))) = self.active.peek()
            && end <= position
        {
            self.active.pop();
            self.used.remove(&reg);
            self.free.insert(reg);
        }
    }

    fn window(&mut self, at: u32) -> u32 {
        self.expire(2 * at);
        self.used.last().map_or(0, |&reg| reg + 1)
    }

    fn take(&mut self, start: u32, end: u32, hint: Option<u32>) -> u32 {
        if start > 0 {
            self.expire(start - 1);
        }
        let reg = match hint.filter(|reg| self.free.contains(reg)).or_else(|| self.free.first().copied()) {
            Some(reg) => reg,
            None => {
                self.count += 1;
                self.count - 1
            }
        };
        self.free.remove(&reg);
        self.used.insert(reg);
        self.active.push(Reverse((end, reg)));
        reg
    }
}

/// Positions of steps that leave the function for a while, and the source of each move's target.
fn collect(block: &Block, calls: &mut Vec<u32>, sources: &mut [Option<Reg>]) {
    for step in &block.steps {
        match step {
            Step::Do { action, at, args, dsts, .. } => match action {
                Action::Call { tail: false, .. } | Action::Apply { tail: false } | Action::Vjp(_) => calls.push(*at),
                Action::Move => sources[dsts[0].0 as usize] = args[0].as_reg(),
                Action::Prim(_)
                | Action::Fused(_)
                | Action::Tuple
                | Action::Get(_)
                | Action::Unpack
                | Action::Push(_)
                | Action::Pop(_)
                | Action::Closure(_)
                | Action::Call { tail: true, .. }
                | Action::Apply { tail: true }
                | Action::Return => {}
            },
            Step::Together { .. } => {}
            Step::If { then, other, .. } => {
                collect(then, calls, sources);
                collect(other, calls, sources);
            }
            Step::Loop { test, body, .. } => {
                collect(test, calls, sources);
                collect(body, calls, sources);
            }
        }
    }
}
