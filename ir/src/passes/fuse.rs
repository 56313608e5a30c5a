//! Elementwise nodes that are computed in one walk over their elements become one node.
//!
//! ```text
//! %2 = mul %0 %1; %3 = tanh %2; %4 = sum[0] %3   becomes   %2 = fused @1 (%0, %1); %3 = get 0 %2; %4 = get 1 %2
//! ```
//!
//! One walk over the nodes in order grows [`Region`]s: a node joins the regions of its operands if it can be computed
//! with them, and they become one. A region is closed by the first node outside that reads a member, so
//! regions that are open do not depend on each other, and merging two is always possible. A region is then
//! computed where its last member stood.
//!
//! What `x[i]` gives to members of a region alone is read where it is, in `x`, and not copied first: `index` goes with
//! its readers.
//!
//! Nothing is computed twice, and nothing is read or written that was not before: what only members read is no
//! result. Reductions end a region, save those of rows, which its other members may read again. Operations on
//! single elements form regions of their own, whether or not they are connected. What starting a region costs more
//! than its nodes is left alone.

use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::builder::Builder;
use crate::fusion::{Form, Region, Way};
use crate::graph::{Args, Const, Graph, GraphId, Module, NodeId, Op};
use crate::types::{Elem, Type};

use super::rewrite::live;
use super::{Pass, Run};

/// The last pass: nothing looks into fused graphs afterwards.
pub(super) const FUSE: Pass = Pass {
    name: "fusion",
    about: "computes elementwise nodes, and reductions that end them, in one walk over their elements",
    run: Run::Module(|module| run(module, Regions::All)),
};

/// The same for single elements alone, whose derivatives may still have to be taken.
pub(super) const FUSE_SCALARS: Pass = Pass {
    name: "fusion of scalars",
    about: "puts operations on single elements together",
    run: Run::Module(|module| run(module, Regions::Scalars)),
};

/// Which regions are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Regions {
    All,
    /// Those of single elements, none of which is read where it lies in an array.
    Scalars,
}

/// Single elements are worth a region from this many on, and two nodes over arrays from this many elements on. A
/// region of two single elements was measured to take 70 instructions less than two primitives, which is not worth
/// hiding a gradient such as `3 * x ** 2` in a call, and one of four 400 less; a region of two over an array takes
/// 240 more whatever its length, one of three 100 less.
const MANY_SCALARS: usize = 3;
const MANY_ELEMENTS: usize = 512;

/// A region has no more members than this.
const MAX_MEMBERS: usize = 256;

fn run(module: &mut Module, wanted: Regions) -> Vec<GraphId> {
    let fused: Vec<_> = module.reachable().into_iter().flat_map(|g| fused_by(module, g)).collect();
    let mut changed = Vec::new();
    for id in module.reachable() {
        if fused.contains(&id) {
            continue;
        }
        let graph = module.graph(id).clone();
        let regions = grow(&graph, wanted);
        if !regions.is_empty() {
            module.graphs[id.0 as usize] = Rebuilt::new(module, &graph, &regions).graph();
            changed.push(id);
        }
    }
    changed
}

fn fused_by(module: &Module, id: GraphId) -> Vec<GraphId> {
    let fused = |op: &Op| if let Op::Fused(g) = op { Some(*g) } else { None };
    module.graph(id).nodes.iter().filter_map(|n| fused(&n.op)).collect()
}

/// Members of the regions that are worth it, in order, by region; regions in the order of their last members.
fn grow(graph: &Graph, wanted: Regions) -> IndexMap<NodeId, Vec<NodeId>> {
    let mut grower = Grower { graph, wanted, regions: Vec::new(), of: vec![None; graph.nodes.len()], scalars: None };
    let live = live(graph);
    for (id, node) in graph.iter().filter(|(id, _)| live[id.0 as usize]) {
        let region = grower.choose(id);
        for arg in &node.args {
            if let Some(of) = grower.region(*arg)
                && Some(of) != region
            {
                grower.regions[of].open = false;
            }
        }
        grower.of[id.0 as usize] = region;
    }
    if wanted == Regions::All {
        grower.take_rows(&live);
    }
    let mut members: IndexMap<usize, Vec<NodeId>> = IndexMap::new();
    for (id, _) in graph.iter() {
        if let Some(region) = grower.region(id) {
            members.entry(region).or_default().push(id);
        }
    }
    let worth = members.into_iter().filter(|(region, _)| grower.regions[*region].is_worth_it());
    let mut regions: IndexMap<NodeId, Vec<NodeId>> =
        worth.map(|(_, members)| (*members.last().expect("a member"), members)).collect();
    regions.sort_keys();
    regions
}

struct Growing {
    region: Region,
    open: bool,
    /// Whether it has become part of another.
    into: Option<usize>,
    /// Members that compute, members that repeat elements, and rows that are read where they are.
    steps: usize,
    repeats: usize,
    rows: usize,
}

impl Growing {
    fn is_worth_it(&self) -> bool {
        let (rows, columns) = self.region.space();
        let work = self.steps + self.repeats + self.rows;
        let enough =
            if self.region.scalar { work >= MANY_SCALARS } else { work > 2 || rows * columns >= MANY_ELEMENTS };
        self.into.is_none() && self.steps > 0 && work > 1 && enough
    }
}

struct Grower<'g> {
    graph: &'g Graph,
    wanted: Regions,
    regions: Vec<Growing>,
    of: Vec<Option<usize>>,
    /// The region of single elements that was last begun.
    scalars: Option<usize>,
}

impl Grower<'_> {
    /// The region of a node.
    fn region(&self, id: NodeId) -> Option<usize> {
        self.of[id.0 as usize].map(|region| self.resolve(region))
    }

    fn resolve(&self, mut region: usize) -> usize {
        while let Some(into) = self.regions[region].into {
            region = into;
        }
        region
    }

    /// The region that a node joins; a new one if need be.
    fn choose(&mut self, id: NodeId) -> Option<usize> {
        let mut alone = Region::around(self.graph, id)?;
        if !alone.scalar && self.wanted == Regions::Scalars {
            return None;
        }
        let mut near: SmallVec<[usize; 4]> = SmallVec::new();
        let args = self.graph.node(id).args.iter().filter_map(|&arg| self.region(arg));
        for region in args.chain(self.scalars.filter(|_| alone.scalar).map(|s| self.resolve(s))) {
            if self.regions[region].open && !near.contains(&region) {
                near.push(region);
            }
        }
        if near.len() > 1
            && let Some(merged) = self.merged(&near)
            && let Some(way) = self.joined(merged, id)
        {
            return Some(self.settle(&near, way));
        }
        for region in near {
            if let Some(way) = self.joined(self.regions[region].region.clone(), id) {
                return Some(self.settle(&[region], way));
            }
        }
        let way = alone.join(self.graph, id)?;
        let scalar = alone.scalar;
        self.regions.push(Growing { region: alone, open: true, into: None, steps: 0, repeats: 0, rows: 0 });
        let last = self.regions.len() - 1;
        self.count(last, &way);
        if scalar {
            self.scalars = Some(last);
        }
        Some(last)
    }

    fn merged(&self, near: &[usize]) -> Option<Region> {
        let (first, rest) = near.split_first()?;
        rest.iter().try_fold(self.regions[*first].region.clone(), |all, &next| all.merged(&self.regions[next].region))
    }

    fn joined(&self, mut region: Region, id: NodeId) -> Option<(Region, Way)> {
        if region.members.len() >= MAX_MEMBERS {
            return None;
        }
        let way = region.join(self.graph, id)?;
        Some((region, way))
    }

    /// Lets the first of these regions be all of them and a node more.
    fn settle(&mut self, near: &[usize], (region, way): (Region, Way)) -> usize {
        let (&first, rest) = near.split_first().expect("a region");
        for &other in rest {
            self.regions[other].into = Some(first);
            self.regions[first].steps += self.regions[other].steps;
            self.regions[first].repeats += self.regions[other].repeats;
        }
        self.regions[first].region = region;
        self.count(first, &way);
        first
    }

    /// Lets `x[i]` go with its readers, if they are of one region.
    fn take_rows(&mut self, live: &[bool]) {
        let mut readers: Vec<SmallVec<[Option<usize>; 2]>> = vec![SmallVec::new(); self.graph.nodes.len()];
        for (id, node) in self.graph.iter().filter(|(id, _)| live[id.0 as usize]) {
            // What only rearranges a member may be made again outside.
            let region = if is_same(self.graph, id) { None } else { self.region(id) };
            node.args.iter().for_each(|a| readers[a.0 as usize].push(region));
        }
        readers[self.graph.ret.0 as usize].push(None);
        for (id, _) in self.graph.iter().filter(|(id, _)| self.graph.is_prim(*id, "index")) {
            if let [Some(region), rest @ ..] = &readers[id.0 as usize][..]
                && rest.iter().all(|other| *other == Some(*region))
            {
                self.of[id.0 as usize] = Some(*region);
                self.regions[*region].rows += 1;
            }
        }
    }

    fn count(&mut self, region: usize, way: &Way) {
        match way.form {
            Form::Same => {}
            Form::Repeat => self.regions[region].repeats += 1,
            _ => self.regions[region].steps += 1,
        }
    }
}

/// A graph with regions in place of their members.
struct Rebuilt<'m> {
    module: &'m mut Module,
    graph: &'m Graph,
    builder: Builder,
    map: Vec<Option<NodeId>>,
    /// Members that somebody outside reads.
    results: Vec<bool>,
    /// By last member.
    regions: &'m IndexMap<NodeId, Vec<NodeId>>,
    member: Vec<bool>,
}

impl<'m> Rebuilt<'m> {
    fn new(module: &'m mut Module, graph: &'m Graph, regions: &'m IndexMap<NodeId, Vec<NodeId>>) -> Self {
        let builder = Builder::new(&graph.name, graph.span);
        let n = graph.nodes.len();
        let mut of = vec![None; n];
        for (last, members) in regions {
            members.iter().for_each(|m| of[m.0 as usize] = Some(*last));
        }
        let mut results = vec![false; n];
        results[graph.ret.0 as usize] = true;
        let live = live(graph);
        for (id, node) in graph.iter().rev().filter(|(id, _)| live[id.0 as usize]) {
            let at = id.0 as usize;
            // What only rearranges a member is read outside by being made again there.
            let again = of[at].is_some() && results[at] && is_same(graph, id);
            for arg in node.args.iter().map(|a| a.0 as usize) {
                results[arg] |= again || of[arg] != of[at] || of[at].is_none();
            }
        }
        let member = of.iter().map(Option::is_some).collect();
        Self { module, graph, builder, map: vec![None; n], results, regions, member }
    }

    fn graph(mut self) -> Graph {
        let graph = self.graph;
        for &p in &graph.params {
            self.builder.span = graph.node(p).span;
            self.map[p.0 as usize] = Some(self.builder.param(graph.ty(p).clone()));
        }
        let live = live(graph);
        for (id, node) in graph.iter().filter(|(id, _)| live[id.0 as usize]) {
            if let Op::Param(_) = node.op {
                continue;
            }
            self.builder.span = node.span;
            if let Some(members) = self.regions.get(&id) {
                self.region(members);
            } else if !self.member[id.0 as usize] {
                self.copy(id);
            }
        }
        let ret = self.at(graph.ret);
        self.builder.finish(ret)
    }

    fn at(&self, id: NodeId) -> NodeId {
        self.map[id.0 as usize].expect("operands stand before users")
    }

    fn copy(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        let args: Args = node.args.iter().map(|&a| self.at(a)).collect();
        self.map[id.0 as usize] = Some(self.builder.emit(node.op.clone(), &args, node.ty.clone()));
    }

    fn region(&mut self, members: &[NodeId]) {
        let wanted = |id: &&NodeId| self.results[id.0 as usize];
        let (again, results): (Vec<NodeId>, Vec<NodeId>) =
            members.iter().filter(wanted).partition(|&&id| is_same(self.graph, id));
        let (body, inputs) = body(self.graph, members, &results);
        let ty = body.result_type().clone();
        let body = self.module.add(body);
        let args: Args = inputs.iter().map(|&a| self.at(a)).collect();
        let node = self.builder.emit(Op::Fused(body), &args, ty);
        if let [only] = results[..] {
            self.map[only.0 as usize] = Some(node);
        } else {
            for (i, id) in results.iter().enumerate() {
                self.map[id.0 as usize] = Some(self.builder.get(node, i));
            }
        }
        again.into_iter().for_each(|id| self.copy(id));
    }
}

/// Whether a member is the same elements as its operand.
fn is_same(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let Op::Prim(prim) = &node.op else { return false };
    let types: SmallVec<[&Type; 4]> = node.args.iter().map(|&a| graph.ty(a)).collect();
    crate::fusion::form(prim, &types, &node.ty) == Some(Form::Same)
}

/// The graph that computes members, and what its parameters stand for.
fn body(graph: &Graph, members: &[NodeId], results: &[NodeId]) -> (Graph, IndexSet<NodeId>) {
    let inside = |id: &NodeId| members.binary_search(id).is_ok();
    let mut inputs = IndexSet::new();
    for &id in members {
        let args = graph.node(id).args.iter().enumerate();
        inputs.extend(args.filter(|(i, a)| !inside(a) && constant(graph, id, *i).is_none()).map(|(_, a)| *a));
    }
    let mut b = Builder::new("fused", graph.node(members[0]).span);
    let mut map: FxHashMap<NodeId, NodeId> = FxHashMap::default();
    for &input in &inputs {
        b.span = graph.node(input).span;
        map.insert(input, b.param(graph.ty(input).clone()));
    }
    let mut constants: IndexMap<Const, NodeId> = IndexMap::new();
    for &id in members {
        let node = graph.node(id);
        b.span = node.span;
        let mut args = Args::new();
        for (i, arg) in node.args.iter().enumerate() {
            args.push(match constant(graph, id, i).filter(|_| !inside(arg)) {
                Some(c) => *constants.entry(c.clone()).or_insert_with(|| b.constant(c)),
                None => map[arg],
            });
        }
        map.insert(id, b.emit(node.op.clone(), &args, node.ty.clone()));
    }
    let results: Vec<NodeId> = results.iter().map(|id| map[id]).collect();
    let ret = if let [only] = results[..] { only } else { b.tuple(&results) };
    (b.finish(ret), inputs)
}

/// The one element that operand `i` of a member has everywhere, if it is a constant and can stand in its place.
fn constant(graph: &Graph, id: NodeId, i: usize) -> Option<Const> {
    let node = graph.node(id);
    let element = match &graph.node(node.args[i]).op {
        Op::Const(c) => uniform(c)?,
        Op::Zero => match graph.ty(node.args[i]).as_tensor()?.0 {
            Elem::F64 => Const::F64(0.0),
            Elem::I64 => Const::I64(0),
            Elem::Bool => Const::Bool(false),
        },
        _ => return None,
    };
    let Op::Prim(prim) = &node.op else { return None };
    let ty = element.ty();
    let types: SmallVec<[&Type; 4]> =
        node.args.iter().enumerate().map(|(k, &a)| if k == i { &ty } else { graph.ty(a) }).collect();
    // With another constant beside it, as an array each, the shape would be lost.
    let shaped = node.args.iter().enumerate().any(|(k, &a)| k != i && graph.ty(a).shape() == node.ty.shape());
    let alone = graph.ty(node.args[i]).shape().is_empty();
    ((alone || shaped && !is_constant(graph, node, i)) && (prim.def.ty)(&prim.attrs, &types).as_ref() == Ok(&node.ty))
        .then_some(element)
}

/// Whether an operand other than `i` is a constant array.
fn is_constant(graph: &Graph, node: &crate::graph::Node, i: usize) -> bool {
    let array = |a: NodeId| matches!(graph.node(a).op, Op::Const(_) | Op::Zero) && !graph.ty(a).shape().is_empty();
    node.args.iter().enumerate().any(|(k, &a)| k != i && array(a))
}

/// The element of a constant whose elements are all the same.
fn uniform(c: &Const) -> Option<Const> {
    Some(match c {
        Const::F64(_) | Const::I64(_) | Const::Bool(_) => c.clone(),
        Const::Array(a) => {
            let first = *a.as_slice().first()?;
            a.as_slice().iter().all(|x| x.to_bits() == first.to_bits()).then_some(Const::F64(first))?
        }
        Const::Ints(a) => {
            let first = *a.as_slice().first()?;
            a.as_slice().iter().all(|&x| x == first).then_some(Const::I64(first))?
        }
        Const::Bools(a) => {
            let first = *a.as_slice().first()?;
            a.as_slice().iter().all(|&x| x == first).then_some(Const::Bool(first))?
        }
        Const::Str(_) | Const::None | Const::Undefined => return None,
    })
}
