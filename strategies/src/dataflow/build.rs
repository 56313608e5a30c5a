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
        return Err(Misplaced::Passed.refusal(&entry.name, entry.span));
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

/// How a graph came to be inlined.
enum By {
    /// By a call of it.
    Call(Span),
    /// As the condition or the body of a loop that is unrolled.
    Trip(Span),
    /// The same of a loop that has functions among its operands.
    Turn(Turn),
    /// As the branch that is taken, or because it is what is under construction.
    Itself,
}

/// Where a function value stands that is known only at run time.
#[derive(Clone, Copy)]
pub(super) enum Misplaced {
    /// In the state of a loop whose trips are not known; a recursion may be one.
    HandedOn,
    /// Among the results of a branch on data.
    Chosen,
    /// Among the operands of an operation or of a call whose function is not known.
    Passed,
}

impl Misplaced {
    fn refusal(self, function: &str, span: Span) -> Box<Diagnostic> {
        let (what, help) = match self {
            Self::HandedOn => (
                "hands on functions from step to step, and how many steps of this loop or recursion there are is known only at run time",
                "let the number of steps be known when the graph is built, or hand on numbers instead of functions",
            ),
            Self::Chosen => (
                "chooses between functions on a condition that is known only at run time",
                "choose between the results of functions instead of between functions",
            ),
            Self::Passed => (
                "passes on function values that are known only at run time",
                "call the function where it is made and pass on its result",
            ),
        };
        let message = format!("`{function}` {what}, which is not expressible in a static dataflow graph");
        Box::new(Diagnostic::new(span, message).help(help))
    }
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
    by: By,
}

/// A loop that is being unrolled, and the function it stands in.
#[derive(Clone, Copy)]
struct Trips {
    function: GraphId,
    span: Span,
    carries_functions: bool,
}

/// Where the unrolling of a loop with functions is.
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
    /// From a graph that is inlined.
    Enter(GraphId, Vec<Val>, By),
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
        let value = self.inline(id, args, By::Itself)?;
        let ret = match of {
            Of::Function => self.node(&value, span)?,
            Of::Part => self.placed(&value, Misplaced::Chosen, span)?,
        };
        let level = self.levels.pop().expect("it was pushed");
        let made = self.out.add(level.builder.finish(ret));
        self.subgraphs.insert(key, Some(made));
        Ok(made)
    }

    /// The value of a graph, its nodes put into the level on top.
    fn inline(&mut self, id: GraphId, args: Vec<Val>, by: By) -> Res<Val> {
        let outside = self.level().frames.len();
        self.enter(id, args, by)?;
        let module = self.module;
        loop {
            let frame = self.frame();
            let Some(&at) = frame.order.get(frame.done) else {
                let ret = module.graph(frame.graph).ret;
                let value = frame.get(ret).clone();
                let done = self.level().frames.pop().expect("it is the frame at hand");
                let Some(value) = (match done.by {
                    By::Turn(turn) => self.turn(turn, &value)?,
                    By::Call(_) | By::Trip(_) | By::Itself => Some(value),
                }) else {
                    continue;
                };
                if self.level().frames.len() == outside {
                    return Ok(value);
                }
                self.frame().set(value);
                continue;
            };
            let (graph, args) = (frame.graph, self.operands(at));
            let node = module.graph(graph).node(at);
            self.builder().span = node.span;
            match self.step((graph, at), node, args)? {
                Step::Value(value) => self.frame().set(value),
                Step::Enter(callee, args, by) => self.enter(callee, args, by)?,
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
            (true, None) => return Err(self.misplaced(Misplaced::HandedOn, turn.span)),
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
        self.enter(graph, turn.args.clone(), By::Turn(turn))
    }

    /// The value of a part of a loop in the place of the node at hand.
    fn inline_here(&mut self, id: GraphId, args: Vec<Val>, span: Span) -> Res<Val> {
        self.unrolling += 1;
        let value = self.inline(id, args, By::Trip(span));
        self.unrolling -= 1;
        value
    }

    /// The operands of a loop after the trips that are known to be made, and whether it has then ended.
    pub(super) fn unrolled(
        &mut self,
        cond: GraphId,
        body: GraphId,
        args: &[Val],
        (states, span): (usize, Span),
    ) -> Res<(Vec<Val>, bool)> {
        let mut args = args.to_vec();
        while self.loops == Loops::Unrolled && self.unrolling < MAX_UNROLLING {
            match self.inline_here(cond, args.clone(), span)?.as_bool() {
                Some(true) => {}
                Some(false) => return Ok((args, true)),
                None => break,
            }
            let next = self.inline_here(body, args.clone(), span)?;
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

    fn enter(&mut self, id: GraphId, args: Vec<Val>, by: By) -> Res<()> {
        let graph = self.module.graph(id);
        let order = self.order(id);
        self.visited += order.len() + 1;
        let is_too_large = self.visited > MAX_NODES;
        let mut values = vec![None; graph.nodes.len()];
        for (&param, arg) in graph.params.iter().zip(args) {
            values[param.0 as usize] = Some(arg);
        }
        self.level().frames.push(Frame { graph: id, order, done: 0, values, by });
        if is_too_large { Err(self.too_large()) } else { Ok(()) }
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
            Op::Call(graph) => return Ok(Step::Enter(*graph, args, By::Call(node.span))),
            Op::Closure(graph) => Val::Func(*graph, args.into()),
            Op::Apply(_) => match args.remove(0) {
                Val::Func(graph, captures) => {
                    let args = captures.iter().cloned().chain(args).collect();
                    return Ok(Step::Enter(graph, args, By::Call(node.span)));
                }
                Val::Node(_) | Val::Known(_) | Val::Items(_) => {
                    return Err(self.misplaced(Misplaced::Passed, node.span));
                }
            },
            Op::If(then, other) => match args[0].as_bool() {
                Some(taken) => {
                    args.remove(0);
                    return Ok(Step::Enter(if taken { *then } else { *other }, args, By::Itself));
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
        self.placed(value, Misplaced::Passed, span)
    }

    /// The same, where a function would stand in this place.
    pub(super) fn placed(&mut self, value: &Val, place: Misplaced, span: Span) -> Res<NodeId> {
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
                let items = items.iter().map(|item| self.placed(item, place, span)).collect::<Res<Vec<_>>>()?;
                Ok(self.builder().tuple(&items))
            }
            Val::Func(..) => Err(self.misplaced(place, span)),
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
    fn misplaced(&self, what: Misplaced, span: Span) -> Box<Diagnostic> {
        what.refusal(&self.module.graph(self.function()).name, span)
    }

    /// The function that is being inlined, or else that of the graph on top.
    fn function(&self) -> GraphId {
        let Some(level) = self.levels.last() else { return self.module.entry };
        Self::function_of(level, level.frames.len())
    }

    /// The function that the first frames of a level are in.
    fn function_of(level: &Level, frames: usize) -> GraphId {
        let mut outwards = level.frames[..frames].iter().rev();
        outwards.find(|frame| matches!(frame.by, By::Call(_))).map_or(level.function, |frame| frame.graph)
    }

    /// The refusal of a graph that grows too large: of what is written out in it again and again, the innermost loop, or else the
    /// innermost recursion, or else the innermost call.
    fn too_large(&self) -> Box<Diagnostic> {
        let (trip, recursion) = (self.innermost_trip(), self.repeated_call());
        let name = |graph: GraphId| &self.module.graph(graph).name;
        let (what, span) = match (trip, recursion.or_else(|| self.calls().next())) {
            (Some(Trips { function, span, .. }), _) => (format!("this loop of `{}` unrolled", name(function)), span),
            (None, Some((function, span))) if recursion.is_some() => {
                (format!("the recursion of `{}` inlined", name(function)), span)
            }
            (None, Some((function, span))) => (format!("`{}` inlined", name(function)), span),
            (None, None) => {
                let function = self.module.graph(self.function());
                (format!("`{}` written out", function.name), function.span)
            }
        };
        let message = format!("with {what}, the static dataflow graph has more than {MAX_NODES} nodes");
        let advice = [
            trip.map(|trips| match trips.carries_functions {
                true => "make fewer trips, or hand on numbers instead of functions",
                false => "let loops be kept, as the strategy `dataflow` does",
            }),
            recursion.map(|_| "let the recursion have fewer levels, or write a loop instead of it"),
            Some("use a strategy that keeps calls, `closure` or `tape`"),
        ];
        let help = advice.into_iter().flatten().collect::<Vec<_>>().join(", or ");
        Box::new(Diagnostic::new(span, message).help(help))
    }

    /// The innermost loop that is being unrolled.
    fn innermost_trip(&self) -> Option<Trips> {
        self.levels.iter().rev().find_map(|level| {
            let trip = |(at, frame): (usize, &Frame)| match frame.by {
                By::Trip(span) => Some((at, span, false)),
                By::Turn(Turn { span, .. }) => Some((at, span, true)),
                By::Call(_) | By::Itself => None,
            };
            let (at, span, carries_functions) = level.frames.iter().enumerate().rev().find_map(trip)?;
            Some(Trips { function: Self::function_of(level, at), span, carries_functions })
        })
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
        self.frames().filter_map(|frame| match frame.by {
            By::Call(span) => Some((frame.graph, span)),
            By::Trip(_) | By::Turn(_) | By::Itself => None,
        })
    }

    fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.levels.iter().rev().flat_map(|level| level.frames.iter().rev())
    }
}

/// What makes a recursion expressible.
const DEPTH: &str =
    "the depth of the recursion must be known when the graph is built: take it from a shape; or write a loop";

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
