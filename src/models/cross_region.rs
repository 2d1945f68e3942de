//! `cross-region-conflicts`: writers of one key in different regions, each blind to the other.

use std::array::from_fn;
use std::collections::BTreeMap;

use super::least::Group;
use super::names::{Head, Named, key_name, party};
use super::rivals::{self, Desk, Life, Rival, tell_few};
use super::shortlist::Shortlist;
use super::{Path, VerifyOptions};
use crate::error::Result;
use crate::history::{Segment, Writes};
use crate::log::Log;
use crate::partition::{Carried, Label, LeanRecord, Record, Written, for_each_key, key_at};
use crate::report::{Certainty, Counts, Detail, Finding, Kind, Model, ModelReport, Party};
use crate::window;

/// The one kind that there is.
const KIND: Kind = Kind::WriteWrite;

/// The report of the model.
pub(super) fn judge(writes: &Writes<'_>, options: &VerifyOptions) -> Result<ModelReport> {
    let tally = match options.tuning.path {
        // Nobody is in another region.
        _ if writes.log.regions().len() < 2 => Tally::new(writes, options),
        Path::Partitioned => by_key(writes, options)?,
        Path::Stretches => by_stretch(writes, options, true).map_or_else(|| by_key(writes, options), Ok)?,
        path => {
            let in_order = by_window(writes, options, path).or_else(|| by_stretch(writes, options, false));
            in_order.map_or_else(|| by_key(writes, options), Ok)?
        }
    };
    Ok(tally.report())
}

fn life(segment: &Segment<'_>, at: usize) -> Life {
    let (earliest, latest) = segment.commit.get(at);
    let (first, last) = segment.start.as_ref().map_or((earliest, latest), |s| s.get(at));
    Life { ticks: [first, last, earliest, latest] }
}

/// What is found.
pub(super) struct Tally<'a> {
    log: &'a Log,
    lag: u64,
    counts: Counts,
    findings: Shortlist,
    waiting: Waiting,
    /// The writes of one key within a stretch of the log.
    rivals: Vec<Rival>,
}

/// Writes of keys that have findings, until their keys have come from memory: whether a finding is told
/// depends on the key.
#[derive(Debug, Default)]
struct Waiting {
    writes: Vec<Rival>,
    /// Of each key: where its writes end, how many of them had met before, and what was found.
    keys: Vec<(usize, usize, Counts)>,
}

/// As many keys wait as a core fetches at a time.
const WAITING: usize = 16;

impl<'a> Tally<'a> {
    fn new(writes: &Writes<'a>, options: &VerifyOptions) -> Self {
        Tally::of(writes.log, writes.visibility_lag, options.findings)
    }

    /// For writes that, without a start bound, began `lag` ticks before they committed.
    pub(super) fn of(log: &'a Log, lag: u64, limit: Option<usize>) -> Self {
        Tally {
            log,
            lag,
            counts: Counts::default(),
            findings: Shortlist::new(limit),
            waiting: Waiting::default(),
            rivals: Vec::new(),
        }
    }

    /// The report.
    pub(super) fn report(mut self) -> ModelReport {
        self.settle();
        let kinds = BTreeMap::from([(KIND.name(), self.counts)]);
        ModelReport::judged(BTreeMap::new(), kinds, self.findings.into_findings())
    }

    fn add(&mut self, certainty: Certainty, a: u32, b: u32) {
        self.counts.add(certainty);
        self.offer(certainty, a, b);
    }

    /// A writer without a start bound is told with the one that it was judged by.
    fn party(&self, row: u32) -> Party {
        let mut party = party(self.log, row);
        let assumed = party.times.commit.map(|c| c.earlier_by(self.lag));
        party.times.start = party.times.start.or(assumed);
        party
    }

    /// Tells of those that wait.
    fn settle(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut first = 0;
        for (end, before, counts) in waiting.keys.drain(..) {
            tell_few(self, Group { writes: &waiting.writes[first..end], before }, counts);
            first = end;
        }
        waiting.writes.clear();
        self.waiting = waiting;
    }

    /// Takes over what another tally found.
    pub(super) fn merge(&mut self, mut other: Tally<'_>) {
        other.settle();
        self.counts.definite += other.counts.definite;
        self.counts.possible += other.counts.possible;
        self.findings.merge(other.findings);
    }
}

impl Desk for Tally<'_> {
    fn log(&self) -> &Log {
        self.log
    }

    fn count(&mut self, counts: Counts) {
        self.counts.definite += counts.definite;
        self.counts.possible += counts.possible;
    }

    fn limit(&self) -> usize {
        self.findings.limit()
    }

    fn wants(&mut self, certainty: Certainty, row: u32) -> bool {
        self.findings.wants(certainty, KIND, key_at(self.log, row))
    }

    fn last_name(&mut self, certainty: Certainty, row: u32) -> Option<Head> {
        self.findings.last_name(certainty, KIND, key_at(self.log, row))
    }

    fn offer(&mut self, certainty: Certainty, a: u32, b: u32) {
        let log = self.log;
        if !self.wants(certainty, a) {
            return;
        }
        let mut rows = [a, b].map(|row| Named::of(log, row));
        rows.sort_by(|a, b| a.cmp(b, log));
        let [first, second] = rows;
        let of_key = (certainty, KIND, key_at(log, a));
        if !self.findings.wants_of(of_key, log, first) {
            return;
        }
        self.findings.offer(Finding {
            model: Model::CrossRegionConflicts,
            kind: KIND,
            certainty,
            key: Some(key_name(log, a)),
            value: None,
            parties: vec![self.party(first.row), self.party(second.row)],
            detail: Detail::None,
        });
    }

    fn tell(&mut self, writes: impl Iterator<Item = Rival>, before: usize, counts: Counts) {
        let first = self.waiting.writes.len();
        self.waiting.writes.extend(writes);
        if let Some(write) = self.waiting.writes.get(first) {
            let (chunk, at) = self.log.locate(u64::from(write.row));
            chunk.key.prefetch_place(at);
        }
        self.waiting.keys.push((self.waiting.writes.len(), before, counts));
        if self.waiting.keys.len() == WAITING {
            self.settle();
        }
    }
}

fn sum<'a>(writes: &Writes<'a>, options: &VerifyOptions, tallies: Vec<Tally<'a>>) -> Tally<'a> {
    let mut sum = Tally::new(writes, options);
    tallies.into_iter().for_each(|tally| sum.merge(tally));
    sum
}

/// Over the window join; `None` if the log is not for it.
fn by_window<'a>(writes: &Writes<'a>, options: &VerifyOptions, path: Path) -> Option<Tally<'a>> {
    let make = || Tally::new(writes, options);
    let meet = |tally: &mut Tally<'a>, (s, a): window::At, (t, b): window::At| {
        let (first, second) = (&writes.segments[s as usize], &writes.segments[t as usize]);
        let (a, b) = (a as usize, b as usize);
        let Some(certainty) = life(first, a).conflict(&life(second, b)) else { return };
        if first.region(a) != second.region(b) && first.key(a) == second.key(b) {
            tally.add(certainty, first.row(a), second.row(b));
        }
    };
    let tallies = window::pairs(writes, options.tuning.isa(), path.force(), make, meet)?;
    Some(sum(writes, options, tallies))
}

/// Over stretches of the log, key by key; `None` if it is not in order of time.
fn by_stretch<'a>(writes: &Writes<'a>, options: &VerifyOptions, insist: bool) -> Option<Tally<'a>> {
    let make = || Tally::new(writes, options);
    let visit = |tally: &mut Tally<'a>, group: &[window::At], before: usize| {
        let region = |&(segment, at): &window::At| writes.segments[segment as usize].region(at as usize);
        let first = region(&group[0]);
        if group.iter().all(|at| region(at) == first) {
            return;
        }
        let mut rivals = std::mem::take(&mut tally.rivals);
        rivals.clear();
        rivals.extend(group.iter().map(|&(segment, at)| {
            let (segment, at) = (&writes.segments[segment as usize], at as usize);
            Rival { life: life(segment, at), class: segment.region(at).into(), row: segment.row(at) }
        }));
        rivals::judge(tally, &rivals.iter().copied(), before);
        tally.rivals = rivals;
    };
    let tallies = window::for_each_key(writes, options.tuning.isa(), insist, make, visit)?;
    Some(sum(writes, options, tallies))
}

/// Over the partitioned path.
fn by_key<'a>(writes: &Writes<'a>, options: &VerifyOptions) -> Result<Tally<'a>> {
    let isa = options.tuning.isa();
    let make = || Tally::new(writes, options);
    let tallies = if writes.segments.iter().any(|s| s.start.is_some()) {
        let record = |s: &Segment<'_>, at: usize, label: Label| Record::<6>::new(label, &life(s, at).ticks);
        let life = |r: &Record<6>| Life { ticks: from_fn(|at| r.tick(at)) };
        for_each_key(writes, isa, Carried { least: 0, times: true }, record, make, |tally, group| {
            judge_key(tally, group, life);
        })?
    } else if let Some(least) = LeanRecord::least_bits(writes, isa) {
        let record = |s: &Segment<'_>, at: usize, label: Label| {
            let (earliest, latest) = s.commit.get(at);
            LeanRecord::new(label, earliest, latest)
        };
        for_each_key(writes, isa, Carried { least, times: true }, record, make, |tally, group| {
            judge_key(tally, group, bound);
        })?
    } else {
        let record = |s: &Segment<'_>, at: usize, label: Label| {
            Record::<4>::new(label, &<[i64; 2]>::from(s.commit.get(at)))
        };
        for_each_key(writes, isa, Carried { least: 0, times: true }, record, make, |tally, group| {
            judge_key(tally, group, bound);
        })?
    };
    Ok(sum(writes, options, tallies))
}

/// The life of a write that started when it committed.
fn bound(write: &impl Written) -> Life {
    let (earliest, latest) = (write.earliest(), write.latest());
    Life { ticks: [earliest, latest, earliest, latest] }
}

/// Judges the writes of one key.
pub(super) fn judge_key<R: Written>(tally: &mut Tally<'_>, group: &[R], life: impl Fn(&R) -> Life) {
    if group.iter().all(|r| r.region() == group[0].region()) {
        return;
    }
    let rival = |r: &R| Rival { life: life(r), class: r.region().into(), row: r.row() };
    rivals::judge(tally, &group.iter().map(rival), 0);
}
