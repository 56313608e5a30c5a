//! Several pieces of work at once, each of which calls kernels, on the threads of [`crate::threads`].
//!
//! Whoever works for a thread does so as that thread would: under its mode, with the blocks that it keeps, and what is counted
//! is added to its counts. A piece may be run while a kernel of another waits for its own parts, so all of this is put
//! back as it was after each piece. Kernels that split their work find themselves on a thread of the pool and share it.

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::counts::{self, Counts};
use crate::pool::Lent;
use crate::{mode, threads};

/// Runs every piece, one after the other or on several threads. Returns when all have been run.
pub fn together<T: Send>(pieces: &mut [T], run: impl Fn(&mut T) + Sync) {
    match threads::pool(1, 1) {
        None => pieces.iter_mut().for_each(run),
        Some(pool) => on(&pool, pieces, run),
    }
}

fn on<T: Send>(pool: &ThreadPool, pieces: &mut [T], run: impl Fn(&mut T) + Sync) {
    let (flags, live, lent) = (mode::flags(), counts::live(), Lent::new());
    let work = |piece: &mut T| mode::under(flags, || lent.during(|| counts::apart(live, || run(piece))));
    let counted: Vec<Counts> = pool.install(|| pieces.par_iter_mut().with_max_len(1).map(work).collect());
    if counts::enabled() {
        counts::add(&counted);
    }
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::array::Array;
    use crate::ops::Binary;
    use crate::{Mode, fresh_blocks, set_mode};

    type Piece = (Array<f64>, Option<Array<f64>>);

    fn pool() -> ThreadPool {
        ThreadPoolBuilder::new().num_threads(2).build().expect("threads")
    }

    /// Sums of arrays of several sizes, as `each` makes them.
    fn sums(each: impl Fn(&mut [Piece])) -> Vec<Array<f64>> {
        let mut pieces: Vec<Piece> = (1..6_u32).map(|n| (Array::full(&[n as usize * 1000], n.into()), None)).collect();
        each(&mut pieces);
        pieces.into_iter().map(|(_, sum)| sum.expect("a sum")).collect()
    }

    fn add((x, sum): &mut Piece) {
        let twice = crate::binary(Binary::Add, (&*x).into(), (&*x).into());
        *sum = Some(crate::binary(Binary::Add, (&twice).into(), (&*x).into()));
    }

    #[test]
    fn what_helpers_do_counts_as_done_here() {
        let pool = pool();
        let (alone, expected) = counts::measure(|| sums(|pieces| pieces.iter_mut().for_each(add)));
        let held = counts::live();
        let (found, counted) = counts::measure(|| sums(|pieces| on(&pool, pieces, add)));
        assert_eq!(found, alone);
        assert_eq!(counted.live_bytes - held, expected.live_bytes);
        let peak = counted.peak_live_bytes - held;
        assert!(peak > expected.peak_live_bytes && peak <= 3 * 8 * 15_000, "{peak}");
        let same = |counts: &Counts| -> Vec<(&str, u64)> {
            counts.iter().filter(|(name, _)| !name.ends_with("live_bytes")).collect()
        };
        assert_eq!(same(&counted), same(&expected));
        drop((found, alone));
        assert_eq!(counts::live(), 0);
    }

    #[test]
    fn helpers_are_in_the_mode_of_who_they_work_for() {
        let pool = pool();
        set_mode(Mode::Null);
        let null = sums(|pieces| on(&pool, pieces, add));
        set_mode(Mode::Real);
        let real = sums(|pieces| on(&pool, pieces, add));
        assert!(null.iter().all(|sum| sum.as_slice().iter().all(|&x| x == 0.0)));
        assert!(real.iter().all(|sum| sum.as_slice().iter().all(|&x| x > 0.0)));
    }

    /// Blocks wander neither to the pools of helpers nor from them.
    #[test]
    fn what_helpers_make_lies_in_blocks_that_were_kept_here() {
        let pool = pool();
        let fresh = || pool.broadcast(|_| fresh_blocks()).into_iter().sum::<u64>() + fresh_blocks();
        // Each piece needs two at once, whoever comes first.
        (1..6).for_each(|n| crate::Block::of::<f64>(&[n * 1000]).reserve(3));
        let before = fresh();
        for _ in 0..10 {
            drop(sums(|pieces| on(&pool, pieces, add)));
        }
        assert_eq!(fresh(), before);
    }
}
