//! Every rewrite law on random operands, NaN, infinities and both zeros among them.
//!
//! For each law the left side is built on parameters of random types with random attributes until the
//! law applies to it as often as wanted; then the graph before and the graph after the pass compute
//! the same bits. A law about `zero` says that nothing flows, not that the number is 0, so it is
//! tried on finite operands that are not 0 and compared as numbers; so is one about `units`, whose
//! zeros are absent likewise.

use crate::common::random::Random;
use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Const, Graph, GraphId, Module, NodeId, Op, Stage};
use adjudicate_ir::interp;
use adjudicate_ir::passes;
use adjudicate_ir::prims::{Attrs, Prim};
use adjudicate_ir::rules::{self, CONDITIONS, Law, Term};
use adjudicate_ir::span::Span;
use adjudicate_ir::types::{Elem, Type};
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::Array;

impl Random {
    /// Any float; of those that are finite and not zero if `tame`.
    fn operand(&mut self, tame: bool) -> f64 {
        let special = [1.0, -1.0, 0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE / 4.0];
        match self.below(3) {
            0 => special[self.below(if tame { 2 } else { special.len() })],
            _ => (self.below(2000) as f64 - 999.5) / 64.0,
        }
    }

    fn shape(&mut self) -> Vec<usize> {
        (0..self.below(4)).map(|_| *self.pick(&[1, 2, 2, 3])).collect()
    }
}

/// How often each law must have been seen to apply.
const WANTED: usize = 40;

#[test]
fn every_law_keeps_the_bits() {
    for law in rules::laws() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let applied = (0..2_000_000).filter(|_| applies(law, &mut random)).take(WANTED).count();
        assert_eq!(applied, WANTED, "`{}` hardly ever applies", law.text);
    }
}

#[test]
fn every_condition_is_asked() {
    for (name, _) in CONDITIONS {
        assert!(rules::LAWS.iter().any(|law| law.contains(&format!(" if {name} "))), "{name}");
    }
}

/// Tries a law on a random left side: whether it applied, after a check of what came out.
fn applies(law: &Law, random: &mut Random) -> bool {
    let mut side = Side { b: Builder::new("law", Span::default()), params: Vec::new(), attrs: Vec::new() };
    let Some(ret) = side.build(&law.lhs, random) else { return false };
    let before = side.b.finish(ret);
    let Some(after) = passes::apply_law(law, &before) else { return false };
    let absent = law.text.contains("zero") || law.text.contains("units");
    let args: Vec<Value> = before.param_types().iter().map(|ty| value(ty, random, absent)).collect();
    let run = |graph: Graph| {
        let module = Module { stage: Stage::Closed, graphs: vec![graph], entry: GraphId(0) };
        verify(&module).unwrap_or_else(|why| panic!("`{}`: {why}", law.text));
        interp::eval(&module, args.clone())
    };
    let (wanted, found) = (run(before.clone()), run(after));
    let (Ok(wanted), Ok(found)) = (wanted, found) else { return false };
    assert_eq!(bits(&wanted, absent), bits(&found, absent), "`{}`: {args:?}\n{before:?}", law.text);
    true
}

/// The numbers of a value, told apart by their bits but for NaN; of zeros not by the sign if `loose`.
fn bits(value: &Value, loose: bool) -> Vec<String> {
    let float = |x: f64| match x {
        x if x.is_nan() => "nan".to_owned(),
        x if x == 0.0 && loose => "0".to_owned(),
        x => format!("{x:?}"),
    };
    match value {
        Value::F64(x, _) => vec![float(*x)],
        Value::Array(a, _) => a.as_slice().iter().map(|x| float(*x)).collect(),
        other => vec![format!("{other:?}")],
    }
}

/// The left side of a law under construction, on parameters.
struct Side {
    b: Builder,
    params: Vec<(&'static str, NodeId)>,
    attrs: Vec<(&'static str, Attrs)>,
}

impl Side {
    fn build(&mut self, term: &Term, random: &mut Random) -> Option<NodeId> {
        Some(match term {
            Term::Any(name) => match self.params.iter().find(|(n, _)| n == name) {
                Some((_, id)) => *id,
                None => {
                    let elem = *random.pick(&[Elem::F64, Elem::F64, Elem::F64, Elem::Bool, Elem::I64]);
                    let ty = match random.below(8) {
                        0 => Type::Env,
                        1 => Type::stack(Type::f64()),
                        _ => Type::tensor(elem, &random.shape()),
                    };
                    let id = self.b.param(ty);
                    self.params.push((name, id));
                    id
                }
            },
            Term::Number(x) => self.constant(Const::F64(*x), Const::Array(Array::full(&[2], *x)), random),
            Term::Truth(t) => self.constant(Const::Bool(*t), Const::Bools(Array::full(&[2], *t)), random),
            Term::Zero(_) => {
                let ty = match random.below(8) {
                    0 => Type::Env,
                    1 => Type::stack(Type::f64()),
                    _ => Type::tensor(Elem::F64, &random.shape()),
                };
                self.b.zero(ty)
            }
            Term::Prim { def, attrs, args } => {
                let args: Vec<NodeId> = args.iter().map(|a| self.build(a, random)).collect::<Option<_>>()?;
                let types: Vec<&Type> = args.iter().map(|&a| self.b.ty(a)).collect();
                let shape = types.first().and_then(|ty| ty.as_tensor()).map_or(&[][..], |(_, shape)| shape);
                let made = attributes(def.name, shape, random);
                let prim = Prim { def, attrs: made.clone() };
                if let [name] = attrs[..] {
                    self.attrs.push((name, made));
                }
                let ty = (def.ty)(&prim.attrs, &types).ok()?;
                self.b.emit(Op::Prim(prim), &args, ty)
            }
        })
    }

    fn constant(&mut self, scalar: Const, array: Const, random: &mut Random) -> NodeId {
        let id = self.b.constant(if random.below(2) == 0 { scalar } else { array });
        match random.below(3) {
            0 => {
                let shape: Vec<i64> = [*random.pick(&[1, 2, 3]), 2].to_vec();
                self.b.prim(&adjudicate_ir::prims::BROADCAST_TO, &shape, &[id])
            }
            _ => id,
        }
    }
}

/// Attributes that may fit an operand of this shape.
fn attributes(name: &str, first: &[usize], random: &mut Random) -> Attrs {
    let rank = first.len();
    let extents = |shape: Vec<usize>| shape.into_iter().map(|n| n as i64).collect();
    match name {
        "reshape" if random.below(2) == 0 => {
            // The same extents in another order, with one of length 1 among them.
            let mut shape: Vec<usize> = first.iter().rev().copied().collect();
            let at = random.below(shape.len() + 1);
            shape.insert(at, 1);
            extents(shape)
        }
        "reshape" | "broadcast_to" | "units" => extents(random.shape()),
        "transpose" => {
            let mut order: Attrs = (0..rank as i64).collect();
            (1..rank).for_each(|i| order.swap(i, random.below(i + 1)));
            order
        }
        "sum" => (0..rank as i64).filter(|_| random.below(2) == 0).collect(),
        "cumsum" | "gather" => Attrs::from_slice(&[random.below(3) as i64]),
        "matmul" | "gemm_add" => Attrs::from_slice(&[random.below(2) as i64, random.below(2) as i64]),
        "powi" => Attrs::from_slice(&[random.below(4) as i64]),
        "slice" => (0..rank).flat_map(|_| [0, 1 + random.below(2) as i64, 1]).collect(),
        "unslice" => {
            let extents: Vec<i64> = (0..rank).map(|_| 2 + random.below(2) as i64).collect();
            let ranges = (0..rank).flat_map(|_| [0, 1 + random.below(2) as i64, 1]);
            std::iter::once(rank as i64).chain(extents.clone()).chain(ranges).collect()
        }
        _ => Attrs::new(),
    }
}

fn value(ty: &Type, random: &mut Random, tame: bool) -> Value {
    let Some((elem, shape)) = ty.as_tensor() else { return Value::zero(ty) };
    let count = ty.size();
    match elem {
        Elem::F64 if shape.is_empty() => Value::f64(random.operand(tame)),
        Elem::F64 => Value::array(Array::from_vec(shape, (0..count).map(|_| random.operand(tame)).collect())),
        Elem::I64 if shape.is_empty() => Value::I64(random.below(2) as i64),
        Elem::I64 => Value::ints(Array::from_vec(shape, (0..count).map(|_| random.below(2) as i64).collect())),
        Elem::Bool if shape.is_empty() => Value::Bool(random.below(2) == 0),
        Elem::Bool => Value::bools(Array::from_vec(shape, (0..count).map(|_| random.below(2) == 0).collect())),
    }
}
