//! All operations of each key: reads and writes of whatever fate.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::groups::{Sorter, pieces_of_chunks, place_of_key, stretches};
use super::scatter::{Keyed, Scattered, Sink, Split};
use crate::error::Result;
use crate::history::{Operation, Transactions};
use crate::log::{Chunk, READ, Txns};
use crate::memory::{Budget, Spare};
use crate::scatter::States;
use crate::timings::{Timings, measure};

impl Keyed for Operation {
    type Words = [u64; 3];

    const ZERO: Self = Operation::ZERO;

    fn pack(self) -> [u64; 3] {
        self.words()
    }

    fn unpack(words: [u64; 3]) -> Self {
        Operation::of_words(words)
    }

    fn fingerprint(&self) -> u64 {
        self.key()
    }

    fn key_row(&self) -> Option<u32> {
        Some(self.row)
    }
}

/// How operations are gathered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gathering<'t> {
    /// The instruction set.
    pub(crate) isa: Isa,
    /// Clears bits of every fingerprint: tests make keys and values collide by it.
    pub(crate) mask: u64,
    /// Leaves every read out: tests must notice.
    pub(crate) forget_reads: bool,
    /// What the records may take at a time.
    pub(crate) budget: Budget,
    /// Notes how long it takes.
    pub(crate) timings: Option<&'t Timings>,
}

/// Visits the operations of every key, each key once, its operations in row order. `visit` is
/// given the state of its thread's share, and the states come back.
///
/// # Errors
/// If records had to go to a file and it failed.
///
/// Cost: O(rows) expected, and a record (24 bytes) a row of memory; with a smaller budget each record is
/// written and read once more. A key's records are held together, and copied, whatever the budget.
pub(crate) fn for_each_operated_key<T: Send>(
    txns: &Transactions<'_>,
    how: Gathering<'_>,
    make: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, &[Operation]) + Sync,
) -> Result<Vec<T>> {
    let log = txns.log;
    let split = Split::of(log.len() as usize, size_of::<Operation>(), how.budget, Operation::MARK_BITS);
    let stretches = stretches(pieces_of_chunks(log));
    let size = (log.len(), log.len() * size_of::<Operation>() as u64);
    let exact = log.exact_keys() && how.mask == u64::MAX;
    let lens = stretches.iter().map(|pieces| pieces.iter().map(|(_, rows)| rows.len()).sum());
    let mut scattered: Scattered<Operation> = Scattered::new(split, lens, Spare::default());
    let states = States::default();
    for round in split.rounds() {
        measure(how.timings, "partition", size, || {
            scattered.fill(how.isa, round, |stretch, sink| {
                stretches[stretch]
                    .iter()
                    .for_each(|(chunk, rows)| fill(txns, how, chunk, rows.clone(), sink));
            })
        })?;
        measure(how.timings, "keys", size, || each_key(txns, exact, &scattered, &states, (&make, &visit)));
    }
    Ok(states.into_all())
}

/// Visits the groups of all partitions. Each thread takes the heaviest partition that is left: a hot
/// key is begun first, and the others are judged beside it.
fn each_key<T: Send>(
    txns: &Transactions<'_>,
    exact: bool,
    scattered: &Scattered<Operation>,
    states: &States<T>,
    (make, visit): (impl Fn() -> T + Sync, impl Fn(&mut T, &[Operation]) + Sync),
) {
    let key = |o: &Operation| place_of_key(txns.log, o);
    let rows = |&partition: &usize| scattered.rows(partition);
    let mut heaviest: Vec<usize> = (0..scattered.len()).collect();
    heaviest.sort_by_cached_key(|partition| Reverse(rows(partition)));
    let taken = AtomicUsize::new(0);
    let share = |_: usize| {
        let (mut state, mut sorter) = (states.take().unwrap_or_else(&make), Sorter::default());
        while let Some(partition) = heaviest.get(taken.fetch_add(1, Ordering::Relaxed)) {
            sorter.sort(scattered, *partition);
            let expect = |operation: &Operation| txns.prefetch(operation.txn);
            sorter.groups(exact, key, expect, |group| visit(&mut state, group));
        }
        states.leave(state);
    };
    (0..rayon::current_num_threads()).into_par_iter().for_each(share);
}

fn fill(
    txns: &Transactions<'_>,
    how: Gathering<'_>,
    chunk: &Chunk,
    rows: Range<usize>,
    sink: &mut Sink<'_, '_, Operation>,
) {
    const STEP: usize = 512;
    let (mut keys, mut values, mut ops) = ([0; STEP], [0; STEP], [0; STEP]);
    let mut null = [false; STEP];
    for first in rows.clone().step_by(STEP) {
        let len = STEP.min(rows.end - first);
        chunk.key.fingerprints(how.isa, first, &mut keys[..len]);
        if let Some(column) = &chunk.value {
            column.fingerprints(how.isa, first, &mut values[..len]);
        }
        chunk.op.fill(first, &mut ops[..len]);
        chunk.null_values(first, &ops[..len], &mut null[..len]);
        keys[..len].iter_mut().for_each(|key| *key &= how.mask);
        let row = |i: usize| (chunk.first_row + (first + i) as u64) as u32;
        let operation = |i: usize, key: u64, txn: u32| {
            Operation::new(key, values[i] & how.mask, (row(i), txn), (ops[i] == READ, null[i]))
        };
        // Chosen outside the loop.
        match &txns.log.txns {
            _ if how.forget_reads => {
                let writes: Vec<usize> = (0..len).filter(|&i| ops[i] != READ).collect();
                let keys: Vec<u64> = writes.iter().map(|&i| keys[i]).collect();
                let txn = |i: usize| txns.log.txns.of_row(row(i));
                sink.take(&keys, |i, key| operation(writes[i], key, txn(writes[i])));
            }
            Txns::EachRow => sink.take(&keys[..len], |i, key| operation(i, key, row(i))),
            Txns::Grouped { of_row, .. } => {
                let of_row = &of_row[row(0) as usize..][..len];
                sink.take(&keys[..len], |i, key| operation(i, key, of_row[i]));
            }
        }
    }
}
