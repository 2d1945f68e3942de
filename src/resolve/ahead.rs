//! What the next transactions will touch, on its way from memory while earlier ones are judged.
//!
//! Transactions take three steps, a group at a time. They are aimed: where will they look, roughly? One group later
//! hinted: where exactly? What is there is asked for. And one group later judged. So memory is asked at the pace at which
//! transactions are judged, and no step waits for what the one before it has just asked for.

use super::Version;
use super::batch::Batch;
use super::index::{Index, Purpose};
use super::judge::Rule;
use super::stamps::Stamp;

/// Transactions that take a step together. Few: what is asked for at once waits for its turn, while nothing is judged.
pub(super) const GROUP: usize = 4;

/// The aims of a batch's accesses, and, of the first ones, the hints. Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    reads: Vec<u64>,
    writes: Vec<u64>,
    /// Of transactions that were hinted: what their snapshots show.
    shown: Vec<Stamp>,
    /// The last snapshot that was asked for, and what it shows: that of most transactions of a batch.
    last: Option<(Version, Stamp)>,
    /// Transactions that were aimed, and those that were hinted.
    aimed: usize,
    hinted: usize,
}

/// What is known of a transaction before it is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Foreseen<'a> {
    /// Hints, from its first read and write on.
    pub(super) reads: &'a [u64],
    pub(super) writes: &'a [u64],
    /// What its snapshot shows.
    pub(super) shown: Stamp,
}

impl Ahead {
    /// Begins a batch.
    #[inline]
    pub(super) fn begin(&mut self, index: &impl Index, rule: Rule<'_>, batch: &Batch) {
        self.reads.clear();
        self.writes.clear();
        self.shown.clear();
        self.last = None;
        (self.aimed, self.hinted) = (0, 0);
        if let Some(hashes) = rule.hashes.filter(|hashes| index.knows(hashes)) {
            if rule.checked.reads() {
                self.reads.extend_from_slice(&hashes.reads);
            }
            self.writes.extend_from_slice(&hashes.writes);
            self.aimed = batch.len();
        }
    }

    /// Takes the steps that are due before the group of transactions from `first` on is judged.
    #[inline]
    pub(super) fn step(&mut self, index: &mut impl Index, rule: Rule<'_>, batch: &Batch, first: usize) {
        index.begin();
        self.aim(index, rule, batch, batch.len().min(first + 3 * GROUP));
        self.hint(index, rule, batch, batch.len().min(first + 2 * GROUP));
        if index.foresees() {
            self.foresee(index, batch, first);
        }
    }

    /// Looks at what was fetched for the group that is judged next.
    #[inline(never)]
    fn foresee(&self, index: &impl Index, batch: &Batch, first: usize) {
        let (start, end) = (batch.starts(first), batch.starts(batch.len().min(first + GROUP)));
        // Where reads are not checked, none were hinted.
        let reads = self.reads.get(start.0..end.0).unwrap_or_default();
        let all = reads.iter().zip(&batch.reads()[start.0..end.0]);
        let writes = &self.writes[start.1..end.1];
        all.chain(writes.iter().zip(&batch.writes()[start.1..end.1]))
            .for_each(|(hint, access)| index.foresee(*hint, batch.keyed(*access)));
    }

    /// As `begin` and `step`, of a batch of one transaction.
    #[inline]
    pub(super) fn alone(&mut self, index: &mut impl Index, rule: Rule<'_>, batch: &Batch) {
        index.begin_alone();
        let shown = rule.stamps.shown(batch.txns()[0].snapshot);
        self.shown.clear();
        self.shown.push(shown);
        self.reads.clear();
        if rule.checked.reads() {
            self.reads.extend(batch.reads().iter().map(|access| index.aim(batch.keyed(*access))));
        }
        self.writes.clear();
        self.writes.extend(batch.writes().iter().map(|access| index.aim(batch.keyed(*access))));
        for (hint, access) in self.reads.iter_mut().zip(batch.reads()) {
            *hint = index.hint(*hint, batch.keyed(*access), Purpose::Check(shown));
        }
        for (hint, access) in self.writes.iter_mut().zip(batch.writes()) {
            *hint = index.hint(*hint, batch.keyed(*access), Purpose::Write);
        }
    }

    /// What is known of a transaction, given where its accesses begin.
    #[inline]
    pub(super) fn of(&self, txn: usize, (read, write): (usize, usize)) -> Foreseen<'_> {
        let reads = self.reads.get(read..).unwrap_or_default();
        Foreseen { reads, writes: &self.writes[write..], shown: self.shown[txn] }
    }

    #[inline]
    fn aim(&mut self, index: &impl Index, rule: Rule<'_>, batch: &Batch, until: usize) {
        if self.aimed >= until {
            return;
        }
        let (start, end) = (batch.starts(self.aimed), batch.starts(until));
        if rule.checked.reads() {
            let reads = &batch.reads()[start.0..end.0];
            self.reads.extend(reads.iter().map(|access| index.aim(batch.keyed(*access))));
        }
        let writes = &batch.writes()[start.1..end.1];
        self.writes.extend(writes.iter().map(|access| index.aim(batch.keyed(*access))));
        self.aimed = until;
    }

    #[inline]
    fn hint(&mut self, index: &impl Index, rule: Rule<'_>, batch: &Batch, until: usize) {
        let mut from = batch.starts(self.hinted);
        for txn in self.hinted..until {
            let to = batch.starts(txn + 1);
            let snapshot = batch.txns()[txn].snapshot;
            let shown = match self.last {
                Some((known, shown)) if known == snapshot => shown,
                _ => rule.stamps.shown(snapshot),
            };
            self.last = Some((snapshot, shown));
            self.shown.push(shown);
            if rule.checked.reads() {
                let purpose = Purpose::Check(shown);
                let reads = &mut self.reads[from.0..to.0];
                for (hint, access) in reads.iter_mut().zip(&batch.reads()[from.0..to.0]) {
                    *hint = index.hint(*hint, batch.keyed(*access), purpose);
                }
            }
            let writes = &mut self.writes[from.1..to.1];
            for (hint, access) in writes.iter_mut().zip(&batch.writes()[from.1..to.1]) {
                *hint = index.hint(*hint, batch.keyed(*access), Purpose::Write);
            }
            from = to;
        }
        self.hinted = until;
    }
}
