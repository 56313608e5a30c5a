//! Exact counts of what kernels do: calls by kind, floating-point operations, bytes moved, allocations, live memory.
//!
//! Counts belong to the thread that calls the kernels and are equal from run to run and machine to machine. Conventions:
//! every public kernel records itself once, whatever it calls inside; an elementary function of one element is one FLOP; a
//! GEMM of m×k by k×n is 2·m·n·k; bytes are those of the operands as stored and of the result, however a cache serves them;
//! a fused kernel counts as a call of every kernel that it stands for, and its bytes are those of its operands and results alone;
//! memory is the elements of arrays, without headers and without a kernel's own scratch. Scalar evaluation (`eval`) is not counted: who calls it
//! knows. While counting is off, a kernel pays one thread-local read for the question.
//!
//! Live bytes are those of arrays allocated while counting was on and not yet dropped: a buffer remembers whether it was
//! counted, so arrays from before never make the figure wrong.
//!
//! What other threads do for the one that counts ([`mod@crate::together`]) is added to its counts, so that all but the
//! peak are what they would be without those threads. The peak is then that of all of them reaching their own at once:
//! what there may have been at most, whoever came first.

use std::cell::RefCell;

use crate::mode::{self, COUNTING};
use crate::ops::{Kind, Other};

/// A snapshot of the counts of one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    calls: [u64; Kind::COUNT],
    /// Fused kernels run. The calls that they stand for are counted by kind.
    pub fused_kernels: u64,
    /// Floating-point (or integer) operations.
    pub flops: u64,
    /// Bytes of operands read.
    pub bytes_read: u64,
    /// Bytes of results written.
    pub bytes_written: u64,
    /// Arrays allocated.
    pub allocations: u64,
    /// Bytes of arrays allocated.
    pub bytes_allocated: u64,
    /// Bytes of counted arrays not dropped yet.
    pub live_bytes: u64,
    /// The largest `live_bytes` since the last reset.
    pub peak_live_bytes: u64,
}

impl Counts {
    const ZERO: Self = Self {
        calls: [0; Kind::COUNT],
        fused_kernels: 0,
        flops: 0,
        bytes_read: 0,
        bytes_written: 0,
        allocations: 0,
        bytes_allocated: 0,
        live_bytes: 0,
        peak_live_bytes: 0,
    };

    /// The number of calls of one kind of kernel.
    pub fn calls(&self, kind: Kind) -> u64 {
        self.calls[kind.index()]
    }

    /// The number of calls of all kernels.
    pub fn total_calls(&self) -> u64 {
        self.calls.iter().sum()
    }

    /// The calls of every kind, zeros included, in the order of [`Kind::all`].
    pub fn calls_by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Kind::all().map(|kind| (kind.name(), self.calls(kind)))
    }

    /// The totals by name: `kernel_calls`, `fused_kernels`, `flops`, and the memory counts.
    pub fn totals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("kernel_calls", self.total_calls()),
            ("fused_kernels", self.fused_kernels),
            ("flops", self.flops),
            ("bytes_read", self.bytes_read),
            ("bytes_written", self.bytes_written),
            ("allocations", self.allocations),
            ("bytes_allocated", self.bytes_allocated),
            ("live_bytes", self.live_bytes),
            ("peak_live_bytes", self.peak_live_bytes),
        ]
        .into_iter()
    }

    /// The totals and then the calls by kind.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.totals().chain(self.calls_by_kind())
    }
}

thread_local! {
    static COUNTS: RefCell<Counts> = const { RefCell::new(Counts::ZERO) };
}

/// Switches counting on this thread on or off.
pub fn enable(on: bool) {
    mode::set_flag(COUNTING, on);
}

/// Whether this thread counts.
pub fn enabled() -> bool {
    mode::flag(COUNTING)
}

/// Sets every count of this thread to zero, except that live bytes stay and the peak starts from them.
pub fn reset() {
    COUNTS.with_borrow_mut(|c| *c = Counts { live_bytes: c.live_bytes, peak_live_bytes: c.live_bytes, ..Counts::ZERO });
}

/// The counts of this thread so far.
pub fn snapshot() -> Counts {
    COUNTS.with_borrow(Clone::clone)
}

/// The live bytes of this thread.
pub(crate) fn live() -> u64 {
    COUNTS.with_borrow(|c| c.live_bytes)
}

/// The counts of running `f` on this thread, starting from zero; whether counting is on afterwards is as it was before.
pub fn measure<R>(f: impl FnOnce() -> R) -> (R, Counts) {
    let before = enabled();
    reset();
    enable(true);
    let result = f();
    enable(before);
    (result, snapshot())
}

/// Runs `work` for a thread that has so many live bytes: what it counts, from there on. The counts of this thread are not
/// touched.
pub(crate) fn apart(live: u64, work: impl FnOnce()) -> Counts {
    let own = COUNTS.replace(Counts { live_bytes: live, peak_live_bytes: live, ..Counts::ZERO });
    work();
    COUNTS.replace(own)
}

/// Adds what was counted apart, each part from the live bytes that this thread has, to its counts.
pub(crate) fn add(parts: &[Counts]) {
    COUNTS.with_borrow_mut(|c| {
        let start = c.live_bytes;
        let mut most = start;
        for part in parts {
            c.calls.iter_mut().zip(&part.calls).for_each(|(all, calls)| *all += calls);
            c.fused_kernels += part.fused_kernels;
            c.flops += part.flops;
            c.bytes_read += part.bytes_read;
            c.bytes_written += part.bytes_written;
            c.allocations += part.allocations;
            c.bytes_allocated += part.bytes_allocated;
            c.live_bytes = (c.live_bytes + part.live_bytes).saturating_sub(start);
            most += part.peak_live_bytes - start;
        }
        c.peak_live_bytes = c.peak_live_bytes.max(most);
    });
}

/// What one kernel call does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) flops: usize,
    pub(crate) read: usize,
    pub(crate) written: usize,
}

#[cold]
pub(crate) fn record(kind: Kind, work: Work) {
    COUNTS.with_borrow_mut(|c| {
        c.calls[kind.index()] += 1;
        c.flops += work.flops as u64;
        c.bytes_read += work.read as u64;
        c.bytes_written += work.written as u64;
    });
}

/// Records a run of a fused kernel: what it reads and writes. Its calls are recorded one by one.
#[cold]
pub(crate) fn record_fused(work: Work) {
    COUNTS.with_borrow_mut(|c| {
        c.fused_kernels += 1;
        c.bytes_read += work.read as u64;
        c.bytes_written += work.written as u64;
    });
}

/// Records a copy made because elements were shared.
#[inline]
pub(crate) fn copied(bytes: usize) {
    if enabled() {
        record(Kind::Other(Other::Copy), Work { flops: 0, read: bytes, written: bytes });
    }
}

/// Records an allocation, and says whether its end must be recorded too.
#[inline]
pub(crate) fn allocated(bytes: usize) -> bool {
    let on = enabled();
    if on {
        record_allocation(bytes as u64);
    }
    on
}

#[cold]
fn record_allocation(bytes: u64) {
    COUNTS.with_borrow_mut(|c| {
        c.allocations += 1;
        c.bytes_allocated += bytes;
        c.live_bytes += bytes;
        c.peak_live_bytes = c.peak_live_bytes.max(c.live_bytes);
    });
}

/// Records the end of a counted allocation. An array that another thread allocated is not this thread's to subtract.
#[cold]
pub(crate) fn freed(bytes: usize) {
    // A thread that is ending has no counts left to keep.
    let _ = COUNTS.try_with(|c| {
        let mut c = c.borrow_mut();
        c.live_bytes = c.live_bytes.saturating_sub(bytes as u64);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;
    use crate::ops::Binary;

    #[test]
    fn a_call_is_counted_once_with_its_memory() {
        let a = Array::full(&[4], 1.0);
        let (sum, counts) = measure(|| crate::binary(Binary::Add, (&a).into(), (&a).into()));
        assert_eq!(counts.calls(Kind::Binary(Binary::Add)), 1);
        assert_eq!((counts.total_calls(), counts.flops, counts.bytes_read, counts.bytes_written), (1, 4, 64, 32));
        assert_eq!((counts.allocations, counts.live_bytes), (1, 32));
        drop(sum);
        assert_eq!((snapshot().live_bytes, snapshot().peak_live_bytes), (0, 32));
    }

    #[test]
    fn arrays_from_before_do_not_disturb_live_bytes() {
        let before = Array::full(&[100], 1.0);
        let (kept, _) = measure(|| {
            drop(before);
            Array::full(&[2], 1.0)
        });
        assert_eq!(snapshot().live_bytes, 16);
        drop(kept);
        assert_eq!(snapshot().live_bytes, 0);
        reset();
        drop(Array::full(&[2], 1.0));
        assert_eq!(snapshot().allocations, 0);
    }

    #[test]
    fn a_forced_copy_is_counted() {
        let mut a = Array::full(&[2], 1.0);
        let _b = a.clone();
        let ((), counts) = measure(|| a.make_mut()[0] = 2.0);
        assert_eq!((counts.calls(Kind::Other(Other::Copy)), counts.allocations), (1, 1));
    }

    #[test]
    fn counts_are_iterable_by_name() {
        let counts = snapshot();
        assert_eq!(counts.iter().count(), 9 + Kind::COUNT);
        assert!(counts.iter().any(|(name, _)| name == "gemm"));
    }
}
