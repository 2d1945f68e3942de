//! One record batch of a log, its columns typed and in place.

use arrow::buffer::ScalarBuffer;
use skewer_kernels::Extent;

use super::codes::Codes;
use super::join::Joined;
use super::scalars::Scalars;
use super::times::Ticks;
use crate::time::BoundedTimestamp;
use crate::txn::{Datum, Status, Times};

/// Code of a read in [`Chunk::op`].
pub(crate) const READ: u16 = 0;
/// Code of a write.
pub(crate) const WRITE: u16 = 1;
/// Code of a delete: a write of null whatever its value says.
pub(crate) const DELETE: u16 = 2;

/// Code of a committed transaction in [`Chunk::status`].
pub(crate) const COMMITTED: u16 = status_code(Status::Committed);

/// Rows whose extent is measured together. A block of scratch columns stays in the first-level
/// cache, and blocks are few enough to be sorted for nothing.
pub(crate) const OUTLINE: usize = 512;

/// A record batch.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Which file.
    pub(crate) file: usize,
    /// The log row of its first row.
    pub(crate) first_row: u64,
    /// Rows.
    pub(crate) rows: usize,
    /// Keys, without nulls.
    pub(crate) key: Scalars,
    /// [`READ`], [`WRITE`] or [`DELETE`].
    pub(crate) op: Codes,
    /// Values.
    pub(crate) value: Option<Scalars>,
    /// Transaction ids.
    pub(crate) txn: Option<Scalars>,
    /// Codes into [`super::Log::regions`].
    pub(crate) region: Codes,
    /// Session ids.
    pub(crate) session: Option<Scalars>,
    /// Codes of [`status_code`].
    pub(crate) status: Codes,
    /// Start bounds.
    pub(crate) start: Option<Bounds>,
    /// Commit bounds.
    pub(crate) commit: Option<Bounds>,
    /// Assigned start timestamps.
    pub(crate) start_ts: Option<Ticks>,
    /// Assigned commit timestamps.
    pub(crate) commit_ts: Option<Ticks>,
    /// The extents of the commit bounds, [`OUTLINE`] rows each, where all are present: they come
    /// for free with the check of the bounds, and a scan that follows need not be made twice.
    pub(crate) outline: Vec<Extent>,
    /// The clock error, in ticks of the log, of timestamps without bounds.
    pub(crate) clock_error: Option<u64>,
    /// Which bounds were made of timestamps and a clock's recorded error.
    pub(crate) joined: Joined,
}

/// Two columns that are null together.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// First ends.
    pub(crate) earliest: Ticks,
    /// Last ends.
    pub(crate) latest: Ticks,
}

impl Bounds {
    /// The bound at `row`; `None` for null (or, before the check, for inverted ends).
    pub(crate) fn get(&self, row: usize) -> Option<BoundedTimestamp> {
        BoundedTimestamp::new(self.earliest.get(row)?, self.latest.get(row)?)
    }

    /// All ends in place; `None` if some bound is null.
    pub(crate) fn dense(&self) -> Option<(&ScalarBuffer<i64>, &ScalarBuffer<i64>)> {
        Some((self.earliest.dense()?, self.latest.dense()?))
    }
}

/// The code of a status.
pub(crate) const fn status_code(status: Status) -> u16 {
    match status {
        Status::Committed => 0,
        Status::Aborted => 1,
        Status::Unknown => 2,
    }
}

impl Chunk {
    /// The fate of the transaction of `row`.
    pub(crate) fn status(&self, row: usize) -> Status {
        match self.status.get(row) {
            0 => Status::Committed,
            1 => Status::Aborted,
            _ => Status::Unknown,
        }
    }

    /// Whether the operations from row `first` on, whose codes are `ops`, read or write null.
    pub(crate) fn null_values(&self, first: usize, ops: &[u16], out: &mut [bool]) {
        match &self.value {
            None => out.fill(true),
            Some(values) if values.has_nulls() => {
                let rows = ops.iter().zip(out).enumerate();
                rows.for_each(|(i, (op, null))| *null = *op == DELETE || values.is_null(first + i));
            }
            Some(_) => ops.iter().zip(out).for_each(|(op, null)| *null = *op == DELETE),
        }
    }

    /// The value that `row` reads or writes.
    pub(crate) fn value_at(&self, row: usize) -> Option<Datum<'_>> {
        self.value.as_ref().filter(|_| self.op.get(row) != DELETE).and_then(|v| v.get(row))
    }

    /// The times of `row`, with bounds made of timestamps and the clock error where none were
    /// recorded.
    pub(crate) fn times(&self, row: usize) -> Times {
        let start_ts = self.start_ts.as_ref().and_then(|t| t.get(row));
        let commit_ts = self.commit_ts.as_ref().and_then(|t| t.get(row));
        let made = |ts: Option<i64>| Some(BoundedTimestamp::reading(ts?, self.clock_error?));
        let start = self.start.as_ref().and_then(|b| b.get(row));
        let commit = self.commit.as_ref().and_then(|b| b.get(row));
        let (made_start, made_commit) = (
            start.is_none().then(|| made(start_ts)).flatten(),
            commit.is_none().then(|| made(commit_ts)).flatten(),
        );
        Times {
            start: start.or(made_start),
            commit: commit.or(made_commit),
            start_ts,
            commit_ts,
            assumed: made_start.is_some()
                || made_commit.is_some()
                || (self.joined.start && start.is_some() && start_ts.is_some())
                || (self.joined.commit && commit.is_some() && commit_ts.is_some()),
        }
    }
}
