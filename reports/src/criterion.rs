//! What `cargo bench` leaves behind, as rows of a run.
//!
//! criterion keeps a folder for each benchmark with `benchmark.json`, its names, and `sample.json`, its times. Our benchmarks are
//! called suite/function/contestant/size. What criterion timed is kept apart from what a run timed by the name of its
//! kernels, `embedded (criterion)`: it was not interleaved, and no check of it was kept.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::files::{ReadError, broken_json};
use crate::rows::{Key, Sample};

/// The file with the names of a benchmark.
pub const BENCHMARK: &str = "benchmark.json";
/// The file with its times.
pub const SAMPLE: &str = "sample.json";

/// Why an imported cell is not checked.
pub const UNCHECKED: &str = "timed by criterion, which keeps no check";

#[derive(Deserialize)]
struct Names {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
}

#[derive(Deserialize)]
struct Times {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// The cell that a benchmark is about; `None` for benchmarks that are not ours.
///
/// # Errors
/// JSON that is malformed or not criterion's.
pub fn read_key(bytes: &[u8], file: &str, kernels: &str) -> Result<Option<Key>, ReadError> {
    let Names { group_id, function_id, value_str } = json(bytes, file)?;
    let cell = group_id.split_once('/').zip(function_id.zip(value_str));
    Ok(cell.map(|((suite, function), (strategy, size))| Key {
        suite: suite.to_owned(),
        size,
        function: function.to_owned(),
        strategy,
        kernels: format!("{kernels} (criterion)"),
        threads: 1,
    }))
}

/// The samples of a benchmark.
///
/// # Errors
/// JSON that is malformed or not criterion's, no samples, or numbers that cannot be times.
pub fn read_samples(bytes: &[u8], file: &str, key: &Key) -> Result<Vec<Sample>, ReadError> {
    let Times { iters, times } = json(bytes, file)?;
    let wrong =
        |column: &str, wrong: String| ReadError { file: file.to_owned(), line: 1, column: column.to_owned(), wrong };
    if iters.is_empty() {
        return Err(wrong("iters", "there are no samples".to_owned()));
    }
    if iters.len() != times.len() {
        return Err(wrong("times", format!("{} times of {} samples", times.len(), iters.len())));
    }
    let sample = |(round, (iterations, total)): (usize, (&f64, &f64))| {
        if !(*iterations >= 1.0 && iterations.fract() == 0.0 && *iterations < 2_f64.powi(53)) {
            return Err(wrong("iters", format!("{iterations} is not a number of iterations")));
        }
        if !(*total > 0.0 && total.is_finite()) {
            return Err(wrong("times", format!("{total} is not a time")));
        }
        Ok(Sample {
            key: key.clone(),
            round: round as u32,
            order: 0,
            iterations: *iterations as u64,
            total_ns: *total,
            ns_per_iteration: total / iterations,
            warmup: false,
            busy_ns_per_iteration: None,
        })
    };
    iters.iter().zip(&times).enumerate().map(sample).collect()
}

fn json<T: DeserializeOwned>(bytes: &[u8], file: &str) -> Result<T, ReadError> {
    serde_json::from_slice(bytes).map_err(|error| broken_json(&error, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmarks_become_samples_and_foreign_ones_are_passed_over() {
        let names = br#"{"group_id":"mlp/gradient","function_id":"tape","value_str":"32x(64-10)","throughput":null}"#;
        let key = read_key(names, "b", "embedded").unwrap().unwrap();
        assert_eq!(key.to_string(), "mlp 32x(64-10) gradient tape (embedded (criterion), 1 thread)");
        let foreign = br#"{"group_id":"sorting","function_id":"quick","value_str":null}"#;
        assert_eq!(read_key(foreign, "b", "embedded").unwrap(), None);
        let samples =
            read_samples(br#"{"sampling_mode":"Flat","iters":[2.0,4.0],"times":[10.0,24.0]}"#, "s", &key).unwrap();
        assert_eq!(samples.iter().map(|s| s.ns_per_iteration).collect::<Vec<_>>(), [5.0, 6.0]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let refused = |text: &str| read_samples(text.as_bytes(), "s.json", &Key::default()).unwrap_err().to_string();
        assert_eq!(refused(r#"{"iters":[],"times":[]}"#), "s.json:1: column iters: there are no samples");
        assert_eq!(refused(r#"{"iters":[1],"times":[1,2]}"#), "s.json:1: column times: 2 times of 1 samples");
        assert_eq!(
            refused(r#"{"iters":[0.5],"times":[1]}"#),
            "s.json:1: column iters: 0.5 is not a number of iterations"
        );
        assert_eq!(refused(r#"{"iters":[1],"times":[-1]}"#), "s.json:1: column times: -1 is not a time");
        assert!(refused("{\"iters\":[1],\n\"times\":[NaN]}").starts_with("s.json:2: column "));
        assert!(refused("{\"iters\":[1]").starts_with("s.json:1: column "));
    }
}
