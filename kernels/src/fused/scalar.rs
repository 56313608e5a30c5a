//! Programs over single elements: one pass over the steps, every place being 64 bits.

use std::ops::Range;

use super::dots::{Dot, Neutral, gathered, is_linear};
use super::plan::{Op, Plan, Source};
use super::program::{Code, Elem, Program, Scalar};
use super::run::Scratch;
use super::ways::{DOTS, OTHERWISE, Step, paired, step, way};
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
    pub(super) steps: Steps,
    /// By result: its element type and place.
    pub(super) ends: Vec<(Elem, u16)>,
}

/// With fewer linear operations than these it is quicker to do each in its own way.
const FEW_LINEAR: usize = 4;

impl Singles {
    /// For a run on single elements.
    pub(super) fn new(plan: &Plan, inputs: usize) -> Self {
        let linear = plan.ops.iter().filter(|op| is_linear(op.code)).count();
        Self::of(plan, inputs, linear >= FEW_LINEAR)
    }

    /// For a run on several lanes: each step is on one way of its own.
    pub(super) fn on_lanes(plan: &Plan, inputs: usize) -> Self {
        Self::of(plan, inputs, false)
    }

    fn of(plan: &Plan, inputs: usize, with_dots: bool) -> Self {
        let constant = |source| if let Source::Constant(scalar) = source { Some(bits_of(scalar)) } else { None };
        let mut constants: Vec<u64> = plan.places.iter().filter_map(|place| constant(place.source)).collect();
        let neutral = inputs + constants.len();
        if with_dots {
            constants.extend([1.0_f64, -1.0, -0.0].map(f64::to_bits));
        }
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
        let step = |op: &Op| Step { way: way(op.code), code: op.code, args: op.args.map(at), dst: at(op.dst) };
        let steps: Vec<Step> = plan.ops.iter().map(step).collect();
        let mut uses = vec![0; next];
        let used = plan.ops.iter().flat_map(|op| &op.args[..op.count.into()]);
        used.chain(&plan.ends).for_each(|&place| uses[usize::from(at(place))] += 1);
        let steps = if with_dots {
            let [one, minus_one, negative_zero] = [0, 1, 2].map(|i| neutral as u16 + i);
            Steps::with_dots(&steps, &uses, Neutral { one, minus_one, negative_zero })
        } else {
            Steps { steps: paired(steps.into_iter(), &uses), dots: Vec::new() }
        };
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
        self.steps.run(0..self.steps.len(), places);
    }

    /// The number of operands.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The constants as bits; their places follow those of the operands.
    pub fn constants(&self) -> &[u64] {
        &self.constants
    }

    /// Adds the steps to others, where the `known` places, of operands and constants, and those that the results are `wanted`
    /// at are the caller's; `fresh` gives it further ones. A result that would stand where an operand is still read goes
    /// to a fresh place: such places, and those to copy them to afterwards, come back. `None` as soon as there is no fresh
    /// place.
    pub fn append(
        &self,
        steps: &mut Steps,
        known: &[u16],
        wanted: &[u16],
        mut fresh: impl FnMut() -> Option<u16>,
    ) -> Option<Vec<(u16, u16)>> {
        let works = self.steps.works();
        let reads = |args: &[u16], place: u16| args.iter().any(|&arg| known.get(usize::from(arg)) == Some(&place));
        let mut copies = Vec::new();
        let mut results = vec![None; self.len];
        for (&(_, end), &place) in self.ends.iter().zip(wanted) {
            let made = works.iter().position(|(_, dst)| *dst == end).expect("a result is that of a step");
            let read_later = works[made + 1..].iter().any(|(args, _)| reads(args, place));
            let at = if read_later { fresh()? } else { place };
            if read_later {
                copies.push((at, place));
            }
            results[usize::from(end)] = Some(at);
        }
        let places = results.into_iter().enumerate().map(|(i, at)| known.get(i).copied().or(at).or_else(&mut fresh));
        let places: Vec<u16> = places.collect::<Option<_>>()?;
        steps.add(&self.steps, |place| places[usize::from(place)]);
        Some(copies)
    }
}

/// Steps on single elements, of one program or of several, on places that the caller keeps.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    pub(super) steps: Vec<Step>,
    dots: Vec<Dot>,
}

impl Steps {
    fn with_dots(steps: &[Step], uses: &[usize], neutral: Neutral) -> Self {
        let mut dots = Vec::new();
        Self { steps: gathered(steps, uses, neutral, &mut dots), dots }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What is read and what is written, in order.
    fn works(&self) -> Vec<(&[u16], u16)> {
        let mut works: Vec<(&[u16], u16)> = Vec::new();
        for step in &self.steps {
            match step.way {
                DOTS => works.extend(self.dots[step.group()].iter().map(|dot| (&dot.args[..], dot.dst))),
                _ => works.push((&step.args[..], step.dst)),
            }
        }
        works
    }

    /// Adds others, whose places are `at` others.
    fn add(&mut self, others: &Self, at: impl Fn(u16) -> u16) {
        for step in &others.steps {
            let moved = if step.way == DOTS {
                let from = self.dots.len();
                let moved = |dot: &Dot| Dot { args: dot.args.map(&at), dst: at(dot.dst), ..*dot };
                self.dots.extend(others.dots[step.group()].iter().map(moved));
                Step::dots(from..self.dots.len())
            } else {
                Step { args: step.args.map(&at), dst: at(step.dst), ..*step }
            };
            self.steps.push(moved);
        }
    }

    /// Runs some of them.
    ///
    /// # Panics
    /// If there are not so many, or fewer places than they name.
    #[inline]
    pub fn run<P: Places + ?Sized>(&self, range: Range<usize>, places: &mut P) {
        run(&self.steps[range], &self.dots, places);
    }

    /// So few places that the number of each is a byte, and none needs to be looked for.
    pub const NEAR: usize = 256;
}

/// Places of 64 bits by their numbers: any, or [`Steps::NEAR`] of them, of whose numbers the last byte counts.
pub trait Places {
    /// What is at a place.
    fn get(&self, place: u16) -> u64;
    /// Puts something there.
    fn set(&mut self, place: u16, bits: u64);
}

impl Places for [u64] {
    #[inline(always)]
    fn get(&self, place: u16) -> u64 {
        self[usize::from(place)]
    }

    #[inline(always)]
    fn set(&mut self, place: u16, bits: u64) {
        self[usize::from(place)] = bits;
    }
}

impl Places for [u64; Steps::NEAR] {
    #[inline(always)]
    fn get(&self, place: u16) -> u64 {
        self[usize::from(place as u8)]
    }

    #[inline(always)]
    fn set(&mut self, place: u16, bits: u64) {
        self[usize::from(place as u8)] = bits;
    }
}

#[inline(always)]
fn run<P: Places + ?Sized>(steps: &[Step], dots: &[Dot], places: &mut P) {
    for step in steps {
        let &Step { way, code, args, dst } = step;
        if way == DOTS {
            dots[step.group()].iter().for_each(|dot| dot.run(places));
        } else if way == OTHERWISE {
            places.set(dst, code.eval(|i| places.get(args[i])));
        } else {
            // Floats do not go by way of integers.
            let float = |i: usize| [f64::from_bits(places.get(args[i]))];
            let [value] = step!(way, float, panic!("no arithmetic"));
            places.set(dst, value.to_bits());
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
