//! Rows one by one: slow and plain, for references, importers and messages.

use super::Log;
use super::chunk::{Chunk, READ};
use crate::txn::{Op, Row};

impl Log {
    /// All operations, in the order of their rows.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.chunks.iter().flat_map(|chunk| (0..chunk.rows).map(|at| self.row_of(chunk, at)))
    }

    /// The operation at log row `row`.
    ///
    /// # Panics
    /// If the log has no such row.
    pub fn row(&self, row: u64) -> Row<'_> {
        let (chunk, at) = self.locate(row);
        self.row_of(chunk, at)
    }

    fn row_of<'a>(&'a self, chunk: &'a Chunk, at: usize) -> Row<'a> {
        let op = chunk.op.get(at);
        Row {
            row: chunk.first_row + at as u64,
            key: chunk.key.get(at).unwrap_or(crate::txn::Datum::Bytes(b"")),
            op: if op == READ { Op::Read } else { Op::Write },
            value: chunk.value_at(at),
            txn: chunk.txn.as_ref().and_then(|t| t.get(at)),
            region: &self.regions[usize::from(chunk.region.get(at))],
            session: chunk.session.as_ref().and_then(|s| s.get(at)),
            status: chunk.status(at),
            times: chunk.times(at),
        }
    }
}

impl Chunk {
    /// Whether some row is a read.
    pub(crate) fn has_reads(&self) -> bool {
        !self.op.all(super::WRITE) && (0..self.rows).any(|row| self.op.get(row) == READ)
    }
}
