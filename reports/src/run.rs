//! A run as every report receives it, and how one is put together from the files of its folder.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;

use crate::columns::Row;
use crate::derive::is_preparation;
use crate::files::{self, MANIFEST, MATRIX, ReadError, Warning, Without};
use crate::rows::{
    Cell, Check, Claim, Count, HANDWRITTEN, Key, Manifest, Matrix, NODES_AFTER, Sample, StageTime, Status, Valid,
};

/// Everything a run folder holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Where it came from.
    pub manifest: Manifest,
    /// What was measured, in the order of the plan.
    pub cells: Vec<Cell>,
    /// The raw times.
    pub samples: Vec<Sample>,
    /// The comparisons.
    pub checks: Vec<Check>,
    /// What was counted.
    pub counts: Vec<Count>,
    /// How long the stages of preparing took; none in runs that did not say.
    pub stages: Vec<StageTime>,
    /// The paper's claims.
    pub claims: Vec<Claim>,
    /// The capability matrix, if the run made one.
    pub matrix: Option<Matrix>,
}

impl Run {
    /// Puts a run together; `file` gives the bytes of a file of the folder, `None` if there is no such file.
    ///
    /// Only the manifest must be there: an interrupted run may not have begun the other files.
    ///
    /// # Errors
    /// The first file that is missing or cannot be read.
    pub fn read(file: impl Fn(&str) -> Option<Vec<u8>>) -> Result<(Run, Vec<Warning>), ReadError> {
        let (run, mut warnings) = Run::read_without(file, None)?;
        if run.cells.is_empty() && warnings.iter().all(|warning| warning.file != Cell::FILE) {
            warnings.push(whole::<Cell>("it has column names and no cells"));
        }
        warnings.extend(run.contradictions());
        Ok((run, warnings))
    }

    /// As [`Run::read`], without what comparing does not ask for: checks, claims, stages, and how many nodes there were after each
    /// pass, most of all counts, are passed over, and what the tables say of each other is not looked at.
    ///
    /// # Errors
    /// As [`Run::read`].
    pub fn read_to_compare(file: impl Fn(&str) -> Option<Vec<u8>>) -> Result<(Run, Vec<Warning>), ReadError> {
        let wanted = |name: &str| {
            if [Check::FILE, Claim::FILE, StageTime::FILE].contains(&name) { Some(Vec::new()) } else { file(name) }
        };
        Run::read_without(wanted, Some(("metric", NODES_AFTER)))
    }

    fn read_without(file: impl Fn(&str) -> Option<Vec<u8>>, counts: Without) -> Result<(Run, Vec<Warning>), ReadError> {
        let wrong = "missing, and what has none is no run".to_owned();
        let missing = || ReadError { file: MANIFEST.to_owned(), line: 0, column: String::new(), wrong };
        let manifest = files::read_manifest(&file(MANIFEST).ok_or_else(missing)?, MANIFEST)?;
        let matrix = file(MATRIX).map(|bytes| files::read_matrix(&bytes, MATRIX)).transpose()?;
        let mut warnings = Vec::new();
        let run = Run {
            manifest,
            cells: table_of(&file, "suite to threads", |cell: &Cell| cell.key.clone(), &mut warnings)?,
            samples: table(&file, None, &mut warnings)?,
            checks: table(&file, None, &mut warnings)?,
            counts: table(&file, counts, &mut warnings)?,
            stages: table_of(
                &file,
                "suite to place",
                |row: &StageTime| Place(row.key.clone(), row.place),
                &mut warnings,
            )?,
            claims: table(&file, None, &mut warnings)?,
            matrix,
        };
        Ok((run, warnings))
    }

    /// That the run broke off: how many cells of how many were measured. A cell that is skipped since nothing checks it was
    /// reached.
    pub fn broken_off(&self) -> Option<String> {
        let planned = self.manifest.planned_cells?;
        let waits = |cell: &Cell| cell.status == Status::Skipped && cell.valid != Valid::Unchecked;
        let reached = self.cells.iter().filter(|cell| !is_preparation(cell) && !waits(cell)).count() as u64;
        (reached < planned).then(|| format!("broke off: {reached} of {planned} cells were measured"))
    }

    /// What the tables say of each other that cannot be: a cell that is valid without a check.
    fn contradictions(&self) -> Vec<Warning> {
        let checked: HashSet<&Key> = self.checks.iter().map(|check| &check.key).collect();
        let mut found = Vec::new();
        for (index, cell) in self.cells.iter().enumerate() {
            let mut warn = |found_here: String| {
                found.push(Warning { file: Cell::FILE.into(), line: index as u64 + 2, found: found_here })
            };
            let claims = cell.valid == Valid::True && !is_preparation(cell) && cell.key.strategy != HANDWRITTEN;
            if claims && !checked.contains(&cell.key) {
                warn(format!("{} is called valid, but {} has no check of it", cell.key, Check::FILE));
            }
        }
        found
    }
}

/// The rows of one table; none if its file is absent or was made and not yet written to.
fn table<R: Row>(
    file: impl Fn(&str) -> Option<Vec<u8>>,
    without: Without,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<R>, ReadError> {
    placed_table(file, without, warnings).map(|(rows, _)| rows)
}

/// The rows of one table, of which no two may be about the same.
fn table_of<R: Row, I: Eq + Hash + Display>(
    file: impl Fn(&str) -> Option<Vec<u8>>,
    columns: &str,
    what: impl Fn(&R) -> I,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<R>, ReadError> {
    let (rows, lines) = placed_table::<R>(file, None, warnings)?;
    let mut seen = HashMap::with_capacity(rows.len());
    for (row, line) in rows.iter().zip(lines) {
        let about = what(row);
        if let Some(before) = seen.get(&about) {
            let wrong = format!("{about} is there twice; it was in line {before}");
            return Err(ReadError { file: R::FILE.to_owned(), line, column: columns.to_owned(), wrong });
        }
        seen.insert(about, line);
    }
    Ok(rows)
}

/// The rows of one table, and the line of each.
fn placed_table<R: Row>(
    file: impl Fn(&str) -> Option<Vec<u8>>,
    without: Without,
    warnings: &mut Vec<Warning>,
) -> Result<(Vec<R>, Vec<u64>), ReadError> {
    let Some(bytes) = file(R::FILE) else {
        // Runs had neither claims nor stages at first.
        if ![Claim::FILE, StageTime::FILE].contains(&R::FILE) {
            warnings.push(whole::<R>("missing"));
        }
        return Ok(Default::default());
    };
    if bytes.is_empty() {
        warnings.push(whole::<R>("empty, not even a line of column names"));
        return Ok(Default::default());
    }
    let (rows, found, lines) = files::read_rows_without(&bytes, R::FILE, without)?;
    warnings.extend(found);
    Ok((rows, lines))
}

/// What is odd about a table as a whole.
fn whole<R: Row>(found: &str) -> Warning {
    Warning { file: R::FILE.to_owned(), line: 0, found: found.to_owned() }
}

/// A stage of a cell, by its place.
#[derive(PartialEq, Eq, Hash)]
struct Place(Arc<Key>, u32);

impl Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stage {} of {}", self.1, self.0)
    }
}
