//! The resolver: one owner, one order.

use super::batch::Batch;
use super::flight::Flights;
use super::hashes::{Hasher, Hashes};
use super::judge::{Rule, Scratch, judge};
use super::snapshots::Snapshots;
use super::stamps::{Stamp, Stamps};
use super::txn::Transaction;
use super::verdict::{Checked, Conflict, Verdict};
use super::window::{Window, in_any_form};
use super::{ResolveError, Version};

/// Decides which transactions may commit, and remembers what they wrote.
///
/// See the [module](super) for the rule, the crash rule and the costs.
#[derive(Debug)]
pub struct Resolver {
    pub(super) checked: Checked,
    pub(super) version: Version,
    pub(super) floor: Version,
    pub(super) window: Window,
    pub(super) stamps: Stamps,
    pub(super) flights: Flights,
    snapshots: Snapshots,
    scratch: Scratch,
    /// Writes for which room was asked.
    pub(super) room: usize,
}

impl Resolver {
    /// A resolver of an empty store, at version 0.
    pub fn new(checked: Checked) -> Self {
        Self::recover(checked, 0)
    }

    /// A resolver of a store in which everything at or below `floor` is known to be decided: after a crash.
    ///
    /// `floor` has to be at least every version that was ever promised, and no snapshot above it may have
    /// been taken. Snapshots below it are [`TooOld`](Verdict::TooOld); nothing commits at or below it.
    pub fn recover(checked: Checked, floor: Version) -> Self {
        Self {
            checked,
            version: floor,
            floor,
            window: Window::new(),
            stamps: Stamps::default(),
            flights: Flights::default(),
            snapshots: Snapshots::default(),
            scratch: Scratch::default(),
            room: 0,
        }
    }

    /// As [`recover`](Self::recover), of a store that uses points only: fingerprints of 64 bits are kept instead of
    /// keys, which saves the memory of these.
    ///
    /// Two keys may have one fingerprint. The later write of either then counts for both, so that a transaction
    /// may be refused that conflicts with nobody; none commits that must not. With `n` keys in the window a key
    /// that was not written is taken for one that was with a probability of at most `n / 2^64`: for
    /// a million keys and a million checked keys a second, once in some 200 days. Seeds are random, so nobody can choose keys that
    /// collide. Ranges are [`RangeOfFingerprints`](ResolveError::RangeOfFingerprints), and
    /// [`expecting_ranges`](Self::expecting_ranges) has no effect.
    pub fn of_fingerprints(checked: Checked, floor: Version) -> Self {
        Self::of_short_fingerprints(checked, floor, 64)
    }

    /// As [`of_fingerprints`](Self::of_fingerprints), of so few bits that tests see collisions.
    #[doc(hidden)]
    pub fn of_short_fingerprints(checked: Checked, floor: Version, bits: u32) -> Self {
        Self { window: Window::of_fingerprints(bits), ..Self::recover(checked, floor) }
    }

    /// Makes room for a window of so many writes at once instead of while it grows: memory is taken now, for points some 25
    /// bytes a write, for ranges some 75, and keys that have to be stored come on top when they are.
    #[must_use]
    pub fn with_room_for(mut self, writes: usize) -> Self {
        self.room = writes;
        self.window.reserve(writes);
        self.window.touch();
        self
    }

    /// Keeps the window in key order from the start. Else the first range does it, at the cost of one look-up
    /// per key of the window, in that call.
    #[must_use]
    pub fn expecting_ranges(mut self) -> Self {
        self.window.order(self.room);
        self.window.touch();
        self
    }

    /// Whether ranges can be judged: not by fingerprints.
    pub(super) fn takes_ranges(&self) -> bool {
        self.window.takes_ranges()
    }

    /// The last version that was decided or promised: nothing commits at or below it any more.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The least snapshot that can still be checked.
    pub fn floor(&self) -> Version {
        self.floor
    }

    /// What is checked.
    pub fn checked(&self) -> Checked {
        self.checked
    }

    /// Judges the transactions of a batch in array order, and records the writes of those that commit, all
    /// at `commit`. Verdicts are in the order of the batch. Earlier transactions of a batch win.
    ///
    /// O(k log n) for `k` accesses and `n` boundaries of the window (points alone: O(k)). Allocates nothing once
    /// it has seen as large a batch and as large a window.
    ///
    /// # Errors
    /// [`ResolveError::VersionNotAbove`] if `commit` is not above [`version`](Self::version), and
    /// [`ResolveError::SnapshotFromTheFuture`] if a snapshot is not below `commit`;
    /// [`ResolveError::RangeOfFingerprints`]. Nothing is changed.
    pub fn resolve(&mut self, batch: &Batch, commit: Version) -> Result<&[Verdict], ResolveError> {
        self.check_version(commit)?;
        self.admit(batch, commit)?;
        self.judge(batch, commit, None);
        Ok(&self.scratch.verdicts)
    }

    /// As `resolve`, with hashes of the batch that were taken before.
    pub(super) fn resolve_hashed(
        &mut self,
        batch: &Batch,
        hashes: Option<&Hashes>,
        commit: Version,
    ) -> Result<&[Verdict], ResolveError> {
        self.check_version(commit)?;
        self.admit(batch, commit)?;
        self.judge(batch, commit, hashes);
        Ok(&self.scratch.verdicts)
    }

    /// The verdicts of the last call.
    pub(super) fn verdicts(&self) -> &[Verdict] {
        &self.scratch.verdicts
    }

    /// Makes halves of the window, while it holds points alone.
    pub(super) fn halve(&mut self) {
        self.window.halve(self.room);
    }

    /// How the window hashes keys, while it holds points alone.
    pub(super) fn hasher(&self) -> Option<Hasher> {
        match &self.window {
            Window::Points(points) => Some(points.hasher().clone()),
            Window::Halves(halves) => Some(halves.hasher().clone()),
            Window::Ordered(_) | Window::Sides(_) => None,
        }
    }

    /// What transaction `txn` of the last [`resolve`](Self::resolve), or of the last
    /// [`commit`](Self::commit), conflicted with, if it asked to [`explain`](super::TxnBuilder::explain).
    pub fn conflict(&self, txn: usize) -> Option<Conflict<'_>> {
        let (version, keyspace, key) = self.scratch.detail(txn)?;
        Some(Conflict { version, keyspace, key })
    }

    /// Judges one transaction and records its writes if it commits: at `at`, or else at the next version.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve); [`ResolveError::VersionsUsedUp`].
    #[inline]
    pub fn commit(&mut self, txn: &Transaction, at: Option<Version>) -> Result<Verdict, ResolveError> {
        let commit = self.pick(at)?;
        self.admit(&txn.batch, commit)?;
        self.judge(&txn.batch, commit, None);
        self.scratch.verdicts.first().copied().ok_or(ResolveError::UnknownTicket)
    }

    /// Promises that nothing commits at or below `version` any more: a heartbeat.
    ///
    /// # Errors
    /// [`ResolveError::VersionGoesBack`] if more was promised before.
    pub fn advance_to(&mut self, version: Version) -> Result<(), ResolveError> {
        if version < self.version {
            return Err(ResolveError::VersionGoesBack { given: version, last: self.version });
        }
        self.version = version;
        Ok(())
    }

    /// Forgets writes at or below `floor`: snapshots below it are too old from now on.
    ///
    /// Constant time: what is forgotten is given back by later writes, a little each.
    ///
    /// # Errors
    /// [`ResolveError::VersionGoesBack`] if more was forgotten before,
    /// [`ResolveError::FloorAboveVersion`] if it is above the last version.
    pub fn forget_before(&mut self, floor: Version) -> Result<(), ResolveError> {
        if floor < self.floor {
            return Err(ResolveError::VersionGoesBack { given: floor, last: self.floor });
        }
        if floor > self.version {
            return Err(ResolveError::FloorAboveVersion { given: floor, last: self.version });
        }
        self.set_floor(floor);
        Ok(())
    }

    /// Takes a snapshot at the last version and keeps it live until it is closed.
    pub fn open_snapshot(&mut self) -> Version {
        self.snapshots.open(self.version);
        self.version
    }

    /// Keeps a snapshot that the store took live until it is closed.
    ///
    /// # Errors
    /// [`ResolveError::SnapshotTooOld`] if it is below the floor.
    pub fn keep_snapshot(&mut self, snapshot: Version) -> Result<(), ResolveError> {
        if snapshot < self.floor {
            return Err(ResolveError::SnapshotTooOld { snapshot, floor: self.floor });
        }
        self.snapshots.open(snapshot);
        Ok(())
    }

    /// Lets a live snapshot go.
    ///
    /// # Errors
    /// [`ResolveError::UnknownSnapshot`].
    pub fn close_snapshot(&mut self, snapshot: Version) -> Result<(), ResolveError> {
        self.snapshots.close(snapshot)
    }

    /// The oldest live snapshot.
    pub fn oldest_snapshot(&self) -> Option<Version> {
        self.snapshots.oldest()
    }

    /// Forgets what no live snapshot needs, and returns the floor: the oldest live snapshot, or else the last
    /// version.
    pub fn forget_unneeded(&mut self) -> Version {
        let wanted = self.snapshots.oldest().unwrap_or(self.version).min(self.version);
        if wanted > self.floor {
            self.set_floor(wanted);
        }
        self.floor
    }

    /// Boundaries held: points, and starts and ends of ranges. Linear in the window; for measurements.
    pub fn boundaries(&self) -> usize {
        self.window.held()
    }

    /// Bytes of memory held for the window, free space included. For measurements.
    pub fn bytes(&self) -> usize {
        self.window.bytes() + self.stamps.bytes()
    }

    /// Holds the invariants of the window; for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        match &self.window {
            Window::Ordered(tree) => tree.check(),
            Window::Sides(sides) => sides.check(),
            Window::Points(_) | Window::Halves(_) => {}
        }
    }

    fn check_version(&self, commit: Version) -> Result<(), ResolveError> {
        if commit <= self.version {
            return Err(ResolveError::VersionNotAbove { given: commit, last: self.version });
        }
        if self.stamps.is_full() {
            return Err(ResolveError::VersionsUsedUp);
        }
        Ok(())
    }

    /// The version to commit at: the one given, or the next.
    #[inline]
    pub(super) fn pick(&self, at: Option<Version>) -> Result<Version, ResolveError> {
        let commit = match at {
            Some(given) => given,
            None => self.version.checked_add(1).ok_or(ResolveError::VersionsUsedUp)?,
        };
        self.check_version(commit).map(|()| commit)
    }

    /// What can be judged at `commit`.
    #[inline]
    pub(super) fn admit(&self, batch: &Batch, commit: Version) -> Result<(), ResolveError> {
        self.admit_ranges(batch)?;
        check_snapshots(batch, commit)
    }

    #[inline]
    pub(super) fn admit_ranges(&self, batch: &Batch) -> Result<(), ResolveError> {
        if batch.has_ranges() && !self.takes_ranges() {
            return Err(ResolveError::RangeOfFingerprints);
        }
        Ok(())
    }

    pub(super) fn order_for(&mut self, batch: &Batch) {
        if batch.has_ranges() && !self.window.is_ordered() {
            self.window.order(self.room);
        }
    }

    fn set_floor(&mut self, floor: Version) {
        self.floor = floor;
        self.stamps.forget(floor);
        self.window.set_floor(self.stamps.floor());
    }

    /// The greatest stamp that is forgotten.
    pub(super) fn stamp_floor(&self) -> Stamp {
        self.stamps.floor()
    }

    /// Whether the next stamp lowers all others.
    pub(super) fn lowers_stamps(&self) -> bool {
        self.stamps.surplus() > 0
    }

    /// Notes that a round was judged, at this version.
    pub(super) fn commit_round(&mut self, commit: Version) {
        self.version = commit;
    }

    /// The stamp of a version that is written at.
    #[inline]
    pub(super) fn stamp(&mut self, commit: Version) -> Stamp {
        let surplus = self.stamps.surplus();
        if surplus > 0 {
            self.stamps.lower(surplus);
            self.window.lower(surplus);
        }
        self.stamps.stamp(commit)
    }

    /// The window, what verdicts depend on beside it, and room for them.
    pub(super) fn rule(&mut self) -> (&mut Window, Rule<'_>, &mut Scratch) {
        let (flights, stamps) = (&self.flights, &self.stamps);
        let rule = Rule { checked: self.checked, floor: self.floor, flights, stamps, hashes: None };
        (&mut self.window, rule, &mut self.scratch)
    }

    fn judge(&mut self, batch: &Batch, commit: Version, hashes: Option<&Hashes>) {
        self.order_for(batch);
        // What writes nothing needs no stamp.
        let stamp = if batch.writes().is_empty() { 0 } else { self.stamp(commit) };
        let at = (commit, stamp);
        let (window, rule, out) = self.rule();
        let rule = Rule { hashes, ..rule };
        in_any_form!(window, index => judge(index, rule, batch, at, out));
        self.version = commit;
    }
}

/// Every snapshot has to be below the version at which its transaction would commit.
#[inline]
pub(super) fn check_snapshots(batch: &Batch, commit: Version) -> Result<(), ResolveError> {
    match batch.txns().iter().position(|t| t.snapshot >= commit) {
        None => Ok(()),
        Some(txn) => {
            let snapshot = batch.txns()[txn].snapshot;
            Err(ResolveError::SnapshotFromTheFuture { txn, snapshot, commit })
        }
    }
}
