//! A run folder being written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adjudicate_reports::Run;
use adjudicate_reports::columns::Row;
use adjudicate_reports::files::{self, MANIFEST, MATRIX};
use adjudicate_reports::rows::{Cell, Check, Claim, Count, Manifest, Matrix, Sample, StageTime};

use crate::exit::Failure;

/// A run folder with its tables open.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Cells, one row when each is done.
    pub cells: Table,
    /// Samples in the order they are taken.
    pub samples: Table,
    /// Comparisons.
    pub checks: Table,
    /// Exact counts.
    pub counts: Table,
    /// Times of the stages of preparing.
    pub stages: Table,
    /// The paper's claims.
    pub claims: Table,
}

/// A table that rows are appended to.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    file: File,
    /// Bytes up to the end of the last whole row.
    length: u64,
}

impl RunFolder {
    /// Whether the folder can be made, as far as can be known without making it.
    pub fn may_claim(path: &Path) -> Result<(), Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        match path.ancestors().skip(1).find(|above| above.exists()).filter(|above| !above.is_dir()) {
            Some(file) => Err(cannot(path, &io::Error::other(format!("{} is not a folder", file.display())))),
            None => Ok(()),
        }
    }

    /// Makes the folder, empty, so that what is in its way is known before there is anything to put into it. One that
    /// exists is left alone.
    pub fn claim(path: &Path) -> Result<(), Failure> {
        RunFolder::may_claim(path)?;
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|e| cannot(path, &e))?;
        fs::create_dir(path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => exists(path),
            _ => cannot(path, &e),
        })
    }

    /// Creates the files of a folder that was [claimed](RunFolder::claim).
    pub fn create(path: &Path, manifest: &Manifest) -> Result<Self, Failure> {
        write_file(&path.join(MANIFEST), files::write_manifest(manifest).as_bytes())?;
        Ok(Self {
            path: path.to_owned(),
            cells: Table::create::<Cell>(path)?,
            samples: Table::create::<Sample>(path)?,
            checks: Table::create::<Check>(path)?,
            counts: Table::create::<Count>(path)?,
            stages: Table::create::<StageTime>(path)?,
            claims: Table::create::<Claim>(path)?,
        })
    }

    /// The folder of a run with these rows, whatever was in it before; more can be appended.
    pub fn with_rows(path: &Path, run: &Run) -> Result<Self, Failure> {
        write_file(&path.join(MANIFEST), files::write_manifest(&run.manifest).as_bytes())?;
        let folder = Self {
            path: path.to_owned(),
            cells: Table::with_rows(path, &run.cells)?,
            samples: Table::with_rows(path, &run.samples)?,
            checks: Table::with_rows(path, &run.checks)?,
            counts: Table::with_rows(path, &run.counts)?,
            stages: Table::with_rows(path, &run.stages)?,
            claims: Table::with_rows(path, &run.claims)?,
        };
        run.matrix.as_ref().map_or(Ok(()), |matrix| folder.matrix(matrix))?;
        Ok(folder)
    }

    /// Writes the capability matrix.
    pub fn matrix(&self, matrix: &Matrix) -> Result<(), Failure> {
        write_file(&self.path.join(MATRIX), files::write_matrix(matrix).as_bytes())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Table {
    fn create<R: Row>(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(R::FILE);
        let file = OpenOptions::new().create_new(true).append(true).open(&path);
        let mut table = Self { file: file.map_err(|e| unwritable(&path, &e))?, path, length: 0 };
        table.append(&files::header::<R>())?;
        Ok(table)
    }

    fn with_rows<R: Row>(folder: &Path, rows: &[R]) -> Result<Self, Failure> {
        let (path, text) = (folder.join(R::FILE), files::write_rows(rows));
        write_file(&path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path).map_err(|e| unwritable(&path, &e))?;
        Ok(Self { file, path, length: text.len() as u64 })
    }

    /// Appends a row.
    pub fn push<R: Row>(&mut self, row: &R) -> Result<(), Failure> {
        self.append(&files::line(row))
    }

    fn append(&mut self, line: &str) -> Result<(), Failure> {
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Part of a line may be there; what is left must be whole rows.
            let _ = self.file.set_len(self.length);
            return Err(unwritable(&self.path, &error));
        }
        self.length += line.len() as u64;
        Ok(())
    }
}

/// Writes a whole file, or none of it.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| unwritable(parent, &e))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.map_err(|e| {
        let _ = fs::remove_file(&partial);
        unwritable(path, &e)
    })
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("the run folder {} exists; name another with --out or remove it", path.display()))
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("the run folder {} cannot be made: {error}; name another with --out", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::internal(format!("cannot write {}: {error}", path.display()))
}
