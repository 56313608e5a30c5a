//! Rules of elementwise operations as single kernels.
//!
//! A rule whose steps make one region is run as one block program, which also adds what is contributed to the
//! cotangents that are there: for a product of two arrays one kernel and not four. Which contributions are wanted, and
//! which meet a cotangent, differs from entry to entry; there is a program for each [`Case`] that occurs. The sweep that is
//! recorded does without: every operation has to be an entry of its own.

use adjudicate_ir::exec::block_program;
use adjudicate_ir::exec::slots::put;
use adjudicate_ir::fusion::{Form, form};
use adjudicate_ir::graph::{Args, Graph, Node, NodeId, Op};
use adjudicate_ir::prims::{self, Attrs, Prim};
use adjudicate_ir::types::Type;
use adjudicate_ir::value::{Mark, Value};
use adjudicate_kernels::Elements;
use adjudicate_kernels::fused::{Operand, Operands, Outcome, Program, Scalar, Scratch};

use super::stage::{Rule, pruned};
use super::store::Kept;
use super::sweep::NOTHING;

/// What becomes of each contribution of a rule: two bits by output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Case(u32);

/// What becomes of one contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nobody wants it, or the rule does not compute it.
    None,
    /// It is handed out.
    Alone,
    /// It is added to what is there.
    Added,
}

impl Case {
    /// The most outputs that a case tells apart.
    pub(super) const OUTPUTS: usize = 16;

    /// The contribution of an output is wanted; `added` says whether it meets a cotangent.
    pub(super) fn want(&mut self, output: usize, added: bool) {
        self.0 |= (1 + u32::from(added)) << (2 * output);
    }

    fn part(self, output: usize) -> Part {
        match self.0 >> (2 * output) & 3 {
            0 => Part::None,
            1 => Part::Alone,
            _ => Part::Added,
        }
    }
}

/// Where an operand of a kernel is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Cotangent,
    /// A number that the entry keeps, and which.
    Number(u32),
    /// Something else that it keeps.
    Array(u32),
    /// The cotangent of a link of the entry.
    Old(u32),
}

/// A rule as one kernel, for one case.
#[derive(Debug)]
pub(super) struct Kernel {
    program: Program,
    sources: Box<[Source]>,
    /// By result: the output of the rule, and whether it was added already.
    pub(super) results: Box<[(u32, bool)]>,
}

impl Kernel {
    /// `None` if the rule is no region.
    pub(super) fn new(rule: &Rule, case: Case) -> Option<Kernel> {
        let parts: Vec<Part> = (0..rule.outputs.len()).map(|i| case.part(i)).collect();
        // A sum over rows or of everything ends a region: it is added afterwards, if need be all are.
        let full = rule.graph.params.first().map(|&dy| rule.graph.ty(dy));
        let adds: [&dyn Fn(&Type) -> bool; 3] = [&|_| true, &|ty| Some(ty) == full, &|_| false];
        adds.into_iter().find_map(|adds| Kernel::adding(rule, &parts, adds))
    }

    /// The kernel that adds contributions of the types that `adds` says, if they are to be added.
    fn adding(rule: &Rule, parts: &[Part], adds: &dyn Fn(&Type) -> bool) -> Option<Kernel> {
        let mut graph: Graph = (*rule.graph).clone();
        let mut sources = of_params(rule);
        let contributions = graph.node(graph.ret).args.clone();
        let (mut results, mut ends) = (Vec::new(), Args::new());
        for (i, (&part, &contribution)) in parts.iter().zip(&contributions).enumerate() {
            let ty = graph.ty(contribution).clone();
            let added = part == Part::Added && adds(&ty);
            if part == Part::None {
                continue;
            } else if added {
                let old = push(&mut graph, Op::Param(sources.len() as u32), Args::new(), &ty);
                graph.params.push(old);
                sources.push(Source::Old(rule.outputs[i].link));
                let add = Op::Prim(Prim { def: &prims::ADD, attrs: Attrs::new() });
                ends.push(push(&mut graph, add, Args::from_slice(&[old, contribution]), &ty));
            } else if is_shared(&graph, contribution) {
                return None;
            } else {
                ends.push(contribution);
            }
            results.push((i as u32, added));
        }
        let ty = Type::Tuple(ends.iter().map(|&end| graph.ty(end).clone()).collect());
        graph.ret = push(&mut graph, Op::Tuple, ends, &ty);
        let (graph, params) = pruned(&graph);
        let (program, operands) = block_program(&graph)?;
        let sources = operands.iter().map(|&operand| sources[params[operand] as usize]).collect();
        Some(Kernel { program, sources, results: results.into() })
    }

    /// Runs the kernel; [`Kernel::put`] then hands out the results.
    #[inline]
    pub(super) fn run(&self, scratch: &mut Scratch, held: Held<'_>) {
        let mut operands = Sourced { sources: &self.sources, held };
        if self.program.is_scalar() {
            return self.program.run_scalars(scratch, |i| match operands.operand(i) {
                Operand::Scalar(x) => x,
                other => panic!("a single element was expected, not {other:?}"),
            });
        }
        self.program.run(&mut operands, scratch);
    }

    /// Puts a result of the last run, which was of this kernel, into a slot.
    #[inline]
    pub(super) fn put(&self, scratch: &mut Scratch, i: usize, slot: &mut Value) {
        if self.program.is_scalar() {
            return match self.program.scalar(scratch, i) {
                Scalar::F64(x) => put(slot, Value::f64(x)),
                other => panic!("a cotangent is a float, not {other:?}"),
            };
        }
        match self.program.take(scratch, i) {
            Outcome::F64(x) => put(slot, Value::f64(x)),
            Outcome::Array(a) => put(slot, Value::array(a)),
            other => panic!("a cotangent is of floats, not {other:?}"),
        }
    }
}

fn push(graph: &mut Graph, op: Op, args: Args, ty: &Type) -> NodeId {
    let span = graph.span;
    graph.nodes.push(Node { op, args, ty: ty.clone(), span });
    NodeId(graph.nodes.len() as u32 - 1)
}

/// Where the parameters of a rule's graph are found.
fn of_params(rule: &Rule) -> Vec<Source> {
    let (mut numbers, mut arrays) = (0, 0);
    let kept = rule.operands.iter().chain(&rule.result).map(|read| {
        let next = if read.scalar { &mut numbers } else { &mut arrays };
        *next += 1;
        if read.scalar { Source::Number(*next - 1) } else { Source::Array(*next - 1) }
    });
    rule.reads_cotangent.then_some(Source::Cotangent).into_iter().chain(kept).collect()
}

/// Whether a node has the elements of a parameter, which are shared and not copied.
fn is_shared(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    match &node.op {
        Op::Param(_) => true,
        Op::Prim(prim) => {
            let types: Vec<&Type> = node.args.iter().map(|&a| graph.ty(a)).collect();
            form(prim, &types, &node.ty) == Some(Form::Same) && is_shared(graph, node.args[0])
        }
        _ => false,
    }
}

/// What an entry has for its kernel: the cotangents of the sweep, what it keeps, and its operands.
pub(super) struct Held<'s> {
    pub(super) cotangents: &'s mut [Value],
    /// Its own among the cotangents.
    pub(super) own: usize,
    /// Whether its own is asked for afterwards.
    pub(super) keep: bool,
    /// The first mark of the sweep.
    pub(super) start: usize,
    pub(super) links: &'s [Mark],
    pub(super) numbers: &'s [f64],
    pub(super) arrays: &'s mut [Kept],
}

struct Sourced<'s> {
    sources: &'s [Source],
    held: Held<'s>,
}

impl Sourced<'_> {
    fn place(&self, link: u32) -> usize {
        self.held.links[link as usize].0 as usize - self.held.start - 1
    }
}

impl Operands for Sourced<'_> {
    #[inline]
    fn operand(&self, i: usize) -> Operand<'_> {
        let value = match self.sources[i] {
            Source::Cotangent => &self.held.cotangents[self.held.own],
            Source::Old(link) => &self.held.cotangents[self.place(link)],
            Source::Number(at) => return Operand::Scalar(Scalar::F64(self.held.numbers[at as usize])),
            Source::Array(at) => return self.held.arrays[at as usize].operand(),
        };
        match value {
            Value::Array(a, _) => Operand::Floats(a.as_slice()),
            Value::F64(x, _) => Operand::Scalar(Scalar::F64(*x)),
            other => panic!("a cotangent is of floats, not {other:?}"),
        }
    }

    #[inline]
    fn give(&mut self, i: usize) -> Option<Elements<f64>> {
        let at = match self.sources[i] {
            Source::Cotangent if self.held.keep => return None,
            Source::Cotangent => self.held.own,
            Source::Old(link) => self.place(link),
            Source::Array(at) => return self.held.arrays[at as usize].take_unique(),
            Source::Number(_) => return None,
        };
        let slot = &mut self.held.cotangents[at];
        if !matches!(slot, Value::Array(a, _) if a.is_unique()) {
            return None;
        }
        if let Value::Array(a, _) = std::mem::replace(slot, NOTHING) { Some(a.into_elements()) } else { None }
    }
}
