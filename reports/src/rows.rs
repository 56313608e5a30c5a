//! The schema: the rows of a run folder, declared once.
//!
//! A run is `manifest.json` and six tables. `cells.csv` has one row for each thing measured, and the others refer to it
//! by its key: `samples.csv` holds the raw times, `checks.csv` the comparisons that make a cell valid, `counts.csv` what
//! was counted exactly, `stages.csv` how long each stage of preparing took. `claims.csv` stands by itself: the paper's claims and what came of each. Names of suites, functions and strategies are data; the few that mean something to every
//! report are the constants below.
//!
//! Columns may be added, at the end and optional; renaming or removing one raises [`SCHEMA_VERSION`].
//! Rows hold facts. The two ratio columns of a cell repeat, for the convenience of whoever opens the file, what follows from
//! the medians of other rows; no report reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::{Column, FieldError, Fields, Part, rows, words};

/// The version of the files described here.
pub const SCHEMA_VERSION: u32 = 1;

/// The function every other function of a suite is set in ratio to.
pub const VALUE: &str = "value";

/// What the name of a one-off cost begins with: `prepare:gradient` is what it takes before the first gradient.
pub const PREPARE: &str = "prepare:";

/// What the metric of a count begins with that says how large the program was after a stage or pass.
pub const NODES_AFTER: &str = "nodes_after:";

/// The stage from the text of a model to a program that is not specialised yet; it has no nodes.
pub const PARSE: &str = "parse";
/// The stage from the program after the last pass to what runs.
pub const LOWER: &str = "lower";

/// The strategy that is the line others are measured against; its cells are shown and never ranked.
pub const HANDWRITTEN: &str = "handwritten";
/// How the name of a strategy ends in cells of a model that was restructured for it, because it refuses the model as it is.
pub const RESTRUCTURED: &str = " restructured";

/// The kernels that do everything but arithmetic: what is measured on them is the strategy's own cost.
pub const NULL_KERNELS: &str = "null";

/// Which cell a row is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// The model and its inputs.
    pub suite: String,
    /// One of the suite's sizes; sizes are ordered as they first appear.
    pub size: String,
    /// What is computed: `value`, `gradient`, …; `prepare:…` for one-off cost.
    pub function: String,
    /// The strategy or variant.
    pub strategy: String,
    /// The back end of the array kernels.
    pub kernels: String,
    /// How many threads the kernels may use.
    pub threads: u32,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Key { suite, size, function, strategy, kernels, threads } = self;
        write!(f, "{suite} {size} {function} {strategy} ({kernels}, {threads} thread")?;
        f.write_str(if *threads == 1 { ")" } else { "s)" })
    }
}

impl Cell {
    /// Whether it broke off, and should not have: the zeros of null kernels may keep a loop from ending.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.status == Status::Failed || self.status == Status::Timeout && self.key.kernels != NULL_KERNELS
    }
}

impl Key {
    /// Whether a record has this key.
    pub(crate) fn is_in(&self, fields: &dyn Fields) -> bool {
        let Key { suite, size, function, strategy, kernels, threads } = self;
        let is = |column, text: &str| fields.field(column) == Some(text);
        let texts = is("suite", suite) && is("size", size) && is("function", function) && is("strategy", strategy);
        texts && is("kernels", kernels) && u32::read(fields, "threads").is_ok_and(|number| number == *threads)
    }
}

impl Part for Key {
    fn columns(_name: &'static str, _about: &'static str, out: &mut Vec<Column>) {
        String::columns("suite", "The model and its inputs.", out);
        String::columns("size", "One of the suite's sizes.", out);
        String::columns("function", "What is computed; `prepare:…` for one-off cost.", out);
        String::columns("strategy", "The strategy or variant.", out);
        String::columns("kernels", "The back end of the array kernels.", out);
        u32::columns("threads", "How many threads the kernels may use.", out);
    }

    fn read(fields: &dyn Fields, _name: &str) -> Result<Self, FieldError> {
        Ok(Key {
            suite: Part::read(fields, "suite")?,
            size: Part::read(fields, "size")?,
            function: Part::read(fields, "function")?,
            strategy: Part::read(fields, "strategy")?,
            kernels: Part::read(fields, "kernels")?,
            threads: Part::read(fields, "threads")?,
        })
    }

    fn print(&self, out: &mut Vec<String>) {
        let Key { suite, size, function, strategy, kernels, threads } = self;
        out.extend([suite, size, function, strategy, kernels].map(String::clone));
        out.push(threads.to_string());
    }
}

words! {
    /// What became of a cell.
    enum Status {
        /// It ran to its end.
        Ok = "ok",
        /// It was stopped at its time limit.
        Timeout = "timeout",
        /// The strategy cannot express it, and said so.
        Refused = "refused",
        /// It ended in an error.
        Failed = "failed",
        /// It was not tried.
        Skipped = "skipped",
    }

    /// Whether a cell's result was compared, and with what outcome.
    enum Valid {
        /// Every check passed.
        True = "true",
        /// A check failed: the cell is shown in red and never ranked.
        False = "false",
        /// Nothing was compared: the cell is never ranked either.
        Unchecked = "unchecked",
    }

    /// Whether a cell's samples came from one steady state.
    enum Steadiness {
        /// Nothing speaks against it.
        Steady = "steady",
        /// They became slower, or faster, round after round.
        Drift = "drift",
        /// They are of two groups.
        TwoModes = "two-modes",
        /// They are all over.
        Noisy = "noisy",
    }

    /// What a strategy makes of a language construct.
    enum Outcome {
        /// It runs as written, and the result is right.
        Runs = "runs",
        /// It runs after the program was changed in form: unrolled, inlined.
        Restructured = "restructured",
        /// The strategy refuses it.
        Refused = "refused",
        /// It runs and the result is wrong.
        Wrong = "wrong",
    }
}

impl Default for Status {
    /// A cell is skipped until something is done with it.
    fn default() -> Self {
        Status::Skipped
    }
}

impl Default for Valid {
    /// A cell is unchecked until it is checked.
    fn default() -> Self {
        Valid::Unchecked
    }
}

rows! {
    /// One cell of a run: a suite, size, function and strategy, timed and counted.
    struct Cell in "cells.csv" {
        /// The cell.
        key: Key,
        /// What became of it.
        status: Status,
        /// Whether its result was compared, and with what outcome.
        valid: Valid,
        /// Why it is not `ok`, or not valid.
        reason: Option<String>,
        /// How many samples were taken, warm-up apart.
        samples: Option<u64>,
        /// Median time of one evaluation, in nanoseconds.
        median_ns: Option<f64>,
        /// Lower end of the median's 95 % interval, in nanoseconds.
        ci_low_ns: Option<f64>,
        /// Upper end of the median's 95 % interval, in nanoseconds.
        ci_high_ns: Option<f64>,
        /// Median absolute deviation, in nanoseconds.
        mad_ns: Option<f64>,
        /// Shortest sample, in nanoseconds.
        min_ns: Option<f64>,
        /// Median over the median of the same strategy's `value`.
        ratio_to_value: Option<f64>,
        /// Median over the median of the hand-written code for the same function.
        ratio_to_handwritten: Option<f64>,
        /// Calls of array kernels.
        kernel_calls: Option<u64>,
        /// Floating-point operations.
        flops: Option<u64>,
        /// Bytes read by kernels.
        bytes_read: Option<u64>,
        /// Bytes written by kernels.
        bytes_written: Option<u64>,
        /// Array buffers allocated.
        allocations: Option<u64>,
        /// Bytes of array buffers allocated.
        bytes_allocated: Option<u64>,
        /// The most bytes of array buffers alive at once.
        peak_live_bytes: Option<u64>,
        /// Bytes kept between the forward and the backward pass.
        residual_bytes: Option<u64>,
        /// Entries recorded on a tape.
        tape_entries: Option<u64>,
        /// Bytes of those entries.
        tape_bytes: Option<u64>,
        /// Closures made at run time.
        closures_made: Option<u64>,
        /// Nodes of the program that ran, after every pass.
        ir_nodes: Option<u64>,
        /// Floating-point operations of the suite's value at this size: the numeric measure of the size.
        work: Option<u64>,
        /// Whether its strategy was shown to make the same forward kernel calls, to the same bits, as the others; empty where
        /// nothing is claimed. A cell that was not is shown in red and never ranked.
        controlled: Option<bool>,
        /// Median over the number of kernel calls, in nanoseconds: what the strategy itself costs for each. Only on null kernels.
        own_ns_per_call: Option<f64>,
        /// Samples further from the median than five deviations; counted, never dropped.
        outliers: Option<u64>,
        /// Rank correlation of the samples with their rounds: 1 where every round was slower than the one before.
        rank_correlation: Option<f64>,
        /// Whether the samples came from one steady state; empty for few samples.
        steadiness: Option<Steadiness>,
        /// Time to allocate and free as many buffers of the same mean size, by itself, in nanoseconds. Only on null kernels.
        allocation_ns: Option<f64>,
        /// Median time for which the thread ran on a core during one evaluation, in nanoseconds. Only with one thread.
        median_busy_ns: Option<f64>,
        /// Digest of the program that ran. Cells with the same ran the same instructions; empty where the program is not known
        /// before it runs.
        program: Option<String>,
    }

    /// One sample: as many evaluations in a row as fill the minimum time.
    struct Sample in "samples.csv" {
        /// The cell.
        key: Key,
        /// The round, from 0; every strategy of a cell takes part in each.
        round: u32,
        /// Position within the round.
        order: u32,
        /// Evaluations in the sample.
        iterations: u64,
        /// Time of all of them, in nanoseconds.
        total_ns: f64,
        /// Time of one, in nanoseconds.
        ns_per_iteration: f64,
        /// Whether it only warmed up and is left out of every figure; each process begins with such.
        warmup: bool,
        /// For how long the thread ran on a core during one, in nanoseconds; empty where nobody knows.
        busy_ns_per_iteration: Option<f64>,
    }

    /// One comparison of a cell's result with a reference.
    struct Check in "checks.csv" {
        /// The cell.
        key: Key,
        /// What it was compared with: a strategy, `handwritten`, `finite`, `taylor`.
        reference: String,
        /// The largest relative error; empty where it is not a number.
        largest_relative_error: Option<f64>,
        /// Index of the first element beyond the tolerance, in row-major order.
        first_index: Option<u64>,
        /// The error that is still accepted; for `taylor` the smallest accepted order.
        tolerance: f64,
        /// Whether it was.
        passed: bool,
        /// Order at which the Taylor remainder vanishes; only for `taylor`.
        remainder_order: Option<f64>,
        /// What went wrong, where the error alone does not say it.
        reason: Option<String>,
    }

    /// One thing counted exactly in one cell.
    struct Count in "counts.csv" {
        /// The cell.
        key: Arc<Key>,
        /// What was counted: `gemm_calls`, `nodes_after:fuse`, ….
        metric: String,
        /// How many.
        value: u64,
    }

    /// The time of one stage or pass of preparing one cell. `counts.csv` has the nodes after those of the same name, in the
    /// same order.
    struct StageTime in "stages.csv" {
        /// The cell.
        key: Arc<Key>,
        /// Its place among the stages of the cell, from 0.
        place: u32,
        /// Its name: `parse` first, `lower` last, in between what `explain` shows.
        stage: String,
        /// How many preparations were timed.
        preparations: u64,
        /// Median time of it over those, in nanoseconds.
        median_ns: f64,
    }

    /// One claim of the paper, checked as the run began.
    struct Claim in "claims.csv" {
        /// Its name.
        name: String,
        /// What it says.
        claim: String,
        /// Where the paper says so.
        source: String,
        /// A command that shows it.
        command: String,
        /// Whether it was found to hold.
        holds: bool,
        /// What came out.
        found: String,
    }

    /// One number of one cell.
    struct Tidy in "tables/tidy.csv" {
        /// The cell.
        key: Key,
        /// Whether its result was compared, and with what outcome.
        valid: Valid,
        /// The column of cells.csv that the number is from.
        metric: String,
        /// The number.
        value: f64,
    }

    /// The standing of one strategy in one suite and function.
    struct Standing in "tables/summary.csv" {
        /// The model and its inputs; all of them in the rows that come last.
        suite: String,
        /// What is computed.
        function: String,
        /// The back end of the array kernels.
        kernels: String,
        /// How many threads the kernels may use.
        threads: u32,
        /// The strategy or variant.
        strategy: String,
        /// Its place, from 1, which strategies that ran one program share; empty where it is not ranked.
        rank: Option<u64>,
        /// How many cells were compared.
        cells: Option<u64>,
        /// Time over that of the fastest: the geometric mean over sizes.
        ratio_to_fastest: Option<f64>,
        /// Lower end of its 95 % interval.
        ratio_to_fastest_low: Option<f64>,
        /// Upper end of its 95 % interval.
        ratio_to_fastest_high: Option<f64>,
        /// Time over that of the hand-written code.
        ratio_to_handwritten: Option<f64>,
        /// Lower end of its 95 % interval.
        ratio_to_handwritten_low: Option<f64>,
        /// Upper end of its 95 % interval.
        ratio_to_handwritten_high: Option<f64>,
        /// Why it is not ranked.
        reason: Option<String>,
    }
}

/// One language construct tried with one strategy at one order of derivative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixCell {
    /// The construct: `recursion over a list`, `while`, ….
    pub construct: String,
    /// 0 for the value, 1 for the gradient, ….
    pub order: u32,
    /// The strategy or variant.
    pub strategy: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where it does not simply run.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What `matrix.json` holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Matrix {
    /// The cells, constructs in their order.
    pub cells: Vec<MatrixCell>,
}

/// Where a run came from: what `manifest.json` holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// Names the run; printed on every figure.
    pub run_id: String,
    /// Version of adjudicate.
    #[serde(default)]
    pub version: String,
    /// Commit it was built from; empty if unknown.
    #[serde(default)]
    pub commit: String,
    /// The command line.
    #[serde(default)]
    pub command: String,
    /// Seed of the order of rounds and of every bootstrap.
    #[serde(default)]
    pub seed: u64,
    /// `quick`, `default` or `paper`.
    #[serde(default)]
    pub profile: String,
    /// When it began, as RFC 3339 in UTC.
    #[serde(default)]
    pub started: String,
    /// The machine.
    #[serde(default)]
    pub machine: Machine,
    /// The compiler.
    #[serde(default)]
    pub toolchain: Toolchain,
    /// The array kernels.
    #[serde(default)]
    pub kernels: Kernels,
    /// Environment variables that change numerics or threads.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Hash of each model file.
    #[serde(default)]
    pub models: BTreeMap<String, String>,
    /// Hash of each input.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// Relative noise floor found by measuring A against A: 0.01 is 1 %. Of times that are corrected by hand-written code;
    /// of all where none are.
    #[serde(default)]
    pub noise_floor: Option<f64>,
    /// The median over cells of the same, where the floor is the 95th percentile.
    #[serde(default)]
    pub typical_noise: Option<f64>,
    /// The noise floor of times that are not corrected; the other holds for them where this is missing.
    #[serde(default)]
    pub uncorrected_noise_floor: Option<f64>,
    /// The median over cells of that.
    #[serde(default)]
    pub uncorrected_typical_noise: Option<f64>,
    /// The suites that the floor was measured on; empty if there is none, or nobody kept that.
    #[serde(default)]
    pub noise_suites: Vec<String>,
    /// How many cells the run was to have, one-off costs left out; missing in runs that did not say.
    #[serde(default)]
    pub planned_cells: Option<u64>,
    /// What the run was made from, for who goes on with it; a report does not look inside.
    #[serde(default)]
    pub plan: serde_json::Value,
    /// Strategies that are oracles: shown where they refute others, never ranked.
    #[serde(default)]
    pub oracles: Vec<String>,
}

/// The machine a run was made on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Machine {
    /// Model of the CPU.
    pub cpu: String,
    /// Logical cores.
    pub cores: u32,
    /// Bytes of each cache: `L1d`, `L2`, `L3`.
    pub caches: BTreeMap<String, u64>,
    /// Instruction-set flags that matter: `avx2`, `fma`, ….
    pub flags: Vec<String>,
    /// Operating system and kernel.
    pub kernel: String,
    /// Load average over one minute as the run began.
    pub load: Option<f64>,
}

/// The compiler a run was built with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Toolchain {
    /// What `rustc --version` says.
    pub rustc: String,
    /// The target CPU it compiled for.
    pub target_cpu: String,
    /// Cargo features.
    pub features: Vec<String>,
}

/// The array kernels of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Kernels {
    /// `embedded`, `openblas`, `null`.
    pub backend: String,
    /// Version of the library behind it.
    pub version: String,
    /// Threads it may use.
    pub threads: u32,
}
