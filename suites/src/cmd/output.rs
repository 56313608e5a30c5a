//! Everything that is printed goes through here: results to stdout, the rest to stderr.

use std::io::{self, IsTerminal, Write};

use crate::exit::Failure;

/// How much is said beside results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// Progress and remarks.
    Normal,
    /// Everything.
    Verbose,
}

/// Where a command prints.
pub struct Output {
    results: Box<dyn Write>,
    remarks: Box<dyn Write>,
    /// How much is said.
    pub verbosity: Verbosity,
}

impl Output {
    /// The process' own stdout and stderr.
    pub fn standard(verbosity: Verbosity) -> Self {
        Self { results: Box::new(io::stdout()), remarks: Box::new(io::stderr()), verbosity }
    }

    /// Prints a result, with a line end.
    pub fn result(&mut self, text: &str) -> Result<(), Failure> {
        let written = writeln!(self.results, "{text}").and_then(|()| self.results.flush());
        match written {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::internal(format!("cannot write to stdout: {e}")))
            }
            // Who reads no further needs no more.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Says something on stderr unless told to be quiet.
    pub fn remark(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            self.error(text);
        }
    }

    /// Says something on stderr if told to be verbose.
    pub fn detail(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            self.error(text);
        }
    }

    /// Says something on stderr.
    pub fn error(&mut self, text: &str) {
        // There is nowhere left to complain when stderr is gone.
        let _ = writeln!(self.remarks, "{text}");
    }

    /// Whether stderr is a terminal that a person looks at.
    pub fn is_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }
}
