//! Takes logs of other formats over, record by record, or says which record cannot be.

mod cells;
mod csv;
mod edn;
mod jepsen;
mod json_lines;
mod lines;
mod parquet;
mod tidb_cdc;
mod times;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::log::build::LogBuilder;
use crate::time::Unit;

/// A foreign format that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A Jepsen history of read-write register transactions.
    JepsenEdn,
    /// JSON Lines: one object a line, one line an operation.
    JsonLines,
    /// Comma-separated values under a header line, one line an operation.
    Csv,
    /// Parquet, one row an operation.
    Parquet,
    /// The versions that `TiDB` change data capture recorded.
    TidbCdc,
}

impl Format {
    /// Every format, in the order in which help texts list them.
    pub const ALL: [Format; 5] =
        [Format::JepsenEdn, Format::JsonLines, Format::Csv, Format::Parquet, Format::TidbCdc];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Format::JepsenEdn => "jepsen-edn",
            Format::JsonLines => "jsonl",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
            Format::TidbCdc => "tidb-cdc",
        }
    }

    /// What the format holds, in half a sentence for help texts.
    pub const fn summary(self) -> &'static str {
        match self {
            Format::JepsenEdn => "Jepsen history of [:r k v] and [:w k v] transactions",
            Format::JsonLines => "one JSON object a line, one line an operation",
            Format::Csv => "comma-separated values under a header line, one line an operation",
            Format::Parquet => "Parquet, one row an operation",
            Format::TidbCdc => "versions recorded by TiDB change data capture, one JSON object",
        }
    }

    /// The format of that [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether records are read by column names, which `--map` and `--unit` speak of.
    const fn has_columns(self) -> bool {
        matches!(self, Format::JsonLines | Format::Csv | Format::Parquet)
    }
}

/// How to read the input.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Pairs of a log column and the source's field for it; columns that are not named are
    /// read from the field of their own name. For `jsonl`, `csv` and `parquet`.
    pub map: Vec<(String, String)>,
    /// Takes the client's times as bounds. For `jepsen-edn`.
    pub client_times: bool,
    /// What the ticks of integer times last, and the unit to which times that are text or
    /// timestamps are converted. Without it integers are ticks without duration, text becomes
    /// nanoseconds, and timestamps take their finest unit. For `jsonl`, `csv` and `parquet`.
    pub unit: Option<Unit>,
}

impl ImportOptions {
    /// Options that would be ignored are refused: they say that the user expects otherwise.
    fn check(&self, format: Format) -> Result<()> {
        let refuse = |option, fits: &str| {
            let reason = format!("does not apply to {}, only to {fits}", format.name());
            Err(Error::Option { option, reason })
        };
        if !format.has_columns() && !self.map.is_empty() {
            return refuse("--map", "jsonl, csv and parquet");
        }
        if !format.has_columns() && self.unit.is_some() {
            return refuse("--unit", "jsonl, csv and parquet");
        }
        if format != Format::JepsenEdn && self.client_times {
            return refuse("--client-times", "jepsen-edn");
        }
        Ok(())
    }
}

/// A log taken over, and what was left behind.
#[derive(Debug)]
pub struct Imported {
    /// The log.
    pub log: LogBuilder,
    /// Entries that are no transactions, such as the faults that a Jepsen nemesis injected.
    pub skipped_entries: u64,
    /// Reads of transactions that did not report success: what they would have returned is
    /// not known, so they are no observations.
    pub unanswered_reads: u64,
}

impl Imported {
    fn whole(log: LogBuilder) -> Self {
        Imported { log, skipped_entries: 0, unanswered_reads: 0 }
    }
}

/// The log that `inputs` hold together, in the order given.
///
/// Nothing is written: [`LogBuilder::write_to`] does that, and only whole. O(bytes read); the
/// log is held in memory.
///
/// ```
/// use skewer::import::{Format, ImportOptions, import};
/// let folder = tempfile::tempdir()?;
/// let source = folder.path().join("orders.jsonl");
/// std::fs::write(&source, r#"{"doc": {"id": "k1"}, "value": 7, "commit_ts": 100}"#)?;
/// let map = vec![("key".to_owned(), "doc.id".to_owned())];
/// let imported = import(Format::JsonLines, &[source], &ImportOptions { map, ..Default::default() })?;
/// assert_eq!(imported.log.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Option`] for an option that does not fit the format; [`Error::Record`] for the
/// first bad record, with its line, field and value; [`Error::Column`] and [`Error::Malformed`]
/// for a file without the needed columns or of another format; [`Error::Io`].
pub fn import(format: Format, inputs: &[PathBuf], options: &ImportOptions) -> Result<Imported> {
    options.check(format)?;
    match format {
        Format::JepsenEdn => jepsen::import(inputs, options),
        Format::JsonLines => json_lines::import(inputs, options),
        Format::Csv => csv::import(inputs, options),
        Format::Parquet => parquet::import(inputs, options),
        Format::TidbCdc => tidb_cdc::import(inputs),
    }
}

/// A record of `path` that cannot be taken over.
fn bad_record(path: &Path, line: u64, reason: impl Into<String>) -> Error {
    Error::Record { path: path.to_owned(), line, reason: reason.into() }
}

/// A file opened for reading.
fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| Error::io(path, e))
}

/// A file opened for reading from start to end, past a byte order mark.
fn buffered(path: &Path) -> Result<BufReader<File>> {
    let mut input = BufReader::with_capacity(1 << 16, open(path)?);
    let start = input.fill_buf().map_err(|e| Error::io(path, e))?;
    if start.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    Ok(input)
}

/// A value for a message: long ones are cut.
fn brief(value: impl std::fmt::Display) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    }
}
