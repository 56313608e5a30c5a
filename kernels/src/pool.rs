//! Blocks of memory kept for the next array of the same size.
//!
//! What the allocator gives back to the system it must ask for again, page by page: for an array that does not fit the
//! allocator's own caches that costs more than most kernels do. So each thread keeps what it frees, up to [`MAX_BYTES`];
//! beyond that it starts anew. Counts and live bytes are of arrays and know nothing of it.

#![expect(unsafe_code, reason = "raw blocks from and to the allocator")]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::cell::RefCell;

/// Smaller blocks are left to the allocator, which has caches of its own for them.
const FROM_BYTES: usize = 2048;
/// What a thread keeps at most.
const MAX_BYTES: usize = 128 << 20;
/// Sizes are spread over so many shelves.
const SHELVES: usize = 64;

/// Blocks of one layout that nobody uses.
struct Blocks {
    layout: Layout,
    bases: Vec<*mut u8>,
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for &base in &self.bases {
            // SAFETY: the block came from the allocator with this layout, and only this owns it.
            unsafe { dealloc(base, self.layout) };
        }
    }
}

struct Pool {
    shelves: [Vec<Blocks>; SHELVES],
    bytes: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { shelves: [const { Vec::new() }; SHELVES], bytes: 0 }) };
}

impl Pool {
    fn shelf(&mut self, layout: Layout) -> &mut Vec<Blocks> {
        &mut self.shelves[(layout.size() / 64).wrapping_mul(0x9e37_79b9) >> 7 & (SHELVES - 1)]
    }

    fn take(&mut self, layout: Layout) -> Option<*mut u8> {
        let base = self.shelf(layout).iter_mut().find(|blocks| blocks.layout == layout)?.bases.pop()?;
        self.bytes -= layout.size();
        Some(base)
    }

    /// Whether the block was kept.
    fn keep(&mut self, base: *mut u8, layout: Layout) -> bool {
        if layout.size() > MAX_BYTES / 4 {
            return false;
        }
        if self.bytes + layout.size() > MAX_BYTES {
            self.shelves.iter_mut().for_each(Vec::clear);
            self.bytes = 0;
        }
        self.bytes += layout.size();
        let shelf = self.shelf(layout);
        match shelf.iter_mut().find(|blocks| blocks.layout == layout) {
            Some(blocks) => blocks.bases.push(base),
            None => shelf.push(Blocks { layout, bases: vec![base] }),
        }
        true
    }
}

/// A block, all of whose bytes are zero if asked; null if there is no memory.
///
/// # Safety
/// The layout has a size above zero.
pub(crate) unsafe fn allocate(layout: Layout, zeroed: bool) -> *mut u8 {
    if layout.size() >= FROM_BYTES
        && let Ok(Some(base)) = POOL.try_with(|pool| pool.borrow_mut().take(layout))
    {
        if zeroed {
            // SAFETY: the block has this many bytes.
            unsafe { base.write_bytes(0, layout.size()) };
        }
        return base;
    }
    // SAFETY: as the caller says.
    unsafe { if zeroed { alloc_zeroed(layout) } else { alloc(layout) } }
}

/// Gives a block back.
///
/// # Safety
/// It came from [`allocate`] with this layout, and nobody uses it any more.
pub(crate) unsafe fn free(base: *mut u8, layout: Layout) {
    // A thread that is ending has no pool any more.
    if layout.size() < FROM_BYTES || !POOL.try_with(|pool| pool.borrow_mut().keep(base, layout)).unwrap_or(false) {
        // SAFETY: as the caller says.
        unsafe { dealloc(base, layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 64).expect("a layout")
    }

    #[test]
    fn a_block_is_used_again_and_zeroed_when_asked() {
        // SAFETY: the blocks are used as allocated.
        unsafe {
            let first = allocate(layout(4096), false);
            first.write_bytes(7, 4096);
            free(first, layout(4096));
            let second = allocate(layout(4096), true);
            assert_eq!(first, second);
            assert!((0..4096).all(|i| second.add(i).read() == 0));
            free(second, layout(4096));
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let held = || POOL.with(|pool| pool.borrow().bytes);
        // SAFETY: the blocks are used as allocated.
        unsafe {
            let many: Vec<*mut u8> = (0..200).map(|_| allocate(layout(1 << 20), false)).collect();
            many.into_iter().for_each(|block| free(block, layout(1 << 20)));
            assert!(held() <= MAX_BYTES && held() >= 64 << 20, "{}", held());
            for size in 0..64 {
                let size = (8 << 20) + 64 * size;
                free(allocate(layout(size), false), layout(size));
                assert!(held() <= MAX_BYTES);
            }
            let huge = allocate(layout(MAX_BYTES), false);
            let before = held();
            free(huge, layout(MAX_BYTES));
            assert_eq!(held(), before);
        }
    }
}
