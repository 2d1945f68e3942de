//! `write-order`: which write of a key came last, and whether the clocks say so.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicUsize, Ordering};

use skewer_kernels::Extent;

use super::counting::{Overlaps, overlaps};
use super::names::{by_tie_break, key_name, party};
use super::shortlist::Shortlist;
use super::{Path, VerifyOptions};
use crate::error::Result;
use crate::history::{Segment, Writes};
use crate::partition::{
    Carried, Label, LeanRecord, NearWrites, Record, Waiting, Written, count_pairs, for_each_key,
};
use crate::report::{Certainty, Counts, Detail, Finding, Kind, Model, ModelReport};
use crate::time::BoundedTimestamp;

/// Near writes are met pair by pair where there are so many writes a pair, and else all looked at: what is looked up in the
/// log is waited for.
const WRITES_A_PAIR: usize = 2;

/// Groups up to that size are counted pair by pair: that beats two sorts.
const PAIRWISE_MAX: usize = 24;

/// Where of so many writes more than one must be looked up in the log, all are judged with their bounds at hand.
const WRITES_A_LOOK_UP: usize = 8;

/// Rows that are no farther apart are not waited for.
const ROWS_AT_HAND: usize = 64;

/// The report of the model.
pub(super) fn judge(writes: &Writes<'_>, options: &VerifyOptions) -> Result<ModelReport> {
    let stamped = writes.segments.iter().any(|s| s.stamp.is_some());
    let counted = !stamped && options.tuning.path != Path::Partitioned;
    let tally = if counted { by_count(writes, options)? } else { None };
    let tally = match tally {
        Some(tally) => tally,
        None if stamped => by_key_and_stamp(writes, options)?,
        None => by_key(writes, options)?,
    };
    Ok(tally.report())
}

/// Counts pairs, and looks at those that may touch. `None` if these are many, or the log is not for it.
fn by_count(writes: &Writes<'_>, options: &VerifyOptions) -> Result<Option<Tally>> {
    let isa = options.tuning.isa();
    let all = writes.extent(isa);
    let most = match options.tuning.path {
        Path::Auto if mostly_touch(all) => return Ok(None),
        Path::Auto => writes.len() / WRITES_A_LOOK_UP,
        _ => usize::MAX,
    };
    let looked_up = AtomicUsize::new(0);
    let visit = |(tally, waiting): &mut (Tally, Waiting), near: NearWrites<'_>| {
        let look_ups = look_ups(writes, near);
        let is_worth_it = looked_up.fetch_add(look_ups, Ordering::Relaxed) + look_ups <= most;
        if is_worth_it {
            waiting.add(near, |number| writes.prefetch_bound(number), |near| tally.near(writes, near));
        }
        is_worth_it
    };
    let make = || (Tally::new(options.findings), Waiting::default());
    let Some((counts, states)) = count_pairs(writes, (isa, all), make, visit)? else { return Ok(None) };
    let finish = |(mut tally, mut waiting): (Tally, Waiting)| {
        waiting.judge(|near| tally.near(writes, near));
        tally
    };
    let mut tally = sum(states.into_iter().map(finish), options);
    tally.facts.pairs = counts.pairs;
    tally.facts.cross_pairs = counts.across;
    tally.facts.justified = counts.keys - tally.facts.contested - tally.facts.wrong;
    Ok(Some(tally))
}

/// Whether some bound is so wide that most pairs may touch, for all that is known without their ends.
fn mostly_touch(all: Extent) -> bool {
    all.min_begin <= all.max_begin && all.max_width >= all.max_begin.abs_diff(all.min_begin) / 8
}

/// How many writes of a key must be looked up in the log, far from each other.
fn look_ups(writes: &Writes<'_>, near: NearWrites<'_>) -> usize {
    let is_dense = near.len() > writes.len() / ROWS_AT_HAND && near.are_in_order();
    if is_dense { 0 } else { near.len().min(2 * near.pairs()) }
}

/// A write with its commit bound.
type Candidate = Record<4>;

fn candidate(writes: &Writes<'_>, number: u32) -> Candidate {
    let (segment, at) = writes.segment_of(number);
    let label = Label { rest: 0, region: segment.region(at), row: segment.row(at) };
    Record::new(label, &<[i64; 2]>::from(segment.commit.get(at)))
}

/// Over the partitioned path, where a log has assigned timestamps.
fn by_key_and_stamp(writes: &Writes<'_>, options: &VerifyOptions) -> Result<Tally> {
    let record = |s: &Segment<'_>, at: usize, label: Label| {
        let (earliest, latest) = s.commit.get(at);
        let stamp = s.stamp.as_ref().map_or_else(|| midpoint(earliest, latest), |stamps| stamps[at]);
        Record::<5>::new(label, &[earliest, latest, stamp])
    };
    let judge = |tally: &mut Tally, group: &[Record<5>]| tally.key(writes.log, group, |r| r.tick(2));
    let make = || Tally::new(options.findings);
    let carried = Carried { least: 0, times: true };
    let tallies = for_each_key(writes, options.tuning.isa(), carried, record, make, judge)?;
    Ok(sum(tallies, options))
}

/// Over the partitioned path.
fn by_key(writes: &Writes<'_>, options: &VerifyOptions) -> Result<Tally> {
    let (log, isa) = (writes.log, options.tuning.isa());
    let make = || Tally::new(options.findings);
    let tallies = if let Some(least) = LeanRecord::least_bits(writes, isa) {
        let record = |s: &Segment<'_>, at: usize, label: Label| {
            let (earliest, latest) = s.commit.get(at);
            LeanRecord::new(label, earliest, latest)
        };
        let carried = Carried { least, times: true };
        for_each_key(writes, isa, carried, record, make, |tally, group| tally.key_by_middles(log, group))?
    } else {
        let record = |s: &Segment<'_>, at: usize, label: Label| {
            Record::<4>::new(label, &<[i64; 2]>::from(s.commit.get(at)))
        };
        let carried = Carried { least: 0, times: true };
        for_each_key(writes, isa, carried, record, make, |tally, group| tally.key_by_middles(log, group))?
    };
    Ok(sum(tallies, options))
}

fn sum(tallies: impl IntoIterator<Item = Tally>, options: &VerifyOptions) -> Tally {
    let mut sum = Tally::new(options.findings);
    tallies.into_iter().for_each(|tally| sum.merge(tally));
    sum
}

fn middle(write: &impl Written) -> i64 {
    midpoint(write.earliest(), write.latest())
}

fn midpoint(earliest: i64, latest: i64) -> i64 {
    BoundedTimestamp::new(earliest, latest).map_or(earliest, BoundedTimestamp::midpoint)
}

#[derive(Debug, Default, Clone, Copy)]
struct Facts {
    pairs: u64,
    ambiguous: u64,
    cross_pairs: u64,
    cross_ambiguous: u64,
    justified: u64,
    contested: u64,
    wrong: u64,
}

impl From<Overlaps> for Facts {
    fn from(overlaps: Overlaps) -> Self {
        Facts {
            pairs: overlaps.pairs,
            ambiguous: overlaps.concurrent,
            cross_pairs: overlaps.across,
            cross_ambiguous: overlaps.concurrent_across,
            ..Facts::default()
        }
    }
}

impl AddAssign for Facts {
    fn add_assign(&mut self, other: Facts) {
        self.pairs += other.pairs;
        self.ambiguous += other.ambiguous;
        self.cross_pairs += other.cross_pairs;
        self.cross_ambiguous += other.cross_ambiguous;
        self.justified += other.justified;
        self.contested += other.contested;
        self.wrong += other.wrong;
    }
}

impl Facts {
    /// The pairs of the writes of a key.
    fn of_pairs<R: Written>(group: &[R]) -> Facts {
        if group.len() <= PAIRWISE_MAX {
            let mut facts = Facts::default();
            for (j, b) in group.iter().enumerate() {
                group[..j].iter().for_each(|a| facts.add_pair(a, b));
            }
            return facts;
        }
        let end = |of: fn(&R) -> i64| group.iter().map(|r| (of(r), r.region().into())).collect();
        overlaps(end(R::earliest), end(R::latest)).into()
    }

    /// Adds the pair of these writes' numbers if their bounds touch.
    fn add_touching(&mut self, writes: &Writes<'_>, a: u32, b: u32) {
        let [(a, at_a), (b, at_b)] = [a, b].map(|number| writes.segment_of(number));
        let (first, second) = (a.commit.get(at_a), b.commit.get(at_b));
        // Most do not, and for those no region is looked up.
        if first.0 <= second.1 && second.0 <= first.1 {
            self.ambiguous += 1;
            self.cross_ambiguous += u64::from(a.region(at_a) != b.region(at_b));
        }
    }

    fn add_pair<R: Written>(&mut self, a: &R, b: &R) {
        let ambiguous = u64::from(a.earliest() <= b.latest() && b.earliest() <= a.latest());
        let cross = u64::from(a.region() != b.region());
        self.pairs += 1;
        self.ambiguous += ambiguous;
        self.cross_pairs += cross;
        self.cross_ambiguous += ambiguous & cross;
    }
}

/// What is found.
pub(super) struct Tally {
    facts: Facts,
    findings: Shortlist,
}

impl Tally {
    pub(super) fn new(limit: Option<usize>) -> Self {
        Tally { findings: Shortlist::new(limit), facts: Facts::default() }
    }

    /// Counts the writes of one key that came one after the other for certain, the last of which
    /// wins: `pairs` of them, `across` of these by different regions.
    pub(super) fn sequence(&mut self, pairs: u64, across: u64) {
        self.facts.pairs += pairs;
        self.facts.cross_pairs += across;
        self.facts.justified += 1;
    }

    /// Judges all writes of one key.
    pub(super) fn key<R: Written>(&mut self, log: &crate::log::Log, group: &[R], stamp: impl Fn(&R) -> i64) {
        if group.len() == 1 {
            self.facts.justified += 1;
            return;
        }
        self.facts += Facts::of_pairs(group);
        self.judge_winner(log, group, stamp);
    }

    /// Judges a key of which some writes may touch; how many pairs it has is known.
    fn near(&mut self, writes: &Writes<'_>, near: NearWrites<'_>) {
        let met = if near.pairs() <= near.len() / WRITES_A_PAIR {
            let mut met = Facts::default();
            near.for_each_pair(|a, b| met.add_touching(writes, a, b));
            met
        } else if near.len() <= PAIRWISE_MAX {
            Facts::of_pairs(&near.map(|number| candidate(writes, number)))
        } else {
            // Each end by itself: nothing else is looked up.
            let ends = |end: for<'s> fn(&'s Segment<'_>) -> &'s [i64]| {
                near.map(|number| {
                    let (segment, at) = writes.segment_of(number);
                    (end(segment)[at], segment.region(at).into())
                })
            };
            overlaps(ends(|s| &s.commit.earliest), ends(|s| &s.commit.latest)).into()
        };
        if met.ambiguous > 0 {
            self.facts += Facts { pairs: 0, cross_pairs: 0, ..met };
            let group: Vec<Candidate> = near.last().map(|number| candidate(writes, number)).collect();
            self.judge_winner(writes.log, &group, middle);
        }
    }

    /// The same where each stamp is the middle of its bound: if no two bounds touch, they have one
    /// order, and the last stamp is in the last of them.
    fn key_by_middles<R: Written>(&mut self, log: &crate::log::Log, group: &[R]) {
        let before = self.facts.ambiguous;
        if group.len() > 1 {
            self.facts += Facts::of_pairs(group);
        }
        if self.facts.ambiguous == before {
            self.facts.justified += 1;
        } else {
            self.judge_winner(log, group, middle);
        }
    }

    fn judge_winner<R: Written>(&mut self, log: &crate::log::Log, group: &[R], stamp: impl Fn(&R) -> i64) {
        let last = group.iter().map(R::earliest).fold(i64::MIN, i64::max);
        let possible = group.iter().filter(|r| r.latest() >= last).count();
        // The codes of regions are in the order of their names: that settles most ties without the log.
        let latest = |a: &&R, b: &&R| {
            let by_stamp = stamp(a).cmp(&stamp(b)).then(a.region().cmp(&b.region()));
            by_stamp.then_with(|| by_tie_break(log, a.row(), b.row()))
        };
        let Some(winner) = group.iter().max_by(latest) else { return };
        let (kind, certainty) = if winner.latest() < last {
            self.facts.wrong += 1;
            (Kind::LostWrite, Certainty::Definite)
        } else if possible == 1 {
            self.facts.justified += 1;
            return;
        } else {
            self.facts.contested += 1;
            (Kind::ContestedWinner, Certainty::Possible)
        };
        if !self.findings.wants(certainty, kind, crate::partition::key_at(log, winner.row())) {
            return;
        }
        let rival = match kind {
            Kind::LostWrite => group.iter().filter(|r| r.earliest() == last).max_by(latest),
            _ => group.iter().filter(|r| r.latest() >= last && r.row() != winner.row()).max_by(latest),
        };
        self.findings.offer(Finding {
            model: Model::WriteOrder,
            kind,
            certainty,
            key: Some(key_name(log, winner.row())),
            value: None,
            detail: Detail::None,
            parties: [Some(winner), rival].into_iter().flatten().map(|r| party(log, r.row())).collect(),
        });
    }

    /// Takes over what another tally found.
    pub(super) fn merge(&mut self, other: Tally) {
        self.facts += other.facts;
        self.findings.merge(other.findings);
    }

    /// The report.
    pub(super) fn report(self) -> ModelReport {
        let f = self.facts;
        let facts = [
            ("pairs_ordered", f.pairs - f.ambiguous),
            ("pairs_ambiguous", f.ambiguous),
            ("cross_region_pairs_ordered", f.cross_pairs - f.cross_ambiguous),
            ("cross_region_pairs_ambiguous", f.cross_ambiguous),
            ("winners_justified", f.justified),
        ];
        let kinds = [
            (Kind::ContestedWinner.name(), Counts { definite: 0, possible: f.contested }),
            (Kind::LostWrite.name(), Counts { definite: f.wrong, possible: 0 }),
        ];
        let facts = facts.into_iter().map(|(name, n)| (name.into(), n)).collect();
        ModelReport::judged(facts, kinds.into(), self.findings.into_findings())
    }
}
