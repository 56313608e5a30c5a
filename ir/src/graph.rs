//! Modules, graphs and nodes: tables of plain data with typed ids.
//!
//! Notation: `@3` is a graph of the module, `%7` a node of the graph at hand.
//!
//! A graph has parameters, a table of nodes and one return node. A node is an [`Op`] applied to
//! earlier nodes of the same graph: the table is in topological order, so a pass is one walk over
//! it. There is no other order: what the return node does not reach is dead. Recursion goes
//! through graph ids, never through nodes. Nested graphs of the source stage name the nodes they
//! use of enclosing graphs with [`Op::Outer`]; later stages have no such reference.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use adjudicate_kernels::Array;
use smallvec::SmallVec;

use crate::prims::Prim;
use crate::span::Span;
use crate::types::{Elem, Type};

/// A graph of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GraphId(pub u32);

/// A node of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl fmt::Display for GraphId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// Operands of a node.
pub type Args = SmallVec<[NodeId; 4]>;

/// The stage a module is at; see the crate documentation for what each allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Untyped, generic, nested.
    Source,
    /// Typed and flat.
    Specialised,
    /// Typed, flat, loops recognised.
    Closed,
}

impl Stage {
    /// The name in text.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Source => "source",
            Stage::Specialised => "specialised",
            Stage::Closed => "closed",
        }
    }
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The graph's parameter of this index.
    Param(u32),
    /// A constant.
    Const(Const),
    /// Identically zero, of the node's type: no sensitivity has reached it, none leaves it.
    Zero,
    /// A primitive applied to tensors.
    Prim(Prim),
    /// Several values as one.
    Tuple,
    /// An item of a tuple.
    Get(u32),
    /// A direct call: every argument of the graph, captures first.
    Call(GraphId),
    /// A function value: code and captures, which are the leading parameters of the graph.
    Closure(GraphId),
    /// A call of a function value, which is operand 0. In source graphs the operands after the
    /// positional ones belong to these keywords, in order.
    Apply(Keywords),
    /// Operand 0 chooses the graph that is called with the other operands. In source graphs the
    /// branches take no parameters and reach what they use through `Outer`.
    If(GraphId, GraphId),
    /// `while cond(state…, invariants…): state… = body(state…, invariants…)`. Operands are the
    /// initial state and then the invariants; the result is the tuple of the final state. In
    /// source graphs there are no invariants.
    Loop {
        /// From state and invariants to a boolean.
        cond: GraphId,
        /// From state and invariants to the tuple of the next state.
        body: GraphId,
    },
    /// A direct call of a graph of primitives that are computed in one walk over their elements.
    Fused(GraphId),
    /// Reverse-mode derivative of a graph; see [`VjpSpec`].
    Vjp(VjpSpec),
    /// Source only: a node of an enclosing graph.
    Outer(GraphId, NodeId),
    /// Source only: a function value; operands are the values of its default arguments.
    Fn(GraphId),
    /// Source only: a function of the language itself, by its name in the table of builtins.
    Builtin(&'static str),
    /// Source only: a tuple with named items.
    Record(Arc<RecordType>),
}

/// Keyword names of an application.
pub type Keywords = SmallVec<[Arc<str>; 0]>;

/// Reverse-mode derivative of `graph` at the operands: arguments of the graph, then one cotangent
/// for each float item of its result (of the result itself when it is not a tuple). The node's
/// value is the tuple of the items of the result, followed by the cotangents of the arguments
/// listed in `wrt`, in that order.
///
/// With several seeds at once, each cotangent of the result has a leading axis of that length, and
/// so has each cotangent of an argument: row by row they are those of one seed. The value has not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VjpSpec {
    /// What is differentiated.
    pub graph: GraphId,
    /// Indices of the graph's parameters whose cotangents are asked for; each is a float tensor.
    pub wrt: Arc<[u32]>,
    /// How many seeds there are at once; `None` for one without an axis of its own.
    pub seeds: Option<usize>,
}

impl VjpSpec {
    /// The type of a cotangent of something of this type.
    pub fn cotangent(&self, ty: &Type) -> Type {
        match (self.seeds, ty) {
            (Some(count), Type::Tensor(elem, shape)) => Type::tensor(*elem, &[&[count], &shape[..]].concat()),
            _ => ty.clone(),
        }
    }
}

/// Name and field names of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordType {
    /// The class name, or `dict`.
    pub name: Arc<str>,
    /// Field names in order.
    pub fields: Vec<Arc<str>>,
}

/// A constant. Floats compare and hash by their bits.
#[derive(Clone, Debug)]
pub enum Const {
    /// A float.
    F64(f64),
    /// An integer.
    I64(i64),
    /// A boolean.
    Bool(bool),
    /// An array of floats.
    Array(Array<f64>),
    /// An array of integers.
    Ints(Array<i64>),
    /// An array of booleans.
    Bools(Array<bool>),
    /// Source only: a string.
    Str(Arc<str>),
    /// Source only: `None`.
    None,
    /// Source only: a variable that is not assigned on this path and is never read on it.
    Undefined,
}

impl Const {
    /// The type of the constant; unknown for the kinds that only source graphs have.
    pub fn ty(&self) -> Type {
        match self {
            Const::F64(_) => Type::f64(),
            Const::I64(_) => Type::i64(),
            Const::Bool(_) => Type::bool(),
            Const::Array(a) => Type::tensor(Elem::F64, a.shape()),
            Const::Ints(a) => Type::tensor(Elem::I64, a.shape()),
            Const::Bools(a) => Type::tensor(Elem::Bool, a.shape()),
            Const::Str(_) | Const::None | Const::Undefined => Type::Unknown,
        }
    }
}

impl PartialEq for Const {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Const::F64(a), Const::F64(b)) => a.to_bits() == b.to_bits(),
            (Const::I64(a), Const::I64(b)) => a == b,
            (Const::Bool(a), Const::Bool(b)) => a == b,
            (Const::Array(a), Const::Array(b)) => {
                a.shape() == b.shape()
                    && a.as_slice().iter().map(|x| x.to_bits()).eq(b.as_slice().iter().map(|x| x.to_bits()))
            }
            (Const::Ints(a), Const::Ints(b)) => a.shape() == b.shape() && a.as_slice() == b.as_slice(),
            (Const::Bools(a), Const::Bools(b)) => a.shape() == b.shape() && a.as_slice() == b.as_slice(),
            (Const::Str(a), Const::Str(b)) => a == b,
            (Const::None, Const::None) | (Const::Undefined, Const::Undefined) => true,
            _ => false,
        }
    }
}

impl Eq for Const {}

impl Hash for Const {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Const::F64(x) => x.to_bits().hash(state),
            Const::I64(x) => x.hash(state),
            Const::Bool(x) => x.hash(state),
            Const::Array(a) => {
                a.shape().hash(state);
                a.as_slice().iter().for_each(|x| x.to_bits().hash(state));
            }
            Const::Ints(a) => (a.shape(), a.as_slice()).hash(state),
            Const::Bools(a) => (a.shape(), a.as_slice()).hash(state),
            Const::Str(s) => s.hash(state),
            Const::None | Const::Undefined => {}
        }
    }
}

/// One node: an operation on earlier nodes of its graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// From which nodes.
    pub args: Args,
    /// Its type.
    pub ty: Type,
    /// Where in the source it comes from.
    pub span: Span,
}

/// How a source function takes its arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signature {
    /// Parameter names.
    pub names: Vec<Arc<str>>,
    /// The last so many parameters have defaults, which are operands of [`Op::Fn`].
    pub defaults: usize,
    /// The last so many parameters are given by name only.
    pub keyword_only: usize,
    /// The graph that this one is nested in.
    pub parent: Option<GraphId>,
}

/// A function: parameters, nodes, one return node.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// A name for people; not unique.
    pub name: Arc<str>,
    /// The parameter nodes, in order.
    pub params: Vec<NodeId>,
    /// All nodes, operands before users.
    pub nodes: Vec<Node>,
    /// The node whose value is returned.
    pub ret: NodeId,
    /// Where it is defined.
    pub span: Span,
    /// Names and defaults; of source graphs only.
    pub signature: Signature,
}

impl Graph {
    /// The node of an id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The type of a node.
    pub fn ty(&self, id: NodeId) -> &Type {
        &self.node(id).ty
    }

    /// Whether a node applies the primitive of a name.
    pub fn is_prim(&self, id: NodeId, name: &str) -> bool {
        matches!(&self.node(id).op, Op::Prim(prim) if prim.def.name == name)
    }

    /// Types of the parameters.
    pub fn param_types(&self) -> Vec<Type> {
        self.params.iter().map(|&p| self.ty(p).clone()).collect()
    }

    /// The type of the result.
    pub fn result_type(&self) -> &Type {
        self.ty(self.ret)
    }

    /// Ids with their nodes, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, node)| (NodeId(i as u32), node))
    }
}

impl Op {
    /// The graphs this operation refers to.
    pub fn graphs(&self) -> SmallVec<[GraphId; 2]> {
        match self {
            Op::Call(g) | Op::Closure(g) | Op::Fn(g) | Op::Fused(g) => SmallVec::from_slice(&[*g]),
            Op::Vjp(spec) => SmallVec::from_slice(&[spec.graph]),
            Op::If(then, other) => SmallVec::from_slice(&[*then, *other]),
            Op::Loop { cond, body } => SmallVec::from_slice(&[*cond, *body]),
            Op::Param(_)
            | Op::Const(_)
            | Op::Zero
            | Op::Prim(_)
            | Op::Tuple
            | Op::Get(_)
            | Op::Apply(_)
            | Op::Outer(..)
            | Op::Builtin(_)
            | Op::Record(_) => SmallVec::new(),
        }
    }

    /// The same operation with its graphs renamed.
    #[must_use]
    pub fn map_graphs(&self, mut rename: impl FnMut(GraphId) -> GraphId) -> Op {
        match self {
            Op::Call(g) => Op::Call(rename(*g)),
            Op::Closure(g) => Op::Closure(rename(*g)),
            Op::Fn(g) => Op::Fn(rename(*g)),
            Op::Fused(g) => Op::Fused(rename(*g)),
            Op::Vjp(spec) => Op::Vjp(VjpSpec { graph: rename(spec.graph), ..spec.clone() }),
            Op::If(then, other) => Op::If(rename(*then), rename(*other)),
            Op::Loop { cond, body } => Op::Loop { cond: rename(*cond), body: rename(*body) },
            Op::Outer(g, n) => Op::Outer(rename(*g), *n),
            Op::Param(_)
            | Op::Const(_)
            | Op::Zero
            | Op::Prim(_)
            | Op::Tuple
            | Op::Get(_)
            | Op::Apply(_)
            | Op::Builtin(_)
            | Op::Record(_) => self.clone(),
        }
    }
}

/// A program: graphs, one of which is the entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// What may occur in it.
    pub stage: Stage,
    /// All graphs.
    pub graphs: Vec<Graph>,
    /// Where execution starts. In source modules: the graph of the file's top level.
    pub entry: GraphId,
}

impl Module {
    /// A module without graphs; its entry is to be the first.
    pub fn empty(stage: Stage) -> Self {
        Module { stage, graphs: Vec::new(), entry: GraphId(0) }
    }

    /// The graph of an id.
    pub fn graph(&self, id: GraphId) -> &Graph {
        &self.graphs[id.0 as usize]
    }

    /// Adds a graph.
    pub fn add(&mut self, graph: Graph) -> GraphId {
        self.graphs.push(graph);
        GraphId(self.graphs.len() as u32 - 1)
    }

    /// Ids with their graphs, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (GraphId, &Graph)> {
        self.graphs.iter().enumerate().map(|(i, graph)| (GraphId(i as u32), graph))
    }

    /// Graphs that the entry reaches, in order of first discovery (depth first, callers first).
    pub fn reachable(&self) -> Vec<GraphId> {
        let mut seen = vec![false; self.graphs.len()];
        let mut order = Vec::new();
        let mut work = vec![self.entry];
        while let Some(id) = work.pop() {
            if std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            order.push(id);
            for node in self.graph(id).nodes.iter().rev() {
                work.extend(node.op.graphs().into_iter().rev());
            }
        }
        order
    }

    /// Number of nodes in the graphs that the entry reaches.
    pub fn node_count(&self) -> usize {
        self.reachable().iter().map(|&g| self.graph(g).nodes.len()).sum()
    }
}
