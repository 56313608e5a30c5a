//! The array: a row-major contiguous block of elements of any rank, shared and copied on write.
//!
//! Cloning is a reference count; [`Array::make_mut`] copies only when the elements are shared. Strided access goes through
//! [`ndarray`] views ([`Array::view`]). A scalar operand stays unboxed as [`Arg::Scalar`].

use std::fmt;
use std::mem::MaybeUninit;

use ndarray::{ArrayViewD, IxDyn};

use crate::buffer::{Buffer, MAX_AXES};
use crate::counts;
use crate::shape::{Axes, count, same};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f64 {}
    impl Sealed for i64 {}
    impl Sealed for bool {}
}

/// An element type. All-zero bytes are `Self::default()`.
pub trait Element: sealed::Sealed + Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Whether it is a float.
    const IS_FLOAT: bool = false;
}
impl Element for f64 {
    const IS_FLOAT: bool = true;
}
impl Element for i64 {}
impl Element for bool {}

/// A row-major contiguous array of any rank, shared and copy-on-write. Its shape lies with its elements, unless it shares
/// them with an array of another shape.
#[derive(Clone)]
pub struct Array<T> {
    data: Buffer<T>,
    own_shape: Option<Box<Axes>>,
}

/// The elements of an array: one pointer, for who keeps many and knows the shapes.
#[derive(Clone)]
pub struct Elements<T>(Buffer<T>);

/// The length of each axis, without elements.
#[derive(Clone, Debug)]
pub struct Extents {
    shape: Box<[usize]>,
    len: usize,
}

impl<T: Element> Elements<T> {
    /// The elements in row-major order.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        self.0.as_slice()
    }

    /// Whether nobody else shares them.
    #[inline]
    pub fn is_unique(&self) -> bool {
        self.0.is_unique()
    }

    /// Zeros for a shape of so many elements.
    #[inline]
    pub(crate) fn zeroed(shape: &[usize], len: usize) -> Self {
        Self(Buffer::zeroed(shape, len))
    }

    /// Elements that are not written yet, for a shape of so many.
    ///
    /// # Safety
    /// Every element must be written before one is read.
    #[expect(unsafe_code, reason = "results are written once, not zeroed first")]
    #[inline]
    pub(crate) unsafe fn unwritten(shape: &[usize], len: usize) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { Buffer::with(shape, len, |_| {}) })
    }

    /// The elements, writable.
    ///
    /// # Panics
    /// If somebody else shares them.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        self.0.get_mut().expect("elements that are written are not shared")
    }

    /// The first one, for writing while nobody else shares them.
    #[inline]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        debug_assert!(self.0.is_unique(), "elements that are written are not shared");
        self.0.as_mut_ptr()
    }
}

impl<T: Element> fmt::Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

/// An elementwise operand: a scalar broadcasts to any shape and is never boxed.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a, T: Element> {
    /// One value.
    Scalar(T),
    /// An array, broadcast by NumPy's rule.
    Array(&'a Array<T>),
}

impl<'a, T: Element> Arg<'a, T> {
    /// The operand's shape; a scalar's is empty.
    pub fn shape(&self) -> &'a [usize] {
        match self {
            Self::Scalar(_) => &[],
            Self::Array(array) => array.shape(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Scalar(_) => 0,
            Self::Array(array) => array.len(),
        }
    }
}

impl<T: Element> From<T> for Arg<'_, T> {
    fn from(value: T) -> Self {
        Self::Scalar(value)
    }
}

impl<'a, T: Element> From<&'a Array<T>> for Arg<'a, T> {
    fn from(array: &'a Array<T>) -> Self {
        Self::Array(array)
    }
}

impl<T: Element> Array<T> {
    /// The elements of `data` in row-major order.
    ///
    /// # Panics
    /// If `shape` does not have as many elements as `data`.
    pub fn from_vec(shape: &[usize], data: Vec<T>) -> Self {
        Self::from_slice(shape, &data)
    }

    /// As [`Array::from_vec`], from a borrowed slice.
    pub fn from_slice(shape: &[usize], data: &[T]) -> Self {
        assert_eq!(count(shape), data.len(), "shape {shape:?} does not fit {} elements", data.len());
        Self::born(shape, Buffer::from_slice(shape, data))
    }

    /// A rank-0 array.
    pub fn scalar(value: T) -> Self {
        Self::from_slice(&[], &[value])
    }

    /// `shape` filled with `value`.
    pub fn full(shape: &[usize], value: T) -> Self {
        Self::born(shape, Buffer::filled(shape, count(shape), value))
    }

    /// `shape` filled with `T::default()`: zero or false.
    pub fn zeros(shape: &[usize]) -> Self {
        Self::zeros_of(shape, count(shape))
    }

    /// `shape` with elements written by `fill`.
    ///
    /// # Safety
    /// `fill` must initialise every element of its argument.
    #[expect(unsafe_code, reason = "results are written once, not zeroed first")]
    #[inline]
    pub(crate) unsafe fn build(shape: &[usize], fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::build_of(shape, count(shape), fill) }
    }

    /// As [`Array::build`], for a shape that is known to be of so many elements.
    ///
    /// # Safety
    /// As there.
    #[expect(unsafe_code, reason = "results are written once, not zeroed first")]
    #[inline]
    pub(crate) unsafe fn build_of(shape: &[usize], len: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Self {
        // SAFETY: the caller's promise.
        Self::born(shape, unsafe { Buffer::with(shape, len, fill) })
    }

    /// `shape` with elements that are not written yet.
    ///
    /// # Safety
    /// Every element must be written before one is read.
    #[expect(unsafe_code, reason = "results are written once, not zeroed first")]
    #[inline]
    pub(crate) unsafe fn unwritten(shape: &[usize]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::build(shape, |_| {}) }
    }

    /// Zeros, for a shape that is known to be of so many elements.
    #[inline]
    pub(crate) fn zeros_of(shape: &[usize], len: usize) -> Self {
        Self::born(shape, Buffer::zeroed(shape, len))
    }

    /// Of a buffer that was made for this shape.
    #[inline]
    fn born(shape: &[usize], data: Buffer<T>) -> Self {
        Self { data, own_shape: if shape.len() > MAX_AXES { boxed(shape) } else { None } }
    }

    /// Elements under a shape that is known to be of as many.
    #[inline]
    pub(crate) fn shaped(shape: &[usize], mut elements: Elements<T>) -> Self {
        let data = &mut elements.0;
        let own_shape = if same(data.axes(), shape) || data.set_axes(shape) { None } else { boxed(shape) };
        Self { data: elements.0, own_shape }
    }

    /// The elements of an iterator, in row-major order; what it leaves out stays zero.
    pub(crate) fn collect(shape: &[usize], values: impl Iterator<Item = T>) -> Self {
        let mut array = Self::zeros(shape);
        array.make_mut().iter_mut().zip(values).for_each(|(to, value)| *to = value);
        array
    }

    /// The elements, shared.
    #[inline]
    pub fn elements(&self) -> Elements<T> {
        Elements(self.data.clone())
    }

    /// The elements alone.
    #[inline]
    pub fn into_elements(self) -> Elements<T> {
        Elements(self.data)
    }

    /// The length of each axis, kept for [`Array::of_extents`].
    #[inline]
    pub fn extents(&self) -> Extents {
        Extents { shape: self.shape().into(), len: self.len() }
    }

    /// Whether these are the lengths of the axes.
    #[inline]
    pub fn has_extents(&self, extents: &Extents) -> bool {
        same(self.shape(), &extents.shape)
    }

    /// An array of these elements.
    ///
    /// # Panics
    /// If there are not as many as the axes are long.
    #[inline]
    pub fn of_extents(extents: &Extents, elements: Elements<T>) -> Self {
        assert_eq!(extents.len, elements.0.len(), "{extents:?} do not fit the elements");
        Self::shaped(&extents.shape, elements)
    }

    /// An array of these elements, shared.
    ///
    /// # Panics
    /// If there are not as many as `shape` has.
    #[inline]
    pub fn of_elements(shape: &[usize], elements: Elements<T>) -> Self {
        assert_eq!(count(shape), elements.0.len(), "shape {shape:?} does not fit the elements");
        Self::shaped(shape, elements)
    }

    /// The length of each axis.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        match &self.own_shape {
            None => self.data.axes(),
            Some(shape) => shape,
        }
    }

    /// Whether this is its shape.
    #[inline]
    pub fn has_shape(&self, shape: &[usize]) -> bool {
        same(self.shape(), shape)
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of axes.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// The size of the elements in bytes.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.len() * size_of::<T>()
    }

    /// The elements in row-major order.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        self.data.as_slice()
    }

    /// The only element of an array that has one.
    ///
    /// # Panics
    /// If there are none or several.
    #[inline]
    pub fn item(&self) -> T {
        assert_eq!(self.len(), 1, "an array of shape {:?} is not one element", self.shape());
        self.as_slice()[0]
    }

    /// A strided view for `ndarray`.
    pub fn view(&self) -> ArrayViewD<'_, T> {
        ArrayViewD::from_shape(IxDyn(self.shape()), self.as_slice()).expect("row-major and contiguous")
    }

    /// The elements, writable. Copies them first if another array shares them; the copy is counted.
    #[inline]
    pub fn make_mut(&mut self) -> &mut [T] {
        if !self.data.is_unique() {
            counts::copied(self.bytes());
            *self = Self::from_slice(self.shape(), self.as_slice());
        }
        self.data.get_mut().expect("unique by now")
    }

    /// Whether no other array shares the elements.
    #[inline]
    pub fn is_unique(&self) -> bool {
        self.data.is_unique()
    }

    /// Whether both share their elements.
    #[inline]
    pub fn same_buffer(&self, other: &Self) -> bool {
        self.data.same(&other.data)
    }

    /// The same elements under another shape, sharing them; O(1).
    ///
    /// # Panics
    /// If the number of elements differs.
    pub fn reshape(&self, shape: &[usize]) -> Self {
        self.clone().into_shape(shape)
    }

    /// As [`Array::reshape`], without a look at who else shares the elements.
    ///
    /// # Panics
    /// If the number of elements differs.
    #[inline]
    pub fn into_shape(self, shape: &[usize]) -> Self {
        assert_eq!(count(shape), self.len(), "shape {:?} cannot be reshaped to {shape:?}", self.shape());
        Self::shaped(shape, self.into_elements())
    }
}

/// A shape that does not lie with the elements.
#[cold]
fn boxed(shape: &[usize]) -> Option<Box<Axes>> {
    Some(Box::new(Axes::from_slice(shape)))
}

impl<T: Element> PartialEq for Array<T> {
    fn eq(&self, other: &Self) -> bool {
        self.shape() == other.shape() && self.as_slice() == other.as_slice()
    }
}

impl<T: Element> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_small() {
        assert_eq!(size_of::<Array<f64>>(), 16);
    }

    #[test]
    fn every_array_of_shared_elements_has_its_shape() {
        for n in [12, 1200] {
            let axes = [n, 1, 1, 1, 1, 1, 1, 1];
            for (made, other) in (0..=8).flat_map(|a| (1..=8).map(move |b| (a, b))).filter(|(a, _)| *a > 0) {
                let (made, other) = (&axes[..made], &axes[..other]);
                let a = Array::full(made, 1.0);
                let b = a.reshape(other);
                assert_eq!((a.shape(), b.shape(), a.same_buffer(&b)), (made, other, true));
                drop(a);
                let c = b.clone().into_shape(made);
                assert_eq!((b.shape(), c.shape()), (other, made));
                drop(c);
                let mut d = b.into_shape(made);
                d.make_mut()[0] = 2.0;
                assert_eq!((d.shape(), d.as_slice()[0], d.as_slice()[n - 1]), (made, 2.0, 1.0));
                let e = Array::of_elements(other, d.elements());
                assert_eq!((d.shape(), e.shape(), e.len()), (made, other, n));
                let mut f = e.clone();
                f.make_mut();
                assert_eq!((f.shape(), f.same_buffer(&e)), (other, false));
            }
        }
    }

    #[test]
    fn writing_copies_only_what_is_shared() {
        let mut a = Array::from_vec(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]);
        let before = a.as_slice().as_ptr();
        a.make_mut()[0] = 9.0;
        assert_eq!(a.as_slice().as_ptr(), before);
        let b = a.reshape(&[4]);
        assert!(a.same_buffer(&b) && !a.is_unique());
        a.make_mut()[0] = 7.0;
        assert_eq!((a.as_slice()[0], b.as_slice()[0]), (7.0, 9.0));
        assert!(a.is_unique() && b.is_unique());
    }

    #[test]
    fn sizes_around_the_alignment_threshold_and_zero() {
        for n in [0, 1, 255, 256, 257, 5000] {
            let a = Array::collect(&[n], (0..n).map(|i| i as i64));
            assert!(a.as_slice().iter().enumerate().all(|(i, &x)| x == i as i64));
            assert_eq!(a.len(), n);
        }
        assert_eq!(Array::<f64>::zeros(&[3, 0, 2]).shape(), [3, 0, 2]);
        assert_eq!(Array::full(&[1, 1, 1, 1, 2], true).ndim(), 5);
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn lengths_must_agree() {
        Array::from_vec(&[2], vec![1.0]);
    }

    #[test]
    fn buffers_cross_threads() {
        let a = Array::from_vec(&[3], vec![1.0, 2.0, 3.0]);
        let handles: Vec<_> = (0..4)
            .map(|_| {
                let a = a.clone();
                std::thread::spawn(move || a.as_slice().iter().sum::<f64>())
            })
            .collect();
        for handle in handles {
            assert_eq!(handle.join().unwrap(), 6.0);
        }
        assert!(a.is_unique());
    }
}
