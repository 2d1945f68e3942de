//! A resolver for many threads, with writes that were promised and are not in its window yet.
//!
//! Callers are told who of a round commits as soon as that is settled. What these write is noted with the next round: in each
//! half before that one is checked there, by whoever checks it. So one task a round is handed over, and not two,
//! and who is through first waits once. Whoever wants the resolver for anything else has it brought up to date first, but for what
//! does not look into the window.

use super::offer::Offer;
use super::resolver::Resolver;
use super::together::Together;
use super::{ResolveError, Version};

/// A resolver, and what it takes to judge calls of several threads together.
#[derive(Debug)]
pub(super) struct Ledger {
    resolver: Resolver,
    pub(super) together: Together,
}

impl Ledger {
    pub(super) fn new(resolver: Resolver) -> Self {
        Self { resolver, together: Together::default() }
    }

    /// The resolver, with all writes in its window.
    #[inline]
    pub(super) fn up_to_date(&mut self) -> &mut Resolver {
        if self.together.has_promised() {
            self.catch_up();
        }
        &mut self.resolver
    }

    /// The resolver as it is, for who does not ask what is in its window.
    #[inline]
    pub(super) fn as_is(&self) -> &Resolver {
        &self.resolver
    }

    /// As [`Resolver::rests`].
    #[inline]
    pub(super) fn rests(&mut self) -> bool {
        self.resolver.rests()
    }

    /// As [`Resolver::forget_before`]: what was promised and is forgotten by then is not noted at all.
    pub(super) fn forget_before(&mut self, floor: Version) -> Result<(), ResolveError> {
        self.resolver.forget_before(floor)
    }

    #[inline(never)]
    fn catch_up(&mut self) {
        let forgotten = self.resolver.stamp_floor();
        if let (Some(promised), Some(halves)) =
            (self.together.take_promised(forgotten), self.resolver.window.both())
        {
            halves.iter_mut().enumerate().for_each(|(which, half)| half.note(which, &promised));
            self.together.let_go(promised);
        }
    }

    /// Judges the calls of a round, in their order, all at one version, which is returned; `None` if that cannot be done:
    /// with transactions in flight, without halves, where calls were laid out for another window, or where their ranges cross
    /// too much.
    ///
    /// # Errors
    /// [`ResolveError::Poisoned`] if a thread that helped panicked.
    pub(super) fn judge_together(
        &mut self,
        offer: &Offer,
        committer: u64,
    ) -> Result<Option<Version>, ResolveError> {
        self.together.begin();
        if self.resolver.lowers_stamps() {
            self.catch_up();
        }
        let Ledger { resolver, together } = self;
        let Some((commit, stamp)) = resolver.begin_round(together.round()) else { return Ok(None) };
        let (floor, forgotten) = (resolver.floor(), resolver.stamp_floor());
        let Some(halves) = resolver.window.both() else { return Ok(None) };
        together.run(halves, (offer, committer), forgotten)?;
        if halves.iter().any(|half| half.found.crossings.is_too_much) {
            resolver.rest();
            return Ok(None);
        }
        together.settle(halves, floor, stamp)?;
        resolver.commit_round(commit);
        if let Some(cut) = resolver.better_cut() {
            self.up_to_date().cut_at(cut);
        }
        Ok(Some(commit))
    }
}
