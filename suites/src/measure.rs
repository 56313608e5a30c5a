//! Measuring: what is to be done, whether it is right, how much it does and how long it takes.
//!
//! A [`plan`](Plan) is a list of groups, one for each suite and size. A group holds cells: a
//! function (`value`, `gradient`, …) by a contestant (a strategy, or the baseline written by
//! hand). For each group, in this order:
//!
//! 1. every cell is prepared ([`contestant`]); what cannot be is recorded with its reason;
//! 2. every result is compared with independent oracles and with the other strategies ([`check`]);
//! 3. every contestant is shown to do the same forward work ([`control`]);
//! 4. one run is made with the kernels' counters on ([`count`](mod@count));
//! 5. interleaved rounds of samples are taken, of preparing too ([`time`]);
//! 6. a row sums up each cell ([`stats`], [`mod@steadiness`]).
//!
//! `run` and `check` have each group measured by processes of its own, which [`supervise`](mod@supervise) outlives;
//! several share its rounds (`turns.rs`), and what is said to each other is in [`wire`].
//!
//! Rows leave through a [`Sink`] as they are made. Nothing is timed that failed a check, and
//! nothing is checked or counted while the clock runs.

pub mod check;
pub mod clock;
pub mod contestant;
mod control;
pub mod count;
mod entry;
pub mod group;
pub mod inject;
mod judge;
pub mod kernels;
pub mod plan;
mod rounds;
pub mod sink;
mod stages;
pub mod stats;
pub mod steadiness;
pub mod summary;
pub mod supervise;
pub mod time;
mod turns;
pub mod wire;
pub mod worker;

pub use clock::{Clock, SystemClock};
pub use group::measure;
pub use kernels::Kernels;
pub use plan::{Cell, Group, Plan, Profile, Selection, Settings};
pub use sink::{Sink, Stop};
pub use supervise::supervise;
