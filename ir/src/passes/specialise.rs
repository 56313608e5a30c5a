//! Copies of graphs for the known functions they are given.
//!
//! ```text
//! call @g (closure @f (c…), x…)  =  call @g' (c…, x…)      @g' is @g with closure @f (c…) in place
//! ```
//!
//! Of graphs called with different functions at several sites; where all sites give the same,
//! `flatten` needs no copy. A function that grows from call to call, as in continuation passing, would
//! be specialised without end, so a graph has at most [`MAX_COPIES`] copies; what is left is a
//! function value at run time.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{Args, Graph, GraphId, Module, NodeId, Op};
use crate::span::Span;

use super::rewrite::{copy_nodes, live, rebuild, sweep};
use super::{Pass, Run};

pub(super) const SPECIALISE: Pass = Pass {
    name: "specialise",
    about: "copies graphs for the known functions they are called with",
    run: Run::Module(run),
};

/// Copies of one function of the program.
const MAX_COPIES: usize = 16;

/// A graph and, for each operand, the code and the number of captures of the function it is, if that is known.
type Key = (GraphId, Vec<Option<(GraphId, usize)>>);

fn run(module: &mut Module) -> Vec<GraphId> {
    let mut copies = Copies { made: FxHashMap::default(), of: FxHashMap::default() };
    for g in module.reachable() {
        let graph = module.graph(g);
        *copies.of.entry((graph.name.clone(), graph.span)).or_insert(0) += 1;
    }
    let mut changed = Vec::new();
    let mut work = module.reachable();
    work.reverse();
    while let Some(id) = work.pop() {
        let graph = module.graph(id);
        let live = live(graph);
        let wanted = graph.iter().filter(|(n, _)| live[n.0 as usize]);
        let wanted: Vec<(NodeId, Key)> = wanted.filter_map(|(n, _)| Some((n, key(graph, n)?))).collect();
        let mut calls: FxHashMap<NodeId, GraphId> = FxHashMap::default();
        for (node, key) in wanted {
            if let Some(copy) = copies.of(module, &key, &mut work) {
                calls.insert(node, copy);
            }
        }
        if !calls.is_empty() {
            module.graphs[id.0 as usize] = calling(module.graph(id), &calls);
            changed.push(id);
        }
    }
    changed.extend(copies.made.into_values());
    changed.sort_unstable();
    changed.dedup();
    changed
}

fn key(graph: &Graph, id: NodeId) -> Option<Key> {
    let node = graph.node(id);
    let Op::Call(callee) = node.op else { return None };
    let code = |a: &NodeId| match graph.node(*a).op {
        Op::Closure(code) => Some((code, graph.node(*a).args.len())),
        _ => None,
    };
    let known: Vec<_> = node.args.iter().map(code).collect();
    known.iter().any(Option::is_some).then_some((callee, known))
}

struct Copies {
    made: FxHashMap<Key, GraphId>,
    /// How many graphs there are of a name at a place.
    of: FxHashMap<(Arc<str>, Span), usize>,
}

impl Copies {
    fn of(&mut self, module: &mut Module, key: &Key, work: &mut Vec<GraphId>) -> Option<GraphId> {
        if let Some(&made) = self.made.get(key) {
            return Some(made);
        }
        let graph = module.graph(key.0);
        let count = self.of.get_mut(&(graph.name.clone(), graph.span)).expect("it was counted");
        if *count >= MAX_COPIES {
            return None;
        }
        *count += 1;
        let copy = specialised(module, key);
        let copy = module.add(copy);
        self.made.insert(key.clone(), copy);
        work.push(copy);
        Some(copy)
    }
}

/// The graph with known functions made inside from their captures.
fn specialised(module: &Module, (id, known): &Key) -> Graph {
    let graph = module.graph(*id);
    let mut b = Builder::new(&graph.name, graph.span);
    let mut given: Vec<Args> = Vec::new();
    for (&p, known) in graph.params.iter().zip(known) {
        given.push(match known {
            None => Args::from_slice(&[b.param(graph.ty(p).clone())]),
            Some((code, captures)) => {
                let types = module.graph(*code).param_types();
                types[..*captures].iter().map(|ty| b.param(ty.clone())).collect()
            }
        });
    }
    let mut params = Vec::new();
    for ((&p, known), given) in graph.params.iter().zip(known).zip(&given) {
        params.push(match known {
            None => given[0],
            Some((code, _)) => b.emit(Op::Closure(*code), given, graph.ty(p).clone()),
        });
    }
    let copied = copy_nodes(&mut b, graph, &params, |b, id, op, args| b.emit(op.clone(), args, graph.ty(id).clone()));
    let mut copy = b.finish(copied.get(graph.ret));
    sweep(&mut copy);
    copy
}

/// A graph whose calls go to copies, with captures in place of functions.
fn calling(graph: &Graph, calls: &FxHashMap<NodeId, GraphId>) -> Graph {
    let mut new = rebuild(graph, |b, id, op, args| match calls.get(&id) {
        None => b.emit(op.clone(), args, graph.ty(id).clone()),
        Some(&copy) => {
            let mut all = Args::new();
            for (&old, &arg) in graph.node(id).args.iter().zip(args) {
                match graph.node(old).op {
                    Op::Closure(_) => all.extend(b.graph().node(arg).args.iter().copied()),
                    _ => all.push(arg),
                }
            }
            b.emit(Op::Call(copy), &all, graph.ty(id).clone())
        }
    });
    sweep(&mut new);
    new
}
