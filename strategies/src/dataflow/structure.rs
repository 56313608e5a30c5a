//! Building what stays structured: branches on data, loops, derivatives.

use std::rc::Rc;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Const, Graph, GraphId, Node, NodeId, Op, VjpSpec};
use adjudicate_ir::passes::copy_nodes;

use super::build::{Cx, Misplaced, Of, Res, origin};
use super::value::Val;
use crate::activity::holds_function;

impl Cx<'_> {
    /// A branch on data. Items that both sides agree on are known afterwards.
    pub(super) fn branch(&mut self, node: &Node, (then, other): (GraphId, GraphId), args: &[Val]) -> Res<Val> {
        let known = known(&args[1..], |_| true);
        let then = self.subgraph(then, known.clone(), Of::Part, node.span)?;
        let other = self.subgraph(other, known.clone(), Of::Part, node.span)?;
        let place = if holds_function(&node.ty) { Misplaced::Chosen } else { Misplaced::Passed };
        let mut operands = vec![self.node(&args[0], node.span)?];
        for (arg, known) in args[1..].iter().zip(&known) {
            if known.is_none() {
                operands.push(self.placed(arg, place, node.span)?);
            }
        }
        let made = self.builder().emit(Op::If(then, other), &operands, node.ty.clone());
        let Some(types) = node.ty.as_tuple() else { return Ok(Val::Node(made)) };
        let item = |i: usize| match (self.constant_item(then, i), self.constant_item(other, i)) {
            (Some(a), Some(b)) if a == b => Val::known(a),
            _ => Val::Node(self.builder().get(made, i)),
        };
        Ok(Val::Items((0..types.len()).map(item).collect()))
    }

    fn constant_item(&self, graph: GraphId, index: usize) -> Option<Const> {
        let graph = self.out.graph(graph);
        let ret = graph.node(graph.ret);
        let item = if ret.op == Op::Tuple { graph.node(ret.args[index]) } else { return None };
        match &item.op {
            Op::Const(Const::Array(_)) => None,
            Op::Const(constant) => Some(constant.clone()),
            _ => None,
        }
    }

    /// A loop. State that the body passes on unchanged becomes invariant, and known if it was.
    pub(super) fn repeat(&mut self, node: &Node, (cond, body): (GraphId, GraphId), args: &[Val]) -> Res<Val> {
        let states = node.ty.as_tuple().expect("the state of a loop is a tuple").len();
        let (args, ended) = self.unrolled(cond, body, args, (states, node.span))?;
        if ended {
            return Ok(Val::Items(args[..states].into()));
        }
        let args = args.as_slice();
        let mut fixed: Vec<bool> = (0..args.len()).map(|i| i >= states).collect();
        let (known, flat) = loop {
            let known = known(args, |i| fixed[i]);
            let flat = self.subgraph(body, known.clone(), Of::Part, node.span)?;
            let unchanged = self.unchanged(flat, &known, states);
            if unchanged.iter().all(|&i| fixed[i]) {
                break (known, flat);
            }
            unchanged.into_iter().for_each(|i| fixed[i] = true);
        };
        let cond = self.subgraph(cond, known.clone(), Of::Part, node.span)?;
        let test = self.out.graph(cond);
        let never = test.node(test.ret).op == Op::Const(Const::Bool(false));
        if never || fixed[..states].iter().all(|f| *f) {
            return Ok(Val::Items(args[..states].into()));
        }
        let order = Order::new(&fixed, &known);
        let cond = self.reordered(cond, &order, None);
        let body = self.reordered(flat, &order, Some(&fixed[..states]));
        let operands: Vec<Val> = order.args.iter().map(|&i| args[i].clone()).collect();
        let operands = self.nodes(&operands, node.span)?;
        let ty = self.out.graph(body).result_type().clone();
        let made = self.builder().emit(Op::Loop { cond, body }, &operands, ty);
        let item = |i: usize| match order.args.iter().position(|&a| a == i) {
            Some(k) if !fixed[i] => Val::Node(self.builder().get(made, k)),
            _ => args[i].clone(),
        };
        Ok(Val::Items((0..states).map(item).collect()))
    }

    /// The state that a flat body returns as it came.
    fn unchanged(&self, body: GraphId, known: &[Option<Rc<Const>>], states: usize) -> Vec<usize> {
        let graph = self.out.graph(body);
        let params: Vec<usize> = (0..known.len()).filter(|&i| known[i].is_none()).collect();
        let same = |i: &usize| match known[*i] {
            Some(_) => true,
            None => {
                let param = params.binary_search(i).expect("it is not known");
                origin(&self.out, graph, *i) == Some(graph.params[param])
            }
        };
        (0..states).filter(same).collect()
    }

    /// A flat graph of a loop with its parameters in another order, and of its results only
    /// those that change.
    fn reordered(&mut self, id: GraphId, order: &Order, fixed: Option<&[bool]>) -> GraphId {
        if order.is_natural(fixed) {
            return id;
        }
        let graph: Graph = self.out.graph(id).clone();
        let mut b = Builder::new(&graph.name, graph.span);
        let params: Vec<NodeId> = order.params.iter().map(|&p| b.param(graph.ty(graph.params[p]).clone())).collect();
        let mut args = vec![NodeId(0); params.len()];
        for (&from, &to) in order.params.iter().zip(&params) {
            args[from] = to;
        }
        let mut ret =
            copy_nodes(&mut b, &graph, &args, |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone()))
                .get(graph.ret);
        if let Some(fixed) = fixed {
            let items: Vec<NodeId> =
                fixed.iter().enumerate().filter(|(_, f)| !**f).map(|(i, _)| b.get(ret, i)).collect();
            ret = b.tuple(&items);
        }
        self.out.add(b.finish(ret))
    }

    /// A derivative, of a flat graph. What it is taken with respect to is never known.
    pub(super) fn derivative(&mut self, node: &Node, spec: &VjpSpec, args: &[Val]) -> Res<Val> {
        let count = self.module.graph(spec.graph).params.len();
        let (args, seeds) = args.split_at(count);
        let known = known(args, |i| !spec.wrt.contains(&(i as u32)));
        let graph = self.subgraph(spec.graph, known.clone(), Of::Function, node.span)?;
        let kept: Vec<usize> = (0..count).filter(|&i| known[i].is_none()).collect();
        let place = |i: &u32| kept.binary_search(&(*i as usize)).expect("it is a parameter") as u32;
        let spec = VjpSpec { graph, wrt: spec.wrt.iter().map(place).collect(), seeds: spec.seeds };
        let operands: Vec<Val> = kept.iter().map(|&i| args[i].clone()).chain(seeds.iter().cloned()).collect();
        let operands = self.nodes(&operands, node.span)?;
        Ok(Val::Node(self.builder().emit(Op::Vjp(spec), &operands, node.ty.clone())))
    }
}

/// Which operands are known, of those that may be.
fn known(args: &[Val], may: impl Fn(usize) -> bool) -> Vec<Option<Rc<Const>>> {
    args.iter().enumerate().map(|(i, arg)| arg.as_known().filter(|_| may(i)).cloned()).collect()
}

/// The operands of a loop: what changes, then what does not and is not known.
struct Order {
    /// As operands of the loop in the program.
    args: Vec<usize>,
    /// As parameters of its flat graphs.
    params: Vec<usize>,
}

impl Order {
    fn new(fixed: &[bool], known: &[Option<Rc<Const>>]) -> Order {
        let kept: Vec<usize> = (0..fixed.len()).filter(|&i| known[i].is_none()).collect();
        let mut params: Vec<usize> = (0..kept.len()).collect();
        params.sort_by_key(|&p| fixed[kept[p]]);
        Order { args: params.iter().map(|&p| kept[p]).collect(), params }
    }

    /// Whether nothing is to be done.
    fn is_natural(&self, fixed: Option<&[bool]>) -> bool {
        self.params.is_sorted() && fixed.is_none_or(|fixed| !fixed.contains(&true))
    }
}
