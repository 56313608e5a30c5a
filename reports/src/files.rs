//! The files of a run, as bytes: writing rows and reading them back.
//!
//! Nothing here opens a file. A table is written whole by [`write_rows`], or row by row with [`header`] and [`line()`] so
//! that an interrupted run keeps what it has. Reading is forgiving about what a newer or an interrupted program does,
//! strict about everything else:
//!
//! - a column nobody knows is passed over, an optional column may be absent, a required one must be there;
//! - a table that breaks off in the middle of its last line keeps the rows before it, and says so in a [`Warning`];
//! - anything else malformed is a [`ReadError`] with the file, the line and the column. No input makes it panic.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::columns::{FieldError, Fields, Part, Row};
use crate::rows::{Key, Manifest, Matrix, SCHEMA_VERSION};

/// Name of the manifest in a run folder.
pub const MANIFEST: &str = "manifest.json";

/// Name of the capability matrix in a run folder.
pub const MATRIX: &str = "matrix.json";

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}{wrong}", Place(file, *line), ColumnPrefix(column))]
pub struct ReadError {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// The line, from 1; 0 if the file as a whole is wrong.
    pub line: u64,
    /// The column's name in a table, or those of the first and the last, the position from 1 in JSON; empty if the line as a whole is wrong.
    pub column: String,
    /// What is wrong.
    pub wrong: String,
}

/// A line of a file, or the file.
struct Place<'a>(&'a str, u64);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 == 0 { f.write_str(self.0) } else { write!(f, "{}:{}", self.0, self.1) }
    }
}

struct ColumnPrefix<'a>(&'a str);

impl fmt::Display for ColumnPrefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "column {}: ", self.0) }
    }
}

/// Something odd that did not keep a file from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// The line, from 1; 0 if it is the file as a whole.
    pub line: u64,
    /// What was found and what was done about it.
    pub found: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Place(&self.file, self.line), self.found)
    }
}

/// Rows with what was odd about their file.
pub type Rows<R> = (Vec<R>, Vec<Warning>);

/// The line of column names, with its line end.
#[must_use]
pub fn header<R: Row>() -> String {
    let columns = R::columns();
    csv_line(columns.iter().map(|column| column.name))
}

/// The line of one row, with its line end.
#[must_use]
pub fn line<R: Row>(row: &R) -> String {
    csv_line(row.print().iter().map(String::as_str))
}

/// A whole table: the header and a line for each row.
#[must_use]
pub fn write_rows<R: Row>(rows: &[R]) -> String {
    rows.iter().fold(header::<R>(), |text, row| text + &line(row))
}

/// One line of CSV, quoted where needed; a carriage return alone would read back as a line end, so it is quoted too.
pub(crate) fn csv_line<'a>(fields: impl Iterator<Item = &'a str>) -> String {
    let quoted = |field: &str| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.to_owned()
        }
    };
    fields.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

/// Writes `manifest.json`.
#[must_use]
pub fn write_manifest(manifest: &Manifest) -> String {
    json(manifest)
}

/// Writes `matrix.json`.
#[must_use]
pub fn write_matrix(matrix: &Matrix) -> String {
    json(matrix)
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("rows have string keys and no failing serialisers") + "\n"
}

/// Reads `manifest.json`.
///
/// # Errors
/// JSON that is malformed, not a manifest, or of a newer schema than this program knows.
pub fn read_manifest(bytes: &[u8], file: &str) -> Result<Manifest, ReadError> {
    let manifest: Manifest = read_json(bytes, file)?;
    let version = manifest.schema_version;
    if version == 0 || version > SCHEMA_VERSION {
        let wrong = format!("schema version {version}, but this program reads 1 to {SCHEMA_VERSION}");
        return Err(ReadError { file: file.to_owned(), line: 1, column: "schema_version".to_owned(), wrong });
    }
    Ok(manifest)
}

/// Reads `matrix.json`.
///
/// # Errors
/// JSON that is malformed or not a matrix.
pub fn read_matrix(bytes: &[u8], file: &str) -> Result<Matrix, ReadError> {
    read_json(bytes, file)
}

fn read_json<'a, T: Deserialize<'a>>(bytes: &'a [u8], file: &str) -> Result<T, ReadError> {
    serde_json::from_slice(bytes).map_err(|error| broken_json(&error, file))
}

/// An error of JSON with its place.
pub(crate) fn broken_json(error: &serde_json::Error, file: &str) -> ReadError {
    ReadError {
        file: file.to_owned(),
        line: error.line().max(1) as u64,
        column: error.column().max(1).to_string(),
        wrong: without_position(&error.to_string()),
    }
}

/// The message of a JSON error without the position at its end, which the error carries apart.
fn without_position(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(what, _)| what).to_owned()
}

/// Reads a table.
///
/// # Errors
/// A required column that is missing, a line with too few or too many fields, a field that does not read as what its
/// column holds, bytes that are not UTF-8: whichever comes first.
pub fn read_rows<R: Row>(bytes: &[u8], file: &str) -> Result<Rows<R>, ReadError> {
    read_rows_without(bytes, file, None).map(|(rows, warnings, _)| (rows, warnings))
}

/// Texts that are passed over: a column, and what they begin with.
pub(crate) type Without = Option<(&'static str, &'static str)>;

/// Rows, what was odd about their file, and the line of each row.
type Placed<R> = (Vec<R>, Vec<Warning>, Vec<u64>);

/// As [`read_rows`], but rows with such a text are passed over unread.
pub(crate) fn read_rows_without<R: Row>(bytes: &[u8], file: &str, without: Without) -> Result<Placed<R>, ReadError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let key = RefCell::default();
    let (rows, warnings, lines) = Placed::default();
    let mut table = Table { file, header: None, unwanted: None, key, rows, lines, warnings };
    match str::from_utf8(bytes) {
        Ok(text) if memchr::memchr2(b'"', b'\r', bytes).is_none() => read_plain(text, &mut table, without)?,
        _ => read_quoted(bytes, &mut table, without)?,
    }
    match table.header {
        Some(_) => Ok((table.rows, table.warnings, table.lines)),
        None => Err(table.error(1, "", "empty, where a line of column names should be".to_owned())),
    }
}

/// What was read of a table so far.
struct Table<'a, R> {
    file: &'a str,
    header: Option<Vec<String>>,
    /// The place of the column of [`Without`], if the file has it, and the text.
    unwanted: Option<(usize, &'static str)>,
    /// The last key that rows may share.
    key: RefCell<Option<Arc<Key>>>,
    rows: Vec<R>,
    /// The line of each row.
    lines: Vec<u64>,
    warnings: Vec<Warning>,
}

impl<R: Row> Table<'_, R> {
    fn error(&self, line: u64, column: &str, wrong: String) -> ReadError {
        ReadError { file: self.file.to_owned(), line, column: column.to_owned(), wrong }
    }

    /// Takes the line of column names.
    fn begin(&mut self, names: Vec<String>, line: u64, without: Without) -> Result<(), ReadError> {
        check_header::<R>(&names, line, self.file)?;
        let place = |(column, begins)| names.iter().position(|name| name == column).map(|place| (place, begins));
        self.unwanted = without.and_then(place);
        self.header = Some(names);
        Ok(())
    }

    /// Whether the record is to be read, which has as many fields as there are columns.
    fn wants<'f>(&self, line: u64, fields: usize, field: impl Fn(usize) -> &'f [u8]) -> Result<bool, ReadError> {
        let columns = self.header.as_ref().map_or(0, Vec::len);
        if fields != columns {
            return Err(self.error(line, "", format!("{fields} fields under {columns} columns")));
        }
        Ok(!self.unwanted.is_some_and(|(place, begins)| field(place).starts_with(begins.as_bytes())))
    }

    fn push(&mut self, line: u64, fields: &[&str]) -> Result<(), ReadError> {
        let names = self.header.as_deref().unwrap_or_default();
        let record = Record { names, fields, next: Cell::new(0), key: &self.key };
        let row = R::read(&record).map_err(|error| self.error(line, &error.column, error.wrong))?;
        self.rows.push(row);
        self.lines.push(line);
        Ok(())
    }

    fn breaks_off(&mut self, line: u64) {
        let found = "the file breaks off in this line, so its row is left out".to_owned();
        self.warnings.push(Warning { file: self.file.to_owned(), line, found });
    }
}

/// Reads a text without quotes and carriage returns, in which every line is a record and every comma ends a field.
fn read_plain<R: Row>(text: &str, table: &mut Table<R>, without: Without) -> Result<(), ReadError> {
    let mut fields: Vec<&str> = Vec::new();
    let (mut line, mut start) = (1, 0);
    let ends = memchr::memchr2_iter(b',', b'\n', text.as_bytes()).map(|end| (end, text.as_bytes()[end] == b'\n'));
    let broken = (!text.is_empty() && !text.ends_with('\n')).then_some((text.len(), true));
    for (end, ends_line) in ends.chain(broken) {
        fields.push(&text[start..end]);
        start = end + 1;
        if !ends_line {
            continue;
        }
        if table.header.is_none() && fields != [""] {
            table.begin(fields.iter().map(ToString::to_string).collect(), line, without)?;
        } else if fields != [""] {
            if end == text.len() {
                table.breaks_off(line);
            } else if table.wants(line, fields.len(), |place| fields[place].as_bytes())? {
                table.push(line, &fields)?;
            }
        }
        fields.clear();
        line += 1;
    }
    Ok(())
}

/// Reads any table.
fn read_quoted<R: Row>(bytes: &[u8], table: &mut Table<R>, without: Without) -> Result<(), ReadError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| table.error(1, "", error.to_string()))? {
        let (line, start) = record.position().map_or((1, 0), |position| (position.line(), position.byte() as usize));
        // The position is where the record before ended: lines without anything may be between.
        let between = bytes[start..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let line = line + between.filter(|byte| **byte == b'\n').count() as u64;
        let Some(names) = &table.header else {
            let names = record.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
            table.begin(names, line, without)?;
            continue;
        };
        let last = reader.position().byte() as usize >= bytes.len();
        if last && breaks_off(&bytes[start..]) {
            table.breaks_off(line);
            break;
        }
        if table.wants(line, record.len(), |place| &record[place])? {
            let text = |(field, name): (_, &String)| {
                str::from_utf8(field).map_err(|_| table.error(line, name, "not UTF-8".to_owned()))
            };
            let fields: Vec<&str> = record.iter().zip(names).map(text).collect::<Result<_, _>>()?;
            table.push(line, &fields)?;
        }
    }
    Ok(())
}

/// Whether the last record of a file, from its first byte to the file's end, was cut: it does not end its line, or it ends
/// inside a quoted field.
fn breaks_off(tail: &[u8]) -> bool {
    let quotes = tail.iter().filter(|byte| **byte == b'"').count();
    !tail.ends_with(b"\n") || quotes % 2 == 1
}

fn check_header<R: Row>(names: &[String], line: u64, file: &str) -> Result<(), ReadError> {
    let at = |column: &str, wrong: &str| ReadError {
        file: file.to_owned(),
        line,
        column: column.to_owned(),
        wrong: wrong.to_owned(),
    };
    if let Some(twice) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        return Err(at(twice.1, "named twice"));
    }
    let missing = R::columns().into_iter().find(|column| column.required && !names.iter().any(|n| n == column.name));
    missing.map_or(Ok(()), |column| Err(at(column.name, "missing")))
}

/// A record whose fields go by the names in the header.
struct Record<'a> {
    names: &'a [String],
    fields: &'a [&'a str],
    /// Where the next column is looked for first: most files have them in the order in which they are asked for.
    next: Cell<usize>,
    /// The last key that rows may share.
    key: &'a RefCell<Option<Arc<Key>>>,
}

impl Fields for Record<'_> {
    fn field(&self, column: &str) -> Option<&str> {
        let expected = self.next.get();
        let index = match self.names.get(expected) {
            Some(name) if name == column => expected,
            _ => self.names.iter().position(|name| name == column)?,
        };
        self.next.set(index + 1);
        self.fields.get(index).copied()
    }

    fn key(&self) -> Result<Arc<Key>, FieldError> {
        let mut last = self.key.borrow_mut();
        if let Some(key) = last.as_ref().filter(|key| key.is_in(self)) {
            return Ok(key.clone());
        }
        let key = Arc::new(Key::read(self, "key")?);
        *last = Some(key.clone());
        Ok(key)
    }
}
