//! The supervisor: carries out a plan by workers, one for each turn of each group, and outlives them.
//!
//! All cells of a group are measured by one process at a time, interleaved as ever; the sizes of a suite take their turns
//! in turn (`turns.rs`), and a group has its rows when its last is over. If a worker says nothing for longer than
//! a cell may take, or ends before its time, the cell it was busy with is lost: it becomes a row with the
//! reason, and another worker goes on with the rest of the group, from the samples that were kept.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use adjudicate_reports::rows::{Check, Key, PREPARE, Sample, Valid};

use super::contestant::Trouble;
use super::group::{Depth, Tally};
use super::kernels::Kernels;
use super::plan::{Group, Plan};
use super::sink::{Sink, Stop};
use super::wire::{GO, Given, Job, Message, STOP};
use crate::exit::Failure;

/// The hidden command that makes a process a worker.
pub const WORKER: &str = "worker";

/// How much longer than its limit a cell may keep silent: a worker that still works says itself that time is up.
const GRACE: Duration = Duration::from_secs(2);

/// Carries out a plan. `given` says what is known of a group on some kernels.
pub fn supervise(
    plan: &Plan,
    depth: Depth,
    given: impl Fn(&Group, Kernels) -> Option<Given>,
    stop: &Stop,
    sink: &mut dyn Sink,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let turns = if depth == Depth::Time { plan.settings.turns() } else { 1 };
    for &kernels in &plan.settings.kernels {
        for suite in plan.groups.chunk_by(|one, next| one.suite.name == next.suite.name) {
            let task = |group| Some(Task::new(plan, group, (kernels, depth), given(group, kernels)?));
            let mut tasks: Vec<Task> = suite.iter().filter_map(task).collect();
            tally.add(&in_turns(&mut tasks, turns, stop, sink)?);
            if tally.interrupted {
                return Ok(tally);
            }
        }
    }
    Ok(tally)
}

/// Measures groups, each in as many turns: all have had theirs before one has its next.
fn in_turns(tasks: &mut [Task], turns: usize, stop: &Stop, sink: &mut dyn Sink) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    for turn in 0..turns {
        let is_last = turn + 1 == turns;
        for task in tasks.iter_mut() {
            tally.interrupted |= stop.requested();
            if tally.interrupted {
                return Ok(tally);
            }
            task.job.turn = turn;
            if is_last || !is_over(&task.job) {
                sink.group(task.group.suite.name, task.group.size.name)?;
                tally.add(&by_workers(task, is_last, stop, sink)?);
            }
        }
    }
    Ok(tally)
}

/// A group to measure: what its next worker is told, and the comparisons that failed in earlier turns.
struct Task<'p> {
    group: &'p Group,
    job: Job,
    failed: Vec<Check>,
}

impl<'p> Task<'p> {
    fn new(plan: &Plan, group: &'p Group, (kernels, depth): (Kernels, Depth), given: Given) -> Self {
        let job = Job {
            selection: plan.selection.clone(),
            settings: plan.settings.clone(),
            suite: group.suite.name.to_owned(),
            size: group.size.name.to_owned(),
            kernels,
            depth,
            turn: 0,
            given,
        };
        Self { group, job, failed: Vec::new() }
    }

    /// What a turn before the last leaves to the next: a cell that broke off is not tried again, and what was wrong once stays
    /// wrong.
    fn leave(&mut self, said: Vec<Message>) {
        for message in said {
            match message {
                Message::Check(row) if !row.passed => self.failed.push(row),
                Message::Cell(row) => {
                    let name = function(&row.key);
                    let trouble =
                        Trouble::of(&row).filter(|_| self.job.given.trouble(&name, &row.key.strategy).is_none());
                    self.job.given.lost.extend(trouble.map(|trouble| (name, row.key.strategy, trouble)));
                }
                _ => {}
            }
        }
    }

    /// Adds to what the last turn said the comparisons that failed in an earlier one alone.
    fn recall(&mut self, said: &mut Vec<Message>, tally: &mut Tally) {
        for check in std::mem::take(&mut self.failed) {
            let is_it = |row: &Check| !row.passed && (&row.key, &row.reference) == (&check.key, &check.reference);
            if said.iter().any(|message| matches!(message, Message::Check(row) if is_it(row))) {
                continue;
            }
            for message in said.iter_mut() {
                if let Message::Cell(row) = message
                    && row.key == check.key
                {
                    row.valid = Valid::False;
                }
            }
            tally.failed += 1;
            said.push(Message::Check(check));
        }
    }
}

/// Whether a later turn than that of the job was begun, by a run that now goes on.
fn is_over(job: &Job) -> bool {
    let end = job.settings.end_of_turn(job.turn);
    let rounds = job.given.samples.iter().filter(|sample| !sample.key.function.starts_with(PREPARE));
    rounds.map(|sample| sample.round as usize).any(|round| round >= end)
}

/// Measures a turn of a group, with as many workers as it takes. Only the last has rows, or the one that was interrupted.
fn by_workers(task: &mut Task, is_last: bool, stop: &Stop, sink: &mut dyn Sink) -> Result<Tally, Failure> {
    loop {
        let mut kept = Kept::default();
        let done = one_worker(&task.job, &mut kept, stop, sink)?;
        task.job.given.samples.append(&mut kept.samples);
        let loss = match done {
            Ok(mut tally) if is_last || tally.interrupted => {
                task.recall(&mut kept.said, &mut tally);
                kept.pass_on(sink)?;
                return Ok(tally);
            }
            Ok(_) => {
                task.leave(kept.said);
                return Ok(Tally::default());
            }
            Err(loss) => loss,
        };
        let (group, job) = (task.group, &mut task.job);
        let culprit = kept.doing.filter(|key| job.given.trouble(&function(key), &key.strategy).is_none());
        match culprit {
            Some(key) => job.given.lost.push((function(&key), key.strategy, loss)),
            // Nobody is to blame, or one that was not even tried: the group cannot be measured at all.
            None => {
                let already = job.given.lost.len();
                let all =
                    group.cells.iter().map(|c| (c.ask.name().to_owned(), c.contestant().into_owned(), loss.clone()));
                let rest: Vec<_> = all.filter(|(f, s, _)| job.given.trouble(f, s).is_none()).collect();
                job.given.lost.extend(rest);
                if job.given.lost.len() == already {
                    return Err(Failure::internal(format!(
                        "the worker of {} {}: {}",
                        job.suite,
                        job.size,
                        loss.reason()
                    )));
                }
            }
        }
    }
}

/// The function of a cell, also where only its preparation is meant.
fn function(key: &Key) -> String {
    key.function.trim_start_matches(PREPARE).to_owned()
}

/// What a worker said. All but samples is passed on when the group is done: another worker would say it again.
#[derive(Default)]
struct Kept {
    said: Vec<Message>,
    samples: Vec<Sample>,
    doing: Option<Key>,
}

impl Kept {
    fn pass_on(self, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.said.iter().try_for_each(|message| match message {
            Message::Check(row) => sink.check(row),
            Message::Count(row) => sink.count(row),
            Message::Stage(row) => sink.stage(row),
            Message::Cell(row) => sink.cell(row),
            _ => Ok(()),
        })
    }

    fn hear(&mut self, message: Message, sink: &mut dyn Sink) -> Result<(), Failure> {
        match message {
            Message::Doing(key, what) => {
                sink.doing(&key, &what);
                self.doing = Some(key);
            }
            Message::Sample(row) => {
                sink.sample(&row)?;
                self.samples.push(row);
            }
            other => self.said.push(other),
        }
        Ok(())
    }
}

/// Has one worker do a job: what came of it, or how the worker was lost.
fn one_worker(job: &Job, kept: &mut Kept, stop: &Stop, sink: &mut dyn Sink) -> Result<Result<Tally, Trouble>, Failure> {
    let mut worker = Worker::start()?;
    let text = serde_json::to_string(job).map_err(|e| Failure::internal(format!("a job cannot be written: {e}")))?;
    worker.tell(&text);
    let patience = job.settings.timeout.saturating_add(GRACE);
    loop {
        match worker.lines.recv_timeout(patience) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(Message::Done(tally)) => {
                    worker.tell(GO);
                    return Ok(Ok(tally));
                }
                Ok(Message::Failed(message)) => return Err(Failure::internal(message)),
                Ok(message) => {
                    kept.hear(message, sink)?;
                    worker.tell(if stop.requested() { STOP } else { GO });
                }
                Err(e) => return Err(Failure::internal(format!("a worker said what cannot be read: {e}"))),
            },
            Err(RecvTimeoutError::Timeout) => return Ok(Err(Trouble::Timeout)),
            Err(RecvTimeoutError::Disconnected) => return Ok(Err(Trouble::Failed(worker.epitaph(job)))),
        }
    }
}

/// A worker's process; it ends with the value.
struct Worker {
    child: Child,
    to: ChildStdin,
    lines: mpsc::Receiver<String>,
    complaints: Option<thread::JoinHandle<String>>,
}

impl Worker {
    fn start() -> Result<Self, Failure> {
        let cannot = |e: std::io::Error| Failure::internal(format!("cannot start a worker: {e}"));
        let mut command = Command::new(program().map_err(cannot)?);
        command.arg(WORKER).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is for the supervisor, which tells its worker.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(cannot)?;
        let (to, from, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (to, from, err) = (to.expect("it is piped"), from.expect("it is piped"), err.expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        let listen = move || {
            let lines = BufReader::new(from).lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
        };
        thread::Builder::new().spawn(listen).map_err(cannot)?;
        let complain = move || {
            let mut text = Vec::new();
            // What is no text, or cannot be read, is not worth keeping.
            let _ = err.take(1 << 16).read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        };
        let complaints = thread::Builder::new().spawn(complain).map_err(cannot)?;
        Ok(Self { child, to, lines, complaints: Some(complaints) })
    }

    /// A worker that is gone does not hear; that it is gone is found by listening.
    fn tell(&mut self, text: &str) {
        let _ = writeln!(self.to, "{text}").and_then(|()| self.to.flush());
    }

    /// How the worker ended, and the last it had to say.
    fn epitaph(&mut self, job: &Job) -> String {
        let ended = self.child.wait().map_or_else(|e| e.to_string(), how);
        let complaints = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let mut lines = complaints.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note:"));
        let telling = lines.clone().find(|line| line.contains("memory allocation of"));
        let said = telling.or_else(|| lines.next_back());
        match (said, job.settings.memory) {
            (Some(said), Some(limit)) if said.contains("memory allocation") => {
                format!("out of memory, of which {} MB are allowed: {said}", limit >> 20)
            }
            (Some(said), _) => format!("its process {ended}: {said}"),
            (None, _) => format!("its process {ended}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that is gone cannot be ended, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program. Where the system has a name for it that holds until it ends, it is that one: its file may be replaced by
/// another build during a run.
fn program() -> io::Result<PathBuf> {
    let own = Path::new("/proc/self/exe");
    if own.exists() { Ok(own.to_owned()) } else { std::env::current_exe() }
}

fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = [(4, "SIGILL"), (6, "SIGABRT"), (7, "SIGBUS"), (8, "SIGFPE"), (9, "SIGKILL"), (11, "SIGSEGV")];
        let name = name.iter().find(|(number, _)| *number == signal).map_or("a signal", |(_, name)| name);
        return format!("was ended by {name}");
    }
    format!("ended early, with {status}")
}

#[cfg(test)]
mod tests {
    use adjudicate_reports::rows::{Cell, Status};

    use super::super::plan::{Profile, Selection};
    use super::*;

    fn key(strategy: &str) -> Key {
        let text = str::to_owned;
        let (suite, size, function) = (text("cube"), text("scalar"), text("gradient"));
        Key { suite, size, function, strategy: text(strategy), kernels: text("embedded"), threads: 1 }
    }

    fn check(strategy: &str, passed: bool) -> Message {
        Message::Check(Check { key: key(strategy), reference: "finite".to_owned(), passed, ..Check::default() })
    }

    fn cell(strategy: &str, status: Status) -> Message {
        Message::Cell(Box::new(Cell { key: key(strategy), status, valid: Valid::True, ..Cell::default() }))
    }

    #[test]
    fn what_went_wrong_in_a_turn_is_known_in_the_next() {
        let selection = Selection { suites: vec!["cube".to_owned()], ..Selection::default() };
        let plan = Plan::new(&selection, Profile::Quick.settings()).unwrap();
        let settings = (plan.settings.kernels[0], Depth::Time);
        let mut task = Task::new(&plan, &plan.groups[0], settings, Given::default());
        let early = [
            check("tape", false),
            check("closure", false),
            cell("dataflow", Status::Timeout),
            cell("tape", Status::Ok),
        ];
        task.leave(early.into());
        assert_eq!(task.job.given.trouble("gradient", "dataflow"), Some(&Trouble::Timeout));
        assert!(task.job.given.trouble("gradient", "tape").is_none());
        let mut said =
            vec![check("tape", true), cell("tape", Status::Ok), check("closure", false), cell("closure", Status::Ok)];
        let mut tally = Tally::default();
        task.recall(&mut said, &mut tally);
        let failed: Vec<&str> = said
            .iter()
            .filter_map(|message| match message {
                Message::Check(row) if !row.passed => Some(&*row.key.strategy),
                _ => None,
            })
            .collect();
        assert_eq!((failed, tally.failed), (vec!["closure", "tape"], 1));
        let Message::Cell(row) = &said[1] else { panic!("the row of tape") };
        assert_eq!(row.valid, Valid::False);
    }
}
