//! The transform: from a graph to its forward and backward graphs.
//!
//! For `g : (x…) → y` and a mask of *active* parameters, [`Adjoints::of`] makes
//!
//! ```text
//! ▶g : (x…) → (y, r…)            the value and what the backward pass reads
//! ◀g : (r…, dy) → (dx…)          cotangents of the active parameters
//! ```
//!
//! Residuals `r` are nodes of ▶g that a derivative rule reads; one that is a parameter of g is not
//! returned, since the caller has it. A recursive graph is called through its closed form
//!
//! ```text
//! ▷g : (x…) → (y, ◁)             ◁ a function value: code ◀g, captures r…
//! ```
//!
//! so the chain of backpropagators of a recursion is a chain of records, and no residual has an
//! infinite type. A recursion that ends early is a branch, and each side of it makes its own ◁.
//! Function values are transformed to function values that return such pairs; the cotangent of one
//! is an `env`. After van Merriënboer et al. (2018), §3, on closed graphs; the residual form instead
//! of a closure where the code is known is an optimisation done at birth.
//!
//! Notation: F is the graph ▶g under construction, B is ◀g; `d` is the cotangent of a node. What
//! no sensitivity reaches has no `d`, and nothing is emitted for it.
//!
//! Phases of one graph: [`transform`] walks its nodes forward, then back, and ends both graphs. What
//! becomes of each operation is in [`nodes`], of control flow in [`branch`] and [`repeat`], of
//! function values and closed forms in [`function`].

mod branch;
mod function;
mod nodes;
mod repeat;
mod transform;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, GraphId, Module, NodeId, Op};
use adjudicate_ir::types::Type;
use rustc_hash::FxHashMap;

use crate::activity;

/// Which parameters of a graph are active.
pub(super) type Mask = Vec<bool>;

/// Where ◀g finds a residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Residual {
    /// It is this parameter of g.
    Param(usize),
    /// It is this item of the result of ▶g.
    Item(usize),
}

/// The two graphs of a graph.
#[derive(Clone, Debug)]
pub(super) struct Adjoint {
    /// ▶g.
    pub(super) forward: GraphId,
    /// ◀g.
    pub(super) backward: GraphId,
    /// The leading parameters of ◀g.
    pub(super) residuals: Vec<Residual>,
    /// Types of the residuals that ▶g returns.
    pub(super) returned: Vec<Type>,
    /// Types of the cotangents that ◀g returns.
    pub(super) cotangents: Vec<Type>,
}

/// What a closed form is of: a graph, its active parameters, where their cotangents go, and all that the backpropagator
/// returns.
type Closed = (GraphId, Mask, Vec<Option<usize>>, Vec<Type>);

/// Adjoints made so far.
pub(super) struct Adjoints<'m> {
    /// The graphs that are transformed, and those that are made.
    pub(super) module: &'m mut Module,
    recursive: FxHashMap<GraphId, bool>,
    open: FxHashMap<(GraphId, Mask), Adjoint>,
    closed: FxHashMap<Closed, GraphId>,
    /// By code and number of captures.
    adapters: FxHashMap<(GraphId, usize), GraphId>,
}

impl<'m> Adjoints<'m> {
    /// Nothing made yet.
    pub(super) fn new(module: &'m mut Module) -> Self {
        let recursive = adjudicate_ir::passes::recursive(module);
        Self {
            module,
            recursive,
            open: FxHashMap::default(),
            closed: FxHashMap::default(),
            adapters: FxHashMap::default(),
        }
    }

    /// Whether a graph of the module that is transformed reaches itself.
    fn is_recursive(&self, g: GraphId) -> bool {
        self.recursive.get(&g) == Some(&true)
    }

    /// The adjoint of a graph for these active parameters.
    pub(super) fn of(&mut self, g: GraphId, mask: &Mask) -> Adjoint {
        let key = (g, mask.clone());
        if let Some(done) = self.open.get(&key) {
            return done.clone();
        }
        let graph = self.module.graph(g);
        let is_choice = self.choice(g, &activity::of(self.module, graph, mask)).is_some();
        if self.is_recursive(g) && !is_choice {
            // Its body calls the closed form, which makes the adjoint: so there is one, not one inside another.
            self.closed(g, mask);
            if let Some(done) = self.open.get(&key) {
                return done.clone();
            }
        }
        let adjoint = if is_choice { self.of_choice(g, mask) } else { self.transform(g, mask) };
        self.open.insert(key, adjoint.clone());
        adjoint
    }
}

/// The type of ▶ of a value: function values return pairs.
pub(super) fn primed(ty: &Type) -> Type {
    match ty {
        Type::Fn(f) => {
            let mut cotangents = vec![Type::Env];
            cotangents.extend(f.params.iter().map(Type::cotangent));
            let back = Type::function(vec![f.result.cotangent()], Type::tuple(cotangents));
            let params = f.params.iter().map(primed).collect();
            Type::function(params, Type::tuple([primed(&f.result), back]))
        }
        Type::Tuple(items) => Type::Tuple(items.iter().map(primed).collect()),
        Type::Stack(item) => Type::stack(primed(item)),
        Type::Tensor(..) | Type::Env | Type::Unknown => ty.clone(),
    }
}

/// The call of ▶g: the value, then the residuals.
pub(super) fn call_forward(module: &Module, b: &mut Builder, adjoint: &Adjoint, args: &[NodeId]) -> NodeId {
    let ty = module.graph(adjoint.forward).result_type().clone();
    b.emit(Op::Call(adjoint.forward), args, ty)
}

/// What ◀g takes before `dy`, from the arguments of ▶g and its result.
pub(super) fn residual_nodes(b: &mut Builder, adjoint: &Adjoint, args: &[NodeId], called: NodeId) -> Vec<NodeId> {
    let place = |r: &Residual| match *r {
        Residual::Param(i) => args[i],
        Residual::Item(k) => b.get(called, k + 1),
    };
    adjoint.residuals.iter().map(place).collect()
}

/// Types of the cotangents of the active parameters.
fn active_types(graph: &Graph, mask: &Mask) -> Vec<Type> {
    let types = graph.param_types();
    types.iter().zip(mask).filter(|(_, m)| **m).map(|(ty, _)| ty.cotangent()).collect()
}
