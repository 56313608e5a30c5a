//! Finite differences: an oracle, never ranked.
//!
//! A derivative (`vjp`) perturbs each coordinate of each argument of `wrt` and contracts the
//! difference of the results with the seeds, by the central formula of order 4,
//!
//! ```text
//! f'(x) ≈ (f(x − 2h) − 8 f(x − h) + 8 f(x + h) − f(x + 2h)) / 12h
//! ```
//!
//! whose error is of order h⁴ and, for a function known to a relative error ε, ε/h. The best h is
//! about ε^(1/5). Plain evaluation is good to 2⁻⁵², a derivative computed so is good to about
//! ε^(4/5), and so on for derivatives of derivatives: the step grows with the number of derivatives
//! inside ([`step`]).

use adjudicate_ir::datum::Layout;
use adjudicate_ir::exec::{Domain, ExecError, Executable, Machine, PrimInstr, Run, VjpInstr};
use adjudicate_ir::graph::{GraphId, Module, Op};
use adjudicate_ir::passes;
use adjudicate_ir::prims::Args;
use adjudicate_ir::program::{Program, Request};
use adjudicate_ir::value::{Mark, Value};
use adjudicate_kernels::Array;
use rustc_hash::FxHashMap;

use crate::compiled::Signature;
use crate::{Facts, PrepareError, Prepared, RunError, Strategy, Watch};

/// Multiples of h at which the function is evaluated, and their weights.
const STENCIL: [(f64, f64); 4] = [(-2.0, 1.0), (-1.0, -8.0), (1.0, 8.0), (2.0, -1.0)];

/// Recursion through a derivative nests without bound; more than this makes no difference.
const MAX_INSIDE: u32 = 4;

/// The step relative to max(1, |x|), for a function that contains so many nested derivatives.
fn step(derivatives_inside: u32) -> f64 {
    let error = f64::EPSILON.powf(0.8_f64.powi(derivatives_inside as i32));
    // A power of two, so that multiples of it are exact.
    error.powf(0.2).log2().round().exp2()
}

/// The strategy.
#[derive(Clone, Copy, Debug)]
pub struct FiniteStrategy;

impl Strategy for FiniteStrategy {
    fn name(&self) -> &str {
        "finite"
    }

    fn about(&self) -> &str {
        "central differences of order 4, coordinate by coordinate: an oracle, never ranked"
    }

    fn is_oracle(&self) -> bool {
        true
    }

    fn prepare_watched(
        &self,
        program: &Program,
        request: &Request,
        watch: Watch,
    ) -> Result<Box<dyn Prepared>, PrepareError> {
        let mut specialised = program.specialise(request).map_err(PrepareError::Program)?;
        watch("specialise", &specialised.module);
        passes::close(&mut specialised.module);
        watch("close", &specialised.module);
        let signature = Signature::new(program, &specialised);
        Ok(Box::new(Ready { differenced: Differenced::new(&specialised.module), signature }))
    }
}

/// A request made ready.
struct Ready {
    differenced: Differenced,
    signature: Signature,
}

impl Prepared for Ready {
    fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, RunError> {
        self.signature.check(args)?;
        self.differenced.run(args).map_err(|error| self.signature.run_error(error))
    }

    fn output(&self) -> &Layout {
        self.signature.output()
    }

    fn facts(&self) -> Facts {
        Facts { closures_made: Some(self.differenced.machine.closures_made()), ..Facts::default() }
    }
}

/// A typed module made ready to be differentiated by differences.
#[derive(Debug)]
pub struct Differenced {
    program: Executable,
    machine: Machine,
    domain: Differences,
}

impl Differenced {
    /// Lowers a module.
    pub fn new(module: &Module) -> Self {
        let domain = Differences { inside: nesting(module) };
        Self { program: Executable::new(module), machine: Machine::new(), domain }
    }

    /// Runs the entry; the items of its result.
    pub fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, ExecError> {
        self.program.run_with(&mut self.machine, &mut self.domain, args)
    }
}

/// For each graph, how many derivatives are nested in it at most. A call of a function value could
/// be one of any that is made.
fn nesting(module: &Module) -> FxHashMap<GraphId, u32> {
    let mut inside: FxHashMap<GraphId, u32> = module.iter().map(|(id, _)| (id, 0)).collect();
    let made = |op: &Op| if let Op::Closure(g) = op { Some(*g) } else { None };
    let values: Vec<GraphId> = module.graphs.iter().flat_map(|g| g.nodes.iter().filter_map(|n| made(&n.op))).collect();
    let called = |op: &Op| if let Op::Apply(_) = op { values.clone() } else { op.graphs().to_vec() };
    let mut changed = true;
    while changed {
        changed = false;
        for (id, graph) in module.iter() {
            let levels = graph.nodes.iter().flat_map(|node| {
                let more = u32::from(matches!(node.op, Op::Vjp(_)));
                called(&node.op).into_iter().map(move |g| (g, more))
            });
            let level = levels.map(|(g, more)| (inside[&g] + more).min(MAX_INSIDE)).max().unwrap_or(0);
            if level > inside[&id] {
                inside.insert(id, level);
                changed = true;
            }
        }
    }
    inside
}

/// The domain: plain evaluation, with derivatives by differences.
#[derive(Debug)]
struct Differences {
    inside: FxHashMap<GraphId, u32>,
}

impl Domain for Differences {
    fn prim(&mut self, instr: &PrimInstr, args: &mut Args<'_>) -> Result<Value, String> {
        instr.eval(args)
    }

    fn vjp(&mut self, run: &mut Run<'_>, instr: &VjpInstr, values: &mut Vec<Value>) -> Result<(), ExecError> {
        let seeds: Vec<Value> = instr.seeds(values).collect();
        let args = values.clone();
        run.replace(self, instr.graph, values)?;
        let relative = step(self.inside[&instr.graph]);
        for &param in instr.wrt.iter() {
            let x = &args[param as usize];
            let (size, rows) = (elements(x).len(), instr.seeds.unwrap_or(1));
            let mut slopes = vec![0.0; rows * size];
            for i in 0..size {
                let h = relative * elements(x)[i].abs().max(1.0);
                for (multiple, weight) in STENCIL {
                    let mut moved = args.clone();
                    moved[param as usize] = shifted(x, i, multiple * h);
                    let found = run.call(self, instr.graph, moved)?;
                    for row in 0..rows {
                        slopes[row * size + i] += weight * contracted(&found, instr, &seeds, row) / (12.0 * h);
                    }
                }
            }
            values.push(match instr.seeds {
                Some(rows) => stacked(x, rows, &slopes),
                None => shaped(x, &slopes),
            });
        }
        Ok(())
    }
}

/// The inner product of the float items of a result with one row of the seeds.
fn contracted(results: &[Value], instr: &VjpInstr, seeds: &[Value], row: usize) -> f64 {
    let floats = results.iter().zip(&instr.items).filter(|(_, ty)| ty.is_float());
    let products = floats.zip(seeds).map(|((y, _), seed)| {
        let y = elements(y);
        y.iter().zip(&elements(seed)[row * y.len()..]).map(|(y, s)| y * s).sum::<f64>()
    });
    products.sum()
}

fn elements(value: &Value) -> &[f64] {
    match value {
        Value::F64(x, _) => std::slice::from_ref(x),
        Value::Array(a, _) => a.as_slice(),
        other => panic!("a tensor of floats was expected, not {other:?}"),
    }
}

/// The value with something added to one element.
fn shifted(value: &Value, i: usize, by: f64) -> Value {
    let mut items = elements(value).to_vec();
    items[i] += by;
    shaped(value, &items)
}

/// Elements in the shape of a value.
fn shaped(like: &Value, items: &[f64]) -> Value {
    match like {
        Value::Array(a, _) => Value::Array(Array::from_slice(a.shape(), items), Mark::NONE),
        _ => Value::f64(items[0]),
    }
}

/// Rows of elements, each in the shape of a value, along a leading axis.
fn stacked(like: &Value, rows: usize, items: &[f64]) -> Value {
    let shape = like.tensor_type().map_or(Vec::new(), |ty| ty.shape().to_vec());
    Value::array(Array::from_slice(&[&[rows], &shape[..]].concat(), items))
}
