//! Random typed programs with branches, loops, calls, function values and tuples: the executor agrees
//! with the reference interpreter, and leaves its arguments as they were.

use crate::common::random::Random;
use adjudicate_ir::builder::Builder;
use adjudicate_ir::exec::{ExecError, Executable, Machine, Plain, Worth};
use adjudicate_ir::graph::{Const, GraphId, Keywords, Module, NodeId, Op, Stage};
use adjudicate_ir::interp;
use adjudicate_ir::prims::{self, PrimDef};
use adjudicate_ir::span::Span;
use adjudicate_ir::text;
use adjudicate_ir::types::{Elem, Type};
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::{Array, Counts, counts, threads};

fn array() -> Type {
    Type::tensor(Elem::F64, &[3])
}

fn pair() -> Type {
    Type::tuple([Type::f64(), array()])
}

fn function() -> Type {
    Type::function(vec![Type::f64()], array())
}

fn any_type(random: &mut Random) -> Type {
    random.pick(&[Type::f64(), Type::f64(), array(), array(), Type::i64(), pair(), function()]).clone()
}

/// Writes graphs into a module.
struct Writer {
    module: Module,
    random: Random,
}

/// A graph being written: what can be used in it.
struct Scope {
    builder: Builder,
    nodes: Vec<NodeId>,
}

impl Scope {
    fn emit(&mut self, op: Op, args: &[NodeId], ty: Type) -> NodeId {
        let id = self.builder.emit(op, args, ty);
        self.nodes.push(id);
        id
    }

    fn prim(&mut self, def: &'static PrimDef, attrs: &[i64], args: &[NodeId]) -> NodeId {
        let id = self.builder.prim(def, attrs, args);
        self.nodes.push(id);
        id
    }

    fn constant(&mut self, value: Const) -> NodeId {
        let id = self.builder.constant(value);
        self.nodes.push(id);
        id
    }
}

impl Writer {
    /// A graph of these parameter types whose result is a tuple of these types, or the only one of
    /// them alone.
    fn graph(&mut self, params: &[Type], results: &[Type], alone: bool, depth: u32) -> GraphId {
        let id = self.module.add(Builder::new("reserved", Span::default()).finish(NodeId(0)));
        let mut scope = Scope { builder: Builder::new("g", Span::default()), nodes: Vec::new() };
        for ty in params {
            let param = scope.builder.param(ty.clone());
            scope.nodes.push(param);
        }
        for _ in 0..2 + self.random.below(7) {
            self.node(&mut scope, depth);
        }
        let items: Vec<NodeId> = results.iter().map(|ty| self.of_type(&mut scope, ty)).collect();
        let ret = if alone { items[0] } else { scope.builder.tuple(&items) };
        self.module.graphs[id.0 as usize] = scope.builder.finish(ret);
        id
    }

    /// A node of a type: one there is, or a new one.
    fn of_type(&mut self, scope: &mut Scope, ty: &Type) -> NodeId {
        let fitting: Vec<NodeId> = scope.nodes.iter().copied().filter(|&n| scope.builder.ty(n) == ty).collect();
        if !fitting.is_empty() && self.random.below(8) > 0 {
            return *self.random.pick(&fitting);
        }
        match ty {
            Type::Tensor(Elem::F64, shape) if shape.is_empty() => {
                let x = self.random.below(5) as f64 / 2.0;
                scope.constant(Const::F64(x))
            }
            Type::Tensor(Elem::I64, _) => {
                let n = self.random.below(4) as i64;
                scope.constant(Const::I64(n))
            }
            Type::Tuple(items) => {
                let items: Vec<NodeId> = items.iter().map(|ty| self.of_type(scope, ty)).collect();
                scope.emit(Op::Tuple, &items, ty.clone())
            }
            Type::Fn(_) => {
                let captures = if self.random.below(2) == 0 { vec![] } else { vec![array(), Type::f64()] };
                let args: Vec<NodeId> = captures.iter().map(|ty| self.of_type(scope, ty)).collect();
                let params: Vec<Type> = captures.into_iter().chain([Type::f64()]).collect();
                let code = self.graph(&params, &[array()], true, 0);
                scope.emit(Op::Closure(code), &args, ty.clone())
            }
            _ if self.random.below(2) == 0 => scope.emit(Op::Zero, &[], ty.clone()),
            _ => {
                let items = (0..3).map(|_| self.random.below(7) as f64).collect();
                scope.constant(Const::Array(Array::from_vec(&[3], items)))
            }
        }
    }

    fn args(&mut self, scope: &mut Scope, types: &[Type]) -> Vec<NodeId> {
        types.iter().map(|ty| self.of_type(scope, ty)).collect()
    }

    fn node(&mut self, scope: &mut Scope, depth: u32) {
        let structured = if depth == 0 { 0 } else { 4 };
        match self.random.below(8 + structured) {
            0..=2 => {
                let def = *self.random.pick(&[&prims::ADD, &prims::SUB, &prims::MAXIMUM]);
                let types = [Type::f64(), array()];
                let types = [self.random.pick(&types).clone(), self.random.pick(&types).clone()];
                let args = self.args(scope, &types);
                scope.prim(def, &[], &args);
            }
            3 => {
                let ty = self.random.pick(&[Type::f64(), array()]).clone();
                let args = self.args(scope, &[ty]);
                scope.prim(&prims::SIN, &[], &args);
            }
            4 => {
                let args = self.args(scope, &[array(), Type::f64()]);
                let index = scope.constant(Const::I64(1));
                scope.prim(&prims::INDEX_ADD, &[], &[args[0], index, args[1]]);
            }
            5 => {
                let args = self.args(scope, &[pair()]);
                let index = self.random.below(2);
                let node = scope.builder.get(args[0], index);
                scope.nodes.push(node);
            }
            6 => {
                let args = self.args(scope, &[array()]);
                scope.prim(&prims::SUM, &[0], &args);
            }
            7 => {
                let args = self.args(scope, &[function(), Type::f64()]);
                scope.emit(Op::Apply(Keywords::new()), &args, array());
            }
            8 | 9 => self.branch(scope, depth),
            10 => self.repeat(scope, depth),
            _ => {
                let (params, results, alone) = self.signature();
                let callee = self.graph(&params, &results, alone, depth - 1);
                let args = self.args(scope, &params);
                self.structured(scope, Op::Call(callee), &args, &results, alone);
            }
        }
    }

    fn signature(&mut self) -> (Vec<Type>, Vec<Type>, bool) {
        let params = (0..self.random.below(5)).map(|_| any_type(&mut self.random)).collect();
        let results: Vec<Type> = (0..1 + self.random.below(3)).map(|_| any_type(&mut self.random)).collect();
        let alone = results.len() == 1 && self.random.below(2) == 0;
        (params, results, alone)
    }

    fn branch(&mut self, scope: &mut Scope, depth: u32) {
        let (params, results, alone) = self.signature();
        let then = self.graph(&params, &results, alone, depth - 1);
        let other = if self.random.below(6) == 0 { then } else { self.graph(&params, &results, alone, depth - 1) };
        let sides = self.args(scope, &[Type::f64(), Type::f64()]);
        let cond = scope.prim(&prims::LT, &[], &sides);
        let mut args = vec![cond];
        args.extend(self.args(scope, &params));
        self.structured(scope, Op::If(then, other), &args, &results, alone);
    }

    fn repeat(&mut self, scope: &mut Scope, depth: u32) {
        let (invariants, mut state, _) = self.signature();
        state.insert(0, Type::i64());
        let types: Vec<Type> = state.iter().chain(&invariants).cloned().collect();
        let body = self.graph(&types, &state, false, depth - 1);
        self.count(body);
        let cond = self.graph(&types, &[Type::f64()], true, 0);
        self.bound(cond);
        let zero = scope.constant(Const::I64(0));
        let mut args = vec![zero];
        args.extend(self.args(scope, &types[1..]));
        self.structured(scope, Op::Loop { cond, body }, &args, &state, false);
    }

    /// Makes item 0 of the result one more than parameter 0.
    fn count(&mut self, body: GraphId) {
        let graph = self.module.graph(body);
        let ret = graph.node(graph.ret).clone();
        let mut builder = self.reopened(body);
        let one = builder.constant(Const::I64(1));
        let counter = builder.graph().params[0];
        let next = builder.prim(&prims::ADD, &[], &[counter, one]);
        let mut items = ret.args.to_vec();
        items[0] = next;
        let ret = builder.tuple(&items);
        self.module.graphs[body.0 as usize] = builder.finish(ret);
    }

    /// Makes the result whether parameter 0 is below 3.
    fn bound(&mut self, cond: GraphId) {
        let mut builder = self.reopened(cond);
        let three = builder.constant(Const::I64(3));
        let counter = builder.graph().params[0];
        let below = builder.prim(&prims::LT, &[], &[counter, three]);
        self.module.graphs[cond.0 as usize] = builder.finish(below);
    }

    /// A builder that goes on where a graph ends.
    fn reopened(&self, id: GraphId) -> Builder {
        let graph = self.module.graph(id);
        let mut builder = Builder::new(&graph.name, graph.span);
        for node in &graph.nodes {
            match node.op {
                Op::Param(_) => builder.param(node.ty.clone()),
                _ => builder.emit(node.op.clone(), &node.args, node.ty.clone()),
            };
        }
        builder
    }

    fn structured(&mut self, scope: &mut Scope, op: Op, args: &[NodeId], results: &[Type], alone: bool) {
        if alone {
            scope.emit(op, args, results[0].clone());
            return;
        }
        let node = scope.emit(op, args, Type::tuple(results));
        for i in 0..results.len() {
            if self.random.below(3) > 0 {
                let item = scope.builder.get(node, i);
                scope.nodes.push(item);
            }
        }
    }
}

/// With everything put together that can be, the result is the same, or the error, and so is what is counted. How many
/// groups there are.
#[track_caller]
fn together_as_alone(module: &Module, args: &[Value], wanted: &Result<Vec<Value>, ExecError>, alone: &Counts) -> usize {
    let (exe, plan) = Executable::parallel(module, Worth { multiply_adds: 0, elements: 0 });
    let held = counts::snapshot().live_bytes;
    let run = || exe.run(&mut Machine::new(), &mut Plain, args.iter().cloned());
    let (found, counts) = counts::measure(run);
    let shown = || format!("{:#?}\n{}", exe.together(), text::print(module));
    assert!(format!("{found:?}") == format!("{wanted:?}"), "{found:?}\nis not\n{wanted:?}\n{}", shown());
    let needed = (counts.peak_live_bytes - held) as usize;
    assert!(plan.open().next().is_some() || needed <= plan.bytes(), "{needed} is more than {plan}\n{}", shown());
    if found.is_ok() {
        let same = |counts: &Counts| -> Vec<(&str, u64)> {
            counts.iter().filter(|(name, _)| !name.ends_with("live_bytes")).collect()
        };
        assert_eq!(same(&counts), same(alone), "{}", shown());
    }
    exe.together().len()
}

#[test]
fn the_executor_agrees_with_the_interpreter() {
    threads::set_threads(2);
    let mut groups = 0;
    let mut machine = Machine::new();
    let params = [Type::f64(), Type::f64(), array(), array(), pair(), Type::i64()];
    for seed in 1..=200 {
        let module = Module { stage: Stage::Closed, graphs: Vec::new(), entry: GraphId(0) };
        let mut writer = Writer { module, random: Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15)) };
        writer.graph(&params, &[Type::f64(), array(), pair(), Type::f64(), array()], false, 3);
        let module = writer.module;
        verify(&module).unwrap_or_else(|why| panic!("{why}\n{}", text::print(&module)));
        let vector = |items: [f64; 3]| Value::array(Array::from_slice(&[3], &items));
        let args = vec![
            Value::f64(0.5),
            Value::f64(-1.5),
            vector([1.0, 2.0, 3.0]),
            vector([0.1, 0.2, 0.4]),
            Value::tuple(vec![Value::f64(2.0), vector([5.0, 6.0, 7.0])]),
            Value::I64(2),
        ];
        let before = format!("{args:?}");
        let wanted = interp::eval(&module, args.clone()).map(|value| value.items().to_vec());
        let (exe, plan) = Executable::planned(&module);
        let held = counts::snapshot().live_bytes;
        let (found, counts) = counts::measure(|| exe.run(&mut machine, &mut Plain, args.iter().cloned()));
        let needed = (counts.peak_live_bytes - held) as usize;
        groups += together_as_alone(&module, &args, &found, &counts);
        assert!(plan.open().next().is_some() || needed <= plan.bytes(), "seed {seed}: {needed} is more than {plan}");
        let (found, wanted) = (format!("{:?}", found.ok()), format!("{:?}", wanted.ok()));
        assert!(found == wanted, "seed {seed}\n{found}\nis not\n{wanted}\n{}\n{exe:#?}", text::print(&module));
        assert_eq!(before, format!("{args:?}"), "seed {seed}");
    }
    assert!(groups > 50, "hardly anything is put together: {groups}");
}
