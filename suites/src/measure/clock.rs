//! Where time comes from. The clock is passed in, so that what the harness writes can be tested.

use std::time::Instant;

/// A clock that never goes back.
pub trait Clock {
    /// Nanoseconds since some fixed moment.
    fn nanos(&self) -> u64;

    /// Nanoseconds for which this thread has run on a core; `None` where nobody knows.
    fn busy_nanos(&self) -> Option<u64>;
}

/// The monotonic clock of the system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn nanos(&self) -> u64 {
        // A run of 584 years would not fit.
        self.0.elapsed().as_nanos() as u64
    }

    #[cfg(unix)]
    fn busy_nanos(&self) -> Option<u64> {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Some(u64::try_from(time.tv_sec).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
    }

    #[cfg(not(unix))]
    fn busy_nanos(&self) -> Option<u64> {
        None
    }
}
