//! Transactions as the resolver takes them: a snapshot, what was read, what is written.

mod some;
mod words;

use std::ops::Bound;

use super::key_room::{KeyRoom, copy};
use super::keys::common;
use super::txn::{Transaction, TxnBuilder};
use super::verdict::Cause;
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
    /// How many bytes both ends of a range share.
    shared: u32,
}

impl Access {
    /// How long its start and its end are, and how much both share.
    #[inline]
    pub(super) fn extent(&self) -> (u32, u32, u32) {
        (self.start, self.end, self.shared)
    }
}

/// An access with its bytes at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyed<'a> {
    Nothing,
    Point(&'a [u8]),
    /// `[start, end)`, with at least two keys in it.
    Range(Span<'a>),
}

/// All keys from `start` up to `end`; both share so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<'a> {
    pub(super) start: &'a [u8],
    pub(super) end: &'a [u8],
    pub(super) shared: usize,
}

impl<'a> Span<'a> {
    /// `start` is less than `end`.
    pub(super) fn new(start: &'a [u8], end: &'a [u8]) -> Self {
        Self { start, end, shared: common(start, end) }
    }
}

impl Keyed<'_> {
    /// Whether some key is in both.
    pub(super) fn overlaps(self, other: Keyed<'_>) -> bool {
        match (self, other) {
            (Keyed::Nothing, _) | (_, Keyed::Nothing) => false,
            (Keyed::Point(a), Keyed::Point(b)) => a == b,
            (Keyed::Point(k), Keyed::Range(r)) | (Keyed::Range(r), Keyed::Point(k)) => {
                r.start <= k && k < r.end
            }
            (Keyed::Range(a), Keyed::Range(b)) => a.start < b.end && b.start < a.end,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) snapshot: Version,
    /// Where the transaction's accesses begin; they end where those of the next begin.
    reads: u32,
    writes: u32,
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
    keys: KeyRoom,
    reads: Vec<Access>,
    writes: Vec<Access>,
    txns: Vec<Header>,
    ranges: usize,
    /// How many bytes less than 4 GiB its keys may have: none but in tests.
    withheld: u32,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch whose keys may have so few bytes that tests see it full.
    #[doc(hidden)]
    pub fn of_bytes(limit: u32) -> Self {
        Self { withheld: u32::MAX - limit, ..Self::default() }
    }

    /// Removes all transactions and keeps the memory.
    pub fn clear(&mut self) {
        self.keys.clear();
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
            reads: self.reads.len() as u32,
            writes: self.writes.len() as u32,
            explain: false,
        });
        TxnBuilder::of(self)
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
        let (at, reads, writes) = (self.keys.len(), self.reads.len() as u32, self.writes.len() as u32);
        self.fits(other.keys.len())?;
        let moved = |a: &Access| Access { at: a.at + at as u32, ..*a };
        self.keys.add(other.keys.len()).copy_from_slice(other.keys.bytes());
        self.reads.extend(other.reads.iter().map(moved));
        self.writes.extend(other.writes.iter().map(moved));
        self.txns.extend(other.txns.iter().map(|t| Header {
            reads: t.reads + reads,
            writes: t.writes + writes,
            ..*t
        }));
        self.ranges += other.ranges;
        Ok(())
    }

    /// All keys.
    pub(super) fn bytes(&self) -> &[u8] {
        self.keys.bytes()
    }

    pub(super) fn txns(&self) -> &[Header] {
        &self.txns
    }

    /// Where the accesses of transaction `txn` begin; behind the last, where they end.
    #[inline]
    pub(super) fn starts(&self, txn: usize) -> (usize, usize) {
        let ends = (self.reads.len(), self.writes.len());
        self.txns.get(txn).map_or(ends, |t| (t.reads as usize, t.writes as usize))
    }

    pub(super) fn reads(&self) -> &[Access] {
        &self.reads
    }

    pub(super) fn writes(&self) -> &[Access] {
        &self.writes
    }

    pub(super) fn reads_of(&self, txn: usize) -> &[Access] {
        &self.reads[self.starts(txn).0..self.starts(txn + 1).0]
    }

    pub(super) fn writes_of(&self, txn: usize) -> &[Access] {
        &self.writes[self.starts(txn).1..self.starts(txn + 1).1]
    }

    /// Whether an access covers more than one key.
    pub(super) fn has_ranges(&self) -> bool {
        self.ranges > 0
    }

    /// The keys of an access, its start and its end one behind the other.
    #[inline]
    pub(super) fn keys_of(&self, access: Access) -> &[u8] {
        &self.keys.bytes()[access.at as usize..][..access.start as usize + access.end as usize]
    }

    #[inline]
    pub(super) fn keyed(&self, access: Access) -> Keyed<'_> {
        let (start, end) = (access.start as usize, access.end as usize);
        let keys = self.keys_of(access);
        match (start, end) {
            (0, _) => Keyed::Nothing,
            (_, 0) => Keyed::Point(keys),
            _ => {
                let (start, end) = keys.split_at(start);
                Keyed::Range(Span { start, end, shared: access.shared as usize })
            }
        }
    }

    /// Adds a point.
    #[inline]
    pub(super) fn point(&mut self, keyspace: u32, key: &[u8], cause: Cause) -> Result<(), ResolveError> {
        self.may_hold(keyspace, KEYSPACE + key.len())?;
        let at = self.keys.len() as u32;
        let start = self.put(keyspace, key, false);
        self.add(Access { at, start, end: 0, shared: 0 }, cause);
        Ok(())
    }

    /// Whether so many more bytes of keys of a keyspace may be added.
    #[inline]
    fn may_hold(&self, keyspace: u32, bytes: usize) -> Result<(), ResolveError> {
        if keyspace == u32::MAX {
            return Err(ResolveError::ReservedKeyspace);
        }
        self.fits(bytes)
    }

    /// Whether there may be so many more bytes of keys: places in them are numbers of 32 bits.
    #[inline]
    fn fits(&self, bytes: usize) -> Result<(), ResolveError> {
        let limit = (u32::MAX - self.withheld) as usize;
        if self.keys.len() + bytes > limit { Err(ResolveError::BatchTooLarge) } else { Ok(()) }
    }

    /// Adds a range. The one place where bounds become half-open ranges.
    #[inline]
    pub(super) fn range(
        &mut self,
        keyspace: u32,
        low: Bound<&[u8]>,
        high: Bound<&[u8]>,
        cause: Cause,
    ) -> Result<(), ResolveError> {
        use Bound::{Excluded, Included, Unbounded};
        let (low, past_low) = match low {
            Included(key) => (key, false),
            Excluded(key) => (key, true),
            Unbounded => (&[][..], false),
        };
        let (high, past_high) = match high {
            Included(key) => (key, true),
            Excluded(key) => (key, false),
            // All up to the first key of the next keyspace.
            Unbounded => return self.range_to_end(keyspace, low, past_low, cause),
        };
        self.may_hold(keyspace, 2 * KEYSPACE + low.len() + high.len() + 2)?;
        let shared = common(low, high);
        let (low_rest, high_rest) = (&low[shared..], &high[shared..]);
        if low_rest.first() > high_rest.first() {
            return Err(ResolveError::InvertedRange);
        }
        let at = self.keys.len() as u32;
        // If the shorter end is a start of the other, the zero byte behind it may be shared too, or decide.
        if low_rest.is_empty() && high_rest.first().is_none_or(|next| *next == 0) {
            self.near_range(keyspace, (low, past_low), (high, past_high), cause);
            return Ok(());
        }
        self.ranges += 1;
        let start = self.put(keyspace, low, past_low);
        let end = self.put(keyspace, high, past_high);
        self.add(Access { at, start, end, shared: (KEYSPACE + shared) as u32 }, cause);
        Ok(())
    }

    /// The range from a key to the end of its keyspace. There is room only for an empty one.
    #[inline(never)]
    fn range_to_end(
        &mut self,
        keyspace: u32,
        low: &[u8],
        past_low: bool,
        cause: Cause,
    ) -> Result<(), ResolveError> {
        self.may_hold(keyspace, 2 * KEYSPACE + low.len() + 1)?;
        self.ranges += 1;
        let at = self.keys.len() as u32;
        let start = self.put(keyspace, low, past_low);
        let end = self.put(keyspace + 1, &[], false);
        let shared = common(&keyspace.to_be_bytes(), &(keyspace + 1).to_be_bytes());
        self.add(Access { at, start, end, shared: shared as u32 }, cause);
        Ok(())
    }

    /// A range whose end is its start, or goes on from there with a zero byte: of no key, of one, or of more.
    #[inline(never)]
    fn near_range(&mut self, keyspace: u32, low: (&[u8], bool), high: (&[u8], bool), cause: Cause) {
        let at = self.keys.len();
        let start = self.put(keyspace, low.0, low.1);
        let end = self.put(keyspace, high.0, high.1);
        let access = Access { at: at as u32, start, end, shared: 0 };
        let (low, high) = self.keys.bytes()[at..].split_at(start as usize);
        if low >= high {
            self.keys.truncate(at);
            return self.add(Access { start: 0, end: 0, ..access }, cause);
        }
        if high.strip_prefix(low) == Some(&[0][..]) {
            self.keys.truncate(at + start as usize);
            return self.add(Access { end: 0, ..access }, cause);
        }
        let shared = common(low, high) as u32;
        self.ranges += 1;
        self.add(Access { shared, ..access }, cause);
    }

    /// Appends a key, or the key right behind it: `key` and a zero byte.
    #[inline]
    fn put(&mut self, keyspace: u32, key: &[u8], past: bool) -> u32 {
        let whole = KEYSPACE + key.len() + usize::from(past);
        let (space, rest) = self.keys.add(whole).split_at_mut(KEYSPACE);
        space.copy_from_slice(&keyspace.to_be_bytes());
        let (to, behind) = rest.split_at_mut(key.len());
        copy(to, key);
        if let Some(zero) = behind.first_mut() {
            *zero = 0;
        }
        whole as u32
    }

    /// Adds an access that another batch normalised.
    pub(super) fn adopt(&mut self, keyed: Keyed<'_>, cause: Cause) {
        let nothing = Access { at: self.keys.len() as u32, start: 0, end: 0, shared: 0 };
        let mut put = |key: &[u8]| {
            copy(self.keys.add(key.len()), key);
            key.len() as u32
        };
        let access = match keyed {
            Keyed::Nothing => nothing,
            Keyed::Point(key) => Access { start: put(key), ..nothing },
            Keyed::Range(Span { start, end, shared }) => {
                let (start, end) = (put(start), put(end));
                self.ranges += 1;
                Access { start, end, shared: shared as u32, ..nothing }
            }
        };
        self.add(access, cause);
    }

    #[inline]
    fn add(&mut self, access: Access, cause: Cause) {
        let accesses = match cause {
            Cause::Read => &mut self.reads,
            Cause::Write => &mut self.writes,
        };
        accesses.push(access);
    }

    /// Has the last transaction explained.
    pub(super) fn explain_last(&mut self) {
        if let Some(last) = self.txns.last_mut() {
            last.explain = true;
        }
    }
}

/// The keyspace and the key of a stored key.
pub(super) fn split_keyspace(key: &[u8]) -> (u32, &[u8]) {
    match key.split_first_chunk::<KEYSPACE>() {
        Some((keyspace, key)) => (u32::from_be_bytes(*keyspace), key),
        None => (0, key),
    }
}
