//! Which rows make up a transaction.

use ahash::RandomState;
use hashbrown::HashTable;

use super::check::{Place, row_error};
use super::chunk::Chunk;
use crate::error::Result;
use crate::time::BoundedTimestamp;
use crate::txn::Datum;

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

    /// The same, once every rule of transactions was found kept: rows agree, and stand in one
    /// file.
    pub(super) fn checked(self, chunks: &[Chunk], place: &Place<'_>) -> Result<Self> {
        let Txns::Grouped { of_row, first_row } = &self else { return Ok(self) };
        for chunk in chunks {
            for at in 0..chunk.rows {
                let row = chunk.first_row + at as u64;
                let first = u64::from(first_row[of_row[row as usize] as usize]);
                if first != row {
                    let other = &chunks[chunks.partition_point(|c| c.first_row <= first) - 1];
                    if let Some((column, reason)) =
                        disagreement(other, (first - other.first_row) as usize, chunk, at)
                    {
                        let (path, place_of_first) = place(first);
                        let id = chunk
                            .txn
                            .as_ref()
                            .and_then(|t| t.get(at))
                            .map_or(String::new(), |t| t.to_string());
                        let reason = format!(
                            "{reason} of transaction {id} in row {place_of_first} of {}",
                            path.display()
                        );
                        return Err(row_error(place, row, column, reason));
                    }
                }
            }
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
        for at in 0..chunk.rows {
            let row = chunk.first_row + at as u64;
            match ids.get(at) {
                None => self.alone(row),
                // Rows of a transaction mostly stand together: no look-up then.
                Some(id) if at > 0 && ids.get(at - 1) == Some(id) => {
                    let last = self.of_row[self.of_row.len() - 1];
                    self.of_row.push(last);
                }
                Some(_) => self.look_up(chunk, at),
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

fn locate(chunks: &[Chunk], row: u32) -> (&Chunk, usize) {
    let chunk = &chunks[chunks.partition_point(|c| c.first_row <= u64::from(row)) - 1];
    (chunk, (u64::from(row) - chunk.first_row) as usize)
}

/// How a row of a transaction differs from its first row: the column, and both values.
fn disagreement(first: &Chunk, a: usize, chunk: &Chunk, b: usize) -> Option<(&'static str, String)> {
    if first.file != chunk.file {
        return Some(("txn", "this row stands in another file than the first".to_owned()));
    }
    if first.region.get(a) != chunk.region.get(b) {
        return Some(("region", "the region differs from that of the first row".to_owned()));
    }
    let (was, is) = (first.session_at(a), chunk.session_at(b));
    if was != is {
        let shown = |session: Option<Datum<'_>>| session.map_or("null".to_owned(), |s| s.to_string());
        return Some(("session", format!("{} differs from {}", shown(is), shown(was))));
    }
    if first.status(a) != chunk.status(b) {
        let (was, is) = (first.status(a).name(), chunk.status(b).name());
        return Some(("status", format!("{is} differs from {was}")));
    }
    let (was, is) = (first.times(a), chunk.times(b));
    let bound = |b: Option<BoundedTimestamp>| {
        b.map_or("null".to_owned(), |b| format!("[{}, {}]", b.earliest(), b.latest()))
    };
    let point = |t: Option<i64>| t.map_or("null".to_owned(), |t| t.to_string());
    if was.start_ts != is.start_ts {
        return Some(("start_ts", format!("{} differs from {}", point(is.start_ts), point(was.start_ts))));
    }
    if was.commit_ts != is.commit_ts {
        return Some(("commit_ts", format!("{} differs from {}", point(is.commit_ts), point(was.commit_ts))));
    }
    if was.start != is.start {
        let reason = format!("{} differs from {}", bound(is.start), bound(was.start));
        return Some(("start_earliest and start_latest", reason));
    }
    if was.commit != is.commit || was.assumed != is.assumed {
        let reason = format!("{} differs from {}", bound(is.commit), bound(was.commit));
        return Some(("commit_earliest and commit_latest", reason));
    }
    None
}
