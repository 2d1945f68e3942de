//! The specification, transcribed: what every model says of a log, slow and obvious.
//!
//! It is the oracle of the fast paths, so it shares nothing with them: loops over all pairs,
//! no order but that of rows, no index. Each rule of the specification is quoted where it is
//! coded. Time is quadratic in rows, cubic where a read is compared with every writer.
//!
//! Where the specification is silent, this is what holds:
//!
//! * A transaction that wrote nothing and has no commit bound takes `C = S`, and `commit_ts =
//!   start_ts` where it has no `commit_ts` of its own.
//! * "Two committed writes of one key carry the same value" is meant of operations: a
//!   transaction that writes a value twice makes it ambiguous too.
//! * A value that only the reader itself wrote, later, is an unknown version: no other
//!   transaction can have shown it.
//! * A value of no committed write that an aborted transaction wrote is an aborted read, also
//!   if that transaction overwrote it; one that only a transaction of unknown fate wrote, and
//!   overwrote, is an intermediate read. Of several writers the one of the first row is named.
//! * In `serializable` a session's transaction without a start is not compared with the one
//!   before it: the rule speaks of its start.
//! * `strict-serializable` is judged with inversions wherever `external-consistency` can be
//!   judged. Where it cannot, and `serializable` was judged by assigned timestamps, nothing is
//!   known of real time: it is not checked, for the same reason.
//! * In `linearizable` a read of a value that no committed transaction wrote ended before its
//!   write began, since that never did. Deletes need not be unique: reads of null are ambiguous
//!   then. A stretched operation that is empty (its commit certainly before its start) is
//!   replaced by its midpoint, as a shrunk one is.
//! * `clock-bounds` counts a pair of events once, also if both a read and a session say that
//!   the one came before the other. Any read before an own write of the key tells of an order.

// The specification is quoted as it stands, without backticks.
#![allow(clippy::doc_markdown)]

use std::collections::BTreeMap;

use crate::report::{Counts, Finding, Model, ModelReport};
use crate::txn::{Columns, Places, Row};

mod clock_bounds;
mod external_consistency;
mod history;
mod linearizable;
mod reads;
mod serializable;
mod snapshot_isolation;
#[cfg(test)]
mod tests;
mod writes;

use history::History;

/// A log, as the specification sees it.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// Every row, with defaults and the clock error applied; in any order.
    pub rows: Vec<Row<'a>>,
    /// Which optional columns there are.
    pub columns: Columns,
    /// Where rows stand.
    pub places: Places,
    /// `--visibility-lag`, in ticks.
    pub visibility_lag: u64,
}

/// What a model found; or why it was not checked.
type Judged = Result<(Facts, Vec<Finding>), String>;

/// Numbers that are not findings.
type Facts = BTreeMap<String, u64>;

/// What `model` says of the log, with all findings, sorted by [`Finding::sort_key`]. Kinds
/// without a finding are left out.
///
/// # Panics
/// If a row is not in `input.places`.
pub fn judge(model: Model, input: &Input<'_>) -> ModelReport {
    let history = History::of(input);
    let judged = match model {
        Model::WriteOrder => writes::write_order(&history),
        Model::CrossRegionConflicts => writes::cross_region_conflicts(&history, input.visibility_lag),
        Model::SnapshotIsolation => snapshot_isolation::judge(&history),
        Model::Serializable => serializable::judge(&history),
        Model::StrictSerializable => serializable::judge_strictly(&history),
        Model::ExternalConsistency => external_consistency::judge(&history),
        Model::Linearizable => linearizable::judge(&history),
        Model::ClockBounds => clock_bounds::judge(&history),
    };
    match judged {
        Err(reason) => ModelReport::not_checked(reason),
        Ok((facts, findings)) => report(facts, findings),
    }
}

fn report(facts: Facts, mut findings: Vec<Finding>) -> ModelReport {
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    let mut kinds: BTreeMap<&'static str, Counts> = BTreeMap::new();
    for finding in &findings {
        kinds.entry(finding.kind.name()).or_default().add(finding.certainty);
    }
    ModelReport::judged(facts, kinds, findings)
}
