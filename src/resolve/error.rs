//! Misuse of the commit path. Every one of these leaves the resolver as it was.

use super::Version;

/// What a caller did wrong. The call that returned it changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// A range's start key is greater than its end key.
    #[error("range starts after it ends")]
    InvertedRange,
    /// Keyspace `u32::MAX` has no successor, which the end of an unbounded range needs.
    #[error("keyspace {} is reserved", u32::MAX)]
    ReservedKeyspace,
    /// A batch's keys exceed 4 GiB, or a transaction has more than `u32::MAX` ranges.
    #[error("batch holds more than 4 GiB of keys")]
    BatchTooLarge,
    /// A commit version that is not above everything decided or promised before.
    #[error("version {given} is not above {last}, which is decided or promised")]
    VersionNotAbove {
        /// The version handed in.
        given: Version,
        /// The last version that was decided or promised.
        last: Version,
    },
    /// A heartbeat or a floor below what was reached before.
    #[error("version goes back from {last} to {given}")]
    VersionGoesBack {
        /// The version handed in.
        given: Version,
        /// The version reached before.
        last: Version,
    },
    /// A floor above the last version: it would refuse snapshots not yet taken.
    #[error("floor {given} is above the last version {last}")]
    FloorAboveVersion {
        /// The floor handed in.
        given: Version,
        /// The last version.
        last: Version,
    },
    /// A snapshot at or above the version at which its transaction would commit.
    #[error("transaction {txn} read at {snapshot}, not before its commit at {commit}")]
    SnapshotFromTheFuture {
        /// The transaction's place in its batch.
        txn: usize,
        /// Its snapshot.
        snapshot: Version,
        /// The commit version of the call.
        commit: Version,
    },
    /// A range, handed to a resolver that knows keys by their fingerprints, which have no order.
    #[error("fingerprints of keys know no ranges")]
    RangeOfFingerprints,
    /// There is no version above `i64::MAX`, or the window holds 2^32 of them.
    #[error("versions are used up")]
    VersionsUsedUp,
    /// A clock reading without an upper bound gives no commit timestamp.
    #[error("clock reading has no upper bound")]
    UntrustedClock,
    /// A ticket that this resolver did not give out, or that was settled before.
    #[error("ticket is not in flight here")]
    UnknownTicket,
    /// A snapshot that is not registered as live (or was closed before).
    #[error("snapshot {0} is not live")]
    UnknownSnapshot(Version),
    /// A snapshot below the floor: it cannot be registered, its conflicts are forgotten.
    #[error("snapshot {snapshot} is below the floor {floor}")]
    SnapshotTooOld {
        /// The snapshot handed in.
        snapshot: Version,
        /// The floor.
        floor: Version,
    },
    /// No adjudicator with that number, or it is lost and not yet replaced.
    #[error("adjudicator {0} is not there")]
    NoAdjudicator(usize),
    /// Borders between adjudicators that are not strictly ascending.
    #[error("borders are not strictly ascending")]
    UnorderedBorders,
    /// Another caller panicked inside the resolver: its state cannot be trusted. Recover.
    #[error("a caller panicked inside the resolver")]
    Poisoned,
}
