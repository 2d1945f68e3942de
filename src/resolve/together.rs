//! Calls of several threads judged at one version, by two of them: each in its half of the window.
//!
//! A half goes to whoever judged in it last, so that its lines stay in that thread's cache. Both look up what is
//! checked; then it is settled who commits; then both note what is written.

use std::sync::Arc;

use super::company::{Round, Settled};
use super::halves::Half;
use super::offer::{Job, Offer, Task};
use super::parts::{Parts, Place};
use super::resolver::Resolver;
use super::seat::Seat;
use super::stamps::Stamp;
use super::verdict::Verdict;
use super::window::Window;
use super::{ResolveError, Version};

/// What it takes to judge calls together. Empty between rounds, but for its room.
#[derive(Debug, Default)]
pub(super) struct Together {
    seats: Vec<Arc<Seat>>,
    round: Arc<Round>,
    settled: Settled,
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
        // A caller's parts are its own again before it is served.
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
    fn round(&mut self) -> &mut Round {
        if Arc::get_mut(&mut self.round).is_none() {
            self.round = Arc::default();
        }
        Arc::get_mut(&mut self.round).unwrap_or_else(|| unreachable!("nobody else has the new one"))
    }

    /// Has a task done in both halves: in one here, in the other by whoever waits, or else here too.
    fn run(
        &mut self,
        halves: &mut [Box<Half>; 2],
        (offer, committer): (&Offer, u64),
        task: Task,
    ) -> Result<(), ResolveError> {
        let mine = usize::from(halves[0].owner != committer && halves[1].owner == committer);
        let which = 1 - mine;
        let stand_in =
            self.stand_in.take().unwrap_or_else(|| Box::new(Half::of(super::points::Points::new())));
        let half = std::mem::replace(&mut halves[which], stand_in);
        offer.put(Job { half, which, round: Arc::clone(&self.round), task });
        halves[mine].run((mine, committer), &self.round, task);
        let Some(job) = offer.take_back(committer) else {
            self.is_broken = true;
            return Err(ResolveError::Poisoned);
        };
        self.stand_in = Some(std::mem::replace(&mut halves[which], job.half));
        Ok(())
    }

    /// Settles who commits.
    fn settle(&mut self, halves: &[Box<Half>; 2], floor: Version) -> Result<(), ResolveError> {
        // Who helped has let go of it.
        let round = Arc::get_mut(&mut self.round).ok_or(ResolveError::Poisoned)?;
        self.settled.settle(round, floor, [&halves[0].found, &halves[1].found]);
        round.commits.clear();
        round.commits.extend(self.settled.refused.iter().map(|refused| *refused == Place::NONE));
        Ok(())
    }
}

impl Resolver {
    /// Judges the calls of a round, in their order, all at one version, which is returned; `None` if that cannot be done:
    /// with transactions in flight, without halves, where calls were laid out for another window, or where their ranges cross
    /// too much.
    ///
    /// # Errors
    /// [`ResolveError::Poisoned`] if a thread that helped panicked.
    pub(super) fn judge_together(
        &mut self,
        together: &mut Together,
        offer: &Offer,
        committer: u64,
    ) -> Result<Option<Version>, ResolveError> {
        together.settled.refused.clear();
        let Some((commit, stamp)) = self.begin_round(together.round()) else { return Ok(None) };
        let Some(halves) = self.window.both() else { return Ok(None) };
        together.run(halves, (offer, committer), Task::Check)?;
        if halves.iter().any(|half| half.found.crossings.is_too_much) {
            self.rest();
            return Ok(None);
        }
        together.settle(halves, self.floor)?;
        together.run(halves, (offer, committer), Task::Write(stamp))?;
        self.version = commit;
        self.even_sides_out();
        Ok(Some(commit))
    }

    /// What a round is judged at, once it is known what its snapshots show.
    fn begin_round(&mut self, round: &mut Round) -> Option<(Version, Stamp)> {
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
            sides
                .balance()
                .ask([0, 1].map(|side| round.slices().map(|(_, slices)| slices.sides[side].len()).sum()));
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
