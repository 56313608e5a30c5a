//! Fusion: what the pass makes of a module, and that random programs mean the same, to the bit, and count the same.

use crate::common::random::Random;
use adjudicate_ir::builder::Builder;
use adjudicate_ir::datum::Datum;
use adjudicate_ir::exec::{Executable, Machine, Plain};
use adjudicate_ir::graph::{Const, GraphId, Module, NodeId, Op, Stage};
use adjudicate_ir::interp;
use adjudicate_ir::passes;
use adjudicate_ir::prims::{self, PrimDef};
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::span::Span;
use adjudicate_ir::text;
use adjudicate_ir::types::{Elem, Type};
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::{Array, counts};
use expect_test::{Expect, expect};

fn fused(module: &Module) -> Module {
    let mut fused = module.clone();
    passes::run_once(&mut fused, passes::FUSE, &mut |_, _| {});
    verify(&fused).unwrap_or_else(|why| panic!("{why}\n{}", text::print(&fused)));
    fused
}

/// The graphs of a module after fusion.
fn check(graphs: &str, expected: &Expect) {
    let module = text::parse(&format!("module closed entry @0\n{graphs}")).expect("a module");
    verify(&module).expect("a well-formed module");
    let after = text::print(&fused(&module));
    assert_eq!(text::parse(&after).expect("its text"), fused(&module));
    expected.assert_eq(after.split_once("\n\n").expect("a head and graphs").1);
}

#[test]
fn a_chain_with_its_sum() {
    check(
        "graph @0 f(%0: f64[3, 4], %1: f64[4]) -> (f64[3, 4], f64[4]) {
  %2 = add %0 %1 : f64[3, 4]
  %3 = tanh %2 : f64[3, 4]
  %4 = sum[0] %3 : f64[4]
  %5 = tuple (%3, %4) : (f64[3, 4], f64[4])
  return %5
}
",
        &expect![[r#"
            graph @0 f(%0: f64[3, 4], %1: f64[4]) -> (f64[3, 4], f64[4]) {
              %2 = fused @1 (%0, %1) : (f64[3, 4], f64[4])
              %3 = get 0 %2 : f64[3, 4]
              %4 = get 1 %2 : f64[4]
              %5 = tuple (%3, %4) : (f64[3, 4], f64[4])
              return %5
            }

            graph @1 fused(%0: f64[3, 4], %1: f64[4]) -> (f64[3, 4], f64[4]) {
              %2 = add %0 %1 : f64[3, 4]
              %3 = tanh %2 : f64[3, 4]
              %4 = sum[0] %3 : f64[4]
              %5 = tuple (%3, %4) : (f64[3, 4], f64[4])
              return %5
            }
        "#]],
    );
}

#[test]
fn a_softmax_is_one_region() {
    check(
        "graph @0 f(%0: f64[3, 4]) -> f64[3, 4] {
  %1 = max[1] %0 : f64[3]
  %2 = reshape[3,1] %1 : f64[3, 1]
  %3 = sub %0 %2 : f64[3, 4]
  %4 = exp %3 : f64[3, 4]
  %5 = sum[1] %4 : f64[3]
  %6 = reshape[3,1] %5 : f64[3, 1]
  %7 = div %4 %6 : f64[3, 4]
  return %7
}
",
        &expect![[r#"
            graph @0 f(%0: f64[3, 4]) -> f64[3, 4] {
              %1 = fused @1 (%0) : f64[3, 4]
              return %1
            }

            graph @1 fused(%0: f64[3, 4]) -> f64[3, 4] {
              %1 = max[1] %0 : f64[3]
              %2 = reshape[3,1] %1 : f64[3, 1]
              %3 = sub %0 %2 : f64[3, 4]
              %4 = exp %3 : f64[3, 4]
              %5 = sum[1] %4 : f64[3]
              %6 = reshape[3,1] %5 : f64[3, 1]
              %7 = div %4 %6 : f64[3, 4]
              return %7
            }
        "#]],
    );
}

#[test]
fn a_product_in_between_parts_regions_and_scalars_have_their_own() {
    check(
        "graph @0 f(%0: f64[40, 40], %1: f64) -> f64[40, 40] {
  %2 = mul %1 %1 : f64
  %3 = add %2 %1 : f64
  %4 = mul %0 %3 : f64[40, 40]
  %5 = exp %4 : f64[40, 40]
  %6 = matmul[0,0] %5 %5 : f64[40, 40]
  %7 = const 2.0 : f64
  %8 = mul %6 %7 : f64[40, 40]
  %9 = sub %8 %4 : f64[40, 40]
  return %9
}
",
        &expect![[r#"
            graph @0 f(%0: f64[40, 40], %1: f64) -> f64[40, 40] {
              %2 = mul %1 %1 : f64
              %3 = add %2 %1 : f64
              %4 = fused @1 (%0, %3) : (f64[40, 40], f64[40, 40])
              %5 = get 0 %4 : f64[40, 40]
              %6 = get 1 %4 : f64[40, 40]
              %7 = matmul[0,0] %6 %6 : f64[40, 40]
              %8 = fused @2 (%7, %5) : f64[40, 40]
              return %8
            }

            graph @1 fused(%0: f64[40, 40], %1: f64) -> (f64[40, 40], f64[40, 40]) {
              %2 = mul %0 %1 : f64[40, 40]
              %3 = exp %2 : f64[40, 40]
              %4 = tuple (%2, %3) : (f64[40, 40], f64[40, 40])
              return %4
            }

            graph @2 fused(%0: f64[40, 40], %1: f64[40, 40]) -> f64[40, 40] {
              %2 = const 2.0 : f64
              %3 = mul %0 %2 : f64[40, 40]
              %4 = sub %3 %1 : f64[40, 40]
              return %4
            }
        "#]],
    );
}

#[test]
fn two_nodes_over_a_small_array_stay() {
    check(
        "graph @0 f(%0: f64[3]) -> f64[3] {
  %1 = exp %0 : f64[3]
  %2 = neg %1 : f64[3]
  return %2
}
",
        &expect![[r#"
            graph @0 f(%0: f64[3]) -> f64[3] {
              %1 = exp %0 : f64[3]
              %2 = neg %1 : f64[3]
              return %2
            }
        "#]],
    );
}

#[test]
fn single_nodes_empty_arrays_and_fallible_operations_stay() {
    check(
        "graph @0 f(%0: f64[3], %1: f64[0], %2: i64) -> (f64[3], f64[0], i64) {
  %3 = exp %0 : f64[3]
  %4 = exp %1 : f64[0]
  %5 = neg %4 : f64[0]
  %6 = mod %2 %2 : i64
  %7 = floordiv %6 %2 : i64
  %8 = tuple (%3, %5, %7) : (f64[3], f64[0], i64)
  return %8
}
",
        &expect![[r#"
            graph @0 f(%0: f64[3], %1: f64[0], %2: i64) -> (f64[3], f64[0], i64) {
              %3 = exp %0 : f64[3]
              %4 = exp %1 : f64[0]
              %5 = neg %4 : f64[0]
              %6 = mod %2 %2 : i64
              %7 = floordiv %6 %2 : i64
              %8 = tuple (%3, %5, %7) : (f64[3], f64[0], i64)
              return %8
            }
        "#]],
    );
}

impl Random {
    fn float(&mut self) -> f64 {
        const SPECIAL: [f64; 6] = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];
        if self.below(40) == 0 { *self.pick(&SPECIAL) } else { self.below(2001) as f64 / 500.0 - 2.0 }
    }

    fn value(&mut self, elem: Elem, shape: &[usize]) -> Value {
        let n = shape.iter().product();
        match elem {
            Elem::F64 => Value::array(Array::from_vec(shape, (0..n).map(|_| self.float()).collect())),
            Elem::I64 => Value::ints(Array::from_vec(shape, (0..n).map(|_| self.below(7) as i64 - 3).collect())),
            Elem::Bool => Value::bools(Array::from_vec(shape, (0..n).map(|_| self.below(2) == 0).collect())),
        }
    }
}

const FLOATS: &[&PrimDef] = &[
    &prims::ADD,
    &prims::SUB,
    &prims::MUL,
    &prims::DIV,
    &prims::MAXIMUM,
    &prims::MINIMUM,
    &prims::POW,
    &prims::MOD,
    &prims::ARCTAN2,
];
const UNARY: &[&PrimDef] = &[
    &prims::NEG,
    &prims::ABS,
    &prims::SIGN,
    &prims::EXP,
    &prims::LOG,
    &prims::SQRT,
    &prims::SIN,
    &prims::TANH,
    &prims::SIGMOID,
    &prims::FLOOR,
    &prims::LOG1P,
];
const COMPARE: &[&PrimDef] = &[&prims::LT, &prims::LE, &prims::GT, &prims::GE, &prims::EQ, &prims::NE];
const LOGIC: &[&PrimDef] = &[&prims::LOGICAL_AND, &prims::LOGICAL_OR, &prims::LOGICAL_XOR, &prims::EQ, &prims::NE];
const INTS: &[&PrimDef] = &[&prims::ADD, &prims::SUB, &prims::MUL, &prims::MAXIMUM, &prims::MINIMUM];
const CLASS: &[&PrimDef] = &[&prims::ISNAN, &prims::ISINF, &prims::ISFINITE, &prims::TO_BOOL, &prims::TO_I64];
const REDUCE: &[&PrimDef] = &[&prims::SUM, &prims::SUM, &prims::SUM, &prims::MAX, &prims::MIN, &prims::PROD];

struct Writer {
    random: Random,
    b: Builder,
    nodes: Vec<NodeId>,
    space: Vec<usize>,
}

impl Writer {
    fn any(&mut self, elem: Elem) -> NodeId {
        let fits: Vec<NodeId> =
            self.nodes.iter().copied().filter(|&n| self.b.ty(n).as_tensor().is_some_and(|(e, _)| e == elem)).collect();
        // New nodes more often than old ones.
        let from = if self.random.below(2) == 0 { fits.len().saturating_sub(4) } else { 0 };
        *self.random.pick(&fits[from..])
    }

    /// One of some primitives, where it fits.
    fn apply(&mut self, defs: &[&'static PrimDef], attrs: &[i64], args: &[NodeId]) {
        let def = *self.random.pick(defs);
        let count = |shape: &[usize]| shape.iter().product::<usize>();
        if let Ok(id) = self.b.try_prim(def, attrs, args)
            && count(self.b.ty(id).shape()) <= count(&self.space)
        {
            self.nodes.push(id);
        }
    }

    fn node(&mut self) {
        let [x, y] = [self.any(Elem::F64), self.any(Elem::F64)];
        let shape = self.b.ty(x).shape().to_vec();
        match self.random.below(16) {
            0..=3 => self.apply(FLOATS, &[], &[x, y]),
            4..=6 => self.apply(UNARY, &[], &[x]),
            7 => {
                let power = self.random.below(12) as i64 - 2;
                self.apply(&[&prims::POWI], &[power], &[x]);
            }
            8 => self.apply(COMPARE, &[], &[x, y]),
            9 => {
                let args = [self.any(Elem::Bool), self.any(Elem::Bool)];
                self.apply(LOGIC, &[], &args);
                self.apply(&[&prims::LOGICAL_NOT], &[], &args[..1]);
            }
            10 => {
                let elem = *self.random.pick(&[Elem::F64, Elem::F64, Elem::I64, Elem::Bool]);
                let args = [self.any(Elem::Bool), self.any(elem), self.any(elem)];
                self.apply(&[&prims::SELECT], &[], &args);
            }
            11 => {
                let args = [self.any(Elem::I64), self.any(Elem::I64)];
                self.apply(INTS, &[], &args);
                self.apply(&[&prims::NEG, &prims::ABS, &prims::TO_F64], &[], &args[..1]);
            }
            12 => self.apply(CLASS, &[], &[x]),
            13 => {
                let axes: Vec<i64> = (0..shape.len() as i64).filter(|_| self.random.below(2) == 0).collect();
                self.apply(REDUCE, &axes, &[x]);
                // Of one element: to rank 0 and back.
                self.apply(&[&prims::RESHAPE], &[], &[x]);
                self.apply(&[&prims::RESHAPE], &[1, 1], &[x]);
                let summed = *self.nodes.last().expect("a node");
                if self.b.ty(summed).is_float() {
                    let kept: Vec<i64> = (0..shape.len())
                        .map(|i| if axes.contains(&(i as i64)) { 1 } else { shape[i] as i64 })
                        .collect();
                    self.apply(&[&prims::RESHAPE], &kept, &[summed]);
                }
            }
            14 if self.random.below(2) == 0 => {
                let at = self.b.constant(Const::I64(self.random.below(8) as i64 - 4));
                let [table, place] = [TABLE, PLACE].map(|i| self.nodes[i]);
                let at = *self.random.pick(&[at, place, place]);
                self.apply(&[&prims::INDEX], &[], &[table, at]);
                let flat = self.nodes[FLAT];
                self.apply(&[&prims::INDEX], &[], &[flat, at]);
            }
            14 if !self.space.is_empty() => {
                let target: Vec<i64> = self.space.iter().map(|&n| n as i64).collect();
                self.apply(&[&prims::BROADCAST_TO], &target, &[x]);
            }
            _ => {
                let c = self.random.float();
                let id = self.b.constant(Const::F64(c));
                self.nodes.push(id);
            }
        }
    }
}

/// Parameters over a space: whole arrays, rows, columns and single elements.
fn parameters(space: &[usize]) -> Vec<Type> {
    let row = &space[space.len().min(1)..];
    let column: Vec<usize> = space.iter().enumerate().map(|(i, &n)| if i == 0 { n } else { 1 }).collect();
    let float = |shape: &[usize]| Type::tensor(Elem::F64, shape);
    vec![
        float(space),
        float(space),
        float(row),
        float(&column),
        Type::f64(),
        Type::tensor(Elem::I64, space),
        Type::i64(),
        Type::tensor(Elem::Bool, space),
        Type::bool(),
        float(&[&[4], space].concat()),
        float(&[4]),
        Type::i64(),
    ]
}

/// Among the parameters: four arrays over the space, four numbers, and which of them is read.
const TABLE: usize = 9;
const FLAT: usize = 10;
const PLACE: usize = 11;

fn program(space: &[usize], seed: u64) -> (Module, Vec<Value>) {
    let mut random = Random(u64::wrapping_mul(seed + 1, 0x9e37_79b9_7f4a_7c15));
    let types = parameters(space);
    let mut args: Vec<Value> =
        types.iter().map(|ty| random.value(ty.as_tensor().expect("a tensor").0, ty.shape())).collect();
    args[PLACE] = Value::I64(random.below(8) as i64 - 4);
    if random.below(4) == 0 {
        args[1] = args[0].clone();
    }
    let mut w = Writer { random, b: Builder::new("f", Span::default()), nodes: Vec::new(), space: space.to_vec() };
    for ty in types {
        let param = w.b.param(ty);
        w.nodes.push(param);
    }
    for _ in 0..8 + w.random.below(40) {
        w.node();
    }
    let mut results = vec![*w.nodes.last().expect("a node")];
    for _ in 0..w.random.below(4) {
        let id = *w.random.pick(&w.nodes);
        results.push(id);
    }
    let ret = w.b.tuple(&results);
    let graph = w.b.finish(ret);
    (Module { stage: Stage::Closed, graphs: vec![graph], entry: GraphId(0) }, args)
}

/// By kind of kernel: calls.
fn calls(counts: &adjudicate_kernels::Counts) -> Vec<(&'static str, u64)> {
    counts.calls_by_kind().filter(|(name, n)| *n > 0 && *name != "copy").collect()
}

#[test]
fn a_row_is_read_where_it_is() {
    check(
        "graph @0 f(%0: f64[3], %1: f64[5, 3], %2: i64, %3: f64[5]) -> (f64[3], f64) {
  %4 = index %1 %2 : f64[3]
  %5 = add %0 %4 : f64[3]
  %6 = const -1 : i64
  %7 = index %1 %6 : f64[3]
  %8 = mul %5 %7 : f64[3]
  %9 = index %3 %2 : f64
  %10 = tuple (%8, %9) : (f64[3], f64)
  return %10
}
",
        &expect![[r#"
            graph @0 f(%0: f64[3], %1: f64[5, 3], %2: i64, %3: f64[5]) -> (f64[3], f64) {
              %4 = fused @1 (%1, %2, %0) : f64[3]
              %5 = index %3 %2 : f64
              %6 = tuple (%4, %5) : (f64[3], f64)
              return %6
            }

            graph @1 fused(%0: f64[5, 3], %1: i64, %2: f64[3]) -> f64[3] {
              %3 = index %0 %1 : f64[3]
              %4 = add %2 %3 : f64[3]
              %5 = const -1 : i64
              %6 = index %0 %5 : f64[3]
              %7 = mul %4 %6 : f64[3]
              return %7
            }
        "#]],
    );
}

#[test]
fn a_row_out_of_range_is_an_error_where_it_is_read() {
    let python = "import numpy as np\ndef f(x, i):\n    s = np.zeros(3)\n    return np.sum(np.tanh(s * 2.0 +\n        x[i]) * x[i + 1])\n";
    let array = Datum::Array(Array::from_vec(&[2, 3], vec![0.0; 6]));
    let program = Program::parse("model.py", python).unwrap_or_else(|e| panic!("{e}"));
    let run = |i: i64| {
        let args = [array.clone(), Datum::I64(i)];
        let request = Request::new("f", Ask::Value, &[0], 1, &args);
        let mut module = program.specialise(&request).unwrap_or_else(|e| panic!("{e}")).module;
        passes::close(&mut module);
        passes::optimise(&mut module, passes::OPTIMISE, &mut |_, _| {}).expect("it is small");
        let module = fused(&module);
        let regions = module.graphs.iter().filter(|graph| &*graph.name == "fused");
        assert_eq!(regions.map(|g| g.iter().filter(|(id, _)| g.is_prim(*id, "index")).count()).sum::<usize>(), 2);
        let args: Vec<Value> = args.iter().flat_map(Datum::leaves).collect();
        Executable::new(&module)
            .run(&mut Machine::new(), &mut Plain, args)
            .map_err(|e| format!("{}: {}", program.sources.position(e.span), e.message))
    };
    assert!(run(0).is_ok() && run(-2).is_ok());
    assert_eq!(run(1).unwrap_err(), "model.py:5:17: index 2 is out of range for axis 0 of size 2");
    assert_eq!(run(2).unwrap_err(), "model.py:5:9: index 2 is out of range for axis 0 of size 2");
}

#[test]
fn fused_programs_agree_to_the_bit_and_count_the_same() {
    let spaces: &[&[usize]] = &[
        &[],
        &[1],
        &[5],
        &[600],
        &[2500],
        &[5, 7],
        &[9, 1],
        &[1, 9],
        &[130, 10],
        &[3, 700],
        &[70, 130],
        &[2, 3, 4],
        &[200, 2, 3],
        &[0, 3],
        &[1, 1],
        &[3, 3],
    ];
    let mut machine = Machine::new();
    let (mut regions, mut rows, mut failed) = (0, 0, 0);
    for (i, space) in spaces.iter().enumerate() {
        for seed in 0..60 {
            let (module, args) = program(space, seed * 100 + i as u64);
            let fused = fused(&module);
            regions += fused.graph(fused.entry).nodes.iter().filter(|n| matches!(n.op, Op::Fused(_))).count();
            let bodies = fused.graphs.iter().filter(|graph| &*graph.name == "fused");
            rows += bodies.filter(|graph| graph.iter().any(|(id, _)| graph.is_prim(id, "index"))).count();
            let plain = Executable::new(&module);
            let exe = Executable::new(&fused);
            let before = format!("{args:?}");
            let wanted = match interp::eval(&module, args.clone()) {
                Ok(wanted) => wanted.items().to_vec(),
                Err(error) => {
                    let found = exe.run(&mut machine, &mut Plain, args.iter().cloned()).map_err(|e| e.message);
                    assert_eq!(found.unwrap_err(), error.message, "space {space:?} seed {seed}");
                    failed += 1;
                    continue;
                }
            };
            let (_, plain) = counts::measure(|| plain.run(&mut machine, &mut Plain, args.iter().cloned()));
            let (found, counted) = counts::measure(|| exe.run(&mut machine, &mut Plain, args.iter().cloned()));
            let found = format!("{:?}", found.expect("no error"));
            let wanted = format!("{wanted:?}");
            assert!(found == wanted, "space {space:?} seed {seed}\n{found}\nis not\n{wanted}\n{}", text::print(&fused));
            assert_eq!(before, format!("{args:?}"), "space {space:?} seed {seed}");
            assert_eq!(calls(&counted), calls(&plain), "space {space:?} seed {seed}\n{}", text::print(&fused));
            assert!(counted.bytes_read <= plain.bytes_read && counted.bytes_written <= plain.bytes_written);
            // Once more: registers and buffers are as good as new.
            let again = format!("{:?}", exe.run(&mut machine, &mut Plain, args.iter().cloned()).expect("no error"));
            assert!(again == wanted, "space {space:?} seed {seed} again");
        }
    }
    assert!(regions > 300 && rows > 100, "{regions} regions, {rows} of them with rows");
    assert!(failed < 30, "{failed} end with an error");
}
