//! Programs of arithmetic over a few elements: all steps on some lanes, then on the next. Starting a loop for each step would
//! take longer than the loop.
#![expect(unsafe_code, reason = "elements are read and written where operands and results are, which may be the same")]

use super::plan::{Plan, Source};
use super::program::{Elem, Layout};
use super::run::Pointer;
use super::scalar::Singles;
use super::ways::{OTHERWISE, Step, step};
use crate::simd::vectorized;

/// Lanes at a time. Measured on one Zen 5 core: a program of two steps on 32 elements takes 38 ns, where 8 lanes take 47 and
/// a loop for each step 61.
const LANES: usize = 16;

/// Over more elements there is a loop for each step: from 128 on that takes less.
const FEW: usize = 64;

/// The lanes of a place.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Lanes([f64; LANES]);

/// How a program over a few elements runs.
#[derive(Clone, Debug)]
pub(super) struct Few {
    steps: Singles,
    /// The operands that steps read, and whether they are one element.
    operands: Vec<(usize, bool)>,
    elements: usize,
}

impl Few {
    /// `None` for programs over more elements, and for those that do more than arithmetic.
    pub(super) fn new(plan: &Plan, inputs: &[(Elem, usize)], stores: bool) -> Option<Self> {
        let elements = plan.rows * plan.columns;
        let fits = plan.places.iter().all(|place| {
            place.elem == Elem::F64
                && match place.source {
                    Source::Input(_) => matches!(place.layout, Layout::Full | Layout::Scalar),
                    Source::Constant(_) => true,
                    Source::Register(_) | Source::Output(_) => place.layout == Layout::Full,
                    Source::Tiled(..) => false,
                }
        });
        if elements > FEW || !plan.single_block || !stores || !fits {
            return None;
        }
        let steps = Singles::on_lanes(plan, inputs.len());
        let read = plan.places.iter().filter_map(|place| match place.source {
            Source::Input(i) => Some((usize::from(i), place.layout == Layout::Scalar)),
            _ => None,
        });
        let operands = read.collect();
        steps.steps.steps.iter().all(|step| step.way != OTHERWISE).then_some(Self { steps, operands, elements })
    }
}

impl Few {
    /// The operands that steps read.
    #[cfg(test)]
    pub(super) fn reads(&self) -> Vec<usize> {
        self.operands.iter().map(|&(i, _)| i).collect()
    }

    /// Runs the steps; `pointers` are those of the operands and then of the results.
    pub(super) fn walk(&self, pointers: &[Pointer], places: &mut Vec<Lanes>) {
        let Singles { inputs, ref constants, len, .. } = self.steps;
        if places.len() < len {
            places.resize(len, Lanes([0.0; LANES]));
        }
        for &(i, _) in self.operands.iter().filter(|(_, splat)| *splat) {
            // SAFETY: the operand is one float, as its check saw.
            places[i].0 = [unsafe { pointers[i].0.cast::<f64>().read() }; LANES];
        }
        for (place, &constant) in places[inputs..].iter_mut().zip(constants) {
            place.0 = [f64::from_bits(constant); LANES];
        }
        walk(self, pointers, places);
    }
}

vectorized! {
    fn walk(few: &Few, pointers: &[Pointer], places: &mut [Lanes]) {
        let Singles { inputs, steps, ends, .. } = &few.steps;
        for at in (0..few.elements).step_by(LANES) {
            let count = LANES.min(few.elements - at);
            for &(i, _) in few.operands.iter().filter(|(_, splat)| !*splat) {
                // SAFETY: the operand has as many floats as the space, as its check saw.
                unsafe { read(pointers[i].0.cast::<f64>().add(at), count, &mut places[i].0) };
            }
            for &Step { way, args, dst, .. } in &steps.steps {
                let float = |i: usize| places[usize::from(args[i])].0;
                places[usize::from(dst)].0 = step!(way, float, panic!("no arithmetic"));
            }
            for (pointer, &(_, end)) in pointers[*inputs..].iter().zip(ends) {
                // SAFETY: the result has as many elements as the space. It may lie where an operand does, of which these
                // elements have been read.
                unsafe { write(&places[usize::from(end)].0, count, pointer.0.cast::<f64>().add(at)) };
            }
        }
    }
}

/// # Safety
/// So many elements can be read there.
#[inline(always)]
unsafe fn read(from: *const f64, count: usize, to: &mut [f64; LANES]) {
    // SAFETY: the caller's promise.
    unsafe {
        if count == LANES {
            *to = from.cast::<[f64; LANES]>().read();
        } else {
            from.copy_to_nonoverlapping(to.as_mut_ptr(), count);
        }
    }
}

/// # Safety
/// So many elements can be written there.
#[inline(always)]
unsafe fn write(from: &[f64; LANES], count: usize, to: *mut f64) {
    // SAFETY: the caller's promise.
    unsafe {
        if count == LANES {
            to.cast::<[f64; LANES]>().write(*from);
        } else {
            from.as_ptr().copy_to_nonoverlapping(to, count);
        }
    }
}
