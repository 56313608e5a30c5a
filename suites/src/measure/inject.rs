//! Faults put into a run on purpose, to see that the harness notices: a slowdown that comparing must find, and ends
//! that a run must survive. Asked for by the hidden flag `--inject STRATEGY=FAULT`.

use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::time::Taken;

/// A fault of one strategy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    strategy: String,
    fault: Fault,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Fault {
    /// Samples take this many times as long.
    Slow(f64),
    /// The first thing that is run never ends.
    Hang,
    /// The process aborts.
    Abort,
    /// All memory is used up.
    Memory,
}

impl Injection {
    /// Reads `tape=1.1`, `tape=hang`, `tape=abort`, `tape=memory`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (strategy, fault) = text.split_once('=').ok_or("not of the form STRATEGY=FACTOR, such as tape=1.1")?;
        let fault = match fault {
            "hang" => Fault::Hang,
            "abort" => Fault::Abort,
            "memory" => Fault::Memory,
            factor => match factor.parse() {
                Ok(factor) if (1.0..1e3).contains(&factor) => Fault::Slow(factor),
                _ => return Err("neither a factor from 1 nor hang, abort or memory".to_owned()),
            },
        };
        Ok(Self { strategy: strategy.to_owned(), fault })
    }

    /// The strategy.
    pub fn strategy(&self) -> &str {
        &self.strategy
    }

    /// What happens when a strategy is run.
    pub(super) fn strike(&self, strategy: &str) {
        if self.strategy != strategy {
            return;
        }
        match self.fault {
            Fault::Slow(_) => {}
            Fault::Hang => loop {
                std::thread::park();
            },
            Fault::Abort => std::process::abort(),
            Fault::Memory => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                loop {
                    hoard.push(std::hint::black_box(vec![1; 1 << 24]));
                }
            }
        }
    }

    /// The time of a sample of a strategy, made longer by waiting as busily as the sample was.
    pub(super) fn prolong(&self, strategy: &str, taken: Taken, clock: &dyn Clock) -> Taken {
        let Fault::Slow(factor) = self.fault else { return taken };
        if self.strategy != strategy {
            return taken;
        }
        let now = || taken.busy.and_then(|_| clock.busy_nanos()).unwrap_or_else(|| clock.nanos());
        let own = taken.busy.unwrap_or(taken.total);
        let (begun, start, wait) = (clock.nanos(), now(), (own as f64 * (factor - 1.0)) as u64);
        while now() - start < wait {
            std::hint::spin_loop();
        }
        Taken { total: taken.total + (clock.nanos() - begun), busy: taken.busy.map(|busy| busy + wait) }
    }
}
