//! The machine that runs register programs.
//!
//! Registers of all frames lie in one vector, a frame being a base index and a return address, so
//! depth is bounded by memory and not by the host stack. A machine keeps its storage from run to
//! run; in the steady state it allocates nothing itself.

use adjudicate_kernels::fused::Scratch;

use super::code::{CallSite, Executable, Function, Instr, Operand, PrimInstr, Reg, Span16, VjpInstr};
use super::domain::{Domain, ExecError};
use super::run::Run;
use super::scalars;
use super::slots::{EMPTY, copy, is_scalar, push_copy, push_moved, put, put_copy, put_moved, take};
use super::together::Lane;
use crate::graph::GraphId;
use crate::prims::Args;
use crate::span::Span;
use crate::value::{Fields, Value};

/// Calls that may wait for their results at once, as in the interpreter.
pub const MAX_FRAMES: usize = crate::interp::MAX_DEPTH;
/// Registers of all frames together: 3 GiB of them.
const MAX_REGISTERS: usize = 1 << 27;

/// What a function returns, still in its registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Returned {
    pub(super) base: usize,
    pub(super) args: Span16,
}

/// Where to go on in the caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pc: u32,
    base: usize,
}

/// Storage for running, kept from run to run, and counts of the last run.
#[derive(Debug)]
pub struct Machine {
    pub(super) regs: Vec<Value>,
    pub(super) frames: Vec<Frame>,
    /// Operands on their way.
    scratch: Vec<Value>,
    /// Room for arguments and results of derivatives.
    spare: Vec<Vec<Value>>,
    /// Registers of block programs.
    pub(super) blocks: Scratch,
    /// Where rows begin that a block program reads.
    pub(super) rows: Vec<usize>,
    /// Of loops over scalars.
    pub(super) scalars: scalars::Storage,
    pub(super) lanes: Vec<Lane>,
    pub(super) returned: Returned,
    pub(super) nesting: u32,
    pub(super) closures_made: u64,
    pub(super) peak_frames: usize,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// A machine without storage.
    pub fn new() -> Self {
        Self {
            regs: Vec::new(),
            frames: Vec::new(),
            scratch: Vec::new(),
            spare: Vec::new(),
            blocks: Scratch::default(),
            rows: Vec::new(),
            scalars: scalars::Storage::default(),
            lanes: Vec::new(),
            returned: Returned { base: 0, args: Span16 { start: 0, len: 0 } },
            nesting: 0,
            closures_made: 0,
            peak_frames: 0,
        }
    }

    /// Function values made in the last run.
    pub fn closures_made(&self) -> u64 {
        self.closures_made
    }

    /// The deepest the frames of the last run were.
    pub fn peak_frames(&self) -> usize {
        self.peak_frames
    }

    pub(super) fn reset(&mut self) {
        self.regs.clear();
        self.frames.clear();
        self.scratch.clear();
        self.nesting = 0;
    }

    #[inline]
    pub(super) fn make_room(&mut self, base: usize, function: &Function) {
        let needed = base + (function.registers.max(function.params)) as usize;
        if self.regs.len() < needed {
            self.regs.resize(needed, EMPTY);
        }
    }

    #[inline(always)]
    pub(super) fn read(&mut self, exe: &Executable, base: usize, operand: Operand) -> Value {
        if operand.is_const() {
            return copy(&exe.consts[operand.index()]);
        }
        let slot = &mut self.regs[base + operand.index()];
        if operand.is_last() { take(slot) } else { copy(slot) }
    }

    /// Puts what an operand is into a slot that is no register.
    #[inline(always)]
    fn put_operand(&mut self, exe: &Executable, base: usize, operand: Operand, slot: &mut Value) {
        if operand.is_const() {
            return put_copy(slot, &exe.consts[operand.index()]);
        }
        let from = &mut self.regs[base + operand.index()];
        if operand.is_last() { put_moved(slot, from) } else { put_copy(slot, from) }
    }

    /// Appends what operands are.
    #[inline]
    pub(super) fn read_all(&mut self, exe: &Executable, base: usize, operands: Span16, into: &mut Vec<Value>) {
        let operands = &exe.operands[operands.range()];
        into.reserve(operands.len());
        for &operand in operands {
            if operand.is_const() {
                push_copy(into, &exe.consts[operand.index()]);
                continue;
            }
            let slot = &mut self.regs[base + operand.index()];
            if operand.is_last() { push_moved(into, slot) } else { push_copy(into, slot) }
        }
    }

    #[inline(always)]
    fn truth(&self, exe: &Executable, base: usize, operand: Operand) -> bool {
        let value = if operand.is_const() { &exe.consts[operand.index()] } else { &self.regs[base + operand.index()] };
        value.truth()
    }

    /// Two integers, which are read where they are.
    #[inline(always)]
    fn integers(&self, exe: &Executable, base: usize, args: u32) -> (i64, i64) {
        let operands = &exe.operands[args as usize..args as usize + 2];
        (self.integer(exe, base, operands[0]), self.integer(exe, base, operands[1]))
    }

    #[inline(always)]
    fn integer(&self, exe: &Executable, base: usize, operand: Operand) -> i64 {
        let at = operand.index();
        match if operand.is_const() { &exe.consts[at] } else { &self.regs[base + at] } {
            Value::I64(n) => *n,
            other => panic!("an integer was expected, not {other:?}"),
        }
    }

    /// Applies a primitive to operands where they are.
    #[inline(always)]
    fn prim<D: Domain>(
        &mut self,
        exe: &Executable,
        domain: &mut D,
        instr: &PrimInstr,
        base: usize,
        operands: &[Operand],
        dst: Reg,
    ) -> Result<(), String> {
        let regs = &mut self.regs[base..];
        let result = domain.prim(instr, &mut Args::of_frame(regs, &exe.consts, operands));
        for operand in operands.iter().filter(|o| o.is_last()) {
            let slot = &mut regs[operand.index()];
            if !is_scalar(slot) {
                *slot = EMPTY;
            }
        }
        // Taken apart where it is: see `slots`.
        let slot = &mut regs[dst.0 as usize];
        match result {
            Ok(Value::F64(x, mark)) => put(slot, Value::F64(x, mark)),
            Ok(Value::Array(a, mark)) => put(slot, Value::Array(a, mark)),
            Ok(value) => put(slot, value),
            Err(message) => return Err(message),
        }
        Ok(())
    }

    #[inline]
    fn gather(&mut self, exe: &Executable, base: usize, operands: &[Operand]) {
        for &operand in operands {
            let value = self.read(exe, base, operand);
            self.scratch.push(value);
        }
    }

    fn collect(&mut self, exe: &Executable, base: usize, args: u32, count: u16) -> Fields {
        let range = args as usize..args as usize + usize::from(count);
        let operands = &exe.operands[range];
        Fields::filled(operands.len(), |i, slot| self.put_operand(exe, base, operands[i], slot))
    }

    pub(super) fn execute<D: Domain>(
        &mut self,
        exe: &Executable,
        domain: &mut D,
        mut pc: usize,
        mut base: usize,
        floor: usize,
    ) -> Result<Returned, ExecError> {
        loop {
            let instr = &exe.code[pc];
            pc += 1;
            match *instr {
                Instr::Prim { count, site, args, dst } => {
                    let range = args as usize..args as usize + usize::from(count);
                    let prim = &exe.prims[site as usize];
                    if let Err(message) = self.prim(exe, domain, prim, base, &exe.operands[range], dst) {
                        return Err(ExecError::new(exe.spans[pc - 1], message));
                    }
                }
                Instr::Int { op, args, dst } => {
                    let (x, y) = self.integers(exe, base, args);
                    match op.eval(x, y) {
                        Ok(z) => put(&mut self.regs[base + dst.0 as usize], Value::I64(z)),
                        Err(e) => return Err(ExecError::new(exe.spans[pc - 1], e.to_string())),
                    }
                }
                Instr::Compare { op, args, dst } => {
                    let (x, y) = self.integers(exe, base, args);
                    put(&mut self.regs[base + dst.0 as usize], Value::Bool(op.eval(x, y)));
                }
                Instr::Fused { program, args, results } => {
                    self.fused(exe, domain, (base, pc - 1), (program, args, results))?;
                }
                Instr::Scalars { program } => {
                    assert!(D::COMPUTES, "only what computes and does nothing else may run a loop by itself");
                    self.scalars(exe, base, program)?;
                }
                Instr::Together { first, count } => {
                    assert!(D::COMPUTES, "only what computes and does nothing else may do several things at once");
                    self.together(exe, base, &exe.parts[first as usize..(first + count) as usize])?;
                }
                Instr::Move { from, to } => self.copy(exe, base, from, to),
                Instr::Jump { to } => pc = to as usize,
                Instr::Unless { cond, to } => {
                    if !self.truth(exe, base, cond) {
                        pc = to as usize;
                    }
                }
                Instr::UnlessCompare { op, args, to } => {
                    let (x, y) = self.integers(exe, base, args);
                    if !op.eval(x, y) {
                        pc = to as usize;
                    }
                }
                Instr::Drop { reg } => self.regs[base + reg.0 as usize] = EMPTY,
                Instr::Call { site } => {
                    let site = &exe.calls[site as usize];
                    let function = exe.function(site.graph).expect("a graph of the module");
                    let to = self.push_frame(pc, base, site);
                    if self.too_deep(function, to) {
                        return Err(endless(exe.spans[pc - 1]));
                    }
                    self.make_room(to, function);
                    self.pass(exe, base, &exe.operands[site.args.range()], (to, 0));
                    (pc, base) = (function.pc as usize, to);
                }
                Instr::TailCall { site } => {
                    let site = &exe.calls[site as usize];
                    self.gather(exe, base, &exe.operands[site.args.range()]);
                    let function = exe.function(site.graph).expect("a graph of the module");
                    pc = self.begin(function, base);
                }
                Instr::Apply { site } => {
                    let site = &exe.calls[site as usize];
                    let Some(function) = self.callee(exe, base, site) else {
                        return Err(no_code(exe.spans[pc - 1]));
                    };
                    let to = self.push_frame(pc, base, site);
                    if self.too_deep(function, to) {
                        return Err(endless(exe.spans[pc - 1]));
                    }
                    self.make_room(to, function);
                    self.pass_all(exe, base, site, to);
                    (pc, base) = (function.pc as usize, to);
                }
                Instr::TailApply { site } => {
                    let site = &exe.calls[site as usize];
                    let (graph, captures) = self.gather_apply(exe, base, site);
                    let Some(function) = exe.function(graph) else {
                        return Err(no_code(exe.spans[pc - 1]));
                    };
                    pc = self.begin_with(captures, function, base);
                }
                Instr::ReturnOne { args } => {
                    if self.frames.len() == floor {
                        return Ok(Returned { base, args: Span16 { start: args, len: 1 } });
                    }
                    let (to, site) = self.pop_frame(exe);
                    let dst = exe.results[site.results.start as usize];
                    self.give(exe, base, exe.operands[args as usize], to.base + dst.0 as usize);
                    (pc, base) = (to.pc as usize, to.base);
                }
                Instr::Return { count, args } => {
                    let args = Span16 { start: args, len: count.into() };
                    if self.frames.len() == floor {
                        return Ok(Returned { base, args });
                    }
                    let (to, site) = self.pop_frame(exe);
                    for (dst, &operand) in exe.results[site.results.range()].iter().zip(&exe.operands[args.range()]) {
                        self.give(exe, base, operand, to.base + dst.0 as usize);
                    }
                    (pc, base) = (to.pc as usize, to.base);
                }
                Instr::Tuple { count, args, dst } => {
                    let items = self.collect(exe, base, args, count);
                    self.regs[base + dst.0 as usize] = Value::Tuple(items);
                }
                Instr::Push { count, args, results } => {
                    let (args, _) = exe.operands[args as usize..][..2 * usize::from(count)].as_chunks();
                    for (&pair, &dst) in args.iter().zip(&exe.results[results as usize..]) {
                        self.push(exe, base, pair, dst);
                    }
                }
                Instr::Pop { count, args, items, results } => {
                    let stacks = &exe.operands[args as usize..][..count.into()];
                    let (dsts, _) = exe.results[results as usize..].as_chunks();
                    for ((&stack, ty), &dsts) in stacks.iter().zip(&exe.items[items as usize..]).zip(dsts) {
                        self.pop(exe, base, stack, ty, dsts);
                    }
                }
                Instr::Closure { count, graph, args, dst } => {
                    self.closures_made += 1;
                    let captures = self.collect(exe, base, args, count);
                    self.regs[base + dst.0 as usize] = Value::Closure(graph, captures);
                }
                Instr::Get { tuple, index, dst } => {
                    let item = self.item(exe, base, tuple, index);
                    self.regs[base + dst.0 as usize] = item;
                }
                Instr::Unpack { count, tuple, items } => self.unpack(exe, base, tuple, items, count),
                Instr::Vjp { site, vjp } => {
                    self.derive(exe, domain, base, &exe.calls[site as usize], &exe.vjps[vjp as usize])?;
                }
            }
        }
    }

    /// Puts what a register or a constant holds into another register.
    #[inline]
    fn copy(&mut self, exe: &Executable, base: usize, from: Operand, to: Reg) {
        let to = base + to.0 as usize;
        if from.is_const() {
            put_copy(&mut self.regs[to], &exe.consts[from.index()]);
            return;
        }
        let slots = self.regs.get_disjoint_mut([to, base + from.index()]);
        let [place, slot] = slots.expect("two registers of the frame: nothing is moved to where it is");
        if from.is_last() { put_moved(place, slot) } else { put_copy(place, slot) }
    }

    /// Opens a frame for a callee above what the caller still needs.
    #[inline]
    fn push_frame(&mut self, pc: usize, base: usize, site: &CallSite) -> usize {
        self.frames.push(Frame { pc: pc as u32, base });
        self.peak_frames = self.peak_frames.max(self.frames.len());
        base + site.window as usize
    }

    /// Whether a callee's frame is beyond what recursion may use.
    #[inline]
    fn too_deep(&self, function: &Function, base: usize) -> bool {
        self.frames.len() > MAX_FRAMES || base + function.registers as usize > MAX_REGISTERS
    }

    #[inline]
    fn pop_frame<'e>(&mut self, exe: &'e Executable) -> (Frame, &'e CallSite) {
        let frame = self.frames.pop().expect("a frame above the floor");
        match exe.code[frame.pc as usize - 1] {
            Instr::Call { site } | Instr::Apply { site } => (frame, &exe.calls[site as usize]),
            other => panic!("{other:?} is not a call"),
        }
    }

    /// Puts operands into a callee's frame, which is above them, from one of its registers on.
    #[inline]
    fn pass(&mut self, exe: &Executable, base: usize, operands: &[Operand], (to, from): (usize, usize)) {
        let (own, callee) = self.regs.split_at_mut(to);
        for (&operand, place) in operands.iter().zip(&mut callee[from..]) {
            if operand.is_const() {
                put_copy(place, &exe.consts[operand.index()]);
                continue;
            }
            let slot = &mut own[base + operand.index()];
            if operand.is_last() { put_moved(place, slot) } else { put_copy(place, slot) }
        }
    }

    /// Puts a result where a caller wants it, which is below the frame.
    #[inline]
    fn give(&mut self, exe: &Executable, base: usize, operand: Operand, to: usize) {
        if operand.is_const() {
            put_copy(&mut self.regs[to], &exe.consts[operand.index()]);
            return;
        }
        let (caller, own) = self.regs.split_at_mut(base);
        let (place, slot) = (&mut caller[to], &mut own[operand.index()]);
        if operand.is_last() { put_moved(place, slot) } else { put_copy(place, slot) }
    }

    /// Puts the gathered arguments in place; the address to go on at.
    #[inline]
    fn begin(&mut self, function: &Function, base: usize) -> usize {
        self.make_room(base, function);
        self.begin_after(0, function, base)
    }

    /// Puts captures and then the gathered arguments in place.
    #[inline]
    fn begin_with(&mut self, captures: Fields, function: &Function, base: usize) -> usize {
        self.make_room(base, function);
        let count = captures.as_slice().len();
        captures.put_into(self.regs[base..].iter_mut());
        self.begin_after(count, function, base)
    }

    #[inline]
    fn begin_after(&mut self, captures: usize, function: &Function, base: usize) -> usize {
        assert_eq!(captures + self.scratch.len(), function.params as usize, "as many arguments as parameters");
        let places = &mut self.regs[base + captures..];
        places.iter_mut().zip(&mut self.scratch).for_each(|(place, value)| put_moved(place, value));
        self.scratch.clear();
        function.pc as usize
    }

    /// The code of the function value that a site calls.
    #[inline]
    fn callee<'e>(&self, exe: &'e Executable, base: usize, site: &CallSite) -> Option<&'e Function> {
        let operand = exe.operands[site.args.start as usize];
        let slot = if operand.is_const() { &exe.consts[operand.index()] } else { &self.regs[base + operand.index()] };
        match slot {
            Value::Closure(graph, _) => exe.function(*graph),
            other => panic!("a function value was expected, not {other:?}"),
        }
    }

    /// Puts captures and arguments of a call of a function value where the callee's frame begins.
    #[inline]
    fn pass_all(&mut self, exe: &Executable, base: usize, site: &CallSite, to: usize) {
        let operands = &exe.operands[site.args.range()];
        let (&function, rest) = operands.split_first().expect("a function value");
        let Value::Closure(_, captures) = self.read(exe, base, function) else {
            panic!("a function value was expected");
        };
        let count = captures.as_slice().len();
        let mut places = self.regs[to..].iter_mut();
        captures.put_into(&mut places);
        self.pass(exe, base, rest, (to, count));
    }

    /// Gathers the arguments of a call of a function value; its code and captures.
    fn gather_apply(&mut self, exe: &Executable, base: usize, site: &CallSite) -> (GraphId, Fields) {
        let operands = &exe.operands[site.args.range()];
        let (&function, rest) = operands.split_first().expect("a function value");
        let Value::Closure(graph, captures) = self.read(exe, base, function) else {
            panic!("a function value was expected");
        };
        self.gather(exe, base, rest);
        (graph, captures)
    }

    fn item(&mut self, exe: &Executable, base: usize, tuple: Operand, index: u32) -> Value {
        if tuple.is_const() {
            return copy(&exe.consts[tuple.index()].items()[index as usize]);
        }
        let slot = &mut self.regs[base + tuple.index()];
        if !tuple.is_last() {
            return copy(&slot.items()[index as usize]);
        }
        match std::mem::replace(slot, EMPTY) {
            Value::Tuple(fields) => copy(&fields.as_slice()[index as usize]),
            other => panic!("a tuple was expected, not {other:?}"),
        }
    }

    fn unpack(&mut self, exe: &Executable, base: usize, tuple: Operand, items: u32, count: u16) {
        let dsts = &exe.results[items as usize..items as usize + usize::from(count)];
        let fields = match self.read(exe, base, tuple) {
            Value::Tuple(fields) => fields,
            other => panic!("a tuple was expected, not {other:?}"),
        };
        if tuple.is_last() {
            for (dst, value) in dsts.iter().zip(fields.into_vec()) {
                put(&mut self.regs[base + dst.0 as usize], value);
            }
        } else {
            for (dst, value) in dsts.iter().zip(fields.as_slice()) {
                put_copy(&mut self.regs[base + dst.0 as usize], value);
            }
        }
    }

    fn derive<D: Domain>(
        &mut self,
        exe: &Executable,
        domain: &mut D,
        base: usize,
        site: &CallSite,
        vjp: &VjpInstr,
    ) -> Result<(), ExecError> {
        let mut values = self.spare.pop().unwrap_or_default();
        self.read_all(exe, base, site.args, &mut values);
        let mut run = Run { exe, machine: self, base: base + site.window as usize, span: vjp.span };
        domain.vjp(&mut run, vjp, &mut values)?;
        assert_eq!(values.len(), site.results.len as usize, "results of the derivative of {}", vjp.graph);
        for (reg, value) in exe.results[site.results.range()].iter().zip(&mut values) {
            put_moved(&mut self.regs[base + reg.0 as usize], value);
        }
        values.clear();
        self.spare.push(values);
        Ok(())
    }
}

#[cold]
fn endless(span: Span) -> ExecError {
    let message = format!("calls are nested more than {MAX_FRAMES} deep, or hold too many values");
    ExecError::limit(span, message, "let the recursion end sooner, or write a loop instead of it")
}

#[cold]
fn no_code(span: Span) -> ExecError {
    ExecError::new(span, "the zero of a function type was called")
}
