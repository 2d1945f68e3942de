//! The first findings in sorted order, without keeping the others.

use std::cmp::Ordering;
use std::fmt::Write;

use super::names::{Head, Named, txn_name};
use crate::log::Log;
use crate::report::{Certainty, Finding, Kind};
use crate::txn::Datum;

/// Collects findings of one model and keeps the least of them.
#[derive(Clone, Debug)]
pub(crate) struct Shortlist {
    limit: usize,
    found: Vec<Finding>,
    /// What a finding must not exceed to be of interest, once `limit` are known.
    cut: Option<Cut>,
    scratch: String,
}

/// What a finding is sorted by first.
#[derive(Clone, Debug)]
struct Cut {
    certainty: Certainty,
    kind: &'static str,
    key: Option<(Head, String)>,
    name: (Head, String),
}

impl Shortlist {
    /// A list of the `limit` least findings; of all for `None`.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Shortlist { limit: limit.unwrap_or(usize::MAX), found: Vec::new(), cut: None, scratch: String::new() }
    }

    /// How many it keeps.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether a finding of that certainty, kind and key could be kept.
    pub(crate) fn wants(&mut self, certainty: Certainty, kind: Kind, key: Option<Datum<'_>>) -> bool {
        self.limit > 0 && self.by_key(certainty, kind, key).is_le()
    }

    /// The same of a finding whose first party is the transaction of that row.
    pub(super) fn wants_of(
        &mut self,
        (certainty, kind, key): (Certainty, Kind, Option<Datum<'_>>),
        log: &Log,
        first: Named,
    ) -> bool {
        let by_key = self.by_key(certainty, kind, key);
        let Some(cut) = &self.cut else { return self.limit > 0 };
        let by_head = by_key.then(first.head.cmp(&cut.name.0));
        by_head.then_with(|| txn_name(log, first.row).cmp(&cut.name.1)).is_le()
    }

    /// A head that the first party's name must not exceed in a finding of that certainty, kind and key;
    /// `None` if all may be kept, or none.
    pub(super) fn last_name(
        &mut self,
        certainty: Certainty,
        kind: Kind,
        key: Option<Datum<'_>>,
    ) -> Option<Head> {
        let of_key = self.by_key(certainty, kind, key).is_eq();
        self.cut.as_ref().filter(|_| of_key).map(|cut| cut.name.0)
    }

    /// Where findings of that certainty, kind and key stand to the last one that is kept; before, as
    /// long as there is room.
    fn by_key(&mut self, certainty: Certainty, kind: Kind, key: Option<Datum<'_>>) -> Ordering {
        let Some(cut) = &self.cut else { return Ordering::Less };
        let by_kind = (certainty, kind.name()).cmp(&(cut.certainty, cut.kind));
        by_kind.then_with(|| match (key, &cut.key) {
            (Some(key), Some((head, text))) => Head::of(key).cmp(head).then_with(|| {
                self.scratch.clear();
                // Writing to a string cannot fail.
                let _ = write!(self.scratch, "{key}");
                self.scratch.cmp(text)
            }),
            (key, cut) => key.is_some().cmp(&cut.is_some()),
        })
    }

    /// Adds a finding.
    pub(crate) fn offer(&mut self, finding: Finding) {
        self.found.push(finding);
        // As soon as there is a last one, what comes after it need not be looked at.
        let full = self.found.len() >= self.limit && self.cut.is_none();
        if full || self.found.len() >= self.limit.saturating_mul(2).saturating_add(64) {
            self.tighten();
        }
    }

    fn tighten(&mut self) {
        self.found.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self.found.truncate(self.limit);
        let headed = |text: String| (Head::of_text(&text), text);
        self.cut = self.found.last().filter(|_| self.found.len() == self.limit).map(|last| Cut {
            certainty: last.certainty,
            kind: last.kind.name(),
            key: last.key.clone().map(headed),
            name: headed(last.parties.first().map_or(String::new(), |p| p.txn.clone())),
        });
    }

    /// Takes over what another list kept.
    pub(crate) fn merge(&mut self, other: Shortlist) {
        self.found.extend(other.found);
        if self.found.len() > self.limit {
            self.tighten();
        }
    }

    /// The findings, sorted.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        self.tighten();
        self.found
    }
}
