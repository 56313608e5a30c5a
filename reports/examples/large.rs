//! Writes two runs of about as many cells as asked for, with samples, checks and counts as real runs have them, and says
//! how long it takes to compare them and to make the page of the first:
//!
//! ```sh
//! cargo run --release -p adjudicate-reports --example large -- 10000 large
//! adjudicate compare large/base large/new
//! ```
#![expect(clippy::print_stdout, reason = "figures go to the standard output")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, io};

use adjudicate_reports::columns::Row;
use adjudicate_reports::compare::{Scope, compare};
use adjudicate_reports::files::{MANIFEST, write_manifest, write_rows};
use adjudicate_reports::rows::{
    Cell, Check, Count, HANDWRITTEN, Key, Manifest, NODES_AFTER, PREPARE, SCHEMA_VERSION, Sample, StageTime, Status,
    Valid,
};
use adjudicate_reports::{Material, REPORTS, Run};

const SIZES: [&str; 3] = ["small", "medium", "large"];
const FUNCTIONS: [&str; 3] = ["value", "gradient", "hvp"];
const STRATEGIES: [&str; 4] = [HANDWRITTEN, "one", "two", "three"];
const ROUNDS: u32 = 8;
/// Rows of `counts.csv` for a cell: kinds of kernels, and stages of the program.
const COUNTS: [(&str, u64); 2] = [("calls:kind", 20), (NODES_AFTER, 36)];

fn main() -> io::Result<()> {
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, "usage: large CELLS FOLDER");
    let [cells, folder] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| usage())?;
    let (cells, folder) = (cells.parse().map_err(|_| usage())?, Path::new(&folder));
    for (name, shift) in [("base", 0), ("new", 1)] {
        write(&folder.join(name), &run(name, cells, shift))?;
    }
    let start = Instant::now();
    let read = |name: &str| {
        let file = |file: &str| fs::read(folder.join(name).join(file)).ok().filter(|_| file != Sample::FILE);
        Run::read_to_compare(file).map(|(run, _)| run).map_err(io::Error::other)
    };
    let found = compare(&read("base")?, &read("new")?, None, Scope { times: true });
    println!("compare: {:.3} s; {}", start.elapsed().as_secs_f64(), found.verdict());
    let start = Instant::now();
    let (base, _) = Run::read(|file| fs::read(folder.join("base").join(file)).ok()).map_err(io::Error::other)?;
    let page = REPORTS.iter().find(|report| report.name == "html").expect("a page is among the reports");
    let made = (page.render)(&Material::new(&base)).map_err(io::Error::other)?;
    let bytes: usize = made.iter().map(|artifact| artifact.bytes.len()).sum();
    println!("page: {:.3} s, {:.1} MB, {} cells", start.elapsed().as_secs_f64(), bytes as f64 / 1e6, base.cells.len());
    Ok(())
}

/// A run whose times depend on the shift a little, and nothing else does.
fn run(name: &str, cells: usize, shift: u64) -> Run {
    let manifest = Manifest { schema_version: SCHEMA_VERSION, run_id: name.to_owned(), ..Manifest::default() };
    let mut run = Run { manifest, ..Run::default() };
    let mut suite = 0;
    while run.cells.len() < cells {
        for size in SIZES {
            for function in FUNCTIONS {
                for strategy in STRATEGIES {
                    let [suite, size, function, strategy] =
                        [&format!("suite {suite}"), size, function, strategy].map(str::to_owned);
                    let kernels = "embedded".to_owned();
                    push(&mut run, Key { suite, size, function, strategy, kernels, threads: 1 }, shift);
                }
            }
        }
        suite += 1;
    }
    run
}

/// Adds a cell with all that belongs to it; of a strategy its preparation, checks and counts too.
fn push(run: &mut Run, key: Key, shift: u64) {
    let place = run.cells.len() as u64;
    let cell = |key: &Key, median: f64| {
        let (status, valid) = (Status::Ok, Valid::True);
        Cell { key: key.clone(), status, valid, median_ns: Some(median), ..Cell::default() }
    };
    let median = 1e3 * (1 + place % 97) as f64 * (1.0 + 1e-3 * ((place + shift) % 7) as f64);
    for round in 0..ROUNDS {
        let ns_per_iteration = median * (1.0 + 1e-3 * f64::from(round % 3));
        run.samples.push(Sample { key: key.clone(), round, iterations: 1, ns_per_iteration, ..Sample::default() });
    }
    if key.strategy == HANDWRITTEN {
        run.cells.push(cell(&key, median));
        return;
    }
    let counted = Cell { kernel_calls: Some(place), flops: Some(place * place), ..cell(&key, median) };
    run.cells.push(counted);
    run.cells.push(cell(&Key { function: format!("{PREPARE}{}", key.function), ..key.clone() }, 50.0 * median));
    for reference in [HANDWRITTEN, "finite"] {
        run.checks.push(Check { key: key.clone(), reference: reference.to_owned(), passed: true, ..Check::default() });
    }
    let key = Arc::new(key);
    for (metric, number) in COUNTS {
        let row = |n| Count { key: key.clone(), metric: format!("{metric}{n}"), value: place + n };
        run.counts.extend((0..number).map(row));
    }
    let (_, passes) = COUNTS[1];
    run.stages.extend((0..passes as u32).map(|place| StageTime {
        key: key.clone(),
        place,
        stage: place.to_string(),
        preparations: 5,
        median_ns: median * f64::from(1 + place),
    }));
}

fn write(folder: &Path, run: &Run) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let Run { manifest, cells, samples, checks, counts, stages, claims, matrix: _ } = run;
    let tables = [
        (MANIFEST, write_manifest(manifest)),
        ("cells.csv", write_rows(cells)),
        ("samples.csv", write_rows(samples)),
        ("checks.csv", write_rows(checks)),
        ("counts.csv", write_rows(counts)),
        ("stages.csv", write_rows(stages)),
        ("claims.csv", write_rows(claims)),
    ];
    tables.into_iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))
}
