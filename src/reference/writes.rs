//! The models of writes: write-order and cross-region-conflicts.

use super::history::{History, Txn, both, finding, pairs};
use super::{Facts, Judged};
use crate::report::{Certainty, Finding, Kind, Model};
use crate::time::BoundedTimestamp;
use crate::txn::Datum;

/// Model 1.
pub(super) fn write_order(history: &History<'_>) -> Judged {
    history.need_commits_of_writers()?;
    let mut facts = Facts::new();
    for name in [
        "pairs_ordered",
        "pairs_ambiguous",
        "cross_region_pairs_ordered",
        "cross_region_pairs_ambiguous",
        "winners_justified",
    ] {
        facts.insert(name.to_owned(), 0);
    }
    let mut count = |name: &str| *facts.entry(name.to_owned()).or_default() += 1;
    let mut findings = Vec::new();
    for key in history.keys() {
        let writers = history.writers(key);
        // "For each key, pairs of writes by different transactions: ordered (C(A) < C(B) or
        // the reverse) or ambiguous (concurrent), all and across regions."
        for (a, b) in pairs(&writers) {
            let ordered = a.c().precedes(b.c()) || b.c().precedes(a.c());
            count(if ordered { "pairs_ordered" } else { "pairs_ambiguous" });
            if a.region != b.region {
                count(if ordered { "cross_region_pairs_ordered" } else { "cross_region_pairs_ambiguous" });
            }
        }
        match winner(key, &writers) {
            Winner::Nobody => {}
            Winner::Justified => count("winners_justified"),
            Winner::Unjustified(found) => findings.push(found),
        }
    }
    Ok((facts, findings))
}

enum Winner {
    Nobody,
    Justified,
    Unjustified(Finding),
}

fn winner(key: Datum<'_>, writers: &[&Txn<'_>]) -> Winner {
    let Some(winner) = last_by_stamp(key, writers) else { return Winner::Nobody };
    // "With m = the largest C.earliest of the key's writes, a possible last writer is one with
    // C.latest >= m."
    let m = writers.iter().map(|t| t.c().earliest()).max().unwrap_or(i64::MIN);
    let possible: Vec<&Txn<'_>> = writers.iter().copied().filter(|t| t.c().latest() >= m).collect();
    let others: Vec<&Txn<'_>> = possible.iter().copied().filter(|t| !t.is(winner)).collect();
    if others.len() == possible.len() {
        // "Wrong: none of them (definite finding lost-write)."
        let newest: Vec<&Txn<'_>> = writers.iter().copied().filter(|t| t.c().earliest() == m).collect();
        return unjustified(Kind::LostWrite, Certainty::Definite, key, winner, &newest);
    }
    if others.is_empty() {
        // "Winner justified: the only possible last writer."
        return Winner::Justified;
    }
    // "Contested: one of several (possible finding contested-winner)."
    unjustified(Kind::ContestedWinner, Certainty::Possible, key, winner, &others)
}

fn unjustified(
    kind: Kind,
    certainty: Certainty,
    key: Datum<'_>,
    winner: &Txn<'_>,
    against: &[&Txn<'_>],
) -> Winner {
    let rival = last_by_stamp(key, against).map(|t| t.as_writer(key));
    let parties = std::iter::once(winner.as_writer(key)).chain(rival).collect();
    Winner::Unjustified(finding(Model::WriteOrder, kind, certainty, parties).about(key))
}

/// "The last-writer-wins winner: the largest stamp (`commit_ts`, else the midpoint of C), ties
/// to the larger region name, then the larger transaction id", then the later row.
fn last_by_stamp<'h, 'a>(key: Datum<'_>, writers: &[&'h Txn<'a>]) -> Option<&'h Txn<'a>> {
    let mut best: Option<&Txn<'_>> = None;
    for txn in writers {
        let beats = |old: &Txn<'_>| {
            let (new, old_stamp) = (txn.times.stamp(), old.times.stamp());
            new > old_stamp || new == old_stamp && txn.wins_tie(old, key)
        };
        if best.is_none_or(beats) {
            best = Some(txn);
        }
    }
    best
}

/// Model 2.
pub(super) fn cross_region_conflicts(history: &History<'_>, visibility_lag: u64) -> Judged {
    history.need_commits_of_writers()?;
    let mut history = history.clone();
    for txn in &mut history.txns {
        // "Without starts, S is C - D (both ends, saturating) for the visibility lag D."
        let assumed = txn.times.commit.map(|c| c.earlier_by(visibility_lag));
        txn.times.start = txn.times.start.or(assumed);
    }
    let mut findings = blind_pairs(&history, Model::CrossRegionConflicts, Kind::WriteWrite);
    findings.retain(|f| f.parties[0].region != f.parties[1].region);
    Ok((Facts::new(), findings))
}

/// "Pairs (A, B) of transactions that wrote one key, each blind to the other. A pair counts
/// once per key."
pub(super) fn blind_pairs(history: &History<'_>, model: Model, kind: Kind) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in history.keys() {
        for (a, b) in pairs(&history.writers(key)) {
            if let Some(certainty) = blind((a.s(), a.c()), (b.s(), b.c())) {
                let parties = both(a.as_writer(key), b.as_writer(key));
                findings.push(finding(model, kind, certainty, parties).about(key));
            }
        }
    }
    findings
}

/// "Definite iff S(A).latest < C(B).earliest and S(B).latest < C(A).earliest; certainly none
/// iff C(A).latest <= S(B).earliest or the reverse; else possible."
fn blind(
    a: (BoundedTimestamp, BoundedTimestamp),
    b: (BoundedTimestamp, BoundedTimestamp),
) -> Option<Certainty> {
    let ((start_a, commit_a), (start_b, commit_b)) = (a, b);
    if start_a.latest() < commit_b.earliest() && start_b.latest() < commit_a.earliest() {
        Some(Certainty::Definite)
    } else if commit_a.latest() <= start_b.earliest() || commit_b.latest() <= start_a.earliest() {
        None
    } else {
        Some(Certainty::Possible)
    }
}
