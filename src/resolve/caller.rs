//! One thread's way to a shared resolver.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::batch::{Batch, Transaction};
use super::hashes::Hashes;
use super::shared::{Held, Inner, Seat};
use super::verdict::Verdict;
use super::{ResolveError, Version};

/// From so many transactions on, a call rather looks for the resolver again than to be copied.
const LARGE: usize = 32;
/// How often a caller looks for its verdicts before it sleeps: about as long as a group takes.
const LOOKS: usize = 2_000;

/// One thread's way to a [`SharedResolver`](super::SharedResolver).
#[derive(Debug)]
pub struct Committer {
    inner: Arc<Inner>,
    seat: Arc<Seat>,
    hashes: Hashes,
    version: Version,
}

impl Committer {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, seat: Arc::default(), hashes: Hashes::default(), version: Version::MIN }
    }

    /// Judges one transaction, and records its writes if it commits, at a version of its own or of its group.
    ///
    /// # Errors
    /// [`ResolveError::SnapshotFromTheFuture`] if it read above [`version`](super::SharedResolver::version);
    /// [`ResolveError::BatchTooLarge`], [`ResolveError::VersionsUsedUp`],
    /// [`ResolveError::RangeOfFingerprints`], [`ResolveError::Poisoned`]. Nothing is changed.
    pub fn commit(&mut self, txn: &Transaction) -> Result<Verdict, ResolveError> {
        self.call(&txn.batch, |verdicts| verdicts.first().copied())?.ok_or(ResolveError::Poisoned)
    }

    /// Judges the transactions of a batch in array order, all at one version, and puts
    /// the verdicts into `out`, replacing what was there.
    ///
    /// # Errors
    /// As [`commit`](Self::commit), of any of the transactions: then none is judged.
    pub fn resolve(&mut self, batch: &Batch, out: &mut Vec<Verdict>) -> Result<(), ResolveError> {
        self.call(batch, |verdicts| {
            out.clear();
            out.extend_from_slice(verdicts);
        })
    }

    /// The version at which the last call was judged, whatever came of it: what it did not refuse committed there.
    /// Before the first call, the least of all.
    pub fn version(&self) -> Version {
        self.version
    }

    fn call<T>(&mut self, batch: &Batch, take: impl FnOnce(&[Verdict]) -> T) -> Result<T, ResolveError> {
        let last = self.inner.version.0.load(Ordering::Acquire);
        admit(&self.inner, batch, last)?;
        let hasher = self.inner.hasher.as_ref().filter(|_| !batch.has_ranges());
        if let Some(hasher) = hasher {
            self.hashes.take(hasher, batch);
            self.inner.shown.reach.foresee(&self.hashes, self.inner.checked);
        }
        let taken_before = hasher.map(|_| &self.hashes);
        let found = find_free(&self.inner, batch)?;
        if let Some(core) = found {
            let taken;
            (taken, self.version) = self.inner.serve_now(core, batch, taken_before, take)?;
            return Ok(taken);
        }
        self.inner.join(&self.seat, batch)?;
        self.wait()?;
        let mut served = self.seat.verdicts.lock().map_err(|_| ResolveError::Poisoned)?;
        self.version = served.version;
        match served.error.take() {
            Some(error) => Err(error),
            None => Ok(take(&served.verdicts)),
        }
    }

    /// Returns when the seat is served; serves the group if nobody else does.
    fn wait(&self) -> Result<(), ResolveError> {
        let served = || self.seat.served.load(Ordering::Acquire);
        let serve = |core: Held<'_>| {
            self.inner.alone(core, |core| if served() { Ok(()) } else { self.inner.serve(core) })
        };
        for _ in 0..LOOKS {
            if served() {
                return Ok(());
            }
            if let Some(core) = self.inner.try_core()? {
                return serve(core);
            }
            std::hint::spin_loop();
        }
        serve(self.inner.lock_core()?)
    }
}

/// What may be judged at all.
fn admit(inner: &Inner, batch: &Batch, last: Version) -> Result<(), ResolveError> {
    if let Some(txn) = batch.txns().iter().position(|t| t.snapshot > last) {
        let snapshot = batch.txns()[txn].snapshot;
        let commit = last.saturating_add(1);
        return Err(ResolveError::SnapshotFromTheFuture { txn, snapshot, commit });
    }
    if batch.has_ranges() && !inner.shown.takes_ranges.load(Ordering::Acquire) {
        return Err(ResolveError::RangeOfFingerprints);
    }
    Ok(())
}

/// The resolver, if nobody else uses it.
fn find_free<'a>(inner: &'a Inner, batch: &Batch) -> Result<Option<Held<'a>>, ResolveError> {
    for _ in 0..if batch.len() < LARGE { 1 } else { LOOKS } {
        if let Some(core) = inner.try_core()? {
            return Ok(Some(core));
        }
        std::hint::spin_loop();
    }
    Ok(None)
}
