//! Straight-line graphs: evaluation, reverse sweep by the rules, and comparison with central
//! differences to any order.

use std::cell::RefCell;

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::{Graph, NodeId, Op};
use adjudicate_ir::prims::Args;
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;

/// The value of a graph.
pub(crate) fn run(graph: &Graph, args: &[Value]) -> Result<Value, String> {
    let mut values: Vec<Value> = Vec::new();
    for (id, node) in graph.iter() {
        let operand = |i: usize| values[node.args[i].0 as usize].clone();
        let mut operands: Vec<Value> = (0..node.args.len()).map(operand).collect();
        let value = match &node.op {
            Op::Param(i) => args[*i as usize].clone(),
            Op::Const(constant) => Value::of_const(constant),
            Op::Zero => Value::zero(&node.ty),
            Op::Prim(prim) => (prim.def.eval)(&prim.attrs, &mut Args::new(&mut operands), &node.ty)?,
            Op::Tuple => Value::tuple(operands),
            Op::Get(i) => operands[0].items()[*i as usize].clone(),
            other => panic!("{other:?} in a straight-line graph"),
        };
        assert_typed(&value, &node.ty, &format!("{id} = {:?} of {}", node.op, graph.name));
        values.push(value);
    }
    Ok(values[graph.ret.0 as usize].clone())
}

/// Demands that a value has its node's type and that no scalar is boxed.
fn assert_typed(value: &Value, ty: &Type, what: &str) {
    if let Type::Tensor(..) = ty {
        assert_eq!(value.tensor_type().as_ref(), Some(ty), "{what}");
    }
    let boxed = match value {
        Value::Array(a, _) => a.ndim() == 0,
        Value::Ints(a) => a.ndim() == 0,
        Value::Bools(a) => a.ndim() == 0,
        _ => false,
    };
    assert!(!boxed, "{what} is a boxed scalar");
}

/// `(x…, w…) ↦ (dx…)`: takes the arguments of the graph and a cotangent for each tensor of its
/// result, and returns a cotangent for each float parameter.
pub(crate) fn pullback(graph: &Graph) -> Graph {
    let mut builder = Builder::new(&format!("{}'", graph.name), graph.span);
    for (_, node) in graph.iter() {
        match &node.op {
            Op::Param(_) => builder.param(node.ty.clone()),
            op => builder.emit(op.clone(), &node.args, node.ty.clone()),
        };
    }
    let seed = match graph.result_type() {
        Type::Tuple(items) => {
            let seeds: Vec<_> = items.iter().map(|ty| builder.param(ty.cotangent())).collect();
            builder.tuple(&seeds)
        }
        ty => builder.param(ty.cotangent()),
    };
    let mut sweep = Sweep { graph, builder: RefCell::new(builder), pulled: vec![None; graph.nodes.len()] };
    sweep.add(graph.ret, seed);
    for (id, _) in graph.iter().rev() {
        sweep.node(id);
    }
    let Sweep { builder, pulled, .. } = sweep;
    let mut builder = builder.into_inner();
    let floats = graph.params.iter().filter(|&&p| graph.ty(p).is_float());
    let results: Vec<_> =
        floats.map(|&p| pulled[p.0 as usize].unwrap_or_else(|| builder.zero(graph.ty(p).clone()))).collect();
    let ret = builder.tuple(&results);
    builder.finish(ret)
}

struct Sweep<'g> {
    graph: &'g Graph,
    builder: RefCell<Builder>,
    pulled: Vec<Option<NodeId>>,
}

impl Sweep<'_> {
    fn node(&mut self, id: NodeId) {
        let (node, Some(dy)) = (self.graph.node(id), self.pulled[id.0 as usize]) else { return };
        match &node.op {
            Op::Prim(prim) => {
                let pulled = prim.def.pull(&self.builder, &prim.attrs, &node.args, id, dy);
                assert_eq!(pulled.len(), node.args.len(), "the rule of {prim}");
                for (&arg, d) in node.args.iter().zip(pulled) {
                    d.into_iter().for_each(|d| self.add(arg, d));
                }
            }
            Op::Tuple => {
                for (i, &arg) in node.args.iter().enumerate() {
                    let d = self.builder.get_mut().get(dy, i);
                    self.add(arg, d);
                }
            }
            Op::Get(index) => {
                let builder = self.builder.get_mut();
                let items = self.graph.ty(node.args[0]).as_tuple().expect("a tuple");
                let zeros = items.iter().map(|ty| builder.zero(ty.cotangent()));
                let mut cotangents: Vec<_> = zeros.collect();
                cotangents[*index as usize] = dy;
                let d = builder.tuple(&cotangents);
                self.add(node.args[0], d);
            }
            _ => {}
        }
    }

    fn add(&mut self, to: NodeId, d: NodeId) {
        let builder = self.builder.get_mut();
        assert_eq!(
            builder.ty(d),
            &self.graph.ty(to).cotangent(),
            "{:?} of {}",
            self.graph.node(to).op,
            self.graph.name
        );
        let slot = &mut self.pulled[to.0 as usize];
        *slot = Some(slot.map_or(d, |old| builder.accumulate(old, d)));
    }
}

/// Compares pullbacks with central differences, up to an order.
pub(crate) fn check_derivatives(what: &str, graph: Graph, args: &[Value], order: usize) {
    let (mut graph, mut point) = (graph, args.to_vec());
    for order in 1..=order {
        let pulled = pullback(&graph);
        let seeds: Vec<Value> =
            (point.len()..pulled.params.len()).map(|i| spread(pulled.ty(pulled.params[i]), 10 * order + i)).collect();
        let weights: Vec<f64> = seeds.iter().flat_map(floats).collect();
        let at: Vec<Value> = point.iter().cloned().chain(seeds).collect();
        let found = floats(&run(&pulled, &at).expect("a pullback"));
        let expected = central_differences(&graph, &point, &weights);
        assert_eq!(found.len(), expected.len(), "{what}, order {order}");
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let near = (found - expected).abs() <= 2e-6 * (1.0 + expected.abs());
            assert!(near, "{what}, order {order}, number {i}: {found} by the rule, {expected} by differences");
        }
        (graph, point) = (pulled, at);
    }
}

/// The derivatives of `⟨weights, graph(x)⟩` by every float of the arguments.
fn central_differences(graph: &Graph, args: &[Value], weights: &[f64]) -> Vec<f64> {
    const STEP: f64 = 1e-6;
    let along = |which: usize, element: usize, step: f64| {
        let mut args = args.to_vec();
        nudge(&mut args[which], element, step);
        let y = floats(&run(graph, &args).expect("a value"));
        y.iter().zip(weights).map(|(y, w)| y * w).sum::<f64>()
    };
    let mut differences = Vec::new();
    for (which, arg) in args.iter().enumerate() {
        for element in 0..floats(arg).len() {
            differences.push((along(which, element, STEP) - along(which, element, -STEP)) / (2.0 * STEP));
        }
    }
    differences
}

fn nudge(value: &mut Value, element: usize, step: f64) {
    match value {
        Value::F64(x, _) => *x += step,
        Value::Array(a, _) => a.make_mut()[element] += step,
        other => panic!("{other:?} has no floats"),
    }
}

/// The floats of a tensor or of a tuple of them.
pub(crate) fn floats(value: &Value) -> Vec<f64> {
    match value {
        Value::F64(x, _) => vec![*x],
        Value::Array(a, _) => a.as_slice().to_vec(),
        Value::Tuple(fields) => fields.as_slice().iter().flat_map(floats).collect(),
        _ => Vec::new(),
    }
}

/// A float tensor of generic numbers of magnitudes 0.5 to 1.5.
fn spread(ty: &Type, salt: usize) -> Value {
    let number = |i: usize| {
        let x = ((i + 31 * salt) as f64 * 0.754_877_666_246_692_7).fract();
        (0.5 + x) * if i % 3 == 1 { -1.0 } else { 1.0 }
    };
    Value::array(Array::from_vec(ty.shape(), (0..ty.size()).map(number).collect()))
}
