//! Statistics of samples: the median, its spread and an interval for it.

use serde::{Deserialize, Serialize};

/// Summary of the samples of one cell, in the unit of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many samples.
    pub samples: usize,
    /// The median.
    pub median: f64,
    /// Lower end of the interval for the median.
    pub low: f64,
    /// Upper end of the interval for the median.
    pub high: f64,
    /// Median absolute deviation from the median.
    pub mad: f64,
    /// The smallest sample.
    pub min: f64,
    /// Samples further from the median than five deviations. They are counted, never dropped.
    pub outliers: usize,
}

impl Summary {
    /// Summarises samples; `None` if there are none.
    ///
    /// The interval is that of the order statistics around the median with coverage of at least
    /// 95 % whatever the distribution (David and Nagaraja, Order Statistics, §7.1). Fewer than six
    /// samples cannot give it; it then spans all of them.
    pub fn of(samples: &[f64]) -> Option<Summary> {
        if samples.is_empty() {
            return None;
        }
        let sorted = sorted(samples);
        let median = middle(&sorted);
        let deviations: Vec<f64> = sorted.iter().map(|x| (x - median).abs()).collect();
        let mad = self::median(&deviations);
        let rank = interval_rank(sorted.len());
        Some(Summary {
            samples: sorted.len(),
            median,
            low: sorted[rank],
            high: sorted[sorted.len() - 1 - rank],
            mad,
            min: sorted[0],
            outliers: deviations.iter().filter(|d| **d > 5.0 * mad).count(),
        })
    }
}

/// The median of at least one number.
pub fn median(values: &[f64]) -> f64 {
    middle(&sorted(values))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

/// How many order statistics to leave out on each side: the largest `r` with
/// `P(Binomial(n, 1/2) ≤ r) ≤ 2.5 %`, counted from 0, or 0.
fn interval_rank(n: usize) -> usize {
    let mut term = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let mut below = term;
    let mut rank = 0;
    while below <= 0.025 && rank < n / 2 {
        rank += 1;
        term *= (n - rank + 1) as f64 / rank as f64;
        below += term;
    }
    rank.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_even_and_odd_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn interval_ranks_are_those_of_the_tables() {
        // Ranks from the usual table of the sign test, counted from 0.
        for (n, rank) in [(1, 0), (5, 0), (6, 0), (8, 0), (9, 1), (12, 2), (15, 3), (20, 5), (30, 9)] {
            assert_eq!(interval_rank(n), rank, "n = {n}");
        }
    }

    #[test]
    fn a_summary_counts_outliers_and_keeps_them() {
        let s = Summary::of(&[1.0, 1.1, 0.9, 1.0, 50.0, 1.2, 0.8]).unwrap();
        assert_eq!((s.samples, s.median, s.outliers, s.min), (7, 1.0, 1, 0.8));
        assert!(s.low <= s.median && s.median <= s.high);
        assert!(Summary::of(&[]).is_none());
    }
}
