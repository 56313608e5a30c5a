//! The tape itself: entries by index, and what they keep from the forward for the backward pass.
//!
//! An entry is 16 bytes; beside it lie 4 bytes for each operand, 8 for each number kept and a
//! [`Value`] for each array kept. Nothing is freed between runs but the arrays.

use std::collections::HashSet;

use adjudicate_ir::value::{Mark, Value};

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

/// A tape.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) entries: Vec<Entry>,
    /// For each operand the mark it had: the index of its entry plus one, or 0.
    pub(super) links: Vec<Mark>,
    pub(super) scalars: Vec<f64>,
    pub(super) arrays: Vec<Value>,
    peak_entries: usize,
    peak_bytes: usize,
}

impl Store {
    /// Number of entries.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// An entry whose operands and values are pushed next.
    #[inline]
    pub(super) fn begin(&self, rule: u32) -> Entry {
        Entry {
            rule,
            links: self.links.len() as u32,
            scalars: self.scalars.len() as u32,
            arrays: self.arrays.len() as u32,
        }
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
        match value {
            Value::F64(x, _) => self.scalars.push(*x),
            other => self.arrays.push(other.clone()),
        }
    }

    /// Adds an entry that stands for a value of another origin.
    pub(super) fn alias(&mut self, origin: Mark) -> Mark {
        let entry = self.begin(ALIAS);
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
            + self.arrays.len() * size_of::<Value>()
    }

    /// Bytes of the elements of the arrays kept, each buffer counted once.
    pub(super) fn residual_bytes(&self) -> usize {
        let mut seen = HashSet::new();
        self.arrays.iter().map(buffer).filter(|&(at, _)| seen.insert(at)).map(|(_, bytes)| bytes).sum()
    }
}

/// Address and size of the elements of an array.
fn buffer(value: &Value) -> (usize, usize) {
    match value {
        Value::Array(a, _) => (a.as_slice().as_ptr() as usize, a.bytes()),
        Value::Ints(a) => (a.as_slice().as_ptr() as usize, a.bytes()),
        Value::Bools(a) => (a.as_slice().as_ptr() as usize, a.bytes()),
        Value::F64(..)
        | Value::I64(_)
        | Value::Bool(_)
        | Value::Tuple(_)
        | Value::Closure(..)
        | Value::Stack(_)
        | Value::Env(_) => (0, 0),
    }
}
