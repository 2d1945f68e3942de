//! All that happened to one key: its versions, and whose version every read returned.
//!
//! 1. The operations are taken transaction by transaction. The last write of a committed one is
//!    a version; every value written is noted, once, with who wrote it; reads of a transaction's
//!    own writes and repeated reads are compared on the spot.
//! 2. Every other read is looked up among the values, now that all are known.
//! 3. Times of versions are filled in; those of readers are looked up when they are judged, once.

use super::transactions::{Clock, Ends, Transactions};
use super::values::{Uncommitted, Value, Values};
use crate::txn::{Datum, Status};

/// One operation, on its way to its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// The key's fingerprint.
    pub(crate) key: u64,
    /// The value's fingerprint; of no meaning where it is null.
    pub(crate) value: u64,
    /// The log row.
    pub(crate) row: u32,
    /// The transaction.
    pub(crate) txn: u32,
    /// Whether it read.
    pub(crate) read: bool,
    /// Whether the value is null.
    pub(crate) null: bool,
}

/// The last write of the key by a committed transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    /// The transaction.
    pub(crate) txn: u32,
    /// The row of the write.
    pub(crate) row: u32,
    /// When the transaction started and committed, by the clock asked for.
    pub(crate) ends: Ends,
}

/// Whose value a read returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nobody's: the initial version.
    Initial,
    /// That version, by its place in [`KeyHistory::versions`].
    Version(u32),
    /// A write that its own transaction overwrote; the row of that transaction's last write.
    Intermediate(u32),
    /// A write of an aborted transaction; the row of that transaction's last write.
    Aborted(u32),
    /// Nobody's.
    Unknown,
    /// It names no version.
    Ambiguous,
}

/// A read by a committed transaction before any own write of the key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    /// The transaction.
    pub(crate) txn: u32,
    /// The row of the read.
    pub(crate) row: u32,
    /// Whose value it returned.
    pub(crate) source: Source,
    /// Whether it is the transaction's first operation on the key.
    pub(crate) first: bool,
    /// Whether the transaction had read the same value before, so.
    pub(crate) repeated: bool,
}

/// A read that its own transaction contradicts: it returned another value than the row `instead`
/// wrote, or read, before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contradicted {
    /// The row of the read.
    pub(crate) row: u32,
    /// The row before it.
    pub(crate) instead: u32,
    /// Whether `instead` is the transaction's own write.
    pub(crate) own_write: bool,
}

/// What happened to one key. Kept from key to key for its memory.
#[derive(Debug, Default)]
pub(crate) struct KeyHistory {
    /// The versions, in the order of their transactions.
    pub(crate) versions: Vec<Version>,
    /// The reads of committed transactions before any own write, by transaction, then row.
    pub(crate) reads: Vec<Read>,
    /// Reads that their own transactions contradict.
    pub(crate) contradicted: Vec<Contradicted>,
    /// Every value that was written.
    values: Values,
    /// Committed writes of null.
    deletes: u32,
    /// By read, its value's fingerprint; `None` for null.
    pending: Vec<Option<u64>>,
    by_txn: Vec<Operation>,
}

impl KeyHistory {
    /// Committed writes of a value that another committed write has too, and the row of the first
    /// of them, if transactions have one operation each.
    pub(crate) fn shared_values(&self) -> (u64, Option<u32>) {
        self.values.shared().fold((0, None), |(count, first), (commits, version)| {
            let row = self.versions[version as usize].row;
            (count + u64::from(commits), Some(first.map_or(row, |f: u32| f.min(row))))
        })
    }

    /// Takes in the operations of one key, which stand in row order. `exact` says that values
    /// of one fingerprint are equal for certain.
    ///
    /// Cost: O(operations) expected, and a sort where rows of transactions do not stand
    /// together.
    pub(crate) fn take(&mut self, txns: &Transactions<'_>, clock: Clock, exact: bool, all: &[Operation]) {
        self.versions.clear();
        self.reads.clear();
        self.contradicted.clear();
        self.pending.clear();
        self.deletes = 0;
        self.values.clear(all.len(), exact);
        if all.is_sorted_by_key(|o| o.txn) {
            all.chunk_by(|a, b| a.txn == b.txn).for_each(|run| self.take_txn(txns, run));
        } else {
            let mut sorted = std::mem::take(&mut self.by_txn);
            sorted.clear();
            sorted.extend_from_slice(all);
            sorted.sort_by_key(|o| o.txn);
            sorted.chunk_by(|a, b| a.txn == b.txn).for_each(|run| self.take_txn(txns, run));
            self.by_txn = sorted;
        }
        self.resolve(txns);
        self.versions.iter_mut().for_each(|v| v.ends = txns.ends(clock, v.txn));
    }

    /// Takes in what one transaction did to the key.
    fn take_txn(&mut self, txns: &Transactions<'_>, run: &[Operation]) {
        let last = run.iter().rposition(|o| !o.read);
        if !txns.committed(run[0].txn) {
            self.take_uncommitted(txns, run, last);
            return;
        }
        let version = self.versions.len() as u32;
        let (mut own, mut read): (Option<&Operation>, Option<&Operation>) = (None, None);
        for (at, operation) in run.iter().enumerate() {
            if operation.read {
                self.contradict(txns, operation, own, read);
                if own.is_none() {
                    self.pending.push((!operation.null).then_some(operation.value));
                    self.reads.push(Read {
                        txn: operation.txn,
                        row: operation.row,
                        source: Source::Unknown,
                        first: read.is_none(),
                        repeated: false,
                    });
                }
                read = Some(operation);
            } else {
                own = Some(operation);
                if operation.null {
                    self.deletes += 1;
                } else {
                    self.values.commit(txns, operation, version, last == Some(at));
                }
            }
        }
        if let Some(last) = last {
            self.versions.push(Version { txn: run[last].txn, row: run[last].row, ends: [0; 4] });
        }
    }

    /// Compares a read with what its transaction did to the key before.
    fn contradict(
        &mut self,
        txns: &Transactions<'_>,
        read: &Operation,
        own: Option<&Operation>,
        before: Option<&Operation>,
    ) {
        let differs = |values: &Values, other: &&Operation| !values.equal(txns, read, other);
        if let Some(own) = own.filter(|o| differs(&self.values, o)) {
            self.contradicted.push(Contradicted { row: read.row, instead: own.row, own_write: true });
        }
        let unwritten = before.filter(|before| own.is_none_or(|own| own.row < before.row));
        if let Some(before) = unwritten.filter(|o| differs(&self.values, o)) {
            self.contradicted.push(Contradicted { row: read.row, instead: before.row, own_write: false });
        }
    }

    fn take_uncommitted(&mut self, txns: &Transactions<'_>, run: &[Operation], last: Option<usize>) {
        let Some(last) = last else { return };
        let (chunk, at) = txns.log.locate(u64::from(run[0].row));
        let aborted = chunk.status(at) == Status::Aborted;
        for write in run.iter().filter(|o| !o.read && !o.null) {
            self.values.note(txns, write, aborted, Uncommitted { row: write.row, last: run[last].row });
        }
    }

    /// Finds out whose values were read.
    fn resolve(&mut self, txns: &Transactions<'_>) {
        for (read, value) in self.reads.iter_mut().zip(&self.pending) {
            let Some(value) = *value else {
                read.source = if self.deletes == 0 { Source::Initial } else { Source::Ambiguous };
                continue;
            };
            let place = self.values.find_or_add(txns, value, read.row);
            read.repeated = self.values.read_before(place, read.txn);
            read.source = source(&self.values, place, read.txn, &self.versions);
        }
    }
}

/// Whose value a read by `reader` returned.
fn source(values: &Values, value: u32, reader: u32, versions: &[Version]) -> Source {
    match values.get(value) {
        Value { commits: 0, .. } => {}
        Value { commits: 1, version, is_last, .. } => {
            let writer = &versions[*version as usize];
            if writer.txn != reader {
                return if *is_last { Source::Version(*version) } else { Source::Intermediate(writer.row) };
            }
        }
        _ => return Source::Ambiguous,
    }
    let (aborted, left_out) = values.uncommitted(value);
    match (aborted, left_out) {
        (Some(aborted), _) => Source::Aborted(aborted.last),
        // Left out although it was read: then its transaction wrote another value last.
        (None, Some(other)) => Source::Intermediate(other.last),
        (None, None) => Source::Unknown,
    }
}

/// The value that log row `row` reads or writes.
pub(crate) fn value_of<'a>(txns: &Transactions<'a>, row: u32) -> Option<Datum<'a>> {
    let (chunk, at) = txns.log.locate(u64::from(row));
    chunk.value_at(at)
}
