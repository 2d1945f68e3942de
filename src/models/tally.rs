//! What one model has found so far: exact counts, and the findings to tell.

use std::collections::BTreeMap;

use super::names::{Head, Named, key_name, txn_name};
use super::rivals::Desk;
use super::shortlist::Shortlist;
use crate::history::{Clock, Transactions, value_of};
use crate::log::Log;
use crate::partition::key_at;
use crate::report::{Certainty, Counts, Detail, Finding, Kind, Model, ModelReport, Party, Zone};

/// Kinds that there are.
const KINDS: usize = Kind::BrokenBound as usize + 1;

/// A finding before it is told: rows of the log in place of names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting<'s> {
    pub(super) kind: Kind,
    pub(super) certainty: Certainty,
    /// A row of the key, if the kind is about a key.
    pub(super) key: Option<u32>,
    /// The row whose value is told, if the kind is about a read.
    pub(super) value: Option<u32>,
    /// The row of each party.
    pub(super) parties: &'s [u32],
    pub(super) aside: Aside,
}

/// [`Detail`], before it is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aside {
    None,
    AtSnapshot,
    /// The row that wrote or read another value before.
    Instead(u32),
    Zones(Zone, Zone),
}

impl<'s> Sighting<'s> {
    /// A definite finding about no key.
    pub(super) fn of(kind: Kind, parties: &'s [u32]) -> Self {
        let certainty = Certainty::Definite;
        Sighting { kind, certainty, key: None, value: None, parties, aside: Aside::None }
    }

    /// The same about what the first party read.
    pub(super) fn reading(self) -> Self {
        let read = self.parties.first().copied();
        Sighting { key: read, value: read, ..self }
    }
}

/// Counts and findings of one model, or of what models share.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    pub(super) txns: &'a Transactions<'a>,
    /// What its findings are judged by.
    pub(super) clock: Clock,
    model: Model,
    counts: [Counts; KINDS],
    findings: Shortlist,
}

impl<'a> Tally<'a> {
    pub(super) fn new(txns: &'a Transactions<'a>, clock: Clock, model: Model, limit: Option<usize>) -> Self {
        Tally { txns, clock, model, counts: [Counts::default(); KINDS], findings: Shortlist::new(limit) }
    }

    /// Counts a finding, and keeps it if it is among the least.
    pub(super) fn see(&mut self, sighting: Sighting<'_>) {
        self.counts[sighting.kind as usize].add(sighting.certainty);
        self.tell(sighting);
    }

    /// Keeps a finding that was counted, if it is among the least.
    pub(super) fn tell(&mut self, sighting: Sighting<'_>) {
        if self.findings.limit() == 0 {
            return;
        }
        let log = self.txns.log;
        let key = sighting.key.and_then(|row| key_at(log, row));
        let of_key = (sighting.certainty, sighting.kind, key);
        let first = sighting.parties.first();
        if first.is_none_or(|first| self.findings.wants_of(of_key, log, Named::of(log, *first))) {
            let finding = self.finding(sighting);
            self.findings.offer(finding);
        }
    }

    /// Keeps a finding that was counted of two transactions of equal part: sorted by name, then
    /// row.
    pub(super) fn tell_pair(&mut self, kind: Kind, certainty: Certainty, a: u32, b: u32) {
        let log = self.txns.log;
        if self.findings.limit() == 0 || !self.findings.wants(certainty, kind, key_at(log, a)) {
            return;
        }
        let mut named = [a, b].map(|row| Named::of(log, row));
        named.sort_by(|a, b| a.cmp(b, log));
        let parties = named.map(|named| named.row);
        self.tell(Sighting { certainty, key: Some(a), ..Sighting::of(kind, &parties) });
    }

    /// Counts findings of one kind.
    pub(super) fn count(&mut self, kind: Kind, counts: Counts) {
        let sum = &mut self.counts[kind as usize];
        sum.definite += counts.definite;
        sum.possible += counts.possible;
    }

    /// How many findings it keeps.
    pub(super) fn limit(&self) -> usize {
        self.findings.limit()
    }

    /// Whether a finding about the key of that row could be kept.
    pub(super) fn wants(&mut self, certainty: Certainty, kind: Kind, row: u32) -> bool {
        self.findings.wants(certainty, kind, key_at(self.txns.log, row))
    }

    /// See [`Shortlist::last_name`].
    pub(super) fn last_name(&mut self, certainty: Certainty, kind: Kind, row: u32) -> Option<Head> {
        self.findings.last_name(certainty, kind, key_at(self.txns.log, row))
    }

    fn finding(&self, sighting: Sighting<'_>) -> Finding {
        let log = self.txns.log;
        let text = |row: u32| value_of(self.txns, row).map(|v| v.to_string());
        Finding {
            model: self.model,
            kind: sighting.kind,
            certainty: sighting.certainty,
            key: sighting.key.map(|row| key_name(log, row)),
            value: sighting.value.map(text),
            parties: sighting.parties.iter().map(|row| self.party(*row)).collect(),
            detail: match sighting.aside {
                Aside::None => Detail::None,
                Aside::AtSnapshot => Detail::AtSnapshot,
                Aside::Instead(row) => Detail::Instead(text(row)),
                Aside::Zones(a, b) => Detail::Zones(a, b),
            },
        }
    }

    fn party(&self, row: u32) -> Party {
        let log = self.txns.log;
        let (chunk, at) = log.locate(u64::from(row));
        Party {
            txn: txn_name(log, row),
            region: log.regions()[usize::from(chunk.region.get(at))].clone(),
            row: u64::from(row),
            times: self.txns.times(self.clock, log.txns.of_row(row)),
        }
    }

    /// Takes over what another tally of the same model found.
    pub(super) fn merge(&mut self, other: Tally<'_>) {
        for (sum, part) in self.counts.iter_mut().zip(other.counts) {
            sum.definite += part.definite;
            sum.possible += part.possible;
        }
        self.findings.merge(other.findings);
    }

    /// What it found, as findings of `model`.
    pub(super) fn found(&self, model: Model) -> Found {
        let mut findings = self.findings.clone().into_findings();
        findings.iter_mut().for_each(|f| f.model = model);
        Found { counts: self.counts, findings, limit: self.findings.limit() }
    }
}

/// What was found, sorted and cut.
#[derive(Debug)]
pub(super) struct Found {
    counts: [Counts; KINDS],
    findings: Vec<Finding>,
    limit: usize,
}

impl Found {
    /// Both together.
    pub(super) fn and(mut self, other: Found) -> Found {
        for (sum, part) in self.counts.iter_mut().zip(other.counts) {
            sum.definite += part.definite;
            sum.possible += part.possible;
        }
        self.findings.extend(other.findings);
        self.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self.findings.truncate(self.limit);
        self
    }

    /// The report, with numbers that are not findings.
    pub(super) fn report(self, facts: BTreeMap<String, u64>, kinds: &[Kind]) -> ModelReport {
        let kinds = kinds.iter().map(|kind| (kind.name(), self.counts[*kind as usize])).collect();
        ModelReport::judged(facts, kinds, self.findings)
    }
}

/// A tally that takes in pairs of writers of one kind.
pub(super) struct PairsOf<'t, 'a> {
    pub(super) tally: &'t mut Tally<'a>,
    pub(super) kind: Kind,
}

impl Desk for PairsOf<'_, '_> {
    fn log(&self) -> &Log {
        self.tally.txns.log
    }

    fn count(&mut self, counts: Counts) {
        self.tally.count(self.kind, counts);
    }

    fn limit(&self) -> usize {
        self.tally.limit()
    }

    fn wants(&mut self, certainty: Certainty, row: u32) -> bool {
        self.tally.wants(certainty, self.kind, row)
    }

    fn last_name(&mut self, certainty: Certainty, row: u32) -> Option<Head> {
        self.tally.last_name(certainty, self.kind, row)
    }

    fn offer(&mut self, certainty: Certainty, a: u32, b: u32) {
        self.tally.tell_pair(self.kind, certainty, a, b);
    }
}
