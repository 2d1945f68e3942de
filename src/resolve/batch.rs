//! Transactions as the resolver takes them: a snapshot, what was read, what is written.

use std::cmp::Ordering;
use std::ops::Bound;

use super::{ResolveError, Version};

/// The keyspace's number stands before every key, big-endian: keyspaces are apart in one order.
const KEYSPACE: usize = 4;

/// A normalised access in a batch's bytes: a point, a half-open range, or nothing at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    /// Where the start key begins; the end key follows it.
    at: u32,
    /// 0 in an access that covers no key.
    start: u32,
    /// 0 in a point.
    end: u32,
}

/// An access with its bytes at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyed<'a> {
    Nothing,
    Point(&'a [u8]),
    /// `[start, end)`, with at least two keys in it.
    Range(&'a [u8], &'a [u8]),
}

impl Keyed<'_> {
    /// Whether some key is in both.
    pub(super) fn overlaps(self, other: Keyed<'_>) -> bool {
        match (self, other) {
            (Keyed::Nothing, _) | (_, Keyed::Nothing) => false,
            (Keyed::Point(a), Keyed::Point(b)) => a == b,
            (Keyed::Point(k), Keyed::Range(s, e)) | (Keyed::Range(s, e), Keyed::Point(k)) => s <= k && k < e,
            (Keyed::Range(a, b), Keyed::Range(c, d)) => a < d && c < b,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) snapshot: Version,
    /// Where the transaction's accesses end; they begin where those of the one before end.
    pub(super) reads_end: u32,
    pub(super) writes_end: u32,
    pub(super) explain: bool,
}

/// Transactions in the order in which they are to be judged. Owns copies of all keys.
///
/// [`clear`](Self::clear) keeps the memory: a batch that is used again allocates only while it grows
/// beyond every earlier one.
///
/// ```
/// use std::ops::Bound;
/// use skewer::resolve::{Batch, Checked, Resolver, Verdict};
/// # fn main() -> Result<(), skewer::resolve::ResolveError> {
/// let mut resolver = Resolver::new(Checked::Serializable);
/// let mut batch = Batch::new();
/// batch.begin(0).read(0, b"a")?.write(0, b"b")?;
/// batch.begin(0).read_range(0, Bound::Included(b"b"), Bound::Unbounded)?.write(0, b"c")?;
/// let verdicts = resolver.resolve(&batch, 10)?.to_vec();
/// assert_eq!(verdicts[0], Verdict::Commit(10));
/// assert!(matches!(verdicts[1], Verdict::Conflict { range_index: 0, .. }));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    reads: Vec<Access>,
    writes: Vec<Access>,
    txns: Vec<Header>,
    ranges: usize,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes all transactions and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.reads.clear();
        self.writes.clear();
        self.txns.clear();
        self.ranges = 0;
    }

    /// The number of transactions.
    pub fn len(&self) -> usize {
        self.txns.len()
    }

    /// Whether there is no transaction in it.
    pub fn is_empty(&self) -> bool {
        self.txns.is_empty()
    }

    /// Adds a transaction that read at `snapshot`; what it read and writes follows.
    ///
    /// Whatever the resolver checks and is not handed in is not checked: that is how untracked reads
    /// are had.
    #[inline]
    pub fn begin(&mut self, snapshot: Version) -> TxnBuilder<'_> {
        self.txns.push(Header {
            snapshot,
            reads_end: self.reads.len() as u32,
            writes_end: self.writes.len() as u32,
            explain: false,
        });
        TxnBuilder { batch: self }
    }

    /// Appends a copy of `txn`.
    ///
    /// # Errors
    /// [`ResolveError::BatchTooLarge`] if the keys would exceed 4 GiB.
    pub fn push(&mut self, txn: &Transaction) -> Result<(), ResolveError> {
        self.append(&txn.batch)
    }

    /// Appends copies of all transactions of `other`.
    pub(super) fn append(&mut self, other: &Batch) -> Result<(), ResolveError> {
        let (at, reads, writes) = (self.bytes.len(), self.reads.len() as u32, self.writes.len() as u32);
        if u32::try_from(at + other.bytes.len()).is_err() {
            return Err(ResolveError::BatchTooLarge);
        }
        let moved = |a: &Access| Access { at: a.at + at as u32, ..*a };
        self.bytes.extend_from_slice(&other.bytes);
        self.reads.extend(other.reads.iter().map(moved));
        self.writes.extend(other.writes.iter().map(moved));
        self.txns.extend(other.txns.iter().map(|t| Header {
            reads_end: t.reads_end + reads,
            writes_end: t.writes_end + writes,
            ..*t
        }));
        self.ranges += other.ranges;
        Ok(())
    }

    pub(super) fn txns(&self) -> &[Header] {
        &self.txns
    }

    /// Where the accesses of transaction `txn` begin.
    #[inline]
    pub(super) fn starts(&self, txn: usize) -> (usize, usize) {
        let before = txn.checked_sub(1).map(|t| &self.txns[t]);
        before.map_or((0, 0), |t| (t.reads_end as usize, t.writes_end as usize))
    }

    pub(super) fn reads(&self) -> &[Access] {
        &self.reads
    }

    pub(super) fn writes(&self) -> &[Access] {
        &self.writes
    }

    pub(super) fn reads_of(&self, txn: usize) -> &[Access] {
        &self.reads[self.starts(txn).0..self.txns[txn].reads_end as usize]
    }

    pub(super) fn writes_of(&self, txn: usize) -> &[Access] {
        &self.writes[self.starts(txn).1..self.txns[txn].writes_end as usize]
    }

    /// Whether an access covers more than one key.
    pub(super) fn has_ranges(&self) -> bool {
        self.ranges > 0
    }

    #[inline]
    pub(super) fn keyed(&self, access: Access) -> Keyed<'_> {
        let (at, start, end) = (access.at as usize, access.start as usize, access.end as usize);
        let keys = &self.bytes[at..at + start + end];
        match (start, end) {
            (0, _) => Keyed::Nothing,
            (_, 0) => Keyed::Point(keys),
            _ => {
                let (start, end) = keys.split_at(start);
                Keyed::Range(start, end)
            }
        }
    }

    #[inline]
    fn point(&mut self, keyspace: u32, key: &[u8]) -> Result<Access, ResolveError> {
        if keyspace == u32::MAX {
            return Err(ResolveError::ReservedKeyspace);
        }
        let at = self.bytes.len();
        if at + KEYSPACE + key.len() > u32::MAX as usize {
            return Err(ResolveError::BatchTooLarge);
        }
        self.bytes.extend_from_slice(&keyspace.to_be_bytes());
        self.bytes.extend_from_slice(key);
        Ok(Access { at: at as u32, start: (KEYSPACE + key.len()) as u32, end: 0 })
    }

    /// The one place where bounds become half-open ranges.
    fn range(
        &mut self,
        keyspace: u32,
        low: Bound<&[u8]>,
        high: Bound<&[u8]>,
    ) -> Result<Access, ResolveError> {
        use Bound::{Excluded, Included, Unbounded};
        if keyspace == u32::MAX {
            return Err(ResolveError::ReservedKeyspace);
        }
        let (low_key, low_tail, past_low) = match low {
            Included(key) => (key, true, false),
            Excluded(key) => (key, true, true),
            Unbounded => (&[][..], false, false),
        };
        let (high_key, past_high) = match high {
            Included(key) => (key, true),
            Excluded(key) => (key, false),
            Unbounded => (&[][..], false),
        };
        if low_tail && high != Unbounded && low_key > high_key {
            return Err(ResolveError::InvertedRange);
        }
        let at = self.bytes.len();
        if at + 2 * KEYSPACE + low_key.len() + high_key.len() + 2 > u32::MAX as usize {
            return Err(ResolveError::BatchTooLarge);
        }
        let start = self.put(keyspace, low_key, past_low);
        let end = self.put(if high == Unbounded { keyspace + 1 } else { keyspace }, high_key, past_high);
        let access = Access { at: at as u32, start, end };
        Ok(self.settle(access))
    }

    /// Appends a key, or the key right behind it: `key` and a zero byte.
    fn put(&mut self, keyspace: u32, key: &[u8], past: bool) -> u32 {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&keyspace.to_be_bytes());
        self.bytes.extend_from_slice(key);
        if past {
            self.bytes.push(0);
        }
        (self.bytes.len() - before) as u32
    }

    /// Tells ranges of no key and of one key apart from others.
    fn settle(&mut self, range: Access) -> Access {
        let at = range.at as usize;
        let (start, end) = self.bytes[at..].split_at(range.start as usize);
        match start.cmp(end) {
            Ordering::Less if end.strip_prefix(start) == Some(&[0][..]) => {
                self.bytes.truncate(at + range.start as usize);
                Access { end: 0, ..range }
            }
            Ordering::Less => {
                self.ranges += 1;
                range
            }
            Ordering::Equal | Ordering::Greater => {
                self.bytes.truncate(at);
                Access { at: range.at, start: 0, end: 0 }
            }
        }
    }
}

/// Adds accesses to the last transaction of a batch. An error adds nothing.
///
/// Keys may have any length; a key's keyspace is a number below `u32::MAX`. Indices in verdicts count
/// reads and writes separately, in the order of these calls, empty ranges included.
#[derive(Debug)]
pub struct TxnBuilder<'a> {
    batch: &'a mut Batch,
}

impl TxnBuilder<'_> {
    fn last(&mut self) -> &mut Header {
        let last = self.batch.txns.len() - 1;
        &mut self.batch.txns[last]
    }

    /// Asks for the version and the key of a conflict. Costs a second look at the range, and only then.
    #[inline]
    pub fn explain(&mut self) -> &mut Self {
        self.last().explain = true;
        self
    }

    /// The transaction read one key.
    ///
    /// # Errors
    /// [`ResolveError::ReservedKeyspace`], [`ResolveError::BatchTooLarge`].
    #[inline]
    pub fn read(&mut self, keyspace: u32, key: &[u8]) -> Result<&mut Self, ResolveError> {
        let access = self.batch.point(keyspace, key)?;
        Ok(self.add_read(access))
    }

    /// The transaction writes, or deletes, one key.
    ///
    /// # Errors
    /// [`ResolveError::ReservedKeyspace`], [`ResolveError::BatchTooLarge`].
    #[inline]
    pub fn write(&mut self, keyspace: u32, key: &[u8]) -> Result<&mut Self, ResolveError> {
        let access = self.batch.point(keyspace, key)?;
        Ok(self.add_write(access))
    }

    /// The transaction read all keys between two bounds, those that were not there included.
    ///
    /// # Errors
    /// [`ResolveError::InvertedRange`] if the start key is greater than the end key (a range of
    /// no key is none), [`ResolveError::ReservedKeyspace`], [`ResolveError::BatchTooLarge`].
    pub fn read_range<K: AsRef<[u8]> + ?Sized>(
        &mut self,
        keyspace: u32,
        low: Bound<&K>,
        high: Bound<&K>,
    ) -> Result<&mut Self, ResolveError> {
        let access = self.batch.range(keyspace, low.map(AsRef::as_ref), high.map(AsRef::as_ref))?;
        Ok(self.add_read(access))
    }

    /// The transaction writes, or deletes, all keys between two bounds.
    ///
    /// # Errors
    /// As [`read_range`](Self::read_range).
    pub fn write_range<K: AsRef<[u8]> + ?Sized>(
        &mut self,
        keyspace: u32,
        low: Bound<&K>,
        high: Bound<&K>,
    ) -> Result<&mut Self, ResolveError> {
        let access = self.batch.range(keyspace, low.map(AsRef::as_ref), high.map(AsRef::as_ref))?;
        Ok(self.add_write(access))
    }

    #[inline]
    fn add_read(&mut self, access: Access) -> &mut Self {
        self.batch.reads.push(access);
        self.last().reads_end = self.batch.reads.len() as u32;
        self
    }

    #[inline]
    fn add_write(&mut self, access: Access) -> &mut Self {
        self.batch.writes.push(access);
        self.last().writes_end = self.batch.writes.len() as u32;
        self
    }

    /// Adds an access that another batch normalised: a part of a transaction for its owner.
    pub(super) fn add(&mut self, keyed: Keyed<'_>, written: bool) {
        let at = self.batch.bytes.len() as u32;
        let access = match keyed {
            Keyed::Nothing => Access { at, start: 0, end: 0 },
            Keyed::Point(key) => {
                self.batch.bytes.extend_from_slice(key);
                Access { at, start: key.len() as u32, end: 0 }
            }
            Keyed::Range(start, end) => {
                self.batch.ranges += 1;
                self.batch.bytes.extend_from_slice(start);
                self.batch.bytes.extend_from_slice(end);
                Access { at, start: start.len() as u32, end: end.len() as u32 }
            }
        };
        if written {
            self.add_write(access)
        } else {
            self.add_read(access)
        };
    }
}

/// One transaction, to be used again: [`reset`](Self::reset) keeps the memory.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub(super) batch: Batch,
}

impl Transaction {
    /// A transaction that read at `snapshot`, so far nothing.
    pub fn new(snapshot: Version) -> Self {
        let mut batch = Batch::new();
        batch.begin(snapshot);
        Self { batch }
    }

    /// Forgets what it read and wrote, and takes another snapshot.
    #[inline]
    pub fn reset(&mut self, snapshot: Version) -> TxnBuilder<'_> {
        self.batch.clear();
        self.batch.begin(snapshot)
    }

    /// Adds reads and writes.
    #[inline]
    pub fn accesses(&mut self) -> TxnBuilder<'_> {
        TxnBuilder { batch: &mut self.batch }
    }

    /// The version at which it read.
    pub fn snapshot(&self) -> Version {
        self.batch.txns[0].snapshot
    }
}

/// The keyspace and the key of a stored key.
pub(super) fn split_keyspace(key: &[u8]) -> (u32, &[u8]) {
    match key.split_first_chunk::<KEYSPACE>() {
        Some((keyspace, key)) => (u32::from_be_bytes(*keyspace), key),
        None => (0, key),
    }
}
