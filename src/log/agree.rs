//! The rule that the rows of a transaction agree, and stand in one file.

use std::ops::Range;

use rayon::prelude::*;

use super::check::{Place, row_error};
use super::chunk::{Bounds, Chunk};
use super::codes::Codes;
use super::scalars::Scalars;
use super::times::Ticks;
use super::txns::locate;
use crate::error::{Error, Result};
use crate::txn::{Brief, Datum};

/// Rows that one thread compares at a time.
const SLICE_ROWS: usize = 1 << 16;

/// Two rows of one transaction: its first, and another.
#[derive(Clone, Copy)]
struct Pair<'a> {
    first: (&'a Chunk, usize),
    other: (&'a Chunk, usize),
}

/// Checks that each row agrees with the first of its transaction, where `of_row` is the
/// transaction of each row and `first_row` the first row of each transaction.
///
/// # Errors
/// The first row of the log that does not, with what stands there and in the first row.
///
/// Cost: O(rows), over all threads.
pub(super) fn check(
    chunks: &[Chunk],
    of_row: &[u32],
    first_row: &[u32],
    regions: &[String],
    place: &Place<'_>,
) -> Result<()> {
    let slices: Vec<(&Chunk, Range<usize>)> = chunks
        .iter()
        .flat_map(|c| (0..c.rows).step_by(SLICE_ROWS).map(move |at| (c, at..c.rows.min(at + SLICE_ROWS))))
        .collect();
    let first_of = |chunk: &Chunk, at: usize| first_row[of_row[chunk.first_row as usize + at] as usize];
    let broken = slices.par_iter().map(|(chunk, rows)| {
        let of_row = &of_row[chunk.first_row as usize..][..chunk.rows];
        if chunk.repeats_within_txns(of_row, first_row, rows.clone()) {
            return None;
        }
        rows.clone().find_map(|at| {
            let first = first_of(chunk, at);
            if u64::from(first) == chunk.first_row + at as u64 {
                return None;
            }
            let pair = Pair { first: locate(chunks, first), other: (chunk, at) };
            pair.difference().map(|column| (pair, column))
        })
    });
    match broken.find_first(Option::is_some).flatten() {
        Some((pair, column)) => Err(pair.error(column, regions, place)),
        None => Ok(()),
    }
}

impl Pair<'_> {
    /// The first column in which the rows differ.
    fn difference(&self) -> Option<&'static str> {
        let ((a, i), (b, j)) = (self.first, self.other);
        if a.file != b.file {
            return Some("txn");
        }
        if a.region.get(i) != b.region.get(j) {
            return Some("region");
        }
        if datum(a.session.as_ref(), i) != datum(b.session.as_ref(), j) {
            return Some("session");
        }
        if a.status.get(i) != b.status.get(j) {
            return Some("status");
        }
        let pairs = a.time_columns().into_iter().zip(b.time_columns());
        pairs.into_iter().find_map(|((name, a), (_, b))| (tick(a, i) != tick(b, j)).then_some(name))
    }

    fn error(&self, column: &'static str, regions: &[String], place: &Place<'_>) -> Error {
        let ((a, i), (b, j)) = (self.first, self.other);
        let (path, first_row) = place(a.first_row + i as u64);
        let id = datum(b.txn.as_ref(), j).map_or("null".to_owned(), |id| Brief(id).to_string());
        let row = b.first_row + j as u64;
        if column == "txn" {
            let reason = format!(
                "transaction {id} began in row {first_row} of {}; the rows of a transaction stand in one file",
                path.display()
            );
            return row_error(place, row, column, reason);
        }
        let values = |chunk: &Chunk, at: usize| match column {
            "region" => Brief(Datum::Bytes(name(regions, &chunk.region, at).as_bytes())).to_string(),
            "session" => shown(datum(chunk.session.as_ref(), at).map(Brief)),
            "status" => chunk.status(at).name().to_owned(),
            time => {
                let found = chunk.time_columns().into_iter().find(|(name, _)| *name == time);
                shown(found.and_then(|(_, ticks)| tick(ticks, at)))
            }
        };
        let (is, was) = (values(b, j), values(a, i));
        let reason = format!(
            "is {is}, but {was} in row {first_row}; the rows of a transaction agree, and both are of \
             transaction {id}"
        );
        row_error(place, row, column, reason)
    }
}

/// Whether no value differs from the one before it in the same transaction. Without a branch: all
/// rows are compared, and whether one differs is asked at the end.
fn repeats<T: PartialEq>(
    of_row: &[u32],
    rows: Range<usize>,
    value: impl Fn(usize) -> T,
    constant: bool,
) -> bool {
    constant
        || !rows.fold(false, |differs, at| {
            differs | ((of_row[at] == of_row[at - 1]) & (value(at) != value(at - 1)))
        })
}

fn datum(column: Option<&Scalars>, row: usize) -> Option<Datum<'_>> {
    column.and_then(|c| c.get(row))
}

fn tick(column: Option<&Ticks>, row: usize) -> Option<i64> {
    column.and_then(|c| c.get(row))
}

fn name<'a>(regions: &'a [String], codes: &Codes, row: usize) -> &'a str {
    regions.get(usize::from(codes.get(row))).map_or("", String::as_str)
}

fn shown(value: Option<impl ToString>) -> String {
    value.map_or("null".to_owned(), |v| v.to_string())
}

impl Chunk {
    /// Whether every one of these rows begins its transaction or repeats, column by column, what the
    /// row before it says, of the same transaction: then they agree. False where that is not plain to see.
    fn repeats_within_txns(&self, of_row: &[u32], first_row: &[u32], rows: Range<usize>) -> bool {
        let begins = |at: usize| u64::from(first_row[of_row[at] as usize]) == self.first_row + at as u64;
        let follows = |at: usize| at > 0 && of_row[at] == of_row[at - 1];
        let together = rows.clone().all(|at| follows(at) || begins(at));
        let rows = rows.start.max(1)..rows.end;
        together
            && repeats(of_row, rows.clone(), |at| self.region.get(at), self.region.is_constant())
            && repeats(of_row, rows.clone(), |at| self.status.get(at), self.status.is_constant())
            && self.session.as_ref().is_none_or(|session| {
                let values = session.integers();
                values.is_some_and(|values| repeats(of_row, rows.clone(), |at| values[at], false))
            })
            && self.time_columns().into_iter().filter_map(|(_, ticks)| ticks).all(|ticks| {
                let values = ticks.dense();
                values.is_some_and(|values| repeats(of_row, rows.clone(), |at| values[at], false))
            })
    }

    /// The columns of times, by name, as they were recorded.
    fn time_columns(&self) -> [(&'static str, Option<&Ticks>); 6] {
        fn ends(bounds: Option<&Bounds>) -> (Option<&Ticks>, Option<&Ticks>) {
            (bounds.map(|b| &b.earliest), bounds.map(|b| &b.latest))
        }
        let (start, commit) = (ends(self.start.as_ref()), ends(self.commit.as_ref()));
        [
            ("start_earliest", start.0),
            ("start_latest", start.1),
            ("commit_earliest", commit.0),
            ("commit_latest", commit.1),
            ("start_ts", self.start_ts.as_ref()),
            ("commit_ts", self.commit_ts.as_ref()),
        ]
    }
}
