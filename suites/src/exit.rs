//! How a command ends: the exit codes and the errors that carry them.

use std::fmt;

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Everything went well.
    Ok,
    /// Something that is not the user's doing failed: a disk is full, an invariant is broken.
    Internal,
    /// The command line, a file it names or a value in it is wrong.
    Usage,
    /// Something is slower or larger than before.
    Regression,
    /// A result is wrong, or a program fails on its data.
    Wrong,
    /// A strategy refused, or a required cell failed or timed out.
    Refused,
    /// Two runs cannot be compared.
    Incomparable,
    /// Interrupted by the user; what was finished is kept.
    Interrupted,
}

impl Exit {
    /// Every code with its meaning, in order.
    pub const ALL: &[(Exit, &str)] = &[
        (Exit::Ok, "fine"),
        (Exit::Internal, "internal error, or a file that cannot be written"),
        (Exit::Usage, "usage: bad arguments, a file that cannot be read, a program outside the language"),
        (Exit::Regression, "regression"),
        (Exit::Wrong, "wrong result, or an error at run time that depends on data"),
        (Exit::Refused, "a refusal, or a required cell failed or timed out"),
        (Exit::Incomparable, "runs that are not comparable, or an inconclusive comparison"),
        (Exit::Interrupted, "interrupted; what was measured so far is kept"),
    ];

    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Internal => 1,
            Exit::Usage => 2,
            Exit::Regression => 3,
            Exit::Wrong => 4,
            Exit::Refused => 5,
            Exit::Incomparable => 6,
            Exit::Interrupted => 130,
        }
    }
}

/// An error that ends a command: what to say and which code to end with.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The message, ready to be read by a person.
    pub message: String,
}

impl Failure {
    /// The user's input is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// Something outside the user's input failed.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { exit: Exit::Internal, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_same_table() {
        let readme = include_str!("../../README.md");
        for (exit, about) in Exit::ALL {
            assert!(readme.contains(&format!("\n| {} | {about} |\n", exit.code())), "{about}");
        }
    }
}
