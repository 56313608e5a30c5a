//! Derivative rules, staged: the one rule of a primitive, applied once for given attributes, operand
//! types and recorded operands, becomes a small register program that every entry of that
//! kind runs.
//!
//! A staged rule knows which operands and whether the result it reads: exactly those are kept. A
//! contribution that ends in a product of matrices or in one element added to zeros is left
//! unfinished ([`Finish`]): if its operand has a cotangent already, it is added to that in place. A rule of
//! elementwise operations is one [kernel](super::kernel) that adds as well.

use std::rc::Rc;

use std::cell::RefCell;

use adjudicate_ir::batch;
use adjudicate_ir::builder::Builder;
use adjudicate_ir::exec::{Executable, PrimInstr, SiteId};
use adjudicate_ir::graph::{Graph, GraphId, Module, Node, NodeId, Op, Stage};
use adjudicate_ir::prims::{self, Attrs, Prim, PrimDef};
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;
use rustc_hash::FxHashMap;

use super::kernel::{Case, Kernel};

/// Which operands are recorded. Beyond 64 operands, all are taken to be.
pub(super) type Mask = u64;

/// Something that a rule reads beside the cotangent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// The index of the operand; that of the result is the number of operands.
    pub(super) operand: u32,
    /// Its type.
    pub(super) ty: Type,
    /// Whether it is a float scalar, which is kept as a number.
    pub(super) scalar: bool,
    /// Which of the entry's links is its mark, if it is recorded.
    pub(super) link: Option<u32>,
}

/// A contribution to the cotangent of an operand.
#[derive(Debug)]
pub(super) struct Output {
    /// Which of the entry's links.
    pub(super) link: u32,
    pub(super) finish: Finish,
}

/// How the values that a rule returns for an operand become, or are added to, its cotangent.
#[derive(Debug)]
pub(super) enum Finish {
    /// Nothing: the contribution is the cotangent of the entry itself; added by this `add`.
    Pass(Rc<PrimInstr>),
    /// One value, the contribution; added by this `add`.
    Add(Rc<PrimInstr>),
    /// Two factors: their product, or `gemm_add`.
    Product { first: PrimInstr, more: PrimInstr },
    /// Index and element: added to zeros, or to what is there.
    Element { zeros: Value, add: PrimInstr },
}

impl Finish {
    /// How many values the rule returns for it.
    pub(super) fn arity(&self) -> usize {
        match self {
            Finish::Pass(_) => 0,
            Finish::Add(_) => 1,
            Finish::Product { .. } | Finish::Element { .. } => 2,
        }
    }
}

/// A staged rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// From the cotangent and what is read to the contributions.
    pub(super) program: Executable,
    /// Whether all that it does is to pass the cotangent on: the program is empty.
    pub(super) passes: bool,
    /// Whether it passes the cotangent on at all.
    pub(super) passes_any: bool,
    /// Whether the program reads the cotangent.
    pub(super) reads_cotangent: bool,
    /// The operands kept before the operation is applied.
    pub(super) operands: Box<[Read]>,
    /// Which they are, as [`Args::hold`](prims::Args::hold) takes them.
    pub(super) kept: u64,
    /// The result, if it is kept.
    pub(super) result: Option<Read>,
    pub(super) outputs: Box<[Output]>,
    /// The rule as a graph, from the cotangent and what is read, as far as they are, to the whole contributions.
    pub(super) graph: Rc<Graph>,
    /// Its kernels, made when they are first asked for; `None` where there is none.
    kernels: RefCell<Vec<(Case, Option<Rc<Kernel>>)>>,
}

impl Rule {
    /// The rule as one kernel.
    #[inline]
    pub(super) fn kernel(&self, case: Case) -> Option<Rc<Kernel>> {
        let known = self.kernels.borrow().iter().find(|(c, _)| *c == case).map(|(_, kernel)| kernel.clone());
        known.unwrap_or_else(|| self.learn(case))
    }

    #[cold]
    fn learn(&self, case: Case) -> Option<Rc<Kernel>> {
        let kernel = Kernel::new(self, case).map(Rc::new);
        self.kernels.borrow_mut().push((case, kernel.clone()));
        kernel
    }
}

/// One kind of entry.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    prim: Prim,
    operands: Box<[Type]>,
    mask: Mask,
}

/// What is known of a site: its rules by mask. `None`: no sensitivity passes.
type Known = Vec<(Mask, Option<u32>)>;

/// Every rule staged so far.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) rules: Vec<Rc<Rule>>,
    by_key: FxHashMap<Key, Option<u32>>,
    by_site: Vec<Known>,
    /// Rules for several cotangents at once, by the rule for one and how many.
    many: FxHashMap<(u32, usize), Rc<Rule>>,
    adders: FxHashMap<Type, Rc<PrimInstr>>,
}

impl Rules {
    /// Takes a number of sites; the first of them.
    pub(super) fn number(&mut self, sites: usize) -> SiteId {
        let first = self.by_site.len();
        self.by_site.resize_with(first + sites, Known::new);
        SiteId(u32::try_from(first).expect("fewer than 2³² sites"))
    }

    /// The rule for an application with these recorded operands.
    #[inline]
    pub(super) fn find(&mut self, instr: &PrimInstr, mask: Mask) -> Option<u32> {
        let known = self.by_site[instr.site.index()].iter().find(|(m, _)| *m == mask);
        match known {
            Some(&(_, rule)) => rule,
            None => self.learn(instr, mask),
        }
    }

    #[cold]
    fn learn(&mut self, instr: &PrimInstr, mask: Mask) -> Option<u32> {
        let prim = Prim { def: instr.def, attrs: instr.attrs.clone() };
        let key = Key { prim, operands: instr.operands.clone(), mask };
        let rule = match self.by_key.get(&key) {
            Some(&rule) => rule,
            None => {
                let staged = self.stage(instr, mask);
                let rule = staged.map(|rule| {
                    self.rules.push(Rc::new(rule));
                    self.rules.len() as u32 - 1
                });
                self.by_key.insert(key, rule);
                rule
            }
        };
        self.by_site[instr.site.index()].push((mask, rule));
        rule
    }

    /// An application of a primitive with a site of its own.
    pub(super) fn application(
        &mut self,
        def: &'static PrimDef,
        attrs: &[i64],
        operands: &[Type],
    ) -> Result<PrimInstr, String> {
        let attrs = Attrs::from_slice(attrs);
        let ty = (def.ty)(&attrs, &operands.iter().collect::<Vec<_>>())?;
        let site = self.number(1);
        Ok(PrimInstr { site, def, attrs, operands: operands.into(), ty, span: Default::default() })
    }

    fn applied(&mut self, def: &'static PrimDef, attrs: &[i64], operands: &[Type]) -> PrimInstr {
        self.application(def, attrs, operands).unwrap_or_else(|why| panic!("{}: {why}", def.name))
    }

    /// The addition of two tensors of a type.
    pub(super) fn adder(&mut self, ty: &Type) -> Rc<PrimInstr> {
        if let Some(adder) = self.adders.get(ty) {
            return adder.clone();
        }
        let adder = Rc::new(self.applied(&prims::ADD, &[], &[ty.clone(), ty.clone()]));
        self.adders.insert(ty.clone(), adder.clone());
        adder
    }

    /// Applies the rule of a primitive to parameters: the cotangent, the operands, the result.
    fn stage(&mut self, instr: &PrimInstr, mask: Mask) -> Option<Rule> {
        let builder = RefCell::new(Builder::new(instr.def.name, instr.span));
        let param = |ty: &Type| builder.borrow_mut().param(ty.clone());
        let dout = param(&instr.ty);
        let args: Vec<NodeId> = instr.operands.iter().map(param).collect();
        let out = param(&instr.ty);
        let pulled = instr.def.pull(&builder, &instr.attrs, &args, out, dout);
        let builder = builder.into_inner();

        let recorded = |i: usize| i >= 64 || mask >> i & 1 == 1;
        let links: Vec<u32> = (0..args.len()).filter(|&i| recorded(i)).map(|i| i as u32).collect();
        let mut contributions = Vec::new();
        for (link, &operand) in links.iter().enumerate() {
            let Some(node) = pulled[operand as usize] else { continue };
            if builder.graph().node(node).op == Op::Zero {
                continue;
            }
            contributions.push((link as u32, node));
        }
        if contributions.is_empty() {
            return None;
        }
        let mut builder = builder;
        let ret = builder.tuple(&contributions.iter().map(|(_, node)| *node).collect::<Vec<_>>());
        let (graph, params) = pruned(&builder.finish(ret));
        let read = |index: u32| {
            let ty = graph.ty(graph.params[params.binary_search(&index).expect("a parameter")]).clone();
            let link = links.binary_search(&(index - 1)).ok().map(|link| link as u32);
            Read { operand: index - 1, scalar: ty == Type::f64(), ty, link }
        };
        let count = args.len() as u32;
        let operands: Box<[Read]> = params.iter().copied().filter(|i| (1..=count).contains(i)).map(read).collect();
        let kept = operands.iter().fold(0, |kept, read| kept | prims::Args::bit(read.operand as usize));
        let result = params.iter().copied().find(|&i| i == count + 1).map(read);
        let reads_cotangent = params.first() == Some(&0);
        let links_of = contributions.iter().map(|(link, _)| *link).collect::<Vec<_>>();
        let (program, outputs) = self.program(&graph, &links_of, reads_cotangent);
        let is_passed = |output: &Output| matches!(output.finish, Finish::Pass(_));
        Some(Rule {
            passes: outputs.iter().all(is_passed),
            passes_any: outputs.iter().any(is_passed),
            program,
            reads_cotangent,
            operands,
            kept,
            result,
            outputs,
            graph: Rc::new(graph),
            kernels: RefCell::default(),
        })
    }

    /// The program of a rule and how its results are finished, from a graph that returns whole contributions to
    /// these links.
    fn program(&mut self, graph: &Graph, links: &[u32], reads_cotangent: bool) -> (Executable, Box<[Output]>) {
        let (mut outputs, mut results) = (Vec::new(), Vec::new());
        for (&link, &node) in links.iter().zip(&graph.node(graph.ret).args) {
            let (finish, values) = self.finish(graph, node, reads_cotangent);
            outputs.push(Output { link, finish });
            results.extend(values);
        }
        let mut graph = graph.clone();
        let ty = Type::Tuple(results.iter().map(|&r| graph.ty(r).clone()).collect());
        graph.nodes.push(Node { op: Op::Tuple, args: results.into(), ty, span: graph.span });
        graph.ret = NodeId(graph.nodes.len() as u32 - 1);
        let module = Module { stage: Stage::Closed, graphs: vec![graph], entry: GraphId(0) };
        let program = Executable::numbered(&module, SiteId(self.by_site.len() as u32));
        self.number(program.sites());
        (program, outputs.into())
    }

    /// The rule for so many cotangents at once: that for one, batched in the cotangent alone. It reads the same.
    pub(super) fn many(&mut self, rule: u32, count: usize) -> Rc<Rule> {
        if let Some(made) = self.many.get(&(rule, count)) {
            return made.clone();
        }
        let one = self.rules[rule as usize].clone();
        let mut module = Module { stage: Stage::Closed, graphs: vec![(*one.graph).clone()], entry: GraphId(0) };
        let mut masks = vec![batch::Mask::None; one.graph.params.len()];
        if one.reads_cotangent {
            masks[0] = batch::Mask::All;
        }
        let batched = batch::batch(&mut module, GraphId(0), &masks, &batch::Mask::full(one.graph.result_type()), count);
        let batched = batched.unwrap_or_else(|why| panic!("a rule of tensors is batched: {}", why.message)).graph;
        let graph = module.graph(batched).clone();
        let links: Vec<u32> = one.outputs.iter().map(|output| output.link).collect();
        let (program, outputs) = self.program(&graph, &links, one.reads_cotangent);
        let is_passed = |output: &Output| matches!(output.finish, Finish::Pass(_));
        let made = Rc::new(Rule {
            passes: outputs.iter().all(is_passed),
            passes_any: outputs.iter().any(is_passed),
            program,
            reads_cotangent: one.reads_cotangent,
            operands: one.operands.clone(),
            kept: one.kept,
            result: one.result.clone(),
            outputs,
            graph: Rc::new(graph),
            kernels: RefCell::default(),
        });
        self.many.insert((rule, count), made.clone());
        made
    }

    /// How a contribution is finished, and the nodes that the rule returns for it.
    /// `passes`: whether the first parameter is the cotangent.
    fn finish(&mut self, graph: &Graph, id: NodeId, passes: bool) -> (Finish, Vec<NodeId>) {
        let node = graph.node(id);
        if passes && node.op == Op::Param(0) {
            return (Finish::Pass(self.adder(&node.ty)), Vec::new());
        }
        let types = |ids: &[NodeId]| ids.iter().map(|&i| graph.ty(i).clone()).collect::<Vec<_>>();
        match &node.op {
            Op::Prim(prim) if is(prim, &prims::MATMUL) && node.ty.shape().len() == 2 => {
                let mut operands = types(&node.args);
                let first = self.applied(&prims::MATMUL, &prim.attrs, &operands);
                operands.push(node.ty.clone());
                let more = self.applied(&prims::GEMM_ADD, &prim.attrs, &operands);
                (Finish::Product { first, more }, node.args.to_vec())
            }
            Op::Prim(prim) if is(prim, &prims::INDEX_ADD) && graph.node(node.args[0]).op == Op::Zero => {
                let add = self.applied(&prims::INDEX_ADD, &[], &types(&node.args));
                (Finish::Element { zeros: Value::zero(&node.ty), add }, node.args[1..].to_vec())
            }
            _ => (Finish::Add(self.adder(&node.ty)), vec![id]),
        }
    }
}

fn is(prim: &Prim, def: &'static PrimDef) -> bool {
    std::ptr::eq(prim.def, def)
}

/// The graph without what its return node does not reach, and the parameters that are left.
pub(super) fn pruned(graph: &Graph) -> (Graph, Vec<u32>) {
    let mut live = vec![false; graph.nodes.len()];
    live[graph.ret.0 as usize] = true;
    for (id, node) in graph.iter().rev() {
        if live[id.0 as usize] {
            node.args.iter().for_each(|arg| live[arg.0 as usize] = true);
        }
    }
    let mut renamed = vec![NodeId(u32::MAX); graph.nodes.len()];
    let mut params = Vec::new();
    let mut out = Graph { nodes: Vec::new(), params: Vec::new(), ..graph.clone() };
    for (id, node) in graph.iter().filter(|(id, _)| live[id.0 as usize]) {
        let new = NodeId(out.nodes.len() as u32);
        renamed[id.0 as usize] = new;
        let op = match node.op {
            Op::Param(index) => {
                params.push(index);
                out.params.push(new);
                Op::Param(params.len() as u32 - 1)
            }
            _ => node.op.clone(),
        };
        let args = node.args.iter().map(|arg| renamed[arg.0 as usize]).collect();
        out.nodes.push(Node { op, args, ty: node.ty.clone(), span: node.span });
    }
    out.ret = renamed[graph.ret.0 as usize];
    (out, params)
}
