//! `cross-region-conflicts`: writers of one key in different regions, each blind to the other.

use std::collections::BTreeMap;

use super::counting::mutual;
use super::names::{key_name, party, txn_name};
use super::shortlist::Shortlist;
use super::{Path, VerifyOptions};
use crate::history::{Segment, Writes};
use crate::log::Log;
use crate::partition::{Record, for_each_key, key_at};
use crate::report::{Certainty, Counts, Detail, Finding, Kind, Model, ModelReport, Party};
use crate::window;

/// Groups up to that size are judged pair by pair: that beats sorting.
const PAIRWISE_MAX: usize = 32;

/// The report of the model.
pub(super) fn judge(writes: &Writes<'_>, options: &VerifyOptions) -> ModelReport {
    let tally = match options.tuning.path {
        Path::Partitioned => by_key(writes, options),
        path => by_window(writes, options, path == Path::Window).unwrap_or_else(|| by_key(writes, options)),
    };
    let kinds = BTreeMap::from([(Kind::WriteWrite.name(), tally.counts)]);
    ModelReport::judged(BTreeMap::new(), kinds, tally.findings.into_findings())
}

/// When a write began and ended, as its rivals see it.
#[derive(Clone, Copy, Debug)]
struct Life {
    /// `S.earliest`, `S.latest`, `C.earliest`, `C.latest`.
    ticks: [i64; 4],
}

impl Life {
    fn of(segment: &Segment<'_>, at: usize) -> Self {
        let (earliest, latest) = segment.commit.get(at);
        let (first, last) = segment.start.as_ref().map_or((earliest, latest), |s| s.get(at));
        Life { ticks: [first, last, earliest, latest] }
    }

    /// Whether two writes are in conflict, and how certainly.
    fn conflict(&self, other: &Life) -> Option<Certainty> {
        let ([a_first, a_last, a_earliest, a_latest], [b_first, b_last, b_earliest, b_latest]) =
            (self.ticks, other.ticks);
        if a_latest <= b_first || b_latest <= a_first {
            None
        } else if a_last < b_earliest && b_last < a_earliest {
            Some(Certainty::Definite)
        } else {
            Some(Certainty::Possible)
        }
    }
}

struct Tally<'a> {
    log: &'a Log,
    lag: u64,
    counts: Counts,
    findings: Shortlist,
}

impl<'a> Tally<'a> {
    fn new(writes: &Writes<'a>, options: &VerifyOptions) -> Self {
        Tally {
            log: writes.log,
            lag: writes.visibility_lag,
            counts: Counts::default(),
            findings: Shortlist::new(options.findings),
        }
    }

    fn add(&mut self, certainty: Certainty, a: u32, b: u32) {
        self.counts.add(certainty);
        self.offer(certainty, a, b);
    }

    fn offer(&mut self, certainty: Certainty, a: u32, b: u32) {
        let log = self.log;
        if !self.findings.wants(certainty, key_at(log, a)) {
            return;
        }
        let mut rows = [a, b].map(|row| (txn_name(log, row), row));
        rows.sort();
        let [(first, a), (_, b)] = rows;
        if !self.findings.wants_named(certainty, key_at(log, a), |name| name.push_str(&first)) {
            return;
        }
        self.findings.offer(Finding {
            model: Model::CrossRegionConflicts,
            kind: Kind::WriteWrite,
            certainty,
            key: Some(key_name(log, a)),
            value: None,
            parties: vec![self.party(a), self.party(b)],
            detail: Detail::None,
        });
    }

    /// A writer without a start bound is told with the one that it was judged by.
    fn party(&self, row: u32) -> Party {
        let mut party = party(self.log, row);
        let assumed = party.times.commit.map(|c| c.earlier_by(self.lag));
        party.times.start = party.times.start.or(assumed);
        party
    }

    fn merge(&mut self, other: Tally<'_>) {
        self.counts.definite += other.counts.definite;
        self.counts.possible += other.counts.possible;
        self.findings.merge(other.findings);
    }
}

fn sum<'a>(writes: &Writes<'a>, options: &VerifyOptions, tallies: Vec<Tally<'a>>) -> Tally<'a> {
    let mut sum = Tally::new(writes, options);
    tallies.into_iter().for_each(|tally| sum.merge(tally));
    sum
}

/// Over the window join; `None` if the log is not for it.
fn by_window<'a>(writes: &Writes<'a>, options: &VerifyOptions, insist: bool) -> Option<Tally<'a>> {
    let make = || Tally::new(writes, options);
    let meet = |tally: &mut Tally<'a>, (s, a): window::At, (t, b): window::At| {
        let (first, second) = (&writes.segments[s as usize], &writes.segments[t as usize]);
        let (a, b) = (a as usize, b as usize);
        let Some(certainty) = Life::of(first, a).conflict(&Life::of(second, b)) else { return };
        if first.region(a) != second.region(b) && first.key(a) == second.key(b) {
            tally.add(certainty, first.row(a), second.row(b));
        }
    };
    let tallies = window::conflicts(writes, options.tuning.isa(), insist, make, meet)?;
    Some(sum(writes, options, tallies))
}

/// Over the partitioned path.
fn by_key<'a>(writes: &Writes<'a>, options: &VerifyOptions) -> Tally<'a> {
    let isa = options.tuning.isa();
    let make = || Tally::new(writes, options);
    let tallies = if writes.segments.iter().any(|s| s.start.is_some()) {
        let ticks = |s: &Segment<'_>, at: usize| Life::of(s, at).ticks;
        for_each_key::<4, _>(writes, isa, ticks, make, |tally, group| {
            judge_key(tally, group, |r| Life { ticks: r.ticks });
        })
    } else {
        let ticks = |s: &Segment<'_>, at: usize| <[i64; 2]>::from(s.commit.get(at));
        let life = |r: &Record<2>| Life { ticks: [r.ticks[0], r.ticks[1], r.ticks[0], r.ticks[1]] };
        for_each_key::<2, _>(writes, isa, ticks, make, |tally, group| judge_key(tally, group, life))
    };
    sum(writes, options, tallies)
}

fn judge_key<const N: usize>(tally: &mut Tally<'_>, group: &[Record<N>], life: impl Fn(&Record<N>) -> Life) {
    if group.iter().all(|r| r.region == group[0].region) {
        return;
    }
    if group.len() <= PAIRWISE_MAX {
        for (j, b) in group.iter().enumerate() {
            for a in group[..j].iter().filter(|a| a.region != b.region) {
                if let Some(certainty) = life(a).conflict(&life(b)) {
                    tally.add(certainty, a.row, b.row);
                }
            }
        }
        return;
    }
    let writes: Vec<Rival> =
        group.iter().map(|r| Rival { life: life(r), region: r.region, row: r.row }).collect();
    let counts = count(&writes);
    tally.counts.definite += counts.definite;
    tally.counts.possible += counts.possible;
    offer_least(tally, &writes, counts);
}

/// One write of a key that has many.
#[derive(Clone, Copy, Debug)]
struct Rival {
    life: Life,
    region: u16,
    row: u32,
}

/// Exact numbers of pairs of different regions, without looking at pairs.
fn count(writes: &[Rival]) -> Counts {
    let mut by_region: BTreeMap<u16, Vec<Rival>> = BTreeMap::new();
    writes.iter().for_each(|w| by_region.entry(w.region).or_default().push(*w));
    let (mut definite, mut any) = both(writes);
    for within in by_region.values() {
        let (within_definite, within_any) = both(within);
        definite -= within_definite;
        any -= within_any;
    }
    Counts { definite, possible: any - definite }
}

/// Pairs of any region that conflict definitely, and that conflict at all.
fn both(writes: &[Rival]) -> (u64, u64) {
    let column = |at: usize| writes.iter().map(|w| w.life.ticks[at]).collect::<Vec<i64>>();
    (mutual(&column(1), &column(2)), mutual(&column(0), &column(3)))
}

/// Offers the least pairs of a key with many writes: first the definite ones, then, if room is
/// left, the possible ones.
fn offer_least(tally: &mut Tally<'_>, writes: &[Rival], counts: Counts) {
    let limit = tally.findings.limit() as u64;
    for (certainty, pairs) in [(Certainty::Definite, counts.definite), (Certainty::Possible, counts.possible)]
    {
        if pairs > 0 && tally.findings.wants(certainty, key_at(tally.log, writes[0].row)) {
            offer_pairs(tally, writes, certainty, pairs.min(limit));
        }
    }
}

/// Offers the `wanted` least pairs of one certainty, by the names of both transactions.
///
/// Writes are taken in the order of their names; the partners of each are found by one scan.
/// A write whose partners all have lesser names costs a scan for nothing, but each of its
/// partners has offered a pair before: at most twice as many scans as pairs find something, and
/// [`Partners`] skips those that have no partner at all.
fn offer_pairs(tally: &mut Tally<'_>, writes: &[Rival], certainty: Certainty, wanted: u64) {
    let mut named: Vec<(String, &Rival)> = writes.iter().map(|w| (txn_name(tally.log, w.row), w)).collect();
    named.sort_by(|a, b| (&a.0, a.1.row).cmp(&(&b.0, b.1.row)));
    let partners = Partners::of(writes);
    let (mut offered, mut before) = (0, 0);
    for (at, (name, a)) in named.iter().enumerate() {
        // Writes of one name are taken together: among them partners' names decide, not rows.
        if at == 0 || named[at - 1].0 != *name {
            before = offered;
        }
        if before >= wanted {
            break;
        }
        if !partners.any(a) {
            continue;
        }
        let rival = |b: &Rival| a.region != b.region && a.life.conflict(&b.life) == Some(certainty);
        let rivals = named[at + 1..].iter().filter(|(_, b)| rival(b));
        for (_, b) in rivals.take((wanted - before) as usize) {
            tally.offer(certainty, a.row, b.row);
            offered += 1;
        }
    }
}

/// Tells at once of a write without a partner that it has none.
struct Partners {
    /// By region, in order of begins: the begin of each write, and the greatest end of those up to
    /// it.
    by_region: BTreeMap<u16, Vec<(i64, i64)>>,
}

impl Partners {
    fn of(writes: &[Rival]) -> Self {
        let mut by_region: BTreeMap<u16, Vec<(i64, i64)>> = BTreeMap::new();
        for write in writes {
            let [begin, _, _, end] = write.life.ticks;
            by_region.entry(write.region).or_default().push((begin, end));
        }
        for lives in by_region.values_mut() {
            lives.sort_unstable();
            let mut greatest = i64::MIN;
            for (_, end) in lives {
                greatest = greatest.max(*end);
                *end = greatest;
            }
        }
        Partners { by_region }
    }

    /// Whether some write of another region conflicts: of those that begin before its end, one
    /// ends after its begin. Counting both ends would not do where a commit may lie before its
    /// start.
    fn any(&self, write: &Rival) -> bool {
        let [begin, _, _, end] = write.life.ticks;
        self.by_region.iter().filter(|(region, _)| **region != write.region).any(|(_, lives)| {
            let before = lives.partition_point(|&(b, _)| b < end);
            before > 0 && lives[before - 1].1 > begin
        })
    }
}
