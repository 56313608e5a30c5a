//! Panics as values. A panic is a defect, of a strategy or of this program; it must not take the
//! rows of a run with it, nor greet a user with a stack trace.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Once, mpsc};
use std::thread;
use std::time::Duration;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the last guarded panic of this thread was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `f`; a panic becomes an error that says where it was and what it said. It is printed
/// besides only if a backtrace is asked for in the environment.
pub fn guarded<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    listen();
    let before = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    GUARDED.set(before);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
        format!("panic at {}: {text}", PLACE.take())
    })
}

/// The stack of a thread that works: parsing nests as deeply as its input.
pub const STACK: usize = 256 << 20;

/// Runs `f` on a thread of its own; `None` when it has not ended in time. The thread then goes on
/// until the process ends. A panic of it goes on here.
pub fn within<R: Send + 'static>(limit: Duration, f: impl FnOnce() -> R + Send + 'static) -> Option<R> {
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        // The receiver is gone if time is up.
        let _ = sender.send(guarded(f));
    };
    thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread can be started");
    let result = receiver.recv_timeout(limit).ok()?;
    Some(result.unwrap_or_else(|why| panic!("{why}")))
}

/// Watches over work in steps, on the thread that does it: a step that takes too long cannot be stopped, only the process.
#[derive(Debug)]
pub struct Watchdog(mpsc::Sender<String>);

impl Watchdog {
    /// After a step that takes longer than `limit`, `late` is told which it was, and the process ends with the code it gives.
    pub fn new(limit: Duration, late: impl FnOnce(&str) -> u8 + Send + 'static) -> Self {
        let (sender, steps) = mpsc::channel::<String>();
        let watch = move || {
            let Ok(mut step) = steps.recv() else { return };
            loop {
                match steps.recv_timeout(limit) {
                    Ok(next) => step = next,
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    Err(mpsc::RecvTimeoutError::Timeout) => std::process::exit(late(&step).into()),
                }
            }
        };
        thread::Builder::new().spawn(watch).expect("a thread can be started");
        Self(sender)
    }

    /// A step begins, and the one before has ended.
    pub fn step(&self, what: impl Into<String>) {
        // The thread is there as long as this is.
        let _ = self.0.send(what.into());
    }
}

/// Keeps guarded panics from being printed, and notes where they are.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let wanted = std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0");
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                PLACE.set(info.location().map_or_else(String::new, |l| format!("{}:{}", l.file(), l.line())));
            }
            if wanted || !GUARDED.get() {
                before(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_and_limits() {
        assert_eq!(guarded(|| 3), Ok(3));
        assert_eq!(within(Duration::from_secs(60), || 3), Some(3));
        assert_eq!(within(Duration::from_millis(1), || thread::sleep(Duration::from_secs(60))), None);
        let error = guarded::<()>(|| panic!("no {}", "way")).unwrap_err();
        assert!(error.contains("guard.rs:") && error.ends_with(": no way"), "{error}");
    }
}
