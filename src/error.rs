//! What can be wrong with an input, told with file, row, column and value.

use std::path::{Path, PathBuf};

/// The result of everything in this crate that reads input.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A reason why no verdict can be given.
///
/// Nothing here is a bug of the caller's program or of this one: a bug is a panic, a conflict
/// is a value of the report. Messages are lower case, without a full stop, and name the place
/// and the offending values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What does not fit the memory budget could not be kept in the folder for temporary files.
    #[error("{}: temporary files for what `--memory` does not hold: {source}", folder.display())]
    Temporary {
        /// The folder: what `TMPDIR` names, or else the system's.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not a log: not Arrow IPC, cut short, or inconsistent.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A column is missing or of a type that it may not have.
    #[error("{}: column {column}: {reason}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column's name.
        column: String,
        /// What was found and what is allowed.
        reason: String,
    },
    /// A row breaks a rule of the log format.
    #[error("{}: row {row}: column {column}: {reason}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row in that file, counted from 0.
        row: u64,
        /// The column's name; several joined by ` and `.
        column: String,
        /// The rule with both offending values.
        reason: String,
    },
    /// A record of a foreign format cannot be taken over.
    #[error("{}: line {line}: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1 (for Parquet: the row, counted from 1).
        line: u64,
        /// What is wrong with it, with the value.
        reason: String,
    },
    /// The files are each fine but do not make up one log.
    #[error("{0}")]
    Log(String),
    /// An option does not fit the log.
    #[error("{option}: {reason}")]
    Option {
        /// The option as it is written on the command line.
        option: &'static str,
        /// Why it cannot be honoured.
        reason: String,
    },
}

impl Error {
    /// An I/O error at `path`.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Error::Io { path: path.as_ref().to_owned(), source }
    }

    /// A file that is not a log.
    pub fn malformed(path: impl AsRef<Path>, reason: impl Into<String>) -> Self {
        Error::Malformed { path: path.as_ref().to_owned(), reason: reason.into() }
    }
}
