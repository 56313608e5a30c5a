//! Random programs: every strategy, with the optimiser and without, finds the same values and the same
//! derivatives of orders 1 and 2, or refuses; none panics.
//!
//! `PROGRAMS` is how many are tried and `SEED` the first; `scripts/random-programs.sh` tries 20 000.
//! What is found wrong is shrunk to a small program and shown.

mod choices;
mod expressions;
mod judge;
#[path = "../common/numbers.rs"]
mod numbers;
mod program;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use choices::{seeded, shrunk};
use judge::{Verdict, judge};
use program::program;

/// How many are tried when nothing is said.
const PROGRAMS: u64 = 60;

/// How many choices decide a program.
const CHOICES: usize = 500;

/// What was found of all programs.
#[derive(Default)]
struct Found {
    agreed: u64,
    numbers: usize,
    rejected: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

impl Found {
    fn note(&mut self, seed: u64) {
        let choices = seeded(seed, CHOICES);
        match judge(&program(&choices)) {
            Verdict::Agreed { numbers, refusals } => {
                self.agreed += 1;
                self.numbers += numbers;
                refusals.into_iter().for_each(|why| *self.refused.entry(why).or_default() += 1);
            }
            Verdict::Rejected(why) => *self.rejected.entry(headline(&why)).or_default() += 1,
            Verdict::Wrong(_) => self.wrong.push(minimal(seed, choices)),
        }
    }

    fn join(&mut self, other: Found) {
        self.agreed += other.agreed;
        self.numbers += other.numbers;
        other.rejected.into_iter().for_each(|(why, n)| *self.rejected.entry(why).or_default() += n);
        other.refused.into_iter().for_each(|(why, n)| *self.refused.entry(why).or_default() += n);
        self.wrong.extend(other.wrong);
    }
}

/// The first line of a message, without the numbers of variables.
fn headline(message: &str) -> String {
    message.lines().next().unwrap_or("").chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The smallest program that is wrong in whatever way.
fn minimal(seed: u64, choices: Vec<u32>) -> String {
    let small = shrunk(choices, |choices| matches!(judge(&program(choices)), Verdict::Wrong(_)));
    let random = program(&small);
    let Verdict::Wrong(why) = judge(&random) else { panic!("seed {seed} is wrong only sometimes") };
    format!("seed {seed}:\n{}{why}\n", random.python)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
#[expect(clippy::print_stdout, reason = "the script shows what was found")]
fn strategies_agree_on_random_programs() {
    let (count, first) = (setting("PROGRAMS", PROGRAMS), setting("SEED", 0));
    let next = AtomicU64::new(first);
    let found = Mutex::new(Found::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Found::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || mine.wrong.len() >= 5 {
                        break;
                    }
                    mine.note(seed);
                }
                found.lock().expect("nobody panicked").join(mine);
            });
        }
    });
    let found = found.into_inner().expect("nobody panicked");
    println!("{} programs, {} answers that agree", found.agreed, found.numbers);
    println!("not in the language: {:#?}\nrefused: {:#?}", found.rejected, found.refused);
    assert!(found.wrong.is_empty(), "{}", found.wrong.join("\n"));
    assert!(found.agreed * 10 >= count * 7, "hardly any program is one of the language");
    assert!(found.numbers as u64 >= found.agreed * 8, "hardly any request is answered");
}
