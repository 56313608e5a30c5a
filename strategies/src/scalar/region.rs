//! Operations on single elements that stand together, as statements of the outermost tape.
//!
//! Before it runs, a region becomes one program of the kernels for its values and, staged from the primitives' rules, for the
//! partial derivatives of each. What is pushed depends on which operands are active: for each such choice it is found once
//! which statements there are, and from where the partial of each edge comes. A run then computes, and copies.
//!
//! On inner tapes, and where a partial derivative cannot be had, operations are applied one after the other.

use std::sync::Arc;

use adjudicate_ir::fusion;
use adjudicate_ir::graph::{Const, Graph, NodeId, Op};
use adjudicate_ir::types::{self, Type};
use adjudicate_kernels::fused::{Builder, Elem, Layout, Program, Scalar, Val};
use indexmap::IndexSet;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::active::Edge;
use super::partials::{Function, Source};

/// So many operands are told apart by whether they are active.
const MAX_OPERANDS: usize = 64;

/// Where an operand of an operation comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    Operand(usize),
    /// As bits.
    Constant(u64),
    /// An operation before.
    Operation(usize),
}

/// A primitive of a region.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) function: Function,
    pub(super) args: SmallVec<[Origin; 3]>,
}

/// A region made ready.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) operations: Arc<[Operation]>,
    /// By result, the operation that it is, and its element type.
    pub(super) results: Vec<(usize, types::Elem)>,
    pub(super) staged: Option<Staged>,
}

/// Values and partials as one program.
#[derive(Debug)]
pub(super) struct Staged {
    program: Program,
    /// The places of the program, and after them constants that are partials. The first are the operands.
    pub(super) places: Vec<u64>,
    /// By operand, its statement; after them those of the last run.
    pub(super) statements: Vec<u32>,
    operands: usize,
    partials: Vec<Partial>,
    /// By result, its place and the operation that it is.
    results: Vec<(usize, usize)>,
    /// With the active operands, a bit for each.
    patterns: Vec<(u64, Pattern)>,
}

/// A partial derivative: of which operation by what, and its place.
#[derive(Clone, Copy, Debug)]
struct Partial {
    of: usize,
    by: Origin,
    place: usize,
}

/// What is pushed for one choice of active operands.
#[derive(Debug, Default)]
struct Pattern {
    /// By statement: the number of its edges.
    counts: Vec<u8>,
    /// By edge: the place of its partial, and where among [`Staged::statements`] it leads.
    edges: Vec<(u32, u32)>,
    /// By result: where among [`Staged::statements`] it is; `None` if it is not active.
    results: Vec<Option<u32>>,
}

impl Region {
    /// The region of a fused graph; `params` says for each operand which parameter of the graph it is. `None` if one of its
    /// nodes is no function of scalars.
    pub(super) fn new(graph: &Graph, params: &[usize]) -> Option<Region> {
        let mut operations = Vec::new();
        let mut from: FxHashMap<NodeId, Origin> = FxHashMap::default();
        for (id, node) in graph.iter() {
            let known = match &node.op {
                Op::Param(i) => params.iter().position(|p| *p == *i as usize).map(Origin::Operand),
                Op::Const(Const::F64(x)) => Some(Origin::Constant(x.to_bits())),
                Op::Const(Const::I64(n)) => Some(Origin::Constant(*n as u64)),
                Op::Const(Const::Bool(b)) => Some(Origin::Constant(u64::from(*b))),
                Op::Prim(prim) => {
                    let operands: Vec<Type> = node.args.iter().map(|&a| graph.ty(a).clone()).collect();
                    let function = Function::new(prim.clone(), &operands).ok()?;
                    let args = node.args.iter().map(|a| from.get(a).copied()).collect::<Option<_>>()?;
                    operations.push(Operation { function, args });
                    Some(Origin::Operation(operations.len() - 1))
                }
                Op::Tuple if id == graph.ret => None,
                _ => return None,
            };
            from.extend(known.map(|known| (id, known)));
        }
        let ret = graph.node(graph.ret);
        let results = if ret.op == Op::Tuple { ret.args.to_vec() } else { vec![graph.ret] };
        let result = |id: &NodeId| match from.get(id)? {
            Origin::Operation(at) => Some((*at, graph.ty(*id).as_tensor()?.0)),
            Origin::Operand(_) | Origin::Constant(_) => None,
        };
        let results: Vec<(usize, types::Elem)> = results.iter().map(result).collect::<Option<_>>()?;
        let operands = params.iter().map(|&p| element(graph.ty(graph.params[p])));
        let staged = (params.len() <= MAX_OPERANDS).then(|| Staging::new(operands).stage(&operations, &results));
        Some(Region { operations: operations.into(), results, staged: staged.flatten() })
    }
}

impl Staged {
    /// Computes with the operands in the places, of which these are active, and pushes the statements that come of it.
    #[inline]
    pub(super) fn run(&mut self, active: u64, counts: &mut Vec<u8>, edges: &mut Vec<Edge<f64>>) -> Recorded<'_> {
        let Staged { program, places, statements, operands, partials, results, patterns } = self;
        program.singles().expect("a program over single elements").run(places);
        let known = patterns.iter().position(|(of, _)| *of == active);
        let pattern = match known {
            Some(at) => &patterns[at].1,
            None => {
                patterns.push((active, Pattern::new(active, *operands, partials, results)));
                &patterns[patterns.len() - 1].1
            }
        };
        let first = counts.len() as u32;
        counts.extend_from_slice(&pattern.counts);
        statements.truncate(*operands);
        statements.extend(first..counts.len() as u32);
        let edge = |&(place, leads): &(u32, u32)| Edge {
            partial: f64::from_bits(places[place as usize]),
            statement: statements[leads as usize],
        };
        edges.extend(pattern.edges.iter().map(edge));
        Recorded { places, statements, results, of: &pattern.results }
    }
}

/// The results of a run.
pub(super) struct Recorded<'r> {
    places: &'r [u64],
    statements: &'r [u32],
    results: &'r [(usize, usize)],
    of: &'r [Option<u32>],
}

impl Recorded<'_> {
    /// Their bits, and their statements if they are active.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Option<u32>)> {
        let active = self.of.iter().map(|of| of.map(|at| self.statements[at as usize]));
        self.results.iter().map(|&(place, _)| self.places[place]).zip(active)
    }
}

impl Pattern {
    fn new(active: u64, operands: usize, partials: &[Partial], results: &[(usize, usize)]) -> Self {
        let mut pattern = Pattern::default();
        // By operation, where it is among the statements.
        let mut places: FxHashMap<usize, u32> = FxHashMap::default();
        for of in partials.chunk_by(|a, b| a.of == b.of) {
            let before = pattern.edges.len();
            for partial in of {
                let leads = match partial.by {
                    Origin::Operand(i) => (active >> i & 1 != 0).then_some(i as u32),
                    Origin::Operation(at) => places.get(&at).copied(),
                    Origin::Constant(_) => None,
                };
                pattern.edges.extend(leads.map(|leads| (partial.place as u32, leads)));
            }
            let count = pattern.edges.len() - before;
            if count > 0 {
                places.insert(of[0].of, (operands + pattern.counts.len()) as u32);
                pattern.counts.push(count as u8);
            }
        }
        pattern.results = results.iter().map(|(_, operation)| places.get(operation).copied()).collect();
        pattern
    }
}

/// Makes one program of the values and partials of operations.
struct Staging {
    builder: Builder,
    operands: Vec<Val>,
}

/// A value of the program, or the bits of a constant.
#[derive(Clone, Copy)]
enum Item {
    Val(Val),
    Constant(u64),
}

impl Staging {
    fn new(operands: impl Iterator<Item = Elem>) -> Self {
        let mut builder = Builder::new(1, 1);
        let operands = operands.map(|elem| builder.input(elem, Layout::Scalar)).collect();
        Staging { builder, operands }
    }

    /// `None` if an operation has no partial derivatives.
    fn stage(mut self, operations: &[Operation], results: &[(usize, types::Elem)]) -> Option<Staged> {
        let mut values: Vec<Val> = Vec::new();
        let mut partials: Vec<(usize, Origin, Item)> = Vec::new();
        for (of, Operation { function, args }) in operations.iter().enumerate() {
            let items: SmallVec<[Item; 3]> = args.iter().map(|&arg| self.item(arg, &values)).collect();
            let result = self.apply(function, &items);
            values.push(result);
            if !function.is_float {
                continue;
            }
            let found = function.partials().ok()?;
            let mut steps: SmallVec<[Item; 8]> = SmallVec::new();
            let item = |source: Source, steps: &[Item]| match source {
                Source::Const(x) => Item::Constant(x.to_bits()),
                Source::Bits(bits) => Item::Constant(bits),
                Source::Arg(i) => items[usize::from(i)],
                Source::Result => Item::Val(result),
                Source::Step(i) => steps[usize::from(i)],
            };
            for step in &found.steps {
                let args: SmallVec<[Item; 3]> = step.args.iter().map(|&source| item(source, &steps)).collect();
                let val = self.apply(&step.function, &args);
                steps.push(Item::Val(val));
            }
            let by = args.iter().zip(&found.of);
            partials.extend(by.filter_map(|(&by, source)| Some((of, by, item((*source)?, &steps)))));
        }
        Some(self.finish(&values, &partials, results))
    }

    fn item(&self, from: Origin, values: &[Val]) -> Item {
        match from {
            Origin::Operand(i) => Item::Val(self.operands[i]),
            Origin::Constant(bits) => Item::Constant(bits),
            Origin::Operation(at) => Item::Val(values[at]),
        }
    }

    fn apply(&mut self, function: &Function, args: &[Item]) -> Val {
        let builder = &mut self.builder;
        let mut val = |(arg, ty): (&Item, &Type)| match *arg {
            Item::Val(val) => val,
            Item::Constant(bits) => builder.constant(match element(ty) {
                Elem::F64 => Scalar::F64(f64::from_bits(bits)),
                Elem::I64 => Scalar::I64(bits as i64),
                Elem::Bool => Scalar::Bool(bits != 0),
            }),
        };
        let args: SmallVec<[Val; 3]> = args.iter().zip(&function.operands).map(&mut val).collect();
        function.form.build(builder, &args, &function.operands[0], 0)
    }

    /// Every value that is wanted is a result of the program; those that are operands are in their places already.
    fn finish(
        mut self,
        values: &[Val],
        partials: &[(usize, Origin, Item)],
        results: &[(usize, types::Elem)],
    ) -> Staged {
        let operands = &self.operands;
        let wanted = results.iter().map(|&(of, _)| values[of]);
        let wanted = wanted.chain(partials.iter().filter_map(|&(_, _, item)| match item {
            Item::Val(val) => Some(val),
            Item::Constant(_) => None,
        }));
        let stored: IndexSet<Val> = wanted.filter(|val| !operands.contains(val)).collect();
        stored.iter().for_each(|&val| self.builder.store(val, &[], false));
        let program = self.builder.finish();
        let singles = program.singles().expect("a program over single elements");
        let place = |val: Val| match operands.iter().position(|&operand| operand == val) {
            Some(i) => i,
            None => singles.end(stored.get_index_of(&val).expect("a value that is stored")),
        };
        let mut places = singles.places();
        let mut constants: FxHashMap<u64, usize> = FxHashMap::default();
        let partials = partials.iter().map(|&(of, by, item)| {
            let place = match item {
                Item::Val(val) => place(val),
                Item::Constant(bits) => *constants.entry(bits).or_insert_with(|| {
                    places.push(bits);
                    places.len() - 1
                }),
            };
            Partial { of, by, place }
        });
        let partials = partials.collect();
        let results = results.iter().map(|&(of, _)| (place(values[of]), of)).collect();
        let (operands, statements) = (operands.len(), vec![0; operands.len()]);
        Staged { program, places, statements, operands, partials, results, patterns: Vec::new() }
    }
}

fn element(ty: &Type) -> Elem {
    fusion::element(ty).expect("a single element")
}
