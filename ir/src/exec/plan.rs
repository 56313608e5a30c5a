//! The memory plan: how much memory the arrays of a run need at once, known before the first run.
//!
//! Shapes are static, so a walk over the tree of a function in the order of its code knows which arrays are alive where. It
//! keeps for each register what it *holds*: arrays that a run may have allocated, each with the number of registers and
//! tuples that share it. An array begins with the step that makes it, before the operands of that end, and ends with its
//! last holder. The plan is the most that was alive at once: in bytes, and for each size of block how many.
//!
//! What must hold: no run has more alive than planned. So where the walk does not know, it takes what costs more:
//!
//! - Arguments and constants belong to somebody else: they are not planned, and nothing is written over them.
//! - A result is written over an operand only where the executor is certain to do so: block programs over their donors, a
//!   product over the sum that it is added to, a reshaped array over itself, if nobody else holds them.
//! - After an `If` each of its results is an array of its own, and so is each state of a `Loop` at its head, though they
//!   may be shared or belong to the caller. Both branches are walked from the same place; one trip of a loop stands for
//!   all.
//! - Single numbers that meet arrays in a primitive may lie in arrays of one element for as long as it works.
//! - A call needs what its callee needs, on top of what the caller holds, arguments included.
//!
//! What depends on data is not planned, and the plan says so: [`Open`]. Scratch of kernels is none of its arrays.

use std::fmt;
use std::rc::Rc;

use adjudicate_kernels::{Block as Memory, fused};
use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::code::{Executable, Operand, PrimInstr, Reg};
use super::tree::{Action, Block, Part, Step, Tree};
use crate::graph::{GraphId, Module};
use crate::prims::{GEMM_ADD, RESHAPE};
use crate::types::{Elem, Type};

/// The memory that the arrays of a run need, beside arguments and constants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryPlan {
    bytes: usize,
    blocks: IndexMap<Memory, usize>,
    open: IndexSet<Open>,
}

/// What of a program depends on data, and is not planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Open {
    /// Arrays on stacks, of which there are as many as a loop has trips.
    Stacks,
    /// Calls of function values.
    FunctionValues,
    /// Recursion.
    Recursion,
}

impl MemoryPlan {
    /// Bytes of the elements of all arrays that are alive at once, at most.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many blocks of each size are needed at once.
    pub fn blocks(&self) -> impl Iterator<Item = (Memory, usize)> {
        self.blocks.iter().map(|(&memory, &count)| (memory, count))
    }

    /// What is not planned.
    pub fn open(&self) -> impl Iterator<Item = Open> {
        self.open.iter().copied()
    }

    /// Makes this thread keep the blocks for the run to come, as far as it keeps any.
    pub fn reserve(&self) {
        self.blocks().for_each(|(memory, count)| memory.reserve(count));
    }

    fn add(&mut self, other: &Self, held: (usize, &IndexMap<Memory, usize>)) {
        self.bytes = self.bytes.max(held.0 + other.bytes);
        for (memory, count) in other.blocks() {
            let most = self.blocks.entry(memory).or_default();
            *most = (*most).max(held.1.get(&memory).copied().unwrap_or(0) + count);
        }
        self.open.extend(other.open());
    }
}

impl fmt::Display for MemoryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks: usize = self.blocks.values().sum();
        write!(f, "{} bytes in {blocks} block{}", self.bytes, if blocks == 1 { "" } else { "s" })?;
        for (i, open) in self.open().enumerate() {
            write!(f, "{}{open}", if i == 0 { ", not counting " } else { " and " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stacks => "arrays on stacks",
            Self::FunctionValues => "function values",
            Self::Recursion => "recursion",
        })
    }
}

/// A program as lowering leaves it.
pub(super) struct Lowered<'p> {
    pub(super) module: &'p Module,
    pub(super) exe: &'p Executable,
    pub(super) trees: &'p IndexMap<GraphId, Tree>,
}

impl MemoryPlan {
    /// The plan of a program.
    pub(super) fn new(program: &Lowered<'_>) -> Self {
        let mut plans = FxHashMap::default();
        for id in callees_first(program) {
            let plan = Walk::function(program, &plans, &program.trees[&id]);
            plans.insert(id, plan);
        }
        plans.remove(&program.exe.entry).expect("the entry was lowered")
    }
}

/// The functions that the entry reaches by direct calls, each after those that it calls, as far as there is such an order.
fn callees_first(program: &Lowered<'_>) -> Vec<GraphId> {
    let mut order = Vec::new();
    let mut seen = IndexSet::from([program.exe.entry]);
    let mut work = vec![(program.exe.entry, callees(&program.trees[&program.exe.entry].body))];
    while let Some((id, rest)) = work.last_mut() {
        match rest.pop() {
            Some(callee) if seen.insert(callee) => work.push((callee, callees(&program.trees[&callee].body))),
            Some(_) => {}
            None => {
                order.push(*id);
                work.pop();
            }
        }
    }
    order
}

fn callees(block: &Block) -> Vec<GraphId> {
    let mut found = Vec::new();
    let mut work = vec![block];
    while let Some(block) = work.pop() {
        for step in &block.steps {
            match step {
                Step::Do { action: Action::Call { graph, .. }, .. } => found.push(*graph),
                Step::Do { .. } => {}
                Step::Together { .. } => {}
                Step::If { then, other, .. } => work.extend([then, other]),
                Step::Loop { test, body, .. } => work.extend([test, body]),
            }
        }
    }
    found
}

/// What a register holds of what is planned.
#[derive(Clone, Debug, Default)]
enum Held {
    #[default]
    Nothing,
    /// An array, by its index.
    Array(usize),
    Items(Rc<[Held]>),
}

impl Held {
    fn item(&self, i: usize) -> Held {
        match self {
            Held::Items(items) => items[i].clone(),
            Held::Nothing | Held::Array(_) => Held::Nothing,
        }
    }

    fn arrays(&self, each: &mut dyn FnMut(usize)) {
        match self {
            Held::Nothing => {}
            Held::Array(i) => each(*i),
            Held::Items(items) => items.iter().for_each(|item| item.arrays(each)),
        }
    }
}

/// What the operands of a step hold.
type Operands = SmallVec<[Held; 4]>;

/// An array that a run may allocate.
#[derive(Clone, Copy, Debug)]
struct Array {
    memory: Memory,
    bytes: usize,
    holders: u32,
}

/// The walk over one function.
struct Walk<'p> {
    program: &'p Lowered<'p>,
    plans: &'p FxHashMap<GraphId, MemoryPlan>,
    /// By register.
    regs: Vec<Held>,
    arrays: Vec<Array>,
    /// Bytes and blocks of the arrays that are held.
    alive: usize,
    blocks: IndexMap<Memory, usize>,
    /// Registers that were changed and what they held, in order: for branches to go back.
    log: Vec<(Reg, Held)>,
    plan: MemoryPlan,
}

impl<'p> Walk<'p> {
    fn function(program: &'p Lowered<'p>, plans: &'p FxHashMap<GraphId, MemoryPlan>, tree: &Tree) -> MemoryPlan {
        let mut walk = Self {
            program,
            plans,
            regs: vec![Held::Nothing; tree.regs as usize],
            arrays: Vec::new(),
            alive: 0,
            blocks: IndexMap::new(),
            log: Vec::new(),
            plan: MemoryPlan::default(),
        };
        walk.block(&tree.body);
        walk.plan
    }

    fn hold(&mut self, held: &Held) {
        held.arrays(&mut |i| {
            let array = &mut self.arrays[i];
            array.holders += 1;
            if array.holders > 1 {
                return;
            }
            self.alive += array.bytes;
            self.plan.bytes = self.plan.bytes.max(self.alive);
            let count = self.blocks.entry(array.memory).or_default();
            *count += 1;
            let most = self.plan.blocks.entry(array.memory).or_default();
            *most = (*most).max(*count);
        });
    }

    fn release(&mut self, held: &Held) {
        held.arrays(&mut |i| {
            let array = &mut self.arrays[i];
            array.holders -= 1;
            if array.holders == 0 {
                self.alive -= array.bytes;
                self.blocks[&array.memory] -= 1;
            }
        });
    }

    /// What a new value of a type holds.
    fn fresh(&mut self, ty: &Type) -> Held {
        match ty {
            Type::Tensor(elem, shape) => self.array(*elem, shape),
            Type::Tuple(items) => Held::Items(items.iter().map(|item| self.fresh(item)).collect()),
            Type::Unknown | Type::Fn(_) | Type::Stack(_) | Type::Env => Held::Nothing,
        }
    }

    fn array(&mut self, elem: Elem, shape: &[usize]) -> Held {
        if shape.is_empty() { Held::Nothing } else { self.allocated(elem, shape) }
    }

    fn allocated(&mut self, elem: Elem, shape: &[usize]) -> Held {
        let (memory, width) = match elem {
            Elem::F64 => (Memory::of::<f64>(shape), 8),
            Elem::I64 => (Memory::of::<i64>(shape), 8),
            Elem::Bool => (Memory::of::<bool>(shape), 1),
        };
        self.arrays.push(Array { memory, bytes: width * shape.iter().product::<usize>(), holders: 0 });
        let held = Held::Array(self.arrays.len() - 1);
        self.hold(&held);
        held
    }

    /// Puts what is held already into a register.
    fn put(&mut self, reg: Reg, held: Held) {
        let old = std::mem::replace(&mut self.regs[reg.0 as usize], held);
        self.release(&old);
        self.log.push((reg, old));
    }

    fn empty(&mut self, regs: &[Reg]) {
        regs.iter().for_each(|&reg| self.put(reg, Held::Nothing));
    }

    fn read(&mut self, operand: Operand) -> Held {
        let Some(reg) = operand.as_reg() else { return Held::Nothing };
        let held = self.regs[reg.0 as usize].clone();
        self.hold(&held);
        if operand.is_last() {
            self.put(reg, Held::Nothing);
        }
        held
    }

    /// The operand's array, if it ends here and nobody else holds it.
    fn given(&self, operand: Operand, held: &Held) -> Option<usize> {
        match held {
            Held::Array(i) if operand.is_last() && self.arrays[*i].holders == 1 => Some(*i),
            Held::Array(_) | Held::Nothing | Held::Items(_) => None,
        }
    }

    /// Goes back to where the log was so long.
    fn undo(&mut self, start: usize) {
        let changed = self.log.split_off(start);
        for (reg, _) in &changed {
            let held = std::mem::take(&mut self.regs[reg.0 as usize]);
            self.release(&held);
        }
        let regs: IndexSet<Reg> = changed.iter().map(|(reg, _)| *reg).collect();
        for (reg, held) in changed.into_iter().rev() {
            self.regs[reg.0 as usize] = held;
        }
        for reg in regs {
            let held = self.regs[reg.0 as usize].clone();
            self.hold(&held);
        }
    }

    fn block(&mut self, block: &Block) {
        self.empty(&block.drops);
        block.steps.iter().for_each(|step| self.step(step));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Do { action, args, dsts, drops, .. } => {
                let held = self.reads(args);
                let held = self.action(*action, args, held, dsts);
                self.release_all(&held);
                self.empty(drops);
            }
            Step::Together { parts, .. } => self.together(parts),
            Step::If { cond, then, other, dsts, ty, .. } => {
                let cond = self.read(*cond);
                self.release(&cond);
                let start = self.log.len();
                self.block(then);
                self.undo(start);
                self.block(other);
                self.renew(dsts, ty);
            }
            Step::Loop { test, cond, body, exit, states, ty, .. } => {
                self.look_for_stacks(ty);
                self.renew(states, ty);
                self.block(test);
                let cond = self.read(*cond);
                self.release(&cond);
                self.block(body);
                self.renew(states, ty);
                self.empty(&exit.drops);
            }
        }
    }

    /// Lets registers hold the items of a value, none of them shared with anything.
    fn renew(&mut self, regs: &[Reg], ty: &Type) {
        self.empty(regs);
        self.results(regs, ty.items());
    }

    fn results(&mut self, regs: &[Reg], types: &[Type]) {
        for (&reg, ty) in regs.iter().zip(types) {
            let held = self.fresh(ty);
            self.put(reg, held);
        }
    }

    fn reads(&mut self, args: &[Operand]) -> Operands {
        args.iter().map(|&arg| self.read(arg)).collect()
    }

    /// The operands of all parts end when all have been run.
    fn together(&mut self, parts: &[Part]) {
        let read: Vec<Operands> = parts.iter().map(|part| self.reads(&part.args)).collect();
        let run = |(part, held): (&Part, Operands)| self.action(part.action, &part.args, held, &part.dsts);
        let left: Vec<Operands> = parts.iter().zip(read).map(run).collect();
        left.iter().for_each(|held| self.release_all(held));
        parts.iter().for_each(|part| self.empty(&part.drops));
    }

    fn release_all(&mut self, held: &[Held]) {
        held.iter().for_each(|held| self.release(held));
    }

    /// Walks over a step whose operands have been read; what it holds until it ends.
    fn action(&mut self, action: Action, args: &[Operand], mut held: Operands, dsts: &[Reg]) -> Operands {
        let program = self.program;
        match action {
            Action::Prim(site) => {
                let prim = &program.exe.prims[site as usize];
                let boxed = self.boxed(prim);
                let result = self.prim(prim, args, &held);
                self.put(dsts[0], result);
                held.extend(boxed);
            }
            Action::Fused(index) => self.fused(index, args, &held, dsts),
            Action::Tuple | Action::Closure(_) => {
                self.put(dsts[0], Held::Items(std::mem::take(&mut held).into_iter().collect()));
            }
            Action::Get(index) => self.copy(held[0].item(index as usize), dsts[0]),
            Action::Unpack => dsts.iter().enumerate().for_each(|(i, &dst)| self.copy(held[0].item(i), dst)),
            Action::Move => self.put(dsts[0], std::mem::take(&mut held[0])),
            Action::Push(_) => {
                if matches!(held[1], Held::Array(_) | Held::Items(_)) {
                    self.plan.open.insert(Open::Stacks);
                }
                self.put(dsts[0], Held::Nothing);
            }
            Action::Pop(item) => {
                let ty = &program.exe.items[item as usize];
                self.look_for_stacks(&Type::stack(ty.clone()));
                self.put(dsts[0], Held::Nothing);
                self.results(&dsts[1..], std::slice::from_ref(ty));
            }
            Action::Call { graph, .. } => self.call(graph, dsts),
            Action::Apply { .. } | Action::Vjp(_) => {
                self.plan.open.insert(Open::FunctionValues);
                self.empty(dsts);
            }
            Action::Return => {}
        }
        held
    }

    fn copy(&mut self, held: Held, dst: Reg) {
        self.hold(&held);
        self.put(dst, held);
    }

    fn call(&mut self, graph: GraphId, dsts: &[Reg]) {
        match self.plans.get(&graph) {
            Some(plan) => self.plan.add(plan, (self.alive, &self.blocks)),
            None => {
                self.plan.open.insert(Open::Recursion);
            }
        }
        self.renew(dsts, self.program.module.graph(graph).result_type());
    }

    fn look_for_stacks(&mut self, ty: &Type) {
        if ty.items().iter().any(stacks_arrays) {
            self.plan.open.insert(Open::Stacks);
        }
    }

    /// What the result of a primitive holds.
    fn prim(&mut self, prim: &PrimInstr, args: &[Operand], held: &[Held]) -> Held {
        let types = prim.operands.iter().chain([&prim.ty]);
        types.for_each(|ty| self.look_for_stacks(ty));
        let taken = if std::ptr::eq(prim.def, &RESHAPE) && !prim.operands[0].shape().is_empty() {
            Some(&held[0])
        } else if std::ptr::eq(prim.def, &GEMM_ADD) {
            self.given(args[2], &held[2]).map(|_| &held[2])
        } else {
            None
        };
        match taken {
            Some(held) => {
                self.hold(held);
                held.clone()
            }
            None => self.fresh(&prim.ty),
        }
    }

    /// The arrays of one element that single numbers may become while a primitive works on arrays.
    fn boxed(&mut self, prim: &PrimInstr) -> Operands {
        let types = || prim.operands.iter().chain([&prim.ty]).filter_map(Type::as_tensor);
        if types().all(|(_, shape)| shape.is_empty()) {
            return Operands::new();
        }
        types().filter(|(_, shape)| shape.is_empty()).map(|(elem, _)| self.allocated(elem, &[])).collect()
    }

    fn fused(&mut self, index: u32, args: &[Operand], held: &[Held], dsts: &[Reg]) {
        let program = &self.program.exe.fused[index as usize].program;
        let mut given: SmallVec<[usize; 4]> = SmallVec::new();
        let mut results: SmallVec<[Held; 4]> = SmallVec::new();
        for output in 0..program.outputs() {
            let donors = program.donors(output).iter().map(|&i| usize::from(i));
            let array = donors.filter_map(|i| self.given(args[i], &held[i])).find(|i| !given.contains(i));
            results.push(match array {
                Some(i) => {
                    given.push(i);
                    Held::Array(i)
                }
                None => self.result(program.result(output)),
            });
        }
        // Only now: what is given has one holder until then.
        given.into_iter().for_each(|i| self.hold(&Held::Array(i)));
        dsts.iter().zip(results).for_each(|(&dst, held)| self.put(dst, held));
    }

    fn result(&mut self, (elem, shape): (fused::Elem, &[usize])) -> Held {
        let elem = match elem {
            fused::Elem::F64 => Elem::F64,
            fused::Elem::I64 => Elem::I64,
            fused::Elem::Bool => Elem::Bool,
        };
        self.array(elem, shape)
    }
}

/// Whether a value of a type is a stack of arrays.
fn stacks_arrays(ty: &Type) -> bool {
    match ty {
        Type::Stack(item) => {
            !item.items().iter().all(|item| item.as_tensor().is_some_and(|(_, shape)| shape.is_empty()))
        }
        Type::Unknown | Type::Tensor(..) | Type::Tuple(_) | Type::Fn(_) | Type::Env => false,
    }
}
