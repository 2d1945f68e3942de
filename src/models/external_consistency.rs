//! `external-consistency`: commit timestamps that the database assigned respect real time.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::names::by_tie_break;
use super::tally::{Sighting, Tally};
use crate::history::{Clock, Transactions};
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
    spread(txns, limit, |tally, txn| {
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
/// Cost: O(transactions log transactions), and 20 bytes for each of memory.
pub(super) fn inversions<'a>(txns: &'a Transactions<'a>, limit: Option<usize>) -> Tally<'a> {
    let ended = Ended::of(txns);
    spread(txns, limit, |tally, txn| {
        let start = txns.ends(Clock::Bounds, txn)[0];
        let Some(earlier) = ended.greatest(start, txn) else { return };
        if txns.stamp(earlier) >= txns.stamp(txn) {
            let parties = [earlier, txn].map(|t| txns.log.txns.first_row(t));
            tally.see(Sighting::of(Kind::TimestampInversion, &parties));
        }
    })
}

/// Judges every committed transaction.
fn spread<'a>(
    txns: &'a Transactions<'a>,
    limit: Option<usize>,
    judge: impl Fn(&mut Tally<'a>, u32) + Sync,
) -> Tally<'a> {
    let make = || Tally::new(txns, Clock::Bounds, Model::ExternalConsistency, limit);
    let step = |first: usize| {
        let mut tally = make();
        let range: Range<u32> = first as u32..(first + STEP).min(txns.count()) as u32;
        range.filter(|&txn| txns.committed(txn)).for_each(|txn| judge(&mut tally, txn));
        tally
    };
    let steps: Vec<usize> = (0..txns.count()).step_by(STEP).collect();
    let sum = |mut a: Tally<'a>, b: Tally<'a>| {
        a.merge(b);
        a
    };
    steps.into_par_iter().map(step).reduce(make, sum)
}

/// Committed transactions sorted by the end of their commits, with the two of each prefix that
/// have the largest timestamps.
struct Ended {
    ends: Vec<i64>,
    greatest: Vec<[u32; 2]>,
}

impl Ended {
    fn of(txns: &Transactions<'_>) -> Self {
        let committed = (0..txns.count() as u32).filter(|&txn| txns.committed(txn));
        let mut ends: Vec<(i64, u32)> = committed.map(|t| (txns.ends(Clock::Bounds, t)[3], t)).collect();
        ends.par_sort_unstable();
        let mut two = [NONE; 2];
        let greatest = ends.iter().map(|&(_, new)| {
            if two[0] == NONE || order(txns, new, two[0]).is_gt() {
                two = [new, two[0]];
            } else if two[1] == NONE || order(txns, new, two[1]).is_gt() {
                two[1] = new;
            }
            two
        });
        Ended { greatest: greatest.collect(), ends: ends.into_iter().map(|(end, _)| end).collect() }
    }

    /// Of those that certainly committed before `start`, not counting `but`, the one with the
    /// largest timestamp.
    fn greatest(&self, start: i64, but: u32) -> Option<u32> {
        let before = self.ends.partition_point(|&end| end < start);
        let two = self.greatest[before.checked_sub(1)?];
        two.into_iter().find(|&txn| txn != but && txn != NONE)
    }
}

/// By timestamp, then region, id and first row.
fn order(txns: &Transactions<'_>, a: u32, b: u32) -> Ordering {
    let row = |txn: u32| txns.log.txns.first_row(txn);
    txns.stamp(a).cmp(&txns.stamp(b)).then_with(|| by_tie_break(txns.log, row(a), row(b)))
}
