//! One step on one block: the plain kernels' loops over slices at the places of the operands and the result.
#![expect(unsafe_code, reason = "operands and results are places in buffers that are walked together")]

use std::slice;

use super::plan::{Op, PlaceId};
use super::program::{Code, Elem};
use super::run::Pointer;
use crate::array::Element;
use crate::elementwise::{
    Lanes, binary_slices_assign, binary_slices_assign_right, binary_slices_into, compare_slices_into,
    logic_slices_into, power_slice_assign, power_slices_into, select_slices_into, unary_into, unary_slice_assign,
};
use crate::elementwise::{int_binary_slices_into, map_slices_into};
use crate::reduce;

/// Where the values of the block at hand are, by place.
pub(super) struct Block<'p> {
    pub(super) at: &'p [Pointer],
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Block<'_> {
    /// # Safety
    /// The place must hold `n` elements of this type, which nothing writes while the result lives.
    unsafe fn slice<T>(&self, place: PlaceId, n: usize) -> &[T] {
        // SAFETY: the caller's promise.
        unsafe { slice::from_raw_parts(self.at[usize::from(place)].0.cast::<T>(), n) }
    }

    /// # Safety
    /// As for [`Block::slice`].
    unsafe fn lanes<T: Element>(&self, op: &Op, i: usize, n: usize) -> Lanes<'_, T> {
        // SAFETY: the caller's promise; a single value is one element.
        unsafe {
            if op.splat[i] {
                Lanes::Splat(self.slice::<T>(op.args[i], 1)[0])
            } else {
                Lanes::Slice(self.slice(op.args[i], n))
            }
        }
    }

    /// Whether an operand lies where the result does.
    fn same(&self, op: &Op, i: usize) -> bool {
        !op.splat[i] && self.at[usize::from(op.args[i])].0 == self.at[usize::from(op.dst)].0
    }

    /// Runs a step.
    ///
    /// # Safety
    /// Every place of the step must hold as many elements of its type as the step has lanes. Places overlap only if
    /// they are equal, and then one of them is that of the result and the step may run in place.
    pub(super) unsafe fn step(&self, op: &Op) {
        let n = if op.wide { self.rows * self.columns } else { self.rows };
        // SAFETY: the caller's promise; what is equal to the result is not made a slice besides it.
        unsafe {
            match op.code {
                Code::Unary(_) | Code::Binary(_) | Code::Power(_) => self.floats(op, n),
                Code::IntUnary(f) => map_slices_into(self.lanes(op, 0, n), self.result(op, n), |x| f.eval(x)),
                Code::IntBinary(f) => {
                    let (a, b) = (self.lanes(op, 0, n), self.lanes(op, 1, n));
                    int_binary_slices_into(f, a, b, self.result(op, n)).expect("a step that has a value everywhere");
                }
                Code::Compare(f, Elem::F64) => {
                    compare_slices_into::<f64>(f, self.lanes(op, 0, n), self.lanes(op, 1, n), self.result(op, n));
                }
                Code::Compare(f, _) => {
                    compare_slices_into::<i64>(f, self.lanes(op, 0, n), self.lanes(op, 1, n), self.result(op, n));
                }
                Code::Logic(f) => {
                    logic_slices_into(f, self.lanes(op, 0, n), self.lanes(op, 1, n), self.result(op, n));
                }
                Code::Not => map_slices_into(self.lanes(op, 0, n), self.result(op, n), |x: bool| !x),
                Code::Select(Elem::F64) => self.select::<f64>(op, n),
                Code::Select(Elem::I64) => self.select::<i64>(op, n),
                Code::Select(Elem::Bool) => self.select::<bool>(op, n),
                Code::Cast(from, to) => self.cast(op, from, to, n),
                Code::Stretch(Elem::F64) => self.stretch::<f64>(op, n),
                Code::Stretch(Elem::I64) => self.stretch::<i64>(op, n),
                Code::Stretch(Elem::Bool) => self.stretch::<bool>(op, n),
                Code::Reduce(f) => {
                    reduce::runs_into(f, self.slice(op.args[0], n), self.columns, self.result(op, self.rows))
                }
            }
        }
    }

    /// # Safety
    /// As for [`Block::step`].
    #[expect(clippy::mut_from_ref, reason = "the buffers belong to the run, not to this view of them")]
    unsafe fn result<T>(&self, op: &Op, n: usize) -> &mut [T] {
        // SAFETY: the caller's promise.
        unsafe { slice::from_raw_parts_mut(self.at[usize::from(op.dst)].0.cast::<T>(), n) }
    }

    /// # Safety
    /// As for [`Block::step`].
    unsafe fn floats(&self, op: &Op, n: usize) {
        // SAFETY: the caller's promise; operands equal to the result are not made slices.
        unsafe {
            let dst = self.result::<f64>(op, n);
            match op.code {
                Code::Binary(f) if self.same(op, 0) => binary_slices_assign(f, dst, self.lanes(op, 1, n)),
                Code::Binary(f) if self.same(op, 1) => binary_slices_assign_right(f, self.lanes(op, 0, n), dst),
                Code::Binary(f) => binary_slices_into(f, self.lanes(op, 0, n), self.lanes(op, 1, n), dst),
                code => {
                    let inside = self.same(op, 0);
                    let from = if inside { None } else { Some(self.lanes(op, 0, n)) };
                    let from = match from {
                        Some(Lanes::Slice(from)) => Some(from),
                        Some(Lanes::Splat(x)) => {
                            dst.fill(x);
                            None
                        }
                        None => None,
                    };
                    match (code, from) {
                        (Code::Unary(f), Some(from)) => unary_into(f, from, dst),
                        (Code::Unary(f), None) => unary_slice_assign(f, dst),
                        (Code::Power(k), Some(from)) => power_slices_into(k, from, dst),
                        (Code::Power(k), None) => power_slice_assign(k, dst),
                        (other, _) => panic!("{other:?} is no function of floats"),
                    }
                }
            }
        }
    }

    /// # Safety
    /// As for [`Block::step`].
    unsafe fn select<T: Element>(&self, op: &Op, n: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let (mask, a, b) = (self.lanes(op, 0, n), self.lanes(op, 1, n), self.lanes(op, 2, n));
            select_slices_into::<T>(mask, a, b, self.result(op, n));
        }
    }

    /// # Safety
    /// As for [`Block::step`].
    unsafe fn cast(&self, op: &Op, from: Elem, to: Elem, n: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match (from, to) {
                (Elem::I64, Elem::F64) => map_slices_into(self.lanes(op, 0, n), self.result(op, n), |x: i64| x as f64),
                (Elem::Bool, Elem::F64) => map_slices_into(self.lanes::<bool>(op, 0, n), self.result(op, n), f64::from),
                (Elem::F64, Elem::I64) => map_slices_into(self.lanes(op, 0, n), self.result(op, n), |x: f64| x as i64),
                (Elem::Bool, Elem::I64) => map_slices_into(self.lanes::<bool>(op, 0, n), self.result(op, n), i64::from),
                (from, to) => panic!("no cast from {from:?} to {to:?}"),
            }
        }
    }

    /// # Safety
    /// As for [`Block::step`].
    unsafe fn stretch<T: Element>(&self, op: &Op, n: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let dst = self.result::<T>(op, n);
            if op.by_row {
                return repeat_each(self.slice(op.args[0], self.rows), self.columns, dst);
            }
            match self.lanes(op, 0, n) {
                Lanes::Slice(from) => dst.copy_from_slice(from),
                Lanes::Splat(x) => dst.fill(x),
            }
        }
    }
}

/// Each element of `from` `columns` times.
fn repeat_each<T: Element>(from: &[T], columns: usize, dst: &mut [T]) {
    /// Short rows are written in whole vectors, of which the next row overwrites what is too much.
    const WIDTH: usize = 16;
    let mut rows = from.iter().enumerate();
    if columns <= WIDTH {
        for (i, &x) in rows.by_ref() {
            let Some(to) = dst[i * columns..].first_chunk_mut::<WIDTH>() else {
                dst[i * columns..(i + 1) * columns].fill(x);
                break;
            };
            *to = [x; WIDTH];
        }
    }
    rows.for_each(|(i, &x)| dst[i * columns..(i + 1) * columns].fill(x));
}
