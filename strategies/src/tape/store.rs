//! The tape itself: entries by index, and what they keep from the forward for the backward pass.
//!
//! An entry is 16 bytes; beside it lie 4 bytes for each operand, 8 for each number kept and 16 for
//! each array kept, whose elements are shared: 56 bytes for a product of two arrays. The shapes are known to
//! the rule. Nothing is freed between runs but the arrays.

use adjudicate_ir::prims::Args;
use adjudicate_ir::types::Type;
use adjudicate_ir::value::{Mark, Value};
use adjudicate_kernels::fused::{Operand, Scalar};
use adjudicate_kernels::{Array, Elements};
use rustc_hash::FxHashSet;

/// The rule of an entry that passes its cotangent on as it is: an argument of a derivative.
pub(super) const ALIAS: u32 = u32::MAX;

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Index of its staged rule, or [`ALIAS`].
    pub(super) rule: u32,
    /// Where its operands begin in [`Store::links`].
    pub(super) links: u32,
    /// Where the numbers it keeps begin.
    pub(super) scalars: u32,
    /// Where the arrays it keeps begin.
    pub(super) arrays: u32,
}

/// A value kept that is not a float scalar: one word, so that it moves in registers.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Floats(Elements<f64>),
    Ints(Elements<i64>),
    Bools(Elements<bool>),
    Int(i64),
    /// 0 or 1.
    Bool(u64),
}

const _: () = assert!(size_of::<Kept>() == 16 && size_of::<Entry>() == 16);

impl Kept {
    #[inline]
    fn new(value: &Value) -> Kept {
        match value {
            Value::Array(a, _) => Kept::Floats(a.elements()),
            Value::Ints(a) => Kept::Ints(a.elements()),
            Value::Bools(a) => Kept::Bools(a.elements()),
            Value::I64(n) => Kept::Int(*n),
            Value::Bool(b) => Kept::Bool(u64::from(*b)),
            other @ (Value::F64(..) | Value::Tuple(_) | Value::Closure(..) | Value::Stack(_) | Value::Env(_)) => {
                panic!("an array or an integer was expected, not {other:?}")
            }
        }
    }

    /// The value again, which is of this type.
    #[inline]
    pub(super) fn value(self, ty: &Type, mark: Mark) -> Value {
        match self {
            Kept::Floats(elements) => Value::Array(Array::of_elements(ty.shape(), elements), mark),
            Kept::Ints(elements) => Value::Ints(Array::of_elements(ty.shape(), elements)),
            Kept::Bools(elements) => Value::Bools(Array::of_elements(ty.shape(), elements)),
            Kept::Int(n) => Value::I64(n),
            Kept::Bool(b) => Value::Bool(b != 0),
        }
    }

    /// As an operand of a kernel.
    #[inline]
    pub(super) fn operand(&self) -> Operand<'_> {
        match self {
            Kept::Floats(elements) => Operand::Floats(elements.as_slice()),
            Kept::Ints(elements) => Operand::Ints(elements.as_slice()),
            Kept::Bools(elements) => Operand::Bools(elements.as_slice()),
            Kept::Int(n) => Operand::Scalar(Scalar::I64(*n)),
            Kept::Bool(b) => Operand::Scalar(Scalar::Bool(*b != 0)),
        }
    }

    /// The floats, taken, if nobody else shares them.
    #[inline]
    pub(super) fn take_unique(&mut self) -> Option<Elements<f64>> {
        if !matches!(self, Kept::Floats(elements) if elements.is_unique()) {
            return None;
        }
        match std::mem::replace(self, Kept::TAKEN) {
            Kept::Floats(elements) => Some(elements),
            _ => None,
        }
    }

    /// What is left of a value that was taken.
    pub(super) const TAKEN: Kept = Kept::Bool(0);

    /// Address and size of the elements of an array.
    fn buffer(&self) -> (usize, usize) {
        match self {
            Kept::Floats(elements) => place(elements.as_slice()),
            Kept::Ints(elements) => place(elements.as_slice()),
            Kept::Bools(elements) => place(elements.as_slice()),
            Kept::Int(_) | Kept::Bool(_) => (0, 0),
        }
    }
}

fn place<T>(elements: &[T]) -> (usize, usize) {
    (elements.as_ptr() as usize, size_of_val(elements))
}

/// A tape.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) entries: Vec<Entry>,
    /// For each operand the mark it had: the index of its entry plus one, or 0.
    pub(super) links: Vec<Mark>,
    pub(super) scalars: Vec<f64>,
    pub(super) arrays: Vec<Kept>,
    peak_entries: usize,
    peak_bytes: usize,
}

impl Store {
    /// Number of entries.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// An entry whose values are pushed next, and whose operands were, from this place on.
    #[inline]
    pub(super) fn begin(&self, rule: u32, links: usize) -> Entry {
        Entry { rule, links: links as u32, scalars: self.scalars.len() as u32, arrays: self.arrays.len() as u32 }
    }

    /// Adds an entry; its mark.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry) -> Mark {
        self.entries.push(entry);
        Mark(u32::try_from(self.entries.len()).expect("fewer than 2³² operations on a tape"))
    }

    /// Keeps a value: a number by itself, an array shared.
    #[inline]
    pub(super) fn keep(&mut self, value: &Value) {
        if let Value::F64(x, _) = value {
            self.scalars.push(*x);
        } else {
            self.arrays.push(Kept::new(value));
        }
    }

    /// Keeps an operand, moved if nobody reads it afterwards.
    #[inline]
    pub(super) fn keep_operand(&mut self, args: &mut Args<'_>, i: usize) {
        match (args.take_elements(i), &args[i]) {
            (Some(elements), _) => self.arrays.push(Kept::Floats(elements)),
            (None, value) => self.keep(value),
        }
    }

    /// Adds an entry that stands for a value of another origin.
    pub(super) fn alias(&mut self, origin: Mark) -> Mark {
        let entry = self.begin(ALIAS, self.links.len());
        self.links.push(origin);
        self.push(entry)
    }

    /// Removes the entries from `start` on.
    pub(super) fn truncate(&mut self, start: usize) {
        self.measure();
        if let Some(&entry) = self.entries.get(start) {
            self.entries.truncate(start);
            self.links.truncate(entry.links as usize);
            self.scalars.truncate(entry.scalars as usize);
            self.arrays.truncate(entry.arrays as usize);
        }
    }

    /// Empties the tape and forgets how full it was.
    pub(super) fn reset(&mut self) {
        self.truncate(0);
        (self.peak_entries, self.peak_bytes) = (0, 0);
    }

    /// Notes how full the tape is.
    pub(super) fn measure(&mut self) {
        self.peak_entries = self.peak_entries.max(self.entries.len());
        self.peak_bytes = self.peak_bytes.max(self.bytes());
    }

    /// Entries when the tape was fullest.
    pub(super) fn peak_entries(&self) -> usize {
        self.peak_entries
    }

    /// Bytes of the tape when it was fullest, beside the elements of arrays.
    pub(super) fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>()
            + self.links.len() * size_of::<Mark>()
            + self.scalars.len() * size_of::<f64>()
            + self.arrays.len() * size_of::<Kept>()
    }

    /// Bytes of the elements of the arrays kept, each buffer counted once.
    pub(super) fn residual_bytes(&self) -> usize {
        let mut seen = FxHashSet::default();
        self.arrays.iter().map(Kept::buffer).filter(|&(at, _)| seen.insert(at)).map(|(_, bytes)| bytes).sum()
    }
}
