//! Where graphs are used, for passes that change what a graph takes or returns.
//!
//! Graphs that must take the same operands form a *class*: the two branches of an `if`, the
//! condition and the body of a `loop`. Every operation that refers to a graph of the class is a
//! *site* of it. What may be changed:
//!
//! - nothing of the entry, of a graph to be differentiated, and of a loop's graphs used elsewhere;
//! - of the code of function values the leading parameters that are captures, and not the result;
//! - everything else, of all graphs and all sites together.

use crate::graph::{Graph, GraphId, Module, Node, NodeId, Op};

/// An operation that refers to a graph of a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    pub(super) user: GraphId,
    pub(super) node: NodeId,
}

/// Graphs that take the same operands.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    pub(super) graphs: Vec<GraphId>,
    pub(super) sites: Vec<Site>,
    /// So many leading parameters may be changed.
    pub(super) free: usize,
    /// Whether the result must stay.
    pub(super) fixed_result: bool,
    /// The body, if this is a loop.
    pub(super) body: Option<GraphId>,
}

/// The classes of a module.
pub(super) struct Sites {
    pub(super) reachable: Vec<GraphId>,
    pub(super) classes: Vec<Class>,
    of: Vec<Option<usize>>,
}

/// The operands of a site that are parameters of its graphs, in order, from the first.
pub(super) fn operands(node: &Node) -> &[NodeId] {
    &node.args[first_operand(&node.op)..]
}

/// How many items the state of a loop with this body has.
pub(super) fn states(body: &Graph) -> usize {
    body.result_type().as_tuple().map_or(0, <[_]>::len)
}

/// The position of the first operand that is a parameter.
pub(super) fn first_operand(op: &Op) -> usize {
    usize::from(matches!(op, Op::If(..)))
}

/// The node of an item of the result, if the graph makes it where it returns it.
pub(super) fn returned(graph: &Graph, item: usize) -> Option<NodeId> {
    let ret = graph.node(graph.ret);
    match (&ret.op, graph.result_type().as_tuple()) {
        (Op::Tuple, _) => Some(ret.args[item]),
        (_, None) => Some(graph.ret),
        (_, Some(_)) => None,
    }
}

impl Sites {
    /// Finds the uses of the graphs that the entry reaches.
    pub(super) fn of(module: &Module) -> Self {
        let reachable = module.reachable();
        let mut found = Finder::new(module);
        for &user in &reachable {
            for (node, Node { op, .. }) in module.graph(user).iter() {
                found.site(Site { user, node }, op, module);
            }
        }
        found.finish(module, reachable)
    }

    /// The class of a graph.
    pub(super) fn class_of(&self, graph: GraphId) -> usize {
        self.of[graph.0 as usize].expect("the graph is reachable")
    }

    /// The class that an operation is a site of.
    pub(super) fn class_at(&self, op: &Op) -> Option<usize> {
        match op {
            Op::Call(g) | Op::Closure(g) | Op::If(g, _) | Op::Loop { body: g, .. } => Some(self.class_of(*g)),
            Op::Vjp(_)
            | Op::Fused(_)
            | Op::Param(_)
            | Op::Const(_)
            | Op::Zero
            | Op::Prim(_)
            | Op::Tuple
            | Op::Get(_)
            | Op::Apply(_)
            | Op::Outer(..)
            | Op::Fn(_)
            | Op::Builtin(_)
            | Op::Record(_) => None,
        }
    }
}

/// What is known of a graph while sites are collected.
#[derive(Clone, Debug, Default)]
struct Uses {
    sites: Vec<Site>,
    looped: bool,
    captures: Option<usize>,
    fixed: bool,
}

struct Finder {
    uses: Vec<Uses>,
    parent: Vec<u32>,
    loops: Vec<(GraphId, GraphId)>,
}

impl Finder {
    fn new(module: &Module) -> Self {
        let count = module.graphs.len();
        let mut uses = vec![Uses::default(); count];
        uses[module.entry.0 as usize].fixed = true;
        Self { uses, parent: (0..count as u32).collect(), loops: Vec::new() }
    }

    fn root(&mut self, g: GraphId) -> GraphId {
        let mut root = g.0;
        while self.parent[root as usize] != root {
            let above = self.parent[self.parent[root as usize] as usize];
            self.parent[root as usize] = above;
            root = above;
        }
        GraphId(root)
    }

    fn join(&mut self, a: GraphId, b: GraphId) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.0.max(b.0) as usize] = a.0.min(b.0);
    }

    fn site(&mut self, site: Site, op: &Op, module: &Module) {
        for g in op.graphs() {
            self.uses[g.0 as usize].sites.push(site);
        }
        match *op {
            Op::If(a, b) => self.join(a, b),
            Op::Loop { cond, body } => {
                self.join(cond, body);
                self.loops.push((cond, body));
                for g in [cond, body] {
                    self.uses[g.0 as usize].looped = true;
                }
            }
            Op::Closure(g) => {
                let captures = module.graph(site.user).node(site.node).args.len();
                let uses = &mut self.uses[g.0 as usize];
                uses.captures = Some(uses.captures.map_or(captures, |c| c.min(captures)));
            }
            Op::Vjp(ref spec) => self.uses[spec.graph.0 as usize].fixed = true,
            Op::Fused(g) => self.uses[g.0 as usize].fixed = true,
            _ => {}
        }
    }

    fn finish(mut self, module: &Module, reachable: Vec<GraphId>) -> Sites {
        let mut of = vec![None; module.graphs.len()];
        let mut classes: Vec<Class> = Vec::new();
        for &g in &reachable {
            let root = self.root(g).0 as usize;
            let class = *of[root].get_or_insert_with(|| {
                classes.push(Class { free: usize::MAX, ..Class::default() });
                classes.len() - 1
            });
            of[g.0 as usize] = Some(class);
            let uses = &self.uses[g.0 as usize];
            let (class, params) = (&mut classes[class], module.graph(g).params.len());
            class.graphs.push(g);
            class.sites.extend(&uses.sites);
            let fixed = uses.fixed || uses.looped && uses.sites.len() > 1;
            class.free = class.free.min(if fixed { 0 } else { uses.captures.unwrap_or(params) });
            class.fixed_result |= fixed || uses.captures.is_some();
        }
        for (cond, body) in self.loops {
            let class = &mut classes[of[body.0 as usize].expect("a class")];
            if cond == body || class.graphs.len() > 2 {
                class.free = 0;
                class.fixed_result = true;
            }
            class.body = Some(body);
        }
        for class in &mut classes {
            class.sites.sort_by_key(|s| (s.user, s.node));
            class.sites.dedup_by_key(|s| (s.user, s.node));
            if class.body.is_some() && (class.fixed_result || class.free < module.graph(class.graphs[0]).params.len()) {
                class.free = 0;
                class.fixed_result = true;
            }
        }
        Sites { reachable, classes, of }
    }
}
