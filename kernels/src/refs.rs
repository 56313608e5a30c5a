//! How many owners a shared block of memory has.

use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// A count of owners, of which the last frees what they share.
pub(crate) struct Refs(AtomicUsize);

impl Refs {
    /// Of something new.
    #[inline]
    pub(crate) fn one() -> Self {
        Refs(AtomicUsize::new(1))
    }

    /// Whether the asking owner is the only one, which it then stays while it is borrowed mutably.
    #[inline]
    pub(crate) fn is_one(&self) -> bool {
        self.0.load(Ordering::Acquire) == 1
    }

    /// One more.
    #[inline]
    pub(crate) fn add(&self) {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        assert!(before < usize::MAX / 2, "too many owners");
    }

    /// One less; whether that was the last.
    #[inline]
    pub(crate) fn remove(&self) -> bool {
        // A sole owner needs no read-modify-write: nobody else can add or remove.
        if self.is_one() {
            return true;
        }
        let last = self.0.fetch_sub(1, Ordering::Release) == 1;
        if last {
            fence(Ordering::Acquire);
        }
        last
    }
}
