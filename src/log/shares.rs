//! Grouping rows by transaction ids in any order, where a table of all ids is more than memory holds.
//!
//! 1. Ids are taken in shares by their hashes, one table at a time for each thread. For each row of a
//!    share the first row of its transaction is written down.
//! 2. A bit says which rows are first ones: as many as stand before a first row, so many
//!    transactions come before its own. So one more pass numbers them.

use rayon::prelude::*;

use arrow::buffer::ScalarBuffer;
use hashbrown::HashTable;

use super::chunk::Chunk;
use super::txns::{Txns, hash_of, locate, spread};
use crate::error::Result;
use crate::memory::{Budget, ColumnWriter};
use crate::txn::Datum;

/// Bytes that a transaction takes in a table, at most.
const ENTRY_BYTES: u64 = 26;

/// Whether a table of all ids is more than `budget` holds beside what it grows from.
pub(super) fn needed(rows: usize, budget: Budget) -> bool {
    !budget.holds(rows as u64 * ENTRY_BYTES)
}

/// The transactions of `rows` rows.
///
/// # Errors
/// If columns had to go to files and these failed.
///
/// Cost: O(rows x shares), so many shares that tables fit the budget.
pub(super) fn group(chunks: &[Chunk], rows: usize, budget: Budget) -> Result<Txns> {
    let held = budget.for_records().unwrap_or(u64::MAX).max(1);
    let shares = (rows as u64 * ENTRY_BYTES * rayon::current_num_threads() as u64).div_ceil(held);
    let bits = shares.next_power_of_two().trailing_zeros().clamp(1, 10);
    let runs = (0..1 << bits).into_par_iter().map(|share| first_rows(chunks, rows, (share, bits), budget));
    let runs: Vec<ScalarBuffer<u32>> = runs.collect::<Result<_>>()?;
    let mut runs: Vec<_> = runs.iter().map(|run| run.iter().copied()).collect();
    let mut firsts = Firsts::new(rows);
    let mut first_of = ColumnWriter::new(budget, rows)?;
    let mut first_row = ColumnWriter::new(budget, rows)?;
    for_each_id(chunks, |row, id| {
        let known = id.and_then(|(hash, _)| runs[share_of(hash, bits)].next());
        let first = known.unwrap_or(row);
        if first == row {
            firsts.set(row);
            first_row.push(row);
        }
        first_of.push(first);
    });
    firsts.count();
    let first_of = first_of.finish()?;
    let mut of_row = ColumnWriter::new(budget, rows)?;
    of_row.extend(first_of.iter().map(|&first| firsts.before(first)));
    if first_row.len() == rows {
        return Ok(Txns::EachRow);
    }
    Ok(Txns::Grouped { of_row: of_row.finish()?, first_row: first_row.finish()? })
}

fn share_of(hash: u32, bits: u32) -> usize {
    (hash >> (32 - bits)) as usize
}

/// Calls `each` with every row, and the hash and the place of its id if it has one.
fn for_each_id<'c>(chunks: &'c [Chunk], mut each: impl FnMut(u32, Option<(u32, (&'c Chunk, usize))>)) {
    for chunk in chunks {
        for at in 0..chunk.rows {
            let id = chunk.txn.as_ref().filter(|ids| !ids.is_null(at));
            let id = id.map(|_| (hash_of(chunk, at), (chunk, at)));
            each((chunk.first_row + at as u64) as u32, id);
        }
    }
}

/// For each row of a share, in order, the first row of its transaction.
fn first_rows(
    chunks: &[Chunk],
    rows: usize,
    (share, bits): (usize, u32),
    budget: Budget,
) -> Result<ScalarBuffer<u32>> {
    let mut seen: HashTable<(u32, u32)> = HashTable::new();
    let mut run = ColumnWriter::new(budget, rows)?;
    for_each_id(chunks, |row, id| {
        let Some((hash, place)) = id.filter(|(hash, _)| share_of(*hash, bits) == share) else { return };
        let same =
            |&(other, first): &(u32, u32)| other == hash && id_at(locate(chunks, first)) == id_at(place);
        let first = if let Some(&(_, first)) = seen.find(spread(hash), same) {
            first
        } else {
            seen.insert_unique(spread(hash), (hash, row), |other| spread(other.0));
            row
        };
        run.push(first);
    });
    run.finish()
}

fn id_at((chunk, at): (&Chunk, usize)) -> Option<Datum<'_>> {
    chunk.txn.as_ref().and_then(|ids| ids.get(at))
}

/// Which rows are the first of their transaction.
struct Firsts {
    bits: Vec<u64>,
    /// How many come before each word.
    before: Vec<u32>,
}

impl Firsts {
    fn new(rows: usize) -> Self {
        Firsts { bits: vec![0; rows.div_ceil(64)], before: Vec::new() }
    }

    fn set(&mut self, row: u32) {
        self.bits[row as usize / 64] |= 1 << (row % 64);
    }

    fn count(&mut self) {
        let counts = self.bits.iter().scan(0, |sum, word| {
            let before = *sum;
            *sum += word.count_ones();
            Some(before)
        });
        self.before = counts.collect();
    }

    /// How many come before `row`.
    fn before(&self, row: u32) -> u32 {
        let word = row as usize / 64;
        self.before[word] + (self.bits[word] & ((1 << (row % 64)) - 1)).count_ones()
    }
}
