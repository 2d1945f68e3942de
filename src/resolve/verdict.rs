//! What a resolver says.

use super::Version;

/// Which keys of a transaction must not have been written since its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Checked {
    /// The keys it read: serializable, as FoundationDB's resolvers have it. Blind writes never conflict.
    Serializable,
    /// The keys it writes: snapshot isolation, first committer wins, as Aurora DSQL's adjudicators have it.
    SnapshotIsolation,
    /// The keys it read and those it writes.
    Both,
}

impl Checked {
    pub(super) const fn reads(self) -> bool {
        !matches!(self, Checked::SnapshotIsolation)
    }

    pub(super) const fn writes(self) -> bool {
        !matches!(self, Checked::Serializable)
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It committed at this version; its writes are recorded.
    Commit(Version),
    /// A key that it read or writes was written after its snapshot, or is held by a transaction in flight.
    /// It left no trace.
    Conflict {
        /// Whether a read or a write of it is in the way.
        cause: Cause,
        /// Which of its reads, or of its writes, from 0 in the order in which they were handed in: the first
        /// that conflicts.
        range_index: u32,
    },
    /// Its snapshot is below the floor: what it might conflict with is forgotten. Begin again.
    /// It left no trace.
    TooOld,
    /// An owner of one of its keys is lost: only from [`Adjudicators`](super::Adjudicators). It left no trace.
    Unavailable,
}

impl Verdict {
    /// Whether the transaction committed.
    pub const fn is_commit(self) -> bool {
        matches!(self, Verdict::Commit(_))
    }
}

/// Which side of a transaction conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Something that it read was written since, or is being written in flight.
    Read,
    /// Something that it writes was written since, or was read or is being written in flight.
    Write,
}

/// What a transaction conflicted with: see [`explain`](super::TxnBuilder::explain).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict<'a> {
    /// The newest version in the conflicting range; `None` if what is in the way is still in flight.
    pub version: Option<Version>,
    /// The keyspace.
    pub keyspace: u32,
    /// The least key of the range that has this version (in flight: the start of the range).
    pub key: &'a [u8],
}
