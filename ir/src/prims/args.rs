//! Operands of a primitive, read where they are.
//!
//! Whoever applies a primitive may have its operands in a row of their own or among the registers of a frame. A primitive
//! reads them in place (`args[i]`), which touches no reference count, and takes the few that become its result: an operand
//! that nobody reads afterwards is moved out, one that is still needed is cloned.

use std::borrow::Cow;
use std::ops::Index;

use adjudicate_kernels::{Array, Elements};

use super::support::Tensor;
use crate::exec::Operand;
use crate::value::Value;

/// Operands of a primitive.
#[derive(Debug)]
pub struct Args<'a> {
    source: Source<'a>,
    /// Those that are not taken for the time being.
    held: u64,
}

#[derive(Debug)]
enum Source<'a> {
    /// In order, none of them read afterwards.
    Row(&'a mut [Value]),
    /// Registers and constants, by operand of an instruction.
    Frame { regs: &'a mut [Value], consts: &'a [Value], operands: &'a [Operand] },
}

impl<'a> Args<'a> {
    /// Operands that belong to the primitive.
    #[inline]
    pub fn new(row: &'a mut [Value]) -> Self {
        Args { source: Source::Row(row), held: 0 }
    }

    /// Operands of an instruction.
    #[inline]
    pub(crate) fn of_frame(regs: &'a mut [Value], consts: &'a [Value], operands: &'a [Operand]) -> Self {
        Args { source: Source::Frame { regs, consts, operands }, held: 0 }
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.source {
            Source::Row(row) => row.len(),
            Source::Frame { operands, .. } => operands.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        (0..self.len()).map(|i| &self[i])
    }

    /// The [bits](Self::bit) of the operands of which something holds.
    #[inline]
    pub fn bits_where(&self, mut holds: impl FnMut(&Value) -> bool) -> u64 {
        let mut bits = 0;
        match &self.source {
            Source::Row(row) => {
                for (i, value) in row.iter().enumerate() {
                    bits |= if holds(value) { Self::bit(i) } else { 0 };
                }
            }
            Source::Frame { regs, consts, operands } => {
                for (i, operand) in operands.iter().enumerate() {
                    bits |= if holds(operand.find(regs, consts)) { Self::bit(i) } else { 0 };
                }
            }
        }
        bits
    }

    /// Does not let these operands be taken: a bit for each, as [`bit`](Self::bit) numbers them. Whoever wants to take
    /// them afterwards holds none again.
    #[inline]
    pub fn hold(&mut self, operands: u64) {
        self.held = operands;
    }

    /// The bit of an operand in what is held; all from the 63rd on share one.
    #[inline]
    pub fn bit(operand: usize) -> u64 {
        1 << operand.min(63)
    }

    /// The place of an operand that nobody reads afterwards, not even as another operand.
    #[inline]
    fn free(&mut self, i: usize) -> Option<&mut Value> {
        if self.held & Self::bit(i) != 0 {
            return None;
        }
        match &mut self.source {
            Source::Row(row) => Some(&mut row[i]),
            Source::Frame { regs, operands, .. } => {
                let operand = operands[i];
                let once = || operands.iter().filter(|o| !o.is_const() && o.index() == operand.index()).count() == 1;
                if operand.is_last() && once() { Some(&mut regs[operand.index()]) } else { None }
            }
        }
    }

    /// An operand by value.
    #[inline]
    pub fn take(&mut self, i: usize) -> Value {
        match self.free(i) {
            Some(place) => std::mem::replace(place, Value::Bool(false)),
            None => self[i].clone(),
        }
    }

    /// The elements of an array of floats that nobody reads afterwards.
    #[inline]
    pub fn take_elements(&mut self, i: usize) -> Option<Elements<f64>> {
        let place = self.free(i)?;
        if !matches!(place, Value::Array(..)) {
            return None;
        }
        match std::mem::replace(place, Value::Bool(false)) {
            Value::Array(a, _) => Some(a.into_elements()),
            _ => None,
        }
    }

    /// The array that an operand is, by value; a scalar becomes one of rank 0.
    #[inline]
    pub(super) fn take_array<T: Tensor>(&mut self, i: usize) -> Array<T> {
        T::into_array(self.take(i))
    }

    /// The array that an operand is, to be written over: if nobody else holds its elements and its shape is this.
    #[inline]
    pub(super) fn take_unique<T: Tensor>(&mut self, i: usize, shape: &[usize]) -> Option<Array<T>> {
        let place = self.free(i)?;
        T::array(place).filter(|a| a.is_unique() && a.has_shape(shape))?;
        Some(T::into_array(std::mem::replace(place, Value::Bool(false))))
    }

    /// The array that an operand is; a scalar becomes one of rank 0.
    #[inline]
    pub(super) fn array<T: Tensor>(&self, i: usize) -> Cow<'_, Array<T>> {
        let value = &self[i];
        match T::array(value) {
            Some(array) => Cow::Borrowed(array),
            None => Cow::Owned(T::into_array(value.clone())),
        }
    }
}

impl Index<usize> for Args<'_> {
    type Output = Value;

    #[inline]
    fn index(&self, i: usize) -> &Value {
        match &self.source {
            Source::Row(row) => &row[i],
            Source::Frame { regs, consts, operands } => operands[i].find(regs, consts),
        }
    }
}
