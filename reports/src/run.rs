//! A run as every report receives it, and how one is put together from the files of its folder.

use std::collections::HashSet;

use crate::columns::Row;
use crate::derive::is_preparation;
use crate::files::{self, MANIFEST, MATRIX, ReadError, Warning, Without};
use crate::rows::{
    Cell, Check, Claim, Count, HANDWRITTEN, Key, Manifest, Matrix, NODES_AFTER, Sample, StageTime, Valid,
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
        let missing = || ReadError { file: MANIFEST.into(), line: 1, column: String::new(), wrong: "missing".into() };
        let manifest = files::read_manifest(&file(MANIFEST).ok_or_else(missing)?, MANIFEST)?;
        let matrix = file(MATRIX).map(|bytes| files::read_matrix(&bytes, MATRIX)).transpose()?;
        let mut warnings = Vec::new();
        let run = Run {
            manifest,
            cells: table(&file, None, &mut warnings)?,
            samples: table(&file, None, &mut warnings)?,
            checks: table(&file, None, &mut warnings)?,
            counts: table(&file, counts, &mut warnings)?,
            stages: table(&file, None, &mut warnings)?,
            claims: table(&file, None, &mut warnings)?,
            matrix,
        };
        Ok((run, warnings))
    }

    /// What the tables say of each other that cannot be: a cell twice, or valid without a check.
    fn contradictions(&self) -> Vec<Warning> {
        let checked: HashSet<&Key> = self.checks.iter().map(|check| &check.key).collect();
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for (index, cell) in self.cells.iter().enumerate() {
            let mut warn = |found_here: String| {
                found.push(Warning { file: Cell::FILE.into(), line: index as u64 + 2, found: found_here })
            };
            if !seen.insert(&cell.key) {
                warn(format!("{} is there twice", cell.key));
            }
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
    let Some(bytes) = file(R::FILE) else {
        // Runs had neither claims nor stages at first.
        if ![Claim::FILE, StageTime::FILE].contains(&R::FILE) {
            warnings.push(Warning { file: R::FILE.to_owned(), line: 1, found: "missing".to_owned() });
        }
        return Ok(Vec::new());
    };
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let (rows, found) = files::read_rows_without(&bytes, R::FILE, without)?;
    warnings.extend(found);
    Ok(rows)
}
