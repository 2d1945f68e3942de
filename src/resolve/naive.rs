//! What the resolver means: a list of transactions. The oracle of tests and of fuzzing.
//!
//! Hidden from the documentation and not meant for use: every check reads the whole window.

use std::ops::Bound;

use super::{Cause, Checked, Verdict, Version};

/// A keyspace and the bounds of a range in it.
pub type Bounds = (u32, Bound<Vec<u8>>, Bound<Vec<u8>>);

/// A transaction as it was handed in.
#[derive(Debug, Clone, Default)]
pub struct NaiveTxn {
    /// The version at which it read.
    pub snapshot: Version,
    /// What it read.
    pub reads: Vec<Bounds>,
    /// What it writes.
    pub writes: Vec<Bounds>,
}

/// The same answers as [`Resolver`](super::Resolver), from the definition.
#[derive(Debug, Clone)]
pub struct Naive {
    checked: Checked,
    floor: Version,
    committed: Vec<(Version, Bounds)>,
    flights: Vec<NaiveTxn>,
}

/// Whether both ranges hold a key in common, and if so the least one.
fn least_common(a: &Bounds, b: &Bounds) -> Option<Vec<u8>> {
    let start = |bound: &Bound<Vec<u8>>| match bound {
        Bound::Included(key) => key.clone(),
        Bound::Excluded(key) => [&key[..], &[0]].concat(),
        Bound::Unbounded => Vec::new(),
    };
    // The least key at or above both starts: if any key is in both, this one is.
    let key = start(&a.1).max(start(&b.1));
    let below = |bound: &Bound<Vec<u8>>| match bound {
        Bound::Included(end) => key <= *end,
        Bound::Excluded(end) => key < *end,
        Bound::Unbounded => true,
    };
    (a.0 == b.0 && below(&a.2) && below(&b.2)).then_some(key)
}

fn overlap(a: &Bounds, b: &Bounds) -> bool {
    least_common(a, b).is_some()
}

impl Naive {
    /// As [`Resolver::recover`](super::Resolver::recover).
    pub fn new(checked: Checked, floor: Version) -> Self {
        Self { checked, floor, committed: Vec::new(), flights: Vec::new() }
    }

    /// As [`Resolver::forget_before`](super::Resolver::forget_before).
    pub fn forget_before(&mut self, floor: Version) {
        self.floor = floor;
        self.committed.retain(|(version, _)| *version > floor);
    }

    fn checked_of(&self, txn: &NaiveTxn) -> Vec<(Cause, u32, Bounds)> {
        let list = |cause, accesses: &[Bounds]| {
            (0..).zip(accesses.to_vec()).map(move |(at, access)| (cause, at, access)).collect::<Vec<_>>()
        };
        let mut all = Vec::new();
        if self.checked != Checked::SnapshotIsolation {
            all.extend(list(Cause::Read, &txn.reads));
        }
        if self.checked != Checked::Serializable {
            all.extend(list(Cause::Write, &txn.writes));
        }
        all
    }

    /// Why a transaction may not commit.
    pub fn refusal(&self, txn: &NaiveTxn) -> Option<Verdict> {
        let checked = self.checked_of(txn);
        if txn.snapshot < self.floor && checked.iter().any(|(.., a)| overlap(a, a)) {
            return Some(Verdict::TooOld);
        }
        let newer = |access: &Bounds| {
            self.committed
                .iter()
                .any(|(version, written)| *version > txn.snapshot && overlap(access, written))
        };
        if let Some((cause, at, _)) = checked.iter().find(|(.., access)| newer(access)) {
            return Some(Verdict::Conflict { cause: *cause, range_index: *at });
        }
        self.flight_refusal(txn, &checked)
    }

    fn flight_refusal(&self, txn: &NaiveTxn, checked: &[(Cause, u32, Bounds)]) -> Option<Verdict> {
        let reads = self.checked != Checked::SnapshotIsolation;
        let held = |access: &Bounds, as_write: bool| {
            self.flights.iter().any(|flight| {
                let by_write = flight.writes.iter().any(|w| overlap(access, w));
                let by_read = as_write && reads && flight.reads.iter().any(|r| overlap(access, r));
                let counts = !as_write || self.checked != Checked::Serializable;
                (counts && by_write) || by_read
            })
        };
        let by_read = checked.iter().filter(|c| c.0 == Cause::Read).find(|(.., a)| held(a, false));
        if let Some((cause, at, _)) = by_read {
            return Some(Verdict::Conflict { cause: *cause, range_index: *at });
        }
        let at = txn.writes.iter().position(|w| held(w, true))?;
        Some(Verdict::Conflict { cause: Cause::Write, range_index: at as u32 })
    }

    /// Judges one transaction and notes its writes if it commits.
    pub fn commit(&mut self, txn: &NaiveTxn, commit: Version) -> Verdict {
        if let Some(refusal) = self.refusal(txn) {
            return refusal;
        }
        self.write(txn, commit);
        Verdict::Commit(commit)
    }

    /// Notes the writes of a transaction.
    pub fn write(&mut self, txn: &NaiveTxn, commit: Version) {
        self.committed.extend(txn.writes.iter().map(|w| (commit, w.clone())));
    }

    /// As [`Resolver::record`](super::Resolver::record).
    pub fn record(&mut self, txn: &NaiveTxn, commit: Version) -> Verdict {
        if let Some(refusal) = self.flight_refusal(txn, &[]) {
            return refusal;
        }
        self.write(txn, commit);
        Verdict::Commit(commit)
    }

    /// Takes a checked transaction in flight.
    pub fn take_off(&mut self, txn: NaiveTxn) {
        self.flights.push(txn);
    }

    /// Takes the transaction out of flight that is `at`-th there.
    pub fn land(&mut self, at: usize) -> NaiveTxn {
        self.flights.swap_remove(at)
    }

    /// The newest version in a conflicting access, its keyspace, and the least key that has it.
    pub fn explain(&self, txn: &NaiveTxn, cause: Cause, at: u32) -> Option<(Version, u32, Vec<u8>)> {
        let unchecked = if cause == Cause::Read { Checked::SnapshotIsolation } else { Checked::Serializable };
        if self.checked == unchecked {
            return None;
        }
        let accesses = if cause == Cause::Read { &txn.reads } else { &txn.writes };
        let access = &accesses[at as usize];
        let newer = self.committed.iter().filter(|(version, _)| *version > txn.snapshot);
        newer
            .filter_map(|(version, written)| Some((*version, access.0, least_common(access, written)?)))
            .min_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.cmp(&b.2)))
    }
}
