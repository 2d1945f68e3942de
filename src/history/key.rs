//! All that happened to one key: its versions, and whose version every read returned.
//!
//! 1. The operations are taken transaction by transaction. The last write of a committed one is
//!    a version; every value written is noted, once, with who wrote it; reads of a transaction's
//!    own writes and repeated reads are compared on the spot.
//! 2. Every other read is looked up among the values, now that all are known. Times of readers are
//!    looked up when they are judged, once.

use super::transactions::{Clock, Ends, Transactions};
use super::values::{AHEAD, Uncommitted, Value, Values};
use crate::memory::reserve;
use crate::txn::{Datum, Status};

/// One operation, on its way to its key: in as few bytes as can be, since memory is what gathering
/// waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// What is left of the key's fingerprint, and in its lowest bits [`Self::READ`] and [`Self::NULL`].
    label: u64,
    /// The value's fingerprint; of no meaning where it is null.
    pub(crate) value: u64,
    /// The log row.
    pub(crate) row: u32,
    /// The transaction.
    pub(crate) txn: u32,
}

impl Operation {
    const READ: u64 = 1;
    const NULL: u64 = 2;

    /// The lowest bits of a key's fingerprint that must be zero.
    pub(crate) const MARK_BITS: u32 = 2;

    /// What memory holds before the first operation is there.
    pub(crate) const ZERO: Self = Operation { label: 0, value: 0, row: 0, txn: 0 };

    /// An operation on a key, of whose fingerprint the lowest [`Self::MARK_BITS`] are zero: whether it
    /// read, and whether its value is null.
    #[inline]
    pub(crate) fn new(key: u64, value: u64, (row, txn): (u32, u32), (read, null): (bool, bool)) -> Self {
        let label = key | (u64::from(read) * Self::READ) | (u64::from(null) * Self::NULL);
        Operation { label, value, row, txn }
    }

    /// As words.
    #[inline]
    pub(crate) fn words(self) -> [u64; 3] {
        [self.label, self.value, u64::from(self.row) << 32 | u64::from(self.txn)]
    }

    /// From words.
    #[inline]
    pub(crate) fn of_words([label, value, places]: [u64; 3]) -> Self {
        Operation { label, value, row: (places >> 32) as u32, txn: places as u32 }
    }

    /// What is left of the key's fingerprint.
    #[inline]
    pub(crate) fn key(&self) -> u64 {
        self.label & !(Self::READ | Self::NULL)
    }

    /// Whether it read.
    #[inline]
    pub(crate) fn read(&self) -> bool {
        self.label & Self::READ != 0
    }

    /// Whether the value is null.
    #[inline]
    pub(crate) fn null(&self) -> bool {
        self.label & Self::NULL != 0
    }
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

/// A read whose value is to be looked up.
#[derive(Clone, Copy, Debug)]
struct Pending {
    value: u64,
    null: bool,
    /// Whether its transaction read the key more than once.
    several: bool,
    /// How many values had been written before it.
    written: u32,
}

/// What happened to one key. Kept from key to key for its memory.
#[derive(Debug, Default)]
pub(crate) struct KeyHistory {
    /// The versions, in the order of their transactions.
    pub(crate) versions: Vec<Version>,
    /// The bounds of each version's transaction, where its times are points.
    bounds: Vec<Ends>,
    /// The reads of committed transactions before any own write, by transaction, then row.
    pub(crate) reads: Vec<Read>,
    /// Reads that their own transactions contradict.
    pub(crate) contradicted: Vec<Contradicted>,
    /// Every value that was written.
    values: Values,
    /// Whether some committed write has a value that another one has too.
    any_shared: bool,
    /// Committed writes of null.
    deletes: u32,
    /// By read.
    pending: Vec<Pending>,
    /// Writes that did not commit, and the row of their transaction's last one.
    uncommitted: Vec<(Operation, u32)>,
    by_txn: Vec<Operation>,
}

impl KeyHistory {
    /// Committed writes of a value that another committed write has too, and the row of the first
    /// of them, if transactions have one operation each.
    pub(crate) fn shared_values(&self) -> (u64, Option<u32>) {
        if !self.any_shared {
            return (0, None);
        }
        self.values.shared().fold((0, None), |(count, first), (commits, version)| {
            let row = self.versions[version as usize].row;
            (count + u64::from(commits), Some(first.map_or(row, |f: u32| f.min(row))))
        })
    }

    /// The bounds of the transaction of the version at that place, whatever its times are.
    pub(crate) fn bounds(&self, version: usize) -> &Ends {
        self.bounds.get(version).unwrap_or_else(|| &self.versions[version].ends)
    }

    /// Takes in the operations of one key, which stand in row order. `exact` says that values
    /// of one fingerprint are equal for certain.
    ///
    /// Cost: O(operations) expected, and a sort where rows of transactions do not stand
    /// together.
    pub(crate) fn take(&mut self, txns: &Transactions<'_>, clock: Clock, exact: bool, all: &[Operation]) {
        self.versions.clear();
        self.bounds.clear();
        self.reads.clear();
        self.contradicted.clear();
        self.pending.clear();
        self.uncommitted.clear();
        self.deletes = 0;
        self.values.clear(exact);
        // A hot key's lists would be copied again and again as they grow.
        let reads = all.iter().filter(|o| o.read()).count();
        let writes = all.len() - reads;
        reserve(&mut self.reads, reads);
        reserve(&mut self.pending, reads);
        reserve(&mut self.versions, writes);
        reserve(&mut self.bounds, if clock == Clock::Points { writes } else { 0 });
        self.values.reserve(writes);
        if all.is_sorted_by_key(|o| o.txn) {
            self.take_all(txns, clock, all);
        } else {
            let mut sorted = std::mem::take(&mut self.by_txn);
            sorted.clear();
            reserve(&mut sorted, all.len());
            sorted.extend_from_slice(all);
            sorted.sort_by_key(|o| o.txn);
            self.take_all(txns, clock, &sorted);
            self.by_txn = sorted;
        }
        // Values that only reads and writes which did not commit have are added to the table.
        let several = self.pending.iter().filter(|p| p.several).count();
        let in_order = self.values.link(txns, several + self.uncommitted.len());
        self.any_shared = !in_order;
        for (write, last) in &self.uncommitted {
            let (chunk, at) = txns.log.locate(u64::from(write.row));
            let aborted = chunk.status(at) == Status::Aborted;
            self.values.note(txns, write, aborted, Uncommitted { row: write.row, last: *last });
        }
        self.resolve(txns, in_order);
    }

    fn take_all(&mut self, txns: &Transactions<'_>, clock: Clock, all: &[Operation]) {
        let mut at = 0;
        for run in all.chunk_by(|a, b| a.txn == b.txn) {
            let txn = run[0].txn;
            at += run.len();
            if let Some(ahead) = all.get(at + AHEAD) {
                txns.prefetch(ahead.txn);
            }
            if !txns.committed(txn) {
                self.take_uncommitted(run);
                continue;
            }
            let last = match run {
                [one] => {
                    self.take_one(one);
                    (!one.read()).then_some(one)
                }
                _ => self.take_txn(txns, run),
            };
            if let Some(last) = last {
                self.versions.push(Version { txn, row: last.row, ends: txns.ends(clock, txn) });
                if clock == Clock::Points {
                    self.bounds.push(txns.ends(Clock::Bounds, txn));
                }
            }
        }
    }

    /// Takes in all that a transaction did to the key, if that is one operation.
    fn take_one(&mut self, operation: &Operation) {
        if operation.read() {
            self.take_read(operation, true, false);
        } else {
            self.take_write(operation, true);
        }
    }

    fn take_read(&mut self, read: &Operation, first: bool, several: bool) {
        let written = self.values.len() as u32;
        self.pending.push(Pending { value: read.value, null: read.null(), several, written });
        let (txn, row) = (read.txn, read.row);
        self.reads.push(Read { txn, row, source: Source::Unknown, first, repeated: false });
    }

    fn take_write(&mut self, write: &Operation, is_last: bool) {
        if write.null() {
            self.deletes += 1;
        } else {
            self.values.commit(write, self.versions.len() as u32, is_last);
        }
    }

    /// Takes in what one transaction did to the key; its last write.
    fn take_txn<'o>(&mut self, txns: &Transactions<'_>, run: &'o [Operation]) -> Option<&'o Operation> {
        let last = run.iter().rposition(|o| !o.read());
        let several = run.iter().filter(|o| o.read()).count() > 1;
        let (mut own, mut read): (Option<&Operation>, Option<&Operation>) = (None, None);
        for (at, operation) in run.iter().enumerate() {
            if operation.read() {
                self.contradict(txns, operation, own, read);
                if own.is_none() {
                    self.take_read(operation, read.is_none(), several);
                }
                read = Some(operation);
            } else {
                own = Some(operation);
                self.take_write(operation, last == Some(at));
            }
        }
        last.map(|last| &run[last])
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

    fn take_uncommitted(&mut self, run: &[Operation]) {
        let Some(last) = run.iter().rfind(|o| !o.read()) else { return };
        let writes = run.iter().filter(|o| !o.read() && !o.null());
        self.uncommitted.extend(writes.map(|write| (*write, last.row)));
    }

    /// Finds out whose values were read; `in_order` says that every value stands in the table at
    /// the place in which it was written.
    fn resolve(&mut self, txns: &Transactions<'_>, in_order: bool) {
        for at in 0..self.reads.len() {
            let (read, asked) = (&mut self.reads[at], self.pending[at]);
            if let Some(ahead) = self.pending.get(at + AHEAD) {
                self.values.prefetch(ahead.value);
            }
            if asked.null {
                read.source = if self.deletes == 0 { Source::Initial } else { Source::Ambiguous };
                continue;
            }
            let place = if asked.several {
                let (place, before) = self.values.read(txns, asked.value, read.row, read.txn);
                read.repeated = before;
                Some(place)
            } else {
                // Most reads return what was written last.
                let guess = asked.written.checked_sub(1).filter(|_| in_order);
                self.values.find(txns, asked.value, read.row, guess)
            };
            read.source =
                place.map_or(Source::Unknown, |place| source(&self.values, place, read.txn, &self.versions));
        }
    }
}

/// Whose value a read by `reader` returned.
fn source(values: &Values, place: u32, reader: u32, versions: &[Version]) -> Source {
    match values.get(place) {
        Value { commits: 0, .. } => {}
        Value { commits: 1, version, is_last, .. } => {
            let writer = &versions[*version as usize];
            if writer.txn != reader {
                return if *is_last { Source::Version(*version) } else { Source::Intermediate(writer.row) };
            }
        }
        _ => return Source::Ambiguous,
    }
    let (aborted, left_out) = values.uncommitted(place);
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
