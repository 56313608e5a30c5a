//! Loop fission: what every trip of a counted loop does by itself is done for all trips at once.
//!
//! The body of a loop falls into three parts ([`parts`]):
//!
//! - *before*: what depends on the invariants, the counters and the items that trips pop off stacks;
//! - the *core*: what the state of the next trip depends on, one trip after the other;
//! - *after*: what is only added up or pushed, and depends on the core.
//!
//! The trips are the lanes of a batched graph ([`crate::batch`]) for what comes before, whose rows the core reads
//! by index, and of another for what comes after, for which the core pushes what is needed. So the input products
//! of a recurrent network are one product of matrices, and so is the gradient of its weights; a loop without a core
//! is no loop at all. Sums over trips come in another order, and so do sums in the core ([`sums`]).
//!
//! ```text
//! for t: h = f(h, g(xₜ)); s += e(h)   =   gs = map g x;  for t: h = f(h, gsₜ); push h;   s += sum (map e hs)
//! ```

mod core;
mod parts;
mod sums;

use adjudicate_kernels::Array;
use rustc_hash::FxHashMap;

use crate::batch::{self, Mask};
use crate::builder::Builder;
use crate::graph::{Const, Graph, GraphId, Module, NodeId, Op};
use crate::prims::{BROADCAST_TO, MUL, POP_ROWS, PUSH_ROWS, SCATTER_ADD, SUM};
use crate::types::Type;

use super::counted::counted;
use super::rewrite::{copy_nodes, rebuild, sweep};
use super::sites::{Site, Sites};
use super::{Pass, Run};

use parts::{Parts, Role};

pub(super) const FISSION: Pass = Pass {
    name: "fission",
    about: "does for all trips of a counted loop at once what does not depend on the trip before",
    run: Run::Module(run),
};

fn run(module: &mut Module) -> Vec<GraphId> {
    let old = module.graphs.len();
    let mut changed = Vec::new();
    while let Some((user, new)) = first(module, old) {
        module.graphs[user.0 as usize] = new;
        changed.push(user);
    }
    changed
}

/// The user of the first loop that is taken apart, with the loop in parts. Loops of graphs that are not `old` have
/// been.
fn first(module: &mut Module, old: usize) -> Option<(GraphId, Graph)> {
    let sites = Sites::of(module);
    for class in &sites.classes {
        let (Some(body), false, [site]) = (class.body, class.fixed_result, &class.sites[..]) else { continue };
        let Op::Loop { cond, .. } = module.graph(site.user).node(site.node).op else { continue };
        if body.0 as usize >= old {
            continue;
        }
        let (user, mut trip) = (module.graph(site.user), module.graph(body).clone());
        let Some(counted) = counted(user, user.node(site.node), module.graph(cond), &trip) else { continue };
        if let Some(regrouped) = Parts::of(&trip, &counted).and_then(|parts| sums::regrouped(&parts)) {
            trip = regrouped;
        }
        let parts = Parts::of(&trip, &counted).filter(Parts::pays);
        if let Some(new) = parts.and_then(|parts| split(module, site, &parts)) {
            return Some((site.user, new));
        }
    }
    None
}

/// A graph to be computed for all trips at once, and where its operands and results stand in the body.
struct Lanes {
    graph: Graph,
    leaves: Vec<NodeId>,
    /// Which results differ from trip to trip.
    masks: Vec<bool>,
}

/// Values of all trips, by node of the body: the node of the user, and whether it has the axis of the trips.
type Rows = FxHashMap<NodeId, (NodeId, bool)>;

/// The user of a loop with the loop in parts.
fn split(module: &mut Module, site: &Site, parts: &Parts<'_>) -> Option<Graph> {
    let before = lanes(module, parts, &parts.before, &|id| parts.is_given(id), &|id| parts.varies(id))?;
    let varying: FxHashMap<NodeId, bool> = parts.before.iter().copied().zip(before.masks.iter().copied()).collect();
    let differs = |id: NodeId| varying.get(&id).copied().unwrap_or_else(|| parts.varies(id) || parts.is_core(id));
    let after = lanes(module, parts, &parts.after, &|id| !parts.is_after(id), &differs)?;
    let code = core::graphs(parts, &varying).map(|(cond, body)| (module.add(cond), module.add(body)));
    let user = module.graph(site.user);
    let mut new = rebuild(user, |b, id, op, args| match id == site.node {
        true => Emitter { b, parts, args, rows: Rows::default() }.emit(&before, &after, code),
        false => b.emit(op.clone(), args, user.ty(id).clone()),
    });
    sweep(&mut new);
    Some(new)
}

/// The part of the body from some leaves to some results, batched over the trips.
fn lanes(
    module: &mut Module,
    parts: &Parts<'_>,
    results: &[NodeId],
    is_leaf: &dyn Fn(NodeId) -> bool,
    varies: &dyn Fn(NodeId) -> bool,
) -> Option<Lanes> {
    let body = parts.body;
    let mut wanted = vec![false; body.nodes.len()];
    results.iter().for_each(|r| wanted[r.0 as usize] = true);
    let mut leaves = Vec::new();
    for (id, node) in body.iter().rev().filter(|(id, _)| parts.live[id.0 as usize]) {
        match node.op {
            _ if !wanted[id.0 as usize] => {}
            Op::Const(_) | Op::Zero => {}
            _ if is_leaf(id) => leaves.push(id),
            _ => node.args.iter().for_each(|a| wanted[a.0 as usize] = true),
        }
    }
    let mut b = Builder::new(&body.name, body.span);
    let mut map = vec![None; body.nodes.len()];
    for &leaf in &leaves {
        map[leaf.0 as usize] = Some(b.param(body.ty(leaf).clone()));
    }
    for (id, node) in body.iter().filter(|(id, _)| wanted[id.0 as usize]) {
        if map[id.0 as usize].is_none() {
            b.span = node.span;
            let args: Vec<NodeId> = node.args.iter().map(|a| map[a.0 as usize].expect("operands come first")).collect();
            map[id.0 as usize] = Some(b.emit(node.op.clone(), &args, node.ty.clone()));
        }
    }
    let items: Vec<NodeId> = results.iter().map(|r| map[r.0 as usize].expect("a result")).collect();
    let ret = b.tuple(&items);
    let graph = module.add(b.finish(ret));
    let masks: Vec<Mask> = leaves.iter().map(|&l| if varies(l) { Mask::All } else { Mask::None }).collect();
    let batched = batch::batch(module, graph, &masks, &Mask::None, parts.trips).ok()?;
    let masks = (0..results.len()).map(|i| batched.result.item(i).any()).collect();
    Some(Lanes { graph: module.graph(batched.graph).clone(), leaves, masks })
}

/// Puts the parts of a loop in its place.
struct Emitter<'e> {
    b: &'e mut Builder,
    parts: &'e Parts<'e>,
    /// The operands of the loop.
    args: &'e [NodeId],
    rows: Rows,
}

impl Emitter<'_> {
    /// The tuple of the final state.
    fn emit(mut self, before: &Lanes, after: &Lanes, code: Option<(GraphId, GraphId)>) -> NodeId {
        let parts = self.parts;
        let mut last: Vec<Option<NodeId>> = vec![None; parts.roles.len()];
        for (i, &arg) in self.args.iter().enumerate() {
            match parts.roles.get(i) {
                None => {
                    self.rows.insert(parts.body.params[i], (arg, false));
                }
                Some(Role::Counter(counter)) => {
                    let of_lane = |lane: usize| counter.after(parts.trip_of(lane)).expect("within the range counted");
                    let all: Vec<i64> = (0..parts.trips).map(of_lane).collect();
                    let all = self.b.constant(Const::Ints(Array::from_vec(&[parts.trips], all)));
                    self.rows.insert(parts.body.params[i], (all, true));
                    let end = counter.after(parts.trips).expect("within the range counted");
                    last[i] = Some(self.b.constant(Const::I64(end)));
                }
                Some(Role::Popped(items)) if !parts.kept[i] => {
                    let popped = self.b.prim(&POP_ROWS, &[parts.trips as i64, 0, 0], &[arg]);
                    let rows = self.b.get(popped, 1);
                    self.rows.extend(items.iter().map(|&item| (item, (rows, true))));
                    last[i] = Some(self.b.get(popped, 0));
                }
                Some(_) => {}
            }
        }
        self.lanes(before, &parts.before);
        if let Some(code) = code {
            self.core(code, &mut last);
        }
        self.lanes(after, &parts.after);
        let items: Vec<NodeId> = (0..last.len()).map(|i| last[i].unwrap_or_else(|| self.result(i))).collect();
        self.b.tuple(&items)
    }

    /// A batched part with its results.
    fn lanes(&mut self, lanes: &Lanes, results: &[NodeId]) {
        let args: Vec<NodeId> = lanes.leaves.iter().map(|leaf| self.rows[leaf].0).collect();
        let made = copy_nodes(self.b, &lanes.graph, &args, |b, id, op, args| {
            b.emit(op.clone(), args, lanes.graph.ty(id).clone())
        });
        let all = made.get(lanes.graph.ret);
        for (i, (&result, &mask)) in results.iter().zip(&lanes.masks).enumerate() {
            let item = self.b.get(all, i);
            self.rows.insert(result, (item, mask));
        }
    }

    /// The loop that is left, and the rows it pushes.
    fn core(&mut self, (cond, body): (GraphId, GraphId), last: &mut [Option<NodeId>]) {
        let parts = self.parts;
        let mut operands: Vec<NodeId> = parts.kept_states().map(|i| self.args[i]).collect();
        for &pushed in &parts.pushed {
            operands.push(self.b.zero(Type::stack(parts.body.ty(pushed).clone())));
        }
        operands.push(self.b.constant(Const::I64(parts.first_lane())));
        let types: Vec<Type> = operands.iter().map(|&o| self.b.ty(o).clone()).collect();
        operands.extend(parts.core_inputs().map(|id| self.rows[&id].0));
        let ran = self.b.emit(Op::Loop { cond, body }, &operands, Type::tuple(types));
        for (at, i) in parts.kept_states().enumerate() {
            last[i] = Some(self.b.get(ran, at));
        }
        let kept = parts.kept_states().count();
        for &id in &parts.recorded {
            let stack = match parts.pushed.iter().position(|&p| p == id) {
                Some(at) => self.b.get(ran, kept + at),
                None => last[parts.stack_of(id).expect("it is pushed")].expect("a stack that is kept"),
            };
            let popped = self.b.prim(&POP_ROWS, &[parts.trips as i64, i64::from(parts.descends), 0], &[stack]);
            let rows = self.b.get(popped, 1);
            self.rows.insert(id, (rows, true));
        }
    }

    /// The final value of what is added up or pushed outside of the core.
    fn result(&mut self, i: usize) -> NodeId {
        let init = self.args[i];
        match self.parts.roles[i] {
            Role::Sum(term) => {
                let sum = self.total(term);
                self.b.accumulate(init, sum)
            }
            Role::Elements(at, term) => {
                let (at, term) = (self.repeated(at), self.repeated(term));
                self.b.prim(&SCATTER_ADD, &[0], &[init, at, term])
            }
            Role::Pushed(item) => {
                let rows = self.repeated(item);
                self.b.prim(&PUSH_ROWS, &[i64::from(self.parts.descends), 0], &[init, rows])
            }
            Role::Core | Role::Counter(_) | Role::Popped(_) => panic!("its last value is known"),
        }
    }

    /// The sum over all trips.
    fn total(&mut self, term: NodeId) -> NodeId {
        let (rows, varies) = self.rows(term);
        if self.b.graph().node(rows).op == Op::Zero {
            return self.b.zero(self.parts.body.ty(term).clone());
        }
        if varies {
            return self.b.prim(&SUM, &[0], &[rows]);
        }
        let count = self.b.constant(Const::F64(self.parts.trips as f64));
        self.b.prim(&MUL, &[], &[rows, count])
    }

    fn rows(&mut self, id: NodeId) -> (NodeId, bool) {
        match &self.parts.body.node(id).op {
            op @ (Op::Const(_) | Op::Zero) => (self.b.emit(op.clone(), &[], self.parts.body.ty(id).clone()), false),
            _ => self.rows[&id],
        }
    }

    /// A row for each trip, also of what is the same in all.
    fn repeated(&mut self, id: NodeId) -> NodeId {
        let (rows, varies) = self.rows(id);
        if varies {
            return rows;
        }
        let (elem, shape) = self.b.ty(rows).as_tensor().map(|(elem, shape)| (elem, shape.to_vec())).expect("a tensor");
        let full = [&[self.parts.trips], &shape[..]].concat();
        if self.b.graph().node(rows).op == Op::Zero {
            return self.b.zero(Type::tensor(elem, &full));
        }
        let attrs: Vec<i64> = full.iter().map(|&n| n as i64).collect();
        self.b.prim(&BROADCAST_TO, &attrs, &[rows])
    }
}
