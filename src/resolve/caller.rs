//! One thread's way to a shared resolver.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::batch::{Batch, Keyed, Transaction};
use super::gates::Gates;
use super::routing::{PARTS, Routing};
use super::shared::{Held, Inner, Seat};
use super::verdict::Verdict;
use super::work::{Work, bits};
use super::{ResolveError, Version};

/// From so many transactions on, a call rather looks for the resolver again than to be copied.
const LARGE: usize = 32;
/// How often a caller looks for its verdicts before it sleeps: about as long as a group takes.
const LOOKS: usize = 2_000;
/// After so many calls a caller asks whether it met others often enough to divide the window: in an eighth of them.
const CALLS: u32 = 256;
/// Keys that a caller remembers, for borders between parts.
const SAMPLES: usize = 64;

/// One thread's way to a [`SharedResolver`](super::SharedResolver).
#[derive(Debug)]
pub struct Committer {
    inner: Arc<Inner>,
    seat: Arc<Seat>,
    work: Box<Work>,
    verdicts: Vec<Verdict>,
    /// How to judge in parts, if that is allowed, and the number of that.
    routing: Option<Arc<Routing>>,
    routings: u64,
    version: Version,
    met: Met,
}

/// How often a caller met others, and where.
#[derive(Debug, Default)]
struct Met {
    calls: u32,
    times: u32,
    /// Keys of late, each as stored.
    samples: Vec<Vec<u8>>,
    next: usize,
}

impl Committer {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            seat: Arc::default(),
            work: Box::default(),
            verdicts: Vec::new(),
            routing: None,
            routings: 0,
            version: Version::MIN,
            met: Met::default(),
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
        self.count(batch)?;
        if self.judge_in_parts(batch, last)? {
            let taken = take(&self.verdicts);
            return Ok(taken);
        }
        let hasher = self.inner.hasher.as_ref().filter(|_| !batch.has_ranges());
        if let Some(hasher) = hasher {
            self.work.hashes.take(hasher, batch);
        }
        let taken_before = hasher.map(|_| &self.work.hashes);
        let found = find_free(&self.inner, batch, &mut self.met)?;
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

    /// Judges side by side with others, if that is possible.
    fn judge_in_parts(&mut self, batch: &Batch, last: Version) -> Result<bool, ResolveError> {
        loop {
            let shown = &self.inner.shown;
            if shown.routings.load(Ordering::Acquire) != self.routings {
                (self.routing, self.routings) = self.inner.routing()?;
            }
            let Some(routing) = self.routing.take() else { return Ok(false) };
            let is_possible = (routing.takes_ranges() || !batch.has_ranges())
                && !shown.has_waiting.load(Ordering::Relaxed)
                && last < Version::MAX - (1 << 32);
            let judged = if is_possible { self.judge_by(&routing, batch)? } else { Some(false) };
            self.routing = Some(routing);
            if let Some(judged) = judged {
                return Ok(judged);
            }
        }
    }

    /// Judges by a routing: `None` if it is no longer the one, false if a part cannot be had.
    fn judge_by(&mut self, routing: &Routing, batch: &Batch) -> Result<Option<bool>, ResolveError> {
        let Self { inner, work, .. } = self;
        if !work.prepare(routing, batch) {
            return Ok(Some(false));
        }
        let mut hand = Gates::NONE;
        let is_small = work.is_small();
        for at in bits(work.parts()) {
            let mut passed = inner.gates.try_pass(at)?;
            if passed.is_none() {
                self.met.times += 1;
                passed = inner.gates.wait(at)?;
            }
            let Some(mut passed) = passed else { return Ok(Some(false)) };
            if inner.shown.routings.load(Ordering::Acquire) != self.routings {
                return Ok(None);
            }
            let Some(part) = passed.as_deref_mut() else { return Err(ResolveError::Poisoned) };
            part.lift(inner.shown.floor.load(Ordering::Acquire));
            if is_small {
                work.foresee(routing, batch, at, part);
            } else {
                work.look(routing, batch, at, part);
            }
            hand[at] = Some(passed);
        }
        if is_small {
            for at in bits(work.parts()) {
                if let Some(part) = hand[at].as_deref().and_then(Option::as_deref) {
                    work.check(routing, batch, at, part);
                }
            }
        }
        work.decide(batch, routing.checked, inner.shown.floor.load(Ordering::Acquire));
        // Decided, and nobody whom it concerns comes in between: now the version may be seen.
        self.version = inner.version.0.fetch_add(1, Ordering::AcqRel) + 1;
        for at in bits(work.parts()) {
            if let Some(part) = hand[at].as_deref_mut().and_then(Option::as_deref_mut) {
                work.record(routing, batch, at, (part, self.version));
            }
            // Others may have the part at once, if the rest takes long.
            if !is_small {
                hand[at] = None;
            }
        }
        drop(hand);
        self.verdicts.clear();
        work.tell(self.version, &mut self.verdicts);
        Ok(Some(true))
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

    /// Counts a call, and divides the window if others were met too often.
    fn count(&mut self, batch: &Batch) -> Result<(), ResolveError> {
        self.met.calls += 1;
        if self.met.calls.is_multiple_of(4) {
            self.met.sample(batch);
        }
        if self.met.calls < CALLS {
            return Ok(());
        }
        let is_often = self.met.times >= CALLS / 8;
        (self.met.calls, self.met.times) = (0, 0);
        if is_often && self.is_worth_dividing() {
            let samples = self.met.samples.iter().map(|key| key[..].into()).collect();
            let core = self.inner.lock_core()?;
            self.inner.alone(core, |core| {
                // In key order it gains nothing with two threads, and costs a lone one: `commit_path shared/ranges`.
                let may_divide = match &core.resolver.divided {
                    Some(divided) => divided.routing.may_divide(),
                    None => core.resolver.hasher().is_some(),
                };
                if may_divide {
                    core.resolver.divide(samples);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Whether the window is one, or its parts are so unlike that new borders would help and what was past is forgotten.
    fn is_worth_dividing(&self) -> bool {
        let Some(routing) = &self.routing else { return true };
        if !routing.may_divide() {
            return false;
        }
        let mut shares = [0; PARTS];
        for key in &self.met.samples {
            shares[*routing.split.parts(0, Keyed::Point(key)).start()] += 1;
        }
        shares.iter().any(|share| *share > SAMPLES / 3)
    }
}

impl Met {
    /// Remembers a key of a batch.
    fn sample(&mut self, batch: &Batch) {
        let access = batch.writes().last().or_else(|| batch.reads().last());
        let key = match access.map(|access| batch.keyed(*access)) {
            Some(Keyed::Point(key)) => key,
            Some(Keyed::Range(span)) => span.start,
            _ => return,
        };
        if self.samples.len() < SAMPLES {
            self.samples.push(Vec::new());
        }
        let at = self.next % self.samples.len().max(1);
        self.samples[at].clear();
        self.samples[at].extend_from_slice(key);
        self.next = (at + 1) % SAMPLES;
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
fn find_free<'a>(inner: &'a Inner, batch: &Batch, met: &mut Met) -> Result<Option<Held<'a>>, ResolveError> {
    for look in 0..if batch.len() < LARGE { 1 } else { LOOKS } {
        if let Some(core) = inner.try_core()? {
            return Ok(Some(core));
        }
        met.times += u32::from(look == 0);
        std::hint::spin_loop();
    }
    Ok(None)
}
