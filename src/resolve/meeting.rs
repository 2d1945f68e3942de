//! Where large calls of several threads meet, to be judged together.
//!
//! Who calls while another is at work expects that one to call again: from then on calls wait for each other, about as
//! long as a call takes. Whoever has the resolver first judges all that came (`together`), and whoever waits helps.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::offer::Offer;
use super::parts::{Parts, Place};
use super::seat::Seat;
use super::shared::{Core, Inner};
use super::{ResolveError, Version};

/// Calls that wait for each other.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Meeting {
    calls: Mutex<Vec<(Arc<Seat>, Arc<Parts>)>>,
    waiting: AtomicUsize,
    /// Whether a large call is judged alone that might be judged together with others.
    is_at_work: AtomicBool,
    /// Whether calls are judged together.
    is_judged: AtomicBool,
    /// Whether another large call may come soon.
    is_expected: AtomicBool,
    pub(super) offer: Offer,
}

impl Meeting {
    /// How many wait.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    #[inline]
    pub(super) fn is_expected(&self) -> bool {
        self.is_expected.load(Ordering::Relaxed)
    }

    /// Notes whether others call as well.
    pub(super) fn expect(&self, others: bool) {
        self.is_expected.store(others, Ordering::Relaxed);
    }

    /// Notes whether a large call is judged alone that might be judged together with others.
    pub(super) fn work(&self, is_at_work: bool) {
        self.is_at_work.store(is_at_work, Ordering::Relaxed);
    }

    /// Whether calls are judged together now.
    pub(super) fn is_judged(&self) -> bool {
        self.is_judged.load(Ordering::Relaxed)
    }

    pub(super) fn is_at_work(&self) -> bool {
        self.is_at_work.load(Ordering::Relaxed)
    }

    /// Joins those who wait.
    pub(super) fn join(&self, seat: &Arc<Seat>, parts: &Arc<Parts>) -> Result<(), ResolveError> {
        let mut calls = self.calls.lock().map_err(|_| ResolveError::Poisoned)?;
        calls.push((Arc::clone(seat), Arc::clone(parts)));
        self.waiting.store(calls.len(), Ordering::Release);
        Ok(())
    }
}

/// Something is so, as long as this lives.
pub(super) struct Meanwhile<'m>(&'m AtomicBool);

impl<'m> Meanwhile<'m> {
    fn of(what: &'m AtomicBool) -> Self {
        what.store(true, Ordering::Relaxed);
        Meanwhile(what)
    }
}

impl Drop for Meanwhile<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Inner {
    /// Judges the calls that met, and serves their seats.
    #[inline(never)]
    pub(super) fn serve_meeting(&self, core: &mut Core, committer: u64) -> Result<(), ResolveError> {
        let ledger = &mut core.ledger;
        let _judged = Meanwhile::of(&self.meeting.is_judged);
        {
            let mut calls = self.meeting.calls.lock().map_err(|_| ResolveError::Poisoned)?;
            calls.drain(..).for_each(|(seat, parts)| ledger.together.join(seat, parts));
            self.meeting.waiting.store(0, Ordering::Release);
        }
        let judged = ledger.judge_together(&self.meeting.offer, committer);
        self.show(ledger.as_is());
        let version = judged.ok().flatten().unwrap_or(Version::MAX);
        ledger.together.leave(|seat, refused| {
            let refusal = |place: &Place| (*place != Place::NONE).then(|| place.verdict(version));
            seat.serve(refused, refusal, |served| {
                served.is_declined = judged == Ok(None);
                served.version = version;
                served.error = judged.err();
            })
        })?;
        // Half of the window is lost with whoever panicked: nothing can be judged in the other alone.
        if ledger.together.is_broken { Err(ResolveError::Poisoned) } else { Ok(()) }
    }
}
