//! Building the static graph: calls are inlined, what is known is computed.
//!
//! The closed program is interpreted on [`Val`]s. A call continues with the nodes of its callee in
//! the graph at hand, on a stack of frames of its own, so a recursion whose depth is known is
//! unrolled to any depth. A branch whose condition is known continues the same way. Any other
//! branch, the two graphs of a loop and the graph of a derivative are graphs of their own
//! (a *level* each), flat inside; they are specialised to those operands that are known, once for
//! each combination of them. A loop with functions among its operands has no graph: it is unrolled
//! as long as its condition is known.
//!
//! A graph that is needed while it is being built would contain itself: a recursion under a
//! condition that is not known. It is refused. So is one that makes progress in known operands
//! but does not end within [`MAX_NESTING`] levels, what nests deeper than [`MAX_LEVELS`] without any recursion, and a graph of
//! more than [`MAX_NODES`] nodes.

use std::rc::Rc;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Const, Graph, GraphId, Module, Node, NodeId, Op, Stage};
use adjudicate_ir::passes;
use adjudicate_ir::span::{Diagnostic, Span};
use adjudicate_ir::types::Type;
use rustc_hash::FxHashMap;

use super::Loops;
use super::value::{Val, fold};

/// Conditions, loops and derivatives inside one another, through a recursion.
pub(super) const MAX_NESTING: usize = 128;

/// The same without one, which takes room on the host stack.
const MAX_LEVELS: usize = 1000;

/// Loops unrolled inside one another, which takes room on the host stack; deeper ones are kept.
const MAX_UNROLLING: usize = 64;

/// Nodes visited while one graph is built, dead and folded ones included.
pub(super) const MAX_NODES: usize = 1 << 22;

pub(super) type Res<T> = Result<T, Box<Diagnostic>>;

/// The graph of a subgraph and the operands known to it.
type Key = (GraphId, Vec<Option<Rc<Const>>>);

/// The static graph of a closed program.
pub(super) fn build(module: &Module, loops: Loops) -> Res<Module> {
    let mut cx = Cx {
        module,
        out: Module::empty(Stage::Closed),
        orders: vec![None; module.graphs.len()],
        subgraphs: FxHashMap::default(),
        levels: Vec::new(),
        visited: 0,
        loops,
        unrolling: 0,
    };
    let entry = module.graph(module.entry);
    if entry.param_types().iter().any(|ty| matches!(ty, Type::Fn(_))) {
        return Err(function_value(&entry.name, entry.span));
    }
    let unknown = vec![None; entry.params.len()];
    cx.out.entry = cx.subgraph(module.entry, unknown, Of::Function, entry.span)?;
    passes::compact(&mut cx.out);
    Ok(cx.out)
}

pub(super) struct Cx<'m> {
    pub(super) module: &'m Module,
    pub(super) out: Module,
    /// Of each graph of the program: the nodes that are needed, parameters aside.
    orders: Vec<Option<Rc<[NodeId]>>>,
    /// Graphs made so far; `None` while one is being made.
    subgraphs: FxHashMap<Key, Option<GraphId>>,
    levels: Vec<Level>,
    visited: usize,
    loops: Loops,
    /// Loops being unrolled inside one another.
    unrolling: usize,
}

/// What a graph under construction is.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// A function, entered or differentiated.
    Function,
    /// A branch or part of a loop.
    Part,
}

/// A graph under construction.
struct Level {
    /// The function that it is of: its own graph, unless that is part of one.
    function: GraphId,
    builder: Builder,
    constants: FxHashMap<Const, NodeId>,
    /// Large constants, by where they stand in the program.
    arrays: FxHashMap<(GraphId, NodeId), NodeId>,
    frames: Vec<Frame>,
}

/// A graph of the program being inlined.
struct Frame {
    graph: GraphId,
    order: Rc<[NodeId]>,
    /// How many of the order are done.
    done: usize,
    values: Vec<Option<Val>>,
    /// The call that led here, if it was one.
    call: Option<Span>,
    /// The loop that the graph is the condition or the body of, if it is unrolled.
    turn: Option<Turn>,
}

/// Where the unrolling of a loop is.
struct Turn {
    cond: GraphId,
    body: GraphId,
    args: Vec<Val>,
    testing: bool,
    span: Span,
}

impl Frame {
    fn get(&self, id: NodeId) -> &Val {
        self.values[id.0 as usize].as_ref().expect("operands stand before their users")
    }

    fn set(&mut self, value: Val) {
        self.values[self.order[self.done].0 as usize] = Some(value);
        self.done += 1;
    }
}

/// How a node gets its value.
enum Step {
    Value(Val),
    /// From a graph that is inlined; whether by a call.
    Enter(GraphId, Vec<Val>, bool),
    /// From a loop that is unrolled.
    Unroll(Turn),
}

impl<'m> Cx<'m> {
    pub(super) fn builder(&mut self) -> &mut Builder {
        &mut self.level().builder
    }

    fn level(&mut self) -> &mut Level {
        self.levels.last_mut().expect("a graph is under construction")
    }

    fn frame(&mut self) -> &mut Frame {
        self.level().frames.last_mut().expect("a graph is being inlined")
    }

    /// The flat graph of a graph for operands of which these are known; the others are its
    /// parameters.
    pub(super) fn subgraph(&mut self, id: GraphId, known: Vec<Option<Rc<Const>>>, of: Of, span: Span) -> Res<GraphId> {
        let key = (id, known);
        match self.subgraphs.get(&key) {
            Some(Some(done)) => return Ok(*done),
            Some(None) => return Err(self.recursion(id, span)),
            None if self.levels.len() >= MAX_NESTING && self.repeated_call().is_some() => {
                return Err(self.recursion(id, span));
            }
            None if self.levels.len() >= MAX_LEVELS => return Err(self.too_deep(id, span)),
            None => {}
        }
        self.subgraphs.insert(key.clone(), None);
        let graph = self.module.graph(id);
        let mut builder = Builder::new(&graph.name, graph.span);
        let args = graph.params.iter().zip(&key.1).map(|(&p, known)| match known {
            Some(constant) => Val::Known(constant.clone()),
            None => Val::Node(builder.param(graph.ty(p).clone())),
        });
        let args = args.collect();
        let (constants, arrays) = (FxHashMap::default(), FxHashMap::default());
        let function = match of {
            Of::Function => id,
            Of::Part => self.function(),
        };
        self.levels.push(Level { function, builder, constants, arrays, frames: Vec::new() });
        let value = self.inline(id, args)?;
        let ret = self.node(&value, span)?;
        let level = self.levels.pop().expect("it was pushed");
        let made = self.out.add(level.builder.finish(ret));
        self.subgraphs.insert(key, Some(made));
        Ok(made)
    }

    /// The value of a graph, its nodes put into the level on top.
    fn inline(&mut self, id: GraphId, args: Vec<Val>) -> Res<Val> {
        self.enter(id, args, None)?;
        let module = self.module;
        loop {
            let frame = self.frame();
            let Some(&at) = frame.order.get(frame.done) else {
                let ret = module.graph(frame.graph).ret;
                let value = frame.get(ret).clone();
                let turn = self.level().frames.pop().and_then(|frame| frame.turn);
                let Some(value) = (match turn {
                    Some(turn) => self.turn(turn, &value)?,
                    None => Some(value),
                }) else {
                    continue;
                };
                match self.level().frames.last_mut() {
                    Some(caller) => caller.set(value),
                    None => return Ok(value),
                }
                continue;
            };
            let (graph, args) = (frame.graph, self.operands(at));
            let node = module.graph(graph).node(at);
            self.builder().span = node.span;
            match self.step((graph, at), node, args)? {
                Step::Value(value) => self.frame().set(value),
                Step::Enter(callee, args, call) => self.enter(callee, args, call.then_some(node.span))?,
                Step::Unroll(turn) => self.enter_turn(turn)?,
            }
        }
    }

    /// Goes on with a loop after its condition or its body; gives its state when it has ended.
    fn turn(&mut self, mut turn: Turn, value: &Val) -> Res<Option<Val>> {
        let result = self.module.graph(turn.body).result_type();
        let states = result.as_tuple().expect("the state of a loop is a tuple").len();
        match (turn.testing, value.as_bool()) {
            (true, Some(false)) => return Ok(Some(Val::Items(turn.args[..states].into()))),
            (true, Some(true)) => {}
            (true, None) => return Err(self.function_value(turn.span)),
            (false, _) => {
                for i in 0..states {
                    turn.args[i] = self.get(value, i as u32);
                }
            }
        }
        turn.testing = !turn.testing;
        self.enter_turn(turn)?;
        Ok(None)
    }

    /// Inlines the condition or the body of a loop.
    fn enter_turn(&mut self, turn: Turn) -> Res<()> {
        let graph = if turn.testing { turn.cond } else { turn.body };
        self.enter(graph, turn.args.clone(), None)?;
        self.frame().turn = Some(turn);
        Ok(())
    }

    /// The value of a graph in the place of the node at hand.
    fn inline_here(&mut self, id: GraphId, args: Vec<Val>) -> Res<Val> {
        let waiting = std::mem::take(&mut self.level().frames);
        self.unrolling += 1;
        let value = self.inline(id, args);
        self.unrolling -= 1;
        self.level().frames = waiting;
        value
    }

    /// The operands of a loop after the trips that are known to be made, and whether it has then ended.
    pub(super) fn unrolled(
        &mut self,
        cond: GraphId,
        body: GraphId,
        args: &[Val],
        states: usize,
    ) -> Res<(Vec<Val>, bool)> {
        let mut args = args.to_vec();
        while self.loops == Loops::Unrolled && self.unrolling < MAX_UNROLLING {
            match self.inline_here(cond, args.clone())?.as_bool() {
                Some(true) => {}
                Some(false) => return Ok((args, true)),
                None => break,
            }
            let next = self.inline_here(body, args.clone())?;
            for (i, state) in args.iter_mut().enumerate().take(states) {
                *state = self.get(&next, i as u32);
            }
        }
        Ok((args, false))
    }

    fn operands(&mut self, at: NodeId) -> Vec<Val> {
        let module = self.module;
        let frame = self.frame();
        module.graph(frame.graph).node(at).args.iter().map(|&a| frame.get(a).clone()).collect()
    }

    fn enter(&mut self, id: GraphId, args: Vec<Val>, call: Option<Span>) -> Res<()> {
        let graph = self.module.graph(id);
        let order = self.order(id);
        self.visited += order.len() + 1;
        if self.visited > MAX_NODES {
            return Err(self.too_large(id, call.unwrap_or(graph.span)));
        }
        let mut values = vec![None; graph.nodes.len()];
        for (&param, arg) in graph.params.iter().zip(args) {
            values[param.0 as usize] = Some(arg);
        }
        self.level().frames.push(Frame { graph: id, order, done: 0, values, call, turn: None });
        Ok(())
    }

    fn order(&mut self, id: GraphId) -> Rc<[NodeId]> {
        let graph = self.module.graph(id);
        let order = self.orders[id.0 as usize].get_or_insert_with(|| {
            let live = passes::live(graph);
            let needed = graph.iter().filter(|(n, node)| live[n.0 as usize] && !matches!(node.op, Op::Param(_)));
            needed.map(|(n, _)| n).collect()
        });
        order.clone()
    }

    fn step(&mut self, at: (GraphId, NodeId), node: &Node, mut args: Vec<Val>) -> Res<Step> {
        let value = match &node.op {
            Op::Const(constant @ Const::Array(_)) => self.array(at, constant),
            Op::Const(constant) => Val::known(constant.clone()),
            Op::Tuple => Val::Items(args.into()),
            Op::Get(index) => self.get(&args[0], *index),
            Op::Zero => Val::Node(self.builder().zero(node.ty.clone())),
            Op::Prim(prim) => match fold(prim, &args, &node.ty) {
                Some(constant) => Val::known(constant),
                None => {
                    let args = self.nodes(&args, node.span)?;
                    Val::Node(self.builder().emit(node.op.clone(), &args, node.ty.clone()))
                }
            },
            Op::Call(graph) => return Ok(Step::Enter(*graph, args, true)),
            Op::Closure(graph) => Val::Func(*graph, args.into()),
            Op::Apply(_) => match args.remove(0) {
                Val::Func(graph, captures) => {
                    return Ok(Step::Enter(graph, captures.iter().cloned().chain(args).collect(), true));
                }
                Val::Node(_) | Val::Known(_) | Val::Items(_) => return Err(self.function_value(node.span)),
            },
            Op::If(then, other) => match args[0].as_bool() {
                Some(taken) => {
                    args.remove(0);
                    return Ok(Step::Enter(if taken { *then } else { *other }, args, false));
                }
                None => self.branch(node, (*then, *other), &args)?,
            },
            Op::Loop { cond, body } if args.iter().any(|arg| matches!(arg, Val::Func(..))) => {
                return Ok(Step::Unroll(Turn { cond: *cond, body: *body, args, testing: true, span: node.span }));
            }
            Op::Loop { cond, body } => self.repeat(node, (*cond, *body), &args)?,
            Op::Vjp(spec) => self.derivative(node, spec, &args)?,
            Op::Param(_) | Op::Fused(_) | Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => {
                panic!("{:?} is not a node of a closed graph that is computed", node.op)
            }
        };
        Ok(Step::Value(value))
    }

    fn get(&mut self, tuple: &Val, index: u32) -> Val {
        match tuple {
            Val::Items(items) => items[index as usize].clone(),
            Val::Node(node) => Val::Node(self.builder().get(*node, index as usize)),
            Val::Known(_) | Val::Func(..) => panic!("an item of what is no tuple"),
        }
    }

    fn array(&mut self, at: (GraphId, NodeId), constant: &Const) -> Val {
        let level = self.level();
        let made = level.arrays.entry(at).or_insert_with(|| level.builder.constant(constant.clone()));
        Val::Node(*made)
    }

    /// The nodes of values; none of them is a function.
    pub(super) fn nodes(&mut self, values: &[Val], span: Span) -> Res<Vec<NodeId>> {
        values.iter().map(|value| self.node(value, span)).collect()
    }

    /// The node of a value that is not a function.
    pub(super) fn node(&mut self, value: &Val, span: Span) -> Res<NodeId> {
        match value {
            Val::Node(node) => Ok(*node),
            Val::Known(constant) => {
                let level = self.level();
                if let Some(&made) = level.constants.get(&**constant) {
                    return Ok(made);
                }
                let made = level.builder.constant((**constant).clone());
                level.constants.insert((**constant).clone(), made);
                Ok(made)
            }
            Val::Items(items) => {
                let items = self.nodes(items, span)?;
                Ok(self.builder().tuple(&items))
            }
            Val::Func(..) => Err(self.function_value(span)),
        }
    }

    /// The refusal of a recursion whose end is not known: at the innermost call on the way here.
    fn recursion(&self, id: GraphId, span: Span) -> Box<Diagnostic> {
        let (graph, call) = self.innermost_call().unwrap_or((id, span));
        let name = &self.module.graph(graph).name;
        let message = format!(
            "the recursion of `{name}` ends on a condition that is known only at run time, which is not expressible in a static dataflow graph"
        );
        Box::new(Diagnostic::new(call, message).help(DEPTH))
    }

    /// The refusal of what nests too deep.
    fn too_deep(&self, id: GraphId, span: Span) -> Box<Diagnostic> {
        let name = &self.module.graph(self.innermost_call().map_or(id, |(graph, _)| graph)).name;
        let message = format!(
            "`{name}` nests more than {MAX_LEVELS} conditions, loops and derivatives, which is too deep for a static dataflow graph"
        );
        Box::new(
            Diagnostic::new(span, message).help("write a loop over the cases instead of one condition after the other"),
        )
    }

    /// The refusal of a function value, in the function that is being inlined.
    fn function_value(&self, span: Span) -> Box<Diagnostic> {
        function_value(&self.module.graph(self.function()).name, span)
    }

    /// The function that is being inlined, or else that of the graph on top.
    fn function(&self) -> GraphId {
        let Some(level) = self.levels.last() else { return self.module.entry };
        level.frames.iter().rev().find(|frame| frame.call.is_some()).map_or(level.function, |frame| frame.graph)
    }

    fn too_large(&self, id: GraphId, span: Span) -> Box<Diagnostic> {
        let name = &self.module.graph(id).name;
        let message = format!("with `{name}` inlined, the static dataflow graph has more than {MAX_NODES} nodes");
        let help = match self.loops {
            Loops::Kept => "write a loop instead of a recursion",
            Loops::Unrolled => "let loops be kept, as the strategy `dataflow` does",
        };
        Box::new(Diagnostic::new(span, message).help(help))
    }

    /// The last call of a graph that is being inlined more than once, or else the last call.
    fn innermost_call(&self) -> Option<(GraphId, Span)> {
        self.repeated_call().or_else(|| self.calls().next())
    }

    /// The last call of a graph that is being inlined more than once.
    fn repeated_call(&self) -> Option<(GraphId, Span)> {
        let mut times: FxHashMap<GraphId, usize> = FxHashMap::default();
        self.frames().for_each(|frame| *times.entry(frame.graph).or_default() += 1);
        self.calls().find(|(id, _)| times[id] > 1)
    }

    fn calls(&self) -> impl Iterator<Item = (GraphId, Span)> {
        self.frames().filter_map(|frame| Some((frame.graph, frame.call?)))
    }

    fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.levels.iter().rev().flat_map(|level| level.frames.iter().rev())
    }
}

/// What makes a recursion expressible.
const DEPTH: &str =
    "the depth of the recursion must be known when the graph is built: take it from a shape; or write a loop";

fn function_value(name: &str, span: Span) -> Box<Diagnostic> {
    let message = format!(
        "`{name}` has function values that are known only at run time, which are not expressible in a static dataflow graph"
    );
    Box::new(
        Diagnostic::new(span, message).help("choose between the results of functions instead of between functions"),
    )
}

/// The value that item `index` of the result of a graph always has, if it is one of its nodes or
/// parameters: through tuples and through branches that both pass it on.
pub(super) fn origin(module: &Module, graph: &Graph, index: usize) -> Option<NodeId> {
    let ret = graph.node(graph.ret);
    match ret.op {
        Op::Tuple => resolve(module, graph, ret.args[index]),
        Op::If(..) => through_branches(module, ret, index),
        _ => None,
    }
}

fn resolve(module: &Module, graph: &Graph, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    let Op::Get(index) = node.op else { return Some(id) };
    let tuple = graph.node(node.args[0]);
    match tuple.op {
        Op::If(..) => through_branches(module, tuple, index as usize).and_then(|id| resolve(module, graph, id)),
        _ => Some(id),
    }
}

/// The operand of an `if` that both branches pass on as item `index`.
fn through_branches(module: &Module, node: &Node, index: usize) -> Option<NodeId> {
    let Op::If(then, other) = node.op else { return None };
    let passed = |branch: GraphId| {
        let graph = module.graph(branch);
        match graph.node(origin(module, graph, index)?).op {
            Op::Param(i) => Some(node.args[i as usize + 1]),
            _ => None,
        }
    };
    passed(then).filter(|id| passed(other) == Some(*id))
}
