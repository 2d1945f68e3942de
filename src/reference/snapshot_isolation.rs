//! Model 3.

use super::history::{History, both, finding, pairs};
use super::reads::{Stand, ambiguous_reads, broken_reads, misplaced_reads};
use super::writes::blind_pairs;
use super::{Facts, Judged};
use crate::report::{Certainty, Finding, Kind, Model};

const MODEL: Model = Model::SnapshotIsolation;

pub(super) fn judge(history: &History<'_>) -> Judged {
    history.need_values()?;
    // "Judged by start_ts/commit_ts where present."
    if history.assigned() {
        return Ok(findings(&history.by_points()));
    }
    history.need_starts()?;
    history.need_commits_of_writers()?;
    Ok(findings(history))
}

fn findings(history: &History<'_>) -> (Facts, Vec<Finding>) {
    // "lost-update (first committer wins broken): as 2, for any two regions."
    let mut findings = blind_pairs(history, MODEL, Kind::LostUpdate);
    for reader in history.committed() {
        findings.extend(misplaced_reads(history, MODEL, reader, Stand::Snapshot(reader.s())));
    }
    findings.extend(broken_reads(history, MODEL));
    findings.extend(session_order(history, MODEL));
    findings.extend(commit_ties(history, MODEL));
    findings.extend(commits_before_starts(history));
    (Facts::from([("ambiguous_reads".to_owned(), ambiguous_reads(history))]), findings)
}

/// "T1 before T2 in a session and certainly not visible (S(T2).latest < C(T1).earliest):
/// definite. Never possible." A T2 without a start is not compared.
pub(super) fn session_order(history: &History<'_>, model: Model) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (earlier, later) in history.session_pairs() {
        if later.times.start.is_some_and(|s| s.latest() < earlier.c().earliest()) {
            let parties = vec![earlier.itself(), later.itself()];
            findings.push(finding(model, Kind::SessionOrder, Certainty::Definite, parties));
        }
    }
    findings
}

/// "Two transactions with one commit point wrote one key: possible."
pub(super) fn commit_ties(history: &History<'_>, model: Model) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in history.keys() {
        for (a, b) in pairs(&history.writers(key)) {
            if a.c().is_point() && a.c() == b.c() {
                let parties = both(a.as_writer(key), b.as_writer(key));
                findings.push(finding(model, Kind::CommitTie, Certainty::Possible, parties).about(key));
            }
        }
    }
    findings
}

/// "C(T).latest < S(T).earliest: definite."
fn commits_before_starts(history: &History<'_>) -> Vec<Finding> {
    history
        .committed()
        .filter(|t| t.c().latest() < t.s().earliest())
        .map(|t| finding(MODEL, Kind::CommitBeforeStart, Certainty::Definite, vec![t.itself()]))
        .collect()
}
