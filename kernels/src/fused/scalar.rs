//! Programs over single elements: one pass over the steps, every place being 64 bits.

use smallvec::SmallVec;

use super::plan::{Op, Source};
use super::program::{Code, Elem, Program, Scalar};
use super::run::{Operand, Outcome};
use crate::elementwise::power;
use crate::ops::Compare;

/// Places as bits.
type Bits = SmallVec<[u64; 32]>;

impl Program {
    pub(super) fn run_scalar(&self, operands: &[Operand<'_>], mut result: impl FnMut(Outcome)) {
        let start = |source: &Source| match *source {
            Source::Input(i) => match operands[usize::from(i)] {
                Operand::F64(x) => x.to_bits(),
                Operand::I64(x) => x as u64,
                Operand::Bool(x) => u64::from(x),
                ref other => panic!("a single element was expected, not {other:?}"),
            },
            Source::Constant(Scalar::F64(x)) => x.to_bits(),
            Source::Constant(Scalar::I64(x)) => x as u64,
            Source::Constant(Scalar::Bool(x)) => u64::from(x),
            Source::Register(_) | Source::Tiled(..) | Source::Output(_) => 0,
        };
        let mut bits: Bits = self.plan.places.iter().map(|place| start(&place.source)).collect();
        for op in &self.plan.ops {
            bits[usize::from(op.dst)] = step(op, &bits);
        }
        for &end in &self.plan.ends {
            let bits = bits[usize::from(end)];
            result(match self.plan.places[usize::from(end)].elem {
                Elem::F64 => Outcome::F64(f64::from_bits(bits)),
                Elem::I64 => Outcome::I64(bits as i64),
                Elem::Bool => Outcome::Bool(bits != 0),
            });
        }
    }
}

/// The value of a step.
#[inline(always)]
fn step(op: &Op, bits: &[u64]) -> u64 {
    let bits = |i: usize| bits[usize::from(op.args[i])];
    let float = |i: usize| f64::from_bits(bits(i));
    let int = |i: usize| bits(i) as i64;
    match op.code {
        Code::Unary(f) => f.eval(float(0)).to_bits(),
        Code::Binary(f) => f.eval(float(0), float(1)).to_bits(),
        Code::Power(k) => power(float(0), k).to_bits(),
        Code::IntUnary(f) => f.eval(int(0)) as u64,
        Code::IntBinary(f) => f.eval(int(0), int(1)).expect("a step that has a value everywhere") as u64,
        Code::Compare(f, Elem::F64) => compare(f, float(0), float(1)),
        Code::Compare(f, _) => compare(f, int(0), int(1)),
        Code::Logic(f) => u64::from(f.eval(bits(0) != 0, bits(1) != 0)),
        Code::Not => u64::from(bits(0) == 0),
        Code::Select(_) => bits(if bits(0) != 0 { 1 } else { 2 }),
        Code::Cast(Elem::I64, Elem::F64) => (int(0) as f64).to_bits(),
        Code::Cast(Elem::Bool, Elem::F64) => (bits(0) as f64).to_bits(),
        Code::Cast(Elem::F64, Elem::I64) => (float(0) as i64) as u64,
        Code::Cast(..) | Code::Stretch(_) => bits(0),
        Code::Reduce(f) => panic!("a single element is not reduced by {f:?}"),
    }
}

#[inline(always)]
fn compare<T: crate::Number>(f: Compare, x: T, y: T) -> u64 {
    u64::from(f.eval(x, y))
}
