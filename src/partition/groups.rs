//! Partitions become groups of one key each.

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::scatter::{Keyed, Record, Rounds, Scattered, Share, bucket};
use crate::history::{Segment, Writes};
use crate::log::{Chunk, Log};
use crate::txn::Datum;

/// Visits the writes of every key, each key once, its writes in row order. `ticks` gives what a
/// record carries of a segment's write; `visit` is given the state of its thread's share, and
/// the states come back.
///
/// Cost: O(writes) expected, and a record a write of memory; with a smaller budget O(writes x
/// rounds), each round taking its share of the keys.
pub(crate) fn for_each_key<const N: usize, T: Send>(
    writes: &Writes<'_>,
    isa: Isa,
    ticks: impl Fn(&Segment<'_>, usize) -> [i64; N] + Sync,
    make: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, &[Record<N>]) + Sync,
) -> Vec<T> {
    let rounds = Rounds::of(writes.len(), size_of::<Record<N>>(), writes.memory);
    let pieces = pieces(writes, rounds.piece());
    let of_round = |round: usize| {
        let scattered = writes.measure("partition", size_of::<Record<N>>(), || {
            Scattered::of(writes.len(), rounds, pieces.len(), |piece, out: &mut Vec<Record<N>>| {
                let (at, rows) = &pieces[piece];
                let filler = Filler { writes, isa, at: *at, ticks: &ticks };
                filler.fill(rows.clone(), rounds.share(round), out);
            })
        });
        writes.measure("join", size_of::<Record<N>>(), || {
            each_group(writes.log, writes.exact, &scattered, &make, &visit)
        })
    };
    rounds.each().flat_map(of_round).collect()
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

/// Ranges of segments, of at most `len` writes each.
fn pieces(writes: &Writes<'_>, len: usize) -> Vec<(usize, std::ops::Range<usize>)> {
    let cut = |(at, segment): (usize, &Segment<'_>)| {
        let end = segment.len();
        (0..end).step_by(len).map(move |first| (at, first..(first + len).min(end))).collect::<Vec<_>>()
    };
    writes.segments.iter().enumerate().flat_map(cut).collect()
}

/// Ranges of chunks, of at most `len` rows each.
pub(super) fn pieces_of_chunks(log: &Log, len: usize) -> Vec<(&Chunk, std::ops::Range<usize>)> {
    let cut = |c: &'_ Chunk| {
        (0..c.rows).step_by(len).map(|first| first..(first + len).min(c.rows)).collect::<Vec<_>>()
    };
    log.chunks.iter().flat_map(|c| cut(c).into_iter().map(move |rows| (c, rows))).collect()
}

/// Makes records of the writes of one segment.
struct Filler<'a, F> {
    writes: &'a Writes<'a>,
    isa: Isa,
    at: usize,
    ticks: &'a F,
}

impl<F> Filler<'_, F> {
    fn fill<const N: usize>(&self, rows: std::ops::Range<usize>, share: Share, out: &mut Vec<Record<N>>)
    where
        F: Fn(&Segment<'_>, usize) -> [i64; N],
    {
        const STEP: usize = 512;
        let segment = &self.writes.segments[self.at];
        let (mut fingerprints, mut regions) = ([0; STEP], [0; STEP]);
        for first in rows.clone().step_by(STEP) {
            let len = STEP.min(rows.end - first);
            self.writes.fingerprints(self.isa, self.at, first, &mut fingerprints[..len]);
            segment.regions(first, &mut regions[..len]);
            let record = |i: usize| Record {
                fingerprint: fingerprints[i],
                ticks: (self.ticks)(segment, first + i),
                row: segment.row(first + i),
                region: regions[i],
            };
            // A buffer of known length is filled without asking for room row by row.
            if share.is_all() {
                out.extend((0..len).map(record));
            } else {
                out.extend((0..len).filter(|&i| share.takes(fingerprints[i])).map(record));
            }
        }
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
        let place = |r: &R| bucket(r.fingerprint() << scattered.bits_used, bits);
        self.starts.clear();
        self.starts.resize((1 << bits) + 1, 0);
        for slice in scattered.slices(partition) {
            slice.iter().for_each(|record| self.starts[place(record) + 1] += 1);
        }
        for at in 1..self.starts.len() {
            self.starts[at] += self.starts[at - 1];
        }
        for slice in scattered.slices(partition) {
            for record in slice {
                let start = &mut self.starts[place(record)];
                self.records[*start as usize] = *record;
                *start += 1;
            }
        }
        self.sort_buckets();
    }

    /// The records of the partition that was sorted last.
    pub(super) fn records(&self) -> &[R] {
        &self.records
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
            // Where fingerprints tell keys apart for certain, no key is looked up.
            let one_key = || {
                let first = key(group[0].row());
                group[1..].iter().all(|r| key(r.row()) == first)
            };
            if exact || group.len() == 1 || one_key() {
                visit(group);
            } else {
                // Different keys met in one fingerprint. Stable: rows stay in order within a key.
                group.sort_by_key(|r| key(r.row()));
                group.chunk_by(|a, b| key(a.row()) == key(b.row())).for_each(&mut visit);
            }
        }
    }
}
