//! Items of a stack as the rows of one array.
//!
//! Whoever knows that so many items will be pushed and then be taken off at once, as an array, makes a stack with room
//! for them: each item is copied to its row as it is pushed, need not be kept, and the array is there at the end. The
//! array is made with the first item, so an empty stack with room may be a constant.

use adjudicate_kernels::Array;

use super::{Mark, Value};

/// Up to so many items of one shape.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// The number of rows there is room for, and then the shape of each.
    shape: Box<[usize]>,
    /// Whether the first item goes into the last row.
    reversed: bool,
    rows: Option<Array<f64>>,
    filled: usize,
}

impl Rows {
    pub(super) fn new(shape: &[usize], reversed: bool) -> Self {
        assert!(shape.len() > 1, "rows of rank 1 or more");
        Self { shape: shape.into(), reversed, rows: None, filled: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// Copies an item to the next row; says whether it is one, and there was room.
    #[inline]
    pub(super) fn push(&mut self, value: &Value) -> bool {
        let Value::Array(item, Mark::NONE) = value else { return false };
        if self.filled == self.shape[0] || !item.has_shape(&self.shape[1..]) {
            return false;
        }
        let item = item.as_slice();
        let at = self.place(self.filled) * item.len();
        let rows = self.rows.get_or_insert_with(|| Array::zeros(&self.shape));
        rows.make_mut()[at..at + item.len()].copy_from_slice(item);
        self.filled += 1;
        true
    }

    pub(super) fn pop(&mut self) -> Option<Value> {
        self.filled = self.filled.checked_sub(1)?;
        Some(self.item(self.filled))
    }

    /// All items, first one first.
    pub(super) fn items(&self) -> Vec<Value> {
        (0..self.filled).map(|i| self.item(i)).collect()
    }

    /// The array, if it is full and of this form.
    pub(super) fn full(&self, shape: &[usize], reversed: bool) -> Option<&Array<f64>> {
        let fits = self.filled == self.shape[0] && *self.shape == *shape && self.reversed == reversed;
        self.rows.as_ref().filter(|_| fits)
    }

    fn place(&self, i: usize) -> usize {
        if self.reversed { self.shape[0] - 1 - i } else { i }
    }

    fn item(&self, i: usize) -> Value {
        let shape = &self.shape[1..];
        let size: usize = shape.iter().product();
        let rows = self.rows.as_ref().expect("an item was pushed");
        Value::array(Array::from_slice(shape, &rows.as_slice()[self.place(i) * size..][..size]))
    }
}
