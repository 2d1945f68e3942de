//! Models 4 and 6.

use super::external_consistency;
use super::history::{History, Txn};
use super::reads::{Stand, ambiguous_reads, broken_reads, misplaced_reads};
use super::snapshot_isolation::{commit_ties, session_order};
use super::{Facts, Judged};
use crate::report::{Finding, Model};

/// Model 4.
pub(super) fn judge(history: &History<'_>) -> Judged {
    judge_as(history, Model::Serializable)
}

/// Model 6: "4's and 5's timestamp-inversion findings; without assigned timestamps, 4 alone,
/// since there commit order by the bounds is real time."
pub(super) fn judge_strictly(history: &History<'_>) -> Judged {
    let (facts, mut findings) = judge_as(history, Model::StrictSerializable)?;
    match external_consistency::need(history) {
        Ok(()) => findings.extend(external_consistency::inversions(history, Model::StrictSerializable)),
        // Judged by points, and real time is unknown.
        Err(reason) if history.assigned() => return Err(reason),
        Err(_) => {}
    }
    Ok((facts, findings))
}

fn judge_as(history: &History<'_>, model: Model) -> Judged {
    history.need_values()?;
    history.need_reads()?;
    if history.assigned() {
        return Ok(findings(&history.by_points(), model));
    }
    history.need_commits()?;
    Ok(findings(history, model))
}

fn findings(history: &History<'_>, model: Model) -> (Facts, Vec<Finding>) {
    let mut findings = Vec::new();
    for reader in history.committed() {
        findings.extend(misplaced_reads(history, model, reader, stand(reader)));
    }
    // "And 3's kinds from own-write-missed to commit-tie."
    findings.extend(broken_reads(history, model));
    findings.extend(session_order(history, model));
    findings.extend(commit_ties(history, model));
    (Facts::from([("ambiguous_reads".to_owned(), ambiguous_reads(history))]), findings)
}

/// "A transaction that wrote nothing stands at its snapshot: it is judged by 3's two rules if
/// it has a start."
fn stand(reader: &Txn<'_>) -> Stand {
    match reader.times.start {
        Some(start) if reader.wrote_nothing() => Stand::Snapshot(start),
        _ => Stand::Commit(reader.c()),
    }
}
