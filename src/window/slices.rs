//! A log in no order, brought into order of time as far as the join needs it.
//!
//! Writes are scattered by the time of their begins into slices of equal width; what is moved is
//! a part of a fingerprint, the time in its slice at which the write begins, roughly, and its number: eight bytes. A
//! slice then is a block of the stream as any other: its rows stand in any order. Where keys are hot, a slice
//! is brought into the order of its parts when it is met.

use std::ops::RangeInclusive;

use rayon::prelude::*;
use skewer_kernels::{Extent, prefetch_range};

use super::long::{Long, is_long};
use super::plan::{BLOCK, Block};
use super::stream::Stream;
use crate::scatter::{Lists, Writer};

/// Rows wanted in a slice: their chains fit the second-level cache.
pub(super) const SLICE_ROWS: usize = 1 << 13;

/// A scatter to more lists than that misses the cache with every store.
const SLICES_MAX: usize = 1 << 11;

/// A record has the write's number in its lowest bits, then the time in its slice, then the highest bits of its
/// fingerprint. So many of these tell most keys from those that stand near them; what else there is room for, the time
/// has.
const FINGERPRINT_BITS: u32 = 24;

/// Bits of the time, even if less of the fingerprint is left: the more of them, the fewer writes are looked up in vain.
const STEP_BITS: RangeInclusive<u32> = 12..=16;

/// The highest of these name the part of the slice: so many of them that a part has few rows, however many a slice
/// has, since hot keys meet themselves all over a part.
const PART_BITS: RangeInclusive<u32> = 8..=*STEP_BITS.start();

/// Rows wanted in a part.
const PART_ROWS: usize = 32;

/// Writes by slices of time.
#[derive(Debug)]
pub(super) struct Slices {
    cut: Cut,
    /// Of each stretch of the log.
    lists: Vec<Lists<u64>>,
}

/// Slices of equal width.
#[derive(Clone, Copy, Debug)]
struct Cut {
    first: i64,
    /// Ticks of a slice, as a power of two.
    shift: u32,
    slices: usize,
    /// Bits of a write's number.
    number_bits: u32,
    /// Bits of its time in its slice.
    step_bits: u32,
    /// Those of them that name its part.
    part_bits: u32,
}

/// Bits of the time, given those of the number.
fn step_bits(number_bits: u32) -> u32 {
    (u64::BITS - FINGERPRINT_BITS - number_bits).clamp(*STEP_BITS.start(), *STEP_BITS.end())
}

impl Cut {
    fn of(blocks: &[Block], slice_rows: usize, rows_of_log: usize) -> Option<Cut> {
        let all = blocks.iter().fold(Extent::EMPTY, |all, b| all.merge(b.extent));
        let rows: usize = blocks.iter().map(|b| b.len as usize).sum();
        let wanted = (rows / slice_rows).clamp(1, SLICES_MAX).next_power_of_two() as u64;
        let span = (all.min_begin <= all.max_begin).then(|| all.max_begin.abs_diff(all.min_begin))?;
        let shift = (span / wanted).checked_ilog2().map_or(0, |bits| bits + 1).min(63);
        let number_bits = u64::BITS - (rows_of_log as u64).leading_zeros();
        let step_bits = step_bits(number_bits);
        let slices = (span >> shift) as usize + 1;
        let parts = (rows / slices / PART_ROWS).next_power_of_two().trailing_zeros();
        let part_bits = parts.clamp(*PART_BITS.start(), *PART_BITS.end());
        Some(Cut { first: all.min_begin, shift, slices, number_bits, step_bits, part_bits })
    }

    #[inline]
    fn slice(self, begin: i64) -> usize {
        (begin.wrapping_sub(self.first).cast_unsigned() >> self.shift) as usize
    }

    /// Ticks of a part of a slice, as a power of two.
    fn part_shift(self) -> u32 {
        self.shift.saturating_sub(self.part_bits)
    }

    /// Ticks of a step of time, as a power of two.
    fn step_shift(self) -> u32 {
        self.shift.saturating_sub(self.step_bits)
    }

    /// The step of its slice that a begin falls into.
    #[inline]
    fn step(self, begin: i64) -> u64 {
        let within = begin.wrapping_sub(self.first).cast_unsigned() & ((1 << self.shift) - 1);
        within >> self.step_shift()
    }

    #[inline]
    fn record(self, fingerprint: u64, begin: i64, number: u64) -> u64 {
        fingerprint & u64::MAX << (self.number_bits + self.step_bits)
            | self.step(begin) << self.number_bits
            | number
    }

    #[inline]
    fn number_of(self, record: u64) -> u32 {
        (record & !(u64::MAX << self.number_bits)) as u32
    }

    #[inline]
    fn step_of(self, record: u64) -> u64 {
        record >> self.number_bits & ((1 << self.step_bits) - 1)
    }

    #[inline]
    fn part_of(self, record: u64) -> usize {
        (self.step_of(record) >> (self.part_shift() - self.step_shift())) as usize
    }

    /// The fingerprint as far as it is known, with bits that differ at both ends.
    #[inline]
    fn fingerprint_of(self, record: u64) -> u64 {
        let known = self.number_bits + self.step_bits;
        record & u64::MAX << known | record >> known
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
        let cut = Cut::of(blocks, slice_rows, stream.writes.len())?;
        let per_stretch = blocks.len().div_ceil(rayon::current_num_threads() * 4).max(1);
        let lists: Vec<Lists<u64>> = blocks
            .par_chunks(per_stretch)
            .map(|blocks| {
                let rows = blocks.iter().map(|b| b.len as usize).sum();
                let mut lists = Lists::new(cut.slices, rows, &stream.writes.spare);
                let mut sink = lists.writer();
                for block in blocks {
                    let number = stream.writes.number(block.segment as usize, block.first as usize);
                    scatter(stream, (block, number), (long, cut), &mut sink);
                }
                drop(sink);
                lists
            })
            .collect();
        let slices = Slices { cut, lists };
        let block = |slice: usize| {
            let (min_begin, max_begin) = cut.ends(slice);
            let extent = Extent { min_begin, max_begin, ..Extent::EMPTY };
            Block { segment: 0, first: slice as u32, len: slices.len(slice) as u32, extent }
        };
        let blocks = (0..cut.slices).map(block).filter(|b| b.len > 0).collect();
        Some((slices, blocks))
    }

    fn len(&self, slice: usize) -> usize {
        self.lists.iter().map(|lists| lists.len(slice)).sum()
    }

    fn slices(&self, slice: usize) -> impl Iterator<Item = &[u64]> {
        self.lists.iter().flat_map(move |lists| lists.list(slice))
    }

    /// The fingerprints of the writes of a slice, as far as they are known; `each` is given the
    /// writes' numbers.
    pub(super) fn load(&self, slice: u32, fingerprints: &mut Vec<u64>, mut each: impl FnMut(u32)) {
        fingerprints.clear();
        for records in self.slices(slice as usize) {
            fingerprints.extend(records.iter().map(|&record| self.cut.fingerprint_of(record)));
            records.iter().for_each(|&record| each(self.cut.number_of(record)));
        }
    }

    /// Makes `records` those of a slice, in the order of its parts, and `ends` how many of them stand before the end of
    /// each part. What else there is in either is kept for its memory.
    pub(super) fn load_parts<'v>(
        &self,
        slice: u32,
        (records, ends): (&'v mut Vec<u64>, &'v mut Vec<u32>),
    ) -> (&'v [u64], &'v [u32]) {
        let cut = self.cut;
        ends.clear();
        ends.resize(1 << cut.part_bits, 0);
        for list in self.slices(slice as usize) {
            list.iter().for_each(|&record| ends[cut.part_of(record)] += 1);
        }
        let mut sum = 0;
        for end in &mut *ends {
            sum += std::mem::replace(end, sum);
        }
        records.resize(records.len().max(sum as usize), 0);
        for list in self.slices(slice as usize) {
            for &record in list {
                let place = &mut ends[cut.part_of(record)];
                records[*place as usize] = record;
                *place += 1;
            }
        }
        (&records[..sum as usize], ends)
    }

    /// What records of a slice tell: fingerprints as far as they are known, numbers, and the steps of time at which
    /// the writes begin.
    pub(super) fn tell(
        &self,
        slice: u32,
        records: &[u64],
        (fingerprints, numbers, steps): (&mut [u64], &mut [u32], &mut [i64]),
    ) {
        let cut = self.cut;
        let before = u64::from(slice) << (cut.shift - cut.step_shift());
        for (fingerprint, &record) in fingerprints.iter_mut().zip(records) {
            *fingerprint = cut.fingerprint_of(record);
        }
        numbers.iter_mut().zip(records).for_each(|(number, &record)| *number = cut.number_of(record));
        for (step, &record) in steps.iter_mut().zip(records) {
            *step = (before + cut.step_of(record)).cast_signed();
        }
    }

    /// In steps, how far apart writes are known not to meet that do not meet from `span` ticks on.
    pub(super) fn steps(&self, span: u64) -> u64 {
        // Of two steps the ticks may be nearer by up to one step, and by what a shift cuts off.
        (span >> self.cut.step_shift()).saturating_add(2)
    }

    /// The first and the last tick of a part of a slice.
    pub(super) fn ends_of_part(&self, slice: u32, part: usize) -> (i64, i64) {
        let (first, last) = self.cut.ends(slice as usize);
        let shift = self.cut.part_shift();
        let first = first.saturating_add_unsigned((part as u64) << shift);
        (first, first.saturating_add_unsigned((1 << shift) - 1).min(last))
    }
}

fn scatter(
    stream: Stream<'_>,
    (block, number): (&Block, u32),
    (long, cut): (&Long, Cut),
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
    let record =
        |place: usize, begin: i64| cut.record(fingerprints[place], begin, u64::from(number + place as u32));
    if long.is_empty() {
        return sink.append(begins, |&begin| cut.slice(begin), |place, &begin| record(place, begin));
    }
    for (place, (&begin, &end)) in begins.iter().zip(&ends[rows]).enumerate() {
        if !is_long(begin, end, long.rest_width) {
            sink.push(cut.slice(begin), record(place, begin));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a record tells its number and its fingerprint as far as there was room, and of two writes of a slice the
    /// one in the later part, or at the later step, began later; whatever the log's size and the slices' width.
    #[test]
    fn records_tell_what_was_put_in() {
        for (rows, part_bits) in [(50, 8), (10_000_000, 8), (60_000_000, 10), (1 << 31, 12)] {
            for shift in [0, 5, 11, 14, 40, 62] {
                let cut = Cut { part_bits, ..cut(rows, shift) };
                let begins =
                    (0..2_000_u64).map(|i| (skewer_kernels::mix_one(i) >> (64 - shift.max(1))) as i64 - 7);
                let mut known: Vec<_> = begins
                    .filter(|begin| cut.slice(*begin) == 0)
                    .map(|begin| {
                        let fingerprint = skewer_kernels::mix_one(begin.cast_unsigned());
                        let record = cut.record(fingerprint, begin, rows - 1);
                        assert_eq!(u64::from(cut.number_of(record)), rows - 1);
                        assert_eq!(cut.fingerprint_of(record) >> 44, fingerprint >> 44);
                        assert!(cut.part_of(record) < 1 << part_bits);
                        (begin, cut.step_of(record), cut.part_of(record))
                    })
                    .collect();
                known.sort_unstable();
                assert!(known.is_sorted_by_key(|k| k.1) && known.is_sorted_by_key(|k| k.2), "{rows} {shift}");
            }
        }
    }

    /// Slices from -7 on, so many ticks wide as a power of two.
    fn cut(rows: u64, shift: u32) -> Cut {
        let number_bits = u64::BITS - rows.leading_zeros();
        let step_bits = step_bits(number_bits);
        Cut { first: -7, shift, slices: 1, number_bits, step_bits, part_bits: 8 }
    }
}
