//! The state of lowering: the function at hand, its variables, and the graphs being built.
//!
//! Lowering is static single assignment by construction: [`Env`] maps each variable to the node
//! that holds it now. Function bodies are lowered from a queue; what a body sees of the functions
//! around it is a [`Closure`], their variables as they were where the function was mentioned. Two
//! mentions that see the same values share one graph.

use std::collections::VecDeque;
use std::rc::Rc;

use indexmap::IndexMap;
use ruff_text_size::{TextRange, TextSize};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Args, Const, Graph, GraphId, Keywords, Module, Node, NodeId, Op, Signature};
use crate::span::{Diagnostic, Span};
use crate::types::Type;

use super::imports::Member;
use super::liveness::Liveness;
use super::scope::{Code, MODULE, Scope, ScopeId, Scopes};

/// Graphs nest at most this deep.
const MAX_DEPTH: u32 = 200;

/// A file lowers to at most so many nodes.
const MAX_NODES: usize = 4_000_000;

/// A node wherever it is.
pub(super) type Place = (GraphId, NodeId);

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    /// The value of a node.
    Node(Place),
    /// A function, closed anew at each mention.
    Function(Function),
    /// Something imported.
    Member(Member),
}

/// The code of a function and its default values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Function {
    pub(super) code: FunctionCode,
    pub(super) defaults: Rc<[Place]>,
}

/// The code of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum FunctionCode {
    /// A `def` or `lambda`.
    Scope(ScopeId),
    /// The constructor of a record.
    Record(GraphId),
}

/// Why a variable may be unassigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is assigned only if this condition holds (or does not hold).
    Condition(TextSize, bool),
    /// It is assigned only if this loop runs at all.
    Loop(TextSize),
    /// It is not assigned where a loop is left here.
    Break(TextSize),
}

/// What is known of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    Assigned(Value),
    Maybe(Reason),
}

/// The variables of a function at one point.
pub(super) type Env<'a> = IndexMap<&'a str, Binding>;

/// The surroundings of a function: variables as they were where it was mentioned.
#[derive(Debug)]
pub(super) struct Closure<'a> {
    pub(super) scope: ScopeId,
    pub(super) env: Rc<Env<'a>>,
    pub(super) at: TextRange,
    pub(super) parent: Option<Rc<Closure<'a>>>,
}

/// The function at hand.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) scope: ScopeId,
    pub(super) name: Rc<str>,
    pub(super) range: TextRange,
    pub(super) env: Rc<Env<'a>>,
    pub(super) surroundings: Option<Rc<Closure<'a>>>,
    /// The graph that nodes go to.
    pub(super) graph: GraphId,
    /// The graph of the function itself.
    pub(super) root: GraphId,
    pub(super) live: Rc<Liveness<'a>>,
    /// The conditions under which the code at hand runs.
    pub(super) path: Vec<(TextSize, bool)>,
    pub(super) loops: Vec<super::loops::Around<'a>>,
    /// Whether a statement was rejected that may return, so that a missing `return` is no news.
    pub(super) rejected: bool,
}

/// How long a function value may live, which decides whether later rebinding of what it captures
/// could be seen through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// It is called, or consumed by a call.
    No,
    /// It is returned: the variables of the function at hand no longer change.
    Returned,
    /// It is kept.
    Yes,
}

/// A function body that is still to be lowered.
pub(super) struct Job<'a> {
    pub(super) graph: GraphId,
    pub(super) scope: ScopeId,
    pub(super) surroundings: Rc<Closure<'a>>,
}

/// A function and the values it captures.
type InstanceKey = (ScopeId, Vec<Option<Value>>);

/// The lowering of one file.
pub(super) struct Lowerer<'a, 'm> {
    pub(super) module: &'m mut Module,
    pub(super) scopes: &'m Scopes<'a>,
    pub(super) text: &'a str,
    pub(super) file: u16,
    pub(super) frame: Frame<'a>,
    pub(super) queue: VecDeque<Job<'a>>,
    /// Functions bound to names, and what is around them. Those that turn out never to be
    /// mentioned are lowered for their errors alone.
    pub(super) bound: Vec<(ScopeId, Rc<Closure<'a>>)>,
    /// Whether the function at hand is never mentioned, so that nothing is known of the variables
    /// around it.
    pub(super) unmentioned: bool,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) lives: FxHashMap<ScopeId, Rc<Liveness<'a>>>,
    pub(super) top: GraphId,
    instances: FxHashMap<InstanceKey, GraphId>,
    outers: FxHashMap<(GraphId, Place), NodeId>,
    mentioned: FxHashSet<ScopeId>,
    depths: FxHashMap<GraphId, u32>,
    nodes: usize,
}

impl<'a, 'm> Lowerer<'a, 'm> {
    /// Ready to lower the top level of a file.
    pub(super) fn new(module: &'m mut Module, scopes: &'m Scopes<'a>, file: u16, text: &'a str) -> Self {
        let range = TextRange::up_to(TextSize::of(text));
        let frame = Frame {
            scope: MODULE,
            name: "module".into(),
            range,
            env: Rc::default(),
            surroundings: None,
            graph: GraphId(0),
            root: GraphId(0),
            live: Rc::default(),
            path: Vec::new(),
            loops: Vec::new(),
            rejected: false,
        };
        let mut lowerer = Self {
            module,
            scopes,
            text,
            file,
            frame,
            queue: VecDeque::new(),
            bound: Vec::new(),
            unmentioned: false,
            errors: Vec::new(),
            lives: FxHashMap::default(),
            top: GraphId(0),
            instances: FxHashMap::default(),
            outers: FxHashMap::default(),
            mentioned: FxHashSet::default(),
            depths: FxHashMap::default(),
            nodes: 0,
        };
        lowerer.top = lowerer.open("module", range, None);
        lowerer.frame.graph = lowerer.top;
        lowerer.frame.root = lowerer.top;
        lowerer
    }

    /// The span of a piece of the text.
    pub(super) fn span(&self, range: TextRange) -> Span {
        Span { file: self.file, start: range.start().into(), end: range.end().into() }
    }

    /// The line of a position, counted from 1.
    pub(super) fn line(&self, at: TextSize) -> usize {
        self.text[..at.to_usize()].matches('\n').count() + 1
    }

    /// Reports an error.
    pub(super) fn error(&mut self, range: TextRange, message: impl Into<String>, help: impl Into<String>) {
        let help = help.into();
        let diagnostic = Diagnostic::new(self.span(range), message);
        self.report(if help.is_empty() { diagnostic } else { diagnostic.help(help) });
    }

    /// Reports an error once: a body may be lowered several times.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if !self.errors.contains(&diagnostic) {
            self.errors.push(diagnostic);
        }
    }

    // Graphs and nodes.

    /// A graph without nodes, nested in another.
    pub(super) fn open(&mut self, name: &str, range: TextRange, parent: Option<GraphId>) -> GraphId {
        let depth = parent.map_or(0, |p| self.depths[&p] + 1);
        let signature = Signature { parent, ..Signature::default() };
        let id = self.module.add(Graph {
            name: name.into(),
            params: Vec::new(),
            nodes: Vec::new(),
            ret: NodeId(0),
            span: self.span(range),
            signature,
        });
        self.depths.insert(id, depth);
        id
    }

    /// The graph that is being built.
    pub(super) fn graph(&mut self) -> &mut Graph {
        &mut self.module.graphs[self.frame.graph.0 as usize]
    }

    /// Adds a node to the graph at hand.
    pub(super) fn emit(&mut self, op: Op, args: &[NodeId], range: TextRange) -> NodeId {
        self.nodes += 1;
        let node = Node { op, args: Args::from_slice(args), ty: Type::Unknown, span: self.span(range) };
        let graph = self.graph();
        graph.nodes.push(node);
        NodeId(graph.nodes.len() as u32 - 1)
    }

    /// Adds a parameter to the graph at hand.
    pub(super) fn param(&mut self, name: &str, range: TextRange) -> Place {
        let index = self.graph().params.len() as u32;
        let id = self.emit(Op::Param(index), &[], range);
        let graph = self.graph();
        graph.params.push(id);
        graph.signature.names.push(name.into());
        (self.frame.graph, id)
    }

    /// A constant.
    pub(super) fn constant(&mut self, value: Const, range: TextRange) -> NodeId {
        self.emit(Op::Const(value), &[], range)
    }

    /// What stands for a value where there was an error.
    pub(super) fn poison(&mut self, range: TextRange) -> NodeId {
        self.constant(Const::Undefined, range)
    }

    /// Applies a function of the language.
    pub(super) fn apply(&mut self, name: &'static str, args: &[NodeId], range: TextRange) -> NodeId {
        let function = self.emit(Op::Builtin(name), &[], range);
        self.call(function, args, Keywords::new(), range)
    }

    /// Applies a function value.
    pub(super) fn call(&mut self, function: NodeId, args: &[NodeId], keywords: Keywords, range: TextRange) -> NodeId {
        let args: Args = std::iter::once(function).chain(args.iter().copied()).collect();
        self.emit(Op::Apply(keywords), &args, range)
    }

    /// A node of this or an enclosing graph, as a node of the graph at hand.
    pub(super) fn reference(&mut self, place: Place, range: TextRange) -> NodeId {
        let here = self.frame.graph;
        if place.0 == here {
            return place.1;
        }
        if let Some(&known) = self.outers.get(&(here, place)) {
            return known;
        }
        let id = self.emit(Op::Outer(place.0, place.1), &[], range);
        self.outers.insert((here, place), id);
        id
    }

    /// Builds a graph nested in the one at hand; variables assigned there do not outlive it.
    pub(super) fn nested(&mut self, what: &str, range: TextRange, body: impl FnOnce(&mut Self) -> NodeId) -> GraphId {
        let name = format!("{}.{what}", self.frame.name);
        let graph = self.open(&name, range, Some(self.frame.graph));
        let outer = std::mem::replace(&mut self.frame.graph, graph);
        let env = self.frame.env.clone();
        let conditions = self.frame.path.len();
        let ret = if self.too_deep(graph, range) { self.poison(range) } else { body(self) };
        self.graph().ret = ret;
        self.frame.graph = outer;
        self.frame.env = env;
        self.frame.path.truncate(conditions);
        graph
    }

    fn too_deep(&mut self, graph: GraphId, range: TextRange) -> bool {
        let deep = self.depths[&graph] > MAX_DEPTH;
        if deep && !self.errors.iter().any(|e| e.message.starts_with("the program nests")) {
            let message = format!("the program nests more than {MAX_DEPTH} functions and conditions here");
            self.error(range, message, "move a part of it into a function of its own");
        }
        deep
    }

    /// Whether the file has grown beyond what is lowered.
    pub(super) fn too_large(&self) -> bool {
        self.nodes > MAX_NODES
    }

    // Variables.

    /// Binds a variable of the function at hand.
    pub(super) fn bind(&mut self, name: &'a str, value: Value) {
        Rc::make_mut(&mut self.frame.env).insert(name, Binding::Assigned(value));
    }

    /// Binds a variable to a node of the graph at hand.
    pub(super) fn bind_node(&mut self, name: &'a str, node: NodeId) {
        self.bind(name, Value::Node((self.frame.graph, node)));
    }

    /// Marks a variable as perhaps unassigned.
    pub(super) fn bind_maybe(&mut self, name: &'a str, reason: Reason) {
        Rc::make_mut(&mut self.frame.env).insert(name, Binding::Maybe(reason));
    }

    /// Forgets a variable and returns what it held.
    pub(super) fn unbind(&mut self, name: &str) -> Option<Value> {
        match Rc::make_mut(&mut self.frame.env).shift_remove(name)? {
            Binding::Assigned(value) => Some(value),
            Binding::Maybe(_) => None,
        }
    }

    /// The surroundings that a function defined in `owner` would see if it were mentioned here.
    pub(super) fn surroundings(&self, owner: ScopeId, at: TextRange) -> Rc<Closure<'a>> {
        if owner == self.frame.scope {
            let frame = &self.frame;
            let (env, parent) = (frame.env.clone(), frame.surroundings.clone());
            return Rc::new(Closure { scope: owner, env, at, parent });
        }
        self.enclosing(owner).expect("a name's owner encloses its users").clone()
    }

    fn enclosing(&self, owner: ScopeId) -> Option<&Rc<Closure<'a>>> {
        enclosing(self.frame.surroundings.as_ref(), owner)
    }

    /// What is known of a variable that `owner` binds.
    pub(super) fn lookup(&self, owner: ScopeId, name: &str) -> Option<&Binding> {
        if owner == self.frame.scope {
            return self.frame.env.get(name);
        }
        self.enclosing(owner)?.env.get(name)
    }

    /// The graph of a function as seen from its surroundings; its body is lowered later.
    pub(super) fn instance(&mut self, scope: ScopeId, surroundings: Rc<Closure<'a>>) -> GraphId {
        let captures = &self.scopes.get(scope).captures;
        let seen = |&(owner, name): &(ScopeId, &str)| match enclosing(Some(&surroundings), owner)?.env.get(name)? {
            Binding::Assigned(value) => Some(value.clone()),
            Binding::Maybe(_) => None,
        };
        let key = (scope, captures.iter().map(seen).collect::<Vec<_>>());
        if let Some(&known) = self.instances.get(&key) {
            return known;
        }
        let parent = key.1.iter().flatten().flat_map(graphs_of).max_by_key(|g| self.depths[g]);
        let (name, range) = self.describe(scope);
        let graph = self.open(&name, range, Some(parent.unwrap_or(self.top)));
        self.too_deep(graph, range);
        self.instances.insert(key, graph);
        self.mentioned.insert(scope);
        self.queue.push_back(Job { graph, scope, surroundings });
        graph
    }

    /// Binds a name to a function.
    pub(super) fn bind_function(&mut self, name: &'a str, function: Function, at: TextRange) {
        if let FunctionCode::Scope(scope) = function.code
            && self.scopes.forward(MODULE, name) != Some(scope)
        {
            let (scope_here, parent) = (self.frame.scope, self.frame.surroundings.clone());
            let around = Closure { scope: scope_here, env: Rc::default(), at, parent };
            self.bound.push((scope, Rc::new(around)));
        }
        self.bind(name, Value::Function(function));
    }

    /// Puts the functions that are never mentioned into the queue; says whether there are any.
    pub(super) fn queue_unmentioned(&mut self) -> bool {
        for (scope, surroundings) in std::mem::take(&mut self.bound) {
            if !self.mentioned.contains(&scope) {
                self.instance(scope, surroundings);
            }
        }
        self.unmentioned = true;
        !self.queue.is_empty()
    }

    /// Reports a captured variable that is rebound while the function value may still be called.
    pub(super) fn check_rebinding(&mut self, scope: ScopeId, at: TextRange, escape: Escape) {
        if escape == Escape::No {
            return;
        }
        for &(owner, name) in &self.scopes.get(scope).captures {
            let here = owner == self.frame.scope;
            let unassigned = !matches!(self.lookup(owner, name), Some(Binding::Assigned(_)));
            if unassigned || here && escape == Escape::Returned {
                continue;
            }
            let position = match self.enclosing(owner) {
                Some(closure) if !here => closure.at,
                _ => at,
            };
            if let Some(site) = self.scopes.rebound_after(owner, name, position.start()) {
                return self.report_rebinding(scope, name, at, site);
            }
        }
    }

    fn report_rebinding(&mut self, scope: ScopeId, name: &str, at: TextRange, site: TextSize) {
        let message = format!("this function uses `{name}`, which is assigned again while the function lives on");
        let help = match self.scopes.get(scope) {
            code if !code.uses.contains(name) => format!("give the later value of `{name}` another name"),
            Scope { code: Code::Def(def), .. } => format!("bind it now: `def {}(…, {name}={name}):`", def.name),
            _ => format!("bind it now: `lambda …, {name}={name}: …`"),
        };
        let site = self.span(TextRange::empty(site));
        let diagnostic = Diagnostic::new(self.span(at), message).help(help);
        self.report(diagnostic.note(site, format!("`{name}` is assigned again here")));
    }
}

fn enclosing<'c, 'a>(from: Option<&'c Rc<Closure<'a>>>, owner: ScopeId) -> Option<&'c Rc<Closure<'a>>> {
    let mut next = from;
    while let Some(closure) = next {
        if closure.scope == owner {
            return Some(closure);
        }
        next = closure.parent.as_ref();
    }
    None
}

fn graphs_of(value: &Value) -> Vec<GraphId> {
    match value {
        Value::Node(place) => vec![place.0],
        Value::Function(function) => function.defaults.iter().map(|place| place.0).collect(),
        Value::Member(_) => Vec::new(),
    }
}
