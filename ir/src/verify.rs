//! Well-formed IR: what every pass may rely on and must keep. This head is its definition.
//!
//! # Every stage
//!
//! - The entry, and every graph that an operation refers to, is a graph of the module; the return
//!   node and the parameters of a graph are nodes of that graph.
//! - The operands of a node are nodes of its graph that stand before it.
//! - Parameter `i` of a graph is the node `param i`; a graph has no other `param` nodes.
//! - `param`, `const`, `zero`, `outer` and `builtin` have no operands.
//! - Only the operations of the stage occur; see the table in the crate documentation.
//!
//! # Source
//!
//! - No node has a type.
//! - A graph has a name for each parameter, and no more defaults or parameters given by name only than parameters.
//! - The `in` of a graph names a graph, and following it ends.
//! - `outer @g %n`: `@g` encloses this graph, properly, and `%n` is a node of it.
//! - A graph referred to can see from here what it sees at home: it is nested in nothing, in this
//!   graph or in one that encloses this graph.
//! - `fn`: an operand for each default. `apply`: the function, and an operand for each keyword.
//!   `record`: an operand for each field; fields and keywords are distinct.
//! - `if`: the condition is the only operand, and the branches have no parameters. `loop`: the
//!   condition and the body have a parameter for each operand.
//!
//! # Specialised and Closed
//!
//! - Every type is known, to its last component. Graphs have no signature.
//! - A constant is not a string, `none` or `undefined`, and has its own type.
//! - `zero` has any type.
//! - A primitive has the type that its rule gives for its operands, or any type where the rule says
//!   that it is [stated](STATED).
//! - `tuple` has the tuple of the types of its operands; `get` has one operand, a tuple with an item
//!   of that index, and the type of the item.
//! - `call`, `fused`: the operands have the types of the parameters, and the node that of the result.
//! - `closure`: the operands have the types of the leading parameters, and the node is a function
//!   of the others to the result.
//! - `apply`: there are no keywords; operand 0 is a function, the others have the types of its
//!   parameters, and the node that of its result.
//! - `if`: operand 0 is a boolean scalar; the others have the types of the parameters of both
//!   branches, and the node the type of both results.
//! - `loop`: the operands have the types of the parameters of both the condition and the body; the
//!   condition returns a boolean scalar, the body a tuple whose items have the types of the leading
//!   operands, the state; the node has the type of that tuple.
//! - `vjp`: the operands have the types of the parameters of the graph and then of each float item
//!   of its result (of the result itself if that is a float); each index in `wrt` is that of a float
//!   parameter; the node is the tuple of the items of the result and then of the types of the
//!   parameters in `wrt`. With several seeds, these operands and these items have a leading axis
//!   of that length.

use std::collections::BTreeSet;
use std::fmt;

use crate::graph::{Const, Graph, GraphId, Module, Node, NodeId, Op, Signature, Stage, VjpSpec};
use crate::prims::Prim;
use crate::types::{Elem, FnType, Type};

/// What the type rule of a primitive answers if the type is for whoever builds the node to state.
pub const STATED: &str = "stated";

/// Which rule is broken, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The graph.
    pub graph: GraphId,
    /// The node, unless it is the graph that is wrong.
    pub node: Option<NodeId>,
    /// What is wrong: one sentence without a full stop.
    pub message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { graph, node, message } = self;
        match node {
            Some(node) => write!(f, "{graph} {node}: {message}"),
            None => write!(f, "{graph}: {message}"),
        }
    }
}

impl std::error::Error for VerifyError {}

/// Checks that a module is well formed.
pub fn verify(module: &Module) -> Result<(), VerifyError> {
    let error = |graph, node, message| VerifyError { graph, node, message };
    check(has_graph(module, module.entry), || "the entry is not a graph of the module".to_owned())
        .map_err(|message| error(module.entry, None, message))?;
    for (id, graph) in module.iter() {
        check_tables(graph).map_err(|message| error(id, None, message))?;
        for (node_id, node) in graph.iter() {
            check_references(module, graph, node_id, node).map_err(|message| error(id, Some(node_id), message))?;
        }
        check_signature(module, graph).map_err(|message| error(id, None, message))?;
    }
    for (id, graph) in module.iter() {
        for (node_id, node) in graph.iter() {
            let checked = match module.stage {
                Stage::Source => check_source(module, id, node),
                Stage::Specialised | Stage::Closed => check_typed(module, graph, node),
            };
            checked.map_err(|message| error(id, Some(node_id), message))?;
        }
    }
    Ok(())
}

type Check = Result<(), String>;

fn check(holds: bool, message: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(message()) }
}

fn check_type(what: &str, actual: &Type, expected: &Type) -> Check {
    check(actual == expected, || format!("{what} has type {actual}, not {expected}"))
}

fn check_types<'t>(what: &str, actual: &[&Type], expected: impl IntoIterator<Item = &'t Type>) -> Check {
    let expected: Vec<&Type> = expected.into_iter().collect();
    check(actual.len() == expected.len(), || {
        format!("{what} are {} where {} are expected", actual.len(), expected.len())
    })?;
    for (i, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        check_type(&format!("number {i} of {what}"), actual, expected)?;
    }
    Ok(())
}

fn check_distinct<T: Ord>(what: &str, items: &[T]) -> Check {
    let distinct: BTreeSet<&T> = items.iter().collect();
    check(distinct.len() == items.len(), || format!("{what} are not distinct"))
}

fn count(n: usize) -> String {
    if n == 1 { "1 operand".to_owned() } else { format!("{n} operands") }
}

fn has_graph(module: &Module, id: GraphId) -> bool {
    (id.0 as usize) < module.graphs.len()
}

fn has_node(graph: &Graph, id: NodeId) -> bool {
    (id.0 as usize) < graph.nodes.len()
}

fn check_tables(graph: &Graph) -> Check {
    check(has_node(graph, graph.ret), || format!("the return node {} is not defined", graph.ret))?;
    for (index, &param) in graph.params.iter().enumerate() {
        check(has_node(graph, param), || format!("the parameter {param} is not defined"))?;
        let matches = graph.node(param).op == Op::Param(index as u32);
        check(matches, || format!("parameter {index} is {param}, which is not `param {index}`"))?;
    }
    Ok(())
}

fn check_references(module: &Module, graph: &Graph, id: NodeId, node: &Node) -> Check {
    for arg in &node.args {
        check(*arg < id, || format!("the operand {arg} does not stand before its user"))?;
    }
    for id in node.op.graphs() {
        check(has_graph(module, id), || format!("{id} is not a graph of the module"))?;
    }
    if let Op::Param(index) = node.op {
        let listed = graph.params.get(index as usize) == Some(&id);
        check(listed, || "the parameter list does not have this node".to_owned())?;
    }
    let leaf = matches!(node.op, Op::Param(_) | Op::Const(_) | Op::Zero | Op::Outer(..) | Op::Builtin(_));
    check(!leaf || node.args.is_empty(), || "this operation has no operands".to_owned())
}

fn check_signature(module: &Module, graph: &Graph) -> Check {
    let Signature { names, defaults, keyword_only, parent } = &graph.signature;
    if module.stage != Stage::Source {
        let none = graph.signature == Signature::default();
        return check(none, || "only source graphs have a signature".to_owned());
    }
    let params = graph.params.len();
    check(names.len() == params, || format!("{} names for {params} parameters", names.len()))?;
    check(*defaults <= params, || format!("{defaults} defaults for {params} parameters"))?;
    check(*keyword_only <= params, || format!("{keyword_only} of {params} parameters are given by name"))?;
    let Some(parent) = *parent else { return Ok(()) };
    check(has_graph(module, parent), || format!("{parent} is not a graph of the module"))?;
    let depth = enclosing(module, parent).take(module.graphs.len() + 1).count();
    check(depth <= module.graphs.len(), || "the graph is nested in itself".to_owned())
}

/// A graph and those that enclose it, innermost first; graphs that do not exist enclose nothing.
fn enclosing(module: &Module, id: GraphId) -> impl Iterator<Item = GraphId> {
    std::iter::successors(Some(id), |&id| module.graphs.get(id.0 as usize)?.signature.parent)
}

fn check_source(module: &Module, id: GraphId, node: &Node) -> Check {
    check(node.ty == Type::Unknown, || "a node of a source graph has no type".to_owned())?;
    for graph in node.op.graphs() {
        let home = module.graph(graph).signature.parent;
        let visible = home.is_none_or(|home| enclosing(module, id).any(|g| g == home));
        check(visible, || format!("{graph} is nested in a graph that does not enclose this one"))?;
    }
    let operands = node.args.len();
    let check_count =
        |expected: usize| check(operands == expected, || format!("{} where {expected} expected", count(operands)));
    match &node.op {
        Op::Param(_) | Op::Const(_) | Op::Builtin(_) | Op::Tuple => Ok(()),
        Op::Outer(graph, outer) => {
            let encloses = enclosing(module, id).skip(1).any(|g| g == *graph);
            check(encloses, || format!("{graph} does not enclose this graph"))?;
            check(has_node(module.graph(*graph), *outer), || format!("{graph} has no node {outer}"))
        }
        Op::Fn(graph) => check_count(module.graph(*graph).signature.defaults),
        Op::Apply(keywords) => {
            check_distinct("keywords", keywords)?;
            check(operands > keywords.len(), || format!("{} where more expected", count(operands)))
        }
        Op::Record(record) => {
            check_distinct("fields", &record.fields)?;
            check_count(record.fields.len())
        }
        Op::If(then, other) => {
            check_count(1)?;
            [*then, *other].into_iter().try_for_each(|graph| check_source_params(module, graph, 0))
        }
        Op::Loop { cond, body } => {
            [*cond, *body].into_iter().try_for_each(|graph| check_source_params(module, graph, operands))
        }
        Op::Get(_) => check_count(1),
        Op::Zero | Op::Prim(_) | Op::Call(_) | Op::Closure(_) | Op::Fused(_) | Op::Vjp(_) => {
            Err("this operation does not occur in source graphs".to_owned())
        }
    }
}

fn check_source_params(module: &Module, id: GraphId, expected: usize) -> Check {
    let params = module.graph(id).params.len();
    check(params == expected, || format!("{id} has {params} parameters where {expected} expected"))
}

fn check_typed(module: &Module, graph: &Graph, node: &Node) -> Check {
    check(is_known(&node.ty), || format!("the type {} is not known", node.ty))?;
    let args: Vec<&Type> = node.args.iter().map(|&arg| graph.ty(arg)).collect();
    let result = |ty: &Type| check_type("the node", &node.ty, ty);
    match &node.op {
        Op::Param(_) | Op::Zero => Ok(()),
        Op::Const(Const::Str(_) | Const::None | Const::Undefined) => {
            Err("this constant occurs in source graphs only".to_owned())
        }
        Op::Const(constant) => result(&constant.ty()),
        Op::Prim(prim) => check_prim(prim, &args, &node.ty),
        Op::Tuple => result(&Type::Tuple(args.into_iter().cloned().collect())),
        Op::Get(index) => result(get(*index, &args)?),
        Op::Call(callee) | Op::Fused(callee) => {
            let callee = module.graph(*callee);
            check_types("the operands", &args, &callee.param_types())?;
            result(callee.result_type())
        }
        Op::Closure(code) => check_closure(module.graph(*code), &args, &node.ty),
        Op::Apply(keywords) => {
            check(keywords.is_empty(), || "keywords occur in source graphs only".to_owned())?;
            let (FnType { params, result: ty }, args) = applied(&args)?;
            check_types("the operands", args, params)?;
            result(ty)
        }
        Op::If(then, other) => check_if(module, [*then, *other], &args, &node.ty),
        Op::Loop { cond, body } => check_loop(module.graph(*cond), module.graph(*body), &args, &node.ty),
        Op::Vjp(spec) => check_vjp(module.graph(spec.graph), spec, &args, &node.ty),
        Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => {
            Err("this operation occurs in source graphs only".to_owned())
        }
    }
}

fn is_known(ty: &Type) -> bool {
    match ty {
        Type::Unknown => false,
        Type::Tensor(..) | Type::Env => true,
        Type::Tuple(items) => items.iter().all(is_known),
        Type::Fn(function) => function.params.iter().all(is_known) && is_known(&function.result),
        Type::Stack(item) => is_known(item),
    }
}

fn check_prim(prim: &Prim, args: &[&Type], ty: &Type) -> Check {
    match (prim.def.ty)(&prim.attrs, args) {
        Ok(expected) => check_type("the node", ty, &expected),
        Err(why) if why == STATED => Ok(()),
        Err(why) => Err(format!("`{prim}` does not fit its operands: {why}")),
    }
}

fn get<'t>(index: u32, args: &[&'t Type]) -> Result<&'t Type, String> {
    let &[tuple] = args else { return Err(format!("{} where 1 expected", count(args.len()))) };
    let Some(items) = tuple.as_tuple() else { return Err(format!("{tuple} is not a tuple")) };
    items.get(index as usize).ok_or_else(|| format!("{tuple} has no item {index}"))
}

fn check_closure(code: &Graph, captures: &[&Type], ty: &Type) -> Check {
    let mut leading = code.param_types();
    check(captures.len() <= leading.len(), || "there are more captures than parameters".to_owned())?;
    let rest = leading.split_off(captures.len());
    check_types("the captures", captures, &leading)?;
    check_type("the node", ty, &Type::function(rest, code.result_type().clone()))
}

fn applied<'a, 't>(args: &'a [&'t Type]) -> Result<(&'t FnType, &'a [&'t Type]), String> {
    match args {
        [Type::Fn(function), rest @ ..] => Ok((function, rest)),
        [other, ..] => Err(format!("{other} is not a function")),
        [] => Err("0 operands where more expected".to_owned()),
    }
}

fn check_if(module: &Module, branches: [GraphId; 2], args: &[&Type], ty: &Type) -> Check {
    let Some((condition, args)) = args.split_first() else {
        return Err("0 operands where more expected".to_owned());
    };
    check(condition.is_scalar(Elem::Bool), || format!("the condition has type {condition}, not bool"))?;
    for branch in branches {
        let graph = module.graph(branch);
        check_types(&format!("the operands of {branch}"), args, &graph.param_types())?;
        check_type(&format!("the result of {branch}"), graph.result_type(), ty)?;
    }
    Ok(())
}

fn check_loop(cond: &Graph, body: &Graph, args: &[&Type], ty: &Type) -> Check {
    check_types("the operands of the condition", args, &cond.param_types())?;
    check_types("the operands of the body", args, &body.param_types())?;
    let test = cond.result_type();
    check(test.is_scalar(Elem::Bool), || format!("the condition has type {test}, not bool"))?;
    let next = body.result_type();
    let Some(state) = next.as_tuple() else {
        return Err(format!("the body returns {next}, which is not a tuple"));
    };
    check(state.len() <= args.len(), || "the body returns more than there are operands".to_owned())?;
    check_types("the state", &args[..state.len()], state)?;
    check_type("the node", ty, next)
}

fn check_vjp(graph: &Graph, spec: &VjpSpec, args: &[&Type], ty: &Type) -> Check {
    let params = graph.param_types();
    let result = graph.result_type();
    let items = result.items();
    let seeds: Vec<Type> = items.iter().filter(|item| item.is_float()).map(|item| spec.cotangent(item)).collect();
    check_types("the operands", args, params.iter().chain(&seeds))?;
    let mut value = items.to_vec();
    for &index in spec.wrt.iter() {
        let param = params.get(index as usize);
        let Some(param) = param else { return Err(format!("there is no parameter {index}")) };
        check(param.is_float(), || format!("parameter {index} has type {param}, which is not float"))?;
        value.push(spec.cotangent(param));
    }
    check_type("the node", ty, &Type::tuple(value))
}
