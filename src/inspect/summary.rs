//! A log in a few numbers, for the head of a report.

use hashbrown::HashTable;

use crate::error::Result;
use crate::log::{Log, Txns};
use crate::memory::Budget;
use crate::partition::count_distinct;
use crate::report::LogSummary;

/// `log` in numbers. Distinct keys are counted only where `count_keys` asks for them: that is a pass
/// of its own.
///
/// # Errors
/// If `memory` does not hold that and temporary files fail.
///
/// Cost: O(rows) where keys are counted or there are sessions, with 8 to 16 bytes a row of
/// memory, of up to 1 GiB at a time, or what `memory` allows; else O(files).
pub fn summary(log: &Log, count_keys: bool, memory: Option<u64>) -> Result<LogSummary> {
    let budget = Budget::of(memory);
    let keys = if count_keys { Some(count_distinct(log, budget, |c| Some(&c.key))?) } else { None };
    Ok(LogSummary {
        files: log.places().files.iter().map(|(name, _)| name.clone()).collect(),
        rows: log.len(),
        transactions: log.txns.count(log.len()),
        keys,
        regions: log.regions().to_vec(),
        sessions: sessions(log, budget)?,
        unit: log.unit(),
    })
}

/// Bytes that a session takes in a table, at most.
const ENTRY_BYTES: u64 = 36;

/// Distinct sessions. The rows of a transaction agree on theirs, so that its first row tells.
fn sessions(log: &Log, budget: Budget) -> Result<u64> {
    let in_table = |txns: &&Txns| budget.holds(txns.count(log.len()) * ENTRY_BYTES);
    let Some(Txns::Grouped { first_row, .. }) = Some(&log.txns).filter(in_table) else {
        return count_distinct(log, budget, |c| c.session.as_ref());
    };
    let session = |row: u32| {
        let (chunk, at) = log.locate(u64::from(row));
        let column = chunk.session.as_ref()?;
        Some((column.get(at)?, column.fingerprint(at)))
    };
    // With each fingerprint, a row that shows the session.
    let mut seen: HashTable<(u64, u32)> = HashTable::new();
    let hash = |fingerprint: u64| fingerprint ^ fingerprint >> 32;
    for &row in first_row {
        let Some((id, fingerprint)) = session(row) else { continue };
        let same = |other: &(u64, u32)| other.0 == fingerprint && session(other.1).is_some_and(|s| s.0 == id);
        if seen.find(hash(fingerprint), same).is_none() {
            seen.insert_unique(hash(fingerprint), (fingerprint, row), |other| hash(other.0));
        }
    }
    Ok(seen.len() as u64)
}
