//! The rule, applied to a batch in array order.

use super::Version;
use super::batch::{Access, Batch, Header, Keyed, split_keyspace};
use super::flight::Flights;
use super::index::Index;
use super::verdict::{Cause, Checked, Verdict};

/// Transactions whose look-ups are fetched from memory together.
const GROUP: usize = 16;

/// What a conflict was with, for transactions that asked.
#[derive(Debug, Clone)]
pub(super) struct Detail {
    pub(super) txn: usize,
    pub(super) version: Option<Version>,
    pub(super) key: Vec<u8>,
}

/// What verdicts depend on beside the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) checked: Checked,
    pub(super) floor: Version,
    pub(super) flights: &'a Flights,
}

/// Room for hints, verdicts and explanations that is used again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    reads: Vec<u32>,
    writes: Vec<u32>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) details: Vec<Detail>,
}

/// Judges all transactions of a batch in order, and notes the writes of those that commit at `commit`.
pub(super) fn judge(
    index: &mut impl Index,
    rule: Rule<'_>,
    batch: &Batch,
    commit: Version,
    out: &mut Scratch,
) {
    out.verdicts.clear();
    out.details.clear();
    for first in (0..batch.len()).step_by(GROUP) {
        let group = &batch.txns()[first..batch.len().min(first + GROUP)];
        let (mut read, mut write) = batch.starts(first);
        look_ahead(index, rule.checked, batch, (read, write), group, out);
        let (first_read, first_write) = (read, write);
        for (txn, header) in (first..).zip(group) {
            let reads = read..header.reads_end as usize;
            let writes = write..header.writes_end as usize;
            (read, write) = (reads.end, writes.end);
            let hints = Hints {
                reads: out.reads.get(reads.start - first_read..).unwrap_or_default(),
                writes: &out.writes[writes.start - first_write..],
            };
            let txn_of = Txn {
                snapshot: header.snapshot,
                reads: &batch.reads()[reads],
                writes: &batch.writes()[writes],
                batch,
            };
            let verdict = txn_of.judge(index, rule, hints);
            match verdict {
                None => {
                    for (access, hint) in txn_of.writes.iter().zip(hints.writes) {
                        index.write(*hint, batch.keyed(*access), commit);
                    }
                    out.verdicts.push(Verdict::Commit(commit));
                }
                Some(refusal) => {
                    out.verdicts.push(refusal);
                    if header.explain {
                        out.details.extend(txn_of.explain(index, rule, txn, refusal));
                    }
                }
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
        let group = first..batch.len().min(first + GROUP);
        let begins = batch.starts(first);
        look_ahead(index, rule.checked, batch, begins, &batch.txns()[group.clone()], out);
        for txn in group {
            let (read, write) = batch.starts(txn);
            let hints = Hints {
                reads: out.reads.get(read - begins.0..).unwrap_or_default(),
                writes: &out.writes[write - begins.1..],
            };
            refusals.push(Txn::of(batch, txn).judge(index, rule, hints));
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
        let hint = index.hint(aim, keyed, true);
        index.write(hint, keyed, commit);
    }
    index.sweep();
}

/// Takes the hints of a group, so that what it will look at is on its way before it is needed.
#[inline]
fn look_ahead(
    index: &mut impl Index,
    checked: Checked,
    batch: &Batch,
    (read, write): (usize, usize),
    group: &[Header],
    out: &mut Scratch,
) {
    index.begin();
    out.reads.clear();
    out.writes.clear();
    let Some(last) = group.last() else { return };
    let reads = if checked.reads() { &batch.reads()[read..last.reads_end as usize] } else { &[] };
    let writes = &batch.writes()[write..last.writes_end as usize];
    out.reads.extend(reads.iter().map(|access| index.aim(batch.keyed(*access), false)));
    out.writes.extend(writes.iter().map(|access| index.aim(batch.keyed(*access), true)));
    for (access, hint) in reads.iter().zip(&mut out.reads) {
        *hint = index.hint(*hint, batch.keyed(*access), false);
    }
    for (access, hint) in writes.iter().zip(&mut out.writes) {
        *hint = index.hint(*hint, batch.keyed(*access), true);
    }
}

#[derive(Clone, Copy)]
struct Hints<'a> {
    reads: &'a [u32],
    writes: &'a [u32],
}

/// One transaction of a batch.
pub(super) struct Txn<'a> {
    snapshot: Version,
    reads: &'a [Access],
    writes: &'a [Access],
    batch: &'a Batch,
}

impl<'a> Txn<'a> {
    pub(super) fn of(batch: &'a Batch, txn: usize) -> Self {
        Self {
            snapshot: batch.txns()[txn].snapshot,
            reads: batch.reads_of(txn),
            writes: batch.writes_of(txn),
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
                let hint = index.hint(aim, keyed, false);
                index.newer(hint, keyed, self.snapshot)
            })
        })
    }

    #[inline]
    fn judge(&self, index: &impl Index, rule: Rule<'_>, hints: Hints<'_>) -> Option<Verdict> {
        self.judge_by(rule, |accesses, cause| {
            let hints = if cause == Cause::Read { hints.reads } else { hints.writes };
            let newer = |(access, hint): (&Access, &u32)| {
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
        if self.snapshot < rule.floor {
            return self.covers_any(rule.checked).then_some(Verdict::TooOld);
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

    fn explain(&self, index: &impl Index, rule: Rule<'_>, txn: usize, refusal: Verdict) -> Option<Detail> {
        let Verdict::Conflict { cause, range_index } = refusal else { return None };
        let accesses = if cause == Cause::Read { self.reads } else { self.writes };
        let keyed = self.batch.keyed(accesses[range_index as usize]);
        let checked = match cause {
            Cause::Read => rule.checked.reads(),
            Cause::Write => rule.checked.writes(),
        };
        let (version, key) = index.newest(keyed);
        if checked && version > self.snapshot {
            return Some(Detail { txn, version: Some(version), key: key.to_vec() });
        }
        let start = match keyed {
            Keyed::Nothing => return None,
            Keyed::Point(key) | Keyed::Range(key, _) => key,
        };
        Some(Detail { txn, version: None, key: start.to_vec() })
    }
}

impl Detail {
    pub(super) fn keyspace_and_key(&self) -> (u32, &[u8]) {
        split_keyspace(&self.key)
    }
}
