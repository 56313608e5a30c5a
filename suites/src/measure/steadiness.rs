//! Whether the samples of a cell came from one steady state, so that its median and interval mean what they say.
//!
//! | word | what is seen | rule |
//! | --- | --- | --- |
//! | `drift` | slower, or faster, round after round | rank correlation with the rounds significant at 0.1 %, and 2 % of change |
//! | `two-modes` | two groups of samples apart | their medians differ by 3 % and by many times what either is spread |
//! | `noisy` | samples all over | deviation above 10 % of the median |
//! | `steady` | none of these | |
//!
//! The correlation is Spearman's, its significance by Fisher's transform with the variance of Fieller, Hartley and Pearson
//! (*Biometrika* 44, 1957). How many times the spread two modes must be apart grows for few samples, so that of
//! normal samples less than one in a hundred sets is called so. A cell with less than [`FEWEST`] samples has no word.

use adjudicate_reports::rows::Steadiness;

use super::stats::median;

/// The fewest samples of which anything is said.
const FEWEST: usize = 7;
/// The normal quantile of a two-sided level of 0.1 %.
const SIGNIFICANT: f64 = 3.29;
/// The least change from the first to the last third that is drift.
const LEAST_DRIFT: f64 = 0.02;
/// The least distance of two modes, as a part of the median.
const LEAST_APART: f64 = 0.03;
/// What is noisy, as a part of the median.
const NOISY: f64 = 0.10;
/// The deviation of normal samples over their median absolute deviation.
const DEVIATION: f64 = 1.4826;

/// What is seen of samples in the order of their rounds, and their rank correlation with it.
pub fn steadiness(samples: &[f64]) -> Option<(Steadiness, f64)> {
    if samples.len() < FEWEST {
        return None;
    }
    let correlation = rank_correlation(samples);
    let middle = median(samples);
    let word = if drifts(samples, correlation) {
        Steadiness::Drift
    } else if has_two_modes(samples, middle) {
        Steadiness::TwoModes
    } else if DEVIATION * deviation(samples, middle) > NOISY * middle {
        Steadiness::Noisy
    } else {
        Steadiness::Steady
    };
    Some((word, correlation))
}

fn drifts(samples: &[f64], correlation: f64) -> bool {
    let transformed = correlation.clamp(-0.999_999, 0.999_999).atanh();
    let sure = transformed.abs() * ((samples.len() as f64 - 3.0) / 1.06).sqrt() > SIGNIFICANT;
    let third = samples.len() / 3;
    let change = median(&samples[samples.len() - third..]) / median(&samples[..third]);
    sure && change.ln().abs() > LEAST_DRIFT
}

/// Spearman's correlation of the samples with their places. Equal samples share their ranks.
fn rank_correlation(samples: &[f64]) -> f64 {
    let rank = |x: &f64| {
        let below = samples.iter().filter(|y| *y < x).count() as f64;
        let equal = samples.iter().filter(|y| *y == x).count() as f64;
        below + (equal - 1.0) / 2.0
    };
    let middle = (samples.len() as f64 - 1.0) / 2.0;
    let ranks: Vec<f64> = samples.iter().map(|x| rank(x) - middle).collect();
    let places = (0..samples.len()).map(|place| place as f64 - middle);
    let together: f64 = ranks.iter().zip(places.clone()).map(|(rank, place)| rank * place).sum();
    let apart =
        (ranks.iter().map(|rank| rank * rank).sum::<f64>() * places.map(|place| place * place).sum::<f64>()).sqrt();
    if apart > 0.0 { together / apart } else { 0.0 }
}

fn has_two_modes(samples: &[f64], middle: f64) -> bool {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (all, least) = (sorted.len(), (sorted.len().div_ceil(5)).max(3));
    let split = |at: usize| {
        let (lower, upper) = sorted.split_at(at);
        let spread = |part: &[f64]| {
            let middle = median(part);
            part.iter().map(|x| (x - middle).abs()).sum::<f64>()
        };
        ((spread(lower) + spread(upper)) / all as f64, median(upper) - median(lower))
    };
    let best = (least..=all.saturating_sub(least)).map(split).min_by(|a, b| a.0.total_cmp(&b.0));
    let enough = 6.5 + 45.0 / all as f64;
    best.is_some_and(|(spread, apart)| apart > LEAST_APART * middle && apart > enough * spread)
}

fn deviation(samples: &[f64], middle: f64) -> f64 {
    median(&samples.iter().map(|x| (x - middle).abs()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Samples around 100 with a deviation of about 1 %, changed by their place.
    fn samples(n: usize, seed: u64, change: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut random = Random::new(seed, "samples");
        let mut noise = || (0..12).map(|_| random.uniform(0.5)).sum::<f64>();
        (0..n).map(|place| (100.0 + noise()) * change(place)).collect()
    }

    fn words(n: usize, change: impl Fn(usize) -> f64) -> Vec<Steadiness> {
        (0..200).filter_map(|seed| Some(steadiness(&samples(n, seed, &change))?.0)).collect()
    }

    #[test]
    fn steady_samples_are_hardly_ever_called_otherwise() {
        for n in [FEWEST, 11, 25, 51] {
            let other = words(n, |_| 1.0).into_iter().filter(|word| *word != Steadiness::Steady).count();
            assert!(other <= 4, "{other} of 200 with {n} samples");
        }
    }

    #[test]
    fn drift_modes_and_noise_are_seen() {
        let seen = |word: Steadiness, n: usize, change: fn(usize) -> f64| {
            let seen = words(n, change).into_iter().filter(|found| *found == word).count();
            assert!(seen >= 190, "{word} seen in {seen} of 200 with {n} samples");
        };
        for n in [11, 25, 51] {
            seen(Steadiness::Drift, n, |place| 1.0 + 0.01 * place as f64);
        }
        seen(Steadiness::TwoModes, 25, |place| if place % 3 == 0 { 1.15 } else { 1.0 });
        seen(Steadiness::Noisy, 25, |place| 1.0 + 0.05 * ((place * 7) % 11) as f64);
        assert_eq!(steadiness(&[1.0; FEWEST]), Some((Steadiness::Steady, 0.0)));
        assert_eq!(steadiness(&[1.0; FEWEST - 1]), None);
    }
}
