//! `serializable`: as if transactions had run one after the other, in commit order.

use super::reads::{Misplaced, SHARED_KINDS, Shared, Stand};
use super::tally::{Found, Tally};
use crate::history::{Ends, Read, Timeline, Transactions, Version};
use crate::report::{Kind, Model, ModelReport};

/// The kinds that are found.
pub(super) const KINDS: [Kind; 9] = {
    let [a, b, c, d, e, f, g] = SHARED_KINDS;
    [Kind::FutureRead, Kind::StaleRead, a, b, c, d, e, f, g]
};

/// Why the log cannot be judged, if so.
pub(super) fn needs(txns: &Transactions<'_>) -> Result<(), String> {
    super::needs::values(txns)?;
    super::needs::reads(txns)?;
    if txns.assigned() {
        return Ok(());
    }
    super::needs::commits(txns)
}

/// What is found.
#[derive(Debug)]
pub(super) struct Room<'a> {
    tally: Tally<'a>,
    misplaced: Misplaced,
}

impl<'a> Room<'a> {
    pub(super) fn new(tally: Tally<'a>) -> Self {
        Room { tally, misplaced: Misplaced::default() }
    }

    /// Begins a new key.
    pub(super) fn restart(&mut self) {
        self.misplaced.restart();
    }

    /// Judges one read of the key, by a transaction with those ends.
    pub(super) fn read(&mut self, among: (&Timeline, &[Version]), read: &Read, ends: &Ends) {
        let (txns, clock) = (self.tally.txns, self.tally.clock);
        // A transaction that wrote nothing stands at its snapshot, if it has one.
        let at_snapshot = !txns.wrote(read.txn) && txns.has_start(clock, read.txn);
        let stand = if at_snapshot { Stand::Snapshot } else { Stand::Commit };
        self.misplaced.judge(&mut self.tally, among, (read, ends), stand);
    }

    /// Takes over what another room found.
    pub(super) fn merge(&mut self, other: Room<'_>) {
        self.tally.merge(other.tally);
    }

    /// What was found, with what models of reads share, as findings of `model`.
    pub(super) fn found(&self, shared: &Shared<'_>, model: Model) -> Found {
        self.tally.found(model).and(shared.tally.found(model))
    }

    /// The report.
    pub(super) fn report(&self, shared: &Shared<'_>) -> ModelReport {
        self.found(shared, Model::Serializable).report(shared.facts(), &KINDS)
    }
}
