//! From graphs to trees of steps.
//!
//! A node's value lives in one register or constant, or, if it is a tuple, item by item in several
//! (a [`Place`]). Tuples stay apart until they are needed as one. Graphs of `If` and `Loop` that
//! nobody else refers to are lowered in place, their parameters standing for the operands' places.
//!
//! Results go where they are wanted: a branch computes its items directly into the registers of the
//! `If`'s results, and a loop body its items into the state registers wherever the old state is
//! not read afterwards.

use indexmap::IndexMap;
use smallvec::SmallVec;

use super::code::{ConstId, Operand, PrimInstr, Reg, SiteId, VjpInstr};
use super::fused::{Fused, lower};
use super::places::{Dest, Place, Scope, WHOLE};
use super::scan::Scan;
use super::tree::{Action, Block, Operands, Regs, Step, Tree};
use crate::graph::{Const, GraphId, Module, Node, NodeId, Op, VjpSpec};
use crate::prims::{POP, PUSH};
use crate::span::Span;
use crate::types::Type;
use crate::value::Value;

/// Tables shared by all functions of an executable.
#[derive(Debug)]
pub(super) struct Lowering<'m> {
    pub(super) module: &'m Module,
    pub(super) scan: &'m Scan,
    first_site: u32,
    pub(super) consts: Vec<Value>,
    const_ids: IndexMap<Const, ConstId>,
    pub(super) prims: Vec<PrimInstr>,
    pub(super) vjps: Vec<VjpInstr>,
    /// Types of what is popped.
    pub(super) items: Vec<Type>,
    /// Programs of the function at hand.
    pub(super) fused: Vec<Fused>,
    /// The graphs of all that were fused so far.
    pub(super) regions: Vec<GraphId>,
    /// Programs so far.
    programs: u32,
    /// Graphs that need a function of their own, in order of discovery.
    pub(super) wanted: IndexMap<GraphId, ()>,
    // of the function at hand
    pub(super) regs: u32,
    position: u32,
    pub(super) depth: u32,
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
            items: Vec::new(),
            fused: Vec::new(),
            regions: Vec::new(),
            programs: 0,
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
    pub(super) fn graph(&mut self, id: GraphId, params: Vec<Place>, dest: &Dest<'_>, out: &mut Block) -> Vec<Operand> {
        let graph = self.module.graph(id);
        let uses = &self.scan.graphs[&id];
        let mut scope =
            Scope { id, graph, uses, places: vec![Place::default(); graph.nodes.len()], chosen: IndexMap::new() };
        for (&param, place) in graph.params.iter().zip(params) {
            scope.places[param.0 as usize] = place;
        }
        scope.choose(dest);
        let is_constant = |id: NodeId| matches!(graph.node(id).op, Op::Const(_) | Op::Zero);
        for (node_id, node) in graph.iter().take(graph.ret.0 as usize + 1) {
            let result = node_id == graph.ret;
            if !uses.live[node_id.0 as usize] || is_constant(node_id) && !result {
                continue;
            }
            // Constants where they are first read: so the program does not depend on where they stand.
            for &a in node.args.iter().filter(|&&a| is_constant(a)) {
                if scope.places[a.0 as usize].is_none() {
                    self.node(&mut scope, a, graph.node(a), None, out);
                }
            }
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
    pub(super) fn whole(&mut self, scope: &mut Scope<'m>, id: NodeId, out: &mut Block) -> Operand {
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

    pub(super) fn wholes(&mut self, scope: &mut Scope<'m>, ids: &[NodeId], out: &mut Block) -> Operands {
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
            Op::Prim(prim) if std::ptr::eq(prim.def, &PUSH) => {
                let Type::Stack(item) = &node.ty else { panic!("a push makes a stack") };
                self.items.push(Type::clone(item));
                let action = Action::Push(self.items.len() as u32 - 1);
                self.single(scope, id, node, action, into, out)
            }
            Op::Prim(prim) if std::ptr::eq(prim.def, &POP) => {
                self.items.push(node.ty.as_tuple().expect("a stack and its top")[1].clone());
                let action = Action::Pop(self.items.len() as u32 - 1);
                self.call(scope, id, node, action, into, out)
            }
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
            Op::Fused(graph) => self.fused(scope, id, node, *graph, into, out),
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

    /// A fused graph as a block program, or as a call if it does not make one.
    fn fused(
        &mut self,
        scope: &mut Scope<'m>,
        id: NodeId,
        node: &Node,
        graph: GraphId,
        into: Option<&[Reg]>,
        out: &mut Block,
    ) -> Place {
        let Some(fused) = lower(self.module.graph(graph)) else {
            self.wanted.insert(graph, ());
            return self.call(scope, id, node, Action::Call { graph, tail: false }, into, out);
        };
        let params = self.wholes(scope, &node.args, out);
        let args = fused.params.iter().map(|&i| params[i]).collect();
        self.fused.push(fused);
        self.regions.push(graph);
        let action = Action::Fused(self.programs);
        self.programs += 1;
        let dsts = self.dsts(scope, id, node, into);
        self.step(out, action, args, dsts.clone(), node.span);
        Self::result(node, &dsts)
    }

    /// Registers for the items of a result.
    pub(super) fn dsts(&mut self, scope: &Scope<'m>, id: NodeId, node: &Node, into: Option<&[Reg]>) -> Regs {
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

    pub(super) fn result(node: &Node, dsts: &[Reg]) -> Place {
        let mut operands = dsts.iter().map(|&r| Operand::reg(r));
        match node.ty.as_tuple() {
            Some(_) => Place::items(operands),
            None => Place::whole(operands.next().expect("one result")),
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
            seeds: spec.seeds,
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
        self.constant_value(Value::zero(ty))
    }

    pub(super) fn constant_value(&mut self, value: Value) -> Operand {
        let id = ConstId(self.consts.len() as u32);
        self.consts.push(value);
        Operand::constant(id)
    }

    pub(super) fn reg(&mut self) -> Reg {
        self.regs += 1;
        Reg(self.regs - 1)
    }

    pub(super) fn tick(&mut self) -> u32 {
        self.position += 1;
        self.position
    }

    pub(super) fn block(&mut self) -> Block {
        Block { at: self.tick(), ..Block::default() }
    }

    pub(super) fn step(&mut self, out: &mut Block, action: Action, args: Operands, dsts: Regs, span: Span) {
        let at = self.tick();
        out.steps.push(Step::Do { action, at, args, dsts, drops: SmallVec::new(), span });
    }
}
