//! `clock-bounds`: what came first for certain, by reads and sessions, against what bounds say.

use std::collections::BTreeMap;

use super::tally::{Sighting, Tally};
use crate::history::{Clock, Ends, Sessions, Transactions};
use crate::report::{Kind, Model, ModelReport};

/// Why the log cannot be judged, if so. Reads without values tell of no order.
pub(super) fn needs(txns: &Transactions<'_>) -> Result<(), String> {
    super::needs::commits(txns)?;
    let columns = txns.log.columns;
    let starts = txns.needs.without_start.count < txns.needs.committed;
    if starts || columns.session || (columns.reads && columns.value) {
        return Ok(());
    }
    Err("the log has no sessions, no start bounds and no reads with values: nothing says what came first"
        .to_owned())
}

/// What is found.
#[derive(Debug)]
pub(super) struct Room<'a> {
    txns: &'a Transactions<'a>,
    sessions: &'a Sessions,
    /// Pairs of which the first surely came first, and the bounds deny it; some may stand twice.
    broken: Vec<(u32, u32)>,
}

impl<'a> Room<'a> {
    pub(super) fn new(txns: &'a Transactions<'a>, sessions: &'a Sessions) -> Self {
        Room { txns, sessions, broken: Vec::new() }
    }

    /// Judges one read: a version was written, by a transaction with those bounds, before it was read.
    pub(super) fn read(&mut self, (writer, bounds): (u32, &Ends), reader: u32) {
        if began(self.txns, writer, bounds) > self.txns.ends(Clock::Bounds, reader)[3] {
            self.broken.push((writer, reader));
        }
    }

    /// Judges one committed transaction: it started before it committed, and after the one before it
    /// in its session.
    pub(super) fn txn(&mut self, txn: u32) {
        if self.txns.has_start(Clock::Bounds, txn) {
            self.compare(txn, txn);
        }
        if let Some(before) = self.sessions.before(txn) {
            self.compare(before, txn);
        }
    }

    fn compare(&mut self, before: u32, after: u32) {
        if amount(self.txns, before, after) > 0 {
            self.broken.push((before, after));
        }
    }

    /// Takes over what another room found.
    pub(super) fn merge(&mut self, other: Room<'_>) {
        self.broken.extend(other.broken);
    }

    /// The report: for each ordered pair of regions how many pairs, and the largest amount.
    pub(super) fn report(mut self, limit: Option<usize>) -> ModelReport {
        self.broken.sort_unstable();
        self.broken.dedup();
        let txns = self.txns;
        let mut by_regions: BTreeMap<(u16, u16), (u64, u64)> = BTreeMap::new();
        let mut tally = Tally::new(txns, Clock::Bounds, Model::ClockBounds, limit);
        for &(before, after) in &self.broken {
            let parties = [before, after].map(|t| txns.log.txns.first_row(t));
            let [from, to] = parties.map(|row| {
                let (chunk, at) = txns.log.locate(u64::from(row));
                chunk.region.get(at)
            });
            let (count, largest) = by_regions.entry((from, to)).or_default();
            *count += 1;
            *largest = amount(txns, before, after).max(*largest);
            tally.see(Sighting::of(Kind::BrokenBound, &parties));
        }
        let name = |code: u16| &txns.log.regions()[usize::from(code)];
        let facts = by_regions.into_iter().flat_map(|((from, to), (count, largest))| {
            let pair = format!("broken.{}->{}", name(from), name(to));
            [(format!("{pair}.count"), count), (format!("{pair}.largest"), largest)]
        });
        tally.found(Model::ClockBounds).report(facts.collect(), &[Kind::BrokenBound])
    }
}

/// The first tick at which a transaction with those bounds may have begun.
fn began(txns: &Transactions<'_>, txn: u32, ends: &Ends) -> i64 {
    if txns.has_start(Clock::Bounds, txn) { ends[0] } else { ends[2] }
}

/// By how many ticks, at least, a bound was untrue, if `before` began before `after` committed; 0
/// if none need be.
fn amount(txns: &Transactions<'_>, before: u32, after: u32) -> u64 {
    let begin = began(txns, before, &txns.ends(Clock::Bounds, before));
    let end = txns.ends(Clock::Bounds, after)[3];
    if end < begin { begin.abs_diff(end) } else { 0 }
}
