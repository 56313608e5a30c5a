//! Fused graphs as block programs, and running them.

use adjudicate_kernels::fused::{Builder, Layout, Operand as Item, Operands, Outcome, Program, Scalar, Scratch, Val};
use adjudicate_kernels::{Elements, KernelError, index};
use indexmap::IndexMap;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::code::{Executable, Operand, Reg};
use super::domain::{Domain, ExecError};
use super::machine::Machine;
use super::slots::{EMPTY, is_scalar, put};
use crate::fusion::{Form, Region, Rep, Way, element};
use crate::graph::{Const, Graph, Node, NodeId, Op};
use crate::prims::Args;
use crate::span::Span;
use crate::value::Value;

/// A fused graph made ready.
#[derive(Debug)]
pub(super) struct Fused {
    pub(super) program: Program,
    /// By operand of the instruction, which are those of the program and then the places of rows: the parameter of the
    /// graph.
    pub(super) params: Vec<usize>,
    /// The first operands of the program, which are rows of what is given.
    pub(super) rows: Vec<Row>,
}

/// An operand of a program that is `x[i]`, read where it is.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Where `i` comes from.
    pub(super) place: At,
    /// How many elements it has, if it is an array.
    pub(super) len: Option<usize>,
    /// Of the expression, for an index out of range.
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Constant(i64),
    /// An operand of the instruction.
    Operand(usize),
}

/// A graph of elementwise operations as a block program, for whoever has its operands elsewhere than in registers: the
/// program, and by operand the parameter of the graph. `None` if its nodes do not make a region.
pub fn block_program(graph: &Graph) -> Option<(Program, Vec<usize>)> {
    let Fused { mut program, params, rows } = lower(graph)?;
    if !rows.is_empty() {
        return None;
    }
    program.retain_donors(|i| params.iter().filter(|&&p| p == params[usize::from(i)]).count() == 1);
    Some((program, params))
}

/// The program of a graph; `None` if its nodes do not make a region.
pub(super) fn lower(graph: &Graph) -> Option<Fused> {
    let is_member = |id: NodeId, node: &Node| matches!(node.op, Op::Prim(_)) && !graph.is_prim(id, "index");
    let nodes: Vec<(NodeId, &Node)> = graph.iter().filter(|&(id, node)| is_member(id, node)).collect();
    let mut region = Region::around(graph, nodes.first()?.0)?;
    let ways: Vec<Way> = nodes.iter().map(|(id, _)| region.join(graph, *id)).collect::<Option<_>>()?;
    let (rows, columns) = region.space();
    let mut lowering = Lowering {
        graph,
        scalar: region.scalar,
        b: Builder::new(rows, columns),
        vals: FxHashMap::default(),
        inputs: IndexMap::new(),
    };
    for ((_, node), way) in nodes.iter().zip(&ways) {
        for (&arg, &layout) in node.args.iter().zip(&way.operands).filter(|(arg, _)| graph.is_prim(**arg, "index")) {
            lowering.operand(arg, layout)?;
        }
    }
    for ((id, node), way) in nodes.iter().zip(&ways) {
        lowering.node(*id, node, way)?;
    }
    let ret = graph.node(graph.ret);
    let results = if ret.op == Op::Tuple { ret.args.to_vec() } else { vec![graph.ret] };
    for id in results {
        let at = nodes.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        lowering.result(id, &ways[at])?;
    }
    let is_row = |id: NodeId| graph.is_prim(id, "index");
    let Lowering { b, inputs, .. } = lowering;
    let param = |id: NodeId| if let Op::Param(i) = graph.node(id).op { Some(i as usize) } else { None };
    let given = inputs.keys().map(|&(id, _)| param(if is_row(id) { graph.node(id).args[0] } else { id }));
    let mut params: Vec<usize> = given.collect::<Option<_>>()?;
    let mut rows = Vec::new();
    for &(id, _) in inputs.keys().filter(|(id, _)| is_row(*id)) {
        let node = graph.node(id);
        let place = match graph.node(node.args[1]).op {
            Op::Const(Const::I64(i)) => At::Constant(i),
            _ => {
                params.push(param(node.args[1])?);
                At::Operand(params.len() - 1)
            }
        };
        let len = (!node.ty.shape().is_empty()).then(|| node.ty.size());
        rows.push(Row { place, len, span: node.span });
    }
    Some(Fused { program: b.finish(), params, rows })
}

struct Lowering<'g> {
    graph: &'g Graph,
    scalar: bool,
    b: Builder,
    vals: FxHashMap<NodeId, Val>,
    /// Parameters of the graph and rows of them as operands of the program, once for each way in which they lie in its
    /// space.
    inputs: IndexMap<(NodeId, Layout), Val>,
}

impl Lowering<'_> {
    fn operand(&mut self, id: NodeId, layout: Layout) -> Option<Val> {
        let node = self.graph.node(id);
        match &node.op {
            _ if matches!(node.op, Op::Param(_)) || self.graph.is_prim(id, "index") => {
                let layout = if self.scalar { Layout::Scalar } else { layout };
                let elem = element(&node.ty)?;
                let b = &mut self.b;
                Some(*self.inputs.entry((id, layout)).or_insert_with(|| b.input(elem, layout)))
            }
            Op::Const(Const::F64(x)) => Some(self.b.constant(Scalar::F64(*x))),
            Op::Const(Const::I64(x)) => Some(self.b.constant(Scalar::I64(*x))),
            Op::Const(Const::Bool(x)) => Some(self.b.constant(Scalar::Bool(*x))),
            _ => self.vals.get(&id).copied(),
        }
    }

    fn node(&mut self, id: NodeId, node: &Node, way: &Way) -> Option<()> {
        let args: SmallVec<[Val; 3]> =
            node.args.iter().zip(&way.operands).map(|(&a, &layout)| self.operand(a, layout)).collect::<Option<_>>()?;
        let from = self.graph.ty(node.args[0]);
        let size = if matches!(way.form, Form::Reduce(_)) { from.size() } else { node.ty.size() };
        let n = if self.scalar { 0 } else { size };
        let val = if way.rep == Rep::Sum { args[0] } else { way.form.build(&mut self.b, &args, from, n) };
        self.vals.insert(id, val);
        Some(())
    }

    fn result(&mut self, id: NodeId, way: &Way) -> Option<()> {
        let val = *self.vals.get(&id)?;
        let shape = self.graph.ty(id).shape();
        match way.rep {
            Rep::Full => self.b.store(val, shape, false),
            Rep::Column => self.b.store(val, shape, true),
            Rep::Sum if way.splits() => self.b.sum_rows(val, shape),
            Rep::Sum => self.b.sum_all(val, shape),
        }
        Some(())
    }
}

impl Fused {
    /// Whether an index may be out of range.
    pub(super) fn fails(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Lets results be written over operands that are at their last use and in a register of their own.
    pub(super) fn settle(&mut self, operands: &[Operand]) {
        self.program.retain_donors(|i| {
            let operand = operands[usize::from(i)];
            let held = operands.iter().filter(|o| !o.is_const() && o.index() == operand.index()).count();
            operand.is_last() && held == 1 && usize::from(i) >= self.rows.len()
        });
    }
}

/// The registers of a frame as a program's operands.
struct Held<'m> {
    regs: &'m mut [Value],
    consts: &'m [Value],
    operands: &'m [Operand],
    rows: &'m [Row],
    /// Where rows begin.
    starts: &'m [usize],
}

impl Held<'_> {
    #[inline(always)]
    fn value(&self, i: usize) -> &Value {
        let operand = self.operands[i];
        if operand.is_const() { &self.consts[operand.index()] } else { &self.regs[operand.index()] }
    }

    /// Where a row begins.
    #[inline(always)]
    fn start(&self, operand: usize, row: &Row) -> Result<usize, KernelError> {
        let place = match row.place {
            At::Constant(i) => i,
            At::Operand(i) => match self.value(i) {
                Value::I64(i) => *i,
                other => panic!("an integer was expected, not {other:?}"),
            },
        };
        let len = row.len.unwrap_or(1);
        match self.value(operand) {
            Value::Array(a, _) => index::row(a, place, len),
            Value::Ints(a) => index::row(a, place, len),
            Value::Bools(a) => index::row(a, place, len),
            other => panic!("an array was expected, not {other:?}"),
        }
    }

    /// Drops what is read for the last time; results that are single elements may stand there already.
    #[inline(always)]
    fn release(&mut self) {
        for operand in self.operands.iter().filter(|o| o.is_last()) {
            let slot = &mut self.regs[operand.index()];
            if !is_scalar(slot) {
                *slot = EMPTY;
            }
        }
    }
}

impl Operands for Held<'_> {
    #[inline(always)]
    fn operand(&self, i: usize) -> Item<'_> {
        let value = self.value(i);
        if let Some(of) = self.rows.get(i) {
            return row(value, self.starts[i], of.len);
        }
        match value {
            Value::Array(a, _) => Item::Floats(a.as_slice()),
            Value::Ints(a) => Item::Ints(a.as_slice()),
            Value::Bools(a) => Item::Bools(a.as_slice()),
            other => Item::Scalar(scalar(other)),
        }
    }

    #[inline]
    fn give(&mut self, i: usize) -> Option<Elements<f64>> {
        let slot = &mut self.regs[self.operands[i].index()];
        if !matches!(slot, Value::Array(a, _) if a.is_unique()) {
            return None;
        }
        if let Value::Array(a, _) = std::mem::replace(slot, EMPTY) { Some(a.into_elements()) } else { None }
    }
}

impl Machine {
    /// Runs a fused graph.
    #[inline]
    pub(super) fn fused<D: Domain>(
        &mut self,
        exe: &Executable,
        domain: &mut D,
        (base, at): (usize, usize),
        (program, args, results): (u32, u32, u32),
    ) -> Result<(), ExecError> {
        let fused = &exe.fused[program as usize];
        let operands = &exe.operands[args as usize..args as usize + fused.params.len()];
        let results = &exe.results[results as usize..results as usize + fused.program.outputs()];
        let regs = &mut self.regs[base..];
        if !D::COMPUTES
            && domain
                .region(program as usize, &Args::of_frame(regs, &exe.consts, operands))
                .map_err(|message| ExecError::new(exe.spans[at], message))?
        {
            for (i, &dst) in results.iter().enumerate() {
                put(&mut regs[dst.0 as usize], domain.region_result(i));
            }
            return Ok(());
        }
        fused.run(Frame { regs, consts: &exe.consts, operands, results }, &mut self.blocks, &mut self.rows)
    }
}

/// Where a program has its operands and results.
pub(super) struct Frame<'m> {
    pub(super) regs: &'m mut [Value],
    pub(super) consts: &'m [Value],
    pub(super) operands: &'m [Operand],
    pub(super) results: &'m [Reg],
}

impl Fused {
    /// Runs the program; `starts` is room for where rows begin.
    #[inline(always)]
    pub(super) fn run(&self, frame: Frame<'_>, blocks: &mut Scratch, starts: &mut Vec<usize>) -> Result<(), ExecError> {
        let fused = self;
        let Frame { regs, consts, operands, results } = frame;
        let mut held = Held { regs, consts, operands, rows: &fused.rows, starts: &[] };
        if !fused.rows.is_empty() {
            starts.clear();
            for (operand, row) in fused.rows.iter().enumerate() {
                let error = |e: KernelError| ExecError::new(row.span, e.to_string());
                starts.push(held.start(operand, row).map_err(error)?);
            }
            held.starts = starts;
        }
        if fused.program.is_scalar() {
            fused.program.run_scalars(blocks, |i| match held.operand(i) {
                Item::Scalar(x) => x,
                other => panic!("a single element was expected, not {other:?}"),
            });
            for (&dst, result) in results.iter().zip(fused.program.scalars(blocks)) {
                put(&mut held.regs[dst.0 as usize], single(result));
            }
            // Nothing else than an array of which a row was read has something to release.
            if !fused.rows.is_empty() {
                held.release();
            }
            return Ok(());
        }
        fused.program.run(&mut held, blocks);
        held.release();
        for (i, &dst) in results.iter().enumerate() {
            put(&mut held.regs[dst.0 as usize], value(fused.program.take(blocks, i)));
        }
        Ok(())
    }
}

/// A row of an array, or a single element if it has no length.
#[inline]
fn row(value: &Value, start: usize, len: Option<usize>) -> Item<'_> {
    match (value, len) {
        (Value::Array(a, _), Some(len)) => Item::Floats(&a.as_slice()[start..][..len]),
        (Value::Ints(a), Some(len)) => Item::Ints(&a.as_slice()[start..][..len]),
        (Value::Bools(a), Some(len)) => Item::Bools(&a.as_slice()[start..][..len]),
        (Value::Array(a, _), None) => Item::Scalar(Scalar::F64(a.as_slice()[start])),
        (Value::Ints(a), None) => Item::Scalar(Scalar::I64(a.as_slice()[start])),
        (Value::Bools(a), None) => Item::Scalar(Scalar::Bool(a.as_slice()[start])),
        (other, _) => panic!("an array was expected, not {other:?}"),
    }
}

#[inline(always)]
fn scalar(value: &Value) -> Scalar {
    match value {
        Value::F64(x, _) => Scalar::F64(*x),
        Value::I64(x) => Scalar::I64(*x),
        Value::Bool(x) => Scalar::Bool(*x),
        other => panic!("a tensor was expected, not {other:?}"),
    }
}

#[inline(always)]
fn single(result: Scalar) -> Value {
    match result {
        Scalar::F64(x) => Value::f64(x),
        Scalar::I64(x) => Value::I64(x),
        Scalar::Bool(x) => Value::Bool(x),
    }
}

#[inline(always)]
fn value(outcome: Outcome) -> Value {
    match outcome {
        Outcome::F64(x) => Value::f64(x),
        Outcome::Array(a) => Value::array(a),
        Outcome::Ints(a) => Value::ints(a),
        Outcome::Bools(a) => Value::bools(a),
    }
}
