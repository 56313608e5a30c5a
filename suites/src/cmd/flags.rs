//! Flags that several commands share.

use std::time::Duration;

use clap::Args;

use crate::exit::Failure;
use crate::measure::inject::Injection;
use crate::measure::{Kernels, Plan, Profile, Selection, Settings};

/// Which cells are wanted.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Selection (globs, repeatable)")]
pub struct Selecting {
    /// Suites, such as `mlp`
    #[arg(long, value_name = "GLOB")]
    suite: Vec<String>,
    /// Strategies, such as `tape` or `closure:*`
    #[arg(long, value_name = "GLOB")]
    strategy: Vec<String>,
    /// Functions, such as `gradient`
    #[arg(long, value_name = "GLOB")]
    function: Vec<String>,
    /// Sizes, such as `512x*`
    #[arg(long, value_name = "GLOB")]
    size: Vec<String>,
}

/// How to measure.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Measurement")]
pub struct Measuring {
    /// How thoroughly to measure
    #[arg(long, value_enum, default_value = "default")]
    profile: Profile,
    /// Rounds that count, instead of the profile's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Seed of inputs, of directions and of the order of samples
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Threads of the kernels
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// Kernels: null does everything but the arithmetic of arrays (repeatable, in turn)
    #[arg(long, value_name = "NAME", value_parser = Kernels::find)]
    kernels: Vec<Kernels>,
    /// The time that one cell may take, in seconds, instead of the profile's
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Strategies that must have an answer in each of their cells: a refusal ends with exit code 5 (glob, repeatable)
    #[arg(long, value_name = "GLOB")]
    require: Vec<String>,
    /// The memory that the cells of a suite and size may use together, in MB
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    memory: Option<u64>,
    /// Put a fault into a strategy, to see whether it is noticed: a factor, hang, abort or memory
    #[arg(long, value_name = "STRATEGY=FAULT", value_parser = Injection::parse, hide = true)]
    inject: Option<Injection>,
}

/// A positive number of seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a positive number of seconds".to_owned()),
    }
}

impl Selecting {
    /// The selection.
    pub fn selection(self) -> Selection {
        let Selecting { suite, strategy, function, size } = self;
        Selection { suites: suite, strategies: strategy, functions: function, sizes: size }
    }
}

impl Measuring {
    /// The settings.
    pub fn settings(&self) -> Settings {
        let mut settings = self.profile.settings();
        settings.rounds = self.rounds.map_or(settings.rounds, |n| n as usize);
        settings.timeout = self.timeout.unwrap_or(settings.timeout);
        settings.required.clone_from(&self.require);
        settings.memory = self.memory.map(|mb| mb << 20);
        settings.inject.clone_from(&self.inject);
        settings.seed = self.seed;
        settings.threads = self.threads as usize;
        if !self.kernels.is_empty() {
            let first = |(i, k): &(usize, &Kernels)| !self.kernels[..*i].contains(k);
            settings.kernels = self.kernels.iter().enumerate().filter(first).map(|(_, k)| *k).collect();
        }
        settings
    }
}

/// The plan of selected cells. One without cells is an error.
pub fn plan(selecting: Selecting, measuring: &Measuring) -> Result<Plan, Failure> {
    let plan = Plan::new(&selecting.selection(), measuring.settings())?;
    if plan.groups.is_empty() {
        return Err(Failure::usage("no cell matches all of the selection; `adjudicate list` shows what there is"));
    }
    Ok(plan)
}
