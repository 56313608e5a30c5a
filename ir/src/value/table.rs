//! Floats of several stacks in the rows of one table.
//!
//! The adjoint of a loop takes off several stacks in every trip what the loop has put on them. Who pushes and pops them
//! together only writes and reads whole rows: one length, one growing buffer, and no look at each stack. Afterwards each
//! stack is a [`Share`] of the table; all of them together are the table again, which nobody has copied.

use smallvec::SmallVec;
use triomphe::Arc;

use super::Stack;

/// Rows, bottom first, of so many floats as there are stacks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<f64>,
    /// By stack, which of the floats of a row is its.
    columns: Columns,
    /// Whether they are in order.
    in_order: bool,
}

type Columns = SmallVec<[u32; 16]>;

/// A stack that is one column of a table.
#[derive(Clone, Debug)]
pub(super) struct Share {
    rows: Arc<Vec<f64>>,
    width: u32,
    column: u32,
}

impl Share {
    pub(super) fn len(&self) -> usize {
        self.rows.len() / self.width as usize
    }

    /// The items, bottom first.
    pub(super) fn floats(&self) -> impl Iterator<Item = f64> {
        self.rows.iter().skip(self.column as usize).step_by(self.width as usize).copied()
    }
}

impl Table {
    /// Of so many stacks, all of them empty.
    pub(crate) fn new(width: usize) -> Self {
        Table { rows: Vec::new(), columns: (0..width as u32).collect(), in_order: true }
    }

    /// Of stacks of floats without marks. Shorter ones have zeros below, as all stacks have.
    pub(crate) fn of(stacks: impl Iterator<Item = Stack>) -> Self {
        let mut stacks: SmallVec<[Stack; 16]> = stacks.collect();
        if let [stack] = &mut stacks[..] {
            return Table { rows: std::mem::take(stack).into_floats(), ..Table::new(1) };
        }
        if let Some((rows, columns)) = together(&stacks) {
            drop(stacks);
            return Table { rows: Arc::unwrap_or_clone(rows), in_order: columns.is_sorted(), columns };
        }
        let (width, height) = (stacks.len(), stacks.iter().map(Stack::len).max().unwrap_or(0));
        let mut table = Table { rows: vec![0.0; width * height], ..Table::new(width) };
        for (column, stack) in stacks.into_iter().enumerate() {
            let items = stack.into_floats();
            let below = (height - items.len()) * width;
            let places = table.rows[below..].iter_mut().skip(column).step_by(width);
            places.zip(items).for_each(|(place, item)| *place = item);
        }
        table
    }

    /// Takes the stacks, in their order. The room of an empty table is left.
    pub(crate) fn take(&mut self, mut give: impl FnMut(usize, Stack)) {
        let columns = std::mem::take(&mut self.columns);
        if self.rows.is_empty() {
            return (0..columns.len()).for_each(|stack| give(stack, Stack::new()));
        }
        let rows = std::mem::take(&mut self.rows);
        if columns.len() == 1 {
            return give(0, Stack::of_floats(rows));
        }
        let rows = Arc::new(rows);
        for (stack, &column) in columns.iter().enumerate() {
            let share = Share { rows: rows.clone(), width: columns.len() as u32, column };
            give(stack, Stack::of_share(share));
        }
    }

    /// Puts another in place of the only stack.
    pub(crate) fn put_only(&mut self, stack: Stack) {
        assert_eq!(self.columns.len(), 1, "a table of one stack");
        if stack.is_empty() {
            self.rows.clear();
        } else {
            self.rows = stack.into_floats();
        }
    }

    /// Takes the only stack.
    pub(crate) fn take_only(&mut self) -> Stack {
        assert_eq!(self.columns.len(), 1, "a table of one stack");
        // An empty one leaves its room.
        if self.rows.is_empty() { Stack::new() } else { Stack::of_floats(std::mem::take(&mut self.rows)) }
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The room for rows, to be given to another table that is empty.
    pub(crate) fn room(&mut self) -> &mut Vec<f64> {
        assert!(self.rows.is_empty(), "room is what no row needs");
        &mut self.rows
    }

    /// Puts an item on each stack, in their order.
    #[inline]
    pub(crate) fn push(&mut self, items: impl ExactSizeIterator<Item = f64>) {
        if self.in_order {
            self.rows.extend(items);
            return;
        }
        let row = self.rows.len();
        self.rows.resize(row + self.columns.len(), 0.0);
        self.columns.iter().zip(items).for_each(|(&column, item)| self.rows[row + column as usize] = item);
    }

    /// Takes an item off each stack: by stack. Zeros if there is none.
    #[inline]
    pub(crate) fn pop(&mut self, mut give: impl FnMut(usize, f64)) {
        let Some(row) = self.rows.len().checked_sub(self.columns.len()) else {
            (0..self.columns.len()).for_each(|stack| give(stack, 0.0));
            return;
        };
        let items = &self.rows[row..];
        self.columns.iter().enumerate().for_each(|(stack, &column)| give(stack, items[column as usize]));
        self.rows.truncate(row);
    }
}

/// The table of which these stacks are the columns, and by stack which one; `None` if they are not.
fn together(stacks: &[Stack]) -> Option<(Arc<Vec<f64>>, Columns)> {
    let first = stacks.first()?.as_share()?;
    if first.width as usize != stacks.len() {
        return None;
    }
    let mut seen: SmallVec<[bool; 64]> = SmallVec::from_elem(false, stacks.len());
    let column = |stack: &Stack| {
        let share = stack.as_share().filter(|share| Arc::ptr_eq(&share.rows, &first.rows))?;
        (!std::mem::replace(&mut seen[share.column as usize], true)).then_some(share.column)
    };
    let columns: Columns = stacks.iter().map(column).collect::<Option<_>>()?;
    Some((first.rows.clone(), columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn taken(mut table: Table) -> Vec<Stack> {
        let mut stacks = Vec::new();
        table.take(|_, stack| stacks.push(stack));
        stacks
    }

    fn table() -> Table {
        let mut table = Table::new(3);
        (0..4).for_each(|row| table.push([0.0, 1.0, 2.0].map(|x| x + 10.0 * f64::from(row)).into_iter()));
        table
    }

    fn popped(table: &mut Table) -> Vec<f64> {
        let mut items = vec![f64::NAN; table.columns.len()];
        table.pop(|stack, item| items[stack] = item);
        items
    }

    #[test]
    fn columns_taken_together_again_are_the_table_and_not_a_copy() {
        let first = table();
        let at = first.rows.as_ptr();
        let mut stacks = taken(first);
        stacks.rotate_left(1);
        let mut second = Table::of(stacks.into_iter());
        assert_eq!(second.rows.as_ptr(), at);
        assert_eq!(popped(&mut second), [31.0, 32.0, 30.0]);
        second.push([1.0, 2.0, 3.0].into_iter());
        assert_eq!(popped(&mut second), [1.0, 2.0, 3.0]);
        assert_eq!(popped(&mut second), [21.0, 22.0, 20.0]);
    }

    #[test]
    fn other_stacks_are_copied_side_by_side_with_zeros_below() {
        let stacks = taken(table());
        let mut longer = stacks[0].clone();
        longer.push(Value::f64(7.0));
        let mut again = Table::of([stacks[1].clone(), longer, stacks[1].clone()].into_iter());
        assert_eq!(popped(&mut again), [31.0, 7.0, 31.0]);
        assert_eq!(popped(&mut again), [21.0, 30.0, 21.0]);
        (0..2).for_each(|_| drop(popped(&mut again)));
        assert_eq!(popped(&mut again), [0.0, 0.0, 0.0]);
        assert_eq!(popped(&mut again), [0.0, 0.0, 0.0]);
        assert_eq!(stacks[2].to_vec().len(), 4);
    }
}
