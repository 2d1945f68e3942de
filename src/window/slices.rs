//! A log in no order, brought into order of time as far as the join needs it.
//!
//! Writes are scattered by the time of their begins into slices of equal width; what is moved is
//! the half of a fingerprint and a write's number, eight bytes. A slice then is a block of the
//! stream as any other: its rows stand in any order.

use rayon::prelude::*;
use skewer_kernels::{Extent, prefetch_range};

use super::At;
use super::long::{Long, is_long};
use super::plan::{BLOCK, Block};
use super::stream::Stream;
use crate::history::Writes;
use crate::scatter::{Lists, Writer};

/// Rows wanted in a slice: their chains fit the second-level cache.
pub(super) const SLICE_ROWS: usize = 1 << 13;

/// A scatter to more lists than that misses the cache with every store.
const SLICES_MAX: usize = 1 << 11;

/// The half of a fingerprint that is carried.
const HALF: u64 = u64::MAX << 32;

/// Writes by slices of time.
#[derive(Debug)]
pub(super) struct Slices {
    /// Of each stretch of the log.
    lists: Vec<Lists<u64>>,
    /// The number of the first write of each segment.
    starts: Vec<u32>,
}

/// Slices of equal width.
#[derive(Clone, Copy)]
struct Cut {
    first: i64,
    shift: u32,
    slices: usize,
}

impl Cut {
    fn of(blocks: &[Block], slice_rows: usize) -> Option<Cut> {
        let all = blocks.iter().fold(Extent::EMPTY, |all, b| all.merge(b.extent));
        let rows: usize = blocks.iter().map(|b| b.len as usize).sum();
        let wanted = (rows / slice_rows).clamp(1, SLICES_MAX).next_power_of_two() as u64;
        let span = (all.min_begin <= all.max_begin).then(|| all.max_begin.abs_diff(all.min_begin))?;
        let shift = (span / wanted).checked_ilog2().map_or(0, |bits| bits + 1).min(63);
        Some(Cut { first: all.min_begin, shift, slices: (span >> shift) as usize + 1 })
    }

    #[inline]
    fn slice(self, begin: i64) -> usize {
        (begin.wrapping_sub(self.first).cast_unsigned() >> self.shift) as usize
    }

    /// The first and the last tick of a slice.
    fn ends(self, slice: usize) -> (i64, i64) {
        let first = self.first.wrapping_add(((slice as u64) << self.shift).cast_signed());
        (first, first.saturating_add_unsigned((1 << self.shift) - 1))
    }
}

impl Slices {
    /// The writes of `blocks` that are not kept aside, by slices, and the slices as blocks, whose
    /// `first` is their number; `None` if there are none.
    ///
    /// Cost: O(rows), 8 bytes each.
    pub(super) fn of(
        stream: Stream<'_>,
        (blocks, slice_rows): (&[Block], usize),
        long: &Long,
    ) -> Option<(Slices, Vec<Block>)> {
        let cut = Cut::of(blocks, slice_rows)?;
        let starts = starts(stream.writes);
        let per_stretch = blocks.len().div_ceil(rayon::current_num_threads() * 4).max(1);
        let lists: Vec<Lists<u64>> = blocks
            .par_chunks(per_stretch)
            .map(|blocks| {
                let rows = blocks.iter().map(|b| b.len as usize).sum();
                let mut lists = Lists::new(cut.slices, rows);
                let mut sink = lists.writer();
                for block in blocks {
                    let number = starts[block.segment as usize] + block.first;
                    scatter(stream, (block, number), long, |begin| cut.slice(begin), &mut sink);
                }
                lists
            })
            .collect();
        let slices = Slices { lists, starts };
        let block = |slice: usize| {
            let (min_begin, max_begin) = cut.ends(slice);
            let extent = Extent { min_begin, max_begin, ..Extent::EMPTY };
            Block { segment: 0, first: slice as u32, len: slices.len(slice) as u32, extent }
        };
        let blocks = (0..cut.slices).map(block).filter(|b| b.len > 0).collect();
        Some((slices, blocks))
    }

    fn len(&self, slice: usize) -> usize {
        self.slices(slice).map(<[u64]>::len).sum()
    }

    fn slices(&self, slice: usize) -> impl Iterator<Item = &[u64]> {
        self.lists.iter().flat_map(move |lists| lists.list(slice))
    }

    /// The fingerprints of the writes of a slice, as far as they are known; `each` is given the
    /// writes' numbers.
    pub(super) fn load(&self, slice: u32, fingerprints: &mut Vec<u64>, mut each: impl FnMut(u32)) {
        fingerprints.clear();
        for records in self.slices(slice as usize) {
            fingerprints.extend(records.iter().map(|r| r & HALF | r >> 32));
            records.iter().for_each(|r| each(*r as u32));
        }
    }

    /// Where the write of that number stands.
    pub(super) fn at(&self, number: u32) -> At {
        let segment = self.starts.partition_point(|&start| start <= number) - 1;
        (segment as u32, number - self.starts[segment])
    }
}

/// The number of the first write of each segment.
fn starts(writes: &Writes<'_>) -> Vec<u32> {
    let lens = writes.segments.iter().map(|s| s.len() as u32);
    lens.scan(0, |next, len| Some(std::mem::replace(next, *next + len))).collect()
}

fn scatter(
    stream: Stream<'_>,
    (block, number): (&Block, u32),
    long: &Long,
    slice: impl Fn(i64) -> usize,
    sink: &mut Writer<'_, u64>,
) {
    let mut fingerprints = [0; BLOCK];
    let fingerprints = &mut fingerprints[..block.len as usize];
    stream.fingerprints((block.segment, block.first), fingerprints);
    let (begins, ends) = stream.spans(block.segment);
    let next = (block.first + block.len) as usize;
    prefetch_range(stream.writes.key_words(block.segment as usize), next, BLOCK);
    prefetch_range(begins, next, BLOCK);
    let rows = block.first as usize..(block.first + block.len) as usize;
    let begins = &begins[rows.clone()];
    let record = |place: usize| fingerprints[place] & HALF | u64::from(number + place as u32);
    if long.is_empty() {
        begins.iter().enumerate().for_each(|(place, &begin)| sink.push(slice(begin), record(place)));
        return;
    }
    for (place, (&begin, &end)) in begins.iter().zip(&ends[rows]).enumerate() {
        if !is_long(begin, end, long.rest_width) {
            sink.push(slice(begin), record(place));
        }
    }
}
