//! Writes that their own transaction overwrote: no versions.

use crate::log::{Log, READ, Txns};

/// The log rows, sorted, of writes whose transaction wrote the same key again later.
///
/// Cost: O(rows), plus a sort of the writes where the rows of transactions do not stand together.
pub(crate) fn superseded(log: &Log) -> Vec<u32> {
    let Txns::Grouped { of_row, first_row } = &log.txns else { return Vec::new() };
    let mut writes: Vec<Write> = Vec::with_capacity(log.len() as usize);
    for chunk in &log.chunks {
        for at in (0..chunk.rows).filter(|&at| chunk.op.get(at) != READ) {
            let row = (chunk.first_row + at as u64) as u32;
            writes.push(Write { txn: of_row[row as usize], row, key: chunk.key.fingerprint(at) });
        }
    }
    debug_assert!(first_row.len() <= of_row.len());
    if !writes.is_sorted_by_key(|w| w.txn) {
        writes.sort_by_key(|w| w.txn);
    }
    let mut found = Vec::new();
    for txn in writes.chunk_by_mut(|a, b| a.txn == b.txn).filter(|t| t.len() > 1) {
        repeats(log, txn, &mut found);
    }
    found.sort_unstable();
    found
}

#[derive(Clone, Copy)]
struct Write {
    txn: u32,
    row: u32,
    key: u64,
}

/// Adds the rows of one transaction's writes that a later one of the same key follows.
fn repeats(log: &Log, writes: &mut [Write], found: &mut Vec<u32>) {
    writes.sort_by_key(|w| (w.key, w.row));
    for (at, write) in writes.iter().enumerate() {
        let mut later = writes[at + 1..].iter().take_while(|w| w.key == write.key);
        let key = key_of(log, write.row);
        if later.any(|w| key_of(log, w.row) == key) {
            found.push(write.row);
        }
    }
}

fn key_of(log: &Log, row: u32) -> Option<crate::txn::Datum<'_>> {
    let (chunk, at) = log.locate(u64::from(row));
    chunk.key.get(at)
}
