//! Timing: how many iterations fill a sample, and samples themselves.

use std::time::Duration;

use adjudicate_ir::value::Value;

use super::clock::Clock;
use super::contestant::{Runner, Trouble};

/// More iterations than this never make a sample better.
const MOST: u64 = 1 << 22;

/// The number of iterations that fill a sample. It is found by doubling, which warms caches too.
pub fn calibrate(runner: &mut Runner, args: &[Value], sample: Duration, clock: &dyn Clock) -> Result<u64, Trouble> {
    let wanted = nanos(sample);
    let mut iterations = 1;
    loop {
        let spent = sample_of(runner, args, iterations, clock)?;
        if spent >= wanted / 2 || iterations >= MOST {
            let per_iteration = spent.max(1) as f64 / iterations as f64;
            return Ok(((wanted as f64 / per_iteration).ceil() as u64).clamp(1, MOST));
        }
        iterations *= 2;
    }
}

/// The time of a number of iterations in a row, in nanoseconds.
pub fn sample_of(runner: &mut Runner, args: &[Value], iterations: u64, clock: &dyn Clock) -> Result<u64, Trouble> {
    let start = clock.nanos();
    runner.repeat(args, iterations)?;
    Ok(clock.nanos() - start)
}

/// A duration in nanoseconds.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
