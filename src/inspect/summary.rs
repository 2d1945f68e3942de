//! A log in a few numbers, for the head of a report.

use crate::log::Log;
use crate::partition::count_distinct;
use crate::report::LogSummary;

/// `log` in numbers. Distinct keys are counted only where `count_keys` asks for them: that is a pass
/// of its own.
///
/// Cost: O(rows) where keys are counted or there are sessions, with 16 bytes a row of
/// memory, or what `memory` allows; else
/// O(files).
pub fn summary(log: &Log, count_keys: bool, memory: Option<u64>) -> LogSummary {
    LogSummary {
        files: log.places().files.iter().map(|(name, _)| name.clone()).collect(),
        rows: log.len(),
        transactions: log.txns.count(log.len()),
        keys: count_keys.then(|| count_distinct(log, memory, |c| Some(&c.key))),
        regions: log.regions().to_vec(),
        sessions: count_distinct(log, memory, |c| c.session.as_ref()),
        unit: log.unit(),
    }
}
