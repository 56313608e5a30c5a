//! The statement-level Jacobian tape: operator overloading for code that computes with scalars. Arrays of floats may be data; one that is
//! made of numbers that may be active is refused.
//!
//! A statement of a program is one application of a primitive; in Rust it may be a whole [expression](expression). The tape holds the number of its active operands, 1
//! byte, and for each of those the partial derivative and the statement that it came from, 12 bytes; a
//! statement's own number is its place on the tape. So it is with the linear index tape of CoDiPack
//! (M. Sagebaum, T. Albring, N. R. Gauger, "High-performance derivative computations using CoDiPack",
//! ACM TOMS 45(4), 2019). The reverse sweep is a multiplication and an addition for each active operand.
//!
//! The strategy expands calls first, and runs operations that stand together as [regions](region): all values and partials of one
//! are computed by one program of the kernels, and then pushed.
//!
//! Partial derivatives are those of the primitives' rules, applied to the cotangent 1 and [staged](partials)
//! once per function. What is stored is numbers, so the tape itself cannot be differentiated: the route to higher
//! orders is to compute with numbers that are active on another tape. In Rust those are nested types
//! ([`Active`] over [`Active`]); the strategy keeps one [tape for each order](levels) at run time.

mod active;
mod expression;
mod levels;
mod nesting;
mod partials;
mod region;

use std::fmt;

use adjudicate_ir::datum::Layout;
use adjudicate_ir::exec::{Executable, Machine};
use adjudicate_ir::graph::{Graph, Module, Node, NodeId, Op, VjpSpec};
use adjudicate_ir::passes;
use adjudicate_ir::program::{Program, Request};
use adjudicate_ir::span::{Diagnostic, SourceMap, Span};
use adjudicate_ir::types::{Elem, Type};
use adjudicate_ir::value::Value;

use crate::compiled::Signature;
use crate::{Facts, PrepareError, Prepared, Refusal, RunError, Strategy, Watch};
use levels::Levels;

#[doc(hidden)]
pub use active::Item;
pub use active::{Active, Real, ScalarTape};
#[doc(hidden)]
pub use expression::{
    Binary, Bivariate, Difference, Expression, Factor, Formula, Negation, Number, Operation, Product, Quotient, Sink,
    Sum, Term, Unary,
};
#[doc(hidden)]
pub use partials::Function;

/// The strategy and its variant.
#[derive(Clone, Copy, Debug)]
pub struct ScalarTapeStrategy {
    name: &'static str,
    about: &'static str,
    regions: bool,
}

/// With operations that stand together as regions.
pub static SCALAR: ScalarTapeStrategy = ScalarTapeStrategy {
    name: "tape:scalar",
    about: "statement-level tape of partial derivatives, 12 bytes for each; only for programs that compute with scalars",
    regions: true,
};

/// With one operation after the other.
pub static UNFUSED: ScalarTapeStrategy = ScalarTapeStrategy {
    name: "tape:scalar:no-fusion",
    about: "the tape of scalar statements without regions: one operation after the other",
    regions: false,
};

impl Strategy for ScalarTapeStrategy {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }

    /// The strategy is less capable than `tape`; its variant expresses what the strategy does.
    fn is_as_capable(&self) -> bool {
        !self.regions
    }

    fn prepare_watched(
        &self,
        program: &Program,
        request: &Request,
        watch: Watch,
    ) -> Result<Box<dyn Prepared>, PrepareError> {
        let mut specialised = program.specialise(request).map_err(PrepareError::Program)?;
        watch("specialise", &specialised.module);
        passes::close(&mut specialised.module);
        watch("close", &specialised.module);
        let module = &specialised.module;
        let sources = &program.sources;
        let checked = nesting::check(module, sources).and_then(|()| check(module, sources));
        checked.map_err(|why| PrepareError::Refused(Refusal::new(*why, sources)))?;
        expand(&mut specialised.module, watch);
        if self.regions {
            passes::run_once(&mut specialised.module, passes::FUSE_SCALARS, watch);
        }
        let executable = Executable::new(&specialised.module);
        let levels = Levels::new(&executable, &specialised.module);
        let signature = Signature::new(program, &specialised);
        Ok(Box::new(Ready { executable, machine: Machine::new(), levels, signature }))
    }
}

/// A request made ready.
struct Ready {
    executable: Executable,
    machine: Machine,
    levels: Levels,
    signature: Signature,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("executable", &self.executable).finish_non_exhaustive()
    }
}

impl Prepared for Ready {
    fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, RunError> {
        self.signature.check(args)?;
        self.levels.reset();
        let result = self.executable.run_with(&mut self.machine, &mut self.levels, args);
        result.map_err(|error| self.signature.run_error(error))
    }

    fn output(&self) -> &Layout {
        self.signature.output()
    }

    fn facts(&self) -> Facts {
        Facts {
            tape_entries: Some(self.levels.peak_statements() as u64),
            tape_bytes: Some(self.levels.peak_bytes() as u64),
            residual_bytes: Some(0),
            closures_made: Some(self.machine.closures_made()),
        }
    }
}

/// Expands calls. A program too large for that keeps them.
fn expand(module: &mut Module, watch: Watch) {
    let expanded = passes::optimise(module, passes::EXPAND, watch);
    if expanded.is_err() {
        watch("calls are kept", module);
    }
}

/// Refuses a program that differentiates through an array of floats, at the innermost derivative that does.
fn check(module: &Module, sources: &SourceMap) -> Result<(), Box<Diagnostic>> {
    let nodes = module.reachable().into_iter().flat_map(|id| &module.graph(id).nodes);
    let derivatives: Vec<&VjpSpec> =
        nodes.filter_map(|node| if let Op::Vjp(spec) = &node.op { Some(spec) } else { None }).collect();
    derivatives.iter().rev().try_for_each(|spec| check_derivative(module, sources, spec))
}

fn check_derivative(module: &Module, sources: &SourceMap, spec: &VjpSpec) -> Result<(), Box<Diagnostic>> {
    let target = module.graph(spec.graph);
    let outside = [target.span, module.graph(module.entry).span];
    let by = spec.wrt.iter().map(|&i| target.ty(target.params[i as usize]));
    if let Some(array) = by.filter_map(array).next() {
        return Err(refusal(sources, &outside, "is differentiated by", array));
    }
    let mut seen = vec![false; module.graphs.len()];
    let mut work = vec![spec.graph];
    while let Some(id) = work.pop() {
        if std::mem::replace(&mut seen[id.0 as usize], true) {
            continue;
        }
        let graph = module.graph(id);
        let live = passes::live(graph);
        let active = active_numbers(graph);
        let nodes = || graph.iter().filter(|(at, _)| live[at.0 as usize]);
        for (at, node) in nodes() {
            let of_numbers = makes(node) && node.args.iter().any(|arg| active[arg.0 as usize]);
            let returned = id == spec.graph && is_result(graph, at);
            if (of_numbers || returned) && computed(node).is_some() {
                // What an expression computes comes last of what stands there.
                let there = nodes().filter(|(_, other)| other.span == node.span);
                let last = there.filter_map(|(_, node)| computed(node)).next_back();
                let places = [&[node.span, graph.span][..], &outside].concat();
                let array = last.expect("the node is one of them");
                return Err(refusal(sources, &places, "computes with", array));
            }
            work.extend(node.op.graphs());
        }
    }
    Ok(())
}

/// Whether a node is what a graph returns, or an item of that.
fn is_result(graph: &Graph, at: NodeId) -> bool {
    let ret = graph.node(graph.ret);
    if ret.op == Op::Tuple { ret.args.contains(&at) } else { at == graph.ret }
}

/// Whether a node makes something of its operands, rather than to hand on what was made elsewhere.
fn makes(node: &Node) -> bool {
    matches!(node.op, Op::Prim(_) | Op::Vjp(_))
}

/// By node of a graph, whether it is a number that may be active: one that does not come from constants, integers and arrays
/// alone. Arrays never are, as one that is made of such a number is refused; but one of a single element may be the derivative for a
/// seed.
fn active_numbers(graph: &Graph) -> Vec<bool> {
    let mut active = vec![false; graph.nodes.len()];
    for (id, node) in graph.iter() {
        let is_inert = match &node.op {
            Op::Const(_) | Op::Zero => true,
            Op::Prim(_) => !node.args.iter().any(|arg| active[arg.0 as usize]),
            _ => matches!(&node.ty, Type::Tensor(_, shape) if shape.iter().product::<usize>() != 1),
        };
        active[id.0 as usize] = !is_inert && node.ty.is_differentiable();
    }
    active
}

/// The array of floats that a node computes.
fn computed(node: &Node) -> Option<&Type> {
    array(&node.ty).filter(|array| !is_seed(node, array))
}

/// Whether an array of one float is the seed of an inner derivative, or a cotangent for such a seed.
fn is_seed(node: &Node, array: &Type) -> bool {
    let seeds = match &node.op {
        Op::Zero | Op::Get(_) => true,
        Op::Vjp(spec) => spec.seeds == Some(1),
        Op::Prim(prim) => prim.def.name == "units",
        _ => false,
    };
    seeds && array.size() == 1
}

/// An array of floats in a type.
fn array(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Tensor(Elem::F64, shape) => (!shape.is_empty()).then_some(ty),
        Type::Tuple(items) => items.iter().find_map(array),
        Type::Stack(item) => array(item),
        Type::Tensor(Elem::I64 | Elem::Bool, _) | Type::Fn(_) | Type::Env | Type::Unknown => None,
    }
}

fn refusal(sources: &SourceMap, places: &[Span], does: &str, array: &Type) -> Box<Diagnostic> {
    let (span, function) = sources.subject(places);
    let message =
        format!("{function} {does} an array of floats, {array}, which a tape of scalar statements cannot express");
    Box::new(Diagnostic::new(span, message).help("write it with float scalars, or use the strategy `tape`"))
}
