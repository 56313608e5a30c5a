//! Sums, differences and products of single elements as sums of two products, all done alike.
//!
//! To find out what a step does costs more than a sum or a product. So these are steps of one kind, ±xy ± zw with each
//! product rounded and then their sum: where there is but one product, the other is −0 · 1, and where a term is no product
//! it is one with 1. Neither changes a bit of any number, and negation comes before rounding or after it alike; only the
//! sign and the payload of a result that is not a number may be others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use smallvec::SmallVec;

use super::program::Code;
use super::scalar::Places;
use super::ways::Step;
use crate::ops::{Binary, Unary};

/// A sum of two products, and the place of the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dot {
    pub(super) args: [u16; 4],
    pub(super) dst: u16,
    /// Whether the second product is subtracted.
    pub(super) minus: bool,
}

impl Dot {
    #[inline(always)]
    pub(super) fn run<P: Places + ?Sized>(&self, places: &mut P) {
        let float = |i: usize| f64::from_bits(places.get(self.args[i]));
        let (first, second) = (float(0) * float(1), float(2) * float(3));
        let sum = if self.minus { first - second } else { first + second };
        places.set(self.dst, sum.to_bits());
    }
}

/// A term of a sum: a product, and its sign.
#[derive(Clone, Copy)]
struct Term {
    factors: [u16; 2],
    negative: bool,
}

impl Term {
    fn negated(self) -> Self {
        Self { negative: !self.negative, ..self }
    }
}

/// The places of 1 and −1, and of what times 1 adds nothing.
#[derive(Clone, Copy)]
pub(super) struct Neutral {
    pub(super) one: u16,
    pub(super) minus_one: u16,
    pub(super) negative_zero: u16,
}

/// Whether a step is a sum, a difference, a product, or negates.
pub(super) fn is_linear(code: Code) -> bool {
    matches!(code, Code::Binary(Binary::Add | Binary::Sub | Binary::Mul) | Code::Unary(Unary::Neg))
}

/// Steps with the linear ones among `dots`, in groups. Each place is written once, and read as often as `uses` says.
pub(super) fn gathered(steps: &[Step], uses: &[usize], neutral: Neutral, dots: &mut Vec<Dot>) -> Vec<Step> {
    let mut terms = Terms { neutral, uses, made: vec![None; uses.len()], absorbed: vec![false; uses.len()] };
    let works: Vec<Work> = steps.iter().map(|step| terms.dot(step).map_or(Work::Step(*step), Work::Dot)).collect();
    let kept = works.into_iter().filter(|work| !terms.absorbed[usize::from(work.dst())]).collect();
    grouped(kept, uses.len(), dots)
}

struct Terms<'u> {
    neutral: Neutral,
    uses: &'u [usize],
    /// By place, products that one step alone reads.
    made: Vec<Option<Term>>,
    /// Places whose product became a part of the sum that reads it.
    absorbed: Vec<bool>,
}

impl Terms<'_> {
    /// A linear step as a sum of two products.
    fn dot(&mut self, step: &Step) -> Option<Dot> {
        let [x, y, _] = step.args;
        let Neutral { one, negative_zero, .. } = self.neutral;
        let nothing = Term { factors: [negative_zero, one], negative: false };
        let terms = match step.code {
            Code::Binary(Binary::Add) => {
                let first = self.term(x);
                [first, if first.negative { self.positive(y) } else { self.term(y) }]
            }
            Code::Binary(Binary::Sub) => {
                let second = self.term(y).negated();
                [if second.negative { self.positive(x) } else { self.term(x) }, second]
            }
            Code::Binary(Binary::Mul) => [self.product(step.dst, [x, y], false), nothing],
            Code::Unary(Unary::Neg) => [self.product(step.dst, [x, one], true), nothing],
            _ => return None,
        };
        let [first, second] = if terms[0].negative { [terms[1], terms[0]] } else { terms };
        assert!(!first.negative, "one of two terms at most is negative");
        let args = [first.factors[0], first.factors[1], second.factors[0], second.factors[1]];
        Some(Dot { args, dst: step.dst, minus: second.negative })
    }

    /// What is at a place, as a term.
    fn term(&mut self, place: u16) -> Term {
        let made = self.made[usize::from(place)];
        self.absorbed[usize::from(place)] = made.is_some();
        made.unwrap_or(Term { factors: [place, self.neutral.one], negative: false })
    }

    /// What is at a place, as a term that is not negative.
    fn positive(&mut self, place: u16) -> Term {
        let Neutral { one, minus_one, .. } = self.neutral;
        match self.made[usize::from(place)] {
            // What was negated is a product with −1 as well.
            Some(Term { factors: [negated, other], negative: true }) => {
                assert_eq!(other, one, "no product is negative by itself");
                self.absorbed[usize::from(place)] = true;
                Term { factors: [negated, minus_one], negative: false }
            }
            _ => self.term(place),
        }
    }

    fn product(&mut self, dst: u16, factors: [u16; 2], negative: bool) -> Term {
        let term = Term { factors, negative };
        self.made[usize::from(dst)] = Some(term).filter(|_| self.uses[usize::from(dst)] == 1);
        term
    }
}

enum Work {
    Dot(Dot),
    Step(Step),
}

impl Work {
    fn kind(&self) -> usize {
        usize::from(matches!(self, Work::Dot(_)))
    }

    fn dst(&self) -> u16 {
        match self {
            Work::Dot(dot) => dot.dst,
            Work::Step(step) => step.dst,
        }
    }

    fn args(&self) -> &[u16] {
        match self {
            Work::Dot(dot) => &dot.args,
            Work::Step(step) => &step.args,
        }
    }
}

/// What a processor does while it waits for a result: so many further dots.
const LATENCY: u32 = 5;

/// Work that waits for other work.
struct Order {
    work: Vec<Work>,
    /// By piece of work: which others read its result, how many it waits for itself, and how much comes one after another from
    /// it on.
    readers: Vec<Vec<usize>>,
    waits: Vec<usize>,
    height: Vec<u32>,
    /// When its operands are there.
    at: Vec<u32>,
    /// What waits for no other work, by kind.
    ready: [Ready; 2],
}

/// Work that waits for nothing, or only until its operands are there.
#[derive(Default)]
struct Ready {
    /// By when.
    later: BinaryHeap<Reverse<(u32, Reverse<u32>, usize)>>,
    /// By how much waits for it.
    now: BinaryHeap<(u32, Reverse<usize>)>,
}

impl Order {
    fn of(work: Vec<Work>, places: usize) -> Self {
        let mut maker = vec![None; places];
        let mut readers = vec![Vec::new(); work.len()];
        let mut waits = vec![0; work.len()];
        for (i, piece) in work.iter().enumerate() {
            let mut of: SmallVec<[usize; 4]> = piece.args().iter().filter_map(|&arg| maker[usize::from(arg)]).collect();
            of.sort_unstable();
            of.dedup();
            waits[i] = of.len();
            of.into_iter().for_each(|made| readers[made].push(i));
            maker[usize::from(piece.dst())] = Some(i);
        }
        let mut height = vec![0; work.len()];
        for i in (0..work.len()).rev() {
            height[i] = 1 + readers[i].iter().map(|&reader| height[reader]).max().unwrap_or(0);
        }
        let at = vec![0; work.len()];
        let mut order = Self { work, readers, waits, height, at, ready: Default::default() };
        for i in 0..order.work.len() {
            order.release(i);
        }
        order
    }

    /// Lets a piece be next if it waits for no other.
    fn release(&mut self, i: usize) {
        if self.waits[i] == 0 {
            self.ready[self.work[i].kind()].later.push(Reverse((self.at[i], Reverse(self.height[i]), i)));
        }
    }

    /// The next piece of a kind at a time: of what has its operands by then, or has them first, that which most waits for.
    fn next(&mut self, kind: usize, now: u32) -> Option<usize> {
        let ready = &mut self.ready[kind];
        while let Some(&Reverse((_, Reverse(height), i))) = ready.later.peek().filter(|Reverse((at, ..))| *at <= now) {
            ready.later.pop();
            ready.now.push((height, Reverse(i)));
        }
        let first = ready.now.pop().map(|(_, Reverse(i))| i);
        let i = first.or_else(|| ready.later.pop().map(|Reverse((.., i))| i))?;
        for reader in std::mem::take(&mut self.readers[i]) {
            self.at[reader] = self.at[reader].max(self.at[i].max(now) + LATENCY);
            self.waits[reader] -= 1;
            self.release(reader);
        }
        Some(i)
    }
}

/// Work in an order in which few groups of dots are apart, and what waits for nothing comes while other work waits: a processor
/// looks only so far ahead.
fn grouped(work: Vec<Work>, places: usize, dots: &mut Vec<Dot>) -> Vec<Step> {
    let mut order = Order::of(work, places);
    let (mut steps, mut now) = (Vec::new(), 0);
    while order.ready.iter().any(|ready| !ready.later.is_empty() || !ready.now.is_empty()) {
        // Steps as far as they need no dot to come, then dots as far as they need no step to come.
        for kind in [0, 1] {
            let from = dots.len();
            while let Some(i) = order.next(kind, now) {
                now = now.max(order.at[i]) + 1;
                match order.work[i] {
                    Work::Dot(dot) => dots.push(dot),
                    Work::Step(step) => steps.push(step),
                }
            }
            if dots.len() > from {
                steps.push(Step::dots(from..dots.len()));
            }
        }
    }
    steps
}
