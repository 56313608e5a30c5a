//! The reference interpreter: the plain statement of what a typed module means, which everything
//! that executes programs is tested against.
//!
//! The value of a graph is that of its return node. The nodes that the return node reaches are
//! evaluated once each, in the order of the table; nothing else is, and of a conditional only the
//! branch taken. A call pushes a frame onto a stack of its own, so that recursion does not use the
//! stack of the host. A value moves to its last user: a stack that a loop pushes onto is not copied.
//!
//! The interpreter gives no meaning to `vjp`: that is what a strategy does.

use crate::graph::{Graph, GraphId, Module, Node, NodeId, Op, Stage};
use crate::prims::Args;
use crate::span::Span;
use crate::types::Type;
use crate::value::{Fields, Value};

/// Graphs that may be active at once in [`eval`].
pub const MAX_DEPTH: usize = 1 << 23;

/// Why an evaluation ended without a value: something that depends on data, or a `vjp`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// Where in the source the node at fault comes from.
    pub span: Span,
    /// What is wrong: one sentence without a full stop.
    pub message: String,
}

/// The value of the entry of a typed module for the given arguments.
///
/// # Panics
/// May panic if the module is not well formed (see [`verify`](crate::verify::verify)).
pub fn eval(module: &Module, args: Vec<Value>) -> Result<Value, EvalError> {
    eval_within(module, args, MAX_DEPTH)
}

/// As [`eval`], with an error when more than `depth` graphs are active at once: callers, branches
/// and loops under way.
pub fn eval_within(module: &Module, args: Vec<Value>, depth: usize) -> Result<Value, EvalError> {
    let entry = module.graph(module.entry);
    if module.stage == Stage::Source {
        return Err(error(entry.span, "a source module has no types to evaluate it by"));
    }
    if !fit(&args, &entry.param_types()) {
        return Err(error(entry.span, "the arguments do not have the types of the parameters"));
    }
    let mut machine = Machine {
        module,
        plans: module.graphs.iter().map(Plan::new).collect(),
        frames: Vec::new(),
        values: Vec::new(),
        depth,
    };
    machine.run(args)
}

fn error(span: Span, message: impl Into<String>) -> EvalError {
    EvalError { span, message: message.into() }
}

fn fit(values: &[Value], types: &[Type]) -> bool {
    values.len() == types.len() && values.iter().zip(types).all(|(value, ty)| fits(value, ty))
}

fn fits(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (Value::Tuple(items), Type::Tuple(types)) => fit(items.as_slice(), types),
        (Value::Closure(..), Type::Fn(_)) | (Value::Stack(_), Type::Stack(_)) | (Value::Env(_), Type::Env) => true,
        _ => value.tensor_type().as_ref() == Some(ty),
    }
}

/// How a graph is evaluated: parameters first, then the nodes that the return node reaches.
struct Plan {
    /// The nodes reached, except parameters.
    order: Vec<NodeId>,
    /// For each node its place among the values of a frame.
    slot: Vec<usize>,
    /// For each node its last user; the return node has none.
    last: Vec<Option<NodeId>>,
}

impl Plan {
    fn new(graph: &Graph) -> Self {
        let mut reached = vec![false; graph.nodes.len()];
        let mut last = vec![None; graph.nodes.len()];
        reached[graph.ret.0 as usize] = true;
        for (id, node) in graph.iter().rev() {
            if reached[id.0 as usize] {
                for arg in node.args.iter().map(|arg| arg.0 as usize) {
                    if !std::mem::replace(&mut reached[arg], true) {
                        last[arg] = Some(id);
                    }
                }
            }
        }
        let mut slot = vec![usize::MAX; graph.nodes.len()];
        let mut order = Vec::new();
        for (id, node) in graph.iter() {
            if let Op::Param(index) = node.op {
                slot[id.0 as usize] = index as usize;
            } else if reached[id.0 as usize] {
                slot[id.0 as usize] = graph.params.len() + order.len();
                order.push(id);
            }
        }
        Self { order, slot, last }
    }
}

/// What waits for a value.
enum Frame {
    /// A graph whose values stand from `base` on, of which `done` nodes are evaluated.
    Graph { id: GraphId, base: usize, done: usize },
    /// A loop whose condition is being evaluated at this state.
    Test { cond: GraphId, body: GraphId, state: Vec<Value>, invariants: Vec<Value> },
    /// A loop whose next state is being evaluated.
    Step { cond: GraphId, body: GraphId, invariants: Vec<Value> },
}

/// What happens next.
enum Action {
    /// A graph is evaluated.
    Enter(GraphId, Vec<Value>),
    /// The frame on top gets the value it waits for.
    Return(Value),
}

struct Machine<'m> {
    module: &'m Module,
    plans: Vec<Plan>,
    frames: Vec<Frame>,
    /// The values of all active graphs, innermost last.
    values: Vec<Value>,
    depth: usize,
}

impl Machine<'_> {
    fn run(&mut self, args: Vec<Value>) -> Result<Value, EvalError> {
        let mut action = Action::Enter(self.module.entry, args);
        loop {
            action = match action {
                Action::Enter(id, args) => self.enter(id, args)?,
                Action::Return(value) => match self.frames.pop() {
                    None => return Ok(value),
                    Some(frame) => self.resume(frame, value)?,
                },
            }
        }
    }

    fn enter(&mut self, id: GraphId, args: Vec<Value>) -> Result<Action, EvalError> {
        if self.frames.len() >= self.depth {
            let message = format!("the calls are more than {} deep", self.depth);
            return Err(error(self.module.graph(id).span, message));
        }
        let base = self.values.len();
        self.values.extend(args);
        self.proceed(id, base, 0)
    }

    fn resume(&mut self, frame: Frame, value: Value) -> Result<Action, EvalError> {
        match frame {
            Frame::Graph { id, base, done } => {
                self.values.push(value);
                self.proceed(id, base, done + 1)
            }
            Frame::Test { cond, body, state, invariants } => {
                if !value.truth() {
                    return Ok(Action::Return(Value::tuple(state)));
                }
                let args = state.into_iter().chain(invariants.iter().cloned()).collect();
                self.frames.push(Frame::Step { cond, body, invariants });
                Ok(Action::Enter(body, args))
            }
            Frame::Step { cond, body, invariants } => {
                let Value::Tuple(state) = value else { panic!("a state was expected, not {value:?}") };
                Ok(self.test(cond, body, state.into_vec(), invariants))
            }
        }
    }

    fn test(&mut self, cond: GraphId, body: GraphId, state: Vec<Value>, invariants: Vec<Value>) -> Action {
        let args = state.iter().chain(&invariants).cloned().collect();
        self.frames.push(Frame::Test { cond, body, state, invariants });
        Action::Enter(cond, args)
    }

    /// Evaluates a graph, of which `done` nodes are evaluated, to its end or to its next call.
    fn proceed(&mut self, id: GraphId, base: usize, mut done: usize) -> Result<Action, EvalError> {
        let graph = self.module.graph(id);
        while let Some(&node_id) = self.plans[id.0 as usize].order.get(done) {
            let args = self.take_operands(id, base, node_id);
            match self.step(graph.node(node_id), args, Frame::Graph { id, base, done })? {
                Action::Return(value) => self.values.push(value),
                enter @ Action::Enter(..) => return Ok(enter),
            }
            done += 1;
        }
        let ret = base + self.plans[id.0 as usize].slot[graph.ret.0 as usize];
        let value = take(&mut self.values[ret]);
        self.values.truncate(base);
        Ok(Action::Return(value))
    }

    fn take_operands(&mut self, id: GraphId, base: usize, user: NodeId) -> Vec<Value> {
        let Plan { slot, last, .. } = &self.plans[id.0 as usize];
        let args = &self.module.graph(id).node(user).args;
        let operand = |(i, arg): (usize, &NodeId)| {
            let value = &mut self.values[base + slot[arg.0 as usize]];
            let used_later = last[arg.0 as usize] != Some(user) || args[i + 1..].contains(arg);
            if used_later { value.clone() } else { take(value) }
        };
        args.iter().enumerate().map(operand).collect()
    }

    /// The value of a node, or the graph whose value it is; `frame` is put on the stack for it.
    fn step(&mut self, node: &Node, mut args: Vec<Value>, frame: Frame) -> Result<Action, EvalError> {
        let value = match &node.op {
            Op::Const(constant) => Value::of_const(constant),
            Op::Zero => Value::zero(&node.ty),
            Op::Prim(prim) => {
                let value = (prim.def.eval)(&prim.attrs, &mut Args::new(&mut args), &node.ty);
                value.map_err(|message| error(node.span, message))?
            }
            Op::Tuple => Value::tuple(args),
            Op::Get(index) => args[0].items()[*index as usize].clone(),
            Op::Closure(code) => Value::Closure(*code, Fields::new(args)),
            Op::Call(callee) | Op::Fused(callee) => return Ok(self.call(frame, *callee, args)),
            Op::Apply(_) => {
                let (code, args) = self.applied(args).map_err(|message| error(node.span, message))?;
                return Ok(self.call(frame, code, args));
            }
            Op::If(then, other) => {
                let branch = if args.remove(0).truth() { *then } else { *other };
                return Ok(self.call(frame, branch, args));
            }
            Op::Loop { cond, body } => {
                self.frames.push(frame);
                let invariants = args.split_off(node.ty.as_tuple().map_or(0, <[Type]>::len));
                return Ok(self.test(*cond, *body, args, invariants));
            }
            Op::Vjp(spec) => {
                let message = format!("what the derivative of {} is, a strategy says", spec.graph);
                return Err(error(node.span, message));
            }
            Op::Param(_) | Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => {
                unreachable!("{:?} is not evaluated", node.op)
            }
        };
        Ok(Action::Return(value))
    }

    fn call(&mut self, frame: Frame, callee: GraphId, args: Vec<Value>) -> Action {
        self.frames.push(frame);
        Action::Enter(callee, args)
    }

    /// The code of a function value, and its captures followed by the arguments.
    fn applied(&self, mut args: Vec<Value>) -> Result<(GraphId, Vec<Value>), String> {
        let rest = args.split_off(1);
        let Some(Value::Closure(code, captures)) = args.pop() else { panic!("a function was expected") };
        if code.0 as usize >= self.module.graphs.len() {
            return Err("the zero of a function type was called".to_owned());
        }
        let mut args = captures.into_vec();
        args.extend(rest);
        Ok((code, args))
    }
}

/// Moves a value out of its place, where nobody looks again.
fn take(value: &mut Value) -> Value {
    std::mem::replace(value, Value::Bool(false))
}
