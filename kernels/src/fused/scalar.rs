//! Programs over single elements: one pass over the steps, every place being 64 bits.

use super::plan::{Plan, Source};
use super::program::{Code, Elem, Program, Scalar};
use super::run::Scratch;
use crate::elementwise::power;
use crate::ops::Compare;

/// How a program over single elements runs. Its places are the operands, in order, and then those of the plan.
#[derive(Clone, Debug)]
pub(super) struct Singles {
    /// What the places hold at the start: constants.
    start: Vec<u64>,
    steps: Vec<Step>,
    /// By result: its element type and place.
    ends: Vec<(Elem, u16)>,
    inputs: usize,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    code: Code,
    args: [u16; 3],
    dst: u16,
}

impl Singles {
    pub(super) fn new(plan: &Plan, inputs: usize) -> Self {
        let at = |place: u16| match plan.places[usize::from(place)].source {
            Source::Input(i) | Source::Tiled(i, _) => i,
            _ => u16::try_from(inputs + usize::from(place)).expect("fewer than 65536 places"),
        };
        let constant = |source| if let Source::Constant(scalar) = source { bits_of(scalar) } else { 0 };
        let start = std::iter::repeat_n(0, inputs).chain(plan.places.iter().map(|place| constant(place.source)));
        let steps = plan.ops.iter().map(|op| Step { code: op.code, args: op.args.map(at), dst: at(op.dst) });
        let ends = plan.ends.iter().map(|&end| (plan.places[usize::from(end)].elem, at(end)));
        Self { start: start.collect(), steps: steps.collect(), ends: ends.collect(), inputs }
    }
}

impl Program {
    /// Whether the program works on single elements, which [`Program::run_scalars`] does faster.
    pub fn is_scalar(&self) -> bool {
        self.singles.is_some()
    }

    /// Runs a program over single elements; [`Program::scalars`] are the results.
    ///
    /// # Panics
    /// If it is none.
    #[inline]
    pub fn run_scalars(&self, scratch: &mut Scratch, operand: impl Fn(usize) -> Scalar) {
        let singles = self.singles.as_ref().expect("a program over single elements");
        let bits = &mut scratch.bits;
        bits.clear();
        bits.extend_from_slice(&singles.start);
        for (i, bits) in bits.iter_mut().enumerate().take(singles.inputs) {
            *bits = bits_of(operand(i));
        }
        singles.run(bits);
    }

    /// Results of the last run, which was of this program.
    #[inline]
    pub fn scalars<'s>(&'s self, scratch: &'s Scratch) -> impl Iterator<Item = Scalar> + 's {
        (0..self.outputs.len()).map(|i| self.scalar(scratch, i))
    }

    /// One of them.
    ///
    /// # Panics
    /// If the program does not work on single elements, or has not so many results.
    #[inline]
    pub fn scalar(&self, scratch: &Scratch, i: usize) -> Scalar {
        let (elem, end) = self.singles.as_ref().expect("a program over single elements").ends[i];
        let bits = scratch.bits[usize::from(end)];
        match elem {
            Elem::F64 => Scalar::F64(f64::from_bits(bits)),
            Elem::I64 => Scalar::I64(bits as i64),
            Elem::Bool => Scalar::Bool(bits != 0),
        }
    }
}

impl Singles {
    fn run(&self, bits: &mut [u64]) {
        for step in &self.steps {
            bits[usize::from(step.dst)] = step.code.eval(|i| bits[usize::from(step.args[i])]);
        }
    }
}

#[inline(always)]
fn bits_of(scalar: Scalar) -> u64 {
    match scalar {
        Scalar::F64(x) => x.to_bits(),
        Scalar::I64(x) => x as u64,
        Scalar::Bool(x) => u64::from(x),
    }
}

impl Code {
    /// The value for single elements, each as the first of 64 bits.
    ///
    /// # Panics
    /// If the code is a reduction.
    #[inline(always)]
    pub fn eval(self, bits: impl Fn(usize) -> u64) -> u64 {
        let float = |i: usize| f64::from_bits(bits(i));
        let int = |i: usize| bits(i) as i64;
        match self {
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
}

#[inline(always)]
fn compare<T: crate::Number>(f: Compare, x: T, y: T) -> u64 {
    u64::from(f.eval(x, y))
}
