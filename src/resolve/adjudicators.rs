//! Several resolvers that each own a part of the keys.

use rayon::prelude::*;

use super::batch::{Batch, Keyed};
use super::owner::Ownership;
use super::resolver::Resolver;
use super::verdict::{Cause, Checked, Verdict};
use super::{CommitClock, ResolveError, Version};
use crate::time::BoundedTimestamp;

/// Below this many transactions a batch is judged by one thread: handing over would cost more.
const WORTH_THREADS: usize = 64;

/// N resolvers, each the owner of a part of the keys, that decide together, as Aurora DSQL's adjudicators do.
///
/// A batch is split; each owner judges its part against its window, in parallel, and promises a
/// timestamp. A transaction commits if no owner objects and no earlier committing one of the batch
/// conflicts; all of a batch commit at the maximum of the promises. Only then do the owners
/// record, so that what one refused leaves no trace in the others (FoundationDB's resolvers keep one).
///
/// Verdicts are those of a single [`Resolver`] at the same versions. The cost of a transaction is that of the
/// resolver, divided among the owners, and a second look at its accesses in a map of the batch
/// alone, by one thread; by hash, a range costs once for each owner. Measured on two cores (batches of 256, window 125,000, a read and
/// a write each, `cargo bench --bench commit_path shared-adjudicators`): of keys 1.6, 2.6 to 6.2 and 3.7 to 8.3 times the resolver's time
/// with 1, 2 and 4 owners, of ranges 1.7 to 3.0, 2.4 to 6.7 and 2.9 to 7.2 times: the more, the busier the machine is when threads are woken. Owners are for keys that must be apart, not for speed.
#[derive(Debug)]
pub struct Adjudicators {
    checked: Checked,
    ownership: Ownership,
    parts: Vec<Part>,
    /// What committed earlier in the batch.
    batch_window: Resolver,
    verdicts: Vec<Verdict>,
    chosen: Vec<bool>,
}

#[derive(Debug)]
struct Part {
    /// None while it is lost.
    resolver: Option<Resolver>,
    clock: CommitClock,
    batch: Batch,
    refusals: Vec<Option<Verdict>>,
    /// Whether the batch has an access here.
    concerned: bool,
}

impl Adjudicators {
    /// `count` owners (at least one), each of the keys of one remainder of a hash. Ranges concern all of them.
    pub fn by_hash(checked: Checked, count: usize) -> Self {
        Self::with(checked, Ownership::hash(count), 0)
    }

    /// An owner of the keys below the first border, one of those from each border to the next, and one
    /// of those from the last on. A border is a keyspace and a key in it.
    ///
    /// # Errors
    /// [`ResolveError::UnorderedBorders`] if borders do not ascend.
    pub fn by_ranges(checked: Checked, borders: &[(u32, &[u8])]) -> Result<Self, ResolveError> {
        Ok(Self::with(checked, Ownership::ranges(borders)?, 0))
    }

    fn with(checked: Checked, ownership: Ownership, floor: Version) -> Self {
        let part = || Part {
            resolver: Some(Resolver::recover(checked, floor)),
            clock: CommitClock::new(floor),
            batch: Batch::new(),
            refusals: Vec::new(),
            concerned: false,
        };
        let parts = (0..ownership.count()).map(|_| part()).collect();
        let batch_window = Resolver::recover(checked, floor);
        Self { checked, ownership, parts, batch_window, verdicts: Vec::new(), chosen: Vec::new() }
    }

    /// The number of owners.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// The owner of a key.
    pub fn owner(&self, keyspace: u32, key: &[u8]) -> usize {
        self.ownership.owner(&[&keyspace.to_be_bytes()[..], key].concat())
    }

    /// The resolver of an owner, for measurements; `None` while it is lost.
    pub fn resolver(&self, owner: usize) -> Option<&Resolver> {
        self.parts.get(owner)?.resolver.as_ref()
    }

    /// What all promise: nothing commits at or below it any more. A lost one promises what it did.
    pub fn promised(&self) -> Version {
        self.parts.iter().map(|part| part.clock.last()).min().unwrap_or(Version::MIN)
    }

    /// Judges a batch. `now` is each owner's clock reading, in the order of the owners; without readings each promises
    /// the version after its last. Verdicts are in the order of the batch;
    /// [`Unavailable`](Verdict::Unavailable) if an owner of a key is lost.
    ///
    /// # Errors
    /// [`ResolveError::UntrustedClock`] if a reading has no upper bound, [`ResolveError::NoAdjudicator`] if
    /// there are fewer readings than owners, [`ResolveError::SnapshotFromTheFuture`],
    /// [`ResolveError::VersionsUsedUp`]. Nothing is changed.
    pub fn resolve(
        &mut self,
        batch: &Batch,
        now: Option<&[BoundedTimestamp]>,
    ) -> Result<&[Verdict], ResolveError> {
        self.split(batch);
        let commit = self.promise(now)?;
        super::resolver::check_snapshots(batch, commit)?;
        self.each(batch.len(), |part| {
            if let (true, Some(resolver)) = (part.concerned, &mut part.resolver) {
                resolver.check_all(&part.batch, &mut part.refusals);
            }
        });
        self.decide(batch, commit)?;
        let chosen = std::mem::take(&mut self.chosen);
        self.each(batch.len(), |part| part.record(&chosen, commit));
        self.chosen = chosen;
        Ok(&self.verdicts)
    }

    /// Gives every owner its part of the batch, in the same places.
    fn split(&mut self, batch: &Batch) {
        for part in &mut self.parts {
            part.batch.clear();
            part.concerned = false;
        }
        for (txn, header) in batch.txns().iter().enumerate() {
            for (owner, part) in self.parts.iter_mut().enumerate() {
                let mut own = part.batch.begin(header.snapshot);
                for (accesses, cause) in
                    [(batch.reads_of(txn), Cause::Read), (batch.writes_of(txn), Cause::Write)]
                {
                    for access in accesses {
                        let share = self.ownership.share(owner, batch.keyed(*access));
                        part.concerned |= share != Keyed::Nothing;
                        own.add(share, cause);
                    }
                }
            }
        }
    }

    /// The maximum of the timestamps that the owners concerned promise.
    fn promise(&self, now: Option<&[BoundedTimestamp]>) -> Result<Version, ResolveError> {
        let mut commit = Version::MIN;
        let anyone = self.parts.iter().any(|part| part.concerned);
        for (owner, part) in self.parts.iter().enumerate().filter(|(_, part)| part.concerned || !anyone) {
            let reading = match now {
                None => BoundedTimestamp::point(Version::MIN),
                Some(now) => *now.get(owner).ok_or(ResolveError::NoAdjudicator(owner))?,
            };
            commit = commit.max(part.clock.clone().next(reading)?);
        }
        Ok(commit)
    }

    /// Does the same in all parts, in parallel if that is worth it.
    fn each(&mut self, txns: usize, act: impl Fn(&mut Part) + Sync) {
        if self.parts.len() > 1 && txns >= WORTH_THREADS {
            self.parts.par_iter_mut().for_each(&act);
        } else {
            self.parts.iter_mut().for_each(act);
        }
    }

    /// In array order: what no owner refuses, and no earlier one of the batch, commits.
    fn decide(&mut self, batch: &Batch, commit: Version) -> Result<(), ResolveError> {
        self.verdicts.clear();
        self.chosen.clear();
        // All that the window of the batch holds from batches before is forgotten by its floor.
        let before = commit - 1;
        self.batch_window.advance_to(before.max(self.batch_window.version()))?;
        self.batch_window.forget_before(self.batch_window.version())?;
        let commit_here = self.batch_window.version() + 1;
        for txn in 0..batch.len() {
            let refusals = self.parts.iter().filter_map(|part| part.refusal(txn));
            let inside = self.batch_window.check_one(batch, txn);
            let refusal = refusals.chain(inside).min_by_key(|refusal| rank(*refusal));
            if refusal.is_none() {
                self.batch_window.record_one(batch, txn, commit_here);
            }
            self.chosen.push(refusal.is_none());
            self.verdicts.push(refusal.unwrap_or(Verdict::Commit(commit)));
        }
        self.batch_window.advance_to(commit_here)
    }

    /// Forgets writes at or below `floor`, each owner as far as it has come: see [`Resolver::forget_before`].
    pub fn forget_before(&mut self, floor: Version) {
        for resolver in self.parts.iter_mut().filter_map(|part| part.resolver.as_mut()) {
            let own = floor.min(resolver.version());
            // Neither back nor above the version: it cannot fail.
            let _ = resolver.forget_before(own.max(resolver.floor()));
        }
    }

    /// A heartbeat: moves those owners on that have not promised as much, so that idle ones hold nobody up.
    pub fn advance_to(&mut self, version: Version) {
        for part in &mut self.parts {
            if let Some(resolver) = &mut part.resolver
                && resolver.version() < version
                && resolver.advance_to(version).is_ok()
            {
                part.clock.observe(version);
            }
        }
    }

    /// Loses an owner with all that it knew. Transactions that touch its keys are
    /// [`Unavailable`](Verdict::Unavailable) until it is replaced; the rest go on.
    ///
    /// # Errors
    /// [`ResolveError::NoAdjudicator`].
    pub fn lose(&mut self, owner: usize) -> Result<(), ResolveError> {
        let part = self.parts.get_mut(owner).ok_or(ResolveError::NoAdjudicator(owner))?;
        part.resolver.take().map(|_| ()).ok_or(ResolveError::NoAdjudicator(owner))
    }

    /// Replaces an owner by an empty one: see [`Resolver::recover`]. Snapshots below `floor` are too old for its
    /// keys, and for those alone.
    ///
    /// # Errors
    /// [`ResolveError::NoAdjudicator`]; [`ResolveError::VersionGoesBack`] if it had promised more than `floor`.
    pub fn replace(&mut self, owner: usize, floor: Version) -> Result<(), ResolveError> {
        let checked = self.checked;
        let part = self.parts.get_mut(owner).ok_or(ResolveError::NoAdjudicator(owner))?;
        if floor < part.clock.last() {
            return Err(ResolveError::VersionGoesBack { given: floor, last: part.clock.last() });
        }
        part.resolver = Some(Resolver::recover(checked, floor));
        part.clock.observe(floor);
        Ok(())
    }
}

impl Part {
    /// What this owner objects to.
    fn refusal(&self, txn: usize) -> Option<Verdict> {
        if !self.concerned {
            return None;
        }
        if self.resolver.is_none() {
            let touched = [self.batch.reads_of(txn), self.batch.writes_of(txn)].concat();
            let any = touched.iter().any(|access| self.batch.keyed(*access) != Keyed::Nothing);
            return any.then_some(Verdict::Unavailable);
        }
        self.refusals.get(txn).copied().flatten()
    }

    fn record(&mut self, chosen: &[bool], commit: Version) {
        if let (true, Some(resolver)) = (self.concerned, &mut self.resolver) {
            resolver.record_chosen(&self.batch, chosen, commit);
            self.clock.observe(commit);
        }
    }
}

/// The order in which a single resolver would find reasons to refuse.
fn rank(refusal: Verdict) -> (u8, u32) {
    match refusal {
        Verdict::Unavailable | Verdict::Commit(_) => (0, 0),
        Verdict::TooOld => (1, 0),
        Verdict::Conflict { cause: Cause::Read, range_index } => (2, range_index),
        Verdict::Conflict { cause: Cause::Write, range_index } => (3, range_index),
    }
}
