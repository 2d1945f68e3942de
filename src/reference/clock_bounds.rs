//! Model 8.

use super::history::{History, Txn, finding};
use super::reads::{Source, external_reads, source};
use super::{Facts, Judged};
use crate::report::{Certainty, Finding, Kind, Model};
use crate::time::BoundedTimestamp;

pub(super) fn judge(history: &History<'_>) -> Judged {
    history.need_commits()?;
    need_an_order(history)?;
    let mut facts = Facts::new();
    let mut findings = Vec::new();
    for (a, b) in surely_ordered(history) {
        let (before, after) = (beginning(a), b.c());
        // "b.latest < a.earliest proves that a bound was untrue, by at least a.earliest -
        // b.latest ticks: definite broken-bound."
        if after.latest() < before.earliest() {
            let amount = before.earliest().abs_diff(after.latest());
            count(&mut facts, a, b, amount);
            findings.push(broken(a, b));
        }
    }
    Ok((facts, findings))
}

/// "Needs bounds, and starts, reads or sessions." Reads without values tell of no order.
fn need_an_order(history: &History<'_>) -> Result<(), String> {
    let starts = history.committed().any(|t| t.times.start.is_some());
    let reads = history.columns.reads && history.columns.value;
    if starts || reads || history.columns.session {
        return Ok(());
    }
    Err("the log has no sessions, no start bounds and no reads with values: nothing says what came first"
        .to_owned())
}

/// "W's start (its commit, without starts)."
fn beginning(txn: &Txn<'_>) -> BoundedTimestamp {
    txn.times.start.unwrap_or(txn.c())
}

/// "Pairs (a, b) in which a surely came before b": the transactions of which the first's
/// beginning came before the second's commit; each pair once.
fn surely_ordered<'h, 'a>(history: &'h History<'a>) -> Vec<(&'h Txn<'a>, &'h Txn<'a>)> {
    // "A transaction's own start before its commit."
    let mut ordered: Vec<(&Txn<'_>, &Txn<'_>)> =
        history.committed().filter(|t| t.times.start.is_some()).map(|t| (t, t)).collect();
    // "W's start before R's commit, when R read W's version (one pair per W and R)."
    for reader in history.committed() {
        for read in external_reads(reader) {
            if let Source::Version(writer) = source(history, reader, read) {
                ordered.push((writer, reader));
            }
        }
    }
    // "T1's start before T2's commit, T1 right before T2 in a session."
    ordered.extend(history.session_pairs());
    let mut once: Vec<(&Txn<'_>, &Txn<'_>)> = Vec::new();
    for (a, b) in ordered {
        if !once.iter().any(|(c, d)| a.is(c) && b.is(d)) {
            once.push((a, b));
        }
    }
    once
}

fn broken(a: &Txn<'_>, b: &Txn<'_>) -> Finding {
    let parties = vec![a.itself(), b.itself()];
    finding(Model::ClockBounds, Kind::BrokenBound, Certainty::Definite, parties)
}

/// "For each ordered pair of regions, how many and the largest amount."
fn count(facts: &mut Facts, a: &Txn<'_>, b: &Txn<'_>, amount: u64) {
    let name = format!("broken.{}->{}", a.region, b.region);
    *facts.entry(format!("{name}.count")).or_default() += 1;
    let largest = facts.entry(format!("{name}.largest")).or_default();
    *largest = amount.max(*largest);
}
