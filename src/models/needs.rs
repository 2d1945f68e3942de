//! What models need of a log, and the sentence that says what is missing.

use crate::history::{Transactions, Without};
use crate::report;

/// A value column.
pub(super) fn values(txns: &Transactions<'_>) -> Result<(), String> {
    if txns.log.columns.value { Ok(()) } else { Err("the log has no value column".to_owned()) }
}

/// Reads.
pub(super) fn reads(txns: &Transactions<'_>) -> Result<(), String> {
    if txns.log.columns.reads { Ok(()) } else { Err("the log has no reads".to_owned()) }
}

/// A start bound of every committed transaction.
pub(super) fn starts(txns: &Transactions<'_>) -> Result<(), String> {
    all(txns, txns.needs.without_start, "start bound")
}

/// A commit bound of every committed transaction.
pub(super) fn commits(txns: &Transactions<'_>) -> Result<(), String> {
    all(txns, txns.needs.without_commit, "commit bound")
}

/// A commit bound of every committed transaction that wrote.
pub(super) fn commits_of_writers(txns: &Transactions<'_>) -> Result<(), String> {
    of(txns, "committed writers", txns.needs.writers, txns.needs.writers_without_commit, "commit bound")
}

/// Of every committed transaction a `what`.
pub(super) fn all(txns: &Transactions<'_>, without: Without, what: &str) -> Result<(), String> {
    of(txns, "committed transactions", txns.needs.committed, without, what)
}

fn of(txns: &Transactions<'_>, who: &str, total: u64, without: Without, what: &str) -> Result<(), String> {
    if without.count == 0 {
        Ok(())
    } else if without.count == total {
        Err(format!("the log has no {what}s"))
    } else {
        Err(lacking(txns, &format!("{who} have no {what}"), without.count, total, without.first_row()))
    }
}

/// The sentence that `count` of `total` transactions lack something, `first` being the first row of
/// the first of them.
pub(super) fn lacking(txns: &Transactions<'_>, what: &str, count: u64, total: u64, first: u32) -> String {
    report::lacking(what, count, total, u64::from(first), txns.log.places())
}
