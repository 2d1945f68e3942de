//! The rule, applied to a batch in array order.

use super::Version;
use super::ahead::{Ahead, Foreseen, GROUP};
use super::batch::{Access, Batch, Keyed, split_keyspace};
use super::flight::Flights;
use super::hashes::Hashes;
use super::index::{Index, Purpose};
use super::stamps::{Stamp, Stamps};
use super::verdict::{Cause, Checked, Verdict};

/// What so many writes owe to the sweep, the next call may pay.
const FEW_WRITES: usize = 4;

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
    pub(super) stamps: &'a Stamps,
    /// Hashes of the batch, if they were taken before.
    pub(super) hashes: Option<&'a Hashes>,
}

/// Room for hints, verdicts and explanations that is used again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    ahead: Ahead,
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
        let newest = |keyed: Keyed<'_>, key: &mut Vec<u8>| {
            rule.stamps.version(index.newest(keyed, key)).unwrap_or(Version::MIN)
        };
        self.note(txn, |key| of.explain(newest, rule.checked, (cause, range_index), key));
    }
}

/// Judges all transactions of a batch in order, and notes the writes of those that commit, all at one version.
pub(super) fn judge(
    index: &mut impl Index,
    rule: Rule<'_>,
    batch: &Batch,
    (commit, stamp): (Version, Stamp),
    out: &mut Scratch,
) {
    out.clear();
    if batch.len() == 1 {
        return judge_alone(index, rule, batch, (commit, stamp), out);
    }
    out.verdicts.reserve(batch.len());
    out.ahead.begin(index, rule, batch);
    let mut at = (0, 0);
    for txn in 0..batch.len() {
        if txn.is_multiple_of(GROUP) {
            index.sweep();
            out.ahead.step(index, rule, batch, txn);
        }
        let judged = Txn::starting(batch, txn, at);
        at = judged.ends;
        settle(index, rule, (txn, &judged), (commit, stamp), out);
    }
    index.sweep();
}

/// As `judge`, of a batch of one transaction: there is nothing to look ahead to.
#[inline(never)]
fn judge_alone(
    index: &mut impl Index,
    rule: Rule<'_>,
    batch: &Batch,
    commit: (Version, Stamp),
    out: &mut Scratch,
) {
    out.ahead.alone(index, rule, batch);
    // What earlier calls left to do, while that is on its way which this one will touch.
    index.sweep();
    settle(index, rule, (0, &Txn::of(batch, 0)), commit, out);
    if batch.writes().len() > FEW_WRITES {
        // Who writes much pays for it, and not who comes next.
        index.sweep();
    }
}

/// Judges one transaction, and notes its writes if it commits.
#[expect(
    clippy::inline_always,
    reason = "batches are judged in one loop, which a call would slow by a tenth"
)]
#[inline(always)]
fn settle(
    index: &mut impl Index,
    rule: Rule<'_>,
    (txn, judged): (usize, &Txn<'_>),
    (commit, stamp): (Version, Stamp),
    out: &mut Scratch,
) {
    let foreseen = out.ahead.of(txn, judged.starts);
    let Some(refusal) = judged.judge(index, rule, foreseen) else {
        for (access, hint) in judged.writes.iter().zip(foreseen.writes) {
            index.write(*hint, judged.batch.keyed(*access), stamp);
        }
        return out.verdicts.push(Verdict::Commit(commit));
    };
    out.verdicts.push(refusal);
    if judged.batch.txns()[txn].explain {
        out.explain(txn, judged, index, rule, refusal);
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
    out.ahead.begin(index, rule, batch);
    for txn in 0..batch.len() {
        if txn.is_multiple_of(GROUP) {
            out.ahead.step(index, rule, batch, txn);
        }
        let foreseen = out.ahead.of(txn, batch.starts(txn));
        refusals.push(Txn::of(batch, txn).judge(index, rule, foreseen));
    }
}

/// Notes the writes of the chosen transactions of a batch.
pub(super) fn write_chosen(
    index: &mut impl Index,
    batch: &Batch,
    chosen: impl Fn(usize) -> bool,
    stamp: Stamp,
) {
    (0..batch.len()).filter(|txn| chosen(*txn)).for_each(|txn| write_one(index, batch, txn, stamp));
}

/// Notes the writes of one transaction of a batch.
pub(super) fn write_one(index: &mut impl Index, batch: &Batch, txn: usize, stamp: Stamp) {
    for access in batch.writes_of(txn) {
        index.begin();
        let keyed = batch.keyed(*access);
        let aim = index.aim(keyed);
        let hint = index.hint(aim, keyed, Purpose::Write);
        index.write(hint, keyed, stamp);
    }
    index.sweep();
}

/// One transaction of a batch.
pub(super) struct Txn<'a> {
    snapshot: Version,
    starts: (usize, usize),
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
            starts,
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
        let shown = rule.stamps.shown(self.snapshot);
        self.judge_by(rule, |accesses, _| {
            accesses.iter().position(|access| {
                index.begin();
                let keyed = self.batch.keyed(*access);
                let aim = index.aim(keyed);
                let hint = index.hint(aim, keyed, Purpose::Check(shown));
                index.newer(hint, keyed, shown)
            })
        })
    }

    #[inline]
    fn judge(&self, index: &impl Index, rule: Rule<'_>, foreseen: Foreseen<'_>) -> Option<Verdict> {
        self.judge_by(rule, |accesses, cause| {
            let hints = if cause == Cause::Read { foreseen.reads } else { foreseen.writes };
            let newer = |(access, hint): (&Access, &u64)| {
                index.newer(*hint, self.batch.keyed(*access), foreseen.shown)
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
        let (reads, writes) = (rule.checked.reads(), rule.checked.writes());
        for (is_checked, accesses, cause) in
            [(reads, self.reads, Cause::Read), (writes, self.writes, Cause::Write)]
        {
            if is_checked && let Some(at) = newer(accesses, cause) {
                return Some(conflict(cause, at));
            }
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
