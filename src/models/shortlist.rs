//! The first findings in sorted order, without keeping the others.

use std::fmt::Write;

use crate::report::{Certainty, Finding};
use crate::txn::Datum;

/// Collects findings of one model and keeps the least of them.
#[derive(Debug)]
pub(crate) struct Shortlist {
    limit: usize,
    found: Vec<Finding>,
    /// What a finding must not exceed to be of interest, once `limit` are known.
    cut: Option<(Certainty, String, String)>,
    scratch: String,
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

    /// Whether a finding of that certainty and key could be kept. One kind a certainty is
    /// assumed, as holds for the models of writes.
    pub(crate) fn wants(&mut self, certainty: Certainty, key: Option<Datum<'_>>) -> bool {
        self.wants_named(certainty, key, |_| ())
    }

    /// The same, where the name of the first transaction is known: `name` writes it.
    pub(crate) fn wants_named(
        &mut self,
        certainty: Certainty,
        key: Option<Datum<'_>>,
        name: impl FnOnce(&mut String),
    ) -> bool {
        if self.limit == 0 {
            return false;
        }
        let Some((cut_certainty, cut_key, cut_name)) = &self.cut else { return true };
        if certainty != *cut_certainty {
            return certainty < *cut_certainty;
        }
        self.scratch.clear();
        if let Some(key) = key {
            // Writing to a string cannot fail.
            let _ = write!(self.scratch, "{key}");
        }
        if self.scratch != *cut_key {
            return self.scratch < *cut_key;
        }
        self.scratch.clear();
        name(&mut self.scratch);
        self.scratch <= *cut_name
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
        self.cut = self.found.last().filter(|_| self.found.len() == self.limit).map(|last| {
            let name = last.parties.first().map_or(String::new(), |p| p.txn.clone());
            (last.certainty, last.key.clone().unwrap_or_default(), name)
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
