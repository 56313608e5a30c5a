//! Forward mode: from a graph to the graph of its values and tangents.
//!
//! For `g : (x…) → y` and a mask of active parameters, [`Tangents::of`] makes
//!
//! ```text
//! ġ : (x…, ẋ…) → (y…, ẏ…)          ẋ of the active parameters; items of a result that is a tuple
//! ```
//!
//! Tangents have the types of cotangents, but that a function value has none: it is transformed itself, to
//! one that takes tangents beside its arguments and has captured those of its captures. So forward mode
//! needs no records: calls stay calls, loops carry tangents in their state, and the stacks and function
//! values of a backward pass come twice as wide. The gradient of a function transformed so gives
//! Hessian–vector products by forward over reverse.
//!
//! A primitive has one rule, the pullback; its pushforward is the pullback of that ([`pushforward`]). A
//! program asks for a tangent by the pullback of a pullback, which [`recognise`] finds.

mod pushforward;
mod recognise;
mod repeat;

use std::cell::RefCell;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, Module, Node, NodeId, Op};
use adjudicate_ir::types::{Elem, FnType, Type};
use rustc_hash::FxHashMap;

use crate::activity::{self, Activity};
use crate::differential::Differential;

pub(crate) use recognise::expand;

/// Which parameters of a graph are active.
type Mask = Vec<bool>;

/// The type of a value in a transformed graph.
fn dual(ty: &Type) -> Type {
    match ty {
        Type::Fn(f) => {
            let FnType { params, result } = &**f;
            let values = params.iter().map(dual);
            let tangents = params.iter().filter(|ty| carries(ty)).map(tangent);
            Type::function(values.chain(tangents).collect(), with_tangents(result))
        }
        Type::Tuple(items) => Type::Tuple(items.iter().map(dual).collect()),
        Type::Stack(item) => Type::stack(dual(item)),
        Type::Tensor(..) | Type::Env | Type::Unknown => ty.clone(),
    }
}

/// The type of the tangent of a value.
fn tangent(ty: &Type) -> Type {
    match ty {
        Type::Tensor(Elem::F64, _) | Type::Env | Type::Unknown => ty.clone(),
        Type::Tensor(Elem::I64 | Elem::Bool, _) | Type::Fn(_) => Type::unit(),
        Type::Tuple(items) => Type::Tuple(items.iter().map(tangent).collect()),
        Type::Stack(item) => Type::stack(tangent(item)),
    }
}

/// What a transformed graph returns for a result of this type: its items, then the tangents of those that carry one.
fn with_tangents(result: &Type) -> Type {
    let tangents = result.items().iter().filter(|ty| carries(ty)).map(tangent);
    Type::tuple(result.items().iter().map(dual).chain(tangents).collect::<Vec<_>>())
}

/// Where the tangent of each item of such a result stands in what a transformed graph returns.
fn tangent_places(result: &Type) -> Vec<Option<usize>> {
    let mut next = result.items().len()..;
    result.items().iter().map(|ty| carries(ty).then(|| next.next()).flatten()).collect()
}

/// Whether there is anything in a tangent of this value.
fn carries(ty: &Type) -> bool {
    match ty {
        Type::Tensor(elem, _) => *elem == Elem::F64,
        Type::Tuple(items) => items.iter().any(carries),
        Type::Stack(item) => carries(item),
        Type::Env => true,
        Type::Fn(_) | Type::Unknown => false,
    }
}

/// Transformed graphs made so far.
struct Tangents<'m> {
    module: &'m mut Module,
    made: FxHashMap<(GraphId, Mask), GraphId>,
    /// By code and active captures.
    closures: FxHashMap<(GraphId, Mask), GraphId>,
}

impl<'m> Tangents<'m> {
    fn new(module: &'m mut Module) -> Self {
        Self { module, made: FxHashMap::default(), closures: FxHashMap::default() }
    }

    /// ġ for these active parameters, of those that carry a tangent.
    fn of(&mut self, g: GraphId, mask: &[bool]) -> GraphId {
        let mask: Mask = self.module.graph(g).param_types().iter().zip(mask).map(|(ty, &m)| m && carries(ty)).collect();
        let key = (g, mask);
        if let Some(&made) = self.made.get(&key) {
            return made;
        }
        let graph = self.module.graph(g).clone();
        // The id first: the graph may call itself.
        let id = self.module.add(Graph { nodes: Vec::new(), params: Vec::new(), ..graph.clone() });
        self.made.insert(key.clone(), id);
        let activity = activity::of(self.module, &graph, &key.1);
        let transform = Transform::new(&graph, activity, &key.1);
        self.module.graphs[id.0 as usize] = transform.graph(self);
        id
    }

    /// The code of a transformed function value: captures, their tangents, arguments, their tangents.
    fn code(&mut self, g: GraphId, active: &[bool]) -> GraphId {
        let key = (g, active.to_vec());
        if let Some(&made) = self.closures.get(&key) {
            return made;
        }
        let graph = self.module.graph(g);
        let (types, result) = (graph.param_types(), graph.result_type().clone());
        let mut b = Builder::new(&format!("{}.", graph.name), graph.span);
        let mask: Mask = active.iter().copied().chain(types[active.len()..].iter().map(carries)).collect();
        let (mut values, mut tangents) = (Vec::new(), Vec::new());
        for part in [0..active.len(), active.len()..types.len()] {
            values.extend(types[part.clone()].iter().map(|ty| b.param(dual(ty))));
            tangents.extend(part.filter(|&i| mask[i]).map(|i| b.param(tangent(&types[i]))));
        }
        let called = self.of(g, &mask);
        let ret = b.emit(Op::Call(called), &[values, tangents].concat(), with_tangents(&result));
        let code = self.module.add(b.finish(ret));
        self.closures.insert(key, code);
        code
    }
}

/// One graph being transformed.
struct Transform<'g> {
    graph: &'g Graph,
    activity: Activity,
    b: RefCell<Builder>,
    /// By node of the graph: its value, and its tangent.
    values: Vec<NodeId>,
    tangents: Vec<Differential>,
    params: Vec<(NodeId, Differential)>,
}

impl<'g> Transform<'g> {
    fn new(graph: &'g Graph, activity: Activity, mask: &[bool]) -> Self {
        let mut b = Builder::new(&format!("{}.", graph.name), graph.span);
        let types = graph.param_types();
        let values: Vec<NodeId> = types.iter().map(|ty| b.param(dual(ty))).collect();
        let tangents: Vec<Differential> = types
            .iter()
            .zip(mask)
            .map(|(ty, &active)| if active { Differential::Whole(b.param(tangent(ty))) } else { Differential::Zero })
            .collect();
        let params = values.into_iter().zip(tangents).collect();
        Self { graph, activity, b: b.into(), values: Vec::new(), tangents: Vec::new(), params }
    }

    fn graph(mut self, made: &mut Tangents<'_>) -> Graph {
        for (id, node) in self.graph.iter() {
            self.b.borrow_mut().span = node.span;
            let (value, tangent) = self.node(made, id, node);
            self.values.push(value);
            self.tangents.push(if carries(&node.ty) { tangent } else { Differential::Zero });
        }
        let ret = self.graph.ret;
        let (value, dy) = (self.value(ret), &self.tangents[ret.0 as usize]);
        let mut b = self.b.into_inner();
        let result = self.graph.result_type();
        let is_tuple = result.as_tuple().is_some();
        let mut all: Vec<NodeId> = match is_tuple {
            true => (0..result.items().len()).map(|i| b.get(value, i)).collect(),
            false => vec![value],
        };
        for (i, ty) in result.items().iter().enumerate().filter(|(_, ty)| carries(ty)) {
            let item = if is_tuple { dy.item(&mut b, i) } else { dy.clone() };
            all.push(item.materialise(&mut b, &tangent(ty)));
        }
        let ret = b.tuple(&all);
        let mut graph = b.finish(ret);
        pushforward::end_seeds(&mut graph);
        graph
    }

    fn value(&self, id: NodeId) -> NodeId {
        self.values[id.0 as usize]
    }

    fn values(&self, ids: &[NodeId]) -> Vec<NodeId> {
        ids.iter().map(|&id| self.value(id)).collect()
    }

    /// The tangent of a node as one node.
    fn whole(&self, id: NodeId) -> NodeId {
        self.tangents[id.0 as usize].materialise(&mut self.b.borrow_mut(), &tangent(self.graph.ty(id)))
    }

    /// Whether sensitivity reaches a node, or it holds function values, which are transformed.
    fn is_active(&self, id: NodeId) -> bool {
        self.activity.is_active(id)
    }

    /// Whether a node has a tangent.
    fn has_tangent(&self, id: NodeId) -> bool {
        self.is_active(id) && carries(self.graph.ty(id))
    }

    /// Which of some nodes have a tangent, and these tangents.
    fn tangents_of(&self, ids: &[NodeId]) -> (Mask, Vec<NodeId>) {
        let mask: Mask = ids.iter().map(|&id| self.has_tangent(id)).collect();
        let tangents = ids.iter().zip(&mask).filter(|(_, m)| **m).map(|(&id, _)| self.whole(id)).collect();
        (mask, tangents)
    }

    fn emit(&self, op: Op, args: &[NodeId], ty: Type) -> NodeId {
        self.b.borrow_mut().emit(op, args, ty)
    }

    /// A call of transformed graphs whose result had this type: its value and tangent.
    fn call(&self, op: Op, args: &[NodeId], result: &Type) -> (NodeId, Differential) {
        let all = self.emit(op, args, with_tangents(result));
        let mut b = self.b.borrow_mut();
        let item = |b: &mut Builder, place: Option<usize>| match place {
            Some(place) => Differential::Whole(b.get(all, place)),
            None => Differential::Zero,
        };
        let mut tangents: Vec<Differential> =
            tangent_places(result).into_iter().map(|place| item(&mut b, place)).collect();
        match result.as_tuple() {
            Some(types) => {
                let items: Vec<NodeId> = (0..types.len()).map(|i| b.get(all, i)).collect();
                (b.tuple(&items), Differential::Items(tangents))
            }
            None => (b.get(all, 0), tangents.swap_remove(0)),
        }
    }

    fn node(&self, made: &mut Tangents<'_>, id: NodeId, node: &Node) -> (NodeId, Differential) {
        let args = self.values(&node.args);
        let touched = |ids: &[NodeId]| self.is_active(id) || ids.iter().any(|&a| self.is_active(a));
        match &node.op {
            Op::Param(i) => self.params[*i as usize].clone(),
            Op::Prim(prim) => {
                let value = self.b.borrow_mut().reapply(prim, &args, dual(&node.ty));
                (value, if self.has_tangent(id) { self.pushforward(node, prim, value) } else { Differential::Zero })
            }
            Op::Tuple => {
                let items = node.args.iter().map(|a| self.tangents[a.0 as usize].clone()).collect();
                (self.b.borrow_mut().tuple(&args), Differential::Items(items))
            }
            Op::Get(i) => {
                let mut b = self.b.borrow_mut();
                let tangent = self.tangents[node.args[0].0 as usize].item(&mut b, *i as usize);
                (b.get(args[0], *i as usize), tangent)
            }
            Op::Call(g) if touched(&node.args) => {
                let (mask, tangents) = self.tangents_of(&node.args);
                let called = made.of(*g, &mask);
                self.call(Op::Call(called), &[args, tangents].concat(), &node.ty)
            }
            Op::If(then, other) if touched(&node.args[1..]) => {
                let (mask, tangents) = self.tangents_of(&node.args[1..]);
                let op = Op::If(made.of(*then, &mask), made.of(*other, &mask));
                self.call(op, &[args, tangents].concat(), &node.ty)
            }
            Op::Closure(g) => {
                let (mask, tangents) = self.tangents_of(&node.args);
                let code = made.code(*g, &mask);
                (self.emit(Op::Closure(code), &[args, tangents].concat(), dual(&node.ty)), Differential::Zero)
            }
            Op::Apply(_) => {
                let given = node.args[1..].iter().filter(|&&a| carries(self.graph.ty(a)));
                let tangents = given.map(|&a| self.whole(a)).collect();
                self.call(node.op.clone(), &[args, tangents].concat(), &node.ty)
            }
            Op::Loop { cond, body } if touched(&node.args) => self.repeat(made, id, node, (*cond, *body)),
            Op::Vjp(_) => panic!("derivatives are expanded innermost first"),
            Op::Fused(_) => panic!("derivatives are expanded before nodes are fused"),
            _ => (self.emit(node.op.clone(), &args, dual(&node.ty)), Differential::Zero),
        }
    }
}
