//! Stacks.
//!
//! The items of a stack have one type, so they need not be [`Value`]s of 24 bytes each: scalars lie in
//! a column of their own kind, 8 bytes each (booleans 1), which grows by doubling and needs no length
//! beforehand; the first few floats or integers lie in the allocation of the column itself. Floats with marks have a
//! second column for those. Of arrays of floats the elements are kept, shared with whoever else holds them, 8 bytes for
//! each, and once the length of each axis. Items of any other type are values: pushing and popping one moves it. Where it
//! is known beforehand that arrays will be taken off all at once, they lie in the [`Rows`] of one. Floats that were pushed
//! together with those of other stacks may lie in a [table](super::Table) with them, until the stack is changed by itself.

use adjudicate_kernels::{Array, Elements, Extents};
use smallvec::{SmallVec, smallvec};
use triomphe::Arc;

use super::rows::Rows;
use super::table::Share;
use super::{Mark, Value, release};

/// A shared stack, copied when it is changed while shared.
#[derive(Clone, Debug, Default)]
pub struct Stack(Option<Arc<Column>>);

/// Scalars, the first eight in the column's own allocation: a short inner loop needs no other.
type Scalars<T> = SmallVec<[T; 8]>;

/// Items, bottom first.
#[derive(Clone, Debug)]
enum Column {
    Floats(Scalars<f64>),
    /// Floats of which at least one has a mark.
    Marked(Vec<f64>, Vec<Mark>),
    Ints(Scalars<i64>),
    Bools(Vec<bool>),
    /// Arrays of floats without marks.
    Arrays(Extents, Vec<Elements<f64>>),
    /// The same, as rows of one.
    Rows(Rows),
    /// Floats without marks, in a table with those of other stacks.
    Table(Share),
    Values(Vec<Value>),
}

impl Stack {
    /// The empty stack.
    pub fn new() -> Self {
        Stack(None)
    }

    /// The empty stack, with room for arrays of floats that are to be taken off as one of this shape; `reversed` if the
    /// topmost is its first row. Other items may be put on it as well.
    pub fn with_room(shape: &[usize], reversed: bool) -> Self {
        Stack(Some(Arc::new(Column::Rows(Rows::new(shape, reversed)))))
    }

    /// Puts a copy of an array on top, if there is room for one of its kind; says whether there was.
    #[inline]
    pub(crate) fn push_row(&mut self, value: &Value) -> bool {
        let Some(Column::Rows(_)) = self.0.as_deref() else { return false };
        self.0.as_mut().is_some_and(|column| Arc::make_mut(column).push_row(value))
    }

    /// Takes all items off as one array of this shape, the topmost first if `reversed`: if that is what room was made for,
    /// and there are as many.
    pub(crate) fn take_rows(&mut self, shape: &[usize], reversed: bool) -> Option<Array<f64>> {
        let Some(Column::Rows(rows)) = self.0.as_deref() else { return None };
        let rows = rows.full(shape, reversed)?.clone();
        self.0 = None;
        Some(rows)
    }

    /// Puts a value on top.
    #[inline]
    pub fn push(&mut self, value: Value) {
        let Some(column) = &mut self.0 else {
            self.0 = Some(Arc::new(Column::of(value)));
            return;
        };
        match (Arc::make_mut(column), value) {
            (Column::Floats(items), Value::F64(x, Mark::NONE)) => items.push(x),
            (Column::Marked(items, marks), Value::F64(x, mark)) => {
                items.push(x);
                marks.push(mark);
            }
            (Column::Ints(items), Value::I64(n)) => items.push(n),
            (Column::Bools(items), Value::Bool(b)) => items.push(b),
            (Column::Arrays(extents, items), Value::Array(a, Mark::NONE)) if a.has_extents(extents) => {
                items.push(a.into_elements());
            }
            (Column::Values(items), value) => items.push(value),
            (column, value) => {
                if !column.push_row(&value) {
                    column.push_other(value);
                }
            }
        }
    }

    /// Puts a float without a mark on top, as [`Stack::push`] would.
    #[inline]
    pub(crate) fn push_float(&mut self, x: f64) {
        match self.0.as_mut().and_then(Arc::get_mut) {
            Some(Column::Floats(items)) => items.push(x),
            _ => self.push(Value::f64(x)),
        }
    }

    /// A stack of floats without marks, bottom first.
    pub(crate) fn of_floats(items: Vec<f64>) -> Self {
        Stack((!items.is_empty()).then(|| Arc::new(Column::Floats(Scalars::from_vec(items)))))
    }

    /// A stack in a table.
    pub(super) fn of_share(share: Share) -> Self {
        Stack(Some(Arc::new(Column::Table(share))))
    }

    /// Where it lies in a table, if it does.
    pub(super) fn as_share(&self) -> Option<&Share> {
        if let Some(Column::Table(share)) = self.0.as_deref() { Some(share) } else { None }
    }

    /// The items, bottom first, of a stack of floats without marks.
    ///
    /// # Panics
    /// If it is none.
    pub(crate) fn into_floats(mut self) -> Vec<f64> {
        let Some(column) = self.0.take() else { return Vec::new() };
        match Arc::try_unwrap(column).unwrap_or_else(|shared| Column::clone(&shared)) {
            Column::Floats(items) => items.into_vec(),
            Column::Table(share) => share.floats().collect(),
            other => panic!("floats were expected, not {other:?}"),
        }
    }

    /// Takes the top value, `None` if only the zeros below are left.
    #[inline]
    pub fn pop(&mut self) -> Option<Value> {
        match Arc::make_mut(self.0.as_mut()?) {
            Column::Floats(items) => items.pop().map(Value::f64),
            Column::Marked(items, marks) => Some(Value::F64(items.pop()?, marks.pop()?)),
            Column::Ints(items) => items.pop().map(Value::I64),
            Column::Bools(items) => items.pop().map(Value::Bool),
            Column::Arrays(extents, items) => items.pop().map(|item| array(extents, item)),
            Column::Rows(rows) => rows.pop(),
            Column::Values(items) => items.pop(),
            column @ Column::Table(_) => column.apart().pop().map(Value::f64),
        }
    }

    /// Takes the top value if it is a float of a stack of floats without marks that nobody shares.
    #[inline]
    pub(crate) fn pop_float(&mut self) -> Option<f64> {
        match Arc::get_mut(self.0.as_mut()?)? {
            Column::Floats(items) => items.pop(),
            _ => None,
        }
    }

    /// How many items were pushed and not popped.
    pub fn len(&self) -> usize {
        match self.0.as_deref() {
            None => 0,
            Some(Column::Floats(items)) => items.len(),
            Some(Column::Marked(items, _)) => items.len(),
            Some(Column::Ints(items)) => items.len(),
            Some(Column::Bools(items)) => items.len(),
            Some(Column::Arrays(_, items)) => items.len(),
            Some(Column::Rows(rows)) => rows.len(),
            Some(Column::Table(share)) => share.len(),
            Some(Column::Values(items)) => items.len(),
        }
    }

    /// Whether only the zeros below are left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items, bottom first.
    pub fn to_vec(&self) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::with_capacity(self.len());
        let mut rest = self.clone();
        items.extend(std::iter::from_fn(|| rest.pop()));
        items.reverse();
        items
    }

    /// The values that only this stack holds, for whoever drops them.
    pub(super) fn values(&mut self) -> Option<&mut [Value]> {
        match Arc::get_mut(self.0.as_mut()?)? {
            Column::Values(items) => Some(items),
            Column::Floats(_)
            | Column::Marked(..)
            | Column::Ints(_)
            | Column::Bools(_)
            | Column::Arrays(..)
            | Column::Rows(_)
            | Column::Table(_) => None,
        }
    }
}

#[inline]
fn array(extents: &Extents, elements: Elements<f64>) -> Value {
    Value::Array(Array::of_extents(extents, elements), Mark::NONE)
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(items) = self.values() {
            release(items);
        }
    }
}

impl Column {
    /// One item.
    fn of(value: Value) -> Self {
        match value {
            Value::F64(x, Mark::NONE) => Column::Floats(smallvec![x]),
            Value::F64(x, mark) => Column::Marked(vec![x], vec![mark]),
            Value::I64(n) => Column::Ints(smallvec![n]),
            Value::Bool(b) => Column::Bools(vec![b]),
            Value::Array(a, Mark::NONE) => Column::Arrays(a.extents(), vec![a.into_elements()]),
            value => Column::Values(vec![value]),
        }
    }

    /// See [`Stack::push_row`].
    #[inline]
    fn push_row(&mut self, value: &Value) -> bool {
        match self {
            Column::Rows(rows) => rows.push(value),
            _ => false,
        }
    }

    /// The floats of a stack in a table, now by themselves.
    #[cold]
    fn apart(&mut self) -> &mut Scalars<f64> {
        if let Column::Table(share) = self {
            *self = Column::Floats(share.floats().collect());
        }
        match self {
            Column::Floats(items) => items,
            other => panic!("floats were expected, not {other:?}"),
        }
    }

    /// The first float or array that has a mark, or what there is no room for.
    #[cold]
    fn push_other(&mut self, value: Value) {
        if let Column::Table(_) = self {
            let items = self.apart();
            if let Value::F64(x, Mark::NONE) = value {
                items.push(x);
                return;
            }
        }
        match (std::mem::replace(self, Column::Values(Vec::new())), value) {
            (Column::Floats(items), Value::F64(x, mark)) => {
                let mut marks = vec![Mark::NONE; items.len()];
                let mut items = items.into_vec();
                items.push(x);
                marks.push(mark);
                *self = Column::Marked(items, marks);
            }
            (Column::Arrays(extents, items), value @ Value::Array(..)) => {
                let items = items.into_iter().map(|item| array(&extents, item));
                *self = Column::Values(items.chain([value]).collect());
            }
            (Column::Rows(rows), value) => {
                let mut items = rows.items();
                items.push(value);
                *self = Column::Values(items);
            }
            (column, value) => panic!("{value:?} on a stack of {column:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Type;

    /// The values come off as they were put on, also where floats go their own way.
    fn check(values: &[Value]) {
        let mut stack = Stack::new();
        values.iter().for_each(|v| stack.push(v.clone()));
        let mut floats = Stack::new();
        for value in values {
            match value {
                Value::F64(x, Mark::NONE) => floats.push_float(*x),
                value => floats.push(value.clone()),
            }
        }
        let shared = stack.clone();
        let popped: Vec<Value> = std::iter::from_fn(|| stack.pop()).collect();
        let other: Vec<Value> =
            std::iter::from_fn(|| floats.pop_float().map(Value::f64).or_else(|| floats.pop())).collect();
        let wanted: Vec<Value> = values.iter().rev().cloned().collect();
        assert_eq!(format!("{popped:?}"), format!("{wanted:?}"));
        assert_eq!(format!("{other:?}"), format!("{wanted:?}"));
        assert_eq!((shared.len(), stack.len()), (values.len(), 0));
        assert_eq!(format!("{:?}", shared.to_vec()), format!("{values:?}"));
    }

    #[test]
    fn what_is_pushed_is_popped() {
        check(&[]);
        check(&[Value::f64(-0.0), Value::f64(f64::INFINITY)]);
        check(&[Value::f64(1.0), Value::F64(2.0, Mark(7)), Value::f64(3.0), Value::F64(4.0, Mark(9))]);
        check(&[Value::F64(1.0, Mark(7)), Value::f64(2.0)]);
        let many = (0..20).map(|i| Value::f64(f64::from(i)));
        check(&many.clone().chain([Value::F64(0.5, Mark(3))]).collect::<Vec<_>>());
        check(&many.collect::<Vec<_>>());
        check(&(0..20).map(Value::I64).collect::<Vec<_>>());
        check(&[Value::Bool(true), Value::Bool(false)]);
        let row = |x: f64| Array::full(&[2], x);
        check(&[Value::array(row(1.0)), Value::array(row(2.0))]);
        check(&[Value::array(row(1.0)), Value::Array(row(2.0), Mark(3)), Value::array(row(3.0))]);
        check(&[Value::Array(row(1.0), Mark(3)), Value::array(row(2.0))]);
        check(&[Value::tuple(vec![Value::I64(1)]), Value::zero(&Type::tuple([Type::i64()]))]);
    }

    #[test]
    fn rows_are_pushed_and_popped_and_taken_off_at_once() {
        let row = |x: f64| Value::array(Array::from_slice(&[2], &[x, -x]));
        let four: Vec<Value> = (0..4).map(|i| row(f64::from(i))).collect();
        for (reversed, wanted) in [(false, [0.0, 0.0, 1.0, -1.0]), (true, [1.0, -1.0, 0.0, 0.0])] {
            let mut stack = Stack::with_room(&[2, 2], reversed);
            let empty = stack.clone();
            assert!(stack.take_rows(&[2, 2], reversed).is_none() && stack.pop().is_none());
            assert!(
                stack.push_row(&four[0]) && !stack.push_row(&Value::zero(&Type::tensor(crate::types::Elem::F64, &[3])))
            );
            assert!(stack.take_rows(&[2, 2], reversed).is_none());
            stack.push(four[1].clone());
            let (two, mut more) = (stack.clone(), stack.clone());
            assert!(!more.push_row(&four[2]));
            more.push(four[2].clone());
            more.push(four[3].clone());
            assert_eq!(format!("{:?}", more.to_vec()), format!("{four:?}"));
            assert!(stack.take_rows(&[2, 2], !reversed).is_none());
            assert_eq!(stack.take_rows(&[2, 2], reversed), Some(Array::from_slice(&[2, 2], &wanted)));
            assert_eq!((stack.len(), empty.len(), two.len(), more.len()), (0, 0, 2, 4));
            assert_eq!(format!("{:?}", two.to_vec()), format!("{:?}", &four[..2]));
        }
    }

    #[test]
    fn scalars_take_eight_bytes() {
        let mut stack = Stack::new();
        (0..1000).for_each(|i| stack.push(Value::f64(f64::from(i))));
        let Some(Column::Floats(items)) = stack.0.as_deref() else { panic!("floats") };
        assert!(items.capacity() <= 1024);
    }
}
