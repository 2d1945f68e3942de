//! One transaction: what it read and writes, added to a batch.

use std::ops::Bound;

use super::batch::{Batch, Keyed};
use super::verdict::Cause;
use super::{ResolveError, Version};

/// Adds accesses to the last transaction of a batch. An error adds nothing.
///
/// Keys may have any length; a key's keyspace is a number below `u32::MAX`. Indices in verdicts count
/// reads and writes separately, in the order of these calls, empty ranges included.
#[derive(Debug)]
pub struct TxnBuilder<'a> {
    batch: &'a mut Batch,
}

impl<'a> TxnBuilder<'a> {
    #[inline]
    pub(super) fn of(batch: &'a mut Batch) -> Self {
        Self { batch }
    }

    /// Asks for the version and the key of a conflict. Costs a second look at the range, and only then.
    #[inline]
    pub fn explain(&mut self) -> &mut Self {
        self.batch.explain_last();
        self
    }

    /// The transaction read one key.
    ///
    /// # Errors
    /// [`ResolveError::ReservedKeyspace`], [`ResolveError::BatchTooLarge`].
    #[inline]
    pub fn read(&mut self, keyspace: u32, key: &[u8]) -> Result<&mut Self, ResolveError> {
        self.batch.point(keyspace, key, Cause::Read)?;
        Ok(self)
    }

    /// The transaction writes, or deletes, one key.
    ///
    /// # Errors
    /// [`ResolveError::ReservedKeyspace`], [`ResolveError::BatchTooLarge`].
    #[inline]
    pub fn write(&mut self, keyspace: u32, key: &[u8]) -> Result<&mut Self, ResolveError> {
        self.batch.point(keyspace, key, Cause::Write)?;
        Ok(self)
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
        self.batch.range(keyspace, low.map(AsRef::as_ref), high.map(AsRef::as_ref), Cause::Read)?;
        Ok(self)
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
        self.batch.range(keyspace, low.map(AsRef::as_ref), high.map(AsRef::as_ref), Cause::Write)?;
        Ok(self)
    }

    /// Adds an access that another batch normalised: a part of a transaction for its owner.
    pub(super) fn add(&mut self, keyed: Keyed<'_>, cause: Cause) {
        self.batch.adopt(keyed, cause);
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
        TxnBuilder::of(&mut self.batch)
    }

    /// The version at which it read.
    pub fn snapshot(&self) -> Version {
        self.batch.txns()[0].snapshot
    }
}
