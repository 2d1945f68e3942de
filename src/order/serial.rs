//! The order itself.

use rayon::prelude::*;

use crate::history::reads_only;
use crate::log::Log;
use crate::time::BoundedTimestamp;
use crate::txn::Times;

/// A row's place in serial order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log row that stands here.
    pub row: u64,
    /// Whether every earlier row certainly precedes this one and no later row certainly comes
    /// before it: a point where the order is certain.
    pub frontier: bool,
}

/// The rows of `log` in serial order.
///
/// Cost: O(rows log rows); less for a log that is nearly in order.
pub fn serial(log: &Log) -> Vec<Place> {
    let mut rows = keyed(log);
    rows.par_sort_by(|a, b| {
        let by_time = (a.stamp.is_none(), a.stamp, a.region).cmp(&(b.stamp.is_none(), b.stamp, b.region));
        by_time.then_with(|| id(log, a.row).cmp(&id(log, b.row))).then(a.row.cmp(&b.row))
    });
    places(&rows)
}

struct Keyed {
    stamp: Option<i64>,
    region: u16,
    row: u32,
    bound: BoundedTimestamp,
}

fn keyed(log: &Log) -> Vec<Keyed> {
    let reads_only = reads_only(log);
    let of_chunk = |chunk: &crate::log::Chunk| {
        let of_row = |at: usize| {
            let row = (chunk.first_row + at as u64) as u32;
            let times = chunk.times(at);
            let times =
                if reads_only(log.txns.of_row(row)) { times.at_start_if_uncommitted() } else { times };
            Keyed { stamp: times.stamp(), region: chunk.region.get(at), row, bound: bound(&times) }
        };
        (0..chunk.rows).map(of_row).collect::<Vec<_>>()
    };
    log.chunks.par_iter().flat_map_iter(of_chunk).collect()
}

/// What is known of when a row took effect; all of time, if nothing is.
fn bound(times: &Times) -> BoundedTimestamp {
    let assigned = times.commit_ts.map(BoundedTimestamp::point);
    times.commit.or(assigned).unwrap_or(BoundedTimestamp::UNBOUNDED)
}

fn id(log: &Log, row: u32) -> Option<crate::txn::Datum<'_>> {
    let (chunk, at) = log.locate(u64::from(row));
    chunk.txn.as_ref().and_then(|t| t.get(at))
}

/// Marks the frontiers: rows that begin after all earlier ones ended, and that no later row
/// ends before.
fn places(rows: &[Keyed]) -> Vec<Place> {
    let mut places: Vec<Place> =
        rows.iter().map(|r| Place { row: u64::from(r.row), frontier: true }).collect();
    let mut latest = None;
    for (place, row) in places.iter_mut().zip(rows) {
        place.frontier &= latest.is_none_or(|l| l < row.bound.earliest());
        latest = latest.max(Some(row.bound.latest()));
    }
    let mut least = i64::MAX;
    for (place, row) in places.iter_mut().zip(rows).rev() {
        place.frontier &= least >= row.bound.earliest();
        least = least.min(row.bound.latest());
    }
    places
}
