//! Measuring: what is to be done, whether it is right, how much it does and how long it takes.
//!
//! A [`plan`](Plan) is a list of groups, one for each suite and size. A group holds cells: a
//! function (`value`, `gradient`, …) by a contestant (a strategy, or the baseline written by
//! hand). For each group, in this order:
//!
//! 1. [`contestant`]: every cell is prepared; what cannot be is recorded with its reason;
//! 2. [`check`]: every result is compared with independent oracles and with the other strategies;
//! 3. [`count`](mod@count): one run with the kernels' counters on;
//! 4. [`time`]: interleaved rounds of samples, and the cost of preparing again;
//! 5. a summary row for each cell.
//!
//! Rows leave through a [`Sink`] as they are made. Nothing is timed that failed a check, and
//! nothing is checked or counted while the clock runs.

pub mod check;
pub mod clock;
pub mod contestant;
pub mod count;
pub mod group;
pub mod plan;
pub mod sink;
pub mod stats;
pub mod time;

pub use clock::{Clock, SystemClock};
pub use group::measure;
pub use plan::{Cell, Group, Plan, Profile, Selection, Settings};
pub use sink::{Sink, Stop};
