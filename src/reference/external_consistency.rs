//! Model 5.

use super::history::{History, Txn, finding};
use super::{Facts, Judged};
use crate::report::{Certainty, Finding, Kind, Model};
use crate::txn::tie_break;

pub(super) fn judge(history: &History<'_>) -> Judged {
    need(history)?;
    let mut findings = inversions(history, Model::ExternalConsistency);
    for txn in history.committed() {
        // "C is the bound of the acknowledgement: C(T).latest < commit_ts(T): definite;
        // C(T).earliest <= commit_ts(T) <= C(T).latest: possible."
        let certainty = if txn.c().latest() < stamp(txn) {
            Certainty::Definite
        } else if txn.c().earliest() <= stamp(txn) {
            Certainty::Possible
        } else {
            continue;
        };
        let parties = vec![txn.itself()];
        findings.push(finding(Model::ExternalConsistency, Kind::CommitWait, certainty, parties));
    }
    Ok((Facts::new(), findings))
}

/// "Needs commit_ts, and bounds of starts and commits that were recorded, not made by
/// `--clock-error`."
pub(super) fn need(history: &History<'_>) -> Result<(), String> {
    let who = "committed transactions";
    history.need(who, "commit timestamp", |_| true, |t| t.commit_ts.is_some())?;
    history.need(who, "recorded start bound", |_| true, |t| t.start.is_some() && !t.assumed)?;
    history.need(who, "recorded commit bound", |_| true, |t| t.commit.is_some() && !t.assumed)
}

/// "C(T1) < S(T2) yet commit_ts(T1) >= commit_ts(T2): definite; counted once per T2, the witness
/// is the T1 with the largest commit_ts", of several the last by region, id and first row.
pub(super) fn inversions(history: &History<'_>, model: Model) -> Vec<Finding> {
    let mut findings = Vec::new();
    for later in history.committed() {
        let mut witness: Option<&Txn<'_>> = None;
        for earlier in history.committed() {
            if earlier.is(later) {
                continue;
            }
            let inverted = earlier.c().precedes(later.s()) && stamp(earlier) >= stamp(later);
            if inverted && witness.is_none_or(|old| is_larger(earlier, old)) {
                witness = Some(earlier);
            }
        }
        if let Some(earlier) = witness {
            let parties = vec![earlier.itself(), later.itself()];
            findings.push(finding(model, Kind::TimestampInversion, Certainty::Definite, parties));
        }
    }
    findings
}

fn stamp(txn: &Txn<'_>) -> i64 {
    txn.times.commit_ts.expect("the model needs commit timestamps and checked that all are there")
}

fn is_larger(new: &Txn<'_>, old: &Txn<'_>) -> bool {
    let tie = tie_break((new.region, new.id, new.first_row()), (old.region, old.id, old.first_row()));
    stamp(new).cmp(&stamp(old)).then(tie).is_gt()
}
