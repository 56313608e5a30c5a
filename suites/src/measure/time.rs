//! Timing: how many iterations fill a sample, and samples themselves.

use std::hint::black_box;
use std::time::Duration;

use adjudicate_ir::value::Value;

use super::clock::Clock;
use super::contestant::{Runner, Trouble};

/// More iterations than this never make a sample better.
const MOST: u64 = 1 << 22;

/// The number of iterations that fill a sample. It is found by doubling, which warms caches too; a number that seems to be
/// enough is tried again, as what comes first after something else is slow.
pub fn calibrate(runner: &mut Runner, args: &[Value], sample: Duration, clock: &dyn Clock) -> Result<u64, Trouble> {
    let wanted = nanos(sample);
    let mut iterations = 1;
    loop {
        let mut spent = sample_of(runner, args, iterations, clock)?;
        if spent >= wanted / 2 {
            spent = spent.min(sample_of(runner, args, iterations, clock)?);
        }
        if spent >= wanted / 2 || iterations >= MOST {
            let per_iteration = spent.max(1) as f64 / iterations as f64;
            return Ok(((wanted as f64 / per_iteration).ceil() as u64).clamp(1, MOST));
        }
        iterations *= 2;
    }
}

/// How long something took, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// By the clock.
    pub total: u64,
    /// For how much of it the thread ran on a core, where that is known.
    pub busy: Option<u64>,
}

/// Does something, and says how long it took.
pub fn taken<R>(clock: &dyn Clock, f: impl FnOnce() -> R) -> (R, Taken) {
    let (busy, start) = (clock.busy_nanos(), clock.nanos());
    let result = f();
    let total = clock.nanos() - start;
    (result, Taken { total, busy: busy.zip(clock.busy_nanos()).map(|(from, to)| to - from) })
}

/// The time of a number of iterations in a row, in nanoseconds.
pub fn sample_of(runner: &mut Runner, args: &[Value], iterations: u64, clock: &dyn Clock) -> Result<u64, Trouble> {
    let start = clock.nanos();
    runner.repeat(args, iterations)?;
    Ok(clock.nanos() - start)
}

/// How often allocation is timed; the least counts, since all that others do only adds to it.
const ALLOCATIONS: usize = 5;
/// Buffers that are allocated and freed for one time.
const BUFFERS: u64 = 1 << 12;

/// The time that it takes to allocate and free this many buffers of this size in all, one after the other and without
/// writing to them, in nanoseconds.
pub fn allocation(buffers: u64, bytes: u64, clock: &dyn Clock) -> f64 {
    let Some(each) = bytes.checked_div(buffers) else { return 0.0 };
    let once = || {
        let start = clock.nanos();
        for _ in 0..BUFFERS {
            drop(black_box(Vec::<u8>::with_capacity(each as usize)));
        }
        (clock.nanos() - start) as f64 / BUFFERS as f64
    };
    let least = (0..ALLOCATIONS).map(|_| once()).fold(f64::INFINITY, f64::min);
    least * buffers as f64
}

/// A duration in nanoseconds.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
