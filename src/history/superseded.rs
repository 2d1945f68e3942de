//! Writes that their own transaction overwrote: no versions.

use crate::log::{Log, READ, Txns};
use crate::memory::Budget;

/// Log rows of writes whose transaction wrote the same key again later.
#[derive(Debug, Default)]
pub(super) struct Superseded {
    /// A bit a row; empty if there is none.
    rows: Vec<u64>,
}

impl Superseded {
    /// Those of `log`.
    ///
    /// Cost: O(rows) where the rows of transactions stand together. Otherwise a pass over all rows for
    /// each share of the transactions whose writes, of 16 bytes, the budget holds; without one, one pass.
    pub(super) fn of(log: &Log, budget: Budget) -> Self {
        let Txns::Grouped { of_row, .. } = &log.txns else { return Superseded::default() };
        let mut found = Superseded::default();
        let held = budget.for_records().map_or(usize::MAX, |bytes| bytes as usize) / size_of::<Write>();
        let mut writes: Vec<Write> = Vec::new();
        if of_row.is_sorted() {
            // What a share of rows leaves over goes on in the next one.
            let share = held.clamp(1, SHARE_ROWS);
            for_each_write(log, 0..u32::MAX, |write| {
                if writes.len() >= share && writes[writes.len() - 1].txn != write.txn {
                    found.among(log, &mut writes);
                    writes.clear();
                }
                writes.push(write);
            });
            found.among(log, &mut writes);
            return found;
        }
        // Transactions with as many rows as others in other shares: numbers are those of first rows.
        let txns = log.txns.count(log.len());
        let shares = (log.len() as usize).div_ceil(held.max(SHARE_ROWS)).max(1) as u64;
        let share = txns.div_ceil(shares).max(1) as u32;
        for first in (0..txns as u32).step_by(share as usize) {
            for_each_write(log, first..first.saturating_add(share), |write| writes.push(write));
            writes.sort_by_key(|w| w.txn);
            found.among(log, &mut writes);
            writes.clear();
        }
        found
    }

    /// Whether some row between these is one.
    pub(super) fn any(&self, first: u64, rows: u64) -> bool {
        !self.rows.is_empty() && (first..first + rows).any(|row| self.has(row as u32))
    }

    /// Whether `row` is one.
    pub(super) fn has(&self, row: u32) -> bool {
        self.rows.get(row as usize / 64).is_some_and(|word| word & 1 << (row % 64) != 0)
    }

    /// Finds those among the writes of some transactions, which stand together.
    fn among(&mut self, log: &Log, writes: &mut [Write]) {
        for txn in writes.chunk_by_mut(|a, b| a.txn == b.txn).filter(|t| t.len() > 1) {
            self.among_one(log, txn);
        }
    }

    /// Adds the rows of one transaction's writes that a later one of the same key follows.
    fn among_one(&mut self, log: &Log, writes: &mut [Write]) {
        writes.sort_by_key(|w| (w.key, w.row));
        for (at, write) in writes.iter().enumerate() {
            let mut later = writes[at + 1..].iter().take_while(|w| w.key == write.key).peekable();
            if later.peek().is_none() {
                continue;
            }
            let key = key_of(log, write.row);
            if later.any(|w| key_of(log, w.row) == key) {
                if self.rows.is_empty() {
                    self.rows.resize(log.len().div_ceil(64) as usize, 0);
                }
                self.rows[write.row as usize / 64] |= 1 << (write.row % 64);
            }
        }
    }
}

/// Writes that are looked at together: they stay in the cache.
const SHARE_ROWS: usize = 1 << 14;

#[derive(Clone, Copy)]
struct Write {
    txn: u32,
    row: u32,
    key: u64,
}

/// Calls `each` with the writes of the transactions of those numbers, in row order.
fn for_each_write(log: &Log, txns: std::ops::Range<u32>, mut each: impl FnMut(Write)) {
    for chunk in &log.chunks {
        for at in 0..chunk.rows {
            let row = (chunk.first_row + at as u64) as u32;
            let txn = log.txns.of_row(row);
            if txns.contains(&txn) && chunk.op.get(at) != READ {
                each(Write { txn, row, key: chunk.key.fingerprint(at) });
            }
        }
    }
}

fn key_of(log: &Log, row: u32) -> Option<crate::txn::Datum<'_>> {
    let (chunk, at) = log.locate(u64::from(row));
    chunk.key.get(at)
}
