//! Small calls that wait for the resolver: one group, judged as one batch by whoever has it.
//!
//! A caller's first call joins the open group; from then on it is one of the *regulars*, who leave their calls in
//! their own seats ([`Slip`](super::slip::Slip)), where whoever has the resolver looks for them. In a batch those that joined
//! come first, in the order in which they did, and then those that were left, in the order in which they came.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::batch::Batch;
use super::seat::Seat;
use super::shared::{Core, Inner};
use super::verdict::Verdict;
use super::{ResolveError, Version};

/// So many seats are looked at for each call.
const MOST_REGULARS: usize = 16;
/// Who else has the seat of a regular that is gone: both lists.
const LISTS: usize = 2;

/// Transactions of several callers in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) batch: Batch,
    pub(super) seats: Vec<Arc<Seat>>,
    /// Behind those of the seats: calls of regulars, in the order in which they came.
    left: Vec<Left>,
}

/// When a call came, which of the regulars left it, and how many transactions it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Left {
    came: u64,
    regular: usize,
    txns: usize,
}

impl Group {
    /// Takes the calls that regulars left.
    fn take_left(&mut self, regulars: &[Arc<Seat>]) {
        regulars.iter().for_each(|seat| seat.slip.foresee());
        let came =
            |(regular, seat): (usize, &Arc<Seat>)| Some(Left { came: seat.slip.came()?, regular, txns: 0 });
        self.left.extend(regulars.iter().enumerate().filter_map(came));
        if !self.left.is_empty() {
            self.left.sort_unstable();
            let batch = &mut self.batch;
            self.left.retain_mut(|left| {
                let taken = regulars[left.regular].slip.take(batch);
                left.txns = taken.unwrap_or(0);
                taken.is_some()
            });
        }
    }
}

impl Inner {
    /// Joins the open group.
    pub(super) fn join(&self, seat: &Arc<Seat>, batch: &Batch) -> Result<(), ResolveError> {
        seat.open(batch.len())?;
        let mut open = self.open.lock().map_err(|_| ResolveError::Poisoned)?;
        open.batch.append(batch)?;
        open.seats.push(Arc::clone(seat));
        self.shown.has_waiting.store(true, Ordering::Release);
        Ok(())
    }

    /// How many calls wait.
    pub(super) fn waiting(&self) -> usize {
        let joined = self.open.lock().map_or(0, |open| open.seats.len());
        let left = |seat: &&Arc<Seat>| !seat.slip.is_answered();
        let left = self.regulars.lock().map_or(0, |regulars| regulars.iter().filter(left).count());
        joined + left + self.meeting.len()
    }

    /// Judges all who wait, and serves their seats.
    #[inline]
    pub(super) fn serve(&self, core: &mut Core, committer: u64) -> Result<(), ResolveError> {
        if self.meeting.len() > 0 {
            self.serve_meeting(core, committer)?;
        }
        self.serve_waiting(core)?;
        Ok(())
    }

    /// The same for small calls; whether there was any.
    #[inline]
    pub(super) fn serve_waiting(&self, core: &mut Core) -> Result<bool, ResolveError> {
        let is_any = self.gather(core)?;
        if is_any {
            self.serve_group(core, |_, _| ())?;
        }
        Ok(is_any)
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
        if has_joined {
            let mut open = self.open.lock().map_err(|_| ResolveError::Poisoned)?;
            std::mem::swap(&mut *open, group);
            self.shown.has_waiting.store(false, Ordering::Release);
        }
        group.take_left(regulars);
        Ok(!group.seats.is_empty() || !group.left.is_empty())
    }

    /// Judges a group, serves all its seats, and gives the verdicts on what stands behind their calls, if anything does, and their
    /// version to `tell`.
    #[inline(never)]
    pub(super) fn serve_group<T>(
        &self,
        core: &mut Core,
        tell: impl FnOnce(Result<&[Verdict], ResolveError>, Version) -> T,
    ) -> Result<T, ResolveError> {
        let Core { resolver, group, regulars, .. } = core;
        let next = resolver.version().checked_add(1);
        let judged = match next {
            None => Err(ResolveError::VersionsUsedUp),
            Some(commit) => resolver.resolve(&group.batch, commit).inspect(|_| {
                self.version.0.store(commit, Ordering::Release);
            }),
        };
        let (version, error) = (next.unwrap_or(Version::MAX), judged.as_ref().err().copied());
        let mut rest = *judged.as_ref().unwrap_or(&&[][..]);
        for seat in &group.seats {
            let refusal = |verdict: &Verdict| (!verdict.is_commit()).then_some(*verdict);
            rest = seat.serve(rest, refusal, |served| (served.version, served.error) = (version, error))?;
        }
        for Left { regular, txns, .. } in group.left.drain(..) {
            let Seat { slip, verdicts, .. } = &*regulars[regular];
            if error.is_some() {
                let mut served = verdicts.lock().map_err(|_| ResolveError::Poisoned)?;
                (served.version, served.error) = (version, error);
            }
            let own;
            (own, rest) = rest.split_at(txns.min(rest.len()));
            slip.answer(error.is_none().then_some(own), version);
        }
        let told = tell(error.map_or(Ok(rest), Err), version);
        group.batch.clear();
        for seat in group.seats.drain(..) {
            if !seat.is_regular.load(Ordering::Relaxed) {
                self.admit(regulars, seat)?;
            }
        }
        Ok(told)
    }

    /// Makes a caller one of the regulars, if there are not too many.
    #[cold]
    fn admit(&self, regulars: &mut Vec<Arc<Seat>>, seat: Arc<Seat>) -> Result<(), ResolveError> {
        if regulars.len() == MOST_REGULARS {
            regulars.retain(|seat| Arc::strong_count(seat) > LISTS);
        }
        if regulars.len() < MOST_REGULARS {
            seat.is_regular.store(true, Ordering::Release);
            regulars.push(seat);
        }
        self.regulars.lock().map_err(|_| ResolveError::Poisoned)?.clone_from(regulars);
        Ok(())
    }
}
