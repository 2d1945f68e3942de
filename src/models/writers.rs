//! The models of writes alone, judged from the histories that the other models share: where those are
//! built anyway, nothing is grouped twice.

use super::VerifyOptions;
use super::counting::pairs;
use super::rivals::Life;
use super::{cross_region, write_order};
use crate::history::{Clock, Ends, KeyHistory, Transactions, Version};
use crate::partition::{Label, Record, Written};
use crate::report::{Model, ModelReport};
use crate::time::BoundedTimestamp;

/// What is found.
pub(super) struct Room<'a> {
    txns: &'a Transactions<'a>,
    visibility_lag: u64,
    order: Option<write_order::Tally>,
    conflicts: Option<cross_region::Tally<'a>>,
    /// The writes of one key, where they must be looked at pair by pair.
    writes: Vec<Record<7>>,
    /// By region, the writes of one key.
    by_region: Vec<u32>,
}

impl<'a> Room<'a> {
    /// A room for those of `asked` that are models of writes; `None` if none is.
    pub(super) fn new(
        txns: &'a Transactions<'a>,
        asked: &[Model],
        (options, visibility_lag): (&VerifyOptions, u64),
    ) -> Option<Self> {
        let (log, limit) = (txns.log, options.findings);
        let order = asked.contains(&Model::WriteOrder).then(|| write_order::Tally::new(limit));
        let conflicts = asked
            .contains(&Model::CrossRegionConflicts)
            .then(|| cross_region::Tally::of(log, visibility_lag, limit));
        (order.is_some() || conflicts.is_some()).then(|| Room {
            txns,
            visibility_lag,
            order,
            conflicts,
            writes: Vec::new(),
            by_region: vec![0; log.regions().len()],
        })
    }

    /// Judges the writers of one key, whose times are by `clock`; `known_apart` says that by these none
    /// of them ran into another.
    pub(super) fn key(&mut self, clock: Clock, history: &KeyHistory, known_apart: bool) {
        let versions = history.versions.as_slice();
        if versions.is_empty() {
            return;
        }
        let (txns, stamped) = (self.txns, self.txns.has_stamps());
        let across = self.conflicts.is_some() && txns.log.regions().len() > 1;
        // Where the times at hand are those that are asked for, they need not be looked up.
        let plain = clock == Clock::Bounds && !stamped;
        let seen = if plain && (!across || txns.needs.without_start.count == 0) {
            let in_sequence = versions.is_sorted_by(|a, b| a.ends[3] < b.ends[2]);
            Seen { in_sequence, apart: known_apart }
        } else {
            let at = 0..versions.len();
            Seen::of(at.map(|at| ticks(txns, (self.visibility_lag, stamped), history, at)))
        };
        let in_sequence = seen.in_sequence || self.order.is_none();
        let apart = seen.apart || !across;
        if !in_sequence || !apart {
            self.writes.clear();
            self.writes.extend(versions.iter().enumerate().map(|(at, version)| {
                let label = Label { rest: 0, region: txns.region(version.txn), row: version.row };
                Record::new(label, &ticks(txns, (self.visibility_lag, stamped), history, at))
            }));
        }
        if let Some(order) = &mut self.order {
            if in_sequence {
                let regions = versions.iter().map(|v| txns.region(v.txn));
                order.sequence(pairs(versions.len() as u64), pairs_across(regions, &mut self.by_region));
            } else {
                order.key(txns.log, &self.writes, |w| w.tick(2));
            }
        }
        if let Some(conflicts) = self.conflicts.as_mut().filter(|_| !apart) {
            cross_region::judge_key(conflicts, &self.writes, life);
        }
    }

    /// Takes over what another room found.
    pub(super) fn merge(&mut self, other: Room<'_>) {
        if let (Some(sum), Some(part)) = (&mut self.order, other.order) {
            sum.merge(part);
        }
        if let (Some(sum), Some(part)) = (&mut self.conflicts, other.conflicts) {
            sum.merge(part);
        }
    }

    /// The reports.
    pub(super) fn report(self) -> impl Iterator<Item = (Model, ModelReport)> {
        let order = self.order.map(|tally| (Model::WriteOrder, tally.report()));
        let conflicts = self.conflicts.map(|tally| (Model::CrossRegionConflicts, tally.report()));
        order.into_iter().chain(conflicts)
    }
}

/// The version at a place by its bounds: `C.earliest`, `C.latest`, stamp, `S.earliest`, `S.latest`.
fn ticks(txns: &Transactions<'_>, (lag, stamped): (u64, bool), history: &KeyHistory, at: usize) -> [i64; 5] {
    let txn = history.versions[at].txn;
    let [mut first, mut last, earliest, latest] = *history.bounds(at);
    let commit = || BoundedTimestamp::new(earliest, latest).unwrap_or(BoundedTimestamp::UNBOUNDED);
    if !txns.has_start(Clock::Bounds, txn) {
        let start = commit().earlier_by(lag);
        (first, last) = (start.earliest(), start.latest());
    }
    let stamp = match stamped {
        false => None,
        true if txns.needs.without_stamp.count == 0 => Some(txns.stamp(txn)),
        true => txns.times(Clock::Bounds, txn).commit_ts,
    };
    [earliest, latest, stamp.unwrap_or_else(|| commit().midpoint()), first, last]
}

/// Its life, as its rivals see it.
fn life(write: &Record<7>) -> Life {
    Life { ticks: [write.tick(3), write.tick(4), write.earliest(), write.latest()] }
}

/// What one look at the writes of a key shows.
struct Seen {
    /// Whether each write certainly came after the one before it, by its bound and by its stamp.
    in_sequence: bool,
    /// Whether none ran into another: see [`apart`].
    apart: bool,
}

impl Seen {
    fn of(writes: impl Iterator<Item = [i64; 5]>) -> Self {
        let mut seen = Seen { in_sequence: true, apart: true };
        let (mut ended, mut before) = (Ended::default(), None);
        for [earliest, latest, stamp, first, _] in writes {
            seen.in_sequence &= before.is_none_or(|(end, stamped)| end < earliest && stamped < stamp);
            seen.apart &= ended.before(first, latest);
            before = Some((latest, stamp));
            if !seen.in_sequence && !seen.apart {
                break;
            }
        }
        seen
    }
}

/// Pairs of writes of different ones of these regions. `counts` holds a zero for each, before and
/// after.
fn pairs_across(regions: impl ExactSizeIterator<Item = u16> + Clone, counts: &mut [u32]) -> u64 {
    if counts.len() < 2 {
        return 0;
    }
    let all = regions.len();
    regions.clone().for_each(|region| counts[usize::from(region)] += 1);
    let mut within = 0;
    let mut take = |count: &mut u32| within += pairs(u64::from(std::mem::take(count)));
    if counts.len() <= all {
        counts.iter_mut().for_each(take);
    } else {
        regions.for_each(|region| take(&mut counts[usize::from(region)]));
    }
    pairs(all as u64) - within
}

/// Whether none of these writes, each from its first tick to its last, ran into another, for the plain
/// reason that each began when all those before it had ended.
fn apart(mut writes: impl Iterator<Item = (i64, i64)>) -> bool {
    let mut ended = Ended::default();
    writes.all(|(begin, end)| ended.before(begin, end))
}

/// When the writes so far had ended.
struct Ended(i64);

impl Default for Ended {
    fn default() -> Self {
        Ended(i64::MIN)
    }
}

impl Ended {
    /// Whether that was by the time that one more began; takes it in.
    fn before(&mut self, begin: i64, end: i64) -> bool {
        let after = begin >= self.0;
        self.0 = self.0.max(end);
        after
    }
}

/// The same, of versions.
pub(super) fn versions_apart(versions: &[Version]) -> bool {
    apart(versions.iter().map(|v| {
        let [begin, _, _, end]: Ends = v.ends;
        (begin, end)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: writes are apart only if each began when those before it had ended, touching allowed.
    #[test]
    fn apart_is_one_after_the_other() {
        assert!(apart([(0, 3), (3, 5), (9, 9)].into_iter()));
        assert!(!apart([(0, 3), (2, 5)].into_iter()));
        assert!(!apart([(0, 9), (9, 1), (8, 12)].into_iter()));
        assert!(apart(std::iter::empty()));
    }

    /// Promise: pairs across regions are all pairs less those within, and the counts are left empty.
    #[test]
    fn pairs_across_regions() {
        let mut counts = vec![0; 3];
        assert_eq!(pairs_across([0, 0, 1, 2, 1].into_iter(), &mut counts), 8);
        assert_eq!(counts, [0; 3]);
        assert_eq!(pairs_across([0, 0].into_iter(), &mut [0]), 0);
    }
}
