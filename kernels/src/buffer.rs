//! Reference-counted storage: one allocation holding a small header and the elements.
//!
//! `Buffer<T>` is one pointer to the first element; the header lies directly before it. Elements start on a cache line
//! once there are at least [`ALIGNED_FROM`] bytes of them, so that full-width vector loads never straddle two lines.
//! This module holds all the unsafe code that storage needs. What must hold: `refs` counts the `Buffer`s that point here;
//! a `&mut [T]` is handed out only while it is one; every element is initialised before a `Buffer` leaves its constructor.
#![expect(unsafe_code, reason = "a thin shared buffer that can be created without being written twice")]

use std::alloc::{Layout, handle_alloc_error};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::array::Element;
use crate::{counts, pool};

/// Payloads of at least this many bytes start on a 64-byte line; smaller ones take the allocator's cheaper path.
const ALIGNED_FROM: usize = 2048;
const LINE: usize = 64;
/// Zeros of at least this many bytes are asked of the allocator, whose fresh pages are zero; below, its path for zeroed memory is
/// slower than writing (glibc's `calloc` bypasses the thread's cache).
const ZEROED_FROM: usize = 1 << 17;

#[repr(C)]
struct Header {
    refs: AtomicUsize,
    /// The number of elements times two, plus one if the allocation was counted.
    tagged_len: usize,
}

/// Shared storage of a fixed number of elements.
pub(crate) struct Buffer<T> {
    data: NonNull<T>,
    owns: PhantomData<T>,
}

// SAFETY: a `Buffer` shares its elements like an `Arc<[T]>` does.
unsafe impl<T: Send + Sync> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Buffer<T> {}

/// The layout of an allocation for `len` elements and the offset of the first one.
#[inline]
fn layout<T>(len: usize) -> (Layout, usize) {
    let bytes = len.checked_mul(size_of::<T>()).expect("array too large");
    let (align, offset) =
        if bytes >= ALIGNED_FROM { (LINE, LINE) } else { (align_of::<Header>(), size_of::<Header>()) };
    let total = bytes.checked_add(offset).expect("array too large");
    (Layout::from_size_align(total, align).expect("array too large"), offset)
}

impl<T: Element> Buffer<T> {
    /// A buffer whose elements are uninitialised, or all-zero bytes.
    #[inline]
    fn allocate(len: usize, zeroed: bool) -> Self {
        const { assert!(align_of::<T>() <= align_of::<Header>()) };
        let (layout, offset) = layout::<T>(len);
        let counted = counts::allocated(len * size_of::<T>());
        // SAFETY: the layout has the size of a header at least; header and data lie inside the allocation by `layout`.
        unsafe {
            let base = pool::allocate(layout, zeroed);
            if base.is_null() {
                handle_alloc_error(layout);
            }
            let data = base.add(offset).cast::<T>();
            let header = Header { refs: AtomicUsize::new(1), tagged_len: len << 1 | usize::from(counted) };
            data.cast::<Header>().sub(1).write(header);
            Self { data: NonNull::new_unchecked(data), owns: PhantomData }
        }
    }

    /// `len` elements of all-zero bytes, which is `T::default()` for every element type.
    pub(crate) fn zeroed(len: usize) -> Self {
        if len * size_of::<T>() < ZEROED_FROM { Self::filled(len, T::default()) } else { Self::allocate(len, true) }
    }

    /// `len` elements written by `fill`.
    ///
    /// # Safety
    /// `fill` must initialise every element of its argument.
    pub(crate) unsafe fn with(len: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Self {
        let buffer = Self::allocate(len, false);
        // SAFETY: the buffer is unique and holds `len` elements.
        fill(unsafe { std::slice::from_raw_parts_mut(buffer.data.as_ptr().cast(), len) });
        buffer
    }

    /// A copy of `source`.
    pub(crate) fn from_slice(source: &[T]) -> Self {
        let buffer = Self::allocate(source.len(), false);
        // SAFETY: the new buffer holds as many elements and cannot overlap.
        unsafe { source.as_ptr().copy_to_nonoverlapping(buffer.data.as_ptr(), source.len()) };
        buffer
    }

    /// `len` copies of `value`.
    pub(crate) fn filled(len: usize, value: T) -> Self {
        let buffer = Self::allocate(len, false);
        // SAFETY: the buffer is unique and holds `len` elements.
        unsafe { std::slice::from_raw_parts_mut(buffer.data.as_ptr().cast::<MaybeUninit<T>>(), len) }
            .fill(MaybeUninit::new(value));
        buffer
    }

    /// The elements, writable if no other `Buffer` shares them.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut [T]> {
        // SAFETY: sole owner, and `&mut self` keeps it so; the elements are initialised.
        self.is_unique().then(|| unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), self.len()) })
    }
}

impl<T> Buffer<T> {
    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: a header lies before the first element, see `allocate`.
        unsafe { self.data.cast::<Header>().sub(1).as_ref() }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.header().tagged_len >> 1
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: `len` initialised elements start at `data`.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.len()) }
    }

    #[inline]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.data.as_ptr()
    }

    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        self.header().refs.load(Ordering::Acquire) == 1
    }

    #[inline]
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl<T> Clone for Buffer<T> {
    #[inline]
    fn clone(&self) -> Self {
        let before = self.header().refs.fetch_add(1, Ordering::Relaxed);
        assert!(before < usize::MAX / 2, "too many references to one array");
        Self { data: self.data, owns: PhantomData }
    }
}

impl<T> Drop for Buffer<T> {
    #[inline]
    fn drop(&mut self) {
        // A sole owner needs no read-modify-write: nobody else can clone or drop.
        if !self.is_unique() {
            if self.header().refs.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            fence(Ordering::Acquire);
        }
        let tagged = self.header().tagged_len;
        let len = tagged >> 1;
        if tagged & 1 == 1 {
            counts::freed(len * size_of::<T>());
        }
        let (layout, offset) = layout::<T>(len);
        // SAFETY: this was the last reference; elements are `Copy`, so nothing else needs dropping.
        unsafe { pool::free(self.data.as_ptr().cast::<u8>().sub(offset), layout) };
    }
}

/// Initialised elements as a place to write to.
#[inline]
pub(crate) fn as_uninit<T: Copy>(slice: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: same layout; kernels only ever write initialised values through it.
    unsafe { &mut *(std::ptr::from_mut(slice) as *mut [MaybeUninit<T>]) }
}
