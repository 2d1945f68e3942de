//! `snapshot-isolation`: reads from a snapshot; of two blind writers of a key only the first
//! commits.

use super::reads::{Misplaced, SHARED_KINDS, Shared, Stand};
use super::rivals::{self, Life, NO_CLASS, Rival};
use super::tally::{PairsOf, Sighting, Tally};
use crate::history::{Ends, Read, Timeline, Transactions, Version};
use crate::report::{Kind, Model, ModelReport};

/// Why the log cannot be judged, if so.
pub(super) fn needs(txns: &Transactions<'_>) -> Result<(), String> {
    super::needs::values(txns)?;
    if txns.assigned() {
        return Ok(());
    }
    super::needs::starts(txns)?;
    super::needs::commits_of_writers(txns)
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

    /// Judges the writers of one key; `apart` says that none of them ran into another.
    pub(super) fn writers(&mut self, versions: &[Version], apart: bool) {
        self.misplaced.restart();
        if apart {
            return;
        }
        let rival = |v: &Version| Rival { life: Life { ticks: v.ends }, class: NO_CLASS, row: v.row };
        let mut desk = PairsOf { tally: &mut self.tally, kind: Kind::LostUpdate };
        rivals::judge(&mut desk, &versions.iter().map(rival), 0);
    }

    /// Judges one read of the key, by a transaction with those ends.
    pub(super) fn read(&mut self, among: (&Timeline, &[Version]), read: &Read, ends: &Ends) {
        self.misplaced.judge(&mut self.tally, among, (read, ends), Stand::Snapshot);
    }

    /// Judges one committed transaction.
    pub(super) fn txn(&mut self, txn: u32) {
        let txns = self.tally.txns;
        let [start, _, _, commit] = txns.ends(self.tally.clock, txn);
        if commit < start {
            self.tally.see(Sighting::of(Kind::CommitBeforeStart, &[txns.log.txns.first_row(txn)]));
        }
    }

    /// Takes over what another room found.
    pub(super) fn merge(&mut self, other: Room<'_>) {
        self.tally.merge(other.tally);
    }

    /// The report, with what models of reads share.
    pub(super) fn report(&self, shared: &Shared<'_>) -> ModelReport {
        let own = [Kind::LostUpdate, Kind::FutureRead, Kind::StaleRead, Kind::CommitBeforeStart];
        let model = Model::SnapshotIsolation;
        let found = self.tally.found(model).and(shared.tally.found(model));
        found.report(shared.facts(), &[&own[..], &SHARED_KINDS].concat())
    }
}
