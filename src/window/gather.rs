//! The writes of each key, stretch by stretch: for logs in order of time whose keys are too hot to be
//! met one by one.
//!
//! What the whole log's partitions do, done where it fits the cache: a stretch and the blocks that it must
//! look back to are a few thousand rows, of which nothing is copied but fingerprints. A key as hot as the
//! log is long is judged by all threads, a stretch each.

use std::ops::Range;

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::At;
use super::join::{CACHED, REACH_MAX};
use super::plan::{BLOCK, Block, Plan};
use super::stream::Stream;
use crate::history::{Segment, Writes};
use crate::scatter::States;

/// Visits, for each stretch of the log, its keys: the places of a key's writes in the stretch and in the
/// blocks before it whose writes may meet these, and how many of them, which stand first, are of those
/// blocks: they met each other in stretches before. Keys with one write, or none in the stretch, are left
/// out. `visit` is given the state of its thread's share; the states come back.
///
/// `None` if too many writes are in reach at a time, unless the caller `insist`s, if the budget does not
/// hold a stretch for each thread, or if partitions of the whole log are better.
///
/// Cost: O(rows) expected; memory O(rows in a window) a thread.
pub(crate) fn for_each_key<T: Send>(
    writes: &Writes<'_>,
    isa: Isa,
    insist: bool,
    make: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, &[At], usize) + Sync,
) -> Option<Vec<T>> {
    let stream = Stream { writes, isa };
    let mut plan = writes.measure("scan", 16, || Plan::whole(stream));
    if insist {
        plan = plan.finer(stream);
    }
    // Where it is forced upon a log, however small that is, it has several stretches.
    let stretches =
        if insist { (0..plan.blocks.len()).map(|at| at..at + 1).collect() } else { plan.short_stretches() };
    let rows = |stretch: &Range<usize>| plan.rows(stretch).iter().map(|b| b.len as usize).sum::<usize>();
    let most = stretches.iter().map(rows).max().unwrap_or(0);
    let bytes = (most * Stretch::ROW * rayon::current_num_threads()) as u64;
    if !insist && (plan.reach > REACH_MAX || !writes.budget.holds(bytes) || !is_better(writes, isa, &plan)) {
        return None;
    }
    Some(writes.measure("gather", 8, || {
        let states = States::default();
        let of_stretch = |stretch: &mut Stretch, blocks: Range<usize>| {
            // What was found before tells what need not be told of the next stretch.
            let mut state = states.take().unwrap_or_else(&make);
            stretch.load(stream, &plan, blocks);
            stretch.sort();
            stretch.each_key(writes, |places, before| visit(&mut state, places, before));
            states.leave(state);
        };
        stretches.into_par_iter().for_each_init(Stretch::default, of_stretch);
        states.into_all()
    }))
}

/// Whether stretches are better than partitions of the whole log: where the cache holds a stretch that is long
/// against what it looks back to, where memory is short, and where one key is so much of the log that all threads
/// must judge it.
fn is_better(writes: &Writes<'_>, isa: Isa, plan: &Plan) -> bool {
    let in_cache = 4 * plan.reach <= CACHED;
    let threads = rayon::current_num_threads();
    in_cache
        || !writes.budget.holds(writes.len() as u64 * RECORD)
        || hottest(writes, isa) * 4 * threads > SAMPLES
}

/// Bytes of a record in a partition, and what its table takes.
const RECORD: u64 = 26;

/// Writes that are looked at for a hot key, about.
const SAMPLES: usize = 1 << 12;

/// Of [`SAMPLES`] writes, evenly over the log, how many have the key that most of them have.
fn hottest(writes: &Writes<'_>, isa: Isa) -> usize {
    let step = (writes.len() / SAMPLES).max(1);
    let mut sample = Vec::with_capacity(SAMPLES);
    for (segment, len) in writes.segments.iter().map(Segment::len).enumerate() {
        for first in (0..len).step_by(step) {
            let mut one = [0];
            writes.fingerprints(isa, segment, first, &mut one);
            sample.extend(one);
        }
    }
    sample.sort_unstable();
    sample.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0)
}

impl Plan {
    /// The blocks of a stretch, and before them those that it must look back to.
    fn rows(&self, stretch: &Range<usize>) -> &[Block] {
        let first = self.look_back.get(stretch.start).map_or(0, |&first| first as usize);
        &self.blocks[first..stretch.end]
    }
}

/// The rows of a stretch, sorted by key. Kept from stretch to stretch for its memory.
#[derive(Default)]
struct Stretch {
    fingerprints: Vec<u64>,
    places: Vec<At>,
    /// So many of them are of blocks before the stretch.
    before: usize,
    /// Where each bucket of fingerprints ends.
    ends: Vec<u32>,
    /// Rows by bucket, then fingerprint, then as they stand.
    order: Vec<u32>,
    /// The places of one key.
    group: Vec<At>,
}

impl Stretch {
    /// Bytes a row, up to.
    const ROW: usize = size_of::<u64>() + 2 * size_of::<At>() + 3 * size_of::<u32>();

    fn load(&mut self, stream: Stream<'_>, plan: &Plan, blocks: Range<usize>) {
        self.fingerprints.clear();
        self.places.clear();
        let own: usize = plan.blocks[blocks.clone()].iter().map(|b| b.len as usize).sum();
        let mut fingerprints = [0; BLOCK];
        for block in plan.rows(&blocks) {
            let fingerprints = &mut fingerprints[..block.len as usize];
            stream.fingerprints((block.segment, block.first), fingerprints);
            self.fingerprints.extend_from_slice(fingerprints);
            self.places.extend((block.first..block.first + block.len).map(|row| (block.segment, row)));
        }
        self.before = self.places.len() - own;
    }

    /// Brings rows of equal fingerprints together, as they stand.
    fn sort(&mut self) {
        let rows = self.fingerprints.len();
        let shift = 63 - rows.next_power_of_two().trailing_zeros();
        // Two shifts, since a shift by 64 is none.
        let bucket = |fingerprint: u64| (fingerprint >> 1 >> shift) as usize;
        self.ends.clear();
        self.ends.resize(rows.next_power_of_two(), 0);
        self.fingerprints.iter().for_each(|&f| self.ends[bucket(f)] += 1);
        let mut sum = 0;
        for end in &mut self.ends {
            sum += std::mem::replace(end, sum);
        }
        self.order.clear();
        self.order.resize(rows, 0);
        for (row, &fingerprint) in self.fingerprints.iter().enumerate() {
            let end = &mut self.ends[bucket(fingerprint)];
            self.order[*end as usize] = row as u32;
            *end += 1;
        }
    }

    /// Calls `visit` with the places of each key that has a new write and another one.
    fn each_key(&mut self, writes: &Writes<'_>, mut visit: impl FnMut(&[At], usize)) {
        let mut first = 0;
        for &end in &self.ends {
            let rows = &mut self.order[std::mem::replace(&mut first, end as usize)..end as usize];
            if rows.len() < 2 {
                continue;
            }
            let fingerprint = |row: &u32| self.fingerprints[*row as usize];
            if !rows.is_sorted_by_key(fingerprint) {
                rows.sort_by_key(fingerprint);
            }
            for rows in rows.chunk_by_mut(|a, b| fingerprint(a) == fingerprint(b)) {
                each_key(writes, &self.places, rows, |rows| {
                    let before = rows.partition_point(|&row| (row as usize) < self.before);
                    if rows.len() > 1 && before < rows.len() {
                        self.group.clear();
                        self.group.extend(rows.iter().map(|&row| self.places[row as usize]));
                        visit(&self.group, before);
                    }
                });
            }
        }
    }
}

/// Calls `visit` with the rows of each key, out of rows of one fingerprint.
fn each_key(writes: &Writes<'_>, places: &[At], rows: &mut [u32], mut visit: impl FnMut(&[u32])) {
    let key = |row: &u32| {
        let (segment, at) = places[*row as usize];
        writes.segments[segment as usize].key(at as usize)
    };
    if writes.exact || rows.len() < 2 || rows.windows(2).all(|pair| key(&pair[0]) == key(&pair[1])) {
        visit(rows);
        return;
    }
    // Different keys met in one fingerprint. Stable: rows stay in order within a key.
    rows.sort_by_key(key);
    rows.chunk_by(|a, b| key(a) == key(b)).for_each(&mut visit);
}
