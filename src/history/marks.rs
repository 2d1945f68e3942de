//! What is known of each transaction in one byte.

use std::sync::atomic::{AtomicU8, Ordering};

use rayon::prelude::*;

use super::fates::Fates;
use crate::log::{Chunk, Log, READ, Txns};

/// It counts as committed.
pub(super) const COMMITTED: u8 = 1;
/// It wrote something.
pub(super) const WROTE: u8 = 2;
/// It has more than one operation.
pub(super) const LONG: u8 = 4;
/// It has a start bound.
pub(super) const HAS_START: u8 = 8;
/// It has a commit bound.
pub(super) const HAS_COMMIT: u8 = 16;

/// Rows that one task looks at.
const STEP: usize = 1 << 16;

/// [`COMMITTED`], [`WROTE`] and [`LONG`] of every transaction.
///
/// Cost: O(rows) where rows share transactions or some row is a read.
pub(super) fn marks(log: &Log, fates: &Fates) -> Vec<AtomicU8> {
    let count = log.txns.count(log.len()) as usize;
    let fate = |txn: usize| if fates.committed(txn as u32) { COMMITTED } else { 0 };
    if matches!(log.txns, Txns::EachRow) && !log.columns.reads {
        return (0..count).into_par_iter().map(|txn| AtomicU8::new(fate(txn) | WROTE)).collect();
    }
    let marks: Vec<AtomicU8> = (0..count).into_par_iter().map(|txn| AtomicU8::new(fate(txn))).collect();
    let pieces: Vec<(&Chunk, usize)> =
        log.chunks.iter().flat_map(|c| (0..c.rows).step_by(STEP).map(move |first| (c, first))).collect();
    pieces.into_par_iter().for_each(|(chunk, first)| mark_piece(log, chunk, first, &marks));
    marks
}

/// Marks the transactions of [`STEP`] rows of a chunk: each run of rows of one transaction at once.
fn mark_piece(log: &Log, chunk: &Chunk, first: usize, marks: &[AtomicU8]) {
    const BLOCK: usize = 512;
    let mut ops = [0; BLOCK];
    let (mut current, mut found) = (None, 0);
    // Marks are only ever set, so their order means nothing.
    let set = |txn: Option<u32>, found: u8| {
        if let Some(txn) = txn {
            marks[txn as usize].fetch_or(found, Ordering::Relaxed);
        }
    };
    let end = (first + STEP).min(chunk.rows);
    for block in (first..end).step_by(BLOCK) {
        let len = BLOCK.min(end - block);
        chunk.op.fill(block, &mut ops[..len]);
        for (i, op) in ops[..len].iter().enumerate() {
            let row = (chunk.first_row + (block + i) as u64) as u32;
            let txn = log.txns.of_row(row);
            if current == Some(txn) {
                found |= LONG;
            } else {
                set(current, found);
                (current, found) = (Some(txn), if log.txns.first_row(txn) == row { 0 } else { LONG });
            }
            found |= if *op == READ { 0 } else { WROTE };
        }
    }
    set(current, found);
}
