//! Programs over single elements: one pass over the steps, every place being 64 bits.

use super::plan::{Plan, Source};
use super::program::{Code, Elem, Program, Scalar};
use super::run::Scratch;
use super::ways::{Step, paired, step, way};
use crate::elementwise::power;
use crate::ops::Compare;

/// How a program over single elements runs. Its places are the operands, in order, then constants, then results of steps,
/// each in a place of its own.
#[derive(Clone, Debug)]
pub struct Singles {
    pub(super) inputs: usize,
    pub(super) constants: Vec<u64>,
    /// The number of places.
    pub(super) len: usize,
    pub(super) steps: Vec<Step>,
    /// By result: its element type and place.
    pub(super) ends: Vec<(Elem, u16)>,
}

impl Singles {
    pub(super) fn new(plan: &Plan, inputs: usize) -> Self {
        let constant = |source| if let Source::Constant(scalar) = source { Some(bits_of(scalar)) } else { None };
        let constants: Vec<u64> = plan.places.iter().filter_map(|place| constant(place.source)).collect();
        let (mut next_constant, mut next) = (inputs, inputs + constants.len());
        let take = |from: &mut usize| {
            *from += 1;
            u16::try_from(*from - 1).expect("fewer than 65536 places")
        };
        let places = plan.places.iter().map(|place| match place.source {
            Source::Input(i) | Source::Tiled(i, _) => i,
            Source::Constant(_) => take(&mut next_constant),
            Source::Register(_) | Source::Output(_) => take(&mut next),
        });
        let places: Vec<u16> = places.collect();
        let at = |place: u16| places[usize::from(place)];
        let ends = plan.ends.iter().map(|&end| (plan.places[usize::from(end)].elem, at(end))).collect::<Vec<_>>();
        let steps =
            plan.ops.iter().map(|op| Step { way: way(op.code), code: op.code, args: op.args.map(at), dst: at(op.dst) });
        let mut uses = vec![0; next];
        let used = plan.ops.iter().flat_map(|op| &op.args[..op.count.into()]);
        used.chain(&plan.ends).for_each(|&place| uses[usize::from(at(place))] += 1);
        let steps = paired(steps, &uses);
        Self { inputs, constants, len: next, steps, ends }
    }
}

impl Program {
    /// Whether the program works on single elements, which [`Program::run_scalars`] does faster.
    pub fn is_scalar(&self) -> bool {
        self.singles.is_some()
    }

    /// How the program runs if it works on single elements, for whoever keeps the places.
    pub fn singles(&self) -> Option<&Singles> {
        self.singles.as_ref()
    }

    /// Runs a program over single elements; [`Program::scalars`] are the results.
    ///
    /// # Panics
    /// If it is none.
    #[inline]
    pub fn run_scalars(&self, scratch: &mut Scratch, operand: impl Fn(usize) -> Scalar) {
        let singles = self.singles.as_ref().expect("a program over single elements");
        let places = &mut scratch.bits;
        if places.len() < singles.len {
            places.resize(singles.len, 0);
        }
        let (inputs, others) = places.split_at_mut(singles.inputs);
        for (i, input) in inputs.iter_mut().enumerate() {
            *input = bits_of(operand(i));
        }
        others.iter_mut().zip(&singles.constants).for_each(|(place, &constant)| *place = constant);
        singles.run(places);
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
    /// The places before a run, as bits; the first are for the operands.
    pub fn places(&self) -> Vec<u64> {
        let mut places = vec![0; self.len];
        places[self.inputs..][..self.constants.len()].copy_from_slice(&self.constants);
        places
    }

    /// The place of a result.
    ///
    /// # Panics
    /// If there are not so many results.
    pub fn end(&self, result: usize) -> usize {
        self.ends[result].1.into()
    }

    /// Runs the program on its places. They can be used again, with other operands.
    ///
    /// # Panics
    /// If they are fewer than [`Singles::places`].
    pub fn run(&self, places: &mut [u64]) {
        for &Step { way, code, args, dst } in &self.steps {
            let at = |i: usize| places[usize::from(args[i])];
            let float = |i: usize| [f64::from_bits(at(i))];
            let [value] = step!(way, float, [f64::from_bits(code.eval(at))]);
            places[usize::from(dst)] = value.to_bits();
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
