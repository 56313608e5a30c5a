//! A parsed model file, and requests for what is to be computed from it.

use std::fmt;
use std::sync::LazyLock;

use crate::datum::{Datum, Layout};
use crate::frontend::{self, Faults};
use crate::graph::{GraphId, Module, NodeId, Op, Stage};
use crate::span::{Diagnostic, SourceMap};
use crate::specialise;
use crate::value::Value;

/// What is asked of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ask {
    /// `f(x…)`.
    Value,
    /// The cotangent of the scalar result with respect to each argument of `wrt`. At order `k` the
    /// `k`-th derivative: the (k−1)-fold Jacobian of the gradient.
    Gradient,
    /// Value and gradient as a pair.
    ValueAndGradient,
    /// Jacobian–vector product. Tangents of the `wrt` arguments follow the arguments.
    Jvp,
    /// Vector–Jacobian product: the cotangents of the `wrt` arguments. The cotangent of the result
    /// follows the arguments.
    Vjp,
    /// Hessian–vector product. A vector for each `wrt` argument follows the arguments.
    Hvp,
    /// All partial derivatives of each element of the result.
    Jacobian,
    /// The Jacobian of the gradient.
    Hessian,
}

impl Ask {
    /// Every ask, in the order of help and tables.
    pub const ALL: &[Ask] =
        &[Ask::Value, Ask::Gradient, Ask::ValueAndGradient, Ask::Jvp, Ask::Vjp, Ask::Hvp, Ask::Jacobian, Ask::Hessian];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Ask::Value => "value",
            Ask::Gradient => "gradient",
            Ask::ValueAndGradient => "value_and_gradient",
            Ask::Jvp => "jvp",
            Ask::Vjp => "vjp",
            Ask::Hvp => "hvp",
            Ask::Jacobian => "jacobian",
            Ask::Hessian => "hessian",
        }
    }
}

/// What to compute: a function of the file, a derivative of it, at arguments of given layouts.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Name of the function.
    pub entry: String,
    /// What is asked of it.
    pub ask: Ask,
    /// Positions of the arguments to differentiate with respect to. With one, a derivative has the
    /// layout of that argument; with several it is a tuple.
    pub wrt: Vec<usize>,
    /// How many times to differentiate; 1 unless `ask` is the gradient.
    pub order: usize,
    /// Layouts of all arguments, the vectors of `Jvp`, `Vjp` and `Hvp` included.
    pub arguments: Vec<Layout>,
    /// Values of the integer scalars among the leaves of the arguments, in order. One that a shape
    /// turns out to need is made part of the program; see [`Specialised::fixed`].
    pub integers: Vec<i64>,
}

/// A parsed model file together with the language's own library.
#[derive(Clone, Debug)]
pub struct Program {
    /// The files that positions refer to.
    pub sources: SourceMap,
    /// The source graphs of the model and of the library.
    pub module: Module,
    /// The top level of the model file.
    pub top: GraphId,
    /// The top level of the library.
    pub library: GraphId,
    /// What is wrong in the model file; it counts for what reaches it.
    pub faults: Faults,
}

/// A specialised request: what strategies receive.
#[derive(Clone, Debug)]
pub struct Specialised {
    /// Typed graphs. The entry takes the leaves of the arguments and returns the tuple of the
    /// leaves of the result.
    pub module: Module,
    /// The layout of the result.
    pub output: Layout,
    /// Integer arguments that shapes need, as (leaf, value): the module holds for these values.
    pub fixed: Vec<(usize, i64)>,
}

/// A file that is not a program, or a request that does not fit it: what is wrong and where.
#[derive(Clone, Debug)]
pub struct ProgramError {
    /// The errors, in order of position.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that they point into.
    pub sources: SourceMap,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            writeln!(f, "{}", crate::frontend::render(diagnostic, &self.sources))?;
        }
        Ok(())
    }
}

impl std::error::Error for ProgramError {}

/// The part of the language that is written in the language.
pub(crate) const LIBRARY: &str = include_str!("library.py");

/// The library as source graphs, lowered once: its graphs come before those of the model file, and
/// its positions are in the file after that.
struct Lowered {
    module: Module,
    top: GraphId,
}

static LOWERED: LazyLock<Lowered> = LazyLock::new(|| {
    let mut sources = SourceMap::default();
    sources.add("the model file", "");
    let mut module = Module { stage: Stage::Source, graphs: Vec::new(), entry: GraphId(0) };
    let lowered = frontend::lower(&mut module, &mut sources, "library.py", LIBRARY);
    let wrong = |errors: &[Diagnostic]| -> ! {
        let all: Vec<String> = errors.iter().map(|e| frontend::render(e, &sources)).collect();
        panic!("the library is not a program: {}", all.join("\n"))
    };
    let top = match lowered {
        Ok(lowered) if lowered.faults.all().is_empty() => lowered.top,
        Ok(lowered) => wrong(lowered.faults.all()),
        Err(errors) => wrong(&errors),
    };
    for graph in &mut module.graphs {
        graph.name = specialise::builtins::public_name(&graph.name).into();
    }
    Lowered { module, top }
});

impl Program {
    /// Parses a model file. What is wrong in a part of it is an error only for the functions that
    /// need that part: see [`Program::check`].
    pub fn parse(name: &str, text: &str) -> Result<Program, ProgramError> {
        let mut sources = SourceMap::default();
        let mut module = LOWERED.module.clone();
        match frontend::lower(&mut module, &mut sources, name, text) {
            Ok(frontend::Lowered { top, faults }) => {
                sources.add("library.py", LIBRARY);
                module.entry = top;
                Ok(Program { sources, module, top, library: LOWERED.top, faults })
            }
            Err(diagnostics) => Err(ProgramError { diagnostics, sources }),
        }
    }

    /// Whether the language has everything that a name of the file needs; if not, all that is
    /// wrong with it.
    pub fn check(&self, name: &str) -> Result<(), ProgramError> {
        let Some(node) = self.global(name) else { return Ok(()) };
        let diagnostics = self.faults.reached(&self.module, self.top, node);
        if diagnostics.is_empty() { Ok(()) } else { Err(ProgramError { diagnostics, sources: self.sources.clone() }) }
    }

    /// Names of the functions that the file defines, in order.
    pub fn functions(&self) -> Vec<&str> {
        let top = self.module.graph(self.top);
        let is_function = |node: NodeId| matches!(top.node(node).op, Op::Fn(_) | Op::Apply(_));
        self.globals().filter(|(_, node)| is_function(*node)).map(|(name, _)| name).collect()
    }

    /// What the top level binds, in order.
    fn globals(&self) -> impl Iterator<Item = (&str, NodeId)> {
        let top = self.module.graph(self.top);
        let record = top.node(top.ret);
        let names: &[std::sync::Arc<str>] = match &record.op {
            Op::Record(names) => &names.fields,
            _ => &[],
        };
        names.iter().zip(&record.args).map(|(name, node)| (&**name, *node))
    }

    /// The node that a name of the file holds in the end.
    pub(crate) fn global(&self, name: &str) -> Option<NodeId> {
        self.globals().find(|(known, _)| *known == name).map(|(_, node)| node)
    }

    /// How many arguments a function of the file takes by position; `None` if it is not a plain `def`.
    pub fn positional_parameters(&self, function: &str) -> Option<usize> {
        match self.module.graph(self.top).node(self.global(function)?).op {
            Op::Fn(g) => {
                let signature = &self.module.graph(g).signature;
                Some(signature.names.len() - signature.keyword_only)
            }
            _ => None,
        }
    }

    /// Specialises a request.
    pub fn specialise(&self, request: &Request) -> Result<Specialised, ProgramError> {
        self.check(&request.entry)?;
        specialise::specialise(self, request)
    }
}

impl Request {
    /// What to compute at arguments like these.
    pub fn new(entry: &str, ask: Ask, wrt: &[usize], order: usize, args: &[Datum]) -> Request {
        let integer = |v: Value| match v {
            Value::I64(n) => Some(n),
            _ => None,
        };
        Request {
            entry: entry.to_owned(),
            ask,
            wrt: wrt.to_vec(),
            order,
            arguments: args.iter().map(Datum::layout).collect(),
            integers: args.iter().flat_map(Datum::leaves).filter_map(integer).collect(),
        }
    }
}
