//! A schedule for several threads: steps that do not need each other are put together, if each is worth a thread.
//!
//! In every run of simple steps, each costly step in turn looks ahead for others that can be done with it. What such a one
//! needs first, if it is not costly itself, is moved ahead with it. All else stays where it is.
//!
//! What must hold: the program computes the same values to the last bit, counts the same kernel calls, and fails with the
//! same error. So a step is not moved before another
//!
//! - that writes what it reads, reads what it writes, or writes what it writes;
//! - that reads a value which it may write over, or may write over a value which it reads. Who is the last to
//!   read that would change, and with it who works in place. Values that may share a buffer are of one *family* here;
//! - that may fail, if it may fail too. In one group two of them may be, since their errors are looked at in order.
//!
//! Calls, branches, loops, and whatever changes a stack stay where they are, and nothing is moved past them. A group costs
//! memory: its results, and what its members read, are alive at once.
//!
//! Measured with two threads on two hyperthreads of one core, busy with other work, in 40 interleaved rounds: the gradient of a
//! perceptron of 512 examples takes 57.9 ms without groups and 58.2 ms with them for layers 784-1024-1024-10 (the intervals
//! overlap), and 3.22 and 3.18 ms for 64-256-256-10 (they do not). Products of that size split their own rows over the same
//! threads, which leaves little to gain. What it is for operations that do not, and on separate cores, has not been measured.

use adjudicate_kernels::threads::{PARALLEL_FROM, PARALLEL_GEMM_FROM};
use smallvec::SmallVec;

use super::code::{PrimInstr, Reg};
use super::fused::Fused;
use super::tree::{Action, Block, Part, Step, Tree};
use crate::prims::{GEMM_ADD, MATMUL, RESHAPE};
use crate::types::{Elem, Type};

/// How far ahead a step looks for others, in steps.
const WINDOW: usize = 64;
/// How many steps are put together at most.
const MOST: usize = 8;

/// From where on an operation is worth a thread of its own.
#[derive(Clone, Copy, Debug)]
pub struct Worth {
    /// Multiply-adds of a product of matrices.
    pub multiply_adds: usize,
    /// Elements of anything else; of a block program, those of all its steps.
    pub elements: usize,
}

impl Default for Worth {
    /// Each takes 40 to 50 µs, by what [`adjudicate_kernels::threads`] has measured: a group of two saves that, and costs
    /// the 9 to 17 µs of one hand-over.
    fn default() -> Self {
        Self { multiply_adds: PARALLEL_GEMM_FROM, elements: 2 * PARALLEL_FROM }
    }
}

impl Worth {
    fn prim(self, prim: &PrimInstr) -> bool {
        let mut types = prim.operands.iter().chain([&prim.ty]);
        if types.clone().any(|ty| ty.as_tensor().is_none()) || std::ptr::eq(prim.def, &RESHAPE) {
            return false;
        }
        if is_product(prim) {
            return prim.ty.size() * inner(prim) >= self.multiply_adds;
        }
        types.any(|ty| ty.size() >= self.elements)
    }

    fn fused(self, fused: &Fused) -> bool {
        !fused.program.is_scalar() && fused.program.calls().map(|(_, flops)| flops).sum::<usize>() >= self.elements
    }
}

fn is_product(prim: &PrimInstr) -> bool {
    std::ptr::eq(prim.def, &MATMUL) || std::ptr::eq(prim.def, &GEMM_ADD)
}

/// The inner length of a product.
fn inner(prim: &PrimInstr) -> usize {
    match (prim.operands[0].shape(), prim.attrs[0] != 0) {
        ([n], transposed) => {
            if transposed {
                1
            } else {
                *n
            }
        }
        ([.., rows, columns], transposed) => {
            if transposed {
                *rows
            } else {
                *columns
            }
        }
        ([], _) => 1,
    }
}

/// Puts steps of a tree together.
pub(super) fn schedule(tree: &mut Tree, prims: &[PrimInstr], fused: &[Fused], worth: Worth) {
    let mut families = Families((0..tree.regs).collect());
    families.block(&tree.body, prims);
    let mut scheduler = Scheduler { prims, fused, worth, families };
    scheduler.block(&mut tree.body);
    number(&mut tree.body, &mut 0);
}

/// Registers whose values may share a buffer, each with one that stands for all.
struct Families(Vec<u32>);

impl Families {
    fn of(&mut self, reg: Reg) -> u32 {
        let mut at = reg.0;
        while self.0[at as usize] != at {
            self.0[at as usize] = self.0[self.0[at as usize] as usize];
            at = self.0[at as usize];
        }
        at
    }

    fn join(&mut self, a: Reg, b: Reg) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b) as usize] = a.min(b);
    }

    fn block(&mut self, block: &Block, prims: &[PrimInstr]) {
        for step in &block.steps {
            match step {
                Step::Do { action, args, dsts, .. } => {
                    for (i, arg) in args.iter().enumerate() {
                        let shares = arg.as_reg().filter(|_| may_share(*action, i, prims));
                        shares.into_iter().for_each(|reg| dsts.iter().for_each(|&dst| self.join(dst, reg)));
                    }
                }
                Step::Together { .. } => {}
                Step::If { then, other, .. } => {
                    self.block(then, prims);
                    self.block(other, prims);
                }
                Step::Loop { test, body, .. } => {
                    self.block(test, prims);
                    self.block(body, prims);
                }
            }
        }
    }
}

/// Whether the result of a primitive can lie where an operand does.
fn fits(prim: &PrimInstr, operand: usize) -> bool {
    match (prim.operands[operand].as_tensor(), prim.ty.as_tensor()) {
        (Some((a, from)), Some((b, to))) => {
            a == b && !to.is_empty() && from.iter().product::<usize>() == to.iter().product()
        }
        (None, _) | (_, None) => true,
    }
}

/// Whether a result may be the operand itself, or hold it.
fn may_share(action: Action, operand: usize, prims: &[PrimInstr]) -> bool {
    match action {
        Action::Prim(site) => {
            let prim = &prims[site as usize];
            !is_product(prim) && fits(prim, operand)
        }
        Action::Fused(_) => false,
        Action::Tuple
        | Action::Get(_)
        | Action::Unpack
        | Action::Push(_)
        | Action::Pop(_)
        | Action::Closure(_)
        | Action::Call { .. }
        | Action::Apply { .. }
        | Action::Vjp(_)
        | Action::Move
        | Action::Return => true,
    }
}

/// What matters of a step for where it may stand.
#[derive(Debug)]
struct Facts {
    reads: SmallVec<[Reg; 4]>,
    writes: SmallVec<[Reg; 2]>,
    /// Families of what it reads.
    families: SmallVec<[u32; 4]>,
    /// Families of what it may write over.
    over: SmallVec<[u32; 4]>,
    fails: bool,
    is_worth: bool,
}

/// How two steps may stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Any,
    /// At once or as they are.
    Kept,
    /// One after the other, as they are.
    After,
}

fn meet<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    a.iter().any(|x| b.contains(x))
}

impl Facts {
    fn order(&self, later: &Facts) -> Order {
        let depends = meet(&self.writes, &later.reads)
            || meet(&self.reads, &later.writes)
            || meet(&self.writes, &later.writes)
            || meet(&self.over, &later.families)
            || meet(&self.families, &later.over);
        if depends {
            Order::After
        } else if self.fails && later.fails {
            Order::Kept
        } else {
            Order::Any
        }
    }
}

struct Scheduler<'t> {
    prims: &'t [PrimInstr],
    fused: &'t [Fused],
    worth: Worth,
    families: Families,
}

impl<'t> Scheduler<'t> {
    fn block(&mut self, block: &mut Block) {
        let mut run = Vec::new();
        for mut step in std::mem::take(&mut block.steps) {
            match &mut step {
                Step::Do { action, .. } if is_simple(*action) => {
                    run.push(step);
                    continue;
                }
                Step::Do { .. } | Step::Together { .. } => {}
                Step::If { then, other, .. } => {
                    self.block(then);
                    self.block(other);
                }
                Step::Loop { test, body, .. } => {
                    self.block(test);
                    self.block(body);
                }
            }
            self.run(std::mem::take(&mut run), &mut block.steps);
            block.steps.push(step);
        }
        self.run(run, &mut block.steps);
    }

    /// Schedules simple steps one after the other.
    fn run(&mut self, steps: Vec<Step>, out: &mut Vec<Step>) {
        let facts: Vec<Facts> = steps.iter().map(|step| self.facts(step)).collect();
        let mut left: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
        for i in 0..left.len() {
            if left[i].is_none() {
                continue;
            }
            let group = if facts[i].is_worth { companions(i, &facts, &mut left, out) } else { vec![i] };
            out.push(joined(group.into_iter().filter_map(|j| left[j].take()).collect()));
        }
    }

    fn facts(&mut self, step: &Step) -> Facts {
        let Step::Do { action, args, dsts, .. } = step else { panic!("{step:?} is not simple") };
        let operation = self.operation(*action);
        let reads: SmallVec<[Reg; 4]> = args.iter().filter_map(|arg| arg.as_reg()).collect();
        let over = args.iter().enumerate().filter(|&(i, _)| operation.may_write_over(i));
        let over = over.filter_map(|(_, arg)| arg.as_reg()).map(|reg| self.families.of(reg)).collect();
        Facts {
            families: reads.iter().map(|&reg| self.families.of(reg)).collect(),
            reads,
            writes: dsts.iter().copied().collect(),
            over,
            fails: operation.may_fail(),
            is_worth: operation.is_worth(self.worth),
        }
    }

    fn operation(&self, action: Action) -> Operation<'t> {
        match action {
            Action::Prim(site) => Operation::Prim(&self.prims[site as usize]),
            Action::Fused(program) => Operation::Fused(&self.fused[program as usize]),
            Action::Tuple
            | Action::Get(_)
            | Action::Unpack
            | Action::Push(_)
            | Action::Pop(_)
            | Action::Closure(_)
            | Action::Call { .. }
            | Action::Apply { .. }
            | Action::Vjp(_)
            | Action::Move
            | Action::Return => Operation::None,
        }
    }
}

/// What a step computes, if it computes.
#[derive(Clone, Copy)]
enum Operation<'t> {
    Prim(&'t PrimInstr),
    Fused(&'t Fused),
    None,
}

impl Operation<'_> {
    fn may_write_over(self, operand: usize) -> bool {
        match self {
            Self::Prim(prim) => fits(prim, operand) && (!is_product(prim) || operand == 2),
            Self::Fused(Fused { program, .. }) => {
                (0..program.outputs()).any(|i| program.donors(i).iter().any(|&donor| usize::from(donor) == operand))
            }
            Self::None => false,
        }
    }

    fn may_fail(self) -> bool {
        match self {
            Self::Prim(prim) => {
                let safe = |ty: &Type| ty.as_tensor().is_some_and(|(elem, _)| elem != Elem::I64 && ty.size() > 0);
                !prim.operands.iter().chain([&prim.ty]).all(safe)
            }
            Self::Fused(fused) => fused.fails(),
            Self::None => false,
        }
    }

    fn is_worth(self, worth: Worth) -> bool {
        match self {
            Self::Prim(prim) => worth.prim(prim),
            Self::Fused(fused) => worth.fused(fused),
            Self::None => false,
        }
    }
}

/// Whether a step may be moved.
fn is_simple(action: Action) -> bool {
    match action {
        Action::Prim(_) | Action::Fused(_) | Action::Tuple | Action::Get(_) | Action::Unpack | Action::Move => true,
        Action::Push(_)
        | Action::Pop(_)
        | Action::Closure(_)
        | Action::Call { .. }
        | Action::Apply { .. }
        | Action::Vjp(_)
        | Action::Return => false,
    }
}

/// A step and those that can be done with it; what these need first goes to `out`.
fn companions(i: usize, facts: &[Facts], left: &mut [Option<Step>], out: &mut Vec<Step>) -> Vec<usize> {
    let mut group = vec![i];
    for j in i + 1..left.len().min(i + WINDOW) {
        if group.len() == MOST {
            break;
        }
        if left[j].is_none() || !facts[j].is_worth {
            continue;
        }
        if let Some(first) = needed(j, &group, facts, left) {
            out.extend(first.into_iter().rev().filter_map(|k| left[k].take()));
            group.push(j);
        }
    }
    group
}

/// The steps that must be moved before a group for step `j` to be one of it, the last first; `None` if it cannot.
fn needed(j: usize, group: &[usize], facts: &[Facts], left: &[Option<Step>]) -> Option<Vec<usize>> {
    let mut first: Vec<usize> = Vec::new();
    for k in (group[0]..j).rev().filter(|&k| left[k].is_some()) {
        let with_j = facts[k].order(&facts[j]);
        let with_first = first.iter().any(|&m| facts[k].order(&facts[m]) != Order::Any);
        if group.contains(&k) {
            if with_j == Order::After || with_first {
                return None;
            }
        } else if with_j != Order::Any || with_first {
            if facts[k].is_worth {
                return None;
            }
            first.push(k);
        }
    }
    Some(first)
}

/// Several steps as one.
fn joined(mut steps: Vec<Step>) -> Step {
    if steps.len() == 1 {
        return steps.remove(0);
    }
    let part = |step| match step {
        Step::Do { action, args, dsts, drops, span, .. } => Part { action, args, dsts, drops, span },
        other => panic!("{other:?} is not simple"),
    };
    Step::Together { at: 0, parts: steps.into_iter().map(part).collect() }
}

/// Numbers steps and blocks anew, in the order of the code.
fn number(block: &mut Block, position: &mut u32) {
    let next = |at: &mut u32, position: &mut u32| {
        *position += 1;
        *at = *position;
    };
    next(&mut block.at, position);
    for step in &mut block.steps {
        match step {
            Step::Do { at, .. } | Step::Together { at, .. } => next(at, position),
            Step::If { at, then, other, .. } => {
                next(at, position);
                number(then, position);
                number(other, position);
            }
            Step::Loop { test, body, exit, .. } => {
                number(test, position);
                number(body, position);
                number(exit, position);
            }
        }
    }
}
