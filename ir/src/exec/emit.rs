//! From trees to linear code.

use adjudicate_kernels::Compare;
use indexmap::IndexMap;

use super::code::{CallSite, Executable, Function, Instr, Operand, Part, Reg, SiteId, Span16, Work};
use super::liveness;
use super::lower::Lowering;
use super::plan::{Lowered, MemoryPlan};
use super::registers::{Allocation, allocate};
use super::scalars::{self, Around};
use super::scan::scan;
use super::schedule::{Worth, schedule};
use super::tree::{self, Action, Block, Step, Tree};
use crate::graph::{GraphId, Module};
use crate::span::Span;

/// Lowers a module.
pub(super) fn executable(module: &Module, first: SiteId) -> Executable {
    lowered(module, first, Target::Any, &mut |_, _| {})
}

/// Lowers a module, and plans its memory.
pub(super) fn planned(module: &Module) -> (Executable, MemoryPlan) {
    with_plan(module, Target::Computing(None))
}

/// Lowers a module for several threads, and plans its memory.
pub(super) fn parallel(module: &Module, worth: Worth) -> (Executable, MemoryPlan) {
    with_plan(module, Target::Computing(Some(worth)))
}

fn with_plan(module: &Module, target: Target) -> (Executable, MemoryPlan) {
    let mut trees = IndexMap::new();
    let exe = lowered(module, SiteId(0), target, &mut |id, tree| {
        trees.insert(id, tree);
    });
    let plan = MemoryPlan::new(&Lowered { module, exe: &exe, trees: &trees });
    (exe, plan)
}

/// What a program is for.
#[derive(Clone, Copy)]
enum Target {
    /// Any domain.
    Any,
    /// Domains that compute and nothing else: loops over scalars run by themselves, and what is worth it, if anything is, is
    /// put together.
    Computing(Option<Worth>),
}

/// Lowers a module; `done` is given the tree of every function.
fn lowered(module: &Module, first: SiteId, target: Target, done: &mut dyn FnMut(GraphId, Tree)) -> Executable {
    let scan = scan(module);
    let mut lowering = Lowering::new(module, &scan, first);
    let mut exe = Executable {
        code: Vec::new(),
        spans: Vec::new(),
        operands: Vec::new(),
        results: Vec::new(),
        consts: Vec::new(),
        prims: Vec::new(),
        calls: Vec::new(),
        vjps: Vec::new(),
        fused: Vec::new(),
        scalars: Vec::new(),
        parts: Vec::new(),
        items: Vec::new(),
        regions: Vec::new(),
        functions: vec![None; module.graphs.len()],
        entry: module.entry,
    };
    let mut next = 0;
    while let Some((&id, ())) = lowering.wanted.get_index(next) {
        next += 1;
        let mut tree = lowering.function(id);
        exe.fused.append(&mut lowering.fused);
        if let Target::Computing(Some(worth)) = target {
            schedule(&mut tree, &lowering.prims, &exe.fused, worth);
        }
        let intervals = liveness::mark(&mut tree);
        let allocation = allocate(&tree, &intervals);
        let function = emit(&mut exe, &lowering, target, &tree, &allocation, module.graph(id).span);
        exe.functions[id.0 as usize] = Some(function);
        done(id, tree);
    }
    (exe.consts, exe.prims, exe.vjps) = (lowering.consts, lowering.prims, lowering.vjps);
    (exe.items, exe.regions) = (lowering.items, lowering.regions);
    exe
}

fn emit(
    exe: &mut Executable,
    lowering: &Lowering<'_>,
    target: Target,
    tree: &Tree,
    allocation: &Allocation,
    span: Span,
) -> Function {
    let pc = exe.code.len() as u32;
    let mut emitter = Emitter { exe, lowering, target, allocation, tuple: tree.tuple, span };
    emitter.block(&tree.body);
    Function { pc, params: tree.params, registers: allocation.count }
}

struct Emitter<'e> {
    exe: &'e mut Executable,
    lowering: &'e Lowering<'e>,
    target: Target,
    allocation: &'e Allocation,
    tuple: bool,
    /// Of the last step.
    span: Span,
}

impl Emitter<'_> {
    fn push(&mut self, instr: Instr) -> usize {
        self.exe.code.push(instr);
        self.exe.spans.push(self.span);
        self.exe.code.len() - 1
    }

    fn here(&self) -> u32 {
        self.exe.code.len() as u32
    }

    fn reg(&self, virtual_reg: Reg) -> Reg {
        self.allocation.regs[virtual_reg.0 as usize]
    }

    fn operand(&self, operand: Operand) -> Operand {
        operand.renamed(|r| self.reg(r))
    }

    fn operands(&mut self, args: &[Operand]) -> Span16 {
        let start = self.exe.operands.len() as u32;
        let allocation = self.allocation;
        self.exe.operands.extend(args.iter().map(|a| a.renamed(|r| allocation.regs[r.0 as usize])));
        Span16 { start, len: args.len() as u32 }
    }

    fn results(&mut self, dsts: &[Reg]) -> Span16 {
        let start = self.exe.results.len() as u32;
        let allocation = self.allocation;
        self.exe.results.extend(dsts.iter().map(|r| allocation.regs[r.0 as usize]));
        Span16 { start, len: dsts.len() as u32 }
    }

    fn drops(&mut self, regs: &[Reg]) {
        for &reg in regs {
            let reg = self.reg(reg);
            self.push(Instr::Drop { reg });
        }
    }

    fn block(&mut self, block: &Block) {
        self.drops(&block.drops);
        let mut before = None;
        for step in &block.steps {
            self.step(step, before);
            before = Some(step);
        }
    }

    /// Emits a step; `before` is the one before it, if there is one in its block.
    fn step(&mut self, step: &Step, before: Option<&Step>) {
        match step {
            Step::Do { action, at, args, dsts, drops, span } => {
                self.span = *span;
                self.action(*action, *at, args, dsts);
                let keeps = |action: &Action| matches!(action, Action::Push(_) | Action::Pop(_));
                if keeps(action)
                    && matches!(before, Some(Step::Do { action, drops, .. }) if keeps(action) && drops.is_empty())
                {
                    self.together();
                }
                self.drops(drops);
            }
            Step::Together { parts, .. } => {
                let first = self.exe.parts.len() as u32;
                parts.iter().for_each(|part| self.part(part));
                self.push(Instr::Together { first, count: parts.len() as u32 });
                parts.iter().for_each(|part| self.drops(&part.drops));
            }
            Step::If { cond, then, other, .. } => {
                let skip = self.unless(*cond, before);
                self.block(then);
                let past = self.push(Instr::Jump { to: u32::MAX });
                self.patch(skip);
                self.block(other);
                self.patch(past);
            }
            Step::Loop { exit, .. } if self.scalars(step) => self.block(exit),
            Step::Loop { test, cond, body, exit, .. } => {
                // The test stands below the body: a trip jumps once.
                let enter = self.push(Instr::Jump { to: u32::MAX });
                let head = self.here();
                self.block(body);
                self.patch(enter);
                self.block(test);
                let skip = self.unless(*cond, test.steps.last());
                if let Instr::UnlessCompare { op, to, .. } = &mut self.exe.code[skip] {
                    (*op, *to) = (opposite(*op), head);
                } else {
                    self.push(Instr::Jump { to: head });
                    self.patch(skip);
                }
                self.block(exit);
            }
        }
    }

    /// Emits a loop as one instruction if it is one over scalars.
    fn scalars(&mut self, step: &Step) -> bool {
        let Lowering { prims, items, consts, .. } = self.lowering;
        let around = Around { prims, fused: &self.exe.fused, items, consts, allocation: self.allocation };
        let computing = matches!(self.target, Target::Computing(_));
        let Some(made) = computing.then(|| scalars::build(around, step, self.span)).flatten() else { return false };
        let program = self.exe.scalars.len() as u32;
        self.exe.scalars.push(made);
        self.push(Instr::Scalars { program });
        true
    }

    /// Lets the last two instructions be one if both push, or both pop: loops that keep a lot do nothing else for a while.
    fn together(&mut self) {
        let [.., before, last] = &mut self.exe.code[..] else { return };
        match (before, *last) {
            (Instr::Push { count, .. }, Instr::Push { .. }) if *count < u16::MAX => *count += 1,
            (Instr::Pop { count, items, .. }, Instr::Pop { items: next, .. })
                if *count < u16::MAX && *items + u32::from(*count) == next =>
            {
                *count += 1;
            }
            _ => return,
        }
        self.exe.code.pop();
        self.exe.spans.pop();
    }

    /// A branch; as one with the comparison of integers that was just emitted, if nobody else reads that.
    fn unless(&mut self, cond: Operand, before: Option<&Step>) -> usize {
        let made_before = matches!(before, Some(Step::Do { action: Action::Prim(_), dsts, drops, .. })
            if drops.is_empty() && cond.is_last() && cond.as_reg() == dsts.first().copied());
        if let Some(&Instr::Compare { op, args, .. }) = self.exe.code.last().filter(|_| made_before) {
            self.exe.code.pop();
            self.exe.spans.pop();
            return self.push(Instr::UnlessCompare { op, args, to: u32::MAX });
        }
        let cond = self.operand(cond);
        self.push(Instr::Unless { cond, to: u32::MAX })
    }

    /// Lets a jump go to what comes next.
    fn patch(&mut self, at: usize) {
        let here = self.here();
        match &mut self.exe.code[at] {
            Instr::Jump { to } | Instr::Unless { to, .. } | Instr::UnlessCompare { to, .. } => *to = here,
            other => panic!("{other:?} is not a jump"),
        }
    }

    fn action(&mut self, action: Action, at: u32, args: &[Operand], dsts: &[Reg]) {
        assert!(args.len().max(dsts.len()) <= usize::from(u16::MAX), "fewer than 65536 operands");
        let count = args.len() as u16;
        let dst = dsts.first().map_or(Reg(0), |&r| self.reg(r));
        let instr = match action {
            Action::Prim(site) => {
                let args = self.operands(args).start;
                let plain = Instr::Prim { count, site, args, dst };
                self.lowering.prims[site as usize].on_integers(args, dst).unwrap_or(plain)
            }
            Action::Fused(program) => self.fused(program, args, dsts),
            Action::Tuple => Instr::Tuple { count: args.len() as u16, args: self.operands(args).start, dst },
            Action::Get(index) => Instr::Get { tuple: self.operand(args[0]), index, dst },
            Action::Unpack => Instr::Unpack {
                count: dsts.len() as u16,
                tuple: self.operand(args[0]),
                items: self.results(dsts).start,
            },
            Action::Push(_) => {
                Instr::Push { count: 1, args: self.operands(args).start, results: self.results(dsts).start }
            }
            Action::Pop(items) => {
                let (args, results) = (self.operands(args).start, self.results(dsts).start);
                Instr::Pop { count: 1, args, items, results }
            }
            Action::Closure(graph) => {
                Instr::Closure { count: args.len() as u16, graph, args: self.operands(args).start, dst }
            }
            Action::Call { graph, tail: false } => Instr::Call { site: self.call(graph, at, args, dsts) },
            Action::Apply { tail: false } => Instr::Apply { site: self.call(GraphId(u32::MAX), at, args, dsts) },
            Action::Call { graph, tail: true } => Instr::TailCall { site: self.tail_call(graph, args) },
            Action::Apply { tail: true } => Instr::TailApply { site: self.tail_call(GraphId(u32::MAX), args) },
            Action::Vjp(vjp) => Instr::Vjp { site: self.call(GraphId(u32::MAX), at, args, dsts), vjp },
            Action::Move => {
                let from = self.operand(args[0]);
                if from.as_reg() == Some(dst) {
                    return;
                }
                Instr::Move { from, to: dst }
            }
            Action::Return if self.tuple => Instr::Return { count: args.len() as u16, args: self.operands(args).start },
            Action::Return => Instr::ReturnOne { args: self.operands(args).start },
        };
        self.push(instr);
    }

    fn part(&mut self, part: &tree::Part) {
        let (args, results) = (self.operands(&part.args), self.results(&part.dsts));
        let work = match part.action {
            Action::Prim(site) => Work::Prim(site),
            Action::Fused(program) => {
                self.settle(program, args);
                Work::Fused(program)
            }
            other => panic!("{other:?} is not done together with others"),
        };
        let (lane_args, lane_results) = self.lane(args, results);
        self.exe.parts.push(Part { work, args, results, lane_args, lane_results, span: part.span });
        self.span = part.span;
    }

    /// Operands and results as registers of a lane. There nobody else reads them.
    fn lane(&mut self, args: Span16, results: Span16) -> (Span16, Span16) {
        let (operands, registers) = (&mut self.exe.operands, &mut self.exe.results);
        let lane_args = Span16 { start: operands.len() as u32, ..args };
        for (i, at) in args.range().enumerate() {
            let operand = operands[at];
            operands.push(if operand.is_const() { operand } else { Operand::reg(Reg(i as u32)).last() });
        }
        let lane_results = Span16 { start: registers.len() as u32, ..results };
        registers.extend((0..results.len).map(|i| Reg(args.len + i)));
        (lane_args, lane_results)
    }

    fn settle(&mut self, program: u32, args: Span16) {
        let operands = &self.exe.operands[args.range()];
        self.exe.fused[program as usize].settle(operands);
    }

    fn fused(&mut self, program: u32, args: &[Operand], dsts: &[Reg]) -> Instr {
        let (args, results) = (self.operands(args), self.results(dsts));
        self.settle(program, args);
        Instr::Fused { program, args: args.start, results: results.start }
    }

    fn call(&mut self, graph: GraphId, at: u32, args: &[Operand], dsts: &[Reg]) -> u32 {
        let (args, results) = (self.operands(args), self.results(dsts));
        // Arguments go straight into the callee's frame and results come straight out of it.
        let read = self.exe.operands[args.range()].iter().filter_map(|operand| operand.as_reg());
        let touched = read.chain(self.exe.results[results.range()].iter().copied());
        let above = touched.map(|reg| reg.0 + 1).max().unwrap_or(0);
        let site = CallSite { graph, args, results, window: above.max(self.allocation.window(at)) };
        self.exe.calls.push(site);
        self.exe.calls.len() as u32 - 1
    }

    fn tail_call(&mut self, graph: GraphId, args: &[Operand]) -> u32 {
        let site = CallSite { graph, args: self.operands(args), results: self.results(&[]), window: 0 };
        self.exe.calls.push(site);
        self.exe.calls.len() as u32 - 1
    }
}

/// What holds of two integers where this does not.
pub(super) fn opposite(op: Compare) -> Compare {
    match op {
        Compare::Lt => Compare::Ge,
        Compare::Le => Compare::Gt,
        Compare::Gt => Compare::Le,
        Compare::Ge => Compare::Lt,
        Compare::Eq => Compare::Ne,
        Compare::Ne => Compare::Eq,
    }
}
