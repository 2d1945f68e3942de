//! Many threads, one resolver.
//!
//! A caller does what it can before it has the resolver: it hashes its keys, and asks for the memory that they will
//! touch (`reach`). Whoever finds the resolver free judges its own call, behind those who wait and as one batch with them, and
//! then those who came meanwhile. Who finds it busy joins the open group, or, if it came before, leaves its call in its
//! seat, where whoever holds the resolver looks; that one takes all that wait,
//! judges them as one batch and hands out the verdicts, so that the others find theirs in their seats (`group`). So waiting is
//! bounded: by a number of looks, the call at work, and two groups, each of which holds at most one call of each
//! committer. Who judged its own call and then found others waiting is the *host*: the window is in its cache, so the others wait
//! and leave it the resolver, even a free one, for a while. Calls
//! of many transactions do not: they look for the resolver for a while before they join, since copying them costs more
//! than that, and those of several threads are judged together, by two of them (`meeting`), each in its half of the points or
//! on its side of a window that is in key order.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::batch::Batch;
use super::caller::LARGE;
use super::cut::Cut;
use super::group::{Group, Regular};
use super::hashes::{Hasher, Hashes};
use super::held::{Busy, Held};
use super::ledger::Ledger;
use super::meeting::Meeting;
use super::reach::Reach;
use super::resolver::Resolver;
use super::verdict::{Checked, Verdict};
use super::{Committer, ResolveError, Version};

/// A [`Resolver`] for many threads; cloning it gives another handle to the same one.
///
/// A call is judged at a version of its own, or of its group, above all that were decided when it began. Verdicts
/// are those of one resolver that is called in the order of versions. Calls are judged one after the other, and what
/// comes before that, threads do side by side; but calls of at least 32 transactions that come from several
/// threads at once are judged together, each of two threads looking up the keys of one half of the window: of points by their
/// hashes, and once there are ranges on either side of a key, which is chosen, and chosen anew, by what is asked for. Where that
/// does not help, since nearly all of it lies on one side or ranges cross each other all over, they take turns. When a key is chosen, the window
/// begins anew, beside what was known; that is given back at once when all of it is forgotten, so that until then memory may be
/// twice what the window needs.
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
pub(super) struct Inner {
    pub(super) open: Mutex<Group>,
    /// Those who leave small calls in their seats: as the resolver's user knows them too.
    pub(super) regulars: Mutex<Vec<Regular>>,
    pub(super) meeting: Meeting,
    pub(super) core: Mutex<Core>,
    /// Whether somebody uses the resolver: looked at, which costs its user nothing, before the lock is tried.
    pub(super) busy: Busy,
    pub(super) version: Last,
    /// What callers look at and seldom changes.
    pub(super) shown: Shown,
    /// How the window hashed keys at first: callers do that for it, as long as it holds points alone.
    pub(super) hasher: Option<Hasher>,
    pub(super) checked: Checked,
    /// How many were made.
    committers: AtomicU64,
    /// From when on it is told when calls came.
    pub(super) begun: Instant,
}

/// Who has the resolver judges its own call together with those who wait if its keys have no more bytes: they are copied.
const FEW_BYTES: usize = 4 << 10;

/// No cut's number: the window is cut, but that does not help.
pub(super) const RESTS: u64 = u64::MAX;

/// No caller's number.
pub(super) const NOBODY: u64 = 0;

/// The last version decided: what a snapshot may be at most.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Last(pub(super) AtomicI64);

#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shown {
    /// Whether the open group holds somebody.
    pub(super) has_waiting: AtomicBool,
    pub(super) takes_ranges: AtomicBool,
    /// The number of the host.
    host: AtomicU64,
    /// Where the window lies.
    pub(super) reach: Reach,
    /// Where it is cut in two, and the number of that cut; 0 for none, and [`RESTS`] where it is no use.
    cut: Mutex<Option<Arc<Cut>>>,
    cut_number: AtomicU64,
}

/// On cache lines of its own: who looks for the resolver does not disturb who uses it.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Core {
    pub(super) ledger: Ledger,
    /// The group that is judged; empty between groups. Apart from what each call looks at.
    pub(super) group: Box<Group>,
    pub(super) regulars: Vec<Regular>,
}

impl Shown {
    /// The number of the cut of the window; 0 for none, and [`RESTS`] where it is no use.
    #[inline]
    pub(super) fn cut_number(&self) -> u64 {
        self.cut_number.load(Ordering::Acquire)
    }

    /// The cut of the window.
    #[cold]
    pub(super) fn cut(&self) -> Option<Arc<Cut>> {
        self.cut.lock().ok()?.clone()
    }

    /// Shows where the window is cut now, or that it is no use.
    #[inline]
    fn show_cut(&self, cut: Option<&Arc<Cut>>, rests: bool) {
        let number = if rests { RESTS } else { cut.map_or(0, |cut| cut.number) };
        if self.cut_number() != number
            && let Ok(mut shown) = self.cut.lock()
        {
            *shown = cut.cloned();
            self.cut_number.store(number, Ordering::Release);
        }
    }

    /// The number of the host, or [`NOBODY`].
    #[inline]
    pub(super) fn host(&self) -> u64 {
        self.host.load(Ordering::Relaxed)
    }

    #[inline]
    fn appoint(&self, host: u64) {
        // Others look at it all the time: it is not written without need.
        if self.host() != host {
            self.host.store(host, Ordering::Relaxed);
        }
    }

    /// Notes that a host did not come again, unless there is another one by now.
    pub(super) fn dismiss(&self, host: u64) {
        let _ = self.host.compare_exchange(host, NOBODY, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl SharedResolver {
    /// Shares a resolver. What it holds is brought into two halves, at the cost of a look-up per key of the window.
    pub fn new(mut resolver: Resolver) -> Self {
        resolver.halve();
        let version = Last(AtomicI64::new(resolver.version()));
        let shown = Shown {
            has_waiting: AtomicBool::new(false),
            takes_ranges: AtomicBool::new(resolver.takes_ranges()),
            host: AtomicU64::new(NOBODY),
            reach: Reach::default(),
            cut: Mutex::default(),
            cut_number: AtomicU64::new(0),
        };
        shown.reach.show(&resolver);
        let (hasher, checked) = (resolver.hasher(), resolver.checked());
        let (group, known) = Default::default();
        let core = Mutex::new(Core { ledger: Ledger::new(resolver), group, regulars: known });
        let (open, regulars, meeting, busy, committers) = Default::default();
        Self {
            inner: Arc::new(Inner {
                open,
                regulars,
                meeting,
                core,
                busy,
                version,
                shown,
                hasher,
                checked,
                committers,
                begun: Instant::now(),
            }),
        }
    }

    /// A seat for one thread. Takes some memory; keep it.
    pub fn committer(&self) -> Committer {
        let number = 1 + self.inner.committers.fetch_add(1, Ordering::Relaxed);
        Committer::new(Arc::clone(&self.inner), number)
    }

    /// The last version decided: a good snapshot.
    pub fn version(&self) -> Version {
        self.inner.version.0.load(Ordering::Acquire)
    }

    /// How many calls wait for the resolver, or are judged by another caller. For tests and measurements.
    pub fn waiting(&self) -> usize {
        self.inner.waiting()
    }

    /// How often a thread that waited judged for others: once for each group of large calls that two threads judge
    /// together. For tests and measurements.
    pub fn helped(&self) -> u64 {
        self.inner.meeting.offer.helped()
    }

    /// Forgets writes at or below `floor`, unless more was forgotten before, as [`Resolver::forget_before`] does. It waits for the call
    /// at work; what it does then takes constant time, unless it gives a window back that was begun anew. Between large
    /// calls that is better than [`with`](Self::with), before which is noted what those that commit write.
    ///
    /// # Errors
    /// [`ResolveError::FloorAboveVersion`] if it is above the last version: nothing is changed. [`ResolveError::Poisoned`] if
    /// a caller panicked inside.
    pub fn forget_before(&self, floor: Version) -> Result<(), ResolveError> {
        let core = self.inner.wait_for_core()?;
        self.inner.alone(core, |core| core.ledger.forget_before(floor.max(core.ledger.as_is().floor())))
    }

    /// Does something else with the resolver, between two calls: advances, prepares, takes snapshots.
    ///
    /// Nobody else judges meanwhile, and what earlier calls write is in the window.
    ///
    /// # Errors
    /// [`ResolveError::Poisoned`] if a caller panicked inside.
    pub fn with<T>(&self, act: impl FnOnce(&mut Resolver) -> T) -> Result<T, ResolveError> {
        let core = self.inner.wait_for_core()?;
        self.inner.alone(core, |core| {
            let resolver = core.ledger.up_to_date();
            let result = act(resolver);
            self.inner.show(resolver);
            Ok(result)
        })
    }
}

impl Inner {
    /// Does something with the resolver, and shows what it has become.
    pub(super) fn alone<T>(
        &self,
        mut core: Held<'_>,
        act: impl FnOnce(&mut Core) -> Result<T, ResolveError>,
    ) -> Result<T, ResolveError> {
        let result = act(&mut core);
        let rests = core.ledger.rests();
        let resolver = core.ledger.as_is();
        let takes_ranges = resolver.takes_ranges();
        // Others look at it all the time: it is not written without need.
        if self.shown.takes_ranges.load(Ordering::Relaxed) != takes_ranges {
            self.shown.takes_ranges.store(takes_ranges, Ordering::Release);
        }
        self.shown.reach.show(resolver);
        self.shown.show_cut(resolver.cut(), rests);
        result
    }

    /// Judges a call that does not have to wait, behind those who do, and then those who came meanwhile: what they wrote for it
    /// is near, and the window is here.
    pub(super) fn serve_now<T>(
        &self,
        (core, committer): (Held<'_>, u64),
        batch: &Batch,
        hashes: Option<&Hashes>,
        take: impl FnOnce(&[Verdict]) -> T,
    ) -> Result<(T, Version), ResolveError> {
        self.alone(core, |core| {
            if self.meeting.len() > 0 {
                self.serve_meeting(core, committer)?;
            }
            let (taken, commit) = if self.gather(core)? {
                self.serve_behind(core, batch, hashes, take)?
            } else {
                judge_own(core.ledger.up_to_date(), batch, hashes, take)?
            };
            if self.meeting.is_expected() {
                core.ledger.up_to_date().cut_in_two();
            }
            if self.gather(core)? {
                self.shown.appoint(committer);
                self.serve_group(core, |_, _| ())?;
            } else {
                // Others look at it with each call: of those that are served at once the last one's is shown.
                self.show(core.ledger.as_is());
            }
            Ok((taken, commit))
        })
    }

    /// Judges a call behind those who wait: with them, if it is not large.
    #[inline(never)]
    fn serve_behind<T>(
        &self,
        core: &mut Core,
        batch: &Batch,
        hashes: Option<&Hashes>,
        take: impl FnOnce(&[Verdict]) -> T,
    ) -> Result<(T, Version), ResolveError> {
        let is_small = batch.len() < LARGE && batch.bytes().len() <= FEW_BYTES;
        if is_small && core.group.batch.append(batch).is_ok() {
            return self.serve_group(core, |judged, version| Ok((take(judged?), version)))?;
        }
        self.serve_group(core, |_, _| ())?;
        judge_own(core.ledger.up_to_date(), batch, hashes, take)
    }
}

/// Judges a call at the next version.
#[inline]
fn judge_own<T>(
    resolver: &mut Resolver,
    batch: &Batch,
    hashes: Option<&Hashes>,
    take: impl FnOnce(&[Verdict]) -> T,
) -> Result<(T, Version), ResolveError> {
    let commit = resolver.version().checked_add(1).ok_or(ResolveError::VersionsUsedUp)?;
    let verdicts = resolver.resolve_hashed(batch, hashes, commit)?;
    Ok((take(verdicts), commit))
}
