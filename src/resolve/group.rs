//! Small calls that wait for the resolver: one group, judged as one batch by whoever has it, first come first served.
//!
//! A caller's first small call joins the open group; then it is one of the *regulars*, as long as there are not too many, who
//! leave their calls in their own seats ([`Slip`](super::slip::Slip)), where whoever has the resolver looks for them. Who did not
//! come for long is none any more.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::batch::Batch;
use super::resolver::Resolver;
use super::seat::Seat;
use super::shared::{Core, Inner};
use super::slip::MOST;
use super::verdict::Verdict;
use super::{ResolveError, Version};

/// So many seats are looked at for each call.
const MOST_REGULARS: usize = 16;
/// Who left nothing for so many looks is no regular any more.
const IDLE: u32 = 4_096;

/// A seat where calls are looked for, and how often there was none since the last one.
#[derive(Debug, Clone)]
pub(super) struct Regular {
    seat: Arc<Seat>,
    idle: u32,
}

/// Transactions of several callers.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) batch: Batch,
    calls: Vec<Call>,
    /// Room to put them into another order.
    other: Batch,
}

/// One caller's share of a group.
#[derive(Debug)]
struct Call {
    /// When it came, in nanoseconds.
    came: u64,
    caller: Caller,
    /// Its first transaction in the batch, and how many it has.
    first: usize,
    txns: usize,
}

#[derive(Debug)]
enum Caller {
    Joined(Arc<Seat>),
    /// One of the regulars, by number.
    Left(usize),
}

impl Group {
    /// How many calls there are.
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Takes the calls that regulars left, behind those that joined or among them: in the order in which they came.
    fn take_left(&mut self, regulars: &mut [Regular]) {
        regulars.iter().for_each(|regular| regular.seat.slip.foresee());
        for (at, Regular { seat, idle }) in regulars.iter_mut().enumerate() {
            let Some(came) = seat.slip.came() else {
                *idle += 1;
                continue;
            };
            *idle = 0;
            let (first, caller) = (self.batch.len(), Caller::Left(at));
            // What does not fit is taken the next time.
            if let Some(txns) = seat.slip.take(&mut self.batch) {
                self.calls.push(Call { came, caller, first, txns });
            }
        }
        if !self.calls.is_sorted_by_key(|call| call.came) {
            self.put_in_order();
        }
    }

    #[cold]
    fn put_in_order(&mut self) {
        let Group { batch, calls, other } = self;
        calls.sort_by_key(|call| call.came);
        other.clear();
        for call in calls {
            let from = std::mem::replace(&mut call.first, other.len());
            other.append_some(batch, from..from + call.txns);
        }
        std::mem::swap(batch, other);
    }
}

impl Inner {
    /// Joins the open group.
    pub(super) fn join(&self, seat: &Arc<Seat>, batch: &Batch) -> Result<(), ResolveError> {
        seat.open(batch.len())?;
        let mut open = self.open.lock().map_err(|_| ResolveError::Poisoned)?;
        let (first, txns) = (open.batch.len(), batch.len());
        open.batch.append(batch)?;
        let came = self.begun.elapsed().as_nanos() as u64;
        open.calls.push(Call { came, caller: Caller::Joined(Arc::clone(seat)), first, txns });
        self.shown.has_waiting.store(true, Ordering::Release);
        Ok(())
    }

    /// How many calls wait, or are judged after they were left in a seat.
    pub(super) fn waiting(&self) -> usize {
        let joined = self.open.lock().map_or(0, |open| open.len());
        let left = |regular: &&Regular| !regular.seat.slip.is_answered();
        let left = self.regulars.lock().map_or(0, |regulars| regulars.iter().filter(left).count());
        joined + left + self.meeting.len()
    }

    /// Judges all who wait, and serves their seats.
    pub(super) fn serve(&self, core: &mut Core, committer: u64) -> Result<(), ResolveError> {
        if self.meeting.len() > 0 {
            self.serve_meeting(core, committer)?;
        }
        if self.gather(core)? { self.serve_group(core, |_, _| ()) } else { Ok(()) }
    }

    /// Makes the small calls that wait the group that is judged next; whether there is any.
    #[inline]
    pub(super) fn gather(&self, core: &mut Core) -> Result<bool, ResolveError> {
        let has_joined = self.shown.has_waiting.load(Ordering::Acquire);
        if has_joined || !core.regulars.is_empty() { self.gather_group(core, has_joined) } else { Ok(false) }
    }

    #[inline(never)]
    fn gather_group(&self, core: &mut Core, has_joined: bool) -> Result<bool, ResolveError> {
        let Core { group, regulars, .. } = core;
        if regulars.iter().any(|regular| regular.idle > IDLE) {
            self.dismiss_idle(regulars)?;
        }
        if has_joined {
            let mut open = self.open.lock().map_err(|_| ResolveError::Poisoned)?;
            std::mem::swap(&mut *open, &mut **group);
            self.shown.has_waiting.store(false, Ordering::Release);
        }
        group.take_left(regulars);
        Ok(group.len() > 0)
    }

    /// Judges a group, serves all its seats, and gives the verdicts on what stands behind their calls in the batch, and their version,
    /// to `tell`. If the batch is refused as a whole, each call is judged on its own: an error is told to whom it concerns.
    #[inline(never)]
    pub(super) fn serve_group<T>(
        &self,
        core: &mut Core,
        tell: impl FnOnce(Result<&[Verdict], ResolveError>, Version) -> T,
    ) -> Result<T, ResolveError> {
        let Core { ledger, group, regulars } = core;
        let resolver = ledger.up_to_date();
        let Group { batch, calls, other } = &mut **group;
        let is_whole = judge_next(resolver, batch).is_ok();
        self.show(resolver);
        for Call { caller, first, txns, .. } in &*calls {
            let judged = judge_some(resolver, (batch, other), *first..first + txns, is_whole);
            let version = self.show(resolver);
            let judged = judged.map(|range| &resolver.verdicts()[range]);
            match caller {
                Caller::Joined(seat) => seat.serve_small(judged, version)?,
                Caller::Left(regular) => regulars[*regular].seat.answer(judged, version)?,
            }
        }
        let own = calls.last().map_or(0, |call| call.first + call.txns)..batch.len();
        // Nothing is judged where nothing stands behind the calls.
        let judged =
            if own.is_empty() { Ok(0..0) } else { judge_some(resolver, (batch, other), own, is_whole) };
        let version = self.show(resolver);
        let told = tell(judged.map(|range| &resolver.verdicts()[range]), version);
        batch.clear();
        for call in calls.drain(..) {
            if let Caller::Joined(seat) = call.caller
                && call.txns <= MOST
                && regulars.len() < MOST_REGULARS
                && !seat.is_regular.load(Ordering::Relaxed)
            {
                self.admit(regulars, seat)?;
            }
        }
        Ok(told)
    }

    /// Shows the last version decided, before anybody is told of it, and returns it.
    #[inline]
    pub(super) fn show(&self, resolver: &Resolver) -> Version {
        let version = resolver.version();
        // Others look at it with each call: it is not written without need.
        if self.version.0.load(Ordering::Relaxed) != version {
            self.version.0.store(version, Ordering::Release);
        }
        version
    }

    /// Sees to it that the call that was left in a seat is looked for there: its caller may have been dismissed meanwhile.
    pub(super) fn readmit(&self, core: &mut Core, seat: &Arc<Seat>) -> Result<(), ResolveError> {
        let is_known = core.regulars.iter().any(|regular| Arc::ptr_eq(&regular.seat, seat));
        if is_known { Ok(()) } else { self.admit(&mut core.regulars, Arc::clone(seat)) }
    }

    #[cold]
    fn admit(&self, regulars: &mut Vec<Regular>, seat: Arc<Seat>) -> Result<(), ResolveError> {
        seat.is_regular.store(true, Ordering::Release);
        regulars.push(Regular { seat, idle: 0 });
        self.show_regulars(regulars)
    }

    #[cold]
    fn dismiss_idle(&self, regulars: &mut Vec<Regular>) -> Result<(), ResolveError> {
        regulars.retain(|regular| {
            let stays = regular.idle <= IDLE;
            regular.seat.is_regular.store(stays, Ordering::Release);
            stays
        });
        self.show_regulars(regulars)
    }

    fn show_regulars(&self, regulars: &[Regular]) -> Result<(), ResolveError> {
        let mut shown = self.regulars.lock().map_err(|_| ResolveError::Poisoned)?;
        shown.clear();
        shown.extend_from_slice(regulars);
        Ok(())
    }
}

/// Judges a batch at the next version.
fn judge_next(resolver: &mut Resolver, batch: &Batch) -> Result<(), ResolveError> {
    let commit = resolver.version().checked_add(1).ok_or(ResolveError::VersionsUsedUp)?;
    resolver.resolve(batch, commit).map(|_| ())
}

/// Where the verdicts on some transactions of a batch are, of those that the resolver found last: they are judged now unless the
/// batch was judged as a whole.
#[inline]
fn judge_some(
    resolver: &mut Resolver,
    (batch, other): (&Batch, &mut Batch),
    txns: Range<usize>,
    is_whole: bool,
) -> Result<Range<usize>, ResolveError> {
    if is_whole {
        return Ok(txns);
    }
    let len = txns.len();
    other.clear();
    other.append_some(batch, txns);
    judge_next(resolver, other).map(|()| 0..len)
}
