//! From graphs to trees of steps.
//!
//! A node's value lives in one register or constant, or, if it is a tuple, item by item in several
//! (a [`Place`]). Tuples stay apart until they are needed as one. Graphs of `If` and `Loop` that
//! nobody else refers to are lowered in place, their parameters standing for the operands' places.
//!
//! Results go where they are wanted: a branch computes its items directly into the registers of the
//! `If`'s results, and a loop body its items into the state registers wherever the old state is
//! not read afterwards.

use std::rc::Rc;

use indexmap::IndexMap;
use smallvec::SmallVec;

use super::code::{ConstId, Operand, PrimInstr, Reg, SiteId, VjpInstr};
use super::scan::{Scan, Uses};
use super::tree::{Action, Block, Operands, Regs, Step, Tree};
use crate::graph::{Const, Graph, GraphId, Module, Node, NodeId, Op, VjpSpec};
use crate::span::Span;
use crate::types::Type;
use crate::value::Value;

/// `If`s and `Loop`s nested deeper than this are called, not lowered in place.
const MAX_INLINE_DEPTH: u32 = 64;

/// Where the value of a node is: as one, as items, or both.
#[derive(Clone, Debug, Default)]
struct Place {
    whole: Option<Operand>,
    items: Option<Rc<[Operand]>>,
}

impl Place {
    fn whole(operand: Operand) -> Self {
        Self { whole: Some(operand), items: None }
    }

    fn items(items: impl IntoIterator<Item = Operand>) -> Self {
        Self { whole: None, items: Some(items.into_iter().collect()) }
    }
}

/// Tables shared by all functions of an executable.
#[derive(Debug)]
pub(super) struct Lowering<'m> {
    module: &'m Module,
    scan: &'m Scan,
    first_site: u32,
    pub(super) consts: Vec<Value>,
    const_ids: IndexMap<Const, ConstId>,
    pub(super) prims: Vec<PrimInstr>,
    pub(super) vjps: Vec<VjpInstr>,
    /// Graphs that need a function of their own, in order of discovery.
    pub(super) wanted: IndexMap<GraphId, ()>,
    // of the function at hand
    regs: u32,
    position: u32,
    depth: u32,
}

/// Where a graph's result is wanted.
enum Dest<'d> {
    /// Returned from the function.
    Return,
    /// In these registers, which nothing else writes on this path.
    Into(&'d [Reg]),
    /// Anywhere, preferably in these registers: the state of a loop.
    State(&'d [Reg]),
}

/// A graph in the course of being lowered.
struct Scope<'m> {
    id: GraphId,
    graph: &'m Graph,
    uses: &'m Uses,
    places: Vec<Place>,
    /// Registers chosen beforehand for item `.1` of the value of node `.0`.
    chosen: IndexMap<(NodeId, u32), Reg>,
}

impl<'m> Lowering<'m> {
    pub(super) fn new(module: &'m Module, scan: &'m Scan, first: SiteId) -> Self {
        Self {
            module,
            scan,
            first_site: first.0,
            consts: Vec::new(),
            const_ids: IndexMap::new(),
            prims: Vec::new(),
            vjps: Vec::new(),
            wanted: IndexMap::from([(module.entry, ())]),
            regs: 0,
            position: 0,
            depth: 0,
        }
    }

    /// Lowers one function.
    pub(super) fn function(&mut self, id: GraphId) -> Tree {
        let graph = self.module.graph(id);
        (self.regs, self.position, self.depth) = (0, 0, 0);
        let params: Vec<Place> = graph.params.iter().map(|_| Place::whole(Operand::reg(self.reg()))).collect();
        let mut body = self.block();
        self.graph(id, params, &Dest::Return, &mut body);
        let tuple = graph.result_type().as_tuple().is_some();
        Tree { params: graph.params.len() as u32, tuple, regs: self.regs, body }
    }

    /// Lowers the nodes of a graph into `out`; the operands that hold the items of its result.
    fn graph(&mut self, id: GraphId, params: Vec<Place>, dest: &Dest<'_>, out: &mut Block) -> Vec<Operand> {
        let graph = self.module.graph(id);
        let uses = &self.scan.graphs[&id];
        let mut scope =
            Scope { id, graph, uses, places: vec![Place::default(); graph.nodes.len()], chosen: IndexMap::new() };
        for (&param, place) in graph.params.iter().zip(params) {
            scope.places[param.0 as usize] = place;
        }
        scope.choose(dest);
        for (node_id, node) in graph.iter().take(graph.ret.0 as usize + 1) {
            if !uses.live[node_id.0 as usize] {
                continue;
            }
            let result = node_id == graph.ret;
            if result && matches!(dest, Dest::Return) && self.tail(&mut scope, node, out) {
                return Vec::new();
            }
            let into = match dest {
                Dest::Into(regs) if result => Some(*regs),
                _ => None,
            };
            self.node(&mut scope, node_id, node, into, out);
        }
        self.finish(&mut scope, dest, out)
    }

    /// Puts the result where it is wanted.
    fn finish(&mut self, scope: &mut Scope<'m>, dest: &Dest<'_>, out: &mut Block) -> Vec<Operand> {
        let ret = scope.graph.node(scope.graph.ret);
        let items = match ret.ty.as_tuple() {
            Some(types) => self.items(scope, scope.graph.ret, types.len(), ret.span, out),
            None => vec![self.whole(scope, scope.graph.ret, out)],
        };
        match dest {
            Dest::Return => {
                self.step(out, Action::Return, Operands::from_slice(&items), Regs::new(), ret.span);
                Vec::new()
            }
            Dest::Into(regs) => {
                self.moves(&items, regs, ret.span, out);
                Vec::new()
            }
            Dest::State(_) => items,
        }
    }

    /// The items of a node of tuple type, taking it apart if need be.
    fn items(&mut self, scope: &mut Scope<'m>, id: NodeId, count: usize, span: Span, out: &mut Block) -> Vec<Operand> {
        if let Some(items) = &scope.places[id.0 as usize].items {
            return items.to_vec();
        }
        let whole = self.whole(scope, id, out);
        self.unpack(whole, count, &|_| None, span, out)
    }

    fn unpack(
        &mut self,
        whole: Operand,
        count: usize,
        chosen: &dyn Fn(usize) -> Option<Reg>,
        span: Span,
        out: &mut Block,
    ) -> Vec<Operand> {
        let dsts: Regs = (0..count).map(|i| chosen(i).unwrap_or_else(|| self.reg())).collect();
        self.step(out, Action::Unpack, Operands::from_slice(&[whole]), dsts.clone(), span);
        dsts.into_iter().map(Operand::reg).collect()
    }

    /// The value of a node as one operand, making a tuple of its items if need be.
    fn whole(&mut self, scope: &mut Scope<'m>, id: NodeId, out: &mut Block) -> Operand {
        let place = &scope.places[id.0 as usize];
        if let Some(whole) = place.whole {
            return whole;
        }
        let items = place.items.clone().unwrap_or_else(|| panic!("{}{id} has no place", scope.id));
        let dst = self.reg();
        let span = scope.graph.node(id).span;
        self.step(out, Action::Tuple, Operands::from_slice(&items), Regs::from_slice(&[dst]), span);
        let whole = Operand::reg(dst);
        scope.places[id.0 as usize].whole = Some(whole);
        whole
    }

    fn wholes(&mut self, scope: &mut Scope<'m>, ids: &[NodeId], out: &mut Block) -> Operands {
        ids.iter().map(|&id| self.whole(scope, id, out)).collect()
    }

    /// Lowers a node. `into` are the registers of the result if it is the graph's.
    fn node(&mut self, scope: &mut Scope<'m>, id: NodeId, node: &'m Node, into: Option<&[Reg]>, out: &mut Block) {
        let place = match &node.op {
            Op::Param(_) => scope.places[id.0 as usize].clone(),
            Op::Const(constant) => Place::whole(self.constant(constant)),
            Op::Zero => Place::whole(self.zero(&node.ty)),
            Op::Tuple => self.tuple(scope, node, out),
            Op::Get(index) => self.get(scope, id, node, *index, out),
            Op::Prim(prim) => {
                let operands = node.args.iter().map(|&a| scope.graph.ty(a).clone()).collect();
                let site = self.prims.len() as u32;
                self.prims.push(PrimInstr {
                    site: SiteId(self.first_site + site),
                    def: prim.def,
                    attrs: prim.attrs.clone(),
                    operands,
                    ty: node.ty.clone(),
                    span: node.span,
                });
                self.single(scope, id, node, Action::Prim(site), into, out)
            }
            Op::Closure(graph) => {
                self.wanted.insert(*graph, ());
                self.single(scope, id, node, Action::Closure(*graph), into, out)
            }
            Op::Call(graph) => {
                self.wanted.insert(*graph, ());
                self.call(scope, id, node, Action::Call { graph: *graph, tail: false }, into, out)
            }
            Op::Apply(_) => self.call(scope, id, node, Action::Apply { tail: false }, into, out),
            Op::Vjp(spec) => {
                let vjp = self.vjp(spec, node.span);
                self.call(scope, id, node, Action::Vjp(vjp), into, out)
            }
            Op::If(then, other) => {
                let dsts = self.dsts(scope, id, node, into);
                self.branches(scope, node, (*then, *other), &Dest::Into(&dsts), out);
                Self::result(node, &dsts)
            }
            Op::Loop { cond, body } => self.repeat(scope, id, node, (*cond, *body), into, out),
            Op::Outer(..) | Op::Fn(_) | Op::Builtin(_) | Op::Record(_) => {
                panic!("{:?} in {}{id} is not executable", node.op, scope.id)
            }
        };
        scope.places[id.0 as usize] = place;
        let apart = node.ty.as_tuple().filter(|_| scope.uses.only_gets[id.0 as usize]);
        if let (Some(types), Place { whole: Some(whole), items: None }) = (apart, scope.places[id.0 as usize].clone()) {
            let chosen = |i: usize| scope.chosen.get(&(id, i as u32)).copied();
            let items = self.unpack(whole, types.len(), &chosen, node.span, out);
            scope.places[id.0 as usize] = Place::items(items);
        }
    }

    fn tuple(&mut self, scope: &mut Scope<'m>, node: &Node, out: &mut Block) -> Place {
        Place::items(self.wholes(scope, &node.args, out))
    }

    fn get(&mut self, scope: &mut Scope<'m>, id: NodeId, node: &Node, index: u32, out: &mut Block) -> Place {
        let tuple = node.args[0];
        if let Some(items) = &scope.places[tuple.0 as usize].items {
            return Place::whole(items[index as usize]);
        }
        self.single(scope, id, node, Action::Get(index), None, out)
    }

    /// A step with one result.
    fn single(
        &mut self,
        scope: &mut Scope<'m>,
        id: NodeId,
        node: &Node,
        action: Action,
        into: Option<&[Reg]>,
        out: &mut Block,
    ) -> Place {
        let args = self.wholes(scope, &node.args, out);
        let wanted = into.filter(|_| node.ty.as_tuple().is_none()).map(|regs| regs[0]);
        let chosen = scope.chosen.get(&(id, WHOLE)).copied();
        let dst = wanted.or(chosen).unwrap_or_else(|| self.reg());
        self.step(out, action, args, Regs::from_slice(&[dst]), node.span);
        Place::whole(Operand::reg(dst))
    }

    /// A step whose result comes item by item.
    fn call(
        &mut self,
        scope: &mut Scope<'m>,
        id: NodeId,
        node: &Node,
        action: Action,
        into: Option<&[Reg]>,
        out: &mut Block,
    ) -> Place {
        let args = self.wholes(scope, &node.args, out);
        let dsts = self.dsts(scope, id, node, into);
        self.step(out, action, args, dsts.clone(), node.span);
        Self::result(node, &dsts)
    }

    /// Registers for the items of a result.
    fn dsts(&mut self, scope: &Scope<'m>, id: NodeId, node: &Node, into: Option<&[Reg]>) -> Regs {
        if let Some(regs) = into {
            return Regs::from_slice(regs);
        }
        match node.ty.as_tuple() {
            Some(types) => {
                let item = |i| scope.chosen.get(&(id, i as u32)).copied().unwrap_or_else(|| self.reg());
                (0..types.len()).map(item).collect()
            }
            None => {
                let chosen = scope.chosen.get(&(id, WHOLE)).copied();
                Regs::from_slice(&[chosen.unwrap_or_else(|| self.reg())])
            }
        }
    }

    fn result(node: &Node, dsts: &[Reg]) -> Place {
        let mut operands = dsts.iter().map(|&r| Operand::reg(r));
        match node.ty.as_tuple() {
            Some(_) => Place::items(operands),
            None => Place::whole(operands.next().expect("one result")),
        }
    }

    /// Ends the function with a call or a branch in tail position, if the node is one.
    fn tail(&mut self, scope: &mut Scope<'m>, node: &'m Node, out: &mut Block) -> bool {
        let action = match &node.op {
            Op::Call(graph) => {
                self.wanted.insert(*graph, ());
                Action::Call { graph: *graph, tail: true }
            }
            Op::Apply(_) => Action::Apply { tail: true },
            Op::If(then, other) => {
                self.branches(scope, node, (*then, *other), &Dest::Return, out);
                return true;
            }
            _ => return false,
        };
        let args = self.wholes(scope, &node.args, out);
        self.step(out, action, args, Regs::new(), node.span);
        true
    }

    fn branches(
        &mut self,
        scope: &mut Scope<'m>,
        node: &Node,
        (then, other): (GraphId, GraphId),
        dest: &Dest<'_>,
        out: &mut Block,
    ) {
        let cond = self.whole(scope, node.args[0], out);
        let places: Vec<Place> = node.args[1..].iter().map(|&a| scope.places[a.0 as usize].clone()).collect();
        let at = self.tick();
        let then = self.sub(then, &places, dest, node.span);
        let other = self.sub(other, &places, dest, node.span);
        out.steps.push(Step::If { cond, at, then, other });
    }

    /// A graph as a block of its own.
    fn sub(&mut self, id: GraphId, params: &[Place], dest: &Dest<'_>, span: Span) -> Block {
        let mut block = self.block();
        self.sub_into(id, params, dest, span, &mut block);
        block
    }

    /// A graph lowered in place, or called if others refer to it too.
    fn sub_into(
        &mut self,
        id: GraphId,
        params: &[Place],
        dest: &Dest<'_>,
        span: Span,
        out: &mut Block,
    ) -> Vec<Operand> {
        if self.scan.inline[id.0 as usize] && self.depth < MAX_INLINE_DEPTH {
            self.depth += 1;
            let items = self.graph(id, params.to_vec(), dest, out);
            self.depth -= 1;
            return items;
        }
        self.wanted.insert(id, ());
        let args = params.iter().map(|place| self.gathered(place, span, out)).collect();
        let tail = matches!(dest, Dest::Return);
        let dsts: Regs = match dest {
            Dest::Return => Regs::new(),
            Dest::Into(regs) => Regs::from_slice(regs),
            Dest::State(_) => {
                let count = self.module.graph(id).result_type().as_tuple().map_or(1, <[Type]>::len);
                (0..count).map(|_| self.reg()).collect()
            }
        };
        self.step(out, Action::Call { graph: id, tail }, args, dsts.clone(), span);
        dsts.into_iter().map(Operand::reg).collect()
    }

    fn gathered(&mut self, place: &Place, span: Span, out: &mut Block) -> Operand {
        if let Some(whole) = place.whole {
            return whole;
        }
        let items = place.items.as_deref().expect("a place");
        let dst = self.reg();
        self.step(out, Action::Tuple, Operands::from_slice(items), Regs::from_slice(&[dst]), span);
        Operand::reg(dst)
    }

    fn repeat(
        &mut self,
        scope: &mut Scope<'m>,
        id: NodeId,
        node: &Node,
        (cond, body): (GraphId, GraphId),
        into: Option<&[Reg]>,
        out: &mut Block,
    ) -> Place {
        let count = node.ty.as_tuple().expect("the state of a loop is a tuple").len();
        let inits = self.wholes(scope, &node.args[..count], out);
        let states = self.dsts(scope, id, node, into);
        self.moves(&inits, &states, node.span, out);
        let fresh = Reg(self.regs);
        let state_places = states.iter().map(|&s| Place::whole(Operand::reg(s)));
        let invariants = node.args[count..].iter().map(|&a| scope.places[a.0 as usize].clone());
        let places: Vec<Place> = state_places.chain(invariants).collect();
        let mut test = self.block();
        let cond = self.sub_into(cond, &places, &Dest::State(&[]), node.span, &mut test)[0];
        let mut block = self.block();
        let next = self.sub_into(body, &places, &Dest::State(&states), node.span, &mut block);
        self.moves(&next, &states, node.span, &mut block);
        let exit = self.block();
        out.steps.push(Step::Loop { test, cond, body: block, exit, fresh, states: states.clone() });
        Self::result(node, &states)
    }

    /// Moves all at once: no source is overwritten before it is read.
    fn moves(&mut self, from: &[Operand], to: &[Reg], span: Span, out: &mut Block) {
        assert_eq!(from.len(), to.len(), "as many values as registers");
        let mut pending: Vec<(Operand, Reg)> =
            from.iter().copied().zip(to.iter().copied()).filter(|(f, t)| f.as_reg() != Some(*t)).collect();
        while !pending.is_empty() {
            let free = pending.iter().position(|(_, t)| pending.iter().all(|(f, _)| f.as_reg() != Some(*t)));
            if let Some(i) = free {
                let (source, target) = pending.swap_remove(i);
                self.step(out, Action::Move, Operands::from_slice(&[source]), Regs::from_slice(&[target]), span);
                continue;
            }
            // Only cycles are left: one of their registers is saved elsewhere.
            let (_, target) = pending[0];
            let saved = self.reg();
            let source = Operands::from_slice(&[Operand::reg(target)]);
            self.step(out, Action::Move, source, Regs::from_slice(&[saved]), span);
            for (f, _) in pending.iter_mut().filter(|(f, _)| f.as_reg() == Some(target)) {
                *f = Operand::reg(saved);
            }
        }
    }

    fn vjp(&mut self, spec: &VjpSpec, span: Span) -> u32 {
        self.wanted.insert(spec.graph, ());
        let graph = self.module.graph(spec.graph);
        let result = graph.result_type();
        let items = result.as_tuple().map_or_else(|| vec![result.clone()], <[Type]>::to_vec);
        self.vjps.push(VjpInstr {
            graph: spec.graph,
            wrt: spec.wrt.clone(),
            params: graph.param_types().into(),
            items: items.into(),
            span,
        });
        self.vjps.len() as u32 - 1
    }

    fn constant(&mut self, constant: &Const) -> Operand {
        if let Some(&id) = self.const_ids.get(constant) {
            return Operand::constant(id);
        }
        let id = ConstId(self.consts.len() as u32);
        self.consts.push(Value::of_const(constant));
        self.const_ids.insert(constant.clone(), id);
        Operand::constant(id)
    }

    fn zero(&mut self, ty: &Type) -> Operand {
        let id = ConstId(self.consts.len() as u32);
        self.consts.push(Value::zero(ty));
        Operand::constant(id)
    }

    fn reg(&mut self) -> Reg {
        self.regs += 1;
        Reg(self.regs - 1)
    }

    fn tick(&mut self) -> u32 {
        self.position += 1;
        self.position
    }

    fn block(&mut self) -> Block {
        Block { at: self.tick(), ..Block::default() }
    }

    fn step(&mut self, out: &mut Block, action: Action, args: Operands, dsts: Regs, span: Span) {
        let at = self.tick();
        out.steps.push(Step::Do { action, at, args, dsts, drops: SmallVec::new(), span });
    }
}

/// Stands for a value as one in [`Scope::chosen`].
const WHOLE: u32 = u32::MAX;

impl Scope<'_> {
    /// Chooses registers for nodes whose values are wanted in them.
    fn choose(&mut self, dest: &Dest<'_>) {
        let (regs, state) = match dest {
            Dest::Return => return,
            Dest::Into(regs) => (*regs, false),
            Dest::State(regs) => (*regs, true),
        };
        let ret = self.graph.node(self.graph.ret);
        if ret.op != Op::Tuple {
            return;
        }
        for (i, (&item, &reg)) in ret.args.iter().zip(regs).enumerate() {
            if let Some(key) = self.origin(item)
                && !(state && self.read_after(i, key.0))
            {
                self.chosen.entry(key).or_insert(reg);
            }
        }
    }

    /// The node that makes the value of this one in a register of its own, and which item of it.
    fn origin(&self, item: NodeId) -> Option<(NodeId, u32)> {
        let node = self.graph.node(item);
        match node.op {
            Op::Prim(_) | Op::Closure(_) => Some((item, WHOLE)),
            Op::Call(_) | Op::Apply(_) | Op::If(..) if node.ty.as_tuple().is_none() => Some((item, WHOLE)),
            Op::Get(index) => {
                let tuple = self.graph.node(node.args[0]);
                let apart = matches!(tuple.op, Op::Call(_) | Op::Apply(_) | Op::Vjp(_) | Op::If(..) | Op::Loop { .. })
                    || matches!(tuple.op, Op::Prim(_)) && self.uses.only_gets[node.args[0].0 as usize];
                apart.then_some((node.args[0], index))
            }
            _ => None,
        }
    }

    /// Whether the old state `i` may be read once node `maker` has written the new one.
    fn read_after(&self, i: usize, maker: NodeId) -> bool {
        let param = self.graph.params[i].0 as usize;
        let structured = matches!(self.graph.node(maker).op, Op::If(..) | Op::Loop { .. });
        structured || self.uses.in_tuple[param] || (self.uses.live[param] && self.uses.last[param] > maker.0)
    }
}
