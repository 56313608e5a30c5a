//! What of the body of a loop comes before, in and after the core.

use crate::batch::BatchRule;
use crate::graph::{Const, Graph, NodeId, Op};
use crate::passes::counted::{Counted, Counter};
use crate::passes::live;
use crate::types::{Elem, Type};

/// Values of more elements in all trips are not made for all trips at once: they would leave the second-level
/// cache, where one trip after the other finds its own.
const MAX_ELEMENTS: usize = 1 << 17;

/// To push or read a row of so many elements costs what an operation costs beside its work.
pub(super) const ELEMENTS: usize = 256;

/// What an item of the state is to the trips.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Role {
    /// Anything: each trip may need what the trip before made.
    Core,
    /// An integer that is known in every trip.
    Counter(Counter),
    /// A stack off which every trip takes one item, at these nodes.
    Popped(Vec<NodeId>),
    /// A stack on which every trip puts this.
    Pushed(NodeId),
    /// A sum to which every trip adds this.
    Sum(NodeId),
    /// An array to which every trip adds, at an index or at several, parts.
    Elements(NodeId, NodeId),
}

/// How a node of the body is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// From what is given in every trip; whether that differs between trips.
    Before {
        varies: bool,
    },
    Core,
    After,
    /// Only says what the role of an item of the state says.
    Plumbing,
}

/// The body of a counted loop in parts.
#[derive(Debug)]
pub(super) struct Parts<'g> {
    pub(super) body: &'g Graph,
    pub(super) live: Vec<bool>,
    pub(super) trips: usize,
    pub(super) roles: Vec<Role>,
    /// Whether the row of a trip stands where the trip counts down to.
    pub(super) descends: bool,
    /// Results of what comes before: what the core and what comes after need of it.
    pub(super) before: Vec<NodeId>,
    /// Results of what comes after.
    pub(super) after: Vec<NodeId>,
    /// Nodes of the core whose values in all trips are needed after it.
    pub(super) recorded: Vec<NodeId>,
    /// Those of them for which the core has a stack of its own.
    pub(super) pushed: Vec<NodeId>,
    /// Which items of the state the core still has.
    pub(super) kept: Vec<bool>,
    parts: Vec<Part>,
    /// What is computed after the core; the core may have it too.
    computed_after: Vec<bool>,
    cheap: Vec<bool>,
}

/// Live readers of each node, as often as they read it.
type Readers = Vec<Vec<NodeId>>;

impl<'g> Parts<'g> {
    /// Takes the body of a loop apart.
    pub(super) fn of(body: &'g Graph, counted: &Counted) -> Option<Self> {
        let live = live(body);
        let ret = body.node(body.ret);
        if ret.op != Op::Tuple || counted.trips == 0 {
            return None;
        }
        let mut readers: Readers = vec![Vec::new(); body.nodes.len()];
        for (id, node) in body.iter().filter(|(id, _)| live[id.0 as usize]) {
            node.args.iter().for_each(|a| readers[a.0 as usize].push(id));
        }
        let fits = |ty: &Type| ty.size().checked_mul(counted.trips).is_some_and(|n| n <= MAX_ELEMENTS);
        let roles = (0..ret.args.len()).map(|i| match counted.counters[i] {
            Some(counter) => Role::Counter(counter),
            None => role(body, &readers, i, &fits),
        });
        let roles: Vec<Role> = roles.collect();
        let parts = classify(body, &live, &readers, &roles, (counted.trips, &fits));
        let mut parts = Parts {
            body,
            live,
            trips: counted.trips,
            kept: roles.iter().map(|r| *r == Role::Core).collect(),
            cheap: cheap(body, &roles),
            roles,
            descends: false,
            before: Vec::new(),
            after: Vec::new(),
            recorded: Vec::new(),
            pushed: Vec::new(),
            computed_after: vec![false; body.nodes.len()],
            parts,
        };
        parts.choose();
        Some(parts)
    }

    fn part(&self, id: NodeId) -> Part {
        self.parts[id.0 as usize]
    }

    /// Whether a node is computed after the core.
    pub(super) fn is_after(&self, id: NodeId) -> bool {
        self.computed_after[id.0 as usize]
    }

    pub(super) fn is_core(&self, id: NodeId) -> bool {
        self.part(id) == Part::Core
    }

    pub(super) fn is_before(&self, id: NodeId) -> bool {
        matches!(self.part(id), Part::Before { .. })
    }

    /// Whether a node that comes before differs between trips.
    pub(super) fn varies(&self, id: NodeId) -> bool {
        self.part(id) == Part::Before { varies: true }
    }

    /// Whether a node is a parameter, or popped: given, not computed.
    pub(super) fn is_given(&self, id: NodeId) -> bool {
        matches!(self.body.node(id).op, Op::Param(_)) || self.stack_popped(id).is_some()
    }

    /// The stack of which a node is the top.
    fn stack_popped(&self, id: NodeId) -> Option<usize> {
        self.roles.iter().position(|r| matches!(r, Role::Popped(items) if items.contains(&id)))
    }

    /// A stack of the state that is kept and on which every trip puts a node.
    pub(super) fn stack_of(&self, id: NodeId) -> Option<usize> {
        self.roles.iter().position(|r| *r == Role::Pushed(id))
    }

    /// The items of the state that the core has, in order.
    pub(super) fn kept_states(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.kept.len()).filter(|&i| self.kept[i])
    }

    /// What the core takes beside its state: the invariants, what comes before, and the rows of stacks.
    pub(super) fn core_inputs(&self) -> impl Iterator<Item = NodeId> + '_ {
        let invariants = self.body.params[self.roles.len()..].iter().copied();
        let rows = self.roles.iter().enumerate().filter_map(|(i, role)| match role {
            Role::Popped(items) if !self.kept[i] => items.first().copied(),
            _ => None,
        });
        invariants.chain(self.before.iter().copied()).chain(rows)
    }

    /// The trip whose values are in a row.
    pub(super) fn trip_of(&self, lane: usize) -> usize {
        if self.descends { self.trips - 1 - lane } else { lane }
    }

    /// The row of the first trip.
    pub(super) fn first_lane(&self) -> i64 {
        if self.descends { self.trips as i64 - 1 } else { 0 }
    }

    /// Whether the core computes a node again in every trip rather than reading it from a row.
    pub(super) fn is_cheap(&self, id: NodeId) -> bool {
        self.cheap[id.0 as usize]
    }

    /// Finds what passes from part to part.
    fn choose(&mut self) {
        let body = self.body;
        let mut given = vec![false; body.nodes.len()];
        self.after = self.terms();
        self.trace_after(&mut given);
        self.keep_states();
        self.pushed = self.recorded.iter().copied().filter(|&id| !self.kept_stack(id)).collect();
        for i in 0..self.roles.len() {
            let terms = match self.roles[i] {
                _ if self.kept[i] => continue,
                Role::Sum(x) | Role::Pushed(x) => [x, x],
                Role::Elements(at, x) => [at, x],
                Role::Core | Role::Counter(_) | Role::Popped(_) => continue,
            };
            terms.iter().for_each(|&id| given[id.0 as usize] |= self.is_before(id));
        }
        self.reads_of_core(&mut given);
        self.rows_of_stacks(&given);
        let computed = |id: &NodeId| given[id.0 as usize] && !self.is_given(*id) && !self.is_leaf(*id);
        self.before = body.iter().map(|(id, _)| id).filter(computed).collect();
    }

    /// What is added up or pushed and computed after the core.
    fn terms(&self) -> Vec<NodeId> {
        let mut terms = Vec::new();
        for role in &self.roles {
            match *role {
                Role::Sum(x) | Role::Pushed(x) => terms.push(x),
                Role::Elements(at, x) if !self.is_core(at) && !self.is_core(x) => terms.extend([at, x]),
                _ => {}
            }
        }
        terms.retain(|&id| self.part(id) == Part::After);
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// Follows what comes after back to what it is `given` by what comes before, and to what is recorded of the core.
    fn trace_after(&mut self, given: &mut [bool]) {
        let mut wanted = self.after.clone();
        while let Some(id) = wanted.pop() {
            if std::mem::replace(&mut self.computed_after[id.0 as usize], true) {
                continue;
            }
            for &a in &self.body.node(id).args {
                match self.part(a) {
                    Part::After => wanted.push(a),
                    // What the core has in another shape has it once.
                    Part::Core if self.is_reshape(a) => wanted.push(a),
                    Part::Core => self.recorded.push(a),
                    Part::Before { .. } => given[a.0 as usize] = true,
                    Part::Plumbing => panic!("nothing reads what roles say"),
                }
            }
        }
        self.recorded.sort_unstable();
        self.recorded.dedup();
        // What is left is needed by what the core adds up itself.
        for (part, after) in self.parts.iter_mut().zip(&self.computed_after) {
            if *part == Part::After && !after {
                *part = Part::Core;
            }
        }
    }

    fn is_reshape(&self, id: NodeId) -> bool {
        self.body.is_prim(id, "reshape")
    }

    /// The node whose value a popped item has in the rows of its stack.
    pub(super) fn same_item(&self, id: NodeId) -> Option<NodeId> {
        match &self.roles[self.stack_popped(id)?] {
            Role::Popped(items) => items.first().copied(),
            _ => None,
        }
    }

    fn is_leaf(&self, id: NodeId) -> bool {
        matches!(self.body.node(id).op, Op::Const(_) | Op::Zero)
    }

    fn kept_stack(&self, id: NodeId) -> bool {
        self.stack_of(id).is_some_and(|i| self.kept[i])
    }

    /// What is added up or pushed in the core stays there, unless its values in all trips are at hand.
    fn keep_states(&mut self) {
        for i in 0..self.roles.len() {
            let stays = |id: NodeId| self.is_core(id) && !self.recorded.contains(&id);
            self.kept[i] = match self.roles[i] {
                Role::Core => true,
                Role::Counter(_) | Role::Popped(_) => false,
                Role::Pushed(x) => self.is_core(x),
                Role::Sum(x) => stays(x),
                Role::Elements(at, x) => stays(at) || stays(x),
            };
            if self.kept[i] && self.roles[i] != Role::Core {
                let next = self.next(i);
                self.parts[next.0 as usize] = Part::Core;
            }
        }
    }

    /// What an item of the state is in the next trip.
    fn next(&self, i: usize) -> NodeId {
        self.body.node(self.body.ret).args[i]
    }

    /// Marks what the core reads of what comes before.
    fn reads_of_core(&self, marked: &mut [bool]) {
        let of_core = self.body.iter().filter(|(id, _)| self.live[id.0 as usize] && self.is_core(*id));
        let kept = self.kept_states().map(|i| self.next(i));
        let operands = of_core.flat_map(|(_, node)| node.args.iter().copied()).chain(kept);
        for id in operands.filter(|&id| self.is_before(id) && !self.is_cheap(id)) {
            marked[id.0 as usize] = true;
        }
    }

    /// Stacks that nothing but the core reads are popped there; of all others rows are made.
    fn rows_of_stacks(&mut self, from_before: &[bool]) {
        let mut read = vec![false; self.body.nodes.len()];
        for (id, node) in self.body.iter().rev() {
            let at = id.0 as usize;
            if (from_before[at] || read[at]) && self.is_before(id) {
                read[at] = true;
                node.args.iter().for_each(|a| read[a.0 as usize] = true);
            }
        }
        for i in 0..self.roles.len() {
            let Role::Popped(items) = &self.roles[i] else { continue };
            let in_rows = items.iter().any(|id| read[id.0 as usize]);
            self.descends |= in_rows;
            self.kept[i] = !in_rows && items.iter().any(|&id| self.core_reads(id));
            if self.kept[i] {
                let rest = self.next(i);
                self.parts[rest.0 as usize] = Part::Core;
                self.parts[self.body.node(rest).args[0].0 as usize] = Part::Core;
            }
        }
    }

    fn core_reads(&self, id: NodeId) -> bool {
        let next = self.kept_states().any(|i| self.next(i) == id);
        next || self.body.iter().any(|(n, node)| self.live[n.0 as usize] && self.is_core(n) && node.args.contains(&id))
    }

    /// Whether no loop is left, or more operations leave it than reading and pushing rows costs.
    pub(super) fn pays(&self) -> bool {
        let weight = |id: NodeId| match &self.body.node(id).op {
            Op::Prim(p) if p.def.name == "matmul" => 3,
            Op::Prim(p) if p.def.name == "reshape" => 0,
            Op::Prim(_) => 1,
            _ => 0,
        };
        let live = || self.body.iter().map(|(id, _)| id).filter(|id| self.live[id.0 as usize]);
        let after: usize = live().filter(|&id| self.part(id) == Part::After).map(weight).sum();
        let sums = self.roles.iter().zip(&self.kept).filter(|(r, kept)| matches!(r, Role::Sum(_)) && !**kept).count();
        let before: usize = live().filter(|&id| self.is_before(id) && !self.is_cheap(id)).map(weight).sum();
        let vanishes = !self.kept.contains(&true) && self.pushed.is_empty();
        let rows = self.pushed.iter().chain(&self.before);
        let cost: usize = rows.map(|&id| 1 + self.body.ty(id).size() / ELEMENTS).sum();
        vanishes || after + sums + before > cost
    }
}

/// What costs a trip no more to make than to read: a number made of counters, a part of an invariant, what is at hand
/// anyway.
fn cheap(body: &Graph, roles: &[Role]) -> Vec<bool> {
    let mut cheap = vec![false; body.nodes.len()];
    let is_invariant = |id: NodeId| matches!(body.node(id).op, Op::Param(i) if i as usize >= roles.len());
    for (id, node) in body.iter() {
        let is_number = |a: &NodeId| cheap[a.0 as usize] && body.ty(*a).is_scalar(Elem::I64);
        cheap[id.0 as usize] = match (&node.op, &node.args[..]) {
            (Op::Param(_) | Op::Const(_) | Op::Zero, _) => true,
            (Op::Prim(p), args) if matches!(p.def.name, "add" | "sub" | "mul" | "neg") => args.iter().all(is_number),
            (Op::Prim(p), [x, i]) if p.def.name == "index" => is_invariant(*x) && is_number(i),
            _ => roles.iter().any(|r| matches!(r, Role::Popped(items) if items.contains(&id))),
        };
    }
    cheap
}

/// The role of an item of the state that is no counter.
fn role(body: &Graph, readers: &Readers, i: usize, fits: &dyn Fn(&Type) -> bool) -> Role {
    let (state, next) = (body.params[i], body.node(body.ret).args[i]);
    let read = |id: NodeId| &readers[id.0 as usize][..];
    let (&[reader], node) = (read(state), body.node(next)) else { return Role::Core };
    let only_next = read(next) == [body.ret];
    match body.ty(state) {
        Type::Stack(item) if item.as_tensor().is_some() && only_next => {
            let popped = body.is_prim(reader, "pop") && node.op == Op::Get(0) && node.args[0] == reader && fits(item);
            let items = || read(reader).iter().copied().filter(|&id| id != next);
            if popped && items().all(|id| body.node(id).op == Op::Get(1)) {
                return Role::Popped(items().collect());
            }
            match body.is_prim(next, "push") && reader == next && fits(item) {
                true => Role::Pushed(node.args[1]),
                false => Role::Core,
            }
        }
        Type::Tensor(Elem::F64, _) if only_next && reader == next => {
            if body.is_prim(next, "add") {
                let term = if node.args[0] == state { node.args[1] } else { node.args[0] };
                return if body.ty(term) == body.ty(state) { Role::Sum(term) } else { Role::Core };
            }
            let adds = match &node.op {
                Op::Prim(p) => p.def.name == "index_add" || p.def.name == "scatter_add" && p.attrs[..] == [0],
                _ => false,
            };
            match adds && node.args[0] == state && fits(body.ty(node.args[2])) {
                true => Role::Elements(node.args[1], node.args[2]),
                false => Role::Core,
            }
        }
        _ => Role::Core,
    }
}

/// Which part each live node belongs to.
fn classify(
    body: &Graph,
    live: &[bool],
    readers: &Readers,
    roles: &[Role],
    (trips, fits): (usize, &dyn Fn(&Type) -> bool),
) -> Vec<Part> {
    let ranges = ranges(body, roles, trips);
    let plumbing = plumbing(body, roles);
    let mut parts = vec![Part::After; body.nodes.len()];
    let popped = |id: NodeId| roles.iter().any(|r| matches!(r, Role::Popped(items) if items.contains(&id)));
    let mut core = Vec::new();
    for (id, node) in body.iter().filter(|(id, _)| live[id.0 as usize]) {
        let part = |id: &NodeId| parts[id.0 as usize];
        let varies = |ids: &[NodeId]| ids.iter().any(|a| part(a) == Part::Before { varies: true });
        let is_tensor = node.ty.as_tensor().is_some();
        let batchable = matches!(&node.op, Op::Prim(p) if matches!(p.def.batch, BatchRule::Tensors(_)))
            && is_tensor
            && (!node.ty.is_scalar(Elem::I64) || ranges[id.0 as usize].is_some());
        let given = node.args.iter().all(|a| matches!(part(a), Part::Before { .. }));
        parts[id.0 as usize] = match &node.op {
            _ if plumbing[id.0 as usize] => Part::Plumbing,
            Op::Param(i) => match roles.get(*i as usize) {
                Some(Role::Counter(_)) => Part::Before { varies: true },
                None if is_tensor => Part::Before { varies: false },
                _ => Part::Core,
            },
            Op::Const(_) | Op::Zero if is_tensor => Part::Before { varies: false },
            _ if popped(id) => Part::Before { varies: true },
            _ if batchable && given && (!varies(&node.args) || fits(&node.ty)) => {
                Part::Before { varies: varies(&node.args) }
            }
            _ => {
                // Values of all trips that would be too large keep what reads them in the core; a sum of products is
                // one product.
                let term = |id: NodeId| roles.contains(&Role::Sum(id)) && readers[id.0 as usize].len() == 1;
                let differ = || node.args.iter().all(|a| part(a) != Part::Before { varies: false });
                let summed = body.is_prim(id, "matmul") && term(id) && differ();
                let large = |a: &NodeId| !matches!(part(a), Part::Before { .. }) && !fits(body.ty(*a));
                if !batchable || !(fits(&node.ty) || summed) || node.args.iter().any(large) {
                    core.push(id);
                }
                Part::After
            }
        };
    }
    let next = body.node(body.ret).args.iter();
    core.extend(next.zip(roles).filter(|(_, role)| **role == Role::Core).map(|(&id, _)| id));
    while let Some(id) = core.pop() {
        if parts[id.0 as usize] == Part::After {
            parts[id.0 as usize] = Part::Core;
            core.extend(&body.node(id).args);
        }
    }
    parts
}

/// Between which values the integers of a body stay in all trips, where that is known and fits 64 bits. A single
/// integer that does not fit is an error; the elements of an array would wrap.
fn ranges(body: &Graph, roles: &[Role], trips: usize) -> Vec<Option<[i128; 2]>> {
    let mut ranges: Vec<Option<[i128; 2]>> = vec![None; body.nodes.len()];
    for (id, node) in body.iter().filter(|(_, node)| node.ty.is_scalar(Elem::I64)) {
        let of = |i: usize| ranges[node.args[i].0 as usize];
        let corners = |f: fn(i128, i128) -> i128| {
            let ([a, b], [c, d]) = (of(0)?, of(1)?);
            let all = [f(a, c), f(a, d), f(b, c), f(b, d)];
            Some([*all.iter().min()?, *all.iter().max()?])
        };
        let found = match &node.op {
            Op::Const(Const::I64(n)) => Some([i128::from(*n); 2]),
            Op::Param(i) => match roles.get(*i as usize) {
                Some(Role::Counter(counter)) => counter.after(trips - 1).map(|last| {
                    let (first, last) = (i128::from(counter.start), i128::from(last));
                    [first.min(last), first.max(last)]
                }),
                _ => None,
            },
            Op::Prim(p) => match p.def.name {
                "add" => corners(|x, y| x + y),
                "sub" => corners(|x, y| x - y),
                "mul" => corners(|x, y| x * y),
                "neg" => of(0).map(|[a, b]| [-b, -a]),
                "mod" => of(1).filter(|[low, _]| *low > 0 && of(0).is_some()).map(|[_, high]| [0, high - 1]),
                "floordiv" => {
                    of(0).filter(|_| of(1).is_some_and(|[low, _]| low > 0)).map(|[a, b]| [a.min(0), b.max(0)])
                }
                _ => None,
            },
            _ => None,
        };
        let fits = |n: &i128| i64::try_from(*n).is_ok();
        ranges[id.0 as usize] = found.filter(|range| range.iter().all(fits));
    }
    ranges
}

/// Nodes that only say what the roles say.
fn plumbing(body: &Graph, roles: &[Role]) -> Vec<bool> {
    let mut plumbing = vec![false; body.nodes.len()];
    plumbing[body.ret.0 as usize] = true;
    for (role, &next) in roles.iter().zip(&body.node(body.ret).args) {
        match role {
            Role::Core | Role::Counter(_) => {}
            Role::Popped(_) => {
                plumbing[next.0 as usize] = true;
                plumbing[body.node(next).args[0].0 as usize] = true;
            }
            Role::Pushed(_) | Role::Sum(_) | Role::Elements(..) => plumbing[next.0 as usize] = true,
        }
    }
    plumbing
}
