//! Many threads, one resolver.
//!
//! Whoever finds the resolver free judges its own call where it stands, after those who wait. Who finds it busy
//! joins the open group; the next to hold the resolver takes the whole group, judges it as one
//! batch and hands out the verdicts, so that the others find theirs in their seats. Calls of many transactions
//! look for the resolver for a while before they join, since copying them costs more than
//! that: meanwhile the other thread fills its next batch, and hashes its keys. So calls are judged in the order in which they came to
//! wait, and nobody waits for more than a bounded number of looks, the group at work and the one it is in: a
//! group holds at most one call of each committer.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use super::batch::{Batch, Transaction};
use super::hashes::{Hasher, Hashes};
use super::resolver::Resolver;
use super::verdict::Verdict;
use super::{ResolveError, Version};

/// From so many transactions on, a call rather looks for the resolver again than to be copied.
const LARGE: usize = 32;
/// How often a caller looks for its verdicts before it sleeps: about as long as a group takes.
const LOOKS: usize = 2_000;

/// A [`Resolver`] for many threads; cloning it gives another handle to the same one.
///
/// ```
/// use skewer::resolve::{Checked, Resolver, SharedResolver, Transaction, Verdict};
/// # fn main() -> Result<(), skewer::resolve::ResolveError> {
/// let shared = SharedResolver::new(Resolver::new(Checked::Serializable));
/// std::thread::scope(|threads| {
///     for thread in 0..2u8 {
///         let mut committer = shared.committer();
///         threads.spawn(move || {
///             let mut txn = Transaction::new(0);
///             txn.accesses().write(0, &[thread])?;
///             committer.commit(&txn)
///         });
///     }
/// });
/// assert!(shared.version() >= 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct SharedResolver {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    open: Mutex<Group>,
    core: Mutex<Core>,
    /// Whether somebody uses the resolver: looked at, which costs its user nothing, before the lock is tried.
    busy: Busy,
    /// The last version decided: what a snapshot may be at most.
    version: AtomicI64,
    /// Whether the open group holds somebody.
    has_waiting: AtomicBool,
    takes_ranges: AtomicBool,
    /// How the window hashed keys at first: callers do that for it, as long as it holds points alone.
    hasher: Option<Hasher>,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Busy(AtomicBool);

/// Transactions of several callers in the order in which they came.
#[derive(Debug, Default)]
struct Group {
    batch: Batch,
    seats: Vec<Arc<Seat>>,
}

/// On cache lines of its own: who looks for the resolver does not disturb who uses it.
#[derive(Debug)]
#[repr(align(128))]
struct Core {
    resolver: Resolver,
    /// The group that is judged; empty between groups.
    group: Group,
}

/// Where a caller finds its verdicts.
#[derive(Debug, Default)]
struct Seat {
    served: AtomicBool,
    verdicts: Mutex<Served>,
}

#[derive(Debug, Default)]
struct Served {
    verdicts: Vec<Verdict>,
    wanted: usize,
    error: Option<ResolveError>,
}

impl SharedResolver {
    /// Shares a resolver.
    pub fn new(resolver: Resolver) -> Self {
        let version = AtomicI64::new(resolver.version());
        let takes_ranges = AtomicBool::new(resolver.takes_ranges());
        let hasher = resolver.hasher();
        let core = Mutex::new(Core { resolver, group: Group::default() });
        let (open, has_waiting) = (Mutex::default(), AtomicBool::new(false));
        let busy = Busy::default();
        Self { inner: Arc::new(Inner { open, core, busy, version, has_waiting, takes_ranges, hasher }) }
    }

    /// A seat for one thread. Takes some memory; keep it.
    pub fn committer(&self) -> Committer {
        Committer { inner: Arc::clone(&self.inner), seat: Arc::default(), hashes: Hashes::default() }
    }

    /// The last version decided: a good snapshot.
    pub fn version(&self) -> Version {
        self.inner.version.load(Ordering::Acquire)
    }

    /// How many calls wait for the resolver. For tests and measurements.
    pub fn waiting(&self) -> usize {
        self.inner.open.lock().map_or(0, |open| open.seats.len())
    }

    /// Does something else with the resolver, between two groups: forgets, advances, prepares, takes snapshots.
    ///
    /// # Errors
    /// [`ResolveError::Poisoned`] if a caller panicked inside.
    pub fn with<T>(&self, act: impl FnOnce(&mut Resolver) -> T) -> Result<T, ResolveError> {
        let mut core = self.inner.lock_core()?;
        let result = act(&mut core.resolver);
        self.inner.version.store(core.resolver.version(), Ordering::Release);
        self.inner.takes_ranges.store(core.resolver.takes_ranges(), Ordering::Release);
        Ok(result)
    }
}

/// One thread's way to a [`SharedResolver`].
#[derive(Debug)]
pub struct Committer {
    inner: Arc<Inner>,
    seat: Arc<Seat>,
    hashes: Hashes,
}

impl Committer {
    /// Judges one transaction, and records its writes if it commits, at the version of its group.
    ///
    /// # Errors
    /// [`ResolveError::SnapshotFromTheFuture`] if it read above [`version`](SharedResolver::version);
    /// [`ResolveError::BatchTooLarge`], [`ResolveError::VersionsUsedUp`],
    /// [`ResolveError::RangeOfFingerprints`], [`ResolveError::Poisoned`]. Nothing is changed.
    pub fn commit(&mut self, txn: &Transaction) -> Result<Verdict, ResolveError> {
        self.call(&txn.batch, |verdicts| verdicts.first().copied())?.ok_or(ResolveError::Poisoned)
    }

    /// Judges the transactions of a batch in array order, all at the version of the group they come into, and puts
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

    fn call<T>(&mut self, batch: &Batch, take: impl FnOnce(&[Verdict]) -> T) -> Result<T, ResolveError> {
        let last = self.inner.version.load(Ordering::Acquire);
        if let Some(txn) = batch.txns().iter().position(|t| t.snapshot > last) {
            let snapshot = batch.txns()[txn].snapshot;
            return Err(ResolveError::SnapshotFromTheFuture {
                txn,
                snapshot,
                commit: last.saturating_add(1),
            });
        }
        if batch.has_ranges() && !self.inner.takes_ranges.load(Ordering::Acquire) {
            return Err(ResolveError::RangeOfFingerprints);
        }
        let hasher = self.inner.hasher.as_ref().filter(|_| !batch.has_ranges());
        if let Some(hasher) = hasher {
            self.hashes.take(hasher, batch);
        }
        if let Some(core) = self.find_free(batch)? {
            return self.inner.serve_now(core, batch, hasher.map(|_| &self.hashes), take);
        }
        self.sit_down(batch)?;
        self.wait()?;
        let mut served = self.seat.verdicts.lock().map_err(|_| ResolveError::Poisoned)?;
        match served.error.take() {
            Some(error) => Err(error),
            None => Ok(take(&served.verdicts)),
        }
    }

    /// The resolver, if nobody else uses it.
    fn find_free(&self, batch: &Batch) -> Result<Option<Held<'_>>, ResolveError> {
        for _ in 0..if batch.len() < LARGE { 1 } else { LOOKS } {
            if let Some(core) = self.inner.try_core()? {
                return Ok(Some(core));
            }
            std::hint::spin_loop();
        }
        Ok(None)
    }

    /// Joins the open group.
    fn sit_down(&mut self, batch: &Batch) -> Result<(), ResolveError> {
        self.seat.served.store(false, Ordering::Relaxed);
        self.seat.verdicts.lock().map_err(|_| ResolveError::Poisoned)?.wanted = batch.len();
        let mut open = self.inner.open.lock().map_err(|_| ResolveError::Poisoned)?;
        open.batch.append(batch)?;
        open.seats.push(Arc::clone(&self.seat));
        self.inner.has_waiting.store(true, Ordering::Release);
        Ok(())
    }

    /// Returns when the seat is served; serves the group if nobody else does.
    fn wait(&self) -> Result<(), ResolveError> {
        let served = || self.seat.served.load(Ordering::Acquire);
        for _ in 0..LOOKS {
            if served() {
                return Ok(());
            }
            if let Some(mut core) = self.inner.try_core()? {
                return if served() { Ok(()) } else { self.inner.serve(&mut core) };
            }
            std::hint::spin_loop();
        }
        let mut core = self.inner.lock_core()?;
        if served() { Ok(()) } else { self.inner.serve(&mut core) }
    }
}

/// The resolver, as long as one caller uses it.
struct Held<'a> {
    core: MutexGuard<'a, Core>,
    busy: &'a AtomicBool,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.busy.store(false, Ordering::Relaxed);
    }
}

impl Deref for Held<'_> {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        &mut self.core
    }
}

impl Inner {
    fn held<'a>(&'a self, core: MutexGuard<'a, Core>) -> Held<'a> {
        self.busy.0.store(true, Ordering::Relaxed);
        Held { core, busy: &self.busy.0 }
    }

    /// The resolver, if nobody uses it.
    fn try_core(&self) -> Result<Option<Held<'_>>, ResolveError> {
        if self.busy.0.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match self.core.try_lock() {
            Ok(core) => Ok(Some(self.held(core))),
            Err(TryLockError::Poisoned(_)) => Err(ResolveError::Poisoned),
            Err(TryLockError::WouldBlock) => Ok(None),
        }
    }

    fn lock_core(&self) -> Result<Held<'_>, ResolveError> {
        self.core.lock().map(|core| self.held(core)).map_err(|_| ResolveError::Poisoned)
    }

    /// Judges those who wait, and then a call that does not have to.
    fn serve_now<T>(
        &self,
        mut core: Held<'_>,
        batch: &Batch,
        hashes: Option<&Hashes>,
        take: impl FnOnce(&[Verdict]) -> T,
    ) -> Result<T, ResolveError> {
        if self.has_waiting.load(Ordering::Acquire) {
            self.serve(&mut core)?;
        }
        let commit = core.resolver.version().checked_add(1).ok_or(ResolveError::VersionsUsedUp)?;
        let verdicts = core.resolver.resolve_hashed(batch, hashes, commit)?;
        self.version.store(commit, Ordering::Release);
        Ok(take(verdicts))
    }

    /// Judges the open group, and serves all its seats.
    fn serve(&self, core: &mut Core) -> Result<(), ResolveError> {
        let Core { resolver, group } = core;
        {
            let mut open = self.open.lock().map_err(|_| ResolveError::Poisoned)?;
            std::mem::swap(&mut *open, group);
            self.has_waiting.store(false, Ordering::Release);
        }
        let judged = match resolver.version().checked_add(1) {
            None => Err(ResolveError::VersionsUsedUp),
            Some(commit) => resolver.resolve(&group.batch, commit).inspect(|_| {
                self.version.store(commit, Ordering::Release);
            }),
        };
        let mut rest = *judged.as_ref().unwrap_or(&&[][..]);
        for seat in group.seats.drain(..) {
            let mut served = seat.verdicts.lock().map_err(|_| ResolveError::Poisoned)?;
            let own;
            (own, rest) = rest.split_at(served.wanted.min(rest.len()));
            served.verdicts.clear();
            served.verdicts.extend_from_slice(own);
            served.error = judged.err();
            drop(served);
            seat.served.store(true, Ordering::Release);
        }
        group.batch.clear();
        Ok(())
    }
}
