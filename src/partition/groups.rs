//! Partitions become groups of one key each.

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::scatter::{Keyed, PIECE, Record, Scattered, bucket};
use crate::history::{Segment, Writes};
use crate::log::Log;
use crate::txn::Datum;

/// Visits the writes of every key, each key once, its writes in row order. `ticks` gives what a
/// record carries of a segment's write; `visit` is given the state of its thread's share, and
/// the states come back.
///
/// Cost: O(writes) expected, and a record a write of memory.
pub(crate) fn for_each_key<const N: usize, T: Send>(
    writes: &Writes<'_>,
    isa: Isa,
    ticks: impl Fn(&Segment<'_>, usize) -> [i64; N] + Sync,
    make: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, &[Record<N>]) + Sync,
) -> Vec<T> {
    let pieces = pieces(writes);
    let scattered = writes.measure("partition", size_of::<Record<N>>(), || {
        Scattered::of(writes.len(), pieces.len(), |piece, out: &mut Vec<Record<N>>| {
            let (at, rows) = &pieces[piece];
            fill(writes, isa, *at, rows.clone(), &ticks, out);
        })
    });
    writes.measure("join", size_of::<Record<N>>(), || {
        each_group(writes.log, writes.exact, &scattered, make, visit)
    })
}

/// Visits the groups of all partitions.
pub(super) fn each_group<R: Keyed, T: Send>(
    log: &Log,
    exact: bool,
    scattered: &Scattered<R>,
    make: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, &[R]) + Sync,
) -> Vec<T> {
    let key = |row: u32| key_at(log, row);
    let per_task = scattered.len().div_ceil(rayon::current_num_threads() * 8).max(1);
    let tasks: Vec<usize> = (0..scattered.len()).step_by(per_task).collect();
    let task = |first: usize| {
        let (mut state, mut sorter) = (make(), Sorter::default());
        for partition in first..(first + per_task).min(scattered.len()) {
            sorter.sort(scattered, partition);
            sorter.groups(exact, key, |group| visit(&mut state, group));
        }
        state
    };
    tasks.into_par_iter().map(task).collect()
}

/// Ranges of segments, of at most [`PIECE`] writes each.
fn pieces(writes: &Writes<'_>) -> Vec<(usize, std::ops::Range<usize>)> {
    let cut = |(at, segment): (usize, &Segment<'_>)| {
        let len = segment.len();
        (0..len).step_by(PIECE).map(move |first| (at, first..(first + PIECE).min(len))).collect::<Vec<_>>()
    };
    writes.segments.iter().enumerate().flat_map(cut).collect()
}

fn fill<const N: usize>(
    writes: &Writes<'_>,
    isa: Isa,
    at: usize,
    rows: std::ops::Range<usize>,
    ticks: &impl Fn(&Segment<'_>, usize) -> [i64; N],
    out: &mut Vec<Record<N>>,
) {
    const STEP: usize = 512;
    let segment = &writes.segments[at];
    let (mut fingerprints, mut regions) = ([0; STEP], [0; STEP]);
    for first in rows.clone().step_by(STEP) {
        let len = STEP.min(rows.end - first);
        writes.fingerprints(isa, at, first, &mut fingerprints[..len]);
        segment.regions(first, &mut regions[..len]);
        out.extend((0..len).map(|i| Record {
            fingerprint: fingerprints[i],
            ticks: ticks(segment, first + i),
            row: segment.row(first + i),
            region: regions[i],
        }));
    }
}

/// The key at a log row.
pub(crate) fn key_at(log: &Log, row: u32) -> Option<Datum<'_>> {
    let (chunk, at) = log.locate(u64::from(row));
    chunk.key.get(at)
}

/// Sorts partitions, one after the other, in the same memory.
pub(super) struct Sorter<R> {
    starts: Vec<u32>,
    records: Vec<R>,
}

impl<R> Default for Sorter<R> {
    fn default() -> Self {
        Sorter { starts: Vec::new(), records: Vec::new() }
    }
}

impl<R: Keyed> Sorter<R> {
    /// Brings the records of a partition together, equal fingerprints next to each other.
    pub(super) fn sort(&mut self, scattered: &Scattered<R>, partition: usize) {
        let rows: usize = scattered.slices(partition).map(<[_]>::len).sum();
        self.records.clear();
        let Some(first) = scattered.slices(partition).find_map(|s| s.first()) else { return };
        self.records.resize(rows, *first);
        // About one record a bucket.
        let bits = rows.next_power_of_two().trailing_zeros().min(20);
        let place = |r: &R| bucket(r.fingerprint() << scattered.bits, bits);
        self.starts.clear();
        self.starts.resize((1 << bits) + 1, 0);
        for record in scattered.slices(partition).flatten() {
            self.starts[place(record) + 1] += 1;
        }
        for at in 1..self.starts.len() {
            self.starts[at] += self.starts[at - 1];
        }
        for record in scattered.slices(partition).flatten() {
            let start = &mut self.starts[place(record)];
            self.records[*start as usize] = *record;
            *start += 1;
        }
        self.sort_buckets();
    }

    /// Each bucket was filled in row order; a stable sort keeps that within equal fingerprints.
    fn sort_buckets(&mut self) {
        let mut begin = 0;
        for &end in &self.starts[..self.starts.len() - 1] {
            let bucket = &mut self.records[begin..end as usize];
            begin = end as usize;
            if !bucket.is_sorted_by_key(R::fingerprint) {
                bucket.sort_by_key(R::fingerprint);
            }
        }
    }

    /// Calls `visit` with the records of each key.
    pub(super) fn groups<'k>(
        &mut self,
        exact: bool,
        key: impl Fn(u32) -> Option<Datum<'k>>,
        mut visit: impl FnMut(&[R]),
    ) {
        for group in self.records.chunk_by_mut(|a, b| a.fingerprint() == b.fingerprint()) {
            let first = key(group[0].row());
            if exact || group.len() == 1 || group[1..].iter().all(|r| key(r.row()) == first) {
                visit(group);
            } else {
                // Different keys met in one fingerprint. Stable: rows stay in order within a key.
                group.sort_by_key(|r| key(r.row()));
                group.chunk_by(|a, b| key(a.row()) == key(b.row())).for_each(&mut visit);
            }
        }
    }
}
