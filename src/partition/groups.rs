//! Partitions become groups of one key each.

use std::ops::Range;

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::collisions::{self, Place, datum};
use super::insert::insert_nearly;
use super::record::Label;
use super::scatter::{Keyed, Scattered, Sink, Split};
use crate::error::Result;
use crate::history::{Segment, Writes};
use crate::log::{Chunk, Log};
use crate::memory::reserve;
use crate::scatter::States;
use crate::txn::Datum;

/// What records carry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Carried {
    /// So many bits of a label's `rest` are zero: they have room for something else.
    pub(crate) least: u32,
    /// Whether commit bounds are read.
    pub(crate) times: bool,
}

/// Visits the writes of every key, each key once, its writes in row order. `record` makes what is
/// carried of a segment's write; `visit` is given the state of its thread's share, and the states
/// come back.
///
/// # Errors
/// If records had to go to a file and it failed.
///
/// Cost: O(writes) expected, and a record a write of memory; with a smaller budget each record is
/// written and read once more. A key's records are held together, and copied, whatever the budget.
pub(crate) fn for_each_key<R: Keyed, T: Send>(
    writes: &Writes<'_>,
    isa: Isa,
    carried: Carried,
    record: impl Fn(&Segment<'_>, usize, Label) -> R + Sync,
    make: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, &[R]) + Sync,
) -> Result<Vec<T>> {
    let states = States::default();
    let fill =
        |piece: Piece, sink: &mut Sink<'_, '_, R>| fill((writes, isa, carried.times), piece, &record, sink);
    scatter(writes, (isa, carried.least), fill, |scattered| {
        each_group(writes.log, writes.exact, scattered, &states, &make, &visit);
        true
    })?;
    Ok(states.into_all())
}

/// Scatters the records of `writes`, round by round, and has `judge` look at each round's until it says no. `fill` hands in
/// those of a piece, with `least` bits of fingerprints cut off for something else.
///
/// # Errors
/// If records had to go to a file and it failed.
pub(super) fn scatter<R: Keyed>(
    writes: &Writes<'_>,
    (isa, least): (Isa, u32),
    fill: impl Fn(Piece, &mut Sink<'_, '_, R>) + Sync,
    mut judge: impl FnMut(&Scattered<R>) -> bool,
) -> Result<()> {
    let split = Split::of(writes.len(), size_of::<R::Words>(), writes.budget, least);
    let stretches = stretches(pieces(writes));
    let lens = stretches.iter().map(|pieces| pieces.iter().map(|(_, rows)| rows.len()).sum());
    let mut scattered: Scattered<R> = Scattered::new(split, lens, writes.spare.clone());
    for round in split.rounds() {
        writes.measure("partition", size_of::<R>(), || {
            scattered.fill(isa, round, |stretch, sink| {
                stretches[stretch].iter().for_each(|piece| fill(piece.clone(), sink));
            })
        })?;
        if !writes.measure("group", size_of::<R>(), || judge(&scattered)) {
            break;
        }
    }
    Ok(())
}

/// Visits the groups of all partitions.
pub(super) fn each_group<R: Keyed, T: Send>(
    log: &Log,
    exact: bool,
    scattered: &Scattered<R>,
    states: &States<T>,
    make: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, &[R]) + Sync,
) {
    let key = |record: &R| place_of_key(log, record);
    let per_task = scattered.len().div_ceil(rayon::current_num_threads() * 8).max(1);
    let tasks: Vec<usize> = (0..scattered.len()).step_by(per_task).collect();
    let task = |first: usize| {
        let (mut state, mut sorter) = (states.take().unwrap_or_else(&make), Sorter::default());
        for partition in first..(first + per_task).min(scattered.len()) {
            sorter.sort(scattered, partition);
            sorter.groups(exact, key, |_| {}, |group| visit(&mut state, group));
        }
        states.leave(state);
    };
    tasks.into_par_iter().for_each(task);
}

/// Rows in a piece: enough that no thread waits long for another.
const PIECE: usize = 1 << 16;

/// Runs of consecutive pieces, a few for each thread.
pub(super) fn stretches<P>(pieces: Vec<P>) -> Vec<Vec<P>> {
    let per_stretch = pieces.len().div_ceil(rayon::current_num_threads() * 4).max(1);
    let mut pieces = pieces.into_iter();
    std::iter::from_fn(|| {
        let stretch: Vec<P> = pieces.by_ref().take(per_stretch).collect();
        (!stretch.is_empty()).then_some(stretch)
    })
    .collect()
}

/// A segment, and some of its writes.
pub(super) type Piece = (usize, Range<usize>);

/// All writes in pieces.
fn pieces(writes: &Writes<'_>) -> Vec<Piece> {
    let lens = writes.segments.iter().map(Segment::len).enumerate();
    lens.flat_map(|(at, len)| cut(len).map(move |rows| (at, rows))).collect()
}

/// Ranges of chunks.
pub(super) fn pieces_of_chunks(log: &Log) -> Vec<(&Chunk, Range<usize>)> {
    log.chunks.iter().flat_map(|c| cut(c.rows).map(move |rows| (c, rows))).collect()
}

fn cut(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(PIECE).map(move |first| first..(first + PIECE).min(rows))
}

/// Hands in the records of some writes of one segment.
pub(super) fn fill<R: Keyed>(
    (writes, isa, times): (&Writes<'_>, Isa, bool),
    (at, rows): Piece,
    record: &impl Fn(&Segment<'_>, usize, Label) -> R,
    sink: &mut Sink<'_, '_, R>,
) {
    const STEP: usize = 512;
    let segment = &writes.segments[at];
    let (mut fingerprints, mut regions) = ([0; STEP], [0; STEP]);
    for first in rows.clone().step_by(STEP) {
        let len = STEP.min(rows.end - first);
        writes.fingerprints(isa, at, first, &mut fingerprints[..len]);
        segment.regions(first, &mut regions[..len]);
        if times {
            writes.prefetch(at, first + len, STEP);
        } else {
            writes.prefetch_keys(at, first + len, STEP);
        }
        sink.take(&fingerprints[..len], |i, rest| {
            record(segment, first + i, Label { rest, region: regions[i], row: segment.row(first + i) })
        });
    }
}

/// The key at a log row.
pub(crate) fn key_at(log: &Log, row: u32) -> Option<Datum<'_>> {
    let (chunk, at) = log.locate(u64::from(row));
    chunk.key.get(at)
}

/// Where the key of a record stands.
pub(super) fn place_of_key<'l, R: Keyed>(log: &'l Log, record: &R) -> Place<'l> {
    let (chunk, at) = log.locate(u64::from(record.key_row()?));
    Some((&chunk.key, at))
}

/// Sorts partitions, one after the other, in the same memory.
pub(super) struct Sorter<R> {
    starts: Vec<u32>,
    records: Vec<R>,
    len: usize,
}

impl<R> Default for Sorter<R> {
    fn default() -> Self {
        Sorter { starts: Vec::new(), records: Vec::new(), len: 0 }
    }
}

/// So many records after those that are visited are expected. What is asked for because of them is on its way
/// then, and little enough to stay near.
const EXPECTED: usize = 64;

impl<R: Keyed> Sorter<R> {
    /// Brings the records of a partition together, equal fingerprints next to each other.
    pub(super) fn sort(&mut self, scattered: &Scattered<R>, partition: usize) {
        let partition = scattered.partition(partition);
        let rows = partition.rows();
        self.len = rows;
        if self.records.len() < rows {
            self.records.clear();
            reserve(&mut self.records, rows);
            self.records.resize(rows, R::ZERO);
        }
        partition.count(&mut self.starts);
        let mut sum = 0;
        for start in &mut self.starts {
            sum += std::mem::replace(start, sum);
        }
        let records = &mut self.records;
        partition.place(&mut self.starts, |at, words| records[at] = R::unpack(words));
        let records = &mut self.records[..rows];
        if !insert_nearly(records, R::fingerprint) {
            // Buckets do not tell the keys apart.
            records.sort_by_key(R::fingerprint);
        }
    }

    /// Calls `visit` with the records of each key, and `expect` with each record some time before that. Where
    /// fingerprints tell keys apart for certain (`exact`), no key is looked up.
    pub(super) fn groups<'k>(
        &mut self,
        exact: bool,
        key: impl Fn(&R) -> Place<'k>,
        expect: impl Fn(&R),
        mut visit: impl FnMut(&[R]),
    ) {
        let records = &mut self.records[..self.len];
        if exact || collisions::none(records, &key) {
            let (mut expected, mut end) = (0, 0);
            for group in records.chunk_by(|a, b| a.fingerprint() == b.fingerprint()) {
                end += group.len();
                let until = (end + EXPECTED).min(records.len());
                records[expected..until].iter().for_each(&expect);
                expected = until;
                visit(group);
            }
            return;
        }
        for group in records.chunk_by_mut(|a, b| a.fingerprint() == b.fingerprint()) {
            // Different keys met in one fingerprint. Stable: rows stay in order within a key.
            group.sort_by_key(|r| datum(key(r)));
            group.chunk_by(|a, b| datum(key(a)) == datum(key(b))).for_each(&mut visit);
        }
    }
}
