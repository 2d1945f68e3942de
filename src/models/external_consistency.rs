//! `external-consistency`: commit timestamps that the database assigned respect real time.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::names::by_tie_break;
use super::tally::{Sighting, Tally};
use crate::history::{Clock, Finger, Transactions};
use crate::memory::Budget;
use crate::report::{Certainty, Kind, Model, ModelReport};

/// Transactions that one task judges.
const STEP: usize = 1 << 14;

/// No transaction.
const NONE: u32 = u32::MAX;

/// Why the log cannot be judged, if so.
pub(super) fn needs(txns: &Transactions<'_>) -> Result<(), String> {
    let needs = &txns.needs;
    super::needs::all(txns, needs.without_stamp, "commit timestamp")?;
    super::needs::all(txns, needs.without_recorded_start, "recorded start bound")?;
    super::needs::all(txns, needs.without_recorded_commit, "recorded commit bound")
}

/// The report.
pub(super) fn report(inversions: &Tally<'_>, waits: &Tally<'_>) -> ModelReport {
    let model = Model::ExternalConsistency;
    let found = inversions.found(model).and(waits.found(model));
    found.report(BTreeMap::new(), &[Kind::TimestampInversion, Kind::CommitWait])
}

/// Transactions that were acknowledged before their commit timestamps had passed.
pub(super) fn waits<'a>(txns: &'a Transactions<'a>, limit: Option<usize>) -> Tally<'a> {
    spread(txns, limit, |tally, _, txn| {
        let [_, _, earliest, latest] = txns.ends(Clock::Bounds, txn);
        let stamp = txns.stamp(txn);
        if stamp >= earliest {
            let certainty = if latest < stamp { Certainty::Definite } else { Certainty::Possible };
            let parties = [txns.log.txns.first_row(txn)];
            tally.see(Sighting { certainty, ..Sighting::of(Kind::CommitWait, &parties) });
        }
    })
}

/// Transactions whose commit timestamp is not above that of one that committed before they
/// started: each with the one of the largest timestamp.
///
/// Cost: O(transactions log transactions), and 32 bytes for each of memory. Where the budget does not
/// hold that, time is cut into shares that it holds, and O(transactions) is paid for each.
pub(super) fn inversions<'a>(txns: &'a Transactions<'a>, limit: Option<usize>, budget: Budget) -> Tally<'a> {
    let mut sum = tally(txns, limit);
    let mut before = [NONE; 2];
    for share in shares(txns, budget) {
        let ended = Ended::of(txns, &share, before);
        sum.merge(spread(txns, limit, |tally, finger, txn| {
            let start = txns.ends(Clock::Bounds, txn)[0];
            if !share.has(start) {
                return;
            }
            let Some(earlier) = ended.greatest(finger, start, txn) else { return };
            if txns.stamp(earlier) >= txns.stamp(txn) {
                let parties = [earlier, txn].map(|t| txns.log.txns.first_row(t));
                tally.see(Sighting::of(Kind::TimestampInversion, &parties));
            }
        }));
        before = ended.last();
    }
    sum
}

/// A share of all time.
struct Share {
    /// The last tick before it; `None` at the beginning of time.
    after: Option<i64>,
    last: i64,
}

impl Share {
    fn has(&self, tick: i64) -> bool {
        self.after.is_none_or(|after| after < tick) && tick <= self.last
    }
}

/// Bytes of a transaction while those of a share are sorted.
const ENDED_BYTES: u64 = 32;

/// Ends that are looked at for each share: what a share holds hardly differs from the others then.
const SAMPLES: usize = 256;

/// All of time in shares in which as many transactions ended as the budget holds; in more if they all
/// ended in one tick.
fn shares(txns: &Transactions<'_>, budget: Budget) -> Vec<Share> {
    let bytes = txns.count() as u64 * ENDED_BYTES;
    let held = if budget.holds(bytes) { u64::MAX } else { budget.for_records().unwrap_or(u64::MAX).max(1) };
    let shares = bytes.div_ceil(held).clamp(1, 1 << 12) as usize;
    let step = (txns.count() / (shares * SAMPLES)).max(1);
    let sampled = (0..txns.count() as u32).step_by(step).filter(|&txn| shares > 1 && txns.committed(txn));
    let mut ends: Vec<i64> = sampled.map(|txn| txns.ends(Clock::Bounds, txn)[3]).collect();
    ends.sort_unstable();
    let mut cuts: Vec<i64> =
        (1..shares).filter_map(|share| ends.get(share * ends.len() / shares)).copied().collect();
    cuts.dedup();
    let afters = std::iter::once(None).chain(cuts.iter().map(|&cut| Some(cut)));
    let lasts = cuts.iter().copied().chain([i64::MAX]);
    afters.zip(lasts).map(|(after, last)| Share { after, last }).collect()
}

fn tally<'a>(txns: &'a Transactions<'a>, limit: Option<usize>) -> Tally<'a> {
    Tally::new(txns, Clock::Bounds, Model::ExternalConsistency, limit)
}

/// Judges every committed transaction; those that one task judges, one after the other, share a finger.
fn spread<'a>(
    txns: &'a Transactions<'a>,
    limit: Option<usize>,
    judge: impl Fn(&mut Tally<'a>, &mut Finger, u32) + Sync,
) -> Tally<'a> {
    let make = || tally(txns, limit);
    let step = |first: usize| {
        let (mut tally, mut finger) = (make(), Finger::default());
        let range: Range<u32> = first as u32..(first + STEP).min(txns.count()) as u32;
        range.filter(|&txn| txns.committed(txn)).for_each(|txn| judge(&mut tally, &mut finger, txn));
        tally
    };
    let steps: Vec<usize> = (0..txns.count()).step_by(STEP).collect();
    let sum = |mut a: Tally<'a>, b: Tally<'a>| {
        a.merge(b);
        a
    };
    steps.into_par_iter().map(step).reduce(make, sum)
}

/// Committed transactions that ended in a share of time sorted by the end of their commits, with the two
/// of each prefix that have the largest timestamps.
struct Ended {
    /// The two of all that ended before.
    before: [u32; 2],
    ends: Vec<i64>,
    greatest: Vec<[u32; 2]>,
}

impl Ended {
    fn of(txns: &Transactions<'_>, share: &Share, before: [u32; 2]) -> Self {
        let all = (0..txns.count() as u32).into_par_iter().with_min_len(STEP);
        let ends = all.filter(|&txn| txns.committed(txn)).map(|txn| (txns.ends(Clock::Bounds, txn)[3], txn));
        let mut ends: Vec<(i64, u32)> = ends.filter(|&(end, _)| share.has(end)).collect();
        ends.par_sort_unstable();
        let mut two = before;
        let greatest = ends.iter().map(|&(_, new)| {
            if two[0] == NONE || order(txns, new, two[0]).is_gt() {
                two = [new, two[0]];
            } else if two[1] == NONE || order(txns, new, two[1]).is_gt() {
                two[1] = new;
            }
            two
        });
        let greatest = greatest.collect();
        Ended { before, greatest, ends: ends.into_iter().map(|(end, _)| end).collect() }
    }

    /// The two of all that ended in this share or before.
    fn last(&self) -> [u32; 2] {
        self.greatest.last().copied().unwrap_or(self.before)
    }

    /// Of those that certainly committed before `start`, not counting `but`, the one with the
    /// largest timestamp.
    fn greatest(&self, finger: &mut Finger, start: i64, but: u32) -> Option<u32> {
        let ended = finger.seek(&self.ends, |&end| end < start);
        let two = ended.checked_sub(1).map_or(self.before, |last| self.greatest[last]);
        two.into_iter().find(|&txn| txn != but && txn != NONE)
    }
}

/// By timestamp, then region, id and first row.
fn order(txns: &Transactions<'_>, a: u32, b: u32) -> Ordering {
    let row = |txn: u32| txns.log.txns.first_row(txn);
    txns.stamp(a).cmp(&txns.stamp(b)).then_with(|| by_tie_break(txns.log, row(a), row(b)))
}
