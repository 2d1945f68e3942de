//! Checked now, recorded later, or never: what commits in two steps, or was decided elsewhere.

use super::batch::Batch;
use super::flight::Ticket;
use super::judge::{self, Rule, Txn};
use super::resolver::Resolver;
use super::txn::Transaction;
use super::verdict::Verdict;
use super::window::in_any_form;
use super::{ResolveError, Version};

/// The answer to [`prepare`](Resolver::prepare).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vote {
    /// The transaction may commit, whenever it is confirmed.
    Yes(Ticket),
    /// It may not, and left no trace.
    No(Verdict),
}

impl Resolver {
    /// Records the writes of a transaction without checking it: of stores that also write outside
    /// of transactions. Reads and snapshot are ignored.
    ///
    /// It is refused only for the sake of transactions in flight, which were promised to commit.
    ///
    /// # Errors
    /// [`ResolveError::VersionNotAbove`], [`ResolveError::VersionsUsedUp`],
    /// [`ResolveError::RangeOfFingerprints`].
    pub fn record(&mut self, txn: &Transaction, at: Option<Version>) -> Result<Verdict, ResolveError> {
        let commit = self.pick(at)?;
        self.admit_ranges(&txn.batch)?;
        let writes = txn.batch.writes();
        if let Some(refusal) = self.flights.conflict(self.checked, &txn.batch, &[], writes) {
            return Ok(refusal);
        }
        self.write_all(&txn.batch, commit);
        self.version = commit;
        Ok(Verdict::Commit(commit))
    }

    /// Checks a transaction now; its writes are recorded by [`confirm`](Self::confirm).
    ///
    /// Until then it counts as a conflict for all that touch what it writes, and for
    /// all that write what it had checked; so it will not be refused any more.
    ///
    /// # Errors
    /// [`ResolveError::SnapshotFromTheFuture`], [`ResolveError::VersionsUsedUp`],
    /// [`ResolveError::BatchTooLarge`], [`ResolveError::RangeOfFingerprints`].
    pub fn prepare(&mut self, txn: &Transaction) -> Result<Vote, ResolveError> {
        let not_before = self.pick(None)?;
        self.admit(&txn.batch, not_before)?;
        self.order_for(&txn.batch);
        let judged = Txn::of(&txn.batch, 0);
        let (window, rule, _) = self.rule();
        let refusal = in_any_form!(window, index => judged.refusal(index, rule));
        match refusal {
            Some(refusal) => Ok(Vote::No(refusal)),
            None => self.flights.add(&txn.batch, not_before).map(Vote::Yes),
        }
    }

    /// Commits a prepared transaction at `at`, or else at the next version, and returns that version.
    ///
    /// # Errors
    /// [`ResolveError::UnknownTicket`]; [`ResolveError::VersionNotAbove`]: others committed meanwhile, the
    /// transaction is still in flight and wants a greater version; [`ResolveError::VersionsUsedUp`].
    pub fn confirm(&mut self, ticket: &Ticket, at: Option<Version>) -> Result<Version, ResolveError> {
        self.flights.holds(ticket)?;
        let commit = self.pick(at)?;
        let txn = self.flights.settle(ticket)?;
        self.write_all(&txn, commit);
        self.flights.recycle(txn);
        self.version = commit;
        Ok(commit)
    }

    /// Forgets a prepared transaction: it leaves no trace.
    ///
    /// # Errors
    /// [`ResolveError::UnknownTicket`].
    pub fn abort(&mut self, ticket: &Ticket) -> Result<(), ResolveError> {
        let txn = self.flights.settle(ticket)?;
        self.flights.recycle(txn);
        Ok(())
    }

    /// The number of transactions in flight.
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    fn write_all(&mut self, batch: &Batch, commit: Version) {
        self.write_chosen(batch, |_| true, commit);
    }

    fn write_chosen(&mut self, batch: &Batch, chosen: impl Fn(usize) -> bool, commit: Version) {
        self.order_for(batch);
        let stamp = self.stamp(commit);
        in_any_form!(&mut self.window, index => judge::write_chosen(index, batch, chosen, stamp));
    }

    /// Why each transaction of a batch may not commit, as far as the window goes. Records nothing.
    pub(super) fn check_all(&mut self, batch: &Batch, refusals: &mut Vec<Option<Verdict>>) {
        self.order_for(batch);
        let (window, rule, out) = self.rule();
        in_any_form!(window, index => judge::check(index, rule, batch, out, refusals));
    }

    /// Records the chosen transactions of a batch, which were checked, and promises `commit`.
    pub(super) fn record_chosen(&mut self, batch: &Batch, chosen: &[bool], commit: Version) {
        self.write_chosen(batch, |txn| chosen[txn], commit);
        self.version = commit;
    }

    /// Why one transaction of a batch may not commit, if all was written after its snapshot.
    pub(super) fn check_one(&mut self, batch: &Batch, txn: usize) -> Option<Verdict> {
        self.order_for(batch);
        let judged = Txn::of(batch, txn).at(self.floor);
        let (window, rule, _) = self.rule();
        let rule = Rule { floor: Version::MIN, ..rule };
        in_any_form!(window, index => judged.refusal(index, rule))
    }

    /// Records one transaction of a batch.
    pub(super) fn record_one(&mut self, batch: &Batch, txn: usize, commit: Version) {
        let stamp = self.stamp(commit);
        in_any_form!(&mut self.window, index => judge::write_one(index, batch, txn, stamp));
    }
}
