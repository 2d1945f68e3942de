//! The rule, applied to a batch in array order.

use super::Version;
use super::batch::{Access, Batch, Keyed, split_keyspace};
use super::flight::Flights;
use super::hashes::Hashes;
use super::index::{Index, Purpose};
use super::verdict::{Cause, Checked, Verdict};

/// Transactions whose look-ups are fetched from memory together.
const GROUP: usize = 16;

/// What a conflict was with, for transactions that asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail {
    txn: usize,
    version: Option<Version>,
    /// Where its key ends in the bytes of all; it begins where that of the one before ends.
    end: usize,
}

/// What verdicts depend on beside the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) checked: Checked,
    pub(super) floor: Version,
    pub(super) flights: &'a Flights,
    /// Hashes of the batch, if they were taken before.
    pub(super) hashes: Option<&'a Hashes>,
}

/// Room for hints, verdicts and explanations that is used again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    reads: Vec<u64>,
    writes: Vec<u64>,
    pub(super) verdicts: Vec<Verdict>,
    details: Vec<Detail>,
    detail_keys: Vec<u8>,
}

impl Scratch {
    /// What a transaction conflicted with: version, keyspace and key.
    pub(super) fn detail(&self, txn: usize) -> Option<(Option<Version>, u32, &[u8])> {
        let at = self.details.binary_search_by_key(&txn, |detail| detail.txn).ok()?;
        let start = at.checked_sub(1).map_or(0, |before| self.details[before].end);
        let (keyspace, key) = split_keyspace(&self.detail_keys[start..self.details[at].end]);
        Some((self.details[at].version, keyspace, key))
    }

    /// Notes what a transaction conflicted with: `tell` appends the key, and gives the version.
    pub(super) fn note(&mut self, txn: usize, tell: impl FnOnce(&mut Vec<u8>) -> Option<Version>) {
        let version = tell(&mut self.detail_keys);
        self.details.push(Detail { txn, version, end: self.detail_keys.len() });
    }

    pub(super) fn clear(&mut self) {
        self.verdicts.clear();
        self.details.clear();
        self.detail_keys.clear();
    }

    #[cold]
    fn explain(&mut self, txn: usize, of: &Txn<'_>, index: &impl Index, rule: Rule<'_>, refusal: Verdict) {
        let Verdict::Conflict { cause, range_index } = refusal else { return };
        self.note(txn, |key| {
            of.explain(|keyed, key| index.newest(keyed, key), rule.checked, (cause, range_index), key)
        });
    }
}

/// Judges all transactions of a batch in order, and notes the writes of those that commit at `commit`.
pub(super) fn judge(
    index: &mut impl Index,
    rule: Rule<'_>,
    batch: &Batch,
    commit: Version,
    out: &mut Scratch,
) {
    out.clear();
    out.verdicts.reserve(batch.len());
    for first in (0..batch.len()).step_by(GROUP) {
        let behind = batch.len().min(first + GROUP);
        look_ahead(index, rule, batch, first..behind, out);
        let start = batch.starts(first);
        let mut at = start;
        for txn in first..behind {
            let judged = Txn::starting(batch, txn, at);
            let hints = Hints::of(out, start, at);
            at = judged.ends;
            let Some(refusal) = judged.judge(index, rule, hints) else {
                for (access, hint) in judged.writes.iter().zip(hints.writes) {
                    index.write(*hint, batch.keyed(*access), commit);
                }
                out.verdicts.push(Verdict::Commit(commit));
                continue;
            };
            out.verdicts.push(refusal);
            if batch.txns()[txn].explain {
                out.explain(txn, &judged, index, rule, refusal);
            }
        }
        index.sweep();
    }
}

/// Judges all transactions of a batch against the window alone, and notes nothing.
pub(super) fn check(
    index: &mut impl Index,
    rule: Rule<'_>,
    batch: &Batch,
    out: &mut Scratch,
    refusals: &mut Vec<Option<Verdict>>,
) {
    refusals.clear();
    for first in (0..batch.len()).step_by(GROUP) {
        let behind = batch.len().min(first + GROUP);
        look_ahead(index, rule, batch, first..behind, out);
        let start = batch.starts(first);
        for txn in first..behind {
            let judged = Txn::of(batch, txn);
            refusals.push(judged.judge(index, rule, Hints::of(out, start, batch.starts(txn))));
        }
    }
}

/// Notes the writes of the chosen transactions of a batch.
pub(super) fn write_chosen(
    index: &mut impl Index,
    batch: &Batch,
    chosen: impl Fn(usize) -> bool,
    commit: Version,
) {
    (0..batch.len()).filter(|txn| chosen(*txn)).for_each(|txn| write_one(index, batch, txn, commit));
}

/// Notes the writes of one transaction of a batch.
pub(super) fn write_one(index: &mut impl Index, batch: &Batch, txn: usize, commit: Version) {
    for access in batch.writes_of(txn) {
        index.begin();
        let keyed = batch.keyed(*access);
        let aim = index.aim(keyed, true);
        let hint = index.hint(aim, keyed, Purpose::Write);
        index.write(hint, keyed, commit);
    }
    index.sweep();
}

/// Takes the hints of a group, so that what it will look at is on its way before it is needed.
#[inline]
fn look_ahead<I: Index>(
    index: &mut I,
    rule: Rule<'_>,
    batch: &Batch,
    group: std::ops::Range<usize>,
    out: &mut Scratch,
) {
    index.begin();
    out.reads.clear();
    out.writes.clear();
    let (start, end) = (batch.starts(group.start), batch.starts(group.end));
    let checks_reads = rule.checked.reads();
    if let Some(hashes) = rule.hashes.filter(|hashes| index.knows(hashes)) {
        if checks_reads {
            out.reads.extend_from_slice(&hashes.reads[start.0..end.0]);
        }
        out.writes.extend_from_slice(&hashes.writes[start.1..end.1]);
        out.reads.iter().for_each(|hash| index.fetch(*hash, false));
        out.writes.iter().for_each(|hash| index.fetch(*hash, true));
        return;
    }
    let reads = if checks_reads { &batch.reads()[start.0..end.0] } else { &[] };
    let writes = &batch.writes()[start.1..end.1];
    for access in reads {
        out.reads.push(index.aim(batch.keyed(*access), false));
    }
    for access in writes {
        out.writes.push(index.aim(batch.keyed(*access), true));
    }
    if !I::HAS_HINTS {
        return;
    }
    for txn in group {
        let snapshot = batch.txns()[txn].snapshot;
        let (from, to) = (batch.starts(txn), batch.starts(txn + 1));
        if checks_reads {
            let hints = &mut out.reads[from.0 - start.0..to.0 - start.0];
            for (access, hint) in batch.reads()[from.0..to.0].iter().zip(hints) {
                *hint = index.hint(*hint, batch.keyed(*access), Purpose::Check(snapshot));
            }
        }
        let hints = &mut out.writes[from.1 - start.1..to.1 - start.1];
        for (access, hint) in batch.writes()[from.1..to.1].iter().zip(hints) {
            *hint = index.hint(*hint, batch.keyed(*access), Purpose::Write);
        }
    }
}

#[derive(Clone, Copy)]
struct Hints<'a> {
    reads: &'a [u64],
    writes: &'a [u64],
}

impl<'a> Hints<'a> {
    /// Those from a transaction's first accesses on, given where its group's begin.
    #[inline]
    fn of(out: &'a Scratch, group: (usize, usize), txn: (usize, usize)) -> Self {
        let reads = out.reads.get(txn.0 - group.0..).unwrap_or_default();
        Self { reads, writes: &out.writes[txn.1 - group.1..] }
    }
}

/// One transaction of a batch.
pub(super) struct Txn<'a> {
    snapshot: Version,
    ends: (usize, usize),
    reads: &'a [Access],
    writes: &'a [Access],
    batch: &'a Batch,
}

impl<'a> Txn<'a> {
    #[inline]
    pub(super) fn of(batch: &'a Batch, txn: usize) -> Self {
        Self::starting(batch, txn, batch.starts(txn))
    }

    /// As `of`, where it is known where its accesses begin.
    #[inline]
    fn starting(batch: &'a Batch, txn: usize, starts: (usize, usize)) -> Self {
        let ends = batch.starts(txn + 1);
        Self {
            snapshot: batch.txns()[txn].snapshot,
            ends,
            reads: &batch.reads()[starts.0..ends.0],
            writes: &batch.writes()[starts.1..ends.1],
            batch,
        }
    }

    /// The same transaction with another snapshot.
    pub(super) fn at(self, snapshot: Version) -> Self {
        Self { snapshot, ..self }
    }

    /// Why the transaction may not commit; `None` if it may. No hints are at hand.
    pub(super) fn refusal(&self, index: &mut impl Index, rule: Rule<'_>) -> Option<Verdict> {
        self.judge_by(rule, |accesses, _| {
            accesses.iter().position(|access| {
                index.begin();
                let keyed = self.batch.keyed(*access);
                let aim = index.aim(keyed, false);
                let hint = index.hint(aim, keyed, Purpose::Check(self.snapshot));
                index.newer(hint, keyed, self.snapshot)
            })
        })
    }

    #[inline]
    fn judge(&self, index: &impl Index, rule: Rule<'_>, hints: Hints<'_>) -> Option<Verdict> {
        self.judge_by(rule, |accesses, cause| {
            let hints = if cause == Cause::Read { hints.reads } else { hints.writes };
            let newer = |(access, hint): (&Access, &u64)| {
                index.newer(*hint, self.batch.keyed(*access), self.snapshot)
            };
            accesses.iter().zip(hints).position(newer)
        })
    }

    /// The rule; `newer` gives the first of some accesses that was written after the snapshot.
    #[inline]
    fn judge_by(
        &self,
        rule: Rule<'_>,
        mut newer: impl FnMut(&[Access], Cause) -> Option<usize>,
    ) -> Option<Verdict> {
        if self.snapshot < rule.floor && self.covers_any(rule.checked) {
            return Some(Verdict::TooOld);
        }
        let conflict = |cause, at| Verdict::Conflict { cause, range_index: at as u32 };
        if rule.checked.reads()
            && let Some(at) = newer(self.reads, Cause::Read)
        {
            return Some(conflict(Cause::Read, at));
        }
        if rule.checked.writes()
            && let Some(at) = newer(self.writes, Cause::Write)
        {
            return Some(conflict(Cause::Write, at));
        }
        rule.flights.conflict(rule.checked, self.batch, self.reads, self.writes)
    }

    fn covers_any(&self, checked: Checked) -> bool {
        let any = |accesses: &[Access]| accesses.iter().any(|a| self.batch.keyed(*a) != Keyed::Nothing);
        (checked.reads() && any(self.reads)) || (checked.writes() && any(self.writes))
    }

    /// The version that an access conflicts with, `None` if what is in the way is in flight; the key is
    /// appended to `key`.
    pub(super) fn explain(
        &self,
        newest: impl FnOnce(Keyed<'_>, &mut Vec<u8>) -> Version,
        checked: Checked,
        (cause, range_index): (Cause, u32),
        key: &mut Vec<u8>,
    ) -> Option<Version> {
        let (accesses, checked) = match cause {
            Cause::Read => (self.reads, checked.reads()),
            Cause::Write => (self.writes, checked.writes()),
        };
        let keyed = self.batch.keyed(accesses[range_index as usize]);
        let before = key.len();
        let version = newest(keyed, key);
        if checked && version > self.snapshot {
            return Some(version);
        }
        key.truncate(before);
        match keyed {
            Keyed::Nothing => {}
            Keyed::Point(only) => key.extend_from_slice(only),
            Keyed::Range(range) => key.extend_from_slice(range.start),
        }
        None
    }
}
