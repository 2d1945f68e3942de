//! One thread's way to a shared resolver.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::cut::Cut;
use super::hashes::Hashes;
use super::held::Held;
use super::parts::Parts;
use super::patience::Patience;
use super::seat::Seat;
use super::shared::{Core, Inner, NOBODY, RESTS};
use super::together::own;
use super::txn::Transaction;
use super::verdict::Verdict;
use super::{ResolveError, Version};

/// From so many transactions on, a call rather looks for the resolver again than to be copied, and for others to be
/// judged with.
pub(super) const LARGE: usize = 32;
/// Bytes of keys in a call that is laid out to be judged with others, at most: each committer keeps three copies.
const MOST_BYTES: usize = 4 << 20;
/// Who joined a group takes the resolver itself only after so many looks: whoever has it, or comes again, serves the group
/// first, and the window stays in that one's cache.
const REST: usize = 40;
/// A large call waits for another one, and any call for the host, no longer than that, nor than so long for each of its
/// transactions.
const PATIENCE: Duration = Duration::from_millis(5);
const PATIENCE_PER_TXN: Duration = Duration::from_micros(1);
/// A call leaves the resolver free for the host no longer than so long for each of its transactions: about as long as it
/// takes the host to prepare a call.
const HOST_PATIENCE_PER_TXN: Duration = Duration::from_nanos(200);
/// Who waits for the host counts so many transactions at least.
const FEW: usize = 20;
/// So often it looks for its verdicts between two glances at whether the resolver is free: these slow its user.
const LOOKS_A_GLANCE: usize = 32;
/// So often a large call spins between two looks at whether another one came.
const SPINS_A_LOOK: usize = 4;

/// One thread's way to a [`SharedResolver`](super::SharedResolver).
#[derive(Debug)]
pub struct Committer {
    inner: Arc<Inner>,
    seat: Arc<Seat>,
    /// Whether its last call was left in the seat, and how many transactions that had.
    is_left: bool,
    wanted: usize,
    hashes: Hashes,
    /// Room to lay a call out by halves, or sides.
    layout: Parts,
    /// Its calls by halves, in turn: what the last one writes may still be to be noted while the next one is laid out.
    parts: [Arc<Parts>; 2],
    /// Where the window is cut in two, as far as it knows.
    cut: Option<Arc<Cut>>,
    verdicts: Vec<Verdict>,
    version: Version,
    /// When its last call began that was to be judged together with others.
    last_meeting: Option<Instant>,
    /// Tells committers apart.
    number: u64,
}

impl Committer {
    pub(super) fn new(inner: Arc<Inner>, number: u64) -> Self {
        let (seat, is_left, wanted, hashes, layout, parts) = Default::default();
        let (cut, verdicts, last_meeting) = Default::default();
        let version = Version::MIN;
        Self {
            inner,
            seat,
            is_left,
            wanted,
            hashes,
            layout,
            parts,
            cut,
            verdicts,
            version,
            last_meeting,
            number,
        }
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
        let is_hashed = self.inner.hasher.is_some() && !batch.has_ranges();
        if self.may_meet(batch, is_hashed) && self.meet(batch)? {
            return self.collect(take);
        }
        let is_large = batch.len() >= LARGE && (is_hashed || self.inner.shown.cut_number() != RESTS);
        if !is_large && let Some(host) = self.host() {
            return self.defer(host, batch, take);
        }
        if let Some(hasher) = &self.inner.hasher
            && is_hashed
        {
            self.hashes.take(hasher, batch);
            self.inner.shown.reach.foresee(&self.hashes, self.inner.checked);
        }
        if let Some(core) = find_free(&self.inner, is_large)? {
            let taken_before = is_hashed.then_some(&self.hashes);
            if is_large {
                self.inner.meeting.work(true);
            }
            let served = self.inner.serve_now((core, self.number), batch, taken_before, take);
            if is_large {
                self.inner.meeting.work(false);
            }
            let taken;
            (taken, self.version) = served?;
            return Ok(taken);
        }
        self.join(batch, Instant::now())?;
        self.wait(false)?;
        self.collect(take)
    }

    /// Has a call that comes now judged by whoever has the resolver, or has it next.
    fn join(&mut self, batch: &Batch, now: Instant) -> Result<(), ResolveError> {
        self.wanted = batch.len();
        let came = (now - self.inner.begun).as_nanos() as u64;
        self.is_left = self.seat.is_regular.load(Ordering::Acquire) && self.seat.slip.leave(batch, came);
        if self.is_left { Ok(()) } else { self.inner.join(&self.seat, batch) }
    }

    /// The host, if another caller is it.
    #[inline]
    fn host(&self) -> Option<u64> {
        let host = self.inner.shown.host();
        (host != NOBODY && host != self.number).then_some(host)
    }

    /// Has a call judged by the host, unless that one leaves the resolver free for too long.
    #[inline(never)]
    fn defer<T>(
        &mut self,
        host: u64,
        batch: &Batch,
        take: impl FnOnce(&[Verdict]) -> T,
    ) -> Result<T, ResolveError> {
        let now = Instant::now();
        self.join(batch, now)?;
        self.rest((host, now), batch.len().max(FEW) as u32);
        self.wait(false)?;
        self.collect(take)
    }

    /// Returns when the seat is served, or when the host is not worth waiting for, given since when how many transactions wait.
    fn rest(&self, (host, begun): (u64, Instant), txns: u32) {
        let patience = PATIENCE.min(PATIENCE_PER_TXN * txns);
        let mut free = None;
        for look in 1.. {
            if self.is_served() {
                return;
            }
            if look % LOOKS_A_GLANCE == 0 {
                let now = Instant::now();
                if self.inner.is_busy() {
                    free = None;
                } else if now - *free.get_or_insert(now) > HOST_PATIENCE_PER_TXN * txns {
                    return self.inner.shown.dismiss(host);
                }
                if now - begun > patience {
                    return;
                }
            }
            std::hint::spin_loop();
        }
    }

    /// Takes the verdicts that the seat was served.
    fn collect<T>(&mut self, take: impl FnOnce(&[Verdict]) -> T) -> Result<T, ResolveError> {
        if self.is_left
            && let Some(version) = self.seat.slip.tell(self.wanted, &mut self.verdicts)
        {
            self.version = version;
            return Ok(take(&self.verdicts));
        }
        let mut served = self.seat.verdicts.lock().map_err(|_| ResolveError::Poisoned)?;
        self.version = served.version;
        if let Some(error) = served.error.take() {
            return Err(error);
        }
        served.tell(&mut self.verdicts);
        Ok(take(&self.verdicts))
    }

    /// Whether a call may be judged together with others of its size, and others are expected. Where it is judged in
    /// key order, that takes a window that is cut in two.
    fn may_meet(&mut self, batch: &Batch, is_hashed: bool) -> bool {
        let is_wanted = batch.len() >= LARGE && batch.bytes().len() <= MOST_BYTES;
        let number = self.inner.shown.cut_number();
        if !is_wanted || !self.inner.meeting.is_expected() || number == RESTS {
            return false;
        }
        if self.cut.as_ref().map_or(0, |cut| cut.number) != number {
            self.cut = self.inner.shown.cut();
        }
        (is_hashed || self.cut.is_some()) && !batch.txns().iter().any(|t| t.explain)
    }

    /// Has the call judged together with others; whether that could be done.
    #[inline(never)]
    fn meet(&mut self, batch: &Batch) -> Result<bool, ResolveError> {
        self.parts.swap(0, 1);
        match (&self.cut, &self.inner.hasher) {
            (Some(cut), _) => self.layout.take_ordered(batch, cut, self.inner.checked),
            (None, Some(hasher)) => self.layout.take(batch, hasher, self.inner.checked),
            (None, None) => return Ok(false),
        }
        // New ones, where a round that failed has them still.
        own(&mut self.parts[0]).copy(&self.layout);
        self.is_left = false;
        self.seat.open(batch.len())?;
        let meeting = &self.inner.meeting;
        meeting.join(&self.seat, &self.parts[0])?;
        let begun = Instant::now();
        // Others like this one come again about as soon.
        let round = self.last_meeting.replace(begun).map_or(Duration::MAX, |last| begun - last);
        let patience = (2 * round.min(PATIENCE)).min(PATIENCE_PER_TXN * batch.len() as u32);
        while meeting.len() == 1 && !self.is_served() {
            if meeting.offer.is_open() {
                meeting.offer.help(self.number);
            } else if begun.elapsed() > patience {
                meeting.expect(false);
                break;
            }
            (0..SPINS_A_LOOK).for_each(|_| std::hint::spin_loop());
        }
        self.wait(true)?;
        let is_declined = self.seat.verdicts.lock().map_err(|_| ResolveError::Poisoned)?.is_declined;
        if is_declined {
            // Nor could the next ones be, most likely.
            self.inner.meeting.expect(false);
        }
        Ok(!is_declined)
    }

    fn is_served(&self) -> bool {
        if self.is_left { self.seat.slip.is_answered() } else { self.seat.served.load(Ordering::Acquire) }
    }

    /// Judges those who wait, so that the seat is served: twice, if the first group has no room for the call.
    fn serve_seat(&self, core: &mut Core) -> Result<(), ResolveError> {
        for _ in 0..2 {
            if self.is_served() {
                return Ok(());
            }
            if self.is_left {
                self.inner.readmit(core, &self.seat)?;
            }
            self.inner.serve(core, self.number)?;
        }
        if self.is_served() { Ok(()) } else { Err(ResolveError::Poisoned) }
    }

    /// Returns when the seat is served; serves the group if nobody else does. Who waits for calls to be judged together
    /// does not sleep meanwhile: it is to help.
    #[inline(never)]
    fn wait(&self, is_helper: bool) -> Result<(), ResolveError> {
        let serve = |core: Held<'_>| self.inner.alone(core, |core| self.serve_seat(core));
        let meeting = &self.inner.meeting;
        let mut patience = Patience::default();
        loop {
            if self.is_served() {
                return Ok(());
            }
            if meeting.offer.is_open() {
                meeting.offer.help(self.number);
                patience = Patience::default();
                continue;
            }
            if (is_helper || patience.looks() > REST)
                && let Some(core) = self.inner.try_core()?
            {
                return serve(core);
            }
            if is_helper && meeting.is_judged() {
                std::hint::spin_loop();
                patience = Patience::default();
            } else if !patience.lasts() {
                return serve(self.inner.lock_core()?);
            }
        }
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
#[inline]
fn find_free(inner: &Inner, is_large: bool) -> Result<Option<Held<'_>>, ResolveError> {
    match inner.try_core()? {
        None if is_large => look_for(inner),
        found => Ok(found),
    }
}

/// The resolver, once nobody else uses it, if that is soon: for a large call, which expects others if another one is
/// judged now.
#[inline(never)]
fn look_for(inner: &Inner) -> Result<Option<Held<'_>>, ResolveError> {
    if inner.meeting.is_at_work() {
        inner.meeting.expect(true);
    }
    inner.find_core()
}

#[cfg(test)]
mod tests {
    use super::super::{Checked, Resolver, SharedResolver};
    use super::*;

    /// Promise: a call that is left in a seat where nobody looks any more is judged all the same; so are those that come after it.
    #[test]
    fn whoever_was_dismissed_is_served() {
        let shared = SharedResolver::new(Resolver::new(Checked::Both));
        let (mut committer, mut other) = (shared.committer(), shared.committer());
        let mut txn = Transaction::new(0);
        txn.accesses().write(0, b"key").unwrap();
        for turn in 0..4 {
            // As if it had been one of the regulars when it looked, and not when the others did.
            let seat = Arc::clone(&committer.seat);
            seat.is_regular.store(true, Ordering::Release);
            let last = shared.version();
            txn.reset(last).write(0, b"key").unwrap();
            let verdict = std::thread::scope(|scope| {
                let waiting = shared.with(|_| {
                    let (committer, txn) = (&mut committer, &txn);
                    let waiting = scope.spawn(move || committer.commit(txn));
                    while seat.slip.is_answered() {
                        std::thread::yield_now();
                    }
                    waiting
                });
                waiting.unwrap().join().unwrap()
            });
            assert_eq!(verdict, Ok(Verdict::Commit(last + 1)), "turn {turn}");
            assert!(seat.slip.is_answered());
            // In every other turn so many calls that it is dismissed.
            for _ in 0..turn % 2 * 5_000 {
                txn.reset(shared.version()).write(0, b"other").unwrap();
                assert!(other.commit(&txn).unwrap().is_commit());
            }
            assert_eq!(seat.is_regular.load(Ordering::Relaxed), turn % 2 == 0, "turn {turn}");
        }
    }
}
