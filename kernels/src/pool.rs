//! Blocks of memory kept for the next array of the same size.
//!
//! What the allocator gives back to the system it must ask for again, page by page: for an array that does not fit the
//! allocator's own caches that costs more than most kernels do. So each thread keeps what it frees, up to [`MAX_BYTES`];
//! beyond that it starts anew. Counts and live bytes are of arrays and know nothing of it.
//!
//! Small blocks are kept in lists by size, each block holding the address of the next: taking one and giving it back are a
//! few instructions, where the allocator's caches hold only the last few of a size.
//!
//! Who knows beforehand what will be needed has it kept before it is ([`reserve`]). While other threads work for this one
//! ([`mod@crate::together`]), the larger blocks that it keeps are theirs too ([`Lent`]): otherwise what they make and it
//! frees would wander from their pools to its own, and they would ask the allocator for ever more.

#![expect(unsafe_code, reason = "raw blocks from and to the allocator")]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard};

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
    /// Whose blocks are used instead.
    lender: Option<Arc<Mutex<Pool>>>,
}

// SAFETY: it alone owns its blocks, which any thread may use and free.
unsafe impl Send for Pool {}

/// Small blocks that nobody uses: by list the first, which holds the address of the second.
struct Lists {
    first: [Cell<*mut u8>; LISTS],
    bytes: Cell<usize>,
}

thread_local! {
    static LIST: Lists =
        const { Lists { first: [const { Cell::new(ptr::null_mut()) }; LISTS], bytes: Cell::new(0) } };
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::EMPTY) };
    static FRESH: Cell<u64> = const { Cell::new(0) };
}

/// How many blocks this thread has asked the allocator for, those that it reserved included.
pub fn fresh_blocks() -> u64 {
    FRESH.get()
}

impl Pool {
    const EMPTY: Self = Self { shelves: [const { Vec::new() }; SHELVES], bytes: 0, lender: None };

    fn shelf(&mut self, layout: Layout) -> &mut Vec<Blocks> {
        &mut self.shelves[(layout.size() / 64).wrapping_mul(0x9e37_79b9) >> 7 & (SHELVES - 1)]
    }

    fn take(&mut self, layout: Layout) -> Option<*mut u8> {
        if let Some(lender) = &self.lender {
            return locked(lender).take(layout);
        }
        let base = self.shelf(layout).iter_mut().find(|blocks| blocks.layout == layout)?.bases.pop()?;
        self.bytes -= layout.size();
        Some(base)
    }

    /// Whether the block was kept.
    fn keep(&mut self, base: *mut u8, layout: Layout) -> bool {
        if layout.size() > MAX_BYTES / 4 {
            return false;
        }
        if let Some(lender) = &self.lender {
            return locked(lender).keep(base, layout);
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

    /// How many blocks of a layout are kept.
    fn kept(&mut self, layout: Layout) -> usize {
        self.shelf(layout).iter().find(|blocks| blocks.layout == layout).map_or(0, |blocks| blocks.bases.len())
    }

    /// Whether one more block may be kept.
    fn has_room(&self, layout: Layout) -> bool {
        layout.size() <= MAX_BYTES / 4 && self.bytes + layout.size() <= MAX_BYTES
    }
}

fn locked(lender: &Mutex<Pool>) -> MutexGuard<'_, Pool> {
    lender.lock().expect("no panic while holding the blocks")
}

/// The larger blocks that a thread keeps, for those to use that work for it; given back in the end.
pub(crate) struct Lent(Arc<Mutex<Pool>>);

impl Lent {
    /// Lends the blocks of this thread, which keeps none in the meantime.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(POOL.replace(Pool::EMPTY))))
    }

    /// Lets this thread use what is lent as its own.
    pub(crate) fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        let before = POOL.with_borrow_mut(|pool| pool.lender.replace(self.0.clone()));
        let result = work();
        POOL.with_borrow_mut(|pool| pool.lender = before);
        result
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // A lock that is poisoned is of a thread that panicked; then nobody needs the blocks any more.
        if let Ok(mut lent) = self.0.lock() {
            POOL.set(std::mem::replace(&mut *lent, Pool::EMPTY));
        }
    }
}

/// The layout that the blocks have in which one of a layout may lie.
pub(crate) fn class(layout: Layout) -> Layout {
    list(layout).map_or(layout, listed)
}

/// Sees to it that so many blocks of a layout are kept, as far as there is room for them.
pub(crate) fn reserve(layout: Layout, count: usize) {
    let kept = match list(layout) {
        Some(list) => LIST.with(|lists| lists.kept(list, count)),
        None => POOL.with_borrow_mut(|pool| pool.kept(layout)),
    };
    for _ in kept..count {
        let has_room = match list(layout) {
            Some(_) => LIST.with(|lists| lists.bytes.get() + layout.size() <= MAX_SMALL_BYTES),
            None => POOL.with_borrow(|pool| pool.has_room(layout)),
        };
        if !has_room {
            return;
        }
        FRESH.set(FRESH.get() + 1);
        // SAFETY: no layout of a block has a size of zero.
        let base = unsafe { alloc(class(layout)) };
        if base.is_null() {
            return;
        }
        // SAFETY: it has just come from the allocator, with the layout of its class.
        unsafe { free(base, layout) };
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

    /// How many blocks a list has, counted up to a number.
    fn kept(&self, list: usize, most: usize) -> usize {
        let mut at = self.first[list].get();
        let mut count = 0;
        while !at.is_null() && count < most {
            count += 1;
            // SAFETY: a block that is kept holds the address of the next.
            at = unsafe { at.cast::<*mut u8>().read() };
        }
        count
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
    let _ = FRESH.try_with(|fresh| fresh.set(fresh.get() + 1));
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
    let _ = FRESH.try_with(|fresh| fresh.set(fresh.get() + 1));
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
    fn what_is_reserved_is_there_and_no_more() {
        let small = Layout::from_size_align(1000, 8).expect("a layout");
        for layout in [small, layout(40_000)] {
            reserve(layout, 3);
            let before = fresh_blocks();
            reserve(layout, 3);
            // SAFETY: the blocks are used as allocated.
            unsafe {
                let blocks: Vec<*mut u8> = (0..3).map(|_| allocate(layout, false)).collect();
                assert_eq!(fresh_blocks(), before);
                let other = allocate(layout, false);
                assert_eq!(fresh_blocks(), before + 1);
                blocks.into_iter().chain([other]).for_each(|base| free(base, layout));
            }
        }
        reserve(layout(MAX_BYTES), 1);
        reserve(layout(8 << 20), 100);
        assert!(POOL.with(|pool| pool.borrow().bytes) <= MAX_BYTES);
    }

    #[test]
    fn lent_blocks_are_used_by_others_and_come_back() {
        reserve(layout(50_000), 1);
        let lent = Lent::new();
        assert_eq!(POOL.with_borrow_mut(|pool| pool.kept(layout(50_000))), 0);
        let fresh = std::thread::scope(|s| {
            let work = || {
                // SAFETY: the block is used as allocated.
                lent.during(|| unsafe { free(allocate(layout(50_000), false), layout(50_000)) });
                fresh_blocks()
            };
            s.spawn(work).join().expect("no panic")
        });
        drop(lent);
        assert_eq!((fresh, POOL.with_borrow_mut(|pool| pool.kept(layout(50_000)))), (0, 1));
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
