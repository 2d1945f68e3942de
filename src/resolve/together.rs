//! Calls of several threads judged at one version, by two of them: each in its half of the window.
//!
//! A half goes to whoever judged in it last, so that its lines stay in that thread's cache. Both note what the round before
//! wrote, and look up what is checked; then it is settled who commits.

use std::sync::Arc;

use super::company::{Promised, Round, Settled};
use super::halves::Half;
use super::offer::{Job, Offer, Task};
use super::parts::{Parts, Place};
use super::resolver::Resolver;
use super::seat::Seat;
use super::stamps::Stamp;
use super::verdict::Verdict;
use super::window::Window;
use super::{ResolveError, Version};

/// What it takes to judge calls together. Between rounds it holds what was promised, and room.
#[derive(Debug, Default)]
pub(super) struct Together {
    seats: Vec<Arc<Seat>>,
    round: Arc<Round>,
    settled: Settled,
    /// What the round before wrote, unless it is in the window.
    promised: Option<Promised>,
    /// A round that is over, for its room.
    over: Option<Arc<Round>>,
    /// Stands where a half is missing that another thread judges in.
    stand_in: Option<Box<Half>>,
    /// Whether a half was lost with a thread that panicked.
    pub(super) is_broken: bool,
}

impl Together {
    /// Takes a call into the round.
    pub(super) fn join(&mut self, seat: Arc<Seat>, parts: Arc<Parts>) {
        self.seats.push(seat);
        self.round().calls.push(parts);
    }

    /// Ends the round: `serve` is given each seat, and what became of transactions, its own first.
    pub(super) fn leave(
        &mut self,
        serve: impl for<'p> Fn(&Seat, &'p [Place]) -> Result<&'p [Place], ResolveError>,
    ) -> Result<(), ResolveError> {
        // A caller's parts are its own again before it is served, but for those of what was promised.
        self.round().end();
        let mut rest = &self.settled.refused[..];
        for seat in self.seats.drain(..) {
            rest = serve(&seat, rest)?;
        }
        Ok(())
    }

    /// The verdicts of the last round, call by call.
    pub(super) fn verdicts(&self, commit: Version) -> Vec<Verdict> {
        self.settled.refused.iter().map(|refused| refused.verdict(commit)).collect()
    }

    /// Ends a round that nobody waits for.
    pub(super) fn clear(&mut self) {
        self.round().end();
        self.seats.clear();
    }

    /// The round, which nobody else looks at between two tasks.
    pub(super) fn round(&mut self) -> &mut Round {
        own(&mut self.round)
    }

    /// Begins to judge the round.
    pub(super) fn begin(&mut self) {
        self.settled.refused.clear();
    }

    /// Whether writes were promised that are not in the window.
    #[inline]
    pub(super) fn has_promised(&self) -> bool {
        self.promised.is_some()
    }

    /// Takes what was promised, to note it, unless it is forgotten already.
    pub(super) fn take_promised(&mut self, forgotten: Stamp) -> Option<Promised> {
        let promised = self.promised.take()?;
        if promised.stamp > forgotten {
            return Some(promised);
        }
        self.let_go(promised);
        None
    }

    /// Lets go of what is in the window now, or will never be.
    pub(super) fn let_go(&mut self, mut promised: Promised) {
        own(&mut promised.round).end();
        self.over = Some(promised.round);
    }

    /// Has what was promised noted, and then the round checked, in both halves: in one here, in the other by whoever waits, or else
    /// here too.
    pub(super) fn run(
        &mut self,
        halves: &mut [Box<Half>; 2],
        (offer, committer): (&Offer, u64),
        forgotten: Stamp,
    ) -> Result<(), ResolveError> {
        let mine = usize::from(halves[0].owner != committer && halves[1].owner == committer);
        let which = 1 - mine;
        let stand_in =
            self.stand_in.take().unwrap_or_else(|| Box::new(Half::of(super::points::Points::new())));
        let half = std::mem::replace(&mut halves[which], stand_in);
        let task = Task { promised: self.take_promised(forgotten), round: Arc::clone(&self.round) };
        offer.put(Job { half, which, task: task.clone() });
        halves[mine].run((mine, committer), &task);
        let Some(job) = offer.take_back(committer) else {
            self.is_broken = true;
            return Err(ResolveError::Poisoned);
        };
        self.stand_in = Some(std::mem::replace(&mut halves[which], job.half));
        drop(job.task);
        if let Some(promised) = task.promised {
            self.let_go(promised);
        }
        Ok(())
    }

    /// Settles who commits, and promises what these write.
    pub(super) fn settle(
        &mut self,
        halves: &[Box<Half>; 2],
        floor: Version,
        stamp: Stamp,
    ) -> Result<(), ResolveError> {
        // Who helped has let go of it.
        let round = Arc::get_mut(&mut self.round).ok_or(ResolveError::Poisoned)?;
        self.settled.settle(round, floor, [&halves[0].found, &halves[1].found]);
        round.commits.clear();
        round.commits.extend(self.settled.refused.iter().map(|refused| *refused == Place::NONE));
        round.old = None;
        // What writes nothing has no stamp.
        if stamp > 0 {
            let round = std::mem::replace(&mut self.round, self.over.take().unwrap_or_default());
            self.promised = Some(Promised { round, stamp });
        }
        Ok(())
    }
}

/// What nobody else looks at: a new one, if others have this one.
pub(super) fn own<T: Default>(shared: &mut Arc<T>) -> &mut T {
    if Arc::get_mut(shared).is_none() {
        *shared = Arc::default();
    }
    Arc::get_mut(shared).unwrap_or_else(|| unreachable!("nobody else has the new one"))
}

impl Resolver {
    /// What a round is judged at, once it is known what its snapshots show.
    pub(super) fn begin_round(&mut self, round: &mut Round) -> Option<(Version, Stamp)> {
        let commit = self.pick(None).ok()?;
        let (seeds, cut) = match &self.window {
            Window::Halves(halves) => (halves.hasher().seeds(), 0),
            Window::Sides(sides) => ([0; 3], sides.cut().number),
            Window::Points(_) | Window::Ordered(_) => return None,
        };
        let form = (seeds, cut, Some(self.checked));
        let fits = |call: &Arc<Parts>| (call.seeds, call.cut, call.checked) == form && call.newest < commit;
        if self.in_flight() > 0 || !round.calls.iter().all(fits) {
            return None;
        }
        round.is_ordered = cut > 0;
        // What writes nothing needs no stamp.
        let stamp = if round.calls.iter().all(|call| call.writes_nothing()) { 0 } else { self.stamp(commit) };
        if let Window::Sides(sides) = &mut self.window {
            round.old = sides.old();
            sides.balance().ask([0, 1].map(|side| round.slices(side).map(|(_, slice)| slice.len()).sum()));
        }
        round.shown.clear();
        for call in &round.calls {
            if call.oldest == call.newest {
                let txns = round.shown.len() + call.txns.len();
                round.shown.resize(txns, self.stamps.shown(call.newest));
            } else {
                round.shown.extend(call.txns.iter().map(|asked| self.stamps.shown(asked.snapshot)));
            }
        }
        Some((commit, stamp))
    }
}
