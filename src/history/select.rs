//! Which writes count, and their times gathered, where those of the log cannot be used in place.

use arrow::buffer::ScalarBuffer;
use rayon::prelude::*;

use super::fates::Fates;
use super::superseded::Superseded;
use super::writes::{Ends, Lacking, Segment};
use crate::error::Result;
use crate::log::{Bounds, Chunk, Log, READ};
use crate::memory::{Budget, ColumnWriter, column_of};
use crate::time::BoundedTimestamp;

/// Rows that one task looks at.
const PIECE: usize = 1 << 16;

/// The rows of each chunk that are committed writes and not superseded; `None` for all.
pub(super) fn select(log: &Log, fates: &Fates, budget: Budget) -> Result<Vec<Option<ScalarBuffer<u32>>>> {
    let dropped = Superseded::of(log, budget);
    let all_committed = matches!(fates, Fates::AllCommitted);
    let whole: Vec<bool> = log
        .chunks
        .par_iter()
        .map(|c| all_committed && !c.has_reads() && !dropped.any(c.first_row, c.rows as u64))
        .collect();
    let keep = |chunk: &Chunk, at: u32| {
        let row = (chunk.first_row + u64::from(at)) as u32;
        let fate = || all_committed || fates.committed(log.txns.of_row(row));
        chunk.op.get(at as usize) != READ && !dropped.has(row) && fate()
    };
    let parts = || log.chunks.iter().zip(&whole).filter(|(_, whole)| !**whole).map(|(chunk, _)| chunk);
    let pieces: Vec<(&Chunk, usize)> =
        parts().flat_map(|c| (0..c.rows).step_by(PIECE).map(move |first| (c, first))).collect();
    let mut selected = ColumnWriter::new(budget, parts().map(|c| c.rows).sum())?;
    let mut counts = vec![0; log.chunks.len()];
    let mut at = 0;
    for pieces in pieces.chunks(rayon::current_num_threads() * 4) {
        let of_piece = |(chunk, first): &(&Chunk, usize)| -> Vec<u32> {
            let rows = *first as u32..(*first + PIECE).min(chunk.rows) as u32;
            rows.filter(|&at| keep(chunk, at)).collect()
        };
        let rows: Vec<Vec<u32>> = pieces.par_iter().map(of_piece).collect();
        for ((chunk, _), rows) in pieces.iter().zip(rows) {
            while log.chunks[at].first_row != chunk.first_row {
                at += 1;
            }
            counts[at] += rows.len();
            selected.extend(rows);
        }
    }
    let selected = selected.finish()?;
    let mut next = 0;
    let of_chunk = |(whole, count): (bool, usize)| {
        let first = next;
        next += count;
        (!whole).then(|| selected.slice(first, count))
    };
    Ok(whole.into_iter().zip(counts).map(of_chunk).collect())
}

/// Committed writers without a commit bound.
pub(super) fn lacking(log: &Log, selected: &[Option<ScalarBuffer<u32>>]) -> Lacking {
    let complete = |c: &Chunk| {
        c.commit.as_ref().is_some_and(|b| b.dense().is_some())
            || (c.clock_error.is_some() && c.commit_ts.as_ref().is_some_and(|t| t.dense().is_some()))
    };
    if log.chunks.iter().all(complete) {
        return Lacking::default();
    }
    let mut seen = vec![false; log.txns.count(log.len()) as usize];
    let (mut count, mut total, mut first) = (0, 0, None::<u32>);
    for (chunk, rows) in log.chunks.iter().zip(selected) {
        let mut add = |at: u32| {
            let txn = log.txns.of_row((chunk.first_row + u64::from(at)) as u32);
            if std::mem::replace(&mut seen[txn as usize], true) {
                return;
            }
            total += 1;
            // The rows of a transaction agree: this one tells for all.
            if chunk.times(at as usize).commit.is_none() {
                count += 1;
                first = Some(first.map_or(txn, |first| first.min(txn)));
            }
        };
        match rows {
            None => (0..chunk.rows as u32).for_each(&mut add),
            Some(rows) => rows.iter().copied().for_each(&mut add),
        }
    }
    Lacking { count, total, first_row: first.map_or(0, |txn| log.txns.first_row(txn)) }
}

/// A chunk and its rows that count.
type Part<'a> = (&'a Chunk, Option<ScalarBuffer<u32>>);

/// The chunks that have writes which count, with the times of these. One without a start starts `lag` ticks
/// before it commits, if starts are wanted at all.
pub(super) fn segments(
    parts: Vec<Part<'_>>,
    lag: Option<u64>,
    has_stamps: bool,
    budget: Budget,
) -> Result<Vec<Segment<'_>>> {
    let bound = |chunk: &Chunk, at: usize| chunk.times(at).commit.unwrap_or(BoundedTimestamp::UNBOUNDED);
    let commit = ends(&parts, |c| c.commit.as_ref(), bound, budget)?;
    let start = match lag {
        None => None,
        Some(lag) => {
            let start = |chunk: &Chunk, at: usize| {
                chunk.times(at).start.unwrap_or_else(|| bound(chunk, at).earlier_by(lag))
            };
            Some(ends(&parts, |c| c.start.as_ref(), start, budget)?)
        }
    };
    let stamp =
        |chunk: &Chunk, at: usize| chunk.times(at).stamp().unwrap_or_else(|| bound(chunk, at).midpoint());
    let stamps = if has_stamps {
        Some(gather(&parts, |c| c.commit_ts.as_ref().and_then(|t| t.dense()), stamp, budget)?)
    } else {
        None
    };
    let (mut start, mut stamps) = (start.map(Vec::into_iter), stamps.map(Vec::into_iter));
    let segment = |((chunk, rows), commit)| Segment {
        chunk,
        rows,
        commit,
        start: start.as_mut().and_then(Iterator::next),
        stamp: stamps.as_mut().and_then(Iterator::next),
    };
    Ok(parts.into_iter().zip(commit).map(segment).collect())
}

/// Both ends of a bound of every write that counts.
fn ends(
    parts: &[Part<'_>],
    column: fn(&Chunk) -> Option<&Bounds>,
    bound: impl Fn(&Chunk, usize) -> BoundedTimestamp + Sync,
    budget: Budget,
) -> Result<Vec<Ends>> {
    let earliest = gather(
        parts,
        |c| column(c).and_then(|b| Some(b.dense()?.0)),
        |c, at| bound(c, at).earliest(),
        budget,
    )?;
    let latest =
        gather(parts, |c| column(c).and_then(|b| Some(b.dense()?.1)), |c, at| bound(c, at).latest(), budget)?;
    Ok(earliest.into_iter().zip(latest).map(|(earliest, latest)| Ends { earliest, latest }).collect())
}

/// One tick of every write that counts, by part: in place where all rows of a chunk count and `column` has
/// them without a null, gathered from there or by `tick` otherwise.
fn gather(
    parts: &[Part<'_>],
    column: impl Fn(&Chunk) -> Option<&ScalarBuffer<i64>> + Sync,
    tick: impl Fn(&Chunk, usize) -> i64 + Sync,
    budget: Budget,
) -> Result<Vec<ScalarBuffer<i64>>> {
    let in_place = |(chunk, rows): &Part<'_>| if rows.is_none() { column(chunk).cloned() } else { None };
    let known: Vec<Option<ScalarBuffer<i64>>> = parts.iter().map(in_place).collect();
    let gathered = || parts.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(part, _)| part);
    let rows = |(chunk, rows): &Part<'_>| rows.as_ref().map_or(chunk.rows, ScalarBuffer::len);
    let mut starts = vec![0];
    gathered().for_each(|part| starts.push(starts[starts.len() - 1] + rows(part)));
    let gathered: Vec<&Part<'_>> = gathered().collect();
    let column = |first: usize, ticks: &mut [i64]| {
        let mut part = starts.partition_point(|&start| start <= first) - 1;
        let (mut ticks, mut first) = (ticks, first);
        while !ticks.is_empty() {
            let len = ticks.len().min(starts[part + 1] - first);
            let (here, rest) = ticks.split_at_mut(len);
            let (chunk, rows) = gathered[part];
            let place = |i: usize| rows.as_ref().map_or(i, |rows| rows[i] as usize);
            let places = (first - starts[part]..).map(place);
            match column(chunk) {
                Some(known) => here.iter_mut().zip(places).for_each(|(t, at)| *t = known[at]),
                None => here.iter_mut().zip(places).for_each(|(t, at)| *t = tick(chunk, at)),
            }
            (ticks, first, part) = (rest, first + len, part + 1);
        }
    };
    let made = column_of(budget, starts[gathered.len()], PIECE, column)?;
    let mut next = starts.windows(2).map(|ends| made.slice(ends[0], ends[1] - ends[0]));
    Ok(known
        .into_iter()
        .map(|known| known.or_else(|| next.next()).unwrap_or_else(|| Vec::new().into()))
        .collect())
}
