//! What is kept from the forward for the backward pass.
//!
//! A program that was optimised as a whole has no boundary between the two. So it is found out on a
//! copy in which the backward pass of the outermost derivative stands behind a branch that nobody can
//! decide beforehand:
//!
//! ```text
//! r… = forward(x…);  if again: backward(r…, dy…) else: zeros
//! ```
//!
//! What the optimiser leaves of the operands of that branch is what is kept. The copy is run up to
//! there, and the bytes of the arrays among them are counted, each buffer once and those of the
//! program's own constants not at all; the tape counts what it keeps in the same way. A program in which
//! derivatives stand elsewhere than once at its top has no such place.

use adjudicate_ir::builder::Builder;
use adjudicate_ir::exec::{ExecError, Executable, Machine, Plain};
use adjudicate_ir::graph::{Args, Graph, GraphId, Module, Node, NodeId, Op, VjpSpec};
use adjudicate_ir::passes::{self, live};
use adjudicate_ir::span::SourceMap;
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;
use rustc_hash::FxHashSet;

use crate::optimiser::Optimiser;

/// A copy of a program that ends where the backward pass would begin.
#[derive(Debug)]
pub(crate) struct Kept {
    executable: Executable,
    /// Types of the parameters that come after those of the program.
    added: Vec<Type>,
}

/// The derivative of a program that has one, at its top, and none anywhere else.
pub(crate) fn outermost(module: &Module) -> Option<(NodeId, VjpSpec)> {
    let mut found = Vec::new();
    for id in module.reachable() {
        for (node, n) in module.graph(id).iter() {
            if let Op::Vjp(spec) = &n.op {
                found.push((id, node, spec.clone()));
            }
        }
    }
    match <[_; 1]>::try_from(found) {
        Ok([(id, node, spec)]) if id == module.entry => Some((node, spec)),
        _ => None,
    }
}

/// A program that ends with the backward pass: the cotangents are parameters after its own.
pub(crate) struct Parted {
    graph: Graph,
    /// How many nodes stand before the backward pass.
    mark: usize,
    cotangents: Vec<Type>,
}

impl Parted {
    /// The program up to a derivative; `make` is given the operands of that and the cotangents, and puts the
    /// forward nodes, then the backward nodes; it says how many there were in between.
    pub(crate) fn new(
        program: &Graph,
        derivative: NodeId,
        cotangents: Vec<Type>,
        make: impl FnOnce(Builder, &[NodeId], &[NodeId]) -> (Graph, usize),
    ) -> Self {
        let mut b = Builder::new(&program.name, program.span);
        let params: Vec<NodeId> = program.param_types().into_iter().map(|ty| b.param(ty)).collect();
        let dy: Vec<NodeId> = cotangents.iter().map(|ty| b.param(ty.clone())).collect();
        let mut map: Vec<NodeId> = Vec::new();
        for (_, node) in program.iter().take(derivative.0 as usize) {
            let args: Vec<NodeId> = node.args.iter().map(|a| map[a.0 as usize]).collect();
            map.push(match node.op {
                Op::Param(i) => params[i as usize],
                _ => b.emit(node.op.clone(), &args, node.ty.clone()),
            });
        }
        let operands: Vec<NodeId> = program.node(derivative).args.iter().map(|a| map[a.0 as usize]).collect();
        let (graph, mark) = make(b, &operands, &dy);
        Self { graph, mark, cotangents }
    }
}

/// A program before its outermost derivative is expanded.
#[derive(Debug)]
pub(crate) struct Unparted {
    pub(crate) module: Module,
    pub(crate) optimiser: Optimiser,
    /// How the strategy expands that derivative.
    pub(crate) part: fn(&mut Module) -> Option<Parted>,
}

impl Unparted {
    /// The copy that ends where the backward pass would begin.
    pub(crate) fn kept(mut self, sources: &SourceMap) -> Option<Kept> {
        let Parted { graph, mark, cotangents } = (self.part)(&mut self.module)?;
        let own = graph.params.len() - cotangents.len();
        let mut module = self.module;
        module.entry = behind_a_branch(&mut module, &graph, mark);
        passes::compact(&mut module);
        self.optimiser.run(&mut module, sources, None, &mut |_, _| {}).ok()?;
        let flag = (own + cotangents.len()) as u32;
        let end = up_to_the_branch(module.graph(module.entry), own, flag)?;
        let entry = module.entry;
        module.graphs[entry.0 as usize] = end;
        passes::compact(&mut module);
        passes::check(&module, "parting forward and backward");
        let added = cotangents.into_iter().chain([Type::bool()]).collect();
        Some(Kept { executable: Executable::new(&module), added })
    }
}

/// The graph with the operands of the branch on a parameter for a result, but for what comes after the program's own
/// parameters.
fn up_to_the_branch(entry: &Graph, own: usize, flag: u32) -> Option<Graph> {
    let param = |id: NodeId| match entry.node(id).op {
        Op::Param(i) => Some(i),
        _ => None,
    };
    let is_it = |node: &Node| matches!(node.op, Op::If(..)) && param(node.args[0]) == Some(flag);
    let (at, branch) = entry.iter().find(|(_, node)| is_it(node))?;
    let is_own = |a: &NodeId| param(*a).is_none_or(|i| (i as usize) < own);
    let args: Args = branch.args[1..].iter().copied().filter(is_own).collect();
    let ty = Type::tuple(args.iter().map(|&a| entry.ty(a).clone()).collect::<Vec<_>>());
    let mut end = entry.clone();
    end.nodes.truncate(at.0 as usize);
    end.nodes.push(Node { op: Op::Tuple, args, ty, span: entry.span });
    end.ret = at;
    Some(end)
}

impl Kept {
    /// Bytes of the arrays that are kept for these arguments.
    pub(crate) fn bytes(&self, args: &[Value]) -> Result<u64, ExecError> {
        let added = self.added.iter().map(Value::zero);
        let all: Vec<Value> = args.iter().cloned().chain(added).collect();
        let values = self.executable.run(&mut Machine::new(), &mut Plain, all)?;
        let mut seen = FxHashSet::default();
        bytes(self.executable.constants().to_vec(), &mut seen);
        Ok(bytes(values, &mut seen))
    }
}

/// The graph with its nodes from `mark` on behind a branch on a further parameter.
fn behind_a_branch(module: &mut Module, graph: &Graph, mark: usize) -> GraphId {
    let live = live(graph);
    let is_backward = |id: NodeId| id.0 as usize >= mark;
    let is_constant = |id: NodeId| matches!(graph.node(id).op, Op::Const(_) | Op::Zero);
    let mut crossing: Vec<NodeId> = Vec::new();
    for (_, node) in graph.iter().filter(|(id, _)| is_backward(*id) && live[id.0 as usize]) {
        for &a in node.args.iter().filter(|&&a| !is_backward(a) && !is_constant(a)) {
            if !crossing.contains(&a) {
                crossing.push(a);
            }
        }
    }
    let types: Vec<Type> = crossing.iter().map(|&id| graph.ty(id).clone()).collect();
    let mut back = Builder::new("backward", graph.span);
    let mut places: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    for (&id, ty) in crossing.iter().zip(&types) {
        places[id.0 as usize] = Some(back.param(ty.clone()));
    }
    for (id, node) in graph.iter() {
        let wanted = is_constant(id) || is_backward(id) && live[id.0 as usize];
        if wanted && places[id.0 as usize].is_none() {
            let args: Vec<NodeId> =
                node.args.iter().map(|a| places[a.0 as usize].expect("it crosses or was made")).collect();
            places[id.0 as usize] = Some(back.emit(node.op.clone(), &args, node.ty.clone()));
        }
    }
    let back = module.add(back.finish(places[graph.ret.0 as usize].expect("a result of the backward pass")));
    let mut none = Builder::new("none", graph.span);
    types.iter().for_each(|ty| {
        none.param(ty.clone());
    });
    let ret = none.zero(graph.result_type().clone());
    let none = module.add(none.finish(ret));
    let mut b = Builder::new(&graph.name, graph.span);
    let params: Vec<NodeId> = graph.param_types().into_iter().map(|ty| b.param(ty)).collect();
    let flag = b.param(Type::bool());
    let mut forward = graph.clone();
    forward.nodes.truncate(mark);
    let mut map: Vec<NodeId> = Vec::with_capacity(mark);
    for (_, node) in forward.iter() {
        let args: Vec<NodeId> = node.args.iter().map(|a| map[a.0 as usize]).collect();
        map.push(match node.op {
            Op::Param(i) => params[i as usize],
            _ => b.emit(node.op.clone(), &args, node.ty.clone()),
        });
    }
    let operands: Vec<NodeId> = std::iter::once(flag).chain(crossing.iter().map(|a| map[a.0 as usize])).collect();
    let made = b.emit(Op::If(back, none), &operands, graph.result_type().clone());
    let ret = b.tuple(&[made]);
    module.add(b.finish(ret))
}

/// Bytes of the arrays in some values whose buffers have not been seen.
fn bytes(values: Vec<Value>, seen: &mut FxHashSet<usize>) -> u64 {
    let mut total = 0;
    let mut work = values;
    // What has been seen stays alive: an address that is free could be given out again.
    let mut held = Vec::new();
    while let Some(value) = work.pop() {
        let (at, bytes) = match &value {
            Value::Array(a, _) => (a.as_slice().as_ptr() as usize, size_of_val(a.as_slice())),
            Value::Ints(a) => (a.as_slice().as_ptr() as usize, size_of_val(a.as_slice())),
            Value::Bools(a) => (a.as_slice().as_ptr() as usize, size_of_val(a.as_slice())),
            Value::Tuple(fields) | Value::Closure(_, fields) | Value::Env(Some(fields)) => {
                work.extend(fields.as_slice().iter().cloned());
                continue;
            }
            Value::Stack(stack) => {
                work.extend(stack.to_vec());
                continue;
            }
            Value::F64(..) | Value::I64(_) | Value::Bool(_) | Value::Env(None) => continue,
        };
        if bytes > 0 && seen.insert(at) {
            total += bytes as u64;
        }
        held.push(value);
    }
    total
}
