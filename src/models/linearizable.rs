//! `linearizable`: each key behaves as one atomic register (Gibbons and Korach, *Testing shared
//! memories*, 1997). With unique values every read names its write, so that the operations of a
//! version span a zone, and zones that clash are found by one sweep in order of time.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::tally::{Aside, Sighting, Tally};
use crate::history::{Clock, Ends, KeyHistory, Source, Transactions};
use crate::memory::reserve;
use crate::report::{Certainty, Kind, Model, ModelReport, Zone};
use crate::time::BoundedTimestamp;

/// From that many zones on sorting is spread over threads.
const PARALLEL_MIN: usize = 1 << 16;

/// Why the log cannot be judged, if so. Whether values are unique shows only key by key.
pub(super) fn needs(txns: &Transactions<'_>) -> Result<(), String> {
    super::needs::values(txns)?;
    super::needs::reads(txns)?;
    super::needs::starts(txns)?;
    super::needs::commits_of_writers(txns)?;
    let long = txns.needs.long;
    if long.count == 0 {
        return Ok(());
    }
    let what = "committed transactions have more than one operation";
    Err(super::needs::lacking(txns, what, long.count, txns.needs.committed, long.first_row()))
}

/// How an operation's bounds become the time it lasts.
type Lasts = fn(Ends) -> (i64, i64);

/// From the first tick at which it may have begun to the last at which it may have ended.
fn stretched(ends: Ends) -> (i64, i64) {
    lasting(ends[0], ends[3])
}

/// From the last tick at which it may have begun to the first at which it may have ended.
fn shrunk(ends: Ends) -> (i64, i64) {
    lasting(ends[1], ends[2])
}

/// Begin and end; the midpoint, if it ends before it begins.
fn lasting(begin: i64, end: i64) -> (i64, i64) {
    let midpoint = BoundedTimestamp::new(end, begin).map(BoundedTimestamp::midpoint);
    midpoint.map_or((begin, end), |middle| (middle, middle))
}

/// The zone of one version, and the row of its party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    from: i64,
    to: i64,
    row: u32,
}

impl Placed {
    fn shown(&self, forward: bool) -> (u32, Zone) {
        (self.row, Zone { forward, from: Some(self.from), to: self.to })
    }
}

/// What is found.
#[derive(Debug)]
pub(super) struct Room<'a> {
    tally: Tally<'a>,
    ambiguous: u64,
    /// Writes whose value is not unique, and the row of the first.
    shared: (u64, Option<u32>),
    /// By version: the least end and the greatest begin.
    spans: Vec<(i64, i64)>,
    /// The last begin of a read of the initial version, whose zone is a forward one from before all
    /// time, and its row.
    initial: Option<(i64, u32)>,
    forward: Vec<Placed>,
    backward: Vec<Placed>,
}

impl<'a> Room<'a> {
    pub(super) fn new(txns: &'a Transactions<'a>, limit: Option<usize>) -> Self {
        Room {
            tally: Tally::new(txns, Clock::Bounds, Model::Linearizable, limit),
            ambiguous: 0,
            shared: (0, None),
            spans: Vec::new(),
            initial: None,
            forward: Vec::new(),
            backward: Vec::new(),
        }
    }

    /// Judges one key.
    ///
    /// Cost: O(operations log operations); O(operations) where they come in order of time.
    pub(super) fn key(&mut self, history: &KeyHistory) {
        self.ambiguous += history.reads.iter().filter(|r| r.source == Source::Ambiguous).count() as u64;
        let (shared, first) = history.shared_values();
        self.note_shared(shared, first);
        if self.shared.0 > 0 {
            return;
        }
        let from_nowhere =
            |source: Source| matches!(source, Source::Unknown | Source::Aborted(_) | Source::Intermediate(_));
        if let Some(read) = history.reads.iter().find(|r| from_nowhere(r.source)) {
            self.tally.see(Sighting::of(Kind::NotLinearizable, &[read.row]).reading());
            return;
        }
        if !self.clash(history, Certainty::Definite, stretched) {
            self.clash(history, Certainty::Possible, shrunk);
        }
    }

    fn note_shared(&mut self, count: u64, first: Option<u32>) {
        self.shared.0 += count;
        self.shared.1 = match (self.shared.1, first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Whether the operations, lasting so, clash; the first clash is told.
    fn clash(&mut self, history: &KeyHistory, certainty: Certainty, lasts: Lasts) -> bool {
        let txns = self.tally.txns;
        let lasts = |txn: u32| lasts(txns.ends(Clock::Bounds, txn));
        if let Some(early) = self.span(history, &lasts) {
            let sighting = Sighting::of(Kind::NotLinearizable, &early).reading();
            self.tally.see(Sighting { certainty, ..sighting });
            return true;
        }
        self.place(history, &lasts);
        let Some(((a, zone_a), (b, zone_b))) = self.zones_clash() else { return false };
        let parties = [a, b];
        let sighting = Sighting::of(Kind::NotLinearizable, &parties);
        self.tally.see(Sighting { certainty, key: Some(a), aside: Aside::Zones(zone_a, zone_b), ..sighting });
        true
    }

    /// Spans every version over its write and its reads; stops at a read that ends before its
    /// write begins: the rows of both.
    fn span(&mut self, history: &KeyHistory, lasts: &impl Fn(u32) -> (i64, i64)) -> Option<[u32; 2]> {
        self.spans.clear();
        reserve(&mut self.spans, history.versions.len());
        self.spans.extend(history.versions.iter().map(|v| {
            let (begin, end) = lasts(v.txn);
            (end, begin)
        }));
        for read in &history.reads {
            let Source::Version(version) = read.source else { continue };
            let (begin, end) = lasts(read.txn);
            let writer = &history.versions[version as usize];
            if end < lasts(writer.txn).0 {
                return Some([read.row, writer.row]);
            }
            let (least_end, greatest_begin) = &mut self.spans[version as usize];
            *least_end = (*least_end).min(end);
            *greatest_begin = (*greatest_begin).max(begin);
        }
        None
    }

    /// Sorts the spans into forward and backward zones.
    fn place(&mut self, history: &KeyHistory, lasts: &impl Fn(u32) -> (i64, i64)) {
        let forward = self.spans.iter().filter(|(end, begin)| end < begin).count();
        for (zones, room) in [(&mut self.forward, forward), (&mut self.backward, self.spans.len() - forward)]
        {
            zones.clear();
            reserve(zones, room);
        }
        for (version, &(end, begin)) in history.versions.iter().zip(&self.spans) {
            let zones = if end < begin { &mut self.forward } else { &mut self.backward };
            zones.push(Placed { from: end.min(begin), to: end.max(begin), row: version.row });
        }
        // The initial version was written before all; its last reader stands for it.
        let initial = history.reads.iter().filter(|r| r.source == Source::Initial);
        let last = initial.map(|r| (lasts(r.txn).0, std::cmp::Reverse(r.row))).max();
        self.initial = last.map(|(to, std::cmp::Reverse(row))| (to, row));
        for zones in [&mut self.forward, &mut self.backward] {
            if zones.is_sorted() {
            } else if zones.len() < PARALLEL_MIN {
                zones.sort_unstable();
            } else {
                zones.par_sort_unstable();
            }
        }
    }

    /// The least two forward zones that overlap; else the least backward zone inside a forward
    /// one. Equal ends touch: they do not overlap.
    fn zones_clash(&self) -> Option<((u32, Zone), (u32, Zone))> {
        let initial = self.initial.map(|(to, row)| (to, (row, Zone { forward: true, from: None, to })));
        // Of all that begin later, the next begins first.
        if let Some(((to, initial), next)) = initial.zip(self.forward.first())
            && next.from < to
        {
            return Some((initial, next.shown(true)));
        }
        if let Some([a, b, ..]) = self.forward.windows(2).find(|w| w[1].from < w[0].to) {
            return Some((a.shown(true), b.shown(true)));
        }
        if let Some((to, initial)) = initial {
            let within = self.backward.iter().take_while(|inner| inner.from < to);
            if let Some(inner) = within.into_iter().find(|inner| inner.to < to) {
                return Some((initial, inner.shown(false)));
            }
        }
        // No two overlap, so each backward zone is met once or twice.
        let mut rest = self.backward.as_slice();
        for outer in &self.forward {
            rest = &rest[rest.partition_point(|inner| inner.from <= outer.from)..];
            let within = rest.iter().take_while(|inner| inner.from < outer.to);
            if let Some(inner) = within.into_iter().find(|inner| inner.to < outer.to) {
                return Some((outer.shown(true), inner.shown(false)));
            }
        }
        None
    }

    /// Takes over what another room found.
    pub(super) fn merge(&mut self, other: Room<'_>) {
        self.tally.merge(other.tally);
        self.ambiguous += other.ambiguous;
        self.note_shared(other.shared.0, other.shared.1);
    }

    /// The report.
    pub(super) fn report(&self) -> ModelReport {
        if let (shared, Some(first)) = self.shared {
            let txns = self.tally.txns;
            let what = "committed writes have a value that another write of their key has too";
            return ModelReport::not_checked(super::needs::lacking(
                txns,
                what,
                shared,
                txns.needs.writers,
                first,
            ));
        }
        let facts = BTreeMap::from([("ambiguous_reads".to_owned(), self.ambiguous)]);
        self.tally.found(Model::Linearizable).report(facts, &[Kind::NotLinearizable])
    }
}
