//! From rows of the log to the names that findings carry.

use std::cmp::Ordering;

use crate::log::Log;
use crate::report::Party;
use crate::txn::{Datum, tie_break};

/// The transaction that log row `row` belongs to, as a party to a finding.
pub(super) fn party(log: &Log, row: u32) -> Party {
    let found = log.row(u64::from(row));
    Party {
        txn: txn_name(log, row),
        region: found.region.to_owned(),
        row: u64::from(row),
        times: found.times,
    }
}

/// The name of the transaction that log row `row` belongs to.
pub(super) fn txn_name(log: &Log, row: u32) -> String {
    match txn_id(log, row) {
        Some(id) => id.to_string(),
        None => log.places().row_name(u64::from(row)),
    }
}

fn txn_id(log: &Log, row: u32) -> Option<Datum<'_>> {
    let (chunk, at) = log.locate(u64::from(row));
    chunk.txn.as_ref().and_then(|t| t.get(at))
}

/// The key at log row `row`, as text.
pub(super) fn key_name(log: &Log, row: u32) -> String {
    log.row(u64::from(row)).key.to_string()
}

/// Which of two writes of equal stamp wins: see [`tie_break`].
pub(super) fn by_tie_break(log: &Log, a: u32, b: u32) -> Ordering {
    let of = |row: u32| {
        let row = log.row(u64::from(row));
        (row.region, row.txn, row.row)
    };
    tie_break(of(a), of(b))
}
