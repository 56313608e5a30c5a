//! Sums across blocks, in the order of [`crate::reduce`].

use crate::reduce::{ROWS, add_quads, sum_all};

/// Elements that are summed at once.
pub(super) const CHUNK: usize = crate::reduce::BLOCK;

/// A sum of all elements: chunks are summed one by one and combined as a balanced tree.
#[derive(Debug, Default)]
pub(super) struct Total {
    /// Elements of a chunk that is not complete yet.
    waiting: Vec<f64>,
    partial: Vec<f64>,
    chunks: usize,
    /// Whether chunks are left for another sum to combine.
    apart: bool,
}

impl Total {
    /// Begins a sum; `apart` if it is a part of another that begins with a chunk.
    pub(super) fn start(&mut self, apart: bool) {
        self.waiting.clear();
        self.partial.clear();
        self.chunks = 0;
        self.apart = apart;
    }

    /// Adds the chunks of the next part.
    pub(super) fn absorb(&mut self, part: &mut Total) {
        if !part.waiting.is_empty() {
            part.flush();
        }
        part.partial.iter().for_each(|&sum| self.chunk(sum));
    }

    pub(super) fn add(&mut self, mut x: &[f64]) {
        while !x.is_empty() {
            if self.waiting.is_empty() && x.len() >= CHUNK {
                self.chunk(sum_all(&x[..CHUNK]));
                x = &x[CHUNK..];
                continue;
            }
            let taken = x.len().min(CHUNK - self.waiting.len());
            self.waiting.extend_from_slice(&x[..taken]);
            x = &x[taken..];
            if self.waiting.len() == CHUNK {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        let sum = sum_all(&self.waiting);
        self.waiting.clear();
        self.chunk(sum);
    }

    fn chunk(&mut self, mut sum: f64) {
        let complete = if self.apart { 0 } else { self.chunks.trailing_ones() };
        for _ in 0..complete {
            sum += self.partial.pop().expect("as many partial sums as ones in the count");
        }
        self.partial.push(sum);
        self.chunks += 1;
    }

    pub(super) fn finish(&mut self) -> f64 {
        if !self.waiting.is_empty() {
            self.flush();
        }
        self.partial.iter().rev().copied().reduce(|a, b| a + b).unwrap_or(0.0)
    }
}

/// The sum of the rows of a matrix: leaves of up to [`ROWS`] rows, four at a time, combined by halves.
#[derive(Debug, Default)]
pub(super) struct RowSum {
    columns: usize,
    /// One row for each leaf or half that waits for its other half.
    levels: Vec<f64>,
    /// Rows of each leaf, last first, and how many halves are complete with it.
    leaves: Vec<(usize, usize)>,
    /// Levels in use, the last of which is the leaf at hand.
    depth: usize,
    /// Rows of the leaf at hand that were added.
    done: usize,
    /// First and second pair of the four rows at hand.
    pairs: Vec<f64>,
}

impl RowSum {
    /// Begins a sum; `apart` if it is a part of another that begins with a leaf: then each leaf keeps its level.
    pub(super) fn start(&mut self, rows: usize, columns: usize, apart: bool) {
        self.leaves.clear();
        if apart {
            self.leaves.extend((0..rows).step_by(ROWS).map(|at| (ROWS.min(rows - at), 0)).rev());
        } else {
            plan_leaves(rows, 0, &mut self.leaves);
        }
        let levels = if apart { self.leaves.len() } else { 1 + rows.ilog2() as usize };
        self.columns = columns;
        self.levels.clear();
        self.levels.resize(levels * columns, 0.0);
        self.pairs.resize(2 * columns, 0.0);
        (self.depth, self.done) = (1, 0);
    }

    /// Adds the leaves of the next part.
    pub(super) fn absorb(&mut self, part: &RowSum) {
        for leaf in part.levels.chunks_exact(self.columns) {
            let at = (self.depth - 1) * self.columns;
            self.levels[at..at + self.columns].copy_from_slice(leaf);
            self.advance(self.leaf());
        }
    }

    /// Adds whole rows, or, if it is one row, a part of it that starts at `column` and ends it if `last`.
    pub(super) fn add(&mut self, mut x: &[f64], column: usize, last: bool) {
        if x.len() < self.columns {
            self.part(x, column);
            return if last {
                self.advance(1)
            };
        }
        while !x.is_empty() {
            let rows = x.len() / self.columns;
            let left = self.leaf() - self.done;
            let quads = if self.done.is_multiple_of(4) { rows.min(left) / 4 * 4 } else { 0 };
            let taken = if quads > 0 {
                let at = (self.depth - 1) * self.columns;
                add_quads(&x[..quads * self.columns], self.columns, &mut self.levels[at..at + self.columns]);
                quads
            } else {
                self.part(&x[..self.columns], 0);
                1
            };
            x = &x[taken * self.columns..];
            self.advance(taken);
        }
    }

    fn leaf(&self) -> usize {
        self.leaves.last().expect("a row too many").0
    }

    /// One row or a part of it.
    fn part(&mut self, x: &[f64], column: usize) {
        let phase = self.done % 4;
        let complete = self.done - phase + 4 <= self.leaf();
        let at = (self.depth - 1) * self.columns + column;
        let to = &mut self.levels[at..at + x.len()];
        let (first, second) = self.pairs.split_at_mut(self.columns);
        let (first, second) = (&mut first[column..column + x.len()], &mut second[column..column + x.len()]);
        match phase {
            _ if !complete => to.iter_mut().zip(x).for_each(|(to, x)| *to += x),
            0 => first.copy_from_slice(x),
            1 => first.iter_mut().zip(x).for_each(|(to, x)| *to += x),
            2 => second.copy_from_slice(x),
            _ => {
                for ((to, x), (first, second)) in to.iter_mut().zip(x).zip(first.iter().zip(second.iter())) {
                    *to += first + (second + x);
                }
            }
        }
    }

    fn advance(&mut self, rows: usize) {
        self.done += rows;
        let (leaf, merges) = *self.leaves.last().expect("a row too many");
        if self.done < leaf {
            return;
        }
        for _ in 0..merges {
            let (below, top) = self.levels.split_at_mut((self.depth - 1) * self.columns);
            let at = (self.depth - 2) * self.columns;
            below[at..].iter_mut().zip(&mut *top).for_each(|(to, x)| *to += *x);
            self.depth -= 1;
        }
        self.leaves.pop();
        self.done = 0;
        if !self.leaves.is_empty() {
            self.depth += 1;
            let at = (self.depth - 1) * self.columns;
            self.levels[at..at + self.columns].fill(0.0);
        }
    }

    pub(super) fn finish(&self) -> &[f64] {
        &self.levels[..self.columns]
    }
}

/// Leaves of a sum of `rows` rows, last first, each beginning at a multiple of [`ROWS`]; `merges` halves are complete after the last of them.
fn plan_leaves(rows: usize, merges: usize, leaves: &mut Vec<(usize, usize)>) {
    if rows <= ROWS {
        return leaves.push((rows, merges));
    }
    let first = (rows / 2).next_multiple_of(ROWS);
    plan_leaves(rows - first, merges + 1, leaves);
    plan_leaves(first, 0, leaves);
}
