//! One graph being transformed: two graphs under construction, and what joins them.
//!
//! B refers to a node of F by an *import*: a parameter of ◀g whose index is given at the end, when it
//! is known which imports are used. Imports stand in the order of the nodes of F.

use std::cell::RefCell;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, NodeId, Op};
use adjudicate_ir::prims;
use adjudicate_ir::types::Type;
use indexmap::IndexMap;
use rustc_hash::FxHashMap;

use super::branch::BranchPull;
use super::repeat::LoopPull;
use super::{Adjoint, Adjoints, Mask, Residual, active_types, primed};
use crate::activity::{self, Activity};
use crate::differential::Differential;

/// What the backward pass needs of a call, a branch or a loop in F.
pub(super) enum Pull {
    /// A call of a known graph: its adjoint, and its residuals at nodes of F.
    Open(Adjoint, Vec<NodeId>),
    /// A call of which F has a backpropagator, at this node.
    Closed(NodeId),
    /// A branch.
    Branch(BranchPull),
    /// A loop.
    Loop(LoopPull),
}

/// One graph being transformed.
pub(super) struct Transform<'a> {
    /// g.
    pub(super) graph: &'a Graph,
    /// Of the nodes of g.
    pub(super) activity: Activity,
    /// F.
    pub(super) f: Builder,
    /// For each node of g its copy in F.
    pub(super) fmap: Vec<NodeId>,
    /// Of nodes of g.
    pub(super) pulls: FxHashMap<NodeId, Pull>,
    /// B.
    pub(super) b: RefCell<Builder>,
    /// From nodes of F to nodes of B.
    imports: IndexMap<NodeId, NodeId>,
    /// For each node of g its cotangent so far.
    d: Vec<Differential>,
}

impl Adjoints<'_> {
    /// Both graphs of a graph.
    pub(super) fn transform(&mut self, g: GraphId, mask: &Mask) -> Adjoint {
        let graph = self.module.graph(g).clone();
        let activity = activity::of(self.module, &graph, mask);
        let name = &graph.name;
        let mut t = Transform {
            graph: &graph,
            activity,
            f: Builder::new(&format!("{name}'"), graph.span),
            fmap: Vec::new(),
            pulls: FxHashMap::default(),
            b: RefCell::new(Builder::new(&format!("d{name}"), graph.span)),
            imports: IndexMap::new(),
            d: vec![Differential::Zero; graph.nodes.len()],
        };
        self.forward(&mut t);
        self.backward(&mut t);
        self.assemble(t, mask)
    }

    /// Fills F, node by node.
    fn forward(&mut self, t: &mut Transform<'_>) {
        let params: Vec<NodeId> = t.graph.params.iter().map(|&p| t.f.param(primed(t.graph.ty(p)))).collect();
        for (id, node) in t.graph.iter() {
            t.f.span = node.span;
            let made = match &node.op {
                Op::Param(i) => params[*i as usize],
                op => {
                    let args: Vec<NodeId> = node.args.iter().map(|a| t.fmap[a.0 as usize]).collect();
                    self.forward_node(t, id, op, &args)
                }
            };
            t.fmap.push(made);
        }
    }

    /// Fills B, from the return node to the parameters.
    fn backward(&mut self, t: &mut Transform<'_>) {
        let seed = {
            let mut b = t.b.borrow_mut();
            b.param(t.graph.result_type().cotangent())
        };
        if t.activity.is_active(t.graph.ret) {
            t.d[t.graph.ret.0 as usize] = Differential::Whole(seed);
        }
        for (id, node) in t.graph.iter().rev() {
            let d = std::mem::replace(&mut t.d[id.0 as usize], Differential::Zero);
            if matches!(node.op, Op::Param(_)) {
                t.d[id.0 as usize] = d;
                continue;
            }
            if d.is_zero() || !t.activity.is_active(id) {
                continue;
            }
            t.b.borrow_mut().span = node.span;
            self.backward_node(t, id, d);
        }
    }

    /// Ends both graphs: ◀ takes the imports it really uses, ▶ returns them.
    fn assemble(&mut self, mut t: Transform<'_>, mask: &Mask) -> Adjoint {
        let mut items = Vec::new();
        for (i, &p) in t.graph.params.iter().enumerate() {
            if mask[i] {
                let ty = t.graph.ty(p).cotangent();
                let d = std::mem::replace(&mut t.d[p.0 as usize], Differential::Zero);
                items.push(d.materialise(&mut t.b.borrow_mut(), &ty));
            }
        }
        let cotangents = active_types(t.graph, mask);
        let mut builder = t.b.into_inner();
        let ret = builder.tuple(&items);
        let mut back = builder.finish(ret);
        let used = adjudicate_ir::passes::live(&back);
        let seed = back.params[0];
        let mut params = Vec::new();
        let mut residuals = Vec::new();
        let mut returned = Vec::new();
        let value = t.fmap[t.graph.ret.0 as usize];
        let mut out = vec![value];
        t.imports.sort_unstable_keys();
        for (source, import) in t.imports {
            if !used[import.0 as usize] {
                back.nodes[import.0 as usize].op = Op::Zero;
                continue;
            }
            params.push(import);
            residuals.push(match t.f.graph().node(source).op {
                Op::Param(i) => Residual::Param(i as usize),
                _ => {
                    out.push(source);
                    returned.push(t.f.ty(source).clone());
                    Residual::Item(returned.len() - 1)
                }
            });
        }
        params.push(seed);
        for (i, p) in params.iter().enumerate() {
            back.nodes[p.0 as usize].op = Op::Param(i as u32);
        }
        back.params = params;
        let ret = t.f.tuple(&out);
        let forward = self.module.add(t.f.finish(ret));
        let backward = self.module.add(back);
        Adjoint { forward, backward, residuals, returned, cotangents }
    }
}

impl Transform<'_> {
    /// A node of F inside B: a constant again, another shape of a residual, everything else as a residual.
    pub(super) fn import(&mut self, source: NodeId) -> NodeId {
        if let Some(import) = self.imports.get(&source) {
            return *import;
        }
        let node = self.f.graph().node(source);
        let mut b = self.b.borrow_mut();
        if matches!(node.op, Op::Const(_) | Op::Zero) {
            return b.emit(node.op.clone(), &[], node.ty.clone());
        }
        if let Some(base) = self.reshaped(source) {
            let (op, ty) = (node.op.clone(), node.ty.clone());
            drop(b);
            let base = self.import(base);
            return self.b.borrow_mut().emit(op, &[base], ty);
        }
        // The index is given when the graph is assembled.
        let import = b.emit(Op::Param(0), &[], node.ty.clone());
        self.imports.insert(source, import);
        import
    }

    /// The node of F that this one is another shape of, which costs less than to keep both.
    fn reshaped(&self, source: NodeId) -> Option<NodeId> {
        let operand = |id: NodeId| match &self.f.graph().node(id).op {
            Op::Prim(prim) if std::ptr::eq(prim.def, &prims::RESHAPE) => Some(self.f.graph().node(id).args[0]),
            _ => None,
        };
        std::iter::successors(operand(source), |&id| operand(id)).last()
    }

    /// Whether a call, branch or loop must be of transformed graphs: sensitivity flows through it,
    /// or function values do.
    pub(super) fn is_transformed(&self, id: NodeId) -> bool {
        let takes_function = |&a: &NodeId| activity::holds_function(self.graph.ty(a));
        self.activity.is_active(id) || self.graph.node(id).args.iter().any(takes_function)
    }

    /// A node of g inside B, by its copy in F.
    pub(super) fn import_node(&mut self, id: NodeId) -> NodeId {
        self.import(self.fmap[id.0 as usize])
    }

    /// A cotangent as one node of B, for a node of this type.
    pub(super) fn whole(&self, d: &Differential, ty: &Type) -> NodeId {
        d.materialise(&mut self.b.borrow_mut(), &ty.cotangent())
    }

    /// The call of a backpropagator in B.
    pub(super) fn apply(&self, function: NodeId, dy: NodeId) -> NodeId {
        let mut b = self.b.borrow_mut();
        let Type::Fn(ty) = b.ty(function).clone() else { panic!("a backpropagator is a function") };
        b.emit(Op::Apply(Default::default()), &[function, dy], ty.result.clone())
    }

    /// Adds to the cotangent of a node, if it is active.
    pub(super) fn contribute(&mut self, to: NodeId, d: Differential) {
        if !self.activity.is_active(to) || d.is_zero() {
            return;
        }
        let old = std::mem::replace(&mut self.d[to.0 as usize], Differential::Zero);
        self.d[to.0 as usize] = old.plus(d, &mut self.b.borrow_mut());
    }

    /// Contributions to the active ones of some operands, from the tuple of their cotangents.
    pub(super) fn distribute(&mut self, operands: &[NodeId], all: NodeId) {
        let active: Vec<NodeId> = operands.iter().copied().filter(|&a| self.activity.is_active(a)).collect();
        for (k, a) in active.into_iter().enumerate() {
            let da = self.b.borrow_mut().get(all, k);
            self.contribute(a, Differential::Whole(da));
        }
    }
}
