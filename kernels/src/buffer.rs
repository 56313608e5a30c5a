//! Reference-counted storage: one allocation holding a small header and the elements.
//!
//! `Buffer<T>` is one pointer to the first element; the header lies directly before it, and before that the lengths of up
//! to [`MAX_AXES`] axes: what holds an array is two words, and moving one moves no shape. Elements start on a cache line
//! once there are at least [`ALIGNED_FROM`] bytes of them, so that full-width vector loads never straddle two lines.
//! This module holds all the unsafe code that storage needs. What must hold: `refs` counts the `Buffer`s that point here;
//! a `&mut [T]` is handed out, and the lengths of axes are changed, only while it is one; every element and every length
//! is initialised before a `Buffer` leaves its constructor.
#![expect(unsafe_code, reason = "a thin shared buffer that can be created without being written twice")]

use std::alloc::{Layout, handle_alloc_error};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use crate::array::Element;
use crate::refs::Refs;
use crate::{counts, pool};

/// Payloads of at least this many bytes start on a 64-byte line; smaller ones take the allocator's cheaper path.
const ALIGNED_FROM: usize = 2048;
const LINE: usize = 64;
/// Lengths of so many axes lie before the header at most.
pub(crate) const MAX_AXES: usize = 6;
/// Zeros of at least this many bytes are asked of the allocator, whose fresh pages are zero; below, its path for zeroed memory is
/// slower than writing (glibc's `calloc` bypasses the thread's cache).
const ZEROED_FROM: usize = 1 << 17;

#[repr(C)]
struct Header {
    refs: Refs,
    form: Form,
}

/// In one word: the number of elements (from bit 6 on), half the axes there is room for (2 bits), the number of axes
/// (3 bits), and whether the allocation was counted.
#[derive(Clone, Copy)]
struct Form(usize);

impl Form {
    /// Of a new buffer; `rank` is at most [`MAX_AXES`].
    #[inline]
    fn new(len: usize, rank: usize, counted: bool) -> Self {
        assert!(len <= usize::MAX >> 6, "array too large");
        Form(len << 6 | rank.div_ceil(2).max(1) << 4 | rank << 1 | usize::from(counted))
    }

    #[inline]
    fn len(self) -> usize {
        self.0 >> 6
    }

    /// How many axes there is room for.
    #[inline]
    fn room(self) -> usize {
        (self.0 >> 4 & 3) * 2
    }

    #[inline]
    fn rank(self) -> usize {
        self.0 >> 1 & 7
    }

    #[inline]
    fn of_rank(self, rank: usize) -> Self {
        Form(self.0 & !(7 << 1) | rank << 1)
    }

    fn counted(self) -> bool {
        self.0 & 1 == 1
    }

    /// The layout of the allocation, and the offset of the first element.
    #[inline]
    fn layout<T>(self) -> (Layout, usize) {
        let bytes = self.len().checked_mul(size_of::<T>()).expect("array too large");
        let (align, offset) = if bytes >= ALIGNED_FROM {
            (LINE, LINE)
        } else {
            (align_of::<Header>(), size_of::<Header>() + self.room() * size_of::<usize>())
        };
        let total = bytes.checked_add(offset).expect("array too large");
        (Layout::from_size_align(total, align).expect("array too large"), offset)
    }
}

const _: () = assert!(size_of::<Header>() + MAX_AXES * size_of::<usize>() <= LINE);

/// The memory in which an array lies: arrays of equal blocks can lie in the same one, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block(Layout);

impl Block {
    /// That of a new array.
    pub fn of<T: Element>(shape: &[usize]) -> Self {
        let rank = if shape.len() > MAX_AXES { 0 } else { shape.len() };
        let form = Form::new(shape.iter().product(), rank, false);
        Self(pool::class(form.layout::<T>().0))
    }

    /// Its size in bytes, which is more than that of the elements.
    pub fn size(self) -> usize {
        self.0.size()
    }

    /// Sees to it that this thread keeps so many for arrays to come, as far as it keeps any that large.
    pub fn reserve(self, count: usize) {
        pool::reserve(self.0, count);
    }
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

impl<T: Element> Buffer<T> {
    /// A buffer whose elements are uninitialised, or all-zero bytes, with the lengths of its axes if there is room for them.
    #[inline]
    fn allocate(shape: &[usize], len: usize, zeroed: bool) -> Self {
        const { assert!(align_of::<T>() <= align_of::<Header>()) };
        let shape = if shape.len() > MAX_AXES { &[] } else { shape };
        let counted = counts::allocated(len * size_of::<T>());
        let form = Form::new(len, shape.len(), counted);
        let (layout, offset) = form.layout::<T>();
        // SAFETY: the layout has the size of a header at least; axes, header and data lie inside the allocation by `layout`.
        unsafe {
            let base = pool::allocate(layout, zeroed);
            if base.is_null() {
                handle_alloc_error(layout);
            }
            let data = base.add(offset).cast::<T>();
            data.cast::<Header>().sub(1).write(Header { refs: Refs::one(), form });
            let mut buffer = Self { data: NonNull::new_unchecked(data), owns: PhantomData };
            buffer.write_axes(shape);
            buffer
        }
    }

    /// `len` elements of all-zero bytes, which is `T::default()` for every element type.
    pub(crate) fn zeroed(shape: &[usize], len: usize) -> Self {
        if len * size_of::<T>() < ZEROED_FROM {
            Self::filled(shape, len, T::default())
        } else {
            Self::allocate(shape, len, true)
        }
    }

    /// `len` elements written by `fill`.
    ///
    /// # Safety
    /// `fill` must initialise every element of its argument.
    pub(crate) unsafe fn with(shape: &[usize], len: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Self {
        let buffer = Self::allocate(shape, len, false);
        // SAFETY: the buffer is unique and holds `len` elements.
        fill(unsafe { std::slice::from_raw_parts_mut(buffer.data.as_ptr().cast(), len) });
        buffer
    }

    /// A copy of `source`.
    pub(crate) fn from_slice(shape: &[usize], source: &[T]) -> Self {
        let buffer = Self::allocate(shape, source.len(), false);
        // SAFETY: the new buffer holds as many elements and cannot overlap.
        unsafe { source.as_ptr().copy_to_nonoverlapping(buffer.data.as_ptr(), source.len()) };
        buffer
    }

    /// `len` copies of `value`.
    pub(crate) fn filled(shape: &[usize], len: usize, value: T) -> Self {
        let buffer = Self::allocate(shape, len, false);
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
        self.header().form.len()
    }

    /// The lengths of axes that lie here: none if there was no room.
    #[inline]
    pub(crate) fn axes(&self) -> &[usize] {
        let rank = self.header().form.rank();
        // SAFETY: so many initialised lengths lie before the header.
        unsafe {
            std::slice::from_raw_parts(self.data.cast::<Header>().sub(1).cast::<usize>().sub(rank).as_ptr(), rank)
        }
    }

    /// Changes the lengths of axes, if there is room and no other `Buffer` has them; says whether it did.
    #[inline]
    pub(crate) fn set_axes(&mut self, shape: &[usize]) -> bool {
        let form = self.header().form;
        let fits = shape.len() <= form.room() && self.is_unique();
        if fits {
            // SAFETY: sole owner, and `&mut self` keeps it so; there is room for the lengths.
            unsafe {
                (*self.data.cast::<Header>().sub(1).as_ptr()).form = form.of_rank(shape.len());
                self.write_axes(shape);
            }
        }
        fits
    }

    /// # Safety
    /// Sole owner; the header says that there are so many axes.
    #[inline]
    unsafe fn write_axes(&mut self, shape: &[usize]) {
        // SAFETY: there is room for as many lengths before the header, and nobody else reads them.
        let to = unsafe { self.data.cast::<Header>().sub(1).cast::<usize>().sub(shape.len()).as_ptr() };
        // Not by a copy of any length, which calls a function for what is one or two numbers.
        // SAFETY: as above.
        unsafe {
            match *shape {
                [] => {}
                [n] => to.write(n),
                [m, n] => to.cast::<[usize; 2]>().write([m, n]),
                _ => to.copy_from_nonoverlapping(shape.as_ptr(), shape.len()),
            }
        }
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
        self.header().refs.is_one()
    }

    #[inline]
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl<T> Clone for Buffer<T> {
    #[inline]
    fn clone(&self) -> Self {
        self.header().refs.add();
        Self { data: self.data, owns: PhantomData }
    }
}

impl<T> Drop for Buffer<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.header().refs.remove() {
            return;
        }
        let form = self.header().form;
        if form.counted() {
            counts::freed(form.len() * size_of::<T>());
        }
        let (layout, offset) = form.layout::<T>();
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
