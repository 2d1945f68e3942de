//! The first findings in sorted order, without keeping the others.

use std::fmt::Write;

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
    key: Option<String>,
    name: String,
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
        self.wants_named(certainty, kind, key, |_| ())
    }

    /// The same, where the name of the first transaction is known: `name` writes it.
    pub(crate) fn wants_named(
        &mut self,
        certainty: Certainty,
        kind: Kind,
        key: Option<Datum<'_>>,
        name: impl FnOnce(&mut String),
    ) -> bool {
        if self.limit == 0 {
            return false;
        }
        let Some(cut) = &self.cut else { return true };
        let by_kind = (certainty, kind.name()).cmp(&(cut.certainty, cut.kind));
        self.scratch.clear();
        let by_key = by_kind.then_with(|| match (key, &cut.key) {
            (Some(key), Some(cut)) => {
                // Writing to a string cannot fail.
                let _ = write!(self.scratch, "{key}");
                self.scratch.cmp(cut)
            }
            (key, cut) => key.is_some().cmp(&cut.is_some()),
        });
        by_key
            .then_with(|| {
                self.scratch.clear();
                name(&mut self.scratch);
                self.scratch.cmp(&cut.name)
            })
            .is_le()
    }

    /// Adds a finding.
    pub(crate) fn offer(&mut self, finding: Finding) {
        self.found.push(finding);
        if self.found.len() >= self.limit.saturating_mul(2).saturating_add(64) {
            self.tighten();
        }
    }

    fn tighten(&mut self) {
        self.found.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        self.found.truncate(self.limit);
        self.cut = self.found.last().filter(|_| self.found.len() == self.limit).map(|last| Cut {
            certainty: last.certainty,
            kind: last.kind.name(),
            key: last.key.clone(),
            name: last.parties.first().map_or(String::new(), |p| p.txn.clone()),
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
