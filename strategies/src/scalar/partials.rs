//! Scalar functions with their partial derivatives, staged from the primitives' rules.
//!
//! The one rule of a primitive is applied to the cotangent 1; what then depends on constants alone is
//! computed, and products with 1 are taken away. What is left for each operand is a constant, an
//! operand, the result, or the last of a few steps that are scalar functions again: those of `x * y` are
//! `y` and `x`, that of `exp(x)` is the result, that of `sin(x)` takes one step, `cos(x)`.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use adjudicate_ir::builder::Builder;
use adjudicate_ir::fusion::{Form, form};
use adjudicate_ir::graph::{Const, Graph, NodeId, Op};
use adjudicate_ir::prims::{self, Attrs, Prim};
use adjudicate_ir::span::Span;
use adjudicate_ir::types::{Elem, Type};
use adjudicate_kernels::fused;
use smallvec::SmallVec;

/// A primitive on scalars, with its partial derivatives.
#[derive(Debug)]
pub struct Function {
    prim: Prim,
    pub(super) operands: Box<[Type]>,
    /// Whether the result is a float.
    pub(super) is_float: bool,
    pub(super) form: Form,
    partials: OnceLock<Result<Partials, String>>,
}

/// What a partial derivative or an operand of a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    Const(f64),
    /// A constant that is no float, as bits.
    Bits(u64),
    Arg(u8),
    Result,
    Step(u8),
}

/// A step on the way to partial derivatives.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) function: Arc<Function>,
    pub(super) args: SmallVec<[Source; 3]>,
}

/// The partial derivatives of a function.
#[derive(Debug)]
pub(super) struct Partials {
    pub(super) steps: Vec<Step>,
    /// By operand; `None` where no sensitivity passes.
    pub(super) of: Vec<Option<Source>>,
}

impl Function {
    /// A primitive on operands of these types, all scalar.
    pub(super) fn new(prim: Prim, operands: &[Type]) -> Result<Function, String> {
        let cannot = || format!("`{}` cannot be a statement of a tape of scalars", prim.def.name);
        let types: Vec<&Type> = operands.iter().collect();
        let ty = (prim.def.ty)(&prim.attrs, &types)?;
        let scalar = |ty: &Type| matches!(ty, Type::Tensor(_, shape) if shape.is_empty());
        if !scalar(&ty) || !operands.iter().all(scalar) {
            return Err(cannot());
        }
        let form = form(&prim, &types, &ty).filter(|form| !matches!(form, Form::Reduce(_))).ok_or_else(cannot)?;
        let is_float = ty.is_scalar(Elem::F64);
        Ok(Function { prim, operands: operands.into(), is_float, form, partials: OnceLock::new() })
    }

    /// The value, as bits.
    #[inline(always)]
    pub(super) fn eval(&self, bits: impl Fn(usize) -> u64) -> u64 {
        let float = |i: usize| f64::from_bits(bits(i));
        match self.form {
            Form::Step(code) => code.eval(bits),
            Form::With(code, x) => code.eval(|i| if i == 0 { bits(0) } else { x.to_bits() }),
            Form::Same | Form::Repeat => bits(0),
            Form::Nan => u64::from(float(0).is_nan()),
            Form::Infinite(op) => u64::from(op.eval(float(0).abs(), f64::INFINITY)),
            Form::Truth(fused::Elem::F64) => u64::from(float(0) != 0.0),
            Form::Truth(_) => u64::from(bits(0) != 0),
            Form::Xor(negated) => u64::from((bits(0) != bits(1)) != negated),
            Form::Reduce(op) => panic!("a single element is not reduced by {op:?}"),
        }
    }

    /// The partial derivatives, staged when they are first asked for.
    #[inline]
    pub(super) fn partials(&self) -> Result<&Partials, String> {
        self.partials.get_or_init(|| stage(&self.prim, &self.operands)).as_ref().map_err(Clone::clone)
    }
}

/// Applies the rule of a primitive to the cotangent 1.
fn stage(prim: &Prim, operands: &[Type]) -> Result<Partials, String> {
    let builder = RefCell::new(Builder::new(prim.def.name, Span::default()));
    let args: Vec<NodeId> = operands.iter().map(|ty| builder.borrow_mut().param(ty.clone())).collect();
    let out = builder.borrow_mut().param(Type::f64());
    let one = builder.borrow_mut().constant(Const::F64(1.0));
    let pulled = prim.def.pull(&builder, &prim.attrs, &args, out, one);
    let graph = builder.into_inner().finish(out);
    let mut staging = Staging { graph: &graph, sources: vec![None; graph.nodes.len()], steps: Vec::new() };
    let mut of = Vec::new();
    for node in pulled {
        let live = node.filter(|&node| graph.node(node).op != Op::Zero);
        of.push(live.map(|node| staging.source(node)).transpose()?);
    }
    Ok(Partials { steps: staging.steps, of })
}

struct Staging<'g> {
    graph: &'g Graph,
    sources: Vec<Option<Source>>,
    steps: Vec<Step>,
}

impl Staging<'_> {
    /// What a node of the rule is; rules are small, so this recurses.
    fn source(&mut self, id: NodeId) -> Result<Source, String> {
        if let Some(known) = self.sources[id.0 as usize] {
            return Ok(known);
        }
        let node = self.graph.node(id);
        let source = match &node.op {
            Op::Param(i) if *i as usize + 1 == self.graph.params.len() => Source::Result,
            Op::Param(i) => Source::Arg(u8::try_from(*i).expect("a primitive on scalars has few operands")),
            Op::Const(Const::F64(x)) => Source::Const(*x),
            Op::Const(Const::I64(n)) => Source::Bits(*n as u64),
            Op::Const(Const::Bool(b)) => Source::Bits(u64::from(*b)),
            Op::Zero if node.ty.is_scalar(Elem::F64) => Source::Const(0.0),
            Op::Prim(prim) => {
                let args = node.args.iter().map(|&a| self.source(a)).collect::<Result<_, _>>()?;
                let types: Vec<Type> = node.args.iter().map(|&a| self.graph.ty(a).clone()).collect();
                self.step(prim, &types, args)?
            }
            other => return Err(format!("{other:?} is not part of a rule on scalars")),
        };
        self.sources[id.0 as usize] = Some(source);
        Ok(source)
    }

    fn step(&mut self, prim: &Prim, types: &[Type], args: SmallVec<[Source; 3]>) -> Result<Source, String> {
        let is = |def: &'static prims::PrimDef| std::ptr::eq(prim.def, def);
        // Exact: IEEE arithmetic has 1 x = x = x / 1.
        match args.as_slice() {
            [Source::Const(1.0), x] | [x, Source::Const(1.0)] if is(&prims::MUL) => return Ok(*x),
            [x, Source::Const(1.0)] if is(&prims::DIV) => return Ok(*x),
            _ => {}
        }
        let function = Function::new(prim.clone(), types)?;
        let constant = |source: &Source| match source {
            Source::Const(x) => Some(x.to_bits()),
            Source::Bits(bits) => Some(*bits),
            Source::Arg(_) | Source::Result | Source::Step(_) => None,
        };
        if let Some(bits) = args.iter().map(constant).collect::<Option<SmallVec<[u64; 3]>>>() {
            let value = function.eval(|i| bits[i]);
            return Ok(if function.is_float { Source::Const(f64::from_bits(value)) } else { Source::Bits(value) });
        }
        if matches!(function.form, Form::Same | Form::Repeat) {
            return Ok(args[0]);
        }
        self.steps.push(Step { function: Arc::new(function), args });
        Ok(Source::Step(u8::try_from(self.steps.len() - 1).expect("a rule has few steps")))
    }
}

impl Partials {
    /// Computes all steps on bits; then [`Partials::bits`] finds what a source is.
    #[inline]
    pub(super) fn run(&self, args: &[u64], result: u64, steps: &mut SmallVec<[u64; 8]>) {
        steps.clear();
        for step in &self.steps {
            let value = step.function.eval(|i| Self::bits(step.args[i], args, result, steps));
            steps.push(value);
        }
    }

    /// What a source is, as bits.
    #[inline(always)]
    pub(super) fn bits(source: Source, args: &[u64], result: u64, steps: &[u64]) -> u64 {
        match source {
            Source::Const(x) => x.to_bits(),
            Source::Bits(bits) => bits,
            Source::Arg(i) => args[usize::from(i)],
            Source::Result => result,
            Source::Step(i) => steps[usize::from(i)],
        }
    }
}

/// A function of float scalars by its primitive.
pub(super) fn of_floats(def: &'static prims::PrimDef, attrs: &[i64], operands: usize) -> Function {
    let prim = Prim { def, attrs: Attrs::from_slice(attrs) };
    Function::new(prim, &vec![Type::f64(); operands]).unwrap_or_else(|why| panic!("{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use adjudicate_ir::prims::PRIMS;

    /// Every primitive of floats that fuses as a step is a function here, and so is all that its rule needs.
    #[test]
    fn every_scalar_primitive_has_partials() {
        let mut staged = 0;
        for def in PRIMS.iter().filter(|def| def.vjp.is_some()) {
            for operands in 1..=2 {
                let attrs = if def.name == "powi" { vec![3] } else { vec![] };
                let types = vec![Type::f64(); operands];
                if (def.ty)(&Attrs::from_slice(&attrs), &types.iter().collect::<Vec<_>>()).is_err() {
                    continue;
                }
                let prim = Prim { def, attrs: Attrs::from_slice(&attrs) };
                let Ok(function) = Function::new(prim, &types) else { continue };
                let partials = function.partials().unwrap_or_else(|why| panic!("{}: {why}", def.name));
                assert_eq!(partials.of.len(), operands, "{}", def.name);
                staged += 1;
            }
        }
        assert!(staged >= 25, "{staged} functions");
    }

    #[test]
    fn partials_are_as_short_as_they_can_be() {
        let of = |def, operands| {
            let function = of_floats(def, &[], operands);
            let partials = function.partials().expect("partials");
            (partials.steps.len(), partials.of.clone())
        };
        assert_eq!(of(&prims::MUL, 2), (0, vec![Some(Source::Arg(1)), Some(Source::Arg(0))]));
        assert_eq!(of(&prims::SUB, 2), (0, vec![Some(Source::Const(1.0)), Some(Source::Const(-1.0))]));
        assert_eq!(of(&prims::EXP, 1), (0, vec![Some(Source::Result)]));
        assert_eq!(of(&prims::SIN, 1), (1, vec![Some(Source::Step(0))]));
    }
}
