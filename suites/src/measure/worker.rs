//! The worker: a process that measures one turn of a group and says what it finds.
//!
//! A cell that never ends, uses up the memory or breaks the process takes only its worker with it; see
//! [`supervise`](super::supervise).

use std::fs;
use std::io::{self, BufRead, Write};
use std::sync::mpsc;
use std::thread;

use adjudicate_reports::rows::{Cell, Check, Count, Key, Sample, StageTime};

use super::clock::SystemClock;
use super::group::measure;
use super::plan::Plan;
use super::sink::{Sink, Stop};
use super::wire::{Job, Message, STOP};
use crate::exit::Failure;

/// Reads a job from stdin and carries it out.
pub fn work() -> Result<(), Failure> {
    let answers = answers()?;
    let lost = |e: &dyn std::fmt::Display| Failure::internal(format!("the job cannot be read: {e}"));
    let job: Job = serde_json::from_str(&answers.recv().map_err(|e| lost(&e))?).map_err(|e| lost(&e))?;
    if let Some(bytes) = job.settings.memory {
        limit_memory(bytes)?;
    }
    let stop = Stop::default();
    let mut voice = Voice { answers, stop: stop.clone() };
    let message = match plan(&job).and_then(|plan| measure(&plan, job.depth, &SystemClock::start(), &stop, &mut voice))
    {
        Ok(tally) => Message::Done(tally),
        Err(failure) => Message::Failed(failure.message),
    };
    voice.say(&message)
}

/// The lines of stdin. Its end means that nobody listens any more, and ends the process at once, whatever it is doing.
fn answers() -> Result<mpsc::Receiver<String>, Failure> {
    let (sender, receiver) = mpsc::channel();
    let listen = move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
        std::process::exit(1);
    };
    thread::Builder::new().spawn(listen).map_err(|e| Failure::internal(format!("cannot listen: {e}")))?;
    Ok(receiver)
}

/// The plan that is left of the job's: its group, on its kernels.
fn plan(job: &Job) -> Result<Plan, Failure> {
    let mut settings = job.settings.clone();
    settings.kernels = vec![job.kernels];
    let mut plan = Plan::new(&job.selection, settings)?;
    plan.groups.retain(|group| group.suite.name == job.suite && group.size.name == job.size);
    plan.given = job.given.clone();
    plan.turn = Some(job.turn);
    Ok(plan)
}

/// What the front end reserves for its stack, and a little more; hardly any of it is ever used.
const RESERVED: u64 = 640 << 20;

/// Allows the process this much more memory than it has now, and what it reserves without using it.
fn limit_memory(bytes: u64) -> Result<(), Failure> {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let limit = bytes.saturating_add(pages * 4096 + RESERVED);
    rlimit::setrlimit(rlimit::Resource::AS, limit, limit)
        .map_err(|e| Failure::internal(format!("the memory cannot be limited: {e}")))
}

/// Says everything to the supervisor, one message at a time.
struct Voice {
    answers: mpsc::Receiver<String>,
    stop: Stop,
}

impl Voice {
    fn say(&mut self, message: &Message) -> Result<(), Failure> {
        let gone = |e: &dyn std::fmt::Display| Failure::internal(format!("nobody listens: {e}"));
        let line = serde_json::to_string(message).map_err(|e| gone(&e))?;
        let mut out = io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| gone(&e))?;
        if self.answers.recv().map_err(|e| gone(&e))? == STOP {
            self.stop.request();
        }
        Ok(())
    }
}

impl Sink for Voice {
    fn group(&mut self, _suite: &str, _size: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn doing(&mut self, key: &Key, what: &str) {
        // If nobody listens any more, the process is about to end.
        let _ = self.say(&Message::Doing(key.clone(), what.to_owned()));
    }

    fn check(&mut self, row: &Check) -> Result<(), Failure> {
        self.say(&Message::Check(row.clone()))
    }

    fn count(&mut self, row: &Count) -> Result<(), Failure> {
        self.say(&Message::Count(row.clone()))
    }

    fn sample(&mut self, row: &Sample) -> Result<(), Failure> {
        self.say(&Message::Sample(row.clone()))
    }

    fn stage(&mut self, row: &StageTime) -> Result<(), Failure> {
        self.say(&Message::Stage(row.clone()))
    }

    fn cell(&mut self, row: &Cell) -> Result<(), Failure> {
        self.say(&Message::Cell(Box::new(row.clone())))
    }
}
