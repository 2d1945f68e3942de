//! Which rows make up a transaction.

use ahash::RandomState;
use hashbrown::HashTable;

use super::agree;
use super::check::Place;
use super::chunk::Chunk;
use crate::error::Result;

/// The transactions of a log. They are numbered in the order of their first rows.
#[derive(Debug)]
pub(crate) enum Txns {
    /// Each row is a transaction of its own: transaction `i` is row `i`.
    EachRow,
    /// Rows share transactions.
    Grouped {
        /// The transaction of each row.
        of_row: Vec<u32>,
        /// The first row of each transaction.
        first_row: Vec<u32>,
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
/// Cost: O(rows); nothing is stored where ids are strictly increasing integers.
pub(super) fn group(chunks: &[Chunk]) -> Txns {
    if chunks.iter().all(|c| c.txn.is_none()) || each_row_alone(chunks) {
        return Txns::EachRow;
    }
    let mut grouping = Grouping { chunks, of_row: Vec::new(), first_row: Vec::new(), seen: HashTable::new() };
    for chunk in chunks {
        grouping.add(chunk);
    }
    let Grouping { of_row, first_row, .. } = grouping;
    if of_row.len() == first_row.len() { Txns::EachRow } else { Txns::Grouped { of_row, first_row } }
}

/// Whether all ids are integers that increase from row to row.
fn each_row_alone(chunks: &[Chunk]) -> bool {
    let increasing =
        chunks.iter().all(|c| c.txn.as_ref().is_some_and(super::scalars::Scalars::strictly_increasing));
    let border = |a: &Chunk, b: &Chunk| {
        let last = a.txn.as_ref().and_then(|t| t.get(a.rows - 1));
        let first = b.txn.as_ref().and_then(|t| t.get(0));
        last < first
    };
    increasing && chunks.windows(2).all(|pair| border(&pair[0], &pair[1]))
}

struct Grouping<'a> {
    chunks: &'a [Chunk],
    of_row: Vec<u32>,
    first_row: Vec<u32>,
    seen: HashTable<u32>,
}

impl Grouping<'_> {
    fn add(&mut self, chunk: &Chunk) {
        let Some(ids) = &chunk.txn else {
            (0..chunk.rows).for_each(|at| self.alone(chunk.first_row + at as u64));
            return;
        };
        self.of_row.reserve(chunk.rows);
        for at in 0..chunk.rows {
            // Rows of a transaction mostly stand together: no look-up then.
            if at > 0 && ids.repeats(at) {
                let last = self.of_row[self.of_row.len() - 1];
                self.of_row.push(last);
            } else if ids.is_null(at) {
                self.alone(chunk.first_row + at as u64);
            } else {
                self.look_up(chunk, at);
            }
        }
    }

    fn alone(&mut self, row: u64) {
        self.of_row.push(self.first_row.len() as u32);
        self.first_row.push(row as u32);
    }

    fn look_up(&mut self, chunk: &Chunk, at: usize) {
        let id = chunk.txn.as_ref().and_then(|t| t.get(at));
        let hash = hash_of(chunk, at);
        let (chunks, first_row) = (self.chunks, &self.first_row);
        let same = |txn: &u32| {
            let (chunk, at) = locate(chunks, first_row[*txn as usize]);
            chunk.txn.as_ref().and_then(|t| t.get(at)) == id
        };
        if let Some(txn) = self.seen.find(hash, same) {
            self.of_row.push(*txn);
            return;
        }
        let txn = self.first_row.len() as u32;
        self.alone(chunk.first_row + at as u64);
        let first_row = &self.first_row;
        self.seen.insert_unique(hash, txn, |txn| {
            let (chunk, at) = locate(chunks, first_row[*txn as usize]);
            hash_of(chunk, at)
        });
    }
}

fn hash_of(chunk: &Chunk, at: usize) -> u64 {
    // Fingerprints of integers are mixed already; one more round spreads the low bits of all.
    let fingerprint = chunk.txn.as_ref().map_or(0, |t| t.fingerprint(at));
    RandomState::with_seeds(1, 2, 3, 4).hash_one(fingerprint)
}

/// The chunk that holds a log row, and the row's place in it.
pub(super) fn locate(chunks: &[Chunk], row: u32) -> (&Chunk, usize) {
    let chunk = &chunks[chunks.partition_point(|c| c.first_row <= u64::from(row)) - 1];
    (chunk, (u64::from(row) - chunk.first_row) as usize)
}
