//! What nobody reads is not computed, across graphs.
//!
//! A node is needed if the result of its graph needs it; an item of a result if some site's reader
//! does; a parameter if a needed node reads it; the operand of a site if the parameter is needed. An
//! item of a loop's state is needed if it is read after the loop, by the condition, or for a needed item of the
//! next state. Solved for to a fixed point from nothing, so a value that only feeds itself, through a
//! recursion or a loop, is not needed.
//!
//! What is not needed is zero from then on, also where it is still an item of a tuple of which other items
//! are read: nothing that reads a parameter which is gone may run.

use std::collections::{BTreeMap, VecDeque};

use crate::graph::{Graph, GraphId, Module, Node, NodeId, Op};

use super::resign::{Fate, Plan, resign};
use super::rewrite::{live, sweep};
use super::sites::{Class, Sites, operands};
use super::{Pass, Run};

pub(super) const DEMAND: Pass =
    Pass { name: "demand", about: "leaves out parameters, results and state that nobody reads", run: Run::Module(run) };

fn run(module: &mut Module) -> Vec<GraphId> {
    let sites = Sites::of(module);
    let demand = Demand::of(module, &sites);
    let mut plans = BTreeMap::new();
    for (c, class) in sites.classes.iter().enumerate() {
        let mut plan = Plan::keep(module, class.body.unwrap_or(class.graphs[0]));
        for (fate, needed) in plan.params.iter_mut().zip(&demand.params[c]) {
            *fate = if *needed { Fate::Keep } else { Fate::Drop };
        }
        let tuple = module.graph(class.body.unwrap_or(class.graphs[0])).result_type().as_tuple().is_some();
        if tuple && !class.fixed_result {
            for (fate, needed) in plan.result.iter_mut().zip(&demand.results[c]) {
                *fate = if *needed { Fate::Keep } else { Fate::Drop };
            }
        }
        plans.insert(c, plan);
    }
    let needed = demand.needed;
    let mut changed: Vec<GraphId> = sites
        .reachable
        .iter()
        .copied()
        .filter(|&g| zero(&mut module.graphs[g.0 as usize], &needed[g.0 as usize]))
        .collect();
    changed.extend(resign(module, &sites, plans));
    changed
}

/// Makes nodes zero that are not needed though the return node reaches them; says whether there were any.
fn zero(graph: &mut Graph, needed: &[bool]) -> bool {
    let live = live(graph);
    let mut changed = false;
    for (i, node) in graph.nodes.iter_mut().enumerate() {
        let is_leaf = matches!(node.op, Op::Param(_) | Op::Const(_) | Op::Zero);
        if live[i] && !needed[i] && !is_leaf {
            node.op = Op::Zero;
            node.args.clear();
            changed = true;
        }
    }
    if changed {
        sweep(graph);
    }
    changed
}

/// How much of a node is needed.
#[derive(Clone, Debug, PartialEq)]
enum Need {
    Nothing,
    /// These items of a tuple.
    Items(Vec<bool>),
    All,
}

impl Need {
    fn is_something(&self) -> bool {
        match self {
            Need::Nothing => false,
            Need::Items(items) => items.contains(&true),
            Need::All => true,
        }
    }
}

struct Demand<'m> {
    module: &'m Module,
    sites: &'m Sites,
    /// By class: needed parameters, and needed items of the result (of a loop, of the state).
    params: Vec<Vec<bool>>,
    results: Vec<Vec<bool>>,
    /// By graph: needed nodes.
    needed: Vec<Vec<bool>>,
    work: VecDeque<GraphId>,
    waiting: Vec<bool>,
}

impl<'m> Demand<'m> {
    fn of(module: &'m Module, sites: &'m Sites) -> Self {
        let params = |class: &Class| {
            let count = module.graph(class.graphs[0]).params.len();
            (0..count).map(|i| i >= class.free).collect()
        };
        let results = |class: &Class| {
            let ty = module.graph(class.body.unwrap_or(class.graphs[0])).result_type();
            vec![class.fixed_result; ty.items().len()]
        };
        let mut demand = Self {
            module,
            sites,
            params: sites.classes.iter().map(params).collect(),
            results: sites.classes.iter().map(results).collect(),
            needed: vec![Vec::new(); module.graphs.len()],
            work: sites.reachable.iter().copied().collect(),
            waiting: vec![true; module.graphs.len()],
        };
        while let Some(g) = demand.work.pop_front() {
            demand.waiting[g.0 as usize] = false;
            demand.visit(g);
        }
        demand
    }

    fn again(&mut self, g: GraphId) {
        if !std::mem::replace(&mut self.waiting[g.0 as usize], true) {
            self.work.push_back(g);
        }
    }

    fn need_param(&mut self, class: usize, i: usize) {
        if std::mem::replace(&mut self.params[class][i], true) {
            return;
        }
        let sites = self.sites;
        let found = &sites.classes[class];
        found.sites.iter().for_each(|site| self.again(site.user));
        if found.body.is_some() && i < self.results[class].len() {
            self.need_result(class, i);
        }
    }

    fn need_result(&mut self, class: usize, i: usize) {
        if std::mem::replace(&mut self.results[class][i], true) {
            return;
        }
        let sites = self.sites;
        let found = &sites.classes[class];
        found.graphs.iter().for_each(|&g| self.again(g));
        if found.body.is_some() {
            // What is read after the last trip is what came in, if there was none.
            self.need_param(class, i);
        }
    }

    fn visit(&mut self, g: GraphId) {
        let graph = self.module.graph(g);
        let class = self.sites.class_of(g);
        let mut needs = vec![Need::Nothing; graph.nodes.len()];
        let is_condition = self.sites.classes[class].body.is_some_and(|body| body != g);
        let results = &self.results[class];
        needs[graph.ret.0 as usize] = match graph.result_type().as_tuple() {
            _ if is_condition => Need::All,
            Some(_) => Need::Items(results.clone()),
            None if results[0] => Need::All,
            None => Need::Nothing,
        };
        for (id, node) in graph.iter().rev() {
            let need = needs[id.0 as usize].clone();
            if need.is_something() {
                self.node(graph, class, node, &need, &mut needs);
            }
        }
        self.needed[g.0 as usize] = needs.iter().map(Need::is_something).collect();
    }

    fn node(&mut self, graph: &Graph, class: usize, node: &Node, need: &Need, needs: &mut [Need]) {
        let mut all = |id: NodeId| needs[id.0 as usize] = Need::All;
        let item = |i: usize| match need {
            Need::Nothing => false,
            Need::Items(items) => items[i],
            Need::All => true,
        };
        match &node.op {
            Op::Param(i) => self.need_param(class, *i as usize),
            Op::Tuple => node.args.iter().enumerate().filter(|(i, _)| item(*i)).for_each(|(_, a)| all(*a)),
            Op::Get(i) => {
                let tuple = node.args[0];
                let count = graph.ty(tuple).as_tuple().map_or(0, <[_]>::len);
                match &mut needs[tuple.0 as usize] {
                    Need::All => {}
                    Need::Items(items) => items[*i as usize] = true,
                    nothing @ Need::Nothing => {
                        *nothing = Need::Items((0..count).map(|k| k == *i as usize).collect());
                    }
                }
            }
            Op::Call(_) | Op::If(..) | Op::Loop { .. } | Op::Closure(_) => {
                let callee = self.sites.class_at(&node.op).expect("a site");
                if !matches!(node.op, Op::Closure(_)) {
                    let wanted: Vec<usize> = (0..self.results[callee].len()).filter(|&i| item(i)).collect();
                    wanted.into_iter().for_each(|i| self.need_result(callee, i));
                }
                let own = operands(node);
                node.args[..node.args.len() - own.len()].iter().for_each(|&a| all(a));
                own.iter().zip(&self.params[callee]).filter(|(_, needed)| **needed).for_each(|(a, _)| all(*a));
            }
            Op::Const(_)
            | Op::Zero
            | Op::Prim(_)
            | Op::Apply(_)
            | Op::Vjp(_)
            | Op::Fused(_)
            | Op::Outer(..)
            | Op::Fn(_)
            | Op::Builtin(_)
            | Op::Record(_) => node.args.iter().for_each(|&a| all(a)),
        }
    }
}
