//! `strict-serializable`: serializable in an order that respects real time.
//!
//! Commit order by bounds is real time already; commit order by assigned timestamps is, where no
//! timestamp is inverted.

use super::reads::Shared;
use super::tally::Tally;
use super::{external_consistency, serializable};
use crate::history::Transactions;
use crate::report::{Kind, Model, ModelReport};

/// Why the log cannot be judged, if so.
pub(super) fn needs(txns: &Transactions<'_>) -> Result<(), String> {
    serializable::needs(txns)?;
    match external_consistency::needs(txns) {
        // Judged by points, and real time is unknown.
        Err(reason) if txns.assigned() => Err(reason),
        _ => Ok(()),
    }
}

/// The report: what `serializable` found, and the inversions where there is something to judge
/// them by.
pub(super) fn report(
    serial: &serializable::Room<'_>,
    shared: &Shared<'_>,
    inversions: Option<&Tally<'_>>,
) -> ModelReport {
    let model = Model::StrictSerializable;
    let found = serial.found(shared, model);
    match inversions {
        None => found.report(shared.facts(), &serializable::KINDS),
        Some(inversions) => {
            let kinds = [&serializable::KINDS[..], &[Kind::TimestampInversion]].concat();
            found.and(inversions.found(model)).report(shared.facts(), &kinds)
        }
    }
}
