//! The data sets, embedded in the program. `suites/data/SOURCES.md` says where they come from.
//!
//! A data set that cannot be read is a broken build, so reading panics.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

/// A table of numbers, one inner vector per row.
pub type Table = Vec<Vec<f64>>;

/// 1797 handwritten digits: 64 pixels from 0 to 16, then the class.
pub static DIGITS: LazyLock<Table> = LazyLock::new(|| {
    let mut text = Vec::new();
    let packed: &[u8] = include_bytes!("../data/digits.csv.gz");
    GzDecoder::new(packed).read_to_end(&mut text).expect("the embedded digits unpack");
    parse(&text, false)
});

/// 569 tumours: 30 measurements, then 0 for malignant and 1 for benign.
pub static BREAST_CANCER: LazyLock<Table> = LazyLock::new(|| parse(include_bytes!("../data/breast_cancer.csv"), true));

/// 309 years: the year and its mean sunspot number.
pub static SUNSPOTS: LazyLock<Table> = LazyLock::new(|| parse(include_bytes!("../data/sunspots.csv"), true));

/// The opening of a story in English.
pub static STORY: &str = include_str!("../data/alice.txt");

/// The story as indices in its alphabet, and how many characters that has: the characters that
/// occur, in order.
pub fn story() -> (Vec<i64>, usize) {
    let alphabet: BTreeSet<char> = STORY.chars().collect();
    let alphabet: Vec<char> = alphabet.into_iter().collect();
    let index = |c: char| alphabet.binary_search(&c).expect("the alphabet holds every character") as i64;
    (STORY.chars().map(index).collect(), alphabet.len())
}

fn parse(text: &[u8], header: bool) -> Table {
    let mut reader = csv::ReaderBuilder::new().has_headers(header).flexible(true).from_reader(text);
    let rows = reader.records().map(|record| {
        let record = record.expect("embedded data is CSV");
        record.iter().map(|field| field.parse().expect("embedded data is numbers")).collect()
    });
    rows.collect()
}

/// Shifts and scales values to mean 0 and (population) standard deviation 1.
pub fn standardise(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
    values.iter().map(|x| (x - mean) / deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(table: &Table) -> (usize, usize) {
        assert!(table.iter().all(|row| row.len() == table[0].len()));
        (table.len(), table[0].len())
    }

    #[test]
    fn data_sets_have_their_documented_extents() {
        assert_eq!(extents(&DIGITS), (1797, 65));
        assert_eq!(extents(&BREAST_CANCER), (569, 31));
        assert_eq!(extents(&SUNSPOTS), (309, 2));
    }

    #[test]
    fn the_story_begins_with_alice() {
        let (indices, characters) = story();
        assert_eq!((indices.len(), characters), (STORY.len(), 43));
        assert!(indices.iter().all(|&i| (0..characters as i64).contains(&i)));
        let space = indices[5];
        assert_eq!((STORY.as_bytes()[5], indices.iter().filter(|&&i| i == space).count()), (b' ', 308));
    }

    #[test]
    fn standardised_values_have_mean_zero_and_deviation_one() {
        let z = standardise(&[1.0, 2.0, 3.0, 6.0]);
        assert!(z.iter().sum::<f64>().abs() < 1e-15);
        assert!((z.iter().map(|x| x * x).sum::<f64>() - 4.0).abs() < 1e-14);
    }
}
