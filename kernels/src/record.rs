//! Reference-counted records: a count, a length and items of any type, in one block of the pool.
//!
//! What a standard `Arc<[T]>` is, but of the thread's own blocks: the records of a recursion's backpropagators come and go by
//! the million, in few sizes, and taking a block off a list and giving it back are a few instructions.
//!
//! What must hold: `refs` counts the records that point here; a `&mut [T]` is handed out only while it is one; every item
//! is initialised before a record leaves its constructor.
#![expect(unsafe_code, reason = "a thin shared slice in a block of the pool")]

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::pool;
use crate::refs::Refs;

#[repr(C)]
struct Header {
    refs: Refs,
    len: usize,
}

/// A shared record of a fixed number of items.
pub struct Record<T> {
    header: NonNull<Header>,
    owns: PhantomData<T>,
}

// SAFETY: a `Record` shares its items like an `Arc<[T]>` does.
unsafe impl<T: Send + Sync> Send for Record<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Record<T> {}

impl<T> Record<T> {
    /// A record of as many items as the iterator says that it has.
    ///
    /// # Panics
    /// If it has fewer.
    #[inline]
    pub fn new(mut items: impl ExactSizeIterator<Item = T>) -> Self {
        const { assert!(align_of::<T>() <= align_of::<Header>()) };
        let len = items.len();
        let layout = Self::layout(len);
        // SAFETY: the layout has the size of a header at least; header and items lie inside the block by `layout`. Should the
        // iterator panic, the block is lost with the items already in it.
        unsafe {
            let base = pool::allocate(layout, false);
            if base.is_null() {
                handle_alloc_error(layout);
            }
            let header = NonNull::new_unchecked(base).cast::<Header>();
            header.write(Header { refs: Refs::one(), len });
            let first = header.add(1).cast::<T>();
            for i in 0..len {
                first.add(i).write(items.next().expect("as many items as the iterator said"));
            }
            Self { header, owns: PhantomData }
        }
    }

    fn layout(len: usize) -> Layout {
        let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(size_of::<Header>()));
        let layout = bytes.and_then(|bytes| Layout::from_size_align(bytes, align_of::<Header>()).ok());
        layout.expect("a record that fits into memory")
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: it lives as long as a record that points to it.
        unsafe { self.header.as_ref() }
    }

    #[inline]
    fn items(&self) -> NonNull<[T]> {
        // SAFETY: the items lie behind the header, in one block.
        let first = unsafe { self.header.add(1) }.cast::<T>();
        NonNull::slice_from_raw_parts(first, self.header().len)
    }

    /// The items.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: they are initialised, and writable only through `&mut self`.
        unsafe { self.items().as_ref() }
    }

    /// The items, writable if no other record shares them.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut [T]> {
        // SAFETY: sole owner, and `&mut self` keeps it so.
        self.is_unique().then(|| unsafe { self.items().as_mut() })
    }

    #[inline]
    fn is_unique(&self) -> bool {
        self.header().refs.is_one()
    }
}

impl<T> Clone for Record<T> {
    #[inline]
    fn clone(&self) -> Self {
        self.header().refs.add();
        Self { header: self.header, owns: PhantomData }
    }
}

impl<T> Drop for Record<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.header().refs.remove() {
            return;
        }
        let layout = Self::layout(self.header().len);
        // SAFETY: this was the last reference.
        unsafe {
            self.items().drop_in_place();
            pool::free(self.header.cast::<u8>().as_ptr(), layout);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn items_are_shared_written_alone_and_dropped_once() {
        let witness = Arc::new(());
        let mut record = Record::new((0..5).map(|i| (i, witness.clone())));
        assert_eq!(record.as_slice().iter().map(|item| item.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        let other = record.clone();
        assert!(record.get_mut().is_none());
        assert_eq!(Arc::strong_count(&witness), 6);
        thread::spawn(move || drop(other)).join().expect("no panic");
        record.get_mut().expect("the only one")[2].0 = 7;
        assert_eq!(record.as_slice()[2].0, 7);
        drop(record);
        assert_eq!(Arc::strong_count(&witness), 1);
    }

    #[test]
    fn a_record_of_nothing_and_one_larger_than_small_blocks() {
        let none: Record<u8> = Record::new(std::iter::empty());
        assert!(none.as_slice().is_empty());
        let large = Record::new((0..10_000u32).map(|i| u64::from(i).pow(2)));
        assert_eq!(large.clone().as_slice()[9_999], 99_980_001);
    }

    #[test]
    #[should_panic(expected = "as many items as the iterator said")]
    fn an_iterator_that_promises_too_much_is_refused() {
        struct Liar;
        impl Iterator for Liar {
            type Item = u8;
            fn next(&mut self) -> Option<u8> {
                None
            }
            fn size_hint(&self) -> (usize, Option<usize>) {
                (3, Some(3))
            }
        }
        impl ExactSizeIterator for Liar {}
        drop(Record::new(Liar));
    }
}
