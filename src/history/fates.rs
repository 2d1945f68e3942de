//! Which transactions count as committed.

use std::collections::HashMap;

use ahash::RandomState;

use crate::log::{Chunk, DELETE, Log, READ};
use crate::txn::Status;

/// The fate of every transaction, those of unknown fate decided by who read them.
#[derive(Debug)]
pub(crate) enum Fates {
    /// All are committed.
    AllCommitted,
    /// Whether each transaction, by its number, counts as committed.
    Mixed(Vec<bool>),
}

impl Fates {
    /// The fates of `log`. One of unknown fate counts as committed iff another transaction, of
    /// whatever fate, read a value that it wrote last.
    ///
    /// Cost: nothing for a log of committed transactions; else O(rows), with a table of the
    /// writes of unknown fate.
    pub(crate) fn of(log: &Log) -> Fates {
        if log.chunks.iter().all(|c| c.status.all(crate::log::COMMITTED)) {
            return Fates::AllCommitted;
        }
        let count = log.txns.count(log.len()) as usize;
        let mut committed = vec![false; count];
        let mut unknown = false;
        for (txn, fate) in committed.iter_mut().enumerate() {
            let (chunk, at) = log.locate(u64::from(log.txns.first_row(txn as u32)));
            *fate = chunk.status(at) == Status::Committed;
            unknown |= chunk.status(at) == Status::Unknown;
        }
        // A file without values beside one that has them hides nothing of what was read there.
        if unknown && log.chunks.iter().any(|c| c.value.is_some()) {
            believe_the_read(log, &mut committed);
        }
        Fates::Mixed(committed)
    }

    /// Whether a transaction counts as committed.
    pub(crate) fn committed(&self, txn: u32) -> bool {
        match self {
            Fates::AllCommitted => true,
            Fates::Mixed(committed) => committed[txn as usize],
        }
    }
}

/// Tells of a transaction of `log`, by its number, whether it wrote nothing.
///
/// Cost: O(rows) where some row is a read.
pub(crate) fn reads_only(log: &Log) -> impl Fn(u32) -> bool {
    let wrote = log.columns.reads.then(|| {
        let mut wrote = vec![false; log.txns.count(log.len()) as usize];
        for chunk in &log.chunks {
            for at in (0..chunk.rows).filter(|&at| chunk.op.get(at) != READ) {
                wrote[log.txns.of_row((chunk.first_row + at as u64) as u32) as usize] = true;
            }
        }
        wrote
    });
    move |txn| wrote.as_ref().is_some_and(|wrote| !wrote[txn as usize])
}

/// Marks those of unknown fate that another transaction saw.
fn believe_the_read(log: &Log, committed: &mut [bool]) {
    let last = last_writes(log);
    let mut by_version: HashMap<u64, Vec<u32>, RandomState> =
        HashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4));
    for row in last {
        let (chunk, at) = log.locate(u64::from(row));
        by_version.entry(version_fingerprint(chunk, at)).or_default().push(row);
    }
    for chunk in log.chunks.iter().filter(|c| c.has_reads()) {
        for at in (0..chunk.rows).filter(|&at| chunk.op.get(at) == READ) {
            let Some(versions) = by_version.get(&version_fingerprint(chunk, at)) else { continue };
            let reader = log.txns.of_row((chunk.first_row + at as u64) as u32);
            for &write in versions {
                let writer = log.txns.of_row(write);
                let (other, place) = log.locate(u64::from(write));
                let same =
                    other.key.get(place) == chunk.key.get(at) && value(other, place) == value(chunk, at);
                if writer != reader && same {
                    committed[writer as usize] = true;
                }
            }
        }
    }
}

/// The rows, of transactions of unknown fate, that wrote a key last and wrote a value.
fn last_writes(log: &Log) -> Vec<u32> {
    let mut last: HashMap<(u32, u64), Vec<u32>, RandomState> =
        HashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4));
    for chunk in &log.chunks {
        for at in 0..chunk.rows {
            if chunk.op.get(at) == READ || chunk.status(at) != Status::Unknown {
                continue;
            }
            let row = (chunk.first_row + at as u64) as u32;
            let rows = last.entry((log.txns.of_row(row), chunk.key.fingerprint(at))).or_default();
            // Keys that share a fingerprint each keep their own last write.
            let same_key = |&r: &u32| {
                let (other, place) = log.locate(u64::from(r));
                other.key.get(place) == chunk.key.get(at)
            };
            match rows.iter().position(same_key) {
                Some(found) => rows[found] = row,
                None => rows.push(row),
            }
        }
    }
    let wrote_value = |&row: &u32| {
        let (chunk, at) = log.locate(u64::from(row));
        value(chunk, at).is_some()
    };
    last.into_values().flatten().filter(wrote_value).collect()
}

fn value(chunk: &Chunk, at: usize) -> Option<crate::txn::Datum<'_>> {
    if chunk.op.get(at) == DELETE { None } else { chunk.value.as_ref().and_then(|v| v.get(at)) }
}

fn version_fingerprint(chunk: &Chunk, at: usize) -> u64 {
    let value =
        if chunk.op.get(at) == DELETE { 0 } else { chunk.value.as_ref().map_or(0, |v| v.fingerprint(at)) };
    chunk.key.fingerprint(at).rotate_left(32) ^ value
}
