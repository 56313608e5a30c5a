//! Register programs: compact instructions, and the tables that they point into.
//!
//! One code table serves all functions of an [`Executable`]. Operands lie in one shared table, so
//! an instruction is 16 bytes whatever the number of its operands.

use std::fmt;
use std::sync::Arc;
use std::vec::Drain;

use adjudicate_kernels::{Compare, IntBinary};

use super::fused::Fused;
use super::plan::MemoryPlan;
use super::scalars::Scalars;
use super::schedule::Worth;
use crate::graph::{GraphId, Module, VjpSpec};
use crate::prims::{Args, Attrs, PrimDef};
use crate::span::Span;
use crate::types::{Elem, Type};
use crate::value::Value;

/// A register of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Reg(pub(super) u32);

/// An index into the table of constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConstId(pub(super) u32);

/// The place of a primitive application in a program. A domain that runs several executables tells
/// their sites apart by numbering them one after the other ([`Executable::numbered`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(pub u32);

impl SiteId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an instruction reads: a register, for the last time or not, or a constant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand(u32);

impl Operand {
    const LAST: u32 = 1 << 31;
    const CONST: u32 = 1 << 30;
    const INDEX: u32 = Self::CONST - 1;

    pub(super) fn reg(reg: Reg) -> Self {
        assert!(reg.0 <= Self::INDEX, "too many registers");
        Operand(reg.0)
    }

    pub(super) fn constant(id: ConstId) -> Self {
        assert!(id.0 <= Self::INDEX, "too many constants");
        Operand(id.0 | Self::CONST)
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        (self.0 & Self::INDEX) as usize
    }

    #[inline]
    pub(crate) fn is_const(self) -> bool {
        self.0 & Self::CONST != 0
    }

    /// The register, if this is one.
    pub(super) fn as_reg(self) -> Option<Reg> {
        (!self.is_const()).then_some(Reg(self.0 & Self::INDEX))
    }

    /// What it reads.
    #[inline]
    pub(crate) fn find<'a>(self, regs: &'a [Value], consts: &'a [Value]) -> &'a Value {
        if self.is_const() { &consts[self.index()] } else { &regs[self.index()] }
    }

    #[inline]
    pub(crate) fn is_last(self) -> bool {
        self.0 & Self::LAST != 0
    }

    pub(super) fn last(self) -> Self {
        Operand(self.0 | Self::LAST)
    }

    /// The same use of another register.
    pub(super) fn renamed(self, rename: impl FnOnce(Reg) -> Reg) -> Self {
        match self.as_reg() {
            Some(reg) => Operand(rename(reg).0 | (self.0 & Self::LAST)),
            None => self,
        }
    }
}

impl fmt::Debug for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_const() { 'c' } else { 'r' };
        write!(f, "{kind}{}{}", self.index(), if self.is_last() { "!" } else { "" })
    }
}

/// Operands in the shared table: where they begin and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span16 {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Span16 {
    #[inline]
    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// One instruction. Fields named `args` are starts in the operand table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instr {
    /// Applies a primitive.
    Prim { count: u16, site: u32, args: u32, dst: Reg },
    /// Arithmetic of two integers, which means the same in every domain.
    Int { op: IntBinary, args: u32, dst: Reg },
    /// A comparison of two integers.
    Compare { op: Compare, args: u32, dst: Reg },
    /// Runs a block program; `results` is a start in the table of results.
    Fused { program: u32, args: u32, results: u32 },
    /// Runs a loop over scalars.
    Scalars { program: u32 },
    /// Runs parts at once, from `first` on in the table of parts.
    Together { first: u32, count: u32 },
    /// Several values as one.
    Tuple { count: u16, args: u32, dst: Reg },
    /// An item of a tuple.
    Get { tuple: Operand, index: u32, dst: Reg },
    /// All items of a tuple, to the registers from `items` on in the table of results.
    Unpack { count: u16, tuple: Operand, items: u32 },
    /// Stacks with an item more on top: pairs of a stack and an item, and from `results` on in the table of results where each
    /// stack goes.
    Push { count: u16, args: u32, results: u32 },
    /// Stacks without their tops, and the tops: from `items` on in the table of items their types, and in the table of results
    /// pairs of where the stack goes and where the top.
    Pop { count: u16, args: u32, items: u32, results: u32 },
    /// A function value.
    Closure { count: u16, graph: GraphId, args: u32, dst: Reg },
    /// A direct call.
    Call { site: u32 },
    /// A direct call that takes over the frame.
    TailCall { site: u32 },
    /// A call of a function value, which is the first operand.
    Apply { site: u32 },
    /// A call of a function value that takes over the frame.
    TailApply { site: u32 },
    /// A reverse-mode derivative, left to the domain.
    Vjp { site: u32, vjp: u32 },
    /// Copies or moves.
    Move { from: Operand, to: Reg },
    /// Empties a register.
    Drop { reg: Reg },
    /// Continues elsewhere.
    Jump { to: u32 },
    /// Continues elsewhere if the operand is false.
    Unless { cond: Operand, to: u32 },
    /// Continues elsewhere if a comparison of two integers is false.
    UnlessCompare { op: Compare, args: u32, to: u32 },
    /// Returns one value.
    ReturnOne { args: u32 },
    /// Returns items.
    Return { count: u16, args: u32 },
}

const _: () = assert!(size_of::<Instr>() == 16);

/// A call: what is called, with what, where the results go.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallSite {
    /// The callee; meaningless for a call of a function value.
    pub(super) graph: GraphId,
    pub(super) args: Span16,
    /// In the table of results.
    pub(super) results: Span16,
    /// Registers of the caller that the callee must leave alone.
    pub(super) window: u32,
}

/// One of several instructions at once. It is run in a frame of its own, a lane: that begins with a register for each
/// operand, and goes on with one for each result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) work: Work,
    pub(super) args: Span16,
    /// In the table of results.
    pub(super) results: Span16,
    /// Operands and results as the lane has them.
    pub(super) lane_args: Span16,
    pub(super) lane_results: Span16,
    pub(super) span: Span,
}

/// What a part does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// A primitive, by its index.
    Prim(u32),
    /// A block program, by its index.
    Fused(u32),
}

/// A lowered graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    pub(super) pc: u32,
    pub(super) params: u32,
    pub(super) registers: u32,
}

/// A primitive applied at one place of the program.
#[derive(Clone, Debug)]
pub struct PrimInstr {
    /// Which place.
    pub site: SiteId,
    /// The primitive.
    pub def: &'static PrimDef,
    /// Its static integers.
    pub attrs: Attrs,
    /// Types of the operands.
    pub operands: Box<[Type]>,
    /// Type of the result.
    pub ty: Type,
    /// Where in the source it comes from.
    pub span: Span,
}

impl PrimInstr {
    /// The instruction of its own that a primitive on two single integers is.
    pub(super) fn on_integers(&self, args: u32, dst: Reg) -> Option<Instr> {
        let [a, b] = &*self.operands else { return None };
        if !a.is_scalar(Elem::I64) || !b.is_scalar(Elem::I64) {
            return None;
        }
        let int = |op| Some(Instr::Int { op, args, dst });
        let compare = |op| Some(Instr::Compare { op, args, dst });
        match self.def.name {
            "add" => int(IntBinary::Add),
            "sub" => int(IntBinary::Sub),
            "mul" => int(IntBinary::Mul),
            "lt" => compare(Compare::Lt),
            "le" => compare(Compare::Le),
            "gt" => compare(Compare::Gt),
            "ge" => compare(Compare::Ge),
            "eq" => compare(Compare::Eq),
            "ne" => compare(Compare::Ne),
            _ => None,
        }
    }

    /// Computes the value. Operands may be taken.
    #[inline]
    pub fn eval(&self, args: &mut Args<'_>) -> Result<Value, String> {
        (self.def.eval)(&self.attrs, args, &self.ty)
    }
}

/// A derivative of a graph asked for at one place of the program.
#[derive(Clone, Debug)]
pub struct VjpInstr {
    /// What is differentiated.
    pub graph: GraphId,
    /// Indices of the parameters whose cotangents are asked for.
    pub wrt: Arc<[u32]>,
    /// Types of the graph's parameters; the operands begin with them.
    pub params: Box<[Type]>,
    /// Types of the items of the graph's result (one, if it is not a tuple). A seed follows the
    /// parameters for each that is a float tensor.
    pub items: Box<[Type]>,
    /// How many seeds there are at once: the length of a leading axis of the seeds and of the
    /// cotangents. `None` for one without such an axis.
    pub seeds: Option<usize>,
    /// Where in the source it comes from.
    pub span: Span,
}

impl VjpInstr {
    /// Takes the seeds, one for each float item, from behind the arguments of the graph.
    pub fn seeds<'v>(&self, values: &'v mut Vec<Value>) -> Drain<'v, Value> {
        let seeds = values.drain(self.params.len()..);
        assert_eq!(seeds.len(), self.items.iter().filter(|ty| ty.is_float()).count(), "a seed for each float item");
        seeds
    }

    /// The type of the cotangent of a parameter.
    pub fn cotangent(&self, param: u32) -> Type {
        let spec = VjpSpec { graph: self.graph, wrt: self.wrt.clone(), seeds: self.seeds };
        spec.cotangent(&self.params[param as usize])
    }
}

/// A module lowered to a register program.
#[derive(Debug)]
pub struct Executable {
    pub(super) code: Vec<Instr>,
    /// The source position of each instruction.
    pub(super) spans: Vec<Span>,
    pub(super) operands: Vec<Operand>,
    pub(super) results: Vec<Reg>,
    pub(super) consts: Vec<Value>,
    pub(super) prims: Vec<PrimInstr>,
    pub(super) calls: Vec<CallSite>,
    pub(super) vjps: Vec<VjpInstr>,
    pub(super) fused: Vec<Fused>,
    /// The graphs of those.
    pub(super) regions: Vec<GraphId>,
    pub(super) scalars: Vec<Scalars>,
    pub(super) parts: Vec<Part>,
    /// Types of what is popped.
    pub(super) items: Vec<Type>,
    /// By graph; `None` for graphs that are not called.
    pub(super) functions: Vec<Option<Function>>,
    pub(super) entry: GraphId,
}

impl Executable {
    /// Lowers every graph that the entry reaches.
    pub fn new(module: &Module) -> Self {
        Self::numbered(module, SiteId(0))
    }

    /// As [`Executable::new`], with primitive applications numbered from `first` on.
    pub fn numbered(module: &Module, first: SiteId) -> Self {
        super::emit::executable(module, first)
    }

    /// As [`Executable::new`], with a plan of the memory that a run needs.
    pub fn planned(module: &Module) -> (Self, MemoryPlan) {
        super::emit::planned(module)
    }

    /// As [`Executable::planned`], with what does not depend on each other put together where it is worth a thread. For
    /// domains that compute and nothing else.
    pub fn parallel(module: &Module, worth: Worth) -> (Self, MemoryPlan) {
        super::emit::parallel(module, worth)
    }

    /// What is done together, as text: names, operands and results of each part, and `!` where an operand is read for the last
    /// time.
    pub fn together(&self) -> Vec<String> {
        let groups = self.code.iter().filter_map(|instr| {
            let Instr::Together { first, count } = *instr else { return None };
            Some(&self.parts[first as usize..(first + count) as usize])
        });
        let text = |parts: &[Part]| parts.iter().map(|part| self.part(part)).collect::<Vec<_>>().join(" | ");
        groups.map(text).collect()
    }

    fn part(&self, part: &Part) -> String {
        let name = match part.work {
            Work::Prim(site) => self.prims[site as usize].def.name,
            Work::Fused(_) => "fused",
        };
        let args: Vec<String> = self.operands[part.args.range()].iter().map(|arg| format!("{arg:?}")).collect();
        let results: Vec<String> = self.results[part.results.range()].iter().map(|reg| format!("r{}", reg.0)).collect();
        format!("{} = {name}({})", results.join(", "), args.join(", "))
    }

    /// The fused graphs of the program, and by operand the parameter of the graph.
    pub fn regions(&self) -> impl Iterator<Item = (GraphId, &[usize])> {
        self.regions.iter().zip(&self.fused).map(|(&graph, fused)| (graph, &fused.params[..]))
    }

    /// How many loops are programs over scalars of their own.
    pub fn scalar_loops(&self) -> usize {
        self.scalars.len()
    }

    /// The constants of the program, which every run shares.
    pub fn constants(&self) -> &[Value] {
        &self.consts
    }

    /// Number of primitive applications.
    pub fn sites(&self) -> usize {
        self.prims.len()
    }

    /// Number of instructions.
    pub fn instructions(&self) -> usize {
        self.code.len()
    }

    /// Every primitive application, in order of site.
    pub fn prims(&self) -> &[PrimInstr] {
        &self.prims
    }

    /// The code of a graph; `None` for the zero of a function type.
    #[inline]
    pub(super) fn function(&self, graph: GraphId) -> Option<&Function> {
        match self.functions.get(graph.0 as usize) {
            Some(function) => Some(function.as_ref().unwrap_or_else(|| panic!("{graph} was not lowered"))),
            None => None,
        }
    }
}
