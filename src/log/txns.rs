//! Which rows make up a transaction.

use arrow::buffer::ScalarBuffer;
use hashbrown::HashTable;

use super::agree;
use super::check::Place;
use super::chunk::Chunk;
use super::shares;
use crate::error::Result;
use crate::memory::{Budget, ColumnWriter};
use crate::txn::Datum;

/// The transactions of a log. They are numbered in the order of their first rows.
#[derive(Debug)]
pub(crate) enum Txns {
    /// Each row is a transaction of its own: transaction `i` is row `i`.
    EachRow,
    /// Rows share transactions.
    Grouped {
        /// The transaction of each row.
        of_row: ScalarBuffer<u32>,
        /// The first row of each transaction.
        first_row: ScalarBuffer<u32>,
    },
}

impl Txns {
    /// Transactions in a log of `rows` rows.
    pub(crate) fn count(&self, rows: u64) -> u64 {
        match self {
            Txns::EachRow => rows,
            Txns::Grouped { first_row, .. } => first_row.len() as u64,
        }
    }

    /// The transaction of a row.
    pub(crate) fn of_row(&self, row: u32) -> u32 {
        match self {
            Txns::EachRow => row,
            Txns::Grouped { of_row, .. } => of_row[row as usize],
        }
    }

    /// The first row of a transaction.
    pub(crate) fn first_row(&self, txn: u32) -> u32 {
        match self {
            Txns::EachRow => txn,
            Txns::Grouped { first_row, .. } => first_row[txn as usize],
        }
    }

    /// The same, once its rows were found to agree and to stand in one file.
    pub(super) fn checked(self, chunks: &[Chunk], regions: &[String], place: &Place<'_>) -> Result<Self> {
        if let Txns::Grouped { of_row, first_row } = &self {
            agree::check(chunks, of_row, first_row, regions, place)?;
        }
        Ok(self)
    }
}

/// Groups rows by transaction id; rows with a null id stand alone.
///
/// Cost: O(rows); nothing is stored where ids are strictly increasing integers, and nothing is looked
/// up where they never decrease. What `budget` does not hold goes to files.
///
/// # Errors
/// If these fail.
pub(super) fn group(chunks: &[Chunk], budget: Budget) -> Result<Txns> {
    if chunks.iter().all(|c| c.txn.is_none()) || in_order(chunks, |a, b| a < b) {
        return Ok(Txns::EachRow);
    }
    // Then an id that differs from the one before it is new.
    let in_order = in_order(chunks, |a, b| a <= b);
    let rows = chunks.iter().map(|c| c.rows).sum();
    if !in_order && shares::needed(rows, budget) {
        return shares::group(chunks, rows, budget);
    }
    let (of_row, first_row) = (ColumnWriter::new(budget, rows)?, ColumnWriter::new(budget, rows)?);
    let mut grouping = Grouping {
        chunks,
        in_order,
        of_row,
        last: 0,
        first_row,
        first_rows: Vec::new(),
        seen: HashTable::new(),
    };
    for chunk in chunks {
        grouping.add(chunk);
    }
    let Grouping { of_row, first_row, .. } = grouping;
    if of_row.len() == first_row.len() {
        return Ok(Txns::EachRow);
    }
    Ok(Txns::Grouped { of_row: of_row.finish()?, first_row: first_row.finish()? })
}

/// Whether all ids are integers of which each two that follow each other stand so.
fn in_order(chunks: &[Chunk], stand: impl Fn(Datum<'_>, Datum<'_>) -> bool + Copy) -> bool {
    let within = chunks.iter().all(|c| c.txn.as_ref().is_some_and(|t| t.integers_stand(stand)));
    let border = |a: &Chunk, b: &Chunk| {
        let last = a.txn.as_ref().and_then(|t| t.get(a.rows - 1));
        let first = b.txn.as_ref().and_then(|t| t.get(0));
        last.zip(first).is_some_and(|(last, first)| stand(last, first))
    };
    within && chunks.windows(2).all(|pair| border(&pair[0], &pair[1]))
}

struct Grouping<'a> {
    chunks: &'a [Chunk],
    /// Whether ids never decrease.
    in_order: bool,
    of_row: ColumnWriter<u32>,
    /// The last of them.
    last: u32,
    first_row: ColumnWriter<u32>,
    /// The same, where they are looked up.
    first_rows: Vec<u32>,
    /// Transactions, each with the hash of its id.
    seen: HashTable<(u32, u32)>,
}

impl Grouping<'_> {
    fn add(&mut self, chunk: &Chunk) {
        let Some(ids) = &chunk.txn else {
            (0..chunk.rows).for_each(|at| self.alone(chunk.first_row + at as u64));
            return;
        };
        for at in 0..chunk.rows {
            // Rows of a transaction mostly stand together: no look-up then.
            let repeats = if at > 0 { ids.repeats(at) } else { self.in_order && self.goes_on(chunk) };
            if repeats {
                self.of_row.push(self.last);
            } else if ids.is_null(at) || self.in_order {
                self.alone(chunk.first_row + at as u64);
            } else {
                self.look_up(chunk, at);
            }
        }
    }

    /// Whether the first id of a chunk is the last of the chunk before it.
    fn goes_on(&self, chunk: &Chunk) -> bool {
        let id = |row: u32| {
            let (chunk, at) = locate(self.chunks, row);
            chunk.txn.as_ref().and_then(|t| t.get(at))
        };
        let first = chunk.first_row as u32;
        first.checked_sub(1).is_some_and(|last| id(last) == id(first))
    }

    fn alone(&mut self, row: u64) {
        self.last = self.first_row.len() as u32;
        self.of_row.push(self.last);
        self.first_row.push(row as u32);
        if !self.in_order {
            self.first_rows.push(row as u32);
        }
    }

    fn look_up(&mut self, chunk: &Chunk, at: usize) {
        let id = chunk.txn.as_ref().and_then(|t| t.get(at));
        let hash = hash_of(chunk, at);
        let (chunks, first_row) = (self.chunks, &self.first_rows);
        let same = |&(other, txn): &(u32, u32)| {
            let (chunk, at) = locate(chunks, first_row[txn as usize]);
            other == hash && chunk.txn.as_ref().and_then(|t| t.get(at)) == id
        };
        if let Some((_, txn)) = self.seen.find(spread(hash), same) {
            self.last = *txn;
            self.of_row.push(self.last);
            return;
        }
        let txn = self.first_row.len() as u32;
        self.alone(chunk.first_row + at as u64);
        self.seen.insert_unique(spread(hash), (hash, txn), |other| spread(other.0));
    }
}

pub(super) fn hash_of(chunk: &Chunk, at: usize) -> u32 {
    let fingerprint = chunk.txn.as_ref().map_or(0, |t| t.fingerprint(at));
    // Of integers the highest bits are mixed best, of the rest all are.
    (fingerprint >> 32) as u32
}

/// As many bits as the table wants.
pub(super) fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The chunk that holds a log row, and the row's place in it.
pub(super) fn locate(chunks: &[Chunk], row: u32) -> (&Chunk, usize) {
    let chunk = &chunks[chunks.partition_point(|c| c.first_row <= u64::from(row)) - 1];
    (chunk, (u64::from(row) - chunk.first_row) as usize)
}
