//! `write-order`: which write of a key came last, and whether the clocks say so.

use std::collections::BTreeMap;

use super::counting::{concurrent, pairs};
use super::doubtful::Doubtful;
use super::names::{by_tie_break, key_name, party};
use super::shortlist::Shortlist;
use super::{Path, VerifyOptions};
use crate::error::Result;
use crate::history::{Segment, Writes};
use crate::partition::{Carried, Label, LeanRecord, Record, Written, count_pairs, for_each_key};
use crate::report::{Certainty, Counts, Detail, Finding, Kind, Model, ModelReport};
use crate::time::BoundedTimestamp;
use crate::window::{self, Meeting};

/// Groups up to that size are counted pair by pair: that beats two sorts.
const PAIRWISE_MAX: usize = 24;

/// Where more keys than that (or a part of the writes) are in doubt, they are judged with all others.
const DOUBTFUL_MAX: usize = 1 << 20;

/// The report of the model.
pub(super) fn judge(writes: &Writes<'_>, options: &VerifyOptions) -> Result<ModelReport> {
    let stamped = writes.segments.iter().any(|s| s.stamp.is_some());
    let windows = !stamped && options.tuning.path != Path::Partitioned;
    let tally = if windows { by_window(writes, options)? } else { None };
    let tally = match tally {
        Some(tally) => tally,
        None if stamped => by_key_and_stamp(writes, options)?,
        None => by_key(writes, options)?,
    };
    Ok(tally.report())
}

/// Over the window join: ambiguous pairs are met, all others counted. `None` if the log is not for it.
fn by_window(writes: &Writes<'_>, options: &VerifyOptions) -> Result<Option<Tally>> {
    let (log, isa) = (writes.log, options.tuning.isa());
    let make = || (Facts::default(), Doubtful::none());
    let meet = |(facts, keys): &mut (Facts, Doubtful), (s, a): window::At, (t, b): window::At| {
        let (first, second) = (&writes.segments[s as usize], &writes.segments[t as usize]);
        let (a, b) = (a as usize, b as usize);
        let (one, other) = (first.commit.get(a), second.commit.get(b));
        if one.0 <= other.1 && other.0 <= one.1 && first.key(a) == second.key(b) {
            facts.ambiguous += 1;
            facts.cross_ambiguous += u64::from(first.region(a) != second.region(b));
            keys.add(writes, isa, (s, a as u32), one.0.max(other.0));
        }
    };
    let force = options.tuning.path.force();
    let Some(stretches) = window::pairs(writes, isa, (Meeting::Commits, force), make, meet) else {
        return Ok(None);
    };
    let mut tally = Tally::new(options.findings);
    for (facts, _) in &stretches {
        tally.facts.ambiguous += facts.ambiguous;
        tally.facts.cross_ambiguous += facts.cross_ambiguous;
    }
    let keys = Doubtful::union(writes, stretches.into_iter().map(|(_, keys)| keys));
    if force.is_none() && keys.len() > DOUBTFUL_MAX.min(writes.len() / 8) {
        return Ok(None);
    }
    if keys.len() > 0 {
        let candidates = writes.measure("winners", 8, || keys.candidates(writes, isa));
        candidates.iter().for_each(|candidates| tally.judge_winner(log, candidates, middle));
    }
    let counted = count_pairs(writes, isa)?;
    tally.facts.pairs = counted.pairs;
    tally.facts.cross_pairs = counted.across;
    tally.facts.justified = counted.keys - tally.facts.contested - tally.facts.wrong;
    Ok(Some(tally))
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

fn sum(tallies: Vec<Tally>, options: &VerifyOptions) -> Tally {
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
        self.count_pairs(group);
        self.judge_winner(log, group, stamp);
    }

    /// The same where each stamp is the middle of its bound: if no two bounds touch, they have one
    /// order, and the last stamp is in the last of them.
    fn key_by_middles<R: Written>(&mut self, log: &crate::log::Log, group: &[R]) {
        let before = self.facts.ambiguous;
        if group.len() > 1 {
            self.count_pairs(group);
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

    fn count_pairs<R: Written>(&mut self, group: &[R]) {
        if group.len() <= PAIRWISE_MAX {
            self.count_pairwise(group);
            return;
        }
        let (total, ambiguous) = totals(group.iter());
        let mut by_region: BTreeMap<u16, Vec<&R>> = BTreeMap::new();
        group.iter().for_each(|r| by_region.entry(r.region()).or_default().push(r));
        let mut within = (0, 0);
        if by_region.len() > 1 {
            for records in by_region.values() {
                let (total, ambiguous) = totals(records.iter().copied());
                within = (within.0 + total, within.1 + ambiguous);
            }
        } else {
            within = (total, ambiguous);
        }
        self.facts.pairs += total;
        self.facts.ambiguous += ambiguous;
        self.facts.cross_pairs += total - within.0;
        self.facts.cross_ambiguous += ambiguous - within.1;
    }

    fn count_pairwise<R: Written>(&mut self, group: &[R]) {
        for (j, b) in group.iter().enumerate() {
            for a in &group[..j] {
                let ambiguous = u64::from(a.earliest() <= b.latest() && b.earliest() <= a.latest());
                let cross = u64::from(a.region() != b.region());
                self.facts.pairs += 1;
                self.facts.ambiguous += ambiguous;
                self.facts.cross_pairs += cross;
                self.facts.cross_ambiguous += ambiguous & cross;
            }
        }
    }

    /// Takes over what another tally found.
    pub(super) fn merge(&mut self, other: Tally) {
        let (sum, part) = (&mut self.facts, other.facts);
        sum.pairs += part.pairs;
        sum.ambiguous += part.ambiguous;
        sum.cross_pairs += part.cross_pairs;
        sum.cross_ambiguous += part.cross_ambiguous;
        sum.justified += part.justified;
        sum.contested += part.contested;
        sum.wrong += part.wrong;
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

/// All pairs, and the ambiguous ones.
fn totals<'a, R: Written + 'a>(records: impl Iterator<Item = &'a R> + Clone) -> (u64, u64) {
    let earliest: Vec<i64> = records.clone().map(R::earliest).collect();
    let latest: Vec<i64> = records.map(R::latest).collect();
    (pairs(earliest.len() as u64), concurrent(&earliest, &latest))
}
