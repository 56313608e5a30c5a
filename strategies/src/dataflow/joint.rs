//! The gradient of a subgraph: a branch, or the body of a loop.
//!
//! The walk first makes one *joint* graph, forward nodes and then the nodes of the reverse walk,
//! which read forward nodes directly. The joint graph is then cut between the two:
//!
//! ```text
//! forward  : (x…) → (y…, r…)        what the reverse part reads is returned too
//! backward : (r…, dy…) → (dx…)
//! ```
//!
//! Residuals `r` stand in the order of the forward part. One that is a parameter is not returned, since the caller has it.
//! Constants, and what is only another view of a residual, are made again in the backward part.

use std::cell::RefCell;
use std::rc::Rc;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, NodeId, Op};
use adjudicate_ir::passes::{copy_nodes, live};
use adjudicate_ir::types::Type;
use rustc_hash::FxHashMap;

use super::activity::{Activity, Mask};
use super::gradient::Gradients;
use crate::differential::Differential;

/// Where the backward part finds a residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Residual {
    /// It is this parameter of the forward part.
    Param(usize),
    /// It is this item of the result of the forward part.
    Item(usize),
}

/// The two parts.
#[derive(Debug)]
pub(super) struct Joint {
    /// From the parameters to the values, then the residuals that are not parameters.
    pub(super) forward: Graph,
    /// How many values there are.
    pub(super) values: usize,
    /// The leading parameters of the backward part.
    pub(super) residuals: Vec<Residual>,
    /// From the residuals and the cotangents of active values to those of active parameters.
    pub(super) backward: Graph,
}

impl Joint {
    /// The type of a residual.
    pub(super) fn ty(&self, residual: Residual) -> &Type {
        self.forward.ty(self.node(residual))
    }

    /// The node of the forward part that a residual is.
    pub(super) fn node(&self, residual: Residual) -> NodeId {
        match residual {
            Residual::Param(i) => self.forward.params[i],
            Residual::Item(k) => self.forward.node(self.forward.ret).args[k],
        }
    }
}

/// The nodes of a graph in place of a call of it.
pub(super) fn splice(b: &mut Builder, graph: &Graph, args: &[NodeId]) -> NodeId {
    copy_nodes(b, graph, args, |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone())).get(graph.ret)
}

/// The items of a result, or the result itself.
pub(super) fn items(b: &mut Builder, result: NodeId) -> Vec<NodeId> {
    match b.ty(result).as_tuple().map(<[Type]>::len) {
        Some(count) => (0..count).map(|i| b.get(result, i)).collect(),
        None => vec![result],
    }
}

/// Stack that one subgraph within another may need, and how much is added at a time.
const RED_ZONE: usize = 256 << 10;
const STACK: usize = 4 << 20;

impl Gradients<'_> {
    /// The two parts of a graph for active parameters and values.
    pub(super) fn joint(&mut self, id: GraphId, params: &Mask, values: &Mask) -> Rc<Joint> {
        let key = (id, params.clone(), values.clone());
        if let Some(done) = self.joints.get(&key) {
            return done.clone();
        }
        let joint = stacker::maybe_grow(RED_ZONE, STACK, || Rc::new(self.make_joint(id, params, values)));
        self.joints.insert(key, joint.clone());
        joint
    }

    fn make_joint(&mut self, id: GraphId, active: &Mask, given: &Mask) -> Joint {
        let graph = self.module.graph(id).clone();
        let b = RefCell::new(Builder::new(&graph.name, graph.span));
        let params: Vec<NodeId> = graph.param_types().into_iter().map(|ty| b.borrow_mut().param(ty)).collect();
        let mut walk = self.forward(&b, &graph, &params, Activity::of(self.module, &graph, active, given));
        let values = items(&mut b.borrow_mut(), walk.result());
        let boundary = b.borrow().graph().nodes.len();
        let seed = |(&value, &given): (&NodeId, &bool)| match given {
            true => {
                let ty = b.borrow().ty(value).cotangent();
                Differential::Whole(b.borrow_mut().param(ty))
            }
            false => Differential::Zero,
        };
        let seeds: Vec<Differential> = values.iter().zip(given).map(seed).collect();
        let pulled = self.reverse(&b, &mut walk, seeds);
        let wanted = pulled.iter().zip(&params).zip(active).filter(|(_, a)| **a);
        let mut b = b.into_inner();
        let cotangents: Vec<NodeId> = wanted
            .map(|((d, &param), _)| {
                let ty = b.ty(param).cotangent();
                d.materialise(&mut b, &ty)
            })
            .collect();
        let ret = b.tuple(&cotangents);
        cut(b.finish(ret), boundary, params.len(), &values)
    }
}

/// Cuts a joint graph into the nodes before the boundary and those from there on.
fn cut(joint: Graph, boundary: usize, params: usize, values: &[NodeId]) -> Joint {
    let mut cut = Cut { joint: &joint, boundary, read: Vec::new(), places: FxHashMap::default() };
    let live = live(&joint);
    for (id, node) in joint.iter().skip(boundary).filter(|(id, _)| live[id.0 as usize]) {
        if id != joint.ret || joint.node(id).op == Op::Tuple {
            node.args.iter().for_each(|&a| cut.read(a));
        }
    }
    let mut read = std::mem::take(&mut cut.read);
    read.sort_unstable();
    let backward = cut.backward(&read, params, &live);
    let mut returned = values.to_vec();
    let residuals = read.iter().map(|&r| match joint.node(r).op {
        Op::Param(i) => Residual::Param(i as usize),
        _ => {
            returned.push(r);
            Residual::Item(returned.len() - 1)
        }
    });
    let residuals = residuals.collect();
    let forward = returning(&joint, boundary, params, &returned);
    Joint { forward, values: values.len(), residuals, backward }
}

/// The nodes before the boundary as a graph that returns some of them.
fn returning(joint: &Graph, boundary: usize, params: usize, returned: &[NodeId]) -> Graph {
    let mut b = Builder::new(&joint.name, joint.span);
    for &p in &joint.params[..params] {
        b.param(joint.ty(p).clone());
    }
    debug_assert!(joint.params[..params].iter().enumerate().all(|(i, p)| p.0 as usize == i), "parameters come first");
    for node in &joint.nodes[params..boundary] {
        b.span = node.span;
        b.emit(node.op.clone(), &node.args, node.ty.clone());
    }
    let ret = b.tuple(returned);
    b.finish(ret)
}

struct Cut<'j> {
    joint: &'j Graph,
    boundary: usize,
    /// Residuals.
    read: Vec<NodeId>,
    /// Nodes that have been read, and what they are in the backward part.
    places: FxHashMap<NodeId, Option<NodeId>>,
}

impl Cut<'_> {
    /// Whether a forward node is made again and not kept.
    fn is_remade(&self, id: NodeId) -> bool {
        match &self.joint.node(id).op {
            Op::Const(_) | Op::Zero | Op::Tuple => true,
            Op::Prim(prim) => matches!(prim.def.name, "reshape" | "broadcast_to"),
            _ => false,
        }
    }

    fn read(&mut self, id: NodeId) {
        if id.0 as usize >= self.boundary || self.places.insert(id, None).is_some() {
            return;
        }
        if self.is_remade(id) {
            self.joint.node(id).args.iter().for_each(|&a| self.read(a));
        } else {
            self.read.push(id);
        }
    }

    fn backward(&mut self, read: &[NodeId], params: usize, live: &[bool]) -> Graph {
        let joint = self.joint;
        let mut b = Builder::new(&format!("d{}", joint.name), joint.span);
        for &id in read.iter().chain(&joint.params[params..]) {
            let param = b.param(joint.ty(id).clone());
            self.places.insert(id, Some(param));
        }
        for (id, node) in joint.iter().skip(self.boundary) {
            if live[id.0 as usize] && !matches!(node.op, Op::Param(_)) {
                self.copy(&mut b, id);
            }
        }
        let ret = self.copy(&mut b, joint.ret);
        b.finish(ret)
    }

    fn copy(&mut self, b: &mut Builder, id: NodeId) -> NodeId {
        if let Some(Some(done)) = self.places.get(&id) {
            return *done;
        }
        let node = self.joint.node(id);
        let args: Vec<NodeId> = node.args.iter().map(|&a| self.copy(b, a)).collect();
        b.span = node.span;
        let made = b.emit(node.op.clone(), &args, node.ty.clone());
        self.places.insert(id, Some(made));
        made
    }
}
