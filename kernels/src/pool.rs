//! Blocks of memory kept for the next array of the same size.
//!
//! What the allocator gives back to the system it must ask for again, page by page: for an array that does not fit the
//! allocator's own caches that costs more than most kernels do. So each thread keeps what it frees, up to [`MAX_BYTES`];
//! beyond that it starts anew. Counts and live bytes are of arrays and know nothing of it.
//!
//! Small blocks are kept in lists by size, each block holding the address of the next: taking one and giving it back are a
//! few instructions, where the allocator's caches hold only the last few of a size.

#![expect(unsafe_code, reason = "raw blocks from and to the allocator")]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::cell::{Cell, RefCell};
use std::ptr;

/// Sizes of small blocks are multiples of this.
const STEP: usize = 16;
/// Lists of small blocks, the first for those of one step.
const LISTS: usize = 132;
/// Blocks of up to so many bytes are small.
const SMALL: usize = STEP * LISTS;
/// What a thread keeps of small blocks at most; the rest goes to the allocator.
const MAX_SMALL_BYTES: usize = 32 << 20;
/// What a thread keeps of larger ones at most.
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

/// Small blocks that nobody uses: by list the first, which holds the address of the second.
struct Lists {
    first: [Cell<*mut u8>; LISTS],
    bytes: Cell<usize>,
}

thread_local! {
    static LIST: Lists =
        const { Lists { first: [const { Cell::new(ptr::null_mut()) }; LISTS], bytes: Cell::new(0) } };
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

/// The layout that all blocks of a list have.
fn listed(list: usize) -> Layout {
    Layout::from_size_align((list + 1) * STEP, align_of::<*mut u8>()).expect("a small size")
}

/// The list of blocks of a layout, if they are small and not aligned to more than an address is.
#[inline(always)]
fn list(layout: Layout) -> Option<usize> {
    let small = layout.size() <= SMALL && layout.align() <= align_of::<*mut u8>();
    small.then(|| (layout.size() - 1) / STEP)
}

impl Lists {
    #[inline]
    fn take(&self, list: usize) -> Option<*mut u8> {
        let base = self.first[list].get();
        if base.is_null() {
            return None;
        }
        // SAFETY: a block that is kept holds the address of the next.
        self.first[list].set(unsafe { base.cast::<*mut u8>().read() });
        self.bytes.set(self.bytes.get() - (list + 1) * STEP);
        Some(base)
    }

    /// Whether the block was kept.
    #[inline]
    fn keep(&self, base: *mut u8, list: usize) -> bool {
        let bytes = self.bytes.get() + (list + 1) * STEP;
        if bytes > MAX_SMALL_BYTES {
            return false;
        }
        // SAFETY: the block has room for an address and is aligned for one, and nobody uses it.
        unsafe { base.cast::<*mut u8>().write(self.first[list].get()) };
        self.first[list].set(base);
        self.bytes.set(bytes);
        true
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        for list in 0..LISTS {
            while let Some(base) = self.take(list) {
                // SAFETY: the block came from the allocator with this layout, and only this owns it.
                unsafe { dealloc(base, listed(list)) };
            }
        }
    }
}

/// A block, all of whose bytes are zero if asked; null if there is no memory.
///
/// # Safety
/// The layout has a size above zero.
#[inline]
pub(crate) unsafe fn allocate(layout: Layout, zeroed: bool) -> *mut u8 {
    let Some(list) = list(layout) else {
        // SAFETY: as the caller says.
        return unsafe { allocate_large(layout, zeroed) };
    };
    let base = match LIST.try_with(|lists| lists.take(list)) {
        Ok(Some(base)) => base,
        // SAFETY: the size is above zero.
        _ => unsafe { allocate_small(list) },
    };
    if zeroed && !base.is_null() {
        // SAFETY: the block has this many bytes.
        unsafe { base.write_bytes(0, layout.size()) };
    }
    base
}

/// # Safety
/// There is such a list.
#[cold]
unsafe fn allocate_small(list: usize) -> *mut u8 {
    // SAFETY: the size is above zero.
    unsafe { alloc(listed(list)) }
}

/// # Safety
/// As for [`allocate`].
#[inline(never)]
unsafe fn allocate_large(layout: Layout, zeroed: bool) -> *mut u8 {
    if let Ok(Some(base)) = POOL.try_with(|pool| pool.borrow_mut().take(layout)) {
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
#[inline]
pub(crate) unsafe fn free(base: *mut u8, layout: Layout) {
    // A thread that is ending has no pool any more.
    match list(layout) {
        Some(list) if LIST.try_with(|lists| lists.keep(base, list)).unwrap_or(false) => {}
        // SAFETY: as the caller says; blocks of a list have its layout.
        Some(list) => unsafe { dealloc(base, listed(list)) },
        // SAFETY: as the caller says.
        None => unsafe { free_large(base, layout) },
    }
}

/// # Safety
/// As for [`free`].
#[inline(never)]
unsafe fn free_large(base: *mut u8, layout: Layout) {
    if !POOL.try_with(|pool| pool.borrow_mut().keep(base, layout)).unwrap_or(false) {
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
    fn small_blocks_of_one_list_are_used_again() {
        let small = |size| Layout::from_size_align(size, 8).expect("a layout");
        // SAFETY: the blocks are used as allocated.
        unsafe {
            let blocks: Vec<*mut u8> = (0..100).map(|_| allocate(small(81), false)).collect();
            blocks.iter().for_each(|&base| base.write_bytes(7, 96));
            blocks.iter().for_each(|&base| free(base, small(81)));
            let again: Vec<*mut u8> = (0..100).map(|_| allocate(small(96), true)).collect();
            assert!(again.iter().rev().eq(&blocks));
            assert!(again.iter().all(|base| (0..96).all(|i| base.add(i).read() == 0)));
            let other = allocate(small(97), false);
            assert!(!blocks.contains(&other));
            again.into_iter().for_each(|base| free(base, small(96)));
            free(other, small(97));
        }
    }

    #[test]
    fn small_blocks_that_are_kept_are_bounded() {
        let layout = Layout::from_size_align(2064, 8).expect("a layout");
        // SAFETY: the blocks are used as allocated.
        unsafe {
            let many: Vec<*mut u8> = (0..MAX_SMALL_BYTES / 2064 + 100).map(|_| allocate(layout, false)).collect();
            many.into_iter().for_each(|base| free(base, layout));
        }
        let held = LIST.with(|lists| lists.bytes.get());
        assert!(held <= MAX_SMALL_BYTES && held > MAX_SMALL_BYTES / 2, "{held}");
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
