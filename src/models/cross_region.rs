//! `cross-region-conflicts`: writers of one key in different regions, each blind to the other.

use std::array::from_fn;
use std::collections::BTreeMap;

use super::names::{key_name, party, txn_name};
use super::rivals::{self, Desk, Life, Rival};
use super::shortlist::Shortlist;
use super::{Path, VerifyOptions};
use crate::error::Result;
use crate::history::{Segment, Writes};
use crate::log::Log;
use crate::partition::{Carried, Label, LeanRecord, Record, Written, for_each_key, key_at};
use crate::report::{Certainty, Counts, Detail, Finding, Kind, Model, ModelReport, Party};
use crate::window::{self, Meeting};

/// The one kind that there is.
const KIND: Kind = Kind::WriteWrite;

/// The report of the model.
pub(super) fn judge(writes: &Writes<'_>, options: &VerifyOptions) -> Result<ModelReport> {
    let tally = match options.tuning.path {
        // Nobody is in another region.
        _ if writes.log.regions().len() < 2 => Tally::new(writes, options),
        Path::Partitioned => by_key(writes, options)?,
        path => by_window(writes, options, path).map_or_else(|| by_key(writes, options), Ok)?,
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
}

impl<'a> Tally<'a> {
    fn new(writes: &Writes<'a>, options: &VerifyOptions) -> Self {
        Tally::of(writes.log, writes.visibility_lag, options.findings)
    }

    /// For writes that, without a start bound, began `lag` ticks before they committed.
    pub(super) fn of(log: &'a Log, lag: u64, limit: Option<usize>) -> Self {
        Tally { log, lag, counts: Counts::default(), findings: Shortlist::new(limit) }
    }

    /// The report.
    pub(super) fn report(self) -> ModelReport {
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

    /// Takes over what another tally found.
    pub(super) fn merge(&mut self, other: Tally<'_>) {
        self.counts.definite += other.counts.definite;
        self.counts.possible += other.counts.possible;
        self.findings.merge(other.findings);
    }
}

impl Desk for Tally<'_> {
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

    fn name(&self, row: u32) -> String {
        txn_name(self.log, row)
    }

    fn offer(&mut self, certainty: Certainty, a: u32, b: u32) {
        let log = self.log;
        if !self.wants(certainty, a) {
            return;
        }
        let mut rows = [a, b].map(|row| (txn_name(log, row), row));
        rows.sort();
        let [(first, a), (_, b)] = rows;
        if !self.findings.wants_named(certainty, KIND, key_at(log, a), |name| name.push_str(&first)) {
            return;
        }
        self.findings.offer(Finding {
            model: Model::CrossRegionConflicts,
            kind: KIND,
            certainty,
            key: Some(key_name(log, a)),
            value: None,
            parties: vec![self.party(a), self.party(b)],
            detail: Detail::None,
        });
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
    let tallies =
        window::pairs(writes, options.tuning.isa(), (Meeting::Lifetimes, path.force()), make, meet)?;
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
            judge_key(tally, group, life)
        })?
    } else if let Some(least) = LeanRecord::least_bits(writes, isa) {
        let record = |s: &Segment<'_>, at: usize, label: Label| {
            let (earliest, latest) = s.commit.get(at);
            LeanRecord::new(label, earliest, latest)
        };
        for_each_key(writes, isa, Carried { least, times: true }, record, make, |tally, group| {
            judge_key(tally, group, bound)
        })?
    } else {
        let record = |s: &Segment<'_>, at: usize, label: Label| {
            Record::<4>::new(label, &<[i64; 2]>::from(s.commit.get(at)))
        };
        for_each_key(writes, isa, Carried { least: 0, times: true }, record, make, |tally, group| {
            judge_key(tally, group, bound)
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
    rivals::judge(tally, &group.iter().map(rival));
}
