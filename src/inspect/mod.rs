//! What a log holds: columns, counts, regions and how wide its bounds are.

mod count;
pub mod human;
pub mod json;
mod summary;

pub use count::inspect;
pub use summary::summary;

use crate::time::Unit;

/// A log's contents, in numbers. Rows are counted whatever their transaction's fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The files, in the order of their names.
    pub files: Vec<InspectedFile>,
    /// What a tick lasts.
    pub unit: Unit,
    /// Operations in all files.
    pub rows: u64,
    /// Transactions of whatever fate.
    pub transactions: u64,
    /// Distinct keys; `None` if they were not counted.
    pub keys: Option<u64>,
    /// Distinct sessions; 0 in a log without a session column.
    pub sessions: u64,
    /// Rows by operation.
    pub operations: Operations,
    /// Rows by their transaction's fate.
    pub statuses: Statuses,
    /// The regions, sorted by name.
    pub regions: Vec<InspectedRegion>,
    /// What is suspicious about the times, in sentences without a full stop: units that the numbers do
    /// not look like.
    pub warnings: Vec<String>,
}

/// One file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedFile {
    /// The file's name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its columns, in the file's order.
    pub columns: Vec<InspectedColumn>,
}

/// One column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedColumn {
    /// The column's name.
    pub name: String,
    /// Its Arrow type, as Arrow prints it.
    pub data_type: String,
    /// Whether it is a column of the log format; others are ignored.
    pub used: bool,
}

/// Rows by operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Operations {
    /// Rows that read.
    pub reads: u64,
    /// Rows that write a value.
    pub writes: u64,
    /// Rows that delete: `delete`, or a write of null in a log with values.
    pub deletes: u64,
}

/// Rows by their transaction's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Statuses {
    /// Rows of transactions that took effect.
    pub committed: u64,
    /// Rows of transactions that did not.
    pub aborted: u64,
    /// Rows of transactions of which nobody was told.
    pub unknown: u64,
}

/// One region's share of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedRegion {
    /// The region's name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// How wide its start bounds are; `None` if it has none.
    pub start_widths: Option<Widths>,
    /// How wide its commit bounds are; `None` if it has none.
    pub commit_widths: Option<Widths>,
    /// Rows without a start bound, or with an unlimited one, which orders nothing.
    pub without_start: u64,
    /// Rows without a commit bound, or with an unlimited one.
    pub without_commit: u64,
    /// Of `without_start`, rows that have a bound which is unlimited: a clock was there, but nothing was known of it.
    pub unlimited_start: u64,
    /// Of `without_commit`, rows that have a bound which is unlimited.
    pub unlimited_commit: u64,
}

/// How many ticks lie between the ends of bounds, over the rows that have one that is limited:
/// twice the clock error, where the bounds are readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Rows with such a bound.
    pub rows: u64,
    /// The narrowest.
    pub min: u64,
    /// The widest of the narrower half.
    pub median: u64,
    /// The widest of the narrowest 99 of 100.
    pub p99: u64,
    /// The widest.
    pub max: u64,
}
