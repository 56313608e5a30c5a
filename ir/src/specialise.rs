//! From source graphs to specialised graphs: one typed copy of a function per signature.
//!
//! The specialiser interprets source graphs on abstract values ([`value::Val`]) and emits typed
//! nodes as it goes. Structures exist only here: a function takes and returns the *leaves* of its
//! arguments and result. A function that is known is called directly, its captures first; one of
//! several known functions is an integer and the captures of all, called through `if`. Only where
//! functions of one code are captured in one another without a bound do they become function
//! values, made by `closure` and called by `apply` ([`classes`], [`functions`]).
//!
//! A copy ([`instance`]) is made per signature: the function, the types of what it captures and of
//! its arguments, and the integers that a shape needs ([`origin`]). Recursion is inferred to a
//! fixed point: the result of a call in progress is first unknown, then what the other paths
//! return, until it no longer changes. Branches and loops ([`control`]) are graphs of their own
//! whose free variables become operands. Derivatives ([`derive`]) become [`Op::Vjp`] nodes.
//!
//! What must hold: the result passes [`verify`](crate::verify); nothing depends on hash order;
//! errors point at the model file, never into the library.

pub(crate) mod builtins;
mod classes;
mod control;
mod derive;
mod free;
mod functions;
mod instance;
mod leaves;
mod nesting;
mod origin;
mod value;
mod vmap;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::graph::{Const, GraphId, Module, NodeId, Op, Stage};
use crate::program::{Ask, Program, ProgramError, Request, Specialised};
use crate::span::{Diagnostic, Span};

use classes::Classes;
use free::FreeVariables;
use instance::{Active, FnCx, Instance, Key};
use origin::{Origin, Source};
use value::{Func, Val, Wrt};

/// Why specialisation of a function stops.
#[derive(Debug)]
enum Stop {
    /// The program is wrong.
    Error(Box<Diagnostic>),
    /// A new mark was made: start again.
    Restart,
}

type Res<T> = Result<T, Stop>;

/// What attempts have found out: what must be static or unrolled, for loops why; loops in which
/// functions grow, and those of them that stay loops; and the functions known only at run time.
#[derive(Debug, Default)]
struct Marks {
    sources: BTreeMap<Source, Option<Diagnostic>>,
    growing: BTreeSet<Source>,
    rolled: BTreeSet<Source>,
    classes: Classes,
}

struct Cx<'p> {
    program: &'p Program,
    src: &'p Module,
    free: &'p FreeVariables,
    marks: &'p mut Marks,
    request: &'p Request,
    out: Module,
    instances: FxHashMap<Key, Instance>,
    active: Vec<Active>,
    provisional: Vec<(Key, usize)>,
    functions: Vec<FnCx>,
    frames_made: u32,
    needed: FxHashMap<GraphId, std::rc::Rc<Vec<NodeId>>>,
    /// Graphs to be batched when everything is specialised.
    pending: Vec<vmap::Pending>,
    /// What the next gradient is taken for.
    purpose: derive::Purpose,
    span: Span,
}

/// Marks can be made at most this often before something is wrong with the program.
const MAX_RESTARTS: usize = 1000;

/// Specialises a request on a program.
pub(crate) fn specialise(program: &Program, request: &Request) -> Result<Specialised, ProgramError> {
    let free = FreeVariables::of_module(&program.module, &[program.top, program.library]);
    let mut marks = Marks::default();
    let fail = |d: Diagnostic| ProgramError { diagnostics: vec![d], sources: program.sources.clone() };
    let mut last = Span::default();
    for _ in 0..MAX_RESTARTS {
        let mut cx = Cx {
            program,
            src: &program.module,
            free: &free,
            marks: &mut marks,
            request,
            out: Module::empty(Stage::Specialised),
            instances: FxHashMap::default(),
            active: Vec::new(),
            provisional: Vec::new(),
            functions: Vec::new(),
            frames_made: 0,
            needed: FxHashMap::default(),
            pending: Vec::new(),
            purpose: derive::Purpose::default(),
            span: Span::default(),
        };
        match cx.entry() {
            Ok(done) => return Ok(done),
            Err(Stop::Restart) => last = cx.span,
            Err(Stop::Error(diagnostic)) => return Err(fail(*diagnostic)),
        }
    }
    let message = "specialisation does not end: each attempt finds more here that must be known beforehand";
    Err(fail(Diagnostic::new(last, message).help("let fewer numbers decide which functions and shapes there are")))
}

impl Cx<'_> {
    fn error<T>(&self, message: impl Into<String>) -> Res<T> {
        Err(Stop::Error(Box::new(Diagnostic::new(self.span, message))))
    }

    fn error_help<T>(&self, message: impl Into<String>, help: impl Into<String>) -> Res<T> {
        Err(Stop::Error(Box::new(Diagnostic::new(self.span, message).help(help))))
    }

    /// Makes what a value depends on known in the next attempt, or says that it cannot be.
    fn need_known<T>(&mut self, origin: &Origin, what: &str) -> Res<T> {
        if let Origin::From(sources) = origin {
            let before = self.marks.sources.len();
            for source in sources.iter() {
                self.marks.sources.entry(source.clone()).or_insert(None);
            }
            if self.marks.sources.len() > before {
                return Err(Stop::Restart);
            }
        }
        self.error_help(
            format!("{what} must be known before the program runs, but it depends on run-time data"),
            "take it from a literal, a shape, a `range` or an integer argument",
        )
    }

    /// Makes what a value depends on known in the next attempt, or says why it should be. What it depends on remembers that:
    /// if it cannot be made known either, then this is still what is wrong.
    fn known_or<T>(&mut self, origin: &Origin, why: Diagnostic) -> Res<T> {
        if let Origin::From(sources) = origin {
            let before = self.marks.sources.len();
            for source in sources.iter() {
                self.marks.sources.entry(source.clone()).or_insert_with(|| Some(why.clone()));
            }
            if self.marks.sources.len() > before {
                return Err(Stop::Restart);
            }
        }
        Err(Stop::Error(Box::new(why)))
    }

    /// A known integer, or a restart in which it is known.
    fn known_int(&mut self, value: &Val, what: &str) -> Res<i64> {
        match value {
            Val::Int(n) => Ok(*n),
            Val::Bool(b) => Ok(i64::from(*b)),
            Val::Leaf(leaf) if leaf.ty == crate::types::Type::i64() => {
                let origin = leaf.origin.clone();
                self.need_known(&origin, what)
            }
            other => self.error(format!("{what} must be an integer, not {}", other.abs())),
        }
    }

    /// A known boolean, or a restart in which it is known.
    fn known_bool(&mut self, value: &Val, what: &str) -> Res<bool> {
        match value {
            Val::Bool(b) => Ok(*b),
            Val::Int(n) => Ok(*n != 0),
            Val::Leaf(leaf) if leaf.ty.shape().is_empty() => {
                let origin = leaf.origin.clone();
                self.need_known(&origin, what)
            }
            other => self.error(format!("{what} must be a boolean, not {}", other.abs())),
        }
    }

    /// The whole module: an entry graph over the leaves of the request's arguments.
    fn entry(&mut self) -> Res<Specialised> {
        let node = self.entry_node()?;
        self.push_function("main", self.span);
        let args = self.entry_arguments();
        let function = self.entry_function(node)?;
        self.span = self.function_span(&function);
        let result = self.ask(function, args)?;
        if result.has_bottom() {
            return self.error("this function never returns");
        }
        let layout = self.layout(&result)?;
        let abs = Self::as_output(&result);
        let leaves = self.flatten(&result, &abs)?;
        let nodes: Vec<NodeId> = leaves.iter().map(|(node, _)| *node).collect();
        let mut function = self.functions.pop().expect("the entry's context");
        let mut builder = function.frames.pop().expect("the entry's frame").builder;
        let ret = builder.tuple(&nodes);
        let graph = builder.finish(ret);
        self.out.entry = self.out.add(graph);
        self.resolve_lanes()?;
        let mut module = std::mem::replace(&mut self.out, Module::empty(Stage::Specialised));
        crate::passes::compact(&mut module);
        Ok(Specialised { module, output: layout, fixed: self.fixed_arguments() })
    }

    /// The node of the function that the request names. The checks of the top level are made.
    fn entry_node(&mut self) -> Res<NodeId> {
        let top = self.src.graph(self.program.top);
        let Some(node) = self.program.global(&self.request.entry) else {
            let known: Vec<String> = self.program.functions().iter().map(|s| format!("`{s}`")).collect();
            let message = format!("there is no function `{}` in this file", self.request.entry);
            return self.error_help(message, format!("it has {}", known.join(", ")));
        };
        self.span = match top.node(node).op {
            Op::Fn(graph) => self.src.graph(graph).span,
            _ => top.node(node).span,
        };
        self.push_function("top", self.span);
        let sound = |check| self.program.faults.reached(self.src, self.program.top, check).is_empty();
        for &check in self.free.checks(self.program.top) {
            if matches!(top.node(check).op, Op::Apply(_)) && sound(check) {
                self.eval_top(self.program.top, check)?;
            }
        }
        self.functions.pop();
        Ok(node)
    }

    /// The function that the request names, as a value. What it captures and its defaults are
    /// computed where they are used, in the entry graph.
    fn entry_function(&mut self, node: NodeId) -> Res<Val> {
        match self.eval_top(self.program.top, node)? {
            function @ Val::Func(_) => Ok(function),
            other => self.error(format!("`{}` is not a function but {}", self.request.entry, other.abs())),
        }
    }

    fn function_span(&self, function: &Val) -> Span {
        match function {
            Val::Func(f) => match &**f {
                Func::Graph { graph, .. } => self.src.graph(*graph).span,
                _ => self.span,
            },
            _ => self.span,
        }
    }

    fn entry_arguments(&mut self) -> Vec<Val> {
        let mut integers = 0;
        let arguments = self.request.arguments.clone();
        arguments.iter().map(|layout| self.entry_value(layout, &mut integers)).collect()
    }

    /// Integer leaves that were made known, as (leaf index, value).
    fn fixed_arguments(&self) -> Vec<(usize, i64)> {
        let types: Vec<_> = self.request.arguments.iter().flat_map(|l| l.leaves()).collect();
        let integer = |ty: &crate::types::Type| *ty == crate::types::Type::i64();
        let positions = types.iter().enumerate().filter(|(_, ty)| integer(ty)).map(|(i, _)| i);
        let known = positions.enumerate().filter(|(k, _)| self.marks.sources.contains_key(&Source::Entry(*k)));
        known.map(|(k, leaf)| (leaf, self.request.integers[k])).collect()
    }

    /// Calls the function as the request asks.
    fn ask(&mut self, function: Val, args: Vec<Val>) -> Res<Val> {
        let wrt = match &self.request.wrt[..] {
            [one] => Wrt::One(*one),
            many => Wrt::Many(many.to_vec()),
        };
        match self.request.ask {
            Ask::Value => self.call(&function, args, Vec::new()),
            ask => self.ask_derivative(ask, wrt, function, args),
        }
    }

    /// Evaluates a graph whose parameters and free variables are in the environment.
    fn eval_graph(&mut self, graph: GraphId) -> Res<Val> {
        for &id in self.needed(graph).iter() {
            let value = self.eval_node(graph, id)?;
            self.function().env.insert((graph, id), value);
        }
        let ret = self.src.graph(graph).ret;
        Ok(self.env(graph, ret))
    }

    /// The nodes that the return node and the checks need, nested graphs included, in order; no
    /// parameters.
    fn needed(&mut self, graph: GraphId) -> std::rc::Rc<Vec<NodeId>> {
        if let Some(known) = self.needed.get(&graph) {
            return known.clone();
        }
        let table = self.src.graph(graph);
        let mut seen = vec![false; table.nodes.len()];
        let mut work = vec![table.ret];
        work.extend(self.free.checks(graph));
        while let Some(id) = work.pop() {
            if std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            let node = table.node(id);
            work.extend(node.args.iter().copied());
            for nested in node.op.graphs() {
                work.extend(self.free.of(nested).iter().filter(|(g, _)| *g == graph).map(|(_, n)| *n));
            }
        }
        let order = table.iter().filter(|(id, node)| seen[id.0 as usize] && !matches!(node.op, Op::Param(_)));
        let order = std::rc::Rc::new(order.map(|(id, _)| id).collect::<Vec<_>>());
        self.needed.insert(graph, order.clone());
        order
    }

    fn eval_node(&mut self, graph: GraphId, id: NodeId) -> Res<Val> {
        let src = self.src;
        let node = src.graph(graph).node(id);
        self.set_span(node.span);
        let args: Vec<Val> = match &node.op {
            Op::If(..) => Vec::new(),
            _ => node.args.iter().map(|&a| self.env(graph, a)).collect(),
        };
        match &node.op {
            Op::Const(c) => Ok(constant(c)),
            Op::Outer(g, n) if self.is_top(*g) => self.eval_top(*g, *n),
            Op::Outer(g, n) => Ok(self.env(*g, *n)),
            Op::If(then, other) => {
                let cond = self.env(graph, node.args[0]);
                let (then, other) = (*then, *other);
                self.branch(&cond, Some((then, other)), |cx| cx.eval_graph(then), |cx| cx.eval_graph(other))
            }
            Op::Loop { cond, body } => self.eval_loop((graph, id), *cond, *body, args),
            op => self.eval_plain(op, args),
        }
    }

    /// Evaluates what depends on nothing but its operands.
    fn eval_plain(&mut self, op: &Op, mut args: Vec<Val>) -> Res<Val> {
        match op {
            Op::Fn(g) => {
                let free = self.free.of(*g).to_vec();
                let captures = free.iter().map(|&(g, n)| self.env(g, n)).collect();
                Ok(Val::func(Func::Graph { graph: *g, captures, defaults: args }))
            }
            Op::Builtin(name) => Ok(builtins::constant(name).unwrap_or(Val::func(Func::Builtin(name)))),
            Op::Tuple => Ok(Val::tuple(args)),
            Op::Record(ty) => Ok(Val::Record(ty.clone(), std::rc::Rc::new(args))),
            Op::Get(i) => match &args[0] {
                Val::Tuple(items) | Val::Record(_, items) => Ok(items[*i as usize].clone()),
                Val::Bottom => Ok(Val::Bottom),
                other => self.error(format!("{} cannot be taken apart", other.abs())),
            },
            Op::Apply(keywords) => {
                let function = args.remove(0);
                let named = args.split_off(args.len() - keywords.len());
                let named = keywords.iter().cloned().zip(named).collect();
                self.call(&function, args, named)
            }
            other => panic!("{other:?} does not occur in source graphs"),
        }
    }

    /// Evaluates a node of a file's top level where it is used.
    fn eval_top(&mut self, top: GraphId, id: NodeId) -> Res<Val> {
        if let Some(known) = self.frame().tops.get(&(top, id)) {
            return Ok(known.clone());
        }
        let (src, span) = (self.src, self.span);
        let node = src.graph(top).node(id);
        let value = match &node.op {
            Op::Const(c) => constant(c),
            Op::If(..) | Op::Loop { .. } | Op::Param(_) => {
                self.set_span(node.span);
                return self
                    .error_help("control flow at the top level of a file is not supported", "put it into a function");
            }
            op => {
                let args = node.args.iter().map(|&a| self.eval_top(top, a)).collect::<Res<Vec<_>>>()?;
                self.set_span(if node.span.file == span.file { node.span } else { span });
                self.eval_plain(op, args)?
            }
        };
        self.set_span(span);
        self.frame().tops.insert((top, id), value.clone());
        Ok(value)
    }

    fn is_top(&self, graph: GraphId) -> bool {
        graph == self.program.top || graph == self.program.library
    }

    /// A function of the library, by name.
    fn library(&mut self, name: &str) -> Option<Val> {
        let top = self.src.graph(self.program.library);
        let record = top.node(top.ret);
        let Op::Record(names) = &record.op else { return None };
        let i = names.fields.iter().position(|n| **n == *name)?;
        let node = record.args[i];
        self.eval_top(self.program.library, node).ok()
    }
}

fn constant(c: &Const) -> Val {
    match c {
        Const::F64(x) => Val::Float(*x),
        Const::I64(n) => Val::Int(*n),
        Const::Bool(b) => Val::Bool(*b),
        Const::Str(s) => Val::Str(s.clone()),
        Const::None => Val::None,
        Const::Undefined => Val::Undefined,
        Const::Array(_) | Const::Ints(_) | Const::Bools(_) => panic!("array literals are built by calls"),
    }
}
