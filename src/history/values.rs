//! The values written to one key, each once, and who wrote them.

use super::key::{Operation, value_of};
use super::transactions::Transactions;

/// No place in a table.
const NONE: u32 = u32::MAX;

/// A value that was written, or read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    fingerprint: u64,
    /// The first row that showed it.
    row: u32,
    /// The next value in its bucket.
    next: u32,
    /// Committed writes of it.
    pub(crate) commits: u32,
    /// The version of the first committed transaction that wrote it; meaningless without one.
    pub(crate) version: u32,
    /// Whether that write is the version, and not one before it.
    pub(crate) is_last: bool,
    /// Where its writers that did not commit stand.
    uncommitted: u32,
    /// The last transaction that read it.
    reader: u32,
}

/// A write by a transaction that does not count as committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uncommitted {
    /// Its row.
    pub(crate) row: u32,
    /// The row of the transaction's last write of the key.
    pub(crate) last: u32,
}

/// Of one value, the first write by an aborted transaction, and by one left out.
type First = (Option<Uncommitted>, Option<Uncommitted>);

/// A table of values. Each distinct one stands in it once, so that no bucket grows long where
/// many writes share a value.
#[derive(Debug, Default)]
pub(crate) struct Values {
    exact: bool,
    shift: u32,
    heads: Vec<u32>,
    all: Vec<Value>,
    uncommitted: Vec<First>,
}

impl Values {
    /// Empties the table and makes it fit for `operations`.
    pub(super) fn clear(&mut self, operations: usize, exact: bool) {
        let buckets = operations.next_power_of_two().max(2);
        self.exact = exact;
        self.shift = 64 - buckets.trailing_zeros();
        self.heads.clear();
        self.heads.resize(buckets, NONE);
        self.all.clear();
        self.uncommitted.clear();
    }

    /// Whether two operations of one key carry the same value.
    pub(super) fn equal(&self, txns: &Transactions<'_>, a: &Operation, b: &Operation) -> bool {
        if a.null || b.null {
            return a.null == b.null;
        }
        a.value == b.value && (self.exact || value_of(txns, a.row) == value_of(txns, b.row))
    }

    /// The place of the value, which is not null, of log row `row`, by its fingerprint.
    pub(super) fn find_or_add(&mut self, txns: &Transactions<'_>, fingerprint: u64, row: u32) -> u32 {
        let bucket = (fingerprint >> self.shift) as usize;
        let mut at = self.heads[bucket];
        while let Some(value) = self.all.get(at as usize) {
            let same = value.fingerprint == fingerprint
                && (self.exact || value_of(txns, value.row) == value_of(txns, row));
            if same {
                return at;
            }
            at = value.next;
        }
        let place = self.all.len() as u32;
        self.all.push(Value {
            fingerprint,
            row,
            next: self.heads[bucket],
            commits: 0,
            version: NONE,
            is_last: false,
            uncommitted: NONE,
            reader: NONE,
        });
        self.heads[bucket] = place;
        place
    }

    /// Notes a committed write.
    pub(super) fn commit(&mut self, txns: &Transactions<'_>, write: &Operation, version: u32, is_last: bool) {
        let place = self.find_or_add(txns, write.value, write.row);
        let value = &mut self.all[place as usize];
        if value.commits == 0 {
            (value.version, value.is_last) = (version, is_last);
        }
        value.commits += 1;
    }

    /// Notes a write that did not commit.
    pub(super) fn note(
        &mut self,
        txns: &Transactions<'_>,
        write: &Operation,
        aborted: bool,
        new: Uncommitted,
    ) {
        let place = self.find_or_add(txns, write.value, write.row);
        let value = &mut self.all[place as usize];
        if value.uncommitted == NONE {
            value.uncommitted = self.uncommitted.len() as u32;
            self.uncommitted.push((None, None));
        }
        let (first_aborted, first_left_out) = &mut self.uncommitted[value.uncommitted as usize];
        let first = if aborted { first_aborted } else { first_left_out };
        if first.is_none_or(|old| new.row < old.row) {
            *first = Some(new);
        }
    }

    /// The value at a place.
    pub(super) fn get(&self, place: u32) -> &Value {
        &self.all[place as usize]
    }

    /// Who wrote it and did not commit.
    pub(super) fn uncommitted(&self, place: u32) -> First {
        let at = self.all[place as usize].uncommitted;
        self.uncommitted.get(at as usize).copied().unwrap_or_default()
    }

    /// Notes that `reader` read it; whether it had been the last to do so before.
    pub(super) fn read_before(&mut self, place: u32, reader: u32) -> bool {
        std::mem::replace(&mut self.all[place as usize].reader, reader) == reader
    }

    /// How many committed writes have a value that another one has too, and for each such value
    /// the version of its first writer.
    pub(super) fn shared(&self) -> impl Iterator<Item = (u32, u32)> {
        self.all.iter().filter(|v| v.commits > 1).map(|v| (v.commits, v.version))
    }
}
